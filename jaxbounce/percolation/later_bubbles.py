"""The integral F(u) of the published wall-area formula, eq. (6), and its derivatives.

    F(u) = ∫₀^∞ z² e^{−z} e^{−u P(4,z)} dz,     P(4,z) = γ(4,z)/6,

is the area of bubbles of all ages z that no bubble born *later* has covered, at
extended volume u = I_p e^y. It is entire in u with F(0) = 2, and falls as
0.30635 (24/u)^{3/4} for large u. Its derivatives are integrals of the same form,

    F⁽ⁿ⁾(u) = ∫₀^∞ z² e^{−z} [−P(4,z)]ⁿ e^{−u P(4,z)} dz,

so automatic differentiation is told F⁽ⁿ⁾' = F⁽ⁿ⁺¹⁾ instead of differentiating an
approximation. `by_quadrature` evaluates the definition on fixed nodes;
`later_bubble_integral` evaluates the same function from polynomials fitted to it
(benchmarks/yields.py shows what that saves), agreeing to 1e-13.
"""

import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.series import evaluate_polynomial, fit_polynomial
from jaxbounce._core.types import Real, RealLike, as_real

_NODES = 112  # ≤ 4e-15 for n = 0…3 and u in 1e-25…1e25 (tests/test_later_bubbles.py)

_MAP_SCALE = 1.9

_CROSSOVER = 24.0  # z⁴ u/24 = 1 sets the width of the integrand at large u

# Panels: in u on [0, 4], and in w = (24/u)^{1/4} on [4, 24] and [24, ∞]. The degrees,
# for n = 0, 1, 2, hold 1e-13 in the function and are not tuned further.
_EDGES_U = (0.0, 4.0)

_EDGES_W_MIDDLE = (1.0, (_CROSSOVER / 4.0) ** 0.25)

_EDGES_W_FAR = (0.0, 1.0)

_DEGREES = ((15, 23, 20), (16, 27, 22), (17, 29, 24))


def incomplete_gamma_4(z: Any, xp: ModuleType = jnp) -> Any:
    """P(4, z) = γ(4, z)/6, the regularised lower incomplete gamma function.

    1 − e^{−z}(1 + z + z²/2 + z³/6) loses all digits below z ≈ 1e-3; there the series
    e^{−z} z⁴/24 Σ 4! zᵏ/(k+4)! is used. `xp` is the array module: `numpy` or `jax.numpy`.
    """
    small = xp.minimum(z, 2.0)
    series = xp.ones_like(small)
    for k in range(30, -1, -1):
        series = 1 + series * small / (k + 5)
    near = xp.exp(-small) * small**4 / 24 * series
    large = xp.maximum(z, 2.0)
    far = 1 - xp.exp(-large) * (1 + large * (1 + large * (0.5 + large / 6)))
    return xp.where(z < 2.0, near, far)


@functools.cache
def _mapped_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes t and weights of ∫₀^∞ dt under t = c (1+q)/(1−q)."""
    q, weight = gauss_legendre(_NODES)
    return _MAP_SCALE * (1 + q) / (1 - q), weight * 2 * _MAP_SCALE / (1 - q) ** 2


def by_quadrature(u: Any, order: int = 0, xp: ModuleType = jnp) -> Any:
    """F⁽ⁿ⁾(u) from its definition, by Gauss–Legendre on z = (1 + u/24)^{−1/4} t.

    Relative error ≤ 1e-14 for n = `order` ≤ 3 and 0 ≤ u ≤ 1e25. Not meant to be
    differentiated; `later_bubble_integral` is.
    """
    t, weight = _mapped_nodes()
    scale = ((1 + u / _CROSSOVER) ** -0.25)[..., None]
    z = scale * t
    fraction = incomplete_gamma_4(z, xp)
    integrand = z**2 * xp.exp(-z - u[..., None] * fraction) * (-fraction) ** order
    return (scale * weight * integrand).sum(-1)


@functools.cache
def _panel_coefficients(order: int) -> tuple[tuple[float, ...], ...]:
    """Polynomials for F⁽ⁿ⁾ on the first panel and u^{n+3/4} F⁽ⁿ⁾ on the other two."""

    def scaled(w: np.ndarray) -> np.ndarray:
        u = _CROSSOVER / w**4
        return u ** (order + 0.75) * by_quadrature(u, order, np)

    degrees = _DEGREES[order]
    return (
        fit_polynomial(lambda u: by_quadrature(u, order, np), *_EDGES_U, degrees[0]),
        fit_polynomial(scaled, *_EDGES_W_MIDDLE, degrees[1]),
        fit_polynomial(scaled, *_EDGES_W_FAR, degrees[2]),
    )


def _on_panel(coefficients: tuple[float, ...], edges: tuple[float, float], x: Real) -> Real:
    """The fit at x, held inside the panel so that an unused branch cannot overflow."""
    return evaluate_polynomial(coefficients, *edges, jnp.clip(x, *edges))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _integral(u: Real, order: int) -> Real:
    if order >= len(_DEGREES):
        return by_quadrature(u, order)
    near, middle, far = _panel_coefficients(order)
    positive = jnp.maximum(u, _EDGES_U[1])
    w = jnp.sqrt(jnp.sqrt(_CROSSOVER / positive))
    scaled = jnp.where(
        u < _CROSSOVER,
        _on_panel(middle, _EDGES_W_MIDDLE, w),
        _on_panel(far, _EDGES_W_FAR, w),
    )
    # u^{−3/4} = w³/24^{3/4}; the powers of 1/u keep this free of overflow.
    tail = scaled * w**3 * (_CROSSOVER**-0.75) / positive**order
    return jnp.where(u < _EDGES_U[1], _on_panel(near, _EDGES_U, u), tail)


@_integral.defjvp
def _integral_jvp(order: int, primals: Any, tangents: Any) -> tuple[Real, Real]:
    (u,), (u_dot,) = primals, tangents
    return _integral(u, order), _integral(u, order + 1) * u_dot


def later_bubble_integral(u: RealLike, order: int = 0) -> Real:
    """F⁽ⁿ⁾(u) = ∫₀^∞ z² e^{−z} [−P(4,z)]ⁿ e^{−u P(4,z)} dz, elementwise.

    Args:
        u: extended volume I_p e^y ≥ 0, any shape (dimensionless).
        order: n, the derivative wanted; a Python integer.

    Returns:
        F⁽ⁿ⁾(u), the shape of u. Relative error ≤ 1e-13 in float64 for u ≤ 1e25, 4e-7 in
        float32 for u ≤ 1e10. It can be differentiated any number of times; each derivative is
        as accurate as the function.
    """
    if order < 0:
        raise ValueError(f"order = {order}: must be 0 or more")
    return _integral(as_real(u), order)


def _scaled_fit(order: int, near: Bool[Array, "..."], far: Bool[Array, "..."], x: Real) -> Real:
    """The fits of `_panel_coefficients` at u (`near`) or u^{−1/4}, by one Horner scheme for all.

    Coefficients are chosen, not results: three schemes cost three times as much.
    """
    edges = _EDGES_U, _EDGES_W_MIDDLE, _EDGES_W_FAR
    fits = _panel_coefficients(order)

    def chosen(values: Sequence[float]) -> Real:
        return jnp.where(near, values[0], jnp.where(far, values[2], values[1]))

    # s ∈ [−1, 1] = slope x + shift, x = u or (u/24)^{−1/4} = 24^{1/4} u^{−1/4}
    unit = 1.0, _CROSSOVER**0.25, _CROSSOVER**0.25
    slope = chosen([2 * k / (b - a) for k, (a, b) in zip(unit, edges, strict=True)])
    shift = chosen([-(a + b) / (b - a) for a, b in edges])
    s, total = slope * x + shift, jnp.zeros_like(x)
    for k in range(max(map(len, fits)) - 1, -1, -1):
        total = total * s + chosen([fit[k] if k < len(fit) else 0.0 for fit in fits])
    return total


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _weighted(log_u: Real, exponent: Real, order: int) -> Real:
    """e^{exponent} u^{n+1} F⁽ⁿ⁾(u)."""
    if order >= len(_DEGREES):
        return jnp.exp(exponent + (order + 1) * log_u) * by_quadrature(jnp.exp(log_u), order)
    near, far = log_u < np.log(_EDGES_U[1]), log_u >= np.log(_CROSSOVER)
    # beyond u = 4 the fit is u^{n+3/4} F⁽ⁿ⁾: no root, no division, and no overflow
    x = jnp.exp(jnp.where(near, log_u, -log_u / 4))
    power = jnp.where(near, (order + 1) * log_u, log_u / 4)
    return jnp.exp(exponent + power) * _scaled_fit(order, near, far, x)


@_weighted.defjvp
def _weighted_jvp(order: int, primals: Any, tangents: Any) -> tuple[Real, Real]:
    (log_u, exponent), (log_dot, exponent_dot) = primals, tangents
    value = _weighted(log_u, exponent, order)
    slope = (order + 1) * value + _weighted(log_u, exponent, order + 1)
    return value, slope * log_dot + value * exponent_dot


def later_bubble_area(log_u: RealLike, exponent: RealLike = 0.0) -> Real:
    """e^{exponent} (u/2) F(u), elementwise: wall area of eq. (6), with a factor in the exponent.

    Two exponentials and a polynomial, where u/2 times `later_bubble_integral` also takes roots and
    divisions, which cost more. As accurate, and so are its first two derivatives; the next are by
    quadrature, and none where u⁴ overflows.

    Args:
        log_u: ln u, any shape.
        exponent: of the factor, of the same shape or one that broadcasts.
    """
    log_u, exponent = jnp.broadcast_arrays(as_real(log_u), as_real(exponent))
    return _weighted(log_u, exponent, 0) / 2

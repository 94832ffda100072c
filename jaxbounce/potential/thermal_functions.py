"""The thermal functions J_B, J_F of one-loop potentials, through negative masses squared.

    J_B(z) = ∫ x² ln(1 − e^{−E}) dx,  J_F(z) = −∫ x² ln(1 + e^{−E}) dx,  E = √(x² + z), z = m²/T²,

so that a degree of freedom contributes T⁴/(2π²) J(m²/T²) with a positive number of them; the real
part where z < 0. Below z = 6 the high-temperature series less its first Matsubara modes, which
are summed in closed form: what is left converges to the next mode. Above, the integral by
generalised Gauss–Laguerre quadrature. No table, and every derivative has its own formula, so that
neither programs nor rounding grow with the order.

With J goes Coleman and Weinberg's m⁴ ln m²: the logarithms cancel. `regular` is what remains,

    A_B(z) = J_B + (π/6) z₊^{3/2} + (z²/32) ln|z|,  A_F(z) = J_F − (z²/32) ln|z|,

analytic at z = 0, and `cube` is z₊^{3/2}.

Source: L. Dolan and R. Jackiw, Phys. Rev. D 9 (1974) 3320, appendix C, for the series.
"""

import functools
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.series import horner
from jaxbounce._core.types import Real, RealLike, as_real

QuantumStatistics = Literal["boson", "fermion"]

LOWEST = -500.0
"""z below which J is NaN: the series ends, and the imaginary part, a decay width, exceeds it."""

_VACUUM = -1e15  # z below which J is less than rounding beside (z²/32) ln|z|

_SWITCH = 6.0  # z above which the quadrature is used: beyond 8 the series loses digits

_HIGHEST = 1e6  # e^{−√z} underflows long before

_MODES = 8  # that are summed in closed form

_TERMS = 16  # as many as `LOWEST` needs

_NODES = 32  # as many as `_SWITCH` needs

_CONSTANT = {"boson": -(np.pi**4) / 45, "fermion": -7 * np.pi**4 / 360}

_LINEAR = {"boson": np.pi**2 / 12, "fermion": np.pi**2 / 24}

_SIGN = {"boson": 1.0, "fermion": -1.0}

_LOGARITHM = {
    "boson": np.log(16 * np.pi**2) + 1.5 - 2 * np.euler_gamma,
    "fermion": np.log(np.pi**2) + 1.5 - 2 * np.euler_gamma,
}
"""ln a in A = … ± (z²/32) ln a."""


def J_B(z: RealLike) -> Real:
    """∫₀^∞ x² ln(1 − e^{−√(x² + z)}) dx of a boson, z = m²/T²; NaN below `LOWEST`.

    Error ≤ 1e-14 relative above −60, 1e-13 at −100, where J is a small difference. At z = 0
    itself, where the second derivative is infinite, its finite part stands for it.
    """
    return _thermal(as_real(z), "boson", 0)


def J_F(z: RealLike) -> Real:
    """−∫₀^∞ x² ln(1 + e^{−√(x² + z)}) dx of a fermion; as `J_B`."""
    return _thermal(as_real(z), "fermion", 0)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _thermal(z: Real, statistics: QuantumStatistics, order: int) -> Real:
    """The derivative of J of an order, up to 2."""
    near = (z < _SWITCH) & (z >= LOWEST)
    inside = jnp.where(near, z, 1.0)
    logarithm = _LOGARITHM[statistics] - jnp.log(jnp.abs(jnp.where(inside == 0, 1.0, inside)))
    square = _square(inside, logarithm, order) - _of_logarithm(inside, order)
    series = _series(inside, statistics, order) + _SIGN[statistics] * square
    if statistics == "boson":
        series = series - np.pi / 6 * cube(inside, order)
    far = _tail(jnp.where(z < _SWITCH, _SWITCH, z), statistics, order)
    return jnp.where(near, series, jnp.where(z < LOWEST, jnp.nan, far))


@_thermal.defjvp
def _thermal_jvp(
    statistics: QuantumStatistics, order: int, primals: tuple[Real], tangents: tuple[Real]
) -> tuple[Real, Real]:
    (z,), (z_dot,) = primals, tangents
    if order == 2:
        return jax.jvp(lambda z: _thermal.fun(z, statistics, order), primals, tangents)
    return _thermal(z, statistics, order), _thermal(z, statistics, order + 1) * z_dot


def regular(statistics: QuantumStatistics, z: Real, order: int = 0) -> Real:
    """A_B or A_F, what J and the logarithm of the vacuum make together, or a derivative of it.

    Towards z → −∞, where T → 0, it is ±(z²/32) ln|z|; NaN where that does not hold yet and the
    series does not any more.
    """
    if order > 2:
        return jax.jvp(lambda z: regular(statistics, z, order - 1), (z,), (jnp.ones_like(z),))[1]
    return _regular(z, statistics, order)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _regular(z: Real, statistics: QuantumStatistics, order: int) -> Real:
    near, vacuum = (z < _SWITCH) & (z >= LOWEST), z < _VACUUM
    inside, outside = jnp.where(near, z, 1.0), jnp.where(near, _SWITCH, z)
    sign = _SIGN[statistics]
    series = _series(inside, statistics, order)
    series = series + sign * _square(inside, _LOGARITHM[statistics], order)
    far = sign * (
        _square(outside, jnp.log(jnp.abs(outside)), order) + _of_logarithm(outside, order)
    )
    positive = jnp.where(outside > 0, outside, _SWITCH)
    cold = _tail(positive, statistics, order)
    if statistics == "boson":
        cold = cold + np.pi / 6 * cube(positive, order)
    far = far + jnp.where(vacuum, 0.0, jnp.where(z < LOWEST, jnp.nan, cold))
    return jnp.where(near, series, far)


@_regular.defjvp
def _regular_jvp(
    statistics: QuantumStatistics, order: int, primals: tuple[Real], tangents: tuple[Real]
) -> tuple[Real, Real]:
    (z,), (z_dot,) = primals, tangents
    if order == 2:
        return jax.jvp(lambda z: _regular.fun(z, statistics, order), primals, tangents)
    return _regular(z, statistics, order), _regular(z, statistics, order + 1) * z_dot


def cube(z: Real, order: int = 0) -> Real:
    """z^{3/2} where z > 0, else 0, or a derivative of it; 0 at z = 0 in every order.

    That is its contribution to every derivative in a field that z vanishes with the square of.
    """
    factor = (1.0, 1.5, 0.75, -0.375)
    if order >= len(factor):
        raise ValueError(f"order = {order}: derivatives up to {len(factor) - 1} are known")
    return _cube(z, order)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _cube(z: Real, order: int) -> Real:
    positive = jnp.where(z > 0, z, 1.0)
    root = jnp.sqrt(positive)
    value = (positive * root, 1.5 * root, 0.75 / root, -0.375 / (positive * root))[order]
    return jnp.where(z > 0, value, 0.0)


@_cube.defjvp
def _cube_jvp(order: int, primals: tuple[Real], tangents: tuple[Real]) -> tuple[Real, Real]:
    (z,), (z_dot,) = primals, tangents
    if order == 3:
        return jax.jvp(lambda z: _cube.fun(z, order), primals, tangents)
    return _cube(z, order), _cube(z, order + 1) * z_dot


def _of_logarithm(z: Real, order: int) -> Real | float:
    """What a derivative of (z²/32) ln|z| has beside the logarithm."""
    return (0.0, z / 32, 3 / 32)[order]


def _square(z: Real, logarithm: Real | float, order: int) -> Real:
    """A derivative of (z²/32) L at constant L."""
    return (z * z / 32, z / 16, jnp.full_like(z, 1 / 16))[order] * logarithm


def _series(z: Real, statistics: QuantumStatistics, order: int) -> Real:
    """A derivative of A less ±(z²/32) ln a, from `LOWEST` to beyond `_SWITCH`."""
    coefficients, radius, masses = _coefficients(statistics)
    x = z / radius
    for _ in range(order):
        coefficients = np.polynomial.polynomial.polyder(coefficients) / radius
    power = 3 - order
    rest = x**power * horner(tuple(map(float, coefficients[power:])), x)
    linear = (_CONSTANT[statistics] + _LINEAR[statistics] * z, _LINEAR[statistics], 0.0)[order]
    modes = _mode(z[..., None], masses, order).sum(-1)
    return linear - _SIGN[statistics] * np.pi / 3 * modes + rest


def _mode(z: Real, mass: np.ndarray, order: int) -> Real:
    """A derivative of (z + M²)₊^{3/2} less its terms up to z², without cancellation."""
    u = z / mass**2
    real = u > -1
    root = jnp.sqrt(jnp.where(real, 1 + u, 1.0))
    d = jnp.where(real, u, 0.0) / (1 + root)
    scale = jnp.asarray(mass)
    if order == 0:
        return scale**3 * jnp.where(real, -(d**3) * (0.5 + 0.375 * d), -1 - u * (1.5 + 0.375 * u))
    if order == 1:
        return scale * jnp.where(real, -0.75 * d * d, -1.5 - 0.75 * u)
    return jnp.where(real, -0.75 * d / root, -0.75) / scale


@functools.cache
def _coefficients(statistics: QuantumStatistics) -> tuple[np.ndarray, float, np.ndarray]:
    """Of the rest in powers of z/R, the radius R, and the Matsubara frequencies that are summed.

    −2 π^{7/2} Σ_l (−1)^l Γ(l+½)/(l+2)! (z/4π²)^{l+2} Σ_n n^{−2l−1} of a boson, where n counts the
    modes that are left; of a fermion half-odd n and the other sign, 4π² being the same.
    """
    from scipy.special import gamma, zeta

    first = _MODES + (1.0 if statistics == "boson" else 0.5)
    order = np.arange(1, _TERMS + 1)
    # Hurwitz's function is Σ n^{−2l−1}, and first^{2l+4} belongs to the radius
    modes = zeta(2 * order + 1, first) * first ** (2.0 * order + 4)
    terms = 2 * np.pi**3.5 * (-1.0) ** order * gamma(order + 0.5) / gamma(order + 3) * modes
    frequencies = 2 * np.pi * (first - 1 - np.arange(_MODES))
    coefficients = np.concatenate([np.zeros(3), -_SIGN[statistics] * terms])
    return coefficients, float((2 * np.pi * first) ** 2), frequencies


def _tail(z: Real, statistics: QuantumStatistics, order: int) -> Real:
    """A derivative of J where z > 0 is large.

    −⅓ ∫ (E² − z)^{3/2} f(E) dE, by parts, and ½ ∫ (E² − z)^{1/2} f dE, −¼ ∫ (E² − z)^{−1/2} f dE,
    with f the occupation; E = √z + t.
    """
    node, weight = _laguerre(1.5 - order)
    y = jnp.sqrt(jnp.minimum(z, _HIGHEST))[..., None]
    boltzmann = jnp.exp(-y)
    occupied = weight / (1 - _SIGN[statistics] * boltzmann * np.exp(-node))
    square = node + 2 * y
    root = jnp.sqrt(square)  # where a power would cost ten times as much
    integrand = (square * root, root, 1 / root)[order] * occupied
    return (-1 / 3, 0.5, -0.25)[order] * (boltzmann * integrand).sum(-1)


@functools.cache
def _laguerre(power: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of ∫₀^∞ t^power e^{−t} … dt."""
    from scipy.special import roots_genlaguerre

    return roots_genlaguerre(_NODES, power)

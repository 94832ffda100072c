"""Integrals over thermal distributions: densities, speeds and one-sided fluxes, by statistics."""

import functools
from fractions import Fraction
from math import comb, factorial
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxbounce._core.checks import one_of
from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.series import evaluate_polynomial, fit_polynomial, horner
from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.constants import ZETA_3

Statistics = Literal["fermion", "boson", "classical"]

Equilibrium = Literal["exact", "piecewise"]


def check_names(statistics: str, equilibrium: str = "exact") -> None:
    """Raise ConfigurationError for a name that is not one: no formula falls back on another."""
    for what, name, known in (
        ("statistics", statistics, get_args(Statistics)),
        ("equilibrium", equilibrium, get_args(Equilibrium)),
    ):
        one_of(what, name, known)


_SERIES_LIMIT = 1.4  # m/T up to which V(x) is summed in powers of x, beyond in e^{−x}

_POWER_TERMS = 24  # (1.4/π)²⁴·² < 1e-16

_EXPONENTIAL_TERMS = 27  # e^{−1.4·27} < 1e-16

_PART_NODES = 32

_ENERGY_RANGE = 37.0  # e^{−37} < 1e-16: energies this far above the mass no longer count


def occupation(energy: Real, statistics: Statistics) -> Real:
    """Occupation f(E), E in units of T, from e^{−E}: large energies underflow quietly to zero."""
    boltzmann = jnp.exp(-energy)
    if statistics == "fermion":
        return boltzmann / (1 + boltzmann)
    if statistics == "boson":
        return boltzmann / -jnp.expm1(-energy)
    return boltzmann


@functools.cache
def _bernoulli(count: int) -> tuple[Fraction, ...]:
    """Bernoulli numbers B_2, B_4, …, B_{2·count}, exactly."""
    numbers = [Fraction(1)]
    for m in range(1, 2 * count + 1):
        numbers.append(-sum((comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0)) / (m + 1))
    return tuple(numbers[2::2])


@functools.cache
def _power_series(statistics: Statistics) -> tuple[float, ...]:
    """Coefficients of x⁴, x⁶, … in V(x), from V' = ∓2x ln(1 ± e^{−x}) term by term."""
    coefficients: list[float] = []
    for k, number in enumerate(_bernoulli(_POWER_TERMS), start=1):
        weight = -(4**k - 1) if statistics == "fermion" else 1
        coefficients.append(float(2 * weight * number / (2 * k * factorial(2 * k) * (2 * k + 2))))
    return tuple(coefficients)


def log_partition(x: Real, statistics: Statistics) -> Real:
    """∫ₓ^∞ f dE: ±ln(1 ± e^{−x}), or e^{−x}."""
    if statistics == "fermion":
        return jnp.log1p(jnp.exp(-x))
    if statistics == "boson":
        near = jnp.minimum(x, 1.0)
        return jnp.where(x < 1.0, -jnp.log(-jnp.expm1(-near)), -jnp.log1p(-jnp.exp(-x)))
    return jnp.exp(-x)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _speed_integral(x: Real, statistics: Statistics) -> Real:
    if statistics == "classical":
        return 2 * (1 + x) * jnp.exp(-x)
    near = jnp.minimum(x, _SERIES_LIMIT)
    square = near**2
    tail = square**2 * horner(_power_series(statistics), square)
    if statistics == "fermion":
        small = 1.5 * ZETA_3 - np.log(2) * square + near**3 / 3 + tail
    else:
        positive = jnp.where(near > 0, near, 1.0)
        small = 2 * ZETA_3 + square * (jnp.log(positive) - 0.5) - near**3 / 3 + tail
    far = jnp.maximum(x, _SERIES_LIMIT)
    sign = -1.0 if statistics == "fermion" else 1.0
    decay = jnp.exp(-far)
    second = tuple(2 * sign ** (k - 1) / k**2 for k in range(1, _EXPONENTIAL_TERMS + 1))
    third = tuple(2 * sign ** (k - 1) / k**3 for k in range(1, _EXPONENTIAL_TERMS + 1))
    large = decay * (far * horner(second, decay) + horner(third, decay))
    return jnp.where(x < _SERIES_LIMIT, small, large)


@_speed_integral.defjvp
def _speed_integral_jvp(
    statistics: Statistics, primals: tuple[Real], tangents: tuple[Real]
) -> tuple[Real, Real]:
    # V' = −2x ∫ₓ^∞ f dE: exact, and shorter than the derivative of the series
    (x,), (x_dot,) = primals, tangents
    slope = -2 * x * log_partition(jnp.where(x > 0, x, 1.0), statistics)
    return _speed_integral(x, statistics), slope * x_dot


def speed_integral(x: RealLike, statistics: Statistics = "fermion") -> Real:
    """V(x) = ∫ₓ^∞ (E² − x²) f(E) dE, with n v̄ = g T³ V/2π².

    Closed forms: 2x Li₂ + 2 Li₃ of ±e^{−x}, summed in powers of x below 1.4 and of e^{−x}
    above; 2(1 + x)e^{−x} for Maxwell–Boltzmann. Relative error ≤ 1e-14, 0 ≤ x ≤ 700.
    """
    check_names(statistics)
    return _speed_integral(as_real(x), statistics)


def density_by_trapezoid(x: np.ndarray, statistics: Statistics) -> np.ndarray:
    """e^x N(x) from its definition, in NumPy: what the polynomials below are fitted to.

    The trapezoidal rule converges exponentially where the integrand is analytic in a strip:
    in ln p for x < 1, in √(E − x) above. Relative error ≤ 3e-15.
    """
    x = np.asarray(x)[..., None]
    momentum = np.exp(np.linspace(-18.0, 4.0, 96))
    step = 22.0 / 95
    root, step_root = np.linspace(0.0, 6.5, 96, retstep=True)
    cold = np.maximum(x, 1.0)
    p = np.where(x < 1, momentum, root * np.sqrt(root**2 + 2 * cold))
    excess = np.where(x < 1, momentum**2 / (np.hypot(momentum, x) + x), root**2)  # E − x
    # p E dE = p³ d ln p = p E 2√(E−x) d√(E−x)
    measure = np.where(x < 1, p**3 * step, 2 * p * (x + root**2) * root * step_root)
    sign = {"fermion": 1.0, "boson": -1.0, "classical": 0.0}[statistics]
    return (measure / (np.exp(excess) + sign * np.exp(-x))).sum(-1)


_DENSITY_EDGES = (1.5, 8.0)

_DENSITY_DEGREES = (17, 26, 26)


@functools.cache
def _density_logarithm(statistics: Statistics) -> tuple[float, ...]:
    """Coefficients of x², x⁴, … in the factor of ln x in N(x), from its Mellin transform."""
    coefficients = [0.5 if statistics == "boson" else 0.0]
    for j, number in enumerate(_bernoulli(_POWER_TERMS), start=1):
        zeta = {
            "fermion": (4**j - 1) * number / (2 * j),
            "boson": -number / (2 * j),
            "classical": 1,
        }
        factor = Fraction(zeta[statistics]) / (4**j * factorial(j + 1) * factorial(j - 1))
        coefficients.append(-float(factor))
    return tuple(coefficients)


@functools.cache
def _density_polynomials(statistics: Statistics) -> tuple[tuple[float, ...], ...]:
    """Fits of N less its logarithm in x², of e^x N in x, and of e^x N x^{−3/2} in 1/x."""
    near_edge, far_edge = _DENSITY_EDGES

    def regular(square: np.ndarray) -> np.ndarray:
        x = np.sqrt(square)
        logarithm = square * np.polynomial.polynomial.polyval(
            square, _density_logarithm(statistics)
        )
        return np.exp(-x) * density_by_trapezoid(x, statistics) - np.log(x) * logarithm

    def cold(inverse: np.ndarray) -> np.ndarray:
        return density_by_trapezoid(1 / inverse, statistics) * inverse**1.5

    return (
        fit_polynomial(regular, 0.0, near_edge**2, _DENSITY_DEGREES[0]),
        fit_polynomial(
            lambda x: density_by_trapezoid(x, statistics), *_DENSITY_EDGES, _DENSITY_DEGREES[1]
        ),
        fit_polynomial(cold, 0.0, 1 / far_edge, _DENSITY_DEGREES[2]),
    )


def density_integral(x: RealLike, statistics: Statistics = "fermion") -> Real:
    """N(x) = ∫ₓ^∞ p E f(E) dE, with n = g T³ N/2π².

    Polynomials fitted on three ranges of x; near zero they stand beside the exact factor of
    ln x. Relative error ≤ 1e-13, 0 ≤ x ≤ 700.
    """
    check_names(statistics)
    x = as_real(x)
    near_edge, far_edge = _DENSITY_EDGES
    regular, middle, cold = _density_polynomials(statistics)
    small = jnp.where(x < near_edge, x, near_edge)
    positive = jnp.where(small > 0, small, 1.0)
    square = small**2
    near = evaluate_polynomial(regular, 0.0, near_edge**2, square)
    near = near + jnp.log(positive) * square * horner(_density_logarithm(statistics), square)
    # `where`, not `clip`: at an edge itself the branch in use must have its whole derivative
    inner = jnp.where(x < near_edge, near_edge, jnp.where(x < far_edge, x, far_edge))
    between = evaluate_polynomial(middle, near_edge, far_edge, inner)
    large = jnp.where(x < far_edge, far_edge, x)
    far = evaluate_polynomial(cold, 0.0, 1 / far_edge, 1 / large) * large * jnp.sqrt(large)
    decay = jnp.exp(-jnp.where(x < near_edge, near_edge, x))
    return jnp.where(x < near_edge, near, decay * jnp.where(x < far_edge, between, far))


@functools.cache
def _squared_rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1], Gauss–Legendre in the square root: dense near zero."""
    t, weight = gauss_legendre(_PART_NODES)
    root = (1 + t) / 2
    return root**2, weight * root


def _is_slow_part(x: Real, limit: Real) -> Bool[Array, "..."]:
    """Which side of p = `limit` holds less to integrate over: True for p < `limit`."""
    return limit < 1 + jnp.sqrt(jnp.where(x > 0, x, 0.0))


def _part_sums(x: Real, limit: Real, statistics: Statistics) -> tuple[Real, Real]:
    """∫ p² f dp and ∫ f dp over the smaller side of p = `limit`, f at mass x."""
    slow = _is_slow_part(x, limit)
    # E > 0 also at x = 0, where limit = 0: this keeps the boson's 1/E finite
    mass = jnp.where(limit > 0, x, 1.0)
    edge = jnp.sqrt(mass**2 + limit**2)
    square_sum, plain_sum = jnp.zeros_like(x), jnp.zeros_like(x)
    # a loop of terms, not an axis: the compiler keeps it in registers instead of memory
    for node, weight in zip(*_squared_rule(), strict=True):
        energy_fast = edge + _ENERGY_RANGE * float(node)
        p_slow = limit * float(node)
        energy = jnp.where(slow, jnp.sqrt(p_slow**2 + mass**2), energy_fast)
        p = jnp.where(slow, p_slow, jnp.sqrt((energy_fast - mass) * (energy_fast + mass)))
        # dp = limit dt, or E dE/p
        measure = jnp.where(slow, limit, _ENERGY_RANGE * energy_fast / p)
        term = float(weight) * measure * occupation(energy, statistics)
        square_sum, plain_sum = square_sum + p**2 * term, plain_sum + term
    return square_sum, plain_sum


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _part_integral(x: Real, limit: Real, statistics: Statistics) -> Real:
    """∫ p² f dp over p < `limit` or p > `limit`, whichever `_is_slow_part` says."""
    return _part_sums(x, limit, statistics)[0]


@_part_integral.defjvp
def _part_integral_jvp(
    statistics: Statistics, primals: tuple[Real, Real], tangents: tuple[Real, Real]
) -> tuple[Real, Real]:
    # ∂f/∂x = (x/p) ∂f/∂p; by parts, ∂/∂x ∫ p² f dp = x [p f] − x ∫ f dp over either side
    (x, limit), (x_dot, limit_dot) = primals, tangents
    value, occupied = _part_sums(x, limit, statistics)
    moving = limit > 0
    energy = jnp.sqrt(jnp.where(moving, limit**2 + x**2, 1.0))
    edge = jnp.where(moving, limit * occupation(energy, statistics), 0.0)
    edge = jnp.where(_is_slow_part(x, limit), edge, -edge)
    return value, limit * edge * limit_dot + x * (edge - occupied) * x_dot


def moving_flux_integral(x: RealLike, v_w: RealLike, statistics: Statistics = "fermion") -> Real:
    """j(x, v_w): particles hitting the front of a moving wall, J = g T³ j/2π².

    J = n⟨(u + v_w)²/4u Θ(u > v_w) + v_w Θ(u < v_w)⟩ counts hits per wall area and plasma
    time. Splitting at u = v_w, which is E = γx and p = γ v_w x,

        j = ¼(1 + v²) V(γx) + ½(γ v x)² ∫_{γx} f dE + ½ v [N(x) + ∫₀^{γvx} p² f dp],

    a sum of positive terms. The last integral is done over the side of p = γvx that holds
    less. Relative error ≤ 3e-12 for v_w ≤ 0.9999.
    """
    check_names(statistics)
    x, v_w = jnp.broadcast_arrays(as_real(x), as_real(v_w))
    gamma = 1 / jnp.sqrt((1 - v_w) * (1 + v_w))
    slow_limit = gamma * v_w * x
    safe = jnp.where(x > 0, gamma * x, 1.0)
    edge = jnp.where(x > 0, slow_limit**2 * log_partition(safe, statistics), 0.0)
    fast = (1 + v_w**2) * speed_integral(gamma * x, statistics) / 4 + edge / 2
    total = density_integral(x, statistics)
    part = _part_integral(x, slow_limit, statistics)
    slow = jnp.where(_is_slow_part(x, slow_limit), part, total - part)
    return fast + v_w / 2 * (total + slow)

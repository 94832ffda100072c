"""Polynomials and series: powers by Horner's rule, Chebyshev and Legendre series."""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.arrays import xp
from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Real, Scalar


def horner(coefficients: Sequence[float] | Real, x: Real) -> Real:
    """Σ c_k x^k by Horner's rule; where the c_k are arrays, their shape and that of x broadcast."""
    total = coefficients[-1] + jnp.zeros_like(x)
    for k in range(len(coefficients) - 2, -1, -1):
        total = total * x + coefficients[k]
    return total


def fit_polynomial(
    function: Callable[[np.ndarray], np.ndarray], lower: float, upper: float, degree: int
) -> tuple[float, ...]:
    """Coefficients in powers of s ∈ [−1, 1], x = (lower + upper)/2 + s (upper − lower)/2.

    Interpolates at Chebyshev points. For the degrees used here (< 32), whose coefficients
    fall fast, powers of s lose no more than a digit against the Chebyshev basis.
    """
    points = np.polynomial.chebyshev.chebpts1(degree + 1)
    values = function((lower + upper) / 2 + (upper - lower) / 2 * points)
    # discrete orthogonality of the Chebyshev polynomials on these points
    fit = 2 / (degree + 1) * np.polynomial.chebyshev.chebvander(points, degree).T @ values
    fit[0] /= 2
    return tuple(float(c) for c in np.polynomial.chebyshev.cheb2poly(fit))


def evaluate_polynomial(
    coefficients: tuple[float, ...], lower: float, upper: float, x: Real
) -> Real:
    """The interpolant of `fit_polynomial` at x; the caller keeps x inside [lower, upper]."""
    s = (2 * x - (lower + upper)) / (upper - lower)
    return horner(coefficients, s)


_CIRCLE = 128  # points on a circle about the centre of a piece

_TAYLOR = 32  # coefficients taken from them, before the last are spread over the piece


def circles(centres: np.ndarray, radius: float) -> np.ndarray:
    """Points of the complex plane around each centre, for `fit_pieces`: one row a centre."""
    return centres[:, None] + radius * np.exp(2j * np.pi * np.arange(_CIRCLE) / _CIRCLE)


def slopes_on_circles(values: np.ndarray, radius: float) -> np.ndarray:
    """Derivatives on `circles` of an analytic function with these values there."""
    power = np.arange(_CIRCLE)
    # the second half are negative powers: rounding alone
    power[_CIRCLE // 2 :] = 0
    return np.fft.ifft(np.fft.fft(values) * power) / circles(np.zeros(1), radius)


def fit_pieces(values: np.ndarray, radius: float, half_width: float, degree: int) -> np.ndarray:
    """Coefficients in powers of s ∈ [−1, 1], x = centre + s half_width, one row a piece.

    On a circle the Taylor coefficients are those of a Fourier series, each good to rounding,
    (half_width/radius)^k of it: derivatives keep their digits too. What follows the degree wanted
    is spread over the piece by Chebyshev's polynomials.

    Args:
        values: of the function on `circles`, on and within which it is analytic.
        radius: of the circles.
        half_width: half the length of a piece, ≤ a quarter of `radius`.
        degree: of the polynomials.
    """
    shrink = (half_width / radius) ** np.arange(_TAYLOR)
    taylor = np.fft.fft(values).real[:, :_TAYLOR] / _CIRCLE * shrink
    spread, back = np.zeros((_TAYLOR, _TAYLOR)), np.zeros((degree + 1, degree + 1))
    for k, row in enumerate(np.eye(_TAYLOR)):
        spread[k, : k + 1] = np.polynomial.chebyshev.poly2cheb(row[: k + 1])
    for k, row in enumerate(np.eye(degree + 1)):
        back[k, : k + 1] = np.polynomial.chebyshev.cheb2poly(row[: k + 1])
    return (taylor @ spread)[:, : degree + 1] @ back


def chebyshev_sum(coefficients: Float[Array, " k"], x: Real) -> Real:
    """Σ c_k T_k(x), by Clenshaw's recurrence."""

    def step(carry: tuple[Real, Real], c: Scalar) -> tuple[tuple[Real, Real], None]:
        return (c + 2 * x * carry[0] - carry[1], carry[0]), None

    zero = jnp.zeros_like(x) + 0 * coefficients[0]
    (b, b_next), _ = jax.lax.scan(step, (zero, zero), coefficients[:0:-1])
    return coefficients[0] + x * b - b_next


@functools.cache
def legendre_rule(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes, and the maps from nodal values to Legendre coefficients.

    The second array gives the coefficients of the interpolant, the third those of its
    integral from −1 (one degree higher).
    """
    x, weight = gauss_legendre(nodes)
    degree = np.arange(nodes)
    vandermonde = np.polynomial.legendre.legvander(x, nodes - 1)
    to_coefficients = (2 * degree + 1)[:, None] / 2 * (weight[:, None] * vandermonde).T
    to_integral = np.polynomial.legendre.legint(to_coefficients, lbnd=-1, axis=0)
    return x, to_coefficients, to_integral


def legendre_polynomials(count: int, x: Real) -> list[Real]:
    """P_0(x), P_1(x), …, at least two of them, by the three-term recurrence."""
    found = [xp.ones_like(x), x]
    for k in range(1, count - 1):
        found.append(((2 * k + 1) * x * found[-1] - k * found[-2]) / (k + 1))
    return found


def legendre_sum(coefficients: Float[Array, "degrees ..."], x: Real) -> Real:
    """Σ c_k P_k(x)."""
    polynomials = legendre_polynomials(coefficients.shape[0], x)
    total = coefficients[0] + coefficients[1] * x
    for k in range(2, coefficients.shape[0]):
        total = total + coefficients[k] * polynomials[k]
    return total


def legendre_clenshaw(coefficients: Float[Array, "degrees ..."], x: Real) -> Real:
    """Σ c_k P_k(x) by Clenshaw's recurrence in a loop: compiled fast, for many degrees."""
    k = np.arange(coefficients.shape[0], dtype=coefficients.dtype)
    factors = jnp.stack([(2 * k + 1) / (k + 1), (k + 1) / (k + 2)], axis=1)

    def step(carry: tuple[Real, Real], term: tuple[Real, Real]) -> tuple[tuple[Real, Real], None]:
        b, b_next = carry
        c, factor = term
        return (c + factor[0] * x * b - factor[1] * b_next, b), None

    zero = jnp.zeros_like(x + coefficients[0])
    (total, _), _ = jax.lax.scan(step, (zero, zero), (coefficients, factors), reverse=True)
    return total


@functools.cache
def legendre_values(nodes: int) -> np.ndarray:
    """P_k at the Gauss–Legendre nodes, k ≤ `nodes`: from coefficients of an integral to values."""
    x, _, _ = legendre_rule(nodes)
    return np.polynomial.legendre.legvander(x, nodes).T


@functools.cache
def legendre_to_powers(degrees: int) -> np.ndarray:
    """From Legendre coefficients to those of powers: (c @ this) for `degrees` coefficients.

    For degrees below 32 and coefficients that fall off, Horner's rule in powers loses no
    more than a digit.
    """
    return np.stack(
        [
            np.pad(p := np.polynomial.legendre.leg2poly(row), (0, degrees - len(p)))
            for row in np.eye(degrees)
        ]
    )


def looked_up(value: Real, place: Real) -> Real:
    """`value` of a polynomial whose coefficients were looked up, at a place s ∈ [−1, 1] of a piece.

    It is divided by a one that no compiler can foresee. XLA on CPUs keeps a quotient for all who
    need it, and works sums out again for each, or hands them to a library that knows no look-ups:
    then every coefficient becomes an array of its own, and costs ten times as much.
    """
    return value / jnp.where(jnp.abs(place) < jnp.inf, 1.0, place)

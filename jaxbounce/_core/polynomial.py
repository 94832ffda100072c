"""Chebyshev interpolants, made once in NumPy and evaluated in powers by Horner's rule."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import Real


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
    total = jnp.full_like(s, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * s + coefficient
    return total

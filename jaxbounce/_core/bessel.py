"""The modified Bessel function K₁, which JAX has not, for arrays of any size."""

import functools

import jax.numpy as jnp
import numpy as np
import scipy.special as sp

from jaxbounce._core.series import evaluate_polynomial, fit_polynomial, horner
from jaxbounce._core.types import Real, RealLike, as_real

_EDGES = (1.5, 8.0)

_DEGREES = (14, 26, 26)

_POWERS = 15  # terms of I₁ below the first edge: (1.5/2)³⁰/15!² < 1e-27


@functools.cache
def _logarithm() -> tuple[float, ...]:
    """Coefficients of x², x⁴, … in x I₁(x), the factor of ln x in x K₁(x)."""
    return tuple(
        float(2 / (4.0**k * sp.factorial(k) * sp.factorial(k - 1))) for k in range(1, _POWERS)
    )


@functools.cache
def _fits() -> tuple[tuple[float, ...], ...]:
    """Fits of x K₁ less its logarithm in x², of e^x x K₁ in x, and of e^x √x K₁ in 1/x."""
    near, far = _EDGES

    def regular(square: np.ndarray) -> np.ndarray:
        x = np.sqrt(square)
        return x * sp.k1(x) - np.log(x) * x * sp.i1(x)

    return (
        fit_polynomial(regular, 0.0, near**2, _DEGREES[0]),
        fit_polynomial(lambda x: x * sp.k1e(x), near, far, _DEGREES[1]),
        fit_polynomial(lambda y: sp.k1e(1 / y) / np.sqrt(y), 0.0, 1 / far, _DEGREES[2]),
    )


def x_bessel_k1(x: RealLike) -> Real:
    """x K₁(x) for x ≥ 0: 1 at x = 0, √(πx/2) e^{−x} far out.

    Polynomials fitted on three ranges, near zero beside the exact factor of ln x. Relative error
    ≤ 1e-13, 0 ≤ x ≤ 700.
    """
    x = as_real(x)
    near_edge, far_edge = _EDGES
    regular, middle, far = _fits()
    # `where`, not `clip`: at an edge itself the branch in use must have its whole derivative
    small = jnp.where(x < near_edge, x, near_edge)
    square = small**2
    logarithm = jnp.log(jnp.where(small > 0, small, 1.0))
    near = evaluate_polynomial(regular, 0.0, near_edge**2, square)
    near = near + logarithm * square * horner(_logarithm(), square)
    inner = jnp.where(x < near_edge, near_edge, jnp.where(x < far_edge, x, far_edge))
    between = evaluate_polynomial(middle, near_edge, far_edge, inner)
    large = jnp.where(x < far_edge, far_edge, x)
    outside = evaluate_polynomial(far, 0.0, 1 / far_edge, 1 / large) * jnp.sqrt(large)
    decay = jnp.exp(-jnp.where(x < near_edge, near_edge, x))
    return jnp.where(x < near_edge, near, decay * jnp.where(x < far_edge, between, outside))

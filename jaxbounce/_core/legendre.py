"""Gauss–Legendre nodes, and Legendre series of functions given on them and of their integrals."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.types import Real


@functools.cache
def legendre_rule(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes, and the maps from nodal values to Legendre coefficients.

    The second array gives the coefficients of the interpolant, the third those of its
    integral from −1 (one degree higher).
    """
    x, weight = np.polynomial.legendre.leggauss(nodes)
    degree = np.arange(nodes)
    vandermonde = np.polynomial.legendre.legvander(x, nodes - 1)
    to_coefficients = (2 * degree + 1)[:, None] / 2 * (weight[:, None] * vandermonde).T
    to_integral = np.polynomial.legendre.legint(to_coefficients, lbnd=-1, axis=0)
    return x, to_coefficients, to_integral


def legendre_sum(coefficients: Float[Array, "degrees ..."], x: Real) -> Real:
    """Σ c_k P_k(x) by the three-term recurrence."""
    previous, current = jnp.ones_like(x), x
    total = coefficients[0] + coefficients[1] * x
    for k in range(1, coefficients.shape[0] - 1):
        previous, current = current, ((2 * k + 1) * x * current - k * previous) / (k + 1)
        total = total + coefficients[k + 1] * current
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

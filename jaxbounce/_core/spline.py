"""Cubic splines with not-a-knot or natural ends, differentiable in their values."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import Real


def spline_curvatures(knots: Real, values: Float[Array, "k n"]) -> Float[Array, "k n"]:
    """Second derivatives at the knots of the not-a-knot cubic splines through `values`.

    The two not-a-knot conditions are eliminated, which leaves a tridiagonal system.
    """
    h = jnp.diff(knots)
    slope = jnp.diff(values) / h
    right = 6 * jnp.diff(slope)
    below, diagonal, above = h[:-1], 2 * (h[:-1] + h[1:]), h[1:]
    # c_0 = (1 + h_0/h_1) c_1 − (h_0/h_1) c_2, and the mirror image at the other end
    first, last = h[0] / h[1], h[-1] / h[-2]
    diagonal = diagonal.at[0].add(h[0] * (1 + first)).at[-1].add(h[-1] * (1 + last))
    above = above.at[0].add(-h[0] * first).at[-1].set(0.0)
    below = below.at[-1].add(-h[-1] * last).at[0].set(0.0)
    inner = jax.lax.linalg.tridiagonal_solve(below, diagonal, above, right.T).T
    start = (1 + first) * inner[:, 0] - first * inner[:, 1]
    end = (1 + last) * inner[:, -1] - last * inner[:, -2]
    return jnp.concatenate([start[:, None], inner, end[:, None]], axis=1)


def natural_curvatures(knots: Real, values: Float[Array, "k n"]) -> Float[Array, "k n"]:
    """Second derivatives at the knots of the natural cubic splines through `values`: 0 at ends."""
    h = jnp.diff(knots)
    right = 6 * jnp.diff(jnp.diff(values) / h)
    below, above = h[:-1].at[0].set(0.0), h[1:].at[-1].set(0.0)
    inner = jax.lax.linalg.tridiagonal_solve(below, 2 * (h[:-1] + h[1:]), above, right.T).T
    return jnp.pad(inner, ((0, 0), (1, 1)))


def evaluate_spline(
    knots: Real, values: Float[Array, "k n"], curvatures: Float[Array, "k n"], x: Real
) -> Float[Array, "k ..."]:
    """The splines with those second derivatives at the knots at x, constant beyond them."""
    x = jnp.clip(x, knots[0], knots[-1])
    i = jnp.clip(jnp.searchsorted(knots, x, side="right") - 1, 0, knots.size - 2)
    h = knots[i + 1] - knots[i]
    b = (x - knots[i]) / h
    a = 1 - b
    linear = a * values[:, i] + b * values[:, i + 1]
    bend = a * (a**2 - 1) * curvatures[:, i] + b * (b**2 - 1) * curvatures[:, i + 1]
    return linear + h**2 / 6 * bend

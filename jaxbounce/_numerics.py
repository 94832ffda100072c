"""Small numerical tools that several modules share: eliminations and roots, differentiable."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbounce._types import Scalar

_BISECTIONS = 52


def eliminate(
    matrix: Float[Array, "... m m"], right: Float[Array, "... m k"], smallest: float = 0.0
) -> tuple[Float[Array, "... m k"], Int[Array, "..."]]:
    """Gauss–Jordan elimination of symmetric matrices without pivoting, many at once.

    Plain array operations rather than LAPACK, and deliberately: batched LAPACK calls that
    XLA runs side by side in one program on a CPU can wait for each other for ever (seen in
    jaxlib 0.10.2), and what a caller puts into one program is not ours to order. Good for
    definite matrices and for those with few negative eigenvalues; the signs of the pivots
    count them (Sylvester's law of inertia).

    Args:
        matrix: symmetric.
        right: right-hand sides.
        smallest: a pivot of this size or less, relative to the largest entry, counts as
            zero and leaves its unknown at zero.

    Returns:
        The solution and the number of negative pivots.
    """
    size = matrix.shape[-1]
    table = jnp.concatenate([matrix, right], axis=-1)
    negative = jnp.zeros(matrix.shape[:-2], int)
    rows = jnp.arange(size)[:, None]
    floor = smallest * jnp.abs(matrix).max((-1, -2), keepdims=True)

    def step(j, state):
        table, negative = state
        row = jax.lax.dynamic_index_in_dim(table, j, table.ndim - 2)
        column = jax.lax.dynamic_index_in_dim(table, j, table.ndim - 1)
        pivot = jax.lax.dynamic_index_in_dim(row, j, row.ndim - 1)
        zero = jnp.abs(pivot) <= floor
        row = row * jnp.where(zero, 0.0, 1 / jnp.where(zero, 1.0, pivot))
        table = jnp.where(rows == j, row, table - column * row)
        return table, negative + (pivot < -floor)[..., 0, 0]

    table, negative = jax.lax.fori_loop(0, size, step, (table, negative))
    return table[..., size:], negative


def bracketed_root(function: Callable[[Scalar], Scalar], lower: Scalar, upper: Scalar) -> Scalar:
    """The root of `function` between two points at which its signs differ.

    Bisection to the last digit: Newton steps would be quicker, but their tangents double
    the program. Differentiated by the implicit-function theorem, to any order, in whatever
    `function` closes over.
    """

    def solve(f: Callable[[Scalar], Scalar], _: Scalar) -> Scalar:
        rising = f(upper) >= 0

        def bisect(_, bracket: tuple[Scalar, Scalar]) -> tuple[Scalar, Scalar]:
            left, right = bracket
            half = (left + right) / 2
            beyond = (f(half) >= 0) == rising
            return jnp.where(beyond, left, half), jnp.where(beyond, half, right)

        left, right = jax.lax.fori_loop(0, _BISECTIONS, bisect, (lower, upper))

        return (left + right) / 2

    def solve_linear(tangent: Callable[[Scalar], Scalar], y: Scalar) -> Scalar:
        return y / tangent(jnp.ones_like(y))

    return jax.lax.custom_root(function, (lower + upper) / 2, solve, solve_linear)

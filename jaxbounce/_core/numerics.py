"""Small numerical tools that several modules share: eliminations and roots, differentiable."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.types import Scalar

_BISECTIONS = 52

_PIVOTS = 8  # eliminated at once: half the time of one by one at 24 unknowns, a sixth at 96


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
    floor = smallest * jnp.abs(matrix).max((-1, -2), keepdims=True)
    size, block = matrix.shape[-1], _PIVOTS
    if size <= 2 * block:
        return _eliminate_one_by_one(matrix, right, floor)

    # blocks of pivots: one pass over the table for each block, and most of the work in products
    lead, width = matrix.shape[:-2], -(-size // block) * block
    identity = jnp.broadcast_to(jnp.eye(block), (*lead, block, block))
    added = [(0, 0)] * len(lead) + [(0, width - size)]
    unused = jnp.broadcast_to(jnp.eye(width)[:, size:], (*lead, width, width - size))
    left = jnp.concatenate([jnp.pad(matrix, [*added, (0, 0)]), unused], axis=-1)
    table = jnp.concatenate([left, jnp.pad(right, [*added, (0, 0)])], axis=-1)
    rows = jnp.arange(width)[:, None] // block

    def step(j, state):
        table, negative = state
        row = jax.lax.dynamic_slice_in_dim(table, j * block, block, table.ndim - 2)
        column = jax.lax.dynamic_slice_in_dim(table, j * block, block, table.ndim - 1)
        pivots = jax.lax.dynamic_slice_in_dim(row, j * block, block, row.ndim - 1)
        inverse, more = _eliminate_one_by_one(pivots, identity, floor)
        row = inverse @ row
        table = jnp.where(rows == j, 0.0, table) - jnp.where(rows == j, 0.0, column) @ row
        table = jax.lax.dynamic_update_slice_in_dim(table, row, j * block, table.ndim - 2)
        return table, negative + more

    start = (table, jnp.zeros(lead, int))
    table, negative = jax.lax.fori_loop(0, width // block, step, start)
    return table[..., :size, width:], negative


def _eliminate_one_by_one(
    matrix: Float[Array, "... m m"], right: Float[Array, "... m k"], floor: Float[Array, "... 1 1"]
) -> tuple[Float[Array, "... m k"], Int[Array, "..."]]:
    """`eliminate`, a pivot at a time."""
    size = matrix.shape[-1]
    table = jnp.concatenate([matrix, right], axis=-1)
    negative = jnp.zeros(matrix.shape[:-2], int)
    rows = jnp.arange(size)[:, None]

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


def check_precision(model: Any) -> None:
    """Refuse a model whose numbers are of another precision than this process computes in.

    Raises:
        ConfigurationError: with what to do.
    """
    kinds = {str(getattr(leaf, "dtype", "")) for leaf in jax.tree.leaves(model)}
    double = str(jnp.result_type(float)) == "float64"
    if "float64" in kinds and not double:
        raise ConfigurationError(
            "the model is float64, and this process computes in float32: call"
            " jaxbounce.enable_x64(), or load the model again"
        )
    if double and "float32" in kinds and "float64" not in kinds:
        raise ConfigurationError(
            "the model is float32, and this process computes in float64: load the model again,"
            " after jaxbounce.enable_x64()"
        )

"""Small numerical tools that several modules share: eliminations and roots, differentiable."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxbounce._core.arrays import Array, Real, fori_loop, is_at_once, xp
from jaxbounce._core.errors import ConfigurationError

_BISECTIONS = 52

_BITS = 6  # of the root that are found with one question, where it is asked for at once

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
    if is_at_once() and smallest == 0:
        return _by_lapack(matrix, right)
    floor = smallest * xp.abs(matrix).max((-1, -2), keepdims=True)
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
    table = xp.concatenate([matrix, right], axis=-1)
    negative = xp.zeros(matrix.shape[:-2], int)
    rows = xp.arange(size)[:, None]

    def part(array: Array, j: int, axis: int) -> Array:
        if is_at_once():
            return xp.take(array, xp.asarray([j]), axis)
        return jax.lax.dynamic_index_in_dim(array, j, array.ndim + axis)

    def step(j: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
        table, negative = state
        row, column = part(table, j, -2), part(table, j, -1)
        pivot = part(row, j, -1)
        zero = xp.abs(pivot) <= floor
        row = row * xp.where(zero, 0.0, 1 / xp.where(zero, 1.0, pivot))
        table = xp.where(rows == j, row, table - column * row)
        return table, negative + (pivot < -floor)[..., 0, 0]

    table, negative = fori_loop(0, size, step, (table, negative))
    return table[..., size:], negative


def _by_lapack(
    matrix: Float[Array, "... m m"], right: Float[Array, "... m k"]
) -> tuple[Float[Array, "... m k"], Int[Array, "..."]]:
    """`eliminate` at once, with pivoting; NaN throughout if one of the matrices is singular."""
    negative: Any = np.zeros(matrix.shape[:-2], int)
    try:
        solution: Any = np.linalg.solve(matrix, right)
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            negative = (np.linalg.eigvalsh(matrix) < 0).sum(-1)
    except np.linalg.LinAlgError:
        solution = np.full(
            np.broadcast_shapes(matrix.shape[:-1], right.shape[:-1]) + right.shape[-1:], np.nan
        )
    return solution, negative


def bracketed_root(function: Callable[[Real], Real], lower: Real, upper: Real) -> Real:
    """The root of `function` between two points at which its signs differ.

    Bisection to the last digit: Newton steps would be quicker, but their tangents double
    the program. Differentiated by the implicit-function theorem, to any order, in whatever
    `function` closes over. There may be many brackets; `function` then takes arrays, of which it
    treats each entry by itself (at once, it takes arrays anyway).
    """
    if is_at_once():
        return _sectioned(function, lower, upper)

    def solve(f: Callable[[Real], Real], _: Real) -> Real:
        rising = f(upper) >= 0

        def bisect(_, bracket: tuple[Real, Real]) -> tuple[Real, Real]:
            left, right = bracket
            half = (left + right) / 2
            beyond = (f(half) >= 0) == rising
            return jnp.where(beyond, left, half), jnp.where(beyond, half, right)

        left, right = jax.lax.fori_loop(0, _BISECTIONS, bisect, (lower, upper))

        return (left + right) / 2

    def solve_linear(tangent: Callable[[Real], Real], y: Real) -> Real:
        return y / tangent(jnp.ones_like(y))

    return jax.lax.custom_root(function, (lower + upper) / 2, solve, solve_linear)


def _sectioned(function: Callable[[Real], Real], lower: Real, upper: Real) -> Real:
    """Bisection at once, in many sections with each question."""
    left, right = xp.asarray(lower), xp.asarray(upper)
    rising = function(right) >= 0
    share = xp.linspace(0.0, 1.0, 2**_BITS + 1).reshape(-1, *[1] * left.ndim)
    for _ in range(-(-_BISECTIONS // _BITS)):
        points = left + (right - left) * share
        beyond = (function(points[1:-1]) >= 0) == rising
        # the last of the points before which no sign has changed
        first = xp.where(beyond.any(0), beyond.argmax(0), len(beyond))[None]
        left = xp.take_along_axis(points, first, 0)[0]
        right = xp.take_along_axis(points, first + 1, 0)[0]
    return (left + right) / 2


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

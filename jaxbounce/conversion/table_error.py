"""What a table of a wall leaves open: the part of the error of P that is not the method's.

P is evaluated again on walls that the same rows allow:

* coarser: splines through rows at least twice as far apart. Where the spacing resolves the wall
  they are off by some 16 times what the spline through all rows is, so this is a bound;
* scattered: values changed by the standard deviation of their rounding and noise, with several
  patterns of signs. The error is a multiple of the root mean square, which for few patterns must
  be a large one;
* continued: beyond either end the fields go on towards their limits as the last rows suggest.

All of them go through one compiled program, one after another; only the wall itself is
differentiated. Each part is an absolute error of P.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.spline import spline_curvatures
from jaxbounce._core.status import Status
from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.conversion.alternatives import COARSER, PATTERNS, Alternatives
from jaxbounce.conversion.estimate import Estimate, TableError
from jaxbounce.conversion.wall import TabulatedWall, WallProfile

_STUDENT = 3.7  # |t| with 6 degrees of freedom that 1 % exceed

_REACHES = (1.0, 0.25)
"""Tails continued: as long as the last rows suggest, and shorter (of the same slope)."""

_NOTHING = 1e-10
"""Absolute error that no P is too small for: what two evaluations of 0 may differ by."""

_BEYOND = 3.0
"""A tail is a guess: cut inside the wall, tanh walls were off by up to 2.7 times what it says."""

_TAIL = 36.0  # decay lengths of a continued tail; e^{−36} < 1e-15

_SHARE = 0.125  # of the scan of a continued wall that goes to each tail


class ContinuedWall(WallProfile):
    """A tabulated wall whose fields go on exponentially beyond the table.

    Attributes:
        table: the wall.
        change: by how much each field (first axis) changes beyond the lower and upper end.
        length: over which it does, for both fields the same at an end; 0 where it does not.
    """

    table: TabulatedWall
    change: Float[Array, "*walls 2 2"]
    length: Float[Array, "*walls 2"]

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ, not below 0."""
        xi = as_real(xi)
        lower, upper = self.table.limits()
        safe = jnp.where(self.length > 0, self.length, 1.0)
        below = -jnp.expm1(-jnp.maximum(lower - xi, 0.0) / safe[0])
        above = -jnp.expm1(-jnp.maximum(xi - upper, 0.0) / safe[1])
        Phi, phi = (
            jnp.maximum(field + change[0] * below + change[1] * above, 0.0)
            for field, change in zip(self.table.fields(xi), self.change, strict=True)
        )
        return Phi, phi

    def limits(self) -> tuple[Scalar, Scalar]:
        """The ends of the table, or where the tails have decayed."""
        lower, upper = self.table.limits()
        return lower - _TAIL * self.length[0], upper + _TAIL * self.length[1]

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """That of the table, and a share for each tail."""
        last = self.table.knots.size - 1.0
        share = jnp.where(self.length > 0, _SHARE * last, 0.0)
        position = jnp.linspace(-share[0], last + share[1], intervals + 1)
        inside = jnp.interp(position, jnp.arange(self.table.knots.size), self.table.knots)
        part = _SHARE * last
        below = jnp.maximum(-position, 0.0) / part
        above = jnp.maximum(position - last, 0.0) / part
        return inside - _TAIL * self.length[0] * below + _TAIL * self.length[1] * above


Evaluate = Callable[[Any, WallProfile], Estimate]


def with_table_error(
    evaluate: Evaluate, args: Any, table: TabulatedWall, tolerance: float
) -> Estimate:
    """P of a tabulated wall, its error including what the table leaves open.

    Args:
        evaluate: (args, wall) → estimate on a wall, a function of the module's level.
        args: pytree of all that it needs; it is differentiated with respect to this and `table`.
        table: the wall.
        tolerance: error from the table, relative to P, up to which P counts as told by it.

    Returns:
        The estimate of `evaluate`, its error larger by the total of the `TableError`, which is
        given beside it; beyond the tolerance the status that names the largest part.
    """
    found, error = _evaluated((args, table), evaluate=evaluate)
    total = error.total
    judged = (found.status == Status.SUCCESS) & ~(total <= tolerance * jnp.abs(found.P) + _NOTHING)
    # a table that ends early may well lack the crossing
    lacking = (found.status == Status.NO_CROSSING) & (error.ends > 0)
    status = jnp.where(judged, error.status, found.status)
    status = jnp.where(lacking, Status.TABLE_ENDS_INSIDE_WALL, status)
    return Estimate(found.P, found.error + total, status, error)


@eqx.filter_custom_jvp
def _evaluated(operands: tuple[Any, TabulatedWall], *, evaluate: Evaluate) -> Any:
    args, table = operands
    others = table.others
    assert others is not None
    walls = _allowed(table, others)
    found = jax.lax.map(lambda wall: evaluate(args, wall), walls)
    own = jax.tree.map(lambda values: values[0], found)
    return own, _table_error(found.P, found.error, others)


@_evaluated.def_jvp
def _evaluated_jvp(primals: Any, tangents: Any, *, evaluate: Evaluate) -> Any:
    """Only the wall itself is differentiated: errors and statuses are constants."""
    (operands,), (tangent,) = primals, tangents
    own, error = _evaluated(operands, evaluate=evaluate)

    def probability(operands: Any) -> Scalar:
        args, table = operands
        return evaluate(args, _as_it_is(table)).P

    _, slope = eqx.filter_jvp(probability, (operands,), (tangent,))
    still = jax.tree.map(lambda _: None, (own, error))
    return (own, error), eqx.tree_at(
        lambda out: out[0].P, still, slope, is_leaf=lambda leaf: leaf is None
    )


def _as_it_is(table: TabulatedWall) -> ContinuedWall:
    bare = TabulatedWall(table.knots, table.values, table.curvatures)
    return ContinuedWall(bare, jnp.zeros((2, 2)), jnp.zeros(2))


def _allowed(table: TabulatedWall, others: Alternatives) -> ContinuedWall:
    """The wall itself, those through fewer rows, scattered, continued below and above: a batch."""
    values = jnp.asarray(others.values)
    count, _, n = values.shape
    curvatures = spline_curvatures(table.knots, values.reshape(2 * count, n)).reshape(values.shape)

    def batch(own: Real, other: Real) -> Real:
        tailed = jnp.broadcast_to(own, (2 * len(_REACHES), *own.shape))
        return jnp.concatenate([own[None], other, tailed])

    walls = TabulatedWall(
        jnp.broadcast_to(table.knots, (count + 1 + 2 * len(_REACHES), n)),
        batch(table.values, values),
        batch(table.curvatures, curvatures),
    )
    none = jnp.zeros((count + 1, 2, 2))
    ends = jnp.concatenate([reach * jnp.eye(2) for reach in _REACHES])
    change = jnp.concatenate([none, others.change * ends[:, None, :]])
    length = jnp.concatenate([none[:, 0], others.length * ends])
    return ContinuedWall(walls, change, length)


def _table_error(P: Real, errors: Real, others: Alternatives) -> TableError:
    """From P and its own error on the walls of `_allowed`; no number is as bad as any."""
    off = jnp.abs(P - P[0]) + jnp.where(jnp.isfinite(errors), errors, 0.0)
    off = jnp.where(jnp.isfinite(off), jnp.minimum(off, 1.0), 1.0)
    # what has no number on any wall, as levels that never cross, is not for the table to mend
    off = jnp.where(jnp.isnan(P) & jnp.isnan(P[0]), 0.0, off)
    coarser, scattered, ends = jnp.split(off[1:], [COARSER, COARSER + PATTERNS])
    scatter = _STUDENT * jnp.sqrt((scattered**2).mean())
    none = jnp.zeros_like(scatter)
    return TableError(
        coarser.max(),
        jnp.where(others.noisy, none, scatter),
        jnp.where(others.noisy, scatter, none),
        _BEYOND * ends.reshape(-1, 2).max(0).sum(),
    )

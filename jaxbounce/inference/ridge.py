"""Coordinates along a curved ridge: one direction is not determined, and it is not a straight line.

With f_chi, m_chi and P free and dark matter "swept-once", two densities fix two combinations at
every P, but not the same ones: ln m_chi = const + ln P − ln(1 − P). The ridge is then tabulated:
at values of one parameter t the others are fitted, and what is sampled is t and the distance of
the others from their fitted values g(t), in units of their own uncertainty at that t. Shift and
scale depend on t alone, so that the determinant is known exactly whatever they are: an error of
the table costs speed, not truth.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.types import Scalar, as_leaf
from jaxbounce.inference.coordinates import Coordinates, Point
from jaxbounce.inference.fitting import Fit
from jaxbounce.inference.least_squares import Minimum
from jaxbounce.inference.problem import Problem
from jaxbounce.inference.profiles import fitted_along

REACH = 14.0
"""The table covers |z| up to this; 1e-6 of the interval of t is beyond."""

KNOTS = 225

OUT_OF_SIGHT = 60.0
"""Where the least χ² is larger than at the best fit by this, e^−30, nothing is sampled."""

BENT = 0.5
"""A ridge is straight if it stays within this many σ of a line."""


class Ridge(eqx.Module):
    """The map from w to q along a tabulated ridge; make it with `ridge`.

    Attributes:
        ends: interval of t.
        table: at evenly spaced z, t = t_0 + (t_1 − t_0)/(1 + e^{−z}): the fitted values of the
            other parameters; and the lower triangle of what a step in w is in them, logarithms on
            the diagonal.
        slopes: derivatives of the table by z, times the spacing.
        index: which parameter t is.
        pivots: indices of the others, in the order of the table.
    """

    ends: Float[Array, "2"] = eqx.field(converter=as_leaf)
    table: Float[Array, "knots columns"] = eqx.field(converter=as_leaf)
    slopes: Float[Array, "knots columns"] = eqx.field(converter=as_leaf)
    index: int = eqx.field(static=True)
    pivots: tuple[int, ...] = eqx.field(static=True)

    def _row(self, z: Scalar) -> Float[Array, " columns"]:
        """The table at z: cubic between knots, constant beyond them."""
        last = len(self.table) - 1
        place = (jnp.clip(z, -REACH, REACH) + REACH) * (last / (2 * REACH))
        i = jnp.clip(place.astype(int), 0, last - 1)
        s = place - i
        return (
            (1 + 2 * s) * (1 - s) ** 2 * self.table[i]
            + s * (1 - s) ** 2 * self.slopes[i]
            + s**2 * (3 - 2 * s) * self.table[i + 1]
            - s**2 * (1 - s) * self.slopes[i + 1]
        )

    def __call__(self, problem: Problem, w: Float[Array, " free"]) -> Point:
        """q of a point w."""
        low, high = problem.bounds()
        count = len(self.pivots)
        z = w[count]
        start, end = self.ends
        t = start + (end - start) * jax.nn.sigmoid(z)
        row = self._row(z)
        diagonal = row[count : 2 * count]
        triangle = jnp.diag(jnp.exp(diagonal)).at[np.tril_indices(count, -1)].set(row[2 * count :])
        others = row[:count] + triangle @ w[:count]
        rows = jnp.asarray(self.pivots)
        inside = jnp.all((others > low[rows]) & (others < high[rows]))
        q = jnp.zeros(count + 1, others.dtype).at[rows].set(others).at[self.index].set(t)
        slope = jnp.log(end - start) + jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z)
        slope = slope + jnp.sum(diagonal)
        return Point(jnp.clip(q, low, high), jnp.where(inside, slope, -jnp.inf))


def _followed(result: Fit, index: int, t: Float[np.ndarray, " points"]) -> Minimum:
    """The minima at ascending t, each tried again from where its neighbours ended."""
    found = fitted_along(result, index, t)
    for _ in range(len(t)):
        improved = False
        for side in (1, -1):
            starts = np.roll(np.asarray(found.q), side, axis=0)
            again = fitted_along(result, index, t, starts)
            # the roll brings the last point next to the first
            neighbours = np.arange(len(t)) != (0 if side == 1 else len(t) - 1)
            better = np.asarray(again.chi2 < found.chi2 - 1e-3) & neighbours
            improved |= bool(better.any())
            found = Minimum(
                *(
                    jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                    for new, old in zip(again, found, strict=True)
                )
            )
        if not improved:
            break
    return found


def _visible(result: Fit, index: int) -> tuple[float, float] | None:
    """The interval of t where the others can follow; None if it is not one interval."""
    low, high = (float(end[index]) for end in result.problem.bounds())
    best = float(result.q[index])
    t = np.unique(np.append(np.linspace(low, high, 64), best))
    limit = result.chi2 + OUT_OF_SIGHT
    good = _followed(result, index, t).chi2 < limit
    first, last = np.flatnonzero(good)[[0, -1]]
    if not good[first : last + 1].all():
        return None
    ends = [float(t[first]), float(t[last])]
    beyond = [t[first - 1] if first > 0 else None, t[last + 1] if last + 1 < len(t) else None]
    for side, outside in enumerate(beyond):
        if outside is None:
            continue
        for _ in range(6):
            between = np.linspace(ends[side], outside, result.starts + 1)
            order = np.argsort(between)
            inside = np.empty(len(between), bool)
            inside[order] = _followed(result, index, between[order]).chi2 < limit
            stop = int(np.argmin(inside)) if not inside.all() else len(inside) - 1
            ends[side], outside = float(between[max(stop - 1, 0)]), float(between[stop])
    return (ends[0], ends[1]) if ends[0] < ends[1] else None


def ridge(result: Fit, straight: Coordinates) -> Coordinates | Ridge:
    """Coordinates along the ridge of a fit, or the straight ones if they will do.

    Args:
        result: a fit.
        straight: coordinates with one parameter that no combination replaces; others are returned
            as they are.

    Returns:
        The coordinates to sample in.
    """
    size = len(result.problem.names)
    if len(straight.pivots) != size - 1 or size == 1:
        return straight
    pivots = straight.pivots
    (index,) = set(range(size)) - set(pivots)
    ends = _visible(result, index)
    if ends is None:
        return straight
    z = np.linspace(-REACH, REACH, KNOTS)
    part = 1 / (1 + np.exp(-z))
    t = ends[0] + (ends[1] - ends[0]) * part
    found = _followed(result, index, t)
    table = np.asarray(found.q)[:, pivots]
    jacobian = np.asarray(found.jacobian)
    combinations = table + np.outer(t, np.asarray(straight.mixing)[:, 0])
    scale = np.asarray(straight.scale)
    away = np.linalg.solve(scale, (combinations - np.asarray(straight.centre)).T)
    # not where a bound holds the others back: the straight coordinates keep bounds by themselves
    at_ease = np.asarray(found.chi2) < result.chi2 + BENT**2 / 4
    if np.max(np.abs(away), axis=0, where=at_ease, initial=0.0).max() < BENT:
        return straight
    # implicit function theorem: the residuals stay least along the ridge
    by_t = -np.stack([np.linalg.lstsq(j[:, pivots], j[:, index], rcond=None)[0] for j in jacobian])
    by_z = by_t * ((ends[1] - ends[0]) * part * (1 - part))[:, None]
    low, high = (np.asarray(end, float)[list(pivots)] for end in result.problem.bounds())
    own = jacobian[:, :, pivots]
    # the bounds hold what the data do not
    precision = own.swapaxes(1, 2) @ own + np.diag(12 / (high - low) ** 2)
    triangles = np.linalg.cholesky(np.linalg.inv(precision))
    below = np.tril_indices(len(pivots), -1)
    spread = np.column_stack(
        [np.log(np.diagonal(triangles, axis1=1, axis2=2)), triangles[:, below[0], below[1]]]
    )
    return Ridge(
        ends=jnp.array(ends),
        table=jnp.asarray(np.column_stack([table, spread])),
        slopes=jnp.asarray(np.column_stack([by_z * (z[1] - z[0]), np.gradient(spread, axis=0)])),
        index=index,
        pivots=pivots,
    )

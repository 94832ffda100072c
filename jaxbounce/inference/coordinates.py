"""Coordinates to sample in, in which a posterior is round, exact degeneracies included.

Where the data determine every parameter, they are the unbounded coordinates of the priors, turned
and scaled by the Fisher matrix. Where they do not, they are the determined combinations
c_i = q_i + Σ_j M_ij q_j, one for each of as many parameters q_i, and the other parameters q_j
themselves, each mapped from the interval that the bounds of all parameters leave it. Along an
exact product of powers, such as f_chi·P, the likelihood then depends on c alone, and nothing
narrow or curved is left.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.types import Scalar, as_leaf
from jaxbounce.inference.fisher import reduced
from jaxbounce.inference.fitting import Fit
from jaxbounce.inference.problem import Problem

MATTERS = 3.0
"""A combination counts as determined if the data narrow its prior by this factor or more."""


class Point(NamedTuple):
    """A point in q with ln |dq/dw| there; −∞ where w leads out of the bounds."""

    q: Float[Array, " free"]
    log_jacobian: Scalar


class Coordinates(eqx.Module):
    """The map from w, around 0 and of size 1, to q; make it with `coordinates`.

    Attributes:
        centre: values of z (`Prior.from_unconstrained`), or of the combinations, at w = 0.
        scale: what a step in w is in them.
        mixing: M, one row for each combination, one column for each other parameter.
        pivots: indices of the parameters that the combinations replace; none where the data
            determine everything, or nothing.
    """

    centre: Float[Array, " some"] = eqx.field(converter=as_leaf)
    scale: Float[Array, "some some"] = eqx.field(converter=as_leaf)
    mixing: Float[Array, "pivots others"] = eqx.field(converter=as_leaf)
    pivots: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, problem: Problem, w: Float[Array, " free"]) -> Point:
        """q of a point w."""
        low, high = problem.bounds()
        count = len(self.pivots)
        others = [j for j in range(len(problem.names)) if j not in self.pivots]
        if not count:
            z = self.centre + self.scale @ w
            slope = jnp.log(high - low) + jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z)
            return Point(low + (high - low) * jax.nn.sigmoid(z), jnp.sum(slope))
        rows = jnp.asarray(self.pivots)
        combination = self.centre + self.scale @ w[:count]
        # what the bounds of its parameter leave for the rest of each combination
        least, most = combination - high[rows], combination - low[rows]
        ends = jnp.stack(
            [self.mixing * low[jnp.asarray(others)], self.mixing * high[jnp.asarray(others)]]
        )
        smallest, largest = jnp.min(ends, axis=0), jnp.max(ends, axis=0)
        found: dict[int, Array] = {}
        log_jacobian = jnp.zeros(())
        for k, j in enumerate(others):
            column = self.mixing[:, k]
            # the parameters still to come take what they like
            from_below = least - jnp.sum(largest[:, k + 1 :], axis=1)
            from_above = most - jnp.sum(smallest[:, k + 1 :], axis=1)
            used = column != 0
            safe = jnp.where(used, column, 1.0)
            one, two = from_below / safe, from_above / safe
            bottom = jnp.maximum(low[j], jnp.max(jnp.where(used, jnp.minimum(one, two), -jnp.inf)))
            top = jnp.minimum(high[j], jnp.min(jnp.where(used, jnp.maximum(one, two), jnp.inf)))
            room = top - bottom
            open_ = room > 0
            z = w[count + k]
            slope = jnp.log(jnp.where(open_, room, 1.0))
            slope = slope + jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z)
            log_jacobian = log_jacobian + jnp.where(open_, slope, -jnp.inf)
            found[j] = bottom + jnp.where(open_, room, 0.0) * jax.nn.sigmoid(z)
            least, most = least - column * found[j], most - column * found[j]
        pivots = combination - self.mixing @ jnp.stack([found[j] for j in others])
        for i, j in enumerate(self.pivots):
            found[j] = jnp.clip(pivots[i], low[j], high[j])
            # several combinations may leave no common room, which one at a time does not see
            slack = 1e-9 * (high[j] - low[j])
            inside = (pivots[i] > low[j] - slack) & (pivots[i] < high[j] + slack)
            log_jacobian = jnp.where(inside, log_jacobian, -jnp.inf)
        return Point(jnp.stack([found[j] for j in range(len(found))]), log_jacobian)


def coordinates(result: Fit) -> Coordinates:
    """Coordinates around a best fit, from the derivatives there."""
    problem = result.problem
    low, high = (np.asarray(end, float) for end in problem.bounds())
    q = np.asarray(result.q, float)
    # standard deviation of a flat prior in q; for others it is of the same order
    width = (high - low) / np.sqrt(12)
    _, values, basis = np.linalg.svd(result.by_q * width, full_matrices=True)
    rank = int(np.sum(values > MATTERS))
    if rank in (0, len(q)):
        part = np.clip((q - low) / (high - low), 1e-6, 1 - 1e-6)
        slope = (high - low) * part * (1 - part)
        jacobian = result.by_q * slope
        # the prior in z, a logistic distribution if it is flat, holds at least what this says
        precision = jacobian.T @ jacobian + np.eye(len(q)) * 3 / np.pi**2
        values, basis = np.linalg.eigh(precision)
        centre = np.log(part) - np.log1p(-part)
        scale = basis / np.sqrt(values)
        return Coordinates(jnp.asarray(centre), jnp.asarray(scale), jnp.zeros((0, 0)), ())
    rows, pivots = reduced(basis[:rank])
    turn = basis[:rank] @ rows.T  # rows = turnᵀ @ basis[:rank]
    others = [j for j in range(len(q)) if j not in pivots]
    pivot_width = width[list(pivots)]
    rows = pivot_width[:, None] * rows / width
    mixing = rows[:, others]
    scale = pivot_width[:, None] * turn.T / values[:rank]
    return Coordinates(
        jnp.asarray(rows @ q), jnp.asarray(scale), jnp.asarray(mixing), tuple(pivots)
    )

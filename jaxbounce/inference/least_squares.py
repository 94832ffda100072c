"""Levenberg–Marquardt within bounds, for one or two data and any number of parameters.

Written out here rather than taken from optimistix, for three reasons. One evaluation of the model
with its derivatives serves a whole step, so that a compiled fit holds the model once; with
`optimistix.LevenbergMarquardt` in its place compilation, which is nearly all the time of a fit,
takes 1.6 to 2.1 times as long (benchmarks/least_squares.py). Bounds are kept by projection, where
a transformation would flatten the objective beside them. And with more parameters than data the
step is solved in the space of the data, in closed form.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbounce._core.types import Scalar
from jaxbounce.inference.problem import Problem

MAX_STEPS = 150

_SOFTEST, _STIFFEST = 1e-9, 1e9


class _State(NamedTuple):
    q: Float[Array, " free"]
    omega: Float[Array, " data"]
    jacobian: Float[Array, "data free"]
    cost: Scalar
    trial: Float[Array, " free"]
    damping: Scalar
    in_logarithms: Bool[Array, ""]
    done: Bool[Array, ""]
    step: Int[Array, ""]


class Minimum(NamedTuple):
    """Where a minimisation ended.

    Attributes:
        q: the point.
        chi2: χ² there; infinite if the start has no number.
        jacobian: derivatives of the whitened residuals by q.
        residuals: whitened residuals.
    """

    q: Float[Array, " free"]
    chi2: Scalar
    jacobian: Float[Array, "data free"]
    residuals: Float[Array, " data"]


def _whitened(
    problem: Problem, omega: Float[Array, " data"], in_logarithms: Bool[Array, ""]
) -> tuple[Float[Array, " data"], Float[Array, " data"]]:
    """Residuals before whitening, and their derivatives by ω: of ω, or of mean · ln ω."""
    mean = problem.data.mean
    positive = jnp.where(omega > 0, omega, 1.0)
    logarithmic = jnp.where(omega > 0, mean * jnp.log(positive / mean), jnp.nan)
    return (
        jnp.where(in_logarithms, logarithmic, omega - mean),
        jnp.where(in_logarithms, mean / positive, 1.0),
    )


def _solve(matrix: Float[Array, "data data"], vector: Float[Array, " data"]) -> Array:
    if len(vector) == 1:
        return vector / matrix[0]
    (a, b), (_, c) = matrix
    adjugate = jnp.stack([jnp.stack([c, -b]), jnp.stack([-b, a])])
    return adjugate @ vector / (a * c - b * b)


def minimise(
    problem: Problem, start: Float[Array, " free"], fixed: Bool[Array, " free"]
) -> Minimum:
    """The least χ² found from one start: first in ln ω, then in ω.

    Densities span decades and are nearly products of powers: in ln ω a few steps bridge what in ω
    is a plateau on one side and an exponential on the other. With more data than parameters the
    two minima differ, and the second pass finds that of χ².

    Args:
        problem: what is fitted.
        start: q to start from.
        fixed: parameters that stay where they start, as for a profile.

    Returns:
        Where it ended; whether that is a minimum is judged from its derivatives.
    """
    low, high = problem.bounds()
    # a step is measured against decades of θ, not against how wide a prior happens to be
    positive = jnp.asarray([prior.positive for prior in problem.priors])
    scale = jnp.where(positive, 1.0, high - low) ** 2
    eps = jnp.finfo(low.dtype).eps
    whitening = problem.data.whitening

    def proposal(state: _State) -> _State:
        plain, slope = _whitened(problem, state.omega, state.in_logarithms)
        residuals = whitening @ plain
        jacobian = whitening @ (slope[:, None] * state.jacobian)
        gradient = jacobian.T @ residuals
        held = ((state.q <= low) & (gradient > 0)) | ((state.q >= high) & (gradient < 0))
        metric = jnp.where(held | fixed, 0.0, scale)
        normal = (jacobian * metric) @ jacobian.T
        size = jnp.trace(normal)
        damped = normal + (state.damping * size + jnp.finfo(size.dtype).tiny) * jnp.eye(
            len(residuals)
        )
        step = -metric * (jacobian.T @ _solve(damped, residuals))
        trial = jnp.clip(state.q + jnp.where(jnp.isfinite(step), step, 0.0), low, high)
        stuck = jnp.all(jnp.abs(trial - state.q) <= 2 * eps * (jnp.abs(state.q) + 1e-3))
        finished = (
            stuck
            | (state.cost < 4 * eps**2)
            | (state.damping > _STIFFEST)
            | ~jnp.isfinite(state.cost)
        )
        absolute = jnp.sum((whitening @ (state.omega - problem.data.mean)) ** 2)
        change = finished & state.in_logarithms
        return state._replace(
            trial=jnp.where(change, state.q, trial),
            cost=jnp.where(change, absolute, state.cost),
            damping=jnp.where(change, 1e-3, state.damping),
            in_logarithms=state.in_logarithms & ~finished,
            done=finished & ~state.in_logarithms,
        )

    def step(state: _State) -> _State:
        omega, jacobian = problem.with_jacobian(state.trial)
        plain, _ = _whitened(problem, omega, state.in_logarithms)
        cost = jnp.sum((whitening @ plain) ** 2)
        better = cost < state.cost
        state = state._replace(
            q=jnp.where(better, state.trial, state.q),
            omega=jnp.where(better, omega, state.omega),
            jacobian=jnp.where(better, jacobian, state.jacobian),
            cost=jnp.where(better, cost, state.cost),
            damping=jnp.where(better, jnp.maximum(state.damping / 10, _SOFTEST), state.damping * 8),
            step=state.step + 1,
        )
        return proposal(state)

    data, free = len(problem.data.observables), len(problem.names)
    first = _State(
        q=start,
        omega=jnp.full(data, jnp.nan, start.dtype),
        jacobian=jnp.zeros((data, free), start.dtype),
        cost=jnp.asarray(jnp.inf, start.dtype),
        trial=start,
        damping=jnp.asarray(1e-2, start.dtype),
        in_logarithms=jnp.asarray(True),
        done=jnp.asarray(False),
        step=jnp.asarray(0),
    )
    last = jax.lax.while_loop(lambda s: ~s.done & (s.step < MAX_STEPS), step, first)
    residuals = whitening @ (last.omega - problem.data.mean)
    chi2 = jnp.sum(residuals**2)
    return Minimum(
        last.q,
        jnp.where(jnp.isfinite(chi2), chi2, jnp.inf),
        whitening @ last.jacobian,
        residuals,
    )

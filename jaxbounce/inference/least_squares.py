"""Levenberg–Marquardt within bounds, for one or two data and any number of parameters.

Written out here rather than taken from optimistix, for three reasons. One evaluation of the model
with its derivatives serves a whole step, so that a compiled fit holds the model once; with
`optimistix.LevenbergMarquardt` in its place compilation, which is nearly all the time of a fit,
takes 1.6 to 2.1 times as long (benchmarks/least_squares.py). A model whose stages run at once, such
as one with the bounces of a transition, is not compiled: there the loop is Python's. Bounds are
kept by projection, where a transformation would flatten the objective beside them. And with more
parameters than data the step is solved in the space of the data, in closed form.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbounce._core.types import Scalar
from jaxbounce.inference.problem import Problem

MAX_STEPS = 150

_SOFTEST, _STIFFEST = 1e-9, 1e9

_RETREATS = 6
"""How often the way from a point without a number to the first start is halved."""


class Limits(NamedTuple):
    """Where a minimisation is at its end.

    Attributes:
        cost: χ² below it is none.
        step: relative change of q below which nothing moves any more.
    """

    cost: float
    step: float


AT_ONCE = Limits(1e-17, 1e-12)
"""Of models whose stages run at once: what is solved anew at every point has noise of its own."""


class _State(NamedTuple):
    q: Float[Array, " free"]
    omega: Float[Array, " data"]
    jacobian: Float[Array, "data free"]
    cost: Scalar
    trial: Float[Array, " free"]
    damping: Scalar
    part: Scalar
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
    problem: Problem,
    start: Float[Array, " free"],
    fixed: Bool[Array, " free"],
    home: Float[Array, " free"] | None = None,
) -> Minimum:
    """The least χ² found from one start: first in ln ω, then in ω.

    Densities span decades and are nearly products of powers: in ln ω a few steps bridge what in ω
    is a plateau on one side and an exponential on the other. With more data than parameters the
    two minima differ, and the second pass finds that of χ².

    Args:
        problem: what is fitted.
        start: q to start from.
        fixed: parameters that stay where they start, as for a profile.
        home: q towards which a start without a number goes, by halves, until it has one.

    Returns:
        Where it ended; whether that is a minimum is judged from its derivatives.
    """
    eps = float(jnp.finfo(problem.data.mean.dtype).eps)
    limits = Limits(4 * eps**2, 2 * eps)
    home = start if home is None else home

    def step(state: _State) -> _State:
        found = problem.with_jacobian(state.trial)
        return _moved(problem, state, found, fixed, home, limits)

    first = _first(problem, start)
    last = jax.lax.while_loop(lambda s: ~s.done & (s.step < MAX_STEPS), step, first)
    return _end(problem, last)


def minimise_at_once(
    problem: Problem,
    start: Float[Array, " free"],
    fixed: Bool[Array, " free"],
    home: Float[Array, " free"],
) -> Minimum:
    """`minimise` of a model whose stages run at once, each point of its way solved by itself."""
    state = _first(problem, start)
    while not state.done and state.step < MAX_STEPS:
        found = problem.with_jacobian(state.trial)
        state = _next(problem, state, found, fixed, home, AT_ONCE)
    return _end(problem, state)


def _first(problem: Problem, start: Float[Array, " free"]) -> _State:
    data, free = len(problem.data.observables), len(problem.names)
    return _State(
        q=start,
        omega=jnp.full(data, jnp.nan, start.dtype),
        jacobian=jnp.zeros((data, free), start.dtype),
        cost=jnp.asarray(jnp.inf, start.dtype),
        trial=start,
        damping=jnp.asarray(1e-2, start.dtype),
        part=jnp.ones((), start.dtype),
        in_logarithms=jnp.asarray(True),
        done=jnp.asarray(False),
        step=jnp.asarray(0),
    )


def _moved(
    problem: Problem,
    state: _State,
    found: tuple[Float[Array, " data"], Float[Array, "data free"]],
    fixed: Bool[Array, " free"],
    home: Float[Array, " free"],
    limits: Limits,
) -> _State:
    """The state with what was found at its trial, and the next trial."""
    omega, jacobian = found
    plain, _ = _whitened(problem, omega, state.in_logarithms)
    cost = jnp.sum((problem.data.whitening @ plain) ** 2)
    better = cost < state.cost
    # a step to where there is no number was in no wrong direction, but too long: stiffer it would
    # turn to where the data change fastest, along the edge
    beyond = ~jnp.isfinite(cost) & jnp.isfinite(state.cost)
    part = jnp.where(better, jnp.minimum(2 * state.part, 1.0), state.part)
    # on the way to a point with a number nothing is learnt about steps
    stiffer = jnp.where(jnp.isfinite(state.cost) & ~beyond, 8.0, 1.0) * state.damping
    state = state._replace(
        q=jnp.where(better, state.trial, state.q),
        omega=jnp.where(better, omega, state.omega),
        jacobian=jnp.where(better, jacobian, state.jacobian),
        cost=jnp.where(better, cost, state.cost),
        damping=jnp.where(better, jnp.maximum(state.damping / 10, _SOFTEST), stiffer),
        part=jnp.where(beyond, state.part / 4, part),
        step=state.step + 1,
    )
    return _proposed(problem, state, fixed, home, limits)


_next: Any = eqx.filter_jit(_moved)


def _proposed(
    problem: Problem,
    state: _State,
    fixed: Bool[Array, " free"],
    home: Float[Array, " free"],
    limits: Limits,
) -> _State:
    """The state with the next trial, or at the end of a pass."""
    low, high = problem.bounds()
    # a step is measured against decades of θ, not against how wide a prior happens to be
    positive = jnp.asarray([prior.positive for prior in problem.priors])
    scale = jnp.where(positive, 1.0, high - low) ** 2
    whitening = problem.data.whitening
    plain, slope = _whitened(problem, state.omega, state.in_logarithms)
    residuals = whitening @ plain
    jacobian = whitening @ (slope[:, None] * state.jacobian)
    gradient = jacobian.T @ residuals
    held = ((state.q <= low) & (gradient > 0)) | ((state.q >= high) & (gradient < 0))
    metric = jnp.where(held | fixed, 0.0, scale)
    normal = (jacobian * metric) @ jacobian.T
    size = jnp.trace(normal)
    damped = normal + (state.damping * size + jnp.finfo(size.dtype).tiny) * jnp.eye(len(residuals))
    step = -metric * (jacobian.T @ _solve(damped, residuals))
    whole = jnp.clip(state.q + jnp.where(jnp.isfinite(step), step, 0.0), low, high)
    shorter = state.q + state.part * (whole - state.q)
    trial = jnp.where(state.part < 1, shorter, whole)
    # a start without a number: nearer to one that is expected to have one
    lost = ~jnp.isfinite(state.cost)
    nearer = jnp.where(fixed, state.trial, (state.trial + home) / 2)
    trial = jnp.where(lost, nearer, trial)
    back = lost & (state.step < _RETREATS) & ~jnp.all(nearer == state.trial)
    stuck = jnp.all(jnp.abs(trial - state.q) <= limits.step * (jnp.abs(state.q) + 1e-3))
    finished = stuck | (state.cost < limits.cost) | (state.damping > _STIFFEST) | lost
    finished = finished & ~back
    absolute = jnp.sum((whitening @ (state.omega - problem.data.mean)) ** 2)
    change = finished & state.in_logarithms
    return state._replace(
        trial=jnp.where(change, state.q, trial),
        cost=jnp.where(change, absolute, state.cost),
        damping=jnp.where(change, 1e-3, state.damping),
        in_logarithms=state.in_logarithms & ~finished,
        done=finished & (~state.in_logarithms | lost | (absolute < limits.cost)),
    )


def _end(problem: Problem, last: _State) -> Minimum:
    whitening = problem.data.whitening
    residuals = whitening @ (last.omega - problem.data.mean)
    chi2 = jnp.sum(residuals**2)
    return Minimum(
        last.q,
        jnp.where(jnp.isfinite(chi2), chi2, jnp.inf),
        whitening @ last.jacobian,
        residuals,
    )

"""Best parameters by gradients, where the objective is no sum of squares: MAP, or any loss.

Needs only that the objective has derivatives: a posterior with informative priors, or a loss of
your own. For χ² alone `fit` is faster. The descent is L-BFGS with the zoom line search of optax
(Nocedal & Wright, "Numerical Optimization", 2006, chapters 3 and 7), from many starts at once.

The search runs in angles z, q = low + (high − low)(1 + sin z)/2, as in MINUIT (F. James and
M. Roos, Comput. Phys. Commun. 10 (1975) 343): no step leaves the bounds, and an end of a prior is
reached like any other minimum. Every start measures its objective in units of its first gradient,
so that a loss of 1e-56, as of densities in kg/m³, is minimised like one of order 1.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.checks import check_whole
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.types import Scalar
from jaxbounce.inference.data import Likelihood
from jaxbounce.inference.fitting import (
    DEFAULT_STARTS,
    FitStatus,
    make_problem,
    starting_points,
)
from jaxbounce.inference.problem import Problem
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction

MAX_STEPS = 300

_NEWTON_STEP = 1e-5  # in z: a minimum is within this part of a prior's reach, or none

_FLAT = 1e-8  # a curvature of this size, relative to the largest, is a flat direction

_DIFFERENCE = 1e-4  # in z, for the curvature at the end

_AT_END = 1e-6  # of the reach of a prior


class Optimum(NamedTuple):
    """The result of a fit by gradients.

    Attributes:
        values: best value of each free parameter.
        value: the greatest log posterior density (per unit of q: of ln θ for positive
            parameters, else of θ; without its evidence), or the least loss.
        status: whether the optimum is one.
        message: one line about the status.
        gradient_norm: norm of the derivatives of `value` by q there, of the parameters that no
            end of a prior stops.
        model: the model with the best values.
        prediction: its prediction.
        starts: number of starting points.
        agreeing: how many of them ended at this value.
        q: the best point in the coordinates of `Problem`.
    """

    values: dict[str, float]
    value: float
    status: FitStatus
    message: str
    gradient_norm: float
    model: Model
    prediction: Prediction
    starts: int
    agreeing: int
    q: Float[Array, " free"]


class _NegativeLogPosterior(eqx.Module):
    def __call__(self, problem: Problem, q: Float[Array, " free"]) -> Scalar:
        return -problem.log_likelihood(q) - problem.log_prior(q)


class _Loss(eqx.Module):
    loss: Callable[[Prediction], Any]

    def __call__(self, problem: Problem, q: Float[Array, " free"]) -> Scalar:
        prediction = predict(problem.at(q))
        value = jnp.asarray(self.loss(prediction))
        if value.shape != () or not jnp.issubdtype(value.dtype, jnp.floating):
            raise ConfigurationError(
                f"loss: returned {value.dtype.name} of shape {value.shape}; it must return one"
                " real number"
            )
        return jnp.where(prediction.status == Status.SUCCESS, value, jnp.inf)


Objective = Callable[[Problem, Float[Array, " free"]], Scalar]


def _with_gradient(q: Any, objective: Objective, problem: Problem) -> tuple[Any, Any]:
    """The objective and its gradient by q: infinite and zero where either is not a number."""

    def twice(q: Any) -> Any:
        value = objective(problem, q)
        return value, value

    gradient, value = jax.jacfwd(twice, has_aux=True)(q)
    good = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    return jnp.where(good, value, jnp.inf), jnp.where(good, gradient, 0.0)


@eqx.filter_custom_jvp
def _value(q: Any, objective: Objective, problem: Problem) -> Any:
    return _with_gradient(q, objective, problem)[0]


@_value.def_jvp
def _(primals: Any, tangents: Any) -> Any:
    # as in `problem`: forward mode over the few free parameters
    if jax.tree.leaves(tangents[1:]):
        raise TypeError("a fit is differentiable in its free parameters only; free the others too")
    value, gradient = _with_gradient(*primals)
    return value, gradient @ tangents[0]


def _to_q(problem: Problem, z: Float[Array, " free"]) -> Float[Array, " free"]:
    low, high = problem.bounds()
    return jnp.clip(low + (high - low) * (1 + jnp.sin(z)) / 2, low, high)


def _to_z(problem: Problem, q: Float[Array, " free"]) -> Float[Array, " free"]:
    low, high = problem.bounds()
    # at an end dq/dz = 0 and nothing would move: start beside it
    return jnp.arcsin(jnp.clip(2 * (q - low) / (high - low) - 1, -0.998, 0.998))


class _Descent(NamedTuple):
    z: Float[Array, " free"]
    memory: Any
    done: Array
    step: Array


def _descend(
    objective: Objective, problem: Problem, start: Float[Array, " free"]
) -> tuple[Float[Array, " free"], Scalar, Scalar]:
    """Where L-BFGS ends from one start z, with the objective there and at the start."""

    def plain(z: Any) -> Any:
        return _value(_to_q(problem, z), objective, problem)

    first, slope = jax.value_and_grad(plain)(start)
    size = jnp.linalg.norm(slope / jnp.maximum(jnp.abs(slope).max(), jnp.finfo(first.dtype).tiny))
    size = size * jnp.abs(slope).max()
    unit = jnp.where(size > 0, size, 1.0)

    def scaled(z: Any) -> Any:
        return plain(z) / unit

    import optax  # here: it takes longer to import than the rest of this room

    method = optax.lbfgs()

    def advance(state: _Descent, value: Any, gradient: Any) -> _Descent:
        updates, memory = method.update(
            gradient,
            state.memory,
            state.z,
            value=value,
            grad=gradient,
            value_fn=scaled,
        )
        z: Any = optax.apply_updates(state.z, updates)
        still = jnp.max(jnp.abs(z - state.z)) <= 4 * jnp.finfo(z.dtype).eps
        return _Descent(z, memory, still, state.step + 1)

    def step(state: _Descent) -> _Descent:
        # the line search keeps them, so that a step does not evaluate the model once more
        value = optax.tree.get(state.memory, "value")
        return advance(state, value, optax.tree.get(state.memory, "grad"))

    memory = optax.tree.set(method.init(start), value=first / unit, grad=slope / unit)
    state = _Descent(start, memory, ~jnp.isfinite(first) | (size == 0), jnp.asarray(0))
    last = jax.lax.while_loop(lambda s: ~s.done & (s.step < MAX_STEPS), step, state)
    return last.z, optax.tree.get(last.memory, "value") * unit, first


class _End(NamedTuple):
    """The best end of all starts, with what tells whether it is a minimum."""

    q: Float[Array, " free"]
    value: Scalar
    by_q: Float[Array, " free"]
    by_z: Float[Array, " free"]
    curvature: Float[Array, "free free"]
    values: Float[Array, " starts"]
    firsts: Float[Array, " starts"]


@eqx.filter_jit
def _best(objective: Objective, problem: Problem, starts: Float[Array, "starts free"]) -> _End:
    z, values, firsts = jax.vmap(lambda q: _descend(objective, problem, _to_z(problem, q)))(starts)
    values = jnp.where(jnp.isfinite(values), values, jnp.inf)
    # among equals, as along a flat direction, the first start: that of the model's own values
    least = values.min()
    best = z[jnp.argmax(values <= least + 1e-12 * jnp.abs(least))]

    def slopes(z: Any) -> Any:
        q = _to_q(problem, z)
        low, high = problem.bounds()
        value, by_q = _with_gradient(q, objective, problem)
        return value, by_q, by_q * (high - low) / 2 * jnp.cos(z)

    offsets = _DIFFERENCE * jnp.eye(best.size, dtype=best.dtype)
    around = jnp.concatenate([best[None], best + offsets, best - offsets])
    value, by_q, by_z = jax.lax.map(slopes, around)
    up, down = jnp.split(by_z[1:], 2)
    curvature = (up - down) / (2 * _DIFFERENCE)
    return _End(
        _to_q(problem, best),
        value[0],
        by_q[0],
        by_z[0],
        (curvature + curvature.T) / 2,
        values,
        firsts,
    )


def _pressed(problem: Problem, end: _End) -> np.ndarray:
    """Which parameters an end of their prior stops: −1 at the lower, 1 at the upper one."""
    low, high = (np.asarray(bound, float) for bound in problem.bounds())
    part = (np.asarray(end.q, float) - low) / (high - low)
    slope = np.asarray(end.by_q, float)
    lower, upper = (part < _AT_END) & (slope > 0), (part > 1 - _AT_END) & (slope < 0)
    return upper.astype(int) - lower.astype(int)


def _judge(problem: Problem, end: _End) -> tuple[FitStatus, str]:
    """Whether the end is a minimum, by its derivatives and not by the optimiser's word."""
    names = ", ".join(problem.names)
    slope, curvature = np.asarray(end.by_z, float), np.asarray(end.curvature, float)
    if not np.any(slope) and not np.any(curvature):
        return FitStatus.OUT_OF_REACH, (
            f"out of reach: the objective does not depend on {names} here; free another parameter"
        )
    pressed = _pressed(problem, end)
    if pressed.any():
        i = int(np.flatnonzero(pressed)[0])
        prior = problem.priors[i]
        stop, side = (prior.low, "lower") if pressed[i] < 0 else (prior.high, "upper")
        return FitStatus.OUT_OF_REACH, (
            f"out of reach: {problem.names[i]} runs into its {side} end {float(stop):.6g};"
            " widen its prior or free another parameter"
        )
    if not np.all(np.isfinite(curvature)):
        return FitStatus.NOT_CONVERGED, "not converged: no curvature at the end; try more starts"
    # in units of the largest, so that no scale of the objective under- or overflows
    unit = np.abs(curvature).max() or 1.0
    bend, directions = np.linalg.eigh(curvature / unit)
    along = directions.T @ (slope / unit)
    flat = np.abs(bend) <= _FLAT * np.abs(bend).max()
    if np.any(~flat & (bend < 0)):
        return FitStatus.NOT_CONVERGED, (
            "not converged: the end is no optimum (the objective curves the wrong way);"
            " try more starts"
        )
    left = np.abs(np.where(flat, 0.0, along) / np.where(flat, 1.0, bend)).max()
    if left > _NEWTON_STEP:
        return FitStatus.NOT_CONVERGED, (
            f"not converged (a Newton step would still go {left:.1e} of the priors' reach);"
            " try more starts"
        )
    message = "converged: an optimum within the priors"
    if flat.any():
        message += f"; {flat.sum()} of {len(flat)} combinations of {names} are not determined"
    return FitStatus.CONVERGED, message


def _optimum(
    what: str, sign: int, objective: Objective, problem: Problem, starts: int, seed: int
) -> Optimum:
    check_whole("starts", starts, 1, "starting points")
    end = _best(objective, problem, starting_points(problem, starts, seed))
    model = problem.at(end.q)
    prediction = predict(model)
    if not np.isfinite(float(end.value)):
        raise ComputationError(
            f"{what}: none of {starts} starts has a number"
            f" ({Status(int(prediction.status)).message})"
        )
    status, message = _judge(problem, end)
    free = np.where(_pressed(problem, end) == 0, np.asarray(end.by_q, float), 0.0)
    least, values, firsts = float(end.value), np.asarray(end.values), np.asarray(end.firsts)
    climbed = np.max(firsts[np.isfinite(firsts)], initial=least) - least
    return Optimum(
        values=dict(zip(problem.names, problem.theta(end.q).tolist(), strict=True)),
        value=sign * least,
        status=status,
        message=message,
        gradient_norm=float(np.linalg.norm(free)),
        model=model,
        prediction=prediction,
        starts=starts,
        agreeing=int(np.sum(values <= least + 1e-6 * abs(least) + 1e-9 * climbed)),
        q=end.q,
    )


def maximise_posterior(
    model: Model,
    free: str | Sequence[str],
    data: str | Mapping[str, Any] | Likelihood | None = None,
    priors: Mapping[str, Any] | None = None,
    *,
    starts: int = DEFAULT_STARTS,
    seed: int = 0,
) -> Optimum:
    """The most probable values of free parameters (MAP): likelihood times priors.

    The density is per unit of q, which is ln θ for positive parameters: a log-uniform prior is
    flat, and the mode of a log-normal prior is its median.

    Args:
        model: the model; what is not free stays as it is there.
        free: names of the free parameters (`model.names()`).
        data: a likelihood, the name of a data set, a table (`read_likelihood`), or None for
            Planck 2018.
        priors: tables by name (`read_priors`); defaults where there is none.
        starts: number of starting points; the first is the model itself.
        seed: shifts the others.

    Returns:
        An `Optimum`, whose `value` is the log posterior; its status says whether it is one.

    Raises:
        ConfigurationError: one line, for a bad parameter, prior or likelihood.
        ComputationError: one line, if no start has a number.
    """
    problem = make_problem(model, free, data, priors)
    return _optimum("maximise_posterior", -1, _NegativeLogPosterior(), problem, starts, seed)


def minimise_loss(
    model: Model,
    free: str | Sequence[str],
    loss: Callable[[Prediction], Any],
    priors: Mapping[str, Any] | None = None,
    *,
    starts: int = DEFAULT_STARTS,
    seed: int = 0,
) -> Optimum:
    """The values of free parameters with the least loss, within the bounds of their priors.

    Only the bounds of the priors enter, and their densities as the spread of the starts. A
    function compiles once; where it depends on numbers that change, make it a pytree, such as
    `jax.tree_util.Partial(function, numbers)` or an `equinox.Module`.

    Args:
        model: the model; what is not free stays as it is there.
        free: names of the free parameters (`model.names()`).
        loss: a differentiable function of a `Prediction`, to a real number in any units; a point
            whose status is not SUCCESS, or whose loss is not finite, counts as infinitely bad.
        priors: tables by name (`read_priors`); defaults where there is none.
        starts: number of starting points; the first is the model itself.
        seed: shifts the others.

    Returns:
        An `Optimum`, whose `value` is the loss; its status says whether it is one.

    Raises:
        ConfigurationError: one line, for a bad parameter or prior, or a loss that is no number.
        ComputationError: one line, if no start has a number.
    """
    problem = make_problem(model, free, None, priors)
    return _optimum("minimise_loss", 1, _Loss(loss), problem, starts, seed)

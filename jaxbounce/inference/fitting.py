"""Fit free parameters to the densities: best values, Fisher matrix, flat directions, tension."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbounce._core.checks import check_name, check_whole
from jaxbounce._core.errors import ComputationError
from jaxbounce._core.sequences import low_discrepancy
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, sigmas
from jaxbounce.inference.data import OBSERVABLES, Likelihood, Tension, read_likelihood, tension
from jaxbounce.inference.fisher import Combination, Directions, directions
from jaxbounce.inference.least_squares import AT_ONCE, Minimum, minimise, minimise_at_once
from jaxbounce.inference.priors import read_priors
from jaxbounce.inference.problem import Problem
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction

DEFAULT_STARTS = 16

STARTS_AT_ONCE = 3
"""Where stages of the model run at once, so that every point of every start is solved by itself."""


class FitStatus(enum.IntEnum):
    """What became of a fit; only CONVERGED is a best fit."""

    CONVERGED = 1
    OUT_OF_REACH = 2
    NOT_CONVERGED = 3


class Fit(NamedTuple):
    """The result of a fit.

    Attributes:
        values: best value of each free parameter.
        model: the model with them.
        prediction: its prediction.
        tension: pulls, χ² with its degrees of freedom (data minus determined combinations),
            p-value, distance of the ratio.
        directions: Fisher matrix in ln θ, covariance where it exists, flat directions.
        unfitted: one line for each datum that the free parameters do not bring to its value.
        status: whether the minimum is one.
        message: one line about the status.
        starts: number of starting points.
        agreeing: how many of them ended at this χ².
        data: the likelihood.
        problem: what was fitted.
        q: the best point in the coordinates of `Problem`.
        by_q: derivatives of the whitened residuals by q there.
    """

    values: dict[str, float]
    model: Model
    prediction: Prediction
    tension: Tension
    directions: Directions
    unfitted: tuple[str, ...]
    status: FitStatus
    message: str
    starts: int
    agreeing: int
    data: Likelihood
    problem: Problem
    q: Float[Array, " free"]
    by_q: Float[np.ndarray, "data free"]

    def __str__(self) -> str:
        lines = [f"best fit: {self.message}"]
        for name, value in self.values.items():
            sigma = self.directions.sigma[name]
            spread = f"± {sigma:.3g} relative" if np.isfinite(sigma) else "not determined"
            lines.append(f"  {name}  {value:.6g}  {spread}")
        lines.append(f"  χ²  {self.chi2:.6g} for {self.dof} degrees of freedom")
        pulls = ", ".join(f"{name} {sigmas(pull)}" for name, pull in self.tension.pulls.items())
        lines.append(f"  pulls  {pulls}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))

    @property
    def chi2(self) -> float:
        """χ² at the best fit."""
        return self.tension.chi2

    @property
    def dof(self) -> int:
        """Data minus determined combinations."""
        return self.tension.dof

    @property
    def covariance(self) -> Float[np.ndarray, "free free"] | None:
        """Covariance of ln θ; None where a combination is not determined."""
        return self.directions.covariance

    @property
    def flat(self) -> tuple[Combination, ...]:
        """The directions along which no datum changes."""
        return self.directions.flat


def minima(
    problem: Problem, starts: Float[Array, "starts free"], fixed: Bool[Array, " free"]
) -> Minimum:
    """Where the minimisation ends from each start, with some parameters fixed at it.

    In one program; but each by itself where stages of the model run at once, and then up to the
    first that reproduces the data.
    """
    if not problem.runs_at_once():
        return _together(problem, starts, fixed)
    ends = []
    for start in starts:
        ends.append(minimise_at_once(problem, start, fixed, starts[0]))
        if ends[-1].chi2 < AT_ONCE.cost * 10:
            break
    return jax.tree.map(lambda *all: jnp.stack(all), *ends)


@eqx.filter_jit
def _together(
    problem: Problem, starts: Float[Array, "starts free"], fixed: Bool[Array, " free"]
) -> Minimum:
    return jax.vmap(lambda start: minimise(problem, start, fixed, starts[0]))(starts)


def make_problem(
    model: Model,
    free: str | Sequence[str],
    data: Any = None,
    priors: Mapping[str, Any] | None = None,
) -> Problem:
    """The checked problem: see `fit` for the arguments."""
    found = read_priors(model, free, priors)
    # the name of the data is static: without it, other data do not recompile
    nameless = dataclasses.replace(read_likelihood(data), name="")
    # stages that no free parameter enters are computed once, here
    return Problem(model.settled(tuple(found)), nameless, tuple(found.values()), tuple(found))


def starting_points(problem: Problem, count: int, seed: int) -> Float[Array, "starts free"]:
    """Starts in q: the model's own values, and points that fill the prior evenly."""
    free = len(problem.names)
    check_whole("seed", seed, 0, "of the starting points", 2**63 - 1)
    unit = low_discrepancy(count - 1, free, np.random.default_rng(seed).random(free))
    columns = []
    for i, (name, prior) in enumerate(zip(problem.names, problem.priors, strict=True)):
        drawn = prior.quantile(jnp.asarray(unit[:, i]))
        theta = jnp.concatenate([jnp.atleast_1d(problem.model.value(name)), drawn])
        columns.append(prior.coordinate(jnp.clip(theta, prior.low, prior.high)))
    return jnp.stack(columns, axis=1)


def _judge(
    problem: Problem, q: np.ndarray, residuals: np.ndarray, by_q: np.ndarray
) -> tuple[FitStatus, str]:
    """Whether a point is a minimum of χ², by its derivatives and not by the optimiser's word."""
    low, high = (np.asarray(end) for end in problem.bounds())
    eps = float(jnp.finfo(problem.data.mean.dtype).eps)
    part = (q - low) / (high - low)
    gradient = by_q.T @ residuals
    size = np.linalg.norm(by_q, axis=0) * np.linalg.norm(residuals)
    cosine = np.where(size > 0, np.abs(gradient) / np.where(size > 0, size, 1.0), 0.0)
    if not np.any(by_q):
        return FitStatus.OUT_OF_REACH, (
            f"the data are out of reach: nothing of {', '.join(problem.data.observables)} depends"
            f" on {', '.join(problem.names)} here; free another parameter"
        )
    if np.sum(residuals**2) < eps:
        return FitStatus.CONVERGED, "converged: the data are reproduced"
    pressed = ((part < 1e-3) & (gradient > 0)) | ((part > 1 - 1e-3) & (gradient < 0))
    # an end of the prior that shuts out less than this of the parameter's reach is no obstacle
    pressed &= cosine > 1e-3
    if pressed.any():
        i = int(np.flatnonzero(pressed)[0])
        prior = problem.priors[i]
        end = float(prior.low if part[i] < 0.5 else prior.high)
        side = "lower" if part[i] < 0.5 else "upper"
        return FitStatus.OUT_OF_REACH, (
            f"the data are out of reach: {problem.names[i]} runs into its {side} end {end:.6g}"
            f" with χ² = {np.sum(residuals**2):.4g}; widen its prior or free another parameter"
        )
    if cosine.max() > eps**0.25:
        return FitStatus.NOT_CONVERGED, (
            f"not converged (cosine of residuals and derivatives {cosine.max():.1e}); try more"
            " starts"
        )
    return FitStatus.CONVERGED, "converged: a minimum of χ²"


def _unfitted(problem: Problem, result: Tension, found: Directions, by_log: np.ndarray) -> Any:
    if result.dof == 0 and result.chi2 < 1e-6:
        return
    # back from whitened residuals to the data themselves
    by_datum = np.linalg.solve(np.asarray(problem.data.whitening), by_log)
    scale = np.max(np.abs(by_datum))
    names = ", ".join(problem.names)
    for i, (datum, pull) in enumerate(result.pulls.items()):
        if np.all(np.abs(by_datum[i]) <= 1e-10 * scale):
            yield f"{datum}: depends on none of {names} and stays {sigmas(pull)} from its value"
        elif abs(pull) > 1e-3:
            yield (
                f"{datum}: stays {sigmas(pull)} from its value; {names} can meet"
                f" {len(found.determined)} of {len(result.pulls)} data"
            )


def fit(
    model: Model,
    free: str | Sequence[str],
    data: str | Mapping[str, Any] | Likelihood | None = None,
    priors: Mapping[str, Any] | None = None,
    *,
    starts: int | None = None,
    seed: int = 0,
) -> Fit:
    """The values of free parameters with the least χ², within the bounds of their priors.

    Levenberg–Marquardt from many starts at once. The densities of priors do not
    enter, only their bounds; see `jaxbounce.inference.posterior` for them.

    Args:
        model: the model; what is not free stays as it is there.
        free: names of the free parameters (`model.names()`).
        data: a likelihood, the name of a data set, a table (`likelihood.read_likelihood`), or
            None for Planck 2018.
        priors: tables by name (`priors.read_priors`); defaults where there is none.
        starts: number of starting points, by default 16, or 3 where a potential is solved at each
            point; the first is the model itself, towards which one without a number is moved.
        seed: shifts the others.

    Returns:
        A `Fit`; its status says whether it is one.

    Raises:
        ConfigurationError: one line, for a bad parameter, prior or likelihood.
        ComputationError: one line, if no start leads to a prediction with a number.

    The occupancy that a given baryon density asks for:

    >>> import jaxbounce as jb
    >>> jb.enable_x64()
    >>> data = {"mean": [4.2e-28, 2.4e-27], "sigma": [1e-30, 1e-29], "units": "kg/m3"}
    >>> model = jb.load(preset="benchmark")
    >>> found = jb.fit(model, "f_chi", data)
    >>> print(f"{jb.predict(model.replace(**found.values)).rho_B:.6e}")
    4.200000e-28
    """
    data = read_likelihood(data)
    problem = make_problem(model, free, data, priors)
    if starts is None:
        starts = STARTS_AT_ONCE if problem.runs_at_once() else DEFAULT_STARTS
    check_whole("starts", starts, 1, "starting points")
    none = jnp.zeros(len(problem.names), bool)
    ends = minima(problem, starting_points(problem, starts, seed), none)
    chi2 = np.asarray(ends.chi2)
    # among equals, as along a flat direction, the first start: that of the model's own values
    least = np.min(chi2)
    slack = 1e-12 * least + float(jnp.finfo(ends.chi2.dtype).eps) / 100
    best = int(np.argmax(chi2 <= least + slack))
    q = ends.q[best]
    prediction = predict(problem.at(q))
    if not np.isfinite(chi2[best]):
        raise ComputationError(
            f"fit: none of {starts} starts has a prediction with a number"
            f" ({Status(int(prediction.status)).message})"
        )
    residuals, by_q = (np.asarray(a[best], float) for a in (ends.residuals, ends.jacobian))
    # q = ln θ, or else dq = θ d ln θ
    theta = np.asarray(problem.theta(q), float)
    by_log = by_q * np.where([prior.positive for prior in problem.priors], 1.0, theta)
    found = directions(problem.names, by_log)
    result = tension(
        problem.data, prediction, len(problem.data.observables) - len(found.determined)
    )
    status, message = _judge(problem, np.asarray(q, float), residuals, by_q)
    if found.flat and found.determined:
        message += (
            f"; here only {' and '.join(map(str, found.determined))} is determined: no datum"
            f" changes along {' or '.join(map(str, found.flat))}"
        )
    return Fit(
        values=dict(zip(problem.names, problem.theta(q).tolist(), strict=True)),
        model=model.replace(**dict(zip(problem.names, problem.theta(q), strict=True))),
        prediction=prediction,
        tension=result,
        directions=found,
        unfitted=tuple(_unfitted(problem, result, found, by_log)),
        status=status,
        message=message,
        starts=len(chi2),
        agreeing=int(np.sum(chi2 < chi2[best] + 1e-6 * (1 + chi2[best]))),
        data=data,
        problem=problem,
        q=q,
        by_q=by_q,
    )


def match(
    model: Model,
    free: str | Sequence[str],
    observable: str = "omega_b",
    data: str | Mapping[str, Any] | Likelihood | None = None,
    priors: Mapping[str, Any] | None = None,
    **options: int,
) -> Fit:
    """`fit` to one datum alone: "omega_b", the baryon density, or "omega_c", the dark matter.

    Unlike a fit to both, this reproduces the datum exactly where it can be reached: with two
    correlated data a pull on one moves the other.
    """
    check_name("observable", observable, OBSERVABLES)
    return fit(model, free, read_likelihood(data).only(observable), priors, **options)

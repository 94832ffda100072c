"""Profile likelihood: χ² over one parameter, all others fitted at each value of it.

The frequentist cross-check of a posterior: it knows of priors only their bounds.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.checks import check_name, check_number, check_whole
from jaxbounce._core.ranges import Range
from jaxbounce.inference.fitting import Fit, minima
from jaxbounce.inference.least_squares import Minimum


class Profile(NamedTuple):
    """The least χ² at each value of one parameter.

    Attributes:
        name: the parameter.
        values: its values, ascending.
        chi2: the least χ² there, over all other free parameters.
        q: where, in the coordinates of the problem.
    """

    name: str
    values: Float[np.ndarray, " points"]
    chi2: Float[np.ndarray, " points"]
    q: Float[np.ndarray, "points free"]

    def interval(self, delta: float = 1.0) -> tuple[float, float]:
        """Ends of the interval where χ² is within `delta` of its least value; 1 is 68.3 %.

        Interpolated in the root of Δχ², which is nearly straight. An end is infinite if χ² stays
        below up to the last value: within the values looked at, the data do not bound it.
        """
        above = np.sqrt(np.maximum(self.chi2 - np.min(self.chi2), 0))
        best, limit = int(np.argmin(above)), math.sqrt(delta)
        ends = []
        for step, open_end in ((-1, -math.inf), (1, math.inf)):
            i = best
            while 0 <= i + step < len(above) and above[i + step] < limit:
                i += step
            if not 0 <= i + step < len(above):
                ends.append(open_end)
                continue
            part = (limit - above[i]) / (above[i + step] - above[i])
            ends.append(float(self.values[i] + part * (self.values[i + step] - self.values[i])))
        return ends[0], ends[1]


def fitted_along(
    result: Fit,
    index: int,
    q: Float[np.ndarray, " points"],
    starts: Float[np.ndarray, "points free"] | None = None,
) -> Minimum:
    """The minima over the other parameters at values q of one; no recompilation after `fit`.

    The others start from the best fit, or from `starts`.
    """
    fixed = jnp.arange(len(result.problem.names)) == index
    # in batches of the size the fit was compiled for; the last is filled up with what it has
    size = result.starts
    if starts is None:
        starts = np.tile(np.asarray(result.q), (len(q), 1))
    starts = np.array(starts)
    starts[:, index] = q
    padded = np.concatenate([starts, np.repeat(starts[-1:], -len(q) % size, axis=0)])
    parts = [
        minima(result.problem, jnp.asarray(batch), fixed)
        for batch in padded.reshape(-1, size, starts.shape[1])
    ]
    return Minimum(*(jnp.concatenate(field)[: len(q)] for field in zip(*parts, strict=True)))


def profile(
    result: Fit,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    points: int = 65,
) -> Profile:
    """The profile likelihood of one free parameter.

    Args:
        result: a fit with that parameter free.
        name: the parameter.
        low: least value to look at; five σ below the best fit if that is determined, else the
            lower bound of the prior.
        high: largest value, likewise.
        points: number of values, evenly spaced in ln θ (in θ if it may change sign), and the best
            fit besides.

    Returns:
        The profile.

    Raises:
        ConfigurationError: if the parameter is not free, or a bound outside its prior.
    """
    problem = result.problem
    check_name("profile", name, problem.names)
    check_whole("points", points, 3, "values of the parameter")
    index = problem.names.index(name)
    prior = problem.priors[index]
    least, most = (float(end) for end in prior.coordinate_bounds())
    best, sigma = float(result.q[index]), result.directions.sigma[name]
    # σ is of ln θ
    reach = 5 * sigma * (1.0 if prior.positive else abs(result.values[name]))
    start, end = max(least, best - reach), min(most, best + reach)
    allowed = Range(float(prior.low), float(prior.high), True, True, f"the prior of {name}")
    if low is not None:
        start = float(prior.coordinate(check_number("low", low, allowed)))
    if high is not None:
        end = float(prior.coordinate(check_number("high", high, allowed)))
    q = np.unique(np.append(np.linspace(start, end, points), np.clip(best, start, end)))
    found = fitted_along(result, index, q)
    values = np.asarray(prior.from_coordinate(jnp.asarray(q)))
    return Profile(name, values, np.asarray(found.chi2), np.asarray(found.q))

"""Weighted draws around a fit: for models whose values take too long for chains.

Draws of a Student-t around the best fit, as wide as the posterior is there to second order
(Laplace), each weighted by posterior over proposal. They are independent, and no derivative is
taken beyond those of the fit; but what lies far from it, such as a second mode, is not found.
Source: J. Geweke, Econometrica 57 (1989) 1317.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbounce._core.status import Part
from jaxbounce.inference.fitting import Fit
from jaxbounce.inference.problem import Problem
from jaxbounce.model.densities import predict

DERIVED = ("rho_B", "rho_DM", "ratio")
"""Densities that are told beside the parameters."""

_FREEDOM = 5.0  # of the Student-t: tails heavier than those of any Gaussian posterior

_BATCH = 64


class Weighted(NamedTuple):
    """Draws with their weights.

    Attributes:
        q: where they are, in the coordinates of `Problem`.
        weights: of the draws, together 1; zero where there is no number or the prior is zero.
        log_posterior: ln of the posterior density there, per unit of q, up to its constant.
        densities: of `DERIVED`, NaN where there is none.
        failed: `Part` codes; NOT_COMPUTED outside the bounds of the priors.
    """

    q: Float[np.ndarray, "draws free"]
    weights: Float[np.ndarray, " draws"]
    log_posterior: Float[np.ndarray, " draws"]
    densities: Float[np.ndarray, "draws derived"]
    failed: Int[np.ndarray, " draws"]

    @property
    def effective(self) -> float:
        """How many independent draws of the posterior they are worth: 1/Σw²."""
        total = float(np.sum(self.weights**2))
        return 1 / total if total > 0 else 0.0

    def equal(self, seed: int) -> Int[np.ndarray, " draws"]:
        """Indices of as many draws of equal weight, by systematic resampling."""
        count = len(self.weights)
        places = (np.arange(count) + np.random.default_rng(seed).random()) / count
        return np.minimum(np.searchsorted(np.cumsum(self.weights), places), count - 1)


class Proposal(NamedTuple):
    """A Student-t around `centre` with the scale matrix L Lᵀ."""

    centre: Float[np.ndarray, " free"]
    factor: Float[np.ndarray, "free free"]

    def draw(
        self, rng: np.random.Generator, count: int
    ) -> tuple[Float[np.ndarray, "draws free"], Float[np.ndarray, " draws"]]:
        """Draws, and ln of their density up to its constant."""
        normal = rng.standard_normal((count, len(self.centre)))
        stretch = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, count))
        z = normal * stretch[:, None]
        power = (_FREEDOM + len(self.centre)) / 2
        density = -power * np.log1p(np.sum(z**2, axis=1) / _FREEDOM)
        return self.centre + z @ self.factor.T, density


def proposal(found: Fit) -> Proposal:
    """As wide as the posterior is around the best fit, and no wider than the priors."""
    problem, q = found.problem, found.q
    low, high = (np.asarray(end, float) for end in problem.bounds())
    gradient = np.asarray(jax.grad(problem.log_prior)(q), float)
    curvature = -np.diagonal(np.asarray(jax.hessian(problem.log_prior)(q), float))
    # along what the data do not determine, the spread of a flat prior between its bounds
    precision = np.maximum(curvature, 0.0) + 12 / (high - low) ** 2
    by_q = np.asarray(found.by_q, float)
    covariance = np.linalg.inv(by_q.T @ by_q + np.diag(precision))
    residuals = np.asarray(problem.data.residuals(problem.data.predicted(found.prediction)), float)
    step = covariance @ (gradient - by_q.T @ residuals)
    return Proposal(np.clip(np.asarray(q, float) + step, low, high), np.linalg.cholesky(covariance))


def weighted_draws(
    found: Fit, draws: int, seed: int, advance: Callable[[int], None] = lambda count: None
) -> tuple[Weighted, bool]:
    """Draws around a fit with their weights, and whether they were interrupted (ctrl-C).

    Args:
        found: the fit.
        draws: how many.
        seed: of the draws.
        advance: called with the number of draws that were evaluated.
    """
    problem = found.problem
    q, proposed = proposal(found).draw(np.random.default_rng(seed), draws)
    low, high = (np.asarray(end, float) for end in problem.bounds())
    inside = np.all((q >= low) & (q <= high), axis=1)
    log_posterior = np.full(draws, -np.inf)
    densities, failed = np.full((draws, len(DERIVED)), np.nan), np.zeros(draws, int)
    size, done, interrupted = 1 if problem.runs_at_once() else _BATCH, 0, False
    try:
        for start in range(0, draws, size):
            here = np.arange(start, min(start + size, draws))
            here = here[inside[here]]
            if here.size:
                # batches of one size are one program; what is beyond the last is dropped
                padded = q[np.resize(here, size)]
                some = _evaluated(problem, jnp.asarray(padded))
                values = [np.asarray(value)[: here.size] for value in some]
                log_posterior[here], densities[here], failed[here] = values
            done = min(start + size, draws)
            advance(done - start)
    except KeyboardInterrupt:
        if not np.isfinite(log_posterior).any():
            raise
        interrupted = True
    q, log_posterior, proposed = q[:done], log_posterior[:done], proposed[:done]
    weights = np.zeros(done)
    if np.isfinite(log_posterior).any():
        ratio = log_posterior - proposed
        weights = np.exp(ratio - ratio.max())
        weights /= weights.sum()
    return Weighted(q, weights, log_posterior, densities[:done], failed[:done]), interrupted


def _evaluated(
    problem: Problem, q: Float[Array, "n free"]
) -> tuple[Float[Array, " n"], Float[Array, "n derived"], Int[Array, " n"]]:
    if problem.runs_at_once():
        return jax.tree.map(lambda *all: jnp.stack(all), *(_at(problem, point) for point in q))
    return _together(problem, q)


@eqx.filter_jit
def _together(problem: Problem, q: Float[Array, "n free"]) -> tuple[Array, Array, Array]:
    return jax.vmap(lambda point: _at(problem, point))(q)


def _at(problem: Problem, q: Float[Array, " free"]) -> tuple[Array, Array, Array]:
    """ln of the posterior, the densities, and what failed."""
    found = predict(problem.at(q))
    total = problem.data.log_likelihood(found) + problem.log_prior(q)
    densities = jnp.stack([getattr(found, name) for name in DERIVED])
    return total, densities, found.failed


def weighted_quantile(
    values: Float[np.ndarray, " draws"], weights: Float[np.ndarray, " draws"], part: float
) -> float:
    """The value below which a part of the weight lies."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(part, below, values[order]))


def failures(weighted: Weighted) -> dict[str, int]:
    """How many draws failed in each part of the chain."""
    codes, counts = np.unique(weighted.failed, return_counts=True)
    lost = (Part.NOT_COMPUTED, Part.NONE)
    return {
        Part(int(code)).text: int(n)
        for code, n in zip(codes, counts, strict=True)
        if code not in lost
    }


def least_effective(draws: int) -> float:
    """Effective draws below which a posterior by weights has no number to trust."""
    return max(10.0, math.sqrt(draws))

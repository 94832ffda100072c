"""Posterior of free parameters, with its certificate: by NUTS, or by weighted draws around a fit.

Needs arviz, NUTS numpyro too: pip install 'jaxbounce[bayes]'.
"""

import enum
import importlib
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.checks import check_whole, one_of
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.summary import as_html
from jaxbounce._core.version import __version__
from jaxbounce.inference.coordinates import coordinates
from jaxbounce.inference.data import Likelihood
from jaxbounce.inference.fisher import Combination
from jaxbounce.inference.fitting import Fit, fit
from jaxbounce.inference.importance import (
    DERIVED,
    failures,
    least_effective,
    weighted_draws,
    weighted_quantile,
)
from jaxbounce.inference.problem import Problem
from jaxbounce.inference.ridge import Ridge, ridge
from jaxbounce.inference.sampler import Draws, Settings, sample
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model

R_HAT = 1.01
"""Chains with a larger R-hat have not converged (Vehtari et al. 2021, arXiv:1903.08008)."""

LEAST_ESS = 400
"""Effective draws below which quantiles are not to be trusted (same source)."""

Method = Literal["nuts", "importance"]


class PosteriorStatus(enum.IntEnum):
    """What became of a posterior.

    FEW_EFFECTIVE: of weighted draws hardly any counts, so that nothing is known of the posterior.
    Draws of NUTS are judged by `Posterior.warnings`.
    """

    SUCCESS = 1
    FEW_EFFECTIVE = 2


_WEIGHTED_DRAWS, _CHAIN_DRAWS = 100, 1000  # where none are asked for


def _need(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigurationError(
            f"posterior: needs {name}, which is not installed; pip install 'jaxbounce[bayes]'"
        ) from None


class Row(NamedTuple):
    """One quantity of a posterior.

    Attributes:
        name: a parameter, a combination that the data determine, or a density.
        mean, sd: of the draws.
        low, high: quantiles 3 % and 97 %.
        ess_bulk, ess_tail: effective numbers of draws; NaN for what does not vary.
        r_hat: rank-normalised split R-hat; NaN for what does not vary.
    """

    name: str
    mean: float
    sd: float
    low: float
    high: float
    ess_bulk: float
    ess_tail: float
    r_hat: float


class Posterior(NamedTuple):
    """Draws of the free parameters.

    Attributes:
        fit: the fit it was started from, with the directions that the data determine.
        data: arviz InferenceData: `posterior` with the parameters, the densities (kg/m³) and,
            where they are the same everywhere, the determined combinations; `sample_stats`,
            `observed_data`.
        rows: summary of each quantity.
        divergences: number of diverging trajectories.
        warnings: one line for each reason not to trust the draws; empty if there is none.
        interrupted: whether fewer draws were taken than asked for.
        status: whether there is anything to trust.
    """

    fit: Fit
    data: Any
    rows: tuple[Row, ...]
    divergences: int
    warnings: tuple[str, ...]
    interrupted: bool
    status: PosteriorStatus = PosteriorStatus.SUCCESS

    def __str__(self) -> str:
        warnings = [f"warning: {text}" for text in self.warnings]
        return "\n".join(["posterior", self.table(), f"divergences: {self.divergences}", *warnings])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))

    def table(self) -> str:
        """The summary as text, one line for each quantity."""
        width = max(len(row.name) for row in self.rows)
        lines = [
            f"{'':{width}}  {'mean':>11} {'sd':>10} {'3 %':>11} {'97 %':>11}"
            f" {'ESS bulk':>8} {'tail':>6} {'R-hat':>6}"
        ]
        lines += [
            f"{row.name:{width}}  {row.mean:11.5g} {row.sd:10.3g} {row.low:11.5g} {row.high:11.5g}"
            f" {row.ess_bulk:8.0f} {row.ess_tail:6.0f} {row.r_hat:6.3f}"
            for row in self.rows
        ]
        return "\n".join(lines)


@eqx.filter_jit
def _derived(problem: Problem, q: Float[Array, "n free"]) -> list[Float[Array, " n"]]:
    def one(point: Any) -> dict[str, Array]:
        prediction = predict(problem.at(point))
        theta = dict(zip(problem.names, problem.theta(point), strict=True))
        return {**theta, **{name: getattr(prediction, name) for name in DERIVED}}

    found = jax.lax.map(one, q, batch_size=256)
    return [found[name] for name in (*problem.names, *DERIVED)]


def _inference_data(
    result: Fit,
    draws: Draws,
    combinations: Sequence[Combination],
    attributes: Mapping[str, Any],
) -> Any:
    arviz = _need("arviz")
    by_chain = Draws(*(jnp.swapaxes(field, 0, 1) for field in draws))
    chains, count, size = by_chain.q.shape
    flat = _derived(result.problem, by_chain.q.reshape(-1, size))
    names = (*result.problem.names, *DERIVED)
    quantities = {
        name: np.asarray(values).reshape(chains, count)
        for name, values in zip(names, flat, strict=True)
    }
    _combined(quantities, combinations)
    observed = dict(zip(result.data.observables, np.asarray(result.data.mean), strict=True))
    return arviz.from_dict(
        posterior=quantities,
        sample_stats={
            "lp": np.asarray(by_chain.log_posterior),
            "diverging": np.asarray(by_chain.diverging),
            "n_steps": np.asarray(by_chain.num_steps),
            "acceptance_rate": np.asarray(by_chain.acceptance),
            "energy": np.asarray(by_chain.energy),
            "step_size": np.asarray(by_chain.step_size),
        },
        observed_data=observed,
        attrs=dict(attributes),
    )


def _rows(data: Any) -> tuple[Row, ...]:
    arviz = _need("arviz")
    # what no free parameter changes, as Y_chi that is given, has no chains to compare
    moving = data.posterior[[n for n, v in data.posterior.items() if np.ptp(v.values) > 0]]
    certificates = [
        arviz.ess(moving, method="bulk"),
        arviz.ess(moving, method="tail"),
        arviz.rhat(moving),
    ]
    rows = []
    for name, draws in data.posterior.items():
        values = np.asarray(draws)
        low, high = (float(end) for end in np.quantile(values, (0.03, 0.97)))
        found = [float(c[name]) if name in moving else math.nan for c in certificates]
        rows.append(Row(str(name), float(values.mean()), float(values.std()), low, high, *found))
    return tuple(rows)


def _warnings(
    rows: Sequence[Row], names: Sequence[str], divergences: int, total: int, asked: int
) -> tuple[str, ...]:
    found = []
    own = [row for row in rows if row.name in names]
    worst = max(own, key=lambda row: row.r_hat)
    if not worst.r_hat < R_HAT:
        found.append(
            f"R-hat of {worst.name} is {worst.r_hat:.3f}, not below {R_HAT}: sample longer"
        )
    poorest = min(own, key=lambda row: min(row.ess_bulk, row.ess_tail))
    ess = min(poorest.ess_bulk, poorest.ess_tail)
    if not ess > LEAST_ESS:
        found.append(f"only {ess:.0f} effective draws of {poorest.name}: sample longer")
    if divergences:
        found.append(
            f"{divergences} of {total} trajectories diverged: the posterior may have an edge or a"
            " bend the draws do not reach; raise target_accept or narrow the priors"
        )
    if total < asked:
        found.append(f"interrupted after {total} of {asked} draws")
    return tuple(found)


def _combined(quantities: dict[str, np.ndarray], combinations: Sequence[Combination]) -> None:
    """The determined combinations of more than one parameter, beside the parameters."""
    for combination in combinations:
        if len(combination.exponents) > 1:
            logs = sum(p * np.log(quantities[n]) for n, p in combination.exponents.items())
            quantities[str(combination)] = np.exp(logs)


def _weighted_row(name: str, values: np.ndarray, weights: np.ndarray, effective: float) -> Row:
    """A row of weighted draws, NaN where none of them counts."""
    good = weights > 0
    values, weights = values[good], weights[good]
    if not effective > 0:
        return Row(name, *(math.nan,) * 7)
    mean = float(np.sum(weights * values))
    sd = math.sqrt(float(np.sum(weights * (values - mean) ** 2)))
    low, high = (weighted_quantile(values, weights, part) for part in (0.03, 0.97))
    return Row(name, mean, sd, low, high, effective, effective, math.nan)


def _by_weights(
    result: Fit, draws: int, seed: int, progress: bool | None, attributes: Mapping[str, Any]
) -> Posterior:
    """The posterior by weighted draws around a fit."""
    arviz, bar_of = _need("arviz"), _need("tqdm").tqdm
    shown = None if progress is None else not progress
    with bar_of(total=draws, desc="posterior", disable=shown) as bar:
        found, interrupted = weighted_draws(result, draws, seed, bar.update)
    problem, weights = result.problem, found.weights
    few = not found.effective >= least_effective(draws)
    theta = np.asarray(jax.vmap(problem.theta)(jnp.asarray(found.q)), float)
    columns = [*theta.T, *found.densities.T]
    quantities = dict(zip((*problem.names, *DERIVED), columns, strict=True))
    _combined(quantities, result.directions.determined)
    rows = []
    for name, values in quantities.items():
        rows.append(_weighted_row(name, values, weights, math.nan if few else found.effective))
    warnings_ = []
    if few:
        warnings_.append(
            f"only {found.effective:.3g} of {draws} draws count: they do not cover the posterior,"
            " of which no number is given; take more draws or narrow the priors around the fit"
        )
    elif not found.effective > LEAST_ESS:
        warnings_.append(
            f"only {found.effective:.0f} effective draws: the mean is known to sd/√ESS, the tails"
            " are not; take more"
        )
    if lost := failures(found):
        parts = ", ".join(f"{part} {number}" for part, number in lost.items())
        warnings_.append(f"draws without a number, of zero likelihood, by the stage: {parts}")
    if interrupted:
        warnings_.append(f"interrupted after {len(weights)} of {draws} draws")
    chosen = found.equal(seed)
    observed = dict(zip(result.data.observables, np.asarray(result.data.mean), strict=True))
    data = arviz.from_dict(
        posterior={
            name: np.where(few, np.nan, values[chosen])[None] for name, values in quantities.items()
        },
        sample_stats={"lp": found.log_posterior[chosen][None]},
        constant_data={"weight": weights, **{f"drawn_{n}": v for n, v in quantities.items()}},
        observed_data=observed,
        attrs=dict(attributes),
    )
    status = PosteriorStatus.FEW_EFFECTIVE if few else PosteriorStatus.SUCCESS
    return Posterior(result, data, tuple(rows), 0, tuple(warnings_), interrupted, status)


def posterior(
    model: Model,
    free: str | Sequence[str],
    data: str | Mapping[str, Any] | Likelihood | None = None,
    priors: Mapping[str, Any] | None = None,
    *,
    method: Method | None = None,
    chains: int = 4,
    draws: int | None = None,
    warmup: int = 500,
    seed: int = 0,
    starts: int | None = None,
    target_accept: float = 0.9,
    max_tree_depth: int = 10,
    forward_mode: bool = False,
    progress: bool | None = None,
) -> Posterior:
    """Sample the posterior of free parameters: by NUTS (numpyro), several chains at once.

    Or, where a potential is solved at each point, by weighted draws around the fit
    (`jaxbounce.inference.importance`): a chain takes a hundred gradients for each draw that counts.

    Starts from a fit, in coordinates in which directions that the data do not determine are
    separate (`jaxbounce.inference.coordinates`). An interruption (ctrl-C) after the warm-up
    returns the draws taken so far.

    Args:
        model: the model; what is not free stays as it is there.
        free: names of the free parameters.
        data: as for `fit`.
        priors: as for `fit`.
        method: "nuts" or "importance"; by default the first, or the second where stages that the
            free parameters enter are solved at once.
        chains: number of chains. This and what adapts or steers them is of NUTS alone.
        draws: draws of each chain, or of all; by default 1000, and 100 that are weighted.
        warmup: draws that adapt the sampler and are thrown away.
        seed: of everything random.
        starts: starting points of the fit; None as there.
        target_accept: acceptance probability the step size is adapted to.
        max_tree_depth: a trajectory has at most 2 to this power steps.
        forward_mode: gradients in forward mode throughout. Derivatives of the model always are,
            so that models which know no other can be sampled with or without.
        progress: show a progress bar; None shows it on a terminal.

    Returns:
        The draws, their summary, and what speaks against trusting them.

    Raises:
        ConfigurationError: for a bad argument, or if numpyro or arviz is not installed.
        ComputationError: if there is no starting point with a number.
    """
    one_of("method", method or "nuts", get_args(Method))
    with warnings.catch_warnings():
        # arviz announces its next version on import
        warnings.simplefilter("ignore", FutureWarning)
        _need("arviz")
    bar_of = _need("tqdm").tqdm
    for name, value, least in (
        ("chains", chains, 1),
        ("draws", _CHAIN_DRAWS if draws is None else draws, 4),
        ("warmup", warmup, 1),
        ("max_tree_depth", max_tree_depth, 1),
    ):
        check_whole(name, value, least, "of the sampler")
    if not 0 < target_accept < 1:
        raise ConfigurationError(f"target_accept = {target_accept}: must be in (0, 1)")
    result = fit(model, free, data, priors, starts=starts, seed=seed)
    problem = result.problem
    at_once = problem.runs_at_once()
    method = method or ("importance" if at_once else "nuts")
    draws = draws or (_WEIGHTED_DRAWS if method == "importance" else _CHAIN_DRAWS)
    attributes = {
        "created_by": f"jaxbounce {__version__}",
        "data": result.data.name,
        "free": json.dumps(list(problem.names)),
        "priors": json.dumps(
            {n: p.table() for n, p in zip(problem.names, problem.priors, strict=True)}
        ),
        "seed": seed,
        "method": method,
        "determined": json.dumps([str(c) for c in result.directions.determined]),
        "flat": json.dumps([str(c) for c in result.directions.flat]),
    }
    if method == "importance":
        return _by_weights(result, draws, seed, progress, attributes)
    _need("numpyro")
    if at_once:
        raise ConfigurationError(
            'method = "nuts": a potential is solved at each point, of which chains would take'
            ' thousands; use "importance"'
        )
    settings = Settings(warmup, target_accept, max_tree_depth, forward_mode)
    chosen = ridge(result, coordinates(result))
    blocks: list[Draws] = []
    interrupted = False
    with bar_of(
        total=warmup + draws, desc="posterior", disable=None if progress is None else not progress
    ) as bar:
        try:
            for count, block in sample(
                problem,
                chosen,
                settings,
                chains=chains,
                draws=draws,
                seed=seed,
            ):
                bar.update(count)
                if block is not None:
                    blocks.append(block)
        except KeyboardInterrupt:
            if not blocks:
                raise
            interrupted = True
    taken = Draws(*(jnp.concatenate(field) for field in zip(*blocks, strict=True)))
    attributes |= {"warmup": warmup}
    # on a curved ridge, what is determined at one point of it is not so at another
    combinations = () if isinstance(chosen, Ridge) else result.directions.determined
    found = _inference_data(result, taken, combinations, attributes)
    rows = _rows(found)
    divergences = int(np.sum(taken.diverging))
    return Posterior(
        fit=result,
        data=found,
        rows=rows,
        divergences=divergences,
        warnings=_warnings(rows, problem.names, divergences, taken.diverging.size, chains * draws),
        interrupted=interrupted,
    )

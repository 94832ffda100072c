"""The commands `jaxbounce fit` and `jaxbounce posterior`."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from jaxbounce._command import Point, configured, keep_compiled

if TYPE_CHECKING:
    from jaxbounce.config import Configuration


@dataclasses.dataclass(frozen=True)
class Fit(Point):
    """Fit parameters to the measured densities: best values, goodness, flat directions."""

    free: Annotated[str, tyro.conf.arg(metavar="NAME,…")] = "f_chi"
    """Free parameters, separated by commas, such as f_chi,P."""
    data: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "planck2018"
    """Data set by name, or a JSON or TOML table with mean and covariance of (omega_b, omega_c)."""
    only: Annotated[Literal["omega_b", "omega_c"] | None, tyro.conf.arg(metavar="DATUM")] = None
    """Fit one datum alone: omega_b or omega_c."""
    priors: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """JSON or TOML table of priors by name; their ranges bound the fit."""
    starts: int = 16
    """Starting points."""
    seed: int = 0
    """Shifts them."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""


@dataclasses.dataclass(frozen=True)
class Posterior(Fit):
    """Sample the posterior of parameters by NUTS; needs the extra "bayes"."""

    chains: int = 4
    """Chains."""
    draws: int = 1000
    """Draws of each chain."""
    warmup: int = 500
    """Draws before them that adapt the sampler."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw all pairs of parameters (PNG, PDF or SVG); needs the extra "plot"."""


def run_fit(command: Fit) -> int:
    """Run `jaxbounce fit`; the exit status."""
    from jaxbounce import fit_report
    from jaxbounce._files import write_json
    from jaxbounce.inference import FitStatus, fit

    configuration, arguments = _fit_arguments(command)
    found = fit(*arguments, starts=command.starts, seed=command.seed)
    if command.out is not None:
        write_json(command.out, fit_report.as_mapping(configuration, found))
    print(fit_report.as_text(found))
    if found.status != FitStatus.CONVERGED:
        print(f"jaxbounce: {found.message}", file=sys.stderr)
        return 1
    return 0


def run_posterior(command: Posterior) -> int:
    """Run `jaxbounce posterior`; the exit status."""
    from jaxbounce import fit_report, plotting
    from jaxbounce._checks import ConfigurationError, check_whole
    from jaxbounce.inference import posterior

    for name, least in (("chains", 1), ("draws", 4), ("warmup", 10)):
        check_whole(f"--{name}", getattr(command, name), least, "number of them")
    if command.out is not None and command.out.suffix.lower() != ".nc":
        raise ConfigurationError(f"--out {command.out}: draws are netCDF; use a name in .nc")
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    _, arguments = _fit_arguments(command)
    found = posterior(
        *arguments,
        chains=command.chains,
        draws=command.draws,
        warmup=command.warmup,
        starts=command.starts,
        seed=command.seed,
    )
    if command.out is not None:
        found.save(command.out)
    if command.plot is not None:
        plotting.corner(found.data.posterior, tuple(found.fit.values), command.plot)
    print(fit_report.posterior_text(found))
    return 0


def _fit_arguments(command: Fit) -> tuple["Configuration", tuple[Any, ...]]:
    """The configuration; and model, free parameters, data and priors."""
    from jaxbounce import enable_x64
    from jaxbounce._checks import check_whole, read_mapping
    from jaxbounce.inference import DATA_SETS, likelihood, read_likelihood
    from jaxbounce.report import resolved_model
    from jaxbounce.sensitivity_report import parameter_of

    enable_x64()
    configuration = configured(command)
    keep_compiled()
    free = [parameter_of(name.strip()) for name in command.free.split(",") if name.strip()]
    check_whole("--starts", command.starts, 1, "number of starting points")
    named = command.data in DATA_SETS or not Path(command.data).suffix
    data = likelihood(command.data) if named else read_likelihood(read_mapping(command.data))
    if command.only is not None:
        data = data.only(command.only)
    priors = None if command.priors is None else read_mapping(command.priors)
    model, _ = resolved_model(configuration)
    return configuration, (model, free, data, priors)

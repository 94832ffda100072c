"""`jaxbounce posterior`: draws of the parameters."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from jaxbounce.cli.fit import _fit_arguments, as_text

if TYPE_CHECKING:
    pass
from jaxbounce.inference import Posterior as PosteriorResult


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


def run_posterior(command: Posterior) -> int:
    """Run `jaxbounce posterior`; the exit status."""
    from jaxbounce import plotting
    from jaxbounce._core.checks import check_whole
    from jaxbounce._core.errors import ConfigurationError
    from jaxbounce.cli import fit as fit_report
    from jaxbounce.inference import posteriors as posterior

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


def posterior_text(found: PosteriorResult) -> str:
    """Best fit, summary of the draws, and what speaks against trusting them."""
    lines = [as_text(found.fit), "", found.table(), f"divergences: {found.divergences}"]
    if found.interrupted:
        lines.append("interrupted: fewer draws than asked for")
    lines += [f"warning: {text}" for text in found.warnings]
    return "\n".join(lines)

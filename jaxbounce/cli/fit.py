"""The commands `jaxbounce fit` and `jaxbounce posterior`."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from jaxbounce.cli._shared import Point, configured, keep_compiled

if TYPE_CHECKING:
    from jaxbounce.files.point import Configuration
import math
from collections.abc import Iterator

from jaxbounce._core.version import __version__
from jaxbounce.cosmology.today import omega_h2
from jaxbounce.files.point import PARAMETER_OF_KEY, Configuration
from jaxbounce.inference import Fit as FitResult, FitStatus
from jaxbounce.model.model import Prediction


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


def run_fit(command: Fit) -> int:
    """Run `jaxbounce fit`; the exit status."""
    from jaxbounce.cli import fit as fit_report
    from jaxbounce.files.write import write_json
    from jaxbounce.inference import FitStatus, fitting as fit

    configuration, arguments = _fit_arguments(command)
    found = fit(*arguments, starts=command.starts, seed=command.seed)
    if command.out is not None:
        write_json(command.out, fit_report.as_mapping(configuration, found))
    print(fit_report.as_text(found))
    if found.status != FitStatus.CONVERGED:
        print(f"jaxbounce: {found.message}", file=sys.stderr)
        return 1
    return 0


def _fit_arguments(command: Fit) -> tuple["Configuration", tuple[Any, ...]]:
    """The configuration; and model, free parameters, data and priors."""
    from jaxbounce import enable_x64
    from jaxbounce._core.checks import check_whole
    from jaxbounce.files.point import parameter_of, resolved_model
    from jaxbounce.files.tables import read_mapping
    from jaxbounce.inference import DATA_SETS, data as likelihood, read_likelihood

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


def as_mapping(configuration: Configuration, found: FitResult) -> dict[str, Any]:
    """The result as JSON; null where there is no number."""
    key_of = {name: key for key, name in PARAMETER_OF_KEY.items()}
    directions = found.directions
    return {
        "inputs": configuration.as_mapping(),
        "data": _data(found),
        "free": {
            name: {
                "value": value,
                "key": key_of.get(name, name),
                "relative_sigma": _number(directions.sigma[name]),
            }
            for name, value in found.values.items()
        },
        "final": {
            "rho_B_kg_m3": _number(found.prediction.rho_B),
            "rho_DM_kg_m3": _number(found.prediction.rho_DM),
            "DM_over_B": _number(found.prediction.ratio),
            "P_used": _number(found.prediction.P),
        },
        "chi2": _number(found.tension.chi2),
        "dof": found.tension.dof,
        "p_value": _number(found.tension.p_value),
        "n_sigma": _number(found.tension.n_sigma),
        "pulls": {name: _number(value) for name, value in found.tension.pulls.items()},
        "ratio_tension_sigma": _number(found.tension.ratio_sigma),
        "fisher_ln": directions.fisher.tolist(),
        "covariance_ln": None if directions.covariance is None else directions.covariance.tolist(),
        "determined": [
            {"combination": str(c), "exponents": c.exponents, "relative_sigma": _number(c.sigma)}
            for c in directions.determined
        ],
        "flat": [{"direction": str(c), "exponents": c.exponents} for c in directions.flat],
        "unfitted": list(found.unfitted),
        "starts": found.starts,
        "agreeing_starts": found.agreeing,
        "status": found.status.name.lower(),
        "status_message": found.message,
        "jaxbounce_version": __version__,
    }


def _data(found: FitResult) -> dict[str, Any]:
    return {
        "observables": list(found.data.observables),
        "mean": [float(x) for x in found.data.mean],
        "covariance": [[float(x) for x in row] for row in found.data.covariance],
    }


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def tension_text(found: FitResult) -> list[str]:
    """How far the best point is from the data, line by line."""
    t = found.tension
    pulls = ", ".join(f"{name} {value:+.3f} σ" for name, value in t.pulls.items())
    lines = [f"  pulls        {pulls}"]
    lines.append(
        f"  chi²         {t.chi2:.6g} for {t.dof} degrees of freedom (p = {t.p_value:.3g},"
        f" {t.n_sigma:.2f} σ)"
    )
    if math.isfinite(t.ratio_sigma):
        lines.append(f"  DM/B         {t.ratio:.6f}, {t.ratio_sigma:.2f} σ from the data")
    return lines


def _densities(p: Prediction) -> str:
    return (
        f"  rho_B = {float(p.rho_B):.9e} kg/m³ (omega_b = {float(omega_h2(p.rho_B)):.6f}),"
        f" rho_DM = {float(p.rho_DM):.9e} kg/m³ (omega_c = {float(omega_h2(p.rho_DM)):.6f})"
    )


def as_text(found: FitResult) -> str:
    """The report a person reads."""
    return "\n".join(_lines(found))


def _lines(found: FitResult) -> Iterator[str]:
    directions = found.directions
    yield f"jaxbounce {__version__}"
    yield ""
    if found.values:
        yield f"best fit ({found.agreeing} of {found.starts} starts end here): {found.message}"
        for name, value in found.values.items():
            sigma = directions.sigma[name]
            spread = f"± {sigma:.3g} relative" if math.isfinite(sigma) else "not determined"
            yield f"  {name:12} {value:.10g}   {spread}"
    yield _densities(found.prediction)
    yield from tension_text(found)
    for line in found.unfitted:
        yield f"  unfitted     {line}"
    if directions.determined:
        yield "the data determine"
        for c in directions.determined:
            yield f"  {c} to {c.sigma:.3g} relative"
    if directions.flat:
        yield "and say nothing about (flat directions: any common factor to these powers)"
        for c in directions.flat:
            yield f"  {c}"
    if found.status != FitStatus.CONVERGED:
        yield f"not a best fit: {found.message}"

"""`jaxbounce fit`: best values, goodness, what the data leave undetermined."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

import jaxbounce as jb
from jaxbounce.cli._figures import Figures, Reported
from jaxbounce.cli._shared import (
    Outputs,
    configured,
    envelope,
    header,
    named_files,
    names_in,
    number,
    resolved,
)
from jaxbounce.cli._streams import say

if TYPE_CHECKING:
    from jaxbounce.inference import Fit, Likelihood

ORDER = 30
EXAMPLES = """\
jaxbounce fit --free f_chi                     the occupancy that Planck asks for
"""


@dataclasses.dataclass(frozen=True)
class Command(Reported):
    """Fit parameters to the measured densities: best values, goodness, flat directions."""

    free: Annotated[str, tyro.conf.arg(metavar="NAME,…")] = "f_chi"
    """Free parameters, separated by commas, such as f_chi,P."""
    data: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "planck2018"
    """Data set by name, or a JSON or TOML table with mean and covariance of (omega_b, omega_c)."""
    only: Annotated[Literal["omega_b", "omega_c"] | None, tyro.conf.arg(metavar="DATUM")] = None
    """Fit one datum alone: omega_b or omega_c."""
    priors: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """JSON or TOML table of priors by name; their ranges bound the fit."""
    starts: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Starting points: 16, or 3 where a potential is solved at each point."""
    seed: int = 0
    """Shifts them."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw pulls and Δχ² (posterior: all pairs of parameters) as PNG, PDF or SVG; needs the extra
    "plot"."""

    def run(self) -> int:
        """Fit, write and print it; the exit status."""
        figures, outputs = self.figures(), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.config, self.data, self.priors))
        configuration, arguments = self.arguments()
        outputs.spare(named_files(self, configuration))
        found = jb.fit(*arguments, starts=self.starts, seed=self.seed)
        if self.out is not None:
            outputs.put(jb.files.write.write_json, self.out, _mapping(configuration, found))
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(found), self.plot)
        print("\n".join(text_lines(found, figures)))
        if found.status != jb.inference.FitStatus.CONVERGED:
            say(found.message)
            return 1
        return outputs.status(0)

    def arguments(self) -> tuple["jb.Configuration", tuple[Any, ...]]:
        """The configuration; and model, free parameters, data and priors."""
        from jaxbounce._core.checks import check_whole

        if self.starts is not None:
            check_whole("--starts", self.starts, 1, "number of starting points", 10**6)
        check_whole("--seed", self.seed, 0, "of the starting points", 2**63 - 1)
        configuration = configured(self)
        free = names_in(self.free)
        data = measured(self.data)
        if self.only is not None:
            data = data.only(self.only)
        priors = None if self.priors is None else jb.files.tables.read_mapping(self.priors)
        model = resolved(configuration)
        return configuration, (model, free, data, priors)


def measured(name: str) -> "Likelihood":
    """The data of --data NAME|FILE."""
    if name in jb.inference.DATA_SETS or not Path(name).suffix:
        return jb.inference.likelihood(name)
    return jb.inference.read_likelihood(jb.files.tables.read_mapping(name))


def _mapping(configuration: "jb.Configuration", found: "Fit") -> dict[str, Any]:
    """The result as JSON; null where there is no number."""
    key_of = {name: d.key for name, d in jb.parameters.DECLARATIONS.items()}
    directions = found.directions
    results = {
        "data": _data(found),
        "free": {
            name: {
                "value": value,
                "key": key_of.get(name, name),
                "relative_sigma": number(directions.sigma[name]),
            }
            for name, value in found.values.items()
        },
        "final": {
            "rho_B_kg_m3": number(found.prediction.rho_B),
            "rho_DM_kg_m3": number(found.prediction.rho_DM),
            "DM_over_B": number(found.prediction.ratio),
            "P_used": number(found.prediction.P),
        },
        "chi2": number(found.tension.chi2),
        "dof": found.tension.dof,
        "p_value": number(found.tension.p_value),
        "n_sigma": number(found.tension.n_sigma),
        "pulls": {name: number(value) for name, value in found.tension.pulls.items()},
        "ratio_tension_sigma": number(found.tension.ratio_sigma),
        "fisher_ln": directions.fisher.tolist(),
        "covariance_ln": None if directions.covariance is None else directions.covariance.tolist(),
        "determined": [
            {"combination": str(c), "exponents": c.exponents, "relative_sigma": number(c.sigma)}
            for c in directions.determined
        ],
        "flat": [{"direction": str(c), "exponents": c.exponents} for c in directions.flat],
        "unfitted": list(found.unfitted),
        "starts": found.starts,
        "agreeing_starts": found.agreeing,
        "status": found.status.name.lower(),
        "status_message": found.message,
    }
    return envelope(configuration.as_mapping(), **results)


def _data(found: "Fit") -> dict[str, Any]:
    return {
        "observables": list(found.data.observables),
        "mean": [float(x) for x in found.data.mean],
        "covariance": [[float(x) for x in row] for row in found.data.covariance],
    }


def _tension_lines(found: "Fit", figures: Figures) -> list[str]:
    """How far the best point is from the data, line by line."""
    from jaxbounce._core.summary import sigmas

    t = found.tension
    pulls = ", ".join(f"{name} {sigmas(value, 3)}" for name, value in t.pulls.items())
    lines = [f"  pulls        {pulls}"]
    freedom = "degree of freedom" if t.dof == 1 else "degrees of freedom"
    lines.append(
        f"  chi²         {figures(t.chi2)} for {t.dof} {freedom} (p = {t.p_value:.3g},"
        f" {sigmas(t.n_sigma, signed=False)})"
    )
    if math.isfinite(t.ratio_sigma):
        lines.append(f"  DM/B         {figures(t.ratio)}, {sigmas(t.ratio_sigma)} from the data")
    return lines


def _densities(p: "jb.Prediction", figures: Figures) -> str:
    omega_h2 = jb.cosmology.omega_h2
    return (
        f"  rho_B = {figures(p.rho_B)} kg/m³ (omega_b = {float(omega_h2(p.rho_B)):.6f}),"
        f" rho_DM = {figures(p.rho_DM)} kg/m³ (omega_c = {float(omega_h2(p.rho_DM)):.6f})"
    )


def text_lines(found: "Fit", figures: Figures) -> Iterator[str]:
    """What a person reads."""
    directions = found.directions
    yield header()
    yield ""
    if found.values:
        yield f"best fit ({found.agreeing} of {found.starts} starts end here): {found.message}"
        for name, value in found.values.items():
            sigma = directions.sigma[name]
            spread = f"± {sigma:.3g} relative" if math.isfinite(sigma) else "not determined"
            yield f"  {name:12} {figures(value)}   {spread}"
    yield _densities(found.prediction, figures)
    yield from _tension_lines(found, figures)
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
    if found.status != jb.inference.FitStatus.CONVERGED:
        yield f"not a best fit: {found.message}"

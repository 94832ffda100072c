"""`jaxbounce sensitivity`: elasticities, largest first."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import jaxbounce as jb
from jaxbounce._core.status import Status
from jaxbounce.cli._figures import Figures, Reported
from jaxbounce.cli._shared import (
    Outputs,
    configured,
    envelope,
    exit_status,
    header,
    named_files,
    names_in,
    resolved,
    status_keys,
)

if TYPE_CHECKING:
    from jaxbounce.model.sensitivity import Sensitivities

ORDER = 20
EXAMPLES = """\
jaxbounce sensitivity --plot bars.png          what the densities depend on
"""


@dataclasses.dataclass(frozen=True)
class Command(Reported):
    """Print what the densities depend on: d ln(rho_B, rho_DM, ratio)/d ln of every parameter."""

    wrt: Annotated[str | None, tyro.conf.arg(metavar="NAME,…")] = None
    """Parameters, separated by commas; all if left out."""
    second: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Second derivatives too."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the elasticities as bars (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Compute, write, draw and print it; the exit status."""
        from jaxbounce.model.sensitivity import check_parameters

        figures, outputs = self.figures(), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.config,))
        configuration = configured(self)
        outputs.spare(named_files(self, configuration))
        model = resolved(configuration)
        names = None if self.wrt is None else check_parameters(model, names_in(self.wrt))
        found = jb.sensitivities(model, names, self.second)
        if self.out is not None:
            outputs.put(jb.files.write.write_json, self.out, _mapping(configuration, model, found))
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(found), self.plot)
        print("\n".join(_lines(model, found, figures)))
        return outputs.status(exit_status(Status(int(found.prediction.status))))


def _mapping(
    configuration: "jb.Configuration", model: "jb.Model", found: "Sensitivities"
) -> dict[str, Any]:
    """The result as JSON: inputs, rows, second derivatives by output and pair of names."""
    from jaxbounce.model.sensitivity import OUTPUTS, as_rows

    results: dict[str, Any] = {
        **status_keys(Status(int(found.prediction.status))),
        "elasticities": as_rows(found, model),
    }
    if found.curvatures is not None:
        results["second_derivatives"] = {
            output: {
                first: {
                    second: float(found.curvatures[line, i, j])
                    for j, second in enumerate(found.names)
                }
                for i, first in enumerate(found.names)
            }
            for line, output in enumerate(OUTPUTS)
        }
    return envelope(configuration.as_mapping(), **results)


def _lines(model: "jb.Model", found: "Sensitivities", figures: Figures) -> Iterator[str]:
    from jaxbounce.model.sensitivity import NEGLIGIBLE, OUTPUTS, as_rows

    p = found.prediction
    status = Status(int(p.status))
    yield header()
    yield ""
    if status not in (Status.SUCCESS, Status.UNDERFLOW):
        yield f"no number: {status.message}"
        return
    yield (
        f"rho_B = {figures(p.rho_B)} kg/m³, rho_DM = {figures(p.rho_DM)} kg/m³,"
        f" DM/B = {figures(p.ratio)}"
    )
    yield ""
    yield "elasticities d ln(output)/d ln(parameter)"
    wide = figures.width
    heads = ("value", "rho_B", "rho_DM", "DM/B")
    yield f"  {'parameter':14} " + " ".join(f"{head:>{wide}}" for head in heads)
    reasons: dict[str, list[str]] = {}
    for row in as_rows(found, model):
        cells = " ".join(
            f"{'none' if row[output] is None else figures(row[output]):>{wide}}"
            for output in OUTPUTS
        )
        yield f"  {row['parameter']:14} {row['value']:{wide}.6g} {cells}"
        for output, reason in row["why_zero"].items():
            if output == "rho_B":
                reasons.setdefault(reason, []).append(row["parameter"])
    if found.curvatures is not None:
        yield ""
        yield "second derivatives of ln rho_B in the logarithms of"
        for i, first in enumerate(found.names):
            for j in range(i + 1):
                value = float(found.curvatures[0, i, j])
                if abs(value) > NEGLIGIBLE:
                    yield f"  {first + ', ' + found.names[j]:30} {figures(value):>{wide}}"
    yield ""
    yield "why d ln rho_B vanishes, or nearly:"
    for reason, names in reasons.items():
        yield f"  {', '.join(names)}: {reason}"

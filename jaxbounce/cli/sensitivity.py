"""The command `jaxbounce sensitivity`."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxbounce._core.status import Status
from jaxbounce._core.version import __version__
from jaxbounce.cli._shared import Point, configured, exit_status, keep_compiled
from jaxbounce.files.point import Configuration
from jaxbounce.model.model import Model
from jaxbounce.model.sensitivity import NEGLIGIBLE, OUTPUTS, Sensitivities, why_zero


@dataclasses.dataclass(frozen=True)
class Sensitivity(Point):
    """Print what the densities depend on: d ln(rho_B, rho_DM, ratio)/d ln of every parameter."""

    wrt: Annotated[str | None, tyro.conf.arg(metavar="NAME,…")] = None
    """Parameters, separated by commas; all if left out."""
    second: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Second derivatives too."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the elasticities as bars (PNG, PDF or SVG); needs the extra "plot"."""


def run_sensitivity(command: Sensitivity) -> int:
    """Run `jaxbounce sensitivity`; the exit status."""
    from jaxbounce import Status, enable_x64, plotting
    from jaxbounce.cli import sensitivity as sensitivity_report
    from jaxbounce.files.point import resolved_model
    from jaxbounce.files.write import write_json
    from jaxbounce.model.sensitivity import check_parameters, sensitivities

    enable_x64()
    configuration = configured(command)
    keep_compiled()
    model, _ = resolved_model(configuration)
    names = None
    if command.wrt is not None:
        written = [name.strip() for name in command.wrt.split(",") if name.strip()]
        names = check_parameters(model, [sensitivity_report.parameter_of(n) for n in written])
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    found = sensitivities(model, names, command.second)
    if command.out is not None:
        write_json(command.out, sensitivity_report.as_mapping(configuration, model, found))
    if command.plot is not None:
        plotting.tornado(sensitivity_report.as_rows(model, found), command.plot)
    print(sensitivity_report.as_text(model, found))
    return exit_status(Status(int(found.prediction.status)))


def as_rows(model: Model, found: Sensitivities) -> list[dict[str, Any]]:
    """One row a parameter, largest |∂ln ρ_B/∂ln θ| first, with reasons for zeros."""
    rows = []
    for column, name in enumerate(found.names):
        row: dict[str, Any] = {"parameter": name, "value": float(found.values[column])}
        reasons = {}
        for line, output in enumerate(OUTPUTS):
            elasticity = float(found.elasticities[line, column])
            row[output] = elasticity if math.isfinite(elasticity) else None
            reason = why_zero(model, output, name) if abs(elasticity) < NEGLIGIBLE else None
            if reason is not None:
                reasons[output] = reason
        row["why_zero"] = reasons
        rows.append(row)
    return sorted(rows, key=lambda row: -abs(row["rho_B"] or 0.0))


def as_mapping(configuration: Configuration, model: Model, found: Sensitivities) -> dict[str, Any]:
    """The result as JSON: inputs, rows, second derivatives by output and pair of names."""
    status = Status(int(found.prediction.status))
    mapping: dict[str, Any] = {
        "inputs": configuration.as_mapping(),
        "status": status.name.lower(),
        "status_message": status.message,
        "elasticities": as_rows(model, found),
        "jaxbounce_version": __version__,
    }
    if found.curvatures is not None:
        mapping["second_derivatives"] = {
            output: {
                first: {
                    second: float(found.curvatures[line, i, j])
                    for j, second in enumerate(found.names)
                }
                for i, first in enumerate(found.names)
            }
            for line, output in enumerate(OUTPUTS)
        }
    return mapping


def as_text(model: Model, found: Sensitivities) -> str:
    """The table a person reads."""
    return "\n".join(_lines(model, found))


def _lines(model: Model, found: Sensitivities) -> Iterator[str]:
    p = found.prediction
    status = Status(int(p.status))
    yield f"jaxbounce {__version__}"
    yield ""
    if status not in (Status.SUCCESS, Status.UNDERFLOW):
        yield f"no number: {status.message}"
        return
    yield (
        f"rho_B = {float(p.rho_B):.9e} kg/m³, rho_DM = {float(p.rho_DM):.9e} kg/m³,"
        f" DM/B = {float(p.ratio):.9g}"
    )
    yield ""
    yield "elasticities d ln(output)/d ln(parameter)"
    yield f"  {'parameter':14} {'value':>13} {'rho_B':>16} {'rho_DM':>16} {'DM/B':>16}"
    reasons: dict[str, list[str]] = {}
    for row in as_rows(model, found):
        cells = " ".join(_cell(row[output]) for output in OUTPUTS)
        yield f"  {row['parameter']:14} {row['value']:13.6g} {cells}"
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
                    yield f"  {first + ', ' + found.names[j]:30} {value:16.9g}"
    yield ""
    yield "why d ln rho_B vanishes, or nearly:"
    for reason, names in reasons.items():
        yield f"  {', '.join(names)}: {reason}"


def _cell(value: float | None) -> str:
    return f"{'none':>16}" if value is None else f"{value:16.9g}"

"""The command `jaxbounce sensitivity`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxbounce._command import Point, configured, exit_status, keep_compiled


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
    from jaxbounce import Status, enable_x64, plotting, sensitivity_report
    from jaxbounce._files import write_json
    from jaxbounce.report import resolved_model
    from jaxbounce.sensitivity import check_parameters, sensitivities

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

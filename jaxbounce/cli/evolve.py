"""The command `jaxbounce evolve`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import tyro

from jaxbounce.cli._shared import Point, configured, exit_status, keep_compiled


@dataclasses.dataclass(frozen=True)
class Evolve(Point):
    """Write Y_chi, Y_B, source and A/V over temperature as CSV or netCDF."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("evolution.csv")
    """CSV or, with the suffix .nc, netCDF; written whole or not at all."""
    points: Annotated[int, tyro.conf.arg(metavar="N")] = 400
    """Temperatures: half even in ln T over the range, half even in y around the walls."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw it (PNG, PDF or SVG); needs the extra "plot"."""


def run_evolve(command: Evolve) -> int:
    """Run `jaxbounce evolve`; the exit status."""
    import jax.numpy as jnp
    import numpy as np

    from jaxbounce import Status, enable_x64, plotting
    from jaxbounce._core.checks import check_whole
    from jaxbounce._core.errors import ConfigurationError
    from jaxbounce.cli import evolve as evolution_report
    from jaxbounce.files.point import resolved_model

    enable_x64()
    configuration = configured(command)
    keep_compiled()
    points = check_whole("--points", command.points, 4, "number of temperatures")
    if command.out.suffix.lower() not in (".csv", ".nc"):
        raise ConfigurationError(f"--out {command.out}: unknown format; use .csv or .nc")
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    model, conversion = resolved_model(configuration)
    if int(conversion.status) != Status.SUCCESS:
        return exit_status(Status(int(conversion.status)))
    grid = evolution_report.temperature_grid(model, points)
    found = evolution_report.evolution(model, jnp.asarray(grid))
    codes = np.asarray(found.status)
    failed = codes[codes != Status.SUCCESS]
    evolution_report.write(command.out, found, json.dumps(configuration.as_mapping()))
    if command.plot is not None:
        plotting.evolution(evolution_report.columns(found), command.plot)
    print(f"{command.out}: {grid.size} temperatures, {failed.size} without a number")
    return exit_status(Status(int(failed[0])) if failed.size else Status.SUCCESS)

"""The commands about one point: `jaxbounce run`, `diagnostics`, `template`."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxbounce._command import Point, configured, exit_status, keep_compiled


@dataclasses.dataclass(frozen=True)
class Run(Point):
    """Predict today's densities and print the report."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""


@dataclasses.dataclass(frozen=True)
class Diagnostics(Point):
    """Print T/T_p, y, A/V, J_chi and S_B around T_p."""


@dataclasses.dataclass(frozen=True)
class Template:
    """Print a configuration with every key."""

    format: Literal["json", "toml"] = "json"
    """toml explains every key."""


def run_run(command: Run) -> int:
    """Run `jaxbounce run`; the exit status."""
    from jaxbounce import Status, enable_x64, report
    from jaxbounce._files import write_json

    # before the configuration: a profile is an array as soon as it is read
    enable_x64()
    configuration = configured(command)
    keep_compiled()
    result = report.run(configuration)
    if command.out is not None:
        write_json(command.out, report.as_mapping(result))
    print(report.as_text(result))
    return exit_status(Status(int(result.prediction.status)))


def run_diagnostics(command: Diagnostics) -> int:
    """Run `jaxbounce diagnostics`; the exit status."""
    from jaxbounce import diagnostics_report, enable_x64

    enable_x64()
    configuration = configured(command)
    keep_compiled()
    print(diagnostics_report.diagnostics_text(configuration))
    return 0


def run_template(command: Template) -> int:
    """Run `jaxbounce template`; the exit status."""
    from jaxbounce import report

    print(report.template_text(command.format))
    return 0

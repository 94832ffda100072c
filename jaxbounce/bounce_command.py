"""The command `jaxbounce bounce`."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxbounce._command import exit_status, keep_compiled, overrides


@dataclasses.dataclass(frozen=True)
class Bounce:
    """Solve the bounce of a scalar potential: action, certificate, wall profile."""

    potential: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FILE]")] = None
    """JSON or TOML with fields, parameters, an algebraic expression and vacua
    (`jaxbounce bounce --template`)."""
    preset: Annotated[Literal["published"] | None, tyro.conf.arg(metavar="published")] = None
    """The published two-field potential, in place of a file."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the published potential as a file to edit, and stop."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the table, such as parameters.g=2.5, dimension=3 or r_max=100."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.csv")] = None
    """Write the profile as CSV, and the rest as JSON beside it."""
    points: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """Rows of the profile, dense at the wall."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the fields (PNG, PDF or SVG); needs the extra "plot"."""


def run_bounce(command: Bounce) -> int:
    """Run `jaxbounce bounce`; the exit status."""
    from jaxbounce import Status, bounce_config, bounce_report, enable_x64, plotting
    from jaxbounce._checks import ConfigurationError, check_whole, put, read_mapping

    if command.template:
        print(bounce_report.template_text())
        return 0
    if (command.potential is None) == (command.preset is None):
        have = "both given" if command.preset else "both missing"
        raise ConfigurationError(f"FILE and --preset: {have}; give exactly one potential")
    enable_x64()
    keep_compiled()
    table = (
        dict(bounce_config.PUBLISHED)
        if command.potential is None
        else read_mapping(command.potential)
    )
    for key, value in overrides(command.set).items():
        put(table, key, value)
    points = check_whole("--points", command.points, 16, "rows of the profile")
    if command.out is not None and command.out.suffix.lower() != ".csv":
        raise ConfigurationError(f"--out {command.out}: the profile is CSV; use a name in .csv")
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    solved = bounce_config.solve(table)
    if solved.status == Status.SUCCESS:
        if command.out is not None:
            bounce_report.write(command.out, solved, points)
        if command.plot is not None:
            r, values = bounce_report.profile(solved)
            plotting.profile(r, values, solved.fields, command.plot)
    print(bounce_report.as_text(solved))
    return exit_status(solved.status)

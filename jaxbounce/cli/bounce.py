"""The command `jaxbounce bounce`."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.version import __version__
from jaxbounce.bounce.solve import scan_points
from jaxbounce.cli._shared import exit_status, keep_compiled, overrides
from jaxbounce.conversion.bounce_wall import wall_quantities
from jaxbounce.files.potential import Solved
from jaxbounce.files.write import json_number, write_json, write_whole
from jaxbounce.potential.library import PUBLISHED


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
    from jaxbounce import Status, enable_x64, plotting
    from jaxbounce._core.checks import check_whole
    from jaxbounce._core.errors import ConfigurationError
    from jaxbounce.cli import bounce as bounce_report
    from jaxbounce.files import potential as bounce_config
    from jaxbounce.files.tables import put, read_mapping

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


POINTS = 2000


def profile(solved: Solved, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Radii, dense at the wall, and the fields there, shape (points, n)."""
    b = solved.bounce
    r = np.asarray(scan_points(b.shape, points) * b.shape.radius)
    return r, np.asarray(b.fields(r))


def as_mapping(solved: Solved) -> dict[str, Any]:
    """Everything but the profile, as JSON; null where there is no number."""
    b = solved.bounce
    good = solved.status == Status.SUCCESS
    names = ("action", "kinetic", "potential", "R_peak", "FWHM")
    return {
        "inputs": dict(solved.table),
        "bounce": {
            # JSON has no NaN; a potential without a scale has an action and no size
            **{name: json_number(getattr(b, name)) for name in names},
            "dimension": b.dimension,
            "false_vacuum": [float(x) for x in b.false_vacuum] if good else None,
            "true_vacuum": [float(x) for x in b.true_vacuum] if good else None,
            "status": solved.status.name.lower(),
            "status_message": solved.status.message,
        },
        "certificate": {
            name: json_number(value) for name, value in b.certificate._asdict().items()
        },
        "derived": wall_quantities(solved) if good else {},
        "jaxbounce_version": __version__,
    }


def write(path: str | Path, solved: Solved, points: int = POINTS) -> Path:
    """Write the profile as CSV, and everything else as JSON beside it; each whole or not at all.

    The columns of two fields are the published ones when they are called Phi and phi; R_peak
    and w_FWHM repeat in every row, so that the file is a profile for `jaxbounce convert`.

    Returns:
        The path of the JSON file.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise ConfigurationError(f"{path}: the profile is written as CSV; use a name in .csv")
    r, values = profile(solved, points)
    R, width = float(solved.bounce.R_peak), float(solved.bounce.FWHM)
    lines = [",".join(("r", *solved.fields, "R_peak", "w_FWHM"))]
    for radius, row in zip(r, values, strict=True):
        lines.append(",".join(f"{value:.15g}" for value in (radius, *row, R, width)))
    write_whole(path, "\n".join(lines) + "\n")
    other = path.with_suffix(".json")
    write_json(other, as_mapping(solved))
    return other


def as_text(solved: Solved) -> str:
    """The report a person reads."""
    return "\n".join(_lines(solved))


def _lines(solved: Solved) -> Iterator[str]:
    b = solved.bounce
    yield f"jaxbounce {__version__}"
    yield ""
    yield f"potential  {solved.table['potential']}"
    values = ", ".join(f"{k} = {float(v):.10g}" for k, v in solved.configured.theta.items())
    yield f"           {values}" if values else "           no parameters"
    box = solved.configured.r_max
    volume = "infinite volume" if box is None else f"box of radius {box:g}"
    yield f"           D = {b.dimension}, {volume}"
    yield ""
    if solved.status != Status.SUCCESS:
        if solved.status == Status.SCALE_INVARIANT:
            yield f"action S     {float(b.action):.12g}"
            yield f"no scale: {solved.status.message}"
        else:
            yield f"no bounce: {solved.status.message}"
        return
    for name, vacuum in (("false vacuum", b.false_vacuum), ("true vacuum", b.true_vacuum)):
        place = ", ".join(
            f"{field} = {float(x):.10g}" for field, x in zip(solved.fields, vacuum, strict=True)
        )
        yield f"{name:12} {place}"
    yield f"action S     {float(b.action):.12g}"
    yield f"             kinetic {float(b.kinetic):.12g}, potential {float(b.potential):.12g}"
    yield f"R_peak       {float(b.R_peak):.9g}"
    yield f"FWHM         {float(b.FWHM):.9g}"
    derived = wall_quantities(solved)
    if derived and derived["xi_star"] is not None:
        yield (
            f"crossing     xi* = {derived['xi_star']:.8g}, |phi| = {derived['phi_star']:.8g},"
            f" slope {derived['Delta_prime_at_star']:.8g}"
            f" (|{solved.fields[1]}| = |{solved.fields[0]}|)"
        )
    c = b.certificate
    yield (
        f"certificate  Newton step {float(c.newton_step):.1e}, Derrick {float(c.derrick):.1e},"
        f" Legendre tail {float(c.legendre_tail):.1e}, far field {float(c.far_field):.1e},"
        f" negative modes {float(c.negative_modes):.0f}"
    )


def template_text() -> str:
    """The published potential as a table to edit."""
    return json.dumps(PUBLISHED, indent=2)

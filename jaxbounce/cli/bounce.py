"""`jaxbounce bounce`: action, certificate and wall of a potential."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cli._figures import DIGITS, Digits, Figures
from jaxbounce.cli._shared import (
    Outputs,
    envelope,
    exit_status,
    header,
    keep_compiled,
    number,
    settled_potential,
    status_keys,
)
from jaxbounce.cli.template import other_text

if TYPE_CHECKING:
    from jaxbounce.files.potential import Decay, Solved

MOST_POINTS = 10**6
"""Rows of a profile, at most: what reads it again takes no more."""

ORDER = 60
EXAMPLES = """\
jaxbounce bounce --preset published --out wall.csv   the wall of a potential
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """Solve the bounce of a scalar potential: action, certificate, wall profile."""

    potential: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FILE]")] = None
    """JSON or TOML with fields, parameters, an algebraic expression and vacua
    (`jaxbounce bounce --template`); the published potential if left out."""
    preset: Annotated[Literal["published"] | None, tyro.conf.arg(metavar="published")] = None
    """The published two-field potential: what is solved without a file too."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the published potential as a file to edit, and stop."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the table, such as parameters.g=2.5, dimension=3, r_max=100 or
    tunnels_to=any (the dominant decay on the way to the true vacuum, wherever it ends)."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.csv")] = None
    """Write the profile as CSV, and the rest as JSON beside it."""
    points: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """Rows of the profile, dense at the wall."""
    digits: Digits = DIGITS
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw fields and potential along the path (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Solve, write, draw and print it; the exit status."""
        from jaxbounce._core.checks import check_whole
        from jaxbounce.conversion.bounce_wall import wall_quantities

        if self.template:
            print(other_text("bounce"))
            return 0
        if self.potential is not None and self.preset is not None:
            raise ConfigurationError("FILE and --preset: both given; give exactly one potential")
        points = check_whole("--points", self.points, 16, "rows of the profile", MOST_POINTS)
        figures, outputs, files = Figures(self.digits), Outputs(), []
        if self.out is not None:
            if self.out.suffix.lower() != ".csv":
                raise ConfigurationError(
                    f"--out {self.out}: the profile is CSV; use a name in .csv"
                )
            files = [self.out, self.out.with_suffix(".json")]
        outputs.check(*files, picture=self.plot, sources=(self.potential,))
        jb.enable_x64()
        keep_compiled()
        table = (
            dict(jb.potential.PUBLISHED)
            if self.potential is None
            else jb.files.tables.read_mapping(self.potential)
        )
        settled_potential(table, self.set)
        solved = jb.files.potential.solve(table)
        decays = jb.files.potential.decays(solved)
        derived = {}
        if solved.status == Status.SUCCESS:
            derived = wall_quantities(solved.bounce)
            if self.out is not None:
                profile, rest = self.out, self.out.with_suffix(".json")
                outputs.put(jb.files.write.write_whole, profile, _profile(solved, points))
                outputs.put(jb.files.write.write_json, rest, _mapping(solved, decays, derived))
            if self.plot is not None:
                outputs.draw(
                    lambda: jb.plotting.bounce_with_potential(
                        solved.bounce,
                        lambda phi: solved.configured.potential(phi, solved.configured.theta),
                        solved.fields,
                    ),
                    self.plot,
                )
        print("\n".join(_lines(solved, decays, derived, figures)))
        return outputs.status(exit_status(solved.status))


def _profile(solved: "Solved", points: int) -> str:
    """The profile as CSV; everything else is in the JSON beside it.

    The columns of two fields are the published ones when they are called Phi and phi; R_peak
    and w_FWHM repeat in every row, so that the file is a profile for `jaxbounce convert`.
    """
    import numpy as np

    b = solved.bounce
    r = np.asarray(b.scan_radii(points))
    R, width = float(b.R_peak), float(b.FWHM)
    lines = [",".join(("r", *solved.fields, "R_peak", "w_FWHM"))]
    for radius, row in zip(r, np.asarray(b.fields(r)), strict=True):
        lines.append(",".join(f"{value:.15g}" for value in (radius, *row, R, width)))
    return "\n".join(lines) + "\n"


def _mapping(
    solved: "Solved", decays: "tuple[Decay, ...]", derived: dict[str, float | None]
) -> dict[str, Any]:
    """Everything but the profile, as JSON."""
    b = solved.bounce
    names = ("action", "kinetic", "potential", "R_peak", "FWHM")
    return envelope(
        solved.table,
        bounce={
            **{name: number(getattr(b, name)) for name in names},
            "dimension": b.dimension,
            "false_vacuum": [float(x) for x in b.false_vacuum],
            "true_vacuum": [float(x) for x in b.true_vacuum],
            "inner_vacuum": [number(x) for x in b.inner_vacuum],
            "at_r_0": [number(x) for x in b.fields(0.0)],
            **status_keys(solved.status),
        },
        certificate={name: number(value) for name, value in b.certificate._asdict().items()},
        decays=[
            {
                "true_vacuum": [float(x) for x in decay.vacuum],
                "V_minus_V_false": decay.depth,
                "action": number(decay.bounce.action),
                **status_keys(Status(int(decay.bounce.status))),
            }
            for decay in decays
        ],
        derived=derived,
    )


def _settles_at(vacuum: Any, bounce: "jb.bounce.Bounce") -> bool:
    """Whether that is where the wall ends; where V falls for ever there is no other to name."""
    import numpy as np

    inner, false = np.asarray(bounce.inner_vacuum), np.asarray(bounce.false_vacuum)
    apart = np.linalg.norm(inner - np.asarray(vacuum))
    return not apart > 1e-3 * np.linalg.norm(inner - false)


def _place(solved: "Solved", vacuum: Any, figures: Figures) -> str:
    """Values of the fields, by name; what is nothing beside the vacua is 0."""
    small = 1e-12 * max(abs(float(x)) for x in (*solved.bounce.false_vacuum, *vacuum))
    named = [(field, float(x)) for field, x in zip(solved.fields, vacuum, strict=True)]
    return ", ".join(f"{field} = {figures(x if abs(x) > small else 0.0)}" for field, x in named)


def _decay_lines(solved: "Solved", decays: "tuple[Decay, ...]", figures: Figures) -> Iterator[str]:
    """The vacua found, and the action into each; nothing where there is but the one."""
    if len(decays) < 2:
        return
    yield ""
    yield "deeper vacua that were found, and the action of the bounce into each"
    for decay in decays:
        status = Status(int(decay.bounce.status))
        if status == Status.SUCCESS:
            ending = f"S = {figures(decay.bounce.action)}"
        elif status == Status.TUNNELS_ELSEWHERE:
            inner = _place(solved, decay.bounce.inner_vacuum, figures)
            ending = f"none found; a wall ends at {inner}"
        else:
            ending = f"none: {status.message}"
        place = _place(solved, decay.vacuum, figures)
        yield f"  {place}: V - V_false = {figures(decay.depth)}, {ending}"


def _lines(
    solved: "Solved",
    decays: "tuple[Decay, ...]",
    derived: dict[str, float | None],
    figures: Figures,
) -> Iterator[str]:
    b = solved.bounce
    yield header()
    yield ""
    yield f"potential  {jb.files.model.described(solved.table)}"
    values = ", ".join(f"{k} = {float(v):.10g}" for k, v in solved.configured.theta.items())
    yield f"           {values}" if values else "           no parameters"
    box = solved.configured.r_max
    volume = "infinite volume" if box is None else f"box of radius {box:g}"
    yield f"           D = {b.dimension}, {volume}"
    yield ""
    if solved.status != Status.SUCCESS:
        if solved.status == Status.SCALE_INVARIANT:
            yield f"action S     {figures(b.action)}"
            yield f"no scale: {solved.status.message}"
        else:
            yield f"no bounce: {solved.status.message}"
        if solved.status == Status.TUNNELS_ELSEWHERE:
            yield f"true vacuum  {_place(solved, b.true_vacuum, figures)} (asked for)"
            yield f"wall ends at {_place(solved, b.inner_vacuum, figures)}"
        yield from _decay_lines(solved, decays, figures)
        return
    for name, vacuum in (("false vacuum", b.false_vacuum), ("true vacuum", b.true_vacuum)):
        yield f"{name:12} {_place(solved, vacuum, figures)}"
    yield f"at r = 0     {_place(solved, b.fields(0.0), figures)}"
    if not _settles_at(b.true_vacuum, b):
        yield f"wall ends at {_place(solved, b.inner_vacuum, figures)}"
    yield f"action S     {figures(b.action)}"
    yield f"             kinetic {figures(b.kinetic)}, potential {figures(b.potential)}"
    yield f"R_peak       {figures(b.R_peak)}"
    yield f"FWHM         {figures(b.FWHM)}"
    if derived and derived["xi_star"] is not None:
        yield (
            f"crossing     xi* = {figures(derived['xi_star'])},"
            f" |phi| = {figures(derived['phi_star'])},"
            f" slope {figures(derived['Delta_prime_at_star'])}"
            f" (|{solved.fields[1]}| = |{solved.fields[0]}|)"
        )
    c = b.certificate
    yield (
        f"certificate  Newton step {float(c.newton_step):.1e}, Derrick {float(c.derrick):.1e},"
        f" Legendre tail {float(c.legendre_tail):.1e}, far field {float(c.far_field):.1e},"
        f" negative modes {float(c.negative_modes):.0f}"
        + (f", zero modes {float(c.zero_modes):.0f}" if c.zero_modes else "")
    )
    yield from _decay_lines(solved, decays, figures)

"""`jaxbounce phases`: the phases of a potential over the temperature, and what follows what."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli._figures import DIGITS, Digits, Figures
from jaxbounce.cli._shared import Outputs, envelope, header, keep_compiled, settled_potential
from jaxbounce.cli.template import other_text

if TYPE_CHECKING:
    from jaxbounce.files.phases import Found
    from jaxbounce.transition.phases import Continuous, Critical

ORDER = 65
EXAMPLES = """\
jaxbounce phases model.toml                    phases, T_c of every pair, order of cooling
"""

_ENDS = {
    "range": "end of the range",
    "unstable": "no minimum beyond: becomes a saddle",
    "turns": "no stationary point beyond",
}


@dataclasses.dataclass(frozen=True)
class Command:
    """Phases of a potential over the temperature, T_c of every pair, what follows in cooling."""

    model: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FILE]")] = None
    """JSON or TOML: a potential or a model with particles (`jaxbounce phases --template`), all in
    GeV, with the range of temperatures in its table `transition`."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print an example to edit, and stop."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the file, such as parameters.lam_hs=0.8 or transition.T_low=50."""
    reach: Annotated[float | None, tyro.conf.arg(metavar="GEV")] = None
    """Half-width of the box of fields in which minima are looked for; left out, twice the vacua
    that the file gives, or three times its largest parameter."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the result as JSON."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    digits: Digits = DIGITS
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the phases over T (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Find, write and print them; the exit status."""
        from jaxbounce._core.checks import check_number
        from jaxbounce._core.ranges import above

        if self.template:
            print(other_text("model"))
            return 0
        if self.model is None:
            raise ConfigurationError(
                "FILE: missing; give the file of a model (jaxbounce phases --template prints one)"
            )
        if self.reach is not None:
            check_number("--reach", self.reach, above(0, "half-width of a box of fields, GeV"))
        figures, outputs = Figures(self.digits), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.model,))
        jb.enable_x64()
        keep_compiled()
        table = settled_potential(jb.files.tables.read_mapping(self.model), self.set)
        found = jb.files.phases.solve_phases(table, self.reach)
        result = _mapping(found)
        if self.out is not None:
            outputs.put(jb.files.write.write_json, self.out, result)
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(found), self.plot)
        print(json.dumps(result, indent=2) if self.json else "\n".join(_lines(found, figures)))
        return outputs.status(0)


def _mapping(found: "Found") -> dict[str, Any]:
    """The result as JSON; phases are numbered from 1."""
    diagram = found.diagram
    history = diagram.history()
    changes = sorted((*diagram.critical, *diagram.continuous), key=lambda change: -change.T_c)
    return envelope(
        found.table,
        fields=list(found.configured.fields),
        T_range_GeV=list(found.T_range),
        field_range_GeV=found.reach,
        lower_at_edge=None
        if diagram.edge is None
        else {
            "T_GeV": diagram.edge.T,
            "position_GeV": [float(x) for x in diagram.edge.phi],
        },
        phases=[
            {
                "phase": number,
                "T_low_GeV": phase.T_range[0],
                "T_high_GeV": phase.T_range[1],
                "low_end": phase.ends[0],
                "high_end": phase.ends[1],
                "T_GeV": [float(point.T) for point in phase.points],
                "positions_GeV": [[float(x) for x in point.phi] for point in phase.points],
            }
            for number, phase in enumerate(diagram.phases, 1)
        ],
        transitions=[
            _change(change) | {"of_the_deepest": any(change is met for met in history)}
            for change in changes
        ],
    )


def _change(change: "Critical | Continuous") -> dict[str, Any]:
    from jaxbounce.transition.phases import Critical

    both = {"from_phase": change.high + 1, "to_phase": change.low + 1}
    if isinstance(change, Critical):
        return {
            "order": "first",
            "T_c_GeV": change.T_c,
            **both,
            "from_GeV": [float(x) for x in change.phi_high],
            "to_GeV": [float(x) for x in change.phi_low],
            "latent_heat_GeV4": change.latent_heat,
        }
    place = [float(x) for x in change.phi]
    return {"order": "second", "T_c_GeV": change.T_c, **both, "from_GeV": place, "to_GeV": place}


def _lines(found: "Found", figures: Figures) -> Iterator[str]:
    diagram = found.diagram
    yield header()
    yield ""
    yield f"potential  {jb.files.model.described(found.table)}   (GeV)"
    values = [f"{k} = {float(v):.10g}" for k, v in found.configured.theta.items()]
    yield "           " + ", ".join(v for v in values if not v.startswith(f"{found.temperature} ="))
    low, high = found.T_range
    yield (
        f"           minima looked for within ±{found.reach:g} GeV, followed from {low:g} to"
        f" {high:g} GeV"
    )
    yield ""
    yield "phases, copies of one (the same V and curvatures) counted once"
    for number, phase in enumerate(diagram.phases, 1):
        for T, end, point in zip(
            phase.T_range[::-1], phase.ends[::-1], (phase.points[-1], phase.points[0]), strict=True
        ):
            head = f"{number:3}" if point is phase.points[-1] else "   "
            place = _place(found, point.phi, figures)
            yield f"{head}  {figures(T):>{figures.width}} GeV  {place}   ({_ENDS[end]})"
    if diagram.edge is not None:
        at = f"{_place(found, diagram.edge.phi, figures)} at T = {diagram.edge.T:g} GeV"
        yield (
            f"NOTE       at the edge of the box, {at}, V is below every minimum in it: a vacuum is"
            " beyond (raise --reach), or V has no lower bound"
        )
    yield ""
    yield "first order: on cooling through T_c the deeper phase changes"
    if not diagram.critical:
        yield "  none"
    for change in diagram.critical:
        jump = float(((change.phi_high - change.phi_low) ** 2).sum()) ** 0.5
        before, after = (_place(found, phi, figures) for phi in (change.phi_high, change.phi_low))
        yield (
            f"  T_c = {figures(change.T_c)} GeV  {change.high + 1} -> {change.low + 1}"
            f"  {before} -> {after}"
        )
        yield (
            f"        jump/T_c = {figures(jump / change.T_c)}, latent heat/T_c^4 ="
            f" {figures(change.latent_heat / change.T_c**4)}"
        )
    if diagram.continuous:
        yield ""
        yield "second order: one phase goes over into another"
    for change in diagram.continuous:
        yield (
            f"  T_c = {figures(change.T_c)} GeV  {change.high + 1} -> {change.low + 1}"
            f"  {_place(found, change.phi, figures)}"
        )
    yield ""
    yield "the deepest phase, in the order of cooling (a transition of first order comes below T_c)"
    for change in diagram.history():
        yield f"  {change.high + 1} -> {change.low + 1} at {figures(change.T_c)} GeV"
    if not diagram.history():
        yield "  stays what it is"


def _place(found: "Found", phi: Any, figures: Figures) -> str:
    """Values of the fields, by name."""
    named = zip(found.configured.fields, phi, strict=True)
    small = 1e-9 * found.reach
    return ", ".join(f"{k} = {figures(0.0 if abs(x) < small else x)}" for k, x in named)

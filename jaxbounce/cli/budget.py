"""`jaxbounce budget`: what each improvement of the published evaluation does to the densities."""

import dataclasses
import math
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
    header,
    named_files,
    number,
    resolved,
)

if TYPE_CHECKING:
    from jaxbounce.conversion import WallConversion
    from jaxbounce.model.budget import Budget, Change, Step

ORDER = 15
EXAMPLES = """\
jaxbounce budget --plot budget.pdf             which omitted effect is how large, one by one
"""


@dataclasses.dataclass(frozen=True)
class Command(Reported):
    """Budget of improvements: from the published evaluation to the most complete one."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw it as a waterfall (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Compute, write, draw and print it; the exit status."""
        figures, outputs = self.figures(), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.config,))
        configuration = configured(self)
        outputs.spare(named_files(self, configuration))
        wall = _published_wall(self, configuration)
        found = jb.budget(resolved(configuration), wall)
        if self.out is not None:
            outputs.put(jb.files.write.write_json, self.out, _mapping(configuration, found))
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(found), self.plot)
        print("\n".join(_lines(found, figures, wall is not None)))
        return outputs.status(0)


def _published_wall(
    command: Reported, configuration: "jb.Configuration"
) -> "WallConversion | None":
    """The wall of the published potential, which the published P is of; None for another point."""
    if command.config is not None or configuration.conversion is not None:
        return None
    if configuration.table["P_chi_to_B"] != jb.files.point.BENCHMARK["P_chi_to_B"]:
        return None
    reading = jb.files.conversion
    return reading.read_conversion({"profile_csv": str(reading.SHIPPED_WALL)}).build()


def _mapping(configuration: "jb.Configuration", found: "Budget") -> dict[str, Any]:
    """The result as JSON; null where there is no number."""
    from jaxbounce.model.budget import OBSERVED_RATIO, RESIDUAL

    verdicts = dict(found.verdicts())
    steps = [
        {
            "step": step.name,
            "meaning": step.meaning,
            "why_not_taken": step.reason,
            "alone": _as_dict(step.change_alone),
            "on_top": _as_dict(step.change),
            **_end(found, step.total),
            "beside_the_residual_factor": verdicts.get(step.name),
        }
        for step in found.steps
    ]
    return envelope(
        configuration.as_mapping(),
        published=_end(found, found.start),
        steps=steps,
        notes=list(found.notes),
        observed_ratio=OBSERVED_RATIO,
        ln_residual_factor=RESIDUAL,
    )


def _as_dict(change: "Change | None") -> dict[str, float | None] | None:
    if change is None:
        return None
    return {f"delta_ln_{name}": number(value) for name, value in change._asdict().items()}


def _end(found: "Budget", prediction: "jb.Prediction | None") -> dict[str, Any]:
    from jaxbounce.model.budget import OBSERVED_RATIO

    if prediction is None:
        return {"final": None}
    ratio = float(prediction.ratio)
    final = {
        "P_used": number(prediction.P),
        "Y_B": number(prediction.Y_B),
        "rho_B_kg_m3": number(prediction.rho_B),
        "rho_DM_kg_m3": number(prediction.rho_DM),
        "DM_over_B": number(ratio),
        "f_chi_for_Planck_rho_B": number(found.matching(prediction)),
        "observed_over_this_ratio": number(OBSERVED_RATIO / ratio) if ratio > 0 else None,
        "relative_error_estimate": number(prediction.error_estimate),
        "status": Status(int(prediction.status)).name.lower(),
    }
    return {"final": final}


def _lines(found: "Budget", figures: Figures, with_published_wall: bool) -> Iterator[str]:
    from jaxbounce.model.budget import OBSERVED_RATIO, RESIDUAL
    from jaxbounce.model.published import RESIDUAL_FACTOR

    yield header()
    yield ""
    yield "from the published evaluation to the most complete one: Δ ln of the densities"
    wide = max(figures.width, 11)
    heads = ("alone", "rho_B", "rho_DM", "DM/B")
    yield (
        f"  {'step':24}"
        + "".join(f"{head:>10}" for head in heads)
        + f" {'then DM/B':>{wide}} {'f_chi for Planck':>{max(wide, 16)}} {'DM/B lacks':>{wide}}"
    )
    yield f"  {'published':24}{'':40}{_where(found, found.start, figures, wide)}"
    for step in found.steps:
        yield _step_line(found, step, figures, wide)
    yield "  alone: Δ ln rho_B of the step by itself; the others, on top of the steps above;"
    yield f"  DM/B lacks: the observed ratio, {figures(OBSERVED_RATIO)}, over that of the row"
    for note in found.notes:
        yield f"  note: {note}"
    if with_published_wall:
        yield "  the steps of conversion take the wall of the published potential, lambda = 0.209"
    yield ""
    yield (
        f"beside the residual factor of the published pipeline, {RESIDUAL_FACTOR} = 5.357/5.6889"
        f" (Δ ln DM/B = {RESIDUAL:+.4f})"
    )
    for name, verdict in found.verdicts():
        yield f"  {name:24} {verdict}"


def _where(found: "Budget", p: "jb.Prediction", figures: Figures, wide: int) -> str:
    from jaxbounce.model.budget import OBSERVED_RATIO

    ratio = float(p.ratio)
    lacks = figures(OBSERVED_RATIO / ratio) if ratio > 0 else "none"
    match = figures(found.matching(p))
    return f" {figures(ratio):>{wide}} {match:>{max(wide, 16)}} {lacks:>{wide}}"


def _step_line(found: "Budget", step: "Step", figures: Figures, wide: int) -> str:
    alone = _signed(None if step.change_alone is None else step.change_alone.rho_B)
    if step.change is None or step.total is None:
        return f"  {step.name:24}{alone}  {step.reason}"
    cells = "".join(map(_signed, step.change))
    return f"  {step.name:24}{alone}{cells}{_where(found, step.total, figures, wide)}"


def _signed(value: float | None) -> str:
    if value is None or math.isnan(value):
        return f"{'–':>10}"
    return f"{round(value, 4) + 0.0:>+10.4f}"

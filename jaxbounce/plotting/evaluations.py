"""Pictures of what is evaluated: the rows of the comparison as bars, the budget as a waterfall."""

import math
from typing import TYPE_CHECKING

from jaxbounce._core.status import Status
from jaxbounce.plotting.figures import new_figure
from jaxbounce.plotting.style import BAND, DARK, GREY, LIGHT, label, measured_band, symbol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxbounce.model.budget import Budget
    from jaxbounce.model.comparison import Comparison


def comparison(found: "Comparison", ax: "Axes | None" = None) -> "Axes":
    """ρ_B of every row of the comparison as bars, with the prediction itself and Planck's band.

    In a column on the right stands ρ_DM/ρ_B.

    Args:
        found: what `jaxbounce.compare` gives.
        ax: to draw into.
    """
    rows = {"this configuration": found.prediction, **found.rows}
    good = {
        name: (float(row.rho_B), float(row.ratio))
        for name, row in rows.items()
        if Status(int(row.status)) == Status.SUCCESS and float(row.rho_B) > 0
    }
    ax = new_figure(7, 1.1 + 0.42 * max(len(rows), 1)).subplots() if ax is None else ax
    names = list(rows)[::-1]
    ax.set_xscale("log")
    measured_band(ax, "rho_B", "x")
    for place, name in enumerate(names):
        if name not in good:
            ax.text(0.01, place, "no number", va="center", transform=ax.get_yaxis_transform())
            continue
        rho_B, ratio = good[name]
        own = name == "this configuration"
        ax.plot(
            rho_B,
            place,
            marker="D" if own else "o",
            color="black" if own else DARK,
            markerfacecolor="black" if own else LIGHT,
            markersize=7,
            linestyle="none",
            clip_on=False,
        )
        column = {"va": "center", "transform": ax.get_yaxis_transform()}
        ax.text(1.02, place, f"{ratio:.4g}", **column)
    if good:
        values = [rho_B for rho_B, _ in good.values()]
        ax.set_xlim(min(values) / 3, max(values) * 3)
        ax.text(1.02, 1.02, symbol("ratio"), va="bottom", transform=ax.transAxes)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(axis="y", color=BAND, linewidth=0.6)
    ax.set_xlabel(label("rho_B"))
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2, frameon=False)
    return ax


def waterfall(found: "Budget", figure: "Figure | None" = None) -> "Figure":
    """The budget as two waterfalls: ln ρ_B, and ln(ρ_DM/ρ_B) beside what is observed.

    Bars go from what the step starts with to what it ends with; hatched ones go down. A step that
    is not taken has none, and a hollow diamond marks what it would do by itself.

    Args:
        found: what `jaxbounce.budget` gives.
        figure: to draw into.
    """
    from jaxbounce.model.budget import OBSERVED_RATIO
    from jaxbounce.model.published import RESIDUAL_FACTOR

    names = ["published", *(step.name for step in found.steps)]
    if figure is None:
        figure = new_figure(9, 1.3 + 0.36 * len(names))
    left, right = figure.subplots(1, 2, sharey=True)
    _falls(left, found, "rho_B")
    _falls(right, found, "ratio")
    left.set_yticks(range(len(names)), [_AS_MATHEMATICS.get(name, name) for name in names])
    left.set_ylim(len(names) - 0.4, -0.6)
    left.set_xlabel(r"$\Delta\ln\rho_B$ from the published evaluation")
    right.set_xlabel(r"$\Delta\ln(\rho_{\rm DM}/\rho_B)$")
    observed = math.log(OBSERVED_RATIO / float(found.start.ratio))
    right.axvline(observed, color="black", linestyle="--", linewidth=1, label="observed")
    residual = rf"published residual factor, $\ln {RESIDUAL_FACTOR}$"
    right.axvspan(math.log(RESIDUAL_FACTOR), 0.0, color="#e08a3c", alpha=0.9, label=residual)
    figure.legend(loc="outside upper right", frameon=False, ncols=2)
    return figure


_AS_MATHEMATICS = {
    "g_*(T)": "$g_*(T)$",
    "exact two-level, P_ad": r"exact two-level, $P_{\rm ad}$",
    "exact two-level, P_dec": r"exact two-level, $P_{\rm dec}$",
}


def _falls(ax: "Axes", found: "Budget", name: str) -> None:
    reached, before = 0.0, 0
    low, high = 0.0, 0.0
    ax.axvline(0, color="black", linewidth=0.8)
    for place, step in enumerate(found.steps, start=1):
        if step.change is None:
            if name == "rho_B" and step.change_alone is not None:
                alone = reached + step.change_alone.rho_B
                ax.plot(alone, place, "D", color=DARK, markerfacecolor="none", markersize=5)
            continue
        by = getattr(step.change, name)
        if not math.isfinite(by):
            continue
        ax.barh(
            place,
            by,
            left=reached,
            height=0.62,
            facecolor=DARK if by > 0 else LIGHT,
            edgecolor=DARK,
            hatch="" if by > 0 else "////",
            linewidth=0.8,
        )
        ax.plot([reached, reached], [before, place], color=GREY, linewidth=0.7, zorder=0)
        right = max(reached, reached + by)
        text = f"{by:+.2g}".replace("-", "−")
        note = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
        ax.annotate("0" if abs(by) < 5e-5 else text, (right, place), **note)
        reached, before = reached + by, place
        low, high = min(low, reached), max(high, reached)
    room = 0.06 * (high - low or 1.0)
    # numbers stand to the right of the bars
    ax.set_xlim(low - room, high + 3.5 * room)
    ax.grid(axis="x", color=BAND, linewidth=0.6)
    ax.set_axisbelow(True)

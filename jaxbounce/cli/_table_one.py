"""The published table in the report of `jaxbounce run`, and why its rows differ."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import jaxbounce as jb
from jaxbounce._core.status import Status

if TYPE_CHECKING:
    from jaxbounce.cli._figures import Figures
    from jaxbounce.model.comparison import Comparison

_NAMES = {"Y_B": "Y_B", "rho_B": "rho_B (kg/m³)", "rho_DM": "rho_DM (kg/m³)", "ratio": "DM/B"}


def is_of_table_one(c: "jb.Configuration") -> bool:
    """Whether a configuration has the inputs of the published table; its choices do not matter."""
    if c.choices.dark_matter != "input" or c.conversion is not None or c.reasons:
        return False
    given = jb.files.point.BENCHMARK
    return all(c.table[key] == value for key, value in given.items() if key != "regime")


def table_one_lines(
    c: "jb.Configuration", result: "Comparison", figures: "Figures"
) -> Iterator[str]:
    """Table I beside the same numbers on the published grids, and the ratio that it predicts."""
    from jaxbounce.cosmology.constants import GEV_IN_KG, PROTON_MASS_KG
    from jaxbounce.model.published import PREDICTED_RATIO, compared

    width = figures.width
    yield "Table I of the published pipeline (its inputs, on its grids)"
    yield f"  {'':16} {'published':>{width}} {'ours':>{width}}"
    rows = compared(result.rows["published"])
    for name, row in rows.items():
        verdict = "reproduced" if row.reproduced else "NOT reproduced"
        yield (
            f"  {_NAMES[name]:16} {figures(row.published):>{width}} {figures(row.ours):>{width}}"
            f"   {verdict}, {row.difference:.0e} apart"
        )
    P, m_chi = float(result.conversion.P), c.table["m_chi_GeV"]
    predicted, given = (1 - P) / P, rows["ratio"].published
    in_mass = predicted * m_chi * GEV_IN_KG / PROTON_MASS_KG
    yield (
        f"  {'DM/B predicted':16} {PREDICTED_RATIO:>{width}.2f} {figures(predicted):>{width}}"
        f"   (1 − P)/P, in numbers of particles, each chi hit once; in mass {figures(in_mass)}"
    )
    yield (
        f"  {'':16} {'':>{width}} {'':>{width}}   {figures(given)} is no test of it: f_chi and"
        " Y_chi_init are set by hand"
    )


_WHY = {
    "eq (6), converged": (
        "published",
        "the published z step, 0.025, cannot resolve an integrand 0.02 wide at late times",
    ),
    "exact KJMA, same window": (
        "eq (6), converged",
        "eq (6) leaves out coverage by older bubbles: its area never switches off; −ḣ/v_w does",
    ),
    "exact KJMA": (
        "exact KJMA, same window",
        "the Gaussian window cuts what the exact area ends by itself",
    ),
    "exact KJMA, moving wall": (
        "exact KJMA",
        "a wall that moves meets more of the gas than ¼ n v̄: (1 + v_w)² times for relativistic chi",
    ),
    "… and exact equilibrium": (
        "exact KJMA, moving wall",
        "Fermi–Dirac or Bose–Einstein integrals in place of the published limits",
    ),
}
"""For each row of the comparison, the row that it differs from in one thing, and that thing."""


def why_lines(rows: Mapping[str, Any]) -> Iterator[str]:
    """Why each row differs from the one before it."""
    yield "why they differ: Y_B of each row over that of the row above"
    for name, (before, reason) in _WHY.items():
        # where there is no P, there are no rows
        pair = [rows[row] for row in (name, before) if row in rows]
        if len(pair) < 2 or not all(Status(int(row.status)) == Status.SUCCESS for row in pair):
            continue
        lower, upper = float(rows[before].Y_B), float(rows[name].Y_B)
        if lower > 0 and upper > 0:
            factor = f"{upper / lower:.6g}" if upper > lower / 10 else f"1/{lower / upper:.6g}"
            yield f"  {name:26} × {factor:<10} {reason}"

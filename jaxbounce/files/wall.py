"""The wall of a `conversion` table: a profile, a tanh, or the bounce of a potential."""

from collections.abc import Mapping
from typing import Any, get_args

from jaxbounce._core.checks import (
    check_flag,
    check_keys,
    check_name,
    check_number,
    check_text,
    shown,
)
from jaxbounce._core.declare import declarations
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import above
from jaxbounce.conversion.bounce_wall import CriticalBubble, TransitionBubble, WallShape
from jaxbounce.conversion.radial_profile import RadialProfile
from jaxbounce.conversion.wall import TanhWall, TwoCentreTanhWall, WallProfile
from jaxbounce.files.potential import read_potential
from jaxbounce.files.profile_csv import read_profile

_OF_TRANSITION = get_args(WallShape)
"""Walls that the model's transition gives."""


def read_wall(
    table: Mapping[str, Any], notes: list[str]
) -> tuple[RadialProfile | None, WallProfile | CriticalBubble | TransitionBubble, str]:
    """The wall that a table names.

    Args:
        table: the table `conversion`.
        notes: what a reader should know about the input is added to it.

    Returns:
        The profile behind the wall, if there is one; the wall; the path of the profile, "tanh" or
        "bounce".
    """
    walls = [key for key in ("profile_csv", "tanh", "potential") if key in table]
    if isinstance(table.get("wall"), str):
        check_name("conversion.wall", table["wall"], _OF_TRANSITION)
        if walls:
            raise ConfigurationError(
                f'conversion.{walls[0]} and conversion.wall = "{table["wall"]}": both given; give'
                " exactly one wall"
            )
        return None, TransitionBubble(table["wall"]), f"{table['wall']} of the transition"
    if len(walls) != 1:
        have = f"both given ({', '.join(walls)})" if walls else "all missing"
        raise ConfigurationError(
            f"conversion.profile_csv, conversion.tanh, conversion.potential: {have}; give exactly"
            " one wall"
        )
    if "potential" in table:
        return None, _bubble(table["potential"]), "bounce"
    if "tanh" in table:
        return None, _tanh_wall(table["tanh"]), "tanh"
    path = check_text("conversion.profile_csv", table["profile_csv"], "path of a CSV file")
    columns = {
        k: check_text(f"columns.{k}", v, "name of a column")
        for k, v in table.get("columns", {}).items()
        if v
    }
    prefer = check_flag("conversion.prefer_csv_R_peak", table.get("prefer_csv_R_peak", False))
    centre = table.get("R0")
    if centre is not None:
        centre = check_number("conversion.R0", centre, above(0, "radius of the wall"))
    width = table.get("w")
    if width is not None:
        width = check_number("conversion.w", width, above(0, "width of the wall"))
    profile = read_profile(
        path,
        columns=columns,
        R_peak=centre,
        w_FWHM=width,
        # as published, w only stands in for a missing column
        prefer_file=("R_peak", "w_FWHM") if prefer else ("w_FWHM",),
    )
    notes.extend(profile.notes)
    return profile, profile.wall(), str(path)


def _bubble(potential: Any) -> CriticalBubble:
    """The stage that solves a potential for its wall; its first field is Φ, the second φ."""
    if not isinstance(potential, str | Mapping):
        raise ConfigurationError(
            f"conversion.potential = {shown(potential)}: must be a table, or the path of a file"
        )
    found = read_potential(potential)
    fields = len(found.fields)
    if fields != 2:
        raise ConfigurationError(
            f"conversion.potential: number of fields is {fields}; a wall needs two, Φ and φ"
        )
    # read_potential has looked for vacua that were not given
    assert found.false_vacuum is not None
    assert found.true_vacuum is not None
    return CriticalBubble(
        found.potential,
        found.theta,
        found.false_vacuum,
        found.true_vacuum,
        found.r_max,
        found.dimension,
    )


def _tanh_wall(table: Mapping[str, Any]) -> WallProfile:
    known = {**declarations(TanhWall), **declarations(TwoCentreTanhWall)}
    check_keys(table, known, "conversion.tanh.")
    values = {
        key: check_number(f"conversion.tanh.{key}", value, known[key].range)
        for key, value in table.items()
    }
    for key in ("Phi_inside", "phi_outside", "width"):
        if key not in values:
            raise ConfigurationError(f"conversion.tanh.{key}: missing; add it")
    two = {"centre_Phi", "centre_phi"} & set(values)
    if two and ("centre" in values or len(two) == 1):
        raise ConfigurationError(
            "conversion.tanh: give centre alone, or both centre_Phi and centre_phi"
        )
    return TwoCentreTanhWall(**values) if two else TanhWall(**values)

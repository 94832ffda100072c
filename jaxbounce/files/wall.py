"""The wall of a `conversion` table: a profile, a tanh, or the bounce of a potential."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxbounce._core.checks import check_flag, check_keys, check_number, check_text
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.ranges import Range, above
from jaxbounce._core.status import Status
from jaxbounce.conversion.bounce_wall import BounceWall
from jaxbounce.conversion.radial_profile import RadialProfile
from jaxbounce.conversion.wall import TanhWall, TwoCentreTanhWall, WallProfile
from jaxbounce.files.potential import solve
from jaxbounce.files.profile_csv import read_profile

_TANH_KEYS = ("Phi_inside", "phi_outside", "width", "centre", "centre_Phi", "centre_phi")


def read_wall(
    table: Mapping[str, Any], notes: list[str]
) -> tuple[RadialProfile | None, WallProfile, str]:
    """The wall that a table names.

    Args:
        table: the table `conversion`.
        notes: what a reader should know about the input is added to it.

    Returns:
        The profile behind the wall, if there is one; the wall; the path of the profile, "tanh" or
        "bounce".
    """
    walls = [key for key in ("profile_csv", "tanh", "potential") if key in table]
    if len(walls) != 1:
        have = f"both given ({', '.join(walls)})" if walls else "all missing"
        raise ConfigurationError(
            f"conversion.profile_csv, conversion.tanh, conversion.potential: {have}; give exactly"
            " one wall"
        )
    if "potential" in table:
        return None, _bounce_wall(table["potential"]), "bounce"
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


def _bounce_wall(potential: Any) -> WallProfile:
    """The wall of a bounce, solved here; its first field is Φ, the second φ."""
    if not isinstance(potential, str | Mapping):
        raise ConfigurationError(
            f"conversion.potential = {potential!r}: must be a table, or the path of a file"
        )
    solved = solve(potential)
    if len(solved.fields) != 2:
        raise ConfigurationError(
            f"conversion.potential: has {len(solved.fields)} fields; a wall needs two, Φ and φ"
        )
    if solved.status != Status.SUCCESS:
        raise ComputationError(f"conversion.potential: {solved.status.message}")
    return BounceWall(solved.bounce)


def _tanh_wall(table: Mapping[str, Any]) -> WallProfile:
    check_keys(table, _TANH_KEYS, "conversion.tanh.")
    values = {
        key: check_number(
            f"conversion.tanh.{key}",
            value,
            Range(-jnp.inf, jnp.inf, False, False, "place of the wall")
            if key.startswith("centre")
            else above(0, "field value or width"),
        )
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

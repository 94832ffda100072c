"""The table `conversion` of a configuration: a wall, couplings and a conversion model.

The parameter files of the published scripts are such tables as they are:
`transport_params.json` (profile_csv, columns, prefer_csv_R_peak, R0, w, couplings, wall) and
`extended_LZ_lambda_params.json` (y_B, y_chi, v_w, E_dist, nE, xi_span_mult, target_ratio).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxbounce._core.checks import (
    at_home,
    check_flag,
    check_keys,
    check_name,
    check_number,
    check_text,
    check_whole,
    one_name,
    shown,
)
from jaxbounce._core.declare import declarations
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range, above, at_least
from jaxbounce.conversion.at_wall import WallConversion
from jaxbounce.conversion.bounce_wall import CriticalBubble, TransitionBubble
from jaxbounce.conversion.models import MODELS, PUBLISHED_LAMBDA, ConversionSettings, Energies
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.tables import table_of
from jaxbounce.files.wall import read_wall

SHIPPED_WALL = Path(__file__).parent / "data" / "published_potential_wall.csv"
"""Wall of the published potential in infinite volume, 300 rows, made by the command `bounce`."""

WALL_SPEED = Range(0, 1, False, False, "wall speed")

_SIDES = {"SFV_positive": 1.0, "positive": 1.0, "SFV_negative": -1.0, "negative": -1.0}

_ENERGY_KEYS = ("type", "T_reh", "E_min", "E_max_mode", "E_max_fraction", "E_max")


_KEYS = (
    "profile_csv",
    "columns",
    "prefer_csv_R_peak",
    "R0",
    "w",
    "couplings",
    "wall",
    "average_over_k",
    "y_B",
    "y_chi",
    "lambda_tr_eff",
    "v_w",
    "xi_side",
    "E_dist",
    "nE",
    "xi_span_mult",
    "target_ratio",
    "tanh",
    "potential",
    "model",
    "steps",
    "incidence",
    "K",
    "stretch",
    "unit_GeV",
)

_COUPLINGS = declarations(Couplings)
_COUPLING_KEYS = tuple(declared.key for declared in _COUPLINGS.values())

NAMES_INSIDE = {name: d.key for name, d in _COUPLINGS.items() if d.key != name}
"""Keys of couplings that go by another name in Python."""

_DEFAULTS = {"y_B": 1.0, "y_chi": 1.0, "lam": PUBLISHED_LAMBDA}
_OWN = declarations(WallConversion)


def expand_conversion(source: str | Path | Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """The table, read from a file if a path is given, with profile_csv relative to no place.

    Args:
        source: path or table.
        directory: where a relative path starts; a profile named in a file is looked for
            beside that file.
    """
    if isinstance(source, Mapping):
        table = table_of(source)
    else:
        path = directory / at_home(source)
        table, directory = table_of(path), path.parent
    for key in ("profile_csv", "potential"):
        if isinstance(table.get(key), str):
            place = at_home(check_text(f"conversion.{key}", table[key], "path"))
            table[key] = str(directory / place)
    return table


def read_conversion(table: Mapping[str, Any]) -> ConversionSettings:
    """Settings from a table; reads the profile.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table = one_name(table_of(table), NAMES_INSIDE, "conversion.")
    check_keys(table, (*_KEYS, *NAMES_INSIDE), "conversion.")
    for name in ("couplings", "wall", "tanh", "columns"):
        if name == "wall" and isinstance(table.get(name), str):
            continue  # a wall by name
        if name in table and not isinstance(table[name], Mapping):
            raise ConfigurationError(f"conversion.{name} = {shown(table[name])}: must be a table")
    notes: list[str] = []
    profile, wall, origin = read_wall(table, notes)
    named = isinstance(table.get("wall"), str)
    written = {} if named else table.get("wall", {})
    check_keys(written, ("v_w",), "conversion.wall.")
    speed = _only_one(table.get("v_w"), written.get("v_w"), "v_w", "wall.v_w")
    if check_flag("conversion.average_over_k", table.get("average_over_k", False)):
        raise ConfigurationError(
            "conversion.average_over_k = true: the published script accepts and ignores it; write"
            ' false, or incidence = "thermal" for the average over the thermal flux'
        )
    has_energies = bool({"E_dist", "nE", "xi_span_mult", "xi_side"} & set(table))
    target = table.get("target_ratio")
    steps = table.get("steps")
    momentum = table.get("K")
    model = check_name("conversion.model", table.get("model", "two-level"), MODELS)
    incidence = check_name(
        "conversion.incidence", table.get("incidence", "cold"), ("cold", "thermal")
    )
    settings = ConversionSettings(
        wall=None if isinstance(wall, CriticalBubble | TransitionBubble) else wall,
        bubble=wall if isinstance(wall, CriticalBubble | TransitionBubble) else None,
        profile=profile,
        source=origin,
        couplings=_couplings(table),
        model=model,
        v_w=None if speed is None else check_number("conversion.wall.v_w", speed, WALL_SPEED),
        energies=_energies(table) if has_energies else None,
        target_ratio=None
        if target is None
        else check_number("target_ratio", target, above(0, "n_χ/n_B")),
        steps=None if steps is None else _check_steps(model, steps),
        incidence=incidence,
        K=None
        if momentum is None
        else check_number("conversion.K", momentum, above(0, "momentum")),
        stretch=check_number("conversion.stretch", table.get("stretch", 1), _OWN["stretch"].range),
        unit_GeV=check_number(
            "conversion.unit_GeV", table.get("unit_GeV", 1), _OWN["unit_GeV"].range
        ),
        notes=tuple(notes),
    )
    settings.build()  # what is missing shows now, in one line
    return settings


def _check_steps(model: str, steps: Any) -> int:
    if model.startswith("full-wave"):
        return check_whole("conversion.steps", steps, 8, "steps of the wave")
    steps = check_whole("conversion.steps", steps, 8, "steps of the propagation")
    if steps % 8:
        raise ConfigurationError(f"conversion.steps = {steps}: must be a multiple of 8")
    return steps


def _only_one(first: Any, second: Any, first_name: str, second_name: str) -> Any:
    if first is not None and second is not None:
        raise ConfigurationError(
            f"conversion.{first_name} and conversion.{second_name}: both given; keep one of them"
        )
    return first if first is not None else second


def _couplings(table: Mapping[str, Any]) -> Couplings:
    nested = one_name(table.get("couplings", {}), NAMES_INSIDE, "conversion.couplings.")
    check_keys(nested, (*_COUPLING_KEYS, *NAMES_INSIDE), "conversion.couplings.")
    values: dict[str, float] = {}
    for name, declared in _COUPLINGS.items():
        key = declared.key
        value = _only_one(table.get(key), nested.get(key), key, f"couplings.{key}")
        value = _DEFAULTS[name] if value is None else value
        values[name] = check_number(f"conversion.couplings.{key}", value, _COUPLINGS[name].range)
    return Couplings(**values)


def _energies(table: Mapping[str, Any]) -> Energies:
    """From the published keys E_dist, nE, xi_span_mult, xi_side."""
    dist = table.get("E_dist", {})
    if not isinstance(dist, Mapping):
        raise ConfigurationError(f"E_dist = {shown(dist)}: must be a table with T_reh, E_min, …")
    check_keys(dist, _ENERGY_KEYS, "E_dist.")
    check_name("E_dist.type", dist.get("type", "MB_1D"), ("MB_1D",))
    mode = check_name(
        "E_dist.E_max_mode", dist.get("E_max_mode", "fraction"), ("fraction", "absolute")
    )
    if mode == "absolute" and "E_max" not in dist:
        raise ConfigurationError('E_dist.E_max: missing; E_max_mode = "absolute" needs it')
    side = check_name("xi_side", table.get("xi_side", "SFV_positive"), _SIDES)
    span = check_number("xi_span_mult", table.get("xi_span_mult", 3.0), above(0, "range in FWHM"))
    return Energies(
        check_number("E_dist.T_reh", dist.get("T_reh", 0.2), above(0, "temperature")),
        check_number("E_dist.E_min", dist.get("E_min", 0.0), at_least(0, "lowest energy")),
        check_number(
            "E_dist.E_max_fraction",
            dist.get("E_max_fraction", 0.6),
            above(0, "highest energy over the largest m_χ"),
        ),
        check_number("E_dist.E_max", dist["E_max"], above(0, "highest energy"))
        if mode == "absolute"
        else None,
        check_whole("nE", table.get("nE", 160), 2, "number of energies"),
        _SIDES[side] * span,
    )

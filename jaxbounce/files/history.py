"""Thermal histories in configurations: g_*(T) by name or as a table, and a hidden sector.

`g_star` is a number, "constant" (106.75), "standard-model", a table with the keys T_GeV, g_star and
g_star_s, or the path of a JSON or TOML file with one. What is no number gives g_star_s too. A table
may state the relative `uncertainty` of its g_* in a fourth column, which is printed and no more.
`hidden_sector` is a table with `xi` (T_h/T) and `species`, a list of tables with mass_GeV, g and
statistics; `conserved`, "common" unless written, says whose entropy is conserved ("separate": each
sector's by itself, and xi is that at T_p).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from jaxbounce._core.checks import (
    check_column,
    check_keys,
    check_name,
    check_number,
    shown,
    suggestion,
)
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cosmology.degrees_of_freedom import (
    ConstantDegrees,
    DegreesOfFreedom,
    StandardModel,
)
from jaxbounce.cosmology.degrees_table import tabulated_degrees
from jaxbounce.cosmology.hidden_sector import (
    MASS,
    TEMPERATURE_RATIO,
    WEIGHT,
    HiddenEntropy,
    with_hidden_sector,
)
from jaxbounce.cosmology.history import ThermalHistory
from jaxbounce.files.tables import table_of
from jaxbounce.parameters import Parameters

CONSTANT = Parameters.__dataclass_fields__["g_star"].default
"""g_* of the Standard Model at T ≫ 100 GeV: what "constant" stands for."""

_NAMES = ("constant", "standard-model")

_COLUMNS = ("T_GeV", "g_star", "g_star_s")

_UNCERTAINTY = "uncertainty"

_SPECIES = ("mass_GeV", "g", "statistics")


def expand_history(written: Any, directory: Path) -> Any:
    """What is written for g_star, a file replaced by its table and "constant" by its number."""
    if written == "constant":
        return CONSTANT
    if not isinstance(written, str) or written in _NAMES:
        return written
    if Path(written).suffix not in (".json", ".toml"):
        names = ", ".join(f'"{name}"' for name in _NAMES)
        hint = suggestion(written, _NAMES)
        hint = hint if "did you mean" in hint else ""
        raise ConfigurationError(
            f"g_star = {shown(written)}: must be a number, {names}, a table, or the path of a JSON"
            f" or TOML file with one{hint}"
        )
    return table_of(directory / written)


def is_history(g_star: Any) -> bool:
    """Whether g_star is more than a number."""
    return isinstance(g_star, str | Mapping)


def settle_entropy(table: dict[str, Any]) -> None:
    """Let g_star_s follow where g_star is a history, which gives both.

    Raises:
        ConfigurationError: if g_star_s contradicts it.
    """
    g_star, g_star_s = table["g_star"], table["g_star_s"]
    g_star_s = CONSTANT if g_star_s == "constant" else g_star_s
    if is_history(g_star):
        # 106.75 is what stands there if nothing was written
        if g_star_s not in (CONSTANT, g_star):
            raise ConfigurationError(
                f"g_star_s = {shown(g_star_s)}: g_star gives both as functions of T; leave g_star_s"
                " out"
            )
        g_star_s = g_star
    elif is_history(g_star_s):
        raise ConfigurationError(
            f"g_star_s = {shown(g_star_s)}: write it as g_star, which then gives both"
        )
    table["g_star_s"] = g_star_s


def _visible(table: Mapping[str, Any]) -> DegreesOfFreedom:
    g_star = table["g_star"]
    if isinstance(g_star, Mapping):
        check_keys(g_star, (*_COLUMNS, _UNCERTAINTY), "g_star.")
        for key in _COLUMNS:
            if key not in g_star:
                raise ConfigurationError(f"g_star.{key}: missing; add the column")
        found = tabulated_degrees(*(g_star[key] for key in _COLUMNS))
        if _UNCERTAINTY in g_star:
            _check_uncertainty(g_star[_UNCERTAINTY], found.knots.size)
        return found
    if g_star == "standard-model":
        return StandardModel()
    return ConstantDegrees(g_star, table["g_star_s"])


def _check_uncertainty(written: Any, rows: int) -> None:
    column = check_column("g_star table", _UNCERTAINTY, written)
    if column.size != rows:
        raise ConfigurationError(
            f"g_star table: {_UNCERTAINTY} has {column.size} rows and T_GeV {rows}; give one for"
            " every temperature"
        )
    wrong = (column < 0) | (column > 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ConfigurationError(
            f"g_star table: {_UNCERTAINTY} = {column[row]:g} in row {row + 1}: must be in [0, 1];"
            " give that of g_star over its value"
        )


def stated_uncertainty(g_star: Mapping[str, Any], T: float) -> float | None:
    """The relative uncertainty that a table of g_* states, at T (GeV); None where it states none.

    Between its rows it is linear in ln T.
    """
    if _UNCERTAINTY not in g_star:
        return None
    log_T = np.log(np.asarray(g_star["T_GeV"], float))
    return float(np.interp(math.log(T), log_T, np.asarray(g_star[_UNCERTAINTY], float)))


def _hidden(visible: DegreesOfFreedom, written: Any) -> DegreesOfFreedom:
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"hidden_sector = {shown(written)}: must be a table with xi and species"
        )
    check_keys(written, ("xi", "species", "conserved"), "hidden_sector.")
    conserved = written.get("conserved", "common")
    check_name("hidden_sector.conserved", conserved, get_args(HiddenEntropy))
    species = written.get("species")
    if "xi" not in written or not isinstance(species, list) or not species:
        raise ConfigurationError(
            "hidden_sector: needs xi, a number, and species, a list of at least one table"
        )
    check_number("hidden_sector.xi", written["xi"], TEMPERATURE_RATIO)
    found = []
    for i, one in enumerate(species, start=1):
        name = f"hidden_sector.species {i}: "
        if not isinstance(one, Mapping):
            raise ConfigurationError(f"{name}must be a table with {', '.join(_SPECIES)}")
        check_keys(one, _SPECIES, name)
        for key in _SPECIES:
            if key not in one:
                raise ConfigurationError(f"{name}{key} is missing; add it")
        check_number(f"{name}mass_GeV", one["mass_GeV"], MASS)
        check_number(f"{name}g", one["g"], WEIGHT)
        check_name(f"{name}statistics", one["statistics"], ("fermion", "boson", "classical"))
        found.append((one["mass_GeV"], one["g"], one["statistics"]))
    return with_hidden_sector(visible, written["xi"], found, conserved)


def read_history(table: Mapping[str, Any]) -> ThermalHistory | None:
    """The stage that computes g_* of a configuration; None where it is a number."""
    if not is_history(table["g_star"]) and table["hidden_sector"] is None:
        return None
    degrees = _visible(table)
    if table["hidden_sector"] is not None:
        degrees = _hidden(degrees, table["hidden_sector"])
    return ThermalHistory(degrees)

"""The table `occupancy` of a configuration: f_χ computed, in place of incident_flux_scale.

`process` says how χ is made: "decay", "collisions", "partition" or "off-brane". The other keys are
the numbers of that process (`jaxbounce.occupancy`): those of decays, of a share of released energy
and of a gas off the brane each under one key; collisions have `amplitude_squared` (coefficients
a_0, a_1, … of Σ|M|² = Σ a_n sⁿ, or an expression of s) or `cross_section` (an expression of s, or a
table with the columns s_GeV2 and sigma_per_GeV2, or the path of a JSON or TOML file with one), and
`parameters` for what the expression names.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from jaxbounce._core.checks import (
    check_flag,
    check_keys,
    check_name,
    check_number,
    check_text,
    shown,
)
from jaxbounce._core.declare import Declaration, declarations
from jaxbounce._core.errors import ConfigurationError, PotentialError
from jaxbounce._core.ranges import Range, above, at_least
from jaxbounce.files.tables import table_of
from jaxbounce.occupancy import (
    Collisions,
    Decays,
    EnergyPartition,
    OccupancyStage,
    OffBrane,
    Written,
    tabulated,
)
from jaxbounce.occupancy.collisions import OfS, Quantity
from jaxbounce.occupancy.production import decay_threshold
from jaxbounce.potential.text import Expression, check_names

PROCESSES: dict[str, type[OccupancyStage]] = {
    "decay": Decays,
    "collisions": Collisions,
    "partition": EnergyPartition,
    "off-brane": OffBrane,
}

_STATISTICS = ("fermion", "boson", "classical")

_WORDS = {
    "decay": ("statistics", "product"),
    "collisions": (
        *("amplitude_squared", "cross_section", "parameters", "statistics", "identical"),
        *("masses_GeV", "degrees", "breakpoints_GeV"),
    ),
}
"""Keys that are no declared number."""

_COLUMNS = ("s_GeV2", "sigma_per_GeV2")

_NUMBER = Range(float("-inf"), float("inf"), False, False, "a number")


def expand_occupancy(written: Any, directory: Path) -> Any:
    """What is written for `occupancy`, the file of a cross section replaced by its table.

    Raises:
        ConfigurationError: one line, if it is no table or a file cannot be read.
    """
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"occupancy = {shown(written)}: must be a table, with process and what goes with it"
        )
    table = dict(written)
    path = table.get("cross_section")
    if isinstance(path, str) and Path(path).suffix.lower() in (".json", ".toml"):
        table["cross_section"] = table_of(directory / path)
    return table


def read_occupancy(table: Mapping[str, Any]) -> OccupancyStage:
    """The stage that computes f_χ of a configuration that has a table for it.

    Raises:
        ConfigurationError: with one line for the first bad field.
    """
    written = table["occupancy"]
    if "process" not in written:
        names = ", ".join(f'"{name}"' for name in PROCESSES)
        raise ConfigurationError(f"occupancy.process: missing; add it, one of {names}")
    process = check_name("occupancy.process", written["process"], PROCESSES)
    kind, words = PROCESSES[process], _WORDS.get(process, ())
    declared = {d.key: (name, d) for name, d in declarations(kind).items()}
    _refuse_others(written, process, (*declared, *words))
    numbers = {
        name: check_number(f"occupancy.{key}", written[key], d.range)
        for key, (name, d) in declared.items()
        if key in written
    }
    _refuse_missing(kind, declared, written)
    T_R, T_p = numbers.get("T_R"), table["T_p_GeV"]
    if T_R is not None and T_p is not None and T_p > T_R:
        raise ConfigurationError(
            f"occupancy.T_R_GeV = {T_R:g}: is below T_p_GeV = {T_p:g}, where nothing would be there"
            " for the walls; raise it"
        )
    T_star, energy, m_chi = numbers.get("T_star"), numbers.get("energy"), table["m_chi_GeV"]
    if T_star is not None and T_p is not None and T_p > T_star:
        raise ConfigurationError(
            f"occupancy.T_star_GeV = {T_star:g}: is below T_p_GeV = {T_p:g}, where nothing would be"
            " there for the walls; raise it"
        )
    if energy is not None and energy < m_chi:
        raise ConfigurationError(
            f"occupancy.mean_energy_GeV = {energy:g}: is below m_chi_GeV = {m_chi:g}; raise it"
        )
    if process == "decay":
        words = _of_decay(written)
        _refuse_closed(numbers, m_chi, "product" in words)
        return Decays(**numbers, **words)
    if process == "collisions":
        made = _of_collisions(written)
        _refuse_light(sum(made.get("masses", ())[2:]), numbers.get("particles", 1.0), m_chi)
        return Collisions(**numbers, **made)
    if process == "partition" and table["transition"] is not None:
        # what becomes χ does not heat the bath
        own = "Delta_theta" not in numbers and "alpha" not in numbers
        numbers["heats"] = own
    try:
        return kind(**numbers)
    except ConfigurationError as error:
        raise ConfigurationError(f"occupancy: {error}") from None


def _refuse_closed(numbers: Mapping[str, float], m_chi: float, is_with_X: bool) -> None:
    """A decay into what is not lighter than A."""
    count, m_A = numbers.get("particles", 1.0), numbers["m_A"]
    least = float(decay_threshold(m_chi, count, numbers.get("m_X", 0.0) if is_with_X else 0.0))
    if m_A <= least:
        raise ConfigurationError(
            f"occupancy.m_A_GeV = {m_A:g}: is not above the mass of its products, {least:g} GeV"
            f" with {max(count, 1):g} chi; raise it"
        )


def _refuse_light(made: float, count: float, m_chi: float) -> None:
    """Collisions whose products have masses, but not that of χ."""
    least = float(decay_threshold(m_chi, count))
    if 0 < made < least:
        raise ConfigurationError(
            f"occupancy.masses_GeV: the last two together, {made:g} GeV, are below"
            f" {max(count, 1):g} m_chi_GeV = {least:g}; raise them, or write 0 for both, which"
            " takes chi as massless"
        )


def _refuse_others(written: Mapping[str, Any], process: str, known: tuple[str, ...]) -> None:
    for key in written:
        homes = [
            name
            for name, kind in PROCESSES.items()
            if key in _WORDS.get(name, ()) or key in {d.key for d in declarations(kind).values()}
        ]
        if key not in ("process", *known) and homes:
            raise ConfigurationError(
                f'occupancy.{key}: not used with process = "{process}", but with "{homes[0]}";'
                " leave it out"
            )
    check_keys(written, ("process", *known), "occupancy.")


def _refuse_missing(
    kind: type[OccupancyStage],
    declared: Mapping[str, tuple[str, Declaration]],
    written: Mapping[str, Any],
) -> None:
    needed = {f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING}
    for key, (name, d) in declared.items():
        if key not in written and name in needed:
            raise ConfigurationError(f"occupancy.{key}: missing; add it ({d.range.meaning})")


def _of_decay(written: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: check_name(f"occupancy.{key}", written[key], _STATISTICS)
        for key in _WORDS["decay"]
        if key in written
    }


def _of_collisions(written: Mapping[str, Any]) -> dict[str, Any]:
    given = [key for key in ("amplitude_squared", "cross_section") if key in written]
    if len(given) != 1:
        have = "both given" if given else "both missing"
        raise ConfigurationError(
            f"occupancy.amplitude_squared and occupancy.cross_section: {have}; give exactly one"
        )
    quantity, where = cast(Quantity, given[0]), f"occupancy.{given[0]}"
    value = written[quantity]
    found: dict[str, Any] = {"quantity": quantity}
    for key, name, count, allowed in (
        ("masses_GeV", "masses", 4, at_least(0, "mass in GeV")),
        ("degrees", "degrees", 2, above(0, "degrees of freedom")),
        ("breakpoints_GeV", "breakpoints", None, above(0, "√s in GeV")),
    ):
        if key in written:
            found[name] = _numbers(f"occupancy.{key}", written[key], allowed, count)
    if "statistics" in written:
        found["statistics"] = _pair(written["statistics"])
    if "identical" in written:
        found["identical"] = check_flag("occupancy.identical", written["identical"])
    if quantity == "amplitude_squared" and isinstance(value, list):
        for key in ("parameters", "masses_GeV", "breakpoints_GeV", "degrees"):
            if key in written:
                raise ConfigurationError(
                    f"occupancy.{key}: not used with coefficients of massless particles; leave it"
                    " out, or write amplitude_squared as an expression of s"
                )
        coefficients = _numbers(where, value, _NUMBER, None)
        if not coefficients:
            raise ConfigurationError(f"{where} = []: give at least the coefficient a_0")
        return found | {"theta": {f"a_{n}": a for n, a in enumerate(coefficients)}}
    if quantity == "amplitude_squared" and "degrees" in written:
        raise ConfigurationError(
            "occupancy.degrees: not used with amplitude_squared, which is summed over them; leave"
            " it out"
        )
    parameters = _parameters(written.get("parameters", {}))
    return found | {"theta": parameters, "law": _law(where, value, parameters)}


def _law(where: str, value: Any, parameters: Mapping[str, float]) -> OfS:
    """An expression or a table."""
    if isinstance(value, Mapping):
        check_keys(value, _COLUMNS, f"{where}.")
        for name in _COLUMNS:
            if name not in value:
                raise ConfigurationError(f"{where}.{name}: missing; add the column")
        if parameters:
            raise ConfigurationError("occupancy.parameters: not used with a table; leave them out")
        return tabulated(*(value[name] for name in _COLUMNS), where=where)
    text = check_text(where, value, "an expression of s and of parameters")
    try:
        check_names(("s",), tuple(parameters))
        return Written(Expression(text, ("s", *parameters), (), where))
    except PotentialError as error:
        raise ConfigurationError(str(error)) from None


def _parameters(written: Any) -> dict[str, float]:
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"occupancy.parameters = {shown(written)}: must be a table of names and numbers"
        )
    taken = declarations(Collisions)
    for name in written:
        if name in taken:
            raise ConfigurationError(
                f"occupancy.parameters.{name}: is the name of another number; rename it"
            )
    return {k: check_number(f"occupancy.parameters.{k}", v, _NUMBER) for k, v in written.items()}


def _numbers(where: str, value: Any, allowed: Range, count: int | None) -> tuple[float, ...]:
    if not isinstance(value, list) or count not in (None, len(value)):
        size = "" if count is None else f"{count} "
        raise ConfigurationError(f"{where} = {shown(value)}: must be a list of {size}numbers")
    return tuple(check_number(where, number, allowed) for number in value)


def _pair(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise ConfigurationError(
            f"occupancy.statistics = {shown(value)}: must be a list of two, of the particles that"
            " collide"
        )
    first, second = (check_name("occupancy.statistics", one, _STATISTICS) for one in value)
    return first, second

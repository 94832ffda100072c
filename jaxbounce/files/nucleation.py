"""Nucleation histories in configurations: Γ(t) of area_kernel "history".

`nucleation` is a table with `rate`, one of "exponential" (with curvature), "gaussian"
(nucleation_time, width), "simultaneous" (nucleation_time), a table with the columns y and log_rate,
or T_GeV and S3_over_T, or the path of a CSV, JSON or TOML file with one, such as what
the transition command writes; and initial_radius and expansion.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxbounce._core.checks import check_flag, check_keys, check_name, check_number, shown
from jaxbounce._core.declare import declarations
from jaxbounce._core.errors import ConfigurationError, ProfileError
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.files.profile_text import number_of, read_rows
from jaxbounce.files.tables import table_of
from jaxbounce.model.model import Model
from jaxbounce.percolation.nucleation import Nucleation
from jaxbounce.percolation.rates import (
    ExponentialRate,
    GaussianRate,
    NucleationRate,
    SimultaneousNucleation,
    tabulated_rate,
)
from jaxbounce.percolation.thermal_rate import ThermalRate, thermal_rate

_RATES: dict[str, type[NucleationRate]] = {
    "exponential": ExponentialRate,
    "gaussian": GaussianRate,
    "simultaneous": SimultaneousNucleation,
}

_COLUMNS = {("y", "log_rate"): tabulated_rate, ("T_GeV", "S3_over_T"): thermal_rate}

_OF_TRANSITION = "action"  # key of the table in a transition's result

_APART = 0.1
"""β/H given may be off by this from that of a rate over T: beyond it the two contradict."""

_OWN = ("rate", "initial_radius", "expansion")


def expand_nucleation(written: Any, directory: Path) -> Any:
    """What is written for `nucleation`, the file of a rate replaced by its table.

    Raises:
        ConfigurationError: one line, if it is no table or a file cannot be read.
    """
    if written is None:
        return None
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"nucleation = {shown(written)}: must be a table, with rate and what goes with it"
        )
    rate = written.get("rate")
    if not isinstance(rate, str) or rate in _RATES:
        return dict(written)
    suffix = Path(rate).suffix.lower()
    if suffix in (".json", ".toml"):
        table = table_of(directory / rate)
        return {**written, "rate": table.get(_OF_TRANSITION, table)}
    if suffix in (".csv", ".txt", ".dat"):
        return {**written, "rate": _read_csv(directory / rate)}
    return {**written, "rate": check_name("nucleation.rate", rate, _RATES)}


def _read_csv(path: Path) -> dict[str, list[float]]:
    for columns in _COLUMNS:
        try:
            rows = read_rows(path, columns)
            header = [name.lower() for name in rows.header]
            places = [header.index(name.lower()) for name in columns]
            break
        except (ProfileError, ValueError):
            continue
    else:
        headers = " or ".join(",".join(columns) for columns in _COLUMNS)
        raise ConfigurationError(
            f"nucleation.rate: {path}: must be a text file with a header {headers} and rows of"
            " numbers"
        )
    found: dict[str, list[float]] = {name: [] for name in columns}
    for line, cells in rows.lines:
        for name, place in zip(columns, places, strict=True):
            value = number_of(cells[place], rows.delimiter) if place < len(cells) else None
            if value is None:
                raise ConfigurationError(
                    f"nucleation.rate: {path}: line {line} has no number for {name}"
                )
            found[name].append(value)
    return found


def read_nucleation(written: Any) -> Nucleation | None:
    """The stage that computes the wall area of a configuration; None where there is no table.

    Raises:
        ConfigurationError: with one line for the first bad field.
    """
    if written is None:
        return None
    rate = written.get("rate", "exponential")
    columns = next(iter(_COLUMNS))
    if isinstance(rate, Mapping):
        columns = next((c for c in _COLUMNS if set(c) & set(rate)), columns)
        check_keys(rate, columns, "nucleation.rate.")
        for name in columns:
            if name not in rate:
                raise ConfigurationError(f"nucleation.rate.{name}: missing; add the column")
        kind = None
    else:
        kind = _RATES[check_name("nucleation.rate", rate, _RATES)]
    known = () if kind is None else tuple(declarations(kind))
    for name in written:
        homes = [n for n, other in _RATES.items() if name in declarations(other)]
        if name not in (*_OWN, *known) and homes:
            what = "a table" if isinstance(rate, Mapping) else f'"{rate}"'
            raise ConfigurationError(
                f"nucleation.{name}: not used with rate = {what}, but with"
                f' "{homes[0]}"; leave it out'
            )
    check_keys(written, (*_OWN, *known), "nucleation.")
    ranges = declarations(Nucleation) | ({} if kind is None else declarations(kind))
    for name, declared in ranges.items():
        if name in written:
            check_number(f"nucleation.{name}", written[name], declared.range)
    expansion = check_flag("nucleation.expansion", written.get("expansion", True))
    numbers = {name: written[name] for name in known if name in written}
    made = _COLUMNS[columns]
    shape = made(*(rate[name] for name in columns)) if kind is None else kind(**numbers)
    return Nucleation(shape, written.get("initial_radius", 0.0), expansion)


def own_beta(nucleation: Nucleation, T_p: float, degrees: DegreesOfFreedom | None) -> float | None:
    """β/H at T_p (GeV) of a rate over T; None of another rate, or where its table has no T_p."""
    rate = nucleation.rate
    if not isinstance(rate, ThermalRate) or not T_p > 0 or not rate.is_at(T_p):
        return None
    gamma_s = 0.0
    if degrees is not None:
        gamma_s = degrees.anchored(T_p).with_slope(math.log(T_p))[2]
    return float(rate.beta_over_H(T_p, gamma_s))


def check_own_beta(nucleation: Nucleation, model: Model) -> None:
    """One line where β/H contradicts that of the model's rate over T.

    The area of the rate does not depend on β/H, a unit there, but windows and y limits do, and
    every number of another area_kernel.
    """
    p = model.parameters
    if p.T_p is None or p.beta_over_H is None:
        return
    own, given = own_beta(nucleation, float(p.T_p), model.degrees), float(p.beta_over_H)
    # of a rate that falls as it cools no β/H can be given: any is a unit
    if own is not None and own > 0 and not abs(given - own) <= _APART * own:
        raise ConfigurationError(
            f"beta_over_H = {given:g}: contradicts nucleation.rate, which has {own:.6g} at T_p ="
            f" {float(p.T_p):g}; give that"
        )

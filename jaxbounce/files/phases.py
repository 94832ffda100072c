"""Phases from configurations: a potential that depends on T, and between which temperatures.

The file is one of `jaxbounce transition` (`files.transition`); of its table `transition` only the
temperatures are used, and vacua need not be given.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbounce._core.checks import check_keys
from jaxbounce.files.model import check_masses
from jaxbounce.files.potential import KEYS, potential_from_mapping
from jaxbounce.files.tables import table_of
from jaxbounce.files.transition import temperature_range
from jaxbounce.potential.text import ConfiguredPotential
from jaxbounce.potential.thermal import Heated
from jaxbounce.transition.phases import PhaseDiagram, find_phases

_AROUND = 2.0  # half-width of the box of fields over the largest vacuum that is given

_SEARCH = 3.0  # and over the largest parameter, where none is


class Found(NamedTuple):
    """A configured potential and its phases."""

    table: Mapping[str, Any]
    configured: ConfiguredPotential
    temperature: str
    T_range: tuple[float, float]
    reach: float
    """Half-width of the box of fields in which minima were looked for."""
    diagram: PhaseDiagram


def solve_phases(source: str | Path | Mapping[str, Any], reach: float | None = None) -> Found:
    """The phases of a potential from a table or file.

    Args:
        source: the table, or the path of one.
        reach: half-width of the box of fields in which minima are looked for; left out, twice the
            vacua that are given, or three times the largest parameter.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
        ComputationError: if no minimum is found.
    """
    table = table_of(source)
    check_keys(table, (*KEYS, "transition"))
    name, T_low, T_high = temperature_range(table)
    configured = potential_from_mapping({k: v for k, v in table.items() if k != "transition"})
    vacua = {
        key: vacuum
        for key in ("false_vacuum", "true_vacuum")
        if (vacuum := getattr(configured, key)) is not None
    }
    if vacua:
        check_masses(configured.potential, configured.theta, vacua)
    if reach is None:
        reach = _reach(configured, list(vacua.values()))
    corner = np.full(len(configured.fields), reach)
    theta = {**configured.theta}
    diagram = find_phases(
        configured.potential, theta, T_low, T_high, -corner, corner, parameters_at=Heated(name)
    )
    return Found(table, configured, name, (T_low, T_high), reach, diagram)


def _reach(configured: ConfiguredPotential, vacua: list[Any]) -> float:
    largest = max((float(np.abs(vacuum).max()) for vacuum in vacua), default=0.0)
    if largest > 0:
        return _AROUND * largest
    return _SEARCH * max(1.0, *(abs(float(value)) for value in configured.theta.values()))

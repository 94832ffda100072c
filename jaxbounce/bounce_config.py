"""Potentials from configurations, and their bounces."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from jaxbounce._checks import ConfigurationError, read_mapping
from jaxbounce.bounce import Bounce, solve_bounce
from jaxbounce.expression import ConfiguredPotential, PotentialError, potential_from_mapping
from jaxbounce.potential import find_vacua
from jaxbounce.status import Status

PUBLISHED: dict[str, Any] = {
    "fields": ["Phi", "phi"],
    "parameters": {
        "lam_Phi": 0.1,
        "v": 99 / 42,
        "b": -4.049587e-9,
        "lam": 1e-8,
        "mu2": 1e-8,
        "g": 2.313019,
    },
    "potential": (
        "lam_Phi/4*(Phi**2 - v**2)**2 + b*Phi**2 + lam/4*(phi**2 - 1)**2 - mu2*phi**2"
        " + g*Phi**2*phi**2"
    ),
    "false_vacuum": [0.0, -math.sqrt(3.0)],
    "true_vacuum": [99 / 42, 0.0],
    "dimension": 4,
}
"""The published two-field potential, in infinite volume."""

_SEARCH = 3.0  # half-width of the box searched for vacua, over the largest parameter


class Solved(NamedTuple):
    """A configured potential and its bounce."""

    table: Mapping[str, Any]
    configured: ConfiguredPotential
    bounce: Bounce

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return self.configured.potential.fields

    @property
    def status(self) -> Status:
        """Of the bounce."""
        return Status(int(self.bounce.status))


def solve(source: str | Path | Mapping[str, Any]) -> Solved:
    """The bounce of a potential from a table or file; vacua that are not given are looked for.

    A table `transition` may stand in the file too; it is for the command of that name.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table = dict(source) if isinstance(source, Mapping) else read_mapping(source)
    configured = read_potential({k: v for k, v in table.items() if k != "transition"})
    bounce = _solve(
        configured.potential,
        configured.theta,
        configured.false_vacuum,
        configured.true_vacuum,
        configured.dimension,
        configured.r_max,
    )
    return Solved(table, configured, bounce)


def read_potential(table: Mapping[str, Any]) -> ConfiguredPotential:
    """The potential of a table, with both vacua: those that are not given are looked for.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    try:
        configured = potential_from_mapping(table)
    except PotentialError as error:
        raise ConfigurationError(str(error)) from None
    false, true = configured.false_vacuum, configured.true_vacuum
    if false is None or true is None:
        deepest, next_ = _vacua(configured)
        true = deepest if true is None else true
        false = next_ if false is None else false
    return configured._replace(false_vacuum=false, true_vacuum=true)


@eqx.filter_jit
def _solve(potential: Any, theta: Any, false: Any, true: Any, dimension: int, r_max: Any) -> Bounce:
    return solve_bounce(potential, theta, false, true, dimension, r_max=r_max)


def _vacua(configured: ConfiguredPotential) -> tuple[Any, Any]:
    sizes = [abs(float(value)) for value in configured.theta.values()]
    reach = np.full(len(configured.potential.fields), _SEARCH * max([1.0, *sizes]))
    found = find_vacua(configured.potential, configured.theta, -reach, reach)
    if len(found.positions) < 2:
        raise ConfigurationError(
            f"false_vacuum, true_vacuum: {len(found.positions)} minima found within"
            f" ±{reach[0]:g}; give both"
        )
    return found.positions[0], found.positions[1]

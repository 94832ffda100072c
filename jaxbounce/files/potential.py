"""Potentials from configurations, and their bounces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.checks import check_number, shown, suggestion
from jaxbounce._core.errors import ConfigurationError, PotentialError
from jaxbounce._core.ranges import Range
from jaxbounce._core.status import Status
from jaxbounce._core.types import as_leaf
from jaxbounce.bounce import Bounce, solve_bounce
from jaxbounce.files.tables import table_of
from jaxbounce.potential.text import ConfiguredPotential, ExpressionPotential
from jaxbounce.potential.vacua import find_vacua

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
    table = table_of(source)
    configured = read_potential(table)
    bounce = _solve(
        configured.potential,
        configured.theta,
        configured.false_vacuum,
        configured.true_vacuum,
        configured.dimension,
        configured.r_max,
    )
    return Solved(table, configured, bounce)


def read_potential(source: str | Path | Mapping[str, Any]) -> ConfiguredPotential:
    """The potential of a table or file, with both vacua: those that are not given are looked for.

    A table `transition` may stand in the file too; it is for the command of that name.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table = table_of(source)
    table.pop("transition", None)
    configured = potential_from_mapping(table)
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


KEYS = ("fields", "parameters", "potential", "false_vacuum", "true_vacuum", "dimension", "r_max")
"""Keys of a table that describes a potential."""


def potential_from_mapping(mapping: Mapping[str, Any]) -> ConfiguredPotential:
    """The potential that a JSON or TOML table describes (see the head of this module).

    Args:
        mapping: keys "fields" (names), "potential" (expression), and optionally
            "parameters" (names to numbers), "false_vacuum" and "true_vacuum" (one number a
            field), "dimension" (3 or 4, default 4), "r_max" (radius of a box).

    Raises:
        PotentialError: one line that says what is wrong and what is allowed.
    """
    mapping = table_of(mapping)
    for key in mapping:
        if key not in KEYS:
            raise PotentialError(f"{key}: unknown key{suggestion(key, KEYS)}")
    for key in ("fields", "potential"):
        if key not in mapping:
            raise PotentialError(f"missing key {key!r}: a potential needs 'fields' and 'potential'")
    fields = mapping["fields"]
    if isinstance(fields, str) or not isinstance(fields, Sequence):
        raise PotentialError(f"fields = {shown(fields)}: must be a list of names")
    parameters = mapping.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise PotentialError(
            f"parameters = {shown(parameters)}: must be a table of names and numbers"
        )
    theta = {
        name: as_leaf(_number(f"parameters.{name}", value)) for name, value in parameters.items()
    }
    text = mapping["potential"]
    if not isinstance(text, str):
        raise PotentialError(f"potential = {shown(text)}: must be a string")
    potential = ExpressionPotential(text, tuple(fields), tuple(parameters))
    dimension = mapping.get("dimension", 4)
    if dimension not in (3, 4) or isinstance(dimension, bool):
        raise PotentialError(f"dimension = {shown(dimension)}: must be 3 or 4")
    r_max = mapping.get("r_max")
    if r_max is not None:
        r_max = _number("r_max", r_max)
        if r_max <= 0:
            raise PotentialError(f"r_max = {shown(r_max)}: must be above 0, or left out")
    return ConfiguredPotential(
        potential,
        theta,
        _vector(mapping, "false_vacuum", len(fields)),
        _vector(mapping, "true_vacuum", len(fields)),
        dimension,
        r_max,
    )


_ANY = Range(-np.inf, np.inf, False, False, "a number")


def _number(key: str, value: Any) -> float:
    try:
        return check_number(key, value, _ANY)
    except ConfigurationError as error:
        raise PotentialError(str(error)) from None


def _vector(mapping: Mapping[str, Any], key: str, length: int) -> Float[Array, " n"] | None:
    value = mapping.get(key)
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != length:
        raise PotentialError(
            f"{key} = {shown(value)}: must be a list of {length} numbers, one a field"
        )
    return jnp.asarray([_number(key, number) for number in value])

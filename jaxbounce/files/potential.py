"""Potentials from configurations, and their bounces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.arrays import at_once, xp
from jaxbounce._core.checks import check_number, shown, suggestion
from jaxbounce._core.errors import ConfigurationError, PotentialError
from jaxbounce._core.ranges import Range
from jaxbounce._core.status import Status
from jaxbounce.bounce import Bounce, solve_bounce
from jaxbounce.files.model import KEYS as MODEL_KEYS, Declared, check_masses, read_model
from jaxbounce.files.tables import table_of
from jaxbounce.potential.landscape import Landscape, landscape
from jaxbounce.potential.text import ConfiguredPotential, ExpressionPotential
from jaxbounce.potential.thermal_functions import LOWEST
from jaxbounce.potential.vacua import find_vacua, in_valley

_SEARCH = 3.0  # half-width of the box searched for vacua, over the largest parameter


_LISTED = 8  # vacua, those nearest to the false one

_SAME = 1e-4  # distance of two vacua that are one, relative to that from the false vacuum

_EQUAL_DEPTH = 1e-9  # relative to the depth: vacua of one valley


_METASTABLE = (
    Status.SUCCESS,
    Status.TUNNELS_ELSEWHERE,
    Status.TRUE_VACUUM_NOT_DEEPER,
    Status.BOUNCE_NOT_CONVERGED,
    Status.BOUNCE_NOT_RESOLVED,
    Status.NOT_A_BOUNCE,
)
"""What a bounce may be whose false vacuum is one."""


class Decay(NamedTuple):
    """A vacuum deeper than the false one, and the bounce into it."""

    vacuum: Float[np.ndarray, " n"]
    depth: float
    """V there, measured from the false vacuum."""
    bounce: Bounce


class Solved(NamedTuple):
    """A configured potential and its bounce."""

    table: Mapping[str, Any]
    configured: ConfiguredPotential
    bounce: Bounce

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return self.configured.fields

    @property
    def status(self) -> Status:
        """Of the bounce."""
        return Status(int(self.bounce.status))


def solve(source: str | Path | Mapping[str, Any]) -> Solved:
    """The bounce of a potential from a table or file; vacua that are not given are looked for.

    A table `transition` may stand in the file too; it is for the command of that name. The key
    `tunnels_to` is that of `solve_bounce`.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table = table_of(source)
    tunnels_to = table.get("tunnels_to", "given")
    if tunnels_to not in ("given", "any"):
        raise PotentialError(f'tunnels_to = {tunnels_to!r}: must be "given" or "any"')
    configured = read_potential({k: v for k, v in table.items() if k != "tunnels_to"})
    return Solved(table, configured, _bounce(configured, configured.true_vacuum, tunnels_to))


def decays(solved: Solved) -> tuple[Decay, ...]:
    """The vacua found around both vacua that are deeper than the false one, with their bounces.

    Of a valley of vacua (an orbit of a continuous symmetry) only one; the nearest first, and no
    more than 8; none if the false vacuum is none. A search, as of `find_vacua`: a small basin may
    be missed.
    """
    if solved.status not in _METASTABLE:
        return ()
    configured = solved.configured
    V, theta = configured.potential, configured.theta
    false = np.asarray(solved.bounce.false_vacuum)
    ends = np.stack([false, np.asarray(configured.true_vacuum)])
    reach = np.linalg.norm(ends[1] - ends[0])
    found = find_vacua(V, theta, ends.min(0) - reach, ends.max(0) + reach)
    with at_once():
        seen = landscape(V, theta)
        bottom = float(seen.values(xp.asarray(false)))
    deeper: list[tuple[np.ndarray, float]] = []
    for place, height in zip(np.asarray(found.positions), np.asarray(found.values), strict=True):
        depth, distance = float(height) - bottom, np.linalg.norm(place - false)
        if depth >= 0 or distance < _SAME * reach:
            continue
        level = [d for _, d in deeper if abs(d - depth) < _EQUAL_DEPTH * abs(depth)]
        if not (level and _in_valley(seen, place)):
            deeper.append((place, depth))
    nearest = sorted(deeper, key=lambda entry: float(np.linalg.norm(entry[0] - false)))
    return tuple(
        Decay(place, depth, _bounce(configured, jnp.asarray(place), "given"))
        for place, depth in nearest[:_LISTED]
    )


def _in_valley(seen: Landscape, place: np.ndarray) -> bool:
    with at_once():
        return bool(in_valley(seen.curvatures(xp.asarray(place))))


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
    places = {"false_vacuum": jnp.asarray(false), "true_vacuum": jnp.asarray(true)}
    check_masses(configured.potential, configured.theta, places)
    _check_finite(configured, "false_vacuum", false)
    _check_finite(configured, "true_vacuum", true)
    return configured._replace(false_vacuum=false, true_vacuum=true)


def _check_finite(configured: ConfiguredPotential, key: str, vacuum: Any) -> None:
    """V and its gradient are numbers at a vacuum; told before anything large is compiled."""
    with at_once():
        seen, place = landscape(configured.potential, configured.theta), xp.asarray(vacuum, float)
        V, slope = seen.values(place), seen.gradients(place)
    for name, numbers in (("V", V), ("the gradient of V", slope)):
        if not np.isfinite(numbers).all():
            where = ", ".join(
                f"{field} = {float(x):.10g}"
                for field, x in zip(configured.fields, place, strict=True)
            )
            remedy = (
                "it must be: write log(x**2 + eps) or sqrt(x**2 + eps) with a small eps where x may"
                " vanish"
            )
            if not isinstance(configured.potential, ExpressionPotential):
                where += f", T = {float(configured.theta['T']):g}"
                remedy = f"a particle's m² may be no less than {LOWEST:g} T²"
            raise PotentialError(
                f"potential: {name} is not a finite number at {key}, {where}; {remedy}"
            )


def _bounce(configured: ConfiguredPotential, true: Any, tunnels_to: Any) -> Bounce:
    false: Any = configured.false_vacuum
    return solve_bounce(
        configured.potential,
        configured.theta,
        false,
        true,
        configured.dimension,
        r_max=configured.r_max,
        tunnels_to=tunnels_to,
    )


def _vacua(configured: ConfiguredPotential) -> tuple[Any, Any]:
    sizes = [abs(float(value)) for value in configured.theta.values()]
    reach = np.full(len(configured.fields), _SEARCH * max([1.0, *sizes]))
    found = find_vacua(configured.potential, configured.theta, -reach, reach)
    if len(found.positions) < 2:
        raise ConfigurationError(
            f"false_vacuum, true_vacuum: {len(found.positions)} minima found within"
            f" ±{reach[0]:g}; give both"
        )
    return found.positions[0], found.positions[1]


KEYS = (
    *("fields", "parameters", "potential"),
    *MODEL_KEYS,
    *("false_vacuum", "true_vacuum", "dimension", "r_max"),
)
"""Keys of a table that describes a potential."""


def potential_from_mapping(mapping: Mapping[str, Any]) -> ConfiguredPotential:
    """The potential that a JSON or TOML table describes (see the head of this module).

    Args:
        mapping: keys "fields" (names), "potential" (expression), and optionally
            "parameters" (names to numbers, or to expressions of parameters before),
            "false_vacuum" and "true_vacuum" (one number a field), "dimension" (3 or 4, default 4;
            3 of a model with a temperature), "r_max" (radius of a box), and those of a model
            (`files.model`).

    Raises:
        PotentialError: one line that says what is wrong and what is allowed.
    """
    mapping = table_of(mapping)
    for key in mapping:
        if key not in KEYS:
            raise PotentialError(f"{key}: unknown key{suggestion(key, KEYS)}")
    declared = read_model(mapping)
    dimension = mapping.get("dimension", _dimension(declared))
    if dimension not in (3, 4) or isinstance(dimension, bool):
        raise PotentialError(f"dimension = {shown(dimension)}: must be 3 or 4")
    r_max = mapping.get("r_max")
    if r_max is not None:
        r_max = _number("r_max", r_max)
        if r_max <= 0:
            raise PotentialError(f"r_max = {shown(r_max)}: must be above 0, or left out")
    false, true = (
        _vector(mapping, key, len(declared.fields), known)
        for key, known in zip(_VACUA, declared.vacua or (None, None), strict=True)
    )
    return ConfiguredPotential(
        declared.potential, declared.theta, false, true, dimension, r_max, declared.fields
    )


def _dimension(declared: Declared) -> int:
    """That of a bounce at a temperature, of a model; of an expression alone who could know."""
    is_hot = not isinstance(declared.potential, ExpressionPotential) and declared.theta["T"] > 0
    return 3 if is_hot else 4


_VACUA = ("false_vacuum", "true_vacuum")

_ANY = Range(-np.inf, np.inf, False, False, "a number")


def _number(key: str, value: Any) -> float:
    try:
        return check_number(key, value, _ANY)
    except ConfigurationError as error:
        raise PotentialError(str(error)) from None


def _vector(
    mapping: Mapping[str, Any], key: str, length: int, known: Sequence[float] | None
) -> Float[Array, " n"] | None:
    value = mapping.get(key, known)
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != length:
        raise PotentialError(
            f"{key} = {shown(value)}: must be a list of {length} numbers, one a field"
        )
    return jnp.asarray([_number(key, number) for number in value])

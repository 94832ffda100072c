"""Declarations: a quantity says once, where it is a field, what it is and what it may be.

A parameter is a field of an `equinox.Module` with `metadata=spec(…)`, a choice a field of a
dataclass whose type is a `Literal`, with `metadata=choice(…)`. Ranges, configuration keys,
templates, tables in the documentation, checks inside `jit`, and the reason why something is
without effect are all read from there.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args, get_type_hints

import jax.numpy as jnp

from jaxbounce._core.ranges import Range
from jaxbounce._core.types import Flag

_NAME = "jaxbounce"

UsedIf = Mapping[str, tuple[str, ...]]
"""Names of choices, and the values of each with which something has an effect."""


class Declaration(NamedTuple):
    """What a parameter is.

    Attributes:
        range: the values it may take, and its meaning with the unit.
        unit: its unit; "" for a pure number.
        key: its name in configurations and on the command line.
        used_if: choices with which it has an effect; others leave it without one.
        typical: a value inside the range, which stands in for one outside it where a batch
            must go on.
        optional: whether a configuration may leave it open (null): "not given", which is
            evaluated as the default.
    """

    range: Range
    unit: str
    key: str
    used_if: UsedIf
    typical: float
    optional: bool


class ChoiceDeclaration(NamedTuple):
    """What a choice is.

    Attributes:
        meaning: what is chosen.
        allowed: the names it may take, the default first or not.
        default: the name it takes if none is given.
        used_if: choices with which it has an effect.
        automatic: whether a configuration that leaves it out gets what follows from the rest.
        derived: whether it follows from other keys always, and is no key itself.
    """

    meaning: str
    allowed: tuple[str, ...]
    default: str
    used_if: UsedIf
    automatic: bool
    derived: bool


def spec(
    meaning: str,
    unit: str = "",
    *,
    key: str = "",
    low: float = -math.inf,
    high: float = math.inf,
    closed: str = "",
    typical: float,
    used_if: UsedIf | None = None,
    optional: bool = False,
) -> dict[str, Any]:
    """Metadata of a field that is a parameter.

    Args:
        meaning: what it is, in a few words.
        unit: of the number.
        key: its key in configurations; the name of the field if left out.
        low: lower end of the range.
        high: upper end.
        closed: which ends belong to the range: "", "low", "high" or "both".
        typical: a value inside the range.
        used_if: choices with which it has an effect.
        optional: whether a configuration may leave it open.
    """
    text = f"{meaning} ({unit})" if unit else meaning
    allowed = Range(low, high, closed in ("low", "both"), closed in ("high", "both"), text)
    if typical not in allowed:
        raise ValueError(f"{meaning}: typical = {typical} is not {allowed}")
    return {_NAME: Declaration(allowed, unit, key, used_if or {}, float(typical), optional)}


def choice(
    meaning: str,
    *,
    used_if: UsedIf | None = None,
    automatic: bool = False,
    derived: bool = False,
) -> dict[str, Any]:
    """Metadata of a field that is a choice; its names are those of the field's `Literal`."""
    return {_NAME: ChoiceDeclaration(meaning, (), "", used_if or {}, automatic, derived)}


@functools.cache
def declarations(module: type) -> dict[str, Declaration]:
    """The parameters that a class declares, by name, in order."""
    found = {f.name: f.metadata[_NAME] for f in dataclasses.fields(module) if _NAME in f.metadata}
    return {name: d._replace(key=d.key or name) for name, d in found.items()}


@functools.cache
def choices_of(table: type) -> dict[str, ChoiceDeclaration]:
    """The choices that a class declares, by name, in order."""
    hints = get_type_hints(table)
    return {
        f.name: f.metadata[_NAME]._replace(allowed=get_args(hints[f.name]), default=f.default)
        for f in dataclasses.fields(table)
        if _NAME in f.metadata
    }


def are_inside(module: Any) -> Flag:
    """Whether every declared parameter of an instance that is given is finite and in its range."""
    valid = jnp.asarray(True)
    for name, declaration in declarations(type(module)).items():
        value = getattr(module, name)
        if value is not None:
            valid = valid & declaration.range.holds(value)
    return valid


def made_safe(module: Any, valid: Flag) -> Any:
    """The instance itself where `valid`, else one of typical values that cannot hold up a batch."""
    values = {
        name: jnp.where(valid, getattr(module, name), declaration.typical)
        for name, declaration in declarations(type(module)).items()
        if getattr(module, name) is not None
    }
    return dataclasses.replace(module, **values)


def each_safe(module: Any) -> Any:
    """The instance with each value outside its range, and no other, replaced by a typical one.

    Unlike `made_safe` it leaves apart what differs between the points of a batch and what does not.
    """
    values = {
        name: jnp.where(d.range.holds(getattr(module, name)), getattr(module, name), d.typical)
        for name, d in declarations(type(module)).items()
        if getattr(module, name) is not None
    }
    return dataclasses.replace(module, **values)


def without_effect(
    used_if: UsedIf, chosen: Mapping[str, str], defaults: Mapping[str, str]
) -> str | None:
    """Why something is not used with the choices made; None if it is."""
    for name, needed in used_if.items():
        if chosen[name] in needed:
            continue
        if chosen[name] == defaults[name]:
            return f"used by {name} = {' or '.join(map(_quoted, needed))} only"
        return f"not used with {name} = {_quoted(chosen[name])}"
    return None


def _quoted(name: str) -> str:
    return f'"{name}"'


def attributes_text(lines: Mapping[str, str]) -> str:
    """The section of a docstring that lists fields, from their declarations."""
    return "\n\n    Attributes:\n" + "\n".join(f"        {n}: {text}." for n, text in lines.items())

"""The table of all names of a configuration, from their declarations; the docs print it too.

print(jaxbounce.files.reference.markdown())
"""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from jaxbounce._core.declare import declarations
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.point import CHOICE_KEYS, OTHER_KEYS
from jaxbounce.parameters import Parameters


class Entry(NamedTuple):
    """What is known of one name.

    Attributes:
        name: in Python.
        key: in configurations; either may be written in place of the other.
        unit: of the number; "" for a pure one.
        allowed: the values it may have.
        default: the value it has if it is left out; "" where it must be given.
        meaning: what it is.
    """

    name: str
    key: str
    unit: str
    allowed: str
    default: str
    meaning: str


HEADS = Entry("name", "key", "unit", "values", "default", "meaning")


def entries() -> dict[str, tuple[Entry, ...]]:
    """All names, in groups: parameters, couplings (keys of `conversion`), choices, other keys."""
    return {
        "parameters": tuple(_numbers(Parameters)),
        "couplings of conversion": tuple(_numbers(Couplings)),
        "choices": tuple(
            Entry(
                name,
                name,
                "",
                " | ".join(declared.allowed),
                "by the others" if declared.automatic else declared.default,
                declared.meaning,
            )
            for name, declared in CHOICE_KEYS.items()
        ),
        "other keys": tuple(
            Entry(key, key, "", other.example, json.dumps(other.default), other.meaning)
            for key, other in OTHER_KEYS.items()
        ),
    }


def _numbers(module: Any) -> Iterator[Entry]:
    defaults = {field.name: field.default for field in dataclasses.fields(module)}
    for name, d in declarations(module).items():
        default = defaults[name]
        if default is dataclasses.MISSING:
            text = ""
        else:
            text = "not given" if d.optional or default is None else f"{default:g}"
        meaning = d.range.meaning.removesuffix(f" ({d.unit})")
        yield Entry(name, d.key, d.unit, str(d.range), text, meaning)


def markdown() -> str:
    """The tables of all names, as the docs show them."""
    lines = []
    for group, rows in entries().items():
        lines += [f"### {group.capitalize()}", "", _row(HEADS), _row(Entry(*["---"] * 6))]
        lines += [_row(Entry(f"`{r.name}`", f"`{r.key}`", *r[2:])) for r in rows]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(entry: Entry) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in entry) + " |"

"""`jaxbounce template`: a configuration with every key."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError

ORDER = 120
EXAMPLES = """\
jaxbounce template --format toml > point.toml  the same, every key explained
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """Print a configuration with every key, or another file to edit."""

    kind: Annotated[
        Literal["point", "bounce", "model", "transition", "scan"],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="[point|bounce|model|transition|scan]"),
    ] = "point"
    """What the file is for: the commands about one point, a potential and its bounce, a model of
    particles and its phases (always TOML), a thermal potential, a scan (always TOML)."""
    format: Annotated[Literal["json", "toml"] | None, tyro.conf.arg(metavar="json|toml")] = None
    """toml explains every key of a point. Left out: json, toml for a model or a scan."""

    def run(self) -> int:
        """Print it; the exit status."""
        if self.kind == "point":
            print(_text(self.format or "json"))
        else:
            print(other_text(self.kind, self.format))
        return 0


def other_text(
    kind: Literal["bounce", "model", "transition", "scan"],
    form: Literal["json", "toml"] | None = None,
) -> str:
    """An example to edit that is not of a point, if no form is given JSON, or for some TOML.

    Raises:
        ConfigurationError: for a model or a scan in JSON.
    """
    if kind in ("model", "scan"):
        if form == "json":
            raise ConfigurationError(
                f"--format json: the template of a {kind} is TOML, whose comments explain it; leave"
                " the format out"
            )
        text = jb.files.model.template() if kind == "model" else jb.files.scan.TEMPLATE
        return text.rstrip()
    table = jb.potential.PUBLISHED if kind == "bounce" else jb.files.transition.EXAMPLE
    return _toml(table) if form == "toml" else json.dumps(table, indent=2)


def _toml(table: Mapping[str, Any]) -> str:
    """A table as TOML, tables in it last; texts, numbers and lists are written as in JSON."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if key not in inner]
    for key, value in inner.items():
        lines += ["", f"[{key}]", _toml(value)]
    return "\n".join(lines)


def _text(form: str) -> str:
    """The benchmark as a configuration to edit, in JSON or, explained line by line, in TOML.

    Choices come in by the preset alone, so that naming another preset changes them.
    """
    parameter_of_key, others = jb.parameters.PARAMETER_OF_KEY, jb.files.point.OTHER_KEYS
    choices, ranges = jb.parameters.CHOICES, jb.parameters.RANGES
    table = {"preset": "benchmark"} | jb.files.point.configure().as_mapping()
    if form == "json":
        shown = {k: v for k, v in table.items() if k not in choices or k == _STATS}
        return json.dumps(shown, indent=2)
    lines = ["# jaxbounce configuration; a key left out takes its default"]
    for key, value in table.items():
        if key in parameter_of_key:
            allowed = ranges[parameter_of_key[key]]
            comment = f"{allowed.meaning}; {allowed}"
        elif key in choices:
            comment = " | ".join(choices[key].allowed)
        else:
            comment = _PRESET if key == "preset" else others[key].meaning
        left_out = value is None or (key in choices and key != _STATS)
        example = others[key].example if key in others else "1.0"
        if key in choices:  # one that follows from others may be written too
            example = json.dumps(choices[key].allowed[0])
        text = example if value is None else json.dumps(value)
        lines.append(f"{'# ' if left_out else ''}{key} = {text}  # {comment}")
    return "\n".join(lines)


_STATS = "chi_stats"

_PRESET = "published | benchmark | exact: sets the choices below; one written here wins"

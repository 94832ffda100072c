"""`jaxbounce template`: a configuration with every key."""

import dataclasses
import json
from typing import Literal

from jaxbounce.files.point import PARAMETER_OF_KEY, configure
from jaxbounce.parameters import CHOICES, RANGES


def template_text(form: str) -> str:
    """The benchmark as a configuration to edit, in JSON or, explained line by line, in TOML.

    Choices come in by the preset alone, so that naming another preset changes them.
    """
    table = {"preset": "benchmark"} | configure().as_mapping()
    if form == "json":
        shown = {k: v for k, v in table.items() if k not in CHOICES or k == _STATS}
        return json.dumps(shown, indent=2)
    lines = ["# jaxbounce configuration; a key left out takes its default"]
    for key, value in table.items():
        if key in PARAMETER_OF_KEY:
            allowed = RANGES[PARAMETER_OF_KEY[key]]
            comment = f"{allowed.meaning}; {allowed}"
        elif key in CHOICES:
            comment = " | ".join(CHOICES[key])
        else:
            comment = _OTHER_KEYS[key]
        left_out = value is None or (key in CHOICES and key != _STATS)
        text = _EXAMPLES.get(key, "1.0") if value is None else json.dumps(value)
        lines.append(f"{'# ' if left_out else ''}{key} = {text}  # {comment}")
    return "\n".join(lines)


_STATS = "chi_stats"

_EXAMPLES = {"conversion": '"transport_params.json"'}

_OTHER_KEYS = {
    "preset": "published | benchmark | exact: sets the choices below; one written here wins",
    "conversion": "table or file of a wall to compute P from, in place of P_chi_to_B",
    "regime": "thermal (chi starts in equilibrium) | nonthermal | auto",
    "deplete_DM_from_source": "whether chi loses what the external source takes",
}


@dataclasses.dataclass(frozen=True)
class Template:
    """Print a configuration with every key."""

    format: Literal["json", "toml"] = "json"
    """toml explains every key."""


def run_template(command: Template) -> int:
    """Run `jaxbounce template`; the exit status."""
    from jaxbounce.cli import run as report

    print(report.template_text(command.format))
    return 0

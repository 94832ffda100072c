"""The command `jaxbounce transition`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxbounce._command import keep_compiled, overrides


@dataclasses.dataclass(frozen=True)
class Transition:
    """T_n, T_p and beta/H of a potential that depends on the temperature, with sensitivities."""

    potential: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FILE]")] = None
    """JSON or TOML as of `jaxbounce bounce`, all in GeV, the temperature being one of the
    parameters, with a table `transition` (`jaxbounce transition --template`)."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print an example to edit, and stop."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the file, such as parameters.E=0.1 or transition.T_low=50."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""


def run_transition(command: Transition) -> int:
    """Run `jaxbounce transition`; the exit status."""
    from jaxbounce import enable_x64, transition_config, transition_report
    from jaxbounce._checks import ConfigurationError, put, read_mapping
    from jaxbounce._files import write_json

    if command.template:
        print(transition_report.template_text())
        return 0
    if command.potential is None:
        raise ConfigurationError(
            "FILE: missing; give the file of a thermal potential"
            " (jaxbounce transition --template prints one)"
        )
    enable_x64()
    keep_compiled()
    table = read_mapping(command.potential)
    for key, value in overrides(command.set).items():
        put(table, key, value)
    solved = transition_config.solve_transition(transition_config.read_transition(table))
    if command.out is not None:
        write_json(command.out, transition_report.as_mapping(solved))
    print(transition_report.as_text(solved))
    return 0

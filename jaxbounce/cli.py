"""The command `jaxbounce`.

Exit status: 0 when the run succeeded, 2 for bad input, 1 for a failed computation.
Nothing that needs JAX is imported before the arguments are parsed, so that `--help`
answers at once.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxbounce._version import __version__

Preset = Literal["published", "benchmark", "exact"]

_EXAMPLES = """
examples:
  jaxbounce run                                  the published benchmark, all evaluations
  jaxbounce template > point.json                a configuration to edit
  jaxbounce run point.json --out result.json     run it, write the published output JSON
  jaxbounce run point.json --preset published    on the published grids, digit for digit
  jaxbounce run point.json --set v_w=0.5 --set area_kernel=kjma
  jaxbounce diagnostics point.json               A/V, flux and source around T_p
"""


@dataclasses.dataclass(frozen=True)
class _Point:
    config: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[CONFIG]")] = None
    """JSON or TOML configuration (published keys); the published benchmark if left out."""
    preset: Annotated[Preset | None, tyro.conf.arg(metavar="published|benchmark|exact")] = None
    """Set of choices; a choice written in CONFIG wins. Default: "benchmark" without CONFIG,
    the defaults of `jaxbounce template` with one."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Override one key of the configuration; may be repeated."""


@dataclasses.dataclass(frozen=True)
class Run(_Point):
    """Predict today's densities and print the report."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""


@dataclasses.dataclass(frozen=True)
class Diagnostics(_Point):
    """Print T/T_p, y, A/V, J_chi and S_B around T_p."""


@dataclasses.dataclass(frozen=True)
class Template:
    """Print a configuration with every key."""

    format: Literal["json", "toml"] = "json"
    """toml explains every key."""


def _overrides(assignments: tuple[str, ...]) -> dict[str, Any]:
    from jaxbounce.config import ConfigurationError

    values: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set {text}: must be KEY=VALUE, such as --set v_w=0.5")
        try:
            values[key.strip()] = json.loads(value)
        except json.JSONDecodeError:
            values[key.strip()] = value
    return values


def _keep_compiled() -> None:
    """Keep compiled programs between runs of the command, where a cache directory allows it."""
    import jax

    if os.environ.get("JAX_COMPILATION_CACHE_DIR") is not None:
        return  # the user has one
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "jaxbounce" / __version__
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(directory, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _run(command: Run | Diagnostics | Template) -> int:
    from jaxbounce import Status, enable_x64, report
    from jaxbounce.config import configure

    if isinstance(command, Template):
        print(report.template_text(command.format))
        return 0
    configuration = configure(command.config, command.preset, _overrides(command.set))
    enable_x64()
    _keep_compiled()
    if isinstance(command, Diagnostics):
        print(report.diagnostics_text(configuration))
        return 0
    result = report.run(configuration)
    if command.out is not None:
        report.write_json(command.out, result)
    print(report.as_text(result))
    succeeded = int(result.prediction.status) == Status.SUCCESS
    if not succeeded:
        message = Status(int(result.prediction.status)).message
        print(f"jaxbounce: {message}", file=sys.stderr)
    return 0 if succeeded else 1


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["-V"]):
        print(f"jaxbounce {__version__}")
        return 0
    commands = {"run": Run, "diagnostics": Diagnostics, "template": Template}
    command: Run | Diagnostics | Template = tyro.extras.subcommand_cli_from_dict(
        commands,
        prog="jaxbounce",
        description="From a phase transition to today's baryon and dark-matter densities."
        + _EXAMPLES,
        args=arguments,
    )
    from jaxbounce.config import ConfigurationError

    try:
        return _run(command)
    except ConfigurationError as error:
        print(f"jaxbounce: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # the reader went away (`| head`): not our failure, and nothing more to say
        sys.stdout = None
        return 0


if __name__ == "__main__":
    sys.exit(main())

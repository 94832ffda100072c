"""What the commands share: the point they start from, overrides, programs kept, exit status."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from jaxbounce._core.version import __version__

if TYPE_CHECKING:
    from jaxbounce._core.status import Status
    from jaxbounce.files.point import Configuration

Preset = Literal["published", "benchmark", "exact"]


@dataclasses.dataclass(frozen=True)
class Point:
    """What the commands about one point have in common: its configuration."""

    config: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[CONFIG]")] = None
    """JSON or TOML configuration (published keys); the published benchmark if left out."""
    preset: Annotated[Preset | None, tyro.conf.arg(metavar="published|benchmark|exact")] = None
    """Set of choices; a choice written in CONFIG wins. Default: "benchmark" without CONFIG,
    the defaults of `jaxbounce template` with one."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Override one key of the configuration; may be repeated."""


def overrides(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Keys and values of --set KEY=VALUE; a value is JSON, or else text."""
    from jaxbounce._core.errors import ConfigurationError

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


def configured(command: Point) -> "Configuration":
    """The configuration that a command names."""
    from jaxbounce.files.point import configure

    return configure(command.config, command.preset, overrides(command.set))


def keep_compiled() -> None:
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


def exit_status(status: "Status") -> int:
    """0 for success, else 1 with the reason on stderr."""
    from jaxbounce import Status

    if status == Status.SUCCESS:
        return 0
    print(f"jaxbounce: {status.message}", file=sys.stderr)
    return 1

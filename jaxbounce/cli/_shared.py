"""What the commands share: the point they start from, overrides, programs kept, what they write.

Nothing here or in a command imports JAX before the command runs: the names of `jaxbounce` are
imported when first used.
"""

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ComputationError, ConfigurationError, OutputError
from jaxbounce._core.status import Part, Status
from jaxbounce.cli._streams import say

if TYPE_CHECKING:
    from jaxbounce.conversion import Estimate

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
    values: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set {text}: must be KEY=VALUE, such as --set v_w=0.5")
        try:
            values[key.strip()] = jb.files.tables.from_json(value)
        except json.JSONDecodeError:
            values[key.strip()] = value
        except ConfigurationError as error:
            raise ConfigurationError(f"--set {key}: {error}") from None
    return values


def settled(table: dict[str, Any], assignments: tuple[str, ...]) -> dict[str, Any]:
    """A table with the keys of --set put into it."""
    for key, value in overrides(assignments).items():
        jb.files.tables.put(table, key, value)
    return table


def settled_potential(table: dict[str, Any], assignments: tuple[str, ...]) -> dict[str, Any]:
    """The same for a potential: no new parameter that is not in it, which would change nothing.

    Raises:
        ConfigurationError: with the nearest of those that there are.
    """
    from jaxbounce._core.checks import suggestion

    known = _names(table.get("parameters"))
    for name in overrides(assignments):
        if name in known and name not in table:
            raise ConfigurationError(
                f"--set {name}: is a parameter of the potential; write --set parameters.{name}=…"
            )
    settled(table, assignments)
    if "model" in table:  # whoever reads it knows the parameters
        return table
    others = {key: value for key, value in table.items() if key != "parameters"}
    derived = [text for text in _values(table.get("parameters")) if isinstance(text, str)]
    occurring = f"{others} {derived}"
    for name in _names(table.get("parameters")):
        if name not in known and not re.search(rf"\b{re.escape(name)}\b", occurring):
            raise ConfigurationError(
                f"--set parameters.{name}: does not occur in the potential{suggestion(name, known)}"
            )
    return table


def _names(parameters: Any) -> list[str]:
    return list(parameters) if isinstance(parameters, Mapping) else []


def _values(parameters: Any) -> list[Any]:
    return list(parameters.values()) if isinstance(parameters, Mapping) else []


def configured(command: Point) -> "jb.Configuration":
    """The configuration that a command names; in float64, compiled programs being kept."""
    # before the configuration: a profile is an array as soon as it is read
    jb.enable_x64()
    found = jb.files.point.configure(command.config, command.preset, overrides(command.set))
    keep_compiled()
    return found


def named_files(command: Point, configuration: "jb.Configuration") -> Iterator[Path | str]:
    """All that may be the name of a file in the configuration of a command."""
    yield from texts(configuration.table)
    yield from texts(overrides(command.set))
    if command.config is not None:
        for text in texts(jb.files.tables.read_mapping(command.config)):
            yield command.config.parent / text


def resolved(configuration: "jb.Configuration") -> "jb.Model":
    """The model that a command evaluates: its numerics fine enough to converge."""
    return configuration.model.resolved()


def converted(model: "jb.Model") -> "Estimate":
    """P of a model."""
    from jaxbounce.model.comparison import probability

    return probability(model)


def names_in(text: str) -> list[str]:
    """Names separated by commas, configuration keys as the parameters they are."""
    from jaxbounce._core.checks import shown
    from jaxbounce.model.names import parameter_of

    written = (name.strip() for name in text.split(","))
    names = [parameter_of(name) for name in written if name]
    if not names:
        raise ConfigurationError(
            f"{shown(text)}: names no parameter; give one or more, separated by commas"
        )
    return names


class Outputs:
    """Where the results of a command go: looked at before the work, filled after it.

    A result that cannot be put where it belongs is put beside, said in one line, and does not hold
    up the others.
    """

    def __init__(self) -> None:
        self.failed = False
        self._places: list[Path] = []

    def check(
        self,
        *paths: Path | None,
        picture: Path | None = None,
        sources: Iterable[Path | str | None] = (),
    ) -> None:
        """Refuse paths to which nothing can be written, and pictures that cannot be drawn.

        Args:
            *paths: of results.
            picture: of a picture.
            sources: files that the command reads (or names that are no files): no result may
                take the place of one, nor that of another result.

        Raises:
            ConfigurationError: with the reason.
        """
        if picture is not None:
            jb.plotting.need_matplotlib()
            jb.plotting.picture_format(picture)
        places = [path for path in (*paths, picture) if path is not None]
        for number, path in enumerate(places):
            _spare(path, sources)
            if any(_same_file(path, other) for other in places[:number]):
                raise ConfigurationError(
                    f"{path}: is the place of two results; give each a name of its own"
                )
            jb.files.write.need_writable(path)
        self._places = places

    def spare(self, named: Iterable[Path | str]) -> None:
        """Refuse places that are files which a configuration names, such as a wall's profile.

        Raises:
            ConfigurationError: with the place.
        """
        named = tuple(named)
        for path in self._places:
            _spare(path, named)

    def put(self, write: Callable[..., Any], path: Path, *content: Any) -> Any:
        """What `write(path, *content)` returns; None if it could not write there."""
        try:
            return write(path, *content)
        except OutputError as error:
            say(str(error))
            self.failed = True
            return None

    def draw(self, make: Callable[[], Any], path: Path) -> None:
        """Make a figure and write it; one that cannot be made does not lose the result."""
        try:
            figure = make()
        except (ConfigurationError, ComputationError, ArithmeticError, ValueError) as error:
            say(f"{path}: no picture: {error}")
            self.failed = True
            return
        self.put(lambda place: jb.plotting.save(figure, place), path)

    def status(self, status: int) -> int:
        """The exit status of the command: what it is without files, or 1."""
        return status or int(self.failed)


def _spare(path: Path, sources: Iterable[Path | str | None]) -> None:
    if any(_same_file(path, source) for source in sources if source is not None):
        raise ConfigurationError(
            f"{path}: is read by this command, whose result would replace it; give --out another"
            " name"
        )


def texts(value: Any) -> Iterator[str]:
    """Every text in a table, any of which may name a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)


def _same_file(one: Path | str, other: Path | str) -> bool:
    """Whether two paths are one regular file, or would be; devices take any number of results."""
    try:
        first, second = Path(one), Path(other)
        if first.exists() and not first.is_file():
            return False
        return os.path.realpath(first) == os.path.realpath(second) or first.samefile(second)
    except (OSError, ValueError):  # what stands there is for who opens it to say
        return False


def keep_compiled() -> None:
    """Keep compiled programs between runs of the command, where a cache directory allows it."""
    import jax

    if os.environ.get("JAX_COMPILATION_CACHE_DIR") is not None:
        return  # the user has one
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "jaxbounce" / jb.__version__
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(directory, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def exit_status(status: Status, part: Part = Part.NONE) -> int:
    """0 for success, else 1 with the reason on stderr, after the part that it is of."""
    if status == Status.SUCCESS:
        return 0
    say(status.message if part == Part.NONE else f"{part.text}: {status.message}")
    return 1


def header() -> str:
    """The first line of a report."""
    return f"jaxbounce {jb.__version__}"


def envelope(inputs: Mapping[str, Any], **results: Any) -> dict[str, Any]:
    """A result as JSON: what went in, what came out, what made it; null where there is no number.

    Args:
        inputs: what would make it again.
        **results: numbers that are not finite become null, at any depth.
    """
    return {
        "inputs": dict(inputs),
        **_without_nan(results),
        "jaxbounce_version": jb.__version__,
    }


def status_keys(status: Status) -> dict[str, str]:
    """A status as two keys of a result."""
    return {"status": status.name.lower(), "status_message": status.message}


def number(value: Any) -> float | None:
    """A number of a result as JSON has it: None for what is not finite."""
    return jb.files.write.json_number(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return number(value) if isinstance(value, float) else value

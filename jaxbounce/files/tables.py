"""Tables from JSON and TOML files and from Python, and keys set in them."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxbounce._core.checks import at_home, plain, shown
from jaxbounce._core.errors import ConfigurationError

_LARGEST = 64 * 2**20  # bytes of a table; a device that never ends is not read to its end

_LONGEST_NUMBER = 400  # digits of a whole number; a float ends at 309

_TOO_DEEP = "is nested too deeply; give one flat table"

_ENDLESS_KEY = re.compile(r"(?:\.\s*+[\w-]++\s*+){200}")

_DEEPEST = 20  # tables in tables; our own are three deep


def put(table: dict[str, Any], key: str, value: Any) -> None:
    """Set a key; dots lead into tables."""
    if key.count(".") > _DEEPEST:
        raise ConfigurationError(f"{key}: leads through too many tables; at most {_DEEPEST}")
    outer, dot, inner = key.partition(".")
    if dot:
        nested = table.get(outer) or {}
        if not isinstance(nested, Mapping):
            raise ConfigurationError(f"{key}: {outer} = {shown(nested)} is not a table")
        nested = dict(nested)
        put(nested, inner, value)
        value = nested
    table[outer] = value


def table_of(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """A table of its own from one given in Python, or from a file.

    NumPy and JAX scalars become the numbers they hold, arrays become lists.

    Raises:
        ConfigurationError: if it is a file that cannot be read, or is not one table.
    """
    if isinstance(source, str | os.PathLike):
        return read_mapping(Path(source))
    if not isinstance(source, Mapping):
        raise ConfigurationError(
            f"{shown(source)}: is neither a table nor the path of one; give a dict, or the path of"
            " a JSON or TOML file"
        )
    _check_depth(source)
    return _plain(source)


def _check_depth(table: Any) -> None:
    """Refuse tables and lists nested so deeply that what walks through them later could not."""
    level, depth = [table], 0
    while level := [
        inner
        for value in level
        for inner in (value.values() if isinstance(value, Mapping) else value)
        if isinstance(inner, Mapping | list | tuple)
    ]:
        depth += 1
        if depth > _DEEPEST:
            raise ConfigurationError(_TOO_DEEP)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    value = plain(value)
    return value.tolist() if getattr(value, "shape", ()) and hasattr(value, "tolist") else value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ConfigurationError(f"{key}: given twice; keep one of them")
        found[key] = value
    return found


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ConfigurationError(
            f"a whole number of {len(digits)} digits: is beyond what a number can be (1.8e308);"
            " give a smaller one"
        )
    return int(digits)


def from_json(text: str) -> Any:
    """The value that JSON text stands for.

    Raises:
        json.JSONDecodeError: for what is no JSON.
        ConfigurationError: for a key given twice, a number beyond all numbers, or text nested
            deeper than it can be read.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_int=_whole)
    except RecursionError:
        raise ConfigurationError(_TOO_DEEP) from None


def _from_toml(text: str) -> dict[str, Any]:
    if _ENDLESS_KEY.search(text):  # which takes the square of its length to read
        raise ConfigurationError(_TOO_DEEP)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError(_TOO_DEEP) from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python's own, for a number of thousands of digits
        raise ConfigurationError(
            "a whole number of thousands of digits: is beyond what a number can be (1.8e308);"
            " give a smaller one"
        ) from None


def encoding(head: bytes) -> str:
    """UTF-8, UTF-16 or UTF-32: by the byte-order mark, or by where the zeros of a text are."""
    return json.detect_encoding(head)


def read_text(path: Path) -> str:
    """The text in a file, in UTF-8, UTF-16 or UTF-32, with or without byte-order mark.

    Raises:
        ConfigurationError: if it cannot be read, is too large for a table, or is no text.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); give the path of a JSON or TOML file"
        ) from None
    except ValueError:
        raise ConfigurationError(
            f"{path}: holds a NUL character; give the path of a file"
        ) from None
    if len(content) > _LARGEST:
        raise ConfigurationError(
            f"{path}: is larger than {_LARGEST >> 20} MiB; give the path of a JSON or TOML file"
        )
    try:
        return content.decode(encoding(content))
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path}: is not UTF-8 or UTF-16 text; give a JSON or TOML file"
        ) from None


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The table in a JSON or TOML file (by suffix; anything but .toml is read as JSON).

    Raises:
        ConfigurationError: if the file cannot be read or is not one table.
    """
    path = at_home(path)
    text = read_text(path)
    toml = path.suffix.lower() == ".toml"
    try:
        table = _from_toml(text) if toml else from_json(text)
        if isinstance(table, dict):
            _check_depth(table)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path}: is not valid {'TOML' if toml else 'JSON'} ({error}); "
            + (
                "is the file complete?"
                if path.suffix.lower() in (".json", ".toml")
                else "give a table in JSON, or one in TOML whose name ends in .toml"
            )
        ) from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"{path}: holds a {type(table).__name__}; it must be one table of keys and values"
        )
    return table

"""Tables from JSON and TOML files, and keys set in them."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxbounce._core.errors import ConfigurationError


def put(table: dict[str, Any], key: str, value: Any) -> None:
    """Set a key; dots lead into tables."""
    outer, dot, inner = key.partition(".")
    if dot:
        nested = table.get(outer) or {}
        if not isinstance(nested, Mapping):
            raise ConfigurationError(f"{key}: {outer} = {nested!r} is not a table")
        nested = dict(nested)
        put(nested, inner, value)
        value = nested
    table[outer] = value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigurationError(f"{key}: given twice; keep one of them")
    return dict(pairs)


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The table in a JSON or TOML file (by suffix; anything but .toml is read as JSON).

    Raises:
        ConfigurationError: if the file cannot be read or is not one table.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); give the path of a JSON or TOML file"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text; give a JSON or TOML file") from None
    try:
        if path.suffix.lower() == ".toml":
            table = tomllib.loads(text)
        else:
            table = json.loads(text, object_pairs_hook=_unique_keys)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"{path}: is not valid {'TOML' if path.suffix.lower() == '.toml' else 'JSON'}"
            f" ({reason}); is the file complete?"
        ) from None
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply; give one flat table") from None
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"{path}: holds a {type(table).__name__}; it must be one table of keys and values"
        )
    return table

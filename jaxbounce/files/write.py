"""Files written whole or not at all, and numbers as JSON has them."""

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jaxbounce._core.errors import ConfigurationError


def json_number(value: Any) -> float | None:
    """A float; None, JSON's null, for what is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def write_whole(path: str | Path, text: str) -> None:
    """`write_bytes_whole` for text, in UTF-8."""
    write_bytes_whole(path, text.encode())


def write_bytes_whole(path: str | Path, content: bytes) -> None:
    """Write a file completely or not at all.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A file to write in place of `path`, which it becomes at the end, or does not.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror}); give a file in a writable directory"
        ) from None


def write_json(path: str | Path, mapping: Mapping[str, Any]) -> None:
    """Write an output JSON, whole or not at all."""
    write_whole(path, json.dumps(mapping, indent=2, allow_nan=False) + "\n")

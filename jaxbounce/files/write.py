"""Files written whole or not at all, and numbers as JSON has them.

What stands at a path decides how it is written. A regular file is replaced by one written beside
it; a symbolic link stays, and what it leads to is replaced; a device or FIFO is written into.
`need_writable` says before the work what would go wrong after it. What goes wrong after it all
the same loses nothing: the result is put beside, as FILE.partial in the working directory.
"""

import contextlib
import errno
import json
import math
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jaxbounce._core.checks import at_home
from jaxbounce._core.errors import ConfigurationError, OutputError, one_line

Result = TypeVar("Result")

_FAILURES = (OSError, RuntimeError)
"""What writers raise: HDF5 has RuntimeError too for a full disk."""


def json_number(value: Any) -> float | None:
    """A float; None, JSON's null, for what is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def need_writable(path: str | Path) -> None:
    """Refuse a path to which no result could be written: before the work, not after it.

    A file is made in its directory and removed again; devices and FIFOs are not opened, because
    whoever reads them would notice.

    Raises:
        ConfigurationError: with the reason.
    """
    path = at_home(path)
    try:
        if _is_written_into(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        _new_file(_behind_links(path)).unlink()
    except _FAILURES as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({_reason(error)}); give a file in a writable directory"
        ) from None


def write_with(path: str | Path, writer: Callable[[Path], Result]) -> Result:
    """Let `writer` write a file, which becomes that at `path` when it is whole.

    Args:
        path: the file, a symbolic link to one, a device or a FIFO.
        writer: writes the file at the path that it is given; called again with another path if
            the first cannot be written.

    Returns:
        What the writer returned.

    Raises:
        OutputError: if it cannot be written there; the result is then where the message says.
    """
    path = at_home(path)
    try:
        return _written(path, writer)
    except _FAILURES as error:
        reason = _reason(error)
    beside = _written_beside(path.name, writer)
    where = (
        "and nowhere else either: the result is lost" if beside is None else f"it is in {beside}"
    )
    raise OutputError(f"{path}: the result cannot be written there ({reason}); {where}")


def write_whole(path: str | Path, text: str) -> None:
    """`write_with` for text, in UTF-8."""
    write_bytes_whole(path, text.encode())


def write_bytes_whole(path: str | Path, content: bytes) -> None:
    """`write_with` for bytes."""
    write_with(path, lambda place: place.write_bytes(content))


def write_json(path: str | Path, mapping: Mapping[str, Any]) -> None:
    """`write_with` for an output JSON."""
    write_whole(path, json.dumps(mapping, indent=2, allow_nan=False) + "\n")


def _written(path: Path, writer: Callable[[Path], Result]) -> Result:
    if _is_written_into(path):
        with tempfile.TemporaryDirectory() as folder:
            # netCDF and Parquet need a file in which they can go back
            whole = Path(folder) / (path.name or "result")
            result = writer(whole)
            with whole.open("rb") as source, _stream_into(path) as stream:
                shutil.copyfileobj(source, stream)
        return result
    target = _behind_links(path)
    temporary = _new_file(target)
    try:
        result = writer(temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return result


def _written_beside(name: str, writer: Callable[[Path], Any]) -> Path | None:
    """The new file to which a result went that could not be written where it belongs."""
    for folder in (Path(), Path(tempfile.gettempdir())):
        for number in range(1, 100):
            place = folder / f"{name[:200]}.partial{'' if number == 1 else number}"
            try:
                place.touch(exist_ok=False)
            except FileExistsError:
                continue
            except _FAILURES:
                break
            try:
                writer(place)
            except _FAILURES:
                place.unlink(missing_ok=True)
                break
            return place
    return None


def _is_written_into(path: Path) -> bool:
    """Whether something stands there that no file may replace.

    Raises:
        OSError: for a directory, a disk, a socket, and what cannot be looked at.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    except ValueError:
        raise OSError(errno.EINVAL, "its name holds a NUL character") from None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    for is_kind, kind in ((stat.S_ISBLK, "disk"), (stat.S_ISSOCK, "socket")):
        if is_kind(found.st_mode):
            raise OSError(errno.EINVAL, f"it is a {kind}")
    return not stat.S_ISREG(found.st_mode) or _standard_stream(found) is not None


def _standard_stream(found: os.stat_result) -> int | None:
    """The number of the standard stream that a file is: /dev/stdout, or where it is led to."""
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(number)):
                return number
    return None


@contextlib.contextmanager
def _stream_into(path: Path) -> Iterator[Any]:
    # a standard stream keeps its place only if it is not opened a second time
    number = _standard_stream(path.stat())
    if sys.stdout is not None and number is not None:
        sys.stdout.flush()
    opened = os.open(path, os.O_WRONLY) if number is None else os.dup(number)
    with os.fdopen(opened, "wb") as stream:
        yield stream


def _behind_links(path: Path) -> Path:
    """The file that is replaced: that to which a symbolic link leads, so that the link stays."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if target.exists() and not os.access(target, os.W_OK):
        # the directory would allow it to be replaced; its owner has said that it stays
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target


def _new_file(target: Path) -> Path:
    """A new empty file beside another, of the same suffix."""
    if not target.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    handle, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.stem[:40]}.", suffix=target.suffix[:40]
    )
    os.close(handle)
    return Path(name)


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return one_line(str(text), 160)

"""Compiled programs that are kept between runs, and cannot be read or written.

JAX compiles a program whose entry is broken anew, but leaves the entry as it is: whatever was cut
off once, by a full disk or a killed run, would be compiled in every run from then on.
"""

import contextlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxbounce.cli._streams import say

_READING = re.compile(r"Error reading persistent compilation cache entry for '([^']+)'")

_WRITING = re.compile(r"Error writing persistent compilation cache entry")


@contextlib.contextmanager
def mended_cache() -> Iterator[None]:
    """Remove entries that JAX cannot read, so that it writes them again; said in one line."""
    removed: set[Path] = set()
    unwritten = 0
    with warnings.catch_warnings():
        # as errors they would end the compilation
        for pattern in (_READING, _WRITING):
            warnings.filterwarnings("always", message=pattern.pattern)
        show = warnings.showwarning

        def noticed(message: Any, *where: Any, **options: Any) -> None:
            nonlocal unwritten
            broken = _READING.match(str(message))
            if broken:
                removed.update(_remove(broken[1]))
            elif _WRITING.match(str(message)):
                unwritten += 1
            else:
                show(message, *where, **options)

        warnings.showwarning = noticed
        try:
            yield
        finally:
            _report(len(removed), unwritten)


def _report(removed: int, unwritten: int) -> None:
    if removed:
        say(
            f"{removed} compiled programs in {_directory()} could not be read: they were"
            " removed, and compiled again"
        )
    if unwritten:
        say(
            f"{unwritten} compiled programs could not be kept in {_directory()}: the next run"
            " compiles them again; is the disk full?"
        )


def _directory() -> Path | None:
    import jax

    kept = jax.config.values.get("jax_compilation_cache_dir")
    return Path(kept) if kept else None


def _remove(program: str) -> list[Path]:
    """The entries of a program, removed: the name is all that is known, not which one it is."""
    directory, found = _directory(), []
    if directory is not None and directory.is_dir():
        for path in directory.glob("*-cache"):
            if re.fullmatch(re.escape(program) + r"-[0-9a-f]+-cache", path.name):
                with contextlib.suppress(OSError):
                    path.unlink()
                    found.append(path)
    return found

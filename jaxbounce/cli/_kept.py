"""Traced programs that are kept between processes, beside the compiled ones.

Where JAX keeps compiled programs in a directory, a second process still traces and lowers before
it can ask for one. What it would get is kept here as well (`jax.export`), in files whose names say
everything that it depends on: this package's own sources, the versions of JAX, the function, the
structure and shapes of its arguments, precision and platform. A file that is not what was written
counts as none.
"""

import contextlib
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

_KIND = "-traced"

_DIGEST = 32  # bytes of a SHA-256 before the program


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """`jax.jit(function)`, traced in one process of many.

    Args:
        function: of pytrees of arrays whose structure prints whole, which that of functions and
            objects in static fields may not; at the top of a module. It returns arrays in
            dictionaries, lists and tuples, nothing else.
    """
    import jax

    def evaluate(*arguments: Any) -> Any:
        directory = _directory()
        if directory is None:
            return jax.jit(function)(*arguments)
        leaves, structure = jax.tree.flatten(arguments)
        shapes = tuple(
            jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, weak_type=leaf.weak_type)
            for leaf in leaves
        )
        return _program(function, structure, shapes, directory)(*leaves)

    return evaluate


def _directory() -> Path | None:
    """Where compiled programs are kept, if they are."""
    import jax

    kept = jax.config.values.get("jax_compilation_cache_dir")
    return Path(kept) if kept and Path(kept).is_dir() else None


@functools.cache
def _sources() -> str:
    """A digest of all files of this package: numbers of another version are never given."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)} {len(content)} ".encode() + content)
    return digest.hexdigest()


@functools.lru_cache(maxsize=32)
def _program(
    function: Callable[..., Any],
    structure: Any,
    shapes: tuple[Any, ...],
    directory: Path,
) -> Callable[..., Any]:
    """The function of the leaves, read from its file or else traced and put there."""
    import jax
    from jax import export

    parts = (
        _sources(),
        (version("jax"), version("jaxlib")),
        (jax.default_backend(), jax.config.values["jax_enable_x64"]),
        f"{function.__module__}.{function.__qualname__}",
        str(structure),
        shapes,
    )
    key = hashlib.sha256(repr(parts).encode()).hexdigest()
    path = directory / f"{function.__name__}-{key}{_KIND}"
    exported = _read(path)
    if exported is None:

        def flat(*leaves: Any) -> Any:
            return function(*jax.tree.unflatten(structure, leaves))

        exported = export.export(jax.jit(flat))(*shapes)
        _write(path, exported.serialize())
    return jax.jit(exported.call)


def _read(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, program = content[:_DIGEST], content[_DIGEST:]
    if hashlib.sha256(program).digest() != digest:
        return None
    from jax import export

    return export.deserialize(bytearray(program))


def _write(path: Path, program: bytes | bytearray) -> None:
    """Whole, or not at all: without it the next process traces again, and nothing else."""
    with contextlib.suppress(OSError):
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(hashlib.sha256(program).digest() + program)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

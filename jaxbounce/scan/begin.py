"""Stores that begin, and those that are begun: of the same scan, made by the same versions."""

import errno
import importlib.metadata
import json
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Part, Status
from jaxbounce._core.version import __version__
from jaxbounce.parameters import RANGES
from jaxbounce.scan.evaluate import FAILED, OUTPUTS
from jaxbounce.scan.plan import Plan
from jaxbounce.scan.store import CHECKSUM, FORMAT, STATUS, Store, digest, need_zarr, open_store

_VERSIONED = ("jax", "jaxlib", "numpy", "zarr")


def versions() -> dict[str, str]:
    """Versions of what computes: results may differ by rounding between them."""
    return {
        "jaxbounce": __version__,
        **{name: importlib.metadata.version(name) for name in _VERSIONED},
    }


def _flat(table: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(table, Mapping) or not table:
        return {prefix.removesuffix("."): table}
    found: dict[str, Any] = {}
    for key, value in table.items():
        found.update(_flat(value, f"{prefix}{key}."))
    return found


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """'key is a there, b here' for the first key that differs."""
    old, new = _flat(there), _flat(here)
    for key in (*new, *old):
        if old.get(key) != new.get(key):
            if key in _HASHED:
                return _HASHED[key]
            return f"{key} is {_shown(old.get(key))} there, {_shown(new.get(key))} here"
    return None


_HASHED = {
    "points_sha256": "the points differ (values along an axis, or the content of the file)",
    "model_sha256": "the model differs (the content of a profile, or a setting of its conversion)",
}


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else text[:56] + " …"


def _describe(name: str) -> dict[str, str]:
    if name in OUTPUTS:
        return {"long_name": OUTPUTS[name]}
    if name in RANGES:
        return {"long_name": RANGES[name].meaning}
    return {}


def create(path: Path, plan: Plan) -> Store:
    """A new store with nothing computed; it appears whole or not at all.

    Raises:
        ConfigurationError: if it cannot be written there.
    """
    zarr = need_zarr()
    used = versions()
    listed = [name for name in plan.names if name not in plan.design.dims]
    attributes = {
        "jaxbounce_scan": FORMAT,
        "scan": plan.table,
        "versions": used,
        "sha256": digest(plan.table, used),
        "point_parameters": listed,
        "coordinates": " ".join(listed),
        "results": list(plan.evaluation.results),
        "status_codes": {status.name: int(status) for status in Status},
        "failed_codes": {part.name: int(part) for part in Part},
        **plan.notes,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            group = zarr.create_group(temporary / path.name, zarr_format=3, attributes=attributes)
            for name, values in plan.design.axes.items():
                group.create_array(
                    name, data=values, dimension_names=(name,), attributes=_describe(name)
                )
            for name in (*listed, *plan.evaluation.results):
                _new_array(group, name, plan, np.dtype("float64") if name in listed else None)
            _new_checksums(group, plan)
            with warnings.catch_warnings():
                # one file for xarray to open; the Zarr 3 specification does not have it yet
                warnings.simplefilter("ignore")
                zarr.consolidate_metadata(temporary / path.name)
            os.rename(temporary / path.name, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        if is_begun(path):
            raise ComputationError(
                f"{path}: another scan has just begun it; wait for it or stop it"
            ) from None
        raise _not_there(path, error) from None
    return open_store(path)


def is_begun(path: Path) -> bool:
    """Whether there is something where a store would be: more than an empty directory.

    Raises:
        ConfigurationError: if it cannot be looked at.
    """
    try:
        return path.exists() and not (path.is_dir() and not any(path.iterdir()))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); give another store"
        ) from None


def need_place(path: Path) -> None:
    """Refuse a place where no store can be made, before anything is computed for it.

    Raises:
        ConfigurationError: with the reason.
    """
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode) and not path.is_dir():
            raise OSError(errno.ENOTDIR, "a symbolic link that leads nowhere")
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        raise _not_there(path, error) from None
    there = path.absolute().parent
    while not there.exists():
        there = there.parent
    try:
        os.rmdir(tempfile.mkdtemp(dir=there, prefix=".jaxbounce."))
    except OSError as error:
        raise _not_there(path, error) from None


def _not_there(path: Path, error: Exception) -> ConfigurationError:
    reason = getattr(error, "strerror", None) or error
    return ConfigurationError(
        f"{path}: cannot be written ({reason}); choose another in a writable directory with space"
    )


def _new_array(group: Any, name: str, plan: Plan, dtype: Any) -> None:
    zarr = need_zarr()
    is_code = name in (STATUS, FAILED)
    group.create_array(
        name,
        shape=plan.layout.shape,
        chunks=plan.layout.chunks,
        dtype=np.dtype("int8") if is_code else dtype or plan.evaluation.dtype,
        fill_value=int(Status.NOT_COMPUTED) if is_code else np.nan,
        # digits of results hardly compress (5 %), and files of one size show what was cut off; the
        # checksum tells a damaged file when it is read
        compressors=zarr.codecs.Crc32cCodec(),
        dimension_names=plan.design.dims,
        attributes=_describe(name),
        config={"write_empty_chunks": True},
    )


def _new_checksums(group: Any, plan: Plan) -> None:
    kept = [name for name in plan.names if name not in plan.design.dims]
    arrays = [*kept, *plan.evaluation.results]
    group.create_array(
        CHECKSUM,
        shape=(plan.layout.count, len(arrays)),
        chunks=(1, len(arrays)),
        dtype=np.dtype("uint64"),
        fill_value=0,
        compressors=need_zarr().codecs.Crc32cCodec(),
        dimension_names=("chunk", "array"),
        attributes={"long_name": "hash of each array in each chunk", "arrays": arrays},
        config={"write_empty_chunks": True},
    )


def resume(path: Path, plan: Plan) -> Store:
    """The store of this scan, to be continued.

    Raises:
        ConfigurationError: naming the first difference, if it belongs to another scan or was
            begun with other versions, or before chunks had checksums.
    """
    store = open_store(path)
    if store.checksums is None:
        raise ConfigurationError(
            f"{path}: is a store of an earlier version, whose results have no checksums; it can be"
            " shown, not continued: give another store"
        )
    used = versions()
    different = _difference(store.attributes["scan"], plan.table)
    if different is not None:
        raise ConfigurationError(
            f"{path}: belongs to another scan: {different}; give another store, or make them equal"
        )
    different = _difference(store.attributes["versions"], used)
    if different is not None:
        raise ConfigurationError(
            f"{path}: was begun with other versions: {different}; install those, or give another"
            " store"
        )
    if not os.access(path, os.W_OK):
        raise ConfigurationError(f"{path}: is read-only; make it writable or give another store")
    return store

"""The data set of a scan: a Zarr 3 store that xarray opens with labels.

One array for each result, cut into the chunks of the scan: what is computed together is stored
together, and a chunk has one writer. `status` is written last. A chunk file appears whole or not
at all (written beside its place and renamed), so that a scan killed at any moment has lost no
chunk that was finished and takes none for finished that was not. The attributes hold the whole
configuration, the versions that computed, and a hash of both.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.version import __version__
from jaxbounce.parameters import RANGES
from jaxbounce.scan.design import Layout, Region
from jaxbounce.scan.evaluate import OUTPUTS
from jaxbounce.scan.plan import Plan

STATUS = "status"

_FORMAT = 1

_CHECKSUM_BYTES = 4

_VERSIONED = ("jax", "jaxlib", "numpy", "zarr")


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise ConfigurationError(
            "a scan needs zarr and xarray; pip install 'jaxbounce[scan]'"
        ) from None
    return zarr


def versions() -> dict[str, str]:
    """Versions of what computes: results may differ by rounding between them."""
    return {
        "jaxbounce": __version__,
        **{name: importlib.metadata.version(name) for name in _VERSIONED},
    }


def digest(table: Mapping[str, Any], used: Mapping[str, str]) -> str:
    """SHA-256 of a configuration and versions."""
    text = json.dumps([table, used], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


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


@dataclasses.dataclass(frozen=True)
class Store:
    """An open store.

    Attributes:
        path: its directory.
        layout: its chunks.
        dims: labels of its axes.
        arrays: its arrays by name, without the values along the axes.
        attributes: configuration, versions, hash, and what was measured.
    """

    path: Path
    layout: Layout
    dims: tuple[str, ...]
    arrays: Mapping[str, Any]
    attributes: Mapping[str, Any]

    @property
    def listed(self) -> tuple[str, ...]:
        """Parameters kept point by point (all of those that are not axes)."""
        return tuple(self.attributes["point_parameters"])

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that vary."""
        return tuple(self.attributes["scan"]["parameters"])

    def axis(self, dim: str) -> np.ndarray:
        """Values along an axis that is a parameter."""
        return np.asarray(_zarr().open_array(self.path / dim, mode="r")[:])

    def write(self, chunk: int, values: Mapping[str, np.ndarray]) -> None:
        """Write a computed chunk, its status last; parameters kept point by point included.

        Raises:
            OSError: if it cannot be written; the chunk then counts as not computed.
        """
        region = self.layout.region(chunk)
        shape = tuple(s.stop - s.start for s in region)
        for name in sorted(values, key=lambda name: name == STATUS):
            self.arrays[name][region] = values[name].reshape(shape)

    def read(self, name: str, region: Region) -> np.ndarray:
        """A block of one array; status 0 where nothing was computed.

        Raises:
            ComputationError: naming the file, if one is damaged.
        """
        try:
            return np.asarray(self.arrays[name][region])
        except (ValueError, RuntimeError, OSError) as error:
            reason = " ".join(str(error).split())[:80]
            raise ComputationError(
                f"{self._damaged(name)}: is damaged ({reason}); delete it, and the scan computes"
                " its chunk again"
            ) from None

    def _damaged(self, name: str) -> Path:
        """The first file of an array that cannot be read."""
        for chunk in range(self.layout.count):
            try:
                self.arrays[name][self.layout.region(chunk)]
            except (ValueError, RuntimeError, OSError):
                return self.path / name / "c" / "/".join(map(str, self.layout.place(chunk)))
        return self.path / name

    def missing(self) -> list[int]:
        """Numbers of the chunks that are not finished, in order."""
        done: set[tuple[int, ...]] | None = None
        for name, array in self.arrays.items():
            size = self.layout.chunk_points * array.dtype.itemsize + _CHECKSUM_BYTES
            found = set(_written(self.path / name / "c", size))
            done = found if done is None else done & found
        grid = self.layout.grid
        inside = (p for p in done or () if all(i < n for i, n in zip(p, grid, strict=True)))
        finished = {self.layout.number(place) for place in inside}
        return [chunk for chunk in range(self.layout.count) if chunk not in finished]

    def clean(self) -> None:
        """Remove what a writer that was killed has left beside the chunks."""
        for name in self.arrays:
            for path in (self.path / name).rglob("*.partial"):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[None]:
        """Hold the store against a second scan on this machine.

        Raises:
            ComputationError: if another one writes to it.
        """
        try:
            import fcntl
        except ImportError:  # not on this system: two writers would do the same work twice
            yield
            return
        with (self.path / "zarr.json").open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ComputationError(
                    f"{self.path}: another scan is writing to it; wait for it or stop it"
                ) from None
            except OSError:
                pass  # a file system without locks
            yield

    def counts(self) -> dict[Status, int]:
        """How many points have each status; NOT_COMPUTED for those still missing."""
        found = np.zeros(128, dtype=np.int64)
        missing = set(self.missing())
        for chunk in range(self.layout.count):
            if chunk in missing:
                found[Status.NOT_COMPUTED] += self.layout.size(chunk)
            else:
                codes = self.read(STATUS, self.layout.region(chunk)).ravel()
                found += np.bincount(codes, minlength=found.size)
        return {Status(code): int(n) for code, n in enumerate(found) if n}


def _written(folder: Path, size: int) -> Iterator[tuple[int, ...]]:
    """Places of the chunk files below a folder, those of the right size."""
    for root, _, files in os.walk(folder):
        outer = Path(root).relative_to(folder).parts
        for file in files:
            if file.isdigit() and os.path.getsize(os.path.join(root, file)) == size:
                yield (*(int(part) for part in outer), int(file))


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
    zarr = _zarr()
    used = versions()
    listed = [name for name in plan.names if name not in plan.design.dims]
    attributes = {
        "jaxbounce_scan": _FORMAT,
        "scan": plan.table,
        "versions": used,
        "sha256": digest(plan.table, used),
        "point_parameters": listed,
        "coordinates": " ".join(listed),
        "results": list(plan.evaluation.results),
        "status_codes": {status.name: int(status) for status in Status},
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
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror}); choose another in a writable directory"
            " with space"
        ) from None
    return open_store(path)


def is_begun(path: Path) -> bool:
    """Whether there is something where a store would be: more than an empty directory."""
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))


def _new_array(group: Any, name: str, plan: Plan, dtype: Any) -> None:
    zarr = _zarr()
    is_status = name == STATUS
    group.create_array(
        name,
        shape=plan.layout.shape,
        chunks=plan.layout.chunks,
        dtype=np.dtype("int8") if is_status else dtype or plan.evaluation.dtype,
        fill_value=int(Status.NOT_COMPUTED) if is_status else np.nan,
        # digits of results hardly compress (5 %), and files of one size show what was cut off; the
        # checksum tells a damaged file when it is read
        compressors=zarr.codecs.Crc32cCodec(),
        dimension_names=plan.design.dims,
        attributes=_describe(name),
        config={"write_empty_chunks": True},
    )


def open_store(path: Path) -> Store:
    """An existing store.

    Raises:
        ConfigurationError: if there is none, or it is not one of ours.
    """
    zarr = _zarr()
    if not (path / "zarr.json").is_file():
        raise ConfigurationError(f"{path}: is not a store of a scan; give the path of one")
    try:
        group = zarr.open_group(path, mode="r+" if os.access(path, os.W_OK) else "r")
        attributes = dict(group.attrs)
        if attributes.get("jaxbounce_scan") != _FORMAT:
            raise ConfigurationError(
                f"{path}: was not made by this version of jaxbounce scan; give the path of one that"
                " was"
            )
        arrays = {
            name: group[name].with_config({"write_empty_chunks": True})
            for name in (*attributes["point_parameters"], *attributes["results"])
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(
            f"{path}: is not a store of a scan, or a damaged one"
            f" ({' '.join(str(error).split())[:80]}); give the path of a whole one"
        ) from None
    status = arrays[STATUS]
    return Store(
        path,
        Layout(status.shape, status.chunks),
        tuple(status.metadata.dimension_names),
        arrays,
        attributes,
    )


def resume(path: Path, plan: Plan) -> Store:
    """The store of this scan, to be continued.

    Raises:
        ConfigurationError: naming the first difference, if it belongs to another scan or was
            begun with other versions.
    """
    store = open_store(path)
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

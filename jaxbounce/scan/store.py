"""The data set of a scan: a Zarr 3 store that xarray opens with labels.

One array for each result, cut into the chunks of the scan: what is computed together is stored
together, and a chunk has one writer. `status` is written last. A chunk file appears whole or not
at all (written beside its place and renamed), so that a scan killed at any moment has lost no
chunk that was finished and takes none for finished that was not. What a disk or a copy does to it
later shows: `checksum` has for each chunk a hash of every array's part of it, and of which scan,
array and chunk it is. The attributes hold the whole configuration, the versions that computed, and
a hash of both.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Part, Status
from jaxbounce.scan.design import POINT, Layout, Region
from jaxbounce.scan.evaluate import FAILED
from jaxbounce.scan.plan import points_hash

STATUS = "status"

CHECKSUM = "checksum"
"""Of each array in each chunk; written after `status`, last of all."""

FORMAT = 2
"""Of the stores that this version writes."""

_WITHOUT_CHECKSUMS = 1
"""The format before, which is read and not continued."""

_CHECKSUM_BYTES = 4

_UNREADABLE = (ValueError, RuntimeError, OSError)
"""What reading a damaged chunk raises."""


def need_zarr() -> Any:
    """Zarr.

    Raises:
        ConfigurationError: if it is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise ConfigurationError(
            "a scan needs zarr and xarray; pip install 'jaxbounce[scan]'"
        ) from None
    return zarr


def digest(table: Mapping[str, Any], used: Mapping[str, str]) -> str:
    """SHA-256 of a configuration and versions."""
    text = json.dumps([table, used], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Store:
    """An open store.

    Attributes:
        path: its directory.
        layout: its chunks.
        dims: labels of its axes.
        arrays: its arrays by name, without the values along the axes.
        checksums: of their parts, one row a chunk, one column an array; None in stores of format 1.
        attributes: configuration, versions, hash, and what was measured.
    """

    path: Path
    layout: Layout
    dims: tuple[str, ...]
    arrays: Mapping[str, Any]
    checksums: Any
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
        return np.asarray(need_zarr().open_array(self.path / dim, mode="r")[:])

    def write(self, chunk: int, values: Mapping[str, np.ndarray]) -> None:
        """Write a computed chunk, status and checksums last; listed parameters included.

        Raises:
            OSError: if it cannot be written; the chunk then counts as not computed.
        """
        region = self.layout.region(chunk)
        shape = tuple(s.stop - s.start for s in region)
        for name in sorted(values, key=lambda name: name == STATUS):
            self.arrays[name][region] = values[name].reshape(shape)
        self.checksums[chunk] = [self._checksum(chunk, name, values[name]) for name in self.arrays]

    def _checksum(self, chunk: int, name: str, values: np.ndarray) -> int:
        """Of the part of an array in a chunk, which is the same nowhere else."""
        found = hashlib.sha256(f"{self.attributes['sha256']} {name} {chunk} ".encode())
        found.update(np.ascontiguousarray(values, self.arrays[name].dtype).tobytes())
        return int.from_bytes(found.digest()[:8], "little")

    def read(self, name: str, region: Region) -> np.ndarray:
        """A block of one array; status 0 where nothing was computed.

        Raises:
            ComputationError: naming the file, if one is damaged.
        """
        try:
            return np.asarray(self.arrays[name][region])
        except _UNREADABLE as error:
            reason = " ".join(str(error).split())[:80]
            raise ComputationError(
                f"{self._damaged(name)}: is damaged ({reason}); the scan, continued, computes its"
                " chunk again"
            ) from None

    def _damaged(self, name: str) -> Path:
        """The first file of an array that cannot be read."""
        for chunk in range(self.layout.count):
            try:
                self.arrays[name][self.layout.region(chunk)]
            except _UNREADABLE:
                return self._file(name, chunk)
        return self.path / name

    def _file(self, name: str, chunk: int) -> Path:
        """Where the part of an array in a chunk is kept."""
        return self.path / name / "c" / "/".join(map(str, self.layout.place(chunk)))

    def damaged(self) -> dict[int, Path]:
        """Finished chunks that hold something else than was computed, each with a file that does.

        Reads the whole store. Without checksums only what cannot be read is seen.

        Raises:
            ComputationError: if the values along an axis are damaged, which nothing computes again.
        """
        self._check_axes()
        missing, found = set(self.missing()), {}
        for chunk in range(self.layout.count):
            broken = None if chunk in missing else self._broken(chunk)
            if broken is not None:
                found[chunk] = broken
        return found

    def verify(self) -> None:
        """Refuse a store in which a finished chunk holds something else than was computed.

        Raises:
            ComputationError: naming a file that does.
        """
        found = self.damaged()
        if found:
            raise ComputationError(
                f"{next(iter(found.values()))}: is damaged ({len(found)} of {self.layout.count}"
                " chunks hold something else than was computed); the scan, continued, computes them"
                " again"
            )

    def _broken(self, chunk: int) -> Path | None:
        region, found = self.layout.region(chunk), []
        for name in self.arrays:
            try:
                values = np.asarray(self.arrays[name][region])
            except _UNREADABLE:
                return self._file(name, chunk)
            found.append(self._checksum(chunk, name, values))
        if self.checksums is None:
            return None
        try:
            expected = np.asarray(self.checksums[chunk])
        except _UNREADABLE:
            return self.path / CHECKSUM / "c" / str(chunk) / "0"
        for name, checksum, wanted in zip(self.arrays, found, expected, strict=True):
            if checksum != int(wanted):
                return self._file(name, chunk)
        return None

    def _check_axes(self) -> None:
        if POINT in self.dims:
            return
        try:
            intact = points_hash({dim: self.axis(dim) for dim in self.dims})
        except _UNREADABLE:
            intact = None
        if intact != self.attributes["scan"]["points_sha256"]:
            raise ComputationError(
                f"{self.path}: the values along {', '.join(self.dims)} are damaged; compute the"
                " scan anew in another store"
            )

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
        if self.checksums is not None:
            size = len(self.arrays) * self.checksums.dtype.itemsize + _CHECKSUM_BYTES
            finished &= {place[0] for place in _written(self.path / CHECKSUM / "c", size)}
        return [chunk for chunk in range(self.layout.count) if chunk not in finished]

    def clean(self) -> None:
        """Remove what a writer that was killed has left beside the chunks."""
        for name in (*self.arrays, CHECKSUM):
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

    def failures(self) -> dict[Part, int]:
        """How many points failed in each part of the chain; empty where that is not kept."""
        found = np.zeros(128, dtype=np.int64)
        if FAILED not in self.arrays:
            return {}
        for chunk in set(range(self.layout.count)) - set(self.missing()):
            codes = self.read(FAILED, self.layout.region(chunk)).ravel()
            found += np.bincount(codes, minlength=found.size)
        counts = {Part(code): int(n) for code, n in enumerate(found) if n}
        return {part: n for part, n in counts.items() if part != Part.NONE}


def _written(folder: Path, size: int) -> Iterator[tuple[int, ...]]:
    """Places of the chunk files below a folder, those of the right size."""
    for root, _, files in os.walk(folder):
        outer = Path(root).relative_to(folder).parts
        for file in files:
            if file.isdigit() and os.path.getsize(os.path.join(root, file)) == size:
                yield (*(int(part) for part in outer), int(file))


def open_store(path: Path) -> Store:
    """An existing store.

    Raises:
        ConfigurationError: if there is none, or it is not one of ours.
    """
    zarr = need_zarr()
    if not (path / "zarr.json").is_file():
        raise ConfigurationError(f"{path}: is not a store of a scan; give the path of one")
    try:
        group = zarr.open_group(path, mode="r+" if os.access(path, os.W_OK) else "r")
        attributes = dict(group.attrs)
        made = attributes.get("jaxbounce_scan")
        if made not in (_WITHOUT_CHECKSUMS, FORMAT):
            raise ConfigurationError(
                f"{path}: was not made by this version of jaxbounce scan; give the path of one that"
                " was"
            )
        if digest(attributes["scan"], attributes["versions"]) != attributes["sha256"]:
            raise ValueError("its configuration does not match its hash")
        arrays = {
            name: group[name].with_config({"write_empty_chunks": True})
            for name in (*attributes["point_parameters"], *attributes["results"])
        }
        checksums = None
        if made != _WITHOUT_CHECKSUMS:
            checksums = group[CHECKSUM].with_config({"write_empty_chunks": True})
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
        checksums,
        attributes,
    )

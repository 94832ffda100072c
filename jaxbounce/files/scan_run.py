"""A scan from its table to a finished store."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.scan import ScanSettings, read_scan
from jaxbounce.files.tables import table_of
from jaxbounce.scan.begin import create, is_begun, need_place, resume
from jaxbounce.scan.engine import Advance, compile_fitting, run_local
from jaxbounce.scan.evaluate import Program
from jaxbounce.scan.plan import Plan
from jaxbounce.scan.store import Store, open_store


class Begun(NamedTuple):
    """A scan whose store exists.

    Attributes:
        plan: the scan, cut as its store is.
        store: where results go.
        programs: compiled already, or None.
    """

    plan: Plan
    store: Store
    programs: list[Program] | None


def existing(settings: ScanSettings, path: Path) -> Store:
    """The store of this scan that is there already, to be continued.

    Raises:
        ConfigurationError: if it belongs to another scan.
    """
    return resume(path, settings.plan(open_store(path).attributes["scan"]))


def begin(settings: ScanSettings, path: Path, here: bool = True) -> Begun:
    """Continue the store of this scan, or create it.

    Args:
        settings: the scan.
        path: of the store.
        here: compile for the devices of this process, in batches that fit them.
    """
    if is_begun(path):
        store = existing(settings, path)
        return Begun(settings.plan(store.attributes["scan"]), store, None)
    need_place(path)
    plan, programs = settings.plan(), None
    if here:
        plan, programs = compile_fitting(plan, jax.local_devices())
    plan = settings.with_error(plan)
    return Begun(plan, create(path, plan), programs)


def to_compute(store: Store) -> tuple[list[int], str]:
    """The chunks of a store that are to be computed, and one line about damaged ones among them.

    Whatever is finished is compared with its checksums: nothing else counts as computed.

    Raises:
        ComputationError: if the values along an axis are damaged.
    """
    damaged = store.damaged()
    warning = ""
    if damaged:
        warning = (
            f"{next(iter(damaged.values()))}: is damaged; {len(damaged)} of {store.layout.count}"
            " chunks hold something else than was computed, and are computed again"
        )
    return sorted({*store.missing(), *damaged}), warning


def run_scan(
    scan: str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    advance: Advance | None = None,
) -> Store:
    """Compute a scan in this process, on all its devices; begun before, it is continued.

    Args:
        scan: a TOML or JSON file, or its table (head of `jaxbounce.files.scan`).
        out: directory of the Zarr store; that of the file with the suffix .zarr if None.
        advance: called with numbers of points computed and of those without a number among them.

    Returns:
        The store; `jaxbounce.plot` draws it, xarray opens it at its `path`.

    Raises:
        ConfigurationError: for a table that cannot be used, or a store of another scan.
    """
    if isinstance(scan, Mapping):
        table, directory = table_of(scan), Path()
        if out is None:
            raise ConfigurationError("out: missing; a table has no name to take one from")
    else:
        table, directory = table_of(scan), Path(scan).parent
    path = Path(out) if out is not None else Path(str(scan)).with_suffix(".zarr")
    plan, store, programs = begin(read_scan(table, directory), path)
    with store.only_writer():
        store.clean()
        chunks, warning = to_compute(store)
        if warning:
            warnings.warn(warning, stacklevel=2)
        if chunks:
            run_local(plan, store, chunks, advance or _silent, programs)
    return store


def _silent(points: int, without: int) -> None:
    """Nobody watches."""

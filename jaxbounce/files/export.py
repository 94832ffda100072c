"""A store as one flat table: CSV, Parquet or netCDF."""

import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.declare import declarations
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.netcdf import write_netcdf
from jaxbounce.files.write import write_with
from jaxbounce.parameters import Parameters
from jaxbounce.scan.design import POINT
from jaxbounce.scan.evaluate import FAILED, OUTPUTS, derivative_name
from jaxbounce.scan.store import STATUS, Store

_CF_UNITS = {"kg/m³": "kg m-3", "GeV": "GeV", "GeV³": "GeV3", "GeV⁻²": "GeV-2"}
"""Units as netCDF programs read them."""


def check_format(path: Path) -> None:
    """Refuse a file whose suffix is that of no table we write.

    Raises:
        ConfigurationError: with those that are.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ConfigurationError(f"{path}: unknown format; use {', '.join(_WRITERS)}")


def export(store: Store, path: Path) -> int:
    """All computed points as one flat table: CSV, Parquet or netCDF by suffix; how many.

    Written whole or not at all, CSV and Parquet chunk by chunk. Points that are not
    computed yet are left out.

    Raises:
        ConfigurationError: for another suffix, or a missing library.
        ComputationError: if no chunk is finished, or the table cannot be written there.
    """
    check_format(path)
    if len(store.missing()) == store.layout.count:
        raise ComputationError(f"{store.path}: nothing is computed yet that could be written")
    return _WRITERS[path.suffix.lower()](store, path)


def _tables(store: Store) -> Iterator[dict[str, np.ndarray]]:
    """Finished chunks as columns: parameters, results, status."""
    missing = set(store.missing())
    axes = {dim: store.axis(dim) for dim in store.dims if dim != POINT}
    for chunk in range(store.layout.count):
        if chunk in missing:
            continue
        region = store.layout.region(chunk)
        parts = [axes[d][s] for d, s in zip(store.dims, region, strict=True) if d in axes]
        mesh = np.meshgrid(*parts, indexing="ij") if parts else []
        columns = {d: m.ravel() for d, m in zip(axes, mesh, strict=True)}
        columns |= {name: store.read(name, region).ravel() for name in store.listed}
        results = [n for n in store.arrays if n not in (STATUS, *store.listed)]
        columns |= {name: store.read(name, region).ravel() for name in results}
        yield {**columns, STATUS: store.read(STATUS, region).ravel()}


def _write_csv(store: Store, path: Path) -> int:
    return write_with(path, lambda place: _csv(store, place))


def _csv(store: Store, path: Path) -> int:
    points = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        for table in _tables(store):
            if not points:
                stream.write(",".join(table) + "\n")
            buffer = io.StringIO()
            digits = {"float32": "%.9g", "float64": "%.17g", "int8": "%d"}
            form = [digits[column.dtype.name] for column in table.values()]
            np.savetxt(buffer, np.column_stack(list(table.values())), fmt=form, delimiter=",")
            stream.write(buffer.getvalue())
            points += table[STATUS].size
    return points


def _write_parquet(store: Store, path: Path) -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError(
            f"{path}: Parquet needs pyarrow; pip install 'jaxbounce[scan]', or use .csv"
        ) from None
    return write_with(path, lambda place: _parquet(store, place, pyarrow))


def _parquet(store: Store, path: Path, pyarrow: Any) -> int:
    writer, points = None, 0
    try:
        for columns in _tables(store):
            table = pyarrow.table(columns)
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
            points += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return points


def _write_netcdf(store: Store, path: Path) -> int:
    # a file that xarray writes is written at once: the one format that holds all of it in memory
    tables = list(_tables(store))
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    described: dict[str, dict[str, Any]] = {name: _describe(name) for name in columns}
    for output, name in itertools.product(columns, store.names):
        if (derivative := derivative_name(output, name)) in columns:
            described[derivative] = {"long_name": f"derivative of {output} in {name}"}
    meanings = {STATUS: "what became of the point", FAILED: "which part of the chain failed"}
    for name in meanings.keys() & columns.keys():
        codes = store.attributes[f"{name}_codes"]
        described[name] = {
            "long_name": meanings[name],
            "flag_values": np.array(list(codes.values()), columns[name].dtype),
            "flag_meanings": " ".join(codes),
        }
    attributes = {"sha256": store.attributes["sha256"]}
    write_netcdf(path, POINT, columns, attributes, described, store.names)
    return columns[STATUS].size


def _describe(name: str) -> dict[str, str]:
    """Meaning and unit of a parameter or result, where they are declared."""
    known = declarations(Parameters) | declarations(Couplings)
    if name in known:
        unit = known[name].unit
        meaning = known[name].range.meaning.removesuffix(f" ({unit})")
    elif name in OUTPUTS:
        meaning = OUTPUTS[name]
        unit = next((unit for unit in _CF_UNITS if meaning.endswith(f" ({unit})")), "")
        meaning = meaning.removesuffix(f" ({unit})")
    else:
        return {}
    return {"units": _CF_UNITS.get(unit, unit or "1"), "long_name": meaning}


_WRITERS = {".csv": _write_csv, ".parquet": _write_parquet, ".nc": _write_netcdf}

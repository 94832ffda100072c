"""A store as one flat table: CSV, Parquet or netCDF."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce.files.netcdf import write_netcdf
from jaxbounce.files.units import Column, column, derivative_columns, header
from jaxbounce.files.write import write_with
from jaxbounce.scan.design import POINT
from jaxbounce.scan.evaluate import FAILED, OUTPUTS
from jaxbounce.scan.store import STATUS, Store


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
    computed yet are left out. Units are in the headers of CSV (`rho_B [kg m-3]`), and attributes
    of the variables of netCDF.

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
                stream.write(",".join(_headers(store, table)) + "\n")
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
    described: dict[str, dict[str, Any]] = {
        name: {key: text for key, text in known._asdict().items() if text}
        for name, known in _described(store).items()
    }
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


def _described(store: Store) -> dict[str, Column]:
    """Meaning and unit of the columns of a store, where they are declared."""
    found = {name: column(name) for name in (*store.names, *store.arrays)}
    derivatives = derivative_columns(
        [name for name in store.arrays if name in OUTPUTS], store.names
    )
    return {name: known for name, known in found.items() if known is not None} | {
        name: known for name, known in derivatives.items() if name in store.arrays
    }


def _headers(store: Store, names: Iterable[str]) -> list[str]:
    """Names of columns with their units."""
    known = _described(store)
    return [header(name, known[name].units if name in known else "") for name in names]


_WRITERS = {".csv": _write_csv, ".parquet": _write_parquet, ".nc": _write_netcdf}

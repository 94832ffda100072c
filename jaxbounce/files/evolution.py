"""Files of an evolution: CSV and netCDF."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.version import __version__
from jaxbounce.files.write import write_bytes_whole, write_whole
from jaxbounce.yields import Evolution

COLUMNS = ("T_GeV", "y", "Y_chi", "Y_B", "source", "area_density_GeV")
"""Columns of the table; `source` is dY_B/dy of conversion alone."""


def as_table(found: Evolution) -> np.ndarray:
    """The evolution as an array, columns as `COLUMNS`."""
    columns = (found.T, found.y, found.Y_chi, found.Y_B, found.source, found.area_density)
    return np.stack([np.asarray(column) for column in columns], axis=1)


def write(path: str | Path, found: Evolution, inputs: str) -> None:
    """Write the evolution as CSV or netCDF (by suffix .nc), whole or not at all.

    Args:
        path: the file.
        found: the evolution.
        inputs: the configuration as text, kept with the data.
    """
    path = Path(path)
    table = as_table(found)
    if path.suffix.lower() == ".nc":
        write_bytes_whole(path, _netcdf(table, inputs))
        return
    if path.suffix.lower() != ".csv":
        raise ConfigurationError(f"{path}: unknown format; use .csv or .nc")
    lines = [f"# jaxbounce {__version__}; {inputs}", ",".join(COLUMNS)]
    lines += [",".join(f"{value:.17g}" for value in row) for row in table]
    write_whole(path, "\n".join(lines) + "\n")


def _netcdf(table: np.ndarray, inputs: str) -> bytes:
    from scipy.io import netcdf_file

    buffer = io.BytesIO()
    # closing the file closes the buffer: take its content before
    data = netcdf_file(buffer, "w")
    data.createDimension("point", len(table))
    for column, name in enumerate(COLUMNS):
        data.createVariable(name, "f8", ("point",))[:] = table[:, column]
    data.jaxbounce_version = __version__.encode()
    data.inputs = inputs.encode()
    data.flush()
    content = buffer.getvalue()
    data.close()
    return content


def columns(found: Evolution) -> dict[str, Any]:
    """The columns by name."""
    return dict(zip(COLUMNS, as_table(found).T, strict=True))

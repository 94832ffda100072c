"""NetCDF-4 files of columns, by xarray and h5netcdf (extra scan)."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.write import write_with


def write_netcdf(
    path: Path,
    dimension: str,
    columns: Mapping[str, np.ndarray],
    attributes: Mapping[str, str],
    described: Mapping[str, Mapping[str, Any]] | None = None,
    coordinates: Sequence[str] = (),
) -> None:
    """Write columns along one dimension as netCDF-4, whole or not at all.

    Args:
        path: the file.
        dimension: name of the dimension.
        columns: variables, all of one length, without missing values.
        attributes: of the file.
        described: attributes of variables by name, such as units and long_name.
        coordinates: those of the columns that say where a point is.

    Raises:
        ConfigurationError: one line, if xarray or h5netcdf is not installed, or the file cannot be
            written.
    """
    try:
        importlib.import_module("h5netcdf")
        xarray: Any = importlib.import_module("xarray")
    except ImportError as error:
        raise ConfigurationError(
            f"{path}: netCDF needs {error.name}, which is not installed;"
            " pip install 'jaxbounce[scan]', or use .csv"
        ) from None
    data = xarray.Dataset(
        {
            name: (dimension, values, dict((described or {}).get(name, {})))
            for name, values in columns.items()
        },
        attrs=dict(attributes),
    ).set_coords(list(coordinates))
    # NaN marks a point that failed; it is a value, not a gap in the file
    plain = {name: {"_FillValue": None} for name in columns}
    write_with(path, lambda place: data.to_netcdf(place, engine="h5netcdf", encoding=plain))

"""Files of an evolution: CSV and netCDF."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.version import __version__
from jaxbounce.files.netcdf import write_netcdf
from jaxbounce.files.write import write_whole
from jaxbounce.yields import Evolution

COLUMNS = ("T_GeV", "y", "Y_chi", "Y_B", "source", "area_density_v_w_over_beta")
"""Columns of the table; `source` is dY_B/dy of conversion alone."""

_DESCRIBED = {
    "T_GeV": {"units": "GeV", "long_name": "temperature"},
    "y": {"units": "1", "long_name": "time beta (t - t_p)"},
    "Y_chi": {"units": "1", "long_name": "yield of chi, n/s"},
    "Y_B": {"units": "1", "long_name": "yield of baryons, n/s"},
    "source": {"units": "1", "long_name": "dY_B/dy of conversion alone"},
    "area_density_v_w_over_beta": {
        "units": "1",
        "long_name": "(A/V) v_w/beta, without the window",
    },
}
"""Attributes of the variables of a netCDF file."""


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
        attributes = {"jaxbounce_version": __version__, "inputs": inputs}
        write_netcdf(path, "point", columns(found), attributes, _DESCRIBED)
        return
    if path.suffix.lower() != ".csv":
        raise ConfigurationError(f"{path}: unknown format; use .csv or .nc")
    lines = [f"# jaxbounce {__version__}; {inputs}", ",".join(COLUMNS)]
    lines += [",".join(f"{value:.17g}" for value in row) for row in table]
    write_whole(path, "\n".join(lines) + "\n")


def columns(found: Evolution) -> dict[str, Any]:
    """The columns by name."""
    return dict(zip(COLUMNS, as_table(found).T, strict=True))

"""The output of `jaxbounce evolve`: yields, source and wall area over temperature, as a file."""

import io
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from jaxbounce._checks import ConfigurationError
from jaxbounce._files import write_bytes_whole, write_whole
from jaxbounce._types import Real
from jaxbounce._version import __version__
from jaxbounce.cosmology import temperature_of_time
from jaxbounce.model import Model, boltzmann_rates, conversion_probability, initial_yield
from jaxbounce.yields import Evolution, evolve_boltzmann, time_limits

COLUMNS = ("T_GeV", "y", "Y_chi", "Y_B", "source", "area_density_GeV")
"""Columns of the table; `source` is dY_B/dy of conversion alone."""

_PULSE = (-30.0, 50.0)  # y between which half of the grid is even in y


def temperature_grid(model: Model, points: int) -> np.ndarray:
    """Falling temperatures (GeV): half even in ln T over the range, half even in y at the walls."""
    p = model.parameters
    hot, cold = float(p.T_max_over_Tp), float(p.T_min_over_Tp)
    spread = np.geomspace(hot, cold, points - points // 2) * float(p.T_p)
    limits = time_limits(p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp, p.y_min, p.y_max)
    y = np.linspace(max(float(limits[0]), _PULSE[0]), min(float(limits[1]), _PULSE[1]), points // 2)
    pulse = np.asarray(temperature_of_time(y, p.T_p, p.beta_over_H))
    return np.unique(np.concatenate([spread, pulse]))[::-1]


@eqx.filter_jit
def evolution(model: Model, T: Real) -> Evolution:
    """Y_χ(T), Y_B(T), source and A/V of a model by the Boltzmann equations.

    Without depletion, annihilation and washout they are the running source integral.
    """
    p = model.parameters
    P = conversion_probability(model).P
    return evolve_boltzmann(
        boltzmann_rates(model, P),
        T,
        initial_yield(model),
        T_max_over_Tp=p.T_max_over_Tp,
        y_min=p.y_min,
        y_max=p.y_max,
    )


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

"""Files of a posterior: the draws as netCDF, with what was fitted and how."""

from pathlib import Path

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.write import write_with
from jaxbounce.inference import Posterior


def check_format(path: str | Path) -> None:
    """Refuse a file that is not netCDF by its suffix.

    Raises:
        ConfigurationError: with the one that is.
    """
    if Path(path).suffix.lower() != ".nc":
        raise ConfigurationError(f"{path}: draws are netCDF; use a name in .nc")


def write(path: str | Path, found: Posterior) -> None:
    """Write the InferenceData of a posterior as netCDF, whole or not at all.

    Args:
        path: the file, with the suffix .nc; `arviz.from_netcdf` reads it.
        found: the posterior.

    Raises:
        ConfigurationError: for another suffix.
        OutputError: if it cannot be written there; the draws are then where the message says.
    """
    check_format(path)
    write_with(path, lambda place: found.data.to_netcdf(str(place), engine="h5netcdf"))

"""The points of a scan from its table: axes, priors, or a file."""

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.checks import (
    check_keys,
    check_name,
    check_number,
    check_text,
    check_whole,
    shown,
)
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce.files.units import name_of
from jaxbounce.inference import read_priors
from jaxbounce.model.model import Model
from jaxbounce.model.names import parameter_of
from jaxbounce.parameters import RANGES
from jaxbounce.scan.design import Grid, Sampled, Table
from jaxbounce.scan.plan import MOST_POINTS
from jaxbounce.scan.sequences import MOST_DIMENSIONS, SEQUENCES

_LONGEST_AXIS = 10**8

_ANY = Range(-math.inf, math.inf, False, False, "a number")


def read_specifications(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The table [parameters], with parameters by their own names."""
    written = table.get("parameters")
    if not isinstance(written, Mapping) or not written:
        raise ConfigurationError(
            "parameters: missing; add a table [parameters] with what varies, such as v_w = { prior"
            ' = "uniform", low = 0.05, high = 0.95 }'
        )
    found: dict[str, Mapping[str, Any]] = {}
    for key, specification in written.items():
        name = parameter_of(key)
        if not isinstance(specification, Mapping):
            raise ConfigurationError(
                f"parameters.{key} = {shown(specification)}: must be a table; what does not"
                " vary belongs into config"
            )
        if name in found:
            raise ConfigurationError(f"parameters.{key}: given twice; keep one of them")
        found[name] = specification
    return found


def grid_design(specifications: Mapping[str, Mapping[str, Any]]) -> Grid:
    """All combinations of the axes."""
    return Grid({name: _axis(name, s) for name, s in specifications.items()})


def _axis(name: str, table: Mapping[str, Any]) -> np.ndarray:
    where = f"parameters.{name}."
    if "prior" in table:
        raise ConfigurationError(
            f'{where}prior: design = "grid" has no priors; give low, high and count, or values'
        )
    check_keys(table, ("low", "high", "count", "scale", "values"), where)
    if "values" in table:
        if len(table) > 1:
            raise ConfigurationError(f"{where}values: stand alone; drop the other keys")
        if not isinstance(table["values"], list) or not table["values"]:
            raise ConfigurationError(
                f"{where}values = {shown(table['values'])}: must be a list of numbers"
            )
        values = np.array([check_number(where + "values", v, _ANY) for v in table["values"]])
        if len(np.unique(values)) < len(values):
            raise ConfigurationError(f"{where}values: a value is given twice; keep one of them")
        return values
    for key in ("low", "high", "count"):
        if key not in table:
            raise ConfigurationError(
                f"{where}{key}: missing; an axis needs low, high and count, or values"
            )
    low = check_number(where + "low", table["low"], _ANY)
    high = check_number(where + "high", table["high"], _ANY)
    count = check_whole(where + "count", table["count"], 1, "values along the axis")
    if count > _LONGEST_AXIS:
        raise ConfigurationError(
            f"{where}count = {count}: must be at most {_LONGEST_AXIS:.0e}; take a coarser axis"
        )
    scale = check_name(where + "scale", table.get("scale", "linear"), ("linear", "log"))
    if scale == "linear":
        return np.linspace(low, high, count)
    if low <= 0 or high <= 0:
        raise ConfigurationError(
            f'{where}scale = "log": low = {low:g} and high = {high:g} must be > 0'
        )
    return np.geomspace(low, high, count)


def sampled_design(
    kind: str,
    table: Mapping[str, Any],
    model: Model,
    specifications: Mapping[str, Mapping[str, Any]],
) -> Sampled:
    """A sequence or random numbers through the priors of the parameters."""
    for name, specification in specifications.items():
        if "prior" not in specification:
            raise ConfigurationError(
                f'parameters.{name}.prior: missing; design = "{kind}" draws from priors, such as {{'
                ' prior = "log-uniform", low = 1, high = 10 }'
            )
    if "points" not in table:
        raise ConfigurationError(f'points: missing; design = "{kind}" needs their number')
    count = check_whole("points", table["points"], 1, "number of points")
    seed = check_whole("seed", table.get("seed", 0), 0, "of the random numbers")
    if seed >= 2**64:
        raise ConfigurationError(f"seed = {seed}: must be below 2^64; take a smaller one")
    if count > MOST_POINTS:
        raise ConfigurationError(
            f"points = {count}: must be at most {MOST_POINTS:.0e}; split the scan by seeds"
        )
    names = tuple(specifications)
    if kind == "sobol" and len(names) > MOST_DIMENSIONS:
        raise ConfigurationError(
            f'design = "sobol": takes up to {MOST_DIMENSIONS} parameters; use "latin-hypercube"'
        )
    try:
        priors = read_priors(model, names, specifications)
    except ConfigurationError as error:  # by the name that the table has here
        raise ConfigurationError(str(error).replace("priors.", "parameters.")) from None
    return Sampled(priors, SEQUENCES[kind](len(names), count, seed), count)


def file_design(
    table: Mapping[str, Any], directory: Path
) -> tuple[Table, dict[str, Mapping[str, Any]]]:
    """The points of a CSV or Parquet file, and the column of each parameter.

    The header of a column may have the unit in brackets, which must be the one it is read in.
    """
    if "parameters" in table:
        raise ConfigurationError(
            'parameters: design = "file" takes them from the columns of the file; drop the table'
        )
    if "file" not in table:
        raise ConfigurationError(
            'file: missing; design = "file" needs the path of a CSV or Parquet'
        )
    path = directory / check_text("file", table["file"], "path of a CSV or Parquet file")
    columns: dict[str, np.ndarray] = {}
    for key, values in _columns(path).items():
        name = parameter_of(name_of(str(key), str(path)))
        if name in columns:
            raise ConfigurationError(f"{path}: column {key}: given twice; keep one of them")
        columns[name] = values
    if not columns or not len(next(iter(columns.values()))):
        raise ConfigurationError(f"{path}: holds no points; give one row a point")
    return Table(columns), {name: {"column": name} for name in columns}


def _columns(path: Path) -> dict[Any, np.ndarray]:
    """Columns of a CSV or Parquet file as float64; an empty cell is NaN."""
    try:
        import pandas
    except ImportError:
        raise ConfigurationError(
            f"{path}: a file of points needs pandas; pip install 'jaxbounce[scan]'"
        ) from None
    try:
        if path.suffix.lower() == ".parquet":
            frame = pandas.read_parquet(path)
        else:
            with warnings.catch_warnings():
                # more cells than columns would shift or drop some
                warnings.simplefilter("error")
                frame = pandas.read_csv(path, comment="#", skipinitialspace=True, index_col=False)
    except (OSError, ValueError, ImportError, Warning) as error:
        reason = " ".join(str(error).split())[:160]
        raise ConfigurationError(
            f"{path}: cannot be read as CSV or Parquet ({reason}); give a table with one column a"
            " parameter"
        ) from None
    found = {}
    for key in frame.columns:
        try:
            found[key] = frame[key].to_numpy(dtype=float)
        except (TypeError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise ConfigurationError(f"{path}: column {key}: {reason}; write numbers") from None
    return found


def first_inside(name: str, values: np.ndarray) -> float | None:
    """A value that the parameter may have, not 0 if there is another; None if there is none."""
    allowed = RANGES.get(name, _ANY)
    inside = [float(v) for v in values[:100_000] if float(v) in allowed]
    return next((v for v in inside if v), inside[0] if inside else None)


def typical_value(name: str, table: Mapping[str, Any]) -> float | None:
    """A value amid a prior, in the range of the parameter; None if its table has none.

    Tables with something wrong pass: their own check will say what.
    """
    numbers = {
        k: float(v) for k, v in table.items() if isinstance(v, int | float) and abs(v) < 1e300
    }
    found = [numbers[key] for key in ("median", "mean") if key in numbers]
    if "low" in numbers and "high" in numbers:
        low, high = numbers["low"], numbers["high"]
        logarithmic = str(table.get("prior")).startswith("log") and low > 0 and high > 0
        found += [math.sqrt(low * high) if logarithmic else (low + high) / 2, low, high]
    return next((value for value in found if value in RANGES.get(name, _ANY)), None)

"""The table of a scan: JSON or TOML in, a `Plan` out.

    config = "point.json"        # what does not vary: a file, a table, or left out: the benchmark
    preset = "exact"
    design = "sobol"             # grid, sobol, latin-hypercube, random, file
    points = 1_000_000
    seed = 1

    [parameters]
    v_w = { prior = "uniform", low = 0.05, high = 0.95 }
    beta_over_H = { prior = "log-uniform", low = 1, high = 1e4 }

A grid has axes instead: { low, high, count, scale } or { values }. A file has one column for each
parameter. Parameters are named as in `jaxbounce.parameters.RANGES`, as those of the conversion,
or by their configuration keys.
"""

import dataclasses
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxbounce._checks import (
    ConfigurationError,
    check_keys,
    check_name,
    check_number,
    check_text,
    check_whole,
    read_mapping,
    suggestion,
)
from jaxbounce._ranges import Range
from jaxbounce.config import PARAMETER_OF_KEY, Configuration, configure
from jaxbounce.conversion_config import expand_conversion
from jaxbounce.inference import read_priors
from jaxbounce.inference.priors import range_of
from jaxbounce.model import Model
from jaxbounce.parameters import PRESETS
from jaxbounce.report import resolved_model
from jaxbounce.scan.design import Design, Grid, Sampled, Table
from jaxbounce.scan.engine import single_precision_error
from jaxbounce.scan.evaluate import DEFAULT_OUTPUTS, DIFFERENTIABLE, OUTPUTS
from jaxbounce.scan.plan import MOST_POINTS, Plan, plan_scan
from jaxbounce.scan.sequences import MOST_DIMENSIONS, SEQUENCES
from jaxbounce.sensitivity_report import parameter_of

DESIGNS = ("grid", *SEQUENCES, "file")
_KEYS = (
    "config",
    "preset",
    "design",
    "points",
    "seed",
    "file",
    "parameters",
    "outputs",
    "gradients",
    "precision",
    "chunk",
    "batch",
)
_LONGEST_AXIS = 10**8
_LARGEST_CHUNK = 2**24
_ANY = Range(-math.inf, math.inf, False, False, "a number")
_KEY_OF_PARAMETER = {name: key for key, name in PARAMETER_OF_KEY.items()}

TEMPLATE = """\
# A scan: jaxbounce scan SCAN.toml

# What does not vary: the file of a configuration (jaxbounce template prints one), or a table
# [config]; left out: the published benchmark.
# config = "point.json"
preset = "exact"                # published, benchmark, exact

design = "sobol"                # grid, sobol, latin-hypercube, random, file
points = 100_000                # not with grid and file
seed = 1                        # another seed, other points
# file = "points.csv"           # design = "file": CSV or Parquet, one column a parameter

outputs = ["Y_B", "Y_chi", "rho_B", "rho_DM", "error_estimate"]
# gradients = ["rho_B"]         # derivatives in every varied parameter too
# precision = "float32"         # quadrature without gradients; its error is measured and kept
# chunk = 65536                 # points computed and stored together

# What varies. Priors: uniform, log-uniform (low, high), normal (mean, sigma), log-normal (median,
# sigma of ln). With design = "grid" axes instead: { low, high, count }, with scale = "log" or
# "linear", or { values = [...] }.
[parameters]
v_w = { prior = "uniform", low = 0.05, high = 0.95 }
beta_over_H = { prior = "log-uniform", low = 1, high = 1e4 }
f_chi = { prior = "log-uniform", low = 1e-10, high = 1e-6 }
"""


@dataclasses.dataclass(frozen=True)
class ScanSettings:
    """A checked table of a scan.

    Attributes:
        configuration: the point around which parameters vary.
        model: the same as a model, with steps enough for its conversion.
        design: the points.
        options: arguments of `plan_scan`.
        table: what the store keeps of it.
        warnings: what the user should know before it starts, one line each.
    """

    configuration: Configuration
    model: Model
    design: Design
    options: Mapping[str, Any]
    table: Mapping[str, Any]
    warnings: tuple[str, ...]

    def plan(self, stored: Mapping[str, Any] | None = None) -> Plan:
        """The scan, cut as an existing store is (its table) unless the sizes are written."""
        options = dict(self.options)
        if stored is not None:
            if options.get("chunk") is None:
                options["chunks"] = tuple(stored["chunks"])
            if options.get("batch") is None:
                options["batch"] = stored["batch"]
        return plan_scan(self.model, self.design, table=self.table, **options)

    def with_error(self, plan: Plan) -> Plan:
        """The plan with the error of single precision measured, if it is one."""
        if plan.evaluation.precision == "float64":
            return plan
        notes = {"float32_relative_error": single_precision_error(plan)}
        return dataclasses.replace(plan, notes={**plan.notes, **notes})


def read_scan(table: Mapping[str, Any], directory: Path = Path()) -> ScanSettings:
    """A scan from its table.

    Args:
        table: as in the head of this module.
        directory: where relative paths start.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    check_keys(table, _KEYS)
    kind = check_name("design", _written_design(table), DESIGNS)
    for key, needed in (
        ("points", tuple(SEQUENCES)),
        ("seed", tuple(SEQUENCES)),
        ("file", ("file",)),
    ):
        if key in table and kind not in needed:
            raise ConfigurationError(f'{key} = {table[key]!r}: design = "{kind}" has none; drop it')
    if kind == "file":
        design, specifications = _from_file(table, directory)
        middle = {name: _first_inside(name, v) for name, v in design.columns.items()}
    else:
        specifications = _specifications(table)
        design = _grid(specifications) if kind == "grid" else None
        middle = {
            name: _first_inside(name, design.values[name][::-1])
            if design is not None
            else _typical(name, specification)
            for name, specification in specifications.items()
        }
    configuration = _configured(table, directory, middle)
    model, _ = resolved_model(configuration)
    for name in specifications:
        if name not in model.names():
            where = f"{table['file']}: column " if kind == "file" else "parameters."
            reason = (
                "is computed from a wall in this configuration; vary the parameters of the wall"
                if name == "P"
                else f"no such parameter{suggestion(name, model.names())}"
            )
            raise ConfigurationError(f"{where}{name}: {reason}")
    if design is None:
        design = _sampled(kind, table, model, specifications)
    mapping = configuration.as_mapping()
    for name in specifications:
        if name in _KEY_OF_PARAMETER:
            mapping[_KEY_OF_PARAMETER[name]] = "varied"
    conversion = configuration.conversion_settings
    if conversion is not None:
        if "v_w" in specifications and conversion.v_w is not None:
            raise ConfigurationError(
                f"conversion.wall.v_w = {conversion.v_w:g}: v_w varies in this scan; drop it"
            )
        # where a file lies does not matter; its content is in the hash of the model
        mapping["conversion"] = {
            key: Path(value).name
            if key in ("profile_csv", "potential") and isinstance(value, str)
            else value
            for key, value in mapping["conversion"].items()
        }
    recorded = {
        "config": mapping,
        "design": kind,
        **{key: table[key] for key in ("points", "file") if key in table},
        **({"seed": table.get("seed", 0)} if kind in SEQUENCES else {}),
        "parameters": {name: dict(s) for name, s in specifications.items()},
    }
    return ScanSettings(
        configuration, model, design, _options(table), recorded, tuple(_warnings(design))
    )


def _written_design(table: Mapping[str, Any]) -> str:
    if "design" not in table:
        raise ConfigurationError(f"design: missing; name one of {', '.join(DESIGNS)}")
    return table["design"]


def _specifications(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
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
                f"parameters.{key} = {specification!r}: must be a table; what does not vary belongs"
                " into config"
            )
        if name in found:
            raise ConfigurationError(f"parameters.{key}: given twice; keep one of them")
        found[name] = specification
    return found


def _grid(specifications: Mapping[str, Mapping[str, Any]]) -> Grid:
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
                f"{where}values = {table['values']!r}: must be a list of numbers"
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


def _sampled(
    kind: str,
    table: Mapping[str, Any],
    model: Model,
    specifications: Mapping[str, Mapping[str, Any]],
) -> Sampled:
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


def _from_file(
    table: Mapping[str, Any], directory: Path
) -> tuple[Table, dict[str, Mapping[str, Any]]]:
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
        name = parameter_of(str(key).strip())
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


def _first_inside(name: str, values: np.ndarray) -> float | None:
    """A value that the parameter may have, not 0 if there is another; None if there is none."""
    allowed = range_of(name)
    inside = [float(v) for v in values[:100_000] if float(v) in allowed]
    return next((v for v in inside if v), inside[0] if inside else None)


def _typical(name: str, table: Mapping[str, Any]) -> float | None:
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
    return next((value for value in found if value in range_of(name)), None)


def _configured(
    table: Mapping[str, Any], directory: Path, middle: Mapping[str, float | None]
) -> Configuration:
    """The configuration, with values from the scan for what varies: they may not be written."""
    source = table.get("config")
    preset = table.get("preset")
    if preset is not None:
        check_name("preset", preset, PRESETS)
    if isinstance(source, str):
        source = directory / source
        written = read_mapping(source)
    elif source is None or isinstance(source, Mapping):
        written = dict(source or {})
        if isinstance(written.get("conversion"), str | Mapping):
            written["conversion"] = expand_conversion(written["conversion"], directory)
            source = written
    else:
        raise ConfigurationError(f"config = {source!r}: must be a path or a table")
    if "P" in middle and written.get("conversion") is not None:
        raise ConfigurationError(
            "parameters.P: is computed from a wall in this configuration; vary the parameters of"
            " the wall instead"
        )
    changes = {
        _KEY_OF_PARAMETER[name]: value
        for name, value in middle.items()
        if name in _KEY_OF_PARAMETER and value is not None
    }
    return configure(source, preset, changes)


def _options(table: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `plan_scan`."""
    outputs = _names(table, "outputs", DEFAULT_OUTPUTS, tuple(OUTPUTS))
    for key in ("chunk", "batch"):
        if key in table and check_whole(key, table[key], 1, "number of points") > _LARGEST_CHUNK:
            raise ConfigurationError(
                f"{key} = {table[key]}: must be at most {_LARGEST_CHUNK}; take a smaller one"
            )
    return {
        "outputs": outputs,
        "gradients": _names(table, "gradients", (), DIFFERENTIABLE),
        "precision": check_name(
            "precision", table.get("precision", "float64"), ("float64", "float32")
        ),
        **{key: table[key] for key in ("chunk", "batch") if key in table},
    }


def _names(
    table: Mapping[str, Any], key: str, default: tuple[str, ...], allowed: tuple[str, ...]
) -> tuple[str, ...]:
    written = table.get(key, default)
    if isinstance(written, str) or not isinstance(written, list | tuple):
        raise ConfigurationError(f"{key} = {written!r}: must be a list of names")
    for name in written:
        check_name(key, name, allowed)
    return tuple(dict.fromkeys(written))


def _warnings(design: Design) -> list[str]:
    """Values outside the range of their parameter: points of a grid or file that have no number."""
    listed = design.columns if isinstance(design, Table) else design.axes
    found = []
    for name, values in listed.items():
        allowed = range_of(name)
        bad = values[~np.asarray(allowed.holds(jnp.asarray(values)))]
        if bad.size:
            found.append(
                f"{name}: {bad.size} of {values.size} values are not {allowed} (such as"
                f" {bad[0]:g}): their points get the status INVALID_PARAMETER"
            )
    return found

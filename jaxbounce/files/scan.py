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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxbounce._core.checks import (
    check_keys,
    check_name,
    check_text,
    check_whole,
    shown,
    suggestion,
)
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.conversion import expand_conversion
from jaxbounce.files.design import (
    file_design,
    first_inside,
    grid_design,
    read_specifications,
    sampled_design,
    typical_value,
)
from jaxbounce.files.point import BENCHMARK, Configuration, configure
from jaxbounce.files.tables import table_of
from jaxbounce.model.model import Model
from jaxbounce.parameters import DECLARATIONS, PRESETS
from jaxbounce.scan.design import Design, Table
from jaxbounce.scan.engine import single_precision_error
from jaxbounce.scan.evaluate import DEFAULT_OUTPUTS, DIFFERENTIABLE, FAILED, OUTPUTS
from jaxbounce.scan.plan import Plan, plan_scan
from jaxbounce.scan.sequences import SEQUENCES
from jaxbounce.scan.store import STATUS

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

_LARGEST_CHUNK = 2**24


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
    table = table_of(table)
    point = [key for key in table if key in BENCHMARK]
    if point and not {"design", "parameters", "config"} & set(table):
        raise ConfigurationError(
            f"{point[0]}: is a key of one point, and this a configuration of one; name it in the"
            ' file of a scan: config = "point.json" (jaxbounce template scan prints one)'
        )
    check_keys(table, _KEYS)
    kind = check_name("design", _written_design(table), DESIGNS)
    for key, needed in (
        ("points", tuple(SEQUENCES)),
        ("seed", tuple(SEQUENCES)),
        ("file", ("file",)),
    ):
        if key in table and kind not in needed:
            raise ConfigurationError(
                f'{key} = {shown(table[key])}: design = "{kind}" has none; drop it'
            )
    if kind == "file":
        design, specifications = file_design(table, directory)
        middle = {name: first_inside(name, v) for name, v in design.columns.items()}
    else:
        specifications = read_specifications(table)
        design = grid_design(specifications) if kind == "grid" else None
        middle = {
            name: first_inside(name, design.values[name][::-1])
            if design is not None
            else typical_value(name, specification)
            for name, specification in specifications.items()
        }
    configuration = _configured(table, directory, middle)
    model = configuration.model.resolved()
    for name in specifications:
        if name not in model.names():
            where = f"{table['file']}: column " if kind == "file" else "parameters."
            reason = (
                "is computed from a wall in this configuration; vary the parameters of the wall"
                if name == "P"
                else "is a result, no parameter; drop the column"
                if kind == "file" and (name in OUTPUTS or name in (STATUS, FAILED))
                else f"no such parameter{suggestion(name, model.names())}"
            )
            raise ConfigurationError(f"{where}{name}: {reason}")
    if design is None:
        design = sampled_design(kind, table, model, specifications)
    mapping = configuration.as_mapping()
    for name in specifications:
        if name in DECLARATIONS:
            mapping[DECLARATIONS[name].key] = "varied"
    conversion = configuration.conversion
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
        configuration, model, design, _options(table), recorded, tuple(_warnings(design, model))
    )


def _written_design(table: Mapping[str, Any]) -> str:
    if "design" not in table:
        raise ConfigurationError(f"design: missing; name one of {', '.join(DESIGNS)}")
    return table["design"]


def _configured(
    table: Mapping[str, Any], directory: Path, middle: Mapping[str, float | None]
) -> Configuration:
    """The configuration, with values from the scan for what varies: they may not be written."""
    source = table.get("config")
    preset = table.get("preset")
    if preset is not None:
        check_name("preset", preset, PRESETS)
    if isinstance(source, str):
        source = directory / check_text("config", source, "path of a configuration")
        written = table_of(source)
    elif source is None or isinstance(source, Mapping):
        written = dict(source or {})
        if isinstance(written.get("conversion"), str | Mapping):
            written["conversion"] = expand_conversion(written["conversion"], directory)
            source = written
    else:
        raise ConfigurationError(f"config = {shown(source)}: must be a path or a table")
    if "P" in middle and written.get("conversion") is not None:
        raise ConfigurationError(
            "parameters.P: is computed from a wall in this configuration; vary the parameters of"
            " the wall instead"
        )
    changes = {
        DECLARATIONS[name].key: value
        for name, value in middle.items()
        if name in DECLARATIONS and value is not None
    }
    return configure(source, preset, changes)


def _options(table: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `plan_scan`."""
    outputs = _names(table, "outputs", DEFAULT_OUTPUTS, tuple(OUTPUTS))
    for key in ("chunk", "batch"):
        if key in table:
            check_whole(key, table[key], 1, "number of points", _LARGEST_CHUNK)
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
        raise ConfigurationError(f"{key} = {shown(written)}: must be a list of names")
    for name in written:
        check_name(key, name, allowed)
    return tuple(dict.fromkeys(written))


def _warnings(design: Design, model: Model) -> list[str]:
    """What varies without effect; values of a grid or file outside the range of their parameter."""
    unused = {name: model.why_unused(name) for name in design.names}
    found = [
        f"{name}: {reason}: it varies without effect" for name, reason in unused.items() if reason
    ]
    listed = design.columns if isinstance(design, Table) else design.axes
    for name, values in listed.items():
        allowed = model.range_of(name)
        bad = values[~np.asarray(allowed.holds(jnp.asarray(values)))]
        if bad.size:
            found.append(
                f"{name}: {bad.size} of {values.size} values are not {allowed} (such as"
                f" {bad[0]:g}): their points get the status INVALID_PARAMETER"
            )
    return found

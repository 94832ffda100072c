"""What a person reads of a scan: before it, after it, as a picture, as a flat file."""

import io
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbounce._checks import ComputationError, ConfigurationError, check_name
from jaxbounce._files import written_whole
from jaxbounce.constants import CRITICAL_DENSITY_OVER_H2
from jaxbounce.inference import Likelihood
from jaxbounce.scan.design import POINT, Region
from jaxbounce.scan.engine import Estimate
from jaxbounce.scan.plan import Plan
from jaxbounce.scan.store import STATUS, Store
from jaxbounce.status import Status

LOG_LIKELIHOOD = "log_likelihood"
"""Not stored: computed from the densities, for any data."""
_BINS = 60  # along each axis of a picture of points
_SHOWN = 20_000_000  # points of a store that a picture looks at, at most


def size_text(number: float) -> str:
    """Bytes with a unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"


def time_text(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def plan_lines(plan: Plan) -> Iterator[str]:
    """What a scan is."""
    shape = " × ".join(map(str, plan.layout.shape))
    yield f"points      {plan.layout.points} ({shape}; {plan.table.get('design', 'own design')})"
    yield f"parameters  {', '.join(plan.names)}"
    yield (
        f"chunks      {plan.layout.count} of up to {plan.layout.chunk_points} points, in batches of"
        f" {plan.evaluation.batch}"
    )
    yield f"results     {', '.join(plan.evaluation.results)}"


def estimate_lines(plan: Plan, found: Estimate, devices: int, missing: int) -> Iterator[str]:
    """What a scan will take; `missing` points are to be computed."""
    row = 8 * len(plan.kept(dict.fromkeys(plan.names, np.empty(0))))
    row += plan.evaluation.dtype.itemsize * (len(plan.evaluation.results) - 1) + 1
    seconds = found.compile_seconds + missing / found.points_per_second
    yield f"store       up to {size_text(row * plan.layout.points)} on disk"
    yield (
        f"memory      {size_text(found.host_bytes + devices * found.program_bytes)} for points,"
        f" results and {devices} program(s), beside {size_text(_resident())} of this process"
    )
    yield f"rate        {found.points_per_second:.3g} points/s on {devices} device(s), measured"
    if found.failed:
        yield f"no number   {100 * found.failed:.3g} % of the points tried"
    yield (
        f"time        {time_text(seconds)} ({time_text(found.compile_seconds)} to compile)"
        f" for {missing} points"
    )


def _resident() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def status_lines(counts: dict[Status, int]) -> Iterator[str]:
    """How many points have each status, and what it means."""
    for status, number in counts.items():
        remark = "" if status in (Status.SUCCESS, Status.NOT_COMPUTED) else f" ({status.message})"
        yield f"  {number:>12}  {status.name}{remark}"


def log_likelihood(data: Likelihood, rho_B: np.ndarray, rho_DM: np.ndarray) -> np.ndarray:
    """ln L of densities (kg/m³), up to its constant: −χ²/2; NaN where there is no number."""
    both = {"omega_b": rho_B, "omega_c": rho_DM}
    omega = np.stack([both[name] for name in data.observables], axis=-1) / CRITICAL_DENSITY_OVER_H2
    residuals = (omega - np.asarray(data.mean)) @ np.asarray(data.whitening).T
    return -0.5 * np.sum(residuals**2, axis=-1)


def quantities(store: Store) -> tuple[str, ...]:
    """What there is to look at."""
    found = tuple(name for name in store.arrays if name not in (STATUS, *store.listed))
    return (*found, LOG_LIKELIHOOD) if {"rho_B", "rho_DM"} <= set(found) else found


def _reader(store: Store, quantity: str, data: Likelihood) -> Callable[[Region], np.ndarray]:
    """A function that reads a block of a quantity."""
    check_name("quantity", quantity, quantities(store))

    def read(region: Region) -> np.ndarray:
        if quantity == LOG_LIKELIHOOD:
            rho_B, rho_DM = store.read("rho_B", region), store.read("rho_DM", region)
            values = log_likelihood(data, rho_B, rho_DM)
        else:
            values = store.read(quantity, region)
        # results of a chunk that was not finished do not count
        return np.where(store.read(STATUS, region) != Status.NOT_COMPUTED, values, np.nan)

    return read


class _Range(NamedTuple):
    low: float
    high: float
    best: dict[str, float]
    """Parameters at the highest value."""


def _extremes(store: Store, quantity: str, data: Likelihood) -> _Range | None:
    """Lowest and highest value of a quantity over a store; None if it has none."""
    read = _reader(store, quantity, data)
    low, high, best = math.inf, -math.inf, {}
    missing = set(store.missing())
    for chunk in range(store.layout.count):
        if chunk in missing:
            continue
        region = store.layout.region(chunk)
        values = read(region)
        if not np.isfinite(values).any():
            continue
        low = min(low, float(np.nanmin(values)))
        where = np.unravel_index(int(np.nanargmax(values)), values.shape)
        if values[where] > high:
            high = float(values[where])
            best = _parameters_at(store, region, where)
    return None if high < low else _Range(low, high, best)


def _parameters_at(store: Store, region: Region, where: Any) -> dict[str, float]:
    place = [s.start + int(i) for s, i in zip(region, where, strict=True)]
    found = {
        dim: float(store.axis(dim)[i])
        for dim, i in zip(store.dims, place, strict=True)
        if dim != POINT
    }
    one = tuple(slice(i, i + 1) for i in place)
    return {**found, **{name: store.read(name, one).item() for name in store.listed}}


def summary_lines(store: Store, data: Likelihood) -> Iterator[str]:
    """What is in a store."""
    scan, used = store.attributes["scan"], store.attributes["versions"]
    counts = store.counts()
    done = store.layout.points - counts.get(Status.NOT_COMPUTED, 0)
    yield f"{store.path}: {done} of {store.layout.points} points computed"
    yield f"  design      {scan.get('design', 'own')}: {', '.join(store.names)}"
    yield f"  made with   {', '.join(f'{name} {version}' for name, version in used.items())}"
    yield f"  sha256      {store.attributes['sha256']}"
    for name, error in store.attributes.get("float32_relative_error", {}).items():
        yield f"  float32     {name}: {error:.2g} from float64, largest of a sample"
    yield from status_lines(counts)
    yield ""
    yield f"  {'quantity':<28}{'lowest':>16}{'highest':>16}"
    for quantity in quantities(store):
        found = _extremes(store, quantity, data)
        if found is None:
            yield f"  {quantity:<28}{'no number':>16}"
            continue
        yield f"  {quantity:<28}{found.low:>16.8g}{found.high:>16.8g}"
        if quantity == LOG_LIKELIHOOD:
            at = ", ".join(f"{name} = {value:.6g}" for name, value in found.best.items())
            yield f"    −χ²/2 with {data.name}; highest at {at}"


class Picture(NamedTuple):
    """A quantity over two parameters.

    Attributes:
        x, y: centres of the cells.
        values: of the quantity, y along the first axis; NaN where there is none.
        rho_B: baryon density in the same cells, for the band of the data; None if not stored.
        how: what a cell shows, in words.
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    rho_B: np.ndarray | None
    how: str


def picture(store: Store, quantity: str, x: str, y: str, data: Likelihood) -> Picture:
    """A quantity over any two of the parameters that vary.

    Over the others: the highest log-likelihood, the median of anything else. On a grid a cell is
    a point of it; points of other designs are put into even cells.

    Raises:
        ConfigurationError: for a parameter that does not vary, or a quantity that is not stored.
    """
    check_name("--x", x, store.names)
    check_name("--y", y, store.names)
    if x == y:
        raise ConfigurationError(f"--x and --y: are both {x}; give two parameters")
    read = _reader(store, quantity, data)
    highest = quantity == LOG_LIKELIHOOD
    rho = _reader(store, "rho_B", data) if "rho_B" in store.arrays else None
    if POINT in store.dims:
        return _binned(store, read, rho, x, y, highest)
    kept = [store.dims.index(x), store.dims.index(y)]
    others = tuple(i for i in range(len(store.dims)) if i not in kept)
    # of a larger store every so many values along the other axes
    stride = math.ceil((store.layout.points / _SHOWN) ** (1 / max(len(others), 1)))
    everything = tuple(
        slice(0, n, 1 if i in kept else min(stride, n)) for i, n in enumerate(store.layout.shape)
    )

    def reduced(reader: Callable[[Region], np.ndarray], largest: bool) -> np.ndarray:
        values = reader(everything)
        if others:
            with warnings.catch_warnings():
                # cells in which no point has a number stay empty
                warnings.simplefilter("ignore", RuntimeWarning)
                values = (np.nanmax if largest else np.nanmedian)(values, axis=others)
        return values.T if kept[0] < kept[1] else values

    over = ", ".join(store.dims[i] for i in others)
    what = "highest" if highest else "median"
    values = reduced(read, highest)
    if not np.isfinite(values).any():
        raise ComputationError(f"{store.path}: no point has a number to draw")
    columns, rows = store.axis(x), store.axis(y)
    sorted_cells = np.ix_(np.argsort(rows), np.argsort(columns))
    return Picture(
        np.sort(columns),
        np.sort(rows),
        values[sorted_cells],
        None if rho is None else reduced(rho, False)[sorted_cells],
        f"{what} over {over}" if others else "",
    )


def _binned(
    store: Store,
    read: Callable[[Region], np.ndarray],
    rho: Callable[[Region], np.ndarray] | None,
    x: str,
    y: str,
    highest: bool,
) -> Picture:
    from scipy.stats import binned_statistic_2d

    # of a larger store some chunks, spread evenly
    skip = math.ceil(store.layout.points / _SHOWN)
    regions = [store.layout.region(c) for c in range(0, store.layout.count, skip)]

    def gathered(reader: Callable[[Region], np.ndarray]) -> np.ndarray:
        return np.concatenate([reader(region) for region in regions])

    values = gathered(read)
    good = np.isfinite(values)
    px, py = (gathered(lambda r, name=name: store.read(name, r))[good] for name in (x, y))
    if not good.any():
        raise ComputationError(f"{store.path}: no point has a number to draw")
    edges: Any = [_edges(px), _edges(py)]

    def cells(z: np.ndarray, statistic: str) -> np.ndarray:
        return binned_statistic_2d(px, py, z, statistic, bins=edges).statistic.T

    centres = [np.sqrt(e[1:] * e[:-1]) if e[0] > 0 else (e[1:] + e[:-1]) / 2 for e in edges]
    what = "max" if highest else "median"
    return Picture(
        centres[0],
        centres[1],
        cells(values[good], what),
        None if rho is None else cells(gathered(rho)[good], "median"),
        f"{'highest' if highest else 'median'} of the points in a cell",
    )


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges of even cells, in the logarithm for values that span decades."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5 * abs(low) - 1e-300, high + 0.5 * abs(high) + 1e-300
    count = int(np.clip(math.sqrt(values.size / 4), 4, _BINS))
    if is_logarithmic(low, high):
        return np.geomspace(low, high, count + 1)
    return np.linspace(low, high, count + 1)


def is_logarithmic(low: float, high: float) -> bool:
    """Whether a range is better seen in its logarithm."""
    return low > 0 and high / low > 30


def export(store: Store, path: Path) -> int:
    """All computed points as one flat table: CSV, Parquet or netCDF by suffix; how many.

    Written chunk by chunk, whole or not at all. Points that are not computed yet are left out.

    Raises:
        ConfigurationError: for another suffix, a missing library, or a path that is not writable.
        ComputationError: if no chunk is finished.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet", ".nc"):
        raise ConfigurationError(f"{path}: unknown format; use .csv, .parquet or .nc")
    if len(store.missing()) == store.layout.count:
        raise ComputationError(f"{store.path}: nothing is computed yet that could be written")
    writer = {".csv": _write_csv, ".parquet": _write_parquet, ".nc": _write_netcdf}[suffix]
    with written_whole(path) as temporary:
        return writer(store, temporary)


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
    try:
        import h5netcdf
    except ImportError:
        raise ConfigurationError(
            f"{path}: netCDF needs h5netcdf; pip install 'jaxbounce[scan]', or use .csv"
        ) from None
    points = 0
    with h5netcdf.File(path, "w") as file:
        file.attrs["sha256"] = store.attributes["sha256"]
        file.dimensions[POINT] = None
        for table in _tables(store):
            size = table[STATUS].size
            file.resize_dimension(POINT, points + size)
            for name, values in table.items():
                if name not in file.variables:
                    file.create_variable(name, (POINT,), values.dtype, chunks=(size,))
                file.variables[name][points : points + size] = values
            points += size
    return points

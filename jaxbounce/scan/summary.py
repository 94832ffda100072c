"""What is in a store: counts, extremes, pictures of two parameters."""

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxbounce._core.checks import check_name
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cosmology.constants import CRITICAL_DENSITY_OVER_H2
from jaxbounce.inference import Likelihood
from jaxbounce.scan.design import POINT, Region
from jaxbounce.scan.evaluate import FAILED
from jaxbounce.scan.store import STATUS, Store

LOG_LIKELIHOOD = "log_likelihood"
"""Not stored: computed from the densities, for any data."""

_BINS = 60  # along each axis of a picture of points

_SHOWN = 20_000_000  # points of a store that a picture looks at, at most


def log_likelihood(data: Likelihood, rho_B: np.ndarray, rho_DM: np.ndarray) -> np.ndarray:
    """ln L of densities (kg/m³), up to its constant: −χ²/2; NaN where there is no number."""
    both = {"omega_b": rho_B, "omega_c": rho_DM}
    omega = np.stack([both[name] for name in data.observables], axis=-1) / CRITICAL_DENSITY_OVER_H2
    residuals = (omega - np.asarray(data.mean)) @ np.asarray(data.whitening).T
    return -0.5 * np.sum(residuals**2, axis=-1)


def quantities(store: Store) -> tuple[str, ...]:
    """What there is to look at."""
    found = tuple(name for name in store.arrays if name not in (STATUS, FAILED, *store.listed))
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


def extremes(store: Store, quantity: str, data: Likelihood) -> _Range | None:
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
    check_name("x", x, store.names)
    check_name("y", y, store.names)
    if x == y:
        raise ConfigurationError(f"x and y: are both {x}; give two parameters")
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


def points_of(
    store: Store, quantity: str, x: str, data: Likelihood
) -> tuple[np.ndarray, np.ndarray]:
    """A parameter and a quantity at the points of a store that have a number, by the parameter.

    Raises:
        ConfigurationError: for a parameter that does not vary, or a quantity that is not stored.
        ComputationError: if there is none.
    """
    check_name("x", x, store.names)
    read = _reader(store, quantity, data)
    skip = math.ceil(store.layout.points / _SHOWN)
    at, values = [], []
    for chunk in range(0, store.layout.count, skip):
        region = store.layout.region(chunk)
        found = read(region)
        if POINT in store.dims:
            place = store.read(x, region)
        else:
            axis = store.dims.index(x)
            shape = [-1 if i == axis else 1 for i in range(found.ndim)]
            place = np.broadcast_to(store.axis(x)[region[axis]].reshape(shape), found.shape)
        good = np.isfinite(found)
        at.append(place[good])
        values.append(found[good])
    x_all, all_values = np.concatenate(at), np.concatenate(values)
    if not x_all.size:
        raise ComputationError(f"{store.path}: no point has a number to draw")
    order = np.argsort(x_all, kind="stable")
    return x_all[order], all_values[order]


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

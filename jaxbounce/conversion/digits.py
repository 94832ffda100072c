"""What the digits of a tabulated wall can be trusted to: rounding and noise, seen in the data.

Plain NumPy on concrete arrays: it is done once, where a table is made, and is no function to be
differentiated.
"""

import numpy as np

_DIGITS = 13
"""Digits after which rounding is no longer told from binary representation."""

_SAME = 8 * np.finfo(float).eps

_ORDERS = (2, 4, 6)
"""Numbers of neighbours from which a value is predicted: a smooth field is predicted the better
the more there are, noise is not."""

_QUANTILE, _NORMAL = 1 / 3, 0.4307  # and what |x| of a normal x is there, in units of σ

_FEWEST = 4  # rows that make a quantile

_SIZES = 4  # different spacings that somebody may have chosen by hand


def rounding_of(values: np.ndarray) -> np.ndarray:
    """By how much each value may be off because it was written with few digits.

    Half a unit of the last digit: of the last decimal that any value has, or of the last
    significant digit, whichever is more. 0 where the numbers have all their digits.

    Args:
        values: one column of a table.
    """
    size = np.abs(values)
    largest = size.max(initial=0.0)
    if not largest > 0:
        return np.zeros_like(size)
    first = int(np.floor(np.log10(largest)))
    decimals = np.zeros_like(size)
    for last in range(first, first - _DIGITS, -1):
        if _are_multiples(values, np.full_like(size, _power(last))):
            decimals[:] = _power(last) / 2
            break
    safe = np.where(size > 0, size, 1.0)
    # 9.9999999999 and 10 are the same number
    leading = np.floor(np.log10(safe * (1 + _SAME))).astype(int)
    figures = np.zeros_like(size)
    for count in range(1, _DIGITS + 1):
        unit = _power(leading - count + 1)
        if _are_multiples(values, unit):
            figures = np.where(size > 0, unit / 2, 0.0)
            break
    return np.maximum(decimals, figures)


def rounding_of_places(places: np.ndarray) -> float:
    """The same for increasing radii, which may have few digits because a step was chosen so.

    Radii of one spacing, or of a few that differ by more than a unit, are taken for exact.
    """
    half = float(rounding_of(places).max(initial=0.0))
    if half == 0:
        return 0.0
    steps = np.unique(np.rint(np.diff(places) / (2 * half)))
    chosen = steps.size == 1 or (steps.size <= _SIZES and np.diff(steps).min() > 1)
    return 0.0 if chosen else half


def noise_of(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Standard deviation of what does not follow from neighbouring rows, for each row.

    Each value is predicted by the polynomial through 2, 4 and 6 neighbours. The lower third of
    what is left, over the rows with large and over those with small values, tells the noise
    wherever the wall itself takes less than two thirds of these rows; the least of the three
    orders is taken. Of a coarser table it is what such a table cannot resolve.

    Args:
        places: increasing.
        values: one column, of the same length.
    """
    size = np.abs(values)
    high = size > size.max() / 2
    levels: tuple[list[float], list[float]] = ([], [])
    for order in _ORDERS:
        if places.size <= order + 2:
            break
        left = _unpredicted(places, values, order)
        inner = high[order // 2 : -(order // 2)]
        for level, chosen in zip(levels, (~inner, inner), strict=True):
            if chosen.sum() < _FEWEST:
                chosen = np.ones_like(chosen)
            # that of few is itself uncertain
            spread = 1 + 2 / np.sqrt(chosen.sum())
            level.append(spread * float(np.quantile(left[chosen], _QUANTILE)) / _NORMAL)
    low, top = (min(level, default=0.0) for level in levels)
    return np.maximum(low, top * size / size.max())


def _unpredicted(places: np.ndarray, values: np.ndarray, order: int) -> np.ndarray:
    """|f − its prediction from `order` neighbours|, in units of what σ = 1 would leave."""
    half = order // 2
    rows = np.arange(half, places.size - half)
    offsets = [*range(-half, 0), *range(1, half + 1)]
    left, square = values[rows].copy(), np.ones(rows.size)
    for j in offsets:
        weight = np.ones(rows.size)
        for k in offsets:
            if k != j:
                weight *= (places[rows] - places[rows + k]) / (places[rows + j] - places[rows + k])
        left -= weight * values[rows + j]
        square += weight**2
    return np.abs(left) / np.sqrt(square)


def _power(exponent: int | np.ndarray) -> np.ndarray:
    return np.asarray(np.float64(10.0) ** exponent)


def _are_multiples(values: np.ndarray, unit: np.ndarray) -> bool:
    return bool((np.abs(np.rint(values / unit) * unit - values) <= _SAME * np.abs(values)).all())

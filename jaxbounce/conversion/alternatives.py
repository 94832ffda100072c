"""Other walls that the rows of a table allow: what `table_error` evaluates P on.

Plain NumPy on concrete numbers, once where a table is made: which rows are kept depends on where
they are, and nothing here is to be differentiated.
"""

from typing import NamedTuple

import numpy as np

from jaxbounce.conversion.digits import noise_of, rounding_of, rounding_of_places

PATTERNS = 6
"""Scattered walls."""

COARSER = 4
"""Walls through fewer rows."""

_LEVELS = 64  # different signs for values rounded to different numbers

_SLOWEST = 0.8  # ratio of successive changes of a tail beyond which its limit is not in sight

_UNRESOLVED = 0.9  # gap over the width of the wall around it: fewer rows tell nothing of its shape

_FEWEST = 4  # rows of a cubic spline without conditions at its ends


class Alternatives(NamedTuple):
    """Values at the rows of a table, and how the fields go on beyond it.

    Attributes:
        values: |Φ| and |φ| at all rows, of walls through fewer rows and of scattered ones.
        change: by how much each field (first axis) still changes beyond either end.
        length: decay length there.
        noisy: whether what scatters the values is noise rather than rounding.
    """

    values: np.ndarray
    change: np.ndarray
    length: np.ndarray
    noisy: np.ndarray


def alternatives(knots: np.ndarray, values: np.ndarray, places: np.ndarray) -> Alternatives:
    """The walls that a table allows beside the spline through all of its rows.

    Args:
        knots: ξ of the rows.
        values: |Φ| and |φ| there, shape (2, n).
        places: the numbers from which ξ was computed; their digits count.
    """
    coarser = [_spline_through(kept, knots, values) for kept in _fewer_rows(knots)]
    if _widest_gap(knots, values) > _UNRESOLVED * _width(knots, values):
        # splines with and without a row beside a wall that lies between two are alike, and wrong
        coarser = [np.full_like(values, np.nan) for _ in coarser]
    # numbers within half a unit have a standard deviation of 1/√3 of that
    rounding, noise = _doubts(places, values)
    scattered = values + np.hypot(rounding / np.sqrt(3), noise) * _signs(values, rounding)
    change, length = _tails(knots, values)
    return Alternatives(
        np.maximum(np.concatenate([coarser, scattered]), 0.0),
        change,
        length,
        np.asarray(noise.max() > rounding.max()),
    )


def _fewer_rows(knots: np.ndarray) -> list[np.ndarray]:
    """Choices of rows whose gaps are at least twice the largest gap of the table within them.

    Of equally spaced rows every second one. Two begin at the first two rows, two at the last.
    """
    last = knots.size - 1
    there = [_spread(knots, first) for first in (0, 1)]
    back = [last - _spread(-knots[::-1], first) for first in (0, 1)]
    return [np.unique([0, *kept, last]) for kept in there + back]


def _spread(knots: np.ndarray, first: int) -> np.ndarray:
    kept, largest = [first], 0.0
    for row in range(first + 1, knots.size):
        largest = max(largest, knots[row] - knots[row - 1])
        # a step that is a multiple of another is so to rounding only
        if knots[row] - knots[kept[-1]] >= (2 - 1e-9) * largest:
            kept.append(row)
            largest = 0.0
    return np.array(kept)


def _spline_through(kept: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The spline through some rows, at all rows: the spline through these is the same one."""
    # only those who have a table wait for SciPy
    from scipy.interpolate import CubicSpline

    if kept.size < _FEWEST:
        return np.stack([np.interp(knots, knots[kept], column[kept]) for column in values])
    return CubicSpline(knots[kept], values[:, kept], axis=1)(knots)


def _doubts(places: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much rounding may move each value, and the standard deviation of its noise."""
    place = rounding_of_places(places)
    rounding, noise = np.zeros(values.shape), np.zeros(values.shape)
    for i, column in enumerate(values):
        rounding[i] = rounding_of(column) + place * np.abs(np.gradient(column, places))
        found = noise_of(places, column)
        # rounding looks like noise too
        noise[i] = np.where(found > rounding[i], found, 0.0)
    return rounding, noise


def _signs(values: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Signs: half of the patterns row by row, half the same for rows rounded to one number."""
    random = np.random.default_rng(0)
    signs = random.choice([-1.0, 1.0], (PATTERNS, *values.shape))
    of_level = random.choice([-1.0, 1.0], (PATTERNS, 2, _LEVELS))
    unit = np.where(rounding > 0, 2 * rounding, 1.0)
    level = np.rint(values / unit).astype(np.int64) % _LEVELS
    for pattern in range(PATTERNS // 2):
        for field in range(2):
            together = of_level[pattern, field, level[field]]
            signs[pattern, field] = np.where(rounding[field] > 0, together, signs[pattern, field])
    return signs


def _quartiles(knots: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Where a quarter and three quarters of what the fields vary by are done."""
    done = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(values)).sum(0))])
    if not done[-1] > 0:
        return float(knots[0]), float(knots[-1])
    first, third = np.interp(done[-1] * np.array([0.25, 0.75]), done, knots)
    return float(first), float(third)


def _width(knots: np.ndarray, values: np.ndarray) -> float:
    """1.5 times the distance between the quartiles; all of the table where nothing varies."""
    first, third = _quartiles(knots, values)
    return (1.5 if np.diff(values).any() else 1.0) * (third - first)


def _widest_gap(knots: np.ndarray, values: np.ndarray) -> float:
    """Of the gaps between rows that reach between the quartiles."""
    first, third = _quartiles(knots, values)
    inside = (knots[1:] > first) & (knots[:-1] < third)
    return float(np.diff(knots)[inside].max())


def _tails(knots: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much the fields still change beyond the ends, and the decay lengths there.

    From three points half a width of the wall apart: successive changes d and ρd lead to a
    further change of ρ²d/(1 − ρ) in all. Where they do not decrease the limit is not in sight,
    and ρ is taken to be `_SLOWEST`.
    """
    extent = knots[-1] - knots[0]
    step = min(_width(knots, values), extent) / 2
    change, length = np.zeros((2, 2)), np.zeros(2)
    for side, (end, inward) in enumerate(((knots[0], 1.0), (knots[-1], -1.0))):
        points = end + inward * step * np.arange(3)
        at = np.stack([np.interp(points, knots, column) for column in values])
        last, before = at[:, 0] - at[:, 1], at[:, 1] - at[:, 2]
        same = last * before > 0
        ratio = np.where(same, last / np.where(same, before, 1.0), _SLOWEST)
        ratio = np.clip(ratio, 1e-6, _SLOWEST)
        change[:, side] = np.maximum(last * ratio / (1 - ratio), -at[:, 0])
        # one length an end: that of the field which has further to go
        far = np.argmax(np.abs(change[:, side]))
        length[side] = -step / np.log(ratio[far])
    return change, length

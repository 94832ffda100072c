"""Points of the unit cube, point i computable without the earlier ones.

Each sequence gives any block [start, stop) of its points as float64 in the open interval
(0, 1), a function of seed, index and dimension alone. Randomness is the raw output of the
counter-based Philox generator, whose stream NumPy keeps from version to version.
"""

import abc
import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt64

_BITS = 52  # of a coordinate: what a float64 in (0, 1) can hold, with the middle of its cell

_STREAMS = {"random": 1, "latin-hypercube": 2, "sobol": 3}

_LOW_BITS = 12  # of the index, tabulated together


class Sequence(abc.ABC):
    """A sequence of points in (0, 1)^dimensions."""

    @abc.abstractmethod
    def block(self, start: int, stop: int) -> Float[np.ndarray, "points dimensions"]:
        """Points start … stop − 1."""


def _raw(stream: str, seed: int, start: int, stop: int, words: int) -> UInt64[np.ndarray, "n w"]:
    """`words` 64-bit words of each index: the generator's counter is the index itself."""
    blocks = -(-words // 4)  # a counter gives four words
    generator = np.random.Philox(counter=start * blocks, key=seed + (_STREAMS[stream] << 64))
    raw = generator.random_raw((stop - start) * blocks * 4)
    return raw.reshape(stop - start, blocks * 4)[:, :words]


def _open_unit(raw: UInt64[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Words to the middles of 2^52 cells of (0, 1): never 0, never 1."""
    return ((raw >> np.uint64(64 - _BITS)).astype(float) + 0.5) * 2.0**-_BITS


@dataclasses.dataclass(frozen=True)
class Random(Sequence):
    """Independent uniform points."""

    dimensions: int
    seed: int = 0

    def block(self, start: int, stop: int) -> Float[np.ndarray, "points dimensions"]:
        """Points start … stop − 1."""
        return _open_unit(_raw("random", self.seed, start, stop, self.dimensions))


@dataclasses.dataclass(frozen=True)
class LatinHypercube(Sequence):
    """`count` points, one in each of `count` equal strata of every coordinate.

    The strata are visited in an order of their own for each coordinate: a permutation of
    [0, count) by a Feistel network (Black and Rogaway, "Ciphers with arbitrary finite domains",
    2002), which needs no table. Inside its stratum a point is uniform.
    """

    dimensions: int
    count: int
    seed: int = 0

    def block(self, start: int, stop: int) -> Float[np.ndarray, "points dimensions"]:
        """Points start … stop − 1."""
        inside = _open_unit(_raw("latin-hypercube", self.seed, start, stop, self.dimensions))
        index = np.arange(start, stop, dtype=np.uint64)
        strata = [_permuted(index, self.count, keys) for keys in self._keys]
        found = (np.stack(strata, axis=1).astype(float) + inside) / self.count
        # rounding may reach 1 in the last stratum
        return np.minimum(found, 1 - 2.0**-53)

    @functools.cached_property
    def _keys(self) -> UInt64[np.ndarray, "dimensions rounds"]:
        # indices beyond any that a scan reaches: not the words of the strata
        beyond = 2**200
        raw = _raw("latin-hypercube", self.seed, beyond, beyond + 1, self.dimensions * _ROUNDS)
        return raw.reshape(self.dimensions, _ROUNDS)


_ROUNDS = 6


def _mixed(x: UInt64[np.ndarray, "n"], key: np.uint64) -> UInt64[np.ndarray, "n"]:
    """A hash of x: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = x + key
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _rotated(
    x: UInt64[np.ndarray, "n"], hashed: UInt64[np.ndarray, "n"], size: np.uint64
) -> UInt64[np.ndarray, "n"]:
    """x shifted around a circle of `size` < 2^32, by a distance drawn from a hash."""
    shifted = x + (((hashed >> np.uint64(32)) * size) >> np.uint64(32))
    return np.where(shifted >= size, shifted - size, shifted)


def _permuted(
    index: UInt64[np.ndarray, "n"], count: int, keys: UInt64[np.ndarray, "rounds"]
) -> UInt64[np.ndarray, "n"]:
    """A permutation of [0, count) at `index`, by cycle walking in the rectangle a × b ≥ count."""
    side = int(np.ceil(np.sqrt(count)))
    a, b = np.uint64(side), np.uint64(-(-count // side))
    outside = np.ones(index.shape, dtype=bool)
    found = index.copy()
    while outside.any():
        left, right = np.divmod(found[outside], b)
        for number, key in enumerate(keys):
            if number % 2:
                right = _rotated(right, _mixed(left, key), b)
            else:
                left = _rotated(left, _mixed(right, key), a)
        found[outside] = left * b + right
        outside = found >= count
    return found


@dataclasses.dataclass(frozen=True)
class Sobol(Sequence):
    """A scrambled Sobol sequence: 2^k points from the start fill the cube most evenly.

    Direction numbers of Joe and Kuo (SIAM J. Sci. Comput. 30, 2635, 2008; their set 6), random
    linear scrambling and a digital shift (Matoušek, J. Complexity 14, 527, 1998); seed None
    leaves both out. In the order of the Gray code, as SciPy's.
    """

    dimensions: int
    seed: int | None = 0

    def block(self, start: int, stop: int) -> Float[np.ndarray, "points dimensions"]:
        """Points start … stop − 1."""
        low, weights, shift = self._tables
        index = np.arange(start, stop, dtype=np.uint64)
        found = low[index & np.uint64((1 << _LOW_BITS) - 1)] ^ shift
        # the other bits of the index change slowly: few distinct values in a block
        high, place = np.unique(index >> np.uint64(_LOW_BITS), return_inverse=True)
        upper = np.zeros((high.size, self.dimensions), dtype=np.uint64)
        for bit in range(int(high[-1]).bit_length() if high.size else 0):
            chosen = (high >> np.uint64(bit)) & np.uint64(1)
            upper ^= chosen[:, None] * weights[_LOW_BITS + bit]
        return ((found ^ upper[place]).astype(float) + 0.5) * 2.0**-_BITS

    @functools.cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points of the lowest bits of the index, what each bit adds, and the shift."""
        directions = np.stack([_directions(axis) for axis in range(self.dimensions)], axis=1)
        shift = np.zeros(self.dimensions, dtype=np.uint64)
        if self.seed is not None:
            raw = _raw("sobol", self.seed, 0, self.dimensions, _BITS + 1)
            shift = raw[:, -1] >> np.uint64(64 - _BITS)
            directions = np.stack(
                [
                    _scrambled(directions[:, axis], raw[axis, :_BITS])
                    for axis in range(self.dimensions)
                ],
                axis=1,
            )
        # the Gray code i ^ (i >> 1) is linear in the bits of i, and so is the point
        weights = directions.copy()
        weights[1:] ^= directions[:-1]
        low = np.zeros((1 << _LOW_BITS, self.dimensions), dtype=np.uint64)
        for bit in range(_LOW_BITS):
            low[1 << bit : 2 << bit] = low[: 1 << bit] ^ weights[bit]
        return low, weights, shift


def _directions(axis: int) -> UInt64[np.ndarray, " bits"]:
    """Direction numbers of one coordinate, the first digit highest."""
    if axis == 0:
        return np.uint64(1) << np.arange(_BITS - 1, -1, -1, dtype=np.uint64)
    polynomial, initial = JOE_KUO[axis - 1]
    degree = len(initial)
    m = list(initial)
    for k in range(degree, _BITS):
        value = m[k - degree] ^ (m[k - degree] << degree)
        for j in range(1, degree):
            if polynomial >> (degree - 1 - j) & 1:
                value ^= m[k - j] << j
        m.append(value)
    return np.array([value << (_BITS - 1 - k) for k, value in enumerate(m)], dtype=np.uint64)


def _scrambled(
    directions: UInt64[np.ndarray, " bits"], raw: UInt64[np.ndarray, " bits"]
) -> UInt64[np.ndarray, " bits"]:
    """L v over GF(2), with L lower triangular, ones on its diagonal and random below."""
    found = np.zeros_like(directions)
    for row in range(_BITS):  # digit `row`, the highest first
        place = np.uint64(_BITS - 1 - row)
        above = ((np.uint64(1) << np.uint64(row)) - np.uint64(1)) << (place + np.uint64(1))
        mask = (raw[row] & above) | (np.uint64(1) << place)
        found |= (np.bitwise_count(directions & mask).astype(np.uint64) & np.uint64(1)) << place
    return found


JOE_KUO: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
    (4, (1, 3, 5, 13)),
    (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)),
    (11, (1, 1, 5, 1, 1)),
    (13, (1, 1, 1, 3, 11)),
    (14, (1, 3, 5, 5, 31)),
    (1, (1, 3, 3, 9, 7, 49)),
    (13, (1, 1, 1, 15, 21, 21)),
    (16, (1, 3, 1, 13, 27, 49)),
    (19, (1, 1, 1, 15, 7, 5)),
    (22, (1, 3, 1, 15, 13, 25)),
    (25, (1, 1, 5, 5, 19, 61)),
    (1, (1, 3, 7, 11, 23, 15, 103)),
    (4, (1, 3, 7, 13, 13, 15, 69)),
    (7, (1, 1, 3, 13, 7, 35, 63)),
    (8, (1, 3, 5, 9, 1, 25, 53)),
    (14, (1, 3, 1, 13, 9, 35, 107)),
    (19, (1, 3, 1, 5, 27, 61, 31)),
    (21, (1, 1, 5, 11, 19, 41, 61)),
    (28, (1, 3, 5, 3, 3, 13, 69)),
    (31, (1, 1, 7, 13, 1, 19, 1)),
    (32, (1, 3, 7, 5, 13, 19, 59)),
    (37, (1, 1, 3, 9, 25, 29, 41)),
    (41, (1, 3, 5, 13, 23, 1, 55)),
    (42, (1, 3, 7, 3, 13, 59, 17)),
    (50, (1, 3, 1, 3, 5, 53, 69)),
    (55, (1, 1, 5, 5, 23, 33, 13)),
    (56, (1, 1, 7, 7, 1, 61, 123)),
    (59, (1, 1, 7, 9, 13, 61, 49)),
    (62, (1, 3, 3, 5, 3, 55, 33)),
    (14, (1, 3, 1, 15, 31, 13, 49, 245)),
    (21, (1, 3, 5, 15, 31, 59, 63, 97)),
    (22, (1, 3, 1, 11, 11, 11, 77, 249)),
    (38, (1, 3, 1, 11, 27, 43, 71, 9)),
    (47, (1, 1, 7, 15, 21, 11, 81, 45)),
    (49, (1, 3, 7, 3, 25, 31, 65, 79)),
    (50, (1, 3, 1, 1, 19, 11, 3, 205)),
    (52, (1, 1, 5, 9, 19, 21, 29, 157)),
    (56, (1, 3, 7, 11, 1, 33, 89, 185)),
    (67, (1, 3, 3, 3, 15, 9, 79, 71)),
    (70, (1, 3, 7, 11, 15, 39, 119, 27)),
)
"""Primitive polynomial (its inner coefficients) and initial numbers m of coordinates 2, 3, …"""

SEQUENCES: dict[str, Callable[[int, int, int], Sequence]] = {
    "sobol": lambda dimensions, count, seed: Sobol(dimensions, seed),
    "latin-hypercube": LatinHypercube,
    "random": lambda dimensions, count, seed: Random(dimensions, seed),
}
"""Sequences by name, from dimensions, count and seed."""

MOST_DIMENSIONS = len(JOE_KUO) + 1
"""Of a Sobol sequence."""

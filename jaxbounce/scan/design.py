"""Which points a scan visits: grids, sequences through priors, tables; block by block.

A design is laid out along labelled axes: one for each parameter of a grid, "point" for all
others. Any block of it is computed from its place alone, so that 1e9 points need no memory, and
a chunk is the same whoever computes it, and when. Values are float64 on the host.
"""

import abc
import dataclasses
import math
from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Float

from jaxbounce.inference import Prior
from jaxbounce.scan.sequences import Sequence

Region = tuple[slice, ...]
"""A block of an array: one slice for each axis."""

POINT = "point"
"""The axis of a design that is not a grid."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """A shape cut into chunks of one shape, smaller only at the far ends.

    Attributes:
        shape: points along each axis.
        chunks: points along each axis of a chunk.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]

    @property
    def points(self) -> int:
        """All points."""
        return math.prod(self.shape)

    @property
    def chunk_points(self) -> int:
        """Points of a full chunk."""
        return math.prod(self.chunks)

    @property
    def grid(self) -> tuple[int, ...]:
        """Chunks along each axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunks, strict=True))

    @property
    def count(self) -> int:
        """Number of chunks."""
        return math.prod(self.grid)

    def place(self, chunk: int) -> tuple[int, ...]:
        """Where chunk number `chunk` is in the grid of chunks, the last axis fastest."""
        return tuple(int(i) for i in np.unravel_index(chunk, self.grid))

    def number(self, place: tuple[int, ...]) -> int:
        """The inverse of `place`."""
        return int(np.ravel_multi_index(place, self.grid))

    def region(self, chunk: int) -> Region:
        """The block that chunk number `chunk` covers."""
        return tuple(
            slice(i * c, min((i + 1) * c, n))
            for i, c, n in zip(self.place(chunk), self.chunks, self.shape, strict=True)
        )

    def size(self, chunk: int) -> int:
        """Points of chunk number `chunk`."""
        return math.prod(s.stop - s.start for s in self.region(chunk))


def lay_out(shape: tuple[int, ...], target: int) -> Layout:
    """Chunks of at most `target` points: whole last axes, then an even part of the next one."""
    chunks = [1] * len(shape)
    room = max(target, 1)
    for axis in reversed(range(len(shape))):
        parts = -(-shape[axis] // min(room, shape[axis]))
        chunks[axis] = -(-shape[axis] // parts)
        if parts > 1:
            break
        room //= shape[axis]
    return Layout(shape, tuple(chunks))


class Design(abc.ABC):
    """Points of a scan, listed one by one unless it is a `Grid`."""

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """The parameters that vary."""

    @property
    def dims(self) -> tuple[str, ...]:
        """Axes of the design."""
        return (POINT,)

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""

    @property
    def axes(self) -> Mapping[str, Float[np.ndarray, " n"]]:
        """Values along the axes that are parameters."""
        return {}

    @abc.abstractmethod
    def points(self, region: Region) -> dict[str, Float[np.ndarray, " points"]]:
        """Values of every parameter in a block, flat, the last axis fastest."""


@dataclasses.dataclass(frozen=True)
class Grid(Design):
    """All combinations of the values of each parameter."""

    values: Mapping[str, Float[np.ndarray, " n"]]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, the last fastest."""
        return tuple(self.values)

    @property
    def dims(self) -> tuple[str, ...]:
        """One axis a parameter."""
        return self.names

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each."""
        return tuple(len(v) for v in self.values.values())

    @property
    def axes(self) -> Mapping[str, Float[np.ndarray, " n"]]:
        """The values."""
        return self.values

    def points(self, region: Region) -> dict[str, Float[np.ndarray, " points"]]:
        """Values of every parameter in a block."""
        parts = [v[s] for v, s in zip(self.values.values(), region, strict=True)]
        mesh = np.meshgrid(*parts, indexing="ij", copy=False)
        return {name: m.ravel() for name, m in zip(self.names, mesh, strict=True)}


@jax.jit
def _quantiles(priors: list[Prior], u: jax.Array) -> list[jax.Array]:
    return [prior.quantile(u[:, column]) for column, prior in enumerate(priors)]


@dataclasses.dataclass(frozen=True)
class Sampled(Design):
    """`count` points of a sequence in the unit cube, through the quantiles of priors."""

    priors: Mapping[str, Prior]
    sequence: Sequence
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters."""
        return tuple(self.priors)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points."""
        return (self.count,)

    def points(self, region: Region) -> dict[str, Float[np.ndarray, " points"]]:
        """Values of every parameter in a block."""
        u = self.sequence.block(region[0].start, region[0].stop)
        # on the host and in float64, whatever computes the densities
        with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
            values = _quantiles(list(self.priors.values()), u)
            return dict(zip(self.names, (np.asarray(v) for v in values), strict=True))


@dataclasses.dataclass(frozen=True)
class Table(Design):
    """Points listed one by one."""

    columns: Mapping[str, Float[np.ndarray, " n"]]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters."""
        return tuple(self.columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points."""
        return (len(next(iter(self.columns.values()))),)

    def points(self, region: Region) -> dict[str, Float[np.ndarray, " points"]]:
        """Values of every parameter in a block."""
        return {name: values[region[0]] for name, values in self.columns.items()}

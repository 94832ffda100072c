"""A scan as a whole: which points, what is computed at each, how they are cut into chunks."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.model.model import Model
from jaxbounce.scan.design import Design, Layout, Region, Table, lay_out
from jaxbounce.scan.evaluate import DEFAULT_OUTPUTS, Evaluation, Precision, relative_cost, sizes

MOST_POINTS = 10**12


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a scan does; make it with `plan_scan`, or from a file with `jaxbounce.files.scan`.

    Attributes:
        design: the points.
        evaluation: what is computed at each of them.
        layout: their chunks.
        table: all that decides the results, as the store keeps it.
        notes: what else a reader of the store should know, such as a measured error.
    """

    design: Design
    evaluation: Evaluation
    layout: Layout
    table: Mapping[str, Any]
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that vary."""
        return self.design.names

    def points(self, chunk: int) -> dict[str, np.ndarray]:
        """Parameters of a chunk."""
        return self.design.points(self.layout.region(chunk))

    def with_batch(self, batch: int) -> Self:
        """The same scan in batches of another size."""
        return dataclasses.replace(
            self,
            evaluation=dataclasses.replace(self.evaluation, batch=batch),
            table={**self.table, "batch": batch},
        )

    def kept(self, points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Those of them that the store keeps point by point: not the axes of a grid."""
        return {name: v for name, v in points.items() if name not in self.design.dims}


def plan_scan(
    model: Model,
    design: Design,
    *,
    outputs: tuple[str, ...] = DEFAULT_OUTPUTS,
    gradients: tuple[str, ...] = (),
    precision: Precision = "float64",
    chunk: int | None = None,
    chunks: tuple[int, ...] | None = None,
    batch: int | None = None,
    table: Mapping[str, Any] | None = None,
) -> Plan:
    """A scan of a model over a design.

    Args:
        model: parameters that do not vary, and choices; float64.
        design: the points.
        outputs: what to keep, names in `OUTPUTS`.
        gradients: outputs of which the derivatives in all varied parameters are wanted too.
        precision: "float32" for speed on a GPU; quadrature without gradients only.
        chunk: points of a chunk at most; by the cost of a point if None.
        chunks: shape of a chunk, in its place.
        batch: points computed together; by cost and kind of device if None.
        table: how the scan was configured, to be kept with the results.

    Raises:
        ConfigurationError: if float32 is asked for what needs float64.
    """
    if precision == "float32":
        for what, needed in (
            ("a stage of the model", bool(model.stages)),
            ("the Boltzmann equations", model.choices.equations == "boltzmann"),
            ("gradients", bool(gradients)),  # what they multiply underflows
        ):
            if needed:
                raise ConfigurationError(
                    f'precision = "float32": {what} needs "float64"; float32 serves quadrature'
                )
    # an axis that is also an output would be kept twice
    outputs = tuple(name for name in outputs if name not in design.names)
    points = int(np.prod(design.shape, dtype=object))
    if not 1 <= points <= MOST_POINTS:
        raise ConfigurationError(
            f"the design has {points} points: must be from 1 to {MOST_POINTS:.0e}; change counts"
        )
    cost = relative_cost(model, design.names, len(gradients))
    own_chunk, own_batch = sizes(points, cost, jax.default_backend())
    layout = (
        lay_out(design.shape, chunk or own_chunk)
        if chunks is None
        else Layout(design.shape, chunks)
    )
    evaluation = Evaluation(
        model,
        design.names,
        outputs,
        gradients,
        precision,
        min(batch or own_batch, layout.chunk_points),
    )
    full = {
        **(table or {}),
        "parameters": dict((table or {}).get("parameters", dict.fromkeys(design.names))),
        # the order decides which coordinate of a sequence a parameter gets
        "order": list(design.names),
        "outputs": list(outputs),
        "gradients": list(gradients),
        "precision": precision,
        "chunks": list(layout.chunks),
        "batch": evaluation.batch,
        "model_sha256": _model_hash(model),
        "points_sha256": points_hash(design.columns if isinstance(design, Table) else design.axes),
    }
    return Plan(design, evaluation, layout, full)


def _model_hash(model: Model) -> str:
    """Of every number in a model, profiles of walls included, and of what it is made of."""
    # the text names static parts (choices, steps, methods) and shapes, the leaves are the numbers
    found = hashlib.sha256(eqx.tree_pformat(model).encode())
    for leaf in jax.tree.leaves(model):
        found.update(np.ascontiguousarray(leaf).tobytes())
    return found.hexdigest()


def points_hash(listed: Mapping[str, np.ndarray]) -> str:
    """Of the points that no configuration describes: those of a table and the axes of a grid."""
    found = hashlib.sha256()
    for name, values in listed.items():
        found.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def sample_regions(layout: Layout, size: int, count: int) -> list[Region]:
    """Blocks of about `size` points from `count` chunks spread evenly over a layout."""
    numbers = np.unique(np.linspace(0, layout.count - 1, count).round().astype(int))
    return [_shortened(layout.region(int(number)), size) for number in numbers]


def _shortened(region: Region, size: int) -> Region:
    """The beginning of a block: at most `size` points."""
    found = list(region)
    room = max(size, 1)
    for axis in reversed(range(len(region))):
        length = region[axis].stop - region[axis].start
        kept = min(room, length)
        found[axis] = slice(region[axis].start, region[axis].start + kept)
        room = room // length
        if kept < length:
            room = 1
        room = max(room, 1)
    return tuple(found)

"""The compiled function of a scan: a chunk of points in, densities, status and gradients out.

One program for each device, whatever the number of points in a chunk: a chunk is worked through
in batches of a fixed size, as many of them as it has points for.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.errors import ProgramTooLarge
from jaxbounce._core.status import Status
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction

Precision = Literal["float64", "float32"]

Device: TypeAlias = Any
"""A JAX device."""

OUTPUTS: dict[str, str] = {
    "Y_B": "baryon yield n_B/s",
    "Y_chi": "yield of surviving χ",
    "rho_B": "baryon density today (kg/m³)",
    "rho_DM": "dark-matter density today (kg/m³)",
    "ratio": "ρ_DM/ρ_B",
    "P": "conversion probability",
    "Y_available": "yield f_χ n_eq/s at T_p",
    "mean_hits": "hits of a χ by a wall front, on average",
    "T_end": "temperature to which the numbers apply (GeV)",
    "remaining_annihilation": "upper bound on the loss of χ by annihilation after it",
    "hubble_factor": "H at T_p over that of radiation alone",
    "dilution": "entropy after the transition over before, by which yields are divided",
    "T_reh": "temperature to which the released energy heats the bath (GeV)",
    "error_estimate": "estimated relative error of Y_B",
}
"""What a scan can keep of a `Prediction`, and what it is."""

FAILED = "failed"
"""Kept beside the status where a model has stages: which part of the chain it is of."""

DEFAULT_OUTPUTS = ("Y_B", "Y_chi", "rho_B", "rho_DM", "error_estimate")

DIFFERENTIABLE = ("Y_B", "Y_chi", "rho_B", "rho_DM", "ratio", "P")
"""Outputs that have gradients."""

_LARGEST_CHUNK = 65536

_PARTS = 16  # into which a scan is cut at least, as long as batches stay whole

_MEMORY_SHARE = 0.5


def derivative_name(output: str, name: str) -> str:
    """The name under which ∂output/∂name is kept."""
    return f"d_{output}_d_{name}"


def relative_cost(model: Model, names: tuple[str, ...], gradients: int) -> int:
    """Roughly how many times as long as a bare quadrature a point takes: what sets sizes."""
    cost = 4 if gradients else 1
    if model.choices.equations == "boltzmann":
        cost *= 128
    # a stage is the same for all points unless something varies that it depends on
    for stage, moves in zip(model.stages, model.moving(names), strict=True):
        cost *= stage.relative_cost if moves else 1
    return cost


def sizes(points: int, cost: int, platform: str) -> tuple[int, int]:
    """Points of a chunk at most, and of a batch.

    A batch on a CPU is as large as its caches like, on a GPU as large as keeps it busy; one
    whose loops run to the slowest member is small. A chunk is what a crash may cost, seconds of
    work, and a whole number of batches. Both depend on the scan and the kind of device alone.
    """
    if platform == "cpu":
        batch = 1024 if cost == 1 else max(min(2**14 // cost, 64), 1)
    else:
        batch = max(min(2**22 // cost, 2**16), 1)
    largest = max(_LARGEST_CHUNK // cost, batch)
    chunk = min(largest, max(points // _PARTS, batch))
    return max(chunk // batch, 1) * batch, batch


def available_memory(device: Device) -> int | None:
    """Bytes that programs on a device may take; None if it does not say."""
    statistics = device.memory_stats()
    if statistics and "bytes_limit" in statistics:
        return int(statistics["bytes_limit"])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    table = dict(line.split(":", 1) for line in lines if ":" in line)
    kilobytes = table.get("MemAvailable", "").split()
    return int(kilobytes[0]) * 1024 if kilobytes else None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is computed at each point.

    Attributes:
        model: parameters that do not vary, and choices.
        names: parameters that vary.
        outputs: names in `OUTPUTS`.
        gradients: names in `DIFFERENTIABLE` whose derivatives in all of `names` are wanted.
        precision: "float32" computes and stores in single precision.
        batch: points computed together.
    """

    model: Model
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    gradients: tuple[str, ...]
    precision: Precision
    batch: int

    @property
    def dtype(self) -> Any:
        """Of the numbers."""
        return np.dtype(self.precision)

    @property
    def results(self) -> tuple[str, ...]:
        """Names of what is computed, `status` last; `failed` before it where stages are."""
        derivatives = (derivative_name(o, n) for o in self.gradients for n in self.names)
        return (*self.outputs, *derivatives, *_failed(self.model), "status")

    def compile(self, chunk_points: int, device: Device) -> "Program":
        """The program for chunks of up to so many points on one device.

        Raises:
            ProgramTooLarge: if the device has not enough memory for it.
        """
        batches = -(-chunk_points // self.batch)
        with jax.enable_x64(self.precision == "float64"):
            leaves = jax.tree.map(
                lambda leaf: (
                    np.asarray(leaf, self.dtype)
                    if jnp.issubdtype(leaf.dtype, jnp.floating)
                    else np.asarray(leaf)
                ),
                # what is the same for all points is computed once, here
                self.model.settled(self.names),
            )
            model = jax.device_put(leaves, device)
            shape = (batches, self.batch, len(self.names))
            values = jax.device_put(np.ones(shape, self.dtype), device)
            compiled = _evaluate.lower(
                model, values, jnp.asarray(batches), self.names, self.outputs, self.gradients
            ).compile()
        needed, available = _temporary_bytes(compiled), available_memory(device)
        if available is not None and needed > _MEMORY_SHARE * available:
            raise ProgramTooLarge(
                f"a batch of {self.batch} points needs {needed / 2**30:.1f} GiB of memory and"
                f" {device} has {available / 2**30:.1f}; set a smaller batch"
            )
        return Program(self, chunk_points, device, model, compiled, needed)


def _temporary_bytes(compiled: Any) -> int:
    analysis = compiled.memory_analysis()
    if analysis is None:
        return 0
    return int(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)


@dataclasses.dataclass(frozen=True)
class Program:
    """A compiled `Evaluation` on one device."""

    evaluation: Evaluation
    chunk_points: int
    device: Device
    model: Model
    compiled: Any
    memory: int
    """Bytes it takes, temporary and results."""

    def start(self, points: dict[str, Float[np.ndarray, " points"]]) -> "Pending":
        """Begin to compute a chunk; the result can be waited for."""
        evaluation = self.evaluation
        size = len(next(iter(points.values())))
        batch = evaluation.batch
        batches = -(-self.chunk_points // batch)
        # what is beyond the last point is computed with it, and dropped
        flat = np.empty((batches * batch, len(evaluation.names)), evaluation.dtype)
        for column, name in enumerate(evaluation.names):
            flat[:size, column] = points[name]
            flat[size:, column] = points[name][-1]
        with jax.enable_x64(evaluation.precision == "float64"):
            values = jax.device_put(flat.reshape(batches, batch, -1), self.device)
            count = jax.device_put(np.asarray(-(-size // batch)), self.device)
            return Pending(size, self.compiled(self.model, values, count))


@dataclasses.dataclass(frozen=True)
class Pending:
    """Results under way."""

    size: int
    arrays: dict[str, Array]

    def wait(self) -> dict[str, np.ndarray]:
        """Outputs, derivatives and `status`, one value a point."""
        return {
            name: np.asarray(array).reshape(-1)[: self.size] for name, array in self.arrays.items()
        }


@functools.partial(jax.jit, static_argnames=("names", "outputs", "gradients"))
def _evaluate(
    model: Model,
    values: Float[Array, "batches batch parameters"],
    count: Array,
    names: tuple[str, ...],
    outputs: tuple[str, ...],
    gradients: tuple[str, ...],
) -> dict[str, Array]:
    """Results of the first `count` batches, zeros (status: not computed) for the others."""

    def one(theta: Float[Array, " parameters"]) -> dict[str, Array]:
        return _point(model, theta, names, outputs, gradients)

    names_of = (*outputs, *(derivative_name(o, n) for o in gradients for n in names))
    results = {name: jnp.zeros(values.shape[:2], values.dtype) for name in names_of}
    for name in (*_failed(model), "status"):
        results[name] = jnp.zeros(values.shape[:2], jnp.int8)

    def step(number: Array, found: dict[str, Array]) -> dict[str, Array]:
        if values.shape[1] == 1:
            # in a batch of one every branch of a bounce would be taken, and compiled
            computed = {name: value[None] for name, value in one(values[number, 0]).items()}
        else:
            computed = jax.vmap(one)(values[number])
        return {name: found[name].at[number].set(computed[name]) for name in found}

    return jax.lax.fori_loop(0, count, step, results)


def _point(
    model: Model,
    theta: Float[Array, " parameters"],
    names: tuple[str, ...],
    outputs: tuple[str, ...],
    gradients: tuple[str, ...],
) -> dict[str, Array]:
    """One point: outputs, gradients and status."""

    def prediction(theta: Float[Array, " parameters"]) -> Prediction:
        return predict(model.replace(**{name: theta[i] for i, name in enumerate(names)}))

    def differentiated(theta: Float[Array, " parameters"]) -> tuple[Array, Prediction]:
        found = prediction(theta)
        return jnp.stack([getattr(found, name) for name in gradients]), found

    slopes = None
    if gradients:
        forward = model.choices.derivatives == "forward"
        transform = jax.jacfwd if forward else jax.jacrev
        slopes, found = transform(differentiated, has_aux=True)(theta)
    else:
        found = prediction(theta)
    status = found.status.astype(jnp.int8)
    results = {name: getattr(found, name) for name in outputs}
    if slopes is not None:
        # a point without a number has no derivative either, rather than a zero one
        values = jnp.stack([getattr(found, name) for name in gradients])
        has_one = (status == Status.SUCCESS) & jnp.isfinite(values)
        slopes = jnp.where(has_one[:, None], slopes, jnp.nan)
        for row, name in enumerate(gradients):
            for column, parameter in enumerate(names):
                results[derivative_name(name, parameter)] = slopes[row, column]
    codes = {name: found.failed.astype(jnp.int8) for name in _failed(model)}
    return {**results, **codes, "status": status}


def _failed(model: Model) -> tuple[str, ...]:
    return (FAILED,) if model.stages else ()

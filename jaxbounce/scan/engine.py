"""Work through the chunks of a scan in this process: one thread for each device.

A thread computes the points of a chunk, starts the device on it, and stores the chunk before
while the device works. Chunks are independent, so that any number of threads, processes or
machines may take them in any order; `jaxbounce.scan.cluster` hands them to other processes.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from jaxbounce._core.errors import ProgramTooLarge
from jaxbounce._core.status import Status
from jaxbounce.scan.evaluate import Device, Evaluation, Pending, Program
from jaxbounce.scan.plan import Plan, sample_regions
from jaxbounce.scan.store import STATUS, Store

Advance = Callable[[int, int], None]
"""Called with the points of a chunk that is stored, and how many of them have no number."""


def use_all_cores() -> None:
    """Let JAX see one CPU device for each core; before it makes any array.

    Where it has a GPU, or is started already, nothing changes.
    """
    # refused once JAX has started
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", available_cores())


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def failed_points(status: np.ndarray) -> int:
    """Points without a number."""
    return int(np.sum(status != Status.SUCCESS))


@contextlib.contextmanager
def separate_traces(evaluation: Evaluation) -> Iterator[None]:
    """Keep what is traced in float32 inside apart from float64 outside.

    Functions that both precisions share are traced once for each, but constants of the first
    trace turn up in the second (JAX 0.10.2: "lax.mul requires arguments to have the same
    dtypes"). Programs that are compiled already stay as they are.
    """
    if evaluation.precision == "float64":
        yield
        return
    jax.clear_caches()
    try:
        yield
    finally:
        jax.clear_caches()


def compile_everywhere(plan: Plan, devices: Iterable[Device]) -> list[Program]:
    """The program of a plan on every device, compiled side by side."""
    devices = list(devices)
    programs: list[Program | BaseException | None] = [None] * len(devices)

    def work(number: int) -> None:
        try:
            size = plan.layout.chunk_points
            programs[number] = plan.evaluation.compile(size, devices[number])
        except BaseException as error:  # handed to the caller's thread
            programs[number] = error

    with separate_traces(plan.evaluation):
        _run_threads([threading.Thread(target=work, args=(i,)) for i in range(len(devices))])
    found = []
    for program in programs:
        if isinstance(program, BaseException):
            raise program
        assert program is not None
        found.append(program)
    return found


def compile_fitting(plan: Plan, devices: Iterable[Device]) -> tuple[Plan, list[Program]]:
    """The plan with batches as large as the devices' memory allows, and its programs.

    Raises:
        ComputationError: if not even one point at a time fits.
    """
    devices = list(devices)
    while True:
        try:
            return plan, compile_everywhere(plan, devices)
        except ProgramTooLarge:
            if plan.evaluation.batch == 1:
                raise
            plan = plan.with_batch(plan.evaluation.batch // 2)


def run_local(
    plan: Plan,
    store: Store,
    chunks: Iterable[int],
    advance: Advance,
    programs: list[Program] | None = None,
) -> None:
    """Compute and store chunks, by default on all local devices.

    Args:
        plan: the scan.
        store: where results go.
        chunks: numbers of the chunks to compute.
        advance: told of every stored chunk.
        programs: the compiled scan, one for each device; compiled if None.

    Raises:
        OSError: if a chunk cannot be stored. Others that were under way are still finished.
        KeyboardInterrupt: likewise.
    """
    if programs is None:
        programs = compile_everywhere(plan, jax.local_devices())
    queue, lock, stop = iter(chunks), threading.Lock(), threading.Event()
    errors: list[BaseException] = []

    def following() -> Iterator[int]:
        while not stop.is_set():
            with lock:
                chunk = next(queue, None)
            if chunk is None:
                return
            yield chunk

    def work(program: Program) -> None:
        try:
            for chunk, values in _computed(plan, program, following()):
                store.write(chunk, values)
                with lock:
                    advance(values[STATUS].size, failed_points(values[STATUS]))
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(p,), daemon=True) for p in programs]
    try:
        _run_threads(threads)
    except KeyboardInterrupt:
        stop.set()
        for thread in threads:
            thread.join()
        raise
    if errors:
        raise errors[0]


def _computed(
    plan: Plan, program: Program, chunks: Iterable[int]
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Chunks with all that the store keeps of them, the next under way while one is handed out."""
    before = None
    for chunk in chunks:
        points = plan.points(chunk)
        under_way = chunk, plan.kept(points), program.start(points)
        if before is not None:
            yield _finished(*before)
        before = under_way
    if before is not None:
        yield _finished(*before)


def _finished(
    chunk: int, kept: dict[str, np.ndarray], pending: Pending
) -> tuple[int, dict[str, np.ndarray]]:
    return chunk, {**kept, **pending.wait()}


def compute_chunk(plan: Plan, program: Program, store: Store, chunk: int) -> tuple[int, int]:
    """Compute and store one chunk; its points, and how many of them have no number."""
    ((_, values),) = _computed(plan, program, [chunk])
    store.write(chunk, values)
    return values[STATUS].size, failed_points(values[STATUS])


def _run_threads(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # in short steps, so that Ctrl-C is heard


class Estimate(NamedTuple):
    """What a scan will take, measured on some of its points.

    Attributes:
        points_per_second: of all devices together, storing not included.
        compile_seconds: until the first chunk can start.
        program_bytes: memory of the program on each device.
        host_bytes: memory of points and results under way.
        failed: part of the points tried that have no number.
    """

    points_per_second: float
    compile_seconds: float
    program_bytes: int
    host_bytes: int
    failed: float


_TRIED_SECONDS = 4.0


def estimate(plan: Plan, programs: list[Program], compile_seconds: float) -> Estimate:
    """Try a few batches of a compiled scan, spread over its points.

    Every device computes at the same time, as in the scan, for a few seconds at least.
    """
    batch = plan.evaluation.batch
    regions = sample_regions(plan.layout, batch, 64)
    samples = [plan.design.points(region) for region in regions]
    tried: list[np.ndarray] = []
    done = [0] * len(programs)
    ends = [0.0] * len(programs)
    started = time.perf_counter()

    def work(number: int) -> None:
        turn = number
        while time.perf_counter() - started < _TRIED_SECONDS or not done[number]:
            status = programs[number].start(samples[turn % len(samples)]).wait()[STATUS]
            tried.append(status)
            done[number] += status.size
            turn += len(programs)
        ends[number] = time.perf_counter() - started

    _run_threads([threading.Thread(target=work, args=(i,)) for i in range(len(programs))])
    rate = sum(n / seconds for n, seconds in zip(done, ends, strict=True))
    status = np.concatenate(tried)
    row = 8 * len(plan.names) + plan.evaluation.dtype.itemsize * len(plan.evaluation.results)
    return Estimate(
        rate,
        compile_seconds,
        max(program.memory for program in programs),
        3 * row * plan.layout.chunk_points * len(programs),
        failed_points(status) / status.size,
    )


def single_precision_error(plan: Plan, points: int = 1024) -> dict[str, float]:
    """Largest relative difference between float32 and float64 on some points of the scan.

    Points that have no number in either precision are left out.
    """
    evaluation = plan.evaluation
    regions = sample_regions(plan.layout, 16, points // 16)
    blocks = [plan.design.points(region) for region in regions]
    sample = {name: np.concatenate([b[name] for b in blocks]) for name in plan.names}
    size = len(sample[plan.names[0]])
    found = {}
    for precision in ("float64", "float32"):
        one = Evaluation(
            evaluation.model, evaluation.names, evaluation.outputs, (), precision, min(size, 64)
        )
        with separate_traces(one):
            program = one.compile(size, jax.local_devices()[0])
        found[precision] = program.start(sample).wait()
    exact, single = found["float64"], found["float32"]
    both = (exact[STATUS] == Status.SUCCESS) & (single[STATUS] == Status.SUCCESS)
    errors = {}
    for name in evaluation.outputs:
        if name != "error_estimate" and both.any():
            a, b = single[name][both].astype(float), exact[name][both]
            scale = np.where(b != 0, np.abs(b), 1.0)
            errors[name] = float(np.max(np.abs(a - b) / scale))
    errors["differing_status"] = float(np.mean(exact[STATUS] != single[STATUS]))
    return errors

"""The commands `jaxbounce scan` and `jaxbounce show`."""

import contextlib
import dataclasses
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from jaxbounce.cli._shared import keep_compiled, overrides

if TYPE_CHECKING:
    from jaxbounce.scan.store import Store
import numpy as np

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.scan.engine import Estimate
from jaxbounce.scan.plan import Plan
from jaxbounce.scan.store import Store


@dataclasses.dataclass(frozen=True)
class Scan:
    """Compute many points into a labelled store: resumable, on all cores, GPUs or a cluster."""

    scan: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[SCAN.toml]")] = None
    """TOML or JSON that describes the scan (`jaxbounce scan --template`)."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print a scan to edit, and stop."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="STORE")] = None
    """Directory of the Zarr store; SCAN.zarr if left out. One of the same scan is continued, one
    of another scan is refused."""
    resume: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Continue an existing store only: refuse to begin a new one."""
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Try a few points; print number of points, chunks, memory and time; store nothing."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Run in N processes of their own on this machine (extra "cluster"); without it, on all cores
    or GPUs in this process."""
    scheduler: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None
    """Run on the workers of a dask scheduler, such as tcp://host:8786 (extra "cluster"). They must
    see the store under the same path."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the scan, such as points=1000 or parameters.v_w.high=0.9."""


def run_scan(command: Scan) -> int:
    """Run `jaxbounce scan`; the exit status."""
    from jaxbounce import enable_x64
    from jaxbounce._core.checks import check_whole
    from jaxbounce.files import scan as scan_config
    from jaxbounce.files.tables import put, read_mapping
    from jaxbounce.scan import engine

    if command.template:
        print(scan_config.TEMPLATE, end="")
        return 0
    if command.scan is None:
        raise ConfigurationError(
            "SCAN.toml: missing; give the file of a scan (jaxbounce scan --template prints one)"
        )
    if command.workers is not None:
        check_whole("--workers", command.workers, 1, "number of processes")
        if command.scheduler is not None:
            raise ConfigurationError(
                f"--workers {command.workers} and --scheduler: both given; a scheduler has workers"
                " of its own, drop one of them"
            )
    path = command.out or command.scan.with_suffix(".zarr")
    if command.resume and not path.exists():
        raise ConfigurationError(f"--resume: there is no {path} to continue; drop --resume")
    if not (command.workers or command.scheduler):
        engine.use_all_cores()
    enable_x64()
    keep_compiled()
    table = read_mapping(command.scan)
    for key, value in overrides(command.set).items():
        put(table, key, value)
    settings = scan_config.read_scan(table, command.scan.parent)
    for warning in settings.warnings:
        print(f"jaxbounce: {warning}", file=sys.stderr)
    if command.dry_run:
        return _dry_run(settings, path)
    return _compute(command, settings, path)


def _dry_run(settings: Any, path: Path) -> int:
    import jax

    from jaxbounce.cli import scan as scan_report
    from jaxbounce.scan.engine import compile_everywhere, compile_fitting, estimate
    from jaxbounce.scan.store import is_begun, resume

    plan, missing, devices = settings.plan(), None, jax.local_devices()
    if is_begun(path):
        store = _existing(settings, path, resume)
        plan, chunks = settings.plan(store.attributes["scan"]), store.missing()
        missing = sum(store.layout.size(chunk) for chunk in chunks)
    started = time.perf_counter()
    if missing is None:
        plan, programs = compile_fitting(plan, devices)
    else:  # its batches are what they are
        programs = compile_everywhere(plan, devices)
    compile_seconds = time.perf_counter() - started
    print("\n".join(scan_report.plan_lines(plan)), flush=True)
    left = plan.layout.points if missing is None else missing
    found = estimate(plan, programs, compile_seconds)
    print("\n".join(scan_report.estimate_lines(plan, found, len(devices), left)))
    return 0


def _existing(settings: Any, path: Path, resume: Any) -> "Store":
    from jaxbounce.scan.store import open_store

    return resume(path, settings.plan(open_store(path).attributes["scan"]))


def _compute(command: Scan, settings: Any, path: Path) -> int:
    import jax

    from jaxbounce import Status
    from jaxbounce.cli import scan as scan_report
    from jaxbounce.scan import cluster, engine
    from jaxbounce.scan.store import create, is_begun, resume

    local = command.workers is None and command.scheduler is None
    programs = None
    if is_begun(path):
        store = _existing(settings, path, resume)
        plan = settings.plan(store.attributes["scan"])
    else:
        plan = settings.plan()
        if local:
            plan, programs = engine.compile_fitting(plan, jax.local_devices())
        plan = settings.with_error(plan)
        store = create(path, plan)
    with store.only_writer():
        store.clean()
        chunks = store.missing()
        print("\n".join(scan_report.plan_lines(plan)), flush=True)
        left = sum(store.layout.size(chunk) for chunk in chunks)
        if left < store.layout.points:
            print(f"{path}: {store.layout.points - left} points were there already", flush=True)
        try:
            with _progress(store.layout.points, store.layout.points - left) as advance:
                if not chunks:
                    pass
                elif not local:
                    connection = (
                        cluster.local_workers(command.workers)
                        if command.workers is not None
                        else cluster.scheduler_at(str(command.scheduler))
                    )
                    with connection as client:
                        cluster.run_cluster(plan, store, chunks, advance, client)
                else:
                    engine.run_local(plan, store, chunks, advance, programs)
        except (OSError, ComputationError, KeyboardInterrupt) as error:
            raise ComputationError(_stopped(store, error)) from None
    counts = store.counts()
    print(f"{path}: {store.layout.points} points")
    print("\n".join(scan_report.status_lines(counts)))
    return 0 if counts.get(Status.SUCCESS) or counts.get(Status.UNDERFLOW) else 1


def _stopped(store: "Store", error: BaseException) -> str:
    """Why a scan stopped, what is safe, and how it goes on."""
    done = store.layout.count - len(store.missing())
    if isinstance(error, OSError):
        reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
        reason = f"cannot write to {store.path} ({reason})"
    else:
        reason = str(error) or "interrupted"
    return (
        f"{reason}; {done} of {store.layout.count} chunks are finished and safe, the same command"
        " continues"
    )


@contextlib.contextmanager
def _progress(total: int, done: int) -> Iterator[Any]:
    """A bar on stderr: points, rate, time left, points without a number; what advances it."""
    try:
        import tqdm
    except ImportError:
        raise ConfigurationError("a scan needs tqdm; pip install 'jaxbounce[scan]'") from None
    lock, failed = threading.Lock(), 0
    # a log is not a screen: one line now and then
    interval = 0.2 if sys.stderr.isatty() else 30.0
    with tqdm.tqdm(
        total=total, initial=done, unit="point", unit_scale=True, mininterval=interval
    ) as bar:

        def advance(points: int, without: int) -> None:
            nonlocal failed
            with lock:
                failed += without
                bar.set_postfix(failed=failed, refresh=False)
                bar.update(points)

        yield advance


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

"""`jaxbounce scan`: many points into a store."""

import contextlib
import dataclasses
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.status import Part, Status
from jaxbounce.cli._shared import keep_compiled, settled
from jaxbounce.cli._streams import say
from jaxbounce.cli._waiting import Counted
from jaxbounce.cli.template import other_text

if TYPE_CHECKING:
    from jaxbounce.files.scan import ScanSettings
    from jaxbounce.files.scan_run import Begun
    from jaxbounce.scan.engine import Advance, Estimate
    from jaxbounce.scan.plan import Plan
    from jaxbounce.scan.store import Store

ORDER = 90
EXAMPLES = """\
jaxbounce scan --template > scan.toml          a scan to edit: grid, Sobol, priors, file
jaxbounce scan scan.toml --workers 4           run it, resumable; results in scan.zarr
"""


@dataclasses.dataclass(frozen=True)
class Command:
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

    def run(self) -> int:
        """Compute it, or say what that would take; the exit status."""
        from jaxbounce._core.checks import check_whole

        if self.template:
            print(other_text("scan"))
            return 0
        from jaxbounce.scan.begin import is_begun, need_place

        if self.scan is None:
            raise ConfigurationError(
                "SCAN.toml: missing; give the file of a scan (jaxbounce scan --template prints one)"
            )
        if self.workers is not None:
            check_whole("--workers", self.workers, 1, "number of processes")
            if self.scheduler is not None:
                raise ConfigurationError(
                    f"--workers {self.workers} and --scheduler: both given; a scheduler has workers"
                    " of its own, drop one of them"
                )
        path = self.out or self._beside()
        begun = is_begun(path)
        if self.resume and not begun:
            raise ConfigurationError(f"--resume: there is no {path} to continue; drop --resume")
        if not (begun or self.dry_run):
            need_place(path)
        if not (self.workers or self.scheduler):
            jb.scan.use_all_cores()
        jb.enable_x64()
        keep_compiled()
        table = settled(jb.files.tables.read_mapping(self.scan), self.set)
        settings = jb.files.scan.read_scan(table, self.scan.parent)
        for warning in settings.warnings:
            say(warning)
        if self.dry_run:
            return _dry_run(settings, path)
        return self._compute(settings, path)

    def _compute(self, settings: "ScanSettings", path: Path) -> int:
        # workers that cannot be had leave no store behind
        with self._workers(settings, path) as client:
            begun = jb.files.scan_run.begin(settings, path, client is None)
            return self._complete(begun, path, client)

    def _complete(self, begun: "Begun", path: Path, client: Any) -> int:
        store = begun.store
        with store.only_writer():
            store.clean()
            chunks, warning = jb.files.scan_run.to_compute(store)
            if warning:
                say(warning)
            print("\n".join(_plan_lines(begun.plan)), flush=True)
            left = sum(store.layout.size(chunk) for chunk in chunks)
            done = store.layout.points - left
            if done:
                print(f"{path}: {done} points were there already", flush=True)
            try:
                with _progress(store.layout.points, done) as advance:
                    if chunks:
                        _fill(begun, chunks, advance, client)
            except (OSError, ComputationError, KeyboardInterrupt) as error:
                raise ComputationError(_stopped(store, error)) from None
        counts = store.counts()
        print(f"{path}: {store.layout.points} points")
        print("\n".join(status_lines(counts, store.failures())))
        return 0 if counts.get(Status.SUCCESS) or counts.get(Status.UNDERFLOW) else 1

    @contextlib.contextmanager
    def _workers(self, settings: "ScanSettings", path: Path) -> Iterator[Any]:
        """A client of workers of our own or of a scheduler; None if all is computed here."""
        from jaxbounce.scan import cluster
        from jaxbounce.scan.begin import is_begun

        if self.workers is None and self.scheduler is None:
            yield None
        elif is_begun(path) and not jb.files.scan_run.existing(settings, path).missing():
            yield None  # hardly anything is left to hand out
        elif self.workers is not None:
            with cluster.local_workers(self.workers) as client:
                yield client
        elif self.scheduler is not None:
            with cluster.scheduler_at(self.scheduler) as client:
                yield client

    def _beside(self) -> Path:
        """The store of a scan that names none."""
        assert self.scan is not None
        if not self.scan.name:
            raise ConfigurationError(f"{self.scan}: is no file; give the file of a scan")
        return self.scan.with_suffix(".zarr")


def _fill(begun: "Begun", chunks: list[int], advance: "Advance", client: Any) -> None:
    """Compute chunks: here, or by the workers of a client."""
    if client is None:
        jb.scan.run_local(begun.plan, begun.store, chunks, advance, begun.programs)
    else:
        from jaxbounce.scan import cluster

        cluster.run_cluster(begun.plan, begun.store, chunks, advance, client)


def _dry_run(settings: "ScanSettings", path: Path) -> int:
    import jax

    from jaxbounce.scan.begin import is_begun

    plan, missing, devices = settings.plan(), None, jax.local_devices()
    if is_begun(path):
        store = jb.files.scan_run.existing(settings, path)
        plan, chunks = settings.plan(store.attributes["scan"]), store.missing()
        missing = sum(store.layout.size(chunk) for chunk in chunks)
    started = time.perf_counter()
    if missing is None:
        plan, programs = jb.scan.compile_fitting(plan, devices)
    else:  # its batches are what they are
        programs = jb.scan.compile_everywhere(plan, devices)
    compile_seconds = time.perf_counter() - started
    print("\n".join(_plan_lines(plan)), flush=True)
    left = plan.layout.points if missing is None else missing
    found = jb.scan.estimate(plan, programs, compile_seconds)
    print("\n".join(_estimate_lines(plan, found, len(devices), left)))
    return 0


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
    """A bar on stderr, or lines where that is no terminal; what advances it.

    It shows points, rate, time left, and points without a number.
    """
    try:
        import tqdm
    except ImportError:
        raise ConfigurationError("a scan needs tqdm; pip install 'jaxbounce[scan]'") from None
    lock, failed = threading.Lock(), 0
    if not sys.stderr.isatty():  # a log is not a screen: one line now and then
        counted = Counted("scan", total, done)

        def count(points: int, without: int) -> None:
            nonlocal failed
            with lock:
                failed += without
                counted.update(points, failed)

        yield count
        return
    with tqdm.tqdm(
        total=total, initial=done, unit="point", unit_scale=True, mininterval=0.2
    ) as bar:

        def advance(points: int, without: int) -> None:
            nonlocal failed
            with lock:
                failed += without
                bar.set_postfix(failed=failed, refresh=False)
                bar.update(points)

        yield advance


def _size(number: float) -> str:
    """Bytes with a unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"


def _time(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _plan_lines(plan: "Plan") -> Iterator[str]:
    """What a scan is."""
    shape = " × ".join(map(str, plan.layout.shape))
    yield f"points      {plan.layout.points} ({shape}; {plan.table.get('design', 'own design')})"
    yield f"parameters  {', '.join(plan.names)}"
    yield (
        f"chunks      {plan.layout.count} of up to {plan.layout.chunk_points} points, in batches of"
        f" {plan.evaluation.batch}"
    )
    yield f"results     {', '.join(plan.evaluation.results)}"


def _estimate_lines(plan: "Plan", found: "Estimate", devices: int, missing: int) -> Iterator[str]:
    """What a scan will take; `missing` points are to be computed."""
    import numpy as np

    row = 8 * len(plan.kept(dict.fromkeys(plan.names, np.empty(0))))
    row += plan.evaluation.dtype.itemsize * (len(plan.evaluation.results) - 1) + 1
    seconds = found.compile_seconds + missing / found.points_per_second
    yield f"store       up to {_size(row * plan.layout.points)} on disk"
    yield (
        f"memory      {_size(found.host_bytes + devices * found.program_bytes)} for points,"
        f" results and {devices} program(s), beside {_size(_resident())} of this process"
    )
    yield f"rate        {found.points_per_second:.3g} points/s on {devices} device(s), measured"
    if found.failed:
        yield f"no number   {100 * found.failed:.3g} % of the points tried"
    yield (
        f"time        {_time(seconds)} ({_time(found.compile_seconds)} to compile)"
        f" for {missing} points"
    )


def _resident() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def status_lines(counts: dict[Status, int], failures: dict[Part, int]) -> Iterator[str]:
    """How many points have each status, and what it means; and what of the chain failed."""
    for status, number in counts.items():
        remark = "" if status in (Status.SUCCESS, Status.NOT_COMPUTED) else f" ({status.message})"
        yield f"  {number:>12}  {status.name}{remark}"
    if failures:
        parts = ", ".join(f"{part.text} {number}" for part, number in failures.items())
        yield f"  points that failed, by the stage: {parts}"

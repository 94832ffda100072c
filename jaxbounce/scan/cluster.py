"""Hand the chunks of a scan to other processes, here or on other machines, through dask.

Workers are processes of their own, started afresh (spawn): a JAX program does not survive a fork.
Each computes a chunk and writes it to the store itself, so the store must be on a file system
that all of them see. A worker that is lost is replaced and its chunk computed again.
"""

import concurrent.futures
import contextlib
import logging
import pickle
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce.scan.engine import Advance, compute_chunk, separate_traces
from jaxbounce.scan.evaluate import Program
from jaxbounce.scan.plan import Plan
from jaxbounce.scan.store import Store, open_store

_RETRIES = 3

_IN_FLIGHT = 4  # chunks handed out for each thread of the workers

_PATIENCE = 60.0  # seconds to wait for a first worker


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise ConfigurationError(
            "workers and schedulers need dask; pip install 'jaxbounce[cluster]', or run without"
        ) from None
    return distributed


@contextlib.contextmanager
def local_workers(count: int) -> Iterator[Any]:
    """A client of `count` worker processes on this machine, each with a core of its own."""
    distributed = _distributed()
    environment = {
        # JAX takes as many threads as it believes to have cores
        "NPROC": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # workers on one GPU share its memory
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    kept = jax.config.values.get("jax_compilation_cache_dir")
    if kept is not None:  # where the command keeps compiled programs
        environment["JAX_COMPILATION_CACHE_DIR"] = kept
        environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    with _interrupts_ignored():  # by the workers that are started: Ctrl-C is for this process
        cluster = distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            env=environment,  # beside that of this process
        )
    with cluster, distributed.Client(cluster) as client:
        yield client


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def scheduler_at(address: str) -> Iterator[Any]:
    """A client of a scheduler that runs already.

    Raises:
        ConfigurationError: if none answers, or it has no workers.
    """
    distributed = _distributed()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=10)
    # TypeError and ImportError: schemes that need keys or libraries of their own
    except (OSError, ValueError, TypeError, ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(
            f"scheduler {address}: no scheduler answers ({reason[:120]}); start one (dask"
            " scheduler), or use workers on this machine"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise ConfigurationError(
                f"scheduler {address}: has no workers after {_PATIENCE:.0f} s; start some (dask"
                " worker)"
            ) from None
        yield client


def run_cluster(
    plan: Plan, store: Store, chunks: Iterable[int], advance: Advance, client: Any
) -> None:
    """Compute and store chunks on the workers of a client.

    Raises:
        ComputationError: if the scheduler or all workers are lost; finished chunks stay.
        OSError: if a chunk cannot be stored.
    """
    distributed = _distributed()
    try:
        text = pickle.dumps(plan)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"this scan cannot be sent to other processes ({error}); run it in one process"
            " alone, or define its functions in a module"
        ) from None
    queue = iter(chunks)
    path = str(store.path.resolve())
    key_of_scan = str(store.attributes["sha256"])
    try:
        shared = client.scatter(text, broadcast=True, hash=False)

        def submit(chunk: int) -> Any:
            return client.submit(
                _work,
                shared,
                key_of_scan,
                path,
                chunk,
                pure=False,
                retries=_RETRIES,
                key=f"{key_of_scan}-{chunk}",
            )

        threads = sum(client.nthreads().values())
        first = [submit(c) for _, c in zip(range(_IN_FLIGHT * threads), queue, strict=False)]
        completed = distributed.as_completed(first)
        for future in completed:
            advance(*future.result())
            following = next(queue, None)
            if following is not None:
                completed.add(submit(following))
    except distributed.KilledWorker as error:
        raise ComputationError(
            f"workers are lost whenever they try a chunk ({' '.join(str(error).split())[:160]});"
            " is there enough memory? set a smaller chunk"
        ) from None
    except (
        concurrent.futures.CancelledError,
        distributed.comm.CommClosedError,
        TimeoutError,
    ) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ComputationError(f"the scheduler went away ({reason})") from None


def _work(text: bytes, key: str, path: str, chunk: int) -> tuple[int, int]:
    """On a worker: compute a chunk and store it; the scan is compiled once."""
    if (key, path) not in _PREPARED:
        _PREPARED.clear()  # one scan at a time
        _PREPARED[key, path] = _prepared(text, path)
    plan, program, store = _PREPARED[key, path]
    return compute_chunk(plan, program, store, chunk)


_PREPARED: dict[tuple[str, str], tuple[Plan, Program, Store]] = {}


def _prepared(text: bytes, path: str) -> tuple[Plan, Program, Store]:
    """The scan on this worker."""
    # before any array is made: those of the plan are float64
    jax.config.update("jax_enable_x64", True)
    plan: Plan = pickle.loads(text)
    devices = jax.local_devices()
    name = _distributed().get_worker().name
    device = devices[name % len(devices) if isinstance(name, int) else 0]
    with separate_traces(plan.evaluation):
        program = plan.evaluation.compile(plan.layout.chunk_points, device)
    return plan, program, open_store(Path(path))

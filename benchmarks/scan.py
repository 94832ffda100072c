"""Scans: points per second, memory and time for storing, against the bare kernel and NumPy.

    python benchmarks/scan.py [--sizes 1e5,1e6,1e7] [--boltzmann 16384] [--workers 1,2]

1. the bare kernel: `jax.jit(jax.vmap(predict))` on points in memory, nothing stored, best of
   several batch sizes;
2. `jaxbounce scan` of a Sobol design of eight parameters in a process of its own at every size:
   points/s of the scan (and with start and compilation), its ratio to the bare kernel, peak
   resident memory, share of the time of its threads spent storing;
3. the opponent: multiprocessing, on as many processes as there are cores, over a good vectorised
   NumPy quadrature of the same points (`benchmarks/yields.py`), results saved chunk by chunk;
4. one and two worker processes, by quadrature and by the Boltzmann equations, the cluster started
   and its workers warm (a short scan before).

The machine is shared: compare figures of one run only.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yields

PRIORS = {
    name: {"prior": "uniform", "low": low, "high": high}
    for name, (low, high) in yields.PARAMETERS.items()
}
BOLTZMANN = {
    "config": {
        "regime": "thermal",
        "m_chi_GeV": 100.0,
        "T_p_GeV": 50.0,
        "beta_over_H": 100.0,
        "v_w": 0.3,
        "P_chi_to_B": 0.15,
        "incident_flux_scale": 1e-9,
    },
    "parameters": {
        "sigma_v": {"prior": "log-uniform", "low": 1e-11, "high": 1e-7},
        "v_w": {"prior": "uniform", "low": 0.1, "high": 0.9},
        "m_chi": {"prior": "uniform", "low": 50.0, "high": 500.0},
    },
}


def table(kind: str, points: int) -> dict[str, Any]:
    own = BOLTZMANN if kind == "boltzmann" else {"preset": "benchmark", "parameters": PRIORS}
    return {**own, "design": "sobol", "points": points, "seed": 1}


def child(kind: str, points: int, workers: int, out: str) -> None:
    """One scan, measured from inside its process; a line of JSON."""
    import jaxbounce
    from jaxbounce.files.scan import read_scan
    from jaxbounce.scan import cluster, create, engine, store

    started = time.perf_counter()
    if not workers:
        engine.use_all_cores()
    jaxbounce.enable_x64()
    storing = 0.0
    write = store.Store.write

    def timed(self: Any, chunk: int, values: Any) -> None:
        nonlocal storing
        begin = time.perf_counter()
        write(self, chunk, values)
        storing += time.perf_counter() - begin

    store.Store.write = timed
    plan = read_scan(table(kind, points)).plan()
    target = create(Path(out), plan)

    def advance(points: int, failed: int) -> None:
        pass

    threads = 1
    if workers:
        with cluster.local_workers(workers) as client:
            warm = read_scan(table(kind, points)).plan()
            # every worker compiles and computes a few chunks before the clock starts
            chunks = target.missing()
            head = chunks[: 4 * workers]
            cluster.run_cluster(warm, target, head, advance, client)
            begin = time.perf_counter()
            cluster.run_cluster(plan, target, chunks[4 * workers :], advance, client)
            seconds = time.perf_counter() - begin
            done = points - sum(plan.layout.size(c) for c in head)
    else:
        import jax

        threads = len(jax.local_devices())
        programs = engine.compile_everywhere(plan, jax.local_devices())
        begin = time.perf_counter()
        engine.run_local(plan, target, target.missing(), advance, programs)
        seconds = time.perf_counter() - begin
        done = points
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "rate": done / seconds,
                "whole": points / (time.perf_counter() - started),
                "memory": memory,
                "storing": storing / seconds / threads,
                "status": {s.name: n for s, n in target.counts().items()},
            }
        )
    )


def measured(kind: str, points: int, workers: int = 0) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        arguments = [kind, str(points), str(workers), f"{folder}/scan.zarr"]
        done = subprocess.run(
            [sys.executable, __file__, "--child", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def bare(points: int) -> float:
    """Points per second of the compiled, batched function alone; in a process of its own."""
    import jax

    import jaxbounce

    jaxbounce.enable_x64()
    model = jaxbounce.load(preset="benchmark")
    arrays = {n: jax.numpy.asarray(v) for n, v in yields.draw(points).items()}
    best = 0.0
    for batch in (1024, 8192, 65536):
        part = {n: v[:batch] for n, v in arrays.items()}
        kernel = jax.jit(jax.vmap(lambda p: jaxbounce.predict(model.replace(**p))))
        jax.block_until_ready(kernel(part))
        for _ in range(3):
            begin, repeats = time.perf_counter(), max(points // batch, 1)
            jax.block_until_ready([kernel(part).rho_B for _ in range(repeats)])
            best = max(best, repeats * batch / (time.perf_counter() - begin))
    return best


def _numpy_chunk(work: tuple[int, int, str]) -> None:
    number, points, folder = work
    drawn = np.random.default_rng(number)
    p = {n: drawn.uniform(*ends, points) for n, ends in yields.PARAMETERS.items()}
    np.save(f"{folder}/{number}.npy", yields.vectorised(p))


def opponent(points: int) -> float:
    """Points per second of multiprocessing over NumPy."""
    chunk = 2000
    folder = tempfile.mkdtemp()
    work = [(i, chunk, folder) for i in range(points // chunk)]
    processes = multiprocessing.cpu_count()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_numpy_chunk, work[: 2 * processes])
        begin = time.perf_counter()
        pool.map(_numpy_chunk, work, chunksize=1)
        seconds = time.perf_counter() - begin
    shutil.rmtree(folder)
    return len(work) * chunk / seconds


def separate(name: str, points: int) -> float:
    done = subprocess.run(
        [sys.executable, __file__, f"--{name}", str(points)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Scans: rate, memory, time for storing.")
    parser.add_argument("--sizes", default="1e5,1e6")
    parser.add_argument("--boltzmann", type=int, default=16384)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--opponent", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        kind, points, workers, out = chosen.child
        child(kind, int(points), int(workers), out)
    elif chosen.bare:
        print(bare(chosen.bare))
    elif chosen.opponent:
        print(opponent(chosen.opponent))
    else:
        compare(chosen)


def compare(chosen: argparse.Namespace) -> None:
    sizes = [int(float(s)) for s in chosen.sizes.split(",")]
    print(
        f"{'what':44} {'points/s':>10} {'× bare':>7} {'peak MB':>8} {'storing':>8} {'whole/s':>10}"
    )

    def row(name: str, found: dict[str, Any], kernel: float | None) -> None:
        ratio = f"{found['rate'] / kernel:7.2f}" if kernel else f"{'':7}"
        print(
            f"{name:44} {found['rate']:10.4g} {ratio} {found['memory']:8.0f}"
            f" {100 * found['storing']:7.1f}% {found['whole']:10.4g}",
            flush=True,
        )

    for size in sizes:
        kernel = separate("bare", 200_000)
        print(f"{'bare kernel, jit(vmap(predict))':44} {kernel:10.4g}", flush=True)
        found = measured("quadrature", size)
        row(f"scan of {size:.0e} points, all cores", found, kernel)
        after = separate("bare", 200_000)
        print(f"{'bare kernel again':44} {after:10.4g} {found['rate'] / after:15.2f}", flush=True)
    numpy = separate("opponent", 100_000)
    print(f"{'NumPy, multiprocessing, all cores':44} {numpy:10.4g}")
    rates: dict[str, list[float]] = {"quadrature": [], "boltzmann": []}
    for kind, points in (("quadrature", min(sizes[-1], 10**6)), ("boltzmann", chosen.boltzmann)):
        for workers in (int(w) for w in chosen.workers.split(",")):
            found = measured(kind, points, workers)
            row(f"{kind}, {workers} worker(s), {points} points", found, None)
            rates[kind].append(found["rate"])
        if len(rates[kind]) > 1:
            print(f"{kind}: last over first {rates[kind][-1] / rates[kind][0]:.2f}")


if __name__ == "__main__":
    main()

"""A GPU beside the CPU of the same machine: points per second, error, share of the card's limits.

    python benchmarks/gpu.py [--kinds quadrature,gradient,boltzmann,conversion,bounce]
        [--points 1e3,1e5] [--batch N] [--seconds 20] [--peak64 TFLOPS --bandwidth TB/S]

Every kind of program is run on the first GPU and on all cores of the CPU, in float64, and in
float32 where the package serves it (values by quadrature), on points that the devices make
themselves from a counter: nothing is sent but that. Points are worked through in batches of a size
that suits the device (`jaxbounce.scan.evaluate.sizes`), or of --batch; each run ends after --points
or --seconds. Printed are points/s, their ratio to the CPU in float64, the largest relative error
against it on the same 256 points, and how many points have no number in either.

The share of the card's limit is an estimate: XLA's own count of operations and bytes
(`cost_analysis`, to which an exponential is one operation, and which counts what is in a loop once,
so that it is a lower bound where there are loops), over the peaks of NVIDIA's data sheets for the
SXM cards, without tensor cores. Where there is no GPU the CPU is measured alone.
"""

import argparse
import datetime
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boltzmann
import jax
import jax.numpy as jnp
import numpy as np
import yields

import jaxbounce
from jaxbounce import Parameters, Status, predict
from jaxbounce.bounce import solve_bounce
from jaxbounce.conversion import Couplings, TanhWall, TwoLevelPropagation
from jaxbounce.files.point import BENCHMARK
from jaxbounce.potential.library import cubic_quartic
from jaxbounce.scan.engine import available_cores, use_all_cores
from jaxbounce.scan.evaluate import sizes
from jaxbounce.yields import solve_boltzmann

CHECKED = 256

MULTIPLIERS = (2654435769, 1640531527, 3242174889, 2447445413, 1013904223, 1664525, 22695477, 69069)
"""Odd: a counter times one of them, modulo 2³², goes through all numbers of 32 bits."""

PEAKS = {
    # float64, float32 (TFLOP/s, multiply and add counted as two), memory (TB/s)
    "V100": (7.8, 15.7, 0.9),
    "A100": (9.7, 19.5, 2.0),
    "H100": (34.0, 67.0, 3.35),
    "H200": (34.0, 67.0, 4.8),
    "RTX 4090": (1.29, 82.6, 1.01),
    "T4": (0.25, 8.1, 0.32),
}


class Kind(NamedTuple):
    """A program: what it does to one point, over what, and how long it takes."""

    compute: Callable[[dict[str, Any]], tuple[Any, Any]]
    """Parameters to a number (or several) and a status."""
    ranges: dict[str, tuple[float, float]]
    cost: int
    """In bare quadratures."""
    single: bool = False
    """Whether float32 is served."""


def by_quadrature(point: dict[str, Any]) -> tuple[Any, Any]:
    """ρ_B of the published equations, as `benchmarks/yields.py` has them."""
    found = predict(jaxbounce.load(BENCHMARK, preset="benchmark").replace(**point))
    return found.rho_B, found.status


def with_gradient(point: dict[str, Any]) -> tuple[Any, Any]:
    """The same with its derivatives in all parameters."""
    (rho, status), slopes = jax.value_and_grad(by_quadrature, has_aux=True)(point)
    return jnp.stack([rho, *slopes.values()]), status


def by_equations(point: dict[str, Any]) -> tuple[Any, Any]:
    """Both yields of the problem of `benchmarks/boltzmann.py`."""
    values = boltzmann.POINT | {name: 10.0**x for name, x in point.items()}
    found = solve_boltzmann(Parameters(**values), boltzmann.CHOICES, tolerance=1e-9)
    return jnp.stack([found.Y_chi, found.Y_B]), found.status


def by_propagation(point: dict[str, Any]) -> tuple[Any, Any]:
    """P_ad at a tanh wall, 512 steps."""
    wall, couplings = TanhWall(2.4, 1.7, point["width"]), Couplings(lam=point["lam"])
    found = TwoLevelPropagation()(wall, couplings, point["v_w"])
    return found.P_ad, found.status


def of_a_bounce(point: dict[str, Any]) -> tuple[Any, Any]:
    """Its action in three dimensions."""
    found = solve_bounce(cubic_quartic, point["delta"], [0.0], [1.35], 3)
    return found.action, found.status


KINDS = {
    "quadrature": Kind(by_quadrature, yields.PARAMETERS, 1, True),
    "gradient": Kind(with_gradient, yields.PARAMETERS, 4),
    "boltzmann": Kind(
        by_equations, {"m_chi": (1, 3.3), "sigma_v": (-10, -8), "beta_over_H": (1, 3)}, 128
    ),
    "conversion": Kind(
        by_propagation, {"v_w": (0.1, 0.9), "lam": (0.1, 0.4), "width": (1.0, 2.0)}, 256
    ),
    "bounce": Kind(of_a_bounce, {"delta": (0.3, 1.5)}, 65536),
}


class Program(NamedTuple):
    """A batch of a kind on one device: called with the number of its first point."""

    call: Callable[[np.uint32], Any]
    flops: float
    """A point, loops counted once; 0 where XLA does not say."""
    moved: float
    """Bytes a point, likewise."""
    loops: bool


def compiled(kind: Kind, device: Any, batch: int) -> Program:
    """The program for one device, in the precision in force."""

    def evaluate(first: Any) -> Any:
        number = first + jnp.arange(batch, dtype=jnp.uint32)
        point = {}
        for (name, (low, high)), multiplier in zip(kind.ranges.items(), MULTIPLIERS, strict=False):
            share = (number * np.uint32(multiplier)).astype(jnp.result_type(float)) * 2.0**-32
            point[name] = low + (high - low) * share
        return jax.vmap(kind.compute)(point)

    def place(first: int) -> Any:
        return jax.device_put(np.uint32(first), device)

    program = jax.jit(evaluate).lower(place(0)).compile()
    costs = program.cost_analysis() or {}
    loops = "while" in (program.as_text() or "")
    flops, moved = (float(costs.get(name, 0.0)) / batch for name in ("flops", "bytes accessed"))
    return Program(lambda first: program(place(first)), flops, moved, loops)


def rate(programs: list[Program], batch: int, points: int, seconds: float) -> tuple[float, int]:
    """Points a second of some devices together, and how many points that was."""
    for program in programs:
        jax.block_until_ready(program.call(np.uint32(0)))
    begin = time.perf_counter()
    firsts, done, lock = iter(range(0, points, batch)), [], threading.Lock()

    def work(program: Program) -> None:
        before = None
        for first in one_at_a_time(firsts, lock):
            found = program.call(np.uint32(first % 2**32))
            # the device has the next batch while this one is waited for
            jax.block_until_ready(before)
            before = found
            done.append(batch)
            if time.perf_counter() - begin > seconds:
                break
        jax.block_until_ready(before)

    threads = [threading.Thread(target=work, args=(program,)) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - begin), sum(done)


def one_at_a_time(items: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    """What threads take from one iterator."""
    while True:
        with lock:
            item = next(items, None)
        if item is None:
            return
        yield item


class Limits(NamedTuple):
    """Of a card: operations (TFLOP/s) and memory (TB/s); 0 where they are not known."""

    float64: float
    float32: float
    bandwidth: float

    def share(self, program: Program, rate: float, precision: str) -> str:
        """Of the nearer of the two limits, estimated."""
        peak = self.float64 if precision == "float64" else self.float32
        if not (peak and self.bandwidth and program.flops):
            return "limits not known"
        shares = {
            f"of {precision} peak": rate * program.flops / peak / 1e12,
            "of memory": rate * program.moved / self.bandwidth / 1e12,
        }
        name = max(shares, key=lambda n: shares[n])
        return f"{'>=' if program.loops else ' ~'}{100 * shares[name]:8.2g} % {name}"


def limits_of(card: str, arguments: argparse.Namespace) -> Limits:
    """By the options, else by the table."""
    found = next((peaks for name, peaks in PEAKS.items() if name in card), (0.0, 0.0, 0.0))
    given = arguments.peak64, arguments.peak32, arguments.bandwidth
    return Limits(*(g or f for g, f in zip(given, found, strict=True)))


def numbers(kind: Kind, device: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of the points checked: values and whether there are any."""
    values, status = compiled(kind, device, CHECKED).call(np.uint32(0))
    return np.asarray(values, float).reshape(CHECKED, -1), np.asarray(status) == Status.SUCCESS


def compare(name: str, gpu: Any, cores: list[Any], arguments: argparse.Namespace) -> None:
    """All rows of one kind."""
    kind = KINDS[name]
    exact, good = numbers(kind, cores[0])
    limits = limits_of(gpu.device_kind, arguments) if gpu else Limits(0.0, 0.0, 0.0)
    against: dict[int, float] = {}
    where = [(f"CPU, {len(cores)} cores", cores), *([] if gpu is None else [("GPU", [gpu])])]
    precisions = ("float64", "float32") if kind.single else ("float64",)
    for precision, (place, devices) in itertools.product(precisions, where):
        if precision == "float32":
            # constants of one precision would turn up in the other's programs
            jax.clear_caches()
        with jax.enable_x64(precision == "float64"):
            found, has_number = numbers(kind, devices[0])
            both = good & has_number
            # what is exactly zero, such as a derivative in what does not matter, has to be zero
            scale = np.where(exact[both] != 0, np.abs(exact[both]), 1.0)
            error = np.abs((found - exact)[both] / scale).max(initial=0.0)
            for points in arguments.points:
                own = sizes(points, kind.cost, devices[0].platform)[1]
                batch = max(min(arguments.batch or own, points // len(devices)), 1)
                programs = [compiled(kind, d, batch) for d in devices]
                found_rate, done = rate(programs, batch, points, arguments.seconds)
                if (precision, place) == ("float64", where[0][0]):
                    against[points] = found_rate
                share = "" if place != "GPU" else limits.share(programs[0], found_rate, precision)
                print(
                    f"{name:11} {precision} {place:13} {done:10} {batch:7} {found_rate:11.4g}"
                    f" {found_rate / against[points]:8.3g} {error:9.1e} {(~both).sum():4}  {share}",
                    flush=True,
                )
        if precision == "float32":
            jax.clear_caches()
    if not kind.single:
        print(f"{name:11} float32: not served by the package; float64 only")


def main() -> None:
    parser = argparse.ArgumentParser(description="A GPU beside the CPU of the same machine.")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument(
        "--points",
        type=lambda text: [int(float(x)) for x in text.split(",")],
        default=[1_000, 100_000],
        help="of each run, such as 1e3,1e5,1e8",
    )
    parser.add_argument("--batch", type=int, help="points computed together on a device")
    parser.add_argument("--seconds", type=float, default=20.0, help="a run takes at most")
    parser.add_argument("--peak64", type=float, default=0.0, help="of the card, TFLOP/s")
    parser.add_argument("--peak32", type=float, default=0.0, help="of the card, TFLOP/s")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="of its memory, TB/s")
    arguments = parser.parse_args()
    use_all_cores()
    jaxbounce.enable_x64()
    cores = jax.devices("cpu")
    gpu = next((d for d in jax.devices() if d.platform != "cpu"), None)
    card = "no GPU: the CPU alone" if gpu is None else gpu.device_kind
    print(f"{card}; CPU: {available_cores()} cores; JAX {jax.__version__}; {datetime.date.today()}")
    if gpu is not None:
        print(f"limits (estimates, data sheets or options): {limits_of(card, arguments)}")
    print(
        f"{'kind':11} {'':7} {'where':13} {'points':>10} {'batch':>7} {'points/s':>11}"
        f" {'x CPU64':>8} {'error':>9} {'none':>4}"
        f"  {'share of a limit, estimated' if gpu else ''}"
    )
    for name in arguments.kinds:
        compare(name, gpu, cores, arguments)


if __name__ == "__main__":
    main()

"""Boltzmann equations: time, points per second and error of SciPy and of jaxbounce.

    python benchmarks/boltzmann.py [--points 4096] [--tolerance 1e-9]

One problem in which all is on: χ in equilibrium, annihilation through freeze-out, depletion
by the walls (exact area density), washout.

1. SciPy Radau as the published scripts set it up: Y_χ and Y_B as they are, over T, max_step
   of a 20 000th of the range, rtol 1e-8, A/V from a table of 800 points. Only the first part
   of the range is run, and the time of the whole extrapolated by its length; it says so.
2. SciPy Radau and LSODA set up well: ln Y_χ, over ln T, cut at the wall epoch.
3. jaxbounce: one point, and batches over masses, cross sections and β/H.

Errors are against jaxbounce at tolerance 1e-12, which tests/test_boltzmann.py compares with
SciPy. Times are the best of several, the compiled function warmed up and awaited. CPU seconds
are those of the process, and do not depend on what else the machine does.
"""

import argparse
import itertools
import time

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import kve

import jaxbounce
from jaxbounce import Choices, Parameters
from jaxbounce.yields import solve_boltzmann

POINT = {
    "m_chi": 1000.0,
    "g_chi": 2.0,
    "T_p": 60.0,
    "beta_over_H": 100.0,
    "v_w": 0.3,
    "I_p": 0.34,
    "g_star": 106.75,
    "g_star_s": 106.75,
    "P": 0.15,
    "sigma_v": 1.9e-9,
    "washout_over_H": 0.05,
}
CHOICES = Choices(
    equations="boltzmann",
    coupling="self-consistent",
    depletion="on",
    area_kernel="kjma",
    window="none",
    chi_stats="classical",
)
M_PL = 1.22089e19


def scipy_terms(p):
    def log_equilibrium(x):
        return np.log(45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"]) * x**2 * kve(2, x)) - x

    def annihilation(T):
        entropy = 2 * np.pi**2 / 45 * p["g_star_s"] * T**3
        return entropy * p["sigma_v"] / (1.66 * np.sqrt(p["g_star"]) * T**2 / M_PL)

    def depletion(T):
        """Per e-fold."""
        ratio = p["T_p"] / T
        u = p["I_p"] * np.exp(np.minimum(p["beta_over_H"] / 2 * (ratio**2 - 1), 50.0))
        x = p["m_chi"] / T
        hits = 2 * (1 + x) / (x**2 * kve(2, x)) / 4
        return p["P"] / p["v_w"] * hits * u * np.exp(-u) * p["beta_over_H"] * ratio**2

    return log_equilibrium, annihilation, depletion


def radau_published(p, share):
    """Seconds for the whole range, from those for the hottest `share` of it."""
    log_equilibrium, annihilation, depletion = scipy_terms(p)
    hot, cold = 5 * p["T_p"], 1e-3 * p["T_p"]
    grid = np.linspace(cold, hot, 800)
    table = depletion(grid)

    def derivative(T, state):
        Y, B = state
        equilibrium = np.exp(log_equilibrium(p["m_chi"] / T))
        given = np.interp(T, grid, table) * Y
        exchange = annihilation(T) * (Y**2 - equilibrium**2)
        return [(exchange + given) / T, (-given + p["washout_over_H"] * B) / T]

    start = [np.exp(log_equilibrium(p["m_chi"] / hot)), 0.0]
    span = (hot - cold) * share
    begin = time.perf_counter()
    solve_ivp(
        derivative,
        (hot, hot - span),
        start,
        method="Radau",
        rtol=1e-8,
        atol=1e-20,
        max_step=(hot - cold) / 20_000,
    )
    return (time.perf_counter() - begin) / share


def scipy_well(p, method, rtol):
    """Y_χ, Y_B and seconds."""
    log_equilibrium, annihilation, depletion = scipy_terms(p)
    # hotter, χ is in equilibrium to better than 1e-9 and no wall has come yet
    hottest, coldest = np.log(p["T_p"] / (p["m_chi"] / 10)), np.log(1e3)
    y = np.linspace(max(-30.0, -0.4 * p["beta_over_H"]), 6.0, 5)
    walls = np.log1p(2 * y / p["beta_over_H"]) / 2
    cuts = np.concatenate([[hottest], walls[walls > hottest], [coldest]])
    scale = 1e-12

    def derivative(n, state):
        W, B = state
        T = p["T_p"] * np.exp(-n)
        L = log_equilibrium(p["m_chi"] / T)
        Y, k = np.exp(W), depletion(T)
        apart = W - L
        net = 2 * np.exp(L) * np.sinh(apart) if abs(apart) < 1 else Y - np.exp(2 * L - W)
        return [-annihilation(T) * net - k, k * Y / scale - p["washout_over_H"] * B]

    def run():
        state = [log_equilibrium(p["m_chi"] / p["T_p"] * np.exp(hottest)), 0.0]
        for a, b in itertools.pairwise(cuts):
            state = solve_ivp(
                derivative, (a, b), state, method=method, rtol=rtol, atol=[rtol, 1e-9]
            ).y[:, -1]
        return np.exp(state[0]), state[1] * scale

    begin = time.perf_counter()
    values = run()
    return *values, time.perf_counter() - begin


def best(function, repeats):
    times, cpu = [], []
    for _ in range(repeats):
        begin, used = time.perf_counter(), time.process_time()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - used)
    return min(times), min(cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description="Boltzmann equations: SciPy and jaxbounce.")
    parser.add_argument("--points", type=int, default=4096)
    parser.add_argument("--tolerance", type=float, default=1e-9)
    arguments = parser.parse_args()
    jaxbounce.enable_x64()

    def solve(values, tolerance):
        return solve_boltzmann(Parameters(**values), CHOICES, tolerance=tolerance)

    single = jax.jit(solve)
    begin = time.perf_counter()
    jax.block_until_ready(single(POINT, 1e-12))
    print(f"compilation, one point: {time.perf_counter() - begin:.1f} s")
    truth = single(POINT, 1e-12)

    def error(Y_chi, Y_B):
        return max(abs(float(Y_chi / truth.Y_chi) - 1), abs(float(Y_B / truth.Y_B) - 1))

    ours = single(POINT, arguments.tolerance)
    seconds, _ = best(lambda: single(POINT, arguments.tolerance), 20)
    print(f"\n{'one point':44} {'ms':>10} {'error':>9} {'× ours':>8}")

    def row(name, value, worst):
        print(f"{name:44} {1e3 * value:10.3g} {worst:9.1e} {value / seconds:8.3g}", flush=True)

    row(f"jaxbounce, {int(ours.steps)} steps", seconds, error(ours.Y_chi, ours.Y_B))
    for method in ("Radau", "LSODA"):
        for rtol in (1e-6, 1e-8, 1e-9):
            Y_chi, Y_B, spent = scipy_well(POINT, method, rtol)
            row(f"SciPy {method}, ln Y, rtol {rtol:.0e}", spent, error(Y_chi, Y_B))
    row("SciPy Radau as published (1 % of the range run)", radau_published(POINT, 0.01), np.nan)

    count = arguments.points
    rng = np.random.default_rng(0)
    values = {k: jnp.full(count, v) for k, v in POINT.items()}
    values["m_chi"] = jnp.asarray(10 ** rng.uniform(1, 3.3, count))
    values["sigma_v"] = jnp.asarray(10 ** rng.uniform(-10, -8, count))
    values["beta_over_H"] = jnp.asarray(10 ** rng.uniform(1, 3, count))
    mapped = jax.jit(
        lambda v, tolerance: jax.lax.map(
            lambda p: solve(p, tolerance), v, batch_size=min(1024, count)
        )
    )
    begin = time.perf_counter()
    exact = jax.block_until_ready(mapped(values, 1e-11))
    print(f"\ncompilation and first run, batch: {time.perf_counter() - begin:.1f} s")
    print(f"{'batch, chunks of 1024':44} {'points/s':>10} {'/CPU s':>9} {'99 % err':>9} {'max':>9}")
    for tolerance in (1e-7, 1e-8, 1e-9, 3e-10):
        result = mapped(values, tolerance)
        spent, cpu = best(lambda t=tolerance: mapped(values, t), 3)
        worst = np.maximum(
            np.abs(result.Y_chi / exact.Y_chi - 1), np.abs(result.Y_B / exact.Y_B - 1)
        )
        bad = int((result.status != 1).sum())
        print(
            f"{f'tolerance {tolerance:.0e}, {bad} failed':44} {count / spent:10.4g}"
            f" {count / cpu:9.4g} {np.quantile(worst, 0.99):9.1e} {worst.max():9.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Flux averages of probabilities that are smooth, bend, step or oscillate, against NumPy.

    python -m benchmarks.trust.averages [--points 1000] [--seed 1]

The library is told of none of the places where P steps or bends. The oracle integrates
SPEC B's p_z L(γ(ω − v_w p_z)/T) over ln p_z in thousands of panels cut at those places; the
difference of two meshes is its own doubt. `--panels` are those of the library's rule.
"""

import argparse
import sys
import time
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np

import jaxbounce
from benchmarks.trust.report import Tally
from jaxbounce.conversion import nonrelativistic_flux_average, thermal_flux_average

# P(p, k, width), k in units of the width of the flux; where it bends or steps
PROBABILITIES = {
    "exponential": lambda p, k, w, np=np: -np.expm1(-k * w / p),
    "oscillation": lambda p, k, w, np=np: np.sin(5 * k * p / w) ** 2,
    "slow particles": lambda p, k, w, np=np: np.sin(k * w / p) ** 2,
    "resonance": lambda p, k, w, np=np: 1 / (1 + ((p / w - k) / 0.03) ** 2),
    "kink": lambda p, k, w, np=np: np.maximum(p / w - k, 0) * np.exp(-p / w),
    "step": lambda p, k, w, np=np: 1.0 * (p > k * w),
    "root": lambda p, k, w, np=np: np.sqrt(np.maximum(p / w - k, 0)) * np.exp(-p / w),
}
BREAKS = ("kink", "step", "root")
STATISTICS = ("fermion", "boson", "classical", "cold")


def draw(rng, count):
    """T, m, v_w, the strength k and the width of the flux."""

    def between(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    T = between(1e-3, 1e3)
    m = np.where(rng.random(count) < 0.2, 0.0, T * between(1e-6, 250))
    v = np.where(rng.random(count) < 0.3, 1 - between(1e-3, 1e-1), between(1e-4, 0.99))
    return {"T": T, "m": m, "v": v, "k": between(0.02, 8)}


def width_of(q, statistics, xp=np):
    """Momenta, or speeds, that count."""
    gamma = 1 / xp.sqrt((1 - q["v"]) * (1 + q["v"]))
    if statistics == "cold":
        return xp.sqrt(q["T"]) + q["v"]
    return gamma * (xp.sqrt(q["T"] * (q["T"] + q["m"])) + q["v"] * q["m"])


def integrals(q, i, statistics, P, cut, panels):
    """∫ flux and ∫ flux P of one point, by panels in ln p_z."""
    T, m, v = q["T"][i], q["m"][i], q["v"][i]
    gamma, width = 1 / np.sqrt((1 - v) * (1 + v)), width_of(q, statistics)[i]
    if statistics == "cold":
        top, centre, spread = v + 9 * np.sqrt(T), v, np.sqrt(T)
    else:
        most = 42 * T
        top = gamma * (np.sqrt(most * (most + 2 * m)) + v * (most + m))
        centre, spread = gamma * v * m, gamma * np.sqrt(T * (T + m))
    even = np.linspace(0, top, panels // 2)[1:]
    near = centre + spread * np.linspace(-9, 9, panels // 2)
    edges = np.concatenate([top * np.geomspace(1e-9, 1, panels), even, near])
    edges = np.append(edges[(edges > 0) & (edges <= top)], cut if 0 < cut < top else top)
    edges = np.log(np.unique(edges))
    t, weight = np.polynomial.legendre.leggauss(10)
    half = np.diff(edges)[:, None] / 2
    p = np.exp(edges[:-1, None] + half * (1 + t))
    if statistics == "cold":
        log_flux = np.log(p) - ((p - v) / spread) ** 2 / 2
        shape = np.exp(log_flux)
    else:
        omega = np.sqrt(p**2 + m**2)
        # γ(ω − v p), as a sum of what is positive
        y = gamma * (p * (1 - v) + m**2 / (omega + p)) / T if m > 0 else gamma * p * (1 - v) / T
        e = np.exp(-(y - m / T))
        cold = np.exp(-y)
        shape = {
            "fermion": lambda: np.where(cold > 1e-12, np.log1p(cold) * np.exp(m / T), e),
            "boson": lambda: np.where(cold > 1e-12, -np.log(-np.expm1(-y)) * np.exp(m / T), e),
            "classical": lambda: e,
        }[statistics]() * p
    flux = shape * p * half * weight
    return flux.sum(), (flux * P(p, q["k"][i], width)).sum()


def oracle(q, statistics, name):
    P, found = PROBABILITIES[name], []
    width = width_of(q, statistics)
    for i in range(width.size):
        cut = q["k"][i] * width[i] if name in BREAKS else 0.0
        fine, coarse = (integrals(q, i, statistics, P, cut, n) for n in (1200, 700))
        found.append((fine[1] / fine[0], abs(fine[1] / fine[0] - coarse[1] / coarse[0])))
    return np.array(found).T


def library(q, statistics, name, panels):
    def probability(p, args):
        k, w = args
        return PROBABILITIES[name](p, k, w, jnp)

    def one(q):
        args = q["k"], width_of(q, statistics, jnp)
        if statistics == "cold":
            return nonrelativistic_flux_average(
                probability, jnp.sqrt(q["T"]), q["v"], args, panels=panels
            ), nonrelativistic_flux_average(
                probability, jnp.sqrt(q["T"]), q["v"], args, panels=panels, tolerance=1e9
            )
        rest = q["T"], q["m"], q["v"], args
        usual = {"statistics": statistics, "panels": panels}
        return thermal_flux_average(probability, *rest, **usual), thermal_flux_average(
            probability, *rest, **usual, tolerance=1e9
        )

    return jax.jit(jax.vmap(one))({n: jnp.asarray(v) for n, v in q.items()})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--panels", type=int, nargs="+", default=[12, 20])
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    begin, wrong = time.perf_counter(), 0
    for panels in arguments.panels:
        tally, told = Tally(f"flux averages, {panels} panels"), Counter()
        share = -(-arguments.points // (len(PROBABILITIES) * len(STATISTICS)))
        for j, name in enumerate(PROBABILITIES):
            for n, statistics in enumerate(STATISTICS):
                q = draw(np.random.default_rng([arguments.seed, j, n]), share)
                if statistics == "cold":
                    q["T"] = (q["v"] * np.exp(np.log(q["k"]) / 2)) ** 2
                given, free = library(q, statistics, name, panels)
                truth, doubt = oracle(q, statistics, name)
                tally.add_status(given.status, name)
                allowed = np.asarray(free.error_estimate) + doubt
                labels = [
                    f"seed [{arguments.seed}, {j}, {n}] point {i}: {name}, {statistics}"
                    for i in range(share)
                ]
                tally.add(name, np.asarray(free.value), truth, allowed, labels)
                off = np.abs(np.asarray(free.value) - truth)
                needless = (np.asarray(given.status) != 1) & (off + doubt < 1e-8)
                told[name] += int(needless.sum())
        wrong += tally.print()
        print(f"  withheld though off by less than 1e-8: {dict(told)}")
    print(f"{time.perf_counter() - begin:.0f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

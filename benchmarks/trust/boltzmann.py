"""Boltzmann equations at random points, with and without annihilation and washout.

    python -m benchmarks.trust.boltzmann [--points 400] [--seed 1]

The oracle is the Radau collocation of order 17 in NumPy of `tests/catalogue` (halved until it
agrees with itself), or, where nothing annihilates, the closed form ∫ k e^{−K−Ω} of the same place.
Points where the oracle's own doubt is above 1e-11 are not compared, and counted.
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxbounce
from benchmarks.trust.report import Tally
from jaxbounce import Choices, Parameters
from jaxbounce.yields import solve_boltzmann

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "catalogue"))

import yield_reference
from annihilation_reference import M_PL, Problem

COUPLINGS = ("self-consistent", "external")
KERNELS = ("kjma", "eq6")
STATISTICS = ("boson", "fermion", "classical")


def draw(rng, count, statistics, annihilating):
    """Parameters over what is legal and an oracle can follow."""

    def between(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    T_p = between(1e-3, 1e6)
    p = {
        "T_p": T_p,
        "m_chi": T_p * between(1e-4, 60),
        "beta_over_H": between(1, 1e5),
        "v_w": between(1e-2, 0.99),
        "I_p": between(1e-2, 10),
        "P": between(1e-8, 1),
        "sigma_y": between(1, 30),
        "T_max_over_Tp": 1 + between(1e-2, 1e2),
        "T_min_over_Tp": between(1e-3, 0.5),
        "f_chi": between(1e-12, 1e-3),
        "washout_over_H": np.where(rng.random(count) < 0.2, 0.0, between(1e-6, 10)),
        "washout_power": rng.uniform(-3, 3, count),
    }
    fixed = {"g_chi": 2.0, "g_star": 106.75, "g_star_s": 106.75, "y_min": -80.0, "y_max": 50.0}
    p |= {name: np.full(count, value) for name, value in fixed.items()}
    # m/T = 650 is the coldest whose hits are computed
    p["T_min_over_Tp"] = np.maximum(p["T_min_over_Tp"], p["m_chi"] / T_p / 600)
    x = p["m_chi"] / T_p / p["T_max_over_Tp"]
    scale = 45 * 2 / (4 * np.pi**4 * 106.75)
    Y_eq = scale * np.exp(yield_reference.log_density(x, statistics))
    per_area = 2 * np.pi**2 / 45 * 106.75 * T_p / (1.66 * np.sqrt(106.75)) * M_PL
    strength = between(1e-4, 1e10) / Y_eq / per_area
    linear = rng.random(count) < 0.3
    p["sigma_v"] = np.where(linear, 0.0, strength) * annihilating
    p["sigma_v_slope"] = np.where(linear, strength * p["m_chi"] / T_p, 0.0) * annihilating
    return p


def oracle(p, c, Y_chi):
    """Y_χ, Y_B and the doubt of both; None if there is none."""
    if p["sigma_v"] == 0 and p["sigma_v_slope"] == 0:
        found = yield_reference.washed_yields(p, c, Y_chi)
        return (*found, 1e-12)
    return Problem(p, c).solve(Y_chi)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of combinations")
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    tally, begin, doubtful = Tally("Boltzmann equations"), time.perf_counter(), 0
    chosen = list(itertools.product(COUPLINGS, KERNELS, STATISTICS, (True, False)))
    share = -(-arguments.points // len(chosen))
    for k, (coupling, kernel, statistics, annihilating) in enumerate(chosen):
        if arguments.only and k not in arguments.only:
            continue
        p = draw(np.random.default_rng([arguments.seed, k]), share, statistics, annihilating)
        choices = Choices(
            equations="boltzmann",
            temperature_range="published",
            coupling=coupling,
            depletion="on",
            area_kernel=kernel,
            chi_stats=statistics,
            window="none" if k % 2 else "gaussian",
            flux="moving-wall" if k // 4 % 2 else "static",
            initial="equilibrium" if annihilating else "given",
        )
        start = None if annihilating else 1e-3
        run = jax.jit(
            jax.vmap(lambda q, c=choices, s=start: solve_boltzmann(Parameters(**q), c, s))
        )
        found = run({name: jnp.asarray(value) for name, value in p.items()})
        annihilated = "annihilation" if annihilating else "no annihilation"
        name = f"{coupling}, {kernel}, {statistics}, {annihilated}"
        for i in np.flatnonzero(tally.add_status(found.status, name)):
            q = {n: float(value[i]) for n, value in p.items()}
            solved = oracle(q, choices.as_dict(), start)
            if solved is None or solved[2] > 1e-11:
                doubtful += 1
                continue
            Y_chi, Y_B, doubt = solved
            # of an exponential of ln Y_χ
            rounding = 2e-13 * (1 + abs(np.log(Y_chi))) if Y_chi > 0 else 2e-13
            allowed = float(found.error_estimate[i]) + doubt + rounding
            label = f"seed [{arguments.seed}, {k}] point {i} of {share}: {name}"
            for quantity, value, exact in (
                ("Y_chi", found.Y_chi[i], Y_chi),
                ("Y_B", found.Y_B[i], Y_B),
            ):
                least = 1e-250 if quantity == "Y_B" else 1e-300
                bound = np.array([allowed * max(abs(exact), least)])
                tally.add(quantity, np.array([float(value)]), np.array([exact]), bound, [label])
        print(f"{k + 1} of {len(chosen)}: {len(tally.misses)} wrong", file=sys.stderr, flush=True)
    wrong = tally.print()
    print(f"  not compared, the oracle being in doubt: {doubtful}")
    print(f"{time.perf_counter() - begin:.0f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

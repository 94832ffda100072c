"""Yields by quadrature at random legal points of all choices, against `source` in NumPy.

    python -m benchmarks.trust.yields [--points 10000] [--seed 1] [--published 100]

Every combination of area density, window, flux, equilibrium and statistics is there, with the
dark-matter options and closures going round; parameters are drawn evenly in their logarithm over
the whole of what is legal, with the ends themselves among them. Y_B, Y_χ, ρ_B, ρ_DM and the mean
number of hits are compared. The two-zone closure is that of its Γ functions in mpmath. The
published grids are compared, at a few points, with the same grids in NumPy.
"""

import argparse
import itertools
import sys
import time

import jax
import jax.numpy as jnp
import mpmath
import numpy as np

import jaxbounce
from benchmarks.trust import gas
from benchmarks.trust.report import Tally
from benchmarks.trust.source import Source
from jaxbounce import Choices, Parameters, Status, predict
from jaxbounce.model.model import Model

KERNELS, FLUXES, WINDOWS = ("eq6", "kjma"), ("static", "moving-wall"), ("gaussian", "none")
EQUILIBRIA, STATISTICS = ("exact", "piecewise"), ("fermion", "boson", "classical")
DARK = [
    ("input", "linear"),
    ("swept-once", "linear"),
    ("occupancy", "linear"),
    ("occupancy", "mean-field"),
    ("occupancy", "swept-once"),
]
SMALLEST = 1e-290  # below it numbers are subnormal somewhere on the way


def draw(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Parameters over the whole of what is legal, evenly in their logarithm."""

    def between(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    def sometimes(share, special, values):
        return np.where(rng.random(count) < share, special, values)

    T_p = between(1e-6, 1e12)
    near_light = rng.random(count) < 0.2
    fast = 1 - between(1e-9, 1e-1)
    Gaussian = sometimes(0.5, between(0.5, 40), between(1e-3, 1e5))
    p = {
        "T_p": T_p,
        "m_chi": sometimes(0.04, 0.0, T_p * between(1e-8, 600)),
        "g_chi": between(1e-2, 1e3),
        "beta_over_H": sometimes(0.05, rng.choice([1e-2, 1e8], count), between(1e-2, 1e8)),
        "v_w": np.where(near_light, fast, between(1e-6, 1 - 1e-9)),
        "I_p": sometimes(0.05, rng.choice([1e-12, 1e3], count), between(1e-12, 1e3)),
        "g_star": between(1.0, 1e4),
        "g_star_s": between(1.0, 1e4),
        "P": sometimes(0.04, rng.choice([0.0, 1.0], count), between(1e-15, 1.0)),
        "f_chi": sometimes(0.02, 0.0, between(1e-20, 1e2)),
        "sigma_y": Gaussian,
        "Y_chi_init": sometimes(0.3, 0.0, between(1e-15, 1.0)),
        "T_max_over_Tp": sometimes(0.3, 5.0, 1 + between(1e-6, 9e5)),
        "T_min_over_Tp": sometimes(0.3, 1e-3, 1 - between(1e-6, 1.0) * (1 - 1e-9)),
        "y_min": sometimes(0.5, -80.0, -between(1e-3, 1e4)),
        "y_max": sometimes(0.5, 50.0, between(1e-3, 70.0)),
        "P_back_over_P": sometimes(0.2, rng.choice([0.0, 1.0], count), rng.random(count)),
    }
    cold = sometimes(0.5, p["T_min_over_Tp"], between(1e-9, 0.999))
    p["T_min_over_Tp"] = np.clip(cold, 1e-9, 1 - 1e-6)
    p["n_chi_at_Tp"] = sometimes(0.7, 0.0, T_p**3 * between(1e-15, 1e-2))
    return p


def closure(P, back, hits, name):
    """C and S, converted and left; two-zone by 60 digits."""
    if name == "linear":
        return P * hits, 1 - P * hits
    if name == "mean-field":
        return -np.expm1(-P * hits), np.exp(-P * hits)
    if name == "swept-once":
        return P + 0 * hits, 1 - P + 0 * hits
    converted, left = [], []
    with mpmath.workdps(60):
        for prob, behind, a in zip(P, back * P, hits, strict=True):
            q, a = mpmath.mpf(1) - mpmath.mpf(prob), max(mpmath.mpf(a), mpmath.mpf(1))
            lost = 1 - q * (1 - mpmath.mpf(behind))
            A = (1 + mpmath.sqrt(1 + 4 * a * (a - 1) * lost)) / 2
            if lost == 0:
                S = mpmath.mpf(1)
            elif 1 + a - A <= 0 or q == 0:
                S = mpmath.mpf(0)
            else:
                g = mpmath.loggamma
                S = q * mpmath.exp(g(a) + g(1 + a) - g(a + A) - g(1 + a - A))
            converted.append(float(1 - S))
            left.append(float(S))
    return np.array(converted), np.array(left)


def oracle(p: dict[str, np.ndarray], c: dict[str, str]) -> dict[str, np.ndarray]:
    """What `predict` returns, and "doubt": what may be off by, relative, in the source."""
    log_source, doubt = Source(p, c).log_yield()
    x = p["m_chi"] / p["T_p"]
    if c["equilibrium"] == "exact":
        log_n = gas.log_density(x, c["chi_stats"]) - x
    else:
        log_n = gas.log_piecewise_density(x, c["chi_stats"])
    scale = np.log(45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"]))
    available = p["f_chi"] * np.exp(scale + log_n)
    hits = np.exp(log_source - scale - log_n)
    entropy = 2 * np.pi**2 / 45 * p["g_star_s"] * p["T_p"] ** 3
    made = p["P"] * p["f_chi"] * np.exp(log_source)
    if c["dark_matter"] == "input":
        Y_B, Y_chi = made, p["Y_chi_init"] + p["n_chi_at_Tp"] / entropy
    elif c["dark_matter"] == "swept-once":
        Y_B, Y_chi = made, (1 - p["P"]) * p["f_chi"] * np.exp(log_source)
    else:
        if c["closure"] == "two-zone":
            if c["equilibrium"] == "exact":
                log_j = gas.log_flux(x, p["v_w"], c["chi_stats"]) - x
            else:
                log_j = gas.log_piecewise_flux(x, p["v_w"], c["chi_stats"])
            hits = np.exp(log_j - log_n) / p["v_w"]
        converted, left = closure(p["P"], p["P_back_over_P"], hits, c["closure"])
        Y_B, Y_chi = available * converted, available * left
    s_today = 2891e6
    if c["constants"] == "exact":
        T = 2.7255 * 1.380649e-23 / (1.602176634e-19 * 1e9)
        metre = 6.62607015e-34 / (2 * np.pi) * 299792458 / (1.602176634e-19 * 1e9)
        s_today = 2 * np.pi**2 / 45 * 3.909 * (T / metre) ** 3
    return {
        "Y_B": Y_B,
        "Y_chi": Y_chi,
        "rho_B": Y_B * s_today * 1.67262192369e-27,
        "rho_DM": Y_chi * p["m_chi"] * s_today * 1.78266192e-27,
        "mean_hits": hits,
        "per_hit": np.exp(scale + log_n),
        "doubt": doubt,
    }


def combinations() -> list[dict[str, str]]:
    """All choices of the integral, the dark-matter options and constants going round."""
    names = ("area_kernel", "flux", "window", "equilibrium", "chi_stats")
    found, turn, constants = [], itertools.cycle(DARK), itertools.cycle(("published", "exact"))
    for values in itertools.product(KERNELS, FLUXES, WINDOWS, EQUILIBRIA, STATISTICS):
        option, how = next(turn)
        if values[:4] == ("kjma", "moving-wall", "none", "exact"):
            option, how = "occupancy", "two-zone"
        also = {"dark_matter": option, "closure": how, "constants": next(constants)}
        found.append(dict(zip(names, values, strict=True)) | also)
    return found


def compare(tally: Tally, p: dict[str, np.ndarray], c: dict[str, str], label: str) -> None:
    choices = Choices(**c)
    run = jax.jit(jax.vmap(lambda values: predict(Model(Parameters(**values), choices))))
    found = run({name: jnp.asarray(value) for name, value in p.items()})
    good = tally.add_status(found.status, c["dark_matter"] + ", " + c["area_kernel"])
    index = np.flatnonzero(good)
    few = {name: value[index] for name, value in p.items()}
    truth = oracle(few, choices.as_dict())
    stated = np.asarray(found.error_estimate)[index] + truth["doubt"] + 1e-13
    labels = [f"{label} point {i} of {len(good)}: {c}" for i in index]
    # what survives is the rest of what there is: off, relative to itself, by as much of the rest
    lost = p["P"][index] * truth["mean_hits"]
    left = truth["Y_chi"] / np.maximum(few["f_chi"] * truth["per_hit"], SMALLEST)
    # hits of two zones are off by what either flux is, 1e-14, S by as often as it has e-folds
    efolds = np.abs(np.log(np.maximum(left, SMALLEST)))
    widened = {
        "linear": 1 + lost / np.abs(1 - lost),
        "mean-field": 1 + lost,
        "two-zone": 1 + efolds,
    }
    for name in ("Y_B", "Y_chi", "rho_B", "rho_DM", "mean_hits"):
        value = np.asarray(getattr(found, name))[index]
        if name == "mean_hits" and c["closure"] == "two-zone":
            allowed = (1e-12 + truth["doubt"]) * truth[name]
        else:
            allowed = stated * np.abs(truth[name])
        if name == "mean_hits":  # of a source that is no number hits are 0
            allowed = allowed + SMALLEST / np.maximum(truth["per_hit"], SMALLEST)
        if name in ("Y_chi", "rho_DM") and c["dark_matter"] == "occupancy":
            allowed = allowed * widened.get(c["closure"], 1.0)
        # an underflow says that a density is 0 or subnormal, and is returned as it came out
        whole = np.asarray(found.status)[index] == Status.SUCCESS
        seen = (np.abs(truth[name]) > SMALLEST) & whole
        # of less than that nothing but smallness can be told
        allowed = np.where(seen, allowed, np.where(whole, 2 * SMALLEST, np.inf))
        tally.add(name, value, truth[name], allowed, labels)


def published(count: int, seed: int, tally: Tally) -> None:
    """The published grids at random points, against NumPy."""
    from scipy.special import gammainc

    z = np.linspace(0, 30, 1200)
    weight, fraction = z**2 * np.exp(-z), gammainc(4, z)
    names = {"quadrature": "published", "equilibrium": "piecewise"}
    for kernel, flux in itertools.product(KERNELS, FLUXES):
        rng = np.random.default_rng([seed, 7])
        p = draw(rng, max(count // 4, 1))
        c = Choices(area_kernel=kernel, flux=flux, **names)
        run = jax.jit(
            lambda q, c=c: jax.lax.map(lambda values: predict(Model(Parameters(**values), c)), q)
        )
        found = run({name: jnp.asarray(value) for name, value in p.items()})
        good = np.flatnonzero(tally.add_status(found.status, f"published {kernel}"))
        source = Source(p, c.as_dict())
        truth = np.zeros(good.size)
        for j, i in enumerate(good):
            ends = (source.y(i, n[i]) for n in (source.first, source.last))
            y = np.linspace(*ends, 8000)
            u = p["I_p"][i] * np.exp(y)
            area = u * np.exp(-u)
            if kernel == "eq6":
                area = u / 2 * np.trapezoid(weight * np.exp(-u[:, None] * fraction), z, axis=1)
            x = source.mass[i] * np.sqrt(np.maximum(1 + 2 * y / p["beta_over_H"][i], 0.0))
            v = p["v_w"][i] if flux == "moving-wall" else 0.0
            j_of = np.exp(gas.log_piecewise_flux(x, v, "fermion"))
            value = np.trapezoid(area * j_of * np.exp(-((y / p["sigma_y"][i]) ** 2) / 2), y)
            scale = 45 * p["g_chi"][i] / (4 * np.pi**4 * p["g_star_s"][i] * p["v_w"][i])
            truth[j] = p["P"][i] * p["f_chi"][i] * scale * value
        value = np.asarray(found.Y_B)[good]
        labels = [f"seed {seed} published {kernel} {flux} point {i}" for i in good]
        allowed = np.where(truth > SMALLEST, 1e-8 * truth, 2 * SMALLEST)
        tally.add("Y_B on the published grids (1e-8)", value, truth, allowed, labels)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--published", type=int, default=100)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of combinations")
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    tally, begin = Tally("yields by quadrature"), time.perf_counter()
    chosen = combinations()
    share = -(-arguments.points // len(chosen))
    for k, c in enumerate(chosen):
        if arguments.only is not None and k not in arguments.only:
            continue
        p = draw(np.random.default_rng([arguments.seed, k]), share)
        compare(tally, p, c, f"seed [{arguments.seed}, {k}]")
        print(f"{k + 1} of {len(chosen)}: {len(tally.misses)} wrong", file=sys.stderr, flush=True)
    wrong = tally.print()
    if arguments.published:
        grids = Tally("the published grids")
        published(arguments.published, arguments.seed, grids)
        wrong += grids.print()
    print(f"{time.perf_counter() - begin:.0f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

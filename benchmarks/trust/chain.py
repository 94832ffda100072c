"""The whole chain for random models of bundled families: a number, or a status that names a stage.

    python -m benchmarks.trust.chain [--points 1000] [--sample 50] [--seed 1] [--at-once]

Couplings, scales, masses and rates are drawn over decades, with models that have no transition and
rates that make too much χ among them. Every point is one answer of the chain, compiled or at once:
potential → T_p, β/H → f_χ of decays → yields. Of those with a number a sample is done a second way,
without the package: S₃ by shooting (SciPy's dop853, `tests/catalogue`; of the cubic family, which
is one curve, interpolated between shots), I(T) by direct quadrature and its root by Brent's method,
f_χ by SciPy's adaptive quadrature, the yields by the NumPy oracle of `benchmarks.trust.yields`.

"Wrong" is a number further off than the error stated and what the second way is good to, a success
without a finite number, or an exception: exit status 1.
"""

import argparse
import dataclasses
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import k1, kn

import jaxbounce
from benchmarks.trust import yields
from benchmarks.trust.report import Tally
from jaxbounce import Model, Status, predict
from jaxbounce.files.point import configure
from jaxbounce.potential.thermal_models import SEXTIC

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "catalogue"))

from shooting import actions

G_STAR, PLANCK = 106.75, 1.22089e19
GOOD = {"T_p": 1e-7, "beta_over_H": 3e-5, "f_chi": 1e-6, "rho_B": 1e-5}
"""What the second way is good to, relative."""

_DELTAS = (0.2, 1.9)  # between which the cubic is shot; beyond, walls are too thin for it
_POINT: dict[str, Any] = {
    "preset": "exact",
    "m_chi_GeV": 1.0,
    "chi_stats": "classical",
    "v_w": 0.3,
    "P_chi_to_B": 0.1,
    "closure": "mean-field",
    "occupancy": {
        "process": "decay",
        "m_A_GeV": 500.0,
        "Gamma_GeV": 1e-20,
        "statistics": "classical",
    },
}
FAMILIES: dict[str, dict[str, Any]] = {
    "high-T-cubic": {"T_low": 99.0, "T_high": 110.0},
    "dim-6": {"T_low": 20.0, "T_high": 140.0},
}


def base(family: str) -> Model:
    """The chain of a family, at its published point."""
    transition = {"potential": {"model": family}, "expansion": "radiation", **FAMILIES[family]}
    return configure({**_POINT, "transition": transition}).model


def draw(rng: np.random.Generator, family: str) -> tuple[dict[str, float], dict[str, float]]:
    """Parameters of the chain, and of its stage of the potential."""

    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    if family == "high-T-cubic":
        T_0, D, lam = between(1e-2, 1e6), between(0.02, 2.0), between(3e-3, 0.5)
        r = between(3e-3, 1.3)  # E²/λD: beyond 1 the barrier never goes
        E = math.sqrt(r * lam * D)
        T_c = T_0 / math.sqrt(1 - r) if r < 0.95 else 4.5 * T_0
        T = (T_0 + T_c) / 2
        root = 9 * E**2 * T**2 - 8 * lam * D * (T**2 - T_0**2)
        true = (3 * E * T + math.sqrt(max(root, 0.0))) / (2 * lam)
        low = T_0 - 0.5 * (T_c - T_0) if r < 0.95 else 0.1 * T_0
        own = {"D": D, "E": E, "lam": lam, "T_0": T_0}
        place = {"T_low": low, "T_high": T_c + 0.05 * (T_c - T_0), "T_vacua": T, "true": true}
    else:
        own, T_0 = {"f": between(450.0, 1200.0)}, 100.0
        place = {"T_low": 20.0, "T_high": 160.0, "T_vacua": 50.0, "true": 240.0}
    numbers = {
        "m_chi": T_0 * between(1e-3, 5.0),
        "v_w": float(rng.uniform(0.03, 0.97)),
        "P": between(1e-6, 1.0),
        "m_A": T_0 * between(0.3, 30.0),
    }
    # f_χ of 1e-12 to 1, at most too much
    numbers["Gamma"] = between(1e-12, 1.0) * numbers["m_A"] ** 2 * 1.6 * math.sqrt(G_STAR) / PLANCK
    return {**own, **numbers}, place


def placed(model: Model, place: dict[str, float]) -> Model:
    """The model with the temperatures and vacua of a drawn potential."""
    stages = list(model.stages)
    for i, stage in enumerate(stages):
        if "rate" in stage.supplies:
            own = {name: value for name, value in place.items() if name != "true"}
            stages[i] = dataclasses.replace(stage, true_vacuum=jnp.asarray([place["true"]]), **own)
    return dataclasses.replace(model, stages=tuple(stages))


def answers(model: Model) -> dict[str, Any]:
    """What the chain says of one model, the errors of its stages, and its status."""
    known, found = model.known(), predict(model)
    names = ("T_p", "beta_over_H", "f_chi")
    return {
        **{name: known.values[name] for name in names},
        "errors": {name: known.errors[name] for name in names},
        "rho_B": found.rho_B,
        "error_estimate": found.error_estimate,
        "status": found.status,
    }


run = jax.jit(answers)


def cubic_action() -> Any:
    """Ŝ(δ) of V = (x⁴ − 2x³ + δx²/2)/4 in three dimensions, between shots."""

    def shot(delta: float) -> float:
        V = Polynomial([0.0, 0.0, delta / 8, -0.5, 0.25])
        edge = (3 - math.sqrt(9 - 4 * delta)) / 4
        found = actions(V, edge, (3 + math.sqrt(9 - 4 * delta)) / 4)
        assert found is not None
        return math.log(found[0] * (2 - delta) ** 2 / delta**1.5)

    fit = Chebyshev.interpolate(np.vectorize(shot), 28, _DELTAS)
    return lambda delta: np.exp(fit(delta)) * delta**1.5 / (2 - delta) ** 2


def exponent_of(family: str, own: dict[str, float], T_p: float, cubic: Any) -> Any:
    """S₃/T near T_p, or None where there are no shots; only where to look is the package's."""
    if family == "high-T-cubic":

        def delta(T: Any) -> Any:
            return 2 * own["lam"] * own["D"] * (1 - (own["T_0"] / T) ** 2) / own["E"] ** 2

        if not _DELTAS[0] * 1.2 < delta(T_p) < 0.9 * _DELTAS[1]:
            return None
        scale = 2 * own["E"] / own["lam"] ** 1.5
        return lambda T: scale * cubic(np.clip(delta(T), *_DELTAS))
    potential = SEXTIC
    theta = {**potential.parameters, **own}

    def shot(T: float) -> float:
        # V is a polynomial in h²: three values give it
        h = 100.0 * np.arange(1, 4)
        V = [float(potential.potential(jnp.asarray([x]), {**theta, "T": T})) for x in h]
        a, b, c = np.linalg.solve(h[:, None] ** np.array([2, 4, 6]), V)
        square = (-b + np.array([-1, 1]) * math.sqrt(b**2 - 3 * a * c)) / (3 * c)
        top, minimum = np.sqrt(square)
        unit = abs(b) * minimum**4
        scaled = [0, 0, a * minimum**2, 0, b * minimum**4, 0, c * minimum**6]
        found = actions(Polynomial(np.array(scaled) / unit), float(top / minimum), 1.0)
        if found is None:
            raise ValueError("no shot")
        return found[0] * minimum**3 / math.sqrt(unit) / T

    ends = (T_p * 0.995, T_p * 1.02)
    try:
        return Chebyshev.interpolate(np.vectorize(shot), 10, ends)
    except (TypeError, ValueError, IndexError):
        return None


def second_way(
    family: str, own: dict[str, float], T_p: float, cubic: Any
) -> dict[str, float] | None:
    """T_p, β/H, f_χ and ρ_B without the package."""
    exponent = exponent_of(family, own, T_p, cubic)
    if exponent is None:
        return None
    h = 1.66 * math.sqrt(G_STAR) / PLANCK
    x, w = np.polynomial.legendre.leggauss(20)

    def log_I(T: float) -> float:
        hot = T
        while exponent(hot) < exponent(T) + 45 and hot < 1.019 * T_p:
            hot *= 1 + 2e-4
        edges = np.linspace(T, hot, 41)
        half = np.diff(edges)[:, None] / 2
        at = edges[:-1, None] + half * (1 + x)
        S = exponent(at)
        rate = 4 * np.log(at) + 1.5 * np.log(S / (2 * np.pi)) - S
        log_f = rate - 4 * np.log(h) - 6 * np.log(at) + 3 * np.log(1 / T - 1 / at)
        total = np.log((half * w * np.exp(log_f - log_f.max())).sum()) + log_f.max()
        return math.log(4 * np.pi / 3 * own["v_w"] ** 3) + float(total)

    def misses(T: float) -> float:
        return log_I(T) - math.log(0.34)

    near = (T_p * 0.998, T_p * 1.002)
    if not misses(near[0]) > 0 > misses(near[1]):
        return {"T_p": math.nan, "beta_over_H": math.nan, "f_chi": math.nan, "rho_B": math.nan}
    T = float(brentq(misses, *near, xtol=1e-13 * T_p, rtol=1e-14))
    # a step in which S₃/T changes by about 1
    step = 1e-6 * T / abs(float(exponent(T * (1 + 1e-6)) - exponent(T)))
    S = [float(exponent(T + k * step)) for k in (-2, -1, 0, 1, 2)]
    slope = (S[0] - 8 * S[1] + 8 * S[3] - S[4]) / (12 * step)
    beta = -4 - T * slope * (1.5 / S[2] - 1)

    m, mass = own["m_A"], own["m_chi"]
    entropy = 2 * np.pi**2 / 45 * G_STAR

    def per_efold(n: float) -> float:
        t = T * math.exp(n)
        made = own["Gamma"] * m**2 * t / (2 * np.pi**2) * k1(m / t)
        return made / (entropy * t**3 * h * t**2)

    most = math.log(1e4 * max(m / T, 1.0))
    Y = quad(per_efold, 0.0, most, epsabs=0, epsrel=1e-11, limit=400)[0]
    z = mass / T
    density = 2 * T**3 * z**2 * kn(2, z) / (2 * np.pi**2)
    f_chi = Y * entropy * T**3 / density
    given = {
        "T_p": T,
        "m_chi": mass,
        "g_chi": 2.0,
        "beta_over_H": beta,
        "v_w": own["v_w"],
        "I_p": 0.34,
        "g_star": G_STAR,
        "g_star_s": G_STAR,
        "P": own["P"],
        "f_chi": f_chi,
        "sigma_y": 15.0,
        "T_max_over_Tp": 5.0,
        "T_min_over_Tp": 1e-3,
        "y_min": -80.0,
        "y_max": 50.0,
        "P_back_over_P": 1.0,
    }
    choices = {**_CHOICES, "chi_stats": "classical", "closure": "mean-field"}
    rho = yields.oracle({k: np.array([v]) for k, v in given.items()}, choices)["rho_B"]
    return {"T_p": T, "beta_over_H": beta, "f_chi": f_chi, "rho_B": float(rho[0])}


_CHOICES = {
    "area_kernel": "kjma",
    "flux": "moving-wall",
    "window": "none",
    "equilibrium": "exact",
    "dark_matter": "occupancy",
    "constants": "published",
}


def campaign(
    family: str, points: int, first: int, sample: int, seed: int, at_once: bool = False
) -> int:
    """Points of one family; how many are wrong."""
    tally, crashed, model, compared = Tally(family), Counter(), base(family), 0
    cubic = cubic_action() if family == "high-T-cubic" else None
    ask = answers if at_once else run
    start = time.process_time()
    for k in range(first, first + points):
        own, place = draw(np.random.default_rng([seed, k]), family)
        label = f"--first {k} --points 1 --seed {seed}: {own}"
        try:
            found = jax.tree.map(np.asarray, ask(placed(model, place).replace(**own)))
        # a crash of any kind is what is looked for: counted, and exit status 1
        except Exception as error:
            crashed[f"{type(error).__name__}: {error}"[:200]] += 1
            continue
        good = bool(tally.add_status(np.atleast_1d(found["status"]))[0])
        if not good:
            continue
        if not (found["rho_B"] > 0 or int(found["status"]) == Status.UNDERFLOW):
            crashed[f"a success without a number: {label}"] += 1
        truth = None
        if compared < sample and int(found["status"]) == Status.SUCCESS:
            truth = second_way(family, own, float(found["T_p"]), cubic)
        if truth is None:
            continue
        compared += 1
        stated = {name: float(found["errors"][name]) for name in ("T_p", "beta_over_H", "f_chi")}
        stated["rho_B"] = float(found["error_estimate"]) * abs(truth["rho_B"])
        for name, value in truth.items():
            allowed = np.atleast_1d(stated[name] + GOOD[name] * abs(value))
            tally.add(name, np.atleast_1d(found[name]), np.atleast_1d(value), allowed, [label])
    wrong = tally.print()
    seconds = time.process_time() - start
    print(f"  {sum(crashed.values())} crashes {dict(crashed)}; {seconds:.0f} CPU-s")
    return wrong + sum(crashed.values())


def main() -> int:
    """Every family; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", choices=FAMILIES)
    parser.add_argument("--at-once", action="store_true")
    a = parser.parse_args()
    jaxbounce.enable_x64()
    families = [a.family] if a.family else list(FAMILIES)
    points, sample = -(-a.points // len(families)), -(-a.sample // len(families))
    return int(sum(campaign(f, points, a.first, sample, a.seed, a.at_once) for f in families) > 0)


if __name__ == "__main__":
    sys.exit(main())

"""The whole chain of one potential with one field: time, gradients, against CosmoTransitions.

    python benchmarks/chain.py [--points 3] [--no-differences]

Potential → T_p, β/H → f_χ of decays → ρ_B. Printed are CPU seconds (threads of the process
together): of the first value and the first gradient in ∂ρ_B/∂(every coupling), with what is
compiled for them; warm, each at couplings of its own, the least of a few; and of the same chain as
it is done without this package: bounces by CosmoTransitions at 33 temperatures, a spline, I(T) and
yields by plain NumPy and SciPy, one value. Derivatives are compared with central differences
(Richardson) coupling by coupling.
"""

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import kn

import jaxbounce
from benchmarks.trust import yields
from jaxbounce import predict
from jaxbounce.files.point import configure
from jaxbounce.files.transition import EXAMPLE

COUPLINGS = ("D", "E", "lam", "T0")
GIVEN = {"m_chi": 300.0, "v_w": 0.3, "P": 0.15, "m_A": 500.0, "Gamma": 1e-20}
G_STAR, PLANCK = 106.75, 1.22089e19
_STEP = 2e-5  # relative, of differences

TABLE: dict[str, Any] = {
    "preset": "exact",
    "m_chi_GeV": GIVEN["m_chi"],
    "chi_stats": "classical",
    "v_w": GIVEN["v_w"],
    "P_chi_to_B": GIVEN["P"],
    "closure": "mean-field",
    "transition": {
        "potential": {key: value for key, value in EXAMPLE.items() if key != "transition"},
        "T_low": 100.0,
        "T_high": 250.0,
        "expansion": "radiation",
    },
    "occupancy": {
        "process": "decay",
        "m_A_GeV": GIVEN["m_A"],
        "Gamma_GeV": GIVEN["Gamma"],
        "statistics": "classical",
    },
}


def timed(evaluate: Callable[[], Any]) -> tuple[Any, float]:
    """The result, awaited, and CPU seconds."""
    start = time.process_time()
    return jax.block_until_ready(evaluate()), time.process_time() - start


def ours(points: int, differences: bool) -> float:
    """Print times of this package; ρ_B."""
    model = configure(TABLE).model
    at = {name: float(model.value(name)) for name in COUPLINGS}

    def density(values: dict[str, Any]) -> Any:
        return jnp.log(predict(model.replace(**values)).rho_B)

    slope = jax.value_and_grad(density)

    def nearby(k: int) -> dict[str, float]:
        # what is solved at a point is kept: each time another one
        return {name: value * (1 + 1e-4 * k) for name, value in at.items()}

    first, of_value = timed(lambda: density(at))
    _, of_slope = timed(lambda: slope(nearby(1)))
    print(f"  first value {of_value:.1f} s, first gradient after it {of_slope:.1f} s")
    value = min(timed(lambda k=k: density(nearby(k)))[1] for k in range(2, 2 + points))
    both = min(timed(lambda k=k: slope(nearby(k)))[1] for k in range(22, 22 + points))
    print(f"  warm: value {value:.2f} s, with derivatives {both:.2f} s: {both / value:.2f} x")
    if differences:
        _, found = slope(at)
        worst = 0.0
        for name in COUPLINGS:
            ends = [
                (float(density({**at, name: at[name] * (1 + k * _STEP)})), k)
                for k in (-2, -1, 1, 2)
            ]
            (a, _), (b, _), (c, _), (d, _) = ends
            expected = (8 * (c - b) - (d - a)) / 12 / _STEP
            off = abs(float(found[name]) * at[name] / expected - 1)
            worst = max(worst, off)
            print(f"    d ln rho_B/d ln {name:4} {expected:14.8g}   derivative off by {off:.1e}")
        print(f"  largest difference {worst:.1e}")
    return math.exp(float(first))


def without() -> float | None:
    """The same number by CosmoTransitions, NumPy and SciPy; None where it is not installed."""
    try:
        from cosmoTransitions.tunneling1D import SingleFieldInstanton
    except ImportError:
        print("  CosmoTransitions is not installed: pip install 'jaxbounce[bench]'")
        return None
    theta = EXAMPLE["parameters"]
    D, E, lam, T_0 = (theta[name] for name in COUPLINGS)

    def exponent(T: float) -> float:
        def V(x: Any) -> Any:
            return D * (T**2 - T_0**2) * x**2 - E * T * x**3 + lam / 4 * x**4

        def dV(x: Any) -> Any:
            return 2 * D * (T**2 - T_0**2) * x - 3 * E * T * x**2 + lam * x**3

        root = math.sqrt(9 * E**2 * T**2 - 8 * lam * D * (T**2 - T_0**2))
        one = SingleFieldInstanton((3 * E * T + root) / (2 * lam), 0.0, V, dV, alpha=2)
        return float(one.findAction(one.findProfile())) / T

    T_c = T_0 / math.sqrt(1 - E**2 / (lam * D))
    # where I goes from nothing to all
    low, high = (
        root_of(lambda T, S=S: exponent(T) - S, T_0 * 1.002, T_c * 0.998) for S in (90, 220)
    )
    T = np.linspace(low, high, 33)
    spline = CubicSpline(T, [exponent(t) for t in T])
    h = 1.66 * math.sqrt(G_STAR) / PLANCK
    fine = np.linspace(low, high, 4001)
    S = spline(fine)
    gamma = np.exp(4 * np.log(fine) + 1.5 * np.log(S / (2 * np.pi)) - S)

    def volume(t: float) -> float:
        hot = fine > t
        kernel = gamma[hot] / (h * fine[hot] ** 6) * ((1 / t - 1 / fine[hot]) / h) ** 3
        return 4 * np.pi / 3 * GIVEN["v_w"] ** 3 * float(np.trapezoid(kernel, fine[hot]))

    T_p = root_of(lambda t: math.log(volume(t) / 0.34), fine[5], fine[3500])
    s, slope = float(spline(T_p)), float(spline(T_p, 1))
    beta = -4 - T_p * slope * (1.5 / s - 1)
    f_chi = _occupancy(T_p, h)
    given = {
        "T_p": T_p,
        "beta_over_H": beta,
        "f_chi": f_chi,
        "g_chi": 2.0,
        "I_p": 0.34,
        **{name: GIVEN[name] for name in ("m_chi", "v_w", "P")},
        "g_star": G_STAR,
        "g_star_s": G_STAR,
        "sigma_y": 15.0,
        "P_back_over_P": 1.0,
        "T_max_over_Tp": 5.0,
        "T_min_over_Tp": 1e-3,
        "y_min": -80.0,
        "y_max": 50.0,
    }
    choices = {
        "area_kernel": "kjma",
        "flux": "moving-wall",
        "window": "none",
        "equilibrium": "exact",
        "dark_matter": "occupancy",
        "constants": "published",
        "chi_stats": "classical",
        "closure": "mean-field",
    }
    found = yields.oracle({name: np.array([v]) for name, v in given.items()}, choices)
    print(f"  T_p = {T_p:.6f} GeV, beta/H = {beta:.4f}")
    return float(found["rho_B"][0])


def root_of(f: Callable[[float], float], low: float, high: float) -> float:
    """Where f vanishes."""
    return float(np.asarray(brentq(f, low, high)))


def _occupancy(T_p: float, h: float) -> float:
    """f_χ of decays of a Maxwell–Boltzmann particle, χ likewise."""
    m, entropy = GIVEN["m_A"], 2 * np.pi**2 / 45 * G_STAR

    def per_efold(n: float) -> float:
        t = T_p * math.exp(n)
        made = GIVEN["Gamma"] * m**2 * t / (2 * np.pi**2) * float(kn(1, m / t))
        return made / (entropy * t**3 * h * t**2)

    Y = quad(per_efold, 0.0, 12.0, epsabs=0, epsrel=1e-10, limit=400)[0]
    z = GIVEN["m_chi"] / T_p
    density = 2 * T_p**3 * z**2 * float(kn(2, z)) / (2 * np.pi**2)
    return Y * entropy * T_p**3 / density


def main() -> None:
    """Times of both, in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=3)
    parser.add_argument("--no-differences", action="store_true")
    a = parser.parse_args()
    jaxbounce.enable_x64()
    print("jaxbounce")
    rho = ours(a.points, not a.no_differences)
    print("CosmoTransitions, NumPy, SciPy")
    other, seconds = timed(without)
    if other is not None:
        print(
            f"  a value {seconds:.2f} s; rho_B {other:.8e}, ours {rho:.8e}: {other / rho - 1:.1e}"
        )


if __name__ == "__main__":
    main()

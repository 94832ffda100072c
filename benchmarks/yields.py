"""Yields: points per second and error of three evaluations, in one run on the same points.

    python benchmarks/yields.py [--points 100000] [--only-degrees]

1. the published evaluation rendered in NumPy/SciPy: 8000 × 1200 grids, trapezoid;
2. a good vectorised NumPy quadrature at our accuracy: composite Gauss–Legendre over the
   window, F(u) from a degree-7 spline in ln u made once, many points at once;
3. jaxbounce: one point, a batch, a batch with the gradient in eight parameters.
4. jaxbounce with g_*(T) beside constant g_*, in turns, by the time of the processor.

Errors are against a brute-force NumPy quadrature, with g_*(T) against that of the tests, which has
a clock of its own. Times are the best of several runs after a warm-up, with the result awaited.
"""

import argparse
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.special import gammainc

import jaxbounce
from jaxbounce.files.point import BENCHMARK
from jaxbounce.percolation.later_bubbles import by_quadrature, later_bubble_integral

PARAMETERS = {
    "I_p": (0.1, 1.0),
    "sigma_y": (2.0, 12.0),
    "beta_over_H": (20.0, 2000.0),
    "v_w": (0.1, 0.9),
    "P": (0.01, 0.9),
    "f_chi": (1e-10, 1e-6),
    "m_chi": (0.1, 2.0),
    "T_p": (50.0, 200.0),
}
FLUX_OVER_ENTROPY = 9.753745919142641e-4  # ¼ n/s of massless fermions, g = 2, g_*s = 106.75


def draw(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {n: rng.uniform(*ends, count) for n, ends in PARAMETERS.items()}


def limits(B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(B / 2 * (1 / 25 - 1), -80.0), np.minimum(B / 2 * (1e6 - 1), 50.0)


def prefactor(p: dict[str, np.ndarray]) -> np.ndarray:
    return p["P"] * p["f_chi"] / p["v_w"] * FLUX_OVER_ENTROPY


def published(p: dict[str, np.ndarray]) -> np.ndarray:
    """One point at a time, as the published script does."""
    z = np.linspace(0, 30, 1200)
    base, fraction = z**2 * np.exp(-z), gammainc(4, z)
    results = []
    for I_p, sigma, B in zip(p["I_p"], p["sigma_y"], p["beta_over_H"], strict=True):
        y = np.linspace(*limits(B), 8000)
        u = I_p * np.exp(y)
        area = u / 2 * np.trapezoid(base * np.exp(-u[:, None] * fraction), z, axis=1)
        results.append(np.trapezoid(area * np.exp(-((y / sigma) ** 2) / 2), y))
    return np.array(results) * prefactor(p)


def tabulated_integral():
    """ln F(u) as a spline in ln u, good to 1e-12 for u in 1e-15…1e25."""
    ln_u = np.linspace(np.log(1e-15), np.log(1e25), 3000)
    return make_interp_spline(ln_u, np.log(by_quadrature(np.exp(ln_u), 0, np)), k=7)


LN_F = tabulated_integral()


def vectorised(p: dict[str, np.ndarray], panels: int = 14, nodes: int = 16) -> np.ndarray:
    """Composite Gauss–Legendre on ±8σ and where eq. (6) shifts the peak, many points at once."""
    t, weight = np.polynomial.legendre.leggauss(nodes)
    sigma = p["sigma_y"][:, None]
    lower, upper = (edge[:, None] for edge in limits(p["beta_over_H"]))
    lower = np.maximum(lower, -8 * sigma)
    upper = np.minimum(upper, 8 * sigma + sigma**2 / 4)
    share = ((np.arange(panels)[:, None] + (1 + t) / 2) / panels).ravel()
    y = lower + (upper - lower) * share
    ln_u = np.maximum(np.log(p["I_p"])[:, None] + y, np.log(1e-15))
    area = np.exp(np.log(p["I_p"])[:, None] + y + LN_F(ln_u)) / 2
    weights = np.tile(weight / (2 * panels), panels)
    integral = (area * np.exp(-((y / sigma) ** 2) / 2)) @ weights
    return integral * (upper - lower)[:, 0] * prefactor(p)


def brute_force(p: dict[str, np.ndarray], panels: int) -> np.ndarray:
    """The same integral on the whole range, F(u) from its definition."""
    t, weight = np.polynomial.legendre.leggauss(20)
    lower, upper = (edge[:, None] for edge in limits(p["beta_over_H"]))
    share = ((np.arange(panels)[:, None] + (1 + t) / 2) / panels).ravel()
    y = lower + (upper - lower) * share
    u = p["I_p"][:, None] * np.exp(y)
    integrand = u / 2 * by_quadrature(u, 0, np) * np.exp(-((y / p["sigma_y"][:, None]) ** 2) / 2)
    return integrand @ np.tile(weight / (2 * panels), panels) * (upper - lower)[:, 0] * prefactor(p)


def seconds(function, repeats: int = 5) -> float:
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - start)
    return min(times)


def error(values, reference) -> float:
    return float(np.max(np.abs(np.asarray(values) / reference - 1)))


def with_changing_degrees(count: int = 1024, rounds: int = 12, checked: int = 40) -> None:
    """A point of a batch with g_*(T) of the Standard Model, and with constant g_*."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "catalogue"))
    import clock_reference  # pyright: ignore[reportMissingImports]
    import yield_reference  # pyright: ignore[reportMissingImports]

    points = draw(count)
    arrays = {n: jnp.asarray(v) for n, v in points.items()}
    oracles = {"constant": yield_reference.log_yield, "standard-model": clock_reference.log_yield}
    for preset in ("benchmark", "exact"):
        runs, errors, best = {}, {}, dict.fromkeys(oracles, np.inf)
        for g_star, log_yield in oracles.items():
            keys = {} if g_star == "constant" else {"g_star": g_star}
            model = jaxbounce.load(BENCHMARK, preset=preset, **keys)
            runs[g_star] = jax.jit(
                jax.vmap(lambda p, m=model: jaxbounce.predict(m.replace(**p)).Y_B)
            )
            found = np.asarray(runs[g_star](arrays))
            fixed = {n: float(model.value(n)) for n in ("g_chi", "T_max_over_Tp", "T_min_over_Tp")}
            fixed |= {"y_min": -80.0, "y_max": 50.0, "g_star_s": 106.75}
            reference = []
            for i in range(checked):
                p = fixed | {n: float(v[i]) for n, v in points.items()}
                scale = p["P"] * p["f_chi"]
                reference.append(scale * np.exp(log_yield(p, model.choices.as_dict())))
            errors[g_star] = error(found[:checked], np.array(reference))
        for _ in range(rounds):
            for g_star, run in runs.items():
                start = time.process_time()
                jax.block_until_ready(run(arrays))
                best[g_star] = min(best[g_star], time.process_time() - start)
        for g_star, seconds_ in best.items():
            print(
                f"{preset:10} {g_star:15} {seconds_ / count * 1e6:8.2f} CPU us a point,"
                f" max error {errors[g_star]:.1e}"
            )
        print(f"{preset}: g_*(T) costs {best['standard-model'] / best['constant']:.2f} x constant")


def main() -> None:
    parser = argparse.ArgumentParser(description="Yields: points per second and error.")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--only-degrees", action="store_true", help="the fourth comparison alone")
    arguments = parser.parse_args()
    count = arguments.points
    jaxbounce.enable_x64()
    if arguments.only_degrees:
        with_changing_degrees()
        return
    points = draw(count)
    few = {n: v[:200] for n, v in points.items()}
    reference = brute_force(few, 120)
    check = brute_force(few, 80)
    print(f"JAX {jax.__version__} on {jax.devices()[0]}; {count} points, float64")
    print(f"reference: two brute-force meshes agree to {error(check, reference):.1e}\n")
    print(f"{'evaluation':46} {'points/s':>12} {'max error':>10} {'× published':>12}")
    baseline = 0.0

    def row(name: str, rate: float, worst: float) -> None:
        print(f"{name:46} {rate:12.4g} {worst:10.1e} {rate / baseline:12.4g}", flush=True)

    three = {n: v[:3] for n, v in points.items()}
    baseline = 3 / seconds(lambda: published(three), 2)
    row("published grids, NumPy", baseline, error(published(three), reference[:3]))
    rate = 200 / seconds(lambda: vectorised(few), 3)
    row("vectorised Gauss-Legendre, NumPy", rate, error(vectorised(few), reference))

    model = jaxbounce.load(BENCHMARK, preset="benchmark")
    arrays = {n: jnp.asarray(v) for n, v in points.items()}

    def yield_of(p, base=model):
        return jaxbounce.predict(base.replace(**p)).Y_B

    single = jax.jit(yield_of)
    one = {n: v[0] for n, v in arrays.items()}
    row("jaxbounce, one point a call", 1 / seconds(lambda: single(one), 50), 0.0)
    rates = {}
    for name, base in (
        ("benchmark (eq6, piecewise)", model),
        ("eq6, exact equilibrium", model.choose(equilibrium="exact")),
        ("kjma, piecewise", model.choose(area_kernel="kjma")),
        ("exact preset (kjma, moving wall)", jaxbounce.load(BENCHMARK, preset="exact")),
    ):
        for chunk in (4096, count):
            mapped = jax.jit(
                lambda a, b=base, c=chunk: jax.lax.map(
                    lambda p: yield_of(p, b), a, batch_size=min(c, count)
                )
            )
            worst = error(mapped(arrays)[:200], reference) if base is model else np.nan
            rate = count / seconds(lambda f=mapped: f(arrays), 3)
            rates[name, chunk] = rate
            row(f"batch of {chunk}: {name}", rate, worst)
    gradient = jax.jit(lambda a: jax.lax.map(jax.value_and_grad(yield_of), a, batch_size=4096))
    rate = count / seconds(lambda: gradient(arrays), 3)
    row("batch of 4096: value and gradient (8), benchmark", rate, np.nan)
    ratio = rates["benchmark (eq6, piecewise)", 4096] / rate
    print(f"\nvalue and full gradient cost {ratio:.2f} values")

    u = jnp.asarray(np.logspace(-5, 20, 200_000))
    fast = jax.jit(later_bubble_integral)
    slow = jax.jit(by_quadrature)
    gain = seconds(lambda: slow(u), 3) / seconds(lambda: fast(u), 3)
    print(
        f"F(u): polynomials {gain:.1f} times the speed of Gauss-Legendre,"
        f" agreeing to {error(fast(u), np.asarray(slow(u))):.1e}"
    )
    with_changing_degrees()


if __name__ == "__main__":
    main()

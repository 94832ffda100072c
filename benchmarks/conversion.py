"""Exact two-level propagation: jaxbounce against QuTiP, in one run on the same walls.

    python benchmarks/conversion.py [--momenta 10000] [--opponents 20]

The wall is the linear-tanh one whose P is known in closed form. QuTiP's solver (dop853 and
vern9) is made once for each tolerance and run at the loosest at which its error is no larger than
ours; its time is measured over some speeds and scaled to all of them. Its coefficients are
compiled where Cython, setuptools, filelock and a C compiler are installed, and evaluated by
Python where not; which of the two is printed. Times are the best of several runs after a
warm-up, with the result awaited.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import qutip

import jaxbounce
from jaxbounce.conversion import FullWave, TwoLevelPropagation
from jaxbounce.conversion.wall import Couplings, TanhWall

LAM, WIDTH, REACH = 0.209, 1.5, 30.0


def closed_form(v: np.ndarray) -> np.ndarray:
    """P_ad = 1 − P_c of the linear-tanh wall, SPEC A.6(2)."""

    def log_sinh(x: np.ndarray) -> np.ndarray:
        return x + np.log1p(-np.exp(-2 * x)) - np.log(2)

    start, end = np.array([0, -1.2]), np.array([1.7 * LAM, 0.85])
    before, after = 2 * np.hypot(*start), 2 * np.hypot(*end)
    B, T = np.hypot(*(end - start)), WIDTH / v
    exponent = (
        log_sinh(np.pi * T * (2 * B + after - before) / 4)
        + log_sinh(np.pi * T * (2 * B - after + before) / 4)
        - log_sinh(np.pi * T * before / 2)
        - log_sinh(np.pi * T * after / 2)
    )
    return -np.expm1(exponent)


def eigenstates(xi: float) -> tuple[qutip.Qobj, qutip.Qobj]:
    """Lower and upper state of the wall at ξ; they are those of all speeds."""
    share = (1 + np.tanh(xi / WIDTH)) / 2
    half = (1.7 * share - 2.4 * (1 - share)) / 2
    H = half * qutip.sigmaz() + LAM * 1.7 * share * qutip.sigmax()
    return tuple(H.eigenstates()[1])


def hamiltonian() -> qutip.QobjEvo:
    """H of any speed, made once."""
    H = [
        [qutip.sigmaz() / 2, "(0.85 * (1 + tanh(t / L)) - 1.2 * (1 - tanh(t / L))) / v"],
        [qutip.sigmax(), "lam * 0.85 * (1 + tanh(t / L)) / v"],
    ]
    return qutip.QobjEvo(H, args={"L": WIDTH, "v": 0.3, "lam": LAM})


def coefficients() -> str:
    """How QuTiP evaluates them here."""
    needed = ("Cython", "setuptools", "filelock")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    return f"by Python's eval (no {', '.join(missing)})" if missing else "compiled by Cython"


def by_qutip(
    H: qutip.QobjEvo, method: str, tolerance: float, speeds: np.ndarray
) -> tuple[float, np.ndarray]:
    """Seconds a speed and P_ad between the eigenstates at −REACH and REACH."""
    options = {
        "method": method,
        "atol": tolerance,
        "rtol": tolerance,
        "nsteps": 1_000_000,
        "progress_bar": None,
        "store_states": False,
        "store_final_state": True,
    }
    solver = qutip.SESolver(H, options=options)
    # inside, χ is the upper state; outside, B is
    start, end = eigenstates(-REACH)[1], eigenstates(REACH)[1]
    begun = time.perf_counter()
    runs = [solver.run(start, [-REACH, REACH], args={"v": float(v)}) for v in speeds]
    each = (time.perf_counter() - begun) / speeds.size
    return each, np.array([abs(end.overlap(run.final_state)) ** 2 for run in runs])


def at_error(
    H: qutip.QobjEvo, method: str, speeds: np.ndarray, exact: np.ndarray, wanted: float
) -> tuple[float, float, float]:
    """Loosest tolerance at which QuTiP errs no more than `wanted`, seconds a call, its error."""
    tolerance, each, error = 1e-3, np.inf, np.inf
    while error > wanted and tolerance > 1e-13:
        tolerance /= 10
        each, found = min(
            (by_qutip(H, method, tolerance, speeds) for _ in range(2)), key=lambda run: run[0]
        )
        error = float(np.abs(found - exact).max())
    return tolerance, each, error


def best(run: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--momenta", type=int, default=10_000)
    parser.add_argument("--opponents", type=int, default=20)
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    v = np.geomspace(0.1, 0.9, arguments.momenta)
    exact = closed_form(v)
    # made here: before float64 is on, its numbers would be rounded
    wall, couplings, H = TanhWall(2.4, 1.7, WIDTH), Couplings(lam=LAM), hamiltonian()
    print(f"{jax.devices()[0].device_kind}, JAX {jax.__version__}, QuTiP {qutip.__version__}")
    print(f"QuTiP's coefficients: {coefficients()}")

    few = np.linspace(0, v.size - 1, arguments.opponents).astype(int)
    for steps in (128, 256, 512):
        model = TwoLevelPropagation(steps=steps)

        def P(speed: jax.Array, model: TwoLevelPropagation = model) -> jax.Array:
            return model.probability(wall, couplings, speed).P

        # in chunks that stay in the cache
        single, batch = jax.jit(P), jax.jit(lambda v, P=P: jax.lax.map(P, v, batch_size=64))
        compiled = time.perf_counter()
        ours = np.asarray(batch(v))
        compiled = time.perf_counter() - compiled
        error = float(np.abs(ours - exact).max())
        one = best(lambda f=single: f(jnp.asarray(0.3)), 20)
        many = best(lambda f=batch: f(v))
        rate = v.size / many
        print(
            f"jaxbounce {steps:4} steps: error {error:.1e}, single {one * 1e3:.3f} ms, batched"
            f" {rate:.3g} propagations/s, compiled in {compiled:.1f} s"
        )
        for method in ("dop853", "vern9"):
            tolerance, each, theirs = at_error(H, method, v[few], exact[few], max(error, 1e-12))
            print(
                f"  qutip {method:7} tolerance {tolerance:.0e}: error {theirs:.1e},"
                f" {each * 1e3:.2f} ms each; ours single x{each / one:.0f},"
                f" batched x{each * rate:.0f}"
            )
    gradient = jax.jit(
        jax.vmap(
            jax.grad(
                lambda x: (
                    TwoLevelPropagation()
                    .probability(TanhWall(2.4, 1.7, x[1]), Couplings(lam=x[0]), x[2])
                    .P
                )
            )
        )
    )
    points = jnp.stack([jnp.full_like(v, LAM), jnp.full_like(v, WIDTH), jnp.asarray(v)], axis=1)
    value = jax.jit(
        jax.vmap(
            lambda x: (
                TwoLevelPropagation()
                .probability(TanhWall(2.4, 1.7, x[1]), Couplings(lam=x[0]), x[2])
                .P
            )
        )
    )
    jax.block_until_ready((gradient(points[:1000]), value(points[:1000])))
    ratio = best(lambda: gradient(points[:1000])) / best(lambda: value(points[:1000]))
    print(f"value and gradient in (lambda, width, v) over the value: x{ratio:.2f}")
    wave = FullWave("scalar", 48)
    scatter = jax.jit(jax.vmap(lambda K: wave.on_wall(wall, couplings, K).T_B))
    K = jnp.linspace(0.2, 6.0, 1000)
    jax.block_until_ready(scatter(K))
    print(f"full wave, 48 steps: {1000 / best(lambda: scatter(K)):.3g} momenta/s")


if __name__ == "__main__":
    main()

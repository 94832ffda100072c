"""Bounces: time, throughput and error, against CosmoTransitions where it is installed.

    python benchmarks/bounce.py [--batch 256] [--collocation]

For each potential: seconds to compile, milliseconds a solve when warm (action only, and
action with gradient), solves a second in a batch, and the error against the reference
action (spectral elements and solve_bvp; tests/bounces.py). Times are the best of several
runs with the result awaited. CosmoTransitions is timed on the same potentials with its
default settings if it can be imported, else the columns say so.

`--collocation` solves the published wall instead as it was published, in a box of radius
100: SciPy's solve_bvp and continuation in g. It begins at g = 0.5 with a tanh wall (at g = 0
there is no bounce), on a mesh uniform in ln r, which is kinder to it than the published run.
"""

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_bvp

import jaxbounce
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential.library import (
    Portal,
    Z2Portal,
    cubic_quartic,
    portal,
    quartic_well,
    z2_portal,
)
from jaxbounce.potential.vacua import Potential


class Case(NamedTuple):
    """A potential, its vacua, and its reference action."""

    name: str
    potential: Potential
    theta: Any
    false: list[float]
    true: list[float]
    dimension: int
    action: float


WELL_8 = [0.2434, 0.5233, 0.34234, 0.4747, 0.234808, 0.57023, 0.138912, 0.51723, 0.658889]

CASES = [
    Case("1 field, O(3)", cubic_quartic, 0.8, [0.0], [1.352], 3, 2.7129562808827132),
    Case("1 field, O(4), thin", cubic_quartic, 1.95, [0.0], [1.024], 4, 129407.74164029733),
    Case(
        "2 fields, O(3)", quartic_well, [1.8, 0.2, 0.3], [0.0] * 2, [1.0] * 2, 3, 20.83633374657814
    ),
    Case(
        "2 fields, O(4)",
        z2_portal,
        Z2Portal(0.8712526370882772, 0.712531536216992, 7.00768635576678),
        [0.0, 0.8712526370882772],
        [1.0, 0.0],
        4,
        984.9052307883203,
    ),
    Case("8 fields, O(3)", quartic_well, WELL_8, [0.0] * 8, [1.0] * 8, 3, 46.005582212908394),
    Case(
        "published wall, O(4)",
        portal,
        Portal(),
        [0.0, -np.sqrt(3.0)],
        [99 / 42, 0.0],
        4,
        1074.0283785785675,
    ),
]


def as_arrays(theta: Any) -> Any:
    return jnp.asarray(theta) if isinstance(theta, list) else jax.tree.map(jnp.asarray, theta)


def seconds(function: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - start)
    return min(times)


def cosmotransitions(case: Case) -> tuple[float, float] | None:
    """Seconds and action, or None where CosmoTransitions cannot be imported."""
    try:
        from cosmoTransitions.pathDeformation import fullTunneling
        from cosmoTransitions.tunneling1D import SingleFieldInstanton
    except ImportError:
        return None
    theta = as_arrays(case.theta)
    value = jax.jit(jax.vmap(lambda p: case.potential(p, theta)))
    slope = jax.jit(jax.vmap(jax.grad(lambda p: case.potential(p, theta))))

    def V(x):
        x = np.asarray(x)
        return np.asarray(value(x.reshape(-1, len(case.false)))).reshape(x.shape[:-1])

    def dV(x):
        x = np.asarray(x)
        return np.asarray(slope(x.reshape(-1, len(case.false)))).reshape(x.shape)

    def run() -> float:
        if len(case.false) > 1:
            # it says every iteration of its path
            with contextlib.redirect_stdout(io.StringIO()):
                result = fullTunneling(
                    np.array([case.true, case.false]),
                    V,
                    dV,
                    tunneling_init_params={"alpha": case.dimension - 1},
                )
            return float(result.action)
        one = SingleFieldInstanton(
            case.true[0],
            case.false[0],
            lambda x: V(np.asarray(x)[..., None]),
            lambda x: dV(np.asarray(x)[..., None])[..., 0],
            alpha=case.dimension - 1,
        )
        return float(one.findAction(one.findProfile()))

    try:
        action = run()
    except Exception as error:  # whatever the opponent raises is its result
        print(f"    CosmoTransitions fails: {type(error).__name__}: {error}")
        return None
    start = time.perf_counter()
    run()
    return time.perf_counter() - start, action


BOX = 100.0
BOX_ACTION = 1078.2274738  # caseA_box_rmax100_dirichlet of tests/test_bounce_wall.py


def by_collocation(tolerance: float, steps: int) -> float:
    """The action of the published wall in its box, by solve_bvp from g = 0.5 up."""
    p = jax.tree.map(float, Portal())
    v, far = 99 / 42, -np.sqrt(3.0)

    def field_equations(g: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        def f(r, y):
            Phi, phi, dPhi, dphi = y
            force = p.lam_Phi * Phi * (Phi**2 - v**2) + 2 * p.b * Phi + 2 * g * Phi * phi**2
            push = p.lam * phi * (phi**2 - 1) - 2 * p.mu_squared * phi + 2 * g * Phi**2 * phi
            return np.vstack([dPhi, dphi, force - 3 / r * dPhi, push - 3 / r * dphi])

        return f

    def ends(inner, outer):
        return np.array([inner[2], inner[3], outer[0], outer[1] - far])

    r = np.geomspace(1e-9, BOX, 1500)
    t, slope = np.tanh((r - 5.7) / 1.5), 1 / np.cosh((r - 5.7) / 1.5) ** 2 / 3
    y = np.vstack([v * (1 - t) / 2, far * (1 + t) / 2, -v * slope, far * slope])
    profile = None
    for g in np.linspace(0.5, 2.313019, steps):
        found = solve_bvp(field_equations(g), ends, r, y, tol=tolerance, max_nodes=200_000)
        if not found.success:
            return np.nan
        r, y = found.x, found.y
        profile = found.sol
    assert profile is not None
    # eight points an interval of the mesh for the integral
    share = np.linspace(0.0, 1.0, 9)[:-1]
    r = np.append((r[:-1, None] + np.diff(r)[:, None] * share).ravel(), r[-1])
    Phi, phi, dPhi, dphi = profile(r)
    value = jax.vmap(lambda field: portal(field, p))
    V = value(jnp.stack([Phi, phi], -1)) - portal(jnp.array([0.0, far]), p)
    return float(np.trapezoid(2 * np.pi**2 * r**3 * ((dPhi**2 + dphi**2) / 2 + V), r))


def compare_collocation() -> None:
    def action(theta):
        return solve_bounce(portal, theta, [0.0, -np.sqrt(3.0)], [99 / 42, 0.0], r_max=BOX).action

    theta = as_arrays(Portal())
    compiled = jax.jit(action).lower(theta).compile()
    error, ours = float(compiled(theta)) / BOX_ACTION - 1, seconds(lambda: compiled(theta), 20)
    print(f"published wall in a box of {BOX:g}: {1e3 * ours:.2f} ms, error {error:.0e}")
    start = time.perf_counter()
    error = by_collocation(1e-3, 10) / BOX_ACTION - 1
    took = time.perf_counter() - start
    print(
        f"solve_bvp, 10 steps in g: {took:.2f} s, error {error:.0e}, {took / ours:.0f} times ours"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Bounces: time, throughput and error.")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--collocation", action="store_true")
    arguments = parser.parse_args()
    count = arguments.batch
    jaxbounce.enable_x64()
    if arguments.collocation:
        compare_collocation()
        return
    print(f"JAX {jax.__version__} on {jax.devices()[0]}; float64; batches of {count}\n")
    print(
        f"{'potential':22} {'compile s':>9} {'ms':>7} {'ms+grad':>8} {'batch/s':>8} {'error':>8}"
        f" | {'CosmoTransitions ms':>19} {'error':>8} {'ratio':>6}"
    )
    for case in CASES:
        theta = as_arrays(case.theta)

        def action(theta, case=case):
            return solve_bounce(case.potential, theta, case.false, case.true, case.dimension).action

        start = time.perf_counter()
        single = jax.jit(action).lower(theta).compile()
        compiling = time.perf_counter() - start
        S = float(single(theta))
        warm = seconds(lambda f=single, t=theta: f(t), 20)
        gradient = jax.jit(jax.value_and_grad(action)).lower(theta).compile()
        both = seconds(lambda f=gradient, t=theta: f(t), 20)
        spread = jnp.linspace(0.999, 1.001, count)
        many = jax.tree.map(lambda x, s=spread: s[(..., *[None] * x.ndim)] * x, theta)
        mapped = jax.jit(lambda t, f=action: jax.lax.map(f, t, batch_size=16))
        jax.block_until_ready(mapped(many))
        rate = count / seconds(lambda f=mapped, t=many: f(t), 2)
        line = (
            f"{case.name:22} {compiling:9.1f} {1e3 * warm:7.2f} {1e3 * both:8.2f} {rate:8.0f}"
            f" {abs(S / case.action - 1):8.0e} |"
        )
        other = cosmotransitions(case)
        if other is None:
            print(f"{line} {'not available':>19}", flush=True)
        else:
            took, theirs = other
            print(
                f"{line} {1e3 * took:19.1f} {abs(theirs / case.action - 1):8.0e}"
                f" {took / warm:6.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

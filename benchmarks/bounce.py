"""Bounces: time, throughput and error, against CosmoTransitions where it is installed.

    python benchmarks/bounce.py [--batch 256]

For each potential: seconds to compile, milliseconds a solve when warm (action only, and
action with gradient), solves a second in a batch, and the error against the reference
action (spectral elements and solve_bvp; tests/bounces.py). Times are the best of several
runs with the result awaited. CosmoTransitions is timed on the same potentials with its
default settings if it can be imported, else the columns say so.
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

import jaxbounce
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential import (
    Portal,
    Potential,
    Z2Portal,
    cubic_quartic,
    portal,
    quartic_well,
    z2_portal,
)


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Bounces: time, throughput and error.")
    parser.add_argument("--batch", type=int, default=256)
    count = parser.parse_args().batch
    jaxbounce.enable_x64()
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

"""The Levenberg–Marquardt of fits against optimistix's: time to compile, to run, error at the end.

    python benchmarks/least_squares.py

All get 16 starts at once of the same problem and differentiate the model forward. optimistix runs
bare, with less to do than a fit asks for (ln ω alone, no bounds, no derivatives at the end), and
in place of ours, with all of it.

Measured twice on two cores, optimistix 0.1.0, relative to ours: in place, 2.0 to 2.1 times the
time to compile and 10 to 15 times that to run for f_chi, 1.6 to 1.7 and 1.7 to 1.8 times for
(f_chi, P); bare, 1.2 to 1.3 times the time to compile and 0.8 to 1.5 times that to run. All starts
of all of them reach the data to 5e-15. Hence fits keep their own.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optimistix

import jaxbounce
from jaxbounce.inference import likelihood
from jaxbounce.inference.fitting import make_problem, starting_points
from jaxbounce.inference.least_squares import MAX_STEPS, minimise
from jaxbounce.inference.problem import Problem
from jaxbounce.model.densities import predict

STARTS = 16
REPEATS = 5


def ours(problem: Problem, starts: Any) -> Any:
    none = jnp.zeros(len(problem.names), bool)
    ends = jax.vmap(lambda start: minimise(problem, start, none))(starts)
    return ends.q, (ends.residuals, ends.jacobian)


def theirs(problem: Problem, starts: Any) -> Any:
    """Bare: in ln ω only, without bounds; the end is not evaluated."""

    def residuals(q: Any, problem: Problem) -> Any:
        omega = problem.data.predicted(predict(problem.at(q)))
        mean = problem.data.mean
        return problem.data.whitening @ (mean * jnp.log(omega / mean))

    return jax.vmap(lambda start: _solve(residuals, start, problem))(starts), None


def theirs_in_place(problem: Problem, starts: Any) -> Any:
    """All that a fit asks for: bounds, first ln ω and then ω, derivatives at the end."""
    low, high = problem.bounds()

    def to_q(z: Any) -> Any:
        return low + (high - low) * (1 + jnp.sin(z)) / 2

    def residuals(z: Any, in_logarithms: Any) -> Any:
        omega = problem.data.predicted(predict(problem.at(to_q(z))))
        mean = problem.data.mean
        logarithmic = mean * jnp.log(omega / mean)
        return problem.data.whitening @ jnp.where(in_logarithms, logarithmic, omega - mean)

    def one(start: Any) -> Any:
        z = jnp.arcsin(jnp.clip(2 * (start - low) / (high - low) - 1, -0.998, 0.998))
        passes = jnp.array([True, False])
        end, _ = jax.lax.scan(lambda z, flag: (_solve(residuals, z, flag), None), z, passes)
        return to_q(end), problem.with_jacobian(to_q(end))

    return jax.vmap(one)(starts)


def _solve(residuals: Callable[[Any, Any], Any], start: Any, args: Any) -> Any:
    return optimistix.least_squares(
        residuals,
        optimistix.LevenbergMarquardt(rtol=1e-12, atol=1e-12),
        start,
        args=args,
        options={"jac": "fwd"},
        max_steps=MAX_STEPS,
        throw=False,
    ).value


def measure(solve: Callable[[Problem, Any], Any], problem: Problem) -> tuple[float, float, Any]:
    """CPU seconds to trace and compile, least seconds of a run, relative error of each start.

    CPU time is steady where other work slows the clock.
    """
    starts = starting_points(problem, STARTS, 0)
    jax.clear_caches()  # neither profits from what the other has traced
    begin = time.process_time()
    compiled = jax.jit(solve).lower(problem, starts).compile()
    compilation = time.process_time() - begin
    runs = []
    ends: Any = starts
    for _ in range(REPEATS):
        begin = time.perf_counter()
        ends, _ = jax.block_until_ready(compiled(problem, starts))
        runs.append(time.perf_counter() - begin)
    omega = jax.vmap(problem.observables)(ends)
    error = np.abs(np.asarray(omega / problem.data.mean) - 1).max(axis=1)
    return compilation, min(runs), error


def main() -> None:
    jaxbounce.enable_x64()
    # a program from the cache would compile in no time
    jax.config.update("jax_enable_compilation_cache", False)
    both = likelihood()
    problems = {
        "f_chi to omega_b": (jaxbounce.load(), ["f_chi"], both.only("omega_b")),
        "f_chi, P to both": (
            jaxbounce.load(preset="benchmark", dark_matter="swept-once"),
            ["f_chi", "P"],
            both,
        ),
    }
    # imports and first uses of JAX are on nobody's account
    measure(ours, make_problem(jaxbounce.load(), "f_chi"))
    print(
        f"{'problem':18}{'method':22}{'compile CPU s':>14}{'run ms':>9}{'reached':>9}{'error':>10}"
    )
    for name, (model, free, data) in problems.items():
        problem = make_problem(model, free, data)
        for method, solve in (
            ("ours", ours),
            ("optimistix, bare", theirs),
            ("optimistix, in place", theirs_in_place),
        ):
            compilation, run, error = measure(solve, problem)
            good = error < 1e-8
            print(
                f"{name:18}{method:22}{compilation:14.2f}{1e3 * run:9.2f}"
                f"{good.sum():6d}/{STARTS}{np.max(error[good], initial=0):10.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()

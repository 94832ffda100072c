"""The profile of a bounce: stationary values of the discrete action, differentiably.

`solve_profile` is Newton's method from the end of the search, on elements that are laid anew
where the solution shows that they were too few. Its derivative is that of the
implicit-function theorem, du = −J⁻¹ ∂_θ(residual) dθ, and the action's is Hellmann's:
because the action is stationary in u, dS = ∂_θ S dθ at fixed u. Both rules are written so
that they may be differentiated again.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxbounce._core.types import Scalar
from jaxbounce.bounce.action import (
    Inputs,
    Linearised,
    Problem,
    Units,
    action_parts,
    apply_linearised,
    linearise,
    solve_linearised,
    virial,
)
from jaxbounce.bounce.grid import (
    Grid,
    Nodal,
    Shape,
    apply_stiffness,
    effort,
    legendre_tails,
    nodal,
    nodal_slopes,
    regrid,
    share_out,
)

_NEWTON_STEPS = 15

_CONVERGED = 1e-12  # Newton step, of the field range; below 1e-8 stagnation also ends it

_LONGEST_STEP = 0.3

_ROUNDS = 6  # grids that are tried

_RESOLVED = 1e-8  # of Derrick's identity and of Legendre tails: no further grid


class Solution(NamedTuple):
    """Where Newton's method ended, and what it saw there."""

    values: Nodal
    shape: Shape
    """The grid on which they lie."""
    newton_step: Scalar
    """The step it would take next, relative to the range of the fields."""
    newton_gain: Scalar
    """What that step would change in the action, relative to the kinetic action."""
    negative_modes: Scalar
    """Number of negative eigenvalues of the second variation."""


def newton(
    problem: Problem,
    inputs: Inputs,
    units: Units,
    shape: Shape,
    start: Nodal,
    any_size: Bool[Array, ""],
) -> Solution:
    """Newton's method on the discrete field equations, until rounding.

    Where bounces of any size solve them, the steps keep the size: their part along the zero
    mode η = x u' + ½(D−2) u, which nothing determines, is taken out.
    """
    amplitude = jnp.sqrt((start[0] ** 2).sum())

    def keep_size(grid: Grid, values: Nodal, change: Nodal) -> Nodal:
        x = nodal(problem.elements, grid.x)[:, None]
        slope = nodal_slopes(problem.elements, grid, values)
        mode = x * slope + (problem.dimension - 2) / 2 * values
        force = apply_stiffness(problem.elements, grid, mode)
        share = (force * change).sum() / (force * mode).sum()
        return change - jnp.where(any_size, share, 0.0) * mode

    def advance(state):
        solution, change, step, _ = state
        size = jnp.where(step > 0, solution.newton_step, 1.0)
        values = solution.values + change * jnp.minimum(1.0, _LONGEST_STEP / size)
        system = linearise(problem, inputs, units, shape, values)
        change, negative = solve_linearised(problem.elements, system, -system.residual)
        change = keep_size(system.grid, values, change)
        size = jnp.abs(change).max() / amplitude
        kinetic = (values * apply_stiffness(problem.elements, system.grid, values)).sum() / 2
        gain = jnp.abs((system.residual * change).sum()) / 2 / kinetic
        new = Solution(values, shape, size, gain, negative.astype(values.dtype))
        return new, change, step + 1, solution.newton_step

    def unfinished(state):
        solution, _, step, before = state
        size = solution.newton_step
        stagnant = (size < 1e-8) & (size > before / 2)
        return (step < _NEWTON_STEPS) & (size > _CONVERGED) & ~stagnant

    infinite = jnp.asarray(jnp.inf)
    unknown = Solution(start, shape, infinite, infinite, jnp.asarray(0.0))
    first = (unknown, jnp.zeros_like(start), jnp.asarray(0), infinite)
    return jax.lax.while_loop(unfinished, advance, first)[0]


def resolve(
    problem: Problem,
    inputs: Inputs,
    units: Units,
    shape: Shape,
    start: Nodal,
    any_size: Bool[Array, ""],
) -> Solution:
    """Newton's method on one grid after the other, until one resolves the solution.

    Each grid has its elements where the solution before had its errors.
    """
    elements, D = problem.elements, problem.dimension

    def attempt(state):
        best, least, shape, start, rounds, _ = state
        solution = newton(problem, inputs, units, shape, start, any_size)
        values = solution.values
        tails = legendre_tails(elements, values)
        excess, kinetic = virial(problem, inputs, units, shape, values)
        badness = solution.newton_step + jnp.abs(excess) / kinetic + tails.max()
        badness = badness + jnp.where(solution.negative_modes == 1, 0.0, 1.0)
        badness = jnp.where(jnp.isfinite(badness), badness, jnp.inf)
        better = badness < least
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), solution, best)
        finished = (jnp.minimum(badness, least) < _RESOLVED) | (~better & (rounds > 1))

        following = share_out(elements, shape, effort(elements, shape, values))
        moved = regrid((elements, elements), (shape, following), values, D)
        return best, jnp.minimum(badness, least), following, moved, rounds + 1, finished

    infinite = jnp.asarray(jnp.inf)
    unknown = Solution(start, shape, infinite, infinite, jnp.asarray(0.0))
    first = (unknown, infinite, shape, start, jnp.asarray(0), jnp.asarray(False))
    return jax.lax.while_loop(lambda s: (s[4] < _ROUNDS) & ~s[5], attempt, first)[0]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def solve_profile(
    problem: Problem,
    inputs: Inputs,
    units: Units,
    shape: Shape,
    start: Nodal,
    any_size: Bool[Array, ""],
) -> Solution:
    """Stationary nodal values near `start`; a differentiable function of `inputs` alone."""
    return resolve(problem, inputs, units, shape, start, any_size)


@solve_profile.defjvp
def _profile_jvp(problem: Problem, primals, tangents):
    inputs, units, *_ = primals
    solution = solve_profile(problem, *primals)
    values, shape = solution.values, solution.shape

    def residual(inputs: Inputs) -> Nodal:
        return linearise(problem, inputs, units, shape, values).residual

    _, right = jax.jvp(residual, (inputs,), (tangents[0],))
    system: Linearised = linearise(problem, inputs, units, shape, values)
    frozen = jax.lax.stop_gradient(system)
    change = jax.lax.custom_linear_solve(
        lambda u: apply_linearised(problem.elements, system, u),
        -right,
        lambda _, b: solve_linearised(problem.elements, frozen, b)[0],
        symmetric=True,
    )
    fixed = jax.tree.map(jnp.zeros_like, solution)
    return solution, fixed._replace(values=change)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def stationary_action(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Scalar:
    """The action of the stationary values that belong to `inputs`."""
    return action_parts(problem, inputs, units, shape, values).total


@stationary_action.defjvp
def _action_jvp(problem: Problem, primals, tangents):
    inputs, units, shape, values = primals
    action, change = jax.jvp(
        lambda inputs: action_parts(problem, inputs, units, shape, values).total,
        (inputs,),
        (tangents[0],),
    )
    return action, change

"""The profile of a bounce: stationary values of the discrete action, differentiably.

`solve_profile` is Newton's method from the end of the search. Its derivative is that of the
implicit-function theorem, du = −J⁻¹ ∂_θ(residual) dθ, and the action's is Hellmann's:
because the action is stationary in u, dS = ∂_θ S dθ at fixed u. Both rules are written so
that they may be differentiated again.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxbounce._types import Scalar
from jaxbounce.bounce.action import (
    Inputs,
    Linearised,
    Problem,
    Units,
    action_parts,
    apply_linearised,
    derrick,
    linearise,
    solve_linearised,
)
from jaxbounce.bounce.grid import Nodal, Shape, legendre_tail

_NEWTON_STEPS = 14
_CONVERGED = 1e-12  # Newton step, of the field range; below 1e-8 stagnation also ends it
_LONGEST_STEP = 0.3


def newton(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, start: Nodal
) -> Nodal:
    """Newton's method on the discrete field equations, until rounding."""
    amplitude = jnp.sqrt((start[0] ** 2).sum())

    def advance(state):
        values, step, size, _ = state
        system = linearise(problem, inputs, units, shape, values)
        change, _ = solve_linearised(problem.elements, system, -system.residual)
        new_size = jnp.abs(change).max() / amplitude
        damped = jnp.minimum(1.0, _LONGEST_STEP / jnp.maximum(new_size, _LONGEST_STEP))
        return values + damped * change, step + 1, new_size, size

    def unfinished(state):
        _, step, size, before = state
        stagnant = (size < 1e-8) & (size > before / 2)
        return (step < _NEWTON_STEPS) & (size > _CONVERGED) & ~stagnant

    first = (start, jnp.asarray(0), jnp.asarray(jnp.inf), jnp.asarray(jnp.inf))
    return jax.lax.while_loop(unfinished, advance, first)[0]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def solve_profile(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, start: Nodal
) -> Nodal:
    """Stationary nodal values near `start`; a differentiable function of `inputs` alone."""
    return newton(problem, inputs, units, shape, start)


@solve_profile.defjvp
def _profile_jvp(problem: Problem, primals, tangents):
    inputs, units, shape, start = primals
    values = solve_profile(problem, inputs, units, shape, start)

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
    return values, change


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def stationary_action(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Scalar:
    """The action of the stationary values that belong to `inputs`."""
    return sum(action_parts(problem, inputs, units, shape, values))


@stationary_action.defjvp
def _action_jvp(problem: Problem, primals, tangents):
    inputs, units, shape, values = primals
    action, change = jax.jvp(
        lambda inputs: sum(action_parts(problem, inputs, units, shape, values)),
        (inputs,),
        (tangents[0],),
    )
    return action, change


class Certificate(NamedTuple):
    """What vouches for a bounce, each a number that is small (or 1) for a good one."""

    newton_step: Scalar
    """The step that Newton's method would take next, relative to the range of the fields."""
    derrick: Scalar
    """Violation of Derrick's (virial) identity, relative to the kinetic action."""
    legendre_tail: Scalar
    """Highest Legendre coefficients of the profile, relative to the range of the fields."""
    negative_modes: Int[Array, ""]
    """Negative eigenvalues of the second variation in the radial sector; 1 for a bounce."""


def certify(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Certificate:
    """The figures of `Certificate`."""
    system = linearise(problem, inputs, units, shape, values)
    step, negative = solve_linearised(problem.elements, system, -system.residual)
    return Certificate(
        newton_step=jnp.abs(step).max() / jnp.sqrt((values[0] ** 2).sum()),
        derrick=jnp.abs(derrick(problem, inputs, units, shape, values)),
        legendre_tail=legendre_tail(problem.elements, values),
        negative_modes=negative,
    )

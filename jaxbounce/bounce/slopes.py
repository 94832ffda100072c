"""What the action of a solved bounce changes by with the potential's parameters."""

from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.arrays import Array, Scalar, at_once
from jaxbounce._core.status import Status
from jaxbounce.bounce.action import Inputs, Problem, Units, action_parts, solid_angle
from jaxbounce.bounce.grid import Shape, make_grid, nodal_mass
from jaxbounce.bounce.solve import Bounce
from jaxbounce.potential.coupling_slopes import of_lines, of_values
from jaxbounce.potential.landscape import NEAR, Field, Potential, line_rule
from jaxbounce.potential.vacua import polish_vacuum

Tree = TypeVar("Tree")

_NOTHING_BEYOND = 1e-10  # fields at the end of the grid, which enter the action squared


def action_slopes(potential: Potential, theta: Tree, bounce: Bounce) -> Tree:
    """∂S/∂θ of a solved bounce, by the envelope theorem: no bounce is solved again.

    The derivative that `jax.grad` gives of `solve_bounce`, in a small program.

    Args:
        potential: V(φ, θ) of which it is one.
        theta: the parameters for which it was solved.
        bounce: what was found; of one that failed the slopes are NaN.
    """
    if int(bounce.status) != Status.SUCCESS:
        return jax.tree.map(lambda leaf: jnp.full(jnp.shape(leaf), jnp.nan), theta)
    # fields fall off beyond the grid, unless it ends in the wall of a box, where they pull
    boxed = not bool(jnp.any(bounce.decay != 0))
    if not boxed and float(_beyond(bounce)) < _NOTHING_BEYOND:
        return _inside(potential, theta, bounce)
    vacuum, unit = bounce.false_vacuum, bounce.field_unit
    shape = bounce.shape._replace(radius=bounce.shape.radius / unit)
    problem = Problem(potential, bounce.dimension, boxed, False, bounce.elements)
    return _slopes(problem, theta, vacuum, unit, shape, bounce.values)


def _beyond(bounce: Bounce) -> Any:
    """How large the fields still are where the grid ends, beside the area there."""
    last = np.abs(np.asarray(bounce.values)[-1]).max()
    return last * float(bounce.shape.x_max) ** (bounce.dimension - 1)


def _inside(potential: Potential, theta: Tree, bounce: Bounce) -> Tree:
    """Ω ∫ r^{D−1} ∂_θ(V − V_FV) dr on the grid: what is left where the fields end on it.

    Near the false vacuum V − V_FV is the line integral of the slope (`landscape`).
    """
    with at_once():
        shape = jax.tree.map(np.asarray, bounce.shape)
        grid = make_grid(bounce.elements, shape, bounce.dimension)
        weights = np.asarray(nodal_mass(bounce.elements, grid))
    weights = weights * solid_angle(bounce.dimension) * float(shape.radius) ** bounce.dimension
    u, vacuum = np.asarray(bounce.values), np.asarray(bounce.false_vacuum)
    steps, near = u * float(bounce.field_unit), (u**2).sum(-1) < NEAR**2
    far = np.append(np.where(near, 0.0, weights), -weights[~near].sum())
    found = of_values(potential, theta, np.concatenate([vacuum + steps, vacuum[None]]), far)
    places, shares = line_rule()
    line = (vacuum + steps[near][:, None] * places[:, None]).reshape(-1, vacuum.size)
    directions = (weights[near][:, None] * shares)[..., None] * steps[near][:, None]
    of_line = of_lines(potential, theta, line, directions.reshape(-1, vacuum.size))
    return jax.tree.map(jnp.add, found, of_line)


@partial(jax.jit, static_argnums=0)
def _slopes(
    problem: Problem, theta: Any, false_vacuum: Field, unit: Scalar, shape: Shape, values: Array
) -> Any:
    units = Units(unit, jnp.ones_like(unit))

    def action(theta: Any) -> Scalar:
        inputs = Inputs(theta, polish_vacuum(problem.potential, theta, false_vacuum))
        return action_parts(problem, inputs, units, shape, values).total

    return jax.grad(action)(theta)

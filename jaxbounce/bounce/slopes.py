"""What the action of a solved bounce changes by with the potential's parameters."""

from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from jaxbounce._core.arrays import Array, Scalar
from jaxbounce.bounce.action import Inputs, Problem, Units, action_parts
from jaxbounce.bounce.grid import Shape
from jaxbounce.bounce.solve import Bounce
from jaxbounce.potential.landscape import Field, Potential
from jaxbounce.potential.vacua import polish_vacuum

Tree = TypeVar("Tree")


def action_slopes(potential: Potential, theta: Tree, bounce: Bounce) -> Tree:
    """∂S/∂θ of a solved bounce, by the envelope theorem: no bounce is solved again.

    The derivative that `jax.grad` gives of `solve_bounce`, in a small program.

    Args:
        potential: V(φ, θ) of which it is one.
        theta: the parameters for which it was solved.
        bounce: what was found; of one that failed the slopes are NaN.
    """
    vacuum, unit = bounce.false_vacuum, bounce.field_unit
    shape = bounce.shape._replace(radius=bounce.shape.radius / unit)
    # fields fall off beyond the grid, unless it ends in the wall of a box
    boxed = not bool(jnp.any(bounce.decay != 0))
    problem = Problem(potential, bounce.dimension, boxed, False, bounce.elements)
    return _slopes(problem, theta, vacuum, unit, shape, bounce.values)


@partial(jax.jit, static_argnums=0)
def _slopes(
    problem: Problem, theta: Any, false_vacuum: Field, unit: Scalar, shape: Shape, values: Array
) -> Any:
    units = Units(unit, jnp.ones_like(unit))

    def action(theta: Any) -> Scalar:
        inputs = Inputs(theta, polish_vacuum(problem.potential, theta, false_vacuum))
        return action_parts(problem, inputs, units, shape, values).total

    return jax.grad(action)(theta)

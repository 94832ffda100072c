"""∂/∂θ of a potential at many points, summed: small programs for answers at once.

What an action or an energy changes by with the couplings is a sum of ∂_θ V, or of ∂_θ of slopes
along directions, over points: no derivative in the fields of higher order, which of a one-loop
potential takes a minute to compile.
"""

from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import as_leaf
from jaxbounce.potential.landscape import Potential

Tree = TypeVar("Tree")

_POINTS = 256  # of one call of a program


def of_values(potential: Potential, theta: Tree, points: Any, weights: Any) -> Tree:
    """∂/∂θ Σ w V(φ) at points φ, (k, n)."""
    return _summed(_of_values, potential, theta, points, weights)


def of_lines(potential: Potential, theta: Tree, points: Any, directions: Any) -> Tree:
    """∂/∂θ Σ d·∂V(φ) at points φ with directions d, both (k, n)."""
    return _summed(_of_lines, potential, theta, points, directions)


def _summed(program: Any, potential: Potential, theta: Tree, points: Any, weights: Any) -> Tree:
    points, weights = np.asarray(points, float), np.asarray(weights, float)
    theta = jax.tree.map(as_leaf, theta)
    total = jax.tree.map(jnp.zeros_like, theta)
    for begin in range(0, len(points), _POINTS):
        some, of_them = points[begin : begin + _POINTS], weights[begin : begin + _POINTS]
        missing = _POINTS - len(some)
        some = np.concatenate([some, np.repeat(some[:1], missing, axis=0)])
        of_them = np.concatenate([of_them, np.zeros((missing, *of_them.shape[1:]))])
        total = jax.tree.map(jnp.add, total, program(potential, theta, some, of_them))
    return total


@partial(jax.jit, static_argnums=0)
def _of_values(potential: Potential, theta: Any, points: Any, weights: Any) -> Any:
    def total(theta: Any) -> Any:
        return weights @ jax.vmap(lambda phi: potential(phi, theta))(points)

    return jax.grad(total)(theta)


@partial(jax.jit, static_argnums=0)
def _of_lines(potential: Potential, theta: Any, points: Any, directions: Any) -> Any:
    def total(theta: Any) -> Any:
        def along(phi: Any, direction: Any) -> Any:
            return jax.jvp(lambda x: potential(x, theta), (phi,), (direction,))[1]

        return jax.vmap(along)(points, directions).sum()

    return jax.grad(total)(theta)

"""Scalar potentials and their vacua.

A potential is any JAX-traceable function V(φ, θ) of the fields φ, shape (n,), and of its
parameters θ, any pytree of arrays; it returns a scalar. What V depends on and should be
differentiable, or change without recompilation, belongs in θ and not in a closure. Units
are the user's, one for all fields, of which V is the fourth power (in three dimensions too,
where S₃/T is what counts: a temperature is one of the parameters).

Potentials written as text are in `expression`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Num

from jaxbounce._core.numerics import eliminate
from jaxbounce._core.sequences import low_discrepancy
from jaxbounce._core.types import Code, Flag, Real, RealLike, Scalar, as_leaf

Potential: TypeAlias = Callable[[Float[Array, " n"], Any], Scalar]
"""V(φ, θ) → scalar."""

FieldLike: TypeAlias = Num[ArrayLike, " n"] | Sequence[RealLike]
"""Values of the fields, one each."""

_NEWTON_STEPS = 20

_DESCENT_STEPS = 200

_SAME_VACUUM = 1e-6  # of the size of the search region

_FLAT = 1e-14  # a curvature of this size, relative to the largest, is a flat direction

_CURVATURE_ROUNDING = 1e-10

_VALLEY = 1e-7  # curvature along a valley of vacua, relative to the largest

_AT_REST = 1e-7  # of the longest step that is allowed: a descent has ended


def curvature(potential: Potential, theta: Any, phi: Float[Array, " n"]) -> Float[Array, "n n"]:
    """∂²V/∂φ∂φ: the mass matrix squared if φ is a vacuum."""
    return jax.hessian(potential)(phi, theta)


def is_minimum(matrix: Float[Array, "n n"]) -> Bool[Array, ""]:
    """Whether a matrix of second derivatives has no eigenvalue below zero, but for rounding."""
    scale = jnp.abs(matrix).max()
    shifted = matrix + _CURVATURE_ROUNDING * scale * jnp.eye(matrix.shape[-1])
    _, negative = eliminate(shifted, jnp.zeros((matrix.shape[-1], 0)), _FLAT)
    return (negative == 0) & jnp.isfinite(scale)


def in_valley(matrix: Float[Array, "n n"]) -> Bool[Array, ""]:
    """Whether a minimum with this matrix of second derivatives is one of a valley of minima."""
    return ~is_minimum(matrix - _VALLEY * jnp.abs(matrix).max() * jnp.eye(matrix.shape[-1]))


def polish_vacuum(potential: Potential, theta: Any, guess: FieldLike) -> Float[Array, " n"]:
    """The stationary point of V near a guess, by Newton's method.

    Differentiable in θ (forward, reverse, any order) by the implicit-function theorem; an
    exactly flat direction stays where it is. Nothing is checked here: see `curvature`.
    """
    guess = as_leaf(jnp.asarray(guess))

    def force(phi: Real) -> Real:
        return jax.grad(potential)(phi, theta)

    def newton_step(matrix: Real, right: Real) -> Real:
        # by the inverse, which is linear in `right` as reverse mode needs it
        inverse, _ = eliminate(matrix, jnp.eye(right.size), _FLAT)
        return inverse @ right

    def solve(f: Callable[[Real], Real], start: Real) -> Real:
        def advance(_: int, phi: Real) -> Real:
            return phi - newton_step(jax.jacfwd(f)(phi), f(phi))

        return jax.lax.fori_loop(0, _NEWTON_STEPS, advance, start)

    def solve_linear(tangent: Callable[[Real], Real], y: Real) -> Real:
        return newton_step(jax.jacfwd(tangent)(jnp.zeros_like(y)), y)

    return jax.lax.custom_root(force, guess, solve, solve_linear)


class Vacua(NamedTuple):
    """Minima of a potential, deepest first."""

    positions: Float[Array, "found n"]
    values: Float[Array, " found"]


def find_vacua(
    potential: Potential,
    theta: Any,
    lower: FieldLike,
    upper: FieldLike,
    starts: int = 256,
) -> Vacua:
    """The minima of V that descents from a lattice of points in a box end in.

    A search, not a proof: a minimum with a small basin may be missed. Not to be traced (the
    number of minima is data); hand what it finds to `polish_vacuum` for derivatives.

    Args:
        potential: V(φ, θ).
        theta: its parameters.
        lower: lower corner of the box.
        upper: upper corner.
        starts: number of starting points (a Kronecker lattice, the same in every call).
    """
    lower, upper = as_leaf(jnp.asarray(lower)), as_leaf(jnp.asarray(upper))
    size = jnp.abs(upper - lower).max()
    points = lower + (upper - lower) * low_discrepancy(starts, lower.size)

    @jax.jit
    def search(theta: Any, points: Real) -> tuple[Real, ...]:
        def value(phi: Real) -> Scalar:
            return potential(phi, theta)

        def of_start(start: Real) -> tuple[Real, ...]:
            end = descend(value, start, lambda _: 0.1 * size).end
            polished = polish_vacuum(potential, theta, end)
            return end, polished, value(polished), is_minimum(jax.hessian(value)(polished))

        return jax.vmap(of_start)(points)

    ends, polished, values, minimum = search(theta, points)
    near = jnp.abs(polished - ends).max(-1) < 1e-2 * size
    usable = np.asarray(minimum & near & jnp.isfinite(values))
    found: list[int] = []
    for k in np.argsort(np.asarray(values)):
        distance = [np.abs(np.asarray(polished[k] - polished[f])).max() for f in found]
        if usable[k] and min(distance, default=np.inf) > _SAME_VACUUM * float(size):
            found.append(int(k))
    index = np.array(found, int)
    return Vacua(polished[index], values[index])


class Descent(NamedTuple):
    """Where the way downhill from a point leads."""

    end: Float[Array, " n"]
    settled: Bool[Array, ""]
    """Whether it came to rest; where not, it runs away, or a minimum is too far."""


def descend(
    value: Callable[[Float[Array, " n"]], Scalar],
    start: Float[Array, " n"],
    longest: Callable[[Float[Array, " n"]], Scalar],
    steps: int = _DESCENT_STEPS,
) -> Descent:
    """Downhill from `start` by damped Newton steps.

    Args:
        value: the potential as a function of the fields alone.
        start: where it begins.
        longest: of the steps, as a function of where they begin; short ones follow the
            valley they are in, long ones may jump into another.
        steps: how many are tried.
    """

    def advance(state: tuple[Real, Scalar, Flag, Code]) -> tuple[Real, Scalar, Flag, Code]:
        phi, damping, _, count = state
        slope = jax.grad(value)(phi)
        bend = jax.hessian(value)(phi)
        scale = jnp.abs(bend).max()
        shifted = bend + damping * scale * jnp.eye(phi.size)
        step, negative = eliminate(shifted, -slope[:, None], _FLAT)
        length = jnp.sqrt((step**2).sum())
        most = longest(phi)
        new = phi + step[:, 0] * jnp.minimum(1.0, most / jnp.where(length > 0, length, 1.0))
        better = (negative == 0) & (value(new) <= value(phi))
        resting = (negative == 0) & (length < _AT_REST * most)
        damping = jnp.clip(jnp.where(better, damping / 5, damping * 5), 1e-12, 1e8)
        return jnp.where(better, new, phi), damping, resting, count + 1

    first = (start, jnp.full((), 1e-3, start.dtype), jnp.asarray(False), jnp.asarray(0))
    end, _, settled, _ = jax.lax.while_loop(lambda s: ~s[2] & (s[3] < steps), advance, first)
    return Descent(end, settled)

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
from jaxtyping import ArrayLike, Bool, Float, Num

from jaxbounce._core.arrays import (
    Array,
    Code,
    Real,
    at_once,
    is_at_once,
    while_loop,
    xp,
)
from jaxbounce._core.numerics import eliminate
from jaxbounce._core.sequences import low_discrepancy
from jaxbounce._core.types import RealLike, as_leaf
from jaxbounce.potential.landscape import Landscape, Points, Potential as Potential, landscape

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
    return landscape(potential, theta).curvatures(phi)


def is_minimum(matrix: Float[Array, "... n n"]) -> Bool[Array, "..."]:
    """Whether a matrix of second derivatives has no eigenvalue below zero, but for rounding."""
    scale = xp.abs(matrix).max((-1, -2))
    floor = (_CURVATURE_ROUNDING * scale)[..., None, None]
    shifted = matrix + floor * xp.eye(matrix.shape[-1])
    _, negative = eliminate(shifted, xp.zeros((*matrix.shape[:-1], 0)), _FLAT)
    return (negative == 0) & xp.isfinite(scale)


def in_valley(matrix: Float[Array, "n n"]) -> Bool[Array, ""]:
    """Whether a minimum with this matrix of second derivatives is one of a valley of minima."""
    return ~is_minimum(matrix - _VALLEY * xp.abs(matrix).max() * xp.eye(matrix.shape[-1]))


def polish_vacuum(potential: Potential, theta: Any, guess: FieldLike) -> Float[Array, " n"]:
    """The stationary point of V near a guess, by Newton's method.

    Differentiable in θ (forward, reverse, any order) by the implicit-function theorem; an
    exactly flat direction stays where it is. Nothing is checked here: see `curvature`.
    """
    if is_at_once():
        return _polished(landscape(potential, theta), xp.asarray(guess))

    guess = as_leaf(jnp.asarray(guess))

    def force(phi: Real) -> Real:
        return jax.grad(potential)(phi, theta)

    def solve(f: Callable[[Real], Real], start: Real) -> Real:
        def advance(_: int, phi: Real) -> Real:
            return phi - _newton_step(jax.jacfwd(f)(phi), f(phi))

        return jax.lax.fori_loop(0, _NEWTON_STEPS, advance, start)

    def solve_linear(tangent: Callable[[Real], Real], y: Real) -> Real:
        return _newton_step(jax.jacfwd(tangent)(jnp.zeros_like(y)), y)

    return jax.lax.custom_root(force, guess, solve, solve_linear)


def _newton_step(matrix: Float[Array, "... n n"], right: Points) -> Points:
    # by the inverse, which is linear in `right` as reverse mode needs it
    inverse, _ = eliminate(matrix, xp.broadcast_to(xp.eye(right.shape[-1]), matrix.shape), _FLAT)
    return (inverse @ right[..., None])[..., 0]


def _polished(seen: Landscape, guess: Points) -> Points:
    """`polish_vacuum` at once, of points along leading axes."""

    def advance(state: tuple[int, Points, Points]) -> tuple[int, Points, Points]:
        count, _, phi = state
        return count + 1, phi, phi - _newton_step(seen.curvatures(phi), seen.gradients(phi))

    def moving(state: tuple[int, Points, Points]) -> Any:
        count, old, new = state
        return (count < _NEWTON_STEPS) & (old != new).any()

    return while_loop(moving, advance, (0, guess + xp.inf, guess))[2]


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

    theta, starts_at = jax.tree.map(as_leaf, theta), np.asarray(points)
    with at_once():
        seen = landscape(potential, theta)
        ends = descend(seen, xp.asarray(starts_at), lambda _: 0.1 * float(size)).end
        polished = _polished(seen, ends)
        values, minimum = seen.values(polished), is_minimum(seen.curvatures(polished))
    near = np.abs(polished - ends).max(-1) < 1e-2 * float(size)
    usable = minimum & near & np.isfinite(values)
    found: list[int] = []
    for k in np.argsort(values):
        distance = [np.abs(polished[k] - polished[f]).max() for f in found]
        if usable[k] and min(distance, default=np.inf) > _SAME_VACUUM * float(size):
            found.append(int(k))
    index = np.array(found, int)
    return Vacua(jnp.asarray(polished[index]), jnp.asarray(values[index]))


class Descent(NamedTuple):
    """Where the way downhill from each point leads."""

    end: Float[Array, "... n"]
    settled: Bool[Array, "..."]
    """Whether it came to rest; where not, it runs away, or a minimum is too far."""


def descend(
    seen: Landscape,
    start: Float[Array, "... n"],
    longest: Callable[[Points], Any],
    steps: int = _DESCENT_STEPS,
) -> Descent:
    """Downhill from points by damped Newton steps.

    Args:
        seen: the potential.
        start: where it begins; one point, or many along leading axes.
        longest: of the steps, as a function of where they begin; short ones follow the
            valley they are in, long ones may jump into another.
        steps: how many are tried.
    """

    def advance(state: tuple[Real, Real, Any, Code]) -> tuple[Real, Real, Any, Code]:
        phi, damping, settled, count = state
        slope, bend = seen.gradients(phi), seen.curvatures(phi)
        scale = damping * xp.abs(bend).max((-1, -2))
        shifted = bend + scale[..., None, None] * xp.eye(phi.shape[-1])
        step, negative = eliminate(shifted, -slope[..., None], _FLAT)
        length = xp.sqrt((step**2).sum((-1, -2)))
        most = longest(phi)
        share = xp.minimum(1.0, most / xp.where(length > 0, length, 1.0))
        new = phi + step[..., 0] * share[..., None]
        better = (negative == 0) & (seen.values(new) <= seen.values(phi)) & ~settled
        resting = (negative == 0) & (length < _AT_REST * most)
        damping = xp.clip(xp.where(better, damping / 5, damping * 5), 1e-12, 1e8)
        phi = xp.where(better[..., None], new, phi)
        return phi, damping, settled | resting, count + 1

    lead = start.shape[:-1]
    first = (start, xp.full(lead, 1e-3, start.dtype), xp.zeros(lead, bool), xp.asarray(0))
    end, _, settled, _ = while_loop(lambda s: (~s[2]).any() & (s[3] < steps), advance, first)
    return Descent(end, settled)

"""The discrete equations of a planar wall, and the flow that ends in their solution.

Unknown are the fields at the nodes of spectral elements in one dimension (`grid`) and the friction;
equations are the weak form of u'' = a² ∂U − c u' at the nodes, the vacua at both ends, and where
the wall is. All in scaled fields, with lengths in units of the grid's radius a.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import (
    Array,
    Flag,
    Real,
    Scalar,
    choose,
    constant,
    is_at_once,
    while_loop,
    xp,
)
from jaxbounce._core.numerics import eliminate
from jaxbounce.bounce.grid import (
    Elements,
    Nodal,
    Shape,
    apply_stiffness,
    effort,
    equal_breaks,
    evaluate,
    legendre_tails,
    make_grid,
    nodal,
    nodal_mass,
    nodal_slopes,
    reference_element,
    share_out,
    sum_elements,
    to_elements,
)
from jaxbounce.bounce.search import interpolate, relaxed_paths
from jaxbounce.potential.landscape import Field, Landscape

ELEMENTS = Elements(22, 11)

_DECAYS = 30.0  # lengths of the slowest tail to where the fields are those of a vacuum

_WIDEST = 3e3  # the same, over the width of the wall: a massless vacuum has no end

_ROUNDS = 4  # grids that are tried

_HOPEFUL = 1e-2  # of the error: a finer grid may help

_STEPS = 60  # of the flow on each

_FIRST_STEP = 0.3  # of the flow, in units of the curvature

_SLOW = 1e-2  # of the flow, at which Newton's method takes over

_CONVERGED, _STAGNANT = 1e-13, 1e-9  # Newton steps, of the distance of the vacua

_RESOLVED = 1e-11  # of the change from grid to grid and of Newton's step: no further grid

TOLERANCE = 1e-7  # of the error estimate

_WIDTH_OF_SECH4 = np.sqrt(12 / (np.pi**2 - 6))
"""L over the standard deviation of ξ under sech⁴(ξ/L), the φ'² of tanh(ξ/L)."""


class Found(NamedTuple):
    """A wall on a grid, in scaled fields; lengths in units of its radius."""

    values: Nodal
    friction: Scalar
    shape: Shape
    error: Scalar


def search_wall(seen: Landscape, target: Field, lightest: list[Scalar], possible: Flag) -> Found:
    """From a tanh along the way of least climbing, on one grid after another; if it is possible."""
    path = relaxed_paths(seen, target)[-1]
    width = xp.asarray(1 / np.sqrt(8.0))  # of a quartic kink whose barrier is 1
    released = -seen.heights(target)
    friction = 3 * width * released  # ∫φ'² of tanh(ξ/L) over the unit distance is 1/(3L)
    shape = _reaching(width, friction, lightest)
    x = nodal(ELEMENTS, make_grid(ELEMENTS, shape, 1).x)
    share = 1 / (1 + xp.exp(xp.clip(2 * (x - 1) * shape.radius / width, -600.0, 600.0)))
    values = interpolate(xp.linspace(0.0, 1.0, path.shape[0]), path, share)
    infinite = xp.asarray(xp.inf)
    first = Found(values, friction * shape.radius, shape, infinite)

    def attempt(state: tuple[Found, Found, Any]) -> tuple[Found, Found, Any]:
        best, begin, count = state
        end = _flow(seen, begin, target)
        better = (end.error < best.error) | ~xp.isfinite(best.error)
        following = _next_grid(end, lightest)
        return choose(better, end, best), following, count + 1

    def unfinished(state: tuple[Found, Found, Any]) -> Any:
        best, _, count = state
        more = (best.error < _HOPEFUL) & ((count < 2) | (best.error > _RESOLVED))
        return possible & ((count == 0) | (more & (count < _ROUNDS)))

    return while_loop(unfinished, attempt, (first, first, xp.asarray(0)))[0]


def _reaching(width: Scalar, friction: Scalar, lightest: list[Scalar]) -> Shape:
    """The grid of a wall of some width, out to where its tails have gone."""
    outside = (friction + xp.sqrt(friction**2 + 4 * lightest[0] ** 2)) / 2
    inside = (xp.sqrt(friction**2 + 4 * lightest[1] ** 2) - friction) / 2
    inside = xp.maximum(inside, lightest[1] ** 2 / (xp.abs(friction) + lightest[1]) / 2)
    reach = [xp.minimum(_DECAYS / k, _WIDEST * width) + 4 * width for k in (inside, outside)]
    return Shape(reach[0], 2 * width / reach[0], 1 + reach[1] / reach[0], equal_breaks(ELEMENTS))


def _next_grid(found: Found, lightest: list[Scalar]) -> Found:
    """The same wall on a grid laid for it."""
    old = found.shape
    _, _, width = moments(old, found.values)
    new = _reaching(width * old.radius, found.friction / old.radius, lightest)
    needed = effort(ELEMENTS, old, found.values)
    # both in units of their own radius, from their own inner ends
    x = xp.maximum(1 + (needed.x - 1) * old.radius / new.radius, 0.0)
    new = share_out(ELEMENTS, new, needed._replace(x=x))
    grid = make_grid(ELEMENTS, new, 1)
    places = 1 + (nodal(ELEMENTS, grid.x) - 1) * new.radius / old.radius
    values = evaluate(ELEMENTS, old, found.values, xp.clip(places, 0.0, old.x_max))
    friction = found.friction * new.radius / old.radius
    return Found(values, friction, new, found.error)


def moments(shape: Shape, values: Nodal) -> tuple[Scalar, Scalar, Scalar]:
    """∫u'² dx, the mean of x − 1 under it and the width of the tanh with its spread."""
    weight, x = _slope_weights(shape, values)
    weight = weight.sum(-1)
    total = weight.sum()
    mean = (weight * x).sum() / total
    spread = xp.sqrt((weight * (x - mean) ** 2).sum() / total)
    return total, mean, _WIDTH_OF_SECH4 * spread


def tanh_moments(shape: Shape, values: Nodal, of: tuple[int, ...]) -> tuple[Real, Scalar]:
    """Means of ξ under u_i'² of some fields, and L of the tanh with their joint spread."""
    weight, x = _slope_weights(shape, values)
    weight, x = weight[..., np.array(of)], x[..., None]
    total = weight.sum((0, 1))
    some = xp.where(total > 0, total, 1.0)  # of a field that does not move
    means = (weight * x).sum((0, 1)) / some
    spread = xp.sqrt((weight * (x - means) ** 2).sum() / total.sum())
    return shape.radius * means, shape.radius * _WIDTH_OF_SECH4 * spread


def _slope_weights(shape: Shape, values: Nodal) -> tuple[Real, Real]:
    """Parts of ∫u_i'² dx, element by element, and x − 1 there."""
    grid, reference = make_grid(ELEMENTS, shape, 1), reference_element(ELEMENTS.order)
    slopes = xp.einsum("ij,eja->eia", reference.derivative, to_elements(ELEMENTS, values))
    weights = reference.weights[:, None] * slopes**2 / grid.slope[..., None]
    return xp.asarray(weights), grid.x - 1


def _drift(values: Nodal) -> Nodal:
    """∫ ψ_i u' dx of the nodal basis functions, in which the grid drops out."""
    reference = reference_element(ELEMENTS.order)
    matrix = reference.weights[:, None] * reference.derivative
    return sum_elements(ELEMENTS, xp.einsum("ij,eja->eia", matrix, to_elements(ELEMENTS, values)))


def residual(seen: Landscape, shape: Shape, target: Field, unknown: Real) -> Real:
    """The weak equations at the nodes, the vacua at the ends, and where the wall is."""
    values, friction = unknown[:-1].reshape(-1, target.size), unknown[-1]
    grid = make_grid(ELEMENTS, shape, 1)
    mass = nodal_mass(ELEMENTS, grid)
    force = apply_stiffness(ELEMENTS, grid, values) - friction * _drift(values)
    force = force + shape.radius**2 * mass[:, None] * seen.gradients(values)
    inner, outer = values[:1] - target, values[-1:]
    place = (mass @ values) @ target / (target @ target) - 1
    return xp.concatenate([inner.ravel(), force[1:-1].ravel(), outer.ravel(), place[None]])


def _jacobian(
    seen: Landscape, shape: Shape, target: Field, unknown: Real, rate: Scalar | float
) -> Float[Array, "unknowns unknowns"]:
    """Of `residual`, with `rate` times the mass added to it: 1/Δt of the flow."""
    n, (count, order) = target.size, ELEMENTS
    values, friction = unknown[:-1].reshape(-1, n), unknown[-1]
    grid, reference = make_grid(ELEMENTS, shape, 1), reference_element(order)
    mass = nodal_mass(ELEMENTS, grid)
    drift = reference.weights[:, None] * reference.derivative
    place = np.zeros((count, order, ELEMENTS.nodes))
    nodes = np.arange(count)[:, None] * (order - 1) + np.arange(order)
    place[np.arange(count)[:, None], np.arange(order), nodes] = 1.0
    local = grid.stiffness - friction * drift
    half = xp.einsum("eij,ejl->eil", local, place).reshape(-1, ELEMENTS.nodes)
    plain = place.reshape(-1, ELEMENTS.nodes).T @ half
    bend = shape.radius**2 * seen.curvatures(values) + rate * xp.eye(n)
    identity = np.eye(ELEMENTS.nodes)
    inside = np.ones(ELEMENTS.nodes)
    inside[[0, -1]] = 0.0
    matrix = xp.einsum("kl,ab->kalb", plain, xp.eye(n))
    matrix = matrix + xp.einsum("kl,kab->kalb", identity, mass[:, None, None] * bend)
    matrix = inside[:, None, None, None] * matrix
    matrix = matrix + xp.einsum("kl,ab->kalb", np.diag(1 - inside), xp.eye(n))
    size = ELEMENTS.nodes * n
    matrix = matrix.reshape(size, size)
    of_friction = (-inside[:, None] * _drift(values)).ravel()
    where = (mass[:, None] * target / (target @ target)).ravel()
    # the last row added to the others: without it moving the wall is a direction of no change
    matrix = matrix + of_friction[:, None] * where
    matrix = xp.concatenate([matrix, of_friction[:, None]], axis=1)
    return xp.concatenate([matrix, xp.append(where, 0.0)[None]], axis=0)


def _solved(matrix: Real, right: Real) -> Real:
    """The solution of the equations whose matrix `_jacobian` is, for a residual `right`."""
    right = _as_its_rows(matrix, right)
    if is_at_once():
        return xp.asarray(np.linalg.solve(matrix, right))
    return eliminate(matrix, right[:, None])[0][:, 0]


def _as_its_rows(matrix: Real, right: Real) -> Real:
    """A right-hand side with its last row added to the others as in `_jacobian`."""
    return right + matrix[:, -1] * right[-1]


class _State(NamedTuple):
    """Of the flow."""

    unknown: Real
    force: Scalar
    """Size of the residual."""
    rate: Scalar
    """1/Δt of the next step."""
    step: Scalar
    """The largest change of a field, and of the friction over itself, in the last one."""
    before: Scalar
    """That of the step before."""
    count: Any


def _flow(seen: Landscape, begin: Found, target: Field) -> Found:
    """Steps of the flow that grow as the residual falls; in the end they are Newton's."""
    shape = begin.shape
    scale = shape.radius**2

    def size(unknown: Real) -> Scalar:
        return xp.sqrt((residual(seen, shape, target, unknown)[:-1] ** 2).sum())

    def advance(state: _State) -> _State:
        right = -residual(seen, shape, target, state.unknown)
        matrix = _jacobian(seen, shape, target, state.unknown, state.rate * scale)
        change = _solved(matrix, right)
        new = state.unknown + change
        force = size(new)
        good = xp.isfinite(force) & (force < 10 * state.force)
        moved = xp.maximum(
            xp.abs(change[:-1]).max(), xp.abs(change[-1]) / (shape.radius + xp.abs(new[-1]))
        )
        shrink = xp.clip(force / state.force, 0.05, 2.0)
        rate = xp.where(moved * state.rate < _SLOW, 0.0, state.rate * shrink)
        rate = xp.where(good, rate, xp.maximum(10 * state.rate, 1 / _FIRST_STEP))
        return _State(
            xp.where(good, new, state.unknown),
            xp.where(good, force, state.force),
            rate,
            xp.where(good, moved, xp.inf),
            state.step,
            state.count + 1,
        )

    def unfinished(state: _State) -> Any:
        stagnant = (state.step < _STAGNANT) & (state.step > state.before / 2)
        done = (state.step < _CONVERGED) | stagnant
        return (state.count < _STEPS) & ~(done & (state.rate == 0))

    unknown = xp.append(begin.values.ravel(), begin.friction)
    infinite = xp.asarray(xp.inf)
    # on a grid laid for a solution Newton's method begins at it
    rate = xp.where(begin.error < TOLERANCE, 0.0, 1 / _FIRST_STEP)
    first = _State(unknown, size(unknown), rate, infinite, infinite, xp.asarray(0))
    end = while_loop(unfinished, advance, first)
    values, friction = end.unknown[:-1].reshape(begin.values.shape), end.unknown[-1]
    settled = xp.where(end.rate == 0, end.step, xp.inf)
    error = settled + _inaccuracy(seen, shape, target, values, friction)
    return Found(values, friction, shape, xp.where(xp.isfinite(error), error, xp.inf))


def _inaccuracy(
    seen: Landscape, shape: Shape, target: Field, values: Nodal, friction: Scalar
) -> Scalar:
    """What resolution, ends and the balance c∫φ'² = ΔV leave, relative."""
    tension, _, _ = moments(shape, values)
    released = -seen.heights(target) * shape.radius**2
    # a barrier of 1 is radius² here
    balance = xp.abs(friction * tension - released) / (shape.radius**2 + xp.abs(released))
    grid = make_grid(ELEMENTS, shape, 1)
    slopes = nodal_slopes(ELEMENTS, grid, values)
    ends = (slopes[-1] ** 2).sum() + (slopes[0] ** 2).sum()
    tails = legendre_tails(ELEMENTS, values).max()
    return balance + tails + ends / tension**2


def as_function(
    function: Callable[[Real], Real], unknown: Real, seen: Landscape, shape: Shape, target: Field
) -> Real:
    """The unknowns as functions of what the residual depends on."""
    matrix = _jacobian(seen, shape, target, unknown, 0.0)
    # by the inverse, which is linear in the right-hand side as reverse mode needs it
    inverse = constant(eliminate(matrix, xp.eye(unknown.size))[0])

    def solve_linear(_: Any, right: Real) -> Real:
        return inverse @ _as_its_rows(constant(matrix), right)

    return jax.lax.custom_root(function, unknown, lambda _, guess: guess, solve_linear)

"""From two vacua to the neighbourhood of the bounce, without a starting guess from the user.

The bounce is a saddle of the action, but a *minimum* of

    F = (D/2) ln T − ((D−2)/2) ln(−W),

T and W the kinetic and potential integrals: F does not change with the scale of r, and at
its minimum r is rescaled so that Derrick's identity holds. There is one for each vacuum that
the field can tunnel to. The search scans tanh walls along a few paths between the vacua (the
straight line, and what the string method makes of it), keeps the one of least F for each number
of maxima of V that the path still has before it (none: a wall into the vacuum asked for), and
minimises F by Levenberg–Marquardt steps in a few stages, each on a grid laid anew: around the
wall, with its elements where the profile of the stage before varies fastest, and farther out
where the fields do not fall off freely at its end.

Nothing here is differentiated: the profile's derivatives come from the field equations.
Source: S. Coleman, V. Glaser & A. Martin, Commun. Math. Phys. 58 (1978) 211.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Real, Scalar
from jaxbounce.bounce.action import Field, rise
from jaxbounce.bounce.grid import (
    Effort,
    Elements,
    Grid,
    Nodal,
    Shape,
    apply_stiffness,
    effort,
    equal_breaks,
    make_grid,
    nodal,
    nodal_mass,
    regrid,
    share_out,
    to_elements,
    wall_moments,
)
from jaxbounce.bounce.linear import solve_elements

Path = Float[Array, "images n"]

ScaledPotential = Callable[[Field], Scalar]

SEARCH_ELEMENTS = Elements(16, 8)

_IMAGES = 33

_STRING_STEPS = (0, 8, 24, 96, 272)  # of the string method between the paths that are tried

_STRING_STEP_LIMIT = 0.25  # of the distance between images

_AMPLITUDES = np.arange(1, 9) / 8

_SMALL_AMPLITUDES = 0.5 ** np.arange(4, 17)  # for vacua far beyond where the wall ends

_NO_TIE = 0.05  # of F, which small ones must be better by: where every size is as good they are not

STARTS = 4
"""Walls that a search is begun from, at most: with 0, 1, 2, and more maxima before them."""

_WIDTHS = np.geomspace(2e-4, 1.6, 28)

_SCAN_NODES = 64

_TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-6, 1e-6)  # on the predicted decrease of F, stage by stage

_STEPS_A_STAGE = 60

_NARROWEST, _WIDEST = 1e-4, 1.5  # w of a grid

_GRID_PER_WALL = 1.6  # w over the spread of |u'|²

_DECAY_LENGTHS = 30.0

_FARTHEST = 100.0  # x_max of a grid, in wall radii beyond the wall, while fields are free there

_NOT_FREE = 1e-9  # of the kinetic integral: what a free far field may leave out

_FARTHER = 10.0  # by which a grid reaches farther where it leaves out more


def relaxed_paths(value: ScaledPotential, target: Field) -> Float[Array, "paths images n"]:
    """The straight path from 0 to `target`, and its relaxation by the simplified string method.

    One path for a single field. Source: W. E, W. Ren & E. Vanden-Eijnden, J. Chem. Phys.
    126 (2007) 164103.
    """
    share = jnp.linspace(0.0, 1.0, _IMAGES)
    straight = share[:, None] * target
    if target.size == 1:
        return straight[None]
    gradient = jax.vmap(jax.grad(value))
    curvature = jax.vmap(jax.hessian(value))(straight)
    rate = 0.5 / jnp.sqrt((curvature**2).sum((1, 2))).max()
    limit = _STRING_STEP_LIMIT / _IMAGES * jnp.sqrt((target**2).sum())

    def step(_: int, path: Path) -> Path:
        downhill = gradient(path)
        steepness = jnp.sqrt((downhill**2).sum(1, keepdims=True))
        moved = path - downhill * jnp.minimum(
            rate, limit / jnp.where(steepness > 0, steepness, 1.0)
        )
        moved = moved.at[0].set(path[0]).at[-1].set(path[-1])
        length = jnp.cumsum(jnp.sqrt((jnp.diff(moved, axis=0) ** 2).sum(1)))
        along = jnp.concatenate([jnp.zeros(1), length]) / length[-1]
        return interpolate(along, moved, share)

    def advance(path: Path, steps: Int[Array, ""]) -> tuple[Path, Path]:
        path = jax.lax.fori_loop(0, steps, step, path)
        return path, path

    return jax.lax.scan(advance, straight, jnp.array(_STRING_STEPS))[1]


def interpolate(
    knots: Float[Array, " k"], path: Float[Array, "k n"], at: Float[Array, " m"]
) -> Float[Array, "m n"]:
    """Linear interpolation of every field of a path."""
    return jax.vmap(lambda field: jnp.interp(at, knots, field), 1, 1)(path)


class Ansatz(NamedTuple):
    """A tanh wall along a path: the share amplitude · ½(1 − tanh((x − 1)/width)) of it."""

    path: Path
    amplitude: Scalar
    width: Scalar

    def at(self, x: Float[Array, " nodes"]) -> Nodal:
        """The fields at x."""
        share = self.amplitude * jax.nn.sigmoid(-2 * (x - 1) / self.width)
        return interpolate(jnp.linspace(0.0, 1.0, _IMAGES), self.path, share)


class Starts(NamedTuple):
    """Walls to begin a search from, one for each number of maxima that lie before them."""

    ansatz: Ansatz
    """Stacked along a first axis of length STARTS."""
    F: Float[Array, " starts"]
    """Infinite where there is none."""
    barrier: Bool[Array, ""]
    """Whether the potential rises above the false vacuum on every path."""


def starts(value: ScaledPotential, target: Field, dimension: int) -> Starts:
    """The tanh walls of least F between the false vacuum, u = 0, and the true one, `target`."""
    paths = relaxed_paths(value, target)
    # along each path, and close to the false vacuum, where a barrier may be low and narrow
    near = paths[:, 1, None] * np.geomspace(1e-6, 1.0, 64)[:, None]
    points = jnp.concatenate([paths, near], axis=1)
    heights = jax.vmap(jax.vmap(lambda u: rise(value, u)))(points)
    ansatz, F = best_ansaetze(value, paths, dimension)
    return Starts(ansatz, F, (heights > 0).any(1).all())


def best_ansaetze(
    value: ScaledPotential, paths: Float[Array, "paths images n"], dimension: int
) -> tuple[Ansatz, Float[Array, " starts"]]:
    """For each number of maxima ahead, the tanh wall of least F of a list, and its F."""
    node, weight = gauss_legendre(_SCAN_NODES)
    start, stop = np.arcsinh(-1 / _WIDTHS)[:, None], np.arcsinh(14.0)
    t = start + (stop - start) * (node + 1) / 2
    x = 1 + _WIDTHS[:, None] * np.sinh(t)
    volume = weight * (stop - start) / 2 * _WIDTHS[:, None] * np.cosh(t) * x ** (dimension - 1)
    z = (x - 1) / _WIDTHS[:, None]
    shape = (1 - np.tanh(z)) / 2
    kinetic = (volume * (1 - np.tanh(z) ** 2) ** 2).sum(1) / (8 * _WIDTHS**2)  # length-1 path

    fine = 4 * (_IMAGES - 1) + 1
    amplitudes = np.concatenate([_AMPLITUDES, _SMALL_AMPLITUDES])
    small = amplitudes < _AMPLITUDES[0]
    # the part of the path on which V is tabulated
    parts = np.where(small, amplitudes, 1.0)
    # between images a curved path is a chord: maxima of V there mean nothing
    apart = 1 if paths.shape[2] == 1 else 4

    def functional(
        path: Path,
    ) -> tuple[Float[Array, "amplitudes widths"], Int[Array, " amplitudes"]]:
        length = jnp.sqrt((jnp.diff(path, axis=0) ** 2).sum(1)).sum()
        knots = jnp.linspace(0.0, 1.0, _IMAGES)

        def along(part: Scalar) -> Float[Array, " fine"]:
            images = interpolate(knots, path, part * jnp.linspace(0.0, 1.0, fine))
            return jax.vmap(value)(images) - value(jnp.zeros_like(path[0]))

        def of_amplitude(entry: tuple[Scalar, Scalar]) -> Float[Array, " widths"]:
            amplitude, part = entry
            heights = along(part)
            place = shape * (amplitude / part) * (fine - 1)
            lower = jnp.clip(jnp.floor(place), 0, fine - 2).astype(int)
            above = place - lower
            height = (1 - above) * heights[lower] + above * heights[lower + 1]
            T = kinetic * (amplitude * length) ** 2
            return scale_free(T, (volume * height).sum(1), dimension)

        F = jax.lax.map(of_amplitude, (jnp.asarray(amplitudes), jnp.asarray(parts)))
        heights = interpolate(knots, path, jnp.linspace(0.0, 1.0, fine))
        heights = jax.vmap(value)(heights)[::apart]
        maximum = (heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])
        position = np.linspace(0.0, 1.0, heights.size)[1:-1]
        ahead = (maximum & (position >= amplitudes[:, None])).sum(1)
        return F + jnp.where(small, _NO_TIE, 0.0)[:, None], jnp.minimum(ahead, STARTS - 1)

    F, ahead = jax.vmap(functional)(paths)
    F = jnp.where(jnp.isnan(F), jnp.inf, F)

    def best(count: Int[Array, ""]) -> tuple[Ansatz, Scalar]:
        of_count = jnp.where((ahead == count)[..., None], F, jnp.inf)
        least = jnp.argmin(of_count)
        path, rest = jnp.divmod(least, F.shape[1] * F.shape[2])
        amplitude, width = jnp.divmod(rest, F.shape[2])
        ansatz = Ansatz(
            paths[path], jnp.asarray(amplitudes)[amplitude], jnp.asarray(_WIDTHS)[width]
        )
        return ansatz, of_count.ravel()[least]

    return jax.vmap(best)(jnp.arange(STARTS))


def scale_free(kinetic: Real, potential: Real, dimension: int) -> Real:
    """F; infinite unless W is negative."""
    usable = (potential < 0) & (kinetic > 0) & jnp.isfinite(potential) & jnp.isfinite(kinetic)
    T, W = jnp.where(usable, kinetic, 1.0), jnp.where(usable, -potential, 1.0)
    F = dimension / 2 * jnp.log(T) - (dimension - 2) / 2 * jnp.log(W)
    return jnp.where(usable, F, jnp.inf)


class _State(NamedTuple):
    values: Nodal
    F: Scalar
    T: Scalar
    W: Scalar
    kinetic_force: Nodal
    damping: Scalar
    step: Int[Array, ""]
    done: Bool[Array, ""]


def minimise(
    value: ScaledPotential, grid: Grid, x_max: Scalar, start: Nodal, tolerance: Scalar, D: int
) -> _State:
    """Levenberg–Marquardt minimisation of F on one grid of `SEARCH_ELEMENTS`."""
    elements = SEARCH_ELEMENTS
    n = start.shape[1]
    outside = (D - 2) * x_max ** (D - 2) * jnp.eye(n)
    weights = nodal_mass(elements, grid)
    local_mass = grid.mass[..., None, None]

    def integrals(values: Nodal) -> tuple[Scalar, Scalar, Nodal]:
        force = apply_stiffness(elements, grid, values).at[-1].add(outside @ values[-1])
        heights = jax.vmap(lambda u: rise(value, u))(values)
        return (values * force).sum() / 2, (weights * heights).sum(), force

    def advance(s: _State) -> _State:
        kinetic_share = D / 2 / s.T
        potential_share = (D - 2) / 2 / jnp.where(s.W < 0, -s.W, 1.0)
        push = weights[:, None] * jax.vmap(jax.grad(value))(s.values)
        gradient = kinetic_share * s.kinetic_force + potential_share * push
        curvature = to_elements(elements, jax.vmap(jax.hessian(value))(s.values))
        diagonal = potential_share * curvature + s.damping * D / s.T * jnp.eye(n)
        stiffened = kinetic_share * (1 + s.damping)
        solved, _ = solve_elements(
            elements,
            stiffened * grid.stiffness,
            local_mass * diagonal,
            stiffened * outside,
            jnp.stack([gradient, s.kinetic_force, push], -1),
        )
        # the logarithms add two matrices of rank one (Sherman–Morrison–Woodbury)
        low_rank = jnp.stack([s.kinetic_force, push], -1).reshape(-1, 2)
        solved = solved.reshape(-1, 3)
        capacity = low_rank.T @ solved[:, 1:] + jnp.diag(
            jnp.stack([-2 * s.T**2 / D, 2 * s.W**2 / (D - 2)])
        )
        inner = low_rank.T @ solved[:, 0]
        determinant = capacity[0, 0] * capacity[1, 1] - capacity[0, 1] * capacity[1, 0]
        weight = (
            jnp.stack(
                [
                    capacity[1, 1] * inner[0] - capacity[0, 1] * inner[1],
                    capacity[0, 0] * inner[1] - capacity[1, 0] * inner[0],
                ]
            )
            / determinant
        )
        change = -(solved[:, 0] - solved[:, 1:] @ weight).reshape(s.values.shape)
        predicted = (gradient * change).sum()
        values = s.values + change
        T, W, force = integrals(values)
        F = scale_free(T, W, D)
        better = (s.F + 1e-13 * jnp.abs(s.F) > F) & (predicted < 0)
        gain = (s.F - F) / jnp.maximum(-predicted / 2, 1e-300)
        eased = jnp.where(gain > 0.5, 0.2 * s.damping, s.damping)
        damping = jnp.clip(jnp.where(better, eased, 6 * s.damping), 1e-10, 1e13)
        done = (better & (-predicted < tolerance)) | (damping > 1e12)
        taken = _State(values, F, T, W, force, damping, s.step + 1, done)
        kept = s._replace(damping=damping, step=s.step + 1, done=done)
        return jax.tree.map(lambda new, old: jnp.where(better, new, old), taken, kept)

    T, W, force = integrals(start)
    first = _State(
        start,
        scale_free(T, W, D),
        T,
        W,
        force,
        jnp.asarray(1e-2),
        jnp.asarray(0),
        jnp.asarray(False),
    )
    return jax.lax.while_loop(lambda s: (s.step < _STEPS_A_STAGE) & ~s.done, advance, first)


class Found(NamedTuple):
    """Where the search ended: nodal values on `SEARCH_ELEMENTS`, and grids for what follows."""

    values: Nodal
    shape: Shape
    """The grid of `values`, with the radius that Derrick's identity asks for."""
    next_shape: Shape
    """A grid laid around the wall that was found; its elements are for `grid.share_out`, …"""
    needed: Effort
    """… from this, in units of the radius of `next_shape`."""
    steps: Int[Array, ""]


def search(value: ScaledPotential, ansatz: Ansatz, lightest: Scalar, dimension: int) -> Found:
    """Find the neighbourhood of the bounce.

    Args:
        value: scaled potential as a function of u, the false vacuum at u = 0.
        ansatz: the wall to begin with.
        lightest: about the smallest mass at the false vacuum, in scaled units.
        dimension: 3 or 4.
    """
    D, elements = dimension, SEARCH_ELEMENTS
    shape = Shape(
        radius=jnp.asarray(1.0),
        width=jnp.clip(1.2 * ansatz.width, _NARROWEST, _WIDEST),
        x_max=1 + 12 * ansatz.width + 3 * jnp.minimum(8 * ansatz.width, 3.0),
        breaks=equal_breaks(elements),
    )
    values = ansatz.at(nodal(elements, make_grid(elements, shape, D).x))

    def stage(carry, tolerance):
        values, shape, farther, steps = carry
        grid = make_grid(elements, shape, D)
        end = minimise(value, grid, shape.x_max, values, tolerance, D)
        centre, spread = wall_moments(elements, grid, end.values)
        # r = a x with (D−2) T + a² D W = 0
        scale = jnp.sqrt((D - 2) * end.T / (D * jnp.where(end.W < 0, -end.W, jnp.nan)))
        placed = shape._replace(radius=scale)
        width = jnp.clip(_GRID_PER_WALL * spread / centre, _NARROWEST, _WIDEST)
        reach = _DECAY_LENGTHS / (lightest * scale * centre)
        reach = jnp.clip(reach, 14 * width, _FARTHEST)
        left_out = scale**2 * shape.x_max**D * beyond_free(value, end.values[-1]) / end.T
        too_near = (left_out > _NOT_FREE) & (shape.x_max > reach * centre)
        farther = jnp.where(too_near, _FARTHER, 1.0) * farther
        needed = effort(elements, shape, end.values)
        needed = needed._replace(x=needed.x / centre)
        around = share_out(
            elements, Shape(scale * centre, width, 1 + farther * reach, shape.breaks), needed
        )
        moved = regrid((elements, elements), (placed, around), end.values, D)
        found = Found(end.values, placed, around, needed, steps + end.step)
        return (moved, around, farther, steps + end.step), found

    carry = (values, shape, jnp.asarray(1.0), jnp.asarray(0))
    _, stages = jax.lax.scan(stage, carry, jnp.asarray(_TOLERANCES))
    return jax.tree.map(lambda x: x[-1], stages)


def beyond_free(value: ScaledPotential, u: Field) -> Scalar:
    """|u·(∂U − M²u)|: the force on a field near the false vacuum, but for that of its mass."""
    free = jax.hessian(value)(jnp.zeros_like(u)) @ u
    return jnp.abs(u @ (jax.grad(value)(u) - free))

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

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxbounce._core.arrays import (
    Array,
    Code,
    Flag,
    Real,
    Scalar,
    add_at,
    choose,
    entry,
    fori_loop,
    over,
    put,
    scan,
    while_loop,
    xp,
)
from jaxbounce._core.quadrature import gauss_legendre
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
from jaxbounce.potential.landscape import Field, Landscape

Path = Float[Array, "images n"]

SEARCH_ELEMENTS = Elements(16, 8)

_IMAGES = 33

_FINE = 4 * (_IMAGES - 1) + 1  # points of a path at which V is tabulated

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


def relaxed_paths(seen: Landscape, target: Field) -> Float[Array, "paths images n"]:
    """The straight path from 0 to `target`, and its relaxation by the simplified string method.

    One path for a single field. Source: W. E, W. Ren & E. Vanden-Eijnden, J. Chem. Phys.
    126 (2007) 164103.
    """
    share = xp.linspace(0.0, 1.0, _IMAGES)
    straight = share[:, None] * target
    if target.size == 1:
        return straight[None]
    curvature = seen.curvatures(straight)
    rate = 0.5 / xp.sqrt((curvature**2).sum((1, 2))).max()
    limit = _STRING_STEP_LIMIT / _IMAGES * xp.sqrt((target**2).sum())

    def step(_: int, path: Path) -> Path:
        downhill = seen.gradients(path)
        steepness = xp.sqrt((downhill**2).sum(1, keepdims=True))
        moved = path - downhill * xp.minimum(rate, limit / xp.where(steepness > 0, steepness, 1.0))
        moved = put(put(moved, 0, path[0]), -1, path[-1])
        length = xp.cumsum(xp.sqrt((xp.diff(moved, axis=0) ** 2).sum(1)))
        along = xp.concatenate([xp.zeros(1), length]) / length[-1]
        return interpolate(along, moved, share)

    def advance(path: Path, steps: Code) -> tuple[Path, Path]:
        path = fori_loop(0, steps, step, path)
        return path, path

    return scan(advance, straight, xp.array(_STRING_STEPS))[1]


def interpolate(
    knots: Float[Array, " k"], path: Float[Array, "k n"], at: Float[Array, " m"]
) -> Float[Array, "m n"]:
    """Linear interpolation of every field of a path."""
    return over(lambda field: xp.interp(at, knots, field), path.T).T


class Ansatz(NamedTuple):
    """A tanh wall along a path: the share amplitude · ½(1 − tanh((x − 1)/width)) of it."""

    path: Path
    amplitude: Scalar
    width: Scalar

    def at(self, x: Float[Array, " nodes"]) -> Nodal:
        """The fields at x."""
        share = self.amplitude / (1 + xp.exp(2 * (x - 1) / self.width))
        return interpolate(xp.linspace(0.0, 1.0, _IMAGES), self.path, share)


class Starts(NamedTuple):
    """Walls to begin a search from, one for each number of maxima that lie before them."""

    ansatz: Ansatz
    """Stacked along a first axis of length STARTS."""
    F: Float[Array, " starts"]
    """Infinite where there is none."""
    barrier: Flag
    """Whether the potential rises above the false vacuum on every path."""


def starts(seen: Landscape, target: Field, dimension: int) -> Starts:
    """The tanh walls of least F between the false vacuum, u = 0, and the true one, `target`."""
    paths = relaxed_paths(seen, target)
    # along each path, and close to the false vacuum, where a barrier may be low and narrow
    near = paths[:, 1, None] * np.geomspace(1e-6, 1.0, 64)[:, None]
    points = xp.concatenate([paths, near], axis=1)
    heights = seen.heights(points)
    ansatz, F = best_ansaetze(seen, paths, dimension)
    return Starts(ansatz, F, (heights > 0).any(1).all())


def best_ansaetze(
    seen: Landscape, paths: Float[Array, "paths images n"], dimension: int
) -> tuple[Ansatz, Float[Array, " starts"]]:
    """For each number of maxima ahead, the tanh wall of least F of a list, and its F."""
    amplitudes = np.concatenate([_AMPLITUDES, _SMALL_AMPLITUDES])
    # the parts of the path on which V is tabulated: all of it, and small ones
    parts = np.append(1.0, _SMALL_AMPLITUDES)
    kinetic, rules = map(xp.asarray, _wall_rules(dimension))
    # between images a curved path is a chord: maxima of V there mean nothing
    apart = 1 if paths.shape[2] == 1 else 4

    def functional(
        path: Path,
    ) -> tuple[Float[Array, "amplitudes widths"], Int[Array, " amplitudes"]]:
        length = xp.sqrt((xp.diff(path, axis=0) ** 2).sum(1)).sum()
        places = parts[:, None] * np.linspace(0.0, 1.0, _FINE)
        images = interpolate(xp.linspace(0.0, 1.0, _IMAGES), path, xp.asarray(places.ravel()))
        heights = seen.heights(images.reshape(*places.shape, -1))
        T = kinetic * (amplitudes[:, None] * length) ** 2
        W = xp.concatenate([rules @ heights[0], heights[1:] @ rules[-1].T])
        F = scale_free(T, W, dimension)
        heights = heights[0, ::apart]
        maximum = (heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])
        position = np.linspace(0.0, 1.0, heights.size)[1:-1]
        ahead = (maximum & (position >= amplitudes[:, None])).sum(1)
        tie = np.where(amplitudes < _AMPLITUDES[0], _NO_TIE, 0.0)
        return F + tie[:, None], xp.minimum(ahead, STARTS - 1)

    F, ahead = over(functional, paths)
    F = xp.where(xp.isnan(F), xp.inf, F)

    def best(count: Code) -> tuple[Ansatz, Scalar]:
        of_count = xp.where((ahead == count)[..., None], F, xp.inf)
        least = xp.argmin(of_count)
        path, rest = xp.divmod(least, F.shape[1] * F.shape[2])
        amplitude, width = xp.divmod(rest, F.shape[2])
        ansatz = Ansatz(paths[path], xp.asarray(amplitudes)[amplitude], xp.asarray(_WIDTHS)[width])
        return ansatz, of_count.ravel()[least]

    return over(best, xp.arange(STARTS))


@functools.cache
def _wall_rules(dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """For tanh walls along a path, by width: T on a path of length 1, and rules for W.

    The rules, (amplitudes, widths, `_FINE`), are for heights at points along the path, between
    which V is linear; walls of the last amplitude reach to its end.
    """
    node, weight = gauss_legendre(_SCAN_NODES)
    start, stop = np.arcsinh(-1 / _WIDTHS)[:, None], np.arcsinh(14.0)
    t = start + (stop - start) * (node + 1) / 2
    x = 1 + _WIDTHS[:, None] * np.sinh(t)
    volume = weight * (stop - start) / 2 * _WIDTHS[:, None] * np.cosh(t) * x ** (dimension - 1)
    z = (x - 1) / _WIDTHS[:, None]
    kinetic = (volume * (1 - np.tanh(z) ** 2) ** 2).sum(1) / (8 * _WIDTHS**2)

    place = _AMPLITUDES[:, None, None] * (1 - np.tanh(z)) / 2 * (_FINE - 1)
    lower = np.clip(np.floor(place), 0, _FINE - 2).astype(int)
    above = place - lower
    rules = np.zeros((_AMPLITUDES.size, _WIDTHS.size, _FINE))
    amplitude, width, _ = np.indices(place.shape)
    np.add.at(rules, (amplitude, width, lower), volume * (1 - above))
    np.add.at(rules, (amplitude, width, lower + 1), volume * above)
    return kinetic, rules


def scale_free(kinetic: Real, potential: Real, dimension: int) -> Real:
    """F; infinite unless W is negative."""
    usable = (potential < 0) & (kinetic > 0) & xp.isfinite(potential) & xp.isfinite(kinetic)
    T, W = xp.where(usable, kinetic, 1.0), xp.where(usable, -potential, 1.0)
    F = dimension / 2 * xp.log(T) - (dimension - 2) / 2 * xp.log(W)
    return xp.where(usable, F, xp.inf)


class _State(NamedTuple):
    values: Nodal
    F: Scalar
    T: Scalar
    W: Scalar
    kinetic_force: Nodal
    damping: Scalar
    step: Code
    done: Flag


def minimise(
    seen: Landscape, grid: Grid, x_max: Scalar, start: Nodal, tolerance: Scalar, D: int
) -> _State:
    """Levenberg–Marquardt minimisation of F on one grid of `SEARCH_ELEMENTS`."""
    elements = SEARCH_ELEMENTS
    n = start.shape[1]
    outside = (D - 2) * x_max ** (D - 2) * xp.eye(n)
    weights = nodal_mass(elements, grid)
    local_mass = grid.mass[..., None, None]

    def integrals(values: Nodal) -> tuple[Scalar, Scalar, Nodal]:
        force = add_at(apply_stiffness(elements, grid, values), -1, outside @ values[-1])
        return (values * force).sum() / 2, (weights * seen.heights(values)).sum(), force

    def advance(s: _State) -> _State:
        kinetic_share = D / 2 / s.T
        potential_share = (D - 2) / 2 / xp.where(s.W < 0, -s.W, 1.0)
        push = weights[:, None] * seen.gradients(s.values)
        gradient = kinetic_share * s.kinetic_force + potential_share * push
        curvature = to_elements(elements, seen.curvatures(s.values))
        diagonal = potential_share * curvature + s.damping * D / s.T * xp.eye(n)
        stiffened = kinetic_share * (1 + s.damping)
        solved, _ = solve_elements(
            elements,
            stiffened * grid.stiffness,
            local_mass * diagonal,
            stiffened * outside,
            xp.stack([gradient, s.kinetic_force, push], -1),
        )
        # the logarithms add two matrices of rank one (Sherman–Morrison–Woodbury)
        low_rank = xp.stack([s.kinetic_force, push], -1).reshape(-1, 2)
        solved = solved.reshape(-1, 3)
        capacity = low_rank.T @ solved[:, 1:] + xp.diag(
            xp.stack([-2 * s.T**2 / D, 2 * s.W**2 / (D - 2)])
        )
        inner = low_rank.T @ solved[:, 0]
        determinant = capacity[0, 0] * capacity[1, 1] - capacity[0, 1] * capacity[1, 0]
        weight = (
            xp.stack(
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
        better = (s.F + 1e-13 * xp.abs(s.F) > F) & (predicted < 0)
        gain = (s.F - F) / xp.maximum(-predicted / 2, 1e-300)
        eased = xp.where(gain > 0.5, 0.2 * s.damping, s.damping)
        damping = xp.clip(xp.where(better, eased, 6 * s.damping), 1e-10, 1e13)
        done = (better & (-predicted < tolerance)) | (damping > 1e12)
        taken = _State(values, F, T, W, force, damping, s.step + 1, done)
        kept = s._replace(damping=damping, step=s.step + 1, done=done)
        return choose(better, taken, kept)

    T, W, force = integrals(start)
    first = _State(
        start,
        scale_free(T, W, D),
        T,
        W,
        force,
        xp.asarray(1e-2),
        xp.asarray(0),
        xp.asarray(False),
    )
    return while_loop(lambda s: (s.step < _STEPS_A_STAGE) & ~s.done, advance, first)


class Found(NamedTuple):
    """Where the search ended: nodal values on `SEARCH_ELEMENTS`, and grids for what follows."""

    values: Nodal
    shape: Shape
    """The grid of `values`, with the radius that Derrick's identity asks for."""
    next_shape: Shape
    """A grid laid around the wall that was found; its elements are for `grid.share_out`, …"""
    needed: Effort
    """… from this, in units of the radius of `next_shape`."""
    steps: Code


def search(seen: Landscape, ansatz: Ansatz, lightest: Scalar, dimension: int) -> Found:
    """Find the neighbourhood of the bounce.

    Args:
        seen: the potential in scaled fields, the false vacuum at u = 0.
        ansatz: the wall to begin with.
        lightest: about the smallest mass at the false vacuum, in scaled units.
        dimension: 3 or 4.
    """
    D, elements = dimension, SEARCH_ELEMENTS
    shape = Shape(
        radius=xp.asarray(1.0),
        width=xp.clip(1.2 * ansatz.width, _NARROWEST, _WIDEST),
        x_max=1 + 12 * ansatz.width + 3 * xp.minimum(8 * ansatz.width, 3.0),
        breaks=equal_breaks(elements),
    )
    values = ansatz.at(nodal(elements, make_grid(elements, shape, D).x))

    def stage(carry, tolerance):
        values, shape, farther, steps = carry
        grid = make_grid(elements, shape, D)
        end = minimise(seen, grid, shape.x_max, values, tolerance, D)
        centre, spread = wall_moments(elements, grid, end.values)
        # r = a x with (D−2) T + a² D W = 0
        scale = xp.sqrt((D - 2) * end.T / (D * xp.where(end.W < 0, -end.W, xp.nan)))
        placed = shape._replace(radius=scale)
        width = xp.clip(_GRID_PER_WALL * spread / centre, _NARROWEST, _WIDEST)
        reach = _DECAY_LENGTHS / (lightest * scale * centre)
        reach = xp.clip(reach, 14 * width, _FARTHEST)
        left_out = scale**2 * shape.x_max**D * beyond_free(seen, end.values[-1]) / end.T
        too_near = (left_out > _NOT_FREE) & (shape.x_max > reach * centre)
        farther = xp.where(too_near, _FARTHER, 1.0) * farther
        needed = effort(elements, shape, end.values)
        needed = needed._replace(x=needed.x / centre)
        around = share_out(
            elements, Shape(scale * centre, width, 1 + farther * reach, shape.breaks), needed
        )
        moved = regrid((elements, elements), (placed, around), end.values, D)
        found = Found(end.values, placed, around, needed, steps + end.step)
        return (moved, around, farther, steps + end.step), found

    carry = (values, shape, xp.asarray(1.0), xp.asarray(0))
    _, stages = scan(stage, carry, xp.asarray(_TOLERANCES))
    return entry(stages, -1)


def beyond_free(seen: Landscape, u: Field) -> Scalar:
    """|u·(∂U − M²u)|: the force on a field near the false vacuum, but for that of its mass."""
    free = seen.curvatures(xp.zeros_like(u)) @ u
    return xp.abs(u @ (seen.gradients(u) - free))

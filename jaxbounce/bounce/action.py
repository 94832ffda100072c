"""The Euclidean action of nodal values, and what stationarity of it means.

In units of L = |φ_TV − φ_FV| for the fields and of an energy density v for the potential,
lengths are in units of L/√v; with u = (φ − φ_FV)/L on the grid r = a x,

    S = (L^D/v^{D/2−1}) Ω a^{D−2} { ½ uᵀ K u + a² Σ m_i U(u_i) + ½ x_max^{D−1} u_Nᵀ κ u_N },

U the scaled potential above the false vacuum, m the mass weights and κ the decay matrix of
`far_field`. In a box κ is a wall: a penalty that holds u_N at zero.
"""

import math
from typing import Any, NamedTuple

from jaxtyping import Float, Int

from jaxbounce._core.arrays import Array, Scalar, add_at, constant, xp
from jaxbounce.bounce.far_field import decay_matrix
from jaxbounce.bounce.grid import (
    Elements,
    Grid,
    Nodal,
    Shape,
    apply_stiffness,
    make_grid,
    nodal_mass,
    reference_element,
    to_elements,
)
from jaxbounce.bounce.linear import apply_elements, solve_elements
from jaxbounce.bounce.symmetry import pin
from jaxbounce.potential.landscape import Field, Landscape, Potential, landscape

_WALL = 1e30  # stiffness of the wall of a box, in units of the kinetic term


class Problem(NamedTuple):
    """What a solve is about and cannot be differentiated in; hashable, static under jit."""

    potential: Potential
    dimension: int
    boxed: bool
    anywhere: bool
    """Whether the vacuum that the wall ends in is of no concern."""
    elements: Elements


class Inputs(NamedTuple):
    """What a bounce is differentiated in."""

    theta: Any
    false_vacuum: Field


class Units(NamedTuple):
    """Unit of the fields and of the potential; constants under differentiation."""

    field: Scalar
    energy: Scalar

    @property
    def length(self) -> Scalar:
        """L/√v."""
        return self.field / xp.sqrt(self.energy)

    def action(self, dimension: int) -> Scalar:
        """L^D/v^{D/2−1}."""
        return self.length ** (dimension - 2) * self.field**2


def solid_angle(dimension: int) -> float:
    """Area of the unit sphere: 4π in three dimensions, 2π² in four."""
    return 2 * math.pi ** (dimension / 2) / math.gamma(dimension / 2)


def scaled_potential(potential: Potential, inputs: Inputs, units: Units) -> Landscape:
    """U(u) = V(φ_FV + L u)/v."""
    return landscape(potential, inputs.theta, inputs.false_vacuum, units.field, units.energy)


def boundary_matrix(problem: Problem, seen: Landscape, shape: Shape, n: int) -> Float[Array, "n n"]:
    """x_max^{D−1} κ, in units of the grid."""
    if problem.boxed:
        return _WALL * xp.eye(n)
    mass_squared = seen.curvatures(xp.zeros(n)) * shape.radius**2
    kappa = decay_matrix(mass_squared, shape.x_max, problem.dimension)
    return shape.x_max ** (problem.dimension - 1) * kappa


class Parts(NamedTuple):
    """Contributions to the action, in the unit of the action."""

    kinetic: Scalar
    potential: Scalar
    boundary: Scalar
    """Kinetic and potential energy together of all that lies beyond the grid."""

    @property
    def total(self) -> Scalar:
        """The action."""
        return self.kinetic + self.potential + self.boundary


def action_parts(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Parts:
    """Kinetic and potential action on the grid, and the action beyond it, at any values."""
    elements, D = problem.elements, problem.dimension
    seen = scaled_potential(problem.potential, inputs, units)
    grid = make_grid(elements, shape, D)
    boundary = boundary_matrix(problem, seen, shape, values.shape[1])
    scale = units.action(D) * solid_angle(D) * shape.radius ** (D - 2)
    heights = seen.heights(values)
    return Parts(
        kinetic=scale * (values * apply_stiffness(elements, grid, values)).sum() / 2,
        potential=scale * shape.radius**2 * (nodal_mass(elements, grid) * heights).sum(),
        boundary=scale * (values[-1] @ boundary @ values[-1]) / 2,
    )


def scale_breaking(seen: Landscape, values: Nodal, dimension: int) -> Scalar:
    """How far U along a profile is from |u|^{2D/(D−2)}, for which bounces of every size solve.

    There u → s^{(D−2)/2} u(s r) leaves the action as it is, and the second variation has the
    zero mode η = r u' + ½(D−2) u: applied to η it is ½(D−2) U''u − ½(D+2) U', which vanishes
    point by point. Relative to its two terms; 0 for −φ⁴ in D = 4 and −φ⁶ in D = 3.
    """
    push = seen.gradients(values)
    bend = xp.einsum("kij,kj->ki", seen.curvatures(values), values)
    terms = xp.abs((dimension - 2) * bend), xp.abs((dimension + 2) * push)
    broken = xp.abs((dimension - 2) * bend - (dimension + 2) * push)
    return broken.max() / (terms[0] + terms[1]).max()


def surface_term(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Scalar:
    """Ω X^D (½ φ'² − ½ δᵀ M² δ) at the end of the grid: what Derrick's identity leaves there.

    Scaling r gives (D−2) T + D W = −surface for the inside and + surface for the outside.
    """
    D, elements = problem.dimension, problem.elements
    last = values[-1]
    if problem.boxed:
        grid = make_grid(elements, shape, D)
        reference = reference_element(elements.order)
        slope = reference.derivative[-1] @ to_elements(elements, values)[-1] / grid.slope[-1, -1]
        surface = slope @ slope
    else:
        seen = scaled_potential(problem.potential, inputs, units)
        mass_squared = seen.curvatures(xp.zeros_like(last)) * shape.radius**2
        slope = decay_matrix(mass_squared, shape.x_max, D) @ last
        surface = slope @ slope - last @ mass_squared @ last
    scale = units.action(D) * solid_angle(D) * shape.radius ** (D - 2)
    return scale * shape.x_max**D * surface / 2


def virial(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> tuple[Scalar, Scalar]:
    """(D−2) T + D W on the grid and at its end, which Derrick's identity says is 0; and T."""
    D = problem.dimension
    parts = action_parts(problem, inputs, units, shape, values)
    surface = surface_term(problem, inputs, units, shape, values)
    return (D - 2) * parts.kinetic + D * parts.potential + surface, parts.kinetic


class Linearised(NamedTuple):
    """The residual of the field equations and its Jacobian, at given values."""

    grid: Grid
    residual: Nodal
    diagonal: Float[Array, "count order n n"]
    boundary: Float[Array, "n n"]
    pinned: Float[Array, "count order n n"]
    """Added to `diagonal` to hold the zero modes of continuous symmetries."""
    zero_modes: Scalar
    """Their number."""


def linearise(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Linearised:
    """K u + a² m ∂U + x_max^{D−1} κ u_N, and the parts of its derivative in u."""
    elements = problem.elements
    seen = scaled_potential(problem.potential, inputs, units)
    grid = make_grid(elements, shape, problem.dimension)
    boundary = boundary_matrix(problem, seen, shape, values.shape[1])
    weights = nodal_mass(elements, grid)
    gradients, curvatures = seen.gradients(values), seen.curvatures(values)
    kinetic = apply_stiffness(elements, grid, values)
    residual = kinetic + shape.radius**2 * weights[:, None] * gradients
    residual = add_at(residual, -1, boundary @ values[-1])
    diagonal = shape.radius**2 * grid.mass[..., None, None] * to_elements(elements, curvatures)
    held = pin(*constant((values, gradients, curvatures, weights)))
    at_node = (held.node[:, None] * values**2).sum()
    firmness = (values * kinetic).sum() / xp.where(at_node > 0, at_node, 1.0)
    pinned = to_elements(elements, held.node[:, None])[..., None] * held.directions
    return Linearised(
        grid,
        residual,
        diagonal,
        boundary,
        constant(firmness * pinned),
        held.zero_modes,
    )


def solve_linearised(
    elements: Elements, system: Linearised, right: Nodal
) -> tuple[Nodal, Int[Array, ""]]:
    """The Jacobian's inverse applied to `right`, and its number of negative eigenvalues.

    Zero modes of continuous symmetries are held and count as positive (`symmetry`).
    """
    held = system.diagonal + system.pinned
    solution, negative = solve_elements(
        elements, system.grid.stiffness, held, system.boundary, right[..., None]
    )
    return solution[..., 0], negative


def apply_linearised(elements: Elements, system: Linearised, values: Nodal) -> Nodal:
    """The Jacobian applied to `values`."""
    return apply_elements(elements, system.grid, system.diagonal, system.boundary, values)

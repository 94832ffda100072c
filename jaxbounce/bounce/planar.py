"""The planar wall that moves steadily between two phases, with friction as an eigenvalue.

On the line across the wall, ξ from the inside (the true vacuum, ξ → −∞) to the outside (the false
one, ξ → ∞), friction against a wall that moves outwards gives

    φ'' = ∂V/∂φ − c φ',        c ∫ φ'² dξ = V(false) − V(true),

the second by the first times φ': a solution exists for one c alone, which thus is as unknown as
φ(ξ). (With ξ counted from the outside in, the first reads φ'' = ∂V/∂φ + c φ'.) For phases that are
equally deep c = 0 and the wall is the kink; a critical bubble's wall tends to it as 1/R. It is
what the flow φ_t = φ'' − ∂V/∂φ ends in, in the frame of the wall, and is found by steps of that
flow that grow into Newton's. Spectral elements as of the bounce (`grid`), in one dimension.

Source of friction linear in φ': J. Ignatius, K. Kajantie, H. Kurki-Suonio and M. Laine, Phys. Rev.
D 49 (1994) 3854, astro-ph/9309059, at small speeds.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxbounce._core.arrays import (
    Array,
    Code,
    Real,
    Scalar,
    answer,
    constant,
    is_at_once,
    xp,
)
from jaxbounce._core.numerics import eliminate
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import RealLike, as_leaf, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.bounce.action import Inputs, Units, scaled_potential
from jaxbounce.bounce.grid import Elements, Nodal, Shape, evaluate, evaluate_with_slope
from jaxbounce.bounce.planar_flow import (
    ELEMENTS,
    TOLERANCE,
    as_function,
    moments,
    residual,
    search_wall,
    tanh_moments,
)
from jaxbounce.potential.landscape import Field, Potential
from jaxbounce.potential.vacua import FieldLike, curvature, is_minimum, polish_vacuum


class PlanarWall(eqx.Module):
    """A steady planar wall and its friction. Numbers are NaN where `status` is not SUCCESS.

    ξ = 0 is where the wall would have its step if it were one: ∫ (s − θ(−ξ)) dξ = 0 with s the
    fields' share along the straight line between the vacua.
    """

    friction: Scalar
    """c (unit of the fields): ΔV over the tension; negative where the false vacuum is deeper."""
    tension: Scalar
    """∫ φ'² dξ, the wall's energy per area where the vacua are equally deep."""
    width: Scalar
    """L of the tanh(ξ/L) with the spread of φ'² about its mean."""
    centre: Scalar
    """Mean of ξ under φ'²."""
    pressure: Scalar
    """ΔV = V(false) − V(true)."""
    false_vacuum: Float[Array, " n"]
    true_vacuum: Float[Array, " n"]
    values: Nodal
    """(φ − φ_FV)/`field_unit` at the nodes."""
    field_unit: Scalar
    shape: Shape
    """Grid of `values`: ξ = radius (x − 1)."""
    error: Scalar
    """Estimate of the error: of the fields over the distance of the vacua, and of the balance of
    c ∫φ'² and ΔV over the larger of ΔV and the height of the barrier."""
    status: Code
    elements: Elements = eqx.field(static=True)

    def __str__(self) -> str:
        return summary(
            "planar wall",
            self.status,
            {
                "friction": (self.friction, "(unit of the fields)"),
                "tension": (self.tension, ""),
                "width": (self.width, "in inverse units of the fields"),
                "error": (self.error, "(relative)"),
            },
        )

    def _repr_html_(self) -> str:
        return as_html(str(self))

    def limits(self) -> tuple[Scalar, Scalar]:
        """ξ between which the fields move; beyond, they are those of the vacua."""
        return -self.shape.radius, self.shape.radius * (self.shape.x_max - 1)

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Increasing ξ that fill the limits, dense at the wall."""
        return answer(_scan, self.shape, intervals)

    def fields(self, xi: RealLike) -> Float[Array, "... n"]:
        """φ(ξ): piecewise polynomials, and the vacua beyond `limits`."""
        return answer(_fields, self, as_real(xi))

    def slopes(self, xi: RealLike) -> Float[Array, "... n"]:
        """φ'(ξ), 0 beyond `limits`."""
        return answer(_slopes, self, as_real(xi))

    def tanh_moments(self, of: tuple[int, ...]) -> tuple[Float[Array, " fields"], Scalar]:
        """Mean of ξ under φ_i'² of some fields, and L of the tanh with their joint spread."""
        return answer(tanh_moments, self.shape, self.values, of)

    def energy_density(self, potential: Potential, theta: Any, xi: RealLike) -> Real:
        """½ φ'² + V − V(false) at ξ, of any shape."""
        return answer(_energy_density, potential, theta, self, as_real(xi))


def _scan(shape: Shape, intervals: int) -> Float[Array, " points"]:
    start, stop = xp.arcsinh(-1 / shape.width), xp.arcsinh((shape.x_max - 1) / shape.width)
    t = start + (stop - start) * xp.linspace(0.0, 1.0, intervals + 1)
    return shape.radius * shape.width * xp.sinh(t)


def _places(wall: PlanarWall, xi: Real) -> Real:
    return xp.clip(1 + xi / wall.shape.radius, 0.0, wall.shape.x_max)


def _fields(wall: PlanarWall, xi: Real) -> Real:
    u = evaluate(wall.elements, wall.shape, wall.values, _places(wall, xi))
    return wall.false_vacuum + wall.field_unit * u


def _slopes(wall: PlanarWall, xi: Real) -> Real:
    x = 1 + xi / wall.shape.radius
    inside = (x >= 0) & (x <= wall.shape.x_max)
    _, slope = evaluate_with_slope(wall.elements, wall.shape, wall.values, _places(wall, xi))
    return xp.where(inside[..., None], slope * wall.field_unit / wall.shape.radius, 0.0)


def _energy_density(potential: Potential, theta: Any, wall: PlanarWall, xi: Real) -> Real:
    units = Units(xp.asarray(1.0), xp.asarray(1.0))
    seen = scaled_potential(potential, Inputs(theta, wall.false_vacuum), units)
    heights = seen.heights(_fields(wall, xi) - wall.false_vacuum)
    return heights + (_slopes(wall, xi) ** 2).sum(-1) / 2


def planar_wall(
    potential: Potential, theta: Any, false_vacuum: FieldLike, true_vacuum: FieldLike
) -> PlanarWall:
    """The steady planar wall between two vacua, and the friction at which it is one.

    Pure and traceable: jit, vmap and differentiate it in θ, of which the vacua are functions; at
    once where nothing is traced, as `solve_bounce`.

    Args:
        potential: V(φ, θ); hashable.
        theta: its parameters.
        false_vacuum: a minimum, outside; a guess, polished.
        true_vacuum: a minimum, inside; the same. It need not be the deeper one.

    Returns:
        A `PlanarWall`; FALSE_VACUUM_NOT_MINIMUM, TRUE_VACUUM_NOT_MINIMUM, and WALL_NOT_CONVERGED
        where no steady wall is found, as where a third vacuum lies in between and the wall comes
        apart into two.

    Raises:
        ValueError: for shapes that do not fit, or without float64.
    """
    false_guess, true_guess = (as_leaf(jnp.asarray(v)) for v in (false_vacuum, true_vacuum))
    if false_guess.ndim != 1 or false_guess.shape != true_guess.shape or not false_guess.size:
        raise ValueError(
            "the vacua must be vectors of one value per field, both of one length; their"
            f" shapes are {false_guess.shape} and {true_guess.shape}"
        )
    if false_guess.dtype != jnp.float64:
        raise ValueError(
            "a wall needs float64: call jaxbounce.enable_x64() before making any array"
        )
    return answer(_solve, potential, jax.tree.map(as_leaf, theta), false_guess, true_guess)


def _solve(potential: Potential, theta: Any, false_guess: Field, true_guess: Field) -> PlanarWall:
    given = theta
    theta, token = shielded(given)
    false, true = (polish_vacuum(potential, theta, constant(g)) for g in (false_guess, true_guess))
    fixed = constant(Inputs(theta, false))
    separation = constant(true - false)
    length = xp.sqrt((separation**2).sum())
    length = xp.where(length > 0, length, 1.0)
    line = xp.linspace(0.0, 1.0, 257)
    unscaled = scaled_potential(potential, fixed, Units(length, xp.asarray(1.0)))
    heights = unscaled.heights(line[:, None] * separation / length)
    barrier = (heights - line * heights[-1]).max()
    units = Units(length, xp.where(barrier > 0, barrier, 1.0))
    target = separation / length

    masses = [curvature(potential, fixed.theta, constant(vacuum)) for vacuum in (false, true)]
    minima = [is_minimum(mass) for mass in masses]
    lightest = [_lightest(mass * units.field**2 / units.energy) for mass in masses]
    seen = scaled_potential(potential, fixed, units)
    found = search_wall(seen, target, lightest, minima[0] & minima[1])
    shape = constant(found.shape)

    def equations(unknown: Real) -> Real:
        inside = (true - false) / units.field
        at = scaled_potential(potential, Inputs(theta, false), units)
        return residual(at, shape, inside, unknown)

    unknown = xp.append(found.values.ravel(), found.friction)
    if not is_at_once():
        unknown = as_function(equations, constant(unknown), seen, shape, target)
    values, friction = unknown[:-1].reshape(found.values.shape), unknown[-1]

    tension, centre, width = moments(shape, values)
    error = constant(found.error)
    status = xp.where(error < TOLERANCE, Status.SUCCESS.value, Status.WALL_NOT_CONVERGED.value)
    status = xp.where(minima[1], status, Status.TRUE_VACUUM_NOT_MINIMUM.value)
    status = xp.where(minima[0], status, Status.FALSE_VACUUM_NOT_MINIMUM.value)
    scale = units.length * shape.radius
    depth = scaled_potential(potential, Inputs(theta, false), units).heights(
        (true - false) / length
    )
    numbers = (
        friction / scale,
        tension * units.field**2 / scale,
        width * scale,
        centre * scale,
        -depth * units.energy,
        values,
    )
    good = status == Status.SUCCESS.value
    numbers = withheld(numbers, good, token, others=given)
    return PlanarWall(
        *numbers[:5],
        false_vacuum=false,
        true_vacuum=true,
        values=numbers[5],
        field_unit=length,
        shape=shape._replace(radius=scale),
        error=error,
        status=status,
        elements=ELEMENTS,
    )


def _lightest(mass_squared: Float[Array, "n n"]) -> Scalar:
    """The smallest mass, or a number that much below it as there are fields, squared."""
    n = mass_squared.shape[-1]
    inverse, _ = eliminate(mass_squared + 1e-30 * xp.eye(n), xp.eye(n))
    return 1 / xp.sqrt(xp.maximum(xp.trace(inverse), 1e-30))

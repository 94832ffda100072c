"""`solve_bounce`: from a potential and its vacua to the O(3)- or O(4)-symmetric bounce.

φ'' + (D−1)/r φ' = ∂V/∂φ, φ'(0) = 0, φ(∞) = φ_FV, and

    S = Ω_D ∫ r^{D−1} [½ φ'² + V − V_FV] dr,   Ω₃ = 4π, Ω₄ = 2π².

The search (`search`) finds the neighbourhood, Newton's method on spectral elements
(`profile`) the solution, and the certificate decides whether it may be called a bounce.
"""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import (
    Array,
    Code,
    Flag,
    Real,
    Scalar,
    answer,
    constant,
    is_at_once,
    put,
    xp,
)
from jaxbounce._core.numerics import bracketed_root, eliminate
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import RealLike, as_leaf, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.bounce.action import (
    Inputs,
    Problem,
    Units,
    action_parts,
    boundary_matrix,
    scaled_potential,
    surface_term,
)
from jaxbounce.bounce.certificate import NEAR, Certificate, judge, judge_vacua
from jaxbounce.bounce.far_field import beyond
from jaxbounce.bounce.grid import (
    Elements,
    Nodal,
    Shape,
    evaluate,
    evaluate_with_slope,
)
from jaxbounce.bounce.profile import (
    Solution,
    Wanted,
    is_bounce,
    no_solution,
    solution_near,
    solve_profile,
    stationary_action,
)
from jaxbounce.potential.landscape import Field, Potential, landscape
from jaxbounce.potential.vacua import FieldLike, curvature, is_minimum, polish_vacuum

ELEMENTS = Elements(22, 11)
"""Elements of the solution: many rather than of high order, for profiles with narrow features."""

_LINE_POINTS = 257  # of the straight line between the vacua, for the unit of the potential

_SCAN_POINTS = 401


class Bounce(eqx.Module):
    """A bounce and what vouches for it. Numbers are NaN where `status` is not SUCCESS.

    All but one: SCALE_INVARIANT, bounces of every size, leaves the action that they share.

    Lengths are in inverse units of the fields; a function of all of them, the action is
    dimensionless in D = 4 and has the unit of the fields in D = 3 (S₃; S₃/T is the exponent).
    """

    action: Scalar
    """S."""
    kinetic: Scalar
    """Ω ∫ r^{D−1} ½ φ'² dr; S = (2/D) · kinetic in infinite volume."""
    potential: Scalar
    """Ω ∫ r^{D−1} (V − V_FV) dr."""
    R_peak: Scalar
    """Radius at which the radial action density Ω r^{D−1} (½ φ'² + V − V_FV) peaks."""
    FWHM: Scalar
    """Full width of that peak at half maximum."""
    false_vacuum: Float[Array, " n"]
    true_vacuum: Float[Array, " n"]
    """As given, or the minimum next to it."""
    inner_vacuum: Float[Array, " n"]
    """Where the wall ends: the vacuum that the fields at r = 0 roll into.

    That of the true vacuum if the status is SUCCESS; NaN where no wall was found, and where V
    falls for ever. A constant under differentiation.
    """
    certificate: Certificate
    values: Nodal
    """(φ − φ_FV)/`field_unit` at the nodes."""
    field_unit: Scalar
    shape: Shape
    """Grid of `values`, its radius in the user's units."""
    decay: Float[Array, "n n"]
    """κ of φ' = −κ (φ − φ_FV) at the end of the grid, times that radius; 0 in a box."""
    status: Code
    dimension: int = eqx.field(static=True)
    elements: Elements = eqx.field(static=True)

    def __str__(self) -> str:
        return summary(
            f"bounce in {self.dimension} dimensions",
            self.status,
            {
                "action": (self.action, ""),
                "R_peak": (self.R_peak, "in inverse units of the fields"),
                "FWHM": (self.FWHM, "in inverse units of the fields"),
                "Derrick": (self.certificate.derrick, "(relative)"),
                "negative modes": (self.certificate.negative_modes, ""),
            },
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))

    @property
    def r_max(self) -> Scalar:
        """Radius at which the grid ends, and the far field (or the wall of the box) begins."""
        return self.shape.radius * self.shape.x_max

    def fields(self, r: RealLike) -> Float[Array, "... n"]:
        """φ(r) for r ≥ 0, shape of r and the fields: piecewise polynomials, smooth to rounding.

        Beyond `r_max` the fields fall off as free fields do (`far_field.beyond`).
        """
        return answer(_fields, self, as_real(r))

    def scan_radii(self, count: int) -> Float[Array, " count"]:
        """Increasing radii from 0 to `r_max`, dense at the wall."""
        return answer(_scan_radii, self.shape, count)


def _scan_radii(shape: Shape, count: int) -> Float[Array, " count"]:
    return shape.radius * scan_points(shape, count)


def _fields(bounce: Bounce, r: Real) -> Float[Array, "... n"]:
    x = r / bounce.shape.radius
    inside = evaluate(
        bounce.elements, bounce.shape, bounce.values, xp.clip(x, 0.0, bounce.shape.x_max)
    )
    outer = xp.maximum(x, bounce.shape.x_max)
    outside = beyond(
        bounce.values[-1],
        bounce.decay / bounce.shape.x_max,
        bounce.shape.x_max,
        outer,
        bounce.dimension,
    )
    u = xp.where((x <= bounce.shape.x_max)[..., None], inside, outside)
    return bounce.false_vacuum + bounce.field_unit * u


def scan_points(shape: Shape, count: int) -> Float[Array, " count"]:
    """x from 0 to x_max, equally spaced in the coordinate in which the elements are."""
    start = xp.arcsinh(-1 / shape.width)
    stop = xp.arcsinh((shape.x_max - 1) / shape.width)
    t = start + (stop - start) * xp.linspace(0.0, 1.0, count)
    x = 1 + shape.width * xp.sinh(t)
    return put(put(x, 0, 0.0), -1, shape.x_max)


def solve_bounce(
    potential: Potential,
    theta: Any,
    false_vacuum: FieldLike,
    true_vacuum: FieldLike,
    dimension: int = 4,
    *,
    r_max: RealLike | None = None,
    tunnels_to: Literal["given", "any"] = "given",
    near: Bounce | None = None,
) -> Bounce:
    """The bounce out of a false vacuum.

    Called with numbers it is solved at once, for which a new potential costs a small program.
    Pure and traceable: jit, vmap (over θ, vacua, r_max) and differentiate it; that is compiled,
    tens of seconds for milliseconds a bounce, and gives the same numbers. In θ the
    action has derivatives of all orders, by the envelope theorem; profile, R_peak and FWHM
    by the implicit-function theorem; the vacua are functions of θ. Nothing is
    differentiated in the guesses for the vacua.

    Args:
        potential: V(φ, θ); hashable (a function, or a module without arrays). A new
            function object is a new program to compile.
        theta: parameters, any pytree of numbers.
        false_vacuum: a minimum of V, or a point close to it.
        true_vacuum: a deeper minimum, a point close to it, or at least a point at which V is
            below the false vacuum, beyond the barrier.
        dimension: 4 (vacuum decay) or 3 (thermal).
        r_max: radius of a box at whose wall φ = φ_FV; infinite volume if None.
        tunnels_to: "given": the bounce into the true vacuum given, which is where the way
            downhill from it leads. "any": of those that are found on the way to it the one of
            least action, whichever vacuum it ends in.
        near: the bounce of a similar potential, for a single answer in infinite volume; not used
            in a box, nor where it is compiled. Newton's method begins there, and nothing is
            searched for if it ends in a bounce that satisfies the certificate and ends where it
            should. It may then not be the one of least action.

    Returns:
        A `Bounce`. Its status says what is wrong with the vacua, or that no solution was
        found that satisfies the certificate (Newton step < 1e-8, or < 1e-6 with the
        action stationary to 1e-10; Derrick's identity to 1e-6, exactly one negative mode,
        Legendre tail < 1e-4, far field to 1e-6), or, TUNNELS_ELSEWHERE, none that ends where
        it should; then `inner_vacuum` is where the wall that was found does. Where the potential
        has a kink on the way, an action whose own error is below 1e-7 will do, with Derrick's
        identity to 1e-4 (about what R_peak and FWHM are then good to) and a Legendre tail < 1e-6.

        A bounce that breaks a continuous symmetry of V about the false vacuum points to where
        the true vacuum given does, and so it stays under differentiation.

    Raises:
        ValueError: for shapes that do not fit, another dimension, or without float64.

    Source: S. Coleman, Phys. Rev. D 15 (1977) 2929.

    >>> import jax, jaxbounce as jb
    >>> jb.enable_x64()
    >>> def sextic(phi, k):
    ...     return phi[0]**2 / 2 - phi[0]**4 / 4 + k * phi[0]**6 / 8
    >>> print(f"{jb.solve_bounce(sextic, 0.18, [0.0], [2.493], dimension=3).action:.9f}")
    100.060697175
    """
    false_vacuum, true_vacuum = (as_leaf(jnp.asarray(v)) for v in (false_vacuum, true_vacuum))
    if tunnels_to not in ("given", "any"):
        raise ValueError(f'tunnels_to = {tunnels_to!r}: must be "given" or "any"')
    if dimension not in (3, 4):
        raise ValueError(f"dimension = {dimension!r}: must be 3 or 4")
    if false_vacuum.ndim != 1 or false_vacuum.shape != true_vacuum.shape or not false_vacuum.size:
        raise ValueError(
            "the vacua must be vectors of one value per field, both of one length; their"
            f" shapes are {np.shape(false_vacuum)} and {np.shape(true_vacuum)}"
        )
    if false_vacuum.dtype != jnp.float64 or true_vacuum.dtype != jnp.float64:
        raise ValueError(
            "a bounce needs float64: call jaxbounce.enable_x64() before making any array"
        )
    if near is not None and near.false_vacuum.shape != false_vacuum.shape:
        raise ValueError(
            f"near: a bounce of {near.false_vacuum.size} fields; this potential has"
            f" {false_vacuum.size}"
        )
    given = (
        jax.tree.map(as_leaf, theta),
        false_vacuum,
        true_vacuum,
        None if r_max is None else as_leaf(r_max),
    )
    problem = Problem(potential, dimension, r_max is not None, tunnels_to == "any", ELEMENTS)
    return answer(_solve, problem, near, *given)


def _solve(
    problem: Problem,
    near: Bounce | None,
    theta: Any,
    false_guess: Field,
    true_guess: Field,
    r_max: Scalar | None,
) -> Bounce:
    potential, dimension = problem.potential, problem.dimension
    given = theta
    theta, token = shielded(given)
    start = constant(false_guess)
    false_vacuum = polish_vacuum(potential, theta, start)
    inputs = Inputs(theta, false_vacuum)
    fixed = constant(inputs)
    true_vacuum = _true_vacuum(potential, theta, false_vacuum, constant(true_guess))
    units, target, finite = _units(potential, fixed, constant(true_vacuum))

    seen = scaled_potential(potential, fixed, units)
    mass_squared = curvature(potential, fixed.theta, fixed.false_vacuum)
    mass_squared = mass_squared * units.field**2 / units.energy
    wall = xp.asarray(xp.inf) if r_max is None else constant(r_max)
    wanted = Wanted(target, _lightest(mass_squared), wall)
    guesses = (start, constant(true_guess))
    of_vacua = judge_vacua(seen, target, mass_squared, guesses, fixed, units)
    if is_at_once() and of_vacua != Status.SUCCESS:
        solution = no_solution(problem, target.size)
    else:
        solution = _near(problem, inputs, units, wanted, near) if is_at_once() else None
        if solution is None:
            solution = solve_profile(problem, inputs, units, wanted)
    values, shape = solution.values, constant(solution.shape)
    action = stationary_action(problem, inputs, units, shape, values)

    parts = action_parts(problem, inputs, units, shape, values)
    surface = surface_term(problem, inputs, units, shape, values)
    # T + W of the outside is known, and (D−2) T + D W too
    outside = 0.0 if r_max is not None else (dimension * parts.boundary - surface) / 2
    kinetic = parts.kinetic + outside
    R_peak, FWHM = _wall(problem, inputs, units, shape, values)

    certificate = constant(solution.certificate)
    barrier, as_asked, inner = constant((solution.barrier, solution.as_asked, solution.inner))
    status = judge(of_vacua, certificate, barrier, as_asked, finite)
    bad = (status == Status.SUCCESS.value) & ~xp.isfinite(action)
    status = xp.where(bad, Status.NOT_FINITE.value, status)
    inner_vacuum = fixed.false_vacuum + units.field * inner
    if problem.anywhere:
        true_vacuum = polish_vacuum(potential, theta, inner_vacuum)
    boundary = boundary_matrix(
        problem, scaled_potential(potential, inputs, units), shape, target.size
    )
    decay = boundary * shape.x_max ** (2 - dimension) * (r_max is None)
    bounce = Bounce(
        action=action,
        kinetic=kinetic,
        potential=action - kinetic,
        R_peak=R_peak,
        FWHM=FWHM,
        false_vacuum=false_vacuum,
        true_vacuum=true_vacuum,
        inner_vacuum=inner_vacuum,
        certificate=certificate,
        values=values,
        field_unit=units.field,
        shape=shape._replace(radius=shape.radius * units.length),
        decay=decay,
        status=status,
        dimension=dimension,
        elements=ELEMENTS,
    )
    good = status == Status.SUCCESS.value
    of_size = (bounce.kinetic, bounce.potential, R_peak, FWHM, values)
    walled = good | (status == Status.TUNNELS_ELSEWHERE.value)
    has_action = good | (status == Status.SCALE_INVARIANT.value)
    of_all = withheld(action, has_action, token, others=given)
    return eqx.tree_at(
        lambda b: (b.action, b.inner_vacuum, b.kinetic, b.potential, b.R_peak, b.FWHM, b.values),
        bounce,
        (
            of_all,
            xp.where(walled, bounce.inner_vacuum, xp.nan),
            *withheld(of_size, good, others=given),
        ),
    )


def _near(
    problem: Problem, inputs: Inputs, units: Units, wanted: Wanted, near: Bounce | None
) -> Solution | None:
    """The solution next to a bounce; None if that is none, or ends elsewhere."""
    if near is None or near.status != Status.SUCCESS or near.elements != problem.elements:
        return None
    # its grid ends elsewhere than at the wall of a box
    if problem.boxed or near.dimension != problem.dimension:
        return None
    shape = near.shape._replace(radius=near.shape.radius / units.length)
    start = near.values * near.field_unit / units.field
    found = solution_near(problem, inputs, units, wanted, shape, start)
    return found if is_bounce(found) and found.as_asked > 0 else None


def vacua_status(
    potential: Potential, theta: Any, false_vacuum: FieldLike, true_vacuum: FieldLike
) -> Code:
    """What is wrong with a pair of vacua, told without solving for a bounce.

    Arguments as of `solve_bounce`. SUCCESS if the false vacuum is near a minimum and the true
    one deeper; whether a barrier separates them is not asked.
    """
    false_guess, true_guess = (as_leaf(jnp.asarray(v)) for v in (false_vacuum, true_vacuum))
    false = polish_vacuum(potential, theta, false_guess)
    true = _true_vacuum(potential, theta, false, true_guess)
    near = xp.abs(false - false_guess).max() < NEAR * xp.sqrt(((true - false) ** 2).sum())
    minimum = near & is_minimum(curvature(potential, theta, false))
    deeper = potential(true, theta) < potential(false, theta)
    status = xp.where(deeper, Status.SUCCESS.value, Status.TRUE_VACUUM_NOT_DEEPER.value)
    return xp.where(minimum, status, Status.FALSE_VACUUM_NOT_MINIMUM.value)


def _true_vacuum(potential: Potential, theta: Any, false_vacuum: Field, guess: Field) -> Field:
    """The minimum next to `guess` if there is one that is as deep; else the guess itself."""
    polished = polish_vacuum(potential, theta, guess)
    reach = xp.sqrt(((guess - false_vacuum) ** 2).sum()) / 2
    near = xp.sqrt(((polished - guess) ** 2).sum()) < reach
    minimum = is_minimum(curvature(potential, theta, polished))
    seen = landscape(potential, theta)
    deeper = seen.values(polished) <= seen.values(guess)
    use = constant(near & minimum & deeper)
    return xp.where(use, polished, guess)


def _units(potential: Potential, inputs: Inputs, true_vacuum: Field) -> tuple[Units, Field, Flag]:
    """Distance of the vacua and height of the potential between them; the scaled true vacuum.

    And whether the potential is a number all along the straight line.
    """
    separation = true_vacuum - inputs.false_vacuum
    length = xp.sqrt((separation**2).sum())
    length = xp.where(length > 0, length, 1.0)
    share = xp.linspace(0.0, 1.0, _LINE_POINTS)[:, None]
    seen = landscape(potential, inputs.theta)
    line = seen.values(inputs.false_vacuum + share * separation)
    heights = xp.abs(line - seen.values(inputs.false_vacuum))
    finite = xp.isfinite(heights)
    energy = xp.where(finite, heights, 0.0).max()
    return Units(length, xp.where(energy > 0, energy, 1.0)), separation / length, finite.all()


def _lightest(mass_squared: Float[Array, "n n"]) -> Scalar:
    """About the smallest mass: between that and 1/√n of it; almost 0 for a massless field."""
    n = mass_squared.shape[-1]
    inverse, _ = eliminate(mass_squared + 1e-30 * xp.eye(n), xp.eye(n))
    return 1 / xp.sqrt(xp.maximum(xp.trace(inverse), 1e-30))


def _wall(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> tuple[Scalar, Scalar]:
    """R_peak and FWHM of the radial action density."""
    seen = scaled_potential(problem.potential, inputs, units)
    zero = seen.values(xp.zeros_like(values[0]))
    D = problem.dimension

    def at(x: Real) -> tuple[Real, Real]:
        """The density, and its derivative over Ω x^{D−1}, which the field equations give."""
        u, slope = evaluate_with_slope(problem.elements, shape, values, x)
        kinetic, potential = (slope**2).sum(-1) / 2, shape.radius**2 * (seen.values(u) - zero)
        force = shape.radius**2 * seen.gradients(u)
        change = (D - 1) / x * (potential - kinetic) + 2 * (slope * force).sum(-1)
        return x ** (D - 1) * (kinetic + potential), change

    points = constant(scan_points(shape, _SCAN_POINTS))
    heights, _ = constant(at(points))
    top = xp.clip(xp.argmax(heights), 1, _SCAN_POINTS - 2)
    peak = bracketed_root(lambda x: at(x)[1], points[top - 1], points[top + 1])
    half = at(peak)[0] / 2

    below = heights < heights[top] / 2
    index = xp.arange(_SCAN_POINTS)
    left = xp.max(xp.where(below & (index < top), index, 0))
    right = xp.min(xp.where(below & (index > top), index, _SCAN_POINTS - 1))
    cell = xp.stack([left, right - 1])

    def edge(left: Real, right: Real) -> Real:
        return bracketed_root(lambda x: at(x)[0] - half, left, right)

    ends = (points[cell], points[cell + 1])
    edges = edge(*ends) if is_at_once() else jax.vmap(edge)(*ends)
    scale = units.length * shape.radius
    return scale * peak, scale * (edges[1] - edges[0])

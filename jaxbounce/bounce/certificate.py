"""What a solution must satisfy to be called a bounce, and what is wrong where it does not."""

from typing import Any, NamedTuple

import jax
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Code, Flag, Scalar, xp
from jaxbounce._core.status import Status
from jaxbounce.bounce.action import Inputs, Problem, Units, scaled_potential, solid_angle
from jaxbounce.bounce.grid import Nodal, Shape
from jaxbounce.bounce.search import beyond_free
from jaxbounce.potential.landscape import Field, Landscape
from jaxbounce.potential.vacua import is_minimum

_STATIONARY = 1e-6  # of the gradient at a vacuum, in scaled units

_DEGENERATE = 1e-8  # of the depth, relative to the barrier

_SAME = 1e-8  # distance of the vacua, relative to their fields, at which they are one

_NEWTON_TOLERANCE = 1e-8

# rounding moves a thin wall, or changes the size of a bounce of any size, by more than that:
# then by what it does to the action
_NEWTON_SOFT = 1e-6

_NEWTON_GAIN = 1e-10

_DERRICK_TOLERANCE = 1e-6

_TAIL_TOLERANCE = 1e-4

# a potential that is physics and not smooth, as (m²)₊^{3/2} of a loop, leaves Derrick's identity
# at its kink: then the action by its own error, of a profile that is resolved all the same
_ACTION_TOLERANCE = 1e-7

_ROUGH_DERRICK = 1e-4

_ROUGH_TAIL = 1e-6

ANY_SIZE = 1e-10
"""Scale breaking that is rounding: the potential has no scale."""

NEAR = 0.5
"""How far from its guess a false vacuum may be, relative to the distance of the vacua."""


class Certificate(NamedTuple):
    """What vouches for a bounce, each a number that is small (or 1) for a good one."""

    newton_step: Scalar
    """The step that Newton's method would take next, relative to the range of the fields."""
    newton_gain: Scalar
    """What that step would change in the action, relative to the kinetic action."""
    derrick: Scalar
    """Violation of Derrick's (virial) identity, relative to the kinetic action."""
    legendre_tail: Scalar
    """Highest Legendre coefficients of the profile, relative to the range of the fields."""
    negative_modes: Scalar
    """Negative eigenvalues of the second variation in the radial sector; 1 for a bounce.

    Without the zero modes of continuous symmetries.
    """
    far_field: Scalar
    """Error of taking the fields for free beyond the grid, relative to the kinetic action."""
    scale_breaking: Scalar
    """How far the potential is from scale invariance along the bounce; 0: a zero mode."""
    zero_modes: Scalar
    """Number of zero modes of continuous symmetries that the bounce breaks."""
    action_error: Scalar
    """Error of the action by finer quadrature and by Derrick's identity squared, relative to the
    kinetic action (`finer`)."""

    @property
    def any_size(self) -> Flag:
        """Whether bounces of every size solve."""
        return self.scale_breaking < ANY_SIZE

    @property
    def converged(self) -> Flag:
        """Whether Newton's method has found a solution."""
        stationary = (self.newton_step < _NEWTON_SOFT) & (self.newton_gain < _NEWTON_GAIN)
        return (self.newton_step < _NEWTON_TOLERANCE) | stationary

    @property
    def saddle(self) -> Flag:
        """Whether it has the one negative mode of a bounce.

        The zero mode of bounces of every size counts as rounding has it.
        """
        return (self.negative_modes == 1) | (self.any_size & (self.negative_modes == 2))

    @property
    def resolved(self) -> Flag:
        """Whether the grid resolves it."""
        rough = (self.derrick < _ROUGH_DERRICK) & (self.legendre_tail < _ROUGH_TAIL)
        good_action = rough & (self.action_error < _ACTION_TOLERANCE)
        return (
            ((self.derrick < _DERRICK_TOLERANCE) | good_action)
            & (self.legendre_tail < _TAIL_TOLERANCE)
            & (self.far_field < _DERRICK_TOLERANCE)
        )


def far_field_error(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Scalar:
    """r^D |δ·(∂V − M²δ)| at the end of the grid: the action that the free far field leaves out.

    Zero in a box, negligible for massive fields and for small quartic couplings of massless
    ones; not for potentials that are not smooth at the false vacuum.
    """
    if problem.boxed:
        return xp.zeros(())
    seen, D = scaled_potential(problem.potential, inputs, units), problem.dimension
    rest = beyond_free(seen, values[-1]) * shape.radius**2 * shape.x_max**D
    return units.action(D) * solid_angle(D) * shape.radius ** (D - 2) * rest


def judge_vacua(
    seen: Landscape,
    target: Field,
    mass_squared: Float[Array, "n n"],
    guesses: tuple[Field, Field],
    inputs: Inputs,
    units: Units,
) -> Code:
    """The first thing that is wrong with the vacua, which no bounce can mend; else SUCCESS.

    `guesses`: for the false and the true vacuum.
    """
    origin = xp.zeros_like(target)
    depth = seen.values(origin) - seen.values(target)
    positions = xp.stack([inputs.false_vacuum, inputs.false_vacuum + units.field * target])
    apart = (target**2).sum() * units.field > _SAME * xp.abs(positions).max()
    gradient = xp.abs(seen.gradients(origin)).max()
    moved = xp.abs(inputs.false_vacuum - guesses[0]).max() / units.field
    vacuum = (gradient < _STATIONARY) & (moved < NEAR) & is_minimum(mass_squared)
    finite = xp.isfinite(depth) & xp.isfinite(gradient)
    given = jax.tree.leaves((inputs.theta, guesses))
    legal = xp.stack([xp.isfinite(x).all() for x in given]).all()
    return _first_wrong(
        (legal, Status.INVALID_PARAMETER.value),
        (finite, Status.POTENTIAL_NOT_FINITE.value),
        (apart, Status.DEGENERATE_VACUA.value),
        (vacuum, Status.FALSE_VACUUM_NOT_MINIMUM.value),
        (xp.abs(depth) > _DEGENERATE, Status.DEGENERATE_VACUA.value),
        (depth > 0, Status.TRUE_VACUUM_NOT_DEEPER.value),
    )


def judge(
    of_vacua: Code,
    certificate: Certificate,
    barrier: Scalar,
    as_asked: Scalar,
    finite: Flag | bool = True,
) -> Code:
    """The first thing that is wrong; SCALE_INVARIANT if nothing is but that no size is singled out.

    `barrier`: 0 if no path has one; `as_asked`: 0 if the wall ends elsewhere than it should;
    `finite`: whether V is a number all along the straight line, which a bounce may avoid.
    """

    def unless_no_barrier(code: Status) -> Code:
        known = xp.where(barrier > 0, code.value, Status.NO_BARRIER.value)
        return xp.where(finite, known, Status.POTENTIAL_NOT_FINITE.value)

    return _first_wrong(
        (of_vacua == Status.SUCCESS.value, of_vacua),
        (certificate.converged, unless_no_barrier(Status.BOUNCE_NOT_CONVERGED)),
        (certificate.saddle, unless_no_barrier(Status.NOT_A_BOUNCE)),
        (certificate.resolved, unless_no_barrier(Status.BOUNCE_NOT_RESOLVED)),
        (as_asked > 0, Status.TUNNELS_ELSEWHERE.value),
        (~certificate.any_size, Status.SCALE_INVARIANT.value),
    )


def _first_wrong(*checks: tuple[Flag, Any]) -> Code:
    status = xp.asarray(Status.SUCCESS.value)
    for passed, code in reversed(checks):
        status = xp.where(passed, status, code)
    return status

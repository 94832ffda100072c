"""The wall of a two-field bounce, for the conversion models."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import equinox as eqx
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar, at_once, xp
from jaxbounce._core.checks import suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied, WithoutParameters
from jaxbounce._core.status import Part
from jaxbounce._core.types import RealLike, as_leaf, as_optional_leaf, as_real
from jaxbounce.bounce.planar import planar_wall
from jaxbounce.bounce.solve import Bounce, solve_bounce
from jaxbounce.conversion.planar_wall import PlanarProfile, tanh_of
from jaxbounce.conversion.wall import SCAN_INTERVALS, WallProfile
from jaxbounce.potential.vacua import Potential


def _leaves(theta: Mapping[str, RealLike]) -> dict[str, Scalar]:
    return {name: as_leaf(value) for name, value in theta.items()}


class BounceWall(WallProfile):
    """|Φ| and |φ| of a bounce along ξ = r − R_peak; nothing is tabulated.

    Piecewise polynomials of the solution itself, and its far field beyond the grid. Made
    inside the function that is differentiated, it carries the derivatives of the bounce:
    those of a conversion probability in the couplings of the potential are then exact.
    """

    bounce: Bounce
    hidden: int = eqx.field(static=True, default=0)
    """Which field of the potential is Φ, large inside the bubble."""
    brane: int = eqx.field(static=True, default=1)
    """Which field is φ, large outside."""

    def __check_init__(self) -> None:
        n = self.bounce.false_vacuum.shape[-1]
        if not (0 <= self.hidden < n and 0 <= self.brane < n) or self.hidden == self.brane:
            raise ValueError(
                f"hidden = {self.hidden}, brane = {self.brane}: must be two different fields of"
                f" the {n} that the bounce has, counted from 0"
            )

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ, constant inside the centre of the bubble."""
        r = xp.maximum(self.bounce.R_peak + as_real(xi), 0.0)
        values = xp.abs(self.bounce.fields(r))
        return values[..., self.hidden], values[..., self.brane]

    def limits(self) -> tuple[Scalar, Scalar]:
        """The centre of the bubble and the end of the grid."""
        return -self.bounce.R_peak, self.bounce.r_max - self.bounce.R_peak

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Points dense at the wall, out to the end of the grid."""
        return self.bounce.scan_radii(intervals + 1) - self.bounce.R_peak


class CriticalBubble(Stage):
    """The wall of the critical bubble of a potential with two fields: the stage of "wall".

    The bounce is solved where the model is evaluated, so that the couplings of the potential are
    parameters of the model: they can be replaced, scanned, fitted and differentiated by.

    Attributes:
        potential: V(φ, θ), the first field being Φ and the second φ; hashable.
        theta: its parameters by name.
        false_vacuum: guess, polished with θ.
        true_vacuum: the same.
        r_max: radius of a box; infinite volume if None.
        dimension: 4 (vacuum decay) or 3 (thermal).
    """

    potential: Potential = eqx.field(static=True)
    theta: dict[str, Scalar] = eqx.field(converter=_leaves)
    false_vacuum: Float[Array, " n"] = eqx.field(converter=as_leaf)
    true_vacuum: Float[Array, " n"] = eqx.field(converter=as_leaf)
    r_max: Scalar | None = eqx.field(converter=as_optional_leaf, default=None)
    dimension: int = eqx.field(static=True, default=4)

    label = "potential"
    part = Part.WALL
    at_once = True

    def __check_init__(self) -> None:
        if self.false_vacuum.shape != (2,) or self.true_vacuum.shape != (2,):
            raise ConfigurationError(
                f"the potential of a wall needs two fields, Φ and φ; its vacua have shapes"
                f" {self.false_vacuum.shape} and {self.true_vacuum.shape}"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing: a vacuum bubble, or one at the temperature among θ."""
        return ()

    @property
    def supplies(self) -> tuple[str, ...]:
        """The wall."""
        return ("wall",)

    @property
    def relative_cost(self) -> int:
        """Milliseconds where a quadrature takes microseconds."""
        return 4096

    def bounce(self) -> Bounce:
        """The bounce itself."""
        return solve_bounce(
            self.potential,
            self.theta,
            self.false_vacuum,
            self.true_vacuum,
            self.dimension,
            r_max=self.r_max,
        )

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """Solve the bounce."""
        found = self.bounce()
        return Supplied({"wall": BounceWall(found)}, {}, found.status)

    def ranges(self) -> dict[str, Range]:
        """The parameters of the potential: any finite number."""
        return {name: _coupling(name) for name in self.theta}

    def value(self, name: str) -> Scalar:
        """The parameter of that name."""
        return self.theta[name]

    def replace(self, **values: RealLike) -> Self:
        """The same bubble with other parameters of the potential."""
        for name in values:
            if name not in self.theta:
                raise ConfigurationError(
                    f"{name}: no parameter of the potential{suggestion(name, self.theta)}"
                )
        return dataclasses.replace(self, theta={**self.theta, **values})


WallShape = Literal["critical-bubble", "planar", "tanh"]


class TransitionBubble(WithoutParameters):
    """The wall of the model's own transition, at T_p: the stage of "wall".

    Of a potential with two fields, Φ and φ, in GeV; its couplings are those of the transition.

    Attributes:
        shape: "critical-bubble", as it nucleates; "planar", the wall that moves steadily, friction
            ∝ φ' balancing the pressure; "tanh", the tanh with the moments of the planar one.
    """

    shape: WallShape = eqx.field(static=True, default="critical-bubble")

    label = "wall"
    part = Part.WALL
    at_once = True

    @property
    def needs(self) -> tuple[str, ...]:
        """The phases, and the temperature."""
        return ("rate", "T_p")

    @property
    def supplies(self) -> tuple[str, ...]:
        """The wall."""
        return ("wall",)

    @property
    def relative_cost(self) -> int:
        """As of a `CriticalBubble`."""
        return 4096

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """Solve for it."""
        rate, T = known["rate"], known["T_p"]
        false, true = rate.guesses(T)
        if self.shape == "critical-bubble":
            bounce = solve_bounce(rate.potential, rate.parameters(T), false, true, 3)
            return Supplied({"wall": BounceWall(bounce)}, {}, bounce.status)
        planar = planar_wall(rate.potential, rate.parameters(T), false, true)
        wall = PlanarProfile(planar) if self.shape == "planar" else tanh_of(planar)
        return Supplied({"wall": wall}, {}, planar.status)


def _coupling(name: str) -> Range:
    return Range(-math.inf, math.inf, False, False, f"parameter {name} of the potential")


def wall_quantities(bounce: Bounce) -> dict[str, float | None]:
    """For two fields: ξ*, |φ|, Δ' where |φ| = |Φ| (unit couplings), the first being Φ."""
    if bounce.false_vacuum.shape[-1] != 2:
        return {}
    wall = BounceWall(bounce)

    def splitting(xi: Real) -> Real:
        hidden, brane = wall.fields(xi)
        return brane - hidden

    with at_once():
        points = xp.asarray(wall.scan(SCAN_INTERVALS))
        positive = splitting(points) >= 0
        (cells,) = np.nonzero(positive[1:] != positive[:-1])
        if cells.size == 0:
            return {"xi_star": None, "phi_star": None, "Delta_prime_at_star": None}
        xi, h = bracketed_root(splitting, points[cells[0]], points[cells[0] + 1]), 1e-4
        return {
            "xi_star": float(xi),
            "phi_star": float(wall.fields(xi)[1]),
            "Delta_prime_at_star": float(splitting(xi + h) - splitting(xi - h)) / (2 * h),
        }

"""The wall of a two-field bounce, for the conversion models."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.bounce.solve import Bounce
from jaxbounce.conversion.wall import Couplings, WallProfile, crossings, level_splitting


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
        r = jnp.maximum(self.bounce.R_peak + as_real(xi), 0.0)
        values = jnp.abs(self.bounce.fields(r))
        return values[..., self.hidden], values[..., self.brane]

    def limits(self) -> tuple[Scalar, Scalar]:
        """The centre of the bubble and the end of the grid."""
        return -self.bounce.R_peak, self.bounce.r_max - self.bounce.R_peak

    def scan(self, intervals: int) -> Float[Array, " intervals+1"]:
        """Points dense at the wall, out to the end of the grid."""
        return self.bounce.scan_radii(intervals + 1) - self.bounce.R_peak


def wall_quantities(bounce: Bounce) -> dict[str, float | None]:
    """For two fields: ξ*, |φ|, Δ' where |φ| = |Φ| (unit couplings), the first being Φ."""
    if bounce.false_vacuum.shape[-1] != 2:
        return {}
    wall = BounceWall(bounce)

    @eqx.filter_jit
    def first(wall: BounceWall) -> Any:
        found = crossings(wall, Couplings(), 1)
        xi, h = found.xi[0], 1e-4
        slope = level_splitting(wall, Couplings(), xi + h) - level_splitting(
            wall, Couplings(), xi - h
        )
        return found.count, xi, wall.fields(xi)[1], slope / (2 * h)

    count, xi, phi, slope = first(wall)
    if int(count) == 0:
        return {"xi_star": None, "phi_star": None, "Delta_prime_at_star": None}
    return {
        "xi_star": float(xi),
        "phi_star": float(phi),
        "Delta_prime_at_star": float(slope),
    }

"""The wall of a two-field bounce, for the conversion models."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._types import Real, RealLike, Scalar, as_real
from jaxbounce.bounce.solve import Bounce
from jaxbounce.wall import WallProfile


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

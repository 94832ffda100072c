"""The steady planar wall, and the tanh that is most like it, for the conversion models."""

import equinox as eqx
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar, xp
from jaxbounce._core.types import RealLike
from jaxbounce.bounce.planar import PlanarWall
from jaxbounce.conversion.wall import TwoCentreTanhWall, WallProfile


class PlanarProfile(WallProfile):
    """|Φ| and |φ| of a steady planar wall; nothing is tabulated.

    Made inside the function that is differentiated, it carries the derivatives of the wall in the
    parameters of the potential.
    """

    wall: PlanarWall
    hidden: int = eqx.field(static=True, default=0)
    """Which field of the potential is Φ, large inside the bubble."""
    brane: int = eqx.field(static=True, default=1)
    """Which field is φ, large outside."""

    def __check_init__(self) -> None:
        n = self.wall.false_vacuum.shape[-1]
        if not (0 <= self.hidden < n and 0 <= self.brane < n) or self.hidden == self.brane:
            raise ValueError(
                f"hidden = {self.hidden}, brane = {self.brane}: must be two different fields of"
                f" the {n} that the wall has, counted from 0"
            )

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ."""
        values = xp.abs(self.wall.fields(xi))
        return values[..., self.hidden], values[..., self.brane]

    def limits(self) -> tuple[Scalar, Scalar]:
        """Where the fields are those of the vacua."""
        return self.wall.limits()

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Points dense at the wall."""
        return self.wall.scan(intervals)


def tanh_of(wall: PlanarWall, hidden: int = 0, brane: int = 1) -> TwoCentreTanhWall:
    """The tanh ansatz for a planar wall, by the moments of φ_i'² that a tanh has in closed form.

    Each field has its centre at the mean of ξ, and both have the width L of their joint spread
    about these. The ansatz knows of no field that has a value on both sides: |Φ| outside and |φ|
    inside are left out.

    Args:
        wall: the wall.
        hidden: which field is Φ.
        brane: which field is φ.
    """
    centres, width = wall.tanh_moments((hidden, brane))
    return TwoCentreTanhWall(
        Phi_inside=xp.abs(wall.true_vacuum[hidden]),
        phi_outside=xp.abs(wall.false_vacuum[brane]),
        width=width,
        centre_Phi=centres[0],
        centre_phi=centres[1],
    )

"""What every conversion model answers to: one probability, its error, its status."""

from abc import abstractmethod
from typing import Literal

import equinox as eqx

from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import Code, RealLike, Scalar
from jaxbounce.conversion.wall import Couplings, WallProfile

Kinematics = Literal["nonrelativistic", "relativistic"]
"""What a model is called with: the speed v relative to the wall, or K = √(p_z² + m_in²)."""


class Estimate(eqx.Module):
    """A conversion probability with its certificate, shape ()."""

    P: Scalar
    """P(χ→B)."""
    error: Scalar
    """Estimated absolute numerical error of P; what the model leaves out is not in it."""
    status: Code

    def __str__(self) -> str:
        return summary(
            "conversion probability",
            self.status,
            {"P": (self.P, ""), "error": (self.error, "(absolute)")},
        )

    def _repr_html_(self) -> str:
        return as_html(str(self))


class ConversionModel(eqx.Module):
    """P(χ→B) of a wall by some method."""

    kinematics: eqx.AbstractVar[Kinematics]

    @abstractmethod
    def probability(self, profile: WallProfile, couplings: Couplings, motion: RealLike) -> Estimate:
        """P at one speed v or one K, with P and error as they come out whatever the status.

        An average weighs them; where a single number is wanted, mind the status.

        Args:
            profile: the wall.
            couplings: y_B, y_χ, λ.
            motion: v > 0 (nonrelativistic) or K > 0 (relativistic), a scalar.
        """

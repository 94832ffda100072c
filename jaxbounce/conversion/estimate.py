"""What every conversion model answers to: one probability, its error, its status."""

from abc import abstractmethod
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import Code, RealLike, Scalar
from jaxbounce.conversion.wall import Couplings, WallProfile

Kinematics = Literal["nonrelativistic", "relativistic"]
"""What a model is called with: the speed v relative to the wall, or K = √(p_z² + m_in²)."""


class TableError(eqx.Module):
    """Absolute errors of P from a table, by their cause."""

    spacing: Scalar
    """Rows too far apart for the wall."""
    rounding: Scalar
    """Few digits."""
    noise: Scalar
    """Scatter from row to row."""
    ends: Scalar
    """The table ends before the fields have reached their limits."""

    @property
    def total(self) -> Scalar:
        """Their sum, at most 1 as P itself."""
        return jnp.minimum(self.spacing + self.rounding + self.noise + self.ends, 1.0)

    @property
    def status(self) -> Code:
        """The status that names the largest."""
        parts = jnp.stack([self.spacing, self.rounding, self.noise, self.ends])
        codes = np.array([code.value for code in _CODES])
        return jnp.asarray(codes)[jnp.argmax(parts)]


_CODES = (
    Status.TABLE_TOO_COARSE,
    Status.TABLE_ROUNDED,
    Status.TABLE_NOISY,
    Status.TABLE_ENDS_INSIDE_WALL,
)


class Estimate(eqx.Module):
    """A conversion probability with its certificate, shape ()."""

    P: Scalar
    """P(χ→B)."""
    error: Scalar
    """Estimated absolute error of P: numerics and, from `WallConversion`, what the table of the
    wall leaves open. What the model leaves out is not in it."""
    status: Code
    table: TableError | None = None
    """The part of `error` that a tabulated wall makes; None for other walls."""

    def __str__(self) -> str:
        return summary(
            "conversion probability",
            self.status,
            {"P": (self.P, ""), "error": (self.error, "(absolute)")},
        )

    def __repr__(self) -> str:
        return str(self)

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

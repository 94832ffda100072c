"""The stage that computes g_* and g_*s at T_p, and g_*(T) beside it, from a thermal history."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax.numpy as jnp

from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import RealLike, Scalar
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom


class ThermalHistory(Stage):
    """g_*(T), in place of constants; T_p says where `g_star` and `g_star_s` are read off.

    It supplies the function itself too, as "degrees": what expansion, entropy and time follow.

    Attributes:
        degrees: g_ρ(T) and g_s(T). Parameters of its own, such as those of a hidden sector, are
            parameters of the model.
    """

    label: ClassVar[str] = "history"
    part: ClassVar[Part] = Part.HISTORY

    degrees: DegreesOfFreedom

    @property
    def needs(self) -> tuple[str, ...]:
        """T_p."""
        return ("T_p",)

    @property
    def supplies(self) -> tuple[str, ...]:
        """g_ρ and g_s at T_p, and as functions."""
        return ("g_star", "g_star_s", "degrees")

    @property
    def relative_cost(self) -> int:
        """Little beside the yields themselves."""
        return 1

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """g_* at T_p; BEYOND_G_STAR_TABLE where it is not known there."""
        T_p = known["T_p"]
        degrees = self.degrees.anchored(T_p)
        values = {
            "g_star": degrees.energy(T_p),
            "g_star_s": degrees.entropy(T_p),
            "degrees": degrees,
        }
        covered = self.degrees.covers(T_p)
        status = jnp.where(covered, Status.SUCCESS, Status.BEYOND_G_STAR_TABLE)
        return Supplied(values, {}, status)

    def ranges(self) -> dict[str, Range]:
        """Those of the degrees of freedom."""
        return self.degrees.ranges()

    def value(self, name: str) -> Scalar:
        """One of their parameters."""
        return self.degrees.value(name)

    def replace(self, **values: RealLike) -> Self:
        """The same history with some of them replaced."""
        return type(self)(self.degrees.replace(**values))

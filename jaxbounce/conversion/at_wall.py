"""P(χ→B) of a wall under way through the plasma: what the chain takes in place of a number P.

A conversion model knows P at one speed or one K. Here it is decided which: χ at rest in the
plasma meets the wall at v = v_w, or with K = γ m_in, m_in the mass of the χ-like eigenstate
outside; or the plasma is hot and P is averaged over the flux onto the moving wall.

Fields and lengths of a profile are in a unit of their own; `unit_GeV` says how large its
unit of mass is. It matters only where a temperature enters.
"""

import dataclasses
from typing import Any, Literal, Self, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.ranges import Range, above, at_least
from jaxbounce._core.status import Status
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_optional_leaf, as_real
from jaxbounce.conversion.average import (
    FluxAverage,
    nonrelativistic_flux_average,
    thermal_flux_average,
)
from jaxbounce.conversion.estimate import ConversionModel, Estimate
from jaxbounce.conversion.two_level import TwoLevelPropagation
from jaxbounce.conversion.wall import Couplings, WallProfile, eigenmasses, incoming_mass
from jaxbounce.cosmology.gas_integrals import Statistics

Incidence = Literal["cold", "thermal"]

WALL_RANGES: dict[str, Range] = {
    "y_B": at_least(0, "coupling of |φ| to the mass of B"),
    "y_chi": at_least(0, "coupling of |Φ| to the mass of χ"),
    "lam": at_least(0, "λ, mixing over |φ|"),
    "stretch": above(0, "width of the wall over that of the profile"),
    "unit_GeV": above(0, "unit of mass of the profile (GeV)"),
}
"""Range and meaning of the parameters of a conversion, by name."""

_COUPLINGS = ("y_B", "y_chi", "lam")

_PANELS = 20


def _is_scalar(value: Any) -> bool:
    return isinstance(value, jax.Array) and value.ndim == 0


class StretchedWall(WallProfile):
    """A wall made wider: fields at ξ are those of `profile` at ξ/stretch."""

    profile: WallProfile
    stretch: Scalar = eqx.field(converter=as_leaf)

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ."""
        return self.profile.fields(as_real(xi) / self.stretch)

    def limits(self) -> tuple[Scalar, Scalar]:
        """Those of the profile, stretched."""
        lower, upper = self.profile.limits()
        return self.stretch * lower, self.stretch * upper

    def scan(self, intervals: int) -> Float[Array, " intervals+1"]:
        """That of the profile, stretched."""
        return self.stretch * self.profile.scan(intervals)


class WallConversion(eqx.Module):
    """A conversion model on a wall with its couplings, called with v_w and T.

    Attributes:
        profile: the wall.
        couplings: y_B, y_χ, λ.
        model: how P is found; the exact two-level propagation, P_ad, by default.
        stretch: the wall is this many times as wide as `profile`; every wall has a width
            to be differentiated by this way.
        unit_GeV: unit of mass of the profile (GeV).
        K: with a relativistic model and cold incidence, K in the unit of the profile, in place of
            γ m_in.
        incidence: "cold", χ at rest in the plasma (or of the given K); or "thermal", the average
            over the flux at T, for which m_in is the mass of the incoming particles.
        panels: of the thermal average (static).
        tolerance: absolute error estimate up to which a thermal average counts as converged.
    """

    profile: WallProfile
    couplings: Couplings
    model: ConversionModel = TwoLevelPropagation()
    stretch: Scalar = eqx.field(converter=as_leaf, default=1.0)
    unit_GeV: Scalar = eqx.field(converter=as_leaf, default=1.0)
    K: Scalar | None = eqx.field(converter=as_optional_leaf, default=None)
    incidence: Incidence = eqx.field(static=True, default="cold")
    panels: int = eqx.field(static=True, default=_PANELS)
    tolerance: float = eqx.field(static=True, default=1e-6)

    def __check_init__(self) -> None:
        if self.incidence not in get_args(Incidence):
            raise ValueError(
                f"incidence = {self.incidence!r}: must be one of"
                f" {', '.join(map(repr, get_args(Incidence)))}"
            )
        if self.K is not None and (
            self.incidence == "thermal" or self.model.kinematics == "nonrelativistic"
        ):
            raise ValueError(
                "K is given, but this conversion does not use it: it belongs to a relativistic"
                ' model with incidence "cold"; drop K or change those'
            )

    def wall(self) -> WallProfile:
        """The profile, stretched."""
        return StretchedWall(self.profile, self.stretch)

    def names(self) -> tuple[str, ...]:
        """The parameters that `replace` knows."""
        own = ("stretch", "unit_GeV", *(() if self.K is None else ("K",)))
        return (*_COUPLINGS, *own, *self._wall_names())

    def _wall_names(self) -> tuple[str, ...]:
        taken = (*_COUPLINGS, "stretch", "unit_GeV", "K")
        return tuple(
            f.name
            for f in dataclasses.fields(self.profile)
            if f.name not in taken and _is_scalar(getattr(self.profile, f.name))
        )

    def replace(self, **values: RealLike) -> Self:
        """The same conversion with parameters replaced, of the wall (`width` …) too."""
        of_wall = {k: v for k, v in values.items() if k in self._wall_names()}
        couplings = {k: v for k, v in values.items() if k in _COUPLINGS}
        own: dict[str, Any] = {
            k: v for k, v in values.items() if k not in of_wall and k not in couplings
        }
        for name in own:
            if name not in self.names():
                raise ValueError(f"{name}: not a parameter of this conversion")
        if couplings:
            own["couplings"] = dataclasses.replace(self.couplings, **couplings)
        if of_wall:
            own["profile"] = dataclasses.replace(self.profile, **of_wall)
        return dataclasses.replace(self, **own)

    def value(self, name: str) -> Scalar:
        """The parameter of that name."""
        if name in _COUPLINGS:
            return getattr(self.couplings, name)
        return getattr(self.profile if name in self._wall_names() else self, name)

    def incoming_mass(self) -> Scalar:
        """m_in in the unit of the profile."""
        return incoming_mass(self.profile, self.couplings)

    def momentum(self, v_w: RealLike) -> Scalar:
        """K of a cold χ: the one given, or γ m_in of a χ at rest in the plasma."""
        if self.K is not None:
            return self.K
        v_w = as_real(v_w)
        return self.incoming_mass() / jnp.sqrt((1 - v_w) * (1 + v_w))

    def __call__(self, v_w: RealLike, T: RealLike, statistics: Statistics = "fermion") -> Estimate:
        """P at wall speed v_w, with its error; NaN where the status is not SUCCESS.

        Args:
            v_w: wall speed, 0 < v_w < 1.
            T: temperature of the plasma (GeV); used with thermal incidence.
            statistics: of the incoming particles, with thermal incidence.
        """
        v_w, T = as_real(v_w), as_real(T)
        if jnp.result_type(float) != jnp.float64:
            raise ValueError(
                "conversion on a wall needs float64: call jaxbounce.enable_x64() first"
            )
        if self.incidence == "thermal":
            found = self.average(v_w, T, statistics)
            # where nothing came of it, a single wall tells why
            single = self.model.probability(self.wall(), self.couplings, self._typical_motion(v_w))
            untold = (found.status == Status.NOT_FINITE) & (single.status != Status.SUCCESS)
            status = jnp.where(untold, single.status, found.status)
            estimate = Estimate(found.value, found.error_estimate, status)
        else:
            motion = self._typical_motion(v_w)
            estimate = self.model.probability(self.wall(), self.couplings, motion)
        status = jnp.where(self._is_valid(), estimate.status, Status.INVALID_PARAMETER)
        P = jnp.where(status == Status.SUCCESS, estimate.P, jnp.nan)
        return Estimate(P, estimate.error, status)

    def average(
        self, v_w: RealLike, T: RealLike, statistics: Statistics = "fermion"
    ) -> FluxAverage:
        """⟨P⟩ over the thermal flux; T in GeV.

        Relativistic models are averaged over p_z with their thresholds as split points,
        nonrelativistic ones over the relative speed with dispersion σ² = T/m_in.
        """
        wall, m_in, T = self.wall(), self.incoming_mass(), as_real(T) / self.unit_GeV

        def probability(motion: Real, args: Any) -> tuple[Real, Real]:
            model, wall, couplings, m = args
            if model.kinematics == "relativistic":
                motion = jnp.sqrt(motion**2 + m**2)
            found = jax.vmap(lambda one: model.probability(wall, couplings, one))(motion)
            return found.P, found.error

        args = (self.model, wall, self.couplings, m_in)
        numerics: Any = {"panels": self.panels, "tolerance": self.tolerance}
        if self.model.kinematics == "nonrelativistic":
            sigma = jnp.sqrt(T / jnp.where(m_in > 0, m_in, jnp.nan))
            return nonrelativistic_flux_average(probability, sigma, v_w, args, **numerics)
        thresholds = eigenmasses(wall, self.couplings)
        return thermal_flux_average(
            probability,
            T,
            m_in,
            v_w,
            args,
            statistics=statistics,
            thresholds=thresholds,
            **numerics,
        )

    def _typical_motion(self, v_w: Scalar) -> Scalar:
        return v_w if self.model.kinematics == "nonrelativistic" else self.momentum(v_w)

    def _is_valid(self) -> Any:
        valid = jnp.asarray(True)
        for name, allowed in WALL_RANGES.items():
            home = self.couplings if name in _COUPLINGS else self
            valid = valid & allowed.holds(getattr(home, name))
        return valid

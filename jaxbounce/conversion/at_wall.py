"""P(χ→B) of a wall under way through the plasma: what the chain takes in place of a number P.

A conversion model knows P at one speed or one K. Here it is decided which: χ at rest in the
plasma meets the wall at v = v_w, or with K = γ m_in, m_in the mass of the χ-like eigenstate
outside; or the plasma is hot and P is averaged over the flux onto the moving wall.

Fields and lengths of a profile are in a unit of their own; `unit_GeV` says how large its
unit of mass is. It matters only where a temperature enters.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.checks import one_of
from jaxbounce._core.declare import are_inside, declarations, each_safe, spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import (
    Code,
    Real,
    RealLike,
    Scalar,
    as_leaf,
    as_optional_leaf,
    as_real,
)
from jaxbounce._core.withheld import withheld
from jaxbounce.conversion.average import (
    FluxAverage,
    nonrelativistic_flux_average,
    thermal_flux_average,
)
from jaxbounce.conversion.estimate import ConversionModel, Estimate
from jaxbounce.conversion.full_wave import FullWave
from jaxbounce.conversion.table_error import with_table_error
from jaxbounce.conversion.two_level import TwoLevelPropagation
from jaxbounce.conversion.wall import (
    Couplings,
    TabulatedWall,
    WallProfile,
    eigenmasses,
    incoming_mass,
)
from jaxbounce.cosmology.gas_integrals import Statistics

Incidence = Literal["cold", "thermal"]

PLACES = Range(-math.inf, math.inf, False, False, "a number")
"""Range of a scalar of a wall that declares none."""

MOST_STEPS = 8192
"""Steps of a propagation up to which they are doubled until it has converged."""

_PANELS = 20

_TABLE_TOLERANCE = 0.25
"""Its parts are differences from walls that the table allows: first order in what is wrong."""


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

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """That of the profile, stretched."""
        return self.stretch * self.profile.scan(intervals)


class WallConversion(Stage):
    """A conversion model on a wall with its couplings, called with v_w and T: the stage of P.

    Attributes:
        profile: the wall; None where another stage supplies "wall".
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
        table_tolerance: error from the table of a tabulated wall, relative to P, up to which P is
            given; beyond it the status says what the table lacks.
        fixed_steps: whether the number of steps of the model is meant as it is; `Model.resolved`
            doubles it otherwise until the propagation has converged.
    """

    profile: WallProfile | None
    couplings: Couplings
    model: ConversionModel = TwoLevelPropagation()
    stretch: Scalar = eqx.field(
        converter=as_leaf,
        default=1.0,
        metadata=spec("width of the wall over that of the profile", low=0, typical=1.0),
    )
    unit_GeV: Scalar = eqx.field(
        converter=as_leaf,
        default=1.0,
        metadata=spec("unit of mass of the profile", "GeV", low=0, typical=1.0),
    )
    K: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec("momentum at the wall, in the unit of the profile", low=0, typical=1.0),
    )
    incidence: Incidence = eqx.field(static=True, default="cold")
    panels: int = eqx.field(static=True, default=_PANELS)
    tolerance: float = eqx.field(static=True, default=1e-6)
    table_tolerance: float = eqx.field(static=True, default=_TABLE_TOLERANCE)
    fixed_steps: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        one_of("incidence", self.incidence, get_args(Incidence))
        if self.K is not None and (
            self.incidence == "thermal" or self.model.kinematics == "nonrelativistic"
        ):
            raise ConfigurationError(
                "K is given, but this conversion does not use it: it belongs to a relativistic"
                ' model with incidence "cold"; drop K or change those'
            )

    label = "conversion"
    part = Part.CONVERSION

    @property
    def needs(self) -> tuple[str, ...]:
        """The wall speed; with thermal incidence the plasma; the wall, if it is not its own."""
        plasma = ("T_p", "chi_stats") if self.incidence == "thermal" else ()
        return ("v_w", "streaming", *plasma, *(("wall",) if self.profile is None else ()))

    @property
    def wants(self) -> tuple[str, ...]:
        """The plasma in front of the wall, which may carry what comes in."""
        return ("v_plus", "T_plus_over_T")

    @property
    def supplies(self) -> tuple[str, ...]:
        """The conversion probability."""
        return ("P",)

    @property
    def relative_cost(self) -> int:
        """One propagation, or those of an average."""
        if self.incidence == "thermal":
            return 1024 * self.panels
        return 1024 if isinstance(self.model, FullWave) else 64

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """P at the wall speed and temperature of the model."""
        here = self if self.profile is not None else self.on(known["wall"])
        v_w, T = known["v_w"], known.get("T_p", jnp.ones(()))
        if known.get("streaming") == "carried":
            v_w, T = known["v_plus"], known["T_plus_over_T"] * T
        found = here(v_w, T, known.get("chi_stats", "fermion"))
        return Supplied({"P": found.P}, {"P": found.error}, found.status)

    def on(self, profile: WallProfile) -> Self:
        """The same conversion on another wall."""
        return dataclasses.replace(self, profile=profile)

    def finer(self) -> Self | None:
        """Twice as many steps."""
        steps = getattr(self.model, "steps", None)
        if self.fixed_steps or steps is None or 2 * steps > MOST_STEPS:
            return None
        return dataclasses.replace(self, model=dataclasses.replace(self.model, steps=2 * steps))

    def wall(self) -> WallProfile:
        """The profile, stretched."""
        return StretchedWall(self._profile, self.stretch)

    @property
    def _profile(self) -> WallProfile:
        if self.profile is None:
            raise ConfigurationError(
                "this conversion has no wall of its own: put it into a model beside a stage that"
                ' supplies "wall", or give it one with `on`'
            )
        return self.profile

    def names(self) -> tuple[str, ...]:
        """The parameters that `replace` knows."""
        return tuple(self.ranges())

    def ranges(self) -> dict[str, Range]:
        """Couplings, stretch and unit, K if it is given, and the scalars of the wall."""
        own = {
            name: declared.range
            for home in (self.couplings, self)
            for name, declared in declarations(type(home)).items()
            if getattr(home, name) is not None
        }
        declared = {} if self.profile is None else declarations(type(self.profile))
        scalars = {} if self.profile is None else vars(self.profile)
        of_wall = {
            name: declared[name].range if name in declared else PLACES
            for name, value in scalars.items()
            if name not in own and isinstance(value, jax.Array) and value.ndim == 0
        }
        return own | of_wall

    def replace(self, **values: RealLike) -> Self:
        """The same conversion with parameters replaced, of the wall (`width` …) too."""
        changed: dict[str, dict[str, Any]] = {"": {}, "couplings": {}, "profile": {}}
        for name, value in values.items():
            if name not in self.names():
                raise ConfigurationError(f"{name}: not a parameter of this conversion")
            changed[self._home(name)][name] = value
        own = changed.pop("")
        for home, new in changed.items():
            if new:
                own[home] = dataclasses.replace(getattr(self, home), **new)
        return dataclasses.replace(self, **own)

    def value(self, name: str) -> Scalar:
        """The parameter of that name."""
        home = self._home(name)
        return getattr(getattr(self, home) if home else self, name)

    def _home(self, name: str) -> str:
        if name in declarations(Couplings):
            return "couplings"
        return "" if name in declarations(type(self)) else "profile"

    def why_unused(self, name: str) -> str | None:
        """The unit of the profile matters where a temperature enters."""
        if name == "unit_GeV" and self.incidence != "thermal":
            return 'used by incidence = "thermal" only'
        return None

    def incoming_mass(self) -> Scalar:
        """m_in in the unit of the profile."""
        return incoming_mass(self._profile, self.couplings)

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
        given = self, v_w, T
        if jnp.result_type(float) != jnp.float64:
            raise ConfigurationError(
                "conversion on a wall needs float64: call jaxbounce.enable_x64() first"
            )
        valid = are_inside(self.couplings) & are_inside(self)
        safe = dataclasses.replace(each_safe(self), couplings=each_safe(self.couplings))
        if isinstance(self.profile, TabulatedWall) and self.profile.others is not None:
            args = (safe, v_w, T, statistics)
            estimate = with_table_error(_on_wall, args, self.profile, self.table_tolerance)
        else:
            estimate = safe._estimate(v_w, T, statistics)
        status = jnp.where(valid, estimate.status, Status.INVALID_PARAMETER)
        P = withheld(estimate.P, status == Status.SUCCESS, others=given)
        return Estimate(P, estimate.error, status, estimate.table)

    def _estimate(self, v_w: Scalar, T: Scalar, statistics: Statistics) -> Estimate:
        """P of the wall as it is, whatever the status."""
        motion = self._typical_motion(v_w)
        if self.incidence == "cold":
            estimate = self.model.probability(self.wall(), self.couplings, motion)
            return dataclasses.replace(estimate, status=self._one_passage(estimate.status, motion))
        # its value and error, whatever they are worth
        found = dataclasses.replace(self, tolerance=math.inf).average(v_w, T, statistics)
        # where nothing came of it, a single wall tells why
        single = self.model.probability(self.wall(), self.couplings, motion)
        untold = (found.status == Status.NOT_FINITE) & (single.status != Status.SUCCESS)
        status = jnp.where(untold, single.status, found.status)
        unsure = (status == Status.SUCCESS) & ~(found.error_estimate <= self.tolerance)
        status = jnp.where(unsure, Status.AVERAGE_NOT_CONVERGED, status)
        return Estimate(found.value, found.error_estimate, status)

    def _one_passage(self, status: Code, K: Scalar) -> Code:
        """The status of P at K, where a relativistic model lets everything pass.

        Incoming states need K > m_in, and both that go on K above their masses inside.
        """
        if self.model.kinematics == "nonrelativistic" or isinstance(self.model, FullWave):
            return status
        inside = eigenmasses(self._profile, self.couplings)[::2].max()
        passes = jnp.where(inside < K, Status.SUCCESS.value, Status.CHI_REFLECTED.value)
        comes = self.incoming_mass() < K
        closed = jnp.where(comes, passes, Status.INCIDENT_CHANNEL_CLOSED.value)
        # more steps would not mend it
        judged = (status == Status.SUCCESS) | (status == Status.PROPAGATION_NOT_CONVERGED)
        return jnp.where(judged & (closed != Status.SUCCESS), closed, status)

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


def _on_wall(
    args: tuple[WallConversion, Scalar, Scalar, Statistics], wall: WallProfile
) -> Estimate:
    conversion, v_w, T, statistics = args
    return conversion.on(wall)._estimate(v_w, T, statistics)

"""Stages that supply f_χ: what they have in common, and freeze-in by decays."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.checks import suggestion
from jaxbounce._core.declare import are_inside, declarations, each_safe, spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import Flag, Real, RealLike, Scalar, as_leaf, as_optional_leaf
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.vacuum import WithVacuum, with_vacuum
from jaxbounce.occupancy.freeze_in import (
    FreezeIn,
    decay_range,
    freeze_in,
    freeze_in_occupancy,
)
from jaxbounce.occupancy.limit import Occupancy, OfT
from jaxbounce.occupancy.production import Production, decay_rate, decay_threshold


class Bath(NamedTuple):
    """What a stage of f_χ looks up.

    Attributes:
        T_p: percolation temperature (GeV).
        m_chi: mass of χ (GeV).
        g_chi: degrees of freedom of χ.
        statistics: of χ.
        g_star: g_ρ, a number or a function of T.
        g_star_s: g_s, likewise.
        degrees: g_*(T), if it is no number.
        released: Δθ (GeV⁴) of the transition, if a stage supplies it.
        equilibrium: which n_eq the yields multiply f_χ by.
        expands: the degrees of freedom of all that is in H, where that is not the bath alone.
    """

    T_p: Scalar
    m_chi: Scalar
    g_chi: Scalar
    statistics: Statistics
    g_star: Scalar | OfT
    g_star_s: Scalar | OfT
    degrees: DegreesOfFreedom | None
    released: Scalar | None = None
    equilibrium: Equilibrium = "exact"
    expands: DegreesOfFreedom | None = None

    def covers(self, T: Real) -> Flag:
        """Whether g_* is known at all of these temperatures."""
        return jnp.asarray(True) if self.degrees is None else self.degrees.covers(T).all()

    def joints(self) -> Real:
        """Temperatures (GeV) at which g_* is not smooth; each knot of a table is one."""
        return jnp.zeros(0) if self.degrees is None else jnp.exp(self.degrees.joints())


class OccupancyStage(Stage):
    """What supplies f_χ at T_p. Abstract; its declared numbers are its parameters."""

    label: ClassVar[str] = "occupancy"
    part: ClassVar[Part] = Part.OCCUPANCY

    @property
    def needs(self) -> tuple[str, ...]:
        """The bath at T_p, and what χ is."""
        return ("T_p", "m_chi", "g_chi", "chi_stats", "equilibrium", "g_star", "g_star_s")

    @property
    def wants(self) -> tuple[str, ...]:
        """g_*(T), if it is no number; what else is in H while χ is made."""
        return ("degrees", "expansion", "alpha_V", "beta_over_H", "I_p")

    @property
    def supplies(self) -> tuple[str, ...]:
        """f_χ."""
        return ("f_chi",)

    @property
    def relative_cost(self) -> int:
        """Of a few hundred temperatures."""
        return 8

    @abstractmethod
    def occupancy(self, bath: Bath) -> Occupancy:
        """f_χ, its error and its status."""

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """f_χ in the bath that is known; INVALID_PARAMETER outside of a range."""
        degrees = known.get("degrees")
        varies = degrees is not None
        bath = Bath(
            T_p=known["T_p"],
            m_chi=known["m_chi"],
            g_chi=known["g_chi"],
            statistics=known["chi_stats"],
            g_star=degrees.energy if varies else known["g_star"],
            g_star_s=degrees.entropy if varies else known["g_star_s"],
            degrees=degrees,
            released=known.get("Delta_theta"),
            equilibrium=known["equilibrium"],
            expands=_with_vacuum(known),
        )
        valid = are_inside(self)
        found = each_safe(self).occupancy(bath)
        status = jnp.where(valid, found.status, Status.INVALID_PARAMETER)
        return Supplied({"f_chi": found.f_chi}, {"f_chi": found.error_estimate}, status)

    def ranges(self) -> dict[str, Range]:
        """The numbers that are given."""
        return {
            name: declared.range
            for name, declared in declarations(type(self)).items()
            if getattr(self, name) is not None
        }

    def value(self, name: str) -> Scalar:
        """One of them."""
        return getattr(self, name)

    def replace(self, **values: RealLike) -> Self:
        """The same with some of them replaced."""
        known = self.ranges()
        for name in values:
            if name not in known:
                kind = type(self).__name__
                raise ConfigurationError(
                    f"{name}: {kind} has no such parameter{suggestion(name, known)}"
                )
        return dataclasses.replace(self, **values)


def _with_vacuum(known: Mapping[str, Any]) -> WithVacuum | None:
    """The bath beside the energy of the false vacuum, which counts before T_p too."""
    if known.get("expansion") != "radiation+vacuum":
        return None
    names = ("alpha_V", "T_p", "beta_over_H", "I_p")
    return with_vacuum(
        known.get("degrees"),
        known["g_star"],
        known["g_star_s"],
        **{name: known[name] for name in names},
    )


def frozen_in(
    rate: Callable[[Real, Any], Production],
    stage: Stage,
    bath: Bath,
    T_R: Scalar,
    T_end: Scalar | None = None,
) -> FreezeIn:
    """The yield that a rate of a stage and of m_χ makes from T_R on."""
    degrees = bath.degrees if bath.expands is None else bath.expands
    found = freeze_in(
        rate,
        bath.T_p,
        T_R,
        (stage, bath.m_chi),
        g_star=bath.g_star if degrees is None else degrees.energy,
        g_star_s=bath.g_star_s,
        gamma_s=None if degrees is None else lambda T: degrees.with_slope(jnp.log(T))[2],
        T_end=T_end,
        breakpoints=bath.joints(),
    )
    covered = bath.covers(jnp.stack([bath.T_p, T_R]))
    status = jnp.where(covered, found.status, Status.BEYOND_G_STAR_TABLE)
    status = jnp.where(bath.T_p > T_R, Status.REHEATED_BELOW_T_P, status)
    return eqx.tree_at(lambda one: one.status, found, status)


class Decays(OccupancyStage):
    """χ from decays of a particle A of the bath, A → χ… or A → Xχ (`decay_rate`).

    Attributes:
        m_A: mass of A.
        Gamma: width into χ.
        g_A: degrees of freedom of A.
        particles: χ made by a decay.
        m_X: mass of X, with `product`.
        T_R: temperature from which A is there; None for so hot that it does not matter.
        statistics: of A.
        product: statistics of X if it is in the bath.
    """

    m_A: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("mass of what decays into χ", "GeV", key="m_A_GeV", low=0, typical=500.0),
    )
    Gamma: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec(
            "width of A into χ", "GeV", key="Gamma_GeV", low=0, closed="low", typical=1e-20
        ),
    )
    g_A: Scalar = eqx.field(
        converter=as_leaf, default=1.0, metadata=spec("degrees of freedom of A", low=0, typical=1.0)
    )
    particles: Scalar = eqx.field(
        converter=as_leaf, default=1.0, metadata=spec("χ made by a decay", low=0, typical=1.0)
    )
    m_X: Scalar = eqx.field(
        converter=as_leaf,
        default=0.0,
        metadata=spec(
            "mass of what χ is made with", "GeV", key="m_X_GeV", low=0, closed="low", typical=0.0
        ),
    )
    T_R: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec("temperature from which χ is made", "GeV", key="T_R_GeV", low=0, typical=1e6),
    )
    statistics: Statistics = eqx.field(static=True, default="classical")
    product: Statistics | None = eqx.field(static=True, default=None)

    def frozen_in(self, bath: Bath) -> FreezeIn:
        """The yield at T_p, and which share of all it is."""
        T_R, T_end = decay_range(self.m_A, bath.T_p)
        return frozen_in(_decay_rate, self, bath, T_R if self.T_R is None else self.T_R, T_end)

    def occupancy(self, bath: Bath) -> Occupancy:
        """f_χ of that yield."""
        found = of_yield(self.frozen_in(bath), bath)
        m_X = 0.0 if self.product is None else self.m_X
        is_open = decay_threshold(bath.m_chi, self.particles, m_X) < self.m_A
        status = jnp.where(is_open, found.status, Status.DECAY_CLOSED)
        return eqx.tree_at(lambda one: one.status, found, status)

    def why_unused(self, name: str) -> str | None:
        """X counts where it is in the bath."""
        if name == "m_X" and self.product is None:
            return "used with product only"
        return None


def _decay_rate(T: Real, args: tuple[Decays, Scalar]) -> Production:
    decays, m_chi = args
    numbers = (decays.m_A, decays.Gamma, decays.g_A, decays.particles)
    if decays.product is None:
        return decay_rate(T, *numbers, decays.statistics, m_chi=m_chi)
    return decay_rate(
        T, *numbers, decays.statistics, m_chi=m_chi, product=decays.product, m_X=decays.m_X
    )


def of_yield(found: FreezeIn, bath: Bath) -> Occupancy:
    """f_χ of a yield."""
    return freeze_in_occupancy(
        found,
        bath.T_p,
        bath.g_star_s,
        bath.m_chi,
        bath.g_chi,
        bath.statistics,
        bath.equilibrium,
    )

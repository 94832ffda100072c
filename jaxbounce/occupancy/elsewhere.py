"""Stages of f_χ that no bath made: a share of the energy released, a gas off the brane."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.declare import spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.stage import Supplied
from jaxbounce._core.types import Real, Scalar, as_leaf, as_optional_leaf
from jaxbounce.cosmology.radiation import hubble_rate, radiation_density
from jaxbounce.occupancy.limit import Occupancy, occupancy
from jaxbounce.occupancy.partition import partition_occupancy
from jaxbounce.occupancy.stages import Bath, OccupancyStage
from jaxbounce.occupancy.transport import barrier_fraction, density_on_brane, half_space_flux

_BULK = 4  # space dimensions off the brane, whose flux onto it is a source density (GeV⁴)


class EnergyPartition(OccupancyStage):
    """A share κ_χ of the energy that a transition releases becomes χ (`partition_occupancy`).

    Of Δθ and α at most one is given; with neither Δθ is that of the model's own transition, and
    then χ made by those walls is no bath in front of them. Of ε̄ and ε̄/T_* one is given.

    Attributes:
        kappa: κ_χ.
        energy: ε̄, mean energy of χ when made.
        energy_over_T: ε̄ over the temperature at which it is made.
        Delta_theta: Δθ.
        alpha: Δθ over the energy of the radiation.
        T_star: temperature of the transition that makes χ, if it is an earlier one.
        heats: whether it supplies "alpha_eff" too, what is left to heat the bath, (1 − κ_χ) α_θ of
            the model's own transition.
    """

    kappa: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec(
            "share of the released energy that becomes χ",
            low=0,
            high=1,
            closed="both",
            typical=1e-9,
        ),
    )
    energy: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec(
            "mean energy of χ when made", "GeV", key="mean_energy_GeV", low=0, typical=300.0
        ),
    )
    energy_over_T: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec(
            "mean energy of χ over T when made", key="mean_energy_over_T", low=0, typical=3.0
        ),
    )
    Delta_theta: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec(
            "energy released, (Δe − 3Δp)/4",
            "GeV⁴",
            key="Delta_theta_GeV4",
            low=0,
            closed="low",
            typical=1e6,
        ),
    )
    alpha: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec(
            "energy released over that of the radiation", low=0, closed="low", typical=0.1
        ),
    )
    T_star: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec(
            "temperature at which an earlier transition made χ",
            "GeV",
            key="T_star_GeV",
            low=0,
            typical=1e3,
        ),
    )

    heats: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.heats and not self.own:
            raise ConfigurationError(
                "heats: is of the model's own transition; leave it out, or Delta_theta and alpha"
            )
        if (self.energy is None) == (self.energy_over_T is None):
            raise ConfigurationError(
                "mean_energy_GeV and mean_energy_over_T: give exactly one of them"
            )
        if self.Delta_theta is not None and self.alpha is not None:
            raise ConfigurationError("Delta_theta_GeV4 and alpha: give one of them at most")
        if self.T_star is not None and self.Delta_theta is None and self.alpha is None:
            raise ConfigurationError(
                "T_star_GeV: is of an earlier transition, whose Delta_theta_GeV4 or alpha is to be"
                " given too"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """The bath; Δθ of the model's own transition, if none is given."""
        own = ("Delta_theta",) if self.own else ()
        return (*super().needs, *own, *(("alpha_theta",) if self.heats else ()))

    @property
    def supplies(self) -> tuple[str, ...]:
        """f_χ, and what heats the bath."""
        return (*super().supplies, *(("alpha_eff",) if self.heats else ()))

    @property
    def own(self) -> bool:
        """Whether the energy is that of the model's own transition."""
        return self.Delta_theta is None and self.alpha is None

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """f_χ in the bath that is known, and what heats it."""
        found = super().supply(known)
        if not self.heats:
            return found
        heat = (1 - self.kappa) * known["alpha_theta"]
        return found._replace(values={**found.values, "alpha_eff": heat})

    @property
    def relative_cost(self) -> int:
        """A closed form."""
        return 1

    def occupancy(self, bath: Bath) -> Occupancy:
        """f_χ at T_p."""
        T = bath.T_p if self.T_star is None else self.T_star
        released = bath.released if self.Delta_theta is None else self.Delta_theta
        if self.alpha is not None:
            g = bath.g_star(T) if callable(bath.g_star) else bath.g_star
            released = self.alpha * radiation_density(T, g)
        assert released is not None
        energy = self.energy if self.energy_over_T is None else self.energy_over_T * T
        assert energy is not None
        return partition_occupancy(
            self.kappa,
            released,
            energy,
            bath.T_p,
            bath.m_chi,
            bath.g_chi,
            bath.statistics,
            T_star=self.T_star,
            g_star_s=bath.g_star_s,
            equilibrium=bath.equilibrium,
        )


class OffBrane(OccupancyStage):
    """χ from a gas off the brane, in four space dimensions, that streams onto it from t = 0 on.

    J_⊥ = n_bulk `half_space_flux`(d/t) `barrier_fraction`(M/T), and what stays for a residence
    time (`density_on_brane`), with t_p = 1/2H(T_p).

    Attributes:
        bulk_density: n_bulk beyond the distance.
        distance: d, in the units of time.
        residence_time: τ.
        barrier_over_T: M/T of a barrier before the brane.
    """

    bulk_density: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec(
            "particles per 4-volume of space off the brane",
            "GeV⁴",
            key="bulk_density_GeV4",
            low=0,
            closed="low",
            typical=1e-12,
        ),
    )
    distance: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec(
            "distance of the gas from the brane",
            "1/GeV",
            key="distance_per_GeV",
            low=0,
            closed="low",
            typical=1e12,
        ),
    )
    residence_time: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec(
            "time that χ stays on the brane",
            "1/GeV",
            key="residence_time_per_GeV",
            low=0,
            typical=1e12,
        ),
    )
    barrier_over_T: Scalar = eqx.field(
        converter=as_leaf,
        default=0.0,
        metadata=spec(
            "height of a barrier over the gas's T",
            low=0,
            high=700,
            closed="both",
            typical=0.0,
        ),
    )

    def occupancy(self, bath: Bath) -> Occupancy:
        """f_χ at T_p."""
        g = bath.g_star(bath.T_p) if callable(bath.g_star) else bath.g_star
        t_p = 1 / (2 * hubble_rate(bath.T_p, g))
        args = (self.bulk_density, self.distance, self.barrier_over_T)
        found = density_on_brane(
            _arriving,
            jnp.zeros_like(t_p),
            t_p,
            self.residence_time,
            args,
            breakpoints=self.distance,
        )
        return occupancy(
            found.n_chi,
            bath.T_p,
            bath.m_chi,
            bath.g_chi,
            bath.statistics,
            found.error_estimate,
            found.status,
            bath.equilibrium,
        )


def _arriving(t: Real, args: tuple[Scalar, Scalar, Scalar]) -> Real:
    density, distance, barrier = args
    # at t = 0 nothing has arrived but from no distance
    u = distance / jnp.where(t > 0, t, 1.0)
    return density * barrier_fraction(barrier, _BULK) * half_space_flux(u, _BULK)

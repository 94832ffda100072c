"""From yields to today's densities."""

from typing import Literal

import jax.numpy as jnp

from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.constants import (
    CMB_TEMPERATURE,
    CRITICAL_DENSITY_OVER_H2,
    ENTROPY_DEGREES_TODAY,
    ENTROPY_DENSITY_TODAY,
    GEV_IN_KG,
    PER_METRE,
    PROTON_MASS_KG,
)
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.radiation import entropy_density

Constants = Literal["published", "exact"]


def entropy_density_today(
    degrees: DegreesOfFreedom | None = None, constants: Constants = "published"
) -> RealLike:
    """s₀ (m⁻³).

    Args:
        degrees: g_*(T), which says what g_s is today (3.931 in the Standard Model, 2907.5 cm⁻³);
            None: constant g_*.
        constants: of constant g_*, "published" is 2891 cm⁻³, "exact" (2π²/45) 3.909 T₀³.
    """
    if degrees is not None:
        g_star_s = degrees.entropy_today()
    elif constants == "exact":
        g_star_s = ENTROPY_DEGREES_TODAY
    else:
        return ENTROPY_DENSITY_TODAY
    return entropy_density(CMB_TEMPERATURE, g_star_s) / jnp.asarray(PER_METRE) ** 3


def number_density_today(Y: RealLike, s_today: RealLike = ENTROPY_DENSITY_TODAY) -> Real:
    """n = Y s₀ (m⁻³) of a yield Y = n/s conserved since the transition."""
    return as_real(Y) * s_today


def baryon_density(Y_B: RealLike, s_today: RealLike = ENTROPY_DENSITY_TODAY) -> Real:
    """ρ_B = Y_B s₀ m_p (kg/m³) today."""
    return as_real(Y_B) * (s_today * PROTON_MASS_KG)


def dark_matter_density(
    Y_chi: RealLike, m_chi: RealLike, s_today: RealLike = ENTROPY_DENSITY_TODAY
) -> Real:
    """ρ_DM = Y_χ s₀ m_χ (kg/m³) today; m_χ in GeV."""
    return as_real(Y_chi) * as_real(m_chi) * (s_today * GEV_IN_KG)


def omega_h2(rho: RealLike) -> Real:
    """Ω h² of a density ρ (kg/m³): ρ/(ρ_crit/h²)."""
    return as_real(rho) / CRITICAL_DENSITY_OVER_H2

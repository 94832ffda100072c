"""From yields to today's densities."""

from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.constants import (
    CRITICAL_DENSITY_OVER_H2,
    ENTROPY_DENSITY_TODAY,
    GEV_IN_KG,
    PROTON_MASS_KG,
)


def number_density_today(Y: RealLike) -> Real:
    """n = Y s₀ (m⁻³) of a yield Y = n/s conserved since the transition."""
    return as_real(Y) * ENTROPY_DENSITY_TODAY


def baryon_density(Y_B: RealLike) -> Real:
    """ρ_B = Y_B s₀ m_p (kg/m³) today."""
    return as_real(Y_B) * (ENTROPY_DENSITY_TODAY * PROTON_MASS_KG)


def dark_matter_density(Y_chi: RealLike, m_chi: RealLike) -> Real:
    """ρ_DM = Y_χ s₀ m_χ (kg/m³) today; m_χ in GeV."""
    return as_real(Y_chi) * as_real(m_chi) * (ENTROPY_DENSITY_TODAY * GEV_IN_KG)


def omega_h2(rho: RealLike) -> Real:
    """Ω h² of a density ρ (kg/m³): ρ/(ρ_crit/h²)."""
    return as_real(rho) / CRITICAL_DENSITY_OVER_H2

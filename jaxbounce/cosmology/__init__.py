"""The radiation era: expansion, entropy, gases in equilibrium, densities today."""

from jaxbounce.cosmology.clock import Clock as Clock, make_clock as make_clock
from jaxbounce.cosmology.constants import (
    CRITICAL_DENSITY_OVER_H2 as CRITICAL_DENSITY_OVER_H2,
    ENTROPY_DENSITY_TODAY as ENTROPY_DENSITY_TODAY,
    GEV_IN_KG as GEV_IN_KG,
    HUBBLE_PREFACTOR as HUBBLE_PREFACTOR,
    PLANCK_MASS as PLANCK_MASS,
    PLANCK_OMEGA_B as PLANCK_OMEGA_B,
    PLANCK_OMEGA_C as PLANCK_OMEGA_C,
    PROTON_MASS_KG as PROTON_MASS_KG,
)
from jaxbounce.cosmology.degrees_of_freedom import (
    DegreesOfFreedom as DegreesOfFreedom,
    StandardModel as StandardModel,
)
from jaxbounce.cosmology.degrees_table import tabulated_degrees as tabulated_degrees
from jaxbounce.cosmology.gas import (
    flux_integral as flux_integral,
    incident_flux as incident_flux,
    mean_speed as mean_speed,
    number_density as number_density,
)
from jaxbounce.cosmology.gas_integrals import Equilibrium as Equilibrium, Statistics as Statistics
from jaxbounce.cosmology.hidden_sector import with_hidden_sector as with_hidden_sector
from jaxbounce.cosmology.history import ThermalHistory as ThermalHistory
from jaxbounce.cosmology.radiation import (
    entropy_density as entropy_density,
    hubble_rate as hubble_rate,
    temperature_of_time as temperature_of_time,
    temperature_per_time as temperature_per_time,
    temperature_ratio as temperature_ratio,
    time_of_temperature as time_of_temperature,
    time_of_temperature_ratio as time_of_temperature_ratio,
)
from jaxbounce.cosmology.today import (
    baryon_density as baryon_density,
    dark_matter_density as dark_matter_density,
    entropy_density_today as entropy_density_today,
    number_density_today as number_density_today,
    omega_h2 as omega_h2,
)

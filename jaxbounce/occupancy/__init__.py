"""Where χ comes from: f_χ derived instead of given."""

from jaxbounce.occupancy.freeze_in import (
    FreezeIn as FreezeIn,
    decay_range as decay_range,
    freeze_in as freeze_in,
    freeze_in_occupancy as freeze_in_occupancy,
)
from jaxbounce.occupancy.limit import Occupancy as Occupancy, occupancy as occupancy
from jaxbounce.occupancy.partition import (
    entropy_growth as entropy_growth,
    entropy_ratio as entropy_ratio,
    partition_occupancy as partition_occupancy,
    reheating_temperature as reheating_temperature,
    released_energy as released_energy,
)
from jaxbounce.occupancy.production import (
    Production as Production,
    around_resonance as around_resonance,
    cross_section_rate as cross_section_rate,
    decay_rate as decay_rate,
    polynomial_rate as polynomial_rate,
    scattering_rate as scattering_rate,
)

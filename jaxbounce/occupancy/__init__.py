"""Where χ comes from: f_χ derived instead of given."""

from jaxbounce.occupancy.collisions import (
    Collisions as Collisions,
    Function as Function,
    Tabulated as Tabulated,
    Written as Written,
    tabulated as tabulated,
)
from jaxbounce.occupancy.elsewhere import EnergyPartition as EnergyPartition, OffBrane as OffBrane
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
    decay_threshold as decay_threshold,
    polynomial_rate as polynomial_rate,
    scattering_rate as scattering_rate,
)
from jaxbounce.occupancy.stages import (
    Decays as Decays,
    OccupancyStage as OccupancyStage,
)
from jaxbounce.occupancy.transport import (
    Arrived as Arrived,
    barrier_fraction as barrier_fraction,
    density_on_brane as density_on_brane,
    free_streaming_length as free_streaming_length,
    half_space_flux as half_space_flux,
    massive_half_space_flux as massive_half_space_flux,
    one_sided_flux as one_sided_flux,
    released_slab as released_slab,
    warp_flux as warp_flux,
)

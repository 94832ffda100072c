"""Percolation: extended volume, false-vacuum fraction, and wall area per volume."""

from jaxbounce.percolation.area import (
    AreaKernel as AreaKernel,
    Window as Window,
    activity_window as activity_window,
    area_density as area_density,
    bubble_density as bubble_density,
    extended_volume as extended_volume,
    false_vacuum_fraction as false_vacuum_fraction,
    mean_bubble_separation as mean_bubble_separation,
    mean_conversion_time as mean_conversion_time,
    scaled_area_density as scaled_area_density,
)
from jaxbounce.percolation.area_history import (
    AreaHistory as AreaHistory,
    area_history as area_history,
)
from jaxbounce.percolation.history import (
    NucleationHistory as NucleationHistory,
    nucleation_history as nucleation_history,
)
from jaxbounce.percolation.later_bubbles import later_bubble_integral as later_bubble_integral
from jaxbounce.percolation.nucleation import GivenArea as GivenArea, Nucleation as Nucleation
from jaxbounce.percolation.rates import (
    ExponentialRate as ExponentialRate,
    GaussianRate as GaussianRate,
    NucleationRate as NucleationRate,
    SimultaneousNucleation as SimultaneousNucleation,
    TabulatedRate as TabulatedRate,
    tabulated_rate as tabulated_rate,
)
from jaxbounce.percolation.thermal_rate import (
    ThermalRate as ThermalRate,
    thermal_rate as thermal_rate,
)

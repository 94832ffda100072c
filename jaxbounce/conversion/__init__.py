"""Conversion probability of χ into B at a wall, from the published estimate to the exact answer."""

from jaxbounce.conversion.at_wall import WallConversion as WallConversion
from jaxbounce.conversion.average import (
    FluxAverage as FluxAverage,
    nonrelativistic_flux_average as nonrelativistic_flux_average,
    thermal_flux_average as thermal_flux_average,
)
from jaxbounce.conversion.bounce_wall import (
    BounceWall as BounceWall,
    CriticalBubble as CriticalBubble,
)
from jaxbounce.conversion.estimate import ConversionModel as ConversionModel, Estimate as Estimate
from jaxbounce.conversion.full_wave import FullWave as FullWave, FullWaveResult as FullWaveResult
from jaxbounce.conversion.local import (
    LocalLandauZener as LocalLandauZener,
    LocalResult as LocalResult,
)
from jaxbounce.conversion.overlap import (
    DistributedOverlap as DistributedOverlap,
    OverlapResult as OverlapResult,
)
from jaxbounce.conversion.two_level import (
    TwoLevelPropagation as TwoLevelPropagation,
    TwoLevelResult as TwoLevelResult,
)
from jaxbounce.conversion.wall import (
    Couplings as Couplings,
    TanhWall as TanhWall,
    TwoCentreTanhWall as TwoCentreTanhWall,
    WallProfile as WallProfile,
)

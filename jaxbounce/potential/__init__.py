"""Scalar potentials: any JAX function V(φ, θ), a library by name, text; their vacua."""

from jaxbounce.potential.library import (
    PUBLISHED as PUBLISHED,
    Portal as Portal,
    Z2Portal as Z2Portal,
    cubic_quartic as cubic_quartic,
    polynomial as polynomial,
    portal as portal,
    quartic_well as quartic_well,
    z2_portal as z2_portal,
)
from jaxbounce.potential.text import (
    ConfiguredPotential as ConfiguredPotential,
    ExpressionPotential as ExpressionPotential,
)
from jaxbounce.potential.thermal import (
    OneLoopPotential as OneLoopPotential,
    Particle as Particle,
    at_temperature as at_temperature,
    coleman_weinberg as coleman_weinberg,
    one_loop as one_loop,
)
from jaxbounce.potential.thermal_functions import J_B as J_B, J_F as J_F
from jaxbounce.potential.thermal_models import (
    THERMAL_MODELS as THERMAL_MODELS,
    ThermalModel as ThermalModel,
)
from jaxbounce.potential.vacua import (
    FieldLike as FieldLike,
    Potential as Potential,
    Vacua as Vacua,
    curvature as curvature,
    descend as descend,
    find_vacua as find_vacua,
    is_minimum as is_minimum,
    polish_vacuum as polish_vacuum,
)

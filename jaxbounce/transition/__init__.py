"""Thermal transitions: nucleation and percolation temperatures, β/H, from S₃(T)/T."""

from jaxbounce.transition.history import TransitionHistory as TransitionHistory
from jaxbounce.transition.phases import (
    Continuous as Continuous,
    Critical as Critical,
    Phase as Phase,
    PhaseDiagram as PhaseDiagram,
    critical_temperature_of as critical_temperature_of,
    find_phases as find_phases,
)
from jaxbounce.transition.scale import (
    AtScale as AtScale,
    check_scale as check_scale,
    vary_scale as vary_scale,
)
from jaxbounce.transition.solve import (
    Settings as Settings,
    Solved as Solved,
    ThermalPotential as ThermalPotential,
    solve_transition as solve_transition,
    transition_with_elasticities as transition_with_elasticities,
)
from jaxbounce.transition.strength import (
    Fluid as Fluid,
    Strength as Strength,
    critical_temperature as critical_temperature,
    fluid as fluid,
    strength as strength,
)
from jaxbounce.transition.temperatures import (
    Exponent as Exponent,
    Guess as Guess,
    Phases as Phases,
    Transition as Transition,
    bounce_exponent as bounce_exponent,
    find_transition as find_transition,
    follow_vacua as follow_vacua,
    log_rate_over_hubble as log_rate_over_hubble,
    vacuum_energy as vacuum_energy,
)

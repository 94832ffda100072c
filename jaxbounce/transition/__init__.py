"""Thermal transitions: nucleation and percolation temperatures, β/H, from S₃(T)/T."""

from jaxbounce.transition.history import TransitionHistory as TransitionHistory
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

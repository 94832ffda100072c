"""The Boltzmann equations of a model, from its own parameters and choices."""

import diffrax

from jaxbounce._core.types import Scalar
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas import number_density
from jaxbounce.cosmology.radiation import entropy_density
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.boltzmann import BoltzmannResult, solve_boltzmann


def initial_yield(parameters: Parameters, choices: Choices) -> Scalar | None:
    """Y_χ at T_max; None for equilibrium."""
    p = parameters
    if choices.initial == "equilibrium":
        return None
    entropy = entropy_density(p.T_p, p.g_star_s)
    if choices.dark_matter == "input":
        return p.Y_chi_init + p.n_chi_at_Tp / entropy
    density = number_density(p.T_p, p.m_chi, p.g_chi, choices.chi_stats, choices.equilibrium)
    return p.f_chi * density / entropy


def integrated(
    parameters: Parameters,
    choices: Choices,
    limit: float | None,
    degrees: DegreesOfFreedom | None,
    history: AreaHistory | None,
) -> BoltzmannResult:
    """What the Boltzmann equations of a model give."""
    forward = choices.derivatives == "forward"
    return solve_boltzmann(
        parameters,
        choices,
        initial_yield(parameters, choices),
        adjoint=diffrax.ForwardMode() if forward else None,
        error_limit=limit,
        degrees=degrees,
        history=history,
    )

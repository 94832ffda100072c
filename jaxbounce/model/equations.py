"""The Boltzmann equations of a model, from its own parameters and choices."""

import diffrax
import jax.numpy as jnp

from jaxbounce._core.accuracy import PUBLISHED_LIMIT, limit_in_force
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Scalar
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas import number_density
from jaxbounce.cosmology.radiation import entropy_density
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.boltzmann import BoltzmannResult, solve_boltzmann
from jaxbounce.yields.kept import yield_at_Tp


def initial_yield(parameters: Parameters, choices: Choices) -> Scalar | None:
    """Y_χ at T_max; None for equilibrium."""
    p = parameters
    if choices.initial == "equilibrium":
        return None
    entropy = entropy_density(p.T_p, p.g_star_s)
    if choices.dark_matter == "input":
        return p.Y_chi_init + p.n_chi_at_Tp / entropy
    return yield_in_front(p, choices)


def yield_in_front(p: Parameters, choices: Choices) -> Scalar:
    """f_χ n_eq/s at T_p: the χ that f_χ says is there when the walls come."""
    density = number_density(p.T_p, p.m_chi, p.g_chi, choices.chi_stats, choices.equilibrium)
    return p.f_chi * density / entropy_density(p.T_p, p.g_star_s)


def claims_density(choices: Choices, computed: bool) -> bool:
    """Whether f_χ n_eq in front of the walls is claimed of the χ that annihilates.

    It is if χ starts from it, and if f_χ is `computed`, which is that of these χ. A number f_χ with
    the published, external source is a scale of the flux, whatever has become of Y_χ.
    """
    return choices.dark_matter == "occupancy" or (choices.coupling == "external" and computed)


def density_change(
    p: Parameters, choices: Choices, degrees: DegreesOfFreedom | None = None
) -> Scalar:
    """Y_χ at T_p, as annihilation and its inverse leave it, over f_χ n_eq/s there, less one.

    χ starts at T_max from f_χ n_eq/s, or in equilibrium if the model does.
    """
    claimed = yield_in_front(p, choices)
    start = None if choices.initial == "equilibrium" else claimed
    found = yield_at_Tp(p, choices, start, degrees=degrees)
    there = jnp.where(claimed > 0, claimed, 1.0)
    from_nothing = jnp.where(found > 0, jnp.inf, 0.0)
    return jnp.where(claimed > 0, (found - claimed) / there, from_nothing)


def keeps_its_density(
    p: Parameters,
    choices: Choices,
    computed: bool,
    limit: float | None,
    degrees: DegreesOfFreedom | None = None,
) -> tuple[Code, Scalar]:
    """DENSITY_NOT_KEPT if the equations change the f_χ n_eq that is claimed; and by how much.

    Args:
        p: the parameters, all given.
        choices: the choices.
        computed: whether a stage has computed f_χ.
        limit: largest relative error that is a success; a larger change is none.
        degrees: g_*(T); None: constant.

    Returns:
        The status, and the relative change, an error of the yields where it is below the limit.
    """
    status, none = jnp.asarray(Status.SUCCESS), jnp.zeros_like(p.T_p)
    if not claims_density(choices, computed):
        return status, none
    change = jnp.abs(density_change(p, choices, degrees))
    limit = limit_in_force(change.dtype, limit)
    if choices.quadrature == "published":
        limit = max(limit, PUBLISHED_LIMIT)
    kept = change <= limit
    return jnp.where(kept, status, Status.DENSITY_NOT_KEPT), jnp.where(kept, change, none)


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

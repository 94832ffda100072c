"""The source of baryons and what it leaves of χ: yields of a model's numbers, before anything else.

Without annihilation and washout: what quadrature and a closure of depletion give.
"""

import dataclasses
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from jaxbounce._core.stage import Known
from jaxbounce._core.types import Flag, Scalar
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas import flux_integral, number_density
from jaxbounce.cosmology.radiation import entropy_density
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields import (
    closure_shares,
    flux_over_entropy,
    gauss_legendre_integral,
    integral_on_clock,
    published_integral,
    published_on_clock,
    time_limits,
)


class Front(NamedTuple):
    """What χ meets the wall with: v and T/T_p of the plasma it comes from."""

    v: Scalar
    heat: Scalar

    @classmethod
    def of(cls, p: Parameters, choices: Choices, known: Known) -> Self:
        """As the choice of `streaming` has it."""
        if choices.streaming == "free":
            return cls(p.v_w, jnp.ones_like(p.v_w))
        return cls(known.values["v_plus"], known.values["T_plus_over_T"])

    def met(self, p: Parameters) -> Parameters:
        """Parameters whose v_w and m/T_p are those of the flux."""
        return dataclasses.replace(p, v_w=self.v, m_chi=p.m_chi / self.heat)


def source_yield(
    parameters: Parameters,
    choices: Choices,
    degrees: DegreesOfFreedom | None,
    history: AreaHistory | None,
    front: Front,
) -> tuple[Scalar, Scalar, Flag]:
    """Y_B/(P f_χ) without depletion, its relative error estimate, and whether g_* is known."""
    # of v_w and m_χ the integrals know the flux alone; walls sweep with v_w
    v_w, p = parameters.v_w, front.met(parameters)
    if degrees is None:
        integral, error = _constant_integral(p, choices, history)
        covered = jnp.asarray(True)
    else:
        integral, error, covered = integral_on_clock(p, choices, degrees, history)
        if choices.quadrature == "published":
            converged, integral = integral, published_on_clock(p, choices, degrees, history)
            error = jnp.abs(integral - converged)
    scale = flux_over_entropy(front.heat**3, p.g_chi, p.g_star_s) / v_w
    magnitude = jax.lax.stop_gradient(jnp.abs(integral))
    relative = jax.lax.stop_gradient(error) / jnp.where(magnitude > 0, magnitude, 1.0)
    return scale * integral, relative, covered


def _constant_integral(
    p: Parameters, choices: Choices, history: AreaHistory | None
) -> tuple[Scalar, Scalar]:
    """∫ j (A/V)(v_w/β) W dy with constant g_*, and its error estimate."""
    v_flux = p.v_w if choices.flux == "moving-wall" else None
    lower, upper = time_limits(p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp, p.y_min, p.y_max)
    arguments: Any = {
        "I_p": p.I_p,
        "sigma_y": p.sigma_y,
        "m_over_Tp": p.m_chi / p.T_p,
        "beta_over_H": p.beta_over_H,
        "v_w": v_flux,
        "lower": lower,
        "upper": upper,
        "window": choices.window,
        "statistics": choices.chi_stats,
        "equilibrium": choices.equilibrium,
        "kernel": choices.area_kernel,
        "history": history,
    }
    integral, error = gauss_legendre_integral(**arguments)
    if choices.quadrature == "published":
        converged, integral = integral, published_integral(**arguments)
        error = jnp.abs(integral - converged)
    return integral, error


def depleted_yields(
    parameters: Parameters, choices: Choices, P: Scalar, source: Scalar, front: Front
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Y_B, Y_χ, the χ available and the mean hits, for the dark-matter option in force."""
    p = parameters
    density = number_density(p.T_p, p.m_chi, p.g_chi, choices.chi_stats, choices.equilibrium)
    entropy = entropy_density(p.T_p, p.g_star_s)
    equilibrium_yield = density / entropy
    available = p.f_chi * equilibrium_yield
    # where the equilibrium density underflows there is nobody to hit: 0, not 0/0
    present = jnp.where(equilibrium_yield > 0, equilibrium_yield, 1.0)
    hits = source / present
    undepleted = P * p.f_chi * source
    if choices.dark_matter == "input":
        return undepleted, p.Y_chi_init + p.n_chi_at_Tp / entropy, available, hits
    if choices.dark_matter == "swept-once":
        return undepleted, (1 - P) * p.f_chi * source, available, hits
    if choices.closure == "two-zone":
        x = front.met(p).m_chi / p.T_p
        integral = flux_integral(x, front.v, choices.chi_stats, choices.equilibrium)
        integral = front.heat**3 * integral
        hits = flux_over_entropy(integral, p.g_chi, p.g_star_s) / present / p.v_w
    shares = closure_shares(P, hits, choices.closure, p.P_back_over_P * P)
    return available * shares.converted, available * shares.survived, available, hits

"""The source of baryons and what it leaves of χ: yields of a model's numbers, before anything else.

Without annihilation and washout: what quadrature and a closure of depletion give.
"""

import dataclasses
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from jaxbounce._core.stage import Known
from jaxbounce._core.types import Flag, Scalar
from jaxbounce.cosmology.clock import make_clock
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas import flux_integral, number_density
from jaxbounce.cosmology.radiation import entropy_density, temperature_ratio
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields import (
    closure_shares,
    flux_over_entropy,
    gauss_legendre_integral,
    panel_limits,
    published_integral,
    time_limits,
    wall_times,
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
    integral, error, covered = _integral(p, choices, degrees, history)
    scale = flux_over_entropy(front.heat**3, p.g_chi, p.g_star_s) / v_w
    magnitude = jax.lax.stop_gradient(jnp.abs(integral))
    relative = jax.lax.stop_gradient(error) / jnp.where(magnitude > 0, magnitude, 1.0)
    return scale * integral, relative, covered


def _integral(
    p: Parameters,
    choices: Choices,
    degrees: DegreesOfFreedom | None,
    history: AreaHistory | None,
) -> tuple[Scalar, Scalar, Flag]:
    """∫ j (A/V)(v_w/β) W g_s(T_p)/g_s(T) dy, its error estimate, and whether g_* is known."""
    ends = p.T_max_over_Tp, p.T_min_over_Tp
    clock = None if degrees is None else make_clock(degrees, p.T_p, p.beta_over_H, *ends)
    arguments: Any = {
        "I_p": p.I_p,
        "sigma_y": p.sigma_y,
        "m_over_Tp": p.m_chi / p.T_p,
        "beta_over_H": p.beta_over_H,
        "v_w": p.v_w if choices.flux == "moving-wall" else None,
        "window": choices.window,
        "statistics": choices.chi_stats,
        "equilibrium": choices.equilibrium,
        "kernel": choices.area_kernel,
        "clock": clock,
        "history": history,
    }
    walls = wall_times(p.y_min, p.y_max, p.I_p, choices.area_kernel, history)
    first, last = panel_limits(p.beta_over_H, *ends, *walls, clock)
    integral, error = gauss_legendre_integral(lower=first, upper=last, **arguments)
    covered = jnp.asarray(True)
    if degrees is not None:
        ratio = temperature_ratio(jnp.stack([first, last]), p.beta_over_H)
        covered = degrees.covers(p.T_p / ratio).all()
    if choices.quadrature == "published":
        first, last = time_limits(p.beta_over_H, *ends, p.y_min, p.y_max, clock)
        converged, integral = integral, published_integral(lower=first, upper=last, **arguments)
        error = jnp.abs(integral - converged)
    return integral, error, covered


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

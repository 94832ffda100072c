"""The source of baryons around percolation, factor by factor."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import Real, Scalar
from jaxbounce.cosmology.clock import make_clock
from jaxbounce.cosmology.constants import EXACT_HUBBLE_PREFACTOR, HUBBLE_PREFACTOR
from jaxbounce.cosmology.gas import incident_flux
from jaxbounce.cosmology.radiation import entropy_density, hubble_rate, time_of_temperature_ratio
from jaxbounce.model.background import background
from jaxbounce.model.model import Model
from jaxbounce.model.source import Front
from jaxbounce.percolation import activity_window, scaled_area_density
from jaxbounce.yields import published_area_density

_ABOVE = (5.0, 2.0, 1.5, 1.2, 1.1, 1.05, 1.02, 1.01, 1.005, 1.0)

RATIOS = (*_ABOVE, *(1 / ratio for ratio in _ABOVE[-2::-1]))
"""T/T_p of the table that the published script prints."""


class SourceTable(NamedTuple):
    """The source at some temperatures, S_B = P f_χ J₁ (A/V) W.

    Attributes:
        ratio: T/T_p.
        y: β(t − t_p).
        area_density: A/V (GeV), zero outside the limits of y.
        flux: J_χ = f_χ J₁, the incident flux (GeV³).
        source: S_B (GeV⁴).
        yield_per_y: dY_B/dy.
        hubble: H(T_p) (GeV).
        beta: β (GeV).
    """

    ratio: Float[Array, " temperatures"]
    y: Float[Array, " temperatures"]
    area_density: Float[Array, " temperatures"]
    flux: Float[Array, " temperatures"]
    source: Float[Array, " temperatures"]
    yield_per_y: Float[Array, " temperatures"]
    hubble: Scalar
    beta: Scalar


def source_table(model: Model, P: Scalar, ratios: Sequence[float] | Real = RATIOS) -> SourceTable:
    """A/V, flux and source of a model around percolation.

    Args:
        model: the model.
        P: its conversion probability.
        ratios: T/T_p, shape (temperatures,).
    """
    p, choices = model.parameters, model.choices
    ratio = jnp.asarray(ratios)
    T = ratio * p.T_p
    degrees = model.degrees
    known = model.known()
    history = known.values.get("area") if choices.area_kernel == "history" else None
    front = Front.of(p, choices, known)
    if degrees is not None:
        degrees = degrees.anchored(p.T_p)
        at_Tp = {"g_star": degrees.energy(p.T_p), "g_star_s": degrees.entropy(p.T_p)}
        p = dataclasses.replace(p, **at_Tp)
    p, degrees = background(p, choices, degrees)
    if degrees is None:
        y, g_star_s = time_of_temperature_ratio(ratio, p.beta_over_H), p.g_star_s
    else:
        y = make_clock(degrees, p.T_p, p.beta_over_H, ratio.max(), ratio.min()).time(ratio)
        g_star_s = degrees.entropy(T)
    exact = choices.constants == "exact"
    prefactor = EXACT_HUBBLE_PREFACTOR if exact else HUBBLE_PREFACTOR
    hubble = hubble_rate(p.T_p, p.g_star, prefactor)
    beta = p.beta_over_H * hubble
    v_flux = front.v if choices.flux == "moving-wall" else None
    flux = p.f_chi * incident_flux(
        T * front.heat, p.m_chi, p.g_chi, v_flux, choices.chi_stats, choices.equilibrium
    )
    if choices.quadrature == "published" and choices.area_kernel == "eq6":
        scaled = published_area_density(y, p.I_p)
    else:
        scaled = scaled_area_density(y, p.I_p, choices.area_kernel, history)
    inside = (y >= p.y_min) & (y <= p.y_max)
    area = jnp.where(inside, beta / p.v_w * scaled, 0.0)
    source = P * flux * area * activity_window(y, p.sigma_y, choices.window)
    yield_per_y = source / (entropy_density(T, g_star_s) * beta)
    return SourceTable(ratio, y, area, flux, source, yield_per_y, hubble, beta)

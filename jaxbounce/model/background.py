"""What expands a model's plasma, and what the energy that its vacuum releases does to yields."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxbounce._core.types import Flag, Scalar
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.vacuum import Reheating, reheating, with_vacuum
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area_history import AreaHistory


class Expands(NamedTuple):
    """What enters H.

    Attributes:
        parameters: with the g_* of all that is in H at T_p.
        degrees: g_*(T) of that; None: constant.
    """

    parameters: Parameters
    degrees: DegreesOfFreedom | None


def background(p: Parameters, c: Choices, degrees: DegreesOfFreedom | None) -> Expands:
    """What expands the plasma: radiation, and vacuum energy if it is chosen."""
    if c.expansion == "radiation":
        return Expands(p, degrees)
    found = with_vacuum(
        degrees,
        p.g_star,
        p.g_star_s,
        alpha_V=p.alpha_V,
        T_p=p.T_p,
        beta_over_H=p.beta_over_H,
        I_p=p.I_p,
    )
    return Expands(dataclasses.replace(p, g_star=p.g_star * (1 + p.alpha_V)), found)


def completes(p: Parameters, c: Choices, history: AreaHistory | None) -> Flag:
    """Whether space is not mostly vacuum energy, or bubbles take it faster than it expands.

    The physical volume in the false vacuum, a³ e^{−I}, falls at T_p if dI/dy > 3/(β/H).
    """
    if c.expansion == "radiation":
        return jnp.asarray(True)
    growth = p.I_p
    if history is not None:
        zero = jnp.zeros_like(p.I_p)
        _, growth = jax.jvp(history.volume, (zero,), (jnp.ones_like(zero),))
    return (p.alpha_V <= 1) | (growth * p.beta_over_H > 3)


def reheated(p: Parameters, c: Choices, degrees: DegreesOfFreedom | None) -> Reheating:
    """The bath after the transition, as far as the choices say that it is heated."""
    if c.dilution == "none":
        return Reheating(p.T_p, jnp.ones_like(p.T_p))
    return reheating(p.alpha_eff, p.T_p, degrees)


def hubble_factor(p: Parameters, c: Choices) -> Scalar:
    """H at T_p over that of radiation alone."""
    return jnp.ones_like(p.T_p) if c.expansion == "radiation" else jnp.sqrt(1 + p.alpha_V)

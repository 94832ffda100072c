"""What a transition between two phases releases, and what that does to a wall and to the plasma."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.spectral import eigenvectors
from jaxbounce._core.types import RealLike, Scalar
from jaxbounce.potential.text_model import TextModel
from jaxbounce.potential.thermal import OneLoopPotential, at_temperature
from jaxbounce.potential.vacua import FieldLike, Potential
from jaxbounce.transition.gravitational_waves import Convention, SoundWaves, sound_waves
from jaxbounce.transition.strength import AtTemperature, Fluid, Strength, fluid, strength
from jaxbounce.transition.wall_speed import Runaway, WallSpeed, runaway_test, wall_speed

_wall_speed = jax.jit(wall_speed)


class Budget(NamedTuple):
    """Two phases at one temperature."""

    high: Fluid
    """The phase of high temperature, in front of the wall."""
    low: Fluid
    """The one of low temperature, behind it."""
    strength: Strength
    wall: WallSpeed
    """In local thermal equilibrium."""
    runaway: Runaway | None
    """None of a potential that does not say which particles there are."""

    @property
    def T(self) -> Scalar:
        """The temperature, in front of the wall."""
        return self.high.T

    @property
    def latent_heat(self) -> Scalar:
        """Δe: T Δs where the pressures are the same, and ΔV more elsewhere."""
        return self.high.e - self.low.e

    @property
    def vacuum_over_radiation(self) -> Scalar:
        """ΔV/ρ_r = −Δp/(¾w_s), the difference of free energies."""
        return self.strength.alpha_V


def has_plasma(potential: Potential) -> bool:
    """Whether V has the pressure of a plasma of its own; else all of it is g_rest."""
    return isinstance(potential, OneLoopPotential | TextModel)


def energy_budget(
    potential: Potential,
    theta: Any,
    T: RealLike,
    vacua: tuple[FieldLike, FieldLike],
    *,
    parameters_at: AtTemperature = at_temperature,
    g_rest: RealLike = 0.0,
) -> Budget:
    """Strength, wall speed and runaway test of a transition at a temperature.

    Args:
        potential: V(φ, θ).
        theta: its parameters.
        T: the temperature.
        vacua: guesses of the phases of high and of low temperature there.
        parameters_at: the parameters at a temperature.
        g_rest: degrees of freedom of the plasma that V has not.
    """
    high, low = (
        fluid(potential, theta, T, vacuum, parameters_at=parameters_at, g_rest=g_rest)
        for vacuum in vacua
    )
    found = strength(high, low)
    wall = _wall_speed(found.alpha_thetabar, found.Psi, found.c_s, found.c_b)
    runaway = _runaway(potential, theta, parameters_at, high, low)
    return Budget(high, low, found, wall, runaway)


def _runaway(
    potential: Potential, theta: Any, parameters_at: AtTemperature, high: Fluid, low: Fluid
) -> Runaway | None:
    """The test of Bödeker and Moore, of particles that the potential names."""
    if not isinstance(potential, OneLoopPotential | TextModel):
        return None
    loops = potential if isinstance(potential, OneLoopPotential) else potential.loops
    before, after = (
        potential.masses_squared(phase.phi, parameters_at(theta, high.T)) for phase in (high, low)
    )
    cold = parameters_at(theta, jnp.zeros_like(high.T))
    released = potential(high.phi, cold) - potential(low.phi, cold)
    return runaway_test(
        released,
        high.T,
        high.w,
        jnp.stack([_sum(after[p.name]) - _sum(before[p.name]) for p in loops.particles]),
        jnp.array([float(p.degrees) for p in loops.particles]),
        jnp.array([p.statistics == "fermion" for p in loops.particles]),
    )


def _sum(squares: Any) -> Scalar:
    """Of m² over the eigenvalues of a matrix, or of one number; a tachyon counts as massless."""
    values = eigenvectors(squares)[0] if np.ndim(squares) else jnp.asarray(squares)
    return jnp.maximum(values, 0.0).sum()


def sound_of(
    budget: Budget,
    beta_over_H: RealLike,
    v_w: RealLike,
    g_star: RealLike,
    R_star_H: RealLike | None = None,
) -> Mapping[str, SoundWaves]:
    """The peak of the sound waves by convention, for α_θ; arguments as of `sound_waves`."""
    return {
        convention: sound_waves(
            budget.strength.alpha_theta,
            beta_over_H,
            v_w,
            budget.T,
            g_star,
            convention=convention,
            R_star_H=R_star_H,
        )
        for convention in get_args(Convention)
    }

"""T_p and a wall speed that belong together: v_w of local thermal equilibrium at T_p, T_p at v_w.

A faster wall percolates earlier, at a higher T_p, where its strength and thus its speed are
others. The pair is a root of v_w(T_p(v)) = v, between a wall that stands still and one at the
speed of light, so that nothing is iterated that might not converge.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp

from jaxbounce._core.arrays import Code, Scalar, constant
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.status import Status
from jaxbounce._core.types import RealLike
from jaxbounce.potential.thermal import at_temperature
from jaxbounce.potential.vacua import Potential
from jaxbounce.transition.strength import AtTemperature, fluid, strength
from jaxbounce.transition.vacua import Guess
from jaxbounce.transition.wall_speed import WallSpeed, wall_speed

LteAt = Literal["T_n", "T_p"]
"""The temperature of the phases that a wall is in local thermal equilibrium with."""

WallAt: TypeAlias = Callable[[Scalar, Any], WallSpeed]
"""Of T and θ: the wall at that temperature."""

SLOWEST = 1e-4
"""Walls slower than this are looked for no more."""

SAME_SPEED = 1e-9
"""What v_w and the wall at T_p(v_w) may differ by; where a wall begins to run away, v_w jumps."""


def lte_wall(
    potential: Potential,
    false_vacuum: Guess,
    true_vacuum: Guess,
    *,
    parameters_at: AtTemperature = at_temperature,
    g_rest: RealLike = 0.0,
) -> WallAt:
    """The wall in local thermal equilibrium as a function of T and θ, for `find_transition`.

    Args:
        potential: V(φ, θ), with the pressure of its plasma.
        false_vacuum: the phase in front, a guess or a function of T that gives one.
        true_vacuum: the phase behind; the same.
        parameters_at: the parameters at a temperature.
        g_rest: degrees of freedom of the plasma that V has not.
    """

    def wall(T: Scalar, theta: Any) -> WallSpeed:
        phases = [
            fluid(
                potential,
                theta,
                T,
                vacuum(T) if callable(vacuum) else vacuum,
                parameters_at=parameters_at,
                g_rest=g_rest,
            )
            for vacuum in (false_vacuum, true_vacuum)
        ]
        found = strength(*phases)
        return wall_speed(found.alpha_thetabar, found.Psi, found.c_s, found.c_b)

    return wall


def speed_or_limit(wall: WallSpeed) -> Scalar:
    """v_w; 0 for a wall that stands still and 1 for one that runs away."""
    limit = jnp.where(wall.status == Status.STATIC_WALL.value, 0.0, jnp.nan)
    limit = jnp.where(wall.status == Status.RUNAWAY_WALL.value, 1.0, limit)
    return jnp.where(wall.status == Status.SUCCESS.value, wall.v_w, limit)


def verdict(wall: WallSpeed, v_w: Scalar) -> Code:
    """The status of the wall at T_p(v_w): its own, or RUNAWAY_WALL where v_w is at the jump."""
    jumps = (wall.status == Status.SUCCESS.value) & ~(jnp.abs(wall.v_w - v_w) < SAME_SPEED)
    slower = jumps & (v_w <= 2 * SLOWEST)
    told = jnp.where(jumps, Status.RUNAWAY_WALL.value, wall.status)
    return jnp.where(slower, Status.STATIC_WALL.value, told)


def settled_speed(
    T_p: Callable[[Scalar], Scalar], wall: Callable[[Scalar], WallSpeed]
) -> tuple[Scalar, Code]:
    """v_w with v_w = wall(T_p(v_w)), differentiable in what both close over; its status.

    Args:
        T_p: temperature of percolation as a function of v_w.
        wall: the wall at a temperature.
    """

    def misses(v_w: Scalar) -> Scalar:
        return speed_or_limit(wall(T_p(v_w))) - v_w

    v_w = bracketed_root(misses, jnp.asarray(SLOWEST), jnp.asarray(1.0))
    # one that runs away at every speed ends at that of light, not at the end of a bracket
    v_w = jnp.where(constant(misses(jnp.asarray(1.0))) >= 0, 1.0, v_w)
    return v_w, constant(verdict(wall(T_p(constant(v_w))), v_w))

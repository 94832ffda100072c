"""From S₃(T)/T to when a thermal transition happens: T_n, T_p and β/H.

Bubbles nucleate at the rate per volume

    Γ = A T⁴ (S₃/(2πT))^{3/2} e^{−S₃/T}

in a plasma that expands by its radiation and, where it is known, by the energy of the false
vacuum (`transition.background`). T_n is where Γ = H⁴; T_p is where the extended volume I of the
exact moment chain (`percolation.history`), with expansion, reaches I_p; and β = d ln Γ/dt there,
which includes what the prefactor contributes.

The exponent S₃/T is sampled at Chebyshev points of the temperatures that matter, which a
search finds; everything after that is smooth in it, and differentiable.
Source: A. D. Linde, Nucl. Phys. B 216 (1983) 421.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxbounce._core.arrays import Array, Scalar
from jaxbounce._core.status import Status
from jaxbounce._core.types import RealLike, as_leaf, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.transition.background import Contents, as_degrees, weighs
from jaxbounce.transition.settled import (
    WallAt as WallAt,
    lte_wall as lte_wall,
    settled_speed,
)
from jaxbounce.transition.story import (
    HAVE_NUMBERS,
    Plasma,
    Transition as Transition,
    sample_temperatures,
    transition_of_samples,
)
from jaxbounce.transition.vacua import (
    Guess as Guess,
    Phases as Phases,
    bounce_exponent as bounce_exponent,
    follow_vacua as follow_vacua,
    vacuum_energy as vacuum_energy,
)
from jaxbounce.transition.wall_speed import WallSpeed
from jaxbounce.transition.window import (
    Exponent as Exponent,
    Window,
    find_window,
    log_rate_over_hubble as log_rate_over_hubble,
)

_UNTOUCHED = ("error", "status", "history")


def find_transition(
    exponent: Exponent,
    theta: Any,
    T_low: RealLike,
    T_high: RealLike,
    *,
    v_w: RealLike | WallAt = 1.0,
    I_p: RealLike = 0.34,
    g_star: RealLike | DegreesOfFreedom = 106.75,
    prefactor: RealLike = 1.0,
    vacuum_energy: Exponent | None = None,
    expansion: Contents | None = None,
) -> Transition:
    """T_n, T_p and β/H of the first transition met on cooling from T_high to T_low.

    Differentiable (forward and reverse) in θ, v_w, I_p, g_* and the prefactor.

    H² = (8π/3M_Pl²)(ρ_r + ρ_V) where `vacuum_energy` is given, which S₃/T alone does not tell:
    without it, or with `expansion` = "radiation", it is that of radiation alone, and temperatures
    and Γ/H⁴ are off by a relative ρ_V/2ρ_r in H; `vacuum_over_radiation` says how much that is.

    T_p is where I = I_p, whatever the expansion does: I is a comoving fraction. Bubbles do meet
    only if the physical volume of the false vacuum, a³ e^{−I}, decreases too, at T_p or later in
    the range. If it never does the status is NEVER_COMPLETES. Numbers are not withheld then: they
    are the temperatures at which Γ and I have their values, which is well defined.

    Args:
        exponent: `exponent(T, theta)` → S₃/T; see `bounce_exponent`.
        theta: its parameters.
        T_low: lowest temperature considered (GeV).
        T_high: highest (GeV); may be at or above the critical temperature.
        v_w: wall speed; or the wall as a function of T and θ, such as `settled.lte_wall` makes of
            a potential: then v_w is that at T_p, and T_p that at v_w.
        I_p: extended volume at percolation.
        g_star: relativistic degrees of freedom: a number, or functions of T such as
            `cosmology.StandardModel()`, whose entropy then says how a goes with T.
        prefactor: A.
        vacuum_energy: ρ_V(T, θ) (GeV⁴), such as `vacuum_energy` makes of a potential.
        expansion: "radiation" or "radiation+vacuum", what H consists of (static); by default
            all that is given.

    Returns:
        A `Transition`; NO_TRANSITION if I_p is not reached in the range or Γ stays below H⁴,
        TRANSITION_BEGINS_ABOVE if bubbles from above T_high would count, NEVER_COMPLETES if the
        false vacuum's volume grows for ever, TRUE_VACUUM_NOT_DEEPER if ρ_V < 0; of a wall that
        is a function of T what it says at T_p (STATIC_WALL, RUNAWAY_WALL).

    Raises:
        ValueError: without float64.
        ConfigurationError: for an `expansion` that is not one of them, or takes ρ_V, not given.
    """
    if jnp.result_type(float) != jnp.float64:
        raise ValueError(
            "a transition needs float64: call jaxbounce.enable_x64() before making any array"
        )
    weighed = weighs(expansion, vacuum_energy is not None)
    wall, given_speed = (v_w, 1.0) if callable(v_w) else (None, v_w)
    given = (
        jax.tree.map(as_leaf, theta),
        *(as_leaf(as_real(x)) for x in (given_speed, I_p)),
        as_degrees(g_star),
        as_leaf(as_real(prefactor)),
    )
    shielded_given, token = shielded(given)
    theta, plasma = shielded_given[0], Plasma._make(shielded_given[1:])
    ends = (as_leaf(T_low), as_leaf(T_high))
    sampled = partial(_sampled, exponent, vacuum_energy, weighed, theta, ends)
    window, exponents, energies = sampled(plasma)
    of_wall = jnp.asarray(Status.SUCCESS.value)
    if wall is not None:
        for last in (False, True):
            of_speed = partial(_T_p, exponents, energies, window, plasma, weighed)
            speed, of_wall = settled_speed(of_speed, partial(_wall_at, wall, theta))
            plasma = plasma._replace(v_w=speed)
            # the temperatures that matter are those of a wall of about this speed
            if not last:
                window, exponents, energies = sampled(plasma)
    found = transition_of_samples(exponents, energies, window, plasma, weighed)
    valid = (plasma.v_w > 0) & (plasma.I_p > 0)
    status = jnp.where(valid, found.status, Status.INVALID_PARAMETER.value)
    good = jnp.isin(status, jnp.asarray(HAVE_NUMBERS))
    status = jnp.where(good & (of_wall != Status.SUCCESS.value), of_wall, status)
    good = jnp.isin(status, jnp.asarray(HAVE_NUMBERS))
    numbers = {k: v for k, v in found._asdict().items() if k not in _UNTOUCHED}
    numbers = withheld(numbers, good, token, others=given)
    return found._replace(**numbers, status=status)


def _sampled(
    exponent: Exponent,
    vacuum_energy: Exponent | None,
    weighed: bool,
    theta: Any,
    ends: tuple[Scalar, Scalar],
    plasma: Plasma,
) -> tuple[Window, Array, Array | None]:
    """The temperatures that matter, S₃/T there, and ρ_V."""
    theta_fixed, fixed, ends = jax.lax.stop_gradient((theta, plasma, ends))
    in_H = vacuum_energy if weighed else None
    of_rate = (theta_fixed, fixed.v_w, fixed.degrees, fixed.prefactor)
    window = find_window(exponent, in_H, of_rate, ends, fixed.I_p)
    temperatures = sample_temperatures(window.low, window.high)
    exponents = jax.lax.map(lambda t: exponent(t, theta), temperatures)
    energies = None
    if vacuum_energy is not None:
        temperatures = sample_temperatures(window.end, window.high)
        energies = jax.lax.map(lambda t: as_real(vacuum_energy(t, theta)), temperatures)
    return window, exponents, energies


def _T_p(
    exponents: Array,
    energies: Array | None,
    window: Window,
    plasma: Plasma,
    weighed: bool,
    v_w: Scalar,
) -> Scalar:
    """The temperature of percolation at a wall speed."""
    plasma = plasma._replace(v_w=v_w)
    return transition_of_samples(exponents, energies, window, plasma, weighed).T_p


def _wall_at(wall: WallAt, theta: Any, T: Scalar) -> WallSpeed:
    return wall(T, theta)

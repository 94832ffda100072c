"""Why there is no transition, in one line, from a look at the bounces over the temperature."""

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from jaxbounce._core.arrays import at_once
from jaxbounce._core.status import Status
from jaxbounce.transition.background import as_degrees, weighs
from jaxbounce.transition.story import Transition
from jaxbounce.transition.vacua import Phases
from jaxbounce.transition.window import effective_degrees, log_rate_over_hubble

if TYPE_CHECKING:
    from jaxbounce.transition.solve import ThermalPotential, _Bounces

_LOOKS = 33  # temperatures at which a failure is looked into


def _look(
    bounces: "_Bounces", thermal: "ThermalPotential", T: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Status of the bounce, S₃/T and ln(Γ/H⁴) at temperatures."""
    solved = [bounces.at(jnp.asarray(t)) for t in T]
    exponent = np.array([float(bounce.action) for bounce in solved]) / T
    g_star = as_degrees(thermal.settings.g_star).energy(T)
    energy = bounces.vacuum_energy()
    if energy is not None and weighs(thermal.expansion, known=True):
        with at_once():
            energies = [float(energy(t, None)) for t in T]
        # above the critical temperature there is no bounce either
        g_star = effective_degrees(T, g_star, np.maximum(energies, 0.0))
    rate = log_rate_over_hubble(T, exponent, thermal.settings.prefactor, g_star)
    return np.array([int(bounce.status) for bounce in solved]), exponent, np.asarray(rate)


def no_vacua(phases: Phases) -> str:
    """Of vacua of which the false one is metastable nowhere."""
    T, coldest = phases.T, Status(int(phases.status[0]))
    return (
        f"no transition: the false vacuum is metastable at no T from {T[0]:g} to {T[-1]:g} GeV; at"
        f" {T[0]:g} GeV: {coldest.message}"
    )


def no_transition(thermal: "ThermalPotential", bounces: "_Bounces", transition: Transition) -> str:
    """Why there is no number, from a look at bounces over the range."""
    status, error = Status(int(transition.status)), float(transition.error)
    if status == Status.QUADRATURE_NOT_CONVERGED and np.isfinite(error):
        return (
            f"no transition: S3/T is interpolated to {error:.0e} only where it happens, or the"
            " volume of the bubbles not resolved there, too coarse to trust; is the potential"
            " smooth in T there?"
        )
    if status in (Status.TRUE_VACUUM_NOT_DEEPER, Status.BEYOND_G_STAR_TABLE):
        return f"no transition: {status.message}"
    T = np.linspace(*bounces.phases.metastable_range(), _LOOKS)
    codes, exponent, rate = _look(bounces, thermal, T)
    good = np.flatnonzero(codes == Status.SUCCESS)
    if not good.size:
        middle = _LOOKS // 2
        return (
            f"no transition: no bounce from {T[0]:g} to {T[-1]:g} GeV; at {T[middle]:g} GeV:"
            f" {Status(int(codes[middle])).message}"
        )
    hottest = good[-1]
    largest = good[np.argmax(rate[good])]
    if rate[largest] <= 0:
        lower = T[largest] == thermal.T_low
        return (
            "no transition: fewer bubbles than one a Hubble volume and time, ln(Gamma/H^4) is at"
            f" most {rate[largest]:.1f}, at {T[largest]:g} GeV (S3/T = {exponent[largest]:.1f});"
            f" {'it rises still: lower T_low' if lower else 'change the parameters'}"
        )
    if rate[hottest] > 0 and T[hottest] == thermal.T_high:
        return (
            f"no transition: Gamma is above H^4 at T_high = {thermal.T_high:g} GeV already; raise"
            " T_high, so that its beginning is seen"
        )
    if status == Status.TRANSITION_BEGINS_ABOVE:
        if T[hottest] == thermal.T_high:
            return (
                "no transition: bubbles that nucleate above T_high ="
                f" {thermal.T_high:g} GeV would count; raise T_high"
            )
        return (
            f"no transition: bubbles nucleate above {T[hottest]:g} GeV, where their rate is not"
            " known: the false vacuum is not metastable, or has no bounce"
        )
    # the ends lie outside of where the vacua are metastable
    failed = np.flatnonzero(codes[1:-1] != Status.SUCCESS) + 1
    if failed.size:
        where = failed[0]
        return (
            "no transition: bubbles nucleate, but their rate is not known over the whole range; at"
            # what to do with the vacua is for those who give them: these are followed
            f" {T[where]:g} GeV: {Status(int(codes[where])).message.split(';')[0]}"
        )
    ends = T[0] != thermal.T_low
    return (
        f"no transition: bubbles nucleate, but do not reach I_p = {float(thermal.settings.I_p):g}"
        f" before {T[0]:g} GeV; {'the barrier ends there' if ends else 'lower T_low'}"
    )

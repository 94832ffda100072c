"""A transition solved from its potential: vacua followed, elasticities, why there is none."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Scalar, at_once
from jaxbounce._core.errors import ComputationError
from jaxbounce._core.status import Status
from jaxbounce.bounce import Bounce, solve_bounce
from jaxbounce.bounce.slopes import action_slopes
from jaxbounce.cosmology.radiation import radiation_density
from jaxbounce.potential.text import ConfiguredPotential
from jaxbounce.transition.temperatures import (
    MOST_VACUUM_ENERGY,
    Exponent,
    Phases,
    Transition,
    find_transition,
    follow_vacua,
    log_rate_over_hubble,
    sample_temperatures,
    transition_of_samples,
    vacuum_energy,
)
from jaxbounce.transition.window import NODES, find_window

OUTPUTS = ("T_n", "T_p", "beta_over_H")
"""What has elasticities, by its name in `Transition`."""

NOTED_VACUUM_ENERGY = 0.1
"""Of the radiation's energy at T_p: above it the report says that H leaves the vacuum's out."""

_SAME_ACTION = 1e-8  # relative

_LOOKS = 33  # temperatures at which a failure is looked into


class Settings(NamedTuple):
    """Of `find_transition`, with its defaults."""

    v_w: Scalar | float = 1.0
    I_p: Scalar | float = 0.34
    g_star: Scalar | float = 106.75
    prefactor: Scalar | float = 1.0


class ThermalPotential(NamedTuple):
    """A checked file."""

    table: Mapping[str, Any]
    configured: ConfiguredPotential
    temperature: str
    """Name of the parameter that is the temperature."""
    T_low: float
    T_high: float
    settings: Settings

    @property
    def T_vacua(self) -> float:
        """Temperature at which the vacua are given."""
        return float(self.configured.theta[self.temperature])

    @property
    def couplings(self) -> dict[str, Scalar]:
        """The parameters but for the temperature."""
        return {k: v for k, v in self.configured.theta.items() if k != self.temperature}


class Solved(NamedTuple):
    """A transition that was found."""

    thermal: ThermalPotential
    phases: Phases
    transition: Transition
    elasticities: dict[str, Float[Array, " outputs"]]
    """∂ln output/∂ln θ in the order of `OUTPUTS`, by coupling and by `transition.` setting."""
    vacuum_over_radiation: tuple[float, float]
    """[V(false) − V(true)]/ρ_rad at T_n and at T_p; H is that of radiation alone."""


def solve_transition(thermal: ThermalPotential) -> Solved:
    """T_n, T_p, β/H and their elasticities.

    Raises:
        ComputationError: if there is none, or one that the vacuum's energy dominates, which H
            leaves out, with one line that says why.
    """
    potential = thermal.configured.potential
    false, true = map(jnp.asarray, thermal.configured[2:4])
    phases = follow_vacua(
        potential,
        lambda theta, T: {**theta, thermal.temperature: T},
        thermal.couplings,
        false,
        true,
        thermal.T_vacua,
        thermal.T_low,
        thermal.T_high,
    )
    if not (phases.status == Status.SUCCESS).any():
        raise ComputationError(_no_vacua(phases))
    bounces = _Bounces(potential, thermal.temperature, thermal.couplings, phases, {})
    low, high = phases.metastable_range()
    ends = (jnp.asarray(low), jnp.asarray(high))
    transition, slopes, share = _solve(bounces, thermal.settings, ends)
    if int(transition.status) != Status.SUCCESS:
        raise ComputationError(_no_transition(thermal, bounces, transition))
    at_T_n, at_T_p = map(float, share)
    # radiation thins out, the vacuum does not: its share is largest at the end
    if not at_T_p <= MOST_VACUUM_ENERGY:
        raise ComputationError(
            f"no number to trust: at T_p the vacuum has {at_T_p:.3g} times the energy of the"
            " radiation, and H here is that of radiation alone, which would give T_n ="
            f" {float(transition.T_n):.6g}, T_p = {float(transition.T_p):.6g} GeV, beta/H ="
            f" {float(transition.beta_over_H):.6g}"
        )
    return Solved(thermal, phases, transition, slopes, (at_T_n, at_T_p))


def transition_with_elasticities(
    exponent: Exponent,
    couplings: Mapping[str, Scalar],
    settings: Settings,
    ends: tuple[Scalar, Scalar],
) -> tuple[Transition, dict[str, Array]]:
    """`find_transition`, and θ ∂ln(output)/∂θ of everything that enters, by reverse mode."""

    def logarithms(couplings: Any, settings: Settings) -> tuple[Array, Transition]:
        found = find_transition(exponent, couplings, *ends, **settings._asdict())
        return jnp.log(jnp.stack([getattr(found, name) for name in OUTPUTS])), found

    of_couplings, of_settings = {**couplings}, Settings(*map(jnp.asarray, settings))
    slopes, found = jax.jacrev(logarithms, argnums=(0, 1), has_aux=True)(of_couplings, of_settings)
    return found, _elasticities(slopes[0], slopes[1], of_couplings, of_settings)


def _elasticities(
    of_couplings: Mapping[str, Array],
    of_settings: Settings,
    couplings: Mapping[str, Scalar],
    settings: Settings,
) -> dict[str, Array]:
    """By name, from slopes of logarithms."""
    entering: Any = zip(Settings._fields, of_settings, settings, strict=True)
    return {name: of_couplings[name] * value for name, value in couplings.items()} | {
        f"transition.{name}": slope * value for name, slope, value in entering
    }


class _Bounces(NamedTuple):
    """Solves the bounce at a temperature, at once, from the nearest one that was solved."""

    potential: Any
    temperature: str
    couplings: dict[str, Scalar]
    phases: Phases
    solved: dict[float, Bounce]
    """By temperature."""
    followed: bool = True
    """Whether one begins at another; else each is searched for."""

    def parameters(self, T: Scalar) -> dict[str, Scalar]:
        return {**self.couplings, self.temperature: T}

    def at(self, T: Scalar) -> Bounce:
        if float(T) not in self.solved:
            nearest = min(self.solved, key=lambda t: abs(t - float(T)), default=None)
            near = self.solved[nearest] if self.followed and nearest is not None else None
            self.solved[float(T)] = self.beginning(T, near)
        return self.solved[float(T)]

    def beginning(self, T: Scalar, near: Bounce | None) -> Bounce:
        with at_once():
            false, true = (guess(T) for guess in self.phases.guesses())
        return solve_bounce(self.potential, self.parameters(T), false, true, 3, near=near)

    def is_least(self, T: Scalar) -> bool:
        """Whether a search finds no smaller action than following has."""
        followed, searched = self.at(T), self.beginning(T, None)
        if searched.status != Status.SUCCESS:
            return True
        return bool(followed.action < searched.action * (1 + _SAME_ACTION))


def _solve(
    bounces: _Bounces, settings: Settings, ends: tuple[Scalar, Scalar]
) -> tuple[Transition, dict[str, Array], Float[Array, "2"]]:
    """Bounces at once, and one program of what does not depend on the potential."""
    settings = Settings(*map(jnp.asarray, settings))
    v_w, I_p, g_star, prefactor = map(jnp.asarray, settings)
    fixed = (bounces.couplings, v_w, g_star, prefactor)

    with at_once():
        low, high = find_window(lambda T, _: bounces.at(T).action / T, fixed, ends, I_p)
    window = (jnp.asarray(low), jnp.asarray(high))
    temperatures = sample_temperatures(*window)
    # from temperature to temperature the bounce may have stayed what it no longer is, the least
    if bounces.followed and not all(bounces.is_least(T) for T in temperatures[:: NODES // 2 - 1]):
        return _solve(bounces._replace(solved={}, followed=False), settings, ends)
    solved = [bounces.at(T) for T in temperatures]
    values = jnp.stack([bounce.action for bounce in solved]) / temperatures
    found, of_values, of_settings = _story(values, window, settings)
    by_action = [
        action_slopes(bounces.potential, bounces.parameters(T), bounce)
        for T, bounce in zip(temperatures, solved, strict=True)
    ]
    of_couplings = {
        name: of_values @ (jnp.stack([slopes[name] for slopes in by_action]) / temperatures)
        for name in bounces.couplings
    }
    # not in the transition: the message says what the numbers would be
    guesses = bounces.phases.guesses()
    energy = vacuum_energy(bounces.potential, lambda _, T: bounces.parameters(T), *guesses)
    with at_once():
        share = [energy(T, None) / radiation_density(T, g_star) for T in (found.T_n, found.T_p)]
    slopes = _elasticities(of_couplings, of_settings, bounces.couplings, settings)
    return found, slopes, jnp.stack(share)


@jax.jit
def _story(
    values: Array, window: tuple[Scalar, Scalar], settings: Settings
) -> tuple[Transition, Array, Settings]:
    """The transition, and the slopes of the logarithms of `OUTPUTS` in what enters it."""

    def logarithms(values: Array, settings: Settings) -> tuple[Array, Transition]:
        found = transition_of_samples(values, window, *map(jnp.asarray, settings))
        return jnp.log(jnp.stack([getattr(found, name) for name in OUTPUTS])), found

    slopes, found = jax.jacrev(logarithms, argnums=(0, 1), has_aux=True)(values, settings)
    return found, *slopes


def _look(bounces: _Bounces, settings: Settings, T: np.ndarray) -> tuple[np.ndarray, ...]:
    """Status of the bounce, S₃/T and ln(Γ/H⁴) at temperatures."""
    solved = [bounces.at(jnp.asarray(t)) for t in T]
    exponent = np.array([float(bounce.action) for bounce in solved]) / T
    rate = log_rate_over_hubble(T, exponent, settings.prefactor, settings.g_star)
    return np.array([int(bounce.status) for bounce in solved]), exponent, np.asarray(rate)


def _no_vacua(phases: Phases) -> str:
    T, coldest = phases.T, Status(int(phases.status[0]))
    return (
        f"no transition: the false vacuum is metastable at no T from {T[0]:g} to {T[-1]:g} GeV; at"
        f" {T[0]:g} GeV: {coldest.message}"
    )


def _no_transition(thermal: ThermalPotential, bounces: _Bounces, transition: Transition) -> str:
    """Why there is no number, from a look at bounces over the range."""
    status, error = Status(int(transition.status)), float(transition.error)
    if status == Status.QUADRATURE_NOT_CONVERGED and np.isfinite(error):
        return (
            f"no transition: S3/T is interpolated to {error:.0e} only where it happens, or the"
            " volume of the bubbles not resolved there, too coarse to trust; is the potential"
            " smooth in T there?"
        )
    T = np.linspace(*bounces.phases.metastable_range(), _LOOKS)
    codes, exponent, rate = _look(bounces, thermal.settings, T)
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

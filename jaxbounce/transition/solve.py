"""A transition solved from its potential: vacua followed, elasticities, why there is none."""

from collections.abc import Mapping
from functools import partial
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
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.potential.branches import inverse
from jaxbounce.potential.coupling_slopes import of_lines, of_values
from jaxbounce.potential.landscape import landscape
from jaxbounce.potential.text import ConfiguredPotential
from jaxbounce.potential.thermal import Heated
from jaxbounce.potential.vacua import polish_vacuum
from jaxbounce.transition.background import Contents, as_degrees, weighs
from jaxbounce.transition.story import (
    HAVE_NUMBERS,
    Plasma,
    Transition,
    sample_temperatures,
    transition_of_samples,
)
from jaxbounce.transition.temperatures import find_transition
from jaxbounce.transition.vacua import Phases, follow_vacua, vacuum_energy
from jaxbounce.transition.window import (
    NODES,
    Exponent,
    Window,
    effective_degrees,
    find_window,
    log_rate_over_hubble,
)

OUTPUTS = ("T_n", "T_p", "beta_over_H")
"""What has elasticities, by its name in `Transition`."""

_SAME_ACTION = 1e-8  # relative

_OF_ERRORS = 3.0  # beside it, of the error estimates: the potential may have a kink on the way

_MOST_OF_ERRORS = 1e-6

_STEPS = 65  # in which the true vacuum is followed to T = 0

_LOOKS = 33  # temperatures at which a failure is looked into

_NO_VACUUM_ENERGY = (
    "no transition: the vacuum energy in H is that of V at T = 0, which is not a finite number at"
    ' the vacua; set transition.expansion = "radiation", or write V so that it has a limit there'
)


class Settings(NamedTuple):
    """Of `find_transition`, with its defaults."""

    v_w: Scalar | float = 1.0
    I_p: Scalar | float = 0.34
    g_star: Scalar | float | DegreesOfFreedom = 106.75
    prefactor: Scalar | float = 1.0

    @property
    def numbers(self) -> dict[str, Scalar | float]:
        """Those that are numbers: a g_* that is a function of T is not."""
        named = self._asdict().items()
        return {k: v for k, v in named if not isinstance(v, DegreesOfFreedom)}


class ThermalPotential(NamedTuple):
    """A checked file."""

    table: Mapping[str, Any]
    configured: ConfiguredPotential
    temperature: str
    """Name of the parameter that is the temperature."""
    T_low: float
    T_high: float
    settings: Settings
    expansion: Contents = "radiation+vacuum"
    """What H consists of."""

    @property
    def T_vacua(self) -> float:
        """Temperature at which the vacua are given."""
        return float(self.configured.theta[self.temperature])

    @property
    def couplings(self) -> dict[str, Scalar]:
        """The parameters but for the temperature."""
        return {k: v for k, v in self.configured.theta.items() if k != self.temperature}


class Solved(NamedTuple):
    """A transition that was found; one may be that never completes."""

    thermal: ThermalPotential
    phases: Phases
    transition: Transition
    elasticities: dict[str, Float[Array, " outputs"]]
    """∂ln output/∂ln θ in the order of `OUTPUTS`, by coupling and by `transition.` setting."""
    alpha_theta: float
    """[ΔV − (T/4) dΔV/dT]/ρ_r at T_p, ΔV = V(false) − V(true) there: a quarter of the trace
    anomaly's change, Δe − 3Δp, over the energy of the radiation."""

    @property
    def T_reh(self) -> float:
        """T_p (1 + α_θ)^{1/4}, to which the released energy heats the plasma, at constant g_*."""
        return float(self.transition.T_p) * (1 + self.alpha_theta) ** 0.25


def solve_transition(thermal: ThermalPotential) -> Solved:
    """T_n, T_p, β/H and their elasticities.

    Raises:
        ComputationError: if there is none, with one line that says why.
    """
    potential = thermal.configured.potential
    false, true = map(jnp.asarray, thermal.configured[2:4])
    phases = follow_vacua(
        potential,
        Heated(thermal.temperature),
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
    weighed = weighs(thermal.expansion, known=True)
    if weighed and bounces.vacuum_energy() is None:
        raise ComputationError(_NO_VACUUM_ENERGY)
    transition, slopes = _solve(bounces, thermal.settings, ends, weighed)
    if int(transition.status) not in HAVE_NUMBERS:
        raise ComputationError(_no_transition(thermal, bounces, transition))
    alpha_theta = _strength(bounces, transition)
    return Solved(thermal, phases, transition, slopes, alpha_theta)


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

    of_couplings, of_settings = {**couplings}, jax.tree.map(jnp.asarray, settings)
    slopes, found = jax.jacrev(logarithms, argnums=(0, 1), has_aux=True)(of_couplings, of_settings)
    return found, _elasticities(slopes[0], slopes[1], of_couplings, of_settings)


def _elasticities(
    of_couplings: Mapping[str, Array],
    of_settings: Settings,
    couplings: Mapping[str, Scalar],
    settings: Settings,
) -> dict[str, Array]:
    """By name, from slopes of logarithms."""
    slopes = of_settings._asdict()
    return {name: of_couplings[name] * value for name, value in couplings.items()} | {
        f"transition.{name}": slopes[name] * value for name, value in settings.numbers.items()
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

    def vacua(self, T: Scalar) -> tuple[Array, Array]:
        """Both, polished; at once."""
        with at_once():
            guesses = (guess(T) for guess in self.phases.guesses())
            false, true = (polish_vacuum(self.potential, self.parameters(T), g) for g in guesses)
        return false, true

    def ground(self) -> Array:
        """The true vacuum at T = 0, followed there from the coldest temperature known; at once."""
        vacuum = self.phases.true_vacuum[0]
        with at_once():
            for T in np.linspace(self.phases.T[0], 0.0, _STEPS):
                vacuum = polish_vacuum(self.potential, self.parameters(T), vacuum)
        return vacuum

    def vacuum_energy(self) -> Exponent | None:
        """ρ_V, of V at T = 0, if that is a finite number; at once."""
        ground = self.ground()
        energy = vacuum_energy(
            self.potential,
            lambda _, T: self.parameters(T),
            self.phases.guesses()[0],
            ground,
            T_cold=0.0,
        )
        with at_once():
            ends = [energy(T, None) for T in np.asarray(self.phases.ends)]
        return energy if np.isfinite(ends).all() else None

    def energy_slopes(self, temperatures: np.ndarray) -> dict[str, Array]:
        """∂ρ_V/∂θ at temperatures, by name; at once.

        The false vacuum moves by −V''⁻¹ ∂_θ V' at T; the true one is an extremum of V at T = 0.
        """
        ground, cold = np.asarray(self.ground()), self.parameters(jnp.zeros(()))
        found = []
        for T in temperatures:
            warm, false = self.parameters(jnp.asarray(T)), self.vacua(T)[0]
            with at_once():
                slope = landscape(self.potential, cold).gradients(false)
                bend = landscape(self.potential, warm).curvatures(false)
            moved = -inverse(np.asarray(bend)[None])[0] @ slope
            own = of_values(self.potential, cold, np.stack([false, ground]), [1.0, -1.0])
            of_moving = of_lines(self.potential, warm, false[None], moved[None])
            found.append({name: own[name] + of_moving[name] for name in self.couplings})
        return {name: jnp.stack([one[name] for one in found]) for name in self.couplings}

    def is_least(self, T: Scalar) -> bool:
        """Whether a search finds no smaller action than following has."""
        followed, searched = self.at(T), self.beginning(T, None)
        if searched.status != Status.SUCCESS:
            return True
        errors = followed.certificate.action_error + searched.certificate.action_error
        same = _SAME_ACTION + min(_OF_ERRORS * float(errors), _MOST_OF_ERRORS)
        return bool(followed.action < searched.action * (1 + same))


class Samples(NamedTuple):
    """S₃/T and ρ_V at the temperatures that matter, and their slopes in the couplings."""

    window: Window
    exponents: Float[Array, " nodes"]
    """S₃/T at `sample_temperatures` between `window.low` and `window.high`."""
    energies: Float[Array, " nodes"] | None
    """ρ_V between `window.end` and `window.high`, if it is known."""
    of_exponents: dict[str, Float[Array, " nodes"]]
    """∂/∂θ by coupling; zero at a temperature without a bounce, which does not count."""
    of_energies: dict[str, Float[Array, " nodes"]]
    exponent_error: float
    """Largest relative error of S₃/T among them, by the certificates of the bounces."""


def sampled(
    potential: Any,
    temperature: str,
    couplings: dict[str, Scalar],
    phases: Phases,
    settings: Settings,
    weighed: bool,
) -> Samples:
    """S₃/T of a potential where it matters: bounces solved at once, each from the nearest.

    Args:
        potential: V(φ, θ).
        temperature: name of the parameter that is the temperature.
        couplings: the others.
        phases: its vacua, metastable somewhere.
        settings: of `find_transition`.
        weighed: whether ρ_V is part of H.
    """
    bounces = _Bounces(potential, temperature, couplings, phases, {})
    low, high = phases.metastable_range()
    return _sampled(bounces, settings, (jnp.asarray(low), jnp.asarray(high)), weighed)


def _sampled(
    bounces: _Bounces, settings: Settings, ends: tuple[Scalar, Scalar], weighed: bool
) -> Samples:
    settings = jax.tree.map(jnp.asarray, settings)
    v_w, I_p, prefactor = map(jnp.asarray, (settings.v_w, settings.I_p, settings.prefactor))
    g_star = settings.g_star
    fixed = (bounces.couplings, v_w, as_degrees(g_star), prefactor)
    energy = bounces.vacuum_energy()

    with at_once():
        weight = energy if weighed else None
        window = find_window(lambda T, _: bounces.at(T).action / T, weight, fixed, ends, I_p)
    window = Window(*map(jnp.asarray, window))
    temperatures = sample_temperatures(window.low, window.high)
    # from temperature to temperature the bounce may have stayed what it no longer is, the least
    if bounces.followed and not all(bounces.is_least(T) for T in temperatures[:: NODES // 2 - 1]):
        return _sampled(bounces._replace(solved={}, followed=False), settings, ends, weighed)
    solved = [bounces.at(T) for T in temperatures]
    values = jnp.stack([bounce.action for bounce in solved]) / temperatures
    # of ρ_V, further down
    of_vacuum, energies = sample_temperatures(window.end, window.high), None
    if energy is not None:
        with at_once():
            energies = [energy(T, None) for T in np.asarray(of_vacuum)]
        energies = jnp.stack([jnp.asarray(e) for e in energies])
    by_action = [
        action_slopes(bounces.potential, bounces.parameters(T), bounce)
        for T, bounce in zip(temperatures, solved, strict=True)
    ]
    by_energy = {}
    if energy is not None:
        by_energy = bounces.energy_slopes(np.asarray(of_vacuum))
    known, by_value = jnp.isfinite(values), {}
    for name in bounces.couplings:
        slopes = jnp.stack([slope[name] for slope in by_action]) / temperatures
        by_value[name] = jnp.where(known, slopes, 0.0)
    # relative to the kinetic action, of which S is two thirds in three dimensions
    errors = [1.5 * float(bounce.certificate.action_error) for bounce in solved]
    worst = max((e for e in errors if np.isfinite(e)), default=np.nan)
    return Samples(window, values, energies, by_value, dict(by_energy), worst)


def _solve(
    bounces: _Bounces, settings: Settings, ends: tuple[Scalar, Scalar], weighed: bool
) -> tuple[Transition, dict[str, Array]]:
    """Bounces at once, and one program of what does not depend on the potential."""
    settings = jax.tree.map(jnp.asarray, settings)
    window, values, energies, by_value, by_energy, _ = _sampled(bounces, settings, ends, weighed)
    found, of_values, of_energies, of_settings = _story(values, energies, window, settings, weighed)
    of_couplings = {}
    for name in bounces.couplings:
        of_couplings[name] = of_values @ by_value[name]
        if energies is not None:
            of_couplings[name] += of_energies @ by_energy[name]
    return found, _elasticities(of_couplings, of_settings, bounces.couplings, settings)


@partial(jax.jit, static_argnames="weighed")
def _story(
    values: Array,
    energies: Array | None,
    window: Window,
    settings: Settings,
    weighed: bool,
) -> tuple[Transition, Array, Array | None, Settings]:
    """The transition, and the slopes of the logarithms of `OUTPUTS` in what enters it."""

    def logarithms(
        values: Array, energies: Array | None, settings: Settings
    ) -> tuple[Array, Transition]:
        numbers = map(jnp.asarray, (settings.v_w, settings.I_p, settings.prefactor))
        v_w, I_p, prefactor = numbers
        plasma = Plasma(v_w, I_p, as_degrees(settings.g_star), prefactor)
        found = transition_of_samples(values, energies, window, plasma, weighed)
        return jnp.log(jnp.stack([getattr(found, name) for name in OUTPUTS])), found

    by = jax.jacrev(logarithms, argnums=(0, 1, 2), has_aux=True)
    slopes, found = by(values, energies, settings)
    return found, *slopes


def _strength(bounces: _Bounces, transition: Transition) -> float:
    """α_θ at T_p; vacua are extrema, so that their moving does not count."""
    T = transition.T_p
    false, true = map(jnp.asarray, bounces.vacua(T))

    def difference(T: Scalar) -> Scalar:
        theta = bounces.parameters(T)
        return bounces.potential(false, theta) - bounces.potential(true, theta)

    energy, slope = jax.value_and_grad(difference)(T)
    return float((energy - T / 4 * slope) / transition.history.background.radiation_at(T))


def _look(bounces: _Bounces, thermal: ThermalPotential, T: np.ndarray) -> tuple[np.ndarray, ...]:
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

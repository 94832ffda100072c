"""A transition solved from its potential: vacua followed, elasticities, why there is none."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core import progress
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
from jaxbounce.transition.budget import has_plasma
from jaxbounce.transition.reasons import no_transition, no_vacua
from jaxbounce.transition.settled import LteAt
from jaxbounce.transition.settled_once import (
    OUTPUTS as OF_WALL,
    Follows,
    PhasesAt,
    settle,
    settle_at,
)
from jaxbounce.transition.story import (
    HAVE_NUMBERS,
    Plasma,
    Transition,
    sample_temperatures,
    transition_of_samples,
)
from jaxbounce.transition.temperatures import find_transition
from jaxbounce.transition.vacua import Phases, follow_vacua, vacuum_energy
from jaxbounce.transition.wall_speed import WallSpeed
from jaxbounce.transition.window import NODES, Exponent, Window, find_window

OUTPUTS = ("T_n", "T_p", "beta_over_H")
"""What has elasticities, by its name in `Transition`; where a wall settles `OF_WALL` too."""

SLOWEST = 0.1
"""v_w for which the window of temperatures is to do where v_w is computed from the rate: its ends
are where ln I is −60 and 4, and I ∝ v_w³."""

_SAME_ACTION = 1e-8  # relative

_OF_ERRORS = 3.0  # beside it, of the error estimates: the potential may have a kink on the way

_MOST_OF_ERRORS = 1e-6

_STEPS = 65  # in which the true vacuum is followed to T = 0

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
    wall_at: LteAt | None = None
    """The temperature where v_w is that of local thermal equilibrium there, and no setting."""

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
    """∂ln output/∂ln θ in the order of `outputs`, by coupling and by `transition.` setting."""
    alpha_theta: float
    """[ΔV − (T/4) dΔV/dT]/ρ_r at T_p, ΔV = V(false) − V(true) there: a quarter of the trace
    anomaly's change, Δe − 3Δp, over the energy of the radiation."""
    wall: WallSpeed | None = None
    """The wall in local thermal equilibrium, where v_w is to be its own."""
    wall_status: Status = Status.SUCCESS
    """Of that: with RUNAWAY_WALL none settles, and v_w = 1 is its limit."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """What has elasticities."""
        settled = self.wall is not None and self.wall_status == Status.SUCCESS
        return OUTPUTS + OF_WALL if settled else OUTPUTS

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
        raise ComputationError(no_vacua(phases))
    bounces = _Bounces(potential, thermal.temperature, thermal.couplings, phases, {})
    low, high = phases.metastable_range()
    ends = (jnp.asarray(low), jnp.asarray(high))
    weighed = weighs(thermal.expansion, known=True)
    if weighed and bounces.vacuum_energy() is None:
        raise ComputationError(_NO_VACUUM_ENERGY)
    if thermal.wall_at is None:
        transition, slopes = _solve(bounces, thermal.settings, ends, weighed)
        wall, wall_status = None, Status.SUCCESS
    else:
        transition, slopes, wall, wall_status = _solve_with_wall(bounces, thermal, ends, weighed)
    if int(transition.status) not in HAVE_NUMBERS:
        raise ComputationError(no_transition(thermal, bounces, transition))
    progress.at("strength and wall")
    alpha_theta = _strength(bounces, transition)
    return Solved(thermal, phases, transition, slopes, alpha_theta, wall, wall_status)


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
            progress.at(f"bounce {len(self.solved) + 1}, T = {float(T):.6g}")
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
    progress.at("slopes of the actions in the couplings")
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
    progress.at("T_n, T_p and beta/H")
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


def _solve_with_wall(
    bounces: _Bounces, thermal: ThermalPotential, ends: tuple[Scalar, Scalar], weighed: bool
) -> tuple[Transition, dict[str, Array], WallSpeed, Status]:
    """The same with v_w of the wall in local thermal equilibrium, at T_p the one that leads there.

    Raises:
        ComputationError: if that wall stands still, or the phases there are no plasma.
    """
    at = thermal.wall_at
    assert at is not None
    settings = jax.tree.map(jnp.asarray, thermal.settings)
    phases = PhasesAt(
        bounces.potential,
        bounces.temperature,
        bounces.couplings,
        bounces.phases.guesses(),
        settings.g_star,
        has_plasma(bounces.potential),
    )

    def settled(slowest: Scalar) -> tuple[Samples, Any, tuple[Scalar, WallSpeed, Status]]:
        slow = settings._replace(v_w=slowest)
        samples = _sampled(bounces, slow, ends, weighed)
        given = samples.exponents, samples.energies, samples.window

        def told(v_w: Scalar) -> Any:
            return _story(*given, settings._replace(v_w=v_w), weighed)

        if at == "T_n":
            return samples, told, settle_at(told(slowest)[0].T_n, phases)
        return samples, told, settle(lambda v_w: told(v_w)[0].T_p, phases)

    samples, told, (v_w, wall, status) = settled(jnp.asarray(SLOWEST))
    # the temperatures that matter are those of a wall of about this speed
    if status == Status.SUCCESS and v_w < SLOWEST:
        samples, told, (v_w, wall, status) = settled(v_w)
    if status not in (Status.SUCCESS, Status.RUNAWAY_WALL):
        raise ComputationError(f"no transition: v_w = lte at {at}: {status.message}")
    found, of_values, of_energies, of_settings = told(v_w)
    rows = {name: of_values @ slope for name, slope in samples.of_exponents.items()}
    if samples.energies is not None:
        for name, slope in samples.of_energies.items():
            rows[name] += of_energies @ slope
    numbers = {k: v for k, v in of_settings._asdict().items() if k in settings.numbers}
    of_speed = numbers.pop("v_w")
    if status == Status.SUCCESS:
        T = getattr(found, at)
        slopes = phases.slopes(T)
        follows = Follows(slopes, T, of_speed, OUTPUTS.index(at))
        rows = {k: follows.total(row, slopes.of_couplings[k]) for k, row in rows.items()}
        of_bath = {} if slopes.of_bath is None else {"g_star": slopes.of_bath}
        numbers = {k: follows.total(row, of_bath.get(k, 0.0)) for k, row in numbers.items()}
    scaled = {name: bounces.couplings[name] * row for name, row in rows.items()}
    scaled |= {f"transition.{k}": settings.numbers[k] * row for k, row in numbers.items()}
    return found, scaled, wall, status


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

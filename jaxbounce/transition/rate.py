"""The stage of a potential: how often its bubbles nucleate, at any temperature that matters.

The couplings of the potential are parameters of this stage, `Tunnelling`, alone; what it supplies
carries them on to the others (`transition.stages`). For a single answer and its first derivatives
bounces are solved at once, S₃/T and ρ_V being given to first order around the couplings with the
slopes of the envelope theorem; inside `jit` and `vmap`, and for second derivatives, all of it is
traced.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer, eval_context
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Scalar
from jaxbounce._core.checks import suggestion
from jaxbounce._core.declare import are_inside, declarations, each_safe, spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import Code, RealLike, as_leaf, as_optional_leaf
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.bounce.solve import vacua_status
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.potential.thermal import Heated
from jaxbounce.potential.vacua import Potential, curvature, is_minimum, polish_vacuum
from jaxbounce.transition.background import Background, Contents, as_degrees
from jaxbounce.transition.solve import Samples, Settings, sampled
from jaxbounce.transition.story import (
    sample_temperatures,
)
from jaxbounce.transition.vacua import Phases, bounce_exponent, follow_vacua, vacuum_energy
from jaxbounce.transition.window import NODES, Window, chebyshev_series, find_window

_JUMP = 0.1  # of the distance of the vacua: a step beyond is not the same vacuum

_FOLLOWED = 65  # temperatures to each side of where the vacua are given, where all is traced

_COLD = 65  # from the coldest of them to T = 0

_KEPT = 8  # points whose bounces are kept: what is asked of one of them is asked several times

_TRACED_ERROR = 1e-7  # of S₃/T, what a certified bounce is good to where its own is not at hand

_LOOKS = 257  # temperatures among which Γ first exceeds H⁴


def _leaves(theta: Mapping[str, RealLike]) -> dict[str, Scalar]:
    return {name: as_leaf(value) for name, value in theta.items()}


def at_hand(tree: Any) -> Any:
    """The numbers of a tree, where there are any: inside `grad` and `jvp` those it is taken at.

    None inside `jit` and `vmap`, where they are not known, and where second derivatives are taken.
    """
    leaves = [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, Tracer)]
    if any(isinstance(getattr(leaf, "primal", leaf), Tracer) for leaf in leaves):
        return None
    return jax.lax.stop_gradient(tree)


class Rate(eqx.Module):
    """How often bubbles nucleate, and between which phases: what `Tunnelling` supplies.

    Attributes:
        window: temperatures that matter (GeV).
        exponents: S₃/T at `sample_temperatures` between `window.low` and `window.high`.
        energies: ρ_V (GeV⁴) between `window.end` and `window.high`.
        couplings: parameters of V but for the temperature.
        T: temperatures (GeV), rising.
        false_vacuum: guesses there, to be polished.
        true_vacuum: the same.
        degrees: g_*(T) of H.
        prefactor: A of Γ.
        exponent_error: relative error of S₃/T that comes of the bounces.
        potential: V(φ, θ).
        temperature: name of the parameter that is the temperature.
        weighed: whether ρ_V is part of H.
    """

    window: Window
    exponents: Float[Array, " nodes"]
    energies: Float[Array, " nodes"] | None
    couplings: dict[str, Scalar]
    T: Float[Array, " k"]
    false_vacuum: Float[Array, "k n"]
    true_vacuum: Float[Array, "k n"]
    degrees: DegreesOfFreedom
    prefactor: Scalar
    exponent_error: Scalar
    potential: Potential = eqx.field(static=True)
    temperature: str = eqx.field(static=True)
    weighed: bool = eqx.field(static=True)

    def parameters(self, T: Scalar) -> dict[str, Scalar]:
        """θ at T."""
        return {**self.couplings, self.temperature: T}

    def guesses(self, T: Scalar) -> tuple[Array, Array]:
        """The false and the true vacuum near T; constants."""
        T, grid = jax.lax.stop_gradient((T, (self.T, self.false_vacuum, self.true_vacuum)))
        first, second = (_at(T, grid[0], vacua) for vacua in grid[1:])
        return first, second

    def vacua(self, T: Scalar) -> tuple[Array, Array]:
        """Both at T."""
        first, second = (
            polish_vacuum(self.potential, self.parameters(T), guess) for guess in self.guesses(T)
        )
        return first, second


def _at(T: Scalar, grid: Array, vacua: Array) -> Array:
    return jnp.stack([jnp.interp(T, grid, field) for field in vacua.T])


class Tunnelling(Stage):
    """S₃/T of a potential where it matters, as "rate", and T_n, where Γ = H⁴.

    Attributes:
        potential: V(φ, θ) in GeV; hashable.
        theta: its parameters but for the temperature.
        false_vacuum: guess of the phase that decays, at T_vacua.
        true_vacuum: guess of the one into which it does.
        T_vacua: where these are known (GeV).
        T_low: lowest temperature considered (GeV).
        T_high: highest (GeV).
        prefactor: A of Γ = A T⁴ (S₃/2πT)^{3/2} e^{−S₃/T}.
        degrees: g_*(T) of H; None for the model's g_star.
        slowest: v_w for which the window of temperatures is to do; None for the model's.
        temperature: name of the parameter that is the temperature.
        expansion: what H consists of.
    """

    label: ClassVar[str] = "potential"
    part: ClassVar[Part] = Part.TRANSITION
    at_once: ClassVar[bool] = True
    differentiated_at_once: ClassVar[bool] = True

    potential: Potential = eqx.field(static=True)
    theta: dict[str, Scalar] = eqx.field(converter=_leaves)
    false_vacuum: Float[Array, " n"] = eqx.field(converter=as_leaf)
    true_vacuum: Float[Array, " n"] = eqx.field(converter=as_leaf)
    T_vacua: Scalar = eqx.field(converter=as_leaf)
    T_low: Scalar = eqx.field(converter=as_leaf)
    T_high: Scalar = eqx.field(converter=as_leaf)
    prefactor: Scalar = eqx.field(
        converter=as_leaf,
        default=1.0,
        metadata=spec("A of Γ = A T⁴ (S₃/(2πT))^{3/2} e^{−S₃/T}", low=0, typical=1.0),
    )
    degrees: DegreesOfFreedom | None = None
    slowest: Scalar | None = eqx.field(converter=as_optional_leaf, default=None)
    temperature: str = eqx.field(static=True, default="T")
    expansion: Contents = eqx.field(static=True, default="radiation+vacuum")

    def __check_init__(self) -> None:
        if self.degrees is not None and self.degrees.ranges():
            names = ", ".join(self.degrees.ranges())
            raise ConfigurationError(
                f"{names}: a transition takes g_*(T) without parameters of its own; give g_star as"
                " a number, a table or standard-model, without a hidden sector"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """What its window of temperatures depends on."""
        bath = ("g_star",) if self.degrees is None else ()
        return ("I_p", *bath, *(("v_w",) if self.slowest is None else ()))

    @property
    def supplies(self) -> tuple[str, ...]:
        """The rate, and the temperature of nucleation."""
        return ("rate", "T_n")

    @property
    def relative_cost(self) -> int:
        """A hundred bounces."""
        return 2**19

    def ranges(self) -> dict[str, Range]:
        """The parameters of the potential, and the prefactor."""
        own = {name: declared.range for name, declared in declarations(type(self)).items()}
        return {name: _coupling(name) for name in self.theta} | own

    def value(self, name: str) -> Scalar:
        """One of them."""
        return self.theta[name] if name in self.theta else getattr(self, name)

    def replace(self, **values: RealLike) -> Self:
        """The same potential with other parameters."""
        own = {name: values.pop(name) for name in list(values) if name in self.theta}
        for name in values:
            if name not in self.ranges():
                raise ConfigurationError(
                    f"{name}: no parameter of the potential{suggestion(name, self.ranges())}"
                )
        return dataclasses.replace(self, theta={**self.theta, **own}, **values)

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """The rate; the status says why there is none."""
        valid = are_inside(self)
        stage: Tunnelling = each_safe(self)
        degrees = as_degrees(known["g_star"]) if self.degrees is None else self.degrees
        v_w = known["v_w"] if self.slowest is None else self.slowest
        given = (stage, degrees, v_w, known["I_p"])
        fixed = at_hand(given)
        if fixed is None:
            rate, status = _traced_rate(*given)
        else:
            rate, status = _rate_at_once(stage, degrees, fixed)
        T_n, error, found = _nucleation_temperature(rate)
        status = jnp.where(status == Status.SUCCESS, found, status)
        status = jnp.where(valid, status, Status.INVALID_PARAMETER)
        return Supplied({"rate": rate, "T_n": T_n}, {"T_n": error}, status)

    def weighed(self) -> bool:
        """Whether ρ_V is part of H."""
        return self.expansion == "radiation+vacuum"


def _coupling(name: str) -> Range:
    return Range(-math.inf, math.inf, False, False, f"parameter {name} of the potential")


def _rate_at_once(stage: Tunnelling, degrees: DegreesOfFreedom, fixed: Any) -> tuple[Rate, Code]:
    """Bounces solved at numbers; to first order around them where the stage is differentiated."""
    here = fixed[0]
    # outside the transformation, where there is one: each of many small calls would be traced
    with eval_context():
        phases, found = _solved(_Given(fixed))
    nothing = jnp.full(NODES, jnp.nan)
    window = Window(here.T_low, here.T_low, here.T_high)
    exponents, energies, error = nothing, nothing, jnp.nan
    status = Status(int(phases.status[0]))
    if found is not None:
        window, status, error = found.window, Status.SUCCESS, found.exponent_error
        moved = {name: stage.theta[name] - here.theta[name] for name in here.theta}
        exponents = found.exponents + _change(found.of_exponents, moved)
        if found.energies is not None:
            energies = found.energies + _change(found.of_energies, moved)
        elif here.weighed():
            status = Status.POTENTIAL_NOT_FINITE
    vacua = tuple(map(jnp.asarray, (phases.T, phases.false_vacuum, phases.true_vacuum)))
    rate = _rate(stage, degrees, vacua, window, exponents, energies, jnp.asarray(error))
    return rate, jnp.asarray(status.value)


def _rate(
    stage: Tunnelling,
    degrees: DegreesOfFreedom,
    vacua: tuple[Array, ...],
    window: Window,
    exponents: Array,
    energies: Array | None,
    error: Scalar,
) -> Rate:
    """What was sampled, with what the stage is of."""
    return Rate(
        window,
        exponents,
        energies,
        stage.theta,
        *vacua,
        degrees=degrees,
        prefactor=stage.prefactor,
        exponent_error=error,
        potential=stage.potential,
        temperature=stage.temperature,
        weighed=stage.weighed(),
    )


class _Given:
    """Numbers in a tree, equal to others where all of them are."""

    def __init__(self, tree: Any) -> None:
        leaves, structure = jax.tree.flatten(tree)
        self.tree = tree
        self._key = structure, tuple(np.asarray(leaf).tobytes() for leaf in leaves)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and self._key == other._key


@functools.lru_cache(maxsize=_KEPT)
def _solved(given: _Given) -> tuple[Phases, Samples | None]:
    """Vacua over the temperature, and S₃/T where it matters if there is anything to tunnel."""
    here, bath, v_w, I_p = given.tree
    phases = follow_vacua(
        here.potential,
        Heated(here.temperature),
        here.theta,
        here.false_vacuum,
        here.true_vacuum,
        float(here.T_vacua),
        float(here.T_low),
        float(here.T_high),
    )
    if not (phases.status == Status.SUCCESS).any():
        return phases, None
    settings = Settings(v_w, I_p, bath, here.prefactor)
    arguments = (here.potential, here.temperature, here.theta, phases, settings)
    return phases, sampled(*arguments, here.weighed())


def _change(slopes: Mapping[str, Array], moved: Mapping[str, Scalar]) -> Array | float:
    return sum((slopes[name] * step for name, step in moved.items()), start=0.0)


def _traced_rate(
    stage: Tunnelling, degrees: DegreesOfFreedom, v_w: Scalar, I_p: Scalar
) -> tuple[Rate, Code]:
    """The same within a program."""
    potential, heated = stage.potential, Heated(stage.temperature)
    fixed = jax.lax.stop_gradient(stage)
    (T, false, true), status, ends = _followed(fixed)

    def guesses(vacua: Array) -> Any:
        return lambda t: _at(jax.lax.stop_gradient(t), T, vacua)

    exponent = bounce_exponent(potential, heated, guesses(false), guesses(true))
    ground = _ground(fixed, true[0])
    energy = vacuum_energy(potential, heated, guesses(false), ground, T_cold=0.0)
    still = jax.lax.stop_gradient((stage.theta, v_w, degrees, stage.prefactor))
    in_H = energy if stage.weighed() else None
    window = find_window(exponent, in_H, still, ends, jax.lax.stop_gradient(I_p))
    places = sample_temperatures(window.low, window.high)
    exponents = jax.lax.map(lambda t: exponent(t, stage.theta), places)
    places = sample_temperatures(window.end, window.high)
    energies = jax.lax.map(lambda t: energy(t, stage.theta), places)
    if stage.weighed():
        finite = jnp.isfinite(energies).all()
        told = jnp.where(finite, Status.SUCCESS.value, Status.POTENTIAL_NOT_FINITE.value)
        status = jnp.where(status == Status.SUCCESS, told, status)
    error = jnp.asarray(_TRACED_ERROR)
    return _rate(stage, degrees, (T, false, true), window, exponents, energies, error), status


def _followed(
    stage: Tunnelling,
) -> tuple[tuple[Array, Array, Array], Code, tuple[Scalar, Scalar]]:
    """Vacua over the temperature, why none is metastable, and between which the false one is."""
    potential = stage.potential

    def polished(old: Array, parameters: Any, most: Scalar) -> Array:
        new = polish_vacuum(potential, parameters, old)
        minimum = is_minimum(curvature(potential, parameters, new))
        return jnp.where(minimum & (jnp.abs(new - old).max() < most), new, old)

    def step(vacua: tuple[Array, Array], T: Scalar) -> tuple[tuple[Array, Array], Any]:
        parameters = {**stage.theta, stage.temperature: T}
        most = _JUMP * jnp.abs(vacua[0] - vacua[1]).max()
        false, true = (polished(old, parameters, most) for old in vacua)
        return (false, true), (false, true, vacua_status(potential, parameters, false, true))

    near = jnp.clip(stage.T_vacua, stage.T_low, stage.T_high)
    vacua = (stage.false_vacuum, stage.true_vacuum)
    vacua, _ = jax.lax.scan(step, vacua, jnp.linspace(stage.T_vacua, near, _FOLLOWED))
    up, down = (jnp.linspace(near, end, _FOLLOWED) for end in (stage.T_high, stage.T_low))
    _, of_up = jax.lax.scan(step, vacua, up)
    _, of_down = jax.lax.scan(step, vacua, down)
    T, false, true, status = (
        jnp.concatenate([d[::-1], u[1:]])
        for d, u in zip((down, *of_down), (up, *of_up), strict=True)
    )
    good = status == Status.SUCCESS
    last = good.size - 1
    first_good, last_good = jnp.argmax(good), last - jnp.argmax(good[::-1])
    found = good.any()
    # one outside: it is metastable from somewhere in between
    low = jnp.where(found, T[jnp.maximum(first_good - 1, 0)], stage.T_low)
    high = jnp.where(found, T[jnp.minimum(last_good + 1, last)], stage.T_high)
    return (T, false, true), jnp.where(found, Status.SUCCESS.value, status[0]), (low, high)


def _ground(stage: Tunnelling, true: Array) -> Array:
    """The true vacuum at T = 0, followed there from the coldest temperature."""

    def step(vacuum: Array, T: Scalar) -> tuple[Array, None]:
        return polish_vacuum(stage.potential, {**stage.theta, stage.temperature: T}, vacuum), None

    return jax.lax.scan(step, true, jnp.linspace(stage.T_low, 0.0, _COLD))[0]


def _background(rate: Rate) -> Background:
    series, _ = chebyshev_series(rate.exponents)
    vacuum = None if rate.energies is None else chebyshev_series(rate.energies)[0]
    return Background(rate.window, series, vacuum, rate.degrees, rate.prefactor, rate.weighed)


@jax.jit
def _nucleation_temperature(rate: Rate) -> tuple[Scalar, Scalar, Code]:
    """Where Γ first exceeds H⁴ on cooling, with its absolute error, that of S₃/T over a slope."""
    rate, token = shielded(rate)
    background = _background(rate)
    looked = background.efolds(jnp.linspace(rate.window.high, rate.window.low, _LOOKS))
    looked = jax.lax.stop_gradient(looked)
    above = jax.lax.stop_gradient(background.at(looked).log_rate) > 0
    last = jnp.maximum(jnp.where(above.any(), jnp.argmax(above), _LOOKS - 1), 1)
    root = bracketed_root(lambda x: background.at(x).log_rate, looked[last - 1], looked[last])
    good = above.any() & ~above[0]
    status = jnp.where(good, Status.SUCCESS.value, Status.NO_TRANSITION.value)
    status = jnp.where(above[0], Status.TRANSITION_BEGINS_ABOVE.value, status)
    T = background.temperature(root)
    _, slope = jax.jvp(lambda x: background.at(x).log_rate, (root,), (jnp.ones_like(root),))
    _, missed = chebyshev_series(rate.exponents)
    error = T * (missed + rate.exponent_error) * background.exponent_at(T) / jnp.abs(slope)
    return withheld(T, good, token), jax.lax.stop_gradient(error), status

"""Stages of a thermal transition after its rate: wall speed, T_p and β/H, wall area."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._core.arrays import Scalar
from jaxbounce._core.checks import one_of
from jaxbounce._core.declare import declarations, spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied, WithoutParameters
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import Code, RealLike, as_optional_leaf
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.percolation.area_history import area_history
from jaxbounce.potential.thermal import Heated
from jaxbounce.transition.budget import has_plasma
from jaxbounce.transition.rate import Rate
from jaxbounce.transition.settled import LteAt, settled_speed
from jaxbounce.transition.story import (
    HAVE_NUMBERS,
    Plasma,
    Transition,
    transition_of_samples,
)
from jaxbounce.transition.strength import fluid, strength
from jaxbounce.transition.wall_speed import WallSpeed, front_of, wall_speed
from jaxbounce.transition.window import NODES


class LteWallSpeed(Stage):
    """v_w in local thermal equilibrium: of the phases at T_n or T_p, or of numbers given.

    It is an upper bound, and no prediction where friction out of equilibrium counts. T_n does not
    depend on it; T_p does, and the two are those that belong together (`settled_speed`).

    Attributes:
        alpha_thetabar, Psi, c_s, c_b: of the plasma; all, or none.
        at: the temperature of the phases, where there are no numbers.
    """

    label: ClassVar[str] = "wall_speed"
    part: ClassVar[Part] = Part.WALL_SPEED
    at_once: ClassVar[bool] = True
    differentiated_at_once: ClassVar[bool] = True

    alpha_thetabar: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec("(Δe − Δp/c_b²)/(3w_s)", low=0, typical=0.05),
    )
    Psi: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec("w_b/w_s", low=0, typical=0.9),
    )
    c_s: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec("speed of sound in front of the wall", low=0, high=1, typical=0.57),
    )
    c_b: Scalar | None = eqx.field(
        converter=as_optional_leaf,
        default=None,
        metadata=spec("speed of sound behind the wall", low=0, high=1, typical=0.57),
    )
    at: LteAt = eqx.field(static=True, default="T_n")

    def __check_init__(self) -> None:
        one_of("at", self.at, get_args(LteAt))
        missing = [name for name in declarations(type(self)) if getattr(self, name) is None]
        if missing and len(missing) < len(declarations(type(self))):
            raise ConfigurationError(
                f"{', '.join(missing)}: missing; give all four numbers of the plasma, or none"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """The phases, if no numbers are given, and what settles their temperature."""
        if self.Psi is not None:
            return ()
        return ("rate", "T_n") if self.at == "T_n" else ("rate", "I_p")

    @property
    def supplies(self) -> tuple[str, ...]:
        """The wall speed; v_+, T_+/T and v_J beside it."""
        return ("v_w", "v_plus", "T_plus_over_T", "v_J")

    @property
    def relative_cost(self) -> int:
        """An integral within two roots; at T_p a moment chain for every step of another one."""
        return 64 if self.Psi is not None or self.at == "T_n" else 2048

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """v_w, with the status of the wall: static, runaway, or of phases that are no plasma."""
        if self.Psi is not None:
            values, errors, status = _speed(*(self.value(name) for name in self.ranges()))
        elif self.at == "T_n":
            values, errors, status = _speed_of(known["rate"], known["T_n"])
        else:
            values, errors, status = _settled_speed_of(known["rate"], known["I_p"])
        own = dict(zip(self.supplies, errors, strict=False))
        return Supplied(dict(zip(self.supplies, values, strict=True)), own, status)

    def ranges(self) -> dict[str, Range]:
        """The numbers given."""
        found = {name: declared.range for name, declared in declarations(type(self)).items()}
        return found if self.Psi is not None else {}

    def value(self, name: str) -> Scalar:
        """One of them."""
        if name not in self.ranges():
            raise ConfigurationError(f"{name}: this wall speed has no such parameter")
        return getattr(self, name)

    def replace(self, **values: RealLike) -> Self:
        """The same with other numbers."""
        for name in values:
            self.value(name)
        return dataclasses.replace(self, **values)


@jax.jit
def _speed(alpha: Scalar, Psi: Scalar, c_s: Scalar, c_b: Scalar) -> tuple[Any, Any, Code]:
    found = wall_speed(alpha, Psi, c_s, c_b)
    return _numbers(found), _own_errors(found), found.status


@jax.jit
def _speed_of(rate: Rate, T: Scalar) -> tuple[Any, Any, Code]:
    found = _wall(rate, T)
    return _numbers(found), _own_errors(found), found.status


@jax.jit
def _settled_speed_of(rate: Rate, I_p: Scalar) -> tuple[Any, Any, Code]:
    """Of the wall at the T_p that its own speed leads to."""
    (rate, I_p), token = shielded((rate, I_p))

    def at(v_w: Scalar) -> Transition:
        plasma = Plasma(v_w, I_p, rate.degrees, rate.prefactor)
        given = (rate.exponents, rate.energies, rate.window)
        return transition_of_samples(*given, plasma, rate.weighed)

    v_w, status = settled_speed(lambda v_w: at(v_w).T_p, lambda T: _wall(rate, T))
    transition = at(v_w)
    found = _wall(rate, transition.T_p)
    *speeds, v_J = _numbers(found)
    speeds = withheld(tuple(speeds), status == Status.SUCCESS.value, token)
    # beside its own errors what that of T_p makes of it
    T_p, error = jax.lax.stop_gradient((transition.T_p, _errors(rate, transition)["T_p"]))
    fixed = jax.lax.stop_gradient(rate)
    slopes = jax.jvp(lambda T: _numbers(_wall(fixed, T))[:3], (T_p,), (jnp.ones_like(T_p),))[1]
    both = zip(_own_errors(found), slopes, strict=True)
    errors = tuple(own + jnp.abs(slope) * error for own, slope in both)
    return (*speeds, v_J), errors, status


def _wall(rate: Rate, T: Scalar) -> WallSpeed:
    """In local thermal equilibrium at T; of phases that are no plasma with their status."""
    of = _strength(rate, T)
    found = wall_speed(of.alpha_thetabar, of.Psi, of.c_s, of.c_b)
    return found._replace(status=jnp.where(of.status == Status.SUCCESS, found.status, of.status))


def _numbers(found: WallSpeed) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    return found.v_w, found.v_plus, found.T_plus, found.v_J


def _own_errors(found: WallSpeed) -> tuple[Scalar, Scalar, Scalar]:
    """Of v_w, v_+ and T_+/T."""
    return (found.error, *found.error_plus)


class PlasmaInFront(WithoutParameters):
    """v_+, T_+/T and v_J at T_p of a wall whose speed is given, by energy and momentum."""

    label: ClassVar[str] = "front"
    part: ClassVar[Part] = Part.WALL_SPEED
    at_once: ClassVar[bool] = True
    differentiated_at_once: ClassVar[bool] = True

    @property
    def needs(self) -> tuple[str, ...]:
        """The phases at T_p, and the wall speed."""
        return ("rate", "T_p", "v_w")

    @property
    def supplies(self) -> tuple[str, ...]:
        """What the wall meets."""
        return ("v_plus", "T_plus_over_T", "v_J")

    @property
    def relative_cost(self) -> int:
        """An integral within a root."""
        return 64

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """All of it, with the status of the phases or of the front."""
        values, status = _front(known["rate"], known["T_p"], known["v_w"])
        return Supplied(dict(zip(self.supplies, values, strict=True)), {}, status)


@jax.jit
def _front(rate: Rate, T: Scalar, v_w: Scalar) -> tuple[Any, Code]:
    of = _strength(rate, T)
    found = front_of(v_w, of.alpha_thetabar, of.c_s, of.c_b)
    status = jnp.where(of.status == Status.SUCCESS, found.status, of.status)
    return (found.v_plus, found.T_plus, found.v_J), status


def _strength(rate: Rate, T: Scalar) -> Any:
    """Of the phases at T, as `jaxbounce transition` has it."""
    g_rest = 0.0 if has_plasma(rate.potential) else rate.degrees.energy(T)
    high, low = (
        fluid(
            rate.potential,
            rate.parameters(T),
            T,
            guess,
            parameters_at=Heated(rate.temperature),
            g_rest=g_rest,
        )
        for guess in rate.guesses(T)
    )
    return strength(high, low)


class ThermalTransition(WithoutParameters):
    """T_p and β/H of a rate and a wall speed; its history as "transition", what it releases.

    Attributes:
        released: which of "alpha_V", ρ_V/ρ_r in H, and "alpha_eff", Δθ/ρ_r, it supplies too.
    """

    label: ClassVar[str] = "transition"
    part: ClassVar[Part] = Part.TRANSITION
    at_once: ClassVar[bool] = True
    differentiated_at_once: ClassVar[bool] = True

    released: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def needs(self) -> tuple[str, ...]:
        """The rate, and what bubbles do."""
        return ("rate", "v_w", "I_p")

    @property
    def supplies(self) -> tuple[str, ...]:
        """T_p, β/H, the transition itself, Δθ and α_θ."""
        names = ("T_p", "beta_over_H", "transition", "Delta_theta", "alpha_theta")
        return (*names, *self.released)

    @property
    def relative_cost(self) -> int:
        """A moment chain and its roots."""
        return 64

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """All of it; NEVER_COMPLETES is a failure here, as nothing is swept."""
        found, released, alpha = _transition(known["rate"], known["v_w"], known["I_p"])
        # without ρ_V in H nothing asks for it, and it may not be known
        vacuum = found.vacuum_over_radiation
        shares = {"alpha_V": vacuum if known["rate"].weighed else 0 * alpha, "alpha_eff": alpha}
        values = (found.T_p, found.beta_over_H, found, released, alpha)
        values = (*values, *(shares[name] for name in self.released))
        named = dict(zip(self.supplies, values, strict=True))
        return Supplied(named, _errors(known["rate"], found), found.status)


@jax.jit
def _transition(rate: Rate, v_w: Scalar, I_p: Scalar) -> tuple[Transition, Scalar, Scalar]:
    """The transition, Δθ and α_θ at T_p."""
    (rate, v_w, I_p), token = shielded((rate, v_w, I_p))
    plasma = Plasma(v_w, I_p, rate.degrees, rate.prefactor)
    found = transition_of_samples(rate.exponents, rate.energies, rate.window, plasma, rate.weighed)
    released = _released(rate, found.T_p)
    alpha = released / found.history.background.radiation_at(found.T_p)
    status = jnp.where((v_w > 0) & (I_p > 0), found.status, Status.INVALID_PARAMETER.value)
    good = jnp.isin(status, jnp.asarray(HAVE_NUMBERS))
    kept = ("error", "status", "history")
    numbers = {k: v for k, v in found._asdict().items() if k not in kept}
    numbers, released, alpha = withheld((numbers, released, alpha), good, token)
    return found._replace(**numbers, status=status), released, alpha


def _released(rate: Rate, T: Scalar) -> Scalar:
    """Δθ; vacua are extrema, so that their moving does not count."""
    false, true = rate.vacua(T)

    def difference(T: Scalar) -> Scalar:
        theta = rate.parameters(T)
        return rate.potential(false, theta) - rate.potential(true, theta)

    energy, slope = jax.value_and_grad(difference)(T)
    return energy - T / 4 * slope


def _errors(rate: Rate, found: Transition) -> dict[str, Scalar]:
    """Absolute errors of T_p and β/H from that of S₃/T.

    S₃/T is off by what its interpolation is, and by what the bounces are. Of the first, seen in the
    last Chebyshev coefficients, all coefficients may be as large, as those of noise are: the slope
    of such a series is off by up to NODES^{3/2}/√(1 − x²) times that over half the window, at x
    within. Bounces err alike where they are alike, by a polynomial of low degree: what changes
    faster is seen in the last coefficients as well.
    """
    low, high = rate.window.low, rate.window.high
    T, half, S = found.T_p, (high - low) / 2, found.exponent_p
    x = jnp.clip((2 * T - low - high) / (high - low), -1.0, 1.0)
    # Bernstein's inequality within, Markov's at the ends
    steep = 1 / jnp.sqrt(jnp.maximum(1 - x**2, 1 / NODES**2))
    off = found.error * NODES**1.5 + rate.exponent_error * _DEGREE
    return jax.lax.stop_gradient(
        {
            "T_p": T * (found.error + rate.exponent_error) * S / jnp.abs(found.beta_over_H),
            "beta_over_H": off * steep * S * T / half,
        }
    )


_DEGREE = 4  # of how the errors of bounces change over the window


class TransitionArea(WithoutParameters):
    """A/V(t) of the model's transition, as "area": for area_kernel "history"."""

    label: ClassVar[str] = "area"
    part: ClassVar[Part] = Part.TRANSITION

    @property
    def needs(self) -> tuple[str, ...]:
        """The transition, and whether it is wanted."""
        return ("transition", "v_w", "area_kernel")

    @property
    def supplies(self) -> tuple[str, ...]:
        """The wall area."""
        return ("area",)

    @property
    def relative_cost(self) -> int:
        """The moment chain once more, in time."""
        return 8

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """The area, with the status of its history; None where area_kernel is another."""
        if known["area_kernel"] != "history":
            return Supplied({"area": None}, {}, jnp.asarray(Status.SUCCESS))
        in_time = known["transition"].history.in_time()
        area = area_history(in_time, 0.0, 1.0, known["v_w"])
        return Supplied({"area": area}, {}, area.status)

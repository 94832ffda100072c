"""Thermodynamics of two phases, and how strong the transition between them is.

    p = −V, s = −∂_T V, w = Ts, e = w − p, c² = s/(T ds/dT)

of a phase at its vacuum φ(T): there ∂V/∂φ = 0, so that s needs no dφ/dT; ds/dT does. Four numbers
go by the name of α, a factor 14 apart in a usual transition: each has its own here.
Sources: F. Giese, T. Konstandin and J. van de Vis, JCAP 07 (2020) 057, arXiv:2004.06995; W.-Y. Ai,
B. Laurent and J. van de Vis, JCAP 07 (2023) 002, arXiv:2303.10171.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.numerics import bracketed_root, eliminate
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import Code, Flag, RealLike, Scalar, as_leaf, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.potential.thermal import at_temperature
from jaxbounce.potential.vacua import FieldLike, Potential, is_minimum, polish_vacuum

_FLAT = 1e-14  # of the largest curvature: a direction along which the phase does not move

AtTemperature = Callable[[Any, Scalar], Any]
"""Of θ and T: the parameters of V at T."""


class Fluid(NamedTuple):
    """A phase at a temperature. NaN where `status` is not SUCCESS."""

    T: Scalar
    phi: Float[Array, " n"]
    """The vacuum."""
    p: Scalar
    """Pressure."""
    e: Scalar
    """Energy density."""
    w: Scalar
    """Enthalpy density."""
    s: Scalar
    """Entropy density."""
    c_squared: Scalar
    """Speed of sound, squared: dp/de along the phase."""
    status: Code


class Strength(NamedTuple):
    """A transition between two phases at one temperature. NaN where `status` is not SUCCESS."""

    alpha_thetabar: Scalar
    """(Δe − Δp/c_b²)/(3w_s), with Δ of the high- less the low-temperature phase: what efficiency
    and wall speed depend on."""
    alpha_theta: Scalar
    """(Δe − 3Δp)/(3w_s), the trace anomaly over the energy of radiation, ¾w_s."""
    alpha_e: Scalar
    """Δe/(¾w_s), the latent heat."""
    alpha_V: Scalar
    """−Δp/(¾w_s), the difference of free energies."""
    Psi: Scalar
    """w_b/w_s."""
    c_s: Scalar
    """Speed of sound of the high-temperature phase."""
    c_b: Scalar
    """Speed of sound of the low-temperature phase."""
    g_star: Scalar
    """Degrees of freedom in w_s = (2π²/45) g T⁴: shows what was counted, and what twice."""
    status: Code

    def __str__(self) -> str:
        return summary(
            "strength of a transition",
            self.status,
            {
                "alpha_thetabar": (self.alpha_thetabar, ""),
                "alpha_theta": (self.alpha_theta, ""),
                "alpha_e": (self.alpha_e, ""),
                "alpha_V": (self.alpha_V, ""),
                "Psi": (self.Psi, ""),
                "c_s": (self.c_s, ""),
                "c_b": (self.c_b, ""),
                "g_* in w_s": (self.g_star, ""),
            },
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))


def fluid(
    potential: Potential,
    theta: Any,
    T: RealLike,
    vacuum: FieldLike,
    *,
    parameters_at: AtTemperature = at_temperature,
    g_rest: RealLike = 0.0,
) -> Fluid:
    """Pressure, energy, entropy and speed of sound of a phase.

    Differentiable (forward, reverse) in θ, T and g_rest.

    Args:
        potential: V(φ, θ), with all of the plasma whose pressure depends on T.
        theta: its parameters.
        T: temperature.
        vacuum: guess of the phase's vacuum at T; polished.
        parameters_at: the parameters at a temperature; by default θ with "T" replaced.
        g_rest: degrees of freedom of the plasma that V has not: −π² g_rest T⁴/90 more.

    Returns:
        A `Fluid`; FALSE_VACUUM_NOT_MINIMUM if the guess leads to no minimum.
    """
    guess = jax.lax.stop_gradient(as_leaf(jnp.asarray(vacuum)))
    theta, T, g_rest = jax.tree.map(as_leaf, theta), as_leaf(as_real(T)), as_leaf(as_real(g_rest))
    return _fluid(potential, parameters_at, theta, T, guess, g_rest)


@partial(jax.jit, static_argnums=(0, 1))
def _fluid(
    potential: Potential, parameters_at: AtTemperature, theta: Any, T: Any, guess: Any, g_rest: Any
) -> Fluid:
    (theta, T, g_rest), token = shielded((theta, T, g_rest))
    phi = polish_vacuum(potential, parameters_at(theta, T), guess)

    def free_energy(phi: Float[Array, " n"], T: Scalar) -> Scalar:
        return potential(phi, parameters_at(theta, T)) - g_rest * (np.pi * T**2) ** 2 / 90

    def entropy(phi: Float[Array, " n"], T: Scalar) -> Scalar:
        return -jax.grad(free_energy, 1)(phi, T)

    s, of_T = jax.value_and_grad(entropy, 1)(phi, T)
    along = jax.grad(entropy)(phi, T)
    bend = jax.hessian(free_energy)(phi, T)
    # the vacuum moves by dφ/dT = V''⁻¹ ∂s/∂φ; by the inverse, for reverse mode
    inverse, _ = eliminate(bend, jnp.eye(phi.size, dtype=phi.dtype), _FLAT)
    slope = of_T + along @ inverse @ along
    p, w = -free_energy(phi, T), T * s
    minimum = is_minimum(jax.lax.stop_gradient(bend))
    good = minimum & jnp.isfinite(p) & (T > 0)
    status = jnp.where(good, Status.SUCCESS.value, Status.FALSE_VACUUM_NOT_MINIMUM.value)
    given = (theta, T, g_rest)
    found = withheld((phi, p, w - p, w, s, s / (T * slope)), good, token, others=given)
    return Fluid(T, *found, status=status)


def strength(high: Fluid, low: Fluid) -> Strength:
    """How strong the transition from one phase into another is, both at one temperature.

    Args:
        high: the phase of high temperature, in front of the wall.
        low: the one of low temperature, behind it.

    Returns:
        A `Strength`; NO_EQUATION_OF_STATE if w or c² of a phase is not that of a plasma, as of a
        high-temperature expansion far below its range.
    """
    status = jnp.where(high.status == Status.SUCCESS.value, low.status, high.status)
    is_plasma = _is_plasma(high) & _is_plasma(low)
    known = status == Status.SUCCESS.value
    status = jnp.where(known & ~is_plasma, Status.NO_EQUATION_OF_STATE.value, status)
    given = [(phase.p, phase.e, phase.w, phase.c_squared) for phase in (high, low)]
    (in_front, behind), token = shielded(given)
    p_s, e_s, w_s, c_s_squared = in_front
    p_b, e_b, w_b, c_b_squared = behind
    energy, pressure, radiation = e_s - e_b, p_s - p_b, 0.75 * w_s
    numbers = (
        (energy - pressure / c_b_squared) / (3 * w_s),
        (energy - 3 * pressure) / (3 * w_s),
        energy / radiation,
        -pressure / radiation,
        w_b / w_s,
        jnp.sqrt(c_s_squared),
        jnp.sqrt(c_b_squared),
        w_s * 45 / (2 * np.pi**2 * high.T**4),
    )
    good = status == Status.SUCCESS.value
    return Strength(*withheld(numbers, good, token, others=given), status=status)


def _is_plasma(phase: Fluid) -> Flag:
    """Whether a phase is one that can be in thermal equilibrium, as far as w and c tell."""
    w, square = jax.lax.stop_gradient((phase.w, phase.c_squared))
    return (w > 0) & (square > 0) & (square < 1)


def critical_temperature(
    potential: Potential,
    theta: Any,
    vacua: tuple[FieldLike, FieldLike],
    T_low: RealLike,
    T_high: RealLike,
    *,
    parameters_at: AtTemperature = at_temperature,
) -> Scalar:
    """T_c between two temperatures, where the pressures of two phases are the same.

    Differentiable in θ by the implicit-function theorem. NaN if neither phase takes over from the
    other in between.

    Args:
        potential: V(φ, θ).
        theta: its parameters.
        vacua: guesses that hold for both phases between the temperatures.
        T_low: where the one phase is deeper.
        T_high: where the other is.
        parameters_at: as of `fluid`.
    """
    first, second = (as_leaf(jnp.asarray(vacuum)) for vacuum in vacua)
    ends = (as_leaf(as_real(T_low)), as_leaf(as_real(T_high)))
    theta = jax.tree.map(as_leaf, theta)
    return _critical_temperature(potential, parameters_at, theta, (first, second), ends)


@partial(jax.jit, static_argnums=(0, 1))
def _critical_temperature(
    potential: Potential, parameters_at: AtTemperature, theta: Any, vacua: Any, ends: Any
) -> Scalar:
    (theta,), token = shielded((theta,))
    ends = jax.lax.stop_gradient(ends)

    def difference(T: Scalar) -> Scalar:
        parameters = parameters_at(theta, T)
        first, second = (polish_vacuum(potential, parameters, vacuum) for vacuum in vacua)
        return potential(first, parameters) - potential(second, parameters)

    good = difference(ends[0]) * difference(ends[1]) <= 0
    T_c = bracketed_root(difference, *ends)
    return withheld((T_c,), jax.lax.stop_gradient(good), token, others=(theta,))[0]

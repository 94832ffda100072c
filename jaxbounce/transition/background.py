"""The plasma in front of the walls as it cools: how it expands, and how bubbles nucleate in it.

    H² = (8π/3M_Pl²)(ρ_r + ρ_V),   ρ_r = (π²/30) g_ρ T⁴,

with the rounded prefactor of `hubble_rate`, and the energy of the false vacuum over the true one,
ρ_V = V(false) − V(true), where it is known (`vacua.vacuum_energy`); entropy is conserved,
g_s T³a³ = const, so that dt = −(1 + γ_s/3) dT/(HT) with γ_s = d ln g_s/d ln T. Of the two, time
and temperature, the moment chain follows the latter: with λ = ln(T_m/T),

    dt = J dλ, J = (1 + γ_s/3)/H,   Γ a³ dt = (ΓJ⁴)(a/J)³ dλ,   v dt/a = v dλ/(a/J),

it is that of a rate ΓJ⁴ and a scale factor a/J, of which neither has a unit.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.series import chebyshev_sum
from jaxbounce._core.types import RealLike, as_leaf, as_real
from jaxbounce.cosmology.degrees_of_freedom import ConstantDegrees, DegreesOfFreedom
from jaxbounce.cosmology.radiation import hubble_rate, radiation_density
from jaxbounce.cosmology.vacuum import Contents as Contents
from jaxbounce.transition.window import Window, effective_degrees, log_rate_over_hubble

_ROUNDING = 1e-15

_JOINTS = 64  # of g_*(T), those next to where the transition happens


def as_degrees(g_star: RealLike | DegreesOfFreedom) -> DegreesOfFreedom:
    """A number as degrees of freedom that do not change."""
    if isinstance(g_star, DegreesOfFreedom):
        return g_star
    number = as_leaf(as_real(g_star))
    return ConstantDegrees(number, number)


def weighs(expansion: Contents | None, known: bool) -> bool:
    """Whether the energy of the vacuum is part of H: where it is known, unless told otherwise.

    Raises:
        ConfigurationError: for another word, or for what is not known.
    """
    if expansion not in (None, "radiation", "radiation+vacuum"):
        raise ConfigurationError('expansion must be "radiation" or "radiation+vacuum"')
    if expansion == "radiation+vacuum" and not known:
        raise ConfigurationError('expansion = "radiation+vacuum" needs vacuum_energy')
    return known and expansion != "radiation"


class Local(NamedTuple):
    """The plasma at one temperature, or at several."""

    T: Real
    exponent: Real
    """S₃/T."""
    log_rate: Real
    """ln(Γ/H⁴)."""
    pace: Real
    """1 + γ_s/3: e-folds of a per e-fold of T."""
    stretch: Real
    """aH, in units of what it is at T_m."""
    hubble: Real
    """H (GeV)."""


class Background(eqx.Module):
    """Expansion and nucleation rate within a window of temperatures.

    Attributes:
        window: its ends (GeV); T_m is halfway between `low` and `high`.
        exponent: Chebyshev coefficients of S₃/T there; below, it is held, and nothing nucleates.
        vacuum: those of ρ_V (GeV⁴), from `end` to `high`, if it is known.
        degrees: g_ρ and g_s.
        prefactor: A.
        weighed: whether ρ_V is part of H.
    """

    window: Window
    exponent: Float[Array, " nodes"]
    vacuum: Float[Array, " nodes"] | None
    degrees: DegreesOfFreedom
    prefactor: Scalar
    weighed: bool = eqx.field(static=True)

    @property
    def middle(self) -> Scalar:
        """T_m."""
        return (self.window.low + self.window.high) / 2

    def efolds(self, T: RealLike) -> Real:
        """λ = ln(T_m/T)."""
        return jnp.log(self.middle / as_real(T))

    def temperature(self, efolds: Real) -> Real:
        """T at λ."""
        return self.middle * jnp.exp(-efolds)

    def exponent_at(self, T: Real) -> Real:
        """S₃/T."""
        return _series(self.exponent, jnp.maximum(T, self.window.low), *self.window[1:])

    def vacuum_at(self, T: Real) -> Real:
        """ρ_V; NaN where it is not known."""
        if self.vacuum is None:
            return jnp.full_like(T, jnp.nan)
        return _series(self.vacuum, T, self.window.end, self.window.high)

    def radiation_at(self, T: Real) -> Real:
        """ρ_r (GeV⁴)."""
        return radiation_density(T, self.degrees.energy(T))

    def at(self, efolds: Real) -> Local:
        """All of it at λ, any shape."""
        T = self.temperature(efolds)
        energy, entropy, slope = self.degrees.with_slope(jnp.log(T))
        if self.weighed:
            energy = effective_degrees(T, energy, self.vacuum_at(T))
        hubble, exponent = hubble_rate(T, energy), self.exponent_at(T)
        rate = log_rate_over_hubble(T, exponent, self.prefactor, energy)
        # a ∝ (g_s T³)^{−1/3}; where g_s is a constant the ratio is 1, and its root too
        middle = self.middle
        energy_m, entropy_m = self.degrees.values(jnp.log(middle))
        if self.weighed:
            energy_m = effective_degrees(middle, energy_m, self.vacuum_at(middle))
        a = jnp.exp(efolds + jnp.log(entropy_m / entropy) / 3)
        stretch = a * hubble / hubble_rate(middle, energy_m)
        return Local(T, exponent, rate, 1 + slope / 3, stretch, hubble)

    def beta_over_hubble(self, efolds: Scalar) -> Scalar:
        """−d ln Γ/d ln a = (d ln Γ/dt)/H at λ."""
        T = self.temperature(efolds)
        exponent, slope = jax.jvp(self.exponent_at, (T,), (jnp.ones_like(T),))
        _, _, gamma = self.degrees.with_slope(jnp.log(T))
        return -(4 + T * slope * (1.5 / exponent - 1)) / (1 + gamma / 3)

    def joints(self) -> Real:
        """λ at which g_*(T) is not smooth, those nearest; constants under differentiation."""
        found = self.efolds(jnp.exp(self.degrees.joints()))
        if found.size > _JOINTS:
            found = found[jnp.argsort(jnp.abs(found))[:_JOINTS]]
        return jax.lax.stop_gradient(found)


def _series(coefficients: Float[Array, " nodes"], T: Real, low: Scalar, high: Scalar) -> Real:
    return chebyshev_sum(coefficients, (2 * T - low - high) / (high - low))


def log_rate(efolds: Real, background: Any) -> Real:
    """ln(ΓJ⁴), for the moment chain."""
    local = background.at(efolds)
    nucleates = efolds <= background.efolds(background.window.low) + _ROUNDING
    return jnp.where(nucleates, local.log_rate + 4 * jnp.log(local.pace), -jnp.inf)


class Stretch(eqx.Module):
    """a/J, for the moment chain. A module, so that results that hold it leave a program."""

    def __call__(self, efolds: Real, background: Any) -> Real:
        """At λ, in units of H at T_m."""
        local = background.at(efolds)
        return local.stretch / local.pace

"""Energy of the false vacuum: what it does to the expansion rate, and to entropy when released.

While the transition runs the plasma in front of the walls, of temperature T, expands with

    H² = (8π/3M_Pl²)(ρ_r(T) + ρ_V),    ρ_V = α_V ρ_r(T_p),

with the prefactor in use for H. It runs until T_f, where Γ ∝ e^{βt} has covered 99 % of space,
I = I_p e^{β(t_f − t_p)} = ln 100: a convention, for every wall area. From then on what was ρ_V is
radiation and thins out like it, so that H never becomes that of an empty vacuum.

The bath is heated by what is released: at once, at T_p, ρ_r(T_reh) = (1 + α_eff) ρ_r(T_p), and its
entropy grows by D = s(T_reh)/s(T_p), which is (1 + α_eff)^{3/4} where g_* is constant. Every yield
n/s of what was there before is divided by D.
"""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.degrees_of_freedom import ConstantDegrees, DegreesOfFreedom

Contents = Literal["radiation", "radiation+vacuum"]
"""What expands the plasma: radiation alone, or the energy of the false vacuum too."""

Dilution = Literal["none", "reheating"]
"""Whether yields are divided by the growth of entropy."""

ENDS = float(np.log(100.0))
"""I at which the transition counts as over: 1 % of space is left (as T_f of 2305.02357)."""

_SERIES = 0.1  # √z below which cosh √z and sinh √z/√z are their series

_LARGEST = 60.0  # √z: 30 e-folds of nothing but vacuum energy

_MARGIN = 1.0  # in ln T, by which g_ρ T⁴ may rise later than with constant g_ρ


class WithVacuum(DegreesOfFreedom):
    """A bath beside vacuum energy, which is counted in g_ρ: H² ∝ g_ρ T⁴ holds for both.

    Attributes:
        bath: g_ρ(T) and g_s(T) of the plasma.
        alpha_V: ρ_V/ρ_r at T_p.
        T_p: percolation temperature (GeV).
        released: n = ln(T_p/T_f) ≥ 0, at which the vacuum energy becomes radiation.
    """

    bath: DegreesOfFreedom
    alpha_V: Scalar = eqx.field(converter=as_leaf)
    T_p: Scalar = eqx.field(converter=as_leaf)
    released: Scalar = eqx.field(converter=as_leaf)

    def _vacuum(self, log_T: Real, entropy: Real) -> Real:
        """30 ρ_V/π²T⁴, and after the release what has become of it."""
        at_Tp = jnp.log(self.T_p)
        energy_p, _ = self.bath.values(at_Tp)
        _, entropy_f = self.bath.values(at_Tp - self.released)
        n = at_Tp - log_T
        later = n > self.released
        growth = jnp.exp(4 * jnp.where(later, self.released, n))
        # (a_f/a)⁴ over (T/T_f)⁴, as g_s T³a³ is conserved
        thinned = jnp.where(later, (entropy / entropy_f) ** (4 / 3), 1.0)
        return self.alpha_V * energy_p * growth * thinned

    def values(self, log_T: Real) -> tuple[Real, Real]:
        """g_ρ of both, and g_s of the bath."""
        energy, entropy = self.bath.values(log_T)
        return energy + self._vacuum(log_T, entropy), entropy

    def with_slope(self, log_T: RealLike) -> tuple[Real, Real, Real]:
        """g_ρ of both; g_s and γ_s of the bath."""
        log_T = as_real(log_T)
        energy, entropy, slope = self.bath.with_slope(log_T)
        return energy + self._vacuum(log_T, entropy), entropy, slope

    def joints(self) -> Real:
        """Those of the bath, and the release."""
        release = jnp.log(self.T_p) - self.released
        return jnp.sort(jnp.append(self.bath.joints(), release))

    def kinks(self) -> Real:
        """The release: H is continuous there, its slope is not."""
        return (jnp.log(self.T_p) - self.released)[None]

    def covers(self, T: Real) -> Bool[Array, "..."]:
        """Where the bath is known."""
        return self.bath.covers(T)

    def entropy_today(self) -> RealLike:
        """That of the bath."""
        return self.bath.entropy_today()

    def anchored(self, T_p: RealLike) -> "WithVacuum":
        """The same with the bath anchored; α_V and the release are of T_p anyway."""
        return WithVacuum(self.bath.anchored(T_p), self.alpha_V, self.T_p, self.released)


def with_vacuum(
    degrees: DegreesOfFreedom | None,
    g_star: RealLike,
    g_star_s: RealLike,
    *,
    alpha_V: RealLike,
    T_p: RealLike,
    beta_over_H: RealLike,
    I_p: RealLike,
) -> WithVacuum:
    """What expands the plasma where the energy of the false vacuum counts.

    Args:
        degrees: g_*(T); None: the constants that follow.
        g_star: g_ρ of the plasma at T_p.
        g_star_s: g_s there.
        alpha_V: ρ_V/ρ_r at T_p, ≥ 0.
        T_p: percolation temperature (GeV).
        beta_over_H: (β/H)_p, of the H that has ρ_V in it.
        I_p: extended volume at T_p.
    """
    bath = ConstantDegrees(g_star, g_star_s) if degrees is None else degrees.anchored(T_p)
    duration = jnp.log(ENDS / as_real(I_p))
    duration = jnp.where(duration > 0, duration, 0.0)
    return WithVacuum(bath, alpha_V, T_p, efolds_with_vacuum(duration, beta_over_H, alpha_V))


def efolds_with_vacuum(y: RealLike, beta_over_H: RealLike, alpha_V: RealLike) -> Real:
    """n = ln(T_p/T) at y = β(t − t_p) ≥ 0 with constant g_* and constant ρ_V.

    dy/dn = (β/H) √(1 + α)/√(e^{−4n} + α) has the solution, with w = 2y/((β/H)√(1 + α)),

        e^{2n} = cosh(√α w) + √(1 + α) sinh(√α w)/√α,

    which is 1 + 2y/(β/H) at α = 0. Held at √α w = 60.
    """
    alpha = as_real(alpha_V)
    whole = jnp.sqrt(1 + alpha)
    w = 2 * as_real(y) / (as_real(beta_over_H) * whole)
    z = alpha * w**2
    small = z < _SERIES**2
    root = jnp.sqrt(jnp.where(small, 1.0, z))
    root = jnp.where(root < _LARGEST, root, _LARGEST)
    few = jnp.where(small, z, 0.0)
    # the next terms are below 1e-16
    even = 1 + few / 2 * (1 + few / 12 * (1 + few / 30 * (1 + few / 56)))
    odd = 1 + few / 6 * (1 + few / 20 * (1 + few / 42 * (1 + few / 72)))
    cosh = jnp.where(small, even, jnp.cosh(root))
    # w sinh(√z)/√z; √α w is held, not w
    width = jnp.where(small, w, 1.0)
    strength = jnp.sqrt(jnp.where(small, 1.0, alpha))
    sinh = jnp.where(small, width * odd, jnp.sinh(root) / strength)
    return jnp.log(cosh + whole * sinh) / 2


class Reheating(NamedTuple):
    """What the released energy does to the bath.

    Attributes:
        T_reh: temperature (GeV) after it.
        dilution: D, entropy after over before.
    """

    T_reh: Scalar
    dilution: Scalar


def reheating(alpha_eff: Scalar, T_p: Scalar, degrees: DegreesOfFreedom | None) -> Reheating:
    """T_reh and D of energy α_eff ρ_r(T_p) that heats the bath at T_p, at once.

    Args:
        alpha_eff: the energy that heats the bath, over that of radiation at T_p, ≥ 0.
        T_p: percolation temperature (GeV).
        degrees: g_*(T); None: constant, T_reh = T_p (1 + α_eff)^{1/4}, D = (1 + α_eff)^{3/4}.
    """
    hotter = jnp.log1p(alpha_eff) / 4
    if degrees is None:
        return Reheating(T_p * jnp.exp(hotter), jnp.exp(3 * hotter))
    degrees = degrees.anchored(T_p)
    at_Tp = jnp.log(T_p)
    before = degrees.values(at_Tp)

    def excess(rise: Real) -> Real:
        energy, _ = degrees.values(at_Tp + rise)
        return rise + jnp.log(energy / before[0]) / 4 - hotter

    # from below 0, so that the derivative is there where nothing is released
    fixed = jax.lax.stop_gradient(hotter)
    rise = bracketed_root(excess, -jnp.full_like(fixed, _MARGIN), fixed + _MARGIN)
    entropy = degrees.values(at_Tp + rise)[1]
    return Reheating(T_p * jnp.exp(rise), jnp.exp(3 * rise) * entropy / before[1])

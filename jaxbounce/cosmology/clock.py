"""Time and temperature where the degrees of freedom change: y(T) and T(y).

Entropy is conserved, d(g_s T³a³) = 0, so that dt = −(1 + γ_s/3) dT/(HT), γ_s = d ln g_s/d ln T.
Percolation time y = β(t − t_p) is compared with what it would be at constant g_*,

    y₀ = (β/H)/2 [(T_p/T)² − 1],    dy/dy₀ = (1 + γ_s/3) √(g_ρ(T_p)/g_ρ(T)),

a closed form times a pace of order one, which is all that has to be integrated. The integral is
accumulated outwards from T_p, where y = 0: from the cold end, where y is 1e9, nothing would be
left of the digits that count.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom

_PANELS = 48  # from T_p to either end

_FEW_PANELS = 8  # where time is known: only for a first guess of T(y)

_NODES = 16

_NEWTON_STEPS = 2

_LATER = 25.0  # e-folds after which what is left of a falling rate is a closed form

_LEAST = 1e-14  # (T_p/T)² below which there is no time


class Pace(eqx.Module):
    """How fast time runs, beside constant g_*, at some temperatures.

    Attributes:
        rate: dy/dy₀.
        entropy: g_s(T)/g_s(T_p).
    """

    rate: Real
    entropy: Real


class Expansion(eqx.Module):
    """The degrees of freedom from a percolation temperature on.

    Attributes:
        degrees: g_ρ(T) and g_s(T).
        T_p: percolation temperature (GeV), at which y = 0.
    """

    degrees: DegreesOfFreedom
    T_p: Scalar = eqx.field(converter=as_leaf)

    def pace(self, n: RealLike) -> Pace:
        """The pace at n = ln(T_p/T), any shape."""
        at_Tp = jnp.log(self.T_p)
        log_T = at_Tp - as_real(n)
        energy_p, entropy_p = self.degrees.values(at_Tp)
        rate = self.degrees.time_per_efold(log_T) * jnp.sqrt(energy_p)
        return Pace(rate, self.degrees.values(log_T)[1] / entropy_p)

    def rate_per_entropy(self, n: RealLike) -> Real:
        """Rate over entropy of the pace at n."""
        at_Tp = jnp.log(self.T_p)
        energy_p, entropy_p = self.degrees.values(at_Tp)
        scale = jnp.sqrt(energy_p) * entropy_p
        return scale * self.degrees.time_per_entropy(at_Tp - as_real(n))

    def elapsed(self, n: Real, growth: Real) -> Real | None:
        """y/(β/H) at n where it is known at once; else None. `growth` is y₀/(β/H)."""
        at_Tp = jnp.log(self.T_p)
        found = self.degrees.elapsed(at_Tp, n, growth)
        return None if found is None else jnp.sqrt(self.degrees.values(at_Tp)[0]) * found

    def joints(self) -> Real:
        """n, falling, at which the pace is not smooth; constants under differentiation."""
        return jax.lax.stop_gradient(jnp.log(self.T_p) - self.degrees.joints())

    def kinks(self) -> Real:
        """Those of them at which its first derivative jumps."""
        return jax.lax.stop_gradient(jnp.log(self.T_p) - self.degrees.kinks())


def efolds(y0: RealLike, beta_over_H: RealLike) -> Real:
    """n = ln(T_p/T) at y₀, the percolation time of constant g_*."""
    ratio = 2 * as_real(y0) / as_real(beta_over_H)
    return jnp.log1p(jnp.maximum(ratio, _LEAST - 1)) / 2


def constant_time(n: RealLike, beta_over_H: RealLike) -> Real:
    """y₀ at n = ln(T_p/T): the percolation time of constant g_*."""
    return as_real(beta_over_H) / 2 * jnp.expm1(2 * as_real(n))


class Clock(eqx.Module):
    """y(T) and T(y) over a range of temperatures; made by `make_clock`.

    Relative error ≤ 1e-12, also next to T_p. Beyond the range digits are lost.

    Attributes:
        expansion: the degrees of freedom.
        beta_over_H: (β/H)_p.
        edges: n = ln(T_p/T) of panels over the range, rising; the middle one is T_p.
        times: y at the edges.
    """

    expansion: Expansion
    beta_over_H: Scalar
    edges: Float[Array, " edges"]
    times: Float[Array, " edges"]

    def time(self, T_over_Tp: RealLike) -> Real:
        """y at T/T_p, any shape."""
        return self._time(-jnp.log(as_real(T_over_Tp)))

    def temperature_ratio(self, y: RealLike) -> Real:
        """T_p/T at y, any shape."""
        return jnp.exp(self.efolds(y))

    def efolds(self, y: RealLike) -> Real:
        """n = ln(T_p/T) at y, any shape, by Newton's method for y₀."""
        y, B = as_real(y), self.beta_over_H
        times, ends = jax.lax.stop_gradient((self.times, constant_time(self.edges, B)))
        k = _panel(times, y)
        width = times[k + 1] - times[k]
        share = (y - times[k]) / jnp.where(width > 0, width, 1.0)
        y0 = jax.lax.stop_gradient(ends[k] + share * (ends[k + 1] - ends[k]))
        for _ in range(_NEWTON_STEPS):
            y0 = jax.lax.stop_gradient(self._newton(y0, y))
        # two steps that derivatives see: exact to second order, by the implicit-function theorem
        return efolds(self._newton(self._newton(y0, y), y), B)

    def at(self, y0: RealLike) -> tuple[Real, Pace]:
        """y and the pace at y₀, the percolation time of constant g_*, any shape."""
        n = efolds(y0, self.beta_over_H)
        return self._time(n, as_real(y0)), self.expansion.pace(n)

    def weighted(self, y0: RealLike) -> tuple[Real, Real]:
        """y, and rate over entropy of the pace, at y₀, any shape."""
        n = efolds(y0, self.beta_over_H)
        return self._time(n, as_real(y0)), self.expansion.rate_per_entropy(n)

    def _newton(self, y0: Real, y: Real) -> Real:
        found, pace = self.at(y0)
        return y0 + (y - found) / pace.rate

    def _time(self, n: Real, y0: Real | None = None) -> Real:
        """y at n: that of the nearest edge, and the integral from there, if it is not known."""
        growth = jnp.expm1(2 * n) / 2 if y0 is None else y0 / self.beta_over_H
        known = self.expansion.elapsed(n, growth)
        if known is not None:
            return self.beta_over_H * known
        k = _nearest(self.edges, n)
        return self.times[k] + _integral(self.expansion, self.beta_over_H, self.edges[k], n)


def _panel(edges: Real, x: Real) -> Array:
    return jnp.clip(jnp.searchsorted(edges, x, side="right") - 1, 0, edges.shape[0] - 2)


def _nearest(edges: Real, n: Real) -> Array:
    """Number of the edge next to n on the side of T_p, which is the middle one; any shape."""
    k = _panel(edges, n)
    return jnp.where(k < edges.shape[0] // 2, k + 1, k)


def _one_panel(rate: Callable[[Real], Real], lower: Real, upper: Real) -> Real:
    """∫ rate dn by one Gauss–Legendre panel between each pair of limits."""
    t, weight = gauss_legendre(_NODES)
    half = (upper - lower) / 2
    values = rate((lower + half)[..., None] + half[..., None] * t)
    return half * (values @ jnp.asarray(weight, values.dtype))


def _integral(expansion: Expansion, beta_over_H: Scalar, lower: Real, upper: Real) -> Real:
    """∫ (dy/dn) dn."""

    def rate(n: Real) -> Real:
        return jnp.exp(2 * n) * expansion.pace(n).rate

    return beta_over_H * _one_panel(rate, lower, upper)


def _side(joints: Real, end: Scalar, panels: int = _PANELS) -> Real:
    """Edges from 0 to `end` ≥ 0, rising, with the joints that lie between among them."""
    even = end * np.linspace(0.0, 1.0, panels + 1)
    if joints.size == 0:
        return even
    inside = jnp.clip(joints, 0.0, end)
    return jnp.sort(jnp.concatenate([even, inside]))


def _both_sides(joints: Real, first: Scalar, last: Scalar, panels: int) -> Real:
    """Edges in n from `first` ≤ 0 to `last` ≥ 0, 0 in the middle."""
    before = -_side(-joints, jnp.maximum(-first, 0.0), panels)[::-1]
    after = _side(joints, jnp.maximum(last, 0.0), panels)
    return jnp.concatenate([before, after[1:]])


def make_clock(
    degrees: DegreesOfFreedom,
    T_p: RealLike,
    beta_over_H: RealLike,
    T_max_over_Tp: RealLike = 5.0,
    T_min_over_Tp: RealLike = 1e-3,
) -> Clock:
    """The clock of one point, for T_min ≤ T ≤ T_max.

    Args:
        degrees: g_ρ(T) and g_s(T).
        T_p: percolation temperature (GeV), at which y = 0.
        beta_over_H: (β/H)_p, of the H that goes with g_ρ(T_p).
        T_max_over_Tp: hottest temperature of the range, over T_p.
        T_min_over_Tp: coldest, over T_p.
    """
    expansion = Expansion(degrees.anchored(T_p), T_p)
    joints, B = expansion.joints(), as_real(beta_over_H)
    # panels are constants for differentiation: an integral does not depend on how it is cut
    hot, cold = jax.lax.stop_gradient(
        (jnp.log(as_real(T_max_over_Tp)), -jnp.log(as_real(T_min_over_Tp)))
    )
    # where time is known, edges need not end at joints, which would have to be sorted in
    few = _both_sides(joints[:0], -hot, cold, _FEW_PANELS)
    times = expansion.elapsed(few, jnp.expm1(2 * few) / 2)
    if times is not None:
        return Clock(expansion, B, few, B * times)
    edges = _both_sides(joints, -hot, cold, _PANELS)
    parts = _integral(expansion, B, edges[:-1], edges[1:])
    return Clock(expansion, B, edges, _outwards(parts, edges.shape[0] // 2))


def remaining_time(expansion: Expansion, n: Scalar, power: int) -> Scalar:
    """∫ e^{−kν} (dy/dy₀) g_s/g_s(T_p) dν from ν = n to T = 0, k = `power`: of rates ∝ T^k.

    Relative error ≤ 1e-10. Where nothing changes it is e^{−kn}/k.
    """
    joints = jnp.sort(expansion.joints() - jax.lax.stop_gradient(n))
    edges = _side(joints, jnp.asarray(_LATER))

    def rate(later: Real) -> Real:
        pace = expansion.pace(n + later)
        return jnp.exp(-power * later) * pace.rate * pace.entropy

    # what comes after has the pace of the last temperature
    rest = rate(jnp.asarray(_LATER)) / power
    return jnp.exp(-power * n) * (_one_panel(rate, edges[:-1], edges[1:]).sum() + rest)


class Slowing(eqx.Module):
    """∫ e^{kn} (γ_s/3) dn: by how much a rate ∝ H e^{kn} has more time than n alone says.

    Attributes:
        clock: whose range it has.
        power: k.
        edges: n of panels over that, as those of a clock.
        sums: the integral from T_p to the edges.
    """

    clock: Clock
    power: Scalar
    edges: Float[Array, " edges"]
    sums: Float[Array, " edges"]

    def between(self, start: Real, end: Real) -> Real:
        """The integral from n = `start` to `end`, any shape."""
        return self._from_Tp(end) - self._from_Tp(start)

    def _from_Tp(self, n: Real) -> Real:
        k = _nearest(self.edges, n)
        return self.sums[k] + _slowing(self.clock.expansion, self.power, self.edges[k], n)


def _slowing(expansion: Expansion, power: Scalar, lower: Real, upper: Real) -> Real:
    def rate(n: Real) -> Real:
        slope = expansion.degrees.with_slope(jnp.log(expansion.T_p) - n)[2]
        return jnp.exp(power * n) * slope / 3

    return _one_panel(rate, lower, upper)


def slowing(clock: Clock, power: RealLike) -> Slowing:
    """`Slowing` over the range of a clock."""
    power = as_real(power)
    edges = _both_sides(clock.expansion.joints(), clock.edges[0], clock.edges[-1], _PANELS)
    parts = _slowing(clock.expansion, power, edges[:-1], edges[1:])
    return Slowing(clock, power, edges, _outwards(parts, edges.shape[0] // 2))


def _outwards(parts: Real, middle: int) -> Real:
    """Sums of panels from the edge of that number, where they are 0, to every edge."""
    before, after = parts[:middle], parts[middle:]
    return jnp.concatenate([-jnp.cumsum(before[::-1])[::-1], jnp.zeros(1), jnp.cumsum(after)])

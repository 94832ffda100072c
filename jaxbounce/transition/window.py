"""Where a transition happens: the temperatures that matter, and S₃/T between them as a series.

Both live with temperatures at which S₃/T is not known: a single bounce that failed.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Flag, Real, Scalar, over, running_max, scan, xp
from jaxbounce._core.numerics import eliminate
from jaxbounce._core.types import RealLike, as_real
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.radiation import hubble_rate, radiation_density


class Window(NamedTuple):
    """Temperatures that matter."""

    end: Scalar
    """Down to which bubbles are followed."""
    low: Scalar
    """Below which none nucleate any more, or what nucleates does not matter."""
    high: Scalar
    """Above which what nucleates does not matter yet."""


Exponent = Callable[[Scalar, Any], Scalar]
"""S₃/T as a function of T and of parameters; NaN where there is none."""

_ZOOMS, _POINTS = 5, 17

_CELLS = 32  # of the integral for I, between two points

_FIRST, _LAST = -60.0, 4.0  # ln I between which nucleation is followed

_ENOUGH = 3.0  # times I_p, where Γ/H⁴ is past its peak and I may take very long to reach e^_LAST

_QUIET = 28.0  # e-folds below its peak nucleation is over

I_FINAL = math.log(100.0)
"""Extended volume at which 1 % of space is left in the false vacuum."""

NODES = 24
"""Chebyshev points of S₃/T."""

_DEGREES = 16  # of the series that stands in where points are missing

_MISSING = 4  # points that may be


def log_rate_over_hubble(
    T: RealLike, exponent: RealLike, prefactor: RealLike = 1.0, g_star: RealLike = 106.75
) -> Real:
    """ln(Γ/H⁴) of the thermal rate; T in GeV.

    For an H of more than radiation g_* is that of `effective_degrees`.
    """
    rate = 4 * xp.log(T) + 1.5 * xp.log(as_real(exponent) / (2 * xp.pi)) - exponent
    return rate + xp.log(as_real(prefactor)) - 4 * xp.log(hubble_rate(T, g_star))


def effective_degrees(T: RealLike, g_star: RealLike, vacuum_energy: RealLike) -> Real:
    """g_* of radiation with the energy of radiation and vacuum, g_ρ (1 + ρ_V/ρ_r)."""
    return as_real(g_star) + as_real(vacuum_energy) / radiation_density(T, 1.0)


def find_window(
    exponent: Exponent,
    vacuum_energy: Exponent | None,
    fixed: Any,
    ends: tuple[Scalar, Scalar],
    I_p: Scalar,
) -> Window:
    """Temperatures between which ln I goes from `_FIRST` to `_LAST`, by repeated scans.

    If Γ/H⁴ falls again, to where I is past I_p and no bubbles nucleate any more.

    Args:
        exponent: S₃/T.
        vacuum_energy: ρ_V that is part of H.
        fixed: θ, v_w, degrees of freedom and prefactor.
        ends: temperatures between which to look.
        I_p: extended volume at percolation.
    """
    theta, v_w, degrees, prefactor = fixed

    def sample(T: Scalar) -> tuple[Scalar, Scalar]:
        energy = T * 0.0 if vacuum_energy is None else vacuum_energy(T, theta)
        return exponent(T, theta), energy

    def zoom(ends: tuple[Scalar, Scalar], last_zoom: Array) -> tuple[tuple[Scalar, Scalar], Flag]:
        T = xp.linspace(ends[1], ends[0], _POINTS)  # cooling
        S, energy = over(sample, T, batched=False)
        seen = _followed(T, _between_neighbours(S), energy, v_w, degrees, prefactor)
        falling = seen.log_rate < running_max(_finite(seen.log_rate))
        over_now = falling & (seen.log_births < running_max(_finite(seen.log_births)) - _QUIET)
        enough = math.log(_ENOUGH) + xp.log(I_p)
        started = seen.log_volume > _FIRST
        full = seen.log_volume > xp.maximum(_LAST, enough)
        ended = full | (over_now & (seen.log_volume > enough))
        first = xp.where(started.any(), xp.argmax(started), _POINTS - 1)
        last = xp.where(ended.any(), xp.argmax(ended), _POINTS - 1)
        # one point earlier; in the end not one without a bounce, above the critical temperature
        earlier = xp.maximum(first - 1, 0)
        top = xp.where(xp.isfinite(S[earlier]) | ~last_zoom, earlier, first)
        last = xp.maximum(last, top + 1)
        return (T[last], T[top]), full[last]

    (low, high), full = scan(zoom, ends, xp.arange(_ZOOMS) == _ZOOMS - 1)
    return Window(xp.where(full[-1], low, ends[0]), low, high)


def _finite(values: Float[Array, " k"]) -> Float[Array, " k"]:
    return xp.where(xp.isfinite(values), values, -xp.inf)


def _between_neighbours(S: Float[Array, " k"]) -> Float[Array, " k"]:
    """Missing values between known ones by the line through these; those at the ends stay."""
    index = xp.arange(S.size)
    known = xp.isfinite(S)
    before = running_max(xp.where(known, index, -1))
    after = S.size - running_max(xp.where(known, S.size - index, 0)[::-1])[::-1]
    inside = (before >= 0) & (after < S.size)
    left, right = xp.maximum(before, 0), xp.minimum(after, S.size - 1)
    share = (index - left) / xp.maximum(right - left, 1)
    line = S[left] + share * (S[right] - S[left])
    return xp.where(known, S, xp.where(inside, line, xp.nan))


class _Followed(NamedTuple):
    """At cooling temperatures."""

    log_rate: Float[Array, " k"]
    """ln(Γ/H⁴)."""
    log_volume: Float[Array, " k"]
    """ln I."""
    log_births: Float[Array, " k"]
    """Of the bubbles that nucleate outside of others, an e-fold and comoving volume."""


def _followed(
    T: Float[Array, " k"],
    S: Float[Array, " k"],
    vacuum_energy: Float[Array, " k"],
    v_w: Scalar,
    degrees: DegreesOfFreedom,
    prefactor: Scalar,
) -> _Followed:
    """The moment chain with Γ/H⁴ between the temperatures by its logarithm: good enough to look.

    With n = ln a, ∫ Γ a³ dt rᵏ = ∫ (Γ/H⁴)(aH)³ dn rᵏ and dr = v dn/(aH), in units of H at T[0].
    """
    index, place = xp.arange(T.size), xp.arange((T.size - 1) * _CELLS + 1) / _CELLS
    t = xp.linspace(T[0], T[-1], place.size)
    energy, entropy = degrees.values(xp.log(t))
    # above the critical temperature it is not what it is called
    held = xp.interp(place, index, xp.where(vacuum_energy > 0, vacuum_energy, 0.0))
    total = effective_degrees(t, energy, held)
    log_rate = log_rate_over_hubble(T, S, prefactor, total[::_CELLS])
    efolds = xp.log(T[0] / t) + xp.log(entropy[0] / entropy) / 3
    stretch = efolds + 2 * xp.log(t / T[0]) + xp.log(total / total[0]) / 2  # ln aH
    known = xp.where(xp.isfinite(log_rate), xp.clip(log_rate, -600.0, 300.0), -600.0)
    births = xp.interp(place, index, known) + 3 * stretch
    step, rise = xp.diff(efolds), xp.diff(births)
    steep = xp.abs(rise) > 1e-6
    mean = xp.where(steep, xp.expm1(rise) / xp.where(steep, rise, 1.0), 1.0)
    moment = xp.append(0.0, xp.cumsum(xp.exp(births[:-1]) * mean * step))
    path = v_w * step * xp.exp(-(stretch[1:] + stretch[:-1]) / 2)
    for n in range(1, 4):
        middle = (moment[1:] + moment[:-1]) / 2
        moment = xp.append(0.0, xp.cumsum(n * path * middle))
    volume = 4 * xp.pi / 3 * moment[::_CELLS]
    log_volume = xp.where(volume > 0, xp.log(xp.where(volume > 0, volume, 1.0)), -xp.inf)
    return _Followed(log_rate, log_volume, births[::_CELLS] - volume)


def chebyshev_points() -> np.ndarray:
    """Where `chebyshev_series` wants its values, from 1 to −1."""
    return np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)


def chebyshev_series(values: Float[Array, " nodes"]) -> tuple[Float[Array, " nodes"], Scalar]:
    """Chebyshev coefficients of the series through values, and its error relative to the first.

    Values that are not finite, a few of them, are those of a least-squares series of lower
    degree through the others. The error is that of the last coefficients; where values are
    missing also what that series misses at points it was made without, the neighbours of
    those missing, and at all others.
    """
    order, x = np.arange(NODES), chebyshev_points()
    transform = 2 / NODES * np.polynomial.chebyshev.chebvander(x, NODES - 1).T
    basis = jnp.asarray(np.polynomial.chebyshev.chebvander(x, _DEGREES - 1))
    good = jnp.isfinite(values)
    known = jnp.where(good, values, 0.0)

    def fitted(used: Array) -> Real:
        weighted = basis * used[:, None]
        solution, _ = eliminate(weighted.T @ basis, (weighted.T @ known)[:, None])
        return basis @ solution[:, 0]

    beside = jnp.abs(order[:, None] - order) <= 1
    filled = jnp.where(good, known, fitted(good))
    held_out = fitted(good & ~(beside & ~good).any(-1))
    coefficients = (jnp.asarray(transform) @ filled).at[0].divide(2)
    size = jnp.abs(coefficients[0])
    size = jnp.where(size > 0, size, 1.0)  # of nothing, nothing is missed
    error = jnp.abs(coefficients[-2:]).max() / size
    of_filling = jnp.abs(held_out - filled).max() / size
    of_filling = jnp.where(good.sum() >= NODES - _MISSING, of_filling, jnp.inf)
    return coefficients, jnp.where(good.all(), error, jnp.maximum(error, of_filling))

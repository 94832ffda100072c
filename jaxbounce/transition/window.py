"""Where a transition happens: the temperatures that matter, and S₃/T between them as a series.

Both live with temperatures at which S₃/T is not known: a single bounce that failed.
"""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar, over, running_max, scan, xp
from jaxbounce._core.numerics import eliminate
from jaxbounce._core.types import RealLike, as_real
from jaxbounce.cosmology.radiation import hubble_rate

Exponent = Callable[[Scalar, Any], Scalar]
"""S₃/T as a function of T and of parameters; NaN where there is none."""

_ZOOMS, _POINTS = 5, 17

_CELLS = 32  # of the integral for I, between two points

_FIRST, _LAST = -60.0, 4.0  # ln I between which nucleation is followed

_ENOUGH = 3.0  # times I_p, where Γ/H⁴ is past its peak and I may take very long to reach e^_LAST

NODES = 24
"""Chebyshev points of S₃/T."""

_DEGREES = 16  # of the series that stands in where points are missing

_MISSING = 4  # points that may be


def log_rate_over_hubble(
    T: RealLike, exponent: RealLike, prefactor: RealLike = 1.0, g_star: RealLike = 106.75
) -> Real:
    """ln(Γ/H⁴) of the thermal rate; T in GeV."""
    rate = 4 * xp.log(T) + 1.5 * xp.log(as_real(exponent) / (2 * xp.pi)) - exponent
    return rate + xp.log(as_real(prefactor)) - 4 * xp.log(hubble_rate(T, g_star))


def find_window(
    exponent: Exponent, fixed: Any, ends: tuple[Scalar, Scalar], I_p: Scalar
) -> tuple[Scalar, Scalar]:
    """Temperatures between which ln I goes from `_FIRST` to `_LAST`, by repeated scans."""
    theta, v_w, g_star, prefactor = fixed

    def zoom(ends: tuple[Scalar, Scalar], last_zoom: Array) -> tuple[tuple[Scalar, Scalar], None]:
        T = xp.linspace(ends[1], ends[0], _POINTS)  # cooling
        S = _between_neighbours(over(lambda t: exponent(t, theta), T, batched=False))
        log_rate = log_rate_over_hubble(T, S, prefactor, g_star)
        log_volume = _log_volume(T, log_rate, v_w)
        falling = log_rate < running_max(xp.where(xp.isfinite(log_rate), log_rate, -xp.inf))
        enough = math.log(_ENOUGH) + xp.log(I_p)
        started = log_volume > _FIRST
        ended = (log_volume > xp.maximum(_LAST, enough)) | (falling & (log_volume > enough))
        first = xp.where(started.any(), xp.argmax(started), _POINTS - 1)
        last = xp.where(ended.any(), xp.argmax(ended), _POINTS - 1)
        # one point earlier; in the end not one without a bounce, above the critical temperature
        earlier = xp.maximum(first - 1, 0)
        top = xp.where(xp.isfinite(S[earlier]) | ~last_zoom, earlier, first)
        return (T[xp.maximum(last, top + 1)], T[top]), None

    return scan(zoom, ends, xp.arange(_ZOOMS) == _ZOOMS - 1)[0]


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


def _log_volume(T: Float[Array, " k"], log_rate: Float[Array, " k"], v_w: Scalar) -> Real:
    """ln I at cooling temperatures, Γ/H⁴ between them by its logarithm: good enough to look.

    With a = T₀/T, ∫ Γ a³ dt rⁿ = ∫ (Γ/H⁴) a⁻⁴ da rⁿ and dr = v da, in units of H at T₀.
    """
    a = T[0] / xp.linspace(T[0], T[-1], (T.size - 1) * _CELLS + 1)
    known = xp.where(xp.isfinite(log_rate), xp.clip(log_rate, -600.0, 300.0), -600.0)
    fine = xp.interp(xp.arange(a.size) / _CELLS, xp.arange(T.size), known) - 4 * xp.log(a)
    step, rise = xp.diff(a), xp.diff(fine)
    steep = xp.abs(rise) > 1e-6
    mean = xp.where(steep, xp.expm1(rise) / xp.where(steep, rise, 1.0), 1.0)
    moment = xp.append(0.0, xp.cumsum(xp.exp(fine[:-1]) * mean * step))
    for n in range(1, 4):
        middle = (moment[1:] + moment[:-1]) / 2
        moment = xp.append(0.0, xp.cumsum(n * v_w * step * middle))
    volume = 4 * xp.pi / 3 * moment[::_CELLS]
    return xp.where(volume > 0, xp.log(xp.where(volume > 0, volume, 1.0)), -xp.inf)


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
    error = jnp.abs(coefficients[-2:]).max() / size
    of_filling = jnp.abs(held_out - filled).max() / size
    of_filling = jnp.where(good.sum() >= NODES - _MISSING, of_filling, jnp.inf)
    return coefficients, jnp.where(good.all(), error, jnp.maximum(error, of_filling))

"""The peak of the gravitational waves that sound leaves behind, by conventions with names.

Published formulas differ by factors: "ptplot-2017" (C. Caprini et al. [1704.05871] with its
erratum, as PTPlot computes it) and "lisa-2020" (Caprini et al. [1910.13125]) by √3 for sound that
lasts and by 2 for sound that shocks end. A number without its convention says little.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.types import Real, RealLike, as_leaf
from jaxbounce.transition.wall_speed import jouguet_speed

Convention = Literal["ptplot-2017", "lisa-2020"]

_SOUND = 1 / np.sqrt(3)

_PEAK = 26e-6  # Hz, for z_p = 10, H R_* = 1, T = 100 GeV, g_* = 100

_REDSHIFT = 3.57e-5  # F of g_* = 100: the share of radiation today, over h²

_AMPLITUDE = 0.687 * 0.012  # norm of the spectrum, and Ω̃ of the simulations

_HUBBLE = 0.678  # h


class SoundWaves(NamedTuple):
    """The peak of the spectrum from sound waves, and what goes into it."""

    frequency: Real
    """Of the peak today (Hz)."""
    h2_Omega: Real
    """h² Ω_GW at the peak today, in the convention asked for."""
    kappa: Real
    """Share of the released energy that moves the plasma."""
    kinetic_fraction: Real
    """K = κ α/(1 + α), of all energy."""
    hubble_separation: Real
    """H R_*."""
    hubble_time: Real
    """H τ_sh = H R_*/Ū_f, the time until shocks form."""


def efficiency(v_w: RealLike, alpha: RealLike) -> Real:
    """κ(v_w, α), the share of released energy in the motion of the plasma; c_s² = ⅓.

    Fits of J. R. Espinosa et al. [1004.4187], appendix A: deflagrations, hybrids, detonations.
    Arrays of any shape; continuous, and differentiable but where the kinds of wall meet.

    Args:
        v_w: wall speed.
        alpha: α_θ.
    """
    v_w, alpha = as_leaf(v_w), as_leaf(alpha)
    root, v_J = jnp.sqrt(alpha), jouguet_speed(alpha, _SOUND)
    slow = v_w**1.2 * 6.9 * alpha / (1.36 - 0.037 * root + alpha)
    sonic = alpha**0.4 / (0.017 + (0.997 + alpha) ** 0.4)
    jouguet = root / (0.135 + jnp.sqrt(0.98 + alpha))
    fast = alpha / (0.73 + 0.083 * root + alpha)
    # each kind of wall at a speed that it has, so that no other is infinite where it is not used
    below, above = jnp.minimum(v_w, _SOUND), jnp.maximum(v_w, v_J)
    power = _SOUND**2.2
    deflagration = power * slow * sonic
    deflagration = deflagration / ((power - below**2.2) * sonic + below * _SOUND**1.2 * slow)
    rise = -0.9 * jnp.log(root / (1 + root))
    share = (v_w - _SOUND) / (v_J - _SOUND)
    hybrid = sonic + (v_w - _SOUND) * rise
    hybrid = hybrid + share**3 * (jouguet - sonic - (v_J - _SOUND) * rise)
    ends, now, power = (v_J - 1) ** 3, (above - 1) ** 3, v_J**2.5
    detonation = ends * power / above**2.5 * jouguet * fast
    detonation = detonation / ((ends - now) * power * jouguet + now * fast)
    return jnp.where(v_w < _SOUND, deflagration, jnp.where(v_w < v_J, hybrid, detonation))


def hubble_separation(beta_over_H: RealLike, v_w: RealLike) -> Real:
    """H R_* = (8π)^{1/3} max(v_w, c_s)/(β/H), the mean separation of bubbles.

    For a rate e^{βt}; slow walls have sound in front of them, and the convention of LISA's papers
    takes its speed. `separation` has v_w alone, and `separation_of_density` needs no rate.
    """
    return separation(beta_over_H, jnp.maximum(as_leaf(v_w), _SOUND))


def separation(beta: RealLike, v_w: RealLike) -> Real:
    """R_* = (8π)^{1/3} v_w/β of bubbles that nucleate at a rate e^{βt}, in units of 1/β."""
    return (8 * jnp.pi) ** (1 / 3) * as_leaf(v_w) / as_leaf(beta)


def separation_of_density(n_b: RealLike) -> Real:
    """R_* = n_b^{−1/3} of the number of bubbles per volume, for any history."""
    return as_leaf(n_b) ** (-1 / 3)


def sound_waves(
    alpha: RealLike,
    beta_over_H: RealLike,
    v_w: RealLike,
    T: RealLike,
    g_star: RealLike = 106.75,
    *,
    convention: Convention,
    R_star_H: RealLike | None = None,
) -> SoundWaves:
    """The peak of the gravitational waves of sound, today. Differentiable in all arguments.

    In "lisa-2020" the peak jumps by √3/2 where H τ_sh = 1, as published.

    Args:
        alpha: α_θ, the strength.
        beta_over_H: β/H.
        v_w: wall speed.
        T: temperature of the plasma when the waves are made (GeV).
        g_star: relativistic degrees of freedom then.
        convention: "ptplot-2017" or "lisa-2020".
        R_star_H: H R_* where it is known, as from a history of the bubbles; by default that of an
            exponential rate, `hubble_separation`.

    Raises:
        ConfigurationError: for another convention.
    """
    if convention not in ("ptplot-2017", "lisa-2020"):
        raise ConfigurationError('convention must be "ptplot-2017" or "lisa-2020"')
    alpha, share = as_leaf(alpha), as_leaf(g_star) / 100
    kappa = efficiency(v_w, alpha)
    K = kappa * alpha / (1 + alpha)
    R = hubble_separation(beta_over_H, v_w) if R_star_H is None else as_leaf(R_star_H)
    time = R / jnp.sqrt(0.75 * K)
    frequency = _PEAK / R * as_leaf(T) / 100 * share ** (1 / 6)
    scale = _HUBBLE**2 * _AMPLITUDE * _REDSHIFT * share ** (-1 / 3)
    if convention == "ptplot-2017":
        peak = 3 * K**2 * R * jnp.minimum(time, 1.0)
    else:
        peak = jnp.where(time < 1, K**1.5 * R**2, K**2 * R) / _SOUND
    return SoundWaves(frequency, scale * peak, kappa, K, R, time)

"""The radiation-dominated background: expansion rate, entropy, and the time variable y.

The number of relativistic degrees of freedom enters every function as a value, so
that a constant and a temperature-dependent g_*(T) go through the same formulas.
Percolation time is measured by y = β(t − t_p); with constant g_* and T ∝ a⁻¹,
t = 1/(2H) gives y = (β/H)_p/2 · [(T_p/T)² − 1].
"""

import jax.numpy as jnp

from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.constants import HUBBLE_PREFACTOR, PLANCK_MASS


def hubble_rate(T: RealLike, g_star: RealLike, prefactor: float = HUBBLE_PREFACTOR) -> Real:
    """Hubble rate H (GeV) of a radiation bath at temperature T (GeV).

    H = 1.66 √g_* T²/M_Pl, with the rounded prefactor of the published pipeline, or another.
    """
    return prefactor * jnp.sqrt(as_real(g_star)) * as_real(T) ** 2 / PLANCK_MASS


def radiation_density(T: RealLike, g_star: RealLike) -> Real:
    """Energy density ρ = (π²/30) g_* T⁴ (GeV⁴) of a radiation bath at temperature T (GeV)."""
    return (jnp.pi**2 / 30) * as_real(g_star) * as_real(T) ** 4


def entropy_density(T: RealLike, g_star_s: RealLike) -> Real:
    """Entropy density s = (2π²/45) g_*s T³ (GeV³) at temperature T (GeV)."""
    return (2 * jnp.pi**2 / 45) * as_real(g_star_s) * as_real(T) ** 3


def temperature_ratio(y: RealLike, beta_over_H: RealLike) -> Real:
    """T_p/T at percolation time y: √(1 + 2y/(β/H)).

    Below y = −(β/H)/2 there is no time; the square root is held at zero there.
    """
    square = 1 + 2 * as_real(y) / as_real(beta_over_H)
    return jnp.sqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny))


def temperature_of_time(y: RealLike, T_p: RealLike, beta_over_H: RealLike) -> Real:
    """Temperature T (GeV) at percolation time y = β(t − t_p)."""
    return as_real(T_p) / temperature_ratio(y, beta_over_H)


def time_of_temperature(T: RealLike, T_p: RealLike, beta_over_H: RealLike) -> Real:
    """Percolation time y = β(t − t_p) at temperature T (GeV), the inverse of `temperature_of_time`.

    The published eq. (A1) prints the ratio T/T_p upside down; this is what its script runs.
    """
    return time_of_temperature_ratio(as_real(T) / as_real(T_p), beta_over_H)


def time_of_temperature_ratio(T_over_Tp: RealLike, beta_over_H: RealLike) -> Real:
    """Percolation time y at T/T_p, of differences that are exact: T ≈ T_p loses no digits."""
    ratio = as_real(T_over_Tp)
    return as_real(beta_over_H) / 2 * ((1 - ratio) / ratio) * ((1 + ratio) / ratio)


def temperature_per_time(T: RealLike, T_p: RealLike, beta_over_H: RealLike) -> Real:
    """|dT/dy| (GeV) = (T_p/(β/H)) (T/T_p)³; with it |dT/dy|/(H T) = 1/β exactly."""
    return as_real(T_p) / as_real(beta_over_H) * (as_real(T) / as_real(T_p)) ** 3

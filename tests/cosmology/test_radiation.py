from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxbounce.cosmology import radiation as cosmology
from jaxbounce.cosmology.constants import CRITICAL_DENSITY_OVER_H2, HUBBLE_PREFACTOR


def test_hubble_rate_is_the_friedmann_equation_up_to_the_published_rounding():
    # H² = 8πρ/3M_Pl², ρ = π²/30 g T⁴, gives √(4π³/45) where the published code writes 1.66
    exact = np.sqrt(8 * np.pi / 3 * np.pi**2 / 30 * 106.75 * 100.0**4) / 1.22089e19
    rounding = HUBBLE_PREFACTOR / np.sqrt(4 * np.pi**3 / 45)
    np.testing.assert_allclose(cosmology.hubble_rate(100.0, 106.75), exact * rounding, rtol=1e-14)


def test_radiation_density_is_what_the_friedmann_equation_asks_for():
    hubble = float(cosmology.hubble_rate(40.0, 100.0))
    rounding = HUBBLE_PREFACTOR / np.sqrt(4 * np.pi**3 / 45)
    expected = 3 * (hubble / rounding * 1.22089e19) ** 2 / (8 * np.pi)
    np.testing.assert_allclose(cosmology.radiation_density(40.0, 100.0), expected, rtol=1e-14)


def test_critical_density_follows_from_newton_and_the_parsec():
    hubble = 100e3 / 3.085677581491367e22  # 100 km/s/Mpc in 1/s
    expected = 3 * hubble**2 / (8 * np.pi * 6.6743e-11)
    np.testing.assert_allclose(CRITICAL_DENSITY_OVER_H2, expected, rtol=1e-14)


def test_entropy_is_conserved_in_a_comoving_volume():
    T = jnp.array([0.1, 1.0, 50.0])
    density = cosmology.entropy_density(T, 106.75)
    np.testing.assert_allclose(density / T**3, density[0] / T[0] ** 3, rtol=1e-14)
    np.testing.assert_allclose(density[1], 2 * np.pi**2 / 45 * 106.75, rtol=1e-14)


@pytest.mark.parametrize("beta_over_H", [1.0, 100.0, 1e5])
def test_time_and_temperature_are_inverse(beta_over_H):
    y = jnp.linspace(-0.479 * beta_over_H, 3.0 * beta_over_H, 41)
    T = cosmology.temperature_of_time(y, 37.0, beta_over_H)
    back = cosmology.time_of_temperature(T, 37.0, beta_over_H)
    np.testing.assert_allclose(back, y, atol=2e-14 * beta_over_H, rtol=1e-13)


@pytest.mark.parametrize("ratio", [1 - 1e-12, 1 - 1e-6, 1 + 3e-9, 5.0, 1e-6])
def test_time_keeps_its_digits_next_to_percolation(ratio):
    """A limit of the range 1e-6 from T_p was off by 1e-10 of itself (1/r − 1 cancels)."""
    exact = float(30 * (1 / Fraction(ratio) ** 2 - 1))
    found = cosmology.time_of_temperature_ratio(ratio, 60.0)
    np.testing.assert_allclose(found, exact, rtol=1e-15)


def test_time_is_the_integral_of_the_hubble_law():
    # y = β(t − t_p) with dt = −dT/(HT): integrate numerically from T_p to T
    T_p, B, g = 80.0, 60.0, 90.0
    T = np.linspace(T_p, 50.0, 20001)
    beta = B * float(cosmology.hubble_rate(T_p, g))
    rate = beta / (np.asarray(cosmology.hubble_rate(T, g)) * T)
    y = -np.trapezoid(rate, T)
    np.testing.assert_allclose(cosmology.time_of_temperature(50.0, T_p, B), y, rtol=1e-8)


def test_temperature_per_time_is_the_derivative_and_cancels_hubble():
    T_p, B, g, y = 80.0, 60.0, 90.0, 7.0
    T = cosmology.temperature_of_time(y, T_p, B)
    slope = jax.grad(cosmology.temperature_of_time)(y, T_p, B)
    rate = cosmology.temperature_per_time(T, T_p, B)
    np.testing.assert_allclose(-slope, rate, rtol=1e-14)
    beta = B * cosmology.hubble_rate(T_p, g)
    np.testing.assert_allclose(rate / (cosmology.hubble_rate(T, g) * T), 1 / beta, rtol=1e-14)


@pytest.mark.slow
def test_gradients():
    check_grads(cosmology.time_of_temperature, (50.0, 80.0, 60.0), order=2, rtol=1e-6)
    check_grads(cosmology.temperature_of_time, (5.0, 80.0, 60.0), order=2, rtol=1e-6)
    check_grads(cosmology.hubble_rate, (5.0, 80.0), order=2, rtol=1e-6)
    # at the end of time the square root is held: finite, not NaN
    assert np.isfinite(jax.grad(cosmology.temperature_ratio)(-30.0, 60.0))

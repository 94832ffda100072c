"""Energy partition: golden numbers, conservation laws, slopes and refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Status
from jaxbounce.cosmology import number_density
from jaxbounce.cosmology.radiation import entropy_density, radiation_density
from jaxbounce.occupancy import (
    entropy_growth,
    entropy_ratio,
    partition_occupancy,
    reheating_temperature,
    released_energy,
)

# The xSM point at T = 100 GeV: Δp, Δe and w_s (golden D.xSM_BM1.thermodynamics, known to 1e-8),
# Δθ, α and f/κ at ε̄ = 3T, κ for f = 1.07e-9 (B.energy_partition.xSM)
DELTA_P, DELTA_E, W_S = -8444273.392060995, 116528055.18947268, 4725416402.087186
DELTA_THETA, ALPHA = 35465218.841413915, 0.01000694000942059
F_PER_KAPPA, KAPPA = 0.6470902390408599, 1.6535560814299903e-09


def test_the_singlet_point_of_the_specification():
    T = 100.0
    found = released_energy(-DELTA_P, (-DELTA_P - DELTA_E) / T, T)
    np.testing.assert_allclose(found, DELTA_THETA, rtol=1e-14)
    np.testing.assert_allclose(4 * found / (3 * W_S), ALPHA, rtol=1e-12)
    f_chi = partition_occupancy(KAPPA, found, 3 * T, T, 0.0)
    assert f_chi.status == Status.SUCCESS
    np.testing.assert_allclose(f_chi.f_chi, 1.07e-9, rtol=1e-12)
    np.testing.assert_allclose(f_chi.f_chi / KAPPA, F_PER_KAPPA, rtol=1e-12)


def test_latent_heat_at_the_critical_temperature():
    """ΔV = 0 and still Δθ = L/4, L = −T dΔV/dT."""
    np.testing.assert_allclose(released_energy(0.0, -40.0, 100.0), 1000.0, rtol=1e-15)


# f/κ at α = 0.1, T_p = 100 GeV, g_* = 106.75, and ρ_rad/(T n_eq) (golden F.f_chi)
PER_KAPPA = {1: 19.223383667607338061, 3: 6.4077945558691126869, 30: 0.64077945558691126869}


@pytest.mark.parametrize(("over_T", "expected"), PER_KAPPA.items())
def test_a_share_of_the_radiation(over_T, expected):
    T_p, kappa = 100.0, 1e-6
    released = 0.1 * radiation_density(T_p, 106.75)
    found = partition_occupancy(kappa, released, over_T * T_p, T_p, 0.0).f_chi
    np.testing.assert_allclose(found / kappa, expected, rtol=1e-12)


def g_s(T):
    return 10 + 97 * T / (T + 20.0)


def test_what_was_made_earlier_is_thinner():
    """n/s is conserved; a massless energy falls as the cube root."""
    T_p, T_star, kappa, energy, m, g = 50.0, 400.0, 1e-5, 90.0, 30.0, 4.0
    found = partition_occupancy(kappa, 1e9, energy, T_p, m, g, "boson", T_star=T_star, g_star_s=g_s)
    Y = kappa * 1e9 / energy / entropy_density(T_star, g_s(T_star))
    n_eq = number_density(T_p, m, g, "boson")
    expected = Y * entropy_density(T_p, g_s(T_p)) / n_eq
    np.testing.assert_allclose(found.f_chi, expected, rtol=1e-14)
    ratio = entropy_ratio(T_p, T_star, g_s)
    np.testing.assert_allclose(ratio, g_s(T_p) * T_p**3 / (g_s(T_star) * T_star**3), rtol=1e-14)
    np.testing.assert_allclose(entropy_ratio(1.0, 2.0, 30.0), 1 / 8, rtol=1e-14)


def test_energy_is_conserved_by_reheating():
    T_p, alpha, kappa, g = 70.0, 0.3, 0.2, 50.0
    after = reheating_temperature(T_p, alpha, kappa)
    gained = radiation_density(after, g) - radiation_density(T_p, g)
    expected = (1 - kappa) * alpha * radiation_density(T_p, g)
    np.testing.assert_allclose(gained, expected, rtol=1e-13)
    growth = entropy_density(after, g) / entropy_density(T_p, g)
    np.testing.assert_allclose(entropy_growth(alpha, kappa), growth, rtol=1e-14)
    # 7 % at α = 0.1 (SPEC2 B)
    np.testing.assert_allclose(entropy_growth(0.1), 1.1**0.75, rtol=1e-15)
    np.testing.assert_allclose(reheating_temperature(T_p, 0.0), T_p, rtol=1e-15)


def test_slopes():
    """f ∝ κ Δθ/ε̄ T_*^{−3}, and 1/g; at rest n_eq of massless χ drops out with s."""

    def log_f(kappa, released, energy, T_p, T_star, g):
        found = partition_occupancy(kappa, released, energy, T_p, 0.0, g, T_star=T_star)
        return jnp.log(found.f_chi)

    point = (1e-8, 1e8, 250.0, 90.0, 300.0, 2.0)
    expected = np.array([1, 1, -1, 0, -3, -1])
    gradient = jax.jit(jax.grad(log_f, argnums=tuple(range(6))))(*point)
    np.testing.assert_allclose(np.array(gradient) * point, expected, atol=1e-12)
    along = jax.jvp(jax.jit(log_f), point, point)[1]
    np.testing.assert_allclose(along, expected.sum(), rtol=1e-12)


def test_what_is_refused_leaves_the_others_alone():
    kappa = jnp.array([1e-9, -0.1, 1.5, 1e-9, 1e-9, 1e-9, 1.0])
    energy = jnp.array([300.0, 300.0, 300.0, 0.0, 300.0, 5.0, 300.0])
    T_star = jnp.array([200.0, 200.0, 200.0, 200.0, 50.0, 200.0, 100.0])

    def run(kappa, energy, T_star, released):
        return partition_occupancy(kappa, released, energy, 100.0, 10.0, T_star=T_star)

    over = jax.vmap(run, (0, 0, 0, None))

    def masked(released):
        found = over(kappa, energy, T_star, released)
        return jnp.where(found.status == Status.SUCCESS, found.f_chi, 0.0).sum()

    found = jax.jit(over)(kappa, energy, T_star, 1e9)
    invalid = [Status.INVALID_PARAMETER] * 5
    assert found.status.tolist() == [Status.SUCCESS, *invalid, Status.OCCUPANCY_TOO_LARGE]
    assert np.isnan(found.f_chi).tolist() == [False, *[True] * 6]
    slope = jax.jit(jax.grad(masked))(1e9)
    np.testing.assert_allclose(slope, found.f_chi[0] / 1e9, rtol=1e-13)
    asked = jax.grad(lambda e: run(1e-9, e, 200.0, 1e9).f_chi)(0.0)
    assert np.isnan(asked)

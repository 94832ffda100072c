import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiers import long_but

from jaxbounce import Status
from jaxbounce.conversion.average import thermal_flux_average
from jaxbounce.conversion.full_wave import FullWave

REACH = 32.0
WIDTH = 3.0


def two_centre_wall(xi, theta):
    strength, L = theta
    m_B = 0.85 * (1 + jnp.tanh((xi - 1) / L))
    return m_B, 1.2 * (1 - jnp.tanh((xi + 1) / L)), strength * m_B


THETA = jnp.array([0.209, 1.5])


def scatter(K, theta, spin="scalar", steps=48):
    wave = FullWave(spin, steps)
    return wave(two_centre_wall, K, -REACH, REACH, theta, width=WIDTH)


SCATTER = eqx.filter_jit(jax.vmap(scatter, in_axes=(0, None, None, None)))


def raw_scatter(K, theta, spin, steps):
    """The numbers whatever their status, for an average that weighs their errors."""
    return FullWave(spin, steps)._scatter(two_centre_wall, K, -REACH, REACH, theta, 0.0, WIDTH)


RAW = eqx.filter_jit(jax.vmap(raw_scatter, in_axes=(0, None, None, None)))

# K, then T_B, T_χ, R_χ, R_B: golden A.scattering.W2_scalar_20digits
EXACT = [
    (0.5, 0.20103121757675956106, 0.0, 0.79896878242324043894, 0.0),
    (2.0, 0.04223254562411481195, 0.0, 0.91639048555853921065, 0.041376968817345977399),
    (4.0, 0.039966729404343915106, 0.96003327059557700096, 7.59e-14, 3.17e-15),
]
# K, then T_B and R_B, scalar and Dirac: golden A.scattering.W2_table_scalar_dirac_eikonal
TABLE = [
    (0.15, 0.027814715765003644, 0.0, 0.07238774912123459, 0.0),
    (0.5, 0.20103121757674336, 0.0, 0.13072098962315554, 0.0),
    (1.6, 0.008748795834872215, 0.0, 0.013025550046580086, 0.0),
    (2.3, 0.042257667772525875, 0.04044311769744851, 0.04016159375517289, 0.03850678095991316),
    (3.0, 0.040879793006744936, 1.688440365806156e-09, 0.03962989729213827, 1.627366899304886e-09),
    (6.0, 0.0392701630158716, 0.0, 0.03895373205792038, 0.0),
]


def test_twenty_digit_table():
    K, *expected = np.array(EXACT).T
    result = SCATTER(jnp.array(K), THETA, "scalar", 48)
    actual = np.array([result.T_B, result.T_chi, result.R_chi, result.R_B])
    error = np.abs(actual - expected).max(0)
    assert (error < 1e-12).all()
    assert (error <= result.error_estimate).all()
    assert (result.status == Status.SUCCESS).all()
    assert (jnp.abs(result.unitarity_defect) < 1e-12).all()


@pytest.mark.parametrize("spin", ["scalar", "dirac"])
def test_table(spin):
    K, *columns = np.array(TABLE).T
    T_B, R_B = columns[:2] if spin == "scalar" else columns[2:]
    result = SCATTER(jnp.array(K), THETA, spin, 48)
    np.testing.assert_allclose(result.T_B, T_B, atol=2e-10)
    np.testing.assert_allclose(result.R_B, R_B, atol=2e-10)
    assert (jnp.abs(result.unitarity_defect) < 1e-12).all()


@pytest.mark.slow
@pytest.mark.parametrize("spin", ["scalar", "dirac"])
@pytest.mark.parametrize(("K", "m0", "L"), [(1.5, 1.2, 1.0), (2.0, 1.0, 0.25), (1.3, 1.2, 0.5)])
def test_one_channel_closed_form(spin, K, m0, L):
    """m² (scalar) or m (Dirac) = (1 − tanh)/2, for a χ that nothing mixes with."""

    def step(xi, args):
        profile = 1 / (1 + jnp.exp(2 * xi / L))
        return (
            jnp.ones_like(xi) * 5.0,
            m0 * (jnp.sqrt(profile) if spin == "scalar" else profile),
            0.0,
        )

    k = np.sqrt(K**2 - m0**2)
    minus, plus = (np.sinh(np.pi * L * (K - sign * k) / 2) ** 2 for sign in (1, -1))
    extra = np.sin(np.pi * m0 * L / 2) ** 2 if spin == "dirac" else 0.0
    exact = (minus + extra) / (plus + extra)
    result = FullWave(spin, 64)(step, K, -40 * L, 40 * L, width=2 * L)
    assert result.R_chi == pytest.approx(exact, abs=1e-11)
    assert result.T_chi == pytest.approx(1 - exact, abs=1e-11)
    assert result.T_B == 0


@pytest.mark.slow
@pytest.mark.parametrize("spin", long_but(["scalar", "dirac"], "scalar"))
def test_gradients(spin):
    def transmitted(values):
        return scatter(values[0], values[1:], spin, 48).T_B

    for K in (0.5, 2.0, 3.0):
        values = jnp.array([K, 0.209, 1.5])
        gradient = eqx.filter_jit(jax.grad(transmitted))(values)
        h = 1e-3
        f = eqx.filter_jit(jax.vmap(transmitted))
        one, two = (f(values + n * h * jnp.eye(3)) - f(values - n * h * jnp.eye(3)) for n in (1, 2))
        np.testing.assert_allclose(gradient, (8 * one - two) / (12 * h), rtol=1e-6, atol=2e-8)


@pytest.mark.slow
@pytest.mark.parametrize("spin", long_but(["scalar", "dirac"], "scalar"))
def test_thresholds_and_no_mixing_have_finite_gradients(spin):
    ends = two_centre_wall(jnp.array([-REACH, REACH]), THETA)
    # a channel opens where K passes the modulus of its eigenmass
    masses = np.abs(np.linalg.eigvalsh([[ends[0][1], ends[2][1]], [ends[2][1], ends[1][1]]]))
    for K in (*masses, float(ends[1][0])):

        def transmitted(K, theta):
            return scatter(K, theta, spin, 8).T_B

        gradient = eqx.filter_jit(jax.grad(transmitted, (0, 1)))(jnp.array(K), THETA)
        assert all(jnp.isfinite(leaf).all() for leaf in gradient)
    unmixed = jax.grad(lambda s: scatter(0.5, jnp.stack([s, 1.5]), spin, 8).T_B)(0.0)
    assert unmixed == 0


def test_below_the_incident_mass_the_status_says_so():
    result = SCATTER(jnp.array([0.05, -1.0]), THETA, "scalar", 8)
    assert list(result.status) == [Status.INCIDENT_CHANNEL_CLOSED, Status.INVALID_PARAMETER]
    assert (result.T_B[0], result.R_chi[0]) == (0, 1)


def test_too_few_steps_are_noticed():
    result = SCATTER(jnp.array([6.0, 20.0, 40.0]), THETA, "dirac", 8)
    assert (result.status == Status.WAVE_NOT_CONVERGED).all()


def test_bad_arguments():
    with pytest.raises(ValueError, match="spin"):
        FullWave("vector")
    with pytest.raises(ValueError, match="vmap"):
        FullWave()(two_centre_wall, jnp.ones(3), -1, 1, THETA)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("T", "v_w", "scalar", "dirac"),
    [
        (0.3, 0.0, 0.13342293957804258, 0.09956306089663346),
        (0.3, 0.6, 0.10752381406827904, 0.08054967422318281),
        (1.0, 0.3, 0.06617348207979068, 0.05558883035805967),
    ],
)
def test_thermal_average(T, v_w, scalar, dirac):
    m, heavy = 0.07126982475277023, 1.77126982475277
    for spin, expected in (("scalar", scalar), ("dirac", dirac)):

        def probability(p, theta, spin=spin):
            found = RAW(jnp.sqrt(p**2 + m**2), theta, spin, 64)
            return found.T_B, found.error_estimate

        # at the largest momenta the steps are too long, and the estimate far above the error
        result = thermal_flux_average(
            probability, T, m, v_w, THETA, thresholds=jnp.array([heavy, 2.4]), tolerance=1e-2
        )
        assert result.value == pytest.approx(expected, rel=1e-6)

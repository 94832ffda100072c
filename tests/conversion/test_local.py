import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import loggamma

from jaxbounce import Status
from jaxbounce.conversion.local import LocalLandauZener, stokes_phase
from jaxbounce.conversion.two_level import TwoLevelPropagation
from jaxbounce.conversion.wall import Couplings, masses
from jaxbounce.files.profile_csv import read_profile
from walls import W1, W2, Lasting, NoCrossing, TripleCrossing

COHERENT = LocalLandauZener(combination="coherent")
INCOHERENT = LocalLandauZener()


def test_stokes_phase():
    delta = np.array([1e-12, 1e-3, 0.1, 1.0, 3.0, 40.0])
    exact = np.pi / 4 + delta * (np.log(delta) - 1) + loggamma(1 - 1j * delta).imag
    np.testing.assert_allclose(stokes_phase(delta), exact, atol=1e-13)
    np.testing.assert_allclose(stokes_phase(0.0), np.pi / 4)


@pytest.mark.parametrize("model", [INCOHERENT, COHERENT])
def test_single_crossing(model):
    # golden A.W2.two_level, P_LZ_local
    v = jnp.array([0.1, 0.3, 0.6, 0.9])
    expected = [0.421560669214044405, 0.166793584996119252, 0.0871985895037843732]
    P = jax.jit(jax.vmap(lambda v: model(W2(), Couplings(lam=0.209), v).P))(v)
    np.testing.assert_allclose(P, [*expected, 0.0590117474328256919], rtol=1e-12)


@pytest.mark.slow
def test_two_crossings_and_the_sign_of_the_stueckelberg_phase():
    # golden A.double_crossing: v, incoherent, sin² formula, exact
    rows = np.array(
        [
            [0.1, 0.118443056214029, 0.0935069421624468, 0.1034972801135586],
            [0.3, 0.479340351640376, 0.827912856352769, 0.8120056946999449],
            [0.7, 0.439413765519626, 0.529019580027805, 0.5726474284148071],
        ]
    )
    v, couplings = jnp.asarray(rows[:, 0]), Couplings(lam=0.15)

    def run(model):
        return jax.jit(jax.vmap(lambda v: model(Lasting(), couplings, v)))(v)

    np.testing.assert_allclose(run(INCOHERENT).P, rows[:, 1], rtol=1e-12)
    np.testing.assert_allclose(run(COHERENT).P, rows[:, 2], rtol=1e-10)
    exact = run(TwoLevelPropagation(steps=1024))
    np.testing.assert_allclose(exact.P_ad, rows[:, 3], atol=1e-9)
    # local crossings joined by phases are an approximation: 0.05 is its own error here (A.1)
    np.testing.assert_allclose(run(COHERENT).P, exact.P_ad, atol=0.05)


@pytest.mark.slow
def test_three_crossings_add_coherently():
    """The product of crossing matrices against propagation, where crossings are well separated."""
    v = jnp.linspace(0.05, 0.06, 21)
    couplings = Couplings(lam=0.05)
    exact = jax.jit(
        jax.vmap(lambda v: TwoLevelPropagation(steps=2048)(TripleCrossing(), couplings, v))
    )(v)
    found = jax.jit(jax.vmap(lambda v: COHERENT(TripleCrossing(), couplings, v)))(v)
    assert (exact.error < 1e-6).all()
    assert np.ptp(exact.P_ad) > 0.1  # the interference is there to be seen
    # the error of the approximation; a wrong sign of a phase would be off by the 0.1 above
    np.testing.assert_allclose(found.P, exact.P_ad, atol=0.03)


def test_relativistic_adiabaticity():
    couplings, K = Couplings(lam=0.209), 2.0
    result = LocalLandauZener(kinematics="relativistic")(W2(), couplings, K)
    m_B, m_chi, m = masses(W2(), couplings, result.xi[0])
    delta = m**2 * (m_B + m_chi) / 2 / (K * result.slope[0])
    np.testing.assert_allclose(result.delta[0], delta)
    np.testing.assert_allclose(result.P, 1 - np.exp(-2 * np.pi * delta))


@pytest.mark.slow
def test_no_crossing_is_said_and_harms_no_gradient():
    @jax.jit
    def run(lam, y_chi):
        couplings = Couplings(lam=lam, y_chi=y_chi)
        return COHERENT(NoCrossing(), couplings, 0.3), INCOHERENT(NoCrossing(), couplings, 0.3)

    for result in run(0.1, 1.0):
        assert result.status == Status.NO_CROSSING
        assert np.isnan(result.P)

    def total(lam, y_chi):
        return sum(result.P for result in run(lam, y_chi))

    assert np.isfinite(jax.grad(total, argnums=(0, 1))(0.1, 1.0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("model", [INCOHERENT, COHERENT])
def test_gradients(model):
    def P(at):
        lam, v, y_B, y_chi = at
        return model(Lasting(), Couplings(lam=lam, y_B=y_B, y_chi=y_chi), v).P

    at, h = jnp.array([0.15, 0.3, 1.05, 0.95]), 1e-6
    steps = h * np.concatenate([np.eye(4), -np.eye(4)])
    values = jax.jit(jax.vmap(P))(at + steps)
    slope = jax.jit(jax.grad(P))
    np.testing.assert_allclose(slope(at), (values[:4] - values[4:]) / (2 * h), rtol=1e-6, atol=1e-8)
    assert np.isfinite(slope(at.at[0].set(0.0))).all()
    assert np.isfinite(slope(at.at[1].set(1.0))).all()


def test_invalid_speed_is_said():
    assert INCOHERENT(W1(), Couplings(lam=0.1), 0.0).status == Status.INVALID_PARAMETER


@pytest.mark.skipif("JAXBOUNCE_PROFILE" not in os.environ, reason="needs the published CSV")
def test_published_wall():
    # golden A.local_LZ.cubic_spline
    wall = read_profile(os.environ["JAXBOUNCE_PROFILE"]).wall()
    P = INCOHERENT(wall, Couplings(lam=0.209), 0.3).P
    np.testing.assert_allclose(P, 0.1492808084421664, rtol=1e-8)

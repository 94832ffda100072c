import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Status
from jaxbounce.conversion.overlap import DistributedOverlap
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.profile_csv import read_profile
from walls import W2, NoCrossing


def test_overlap_of_W2_grows_with_the_span():
    # golden A.overlap.I2_W2; T = 0.12 of the published file; spans in units of ξ
    spans = jnp.array([2.0, 5.0, 10.0, 20.0])
    expected = np.array([1.82387139494186, 9.694221290713385, 24.12664636751196, 53.02662261464622])

    @jax.jit
    @jax.vmap
    def run(span):
        return DistributedOverlap(T_reh=0.12, fwhm=1.0, span=span)(W2(), Couplings(lam=0.2), 0.3)

    result = run(spans)
    np.testing.assert_allclose(result.I2, expected, rtol=5e-8)
    assert (np.abs(result.I2 - expected) < 10 * result.error_I2).all()


@pytest.mark.slow
def test_inverse_undoes_forward():
    model = DistributedOverlap(T_reh=0.3, fwhm=1.2, intervals=256)
    solved = model.coupling_for_ratio(W2(), Couplings(), 0.3, target_ratio=2.515)
    forward = model(W2(), Couplings(lam=solved.lam), 0.3)
    np.testing.assert_allclose((1 - forward.P) / forward.P, 2.515)
    np.testing.assert_allclose(forward.lam_eff, solved.lam_eff)


@pytest.mark.slow
def test_gradient_and_no_crossing():
    model = DistributedOverlap(T_reh=0.3, fwhm=1.2, intervals=256)

    @jax.jit
    def P(lam, y_chi):
        return model(W2(), Couplings(lam=lam, y_chi=y_chi), 0.3).P

    slope = jax.jit(jax.grad(P, argnums=1))(0.1, 1.0)
    numeric = (P(0.1, 1 + 1e-5) - P(0.1, 1 - 1e-5)) / 2e-5
    # turning points move over the grid: the trapezoid's own error, not the gradient's
    np.testing.assert_allclose(slope, numeric, rtol=1e-3)
    result = model(NoCrossing(), Couplings(lam=0.1), 0.3)
    assert result.status == Status.NO_CROSSING
    assert np.isnan(result.P)


@pytest.mark.skipif("JAXBOUNCE_PROFILE" not in os.environ, reason="needs the published CSV")
def test_published_wall():
    # SPEC A.2 and issue 3. The reference took E_max from the published file's first row,
    # |Φ|(1e-9) = 99/42, an artefact that the thinned file does not have.
    profile = read_profile(os.environ["JAXBOUNCE_PROFILE"])
    model = DistributedOverlap(T_reh=0.12, fwhm=profile.w_FWHM, E_max=0.6 * 99 / 42)
    result = model.coupling_for_ratio(profile.wall(), Couplings(), 0.3, target_ratio=2.515)
    np.testing.assert_allclose(result.I2, 5.642088537396266, rtol=1e-6)
    np.testing.assert_allclose(result.lam, 0.0472243, rtol=1e-6)
    np.testing.assert_allclose(result.lam_eff, 0.300745, rtol=1e-6)

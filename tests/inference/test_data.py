"""Likelihood and tension against the reference values of the specification, section H."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import jaxbounce
from jaxbounce import ConfigurationError, Part, Status
from jaxbounce.cosmology.constants import CRITICAL_DENSITY_OVER_H2, GEV_IN_KG, PROTON_MASS_KG
from jaxbounce.inference import (
    likelihood,
    log_p_value,
    n_sigma,
    ratio_and_sigma,
    ratio_tension,
    read_likelihood,
    tension,
)
from jaxbounce.model.prediction import Prediction

SEED_RHO = (4.217027705336e-28, 2.39903599679016e-27)

# per data set: σ_b, σ_c, correlation, σ(ρ_b), σ(ρ_c), σ(R); tensions of the seed's number ratio
# read as a mass ratio, of 5.688926…, of the mass ratio at m_χ = 0.95 GeV; χ² and pulls of the seed
GOLDEN = {
    "planck2018": (
        (1.4573440568376432e-4, 1.1781097996366892e-3, -0.5259244972147886),
        (2.7373899921483607e-30, 2.212892665974389e-29, 0.07701156511579096),
        (4.356016357683822, 4.214939800980557, 5.2811294654421586),
        (65.0817158326783, 0.5544518062840145, 6.553686886864906),
    ),
    "planck2018-no-lensing": (
        (1.4879511752742428e-4, 1.3661962157757574e-3, -0.5798165153732388),
        (2.7948806164822282e-30, 2.566183208988211e-29, 0.08687632579308951),
        (3.730820998584882, 3.6057636100076906, 4.550888004034484),
        (52.08336890813989, 0.6102532527813226, 5.505038484457689),
    ),
    "planck2018-montepython": (
        (1.4303408684645768e-4, 1.2039991694349295e-3, -0.5391414828164135),
        (2.6866687796373446e-30, 2.2615217467025963e-29, 0.07787081447861459),
        (4.307950798014904, 4.168430921336989, 5.222855936925048),
        (63.9324338373775, 0.5649192178632878, 6.41276417889032),
    ),
}
RATIOS = (5.699790861335879, 5.688926334903014, 5.771035269673482)


def _prediction(rho_B, rho_DM, status=Status.SUCCESS):
    nothing = jnp.asarray(jnp.nan)
    numbers = dict.fromkeys((field.name for field in dataclasses.fields(Prediction)), nothing)
    rho = {"rho_B": jnp.asarray(rho_B), "rho_DM": jnp.asarray(rho_DM)}
    ratio = rho["rho_DM"] / rho["rho_B"]
    codes = {"status": jnp.asarray(status), "failed": jnp.asarray(Part.NONE)}
    return Prediction(**{**numbers, **rho, "ratio": ratio, **codes})


@pytest.mark.parametrize("name", GOLDEN)
def test_planck_data_sets(name):
    data = likelihood(name)
    (sigma_b, sigma_c, correlation), (rho_b, rho_c, ratio), tensions, seed = GOLDEN[name]
    np.testing.assert_allclose(data.sigma, [sigma_b, sigma_c], rtol=1e-9)
    np.testing.assert_allclose(data.covariance[0, 1] / sigma_b / sigma_c, correlation, rtol=1e-9)
    np.testing.assert_allclose(data.rho_sigma, [rho_b, rho_c], rtol=1e-9)
    np.testing.assert_allclose(ratio_and_sigma(data)[1], ratio, rtol=1e-9)
    np.testing.assert_allclose(ratio_tension(data, np.array(RATIOS)), tensions, rtol=1e-9)
    found = tension(data, _prediction(*SEED_RHO))
    np.testing.assert_allclose([found.chi2, *found.pulls.values()], seed, rtol=1e-9)


def test_the_tension_of_the_published_benchmark():
    assert likelihood().name == "planck2018"
    number_ratio = 0.85074160959695855 / 0.14925839040304145
    assert float(ratio_tension(likelihood(), number_ratio)) == pytest.approx(4.356016357683822)
    mass_ratio = number_ratio * 0.95 * GEV_IN_KG / PROTON_MASS_KG
    assert float(ratio_tension(likelihood(), mass_ratio)) == pytest.approx(5.2811294654421586)
    found = tension(likelihood(), jaxbounce.predict(jaxbounce.load(preset="published")))
    assert found.chi2 == pytest.approx(65.0817158326783, rel=1e-6)
    assert found.dof == 2
    assert found.p_value == pytest.approx(math.exp(-found.chi2 / 2))


def test_densities_and_omega_say_the_same():
    data = likelihood()
    scale = CRITICAL_DENSITY_OVER_H2
    same = likelihood(
        "mine", mean=data.rho, covariance=np.asarray(data.covariance) * scale**2, units="kg/m3"
    )
    again = likelihood(
        mean=[0.02237, 0.12], sigma=np.asarray(data.sigma), correlation=GOLDEN["planck2018"][0][2]
    )
    point = _prediction(4.3e-28, 2.2e-27)
    for other in (same, again):
        assert float(other.chi2(point)) == pytest.approx(float(data.chi2(point)), rel=1e-12)
    assert same.name == "mine"
    assert read_likelihood({"name": "mine", "mean": [1, 2], "sigma": [1, 1]}).name == "mine"


def test_log_likelihood_is_a_normalised_gaussian():
    data = likelihood()
    point = _prediction(4.3e-28, 2.2e-27)
    offset = np.array([4.3e-28, 2.2e-27]) / CRITICAL_DENSITY_OVER_H2 - np.asarray(data.mean)
    covariance = np.asarray(data.covariance)
    chi2 = offset @ np.linalg.solve(covariance, offset)
    expected = -chi2 / 2 - math.log(2 * math.pi) - 0.5 * math.log(np.linalg.det(covariance))
    assert float(data.log_likelihood(point)) == pytest.approx(expected, rel=1e-12)
    one = data.only("omega_c")
    expected = -0.5 * offset[1] ** 2 / covariance[1, 1] - 0.5 * math.log(
        2 * math.pi * covariance[1, 1]
    )
    assert float(one.log_likelihood(point)) == pytest.approx(expected, rel=1e-12)


def test_a_failed_prediction_has_no_likelihood_and_no_nan_gradient():
    def log_likelihood(rho):
        return likelihood().log_likelihood(_prediction(rho, 2.2e-27, Status.NOT_FINITE))

    value, slope = jax.value_and_grad(log_likelihood)(4e-28)
    assert value == -jnp.inf
    assert slope == 0
    assert jnp.isnan(likelihood().chi2(_prediction(4e-28, 2e-27, Status.CHI_EXHAUSTED)))


@pytest.mark.parametrize("dof", [1, 2])
@pytest.mark.parametrize("chi2", [0.0, 1e-6, 0.3, 4.0, 65.0817158326783, 1e4])
def test_p_value_and_n_sigma(dof, chi2):
    # mpmath: the regularised upper incomplete gamma function, and erfc inverted by bisection
    with mpmath.workdps(30):
        tail = mpmath.gammainc(mpmath.mpf(dof) / 2, mpmath.mpf(chi2) / 2, regularized=True)
        log_tail = float(mpmath.log(tail))
        below, above = mpmath.mpf(0), mpmath.mpf(200)
        for _ in range(120):
            middle = (below + above) / 2
            if mpmath.erfc(middle / mpmath.sqrt(2)) > tail:
                below = middle
            else:
                above = middle
        sigma = float(below)
    assert float(log_p_value(chi2, dof)) == pytest.approx(log_tail, rel=1e-10, abs=1e-12)
    assert float(n_sigma(chi2, dof)) == pytest.approx(sigma, rel=1e-8, abs=1e-7)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "plank2018"}, "did you mean 'planck2018'"),
        ({"mean": [0.02, 0.12]}, "covariance and sigma: neither"),
        ({"mean": [0.02, 0.12], "sigma": [1, 1], "covariance": np.eye(2)}, "both are"),
        ({"covariance": np.eye(2)}, "mean: missing"),
        ({"mean": [0.02], "sigma": [1, 1]}, "2 finite numbers"),
        ({"mean": [0.02, -0.1], "sigma": [1, 1]}, "must be > 0"),
        ({"mean": [0.02, 0.1], "sigma": [1, 0]}, "must be > 0"),
        ({"mean": [0.02, 0.1], "sigma": [1, "x"]}, "finite numbers"),
        ({"mean": [0.02, 0.1], "sigma": [1, 1], "correlation": 1.0}, "singular"),
        ({"mean": [0.02, 0.1], "covariance": [[1, 1], [1, 1]]}, "singular"),
        ({"mean": [0.02, 0.1], "covariance": [[1, 2], [2, 1]]}, "positive definite"),
        ({"mean": [0.02, 0.1], "covariance": [[1, 0.5], [0.4, 1]]}, "symmetric"),
        ({"mean": [0.02, 0.1], "covariance": [[-1, 0], [0, 1]]}, "variances"),
        ({"mean": [0.02, 0.1], "covariance": np.eye(2), "correlation": 0.1}, "correlation"),
        ({"mean": [0.02, 0.1], "covariance": np.eye(2), "units": "g"}, "units"),
    ],
)
def test_bad_data_are_refused_in_one_line(arguments, said):
    with pytest.raises(ConfigurationError, match=said) as refusal:
        likelihood(**arguments)
    assert "\n" not in str(refusal.value)


def test_bad_tables_are_refused():
    with pytest.raises(ConfigurationError, match="unknown key"):
        read_likelihood({"means": [1, 2]})
    with pytest.raises(ConfigurationError, match="must be a name"):
        read_likelihood(3)
    with pytest.raises(ConfigurationError, match="observable"):
        likelihood().only("omega_d")
    with pytest.raises(ValueError, match="both data"):
        ratio_and_sigma(likelihood().only("omega_b"))
    with pytest.raises(ValueError, match="dof"):
        log_p_value(1.0, 0)

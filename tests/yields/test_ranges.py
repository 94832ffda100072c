"""What is legal, what contradicts the equations, and one published point that was wrong."""

import jax
import numpy as np
import pytest

import jaxbounce
from jaxbounce import Status, predict
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.percolation.area import extended_volume, scaled_area_density


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("beta_over_H", 1e-5),
        ("I_p", 1e5),
        ("source_shape_sigma_y", 1e-6),
        ("T_max_over_Tp", 1e8),
        ("Gamma_wash_power", 50.0),
    ],
)
def test_what_is_beyond_the_verified_is_refused(key, value):
    with pytest.raises(ConfigurationError, match=f"{key} = "):
        jaxbounce.load(**{key: value})


def test_the_extended_volume_of_no_legal_point_overflows():
    """At the largest of I_p and y it is a float32."""
    y_max = jaxbounce.parameters.RANGES["y_max"].upper
    largest = jaxbounce.parameters.RANGES["I_p"].upper
    exact = largest * np.exp(y_max)
    assert exact < np.finfo(np.float32).max
    np.testing.assert_allclose(extended_volume(y_max, largest), exact, rtol=1e-12)


def test_late_wall_areas_are_right():
    """Nothing is cut off on the way: F(u) → 0.30635 (24/u)^{3/4} gives A/V ∝ u^{1/4} at u = e^300.

    And at e^800, where u itself is infinite.

    SPEC C.3: (A/V) v/β = 1.6609334814 u^{1/4} − 3/5 − ….
    """
    y = np.array([90.0, 300.0, 800.0])
    found = scaled_area_density(y, 1.0, "eq6")
    np.testing.assert_allclose(found, 1.6609334814 * np.exp(y / 4) - 0.6, rtol=1e-9)
    assert (scaled_area_density(y, 1.0, "kjma") == 0).all()
    slopes = jax.vmap(
        jax.grad(lambda y, I_p: scaled_area_density(y, I_p, "kjma"), (0, 1)), (0, None)
    )
    np.testing.assert_array_equal(slopes(y, 1.0), 0.0)
    assert np.isinf(extended_volume(800.0, 1.0))


WASHED = {
    "m_chi_GeV": 7.777227348358765e-06,
    "T_p_GeV": 0.0370943801579626,
    "beta_over_H": 15.264168716692573,
    "v_w": 0.00018093953093400387,
    "I_p": 12.506463350922052,
    "g_star": 11.299176310942851,
    "g_star_s": 69.15432152742888,
    "g_chi": 11.192024069009257,
    "P_chi_to_B": 0.0006923688207284182,
    "incident_flux_scale": 3.849932797477827e-05,
    "source_shape_sigma_y": 449.69927345577474,
    "Y_chi_init": 1.329187183705126e-05,
    "Gamma_wash_over_H": 7.621069600768981e-05,
    "Gamma_wash_power": -2.70863131075999,
    "T_max_over_Tp": 58.096240363073,
    "area_kernel": "kjma",
    "chi_stats": "boson",
}


@pytest.mark.slow
def test_washout_at_the_hot_end():
    """A field case (boltzmann_washout_error_above_estimate): log-space integral, SciPy Radau."""
    result = predict(jaxbounce.load(WASHED))
    assert result.status == Status.SUCCESS
    np.testing.assert_allclose(result.Y_B, 1.64472353e-6, rtol=1e-8)
    assert abs(result.Y_B / 1.64472353e-6 - 1) < result.error_estimate + 4e-9
    # one limit for both paths, and a setting
    strict = predict(jaxbounce.load(WASHED, error_limit=1e-9))
    assert strict.status == Status.QUADRATURE_NOT_CONVERGED
    assert np.isnan(strict.Y_B)


@pytest.mark.slow
def test_a_start_in_an_equilibrium_that_annihilation_cannot_have_kept():
    """m/T_max = 50 and λ Y_eq ~ 1e-14: Y_eq(T_max) is no abundance, whatever its digits."""
    point = {
        "m_chi_GeV": 1000.0,
        "T_p_GeV": 1.0,
        "beta_over_H": 100.0,
        "v_w": 0.3,
        "sigma_v_chi_GeV_m2": 1e-9,
        "P_chi_to_B": 0.1,
        "regime": "thermal",
        "area_kernel": "kjma",
        "T_max_over_Tp": 20.0,
    }
    result = predict(jaxbounce.load(point))
    assert result.status == Status.NEVER_IN_EQUILIBRIUM
    assert np.isnan(result.Y_chi)
    # hot enough it is one: m/T_max = 10
    assert predict(jaxbounce.load(point, T_max_over_Tp=100.0)).status == Status.SUCCESS

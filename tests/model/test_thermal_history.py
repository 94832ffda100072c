"""Densities where g_* changes with temperature."""

import numpy as np
import pytest

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError

# Y_B of the benchmark's inputs, exact equilibrium, from two codes: panels in y with Newton's T(y),
# and DOP853 of (ln T, Y) in y; they agree to 5e-10, and to 3e-8 at T_p = 0.15 GeV
YIELDS = [
    (100.0, 100.0, "kjma", "none", "static", 5.506541472006448e-13, 5e-10),
    (100.0, 10.0, "eq6", "gaussian", "static", 2.1203253801498934e-10, 5e-10),
    (1.0, 10.0, "kjma", "none", "moving-wall", 1.0997640753600395e-12, 5e-10),
    (0.15, 10.0, "eq6", "gaussian", "static", 3.5996376799630817e-13, 3e-8),
]


@pytest.mark.slow
@pytest.mark.parametrize(("T_p", "B", "kernel", "window", "flux", "Y_B", "tolerance"), YIELDS)
def test_yields_are_those_of_two_codes(T_p, B, kernel, window, flux, Y_B, tolerance):
    model = jb.load(
        g_star="standard-model",
        T_p_GeV=T_p,
        beta_over_H=B,
        area_kernel=kernel,
        window=window,
        flux=flux,
        equilibrium="exact",
    )
    found = jb.check(jb.predict(model))
    np.testing.assert_allclose(found.Y_B, Y_B, rtol=tolerance)
    assert abs(float(found.Y_B) / Y_B - 1) < float(found.error_estimate) + tolerance


@pytest.mark.slow
def test_table_of_constants_is_constant():
    T = np.geomspace(1e-2, 1e3, 50)
    table = {"T_GeV": list(T), "g_star": [90.0] * 50, "g_star_s": [80.0] * 50}
    found = jb.predict(jb.load(g_star=table))
    expected = jb.predict(jb.load(g_star=90.0, g_star_s=80.0))
    np.testing.assert_allclose(found.Y_B, expected.Y_B, rtol=1e-12)
    beyond = jb.predict(jb.load(g_star=table, T_p_GeV=2e3))
    assert jb.Status(int(beyond.status)) == jb.Status.BEYOND_G_STAR_TABLE
    assert np.isnan(beyond.Y_B)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"g_star": "standard-modell"}, "did you mean 'standard-model'"),
        ({"g_star": "standard-model", "g_star_s": 80.0}, "leave g_star_s out"),
        ({"g_star": {"T_GeV": [1.0]}}, "missing"),
        ({"hidden_sector": {"xi": 0.5, "conserved": "seperate"}}, "did you mean"),
        ({"hidden_sector": {"xi": 20.0, "species": [{}]}}, r"\(0, 10\]"),
    ],
)
def test_bad_histories_are_refused_in_a_line(keys, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        jb.load(**keys)
    assert "\n" not in str(caught.value)

"""Densities where g_* changes with temperature."""

import itertools

import clock_reference
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yield_reference
from scipy.special import gammainc
from tiers import long_but

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli.run import _uncertainty
from jaxbounce.cosmology import StandardModel
from jaxbounce.files.point import BENCHMARK, configure

POINTS = ((100.0, 100.0), (100.0, 10.0), (1.0, 10.0), (0.15, 10.0))
"""T_p and β/H."""

# Y_B of the benchmark's inputs there, exact equilibrium, from two codes: panels in y with Newton's
# T(y), and DOP853 of (ln T, Y) in y; they agree to 5e-10, and to 3e-8 at T_p = 0.15 GeV
YIELDS = {
    ("eq6", "gaussian", "static"): (
        1.941381745288099e-10,
        2.1203253801498934e-10,
        1.436281936863813e-10,
        3.5996376799630817e-13,
    ),
    ("kjma", "gaussian", "static"): (
        5.44333360674263e-13,
        5.448869577186812e-13,
        6.157950535172816e-13,
        3.0284931029143406e-14,
    ),
    ("kjma", "none", "static"): (
        5.506541472006448e-13,
        5.509382166035405e-13,
        6.226562995930726e-13,
        3.078906966766693e-14,
    ),
    ("kjma", "none", "moving-wall"): (
        9.306129680359522e-13,
        9.310937268919244e-13,
        1.0997640753600395e-12,
        7.32343578823631e-14,
    ),
}


def _model(kernel, window, flux, **keys):
    choices = {"area_kernel": kernel, "window": window, "flux": flux}
    return jb.load(g_star="standard-model", equilibrium="exact", **choices, **keys)


@pytest.mark.slow
@pytest.mark.parametrize("choices", YIELDS)
def test_yields_are_those_of_two_codes(choices):
    model, (T_p, B) = _model(*choices), jnp.array(POINTS).T
    found = jax.vmap(lambda T, b: jb.predict(model.replace(T_p=T, beta_over_H=b)))(T_p, B)
    assert (found.status == jb.Status.SUCCESS).all()
    off = np.abs(np.asarray(found.Y_B) / np.array(YIELDS[choices]) - 1)
    tolerance = np.array([5e-10, 5e-10, 5e-10, 3e-8])
    np.testing.assert_array_less(off, tolerance)
    assert (np.asarray(found.error_estimate) < 1e-8).all()


# ∂ln Y_B/∂ln T_p and ∂ln Y_B/∂ln β/H at T_p, β/H: central differences with a step of 1e-3
ELASTICITIES = {
    (100.0, 100.0): (-0.07384594129034178, -0.0003562316781582806),
    (1.0, 100.0): (0.2525507016337314, 0.0011826896516716494),
    (100.0, 10.0): (-0.07921009302427456, 0.00916907354441599),
}


@pytest.mark.slow
def test_elasticities():
    """The same differences, to their digits, and derivatives, to what differences leave out."""
    model = _model("kjma", "none", "static")

    def log_yield(x):
        p = {"T_p": jnp.exp(x[0]), "beta_over_H": jnp.exp(x[1])}
        return jnp.log(jb.predict(model.replace(**p)).Y_B)

    run, slopes = jax.jit(log_yield), jax.jit(jax.grad(log_yield))
    for point, expected in ELASTICITIES.items():
        at = jnp.log(jnp.array(point))
        for i in range(2):
            found = {}
            for h in (1e-3, 1e-4):
                step = jnp.zeros(2).at[i].set(h)
                found[h] = float(run(at + step) - run(at - step)) / (2 * h)
            # a step of 1e-3 in the value, or in its logarithm: they differ by its square
            np.testing.assert_allclose(found[1e-3], expected[i], atol=2e-7)
            np.testing.assert_allclose(slopes(at)[i], found[1e-4], rtol=1e-6, atol=1e-9)


T_JOINTS = 0.12 * np.exp([-0.1, 0.1])


def _table():
    """Eight rows a decade of the Standard Model, T = 0.13 GeV among them."""
    T = 0.13 * 10.0 ** (np.arange(-24, 24) / 8)
    g = jax.vmap(StandardModel().values)(jnp.log(T))
    return {"T_GeV": T.tolist(), "g_star": g[0].tolist(), "g_star_s": g[1].tolist()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degrees", "equations"),
    long_but(
        itertools.product(["standard-model", "table"], ["quadrature", "boltzmann"]),
        ("standard-model", "quadrature"),
    ),
)
def test_gradients_across_joints(degrees, equations):
    """Both modes against differences, T_p at the ends of the blend and within, or at a knot."""
    keys = {"m_chi_GeV": 0.4, "dark_matter": "input", "beta_over_H": 10.0}
    if equations == "boltzmann":
        keys |= {"Gamma_wash_over_H": 0.4, "Gamma_wash_power": 0.7, "sigma_v_chi_GeV_m2": 3e-13}
        keys |= {"regime": "nonthermal", "deplete_DM_from_source": True, "Y_chi_init": 1e-4}
    g_star = degrees if degrees == "standard-model" else _table()
    model = jb.load(preset="exact", **keys, g_star=g_star)
    names = ("T_p", "beta_over_H", "m_chi")

    def log_yields(x):
        found = jb.predict(model.replace(**dict(zip(names, x, strict=True))))
        return jnp.log(found.Y_B) + 0.3 * jnp.log(found.Y_chi)

    forward_model = model.choose(derivatives="forward") if equations == "boltzmann" else model

    def forwards(x):
        found = jb.predict(forward_model.replace(**dict(zip(names, x, strict=True))))
        return jnp.log(found.Y_B) + 0.3 * jnp.log(found.Y_chi)

    run, reverse = jax.jit(log_yields), jax.jit(jax.grad(log_yields))
    direction = jnp.array([0.1, 3.0, -0.2])
    forward = jax.jit(lambda x: jax.jvp(forwards, (x,), (direction,))[1])
    temperatures = (*T_JOINTS, 0.12) if degrees == "standard-model" else (0.13,)
    for T_p in temperatures:
        at = jnp.array([T_p, 10.0, 0.4])
        np.testing.assert_allclose(reverse(at) @ direction, forward(at), rtol=1e-8)
        for i in range(3):
            # the third derivative jumps at a joint: steps on one side do not meet it twice
            step = jnp.zeros(3).at[i].set(2e-5 * at[i])
            slope = (run(at + step) - run(at - step)) / (2 * step[i])
            np.testing.assert_allclose(reverse(at)[i], slope, rtol=1e-6)


# Y after freeze-out of a Majorana gas with ⟨σv⟩ = 2.2e-26 cm³/s, H with the prefactor 1.66, by
# Radau and BDF, which agree to 2e-6
FREEZE_OUT = {
    0.3: 2.899222644e-09,
    1.0: 8.265969893e-10,
    5.0: 1.083996419e-10,
    10.0: 4.716462326e-11,
    100.0: 4.188632365e-12,
    1000.0: 4.323790434e-13,
}


@pytest.mark.slow
def test_freeze_out_of_six_masses():
    keys = {"chi_stats": "classical", "P_chi_to_B": 0.0, "regime": "thermal", "Y_chi_init": None}
    keys |= {"sigma_v_chi_GeV_m2": 2.2e-26 / 1.16733e-17, "T_max_over_Tp": 3.0}
    keys |= {"temperature_range": "published"}
    model = jb.load(g_star="standard-model", equilibrium="exact", **keys)
    mass = jnp.array(list(FREEZE_OUT))
    # both codes end at m/T = 1e5, or 3e4, where annihilation has not quite
    last = 30 / jnp.where(mass > 1, 1e5, 3e4)
    found = jax.vmap(
        lambda m, end: jb.predict(model.replace(m_chi=m, T_p=m / 30, T_min_over_Tp=end))
    )(mass, last)
    assert (found.status == jb.Status.SUCCESS).all()
    np.testing.assert_allclose(found.Y_chi, list(FREEZE_OUT.values()), rtol=5e-6)


@pytest.mark.slow
def test_published_grid_in_numpy():
    """Trapezoid on 8000 y and 1200 z, T(y) by Newton's method on an integral of its own."""
    model = jb.load(g_star="standard-model", quadrature="published", equilibrium="exact")
    found = jb.predict(model.replace(T_p=0.15, beta_over_H=10.0))
    p = {"T_p": 0.15, "beta_over_H": 10.0, "T_max_over_Tp": 5.0, "T_min_over_Tp": 1e-3}
    clock = clock_reference.Clock(p)
    hot, cold = clock.range
    y = np.linspace(clock.time(np.array([hot]))[0], 50.0, 8000)
    n = np.clip(np.log(np.maximum(1 + 2 * y / 10.0, 1e-3)) / 2, hot, cold)
    for _ in range(40):
        step = (y - clock.time(n)) / (10.0 * np.exp(2 * n) * clock.rate(n)[0])
        n = np.clip(n + np.clip(step, -0.3, 0.3), hot, cold)
    z = np.linspace(0.0, 30.0, 1200)
    volume = 0.34 * np.exp(y)
    inner = z**2 * np.exp(-z - volume[:, None] * gammainc(4, z))
    area = volume / 2 * np.trapezoid(inner, z, axis=1) * np.exp(-((y / 9.0) ** 2) / 2)
    flux = np.exp(yield_reference.log_flux(0.95 / 0.15 * np.exp(n), None, "fermion"))
    total = np.trapezoid(area * flux / clock.rate(n)[1], y)
    scale = float(model.value("P") * model.value("f_chi")) / 0.3
    expected = scale * 45 * 2 / (4 * np.pi**4 * clock.at_Tp[1]) * total
    np.testing.assert_allclose(found.Y_B, expected, rtol=1e-11)


def _flat(**more):
    return {
        "T_GeV": list(np.geomspace(70, 140, 10)),
        "g_star": [90] * 10,
        "g_star_s": [80] * 10,
    } | more


def test_the_uncertainty_of_degrees_of_freedom_is_said():
    """By the fit, by a table, or that it is not stated; constants have none to state."""

    def said(g_star):
        return _uncertainty(configure({**BENCHMARK, "g_star": g_star}).table["g_star"], 100.0) or ""

    assert "about 0.6 %" in said("standard-model")
    # linear in ln T from 1 % at 70 GeV to 3 % at 140 GeV
    stated = said(_flat(uncertainty=list(np.linspace(0.01, 0.03, 10))))
    assert f"{1 + 2 * np.log(100 / 70) / np.log(2):.2g} % by its table" in stated
    assert "not stated" in said(_flat())
    assert not said(90.0)


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
        ({"g_star": _flat(uncertainty=[0.1])}, "uncertainty has 1 rows and T_GeV 10"),
        ({"g_star": _flat(uncertainty=[0.1] * 9 + [2.0])}, r"= 2 in row 10: must be in \[0, 1\]"),
    ],
)
def test_bad_histories_are_refused_in_a_line(keys, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        jb.load(**keys)
    assert "\n" not in str(caught.value)

"""Yields with the wall area of a nucleation history."""

import dataclasses
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from tiers import long_but

import jaxbounce as jb
from jaxbounce import Status
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cosmology.gas import flux_integral
from jaxbounce.percolation import GivenArea, area_history, nucleation_history
from jaxbounce.yields import flux_over_entropy

EXPONENTIAL = {"rate": "exponential", "expansion": False}


def _both(nucleation=EXPONENTIAL, **keys):
    model = jb.load(preset="exact", nucleation=nucleation, **keys)
    return jb.predict(model), jb.predict(model.choose(area_kernel="history"))


@pytest.mark.slow
@pytest.mark.parametrize("window", ["none", pytest.param("gaussian", marks=pytest.mark.slow)])
def test_an_exponential_rate_gives_the_yields_of_kjma(window):
    for mass in (0.95, 300.0):
        kjma, history = _both(window=window, m_chi_GeV=mass)
        assert Status(int(history.status)) is Status.SUCCESS
        np.testing.assert_allclose(history.Y_B, kjma.Y_B, rtol=1e-12)
        assert float(history.error_estimate) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("window", "g_star"),
    long_but(itertools.product(["none", "gaussian"], [106.75, "standard-model"]), ("none", 106.75)),
)
def test_so_do_the_boltzmann_equations(g_star, window):
    # a yield that is followed: no f_χ n_eq is kept beside annihilation
    given = {"dark_matter": "input", "coupling": "self-consistent", "Y_chi_init": 4e-12}
    for mass in (0.95, 300.0):
        keys = given | {"m_chi_GeV": mass, "sigma_v_chi_GeV_m2": 1e-10, "Gamma_wash_over_H": 0.1}
        kjma, history = _both(window=window, g_star=g_star, **keys)
        assert Status(int(history.status)) is Status.SUCCESS
        np.testing.assert_allclose(history.Y_B, kjma.Y_B, rtol=1e-12)
        # 1.6e-9 apart, more than both errors stated, while the joints of g_*(T) cut the solve
        # only where there are walls
        np.testing.assert_allclose(history.Y_chi, kjma.Y_chi, rtol=1e-12)
        assert 0 < float(history.error_estimate) < 1e-8


@pytest.mark.long
def test_an_exponential_rate_on_a_clock():
    kjma, history = _both(g_star="standard-model", T_p_GeV=0.5, beta_over_H=30.0)
    np.testing.assert_allclose(history.Y_B, kjma.Y_B, rtol=1e-12)


@pytest.mark.slow
def test_all_bubbles_at_once_by_scipy():
    """Y_B = P f/v_w ∫ (J/s) A W dy, A = I_p (1 + y/3)² e^{−I_p (1 + y/3)³}, for m > T."""
    nucleation = {"rate": "simultaneous", "expansion": False}
    p = jb.load(preset="exact", m_chi_GeV=300.0, window="gaussian").parameters
    _, found = _both(nucleation, m_chi_GeV=300.0, window="gaussian")
    flux = jax.jit(
        lambda x: flux_over_entropy(flux_integral(x, 0.3, "fermion", "exact"), 2.0, 106.75)
    )

    def integrand(y):
        volume = 0.34 * (1 + y / 3) ** 3
        area = 0.34 * (1 + y / 3) ** 2 * np.exp(-volume)
        return float(flux(3 * np.sqrt(1 + y / 50))) * area * np.exp(-((y / 9) ** 2) / 2)

    parts = (quad(integrand, *ends, epsabs=0, epsrel=1e-12)[0] for ends in ((-3, 3), (3, 14)))
    expected = float(p.P * p.f_chi / p.v_w) * sum(parts)
    np.testing.assert_allclose(found.Y_B, expected, rtol=1e-10)


@pytest.mark.slow
def test_bubbles_born_with_a_radius_convert_less():
    """Massless χ sees the swept fraction alone (specification C.6)."""
    keys = {"m_chi_GeV": 0.0, "dark_matter": "input"}
    kjma, history = _both(EXPONENTIAL | {"initial_radius": 0.3}, **keys)
    np.testing.assert_allclose(history.Y_B / kjma.Y_B, 0.99666543164134865, rtol=1e-12)


@eqx.filter_jit
def _thermal(last):
    """S₃/T = 3.9/(1 − T/120)² with t in 1/H_p from T_p on; ln Γ at T_p is fixed by I = 0.34."""
    T_p = 98.630986875922904

    def log_rate(t, offset):
        T = T_p / jnp.sqrt(1 + 2 * t)
        action = 3.9 / (1 - T / 120) ** 2
        return offset + 4 * jnp.log(T) + 1.5 * jnp.log(action / (2 * jnp.pi)) - action

    def history(offset):
        edges = jnp.linspace(((T_p / 103.5) ** 2 - 1) / 2, last, 60)
        expanding = {"scale_factor": lambda t, _: jnp.sqrt(1 + 2 * t)}
        return nucleation_history(log_rate, edges, 0.3, args=offset, **expanding)

    offset = jnp.log(0.34 / history(jnp.asarray(100.0)).extended_volume(0.0)) + 100.0
    return area_history(history(offset), 0.0, 1117.4700063670329676, 0.3)


def _given(area, **keys):
    model = jb.load(preset="exact", T_p_GeV=98.630986875922904, beta_over_H=1117.47, **keys)
    choices = dataclasses.replace(model.choices, area_kernel="history")
    return dataclasses.replace(model, stages=(GivenArea(area),), choices=choices)


@pytest.mark.slow
def test_the_history_of_a_transition():
    """Curvature and expansion make 6 % at T_p (specification C.6), and nothing in the sum."""
    area = _thermal(0.01)
    ratio = area.scaled(0.0) / (0.34 * np.exp(-0.34))
    np.testing.assert_allclose(ratio, 1.0595148262380698987, rtol=1e-9)
    found, kjma = jb.predict(_given(area)), jb.predict(_given(area).choose(area_kernel="kjma"))
    assert Status(int(found.status)) is Status.SUCCESS
    # the flux is that of a mass ≪ T: J/s is the same at all times
    np.testing.assert_allclose(found.Y_B, kjma.Y_B, rtol=1e-6)


def _action(T):
    """S₃/T of specification C.6."""
    return 3.9 / (1 - T / 120) ** 2


@pytest.mark.slow
def test_a_rate_over_temperature_from_a_file(tmp_path):
    """The 6 % of curvature and expansion, from S₃/T in a file; T_p and β/H are those of C.6."""
    T = np.linspace(94.0, 103.5, 65)
    rows = "\n".join(f"{a!r},{_action(a)!r}" for a in T.tolist())
    (tmp_path / "action.csv").write_text(f"T_GeV,S3_over_T\n{rows}\n", encoding="utf-8")
    nucleation = {"rate": str(tmp_path / "action.csv")}
    keys = {"T_p_GeV": 98.630986875922904, "beta_over_H": 1117.4700063670329676}
    model = jb.load(preset="exact", area_kernel="history", nucleation=nucleation, **keys)

    @jax.jit
    def run(knots, T_p):
        stage: Any = model.stages[0]
        rate = eqx.tree_at(lambda r: r.knots, stage.rate, knots)
        moved = dataclasses.replace(model, stages=(type(stage)(rate),)).replace(T_p=T_p)
        found = moved.known()
        return found.values["area"].scaled(0.0), found.status

    stage: Any = model.stages[0]
    np.testing.assert_allclose(stage.rate.beta_over_H(keys["T_p_GeV"]), 1117.47000637, rtol=1e-6)
    area, status = run(stage.rate.knots, keys["T_p_GeV"])
    assert Status(int(status)) is Status.SUCCESS
    np.testing.assert_allclose(area / (0.34 * np.exp(-0.34)), 1.0595148262380698987, rtol=1e-9)
    # rows that begin or end while bubbles nucleate, or not at T_p at all: never a guess
    for factor in (0.956, 1.045, 1.2):
        _, status = run(stage.rate.knots, keys["T_p_GeV"] * factor)
        assert Status(int(status)) is Status.AFTER_THE_HISTORY


@pytest.mark.slow
def test_a_history_that_ends_too_early_says_so():
    found = jb.predict(_given(_thermal(0.001)))
    assert Status(int(found.status)) is Status.AFTER_THE_HISTORY
    assert np.isnan(found.Y_B)


@pytest.mark.slow
def test_a_rate_that_is_not_resolved_withholds_its_yields_alone():
    model = jb.load(preset="exact", area_kernel="history", nucleation=EXPONENTIAL)
    curvatures = jnp.array([0.01, jnp.nan, 0.1, 200.0])
    found = jax.jit(jax.vmap(lambda b: jb.predict(model.replace(curvature=b))))(curvatures)
    good = np.array([True, False, True, False])
    np.testing.assert_array_equal(found.status == Status.SUCCESS, good)
    np.testing.assert_array_equal(found.status == Status.INVALID_PARAMETER, ~good)
    np.testing.assert_array_equal(np.isfinite(found.Y_B), good)


NAMES = {
    "exponential": {"curvature": 0.05, "initial_radius": 0.2, "I_p": 0.34, "beta_over_H": 100.0},
    "gaussian": {"width": 0.7, "nucleation_time": -2.5, "initial_radius": 0.0},
    "simultaneous": {"nucleation_time": -3.0, "initial_radius": 0.4, "I_p": 0.5},
}


@pytest.mark.slow
@pytest.mark.parametrize("rate", long_but(NAMES, "exponential"))
def test_gradients(rate):
    """jvp and vjp against central differences, the window there so that the shape counts."""
    model = jb.load(
        preset="exact", window="gaussian", area_kernel="history", nucleation={"rate": rate}
    )
    names = tuple(NAMES[rate])

    @jax.jit
    def log_yield(values):
        return jnp.log(jb.predict(model.replace(**dict(zip(names, values, strict=True)))).Y_B)

    at = jnp.array(list(NAMES[rate].values()))
    reverse, forward = jax.jit(jax.grad(log_yield))(at), jax.jit(jax.jacfwd(log_yield))(at)
    np.testing.assert_allclose(reverse, forward, rtol=1e-9, atol=1e-13)
    for i, value in enumerate(at):
        step = jnp.zeros_like(at).at[i].set(1e-4 * max(float(value), 0.5))
        # at a radius of 0 there is no other side
        if float(value) == 0:
            ahead = [log_yield(at + k * step) for k in (0, 1, 2)]
            slope = (-3 * ahead[0] + 4 * ahead[1] - ahead[2]) / (2 * step[i])
        else:
            slope = (log_yield(at + step) - log_yield(at - step)) / (2 * step[i])
        np.testing.assert_allclose(reverse[i], slope, rtol=2e-5, atol=1e-9)
        assert abs(float(reverse[i])) > 1e-8


# β/H of specification C.6 at 100 GeV: T dS/dT − 4 − ¾ T dS/dT/S…, 1390 or so, not 100
_ROWS = [94.0 + k for k in range(10)]

BAD = {
    "a number": (3.0, "nucleation = 3.0: must be a table"),
    "an unknown rate": ({"rate": "gausian"}, "did you mean .gaussian"),
    "a file of no kind": ({"rate": "rate.png"}, "nucleation.rate"),
    "a key of another rate": ({"rate": "gaussian", "curvature": 0.1}, 'but with "exponential"'),
    "an unknown key": ({"rate": "gaussian", "widht": 0.1}, "did you mean 'width'"),
    "out of range": ({"curvature": 1e3}, r"nucleation.curvature = 1000: must be in \["),
    "a negative radius": ({"initial_radius": -1.0}, "nucleation.initial_radius"),
    "no flag": ({"expansion": "no"}, "nucleation.expansion"),
    "a missing column": ({"rate": {"y": [-1, 0, 1]}}, "log_rate: missing"),
    "a column of S3/T alone": ({"rate": {"S3_over_T": [1.0]}}, "rate.T_GeV: missing"),
    "few rows of S3/T": (
        {"rate": {"T_GeV": [1.0, 2.0], "S3_over_T": [9.0, 8.0]}},
        "2 rows; a table needs at least 8",
    ),
    "rows of S3/T twice": (
        {"rate": {"T_GeV": [1, 2, 3, 3, 4, 5, 6, 7], "S3_over_T": [9.0] * 8}},
        "T_GeV = 3 stands beside 3",
    ),
    "S3/T without expansion": (
        {
            "rate": {"T_GeV": list(range(1, 9)), "S3_over_T": [9.0] * 8},
            "expansion": False,
        },
        "needs the expansion that cools",
    ),
    "S3/T of another beta/H": (
        {"rate": {"T_GeV": _ROWS, "S3_over_T": [3.9 / (1 - T / 120) ** 2 for T in _ROWS]}},
        r"beta_over_H = 100: contradicts nucleation.rate, which has 13\d\d",
    ),
    "a strange column": ({"rate": {"y": [], "z": []}}, "nucleation.rate.z"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line(what):
    written, message = BAD[what]
    with pytest.raises(ConfigurationError, match=message) as caught:
        jb.load(area_kernel="history", nucleation=written)
    assert "\n" not in str(caught.value)


def test_the_kernel_needs_its_history():
    with pytest.raises(ConfigurationError, match="add a table nucleation"):
        jb.load(area_kernel="history")


def test_a_table_from_a_file(tmp_path):
    y = np.linspace(-60.0, 60.0, 13)
    rows = "\n".join(f"{a:g},{a + 3:g}" for a in y)
    (tmp_path / "rate.csv").write_text(f"y,log_rate\n{rows}\n", encoding="utf-8")
    point = jb.files.point.configure(
        None, "exact", {"nucleation": {"rate": str(tmp_path / "rate.csv"), "expansion": False}}
    )
    assert point.as_mapping()["nucleation"]["rate"]["y"] == y.tolist()
    changes = {"nucleation.rate": str(tmp_path / "rate.csv"), "nucleation.expansion": False}
    put = jb.files.point.configure(None, "exact", changes)
    assert put.as_mapping()["nucleation"] == point.as_mapping()["nucleation"]
    (tmp_path / "bad.csv").write_text("y,log_rate\n-1,a\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 2 has no number"):
        jb.load(nucleation={"rate": str(tmp_path / "bad.csv")})


def test_unused_parameters_say_why():
    model = jb.load(preset="exact", nucleation=EXPONENTIAL)
    assert model.why_unused("curvature") == 'used by area_kernel = "history" only'
    assert model.choose(area_kernel="history").why_unused("curvature") is None

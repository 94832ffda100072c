"""The whole chain: presets, batches, statuses, precision, compilation."""

import json
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbounce
from jaxbounce import Choices, Model, Status, load, predict
from jaxbounce.files.point import BENCHMARK
from jaxbounce.parameters import PRESETS, RANGES
from jaxbounce.yields import converted_fraction
from problems import FLOAT32_CHOICES, YIELD_CASES


def test_published_preset_reproduces_the_published_numbers():
    result = predict(load(BENCHMARK, preset="published"))
    assert result.status == Status.SUCCESS
    np.testing.assert_allclose(result.Y_B, 8.720885362714675e-11, rtol=1e-8)
    np.testing.assert_allclose(result.rho_B, 4.217027705336e-28, rtol=1e-8)
    np.testing.assert_allclose(result.rho_DM, 2.39903599679016e-27, rtol=1e-13)
    np.testing.assert_allclose(result.ratio, 5.688926, rtol=1e-7)
    # and says how far its grids are from the integral: 1 − 1.80508/0.872089
    np.testing.assert_allclose(result.error_estimate, 1.0698, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("case", YIELD_CASES, ids=lambda case: case.name)
def test_yield_cases(case):
    model = load(case.table, preset="published")
    np.testing.assert_allclose(predict(model).Y_B, case.published, rtol=1e-8)
    converged = predict(model.choose(quadrature="gauss-legendre"))
    np.testing.assert_allclose(converged.Y_B, case.eq6, rtol=1e-9)
    exact = predict(model.choose(quadrature="gauss-legendre", area_kernel="kjma"))
    np.testing.assert_allclose(exact.Y_B, case.kjma, rtol=1e-9)
    assert converged.error_estimate < 1e-8


def _mixed_batch(count, seed=5):
    rng = np.random.default_rng(seed)

    def log(low, high):
        return jnp.asarray(10 ** rng.uniform(low, high, count))

    model = load(BENCHMARK)
    values = {
        "m_chi": log(-2, 3).at[::50].set(0.0),
        "T_p": log(0, 4),
        "beta_over_H": log(0.5, 4.5),
        "v_w": jnp.asarray(rng.uniform(0.01, 0.99, count)),
        "I_p": log(-2, 0.7),
        "P": jnp.asarray(rng.uniform(0, 1, count)).at[1::50].set(0.0).at[2::50].set(1.0),
        "f_chi": log(-12, 0),
        "sigma_y": log(-0.5, 1.3),
    }
    return {n: jnp.broadcast_to(getattr(model.parameters, n), (count,)) for n in RANGES} | values


def _at(leaves, choices):
    return Model(jaxbounce.Parameters(**leaves), choices)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["benchmark", "exact"])
def test_a_batch_of_mixed_points_equals_single_points(preset):
    choices = Choices(**PRESETS[preset])
    leaves = _mixed_batch(1000)
    batch = jax.vmap(lambda p: predict(_at(p, choices)))(leaves)
    known = {Status.SUCCESS, Status.UNDERFLOW, Status.CHI_EXHAUSTED}
    assert set(np.unique(batch.status)) <= {int(s) for s in known}
    good = np.asarray(batch.status) == Status.SUCCESS
    assert good.mean() > 0.5
    assert np.all(np.isfinite(np.asarray(batch.rho_B)[good]))
    for i in np.flatnonzero(good)[::40]:
        single = predict(_at({n: v[i] for n, v in leaves.items()}, choices))
        np.testing.assert_allclose(batch.Y_B[i], single.Y_B, rtol=1e-12)
        np.testing.assert_allclose(batch.rho_DM[i], single.rho_DM, rtol=1e-12)


@pytest.mark.slow
def test_one_bad_point_does_not_disturb_its_neighbours():
    choices = Choices(**PRESETS["benchmark"])
    good = _mixed_batch(64)
    clean = jax.vmap(lambda p: predict(_at(p, choices)))(good)
    bad = dict(good)
    for name, value in (("v_w", 1.5), ("m_chi", np.nan), ("I_p", -1.0), ("sigma_y", 0.0)):
        index = list(good).index(name)
        bad[name] = bad[name].at[index].set(value)
    spoiled = [list(good).index(n) for n in ("v_w", "m_chi", "I_p", "sigma_y")]
    mixed = jax.vmap(lambda p: predict(_at(p, choices)))(bad)
    slopes = jax.vmap(jax.grad(lambda p: predict(_at(p, choices)).rho_B))(bad)
    others = np.setdiff1d(np.arange(64), spoiled)
    np.testing.assert_array_equal(np.asarray(mixed.rho_B)[others], np.asarray(clean.rho_B)[others])
    for i in spoiled:
        assert mixed.status[i] == Status.INVALID_PARAMETER
        assert np.isnan(mixed.rho_B[i])
        assert np.isnan(mixed.Y_chi[i])
    for name in RANGES:
        assert np.all(np.isfinite(np.asarray(slopes[name])[others])), name


def test_new_values_do_not_recompile():
    counted = eqx.filter_jit(
        eqx.debug.assert_max_traces(lambda model: predict(model).rho_B, max_traces=1)
    )
    # whatever type a value comes in: Python, NumPy, JAX, integer, from a file or replaced
    for value in (0.1, np.float64(0.2), jnp.asarray(0.7), 0.25):
        model = load(BENCHMARK, beta_over_H=float(100 * value), g_chi=2)
        counted(model.replace(v_w=value, m_chi=value * 10))
        counted(model.replace(P=1, g_star=np.int64(100)))


@pytest.mark.slow
def test_dark_matter_options():
    model = load(BENCHMARK, preset="exact")
    given = predict(model.choose(dark_matter="input"))
    np.testing.assert_allclose(given.Y_chi, 4.9e-10, rtol=1e-15)
    once = predict(model.choose(dark_matter="swept-once"))
    P = BENCHMARK["P_chi_to_B"]
    np.testing.assert_allclose(once.Y_chi / once.Y_B, (1 - P) / P, rtol=1e-14)
    open_ = predict(model)
    # n_eq/s at f = 1.07e-9: 4.1746e-12 massless (specification F); shared between Y_B and Y_χ
    np.testing.assert_allclose(open_.Y_available, 4.1746032533921960845e-12, rtol=1e-4)
    np.testing.assert_allclose(open_.Y_B + open_.Y_chi, open_.Y_available, rtol=1e-14)
    np.testing.assert_allclose(open_.mean_hits, 1.3**2 / 1.2, rtol=1e-4)
    massless = model.replace(m_chi=0.0).choose(closure="two-zone")
    closed = predict(massless)
    np.testing.assert_allclose(
        closed.Y_chi / closed.Y_available, 0.758910, rtol=1e-5
    )  # specification E, v_w = 0.3
    one_way = predict(massless.replace(P_back_over_P=0.0))
    np.testing.assert_allclose(one_way.Y_chi / one_way.Y_available, 0.80011054466653, rtol=1e-12)
    mean_field = predict(model.choose(closure="mean-field"))
    np.testing.assert_allclose(
        mean_field.Y_B / mean_field.Y_available,
        converted_fraction(P, open_.mean_hits, "mean-field"),
        rtol=1e-13,
    )


def test_occupancy_given_as_a_density():
    from jaxbounce.cosmology.radiation import entropy_density

    given = predict(load({**BENCHMARK, "Y_chi_init": None, "n_chi_at_Tp_GeV3": 0.02}))
    np.testing.assert_allclose(given.Y_chi, 0.02 / entropy_density(100.0, 106.75), rtol=1e-14)


def test_exhausted_chi_is_a_status_not_a_negative_number():
    # eq. (6) converts 43 times the χ that f_χ provides: specification E, "consistency failure"
    result = predict(load(BENCHMARK, preset="benchmark", dark_matter="occupancy"))
    assert result.status == Status.CHI_EXHAUSTED
    assert np.isnan(result.Y_chi)
    assert np.isnan(result.Y_B)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"beta_over_H": 1e5}, Status.SUCCESS),
        ({"m_chi_GeV": 3e4}, Status.SUCCESS),
        ({"v_w": 1e-6}, Status.SUCCESS),
        ({"incident_flux_scale": 1e-300}, Status.UNDERFLOW),
        ({"m_chi_GeV": 1e6}, Status.UNDERFLOW),
        ({"incident_flux_scale": 0.0}, Status.SUCCESS),
        ({"P_chi_to_B": 0.0}, Status.SUCCESS),
        ({"I_p": 50.0}, Status.SUCCESS),
        ({"T_p_GeV": 1e16}, Status.SUCCESS),
        ({"source_shape_sigma_y": 1e-3}, Status.SUCCESS),
        ({"source_shape_sigma_y": 1e6}, Status.SUCCESS),
        ({"T_max_over_Tp": 1e6, "T_min_over_Tp": 1e-6}, Status.SUCCESS),
        ({"T_max_over_Tp": 1 + 1e-9, "T_min_over_Tp": 1 - 1e-9}, Status.SUCCESS),
    ],
)
@pytest.mark.parametrize("preset", ["benchmark", "exact"])
def test_extreme_but_legal_values_give_a_number_or_a_status(changes, status, preset):
    result = predict(load({**BENCHMARK, **changes}, preset=preset, dark_matter="input"))
    assert result.status == status
    assert np.isfinite(result.Y_B)
    assert np.isfinite(result.rho_DM)
    assert result.Y_B >= 0


def test_parameters_must_be_scalars():
    model = load(BENCHMARK).replace(v_w=jnp.array([0.1, 0.2]))
    with pytest.raises(ValueError, match=r"v_w has shape \(2,\).*vmap"):
        predict(model)


def test_unknown_names_are_refused_with_the_nearest():
    model = load(BENCHMARK)
    with pytest.raises(ValueError, match="did you mean 'beta_over_H'"):
        model.replace(beta_over_h=3.0)
    with pytest.raises(ValueError, match="did you mean 'area_kernel'"):
        model.choose(area_kernal="kjma")
    with pytest.raises(ValueError, match="area_kernel = 'kjm': must be one of 'eq6', 'kjma'"):
        model.choose(area_kernel="kjm")


def test_choices_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match='needs dark_matter = "occupancy"'):
        Choices(closure="mean-field")
    with pytest.raises(ValueError, match="needs flux = 'moving-wall'"):
        Choices(area_kernel="kjma", window="none", dark_matter="occupancy", closure="two-zone")


FLOAT32 = """
import sys, json
import numpy as np
from jaxbounce import load, predict
from problems import FLOAT32_CHOICES, YIELD_CASES
values = []
for case in YIELD_CASES:
    for choices in FLOAT32_CHOICES:
        result = predict(load(case.table, **choices))
        assert result.Y_B.dtype == np.float32
        values.append([float(result.Y_B), float(result.rho_B), int(result.status)])
print(json.dumps(values))
"""


@pytest.mark.long
def test_float32_agrees_to_2e_5():
    done = subprocess.run(
        [sys.executable, "-c", FLOAT32],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1] / "catalogue",
    )
    single = json.loads(done.stdout)
    for case in YIELD_CASES:
        for choices in FLOAT32_CHOICES:
            Y_B, rho_B, status = single.pop(0)
            result = predict(load(case.table, **choices))
            assert status == Status.SUCCESS
            np.testing.assert_allclose(Y_B, result.Y_B, rtol=2e-5)
            np.testing.assert_allclose(rho_B, result.rho_B, rtol=2e-5)
    assert not single


def test_no_scatter_along_a_line_scan():
    """Point-to-point noise along a fine scan, third differences, is at rounding level."""
    sigma = jnp.linspace(8.9, 9.1, 401)
    model = load(BENCHMARK, preset="benchmark")
    values = jax.vmap(lambda s: predict(model.replace(sigma_y=s)).Y_B)(sigma)
    third = np.diff(np.log(values), 4)
    assert np.abs(third).max() < 1e-12


def test_a_prediction_prints_what_it_found():
    text = str(predict(load()))
    assert "rho_B" in text
    assert "8.72853e-28 kg/m³" in text
    assert "success" in text
    bad = predict(load().replace(v_w=2.0))
    assert "outside its range" in str(bad)
    batch = jax.vmap(lambda v: predict(load().replace(v_w=v)))(jnp.array([0.2, 0.3, 2.0]))
    assert "2 of 3 points have a number" in str(batch)
    assert batch._repr_html_().startswith("<pre>")


@pytest.mark.slow
def test_a_comparison_says_of_the_model_what_predict_says():
    """Not what a row of the same choices gives, which is without washout."""
    model = jaxbounce.load(preset="exact").replace(washout_over_H=1.0)
    found = jaxbounce.compare(model)
    assert int(found.prediction.status) == Status.NEEDS_BOLTZMANN
    assert np.isnan(float(found.prediction.rho_B))
    row = found.rows["… and exact equilibrium"]
    # README: the same point without washout
    assert float(row.rho_B) == pytest.approx(4.243201e-30, rel=1e-6)

"""Fits by gradients against closed forms and SciPy."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import jaxbounce
from jaxbounce import ConfigurationError, predict
from jaxbounce._core.errors import ComputationError
from jaxbounce.inference import (
    FitStatus,
    gradient_fits,
    likelihood,
    maximise_posterior,
    minimise_loss,
)
from jaxbounce.inference.fitting import make_problem

BENCHMARK = jaxbounce.load()
SWEPT = jaxbounce.load(preset="benchmark", dark_matter="swept-once")
STARTS = 6
NEAR = {"f_chi": {"prior": "log-uniform", "low": 1e-9, "high": 1e-8}}


def _squares(rho_B, rho_DM, prediction):
    return (prediction.rho_B - rho_B) ** 2 + (prediction.rho_DM - rho_DM) ** 2


def _proportions():
    """ω_b = A f P and ω_c = B f (1 − P): closed forms of "swept-once", from one prediction."""
    f, P = (float(SWEPT.value(name)) for name in ("f_chi", "P"))
    found = predict(SWEPT)
    return float(found.omega_b_h2) / (f * P), float(found.omega_dm_h2) / (f * (1 - P))


@pytest.mark.slow
def test_a_log_normal_prior_has_its_maximum_in_closed_form():
    data = likelihood(sigma=(2e-4, 1e-3), mean=(0.0224, 0.12)).only("omega_b")
    slope = float(predict(BENCHMARK).omega_b_h2) / float(BENCHMARK.value("f_chi"))
    best, width = 1.01 * 0.0224 / slope, 0.05
    # where the derivative of (c f − μ)²/2σ² + (ln f − ln m)²/2s² by ln f vanishes
    force = (slope * best - 0.0224) * slope * best / 2e-4**2
    median = best * math.exp(width**2 * force)
    prior = {"f_chi": {"prior": "log-normal", "median": median, "sigma": width}}
    found = maximise_posterior(BENCHMARK, "f_chi", data, prior, starts=STARTS)
    assert found.status is FitStatus.CONVERGED
    assert found.values["f_chi"] == pytest.approx(best, rel=1e-9)
    assert found.agreeing == STARTS
    expected = (
        -0.5 * ((slope * best - 0.0224) / 2e-4) ** 2
        - 0.5 * (math.log(best / median) / width) ** 2
        - math.log(2 * math.pi * 2e-4 * width)
    )
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.gradient_norm < 1e-5 * force


@pytest.mark.slow
def test_scipy_finds_the_same_maximum_of_two_parameters():
    A, B = _proportions()
    median, spread, mean, sigma = 5e-10, 0.05, 0.14, 0.004
    priors = {
        "f_chi": {"prior": "log-normal", "median": median, "sigma": spread},
        "P": {"prior": "normal", "mean": mean, "sigma": sigma},
    }
    data = likelihood()
    inverse = np.linalg.inv(np.asarray(data.covariance))

    def negative(q):
        f, P = np.exp(q)
        off = np.array([A * f * P, B * f * (1 - P)]) - np.asarray(data.mean)
        prior = ((q[0] - math.log(median)) / spread) ** 2 + ((P - mean) / sigma) ** 2
        # per unit of ln P, of which the density of a normal prior gains a factor P
        return 0.5 * (off @ inverse @ off + prior) - q[1]

    oracle = min(
        (
            scipy.optimize.minimize(
                negative,
                np.log([f, 0.14]),
                method="Nelder-Mead",
                options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 5000, "maxfev": 5000},
            )
            for f in (3e-10, 6e-10)
        ),
        key=lambda end: end.fun,
    )
    found = maximise_posterior(SWEPT, ["f_chi", "P"], data, priors, starts=STARTS)
    assert found.status is FitStatus.CONVERGED
    np.testing.assert_allclose(list(found.values.values()), np.exp(oracle.x), rtol=1e-7)
    # the prior pulls: this is not the fit to the densities
    assert abs(math.log(found.values["P"] / 0.1503)) > 1e-3


@pytest.mark.slow
def test_a_loss_in_si_units_reaches_its_known_minimum():
    A, B = _proportions()
    rho_B, rho_DM = 4e-28, 2e-27
    loss = jax.tree_util.Partial(_squares, rho_B, rho_DM)
    found = minimise_loss(SWEPT, ["f_chi", "P"], loss, starts=STARTS)
    scale = float(predict(SWEPT).rho_B) / float(predict(SWEPT).omega_b_h2)
    f = rho_B / scale / A + rho_DM / scale / B
    assert found.status is FitStatus.CONVERGED
    assert found.values["f_chi"] == pytest.approx(f, rel=1e-8)
    assert found.values["P"] == pytest.approx(rho_B / scale / A / f, rel=1e-8)
    # 1e-56 is what a start has; nothing of that is left
    assert 0 <= found.value < 1e-16 * rho_B**2


@pytest.mark.slow
def test_new_values_do_not_recompile(monkeypatch):
    best: Any = gradient_fits._best
    once = eqx.debug.assert_max_traces(best.__wrapped__, max_traces=1)
    monkeypatch.setattr(gradient_fits, "_best", eqx.filter_jit(once))
    for target, low, start in ((4e-28, 1e-12, 1e-9), (5e-28, 1e-11, 2e-9)):
        loss = jax.tree_util.Partial(_squares, jnp.asarray(target), jnp.asarray(2e-27))
        priors = {"f_chi": {"prior": "log-uniform", "low": low, "high": 1e-6}}
        model = SWEPT.replace(f_chi=start)
        found = minimise_loss(model, ["f_chi", "P"], loss, priors, starts=STARTS)
        assert float(found.prediction.rho_B) == pytest.approx(target, rel=1e-8)


@pytest.mark.slow
def test_a_bad_start_spoils_no_other():
    # P so large that the walls would convert more χ than there are
    model = jaxbounce.load(
        preset="benchmark", area_kernel="kjma", window="none", dark_matter="occupancy", v_w=0.05
    )
    priors = {"P": {"prior": "uniform", "low": 0, "high": 1}}
    problem = make_problem(model, ["P"], None, priors)
    objective = gradient_fits._Loss(lambda found: jnp.log(found.Y_B / found.Y_chi) ** 2)
    run = gradient_fits._best
    mixed = run(objective, problem, jnp.log(jnp.array([[0.05], [0.99], [0.08]])))
    assert not np.isfinite(mixed.firsts[1])
    assert not np.isfinite(mixed.values[1])
    good = run(objective, problem, jnp.log(jnp.array([[0.05], [0.03], [0.08]])))
    assert np.all(np.isfinite(good.values))
    np.testing.assert_array_equal(mixed.values[::2], good.values[::2])
    np.testing.assert_allclose(mixed.q, good.q, rtol=1e-7)


@pytest.mark.slow
def test_an_optimum_beyond_the_prior_is_out_of_reach():
    loss = jax.tree_util.Partial(_squares, 4e-28, 2e-27)
    found = minimise_loss(SWEPT, ["f_chi", "P"], loss, NEAR, starts=STARTS)
    assert found.status is FitStatus.OUT_OF_REACH
    assert "f_chi runs into its lower end 1e-09" in found.message
    assert found.values["f_chi"] == pytest.approx(1e-9, rel=1e-9)
    # at that end P alone is at its best, by the closed form
    A, B = _proportions()
    scale = float(predict(SWEPT).rho_B) / float(predict(SWEPT).omega_b_h2)
    a, b = A * scale * 1e-9, B * scale * 1e-9
    assert found.values["P"] == pytest.approx((a * 4e-28 + b * (b - 2e-27)) / (a**2 + b**2))


@pytest.mark.slow
def test_a_loss_that_nothing_moves_is_out_of_reach():
    found = minimise_loss(BENCHMARK, "f_chi", lambda found: found.rho_DM, starts=STARTS)
    assert found.status is FitStatus.OUT_OF_REACH
    assert "does not depend on f_chi" in found.message


def test_what_is_refused():
    with pytest.raises(ConfigurationError, match="loss: returned float64 of shape"):
        minimise_loss(BENCHMARK, "f_chi", lambda found: jnp.stack([found.Y_B, found.Y_chi]))
    loss = jax.tree_util.Partial(_squares, 4e-28, 2e-27)
    with pytest.raises(ComputationError, match="none of 6 starts") as refusal:
        minimise_loss(SWEPT.replace(v_w=1.5), ["f_chi", "P"], loss, NEAR, starts=STARTS)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("slope", "curvature", "status", "words"),
    [
        ([0.0, 0.0], [[2.0, 0.0], [0.0, 3.0]], FitStatus.CONVERGED, "within the priors"),
        ([1e-3, 0.0], [[2.0, 0.0], [0.0, 3.0]], FitStatus.NOT_CONVERGED, "Newton step"),
        ([0.0, 0.0], [[2.0, 0.0], [0.0, -3.0]], FitStatus.NOT_CONVERGED, "wrong way"),
        ([0.0, 0.0], [[1.0, 1.0], [1.0, 1.0]], FitStatus.CONVERGED, "1 of 2 combinations"),
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e-60])
def test_an_end_is_judged_by_its_derivatives(slope, curvature, status, words, unit):
    problem = make_problem(SWEPT, ["f_chi", "P"])
    low, high = problem.bounds()
    middle = (low + high) / 2
    slope, curvature = unit * jnp.array(slope), unit * jnp.array(curvature)
    one = jnp.ones(1)
    end = gradient_fits._End(middle, one[0], slope, slope, curvature, one, one)
    found, message = gradient_fits._judge(problem, end)
    assert found is status
    assert words in message

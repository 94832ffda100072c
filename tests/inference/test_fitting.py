"""Fits against closed forms: linear in f_χ, the swept-once ratio, propagation of covariances."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbounce
from jaxbounce import ConfigurationError, predict
from jaxbounce._core.errors import ComputationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.sequences import low_discrepancy
from jaxbounce._core.stage import Supplied, WithoutParameters
from jaxbounce._core.status import Status
from jaxbounce.cosmology.constants import GEV_IN_KG, PROTON_MASS_KG
from jaxbounce.inference import (
    FitStatus,
    directions,
    fit,
    likelihood,
    match,
)
from jaxbounce.inference.fitting import make_problem, starting_points
from jaxbounce.inference.least_squares import minimise_at_once
from jaxbounce.model.comparison import ROWS
from jaxbounce.parameters import PRESETS

PLANCK_RHO_B = 4.201850197079496e-28  # specification, section H
PLANCK_RATIO = 0.12 / 0.02237
BENCHMARK = jaxbounce.load()
SWEPT = jaxbounce.load(preset="benchmark", dark_matter="swept-once")


def _needed(model):
    """The closed form: ρ_B is linear in f_χ."""
    return PLANCK_RHO_B / float(predict(model).rho_B) * float(model.value("f_chi"))


def _matches(model):
    result = match(model, "f_chi")
    assert result.status is FitStatus.CONVERGED
    assert float(result.prediction.rho_B) == pytest.approx(PLANCK_RHO_B, rel=1e-10)
    assert result.values["f_chi"] == pytest.approx(_needed(model), rel=1e-10)
    assert result.agreeing == result.starts
    assert result.dof == 0
    assert not result.unfitted


@pytest.mark.slow
def test_f_chi_of_the_benchmark():
    _matches(BENCHMARK)
    # the specification's Y_B of the same equations, and hence the f_χ that is asked for
    Y_B = 1.8050753143793129626e-10
    expected = 1.07e-9 * PLANCK_RHO_B / (Y_B * 2891e6 * PROTON_MASS_KG)
    assert match(BENCHMARK, "f_chi").values["f_chi"] == pytest.approx(expected, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_f_chi_of_every_row(row):
    _matches(BENCHMARK.choose(**{**PRESETS["benchmark"], **ROWS[row]}))


def test_new_values_do_not_recompile():
    traced = eqx.filter_jit(
        eqx.debug.assert_max_traces(lambda problem, q: problem.data.mean + q[0], max_traces=1)
    )
    for model, data in ((SWEPT, None), (SWEPT.replace(v_w=0.4), "planck2018-no-lensing")):
        table = {"prior": "uniform", "low": 0.1, "high": float(model.value("v_w"))}
        problem = make_problem(model, ["f_chi", "P"], data, {"P": table})
        traced(problem, starting_points(problem, 16, 0)[0])


@pytest.mark.slow
def test_both_densities_from_f_chi_and_P():
    result = fit(SWEPT, ["f_chi", "P"])
    assert result.status is FitStatus.CONVERGED
    assert result.agreeing == result.starts
    data = likelihood()
    np.testing.assert_allclose(
        [result.prediction.rho_B, result.prediction.rho_DM], data.rho, rtol=1e-10
    )
    mass_ratio = 0.95 * GEV_IN_KG / PROTON_MASS_KG
    P = 1 / (1 + PLANCK_RATIO / mass_ratio)
    assert result.values["P"] == pytest.approx(P, rel=1e-10)
    # ln ρ_B = ln f + ln P + …, ln ρ_DM = ln f + ln(1 − P) + …: linear propagation
    powers = np.array([[1.0, 1.0], [1.0, -P / (1 - P)]])
    relative = np.asarray(data.covariance) / np.outer(data.mean, data.mean)
    inverse = np.linalg.inv(powers)
    expected = inverse @ relative @ inverse.T
    assert result.covariance is not None
    np.testing.assert_allclose(result.covariance, expected, rtol=1e-6)
    np.testing.assert_allclose(result.directions.fisher, np.linalg.inv(expected), rtol=1e-6)
    np.testing.assert_allclose(
        list(result.directions.sigma.values()), np.sqrt(np.diagonal(expected)), rtol=1e-6
    )
    assert not result.flat


class Coupled(WithoutParameters):
    """P = x², solved at once; no transition below x = 0.2."""

    x: jax.Array
    label = "potential"
    at_once = True
    differentiated_at_once = True

    @property
    def needs(self):
        return ()

    @property
    def supplies(self):
        return ("P",)

    @property
    def relative_cost(self):
        return 1

    def supply(self, known):
        found = self.x >= 0.2
        status = jnp.where(found, Status.SUCCESS.value, Status.NO_TRANSITION.value)
        return Supplied({"P": jnp.where(found, self.x**2, jnp.nan)}, {}, status)

    def ranges(self):
        return {"x": Range(-math.inf, math.inf, False, False, "a coupling")}

    def value(self, name):
        return getattr(self, name)

    def replace(self, **values):
        return Coupled(jnp.asarray(values["x"]))


@pytest.mark.slow
def test_a_coupling_of_what_runs_at_once():
    """P = x² of the two densities; a start without a number goes where there is one."""
    parameters = dataclasses.replace(SWEPT.parameters, P=None)
    model = dataclasses.replace(SWEPT, parameters=parameters, stages=(Coupled(jnp.asarray(0.6)),))
    priors = {"x": {"prior": "uniform", "low": 0.01, "high": 0.999}}
    result = fit(model, ["f_chi", "x"], priors=priors)
    assert result.problem.runs_at_once()
    assert result.status is FitStatus.CONVERGED
    assert result.starts == 1  # the others need not be looked at
    found = [result.prediction.rho_B, result.prediction.rho_DM]
    np.testing.assert_allclose(found, likelihood().rho, rtol=1e-9)
    P = 1 / (1 + PLANCK_RATIO * PROTON_MASS_KG / (0.95 * GEV_IN_KG))
    assert result.values["x"] == pytest.approx(math.sqrt(P), rel=1e-9)
    assert not result.flat
    problem, none = result.problem, jnp.zeros(2, bool)
    home = problem.priors[1].coordinate(jnp.asarray(0.6))
    home = jnp.stack([jnp.log(model.value("f_chi")), home])
    # ln x far below the edge
    lost = home.at[1].set(problem.priors[1].coordinate(jnp.asarray(0.03)))
    end = minimise_at_once(problem, lost, none, home)
    np.testing.assert_allclose(problem.theta(end.q)[1], math.sqrt(P), rtol=1e-8)
    assert not jnp.isfinite(minimise_at_once(problem, lost, none, lost).chi2)


def test_the_degeneracy_of_f_chi_and_P_is_named():
    result = fit(BENCHMARK, ["f_chi", "P"])
    assert result.covariance is None
    assert all(sigma == math.inf for sigma in result.directions.sigma.values())
    (flat,), (determined,) = result.flat, result.directions.determined
    assert str(flat) == "f_chi·P^-1"
    assert flat.exponents["P"] == pytest.approx(-1, abs=1e-10)
    assert str(determined) == "f_chi·P"
    assert "here only f_chi·P is determined: no datum changes along f_chi·P^-1" in result.message
    # σ of ln(f P): the datum ω_b given that ω_c stays where it is
    rho = -0.5259244972147886
    expected = 1.4573440568376432e-4 / 0.02237 * math.sqrt(1 - rho**2)
    omega_b = float(result.prediction.omega_b_h2)
    assert determined.sigma == pytest.approx(expected * 0.02237 / omega_b, rel=1e-6)
    # among all that are as good, the nearest to where the model was
    moved = [result.values[name] / float(BENCHMARK.value(name)) for name in ("f_chi", "P")]
    assert moved[0] == pytest.approx(moved[1], rel=1e-6)


def test_one_parameter_and_two_data():
    result = fit(BENCHMARK, "f_chi")
    assert result.status is FitStatus.CONVERGED
    assert result.dof == 1
    # ω_c is out of the fit's hands, and by the correlation moves the best ω_b:
    # χ² is left with its pull alone, and the pull of ω_b is ρ times it
    pull = 6.553686886864906
    assert result.chi2 == pytest.approx(pull**2, rel=1e-9)
    assert result.tension.pulls["omega_b"] == pytest.approx(-0.5259244972147886 * pull, rel=1e-6)
    assert result.tension.n_sigma == pytest.approx(pull, rel=1e-6)
    assert len(result.unfitted) == 2
    assert "omega_c: depends on none of f_chi and stays +6.55 σ" in result.unfitted[1]


@pytest.mark.slow
def test_three_parameters_have_the_flat_direction_of_the_specification():
    model = jaxbounce.load(preset="benchmark", dark_matter="swept-once")
    result = fit(model, ["f_chi", "m_chi", "P"])
    assert result.status is FitStatus.CONVERGED
    (flat,) = result.flat
    # section H: d ln f = −d ln P, d ln m = d ln P/(1 − P)
    powers = np.array([flat.exponents[name] for name in ("f_chi", "m_chi", "P")])
    expected = np.array([-1, 1 / (1 - result.values["P"]), 1])
    np.testing.assert_allclose(powers / powers[2], expected, rtol=1e-8)


@pytest.mark.slow
def test_a_target_out_of_reach_is_said_so():
    near = {"f_chi": {"prior": "log-uniform", "low": 1e-9, "high": 1e-8}}
    result = match(BENCHMARK, "f_chi", priors=near)
    assert result.status is FitStatus.OUT_OF_REACH
    assert "f_chi runs into its lower end 1e-09" in result.message
    assert "\n" not in result.message
    nothing = match(BENCHMARK, "f_chi", "omega_c")
    assert nothing.status is FitStatus.OUT_OF_REACH
    assert "nothing of omega_c depends on f_chi" in nothing.message


def test_a_model_without_a_number_is_refused():
    priors = {"f_chi": {"prior": "uniform", "low": 1e-9, "high": 1e-8}}
    with pytest.raises(ComputationError, match="none of 16 starts") as refusal:
        match(BENCHMARK.replace(v_w=1.5), "f_chi", priors=priors)
    assert "\n" not in str(refusal.value)


def test_bad_arguments():
    with pytest.raises(ConfigurationError, match="did you mean 'f_chi'"):
        fit(BENCHMARK, "f_ch")
    with pytest.raises(ConfigurationError, match="observable"):
        match(BENCHMARK, "f_chi", "rho_X")
    with pytest.raises(ConfigurationError, match="starts"):
        fit(BENCHMARK, "f_chi", starts=0)


def test_no_nan_gradient_where_there_is_no_number():
    # f_χ so large that the walls convert more χ than there are
    model = jaxbounce.load(
        preset="benchmark", area_kernel="kjma", window="none", dark_matter="occupancy", v_w=0.05
    )
    problem = make_problem(model, ["P"], priors={"P": {"prior": "uniform", "low": 0, "high": 1}})
    q = jnp.log(jnp.array([0.95]))
    (value, slope), (omega, jacobian) = jax.jit(
        lambda q: (jax.value_and_grad(problem.log_likelihood)(q), problem.with_jacobian(q))
    )(q)
    assert value == -jnp.inf
    assert jnp.all(slope == 0)
    assert jnp.all(jnp.isnan(omega))
    assert jnp.all(jacobian == 0)


def test_derivatives_of_a_problem_are_those_of_the_model():
    problem = make_problem(SWEPT, ["f_chi", "P"])
    q = jnp.log(jnp.array([1e-9, 0.2]))
    (omega, jacobian), backward = jax.jit(
        lambda q: (problem.with_jacobian(q), jax.jacrev(problem.observables)(q))
    )(q)
    np.testing.assert_allclose(jacobian[:, 0], omega, rtol=1e-12)
    np.testing.assert_allclose(jacobian[:, 1], omega * jnp.array([1, -0.25]), rtol=1e-12)
    np.testing.assert_allclose(backward, jacobian, rtol=1e-12)


def test_directions_of_a_known_matrix():
    names = ("a", "b", "c")
    found = directions(names, np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    assert [str(c) for c in found.determined] == ["a·b^(1/2)"]
    assert found.determined[0].sigma == pytest.approx(0.5)
    assert [str(c) for c in found.flat] == ["a·b^-2", "c"]
    assert found.sigma["c"] == math.inf
    nothing = directions(names, np.zeros((2, 3)))
    assert not nothing.determined
    assert len(nothing.flat) == 3
    partly = directions(names, np.array([[0.0, 4.0, 0.0]]))
    assert partly.sigma["b"] == pytest.approx(0.25)
    assert partly.sigma["a"] == math.inf


def test_starts_fill_the_cube():
    points = low_discrepancy(256, 2, np.random.default_rng(3).random(2))
    counts, *_ = np.histogram2d(*points.T, bins=8, range=[[0, 1], [0, 1]])
    # 4 on average; random points would leave some of the 64 cells empty
    assert counts.min() >= 2
    assert counts.max() <= 6

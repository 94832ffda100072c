"""Posteriors by weighted draws around a fit: closed forms, failed points, too few that count."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import jaxbounce
from jaxbounce import ConfigurationError, Part, Status, predict
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Supplied, WithoutParameters
from jaxbounce.inference import PosteriorStatus, fit, likelihood, posterior, read_likelihood
from jaxbounce.inference.importance import weighted_draws, weighted_quantile

BENCHMARK = jaxbounce.load()
NORMAL = {
    "f_chi": {"prior": "normal", "mean": 5.0e-10, "sigma": 4e-12},
    "Y_chi_init": {"prior": "normal", "mean": 4.7e-10, "sigma": 6e-12},
}


@pytest.mark.slow
def test_a_linear_gaussian_posterior_in_closed_form():
    pytest.importorskip("arviz")
    found = posterior(BENCHMARK, list(NORMAL), priors=NORMAL, draws=500, method="importance")
    at_one = predict(BENCHMARK)
    slopes = np.diag([at_one.omega_b_h2 / 1.07e-9, at_one.omega_dm_h2 / 4.9e-10])
    weight = np.linalg.inv(np.asarray(likelihood().covariance))
    prior_mean = np.array([table["mean"] for table in NORMAL.values()])
    prior_weight = np.diag([table["sigma"] ** -2 for table in NORMAL.values()])
    covariance = np.linalg.inv(slopes.T @ weight @ slopes + prior_weight)
    data_mean = np.asarray(likelihood().mean)
    mean = covariance @ (slopes.T @ weight @ data_mean + prior_weight @ prior_mean)
    rows = {row.name: row for row in found.rows}
    for i, name in enumerate(NORMAL):
        row, sd = rows[name], np.sqrt(covariance[i, i])
        assert row.ess_bulk > 300
        assert abs(row.mean - mean[i]) < 4 * sd / np.sqrt(row.ess_bulk)
        assert abs(row.sd / sd - 1) < 4 / np.sqrt(2 * row.ess_bulk)
    assert found.status is PosteriorStatus.SUCCESS
    # draws of equal weight say the same
    drawn = np.asarray(found.data.posterior["f_chi"])
    assert drawn.shape == (1, 500)
    assert abs(drawn.mean() - mean[0]) < 4 * np.sqrt(covariance[0, 0] / rows["f_chi"].ess_bulk)


class Edged(WithoutParameters):
    """P = x², solved at once; no transition below x = 0.2."""

    x: jax.Array
    label = "potential"
    part = Part.TRANSITION
    at_once = True
    differentiated_at_once = True

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    @property
    def supplies(self) -> tuple[str, ...]:
        return ("P",)

    @property
    def relative_cost(self) -> int:
        return 1

    def supply(self, known: Any) -> Supplied:
        found = self.x >= 0.2
        status = jnp.where(found, Status.SUCCESS.value, Status.NO_TRANSITION.value)
        return Supplied({"P": jnp.where(found, self.x**2, jnp.nan)}, {}, status)

    def ranges(self) -> dict[str, Range]:
        return {"x": Range(-math.inf, math.inf, False, False, "a coupling")}

    def value(self, name: str) -> Any:
        return getattr(self, name)

    def replace(self, **values: Any) -> Any:
        return Edged(jnp.asarray(values["x"]))


@pytest.mark.slow
def test_beyond_an_edge_the_likelihood_is_zero():
    """ρ_B ∝ x² within 20 %, with an edge close below: mean and quantile by quadrature."""
    pytest.importorskip("arviz")
    parameters = dataclasses.replace(BENCHMARK.parameters, P=None)
    model = dataclasses.replace(
        BENCHMARK, parameters=parameters, stages=(Edged(jnp.asarray(0.21)),)
    )
    rho = float(predict(model).rho_B)
    table = {"mean": [rho, 2e-27], "sigma": [0.2 * rho, 1e-29], "units": "kg/m3"}
    data = read_likelihood(table).only("omega_b")
    priors = {"x": {"prior": "uniform", "low": 0.05, "high": 0.5}}
    result = fit(model, "x", data, priors)
    found, _ = weighted_draws(result, 600, seed=3)
    assert (found.weights[found.failed == Part.TRANSITION] == 0).all()
    assert 0.05 < np.mean(found.failed == Part.TRANSITION) < 0.6

    def density(x: float) -> float:
        return math.exp(-(((x / 0.21) ** 2 - 1) ** 2) / (2 * 0.2**2))

    total = scipy.integrate.quad(density, 0.2, 0.5)[0]
    mean = scipy.integrate.quad(lambda x: x * density(x), 0.2, 0.5)[0] / total
    square = scipy.integrate.quad(lambda x: x**2 * density(x), 0.2, 0.5)[0] / total
    x, sd = np.exp(found.q[:, 0]), math.sqrt(square - mean**2)
    assert abs(np.sum(found.weights * x) - mean) < 4 * sd / math.sqrt(found.effective)
    median = weighted_quantile(x, found.weights, 0.5)
    part = scipy.integrate.quad(density, 0.2, median)[0] / total
    assert abs(part - 0.5) < 4 * 0.5 / math.sqrt(found.effective)
    # the default where stages are solved at once; with four draws nothing is known
    few = posterior(model, "x", data, priors, draws=4)
    assert few.status is PosteriorStatus.FEW_EFFECTIVE
    assert "draws count" in few.warnings[0]
    assert math.isnan(few.rows[0].mean)
    with pytest.raises(ConfigurationError, match="a potential is solved at each point"):
        posterior(model, "x", data, priors, method="nuts")

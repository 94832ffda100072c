"""Priors against SciPy, their bijections against derivatives, and what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

import jaxbounce
from jaxbounce import ConfigurationError
from jaxbounce.inference import read_priors

MODEL = jaxbounce.load()

CASES: dict[str, Any] = {
    "uniform": (
        "v_w",
        {"prior": "uniform", "low": 0.1, "high": 0.9},
        scipy.stats.uniform(0.1, 0.8),
    ),
    "log-uniform": (
        "f_chi",
        {"prior": "log-uniform", "low": 1e-12, "high": 1.0},
        scipy.stats.loguniform(1e-12, 1.0),
    ),
    "normal": (
        "v_w",
        {"prior": "normal", "mean": 0.4, "sigma": 0.05},
        scipy.stats.norm(0.4, 0.05),
    ),
    "normal, cut": (
        "P",
        {"prior": "normal", "mean": 0.1, "sigma": 0.2},
        scipy.stats.truncnorm(-0.5, 4.5, 0.1, 0.2),
    ),
    "log-normal": (
        "I_p",
        {"prior": "log-normal", "median": 0.34, "sigma": 0.5},
        scipy.stats.lognorm(0.5, scale=0.34),
    ),
    "normal around 0": (
        "y_min",
        {"prior": "normal", "mean": -30.0, "sigma": 5.0},
        scipy.stats.truncnorm(-100.0, 6.0, -30.0, 5.0),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_density_and_quantiles(case):
    name, table, distribution = CASES[case]
    expected: Any = distribution
    (prior,) = read_priors(MODEL, [name], {name: table}).values()
    u = np.linspace(0.01, 0.99, 31)
    theta = expected.ppf(u)
    # a prior that reaches 0 starts at 1e-9 of its upper end, so that ln θ is bounded
    np.testing.assert_allclose(prior.quantile(u), theta, rtol=1e-8, atol=2e-9)
    expected_log = np.log(expected.pdf(theta))
    np.testing.assert_allclose(prior.log_density(theta), expected_log, rtol=1e-8, atol=1e-8)
    outside = jnp.array([prior.low - 1e-3 - abs(prior.low), prior.high + 1e-3])
    assert jnp.all(prior.log_density(outside) == -jnp.inf)


@pytest.mark.parametrize("case", CASES)
def test_bijection_and_jacobian(case):
    name, table, _ = CASES[case]
    (prior,) = read_priors(MODEL, [name], {name: table}).values()
    z = jnp.linspace(-6.0, 6.0, 13)
    theta = prior.from_unconstrained(z)
    assert jnp.all((theta > prior.low) & (theta < prior.high))
    np.testing.assert_allclose(prior.to_unconstrained(theta), z, rtol=1e-7, atol=1e-9)
    slope = jax.vmap(jax.grad(prior.from_unconstrained))(z)
    np.testing.assert_allclose(prior.log_jacobian(z), jnp.log(slope), rtol=1e-9, atol=1e-9)
    q = prior.coordinate(theta)
    np.testing.assert_allclose(prior.from_coordinate(q), theta, rtol=1e-12)
    by_q = jax.vmap(jax.grad(prior.from_coordinate))(q)
    np.testing.assert_allclose(
        prior.log_density_of_coordinate(q), prior.log_density(theta) + jnp.log(by_q), rtol=1e-9
    )


@pytest.mark.parametrize("case", CASES)
def test_the_density_of_z_is_normalised(case):
    name, table, _ = CASES[case]
    (prior,) = read_priors(MODEL, [name], {name: table}).values()
    density = jax.jit(
        lambda z: jnp.exp(prior.log_density(prior.from_unconstrained(z)) + prior.log_jacobian(z))
    )
    total, _ = scipy.integrate.quad(density, -40, 40, limit=400)
    assert total == pytest.approx(1.0, abs=2e-8)


@pytest.mark.parametrize("case", CASES)
def test_a_prior_can_be_written_and_read_again(case):
    name, table, _ = CASES[case]
    (prior,) = read_priors(MODEL, [name], {name: table}).values()
    (again,) = read_priors(MODEL, [name], {name: prior.table()}).values()
    np.testing.assert_allclose(jax.tree.leaves(again), jax.tree.leaves(prior), rtol=1e-12)
    assert read_priors(MODEL, [name], {name: prior})[name] is prior


def test_defaults():
    found = read_priors(MODEL, ["P", "f_chi", "v_w"])
    assert found["P"].kind == "uniform"
    assert float(found["P"].high) == 1.0
    assert float(found["v_w"].high) == pytest.approx(1.0, abs=2e-6)
    assert float(found["v_w"].high) < 1.0
    assert found["f_chi"].kind == "log-uniform"
    np.testing.assert_allclose([found["f_chi"].low, found["f_chi"].high], [1.07e-12, 1.07e-6])


@pytest.mark.parametrize(
    ("free", "priors", "said"),
    [
        (["f_ch"], {}, "free: f_ch: no such parameter; did you mean 'f_chi'"),
        ([], {}, "free: empty"),
        (["P", "P"], {}, "named twice"),
        (["P"], {"PP": {}}, "priors.PP: no such parameter"),
        (["P"], {"f_chi": {}}, "not free"),
        (["P"], {"P": 3}, "must be a table"),
        (["P"], {"P": {}}, "priors.P.prior: missing"),
        (["P"], {"P": {"prior": "unifrom", "low": 0, "high": 1}}, "did you mean 'uniform'"),
        (["P"], {"P": {"prior": "uniform", "low": 0}}, "priors.P.high: missing"),
        (["P"], {"P": {"prior": "uniform", "low": 0, "high": 2}}, "priors.P.high = 2"),
        (["P"], {"P": {"prior": "uniform", "low": 0.5, "high": 0.2}}, "nothing between"),
        (["P"], {"P": {"prior": "log-uniform", "low": 0, "high": 1}}, "above 0"),
        (["P"], {"P": {"prior": "uniform", "low": 0, "high": 1, "mean": 1}}, "does not belong"),
        (["P"], {"P": {"prior": "normal", "mean": 0.5, "sigma": 0}}, "priors.P.sigma"),
        (["P"], {"P": {"prior": "normal", "mean": 1.5, "sigma": 1}}, "priors.P.mean"),
        (["P"], {"P": {"prior": "normal", "median": 0.5, "sigma": 1}}, "priors.P.mean: missing"),
        (["P"], {"P": {"prior": "log-normal", "median": 0.0, "sigma": 1}}, "median = 0"),
        (["P"], {"P": {"prior": "normal", "mean": 0.5, "sigma": "x"}}, "must be a number"),
        (["P"], {"P": {"prior": "uniform", "low": 0, "hihg": 1}}, "unknown key"),
        (["n_chi_at_Tp"], {}, "priors.n_chi_at_Tp: missing"),
        (["y_min"], {}, "priors.y_min: missing"),
    ],
)
def test_bad_priors_are_refused_in_one_line(free, priors, said):
    with pytest.raises(ConfigurationError, match=said) as refusal:
        read_priors(MODEL, free, priors)
    assert "\n" not in str(refusal.value)

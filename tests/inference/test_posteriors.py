"""Posteriors against closed forms, simulation-based calibration, and the profile likelihood."""

import shutil
import sys
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxbounce
from jaxbounce import ConfigurationError, predict
from jaxbounce._core.errors import ComputationError, OutputError
from jaxbounce.cosmology.constants import GEV_IN_KG, PROTON_MASS_KG
from jaxbounce.files.posterior import write
from jaxbounce.inference import (
    fit,
    likelihood,
    posterior,
    profile,
)
from jaxbounce.inference.coordinates import Coordinates, coordinates
from jaxbounce.inference.fitting import make_problem
from jaxbounce.inference.sampler import Settings, potential, sample

BENCHMARK = jaxbounce.load()
NORMAL = {
    "f_chi": {"prior": "normal", "mean": 5.0e-10, "sigma": 4e-12},
    "Y_chi_init": {"prior": "normal", "mean": 4.7e-10, "sigma": 6e-12},
}


@pytest.fixture(scope="module")
def linear():
    # ω_b is linear in f_χ, ω_c in Y_χ: with normal priors everything is normal
    return posterior(BENCHMARK, list(NORMAL), priors=NORMAL, draws=2000, seed=1)


@pytest.fixture(scope="module")
def degenerate():
    return posterior(BENCHMARK, ["f_chi", "P"], seed=2)


@pytest.mark.slow
def test_linear_gaussian_posterior_in_closed_form(linear):
    at_one = predict(BENCHMARK)
    slopes = np.diag([at_one.omega_b_h2 / 1.07e-9, at_one.omega_dm_h2 / 4.9e-10])
    data = likelihood()
    weight = np.linalg.inv(np.asarray(data.covariance))
    prior_mean = np.array([table["mean"] for table in NORMAL.values()])
    prior_weight = np.diag([table["sigma"] ** -2 for table in NORMAL.values()])
    covariance = np.linalg.inv(slopes.T @ weight @ slopes + prior_weight)
    mean = covariance @ (slopes.T @ weight @ np.asarray(data.mean) + prior_weight @ prior_mean)
    rows = {row.name: row for row in linear.rows}
    for i, name in enumerate(NORMAL):
        row, sd = rows[name], np.sqrt(covariance[i, i])
        assert abs(row.mean - mean[i]) < 3 * sd / np.sqrt(row.ess_bulk)
        assert row.sd == pytest.approx(sd, rel=0.03)
        assert row.r_hat < 1.01
    draws = np.stack([linear.data.posterior[name].values.ravel() for name in NORMAL])
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert np.corrcoef(draws)[0, 1] == pytest.approx(expected, abs=0.05)
    assert not linear.warnings
    assert not linear.interrupted


@pytest.mark.slow
def test_the_profile_likelihood_in_closed_form(linear):
    # without priors: f_χ is determined by ω_b alone, with its own σ
    result = linear.fit
    found = profile(result, "f_chi")
    low, high = found.interval()
    relative = 1.4573440568376432e-4 / 0.02237
    best = result.values["f_chi"]
    assert low == pytest.approx(best * (1 - relative), rel=1e-5)
    assert high == pytest.approx(best * (1 + relative), rel=1e-5)
    offset = (found.values / best - 1) / relative
    np.testing.assert_allclose(found.chi2, offset**2, atol=1e-6)
    two = found.interval(4.0)
    assert two[1] - best == pytest.approx(2 * (high - best), rel=1e-5)
    with pytest.raises(ConfigurationError, match="profile"):
        profile(result, "P")
    with pytest.raises(ConfigurationError, match="low"):
        profile(result, "f_chi", low=1.0)


@pytest.mark.slow
def test_an_exact_degeneracy_is_sampled_and_named(degenerate):
    assert not degenerate.warnings
    assert degenerate.divergences == 0
    rows = {row.name: row for row in degenerate.rows}
    assert list(rows) == ["f_chi", "P", "rho_B", "rho_DM", "ratio", "f_chi·P"]
    assert all(rows[name].r_hat < 1.01 for name in ("f_chi", "P", "f_chi·P"))
    # ω_c is given, so that ω_b has its conditional distribution; P keeps its prior
    rho, pull = -0.5259244972147886, 6.553686886864906
    mean = 0.02237 + rho * pull * 1.4573440568376432e-4
    sd = 1.4573440568376432e-4 * np.sqrt(1 - rho**2)
    product = rows["f_chi·P"]
    scale = float(predict(BENCHMARK).omega_b_h2) / (1.07e-9 * 0.14925839040304145)
    assert abs(product.mean * scale - mean) < 3.5 * sd / np.sqrt(product.ess_bulk)
    assert product.sd * scale == pytest.approx(sd, rel=0.05)
    assert rows["P"].mean == pytest.approx(0.5, abs=3.5 * 0.289 / np.sqrt(rows["P"].ess_bulk))
    assert rows["P"].sd == pytest.approx(1 / np.sqrt(12), rel=0.05)
    assert degenerate.data.attrs["determined"] == '["f_chi\\u00b7P"]'
    assert "f_chi·P" in degenerate.table()


@pytest.mark.slow
def test_a_flat_profile_has_no_end(degenerate):
    found = profile(degenerate.fit, "P", low=0.05, high=0.95, points=9)
    assert np.ptp(found.chi2) < 1e-6
    assert found.interval() == (-np.inf, np.inf)


@pytest.mark.long
def test_saved_whole_or_not_at_all(degenerate, tmp_path, monkeypatch):
    import arviz

    path = tmp_path / "posterior.nc"
    write(path, degenerate)
    again: Any = arviz.from_netcdf(path)
    for name in ("f_chi", "P"):
        np.testing.assert_array_equal(
            again.posterior[name].values, degenerate.data.posterior[name].values
        )
    assert again.attrs["flat"] == '["f_chi\\u00b7P^-1"]'
    assert list(tmp_path.iterdir()) == [path]
    # the draws of minutes are not lost with the folder
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(OutputError, match=r"No such file.*it is in posterior\.nc\.partial"):
        write(tmp_path / "nowhere" / "posterior.nc", degenerate)
    kept: Any = arviz.from_netcdf("posterior.nc.partial")
    np.testing.assert_array_equal(kept.posterior["P"].values, degenerate.data.posterior["P"].values)
    shutil.rmtree(tmp_path / "work")
    with pytest.raises(ConfigurationError, match=r"use a name in \.nc"):
        write(tmp_path / "posterior.csv", degenerate)

    class Broken:
        def to_netcdf(self, path, engine):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, degenerate._replace(data=Broken()))
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_keeps_what_is_done(degenerate, monkeypatch):
    def interrupted(*arguments, **options):
        for i, block in enumerate(sample(*arguments, **options)):
            if i == 8:
                raise KeyboardInterrupt
            yield block

    # the function of that name hides the module
    monkeypatch.setattr(sys.modules["jaxbounce.inference.posteriors"], "sample", interrupted)
    found = posterior(BENCHMARK, ["f_chi", "P"], seed=2)
    assert found.interrupted
    assert found.data.posterior.sizes["draw"] == 300
    assert "interrupted after 1200 of 4000 draws" in found.warnings
    np.testing.assert_array_equal(
        found.data.posterior["P"].values, degenerate.data.posterior["P"].values[:, :300]
    )


def test_the_density_in_w_is_that_in_q_times_the_jacobian():
    names = ["f_chi", "P", "v_w"]
    problem = make_problem(BENCHMARK, names)
    point = jnp.array([0.3, -0.4, 0.8])
    around = np.log([1e-9, 0.2, 0.4])
    one = ([around @ [-1.0, 1.0, 1.0]], [[0.2]], [[-1.0, -1.0]])
    two = (around[:2] + 0.5 * around[2], [[0.1, 0.02], [0.0, 0.3]], [[0.5], [0.5]])
    cases = {
        "determined": Coordinates(jnp.zeros(3), jnp.eye(3) + 0.1, jnp.zeros((0, 0)), ()),
        "one combination": Coordinates(*map(jnp.asarray, one), (1,)),
        "two combinations": Coordinates(*map(jnp.asarray, two), (0, 1)),
    }
    far = point.at[0].set(1e4)
    low, high = problem.bounds()

    @eqx.filter_jit
    def all_of(chosen):
        matrix = jax.jacfwd(lambda w: chosen(problem, w).q)(point)
        return chosen(problem, point), matrix, chosen(problem, far).log_jacobian

    for case, chosen in cases.items():
        (q, log_jacobian), matrix, outside = all_of(chosen)
        # up to the constant factor of the scale of the combinations
        constant = np.linalg.slogdet(chosen.scale)[1]
        expected = np.linalg.slogdet(matrix)[1]
        assert float(log_jacobian) + constant == pytest.approx(expected, rel=1e-9), case
        assert jnp.all((q >= low) & (q <= high)), case
        assert not chosen.pivots or outside == -jnp.inf, case


@pytest.mark.slow
def test_gradients_of_the_potential_in_both_modes():
    problem = make_problem(BENCHMARK, ["f_chi", "P"])
    value = potential(problem, coordinates(fit(BENCHMARK, ["f_chi", "P"])))
    points = jnp.array([[0.3, -0.2], [1e6, 0.0]])
    slopes = jax.jit(jax.vmap(lambda w: (value(w), jax.grad(value)(w), jax.jacfwd(value)(w))))
    values, backward, forward = slopes(points)
    np.testing.assert_allclose(backward, forward, rtol=1e-10)
    assert jnp.isfinite(values[0])
    # outside of the bounds
    assert jnp.isposinf(values[1])
    assert jnp.all(jnp.isfinite(backward))


@pytest.mark.long
def test_a_curved_ridge_is_sampled_along():
    # m_χ is bound to P by ρ_DM/ρ_B, ln m_χ = const + ln P − ln(1 − P), and f_χ then by ρ_B:
    # with priors flat in P, ln m_χ and ln f_χ the posterior of P is its prior, cut where m_χ
    # leaves its own
    model = jaxbounce.load(preset="benchmark", dark_matter="swept-once", equilibrium="exact")
    priors = {"m_chi": {"prior": "log-uniform", "low": 1e-3, "high": 1e3}}
    found = posterior(model, ["f_chi", "m_chi", "P"], priors=priors)
    assert not found.warnings
    row = next(row for row in found.rows if row.name == "P")
    assert row.mean == pytest.approx(0.5, abs=3.5 * 0.289 / np.sqrt(row.ess_bulk))
    assert row.sd == pytest.approx(1 / np.sqrt(12), rel=0.04)
    draws = found.data.posterior
    ratio = (draws["m_chi"] * (1 - draws["P"]) / draws["P"]).values * GEV_IN_KG / PROTON_MASS_KG
    # specification, section H: 5.36433 ± 0.07701
    assert ratio.mean() == pytest.approx(5.36433, abs=3.5 * 0.077 / np.sqrt(2000))
    assert ratio.std() == pytest.approx(0.07701, rel=0.05)
    assert "·" not in found.table()


@pytest.mark.long
def test_simulation_based_calibration():
    """Ranks of the truth among draws are uniform (Talts et al. 2018, arXiv:1804.06788)."""
    priors = {
        "f_chi": {"prior": "log-uniform", "low": 3e-10, "high": 9e-10},
        "P": {"prior": "uniform", "low": 0.05, "high": 0.3},
    }
    free, count, kept = list(priors), 200, 100
    # wide enough to leave room to the prior, narrow enough that no measured density is ≤ 0
    sigma = np.array([0.002, 0.02])
    problem = make_problem(BENCHMARK, free, {"mean": [0.02, 0.1], "sigma": sigma}, priors)
    random = np.random.default_rng(11)
    truths = np.stack([prior.quantile(random.random(count)) for prior in problem.priors], axis=1)
    ranks = []
    for i, truth in enumerate(truths):
        q = jnp.stack([p.coordinate(t) for p, t in zip(problem.priors, truth, strict=True)])
        mean = problem.observables(q) + sigma * random.standard_normal(2)
        data = likelihood(mean=mean, sigma=sigma)
        result = fit(BENCHMARK, free, data, priors)
        blocks = [
            block.q
            for _, block in sample(
                result.problem,
                coordinates(result),
                Settings(warmup=200),
                chains=4,
                draws=250,
                seed=i,
                block=50,
            )
            if block is not None
        ]
        draws = np.concatenate(blocks)[::10].reshape(-1, 2)
        assert len(draws) == kept
        statistics = np.column_stack([draws, draws.sum(axis=1)])
        true = np.append(np.asarray(q), np.sum(q))
        ranks.append((statistics < true).sum(axis=0))
    for column in np.transpose(ranks):
        counts, _ = np.histogram(column, bins=10, range=(0, kept + 1))
        assert scipy.stats.chisquare(counts).pvalue > 0.01


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'jaxbounce\[bayes\]'") as refusal:
        posterior(BENCHMARK, "f_chi")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chains": 0}, "chains"),
        ({"draws": 2}, "draws"),
        ({"warmup": 0}, "warmup"),
        ({"target_accept": 1.0}, "target_accept"),
        ({"max_tree_depth": 0}, "max_tree_depth"),
    ],
)
def test_bad_arguments(options, said):
    with pytest.raises(ConfigurationError, match=said):
        posterior(BENCHMARK, "f_chi", **options)


def test_a_model_without_a_number_is_refused():
    with pytest.raises(ComputationError, match="none of 16 starts"):
        posterior(BENCHMARK.replace(I_p=-1.0), ["f_chi", "P"])

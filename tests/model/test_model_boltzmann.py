"""The Boltzmann equations in the chain: regimes, both paths, derivatives, the commands."""

import csv
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from jaxbounce import Status, load, predict
from jaxbounce.cli import main
from jaxbounce.files.evolution import as_table
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.model.evolution import evolution, temperature_grid

P = BENCHMARK["P_chi_to_B"]
ODE = {"equations": "boltzmann", "depletion": "on"}


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.mark.parametrize(
    ("changes", "equations", "initial", "range_", "coupling"),
    [
        ({}, "quadrature", "given", "published", "external"),
        ({"regime": "auto"}, "quadrature", "given", "published", "external"),
        ({"deplete_DM_from_source": True}, "boltzmann", "given", "published", "external"),
        ({"Gamma_wash_over_H": 0.1}, "boltzmann", "given", "published", "external"),
        ({"sigma_v_chi_GeV_m2": 1e-9}, "boltzmann", "given", "frozen", "external"),
        (
            {"regime": "thermal", "Y_chi_init": None},
            *("boltzmann", "equilibrium", "published", "external"),
        ),
        (
            {"regime": "auto", "Y_chi_init": None, "sigma_v_slope_GeV_m2": 1e-9},
            *("boltzmann", "equilibrium", "frozen", "external"),
        ),
        (
            {"dark_matter": "occupancy", "deplete_DM_from_source": True},
            *("boltzmann", "given", "published", "self-consistent"),
        ),
        ({"coupling": "self-consistent"}, "boltzmann", "given", "published", "self-consistent"),
    ],
)
def test_regime_and_rates_decide_the_path(changes, equations, initial, range_, coupling):
    configuration = configure(BENCHMARK | changes)
    choices = configuration.choices
    assert (choices.equations, choices.initial) == (equations, initial)
    assert (choices.temperature_range, choices.coupling) == (range_, coupling)
    assert bool(configuration.reasons) == (equations == "boltzmann")


@pytest.mark.slow
def test_quadrature_and_equations_agree_where_both_hold():
    model = load(preset="benchmark")
    by_source = predict(model)
    external = predict(model.choose(**ODE))
    assert external.status == Status.SUCCESS
    np.testing.assert_allclose(external.Y_B, by_source.Y_B, rtol=1e-10)
    # what B gains χ loses
    np.testing.assert_allclose(external.Y_chi + external.Y_B, BENCHMARK["Y_chi_init"], rtol=1e-12)


@pytest.mark.slow
def test_self_consistent_source_is_the_mean_field_closure():
    # massless limits: j/n is one number, as the closed form has it
    closed = load(preset="exact", closure="mean-field", equilibrium="piecewise")
    solved = closed.choose(closure="linear", coupling="self-consistent", **ODE)
    exact, found = predict(closed), predict(solved)
    assert found.status == Status.SUCCESS
    np.testing.assert_allclose(found.Y_B, exact.Y_B, rtol=1e-9)
    np.testing.assert_allclose(found.Y_chi, exact.Y_chi, rtol=1e-9)


def test_rates_are_never_ignored():
    model = load(preset="benchmark")
    for name in ("sigma_v", "sigma_v_slope", "washout_over_H"):
        found = predict(model.replace(**{name: 1e-3}))
        assert found.status == Status.NEEDS_BOLTZMANN
        assert np.isnan(found.rho_B)


@pytest.mark.slow
def test_exhausted_chi_is_a_status_in_a_batch():
    model = load(preset="benchmark").choose(**ODE)
    Y = jnp.array([4.9e-10, 1e-12, 1e-9])
    found = jax.jit(jax.vmap(lambda Y: predict(model.replace(Y_chi_init=Y))))(Y)
    expected = [Status.SUCCESS, Status.CHI_EXHAUSTED, Status.SUCCESS]
    assert list(found.status) == expected
    assert np.isnan(found.rho_B[1])
    np.testing.assert_allclose(found.Y_chi[2] - found.Y_chi[0], 1e-9 - 4.9e-10, rtol=1e-12)


@pytest.mark.long
def test_both_modes_of_differentiation():
    # moderately coupled: at 2λY_eq ~ 1e10 reverse mode is good to 1e-5 only (docstring of
    # `solve_boltzmann`), and forward mode is the one to take
    given = {"dark_matter": "input", "coupling": "self-consistent", "Y_chi_init": 4e-12}
    model = load(preset="exact", sigma_v_chi_GeV_m2=1e-13, **given)
    assert model.choices.equations == "boltzmann"
    names = ("Y_chi_init", "P", "v_w", "sigma_v", "m_chi")
    at = jnp.log(jnp.stack([model.value(name) for name in names]))

    def log_densities(x, model):
        found = predict(model.replace(**dict(zip(names, jnp.exp(x), strict=True))))
        return jnp.log(jnp.stack([found.rho_B, found.rho_DM]))

    value = eqx.filter_jit(log_densities)
    reverse = eqx.filter_jit(jax.jacrev(log_densities))(at, model)
    forward = eqx.filter_jit(jax.jacfwd(log_densities))(at, model.choose(derivatives="forward"))
    np.testing.assert_allclose(forward, reverse, rtol=1e-6, atol=1e-9)
    h = 1e-2  # the solver's own error, 3e-10 a step, is divided by it
    for i in range(len(names)):
        e = h * np.eye(len(names))[i]
        one, two = (value(at + n * e, model) - value(at - n * e, model) for n in (1, 2))
        np.testing.assert_allclose(reverse[:, i], (8 * one - two) / (12 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.long
def test_published_fallback_values_are_bracketed(capsys, tmp_path):
    """SPEC E and issue: the published Radau, on an A/V table of its own, good to 1e-4."""
    out = tmp_path / "result.json"
    arguments = ("run", "--preset", "published", "--out", out)
    status, text, _ = _run(capsys, *arguments, "--set", "deplete_DM_from_source=true")
    assert status == 0
    final = json.loads(out.read_text())["final"]
    np.testing.assert_allclose(final["Y_B"], 8.7222e-11, rtol=3e-4)
    np.testing.assert_allclose(final["Y_chi"], 4.02778e-10, rtol=1e-4)
    assert "Boltzmann, because of depletion" in text
    assert final["equations"] == "boltzmann"
    status, _, _ = _run(capsys, *arguments, "--set", "Gamma_wash_over_H=0.05")
    assert status == 0
    final = json.loads(out.read_text())["final"]
    np.testing.assert_allclose(final["Y_B"], 6.2121e-11, rtol=5e-4)


def test_the_grid_of_an_evolution_sees_the_walls():
    """Everywhere within the range, falling; fine where the exact area is, 14 wide in y."""
    for points in (4, 60, 400):
        T = temperature_grid(load(preset="exact"), points)
        assert (np.diff(T) < 0).all()
        assert points - 3 <= len(T) <= points
        np.testing.assert_allclose([T[0], T[-1]], [500.0, 0.1], rtol=1e-12)
    y = 100 / 2 * ((100 / T) ** 2 - 1)
    assert np.diff(y[(y > -8) & (y < 6)]).max() < 0.15


@pytest.mark.slow
def test_evolution_ends_where_the_run_does(capsys, tmp_path):
    model = load(preset="benchmark").choose(**ODE)
    grid = temperature_grid(model, 60)
    table = as_table(evolution(model, grid))
    T, _, Y_chi, Y_B, source, _ = table.T
    assert (np.diff(T) < 0).all()
    assert (np.diff(Y_B) >= 0).all()
    np.testing.assert_allclose(Y_chi + Y_B, BENCHMARK["Y_chi_init"], rtol=1e-12)
    assert source.max() > 0
    final = predict(model)
    np.testing.assert_allclose([Y_B[-1], Y_chi[-1]], [final.Y_B, final.Y_chi], rtol=1e-9)
    arguments = ("evolve", "--points", "60", "--set", "deplete_DM_from_source=true")
    out = tmp_path / "yields.csv"
    picture = tmp_path / "yields.png"
    status, _, _ = _run(capsys, *arguments, "--out", out, "--plot", picture)
    assert status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = out.read_text().splitlines()
    assert json.loads(lines[0].split("; ", 1)[1])["deplete_DM_from_source"] is True
    rows = list(csv.DictReader(lines[1:]))
    np.testing.assert_array_equal([float(row["Y_B"]) for row in rows], Y_B)
    binary = tmp_path / "yields.nc"
    status, _, _ = _run(capsys, *arguments, "--out", binary)
    assert status == 0
    np.testing.assert_array_equal(xr.load_dataset(binary).Y_B, Y_B)


def test_evolve_refuses_in_one_line(capsys, tmp_path):
    for arguments in (("--out", tmp_path / "x.txt"), ("--points", "1"), ("--set", "regime=hot")):
        status, _, err = _run(capsys, "evolve", *arguments)
        assert status == 2
        assert len(err.strip().splitlines()) == 1

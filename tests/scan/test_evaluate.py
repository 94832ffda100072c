"""Batched evaluation against single predictions, gradients against central differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Status, load, predict
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce.conversion import WallConversion
from jaxbounce.conversion.wall import Couplings, TanhWall
from jaxbounce.scan import Grid, Table, plan_scan
from jaxbounce.scan.evaluate import DEFAULT_OUTPUTS, Evaluation, relative_cost, sizes

RNG = np.random.default_rng(5)
N = 100
POINTS = {
    "v_w": RNG.uniform(0.05, 0.95, N),
    "beta_over_H": 10 ** RNG.uniform(0.5, 4, N),
    "m_chi": 10 ** RNG.uniform(-2, 2, N),
    "f_chi": 10 ** RNG.uniform(-10, -7, N),
}


def evaluated(model, points, outputs=DEFAULT_OUTPUTS, gradients=(), batch=16, room=None):
    evaluation = Evaluation(model, tuple(points), outputs, gradients, "float64", batch)
    size = len(next(iter(points.values())))
    return evaluation.compile(room or size, jax.devices()[0]).start(points).wait()


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["published", "benchmark", "exact"])
def test_points_are_single_predictions(preset):
    model = load(preset=preset)
    found = evaluated(model, POINTS, (*DEFAULT_OUTPUTS, "ratio", "P", "mean_hits"))
    for i in range(0, N, 7):
        single = predict(model.replace(**{name: v[i] for name, v in POINTS.items()}))
        assert found["status"][i] == single.status
        for name in ("Y_B", "Y_chi", "rho_B", "rho_DM", "ratio", "P", "mean_hits"):
            np.testing.assert_allclose(found[name][i], getattr(single, name), rtol=1e-12)


@pytest.mark.slow
def test_boltzmann_points_are_single_predictions():
    model = load(preset="benchmark", sigma_v_chi_GeV_m2=1e-9, regime="thermal", Y_chi_init=None)
    points = {"sigma_v": np.geomspace(1e-11, 1e-7, 9), "v_w": np.linspace(0.1, 0.9, 9)}
    found = evaluated(model, points, batch=4)
    assert (found["status"] == Status.SUCCESS).all()
    for i in range(9):
        single = predict(model.replace(**{name: v[i] for name, v in points.items()}))
        for name in ("Y_B", "rho_DM"):
            np.testing.assert_allclose(found[name][i], getattr(single, name), rtol=1e-12)


@pytest.mark.slow
def test_conversion_points_are_single_predictions():
    wall = WallConversion(TanhWall(2.4, 1.7, width=1.5), Couplings(lam=0.209))
    model = load(preset="benchmark").with_conversion(wall)
    points = {"lam": np.array([0.05, 0.2, -1.0, 0.4]), "v_w": np.array([0.2, 0.3, 0.4, 0.6])}
    found = evaluated(model, points, ("P", "rho_B"), batch=2)
    assert found["status"].tolist() == [1, 1, Status.INVALID_PARAMETER, 1]
    for i in (0, 1, 3):
        single = predict(model.replace(**{name: v[i] for name, v in points.items()}))
        np.testing.assert_allclose(found["P"][i], single.P, rtol=1e-12)
    assert np.isnan(found["P"][2])


def test_a_partial_chunk_is_the_beginning_of_a_full_one():
    model = load(preset="benchmark")
    whole = evaluated(model, POINTS)
    part = evaluated(model, {name: v[:21] for name, v in POINTS.items()}, room=N)
    for name, values in part.items():
        np.testing.assert_array_equal(values, whole[name][:21])


def test_impossible_points_harm_no_neighbour():
    model = load(preset="benchmark")
    clean = evaluated(model, POINTS)
    bad = {name: v.copy() for name, v in POINTS.items()}
    bad["v_w"][3], bad["m_chi"][17], bad["f_chi"][50] = 1.5, np.nan, -1.0
    found = evaluated(model, bad)
    where = np.zeros(N, bool)
    where[[3, 17, 50]] = True
    assert (found["status"][where] == Status.INVALID_PARAMETER).all()
    for name, values in found.items():
        np.testing.assert_array_equal(values[~where], clean[name][~where])
        if name != "status":
            assert np.isnan(values[where]).all()


@pytest.mark.slow
def test_gradients_are_central_differences():
    model = load(preset="exact")
    points = {name: v[:6] for name, v in POINTS.items()}
    points["m_chi"] = np.array([0.5, 3.0, 30.0, 100.0, 300.0, -1.0])
    found = evaluated(model, points, ("rho_B", "rho_DM"), ("rho_B", "rho_DM"), batch=3)
    assert found["status"].tolist() == [1] * 5 + [Status.INVALID_PARAMETER]
    batched = jax.jit(jax.vmap(lambda p: predict(model.replace(**p))))
    for name in points:
        step = 1e-4 * points[name]
        up = batched({**points, name: jnp.asarray(points[name] + step)})
        down = batched({**points, name: jnp.asarray(points[name] - step)})
        for output in ("rho_B", "rho_DM"):
            slope = (getattr(up, output) - getattr(down, output)) / (2 * step)
            value = found[f"d_{output}_d_{name}"]
            scale = np.abs(found[output] / points[name])[:5]
            error = np.abs(value - slope)[:5] / np.maximum(np.abs(slope)[:5], 1e-3 * scale)
            assert error.max() < 1e-5, (name, output)
            # not a silent zero where there is no number
            assert np.isnan(value[5])


def test_new_values_do_not_recompile():
    model = load(preset="benchmark")
    evaluation = Evaluation(model, ("v_w",), ("rho_B",), (), "float64", 8)
    program = evaluation.compile(32, jax.devices()[0])
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, duration, **_: compiled.append(event) if "backend_compile" in event else None
    )
    try:
        for low, points in ((0.1, 32), (0.2, 13), (0.3, 1)):
            found = program.start({"v_w": np.linspace(low, 0.9, points)}).wait()
            assert found["rho_B"].shape == (points,)
        assert not compiled
        jax.jit(lambda x: x + 1)(1.0)
        assert compiled  # the listener hears
    finally:
        jax.monitoring.clear_event_listeners()


def test_sizes_follow_the_cost():
    model = load(preset="benchmark")
    annihilating = load(
        preset="benchmark", sigma_v_chi_GeV_m2=1e-9, regime="thermal", Y_chi_init=None
    )
    assert relative_cost(model, ("v_w",), 0) < relative_cost(model, ("v_w",), 1)
    assert relative_cost(annihilating, ("v_w",), 0) > 50 * relative_cost(model, ("v_w",), 0)
    for points in (1, 100, 10**5, 10**9):
        for cost in (1, 4, 64, 128, 10**5):
            for platform in ("cpu", "gpu"):
                chunk, batch = sizes(points, cost, platform)
                assert chunk % batch == 0
                assert 1 <= chunk <= max(65536, batch)


@pytest.mark.slow
def test_batches_shrink_until_they_fit_the_memory(monkeypatch):
    from jaxbounce.scan import compile_fitting, evaluate

    # what a batch takes grows with it where derivatives are kept
    table = Table({"v_w": np.linspace(0.1, 0.9, 4096)})
    plan = plan_scan(load(preset="benchmark"), table, gradients=("rho_B",)).with_batch(1024)
    # half of it is between what a batch takes and what a quarter of one does
    sizes = (plan, plan.with_batch(256))
    needed = sum(compile_fitting(p, jax.devices())[1][0].memory for p in sizes)
    monkeypatch.setattr(evaluate, "available_memory", lambda device: needed)
    smaller, programs = compile_fitting(plan, jax.devices())
    assert smaller.evaluation.batch < plan.evaluation.batch
    assert smaller.table["batch"] == smaller.evaluation.batch
    assert programs[0].memory <= needed / 2
    monkeypatch.setattr(evaluate, "available_memory", lambda device: 1000)
    with pytest.raises(ComputationError, match="GiB of memory"):
        compile_fitting(plan.with_batch(2), jax.devices())


def test_float32_is_refused_where_it_does_not_serve():
    wall = WallConversion(TanhWall(2.4, 1.7, width=1.5), Couplings(lam=0.209))
    design = Grid({"v_w": np.array([0.2, 0.3])})
    for model in (
        load(preset="benchmark").with_conversion(wall),
        load(preset="benchmark", sigma_v_chi_GeV_m2=1e-9, regime="thermal", Y_chi_init=None),
    ):
        with pytest.raises(ConfigurationError, match="float64"):
            plan_scan(model, design, precision="float32")


def test_the_plan_tells_scans_apart():
    model = load(preset="benchmark")
    design = Table({"v_w": np.array([0.2, 0.3])})
    plan = plan_scan(model, design)
    for other in (
        plan_scan(model.replace(T_p=99.0), design),
        plan_scan(model.choose(area_kernel="kjma"), design),
        plan_scan(model, Table({"v_w": np.array([0.2, 0.31])})),
        plan_scan(model, design, gradients=("rho_B",)),
    ):
        assert other.table != plan.table
    assert plan_scan(load(preset="benchmark"), design).table == plan.table

"""Stages: what computes a quantity of a model; order, errors, failures, batches, derivatives."""

import json
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

import jaxbounce as jb
from jaxbounce import Model, Parameters, Part, Status, load, predict
from jaxbounce._core.ranges import above
from jaxbounce._core.stage import Stage, Supplied
from jaxbounce.cli import main
from jaxbounce.conversion import Couplings, CriticalBubble, TanhWall, WallConversion
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.potential import PUBLISHED
from jaxbounce.scan import Grid, create, plan_scan
from jaxbounce.scan.evaluate import relative_cost

WALL = WallConversion(TanhWall(2.4, 1.7, width=1.5), Couplings(lam=0.209))


class Occupancy(Stage):
    """f_χ = c T_p^n, with a relative error and a largest T_p; counts how often it is traced."""

    scale: jax.Array
    error: float = eqx.field(static=True, default=0.0)
    most: float = eqx.field(static=True, default=1e9)
    label = "occupancy"
    part = Part.OCCUPANCY

    @property
    def needs(self):
        return ("T_p",)

    @property
    def supplies(self):
        return ("f_chi",)

    @property
    def relative_cost(self):
        return 8

    def supply(self, known):
        value = self.scale * known["T_p"]
        status = jnp.where(known["T_p"] < self.most, Status.SUCCESS, Status.NOT_FINITE)
        return Supplied({"f_chi": value}, {"f_chi": self.error * value}, status)

    def ranges(self):
        return {"scale": above(0, "f_chi over T_p")}

    def value(self, name):
        return getattr(self, name)

    def replace(self, **values):
        return eqx.tree_at(lambda s: s.scale, self, jnp.asarray(values["scale"]))


class Temperature(Stage):
    """T_p from f_χ: with `Occupancy`, a circle."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ("f_chi",)

    @property
    def supplies(self):
        return ("T_p",)

    @property
    def relative_cost(self):
        return 1

    def supply(self, known):
        return Supplied({"T_p": known["f_chi"]}, {}, jnp.asarray(Status.SUCCESS))

    def ranges(self):
        return {}

    def value(self, name):
        raise AssertionError(name)

    def replace(self, **values):
        return self


def _parameters(**changes):
    values = {"m_chi": 0.95, "T_p": 100.0, "beta_over_H": 100.0, "v_w": 0.3, "sigma_y": 9.0}
    return Parameters(**{**values, "P": 0.15, "f_chi": 1e-9, "Y_chi_init": 4.9e-10, **changes})


T_AROUND = np.array([99.0, 100.0, 101.0])


def _with_occupancy(scale=1e-11, **options):
    return Model(_parameters(f_chi=None), stages=(Occupancy(jnp.asarray(scale), **options),))


@pytest.mark.slow
def test_a_stage_stands_for_a_number():
    computed, given = predict(_with_occupancy()), predict(Model(_parameters()))
    np.testing.assert_allclose(computed.Y_B, given.Y_B, rtol=1e-14)
    model = _with_occupancy()
    assert "f_chi" not in model.names()
    assert model.value("scale") == 1e-11
    assert "f_chi over T_p" in model.range_of("scale").meaning
    slope = jax.grad(lambda c: jnp.log(predict(model.replace(scale=c)).rho_B))(1e-11)
    np.testing.assert_allclose(slope, 1e11, rtol=1e-10)


@pytest.mark.slow
def test_errors_of_stages_are_joined():
    """Y_B is proportional to f_χ: a relative error of one is that of the other."""
    plain, uncertain = predict(_with_occupancy()), predict(_with_occupancy(error=1e-3))
    np.testing.assert_allclose(uncertain.error_estimate - plain.error_estimate, 1e-3, rtol=1e-6)


@pytest.mark.slow
def test_a_failed_stage_leaves_the_others_of_a_batch_alone():
    model = _with_occupancy(most=100.5)
    T = jnp.asarray(T_AROUND)
    batch = jax.vmap(lambda t: predict(model.replace(T_p=t)))(T)
    assert [int(s) for s in batch.status] == [1, 1, Status.NOT_FINITE]
    alone = predict(model.replace(T_p=100.0))
    np.testing.assert_allclose(batch.rho_B[1], alone.rho_B, rtol=1e-13)
    assert np.isnan(batch.rho_B[2])
    assert batch.failed.tolist() == [Part.NONE, Part.NONE, Part.OCCUPANCY]


@pytest.mark.slow
def test_a_store_says_which_stage_failed(tmp_path):
    plan = plan_scan(_with_occupancy(most=100.5), Grid({"T_p": T_AROUND}), outputs=("rho_B",))
    program = plan.evaluation.compile(plan.layout.chunk_points, jax.local_devices()[0])
    store, region = create(tmp_path / "scan.zarr", plan), plan.layout.region(0)
    store.write(0, program.start(plan.design.points(region)).wait())
    assert store.read("failed", region).tolist() == [Part.NONE, Part.NONE, Part.OCCUPANCY]
    assert store.failures() == {Part.OCCUPANCY: 1}
    assert store.counts() == {Status.SUCCESS: 2, Status.NOT_FINITE: 1}
    jb.files.export.export(store, tmp_path / "scan.csv")
    heads, *rows = (tmp_path / "scan.csv").read_text().splitlines()
    column = heads.split(",").index("failed")
    assert [row.split(",")[column] for row in rows] == ["1", "1", str(int(Part.OCCUPANCY))]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Model(_parameters(), stages=(Occupancy(jnp.asarray(1.0)),)), "both are given"),
        (lambda: Model(_parameters(P=None)), "P and conversion: neither is given"),
        (
            lambda: Model(_parameters(f_chi=None), stages=(Occupancy(jnp.asarray(1.0)),) * 2),
            "f_chi: is computed by Occupancy and by Occupancy",
        ),
        (
            lambda: Model(
                _parameters(f_chi=None, T_p=None),
                stages=(Occupancy(jnp.asarray(1.0)), Temperature()),
            ),
            "in a circle",
        ),
        (
            lambda: Model(_parameters(P=None), stages=(WallConversion(None, Couplings(lam=0.1)),)),
            "wall: WallConversion needs it",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_line(make, text):
    with pytest.raises(jb.ConfigurationError, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_order_follows_from_needs():
    """The conversion needs the wall, whichever was named first; a name that is taken is dotted."""
    point = {**BENCHMARK, "P_chi_to_B": None, "conversion": {"potential": PUBLISHED}}
    model = configure(point).model
    bubble, conversion = model.stages
    assert isinstance(bubble, CriticalBubble)
    assert isinstance(conversion, WallConversion)
    swapped = Model(model.parameters, model.choices, (conversion, bubble))
    assert [type(s) for s in swapped.stages] == [CriticalBubble, WallConversion]
    names = model.names()
    assert {"g", "v", "lam", "potential.lam"} <= set(names)
    assert model.value("lam") == 0.209
    assert model.value("potential.lam") == 1e-8
    assert model.replace(**{"potential.lam": 2e-8}).value("lam") == 0.209


@pytest.mark.slow
def test_what_does_not_vary_is_computed_once():
    model = load(preset="benchmark").with_conversion(WALL)
    settled = model.settled(("f_chi",))
    assert settled.stages[0].relative_cost == 0
    np.testing.assert_allclose(predict(settled).rho_B, predict(model).rho_B, rtol=1e-14)
    # v_w enters P: it stays to be computed
    assert model.settled(("v_w",)).stages == model.stages
    assert relative_cost(model, ("f_chi",), 0) == 1
    assert relative_cost(model, ("v_w",), 0) == WALL.relative_cost


class Bath(Temperature):
    """T_p = 100 GeV, of nothing."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    def supply(self, known):
        return Supplied({"T_p": jnp.asarray(100.0)}, {}, jnp.asarray(Status.SUCCESS))


class AtOnce(Occupancy):
    """Notes whether it is asked for within a program."""

    at_once = True
    asked: ClassVar[list[bool]] = []

    def supply(self, known):
        self.asked.append(isinstance(known["T_p"], Tracer))
        return super().supply(known)


@pytest.mark.slow
def test_what_runs_at_once_is_not_compiled_for_a_single_answer():
    model = Model(_parameters(f_chi=None), stages=(AtOnce(jnp.asarray(1e-11)),))
    compiled = Model(_parameters(f_chi=None), stages=(Occupancy(jnp.asarray(1e-11)),))
    AtOnce.asked.clear()
    single = predict(model)
    assert AtOnce.asked == [False]
    assert float(single.rho_B) == float(predict(compiled).rho_B)
    slope = jax.grad(lambda scale: predict(model.replace(scale=scale)).rho_B)(1e-11)
    assert set(AtOnce.asked[1:]) == {True}
    # ρ_B is proportional to f_χ, and that to the scale
    assert float(slope) == pytest.approx(float(single.rho_B) / 1e-11, rel=1e-12)
    batch = jax.vmap(lambda T_p: predict(model.replace(T_p=T_p)).rho_B)(jnp.array([100.0, 120.0]))
    assert float(batch[0]) == pytest.approx(float(single.rho_B), rel=1e-14)
    # what it needs is computed by a stage that is compiled: it waits for it
    assert model.begun().stages[0] is not model.stages[0]
    stages = (Bath(), AtOnce(jnp.asarray(1e-11)))
    after = Model(_parameters(T_p=None, f_chi=None), stages=stages)
    assert [type(stage) for stage in after.begun().stages] == [Bath, AtOnce]
    assert float(predict(after).rho_B) == pytest.approx(float(single.rho_B), rel=1e-14)
    failed = Model(_parameters(f_chi=None), stages=(AtOnce(jnp.asarray(1e-11), most=50.0),))
    assert int(predict(failed).status) == Status.NOT_FINITE


@pytest.mark.slow
def test_resolved_doubles_the_steps_until_it_has_converged():
    coarse = load(preset="benchmark").with_conversion(
        eqx.tree_at(lambda c: c.model, WALL, type(WALL.model)(steps=8))
    )
    assert predict(coarse).status == Status.PROPAGATION_NOT_CONVERGED
    fine = coarse.resolved()
    models: list[Any] = [coarse.conversion, fine.conversion]
    assert models[0].model.steps == 8 < models[1].model.steps
    found = predict(fine)
    assert found.status == Status.SUCCESS
    exact = predict(load(preset="benchmark").with_conversion(WALL))
    np.testing.assert_allclose(found.P, exact.P, rtol=1e-4)


@pytest.fixture(scope="module")
def portal():
    point = {**BENCHMARK, "P_chi_to_B": None, "conversion": {"potential": PUBLISHED}}
    return configure(point, "benchmark").model


@pytest.mark.long
def test_a_coupling_of_the_potential_reaches_the_density(portal):
    """∂ρ_B/∂g through bounce, wall, P: against central differences."""
    density = jax.jit(lambda g: predict(portal.replace(g=g)).rho_B)
    g, h = 2.313019, 1e-3
    slope = jax.jit(jax.grad(density))(g)
    near = (density(g + h) - density(g - h)) / (2 * h)
    far = (density(g + 2 * h) - density(g - 2 * h)) / (4 * h)
    np.testing.assert_allclose(slope, (4 * near - far) / 3, rtol=1e-6)
    assert abs(slope) > 0
    # a single answer, its bounce at once
    np.testing.assert_allclose(predict(portal.replace(g=g)).rho_B, density(g), rtol=1e-10)


@pytest.mark.long
def test_a_scan_over_a_coupling_compiles_once(portal, monkeypatch):
    """200 values of g: one program; the batch says what single points say."""
    plan = plan_scan(portal, Grid({"g": np.linspace(2.31, 2.33, 200)}), outputs=("rho_B",))
    traces = []
    solve = CriticalBubble.bounce

    def counted(self):
        traces.append(1)
        return solve(self)

    monkeypatch.setattr(CriticalBubble, "bounce", counted)
    program = plan.evaluation.compile(plan.layout.chunk_points, jax.local_devices()[0])
    counts = len(traces)
    rho, status = [], []
    for chunk in range(plan.layout.count):
        found = program.start(plan.points(chunk)).wait()
        rho.append(found["rho_B"])
        status.append(found["status"])
    assert len(traces) == counts
    rho, status = np.concatenate(rho), np.concatenate(status)
    assert rho.size == 200
    assert (status == Status.SUCCESS).all()
    single = predict(portal.replace(g=float(np.linspace(2.31, 2.33, 200)[77]))).rho_B
    np.testing.assert_allclose(rho[77], single, rtol=1e-9)


@pytest.mark.long
def test_commands_reach_the_couplings(tmp_path, capsys):
    point = {**BENCHMARK, "P_chi_to_B": None, "conversion": {"potential": PUBLISHED}}
    file = tmp_path / "point.json"
    file.write_text(json.dumps(point), encoding="utf-8")
    out = tmp_path / "out.json"
    assert main(["sensitivity", str(file), "--wrt", "g,lam", "--out", str(out)]) == 0
    rows = {r["parameter"]: r for r in json.loads(out.read_text())["elasticities"]}
    assert rows["g"]["rho_B"] not in (None, 0.0)
    priors = tmp_path / "priors.json"
    priors.write_text(json.dumps({"g": {"prior": "uniform", "low": 2.2, "high": 2.4}}))
    # ρ_B hardly depends on g: the fit ends at an end of the prior, and says so
    fit = ["fit", str(file), "--free", "g", "--only", "omega_b", "--priors", str(priors)]
    assert main([*fit, "--starts", "2"]) == 1
    assert "g runs into its" in capsys.readouterr().err

"""The chain from a potential to densities: stages, files, slopes, failures."""

import dataclasses
import json
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chains import ENDS, PLANCK_POINT, POINT, POTENTIAL, TRANSITION, TWO_FIELDS
from lte_walls import POINTS

from jaxbounce import ConfigurationError, Model, Parameters, Status, load, predict
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied
from jaxbounce.conversion import WallConversion
from jaxbounce.conversion.bounce_wall import TransitionBubble
from jaxbounce.files.point import configure
from jaxbounce.files.transition import EXAMPLE, read_transition
from jaxbounce.inference import FitStatus, fit, likelihood
from jaxbounce.model.story import story
from jaxbounce.parameters import Choices
from jaxbounce.transition import find_transition, solve_transition
from jaxbounce.transition.background import as_degrees
from jaxbounce.transition.rate import Rate, Tunnelling
from jaxbounce.transition.stages import (
    LteWallSpeed,
    PlasmaInFront,
    ThermalTransition,
    TransitionArea,
)
from jaxbounce.transition.story import sample_temperatures
from jaxbounce.transition.window import find_window


def test_couplings_of_a_file_are_parameters():
    """Stages in the order of what they need, of one file; the couplings by their names."""
    point = {k: v for k, v in POINT.items() if k != "v_w"} | {"wall_speed": {"model": "lte"}}
    model = configure({**point, "area_kernel": "history"}).model
    kinds = [type(stage) for stage in model.stages]
    assert kinds == [Tunnelling, LteWallSpeed, ThermalTransition, TransitionArea]
    assert {"D", "E", "lam", "T0", "prefactor"} <= set(model.names())
    assert not {"T_p", "beta_over_H", "v_w", "T"} & set(model.names())
    assert model.replace(E=0.09).value("E") == 0.09
    settled = configure({**point, "wall_speed": {"model": "lte", "at": "T_p"}}).model
    assert settled.stages[1] == LteWallSpeed(at="T_p")
    # any of them may be a number instead
    given = configure(point, overrides={"T_p_GeV": 100.0, "beta_over_H": 200.0, "v_w": 0.3})
    assert given.model.stages == ()
    assert given.model.value("beta_over_H") == 200.0


def test_a_wall_of_the_transition():
    wall = {"wall": "critical-bubble", "lambda_tr_eff": 0.01}
    point = {k: v for k, v in POINT.items() if k != "P_chi_to_B"}
    table = {**TRANSITION, "potential": TWO_FIELDS}
    model = configure({**point, "transition": table, "conversion": wall}).model
    kinds = [type(stage) for stage in model.stages]
    assert kinds == [Tunnelling, ThermalTransition, TransitionBubble, WallConversion]
    assert model.stages[2] == TransitionBubble("critical-bubble")
    table = {**point, "transition": table, "conversion": {**wall, "wall": "planar"}}
    assert configure(table).model.stages[2] == TransitionBubble("planar")
    # λ of the conversion, and that of the potential by its stage
    assert model.value("lam") == 0.01
    assert model.value("potential.lam") == 0.1


BAD = [
    ({"T_p_GeV": 100.0}, "T_p_GeV = 100.0 and transition: both given"),
    ({"transition": None}, "T_p_GeV: missing"),
    ({"wall_speed": {"model": "lte"}}, "v_w = 0.3 and wall_speed: both given"),
    ({"v_w": None, "wall_speed": {"model": "let"}}, "wall_speed.model = 'let'.*did you mean 'lte'"),
    ({"v_w": None, "wall_speed": {"at": "T_x"}}, "wall_speed.at = 'T_x': must be one of"),
    ({"v_w": None, "wall_speed": {"psi": 0.9}}, "wall_speed.psi: unknown key.*did you mean 'Psi'"),
    ({"v_w": None, "wall_speed": {"Psi": 0.9}}, "wall_speed.Psi and transition: both given"),
    ({"transition": {**TRANSITION, "Tlow": 1.0}}, "transition.Tlow: unknown key; did you mean"),
    ({"transition": {**TRANSITION, "v_w": 0.5}}, "transition.v_w: unknown key"),
    ({"transition": {"T_low": 1.0, "T_high": 2.0}}, "transition.potential: missing"),
    ({"transition": {**TRANSITION, "T_low": 300.0}}, "transition.T_low = 300: must be below"),
    (
        {"transition": {**TRANSITION, "potential": {**EXAMPLE, "transition": {"v_w": 0.5}}}},
        "transition.potential.transition.v_w = 0.5: differs from v_w = 0.3",
    ),
    (
        {"transition": {**TRANSITION, "potential": {**POTENTIAL, "transition": 5}}},
        "transition.potential.transition = 5: must be a table",
    ),
    ({"alpha_V": 0.1}, "alpha_V = 0.1 and transition: both given"),
    (
        {"transition": {**TRANSITION, "potential": {**POTENTIAL, "fieldss": []}}},
        "fieldss: unknown key; did you mean 'fields'",
    ),
    (
        {"P_chi_to_B": None, "conversion": {"potential": TWO_FIELDS}},
        "the wall would be that of another transition",
    ),
    (
        {"P_chi_to_B": None, "conversion": {"wall": "critical-buble"}},
        "conversion.wall = 'critical-buble'.*did you mean 'critical-bubble'",
    ),
    (
        {"g_star": "standard-model", "hidden_sector": {"xi": 0.5, "species": [
            {"mass_GeV": 1.0, "g": 2.0, "statistics": "boson"}]}},
        "xi_hidden, .*: a transition takes g_",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "text"), BAD)
def test_what_contradicts_is_one_line(changes, text):
    with pytest.raises(ConfigurationError, match=text) as caught:
        configure({**POINT, **changes})
    assert "\n" not in str(caught.value)


def test_overrides_of_a_transition(tmp_path):
    """A path in one is read; what a transition releases does not do without it."""
    path = tmp_path / "potential.json"
    path.write_text(json.dumps(POTENTIAL), encoding="utf-8")
    moved = configure(POINT, overrides={"transition.potential": str(path)})
    assert moved.model.names() == configure(POINT).model.names()
    with pytest.raises(ConfigurationError, match=r"alpha_V = 0.1 and transition: both given"):
        configure(POINT, overrides={"alpha_V": 0.1})
    hidden = {**POTENTIAL, "parameters": {**POTENTIAL["parameters"], "prefactor": 1.0}}
    with pytest.raises(ConfigurationError, match="is the name of A of Γ in the transition"):
        configure({**POINT, "transition": {**TRANSITION, "potential": hidden}})
    # of one point in both: with and without what is released in H
    radiation = {**TRANSITION, "expansion": "radiation"}
    model = configure({**POINT, "transition": radiation}).model
    with pytest.raises(ConfigurationError, match="leaves the vacuum energy out of H"):
        model.choose(expansion="radiation+vacuum")


def test_stages_without_what_they_need():
    point = {k: v for k, v in POINT.items() if k not in ("v_w", "transition")}
    point |= {"T_p_GeV": 100.0, "beta_over_H": 100.0}
    with pytest.raises(ConfigurationError, match="wall_speed: needs the phases of a transition"):
        configure({**point, "wall_speed": {"model": "lte"}})
    numbers = {"alpha_thetabar": 0.1, "Psi": 0.8, "c_s": 0.57, "c_b": 0.57}
    with pytest.raises(ConfigurationError, match=r"wall_speed.at = 'T_p': is of the phases"):
        configure({**point, "wall_speed": {**numbers, "at": "T_p"}})
    with pytest.raises(ConfigurationError, match=r"Psi, c_s, c_b: missing; give all four"):
        configure({**point, "wall_speed": {"alpha_thetabar": 0.1}})
    for name in ("critical-bubble", "tanh"):
        walls = {"P_chi_to_B": None, "conversion": {"wall": name}, "v_w": 0.3}
        with pytest.raises(ConfigurationError, match=f'"{name}": is that of a transition; add a'):
            configure({**point, **walls})


@pytest.mark.slow
def test_a_wall_speed_of_numbers():
    """Published walls (SPEC C.2); of points without one the status says which kind they are."""
    given = np.array([point for point, *_ in POINTS])
    given[:, 2:] = np.sqrt(given[:, 2:])
    values = {"m_chi": 0.0, "T_p": 100.0, "beta_over_H": 100.0, "P": 0.15, "v_w": None}
    model = Model(Parameters(**values), stages=(LteWallSpeed(*given[0]),))

    def one(numbers):
        changed = dict(zip(("alpha_thetabar", "Psi", "c_s", "c_b"), numbers, strict=True))
        known = model.replace(**changed).known()
        return known.values["v_w"], known.values["v_J"], known.status

    v_w, v_J, status = jax.jit(jax.vmap(one))(jnp.asarray(given))
    for k, (_, jouguet, speed, kind) in enumerate(POINTS):
        np.testing.assert_allclose(v_J[k], jouguet, rtol=1e-12)
        np.testing.assert_allclose(v_w[k], np.nan if speed is None else speed, rtol=1e-10)
        failed = {"none": Status.RUNAWAY_WALL, "static": Status.STATIC_WALL}
        assert status[k] == failed.get(kind, Status.SUCCESS)


_PLASMA = (0.05, 0.9, np.sqrt(1 / 3), np.sqrt(1 / 3))


@pytest.mark.slow
def test_what_the_plasma_carries_to_the_wall():
    """Massless χ: (1 + v_+)²T_+³ for (1 + v_w)² (SPEC C.2: v_+ = .42106113, T_+ = 1.139172)."""
    values = {"m_chi": 0.0, "T_p": 100.0, "beta_over_H": 1e3, "P": 0.15, "v_w": None}
    choices = Choices(area_kernel="kjma", window="none", flux="moving-wall")
    model = Model(Parameters(**values), choices, (LteWallSpeed(*_PLASMA),))
    # walls sweep with v_w either way
    ratio = predict(model.choose(streaming="carried")).Y_B / predict(model).Y_B
    expected = (1.42106113 / 1.59741829315) ** 2 * 1.139172**3
    np.testing.assert_allclose(ratio, expected, rtol=2e-6)
    # of heavy χ, m/T_+ in front of the wall
    heavy = model.replace(m_chi=300.0).choose(streaming="carried")
    known = heavy.known().values
    numbers = {**values, "v_w": known["v_plus"], "m_chi": 300.0 / known["T_plus_over_T"]}
    factor = known["T_plus_over_T"] ** 3 * known["v_plus"] / known["v_w"]
    same = predict(Model(Parameters(**numbers), choices)).Y_B * factor
    np.testing.assert_allclose(predict(heavy).Y_B, same, rtol=1e-12)


def test_the_plasma_in_front_is_named_in_the_file():
    """A stage of the transition; refused where nothing says what it is."""
    carried = {**POINT, "streaming": "carried"}
    kinds = [type(stage) for stage in configure(carried).model.stages]
    assert kinds == [Tunnelling, ThermalTransition, PlasmaInFront]
    numbers = {"T_p_GeV": 100.0, "beta_over_H": 100.0, "transition": None}
    with pytest.raises(ConfigurationError, match="needs the plasma in front of the wall"):
        configure({**carried, **numbers})
    with pytest.raises(ConfigurationError, match="for the source integral alone"):
        configure({**carried, "sigma_v_chi_GeV_m2": 1e-12})


@pytest.mark.slow
def test_P_of_what_the_plasma_carries():
    """P at v_+, by the stage of a wall; cold χ do not feel T_+."""
    wall = {"tanh": {"Phi_inside": 1.0, "phi_outside": 1.0, "width": 1.0}}
    wall["couplings"] = {"y_B": 1.0, "y_chi": 1.0, "lambda_tr_eff": 0.1}
    point = {k: v for k, v in POINT.items() if k not in ("v_w", "P_chi_to_B", "transition")}
    plasma = dict(zip(("alpha_thetabar", "Psi", "c_s", "c_b"), map(float, _PLASMA), strict=True))
    point |= {"T_p_GeV": 100.0, "beta_over_H": 1e3, "conversion": wall, "wall_speed": plasma}
    free, carried = (
        configure(point, overrides={"streaming": s}).model for s in ("free", "carried")
    )
    stage = free.conversion
    assert stage is not None
    np.testing.assert_allclose(free.known().values["P"], stage(0.59741829315, 1.0).P, rtol=1e-9)
    np.testing.assert_allclose(carried.known().values["P"], stage(0.42106113, 1.0).P, rtol=1e-7)


class GivenRate(Stage):
    """A rate of S₃/T = scale/(T_c/T − 1)², with the phases of a potential of no importance."""

    scale: jax.Array
    label = "potential"

    @property
    def needs(self) -> tuple[str, ...]:
        return ("I_p", "v_w", "g_star")

    @property
    def supplies(self):
        return ("rate", "T_n")

    @property
    def relative_cost(self):
        return 1

    def supply(self, known):
        degrees, one, theta = as_degrees(known["g_star"]), jnp.ones(()), {"scale": self.scale}
        fixed = jax.lax.stop_gradient((theta, known["v_w"], degrees, one))
        ends = (jnp.asarray(100.0), jnp.asarray(180.0))
        window = find_window(given_exponent, None, fixed, ends, known["I_p"])
        T = sample_temperatures(window.low, window.high)
        rate = Rate(
            window,
            given_exponent(T, theta),
            None,
            {"a": 1e6 * one},
            jnp.asarray([100.0, 180.0]),
            jnp.zeros((2, 1)),
            jnp.full((2, 1), 2.0),
            degrees,
            one,
            1e-9 * one,
            double_well,
            "T",
            weighed=False,
        )
        return Supplied({"rate": rate, "T_n": window.high}, {}, jnp.asarray(Status.SUCCESS))

    def ranges(self):
        return {"scale": Range(0, np.inf, False, False, "S3/T far below T_c")}

    def value(self, name):
        return getattr(self, name)

    def replace(self, **values):
        return eqx.tree_at(lambda s: s.scale, self, jnp.asarray(values["scale"]))


def given_exponent(T, theta):
    return theta["scale"] / (182.0 / T - 1) ** 2


def double_well(phi, theta):
    x = phi[0]
    return theta["a"] * (x**2 * (x - 2) ** 2 - x**3 * (1 - theta["T"] / 182))


def given_model(kernel="kjma"):
    values = {"m_chi": 300.0, "v_w": 0.3, "P": 0.15, "f_chi": 1e-9, "Y_chi_init": 4.9e-10}
    parameters = Parameters(**values, T_p=None, beta_over_H=None)
    stages = (GivenRate(jnp.asarray(0.5)), ThermalTransition(), TransitionArea())
    return Model(parameters, Choices(area_kernel=kernel, window="none"), stages)


@pytest.mark.long
def test_a_point_without_transition_leaves_the_others_alone():
    """Beside two with one; numbers are those of `find_transition`, slopes those of differences."""
    model, scales = given_model(), jnp.array([0.5, 1e9, 0.7])

    def one(scale):
        known = model.replace(scale=scale).known()
        return [known.values[name] for name in ("T_p", "beta_over_H")], known.status

    (T_p, beta), status = jax.jit(jax.vmap(one))(scales)
    assert status.tolist() == [Status.SUCCESS, Status.NO_TRANSITION, Status.SUCCESS]
    for k in (0, 2):
        found = find_transition(given_exponent, {"scale": scales[k]}, 100.0, 180.0, v_w=0.3)
        np.testing.assert_allclose(T_p[k], found.T_p, rtol=1e-12)
        np.testing.assert_allclose(beta[k], found.beta_over_H, rtol=1e-12)

    @jax.jit
    def masked(shared):
        """Of points that share a factor of the scale."""
        found, codes = jax.vmap(lambda scale: one(shared * scale))(scales)
        return jnp.where(codes == Status.SUCCESS, found[0] / 100 + found[1] / 1e4, 0.0).sum()

    slope = jax.jit(jax.grad(masked))(1.0)
    h = 1e-4
    near, far = (float(masked(1 + k * h) - masked(1 - k * h)) / (2 * k * h) for k in (1, 2))
    np.testing.assert_allclose(slope, (4 * near - far) / 3, rtol=1e-7)


@pytest.mark.long
def test_the_area_is_that_of_the_transition():
    """A/V of its own history: walls of massless χ sweep space once, whatever the history."""
    exact = given_model()
    history = exact.choose(area_kernel="history").replace(m_chi=0.0)
    massless = exact.replace(m_chi=0.0)
    found, kjma = predict(history), predict(massless)
    assert found.status == kjma.status == Status.SUCCESS
    # ∫ v A/V dt = 1 of both; what T changes meanwhile differs at order H/β
    assert found.rho_B == pytest.approx(float(kjma.rho_B), rel=1e-3)
    assert found.rho_B != kjma.rho_B


@pytest.mark.long
def test_numbers_are_those_of_the_separate_functions():
    """Single answers, with bounces at once: T_p, β/H, α_θ, T_n of `jaxbounce transition`."""
    thermal = read_transition({**POTENTIAL, "transition": {"v_w": 0.3, **ENDS}})
    alone = solve_transition(thermal)
    settled, found = story(load(POINT))
    expected = {
        "T_n": alone.transition.T_n,
        "T_p": alone.transition.T_p,
        "beta_over_H": alone.transition.beta_over_H,
        "alpha_theta": alone.alpha_theta,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].value, float(value), rtol=1e-12)
    # the densities of these numbers
    numbers = {k: v for k, v in POINT.items() if k != "transition"}
    numbers |= {"T_p_GeV": found["T_p"].value, "beta_over_H": found["beta_over_H"].value}
    np.testing.assert_allclose(predict(settled).rho_B, predict(load(numbers)).rho_B, rtol=1e-12)


_SLOPES = """
import json, sys
import jax, jax.numpy as jnp
import jaxbounce as jb
jb.enable_x64()
model = jb.load(json.loads(sys.argv[1]))
names = ("D", "E", "lam", "T0", "m_chi")
at = {name: float(model.value(name)) for name in names}
density = lambda values: jnp.log(jb.predict(model.replace(**values)).rho_B)
slopes = jax.grad(density)(at)
def along(h):
    moved = [density({n: x * (1 + s * h) for n, x in at.items()}) for s in (1, -1)]
    return float(moved[0] - moved[1]) / (2 * h)
print(sum(float(slopes[n]) * at[n] for n in names), (4 * along(1e-5) - along(2e-5)) / 3)
"""


@pytest.mark.long
def test_slopes_of_the_density_in_all_couplings():
    """At once, by the slopes of the samples, against differences along all of them."""
    # without the checker of shapes: bounces at once are many calls
    command = [sys.executable, "-c", _SLOPES, json.dumps(POINT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    slope, difference = map(float, done.stdout.split())
    np.testing.assert_allclose(slope, difference, rtol=1e-5)


def fitted(tmp_path, free):
    """What `jaxbounce fit` of a file writes; each bounce at once, without the checker of shapes."""
    point, priors, out = (tmp_path / name for name in ("point.json", "priors.json", "fit.json"))
    point.write_text(json.dumps(PLANCK_POINT), encoding="utf-8")
    ranges = {"E": [0.06, 0.1], "Gamma": [1e-21, 1e-17], "P": [0.6, 0.9]}
    tables = {
        name: {"prior": "log-uniform", "low": low, "high": high}
        for name, (low, high) in ranges.items()
        if name in free
    }
    priors.write_text(json.dumps(tables), encoding="utf-8")
    command = [sys.executable, "-m", "jaxbounce.cli", "fit", point, "--free", ",".join(free)]
    command += ["--priors", priors, "--starts", "2", "--out", out]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return json.loads(out.read_text())


class PowersOfE(Stage):
    """T_p and β/H as powers of a coupling E: a transition that costs nothing."""

    E: jax.Array
    label = "potential"
    at_once = True
    differentiated_at_once = True

    @property
    def needs(self):
        return ()

    @property
    def supplies(self):
        return ("T_p", "beta_over_H")

    @property
    def relative_cost(self):
        return 1

    def supply(self, known):
        x = self.E / 0.07
        values = {"T_p": 142 * x**0.3, "beta_over_H": 2000 / x}
        return Supplied(values, {}, jnp.asarray(Status.SUCCESS))

    def ranges(self):
        return {"E": Range(0, np.inf, False, False, "a coupling")}

    def value(self, name):
        return getattr(self, name)

    def replace(self, **values):
        return PowersOfE(jnp.asarray(values["E"]))


@pytest.mark.slow
def test_a_fit_from_beside_where_there_is_not_enough_chi():
    """Γ is 80 times too large, and P close below where the walls convert all there is."""
    table = {k: v for k, v in PLANCK_POINT.items() if k != "transition"}
    model = configure({**table, "T_p_GeV": 142.0, "beta_over_H": 2000.0}).model
    numbers = dataclasses.replace(model.parameters, T_p=None, beta_over_H=None)
    stages = (PowersOfE(jnp.asarray(0.08)), *model.stages)
    model = dataclasses.replace(model, parameters=numbers, stages=stages)
    assert predict(model.replace(P=0.8)).status == Status.CHI_EXHAUSTED
    ranges = {"E": (0.06, 0.1), "Gamma": (1e-21, 1e-17), "P": (0.6, 0.9)}
    priors = {n: {"prior": "log-uniform", "low": a, "high": b} for n, (a, b) in ranges.items()}
    found = fit(model, list(ranges), priors=priors, starts=1)
    assert found.status is FitStatus.CONVERGED
    densities = [found.prediction.rho_B, found.prediction.rho_DM]
    np.testing.assert_allclose(densities, likelihood().rho, rtol=1e-8)
    assert len(found.directions.determined) == 2
    assert len(found.flat) == 1


@pytest.mark.long
def test_a_coupling_and_a_rate_from_the_two_densities(tmp_path):
    """From a file, in one command; with P free too, one direction is said to be flat."""
    rho = (4.201850197079496e-28, 2.2540099403198012e-27)  # specification, section H
    for free, flat in ((("E", "Gamma"), 0), (("E", "Gamma", "P"), 1)):
        found = fitted(tmp_path, free)
        assert found["status"] == "converged"
        densities = [found["final"][name] for name in ("rho_B_kg_m3", "rho_DM_kg_m3")]
        np.testing.assert_allclose(densities, rho, rtol=1e-8)
        assert len(found["determined"]) == 2
        assert len(found["flat"]) == flat
    # Γ scales both: E and P alone can make up for one another
    exponents = found["flat"][0]["exponents"]
    assert abs(exponents["P"]) > 0.1
    assert abs(exponents["E"]) > 0.1

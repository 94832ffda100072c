"""`jaxbounce transition`: T_n, T_p, β/H and elasticities of a thermal potential from a file."""

import itertools
import json
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from tiers import long_but

from jaxbounce._core.status import Status
from jaxbounce.cli import main
from jaxbounce.cli.transition import chain_lines
from jaxbounce.cosmology.radiation import hubble_rate
from jaxbounce.files.transition import EXAMPLE, read_transition
from jaxbounce.transition import solve as transition_solve
from jaxbounce.transition.solve import Settings, transition_with_elasticities
from jaxbounce.transition.temperatures import Phases, find_transition, follow_vacua


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


def _run_apart(*arguments):
    """In a process of its own, without the checker of shapes: bounces at once are many calls."""
    command = [sys.executable, "-m", "jaxbounce.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "potential.json"
    path.write_text(json.dumps(EXAMPLE))
    return path


def test_template_is_the_example(capsys):
    status, text, _ = _run(capsys, "transition", "--template")
    assert status == 0
    assert json.loads(text) == EXAMPLE
    assert read_transition(json.loads(text)).temperature == "T"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("dimension=4", "dimension = 4: a thermal bounce has 3"),
        ("r_max=100", "infinite volume"),
        ("parametrs=1", "parametrs: unknown key; did you mean 'parameters'?"),
        ("transition.Tlow=1", "transition.Tlow: unknown key; did you mean 'T_low'?"),
        ("transition=1", "transition: 1 is not a table"),
        ("transition=null", "transition: missing"),
        ("transition.T_low=-1", "transition.T_low = -1: must be > 0"),
        ("transition.T_low=300", "must be below T_high = 250"),
        ("transition.T_high=hot", "transition.T_high = 'hot': must be a number"),
        ("transition.v_w=1.5", "transition.v_w = 1.5: must be in (0, 1]"),
        ("transition.lte_at=T_n", "transition.lte_at = 'T_n': is for v_w = \"lte\"; drop the key"),
        ("transition.I_p=0", "transition.I_p = 0: must be in [1e-12, 1000]"),
        ("transition.g_star=0", "transition.g_star = 0: must be > 0"),
        ("transition.g_star=standard-modell", "transition.g_star = 'standard-modell': must be"),
        ("transition.hidden_sector=2", "transition.hidden_sector = 2: must be a table"),
        ("transition.expansion=vacuum", "transition.expansion = 'vacuum'"),
        ("transition.prefactor=-1", "transition.prefactor = -1: must be > 0"),
        ("transition.temperature=temp", "parameters.temp: missing"),
        ("transition.temperature=3", "transition.temperature = 3: must be text"),
        ("potential=__import__('os')", "potential"),
        ("parameters.E=text", "parameters.E"),
        ("true_vacuum=[1, 2]", "true_vacuum = [1, 2]: must be a list of 1 numbers"),
        ("no-equals", "--set no-equals: must be KEY=VALUE"),
    ],
)
def test_bad_input_is_refused_in_one_line(capsys, example, key, text):
    status, out, err = _run(capsys, "transition", example, "--set", key)
    assert status == 2
    assert out == ""
    assert text in err
    assert len(err.strip().splitlines()) == 1


def test_missing_input(capsys, tmp_path):
    assert _run(capsys, "transition")[0] == 2
    status, _, err = _run(capsys, "transition", tmp_path / "absent.json")
    assert status == 2
    assert "cannot be read" in err
    for key in ("T_low", "T_high"):
        table = {k: v for k, v in EXAMPLE["transition"].items() if k != key}
        path = tmp_path / "potential.json"
        path.write_text(json.dumps(EXAMPLE | {"transition": table}))
        status, _, err = _run(capsys, "transition", path)
        assert status == 2
        assert f"transition.{key}: missing" in err


def test_vacua_that_are_never_metastable(capsys, example, tmp_path):
    out = tmp_path / "result.json"
    arguments = ("transition", example, "--out", out)
    # φ = 0 is a minimum above T0 only
    status, _, err = _run(capsys, *arguments, "--set", "parameters.T0=300")
    assert status == 1
    assert "metastable at no T from 100 to 250 GeV" in err
    assert len(err.strip().splitlines()) == 1
    assert not out.exists()


def test_a_potential_that_is_no_number_at_a_vacuum(capsys, example):
    for text, what in (("phi**4*log(phi**2)", "V"), ("sqrt(phi**2)", "the gradient of V")):
        key = f"potential=D*(T**2 - T0**2)*phi**2 + E*lam*{text}"
        status, out, err = _run(capsys, "transition", example, "--set", key)
        assert status == 2
        assert out == ""
        assert f"potential: {what} is not a finite number at false_vacuum, phi = 0" in err
        assert len(err.strip().splitlines()) == 1


@pytest.mark.long
def test_a_potential_without_a_limit_at_zero_temperature(example, tmp_path):
    # the example, but for V(T = 0): 0/0
    text = EXAMPLE["potential"].replace("E*T*phi**3", "E*T**2/T*phi**3")
    out = tmp_path / "result.json"
    arguments = ("transition", example, "--out", out, "--set", f"potential={text}")
    status, _, err = _run_apart(*arguments)
    assert status == 1
    assert 'set transition.expansion = "radiation"' in err
    assert len(err.strip().splitlines()) == 1
    status, shown, err = _run_apart(*arguments, "--set", "transition.expansion=radiation")
    assert status == 0, err
    assert "rho_V      not known: V at T = 0 is not a finite number" in shown
    found = json.loads(out.read_text())
    assert found["transition"]["rho_V_over_rho_rad_p"] is None
    assert np.isfinite(
        [[row[key] for key in ("T_n", "T_p")] for row in found["elasticities"]]
    ).all()


@pytest.mark.parametrize("T_start", [50.0, 100.0, 160.0])
def test_vacua_are_followed_over_the_temperature(T_start):
    thermal = read_transition(EXAMPLE)
    D, E, lam, T0 = (float(thermal.couplings[k]) for k in ("D", "E", "lam", "T0"))

    def broken(T):
        linear = 3 * E * T
        return (linear + np.sqrt(linear**2 - 8 * lam * D * (T**2 - T0**2))) / (2 * lam)

    phases = follow_vacua(
        thermal.configured.potential,
        lambda theta, T: {**theta, "T": T},
        thermal.couplings,
        [0.0],
        [1.1 * broken(T_start)],
        T_start,
        100.0,
        250.0,
    )
    T_c = T0 / np.sqrt(1 - E**2 / (lam * D))
    T = phases.T[T_c > phases.T]
    np.testing.assert_allclose(phases.true_vacuum[: T.size, 0], broken(T), rtol=1e-9)
    np.testing.assert_array_equal(phases.false_vacuum, 0.0)
    metastable = (phases.T > T0) & (T_c > phases.T)
    np.testing.assert_array_equal(phases.status == Status.SUCCESS, metastable)
    low, high = phases.metastable_range()
    # roots, not points of the grid
    assert low == pytest.approx(T0, rel=1e-9)
    assert high == pytest.approx(T_c, rel=1e-9)


@pytest.mark.long
def test_elasticities_are_those_of_finite_differences():
    """On S₃/T = A/(1 − T/T_c)², which needs no bounce."""

    def pole(T, theta):
        return jnp.where(theta["T_c"] > T, theta["A"] / (1 - T / theta["T_c"]) ** 2, jnp.nan)

    theta = {"A": jnp.asarray(3.9), "T_c": jnp.asarray(120.0)}
    settings = Settings(v_w=0.3)
    ends = (jnp.asarray(20.0), jnp.asarray(125.0))
    found, slopes = jax.jit(lambda t, s: transition_with_elasticities(pole, t, s, ends))(
        theta, settings
    )
    # SPEC C.6
    assert float(found.T_p) == pytest.approx(98.630986875922904, rel=1e-10)

    @jax.jit
    def logarithms(theta, settings):
        found = find_transition(pole, theta, *ends, **settings._asdict())
        return jnp.log(jnp.stack([found.T_n, found.T_p, found.beta_over_H]))

    h = 1e-4

    def shifted(name, factor):
        def value(key, v):
            # one type, one program
            return jnp.asarray(v * factor if key == name else v, float)

        return logarithms(
            {k: value(k, v) for k, v in theta.items()},
            Settings(*(value(f"transition.{k}", v) for k, v in settings._asdict().items())),
        )

    for name, slope in slopes.items():
        difference = (shifted(name, np.exp(h)) - shifted(name, np.exp(-h))) / (2 * h)
        np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-9)


def _shooting(delta):
    """S₃ of V = (x⁴ − 2x³ + δx²/2)/4, by overshoot and undershoot; S₃ = ⅔ of its kinetic part."""

    def right(r, y):
        x, slope, _ = y
        force = (4 * x**3 - 6 * x**2 + delta * x) / 4
        return [slope, force - 2 / r * slope, 2 * np.pi * r**2 * slope**2]

    def hit(r, y):
        return y[0]

    def turn(r, y):
        return y[1] - 1e-12

    hit.terminal = turn.terminal = True  # pyright: ignore[reportFunctionMemberAccess]
    turn.direction = 1  # pyright: ignore[reportFunctionMemberAccess]

    def shoot(start):
        r = 1e-3
        curve = (4 * start**3 - 6 * start**2 + delta * start) / 12
        return solve_ivp(
            right,
            (r, 300.0),
            [start + curve * r**2 / 2, curve * r, 0.0],
            method="DOP853",
            rtol=1e-10,
            atol=1e-12,
            events=[hit, turn],
        )

    top = (6 + np.sqrt(36 - 16 * delta)) / 8
    # in the logarithm of the distance to the top, which is small for thin walls
    low, high = np.log(1e-9), np.log(top - 0.5)
    run = shoot(top - np.exp(low))
    for _ in range(44):
        middle = (low + high) / 2
        run = shoot(top - np.exp(middle))
        low, high = (middle, high) if run.t_events[0].size else (low, middle)
    return 2 / 3 * run.y[2, -1]


def _root(function, low, high):
    found = brentq(function, low, high, xtol=1e-11)
    assert isinstance(found, float)
    return found


def _oracle():
    """T_n, T_p and β/H of the example, by shooting and by quadrature of the extended volume."""
    D, E, lam, T0 = (EXAMPLE["parameters"][k] for k in ("D", "E", "lam", "T0"))
    v_w, I_p, g_star = (EXAMPLE["transition"][k] for k in ("v_w", "I_p", "g_star"))

    def scaled(T):
        field = 2 * E * T / lam
        return field / np.sqrt(lam), 8 * D * (T**2 - T0**2) / (lam * field**2)

    ends = scaled(171.5)[1], scaled(176.0)[1]
    middle, half = (ends[1] + ends[0]) / 2, (ends[1] - ends[0]) / 2
    nodes = middle + half * np.cos(np.pi * (np.arange(12) + 0.5) / 12)
    # the pole of the thin wall taken out
    fit = np.polynomial.Chebyshev.fit(nodes, [_shooting(d) * (2 - d) ** 2 for d in nodes], 11)

    def log_rate(T):
        unit, delta = scaled(T)
        exponent = unit * fit(delta) / (2 - delta) ** 2 / T
        return 4 * np.log(T) + 1.5 * np.log(exponent / (2 * np.pi)) - exponent

    # radiation, and the energy of the false vacuum over that of the true one at T = 0
    c, vacuum = float(hubble_rate(1.0, g_star)), D**2 * T0**4 / lam
    x, weight = np.polynomial.legendre.leggauss(20)

    def hubble(T):
        return c * T**2 * np.sqrt(1 + vacuum / (np.pi**2 / 30 * g_star * T**4))

    T_n = _root(lambda T: log_rate(T) - 4 * np.log(hubble(T)), 172, 175)

    def volume(T):
        # a = 1/T, dt = −dT/(H T)
        def integrand(t):
            middle, half = (t + T) / 2, (t - T) / 2
            reached = half * (weight / hubble(middle + half * x)).sum()
            return np.exp(log_rate(t)) / (t**4 * hubble(t)) * reached**3

        integral = quad(integrand, T, 176.0, points=[T + 0.2, T + 0.5], epsrel=1e-11, limit=200)[0]
        return 4 * np.pi / 3 * v_w**3 * integral

    T_p = _root(lambda T: np.log(volume(T) / I_p), 171.6, 173)
    h = 1e-3
    slope = (8 * (log_rate(T_p + h) - log_rate(T_p - h)) - log_rate(T_p + 2 * h)) / (12 * h)
    slope += log_rate(T_p - 2 * h) / (12 * h)
    return T_n, T_p, -T_p * slope


def test_a_bounce_that_is_not_the_least_is_seen():
    """What was followed is compared with what a search finds; else all are searched for."""
    thermal = read_transition(EXAMPLE)
    phases = Phases(
        np.array([150.0, 200.0]), np.zeros((2, 1)), np.array([[250.0], [180.0]]), None, (0.0, 0.0)
    )
    bounces = transition_solve._Bounces(
        thermal.configured.potential, thermal.temperature, thermal.couplings, phases, {}
    )
    found = bounces.at(jnp.asarray(172.0))
    assert int(found.status) == Status.SUCCESS
    assert bounces.is_least(jnp.asarray(172.0))
    bounces.solved[172.0] = eqx.tree_at(lambda b: b.action, found, 1.001 * found.action)
    assert not bounces.is_least(jnp.asarray(172.0))


@pytest.mark.long
def test_what_is_not_followed_gives_the_same_transition(monkeypatch):
    followed = transition_solve.solve_transition(read_transition(EXAMPLE))
    monkeypatch.setattr(transition_solve._Bounces, "is_least", lambda *_: False)
    searched = transition_solve.solve_transition(read_transition(EXAMPLE))
    for number in ("T_n", "T_p", "beta_over_H", "exponent_p"):
        np.testing.assert_allclose(
            getattr(followed.transition, number), getattr(searched.transition, number), rtol=1e-9
        )


@pytest.mark.long
def test_the_example_agrees_with_shooting_and_quadrature(example, tmp_path):
    out = tmp_path / "result.json"
    status, text, _ = _run_apart("transition", example, "--out", out)
    assert status == 0
    result = json.loads(out.read_text())
    found = result["transition"]
    T_n, T_p, beta_over_H = _oracle()
    np.testing.assert_allclose(found["T_n_GeV"], T_n, rtol=1e-8)
    np.testing.assert_allclose(found["T_p_GeV"], T_p, rtol=1e-8)
    np.testing.assert_allclose(found["beta_over_H"], beta_over_H, rtol=1e-5)
    assert found["status"] == "success"
    assert result["inputs"] == EXAMPLE
    assert f"T_n        {found['T_n_GeV']:#.6g} GeV" in text

    # T_n, T_p scale with T0 alone, but for the Hubble rate
    rows = {row["parameter"]: row for row in result["elasticities"]}
    assert set(rows) == {
        *("D", "E", "lam", "T0"),
        *(f"transition.{name}" for name in Settings._fields),
    }
    np.testing.assert_allclose(rows["T0"]["T_n"], 1.0, atol=1e-3)
    h = 1e-4
    logs = []
    for factor in (1 + h, 1 - h):
        key = f"parameters.E={EXAMPLE['parameters']['E'] * factor!r}"
        assert _run_apart("transition", example, "--set", key, "--out", out)[0] == 0
        shifted = json.loads(out.read_text())["transition"]
        logs.append(np.log([shifted[k] for k in ("T_n_GeV", "T_p_GeV", "beta_over_H")]))
    difference = (logs[0] - logs[1]) / (2 * h)
    elasticities = [rows["E"][k] for k in ("T_n", "T_p", "beta_over_H")]
    np.testing.assert_allclose(elasticities, difference, rtol=1e-5)

    # what is printed for the chain is accepted there
    line = next(line for line in text.splitlines() if line.startswith("  jaxbounce run"))
    assert _run_apart(*line.split()[1:])[0] == 0
    config = tmp_path / "point.json"
    status, text, _ = _run_apart("template")
    config.write_text(json.dumps(json.loads(text) | result["chain"]))
    assert _run_apart("run", config)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "text"),
    [
        pytest.param(
            ("parameters.E=0.14",),
            "above H^4 at T_high = 250 GeV already; raise T_high",
            marks=pytest.mark.long,
        ),
        pytest.param(("transition.T_low=174",), "lower T_low", marks=pytest.mark.long),
        (("transition.T_low=172.6",), "do not reach I_p = 0.34 before 172.6 GeV; lower T_low"),
        pytest.param(
            ("transition.prefactor=1e-300", "transition.T_low=165"),
            "lower T_low",
            marks=pytest.mark.long,
        ),
    ],
)
def test_why_there_is_no_transition(example, keys, text):
    arguments = [part for key in keys for part in ("--set", key)]
    status, out, err = _run_apart("transition", example, *arguments)
    assert status == 1
    assert out == ""
    assert text in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_the_file_serves_the_bounce_at_one_temperature_too(capsys, example):
    arguments = ("--set", "parameters.T=173.18011957237246", "--digits", "12")
    status, text, _ = _run(capsys, "bounce", example, *arguments)
    assert status == 0
    action = float(text.split("action S")[1].split()[0])
    # S3/T at T_n as the transition has it
    np.testing.assert_allclose(action / 173.18011957237246, 148.5538142494527, rtol=1e-9)


def _supercooled(tmp_path, **parameters):
    """V = D (T² − T0²) φ² − (E T + A) φ³ + l/4 φ⁴, T0² < 0: a barrier that stays to T = 0."""
    path = tmp_path / "supercooled.json"
    table = {
        "fields": ["phi"],
        "parameters": {**parameters, "T": 5.0},
        "potential": "D*(T**2 - T0sq)*phi**2 - (E*T + A)*phi**3 + l/4*phi**4",
        "false_vacuum": [0.0],
        "true_vacuum": [250.0],
        "transition": {"T_low": 2.0, "T_high": 40.0, "g_star": 100.0, "v_w": 1.0},
    }
    path.write_text(json.dumps(table))
    return path


# TransitionSolver's toy models BP1, BP2 and BP5: T_n, T_p and β/H by shooting and SciPy, with H of
# radiation alone and with the energy of the vacuum at T = 0 in it
_TOYS = {
    "BP1": (
        {"l": 0.3185963346645909, "A": 32.26605577743182, "T0sq": -4844.55437855741},
        {"D": 0.4424835167, "E": 0.0625},
        {"radiation": (36.3314, 26.275, -64.0), "radiation+vacuum": (35.3556, 19.727, -132.9)},
    ),
    "BP2": (
        {"l": 0.29063823893181817, "A": 27.606373155303032, "T0sq": -717.5097595106178},
        {"D": 1.7699340668, "E": 0.125},
        {"radiation": (18.4800, 15.1855, 2.106), "radiation+vacuum": (16.7785, 8.594, -132.0)},
    ),
    "BP5": (
        {"l": 0.28100716324999997, "A": 26.001193875, "T0sq": -276.8496718750002},
        {"D": 3.5, "E": 0.2},
        {"radiation": (13.16616, 11.08909, 23.04), "radiation+vacuum": (11.4946, 5.835, -125.7)},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expansion"),
    long_but(
        itertools.product(_TOYS, ["radiation", "radiation+vacuum"]), ("BP5", "radiation+vacuum")
    ),
)
def test_supercooled_transitions_with_and_without_the_vacuum_in_H(tmp_path, name, expansion):
    path, out = _supercooled(tmp_path, **_TOYS[name][0], **_TOYS[name][1]), tmp_path / "out.json"
    arguments = [] if "vacuum" in expansion else ["--set", f"transition.expansion={expansion}"]
    status, text, _ = _run_apart(
        "transition", path, "--set", "transition.T_high=70", "--out", out, *arguments
    )
    assert status == 0
    found = json.loads(out.read_text())["transition"]
    # to the digits that the cases give
    T_n, T_p, beta_over_H = _TOYS[name][2][expansion]
    assert found["T_n_GeV"] == pytest.approx(T_n, rel=2e-5)
    assert found["T_p_GeV"] == pytest.approx(T_p, rel=2e-4)
    assert found["beta_over_H"] == pytest.approx(beta_over_H, rel=1e-3)
    assert ("NOT in H" in text) == (expansion == "radiation")
    # ρ_V of V at T = 0, in closed form
    D, lam = _TOYS[name][1]["D"], _TOYS[name][0]["l"]
    mass, cubic = -D * _TOYS[name][0]["T0sq"], _TOYS[name][0]["A"]
    phi = (3 * cubic + np.sqrt(9 * cubic**2 - 8 * mass * lam)) / (2 * lam)
    depth = cubic * phi**3 - mass * phi**2 - lam / 4 * phi**4
    ratio = depth / (np.pi**2 / 30 * 100.0 * found["T_p_GeV"] ** 4)
    assert found["rho_V_over_rho_rad_p"] == pytest.approx(ratio, rel=1e-9)


def test_what_the_chain_cannot_take_is_not_offered():
    """Supercooled: beta/H of -125.7 was printed as a setting, which `run` then refuses."""
    assert "--set beta_over_H=300" in "\n".join(chain_lines({"T_p_GeV": 5.3, "beta_over_H": 300.0}))
    (line,) = chain_lines({"T_p_GeV": 5.8, "beta_over_H": -125.7})
    assert line.startswith("not for the chain")

"""T_p and the wall speed that belong together, of bounces solved at once."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.files.transition import EXAMPLE
from jaxbounce.transition.settled_once import Follows, Slopes, settle
from jaxbounce.transition.wall_speed import wall_speed


def test_a_pair_moves_as_its_parts_do():
    """v = a/T, α = aT, T = b√v: v = (a/b)^{2/3}, T = (ab²)^{1/3}, α = (a²b)^{2/3}, whole powers."""
    a, b = 0.3, 0.7
    v, T = (a / b) ** (2 / 3), (a * b**2) ** (1 / 3)
    wall = Slopes(
        values=jnp.array([a * T, v]),
        of_T=jnp.array([a, -a / T**2]),
        of_couplings={"a": jnp.array([T, 1 / T])},
        of_bath=None,
    )
    # beside T an output ln(b²v³)
    follows = Follows(wall, jnp.asarray(T), jnp.array([3 / v, 1 / (2 * v)]), 1)
    of_a = a * follows.total(jnp.zeros(2), wall.of_couplings["a"])
    of_b = b * follows.total(jnp.array([2 / b, 1 / b]), 0.0)
    np.testing.assert_allclose(of_a, [2, 1 / 3, 4 / 3, 2 / 3], rtol=1e-14)
    np.testing.assert_allclose(of_b, [0, 2 / 3, 2 / 3, -2 / 3], rtol=1e-14, atol=1e-14)


speed = jax.jit(wall_speed)


class Given:
    """Phases of given strength at T = 1, growing in cooling, with the sound of radiation."""

    def __init__(self, alpha, Psi):
        self.alpha, self.Psi = alpha, Psi

    def wall(self, T):
        lost = (1 - self.Psi) / T**4
        third = jnp.sqrt(1 / 3)
        return speed(self.alpha / T**4, 1 - lost, third, third)


@pytest.mark.slow
def test_what_settles_and_what_does_not():
    """SPEC2 C.2, rows of no wall; and a wall that has the speed of its own temperature."""

    def T_p(v_w):
        return 1 + 0.02 * jnp.log(v_w)

    phases = Given(0.1, 0.8)
    v_w, wall, status = settle(T_p, phases)
    assert status is Status.SUCCESS
    assert float(wall.v_w) == pytest.approx(float(v_w), rel=1e-12)
    assert float(v_w) == pytest.approx(0.55649164984, rel=0.05)  # at T = 1
    v_w, _, status = settle(lambda v_w: 1 + 0 * v_w, Given(0.05, 0.95))
    assert (float(v_w), status) == (1.0, Status.RUNAWAY_WALL)
    assert settle(lambda v_w: 1 + 0 * v_w, Given(0.01, 0.96))[2] is Status.STATIC_WALL


def run(path, *keys):
    """In a process of its own, without the checker of shapes: bounces at once are many calls."""
    out = path / "out.json"
    (path / "model.json").write_text(json.dumps(EXAMPLE))
    command = [sys.executable, "-m", "jaxbounce.cli", "transition", str(path / "model.json")]
    keys = [part for key in ("transition.v_w=lte", *keys) for part in ("--set", key)]
    command += [*keys, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


@pytest.mark.long
def test_the_command_has_the_wall_of_its_own_temperature(tmp_path):
    """At T_p the same wall as for a given speed; slopes of the pair against differences."""
    result = run(tmp_path)
    found, at_T_p = result["transition"], result["released"]["T_p"]
    assert found["wall"] == "hybrid"
    assert found["v_w"] == pytest.approx(at_T_p["wall_lte"]["v_w"], rel=1e-10)
    assert result["chain"]["v_w"] == found["v_w"]
    rows = {row["parameter"]: row for row in result["elasticities"]}
    assert "transition.v_w" not in rows
    h = 1e-4
    for key, where in (("E", "parameters"), ("g_star", "transition")):
        logs = []
        for factor in (1 + h, 1 - h):
            moved = run(tmp_path, f"{where}.{key}={EXAMPLE[where][key] * factor!r}")
            numbers = [moved["transition"][k] for k in ("T_p_GeV", "beta_over_H", "v_w")]
            numbers.append(moved["released"]["T_p"]["alpha_thetabar"])
            logs.append(np.log(numbers))
        row = rows["transition.g_star" if key == "g_star" else key]
        slopes = [row[name] for name in ("T_p", "beta_over_H", "v_w", "alpha_thetabar")]
        np.testing.assert_allclose(slopes, (logs[0] - logs[1]) / (2 * h), rtol=1e-5, atol=1e-8)


@pytest.mark.long
def test_the_command_has_the_wall_of_T_n_if_it_is_asked(tmp_path):
    """Its slopes by dimension: twice all energies is H⁴ of a Planck mass half as large, Γ A/16."""
    found = run(tmp_path, "transition.lte_at=T_n")
    assert found["transition"]["wall_lte"]["at"] == "T_n"
    at_T_n, v_w = found["released"]["T_n"]["wall_lte"], found["transition"]["v_w"]
    assert v_w == pytest.approx(at_T_n["v_w"], rel=1e-10)
    assert v_w != pytest.approx(found["released"]["T_p"]["wall_lte"]["v_w"], rel=1e-3)
    rows = {row["parameter"]: row for row in found["elasticities"]}
    for name, dimension in DIMENSIONS.items():
        by_rate = dimension - 4 * rows["transition.prefactor"][name]
        # β/H is a slope of S₃/T, which loses two digits of the slopes of the actions
        assert rows["T0"][name] == pytest.approx(by_rate, abs=1e-8), name


DIMENSIONS = {"T_n": 1, "T_p": 1, "beta_over_H": 0, "alpha_thetabar": 0, "v_w": 0}

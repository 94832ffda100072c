"""The walls of one transition: the bubble that nucleates, the planar wall, the tanh; P on each."""

import json
import subprocess
import sys

import equinox as eqx
import jax.numpy as jnp
import pytest

from jaxbounce.bounce import planar_wall
from jaxbounce.conversion import WallConversion
from jaxbounce.conversion.planar_wall import PlanarProfile, tanh_of
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.model.other_walls import on_other_walls

# the chain of the README, whose P on the critical bubble is printed there
POTENTIAL = {
    "fields": ["Phi", "phi"],
    "potential": "lam_Phi/4*(Phi**2-v**2)**2 + kap/4*(phi**2-w**2)**2 + g/2*Phi**2*phi**2"
    " + T**2/2*(c*Phi**2+d*phi**2)",
    "parameters": {
        "lam_Phi": 0.1,
        "v": 200.0,
        "kap": 0.1,
        "w": 180.0,
        "g": 0.11,
        "c": 0.25,
        "d": 0.1,
        "T": 60.0,
    },
    "false_vacuum": [0.0, 180.0],
    "true_vacuum": [200.0, 0.0],
}
CHAIN = {
    "preset": "exact",
    "m_chi_GeV": 1.0,
    "v_w": 0.4,
    "incident_flux_scale": 3.8e-6,
    "transition": {"T_low": 40.0, "T_high": 72.0, "potential": POTENTIAL},
    "conversion": {
        "wall": "planar",
        "couplings": {"y_B": 0.01, "y_chi": 0.01, "lambda_tr_eff": 0.002},
    },
}


def V(phi, theta):
    x, y, warm = phi[0] ** 2, phi[1] ** 2, theta["T"] ** 2 / 2
    first = theta["lam_Phi"] / 4 * (x - theta["v"] ** 2) ** 2 + warm * theta["c"] * x
    second = theta["kap"] / 4 * (y - theta["w"] ** 2) ** 2 + warm * theta["d"] * y
    return first + second + theta["g"] / 2 * x * y


def by_hand(T):
    """P on the planar wall at T, and on its tanh."""
    theta = {name: jnp.asarray(value) for name, value in POTENTIAL["parameters"].items()}
    vacua = POTENTIAL["false_vacuum"], POTENTIAL["true_vacuum"]
    wall = planar_wall(V, {**theta, "T": jnp.asarray(T)}, *vacua)
    couplings = Couplings(y_B=0.01, y_chi=0.01, lam=0.002)
    found = []
    for profile in (PlanarProfile(wall), tanh_of(wall)):
        P = eqx.filter_jit(WallConversion(profile, couplings))(0.4, T).P
        found.append(float(P))
    return found


@pytest.mark.long
def test_the_walls_of_a_transition(tmp_path):
    path, out = tmp_path / "chain.json", tmp_path / "out.json"
    path.write_text(json.dumps(CHAIN))
    # in a process of its own, without the checker of shapes: bounces at once are many calls
    command = [sys.executable, "-m", "jaxbounce.cli", "run", str(path), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    numbers = {one["quantity"]: one["value"] for one in result["story"]}
    others = result["P_on_other_walls"]
    planar, tanh = by_hand(numbers["T_p"])
    assert numbers["P"] == pytest.approx(planar, rel=1e-7)
    assert others["tanh"] == pytest.approx(tanh, rel=1e-7)
    assert others["critical-bubble"] == pytest.approx(0.457635, abs=5e-7)
    assert "P on other walls" in done.stdout


def test_a_wall_that_is_none_of_a_transition():
    model = configure(BENCHMARK).model
    assert on_other_walls(model, model) == {}

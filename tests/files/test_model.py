"""Models as data: what a file says is what the package computes, and nothing else is taken."""

import copy
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli import main
from jaxbounce.files.potential import potential_from_mapping, read_potential
from jaxbounce.files.transition import read_transition
from jaxbounce.potential.text import ExpressionPotential
from jaxbounce.potential.thermal_functions import J_B, J_F
from jaxbounce.potential.thermal_models import THERMAL_MODELS
from written_models import DARK_U1, SINGLET

# V at φ = 0, 20, 50, 90 (the specification of this project, golden numbers D.darkU1.V: two
# implementations of J)
DARK = {
    "none": [-451584.74988310994, -458303.746020898, -512077.402727843, -640855.1772125914],
    "parwani": [-442134.10981239384, -449654.9939127691, -505385.2292619717, -636975.9560630993],
    "arnold-espinosa": [
        -452477.9026936933,
        -460112.04537165334,
        -516440.7910330518,
        -649658.5321969145,
    ],
}


def _values(table, phi):
    configured = potential_from_mapping({k: v for k, v in table.items() if k != "transition"})
    program = jax.jit(jax.vmap(configured.potential, (0, None)))
    return program(jnp.asarray(phi), configured.theta)


@pytest.mark.parametrize("resummation", DARK)
def test_dark_photon_from_a_file(resummation):
    table = DARK_U1 | {"resummation": resummation}
    phi = [[0.0], [20.0], [50.0], [90.0]]
    found = _values(table, phi)
    np.testing.assert_allclose(found, DARK[resummation], rtol=1e-12)
    bundled = _values({"model": "dark-u1", "resummation": resummation}, phi)
    np.testing.assert_allclose(found, bundled, rtol=1e-14)


@pytest.mark.slow
def test_singlet_from_a_file():
    """V(110, 130) and V(130, 130) at 100 GeV as WallGo's own tests print them, in nine digits."""
    phi = [[110.0, 130.0], [130.0, 130.0], [0.0, 104.9], [195.0, 0.0]]
    found = _values(SINGLET, phi)
    np.testing.assert_allclose(found[:2], [-1.19018205e9, -1.17839699e9], rtol=4e-9)
    np.testing.assert_allclose(found, _values({"model": "z2-singlet"}, phi), rtol=1e-14)
    other = {"lam_hs": 0.85, "T": 90.0, "Q": 200.0}
    written = SINGLET | {"parameters": SINGLET["parameters"] | other}
    bundled = {"model": "z2-singlet", "parameters": other}
    np.testing.assert_allclose(_values(written, phi), _values(bundled, phi), rtol=1e-14)


@pytest.mark.slow
def test_slopes_in_parameters_go_through_expressions_of_them():
    phi = jnp.array([110.0, 130.0])
    found = potential_from_mapping({k: v for k, v in SINGLET.items() if k != "transition"})
    model = THERMAL_MODELS["z2-singlet"]
    slopes = jax.jit(jax.grad(found.potential, 1))(phi, found.theta)
    theta = {k: jnp.asarray(v) for k, v in model.parameters.items()}
    expected = jax.jit(jax.grad(model.potential, 1))(phi, theta)
    assert set(slopes) == set(expected) - {"g_rest"}
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, expected[name], rtol=1e-10)


def test_thermal_functions_and_the_error_function_are_in_expressions():
    V = ExpressionPotential("J_B(x) + 2*J_F(x) + erf(x/9)", ("x",))
    expected = float(J_B(4.0)) + 2 * float(J_F(4.0)) + erf(4.0 / 9)
    assert float(V(jnp.array([4.0]), {})) == pytest.approx(expected, rel=1e-15)


def test_a_file_serves_bounce_and_transition():
    table = DARK_U1 | {"transition": {"T_low": 20.0, "T_high": 60.0}, "resummation": "none"}
    table["particles"] = DARK_U1["particles"][-1:]
    thermal = read_transition(table)
    assert thermal.couplings.keys() == {"lam", "g", "v"}
    assert thermal.configured.dimension == 3
    bundled = {"model": "dark-u1"}
    assert potential_from_mapping(bundled).dimension == 3
    assert potential_from_mapping(bundled | {"parameters": {"T": 0.0}}).dimension == 4


def _changed(path, value):
    """The dark U(1) with an entry put elsewhere; None takes it away."""
    table = copy.deepcopy(DARK_U1)
    inner = table
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return table


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["fields"], [], "fields = []: a potential needs at least one field"),
        (["fields"], None, "missing key 'fields'"),
        (["resumation"], "none", "resumation: unknown key; did you mean 'resummation'?"),
        (["resummation"], "daisy", 'must be one of "none", "arnold-espinosa", "parwani"'),
        (["renormalisation_scale"], None, "renormalisation_scale: missing"),
        (["renormalisation_scale"], "phi", "renormalisation_scale: unknown name 'phi'"),
        (["g_rest"], [1], "g_rest = [1]: must be a number"),
        (["parameters", "T"], None, "parameters.T: missing"),
        (["parameters", "v"], "2*w", "parameters.v: unknown name 'w'"),
        (["parameters", "v"], "phi", "parameters.v: unknown name 'phi'"),
        (["parameters", "v"], "100", "parameters.v = '100': must be a number; write it without"),
        (["definitions"], 3, "definitions = 3: must be a table"),
        (["definitions", "thermal"], "later", "definitions.thermal: unknown name 'later'"),
        (["definitions", "g"], "1", "name 'g': is given twice"),
        (["definitions", "erf"], "1", "name 'erf': is taken"),
        (["particles"], "photon", "particles = 'photon': must be a list of tables"),
        (["particles", 0], 3, "particles[1] = 3: must be a table"),
        (["particles", 0, "name"], None, "particles[1].name: missing"),
        (["particles", 1, "name"], "phi", "particles.phi: is given twice"),
        (["particles", 0, "mas"], "1", "particles.phi.mas: unknown key"),
        (["particles", 0, "degrees"], 1, "did you mean 'degrees_of_freedom'?"),
        (["particles", 0, "mass_squared"], None, "particles.phi.mass_squared: missing"),
        (["particles", 0, "mass_squared"], "lam*ph**2", "unknown name 'ph'; did you mean 'phi'?"),
        (["particles", 0, "mass_squared"], "log(phi)", "a finite number at false_vacuum = [0.0]"),
        (["particles", 0, "mass_squared"], [["1", "2"]], "particles.phi.mass_squared: must be an"),
        (["particles", 0, "mass_squared"], [["1", "2"], ["3"]], "a square matrix"),
        (["particles", 0, "mass_squared"], [["1", "phi"], ["0", "3"]], "is not symmetric"),
        (
            ["particles", 0, "mass_squared"],
            [["1", "x"], ["x", "3"]],
            "particles.phi.mass_squared[1][2]: unknown name 'x'",
        ),
        (["particles", 0, "degrees_of_freedom"], -1, "particles.phi.degrees_of_freedom = -1"),
        (["particles", 0, "statistics"], "bosonic", "did you mean 'boson'?"),
        (["particles", 0, "statistics"], None, "particles.phi.statistics: missing"),
        (["particles", 0, "statistics"], "fermion", "particles.phi.debye: a fermion has none"),
        (["particles", 0, "debye"], "phi**2", "particles.phi.debye: unknown name 'phi'"),
        (["particles", 0, "debye"], [["1", "0"], ["0", "1"]], "particles.phi.debye: must be one"),
        (["particles", 0, "constant"], "g", "particles.phi.constant: unknown name 'g'"),
        (["particles", 0, "constant"], True, "particles.phi.constant = True: must be a number"),
        (["particles"], [], "belongs to particles"),
        (["model"], "dark-u1", "fields: is that of the model 'dark-u1'"),
    ],
)
def test_bad_models_are_refused_in_one_line(path, value, message):
    with pytest.raises(ConfigurationError) as error:
        read_potential(_changed(path, value))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_temperature_too_low_for_negative_masses_is_told():
    with pytest.raises(ConfigurationError, match=r"T = 0.001; .* m² may be no less than -500 T²"):
        read_potential(_changed(["parameters", "T"], 1e-3))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"model": "dark-u2"}, "did you mean 'dark-u1'?"),
        ({"model": 3}, "model = 3: must be one of"),
        ({"parameters": {"lamb": 1}}, "parameters.lamb: unknown key; did you mean 'lam'?"),
        ({"parameters": {"lam": "1"}}, "parameters.lam = '1': must be a number"),
        (
            {"renormalisation_scale": 3},
            "renormalisation_scale: is that of the model 'dark-u1'; set",
        ),
        ({"model": "dim-6", "resummation": "none"}, "has no loops to resum"),
    ],
)
def test_bundled_models_are_checked(table, message):
    with pytest.raises(ConfigurationError) as error:
        read_potential({"model": "dark-u1"} | table)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_temperature_of_particles_is_not_renamed():
    table = SINGLET | {"transition": SINGLET["transition"] | {"temperature": "Q"}}
    with pytest.raises(ConfigurationError, match="the temperature of particles is T"):
        read_transition(table)


def test_a_parameter_of_a_particle_may_be_set(capsys, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(DARK_U1))
    assert main(["bounce", str(path), "--set", "parameters.gg=1"]) == 2
    assert "does not occur in the potential; did you mean 'g'?" in capsys.readouterr().err

"""A parameter goes by its name in Python and by its configuration key, everywhere."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxbounce as jb
from jaxbounce._core.checks import suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli import main
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.inference import read_priors
from jaxbounce.inference.priors import check_free
from jaxbounce.model.sensitivity import check_parameters
from jaxbounce.parameters import DECLARATIONS, KEY_OF_NAME, RANGES

WALL = {"tanh": {"Phi_inside": 2.4, "phi_outside": 1.7, "width": 1.5}}


def _inside(name: str) -> float:
    allowed = RANGES[name]
    return next(x for x in (0.5, 2.0, -1.0) if x in allowed)


@pytest.mark.parametrize("name", [n for n in KEY_OF_NAME if n != "n_chi_at_Tp"])
def test_a_point_by_either_name(name):
    key, value = KEY_OF_NAME[name], _inside(name)
    by_name, by_key = configure(None, None, {name: value}), configure(None, None, {key: value})
    assert by_name.table == by_key.table
    assert float(by_name.model.value(name)) == float(by_name.model.value(key)) == value
    with pytest.raises(ConfigurationError, match="two names of one thing, both given; keep"):
        configure({**BENCHMARK, name: value, key: value})


def test_a_point_by_names_alone():
    names = {declared.key: name for name, declared in DECLARATIONS.items()}
    by_names = {names.get(key, key): value for key, value in BENCHMARK.items()}
    assert configure(by_names) == configure(BENCHMARK)
    # what changes a file wins by either name
    assert configure(by_names, None, {"incident_flux_scale": 2.0}).table["incident_flux_scale"] == 2


@pytest.mark.parametrize("name", ["lam", "lambda_tr_eff"])
@pytest.mark.parametrize("place", ["conversion.", "conversion.couplings."])
def test_the_coupling_by_either_name(name, place):
    table = {k: v for k, v in BENCHMARK.items() if k != "P_chi_to_B"}
    model = configure({**table, "conversion": WALL}, None, {f"{place}{name}": 0.3}).model
    assert float(model.value("lam")) == float(model.value("lambda_tr_eff")) == 0.3
    both = {**WALL, "lam": 0.1, "lambda_tr_eff": 0.1}
    with pytest.raises(ConfigurationError, match=r"conversion\.lambda_tr_eff: two names of one"):
        configure({**table, "conversion": both})


def test_python_by_either_name():
    model = configure().model
    assert float(model.replace(incident_flux_scale=3.0).value("f_chi")) == 3.0
    with pytest.raises(ConfigurationError, match="f_chi and incident_flux_scale: two names of"):
        model.replace(f_chi=1.0, incident_flux_scale=1.0)
    assert check_free(model, "incident_flux_scale") == ("f_chi",)
    assert check_parameters(model, ["P_chi_to_B", "v_w"]) == ("P", "v_w")
    prior = {"prior": "log-uniform", "low": 1e-12, "high": 1.0}
    assert (
        float(read_priors(model, ["f_chi"], {"incident_flux_scale": prior})["f_chi"].low) == 1e-12
    )
    with pytest.raises(ConfigurationError, match="f_chi is named twice"):
        check_free(model, ["f_chi", "incident_flux_scale"])


@pytest.mark.parametrize(
    "value", [np.float64(0.4), np.float32(0.5), np.array(0.4), jnp.asarray(0.4), np.int64(0) + 0.4]
)
def test_scalars_of_arrays_are_numbers(value):
    assert float(jb.load(v_w=value).value("v_w")) == pytest.approx(float(value), rel=1e-15)
    assert configure({**BENCHMARK, "v_w": value}).table["v_w"] == float(value)
    assert configure(None, None, {"g_chi": np.int32(4)}).table["g_chi"] == 4


def test_a_suggestion_names_all_that_are_as_near():
    known = ("g_chi", "f_chi", "m_chi", "v_w")
    assert "'g_chi'" in suggestion("h_chi", known)
    assert "'f_chi'" in suggestion("h_chi", known)
    assert suggestion("v_v", known) == "; did you mean 'v_w'?"
    with pytest.raises(ConfigurationError, match=r"f_ch: unknown key; did you mean 'f_chi'\?$"):
        configure(None, None, {"f_ch": 1.0})


def test_what_is_missing_and_what_follows_is_said():
    with pytest.raises(
        ConfigurationError, match=r"a dict is a whole point: .* load\(preset=…, v_w"
    ):
        jb.load({"v_w": 0.4}, preset="exact")
    with pytest.raises(ConfigurationError, match="depletion = 'on': is no key, it follows from"):
        configure(None, None, {"depletion": "on"})


def test_the_table_of_names_is_that_of_the_declarations(capsys):
    text = jb.files.reference.markdown()
    for name, declared in DECLARATIONS.items():
        line = next(x for x in text.splitlines() if x.startswith(f"| `{name}` |"))
        assert f"| `{declared.key}` |" in line
        assert f"| {declared.unit} |" in line or not declared.unit
        assert str(declared.range) in line
    assert all(f"| `{name}` |" in text for name in ("lam", "area_kernel", "conversion"))
    widths = {x.replace("\\|", "").count("|") for x in text.splitlines() if x.startswith("|")}
    assert widths == {7}
    assert main(["names", "incident_flux"]) == 0
    assert "f_chi (or incident_flux_scale): occupancy" in capsys.readouterr().out
    assert main(["names", "f_ch_i"]) == 2
    assert "did you mean 'f_chi'" in capsys.readouterr().err

"""Configurations: every way to get one wrong is one clear line."""

import json
import math

import pytest

import jaxbounce
from jaxbounce import load
from jaxbounce.files.point import (
    BENCHMARK,
    PARAMETER_OF_KEY,
    ConfigurationError,
    configure,
)
from jaxbounce.files.tables import read_mapping
from jaxbounce.parameters import CHOICES, PRESETS, RANGES


def test_published_keys_are_accepted_as_they_are():
    configuration = configure(BENCHMARK)
    written = configuration.as_mapping()
    for key, value in BENCHMARK.items():
        assert written[key] == value
    parameters = configuration.model.parameters
    assert parameters.m_chi == 0.95
    assert parameters.f_chi == 1.07e-9
    assert parameters.n_chi_at_Tp == 0.0


def test_every_parameter_has_a_key_and_every_key_a_place():
    assert set(PARAMETER_OF_KEY.values()) == set(RANGES)
    # these three follow from the regime and the rates
    derived = {"equations", "initial", "depletion"}
    assert set(PARAMETER_OF_KEY) | set(CHOICES) <= set(configure().as_mapping()) | derived


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_set_choices_and_what_is_written_wins(preset):
    assert vars(configure(BENCHMARK, preset).choices).items() >= PRESETS[preset].items()
    written = configure({**BENCHMARK, "window": "none"}, preset)
    assert written.choices.window == "none"
    overridden = configure({**BENCHMARK, "window": "none"}, preset, {"window": "gaussian"})
    assert overridden.choices.window == "gaussian"
    written, named = configure({**BENCHMARK, "preset": preset}), configure(BENCHMARK, preset)
    assert written.as_mapping() == named.as_mapping()
    assert written.choices == named.choices


def test_defaults_are_those_of_the_specification():
    choices = configure(BENCHMARK).choices
    assert choices.area_kernel == "eq6"
    assert choices.quadrature == "gauss-legendre"
    assert choices.equilibrium == "exact"
    assert choices.flux == "static"
    assert choices.dark_matter == "input"
    assert configure().as_mapping() == configure(BENCHMARK, "benchmark").as_mapping()


BAD = {
    "mass": ({"m_chi_GeV": -1}, "m_chi_GeV = -1: must be ≥ 0"),
    "temperature": ({"T_p_GeV": 0}, "T_p_GeV = 0: must be > 0"),
    "speed": ({"v_w": 1.0}, "v_w = 1: must be in (0, 1)"),
    "probability": ({"P_chi_to_B": 1.5}, "P_chi_to_B = 1.5: must be in [0, 1]"),
    "hot end": ({"T_max_over_Tp": 1.0}, "T_max_over_Tp = 1: must be in (1, "),
    "cold end": ({"T_min_over_Tp": 1.0}, "T_min_over_Tp = 1: must be in (0, 1)"),
    "nan": ({"I_p": math.nan}, "I_p = nan: must be finite"),
    "infinity": ({"beta_over_H": math.inf}, "beta_over_H = inf: must be finite"),
    "text": ({"v_w": "0.3"}, "v_w = '0.3': must be a number"),
    "boolean": ({"g_chi": True}, "g_chi = True: must be a number"),
    "null": ({"I_p": None}, "I_p = None: must be a number"),
    "list": ({"I_p": [0.34]}, "I_p = [0.34]: must be a number"),
    "flag": ({"deplete_DM_from_source": "no"}, "must be true or false"),
    "choice": ({"chi_stats": "bosons"}, "chi_stats = 'bosons': must be one of \"fermion\""),
    "kernel": ({"area_kernel": "KJMA"}, "area_kernel = 'KJMA': must be one of"),
    "choice type": ({"window": 3}, "window = 3: must be one of"),
    "unknown": ({"beta_over_h": 3}, "beta_over_h: unknown key; did you mean 'beta_over_H'?"),
    "preset": ({"preset": "exakt"}, "preset = 'exakt': must be one of"),
    "both": ({"n_chi_at_Tp_GeV3": 1.0}, "Y_chi_init and n_chi_at_Tp_GeV3: both given"),
    "thermal remedy": ({"regime": "thermal"}, "leave it out (or set it to null)"),
    "neither": ({"Y_chi_init": None}, "Y_chi_init and n_chi_at_Tp_GeV3: both missing"),
    "negative annihilation": ({"sigma_v_chi_GeV_m2": -1}, "sigma_v_chi_GeV_m2 = -1: must be ≥ 0"),
    "negative washout": ({"Gamma_wash_over_H": -1}, "Gamma_wash_over_H = -1: must be ≥ 0"),
    "thermal": ({"regime": "thermal"}, 'Y_chi_init = 4.9e-10: regime = "thermal" starts in'),
    "range without equations": ({"temperature_range": "frozen"}, "needs equations"),
    "coupling": (
        {"coupling": "external", "dark_matter": "occupancy", "deplete_DM_from_source": True},
        'dark_matter = "occupancy" needs coupling = "self-consistent"',
    ),
    "swept once": (
        {"dark_matter": "swept-once", "Gamma_wash_over_H": 0.1},
        'dark_matter = "swept-once" is a closed form',
    ),
    "closure too": (
        {"dark_matter": "occupancy", "closure": "mean-field", "Gamma_wash_over_H": 0.1},
        "closure = 'mean-field' is a closed form",
    ),
    "closure": ({"closure": "two-zone"}, "closure = 'two-zone' needs dark_matter = \"occupancy\""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_one_line_naming_key_value_and_remedy(name):
    changes, expected = BAD[name]
    with pytest.raises(ConfigurationError) as caught:
        configure({**BENCHMARK, **changes})
    text = str(caught.value)
    assert expected in text
    assert "\n" not in text
    with pytest.raises(ConfigurationError):
        load(BENCHMARK, **changes) if "preset" not in changes else load({**BENCHMARK, **changes})


def test_a_missing_probability_is_named():
    table = {key: value for key, value in BENCHMARK.items() if key != "P_chi_to_B"}
    with pytest.raises(ConfigurationError, match="P_chi_to_B: missing; add it"):
        configure(table)


def test_files(tmp_path):
    point = tmp_path / "point.json"
    point.write_text(json.dumps(BENCHMARK))
    assert configure(point) == configure(BENCHMARK)
    toml = tmp_path / "point.toml"
    toml.write_text(
        "\n".join(f"{k} = {json.dumps(v)}" for k, v in BENCHMARK.items() if v is not None)
    )
    assert configure(str(toml)) == configure(BENCHMARK)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"v_w": 0.3', "is not valid JSON"),
        ("", "is not valid JSON"),
        ("[1, 2]", "holds a list; it must be one table"),
        ('{"v_w": 0.3, "v_w": 0.4}', "v_w: given twice"),
        ("[" * 200_000, "nested too deeply"),
        (b"\xff\xfe{", "is not UTF-8 or UTF-16 text"),
    ],
)
def test_bad_files(tmp_path, content, expected):
    path = tmp_path / "point.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as caught:
        read_mapping(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_mapping(tmp_path / "absent.json")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_mapping(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("v_w = ")
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        read_mapping(broken)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: jaxbounce.load([1]),
            r"\[1\]: is neither a table nor the path of one; give a dict",
        ),
        (
            lambda: jaxbounce.predict({"v_w": 0.3}),
            "model is a dict: must be a Model; jaxbounce.load",
        ),
        (lambda: jaxbounce.convert("wall.csv"), "settings is a str: must be ConversionSettings"),
    ],
)
def test_what_is_given_in_place_of_another_thing(call, text):
    with pytest.raises(jaxbounce.ConfigurationError, match=text):
        call()

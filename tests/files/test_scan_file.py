"""The table of a scan: what is read from it, and what is refused."""

from pathlib import Path

import pytest

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.point import BENCHMARK
from jaxbounce.files.scan import TEMPLATE, read_scan
from scans import SOBOL, written


def test_the_template_is_a_scan(tmp_path):
    import tomllib

    table = tomllib.loads(TEMPLATE)
    assert read_scan(table).plan().layout.points == 100_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"desing": "grid"}, "desing: unknown key; did you mean 'design'?"),
        ({"design": "sobl"}, 'design = \'sobl\': must be one of "grid", "sobol"'),
        ({"points": 0}, "points = 0: must be a whole number ≥ 1"),
        ({"points": None}, "points: missing"),
        ({"parameters": {}}, "parameters: missing"),
        ({"parameters": {"v_w": 0.3}}, "parameters.v_w = 0.3: must be a table"),
        ({"parameters": {"v_v": {"prior": "uniform", "low": 0, "high": 1}}}, "did you mean 'v_w'?"),
        ({"parameters": {"v_w": {"low": 0.1, "high": 1}}}, "parameters.v_w.prior: missing"),
        ({"parameters": {"v_w": {"prior": "uniform", "low": 0.1}}}, "parameters.v_w.high: missing"),
        ({"parameters": {"v_w": {"prior": "uniform", "low": 0.1, "high": 2}}}, "in [0, 1]"),
        ({"design": "grid"}, 'points = 300: design = "grid" has none'),
        ({"file": "a.csv"}, "file = 'a.csv': design = \"sobol\" has none"),
        ({"outputs": ["rho_b"]}, "did you mean 'rho_B'?"),
        ({"outputs": "rho_B"}, "outputs = 'rho_B': must be a list of names"),
        ({"gradients": ["error_estimate"]}, "gradients = 'error_estimate': must be one of"),
        ({"precision": "single"}, "precision = 'single': must be one of"),
        ({"chunk": -1}, "chunk = -1: must be a whole number ≥ 1"),
        ({"seed": -1}, "seed = -1: must be a whole number ≥ 0"),
        ({"config": 3}, "config = 3: must be a path or a table"),
        ({"config": "none.json"}, "none.json: cannot be read"),
        ({"preset": "best"}, "preset = 'best': must be one of"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    import tomllib

    table = {**tomllib.loads(SOBOL), **change}
    with pytest.raises(ConfigurationError) as caught:
        read_scan({key: value for key, value in table.items() if value is not None})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ({"low": 0.1, "high": 0.9}, "parameters.v_w.count: missing"),
        ({"low": 0, "high": 0.9, "count": 3, "scale": "log"}, "must be > 0"),
        ({"low": 0.1, "high": 0.9, "count": 3, "scale": "ln"}, "must be one of"),
        ({"values": []}, "must be a list of numbers"),
        ({"values": [0.1, "x"]}, "must be a number"),
        ({"values": [0.1], "count": 2}, "stand alone"),
        ({"prior": "uniform", "low": 0.1, "high": 0.9}, "has no priors"),
        ({"low": 0.1, "high": 0.9, "number": 3}, "unknown key"),
    ],
)
def test_what_is_wrong_with_an_axis_is_named(axis, message):
    with pytest.raises(ConfigurationError) as caught:
        read_scan({"design": "grid", "parameters": {"v_w": axis}})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v_w\n", "holds no points"),
        ("v_v\n0.1\n", "did you mean 'v_w'?"),
        ("v_w\nabc\n", "column v_w"),
        ("v_w,rho_B [kg m-3]\n0.1,1e-28\n", "column rho_B: is a result, no parameter; drop"),
        ("T_p [MeV]\n0.1\n", "column T_p [MeV]: T_p is read in GeV"),
        ("", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, message):
    written(tmp_path, text, "points.csv")
    with pytest.raises(ConfigurationError) as caught:
        read_scan({"design": "file", "file": "points.csv"}, tmp_path)
    assert message in str(caught.value)


def test_a_point_is_no_scan():
    with pytest.raises(ConfigurationError, match=r'regime: is a key of one point.* config = "'):
        read_scan(BENCHMARK)


def test_annihilation_that_varies_is_integrated(tmp_path):
    """What varies decides on the equations, not the value in the configuration."""
    settings = read_scan(
        {
            "config": {"m_chi_GeV": 100.0, "T_p_GeV": 50.0, "beta_over_H": 100.0, "v_w": 0.3,
                       "P_chi_to_B": 0.1, "regime": "thermal"},
            "design": "grid",
            "parameters": {"sigma_v_chi_GeV_m2": {"values": [0.0, 1e-9]}},
        }
    )  # fmt: skip
    assert settings.model.choices.equations == "boltzmann"


@pytest.mark.parametrize(
    ("key", "choices", "reason"),
    [
        ("Y_chi_init", {"dark_matter": "occupancy"}, 'not used with dark_matter = "occupancy"'),
        ("sigma_y", {"window": "none"}, 'not used with window = "none"'),
        ("P_back_over_P", {}, 'used by closure = "two-zone" only'),
        ("Y_chi_init", {}, None),
        ("sigma_y", {}, None),
    ],
)
def test_what_varies_without_effect_is_said(key, choices, reason):
    table = {
        "config": {"preset": "benchmark", **BENCHMARK, **choices},
        "design": "grid",
        "parameters": {key: {"values": [0.1, 0.2]}},
    }
    warnings = read_scan(table).warnings
    assert warnings == (() if reason is None else (f"{key}: {reason}: it varies without effect",))


@pytest.mark.parametrize("rows", ["0.3,100,5\n0.5,10,5", "0.3,100,5\n0.5,10"])
def test_a_file_with_cells_beyond_its_columns_is_refused(tmp_path, rows):
    written(tmp_path, f"v_w,beta_over_H\n{rows}\n", "points.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_scan({"design": "file", "file": "points.csv"}, tmp_path)


def test_commas_at_the_ends_of_lines_shift_nothing(tmp_path):
    written(tmp_path, "v_w,beta_over_H\n0.3,100,\n0.5,10,\n", "points.csv")
    design = read_scan({"design": "file", "file": "points.csv"}, tmp_path).design
    assert design.points((slice(0, 2),))["v_w"].tolist() == [0.3, 0.5]


def test_paths_in_a_scan_start_at_its_file_and_may_be_spelt_otherwise(tmp_path, monkeypatch):
    from jaxbounce.files.conversion import SHIPPED_WALL

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "wall.csv").write_bytes(SHIPPED_WALL.read_bytes())
    table = {
        "config": {
            "m_chi_GeV": 0.95, "T_p_GeV": 100.0, "beta_over_H": 100.0, "v_w": 0.3,
            "Y_chi_init": 4.9e-10,
            "conversion": {"profile_csv": "sub/wall.csv", "model": "local"},
        },
        "design": "grid",
        "parameters": {"f_chi": {"values": [1e-9, 2e-9]}},
    }  # fmt: skip
    here = read_scan(table, tmp_path).plan().table
    monkeypatch.chdir(tmp_path / "sub")
    assert read_scan(table, Path("..")).plan().table == here
    lines = (tmp_path / "sub" / "wall.csv").read_text().splitlines()
    lines[100] = lines[100].replace("1", "2", 1)
    (tmp_path / "sub" / "wall.csv").write_text("\n".join(lines) + "\n")
    changed = read_scan(table, tmp_path).plan().table
    assert changed["model_sha256"] != here["model_sha256"]
    table["parameters"] = {"v_w": {"values": [0.3, 0.9]}}
    for v_w in (0.3, 0.9):
        table["config"]["conversion"]["wall"] = {"v_w": v_w}
        with pytest.raises(ConfigurationError, match="v_w"):
            read_scan(table, tmp_path)


HUGE = 10**400


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"v_w": {"low": 0.1, "high": HUGE, "count": 3}}},
        {"parameters": {"v_w": {"values": [HUGE]}}},
        {"parameters": {"v_w": {"values": [0.1, 0.1]}}},
        {"parameters": {"v_w": {"low": 0.1, "high": 0.9, "count": 10**11}}},
        {"design": "random", "points": 10**15},
        {"design": "random", "points": 10, "chunk": 10**10},
        {"precision": "float32", "gradients": ["rho_B"]},
    ],
    ids=str,
)
def test_what_is_too_much_is_refused(change):
    table = {"design": "grid", "parameters": {"v_w": {"values": [0.1]}}, **change}
    if table["design"] != "grid":
        table["parameters"] = {"v_w": {"prior": "uniform", "low": 0.1, "high": 0.9}}
    with pytest.raises(ConfigurationError) as caught:
        read_scan(table).plan()
    assert "\n" not in str(caught.value)

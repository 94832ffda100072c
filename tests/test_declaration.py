"""One declaration: a parameter added in one place is found everywhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jaxbounce
from jaxbounce._core.declare import are_inside, made_safe
from jaxbounce.files.point import KEYS, configure
from jaxbounce.parameters import CHOICES, DECLARATIONS, Choices, Parameters, why_unused

POINT = {"m_chi": 0.95, "T_p": 100.0, "beta_over_H": 100.0, "v_w": 0.3, "P": 0.1}

FIELD = """    friction: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.5,
        metadata=spec("friction of the wall", key="wall_friction", low=0, high=2, typical=1.0),
    )
"""

PROGRAM = """
import jaxbounce as jb
from jaxbounce.cli import main
jb.enable_x64()
main(["template", "--format", "toml"])
main(["run", "--set", "wall_friction=7"])
main(["sensitivity", "--wrt", "wall_friction"])
model = jb.load(wall_friction=0.7)
print("value", float(model.value("friction")), jb.predict(model.replace(friction=3.0)).status)
from jaxbounce.files.scan import read_scan
scan = read_scan({"design": "grid", "parameters": {"wall_friction": {"values": [0.1, 0.2]}}})
print("scan", scan.design.names, scan.table["config"]["wall_friction"])
print("doc", "friction of the wall; in (0, 2)." in jb.Parameters.__doc__)
"""


@pytest.mark.slow
def test_a_parameter_added_in_one_place_is_found_everywhere(tmp_path):
    """In a copy of the package: template, range, sensitivity, value, status, scan, docstring."""
    copy = tmp_path / "jaxbounce"
    shutil.copytree(Path(jaxbounce.__file__).parent, copy)
    declared = copy / "parameters.py"
    text = declared.read_text(encoding="utf-8")
    place = "    sigma_y: Given = eqx.field("
    assert text.count(place) == 1
    declared.write_text(text.replace(place, FIELD + place), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert "wall_friction = 0.5  # friction of the wall; in (0, 2)" in found.stdout
    assert "friction" in found.stdout
    assert "value 0.7 2" in found.stdout
    assert "scan ('friction',) varied" in found.stdout
    assert "doc True" in found.stdout


def test_keys_are_those_of_the_declarations():
    table = configure().as_mapping()
    assert tuple(table) == KEYS
    assert {d.key for d in DECLARATIONS.values()} <= set(KEYS)
    assert len({d.key for d in DECLARATIONS.values()}) == len(DECLARATIONS)


def test_typical_values_stand_in_for_bad_ones():
    good = Parameters(**POINT)
    assert are_inside(good)
    for name in DECLARATIONS:
        bad = Parameters(**{**POINT, name: float("nan")})
        assert not are_inside(bad), name
        assert are_inside(made_safe(bad, are_inside(bad))), name
        assert made_safe(good, are_inside(good)).m_chi == good.m_chi


def test_what_is_without_effect_says_why():
    assert why_unused("sigma_y", Choices(window="none")) == 'not used with window = "none"'
    assert why_unused("sigma_y", Choices()) is None
    assert why_unused("Y_chi_init", Choices(dark_matter="swept-once")) is not None
    for name, declared in CHOICES.items():
        assert declared.default in declared.allowed, name

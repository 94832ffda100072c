"""`jaxbounce phases`: phases of a model from a file."""

import json
import tomllib

import numpy as np
import pytest

from jaxbounce.cli import main
from written_models import SINGLET

TOY = {
    "fields": ["phi"],
    "parameters": {"D": 0.17, "E": 0.08, "lam": 0.13, "T0": 150.0, "T": 160.0},
    "potential": "D*(T**2 - T0**2)*phi**2 - E*T*phi**3 + lam/4*phi**4",
    "transition": {"T_low": 100.0, "T_high": 250.0},
}


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(TOY))
    return path


def test_table_and_json_say_the_same(capsys, toy, tmp_path):
    out = tmp_path / "phases.json"
    status, text, _ = _run(capsys, "phases", toy, "--out", out)
    assert status == 0
    result = json.loads(out.read_text())
    share = 0.08**2 / (0.13 * 0.17)
    T_c = 150 / np.sqrt(1 - share)
    first = next(change for change in result["transitions"] if change["order"] == "first")
    assert first["T_c_GeV"] == pytest.approx(T_c, rel=1e-12)
    assert first["of_the_deepest"]
    assert (first["from_phase"], first["to_phase"]) == (1, 2)
    T_1 = 150 / np.sqrt(1 - 9 / 8 * share)
    assert result["phases"][1]["T_high_GeV"] == pytest.approx(T_1, rel=1e-12)
    assert f"T_c = {T_c:#.6g}" in text
    assert "1 -> 2" in text
    assert result["inputs"] == TOY
    status, text, _ = _run(capsys, "phases", toy, "--json")
    assert status == 0
    assert json.loads(text) == result


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "transition.T_low=300"], "must be below T_high = 250"),
        (["--set", "transition=null"], "transition: missing"),
        (["--set", "parameters.lam=[1]"], "parameters.lam = [1]: must be a number"),
        (["--set", "lam=1"], "is a parameter of the potential; write --set parameters.lam="),
        (["--set", "parameters.lm=1"], "does not occur in the potential; did you mean 'lam'?"),
        (["--set", "potential=phi*y"], "unknown name 'y'"),
        (["--reach=-1"], "--reach = -1: must be > 0"),
    ],
)
def test_bad_input_is_refused_in_one_line(capsys, toy, arguments, message):
    status, out, err = _run(capsys, "phases", toy, *arguments)
    assert status == 2
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_what_has_no_minimum_is_told(capsys, toy):
    status, _, err = _run(capsys, "phases", toy, "--set", "potential=-phi**2*T*D*T0*lam*E")
    assert status == 1
    assert "no minimum of the potential from 100 to 250 GeV" in err


def test_template_is_the_singlet(capsys):
    for arguments in (["phases", "--template"], ["template", "model"]):
        status, text, _ = _run(capsys, *arguments)
        assert status == 0
        table = tomllib.loads(text)
        assert [particle["name"] for particle in table["particles"]] == [
            particle["name"] for particle in SINGLET["particles"]
        ]
    assert _run(capsys, "template", "model", "--format", "json")[0] == 2

"""The ways in which commands may be written."""

import json
import tomllib

import pytest

import jaxbounce
from jaxbounce.cli import main
from jaxbounce.cli._shared import settled_potential
from jaxbounce.cli.convert import Command as Convert
from jaxbounce.cli.fit import measured
from jaxbounce.files.potential import read_potential
from jaxbounce.files.scan import read_scan
from jaxbounce.files.transition import EXAMPLE, read_transition


def _printed(capsys, *arguments):
    assert main(list(arguments)) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.mark.parametrize("kind", ["bounce", "transition"])
def test_templates_in_both_formats_are_the_same_table(capsys, kind):
    table = {"bounce": jaxbounce.potential.PUBLISHED, "transition": EXAMPLE}[kind]
    as_json = json.loads(_printed(capsys, "template", kind))
    as_toml = tomllib.loads(_printed(capsys, "template", kind, "--format", "toml"))
    assert as_json == as_toml == json.loads(json.dumps(table))
    assert as_json == json.loads(_printed(capsys, "template", kind, "--format", "json"))
    assert as_json == json.loads(_printed(capsys, kind, "--template"))
    (read_potential if kind == "bounce" else read_transition)(as_toml)


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (["run", "--preset", "x"], "Expected one of 'benchmark', 'exact', 'published'"),
        (["template", "--format", "x"], "Expected one of 'json', 'toml'"),
        (["evolve", "--pionts", "8"], "did you mean --points?"),
        (["diagnostics", "--points", "8"], "; --help lists what there is"),  # of other commands
    ],
)
def test_what_is_said_of_arguments(capsys, arguments, ending):
    with pytest.raises(SystemExit):
        main(arguments)
    said = capsys.readouterr().err
    assert ending in said
    assert "None" not in said
    assert "mean --points" not in said or "pionts" in said


@pytest.mark.parametrize("command", ["bounce", "transition"])
def test_a_parameter_that_is_not_in_the_potential_is_not_set_for_nothing(
    capsys, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.json").write_text(json.dumps(EXAMPLE))
    (name,) = [key for key in EXAMPLE["parameters"] if key == "lam"]
    assert main([command, "t.json", "--set", f"parameters.{name.upper()}=0.2"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("jaxbounce: --set parameters.LAM: does not occur in the potential")
    assert main([command, "t.json", "--set", f"parameters.{name}s=0.2"]) == 2
    assert "did you mean 'lam'?" in capsys.readouterr().err
    # what a new expression brings along is in it
    assert settled_potential(
        {"potential": "x**2"}, ("potential=g*x**2", "parameters.g=0.2", "fields=[]")
    )["parameters"] == {"g": 0.2}


def test_the_template_of_a_scan_is_toml(capsys):
    text = _printed(capsys, "template", "scan")
    assert text == _printed(capsys, "template", "scan", "--format", "toml")
    assert text == _printed(capsys, "scan", "--template")
    assert read_scan(tomllib.loads(text)).design.names == ("v_w", "beta_over_H", "f_chi")
    assert main(["template", "scan", "--format", "json"]) == 2
    assert "a scan is TOML" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["100", "T=100", "1e2", "T=100.0"])
def test_a_temperature_to_average_at(text):
    assert Convert(average=text)._temperature() == 100.0


@pytest.mark.parametrize("text", ["", "T=", "hot", "100 GeV"])
def test_what_is_no_temperature(text, capsys):
    assert main(["convert", "--average", text]) == 2
    assert "--average" in capsys.readouterr().err


def test_data_by_name_or_file(tmp_path):
    path = tmp_path / "data.toml"
    path.write_text("mean = [0.02, 0.1]\nsigma = [0.001, 0.01]\n")
    assert measured("planck2018").name == "planck2018"
    assert [float(x) for x in measured(str(path)).mean] == [0.02, 0.1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["walk"], "walk: no such command; known names: run, "),
        (["trasition", "potential.json"], "trasition: no such command; did you mean 'transition'?"),
        (["run", "--outt", "x"], "did you mean --out?"),
        (["bounce", "--points", "many"], "Error parsing --points"),
        (["run", "a.json", "b.json"], "Unrecognized options: b.json"),
    ],
)
def test_what_is_wrong_with_arguments_is_one_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err

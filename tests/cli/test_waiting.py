"""What a user sees before there is a result: the help, and that something is under way."""

import json
import re
import threading
import tomllib

import pytest

from jaxbounce._core import progress
from jaxbounce.cli import _waiting, main, template
from jaxbounce.cli._shared import Outputs
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.parameters import CHOICES


def test_what_takes_long_says_so_once_and_what_does_not_is_silent(capsys, monkeypatch):
    monkeypatch.delenv("JAXBOUNCE_QUIET", raising=False)
    with _waiting.said_if_long("fit"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(_waiting, "_PATIENCE", 0.0)
    said = threading.Event()
    told = _waiting.say
    monkeypatch.setattr(_waiting, "say", lambda text: (told(text), said.set()))
    with _waiting.said_if_long("fit"):
        assert said.wait(10)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("jaxbounce: fit: preparing")


def test_what_goes_on_says_so_again_and_counts_are_lines(capsys, monkeypatch):
    monkeypatch.delenv("JAXBOUNCE_QUIET", raising=False)
    monkeypatch.setattr(_waiting, "_PATIENCE", 0.0)
    monkeypatch.setattr(_waiting, "_INTERVAL", 0.01)
    again, told = threading.Event(), _waiting.say
    monkeypatch.setattr(
        _waiting, "say", lambda text: (told(text), again.set() if "bounce 3" in text else None)
    )
    with _waiting.said_if_long("transition"):
        progress.at("bounce 3, T = 57.5")
        assert again.wait(10)
    counted = _waiting.Counted("scan", 100, 20)
    monkeypatch.setattr(_waiting, "_INTERVAL", 1e9)
    counted.update(30, 1)  # too soon for a line
    counted.update(50, 2)
    text = capsys.readouterr().err
    assert re.search(r"transition: at work for \d+ s, at bounce 3, T = 57.5$", text, re.MULTILINE)
    assert "\r" not in text
    lines = [line for line in text.splitlines() if "scan" in line]
    assert len(lines) == 1
    assert lines[0].startswith("jaxbounce: scan: 100 of 100 points, 2 without a number")


def test_no_line_promises_a_time():
    """It would be wrong on another machine, or when programs are kept."""
    assert not [text for text in _waiting._TEXTS.values() if re.search(r"second|minute|\d", text)]


def test_quiet_is_quiet(capsys, monkeypatch):
    monkeypatch.setenv("JAXBOUNCE_QUIET", "1")
    monkeypatch.setattr(_waiting, "_PATIENCE", 0.0)
    with _waiting.said_if_long("fit"):
        threading.Event().wait(0.05)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["fit", "--help"]])
def test_help_answers_and_says_nothing_of_none(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "usage: jaxbounce" in captured.out
    assert "None" not in captured.out


def test_a_path_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "walls").mkdir()
    rows = [
        f"{r},{2.4 / (1 + 2.0 ** (r - 8)):.6f},{1.7 / (1 + 2.0 ** (8 - r)):.6f}" for r in range(16)
    ]
    (tmp_path / "wall.csv").write_text("\n".join(["r,Phi,phi", *rows]))
    point = {key: value for key, value in BENCHMARK.items() if key != "P_chi_to_B"}
    (tmp_path / "walls" / "point.json").write_text(
        json.dumps({**point, "conversion": {"profile_csv": "~/wall.csv", "model": "local"}})
    )
    found = configure("~/walls/point.json")
    assert found.table["conversion"]["profile_csv"] == str(tmp_path / "wall.csv")


def test_choices_of_a_template_work_when_uncommented():
    lines = [line.removeprefix("# ") for line in template._text("toml").splitlines()[1:]]
    table = tomllib.loads("\n".join(line for line in lines if line.split(" ")[0] in CHOICES))
    assert set(table) > {"coupling", "temperature_range", "area_kernel"}
    for key, value in table.items():
        assert value in CHOICES[key].allowed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_point_in_the_encodings_that_editors_write(tmp_path, encoding):
    path = tmp_path / "point.toml"
    lines = [f"{k} = {json.dumps(v)}  # χ" for k, v in BENCHMARK.items() if v is not None]
    path.write_text("\n".join(lines), encoding=encoding)
    assert configure(path) == configure(BENCHMARK)


def test_a_picture_that_cannot_be_made_does_not_lose_the_result(capsys, tmp_path):
    def fails():
        raise ValueError("no number to draw")

    outputs = Outputs()
    outputs.draw(fails, tmp_path / "x.png")
    assert outputs.status(0) == 1
    assert (
        capsys.readouterr().err
        == f"jaxbounce: {tmp_path / 'x.png'}: no picture: no number to draw\n"
    )
    assert not list(tmp_path.iterdir())

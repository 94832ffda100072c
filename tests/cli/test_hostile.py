"""Hostile inputs over all commands: one line, exit status 2 or 1, and nothing changed.

300 are drawn (`hostile`), 320 listed for stages and the newest commands (`hostile_chain`).
"""

from pathlib import Path

import hostile_chain
import pytest

from hostile import cases, complaint
from jaxbounce.cli import main

COMMANDS = Path(main.__code__.co_filename).parent
SEED = 20_250


@pytest.mark.parametrize("part", range(10))
def test_hostile_inputs_end_in_one_line_and_change_nothing(tmp_path, monkeypatch, part):
    for number, case in enumerate(cases(SEED + part, 30)):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert complaint(folder, case) is None, case.arguments


def test_there_are_as_many_as_are_asked_for():
    commands = {case.arguments[0] for case in hostile_chain.cases()}
    commands |= {case.arguments[0] for part in range(10) for case in cases(SEED + part, 30)}
    assert len(hostile_chain.cases()) >= 300
    assert commands >= {path.stem for path in COMMANDS.glob("[a-z]*.py")}


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 8))]
)
def test_those_of_a_chain_likewise(tmp_path, monkeypatch, part):
    for number, case in enumerate(hostile_chain.cases()[part::8]):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert complaint(folder, case) is None, case.arguments

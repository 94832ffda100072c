"""300 hostile inputs over all commands: one line, exit status 2 or 1, and nothing changed."""

import pytest

from hostile import cases, complaint

SEED = 20_250


@pytest.mark.parametrize("part", range(10))
def test_hostile_inputs_end_in_one_line_and_change_nothing(tmp_path, monkeypatch, part):
    for number, case in enumerate(cases(SEED + part, 30)):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert complaint(folder, case) is None, case.arguments

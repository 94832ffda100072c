"""Where results go: looked at before the work, never lost after it, and nothing replaced."""

import dataclasses
import errno
import io
import json
import os
import stat
import subprocess
import sys
import threading
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import jaxbounce
from jaxbounce._core.errors import ComputationError, ConfigurationError, OutputError
from jaxbounce.cli import evolve, main
from jaxbounce.files.write import need_writable, write_whole, write_with
from jaxbounce.yields import Evolution

COMMANDS = {
    "run": (["run", "--out"], ".json"),
    "sensitivity": (["sensitivity", "--out"], ".json"),
    "sensitivity-plot": (["sensitivity", "--plot"], ".png"),
    "fit": (["fit", "--out"], ".json"),
    "posterior": (["posterior", "--out"], ".nc"),
    "posterior-plot": (["posterior", "--plot"], ".png"),
    "evolve": (["evolve", "--out"], ".csv"),
    "evolve-plot": (["evolve", "--plot"], ".png"),
    "bounce": (["bounce", "--out"], ".csv"),
    "bounce-plot": (["bounce", "--plot"], ".png"),
    "transition": (["transition", "t.json", "--out"], ".json"),
    "convert": (["convert", "--out"], ".json"),
    "scan": (["scan", "s.json", "--out"], ".zarr"),
    "show": (["show", "s.zarr", "--out"], ".csv"),
    "show-plot": (["show", "s.zarr", "--plot"], ".png"),
}


def _node(path, kind, number):
    """A node of its own: a device as /dev/null (1, 3) or /dev/full (1, 7) is, a socket, a disk."""
    try:
        os.mknod(path, kind | 0o666, os.makedev(*number))
        if kind == stat.S_IFCHR:  # which some file systems make and do not open
            path.write_bytes(b"")
    except PermissionError:
        pytest.skip("devices are made by root alone")
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_be_written_shows_before_the_work(tmp_path, monkeypatch, capsys, name):
    def work(*_, **__):
        raise AssertionError("began to work")

    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jaxbounce, "enable_x64", work)  # the first thing that work needs
    (tmp_path / "file").write_text("precious")
    arguments, suffix = COMMANDS[name]
    for place in (f"file/x{suffix}", f"{'x' * 300}{suffix}", f"a\0b{suffix}"):
        assert main([*arguments, place]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "cannot be" in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_second_file_of_a_bounce_is_looked_at_too(tmp_path, capsys):
    (tmp_path / "wall.json").mkdir()
    assert main(["bounce", "--out", str(tmp_path / "wall.csv")]) == 2
    assert "wall.json: cannot be written (Is a directory)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sensitivity-plot", "posterior-plot", "evolve-plot", "show-plot"])
def test_a_picture_of_no_format_shows_before_the_work(tmp_path, capsys, name):
    pytest.importorskip("matplotlib")
    arguments, _ = COMMANDS[name]
    assert main([*arguments, str(tmp_path / "picture.xyz")]) == 2
    assert "unknown picture format" in capsys.readouterr().err


READERS = {
    "run": (["run", "in.json", "--out"], "in.json"),
    "sensitivity": (["sensitivity", "in.json", "--out"], "in.json"),
    "evolve": (["evolve", "in.csv", "--out"], "in.csv"),
    "fit": (["fit", "in.json", "--out"], "in.json"),
    "fit-data": (["fit", "--data", "in.json", "--out"], "in.json"),
    "fit-priors": (["fit", "--priors", "in.json", "--out"], "link.json"),
    "posterior": (["posterior", "--priors", "in.nc", "--out"], "in.nc"),
    "bounce": (["bounce", "in.json", "--out"], "in.csv"),  # its JSON goes beside
    "transition": (["transition", "in.json", "--out"], "./in.json"),
    "convert": (["convert", "in.csv", "--out"], "in.csv"),
    "convert-params": (["convert", "in.csv", "--params", "in.json", "--out"], "hard.json"),
    "show-data": (["show", "s.zarr", "--data", "in.csv", "--out"], "in.csv"),
}


@pytest.mark.parametrize("name", READERS)
def test_no_result_takes_the_place_of_what_is_read(tmp_path, monkeypatch, capsys, name):
    def work(*_, **__):
        raise AssertionError("began to work")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jaxbounce, "enable_x64", work)
    for suffix in (".json", ".nc", ".csv"):
        if (name, suffix) != ("bounce", ".csv"):
            (tmp_path / f"in{suffix}").write_text("precious")
    (tmp_path / "link.json").symlink_to("in.json")
    os.link(tmp_path / "in.json", tmp_path / "hard.json")
    arguments, place = READERS[name]
    assert main([*arguments, place]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "is read by this command" in captured.err
    assert {path.read_text() for path in tmp_path.glob("in.*")} == {"precious"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "nested"),
    [("run", True), ("fit", True), ("sensitivity", True), ("evolve", False), ("fit", False)],
)
def test_no_result_takes_the_place_of_a_profile_that_a_file_names(
    tmp_path, monkeypatch, capsys, command, nested
):
    """The profile is named in the configuration, or in a table that the configuration names."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{r},{r - 50},{0.5 * (1 - np.tanh(r - 50))},1" for r in np.linspace(30, 70, 201)]
    profile = "\n".join(["r,xi,Phi,phi", *rows])
    (tmp_path / "wall.csv").write_text(profile)
    table = {"profile_csv": "wall.csv", "couplings": {"y_chi": 1.0, "y_B": 1.0}}
    (tmp_path / "table.json").write_text(json.dumps(table))
    written: dict[str, object] = {"m_chi_GeV": 0.95, "T_p_GeV": 100.0, "beta_over_H": 100.0}
    written |= {"v_w": 0.3, "Y_chi_init": 1e-12, "conversion": "table.json" if nested else table}
    (tmp_path / "in.json").write_text(json.dumps(written))
    place = "table.json" if nested else "wall.csv"
    arguments = [command, "in.json", "--preset", "benchmark"]
    assert main([*arguments, "--out", place]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{place}: is read by this command" in captured.err
    assert (tmp_path / "wall.csv").read_text() == profile
    assert json.loads((tmp_path / "table.json").read_text()) == table


def test_two_results_need_two_places(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert main(["sensitivity", "--out", "x.png", "--plot", "./x.png"]) == 2
    assert "x.png: is the place of two results" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_fifo_is_written_into(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    need_writable(path)  # not seen by the reader
    write_whole(path, "χ" * 100_000)
    reader.join(20)
    assert found == [("χ" * 100_000).encode()]
    assert stat.S_ISFIFO(path.lstat().st_mode)
    assert [p.name for p in tmp_path.iterdir()] == ["fifo"]


def test_a_device_is_written_into(tmp_path):
    path = _node(tmp_path / "null", stat.S_IFCHR, (1, 3))
    need_writable(path)
    write_whole(path, "text")
    assert stat.S_ISCHR(path.lstat().st_mode)


def test_a_full_device_costs_nothing_but_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = _node(tmp_path / "full", stat.S_IFCHR, (1, 7))
    with pytest.raises(OutputError, match=r"No space left.*it is in full\.partial"):
        write_whole(path, "text")
    assert stat.S_ISCHR(path.lstat().st_mode)
    assert (tmp_path / "full.partial").read_text() == "text"
    with pytest.raises(OutputError, match=r"it is in full\.partial2"):
        write_whole(path, "more")
    assert (tmp_path / "full.partial").read_text() == "text"


def test_links_stay_and_what_they_lead_to_is_replaced(tmp_path):
    target, link, second = tmp_path / "target.json", tmp_path / "link.json", tmp_path / "second"
    target.write_text("old")
    link.symlink_to("target.json")
    second.symlink_to(link)
    write_whole(second, "new")
    assert target.read_text() == "new"
    assert (os.readlink(link), os.readlink(second)) == ("target.json", str(link))
    target.unlink()
    write_whole(second, "again")  # a link that leads nowhere says where a file would be
    assert target.read_text() == "again"
    link.unlink()
    link.symlink_to("link.json")
    with pytest.raises(ConfigurationError, match="Too many levels"):
        need_writable(link)
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("kind", "reason"), [(stat.S_IFSOCK, "it is a socket"), (stat.S_IFBLK, "it is a disk")]
)
def test_what_takes_no_file_is_refused(tmp_path, kind, reason):
    path = _node(tmp_path / "node", kind, (250, 250))
    with pytest.raises(ConfigurationError, match=reason):
        need_writable(path)
    assert stat.S_IFMT(path.lstat().st_mode) == kind


def test_standard_output_as_a_file(tmp_path):
    """/dev/stdout led to a file: the report follows the result, and the file stays the same one."""
    out = tmp_path / "out.txt"
    code = (
        "from jaxbounce.files.write import write_whole\n"
        "print('before')\n"
        "write_whole('/dev/stdout', 'result\\n')\n"
        "print('after')\n"
    )
    with out.open("w") as stream:
        subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)
    assert out.read_text() == "before\nresult\nafter\n"


def test_a_writer_that_fails_for_its_own_reasons_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def writer(place):
        place.write_text("half")
        raise ComputationError("no number")

    with pytest.raises(ComputationError, match="no number"):
        write_with("result.json", writer)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_goes_away_costs_no_result(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    need_writable("results/result.json")
    (tmp_path / "results").rmdir()
    with pytest.raises(OutputError, match=r"No such file.*it is in result\.json\.partial"):
        write_whole("results/result.json", "{}")
    assert (tmp_path / "result.json.partial").read_text() == "{}"


def test_a_full_disk_at_the_end_puts_every_result_beside(tmp_path, monkeypatch, capsys):
    """Report, table and exit status of a command whose file could not be put in its place."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    T = np.linspace(2.0, 1.0, 16)

    def evolved(*_):
        (tmp_path / "results").rmdir()
        names = [field.name for field in dataclasses.fields(Evolution)]
        values = dict.fromkeys(names, jnp.asarray(T))
        return Evolution(**values | {"status": jnp.ones(16, int)})

    monkeypatch.setattr(jaxbounce, "evolve", evolved)
    monkeypatch.setattr(evolve, "converted", lambda _: SimpleNamespace(status=1))
    assert main(["evolve", "--points", "16", "--out", "results/yields.csv"]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "it is in yields.csv.partial" in captured.err
    assert captured.out == "16 temperatures, 0 without a number\n"
    rows = np.loadtxt(tmp_path / "yields.csv.partial", delimiter=",", skiprows=2)
    np.testing.assert_array_equal(rows, np.tile(T, (6, 1)).T)


class _Full(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _Gone(_Full):
    def write(self, data):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run", "--help"], ["template"]])
def test_a_full_standard_output_is_one_line(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(_Full())))
    assert main(arguments) == 1
    assert capsys.readouterr().err == (
        "jaxbounce: standard output: cannot be written (No space left on device)\n"
    )
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(_Gone())))
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""


def test_letters_that_an_encoding_lacks_are_escaped(monkeypatch, capsys):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["template", "--format", "toml"]) == 0
    text = raw.getvalue().decode("ascii")
    assert "\\u03c7" in text  # χ
    assert sys.stdout.errors == "strict"  # as it was
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("command", "status", "error"),
    [
        ("--help > /dev/full", 1, "jaxbounce: standard output: cannot be written (No space left"),
        ("--help | head -1", 0, ""),
        ("--version >&-", 0, ""),
    ],
)
def test_the_process_ends_quietly(command, status, error):
    """Nor does the interpreter complain when it ends, about what is left in its buffer."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m jaxbounce.cli {command}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == status
    assert done.stderr.startswith(error)
    assert done.stderr.count("\n") == bool(error)


def test_a_fault_of_the_program_is_one_line_that_says_where(monkeypatch, capsys):
    def fault(*_):
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr(jaxbounce.files.point, "configure", fault)
    assert main(["template"]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "unforeseen ZeroDivisionError" in message
    assert "test_outputs.py" in message
    monkeypatch.setenv("JAXBOUNCE_TRACEBACK", "1")
    assert main(["template"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "9223372036854775808"])
@pytest.mark.parametrize("command", ["fit", "posterior"])
def test_seeds(command, seed, capsys):
    assert main([command, "--seed", seed]) == 2
    assert "--seed = " in capsys.readouterr().err


def test_messages_show_values_shortened_on_one_line(tmp_path, capsys):
    path = tmp_path / "point.json"
    for value in ("x" * 100_000, "a\nb\x1b[31m", [[1] * 1000] * 100, {"a": "\ud800"}):
        path.write_text(json.dumps({"v_w": value, "m_chi_GeV": 1.0}))
        assert main(["run", str(path), "--preset", "exact"]) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert len(message) < 500
        assert message[:-1].isprintable()

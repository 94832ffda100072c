"""Hostile inputs for every command: what they are, and what must not happen."""

import io
import json
import os
import stat
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbounce.cli import main
from jaxbounce.files.point import BENCHMARK
from jaxbounce.files.transition import EXAMPLE

POTENTIAL = {
    "fields": ["phi"],
    "parameters": {"a": 1.0, "b": 0.3},
    "potential": "a*phi**2 - phi**3 + b*phi**4",
    "false_vacuum": [0.0],
    "true_vacuum": [2.0],
}
SCAN = {
    "preset": "benchmark",
    "design": "sobol",
    "points": 64,
    "seed": 1,
    "parameters": {"v_w": {"prior": "uniform", "low": 0.1, "high": 0.9}},
}
WALL = {"tanh": {"Phi_inside": 1.2, "phi_outside": 0.85, "width": 1.5}, "wall": {"v_w": 0.3}}

# text that is no table, by what is wrong with it
BROKEN = (
    b"",
    b"\0" * 64,
    b"[]",
    b"{",
    b'{"a": ' + b"[" * 100_000,
    b"a = " + b"[" * 100_000,
    b"[" + b"a." * 3_000 + b"a]",
    b'{"v_w": ' + b"7" * 5000 + b"}",
    b"v_w = " + b"7" * 5000,
    b"\xff\xfe\xff",
    b"\x80\x81",
    b'{"v_w": 0.3, "v_w": 0.3}',
    b'{"' + b"k" * 100_000 + b'": 1}',
    b'{"line\\nbreak\\u001b[31m": 1}',
    b'"\\ud800"',
    b'{"\\ud800": 1}',
    b"<html></html>",
)

# values that no key takes
VALUES: tuple[Any, ...] = (
    float("nan"),
    float("-inf"),
    10**400,
    -(10**30),
    "",
    "x" * 100_000,
    "line\nbreak\x1b[2J",
    "a\0b",
    "\ud800",
    [],
    [[[]]],
    {},
    {"a": {"b": {}}},
    [1, "a", None],
    "../" * 2000,
)

# words in the place of a number
WORDS = (
    "nan",
    "1e400",
    "-1",
    "0x",
    "9" * 5000,
    "",
    "1,2",
    "-inf",
    "١.٥.٢",
    "\n",
    "a\0b",
    "1e",
    "--",
)


class Case(NamedTuple):
    """Arguments, and the files that they name: nothing else is in the folder."""

    arguments: tuple[str, ...]
    files: dict[str, bytes]


def _json(table):
    return json.dumps(table).encode()


def _changed(table, rng, keys=None):
    """A table with one value that it cannot have, at any depth."""
    table = json.loads(json.dumps(table))
    inner = table
    keys = keys or list(table)
    key = keys[rng.integers(len(keys))]
    while isinstance(inner.get(key), dict) and inner[key] and rng.random() < 0.7:
        inner = inner[key]
        names = list(inner)
        key = names[rng.integers(len(names))]
    value = VALUES[rng.integers(len(VALUES))]
    if rng.random() < 0.15:
        inner[f"{key}\n"] = value
    else:
        inner[key] = value
    return table


FILES = {
    "run": ("",),
    "sensitivity": ("",),
    "fit": ("", "--data", "--priors"),
    "posterior": ("", "--data", "--priors"),
    "evolve": ("",),
    "diagnostics": ("",),
    "bounce": ("",),
    "transition": ("",),
    "convert": ("", "--params"),
    "scan": ("",),
    "show": ("",),
}

OPTIONS = {
    "fit": ("--starts", "--seed", "--free", "--only", "--data"),
    "posterior": ("--chains", "--draws", "--warmup", "--seed", "--starts"),
    "evolve": ("--points",),
    "bounce": ("--points", "--preset"),
    "convert": ("--lambda", "--v-w", "--average", "--model"),
    "scan": ("--workers",),
    "sensitivity": ("--wrt",),
    "run": ("--preset",),
    "template": ("--format",),
}

WRITERS = {
    "run": ("--out", ".json"),
    "sensitivity": ("--out", ".json"),
    "fit": ("--out", ".json"),
    "posterior": ("--out", ".nc"),
    "evolve": ("--out", ".csv"),
    "bounce": ("--out", ".csv"),
    "transition": ("--out", ".json"),
    "convert": ("--out", ".json"),
    "scan": ("--out", ".zarr"),
}


def _argument(command):
    tables = {"transition": EXAMPLE, "scan": SCAN}
    if command not in tables:
        return (), {}
    name = f"{command}.json"
    return (name,), {name: _json(tables[command])}


def broken_file(rng) -> Case:
    """Text that is no table, wherever a command reads one."""
    command = list(FILES)[rng.integers(len(FILES))]
    option = FILES[command][rng.integers(len(FILES[command]))]
    name = f"f{('.json', '.toml', '.csv', '')[rng.integers(4)]}"
    files = {} if rng.random() < 0.15 else {name: BROKEN[rng.integers(len(BROKEN))]}
    if option == "--params":
        files["w.csv"] = b"r,Phi,phi\n"
        return Case((command, "w.csv", option, name), files)
    return Case((command, *((option,) if option else ()), name), files)


def broken_point(rng) -> Case:
    """A configuration with a value that it cannot have."""
    commands = ("run", "sensitivity", "fit", "posterior", "evolve", "diagnostics")
    table = _changed(BENCHMARK, rng, [key for key in BENCHMARK if BENCHMARK[key] is not None])
    return Case((commands[rng.integers(len(commands))], "p.json"), {"p.json": _json(table)})


def broken_other(rng) -> Case:
    """The same of a potential, a transition, a wall, a scan."""
    command, table = (
        ("bounce", POTENTIAL),
        ("transition", EXAMPLE),
        ("convert", WALL),
        ("scan", SCAN),
    )[rng.integers(4)]
    return Case((command, "t.json"), {"t.json": _json(_changed(table, rng))})


def broken_setting(rng) -> Case:
    """--set with what no key takes."""
    commands = ("run", "sensitivity", "fit", "posterior", "evolve", "diagnostics")
    command = commands[rng.integers(len(commands))]
    keys = ("v_w", "P_chi_to_B", "window", "conversion", "nothing", "a" + ".b" * 5000, "", "x\ny")
    values = (*WORDS, "[" * 100_000, '{"a":', "1e999", "null.x", '"\\ud800"', "x" * 100_000, "{}")
    key, value = keys[rng.integers(len(keys))], values[rng.integers(len(values))]
    if value == "{}" and key == "conversion":
        value = "[]"
    return Case((command, "--set", f"{key}={value}" if rng.random() < 0.9 else key), {})


def broken_option(rng) -> Case:
    """A word in the place of an option's value."""
    command = list(OPTIONS)[rng.integers(len(OPTIONS))]
    option = OPTIONS[command][rng.integers(len(OPTIONS[command]))]
    arguments, files = _argument(command)
    word = WORDS[rng.integers(len(WORDS))]
    if option == "--lambda" and word == "-1":
        word = "nan"  # a mixing may have either sign
    return Case((command, *arguments, option, word), files)


def broken_place(rng) -> Case:
    """A place where nothing can be written."""
    command = list(WRITERS)[rng.integers(len(WRITERS))]
    option, suffix = WRITERS[command]
    arguments, files = _argument(command)
    if rng.random() < 0.25 and command in ("sensitivity", "bounce", "evolve", "posterior"):
        option, suffix = "--plot", ".png"
    places = (
        f"absent/deep/x{suffix}",
        f"folder{suffix}",
        f"file/x{suffix}",
        f"loop{suffix}",
        "x" * 300 + suffix,
        f"a\0b{suffix}",
        f"{'d/' * 3000}x{suffix}",
        f"dangling/x{suffix}",
        f"socket{suffix}",
    )
    place = places[rng.integers(len(places))]
    if command == "scan" and place.startswith(("absent", "folder", "dangling", "d/d/d")):
        place = places[4]  # a scan makes the folders that it needs
    return Case((command, *arguments, option, place), files)


def broken_usage(rng) -> Case:
    """Commands and options that there are not."""
    return Case(
        (
            ("walk",),
            ("budget", "--digits", "0"),
            ("run", "--outt", "x"),
            ("run", "a.json", "b.json"),
            ("scan",),
            ("scan", "s.json", "--workers", "1", "--scheduler", "x"),
            ("show",),
            ("show", "."),
            ("show", "f.json", "--quantity", "\n"),
            ("transition",),
            ("template", "everything"),
            ("template", "scan", "--format", "json"),
            ("bounce", "f.json", "--preset", "published"),
            ("\x1b[31m",),
            ("run", "\udc80"),
            ("run", "--set"),
            ("fit", "--free", ""),
            ("fit", "--free", "v_w,v_w"),
            ("fit", "--free", "x" * 10_000),
            ("evolve", "--out", "x.txt"),
            ("posterior", "--out", "x.csv"),
            ("bounce", "--out", "x.json"),
            ("sensitivity", "--wrt", "P,,nothing"),
            ("convert", "absent.csv"),
            ("convert", "f.json", "--params", "g.json"),
        )[rng.integers(25)],
        {},
    )


KINDS = (
    broken_file,
    broken_point,
    broken_other,
    broken_setting,
    broken_option,
    broken_place,
    broken_usage,
)


def cases(seed, count):
    """Hostile inputs, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return [KINDS[number % len(KINDS)](rng) for number in range(count)]


def prepare(folder: Path, case: Case) -> None:
    """The files of a case, and what stands in the way of results."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    (folder / "file").write_bytes(b"precious")
    for suffix in (".json", ".csv", ".nc", ".png", ".zarr"):
        (folder / f"folder{suffix}").mkdir()
        (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
        os.mknod(folder / f"socket{suffix}", stat.S_IFSOCK | 0o600)
    (folder / "dangling").symlink_to("nowhere")


def snapshot(folder: Path) -> dict[str, Any]:
    """All that is in a folder: kinds, sizes, content of files, ends of links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        there = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(there.st_mode) else None
        link = os.readlink(path) if path.is_symlink() else None
        found[str(path.relative_to(folder))] = (stat.S_IFMT(there.st_mode), content, link)
    return found


def run(case: Case) -> tuple[int, str, str]:
    """Exit status, standard output and error of a case, in this process."""
    out, error = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(error):
        try:
            status = main(list(case.arguments))
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int), status
    sys.stdout.flush()
    return status, out.getvalue(), error.getvalue()


def complaint(folder: Path, case: Case) -> str | None:
    """What is wrong with how a case ends; None if nothing is."""
    prepare(folder, case)
    before = snapshot(folder)
    status, out, error = run(case)
    if status not in (1, 2):
        return f"exit status {status}"
    if error.count("\n") != 1 or not error.startswith("jaxbounce: "):
        return f"{error.count(chr(10))} lines of standard error: {error[:400]!r}"
    if not error[:-1].isprintable() or len(error) > 1100:
        return f"{len(error)} characters of standard error, or not to be printed: {error[:200]!r}"
    if "Traceback" in out + error or "unforeseen" in error:
        return f"a fault of the program: {error[:600]}"
    if status == 2 and out:
        return f"standard output {out[:200]!r}"
    if snapshot(folder) != before:
        changed = set(snapshot(folder)) ^ set(before)
        return f"the folder has changed: {sorted(changed)[:5]}"
    return None

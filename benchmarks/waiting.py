"""How long a user looks at nothing: `python -m benchmarks.waiting [COMMAND …]`.

Each command runs in a process of its own, first with an empty cache of compiled programs, then with
what the first run left there. Printed are CPU seconds of the process, which a busy machine changes
little, seconds on the clock, and those until its first line on standard error (that it is at work)
and until its result begins on standard output.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from jaxbounce.files.transition import EXAMPLE

SCAN = """
preset = "exact"
design = "grid"
[parameters]
v_w = { low = 0.1, high = 0.9, count = 100 }
f_chi = { low = 1e-9, high = 1e-7, count = 100, scale = "log" }
"""

_COLUMNS = ("CPU s", "seconds", "first line", "result")


class Waited(NamedTuple):
    """What one run took, in seconds; None for a line that never came."""

    cpu: float
    seconds: float
    told: float | None
    result: float | None


def commands(folder: Path) -> dict[str, list[str]]:
    """Arguments of each command, its files written into a folder."""
    (folder / "scan.toml").write_text(SCAN, encoding="utf-8")
    (folder / "thermal.json").write_text(json.dumps(EXAMPLE), encoding="utf-8")
    model = {"model": "high-T-cubic", "transition": {"T_low": 95.0, "T_high": 112.0}}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    return {
        "--help": ["--help"],
        "names": ["names", "f_chi"],
        "run": ["run"],
        "diagnostics": ["diagnostics"],
        "sensitivity": ["sensitivity"],
        "fit": ["fit", "--preset", "exact"],
        "bounce": ["bounce"],
        "phases": ["phases", "model.json"],
        "transition": ["transition", "thermal.json"],
        "scan": ["scan", "scan.toml"],
        "show": ["show", "scan.zarr"],
        "evolve": ["evolve", "--preset", "exact"],
        "convert": ["convert"],
        "posterior": ["posterior", "--free", "f_chi,P", "--set", "dark_matter=swept-once"],
        "budget": ["budget"],
    }


def waited(arguments: list[str], folder: Path, cache: Path) -> Waited:
    """Run a command to its end.

    Raises:
        RuntimeError: if it fails.
    """
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONUNBUFFERED": "1"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    firsts: dict[str, float] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "jaxbounce.cli", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:

        def watch(name: str, stream: object) -> None:
            # Popen says that a pipe may be None
            for _ in stream:  # type: ignore[attr-defined]
                firsts.setdefault(name, time.perf_counter() - start)

        readers = [
            threading.Thread(target=watch, args=(name, stream))
            for name, stream in (("told", process.stderr), ("result", process.stdout))
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        if process.wait():
            raise RuntimeError(f"jaxbounce {' '.join(arguments)}: status {process.returncode}")
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Waited(cpu, seconds, firsts.get("told"), firsts.get("result"))


def main() -> None:
    """Time what is asked for."""
    head = "".join(f"{column:>11}" for column in _COLUMNS)
    print(f"{'':14}{'':8}{head}")
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in commands(Path(folder)).items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            with tempfile.TemporaryDirectory() as cache:
                for state in ("empty", "kept"):
                    found = waited(arguments, Path(folder), Path(cache))
                    cells = "".join(f"{'—':>11}" if x is None else f"{x:11.1f}" for x in found)
                    print(f"{name:14}{state:8}{cells}", flush=True)


if __name__ == "__main__":
    main()

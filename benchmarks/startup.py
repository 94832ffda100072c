"""Whole-process times of the command: `python benchmarks/startup.py [PART OF A NAME …]`.

Each command runs in processes of its own, each time beside `python -c "import jax"`: with an empty
cache of compiled programs; with the programs that another potential has left there; and again with
its own. Printed are seconds (the least of three for the last) and how many times `import jax`.
Potentials are solved by CosmoTransitions in a process of its own too, if it is installed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jaxbounce.files.transition import EXAMPLE

PYTHON, COMMAND = [sys.executable, "-c"], [sys.executable, "-m", "jaxbounce.cli"]

ONE = {
    "fields": ["x"],
    "parameters": {"k": 0.18},
    "potential": "x**2/2 - x**4/4 + k*x**6/8",
    "false_vacuum": [0.0],
    "true_vacuum": [2.493],
    "dimension": 3,
}
OTHER_ONE = ONE | {"potential": "x**2/2 - x**4/4 + k*x**6/9", "true_vacuum": [2.7]}
OTHER_TWO = {
    "fields": ["x", "y"],
    "potential": "(x**2+5*y**2)*(5*(x-1)**2+(y-1)**2) + 2*(y**4/4-y**3/3)",
    "false_vacuum": [0.0, 0.0],
    "true_vacuum": [1.0, 1.0],
    "dimension": 4,
}
OTHER_THERMAL = EXAMPLE | {
    "potential": "D*T**2*phi**2 - D*T0**2*phi**2 - E*T*phi**3 + lam/4*phi**4"
}

OPPONENT_ONE = """
from cosmoTransitions.tunneling1D import SingleFieldInstanton
V = lambda x: x**2/2 - x**4/4 + 0.18*x**6/8
dV = lambda x: x - x**3 + 0.18*6*x**5/8
one = SingleFieldInstanton(2.49298, 0.0, V, dV, alpha=2)
print(one.findAction(one.findProfile()))
"""
OPPONENT_TWO = """
import numpy as np
from cosmoTransitions.pathDeformation import fullTunneling
l, v, b, s, m, g = 0.1, 99/42, -4.049587e-9, 1e-8, 1e-8, 2.313019
def V(x):
    P, p = x[..., 0], x[..., 1]
    return l/4*(P**2-v**2)**2 + b*P**2 + s/4*(p**2-1)**2 - m*p**2 + g*P**2*p**2
def dV(x):
    P, p = x[..., 0], x[..., 1]
    return np.stack([l*P*(P**2-v**2) + 2*b*P + 2*g*P*p**2,
                     s*p*(p**2-1) - 2*m*p + 2*g*P**2*p], -1)
points = np.array([[2.357142874, 0.0], [0.0, -np.sqrt(3.0)]])
print(fullTunneling(points, V, dV, tunneling_init_params={"alpha": 3}).action)
"""


class Run(NamedTuple):
    """A command, and one that leaves programs of another potential."""

    name: str
    command: list[str]
    other: list[str] | None = None
    opponent: str | None = None


def runs(folder: Path) -> list[Run]:
    """The commands, their files written into a folder."""

    def file(name: str, table: Mapping[str, object]) -> str:
        path = folder / f"{name}.json"
        path.write_text(json.dumps(table))
        return str(path)

    one = [*COMMAND, "bounce", file("one", ONE)]
    two = [*COMMAND, "bounce", "--preset", "published"]
    thermal = [*COMMAND, "transition", file("thermal", EXAMPLE)]
    return [
        Run("jaxbounce --help", [*COMMAND, "--help"]),
        Run("jaxbounce run", [*COMMAND, "run"]),
        Run("jaxbounce diagnostics", [*COMMAND, "diagnostics"]),
        Run(
            "bounce, one field",
            one,
            [*COMMAND, "bounce", file("other_one", OTHER_ONE)],
            OPPONENT_ONE,
        ),
        Run(
            "bounce, published",
            two,
            [*COMMAND, "bounce", file("other_two", OTHER_TWO)],
            OPPONENT_TWO,
        ),
        Run(
            "transition, template",
            thermal,
            [*COMMAND, "transition", file("other_thermal", OTHER_THERMAL)],
        ),
    ]


def seconds(command: list[str], cache: str) -> float:
    """Of a process with a cache of compiled programs."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    """Time what is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [
            run
            for run in runs(Path(folder))
            if not sys.argv[1:] or any(part in run.name for part in sys.argv[1:])
        ]
        print(f"{'':22}{'import jax':>11}{'empty':>15}{'kept':>15}{'own':>15}{'CosmoTr.':>10}")
        for run in wanted:
            times: list[float | None] = []
            with tempfile.TemporaryDirectory() as cache:
                times.append(seconds(run.command, cache))
                least = min(seconds(run.command, cache) for _ in range(3))
            kept = None
            if run.other is not None:
                with tempfile.TemporaryDirectory() as cache:
                    seconds(run.other, cache)
                    kept = seconds(run.command, cache)
            times += [kept, least]
            with tempfile.TemporaryDirectory() as cache:
                unit = min(seconds([*PYTHON, "import jax"], cache) for _ in range(3))
                text = "".join(
                    f"{'—':>15}" if t is None else f"{t:8.2f} {f'({t / unit:.1f}×)':>6}"
                    for t in times
                )
                opponent = ""
                if run.opponent is not None:
                    try:
                        opponent = f"{seconds([*PYTHON, run.opponent], cache):10.2f}"
                    except subprocess.CalledProcessError:
                        opponent = "     fails"
            print(f"{run.name:22}{unit:11.2f}{text}{opponent}", flush=True)


if __name__ == "__main__":
    main()

"""Thermal transitions: numbers and time, beside CosmoTransitions and TransitionListener.

    python -m benchmarks.transition [--model dark-u1] [--transitionlistener PYTHON]

The same Lagrangians (`benchmarks/opponents/models.py`, NumPy; ours by name) from couplings to T_c,
T_n, T_p, β/H, α: a row a quantity, and how far each opponent is from ours. Every program runs in a
process of its own, with its own defaults, twice: CPU seconds of the process for one solve, of the
first solve and of the second, warm one. Walls have v_w = 1, I_p = 0.34, g_* is constant, and H has
the energy of the vacuum but in CosmoTransitions, which has no T_p, β/H or α. Ours has the
derivatives of T_n, T_p and β/H in every coupling too, which no opponent has.

TransitionListener may need a Python of its own: `python -m venv tl && tl/bin/pip install
TransitionListener`, then `--transitionlistener tl/bin/python`.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.opponents.models import I_P, MODELS, timed

RANGES = {"dark-u1": (36.0, 42.0), "z2-singlet": (92.0, 104.0)}  # of T, GeV

QUANTITIES = {
    "T_c": "T_c (GeV)",
    "T_n": "T_n, Gamma = H^4",
    "T_n_bubble": "T_n, one bubble",
    "T_p": "T_p",
    "T_f": "T_f",
    "beta_over_H": "beta/H",
    "beta_over_H_action": "T d(S3/T)/dT",
    "alpha_thetabar": "alpha_thetabar",
}


class Run(NamedTuple):
    """What a program found, and how long it took."""

    numbers: Mapping[str, float]
    whole: float
    """CPU seconds of the process."""
    first: float
    warm: float


def ours(name: str) -> Mapping[str, float]:
    """The story by `solve_transition`, with T_c."""
    import jaxbounce as jb
    from jaxbounce.cli._strength import released
    from jaxbounce.potential.thermal_models import THERMAL_MODELS
    from jaxbounce.transition.strength import critical_temperature

    model, numpy_model = THERMAL_MODELS[name], MODELS[name]()
    low, high = RANGES[name]
    table: dict[str, Any] = {
        "model": name,
        "parameters": {"g_rest": numpy_model.g_rest},
        "transition": {"T_low": low, "T_high": high, "I_p": I_P, "g_star": numpy_model.g_star},
    }
    thermal = jb.files.transition.read_transition(table)
    solved = jb.transition.solve_transition(thermal)
    found = solved.transition
    vacua = (model.false_vacuum, model.true_vacuum)
    theta = thermal.configured.theta
    T_c = critical_temperature(model.potential, theta, vacua, low, 1.12 * high)
    strength = released(solved).budgets["T_p"].strength
    numbers = {key: float(getattr(found, key)) for key in ("T_n", "T_n_bubble", "T_p", "T_f")}
    beta, exponent = float(found.beta_over_H), float(found.exponent_p)
    return {
        "T_c": float(T_c),
        **numbers,
        "beta_over_H": beta,
        "beta_over_H_action": (beta + 4) / (1 - 1.5 / exponent),
        "alpha_thetabar": float(strength.alpha_thetabar),
    }


def run(python: str, module: str, *arguments: str) -> Run | None:
    """A program in a process of its own; None if it fails, having said why."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(f"  {module} failed: {done.stderr.strip().splitlines()[-1:]}")
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    first, warm = found["cpu_s"][0], found["cpu_s"][-1]
    whole = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    # of a process that solves once
    return Run(found["numbers"], whole - sum(found["cpu_s"][1:]), first, warm)


def compare(name: str, listener: str, repeats: int) -> None:
    """A table of one model."""
    print(f"\n{name}", flush=True)
    times, others = ("--repeats", str(repeats)), "benchmarks.opponents.run_"
    found = {
        "jaxbounce": run(sys.executable, "benchmarks.transition", "--only", name, *times),
        "CosmoTransitions": run(sys.executable, f"{others}cosmotransitions", name, *times),
        "TransitionListener": run(listener, f"{others}transitionlistener", name, *times),
    }
    reference = found["jaxbounce"]
    if reference is None:
        return
    others = {who: one for who, one in found.items() if who != "jaxbounce" and one is not None}
    print(f"  {'':18} {'jaxbounce':>16}" + "".join(f" {who:>26}" for who in others))
    for key, what in QUANTITIES.items():
        line = f"  {what:18} {reference.numbers[key]:16.10g}"
        for one in others.values():
            value = one.numbers.get(key)
            apart = (value or 0.0) / reference.numbers[key] - 1
            line += f" {'-' if value is None else f'{value:.8g} {apart:9.1e}':>26}"
        print(line)
    for what, seconds in (
        ("CPU s, process", lambda one: one.whole),
        ("CPU s, first", lambda one: one.first),
        ("CPU s, warm", lambda one: one.warm),
    ):
        line = f"  {what:18} {seconds(reference):16.1f}"
        line += "".join(
            f" {f'{seconds(one):.1f} {seconds(one) / seconds(reference):6.2f} x':>26}"
            for one in others.values()
        )
        print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, action="append")
    parser.add_argument("--only", choices=MODELS, help="ours alone, in this process, as JSON")
    parser.add_argument("--repeats", type=int, default=2, help="solves of each program")
    parser.add_argument("--transitionlistener", default=sys.executable, metavar="PYTHON")
    arguments = parser.parse_args()
    if arguments.only:
        import jaxbounce

        jaxbounce.enable_x64()
        timed(lambda: ours(arguments.only), arguments.repeats)
        return 0
    os.environ.setdefault("MPLBACKEND", "Agg")
    here = arguments.transitionlistener == sys.executable
    if here and importlib.util.find_spec("transitionlistener") is None:
        print("TransitionListener is not in this Python: --transitionlistener names another one")
    for name in arguments.model or MODELS:
        compare(name, arguments.transitionlistener, arguments.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Bounces of random potentials with two to five minima, against shooting.

    python -m benchmarks.trust.potentials [--points 300] [--first 0] [--fields 1] [--seed 1]

V is a polynomial of one field with random extrema, the false vacuum at 0, a deeper one of the
others asked for. In two and three fields it lies along a random direction, across which the mass is
real everywhere: the bounces are those of one field. The oracle is the shooting of
`tests/catalogue` with SciPy's dop853 (walls too thin for it are not drawn), which finds every
bounce that ends in the vacuum asked for, or that there is none.

"Wrong" is an action further off than the error stated and 5e-9, what shooting is good to, or one
where there is none.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Polynomial

import jaxbounce
from benchmarks.trust.report import Tally
from jaxbounce import Status
from jaxbounce.bounce import solve_bounce

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "catalogue"))

import shooting

DEGREE = 10  # of the potential with most minima: one program
SHOOTING = 5e-9


def draw(rng, dimension):
    """V, its extrema, the number of the vacuum asked for, and the actions of its bounces."""
    while True:
        extrema = np.cumsum([0.0, *rng.uniform(0.4, 1.6, 2 * rng.integers(2, 6) - 2)])
        V = Polynomial.fromroots(extrema).integ()
        V = V - V(0.0)
        V = V / np.abs(V(np.linspace(0, extrema[-1], 400))).max()
        k = 2 * rng.integers(1, len(extrema) // 2 + 1)
        if V(extrema[k]) > -0.2 * max(V(np.linspace(0, extrema[k - 1], 200))):
            continue
        exact = shooting.actions(V, extrema[k - 1], extrema[k], dimension)
        if exact is not None:
            return V, extrema, k, exact


def embedded(phi, theta):
    """V of one field along the first row of a rotation; across it, masses."""
    coefficients, rotation, mass, growth = theta
    turned = rotation @ phi
    across = turned[1:] @ turned[1:]
    heavy = (mass + growth * turned[0] ** 2) * across / 2
    return jnp.polyval(coefficients[::-1], turned[0]) + heavy


def solved(V, end, fields, dimension, rng):
    rotation = np.linalg.qr(rng.normal(size=(fields, fields)))[0]
    theta = (
        np.pad(V.coef, (0, DEGREE + 1 - V.coef.size)),
        rotation,
        rng.uniform(0.3, 3.0),
        rng.uniform(0.0, 2.0),
    )
    return solve_bounce(embedded, theta, np.zeros(fields), end * rotation[0], dimension)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="to go on from there")
    parser.add_argument("--fields", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop after these")
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    tally, begin = Tally(f"bounces, {arguments.fields} field(s)"), time.perf_counter()
    kinds, ghosts = Counter(), []
    for i in range(arguments.first, arguments.points):
        if time.perf_counter() - begin > arguments.seconds:
            break
        rng = np.random.default_rng([arguments.seed, arguments.fields, i])
        dimension = 3 + i % 2
        V, extrema, k, exact = draw(rng, dimension)
        bounce = solved(V, extrema[k], arguments.fields, dimension, rng)
        label = f"seed [{arguments.seed}, {arguments.fields}, {i}] {extrema}"
        status = Status(int(bounce.status))
        action = float(bounce.action)
        print(f"{label} D = {dimension}: {status.name} {action:.12g} of {exact}", file=sys.stderr)
        if not exact:
            good = status is Status.TUNNELS_ELSEWHERE
            kinds["no bounce, and told so" if good else f"no bounce: {status.name}"] += 1
            if status is Status.SUCCESS:
                ghosts.append(label)
            continue
        if tally.add_status(np.array([bounce.status]))[0]:
            S, best = float(bounce.action), min(exact)
            # in units of the kinetic action, S D/2
            stated = float(bounce.certificate.action_error) * dimension / 2
            allowed = np.array([(stated + SHOOTING) * best])
            tally.add("S", np.array([S]), np.array([best]), allowed, [label])
            if np.abs(S - best) > 1e-7 * best and np.min(np.abs(np.array(exact) / S - 1)) < 1e-7:
                kinds["a bounce, not that of least action"] += 1
    wrong = tally.print() + len(ghosts)
    print(f"  beside them: {dict(kinds)}; an action where there is none: {ghosts}")
    print(f"{time.perf_counter() - begin:.0f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

"""Bounces of random potentials: how many are found, and how far a finer solution is from them.

    python benchmarks/bounce_random.py [--count 40] [--seed 11] [--family wells|spikes|polynomials]

Families, each in three and four dimensions: two Gaussian wells in a bowl (one to three fields,
thin to thick walls), a double well of one field with a step and a spike of one to thirty
per cent of its width, and polynomials of degree six with cross terms (two to four fields,
scales from 1e-3 to 1e3). Vacua are minima that SciPy finds; pairs nearer than a tenth of what
separates them are not used.

A finer solution has half as many elements again, of higher order, in the search as in the
solution.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import minimize

import jaxbounce
from jaxbounce._core.status import Status
from jaxbounce.bounce import Bounce, profile, search, solve, solve_bounce
from jaxbounce.bounce.grid import Elements
from jaxbounce.potential.vacua import Potential

FINER, FINER_SEARCH = Elements(34, 12), Elements(24, 9)


class Draw(NamedTuple):
    """A potential's parameters and its two vacua."""

    theta: Any
    false: np.ndarray
    true: np.ndarray


class Family(NamedTuple):
    """A potential, and how its parameters are drawn."""

    name: str
    potential: Potential
    fields: int
    draw: Callable[[np.random.Generator, "Descent"], Draw | None]


class Descent:
    """Minima of a potential by BFGS."""

    def __init__(self, potential: Potential):
        self.value = jax.jit(potential)
        self.slope = jax.jit(jax.grad(potential))

    def __call__(self, start: np.ndarray, theta: Any) -> np.ndarray:
        """The minimum below `start`."""
        return minimize(
            lambda x: float(self.value(jnp.asarray(x), theta)),
            start,
            jac=lambda x: np.asarray(self.slope(jnp.asarray(x), theta)),
            options={"gtol": 1e-8},
        ).x

    def ordered(self, theta: Any, one: np.ndarray, other: np.ndarray, least: float) -> Draw | None:
        """Both minima, the deeper one as the true vacuum; None if they are too much alike."""
        depths = [float(self.value(jnp.asarray(x), theta)) for x in (one, other)]
        if np.linalg.norm(one - other) < 1 or abs(depths[0] - depths[1]) < least:
            return None
        return Draw(theta, one, other) if depths[0] > depths[1] else Draw(theta, other, one)


def wells(phi: Float[Array, " n"], theta: Any) -> Array:
    centres, depths, widths = theta
    distance = ((phi - centres) ** 2).sum(-1)
    return 0.02 * (phi**2).sum() - (depths * jnp.exp(-distance / 2 / widths**2)).sum()


def draw_wells(fields: int) -> Callable[[np.random.Generator, Descent], Draw | None]:
    def draw(rng: np.random.Generator, descend: Descent) -> Draw | None:
        way = rng.normal(size=fields)
        far = way / np.linalg.norm(way) * rng.uniform(1.5, 5)
        depths = np.array([1.0, 1.0 + 10 ** rng.uniform(-2, 0.5)])
        theta = (np.stack([np.zeros(fields), far]), depths, rng.uniform(0.4, 1.2, 2))
        one, other = (descend(start, theta) for start in theta[0])
        return descend.ordered(theta, one, other, 0.02)

    return draw


def spikes(phi: Float[Array, " 1"], theta: Any) -> Array:
    tilt, step, height, place, width = theta
    t = (phi[0] - place) / width
    well = (1 - phi[0] ** 2) ** 2 / 4 - tilt * phi[0] / 2
    return well + height * jnp.exp(-(t**2) / 2) + 0.3 * step * jnp.tanh(t)


def draw_spikes(rng: np.random.Generator, descend: Descent) -> Draw | None:
    theta = (
        rng.uniform(0.01, 0.3),
        rng.uniform(-0.3, 0.3),
        rng.uniform(-0.2, 0.3),
        rng.uniform(-0.9, 0.9),
        10 ** rng.uniform(-2, -0.5),
    )
    one, other = (descend(np.array([start]), theta) for start in (-1.0, 1.0))
    return descend.ordered(theta, one, other, 0.01)


def polynomials(phi: Float[Array, " n"], theta: Any) -> Array:
    mass, cubic, quartic, scale = theta
    x = phi / scale
    square = (x**2).sum()
    terms = (mass @ x) @ x / 2 + jnp.einsum("ijk,i,j,k", cubic, x, x, x)
    return scale**4 * (terms + square * ((quartic @ x) @ x) + 0.02 * square**3)


def draw_polynomial(fields: int) -> Callable[[np.random.Generator, Descent], Draw | None]:
    def draw(rng: np.random.Generator, descend: Descent) -> Draw | None:
        m, q = rng.normal(size=(2, fields, fields))
        cubic = 0.8 * rng.normal(size=(fields,) * 3)
        identity, scale = np.eye(fields), 10 ** rng.uniform(-3, 3)
        terms = (m @ m.T + 0.2 * identity, cubic, 0.1 * q @ q.T + 0.05 * identity)
        theta = (*terms, 1.0)
        ends = [descend(3 * rng.normal(size=fields), theta) for _ in range(4)]
        end = min(ends, key=lambda x: float(descend.value(jnp.asarray(x), theta)))
        deep = float(descend.value(jnp.asarray(end), theta)) < -1e-3
        if not deep or np.linalg.norm(end) < 0.2:
            return None
        return Draw((*terms, scale), np.zeros(fields), scale * end)

    return draw


FAMILIES = [
    *(Family("wells", wells, n, draw_wells(n)) for n in (1, 2, 3)),
    Family("spikes", spikes, 1, draw_spikes),
    *(Family("polynomials", polynomials, n, draw_polynomial(n)) for n in (2, 3, 4)),
]


def draws(family: Family, rng: np.random.Generator) -> Iterator[Draw]:
    descend = Descent(family.potential)
    while True:
        drawn = family.draw(rng, descend)
        if drawn is not None:
            yield drawn


def solutions(family: Family, dimension: int, drawn: list[Draw]) -> Bounce:
    """All bounces, one after the other in one program."""
    stacked = jax.tree.map(lambda *x: jnp.asarray(np.stack(x), float), *drawn)
    run = jax.jit(
        lambda stacked: jax.lax.map(
            lambda d: solve_bounce(family.potential, d.theta, d.false, d.true, dimension), stacked
        )
    )
    return run(stacked)


def main() -> None:
    parser = argparse.ArgumentParser(description="Bounces of random potentials.")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--family", choices=sorted({f.name for f in FAMILIES}))
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    usual = solve.ELEMENTS, search.SEARCH_ELEMENTS
    print(f"{'family':12} fields D   found  agree within (compared)  withheld")
    for family in FAMILIES:
        if arguments.family not in (None, family.name):
            continue
        for dimension in (3, 4):
            source = draws(family, np.random.default_rng(arguments.seed))
            drawn = [next(source) for _ in range(arguments.count)]
            found = []
            for elements, for_search in (usual, (FINER, FINER_SEARCH)):
                # sizes are read when a program is traced: forget those that were
                jax.clear_caches()
                solve.ELEMENTS = elements
                profile.SEARCH_ELEMENTS = search.SEARCH_ELEMENTS = for_search
                found.append(jax.block_until_ready(solutions(family, dimension, drawn)))
            solve.ELEMENTS = usual[0]
            profile.SEARCH_ELEMENTS = search.SEARCH_ELEMENTS = usual[1]
            codes = [np.asarray(bounces.status) for bounces in found]
            both = (codes[0] == Status.SUCCESS) & (codes[1] == Status.SUCCESS)
            actions = [np.asarray(bounces.action)[both] for bounces in found]
            apart = np.abs(actions[0] / actions[1] - 1).max(initial=0.0)
            withheld = Counter(Status(int(c)).name for c in codes[0] if c != Status.SUCCESS)
            count = (codes[0] == Status.SUCCESS).sum()
            print(
                f"{family.name:12} {family.fields:6} {dimension} {count:5}"
                f"/{arguments.count:<5}{apart:9.0e} ({both.sum()})  {dict(withheld)}",
                flush=True,
            )


if __name__ == "__main__":
    main()

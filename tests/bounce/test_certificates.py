"""Certificates of a bounce are broken one by one, and each sees it.

V = φ²/2 − φ⁴/4 in D = 3: the bounce, and an excited state, which is as stationary and none, by
shooting (SciPy's DOP853); their actions are the kinetic integrals of the shots.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from scipy.integrate import solve_ivp

from jaxbounce._core.status import Status
from jaxbounce.bounce.action import (
    Inputs,
    Problem,
    Units,
    action_parts,
    scale_breaking,
    scaled_potential as scaled,
)
from jaxbounce.bounce.certificate import Certificate, judge
from jaxbounce.bounce.grid import Elements, Shape, make_grid, nodal
from jaxbounce.bounce.profile import certify, newton
from jaxbounce.potential.library import polynomial

ELEMENTS = Elements(14, 9)
PROBLEM = Problem(polynomial, 3, False, False, ELEMENTS)
THETA = np.array([0.0, 0.0, 0.5, 0.0, -0.25])
ONE = jnp.ones(())
UNITS = Units(ONE, ONE)
MANY = 15

RANGE = 24.0
EVEN = np.linspace(0.0, 1.0, ELEMENTS.number + 1)


class Certified(NamedTuple):
    """Where Newton's method ended."""

    certificate: Certificate
    kinetic: Array
    action: Array
    values: Array


def shape(x_max=RANGE, crowding=1.0):
    """A grid around r = 1, its elements even or crowded at one end."""
    return Shape(ONE, 0.5 * ONE, jnp.asarray(x_max), jnp.asarray(EVEN**crowding))


def _shot(centre, dense=False):
    """φ(r) that begins at a field at the centre."""

    def slopes(r, y):
        return [y[1], y[0] - y[0] ** 3 - 2 / r * y[1], 4 * np.pi * r**2 * y[1] ** 2 / 3]

    first = [centre + (centre - centre**3) * 1e-8 / 6, (centre - centre**3) * 1e-4 / 3, 0.0]
    return solve_ivp(
        slopes, (1e-4, 14.0), first, "DOP853", rtol=1e-12, atol=1e-13, dense_output=dense
    )


def stationary(low, high, crossings):
    """φ(r) of the solution that crosses 0 so often, and its action.

    Its field at the centre is bisected between `low` and `high`.
    """
    for _ in range(48):
        centre = (low + high) / 2
        y = _shot(centre).y[0]
        # one that falls short oscillates about ±1 for ever, one that passes crosses once more
        crossed = np.flatnonzero(y[1:] * y[:-1] < 0).size
        low, high = (centre, high) if crossed <= crossings else (low, centre)
    y, r = _shot(low, dense=True), np.linspace(1e-4, 14.0, 4001)
    end = r[np.argmin(np.where(r > 2.0, np.abs(y.sol(r)[0]) + np.abs(y.sol(r)[1]), np.inf))]

    def fields(x):
        inside = y.sol(np.clip(x, 1e-4, end))[0]
        return np.where(x < end, inside, inside * np.exp(end - x) * end / np.maximum(x, end))

    return fields, y.sol(end)[2]


@pytest.fixture(scope="module")
def bounce():
    return stationary(4.0, 4.7, 0)


@pytest.fixture(scope="module")
def certified():
    """Newton's method from nodal values on a grid, what vouches for its end, and its action."""

    @jax.jit
    def run(shape, start, steps):
        inputs = Inputs(jnp.asarray(THETA), jnp.zeros(1))
        breaking = scale_breaking(scaled(polynomial, inputs, UNITS), start, 3)
        end = newton(PROBLEM, inputs, UNITS, shape, start, jnp.asarray(False), steps)
        certificate, kinetic = certify(PROBLEM, inputs, UNITS, shape, end, breaking)
        action = action_parts(PROBLEM, inputs, UNITS, shape, end.values).total
        return Certified(certificate, kinetic, action, end.values)

    def of(start, shape, steps=MANY):
        return run(shape, jnp.asarray(start).reshape(-1, 1), jnp.asarray(steps))

    return of


def nodes(shape):
    """Radii of the nodes."""
    return np.asarray(nodal(ELEMENTS, make_grid(ELEMENTS, shape, 3).x))


def _fine(certificate):
    return bool(certificate.converged & certificate.saddle & certificate.resolved)


@pytest.fixture(scope="module")
def found(certified, bounce):
    """The bounce on a grid that resolves it."""
    fields, action = bounce
    good = certified(fields(nodes(shape())), shape())
    assert _fine(good.certificate)
    assert float(good.action) == pytest.approx(action, rel=1e-9)
    return good


# elements that crowd at the centre leave few for the tail, those that flee it few for the core
@pytest.mark.slow
@pytest.mark.parametrize("crowding", [0.1, 0.3, 0.5, 5.0, 8.0, 12.0, 20.0, 40.0])
def test_fewer_elements_are_seen(certified, bounce, crowding):
    fields, action = bounce
    coarse = shape(crowding=crowding)
    end = certified(fields(nodes(coarse)), coarse)
    certificate = end.certificate
    wrong = abs(float(end.action) - action) / float(end.kinetic)
    assert bool(certificate.converged)  # as stationary on that grid as on any
    # 5e-10 for what shooting is good to
    assert wrong < max(float(certificate.action_error), float(certificate.derrick)) + 5e-10
    assert bool(certificate.resolved) is bool(wrong < 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("x_max", [1.0, 1.5, 2.0])
def test_a_range_cut_short_is_seen(certified, bounce, x_max):
    fields, action = bounce
    short = shape(x_max)
    end = certified(fields(nodes(short)), short)
    wrong = abs(float(end.action) - action) / float(end.kinetic)
    assert wrong > 1e-6
    assert wrong < float(end.certificate.far_field)
    assert not bool(end.certificate.resolved)


@pytest.mark.parametrize("off", [1e-2, 1e-4, 1e-5])
def test_what_is_not_stationary_is_seen(certified, found, off):
    bump = off * found.values[0] * np.exp(-(nodes(shape()) ** 2))[:, None]
    moved = certified(found.values + bump, shape(), steps=1)
    certificate = moved.certificate
    # the step back to the solution, but for terms of second order and for where it is largest
    assert float(certificate.newton_step) == pytest.approx(off, rel=0.1)
    wrong = abs(float(moved.action - found.action) / float(moved.kinetic))
    assert wrong == pytest.approx(float(certificate.newton_gain), rel=0.2, abs=1e-14)
    assert not bool(certificate.converged)


@pytest.mark.slow
def test_an_excited_state_is_no_bounce(certified):
    # φ(0) = 14.10: stationary, resolved, and of one node
    fields, action = stationary(13.5, 14.6, 1)
    around = Shape(0.1 * ONE, 0.3 * ONE, 200 * ONE, jnp.asarray(EVEN))
    end = certified(fields(0.1 * nodes(around)), around)
    assert float(end.action) == pytest.approx(action, rel=1e-8)
    assert bool(end.certificate.converged & end.certificate.resolved)
    assert int(end.certificate.negative_modes) == 2
    assert not bool(end.certificate.saddle)


# --- the status that each of them gives

GOOD = {
    "newton_step": 1e-14,
    "newton_gain": 1e-20,
    "derrick": 1e-10,
    "legendre_tail": 1e-8,
    "negative_modes": 1.0,
    "far_field": 1e-12,
    "scale_breaking": 0.5,
    "zero_modes": 0.0,
    "action_error": 1e-12,
}


@pytest.fixture(scope="module")
def judged():
    """The status of a certificate, all else being good."""

    @jax.jit
    def of(certificate, as_asked):
        return judge(jnp.asarray(Status.SUCCESS.value), certificate, ONE, as_asked)

    return of


@pytest.mark.parametrize(
    ("broken", "as_asked", "status"),
    [
        ({}, 1.0, Status.SUCCESS),
        ({}, 0.0, Status.TUNNELS_ELSEWHERE),
        ({"newton_step": 1e-3}, 1.0, Status.BOUNCE_NOT_CONVERGED),
        ({"newton_step": 1e-7, "newton_gain": 1e-8}, 1.0, Status.BOUNCE_NOT_CONVERGED),
        ({"newton_step": np.nan, "newton_gain": np.nan}, 1.0, Status.BOUNCE_NOT_CONVERGED),
        ({"negative_modes": 0.0}, 1.0, Status.NOT_A_BOUNCE),
        ({"negative_modes": 2.0}, 1.0, Status.NOT_A_BOUNCE),
        ({"derrick": 1e-3}, 1.0, Status.BOUNCE_NOT_RESOLVED),
        ({"derrick": 1e-5, "action_error": 1e-6}, 1.0, Status.BOUNCE_NOT_RESOLVED),
        ({"derrick": np.nan}, 1.0, Status.BOUNCE_NOT_RESOLVED),
        ({"legendre_tail": 1e-3}, 1.0, Status.BOUNCE_NOT_RESOLVED),
        ({"far_field": 1e-3}, 1.0, Status.BOUNCE_NOT_RESOLVED),
        ({"far_field": np.nan}, 1.0, Status.BOUNCE_NOT_RESOLVED),
        ({"scale_breaking": 1e-12}, 1.0, Status.SCALE_INVARIANT),
        ({"derrick": 1e-3}, 0.0, Status.BOUNCE_NOT_RESOLVED),
    ],
)
def test_each_number_of_a_certificate_can_withhold(judged, broken, as_asked, status):
    certificate = Certificate(**{k: jnp.asarray(v) for k, v in (GOOD | broken).items()})
    assert Status(int(judged(certificate, jnp.asarray(as_asked)))) is status

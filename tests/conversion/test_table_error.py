"""What a table of a wall leaves open, against walls with closed forms (W1 and its kin)."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import KINDS, damaged_table

from jaxbounce import Status, load, predict
from jaxbounce.conversion import LocalLandauZener, TwoLevelPropagation, WallConversion
from jaxbounce.conversion.digits import noise_of, rounding_of, rounding_of_places
from jaxbounce.conversion.wall import Couplings, TabulatedWall
from walls import W1, linear_tanh_P_c

LAM, V = 0.209, 0.3
ROWS = 60  # one size, one program
CALL = eqx.filter_jit(lambda conversion, v: conversion(v, 1.0))
LOCAL, EXACT = LocalLandauZener(), TwoLevelPropagation(steps=1024)


def _fields(xi, A=2.4, B=1.7, width=1.5):
    return A / 2 * (1 - np.tanh(xi / width)), B / 2 * (1 + np.tanh(xi / width))


def _local(A, B, width, lam, v):
    """1 − e^{−2πδ}: at the crossing |φ| = B s, |Φ| = A(1 − s), s = A/(A + B), s' = 2s(1 − s)/L."""
    s = A / (A + B)
    slope = (A + B) * 2 * s * (1 - s) / width
    return -np.expm1(-2 * np.pi * (lam * B * s) ** 2 / (v * slope))


def _adiabatic(A, B, width, lam, v):
    """SPEC A.6(2)."""
    return 1 - linear_tanh_P_c([0, 0, -A / 2], [B * lam, 0, B / 2], width, v)


MODELS = {"local": (LOCAL, _local), "two-level": (EXACT, _adiabatic)}


def _found(model, xi, Phi, phi, lam=LAM, v=V, **settings):
    wall = TabulatedWall.from_table(xi, Phi, phi)
    return CALL(WallConversion(wall, Couplings(lam=lam), model, **settings), jnp.asarray(v))


def test_digits_of_a_column():
    xi = np.linspace(-9, 9, 50)
    Phi, _ = _fields(xi)
    assert (rounding_of(Phi) == 0).all()
    np.testing.assert_allclose(rounding_of(np.round(Phi, 3)), 5e-4)
    figures = np.array([float(f"{x:.3e}") for x in Phi])
    np.testing.assert_allclose(rounding_of(figures)[[0, -1]], [5e-4, 0.5e-3 * 1e-5], rtol=1e-9)
    assert (rounding_of(np.zeros(9)) == 0).all()


def test_digits_of_places():
    random = np.sort(np.random.default_rng(1).uniform(0, 20, 60))
    assert rounding_of_places(random) == 0
    np.testing.assert_allclose(rounding_of_places(np.round(random, 2)), 0.005)
    np.testing.assert_allclose(rounding_of_places(np.round(np.linspace(0, 20, 70), 2)), 0.005)
    # steps chosen by hand are exact
    assert rounding_of_places(np.arange(0, 20, 0.25)) == 0
    chosen = np.concatenate([np.arange(10.0), np.arange(100, 120) / 10])
    assert rounding_of_places(chosen) == 0


@pytest.mark.parametrize("relative", [False, True])
def test_noise_of_a_column(relative):
    xi = np.linspace(-9, 9, 200)
    Phi, _ = _fields(xi)
    assert noise_of(xi, Phi).max() < 1e-8
    noise = 1e-3 * np.random.default_rng(2).normal(size=xi.size)
    found = noise_of(xi, Phi * (1 + noise) if relative else Phi + noise)
    expected = 1e-3 * Phi.max() if relative else 1e-3
    assert 0.8 * expected < found[0] < 1.6 * expected
    assert (found[-1] < 0.1 * found[0]) == relative


CASES = {
    # what a table lacks, by name: ξ, |Φ|, |φ|
    "TABLE_TOO_COARSE": lambda xi, random: (6 * xi, *_fields(6 * xi)),
    "TABLE_ROUNDED": lambda xi, random: (xi, *(np.round(f, 1) for f in _fields(xi))),
    "TABLE_NOISY": lambda xi, random: (
        xi,
        *(np.abs(f + 0.03 * random.normal(size=f.size)) for f in _fields(xi)),
    ),
    "TABLE_ENDS_INSIDE_WALL": lambda xi, random: (
        0.05 + 0.5 * (xi - xi[-1]),
        *_fields(0.05 + 0.5 * (xi - xi[-1])),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_table_that_does_not_tell_P_says_what_it_lacks(name):
    xi = np.linspace(-12, 12, ROWS)
    # a propagation through noise needs more steps
    model = LOCAL if name == "TABLE_NOISY" else EXACT
    found = _found(model, *CASES[name](xi, np.random.default_rng(4)))
    assert _found(model, xi, *_fields(xi)).status == Status.SUCCESS
    assert Status(int(found.status)).name == name
    assert np.isnan(found.P)
    assert found.error > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("step", [12, 15, 20])
def test_a_wall_between_two_rows_is_not_resolved(step):
    """P 88–97 % too large, stated 2–20 %: splines through all and through fewer rows agree."""
    xi = step * np.linspace(-12, 12, ROWS) + 1.1
    found = _found(LOCAL, xi, *_fields(xi))
    assert found.status == Status.TABLE_TOO_COARSE


def _random_table(random):
    """A wall with its couplings, tabulated as people do."""
    A, B = random.uniform(1, 3, 2)
    width, lam, v = random.uniform(0.8, 2.5), random.uniform(0.03, 0.4), random.uniform(0.2, 0.8)
    kind = random.choice(KINDS)
    xi, fields = damaged_table(random, kind, ROWS, width, lambda xi: _fields(xi, A, B, width))
    return (xi, *fields), (A, B, width, lam, v)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("local", 60),
        ("two-level", 30),
        pytest.param("local", 500, marks=pytest.mark.slow),
        pytest.param("two-level", 500, marks=pytest.mark.long),
    ],
)
def test_the_error_bounds_what_a_table_does_to_P(name, tables):
    model, right = MODELS[name]
    random = np.random.default_rng(tables)
    wrong = given = 0
    for _ in range(tables):
        table, parameters = _random_table(random)
        found = _found(model, *table, lam=parameters[3], v=parameters[4])
        if found.status == Status.SUCCESS:
            given += 1
            wrong += abs(found.P - right(*parameters)) > found.error
            assert found.error <= 0.26 * found.P
    assert given > 0.75 * tables
    assert wrong <= 0.01 * given


def test_a_good_table_costs_no_certainty_and_tolerance_is_a_setting():
    xi = np.linspace(-12, 12, ROWS)
    found = _found(LOCAL, xi, *_fields(xi))
    off = abs(found.P - _local(2.4, 1.7, 1.5, LAM, V))
    assert off < found.error < 100 * off
    np.testing.assert_allclose(found.error, found.table.total, rtol=1e-6)
    strict = _found(LOCAL, xi, *_fields(xi), table_tolerance=1e-8)
    assert strict.status == Status.TABLE_TOO_COARSE
    # nothing converts without mixing, and that a table tells
    none = _found(LOCAL, xi, *_fields(xi), lam=0.0)
    assert none.status == Status.SUCCESS
    assert none.P == 0


def test_other_walls_have_no_such_error():
    conversion = WallConversion(W1(), Couplings(lam=LAM), LOCAL)
    assert CALL(conversion, jnp.asarray(V)).table is None


@pytest.mark.slow
def test_derivatives_are_those_of_the_wall_and_a_withheld_one_does_not_taint_others():
    xi = np.linspace(-12, 12, ROWS)
    wall = TabulatedWall.from_table(xi, *_fields(xi))

    def P(lam, v):
        conversion = WallConversion(wall, Couplings(lam=lam), LOCAL)
        return conversion(v, 1.0).P

    def masked(lam, v):
        values = jax.vmap(P)(lam, v)
        return jnp.where(jnp.isfinite(values), values, 0.0).sum()

    lam, v = jnp.array([LAM, -1.0, 0.1]), jnp.array([V, V, 0.5])
    slopes = jax.jit(jax.grad(masked))(lam, v)
    for i in (0, 2):
        h = 1e-5
        right = (
            _local(2.4, 1.7, 1.5, lam[i] + h, v[i]) - _local(2.4, 1.7, 1.5, lam[i] - h, v[i])
        ) / (2 * h)
        np.testing.assert_allclose(slopes[i], right, rtol=1e-2)
    assert slopes[1] == 0


@pytest.mark.slow
def test_the_error_reaches_the_yield():
    xi = np.linspace(-12, 12, ROWS)
    rounded = [np.round(f, 2) for f in _fields(xi)]
    conversion = WallConversion(TabulatedWall.from_table(xi, *rounded), Couplings(lam=LAM), LOCAL)
    model = load(preset="benchmark").with_conversion(conversion)
    found, alone = predict(model), CALL(conversion, jnp.asarray(0.3))
    assert found.status == Status.SUCCESS
    np.testing.assert_allclose(found.error_estimate, alone.error / alone.P, rtol=1e-3)
    strict = dataclasses.replace(conversion, table_tolerance=1e-6)
    withheld = predict(model.with_conversion(strict))
    assert withheld.status == Status.TABLE_ROUNDED
    assert np.isnan(withheld.rho_B)

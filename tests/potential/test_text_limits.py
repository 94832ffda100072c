"""Expressions as people write them: long sums, names that Python keeps for itself, huge numbers."""

import itertools
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.errors import PotentialError
from jaxbounce.files.potential import potential_from_mapping
from jaxbounce.potential.text import ExpressionPotential


@pytest.mark.slow
@pytest.mark.parametrize("terms", [102, 700])
def test_a_flat_sum_is_not_nested(terms):
    """The tree of a sum leans to the left; a program that writes potentials makes such sums."""
    rng = np.random.default_rng(terms)
    powers, scale = rng.integers(0, 8, terms), rng.uniform(-2, 2, terms).round(4)
    text = "+".join(f"{c}*x**{n}" for c, n in zip(scale, powers, strict=True)).replace("+-", "-")
    V = ExpressionPotential(text, ("x",))
    expected = np.polynomial.polynomial.polyval(0.7, np.bincount(powers, scale, 8))
    np.testing.assert_allclose(float(V(jnp.array([0.7]), {})), expected, rtol=1e-12)


def test_long_products_and_differences_keep_their_order():
    V = ExpressionPotential("x" + "*2" * 150 + "/2" * 149 + "-1" * 150, ("x",))
    assert float(V(jnp.array([8.0]), {})) == 2 * 8.0 - 150  # all exact in binary
    assert float(ExpressionPotential("7-2-1-x", ("x",))(jnp.array([1.0]), {})) == 3.0
    assert float(ExpressionPotential("8/2/x*3-1", ("x",))(jnp.array([2.0]), {})) == 5.0


@pytest.mark.slow
def test_a_long_sum_is_read_however_many_calls_stand_above_it():
    """Python reads long sums only near the bottom of its stack; tracing is far from it."""
    V = ExpressionPotential("+".join(["x**2"] * 1500), ("x",))

    def deep(calls, phi):
        return V(phi, {}) if calls == 0 else deep(calls - 1, phi)

    assert float(deep(600, jnp.array([2.0]))) == 6000.0


@pytest.mark.parametrize("name", ["lambda", "in", "is", "True", "None"])
def test_words_of_python_are_names_like_others(name):
    found = potential_from_mapping(
        {
            "fields": ["phi"],
            "parameters": {name: 0.25, f"{name}s": 3.0},
            "potential": f"{name}*phi**4 - 2*{name}s*phi**2",
        }
    )
    phi = jnp.array([1.5])
    np.testing.assert_allclose(float(found.potential(phi, found.theta)), 0.25 * 1.5**4 - 6 * 1.5**2)
    slope = jax.grad(found.potential, argnums=1)(phi, found.theta)
    np.testing.assert_allclose(float(slope[name]), 1.5**4)


def test_letters_that_look_alike_are_one():
    """Python's syntax tree has φ for ϕ; a field of either name must be found."""
    V = ExpressionPotential("ϕ**2", ("ϕ",))
    assert float(V(jnp.array([3.0]), {})) == 9.0
    with pytest.raises(PotentialError, match="twice"):
        ExpressionPotential("ϕ**2", ("ϕ", "φ"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1" + "0" * 400 + "*x**2", "beyond"),
        ("1e400*x**2", "beyond"),
        ("1" * 5000 + "*x", "not an algebraic expression"),
        ("(" * 4900 + "x" + ")" * 4900, "nested"),
        ("[" * 9000, "nested"),
        ("-" * 9000 + "x", "more operations than can be read"),
        ("+".join(["x"] * 5000), "more operations than can be read"),
        ("lambda*x", "not an algebraic expression"),
        ("x\0", "not an algebraic expression"),
        ("x\n\x1b[31m+", "not an algebraic expression"),
        ("'" + "y" * 5000 + "'", "not a real number"),
        ("f(" + "+".join(["x"] * 2000) + ",1)", "functions of one argument"),
        ("1 if x else 2", "allowed are"),
        ("x // 2", "allowed are"),
        ("x + x ^ 2", "a power is written"),
    ],
    ids=itertools.count(),
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_what_cannot_be_read_is_one_short_line_at_once(text, message):
    started = time.perf_counter()
    with pytest.raises(PotentialError, match=message) as error:
        ExpressionPotential(text, ("x",))
    assert time.perf_counter() - started < 5
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "value", [10**400, -(10**5000), float("inf"), "1e3", None, True], ids=itertools.count()
)
def test_numbers_that_are_none_are_refused(value):
    table = {"fields": ["x"], "parameters": {"a": 1.0}, "potential": "a*x**2"}
    for change in (
        {"parameters": {"a": value}},
        {"false_vacuum": [value]},
        {"r_max": value},
        {"dimension": value},
    ):
        if value is None and "r_max" in change:
            continue  # null: left out
        with pytest.raises(PotentialError) as error:
            potential_from_mapping(table | change)
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 300


def test_numpy_scalars_and_arrays_are_numbers():
    found = potential_from_mapping(
        {
            "fields": ("x", "y"),
            "parameters": {"a": np.float32(0.5), "b": np.int64(2), "c": np.array(1.5)},
            "potential": "a*x**2 + b*y**2 + c",
            "false_vacuum": np.zeros(2),
            "true_vacuum": [np.float64(1), jnp.asarray(2.0)],
            "dimension": np.int32(3),
            "r_max": np.float64(9),
        }
    )
    assert {name: float(value) for name, value in found.theta.items()} == {
        "a": 0.5, "b": 2.0, "c": 1.5,
    }  # fmt: skip
    assert (found.dimension, found.r_max) == (3, 9.0)
    assert found.true_vacuum is not None
    np.testing.assert_array_equal(found.true_vacuum, [1.0, 2.0])

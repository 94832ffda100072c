"""Points without a number: the convention, for both modes, batched, compiled, and once more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.withheld import shielded, withheld

A = jnp.array([2.0, -1.0, 3.0, 1.0])
B = jnp.array([0.5, 0.5, 1.0, 3.0])
GOOD = np.array([True, False, False, True])
"""ln a · b²/(b − 1): no number at a = −1, infinite with infinite derivatives at b = 1."""


def _function(a, b):
    (a, b), token = shielded((a, b))
    value = jnp.log(a) * b**2 / (b - 1)
    good = jnp.isfinite(value)
    return withheld({"f": value, "ab": a * b}, good, token), good


def _masked(scale):
    values, good = jax.vmap(lambda a, b: _function(scale * a, b))(A, B)
    return jnp.where(good, values["f"], 0.0).sum()


def _unmasked(scale):
    return jax.vmap(lambda a, b: _function(scale * a, b)[0]["f"])(A, B).sum()


def test_values():
    values, good = jax.jit(jax.vmap(_function))(A, B)
    np.testing.assert_array_equal(good, GOOD)
    np.testing.assert_allclose(values["ab"], np.where(GOOD, A * B, np.nan))
    exact = np.log(np.where(GOOD, A, 1.0)) * B**2 / np.where(GOOD, B - 1, 1.0)
    np.testing.assert_allclose(values["f"], np.where(GOOD, exact, np.nan))


@pytest.mark.parametrize("mode", [jax.grad, jax.jacfwd, jax.jacrev])
def test_masked_points_taint_nothing(mode):
    """Σ over the good ones of b²/(b − 1): −1/2 and 9/2, whatever 0 · ∞ the others hold."""
    np.testing.assert_allclose(jax.jit(mode(_masked))(1.0), 4.0, rtol=1e-14)
    np.testing.assert_allclose(jax.hessian(_masked)(1.0), -4.0, rtol=1e-14)
    assert np.isnan(mode(_unmasked)(1.0))


@pytest.mark.parametrize("mode", [jax.grad, jax.jacfwd])
@pytest.mark.parametrize("name", ["f", "ab"])
def test_a_failed_point_has_no_derivative_in_any_input(mode, name):
    """Not zero: a b is finite at the failed points too, and so are its derivatives."""
    slopes = jax.vmap(mode(lambda a, b: _function(a, b)[0][name], (0, 1)))(A, B)
    one = np.log(np.where(GOOD, A, 1.0)) * (B**2 - 2 * B) / np.where(GOOD, B - 1, 1.0) ** 2
    exact = {"f": (B**2 / np.where(GOOD, A * (B - 1), 1.0), one), "ab": (B, A)}[name]
    for slope, expected in zip(slopes, exact, strict=True):
        np.testing.assert_allclose(slope, np.where(GOOD, expected, np.nan), rtol=1e-14)


def test_second_derivatives():
    found = jax.vmap(jax.hessian(lambda a, b: _function(a, b)[0]["f"]))(A, B)
    exact = -(B**2) / np.where(GOOD, A**2 * (B - 1), 1.0)
    np.testing.assert_allclose(found, np.where(GOOD, exact, np.nan), rtol=1e-14)


def test_inputs_beside_the_shield():
    """What is used unshielded, and what is not used at all, has no derivative at a failed point."""

    def function(a, b, unused):
        value = a * b
        return withheld(value, value < 1, others=(a, b, unused))

    args = jnp.array([0.5, 2.0]), jnp.array([1.5, 3.0]), jnp.zeros((2, 3))
    a, b, unused = jax.vmap(jax.grad(function, (0, 1, 2)))(*args)
    np.testing.assert_allclose(a, [1.5, np.nan])
    np.testing.assert_allclose(b, [0.5, np.nan])
    np.testing.assert_allclose(unused, [[0.0] * 3, [np.nan] * 3])


def test_arrays_nested_batches_and_shared_inputs():
    """A vector a point, two batch axes, and one input that every point shares."""

    def function(vector, scale):
        (vector, scale), token = shielded((vector, scale))
        return withheld(scale * jnp.sqrt(vector), jnp.all(vector > 0), token)

    vectors = jnp.array([[[1.0, 4.0], [0.0, 1.0]], [[-1.0, 1.0], [9.0, 16.0]]])
    good = np.array([[True, False], [False, True]])

    def total(vectors, scale):
        each = jax.vmap(jax.vmap(lambda v: function(v, scale)))(vectors)
        return jnp.where(good[..., None], each, 0.0).sum()

    by_vector, by_scale = jax.jit(jax.grad(total, (0, 1)))(vectors, 2.0)
    np.testing.assert_allclose(by_scale, 1 + 2 + 3 + 4, rtol=1e-14)
    expected = np.where(good[..., None], 1 / np.sqrt(np.where(good[..., None], vectors, 1.0)), 0.0)
    np.testing.assert_allclose(by_vector, expected, rtol=1e-14)

"""Products of SU(2) steps and their derivatives, against matrices (SciPy) and plain products."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from jaxbounce.conversion.quaternion import cos_sinc, exponential, multiply, ordered_products

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def _steps(lengths):
    """Three steps in each of four lanes, of any length."""
    rng = np.random.default_rng(1)
    return jnp.asarray(rng.normal(size=(3, 3, 4)) * rng.choice(lengths, size=(1, 3, 4)))


def _one_by_one(a):
    def step(q, one):
        return multiply(jnp.stack(exponential(tuple(one))), q), None

    return jax.lax.scan(step, jnp.array([1.0, 0, 0, 0]), a.transpose(2, 1, 0).reshape(-1, 3))[0]


def _product(a):
    return ordered_products(a, (a[:, :, :3], a[:, :, 1:3]))[0]


def test_cos_and_sinc():
    x = np.concatenate([[0.0], np.geomspace(1e-9, 1e5, 2001)])
    cos, sinc = jax.jit(cos_sinc)(jnp.asarray(x**2))
    # x² rounds x
    off = 4e-16 * (1 + x)
    assert (np.abs(cos - np.cos(x)) <= off).all()
    assert (np.abs(sinc * x - np.sin(x)) <= off).all()


def test_steps_of_any_length_are_rotations():
    """Slow particles: exponents grow with a power of 1/v, and their P must be told as unknown."""
    lengths = jnp.geomspace(1e-200, 1e150, 701)

    def rotation(length):
        return jnp.stack(exponential((0.6 * length, jnp.zeros_like(length), 0.8 * length)))

    q = jax.jit(rotation)(lengths)
    np.testing.assert_allclose((q**2).sum(0), 1.0, atol=1e-14)
    slopes = jax.jit(jax.vmap(jax.jacfwd(rotation)))(lengths)
    assert np.isfinite(slopes).all()
    # a unit vector turns at the rate of its angle, as far as that is known
    known = np.asarray(lengths) < 1e5
    np.testing.assert_allclose((slopes[known] ** 2).sum(1), 1.0, rtol=1e-9)


def test_product_of_steps_is_that_of_matrices():
    a = np.asarray(_steps([0.01, 0.3, 1.0, 5.0]))
    for lanes, q in zip((range(4), range(3), range(1, 3)), _products(a), strict=True):
        U = np.eye(2)
        for lane in lanes:
            for step in range(3):
                U = expm(-1j * np.tensordot(a[:, step, lane], PAULI, 1)) @ U
        found = q[0] * np.eye(2) - 1j * np.tensordot(q[1:], PAULI, 1)
        np.testing.assert_allclose(found, U, atol=1e-13)


def _products(a):
    a = jnp.asarray(a)
    return ordered_products(a, (a[:, :, :3], a[:, :, 1:3]))


@pytest.mark.slow
def test_first_and_second_derivatives_of_a_product():
    def curved(product):
        def scalar(a):
            q = product(a)
            return jnp.sin(q[1]) * q[2] + q[0]

        return scalar

    for lengths in ([0.01, 0.3, 1.0, 5.0], [0.0, 1e-3]):
        a = _steps(lengths)
        plain = jax.jit(jax.jacrev(_one_by_one))(a)
        np.testing.assert_allclose(jax.jit(jax.jacrev(_product))(a), plain, atol=1e-13)
        np.testing.assert_allclose(jax.jit(jax.jacfwd(_product))(a), plain, atol=1e-13)
        exact = jax.jit(jax.jacfwd(jax.grad(curved(_one_by_one))))(a)
        found = jax.jit(jax.jacfwd(jax.grad(curved(_product))))(a)
        np.testing.assert_allclose(found, exact, atol=1e-12)


def test_slopes_of_a_batch_are_those_of_its_members():
    batch = jnp.stack([_steps([0.3]), _steps([2.0]), 0 * _steps([1.0])])
    slopes = jax.jit(jax.vmap(jax.jacrev(_product)))(batch)
    for a, slope in zip(batch, slopes, strict=True):
        np.testing.assert_allclose(slope, jax.jit(jax.jacfwd(_one_by_one))(a), atol=1e-13)


def test_slopes_at_steps_of_no_length():
    # d exp(−i a·σ) = −i da·σ at a = 0
    slope = jax.jit(jax.jacrev(_product))(jnp.zeros((3, 1, 4)))
    np.testing.assert_allclose(slope[1:, :, 0, :], np.repeat(np.eye(3)[:, :, None], 4, 2))
    np.testing.assert_allclose(slope[0], 0)

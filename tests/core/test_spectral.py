import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiers import long_but

from jaxbounce._core.spectral import Function, eigenvectors, trace

RATE = 0.7

EXPONENTIAL = Function(lambda x, k: RATE**k * jnp.exp(RATE * x), 1.0)


def _symmetric(rng, n):
    matrix = rng.normal(size=(n, n))
    return matrix + matrix.T


def _sum_of_powers(matrix):
    """tr e^{0.7 M} by its series: products of matrices only."""
    total, term = jnp.trace(jnp.eye(len(matrix))), jnp.eye(len(matrix))
    for k in range(1, 40):
        term = term @ (RATE * matrix) / k
        total = total + jnp.trace(term)
    return total


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_eigenvectors(n):
    matrix = _symmetric(np.random.default_rng(n), n)
    values, vectors = eigenvectors(jnp.asarray(matrix))
    np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(matrix), atol=1e-14 * n)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, matrix, atol=1e-14 * n)


MATRICES = {
    "apart": np.array([[0.3, 0.2, -0.4], [0.2, -0.5, 0.1], [-0.4, 0.1, 0.9]]),
    "a unit": 0.3 * np.eye(3),
    "two the same": np.diag([0.3, -0.8, 0.3]),
    "two nearly": np.diag([0.3, -0.8, 0.3 + 1e-9]),
    "two near": np.diag([0.3, -0.8, 0.3 + 3e-3]),
    "zero": np.zeros((3, 3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", long_but(MATRICES, "apart", "two the same"))
def test_derivatives_to_the_third_order(name):
    rng = np.random.default_rng(7)
    at, *along = map(jnp.asarray, (MATRICES[name], *[_symmetric(rng, 3) for _ in range(3)]))

    def derivatives(function):
        def value(s):
            return function(at + sum(x * direction for x, direction in zip(s, along, strict=True)))

        first = jax.grad(value)
        second = jax.jacfwd(first)
        origin = jnp.zeros(3)
        return value(origin), first(origin), second(origin), jax.jacrev(second)(origin)

    found = jax.jit(lambda: derivatives(lambda matrix: trace(EXPONENTIAL, matrix)))()
    expected = jax.jit(lambda: derivatives(_sum_of_powers))()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def test_batches():
    matrices = jnp.asarray(np.stack([*MATRICES.values()]))
    slopes = jax.jit(jax.vmap(jax.grad(lambda matrix: trace(EXPONENTIAL, matrix))))(matrices)
    expected = jax.vmap(jax.grad(_sum_of_powers))(matrices)
    np.testing.assert_allclose(slopes, expected, rtol=1e-12, atol=1e-13)

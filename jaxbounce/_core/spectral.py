"""Traces of functions of symmetric matrices, differentiable where eigenvalues meet.

tr f(M) is smooth in M wherever f is, but eigenvalues and eigenvectors are not where two of them
coincide, and derivatives taken through them are 0/0 there. The derivatives of the trace itself need
only divided differences of f',

    D tr f [E] = Σ f'(λ_i) E_ii,  D² tr f [E, F] = Σ f'[λ_i, λ_j] E_ij F_ji,
    D³ tr f [E, F, G] = Σ f'[λ_i, λ_j, λ_k] (E_ij F_jk G_ki + E_ij G_jk F_ki),

in the frame where M is diagonal. Source: N. J. Higham, Functions of Matrices (2008), theorem 3.11.
"""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar
from jaxbounce._core.quadrature import gauss_legendre

_SWEEPS = 8  # of rotations: convergence is quadratic, and matrices of masses are small

_CLOSE = 2e-3  # gap below which a divided difference is a mean of the derivative

_GAUSS = 3  # its nodes: exact to _CLOSE⁶

Matrix = Float[Array, "n n"]


class Function(NamedTuple):
    """A function of a real number with its derivatives. Hashable."""

    derivative: Callable[[Real, int], Real]
    """`derivative(x, k)`, up to k = 3."""
    scale: float = 0.0
    """Numbers nearer than a small part of this, or of their own size, are the same to it. 0 for a
    power, whose derivatives vary with the size alone."""


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def trace(function: Function, matrix: Matrix) -> Scalar:
    """tr f(M) of a symmetric matrix: differentiable to the third order, also where it is a unit."""
    values, _ = eigenvectors(matrix)
    return function.derivative(values, 0).sum()


@trace.defjvp
def _trace_jvp(
    function: Function, primals: tuple[Matrix], tangents: tuple[Matrix]
) -> tuple[Scalar, Scalar]:
    return trace(function, *primals), (_derivative(function, 1, *primals) * tangents[0]).sum()


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _derivative(function: Function, order: int, matrix: Matrix) -> Real:
    """D^order tr f(M), two axes for each direction."""
    values, vectors = eigenvectors(matrix)
    if order == 1:
        slopes = function.derivative(values, 1)
        return jnp.einsum("i,ai,bi->ab", slopes, vectors, vectors)
    if order == 2:
        slopes = _divided(function, values[:, None], values[None, :])
        return jnp.einsum("ij,ai,bj,cj,di->abcd", slopes, *[vectors] * 4, optimize="greedy")
    slopes = _divided_twice(function, values)
    one = jnp.einsum("ijk,ai,bj,cj,dk,ek,fi->abcdef", slopes, *[vectors] * 6, optimize="greedy")
    return one + one.transpose(0, 1, 4, 5, 2, 3)


@_derivative.defjvp
def _derivative_jvp(
    function: Function, order: int, primals: tuple[Matrix], tangents: tuple[Matrix]
) -> tuple[Real, Real]:
    if order == 3:
        return jax.jvp(partial(_derivative.fun, function, order), primals, tangents)
    change = jnp.tensordot(_derivative(function, order + 1, *primals), tangents[0], 2)
    return _derivative(function, order, *primals), change


def _divided(function: Function, a: Real, b: Real) -> Real:
    """f'[a, b] = ∫₀¹ f''(a + (b − a)s) ds, a quotient where they are apart."""
    close = _are_close(function, a, b)
    node, weight = gauss_legendre(_GAUSS)
    share = (node + 1) / 2
    points = a[..., None] + (b - a)[..., None] * share
    mean = function.derivative(points, 2) @ (weight / 2)
    quotient = function.derivative(b, 1) - function.derivative(a, 1)
    return jnp.where(close, mean, quotient / jnp.where(close, 1.0, b - a))


def _divided_twice(function: Function, values: Real) -> Float[Array, "n n n"]:
    """f'[a, b, c] = ∫∫ f'''(s a + t b + (1 − s − t) c) ds dt of all triples of numbers."""
    n = values.size
    triples = jnp.broadcast_arrays(values[:, None, None], values[None, :, None], values)
    a, b, c = jnp.moveaxis(jnp.sort(jnp.stack(triples, -1), axis=-1), -1, 0)
    close = _are_close(function, a, c)
    node, weight = gauss_legendre(_GAUSS)
    first, second = np.meshgrid((node + 1) / 2, (node + 1) / 2, indexing="ij")
    area = (np.outer(weight, weight) / 4 * first).ravel()
    steps = [x[..., None] * s.ravel() for x, s in ((b - a, first), (c - b, first * second))]
    mean = function.derivative(a[..., None] + sum(steps), 3) @ area
    quotient = _divided(function, b, c) - _divided(function, a, b)
    return jnp.where(close, mean, quotient / jnp.where(close, 1.0, c - a)).reshape(n, n, n)


def _are_close(function: Function, a: Real, b: Real) -> Array:
    size = jnp.maximum(jnp.maximum(jnp.abs(a), jnp.abs(b)), function.scale)
    return jnp.abs(b - a) <= _CLOSE * size


def eigenvectors(matrix: Matrix) -> tuple[Float[Array, " n"], Matrix]:
    """Eigenvalues of a symmetric matrix in no order, and its eigenvectors, by Jacobi's rotations.

    For small ones; plain array operations for the reason that `numerics.eliminate` gives.
    """
    n = matrix.shape[-1]
    pairs = np.array([*combinations(range(n), 2)], int).reshape(-1, 2)
    identity = jnp.eye(n, dtype=matrix.dtype)

    def rotate(step: Array, state: tuple[Matrix, Matrix]) -> tuple[Matrix, Matrix]:
        turned, vectors = state
        p, q = jnp.asarray(pairs)[step % len(pairs)]
        off = turned[p, q]
        diagonal = off == 0
        ratio = (turned[q, q] - turned[p, p]) / (2 * jnp.where(diagonal, 1.0, off))
        tangent = jnp.where(ratio < 0, -1.0, 1.0) / (jnp.abs(ratio) + jnp.sqrt(1 + ratio**2))
        tangent = jnp.where(diagonal, 0.0, tangent)
        cosine = 1 / jnp.sqrt(1 + tangent**2)
        sine = tangent * cosine
        rotation = identity.at[p, p].set(cosine).at[q, q].set(cosine)
        rotation = rotation.at[p, q].set(sine).at[q, p].set(-sine)
        return rotation.T @ turned @ rotation, vectors @ rotation

    sweeps = 1 if n == 2 else _SWEEPS
    turned, vectors = matrix, identity
    if len(pairs):
        turned, vectors = jax.lax.fori_loop(0, sweeps * len(pairs), rotate, (turned, vectors))
    return jnp.diagonal(turned), vectors

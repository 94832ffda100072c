"""∫ e^{2ν} τ(ν) dν from T_p on, ν = ln(T_p/T), where τ is known piece by piece once and for all.

Time goes as ∫ e^{−2x} τ dx, x = ln T. On each piece e^{−2(x − c)} τ is a polynomial in the place s,
and so is its integral. To keep the digits of short times nothing is ever a difference of two long
ones: from T_p to the end of its piece, whole pieces, and from there to T, each with its own length,
as a mean value that is a polynomial: of (H(s) − H(±1))/(s ∓ 1), or, within the piece of T_p, of
(H(s) − H(s_p))/(s − s_p).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxbounce._core.series import horner, looked_up
from jaxbounce._core.types import Real, Scalar


class Pieces(NamedTuple):
    """The pieces, all of one length, and what is known of each.

    Attributes:
        start: x where the first one begins.
        length: of each.
        integrals: H, powers of s without the constant, shape (powers, pieces).
        means: of e^{−2(x − c)} τ between a place and an end of the piece, shape
            (powers, 2 pieces): first to the hot ends, then to the cold ones.
        before: e^{2x} ∫ e^{−2x'} τ dx' from each edge to the last one.
    """

    start: float
    length: float
    integrals: np.ndarray
    means: np.ndarray
    before: np.ndarray


def make_pieces(start: float, length: float, coefficients: np.ndarray) -> Pieces:
    """The pieces of e^{−2(x − c)} τ, c the middle of each.

    Args:
        start: x where the first one begins.
        length: of each.
        coefficients: in powers of s ∈ [−1, 1], shape (powers, pieces).
    """
    powers, count = coefficients.shape
    integrals = coefficients / np.arange(1, powers + 1)[:, None]  # of s, s², …
    means = np.zeros((powers, 2, count))
    # (H(s) − H(e))/(s − e) by Horner's rule, e = 1 and −1
    for side, end in enumerate((1.0, -1.0)):
        running = np.zeros(count)
        for k in range(powers - 1, -1, -1):
            running = integrals[k] + end * running
            means[k, side] = running
    whole = length / 2 * (integrals * (1 - (-1.0) ** np.arange(1, powers + 1))[:, None]).sum(0)
    before = np.zeros(count + 1)
    for k in range(count - 1, -1, -1):
        before[k] = np.exp(-length) * whole[k] + np.exp(-2 * length) * before[k + 1]
    return Pieces(start, length, integrals, means.reshape(powers, 2 * count), before)


def elapsed(pieces: Pieces, log_Tp: Scalar, n: Real) -> Real:
    """∫ e^{2ν} τ dν from 0 to n = ln(T_p/T), any shape; relative error ≤ 1e-13.

    Args:
        pieces: of τ(ln T). Beyond them it is as in the last of them.
        log_Tp: ln(T_p/GeV).
        n: ln(T_p/T).
    """
    length, count, dtype = pieces.length, pieces.before.size - 1, n.dtype
    k_p, s_p = _place(pieces, log_Tp)
    k, s = _place(pieces, log_Tp - n)
    later = n > 0

    # of T_p, once: the mean towards either end of its piece, and within it
    inner = jnp.asarray(pieces.integrals, dtype)[:, k_p]
    quotient = [inner[-1]]
    for c in inner[-2::-1]:
        quotient.append(c + s_p * quotient[-1])
    ends = jnp.asarray(pieces.means, dtype)[:, jnp.stack([k_p, count + k_p])]
    to_hot, to_cold = horner(ends, s_p)
    scale_p = jnp.exp(2 * (log_Tp - _middle(pieces, k_p)))
    first = jnp.where(later, s_p + 1, s_p - 1) * (length / 2)
    from_Tp = first * scale_p * jnp.where(later, to_cold, to_hot)

    # of each T: the mean towards the end of its piece that is nearer to T_p
    at = jnp.where(later, k, count + k)
    mean = jnp.zeros_like(s)
    for row in pieces.means[::-1]:
        mean = mean * s + jnp.asarray(row, dtype)[at]
    scale = jnp.exp(2 * (log_Tp - _middle(pieces, k)))
    apart = jnp.where(later, k_p - k - 1, k_p - k + 1)
    last = n - first - apart * length
    edge, edge_p = jnp.where(later, k + 1, k), jnp.where(later, k_p, k_p + 1)
    between = _before(pieces, log_Tp, edge) - _before(pieces, log_Tp, edge_p)
    # of one edge exactly nothing, also where the compiler rounds the two differently
    between = jnp.where(apart == 0, 0.0, between)
    far = from_Tp + between + last * scale * mean

    # in the piece of T_p
    near = jnp.zeros_like(s)
    for c in quotient:
        near = near * s + c
    return looked_up(jnp.where(k == k_p, n * scale_p * near, far), s)


def _place(pieces: Pieces, log_T: Real) -> tuple[Array, Real]:
    """Number of the piece of ln T, and where in it, s."""
    place = (log_T - pieces.start) / pieces.length
    held = jnp.clip(jax.lax.stop_gradient(place), 0, pieces.before.size - 2)
    k = jnp.floor(held).astype(int)
    return k, 2 * (place - k) - 1


def _middle(pieces: Pieces, k: Array) -> Real:
    return pieces.start + pieces.length * (k + 0.5)


def _before(pieces: Pieces, log_Tp: Scalar, edge: Array) -> Real:
    """∫ e^{2ν} τ dν from an edge to the hottest one, of T_p."""
    stretch = jnp.exp(2 * (log_Tp - pieces.start - pieces.length * edge))
    return stretch * jnp.asarray(pieces.before, log_Tp.dtype)[edge]

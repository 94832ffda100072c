"""∫ e^{2ν} τ(ν) dν from T_p on, ν = ln(T_p/T), where τ is known piece by piece once and for all.

With x = ln T and Ψ(x) = e^{2x} ∫ₓ e^{−2x'} τ dx', the time since T → ∞ in units of T⁻², it is

    e^{2n} Ψ(x) − Ψ(x_p) = (e^{2n} − 1) Ψ(x_p) + e^{2n} [Ψ(x) − Ψ(x_p)],

n = x_p − x. On each piece τ is a polynomial in the place s, and so is Ψ, with Ψ' = 2Ψ − τ. Where
τ is constant the bracket is nothing; what it is has to keep its digits next to T_p. So on the piece
of T_p it is n times a polynomial, and between pieces the values at their middles, known to twice
the precision, are subtracted first.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxbounce._core.series import horner, looked_up
from jaxbounce._core.types import Real, Scalar


class Pieces(NamedTuple):
    """The pieces, all of one length, and Ψ on each.

    Attributes:
        start: x where the first one begins.
        length: of each.
        middles: Ψ at their middles, to more digits than a float has.
        rest: powers s, s², … of Ψ less that, shape (powers, pieces).
    """

    start: float
    length: float
    middles: np.ndarray
    rest: np.ndarray


def make_pieces(start: float, length: float, coefficients: np.ndarray) -> Pieces:
    """The pieces of Ψ. Beyond the last τ is the constant at its end.

    Args:
        start: x where the first one begins.
        length: of each.
        coefficients: of τ in powers of s ∈ [−1, 1], shape (powers, pieces).
    """
    half, tau = np.longdouble(length) / 2, coefficients.astype(np.longdouble)
    powers, count = tau.shape
    # by Ψ' = 2Ψ − τ all powers follow from the constant, at which they are linear
    series = np.zeros((powers + 1, 2, count), np.longdouble)
    series[0, 0] = 1
    for k in range(powers):
        series[k + 1] = half * 2 * series[k] / (k + 1)
        series[k + 1, 1] -= half * tau[k] / (k + 1)
    signs = (-np.ones(powers + 1, np.longdouble)) ** np.arange(powers + 1)
    hot, cold = series.sum(0), (series * signs[:, None, None]).sum(0)
    middles, end = np.zeros(count, np.longdouble), tau[:, -1].sum() / 2
    for k in range(count - 1, -1, -1):
        middles[k] = (end - hot[1, k]) / hot[0, k]
        end = middles[k] * cold[0, k] + cold[1, k]
    rest = series[1:, 0] * middles + series[1:, 1]
    # Ψ has one power more than τ: a Chebyshev polynomial, which is left out
    last = np.polynomial.chebyshev.cheb2poly(np.eye(powers + 1)[powers])
    rest = (rest[:-1] - np.outer(last[1:-1] / last[-1], rest[-1])).astype(float)
    # what that leaves of steps between pieces would be seen where n is small
    hot, cold = rest.astype(np.longdouble).sum(0), (rest * signs[1:-1, None]).sum(0)
    for k in range(count - 2, -1, -1):
        middles[k] = middles[k + 1] + (cold[k + 1] - hot[k])
    return Pieces(start, length, middles, rest)


def elapsed(pieces: Pieces, log_Tp: Scalar, n: Real, growth: Real) -> Real:
    """∫ e^{2ν} τ dν from 0 to n = ln(T_p/T), any shape.

    Relative error ≤ 1e-13; absolute ≤ 1e-18 where T and T_p are on two pieces.

    Args:
        pieces: of τ(ln T). Beyond them it is as in the last of them.
        log_Tp: ln(T_p/GeV).
        n: ln(T_p/T).
        growth: (e^{2n} − 1)/2, to all its digits.
    """
    dtype = n.dtype
    middle = pieces.middles.astype(dtype)
    more = (pieces.middles - middle).astype(dtype)
    k_p, s_p = _place(pieces, log_Tp)
    k = _place(pieces, log_Tp - n)[0]
    # of one rounding with s_p, which then counts for nothing where n is small
    s = s_p + 2 * (k_p - k) - 2 / pieces.length * n
    at_Tp = jnp.asarray(pieces.rest, dtype)[:, k_p]
    beyond = s_p * horner(at_Tp, s_p)
    middle_p, more_p = jnp.asarray(middle)[k_p], jnp.asarray(more)[k_p]

    # on the piece of T_p, over s − s_p
    quotient = [at_Tp[-1]]
    for c in at_Tp[-2::-1]:
        quotient.append(c + s_p * quotient[-1])
    mean = jnp.zeros_like(s)
    for c in quotient:
        mean = mean * s + c
    near = -2 / pieces.length * n * mean

    rest = jnp.zeros_like(s)
    for row in pieces.rest[::-1]:
        rest = (rest + jnp.asarray(row, dtype)[k]) * s
    apart = (jnp.asarray(middle)[k] - middle_p) + (jnp.asarray(more)[k] - more_p)
    change = looked_up(jnp.where(k == k_p, near, apart + (rest - beyond)), s)
    return 2 * growth * (middle_p + beyond) + (1 + 2 * growth) * change


def _place(pieces: Pieces, log_T: Real) -> tuple[Array, Real]:
    """Number of the piece of ln T, and where in it, s."""
    place = (log_T - pieces.start) / pieces.length
    held = jnp.clip(jax.lax.stop_gradient(place), 0, pieces.middles.size - 1)
    k = jnp.floor(held).astype(int)
    return k, 2 * (place - k) - 1

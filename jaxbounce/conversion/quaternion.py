"""Unit quaternions for SU(2), U = q₀ − i q·σ: steps, and products of many of them.

The product of all steps has a derivative of its own, that of the adjoint propagation: with P the
product of the steps before a step exp(−i a·σ), and w its own derivative,

    U†dU = −i W·σ,   W = Σ R(P)ᵀ w,

R the rotation of P. It is linear in da, so that it can be transposed; it costs one more
propagation, forward or backward, and is differentiated itself as any other function.
"""

from math import factorial
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.types import Real

Quaternion: TypeAlias = Float[Array, "4 ..."]

Components: TypeAlias = tuple[Real, ...]
"""A vector or a quaternion taken apart: what XLA fuses into one loop."""

_PI_HIGH = float(np.ldexp(np.floor(np.ldexp(np.pi, 31)), -31))  # 33 bits: k π is exact

_PI_LOW = float.fromhex("0x1.0b4611a626331p-33")  # π less that

_HALF_TURN = (np.pi / 2) ** 2

_MOST_REST = 1.6  # beyond the nearest multiple of π, where turns are exact: just over π/2

_TERMS = 11  # of the power series, to rounding at π/2

_COS = tuple((-1) ** n / factorial(2 * n) for n in range(_TERMS))

_SINC = tuple((-1) ** n / factorial(2 * n + 1) for n in range(_TERMS))

_SINC_SLOPE = tuple((-1) ** (n + 1) * (n + 1) / factorial(2 * n + 3) for n in range(_TERMS))

_SERIES_LIMIT = 0.5  # of x² below which the derivative of sinc is summed in powers of x²


def cross(a: Components, b: Components) -> Components:
    """a × b."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _product(later: Components, earlier: Components) -> Components:
    a0, a1, a2, a3 = later
    b0, b1, b2, b3 = earlier
    return (
        a0 * b0 - a1 * b1 - a2 * b2 - a3 * b3,
        a0 * b1 + a1 * b0 + a2 * b3 - a3 * b2,
        a0 * b2 - a1 * b3 + a2 * b0 + a3 * b1,
        a0 * b3 + a1 * b2 - a2 * b1 + a3 * b0,
    )


def multiply(later: Quaternion, earlier: Quaternion) -> Quaternion:
    """The quaternion of the product U_later U_earlier."""
    return jnp.stack(_product(tuple(later), tuple(earlier)))


def conjugate(q: Quaternion) -> Quaternion:
    """The quaternion of U†."""
    return jnp.stack([q[0], -q[1], -q[2], -q[3]])


def _polynomial(coefficients: tuple[float, ...], x: Real) -> Real:
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return jnp.asarray(total)


@jax.custom_jvp
def cos_sinc(square: Real) -> tuple[Real, Real]:
    """Cos x and sin x/x of x² ≥ 0, to rounding (absolute) for x up to 10⁶.

    Sums that the compiler turns into vector instructions, as it cannot calls of libm: three times
    as fast. x is taken to the nearest multiple of π. Of longer x the phase is lost, but never that
    cos² + sin² = 1: a step of a particle too slow to be resolved is some rotation still.
    """
    first = square < _HALF_TURN
    x = jnp.sqrt(jnp.where(first, 1.0, square))
    turns = jnp.round(x * (1 / np.pi))
    rest = jnp.clip((x - turns * _PI_HIGH) - turns * _PI_LOW, -_MOST_REST, _MOST_REST)
    sign = 1 - 2 * (turns - 2 * jnp.floor(turns / 2))
    small = jnp.where(first, square, rest**2)
    cos, sinc = _polynomial(_COS, small), _polynomial(_SINC, small)
    return sign * cos, jnp.where(first, sinc, sign * rest * sinc / x)


@cos_sinc.defjvp
def _cos_sinc_jvp(
    primals: tuple[Real], tangents: tuple[Real]
) -> tuple[tuple[Real, Real], tuple[Real, Real]]:
    (square,), (change,) = primals, tangents
    cos, sinc = cos_sinc(square)
    return (cos, sinc), (-sinc / 2 * change, _sinc_slope(square, cos, sinc) * change)


def _sinc_slope(square: Real, cos: Real, sinc: Real) -> Real:
    """d(sin x/x)/d(x²) = (cos x − sin x/x)/2x²."""
    small = square < _SERIES_LIMIT
    series = _polynomial(_SINC_SLOPE, jnp.where(small, square, 0.0))
    return jnp.where(small, series, (cos - sinc) / (2 * jnp.where(small, 1.0, square)))


def exponential(a: Components) -> Components:
    """exp(−i a·σ) = (cos|a|, a sin|a|/|a|)."""
    cos, sinc = cos_sinc(a[0] ** 2 + a[1] ** 2 + a[2] ** 2)
    return (cos, sinc * a[0], sinc * a[1], sinc * a[2])


def _ones(like: Real) -> Components:
    return (jnp.ones_like(like), *(jnp.zeros_like(like),) * 3)


def _multiply_in(done: Components, step: Components) -> tuple[Components, None]:
    return _product(step, done), None


def _multiply_in_and_keep(done: Components, step: Components) -> tuple[Components, Components]:
    return _product(step, done), done


def _total(steps: Components) -> Components:
    """Product along the first axis, whose first entry acts first."""
    return jax.lax.scan(_multiply_in, _ones(steps[0][0]), steps)[0]


def _totals_before(steps: Components) -> tuple[Components, Components]:
    """The same, and the product of those before each step."""
    return jax.lax.scan(_multiply_in_and_keep, _ones(steps[0][0]), steps)


def _rotated_back(w: Components, q: Components) -> Components:
    """R(q)ᵀ w of a unit quaternion."""
    once = tuple(2 * c for c in cross(q[1:], w))
    twice = cross(q[1:], once)
    return tuple(x - q[0] * a + b for x, a, b in zip(w, once, twice, strict=True))


@jax.custom_jvp
def ordered_products(
    a: Float[Array, "3 steps lanes"], others: tuple[Float[Array, "3 steps _"], ...]
) -> tuple[Quaternion, ...]:
    """Products of the steps exp(−i a·σ), and of others that are constants under differentiation.

    A lane holds steps that follow each other, and one lane follows the other. An unrolled tree
    of products runs as fast and compiles ten times slower.

    Args:
        a: vectors of the steps.
        others: of other products, as many steps in a lane, no more lanes.

    Returns:
        U of `a` and of each of the others.
    """
    lanes = [a.shape[2], *(other.shape[2] for other in others)]
    side_by_side = jnp.concatenate([a, *others], axis=2)
    blocks = _total(exponential(tuple(side_by_side)))
    ends = np.cumsum(lanes)

    def rows(component: Real, identity: float) -> Real:
        return jnp.stack(
            [
                jnp.pad(component[end - n : end], (0, lanes[0] - n), constant_values=identity)
                for n, end in zip(lanes, ends, strict=True)
            ],
            axis=1,
        )

    total = _total(tuple(rows(c, one) for c, one in zip(blocks, (1.0, 0, 0, 0), strict=True)))
    return tuple(jnp.stack([c[i] for c in total]) for i in range(len(lanes)))


@ordered_products.defjvp
def _ordered_products_jvp(
    primals: tuple[Real, tuple[Real, ...]], tangents: tuple[Real, tuple[Real, ...]]
) -> tuple[tuple[Quaternion, ...], tuple[Quaternion, ...]]:
    """Of the first product only."""
    a, others = primals
    a, change = tuple(a), tuple(tangents[0])
    square = a[0] ** 2 + a[1] ** 2 + a[2] ** 2
    cos, sinc = cos_sinc(square)
    steps = (cos, sinc * a[0], sinc * a[1], sinc * a[2])
    blocks, before_step = _totals_before(steps)
    total, before_block = _totals_before(blocks)
    U = jnp.stack(total)
    # w is the vector of q† dq
    along = (a[0] * change[0] + a[1] * change[1] + a[2] * change[2]) * _longitudinal(
        square, cos, sinc
    )
    turned = cross(a, change)
    w = tuple(
        cos * sinc * d + along * x - sinc**2 * t for d, x, t in zip(change, a, turned, strict=True)
    )
    in_lane = tuple(c.sum(0) for c in _rotated_back(w, before_step))
    W = tuple(c.sum(0) for c in _rotated_back(in_lane, before_block))
    slope = _product(total, (jnp.zeros_like(W[0]), *W))
    rest = ordered_products(others[0], others[1:]) if others else ()
    still = tuple(jnp.zeros_like(q) for q in rest)
    return (U, *rest), (jnp.stack(slope), *still)


def _longitudinal(square: Real, cos: Real, sinc: Real) -> Real:
    """(1 − cos x sin x/x)/x²."""
    # 1 = cos² + x² sinc², and cos − sinc = 2x² sinc'
    return sinc**2 + 2 * cos * _sinc_slope(square, cos, sinc)

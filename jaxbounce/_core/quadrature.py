"""Quadrature rules: Gauss–Legendre, in pairs that tell their error; trapezoids in a rapidity."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import Real, Scalar


@functools.cache
def gauss_legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [−1, 1], exact for polynomials up to degree 2·nodes − 1.

    Every caller gets the same arrays: they cannot be written to.
    """
    rule = np.polynomial.legendre.leggauss(nodes)
    for array in rule:
        array.flags.writeable = False
    return rule


@functools.cache
def panel_functionals(nodes: int) -> np.ndarray:
    """Columns: the quadrature weights, then the maps to four middle and the last four coefficients.

    The coefficients are those of the Legendre series.
    """
    t, weight = gauss_legendre(nodes)
    degree = np.concatenate([np.arange(4) + nodes // 2 - 2, np.arange(nodes - 4, nodes)])
    vandermonde = np.polynomial.legendre.legvander(t, nodes - 1)[:, degree]
    tail = (2 * degree + 1) / 2 * weight[:, None] * vandermonde
    return np.concatenate([weight[:, None], tail], axis=1)


def summed_panels(values: Real, half: Real) -> tuple[Scalar, Scalar]:
    """Sum of the integrals of Gauss–Legendre panels, and an estimate of its truncation.

    The estimate continues each panel's Legendre coefficients, c_k ~ k^{−p}, from the last ones to
    the degree at which an n-node rule first errs, 2n: its error is Σ c_k over the even k ≥ 2n. A
    power of k is what a kink or a layer inside the panel leaves, and bounds the geometric decay
    of what is smooth; p follows from the middle coefficients and the last, four of each, since
    single ones may be small by chance.

    Args:
        values: of the integrand at the nodes of each panel, shape (panels, nodes).
        half: half the panel widths.
    """
    nodes = values.shape[-1]
    return summed_moments(values @ panel_functionals(nodes), half, nodes)


def summed_moments(moments: Real, half: Real, nodes: int) -> tuple[Scalar, Scalar]:
    """`summed_panels` of what `panel_functionals` make of the values."""
    total = (half * moments[:, 0]).sum()
    # an estimate is not differentiated, and where a tail is exactly zero could not be
    half, moments = jax.lax.stop_gradient((half, moments))
    middle, last = jnp.abs(moments[:, 1:5]).max(1), jnp.abs(moments[:, 5:]).max(1)
    fall = jnp.clip(last / jnp.maximum(middle, jnp.finfo(moments.dtype).tiny), 1e-9, 1.0)
    at_middle, at_last = nodes // 2 - 0.5, nodes - 2.5
    power = -jnp.log(fall) / np.log(at_last / at_middle)
    # beyond p = 2, the kink of a continuous integrand, the sum is bounded by its integral
    rest = nodes / jnp.maximum(power - 1, 1.0) + 1
    reached = last * jnp.exp(-power * np.log(2 * nodes / at_last))
    return total, 2 * (half * reached * rest).sum()


@functools.cache
def paired_gauss_legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of two rules side by side, and the weights of each, shapes (all,) and (2, all).

    The first row of weights is the rule of `nodes`, the second that of `nodes` − 4, zero at each
    other's nodes: their difference is the error of the second, and bounds that of the first.
    """
    fine, coarse = gauss_legendre(nodes), gauss_legendre(nodes - 4)
    weights = np.zeros((2, 2 * nodes - 4))
    weights[0, :nodes], weights[1, nodes:] = fine[1], coarse[1]
    points = np.concatenate([fine[0], coarse[0]])
    for array in (points, weights):
        array.flags.writeable = False
    return points, weights


_RAPIDITY_RANGE = 50.0  # e^{−50} · 50² < 1e-18: energies this far above the mass no longer count


class Rapidities(NamedTuple):
    """Nodes t of a quadrature over rapidity, with a last axis for them.

    Attributes:
        cosh: cosh t.
        sinh: sinh t.
        falling: e^{−t}.
        weight: of each node.
    """

    cosh: Real
    sinh: Real
    falling: Real
    weight: Real


def rapidities(x: Real, nodes: int) -> Rapidities:
    """Nodes for ∫₀^∞ h(t) e^{−x cosh t} dt, h even.

    E = x cosh t and p = x sinh t are energy and momentum of mass x in units of the temperature.
    The trapezoidal rule converges like e^{−π²/step}: h may have its singularities at Im t = π/2,
    as occupations have. 96 nodes hold 1e-14 down to x = 1e-9, 40 down to x = 1e-3. The nodes are
    constants for differentiation, because an integral does not depend on them.
    """
    end = jax.lax.stop_gradient(jnp.arccosh(1 + _RAPIDITY_RANGE / x))[..., None]
    share = np.ones(nodes) / (nodes - 1)
    share[0] /= 2
    rising = jnp.exp(end * np.linspace(0.0, 1.0, nodes))
    falling = 1 / rising
    return Rapidities((rising + falling) / 2, (rising - falling) / 2, falling, end * share)

"""Quadrature rules: Gauss–Legendre, in pairs that tell their error; trapezoids in a rapidity."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import Real


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

"""Continuous symmetries of a potential about its false vacuum, and the zero modes they give.

If V does not change under u → u + ε A u, A antisymmetric, then ∂²U A u = A ∂U, and at a solution
η = A u is a zero mode of the second variation: nothing determines how far the bounce is turned.
Which A do that is found numerically, for any number of them, along the profile itself: there the
condition says that η is a zero mode, no less and no more. A symmetry that the false vacuum breaks
is none about the false vacuum, and gives no normalisable zero mode of a bounce.

The second variation is made invertible by adding s Q at one node, Q the projector on the span of
the A u there. Contracted with the zero modes a system (J + s Q) x = b with b orthogonal to them
says that Q x vanishes at that node: x solves J x = b, turned so that it is at rest at that node.
"""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Scalar, xp
from jaxbounce._core.numerics import eliminate

_NULL = 1e-13  # of the square of the violation: where the null space is looked for …

_BROKEN = 1e-10  # … of the violation itself: what is no symmetry

_PART = 0.1  # of a generator that must be left for it to count

_WEAKEST = 1e-3  # of |A u|²/|u|², below which a direction is held less firmly


class Pin(NamedTuple):
    """What holds the zero modes of a profile."""

    directions: Float[Array, "n n"]
    """Q."""
    node: Float[Array, " nodes"]
    """1 at the node where they are held, else 0."""
    zero_modes: Scalar
    """Number of zero modes."""


@functools.cache
def _generators(n: int) -> np.ndarray:
    """The rotations of each pair of fields."""
    pairs = [(i, j) for i in range(n) for j in range(i)]
    generators = np.zeros((len(pairs), n, n))
    for k, (i, j) in enumerate(pairs):
        generators[k, i, j], generators[k, j, i] = 1.0, -1.0
    return generators


def pin(
    values: Float[Array, "nodes n"],
    gradients: Float[Array, "nodes n"],
    curvatures: Float[Array, "nodes n n"],
    weights: Float[Array, " nodes"],
) -> Pin:
    """Where and along what the zero modes of a profile are held.

    Args:
        values: u at the nodes.
        gradients: ∂U there.
        curvatures: ∂²U there.
        weights: of the nodes, in an integral over the volume.
    """
    nodes, n = values.shape
    if n == 1:
        return Pin(xp.zeros((1, 1)), xp.zeros(nodes), xp.zeros(()))
    A = _generators(n)
    turned = xp.einsum("aij,kj->aki", A, values)
    violation = xp.einsum("kij,akj->aki", curvatures, turned)
    violation = violation - xp.einsum("aij,kj->aki", A, gradients)
    size = xp.abs(curvatures).max((1, 2)) * xp.abs(values).max(1) + xp.abs(gradients).max(1)
    violation = violation / xp.where(size.max() > 0, size.max(), 1.0)

    square = xp.einsum("aki,bki->ab", violation, violation) / nodes
    eye = _NULL * xp.eye(len(A))
    combined, _ = eliminate(square + eye, eye)  # about the projector on the null space
    broken = xp.abs(xp.einsum("ab,bki->aki", combined, violation)).max((1, 2))
    length = xp.sqrt((combined**2).sum(1))
    exact = (broken < _BROKEN * length) & (length > _PART)
    combined = xp.where(exact[:, None], combined / xp.where(exact, length, 1.0)[:, None], 0.0)

    modes = xp.einsum("ab,bki->aki", combined, turned)
    here = xp.argmax(weights * (modes**2).sum((0, 2)))
    tangents, u = modes[:, here], values[here]
    gram = tangents.T @ tangents
    floor = _WEAKEST * (u @ u) + xp.finfo(u.dtype).tiny
    directions, _ = eliminate(gram + floor * xp.eye(n), gram)
    spanned = xp.trace(directions)
    return Pin(
        (directions + directions.T) / 2,
        (xp.arange(nodes) == here) * 1.0,
        xp.floor(spanned + 0.5),
    )

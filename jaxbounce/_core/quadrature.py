"""Gauss–Legendre quadrature."""

import functools

import numpy as np


@functools.cache
def gauss_legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [−1, 1], exact for polynomials up to degree 2·nodes − 1.

    Every caller gets the same arrays: they cannot be written to.
    """
    rule = np.polynomial.legendre.leggauss(nodes)
    for array in rule:
        array.flags.writeable = False
    return rule

"""Which combinations of parameters the data determine, and along which nothing changes.

From the Fisher matrix F = Jᵀ J, J the derivatives of the whitened residuals by ln θ. A direction
in ln θ is a product of powers: (1, 1) in (ln f_chi, ln P) is f_chi·P.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FLAT = 1e-8
"""A direction with less than this part of the largest derivative holds no information: it is what
rounding leaves of an exact zero."""


class Combination(NamedTuple):
    """A product of powers of parameters.

    Attributes:
        exponents: power of each parameter; those not named have none.
        sigma: relative uncertainty that the data leave it; infinite for a flat direction.
    """

    exponents: dict[str, float]
    sigma: float

    def __str__(self) -> str:
        """The product, "f_chi·P^-1"."""
        return "·".join(f"{name}{_power(power)}" for name, power in self.exponents.items())


class Directions(NamedTuple):
    """What the data say about the free parameters, at the best fit.

    Attributes:
        fisher: Fisher matrix in ln θ.
        covariance: its inverse; None if there is a flat direction.
        sigma: relative uncertainty σ(ln θ) of each parameter, infinite if it is not determined.
        determined: the combinations the data determine.
        flat: directions along which no datum changes: multiply each parameter by its power of
            any common factor.
        pivots: indices of parameters that each appear in one determined combination only.
        rows: exponents of the determined combinations, all parameters, in the order of `pivots`.
    """

    fisher: Float[np.ndarray, "free free"]
    covariance: Float[np.ndarray, "free free"] | None
    sigma: dict[str, float]
    determined: tuple[Combination, ...]
    flat: tuple[Combination, ...]
    pivots: tuple[int, ...]
    rows: Float[np.ndarray, "rank free"]


def _power(power: float) -> str:
    simple = Fraction(power).limit_denominator(12)
    if abs(float(simple) - power) > 1e-6:
        return f"^{power:.4g}"
    if simple == 1:
        return ""
    return f"^{simple}" if simple.denominator == 1 else f"^({simple})"


def reduced(rows: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Row-reduced form of a full-rank matrix, pivoting on the largest element of each row."""
    rows, pivots = rows.copy(), []
    for i in range(len(rows)):
        # the first among equals, so that rounding does not choose
        size = np.round(np.abs(rows[i]) / np.max(np.abs(rows[i])), 6)
        pivot = int(np.argmax(size))
        rows[i] /= rows[i, pivot]
        for k in range(len(rows)):
            if k != i:
                rows[k] -= rows[k, pivot] * rows[i]
        pivots.append(pivot)
    rows[np.abs(rows) < 1e-9] = 0.0
    return rows, pivots


def _combination(names: tuple[str, ...], row: np.ndarray, sigma: float) -> Combination:
    exponents = {name: float(power) for name, power in zip(names, row, strict=True) if power != 0}
    return Combination(exponents, sigma)


def directions(
    names: tuple[str, ...], jacobian: Float[np.ndarray, "data free"], tolerance: float = FLAT
) -> Directions:
    """The determined combinations and the flat directions.

    Args:
        names: the free parameters.
        jacobian: derivatives of the whitened residuals by ln θ.
        tolerance: singular values below this part of the largest count as zero.
    """
    jacobian = np.asarray(jacobian, dtype=float)
    _, values, basis = np.linalg.svd(jacobian, full_matrices=True)
    largest = values[0] if values.size else 0.0
    rank = int(np.sum(values > tolerance * largest)) if largest > 0 else 0
    seen, unseen = basis[:rank], basis[rank:]
    # pseudo-inverse on what is seen: the covariance of any combination made of it
    part = (seen.T / values[:rank] ** 2) @ seen
    rows, pivots = reduced(seen)
    determined = tuple(_combination(names, row, math.sqrt(float(row @ part @ row))) for row in rows)
    # the null space in the form that belongs to those rows: each free parameter by itself
    free = [j for j in range(len(names)) if j not in pivots]
    flat = []
    for j in free:
        direction = np.zeros(len(names))
        direction[j] = 1.0
        direction[pivots] = -rows[:, j]
        first = direction[np.flatnonzero(direction)[0]]
        flat.append(_combination(names, direction / first, math.inf))
    hidden = np.sum(unseen**2, axis=0) > 1e-12
    spread = np.sqrt(np.diagonal(part))
    return Directions(
        fisher=jacobian.T @ jacobian,
        covariance=part if rank == len(names) else None,
        sigma={name: math.inf if hidden[i] else float(spread[i]) for i, name in enumerate(names)},
        determined=determined,
        flat=tuple(flat),
        pivots=tuple(pivots),
        rows=rows,
    )

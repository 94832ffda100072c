"""Points that fill the unit cube evenly."""

import numpy as np
from jaxtyping import Float


def low_discrepancy(
    count: int, dimensions: int, shift: Float[np.ndarray, " dim"] | float = 0.5
) -> Float[np.ndarray, "count dim"]:
    """Multiples of powers of the generalised golden ratio, modulo 1.

    The additive recurrence x_k = frac(s + k a), a_j = g^{−j}, g^{d+1} = g + 1, k = 1, 2, …
    (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).

    Args:
        count: number of points.
        dimensions: d.
        shift: s, one number or one for each dimension.
    """
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    return (shift + np.outer(np.arange(1, count + 1), steps)) % 1.0

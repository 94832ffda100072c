"""Linear systems of spectral elements by static condensation: symmetric, few negative modes."""

import numpy as np
from jaxtyping import Float, Int

from jaxbounce._core.arrays import Array, add_at, xp
from jaxbounce._core.numerics import eliminate
from jaxbounce.bounce.grid import Elements, Grid, apply_stiffness, sum_elements, to_elements


def solve_elements(
    elements: Elements,
    stiffness: Float[Array, "count order order"],
    diagonal: Float[Array, "count order n n"],
    boundary: Float[Array, "n n"],
    right: Float[Array, "nodes n k"],
) -> tuple[Float[Array, "nodes n k"], Int[Array, ""]]:
    """Solve (stiffness ⊗ 1 + diagonal + boundary) y = right by static condensation.

    Args:
        elements: sizes.
        stiffness: acts alike on every field.
        diagonal: couples the fields at each node of each element.
        boundary: added at the last node.
        right: right-hand sides.

    Returns:
        The solution and the number of negative eigenvalues of the matrix.
    """
    count, order = elements
    n, k = right.shape[1:]
    # einsums with constant masks rather than scatters, which cost compile time
    local = xp.einsum("eij,ab->eiajb", stiffness, xp.eye(n))
    local = local + xp.einsum("eiab,ij->eiajb", diagonal, xp.eye(order))
    interior = (order - 2) * n

    inner = local[:, 1:-1, :, 1:-1].reshape(count, interior, interior)
    coupling = local[:, 1:-1, :, :: order - 1].reshape(count, interior, 2 * n)
    outer = local[:, :: order - 1, :, :: order - 1].reshape(count, 2 * n, 2 * n)
    load = to_elements(elements, right)[:, 1:-1].reshape(count, interior, k)

    solved, negative = eliminate(inner, xp.concatenate([coupling, load], -1))
    response, particular = solved[..., : 2 * n], solved[..., 2 * n :]
    transposed = xp.swapaxes(coupling, 1, 2)
    block = (outer - transposed @ response).reshape(count, 2, n, 2, n)
    force = -(transposed @ particular).reshape(count, 2, n, k)

    # element ends: a block tridiagonal matrix
    place = np.eye(count + 1)[np.arange(count)[:, None] + np.arange(2)]
    matrix = xp.einsum("eiajb,eik,ejl->kalb", block, place, place)
    matrix = matrix + xp.einsum("ab,k,l->kalb", boundary, place[-1, 1], place[-1, 1])
    shared = right[:: order - 1] + xp.einsum("eiak,eij->jak", force, place)
    size = (count + 1) * n
    at_ends, more = eliminate(matrix.reshape(size, size), shared.reshape(size, k))
    at_ends = at_ends.reshape(count + 1, n, k)

    both = xp.stack([at_ends[:-1], at_ends[1:]], 1).reshape(count, 2 * n, k)
    inside = (particular - response @ both).reshape(count, order - 2, n, k)
    rows = xp.concatenate([at_ends[:-1, None], inside], axis=1)
    solution = xp.concatenate([rows.reshape(-1, n, k), at_ends[-1:]])
    return solution, negative.sum() + more


def apply_elements(
    elements: Elements,
    grid: Grid,
    diagonal: Float[Array, "count order n n"],
    boundary: Float[Array, "n n"],
    values: Float[Array, "nodes n"],
) -> Float[Array, "nodes n"]:
    """The product of the matrix of `solve_elements` with nodal values."""
    local = xp.einsum("eiab,eib->eia", diagonal, to_elements(elements, values))
    product = apply_stiffness(elements, grid, values) + sum_elements(elements, local)
    return add_at(product, -1, boundary @ values[-1])

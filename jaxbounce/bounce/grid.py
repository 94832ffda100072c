"""Spectral elements in the radius: one stretched grid for thick and thin walls.

The radius is r = a x, the wall lies near x = 1, and x = 1 + w sinh t is dense within w of
the wall and reaches from x = 0 to x_max. In t the range is cut into `count` elements, laid
where a profile needs them, each with `order` Legendre–Gauss–Lobatto nodes shared at their
ends. Integrals over the elements use the same nodes, so that a discrete action is a function
of nodal values whose stationary points are the discrete solutions: its Hessian is symmetric,
and r = 0 needs no boundary condition (r^{D−1} vanishes there).
"""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxbounce._core.arrays import Array, Real, Scalar, constant, put, xp
from jaxbounce._core.series import legendre_polynomials

_TAIL_FLOOR = 1e-13  # rounding

_EVEN = 0.2  # of the elements, spread evenly

Nodal = Float[Array, "nodes fields"]
"""Values at the nodes of a grid, in units of the distance between the vacua."""


class Elements(NamedTuple):
    """How many elements, and how many nodes in each; hashable, hence static under jit."""

    number: int
    order: int

    @property
    def nodes(self) -> int:
        """Number of nodes; neighbours share one."""
        return self.number * (self.order - 1) + 1


class ReferenceElement(NamedTuple):
    """An element on [0, 1]: what all elements share."""

    nodes: np.ndarray
    weights: np.ndarray
    derivative: np.ndarray
    """Values to values of the derivative."""
    to_legendre: np.ndarray
    """Values to coefficients of Legendre polynomials in 2s − 1."""


class Shape(NamedTuple):
    """Where a grid lies; array leaves, constants under differentiation."""

    radius: Scalar
    """a, in units of length: the wall is at r ≈ a."""
    width: Scalar
    """w, as a fraction of a."""
    x_max: Scalar
    """Outer end, as a multiple of a."""
    breaks: Float[Array, " breaks"]
    """Where the elements end, from 0 to 1 as shares of the range of t."""


class Grid(NamedTuple):
    """Nodes and weights of one shape; element-wise, (count, order)."""

    x: Float[Array, "count order"]
    stiffness: Float[Array, "count order order"]
    """∫ x^{D−1} ∂φ_i ∂φ_j dx of the nodal basis functions."""
    mass: Float[Array, "count order"]
    """Weights of ∫ x^{D−1} · dx."""
    slope: Float[Array, "count order"]
    """dx/ds, s the coordinate of the reference element."""
    kinetic: Float[Array, "count order"]
    """Weights of ∫ x^{D−1} ∂φ ∂φ dx, ∂ in s."""


@functools.cache
def reference_element(order: int) -> ReferenceElement:
    """Legendre–Gauss–Lobatto nodes and what belongs to them, by Newton from Chebyshev points."""
    degree = order - 1
    x = -np.cos(np.pi * np.arange(order) / degree)
    for _ in range(50):
        values = np.polynomial.legendre.legvander(x, degree)
        step = (x * values[:, degree] - values[:, degree - 1]) / (order * values[:, degree])
        x = x - step
        if np.max(np.abs(step)) < 1e-15:
            break
    vandermonde = np.polynomial.legendre.legvander(x, degree)
    weights = 2 / (degree * order * vandermonde[:, degree] ** 2)
    ratio = vandermonde[:, None, degree] / vandermonde[None, :, degree]
    difference = x[:, None] - x[None, :] + np.eye(order)
    derivative = ratio / difference * (1 - np.eye(order))
    np.fill_diagonal(derivative, -derivative.sum(1))
    return ReferenceElement(
        nodes=(x + 1) / 2,
        weights=weights / 2,
        derivative=2 * derivative,
        to_legendre=np.linalg.inv(vandermonde),
    )


def _ends(shape: Shape) -> tuple[Scalar, Scalar]:
    """t at x = 0 and at x_max."""
    return xp.arcsinh(-1 / shape.width), xp.arcsinh((shape.x_max - 1) / shape.width)


def make_grid(elements: Elements, shape: Shape, dimension: int) -> Grid:
    """Nodes, stiffness and mass of the elements."""
    reference = reference_element(elements.order)
    start, stop = _ends(shape)
    share = xp.diff(shape.breaks)[:, None]
    length = (stop - start) * share
    t = start + (stop - start) * (shape.breaks[:-1, None] + share * reference.nodes)
    x = put(1 + shape.width * xp.sinh(t), (0, 0), 0.0)
    slope = shape.width * xp.cosh(t) * length
    volume = reference.weights * x ** (dimension - 1)
    stiffness = xp.einsum(
        "qi,eq,qj->eij", reference.derivative, volume / slope, reference.derivative
    )
    return Grid(x, stiffness, xp.asarray(volume * slope), slope, xp.asarray(volume / slope))


def equal_breaks(elements: Elements) -> Float[Array, " breaks"]:
    """Elements of one length in t."""
    return xp.linspace(0.0, 1.0, elements.number + 1)


class Effort(NamedTuple):
    """How much of the resolution a solution needs below each of some points."""

    x: Float[Array, " m"]
    """Increasing from 0."""
    below: Float[Array, " m"]
    """Increasing from 0 to 1; nothing more is needed beyond the last point."""


def effort(elements: Elements, shape: Shape, values: Nodal) -> Effort:
    """What the Legendre tails of a solution ask for: elements shorter where they are large."""
    tails = xp.maximum(legendre_tails(elements, values), _TAIL_FLOOR)
    wanted = tails ** (2 / elements.order)
    below = xp.cumsum(xp.where(xp.isfinite(wanted), wanted, 0.0))
    start, stop = _ends(shape)
    x = 1 + shape.width * xp.sinh(start + (stop - start) * shape.breaks)
    below = below / xp.where(below[-1] > 0, below[-1], 1.0)
    return Effort(put(x, 0, 0.0), xp.append(0.0, below))


def share_out(elements: Elements, shape: Shape, needed: Effort) -> Shape:
    """The shape with its elements laid so that each bears as much of an effort as the others.

    A part of the effort counts as spread evenly over the range, so that no element is longer
    than 1/`_EVEN` of the equal one.

    Args:
        elements: sizes.
        shape: range of the grid; its breaks are not used.
        needed: in units of the shape's radius.
    """
    start, stop = _ends(shape)
    share = xp.clip((xp.arcsinh((needed.x - 1) / shape.width) - start) / (stop - start), 0.0, 1.0)
    total = xp.interp(shape.x_max, needed.x, needed.below)
    share = xp.append(share, 1.0)
    below = xp.append(xp.minimum(needed.below, total), total)
    borne = _EVEN * share + (1 - _EVEN) * below / xp.where(total > 0, total, 1.0)
    inner = xp.interp(equal_breaks(elements), borne, share)
    return shape._replace(breaks=put(put(inner, 0, 0.0), -1, 1.0))


def to_elements(elements: Elements, values: Float[Array, "nodes ..."]) -> Real:
    """Nodal values, element by element: (count, order, ...)."""
    count, order = elements
    inner = values[:-1].reshape(count, order - 1, *values.shape[1:])
    last = values[order - 1 :: order - 1]
    return xp.concatenate([inner, last[:, None]], axis=1)


def sum_elements(elements: Elements, values: Float[Array, "count order ..."]) -> Real:
    """Contributions of the elements added up at shared nodes: (nodes, ...)."""
    shared = values[:-1, -1] + values[1:, 0]
    inner = put(values[:, :-1], (slice(1, None), 0), shared)
    return xp.concatenate([inner.reshape(-1, *values.shape[2:]), values[-1, -1:]])


def nodal_mass(elements: Elements, grid: Grid) -> Float[Array, " nodes"]:
    """Quadrature weights of ∫ x^{D−1} · dx at the nodes."""
    return sum_elements(elements, grid.mass)


def apply_stiffness(elements: Elements, grid: Grid, values: Nodal) -> Nodal:
    """K u, as ∂ᵀ w ∂ u: of values that hardly change the matrix K leaves rounding alone."""
    derivative = reference_element(elements.order).derivative
    slopes = xp.einsum("qj,eja->eqa", derivative, to_elements(elements, values))
    weighted = grid.kinetic[..., None] * slopes
    return sum_elements(elements, xp.einsum("qi,eqa->eia", derivative, weighted))


class Location(NamedTuple):
    """A point of the grid: its element, and 2s − 1 there, from −1 to 1."""

    element: Int[Array, "..."]
    y: Real
    slope: Real
    """dy/dx."""


def locate(shape: Shape, x: Real) -> Location:
    """Where x in [0, x_max] lies."""
    start, stop = _ends(shape)
    s = (xp.arcsinh((x - 1) / shape.width) - start) / (stop - start)
    # few breaks: counting those below is cheaper to compile than a search
    below = constant(s)[..., None] >= shape.breaks[1:-1]
    element = below.sum(-1)
    left, right = shape.breaks[element], shape.breaks[element + 1]
    y = 2 * (s - left) / (right - left) - 1
    slope = 2 / (right - left) / (stop - start) / xp.hypot(shape.width, x - 1)
    return Location(element, y, slope)


def evaluate(
    elements: Elements, shape: Shape, values: Float[Array, "nodes fields"], x: Real
) -> Float[Array, "... fields"]:
    """The piecewise polynomial through nodal values at x in [0, x_max].

    A Legendre sum rather than the barycentric formula: smooth at the nodes too, so that
    derivatives in x may be taken automatically.
    """
    reference = reference_element(elements.order)
    local = xp.einsum("ki,eia->eka", reference.to_legendre, to_elements(elements, values))
    element, y, _ = locate(shape, x)
    return _legendre_sum(local[element], y)


def evaluate_with_slope(
    elements: Elements, shape: Shape, values: Float[Array, "nodes fields"], x: Real
) -> tuple[Float[Array, "... fields"], Float[Array, "... fields"]]:
    """`evaluate`, and the derivative in x."""
    reference = reference_element(elements.order)
    nodal_values = to_elements(elements, values)
    slopes = xp.einsum("ij,eja->eia", reference.derivative / 2, nodal_values)
    both = xp.concatenate([nodal_values, slopes], -1)
    local = xp.einsum("ki,eia->eka", reference.to_legendre, both)
    element, y, change = locate(shape, x)
    u, slope = xp.split(_legendre_sum(local[element], y), 2, -1)
    return u, slope * change[..., None]


def _legendre_sum(coefficients: Float[Array, "... order fields"], y: Real) -> Real:
    """Σ c_k P_k(y)."""
    polynomials = legendre_polynomials(coefficients.shape[-2], y)
    return xp.einsum("...ka,...k->...a", coefficients, xp.stack(polynomials, -1))


def regrid(
    elements: tuple[Elements, Elements],
    shapes: tuple[Shape, Shape],
    values: Nodal,
    dimension: int,
) -> Float[Array, "new_nodes fields"]:
    """Nodal values carried from the first grid to the second, by radius.

    Beyond the end of the first they fall off as a massless field does, r^{−(D−2)}.
    """
    old, new = shapes
    grid = make_grid(elements[1], new, dimension)
    r = nodal(elements[1], grid.x) * new.radius / old.radius
    inside = r <= old.x_max
    carried = evaluate(elements[0], old, values, xp.where(inside, r, old.x_max))
    decay = xp.where(inside, 1.0, (old.x_max / xp.where(inside, 1.0, r)) ** (dimension - 2))
    return carried * decay[:, None]


def nodal(elements: Elements, values: Float[Array, "count order"]) -> Float[Array, " nodes"]:
    """Node-wise order of an element-wise quantity that agrees at shared nodes."""
    return xp.concatenate([values[:, :-1].reshape(elements.nodes - 1), values[-1, -1:]])


def nodal_slopes(elements: Elements, grid: Grid, values: Nodal) -> Nodal:
    """du/dx at the nodes; where two elements meet, that of the outer one."""
    reference = reference_element(elements.order)
    slopes = xp.einsum("ij,eja->eia", reference.derivative, to_elements(elements, values))
    slopes = slopes / grid.slope[..., None]
    inner = slopes[:, :-1].reshape(elements.nodes - 1, values.shape[1])
    return xp.concatenate([inner, slopes[-1, -1:]])


def wall_moments(elements: Elements, grid: Grid, values: Nodal) -> tuple[Scalar, Scalar]:
    """Mean and standard deviation of x under the weight |du/dx|²."""
    reference = reference_element(elements.order)
    slopes = xp.einsum("ij,eja->eia", reference.derivative, to_elements(elements, values))
    weight = reference.weights * (slopes**2).sum(-1) / grid.slope
    total = weight.sum()
    mean = (weight * grid.x).sum() / total
    return mean, xp.sqrt((weight * (grid.x - mean) ** 2).sum() / total)


def legendre_tails(elements: Elements, values: Nodal) -> Float[Array, " count"]:
    """The larger of the last two Legendre coefficients of each element, of the whole range."""
    reference = reference_element(elements.order)
    last = xp.einsum("ki,eia->eka", reference.to_legendre[-2:], to_elements(elements, values))
    return xp.abs(last).max((1, 2)) / xp.abs(values).max()

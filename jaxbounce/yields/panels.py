"""Where to put quadrature panels: equal shares of the work an integrand makes.

The yield integrand can be anything from a narrow Gaussian to a long exponential tail
or a boundary layer at the hot end, at scales that differ by 1e5. A fixed number of
Gauss–Legendre panels serves all of them if the panels sit where the integrand lives.
So a cheap estimate φ of its logarithm is scanned once, and edges are placed at equal
shares of

    ∫ (|φ'| c + 1/ℓ) e^{(φ − max φ)/d} dy,

e-folds plus widths of features ℓ, with tails that cannot matter discounted. The result
depends on φ only through the position of the edges, so φ may be rough; the edges are
constants for differentiation, because an integral does not depend on how it is cut.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxbounce._core.quadrature import gauss_legendre, panel_functionals, summed_moments
from jaxbounce._core.types import Real, RealLike, Scalar

PANELS = 10

NODES = 16

_LAYER_INTERVALS = 12

_CORE_INTERVALS = 36

_EFOLD_WEIGHT = 0.3

_DISCOUNT = 20.0  # a tail e^{−20} below the peak counts for 1/e of its width

_FLOOR = 1e-6  # share of the work given to mere length, so that no panel is lost

_KERNEL_ROUNDING = 64  # in units of the machine's: the kernels are good to ~1e-14

NEAR_BRANCH = 0.1
"""T at a panel's end over that at its begin: T → ∞ is 1 % of its width away."""

_STEEP = 3.0  # e-folds between an edge and its node above which that node cannot tell

_FEW = 4  # edges put in one by one: sorting costs as much as a third of a yield

_DISCOUNTED_TAILS = 2e-12  # relative; what the wide panels in discounted tails may lose


def graded_scan(lower: Real, upper: Real, layer: RealLike, core: RealLike) -> tuple[Real, Real]:
    """Midpoints and widths of graded intervals that fill [lower, upper].

    The first are geometric from `lower`, their first width ~ `layer`; the rest follow a sinh
    around zero, `core` wide at its centre. Both are y = A + B e^t − C e^{−t} at equal steps
    in t, so that one exponential an interval gives midpoint and width.

    Args:
        lower: lower limit, < `upper`.
        upper: upper limit.
        layer: thickness of a boundary layer that may sit at `lower`.
        core: width of the narrowest feature around zero.
    """
    centre = jnp.clip(0.0, lower, upper)
    middle = (lower + centre) / 2
    # a layer at a limit close to zero may reach past it, where the sinh is too coarse to see it
    reach = jnp.minimum(core, (upper - lower) / 2)
    middle = jnp.where(centre - lower < core, lower + reach, middle)
    first, last = jnp.arcsinh((middle - centre) / core), jnp.arcsinh((upper - centre) / core)
    step_layer = jnp.log1p((middle - lower) / layer) / _LAYER_INTERVALS
    step_core = (last - first) / _CORE_INTERVALS
    in_layer = np.arange(_LAYER_INTERVALS + _CORE_INTERVALS) < _LAYER_INTERVALS
    index = np.concatenate([np.arange(_LAYER_INTERVALS), np.arange(_CORE_INTERVALS)]) + 0.5
    growth = jnp.exp(
        jnp.where(in_layer, step_layer, step_core) * index + jnp.where(in_layer, 0.0, first)
    )
    rising = jnp.where(in_layer, layer, core / 2) * growth
    falling = jnp.where(in_layer, 0.0, core / 2) / growth
    stretch = jnp.where(in_layer, 2 * jnp.sinh(step_layer / 2), 2 * jnp.sinh(step_core / 2))
    return jnp.where(in_layer, lower - layer, centre) + rising - falling, stretch * (
        rising + falling
    )


def equal_work_edges(
    lower: Real,
    upper: Real,
    widths: Real,
    log_integrand: Real,
    slope: Real,
    inverse_feature: Real,
    panels: int = PANELS,
) -> Real:
    """Panel edges between `lower` and `upper`, the inner ones constant under differentiation.

    Args:
        lower: first edge, kept with its gradient.
        upper: last edge, likewise.
        widths: widths of the scanned intervals.
        log_integrand: φ, the approximate logarithm of the integrand, at their midpoints.
        slope: φ' there.
        inverse_feature: 1/ℓ there, ℓ the scale on which a factor of the integrand changes shape.
        panels: number of panels (static).
    """
    widths, phi, slope, inverse_feature = jax.lax.stop_gradient(
        (widths, log_integrand, slope, inverse_feature)
    )
    phi = jnp.maximum(phi - phi.max(), -1e4)
    work = (_EFOLD_WEIGHT * jnp.abs(slope) + inverse_feature) * widths * jnp.exp(phi / _DISCOUNT)
    work = work + (_FLOOR * work.sum() / widths.sum()) * widths
    done = jnp.cumsum(work)
    targets = done[-1] * np.arange(1, panels) / panels
    per_work = widths / work
    # length of each interval that lies before the target, piecewise linear in the work done
    before = jnp.clip(targets[:, None] * per_work - (done * per_work - widths), 0.0, widths)
    inner = jax.lax.stop_gradient(lower) + before.sum(-1)
    return jnp.concatenate([lower[None], inner, upper[None]])


def insert_edge(edges: Real, breakpoint_: Scalar) -> Real:
    """`edges` with one more edge at `breakpoint_` (inside their range), still increasing."""
    middle = jnp.clip(breakpoint_, edges[:-1], edges[1:])
    return jnp.concatenate([edges[:1], middle, edges[-1:]])


def with_edges(edges: Real, more: Real) -> Real:
    """`edges` with others among them, as constants; those outside their range make empty panels.

    Empty ones inside: the first panel is a special one (`nodes_in_stretch`).
    """
    inside = (more > edges[0]) & (more < edges[-1])
    more = jnp.where(inside, more, edges[1])
    if more.size > _FEW:
        inner = jnp.sort(jnp.concatenate([edges[1:-1], more]))
    else:
        all_edges = edges
        for one in more:
            all_edges = insert_edge(all_edges, one)
        inner = all_edges[1:-1]
    return jnp.concatenate([edges[:1], jax.lax.stop_gradient(inner), edges[-1:]])


def panel_nodes(edges: Real, nodes: int = NODES) -> tuple[Real, Real]:
    """Gauss–Legendre nodes of all panels, shape (panels, nodes), and half the panel widths."""
    half = jnp.diff(edges) / 2
    t, _ = gauss_legendre(nodes)
    return (edges[:-1] + half)[:, None] + half[:, None] * t, half


def nodes_in_stretch(edges: Real, stretch: Real, nodes: int = NODES) -> tuple[Real, Real, Real]:
    """Gauss–Legendre nodes, even in T_p/T on a first panel that begins near T → ∞; widths, weights.

    A hot gas has terms (m/T)² ln(m/T) (bosons) and (m/T)³ in its flux, which are singular in y
    there, and hardly so in T_p/T. Later panels are as far from there as they are wide, and what
    does not begin near it is smooth enough, and smoother in y.

    Args:
        edges: in y; T_p/T is the root of what is linear in y.
        stretch: T_p/T at the edges; its relative rounding does not matter.
        nodes: a panel (static).

    Returns:
        y, shape (panels, nodes), half the panel widths, and dy over its mean, as y.
    """
    half = jnp.diff(edges) / 2
    begin, end = jax.lax.stop_gradient((stretch[0], stretch[1]))
    first = jnp.where(begin < NEAR_BRANCH * end, begin / (begin + end), 0.5)
    share = jnp.where(np.arange(edges.size - 1) == 0, first, 0.5)[:, None]
    tau = (1 + gauss_legendre(nodes)[0]) / 2
    even, growing = 2 * share, 1 - 2 * share
    y = edges[:-1, None] + 2 * half[:, None] * tau * (even + growing * tau)
    return y, half, even + 2 * growing * tau


class PanelSums(NamedTuple):
    """What is read from an integrand at the nodes of panels: all of it sums over those of a panel.

    Attributes:
        moments: integral over a panel of length 2, and some of its Legendre coefficients.
        ends: the interpolant of a panel at its first and at its last edge.
        nodal: the integrand at the nodes.
    """

    moments: Real
    ends: Real
    nodal: Real


def panel_sums(values: Real) -> PanelSums:
    """The sums of an integrand at the nodes of panels, shape (panels, nodes), in one product.

    The compiler works an integrand out again for each who reads it, so there is one reader.
    """
    nodes = values.shape[-1]
    sums = values @ _functionals(nodes)
    count = panel_functionals(nodes).shape[1]
    return PanelSums(sums[:, :count], sums[:, count:-nodes], sums[:, -nodes:])


@functools.cache
def _functionals(nodes: int) -> np.ndarray:
    return np.concatenate([panel_functionals(nodes), _edge_values(nodes), np.eye(nodes)], axis=1)


def integrate_panels(sums: PanelSums, half: Real, nodes: int = NODES) -> tuple[Scalar, Scalar]:
    """Sum of the panel integrals of a non-negative integrand, and an estimate of its error.

    The estimate is that of `summed_panels`, and a floor for rounding and for discounted tails.
    What lies between an edge and the node next to it (0.5 % of a panel of 16) no rule sees;
    `unseen_at_edges` tells from the panel on the other side.
    """
    total, truncation = summed_moments(sums.moments, half, nodes)
    floor = _KERNEL_ROUNDING * jnp.finfo(total.dtype).eps + _DISCOUNTED_TAILS
    return total, truncation + floor * jax.lax.stop_gradient(total)


@functools.cache
def _edge_values(nodes: int) -> np.ndarray:
    """Columns: the interpolant of a panel at its first and at its last edge."""
    t, weight = gauss_legendre(nodes)
    series = np.polynomial.legendre.legvander(t, nodes - 1)
    to_coefficients = series * weight[:, None] * (np.arange(nodes) + 0.5)
    ends = np.polynomial.legendre.legvander(np.array([-1.0, 1.0]), nodes - 1)
    return to_coefficients @ ends.T


def in_y(sums: PanelSums, speed: Real) -> PanelSums:
    """Ends and nodal values of an integrand whose sums are those of it times `speed`.

    That is the last of `nodes_in_stretch`: linear on the first panel, 1 on the others.
    """
    first = panel_sums(jax.lax.stop_gradient(speed[:1]))
    ends = jnp.concatenate([sums.ends[:1] / first.ends, sums.ends[1:]])
    nodal = jnp.concatenate([sums.nodal[:1] / first.nodal, sums.nodal[1:]])
    return sums._replace(ends=ends, nodal=nodal)


def unseen_at_edges(
    sums: PanelSums, half: Real, continuous: Bool[Array, " edges"], nodes: int = NODES
) -> Scalar:
    """An estimate of what panels miss between an edge and the node next to it.

    A tail that falls to nothing before the first node of a wide panel is not seen by that panel.
    The one before resolves it up to their edge: there the two interpolants differ. What is
    missed is the logarithmic mean of the integrand at edge and node, times their distance.

    Args:
        sums: of a non-negative integrand on panels side by side.
        half: half the panel widths.
        continuous: whether it is so at each of the inner edges.
        nodes: a panel (static).
    """
    half, ends, nodal = jax.lax.stop_gradient((half, sums.ends, sums.nodal))
    t, _ = gauss_legendre(nodes)
    before, after = jnp.abs(ends[:-1, 1]), jnp.abs(ends[1:, 0])
    tiny = jnp.finfo(ends.dtype).tiny
    jump = jnp.where(continuous, jnp.abs(ends[1:, 0] - ends[:-1, 1]), 0.0)

    def missed(edge: Real, node: Real, width: Real) -> Real:
        fall = jnp.log(jnp.maximum(edge, tiny) / jnp.maximum(node, tiny))
        steep = fall > _STEEP
        return jnp.where(steep, jnp.minimum(jump, edge) * width / jnp.where(steep, fall, 1.0), 0.0)

    space = (1 + float(t[0])) * half
    later = missed(before, nodal[1:, 0], space[1:])
    earlier = missed(after, nodal[:-1, -1], space[:-1])
    return jnp.maximum(later, earlier).sum()

"""The chain of radius moments on given panels, and how far its polynomials are from the rate.

Every error is that of a polynomial, seen at points between its nodes and at the ends of its
panel, where a rate that switches on or bends inside the panel shows itself. The same chain
carries it on to later times, with one sign, as if nothing cancelled.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbounce._core.series import legendre_rule, legendre_sum, legendre_values
from jaxbounce._core.types import Real, Scalar

OfTime = Callable[[Real, Any], Real]

_END = 1e-9  # of half a panel: how close to its ends the rate is looked at

_FACTORIALS = np.array([1.0, 1.0, 2.0, 6.0])


class Rates(NamedTuple):
    """What the chain integrates."""

    log_rate: OfTime
    scale_factor: OfTime
    args: Any
    v_w: Scalar
    radius: Scalar
    """Comoving, at birth."""
    present: Scalar
    """Number of bubbles per comoving volume that are born at the first edge, all at once."""


class _Walls(NamedTuple):
    v_w: Scalar
    radius: Scalar


class Chain(NamedTuple):
    """The moments on given panels, and how good they are."""

    moments: Float[Array, "4 panels degrees"]
    swept: Scalar
    born: Scalar
    error: Scalar
    before_start: Scalar
    shares: Float[Array, " panels"]
    """What each panel contributes to the error, roughly: which to cut."""
    area_errors: Float[Array, " panels"]
    """Bound on the absolute error of A/V within each panel."""
    finite: Bool[Array, ""]


def volume_of(moments: Float[Array, "4 ..."], radius: Real) -> Real:
    """I."""
    k0, k1, k2, k3 = moments
    return 4 * jnp.pi / 3 * (k3 + 3 * radius * k2 + 3 * radius**2 * k1 + radius**3 * k0)


def area_of(moments: Float[Array, "4 ..."], radius: Real) -> Real:
    """a A/V e^I."""
    k0, k1, k2, _ = moments
    return 4 * jnp.pi * (k2 + 2 * radius * k1 + radius**2 * k0)


@functools.cache
def _between(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points between the nodes and near both ends, P_k there, k ≤ `nodes`, and weights of ∫."""
    x, _, _ = legendre_rule(nodes)
    points = np.concatenate([[-1 + _END], (x[1:] + x[:-1]) / 2, [1 - _END]])
    values = np.polynomial.legendre.legvander(points, nodes).T
    return points, values, np.linalg.solve(values, 2.0 * (np.arange(nodes + 1) == 0))


class Panels(NamedTuple):
    """Panels and the integration over them."""

    edges: Float[Array, " edges"]
    nodes: int

    @property
    def half(self) -> Float[Array, " panels"]:
        """Half of their widths."""
        return jnp.diff(self.edges) / 2

    def times(self, x: np.ndarray) -> Float[Array, "panels points"]:
        """Points of [−1, 1] in each."""
        half = self.half[:, None]
        return self.edges[:-1, None] + half + half * x

    def integrate(self, values: Real) -> tuple[Real, Real]:
        """Legendre coefficients of the running integral, and its values at the nodes."""
        _, _, to_integral = legendre_rule(self.nodes)
        local = self.half[:, None] * (values @ to_integral.T)
        start = jnp.concatenate([jnp.zeros(1, local.dtype), jnp.cumsum(local.sum(-1))[:-1]])
        coefficients = local.at[:, 0].add(start)
        return coefficients, coefficients @ legendre_values(self.nodes)


def piecewise(
    edges: Float[Array, " edges"], coefficients: Float[Array, "... panels degrees"], t: Real
) -> Float[Array, "..."]:
    """Legendre polynomials of panels at times, held at the ends; the axes of t come last."""
    inside = jnp.clip(t, edges[0], edges[-1])
    panel = jnp.clip(jnp.searchsorted(edges, inside, side="right") - 1, 0, edges.shape[0] - 2)
    left, right = edges[panel], edges[panel + 1]
    width = right - left
    empty = width <= 0
    x = jnp.where(empty, 0.0, (2 * inside - left - right) / jnp.where(empty, 1.0, width))
    return legendre_sum(jnp.moveaxis(coefficients[..., panel, :], -1, 0), x)


class _Sampled(NamedTuple):
    """What is integrated, at the nodes or between them."""

    t: Float[Array, "panels points"]
    a: Float[Array, "panels points"]
    ln_rate: Float[Array, "panels points"]


def integrate_chain(rates: Rates, edges: Float[Array, " edges"], nodes: int) -> Chain:
    """The chain on panels that may be empty; its estimates have no derivatives."""

    def sampled(t: Real) -> _Sampled:
        return _Sampled(t, rates.scale_factor(t, rates.args), rates.log_rate(t, rates.args))

    panels = Panels(edges, nodes)
    x, _, _ = legendre_rule(nodes)
    points, _, _ = _between(nodes)
    still = jax.lax.stop_gradient(edges)
    # strictly inside: a jump at an edge belongs there
    left, right = still[:-1, None], still[1:, None]
    inner = Panels(still, nodes).times(points)
    inner = jnp.clip(inner, jnp.nextafter(left, right), jnp.nextafter(right, left))
    there = jax.lax.stop_gradient(sampled(inner))
    at_nodes = sampled(panels.times(x))
    return _integrate(rates.v_w, rates.radius, rates.present, edges, at_nodes, there, nodes)


# one program rather than a hundred small ones where nothing else compiles it
@functools.partial(jax.jit, static_argnames="nodes")
def _integrate(
    v_w: Scalar,
    radius: Scalar,
    present: Scalar,
    edges: Float[Array, " edges"],
    at_nodes: _Sampled,
    there: _Sampled,
    nodes: int,
) -> Chain:
    panels, walls = Panels(edges, nodes), _Walls(v_w, radius)
    t, a, ln_rate = at_nodes
    highest = jax.lax.stop_gradient(jnp.max(ln_rate))
    # no nucleation at all is a rate of 0, not 0/0
    peak = jnp.where(jnp.isneginf(highest), 0.0, highest)
    rate, scale = jnp.exp(ln_rate - peak) * a**3, jnp.exp(peak)

    coefficients, values = [], []
    integrand = rate
    for n in range(4):
        polynomial, nodal = panels.integrate(integrand)
        if n == 0:
            polynomial, nodal = polynomial.at[:, 0].add(present / scale), nodal + present / scale
        coefficients.append(polynomial)
        values.append(nodal)
        integrand = (n + 1) * v_w / a * nodal
    moments, polynomials = scale * jnp.stack(values), scale * jnp.stack(coefficients)

    covering, births = _swept_and_born(walls, scale * rate, a, moments)
    swept, born = (panels.integrate(part)[0][-1].sum() for part in (covering, births))
    born = born - jnp.expm1(-4 / 3 * jnp.pi * radius**3 * present)
    known = _Known(t, a, ln_rate, rate, peak, moments, polynomials, covering + births)
    known, still, walls, covered = jax.lax.stop_gradient((known, edges, walls, swept + born))
    panels = Panels(still, nodes)
    error, shares, area_errors = _error(walls, panels, known, there, covered)
    return Chain(
        moments=polynomials,
        swept=swept,
        born=born,
        error=error,
        before_start=_before_start(walls, panels, known),
        shares=shares,
        area_errors=area_errors,
        finite=jnp.isfinite(peak) & jnp.isfinite(scale),
    )


class _Known(NamedTuple):
    """The chain at its nodes."""

    t: Float[Array, "panels nodes"]
    a: Float[Array, "panels nodes"]
    ln_rate: Float[Array, "panels nodes"]
    rate: Float[Array, "panels nodes"]
    """Γ a³ e^{−peak}."""
    peak: Scalar
    moments: Float[Array, "4 panels nodes"]
    polynomials: Float[Array, "4 panels degrees"]
    covered: Float[Array, "panels nodes"]
    """−dh/dt."""


def _swept_and_born(
    walls: _Walls, rate: Real, a: Real, moments: Float[Array, "4 ..."]
) -> tuple[Real, Real]:
    """What walls sweep and what nucleates, as fractions of the volume and per time."""
    h = jnp.exp(-volume_of(moments, walls.radius))
    swept = walls.v_w / a * area_of(moments, walls.radius) * h
    return swept, 4 * jnp.pi / 3 * walls.radius**3 * rate * h


def _error(
    walls: _Walls, panels: Panels, known: _Known, there: _Sampled, covered: Scalar
) -> tuple[Scalar, Float[Array, " panels"], Float[Array, " panels"]]:
    """The error of the whole, the shares of the panels, and the errors of A/V in them."""
    _, to_coefficients, _ = legendre_rule(panels.nodes)
    _, values, weights = _between(panels.nodes)
    a, half, radius = known.a, panels.half, walls.radius
    scale = jnp.exp(known.peak)

    a_there = there.a
    rate_there = jnp.exp(there.ln_rate - known.peak) * a_there**3
    moments_there = known.polynomials @ values

    def missed(at_nodes: Real, between: Real) -> Float[Array, " panels"]:
        """The largest distance of the polynomial from what it stands for."""
        seen = at_nodes @ to_coefficients.T @ values[:-1]
        return jnp.where(half > 0, jnp.abs(seen - between).max(-1), 0.0)

    of_rate, of_path = missed(known.rate, rate_there), missed(1 / a, 1 / a_there)
    carried = []
    integrand = jnp.broadcast_to(of_rate[:, None], a.shape)
    for n in range(4):
        _, nodal = panels.integrate(integrand)
        carried.append(scale * nodal)
        growth = nodal / a + of_path[:, None] * known.moments[n] / scale
        integrand = (n + 1) * walls.v_w * growth
    moments = jnp.stack(carried)

    volume, area = volume_of(known.moments, radius), area_of(known.moments, radius) / a
    h = jnp.exp(-volume)
    # I may be smaller by as much, and h larger
    gap = h * jnp.expm1(jnp.minimum(volume_of(moments, radius), volume))
    of_area = area_of(moments, radius) / a + of_path[:, None] * area * a
    off = of_area * (h + gap) + area * gap
    # the fractions are integrals of e^{−I} over whole panels: by another rule
    swept, born = _swept_and_born(walls, scale * rate_there, a_there, moments_there)
    total = panels.integrate(known.covered)[0].sum(-1)
    unseen = jnp.abs(half * ((swept + born) @ weights) - jnp.diff(total, prepend=0.0))
    h_end = jnp.exp(-volume_of(known.polynomials[:, -1].sum(-1), radius))
    errors = (
        _relative(gap.max(), (volume * h).max()),
        _relative(off.max(), (area * h).max()),
        gap.max() + unseen.sum(),
        jnp.abs(covered + h_end - 1),
    )
    error = jnp.stack(errors).max()

    # an error of the rate in one panel, at the ends of later ones
    run = panels.integrate(walls.v_w / a)[0].sum(-1)
    reach = jnp.maximum(run - jnp.append(0.0, run[:-1])[:, None], 0.0) + radius
    at_ends = jnp.exp(-volume_of(known.polynomials.sum(-1), radius))
    later = _relative(4 / 3 * jnp.pi * reach**3 * at_ends, (volume * h).max())
    later = later + _relative(4 * jnp.pi * reach**2 * at_ends, (area * h).max())
    later = jnp.where(run >= run[:, None], later, 0.0).max(-1)
    in_panels = jnp.where(half > 0, off.max(-1), 0.0)
    return error, 2 * half * scale * of_rate * later + unseen, in_panels


def _relative(part: Real, whole: Scalar) -> Real:
    """part/whole; 0 of nothing."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1.0), 0.0)


def _before_start(walls: _Walls, panels: Panels, known: _Known) -> Scalar:
    """What nucleation before the first panel would add to I, relative to it.

    Γ a³ taken to rise as it does at the first two nodes; when I is 1, or at the end.
    """
    ln_rate, t = known.ln_rate[0, :2], known.t[0, :2]
    slope = (ln_rate[1] - ln_rate[0]) / (t[1] - t[0])
    rising = slope > 0
    slope = jnp.where(rising, slope, 1.0)
    path = walls.v_w / known.a[0, 0]
    start = jnp.exp(ln_rate[0] - slope * (t[0] - panels.edges[0])) * known.a[0, 0] ** 3
    moments = start / slope * _FACTORIALS * (path / slope) ** np.arange(4)
    volume = volume_of(known.moments, walls.radius).ravel()
    run = panels.integrate(walls.v_w / known.a)[1].ravel()
    when = jnp.argmax(volume * jnp.exp(-volume))
    added = _relative(volume_of(moments, run[when] + walls.radius), volume[when])
    return jnp.where(jnp.isneginf(ln_rate[0]), 0.0, jnp.where(rising, added, jnp.inf))

"""The temperature range cut into segments, and on each the walls' source as a polynomial.

A segment spans n₀ to n₀ + Δn while τ runs from 0 to 1. During the wall epoch the segments are
quadrature panels in y (one that begins near T → ∞ in T_p/T), placed by what the integrand of Y_B
looks like (`jaxbounce.yields.panels`); one segment before and one or two after complete the range,
all cut where the pace of time is not smooth. The source is evaluated at Gauss–Legendre nodes, so
that no pulse can be stepped over; everything linear, depletion of χ by the walls and washout of B,
is then integrated here, as Legendre series:

* self-consistent: K(τ) = ∫ k dτ, the exponent by which the walls deplete χ since the start
  of the segment, and M(τ) = ∫ k e^{−K} e^{−Ω} dτ, what they give to B, Ω the washout until
  the end of the segment;
* external: Z(τ) = ∫ S dτ, what they take from χ, and ∫ S e^{−Ω} dτ.

What is left for the differential equation is annihilation.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.series import horner, legendre_rule, legendre_to_powers, legendre_values
from jaxbounce._core.types import Real, Scalar
from jaxbounce.cosmology.clock import Clock, Slowing, constant_time, slowing
from jaxbounce.cosmology.gas import PIECEWISE_SWITCH
from jaxbounce.cosmology.radiation import temperature_ratio
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area import extended_volume
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.panels import (
    NEAR_BRANCH,
    equal_work_edges,
    insert_edge,
    integrate_panels,
    panel_sums,
)
from jaxbounce.yields.quadrature import rounded_at_hot_end
from jaxbounce.yields.rates import (
    annihilation_rate,
    equilibrium_yield,
    kernel_of,
    source_rate,
    washout_exponent,
)
from jaxbounce.yields.source import rough_source, source_panels, wall_times

_FRONT_EDGES = 4

_REFINEMENTS = 2

_SCANNED_EFOLDS = 48  # parts of the range in ln T that are scanned besides

_INTERVALS = 6  # a panel is cut into this many to be scanned again

_LARGEST_EXPONENT = 40.0  # depletion and washout beyond e^{−40} put panels where K is still wanted

_LARGEST_VOLUME = 700.0  # e^{−700} is as good as nothing

_BEYOND_POINTS = 100

_SAME_EDGE = 1e-12  # in n

_FIRST_NODE = 2.6e-8  # P(4, Δz) of the published z grid: where u P(4, Δz) ~ 1 its area is cut off


class Segments(NamedTuple):
    """Segments in order of time; the leading axis is theirs.

    Attributes:
        start: n₀.
        length: Δn ≥ 0.
        active: whether walls act; then τ runs with y, otherwise with n.
        even: dy/dτ at τ = 0 over its mean, where walls act: 1, τ linear in y, or less.
        relativistic: side of T = m/3, for the published limits.
        rate: powers of 2τ − 1 in k or S, per unit of τ.
        lost: the same of K or Z.
        gained: the same of M ("external": zero).
        gained_bare: the same of ∫ k e^{−Ω} dτ, M without depletion inside the segment.
        lost_at_end: K(1) or Z(1).
        gained_at_end: M(1), or ∫ S e^{−Ω} dτ.
        gained_bare_at_end: ∫ k e^{−Ω} dτ.
        washout: Ω over the segment.
        loss_error: estimated absolute error of `lost_at_end`.
        gain_error: estimated absolute error of `gained_at_end`.
    """

    start: Float[Array, " segments"]
    length: Float[Array, " segments"]
    active: Bool[Array, " segments"]
    even: Float[Array, " segments"]
    relativistic: Bool[Array, " segments"]
    rate: Float[Array, "segments degrees"]
    lost: Float[Array, "segments degrees"]
    gained: Float[Array, "segments degrees"]
    gained_bare: Float[Array, "segments degrees"]
    lost_at_end: Float[Array, " segments"]
    gained_at_end: Float[Array, " segments"]
    gained_bare_at_end: Float[Array, " segments"]
    washout: Float[Array, " segments"]
    loss_error: Float[Array, " segments"]
    gain_error: Float[Array, " segments"]


def _rough(
    p: Parameters, c: Choices, y: Real, clock: Clock | None, history: AreaHistory | None
) -> tuple[Real, Real, Real]:
    y0, y, rate = _true(y, clock)
    phi, slope, inverse_feature = rough_source(
        y,
        I_p=p.I_p,
        sigma_y=p.sigma_y,
        m_over_Tp=p.m_chi / p.T_p,
        beta_over_H=p.beta_over_H,
        window=c.window,
        kernel=c.area_kernel,
        y0=y0,
        rate=rate,
        history=history,
    )
    if kernel_of(c) == "published":
        cut = _FIRST_NODE * extended_volume(y, p.I_p)
        phi, slope = phi - cut, slope - rate * cut
    return phi, slope, inverse_feature


def _true(y0: Real, clock: Clock | None) -> tuple[Real, Real, Real | float]:
    """Of a percolation time of constant g_*: itself, the true one, and the rate of that."""
    if clock is None:
        return y0, y0, 1.0
    y, pace = clock.at(y0)
    return y0, y, pace.rate


def _rough_depletion(
    p: Parameters, c: Choices, y: Real, clock: Clock | None, history: AreaHistory | None
) -> Real:
    """k to 30 %: a particle meets the walls' area at ¼ of its speed, or at half of theirs."""
    y0, y, rate = _true(y, clock)
    volume = extended_volume(y, p.I_p)
    x = p.m_chi / p.T_p * temperature_ratio(y0, p.beta_over_H)
    hits = 0.25 / jnp.sqrt(1 + jnp.pi * x / 8)
    if c.flux == "moving-wall":
        hits = hits + p.v_w / 2
    if history is not None:
        area = history.scaled(y)
    elif kernel_of(c) == "kjma":
        area = volume * jnp.exp(-volume)
    else:
        area = volume / (1 + volume / 6) ** 0.75
        if kernel_of(c) == "published":
            area = area * jnp.exp(-_FIRST_NODE * volume)
    window = jnp.exp(-((y / p.sigma_y) ** 2) / 2) if c.window == "gaussian" else 1.0
    return p.P / p.v_w * hits * area * window * rate


def _wall_panels(
    p: Parameters,
    c: Choices,
    lower: Scalar,
    upper: Scalar,
    panels: int,
    clock: Clock | None,
    history: AreaHistory | None,
) -> Real:
    """Edges in y of panels on which source, depletion and washout are all resolved."""
    edges = source_panels(
        I_p=p.I_p,
        sigma_y=p.sigma_y,
        m_over_Tp=p.m_chi / p.T_p,
        beta_over_H=p.beta_over_H,
        lower=lower,
        upper=upper,
        window=c.window,
        kernel=c.area_kernel,
        panels=panels - _FRONT_EDGES,
        clock=clock,
        history=history,
    )
    source_edges, lower, upper = edges, edges[0], edges[-1]
    # χ that the bath makes anew, λY_eq² an e-fold, does not run out
    made = (
        annihilation_rate(p.T_p, p.m_chi, p.sigma_v, p.sigma_v_slope, p.g_star, p.g_star_s)
        * equilibrium_yield(p.m_chi / p.T_p, p.g_chi, p.g_star_s, c.chi_stats, c.equilibrium) ** 2
    )
    deepest = -jnp.log(jnp.clip(made, np.exp(-_LARGEST_EXPONENT), 1.0))
    parts = (np.arange(_INTERVALS) + 0.5) / _INTERVALS
    # washout runs with the logarithm of T: its front may be a layer of y that is thin beside any
    # panel, where T_max is far above T_p
    span = _efolds(upper, p.beta_over_H) - _efolds(lower, p.beta_over_H)
    n = _efolds(lower, p.beta_over_H) + span * np.arange(1, _SCANNED_EFOLDS) / _SCANNED_EFOLDS
    between = jnp.clip(p.beta_over_H / 2 * jnp.expm1(2 * n), lower, upper)
    edges = jnp.concatenate(
        [edges[:1], jnp.sort(jnp.concatenate([edges[1:-1], between])), edges[-1:]]
    )
    for _ in range(_REFINEMENTS):
        widths = jnp.repeat(jnp.diff(edges) / _INTERVALS, _INTERVALS)
        y = (edges[:-1, None] + jnp.diff(edges)[:, None] * parts).ravel()
        phi, slope, inverse_feature = _rough(p, c, y, clock, history)
        B = p.beta_over_H
        n, last = _efolds(y, B), _efolds(upper, B)
        washed = washout_exponent(n, last, p.washout_over_H, p.washout_power)
        fading = p.washout_over_H * jnp.exp(p.washout_power * n) / (B + 2 * y)
        # twice, since what is washed out by e^{−20} is lost and not only deep in a tail
        phi = phi - 2 * jnp.minimum(washed, _LARGEST_EXPONENT / 2)
        slope = slope + jnp.where(washed < _LARGEST_EXPONENT / 2, fading, 0.0)
        # a power of 1 + 2y/(β/H): a panel must not reach far beyond its distance from the branch
        # point, wherever washout is felt at all
        felt = washed / (washed + 1e-3) * jnp.where(washed < _LARGEST_EXPONENT / 2, 1.0, 0.0)
        inverse_feature = inverse_feature + felt * (fading + 2 / (B + 2 * y))
        if c.coupling == "self-consistent":
            k = _rough_depletion(p, c, y, clock, history)
            gone = jnp.cumsum(k * widths) - k * widths / 2
            phi = phi - jnp.minimum(gone, deepest)
            slope = slope - jnp.where(gone < deepest, k, 0.0)
            inverse_feature = inverse_feature + jnp.where(gone < deepest, k, 0.0)
        edges = equal_work_edges(
            lower, upper, widths, phi, slope, inverse_feature, _FRONT_EDGES + 1
        )
    # the source's own panels stay; these only cut them where χ or B would run out within one
    return jnp.concatenate(
        [source_edges[:1], jnp.sort(jnp.concatenate([source_edges[1:-1], edges[1:-1]])), edges[-1:]]
    )


def _efolds(y: Real, beta_over_H: Real) -> Real:
    """n = ln(T_p/T) at percolation time y."""
    return jnp.log1p(2 * y / beta_over_H) / 2


def make_segments(
    p: Parameters,
    c: Choices,
    *,
    hottest: Scalar,
    coldest: Scalar,
    last: Scalar,
    y_min: Scalar,
    y_max: Scalar,
    panels: int,
    nodes: int,
    clock: Clock | None = None,
    history: AreaHistory | None = None,
) -> Segments:
    """Cut n from `hottest` to `last` into segments and integrate the source on each.

    Args:
        p: the parameters, all given.
        c: the choices.
        hottest: n = ln(T_p/T) to start from.
        coldest: n until which walls and washout act.
        last: n to end with, ≥ `coldest`.
        y_min: earliest percolation time at which walls count.
        y_max: latest, > `y_min`.
        panels: panels of the wall epoch (static).
        nodes: Gauss–Legendre nodes a segment (static).
        clock: where g_* changes. "y" in the rest of this module is then y₀, the percolation time
            of constant g_*, in which T is a closed form all the same.
        history: of area_kernel "history".
    """
    B = p.beta_over_H
    latest = y_max
    y_min, y_max = wall_times(y_min, y_max, p.I_p, c.area_kernel, history)
    if clock is not None:
        given = jnp.stack([y_min, y_max, latest])
        y_min, y_max, latest = constant_time(clock.efolds(given), B)
    hot_y, cold_y = B / 2 * jnp.expm1(2 * hottest), B / 2 * jnp.expm1(2 * coldest)
    # `where`, not minimum: at a tie the derivative must belong to one side
    lower = jnp.where(hot_y < y_min, y_min, hot_y)
    upper = jnp.where(cold_y > y_max, y_max, cold_y)
    lower = jnp.where(lower < upper, lower, upper)
    thinnest = 1e-9 * (1 + jnp.abs(lower))
    edges = _wall_panels(
        p, c, lower, jnp.where(upper > lower, upper, lower + thinnest), panels, clock, history
    )
    edges = jnp.where(edges < upper, edges, upper)
    first, final = _efolds(edges[:1], B), _efolds(edges[-1:], B)
    inner = jax.lax.stop_gradient(_efolds(edges[1:-1], B))
    first = jnp.where(hot_y < y_min, first, hottest)
    final = jnp.where(cold_y > edges[-1], final, coldest)
    n = jnp.concatenate([hottest[None], first, inner, final, coldest[None], last[None]])
    if clock is not None:
        n = _with_joints(n, clock.expansion.joints())
    relativistic = jnp.ones(n.shape[0] - 1, bool)
    if c.equilibrium == "piecewise":
        mass = p.m_chi / p.T_p
        meets = mass * jnp.exp(last) > PIECEWISE_SWITCH
        meeting = jnp.log(PIECEWISE_SWITCH / jnp.where(meets, mass, 1.0))
        meeting = jnp.clip(jnp.where(meets, meeting, last), hottest, last)
        n = insert_edge(n, meeting)
        relativistic = (n[1:] + n[:-1]) / 2 < meeting
    middle = (n[1:] + n[:-1]) / 2
    active = (middle > first) & (middle < final)
    return _integrate_source(p, c, n, active, relativistic, coldest, latest, nodes, clock, history)


def _with_joints(n: Real, joints: Real) -> Real:
    """The edges n, and those where the pace is not smooth, before the walls and after them too.

    One that falls on an edge, whose derivative must stay, or outside makes an empty segment.
    """
    still = jax.lax.stop_gradient(n)
    apart = jnp.abs(joints[:, None] - still).min(1) > _SAME_EDGE
    inside = apart & (joints > still[0]) & (joints < still[-1])
    return jnp.sort(jnp.concatenate([n, jnp.where(inside, joints, (still[0] + still[-1]) / 2)]))


def _integrate_source(
    p: Parameters,
    c: Choices,
    n: Real,
    active: Bool[Array, "..."],
    relativistic: Bool[Array, "..."],
    coldest: Scalar,
    y_max: Scalar,
    nodes: int,
    clock: Clock | None,
    history: AreaHistory | None,
) -> Segments:
    slower = None if clock is None else slowing(clock, p.washout_power)
    x, to_coefficients, to_integral = legendre_rule(nodes)
    to_powers = legendre_to_powers(nodes + 1)
    at_nodes = legendre_values(nodes)
    start, length = n[:-1], jnp.diff(n)
    # outside the wall epoch y runs away; nothing is evaluated there
    y_edges = p.beta_over_H / 2 * jnp.expm1(2 * n)
    first = jnp.where(active, y_edges[:-1], 0.0)[:, None]
    span = jnp.where(active, jnp.diff(y_edges), 0.0)[:, None]
    # as `panels.nodes_in_stretch`: a hot gas is singular in y at T → ∞, and hardly so in T_p/T
    hot = jax.lax.stop_gradient(active & (length > -np.log(NEAR_BRANCH)))
    even = jnp.where(hot, 2 / (1 + jnp.exp(jax.lax.stop_gradient(length))), 1.0)
    share, pace = _share(even[:, None], jnp.asarray((1 + x) / 2))
    y, span = first + span * share, span * pace
    node_n = jnp.where(active[:, None], _efolds(y, p.beta_over_H), start[:, None])
    rate = span * source_rate(p, c, y, relativistic[:, None], clock, history)

    def washout(a: Real, b: Real) -> Real:
        return washout_exponent(
            jnp.where(a < coldest, a, coldest),
            jnp.where(b < coldest, b, coldest),
            p.washout_over_H,
            p.washout_power,
            slower,
        )

    end = n[1:]
    kept = jnp.exp(-washout(node_n, end[:, None]))
    half = jnp.full_like(start, 0.5)  # dτ = ½ d(2τ − 1)
    lost = rate @ to_integral.T / 2
    integrate = jax.vmap(lambda f, h: integrate_panels(panel_sums(f[None]), h[None], nodes))
    lost_at_end, loss_error = integrate(rate, half)
    bare = rate * kept
    if c.coupling == "self-consistent":
        gain = bare * jnp.exp(-(lost @ at_nodes))
        gained, gained_bare = gain @ to_integral.T / 2, bare @ to_integral.T / 2
    else:
        gain, gained, gained_bare = bare, jnp.zeros_like(lost), jnp.zeros_like(lost)
    gained_at_end, gain_error = integrate(gain, half)
    if c.area_kernel == "kjma":
        density = rate / jnp.where(span > 0, span, 1.0)
        ends = jnp.where(active, y_edges[1:], 0.0)
        left = _left_beyond(p, y[:, -1], density[:, -1], ends, active, coldest, y_max, slower)
        gain_error = gain_error.at[-1].add(left)
    weight, ratio = gauss_legendre(nodes)[1] / 2, temperature_ratio(y, p.beta_over_H)
    # twice: the edges, which come from n, are rounded as well as the nodes between them
    rounded = 2 * rounded_at_hot_end(p.m_chi / p.T_p * ratio, ratio)
    loss_error = loss_error + jax.lax.stop_gradient(rate * rounded) @ weight
    gain_error = gain_error + jax.lax.stop_gradient(gain * rounded) @ weight
    if history is not None:
        at = _true(y, clock)[1]
        missed = history.relative_error(at)
        loss_error = loss_error + jax.lax.stop_gradient(rate * missed) @ weight
        gain_error = gain_error + jax.lax.stop_gradient(gain * missed) @ weight
        # walls hit no more than what is left of space, at the last rate a unit of it
        swept = history.scaled(at) * span
        hits = jnp.where(swept > 0, rate / jnp.where(swept > 0, swept, 1.0), 0.0).max()
        unswept = jnp.where(history.is_covered(), history.remaining_fraction, 0.0)
        gain_error = gain_error.at[-1].add(jax.lax.stop_gradient(hits * unswept))
    return Segments(
        start=start,
        length=length,
        active=active,
        even=even,
        relativistic=relativistic,
        rate=rate @ to_coefficients.T @ to_powers[:-1, :-1],
        lost=lost @ to_powers,
        gained=gained @ to_powers,
        gained_bare=gained_bare @ to_powers,
        lost_at_end=lost_at_end,
        gained_at_end=gained_at_end,
        gained_bare_at_end=integrate(bare, half)[0],
        washout=washout(start, end),
        loss_error=loss_error,
        gain_error=gain_error,
    )


def _left_beyond(
    p: Parameters,
    y: Real,
    source: Real,
    ends: Real,
    active: Bool[Array, "..."],
    coldest: Scalar,
    y_max: Scalar,
    slower: Slowing | None,
) -> Scalar:
    """What the walls would still give to B after the last panel, where space counts as covered.

    e^{−I} is next to nothing there, unless washout has taken all that came before: with
    S ∝ I e^{−I} it is ∫ S e^{−Ω} dy = (S/I) e^{I} ∫ e^{−I − Ω} dI, Ω the washout still to come.
    `y` and `source` are those of the last node of each panel, `ends` where the panels end.
    """
    last = jnp.argmax(jnp.where(active, jnp.arange(active.size), -1))
    end = p.beta_over_H / 2 * jnp.expm1(2 * coldest)
    end = jnp.where(end < y_max, end, y_max)
    clock = None if slower is None else slower.clock
    node, rate = _true(y[last], clock)[1:]
    edge, end = _true(ends[last], clock)[1], _true(end, clock)[1]
    near, first = extended_volume(node, p.I_p), extended_volume(edge, p.I_p)
    per_volume = source[last] / rate / near * jnp.exp(near - first)
    over = jnp.maximum(jnp.minimum(extended_volume(end, p.I_p) - first, _LARGEST_VOLUME), 0.0)
    # from first to first + over, at equal ratios of 1 + (I − I₁): e^{−I} falls at once
    beyond = jnp.expm1(jnp.log1p(over) * np.linspace(0.0, 1.0, _BEYOND_POINTS))
    later = jnp.log((first + beyond) / p.I_p)
    cooled = _efolds(later, p.beta_over_H) if clock is None else clock.efolds(later)
    washed = washout_exponent(
        jnp.minimum(cooled, coldest), coldest, p.washout_over_H, p.washout_power, slower
    )
    kept = jnp.exp(-beyond - washed)
    integral = (jnp.diff(beyond) * jnp.maximum(kept[1:], kept[:-1])).sum()
    return jax.lax.stop_gradient(jnp.where(active.any(), per_volume * integral, 0.0))


def _share(even: Real, tau: Real) -> tuple[Real, Real]:
    """The share of a panel in y that lies before τ, and its derivative."""
    return tau * (even + (1 - even) * tau), even + 2 * (1 - even) * tau


def time_on_segment(segment: Segments, tau: Real) -> tuple[Real, Real]:
    """T_p/T and dn/dτ at τ on one segment (no leading axis)."""
    square = jnp.exp(2 * segment.start)
    growth = square * jnp.expm1(2 * segment.length)
    share, pace = _share(segment.even, tau)
    square = square + growth * share
    even = jnp.exp(segment.start + segment.length * tau)
    stretch = jnp.where(segment.active, jnp.sqrt(square), even)
    return stretch, jnp.where(segment.active, growth * pace / 2 / square, segment.length)


def series_at(powers: Float[Array, " degrees"], tau: Real) -> Real:
    """A series of a segment, at τ."""
    return horner(powers, 2 * tau - 1)

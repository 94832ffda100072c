"""The source integral where g_* changes with temperature.

dY_B/dy = P (J/s)(A/V) W/β holds whatever g_*(T): with y as variable only T(y) and g_s in s
change. The integral is done over y₀, the percolation time of constant g_*, in which T is a closed
form: the nodes of the quadrature then know their temperature at once, y at each of them is the
clock's at the edge of its panel and the integral of the pace dy/dy₀ from there, and no root has to
be found but for the limits y_min and y_max. Panels between T_p and the source say nothing of that
time: where there is no source they may be too wide for the pace.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.series import legendre_rule
from jaxbounce._core.types import Flag, Real, Scalar
from jaxbounce.cosmology.clock import Clock, Expansion, Pace, efolds, make_clock
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas import PIECEWISE_SWITCH, flux_integral
from jaxbounce.cosmology.radiation import temperature_ratio, time_of_temperature_ratio
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area import activity_window, scaled_area_density
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.panels import (
    NODES,
    PANELS,
    equal_work_edges,
    graded_scan,
    insert_edge,
    integrate_panels,
    panel_nodes,
    unseen_at_edges,
    with_edges,
)
from jaxbounce.yields.quadrature import (
    COMPLETE,
    insert_joints,
    published_integral,
    rough_source,
    rounded_at_hot_end,
)

_LIMIT_NODES = 6

_LIMIT_STEPS = 3

_PACE_NODES = 12  # of a panel: the pace changes with ln T, the source with y

_TAIL_NODES = 4

_SCANNED_TOGETHER = 4  # intervals of the scan that share one pace


class _Limits(NamedTuple):
    """Where the quadrature begins and ends.

    Attributes:
        edges: y₀ at the first edge and at the last.
        times: y from which and until which the source counts; NaN where a temperature is the limit.
    """

    edges: Real
    times: Real


def _limits(
    p: Parameters, c: Choices, expansion: Expansion, history: AreaHistory | None
) -> _Limits:
    """The limits, those in y to a few digits: Newton's method with one panel from T_p to each."""
    B = p.beta_over_H
    hot = time_of_temperature_ratio(p.T_max_over_Tp, B)
    cold = time_of_temperature_ratio(p.T_min_over_Tp, B)
    bottom, top = p.y_min, p.y_max
    if history is not None:
        bottom, top = history.inside(bottom, top)
    if c.area_kernel == "kjma":
        top = jnp.minimum(top, jnp.log1p(COMPLETE / p.I_p))
    given = y = jnp.stack([bottom, top])
    t, weight = gauss_legendre(_LIMIT_NODES)

    def step(_: int, y0: Real) -> Real:
        end = efolds(y0, B)
        n = end[:, None] * np.append((1 + t) / 2, 1.0)
        rate = expansion.pace(n).rate
        found = B * end / 2 * ((jnp.exp(2 * n[:, :-1]) * rate[:, :-1]) @ weight)
        return jnp.clip(y0 + (y - found) / rate[:, -1], hot, cold)

    y, hot, cold, B, expansion = jax.lax.stop_gradient((y, hot, cold, B, expansion))
    y0 = jax.lax.fori_loop(0, _LIMIT_STEPS, step, jnp.clip(y, hot, cold))
    inside = (y0 > hot) & (y0 < cold)
    at_end = jnp.stack(
        [
            time_of_temperature_ratio(p.T_max_over_Tp, p.beta_over_H),
            time_of_temperature_ratio(p.T_min_over_Tp, p.beta_over_H),
        ]
    )
    return _Limits(jnp.where(inside, y0, at_end), jnp.where(inside, given, jnp.nan))


def _edges(
    p: Parameters,
    c: Choices,
    expansion: Expansion,
    limits: _Limits,
    history: AreaHistory | None,
) -> Real:
    """Edges in y₀ of panels where the source lives, and where the pace has its joints."""
    mass, B = p.m_chi / p.T_p, p.beta_over_H
    lower, upper = limits.edges
    hot = jnp.maximum(temperature_ratio(lower, B), 1e-6)
    steepest = mass / B * jnp.minimum(1 / hot, mass)
    core = jnp.minimum(p.sigma_y, 1.0) if c.window == "gaussian" else jnp.ones_like(p.I_p)
    y0, widths = graded_scan(lower, upper, 0.5 / (steepest + 0.3), core)
    y0, widths = jax.lax.stop_gradient((y0, widths))
    some = y0[_SCANNED_TOGETHER // 2 :: _SCANNED_TOGETHER]
    rate = jnp.repeat(expansion.pace(efolds(some, B)).rate, _SCANNED_TOGETHER)
    y = jnp.cumsum(rate * widths) - rate * widths / 2
    y = y - jnp.interp(0.0, y0, y)
    phi, slope, inverse_feature = rough_source(
        y,
        I_p=p.I_p,
        sigma_y=p.sigma_y,
        m_over_Tp=mass,
        beta_over_H=B,
        window=c.window,
        kernel=c.area_kernel,
        y0=y0,
        rate=rate,
        history=history,
    )
    edges = equal_work_edges(lower, upper, widths, phi, slope, inverse_feature, PANELS)
    if history is not None:
        # roughly: across its edges it is smooth to its error
        edges = with_edges(edges, jnp.interp(history.edges, y, y0))
    return insert_joints(edges, expansion, B)


class _OnPanels(NamedTuple):
    """The pace and the time at the nodes of all panels.

    Attributes:
        pace: dy/dy₀ and g_s/g_s(T_p), shape (panels, nodes).
        y: percolation time, likewise.
        ends: y at the first edge and at the last.
        doubt: estimated relative error of the source by those of both, shape (panels, 1).
    """

    pace: Pace
    y: Real
    ends: Real
    doubt: Real


@functools.cache
def _finer() -> tuple[np.ndarray, list[int]]:
    """One matrix for values at the nodes of the pace, and where its columns are split.

    They are values at the nodes of the source; the integral from the start of the panel to these,
    in units of half its width; the last four coefficients of the Legendre series.
    """
    t, _ = gauss_legendre(NODES)
    _, to_coefficients, to_integral = legendre_rule(_PACE_NODES)
    series = np.polynomial.legendre.legvander(t, _PACE_NODES)
    parts = [series[:, :-1] @ to_coefficients, series @ to_integral, to_coefficients[-4:]]
    return np.concatenate(parts).T, [NODES, 2 * NODES]


def _on_panels(clock: Clock, edges: Real) -> _OnPanels:
    """The pace at a few nodes of each panel, and what follows at all nodes of the source."""
    y0, half = panel_nodes(edges, _PACE_NODES)
    pace = clock.expansion.pace(efolds(y0, clock.beta_over_H))
    finer, splits = _finer()
    # one product: a sum by itself would have the compiler write down every step of the pace
    rate, times, last = jnp.split(pace.rate @ finer, splits, axis=1)
    at_edges = clock.at(edges)[0]
    # what comes after the last coefficients, falling off as they did, is missing; in the integral
    # of P_k, the time, it is 1/k of that, in units of half the panel: the source grows as e^y
    tail = jnp.abs(jax.lax.stop_gradient(last))
    earlier, later = tail[:, :2].max(1), tail[:, 2:].max(1)
    tiny = jnp.finfo(later.dtype).tiny
    fall = jnp.minimum(later / jnp.maximum(earlier, tiny), 1.0)
    return _OnPanels(
        Pace(rate, pace.entropy @ finer[:, :NODES]),
        at_edges[:-1, None] + half[:, None] * times,
        jnp.stack([at_edges[0], at_edges[-1]]),
        ((1 + jax.lax.stop_gradient(half)) * later * fall / _PACE_NODES)[:, None],
    )


def _source(
    p: Parameters,
    c: Choices,
    y0: Real,
    y: Real,
    entropy: Real,
    relativistic: bool | Bool[Array, "..."] | None,
    area: Real,
) -> Real:
    """j (A/V)(v_w/β) W over g_s(T)/g_s(T_p): the integrand in y."""
    x = p.m_chi / p.T_p * temperature_ratio(y0, p.beta_over_H)
    v_flux = p.v_w if c.flux == "moving-wall" else None
    flux = flux_integral(x, v_flux, c.chi_stats, c.equilibrium, relativistic)
    return flux * area * activity_window(y, p.sigma_y, c.window) / entropy


def _tails(
    p: Parameters,
    c: Choices,
    edges: Real,
    times: Real,
    limits: _Limits,
    pace: Pace,
    history: AreaHistory | None,
) -> tuple[Real, Real]:
    """What lies between either end of the panels and the y that is the limit, and its error.

    The limit was found roughly, so that this is next to nothing, but its derivatives are all those
    of the limit. `times` is y at the ends.
    """
    given = jnp.isfinite(limits.times)
    span = jnp.where(given, jnp.where(given, limits.times, 0.0) - times, 0.0)[:, None]
    rate = jnp.stack([pace.rate[0, 0], pace.rate[-1, -1]])[:, None]
    entropy = jnp.stack([pace.entropy[0, 0], pace.entropy[-1, -1]])[:, None]
    ends = jnp.stack([edges[0], edges[-1]])[:, None]
    t, weight = gauss_legendre(_TAIL_NODES)
    ahead = span * (1 + t) / 2
    y = times[:, None] + ahead
    area = scaled_area_density(y, p.I_p, c.area_kernel, history)
    values = _source(p, c, ends + ahead / rate, y, entropy, None, area)
    tails, size = span[:, 0] / 2 * (values @ weight), jnp.minimum(jnp.abs(span[:, 0]), 1.0)
    return tails, jax.lax.stop_gradient(jnp.abs(tails) * size)


def integral_on_clock(
    p: Parameters,
    c: Choices,
    degrees: DegreesOfFreedom,
    history: AreaHistory | None = None,
) -> tuple[Scalar, Scalar, Flag]:
    """∫ j (A/V)(v_w/β) W g_s(T_p)/g_s(T) dy on Gauss–Legendre panels.

    Returns:
        The integral, which is that of `gauss_legendre_integral` where g_* is constant; an estimate
        of its absolute error; whether g_* is known at all temperatures that count.
    """
    clock = make_clock(degrees, p.T_p, p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp)
    B, expansion = p.beta_over_H, clock.expansion
    limits = _limits(p, c, expansion, history)
    edges = _edges(p, c, expansion, limits, history)
    relativistic: bool | Bool[Array, ...] = True
    if c.equilibrium == "piecewise":
        mass = p.m_chi / p.T_p
        met = mass * temperature_ratio(edges[-1], B) > PIECEWISE_SWITCH
        safe_mass = jnp.where(met, mass, PIECEWISE_SWITCH)
        meeting = time_of_temperature_ratio(safe_mass / PIECEWISE_SWITCH, B)
        meeting = jnp.clip(jnp.where(met, meeting, edges[-1]), edges[0], edges[-1])
        edges = insert_edge(edges, meeting)
        relativistic = ((edges[1:] + edges[:-1]) / 2 < meeting)[:, None]
    (y0, half), weight = panel_nodes(edges), gauss_legendre(NODES)[1]
    pace, y, ends, doubt = _on_panels(clock, edges)
    area = scaled_area_density(y, p.I_p, c.area_kernel, history)
    values = pace.rate * _source(p, c, y0, y, pace.entropy, relativistic, area)
    total, error = integrate_panels(values, half)
    ratio = temperature_ratio(y0, B)
    rounded = rounded_at_hot_end(p.m_chi / p.T_p * ratio, ratio)
    error = error + (half * ((jax.lax.stop_gradient(values) * rounded) @ weight)).sum()
    if history is not None:
        missed = jax.lax.stop_gradient(values) * history.relative_error(y)
        error = error + (half * (missed @ weight)).sum()
    error = error + (jax.lax.stop_gradient(values * half[:, None]) * doubt).mean(1).sum() * 2
    same_side = jnp.broadcast_to(relativistic, (*half.shape, 1))[:, 0]
    error = error + unseen_at_edges(values, half, same_side[1:] == same_side[:-1])
    tails, doubts = _tails(p, c, edges, ends, limits, pace, history)
    total, error = total + tails[1] - tails[0], error + doubts.sum()
    T = p.T_p / temperature_ratio(limits.edges, B)
    return total, error, degrees.covers(T).all()


def published_on_clock(
    p: Parameters,
    c: Choices,
    degrees: DegreesOfFreedom,
    history: AreaHistory | None = None,
) -> Scalar:
    """The integral of `integral_on_clock` on the published grids."""
    clock = make_clock(degrees, p.T_p, p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp)
    return published_integral(
        I_p=p.I_p,
        sigma_y=p.sigma_y,
        m_over_Tp=p.m_chi / p.T_p,
        beta_over_H=p.beta_over_H,
        v_w=p.v_w if c.flux == "moving-wall" else None,
        lower=jnp.maximum(clock.time(p.T_max_over_Tp), p.y_min),
        upper=jnp.minimum(clock.time(p.T_min_over_Tp), p.y_max),
        window=c.window,
        statistics=c.chi_stats,
        equilibrium=c.equilibrium,
        kernel=c.area_kernel,
        clock=clock,
        history=history,
    )

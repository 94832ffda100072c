"""The source integral where g_* changes with temperature.

dY_B/dy = P (J/s)(A/V) W/β holds whatever g_*(T): with y as variable only T(y) and g_s in s
change. The integral is done over y₀, the percolation time of constant g_*, in which T is a closed
form: the nodes of the quadrature then know their temperature at once, y at each of them is the
clock's, and no root has to be found but for the limits y_min and y_max. The panels themselves
cannot tell the time: where there is no source they may be too wide for the pace.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Flag, Real, Scalar
from jaxbounce.cosmology.clock import Clock, Expansion, constant_time, efolds, make_clock
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
    nodes_in_stretch,
    panel_sums,
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

_SCANNED_TOGETHER = 4  # intervals of the scan that share one pace


def _limits(p: Parameters, c: Choices, clock: Clock, history: AreaHistory | None) -> Real:
    """y₀ from which and until which the source counts."""
    bottom, top = p.y_min, p.y_max
    if history is not None:
        bottom, top = history.inside(bottom, top)
    if c.area_kernel == "kjma":
        top = jnp.minimum(top, jnp.log1p(COMPLETE / p.I_p))
    given, B = jnp.stack([bottom, top]), p.beta_over_H
    hot = time_of_temperature_ratio(p.T_max_over_Tp, B)
    cold = time_of_temperature_ratio(p.T_min_over_Tp, B)
    inside = (given > clock.times[0]) & (given < clock.times[-1])
    found = constant_time(clock.efolds(jnp.where(inside, given, 0.0)), B)
    return jnp.where(inside, found, jnp.where(given < 0, hot, cold))


def _edges(
    p: Parameters,
    c: Choices,
    expansion: Expansion,
    limits: Real,
    history: AreaHistory | None,
) -> Real:
    """Edges in y₀ of panels where the source lives, and where the pace has its joints."""
    mass, B = p.m_chi / p.T_p, p.beta_over_H
    lower, upper = limits
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


def _source(
    p: Parameters,
    c: Choices,
    y0: Real,
    y: Real,
    relativistic: bool | Bool[Array, "..."] | None,
    area: Real,
) -> Real:
    """j (A/V)(v_w/β) W."""
    x = p.m_chi / p.T_p * temperature_ratio(y0, p.beta_over_H)
    v_flux = p.v_w if c.flux == "moving-wall" else None
    flux = flux_integral(x, v_flux, c.chi_stats, c.equilibrium, relativistic)
    return flux * area * activity_window(y, p.sigma_y, c.window)


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
    limits = _limits(p, c, clock, history)
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
    y0, half, speed = nodes_in_stretch(edges, temperature_ratio(edges, B))
    (y, rate), weight = clock.weighted(y0), gauss_legendre(NODES)[1]
    area = scaled_area_density(y, p.I_p, c.area_kernel, history)
    spread = speed * rate * _source(p, c, y0, y, relativistic, area)
    total, error = integrate_panels(panel_sums(spread), half)
    ratio = temperature_ratio(y0, B)
    rounded = rounded_at_hot_end(p.m_chi / p.T_p * ratio, ratio)
    error = error + (half * ((jax.lax.stop_gradient(spread) * rounded) @ weight)).sum()
    if history is not None:
        missed = jax.lax.stop_gradient(spread) * history.relative_error(y)
        error = error + (half * (missed @ weight)).sum()
    same_side = jnp.broadcast_to(relativistic, (*half.shape, 1))[:, 0]
    sums = panel_sums(spread / speed)
    error = error + unseen_at_edges(sums, half, same_side[1:] == same_side[:-1])
    T = p.T_p / temperature_ratio(limits, B)
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

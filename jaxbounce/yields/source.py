"""Where the source of B lives: limits in time, and the edges of panels between them.

Where g_* changes the integral is done over y₀, the percolation time of constant g_*, in which T is
a closed form: the nodes of the quadrature then know their temperature at once, and no root has to
be found but for limits that are times.
"""

import jax
import jax.numpy as jnp

from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.clock import Clock, constant_time, efolds
from jaxbounce.cosmology.radiation import temperature_ratio, time_of_temperature_ratio
from jaxbounce.percolation.area import AreaKernel, Window, extended_volume
from jaxbounce.percolation.area_history import COVERED, AreaHistory
from jaxbounce.yields.panels import PANELS, equal_work_edges, graded_scan, with_edges

_SCANNED_TOGETHER = 4  # intervals of the scan that share one pace


def wall_times(
    y_min: RealLike,
    y_max: RealLike,
    I_p: RealLike,
    kernel: AreaKernel,
    history: AreaHistory | None = None,
) -> tuple[Real, Real]:
    """[y_min, y_max], narrowed to where there are walls: there is no source beyond.

    With `kernel="kjma"` to where space is not covered for good, e^{−I} > 1e-26; with a history to
    where that is.
    """
    lower, upper = as_real(y_min), as_real(y_max)
    if kernel == "kjma":
        upper = jnp.minimum(upper, jnp.log1p(COVERED / as_real(I_p)))
    return (lower, upper) if history is None else history.inside(lower, upper)


def time_limits(
    beta_over_H: RealLike,
    T_max_over_Tp: RealLike,
    T_min_over_Tp: RealLike,
    y_min: RealLike,
    y_max: RealLike,
    clock: Clock | None = None,
) -> tuple[Real, Real]:
    """Limits of the y integral: the temperature range, clamped to [y_min, y_max]."""
    if clock is None:
        hot = time_of_temperature_ratio(T_max_over_Tp, beta_over_H)
        cold = time_of_temperature_ratio(T_min_over_Tp, beta_over_H)
    else:
        hot, cold = clock.time(T_max_over_Tp), clock.time(T_min_over_Tp)
    return jnp.maximum(hot, as_real(y_min)), jnp.minimum(cold, as_real(y_max))


def panel_limits(
    beta_over_H: RealLike,
    T_max_over_Tp: RealLike,
    T_min_over_Tp: RealLike,
    y_min: RealLike,
    y_max: RealLike,
    clock: Clock | None = None,
) -> tuple[Real, Real]:
    """`time_limits`, with a clock in y₀, the percolation time of constant g_*."""
    if clock is None:
        return time_limits(beta_over_H, T_max_over_Tp, T_min_over_Tp, y_min, y_max)
    hot = time_of_temperature_ratio(T_max_over_Tp, beta_over_H)
    cold = time_of_temperature_ratio(T_min_over_Tp, beta_over_H)
    given = jnp.stack([as_real(y_min), as_real(y_max)])
    inside = (given > clock.times[0]) & (given < clock.times[-1])
    found = constant_time(clock.efolds(jnp.where(inside, given, 0.0)), beta_over_H)
    lower, upper = jnp.where(inside, found, jnp.where(given < 0, hot, cold))
    return lower, upper


def rough_source(
    y: Real,
    *,
    I_p: RealLike,
    sigma_y: RealLike,
    m_over_Tp: RealLike,
    beta_over_H: RealLike,
    window: Window,
    kernel: AreaKernel,
    y0: Real | None = None,
    rate: RealLike = 1.0,
    history: AreaHistory | None = None,
) -> tuple[Real, Real, Real]:
    """What panels are placed by: φ, φ' and 1/ℓ of the source at percolation times y.

    φ is its logarithm up to a constant, with the area density good to 10 % and the flux as
    e^{−x} for x ≫ 1; ℓ is the scale on which a factor changes shape. Where g_* changes, φ' and
    1/ℓ are per unit of y₀, the percolation time of constant g_*, and `rate` is dy/dy₀.
    """
    I_p, beta_over_H, mass = as_real(I_p), as_real(beta_over_H), as_real(m_over_Tp)
    volume = extended_volume(y, I_p) if history is None else history.volume(y)
    ratio = temperature_ratio(y if y0 is None else y0, beta_over_H)
    x = mass * ratio
    flux_slope = mass / beta_over_H * x / ((2 + x) * ratio)
    log_flux = -(x**2) / (2 + x)
    # where the area density turns over
    turn = y + jnp.log(I_p) - 1
    if history is not None:
        log_area, log_slope = history.log_scaled(y)
        phi, slope = log_area + log_flux, rate * log_slope - flux_slope
        turn = jnp.log(jnp.maximum(volume, jnp.finfo(volume.dtype).tiny)) - 1
    elif kernel == "kjma":
        phi, slope = y - volume + log_flux, rate * (1 - volume) - flux_slope
    else:
        bend = 1 + volume / 6
        phi = y - 0.75 * jnp.log(bend) + log_flux
        slope = rate * (0.25 + 0.75 / bend) - flux_slope
    # features: that, and the branch point of √(1 + 2y/(β/H))
    curvature = rate**2 / (1 + (turn / 2) ** 2)
    curvature = curvature + (2 * x / ((1 + x) * beta_over_H * ratio**2)) ** 2
    if window == "gaussian":
        sigma_y = as_real(sigma_y)
        phi, slope = phi - (y / sigma_y) ** 2 / 2, slope - rate * y / sigma_y**2
        curvature = curvature + (rate / sigma_y) ** 2
    return phi, jnp.asarray(slope), jnp.sqrt(curvature)


def source_panels(
    *,
    I_p: RealLike,
    sigma_y: RealLike,
    m_over_Tp: RealLike,
    beta_over_H: RealLike,
    lower: Real,
    upper: Real,
    window: Window,
    kernel: AreaKernel,
    panels: int = PANELS,
    clock: Clock | None = None,
    history: AreaHistory | None = None,
) -> Real:
    """Edges of quadrature panels in y where the source lives, from `lower` to `upper`.

    Those of a history are among them. With a clock, limits and edges are in y₀, the percolation
    time of constant g_*.
    """
    I_p, sigma_y, beta_over_H = as_real(I_p), as_real(sigma_y), as_real(beta_over_H)
    mass = as_real(m_over_Tp)
    hot = jnp.maximum(temperature_ratio(lower, beta_over_H), 1e-6)
    steepest = mass / beta_over_H * jnp.minimum(1 / hot, mass)
    core = jnp.minimum(sigma_y, 1.0) if window == "gaussian" else jnp.ones_like(I_p)
    y0, widths = graded_scan(lower, upper, 0.5 / (steepest + 0.3), core)
    y, rate = (y0, 1.0) if clock is None else _times(clock, y0, widths)
    phi, slope, inverse_feature = rough_source(
        y,
        I_p=I_p,
        sigma_y=sigma_y,
        m_over_Tp=mass,
        beta_over_H=beta_over_H,
        window=window,
        kernel=kernel,
        y0=y0,
        rate=rate,
        history=history,
    )
    edges = equal_work_edges(lower, upper, widths, phi, slope, inverse_feature, panels)
    if history is None:
        return edges
    if clock is None:
        return with_edges(edges, history.edges)
    # roughly: across its edges it is smooth to its error
    return with_edges(edges, jnp.interp(history.edges, y, y0))


def _times(clock: Clock, y0: Real, widths: Real) -> tuple[Real, Real]:
    """y and dy/dy₀ at the middles y₀ of side by side intervals; roughly, and constants."""
    y0, widths = jax.lax.stop_gradient((y0, widths))
    some = efolds(y0[_SCANNED_TOGETHER // 2 :: _SCANNED_TOGETHER], clock.beta_over_H)
    rate = jnp.repeat(clock.expansion.pace(some).rate, _SCANNED_TOGETHER)
    passed = rate * widths
    since_start = jnp.cumsum(passed) - passed / 2
    return since_start - jnp.interp(0.0, y0, since_start), rate

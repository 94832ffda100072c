"""The baryon yield by quadrature over percolation time.

With nothing depleting χ and nothing washing out B, the Boltzmann equation is an
integral. In the radiation era |dT/dy|/(HT) = 1/β exactly, so

    Y_B = P f_χ/v_w ∫ (J₁/s) [(A/V) v_w/β] W dy,

J₁ the incident flux at unit occupancy: no power of T or β is left but in J₁/s(m/T).
Two rules, by name: `"gauss-legendre"` (converged, with an error estimate) and
`"published"`, the fixed grids of the published script.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.cosmology.clock import Clock, Expansion, constant_time
from jaxbounce.cosmology.gas import PIECEWISE_SWITCH, flux_factors, flux_integral
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.radiation import temperature_ratio, time_of_temperature_ratio
from jaxbounce.percolation.area import (
    AreaKernel,
    Window,
    activity_window,
    extended_volume,
    scaled_area_density,
    window_exponent,
)
from jaxbounce.percolation.area_history import COVERED, AreaHistory
from jaxbounce.percolation.later_bubbles import incomplete_gamma_4
from jaxbounce.yields.panels import (
    NODES,
    PANELS,
    PanelSums,
    equal_work_edges,
    graded_scan,
    in_y,
    insert_edge,
    integrate_panels,
    nodes_in_stretch,
    panel_sums,
    unseen_at_edges,
    with_edges,
)

PUBLISHED_Y_NODES = 8000

PUBLISHED_Z_NODES = 1200

PUBLISHED_Z_MAX = 30.0

COMPLETE = COVERED
"""Extended volume after which nothing is left to convert."""

_PUBLISHED_BLOCK = 100  # y nodes evaluated together, so that a batch fits in memory


def time_limits(
    beta_over_H: RealLike,
    T_max_over_Tp: RealLike,
    T_min_over_Tp: RealLike,
    y_min: RealLike,
    y_max: RealLike,
) -> tuple[Real, Real]:
    """Limits of the y integral: the temperature range, clamped to [y_min, y_max]."""
    lower = time_of_temperature_ratio(T_max_over_Tp, beta_over_H)
    upper = time_of_temperature_ratio(T_min_over_Tp, beta_over_H)
    return jnp.maximum(lower, as_real(y_min)), jnp.minimum(upper, as_real(y_max))


def flux_over_entropy(integral: Real, g_chi: RealLike, g_star_s: RealLike) -> Real:
    """J₁/s from the flux integral j: (g T³ j/2π²)/(2π²/45 g_*s T³)."""
    return 45 / (4 * jnp.pi**4) * as_real(g_chi) / as_real(g_star_s) * integral


def published_area_density(y: Real, I_p: RealLike) -> Real:
    """(A/V) v_w/β by eq. (6) on the published grid: trapezoid, 1200 z in [0, 30].

    Its step, 0.025, cannot resolve the integrand at late times, where it is
    (24/u)^{1/4} wide: 0.02 at y = 20.
    """
    volume = extended_volume(y, I_p)
    return volume / 2 * _published_integral(volume, 0)


@functools.cache
def _published_grid() -> tuple[np.ndarray, np.ndarray]:
    """Weights z² e^{−z} dz of the trapezoid, and P(4, z) on its nodes."""
    z, step = np.linspace(0.0, PUBLISHED_Z_MAX, PUBLISHED_Z_NODES, retstep=True)
    weight = np.full_like(z, step)
    weight[[0, -1]] /= 2
    return weight * z**2 * np.exp(-z), incomplete_gamma_4(z, np)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _published_integral(u: Real, order: int) -> Real:
    """The grid's F⁽ⁿ⁾(u); a custom rule keeps reverse mode from storing the 1200-fold tableau."""
    weight, fraction = _published_grid()
    return jnp.exp(-u[..., None] * fraction) @ (weight * (-fraction) ** order)


@_published_integral.defjvp
def _published_integral_jvp(
    order: int, primals: tuple[Real], tangents: tuple[Real]
) -> tuple[Real, Real]:
    (u,), (u_dot,) = primals, tangents
    return _published_integral(u, order), _published_integral(u, order + 1) * u_dot


def published_integral(
    *,
    I_p: RealLike,
    sigma_y: RealLike,
    m_over_Tp: RealLike,
    beta_over_H: RealLike,
    v_w: RealLike | None,
    lower: Real,
    upper: Real,
    window: Window,
    statistics: Statistics,
    equilibrium: Equilibrium,
    kernel: AreaKernel,
    clock: Clock | None = None,
    history: AreaHistory | None = None,
) -> Scalar:
    """∫ j (A/V)(v_w/β) W dy as the published script does it: trapezoid on 8000 equal steps in y.

    With `kernel="eq6"` the area density is the one on the published z grid too. With a clock, T is
    that of g_*(T), and the integrand is times g_s(T_p)/g_s(T).
    """
    share = np.linspace(0.0, 1.0, PUBLISHED_Y_NODES)
    weight = np.full(PUBLISHED_Y_NODES, 1 / (PUBLISHED_Y_NODES - 1))
    weight[[0, -1]] /= 2

    def block(nodes: tuple[Real, Real]) -> Scalar:
        y = lower + (upper - lower) * nodes[0]
        area = (
            published_area_density(y, I_p)
            if kernel == "eq6"
            else scaled_area_density(y, I_p, kernel, history)
        )
        ratio = temperature_ratio(y, beta_over_H) if clock is None else clock.temperature_ratio(y)
        flux = flux_integral(as_real(m_over_Tp) * ratio, v_w, statistics, equilibrium)
        if clock is not None:
            flux = flux / clock.expansion.pace(jnp.log(ratio)).entropy
        return (nodes[1] * area * flux * activity_window(y, sigma_y, window)).sum()

    shape = (-1, _PUBLISHED_BLOCK)
    dtype = jnp.result_type(lower)
    blocks = (jnp.asarray(share.reshape(shape), dtype), jnp.asarray(weight.reshape(shape), dtype))
    return (upper - lower) * jax.lax.map(block, blocks).sum()


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

    With `kernel="kjma"` the last edge is at most where space is covered for good; with a history,
    all are between its ends. With a clock, limits and edges are in y₀, the percolation time of
    constant g_*.
    """
    I_p, sigma_y, beta_over_H = as_real(I_p), as_real(sigma_y), as_real(beta_over_H)
    mass = as_real(m_over_Tp)
    if kernel == "kjma":
        # e^{−I} < 1e-26 there: nothing beyond counts, and the panels are needed before it
        complete = jnp.log1p(COMPLETE / I_p)
        if clock is not None:
            complete = constant_time(clock.efolds(complete), beta_over_H)
        upper = jnp.minimum(upper, complete)
    if history is not None:
        if clock is None:
            lower, upper = history.inside(lower, upper)
        else:
            within = jnp.stack(history.inside(clock.at(lower)[0], clock.at(upper)[0]))
            within = constant_time(clock.efolds(within), beta_over_H)
            lower, upper = jnp.maximum(lower, within[0]), jnp.minimum(upper, within[1])
    hot = jnp.maximum(temperature_ratio(lower, beta_over_H), 1e-6)
    steepest = mass / beta_over_H * jnp.minimum(1 / hot, mass)
    core = jnp.minimum(sigma_y, 1.0) if window == "gaussian" else jnp.ones_like(I_p)
    y, widths = graded_scan(lower, upper, 0.5 / (steepest + 0.3), core)
    y0, rate = y, 1.0
    if clock is not None:
        y, pace = clock.at(y0)
        rate = pace.rate
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
    return equal_work_edges(lower, upper, widths, phi, slope, inverse_feature, panels)


def insert_joints(edges: Real, expansion: Expansion, beta_over_H: RealLike) -> Real:
    """`edges` in y₀ with those where the pace of time is not smooth: joints, knots of a table.

    Across the knots of a rough table yields were off by 340 times the error stated.
    """
    return with_edges(edges, constant_time(expansion.joints(), beta_over_H))


def rounded_at_hot_end(x: Real, ratio: Real) -> Real:
    """Relative error of the source by rounding of 1 + 2y/(β/H), and of a limit where it is small.

    Where T ≫ T_p it is a difference of numbers near 1, and x = m/T inherits its relative error;
    `ratio` is T_p/T.
    """
    x, ratio = jax.lax.stop_gradient((x, ratio))
    # y, 2y/(β/H) and the sum are rounded: by an eps or two of 1 in the square of the ratio
    rounding = jnp.finfo(ratio.dtype).eps / ratio**2
    # at most all of it: a limit of the range may be as far off as the whole first panel
    return jnp.minimum(rounding * (1 + x), 1.0)


def gauss_legendre_integral(
    *,
    I_p: RealLike,
    sigma_y: RealLike,
    m_over_Tp: RealLike,
    beta_over_H: RealLike,
    v_w: RealLike | None,
    lower: Real,
    upper: Real,
    window: Window,
    statistics: Statistics,
    equilibrium: Equilibrium,
    kernel: AreaKernel,
    history: AreaHistory | None = None,
) -> tuple[Scalar, Scalar]:
    """∫ j (A/V)(v_w/β) W dy on Gauss–Legendre panels, and an estimate of its absolute error.

    The panels sit where the integrand lives (`jaxbounce.yields.panels`); the limits and the
    temperature T = m/3 at which the published limits meet are edges that move with the
    parameters, so that their share of a derivative is there. All arguments are scalars.

    Args:
        I_p: extended volume at percolation.
        sigma_y: width of the Gaussian window; unused with `window="none"`.
        m_over_Tp: m_χ/T_p ≥ 0.
        beta_over_H: (β/H)_p.
        v_w: wall speed for the flux onto a moving wall, None for a wall at rest.
        lower: lower limit in y.
        upper: upper limit in y.
        window: "gaussian" or "none".
        statistics: "fermion", "boson" or "classical".
        equilibrium: "exact" or "piecewise".
        kernel: "eq6", "kjma" or "history".
        history: of the last; its own error is part of the estimate.
    """
    I_p, sigma_y, beta_over_H = as_real(I_p), as_real(sigma_y), as_real(beta_over_H)
    mass = as_real(m_over_Tp)
    edges = source_panels(
        I_p=I_p,
        sigma_y=sigma_y,
        m_over_Tp=mass,
        beta_over_H=beta_over_H,
        lower=lower,
        upper=upper,
        window=window,
        kernel=kernel,
        history=history,
    )
    if history is not None:
        lower, edges = edges[0], with_edges(edges, history.edges)
    upper = edges[-1]

    relativistic: bool | Bool[Array, ...] = True
    if equilibrium == "piecewise":
        # T = m/3 lies inside the range if the limits meet before the coldest temperature
        met = mass * temperature_ratio(upper, beta_over_H) > PIECEWISE_SWITCH
        safe_mass = jnp.where(met, mass, PIECEWISE_SWITCH)
        meeting = time_of_temperature_ratio(safe_mass / PIECEWISE_SWITCH, beta_over_H)
        meeting = jnp.clip(jnp.where(met, meeting, upper), lower, upper)
        edges = insert_edge(edges, meeting)
        relativistic = ((edges[1:] + edges[:-1]) / 2 < meeting)[:, None]
    stretch = temperature_ratio(edges, beta_over_H)
    y, half, speed = nodes_in_stretch(edges, stretch)
    ratio = temperature_ratio(y, beta_over_H)
    x = mass * ratio
    flux, exponent = flux_factors(x, v_w, statistics, equilibrium, relativistic)
    exponent = exponent + window_exponent(y, sigma_y, window)
    sums = panel_sums(speed * flux * scaled_area_density(y, I_p, kernel, history, exponent))
    total, error = integrate_panels(sums, half)
    error = error + _rounding(sums, x[0], ratio[0], half, mass, stretch[1:-1])
    if history is not None:
        missed = jax.lax.stop_gradient(sums.nodal) * history.relative_error(y)
        error = error + (half * (missed @ gauss_legendre(NODES)[1])).sum()
    same_side = jnp.broadcast_to(relativistic, (*half.shape, 1))[:, 0]
    return total, error + unseen_at_edges(in_y(sums, speed), half, same_side[1:] == same_side[:-1])


def _rounding(
    sums: PanelSums, x: Real, ratio: Real, half: Real, mass: Real, begins: Real
) -> Scalar:
    """`rounded_at_hot_end` of the source: node by node on the first panel, at most on the others.

    Args:
        sums: of the source.
        x: m/T at the nodes of the first panel.
        ratio: T_p/T there.
        half: half the panel widths.
        mass: m/T_p.
        begins: T_p/T where the other panels begin, at which it is largest.
    """
    first, whole, half = jax.lax.stop_gradient((sums.nodal[0], sums.moments[1:, 0], half))
    weight = gauss_legendre(NODES)[1]
    near = half[0] * ((first * rounded_at_hot_end(x, ratio)) @ weight)
    return near + (half[1:] * whole * rounded_at_hot_end(mass * begins, begins)).sum()

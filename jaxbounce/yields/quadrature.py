"""The baryon yield by quadrature over percolation time.

With nothing depleting χ and nothing washing out B, the Boltzmann equation is an
integral. In the radiation era |dT/dy|/(HT) = 1/β exactly, so

    Y_B = P f_χ/v_w ∫ (J₁/s) [(A/V) v_w/β] W dy,

J₁ the incident flux at unit occupancy: no power of T or β is left but in J₁/s(m/T).
Where g_* changes with T the same holds, and only T(y) and g_*s in s are others.
Two rules, by name: `"gauss-legendre"` (converged, with an error estimate), which is here, and
`"published"`, the fixed grids of the published script.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.cosmology.clock import Clock, constant_time
from jaxbounce.cosmology.gas import PIECEWISE_SWITCH, flux_factors
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.radiation import temperature_ratio, time_of_temperature_ratio
from jaxbounce.percolation.area import AreaKernel, Window, scaled_area_density, window_exponent
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.panels import (
    NODES,
    PanelSums,
    in_y,
    insert_edge,
    integrate_panels,
    nodes_in_stretch,
    panel_sums,
    unseen_at_edges,
    with_edges,
)
from jaxbounce.yields.source import source_panels


def flux_over_entropy(integral: Real, g_chi: RealLike, g_star_s: RealLike) -> Real:
    """J₁/s from the flux integral j: (g T³ j/2π²)/(2π²/45 g_*s T³)."""
    return 45 / (4 * jnp.pi**4) * as_real(g_chi) / as_real(g_star_s) * integral


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
    clock: Clock | None = None,
    history: AreaHistory | None = None,
) -> tuple[Scalar, Scalar]:
    """∫ j (A/V)(v_w/β) W g_s(T_p)/g_s(T) dy on Gauss–Legendre panels, and its estimated error.

    The panels sit where the integrand lives (`jaxbounce.yields.panels`); the limits and the
    temperature T = m/3 at which the published limits meet are edges that move with the
    parameters, so that their share of a derivative is there. All arguments are scalars. With a
    clock the integral is done over y₀, the percolation time of constant g_*.

    Args:
        I_p: extended volume at percolation.
        sigma_y: width of the Gaussian window; unused with `window="none"`.
        m_over_Tp: m_χ/T_p ≥ 0.
        beta_over_H: (β/H)_p.
        v_w: wall speed for the flux onto a moving wall, None for a wall at rest.
        lower: lower limit in y, or y₀; there are walls from there on (`wall_times`).
        upper: upper limit.
        window: "gaussian" or "none".
        statistics: "fermion", "boson" or "classical".
        equilibrium: "exact" or "piecewise".
        kernel: "eq6", "kjma" or "history".
        clock: where g_* changes.
        history: of the last kernel; its own error is part of the estimate.
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
        clock=clock,
        history=history,
    )
    if clock is not None:
        # across the knots of a rough table yields were off by 340 times the error stated
        edges = with_edges(edges, constant_time(clock.expansion.joints(), beta_over_H))

    relativistic: bool | Bool[Array, ...] = True
    if equilibrium == "piecewise":
        # T = m/3 lies inside the range if the limits meet before the coldest temperature
        met = mass * temperature_ratio(edges[-1], beta_over_H) > PIECEWISE_SWITCH
        safe_mass = jnp.where(met, mass, PIECEWISE_SWITCH)
        meeting = time_of_temperature_ratio(safe_mass / PIECEWISE_SWITCH, beta_over_H)
        meeting = jnp.clip(jnp.where(met, meeting, edges[-1]), edges[0], edges[-1])
        edges = insert_edge(edges, meeting)
        relativistic = ((edges[1:] + edges[:-1]) / 2 < meeting)[:, None]
    stretch = temperature_ratio(edges, beta_over_H)
    y0, half, speed = nodes_in_stretch(edges, stretch)
    ratio = temperature_ratio(y0, beta_over_H)
    x = mass * ratio
    flux, exponent = flux_factors(x, v_w, statistics, equilibrium, relativistic)
    y, weight = (y0, speed) if clock is None else _on_clock(clock, y0, speed)
    exponent = exponent + window_exponent(y, sigma_y, window)
    sums = panel_sums(weight * flux * scaled_area_density(y, I_p, kernel, history, exponent))
    total, error = integrate_panels(sums, half)
    error = error + _rounding(sums, x[0], ratio[0], half, mass, stretch[1:-1])
    if history is not None:
        missed = jax.lax.stop_gradient(sums.nodal) * history.relative_error(y)
        error = error + (half * (missed @ gauss_legendre(NODES)[1])).sum()
    same_side = jnp.broadcast_to(relativistic, (*half.shape, 1))[:, 0]
    return total, error + unseen_at_edges(in_y(sums, speed), half, same_side[1:] == same_side[:-1])


def _on_clock(clock: Clock, y0: Real, speed: Real) -> tuple[Real, Real]:
    """y at y₀, and `speed` times dy/dy₀ times g_s(T_p)/g_s(T)."""
    y, pace = clock.weighted(y0)
    return y, speed * pace


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

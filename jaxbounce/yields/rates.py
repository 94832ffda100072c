"""The rates of the Boltzmann equations: annihilation, the walls, washout.

Time is counted in e-folds, n = ln(T_p/T), so that dn = H dt = dx/x with x = m_χ/T. Per
e-fold, at constant g_*,

    dY_χ/dn = −λ (Y_χ² − Y_eq²) − S,      dY_B/dn = S − (Γ_w/H) Y_B,
    λ = s⟨σv⟩/H,   ⟨σv⟩ = a + b T/m_χ,    Γ_w/H = w₀ (T_p/T)^k.

Where g_*s changes all right sides are times 1 + γ_s/3, γ_s = d ln g_*s/d ln T
(`jaxbounce.cosmology.clock`).

The walls' source S comes by two names:

* `"external"`, the published one: S = P f_χ J₁ (A/V) W/(sH), from f_χ times the equilibrium
  density, whatever has become of Y_χ. χ loses it only where `depletion` says so.
* `"self-consistent"`: S = P (J₁/n) (A/V) W/H · Y_χ: only the χ that are there can hit a wall.
"""

import dataclasses
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.clock import Clock, Slowing
from jaxbounce.cosmology.constants import EXACT_HUBBLE_PREFACTOR, HUBBLE_PREFACTOR
from jaxbounce.cosmology.gas import PIECEWISE_SWITCH, flux_integral, number_density
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.radiation import entropy_density, hubble_rate, temperature_ratio
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.percolation.area import activity_window, scaled_area_density
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.published import published_area_density
from jaxbounce.yields.quadrature import flux_over_entropy

Kernel = Literal["eq6", "kjma", "history", "published"]

COLDEST = 650.0
"""m/T beyond which equilibrium densities no longer change: e^{−650} ≈ 1e-283."""


def kernel_of(choices: Choices) -> Kernel:
    """The area density that the source takes: of the choice, on the published grid if asked for."""
    published = choices.quadrature == "published" and choices.area_kernel == "eq6"
    return "published" if published else choices.area_kernel


def with_constants(p: Parameters, c: Choices) -> Parameters:
    """The parameters with cross sections for the H of the constants chosen.

    Only λ = s⟨σv⟩/H knows the scale of H.
    """
    if c.constants == "published":
        return p
    exact = HUBBLE_PREFACTOR / EXACT_HUBBLE_PREFACTOR
    cross_sections = {"sigma_v": p.sigma_v * exact, "sigma_v_slope": p.sigma_v_slope * exact}
    return dataclasses.replace(p, **cross_sections)


def annihilation_rate(
    T: RealLike,
    m_chi: RealLike,
    sigma_v: RealLike,
    sigma_v_slope: RealLike,
    g_star: RealLike,
    g_star_s: RealLike,
) -> Real:
    """λ = s⟨σv⟩/H, per e-fold and unit yield, with ⟨σv⟩ = a + b T/m_χ (GeV⁻²).

    b needs a mass: at m_χ = 0 its term is left out.
    """
    T, m_chi, slope = as_real(T), as_real(m_chi), as_real(sigma_v_slope)
    massive = m_chi > 0
    p_wave = jnp.where(massive, slope * T / jnp.where(massive, m_chi, 1.0), 0.0)
    rate = entropy_density(T, g_star_s) / hubble_rate(T, g_star)
    return rate * (as_real(sigma_v) + p_wave)


def equilibrium_yield(
    x: RealLike,
    g_chi: RealLike,
    g_star_s: RealLike,
    statistics: Statistics = "fermion",
    equilibrium: Equilibrium = "exact",
    relativistic: bool | Bool[Array, "..."] | None = None,
) -> Real:
    """Y_eq = n_eq/s at x = m/T.

    Relative error ≤ 1e-13 for x ≤ 650; colder, it is held at what it is there, below 1e-280.
    `relativistic` says which published limit to take, as in `flux_integral`; None decides
    by T > m/3.
    """
    x = as_real(x)
    warm = jnp.where(x < COLDEST, x, COLDEST)
    density = as_real(g_chi) * _unit_density(warm, statistics, equilibrium, relativistic)
    return density / entropy_density(1.0, g_star_s)


def _unit_density(
    x: Real,
    statistics: Statistics,
    equilibrium: Equilibrium,
    relativistic: bool | Bool[Array, "..."] | None = None,
) -> Real:
    """n_eq/(g T³) at x = m/T, on the stated side of the published switch."""
    if equilibrium == "piecewise" and relativistic is not None:
        hot = jnp.where(x < PIECEWISE_SWITCH, x, 0.0)
        cold = jnp.where(x < PIECEWISE_SWITCH, PIECEWISE_SWITCH, x)
        x = jnp.where(relativistic, hot, cold)
    return number_density(1.0, x, 1.0, statistics, equilibrium)


def _hits(
    p: Parameters, c: Choices, x: Real, relativistic: bool | Bool[Array, "..."] | None
) -> Real:
    """J₁/n_eq: hits per particle, wall area and time; x beyond `COLDEST` is held there."""
    v_w = p.v_w if c.flux == "moving-wall" else None
    warm = jnp.where(x < COLDEST, x, COLDEST)
    flux = flux_integral(warm, v_w, c.chi_stats, c.equilibrium, relativistic)
    density = _unit_density(warm, c.chi_stats, c.equilibrium, relativistic)
    return flux / (2 * jnp.pi**2) / density


def wall_area(p: Parameters, c: Choices, y: Real, history: AreaHistory | None = None) -> Real:
    """(A/V)(v_w/β) at percolation time y, by the kernel chosen, without the window."""
    if kernel_of(c) == "published":
        return published_area_density(y, p.I_p)
    return scaled_area_density(y, p.I_p, c.area_kernel, history)


def source_rate(
    p: Parameters,
    c: Choices,
    y: Real,
    relativistic: bool | Bool[Array, "..."] | None = None,
    clock: Clock | None = None,
    history: AreaHistory | None = None,
) -> Real:
    """What the walls convert per unit of y = β(t − t_p).

    Args:
        p: the parameters, all given.
        c: the choices.
        y: percolation time, any shape; that of constant g_* if there is a clock, which the
            result then is per unit of.
        relativistic: which published limit to take (`equilibrium="piecewise"`); None
            decides by T > m/3.
        clock: where g_* changes.
        history: of area_kernel "history".

    Returns:
        Coupling "external": dY_B/dy = P f_χ (J₁/s)(A/V) W/β. Coupling "self-consistent":
        the same per χ, −d ln Y_χ/dy = P (J₁/n)(A/V) W/β. Shape of y.
    """
    x = p.m_chi / p.T_p * temperature_ratio(y, p.beta_over_H)
    if clock is not None:
        y, pace = clock.at(y)
        p = dataclasses.replace(p, P=p.P * pace.rate, g_star_s=p.g_star_s * pace.entropy)
    area = wall_area(p, c, y, history) * activity_window(y, p.sigma_y, c.window)
    if c.coupling == "self-consistent":
        return p.P / p.v_w * area * _hits(p, c, x, relativistic)
    v_w = p.v_w if c.flux == "moving-wall" else None
    flux = flux_integral(x, v_w, c.chi_stats, c.equilibrium, relativistic)
    incident = flux_over_entropy(flux, p.g_chi, p.g_star_s)
    return p.P * p.f_chi / p.v_w * area * incident


def washout_exponent(
    start: RealLike,
    end: RealLike,
    washout_over_H: RealLike,
    washout_power: RealLike,
    slowing: Slowing | None = None,
) -> Real:
    """Ω = ∫ Γ_w dt between n = `start` and `end`, n = ln(T_p/T), for Γ_w/H = w₀ e^{kn}.

    B fades by e^{−Ω}: as x^{−w₀} for k = 0, as exp{−(w₀/k)[(x/x_p)^k]} otherwise. Where g_*s
    changes, H dt = (1 + γ_s/3) dn, and `slowing` adds what that makes.
    """
    start, power = as_real(start), as_real(washout_power)
    span = as_real(end) - start
    z = power * span
    small = jnp.abs(z) < 1e-5
    safe = jnp.where(small, 1.0, z)
    mean = jnp.where(small, 1 + z / 2 + z**2 / 6, jnp.expm1(safe) / safe)
    constant = as_real(washout_over_H) * jnp.exp(power * start) * span * mean
    if slowing is None:
        return constant
    more = slowing.between(*jnp.broadcast_arrays(start, as_real(end)))
    return constant + as_real(washout_over_H) * more

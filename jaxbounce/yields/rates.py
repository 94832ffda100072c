"""The rates of the Boltzmann equations: annihilation, the walls, washout.

Time is counted in e-folds, n = ln(T_p/T), so that dn = H dt = dx/x with x = m_χ/T. Per
e-fold, at constant g_*,

    dY_χ/dn = −λ (Y_χ² − Y_eq²) − S,      dY_B/dn = S − (Γ_w/H) Y_B,
    λ = s⟨σv⟩/H,   ⟨σv⟩ = a + b T/m_χ,    Γ_w/H = w₀ (T_p/T)^k.

The walls' source S comes by two names:

* `"external"`, the published one: S = P f_χ J₁ (A/V) W/(sH), from f_χ times the equilibrium
  density, whatever has become of Y_χ. χ loses it only where `deplete` says so.
* `"self-consistent"`: S = P (J₁/n) (A/V) W/H · Y_χ: only the χ that are there can hit a wall.
"""

from typing import Literal, get_args

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.gas import PIECEWISE_SWITCH, flux_integral, number_density
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics, check_names
from jaxbounce.cosmology.radiation import entropy_density, hubble_rate, temperature_ratio
from jaxbounce.percolation.area import AreaKernel, Window, activity_window, scaled_area_density
from jaxbounce.yields.quadrature import flux_over_entropy, published_area_density

Coupling = Literal["external", "self-consistent"]

Flux = Literal["static", "moving-wall"]

Kernel = Literal["eq6", "kjma", "published"]

COLDEST = 650.0
"""m/T beyond which equilibrium densities no longer change: e^{−650} ≈ 1e-283."""


class Rates(eqx.Module):
    """What happens to χ and B during the transition: values as array leaves, choices static.

    Attributes:
        m_chi: mass of χ (GeV), ≥ 0.
        g_chi: its internal degrees of freedom.
        T_p: percolation temperature (GeV).
        beta_over_H: (β/H) at percolation.
        v_w: wall speed.
        I_p: extended volume at percolation.
        g_star: degrees of freedom in the energy density, constant.
        g_star_s: degrees of freedom in the entropy density, constant.
        P: probability that χ converts to B on a hit.
        f_chi: occupancy of the external source; unused by the self-consistent one.
        sigma_y: width of the Gaussian activity window.
        sigma_v: a of ⟨σv⟩ = a + b T/m_χ (GeV⁻²).
        sigma_v_slope: b (GeV⁻²).
        washout_over_H: w₀ = Γ_w/H at T_p.
        washout_power: k of Γ_w/H = w₀ (x/x_p)^k; 0 is a constant, negative fades out.
        kernel: "eq6", "kjma", or "published" (eq. (6) on the published z grid).
        window: "gaussian" or "none".
        chi_stats: "fermion", "boson" or "classical".
        equilibrium: "exact" or "piecewise".
        flux: "static" or "moving-wall".
        coupling: "external" or "self-consistent".
        deplete: whether χ loses what the external source takes.
    """

    m_chi: Scalar = eqx.field(converter=as_leaf)
    g_chi: Scalar = eqx.field(converter=as_leaf)
    T_p: Scalar = eqx.field(converter=as_leaf)
    beta_over_H: Scalar = eqx.field(converter=as_leaf)
    v_w: Scalar = eqx.field(converter=as_leaf)
    I_p: Scalar = eqx.field(converter=as_leaf)
    g_star: Scalar = eqx.field(converter=as_leaf)
    g_star_s: Scalar = eqx.field(converter=as_leaf)
    P: Scalar = eqx.field(converter=as_leaf)
    f_chi: Scalar = eqx.field(converter=as_leaf, default=0.0)
    sigma_y: Scalar = eqx.field(converter=as_leaf, default=15.0)
    sigma_v: Scalar = eqx.field(converter=as_leaf, default=0.0)
    sigma_v_slope: Scalar = eqx.field(converter=as_leaf, default=0.0)
    washout_over_H: Scalar = eqx.field(converter=as_leaf, default=0.0)
    washout_power: Scalar = eqx.field(converter=as_leaf, default=0.0)
    kernel: Kernel = eqx.field(static=True, default="eq6")
    window: Window = eqx.field(static=True, default="gaussian")
    chi_stats: Statistics = eqx.field(static=True, default="fermion")
    equilibrium: Equilibrium = eqx.field(static=True, default="exact")
    flux: Flux = eqx.field(static=True, default="static")
    coupling: Coupling = eqx.field(static=True, default="external")
    deplete: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        check_names(self.chi_stats, self.equilibrium)
        for what, name, known in (
            ("kernel", self.kernel, get_args(Kernel)),
            ("window", self.window, get_args(Window)),
            ("flux", self.flux, get_args(Flux)),
            ("coupling", self.coupling, get_args(Coupling)),
        ):
            if name not in known:
                raise ValueError(f"{what} = {name!r}: must be one of {', '.join(map(repr, known))}")
        if self.coupling == "self-consistent" and not self.deplete:
            raise ValueError(
                'coupling = "self-consistent" takes from χ what it gives to B: deplete must be True'
            )

    @property
    def area_kernel(self) -> AreaKernel:
        """The area density that `kernel` evaluates or approximates."""
        return "kjma" if self.kernel == "kjma" else "eq6"

    @property
    def mass_over_Tp(self) -> Scalar:
        """m_χ/T_p."""
        return self.m_chi / self.T_p


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
    relativistic: bool | Real | None = None,
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
    relativistic: bool | Real | None = None,
) -> Real:
    """n_eq/(g T³) at x = m/T, on the stated side of the published switch."""
    if equilibrium == "piecewise" and relativistic is not None:
        hot = jnp.where(x < PIECEWISE_SWITCH, x, 0.0)
        cold = jnp.where(x < PIECEWISE_SWITCH, PIECEWISE_SWITCH, x)
        x = jnp.where(relativistic, hot, cold)
    return number_density(1.0, x, 1.0, statistics, equilibrium)


def _hits(rates: Rates, x: Real, relativistic: bool | Real | None) -> Real:
    """J₁/n_eq: hits per particle, wall area and time; x beyond `COLDEST` is held there."""
    v_w = rates.v_w if rates.flux == "moving-wall" else None
    warm = jnp.where(x < COLDEST, x, COLDEST)
    flux = flux_integral(warm, v_w, rates.chi_stats, rates.equilibrium, relativistic)
    density = _unit_density(warm, rates.chi_stats, rates.equilibrium, relativistic)
    return flux / (2 * jnp.pi**2) / density


def wall_area(rates: Rates, y: Real) -> Real:
    """(A/V)(v_w/β) at percolation time y, by the kernel of `rates`, without the window."""
    if rates.kernel == "published":
        return published_area_density(y, rates.I_p)
    return scaled_area_density(y, rates.I_p, rates.kernel)


def source_rate(rates: Rates, y: Real, relativistic: bool | Real | None = None) -> Real:
    """What the walls convert per unit of y = β(t − t_p).

    Args:
        rates: the point.
        y: percolation time, any shape.
        relativistic: which published limit to take (`equilibrium="piecewise"`); None
            decides by T > m/3.

    Returns:
        Coupling "external": dY_B/dy = P f_χ (J₁/s)(A/V) W/β. Coupling "self-consistent":
        the same per χ, −d ln Y_χ/dy = P (J₁/n)(A/V) W/β. Shape of y.
    """
    x = rates.mass_over_Tp * temperature_ratio(y, rates.beta_over_H)
    area = wall_area(rates, y) * activity_window(y, rates.sigma_y, rates.window)
    if rates.coupling == "self-consistent":
        return rates.P / rates.v_w * area * _hits(rates, x, relativistic)
    v_w = rates.v_w if rates.flux == "moving-wall" else None
    flux = flux_integral(x, v_w, rates.chi_stats, rates.equilibrium, relativistic)
    incident = flux_over_entropy(flux, rates.g_chi, rates.g_star_s)
    return rates.P * rates.f_chi / rates.v_w * area * incident


def washout_exponent(
    start: RealLike, end: RealLike, washout_over_H: RealLike, washout_power: RealLike
) -> Real:
    """Ω = ∫ Γ_w dt between n = `start` and `end`, n = ln(T_p/T), for Γ_w/H = w₀ e^{kn}.

    B fades by e^{−Ω}: as x^{−w₀} for k = 0, as exp{−(w₀/k)[(x/x_p)^k]} otherwise.
    """
    start, power = as_real(start), as_real(washout_power)
    span = as_real(end) - start
    z = power * span
    small = jnp.abs(z) < 1e-5
    safe = jnp.where(small, 1.0, z)
    mean = jnp.where(small, 1 + z / 2 + z**2 / 6, jnp.expm1(safe) / safe)
    return as_real(washout_over_H) * jnp.exp(power * start) * span * mean

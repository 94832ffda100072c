"""Thermal equilibrium of χ: number density, mean speed, one-sided flux onto a wall.

Everything is written for a gas of mass m at temperature T through x = m/T and the
dimensionless integrals over energies E (in units of T) with occupation f(E),

    N(x) = ∫ₓ^∞ p E f dE,   V(x) = ∫ₓ^∞ p² f dE,   p² = E² − x²,

    n = g T³ N/2π²,   n v̄ = g T³ V/2π²,   J = g T³ j/2π².

`equilibrium="exact"` evaluates these for Fermi–Dirac, Bose–Einstein and
Maxwell–Boltzmann statistics; `equilibrium="piecewise"` gives the published limits,
massless for T > m/3 and non-relativistic below, which jump by 5.6 in n where they meet.
"""

import jax.numpy as jnp
import jax.scipy.special as jsp
from jaxtyping import Array, Bool

from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.cosmology.constants import ZETA_3
from jaxbounce.cosmology.gas_integrals import (
    Equilibrium,
    Statistics,
    check_names,
    density_integral,
    moving_flux_integral,
    speed_integral,
)

PIECEWISE_SWITCH = 3.0
"""m/T at which the published limits change from massless to non-relativistic."""


def _massless_integral(statistics: Statistics) -> float:
    """N(0) = V(0) = ∫ E² f dE."""
    return {"fermion": 1.5 * ZETA_3, "boson": 2 * ZETA_3, "classical": 2.0}[statistics]


def _cold_factor(x: Real) -> Real:
    """The non-relativistic N(x) e^x: 2π² (x/2π)^{3/2}."""
    # not a power: those cost ten times a square root
    return jnp.sqrt(jnp.pi / 2) * x * jnp.sqrt(x)


def _cold_density(x: Real) -> Real:
    """The non-relativistic N(x): 2π² (x/2π)^{3/2} e^{−x}."""
    return _cold_factor(x) * jnp.exp(-x)


def flux_integral(
    x: RealLike,
    v_w: RealLike | None,
    statistics: Statistics,
    equilibrium: Equilibrium,
    relativistic: bool | Bool[Array, "..."] | None = None,
) -> Real:
    """j(x, v_w) by either prescription; J = g T³ j/2π² is the flux per wall area.

    Args:
        x: m/T ≥ 0, any shape.
        v_w: wall speed, or None for a wall at rest: J = ¼ n v̄.
        statistics: "fermion", "boson" or "classical".
        equilibrium: "exact" or "piecewise".
        relativistic: which published limit to take; None decides by T > m/3. Given by
            callers that integrate over x and put a breakpoint where the limits meet.

    Returns:
        j, the shape of x (and v_w) broadcast.
    """
    factor, exponent = flux_factors(x, v_w, statistics, equilibrium, relativistic)
    return factor if equilibrium == "exact" else factor * jnp.exp(exponent)


def flux_factors(
    x: RealLike,
    v_w: RealLike | None,
    statistics: Statistics,
    equilibrium: Equilibrium,
    relativistic: bool | Bool[Array, "..."] | None = None,
) -> tuple[Real, Real]:
    """`flux_integral` as a factor and an exponent, for those who have one of their own to add."""
    check_names(statistics, equilibrium)
    x = as_real(x)
    if equilibrium == "exact":
        if v_w is None:
            factor = speed_integral(x, statistics) / 4
        else:
            factor = moving_flux_integral(x, v_w, statistics)
        return factor, jnp.zeros_like(x)
    if relativistic is None:
        relativistic = x < PIECEWISE_SWITCH
    massless = _massless_integral(statistics) / 4
    if v_w is None:
        # the cold density times √(8/πx)/4: the roots cancel
        hot_flux, cold_flux = massless, x / 2
    else:
        v_w = as_real(v_w)
        cold = jnp.where(x > 0, x, 1.0)
        hot_flux = massless * (1 + v_w) ** 2 * jnp.ones_like(x)
        # one-sided flux of a Gaussian of velocities, σ² = T/m, onto a wall at v_w
        scaled = v_w * jnp.sqrt(cold / 2)
        drift = v_w / 2 * (1 + jsp.erf(scaled))
        cold_flux = _cold_factor(cold) * (
            jnp.exp(-(scaled**2)) / jnp.sqrt(2 * jnp.pi * cold) + drift
        )
    return jnp.where(relativistic, hot_flux, cold_flux), jnp.where(relativistic, 0.0, -x)


def number_density(
    T: RealLike,
    m: RealLike,
    g: RealLike,
    statistics: Statistics = "fermion",
    equilibrium: Equilibrium = "exact",
) -> Real:
    """Equilibrium number density n (GeV³) of mass m (GeV) and g degrees of freedom at T (GeV)."""
    check_names(statistics, equilibrium)
    T, m = as_real(T), as_real(m)
    x = m / T
    if equilibrium == "exact":
        integral = density_integral(x, statistics)
    else:
        cold = jnp.where(x > 0, x, 1.0)
        integral = jnp.where(
            x < PIECEWISE_SWITCH, _massless_integral(statistics), _cold_density(cold)
        )
    return as_real(g) * T**3 * integral / (2 * jnp.pi**2)


def mean_speed(
    T: RealLike,
    m: RealLike,
    statistics: Statistics = "fermion",
    equilibrium: Equilibrium = "exact",
) -> Real:
    """Mean speed v̄ = ⟨p/E⟩ (units of c) in equilibrium; 1 at m = 0, √(8T/πm) when cold."""
    check_names(statistics, equilibrium)
    x = as_real(m) / as_real(T)
    if equilibrium == "exact":
        return speed_integral(x, statistics) / density_integral(x, statistics)
    cold = jnp.where(x < PIECEWISE_SWITCH, PIECEWISE_SWITCH, x)
    return jnp.where(x < PIECEWISE_SWITCH, 1.0, jnp.sqrt(8 / (jnp.pi * cold)))


def incident_flux(
    T: RealLike,
    m: RealLike,
    g: RealLike,
    v_w: RealLike | None = None,
    statistics: Statistics = "fermion",
    equilibrium: Equilibrium = "exact",
) -> Real:
    """Particles hitting the front of a wall per area and plasma time, J (GeV³).

    With `v_w` None the wall is at rest, J = ¼ n v̄, the published choice; with a speed
    0 ≤ v_w < 1 it moves through the gas (massless: J = n(1 + v_w)²/4). Multiplying by A/V
    and dt counts every hit once; the flux per proper time of the wall is γJ.
    """
    T = as_real(T)
    integral = flux_integral(as_real(m) / T, v_w, statistics, equilibrium)
    return as_real(g) * T**3 * integral / (2 * jnp.pi**2)

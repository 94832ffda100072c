"""χ from beyond the brane: free streaming onto it, in closed form, and what stays there.

Off the brane nothing collides, and Liouville's theorem carries the distribution of where χ comes
from to the brane along characteristics. The one-sided flux onto a brane of codimension one in D
space dimensions,

    J_⊥ = ∫_{p_ξ < 0} |p_ξ/E| f d^Dp/(2π)^D,

counts particles per (D − 1)-volume and time. For D = 4 that is GeV⁴, a source density dn_χ/dt of
the brane's own three dimensions, and not the flux (GeV³) onto walls: a density, and with it f_χ,
needs the time that χ stays, `density_on_brane`.

The closed forms are for a bath that is at rest beyond a distance, and for static geometries; they
follow from the characteristics alone (derived anew in the tests by quadrature over momenta).
"""

import functools
from collections.abc import Callable, Sequence
from math import gamma, pi
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np

from jaxbounce._core.accuracy import limit_in_force
from jaxbounce._core.checks import check_whole
from jaxbounce._core.quadrature import paired_gauss_legendre, rapidities
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.cosmology.gas_integrals import density_integral

Arrival: TypeAlias = Callable[[Real, Any], Real]
"""(t, args) → one-sided flux J_⊥ at times t (one axis); parameters come by args."""

_NODES = 128

_SMALLEST = 1e-12  # x below which K is its leading term at zero

_PANELS, _PANEL_NODES = 24, 14


def one_sided_flux(D: int) -> float:
    """J/n = Γ(D/2)/(2√π Γ((D + 1)/2)) of a massless isotropic gas in D space dimensions: ¼ for 3.

    Args:
        D: number of space dimensions, ≥ 1 (static).
    """
    check_whole("D", D, 1, "number of space dimensions")
    return gamma(D / 2) / (2 * pi**0.5 * gamma((D + 1) / 2))


def half_space_flux(u: RealLike, D: int = 3) -> Real:
    """J/n a time t after a massless gas beyond a distance d was released, u = d/t.

    one_sided_flux(D) (1 − u²)^{(D−1)/2}: only directions with cos θ > u have arrived.

    Args:
        u: d/t ≥ 0; zero from u = 1 on.
        D: number of space dimensions, ≥ 2 (static).
    """
    check_whole("D", D, 2, "number of space dimensions")
    square = 1 - as_real(u) ** 2
    arrived = square > 0
    power = jnp.where(arrived, square, 1.0) ** ((D - 1) / 2)
    return one_sided_flux(D) * jnp.where(arrived, power, 0.0)


def massive_half_space_flux(u: RealLike, m_over_T: RealLike) -> Real:
    """J/n of the same with Maxwell–Boltzmann particles of mass m in three dimensions.

    e^{−E}(1 − u²)(1 + E)/(2 x² K₂(x)), E = x/√(1 − u²), x = m/T: those faster than u.

    Args:
        u: d/t ≥ 0; zero from u = 1 on.
        m_over_T: x, 0 ≤ x ≤ 700.
    """
    x = as_real(m_over_T)
    square = 1 - as_real(u) ** 2
    arrived = square > 0
    square = jnp.where(arrived, square, 1.0)
    root = jnp.sqrt(square)
    slowest = x / root
    # E − x without cancellation, and e^x x² K₂ from the density, so that neither underflows
    kinetic = slowest * as_real(u) ** 2 / (1 + root)
    density = jnp.exp(x) * density_integral(x, "classical")
    flux = jnp.exp(-kinetic) * square * (1 + slowest) / (2 * density)
    return jnp.where(arrived, flux, 0.0)


def released_slab(d: RealLike, t: RealLike, S_0: RealLike, sigma_v: RealLike) -> tuple[Real, Real]:
    """Density and one-sided flux at the brane, of a cold Gaussian slab released at t = 0.

    Positions at distance d with dispersion S₀, velocities with σ_v (D = 1, non-relativistic): with
    Σ² = S₀² + σ_v²t² the density is a Gaussian of width Σ at d, and the velocities of those at
    the brane are Gaussian with mean d t σ_v²/Σ² towards it and width σ_v S₀/Σ.

    Args:
        d: distance of the slab.
        t: time since its release, ≥ 0.
        S_0: initial width, > 0.
        sigma_v: dispersion of velocities, > 0.

    Returns:
        n (particles per length, for one in all) and J (per time).
    """
    d, t, S_0, sigma_v = (as_real(value) for value in (d, t, S_0, sigma_v))
    width_squared = S_0**2 + (sigma_v * t) ** 2
    width = jnp.sqrt(width_squared)
    n = jnp.exp(-(d**2) / (2 * width_squared)) / (np.sqrt(2 * np.pi) * width)
    mean, spread = d * t * sigma_v**2 / width_squared, sigma_v * S_0 / width
    z = mean / spread
    towards = spread * jnp.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + mean * jsp.ndtr(z)
    return n, n * towards


def free_streaming_length(u_0: RealLike, a: RealLike, H_0: RealLike = 1.0) -> Real:
    """Comoving distance (u₀/H₀)[asinh(a/u₀) − asinh(1/u₀)] in radiation domination, from a = 1.

    Args:
        u_0: p/m at a = 1, > 0.
        a: scale factor.
        H_0: expansion rate at a = 1; the unit of the result is its inverse.
    """
    u_0 = as_real(u_0)
    return u_0 / as_real(H_0) * (jnp.arcsinh(as_real(a) / u_0) - jnp.arcsinh(1 / u_0))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _power_bessel(x: Real, order: float) -> Real:
    """2 (x/2)^ν K_ν(x)/Γ(ν), ν > 0: 1 at x = 0."""
    return 2 / gamma(order) * _scaled_bessel(x, order, order)


@_power_bessel.defjvp
def _power_bessel_jvp(
    order: float, primals: tuple[Real], tangents: tuple[Real]
) -> tuple[Real, Real]:
    # (x^ν K_ν)' = −x^ν K_{ν−1}: by parts, without the cancellation at small x
    (x,), (x_dot,) = primals, tangents
    slope = -2 / gamma(order) * _scaled_bessel(x, order - 1, order)
    return _power_bessel(x, order), slope * x_dot


def _scaled_bessel(x: Real, order: float, power: float) -> Real:
    """(x/2)^power K_order(x) = (x/2)^power ∫₀^∞ cosh(order t) e^{−x cosh t} dt, power ≥ |order|."""
    positive = x > _SMALLEST
    safe = jnp.where(positive, x, 1.0)
    at = rapidities(safe, _NODES)
    rising = at.falling**-order
    terms = (rising + 1 / rising) / 2 * jnp.exp(-safe[..., None] * at.cosh)
    value = (safe / 2) ** power * (at.weight * terms).sum(-1)
    half = jnp.where(positive, 1.0, jnp.maximum(x, 4 * jnp.finfo(x.dtype).tiny)) / 2
    limit = gamma(order) / 2 if order > 0 else -jnp.log(half) - np.euler_gamma
    return jnp.where(positive, value, half ** (power - order) * limit)


def barrier_fraction(M_over_T: RealLike, D: int = 3) -> Real:
    """Share of a massless Maxwell–Boltzmann flux that passes a barrier of height M.

    2 (M/2T)^{D/2} K_{D/2}(M/T)/Γ(D/2): p_⊥ must exceed M, and (1 + M/T) e^{−M/T} for D = 3.

    Args:
        M_over_T: height over temperature, 0 ≤ M/T ≤ 700.
        D: number of space dimensions, ≥ 2 (static).
    """
    check_whole("D", D, 2, "number of space dimensions")
    return _power_bessel(as_real(M_over_T), D / 2)


def warp_flux(r: RealLike, m_over_T: RealLike, T_0: RealLike = 1.0) -> Real:
    """J onto a brane in a static warp ds² = n²(−dt² + dx²) + dξ² from a thermal boundary, D = 3.

    e^{−rE}(1 + rE) T₀³/4π²r³, E = max(m, m/r)/T₀, r = n_brane/n₀, for monotone n: the momentum
    across obeys p_{ξ0}² = r² p_{ξb}² + (r² − 1) m² > 0. Maxwell–Boltzmann, one degree of freedom.

    Args:
        r: ratio of the warp factors, > 0.
        m_over_T: m/T₀ ≥ 0.
        T_0: temperature at the boundary (GeV); J is in GeV³.
    """
    r, m, T_0 = as_real(r), as_real(m_over_T), as_real(T_0)
    # r E: what climbs to the brane needs m there, what falls brings its m along
    least = jnp.where(r > 1, r * m, m)
    return jnp.exp(-least) * (1 + least) * T_0**3 / (4 * jnp.pi**2 * r**3)


class Arrived(eqx.Module):
    """What has come to the brane and stayed, shape ().

    Attributes:
        n_chi: density (GeV³) at t_p; NaN where the status is not SUCCESS.
        error_estimate: its estimated absolute error, from two node counts.
        status: a `jaxbounce.Status` code.
    """

    n_chi: Scalar
    error_estimate: Scalar
    status: Code


def density_on_brane(
    arrival: Arrival,
    t_start: RealLike,
    t_p: RealLike,
    residence_time: RealLike,
    args: Any = None,
    *,
    breakpoints: Sequence[float] | RealLike = (),
    tolerance: float | None = None,
) -> Arrived:
    """n_χ(t_p) = ∫ dt J_⊥(t) (a/a_p)³ e^{−(t_p − t)/τ}, a ∝ √t: what a flux in D = 4 leaves behind.

    The flux alone is no density: what comes to the brane leaves it again, or is reflected, after a
    residence time τ. f_χ is `occupancy(found.n_chi, T_p, …, found.error_estimate, found.status)`.

    Args:
        arrival: (t, args) → J_⊥ (GeV⁴), for times t (GeV⁻¹) along one axis.
        t_start: time at which χ begins to come (GeV⁻¹), ≥ 0.
        t_p: time of percolation (GeV⁻¹), ≥ t_start; 1/(2H) in radiation domination.
        residence_time: τ (GeV⁻¹), > 0; inf if χ stays.
        args: passed to `arrival`; gradients flow through it.
        breakpoints: times (GeV⁻¹) at which the flux is not smooth, such as t = d of the first.
        tolerance: relative error estimate up to which the status says success; None takes 1e-6, or
            1e-3 in float32.
    """
    times = [as_real(value) for value in (t_start, t_p, residence_time)]
    ((t_start, t_p, residence_time), args), token = shielded((times, args))
    valid = (t_start >= 0) & (t_p > t_start) & (residence_time > 0) & jnp.isfinite(t_p)
    # a point that is refused is computed at times where nothing is wrong but the question
    last = jnp.where(valid, t_p, 1.0)
    span = last - jnp.where(valid, t_start, 0.0)
    stay = jnp.where(valid, residence_time, 1.0)

    # panels in the time before t_p: as wide as the residence time at first, then as that time
    start, end = jax.lax.stop_gradient((jnp.minimum(stay, span), span))
    share = np.arange(1, _PANELS) / _PANELS
    inner = start * jnp.expm1(share * jnp.log1p(end / start))
    cuts = jax.lax.stop_gradient(last) - jnp.atleast_1d(jnp.asarray(breakpoints, last.dtype))
    inner = jnp.sort(jnp.concatenate([inner, jnp.clip(cuts, 0.0, end)]))
    edges = jnp.concatenate([jnp.zeros(1), inner, span[None]])
    nodes, weights = paired_gauss_legendre(_PANEL_NODES)
    half = jnp.diff(edges)[:, None] / 2
    before = edges[:-1, None] + half * (1 + nodes)
    t = last - before
    flux = arrival(t.reshape(-1), args).reshape(t.shape)
    kept = flux * (t / last) ** 1.5 * jnp.exp(-before / stay) * half
    n_chi, coarse = (weights @ kept.T).sum(-1)

    error = jnp.abs(jax.lax.stop_gradient(n_chi - coarse))
    converged = error <= limit_in_force(n_chi.dtype, tolerance) * n_chi
    status = jnp.where(converged, Status.SUCCESS, Status.QUADRATURE_NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(n_chi), status, Status.NOT_FINITE)
    status = jnp.where(valid, status, Status.INVALID_PARAMETER)
    good = status == Status.SUCCESS
    return Arrived(withheld(n_chi, good, token), jnp.where(good, error, jnp.nan), status)

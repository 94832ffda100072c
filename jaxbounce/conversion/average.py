"""Average of a conversion probability over the thermal flux onto a moving wall.

In the frame of the wall, with the transverse momenta integrated, the flux is

    dJ/dp_z = (g T/4π²γ²) p_z L(y),   y = γ(ω − v_w p_z)/T,   ω = √(p_z² + m²),

L = ln(1 + e^{−y}) (FD), −ln(1 − e^{−y}) (BE), e^{−y} (MB), per plasma time. The integral runs
over q, the longitudinal momentum in the plasma, p_z = γ(q + v_w E), E = √(q² + m²): there
y = E/T exactly, nothing cancels at v_w → 1, and the weight sits around q = 0 for any m/T.

Gauss–Legendre panels are graded towards p_z = 0 (where probabilities have structure on any
scale), towards q = 0 (where E bends on the scale m) and towards the thresholds of P; inside
a panel nodes follow sin², so that square roots at its ends converge.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.quadrature import gauss_legendre, summed_panels
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce.cosmology.gas_integrals import Statistics, check_names, log_partition

Probability: TypeAlias = Callable[[Real, Any], Real | tuple[Real, Real]]
"""(p_z, args) → P, or P and its absolute error, for an array of p_z; parameters come by args."""

PANELS = 40

NODES = 16

_ENERGY_RANGE = 40.0  # e^{−40} < 1e-17: kinetic energies in T that no longer count

_FINEST = 1e-6  # innermost panels, in units of the width of the weight

_LINEAR_WEIGHT = 1.5  # panels per width of the weight, against one per e-fold of grading

_SCAN = 64

_ROUNDING = 64


class FluxAverage(eqx.Module):
    """⟨P⟩ and its certificate, shape ().

    Attributes:
        value: ⟨P⟩ = ∫ p_z L P dp_z/∫ p_z L dp_z.
        flux_integral: j, the flux J = g T³ j/2π² per wall area and plasma time, as
            `equilibrium.moving_flux_integral`; ∫₀^∞ u e^{−(u−v)²/2σ²} du/√(2πσ²) for the
            non-relativistic average.
        error_estimate: estimated absolute error of `value`, with the average of the error of P.
        status: a `jaxbounce.Status` code; `value` is NaN where it is not SUCCESS.
    """

    value: Scalar
    flux_integral: Scalar
    error_estimate: Scalar
    status: Code

    def factor(self, probability: RealLike) -> Scalar:
        """F = ⟨P⟩/P(k_ref), for P at a reference momentum."""
        return self.value / as_real(probability)


def _edges(
    length: Scalar, centres: Real, finest: Real, width: Scalar, thresholds: Real, panels: int
) -> Real:
    """Panel edges on [0, length]: equal shares of Σ 1/(|x − c| + δ) + c₁/width.

    The edges are constants for differentiation, except the last and the thresholds: an
    integral does not depend on how it is cut.
    """
    end, c, delta, w = jax.lax.stop_gradient((length, centres, finest, width))

    def work(x: Real) -> Real:
        graded = jnp.arcsinh((x[:, None] - c) / delta).sum(-1)
        return graded + _LINEAR_WEIGHT * x / w

    # points as dense as the grading itself, on both sides of each centre
    steps = jnp.sinh(np.linspace(0, 1, _SCAN) * jnp.arcsinh(end / delta)[:, None]) * delta[:, None]
    points = jnp.concatenate([c[:, None] - steps, c[:, None] + steps]).reshape(-1)
    points = jnp.sort(jnp.clip(jnp.concatenate([points, jnp.stack([0 * end, end])]), 0.0, end))
    done = work(points)
    targets = done[0] + (done[-1] - done[0]) * np.arange(1, panels) / panels
    inner = jax.lax.stop_gradient(jnp.interp(targets, done, points))
    inside = jnp.clip(thresholds, 0.0, length)
    ends = jnp.stack([jnp.zeros_like(length), length])
    return jnp.sort(jnp.concatenate([inner, inside, ends]))


def _nodes(edges: Real, nodes: int) -> tuple[Real, Real]:
    """Nodes x = a + (b − a) sin²(πt/2) and dx/dt, shape (panels, nodes), t on [0, 1]."""
    t = (1 + gauss_legendre(nodes)[0]) / 2
    span = jnp.diff(edges)[:, None]
    x = edges[:-1, None] + span * np.sin(np.pi * t / 2) ** 2
    return x, span * (np.pi / 2 * np.sin(np.pi * t))


def _integrate(values: Real) -> tuple[Scalar, Scalar]:
    """Sum of the panel integrals over t, each from 0 to 1, and an estimate of its error."""
    return summed_panels(values, jnp.full(values.shape[0], 0.5))


def _average(
    weight: Real,
    at: Real,
    probability: Probability,
    args: Any,
    scale: Real,
    tolerance: float,
) -> FluxAverage:
    found = probability(jnp.reshape(at, (-1,)), args)
    P, own_error = found if isinstance(found, tuple) else (found, jnp.zeros_like(found))
    P = jnp.reshape(P, at.shape)
    own_error = jax.lax.stop_gradient(jnp.reshape(own_error, at.shape))
    flux, flux_error = _integrate(weight)
    converted, error = _integrate(weight * P)
    value = converted / flux
    bound = _ROUNDING * jnp.finfo(value.dtype).eps * jnp.abs(P).max()
    inherited, _ = _integrate(weight * own_error)
    error = jax.lax.stop_gradient((error + inherited + jnp.abs(value) * flux_error) / flux + bound)
    status = jnp.where(error <= tolerance, Status.SUCCESS, Status.AVERAGE_NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(value), status, Status.NOT_FINITE)
    value = jnp.where(status == Status.SUCCESS, value, jnp.nan)
    return FluxAverage(value, flux * scale, error, status)


def thermal_flux_average(
    probability: Probability,
    T: RealLike,
    m: RealLike,
    v_w: RealLike,
    args: Any = None,
    *,
    statistics: Statistics = "fermion",
    thresholds: Float[Array, " thresholds"] | None = None,
    panels: int = PANELS,
    nodes: int = NODES,
    tolerance: float = 1e-6,
) -> FluxAverage:
    """⟨P⟩ over the particles that hit the front of a wall moving through a thermal gas.

    Relative error ≤ 1e-12 for smooth P, 0 ≤ m/T ≤ 300 and 0 ≤ v_w ≤ 0.999 in float64.

    Args:
        probability: (p_z, args) → P, or (P, its absolute error), for an array of normal
            momenta p_z > 0 in the frame of the wall (GeV); K = √(p_z² + m²).
        T: temperature of the gas (GeV).
        m: mass of the incoming eigenstate (GeV), ≥ 0.
        v_w: wall speed, 0 ≤ v_w < 1.
        args: passed to `probability`; gradients flow through it.
        statistics: "fermion", "boson" or "classical".
        thresholds: values of K (GeV) where P has a square-root singularity or a kink; those
            not above m do nothing.
        panels: panels without those the thresholds add (static).
        nodes: nodes a panel (static).
        tolerance: absolute error estimate up to which the status says success.
    """
    check_names(statistics)
    T, m, v_w = as_real(T), as_real(m), as_real(v_w)
    gamma = 1 / jnp.sqrt((1 - v_w) * (1 + v_w))
    rest = gamma * v_w * m  # −q of a particle at rest in the frame of the wall, p_z = 0
    reach = jnp.sqrt(_ENERGY_RANGE * T * (_ENERGY_RANGE * T + 2 * m))
    width = jnp.sqrt(T * (T + m))
    below = jnp.minimum(rest, reach)
    skipped = rest - below
    cuts = jnp.zeros(0) if thresholds is None else as_real(thresholds)
    inside = cuts > m
    p_cut = jnp.where(inside, jnp.sqrt(jnp.where(inside, (cuts - m) * (cuts + m), 1.0)), 0.0)
    # boost back to the plasma: q = γ(p − vω), and x = q + below from the end of the range
    x_cut = jnp.where(inside, gamma * (p_cut - v_w * jnp.where(inside, cuts, 1.0)) + below, 0.0)
    near = jnp.full_like(x_cut, _FINEST * 100) * width
    centres = jnp.concatenate([jnp.stack([-skipped, below]), x_cut])
    finest = jnp.concatenate([jnp.stack([_FINEST * width, _FINEST * width + m / 2]), near])
    edges = _edges(below + reach, centres, finest, width, x_cut, panels)
    x, slope = _nodes(edges, nodes)
    q = x - below
    energy = jnp.sqrt(q**2 + m**2)
    # γ(q + vE), as a product where q < 0: (q + rest)(rest − q)/γ(vE − q)
    behind = q < 0
    apart = jnp.where(behind, gamma * (v_w * energy - q), 1.0)
    p = jnp.where(behind, (x + skipped) * (rest - q) / apart, gamma * (q + v_w * energy))
    omega = jnp.sqrt(p**2 + m**2)
    # L carries e^{−m/T}: taken out of the average, or cold gases underflow
    shift = jnp.exp(-m / T)
    spectrum = _reduced(energy, q, m, T, statistics)
    weight = p / T * spectrum * omega / energy * slope / T
    return _average(weight, p, probability, args, shift / (2 * gamma**2), tolerance)


def flux_share_below(
    K: RealLike, T: RealLike, m: RealLike, v_w: RealLike, statistics: Statistics = "fermion"
) -> Scalar:
    """Share of the thermal flux onto a wall that comes with √(p_z² + m²) below K.

    Args:
        K: momentum (GeV), such as the mass that lets nothing pass below it; 0 if not above m.
        T: temperature of the gas (GeV).
        m: mass of the incoming eigenstate (GeV), ≥ 0.
        v_w: wall speed, 0 ≤ v_w < 1.
        statistics: as in `thermal_flux_average`.
    """
    K, m = as_real(K), as_real(m)
    args = jnp.where(m < K, K, 0.0), m
    found = thermal_flux_average(_below, T, m, v_w, args, statistics=statistics, thresholds=K[None])
    return found.value


def _below(p: Real, args: tuple[Scalar, Scalar]) -> Real:
    K, m = args
    return jnp.where(p**2 + m**2 < K**2, 1.0, 0.0)


def _reduced(energy: Real, q: Real, m: Scalar, T: Scalar, statistics: Statistics) -> Real:
    """e^{m/T} L(E/T)."""
    kinetic = q**2 / (energy + m) / T
    y = energy / T
    boltzmann = jnp.exp(-kinetic)
    if statistics == "classical":
        return boltzmann
    cold = y > 1.0
    occupation = jnp.exp(-jnp.where(cold, y, 1.0))
    sign = 1.0 if statistics == "fermion" else -1.0
    # log1p(z)/z is summed where z no longer changes it
    small = occupation < 1e-8
    z = jnp.where(small, 1e-8, occupation)
    ratio = jnp.where(small, 1 - sign * occupation / 2, jnp.log1p(sign * z) / (sign * z))
    hot = log_partition(jnp.where(cold, 1.0, y), statistics) * jnp.exp(jnp.minimum(m / T, 1.0))
    return jnp.where(cold, boltzmann * ratio, hot)


def nonrelativistic_flux_average(
    probability: Probability,
    sigma: RealLike,
    v_w: RealLike,
    args: Any = None,
    *,
    panels: int = PANELS,
    nodes: int = NODES,
    tolerance: float = 1e-6,
) -> FluxAverage:
    """⟨P(u)⟩ with the weight u e^{−(u − v_w)²/2σ²}, u > 0 the speed relative to the wall.

    The cold limit of `thermal_flux_average`, with σ² = T/m.

    Args:
        probability: (u, args) → P, or (P, its absolute error), for an array of relative
            speeds.
        sigma: one-dimensional velocity dispersion, √(T/m).
        v_w: wall speed ≥ 0.
        args: passed to `probability`; gradients flow through it.
        panels: number of panels (static).
        nodes: nodes a panel (static).
        tolerance: absolute error estimate up to which the status says success.
    """
    sigma, v_w = as_real(sigma), as_real(v_w)
    reach = np.sqrt(2 * _ENERGY_RANGE) * sigma
    below = jnp.minimum(v_w, reach)
    skipped = v_w - below
    centres, finest = jnp.stack([-skipped]), jnp.stack([_FINEST * sigma])
    edges = _edges(below + reach, centres, finest, sigma, jnp.zeros(0), panels)
    x, slope = _nodes(edges, nodes)
    u = x + skipped
    weight = u * jnp.exp(-(((x - below) / sigma) ** 2) / 2) * slope / (np.sqrt(2 * np.pi) * sigma)
    return _average(weight, u, probability, args, jnp.ones_like(sigma), tolerance)

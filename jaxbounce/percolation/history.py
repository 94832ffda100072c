"""Percolation for any nucleation history Γ(t), by the chain of radius moments.

With r(t', t) = ∫ v dt/a the comoving distance a wall has run since t', the moments
K_n(t) = ∫ Γ a³ rⁿ dt' of all bubbles nucleated so far obey the chain

    K₀' = Γ a³,     K_n' = n (v/a) K_{n−1},

and for bubbles born with comoving radius R₀ they give extended volume and area

    I   = (4π/3)(K₃ + 3R₀K₂ + 3R₀²K₁ + R₀³K₀),
    A/V = (4π/a)(K₂ + 2R₀K₁ + R₀²K₀) e^{−I}.

Nucleation into space already covered needs no correction: e^{−I} excludes it. The
chain is integrated panel by panel with Legendre polynomials: every term is positive,
so nothing cancels, however many e-folds Γ spans.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.series import legendre_rule, legendre_sum, legendre_values
from jaxbounce._core.types import Real, RealLike, Scalar, as_real


class NucleationHistory(eqx.Module):
    """Moments of the bubble population as piecewise polynomials; made by `nucleation_history`."""

    edges: Float[Array, " panels+1"]
    moments: Float[Array, "4 panels degrees"]
    initial_radius: Scalar
    scale_factor: Callable[[Real, Any], Real]
    args: Any
    swept_fraction: Scalar
    """∫ v (A/V) dt over the panels: the volume fraction that walls have swept."""
    nucleated_fraction: Scalar
    """(4π/3) ∫ Γ a³ R₀³ e^{−I} dt: the fraction inside bubbles at birth."""

    def _moments_at(self, t: Real) -> Float[Array, "4 ..."]:
        panel = jnp.clip(
            jnp.searchsorted(self.edges, t, side="right") - 1, 0, self.edges.shape[0] - 2
        )
        left, right = self.edges[panel], self.edges[panel + 1]
        x = (2 * t - left - right) / (right - left)
        return legendre_sum(jnp.moveaxis(self.moments[:, panel], -1, 0), x)

    def extended_volume(self, t: RealLike) -> Real:
        """I(t); t inside the range of the panels."""
        return _volume(self._moments_at(as_real(t)), self.initial_radius)

    def false_vacuum_fraction(self, t: RealLike) -> Real:
        """h(t) = e^{−I}."""
        return jnp.exp(-self.extended_volume(t))

    def area_density(self, t: RealLike) -> Real:
        """A/V (inverse length, in the units of the rate): wall area per physical volume."""
        t = as_real(t)
        moments = self._moments_at(t)
        area = _area(moments, self.initial_radius) / self.scale_factor(t, self.args)
        return area * jnp.exp(-_volume(moments, self.initial_radius))

    @property
    def sum_rule(self) -> Scalar:
        """Swept plus nucleated volume fraction plus h at the end; exactly 1 in theory."""
        return (
            self.swept_fraction
            + self.nucleated_fraction
            + self.false_vacuum_fraction(self.edges[-1])
        )


def _volume(moments: Float[Array, "4 ..."], radius: Real) -> Real:
    k0, k1, k2, k3 = moments
    return 4 * jnp.pi / 3 * (k3 + 3 * radius * k2 + 3 * radius**2 * k1 + radius**3 * k0)


def _area(moments: Float[Array, "4 ..."], radius: Real) -> Real:
    k0, k1, k2, _ = moments
    return 4 * jnp.pi * (k2 + 2 * radius * k1 + radius**2 * k0)


def _unit_scale_factor(t: Real, args: Any) -> Real:
    del args
    return jnp.ones_like(t)


def nucleation_history(
    log_rate: Callable[[Real, Any], Real],
    edges: Float[Array, " panels+1"],
    v_w: RealLike,
    *,
    args: Any = None,
    scale_factor: Callable[[Real, Any], Real] = _unit_scale_factor,
    initial_radius: RealLike = 0.0,
    nodes: int = 16,
) -> NucleationHistory:
    """Integrate the moment chain of a nucleation rate over the panels between `edges`.

    Args:
        log_rate: `log_rate(t, args)` → ln Γ, Γ per physical volume and time, in any units
            consistent with t (length = time). Traced by JAX; gradients flow through `args`.
        edges: increasing panel edges in t. Bubbles nucleated before `edges[0]` are left out,
            so start where Γ no longer matters; on a panel Γ should change by ≲ e^10.
        v_w: wall speed.
        args: passed to `log_rate` and `scale_factor`.
        scale_factor: `scale_factor(t, args)` → a(t); 1 (no expansion) by default.
        initial_radius: comoving radius R₀ of a bubble at birth.
        nodes: Gauss–Legendre nodes a panel (static).

    Returns:
        A `NucleationHistory`; its `sum_rule` differs from 1 by the integration error.

    Source: Kolmogorov; Guth & Tye, Phys. Rev. Lett. 44 (1980) 631; Turner, Weinberg &
    Widrow, Phys. Rev. D 46 (1992) 2384.
    """
    edges = as_real(edges)
    v_w, radius = as_real(v_w), as_real(initial_radius)
    x, _, to_integral = legendre_rule(nodes)
    half = jnp.diff(edges) / 2
    t = (edges[:-1] + half)[:, None] + half[:, None] * x

    a = scale_factor(t, args)
    ln_rate = log_rate(t, args)
    peak = jax.lax.stop_gradient(jnp.max(ln_rate))
    rate = jnp.exp(ln_rate - peak) * a**3
    weights = legendre_values(nodes)

    def integrate(values: Real) -> tuple[Real, Real]:
        """Legendre coefficients of the running integral, and its values at the nodes."""
        local = half[:, None] * (values @ to_integral.T)
        start = jnp.concatenate([jnp.zeros(1, local.dtype), jnp.cumsum(local.sum(-1))[:-1]])
        coefficients = local.at[:, 0].add(start)
        return coefficients, coefficients @ weights

    coefficients, values = [], []
    integrand = rate
    for n in range(4):
        polynomial, nodal = integrate(integrand)
        coefficients.append(polynomial)
        values.append(nodal)
        integrand = (n + 1) * v_w / a * nodal

    scale = jnp.exp(peak)
    moments = scale * jnp.stack(values)
    h = jnp.exp(-_volume(moments, radius))
    swept, _ = integrate(v_w / a * _area(moments, radius) * h)
    born, _ = integrate(4 * jnp.pi / 3 * radius**3 * scale * rate * h)
    return NucleationHistory(
        edges=edges,
        moments=scale * jnp.stack(coefficients),
        initial_radius=radius,
        scale_factor=scale_factor,
        args=args,
        swept_fraction=swept[-1].sum(),
        nucleated_fraction=born[-1].sum(),
    )

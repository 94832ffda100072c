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

from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce.percolation.moments import (
    Rates,
    area_of,
    integrate_chain,
    piecewise,
    volume_of,
)

_TOLERANCE = 1e-6  # of the error estimate, as for yields


class NucleationHistory(eqx.Module):
    """Moments of the bubble population as piecewise polynomials; made by `nucleation_history`.

    All numbers are NaN where `status` is not SUCCESS.
    """

    edges: Float[Array, " edges"]
    """Of the panels, breakpoints and bisections among them; some may coincide."""
    moments: Float[Array, "4 panels degrees"]
    initial_radius: Scalar
    scale_factor: Callable[[Real, Any], Real]
    args: Any
    swept_fraction: Scalar
    """∫ v (A/V) dt over the panels: the volume fraction that walls have swept."""
    nucleated_fraction: Scalar
    """(4π/3) ∫ Γ a³ R₀³ e^{−I} dt: the fraction inside bubbles at birth."""
    error: Scalar
    """Bound on the errors: of I e^{−I} and of A/V at any time, relative to the largest value of
    each, and of the swept and nucleated fractions."""
    area_errors: Float[Array, " panels"]
    """Bound on the absolute error of A/V within each panel: of early times, a far smaller one."""
    before_start: Scalar
    """What Γ would have added to I at its last panel's end, relative, had it risen up to `edges[0]`
    as it rises there; infinite if it does not rise. Not part of `error`: a rate may begin there."""
    status: Code
    """SUCCESS; HISTORY_NOT_RESOLVED where `error` exceeds the tolerance; NOT_FINITE where the rate
    is NaN or infinite; INVALID_PARAMETER for edges that decrease, v_w or R₀ below zero."""

    def _moments_at(self, t: Real) -> Float[Array, "4 ..."]:
        moments = piecewise(self.edges, self.moments, t)
        moments = jnp.where(t < self.edges[0], 0.0, moments)
        known = (t <= self.edges[-1]) & (self.status == Status.SUCCESS.value)
        return jnp.where(known, moments, jnp.nan)

    def status_at(self, t: RealLike) -> Code:
        """The history's status, or AFTER_THE_HISTORY for times beyond the last panel."""
        after = ~(as_real(t) <= self.edges[-1])
        bad = self.status != Status.SUCCESS.value
        return jnp.where(bad | ~after, self.status, Status.AFTER_THE_HISTORY.value)

    def extended_volume(self, t: RealLike) -> Real:
        """I(t), the shape of t: 0 before the first panel, NaN after the last (`status_at`)."""
        return volume_of(self._moments_at(as_real(t)), self.initial_radius)

    def false_vacuum_fraction(self, t: RealLike) -> Real:
        """h(t) = e^{−I}: 1 before the first panel, NaN after the last."""
        return jnp.exp(-self.extended_volume(t))

    def area_density(self, t: RealLike) -> Real:
        """A/V (inverse length, in the units of the rate): wall area per physical volume.

        0 before the first panel, NaN after the last.
        """
        t = as_real(t)
        moments = self._moments_at(t)
        area = area_of(moments, self.initial_radius) / self.scale_factor(t, self.args)
        return area * jnp.exp(-volume_of(moments, self.initial_radius))

    @property
    def sum_rule(self) -> Scalar:
        """Swept plus nucleated volume fraction plus h at the end; exactly 1 in theory.

        It certifies the integral over e^{−I} alone: moments of a rate that is not resolved obey it
        as well. What certifies them is `error`.
        """
        return (
            self.swept_fraction
            + self.nucleated_fraction
            + self.false_vacuum_fraction(self.edges[-1])
        )


def _unit_scale_factor(t: Real, args: Any) -> Real:
    del args
    return jnp.ones_like(t)


def nucleation_history(
    log_rate: Callable[[Real, Any], Real],
    edges: Float[Array, " edges"],
    v_w: RealLike,
    *,
    args: Any = None,
    scale_factor: Callable[[Real, Any], Real] = _unit_scale_factor,
    initial_radius: RealLike = 0.0,
    present: RealLike = 0.0,
    nodes: int = 16,
    breakpoints: RealLike | None = None,
    bisections: int = 0,
    tolerance: RealLike = _TOLERANCE,
) -> NucleationHistory:
    """Integrate the moment chain of a nucleation rate over the panels between `edges`.

    Pure and traceable: jit, vmap and differentiate it (forward and reverse) in `args`, v_w, R₀
    and `breakpoints`. The estimates are not differentiated.

    Args:
        log_rate: `log_rate(t, args)` → ln Γ, Γ per physical volume and time, in any units
            consistent with t (length = time); −inf where nothing nucleates. Traced by JAX;
            gradients flow through `args`.
        edges: increasing panel edges in t. Bubbles nucleated before `edges[0]` are left out,
            so start where Γ no longer matters (`before_start`); on a panel Γ should change by
            ≲ e^7.
        v_w: wall speed.
        args: passed to `log_rate` and `scale_factor`.
        scale_factor: `scale_factor(t, args)` → a(t); 1 (no expansion) by default.
        initial_radius: comoving radius R₀ of a bubble at birth.
        present: number of bubbles per comoving volume that are born at `edges[0]`, all at once:
            with a rate of nothing, simultaneous nucleation.
        nodes: Gauss–Legendre nodes a panel (static).
        breakpoints: times, in any order, at which Γ or a jumps or bends; each becomes an edge.
            Where such a time depends on parameters, derivatives need it here: only an edge
            moves with it.
        bisections: how many more edges to lay, one after the other, each in the middle of the
            panel that contributes most to the error (static). About 30 find a switch-on to 1e-8,
            without breakpoints; derivatives in the time of a switch-on that was found this way
            are missing.
        tolerance: of `error`; above it the status is HISTORY_NOT_RESOLVED.

    Returns:
        A `NucleationHistory`. Where nothing nucleates I = 0, h = 1, A/V = 0, with success.

    Source: Kolmogorov; Guth & Tye, Phys. Rev. Lett. 44 (1980) 631; Turner, Weinberg &
    Widrow, Phys. Rev. D 46 (1992) 2384.
    """
    edges = as_real(edges)
    v_w, radius = as_real(v_w), as_real(initial_radius)
    present = as_real(present)
    valid = (jnp.diff(edges) >= 0).all() & (v_w >= 0) & (radius >= 0) & (present >= 0)
    if breakpoints is not None:
        edges = _with_breakpoints(edges, jnp.ravel(as_real(breakpoints)))

    rates = Rates(log_rate, scale_factor, args, v_w, radius, present)
    if bisections:
        edges = _bisected(rates, edges, nodes, bisections)
    found = integrate_chain(rates, edges, nodes)
    status = jnp.where(
        found.error <= as_real(tolerance), Status.SUCCESS.value, Status.HISTORY_NOT_RESOLVED.value
    )
    status = jnp.where(found.finite, status, Status.NOT_FINITE.value)
    status = jnp.where(valid, status, Status.INVALID_PARAMETER.value)
    good = status == Status.SUCCESS.value
    return NucleationHistory(
        edges=edges,
        moments=found.moments,
        initial_radius=radius,
        scale_factor=scale_factor,
        args=args,
        swept_fraction=jnp.where(good, found.swept, jnp.nan),
        nucleated_fraction=jnp.where(good, found.born, jnp.nan),
        error=found.error,
        area_errors=found.area_errors,
        before_start=found.before_start,
        status=status,
    )


def _with_breakpoints(
    edges: Float[Array, " edges"], breakpoints: Float[Array, " k"]
) -> Float[Array, " more_edges"]:
    """Breakpoints among the edges; one that coincides with an edge takes it along as it moves."""
    inner = jnp.where(breakpoints < edges[0], edges[0], breakpoints)
    inner = jnp.where(inner > edges[-1], edges[-1], inner)
    same = edges[:, None] == inner
    edges = jnp.where(same.any(-1), inner[jnp.argmax(same, -1)], edges)
    return jnp.sort(jnp.concatenate([edges, inner]))


def _bisected(
    rates: Rates, edges: Float[Array, " edges"], nodes: int, times: int
) -> Float[Array, " more_edges"]:
    """`times` more edges, each in the middle of the panel that contributes most to the error."""

    def bisect(edges: Real, _: None) -> tuple[Real, None]:
        worst = jnp.argmax(integrate_chain(rates, edges, nodes).shares)
        # one of the copies of the last edge makes room
        middle = (edges[worst] + edges[worst + 1]) / 2
        return jnp.sort(edges.at[-1].set(middle)), None

    spare = jnp.full(times, edges[-1], edges.dtype)
    cuts, _ = jax.lax.scan(bisect, jnp.append(edges, spare), length=times)
    cuts = jax.lax.stop_gradient(cuts)
    # integrals do not depend on where they are cut; the edges given move with parameters
    given = edges[jnp.clip(jnp.searchsorted(edges, cuts), 0, edges.shape[0] - 1)]
    return jnp.where(given == cuts, given, cuts)

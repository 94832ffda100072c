"""The wall area of any nucleation history, as yields take it: against y = β(t − t_p).

I and e^I A/V of a `NucleationHistory` are piecewise polynomials, and stay so here; the time map is
y = β(t − t_p), the unit of length v_w/β. What the yields integrate is (A/V) v_w/β, exact for the
Γ(t) at hand, where area_kernel "kjma" knows Γ ∝ e^{βt} alone.
"""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxbounce._core.series import legendre_clenshaw, legendre_rule, legendre_values
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce.percolation.history import NucleationHistory
from jaxbounce.percolation.moments import area_of, volume_of

COVERED = 60.0
"""Extended volume after which nothing is left to convert: e^{−60} ≈ 1e-26."""

_LEAST_END = 1e-3  # in y: limits must not cross where space is covered before t_p

_NEARLY = 0.99  # of that, where a history was to end at it


class AreaHistory(eqx.Module):
    """(A/V) v_w/β and I at percolation time y; made by `area_history`.

    The numbers are finite whatever the status: nothing that uses them can be tainted, and `status`
    says that they are not to be used.

    Attributes:
        edges: of the panels, in y; some may coincide.
        volumes: Legendre coefficients of I on the panels.
        areas: those of e^I (A/V) v_w/β.
        errors: bound on the absolute error of (A/V) v_w/β in each panel.
        swept_fraction: ∫ (A/V) v_w/β dy: the volume fraction that walls sweep.
        nucleated_fraction: the fraction inside bubbles at birth.
        status: of the history.
    """

    edges: Float[Array, " edges"]
    volumes: Float[Array, "panels degrees"]
    areas: Float[Array, "panels degrees"]
    errors: Float[Array, " panels"]
    swept_fraction: Scalar
    nucleated_fraction: Scalar
    status: Code

    @property
    def start(self) -> Scalar:
        """y before which there are no walls."""
        return self.edges[0]

    @property
    def end(self) -> Scalar:
        """y after which there are none (`is_covered`), or after which nothing is known."""
        return self.edges[-1]

    @property
    def remaining_fraction(self) -> Scalar:
        """h at the end: the volume fraction that no wall has reached by then."""
        return jnp.exp(-self.volumes[-1].sum())

    @property
    def sum_rule(self) -> Scalar:
        """Swept, nucleated and remaining fractions together: 1, up to the error of e^{−I}."""
        return self.swept_fraction + self.nucleated_fraction + self.remaining_fraction

    def inside(self, lower: Real, upper: Real) -> tuple[Real, Real]:
        """Limits in y, narrowed to where there are walls; the upper one stays above 0."""
        top = jnp.maximum(self.end, _LEAST_END)
        return jnp.maximum(lower, self.start), jnp.minimum(upper, top)

    def is_covered(self) -> Bool[Array, ""]:
        """Whether space is covered at the end: I has reached `COVERED`."""
        return self.volumes[-1].sum() >= _NEARLY * COVERED

    def reaches(self, y: RealLike) -> Bool[Array, "..."]:
        """Whether the area is known at y: before the end, or because all space is covered."""
        return (as_real(y) <= self.end) | self.is_covered()

    def _panel(self, y: Real) -> tuple[Array, Real]:
        """The panel that holds y, and the place of y in it, −1 to 1."""
        last = self.edges.shape[0] - 2
        panel = jnp.clip(jnp.searchsorted(self.edges, y, side="right") - 1, 0, last)
        left, right = self.edges[panel], self.edges[panel + 1]
        width = right - left
        place = (2 * y - left - right) / jnp.where(width > 0, width, 1.0)
        return panel, jnp.where(width > 0, jnp.clip(place, -1.0, 1.0), 1.0)

    def volume(self, y: RealLike) -> Real:
        """I(y), the shape of y: 0 before the start, that of the end after it."""
        y = as_real(y)
        panel, place = self._panel(y)
        volume = legendre_clenshaw(jnp.moveaxis(self.volumes[panel], -1, 0), place)
        return jnp.where(y < self.start, 0.0, volume)

    def scaled(self, y: RealLike) -> Real:
        """(A/V) v_w/β at y, the shape of y: 0 outside the history."""
        y = as_real(y)
        panel, place = self._panel(y)
        both = jnp.stack([self.volumes[panel], self.areas[panel]])
        volume, area = legendre_clenshaw(jnp.moveaxis(both, -1, 0), place)
        inside = (y >= self.start) & (y <= self.end)
        return jnp.where(inside, area * jnp.exp(-volume), 0.0)

    def log_scaled(self, y: Real) -> tuple[Real, Real]:
        """ln of that, held at the smallest number, and its slope in y: of where it lives."""

        def logarithm(y: Real) -> Real:
            scaled = self.scaled(y)
            return jnp.log(jnp.maximum(scaled, jnp.finfo(scaled.dtype).tiny))

        return jax.jvp(logarithm, (y,), (jnp.ones_like(y),))

    def error_at(self, y: RealLike) -> Real:
        """Bound on the absolute error of (A/V) v_w/β at y, the shape of y."""
        return self.errors[self._panel(jax.lax.stop_gradient(as_real(y)))[0]]

    def relative_error(self, y: Real) -> Real:
        """That over (A/V) v_w/β, 0 where there is none; not differentiated."""
        still, y = jax.lax.stop_gradient((self, y))
        area = still.scaled(y)
        return jnp.where(area > 0, still.error_at(y) / jnp.where(area > 0, area, 1.0), 0.0)

    def time_of_volume(self, volume: RealLike) -> Real:
        """The y at which I reaches `volume`, to a few digits; a constant under differentiation."""
        still = jax.lax.stop_gradient(self)
        y, grown = still._at_nodes(still.volumes)
        tiny = jnp.finfo(grown.dtype).tiny
        grown = jnp.log(jnp.maximum(grown, tiny))
        return jnp.interp(jnp.log(as_real(volume)), grown.ravel(), y.ravel())

    def _at_nodes(self, coefficients: Real) -> tuple[Real, Real]:
        """y and a series at the nodes of all panels."""
        degrees = coefficients.shape[-1]
        x, _, _ = legendre_rule(degrees)
        half = jnp.diff(self.edges)[:, None] / 2
        values = coefficients @ legendre_values(degrees)[:degrees]
        return self.edges[:-1, None] + half * (1 + x), values

    def with_error(self, more: Scalar) -> Self:
        """The same with an error relative to its largest area added throughout."""
        _, volume = self._at_nodes(self.volumes)
        _, area = self._at_nodes(self.areas)
        added = jax.lax.stop_gradient(more * (area * jnp.exp(-volume)).max(-1))
        return eqx.tree_at(lambda a: a.errors, self, self.errors + added)


def area_history(
    history: NucleationHistory, t_p: RealLike, beta: RealLike, v_w: RealLike
) -> AreaHistory:
    """The wall area of a nucleation history, as yields take it.

    Args:
        history: of any Γ(t), such as that of a transition; its walls have speed v_w.
        t_p: the time at which T = T_p, y = 0, in the units of the history.
        beta: β, in the inverse of these: y = β(t − t_p). It goes with the (β/H)_p of the model.
        v_w: wall speed.

    Returns:
        An `AreaHistory`, for a stage such as `jaxbounce.percolation.GivenArea`.
    """
    beta, length = as_real(beta), as_real(v_w) / as_real(beta)
    degrees = history.moments.shape[-1]
    x, to_coefficients, _ = legendre_rule(degrees)
    half = jnp.diff(history.edges)[:, None] / 2
    t = history.edges[:-1, None] + half * (1 + x)
    moments = history.moments @ legendre_values(degrees)[:degrees]
    area = area_of(moments, history.initial_radius) / history.scale_factor(t, history.args)
    volume = volume_of(moments, history.initial_radius)

    def series(values: Real) -> Real:
        return jnp.where(jnp.isfinite(values), values, 0.0) @ to_coefficients.T

    return AreaHistory(
        edges=beta * (history.edges - as_real(t_p)),
        volumes=series(volume),
        areas=length * series(area),
        errors=jax.lax.stop_gradient(length * jnp.nan_to_num(history.area_errors)),
        swept_fraction=history.swept_fraction,
        nucleated_fraction=history.nucleated_fraction,
        status=history.status,
    )

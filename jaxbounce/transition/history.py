"""The population of bubbles of a thermal transition, at any temperature or time of it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.series import legendre_rule
from jaxbounce._core.types import Code, RealLike, as_real
from jaxbounce.percolation.history import NucleationHistory, nucleation_history
from jaxbounce.percolation.moments import Panels, piecewise
from jaxbounce.transition.background import Background, log_rate

_NODES = 16


class TransitionHistory(eqx.Module):
    """I, h and A/V over temperature T or percolation time y = |β|(t − t_p), β = d ln Γ/dt at T_p.

    Known from where ln I = −60 to where nothing is left, or nucleation over, or the range ended:
    `temperatures`. Before, I = 0; after, NaN, with `status_at`. Not to be used where the
    transition's status is not SUCCESS.

    Attributes:
        background: the plasma.
        chain: the moments, over λ = ln(T_m/T) in place of time (`transition.background`).
        percolation: λ at T_p.
        beta_over_H: β/H at T_p; negative where the rate falls already.
        v_w: wall speed.
    """

    background: Background
    chain: NucleationHistory
    percolation: Scalar
    beta_over_H: Scalar
    v_w: Scalar

    @property
    def temperatures(self) -> tuple[Scalar, Scalar]:
        """The lowest and the highest that are known (GeV)."""
        return self.background.window.end, self.background.window.high

    def status_at(self, T: RealLike) -> Code:
        """The chain's status, or AFTER_THE_HISTORY at lower temperatures than are known."""
        return self.chain.status_at(self.background.efolds(T))

    def extended_volume(self, T: RealLike) -> Real:
        """I at T (GeV), any shape."""
        return self.chain.extended_volume(self.background.efolds(T))

    def false_vacuum_fraction(self, T: RealLike) -> Real:
        """h = e^{−I} at T (GeV)."""
        return jnp.exp(-self.extended_volume(T))

    def area_density(self, T: RealLike) -> Real:
        """A/V (GeV) at T (GeV): wall area per physical volume."""
        efolds = self.background.efolds(T)
        local = self.background.at(efolds)
        return self.chain.area_density(efolds) * local.hubble / local.pace

    def hubble_rate(self, T: RealLike) -> Real:
        """H (GeV) at T (GeV)."""
        return self.background.at(self.background.efolds(T)).hubble

    @property
    def beta(self) -> Scalar:
        """|β| (GeV), the unit of y."""
        return jnp.abs(self.beta_over_H) * self.background.at(self.percolation).hubble

    def time(self, T: RealLike) -> Real:
        """y at T (GeV), any shape, between `temperatures`."""
        return _time(self, self._running(), self.background.efolds(T))

    def temperature(self, y: RealLike) -> Real:
        """T (GeV) at y, any shape; at the end of `temperatures` for times beyond."""
        return self.background.temperature(_efolds(self, self._running(), as_real(y)))

    def in_time(self) -> NucleationHistory:
        """The same in y: times and lengths in units of 1/|β|, and a = 1 at T_p.

        Its `extended_volume(y)` is I and its `area_density(y)` is (A/V)/|β|. The moments are
        integrated once more: they are polynomials of what they are functions of.
        """
        running = self._running()
        edges = _time(self, running, self.chain.edges)
        here = self.background.at(self.percolation)

        def rate_in_time(y: Real, args: Any) -> Real:
            history, running = args
            efolds = _efolds(history, running, y)
            local = history.background.at(efolds)
            rate = log_rate(efolds, history.background) - 4 * jnp.log(local.pace)
            return rate + 4 * jnp.log(local.hubble / history.beta)

        scale = _ScaleInTime(here.hubble / here.stretch)
        given = (self, running)
        return nucleation_history(rate_in_time, edges, self.v_w, args=given, scale_factor=scale)

    def _running(self) -> Float[Array, "panels degrees"]:
        """|β| t by panels of the chain."""
        panels = Panels(self.chain.edges, _NODES)
        at = self.background.at(panels.times(legendre_rule(_NODES)[0]))
        return panels.integrate(self.beta * at.pace / at.hubble)[0]


class _ScaleInTime(eqx.Module):
    """a of y."""

    unit: Scalar

    def __call__(self, y: Real, args: Any) -> Real:
        history, running = args
        local = history.background.at(_efolds(history, running, y))
        return self.unit * local.stretch / local.hubble


def _time(
    history: TransitionHistory, running: Float[Array, "panels degrees"], efolds: Real
) -> Real:
    later = piecewise(history.chain.edges, running, efolds)
    return later - piecewise(history.chain.edges, running, history.percolation)


def _efolds(history: TransitionHistory, running: Float[Array, "panels degrees"], y: Real) -> Real:
    edges = history.chain.edges
    ends = (jnp.broadcast_to(edge, y.shape) for edge in (edges[0], edges[-1]))
    return bracketed_root(
        lambda x: _time(history, running, x) - y, *jax.lax.stop_gradient(tuple(ends))
    )

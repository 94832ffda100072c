"""Freeze-in: the yield of χ that a bath makes before the walls come, and f_χ from it.

    Y(T_p) = Y_initial + ∫_{T_p}^{T_R} (1 + γ_s/3) C/(s H) d ln T,   f_χ = Y s/n_eq,

with C(T) of `production` and γ_s = d ln g_s/d ln T (0911.1120 with g_*(T); a³s is conserved). Where
the production is dominated by high temperatures (Σ|M|² ~ sⁿ with 2n > 1) the result is that of T_R,
which has no default; decays and light mediators forget it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.accuracy import limit_in_force
from jaxbounce._core.quadrature import paired_gauss_legendre
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.radiation import entropy_density, hubble_rate
from jaxbounce.occupancy.limit import Occupancy, OfT, at_temperature, occupancy
from jaxbounce.occupancy.production import Production

Rate: TypeAlias = Callable[[Real, Any], Production | Real]
"""(T, args) → what is made at T (GeV, one axis); parameters come by args."""

PANELS = 24

NODES = 14

_HOTTEST = 1e4  # T/m_A, or T/T_p, above which decays make 1e-12 of all

_COLDEST = 50.0  # m_A/T below which they make e^{−50}


class FreezeIn(eqx.Module):
    """A yield that was frozen in, and its certificate, shape ().

    Attributes:
        Y: n_χ/s at T_p; NaN where the status is not SUCCESS.
        error_estimate: estimated absolute error of `Y`: of the integral over T, from two node
            counts, and what the error of C makes of it.
        made_by_T_p: share of the yield at T_end that is there at T_p; None without a T_end.
        mean_momentum: ⟨p⟩/T of χ at T_p, redshifted from where each was made and without those of
            Y_initial; None where the process has no closed form for it.
        status: a `jaxbounce.Status` code.
    """

    Y: Scalar
    error_estimate: Scalar
    made_by_T_p: Scalar | None
    mean_momentum: Scalar | None
    status: Code


def decay_range(m_A: RealLike, T_p: RealLike) -> tuple[Real, Real]:
    """(T_R, T_end) between which A makes all but 1e-12 of what it ever makes (GeV)."""
    m_A, T_p = as_real(m_A), as_real(T_p)
    return _HOTTEST * jnp.maximum(m_A, T_p), jnp.minimum(m_A / _COLDEST, T_p)


def _entropy_slope(g_star_s: RealLike | OfT, gamma_s: RealLike | OfT | None, T: Real) -> Real:
    """γ_s, as given or from g_s."""
    if gamma_s is not None:
        return at_temperature(gamma_s, T)
    if not callable(g_star_s):
        return jnp.zeros_like(T)
    log_T = jnp.log(T)
    function = g_star_s

    def logarithm(log_T: Real) -> Real:
        return jnp.log(as_real(function(jnp.exp(log_T))))

    return jax.jvp(logarithm, (log_T,), (jnp.ones_like(log_T),))[1]


def _integrals(
    rate: Callable[[Real], Production],
    background: tuple[RealLike | OfT, RealLike | OfT, RealLike | OfT | None],
    edges: Real,
    nodes: int,
) -> Float[Array, " sums"]:
    """∫ (1 + γ_s/3) C/(sH) d ln T over panels in ln T, its error, and that of C p̄/T g_s^{−1/3}."""
    g_star, g_star_s, gamma_s = background
    t, weights = paired_gauss_legendre(nodes)

    @jax.checkpoint
    def panel(ends: tuple[Scalar, Scalar]) -> Float[Array, " sums"]:
        lower, upper = ends
        half = (upper - lower) / 2
        T = jnp.exp(lower + half * (1 + t))
        made = rate(T)
        g_s = at_temperature(g_star_s, T)
        per_rate = (1 + _entropy_slope(g_star_s, gamma_s, T) / 3) / (
            entropy_density(T, g_s) * hubble_rate(T, at_temperature(g_star, T))
        )
        fine, coarse = half * (weights @ (made.rate * per_rate))
        inherited = half * (weights[0] @ (made.error * per_rate))
        error = jax.lax.stop_gradient(jnp.abs(fine - coarse) + jnp.abs(inherited))
        if made.momentum is None:
            return jnp.stack([fine, error])
        carried = made.rate * per_rate * made.momentum * g_s ** (-1 / 3)
        return jnp.stack([fine, error, half * (weights[0] @ carried)])

    # panel by panel: of collisions, all at once would not fit into memory. One array of sums: in
    # JAX 0.10 a loop with several cannot be transposed where one goes through `withheld` unasked
    return jax.lax.map(panel, (edges[:-1], edges[1:])).sum(0)


def _panel_edges(lower: Scalar, upper: Scalar, breakpoints: Real, panels: int) -> Real:
    """Edges of equal panels and at the breakpoints inside; the inner ones are constants."""
    start, end = jax.lax.stop_gradient((lower, upper))
    inner = start + (end - start) * np.arange(1, panels) / panels
    cuts = jax.lax.stop_gradient(jnp.clip(breakpoints, start, end))
    inner = jnp.sort(jnp.concatenate([inner, cuts]))
    return jnp.concatenate([lower[None], inner, upper[None]])


def freeze_in(
    rate: Rate,
    T_p: RealLike,
    T_R: RealLike,
    args: Any = None,
    *,
    g_star: RealLike | OfT,
    g_star_s: RealLike | OfT,
    gamma_s: RealLike | OfT | None = None,
    T_end: RealLike | None = None,
    Y_initial: RealLike = 0.0,
    breakpoints: Sequence[float] | RealLike = (),
    panels: int = PANELS,
    nodes: int = NODES,
    tolerance: float | None = None,
) -> FreezeIn:
    """The yield of χ that a bath made between T_R and T_p.

    Production after T_p, in another phase, is another call, from T_p down with `Y_initial`.

    Args:
        rate: (T, args) → `Production`, or C (GeV⁴) alone, for T along one axis.
        T_p: temperature at which the yield is asked for (GeV).
        T_R: temperature from which χ is made (GeV), ≥ T_p: no default, for where 2 → 2 grows with
            s the result is proportional to a power of it. `decay_range` has one for decays.
        args: passed to `rate`; gradients flow through it.
        g_star: g_ρ, a number or a function of T.
        g_star_s: g_s, likewise.
        gamma_s: d ln g_s/d ln T, likewise; None takes the derivative of `g_star_s`.
        T_end: temperature ≤ T_p down to which `made_by_T_p` counts.
        Y_initial: yield at T_R.
        breakpoints: temperatures (GeV) at which the integrand is not smooth, such as those where
            a fit of g_* changes.
        panels: panels between T_R and T_p, and again down to T_end (static).
        nodes: nodes a panel, of which 4 fewer give the error (static).
        tolerance: relative error estimate up to which the status says success; None takes 1e-6, or
            1e-3 in float32.

    Returns:
        The yield, with the status INVALID_PARAMETER unless T_end ≤ T_p ≤ T_R, NOT_FINITE where C is
        not finite, QUADRATURE_NOT_CONVERGED above the tolerance, UNDERFLOW where nothing is made.
    """
    given = (T_p, T_R, Y_initial, T_p if T_end is None else T_end)
    inputs = ([as_real(value) for value in given], args, (g_star, g_star_s, gamma_s))
    ((T_p, T_R, Y_initial, T_last), args, background), token = shielded(inputs)
    valid = (T_p > 0) & (T_p <= T_R) & jnp.isfinite(T_R) & (Y_initial >= 0)
    valid = valid & (T_last > 0) & (T_last <= T_p)

    def made(T: Real) -> Production:
        found = rate(T, args)
        if isinstance(found, Production):
            return found
        return Production(found, jnp.zeros_like(found))

    # a point that is refused is computed at its own T_p, where nothing is wrong but the question
    start = jnp.where(T_p > 0, T_p, 1.0)
    ends = [jnp.log(jnp.where(valid, T, start)) for T in (T_last, T_p, T_R)]
    cuts = jnp.log(jnp.atleast_1d(jnp.asarray(breakpoints, T_p.dtype)))
    edges = _panel_edges(ends[1], ends[2], cuts, panels)
    Y, error, *momenta = _integrals(made, background, edges, nodes)
    total = Y_initial + Y
    share = None
    if T_end is not None:
        after = _panel_edges(ends[0], ends[1], cuts, panels)
        share = total / (total + _integrals(made, background, after, nodes)[0])
    momentum = None
    if momenta:
        momentum = momenta[0] / Y * at_temperature(background[1], T_p) ** (1 / 3)

    tiny = jnp.finfo(Y.dtype).tiny
    converged = error <= limit_in_force(total.dtype, tolerance) * total
    status = jnp.where(converged, Status.SUCCESS, Status.QUADRATURE_NOT_CONVERGED)
    status = jnp.where(total > tiny, status, Status.UNDERFLOW)
    status = jnp.where(jnp.isfinite(total), status, Status.NOT_FINITE)
    status = jnp.where(valid, status, Status.INVALID_PARAMETER)
    good = status == Status.SUCCESS
    total, share, momentum = withheld((total, share, momentum), good, token)
    return FreezeIn(total, jnp.where(good, error, jnp.nan), share, momentum, status)


def freeze_in_occupancy(
    found: FreezeIn,
    T_p: RealLike,
    g_star_s: RealLike | OfT,
    m_chi: RealLike,
    g_chi: RealLike = 2.0,
    statistics: Statistics = "fermion",
    equilibrium: Equilibrium = "exact",
) -> Occupancy:
    """f_χ = Y s/n_eq at T_p, refused above a tenth; arguments as in `occupancy`."""
    T_p = as_real(T_p)
    s = entropy_density(T_p, at_temperature(g_star_s, T_p))
    made = (found.Y * s, T_p, m_chi, g_chi, statistics)
    return occupancy(*made, found.error_estimate * s, found.status, equilibrium)

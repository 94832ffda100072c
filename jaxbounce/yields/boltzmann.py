"""Y_χ and Y_B from the coupled Boltzmann equations: depletion, annihilation, washout.

The equations (`jaxbounce.yields.rates`) are triangular, and linear but for annihilation. On
every segment of the temperature range (`jaxbounce.yields.segments`) walls and washout are
integrated by quadrature, to rounding; annihilation is left to a differential equation in
ln Y_χ (`jaxbounce.yields.annihilation`), solved by diffrax with an L-stable collocation method
of high order (`jaxbounce.yields.collocation`).
"""

import dataclasses
from typing import Any, get_args

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbounce._core.accuracy import PUBLISHED_LIMIT, limit_in_force
from jaxbounce._core.checks import one_of
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, RealLike, Scalar, as_real
from jaxbounce._core.withheld import withheld
from jaxbounce.cosmology.clock import Clock, Expansion, make_clock, remaining_time
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.radiation import temperature_ratio
from jaxbounce.parameters import Choices, Parameters, are_inside, made_safe
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields.annihilation import Progress, Solver, advance
from jaxbounce.yields.rates import (
    COLDEST,
    annihilation_rate,
    equilibrium_yield,
    kernel_of,
    source_rate,
    wall_area,
    with_constants,
)
from jaxbounce.yields.segments import Segments, make_segments

PANELS = {"eq6": 14, "kjma": 14, "history": 14, "published": 26}

NODES = 16

_SMALLEST_YIELD = 1e-250

_PRODUCED = 1e-13  # of what annihilation of the bath makes in one e-fold: where U may start

_COUPLED = 1e7  # 2λY_eq from which the start is forgotten at once

_KEPT = 16.0  # 2λY_eq over −d ln Y_eq/dn above which equilibrium is a possible start

_LEAST_CHANGE = 0.1  # −d ln Y_eq/dn below which it is one whatever λ

_COVERED = 30.0  # I at which e^{−I} of space is left: 1e-13

_WINDOW_ENDS = 8.0  # in units of σ_y

_FROZEN = 300.0  # m/T at which equilibrium is forgotten, whatever λ


class BoltzmannResult(eqx.Module):
    """Final yields, with their certificate.

    Attributes:
        Y_chi: yield of χ at the end of the range.
        Y_B: yield of baryons there.
        error_estimate: estimated relative error of the yields: the local errors of the
            solver, added up, and those of the quadratures of the source.
        T_end: temperature (GeV) to which the result applies; 0 where annihilation was
            followed to its end.
        remaining_annihilation: λ Y_χ at the end, an upper bound on the relative loss of χ
            by annihilation after it. Where it is not small, the range ended before freeze-out.
        steps: steps of the solver, rejected ones included.
        status: a `jaxbounce.Status` code; the yields are NaN unless it is SUCCESS.
    """

    Y_chi: Scalar
    Y_B: Scalar
    error_estimate: Scalar
    T_end: Scalar
    remaining_annihilation: Scalar
    steps: Int[Array, ""]
    status: Code


class Evolution(eqx.Module):
    """Yields and source on a grid of temperatures; NaN where the status is not SUCCESS.

    Attributes:
        T: temperatures (GeV).
        y: percolation time β(t − t_p).
        Y_chi: yield of χ.
        Y_B: yield of baryons.
        source: dY_B/dy by the walls.
        area_density: (A/V) v_w/β, without the window.
        status: a `jaxbounce.Status` code for each temperature.
    """

    T: Float[Array, " temperatures"]
    y: Float[Array, " temperatures"]
    Y_chi: Float[Array, " temperatures"]
    Y_B: Float[Array, " temperatures"]
    source: Float[Array, " temperatures"]
    area_density: Float[Array, " temperatures"]
    status: Int[Array, " temperatures"]


def _is_valid(p: Parameters, hot: Scalar, cold: Scalar, given: Scalar) -> Bool[Array, ""]:
    """Whether every value is finite and inside its range."""
    massless_p_wave = (p.sigma_v_slope > 0) & (p.m_chi == 0)
    # the ends are those of the solve, which may lie beyond those of a point
    valid = are_inside(dataclasses.replace(p, T_max_over_Tp=2.0, T_min_over_Tp=0.5))
    valid = valid & jnp.isfinite(hot) & jnp.isfinite(given) & (given >= 0)
    return valid & (hot >= cold) & (cold > 0) & ~massless_p_wave


def solve_boltzmann(
    p: Parameters,
    c: Choices,
    Y_chi: RealLike | None = None,
    *,
    tolerance: RealLike = 1e-10,
    solver: Solver = "auto",
    adjoint: diffrax.AbstractAdjoint | None = None,
    panels: int | None = None,
    nodes: int = NODES,
    error_limit: float | None = None,
    degrees: DegreesOfFreedom | None = None,
    history: AreaHistory | None = None,
) -> BoltzmannResult:
    """Integrate the Boltzmann equations of one point from T_max to T_min.

    Pure, and safe under `jit` and `vmap`; a bad or failed point is NaN with a status and
    disturbs no other.

    Args:
        p: the parameters, all given. The walls count from y_min to y_max.
        c: the choices. Their temperature_range: "published" ends at T_min; "frozen" follows
            annihilation on, down to T = 0, to m/T = 300 by the equation, then in closed form.
            Washout and walls end at T_min in either case.
        Y_chi: yield of χ at T_max; None starts in equilibrium. Y_B starts at zero.
        tolerance: estimated local error of ln Y_χ, and of Y_B relative to its scale, allowed in a
            step; the estimates add up to 1 to 40 times as much, and are mostly far too large.
        solver: "auto" and "collocation": L-stable, of order 15, the best measured in every
            regime (benchmarks/boltzmann.py). "kvaerno5": diffrax's own, with
            Newton's method. "tsit5", "dopri8": explicit, for 2λY_eq ≲ 1e3. All but the
            default look for exhausted χ at the ends of segments only.
        adjoint: None takes `diffrax.RecursiveCheckpointAdjoint()`, for reverse mode and no
            derivatives; pass `diffrax.ForwardMode()` to use `jvp` or `jacfwd`. Where χ is
            strongly coupled, reverse mode loses digits to rounding as steps get many: give
            it a tolerance of 1e-9, or use forward mode.
        panels: quadrature panels of the wall epoch (static); None takes 14, or 26 for the
            published kernel, which is less smooth.
        nodes: Gauss–Legendre nodes a segment (static).
        error_limit: largest error estimate that counts as a success (static); None takes the
            limit of the quadrature too (`jaxbounce._core.accuracy`).
        degrees: g_*(T), of which p holds the values at T_p; None: constant.
        history: of area_kernel "history"; walls count between its ends.

    Returns:
        A `BoltzmannResult`. Status: INVALID_PARAMETER; NEVER_IN_EQUILIBRIUM or
        COLDER_THAN_COVERED if what is given contradicts the equations; CHI_EXHAUSTED if the
        external source takes more χ than there is; ODE_NOT_CONVERGED; QUADRATURE_NOT_CONVERGED;
        NOT_FINITE.

    Raises:
        ConfigurationError: for an unknown name, or if a value is not a scalar (while tracing).
    """
    one_of("solver", solver, get_args(Solver))
    for leaf in jax.tree.leaves((p, Y_chi)):
        if jnp.ndim(leaf):
            raise ConfigurationError(
                f"a value of shape {jnp.shape(leaf)}: solve_boltzmann takes one point; use jax.vmap"
            )
    hot, cold, tolerance = p.T_max_over_Tp, p.T_min_over_Tp, as_real(tolerance)
    given = as_real(0.0 if Y_chi is None else Y_chi)
    valid = _is_valid(p, hot, cold, given)
    inputs = p, given
    p, given = made_safe(p, valid), jnp.where(valid, given, 1e-10)
    p = with_constants(p, c)
    hot, cold = p.T_max_over_Tp, p.T_min_over_Tp
    hottest, coldest = -jnp.log(hot), -jnp.log(cold)
    last = coldest
    if c.temperature_range == "frozen":
        mass = p.m_chi / p.T_p
        least = jnp.where(p.m_chi > 0, mass, 1e-12)
        cool = jnp.log(_FROZEN / jnp.where(least > 1e-12, least, 1e-12))
        last = jnp.where(cool > coldest, cool, coldest)
    expansion, clock = None, None
    if degrees is not None:
        degrees = degrees.anchored(p.T_p)
        expansion = Expansion(degrees, p.T_p)
        clock = make_clock(degrees, p.T_p, p.beta_over_H, hot, cold)
    segments = make_segments(
        p,
        c,
        hottest=hottest,
        coldest=coldest,
        last=last,
        y_min=p.y_min,
        y_max=p.y_max,
        panels=PANELS[kernel_of(c)] if panels is None else panels,
        nodes=nodes,
        clock=clock,
        history=history,
    )
    at_start = _at(p, hot, degrees)
    start = _log_start(at_start, c, None if Y_chi is None else given, hottest, segments)
    carry = Progress(
        log_Y_chi=start,
        Y_B=jnp.zeros_like(start),
        error=jnp.zeros_like(start),
        gain_error=jnp.zeros_like(start),
        steps=jnp.asarray(0),
        converged=jnp.asarray(True),
        exhausted=jnp.asarray(False),
    )
    adjoint = diffrax.RecursiveCheckpointAdjoint() if adjoint is None else adjoint

    def step(carry: Progress, segment: Segments) -> tuple[Progress, None]:
        return advance(p, c, tolerance, solver, adjoint, carry, segment, expansion), None

    carry, _ = jax.lax.scan(step, carry, segments)
    found = _finished(p, c, carry, last, cold, valid, error_limit, expansion)
    status = _contradiction(p, c, Y_chi is None, clock, history)
    if degrees is not None:
        covered = degrees.covers(p.T_p * jnp.stack([hot, jnp.exp(-last)])).all()
        status = jnp.where(covered, status, Status.BEYOND_G_STAR_TABLE)
    status = jnp.where(found.status == Status.INVALID_PARAMETER, found.status, status)
    found = dataclasses.replace(
        found, status=jnp.where(status == Status.SUCCESS, found.status, status)
    )
    good = found.status == Status.SUCCESS
    numbers = {name: getattr(found, name) for name in ("Y_chi", "Y_B", "remaining_annihilation")}
    return dataclasses.replace(found, **withheld(numbers, good, others=inputs))


def _at(p: Parameters, T_over_Tp: Scalar, degrees: DegreesOfFreedom | None) -> Parameters:
    """The parameters with g_* and g_*s at another temperature than T_p."""
    if degrees is None:
        return p
    g_star, g_star_s = degrees.values(jnp.log(p.T_p * T_over_Tp))
    return dataclasses.replace(p, g_star=g_star, g_star_s=g_star_s)


def _log_start(
    p: Parameters, c: Choices, Y_chi: Scalar | None, hottest: Scalar, segments: Segments
) -> Scalar:
    """ln Y_χ at the start: of equilibrium, or of a given Y_χ that may be zero.

    Where annihilation brings Y_χ to equilibrium within 1e-5 of an e-fold, it starts there:
    what it was before is forgotten as e^{−2λY_eq n}. From nothing, the bath makes λ Y_eq² an
    e-fold; 1e-13 of that is put in, so that ln Y_χ exists.
    """
    stretch = jnp.exp(hottest)
    equilibrium = equilibrium_yield(
        p.m_chi / p.T_p * stretch,
        p.g_chi,
        p.g_star_s,
        c.chi_stats,
        c.equilibrium,
        segments.relativistic[0],
    )
    log_equilibrium = jnp.log(equilibrium + _SMALLEST_YIELD)
    if Y_chi is None:
        return log_equilibrium
    rate = annihilation_rate(
        p.T_p / stretch,
        p.m_chi,
        p.sigma_v,
        p.sigma_v_slope,
        p.g_star,
        p.g_star_s,
    )
    made = rate * equilibrium**2
    seed = jax.lax.stop_gradient(_PRODUCED * made / (1 + made) + _SMALLEST_YIELD)
    forgotten = 2 * rate * equilibrium > _COUPLED
    return jnp.where(forgotten, log_equilibrium, jnp.log(Y_chi + seed))


def _contradiction(
    p: Parameters,
    c: Choices,
    thermal: bool,
    clock: Clock | None,
    history: AreaHistory | None,
) -> Code:
    """Which of the things given the equations do not allow; SUCCESS if none.

    In equilibrium Y_χ follows Y_eq only while 2λY_eq ≫ κ = −d ln Y_eq/dn, at a distance
    δ = κ/(2λY_eq); a start there is forgotten as e^{−1/δ}, to 1e-7 for δ = 1/16. Where Y_eq changes
    by less than a tenth in an e-fold χ is relativistic, and equilibrium at T_max is what any
    earlier decoupling leaves.
    """
    status = jnp.asarray(Status.SUCCESS)
    degrees = None if clock is None else clock.expansion.degrees
    at_start = _at(p, p.T_max_over_Tp, degrees)
    if thermal:
        T = p.T_p * p.T_max_over_Tp
        x = p.m_chi / T
        g_star, g_star_s = at_start.g_star, at_start.g_star_s
        equilibrium = equilibrium_yield(x, p.g_chi, g_star_s, c.chi_stats, c.equilibrium)
        rate = annihilation_rate(T, p.m_chi, p.sigma_v, p.sigma_v_slope, g_star, g_star_s)
        leaving = x**2 / (2 + x)
        kept = (2 * rate * equilibrium > _KEPT * leaving) | (leaving < _LEAST_CHANGE)
        status = jnp.where(kept, status, Status.NEVER_IN_EQUILIBRIUM)
    if c.coupling == "self-consistent":
        # where the walls have done their work: space is covered, or the range ends
        y = p.beta_over_H / 2 * (1 / p.T_min_over_Tp - 1) * (1 / p.T_min_over_Tp + 1)
        if clock is not None:
            y = clock.at(y)[0]
        y = jnp.where(y < p.y_max, y, p.y_max)
        if c.area_kernel == "kjma":
            covered = jnp.log1p(_COVERED / p.I_p)
            y = jnp.where(y < covered, y, covered)
        if history is not None:
            y = jnp.where(y < history.end, y, history.end)
        if c.window == "gaussian":
            over = _WINDOW_ENDS * p.sigma_y
            y = jnp.where(y < over, y, over)
        ratio = temperature_ratio(y, p.beta_over_H) if clock is None else clock.temperature_ratio(y)
        coldest = p.m_chi / p.T_p * ratio
        status = jnp.where(coldest < COLDEST, status, Status.COLDER_THAN_COVERED)
    return status


def _finished(
    p: Parameters,
    c: Choices,
    carry: Progress,
    last: Scalar,
    cold: Scalar,
    valid: Bool[Array, ""],
    limit: float | None,
    expansion: Expansion | None,
) -> BoltzmannResult:
    Y_chi = jnp.exp(carry.log_Y_chi)
    T_last = p.T_p * jnp.exp(-last)
    at_Tp = p
    p = _at(p, jnp.exp(-last), None if expansion is None else expansion.degrees)
    rate = annihilation_rate(T_last, p.m_chi, p.sigma_v, p.sigma_v_slope, p.g_star, p.g_star_s)
    remaining = rate * Y_chi
    T_end = p.T_p * cold
    if c.temperature_range == "frozen":
        # λ falls as T (a) and T² (b): ∫ λ dn to T = 0 is λ_a + λ_b/2
        s_wave = annihilation_rate(T_last, p.m_chi, p.sigma_v, 0.0, p.g_star, p.g_star_s)
        left = (s_wave + rate) / 2
        if expansion is not None:
            left = _annihilation_left(at_Tp, expansion, last)
        Y_chi = Y_chi / (1 + left * Y_chi)
        remaining, T_end = jnp.zeros_like(remaining), jnp.zeros_like(T_end)
    Y_B = carry.Y_B
    positive = jnp.where(Y_B > 0, Y_B, 1.0)
    table_error = jax.lax.stop_gradient(carry.gain_error / positive)
    error = jnp.maximum(jax.lax.stop_gradient(carry.error), table_error)
    status = jnp.asarray(Status.SUCCESS)
    limit = limit_in_force(error.dtype, limit)
    if c.quadrature == "published":
        limit = max(limit, PUBLISHED_LIMIT)
    too_large = ~(error <= limit)
    status = jnp.where(too_large, Status.QUADRATURE_NOT_CONVERGED, status)
    status = jnp.where(carry.converged, status, Status.ODE_NOT_CONVERGED)
    status = jnp.where(carry.exhausted, Status.CHI_EXHAUSTED, status)
    finite = jnp.isfinite(Y_chi) & jnp.isfinite(Y_B)
    status = jnp.where(finite | carry.exhausted, status, Status.NOT_FINITE)
    status = jnp.where(valid, status, Status.INVALID_PARAMETER)
    return BoltzmannResult(
        Y_chi=Y_chi,
        Y_B=Y_B,
        error_estimate=jnp.where(status == Status.SUCCESS, error, jnp.nan),
        T_end=T_end,
        remaining_annihilation=remaining,
        steps=carry.steps,
        status=status,
    )


def _annihilation_left(p: Parameters, expansion: Expansion, n: Scalar) -> Scalar:
    """∫ λ (1 + γ_s/3) dn from n to T = 0."""
    both = annihilation_rate(p.T_p, p.m_chi, p.sigma_v, p.sigma_v_slope, p.g_star, p.g_star_s)
    s_wave = annihilation_rate(p.T_p, p.m_chi, p.sigma_v, 0.0, p.g_star, p.g_star_s)
    early = remaining_time(expansion, n, 1), remaining_time(expansion, n, 2)
    return s_wave * early[0] + (both - s_wave) * early[1]


def evolve_boltzmann(
    p: Parameters,
    c: Choices,
    T: Float[Array, " temperatures"],
    Y_chi: RealLike | None = None,
    **options: Any,
) -> Evolution:
    """Yields, source and wall area on a grid of temperatures.

    Every temperature is the end of a solve of its own, in one batch: each value is as
    accurate as a final one, and none depends on the grid.

    Args:
        p: the parameters, all given.
        c: the choices, but for temperature_range.
        T: temperatures (GeV), each ≤ T_max_over_Tp T_p; any order.
        Y_chi: yield of χ at T_max; None starts in equilibrium.
        options: those of `solve_boltzmann`.

    Returns:
        An `Evolution`; arrays of the shape of T.
    """
    T = as_real(T)
    c = dataclasses.replace(c, temperature_range="published")

    def until(cold: Scalar) -> BoltzmannResult:
        return solve_boltzmann(dataclasses.replace(p, T_min_over_Tp=cold), c, Y_chi, **options)

    ratio = T / p.T_p
    result = jax.vmap(until)(ratio)
    y0 = y = p.beta_over_H / 2 * (1 / ratio - 1) * (1 / ratio + 1)
    degrees, clock, pace = options.get("degrees"), None, 1.0
    history = options.get("history")
    if degrees is not None:
        clock = make_clock(degrees, p.T_p, p.beta_over_H, p.T_max_over_Tp, ratio.min())
        y, found = clock.at(y0)
        pace = found.rate
    inside = (y >= p.y_min) & (y <= p.y_max)
    source = source_rate(p, c, jnp.where(inside, y0, 0.0), clock=clock, history=history) / pace
    source = jnp.where(inside, source, 0.0)
    if c.coupling == "self-consistent":
        source = source * result.Y_chi
    return Evolution(
        T=T,
        y=y,
        Y_chi=result.Y_chi,
        Y_B=result.Y_B,
        source=source,
        area_density=jnp.where(inside, wall_area(p, c, jnp.where(inside, y, 0.0), history), 0.0),
        status=result.status,
    )

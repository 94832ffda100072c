"""Annihilation on one segment: what the differential equation solver is needed for.

With the walls and the washout integrated beforehand (`jaxbounce.yields.segments`), and
Y_χ = e^{U − K} − Z, the equation of χ is

    dU/dn = −k − λ (Y_χ² − Y_eq²)/(Y_χ + Z).

It does not move without annihilation, is smooth through freeze-out, where U follows ln Y_eq
and then stays, and is stiff where χ is coupled, 2λY_eq ≫ 1. k = 0 where the walls' depletion
is taken out as K, and K = 0 where the bath replaces what they take, so that it is better
left in. The baryons are ∫ k' Y_χ e^{−Ω} dn = [M e^U] − ∫ M U' e^U dn, k' the depletion itself,
of which the last term too vanishes where U does not move.
"""

from typing import Any, Literal, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from jaxbounce._core.types import Real, Scalar
from jaxbounce.cosmology.clock import Expansion
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.yields.collocation import Collocation, StageEquation, State
from jaxbounce.yields.rates import annihilation_rate, equilibrium_yield
from jaxbounce.yields.segments import Segments, series_at, time_on_segment

Solver = Literal["auto", "collocation", "kvaerno5", "tsit5", "dopri8"]

_MAX_STEPS = 2048  # a segment

_LARGEST_STEP = 1.2  # in n, so that a step never spans a decade of temperature

_PROBE_TOLERANCE = 1e-6  # so that ∂/∂σv is right where σv is too small to matter

_LARGEST_LOG, _LEAST_LOG = 300.0, 600.0


class _Arguments(eqx.Module):
    p: Parameters
    c: Choices = eqx.field(static=True)
    segment: Segments
    s_wave: Scalar
    """λ at T_p, its constant part."""
    p_wave: Scalar
    """λ at T_p, the part that goes as another power of T."""
    gain_scale: Scalar
    expansion: Expansion | None
    """Where g_* changes."""


class _Coefficients(NamedTuple):
    """What the equation needs to know at one time."""

    rate: Real
    """λ dn/dτ."""
    shape: Real
    """The same, for λ = 1 at T_p."""
    Y_eq: Real
    k: Real
    """What is left of the walls' depletion, d ln Y_χ/dτ = −k."""
    K: Real
    Z: Real
    M: Real
    """In units of the scale of Y_B."""


class Annihilation(StageEquation):
    """dU/dτ = −k − λ (Y² − Y_eq²)/v with v = Y + Z = e^{U − K}, on one segment."""

    def coefficients(self, t: Real, args: _Arguments) -> _Coefficients:
        """At times τ = t."""
        p, c, segment = args.p, args.c, args.segment
        stretch, speed = time_on_segment(segment, t)
        cooling = 1 / stretch
        present = equilibrium_yield(
            p.m_chi / p.T_p * stretch,
            p.g_chi,
            p.g_star_s,
            c.chi_stats,
            c.equilibrium,
            segment.relativistic,
        )
        k, K, Z, M = (jnp.zeros_like(stretch) for _ in range(4))
        if c.coupling == "self-consistent":
            k, K = series_at(segment.rate, t), series_at(segment.lost, t)
            M = series_at(segment.gained, t) / args.gain_scale
        elif c.depletion == "on":
            Z = series_at(segment.lost, t)
        shape = cooling * speed
        if args.expansion is not None:
            pace = args.expansion.pace(jnp.log(stretch))
            present, shape = present / pace.entropy, shape * pace.rate * pace.entropy
        rate = (args.s_wave + args.p_wave * cooling) * shape
        return _Coefficients(rate, shape, present, k, K, Z, M)

    @staticmethod
    def _balance(U: Real, c: _Coefficients) -> tuple[Real, Real]:
        """(Y² − Y_eq²)/v, with Y held at 0 once χ is exhausted, and its derivative in U."""
        v = jnp.exp(jnp.clip(U - c.K, -_LEAST_LOG, _LARGEST_LOG))
        present = v > c.Z
        Y = jnp.where(present, v - c.Z, 0.0)
        missing = jnp.where(present, c.Z * (c.Z / v), v)
        # a product keeps its digits where Y is nearly Y_eq
        value = (Y - c.Y_eq) * ((Y + c.Y_eq) / v)
        return value, jnp.where(present, v - missing, 0.0) + c.Y_eq * (c.Y_eq / v)

    def slope(self, known: _Coefficients, U: Real) -> tuple[Real, Real]:
        """U', and −∂U'/∂U."""
        value, damping = self._balance(U, known)
        return -known.k - known.rate * value, known.rate * damping

    def attractor(self, known: _Coefficients) -> Real:
        """Where Y_χ = Y_eq."""
        v = known.Z + known.Y_eq
        return known.K + jnp.log(jnp.maximum(v, np.exp(-_LEAST_LOG)))

    def gain(self, known: _Coefficients, U: Real, slope: Real) -> tuple[Real, Real]:
        """−M U' e^U, and Y_χ/v, negative once χ is exhausted."""
        gained = -known.M * slope * jnp.exp(jnp.minimum(U, _LARGEST_LOG))
        return gained, 1 - known.Z * jnp.exp(jnp.minimum(-U, _LARGEST_LOG))

    def probe(self, known: _Coefficients, U: Real) -> tuple[Real, Real]:
        """What annihilation and production at unit strength would do to U, and either's size."""
        value, size = self._balance(U, known)
        return known.shape * value, known.shape * size


def _vector_field(t: Any, state: Any, args: Any) -> State:
    equation = Annihilation()
    known = equation.coefficients(jnp.asarray(t), args)
    slope, _ = equation.slope(known, state[0])
    gain, _ = equation.gain(known, state[0], slope)
    zero = jnp.zeros_like(slope)
    return slope, gain, zero, zero, zero


def _strategy(solver: Solver, tolerance: Scalar) -> diffrax.AbstractSolver:
    if solver in ("auto", "collocation"):
        return Collocation(Annihilation(), tolerance / _PROBE_TOLERANCE)
    named = {"kvaerno5": diffrax.Kvaerno5, "tsit5": diffrax.Tsit5, "dopri8": diffrax.Dopri8}
    return named[solver]()


def _bath(
    p: Parameters, c: Choices, rate: Scalar, segment: Segments, expansion: Expansion | None
) -> tuple[Scalar, Scalar]:
    """Y_eq in the middle of the segment, and the χ that the bath makes over it, λY_eq² Δn."""
    stretch = jnp.exp(segment.start + segment.length / 2)
    equilibrium = equilibrium_yield(p.m_chi / p.T_p * stretch, p.g_chi, p.g_star_s, c.chi_stats)
    if expansion is not None:
        pace = expansion.pace(jnp.log(stretch))
        equilibrium, rate = equilibrium / pace.entropy, rate * pace.rate * pace.entropy
    return jax.lax.stop_gradient((equilibrium, rate / stretch * segment.length * equilibrium**2))


def _depletion_in_place(made: Scalar, U0: Scalar, segment: Segments) -> Segments:
    """Leave the walls' depletion to the equation where the bath replaces what they take.

    There Y_χ hardly moves, and e^K, taken out of it, would have to be followed for nothing.
    """
    remains = jnp.exp(jnp.clip(U0 - segment.lost_at_end, -_LEAST_LOG, _LARGEST_LOG))
    replaced = jax.lax.stop_gradient(made > remains)
    nothing = jnp.zeros_like(U0)
    return segment._replace(
        rate=jnp.where(replaced, segment.rate, nothing),
        lost=jnp.where(replaced, nothing, segment.lost),
        lost_at_end=jnp.where(replaced, nothing, segment.lost_at_end),
        gained=jnp.where(replaced, segment.gained_bare, segment.gained),
        gained_at_end=jnp.where(replaced, segment.gained_bare_at_end, segment.gained_at_end),
    )


def _largest(errors: Any) -> Scalar:
    return jnp.max(jnp.stack([jnp.abs(e) for e in jax.tree.leaves(errors)]))


class Progress(NamedTuple):
    """Where the solution stands between two segments."""

    log_Y_chi: Scalar
    Y_B: Scalar
    error: Scalar
    """Absolute error of ln Y_χ so far."""
    gain_error: Scalar
    """Absolute error of Y_B so far."""
    steps: Int[Array, ""]
    converged: Bool[Array, ""]
    exhausted: Bool[Array, ""]


def advance(
    p: Parameters,
    c: Choices,
    tolerance: Scalar,
    solver: Solver,
    adjoint: diffrax.AbstractAdjoint,
    carry: Progress,
    segment: Segments,
    expansion: Expansion | None = None,
) -> Progress:
    """Solve one segment.

    Args:
        p: the parameters, all given.
        c: the choices.
        tolerance: allowed local error of ln Y_χ, and of Y_B relative to its scale.
        solver: name of the method.
        adjoint: how diffrax differentiates.
        carry: the solution at the start of the segment.
        segment: one segment (no leading axis).
        expansion: where g_* changes.

    Returns:
        The solution at its end.
    """
    self_consistent = c.coupling == "self-consistent"
    U0 = carry.log_Y_chi
    both = annihilation_rate(p.T_p, p.m_chi, p.sigma_v, p.sigma_v_slope, p.g_star, p.g_star_s)
    s_wave = annihilation_rate(p.T_p, p.m_chi, p.sigma_v, 0.0, p.g_star, p.g_star_s)
    fading = jnp.exp(-segment.washout)
    before = carry.Y_B * fading
    scale = segment.gained_at_end
    if self_consistent:
        equilibrium, made = _bath(p, c, both, segment, expansion)
        segment = _depletion_in_place(made, U0, segment)
        start = jnp.exp(jnp.minimum(U0, _LARGEST_LOG))
        later = jnp.where(made + start < equilibrium, made + start, equilibrium)
        scale = segment.gained_at_end * jnp.maximum(start, later)
    scale = jax.lax.stop_gradient(before + scale)
    scale = jnp.where(scale > 0, scale, 1.0)
    zero = jnp.zeros_like(U0)
    largest = jax.lax.stop_gradient(_LARGEST_STEP / (segment.length + 1e-3))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(_vector_field),
        _strategy(solver, tolerance),
        t0=0.0,
        t1=1.0,
        # a constant, limited by the controller: the sign of a traced one is checked on the host
        dt0=1.0,
        y0=(U0, zero, zero, jnp.ones_like(U0), zero),
        args=_Arguments(p, c, segment, s_wave, both - s_wave, scale, expansion),
        stepsize_controller=diffrax.PIDController(
            rtol=0.0,
            atol=tolerance,
            norm=_largest,
            dtmin=1e-30,
            dtmax=largest,
        ),
        adjoint=adjoint,
        max_steps=_MAX_STEPS,
        throw=False,
    )
    assert solution.ys is not None
    U, gained, accumulated, lowest, _ = (leaf[-1] for leaf in solution.ys)
    if solver not in ("auto", "collocation"):
        accumulated = tolerance * solution.stats["num_accepted_steps"]
    lost = segment.lost_at_end
    exhausted = carry.exhausted
    if self_consistent:
        after = U - lost
        peak = jnp.exp(jnp.minimum(U, _LARGEST_LOG))
        Y_B = before + segment.gained_at_end * peak + gained * scale
        table_error = segment.gain_error * peak
    else:
        Y_B = before + segment.gained_at_end
        table_error = segment.gain_error
        after = U
        if c.depletion == "on":
            share = lost * jnp.exp(jnp.minimum(-U, _LARGEST_LOG))
            gone = (share > 1) | (lowest < 0)
            exhausted = exhausted | gone
            after = U + jnp.log1p(-jnp.where(share < 1, share, 0.0))
    return Progress(
        log_Y_chi=after,
        Y_B=Y_B,
        error=carry.error + accumulated + segment.loss_error * (1.0 if self_consistent else 0.0),
        gain_error=carry.gain_error * fading + table_error + accumulated * Y_B,
        steps=carry.steps + solution.stats["num_steps"],
        converged=carry.converged & (solution.result == diffrax.RESULTS.successful),
        exhausted=exhausted,
    )

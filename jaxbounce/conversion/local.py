"""Landau–Zener at the level crossings: what the slope of the levels at Δ = 0 alone can say.

At each root of Δ the adiabaticity is δ = m² s/|Δ'| with the slowness s = 1/v, or m̄/K for a
relativistic state; a state stays on its diabatic level (χ stays χ) with probability
p = e^{−2πδ}. For one crossing P = 1 − e^{−2πδ}; several are combined

* "incoherent": probabilities, 1 − 2P = Π (1 − 2(1 − p_i));
* "coherent": amplitudes, with the Stokes phase at each crossing and the dynamical phase
  ½∫ ω s dξ between neighbours (Stückelberg oscillations).

Exact only for linear levels and constant mixing on an infinite line: on a smooth wall it
is off by several per cent, and more where states are fast. See `two_level` for the answer.
"""

from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float

from jaxbounce._core.checks import one_of
from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce.conversion.estimate import ConversionModel, Estimate, Kinematics
from jaxbounce.conversion.two_level import slowness
from jaxbounce.conversion.wall import Couplings, WallProfile, crossings, level_splitting, masses

Combination = Literal["incoherent", "coherent"]

_PHASE_PANELS = 16

_PHASE_NODES = 16

_ROUNDING = 64.0  # in units of eps

_SMALLEST_DELTA = 1e-30  # below it the Stokes phase is π/4 to rounding


class LocalResult(eqx.Module):
    """Local Landau–Zener estimate; arrays run over the crossings, padded."""

    P: Scalar
    """Probability χ → B; NaN where `status` is not SUCCESS, e.g. where no level crosses."""
    xi: Float[Array, " max_crossings"]
    """ξ* of the crossings."""
    delta: Float[Array, " max_crossings"]
    """Adiabaticity; 0 in the padding."""
    slope: Float[Array, " max_crossings"]
    """dΔ/dξ at ξ*; 1 in the padding."""
    mixing: Float[Array, " max_crossings"]
    """m at ξ*."""
    exists: Bool[Array, " max_crossings"]
    status: Code


class LocalLandauZener(ConversionModel):
    """The local estimate at all crossings of a wall.

    Attributes:
        kinematics: "nonrelativistic" (called with v) or "relativistic" (called with K).
        combination: "incoherent" or "coherent"; the same for a single crossing.
        max_crossings: crossings looked for.
    """

    kinematics: Kinematics = eqx.field(static=True, default="nonrelativistic")
    combination: Combination = eqx.field(static=True, default="incoherent")
    max_crossings: int = eqx.field(static=True, default=4)

    def __check_init__(self) -> None:
        for name, allowed in (
            ("kinematics", get_args(Kinematics)),
            ("combination", get_args(Combination)),
        ):
            one_of(name, getattr(self, name), allowed)

    def __call__(self, profile: WallProfile, couplings: Couplings, motion: RealLike) -> LocalResult:
        """Estimate P(χ→B).

        Args:
            profile: the wall.
            couplings: y_B, y_χ, λ.
            motion: v > 0 (nonrelativistic) or K > 0 (relativistic), a scalar.
        """
        motion = as_real(motion)
        found = crossings(profile, couplings, self.max_crossings)
        m_B, m_chi, m = masses(profile, couplings, found.xi)
        _, slope = jax.jvp(
            lambda xi: level_splitting(profile, couplings, xi),
            (found.xi,),
            (jnp.ones_like(found.xi),),
        )
        usable = found.exists & (slope != 0)
        slope = jnp.where(usable, slope, 1.0)
        factor = jnp.broadcast_to(slowness(m_B, m_chi, motion, self.kinematics), m.shape)
        delta = jnp.where(usable, m**2 * factor / jnp.abs(slope), 0.0)
        if self.combination == "incoherent":
            P = combine_incoherently(delta)
        else:
            root = jnp.where(usable, jnp.abs(m), 0.0) * jnp.sqrt(factor / jnp.abs(slope))
            phases = self._dynamical_phases(profile, couplings, motion, found.xi, usable)
            P = combine_coherently(root, phases, usable)
        status = jnp.where(motion > 0, found.status, Status.INVALID_PARAMETER.value)
        P = jnp.where(status == Status.SUCCESS.value, P, jnp.nan)
        return LocalResult(P, found.xi, delta, slope, m, found.exists, status)

    def probability(self, profile: WallProfile, couplings: Couplings, motion: RealLike) -> Estimate:
        """The local P. It is a formula, not a limit of anything: its error is rounding only."""
        result = self(profile, couplings, motion)
        rounding = _ROUNDING * jnp.finfo(result.P.dtype).eps
        return Estimate(result.P, jnp.full_like(result.P, rounding), result.status)

    def _dynamical_phases(
        self,
        profile: WallProfile,
        couplings: Couplings,
        motion: Real,
        xi: Float[Array, " max_crossings"],
        exists: Bool[Array, " max_crossings"],
    ) -> Float[Array, " max_crossings-1"]:
        """ζ = ½∫ω s dξ between neighbouring crossings; 0 next to padding."""
        both = exists[1:] & exists[:-1]
        start, length = xi[:-1], jnp.where(both, jnp.diff(xi), 0.0)
        x, weight = gauss_legendre(_PHASE_NODES)
        t = ((np.arange(_PHASE_PANELS)[:, None] + (1 + x) / 2) / _PHASE_PANELS).ravel()
        weights = np.tile(weight / 2 / _PHASE_PANELS, _PHASE_PANELS)
        nodes = start[:, None] + length[:, None] * t
        m_B, m_chi, m = masses(profile, couplings, nodes)
        half_square = (m_B - m_chi) ** 2 / 4 + m**2
        # at λ = 0 the square root has no derivative where the levels touch; none is needed
        half_splitting = jnp.sqrt(jnp.where(half_square > 0, half_square, 1.0))
        half_splitting = jnp.where(half_square > 0, half_splitting, 0.0)
        factor = slowness(m_B, m_chi, motion, self.kinematics)
        return length * (weights * half_splitting * factor).sum(-1)


def combine_incoherently(delta: Float[Array, " n"]) -> Scalar:
    """P of crossings passed one after another, 1 − 2P = Π (1 − 2q_i), q = 1 − e^{−2πδ}."""
    P = jnp.zeros((), delta.dtype)
    for q in -jnp.expm1(-2 * jnp.pi * delta):
        P = P + q - 2 * P * q
    return P


def combine_coherently(
    root_delta: Float[Array, " n"], phases: Float[Array, " n-1"], exists: Bool[Array, " n"]
) -> Scalar:
    """P of crossings passed coherently.

    In the adiabatic basis a crossing is N = [[√(1−p) e^{−iφ̃}, −√p], [√p, √(1−p) e^{iφ̃}]],
    φ̃ = φ_S − π/2, and the way between two is diag(e^{−iζ}, e^{iζ}).

    Args:
        root_delta: √δ of each crossing (√ because the amplitude is smooth in it, at 0 too).
        phases: ζ between neighbours.
        exists: mask; padding comes last.
    """
    delta = root_delta**2
    x = 2 * jnp.pi * delta
    small = x < 1e-8
    relative = jnp.where(small, 1 - x / 2, -jnp.expm1(-x) / jnp.where(small, 1.0, x))
    follow = jnp.sqrt(2 * jnp.pi) * root_delta * jnp.sqrt(relative)
    jump = jnp.exp(-x / 2)
    stokes = stokes_phase(delta) - jnp.pi / 2
    phases = jnp.concatenate([phases, jnp.zeros(1, phases.dtype)])
    a: Complex[Array, ""] = jnp.ones((), jnp.result_type(delta, jnp.complex64))
    b = jnp.zeros_like(a)  # first column (a, b) of the product; the second is (−b*, a*)
    odd = jnp.asarray(False)
    for i in range(delta.size):
        turn = follow[i] * jnp.exp(-1j * stokes[i])
        rotation = jnp.exp(-1j * phases[i])
        new_a = rotation * (turn * a - jump[i] * b)
        new_b = jnp.conj(rotation) * (jump[i] * a + jnp.conj(turn) * b)
        a, b = jnp.where(exists[i], new_a, a), jnp.where(exists[i], new_b, b)
        odd = odd ^ exists[i]
    # after an odd number of crossings B is on the level on which χ came in
    wanted = jnp.where(odd, a, b)
    return jnp.real(wanted) ** 2 + jnp.imag(wanted) ** 2


def stokes_phase(delta: RealLike) -> Real:
    """φ_S = π/4 + δ(ln δ − 1) + arg Γ(1 − iδ), from π/4 at δ = 0 to 0 at infinity."""
    delta = as_real(delta)
    safe = jnp.where(delta > _SMALLEST_DELTA, delta, _SMALLEST_DELTA)
    return jnp.pi / 4 + safe * (jnp.log(safe) - 1) - arg_gamma(safe)


def arg_gamma(delta: Real) -> Real:
    """The argument of Γ(1 + iδ), continuous from 0 at δ = 0.

    By recurrence from Γ(11 + iδ) and Stirling's series there: 1e-14.
    """
    shift = 10
    z = jnp.asarray(shift + 1 + 1j * delta)
    w = 1 / z**2
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / z
    log_gamma = (z - 0.5) * jnp.log(z) - z + series
    recurrence = jnp.arctan(delta[..., None] / np.arange(1, shift + 1)).sum(-1)
    return jnp.imag(log_gamma) - recurrence

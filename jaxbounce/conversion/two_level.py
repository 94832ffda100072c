"""Exact two-level propagation through a wall: i dψ/dξ = s(ξ) [[Δ/2, m], [m, −Δ/2]] ψ.

s is 1/v for a slow state ("nonrelativistic") and m̄/K, m̄ = (m_B + m_χ)/2, for a
relativistic one, where K² = p_z² + m_in² is conserved in the frame of the wall: that is
the traceless part of M²/2K. Valid while K is well above the masses; reflection and
blocked channels need the full wave.

Three probabilities answer to "P(χ→B)", and they differ by tens of per cent:

* `P_ad`: a χ-like mass eigenstate comes in, a B-like mass eigenstate goes out;
* `P_dec`: a χ produced as a flavour state comes in, B is counted as a flavour state, and
  the phases of the mass eigenstates are averaged over;
* `P_flav`: |⟨B|U|χ⟩|² between the ends of the propagation. It oscillates with the place
  of the ends wherever the mixing does not vanish there, and is for comparison only.
"""

from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._core.checks import one_of
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce.conversion.estimate import ConversionModel, Estimate, Kinematics
from jaxbounce.conversion.magnus import Generator, Vector, propagate, step_edges, tilt
from jaxbounce.conversion.wall import (
    PLATEAU_TOLERANCE,
    SCAN_INTERVALS,
    Couplings,
    WallProfile,
    masses,
    plateaus,
)

Meaning = Literal["P_ad", "P_dec"]
"""Which of the probabilities of a wall P stands for."""


class TwoLevelResult(eqx.Module):
    """Conversion probabilities of a wall, by name, with their certificate.

    From `TwoLevelPropagation` the probabilities are NaN where `status` is not SUCCESS.
    """

    P_ad: Scalar
    """χ-like eigenstate in → B-like eigenstate out. The default meaning of P."""
    P_dec: Scalar
    """χ flavour in → B flavour out, phases averaged."""
    P_flav: Scalar
    """χ flavour in → B flavour out between the ends used; depends on them."""
    P_c: Scalar
    """Probability to jump between the upper and the lower eigenstate."""
    error: Scalar
    """Estimated absolute error of P_ad, P_dec and P_c: steps, rounding, cut-off tails."""
    unitarity: Scalar
    """| |q| − 1 |: rounding of the product of all steps."""
    xi_lower: Scalar
    """Inner end ξ₋ of the propagation."""
    xi_upper: Scalar
    """Outer end ξ₊ of the propagation."""
    status: Code


def slowness(
    m_B: Real, m_chi: Real, motion: RealLike, kinematics: Kinematics = "nonrelativistic"
) -> Real:
    """The factor s of H: 1/v for `motion` = v, or m̄/K for `motion` = K."""
    if kinematics == "nonrelativistic":
        return 1 / as_real(motion)
    return (m_B + m_chi) / (2 * as_real(motion))


def field_vector(m_B: Real, m_chi: Real, m: Real) -> Vector:
    """The vector (m, 0, Δ/2) = b of H = b·σ, shape (3, ...)."""
    return jnp.stack([m, jnp.zeros_like(m), (m_B - m_chi) / 2])


class TwoLevelPropagation(ConversionModel):
    """Propagation through a wall by sixth-order Magnus steps, placed where the field turns.

    Differentiable in `motion`, the couplings and the parameters of the profile, at λ = 0
    and without a crossing too. Under `vmap` over `motion` alone the profile is evaluated once.

    Attributes:
        kinematics: "nonrelativistic" (called with the wall speed v) or "relativistic"
            (called with K, in the unit of the masses).
        steps: number of steps, a multiple of 8. Must grow with the phase ∫ω s dξ: 512
            carry a phase of some hundreds to 1e-9.
        plateau: mixing-angle tolerance that sets the ends (radians).
        rtol: relative and
        atol: absolute error of P_ad beyond which the status is PROPAGATION_NOT_CONVERGED.
        meaning: which probability `probability` returns, "P_ad" or "P_dec".
    """

    kinematics: Kinematics = eqx.field(static=True, default="nonrelativistic")
    steps: int = eqx.field(static=True, default=512)
    plateau: float = eqx.field(static=True, default=PLATEAU_TOLERANCE)
    rtol: float = eqx.field(static=True, default=1e-6)
    atol: float = eqx.field(static=True, default=1e-12)
    meaning: Meaning = eqx.field(static=True, default="P_ad")

    def __check_init__(self) -> None:
        for name, allowed in (
            ("kinematics", get_args(Kinematics)),
            ("meaning", get_args(Meaning)),
        ):
            one_of(name, getattr(self, name), allowed)
        if self.steps < 8 or self.steps % 8:
            raise ValueError(f"steps = {self.steps}: must be a multiple of 8")

    def __call__(
        self, profile: WallProfile, couplings: Couplings, motion: RealLike
    ) -> TwoLevelResult:
        """Propagate.

        Args:
            profile: the wall.
            couplings: y_B, y_χ, λ.
            motion: v > 0 (nonrelativistic) or K > 0 (relativistic), a scalar.
        """
        result = self._propagate(profile, couplings, motion)

        def withheld(value: Scalar) -> Scalar:
            return jnp.where(result.status == Status.SUCCESS, value, jnp.nan)

        probabilities = (result.P_ad, result.P_dec, result.P_flav, result.P_c)
        return eqx.tree_at(
            lambda r: (r.P_ad, r.P_dec, r.P_flav, r.P_c),
            result,
            tuple(map(withheld, probabilities)),
        )

    def probability(self, profile: WallProfile, couplings: Couplings, motion: RealLike) -> Estimate:
        """P_ad or P_dec, as `meaning` says."""
        result = self._propagate(profile, couplings, motion)
        P = result.P_ad if self.meaning == "P_ad" else result.P_dec
        return Estimate(P, result.error, result.status)

    def _propagate(
        self, profile: WallProfile, couplings: Couplings, motion: RealLike
    ) -> TwoLevelResult:
        """The numbers as they come out, whatever the status."""
        motion = as_real(motion)
        ends = plateaus(profile, couplings, self.plateau)

        def field(xi: Real) -> Vector:
            return field_vector(*masses(profile, couplings, xi))

        def generator(xi: Real) -> Vector:
            if self.kinematics == "nonrelativistic":
                return field(xi)
            m_B, m_chi, m = masses(profile, couplings, xi)
            return (m_B + m_chi) / 2 * field_vector(m_B, m_chi, m)

        scan = profile.scan(SCAN_INTERVALS)
        points = jnp.clip(scan, ends.lower, ends.upper)
        edges = step_edges(field, points, self.steps)
        start, end = field(edges[0]), field(edges[-1])
        result = convert(generator, edges, start, end, ends.distance, 1 / motion)
        return self._with_status(result, motion)

    def _with_status(self, result: TwoLevelResult, motion: Real) -> TwoLevelResult:
        converged = result.error <= self.atol + self.rtol * result.P_ad
        status = jnp.where(converged, Status.SUCCESS.value, Status.PROPAGATION_NOT_CONVERGED.value)
        status = jnp.where(jnp.isfinite(result.P_ad), status, Status.NOT_FINITE.value)
        status = jnp.where(motion > 0, status, Status.INVALID_PARAMETER.value)
        return eqx.tree_at(lambda r: r.status, result, status)


def convert(
    generator: Generator,
    edges: Real,
    start: Vector,
    end: Vector,
    cut: RealLike = 0.0,
    scale: RealLike = 1.0,
) -> TwoLevelResult:
    """The probabilities of any two-level system i dψ/dξ = s g(ξ)·σ ψ; B is spin up, χ down.

    Args:
        generator: g(ξ), shape (3, ...).
        edges: of the steps; see `magnus.step_edges`.
        start: direction of the field that defines the eigenstates at `edges[0]`.
        end: the same at `edges[-1]`.
        cut: angle (radians) by which start and end are off the limits at ±∞; enters the error.
        scale: s.

    For a field in the x–z plane (no CP violation) the probabilities are those of either
    direction of travel; else of travel towards larger ξ. The status is NOT_COMPUTED:
    what is converged is for the caller to say.
    """
    run = propagate(generator, edges, start, end, scale)
    P_c, P_stay = run.amplitudes.P_jump, run.amplitudes.P_stay
    cos_start, sin2_start = tilt(start)
    cos_end, sin2_end = tilt(end)
    # B is the upper state where Δ > 0: if Δ changes sign, χ → B stays on its level
    P_ad = jnp.where((cos_start > 0) == (cos_end > 0), P_c, P_stay)
    # ½ [1 − (1 − 2P_c) c c'] with nothing cancelling when P_ad and both mixings are small
    overlap = jnp.abs(cos_start * cos_end)
    deficit = (sin2_start + sin2_end - sin2_start * sin2_end) / (1 + overlap)
    P_dec = deficit / 2 + overlap * P_ad
    q = run.U / run.amplitudes.norm
    off = as_real(cut) * (as_real(cut) + 2 * jnp.sqrt(jnp.minimum(P_c, P_stay)))
    return TwoLevelResult(
        P_ad=P_ad,
        P_dec=P_dec,
        P_flav=q[1] ** 2 + q[2] ** 2,
        P_c=P_c,
        error=jax.lax.stop_gradient(run.error + off),
        unitarity=jnp.abs(run.amplitudes.norm - 1),
        xi_lower=edges[0],
        xi_upper=edges[-1],
        status=jnp.asarray(Status.NOT_COMPUTED.value),
    )

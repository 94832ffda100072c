"""The published distributed overlap, for reproduction only.

With f(ξ, E) = exp(−∫_ξ^{ξ_e} κ dξ'), κ = √max((y_χ|Φ|)² − E², 0), ξ_e = ξ* + span FWHM and
weights w_E ∝ e^{−E/T} on equally spaced energies in [0, 0.6 max m_χ],

    I₂ = ∫_{ξ*}^{ξ_e} |φ|² Σ w_E f² dξ,   δ = λ₀² I₂ /(v |Δ'*|),   P = 1 − e^{−2πδ},

and λ_eff = λ₀ √I₂/φ*. What is wrong with it: I₂ grows linearly with the span, since |φ| and
f do not fall off outside; δ is not dimensionless; it adds up probabilities along a path on
which amplitudes interfere; and λ₀ was solved for a wanted result (`coupling_for_ratio`).
Use the two-level propagation for a prediction.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_leaf, as_optional_leaf, as_real
from jaxbounce.conversion.estimate import ConversionModel, Estimate, Kinematics
from jaxbounce.conversion.wall import Couplings, WallProfile, crossings, level_splitting, masses


class OverlapResult(eqx.Module):
    """Published overlap quantities; to be used only where `status` is SUCCESS."""

    P: Scalar
    delta: Scalar
    I2: Scalar
    error_I2: Scalar
    """Estimated absolute error of I₂ (half the intervals)."""
    lam: Scalar
    """λ₀."""
    lam_eff: Scalar
    """λ₀ √I₂/φ*."""
    xi: Scalar
    """ξ*, the first crossing."""
    status: Code


class DistributedOverlap(ConversionModel):
    """The published overlap of a wall.

    Attributes:
        T_reh: temperature of the weights e^{−E/T}, in the unit of the masses.
        fwhm: width of the energy density of the wall.
        span: ξ_e − ξ* in units of `fwhm` (published 3); negative for the other side.
        energy_fraction: highest energy in units of the largest m_χ of the wall.
        E_max: the highest energy itself, instead. The published file has |Φ| = 2.357 at its
            first radius, 1e-9, which is an artefact: the fields around it are 2.043.
        E_min: the lowest energy.
        energies: number of energies.
        intervals: trapezoidal intervals in ξ.
        mode: only "reference" exists; the name is a reminder of what this is.
    """

    kinematics: Kinematics = eqx.field(static=True, default="nonrelativistic", init=False)
    T_reh: Scalar = eqx.field(converter=as_leaf)
    fwhm: Scalar = eqx.field(converter=as_leaf)
    span: Scalar = eqx.field(converter=as_leaf, default=3.0)
    energy_fraction: Scalar = eqx.field(converter=as_leaf, default=0.6)
    E_max: Scalar | None = eqx.field(converter=as_optional_leaf, default=None)
    E_min: Scalar = eqx.field(converter=as_leaf, default=0.0)
    energies: int = eqx.field(static=True, default=160)
    intervals: int = eqx.field(static=True, default=4096)
    mode: Literal["reference"] = eqx.field(static=True, default="reference")

    def __check_init__(self) -> None:
        if self.mode != "reference":
            raise ValueError(f'mode = {self.mode!r}: must be "reference"')

    def __call__(self, profile: WallProfile, couplings: Couplings, v_w: RealLike) -> OverlapResult:
        """Forward: P for λ₀ = `couplings.lam` and wall speed v_w > 0."""
        return self._result(profile, couplings, as_real(v_w), None)

    def probability(self, profile: WallProfile, couplings: Couplings, motion: RealLike) -> Estimate:
        """P of the published form at v = `motion`; the error is that of its integral."""
        result = self(profile, couplings, motion)
        slope = 2 * jnp.pi * jnp.abs(result.delta / result.I2) * jnp.exp(-2 * jnp.pi * result.delta)
        return Estimate(result.P, jax.lax.stop_gradient(slope * result.error_I2), result.status)

    def coupling_for_ratio(
        self,
        profile: WallProfile,
        couplings: Couplings,
        v_w: RealLike,
        target_ratio: RealLike = 2.515,
    ) -> OverlapResult:
        """Inverse, as published: the λ₀ for which (1 − P)/P is `target_ratio`.

        `couplings.lam` plays no part. This puts the answer in by hand.
        """
        return self._result(profile, couplings, as_real(v_w), as_real(target_ratio))

    def _result(
        self,
        profile: WallProfile,
        couplings: Couplings,
        v_w: Scalar,
        target_ratio: Scalar | None,
    ) -> OverlapResult:
        found = crossings(profile, couplings, 1)
        # more than one crossing: the published form uses the first
        status = jnp.where(found.exists[0], Status.SUCCESS.value, Status.NO_CROSSING.value)
        xi = found.xi[0]
        _, slope = jax.jvp(
            lambda x: level_splitting(profile, couplings, x), (xi,), (jnp.ones_like(xi),)
        )
        slope = jnp.where(found.exists[0] & (slope != 0), jnp.abs(slope), 1.0)
        I2, coarse = self._integral(profile, couplings, xi)
        per_lam2 = I2 / (v_w * slope)
        if target_ratio is None:
            lam = couplings.lam
        else:
            # P = 1/(1 + R) and hence 2πδ = −ln(1 − P) = ln(1 + 1/R)
            lam = jnp.sqrt(jnp.log1p(1 / target_ratio) / (2 * jnp.pi * per_lam2))
        delta = jnp.where(found.exists[0], lam**2 * per_lam2, 0.0)
        _, phi = profile.fields(xi)
        return OverlapResult(
            P=jnp.where(found.exists[0], -jnp.expm1(-2 * jnp.pi * delta), jnp.nan),
            delta=delta,
            I2=I2,
            error_I2=jax.lax.stop_gradient(jnp.abs(I2 - coarse)),
            lam=as_real(lam),
            lam_eff=lam * jnp.sqrt(I2) / jnp.where(phi > 0, phi, 1.0),
            xi=xi,
            status=status,
        )

    def _integral(
        self, profile: WallProfile, couplings: Couplings, xi: Scalar
    ) -> tuple[Scalar, Scalar]:
        """I₂ by the trapezoidal rule on all intervals and on every second one."""
        if self.E_max is None:
            highest = (
                self.energy_fraction
                * masses(profile, couplings, profile.scan(self.intervals))[1].max()
            )
        else:
            highest = self.E_max
        energy = self.E_min + jnp.linspace(0.0, 1.0, self.energies) * (highest - self.E_min)
        weight = jax.nn.softmax(-energy / self.T_reh)
        # the published integral ends where the table does
        width = jnp.clip(xi + self.span * self.fwhm, *profile.limits()) - xi

        def integral(intervals: int) -> Scalar:
            x = xi + width * jnp.linspace(0.0, 1.0, intervals + 1)
            _, m_chi, _ = masses(profile, couplings, x)
            _, phi = profile.fields(x)
            step = jnp.abs(width) / intervals

            def damping(one: Real) -> Real:
                square = m_chi**2 - one**2
                kappa = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
                pieces = step * (kappa[1:] + kappa[:-1]) / 2
                depth = jnp.concatenate([jnp.cumsum(pieces[::-1])[::-1], jnp.zeros(1)])
                return jnp.exp(-2 * depth)

            values = phi**2 * (weight @ jax.lax.map(damping, energy))
            return step * (values.sum() - (values[0] + values[-1]) / 2)

        return integral(self.intervals), integral(self.intervals // 2)

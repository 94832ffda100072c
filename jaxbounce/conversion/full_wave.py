"""Reflection and transmission of two coupled channels by a wall, without approximation.

Scalar, −ψ'' + M²ψ = K²ψ, or Dirac, a' = i(Ka − Mb), b' = −i(Kb − Ma), with the symmetric
mass matrix M(ξ) = [[m_B, m], [m, m_χ]] and K² = p_z² + m_in², conserved across the wall.
With a = ψ' + iKψ, b = ψ' − iKψ and N = M²/2K the scalar equation has the same shape,

    (a, b)' = i [[α, β], [−β, −α]] (a, b),   scalar: α = K − N, β = N;  Dirac: α = K, β = −M,

so one code serves both. The reflection matrix a = r b is carried through the wall slab by slab
(`embedding`), without a growing exponential. The method is symmetric, its error a series in
even powers of the step from the fourth on, so that runs with 2n, 3n and 4n steps extrapolate
to order 8.
"""

from typing import Any, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.checks import one_of
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce.conversion.embedding import (
    Grid,
    Masses,
    Slabs,
    Spin,
    channels,
    evaluate_masses,
    slabs_of,
    sweep,
)
from jaxbounce.conversion.estimate import ConversionModel, Estimate, Kinematics
from jaxbounce.conversion.wall import Couplings, WallProfile, masses, structure

_ROUNDING = 4e-15  # per probability and square root of the number of slabs

_RUNS = (2, 3, 4)  # steps of the three runs, in units of `steps`


def _extrapolation(runs: tuple[int, ...]) -> np.ndarray:
    """Weights of runs with these numbers of steps n that cancel n⁻⁴, n⁻⁶ and so on."""
    powers = np.array([0, *range(4, 2 * len(runs) + 2, 2)])
    right = np.zeros(len(runs))
    right[0] = 1
    return np.linalg.solve(np.array(runs, dtype=float) ** -powers[:, None], right)


_ORDER_8 = _extrapolation(_RUNS)

_ORDER_6 = _extrapolation(_RUNS[1:])

_ASYMPTOTIC = 0.25  # ratio of successive differences: 0.168 for n⁻⁴, 0.079 for n⁻⁶

_ALIASING = 2.0  # phase K h of a step beyond which (at π) reflections of steps add up


class FullWaveResult(eqx.Module):
    """Flux fractions of a χ-like mass eigenstate coming from the right (outside), shape ().

    The four are NaN where there is no answer. Where `status` is INCIDENT_CHANNEL_CLOSED
    everything counts as reflected.

    Attributes:
        T_B: transmitted into the B-like mass eigenstate on the left.
        T_chi: transmitted into the χ-like one.
        R_B: reflected into the B-like mass eigenstate on the right.
        R_chi: reflected into the χ-like one.
        unitarity_defect: T_B + T_chi + R_B + R_chi − 1. The slabs conserve flux exactly, so
            this tests rounding and the matching at the ends, not the step: see `error_estimate`.
        error_estimate: estimated absolute error of each of the four, from the extrapolation.
        status: a `jaxbounce.Status` code.
    """

    T_B: Scalar
    T_chi: Scalar
    R_B: Scalar
    R_chi: Scalar
    unitarity_defect: Scalar
    error_estimate: Scalar
    status: Code

    @property
    def P_B(self) -> Scalar:
        """T_B + R_B: a χ came in and a B leaves, on either side of the wall."""
        return self.T_B + self.R_B


class FullWave(ConversionModel):
    """Exact scattering off a wall; call it for one K, `vmap` it over many.

    Attributes:
        spin: "scalar" or "dirac" (static).
        steps: the three runs take 2, 3 and 4 times this number of steps (static). The step of
            the finest, h, should satisfy K h < 2 where the masses change.
        tolerance: absolute error estimate up to which the status says success.
    """

    kinematics: Kinematics = eqx.field(static=True, default="relativistic", init=False)
    spin: Spin = eqx.field(static=True, default="scalar")
    steps: int = eqx.field(static=True, default=32)
    tolerance: float = eqx.field(static=True, default=1e-8)

    def __check_init__(self):
        one_of("spin", self.spin, get_args(Spin))
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps}: must be at least 1")

    def __call__(
        self,
        masses: Masses,
        K: RealLike,
        xi_left: RealLike,
        xi_right: RealLike,
        args: Any = None,
        *,
        centre: RealLike = 0.0,
        width: RealLike | None = None,
    ) -> FullWaveResult:
        """Scattering of a χ-like eigenstate that comes in from the right.

        Args:
            masses: (ξ, args) → (m_B, m_χ, m), the mass matrix as scalars, smooth in ξ. It is
                taken to be constant beyond both limits.
            K: √(p_z² + m_in²) > 0, in the units of the masses, shape ().
            xi_left: left limit (inside the bubble).
            xi_right: right limit (outside), > `xi_left`.
            args: passed to `masses`; gradients flow through it.
            centre: where the wall is; used with `width` only.
            width: with a number, steps are uniform in arcsinh((ξ − centre)/width), so that
                the limits may be far away at little cost; with None they are uniform in ξ.

        Returns:
            A `FullWaveResult`. Below the threshold of the incident channel everything counts
            as reflected, the limit from above, and the status says so. Derivatives at a
            threshold itself, infinite from one side, are returned finite.
        """
        result = self._scatter(masses, K, xi_left, xi_right, args, centre, width)
        answered = (result.status == Status.SUCCESS) | (
            result.status == Status.INCIDENT_CHANNEL_CLOSED
        )
        fractions = (result.T_B, result.T_chi, result.R_B, result.R_chi)
        return eqx.tree_at(
            lambda r: (r.T_B, r.T_chi, r.R_B, r.R_chi),
            result,
            tuple(jnp.where(answered, value, jnp.nan) for value in fractions),
        )

    def on_wall(self, profile: WallProfile, couplings: Couplings, K: RealLike) -> FullWaveResult:
        """Scattering off a wall profile: between its limits, with steps dense at the wall."""
        return self(*self._arguments(profile, couplings, K)[:5], **self._grid(profile, couplings))

    def probability(self, profile: WallProfile, couplings: Couplings, motion: RealLike) -> Estimate:
        """P = T_B + R_B at K = `motion`."""
        result = self._scatter(
            *self._arguments(profile, couplings, motion), **self._grid(profile, couplings)
        )
        return Estimate(result.P_B, 2 * result.error_estimate, result.status)

    def _arguments(self, profile: WallProfile, couplings: Couplings, K: RealLike):
        def at(xi: Scalar, wall: tuple[WallProfile, Couplings]) -> tuple[Real, Real, Real]:
            return masses(*wall, xi)

        return at, K, *profile.limits(), (profile, couplings)

    def _grid(self, profile: WallProfile, couplings: Couplings) -> dict[str, Scalar]:
        centre, width = structure(profile, couplings)
        return {"centre": centre, "width": width}

    def _scatter(
        self,
        masses: Masses,
        K: RealLike,
        xi_left: RealLike,
        xi_right: RealLike,
        args: Any,
        centre: RealLike,
        width: RealLike | None,
    ) -> FullWaveResult:
        """The numbers as they come out, whatever the status."""
        if jnp.result_type(float) != jnp.float64:
            raise ValueError("FullWave needs float64: call jaxbounce.enable_x64() first")
        K, left, right, centre = (
            as_real(value).astype(jnp.float64) for value in (K, xi_left, xi_right, centre)
        )
        if K.shape:
            raise ValueError(f"K has shape {K.shape}: FullWave takes one K, vmap it over many")
        width = None if width is None else as_real(width).astype(jnp.float64)
        ends = evaluate_masses(masses, args, jnp.stack([left, right]))
        left_end, right_end = (
            channels((ends[0][i], ends[1][i], ends[2][i]), K, self.spin) for i in (0, 1)
        )
        grid = Grid(centre, width)
        slabs = [
            slabs_of(masses, args, left, right, grid, n * self.steps, self.spin) for n in _RUNS
        ]
        runs = sweep(K, slabs, left_end, right_end, self.spin)
        best = jnp.asarray(_ORDER_8) @ runs
        error = jax.lax.stop_gradient(self._error(best, runs, slabs[-1], K))
        return self._result(best, error, right_end.flux[1], K)

    def _error(self, best: Real, runs: Real, finest: Slabs, K: Scalar) -> Scalar:
        """Twice the way from order 6 to 8, and guards for when the step is too long for that."""
        truncation = 2 * jnp.abs(best - jnp.asarray(_ORDER_6) @ runs[1:]).max()
        early, late = jnp.abs(runs[1] - runs[0]).max(), jnp.abs(runs[2] - runs[1]).max()
        rounding = _ROUNDING * np.sqrt(2.0 * _RUNS[-1] * self.steps)
        regular = (late <= _ASYMPTOTIC * early) | (late <= rounding)
        truncation = jnp.where(regular, truncation, jnp.maximum(truncation, late))
        # all runs may agree and be wrong where steps of phase π reflect in step (Bragg)
        power = 2 if self.spin == "scalar" else 1
        change = sum(
            jnp.abs(jnp.diff(values / finest.length))
            for values in (finest.mass.upper, finest.mass.lower)
        ) / (2 ** (power - 1) * K**power)
        coarse = K * 2 * finest.length[1:] > _ALIASING
        amplitude = jnp.where(coarse, change, 0.0).sum()
        reflected = jnp.sqrt(jnp.abs(best[2]) + jnp.abs(best[3]))
        return truncation + amplitude * (amplitude + 2 * reflected) + rounding

    def _result(self, best: Real, error: Scalar, incident: Scalar, K: Scalar) -> FullWaveResult:
        status = jnp.where(error <= self.tolerance, Status.SUCCESS, Status.WAVE_NOT_CONVERGED)
        status = jnp.where(incident > 0, status, Status.INCIDENT_CHANNEL_CLOSED)
        status = jnp.where(jnp.isfinite(best).all(), status, Status.NOT_FINITE)
        status = jnp.where(K > 0, status, Status.INVALID_PARAMETER)
        T_B, T_chi, R_B, R_chi = best
        return FullWaveResult(T_B, T_chi, R_B, R_chi, best.sum() - 1, error, status)

"""Gaussian likelihood of the baryon and dark-matter densities, and tension numbers.

Data are (ω_b, ω_c) = (Ω_b h², Ω_c h²), or one of the two. They may be given, and read, as
densities in kg/m³; inside they are ω, which do not underflow in float32. Data sets by name are
Planck 2018: means from arXiv:1807.06209, table 2, covariances from the public chains.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr
from jaxtyping import Array, Float

from jaxbounce._core.checks import check_keys, check_name, shown
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.constants import CRITICAL_DENSITY_OVER_H2, PLANCK_OMEGA_B, PLANCK_OMEGA_C
from jaxbounce.model.prediction import Prediction

OBSERVABLES = ("omega_b", "omega_c")
"""The data, in their order: Ω_b h² and Ω_c h² (all dark matter is taken to be cold)."""

DATA_SETS: dict[str, tuple[tuple[float, float], tuple[float, float, float]]] = {
    "planck2018": (
        (PLANCK_OMEGA_B, PLANCK_OMEGA_C),
        (2.1238517e-08, -9.0296572e-08, 1.3879427e-06),
    ),
    "planck2018-no-lensing": (
        (0.02236, 0.1202),
        (2.2139987e-08, -1.1786703e-07, 1.8664921e-06),
    ),
    "planck2018-montepython": (
        (PLANCK_OMEGA_B, PLANCK_OMEGA_C),
        (2.045875e-08, -9.284713e-08, 1.449614e-06),
    ),
}
"""Means (ω_b, ω_c) and covariance (bb, bc, cc) by name.

"planck2018" is TT,TE,EE+lowl+lowE+lensing, the default, "planck2018-no-lensing" the same without
lensing, both from the official chains; "planck2018-montepython" the first as distributed with
MontePython.
"""

DEFAULT_DATA = "planck2018"

_NEWTON_STEPS = 12


class Likelihood(eqx.Module):
    """A Gaussian in (ω_b, ω_c), or in one of them; make it with `likelihood`.

    Attributes:
        mean: measured values of `observables` (dimensionless).
        covariance: their covariance.
        whitening: W with Wᵀ W the inverse covariance: W (ω − mean) has unit covariance.
        observables: which data, in order.
        name: what a report calls them.
    """

    mean: Float[Array, " data"] = eqx.field(converter=as_leaf)
    covariance: Float[Array, "data data"] = eqx.field(converter=as_leaf)
    whitening: Float[Array, "data data"] = eqx.field(converter=as_leaf)
    observables: tuple[str, ...] = eqx.field(static=True)
    name: str = eqx.field(static=True)

    def only(self, observable: str) -> Self:
        """The likelihood of one datum alone: the other is marginalised.

        Raises:
            ConfigurationError: if that is not one of the data.
        """
        check_name("observable", observable, self.observables)
        i = self.observables.index(observable)
        variance = self.covariance[i : i + 1, i : i + 1]
        return type(self)(
            self.mean[i : i + 1], variance, 1 / jnp.sqrt(variance), (observable,), self.name
        )

    @property
    def sigma(self) -> Float[Array, " data"]:
        """Standard deviations."""
        return jnp.sqrt(jnp.diagonal(self.covariance))

    @property
    def rho(self) -> Float[Array, " data"]:
        """Measured densities (kg/m³)."""
        return self.mean * CRITICAL_DENSITY_OVER_H2

    @property
    def rho_sigma(self) -> Float[Array, " data"]:
        """Standard deviations of the densities (kg/m³)."""
        return self.sigma * CRITICAL_DENSITY_OVER_H2

    def predicted(self, prediction: Prediction) -> Float[Array, " data"]:
        """The data a prediction gives; NaN where its status is not SUCCESS."""
        both = {"omega_b": prediction.omega_b_h2, "omega_c": prediction.omega_dm_h2}
        values = jnp.stack([both[name] for name in self.observables])
        return jnp.where(prediction.status == Status.SUCCESS, values, jnp.nan)

    def residuals(self, omega: Float[Array, " data"]) -> Float[Array, " data"]:
        """Whitened residuals W (ω − mean): independent, in units of σ; their squares add to χ²."""
        return self.whitening @ (omega - self.mean)

    def log_density(self, omega: Float[Array, " data"]) -> Scalar:
        """ln of the Gaussian density at ω; −∞, with zero gradient, where an ω is not finite."""
        good = jnp.all(jnp.isfinite(omega))
        residuals = self.residuals(jnp.where(good, omega, self.mean))
        # triangular, so that the determinant is on the diagonal
        constant = jnp.sum(jnp.log(jnp.diagonal(self.whitening))) - (
            0.5 * len(self.observables) * math.log(2 * math.pi)
        )
        return jnp.where(good, constant - 0.5 * jnp.sum(residuals**2), -jnp.inf)

    def log_likelihood(self, prediction: Prediction) -> Scalar:
        """ln L of a prediction; −∞ where its status is not SUCCESS."""
        return self.log_density(self.predicted(prediction))

    def chi2(self, prediction: Prediction) -> Scalar:
        """χ² of a prediction; NaN where its status is not SUCCESS."""
        return jnp.sum(self.residuals(self.predicted(prediction)) ** 2)

    def pulls(self, prediction: Prediction) -> Float[Array, " data"]:
        """(prediction − measured)/σ of each datum, each by itself."""
        return (self.predicted(prediction) - self.mean) / self.sigma


def _numbers(key: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(np.nan)
    if array.shape != shape or not np.all(np.isfinite(array)):
        size = "×".join(map(str, shape))
        raise ConfigurationError(f"{key} = {shown(value)}: must be {size} finite numbers")
    return array


def _check_covariance(covariance: np.ndarray) -> None:
    (bb, bc), (cb, cc) = covariance
    if not math.isclose(bc, cb, rel_tol=1e-6, abs_tol=0.0):
        raise ConfigurationError(
            f"covariance: must be symmetric; its off-diagonal elements are {bc:g} and {cb:g}"
        )
    if bb <= 0 or cc <= 0:
        raise ConfigurationError(
            f"covariance: the variances {bb:g} and {cc:g} must be > 0; give σ² on the diagonal"
        )
    correlation = bc / math.sqrt(bb * cc)
    # beyond this nothing is left of the second datum in double precision
    if 1 - abs(correlation) < 1e-12:
        raise ConfigurationError(
            f"covariance: is singular (correlation {correlation:.15g}); it must be positive"
            " definite, with a correlation strictly between −1 and 1"
        )


def likelihood(
    name: str | None = None,
    *,
    mean: Sequence[float] | None = None,
    covariance: Any = None,
    sigma: Sequence[float] | None = None,
    correlation: float | None = None,
    units: str = "omega",
) -> Likelihood:
    """A Gaussian likelihood of (ω_b, ω_c): a data set by name, or any mean and covariance.

    Args:
        name: one of `DATA_SETS` (default "planck2018"); with `mean`, just a label.
        mean: measured (baryons, dark matter).
        covariance: their 2×2 covariance; or give `sigma` and `correlation` (default 0) instead.
        sigma: their standard deviations.
        correlation: their correlation.
        units: "omega", or "kg/m3" if mean and covariance are of today's densities.

    Returns:
        The likelihood.

    Raises:
        ConfigurationError: one line, if the name is unknown, a number is missing, or the
            covariance is not symmetric and positive definite.
    """
    check_name("units", units, ("omega", "kg/m3"))
    if mean is None:
        if covariance is not None or sigma is not None or correlation is not None:
            raise ConfigurationError("mean: missing; a covariance needs the mean that it is of")
        name = DEFAULT_DATA if name is None else name
        check_name("data", name, DATA_SETS)
        mean, (bb, bc, cc) = DATA_SETS[name]
        covariance, units = ((bb, bc), (bc, cc)), "omega"
    if (covariance is None) == (sigma is None):
        have = "neither is" if sigma is None else "both are"
        raise ConfigurationError(f"covariance and sigma: {have} given; give exactly one of them")
    centre = _numbers("mean", mean, (2,))
    if sigma is not None:
        deviations = _numbers("sigma", sigma, (2,))
        rho = float(_numbers("correlation", 0.0 if correlation is None else correlation, ()))
        if np.any(deviations <= 0):
            raise ConfigurationError(f"sigma = {shown(sigma)}: must be > 0")
        matrix = np.outer(deviations, deviations) * np.array([[1.0, rho], [rho, 1.0]])
    elif correlation is not None:
        raise ConfigurationError("correlation: belongs to sigma; a covariance has its own")
    else:
        matrix = _numbers("covariance", covariance, (2, 2))
    if np.any(centre <= 0):
        raise ConfigurationError(f"mean = {shown(mean)}: densities must be > 0")
    scale = CRITICAL_DENSITY_OVER_H2 if units == "kg/m3" else 1.0
    centre, matrix = centre / scale, matrix / scale / scale
    _check_covariance(matrix)
    whitening = np.linalg.inv(np.linalg.cholesky(matrix))
    return Likelihood(
        jnp.asarray(centre), jnp.asarray(matrix), jnp.asarray(whitening), OBSERVABLES, name or "own"
    )


def read_likelihood(data: "str | Mapping[str, Any] | Likelihood | None") -> Likelihood:
    """What a configuration may hold for the data: a name, a table of `likelihood`'s arguments."""
    if isinstance(data, Likelihood):
        return data
    if data is None or isinstance(data, str):
        return likelihood(data)
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            f"data = {shown(data)}: must be a name, or a table with mean and sigma"
        )
    check_keys(data, ("name", "mean", "covariance", "sigma", "correlation", "units"), "data.")
    return likelihood(**data)


def log_p_value(chi2: RealLike, dof: int) -> Real:
    """ln of the probability of a larger χ² with one or two degrees of freedom; no underflow."""
    chi2 = as_real(chi2)
    if dof == 1:
        return math.log(2) + log_ndtr(-jnp.sqrt(chi2))
    if dof == 2:
        return -chi2 / 2
    raise ValueError(f"dof = {dof}: two data leave one or two degrees of freedom, or none to test")


def n_sigma(chi2: RealLike, dof: int) -> Real:
    """How many σ of a normal distribution (two-sided) are as unlikely as this χ²."""
    target = log_p_value(chi2, dof) - math.log(2)

    # Newton on ln Φ(−n), concave in n: from the right it converges monotonically; the density
    # over Φ is taken in logarithms, so that 100 σ neither underflows nor divides by zero
    def step(_: int, n: Real) -> Real:
        tail = log_ndtr(-n)
        hazard = jnp.exp(-(n**2) / 2 - 0.5 * math.log(2 * math.pi) - tail)
        return jnp.maximum(n + (tail - target) / hazard, 0.0)

    return jax.lax.fori_loop(0, _NEWTON_STEPS, step, jnp.sqrt(jnp.maximum(-2 * target, 1e-3)))


def ratio_and_sigma(data: Likelihood) -> tuple[Scalar, Scalar]:
    """Measured R = ω_c/ω_b and its σ by linear propagation, correlation included.

    Raises:
        ValueError: if the likelihood holds one datum only.
    """
    if data.observables != OBSERVABLES:
        raise ValueError("the ratio needs both data, ω_b and ω_c")
    b, c = data.mean[0], data.mean[1]
    gradient = jnp.stack([-c / b**2, 1 / b])
    return c / b, jnp.sqrt(gradient @ data.covariance @ gradient)


def ratio_tension(data: Likelihood, ratio: RealLike) -> Real:
    """(ratio − R)/σ_R: how far a predicted mass ratio ρ_DM/ρ_B is from the measured one, in σ.

    A ratio of numbers, (1−P)/P, becomes one of masses by m_χ/m_p.
    """
    measured, sigma = ratio_and_sigma(data)
    return (as_real(ratio) - measured) / sigma


class Tension(NamedTuple):
    """How far a prediction is from the data.

    Attributes:
        pulls: (prediction − measured)/σ of each datum.
        chi2: joint χ², with the correlation.
        dof: degrees of freedom it was judged with.
        p_value: probability of a larger χ²; 1 where dof is 0.
        n_sigma: the same as σ of a normal distribution, two-sided.
        ratio: predicted ρ_DM/ρ_B.
        ratio_sigma: its distance from the measured ratio in σ; NaN with one datum.
    """

    pulls: dict[str, float]
    chi2: float
    dof: int
    p_value: float
    n_sigma: float
    ratio: float
    ratio_sigma: float


def tension(data: Likelihood, prediction: Prediction, dof: int | None = None) -> Tension:
    """The tension of one prediction with the data.

    Args:
        data: the likelihood.
        prediction: scalar prediction with status SUCCESS; NaN otherwise.
        dof: data minus fitted combinations; the number of data if left out.
    """
    dof = len(data.observables) if dof is None else dof
    pulls, *numbers = _tension(data, prediction, dof)
    chi2, p_value, sigmas, ratio_sigma = map(float, numbers)
    return Tension(
        pulls=dict(zip(data.observables, pulls.tolist(), strict=True)),
        chi2=chi2,
        dof=dof,
        p_value=p_value,
        n_sigma=sigmas,
        ratio=float(prediction.ratio),
        ratio_sigma=ratio_sigma,
    )


@functools.partial(jax.jit, static_argnums=2)
def _tension(data: Likelihood, prediction: Prediction, dof: int) -> tuple[Real, ...]:
    """The numbers of a `Tension`: one program, not one for each operation."""
    chi2 = data.chi2(prediction)
    both = data.observables == OBSERVABLES
    return (
        data.pulls(prediction),
        chi2,
        jnp.exp(log_p_value(chi2, dof)) if dof else jnp.ones_like(chi2),
        n_sigma(chi2, dof) if dof else jnp.zeros_like(chi2),
        ratio_tension(data, prediction.ratio) if both else jnp.full_like(chi2, jnp.nan),
    )

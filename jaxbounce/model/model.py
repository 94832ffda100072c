"""The whole chain: parameters in, `Prediction` out.

A `Model` is a pytree: `parameters`, whose leaves are arrays and can be traced,
batched and differentiated, and `choices`, which are static names. `predict` maps it
to densities. To vary a parameter, replace it by name:

    jax.grad(lambda v: predict(model.replace(v_w=v)).rho_B)(0.3)
    jax.vmap(lambda v: predict(model.replace(v_w=v)))(jnp.linspace(0.1, 0.9, 1000))
"""

import dataclasses
from typing import Any, Self

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._core.checks import suggestion
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, RealLike, Scalar
from jaxbounce.conversion import Estimate, WallConversion
from jaxbounce.cosmology.gas import flux_integral, number_density
from jaxbounce.cosmology.radiation import entropy_density
from jaxbounce.cosmology.today import baryon_density, dark_matter_density, omega_h2
from jaxbounce.parameters import CHOICES, RANGES, Choices, Parameters, are_valid, check_shapes
from jaxbounce.yields import (
    BoltzmannResult,
    Rates,
    converted_fraction,
    flux_over_entropy,
    gauss_legendre_integral,
    published_integral,
    solve_boltzmann,
    time_limits,
)


class Model(eqx.Module):
    """Parameters (array leaves) and choices (static): all that `predict` needs.

    The conversion probability is either the number `parameters.P` or computed by `conversion`
    from a wall, at the wall speed and, with thermal incidence, the temperature of percolation.
    """

    parameters: Parameters
    choices: Choices = eqx.field(static=True, default=Choices())
    conversion: WallConversion | None = None

    def __check_init__(self) -> None:
        if (self.parameters.P is None) == (self.conversion is None):
            have = "neither is" if self.conversion is None else "both are"
            raise ValueError(f"P and conversion: {have} given; give exactly one of them")

    def names(self) -> tuple[str, ...]:
        """The parameters of this model: what `replace` knows."""
        if self.conversion is None:
            return tuple(RANGES)
        return (*(name for name in RANGES if name != "P"), *self.conversion.names())

    def replace(self, **values: RealLike) -> Self:
        """The same model with parameters replaced by name; any of them may be traced.

        With a conversion its parameters are known too: λ as `lam`, `y_B`, `y_chi`, `stretch`,
        and the scalars of its wall, such as `width`.
        """
        for name in values:
            if name not in self.names():
                raise ValueError(f"{name}: no such parameter{suggestion(name, self.names())}")
        changed: dict[str, Any] = {}
        own = {name: value for name, value in values.items() if name in RANGES}
        if own:
            changed["parameters"] = dataclasses.replace(self.parameters, **own)
        of_wall = {name: value for name, value in values.items() if name not in RANGES}
        if of_wall and self.conversion is not None:
            changed["conversion"] = self.conversion.replace(**of_wall)
        return dataclasses.replace(self, **changed)

    def value(self, name: str) -> Scalar:
        """The parameter of that name."""
        if name not in self.names():
            raise ValueError(f"{name}: no such parameter{suggestion(name, self.names())}")
        if name in RANGES:
            return getattr(self.parameters, name)
        assert self.conversion is not None
        return self.conversion.value(name)

    def with_P(self, P: RealLike) -> Self:
        """The same model with the number P, in place of a conversion if there is one."""
        return dataclasses.replace(
            self, parameters=dataclasses.replace(self.parameters, P=P), conversion=None
        )

    def with_conversion(self, conversion: WallConversion) -> Self:
        """The same model with P computed from a wall."""
        return dataclasses.replace(
            self, parameters=dataclasses.replace(self.parameters, P=None), conversion=conversion
        )

    def choose(self, **names: str) -> Self:
        """The same model with other choices, e.g. `model.choose(area_kernel="kjma")`."""
        for name in names:
            if name not in CHOICES:
                raise ValueError(f"{name}: no such choice{suggestion(name, CHOICES)}")
        return dataclasses.replace(self, choices=dataclasses.replace(self.choices, **names))


class Prediction(eqx.Module):
    """Yields and densities of one model, with their certificate.

    Attributes:
        Y_B: baryon yield n_B/s.
        Y_chi: yield of surviving χ.
        rho_B: baryon density today (kg/m³).
        rho_DM: dark-matter density today (kg/m³).
        ratio: ρ_DM/ρ_B; infinite where ρ_B = 0.
        P: the conversion probability used, given or computed.
        Y_available: yield f_χ n_eq/s at T_p, all the χ there is to convert.
        mean_hits: a, how often a χ is hit by a wall front on average.
        T_end: temperature (GeV) to which the numbers apply; 0 where annihilation was followed
            to its end.
        remaining_annihilation: upper bound on the relative loss of χ by annihilation after it.
        error_estimate: estimated relative error of Y_B, including that of a computed P. With the
            published grids, how far they are from the converged integral of the same equations.
        status: a `jaxbounce.Status` code; every number is NaN where it says there is none.
    """

    Y_B: Scalar
    Y_chi: Scalar
    rho_B: Scalar
    rho_DM: Scalar
    ratio: Scalar
    P: Scalar
    Y_available: Scalar
    mean_hits: Scalar
    T_end: Scalar
    remaining_annihilation: Scalar
    error_estimate: Scalar
    status: Code

    @property
    def omega_b_h2(self) -> Scalar:
        """Ω_b h²."""
        return omega_h2(self.rho_B)

    @property
    def omega_dm_h2(self) -> Scalar:
        """Ω_DM h²."""
        return omega_h2(self.rho_DM)


def _source(parameters: Parameters, choices: Choices) -> tuple[Scalar, Scalar]:
    """Y_B/(P f_χ) without depletion, and its relative error estimate."""
    p = parameters
    v_flux = p.v_w if choices.flux == "moving-wall" else None
    lower, upper = time_limits(p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp, p.y_min, p.y_max)
    arguments: Any = {
        "I_p": p.I_p,
        "sigma_y": p.sigma_y,
        "m_over_Tp": p.m_chi / p.T_p,
        "beta_over_H": p.beta_over_H,
        "v_w": v_flux,
        "lower": lower,
        "upper": upper,
        "window": choices.window,
        "statistics": choices.chi_stats,
        "equilibrium": choices.equilibrium,
        "kernel": choices.area_kernel,
    }
    integral, error = gauss_legendre_integral(**arguments)
    if choices.quadrature == "published":
        converged, integral = integral, published_integral(**arguments)
        error = jnp.abs(integral - converged)
    scale = flux_over_entropy(jnp.ones_like(p.v_w), p.g_chi, p.g_star_s) / p.v_w
    magnitude = jax.lax.stop_gradient(jnp.abs(integral))
    relative = jax.lax.stop_gradient(error) / jnp.where(magnitude > 0, magnitude, 1.0)
    return scale * integral, relative


def conversion_probability(model: Model) -> Estimate:
    """P(χ→B) of a model with its error and status: the given number, or from the wall."""
    p = model.parameters
    if model.conversion is not None:
        return model.conversion(p.v_w, p.T_p, model.choices.chi_stats)
    assert p.P is not None  # Model.__check_init__
    return Estimate(p.P, jnp.zeros_like(p.P), jnp.asarray(Status.SUCCESS))


def _depleted(
    parameters: Parameters, choices: Choices, P: Scalar, source: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Y_B, Y_χ, the χ available and the mean hits, for the dark-matter option in force."""
    p = parameters
    density = number_density(p.T_p, p.m_chi, p.g_chi, choices.chi_stats, choices.equilibrium)
    entropy = entropy_density(p.T_p, p.g_star_s)
    equilibrium_yield = density / entropy
    available = p.f_chi * equilibrium_yield
    # where the equilibrium density underflows there is nobody to hit: 0, not 0/0
    present = jnp.where(equilibrium_yield > 0, equilibrium_yield, 1.0)
    hits = source / present
    undepleted = P * p.f_chi * source
    if choices.dark_matter == "input":
        return undepleted, p.Y_chi_init + p.n_chi_at_Tp / entropy, available, hits
    if choices.dark_matter == "swept-once":
        return undepleted, (1 - P) * p.f_chi * source, available, hits
    if choices.closure == "two-zone":
        x = p.m_chi / p.T_p
        integral = flux_integral(x, p.v_w, choices.chi_stats, choices.equilibrium)
        hits = flux_over_entropy(integral, p.g_chi, p.g_star_s) / present / p.v_w
    converted = converted_fraction(P, hits, choices.closure, p.P_back_over_P * P)
    return available * converted, available * (1 - converted), available, hits


def boltzmann_rates(model: Model, P: RealLike) -> Rates:
    """What happens to χ and B in the Boltzmann equations of a model."""
    p, choices = model.parameters, model.choices
    published = choices.quadrature == "published" and choices.area_kernel == "eq6"
    return Rates(
        m_chi=p.m_chi,
        g_chi=p.g_chi,
        T_p=p.T_p,
        beta_over_H=p.beta_over_H,
        v_w=p.v_w,
        I_p=p.I_p,
        g_star=p.g_star,
        g_star_s=p.g_star_s,
        P=P,
        f_chi=p.f_chi,
        sigma_y=p.sigma_y,
        sigma_v=p.sigma_v,
        sigma_v_slope=p.sigma_v_slope,
        washout_over_H=p.washout_over_H,
        washout_power=p.washout_power,
        kernel="published" if published else choices.area_kernel,
        window=choices.window,
        chi_stats=choices.chi_stats,
        equilibrium=choices.equilibrium,
        flux=choices.flux,
        coupling=choices.coupling,
        deplete=choices.depletion == "on",
    )


def initial_yield(model: Model) -> Scalar | None:
    """Y_χ at T_max; None for equilibrium."""
    p, choices = model.parameters, model.choices
    if choices.initial == "equilibrium":
        return None
    entropy = entropy_density(p.T_p, p.g_star_s)
    if choices.dark_matter == "input":
        return p.Y_chi_init + p.n_chi_at_Tp / entropy
    density = number_density(p.T_p, p.m_chi, p.g_chi, choices.chi_stats, choices.equilibrium)
    return p.f_chi * density / entropy


def _integrated(model: Model, P: Scalar) -> BoltzmannResult:
    """The Boltzmann equations of a model."""
    p, choices = model.parameters, model.choices
    adjoint = diffrax.ForwardMode() if choices.derivatives == "forward" else None
    return solve_boltzmann(
        boltzmann_rates(model, P),
        initial_yield(model),
        T_max_over_Tp=p.T_max_over_Tp,
        T_min_over_Tp=p.T_min_over_Tp,
        y_min=p.y_min,
        y_max=p.y_max,
        temperature_range=choices.temperature_range,
        adjoint=adjoint,
    )


@jax.jit
def predict(model: Model) -> Prediction:
    """Today's densities of one model: pure, and safe under `jit`, `vmap` and `grad`.

    Compiled once for each set of choices; changing values never recompiles. A bad or
    failed point returns NaN and its status, and does not disturb others in a batch.

    Args:
        model: scalar parameters, and choices; see `jaxbounce.load`.

    Returns:
        A `Prediction`.

    Raises:
        ValueError: if a parameter is not a scalar (raised while tracing).
    """
    p, choices = model.parameters, model.choices
    check_shapes(p)
    conversion = conversion_probability(model)
    P = conversion.P
    source, error = _source(p, choices)
    certain = jax.lax.stop_gradient(jnp.where(P > 0, P, 1.0))
    Y_B, Y_chi, available, hits = _depleted(p, choices, P, source)
    status = jnp.asarray(Status.SUCCESS)
    T_end, remaining = p.T_p * p.T_min_over_Tp, jnp.zeros_like(p.T_p)
    if choices.equations == "boltzmann":
        solved = _integrated(model, P)
        Y_B, Y_chi, error = solved.Y_B, solved.Y_chi, solved.error_estimate
        T_end, remaining = solved.T_end, solved.remaining_annihilation
        status = solved.status
    else:
        active = (p.sigma_v != 0) | (p.sigma_v_slope != 0) | (p.washout_over_H != 0)
        status = jnp.where(active, Status.NEEDS_BOLTZMANN, status)
    rho_B, rho_DM = baryon_density(Y_B), dark_matter_density(Y_chi, p.m_chi)
    ratio = jnp.where(rho_B > 0, rho_DM / jnp.where(rho_B > 0, rho_B, 1.0), jnp.inf)

    smallest = jnp.finfo(rho_B.dtype).tiny
    tolerance = 1e-6 if rho_B.dtype == jnp.float64 else 1e-3
    lost = ((rho_B < smallest) & (P > 0) & (p.f_chi > 0)) | (
        (rho_DM < smallest) & (Y_chi != 0) & (p.m_chi > 0)
    )
    status = jnp.where(lost & (status == Status.SUCCESS), Status.UNDERFLOW, status)
    if choices.equations == "quadrature":
        if choices.quadrature != "published":
            status = jnp.where(error > tolerance, Status.QUADRATURE_NOT_CONVERGED, status)
        status = jnp.where(Y_chi < 0, Status.CHI_EXHAUSTED, status)
        status = jnp.where(jnp.isfinite(rho_B) & jnp.isfinite(rho_DM), status, Status.NOT_FINITE)
    status = jnp.where(conversion.status == Status.SUCCESS, status, conversion.status)
    status = jnp.where(are_valid(p), status, Status.INVALID_PARAMETER)
    has_number = (status == Status.SUCCESS) | (status == Status.UNDERFLOW)

    def withheld(value: Scalar) -> Scalar:
        return jnp.where(has_number, value, jnp.nan)

    return Prediction(
        Y_B=withheld(Y_B),
        Y_chi=withheld(Y_chi),
        rho_B=withheld(rho_B),
        rho_DM=withheld(rho_DM),
        ratio=withheld(ratio),
        P=withheld(P),
        Y_available=withheld(available),
        mean_hits=withheld(hits),
        T_end=withheld(T_end),
        remaining_annihilation=withheld(remaining),
        error_estimate=jnp.where(
            status == Status.INVALID_PARAMETER, jnp.nan, error + conversion.error / certain
        ),
        status=status,
    )

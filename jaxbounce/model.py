"""The whole chain: parameters in, `Prediction` out.

A `Model` is a pytree: `parameters`, whose leaves are arrays and can be traced,
batched and differentiated, and `choices`, which are static names. `predict` maps it
to densities. To vary a parameter, replace it by name:

    jax.grad(lambda v: predict(model.replace(v_w=v)).rho_B)(0.3)
    jax.vmap(lambda v: predict(model.replace(v_w=v)))(jnp.linspace(0.1, 0.9, 1000))
"""

import dataclasses
import difflib
import math
from typing import Any, Literal, NamedTuple, Self, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._types import Code, RealLike, Scalar, as_leaf
from jaxbounce.cosmology import entropy_density
from jaxbounce.equilibrium import (
    Equilibrium,
    Statistics,
    flux_integral,
    number_density,
)
from jaxbounce.percolation import AreaKernel, Window
from jaxbounce.relic import baryon_density, dark_matter_density, omega_h2
from jaxbounce.status import Status
from jaxbounce.yields import (
    Closure,
    Quadrature,
    converted_fraction,
    flux_over_entropy,
    gauss_legendre_integral,
    published_integral,
    time_limits,
)

Flux = Literal["static", "moving-wall"]
DarkMatter = Literal["input", "swept-once", "occupancy"]


class Range(NamedTuple):
    """The values a parameter may take, and what it is."""

    lower: float
    upper: float
    includes_lower: bool
    includes_upper: bool
    meaning: str

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        above = value >= self.lower if self.includes_lower else value > self.lower
        below = value <= self.upper if self.includes_upper else value < self.upper
        return above and below

    def __str__(self) -> str:
        if self.upper == math.inf:
            return f"{'≥' if self.includes_lower else '>'} {self.lower:g}"
        if self.lower == -math.inf:
            return f"{'≤' if self.includes_upper else '<'} {self.upper:g}"
        left, right = "[" if self.includes_lower else "(", "]" if self.includes_upper else ")"
        return f"in {left}{self.lower:g}, {self.upper:g}{right}"


def _above(lower: float, meaning: str) -> Range:
    return Range(lower, math.inf, False, False, meaning)


def _at_least(lower: float, meaning: str) -> Range:
    return Range(lower, math.inf, True, False, meaning)


RANGES: dict[str, Range] = {
    "m_chi": _at_least(0, "mass of χ (GeV)"),
    "g_chi": _above(0, "internal degrees of freedom of χ"),
    "T_p": _above(0, "percolation temperature (GeV)"),
    "beta_over_H": _above(0, "(β/H) at percolation"),
    "v_w": Range(0, 1, False, False, "wall speed"),
    "I_p": _above(0, "extended volume at percolation"),
    "g_star": _above(0, "effective degrees of freedom in the energy density"),
    "g_star_s": _above(0, "effective degrees of freedom in the entropy density"),
    "P": Range(0, 1, True, True, "probability that χ converts to B on a hit"),
    "f_chi": _at_least(0, "occupancy n_χ/n_χ,eq at T_p"),
    "sigma_y": _above(0, "width of the Gaussian activity window in y"),
    "Y_chi_init": _at_least(0, "yield of χ today, taken as given"),
    "n_chi_at_Tp": _at_least(0, "number density of χ at T_p (GeV³), adding to Y_chi_init"),
    "T_max_over_Tp": _above(1, "hottest temperature of the y integral, over T_p"),
    "T_min_over_Tp": Range(0, 1, False, False, "coldest temperature of the y integral, over T_p"),
    "y_min": Range(-math.inf, 0, False, False, "earliest y of the integral (published: −80)"),
    "y_max": Range(0, 70, False, True, "latest y of the integral (published: 50)"),
    "P_back_over_P": Range(0, 1, True, True, "P for hits from behind over P (two-zone closure)"),
}
"""Range and meaning of every parameter, by name."""


class Parameters(eqx.Module):
    """The physics values, all scalars; meanings, units and ranges are in `RANGES`."""

    m_chi: Scalar = eqx.field(converter=as_leaf)
    g_chi: Scalar = eqx.field(converter=as_leaf)
    T_p: Scalar = eqx.field(converter=as_leaf)
    beta_over_H: Scalar = eqx.field(converter=as_leaf)
    v_w: Scalar = eqx.field(converter=as_leaf)
    I_p: Scalar = eqx.field(converter=as_leaf)
    g_star: Scalar = eqx.field(converter=as_leaf)
    g_star_s: Scalar = eqx.field(converter=as_leaf)
    P: Scalar = eqx.field(converter=as_leaf)
    f_chi: Scalar = eqx.field(converter=as_leaf)
    sigma_y: Scalar = eqx.field(converter=as_leaf, default=15.0)
    Y_chi_init: Scalar = eqx.field(converter=as_leaf, default=0.0)
    n_chi_at_Tp: Scalar = eqx.field(converter=as_leaf, default=0.0)
    T_max_over_Tp: Scalar = eqx.field(converter=as_leaf, default=5.0)
    T_min_over_Tp: Scalar = eqx.field(converter=as_leaf, default=1e-3)
    y_min: Scalar = eqx.field(converter=as_leaf, default=-80.0)
    y_max: Scalar = eqx.field(converter=as_leaf, default=50.0)
    P_back_over_P: Scalar = eqx.field(converter=as_leaf, default=1.0)


@dataclasses.dataclass(frozen=True)
class Choices:
    """Which equations and which numerics, by name.

    Attributes:
        area_kernel: "eq6", the published wall area, or "kjma", the exact one.
        quadrature: "gauss-legendre", converged, or "published", the published grids.
        equilibrium: "exact" integrals, or the "piecewise" published limits.
        flux: "static", ¼ n v̄, or "moving-wall".
        window: "gaussian" of width σ_y, or "none".
        dark_matter: where Y_χ comes from: "input" (Y_chi_init), "swept-once"
            (Y_χ = Y_B (1−P)/P), or "occupancy" (what f_χ n_eq leaves unconverted).
        closure: how depletion of χ is treated with dark_matter "occupancy"
            (`jaxbounce.yields.closures`).
        chi_stats: "fermion", "boson" or "classical".
    """

    area_kernel: AreaKernel = "eq6"
    quadrature: Quadrature = "gauss-legendre"
    equilibrium: Equilibrium = "exact"
    flux: Flux = "static"
    window: Window = "gaussian"
    dark_matter: DarkMatter = "input"
    closure: Closure = "linear"
    chi_stats: Statistics = "fermion"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(
                    f"{name} = {value!r}: must be one of {', '.join(map(repr, allowed))}"
                )
        if self.closure != "linear" and self.dark_matter != "occupancy":
            raise ValueError(
                f'closure = {self.closure!r} needs dark_matter = "occupancy",'
                f" not {self.dark_matter!r}; drop one of them"
            )
        if self.closure == "two-zone":
            needed = {"area_kernel": "kjma", "flux": "moving-wall", "window": "none"}
            for name, value in needed.items():
                if getattr(self, name) != value:
                    raise ValueError(
                        f'closure = "two-zone" needs {name} = {value!r}, not'
                        f" {getattr(self, name)!r}: it is derived for walls that sweep space once"
                    )


CHOICES: dict[str, tuple[str, ...]] = {
    "area_kernel": get_args(AreaKernel),
    "quadrature": get_args(Quadrature),
    "equilibrium": get_args(Equilibrium),
    "flux": get_args(Flux),
    "window": get_args(Window),
    "dark_matter": get_args(DarkMatter),
    "closure": get_args(Closure),
    "chi_stats": get_args(Statistics),
}
"""The names each choice may take."""

PRESETS: dict[str, dict[str, str]] = {
    "published": {
        "area_kernel": "eq6",
        "quadrature": "published",
        "equilibrium": "piecewise",
        "flux": "static",
        "window": "gaussian",
        "dark_matter": "input",
    },
    "benchmark": {
        "area_kernel": "eq6",
        "quadrature": "gauss-legendre",
        "equilibrium": "piecewise",
        "flux": "static",
        "window": "gaussian",
        "dark_matter": "input",
    },
    "exact": {
        "area_kernel": "kjma",
        "quadrature": "gauss-legendre",
        "equilibrium": "exact",
        "flux": "moving-wall",
        "window": "none",
        "dark_matter": "occupancy",
    },
}
"""Named sets of choices: the published grids; the same physics converged; the consistent set."""


class Model(eqx.Module):
    """Parameters (array leaves) and choices (static): all that `predict` needs."""

    parameters: Parameters
    choices: Choices = eqx.field(static=True, default=Choices())

    def replace(self, **values: RealLike) -> Self:
        """The same model with parameters replaced by name; any of them may be traced."""
        for name in values:
            if name not in RANGES:
                raise ValueError(f"{name}: no such parameter{suggestion(name, RANGES)}")
        return dataclasses.replace(self, parameters=dataclasses.replace(self.parameters, **values))

    def choose(self, **names: str) -> Self:
        """The same model with other choices, e.g. `model.choose(area_kernel="kjma")`."""
        for name in names:
            if name not in CHOICES:
                raise ValueError(f"{name}: no such choice{suggestion(name, CHOICES)}")
        return dataclasses.replace(self, choices=dataclasses.replace(self.choices, **names))


def suggestion(name: str, known: Any) -> str:
    """'; did you mean …?' with the nearest known name, or the whole list if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known names: {', '.join(known)}"


class Prediction(eqx.Module):
    """Yields and densities of one model, with their certificate.

    Attributes:
        Y_B: baryon yield n_B/s.
        Y_chi: yield of surviving χ.
        rho_B: baryon density today (kg/m³).
        rho_DM: dark-matter density today (kg/m³).
        ratio: ρ_DM/ρ_B; infinite where ρ_B = 0.
        Y_available: yield f_χ n_eq/s at T_p, all the χ there is to convert.
        mean_hits: a, how often a χ is hit by a wall front on average.
        error_estimate: estimated relative error of Y_B. With the published grids, how far
            they are from the converged integral of the same equations.
        status: a `jaxbounce.Status` code; every number is NaN where it says there is none.
    """

    Y_B: Scalar
    Y_chi: Scalar
    rho_B: Scalar
    rho_DM: Scalar
    ratio: Scalar
    Y_available: Scalar
    mean_hits: Scalar
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


def _depleted(
    parameters: Parameters, choices: Choices, source: Scalar
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
    undepleted = p.P * p.f_chi * source
    if choices.dark_matter == "input":
        return undepleted, p.Y_chi_init + p.n_chi_at_Tp / entropy, available, hits
    if choices.dark_matter == "swept-once":
        return undepleted, (1 - p.P) * p.f_chi * source, available, hits
    if choices.closure == "two-zone":
        x = p.m_chi / p.T_p
        integral = flux_integral(x, p.v_w, choices.chi_stats, choices.equilibrium)
        hits = flux_over_entropy(integral, p.g_chi, p.g_star_s) / present / p.v_w
    converted = converted_fraction(p.P, hits, choices.closure, p.P_back_over_P * p.P)
    return available * converted, available * (1 - converted), available, hits


def _is_valid(parameters: Parameters) -> Scalar:
    """Whether every parameter is finite and inside its range."""
    valid = jnp.asarray(True)
    for name, allowed in RANGES.items():
        value = getattr(parameters, name)
        above = value >= allowed.lower if allowed.includes_lower else value > allowed.lower
        below = value <= allowed.upper if allowed.includes_upper else value < allowed.upper
        valid = valid & above & below & jnp.isfinite(value)
    return valid


def _check_shapes(parameters: Parameters) -> None:
    for name in RANGES:
        shape = jnp.shape(getattr(parameters, name))
        if shape:
            raise ValueError(
                f"{name} has shape {shape}: predict takes one point; use jax.vmap(predict)"
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
    _check_shapes(p)
    source, error = _source(p, choices)
    Y_B, Y_chi, available, hits = _depleted(p, choices, source)
    rho_B, rho_DM = baryon_density(Y_B), dark_matter_density(Y_chi, p.m_chi)
    ratio = jnp.where(rho_B > 0, rho_DM / jnp.where(rho_B > 0, rho_B, 1.0), jnp.inf)

    smallest = jnp.finfo(rho_B.dtype).tiny
    tolerance = 1e-6 if rho_B.dtype == jnp.float64 else 1e-3
    lost = ((rho_B < smallest) & (p.P > 0) & (p.f_chi > 0)) | (
        (rho_DM < smallest) & (Y_chi != 0) & (p.m_chi > 0)
    )
    status = jnp.asarray(Status.SUCCESS)
    status = jnp.where(lost, Status.UNDERFLOW, status)
    if choices.quadrature != "published":
        status = jnp.where(error > tolerance, Status.QUADRATURE_NOT_CONVERGED, status)
    status = jnp.where(Y_chi < 0, Status.CHI_EXHAUSTED, status)
    status = jnp.where(jnp.isfinite(rho_B) & jnp.isfinite(rho_DM), status, Status.NOT_FINITE)
    status = jnp.where(_is_valid(p), status, Status.INVALID_PARAMETER)
    has_number = (status == Status.SUCCESS) | (status == Status.UNDERFLOW)

    def withheld(value: Scalar) -> Scalar:
        return jnp.where(has_number, value, jnp.nan)

    return Prediction(
        Y_B=withheld(Y_B),
        Y_chi=withheld(Y_chi),
        rho_B=withheld(rho_B),
        rho_DM=withheld(rho_DM),
        ratio=withheld(ratio),
        Y_available=withheld(available),
        mean_hits=withheld(hits),
        error_estimate=jnp.where(status == Status.INVALID_PARAMETER, jnp.nan, error),
        status=status,
    )

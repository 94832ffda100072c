"""What a model is made of: parameters with their ranges, and choices by name."""

import dataclasses
import math
from typing import Literal, get_args

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.ranges import Range, above, at_least
from jaxbounce._core.types import Scalar, as_leaf, as_optional_leaf
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.percolation import AreaKernel, Window
from jaxbounce.yields import Closure, Coupling, Flux, Quadrature, TemperatureRange

Equations = Literal["quadrature", "boltzmann"]

Initial = Literal["given", "equilibrium"]

Depletion = Literal["off", "on"]

Derivatives = Literal["reverse", "forward"]

DarkMatter = Literal["input", "swept-once", "occupancy"]

RANGES: dict[str, Range] = {
    "m_chi": at_least(0, "mass of χ (GeV)"),
    "g_chi": above(0, "internal degrees of freedom of χ"),
    "T_p": above(0, "percolation temperature (GeV)"),
    "beta_over_H": above(0, "(β/H) at percolation"),
    "v_w": Range(0, 1, False, False, "wall speed"),
    "I_p": above(0, "extended volume at percolation"),
    "g_star": above(0, "effective degrees of freedom in the energy density"),
    "g_star_s": above(0, "effective degrees of freedom in the entropy density"),
    "P": Range(0, 1, True, True, "probability that χ converts to B on a hit, if not from a wall"),
    "f_chi": at_least(0, "occupancy n_χ/n_χ,eq at T_p"),
    "sigma_y": above(0, "width of the Gaussian activity window in y"),
    "Y_chi_init": at_least(0, "yield of χ today, taken as given"),
    "n_chi_at_Tp": at_least(0, "number density of χ at T_p (GeV³), adding to Y_chi_init"),
    "T_max_over_Tp": above(1, "hottest temperature of the y integral, over T_p"),
    "T_min_over_Tp": Range(0, 1, False, False, "coldest temperature of the y integral, over T_p"),
    "y_min": Range(-math.inf, 0, False, False, "earliest y of the integral (published: −80)"),
    "y_max": Range(0, 70, False, True, "latest y of the integral (published: 50)"),
    "P_back_over_P": Range(0, 1, True, True, "P for hits from behind over P (two-zone closure)"),
    "sigma_v": at_least(0, "annihilation ⟨σv⟩ (GeV⁻²), the part that is constant"),
    "sigma_v_slope": at_least(0, "annihilation ⟨σv⟩ over T/m (GeV⁻²), the part that is linear"),
    "washout_over_H": at_least(0, "washout rate of B over H at T_p"),
    "washout_power": Range(
        -math.inf, math.inf, False, False, "power of m/T with which washout over H changes"
    ),
}
"""Range and meaning of every parameter, by name."""


class Parameters(eqx.Module):
    """The physics values, all scalars; meanings, units and ranges are in `RANGES`.

    P is None where a model computes it from a wall.
    """

    m_chi: Scalar = eqx.field(converter=as_leaf)
    g_chi: Scalar = eqx.field(converter=as_leaf)
    T_p: Scalar = eqx.field(converter=as_leaf)
    beta_over_H: Scalar = eqx.field(converter=as_leaf)
    v_w: Scalar = eqx.field(converter=as_leaf)
    I_p: Scalar = eqx.field(converter=as_leaf)
    g_star: Scalar = eqx.field(converter=as_leaf)
    g_star_s: Scalar = eqx.field(converter=as_leaf)
    P: Scalar | None = eqx.field(converter=as_optional_leaf)
    f_chi: Scalar = eqx.field(converter=as_leaf)
    sigma_y: Scalar = eqx.field(converter=as_leaf, default=15.0)
    Y_chi_init: Scalar = eqx.field(converter=as_leaf, default=0.0)
    n_chi_at_Tp: Scalar = eqx.field(converter=as_leaf, default=0.0)
    T_max_over_Tp: Scalar = eqx.field(converter=as_leaf, default=5.0)
    T_min_over_Tp: Scalar = eqx.field(converter=as_leaf, default=1e-3)
    y_min: Scalar = eqx.field(converter=as_leaf, default=-80.0)
    y_max: Scalar = eqx.field(converter=as_leaf, default=50.0)
    P_back_over_P: Scalar = eqx.field(converter=as_leaf, default=1.0)
    sigma_v: Scalar = eqx.field(converter=as_leaf, default=0.0)
    sigma_v_slope: Scalar = eqx.field(converter=as_leaf, default=0.0)
    washout_over_H: Scalar = eqx.field(converter=as_leaf, default=0.0)
    washout_power: Scalar = eqx.field(converter=as_leaf, default=0.0)


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
        equations: "quadrature", the source integrated alone, or "boltzmann", the coupled
            equations with annihilation, washout and depletion.
        initial: with "boltzmann", where χ starts at T_max: "given" (by dark_matter) or in
            "equilibrium".
        coupling: with "boltzmann", what the source is made of: "external", f_χ n_eq as published;
            or "self-consistent", the χ there is, which it then depletes.
        depletion: with "external", whether χ loses what the source takes.
        temperature_range: with "boltzmann", "published" ends at T_min, "frozen" follows
            annihilation to its end.
        derivatives: with "boltzmann", which mode of differentiation is used: "reverse" (`grad`) or
            "forward" (`jvp`, `jacfwd`).
    """

    area_kernel: AreaKernel = "eq6"
    quadrature: Quadrature = "gauss-legendre"
    equilibrium: Equilibrium = "exact"
    flux: Flux = "static"
    window: Window = "gaussian"
    dark_matter: DarkMatter = "input"
    closure: Closure = "linear"
    chi_stats: Statistics = "fermion"
    equations: Equations = "quadrature"
    initial: Initial = "given"
    coupling: Coupling = "external"
    depletion: Depletion = "off"
    temperature_range: TemperatureRange = "published"
    derivatives: Derivatives = "reverse"

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
        if self.equations == "boltzmann":
            self._check_boltzmann()
        else:
            for name in ("initial", "coupling", "depletion", "temperature_range", "derivatives"):
                if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                    raise ValueError(
                        f'{name} = {getattr(self, name)!r} needs equations = "boltzmann", not'
                        ' "quadrature"; drop one of them'
                    )
        if self.closure == "two-zone":
            needed = {"area_kernel": "kjma", "flux": "moving-wall", "window": "none"}
            for name, value in needed.items():
                if getattr(self, name) != value:
                    raise ValueError(
                        f'closure = "two-zone" needs {name} = {value!r}, not'
                        f" {getattr(self, name)!r}: it is derived for walls that sweep space once"
                    )

    def _check_boltzmann(self) -> None:
        external = self.coupling == "external"
        wrong = None
        if self.dark_matter == "swept-once":
            wrong = 'dark_matter = "swept-once" is a closed form; use "input" or "occupancy"'
        elif self.closure != "linear":
            wrong = f"closure = {self.closure!r} is a closed form; leave closure out"
        elif not external and self.depletion == "off":
            wrong = 'coupling = "self-consistent" takes from χ what it gives: depletion = "on"'
        elif self.dark_matter == "occupancy" and external:
            wrong = 'dark_matter = "occupancy" needs coupling = "self-consistent"'
        elif self.dark_matter == "occupancy" and self.initial == "equilibrium":
            wrong = 'dark_matter = "occupancy" gives the start itself: initial = "given"'
        if wrong is not None:
            raise ValueError(f'equations = "boltzmann": {wrong}')


CHOICES: dict[str, tuple[str, ...]] = {
    "area_kernel": get_args(AreaKernel),
    "quadrature": get_args(Quadrature),
    "equilibrium": get_args(Equilibrium),
    "flux": get_args(Flux),
    "window": get_args(Window),
    "dark_matter": get_args(DarkMatter),
    "closure": get_args(Closure),
    "chi_stats": get_args(Statistics),
    "equations": get_args(Equations),
    "initial": get_args(Initial),
    "coupling": get_args(Coupling),
    "depletion": get_args(Depletion),
    "temperature_range": get_args(TemperatureRange),
    "derivatives": get_args(Derivatives),
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


def are_valid(parameters: Parameters) -> Scalar:
    """Whether every parameter is finite and inside its range."""
    valid = jnp.asarray(True)
    for name, allowed in RANGES.items():
        value = getattr(parameters, name)
        if value is not None:
            valid = valid & allowed.holds(value)
    return valid


def check_shapes(parameters: Parameters) -> None:
    """Refuse arrays with axes: one point at a time."""
    for name in RANGES:
        value = getattr(parameters, name)
        shape = () if value is None else jnp.shape(value)
        if shape:
            raise ValueError(
                f"{name} has shape {shape}: predict takes one point; use jax.vmap(predict)"
            )

"""What a model is made of: parameters and choices, each declared once.

A parameter is one field of `Parameters`, a choice one field of `Choices`. Its range, its
configuration key, its line in templates and tables, the substitute for a bad value inside a
batch, and the reason why it may be without effect are all read from the field
(`jaxbounce._core.declare`): to add one, add a field, and use it.
"""

import dataclasses
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.checks import one_of
from jaxbounce._core.declare import (
    are_inside as are_inside,
    attributes_text,
    choice,
    choices_of,
    declarations,
    each_safe as each_safe,
    made_safe as made_safe,
    spec,
    without_effect,
)
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.types import Real, RealLike, Scalar, as_optional_leaf
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.today import Constants
from jaxbounce.cosmology.vacuum import Contents, Dilution
from jaxbounce.percolation.area import AreaKernel, Window

Closure = Literal["linear", "mean-field", "swept-once", "two-zone"]
Coupling = Literal["external", "self-consistent"]
DarkMatter = Literal["input", "swept-once", "occupancy"]
Depletion = Literal["off", "on"]
Derivatives = Literal["reverse", "forward"]
Equations = Literal["quadrature", "boltzmann"]
Flux = Literal["static", "moving-wall"]
Initial = Literal["given", "equilibrium"]
Quadrature = Literal["gauss-legendre", "published"]
Streaming = Literal["free", "carried"]
TemperatureRange = Literal["published", "frozen"]

if TYPE_CHECKING:
    Given: TypeAlias = Scalar
else:
    Given = Real | None
"""A number (stacked in a batch), or None where a stage computes it; physics sees numbers alone."""


def as_given(value: RealLike | None) -> Given:
    """An array leaf, or None for what a stage computes."""
    return cast("Given", as_optional_leaf(value))


class Parameters(eqx.Module):
    """The physics values, all scalars; None where a stage of the model computes the value.

    A range ends where numbers are known to go wrong, or have not been checked
    (tests/yields/test_quadrature.py holds the ends of β/H and I_p). At β/H < 1e-2 percolation takes
    100 Hubble times, and the source is a spike at the beginning of time that the panels can miss; a
    window narrower than 1e-3 is no duration; I_p ≤ 1e3 keeps I_p e^y at the latest y, 70, a
    float32.
    """

    m_chi: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        metadata=spec("mass of χ", "GeV", key="m_chi_GeV", low=0, closed="low", typical=1.0),
    )
    g_chi: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=2.0,
        metadata=spec("internal degrees of freedom of χ", low=0, typical=2.0),
    )
    T_p: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        metadata=spec("percolation temperature", "GeV", key="T_p_GeV", low=0, typical=100.0),
    )
    beta_over_H: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        metadata=spec("(β/H) at percolation", low=1e-2, high=1e8, closed="both", typical=100.0),
    )
    v_w: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        metadata=spec("wall speed", low=0, high=1, typical=0.3),
    )
    I_p: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.34,
        metadata=spec(
            "extended volume at percolation", low=1e-12, high=1e3, closed="both", typical=0.34
        ),
    )
    g_star: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=106.75,
        metadata=spec("effective degrees of freedom in the energy density", low=0, typical=100.0),
    )
    g_star_s: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=106.75,
        metadata=spec("effective degrees of freedom in the entropy density", low=0, typical=100.0),
    )
    P: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=None,
        metadata=spec(
            "probability that χ converts to B on a hit, if not from a wall",
            key="P_chi_to_B",
            low=0,
            high=1,
            closed="both",
            typical=0.1,
        ),
    )
    f_chi: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=1.0,
        metadata=spec(
            "occupancy n_χ/n_χ,eq at T_p",
            key="incident_flux_scale",
            low=0,
            closed="low",
            typical=0.0,
        ),
    )
    sigma_y: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=15.0,
        metadata=spec(
            "width of the Gaussian activity window in y",
            key="source_shape_sigma_y",
            low=1e-3,
            closed="low",
            typical=3.0,
            used_if={"window": ("gaussian",)},
        ),
    )
    Y_chi_init: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "yield of χ, taken as given (today's, but for dilution)",
            low=0,
            closed="low",
            typical=0.0,
            used_if={"dark_matter": ("input",), "initial": ("given",)},
            optional=True,
        ),
    )
    n_chi_at_Tp: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "number density of χ at T_p, adding to Y_chi_init",
            "GeV³",
            key="n_chi_at_Tp_GeV3",
            low=0,
            closed="low",
            typical=0.0,
            used_if={"dark_matter": ("input",), "initial": ("given",)},
            optional=True,
        ),
    )
    T_max_over_Tp: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=5.0,
        metadata=spec(
            "hottest temperature of the y integral, over T_p",
            low=1,
            high=1e6,
            closed="high",
            typical=2.0,
        ),
    )
    T_min_over_Tp: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=1e-3,
        metadata=spec(
            "coldest temperature of the y integral, over T_p", low=0, high=1, typical=0.5
        ),
    )
    y_min: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=-80.0,
        metadata=spec("earliest y of the integral (published: −80)", high=0, typical=-80.0),
    )
    y_max: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=50.0,
        metadata=spec(
            "latest y of the integral (published: 50)", low=0, high=70, closed="high", typical=50.0
        ),
    )
    P_back_over_P: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=1.0,
        metadata=spec(
            "P for hits from behind over P (two-zone closure)",
            low=0,
            high=1,
            closed="both",
            typical=1.0,
            used_if={"closure": ("two-zone",)},
        ),
    )
    sigma_v: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "annihilation ⟨σv⟩, the part that is constant",
            "GeV⁻²",
            key="sigma_v_chi_GeV_m2",
            low=0,
            closed="low",
            typical=0.0,
        ),
    )
    sigma_v_slope: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "annihilation ⟨σv⟩ over T/m, the part that is linear",
            "GeV⁻²",
            key="sigma_v_slope_GeV_m2",
            low=0,
            closed="low",
            typical=0.0,
        ),
    )
    washout_over_H: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "washout rate of B over H at T_p",
            key="Gamma_wash_over_H",
            low=0,
            closed="low",
            typical=0.0,
        ),
    )
    alpha_V: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "vacuum energy over that of radiation at T_p, in H",
            low=0,
            high=100,
            closed="both",
            typical=0.0,
            used_if={"expansion": ("radiation+vacuum",)},
        ),
    )
    alpha_eff: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "released energy that heats the bath, over that of radiation at T_p",
            low=0,
            high=1e12,
            closed="both",
            typical=0.0,
            used_if={"dilution": ("reheating",)},
        ),
    )
    washout_power: Given = eqx.field(
        converter=as_given,
        kw_only=True,
        default=0.0,
        metadata=spec(
            "power of m/T with which washout over H changes",
            key="Gamma_wash_power",
            low=-10,
            high=10,
            closed="both",
            typical=0.0,
        ),
    )


_BOLTZMANN = {"equations": ("boltzmann",)}


@dataclasses.dataclass(frozen=True)
class Choices:
    """Which equations and which numerics, by name."""

    area_kernel: AreaKernel = dataclasses.field(
        default="eq6",
        metadata=choice(
            '"eq6", the published wall area, "kjma", the exact one for Γ ∝ e^{βt}, or "history",'
            " the exact one of a nucleation history"
        ),
    )
    quadrature: Quadrature = dataclasses.field(
        default="gauss-legendre",
        metadata=choice('"gauss-legendre", converged, or "published", the published grids'),
    )
    equilibrium: Equilibrium = dataclasses.field(
        default="exact", metadata=choice('"exact" integrals, or the "piecewise" published limits')
    )
    flux: Flux = dataclasses.field(
        default="static", metadata=choice('"static", ¼ n v̄, or "moving-wall"')
    )
    streaming: Streaming = dataclasses.field(
        default="free",
        metadata=choice(
            'how χ meets the wall, in P and in the flux: "free" of collisions, with v_w and T_p, or'
            ' "carried" by the plasma, with v_+ and T_+ in front of the wall (of a transition or a'
            " wall_speed; the source integral alone)"
        ),
    )
    window: Window = dataclasses.field(
        default="gaussian", metadata=choice('"gaussian" of width σ_y, or "none"')
    )
    dark_matter: DarkMatter = dataclasses.field(
        default="input",
        metadata=choice(
            'where Y_χ comes from: "input" (Y_chi_init), "swept-once" (Y_χ = Y_B (1−P)/P), or'
            ' "occupancy" (what f_χ n_eq leaves unconverted)'
        ),
    )
    closure: Closure = dataclasses.field(
        default="linear",
        metadata=choice(
            "how depletion of χ is treated (`jaxbounce.yields.closures`)",
            used_if={"dark_matter": ("occupancy",)},
        ),
    )
    chi_stats: Statistics = dataclasses.field(
        default="fermion", metadata=choice('"fermion", "boson" or "classical"')
    )
    constants: Constants = dataclasses.field(
        default="published",
        metadata=choice(
            '"published", H = 1.66 √g_* T²/M_Pl and s₀ = 2891 cm⁻³, or "exact", √(4π³/45) and s₀ of'
            " T₀ = 2.7255 K"
        ),
    )
    expansion: Contents = dataclasses.field(
        default="radiation",
        metadata=choice(
            'what H is made of while the transition runs: "radiation", or "radiation+vacuum",'
            " H² ∝ ρ_r + α_V ρ_r(T_p) (`jaxbounce.cosmology.vacuum`)"
        ),
    )
    dilution: Dilution = dataclasses.field(
        default="none",
        metadata=choice(
            '"none", or "reheating": every yield over the entropy that the released energy adds,'
            " (1 + α_eff)^{3/4} where g_* is constant"
        ),
    )
    equations: Equations = dataclasses.field(
        default="quadrature",
        metadata=choice(
            '"quadrature", the source integrated alone, or "boltzmann", the coupled equations with'
            " annihilation, washout and depletion",
            derived=True,
        ),
    )
    initial: Initial = dataclasses.field(
        default="given",
        metadata=choice(
            'where χ starts at T_max: "given" (by dark_matter) or in "equilibrium"',
            used_if=_BOLTZMANN,
            derived=True,
        ),
    )
    coupling: Coupling = dataclasses.field(
        default="external",
        metadata=choice(
            'what the source is made of: "external", f_χ n_eq as published, or "self-consistent",'
            " the χ there is, which it then depletes",
            used_if=_BOLTZMANN,
            automatic=True,
        ),
    )
    depletion: Depletion = dataclasses.field(
        default="off",
        metadata=choice(
            'with coupling "external", whether χ loses what the source takes',
            used_if=_BOLTZMANN,
            derived=True,
        ),
    )
    temperature_range: TemperatureRange = dataclasses.field(
        default="published",
        metadata=choice(
            '"published" ends at T_min, "frozen" follows annihilation to its end',
            used_if=_BOLTZMANN,
            automatic=True,
        ),
    )
    derivatives: Derivatives = dataclasses.field(
        default="reverse",
        metadata=choice(
            'which mode of differentiation is used: "reverse" (`grad`) or "forward" (`jvp`,'
            " `jacfwd`)",
            used_if=_BOLTZMANN,
        ),
    )

    def __post_init__(self) -> None:
        chosen = self.as_dict()
        for name, declared in CHOICES.items():
            one_of(name, chosen[name], declared.allowed)
        for name, declared in CHOICES.items():
            for other, needed in declared.used_if.items():
                if chosen[name] != declared.default and chosen[other] not in needed:
                    raise ConfigurationError(
                        f'{name} = {chosen[name]!r} needs {other} = "{needed[0]}", not'
                        f' "{chosen[other]}"; drop one of them'
                    )
        if self.equations == "boltzmann":
            self._check_boltzmann()
        if self.closure == "two-zone":
            for name, value in (
                ("area_kernel", "kjma"),
                ("flux", "moving-wall"),
                ("window", "none"),
            ):
                if chosen[name] != value:
                    raise ConfigurationError(
                        f'closure = "two-zone" needs {name} = {value!r}, not'
                        f" {chosen[name]!r}: it is derived for walls that sweep space once"
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
            raise ConfigurationError(f'equations = "boltzmann": {wrong}')

    def as_dict(self) -> dict[str, str]:
        """The choices by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


DECLARATIONS = declarations(Parameters)
"""What every parameter is, by name."""

RANGES: dict[str, Range] = {name: declared.range for name, declared in DECLARATIONS.items()}
"""Range and meaning of every parameter, by name."""

PARAMETER_OF_KEY: dict[str, str] = {declared.key: n for n, declared in DECLARATIONS.items()}
"""Parameter of each configuration key."""

KEY_OF_NAME: dict[str, str] = {n: d.key for n, d in DECLARATIONS.items() if d.key != n}
"""Configuration key of each parameter that goes by another name in Python."""

CHOICES = choices_of(Choices)
"""What every choice is, by name."""

Parameters.__doc__ = (Parameters.__doc__ or "") + attributes_text(
    {name: f"{allowed.meaning}; {allowed}" for name, allowed in RANGES.items()}
)
Choices.__doc__ = (Choices.__doc__ or "") + attributes_text(
    {name: declared.meaning for name, declared in CHOICES.items()}
)

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


def why_unused(name: str, choices: Choices) -> str | None:
    """Which choice leaves a parameter without effect; None if none does."""
    declared = DECLARATIONS.get(name)
    if declared is None:
        return None
    defaults = {n: declared.default for n, declared in CHOICES.items()}
    return without_effect(declared.used_if, choices.as_dict(), defaults)


def check_shapes(parameters: Parameters) -> None:
    """Refuse arrays with axes: one point at a time."""
    for name in DECLARATIONS:
        value = getattr(parameters, name)
        shape = () if value is None else jnp.shape(value)
        if shape:
            raise ConfigurationError(
                f"{name} has shape {shape}: predict takes one point; use jax.vmap(predict)"
            )

"""Configurations: the published JSON keys, new keys beside them, and the bridge to a `Model`.

A configuration is a JSON or TOML table of named values. The keys of the published
scripts are accepted as they are; keys of our own add choices and limits. Nothing is
guessed: an unknown key, a string where a number belongs, or a value outside its range
is refused with one line that names the key, the value, what is allowed and what to do.
"""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxbounce._core.checks import check_flag, check_keys, check_name, check_number
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.conversion import Estimate
from jaxbounce.conversion.tiers import probability, resolved
from jaxbounce.files.conversion import ConversionSettings, expand_conversion, read_conversion
from jaxbounce.files.tables import put, read_mapping
from jaxbounce.model.model import Model, conversion_probability
from jaxbounce.parameters import CHOICES, PRESETS, RANGES, Choices, Parameters

PARAMETER_OF_KEY: dict[str, str] = {
    "m_chi_GeV": "m_chi",
    "g_chi": "g_chi",
    "T_p_GeV": "T_p",
    "beta_over_H": "beta_over_H",
    "v_w": "v_w",
    "I_p": "I_p",
    "g_star": "g_star",
    "g_star_s": "g_star_s",
    "P_chi_to_B": "P",
    "incident_flux_scale": "f_chi",
    "source_shape_sigma_y": "sigma_y",
    "Y_chi_init": "Y_chi_init",
    "n_chi_at_Tp_GeV3": "n_chi_at_Tp",
    "T_max_over_Tp": "T_max_over_Tp",
    "T_min_over_Tp": "T_min_over_Tp",
    "y_min": "y_min",
    "y_max": "y_max",
    "P_back_over_P": "P_back_over_P",
    "sigma_v_chi_GeV_m2": "sigma_v",
    "sigma_v_slope_GeV_m2": "sigma_v_slope",
    "Gamma_wash_over_H": "washout_over_H",
    "Gamma_wash_power": "washout_power",
}
"""Configuration key of each model parameter."""


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One point: the published keys, then ours. `None` stands for JSON's null.

    Either `P_chi_to_B` is given, or `conversion`, a table from which it is computed
    (`jaxbounce.conversion_config`).
    Ranges of the numbers are those of `jaxbounce.parameters.RANGES`; the choices are explained
    at `jaxbounce.Choices`.
    """

    m_chi_GeV: float
    T_p_GeV: float
    beta_over_H: float
    v_w: float
    P_chi_to_B: float | None = None
    conversion: Mapping[str, Any] | None = None
    regime: str = "auto"
    g_chi: float = 2.0
    chi_stats: str = "fermion"
    sigma_v_chi_GeV_m2: float = 0.0
    I_p: float = 0.34
    g_star: float = 106.75
    g_star_s: float = 106.75
    source_shape_sigma_y: float = 15.0
    Gamma_wash_over_H: float = 0.0
    incident_flux_scale: float = 1.0
    deplete_DM_from_source: bool = False
    T_max_over_Tp: float = 5.0
    T_min_over_Tp: float = 1e-3
    Y_chi_init: float | None = None
    n_chi_at_Tp_GeV3: float | None = None
    y_min: float = -80.0
    y_max: float = 50.0
    P_back_over_P: float = 1.0
    area_kernel: str = "eq6"
    quadrature: str = "gauss-legendre"
    equilibrium: str = "exact"
    flux: str = "static"
    window: str = "gaussian"
    dark_matter: str = "input"
    closure: str = "linear"
    sigma_v_slope_GeV_m2: float = 0.0
    Gamma_wash_power: float = 0.0
    coupling: str | None = None
    temperature_range: str | None = None
    derivatives: str = "reverse"

    def __post_init__(self) -> None:
        for key in PARAMETER_OF_KEY:
            if getattr(self, key) is not None or key not in _OPTIONAL:
                check_number(key, getattr(self, key), RANGES[PARAMETER_OF_KEY[key]])
        check_flag("deplete_DM_from_source", self.deplete_DM_from_source)
        check_name("regime", self.regime, ("thermal", "nonthermal", "auto"))
        for key, names in CHOICES.items():
            if key in _DERIVED or (key in _AUTOMATIC and getattr(self, key) is None):
                continue
            check_name(key, getattr(self, key), names)
        self._check_together()

    def _check_together(self) -> None:
        given = [key for key in _INITIAL if getattr(self, key) is not None]
        if self.initial == "equilibrium":
            if given:
                raise ConfigurationError(
                    f'{given[0]} = {getattr(self, given[0])}: regime = "thermal" starts in'
                    f" equilibrium; leave it out (or set it to null)"
                )
        elif self.dark_matter == "input" and len(given) != 1:
            have = "both given" if given else "both missing"
            raise ConfigurationError(
                f'Y_chi_init and n_chi_at_Tp_GeV3: {have}; dark_matter = "input" needs'
                " exactly one of them; leave the other out (or set it to null)"
            )
        self._check_conversion()
        try:
            _ = self.choices
        except ValueError as error:
            raise ConfigurationError(str(error)) from None

    def _check_conversion(self) -> None:
        settings = self.conversion_settings
        if (self.P_chi_to_B is None) == (settings is None):
            if settings is None:
                raise ConfigurationError(
                    f"P_chi_to_B: missing; add it ({RANGES['P'].meaning}), or a table conversion"
                )
            raise ConfigurationError(
                f"P_chi_to_B = {self.P_chi_to_B} and conversion: both given; leave one of them out"
            )
        if settings is not None:
            settings.refuse_unused_K()
        if settings is not None and settings.v_w not in (None, self.v_w):
            raise ConfigurationError(
                f"conversion.wall.v_w = {settings.v_w:g}: differs from v_w = {self.v_w:g}; drop it"
                " or make them equal"
            )

    @functools.cached_property
    def conversion_settings(self) -> ConversionSettings | None:
        """The checked conversion table, with its profile read; None for a number P."""
        return None if self.conversion is None else read_conversion(self.conversion)

    @property
    def initial(self) -> str:
        """Where χ starts: "equilibrium" if regime is thermal, or auto without any other start."""
        annihilates = self.sigma_v_chi_GeV_m2 > 0 or self.sigma_v_slope_GeV_m2 > 0
        nothing_given = all(getattr(self, key) is None for key in _INITIAL)
        inferred = self.regime == "auto" and annihilates and self.dark_matter == "input"
        if self.regime == "thermal" or (inferred and nothing_given):
            return "equilibrium"
        return "given"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the Boltzmann equations are needed; empty if the source integral is all there is."""
        found = []
        if self.initial == "equilibrium":
            found.append("chi starts in equilibrium")
        for key, what in (
            ("sigma_v_chi_GeV_m2", "annihilation"),
            ("sigma_v_slope_GeV_m2", "annihilation"),
            ("Gamma_wash_over_H", "washout"),
            ("deplete_DM_from_source", "depletion"),
        ):
            if getattr(self, key) and what not in found:
                found.append(what)
        if self.coupling == "self-consistent":
            found.append("the source follows chi")
        return tuple(found)

    @property
    def choices(self) -> Choices:
        """The choices in force: those written, and those that follow from the regime."""
        values = {name: getattr(self, name) for name in CHOICES if name not in _DERIVED}
        coupling, span = values.pop("coupling"), values.pop("temperature_range")
        if not self.reasons:
            return Choices(
                **values,
                **({} if coupling is None else {"coupling": coupling}),
                **({} if span is None else {"temperature_range": span}),
            )
        if coupling is None:
            coupling = "self-consistent" if self.dark_matter == "occupancy" else "external"
        annihilates = "annihilation" in self.reasons
        depleted = self.deplete_DM_from_source or coupling == "self-consistent"
        return Choices(
            **values,
            equations="boltzmann",
            initial="equilibrium" if self.initial == "equilibrium" else "given",
            coupling=coupling,
            depletion="on" if depleted else "off",
            temperature_range=span or ("frozen" if annihilates else "published"),
        )

    def as_mapping(self) -> dict[str, Any]:
        """Every key with its value, ready for JSON."""
        return {name: getattr(self, name) for name in _KEYS}

    def build(self) -> Model:
        """The model this configuration describes."""
        values = {
            name: getattr(self, key) or 0.0 if key in _INITIAL else getattr(self, key)
            for key, name in PARAMETER_OF_KEY.items()
        }
        settings = self.conversion_settings
        conversion = None if settings is None else settings.build()
        return Model(Parameters(**values), self.choices, conversion)


_INITIAL = ("Y_chi_init", "n_chi_at_Tp_GeV3")

_OPTIONAL = ("P_chi_to_B", *_INITIAL)

_DERIVED = ("equations", "initial", "depletion")  # follow from regime and the rates

_AUTOMATIC = ("coupling", "temperature_range")  # follow too, where they are not written

_KEYS = tuple(field.name for field in dataclasses.fields(Configuration))

_REQUIRED = tuple(
    field.name
    for field in dataclasses.fields(Configuration)
    if field.default is dataclasses.MISSING
)

BENCHMARK: dict[str, Any] = {
    "regime": "nonthermal",
    "m_chi_GeV": 0.95,
    "g_chi": 2,
    "chi_stats": "fermion",
    "sigma_v_chi_GeV_m2": 0.0,
    "T_p_GeV": 100.0,
    "beta_over_H": 100.0,
    "v_w": 0.3,
    "I_p": 0.34,
    "g_star": 106.75,
    "g_star_s": 106.75,
    "P_chi_to_B": 0.14925839040304145,
    "source_shape_sigma_y": 9.0,
    "Gamma_wash_over_H": 0.0,
    "incident_flux_scale": 1.07e-09,
    "deplete_DM_from_source": False,
    "T_max_over_Tp": 5.0,
    "T_min_over_Tp": 0.001,
    "Y_chi_init": 4.9e-10,
    "n_chi_at_Tp_GeV3": None,
}
"""The published benchmark (Table I of the published pipeline), key for key."""


def _expanded(table: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The table with the conversion it names read in, and paths made independent of its place."""
    conversion = table.get("conversion")
    if isinstance(conversion, str | Mapping):
        table["conversion"] = expand_conversion(conversion, directory)
    elif conversion is not None:
        raise ConfigurationError(
            f"conversion = {conversion!r}: must be a table, or the path of a JSON or TOML file"
        )
    return table


def configure(
    source: str | Path | Mapping[str, Any] | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Configuration:
    """A checked configuration from a file or table, a preset, and overrides.

    What is written in `source` wins over the preset, and `overrides` win over both. A key
    "preset" in the source acts like the argument, which wins over it. Without a source,
    the published benchmark is taken, with the preset "benchmark" if none is named. A dot in
    an override leads into a table: "conversion.couplings.lambda_tr_eff".

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table: dict[str, Any]
    directory = Path()
    if source is None:
        table = {"preset": "benchmark", **BENCHMARK}
    elif isinstance(source, Mapping):
        table = dict(source)
    else:
        table, directory = read_mapping(source), Path(source).parent
    table = _expanded(table, directory)
    changes = _expanded(dict(overrides or {}), Path())
    # P and a conversion exclude each other: an override of one drops the other
    if any(key.split(".")[0] == "conversion" for key in changes):
        table["P_chi_to_B"] = None
    elif changes.get("P_chi_to_B") is not None:
        table["conversion"] = None
    for key, value in changes.items():
        put(table, key, value)
    written = table.pop("preset", None)
    preset = preset if preset is not None else written
    if preset is not None:
        check_name("preset", preset, PRESETS)
        table = {**PRESETS[preset], **table}
    check_keys(table, _KEYS)
    missing = [key for key in _REQUIRED if key not in table]
    if missing:
        raise ConfigurationError(
            f"{missing[0]}: missing; add it ({RANGES[PARAMETER_OF_KEY[missing[0]]].meaning})"
            + (f", as well as {', '.join(missing[1:])}" if missing[1:] else "")
        )
    return Configuration(**table)


def load(
    source: str | Path | Mapping[str, Any] | None = None,
    preset: str | None = None,
    **overrides: Any,
) -> Model:
    """A `Model` from a configuration: a JSON or TOML file, a dictionary, or None (benchmark).

    Args:
        source: path or table with the published keys (`jaxbounce template` prints one).
        preset: "published", "benchmark" or "exact": a set of choices; choices written in
            the configuration win over it.
        **overrides: further keys, winning over both.

    Returns:
        The model; call `jaxbounce.enable_x64()` before for float64.

    Raises:
        ConfigurationError: a ValueError with one line that says what is wrong.
    """
    return configure(source, preset, overrides).build()


def resolved_model(configuration: Configuration) -> tuple[Model, Estimate]:
    """The model with enough steps for its conversion, and its P."""
    model, settings = configuration.build(), configuration.conversion_settings
    if settings is None:
        return model, conversion_probability(model)
    v_w, T = model.parameters.v_w, model.parameters.T_p
    conversion, estimate = resolved(
        lambda steps: settings.build(steps=steps),
        lambda conversion: probability(conversion, v_w, T, model.choices.chi_stats),
        settings.steps is not None,
    )
    return model.with_conversion(conversion), estimate


_COUPLING_KEYS = {"lambda_tr_eff": "lam"}


def parameter_of(name: str) -> str:
    """The parameter of a configuration key, or the name itself."""
    return PARAMETER_OF_KEY.get(name, _COUPLING_KEYS.get(name, name))

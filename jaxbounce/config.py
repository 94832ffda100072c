"""Configurations: the published JSON keys, new keys beside them, and the bridge to a `Model`.

A configuration is a JSON or TOML table of named values. The keys of the published
scripts are accepted as they are; keys of our own add choices and limits. Nothing is
guessed: an unknown key, a string where a number belongs, or a value outside its range
is refused with one line that names the key, the value, what is allowed and what to do.
"""

import dataclasses
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jaxbounce.model import Model
from jaxbounce.parameters import CHOICES, PRESETS, RANGES, Choices, Parameters, suggestion


class ConfigurationError(ValueError):
    """A configuration that cannot be used; its text is one line for the user."""


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
}
"""Configuration key of each model parameter."""

NEEDS_ODE = "needs the Boltzmann equations, which this version does not solve yet"


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One point: the published keys, then ours. `None` stands for JSON's null.

    Ranges of the numbers are those of `jaxbounce.parameters.RANGES`; the choices are explained
    at `jaxbounce.Choices`.
    """

    m_chi_GeV: float
    T_p_GeV: float
    beta_over_H: float
    v_w: float
    P_chi_to_B: float
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

    def __post_init__(self) -> None:
        for key in PARAMETER_OF_KEY:
            _check_number(key, getattr(self, key), optional=key in _OPTIONAL)
        _check_number("sigma_v_chi_GeV_m2", self.sigma_v_chi_GeV_m2)
        _check_number("Gamma_wash_over_H", self.Gamma_wash_over_H)
        if not isinstance(self.deplete_DM_from_source, bool):
            raise ConfigurationError(
                f"deplete_DM_from_source = {self.deplete_DM_from_source!r}: must be true or false"
            )
        _check_name("regime", self.regime, ("thermal", "nonthermal", "auto"))
        for key, allowed in CHOICES.items():
            _check_name(key, getattr(self, key), allowed)
        self._check_together()

    def _check_together(self) -> None:
        if self.regime == "thermal":
            raise ConfigurationError(f'regime = "thermal": {NEEDS_ODE}; use "nonthermal" or "auto"')
        for key in ("sigma_v_chi_GeV_m2", "Gamma_wash_over_H"):
            if getattr(self, key) != 0:
                raise ConfigurationError(f"{key} = {getattr(self, key)}: {NEEDS_ODE}; set it to 0")
        if self.deplete_DM_from_source:
            raise ConfigurationError(
                f"deplete_DM_from_source = true: {NEEDS_ODE}; set it to false, or use"
                ' dark_matter = "occupancy" with a closure'
            )
        if self.dark_matter == "input":
            given = [key for key in _OPTIONAL if getattr(self, key) is not None]
            if len(given) != 1:
                have = "both given" if given else "both missing"
                raise ConfigurationError(
                    f'Y_chi_init and n_chi_at_Tp_GeV3: {have}; dark_matter = "input" needs'
                    " exactly one of them (set the other to null)"
                )
        try:
            Choices(**{name: getattr(self, name) for name in CHOICES})
        except ValueError as error:
            raise ConfigurationError(str(error)) from None

    @property
    def choices(self) -> Choices:
        """The choices in force."""
        return Choices(**{name: getattr(self, name) for name in CHOICES})

    def as_mapping(self) -> dict[str, Any]:
        """Every key with its value, ready for JSON."""
        return dataclasses.asdict(self)

    def build(self) -> Model:
        """The model this configuration describes."""
        values = {
            name: getattr(self, key) or 0.0 if key in _OPTIONAL else getattr(self, key)
            for key, name in PARAMETER_OF_KEY.items()
        }
        return Model(Parameters(**values), self.choices)


_OPTIONAL = ("Y_chi_init", "n_chi_at_Tp_GeV3")
_KEYS = tuple(field.name for field in dataclasses.fields(Configuration))
_REQUIRED = tuple(
    field.name
    for field in dataclasses.fields(Configuration)
    if field.default is dataclasses.MISSING
)


def _check_number(key: str, value: Any, *, optional: bool = False) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{key} = {value!r}: must be a number; write it without quotes")
    allowed = RANGES.get(PARAMETER_OF_KEY.get(key, ""))
    if not math.isfinite(value):
        raise ConfigurationError(f"{key} = {value}: must be finite; give an ordinary number")
    if allowed is not None and value not in allowed:
        raise ConfigurationError(
            f"{key} = {value:g}: must be {allowed} ({allowed.meaning}); change it to such a value"
        )
    if allowed is None and value < 0:
        raise ConfigurationError(f"{key} = {value:g}: must be ≥ 0; change it to such a value")


def _check_name(key: str, value: Any, allowed: Iterable[str]) -> None:
    if value not in tuple(allowed):
        names = ", ".join(f'"{name}"' for name in allowed)
        hint = suggestion(value, allowed) if isinstance(value, str) else ""
        hint = hint if "did you mean" in hint else ""
        raise ConfigurationError(f"{key} = {value!r}: must be one of {names}{hint}")


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


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigurationError(f"{key}: given twice; keep one of them")
    return dict(pairs)


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The table in a JSON or TOML file (by suffix; anything but .toml is read as JSON).

    Raises:
        ConfigurationError: if the file cannot be read or is not one table.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); give the path of a JSON or TOML file"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text; give a JSON or TOML file") from None
    try:
        if path.suffix.lower() == ".toml":
            table = tomllib.loads(text)
        else:
            table = json.loads(text, object_pairs_hook=_unique_keys)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"{path}: is not valid {'TOML' if path.suffix.lower() == '.toml' else 'JSON'}"
            f" ({reason}); is the file complete?"
        ) from None
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply; give one flat table") from None
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"{path}: holds a {type(table).__name__}; it must be one table of keys and values"
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
    the published benchmark is taken, with the preset "benchmark" if none is named.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table: dict[str, Any]
    if source is None:
        table = {"preset": "benchmark", **BENCHMARK}
    elif isinstance(source, Mapping):
        table = dict(source)
    else:
        table = read_mapping(source)
    table |= overrides or {}
    written = table.pop("preset", None)
    preset = preset if preset is not None else written
    if preset is not None:
        _check_name("preset", preset, PRESETS)
        table = {**PRESETS[preset], **table}
    for key in table:
        if key not in _KEYS:
            raise ConfigurationError(f"{key}: unknown key{suggestion(key, _KEYS)}")
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

"""Configurations: the published JSON keys, new keys beside them, and the bridge to a `Model`.

A configuration is a JSON or TOML table of named values. The keys of the published
scripts are accepted as they are; keys of our own add choices and limits. Nothing is
guessed: an unknown key, a string where a number belongs, or a value outside its range
is refused with one line that names the key, the value, what is allowed and what to do.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jaxbounce._core.checks import (
    at_home,
    check_flag,
    check_keys,
    check_name,
    check_number,
    one_name,
    shown,
)
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage
from jaxbounce.conversion.bounce_wall import CriticalBubble, TransitionBubble
from jaxbounce.conversion.models import ConversionSettings
from jaxbounce.files.conversion import NAMES_INSIDE, expand_conversion, read_conversion
from jaxbounce.files.history import expand_history, is_history, read_history, settle_entropy
from jaxbounce.files.nucleation import check_own_beta, expand_nucleation, read_nucleation
from jaxbounce.files.tables import put, table_of
from jaxbounce.model.model import Model
from jaxbounce.parameters import (
    CHOICES,
    DECLARATIONS,
    KEY_OF_NAME,
    PARAMETER_OF_KEY,
    PRESETS,
    RANGES,
    Choices,
    Parameters,
)


class OtherKey(NamedTuple):
    """A key of a configuration that is neither a parameter nor a choice.

    Attributes:
        meaning: what it says.
        default: its value if it is left out.
        example: how it is written in a template, if the default is null.
    """

    meaning: str
    default: Any
    example: str = ""


REGIMES = ("thermal", "nonthermal", "auto")

OTHER_KEYS: dict[str, OtherKey] = {
    "conversion": OtherKey(
        "table or file of a wall to compute P from, in place of P_chi_to_B",
        None,
        '"transport_params.json"',
    ),
    "hidden_sector": OtherKey(
        "species at a temperature of their own, xi T, that count in g_*",
        None,
        '{ xi = 0.5, species = [{ mass_GeV = 1.0, g = 2.0, statistics = "boson" }] }',
    ),
    "nucleation": OtherKey(
        "table of the nucleation rate of area_kernel history (jaxbounce.files.nucleation)",
        None,
        '{ rate = "exponential", curvature = 0.0, initial_radius = 0.0, expansion = true }',
    ),
    "transition": OtherKey(
        "table of a thermal potential, in place of T_p_GeV and beta_over_H (jaxbounce.files.chain)",
        None,
        '{ potential = "potential.json", T_low = 100.0, T_high = 250.0 }',
    ),
    "wall_speed": OtherKey(
        "table of how v_w is computed, in place of v_w (jaxbounce.files.chain)",
        None,
        '{ model = "lte", at = "T_p" }',
    ),
    "occupancy": OtherKey(
        "table of how chi is made, in place of incident_flux_scale (jaxbounce.files.occupancy)",
        None,
        '{ process = "decay", m_A_GeV = 500.0, Gamma_GeV = 1e-21, statistics = "boson" }',
    ),
    "regime": OtherKey("thermal (chi starts in equilibrium) | nonthermal | auto", "auto"),
    "error_limit": OtherKey(
        "largest estimated relative error of Y_B that is a success; null: 1e-6", None, "1e-6"
    ),
    "deplete_DM_from_source": OtherKey("whether chi loses what the external source takes", False),
}
"""Keys beside parameters and choices."""

CHOICE_KEYS = {name: declared for name, declared in CHOICES.items() if not declared.derived}
"""Choices that are keys; the others follow from the regime and the rates."""

KEYS = (*PARAMETER_OF_KEY, *OTHER_KEYS, *CHOICE_KEYS)
"""Every key of a configuration."""

_KEY_OF = KEY_OF_NAME | {
    f"conversion.{table}{name}": f"conversion.{table}{key}"
    for name, key in NAMES_INSIDE.items()
    for table in ("", "couplings.")
}
"""Keys of what may be written by another name; those with a dot are of overrides."""

_REQUIRED = tuple(
    DECLARATIONS[field.name].key
    for field in dataclasses.fields(Parameters)
    if field.default is dataclasses.MISSING
)
_ERROR_LIMITS = Range(0.0, 1.0, False, False, "a relative error")
_INITIAL = tuple(declared.key for declared in DECLARATIONS.values() if declared.optional)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One point as it is written, and the model that it describes.

    Attributes:
        table: every key with its value; None stands for JSON's null.
        model: the model, its numerics as written (see `Model.resolved`).
        conversion: the checked table `conversion`; None for a number P.
        reasons: why the Boltzmann equations are needed; empty if the source integral is all
            there is.
    """

    table: Mapping[str, Any]
    model: Model
    conversion: ConversionSettings | None
    reasons: tuple[str, ...]

    @property
    def choices(self) -> Choices:
        """The choices in force: those written, and those that follow from the regime."""
        return self.model.choices

    def as_mapping(self) -> dict[str, Any]:
        """Every key with its value, ready for JSON."""
        return dict(self.table)


def _initial(table: Mapping[str, Any]) -> str:
    """Where χ starts: "equilibrium" if regime is thermal, or auto without any other start."""
    annihilates = table["sigma_v_chi_GeV_m2"] > 0 or table["sigma_v_slope_GeV_m2"] > 0
    nothing_given = all(table[key] is None for key in _INITIAL)
    inferred = table["regime"] == "auto" and annihilates and table["dark_matter"] == "input"
    if table["regime"] == "thermal" or (inferred and nothing_given):
        return "equilibrium"
    return "given"


def _reasons(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Why the Boltzmann equations are needed."""
    found = []
    if _initial(table) == "equilibrium":
        found.append("chi starts in equilibrium")
    for key, what in (
        ("sigma_v_chi_GeV_m2", "annihilation"),
        ("sigma_v_slope_GeV_m2", "annihilation"),
        ("Gamma_wash_over_H", "washout"),
        ("deplete_DM_from_source", "depletion"),
    ):
        if table[key] and what not in found:
            found.append(what)
    if table["coupling"] == "self-consistent":
        found.append("the source follows chi")
    return tuple(found)


def _choices(table: Mapping[str, Any]) -> Choices:
    """The choices in force: those written, and those that follow from the regime."""
    values = {name: table[name] for name in CHOICE_KEYS if table[name] is not None}
    reasons = _reasons(table)
    if not reasons:
        return Choices(**values)
    by_rule = "self-consistent" if table["dark_matter"] == "occupancy" else "external"
    coupling = values.setdefault("coupling", by_rule)
    values.setdefault("temperature_range", "frozen" if "annihilation" in reasons else "published")
    depleted = table["deplete_DM_from_source"] or coupling == "self-consistent"
    start: Any = _initial(table)
    return Choices(
        **values, equations="boltzmann", initial=start, depletion="on" if depleted else "off"
    )


def _check_values(table: Mapping[str, Any]) -> None:
    """Refuse what is no number, no name, or outside its range."""
    for key, name in PARAMETER_OF_KEY.items():
        if name in ("g_star", "g_star_s") and is_history(table[key]):
            continue
        computed = key in _STAGE_OF and table[_STAGE_OF[key]] is not None
        nullable = DECLARATIONS[name].optional or name == "P" or computed
        if table[key] is not None or not nullable:
            check_number(key, table[key], RANGES[name])
    if table["error_limit"] is not None:
        check_number("error_limit", table["error_limit"], _ERROR_LIMITS)
    check_flag("deplete_DM_from_source", table["deplete_DM_from_source"])
    check_name("regime", table["regime"], REGIMES)
    for name, declared in CHOICE_KEYS.items():
        if not (declared.automatic and table[name] is None):
            check_name(name, table[name], declared.allowed)


def _check_start(table: Mapping[str, Any]) -> None:
    given = [key for key in _INITIAL if table[key] is not None]
    if _initial(table) == "equilibrium":
        if given:
            raise ConfigurationError(
                f'{given[0]} = {shown(table[given[0]])}: regime = "thermal" starts in'
                f" equilibrium; leave it out (or set it to null)"
            )
    elif table["dark_matter"] == "input" and len(given) != 1:
        have = "both given" if given else "both missing"
        raise ConfigurationError(
            f'{" and ".join(_INITIAL)}: {have}; dark_matter = "input" needs'
            " exactly one of them; leave the other out (or set it to null)"
        )


def _conversion(table: Mapping[str, Any]) -> ConversionSettings | None:
    """The checked conversion table, with its profile read; None for a number P."""
    P = table["P_chi_to_B"]
    if table["conversion"] is None:
        if P is None:
            raise ConfigurationError(
                f"P_chi_to_B: missing; add it ({RANGES['P'].meaning}), or a table conversion"
            )
        return None
    settings = read_conversion(table["conversion"])
    if P is not None:
        raise ConfigurationError(
            f"P_chi_to_B = {shown(P)} and conversion: both given; leave one of them out"
        )
    settings.refuse_unused_K()
    if isinstance(settings.bubble, TransitionBubble) and table["transition"] is None:
        raise ConfigurationError(
            f'conversion.wall = "{settings.bubble.shape}": is that of a transition; add a table'
            " transition"
        )
    if isinstance(settings.bubble, CriticalBubble) and table["transition"] is not None:
        raise ConfigurationError(
            "conversion.potential and transition: the wall would be that of another transition;"
            ' write conversion.wall = "critical-bubble" in place of the potential'
        )
    v_w = table["v_w"]
    if settings.v_w not in (None, v_w):
        raise ConfigurationError(
            f"conversion.wall.v_w = {settings.v_w:g}: differs from v_w = {shown(v_w)}; drop it"
            " or make them equal"
        )
    return settings


def _configuration(table: Mapping[str, Any]) -> Configuration:
    """The configuration of a table with every key."""
    table = {key: table[key] for key in KEYS}
    settle_entropy(table)
    _check_values(table)
    _check_start(table)
    settings = _conversion(table)
    choices = _choices(table)
    numbers = {name: table[key] for key, name in PARAMETER_OF_KEY.items()}
    numbers |= {n: 0.0 for n, d in DECLARATIONS.items() if d.optional and numbers[n] is None}
    stages = () if settings is None else settings.stages()
    history = read_history(table)
    made: tuple[Stage, ...] = ()
    if table["occupancy"] is not None:
        from jaxbounce.files.occupancy import read_occupancy

        made = (read_occupancy(table),)
    if table["transition"] is not None or table["wall_speed"] is not None:
        from jaxbounce.files.chain import read_stages

        heating = {name for stage in made for name in stage.supplies}
        released = tuple(name for name in RELEASED if name not in heating)
        stages = (*read_stages(table, history, released), *stages)
    if history is not None:
        stages, numbers = (*stages, history), numbers | {"g_star": None, "g_star_s": None}
    nucleation = read_nucleation(table["nucleation"])
    if nucleation is not None:
        stages = (*stages, nucleation)
    model = Model(Parameters(**numbers), choices, (*stages, *made), table["error_limit"])
    if nucleation is not None and choices.area_kernel == "history":
        check_own_beta(nucleation, model)
    return Configuration(table, model, settings, _reasons(table))


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


def _defaults() -> dict[str, Any]:
    """Every key that has a default, with it: of automatic choices and optional numbers, null."""
    fields = dataclasses.fields(Parameters)
    numbers = {
        DECLARATIONS[f.name].key: None if DECLARATIONS[f.name].optional else f.default
        for f in fields
        if f.default is not dataclasses.MISSING
    }
    choices = {n: None if d.automatic else d.default for n, d in CHOICE_KEYS.items()}
    found = numbers | {n: other.default for n, other in OTHER_KEYS.items()} | choices
    return {key: found[key] for key in KEYS if key in found}


def _expanded(table: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The table by its keys, with the files it names read in, and paths of no certain place."""
    table = one_name(table, _KEY_OF)
    for key in ("g_star", "g_star_s"):
        if key in table:
            table[key] = expand_history(table[key], directory)
    if "nucleation" in table:
        table["nucleation"] = expand_nucleation(table["nucleation"], directory)
    if table.get("transition") is not None:
        from jaxbounce.files.chain import expand_transition

        table["transition"] = expand_transition(table["transition"], directory)
    if table.get("occupancy") is not None:
        from jaxbounce.files.occupancy import expand_occupancy

        table["occupancy"] = expand_occupancy(table["occupancy"], directory)
    if isinstance(table.get("transition.potential"), str):  # of --set, as those that follow
        table["transition.potential"] = table_of(directory / table["transition.potential"])
    if "occupancy.cross_section" in table:
        from jaxbounce.files.occupancy import expand_occupancy

        section = {"cross_section": table["occupancy.cross_section"]}
        table["occupancy.cross_section"] = expand_occupancy(section, directory)["cross_section"]
    if "nucleation.rate" in table:
        rate = {"rate": table["nucleation.rate"]}
        table["nucleation.rate"] = expand_nucleation(rate, directory)["rate"]
    conversion = table.get("conversion")
    if isinstance(conversion, str | Mapping):
        table["conversion"] = expand_conversion(conversion, directory)
    elif conversion is not None:
        raise ConfigurationError(
            f"conversion = {shown(conversion)}: must be a table, or the path of a JSON or TOML file"
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
        table = table_of(source)
    else:
        table = table_of(source)
        directory = at_home(source).parent
    table = _expanded(table, directory)
    changes = _expanded(table_of(overrides or {}), Path())
    # a number and its stage exclude each other: an override of one drops the other
    for number, stage in _STAGE_OF.items():
        if any(key.split(".")[0] == stage for key in changes):
            table[number] = None
        # what a transition releases is no reason to do without it
        elif changes.get(number) is not None and PARAMETER_OF_KEY[number] not in RELEASED:
            table[stage] = None
    for key, value in changes.items():
        put(table, key, value)
    _refuse_both(table)
    written = table.pop("preset", None)
    preset = preset if preset is not None else written
    if preset is not None:
        check_name("preset", preset, PRESETS)
        table = {**PRESETS[preset], **table}
    _check_known(table)
    computed = [k for k, stage in _STAGE_OF.items() if table.get(stage) is not None]
    missing = [key for key in _REQUIRED if table.get(key) is None and key not in computed]
    if missing:
        few = "; a dict is a whole point: changes of the benchmark are load(preset=…, v_w=0.4)"
        raise ConfigurationError(
            f"{missing[0]}: missing; add it ({RANGES[PARAMETER_OF_KEY[missing[0]]].meaning})"
            + (f", as well as {', '.join(missing[1:])}" if missing[1:] else "")
            + (few if isinstance(source, Mapping) else "")
        )
    return _configuration(
        {**_defaults(), **table, **dict.fromkeys(k for k in computed if k not in table)}
    )


RELEASED = tuple(name for name in ("alpha_V", "alpha_eff") if name in DECLARATIONS)
"""Parameters that a transition supplies beside T_p and β/H, keys too."""

_STAGE_OF = {
    "P_chi_to_B": "conversion",
    "incident_flux_scale": "occupancy",
    "T_p_GeV": "transition",
    "beta_over_H": "transition",
    "v_w": "wall_speed",
    **{
        DECLARATIONS[name].key: "transition"
        for name in ("alpha_V", "alpha_eff")
        if name in DECLARATIONS
    },
}
"""Keys of numbers, and of the table of the stage that computes each."""


def _refuse_both(table: Mapping[str, Any]) -> None:
    """One line where a quantity is given twice; before defaults stand there."""
    for number, stage in _STAGE_OF.items():
        written = table.get(number)
        if written is not None and table.get(stage) is not None and number != "P_chi_to_B":
            raise ConfigurationError(
                f"{number} = {shown(written)} and {stage}: both given; leave one of them out"
            )


def _check_known(table: Mapping[str, Any]) -> None:
    """Refuse keys that are none."""
    for name, declared in CHOICES.items():
        if declared.derived and name in table:
            raise ConfigurationError(
                f"{name} = {shown(table[name])}: is no key, it follows from the others (regime,"
                " annihilation, washout, depletion); leave it out"
            )
    check_keys(table, (*KEYS, *KEY_OF_NAME))


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
        The model, the numerics of its stages fine enough to converge (`Model.resolved`), which
        takes an evaluation of P where that comes from a wall. Call `jaxbounce.enable_x64()`
        before for float64.

    Raises:
        ConfigurationError: a ValueError with one line that says what is wrong.

    >>> import jaxbounce as jb
    >>> print(jb.load(preset="exact", v_w=0.4).value("v_w"))
    0.4
    >>> jb.load(v_w=1.4)
    Traceback (most recent call last):
    jaxbounce._core.errors.ConfigurationError: v_w = 1.4: must be in (0, 1) (wall speed); ...
    """
    return configure(source, preset, overrides).model.resolved()

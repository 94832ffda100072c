"""Thermal transitions from configurations: a potential that depends on T, T_n, T_p and β/H.

The file is one of `jaxbounce bounce`, the temperature being one of its parameters, with a table
`transition` beside it: T_low and T_high (GeV), and what has a default: temperature (name of the
parameter, "T"), v_w (a number, or "lte" for that of local thermal equilibrium at the temperature
lte_at, "T_p" or "T_n"), I_p, prefactor, g_star and hidden_sector as of a configuration
(`files.history`), and expansion: "radiation+vacuum" (H² of all energy in front of the walls) or
"radiation". Fields, masses and T are in GeV. The vacua are those at the value that the temperature
has among the parameters, and are followed from there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from jaxbounce._core.checks import check_keys, check_name, check_number, check_text, shown
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range, above, at_least
from jaxbounce.files.history import CONSTANT, expand_history, is_history, read_history
from jaxbounce.files.potential import KEYS, read_potential
from jaxbounce.files.tables import table_of
from jaxbounce.parameters import RANGES
from jaxbounce.transition.background import Contents
from jaxbounce.transition.settled import LteAt
from jaxbounce.transition.solve import Settings, ThermalPotential

EXAMPLE: dict[str, Any] = {
    "fields": ["phi"],
    "parameters": {"D": 0.17, "E": 0.08, "lam": 0.13, "T0": 150.0, "T": 100.0},
    "potential": "D*(T**2 - T0**2)*phi**2 - E*T*phi**3 + lam/4*phi**4",
    "false_vacuum": [0.0],
    "true_vacuum": [300.0],
    "dimension": 3,
    "transition": {
        "temperature": "T",
        "T_low": 100.0,
        "T_high": 250.0,
        "v_w": 0.3,
        "I_p": 0.34,
        "g_star": 106.75,
        "prefactor": 1.0,
        "expansion": "radiation+vacuum",
    },
}
"""An electroweak-like potential in the high-temperature expansion, its cubic term strong.

Source of the form: M. Dine et al., Phys. Rev. D 46 (1992) 550, hep-ph/9203203.
"""

_SETTINGS: dict[str, Range] = {
    "v_w": Range(0, 1, False, True, "wall speed"),
    "I_p": RANGES["I_p"],
    "g_star": RANGES["g_star"],
    "prefactor": above(0, "A of Γ = A T⁴ (S₃/(2πT))^{3/2} e^{−S₃/T}"),
}

_KEYS = ("temperature", "T_low", "T_high", *_SETTINGS, "lte_at", "hidden_sector", "expansion")


def read_transition(
    source: str | Path | Mapping[str, Any], directory: Path | None = None
) -> ThermalPotential:
    """A thermal potential from a table or file.

    Args:
        source: table, or path of a JSON or TOML file.
        directory: where a file that `g_star` names is; by default that of the source.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    table = table_of(source)
    check_keys(table, (*KEYS, "transition"))
    name, T_low, T_high = temperature_range(table)
    written = table["transition"]
    if table.get("dimension", 3) != 3:
        raise ConfigurationError(
            f"dimension = {shown(table['dimension'])}: a thermal bounce has 3; drop the key or"
            " write 3"
        )
    if table.get("r_max") is not None:
        raise ConfigurationError(
            f"r_max = {shown(table['r_max'])}: bubbles nucleate in infinite volume; drop the key"
        )
    if directory is None:
        directory = Path() if isinstance(source, Mapping) else Path(source).parent
    own_wall = isinstance(written.get("v_w"), str)
    if own_wall:
        check_name("transition.v_w", written["v_w"], ("lte",))
    elif "lte_at" in written:
        raise ConfigurationError(
            f'transition.lte_at = {shown(written["lte_at"])}: is for v_w = "lte"; drop the key'
        )
    lte_at = check_name("transition.lte_at", written.get("lte_at", "T_p"), get_args(LteAt))
    settings: dict[str, Any] = {
        key: check_number(f"transition.{key}", written[key], allowed)
        for key, allowed in _SETTINGS.items()
        if key in written
        and not (key == "g_star" and is_history(written[key]))
        and not (key == "v_w" and own_wall)
    }
    if is_history(written.get("g_star")) or written.get("hidden_sector") is not None:
        settings["g_star"] = _degrees(written, directory)
    expansion = check_name(
        "transition.expansion", written.get("expansion", "radiation+vacuum"), get_args(Contents)
    )
    configured = read_potential(table)
    return ThermalPotential(
        table,
        configured,
        name,
        T_low,
        T_high,
        settings=Settings(**settings),
        expansion=cast(Contents, expansion),
        wall_at=cast(LteAt, lte_at) if own_wall else None,
    )


def temperature_range(table: Mapping[str, Any]) -> tuple[str, float, float]:
    """Name of the temperature among the parameters of a table, and the range that it asks for.

    Raises:
        ConfigurationError: with one line that says what is wrong and what to do.
    """
    written = table.get("transition")
    if not isinstance(written, Mapping):
        have = "missing" if written is None else f"{shown(written)} is not a table"
        raise ConfigurationError(
            f"transition: {have}; add a table with T_low and T_high"
            " (jaxbounce template transition prints one)"
        )
    check_keys(written, _KEYS, "transition.")
    ends = {}
    for key in ("T_low", "T_high"):
        if key not in written:
            raise ConfigurationError(f"transition.{key}: missing; add it (temperature in GeV)")
        ends[key] = check_number(f"transition.{key}", written[key], above(0, "temperature in GeV"))
    if not ends["T_low"] < ends["T_high"]:
        raise ConfigurationError(
            f"transition.T_low = {ends['T_low']:g}: must be below T_high = {ends['T_high']:g};"
            " swap them or widen the range"
        )
    name = check_text(
        "transition.temperature", written.get("temperature", "T"), "name of a parameter"
    )
    parameters = table.get("parameters", {})
    has_own = "model" in table or table.get("particles")
    if has_own and name != "T":
        raise ConfigurationError(
            f"transition.temperature = {shown(name)}: the temperature of particles is T; drop the"
            " key"
        )
    known = "model" in table and name not in parameters  # at its own value
    if isinstance(parameters, Mapping) and not known and name not in parameters:
        raise ConfigurationError(
            f"parameters.{name}: missing; the temperature is one of the parameters, under the name"
            " that transition.temperature gives, with the value at which the vacua are given"
        )
    if isinstance(parameters, Mapping) and not known:
        at_which = at_least(0, "temperature in GeV at which the vacua are given")
        check_number(f"parameters.{name}", parameters[name], at_which)
    return name, ends["T_low"], ends["T_high"]


def _degrees(written: Mapping[str, Any], directory: Path) -> Any:
    """g_*(T), as of a configuration; a number where "constant" is all that is written."""
    try:
        g_star = expand_history(written.get("g_star", CONSTANT), directory)
        # a constant bath beside a hidden sector has one number for both
        table = {"g_star": g_star, "g_star_s": g_star}
        history = read_history(table | {"hidden_sector": written.get("hidden_sector")})
    except ConfigurationError as error:
        raise ConfigurationError(f"transition.{error}") from None
    return g_star if history is None else history.degrees

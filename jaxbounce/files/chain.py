"""The tables `transition` and `wall_speed` of a configuration: T_p, β/H and v_w computed.

`transition` has `potential`, a table or the path of a file as of `jaxbounce transition`, and what
that command's own table has: T_low and T_high (GeV), temperature, prefactor and expansion, which
may stand in the file of the potential too. v_w, I_p and g_star are those of the configuration.
`wall_speed` has `model`, "lte", and `at`, "T_n" or "T_p", the temperature of the phases; if no
transition is there alpha_thetabar, Psi, c_s and c_b instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from jaxbounce._core.checks import check_keys, check_name, check_number, shown
from jaxbounce._core.declare import declarations
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.stage import Stage
from jaxbounce.cosmology.history import ThermalHistory
from jaxbounce.files.tables import table_of
from jaxbounce.files.transition import read_transition
from jaxbounce.transition.rate import Tunnelling
from jaxbounce.transition.settled import LteAt
from jaxbounce.transition.solve import SLOWEST
from jaxbounce.transition.stages import (
    LteWallSpeed,
    PlasmaInFront,
    ThermalTransition,
    TransitionArea,
)

_OWN = ("potential", "temperature", "T_low", "T_high", "prefactor", "expansion")

_OF_MODEL = ("v_w", "I_p", "g_star", "hidden_sector")
"""Keys of the command's table that a configuration has at its own level."""


def expand_transition(written: Any, directory: Path) -> Any:
    """What is written for `transition`, with the file of its potential read.

    Raises:
        ConfigurationError: one line, if it is no table or a file cannot be read.
    """
    if isinstance(written, str):
        return {"potential": table_of(directory / written)}
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"transition = {shown(written)}: must be a table with a potential, or the path of the"
            " file of one"
        )
    table = dict(written)
    if isinstance(table.get("potential"), str):
        table["potential"] = table_of(directory / table["potential"])
    return table


def read_stages(
    table: Mapping[str, Any],
    history: ThermalHistory | None,
    released: tuple[str, ...] = (),
) -> tuple[Stage, ...]:
    """The stages of a transition and of a wall speed that a configuration has.

    Args:
        table: the configuration, with every key.
        history: its g_*(T), if that is no number.
        released: parameters that the transition is to supply beside T_p and β/H.

    Raises:
        ConfigurationError: with one line for the first bad field.
    """
    speed = _read_speed(table)
    written = table["transition"]
    if written is None:
        if speed is not None and speed.needs:
            raise ConfigurationError(
                "wall_speed: needs the phases of a transition; add a table transition, or"
                " alpha_thetabar, Psi, c_s and c_b"
            )
        return () if speed is None else (speed,)
    check_keys(written, _OWN, "transition.")
    inner = written.get("potential")
    if not isinstance(inner, Mapping):
        have = "missing" if inner is None else f"{shown(inner)} is no table"
        raise ConfigurationError(
            f"transition.potential: {have}; give a table as of jaxbounce transition, or its path"
        )
    inside = inner.get("transition", {})
    if not isinstance(inside, Mapping):
        raise ConfigurationError(
            f"transition.potential.transition = {shown(inside)}: must be a table, or left out"
        )
    own = dict(inside)
    for key in _OF_MODEL:
        if key in own and own[key] != table[key]:
            raise ConfigurationError(
                f"transition.potential.transition.{key} = {shown(own[key])}: differs from {key} ="
                f" {shown(table[key])} of the configuration; drop it or make them equal"
            )
        own.pop(key, None)
    own |= {key: value for key, value in written.items() if key != "potential"}
    thermal = read_transition({**inner, "transition": own}, Path())
    if "prefactor" in thermal.couplings:
        raise ConfigurationError(
            "transition.potential.parameters.prefactor: is the name of A of Γ in the transition;"
            " give the coupling another one"
        )
    false, true = thermal.configured[2:4]
    # read_potential has looked for vacua that were not given
    assert false is not None
    assert true is not None
    tunnelling = Tunnelling(
        thermal.configured.potential,
        thermal.couplings,
        false,
        true,
        thermal.T_vacua,
        thermal.T_low,
        thermal.T_high,
        prefactor=thermal.settings.prefactor,
        degrees=None if history is None else history.degrees,
        slowest=None if speed is None else SLOWEST,
        temperature=thermal.temperature,
        expansion=thermal.expansion,
    )
    area = (TransitionArea(),) if table["area_kernel"] == "history" else ()
    if table.get("expansion") == "radiation+vacuum" and thermal.expansion == "radiation":
        raise ConfigurationError(
            'transition.expansion = "radiation": leaves the energy of the vacuum out of H, and'
            ' expansion = "radiation+vacuum" of the yields does not; make them agree'
        )
    carried = table.get("streaming") == "carried"
    front = (PlasmaInFront(),) if carried and speed is None else ()
    stages = (tunnelling, ThermalTransition(released), *area, *front)
    return stages if speed is None else (*stages, speed)


def _read_speed(table: Mapping[str, Any]) -> LteWallSpeed | None:
    written = table["wall_speed"]
    if written is None:
        return None
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f'wall_speed = {shown(written)}: must be a table, such as {{ model = "lte" }}'
        )
    known = declarations(LteWallSpeed)
    check_keys(written, ("model", "at", *known), "wall_speed.")
    check_name("wall_speed.model", written.get("model", "lte"), ("lte",))
    at = check_name("wall_speed.at", written.get("at", "T_n"), get_args(LteAt))
    numbers = {
        name: check_number(f"wall_speed.{name}", written[name], d.range)
        for name, d in known.items()
        if name in written
    }
    if numbers and table["transition"] is not None:
        raise ConfigurationError(
            f"wall_speed.{next(iter(numbers))} and transition: both given; the transition computes"
            " it, drop one of them"
        )
    if numbers and "at" in written:
        raise ConfigurationError(
            f"wall_speed.at = {shown(at)}: is of the phases of a transition; drop it, or the"
            " numbers of the plasma"
        )
    try:
        return LteWallSpeed(**numbers, at=cast(LteAt, at))
    except ConfigurationError as error:
        raise ConfigurationError(f"wall_speed.{error}") from None

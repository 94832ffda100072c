"""`jaxbounce transition`: T_n, T_p and β/H of a thermal potential."""

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cli._figures import DIGITS, Digits, Figures
from jaxbounce.cli._shared import (
    Outputs,
    envelope,
    header,
    keep_compiled,
    settled_potential,
    status_keys,
)
from jaxbounce.cli._strength import Released, lines, mapping, released
from jaxbounce.cli.template import other_text

if TYPE_CHECKING:
    from jaxbounce.transition.scale import AtScale
    from jaxbounce.transition.solve import Solved, ThermalPotential
    from jaxbounce.transition.temperatures import Transition

ORDER = 70

_OTHERS = {
    "rho_V_over_rho_rad_n": "vacuum_over_radiation_n",
    "rho_V_over_rho_rad_p": "vacuum_over_radiation",
    "T_n_integral_GeV": "T_n_integral",
    "T_n_bubble_GeV": "T_n_bubble",
    "T_f_GeV": "T_f",
    "H_p_GeV": "H_p",
    "R_star_per_GeV": "R_star",
    "R_star_H": "R_star_H",
    "beta_star_over_H": "beta_star_over_H",
}
"""Keys of the result, and the names in `Transition`."""

_NOTED_VACUUM_ENERGY = 0.1  # of the radiation's at T_p: above it the report says what it does to H

_HEADS = {"beta_over_H": "beta/H"}

_ROWS = 65  # of S₃/T in the result

EXAMPLES = """\
jaxbounce transition potential.json            T_n, T_p, beta/H of a thermal potential
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """T_n, T_p and beta/H of a potential that depends on the temperature, with sensitivities."""

    potential: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FILE]")] = None
    """JSON or TOML as of `jaxbounce bounce`, all in GeV, the temperature being one of the
    parameters, with a table `transition` (`jaxbounce transition --template`)."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print an example to edit, and stop."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the file, such as parameters.E=0.1 or transition.T_low=50."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    vary_scale: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Solve at Q/2 and 2 Q too, Q being a parameter, and print how much T_n, T_p, beta/H move."""
    digits: Digits = DIGITS
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw S3/T, the rate, the true vacuum's share and V (PNG, PDF or SVG); needs the extra
    "plot"."""

    def run(self) -> int:
        """Solve, write and print it; the exit status."""
        if self.template:
            print(other_text("transition"))
            return 0
        if self.potential is None:
            raise ConfigurationError(
                "FILE: missing; give the file of a thermal potential"
                " (jaxbounce transition --template prints one)"
            )
        figures, outputs = Figures(self.digits), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.potential,))
        jb.enable_x64()
        keep_compiled()
        table = settled_potential(jb.files.tables.read_mapping(self.potential), self.set)
        thermal = jb.files.transition.read_transition(table, self.potential.parent)
        if self.vary_scale:
            jb.transition.check_scale(thermal)
        solved = jb.transition.solve_transition(thermal)
        found = released(solved)
        scales = jb.transition.vary_scale(thermal, known=solved) if self.vary_scale else ()
        if self.out is not None:
            result = _mapping(solved, found)
            if scales:
                result["scales"] = [one._asdict() for one in scales]
            outputs.put(jb.files.write.write_json, self.out, result)
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(solved), self.plot)
        print("\n".join([*_lines(solved, found, figures), *_scale_lines(scales, figures)]))
        return outputs.status(0)


def _chain_keys(solved: "Solved") -> dict[str, Any]:
    """What goes on into the chain, by its configuration keys."""
    found, settings = solved.transition, solved.thermal.settings
    keys: dict[str, Any] = {
        "T_p_GeV": float(found.T_p),
        "beta_over_H": float(found.beta_over_H),
        "v_w": float(found.v_w),
        "I_p": float(settings.I_p),
        "g_star": _g_star(solved.thermal),
    }
    hidden = solved.thermal.table["transition"].get("hidden_sector")
    if hidden is not None:
        keys["hidden_sector"] = hidden
    # a wall at the speed of light is the default here, and nothing the chain can take
    if keys["v_w"] not in jb.parameters.RANGES["v_w"]:
        del keys["v_w"]
    return keys


def _g_star(thermal: "ThermalPotential") -> Any:
    """A number, or what is written."""
    if "g_star" in thermal.settings.numbers:
        return float(thermal.settings.numbers["g_star"])
    return thermal.table["transition"].get("g_star", jb.files.history.CONSTANT)


def _rows(solved: "Solved") -> list[dict[str, Any]]:
    """One row for each coupling and setting: value and elasticities."""
    values = solved.thermal.couplings | {
        f"transition.{name}": value for name, value in solved.thermal.settings.numbers.items()
    }
    return [
        {"parameter": name, "value": float(values[name])}
        | {output: float(slope) + 0.0 for output, slope in zip(solved.outputs, slopes, strict=True)}
        for name, slopes in solved.elasticities.items()
    ]


def _mapping(solved: "Solved", of: Released) -> dict[str, Any]:
    """The result as JSON."""
    found = solved.transition
    low, high = solved.phases.metastable_range()
    return envelope(
        solved.thermal.table,
        transition={
            "T_n_GeV": float(found.T_n),
            "T_p_GeV": float(found.T_p),
            "beta_over_H": float(found.beta_over_H),
            "S3_over_T_n": float(found.exponent_n),
            "S3_over_T_p": float(found.exponent_p),
            "T_metastable_GeV": [low, high],
            "expansion": solved.thermal.expansion,
            **{key: _number(getattr(found, name)) for key, name in _OTHERS.items()},
            **_wall_mapping(solved),
            "alpha_theta": solved.alpha_theta,
            "T_reh_GeV": solved.T_reh,
            "relative_error_estimate": float(found.error),
            **status_keys(Status(int(found.status))),
        },
        action=_action(found),
        released=mapping(of),
        elasticities=_rows(solved),
        chain=_chain_keys(solved),
    )


def _outcome(solved: "Solved") -> str:
    """What kind of wall it is: "given", "deflagration", "hybrid" or "none"."""
    if solved.wall is None:
        return "given"
    if solved.wall_status != Status.SUCCESS:
        return "none"
    return "hybrid" if bool(solved.wall.is_hybrid) else "deflagration"


def _wall_mapping(solved: "Solved") -> dict[str, Any]:
    """The wall speed that T_p is of, and whose it is."""
    found: dict[str, Any] = {"v_w": float(solved.transition.v_w), "wall": _outcome(solved)}
    if solved.wall is not None:
        found["wall_lte"] = {
            "at": solved.thermal.wall_at,
            "ln_alpha_max_over_alpha": _number(solved.wall.to_runaway),
            "v_w_error": _number(solved.wall.error),
            **status_keys(solved.wall_status),
        }
    return found


def _wall_of(solved: "Solved", figures: Figures) -> str:
    """In words, where it is that of local thermal equilibrium."""
    wall, v_w, at = solved.wall, float(solved.transition.v_w), solved.thermal.wall_at
    assert wall is not None
    if solved.wall_status != Status.SUCCESS:
        return (
            f"none: {solved.wall_status.message} (at {at}, ln(alpha_max/alpha) ="
            f" {figures(wall.to_runaway)}); the numbers here are those of its limit, v_w = 1"
        )
    return (
        f"{figures(v_w)}   {_outcome(solved)}, in local thermal equilibrium at {at} (an upper"
        f" bound: friction makes it slower); ln(alpha_max/alpha) = {figures(wall.to_runaway)}"
    )


def _action(found: "Transition") -> dict[str, Any]:
    """S₃/T where it matters, for `nucleation.rate` of the chain."""
    import jax.numpy as jnp
    import numpy as np

    background = found.history.background
    low, high = float(background.window.low), float(background.window.high)
    # close together at the ends, where a spline knows least
    places = np.cos(np.pi * np.arange(_ROWS) / (_ROWS - 1))
    T = (low + high) / 2 - (high - low) / 2 * places
    exponent = np.asarray(background.exponent_at(jnp.asarray(T)))
    return {"T_GeV": T.tolist(), "S3_over_T": exponent.tolist()}


def _lines(solved: "Solved", of: Released, figures: Figures) -> Iterator[str]:
    thermal, found = solved.thermal, solved.transition
    low, high = solved.phases.metastable_range()
    yield header()
    yield ""
    yield f"potential  {jb.files.model.described(thermal.table)}   (GeV)"
    yield "           " + _assignments(thermal.couplings)
    yield f"           vacua given at {thermal.temperature} = {thermal.T_vacua:g}"
    settings = dict(thermal.settings.numbers)
    speed, at = "", thermal.wall_at
    if at is not None:
        speed = f"v_w = lte (local thermal equilibrium at {at}), "
        del settings["v_w"]
    yield f"           {speed}{_assignments(settings)}"
    if "g_star" not in thermal.settings.numbers:
        yield f"           g_star: {_described(_g_star(thermal))}, functions of T"
    yield f"           metastable within {low:g} to {high:g} GeV"
    yield ""
    yield f"T_n        {figures(found.T_n)} GeV   S3/T = {figures(found.exponent_n)}"
    yield f"T_p        {figures(found.T_p)} GeV   S3/T = {figures(found.exponent_p)}"
    yield f"beta/H     {figures(found.beta_over_H)}   (d ln Gamma/dt at T_p)"
    yield f"           relative error of the interpolated S3/T: {float(found.error):.1e}"
    if solved.wall is not None:
        yield f"v_w        {_wall_of(solved, figures)}"
    yield from _other_numbers(solved, figures)
    status = Status(int(found.status))
    if status != Status.SUCCESS:
        yield f"NOTE       {status.message}"
    yield f"rho_V      {_vacuum_energy(found, thermal.expansion)}"
    yield ""
    yield from lines(of, figures)
    yield ""
    yield "elasticities d ln(output)/d ln(parameter)"
    wide = figures.width
    heads = " ".join(f"{_HEADS.get(output, output):>{wide}}" for output in solved.outputs)
    yield f"  {'parameter':20} {'value':>{wide}} {heads}"
    for row in _rows(solved):
        cells = " ".join(f"{figures(row[output]):>{wide}}" for output in solved.outputs)
        yield f"  {row['parameter']:20} {row['value']:{wide}.6g} {cells}"
    yield ""
    yield from chain_lines(_chain_keys(solved))


def chain_lines(keys: Mapping[str, Any]) -> Iterator[str]:
    """What to give `jaxbounce run`; what the chain cannot take is not offered."""
    if not keys["beta_over_H"] > 0:
        yield "not for the chain: the rate falls at T_p, and its beta/H is to be positive"
        return
    yield "in the chain"
    yield "  jaxbounce run " + " ".join(f"--set {k}={_setting(v)}" for k, v in keys.items())
    if "v_w" not in keys:
        yield "  (with the wall speed of the chain, below 1; transition.v_w is 1 here)"


def _scale_lines(scales: "Sequence[AtScale]", figures: Figures) -> Iterator[str]:
    """What the renormalisation scale does."""
    if not scales:
        return
    from jaxbounce.transition.scale import SCALE, spread

    yield ""
    yield "with the renormalisation scale, all else being equal"
    wide = figures.width
    yield f"  {SCALE:>13} " + " ".join(f"{head:>{wide}}" for head in ("T_n", "T_p", "beta/H"))
    for one in scales:
        cells = " ".join(f"{figures(number):>{wide}}" for number in one.numbers.values())
        yield f"  {one.scale:13.6g} {cells or one.reason}"
    moves = " ".join(f"{share:{wide}.3%}" for share in spread(tuple(scales)).values())
    yield f"  {'spread':>13} {moves}"


def _number(value: Any) -> float | None:
    """As JSON: null for what is not reached in the range."""
    found = float(value)
    return found if found == found else None


def _other_numbers(solved: "Solved", figures: Figures) -> Iterator[str]:
    found = solved.transition

    def shown(value: Any) -> str:
        number = _number(value)
        return "not reached in the range" if number is None else f"{figures(number)} GeV"

    yield f"T_n        {shown(found.T_n_integral)}   (integral of Gamma/H^4 d ln a = 1)"
    yield f"           {shown(found.T_n_bubble)}   (4 pi/3 of it = 1: one bubble a Hubble volume)"
    yield f"T_f        {shown(found.T_f)}   (1 % left in the false vacuum)"
    yield (
        f"T_reh      {shown(solved.T_reh)}   (T_p (1 + alpha_theta)^(1/4), alpha_theta ="
        f" {figures(solved.alpha_theta)})"
    )
    yield (
        f"H R_*      {figures(found.R_star_H)} at T_p   (R_* = n_b^(-1/3) ="
        f" {figures(found.R_star)}/GeV)"
    )
    yield (
        f"beta_*/H   {figures(found.beta_star_over_H)}   ((8 pi)^(1/3) v_w/(H R_*): of the"
        " exponential rate that leaves such bubbles)"
    )


def _vacuum_energy(found: "Transition", expansion: str) -> str:
    at_T_n, at_T_p = float(found.vacuum_over_radiation_n), float(found.vacuum_over_radiation)
    if at_T_p != at_T_p:
        return 'not known: V at T = 0 is not a finite number; not in H, by expansion = "radiation"'
    text = f"{at_T_n:.3g} of the energy of radiation at T_n, {at_T_p:.3g} at T_p"
    if expansion == "radiation+vacuum":
        return text + ", in H (beside radiation alone H is larger by half of that, if small)"
    text += ', NOT in H, by expansion = "radiation"'
    if at_T_p > _NOTED_VACUUM_ENERGY:
        text += ": what is said here is not what happens"
    return text


def _setting(value: Any) -> str:
    """As --set takes it."""
    if isinstance(value, float):
        return f"{value:.10g}"
    return value if isinstance(value, str) else shlex.quote(json.dumps(value))


def _described(g_star: Any) -> str:
    return g_star if isinstance(g_star, str) else "as written"


def _assignments(values: Any) -> str:
    return ", ".join(f"{name} = {float(value):.10g}" for name, value in values.items())

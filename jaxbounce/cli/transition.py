"""`jaxbounce transition`: T_n, T_p and β/H of a thermal potential."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
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
    from jaxbounce.transition.solve import Solved

ORDER = 70
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
        outputs = Outputs()
        outputs.check(self.out, sources=(self.potential,))
        jb.enable_x64()
        keep_compiled()
        table = settled_potential(jb.files.tables.read_mapping(self.potential), self.set)
        thermal = jb.files.transition.read_transition(table)
        solved = jb.transition.solve_transition(thermal)
        found = released(solved)
        if self.out is not None:
            outputs.put(jb.files.write.write_json, self.out, _mapping(solved, found))
        print("\n".join(_lines(solved, found)))
        return outputs.status(0)


def _chain_keys(solved: "Solved") -> dict[str, float]:
    """What goes on into the chain, by its configuration keys."""
    found, settings = solved.transition, solved.thermal.settings
    keys = {
        "T_p_GeV": float(found.T_p),
        "beta_over_H": float(found.beta_over_H),
        "v_w": float(settings.v_w),
        "I_p": float(settings.I_p),
        "g_star": float(settings.g_star),
    }
    # a wall at the speed of light is the default here, and nothing the chain can take
    if keys["v_w"] not in jb.parameters.RANGES["v_w"]:
        del keys["v_w"]
    return keys


def _rows(solved: "Solved") -> list[dict[str, Any]]:
    """One row for each coupling and setting: value and elasticities."""
    from jaxbounce.transition.solve import OUTPUTS

    values = solved.thermal.couplings | {
        f"transition.{name}": value for name, value in solved.thermal.settings._asdict().items()
    }
    return [
        {"parameter": name, "value": float(values[name])}
        | {output: float(slope) + 0.0 for output, slope in zip(OUTPUTS, slopes, strict=True)}
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
            "rho_V_over_rho_rad_n": solved.vacuum_over_radiation[0],
            "rho_V_over_rho_rad_p": solved.vacuum_over_radiation[1],
            "relative_error_estimate": float(found.error),
            **status_keys(Status(int(found.status))),
        },
        released=mapping(of),
        elasticities=_rows(solved),
        chain=_chain_keys(solved),
    )


def _lines(solved: "Solved", of: Released) -> Iterator[str]:
    from jaxbounce.transition.solve import OUTPUTS

    thermal, found = solved.thermal, solved.transition
    low, high = solved.phases.metastable_range()
    yield header()
    yield ""
    yield f"potential  {jb.files.model.described(thermal.table)}   (GeV)"
    yield "           " + _assignments(thermal.couplings)
    yield f"           vacua given at {thermal.temperature} = {thermal.T_vacua:g}"
    yield "           " + _assignments(thermal.settings._asdict())
    yield f"           metastable within {low:g} to {high:g} GeV"
    yield ""
    yield f"T_n        {float(found.T_n):.10g} GeV   S3/T = {float(found.exponent_n):.8g}"
    yield f"T_p        {float(found.T_p):.10g} GeV   S3/T = {float(found.exponent_p):.8g}"
    yield f"beta/H     {float(found.beta_over_H):.10g}   (d ln Gamma/dt at T_p)"
    yield f"           relative error of the interpolated S3/T: {float(found.error):.1e}"
    yield f"rho_V      {_vacuum_energy(*solved.vacuum_over_radiation)}"
    yield ""
    yield from lines(of)
    yield ""
    yield "elasticities d ln(output)/d ln(parameter)"
    yield f"  {'parameter':20} {'value':>13} {'T_n':>14} {'T_p':>14} {'beta/H':>14}"
    for row in _rows(solved):
        cells = " ".join(f"{row[output]:14.7g}" for output in OUTPUTS)
        yield f"  {row['parameter']:20} {row['value']:13.6g} {cells}"
    yield ""
    keys = _chain_keys(solved)
    yield "in the chain"
    yield "  jaxbounce run " + " ".join(f"--set {k}={v:.10g}" for k, v in keys.items())
    if "v_w" not in keys:
        yield "  (with the wall speed of the chain, below 1; transition.v_w is 1 here)"


def _vacuum_energy(at_T_n: float, at_T_p: float) -> str:
    from jaxbounce.transition.solve import NOTED_VACUUM_ENERGY

    text = f"{at_T_n:.3g} of the energy of radiation at T_n, {at_T_p:.3g} at T_p"
    if at_T_p <= NOTED_VACUUM_ENERGY:
        return text
    return text + ", NOT in H: Gamma/H^4, T_n, T_p and beta/H are those of radiation alone"


def _assignments(values: Any) -> str:
    return ", ".join(f"{name} = {float(value):.10g}" for name, value in values.items())

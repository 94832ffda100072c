"""`jaxbounce run`: today's densities of one point, and what other evaluations of it give."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import jaxbounce as jb
from jaxbounce._core.status import Part, Status
from jaxbounce.cli import _story
from jaxbounce.cli._figures import Figures, Reported
from jaxbounce.cli._kept import kept
from jaxbounce.cli._shared import (
    Outputs,
    configured,
    envelope,
    exit_status,
    header,
    named_files,
    number,
    resolved,
    status_keys,
)
from jaxbounce.cli._table_one import is_of_table_one, table_one_lines, why_lines

if TYPE_CHECKING:
    from jaxbounce.conversion import Estimate
    from jaxbounce.conversion.models import ConversionSettings
    from jaxbounce.model.comparison import Comparison
    from jaxbounce.model.story import Origin
    from jaxbounce.percolation import AreaHistory

ORDER = 10
EXAMPLES = """\
jaxbounce run                                  the published benchmark, all evaluations
jaxbounce template > point.json                a configuration to edit
jaxbounce run point.json --out result.json     run it, write the published output JSON
jaxbounce run point.json --preset published    on the published grids, digit for digit
jaxbounce run point.json --set v_w=0.5 --set area_kernel=kjma
"""


@dataclasses.dataclass(frozen=True)
class Command(Reported):
    """Predict today's densities and print the report."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw rho_B by what is evaluated, with Planck's (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Predict, write and print it; the exit status."""
        figures, outputs = self.figures(), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.config,))
        configuration = configured(self)
        outputs.spare(named_files(self, configuration))
        from jaxbounce.model.caveats import caveats
        from jaxbounce.model.other_walls import on_other_walls
        from jaxbounce.model.story import story

        given = resolved(configuration)
        model, origins = story(given)
        result = jb.compare(model, compiled=kept)
        status, part = (int(code) for code in (result.prediction.status, result.prediction.failed))
        # of numbers that are not there nothing is assumed
        has_numbers = part == Part.NONE
        walls = on_other_walls(given, model) if has_numbers else {}
        assumed = caveats(configuration.model, origins) if has_numbers else ()
        if self.out is not None:
            found = _mapping(configuration, model, result, origins)
            found |= {"assumptions": _story.caveat_mapping(assumed)}
            found |= {"P_on_other_walls": {k: number(P) for k, P in walls.items()}} if walls else {}
            outputs.put(jb.files.write.write_json, self.out, found)
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(result), self.plot)
        lines = [*_lines(configuration, model, result, origins, figures)]
        if has_numbers:
            lines += [*_story.wall_lines(walls, origins, figures), ""]
            lines += _story.caveat_lines(assumed)
        print("\n".join(lines))
        return outputs.status(exit_status(Status(status), Part(part)))


def _mapping(
    configuration: "jb.Configuration",
    model: "jb.Model",
    result: "Comparison",
    origins: "Mapping[str, Origin]",
) -> dict[str, Any]:
    """The published output JSON, with our additions; null where there is no number."""
    from jaxbounce.model.comparison import ROWS, matching_occupancy

    prediction = result.prediction
    results = {
        "final": {
            "Y_B": number(prediction.Y_B),
            "Y_chi": number(prediction.Y_chi),
            "rho_B_kg_m3": number(prediction.rho_B),
            "rho_DM_kg_m3": number(prediction.rho_DM),
            "DM_over_B": number(prediction.ratio),
            "Omega_B_h2": number(prediction.omega_b_h2),
            "Omega_DM_h2": number(prediction.omega_dm_h2),
            "equations": configuration.choices.equations,
            "reasons_for_boltzmann": list(configuration.reasons),
            "T_end_GeV": number(prediction.T_end),
            "remaining_annihilation": number(prediction.remaining_annihilation),
            "Y_available": number(prediction.Y_available),
            "mean_hits": number(prediction.mean_hits),
            "H_over_H_radiation": number(prediction.hubble_factor),
            "entropy_dilution": number(prediction.dilution),
            "T_reh_GeV": number(prediction.T_reh),
            "relative_error_estimate": number(prediction.error_estimate),
            "error_shares": _story.share_mapping(result.shares),
            "P_error_estimate": number(result.conversion.error),
            "caution": _caution(prediction, configuration.choices),
            **status_keys(Status(int(prediction.status))),
            "failed": Part(int(prediction.failed)).text,
        },
        "nucleation": _nucleation_mapping(configuration, model),
        "story": _story.mapping(origins),
        "tension_with_planck2018": _tension_mapping(prediction),
        "comparison": [
            {
                "row": name,
                **ROWS[name],
                "Y_B": number(row.Y_B),
                "Y_chi": number(row.Y_chi),
                "rho_B_kg_m3": number(row.rho_B),
                "rho_DM_kg_m3": number(row.rho_DM),
                "DM_over_B": number(row.ratio),
                "f_chi_for_Planck_rho_B": number(matching_occupancy(origins["f_chi"].value, row)),
                "relative_error_estimate": number(row.error_estimate),
                "status": Status(int(row.status)).name.lower(),
            }
            for name, row in result.rows.items()
        ],
    }
    inputs = configuration.as_mapping() | {"P_used": number(result.conversion.P)}
    return envelope(inputs, **results)


def _choices_line(choices: "jb.Choices") -> str:
    closed = choices.dark_matter == "occupancy" and choices.equations == "quadrature"
    closure = f", closure {choices.closure}" if closed else ""
    return (
        f"area {choices.area_kernel}, quadrature {choices.quadrature}, equilibrium"
        f" {choices.equilibrium}, flux {choices.flux}, window {choices.window},"
        f" dark matter {choices.dark_matter}{closure}"
    )


_NAMES_OF_KERNELS = {
    "eq6": "eq6 leaves out coverage by older bubbles: its area never switches off, and the yield"
    ' depends on the window (area_kernel = "kjma" is exact)',
    "kjma": "kjma is exact: A/V = −ḣ/v_w",
    "history": "history is exact for the nucleation rate below: A/V by the chain of radius moments",
}


def _lines(
    c: "jb.Configuration",
    model: "jb.Model",
    result: "Comparison",
    origins: "Mapping[str, Origin]",
    figures: Figures,
) -> Iterator[str]:
    from jaxbounce.cosmology import constants as planck
    from jaxbounce.model.comparison import PLANCK_RHO_B, PLANCK_RHO_DM, matching_occupancy

    p, t = result.prediction, c.table
    of = {name: origin.value for name, origin in origins.items()}
    status = Status(int(p.status))
    yield header()
    yield ""
    if is_of_table_one(c) and result.rows:
        yield from table_one_lines(c, result, figures)
        yield ""
    yield "inputs"
    yield _beside(
        f"m_chi = {t['m_chi_GeV']:g} GeV ({t['chi_stats']}, g = {t['g_chi']:g})",
        _told("T_p", of["T_p"], "{:g} GeV"),
        _told("beta/H", of["beta_over_H"]),
        _told("v_w", of["v_w"]),
        f"I_p = {t['I_p']:g}",
    )
    P = float(result.conversion.P)
    yield _beside(
        f"P = {figures(P)}" if math.isfinite(P) else "",
        _told("f_chi", of["f_chi"]),
        f"sigma_y = {t['source_shape_sigma_y']:g}",
        _degrees_text(t),
    )
    yield from _history_lines(c, of, figures)
    yield from _vacuum_lines(c, of, p, figures)
    if c.conversion is not None:
        yield from _conversion_lines(c.conversion, result.conversion)
    yield from _story.lines(origins, figures)
    yield f"  choices: {_choices_line(c.choices)}"
    yield from _path_lines(c, p)
    yield f"           {_NAMES_OF_KERNELS[c.choices.area_kernel]}"
    yield from _nucleation_lines(c, model, figures)
    yield ""
    yield "today"
    if status in (Status.SUCCESS, Status.UNDERFLOW):
        yield f"  Y_B      = {figures(p.Y_B)}"
        yield f"  Y_chi    = {figures(p.Y_chi)}"
        yield (
            f"  rho_B    = {figures(p.rho_B)} kg/m³   (Omega h² = {float(p.omega_b_h2):.6f},"
            f" Planck {planck.PLANCK_OMEGA_B})"
        )
        yield (
            f"  rho_DM   = {figures(p.rho_DM)} kg/m³   (Omega h² = {float(p.omega_dm_h2):.6f},"
            f" Planck {planck.PLANCK_OMEGA_C})"
        )
        yield f"  DM/B     = {figures(p.ratio)}   (Planck {PLANCK_RHO_DM / PLANCK_RHO_B:.4f})"
        yield from _tension_lines(p)
    caution = _caution(p, c.choices)
    part = Part(int(p.failed))
    where = f"{part.text}: " if part != Part.NONE else ""
    yield f"  status   : {where}{status.message}{f', but {caution}' if caution else ''}"
    if status in (Status.SUCCESS, Status.UNDERFLOW):
        published = c.choices.quadrature == "published" and not c.reasons
        kind = "distance to the converged integral" if published else "estimated"
        yield f"  relative error of Y_B: {float(p.error_estimate):.1e} ({kind})"
        yield from _story.error_lines(result.shares, float(p.error_estimate))
        yield from _occupancy_lines(p, c.choices, figures)
        yield from _story.occupancy_lines(origins, matching_occupancy(of["f_chi"], p), figures)
    if result.rows:
        yield ""
        yield from _row_lines(c, result, of["f_chi"], figures)
        yield ""
        yield from why_lines(result.rows)


def _row_lines(
    c: "jb.Configuration", result: "Comparison", f_chi: float, figures: Figures
) -> Iterator[str]:
    """The rows of the comparison."""
    from jaxbounce.model.comparison import matching_occupancy

    wide = max(figures.width, 16)
    yield "the same inputs, by what is evaluated"
    heads = ("Y_B", "rho_B (kg/m³)", "DM/B", "f_chi for Planck")
    yield f"  {'row':26} " + " ".join(f"{head:>{wide}}" for head in heads)
    for name, row in result.rows.items():
        row_status = Status(int(row.status))
        if row_status in (Status.SUCCESS, Status.UNDERFLOW):
            numbers = (row.Y_B, row.rho_B, row.ratio, matching_occupancy(f_chi, row))
            yield f"  {name:26} " + " ".join(f"{figures(x):>{wide}}" for x in numbers)
        else:
            yield f"  {name:26} no number: {row_status.name.lower().replace('_', ' ')}"
    yield "  exact rows: A/V = −ḣ/v_w. Rows 1-5 use the published equilibrium limits."
    if c.reasons:
        yield f"  All rows are of the source alone, without {', '.join(c.reasons)}."


def _beside(*texts: str) -> str:
    """A line of them, without those that are empty."""
    return "  " + "   ".join(filter(None, texts))


def _told(name: str, value: float, form: str = "{:g}") -> str:
    """A name with its number; nothing of one that a stage which failed does not give."""
    return f"{name} = {form.format(value)}" if math.isfinite(value) else ""


def _degrees_text(t: Mapping[str, Any]) -> str:
    if isinstance(t["g_star"], str | Mapping):
        name = "from a table" if isinstance(t["g_star"], Mapping) else t["g_star"]
        return f"g_*(T): {name}"
    return f"g_* = {t['g_star']:g}   g_*s = {t['g_star_s']:g}"


_UNCERTAINTY = (
    # up to T (GeV), largest difference of the fit and its own table (EOS2018), in g_rho
    (0.12, "0.07 %"),
    (0.3, "4 % (and 13 % of the equation of state)"),
    (1.0, "1.6 %"),
    (10.0, "0.8 %"),
    (100.0, "0.6 %"),
    (1000.0, "1.2 %"),
    (math.inf, "0.14 %"),
)


def _uncertainty(g_star: object, T_p: float) -> str | None:
    """What is known of how far off g_*(T) itself may be at T_p; None of a number."""
    if not isinstance(g_star, str | Mapping) or not math.isfinite(T_p):
        return None
    if isinstance(g_star, str):
        size = next(text for T, text in _UNCERTAINTY if T_p <= T)
        return f"about {size}, not in the error below"
    from jaxbounce.files.history import stated_uncertainty

    size = stated_uncertainty(g_star, T_p)
    if size is None:
        return "not stated; a column `uncertainty` in the table of g_star would"
    return f"{100 * size:.2g} % by its table, not in the error below"


def _history_lines(
    c: "jb.Configuration", of: Mapping[str, float], figures: Figures
) -> Iterator[str]:
    """g_* at T_p with its uncertainty, and which s_0 and prefactor of H today's densities take."""
    import numpy as np

    from jaxbounce.cosmology.today import entropy_density_today

    degrees = c.model.degrees
    if degrees is None and c.choices.constants == "published":
        return
    s_today = np.asarray(entropy_density_today(degrees, c.choices.constants)).item() / 1e6
    if degrees is not None:
        T_p = of["T_p"]
        degrees = degrees.anchored(T_p)
        yield (
            f"  at T_p: g_* = {figures(degrees.energy(T_p))},"
            f" g_*s = {figures(degrees.entropy(T_p))}"
        )
    size = _uncertainty(c.table["g_star"], of["T_p"])
    if size is not None:
        yield f"           model uncertainty of g_* near T_p: {size}"
    yield (
        f"           s_0 = {s_today:.1f} cm⁻³, of today's g_*s (2891 is that of the published"
        f" pipeline); constants {c.choices.constants}"
    )


def _vacuum_lines(
    c: "jb.Configuration", of: Mapping[str, float], p: "jb.Prediction", figures: Figures
) -> Iterator[str]:
    """The factors by which vacuum energy changes H, and the energy it releases every yield."""
    known = math.isfinite(float(p.hubble_factor))
    if c.choices.expansion == "radiation+vacuum" and math.isfinite(of["alpha_V"]):
        factor = f": H there is {figures(p.hubble_factor)} times that of radiation"
        yield f"  vacuum energy: rho_V/rho_r = {of['alpha_V']:g} at T_p{factor if known else ''}"
        yield "           it counts in H until 99 % of space is covered, then as radiation"
    if c.choices.dilution == "reheating" and math.isfinite(of["alpha_eff"]):
        heated = (
            f" heats the bath to {figures(p.T_reh)} GeV; every yield is divided by"
            f" {figures(p.dilution)}"
        )
        yield f"  reheating: alpha_eff = {of['alpha_eff']:g}{heated if known else ''}"
    for name in ("alpha_V", "alpha_eff"):
        unused = jb.parameters.why_unused(name, c.choices)
        if of[name] > 0 and unused is not None:
            yield f"  {name} = {of[name]:g} is not in the numbers below: {unused}"


def _nucleation_lines(c: "jb.Configuration", model: "jb.Model", figures: Figures) -> Iterator[str]:
    """Which nucleation history the wall area is of, and its certificate."""
    written = c.table["nucleation"]
    if c.choices.area_kernel != "history":
        if written is not None:
            yield '           nucleation: not used, area_kernel = "history" takes it'
        return
    if written is None:
        yield "  nucleation: that of the transition"
        yield from _area_lines(c, _area(model), figures)
        return
    rate = written.get("rate", "exponential")
    numbers = ", ".join(
        f"{key} = {value}" for key, value in written.items() if key not in ("rate", "expansion")
    )
    expands = "expanding" if written.get("expansion", True) else "without expansion"
    name = rate if isinstance(rate, str) else f"table of {len(next(iter(rate.values())))} rows"
    yield f"  nucleation: {name}{', ' if numbers else ''}{numbers}, {expands}"
    area = _area(model)
    if Status(int(area.status)) == Status.SUCCESS:
        yield from _rate_lines(c, figures)
    yield from _area_lines(c, area, figures)


def _area_lines(c: "jb.Configuration", area: "AreaHistory", figures: Figures) -> Iterator[str]:
    """The certificate of a wall area."""
    status = Status(int(area.status))
    if status != Status.SUCCESS:
        yield f"           {status.message}"
        return
    I_p = c.table["I_p"]
    yield (
        f"           walls sweep {figures(area.swept_fraction)} of space, bubbles are born with"
        f" {figures(area.nucleated_fraction)}, {float(area.remaining_fraction):.2g} is left at"
        f" y = {float(area.end):.4g}: together 1 to {abs(float(area.sum_rule) - 1):.0e}"
    )
    ratio = float(area.scaled(0.0)) / (I_p * math.exp(-I_p))
    yield (
        f"           A/V at T_p is {figures(ratio)} of that of an exponential rate with this beta;"
        f" its error is below {float(area.errors.max()):.0e} beta/v_w"
    )


def _rate_lines(c: "jb.Configuration", figures: Figures) -> Iterator[str]:
    """Whether β/H is that of a rate over T."""
    from jaxbounce.files.nucleation import own_beta
    from jaxbounce.percolation import Nucleation

    stage = next(s for s in c.model.stages if isinstance(s, Nucleation))
    own = own_beta(stage, c.table["T_p_GeV"], c.model.degrees)
    if own is None:
        return
    yield (
        f"           beta/H of this rate at T_p is {figures(own)}; beta_over_H ="
        f" {c.table['beta_over_H']:g} is the unit of time here, and beta in all other rows"
    )


def _nucleation_mapping(c: "jb.Configuration", model: "jb.Model") -> dict[str, Any] | None:
    """The certificate of the wall area; None where it is not that of a history."""
    if c.choices.area_kernel != "history":
        return None
    area = _area(model)
    return {
        "swept_fraction": number(area.swept_fraction),
        "nucleated_fraction": number(area.nucleated_fraction),
        "remaining_fraction": number(area.remaining_fraction),
        "sum_rule": number(area.sum_rule),
        "largest_error_of_area": number(area.errors.max()),
        **status_keys(Status(int(area.status))),
    }


def _area(model: "jb.Model") -> "AreaHistory":
    """The wall area that the model's history gives."""
    import jax

    return jax.jit(lambda model: model.known().values["area"])(model.with_P(0.0))


def _tension_lines(p: "jb.Prediction") -> Iterator[str]:
    """How far from Planck the densities are, as measured in σ with their correlation."""
    if not float(p.ratio) < math.inf:
        return
    from jaxbounce._core.summary import sigmas

    found = jb.inference.tension(jb.inference.likelihood(), p)
    pulls = ", ".join(f"{name} {sigmas(value)}" for name, value in found.pulls.items())
    yield (
        f"  Planck   : DM/B off by {sigmas(found.ratio_sigma)}; both densities jointly chi² ="
        f" {found.chi2:.4g} ({pulls})"
    )


def _tension_mapping(p: "jb.Prediction") -> dict[str, Any] | None:
    if Status(int(p.status)) != Status.SUCCESS or not float(p.ratio) < math.inf:
        return None
    found = jb.inference.tension(jb.inference.likelihood(), p)
    return {
        "ratio_sigma": number(found.ratio_sigma),
        "chi2": number(found.chi2),
        "n_sigma": number(found.n_sigma),
        "pulls": {name: number(value) for name, value in found.pulls.items()},
    }


def _path_lines(c: "jb.Configuration", p: "jb.Prediction") -> Iterator[str]:
    """Which equations ran, why, and over which temperatures."""
    if not c.reasons:
        yield "           equations: source integral (no annihilation, washout or depletion)"
        return
    choices = c.choices
    start = "equilibrium" if choices.initial == "equilibrium" else "the given yield"
    yield (
        f"           equations: Boltzmann, because of {', '.join(c.reasons)}; chi starts from"
        f" {start}, source {choices.coupling}, depletion {choices.depletion}"
    )
    if choices.temperature_range == "frozen":
        yield "           annihilation is followed past T_min to its end"
    elif float(p.remaining_annihilation) > 1e-3:
        yield (
            "           the range ends before annihilation does: up to"
            f" {float(p.remaining_annihilation):.1%} of chi is left to go"
            ' (temperature_range = "frozen" follows it)'
        )


def _conversion_lines(settings: "ConversionSettings", conversion: "Estimate") -> Iterator[str]:
    from jaxbounce.conversion.models import MODELS

    couplings, meaning = settings.couplings, MODELS[settings.model].meaning
    yield (
        f"  P from a wall: {settings.source}, lambda = {float(couplings.lam):g},"
        f" y_B = {float(couplings.y_B):g}, y_chi = {float(couplings.y_chi):g}"
    )
    yield (
        f"           {settings.model}, {settings.incidence} incidence: {meaning};"
        f" absolute error {float(conversion.error):.1e}"
    )


def _caution(p: "jb.Prediction", choices: "jb.Choices") -> str | None:
    """What a success leaves open: whether more χ was converted than there is; None if it was not.

    The published source follows f_χ n_eq whatever is left of it, so that it can; one that follows
    χ cannot, though the bath may make more of them.
    """
    available, converted = float(p.Y_available), float(p.Y_B)
    if choices.coupling == "self-consistent" or not converted > available > 0:
        return None
    return f"more chi is converted than exists: Y_B is {converted / available:.4g} f_chi n_eq/s"


def _occupancy_lines(p: "jb.Prediction", choices: "jb.Choices", figures: Figures) -> Iterator[str]:
    """What the occupancy provides, against what is left today where that is given."""
    available = float(p.Y_available)
    if choices.coupling == "self-consistent" and choices.dark_matter == "input":
        yield f"  occupancy: the source follows chi, not f_chi; hits of each {figures(p.mean_hits)}"
        return
    yield (
        f"  occupancy: f_chi n_eq/s = {figures(available)} is all the chi there is;"
        f" a wall front hits each {figures(p.mean_hits)} times"
    )
    left = float(p.Y_chi)
    given = choices.dark_matter == "input" and choices.equations == "quadrature"
    if given and left > available > 0:
        yield (
            f"             Y_chi, which is given, is {left / available:.4g} times that: not all of"
            " today's dark matter was there to hit a wall"
        )

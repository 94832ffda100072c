"""`jaxbounce convert`: P of a wall by every method side by side, each with its certificate."""

import dataclasses
import math
from collections.abc import Iterator
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
    number,
    settled,
    status_keys,
    texts,
)
from jaxbounce.cli._streams import say

if TYPE_CHECKING:
    from jaxbounce.conversion import Estimate
    from jaxbounce.conversion.published import PublishedLocal, SolvedOverlap
    from jaxbounce.conversion.tiers import Conversion, Tier

ORDER = 80
EXAMPLES = """\
jaxbounce convert wall.csv --average 100       P of a wall by every method
jaxbounce run --set conversion.profile_csv=wall.csv   P from that wall in the chain
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """Print the conversion probability of a wall by every method, each with its certificate."""

    source: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[PROFILE]")] = None
    """CSV with columns r, Phi, phi (R_peak, w_FWHM), or a JSON or TOML conversion table that names
    one, such as the published transport_params.json. Left out: the wall of the published potential
    in infinite volume, which the package brings (jaxbounce bounce --preset published)."""
    params: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Conversion table to go with a CSV, such as the published extended_LZ_lambda_params.json."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """One model only: two-level, two-level-dec, two-level-relativistic, local, local-coherent,
    local-relativistic, overlap, full-wave-scalar, full-wave-dirac."""
    lam: Annotated[float | None, tyro.conf.arg(name="lambda", metavar="λ")] = None
    """Mixing over |phi|; published 0.209."""
    v_w: Annotated[float | None, tyro.conf.arg(metavar="V")] = None
    """Wall speed; published 0.3."""
    average: Annotated[str | None, tyro.conf.arg(metavar="T")] = None
    """Average over the thermal flux at this temperature too (GeV), such as 100."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the conversion table, such as couplings.y_B=0.9, K=2 or unit_GeV=1000."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON with the published output keys, whole or not at all."""
    digits: Digits = DIGITS
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the level crossing and P along the wall (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Compute, write and print it; the exit status."""
        from jaxbounce._core.checks import check_name, check_number
        from jaxbounce.conversion.models import MODELS
        from jaxbounce.conversion.published import local_estimate, solved_overlap

        figures, outputs = Figures(self.digits), Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.source, self.params))
        jb.enable_x64()
        keep_compiled()
        table = settled(self._table(), self.set)
        if self.lam is not None:
            table.pop("lambda_tr_eff", None)
            jb.files.tables.put(table, "couplings.lambda_tr_eff", self.lam)
        T = self._temperature()
        if self.v_w is not None:
            check_number("--v-w", self.v_w, jb.files.conversion.WALL_SPEED)
        if self.model is not None:
            table["model"] = check_name("--model", self.model, MODELS)
        outputs.spare(texts(table))
        settings = jb.files.conversion.read_conversion(table)
        if self.model is not None:
            settings.refuse_unused_K()
        result = jb.convert(settings, self.v_w, T, self.model)
        local = local_estimate(settings, result.v_w)
        overlap = solved_overlap(settings, result.v_w)
        if self.out is not None:
            outputs.put(jb.files.write.write_json, self.out, _mapping(result, local, overlap))
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(result), self.plot)
        print("\n".join(_lines(result, local, overlap, figures)))
        return outputs.status(_exit_status(result.tiers[0]))

    def _table(self) -> dict[str, Any]:
        """The conversion table that the arguments name."""
        expand = jb.files.conversion.expand_conversion
        source = self.source or jb.files.conversion.SHIPPED_WALL
        if source.suffix.lower() in (".json", ".toml"):
            if self.params is not None:
                raise ConfigurationError(
                    f"--params {self.params}: {source} is a conversion table already; give a CSV"
                    " with --params, or a table alone"
                )
            return dict(expand(source, Path()))
        table = {} if self.params is None else dict(expand(self.params, Path()))
        table.pop("tanh", None)
        table["profile_csv"] = str(source)
        return table

    def _temperature(self) -> float | None:
        """That of --average."""
        from jaxbounce._core.checks import check_number, shown
        from jaxbounce._core.ranges import above

        if self.average is None:
            return None
        try:
            T = float(self.average.removeprefix("T="))
        except ValueError:
            raise ConfigurationError(
                f"--average {shown(self.average)}: must be a temperature in GeV, such as 100"
            ) from None
        return check_number("--average T", T, above(0, "temperature in GeV"))


def _exit_status(first: "Tier") -> int:
    """1 with the reason on stderr if the first tier, or its average, has no number."""
    codes = [first.status] + ([] if first.average is None else [Status(int(first.average.status))])
    failed = [status for status in codes if status != Status.SUCCESS]
    if failed:
        say(f"{first.name}: {failed[0].message}")
    return 1 if failed else 0


_SMOOTHING = (
    "Crossings are those of an interpolating spline. The published script used a smoothing one"
    " (s = 1e-6), whose result depends on the number of rows: for the published wall P = 0.14925839"
    " in place of 0.1492808."
)
_LOCAL = (
    "results.P_chi_to_B is the local estimate, as published; the exact value is P_ad of the tier"
    " two-level."
)
_OVERLAP = (
    "The overlap is for reproduction only: its integral grows with xi_span_mult without limit, and"
    " lambda0_required is solved for the wanted ratio."
)


def _notes(result: "Conversion") -> list[str]:
    """What a reader should know, in plain words."""
    settings = result.settings
    found = [*settings.notes]
    if settings.profile is not None:
        found.append(_SMOOTHING)
    found.append(_LOCAL)
    if settings.energies is not None:
        found.append(_OVERLAP)
    cold = [tier for tier in result.tiers if "K" in tier.details]
    if cold and settings.K is None:
        found.append(
            f"K = {cold[0].details['K']:.6g} is gamma m_in of a chi at rest in the plasma, m_in the"
            " mass of the chi-like state outside; set K for another momentum."
        )
    return found


def _mapping(
    result: "Conversion", local: "PublishedLocal", overlap: "SolvedOverlap | None"
) -> dict[str, Any]:
    """The published output keys with ours beside them; null where there is no number."""
    from jaxbounce.conversion.models import MODELS

    settings = result.settings
    profile, couplings = settings.profile, settings.couplings
    inputs: dict[str, Any] = {
        "csv": settings.source,
        "R0": None if profile is None else profile.R_peak,
        "w": None if profile is None else number(profile.w_FWHM),
        "y_B": float(couplings.y_B),
        "y_chi": float(couplings.y_chi),
        "lambda_tr_eff": float(couplings.lam),
        "v_w": result.v_w,
        "T_GeV": result.T,
        "unit_GeV": settings.unit_GeV,
        "stretch": settings.stretch,
    }
    if profile is not None:
        inputs["columns_used"] = profile.columns
    P = None if local.P is None else number(local.P)
    results: dict[str, Any] = {
        "derived": {
            "xi_star": local.xi,
            "phi_star": local.phi,
            "Delta_prime_at_star": local.slope,
        },
        "results": {
            "delta_LZ": local.delta,
            "P_chi_to_B": P,
            "n_LSP_over_n_B": (1 - P) / P if P else None,
        },
        "tiers": [
            {
                "tier": tier.name,
                "meaning": MODELS[tier.name].meaning,
                **_estimate_keys(tier.estimate),
                "details": tier.details,
            }
            | ({} if tier.average is None else {"thermal_average": _estimate_keys(tier.average)})
            for tier in result.tiers
        ],
        "notes": " ".join(_notes(result)),
    }
    if overlap is not None:
        inputs |= _overlap_inputs(overlap, local, inputs["R0"])
        results |= {
            "integrals": {
                "I2_phi2_f2": number(overlap.solved.I2),
                "I2_error_estimate": float(overlap.solved.error_I2),
            },
            "result": {
                "lambda0_required": number(overlap.solved.lam),
                "lambda_eff_equiv": number(overlap.solved.lam_eff),
            },
        }
    return envelope(inputs, **results)


def _estimate_keys(estimate: "Estimate") -> dict[str, Any]:
    table = {} if estimate.table is None else {"error_from_table": _table_keys(estimate)}
    return {
        "P": number(estimate.P),
        "error_estimate": number(estimate.error),
        **table,
        **status_keys(Status(int(estimate.status))),
    }


def _table_keys(estimate: "Estimate") -> dict[str, float]:
    """What of the error the table of the wall makes, by cause."""
    found: Any = estimate.table
    return {f.name: float(getattr(found, f.name)) for f in dataclasses.fields(found)}


def _overlap_inputs(
    found: "SolvedOverlap", local: "PublishedLocal", R_peak: float | None
) -> dict[str, Any]:
    """The keys of the published overlap script."""
    overlap = found.overlap
    span = float(overlap.span * overlap.fwhm)
    return {
        "R_peak": R_peak,
        "FWHM": float(overlap.fwhm),
        "xi_star": local.xi,
        "xi_side": "sfv_positive" if span > 0 else "sfv_negative",
        "phi_star": local.phi,
        "Delta_prime": local.slope,
        "energy_grid": {
            "Emin": float(overlap.E_min),
            "Emax": None if overlap.E_max is None else float(overlap.E_max),
            "nE": overlap.energies,
            "T_reh": float(overlap.T_reh),
        },
        "xi_span": span,
        "target_ratio": found.ratio,
    }


def _lines(
    result: "Conversion",
    local: "PublishedLocal",
    overlap: "SolvedOverlap | None",
    figures: Figures,
) -> Iterator[str]:
    s = result.settings
    yield header()
    yield ""
    yield f"wall     {s.source}"
    if s.profile is not None:
        p = s.profile
        width = f", w_FWHM = {figures(p.w_FWHM)}" if math.isfinite(p.w_FWHM) else ""
        yield f"         {p.r.size} rows, R_peak = {figures(p.R_peak)}{width}"
    c = s.couplings
    yield (
        f"         y_B = {float(c.y_B):g}, y_chi = {float(c.y_chi):g}, lambda = {float(c.lam):g},"
        f" v_w = {result.v_w:g}"
    )
    if local.xi is None:
        yield "         the levels do not cross"
    else:
        yield (
            f"crossing xi* = {figures(local.xi)}, phi* = {figures(local.phi)},"
            f" Delta' = {figures(local.slope)} (the first one)"
        )
    yield ""
    averaged = result.T is not None
    mean = f"<P> at T = {result.T:g} GeV" if averaged else ""
    wide, wider = figures.column(_NONE), figures.column(_NONE, mean)
    head = f"  {'tier':24} {'P':>{wide}} {'error':>9}"
    yield head + (f" {mean:>{wider}} {'error':>9}" if averaged else "")
    for tier in result.tiers:
        cell = _cell(tier.estimate, figures)
        line = f"  {tier.name:24} {cell:>{wide}} {float(tier.estimate.error):9.1e}"
        if tier.average is not None:
            line += f" {_cell(tier.average, figures):>{wider}} {float(tier.average.error):9.1e}"
        yield line.rstrip()
        yield from (f"    {text}" for text in _certificate(tier, figures))
    if overlap is not None:
        solved = overlap.solved
        yield (
            f"  published overlap solved for n_chi/n_B = {overlap.ratio:g}: lambda0 ="
            f" {figures(solved.lam)}, lambda_eff = {figures(solved.lam_eff)},"
            f" I2 = {figures(solved.I2)}"
        )
    yield ""
    for note in _notes(result):
        yield f"note: {note}"


_NONE = "no number"


def _cell(estimate: "Estimate", figures: Figures) -> str:
    return figures(estimate.P) if int(estimate.status) == Status.SUCCESS else _NONE


def _certificate(tier: "Tier", figures: Figures) -> Iterator[str]:
    d = tier.details
    for estimate in (tier.estimate, tier.average):
        if estimate is not None and int(estimate.status) != Status.SUCCESS:
            yield Status(int(estimate.status)).message
        if estimate is not None and estimate.table is not None:
            of = "of the error" if estimate is tier.estimate else "of that of <P>"
            parts = ", ".join(f"{name} {part:.1e}" for name, part in _table_keys(estimate).items())
            yield f"{of} from the table: {parts}"
    if tier.status != Status.SUCCESS:
        return
    if tier.name.startswith("two-level"):
        yield (
            f"P_ad = {figures(d['P_ad'])}, P_dec = {figures(d['P_dec'])};"
            f" P_flav = {figures(d['P_flav'])} depends on the ends"
            f" ({d['xi_lower']:.4g}, {d['xi_upper']:.4g})"
        )
        yield f"unitarity {d['unitarity']:.1e}, {d['steps']} steps" + _momentum(d, figures)
    elif tier.name.startswith("full-wave"):
        yield (
            f"T_B = {figures(d['T_B'])}, T_chi = {figures(d['T_chi'])},"
            f" R_B = {figures(d['R_B'])}, R_chi = {figures(d['R_chi'])}"
        )
        yield f"unitarity {abs(d['unitarity_defect']):.1e}, {d['steps']} steps" + _momentum(
            d, figures
        )
    elif tier.name == "overlap":
        yield f"with lambda0 = lambda: delta = {figures(d['delta'])}, I2 = {figures(d['I2'])}"
    else:
        both = zip(d["xi"], d["delta"], strict=True)
        pairs = ", ".join(f"{figures(x)}: {figures(y)}" for x, y in both)
        yield f"delta at xi*: {pairs}" + _momentum(d, figures)


def _momentum(details: dict[str, Any], figures: Figures) -> str:
    return f", K = {figures(details['K'])}" if "K" in details else ""

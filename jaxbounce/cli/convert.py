"""The command `jaxbounce convert`."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import tyro

from jaxbounce._core.status import Status
from jaxbounce._core.version import __version__
from jaxbounce.cli._shared import keep_compiled, overrides
from jaxbounce.conversion import DistributedOverlap, Estimate, LocalLandauZener, OverlapResult
from jaxbounce.conversion.models import MODELS, PUBLISHED_RATIO
from jaxbounce.conversion.tiers import Conversion, Tier
from jaxbounce.files.write import json_number


@dataclasses.dataclass(frozen=True)
class Convert:
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
    average: Annotated[str | None, tyro.conf.arg(metavar="T=…")] = None
    """Average over the thermal flux at this temperature too (GeV), such as T=100."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the conversion table, such as couplings.y_B=0.9, K=2 or unit_GeV=1000."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON with the published output keys, whole or not at all."""


def run_convert(command: Convert) -> int:
    """Run `jaxbounce convert`; the exit status."""
    from jaxbounce import Status, enable_x64
    from jaxbounce._core.checks import check_name, check_number
    from jaxbounce._core.errors import ConfigurationError
    from jaxbounce._core.ranges import above
    from jaxbounce.cli import convert as conversion_report
    from jaxbounce.conversion import tiers as conversion_tiers
    from jaxbounce.conversion.models import MODELS
    from jaxbounce.files.conversion import (
        SHIPPED_WALL,
        WALL_SPEED,
        expand_conversion,
        read_conversion,
    )
    from jaxbounce.files.tables import put
    from jaxbounce.files.write import write_json

    enable_x64()
    keep_compiled()
    source = command.source or SHIPPED_WALL
    if source.suffix.lower() in (".json", ".toml"):
        if command.params is not None:
            raise ConfigurationError(
                f"--params {command.params}: {source} is a conversion table already; give a CSV"
                " with --params, or a table alone"
            )
        table = expand_conversion(source, Path())
    else:
        table = {} if command.params is None else expand_conversion(command.params, Path())
        table.pop("tanh", None)
        table["profile_csv"] = str(source)
    for key, value in overrides(command.set).items():
        put(table, key, value)
    if command.lam is not None:
        table.pop("lambda_tr_eff", None)
        put(table, "couplings.lambda_tr_eff", command.lam)
    T = None
    if command.average is not None:
        name, _, value = command.average.partition("=")
        try:
            T = check_number("--average T", float(value), above(0, "temperature in GeV"))
        except ValueError as error:
            if isinstance(error, ConfigurationError):
                raise
            name = ""
        if name != "T":
            raise ConfigurationError(
                f"--average {command.average}: must be T=NUMBER, such as T=100"
            )
    if command.v_w is not None:
        check_number("--v-w", command.v_w, WALL_SPEED)
    if command.model is not None:
        table["model"] = check_name("--model", command.model, MODELS)
    settings = read_conversion(table)
    if command.model is not None:
        settings.refuse_unused_K()
    result = conversion_tiers.convert(settings, command.v_w, T, command.model)
    if command.out is not None:
        write_json(command.out, conversion_report.as_mapping(result))
    print(conversion_report.as_text(result))
    first = result.tiers[0]
    codes = [first.status] + ([] if first.average is None else [Status(int(first.average.status))])
    failed = [status for status in codes if status != Status.SUCCESS]
    if failed:
        print(f"jaxbounce: {first.name}: {failed[0].message}", file=sys.stderr)
    return 1 if failed else 0


_SMOOTHING = (
    "Crossings are those of an interpolating spline. The published script used a smoothing one"
    " (s = 1e-6), whose result hangs on the number of rows: for the published wall P = 0.14925839"
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


def _estimate_mapping(estimate: Estimate) -> dict[str, Any]:
    status = Status(int(estimate.status))
    return {
        "P": json_number(estimate.P),
        "error_estimate": json_number(estimate.error),
        "status": status.name.lower(),
        "status_message": status.message,
    }


_coupling_for_ratio = eqx.filter_jit(DistributedOverlap.coupling_for_ratio)


@dataclasses.dataclass(frozen=True)
class _Local:
    """What the published scripts print, from the first crossing."""

    xi: float | None
    phi: float | None
    slope: float | None
    delta: float | None
    P: float | None


@eqx.filter_jit
def _crossing(settings_wall: Any, couplings: Any, v_w: jax.Array) -> Any:
    local = LocalLandauZener()(settings_wall, couplings, v_w)
    return local, settings_wall.fields(local.xi[0])[1]


def _local(result: Conversion) -> _Local:
    conversion = result.settings.build("local")
    local, phi = _crossing(conversion.wall(), conversion.couplings, jnp.asarray(result.v_w))
    if int(local.exists.sum()) == 0:
        return _Local(None, None, None, None, None)
    return _Local(
        float(local.xi[0]),
        float(phi),
        float(local.slope[0]),
        float(local.delta[0]),
        json_number(local.P),
    )


def notes(result: Conversion) -> list[str]:
    """What a reader should know, in plain words."""
    found = [*result.settings.notes]
    if result.settings.profile is not None:
        found.append(_SMOOTHING)
    found.append(_LOCAL)
    if result.settings.energies is not None:
        found.append(_OVERLAP)
    cold = [tier for tier in result.tiers if "K" in tier.details]
    if cold and result.settings.K is None:
        found.append(
            f"K = {cold[0].details['K']:.6g} is gamma m_in of a chi at rest in the plasma, m_in the"
            " mass of the chi-like state outside; set K for another momentum."
        )
    return found


def as_mapping(result: Conversion) -> dict[str, Any]:
    """The published output keys with ours beside them; null where there is no number."""
    settings, local = result.settings, _local(result)
    profile = settings.profile
    couplings = settings.couplings
    inputs: dict[str, Any] = {
        "csv": settings.source,
        "R0": None if profile is None else profile.R_peak,
        "w": None if profile is None else json_number(profile.w_FWHM),
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
    mapping: dict[str, Any] = {
        "inputs": inputs,
        "derived": {
            "xi_star": local.xi,
            "phi_star": local.phi,
            "Delta_prime_at_star": local.slope,
        },
        "results": {
            "delta_LZ": local.delta,
            "P_chi_to_B": local.P,
            "n_LSP_over_n_B": (1 - local.P) / local.P if local.P else None,
        },
        "tiers": [
            {
                "tier": tier.name,
                "meaning": MODELS[tier.name],
                **_estimate_mapping(tier.estimate),
                "details": tier.details,
            }
            | ({} if tier.average is None else {"thermal_average": _estimate_mapping(tier.average)})
            for tier in result.tiers
        ],
        "notes": " ".join(notes(result)),
        "jaxbounce_version": __version__,
    }
    if settings.energies is not None or settings.target_ratio is not None:
        mapping |= _overlap_mapping(result, local, inputs)
    return mapping


def _solved_overlap(result: Conversion) -> tuple[DistributedOverlap, float, OverlapResult]:
    settings = result.settings
    overlap, ratio = settings.overlap(), settings.target_ratio or PUBLISHED_RATIO
    wall = settings.build("overlap").wall()
    solved = _coupling_for_ratio(overlap, wall, settings.couplings, result.v_w, ratio)
    return overlap, ratio, solved


def _overlap_mapping(
    result: Conversion, local: _Local, inputs: dict[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """The keys of the published overlap script, λ₀ solved for its target ratio."""
    overlap, ratio, solved = _solved_overlap(result)
    span = float(overlap.span * overlap.fwhm)
    inputs |= {
        "R_peak": inputs["R0"],
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
        "target_ratio": ratio,
    }
    return {
        "integrals": {
            "I2_phi2_f2": json_number(solved.I2),
            "I2_error_estimate": float(solved.error_I2),
        },
        "result": {
            "lambda0_required": json_number(solved.lam),
            "lambda_eff_equiv": json_number(solved.lam_eff),
        },
    }


def as_text(result: Conversion) -> str:
    """The report a person reads."""
    return "\n".join(_lines(result))


def _lines(result: Conversion) -> Iterator[str]:
    s, local = result.settings, _local(result)
    yield f"jaxbounce {__version__}"
    yield ""
    yield f"wall     {s.source}"
    if s.profile is not None:
        p = s.profile
        yield f"         {p.r.size} rows, R_peak = {p.R_peak:.9g}, w_FWHM = {p.w_FWHM:.9g}"
    c = s.couplings
    yield (
        f"         y_B = {float(c.y_B):g}, y_chi = {float(c.y_chi):g}, lambda = {float(c.lam):g},"
        f" v_w = {result.v_w:g}"
    )
    if local.xi is None:
        yield "         the levels do not cross"
    else:
        yield (
            f"crossing xi* = {local.xi:.10g}, phi* = {local.phi:.10g}, Delta' = {local.slope:.10g}"
            " (the first one)"
        )
    yield ""
    averaged = result.T is not None
    head = f"  {'tier':24} {'P':>16} {'error':>9}"
    yield head + (f" {f'<P> at T = {result.T:g} GeV':>24} {'error':>9}" if averaged else "")
    for tier in result.tiers:
        line = f"  {tier.name:24} {_cell(tier.estimate):>16} {float(tier.estimate.error):9.1e}"
        if tier.average is not None:
            line += f" {_cell(tier.average):>24} {float(tier.average.error):9.1e}"
        yield line.rstrip()
        yield from (f"    {text}" for text in _certificate(tier))
    if s.target_ratio is not None or s.energies is not None:
        _, ratio, solved = _solved_overlap(result)
        yield (
            f"  published overlap solved for n_chi/n_B = {ratio:g}: lambda0 ="
            f" {float(solved.lam):.6g}, lambda_eff = {float(solved.lam_eff):.6g},"
            f" I2 = {float(solved.I2):.8g}"
        )
    yield ""
    for note in notes(result):
        yield f"note: {note}"


def _cell(estimate: Estimate) -> str:
    return f"{float(estimate.P):.10f}" if int(estimate.status) == Status.SUCCESS else "no number"


def _certificate(tier: Tier) -> Iterator[str]:
    d = tier.details
    for estimate in (tier.estimate, tier.average):
        if estimate is not None and int(estimate.status) != Status.SUCCESS:
            yield Status(int(estimate.status)).message
    if tier.status != Status.SUCCESS:
        return
    if tier.name.startswith("two-level"):
        yield (
            f"P_ad = {d['P_ad']:.10f}, P_dec = {d['P_dec']:.10f}; P_flav = {d['P_flav']:.4f} hangs"
            f" on the ends ({d['xi_lower']:.4g}, {d['xi_upper']:.4g})"
        )
        yield f"unitarity {d['unitarity']:.1e}, {d['steps']} steps" + _momentum(d)
    elif tier.name.startswith("full-wave"):
        yield (
            f"T_B = {d['T_B']:.10f}, T_chi = {d['T_chi']:.6g}, R_B = {d['R_B']:.6g},"
            f" R_chi = {d['R_chi']:.10f}"
        )
        yield f"unitarity {abs(d['unitarity_defect']):.1e}, {d['steps']} steps" + _momentum(d)
    elif tier.name == "overlap":
        yield f"with lambda0 = lambda: delta = {d['delta']:.6g}, I2 = {d['I2']:.8g}"
    else:
        pairs = ", ".join(f"{x:.6g}: {y:.6g}" for x, y in zip(d["xi"], d["delta"], strict=True))
        yield f"delta at xi*: {pairs}" + _momentum(d)


def _momentum(details: dict[str, Any]) -> str:
    return f", K = {details['K']:.6g}" if "K" in details else ""

"""The report of one run: what a person reads, and the JSON that a program reads."""

import contextlib
import dataclasses
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxbounce._checks import ComputationError, ConfigurationError
from jaxbounce._version import __version__
from jaxbounce.config import PARAMETER_OF_KEY, Configuration, configure
from jaxbounce.constants import CRITICAL_DENSITY_OVER_H2, PLANCK_OMEGA_B, PLANCK_OMEGA_C
from jaxbounce.conversion import Estimate
from jaxbounce.conversion_config import MODELS, ConversionSettings
from jaxbounce.conversion_report import probability, resolved
from jaxbounce.cosmology import (
    entropy_density,
    hubble_rate,
    time_of_temperature_ratio,
)
from jaxbounce.equilibrium import incident_flux
from jaxbounce.inference import likelihood, tension
from jaxbounce.model import Model, Prediction, conversion_probability, predict
from jaxbounce.parameters import CHOICES, RANGES, Choices
from jaxbounce.percolation import activity_window, scaled_area_density
from jaxbounce.status import Status
from jaxbounce.yields import published_area_density

PLANCK_RHO_B = PLANCK_OMEGA_B * CRITICAL_DENSITY_OVER_H2
"""Planck 2018 baryon density (kg/m³)."""
PLANCK_RHO_DM = PLANCK_OMEGA_C * CRITICAL_DENSITY_OVER_H2
"""Planck 2018 dark-matter density (kg/m³)."""


def _row(
    area_kernel: str,
    flux: str,
    window: str,
    equilibrium: str = "piecewise",
    quadrature: str = "gauss-legendre",
) -> dict[str, str]:
    return {
        "area_kernel": area_kernel,
        "quadrature": quadrature,
        "equilibrium": equilibrium,
        "flux": flux,
        "window": window,
    }


ROWS: dict[str, dict[str, str]] = {
    "published": _row("eq6", "static", "gaussian", quadrature="published"),
    "eq (6), converged": _row("eq6", "static", "gaussian"),
    "exact KJMA, same window": _row("kjma", "static", "gaussian"),
    "exact KJMA": _row("kjma", "static", "none"),
    "exact KJMA, moving wall": _row("kjma", "moving-wall", "none"),
    "… and exact equilibrium": _row("kjma", "moving-wall", "none", equilibrium="exact"),
}
"""The rows of the comparison: published grids, the same equations converged, the exact ones.

Depletion closures, annihilation and washout are left out, so that the rows differ in the source
alone; Y_χ is the input, or follows the configuration's dark-matter option with the linear closure.
"""


class Run(NamedTuple):
    """A configuration with its prediction and the rows of the comparison."""

    configuration: Configuration
    prediction: Prediction
    rows: dict[str, Prediction]
    conversion: Estimate
    """P with its absolute error and status."""


@jax.jit
def _predict_all(models: list[Model]) -> list[Prediction]:
    return [predict(model) for model in models]


def run(configuration: Configuration) -> Run:
    """Evaluate a configuration and the comparison rows, compiled together."""
    model, conversion = resolved_model(configuration)
    if Status(int(conversion.status)) != Status.SUCCESS:
        return Run(configuration, predict(model), {}, conversion)
    # the rows share one P: computed once
    model = model.with_P(conversion.P)
    rows = {name: _source_alone(model).choose(**row) for name, row in ROWS.items()}
    # one of the rows is often the run itself: evaluate each set of choices once
    distinct = {m.choices: m for m in (model, *rows.values())}
    predicted = _predict_all(list(distinct.values()))
    relative = float(conversion.error) / float(conversion.P) if conversion.P > 0 else 0.0
    predictions = {
        choices: dataclasses.replace(found, error_estimate=found.error_estimate + relative)
        for choices, found in zip(distinct, predicted, strict=True)
    }
    return Run(
        configuration,
        predictions[model.choices],
        {name: predictions[row.choices] for name, row in rows.items()},
        conversion,
    )


def _source_alone(model: Model) -> Model:
    """The model with nothing but the source: what the rows of the comparison evaluate."""
    plain = dict.fromkeys(("sigma_v", "sigma_v_slope", "washout_over_H"), 0.0)
    return model.replace(**plain).choose(
        closure="linear",
        equations="quadrature",
        initial="given",
        coupling="external",
        depletion="off",
        temperature_range="published",
        derivatives="reverse",
    )


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


def matching_occupancy(f_chi: float, prediction: Prediction) -> float:
    """The f_χ that would give the Planck ρ_B, all else equal: ρ_B is proportional to f_χ."""
    rho_B = float(prediction.rho_B)
    return f_chi * PLANCK_RHO_B / rho_B if rho_B > 0 else math.nan


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def as_mapping(result: Run) -> dict[str, Any]:
    """The published output JSON, with our additions; null where there is no number."""
    configuration, prediction = result.configuration, result.prediction
    status = Status(int(prediction.status))
    return {
        "inputs": configuration.as_mapping() | {"P_used": _number(result.conversion.P)},
        "final": {
            "Y_B": _number(prediction.Y_B),
            "Y_chi": _number(prediction.Y_chi),
            "rho_B_kg_m3": _number(prediction.rho_B),
            "rho_DM_kg_m3": _number(prediction.rho_DM),
            "DM_over_B": _number(prediction.ratio),
            "Omega_B_h2": _number(prediction.omega_b_h2),
            "Omega_DM_h2": _number(prediction.omega_dm_h2),
            "equations": configuration.choices.equations,
            "reasons_for_boltzmann": list(configuration.reasons),
            "T_end_GeV": _number(prediction.T_end),
            "remaining_annihilation": _number(prediction.remaining_annihilation),
            "Y_available": _number(prediction.Y_available),
            "mean_hits": _number(prediction.mean_hits),
            "relative_error_estimate": _number(prediction.error_estimate),
            "P_error_estimate": _number(result.conversion.error),
            "status": status.name.lower(),
            "status_message": status.message,
        },
        "tension_with_planck2018": _tension_mapping(prediction),
        "comparison": [
            {
                "row": name,
                **ROWS[name],
                "Y_B": _number(row.Y_B),
                "Y_chi": _number(row.Y_chi),
                "rho_B_kg_m3": _number(row.rho_B),
                "rho_DM_kg_m3": _number(row.rho_DM),
                "DM_over_B": _number(row.ratio),
                "f_chi_for_Planck_rho_B": _number(
                    matching_occupancy(configuration.incident_flux_scale, row)
                ),
                "relative_error_estimate": _number(row.error_estimate),
                "status": Status(int(row.status)).name.lower(),
            }
            for name, row in result.rows.items()
        ],
        "jaxbounce_version": __version__,
    }


def _value(number: Any, digits: int = 12) -> str:
    return f"{float(number):.{digits}e}"


def _choices_line(choices: Choices) -> str:
    closed = choices.dark_matter == "occupancy" and choices.equations == "quadrature"
    closure = f", closure {choices.closure}" if closed else ""
    return (
        f"area {choices.area_kernel}, quadrature {choices.quadrature}, equilibrium"
        f" {choices.equilibrium}, flux {choices.flux}, window {choices.window},"
        f" dark matter {choices.dark_matter}{closure}"
    )


_NAMES_OF_KERNELS = {
    "eq6": "eq6 leaves out coverage by older bubbles: its area never switches off, and the yield"
    ' hangs on the window (area_kernel = "kjma" is exact)',
    "kjma": "kjma is exact: A/V = −ḣ/v_w",
}


def _lines(result: Run) -> Iterator[str]:
    c, p = result.configuration, result.prediction
    status = Status(int(p.status))
    yield f"jaxbounce {__version__}"
    yield ""
    yield "inputs"
    yield (
        f"  m_chi = {c.m_chi_GeV:g} GeV ({c.chi_stats}, g = {c.g_chi:g})   T_p = {c.T_p_GeV:g} GeV"
        f"   beta/H = {c.beta_over_H:g}   v_w = {c.v_w:g}   I_p = {c.I_p:g}"
    )
    yield (
        f"  P = {float(result.conversion.P):.10g}   f_chi = {c.incident_flux_scale:g}"
        f"   sigma_y = {c.source_shape_sigma_y:g}   g_* = {c.g_star:g}   g_*s = {c.g_star_s:g}"
    )
    if c.conversion_settings is not None:
        yield from _conversion_lines(c.conversion_settings, result.conversion)
    yield f"  choices: {_choices_line(c.choices)}"
    yield from _path_lines(c, p)
    yield f"           {_NAMES_OF_KERNELS[c.area_kernel]}"
    yield ""
    yield "today"
    if status in (Status.SUCCESS, Status.UNDERFLOW):
        yield f"  Y_B      = {_value(p.Y_B)}"
        yield f"  Y_chi    = {_value(p.Y_chi)}"
        yield (
            f"  rho_B    = {_value(p.rho_B)} kg/m³   (Omega h² = {float(p.omega_b_h2):.6f},"
            f" Planck {PLANCK_OMEGA_B})"
        )
        yield (
            f"  rho_DM   = {_value(p.rho_DM)} kg/m³   (Omega h² = {float(p.omega_dm_h2):.6f},"
            f" Planck {PLANCK_OMEGA_C})"
        )
        yield f"  DM/B     = {float(p.ratio):.9f}   (Planck {PLANCK_RHO_DM / PLANCK_RHO_B:.4f})"
        yield from _tension_lines(p)
    yield f"  status   : {status.message}"
    if status in (Status.SUCCESS, Status.UNDERFLOW):
        published = c.quadrature == "published" and not c.reasons
        kind = "distance to the converged integral" if published else "estimated"
        yield f"  relative error of Y_B: {float(p.error_estimate):.1e} ({kind})"
        yield from _occupancy_lines(p)
    yield ""
    yield "the same inputs, by what is evaluated"
    header = f"  {'row':26} {'Y_B':>20} {'rho_B (kg/m³)':>20} {'DM/B':>11} {'f_chi for Planck':>17}"
    yield header
    for name, row in result.rows.items():
        row_status = Status(int(row.status))
        if row_status in (Status.SUCCESS, Status.UNDERFLOW):
            match = matching_occupancy(c.incident_flux_scale, row)
            ratio = float(row.ratio)
            ratio_text = f"{ratio:.6f}" if ratio < 1e4 else f"{ratio:.4e}"
            yield (
                f"  {name:26} {_value(row.Y_B):>20} {_value(row.rho_B):>20}"
                f" {ratio_text:>11} {match:>17.6e}"
            )
        else:
            yield f"  {name:26} no number: {row_status.name.lower().replace('_', ' ')}"
    yield "  published: eq (6) on the published grids, whose z step cannot resolve late times;"
    yield "  exact rows: A/V = −ḣ/v_w. Rows 1-5 use the published equilibrium limits."


def _tension_lines(p: Prediction) -> Iterator[str]:
    """How far from Planck the densities are, as measured in σ with their correlation."""
    if not float(p.ratio) < math.inf:
        return
    found = tension(likelihood(), p)
    pulls = ", ".join(f"{name} {value:+.2f} σ" for name, value in found.pulls.items())
    yield (
        f"  Planck   : DM/B off by {found.ratio_sigma:.2f} σ; both densities jointly chi² ="
        f" {found.chi2:.4g} ({pulls})"
    )


def _tension_mapping(p: Prediction) -> dict[str, Any] | None:
    if Status(int(p.status)) != Status.SUCCESS or not float(p.ratio) < math.inf:
        return None
    found = tension(likelihood(), p)
    return {
        "ratio_sigma": _number(found.ratio_sigma),
        "chi2": _number(found.chi2),
        "n_sigma": _number(found.n_sigma),
        "pulls": {name: _number(value) for name, value in found.pulls.items()},
    }


def _path_lines(c: Configuration, p: Prediction) -> Iterator[str]:
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


def _conversion_lines(settings: ConversionSettings, conversion: Estimate) -> Iterator[str]:
    couplings = settings.couplings
    yield (
        f"  P from a wall: {settings.source}, lambda = {float(couplings.lam):g},"
        f" y_B = {float(couplings.y_B):g}, y_chi = {float(couplings.y_chi):g}"
    )
    yield (
        f"           {settings.model}, {settings.incidence} incidence: {MODELS[settings.model]};"
        f" absolute error {float(conversion.error):.1e}"
    )


def _occupancy_lines(p: Prediction) -> Iterator[str]:
    """What the occupancy provides against what is converted, and says so if it cannot be."""
    available, converted = float(p.Y_available), float(p.Y_B)
    yield (
        f"  occupancy: f_chi n_eq/s = {available:.6e} is all the chi there is;"
        f" a wall front hits each {float(p.mean_hits):.6g} times"
    )
    if converted > available > 0:
        yield (
            f"             Y_B is {converted / available:.4g} times that: this source converts more"
            " chi than exists at this f_chi"
        )


def as_text(result: Run) -> str:
    """The report a person reads."""
    return "\n".join(_lines(result))


def write_whole(path: str | Path, text: str) -> None:
    """`write_bytes_whole` for text, in UTF-8."""
    write_bytes_whole(path, text.encode())


def write_bytes_whole(path: str | Path, content: bytes) -> None:
    """Write a file completely or not at all.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A file to write in place of `path`, which it becomes at the end, or does not.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror}); give a file in a writable directory"
        ) from None


def write_json(path: str | Path, mapping: Mapping[str, Any]) -> None:
    """Write an output JSON, whole or not at all."""
    write_whole(path, json.dumps(mapping, indent=2, allow_nan=False) + "\n")


DIAGNOSTIC_RATIOS = (5.0, 2.0, 1.5, 1.2, 1.1, 1.05, 1.02, 1.01, 1.005, 1.0)


def diagnostics_text(configuration: Configuration) -> str:
    """The table around T_p that the published script prints: T/T_p, y, A/V, J_χ, S_B.

    S_B = P f_χ J₁ (A/V) W is the baryon source (GeV⁴), J_χ = f_χ J₁ the incident flux (GeV³).
    """
    c, choices = configuration, configuration.choices
    above = jnp.asarray(DIAGNOSTIC_RATIOS)
    ratios = jnp.concatenate([above, 1 / above[-2::-1]])
    y = time_of_temperature_ratio(ratios, c.beta_over_H)
    T = ratios * c.T_p_GeV
    beta = c.beta_over_H * hubble_rate(c.T_p_GeV, c.g_star)
    v_flux = c.v_w if choices.flux == "moving-wall" else None
    flux = c.incident_flux_scale * incident_flux(
        T, c.m_chi_GeV, c.g_chi, v_flux, choices.chi_stats, choices.equilibrium
    )
    if choices.quadrature == "published" and choices.area_kernel == "eq6":
        scaled = published_area_density(y, c.I_p)
    else:
        scaled = scaled_area_density(y, c.I_p, choices.area_kernel)
    inside = (y >= c.y_min) & (y <= c.y_max)
    area = jnp.where(inside, beta / c.v_w * scaled, 0.0)
    window = activity_window(y, c.source_shape_sigma_y, choices.window)
    _, conversion = resolved_model(c)
    if Status(int(conversion.status)) != Status.SUCCESS:
        raise ComputationError(f"conversion: {Status(int(conversion.status)).message}")
    source = conversion.P * flux * area * window
    yield_per_y = source / (entropy_density(T, c.g_star_s) * beta)
    lines = [
        f"T_p = {c.T_p_GeV:g} GeV, H_p = {float(hubble_rate(c.T_p_GeV, c.g_star)):.6e} GeV,"
        f" beta = {float(beta):.6e} GeV; area zero outside y = [{c.y_min:g}, {c.y_max:g}]",
        f"{'T/T_p':>10} {'y':>13} {'A/V (GeV)':>14} {'J_chi (GeV³)':>14} {'S_B (GeV⁴)':>14}"
        f" {'dY_B/dy':>14}",
    ]
    for row in zip(ratios, y, area, flux, source, yield_per_y, strict=True):
        r, time, *rest = (float(value) for value in row)
        lines.append(f"{r:10.6f} {time:13.6f} " + " ".join(f"{value:14.6e}" for value in rest))
    return "\n".join(lines)


def template_text(form: str) -> str:
    """The benchmark as a configuration to edit, in JSON or, explained line by line, in TOML.

    Choices come in by the preset alone, so that naming another preset changes them.
    """
    table = {"preset": "benchmark"} | configure().as_mapping()
    if form == "json":
        shown = {k: v for k, v in table.items() if k not in CHOICES or k == _STATS}
        return json.dumps(shown, indent=2)
    lines = ["# jaxbounce configuration; a key left out takes its default"]
    for key, value in table.items():
        if key in PARAMETER_OF_KEY:
            allowed = RANGES[PARAMETER_OF_KEY[key]]
            comment = f"{allowed.meaning}; {allowed}"
        elif key in CHOICES:
            comment = " | ".join(CHOICES[key])
        else:
            comment = _OTHER_KEYS[key]
        left_out = value is None or (key in CHOICES and key != _STATS)
        text = _EXAMPLES.get(key, "1.0") if value is None else json.dumps(value)
        lines.append(f"{'# ' if left_out else ''}{key} = {text}  # {comment}")
    return "\n".join(lines)


_STATS = "chi_stats"
_EXAMPLES = {"conversion": '"transport_params.json"'}
_OTHER_KEYS = {
    "preset": "published | benchmark | exact: sets the choices below; one written here wins",
    "conversion": "table or file of a wall to compute P from, in place of P_chi_to_B",
    "regime": "thermal (chi starts in equilibrium) | nonthermal | auto",
    "deplete_DM_from_source": "whether chi loses what the external source takes",
}

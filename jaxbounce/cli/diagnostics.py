"""The output of `jaxbounce diagnostics`: the source around T_p."""

import dataclasses

import jax.numpy as jnp

from jaxbounce._core.errors import ComputationError
from jaxbounce._core.status import Status
from jaxbounce.cli._shared import Point, configured, keep_compiled
from jaxbounce.cosmology.gas import incident_flux
from jaxbounce.cosmology.radiation import entropy_density, hubble_rate, time_of_temperature_ratio
from jaxbounce.files.point import Configuration, resolved_model
from jaxbounce.percolation import activity_window, scaled_area_density
from jaxbounce.yields import published_area_density

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


@dataclasses.dataclass(frozen=True)
class Diagnostics(Point):
    """Print T/T_p, y, A/V, J_chi and S_B around T_p."""


def run_diagnostics(command: Diagnostics) -> int:
    """Run `jaxbounce diagnostics`; the exit status."""
    from jaxbounce import enable_x64
    from jaxbounce.cli import diagnostics as diagnostics_report

    enable_x64()
    configuration = configured(command)
    keep_compiled()
    print(diagnostics_report.diagnostics_text(configuration))
    return 0

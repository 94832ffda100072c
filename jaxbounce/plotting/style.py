"""How pictures look: symbols with units, lines that differ without their colour, log axes."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SYMBOLS = {
    "rho_B": (r"\rho_B", r"kg\,m^{-3}"),
    "rho_DM": (r"\rho_{\rm DM}", r"kg\,m^{-3}"),
    "ratio": (r"\rho_{\rm DM}/\rho_B", ""),
    "Y_B": ("Y_B", ""),
    "Y_chi": (r"Y_\chi", ""),
    "m_chi": (r"m_\chi", "GeV"),
    "g_chi": (r"g_\chi", ""),
    "T_p": ("T_p", "GeV"),
    "beta_over_H": (r"\beta/H", ""),
    "v_w": ("v_w", ""),
    "I_p": ("I_p", ""),
    "g_star": (r"g_*", ""),
    "g_star_s": (r"g_{*s}", ""),
    "P": ("P", ""),
    "f_chi": (r"f_\chi", ""),
    "sigma_y": (r"\sigma_y", ""),
    "Y_chi_init": (r"Y_{\chi,\rm init}", ""),
    "n_chi_at_Tp": (r"n_\chi(T_p)", r"GeV^3"),
    "T_max_over_Tp": (r"T_{\rm max}/T_p", ""),
    "T_min_over_Tp": (r"T_{\rm min}/T_p", ""),
    "y_min": (r"y_{\rm min}", ""),
    "y_max": (r"y_{\rm max}", ""),
    "alpha_V": (r"\alpha_V", ""),
    "alpha_eff": (r"\alpha_{\rm eff}", ""),
    "P_back_over_P": (r"P_{\rm back}/P", ""),
    "sigma_v": (r"\langle\sigma v\rangle", r"GeV^{-2}"),
    "sigma_v_slope": (r"\langle\sigma v\rangle_1", r"GeV^{-2}"),
    "washout_over_H": (r"\Gamma_{\rm wash}/H", ""),
    "washout_power": (r"n_{\rm wash}", ""),
    "lam": (r"\lambda", ""),
    "y_B": ("y_B", ""),
    "y_chi": (r"y_\chi", ""),
    "omega_b": (r"\Omega_b h^2", ""),
    "omega_c": (r"\Omega_c h^2", ""),
}
"""Symbol and unit, as mathematics, of what has one; other names stand as they are."""

LINES: tuple[dict[str, Any], ...] = (
    {"color": "#1a1a1a", "linestyle": "-"},
    {"color": "#0a6ebd", "linestyle": "--"},
    {"color": "#d1601f", "linestyle": "-."},
    {"color": "#3d9b6b", "linestyle": ":"},
)
"""Lines in the order in which they are drawn: no two alike in grey."""

DARK, LIGHT, BAND = "#1a4f7a", "#9cc4e4", "#d9d9d9"
"""Bars and contours, strong and weak, and the band of what is measured."""

GREY = "#7a7a7a"
"""Lines that only guide the eye."""


def symbol(name: str) -> str:
    """A name as it stands in a picture, without its unit."""
    known = SYMBOLS.get(name)
    # a name that is no symbol of ours may hold characters of mathematics
    return f"${known[0]}$" if known else name.replace("$", r"\$")


def label(name: str) -> str:
    """A name with its unit, for an axis."""
    unit = SYMBOLS.get(name, ("", ""))[1]
    return f"{symbol(name)} ($\\rm {unit}$)" if unit else symbol(name)


def field_symbol(name: str) -> str:
    """A field of a potential as it stands in a picture."""
    greek = {"phi": r"$\phi$", "Phi": r"$\Phi$", "chi": r"$\chi$", "sigma": r"$\sigma$"}
    return greek.get(name, name)


def log_if_wide(values: Any, ax: "Axes", axis: str, decades: float = 1.5) -> bool:
    """A logarithmic axis where positive values span this many decades; whether it is one."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    wide = values.size > 0 and values.min() > 0 and values.max() > values.min() * 10**decades
    if wide:
        (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    return bool(wide)


def measured_band(ax: "Axes", name: str, axis: str = "y", sigmas: float = 2.0) -> None:
    """The band of Planck's density, where the name is one of them."""
    from jaxbounce.inference import likelihood

    place = {"rho_B": 0, "rho_DM": 1}.get(name)
    if place is None:
        return
    data = likelihood()
    mean, sigma = float(data.rho[place]), float(data.rho_sigma[place])
    draw = ax.axhspan if axis == "y" else ax.axvspan
    draw(
        mean - sigmas * sigma,
        mean + sigmas * sigma,
        facecolor=BAND,
        edgecolor=GREY,
        linewidth=0.6,
        zorder=0,
        label=rf"Planck 2018, $\pm{sigmas:g}\,\sigma$",
    )

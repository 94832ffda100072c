"""Pictures of phases and of a transition over the temperature, with matplotlib."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce.plotting.figures import new_figure
from jaxbounce.plotting.style import GREY, LINES, field_symbol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxbounce.files.phases import Found
    from jaxbounce.transition.solve import Solved

_POINTS = 400

_LEAST = 1e-12  # of a fraction that is drawn

_MARKS: dict[str, dict[str, Any]] = dict(
    zip(("$T_c$", "$T_n$", "$T_p$", "$T_f$"), LINES, strict=True)
)
"""A temperature has one line in all four panels."""

_SYMBOLS = "os^Dv*"
"""At the ends of phases: there may be more of them than lines."""


def story(solved: "Solved", figure: "Figure | None" = None) -> "Figure":
    """S₃/T, Γ/H⁴ and the fraction in the true vacuum over T, and V between the phases.

    Args:
        solved: the transition.
        figure: to draw into.
    """
    figure = new_figure(10, 7) if figure is None else figure
    ((action, potential), (rate, fraction)) = figure.subplots(2, 2)
    found = solved.transition
    history = found.history
    low, high = (float(T) for T in history.temperatures)
    T = np.linspace(low, high, _POINTS)
    background = history.background
    inside = np.clip(T, float(background.window.low), high)
    action.plot(inside, np.asarray(background.exponent_at(jnp.asarray(inside))), **LINES[0])
    action.set_ylabel("$S_3/T$")
    log_rate = np.asarray(
        jax.vmap(lambda x: background.at(x).log_rate)(background.efolds(jnp.asarray(inside)))
    )
    rate.plot(inside, log_rate, **LINES[0])
    rate.axhline(0.0, color=GREY, linewidth=0.7)
    rate.set_ylabel(r"$\ln\,\Gamma/H^4$")
    true = -np.expm1(-np.asarray(history.extended_volume(T)))
    fraction.semilogy(T, np.where(true > _LEAST, true, np.nan), **LINES[0])
    fraction.set_ylim(_LEAST, 3.0)
    fraction.set_ylabel("true vacuum's fraction")
    marked = {"$T_n$": found.T_n, "$T_p$": found.T_p, "$T_f$": found.T_f}
    for ax in (action, rate, fraction):
        _mark(ax, marked)
        ax.set_xlabel("$T$ (GeV)")
        ax.set_xlim(high, low)
    action.legend(frameon=False)
    _potential(solved, potential)
    return figure


def _mark(ax: "Axes", marked: dict[str, Any]) -> None:
    for name, T in marked.items():
        if np.isfinite(T):
            ax.axvline(float(T), linewidth=1, label=name, **_MARKS[name])


def _potential(solved: "Solved", ax: "Axes") -> None:
    """V − V(false) along the straight line between the phases, at the temperatures of the story."""
    found, phases, thermal = solved.transition, solved.phases, solved.thermal
    configured, hottest = thermal.configured, phases.metastable_range()[1]
    chosen = {"$T_n$": float(found.T_n), "$T_p$": float(found.T_p)}
    # the range may end before T_c
    if hottest < thermal.T_high:
        chosen = {"$T_c$": hottest} | chosen
    share = np.linspace(-0.1, 1.15, _POINTS)
    for name, T in chosen.items():
        false, true = (
            np.array([np.interp(T, phases.T, column) for column in vacuum.T])
            for vacuum in (phases.false_vacuum, phases.true_vacuum)
        )
        theta = {**configured.theta, thermal.temperature: T}
        points = false + share[:, None] * (true - false)
        V = np.asarray(jax.vmap(lambda phi, t=theta: configured.potential(phi, t))(points))
        at_false = float(configured.potential(jnp.asarray(false), theta))
        length = float(np.linalg.norm(true - false))
        ax.plot(share * length, V - at_false, label=f"{name} = {T:.5g} GeV", **_MARKS[name])
    ax.axhline(0.0, color=GREY, linewidth=0.7)
    ax.set_xlabel("from the false vacuum (GeV)")
    ax.set_ylabel(r"$V - V_{\rm false}$ (GeV$^4$)")
    ax.legend(frameon=False, fontsize="small")


def phases(found: "Found", figure: "Figure | None" = None) -> "Figure":
    """Every field of every phase over the temperature, with T_c.

    Args:
        found: the phases.
        figure: to draw into.
    """
    fields, diagram = found.configured.fields, found.diagram
    figure = new_figure(7, 2.2 + 1.8 * len(fields)) if figure is None else figure
    axes = figure.subplots(len(fields), sharex=True, squeeze=False)[:, 0]
    for number, phase in enumerate(diagram.phases, 1):
        T = np.linspace(*phase.T_range, _POINTS)
        positions = phase.at_each(T)
        for column, ax in enumerate(axes):
            # solid to dotted, and a symbol at the ends: more phases than lines are told apart too
            ax.plot(
                T,
                positions[:, column],
                label=f"phase {number}",
                marker=_SYMBOLS[(number - 1) % len(_SYMBOLS)],
                markevery=[0, _POINTS - 1],
                markersize=4,
                **LINES[(number - 1) % len(LINES)],
            )
    for ax, name in zip(axes, fields, strict=True):
        for k, change in enumerate(diagram.critical):
            label = "first order, $T_c$" if k == 0 else None
            ax.axvline(change.T_c, color=GREY, linestyle="--", linewidth=1, label=label)
        for k, change in enumerate(diagram.continuous):
            label = "second order" if k == 0 else None
            ax.axvline(change.T_c, color=GREY, linestyle=":", linewidth=1, label=label)
        ax.set_ylabel(f"{field_symbol(name)} (GeV)")
    axes[-1].set_xlabel("$T$ (GeV)")
    axes[0].invert_xaxis()
    # beside the picture: phases may be anywhere in it
    axes[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
    return figure

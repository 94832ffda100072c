"""Pictures of walls: the bounce across its wall and along its path, the level crossing and P."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbounce._core.status import Status
from jaxbounce.plotting.figures import new_figure
from jaxbounce.plotting.style import DARK, GREY, LINES, field_symbol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxbounce.bounce import Bounce
    from jaxbounce.conversion.tiers import Conversion

_VISIBLE = 0.03  # of the largest distance from the false vacuum: tails of massless fields are long

_THIN = 0.7  # inner over outer radius of a wall above which its inside is left out

_WIDTHS = 6  # of the wall, outside of it


def bounce(
    found: "Bounce",
    names: Sequence[str] | None = None,
    points: int = 2000,
    ax: "Axes | None" = None,
) -> "Axes":
    """Fields of a bounce across its wall: over the radius, as far as something is to be seen.

    Args:
        found: the bounce.
        names: of the fields.
        points: radii, dense at the wall.
        ax: to draw into.
    """
    ax = new_figure(7, 4).subplots() if ax is None else ax
    r = np.asarray(found.scan_radii(points))
    values = np.asarray(found.fields(r))
    for column in range(values.shape[1]):
        name = names[column] if names else f"field {column}"
        ax.plot(r, values[:, column], label=field_symbol(name), **LINES[column % len(LINES)])
    left, right = _around_the_wall(r, values, np.asarray(found.false_vacuum))
    # a massless field falls off like a power: nothing more of the wall is to be seen out there
    edge = float(found.R_peak) + _WIDTHS * float(found.FWHM)
    right = min(right, edge) if edge > left else right
    if right > 0:
        ax.set_xlim(left, right)
    ax.set_xlabel("$r$ (inverse units of the fields)")
    ax.set_ylabel("fields")
    ax.legend(frameon=False)
    return ax


def _around_the_wall(r: Any, values: Any, false_vacuum: Any) -> tuple[float, float]:
    """The radii to show: the far field goes on for many widths, the inside of a thin wall too."""
    away = np.abs(values - false_vacuum).max(1)
    seen = np.flatnonzero(away > _VISIBLE * away.max(initial=0.0))
    if not seen.size:
        return 0.0, 0.0
    changed = np.abs(values - values[0]).max(1)
    inner = r[np.flatnonzero(changed > _VISIBLE * changed.max())[:1]]
    right = min(1.25 * r[seen[-1]], r[-1])
    if not inner.size or inner[0] < _THIN * r[seen[-1]]:
        return 0.0, float(right)
    width = r[seen[-1]] - inner[0]
    return float(max(inner[0] - width, 0.0)), float(min(r[seen[-1]] + width, r[-1]))


def bounce_with_potential(
    found: "Bounce",
    V: Callable[[Any], Any],
    names: Sequence[str] | None = None,
    figure: "Figure | None" = None,
) -> "Figure":
    """The fields across the wall, and beside them the potential along the path they take.

    Args:
        found: the bounce.
        V: the potential of a field vector.
        names: of the fields.
        figure: to draw into.
    """
    import jax
    import jax.numpy as jnp

    figure = new_figure(9, 3.8) if figure is None else figure
    left, right = figure.subplots(1, 2)
    bounce(found, names, ax=left)
    r = np.asarray(found.scan_radii(2000))
    path = np.asarray(found.fields(r))[::-1]
    false, true = np.asarray(found.false_vacuum), np.asarray(found.inner_vacuum)
    if np.isfinite(true).all():
        # from where the fields start at r = 0, straight down into the vacuum that they roll into
        rest = path[-1] + np.linspace(0, 1, 200)[1:, None] * (true - path[-1])
        path = np.concatenate([false[None], path, rest])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    heights = np.asarray(jax.vmap(V)(jnp.asarray(np.concatenate([false[None], path]))))
    heights = heights[1:] - heights[0]
    right.axhline(0, color=GREY, linewidth=0.7)
    right.plot(length, heights, **LINES[0])
    released = len(path) - 200 if np.isfinite(true).all() else len(path) - 1
    for place, text, mark in ((0, "false vacuum", "o"), (released, "$r = 0$", "D")):
        right.plot(length[place], heights[place], mark, color=DARK, label=text)
    if np.isfinite(true).all():
        right.plot(length[-1], heights[-1], "s", color=DARK, label="true vacuum")
    right.set_xlabel("distance along the path of the bounce")
    right.set_ylabel(r"$V - V_{\rm false}$")
    right.legend(frameon=False)
    return figure


def crossing(found: "Conversion", figure: "Figure | None" = None) -> "Figure":
    """The level crossing on a wall, and below it the part of χ that is B on the way through.

    Above: |m_B|, |m_χ| and the mixing. Below: a χ-like state comes from outside (the right) at
    the wall speed; the levels that the methods give are lines across.

    Args:
        found: what `jaxbounce.convert` gives.
        figure: to draw into.
    """
    from jaxbounce.conversion.wall import masses

    conversion = found.settings.build("two-level")
    wall, couplings = conversion.wall(), conversion.couplings
    lower, upper = (float(end) for end in wall.limits())
    xi = np.unique(np.concatenate([np.linspace(lower, upper, 2000), np.asarray(wall.scan(2000))]))
    m_B, m_chi, m = (np.asarray(values) for values in masses(wall, couplings, xi))
    figure = new_figure(7, 6) if figure is None else figure
    above, below = figure.subplots(2, sharex=True)
    for values, text, line in zip(
        (m_B, m_chi, m),
        (r"$|m_B| = y_B|\phi|$", r"$|m_\chi| = y_\chi|\Phi|$", r"mixing $\lambda|\phi|$"),
        LINES,
        strict=False,
    ):
        above.plot(xi, values, label=text, **line)
    above.set_ylabel("mass (unit of the profile)")
    above.legend(frameon=False)
    below.plot(xi, _converted(xi, m_B, m_chi, m, found.v_w), **LINES[0])
    shown = {"two-level": r"$P_{\rm ad}$, exact two-level", "local": "local Landau–Zener"}
    for tier, line in zip((t for t in found.tiers if t.name in shown), LINES[1:], strict=False):
        if tier.status == Status.SUCCESS:
            value = float(tier.estimate.P)
            below.axhline(value, label=f"{shown[tier.name]}: {value:.4f}", **line)
    left, right = _where_it_turns(xi, m_B, m_chi, m)
    below.set_xlim(left, right)
    below.set_ylim(0, 1.35 * below.get_ylim()[1])
    seen = (xi >= left) & (xi <= right)
    above.set_ylim(0, 1.08 * max(float(values[seen].max()) for values in (m_B, m_chi, m)))
    for i in np.flatnonzero(np.diff(np.sign(m_B - m_chi)) != 0):
        for panel in (above, below):
            panel.axvline(xi[i], color=GREY, linewidth=0.8)
        above.annotate(
            r"$\xi_*$", (xi[i], above.get_ylim()[1]), (4, -14), textcoords="offset points"
        )
    below.set_xlabel(r"$\xi = r - R$ (inverse unit of mass); the bubble is to the left")
    below.set_ylabel(rf"$|\langle B|\psi(\xi)\rangle|^2$ at $v_w = {found.v_w:g}$")
    below.legend(frameon=False, loc="upper right")
    return figure


def _where_it_turns(xi: Any, m_B: Any, m_chi: Any, m: Any) -> tuple[float, float]:
    """Where the mixing angle changes, with room at both sides."""
    angle = np.arctan2(2 * m, m_B - m_chi) / 2
    low, high = angle.min(), angle.max()
    if not high > low:
        return float(xi[0]), float(xi[-1])
    inside = np.flatnonzero(
        (angle > low + 2e-2 * (high - low)) & (angle < high - 2e-2 * (high - low))
    )
    if not inside.size:
        return float(xi[0]), float(xi[-1])
    left, right = xi[inside[0]], xi[inside[-1]]
    room = 0.6 * (right - left)
    return float(max(left - room, xi[0])), float(min(right + room, xi[-1]))


def _converted(xi: Any, m_B: Any, m_chi: Any, m: Any, v: float) -> Any:
    """|⟨B|ψ(ξ)⟩|² of the χ-like eigenstate that comes from the outer end, by exact short steps.

    For the eye: steps of the picture's own points; the numbers are those of the tiers.
    """
    x, z = m, (m_B - m_chi) / 2
    norm = np.hypot(x[-1], z[-1])
    tilt = z[-1] / norm if norm > 0 else 1.0
    # the eigenvector of H with the larger χ part: (−sin θ, cos θ), with cos 2θ = |z|/|b|
    c, s = np.sqrt((1 + abs(tilt)) / 2), np.sqrt((1 - abs(tilt)) / 2)
    psi = np.array([-s if tilt > 0 else s, c], complex)
    converted = np.empty(len(xi))
    converted[-1] = abs(psi[0]) ** 2
    for i in range(len(xi) - 1, 0, -1):
        h = (xi[i] - xi[i - 1]) / v
        bx, bz = (x[i] + x[i - 1]) / 2, (z[i] + z[i - 1]) / 2
        b = np.hypot(bx, bz)
        phase = b * h
        part = np.sin(phase) / b if b > 0 else h
        turned = np.array([bz * psi[0] + bx * psi[1], bx * psi[0] - bz * psi[1]])
        psi = np.cos(phase) * psi - 1j * part * turned
        converted[i - 1] = abs(psi[0]) ** 2
    return converted

"""Pictures of what is inferred: how well a fit meets the data, contours of a posterior."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbounce._core.summary import sigmas
from jaxbounce.plotting.figures import new_figure
from jaxbounce.plotting.style import BAND, DARK, GREY, LIGHT, LINES, label, symbol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxbounce.inference import Fit, Posterior

_LEVELS = (0.95, 0.68)

_FARTHEST = 10.0  # σ of a picture: what is farther is an arrow with its number

_NOTHING = 1e-6  # χ² of data that are reproduced

_SPAN = 3.5  # σ to both sides

_POINTS = 101


def goodness(found: "Fit", figure: "Figure | None" = None) -> "Figure":
    """Pulls of the data, and Δχ² over each free parameter, the others held at their best values.

    Args:
        found: the fit.
        figure: to draw into.
    """
    names = list(found.values)
    if figure is None:
        figure = new_figure(3.6 * (1 + len(names)), 3.4)
    first, *others = figure.subplots(1, 1 + len(names), squeeze=False)[0]
    pulls(found, first)
    for place, name in enumerate(names):
        _delta_chi2(found, place, name, others[place])
    return figure


def pulls(found: "Fit", ax: "Axes") -> "Axes":
    """(prediction − datum)/σ of each datum, with bands of 1 and 2 σ."""
    for width, colour in ((2, BAND), (1, "#bdbdbd")):
        ax.axvspan(-width, width, facecolor=colour, zorder=0)
    ax.axvline(0, color="black", linewidth=0.8)
    for place, (name, value) in enumerate(found.tension.pulls.items()):
        at = float(np.clip(value, -_FARTHEST, _FARTHEST))
        beyond = abs(value) > _FARTHEST
        mark = (">" if value > 0 else "<") if beyond else "o"
        ax.plot(at, place, mark, color=DARK, markersize=7)
        text = f"{symbol(name)}: {sigmas(value + 0.0)}"
        side = "center" if abs(at) < 2 else "right" if at > 0 else "left"
        ax.annotate(text, (at, place), xytext=(0, 10), textcoords="offset points", ha=side)
    ax.set_ylim(-0.6, len(found.tension.pulls) - 0.2)
    farthest = max(3.0, *(min(abs(v), _FARTHEST) for v in found.tension.pulls.values()))
    ax.set_xlim(-1.15 * farthest, 1.15 * farthest)
    ax.set_yticks([])
    ax.set_xlabel(r"pull ($\sigma$)")
    chi2 = 0.0 if found.chi2 < _NOTHING else found.chi2
    ax.set_title(rf"$\chi^2 = {chi2:.4g}$ for {found.dof} d.o.f.", fontsize=10)
    return ax


def _delta_chi2(found: "Fit", place: int, name: str, ax: "Axes") -> None:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    prior = found.problem.priors[place]
    low, high = (float(end[place]) for end in found.problem.bounds())
    q = np.asarray(found.q, float)
    sigma = float(np.linalg.norm(np.asarray(found.by_q)[:, place]))
    half = _SPAN / sigma if sigma > 0 else (high - low) / 2
    line = np.linspace(max(q[place] - half, low), min(q[place] + half, high), _POINTS)
    many = np.tile(q, (_POINTS, 1))
    many[:, place] = line

    @eqx.filter_jit
    def chi2(problem: Any, many: Any) -> Any:
        return jax.vmap(lambda one: jnp.sum(problem.residuals(one) ** 2))(many)

    values = np.asarray(chi2(found.problem, jnp.asarray(many))) - found.chi2
    theta = np.asarray(prior.from_coordinate(line))
    ax.plot(theta, values, **LINES[0])
    for level, text in ((1.0, r"$1\,\sigma$"), (4.0, r"$2\,\sigma$")):
        ax.axhline(level, color=GREY, linewidth=0.8, linestyle=":")
        ax.annotate(text, (theta[0], level), va="bottom", fontsize=8)
    ax.axvline(found.values[name], color=DARK, linewidth=1, linestyle="--")
    ax.set_ylim(0, max(5.0, min(np.nanmax(values), 12.0)))
    ax.locator_params(axis="x", nbins=4)
    ax.ticklabel_format(axis="x", useMathText=True)
    ax.set_xlabel(label(name))
    rest = len(found.values) > 1
    ax.set_ylabel(r"$\Delta\chi^2$" + (" (others held)" if rest else ""))


def corner(
    found: "Posterior", names: Sequence[str] | None = None, figure: "Figure | None" = None
) -> "Figure":
    """All pairs of parameters as regions of 68 and 95 %, and each one as a histogram.

    Axes are logarithmic where the prior is; dashed outlines are the priors, dotted lines the
    combinations that the data determine.

    Args:
        found: the draws.
        names: parameters or densities; the free parameters if None.
        figure: to draw into.
    """
    names = tuple(found.fit.values) if names is None else tuple(names)
    size = len(names)
    if figure is None:
        figure = new_figure(2.5 * size + 1.0, 2.5 * size + 0.6)
    axes = figure.subplots(size, size, squeeze=False)
    priors = dict(zip(found.fit.problem.names, found.fit.problem.priors, strict=True))
    logs = [name in priors and priors[name].kind.startswith("log") for name in names]
    draws = [np.asarray(found.data.posterior[name].values, float).ravel() for name in names]
    columns = [np.log10(x) if log else x for x, log in zip(draws, logs, strict=True)]
    for i in range(size):
        for j in range(size):
            panel = axes[i][j]
            if j > i:
                panel.set_visible(False)
            elif i == j:
                _histogram(panel, columns[i], logs[i], priors.get(names[i]))
            else:
                _regions(panel, columns[j], columns[i])
                _combinations(panel, found, (names[j], names[i]), (logs[j], logs[i]))
            if j <= i:
                _axes(panel, i, j, names, logs, size)
    return figure


def _axes(
    panel: "Axes", i: int, j: int, names: Sequence[str], logs: Sequence[bool], size: int
) -> None:
    """Labels at the rim; columns of logarithms show powers of ten."""
    from matplotlib.ticker import FuncFormatter

    powers = FuncFormatter(_as_power)
    panel.xaxis.set_major_locator(_ticks(panel.get_xlim(), logs[j]))
    if logs[j]:
        panel.xaxis.set_major_formatter(powers)
    if i == size - 1:
        panel.set_xlabel(label(names[j]))
        panel.tick_params(axis="x", labelrotation=30)
    else:
        panel.set_xticklabels([])
    if i == j:
        return
    panel.yaxis.set_major_locator(_ticks(panel.get_ylim(), logs[i]))
    if logs[i]:
        panel.yaxis.set_major_formatter(powers)
    if j == 0:
        panel.set_ylabel(label(names[i]))
    else:
        panel.set_yticklabels([])


def _ticks(limits: tuple[float, float], log: bool) -> Any:
    """Whole powers of ten where the axis holds two of them or more, else a few round numbers."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

    powers = math.floor(limits[1]) - math.ceil(limits[0]) + 1
    if not log or powers > 1:
        return MaxNLocator(4, integer=log)
    low, high = (10**limit for limit in limits)
    places = np.asarray(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    seen = places[(places >= low) & (places <= high) & (places > 0)]
    return FixedLocator(np.log10(seen).tolist())


def _as_power(value: float, _: int) -> str:
    whole = np.floor(value + 1e-9)
    factor = 10 ** (value - whole)
    if abs(factor - 1) < 1e-3:
        return rf"$10^{{{whole:.0f}}}$"
    return rf"${factor:.4g}\times10^{{{whole:.0f}}}$"


def _range(values: Any) -> tuple[float, float]:
    low, high = np.quantile(values, [0.001, 0.999])
    room = 0.06 * (high - low) if high > low else max(abs(low), 1.0) * 1e-3
    return float(low - room), float(high + room)


def _histogram(panel: "Axes", values: Any, log: bool, prior: Any) -> None:
    low, high = _range(values)
    counts, edges = np.histogram(values, bins=40, range=(low, high), density=True)
    panel.stairs(counts, edges, fill=True, facecolor=LIGHT, edgecolor=DARK)
    if prior is not None:
        x = np.linspace(low, high, 200)
        theta = 10**x if log else x
        density = np.exp(np.asarray(prior.log_density(theta)))
        density = density * theta * np.log(10) if log else density
        panel.plot(x, density, color="black", linestyle="--", linewidth=1)
    panel.set_xlim(low, high)
    panel.set_yticks([])


def _regions(panel: "Axes", x: Any, y: Any) -> None:
    """The smallest regions that hold 68 and 95 % of the draws."""
    (x0, x1), (y0, y1) = _range(x), _range(y)
    bins = int(np.clip(len(x) ** 0.4, 16, 50))
    counts, xe, ye = np.histogram2d(x, y, bins=bins, range=((x0, x1), (y0, y1)))
    smooth = _smoothed(counts)
    order = np.sort(smooth.ravel())[::-1]
    share = np.cumsum(order) / order.sum()
    levels = [order[np.searchsorted(share, part)] for part in _LEVELS]
    levels = sorted({*levels, smooth.max()})
    if len(levels) > 1:
        centres = (xe[1:] + xe[:-1]) / 2, (ye[1:] + ye[:-1]) / 2
        colours = [LIGHT, DARK][-(len(levels) - 1) :]
        panel.contourf(*centres, smooth.T, levels=levels, colors=colours)
        panel.contour(*centres, smooth.T, levels=levels[:-1], colors="black", linewidths=0.6)
    else:
        panel.plot(x, y, ",", color=DARK)
    panel.set_xlim(x0, x1)
    panel.set_ylim(y0, y1)


def _smoothed(counts: Any) -> Any:
    """Counts over neighbouring cells, by (1, 2, 1)/4 twice along both axes."""
    for _ in range(2):
        for axis in (0, 1):
            padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in (0, 1)])
            middle = [slice(1, -1) if a == axis else slice(None) for a in (0, 1)]
            before = [slice(0, -2) if a == axis else slice(None) for a in (0, 1)]
            after = [slice(2, None) if a == axis else slice(None) for a in (0, 1)]
            counts = (padded[tuple(before)] + 2 * padded[tuple(middle)] + padded[tuple(after)]) / 4
    return counts


def _combinations(
    panel: "Axes", found: "Posterior", names: tuple[str, str], logs: tuple[bool, bool]
) -> None:
    """Lines along which a combination that the data determine keeps its best value."""
    best = found.fit.values
    for c in found.fit.directions.determined:
        if set(c.exponents) != set(names) or not all(best[name] > 0 for name in names):
            continue
        a, b = (c.exponents[name] for name in names)
        if not (a and b):
            continue
        x = np.linspace(*panel.get_xlim(), 200)
        theta = 10**x if logs[0] else x
        with np.errstate(divide="ignore", invalid="ignore"):
            other = best[names[1]] * (best[names[0]] / theta) ** (a / b)
            y = np.log10(other) if logs[1] else other
        limits = panel.get_ylim()
        panel.plot(x, y, color="black", linestyle=":", linewidth=1)
        panel.set_ylim(limits)

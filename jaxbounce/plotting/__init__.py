"""Pictures of results, with matplotlib (the extra `plot`).

Each function takes a result, and axes to draw into if there are some; `plot` finds the one for a
result. `save` writes a figure.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.plotting.evaluations import comparison as comparison, waterfall as waterfall
from jaxbounce.plotting.figures import (
    need_matplotlib as need_matplotlib,
    new_figure as new_figure,
    picture_format as picture_format,
    save as save,
)
from jaxbounce.plotting.inferred import corner as corner, goodness as goodness
from jaxbounce.plotting.style import (
    DARK,
    GREY,
    LIGHT,
    LINES,
    label,
    log_if_wide,
    measured_band,
    symbol,
)
from jaxbounce.plotting.walls import (
    bounce as bounce,
    bounce_with_potential as bounce_with_potential,
    crossing as crossing,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxbounce.inference import Likelihood
    from jaxbounce.model.sensitivity import Sensitivities
    from jaxbounce.scan.store import Store
    from jaxbounce.yields import Evolution


_SMALLEST = 1e-14  # of the largest yield: what rounding leaves of it


def plot(result: Any, **options: Any) -> "Figure":
    """A picture of a result.

    Args:
        result: a `Comparison` (ρ_B by what is evaluated), a `Budget` (a waterfall), a `Bounce`
            (fields over the radius), a `Conversion` (the level crossing), an `Evolution` (yields,
            source and wall area over temperature), `Sensitivities` (bars), a `Fit` (pulls and
            Δχ²), a `Posterior` (all pairs of parameters), the `Store` of a scan (a quantity over
            two parameters, or over one), a transition as `solve_transition` gives it (S₃/T, Γ/H⁴,
            the true vacuum's fraction, V) or the phases of a model (fields over temperature).
        **options: those of the function of this module that draws it.

    Returns:
        The figure; `figure.savefig`, or `save` of this module, writes it.

    Raises:
        ConfigurationError: for anything else, or if matplotlib is not installed.
    """
    from jaxbounce.bounce import Bounce
    from jaxbounce.conversion.tiers import Conversion
    from jaxbounce.files.phases import Found
    from jaxbounce.inference import Fit, Posterior
    from jaxbounce.model.budget import Budget
    from jaxbounce.model.comparison import Comparison
    from jaxbounce.model.sensitivity import Sensitivities
    from jaxbounce.plotting.transitions import phases, story
    from jaxbounce.scan.store import Store
    from jaxbounce.transition.solve import Solved
    from jaxbounce.yields import Evolution

    drawn: dict[type, Any] = {
        Comparison: comparison,
        Budget: waterfall,
        Bounce: bounce,
        Conversion: crossing,
        Evolution: evolution,
        Sensitivities: tornado,
        Fit: goodness,
        Posterior: corner,
        Store: scan,
        Solved: story,
        Found: phases,
    }
    for kind, draw in drawn.items():
        if isinstance(result, kind):
            made = draw(result, **options)
            return getattr(made, "figure", made)
    kinds = ", ".join(kind.__name__ for kind in drawn)
    raise ConfigurationError(f"plot: cannot draw a {type(result).__name__}; it draws {kinds}")


def scan(store: "Store", x: str | None = None, y: str | None = None, **options: Any) -> "Axes":
    """A quantity of a scan: over the parameter where one varies, else over two of them."""
    if len(store.names) < 2:
        return line(store, x, **options)
    return heat_map(store, x, y, **options)


def evolution(found: "Evolution", figure: "Figure | None" = None) -> "Figure":
    """Y_χ and Y_B, and below them source and wall area: the whole range, and the walls alone.

    On the left over temperature, T_p being marked; on the right over y = β(t − t_p), as far as
    the walls make something.

    Args:
        found: the yields.
        figure: to draw into.
    """
    figure = new_figure(9, 5.6) if figure is None else figure
    (upper, upper_zoom), (lower, lower_zoom) = figure.subplots(
        2, 2, sharex="col", sharey="row", width_ratios=(1, 1)
    )
    T, y = np.asarray(found.T), np.asarray(found.y)
    yields = {"Y_chi": np.asarray(found.Y_chi), "Y_B": np.asarray(found.Y_B)}
    shapes = {
        "source $dY_B/dy$": _scaled(np.asarray(found.source)),
        "$A/V$": _scaled(np.asarray(found.area_density)),
    }
    for panels, values in (((upper, upper_zoom), yields), ((lower, lower_zoom), shapes)):
        for (name, curve), line in zip(values.items(), LINES, strict=False):
            for panel, x in zip(panels, (T, y), strict=True):
                panel.plot(x, curve, label=symbol(name) if name in yields else name, **line)
    # what walls far from percolation make is no part of the picture
    top = float(np.nanmax([*yields.values()], initial=0.0))
    if top > 0:
        upper.set_yscale("log")
        upper.set_ylim(_SMALLEST * top, 10 * top)
    lower.set_xscale("log")
    lower.invert_xaxis()
    lower.set_xlabel("$T$ (GeV)")
    lower_zoom.set_xlabel(r"$y = \beta(t - t_p)$")
    upper.set_ylabel("yield $n/s$")
    lower.set_ylabel("share of the largest value")
    lower_zoom.set_xlim(*_wall_epoch(y, np.asarray(found.source)))
    T_p = float(np.interp(0.0, y, T)) if y.size and y.min() < 0 < y.max() else None
    for panel, place in ((upper, T_p), (lower, T_p), (upper_zoom, 0.0), (lower_zoom, 0.0)):
        if place is not None:
            panel.axvline(place, color=GREY, linewidth=0.9)
    if T_p is not None:
        upper.set_title(rf"$T_p = {T_p:.4g}$ GeV", fontsize=10)
        upper_zoom.set_title("the walls", fontsize=10)
    upper.legend(frameon=False)
    lower.legend(frameon=False)
    return figure


def _wall_epoch(y: Any, source: Any) -> tuple[float, float]:
    """The times between which the walls make something, with room, T_p being among them."""
    made = y[np.nan_to_num(source) > 1e-3 * np.nanmax(source, initial=0.0)]
    if not made.size:
        return (float(y.min()), float(y.max())) if y.size else (-1.0, 1.0)
    low, high = min(float(made.min()), 0.0), max(float(made.max()), 0.0)
    room = 0.15 * (high - low) or 1.0
    return low - room, high + room


def _scaled(values: Any) -> Any:
    largest = np.nanmax(values, initial=0.0)
    return values / largest if largest > 0 else values


def heat_map(
    store: "Store",
    x: str | None = None,
    y: str | None = None,
    quantity: str = "rho_B",
    data: "Likelihood | str | None" = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A quantity of a scan over two parameters, with the band of the measured baryon density.

    Args:
        store: the scan.
        x: parameter along the picture; the first that varies if None.
        y: parameter up the picture; the next that varies if None.
        quantity: a stored result, or log_likelihood.
        data: of the likelihood and the band; Planck 2018 if None.
        ax: to draw into.

    Raises:
        ConfigurationError: for an unknown name, or if only one parameter varies.
        ComputationError: if no point has a number.
    """
    need_matplotlib()
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.lines import Line2D

    from jaxbounce.inference import read_likelihood
    from jaxbounce.scan.summary import picture

    x, y = two_parameters(store, x, y)
    likelihood = read_likelihood(data)
    cells = picture(store, quantity, x, y, likelihood)
    mean, sigma = float(likelihood.rho[0]), float(likelihood.rho_sigma[0])
    band = (mean - 2 * sigma, mean + 2 * sigma)
    ax = new_figure(7, 5.4).subplots() if ax is None else ax
    values = np.ma.masked_invalid(cells.values)
    if quantity == "log_likelihood":
        # below this nothing is told apart: the best 50 units are what matters
        top = float(values.max())
        norm: Any = Normalize(max(float(values.min()), top - 50), top)
    elif values.count() and values.min() > 0 and values.max() / values.min() > 30:
        norm = LogNorm()
    else:
        norm = Normalize()
    mesh = ax.pcolormesh(cells.x, cells.y, values, norm=norm, shading="nearest")
    how = f", {cells.how}" if cells.how else ""
    ax.figure.colorbar(mesh, label=f"{label(quantity)}{how}")
    for scale, coordinate in ((ax.set_xscale, cells.x), (ax.set_yscale, cells.y)):
        if coordinate.min() > 0 and coordinate.max() / coordinate.min() > 30:
            scale("log")
    ax.set_xlabel(label(x))
    ax.set_ylabel(label(y))
    rho = cells.rho_B
    if rho is not None and min(rho.shape) > 1 and _crosses(rho, band):
        ax.contour(cells.x, cells.y, np.ma.masked_invalid(rho), levels=band, colors="red")
        # above the picture: the band may be anywhere in it
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
        ax.legend([Line2D([], [], color="red")], [r"measured $\rho_B \pm 2\sigma$"], **place)
    return ax


def line(
    store: "Store",
    x: str | None = None,
    quantity: str = "rho_B",
    data: "Likelihood | str | None" = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A quantity of a scan over one parameter, with the band of Planck's density.

    Points of a design that is no grid are drawn as points.

    Args:
        store: the scan.
        x: the parameter; the first if None.
        quantity: a stored result, or log_likelihood.
        data: of the likelihood; Planck 2018 if None.
        ax: to draw into.

    Raises:
        ConfigurationError: for an unknown name.
        ComputationError: if no point has a number.
    """
    from jaxbounce.inference import read_likelihood
    from jaxbounce.scan.summary import points_of

    x = x or store.names[0]
    at, values = points_of(store, quantity, x, read_likelihood(data))
    ax = new_figure(6, 4).subplots() if ax is None else ax
    measured_band(ax, quantity)
    if store.names == (x,):
        ax.plot(at, values, **LINES[0])
    else:
        ax.plot(at, values, ".", color=DARK, markersize=2)
    log_if_wide(at, ax, "x")
    log_if_wide(values, ax, "y")
    ax.margins(x=0)
    ax.set_xlabel(label(x))
    ax.set_ylabel(label(quantity))
    if quantity in ("rho_B", "rho_DM"):
        ax.legend(frameon=False)
    return ax


def two_parameters(store: "Store", x: str | None, y: str | None) -> tuple[str, str]:
    """The parameters of a picture, those that are not named being the first that vary."""
    if len(store.names) < 2:
        raise ConfigurationError(f"{store.path} varies one parameter; a picture needs two")
    x = x or next(name for name in store.names if name != y)
    return x, y or next(name for name in store.names if name != x)


def _crosses(values: Any, band: tuple[float, float]) -> bool:
    """Whether values lie on both sides of the middle of a band."""
    good = values[np.isfinite(values)]
    middle = sum(band) / 2
    return bool(good.size and good.min() < middle < good.max())


def tornado(found: "Sensitivities", ax: "Axes | None" = None) -> "Axes":
    """Elasticities of ρ_B and ρ_DM as bars with their values, largest on top."""
    from jaxbounce.model.sensitivity import as_rows

    rows = as_rows(found)
    shown = [r for r in rows if max(abs(r["rho_B"] or 0), abs(r["rho_DM"] or 0)) > 1e-6][::-1]
    ax = new_figure(7, 1.2 + 0.32 * max(len(shown), 1)).subplots() if ax is None else ax
    place = range(len(shown))
    looks: tuple[Any, ...] = ({"facecolor": DARK}, {"facecolor": LIGHT, "hatch": "////"})
    for offset, output, look in zip((0.2, -0.2), ("rho_B", "rho_DM"), looks, strict=True):
        values = [row[output] or 0.0 for row in shown]
        places = [p + offset for p in place]
        bars = ax.barh(places, values, height=0.38, label=symbol(output), edgecolor=DARK, **look)
        # a bar too short to be seen has a number all the same
        texts = [f"{value:+.3g}".replace("-", "−") if value else "" for value in values]
        ax.bar_label(bars, texts, padding=3, fontsize=8)
    ax.set_yticks(list(place), [symbol(row["parameter"]) for row in shown])
    ax.axvline(0, color="black", linewidth=0.8)
    ax.margins(x=0.12)  # the numbers stand beyond the bars
    ax.set_xlabel(r"$\partial\,\ln\rho\,/\,\partial\,\ln\theta$")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False)
    return ax

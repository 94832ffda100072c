"""Pictures of results, with matplotlib (the extra `plot`).

Each function takes a result, and axes to draw into if there are some; `plot` finds the one for a
result. `save` writes a figure.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.write import write_bytes_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxbounce.bounce import Bounce
    from jaxbounce.inference import Likelihood, Posterior
    from jaxbounce.model.sensitivity import Sensitivities
    from jaxbounce.scan.store import Store
    from jaxbounce.yields import Evolution


_SMALLEST = 1e-14  # of the largest yield: what rounding leaves of it

_VISIBLE = 0.03  # of the largest distance from the false vacuum: tails of massless fields are long


def new_figure(width: float, height: float) -> "Figure":
    """A figure of its own, without touching the state of pyplot.

    Raises:
        ConfigurationError: if matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def need_matplotlib() -> None:
    """Raise if there is no matplotlib: before the work, not after it.

    Raises:
        ConfigurationError: with what to install.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "a picture needs matplotlib; pip install 'jaxbounce[plot]', or leave the picture out"
        ) from None


def picture_format(path: str | Path) -> str:
    """The format of a picture, which follows the suffix of its file (PNG without one).

    Raises:
        ConfigurationError: for a suffix that matplotlib does not know.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    form = Path(path).suffix.lstrip(".").lower() or "png"
    if form not in FigureCanvasBase.get_supported_filetypes():
        raise ConfigurationError(f"{path}: unknown picture format; use .png, .pdf or .svg")
    return form


def save(figure: "Figure", path: str | Path) -> None:
    """Write a figure, whole or not at all; the format follows the suffix (PNG without one)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=picture_format(path), dpi=150)
    write_bytes_whole(path, buffer.getvalue())


def plot(result: Any, **options: Any) -> "Figure":
    """A picture of a result.

    Args:
        result: a `Bounce` (fields over the radius), an `Evolution` (yields, source and wall area
            over temperature), `Sensitivities` (bars), a `Posterior` (all pairs of parameters) or
            the `Store` of a scan (a quantity over two parameters).
        **options: those of the function of this module that draws it.

    Returns:
        The figure; `figure.savefig`, or `save` of this module, writes it.

    Raises:
        ConfigurationError: for anything else, or if matplotlib is not installed.
    """
    from jaxbounce.bounce import Bounce
    from jaxbounce.inference import Posterior
    from jaxbounce.model.sensitivity import Sensitivities
    from jaxbounce.scan.store import Store
    from jaxbounce.yields import Evolution

    if isinstance(result, Evolution):
        return evolution(result, **options)
    if isinstance(result, Posterior):
        return corner(result, **options)
    drawn = {Bounce: bounce, Sensitivities: tornado, Store: heat_map}
    for kind, draw in drawn.items():
        if isinstance(result, kind):
            figure: Any = draw(result, **options).figure
            return figure
    kinds = ", ".join(kind.__name__ for kind in (*drawn, Evolution, Posterior))
    raise ConfigurationError(f"plot: cannot draw a {type(result).__name__}; it draws {kinds}")


def evolution(found: "Evolution", figure: "Figure | None" = None) -> "Figure":
    """Y_χ and Y_B, and below them source and wall area, over temperature."""
    figure = new_figure(7, 6) if figure is None else figure
    upper, lower = figure.subplots(2, sharex=True)
    T = np.asarray(found.T)
    upper.semilogx(T, np.asarray(found.Y_chi), label=r"$Y_\chi$")
    upper.semilogx(T, np.asarray(found.Y_B), label="$Y_B$")
    # what walls far from percolation make is no part of the picture
    top = float(np.nanmax([found.Y_chi, found.Y_B], initial=0.0))
    if top > 0:
        upper.set_yscale("log")
        upper.set_ylim(_SMALLEST * top, 10 * top)
    lower.semilogx(T, _scaled(np.asarray(found.source)), label="source $dY_B/dy$")
    lower.semilogx(T, _scaled(np.asarray(found.area_density)), label="A/V")
    lower.set_xlabel("T (GeV)")
    upper.set_ylabel("yield n/s")
    lower.set_ylabel("share of the largest value")
    upper.invert_xaxis()
    upper.legend()
    lower.legend()
    return figure


def _scaled(values: Any) -> Any:
    largest = values.max()
    return values / largest if largest > 0 else values


def corner(
    found: "Posterior", names: Sequence[str] | None = None, figure: "Figure | None" = None
) -> "Figure":
    """All pairs of parameters as scatters, and each one as a histogram.

    Args:
        found: the draws.
        names: parameters or densities; the free parameters if None.
        figure: to draw into.
    """
    names = tuple(found.fit.values) if names is None else tuple(names)
    size = len(names)
    if figure is None:
        figure = new_figure(2.4 * size + 0.6, 2.4 * size + 0.6)
    axes = figure.subplots(size, size, squeeze=False)
    columns = [found.data.posterior[name].values.ravel() for name in names]
    for i in range(size):
        for j in range(size):
            panel = axes[i][j]
            if j > i:
                panel.set_visible(False)
            elif i == j:
                panel.hist(columns[i], bins=40)
                panel.set_yticks([])
            else:
                panel.plot(columns[j], columns[i], ",")
            if i == size - 1:
                panel.set_xlabel(names[j])
            if j == 0 and i > 0:
                panel.set_ylabel(names[i])
    return figure


def bounce(
    found: "Bounce",
    names: Sequence[str] | None = None,
    points: int = 2000,
    ax: "Axes | None" = None,
) -> "Axes":
    """Fields of a bounce over the radius, as far as they differ visibly from the false vacuum.

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
        ax.plot(r, values[:, column], label=names[column] if names else f"field {column}")
    # the far field goes on for many widths of the wall, and nothing is to be seen there
    away = np.abs(values - np.asarray(found.false_vacuum)).max(1)
    seen = np.flatnonzero(away > _VISIBLE * away.max(initial=0.0))
    if seen.size and r[seen[-1]] > 0:
        ax.set_xlim(0.0, min(1.25 * r[seen[-1]], r[-1]))
    ax.set_xlabel("r (inverse units of the fields)")
    ax.set_ylabel("fields")
    ax.legend()
    return ax


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
    unit = " (kg/m³)" if quantity.startswith("rho_") else ""
    how = f", {cells.how}" if cells.how else ""
    ax.figure.colorbar(mesh, label=f"{quantity}{unit}{how}")
    for scale, coordinate in ((ax.set_xscale, cells.x), (ax.set_yscale, cells.y)):
        if coordinate.min() > 0 and coordinate.max() / coordinate.min() > 30:
            scale("log")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    rho = cells.rho_B
    if rho is not None and min(rho.shape) > 1 and _crosses(rho, band):
        ax.contour(cells.x, cells.y, np.ma.masked_invalid(rho), levels=band, colors="red")
        # above the picture: the band may be anywhere in it
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
        ax.legend([Line2D([], [], color="red")], [r"measured $\rho_B \pm 2\sigma$"], **place)
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
    """Elasticities of ρ_B and ρ_DM as bars, largest on top."""
    from jaxbounce.model.sensitivity import as_rows

    rows = as_rows(found)
    shown = [r for r in rows if max(abs(r["rho_B"] or 0), abs(r["rho_DM"] or 0)) > 1e-6][::-1]
    ax = new_figure(7, 1.2 + 0.32 * max(len(shown), 1)).subplots() if ax is None else ax
    place = range(len(shown))
    labels = (r"$\rho_B$", r"$\rho_{DM}$")
    for offset, output, label in zip((0.2, -0.2), ("rho_B", "rho_DM"), labels, strict=True):
        values = [row[output] or 0.0 for row in shown]
        ax.barh([p + offset for p in place], values, height=0.38, label=label)
    ax.set_yticks(list(place), [row["parameter"] for row in shown])
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_xlabel(r"$\partial\,\ln\rho\,/\,\partial\,\ln\theta$")
    ax.legend()
    return ax

"""Pictures, with matplotlib (the extra `plot`)."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.write import write_bytes_whole


def new_figure(width: float, height: float) -> Any:
    """A figure of its own, without touching the state of pyplot.

    Raises:
        ConfigurationError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigurationError(
            "a picture needs matplotlib; pip install 'jaxbounce[plot]', or leave the picture out"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: str | Path) -> None:
    """Write a figure, whole or not at all; the format follows the suffix (PNG without one)."""
    path = Path(path)
    form = path.suffix.lstrip(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if form not in known:
        raise ConfigurationError(f"{path}: unknown picture format; use .png, .pdf or .svg")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=150)
    write_bytes_whole(path, buffer.getvalue())


def evolution(columns: dict[str, Any], path: str | Path) -> None:
    """Y_χ and Y_B, and below them source and wall area, over temperature."""
    figure = new_figure(7, 6)
    upper, lower = figure.subplots(2, sharex=True)
    T = columns["T_GeV"]
    for name, label in (("Y_chi", "Y_χ"), ("Y_B", "Y_B")):
        upper.loglog(T, columns[name], label=label)
    lower.semilogx(T, _scaled(columns["source"]), label="source dY_B/dy")
    lower.semilogx(T, _scaled(columns["area_density_GeV"]), label="A/V")
    lower.set_xlabel("T (GeV)")
    upper.set_ylabel("yield")
    lower.set_ylabel("over the largest value")
    upper.invert_xaxis()
    upper.legend()
    lower.legend()
    save(figure, path)


def corner(draws: Any, names: Sequence[str], path: str | Path) -> None:
    """All pairs of parameters as scatters, and each one as a histogram."""
    size = len(names)
    figure = new_figure(2.4 * size + 0.6, 2.4 * size + 0.6)
    axes = figure.subplots(size, size, squeeze=False)
    columns = [draws[name].values.ravel() for name in names]
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
    save(figure, path)


def profile(r: Any, values: Any, names: Sequence[str], path: str | Path) -> None:
    """Fields of a bounce over the radius."""
    figure = new_figure(7, 4)
    axes = figure.subplots()
    for column, name in enumerate(names):
        axes.plot(r, values[:, column], label=name)
    axes.set_xlabel("r")
    axes.legend()
    save(figure, path)


def heat_map(
    cells: Any, names: tuple[str, str], quantity: str, band: tuple[float, float], path: str | Path
) -> None:
    """A quantity over two parameters, with the band of the measured baryon density.

    Args:
        cells: x, y, values (y along the first axis), rho_B in the same cells or None, how.
        names: of x and y.
        quantity: its name.
        band: lowest and highest ρ_B (kg/m³) that agree with the data.
        path: PNG, PDF or SVG.
    """
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.lines import Line2D

    figure = new_figure(7, 5.4)
    axes = figure.subplots()
    values = np.ma.masked_invalid(cells.values)
    if quantity == "log_likelihood":
        # below this nothing is told apart: the best 50 units are what matters
        top = float(values.max())
        norm: Any = Normalize(max(float(values.min()), top - 50), top)
    elif values.count() and values.min() > 0 and values.max() / values.min() > 30:
        norm = LogNorm()
    else:
        norm = Normalize()
    mesh = axes.pcolormesh(cells.x, cells.y, values, norm=norm, shading="nearest")
    figure.colorbar(mesh, label=f"{quantity} ({cells.how})" if cells.how else quantity)
    for axis, coordinate in ((axes.xaxis, cells.x), (axes.yaxis, cells.y)):
        if coordinate.min() > 0 and coordinate.max() / coordinate.min() > 30:
            (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    rho = cells.rho_B
    if rho is not None and min(rho.shape) > 1 and _crosses(rho, band):
        axes.contour(cells.x, cells.y, np.ma.masked_invalid(rho), levels=band, colors="red")
        axes.legend([Line2D([], [], color="red")], ["measured ρ_B ± 2σ"])
    save(figure, path)


def _crosses(values: Any, band: tuple[float, float]) -> bool:
    """Whether values lie on both sides of the middle of a band."""
    good = values[np.isfinite(values)]
    middle = sum(band) / 2
    return bool(good.size and good.min() < middle < good.max())


def _scaled(values: Any) -> Any:
    largest = values.max()
    return values / largest if largest > 0 else values


def tornado(rows: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Elasticities of ρ_B and ρ_DM as bars, largest on top."""
    shown = [r for r in rows if max(abs(r["rho_B"] or 0), abs(r["rho_DM"] or 0)) > 1e-6][::-1]
    figure = new_figure(7, 1.2 + 0.32 * max(len(shown), 1))
    axes = figure.subplots()
    place = range(len(shown))
    for offset, output, label in ((0.2, "rho_B", "ρ_B"), (-0.2, "rho_DM", "ρ_DM")):
        values = [row[output] or 0.0 for row in shown]
        axes.barh([p + offset for p in place], values, height=0.38, label=label)
    axes.set_yticks(list(place), [row["parameter"] for row in shown])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("∂ln ρ/∂ln θ")
    axes.legend()
    save(figure, path)

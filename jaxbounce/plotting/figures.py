"""Figures: made without pyplot, written whole or not at all."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.write import write_bytes_whole
from jaxbounce.plotting.shown import shown_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """A figure of its own, without touching the state of pyplot.

    Raises:
        ConfigurationError: if matplotlib is not installed.
    """
    need_matplotlib()
    return shown_figure()(figsize=(width, height), layout="constrained")


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

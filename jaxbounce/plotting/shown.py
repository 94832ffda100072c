"""A figure that a notebook shows, whether or not pyplot has been used there before."""

import io

from matplotlib.figure import Figure

_DPI = 90  # of a page that is read on a screen


class ShownFigure(Figure):
    """A figure without pyplot that is a picture where it is the last line of a cell."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=_DPI)
        return buffer.getvalue()

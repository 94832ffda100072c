"""A figure that a notebook shows, whether or not pyplot has been used there before.

`ShownFigure` is made when it is first asked for: matplotlib is an extra.
"""

import functools
import io
from typing import Any

_DPI = 90  # of a page that is read on a screen


@functools.cache
def shown_figure() -> Any:
    """The class of such figures."""
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A figure without pyplot that is a picture where it is the last line of a cell."""

        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png", dpi=_DPI)
            return buffer.getvalue()

    ShownFigure.__qualname__ = "ShownFigure"  # where a pickle finds it again
    return ShownFigure


def __getattr__(name: str) -> Any:
    if name == "ShownFigure":
        return shown_figure()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Files of other tools, as what this package reads: walls, points, tables of points.

Each reader returns an `Imported`, whose columns have the keys and units of a configuration (GeV).
What a file does not say is not made up, and what is taken for something else is said in `notes`.
Formats are those of the tools' own documentation or of the code that writes them, named in each
module. Pickles are never loaded: unpickling runs whatever is in the file.
"""

from collections.abc import Callable
from pathlib import Path

from jaxbounce._core.checks import check_name
from jaxbounce.files.adapters.imported import Imported as Imported, Wall as Wall
from jaxbounce.files.adapters.transitions import (
    read_bsmpt as read_bsmpt,
    read_ptplot as read_ptplot,
    read_transition_listener as read_transition_listener,
    read_transition_solver as read_transition_solver,
)
from jaxbounce.files.adapters.walls import (
    read_bubble_profiler as read_bubble_profiler,
    read_cosmo_transitions as read_cosmo_transitions,
    read_wallgo as read_wallgo,
)

READERS: dict[str, Callable[[str | Path], Imported]] = {
    "cosmotransitions": read_cosmo_transitions,
    "bsmpt": read_bsmpt,
    "wallgo": read_wallgo,
    "bubbleprofiler": read_bubble_profiler,
    "transitionsolver": read_transition_solver,
    "transitionlistener": read_transition_listener,
    "ptplot": read_ptplot,
}
"""The reader of each tool, by the name of the tool."""


def read_from(tool: str, path: str | Path) -> Imported:
    """What a file of another tool holds.

    Args:
        tool: one of `READERS`.
        path: the file.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    return READERS[check_name("tool", tool, READERS)](path)

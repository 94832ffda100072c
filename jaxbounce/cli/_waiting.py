"""What takes long says so: one line on standard error, and none for what does not.

A line, not an animation, so that it reads in a log file too.
"""

import contextlib
import os
import threading
from collections.abc import Iterator

from jaxbounce.cli._streams import say

_PATIENCE = 1.5  # seconds, in which bad input is found; then nothing is said but its own line

_QUIET = "JAXBOUNCE_QUIET"
"""Set in the environment, nothing is said of waiting."""

_KEPT = "kept for the next run"

_TEXTS = {
    "run": f"compiling the yields, a few seconds; {_KEPT}",
    "budget": f"compiling some twenty evaluations, a minute or two; {_KEPT}",
    "sensitivity": f"compiling the derivatives, some seconds; {_KEPT}",
    "fit": f"compiling the fit and its derivatives, about 10 s; {_KEPT}",
    "posterior": f"compiling fit and sampler, about 20 s ({_KEPT}), then drawing",
    "evolve": f"compiling the Boltzmann equations, about 20 s; {_KEPT}",
    "bounce": f"solving the bounce of this potential, some seconds; what is compiled is {_KEPT}",
    "phases": f"following phases over the temperature, up to a minute; what is compiled is {_KEPT}",
    "transition": "following vacua and bounces over the temperature, up to minutes; what is"
    f" compiled is {_KEPT}",
    "convert": f"compiling the conversion models, about 10 s; {_KEPT}",
    "scan": f"compiling the points of this scan, some seconds; {_KEPT}",
}
"""What each command does while one waits."""


@contextlib.contextmanager
def said_if_long(command: str) -> Iterator[None]:
    """Say what a command is doing if it is not done soon."""
    text = _TEXTS.get(command)
    if text is None or os.environ.get(_QUIET):
        yield
        return
    timer = threading.Timer(_PATIENCE, say, [f"{command}: {text}"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

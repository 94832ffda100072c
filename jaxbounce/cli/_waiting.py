"""What takes long says so: one line on standard error, and none for what does not.

A line, not an animation, so that it reads in a log file too.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

from jaxbounce._core import progress
from jaxbounce.cli._streams import say

_PATIENCE = 1.5  # seconds, in which bad input is found; then nothing is said but its own line

_QUIET = "JAXBOUNCE_QUIET"
"""Set in the environment, nothing is said of waiting."""

_KEPT = "; what is compiled (once for each form of model) is kept for later runs"

_TEXTS = {
    "run": f"preparing the yields{_KEPT}",
    "budget": f"preparing some twenty evaluations, one after the other{_KEPT}",
    "sensitivity": f"preparing the derivatives{_KEPT}",
    "fit": f"preparing the fit and its derivatives{_KEPT}",
    "posterior": f"preparing fit and sampler, then drawing{_KEPT}",
    "evolve": f"preparing the Boltzmann equations{_KEPT}",
    "bounce": f"solving the bounce of this potential{_KEPT}",
    "phases": f"following phases over the temperature{_KEPT}",
    "transition": f"following vacua and bounces over the temperature{_KEPT}",
    "convert": f"preparing the conversion models, one after the other{_KEPT}",
    "scan": f"preparing the points of this scan{_KEPT}",
    "diagnostics": f"preparing the source{_KEPT}",
    "show": "reading the store",
}
"""What each command does while one waits: no times, which differ by a factor of 30 between machines
and between the first run and the next."""


_INTERVAL = 30.0  # seconds between the lines that follow

_HAVE_THEIR_OWN = ("scan",)
"""Commands that count what they do."""


@contextlib.contextmanager
def said_if_long(command: str) -> Iterator[None]:
    """Say what a command is doing if it is not done soon, and then now and again that it still is.

    Which part it is at is said where there are parts; how far it is in one cannot be: most of it
    is a compilation, or one program.
    """
    text = _TEXTS.get(command)
    if text is None or os.environ.get(_QUIET):
        yield
        return
    progress.at("")
    done, started = threading.Event(), time.monotonic()

    def tell() -> None:
        if done.wait(_PATIENCE):
            return
        say(f"{command}: {text}")
        # a bar on a terminal would be torn by lines
        if command in _HAVE_THEIR_OWN or (command == "posterior" and sys.stderr.isatty()):
            return
        while not done.wait(_INTERVAL):
            part = progress.part()
            at = f", at {part}" if part else ""
            say(f"{command}: at work for {time.monotonic() - started:.0f} s{at}")

    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()


class Counted:
    """How far a count is, as lines: where standard error is no terminal, a bar is no use."""

    def __init__(self, what: str, total: int, done: int) -> None:
        self._what, self._total, self._done = what, total, done
        self._new, self._started = 0, time.monotonic()
        self._said = self._started

    def update(self, points: int, failed: int) -> None:
        """So many more are done, so many altogether without a number."""
        self._done += points
        self._new += points
        now = time.monotonic()
        if now - self._said < _INTERVAL and self._done < self._total:
            return
        self._said = now
        rate = self._new / max(now - self._started, 1e-9)
        left = (self._total - self._done) / max(rate, 1e-9)
        say(
            f"{self._what}: {self._done} of {self._total} points, {failed} without a number,"
            f" {rate:.3g} points/s, about {left:.0f} s left"
        )

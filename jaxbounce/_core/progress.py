"""Which part of a long computation is at work, in words, for whoever waits.

What is computed does not depend on it. A computation of several parts says when it begins one
(`at`); the command `jaxbounce` repeats the last one in the lines that say it is not done yet.
"""

_part = ""


def at(part: str) -> None:
    """Say which part begins now, such as "full-wave-dirac, 6 of 7"; "" for none."""
    global _part
    _part = part


def part() -> str:
    """The part that began last."""
    return _part

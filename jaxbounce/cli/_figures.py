"""How reports write numbers: to the digits that people read."""

import dataclasses
from typing import Annotated, Any

import tyro

from jaxbounce.cli._shared import Point

DIGITS = 6
"""Significant digits of a report; files keep all."""

_MOST = 17  # of a float64


Digits = Annotated[
    int,
    tyro.conf.arg(metavar="N", help="Significant digits of the report; files keep all."),
]
"""The option --digits."""


@dataclasses.dataclass(frozen=True)
class Reported(Point):
    """A command about one point that prints numbers."""

    digits: Digits = DIGITS

    def figures(self) -> "Figures":
        """How the report writes numbers."""
        return Figures(self.digits)


@dataclasses.dataclass(frozen=True)
class Figures:
    """Numbers as text, to so many significant digits."""

    digits: int = DIGITS

    def __post_init__(self) -> None:
        from jaxbounce._core.checks import check_whole

        check_whole("--digits", self.digits, 1, "significant digits", _MOST)

    @property
    def width(self) -> int:
        """Of a column that holds any number."""
        return self.digits + 7

    def column(self, *heads: str) -> int:
        """Width of a column that holds any number and has these heads, or words in place of one."""
        return max(self.width, *map(len, heads))

    def __call__(self, value: Any) -> str:
        """A number, with the zeros that count; −0 is 0."""
        number = float(value) + 0.0
        text = f"{number:#.{self.digits}g}"
        return "0" if number == 0 else text.removesuffix(".")

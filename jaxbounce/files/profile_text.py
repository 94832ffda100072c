"""Tables of numbers as people save them: a header and rows, whatever the marks between.

UTF-8 (with or without byte-order mark) and UTF-16; comma, semicolon, tab or blanks between
columns; comments after #, %, ! or //, the header among them or not; a delimiter at the end of
lines; Fortran's exponents; decimal commas where no comma separates columns.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from jaxbounce._core.errors import ProfileError
from jaxbounce.files.tables import encoding

LARGEST_FILE = 200_000_000
"""Bytes; a profile needs some thousand rows, and more is a mistake."""

_COMMENT = re.compile(r"#|%|!|//")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|[+-]?(nan|inf|infinity)$")

_FORTRAN = re.compile(r"(?<=[\d.])d(?=[+-]?\d+$)|(?<=[\d.])(?=[+-]\d{3}$)")

_UNIT = re.compile(r"(?<=\S)\s*[\[(][^\[(]*[\])]$")

_BLANKS = " "

_MARKS = (";", "\t", ",", _BLANKS)
"""Delimiters in the order in which they are tried."""


class Rows(NamedTuple):
    """A table as text.

    Attributes:
        header: names of the columns.
        lines: the cells of each row, with the number of its line.
        delimiter: what separated them.
    """

    header: list[str]
    lines: list[tuple[int, list[str]]]
    delimiter: str


def read_rows(path: Path, wanted: Collection[str]) -> Rows:
    """The header and the rows of a table.

    Args:
        path: the file.
        wanted: names of columns, by which a header among several comments is known.

    Raises:
        ProfileError: one line that names the file, what is wrong and what to do.
    """
    comments: list[list[str]] = []
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        mark = _COMMENT.search(line)
        # a tab at the end of a line may be a delimiter
        kept = (line if mark is None else line[: mark.start()]).strip(_BLANKS)
        if kept.strip():
            lines.append((number, kept))
        elif mark is not None and not lines:
            comments.append(_names(line.lstrip("#%!/ \t")))
    if not lines and not comments:
        raise ProfileError(f"{path}: empty; a header r,Phi,phi and rows of numbers are expected")
    if lines and not _begins_with_number(lines[0][1]):
        header, mark = _names(lines[0][1]), _mark_of_names(lines[0][1])
        lines = lines[1:]
    else:
        header, mark = _header_among(comments, wanted), _BLANKS
    if header is None:
        raise ProfileError(
            f"{path}: line {lines[0][0]} has numbers where the names of the columns are expected;"
            " put a line r,Phi,phi above them"
        )
    delimiter = next((found for _, line in lines[:1] if (found := _mark_of_numbers(line))), mark)
    return Rows(header, [(n, _cells(line, delimiter, len(header))) for n, line in lines], delimiter)


def number_of(cell: str, delimiter: str) -> float | None:
    """The number in a cell; None if it is none."""
    text = cell.lower()
    if delimiter != ",":
        text = text.replace(",", ".")
    text = _FORTRAN.sub("e", text)
    return float(text) if _NUMBER.match(text) else None


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise ProfileError(
                f"{path}: {size / 1e6:.0f} MB; at most {LARGEST_FILE / 1e6:.0f} MB are read,"
                " keep every n-th row"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    try:
        return data.decode(encoding(data))
    except UnicodeDecodeError:
        raise ProfileError(f"{path}: not a text file; save the profile as CSV (UTF-8)") from None


def _split(line: str, mark: str) -> list[str]:
    cells = line.split(None if mark == _BLANKS else mark)
    return [cell.strip().strip("\"'").strip() for cell in cells]


def _cells(line: str, delimiter: str, width: int) -> list[str]:
    """The cells of a row; empty ones at its end that the header lacks are no columns."""
    cells = _split(line, delimiter)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells


def _names(line: str) -> list[str]:
    """Names of columns, without their units in brackets."""
    names = [_UNIT.sub("", name) for name in _split(line, _mark_of_names(line))]
    while names and not names[-1]:
        names.pop()
    return names


def _mark_of_names(line: str) -> str:
    return next((mark for mark in (",", ";", "\t") if mark in line), _BLANKS)


def _mark_of_numbers(line: str) -> str | None:
    """The delimiter that leaves several numbers and nothing else; None if none does."""
    for mark in _MARKS:
        cells = [cell for cell in _split(line, mark) if cell]
        if len(cells) > 1 and all(number_of(cell, mark) is not None for cell in cells):
            return mark
    return None


def _begins_with_number(line: str) -> bool:
    return any(number_of(_split(line, mark)[0], mark) is not None for mark in _MARKS)


def _header_among(comments: list[list[str]], wanted: Collection[str]) -> list[str] | None:
    """The last comment with the names wanted, in any case; or else the last with as many."""
    sought = {name.lower() for name in wanted}
    for names in reversed(comments):
        if sought <= {name.lower() for name in names}:
            return names
    return next((names for names in reversed(comments) if len(names) >= len(wanted)), None)

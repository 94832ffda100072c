"""What the readers of other tools' files return, and how it is written for our own commands."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbounce._core.checks import at_home, shown, suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.tables import encoding, from_json

_LARGEST = 200_000_000  # bytes of a file

_FEWEST_RADII = 8  # of a wall, as `read_profile` asks for


class Wall(NamedTuple):
    """Fields across a wall.

    Attributes:
        r: radii, rising, in the inverse of the unit of the fields.
        fields: values by name, in the order of the file.
    """

    r: np.ndarray
    fields: dict[str, np.ndarray]

    def as_csv(self, names: Sequence[str] | None = None) -> str:
        """The profile that `convert` reads: columns r, Phi, phi.

        Args:
            names: which field is Φ (not zero inside the bubble) and which φ (not zero outside);
                by default those called Phi and phi, or else the two that there are, in order.

        Raises:
            ConfigurationError: if the two are not among the fields.
        """
        known = tuple(self.fields)
        if names is None:
            names = ("Phi", "phi") if {"Phi", "phi"} <= set(known) else known
        for name in names:
            if name not in known:
                raise ConfigurationError(f"fields: {name}: no such field{suggestion(name, known)}")
        if len(names) != 2 or names[0] == names[1]:
            raise ConfigurationError(
                f"fields: a wall needs two, Phi and phi; the file has {', '.join(known)}"
                + (
                    ""
                    if len(known) < 2
                    else f"; name the two, such as fields {known[0]},{known[1]}"
                )
            )
        table = np.column_stack([self.r, *(self.fields[name] for name in names)])
        rows = [",".join(f"{value:.15g}" for value in row) for row in table]
        return "\n".join(["r,Phi,phi", *rows]) + "\n"


class Imported(NamedTuple):
    """What a file of another tool holds.

    Attributes:
        tool: that made it.
        columns: numbers for the chain by configuration key, one row a transition or point.
        beside: numbers that have no key, by name and unit, with as many rows.
        wall: fields across the wall; None if the file has none.
        notes: what a reader should know.
    """

    tool: str
    columns: dict[str, np.ndarray]
    beside: dict[str, np.ndarray]
    wall: Wall | None
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many transitions or points there are."""
        return max((len(c) for c in (*self.columns.values(), *self.beside.values())), default=0)

    def with_strength(self, key: str) -> "Imported":
        """The strength alpha as a number of the chain: `alpha_V` or `alpha_eff`.

        The chain has no alpha of its own: it asks for the vacuum energy, or for what is released,
        over the energy of radiation at T_p. Which of the two the tool's alpha stands for is the
        user's to say.

        Raises:
            ConfigurationError: if the file has no alpha.
        """
        if "alpha" not in self.beside:
            raise ConfigurationError(f"{key}: the file of {self.tool} has no alpha to take it from")
        return self._replace(columns={**self.columns, key: self.beside["alpha"]})

    def point(self, row: int | None = None) -> dict[str, Any]:
        """The numbers of one row by configuration key, for `load` or `with` other keys.

        Args:
            row: which one, from 1; left out where there is one alone.

        Raises:
            ConfigurationError: if it is not said which, or there is none such.
        """
        if not self.columns:
            raise ConfigurationError(
                f"{self.tool}: the file holds no number of the chain, such as T_p or beta/H"
            )
        if row is None and self.rows > 1:
            raise ConfigurationError(
                f"row: missing; the file holds {self.rows} transitions or points, say which (1 to"
                f" {self.rows}), or write all of them as .csv for a scan"
            )
        row = 1 if row is None else row
        if not 1 <= row <= self.rows:
            raise ConfigurationError(f"row = {row}: must be 1 to {self.rows}")
        return {
            key: float(column[row - 1])
            for key, column in self.columns.items()
            if np.isfinite(column[row - 1])
        }

    def as_csv(self) -> str:
        """The points as a scan reads them: one column a parameter, one row a point."""
        if not self.columns:
            self.point()
        rows = np.column_stack(list(self.columns.values()))
        lines = [f"# from {self.tool}; units of a jaxbounce configuration (GeV)"]
        lines += [",".join(self.columns)]
        lines += [",".join(f"{value:.17g}" for value in row) for row in rows]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        """A table of what is there, and the notes."""
        return self.as_text()

    def as_text(self, digits: int = 6) -> str:
        """The same, numbers to so many significant digits."""
        lines = [f"from {self.tool}"]
        if self.wall is not None:
            r, names = self.wall.r, ", ".join(self.wall.fields)
            lines.append(f"  wall of {names}: {r.size} radii, {r[0]:.6g} to {r[-1]:.6g}")
        for title, columns in (("", self.columns), ("   (no key of the chain)", self.beside)):
            for name, column in columns.items():
                lines.append(f"  {name:14} {_few(column, digits)}{title}")
        return "\n".join(lines + [f"note: {note}" for note in self.notes])


def _few(column: np.ndarray, digits: int) -> str:
    if len(column) <= 4:
        return ", ".join(f"{value:.{digits}g}" for value in column)
    low, high = np.nanmin(column), np.nanmax(column)
    return f"{low:.{digits}g} to {high:.{digits}g} in {len(column)} rows"


def content_of(path: str | Path, expected: str) -> bytes:
    """What is in a file.

    Raises:
        ConfigurationError: if it cannot be read, is too large, or is a pickle.
    """
    path = at_home(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); {expected}") from None
    except ValueError:
        raise ConfigurationError(f"{path}: is no name of a file; {expected}") from None
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{path}: is larger than {_LARGEST / 1e6:.0f} MB; {expected}")
    # protocols 2 and above begin so; older ones are text that no reader takes
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ConfigurationError(
            f"{path}: is a pickle, which may run any program and is never loaded; {expected}"
        )
    return content


def text_of(path: str | Path, expected: str) -> str:
    """The text in a file, UTF-8 or UTF-16.

    Raises:
        ConfigurationError: if there is none.
    """
    content = content_of(path, expected)
    try:
        text = content.decode(encoding(content))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not text; {expected}") from None
    if not text.strip() or "\0" in text:
        raise ConfigurationError(f"{path}: holds no text; {expected}")
    return text


def json_of(path: str | Path, expected: str) -> Any:
    """The value in a JSON file; NaN, as Python writes it, is one.

    Raises:
        ConfigurationError: if it is no JSON.
    """
    try:
        return from_json(text_of(path, expected))
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid JSON ({error}); {expected}") from None
    except ConfigurationError as error:
        text = str(error)
        raise ConfigurationError(text if str(path) in text else f"{path}: {text}") from None


def table_of_text(
    path: str | Path, delimiter: str, expected: str
) -> tuple[list[str], list[list[str]]]:
    """Names of columns and cells of rows, comments (#) left out.

    Rows shorter than the header lack their last columns; longer ones are refused.

    Raises:
        ConfigurationError: with the line.
    """
    lines = [
        (number, line)
        for number, line in enumerate(text_of(path, expected).splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ConfigurationError(f"{path}: holds no table; {expected}")
    header = [cell.strip().strip('"') for cell in lines[0][1].split(delimiter)]
    if len(header) < 2:
        raise ConfigurationError(
            f"{path}: line {lines[0][0]} has no columns between {_MARK[delimiter]}; {expected}"
        )
    rows = []
    for number, line in lines[1:]:
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if len(cells) > len(header):
            raise ConfigurationError(
                f"{path}: line {number} has {len(cells)} columns, the header {len(header)};"
                f" {expected}"
            )
        rows.append(cells + [""] * (len(header) - len(cells)))
    return header, rows


_MARK = {",": "commas", "\t": "tabs"}


def numbers(path: str | Path, header: list[str], rows: list[list[str]], name: str) -> np.ndarray:
    """A column as numbers: NaN where the cell is empty or says nan.

    Raises:
        ConfigurationError: for a cell that is no number.
    """
    index, found = header.index(name), np.empty(len(rows))
    for row, cells in enumerate(rows):
        cell = cells[index]
        try:
            found[row] = float(cell) if cell else np.nan
        except ValueError:
            raise ConfigurationError(
                f"{path}: column {name}, row {row + 1}: {shown(cell)} is not a number"
            ) from None
    return found


def one_column(
    path: str | Path, header: list[str], names: Sequence[str], meaning: str, expected: str
) -> str | None:
    """Which of several names a column has; None if it has none of them.

    Raises:
        ConfigurationError: if more than one is there.
    """
    found = [name for name in names if name in header]
    if len(found) > 1:
        raise ConfigurationError(
            f"{path}: {meaning} is there as {' and '.join(found)}; keep one of them; {expected}"
        )
    return found[0] if found else None


def only_finite(
    columns: Mapping[str, np.ndarray], beside: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], int]:
    """Rows where every number of the chain is finite and positive; and how many are not."""
    kept = np.ones(len(next(iter(columns.values()))), bool)
    for column in columns.values():
        kept &= np.isfinite(column) & (column > 0)
    return (
        {key: column[kept] for key, column in columns.items()},
        {key: column[kept] for key, column in beside.items()},
        int((~kept).sum()),
    )


def a_wall(path: str | Path, r: Any, fields: Mapping[str, Any], expected: str) -> Wall:
    """A wall of finite numbers, its radii rising.

    Raises:
        ConfigurationError: for what is none.
    """
    columns: dict[str, np.ndarray] = {}
    for name, values in {"r": r, **fields}.items():
        try:
            column = np.asarray(values, float)
        except (TypeError, ValueError):
            raise ConfigurationError(f"{path}: {name}: is no list of numbers; {expected}") from None
        if column.ndim != 1 or not np.isfinite(column).all():
            raise ConfigurationError(
                f"{path}: {name}: must be one list of finite numbers; {expected}"
            )
        columns[name] = column
    radii = columns.pop("r")
    for name, column in columns.items():
        if column.size != radii.size:
            raise ConfigurationError(
                f"{path}: {name} has {column.size} values, r {radii.size}; {expected}"
            )
    if radii.size < _FEWEST_RADII or not (np.diff(radii) > 0).all() or radii[0] < 0:
        raise ConfigurationError(
            f"{path}: radii must be {_FEWEST_RADII} or more, rise, and not be negative; {expected}"
        )
    return Wall(radii, columns)


def number_in(path: str | Path, key: str, value: Any) -> float:
    """A number of a JSON file; NaN where there is none.

    Raises:
        ConfigurationError: for what is none.
    """
    if value is None:
        return np.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{path}: {key} = {shown(value)}: is not a number")
    return float(value)

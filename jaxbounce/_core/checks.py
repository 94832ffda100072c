"""Checks of what users write: one line that names the key, the value, what is allowed."""

import difflib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.errors import ConfigurationError, one_line
from jaxbounce._core.ranges import Range

_SHOWN = 80  # characters of a value in a message


def shown(value: Any) -> str:
    """A value as a message shows it: one short line, whatever it is."""
    try:
        text = repr(value)
    except ValueError:
        # Python writes whole numbers of up to 4300 digits
        if not isinstance(value, int):
            return f"a {type(value).__name__} with a whole number of thousands of digits"
        return f"a whole number of about {round(value.bit_length() * math.log10(2))} digits"
    except RecursionError:
        return f"a {type(value).__name__} nested too deeply"
    return one_line(text, _SHOWN)


def plain(value: Any) -> Any:
    """NumPy and JAX scalars, and arrays without axes, as the Python numbers they hold."""
    if getattr(value, "shape", None) == () and getattr(value.dtype, "kind", "") in "biuf":
        return value.item()
    return value


_AS_NEAR = 0.02  # of the similarity of the nearest name: who is as near is named too


def suggestion(name: str, known: Iterable[str]) -> str:
    """'; did you mean …?' with the nearest known name, or the whole list if none is near.

    Names that are equally near are all given: h_chi may be f_chi as well as g_chi, and whoever
    followed a guess would set another quantity. So are those that only begin so, as alpha_V and
    alpha_eff for alpha.
    """
    known = list(known)
    begun = [one for one in known if one.startswith(f"{name}_")]
    if len(begun) > 1:
        *others, last = map(repr, begun)
        return f"; did you mean {', '.join(others)} or {last}?"
    near = difflib.get_close_matches(str(name), known, n=4, cutoff=0.5)
    if not near:
        return f"; known names: {', '.join(known)}"
    likeness = {one: difflib.SequenceMatcher(None, one, str(name)).ratio() for one in near}
    least = max(likeness.values()) - _AS_NEAR
    *others, last = [repr(one) for one in near if likeness[one] >= least]
    return f"; did you mean {', '.join(others)} or {last}?" if others else f"; did you mean {last}?"


def one_name(
    table: Mapping[str, Any], name_of: Mapping[str, str], where: str = ""
) -> dict[str, Any]:
    """The table with every key by one name: whoever has two may be written by either.

    Args:
        table: by key.
        name_of: the name to take, by the other one.
        where: what a message puts before a key.

    Raises:
        ConfigurationError: for a key that is given by both of its names.
    """
    found: dict[str, Any] = {}
    written: dict[str, str] = {}
    for key, value in table.items():
        name = name_of.get(key, key)
        if name in found:
            raise ConfigurationError(
                f"{where}{written[name]} and {where}{key}: two names of one thing, both given; keep"
                " one of them"
            )
        found[name], written[name] = value, key
    return found


def check_number(key: str, value: Any, allowed: Range) -> float:
    """`value` as a float, if it is a number in the range."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        remedy = "write it without quotes" if _reads(value) else "give one, such as 1.5 or 2e-3"
        raise ConfigurationError(f"{key} = {shown(value)}: must be a number; {remedy}")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        raise ConfigurationError(
            f"{key} = {shown(value)}: is beyond what a number can be (1.8e308); give a smaller one"
        ) from None
    if not finite:
        raise ConfigurationError(f"{key} = {value}: must be finite; give an ordinary number")
    if value not in allowed:
        text = f"{value:g}"
        if float(text) in allowed:  # outside by less than these digits show
            text = repr(float(value))
        raise ConfigurationError(
            f"{key} = {text}: must be {allowed} ({allowed.meaning}); change it to such a value"
        )
    return float(value)


def _reads(value: Any) -> bool:
    """Whether it is a number written as text."""
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def check_whole(key: str, value: Any, least: int, meaning: str, most: int | None = None) -> int:
    """`value` as an int ≥ least, and ≤ most if there is one."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(
            f"{key} = {shown(value)}: must be a whole number ≥ {least} ({meaning})"
        )
    if most is not None and value > most:
        raise ConfigurationError(
            f"{key} = {shown(value)}: must be at most {most} ({meaning}); take a smaller one"
        )
    return value


def check_flag(key: str, value: Any) -> bool:
    """`value` if it is true or false."""
    value = plain(value)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{key} = {shown(value)}: must be true or false")
    return value


def check_text(key: str, value: Any, meaning: str) -> str:
    """`value` if it is text."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{key} = {shown(value)}: must be text ({meaning})")
    if "\0" in value:  # which no file system has in a name
        raise ConfigurationError(f"{key} = {shown(value)}: holds a NUL character; drop it")
    return value


def at_home(path: Any) -> Path:
    """A path with a leading ~ as the home that it stands for; as it is where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def check_name(key: str, value: Any, allowed: Iterable[str]) -> str:
    """`value` if it is one of the allowed names."""
    allowed = tuple(allowed)
    if not (isinstance(value, str) and value in allowed):
        names = ", ".join(f'"{name}"' for name in allowed)
        hint = suggestion(value, allowed) if isinstance(value, str) else ""
        hint = hint if "did you mean" in hint else ""
        raise ConfigurationError(f"{key} = {shown(value)}: must be one of {names}{hint}")
    return value


def one_of(what: str, value: Any, allowed: Iterable[Any]) -> None:
    """Refuse a value that is not among those allowed: nothing falls back on another silently.

    Raises:
        ConfigurationError: one line with all that is allowed.
    """
    allowed = tuple(allowed)
    if value not in allowed:
        raise ConfigurationError(
            f"{what} = {shown(value)}: must be one of {', '.join(map(repr, allowed))}"
        )


def check_keys(table: Mapping[str, Any], known: Iterable[str], where: str = "") -> None:
    """Refuse keys that are not known, with the nearest that is."""
    known = tuple(known)
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{where}{key}: unknown key{suggestion(key, known)}")


def check_column(where: str, name: str, values: Any, *, positive: bool = False) -> np.ndarray:
    """A column of a table of numbers as an array, if all of them are finite (and positive).

    Args:
        where: what a message calls the table.
        name: what it calls the column.
        values: the numbers.
        positive: whether they must be above 0.
    """
    try:
        column = np.asarray(values, float)
    except (TypeError, ValueError):
        column = np.zeros((0, 0))
    if column.ndim != 1:
        raise ConfigurationError(f"{where}: {name} must be a list of numbers")
    wrong = ~(np.isfinite(column) & (column > (0 if positive else -np.inf)))
    if wrong.any():
        row, kind = int(np.argmax(wrong)), "positive and finite" if positive else "finite"
        raise ConfigurationError(
            f"{where}: {name} = {column[row]:g} in row {row + 1}: must be {kind}"
        )
    return column

"""Checks of what users write: one line that names the key, the value, what is allowed."""

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range


def suggestion(name: str, known: Iterable[str]) -> str:
    """'; did you mean …?' with the nearest known name, or the whole list if none is near."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known names: {', '.join(known)}"


def check_number(key: str, value: Any, allowed: Range) -> float:
    """`value` as a float, if it is a number in the range."""
    # a NumPy or JAX scalar, or an array without axes, is the number it holds
    if getattr(value, "shape", None) == () and getattr(value.dtype, "kind", "") in "iuf":
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{key} = {value!r}: must be a number; write it without quotes")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float can be
        value, finite = math.inf if value > 0 else -math.inf, False
    if not finite:
        raise ConfigurationError(f"{key} = {value}: must be finite; give an ordinary number")
    if value not in allowed:
        raise ConfigurationError(
            f"{key} = {value:g}: must be {allowed} ({allowed.meaning}); change it to such a value"
        )
    return float(value)


def check_whole(key: str, value: Any, least: int, meaning: str) -> int:
    """`value` as an int ≥ least."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{key} = {value!r}: must be a whole number ≥ {least} ({meaning})")
    return value


def check_flag(key: str, value: Any) -> bool:
    """`value` if it is true or false."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{key} = {value!r}: must be true or false")
    return value


def check_text(key: str, value: Any, meaning: str) -> str:
    """`value` if it is text."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{key} = {value!r}: must be text ({meaning})")
    return value


def check_name(key: str, value: Any, allowed: Iterable[str]) -> str:
    """`value` if it is one of the allowed names."""
    allowed = tuple(allowed)
    if value not in allowed:
        names = ", ".join(f'"{name}"' for name in allowed)
        hint = suggestion(value, allowed) if isinstance(value, str) else ""
        hint = hint if "did you mean" in hint else ""
        raise ConfigurationError(f"{key} = {value!r}: must be one of {names}{hint}")
    return value


def one_of(what: str, value: Any, allowed: Iterable[Any]) -> None:
    """Refuse a value that is not among those allowed: nothing falls back on another silently.

    Raises:
        ConfigurationError: one line with all that is allowed.
    """
    allowed = tuple(allowed)
    if value not in allowed:
        raise ConfigurationError(
            f"{what} = {value!r}: must be one of {', '.join(map(repr, allowed))}"
        )


def check_keys(table: Mapping[str, Any], known: Iterable[str], where: str = "") -> None:
    """Refuse keys that are not known, with the nearest that is."""
    known = tuple(known)
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{where}{key}: unknown key{suggestion(key, known)}")

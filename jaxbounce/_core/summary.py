"""Results that print: a few lines that say what was found and whether to trust it."""

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.errors import TracerArrayConversionError

from jaxbounce._core.status import Status

_DIGITS = 6

_FAR = 100  # σ


def summary(title: str, status: Any, numbers: Mapping[str, tuple[Any, str]]) -> str:
    """A result as text.

    Args:
        title: what it is.
        status: its status code, one or an array of them.
        numbers: value (or what gives it) and unit by name; arrays with axes are shown by their
            range.
    """
    try:
        return _summary(title, status, numbers)
    except TracerArrayConversionError:
        return f"{title} (being traced)"
    except (TypeError, ValueError):  # a tree of something else in its shape, such as types
        return f"{title} (without numbers)"


def _summary(title: str, status: Any, numbers: Mapping[str, tuple[Any, str]]) -> str:
    codes = np.atleast_1d(np.asarray(status))
    good = int((codes == Status.SUCCESS).sum())
    if codes.size == 1:
        verdict = Status(int(codes.ravel()[0])).message
    else:
        verdict = f"{good} of {codes.size} points have a number"
    width = max(map(len, [*numbers, "status"]))
    lines = [title]
    for name, (value, unit) in numbers.items():
        value = value() if callable(value) else value
        lines.append(f"  {name:{width}}  {text_of(value)} {unit}".rstrip())
    return "\n".join([*lines, f"  {'status':{width}}  {verdict}"])


def text_of(value: Any) -> str:
    """A number, or the range of an array with axes."""
    values = np.asarray(value, float)
    if values.ndim == 0:
        return f"{float(values):.{_DIGITS}g}"
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no number"
    return f"{finite.min():.{_DIGITS}g} … {finite.max():.{_DIGITS}g}"


def sigmas(value: Any, digits: int = 2, *, signed: bool = True) -> str:
    """A distance in σ; beyond 100 σ no more than that, as no Gaussian holds out there."""
    number = float(value)
    if np.isnan(number):
        return "no number of σ"
    if abs(number) > _FAR:
        return f"> {_FAR} σ" if number > 0 else f"< −{_FAR} σ"
    # what is no distance to these digits has no sign
    number = round(number, digits) + 0.0
    sign = "+" if signed and number else ""
    return f"{number:{sign}.{digits}f} σ"


def as_html(text: str) -> str:
    """Text for a notebook."""
    return f"<pre>{html.escape(text)}</pre>"

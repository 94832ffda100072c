"""The shape checker that the tests put on every function of the package."""

from typing import Any

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as in PEP 484


def checked(function: Any) -> Any:
    """`function`, its annotations of arrays checked at each call.

    Words among choices and the like are left to the package's own messages, which tests read.
    """
    hints = getattr(function, "__annotations__", {})
    function.__annotations__ = {
        name: hint if "jaxtyping" in repr(hint) else Any for name, hint in hints.items()
    }
    return _beartype(function)

"""jaxbounce: from a first-order phase transition to today's baryon and dark-matter densities.

The public names are imported when first used, so that `import jaxbounce` and
`jaxbounce --help` do not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxbounce._version import __version__ as __version__

if TYPE_CHECKING:
    from jaxbounce._checks import ConfigurationError as ConfigurationError
    from jaxbounce.config import (
        Configuration as Configuration,
        load as load,
    )
    from jaxbounce.model import (
        Model as Model,
        Prediction as Prediction,
        predict as predict,
    )
    from jaxbounce.parameters import Choices as Choices, Parameters as Parameters
    from jaxbounce.status import Status as Status

_HOME_OF_NAME = {
    "Choices": "parameters",
    "Configuration": "config",
    "ConfigurationError": "_checks",
    "Model": "model",
    "Parameters": "parameters",
    "Prediction": "model",
    "Status": "status",
    "load": "config",
    "predict": "model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF_NAME:
        raise AttributeError(f"module 'jaxbounce' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"jaxbounce.{_HOME_OF_NAME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME_OF_NAME])


def enable_x64() -> None:
    """Switch JAX to float64 for the whole process; call it before making any array.

    Never done on import: the choice is the user's. The accuracies this package states
    are for float64.
    """
    import jax

    jax.config.update("jax_enable_x64", True)

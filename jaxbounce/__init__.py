"""jaxbounce: from a first-order phase transition to today's baryon and dark-matter densities.

The public names are imported when first used, so that `import jaxbounce` and
`jaxbounce --help` do not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxbounce._core.version import __version__ as __version__

if TYPE_CHECKING:
    from jaxbounce._core.errors import ConfigurationError as ConfigurationError
    from jaxbounce._core.status import Status as Status
    from jaxbounce.files.point import Configuration as Configuration, load as load
    from jaxbounce.model.model import Model as Model, Prediction as Prediction, predict as predict
    from jaxbounce.parameters import Choices as Choices, Parameters as Parameters

_HOME_OF_NAME = {
    "Choices": "parameters",
    "Configuration": "files.point",
    "ConfigurationError": "_core.errors",
    "Model": "model.model",
    "Parameters": "parameters",
    "Prediction": "model.model",
    "Status": "_core.status",
    "load": "files.point",
    "predict": "model.model",
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

"""jaxbounce: from a first-order phase transition to today's baryon and dark-matter densities."""

from jaxbounce._version import __version__ as __version__
from jaxbounce.model import (
    Choices as Choices,
    Model as Model,
    Parameters as Parameters,
    Prediction as Prediction,
    predict as predict,
)
from jaxbounce.status import Status as Status


def enable_x64() -> None:
    """Switch JAX to float64 for the whole process; call it before making any array.

    Never done on import: the choice is the user's. The accuracies this package states
    are for float64.
    """
    import jax

    jax.config.update("jax_enable_x64", True)

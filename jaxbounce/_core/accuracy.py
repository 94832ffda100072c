"""The error up to which a yield is a success: one limit for every way to it.

A documented setting: `Model.error_limit`, the key "error_limit" of a configuration, and the
argument of `solve_boltzmann`. A yield whose estimated relative error is above it is withheld with
QUADRATURE_NOT_CONVERGED.
"""

from typing import Any

import jax.numpy as jnp

ERROR_LIMIT = 1e-6
"""The limit in float64 unless another is set: far above the estimates of ordinary points (1e-11),
far below what densities are measured to (1e-2)."""

ERROR_LIMIT_FLOAT32 = 1e-3
"""The same in float32, whose rounding is 1e-7 an operation."""

PUBLISHED_LIMIT = 1e-3
"""The least limit of the equations with the published kernel, which is less smooth than their
panels resolve (5e-4 at the benchmark): it is there to be compared with, its error beside it."""


def limit_in_force(dtype: Any, chosen: float | None = None) -> float:
    """The limit in force: the one chosen, or the default of the precision.

    Args:
        dtype: of the yields.
        chosen: the setting; None takes the default.
    """
    if chosen is not None:
        return chosen
    return ERROR_LIMIT if dtype == jnp.float64 else ERROR_LIMIT_FLOAT32

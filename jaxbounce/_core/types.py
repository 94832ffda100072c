"""Array types used in the signatures of public functions."""

from typing import TypeAlias

import jax.numpy as jnp
from jaxtyping import ArrayLike, Num

from jaxbounce._core.arrays import (
    Code as Code,
    Flag as Flag,
    Real as Real,
    Scalar as Scalar,
    is_at_once,
    xp,
)

RealLike: TypeAlias = Num[ArrayLike, "..."] | float
"""What can be turned into a `Real`."""


def as_real(value: RealLike) -> Real:
    """`value` as a floating-point array: its own precision if it has one, else JAX's default."""
    if is_at_once():
        return xp.asarray(value, float)
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(float)


def as_leaf(value: RealLike) -> Real:
    """Like `as_real`, with a definite (not weak) type, whatever Python type came in."""
    array = as_real(value)
    if is_at_once():
        return array
    return (
        array.astype(array.dtype) if not array.weak_type else jnp.asarray(array, dtype=array.dtype)
    )


def as_optional_leaf(value: RealLike | None) -> Real | None:
    """`as_leaf`, with None for what is not there."""
    return None if value is None else as_leaf(value)

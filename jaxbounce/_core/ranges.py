"""Ranges of parameters: what a value may be, and what it means."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxbounce._core.types import Real


class Range(NamedTuple):
    """The values a parameter may take, and what it is."""

    lower: float
    upper: float
    includes_lower: bool
    includes_upper: bool
    meaning: str

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        above = value >= self.lower if self.includes_lower else value > self.lower
        below = value <= self.upper if self.includes_upper else value < self.upper
        return above and below

    def holds(self, value: Real) -> Bool[Array, "..."]:
        """Whether values, which may be traced, are finite and inside."""
        above = value >= self.lower if self.includes_lower else value > self.lower
        below = value <= self.upper if self.includes_upper else value < self.upper
        return above & below & jnp.isfinite(value)

    def __str__(self) -> str:
        if self.upper == math.inf and self.lower == -math.inf:
            return "finite"
        if self.upper == math.inf:
            return f"{'≥' if self.includes_lower else '>'} {self.lower:g}"
        if self.lower == -math.inf:
            return f"{'≤' if self.includes_upper else '<'} {self.upper:g}"
        left, right = "[" if self.includes_lower else "(", "]" if self.includes_upper else ")"
        return f"in {left}{self.lower:g}, {self.upper:g}{right}"


def above(lower: float, meaning: str) -> Range:
    """Finite and > lower."""
    return Range(lower, math.inf, False, False, meaning)


def at_least(lower: float, meaning: str) -> Range:
    """Finite and ≥ lower."""
    return Range(lower, math.inf, True, False, meaning)

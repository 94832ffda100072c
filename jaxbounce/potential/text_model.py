"""Models written as text: a potential at tree level, and particles with their masses."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import Real, Scalar, as_real
from jaxbounce.potential.text import Expression, ExpressionPotential
from jaxbounce.potential.thermal import OneLoopPotential

_NAMES = (
    "names"  # beside T, Q and g_rest of `OneLoopPotential`: no name of a user's is one of these
)


class Tree(eqx.Module):
    """V at tree level. Hashable."""

    potential: ExpressionPotential = eqx.field(static=True)

    def __call__(self, phi: Float[Array, " n"], theta: Mapping[str, Any]) -> Scalar:
        """At the fields φ and at θ as `TextModel` hands it on."""
        return self.potential(phi, theta[_NAMES])


class Entries(eqx.Module):
    """A number, or a matrix of numbers, from expressions of fields and parameters. Hashable."""

    rows: tuple[tuple[Expression, ...], ...] = eqx.field(static=True)
    """One row with one entry for a number."""
    fields: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, phi: Float[Array, " n"], theta: Mapping[str, Any]) -> Real:
        """At the fields φ and at θ as `TextModel` hands it to its particles."""
        return self.of({**theta[_NAMES], **dict(zip(self.fields, phi, strict=True))})

    def of(self, given: Mapping[str, Any]) -> Real:
        """From numbers by name."""
        values = [[as_real(entry(given)) for entry in row] for row in self.rows]
        if len(values) == 1:
            return values[0][0]
        return jnp.stack([jnp.stack(row) for row in values])


class Debye(eqx.Module):
    """Π(θ) from expressions of parameters. Hashable."""

    entries: Entries = eqx.field(static=True)

    def __call__(self, theta: Mapping[str, Any]) -> Real:
        """At θ as `TextModel` hands it to its particles."""
        return self.entries.of(theta[_NAMES])


class TextModel(eqx.Module):
    """V(φ, θ) at one loop of a model written as text, θ its parameters by name. Hashable."""

    loops: OneLoopPotential
    scale: Expression = eqx.field(static=True)
    """Q, from parameters."""
    g_rest: Expression = eqx.field(static=True)
    """Degrees of freedom of the plasma without a particle of their own, from parameters."""

    def __call__(self, phi: Float[Array, " n"], theta: Mapping[str, Any]) -> Scalar:
        """V at the fields φ."""
        return self.loops(phi, self.couplings(theta))

    def couplings(self, theta: Mapping[str, Any]) -> dict[str, Any]:
        """θ of `loops`."""
        numbers = {"T": theta["T"], "Q": self.scale(theta), "g_rest": self.g_rest(theta)}
        return {**numbers, _NAMES: theta}

    def masses_squared(
        self, phi: Float[Array, " n"], theta: Mapping[str, Any]
    ) -> dict[str, Float[Array, "..."]]:
        """m² of each particle by name; a matrix for those that mix."""
        return self.loops.masses_squared(phi, self.couplings(theta))

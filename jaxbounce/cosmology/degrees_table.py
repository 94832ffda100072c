"""Degrees of freedom from a table of T, g_ρ and g_s: cubic splines of ln g in ln T."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbounce._core.checks import check_column
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.spline import evaluate_spline, natural_curvatures
from jaxbounce._core.types import Real, RealLike, as_leaf
from jaxbounce.cosmology.constants import ENTROPY_DEGREES_TODAY_FIT
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom

KNOTS_PER_DECADE = 8
"""The fewest that a table may have: with fewer, γ_s is that of the spline and not of the table."""

_TODAY = 1.2e-5  # GeV; below, electrons and positrons are gone, and g_s stays what it is

_TWICE = 1e-12  # in ln T: knots nearer than this are one written twice


class TabulatedDegrees(DegreesOfFreedom):
    """g_ρ(T) and g_s(T) of a table, by natural cubic splines of their logarithms in ln T.

    γ_s is then continuous. Beyond the table they are constant, and `covers` says no.

    Attributes:
        knots: ln(T/GeV), rising.
        logarithms: ln g_ρ and ln g_s there.
        curvatures: their second derivatives.
    """

    knots: Float[Array, " knots"]
    logarithms: Float[Array, "2 knots"]
    curvatures: Float[Array, "2 knots"]

    def values(self, log_T: Real) -> tuple[Real, Real]:
        """g_ρ and g_s at ln(T/GeV)."""
        energy, entropy = evaluate_spline(self.knots, self.logarithms, self.curvatures, log_T)
        return jnp.exp(energy), jnp.exp(entropy)

    def entropy_today(self) -> RealLike:
        """The lowest row's where that is of today, T < 10 keV; else the Standard Model's."""
        of_today = self.knots[0] < np.log(_TODAY)
        return jnp.where(of_today, jnp.exp(self.logarithms[1, 0]), ENTROPY_DEGREES_TODAY_FIT)

    def joints(self) -> Real:
        """The knots."""
        return self.knots

    def covers(self, T: Real) -> Bool[Array, "..."]:
        """Whether T (GeV) lies inside the table."""
        log_T = jnp.log(T)
        return (log_T >= self.knots[0]) & (log_T <= self.knots[-1])


def tabulated_degrees(T: Any, g_star: Any, g_star_s: Any) -> TabulatedDegrees:
    """Degrees of freedom of a table.

    Args:
        T: temperatures (GeV), rising, at least eight a decade; shape (knots,).
        g_star: g_ρ there.
        g_star_s: g_s there.

    Raises:
        ConfigurationError: one line that says what is wrong with the table.
    """
    named = (("T", T), ("g_star", g_star), ("g_star_s", g_star_s))
    columns = [check_column("g_star table", name, x, positive=True) for name, x in named]
    sizes = [column.size for column in columns]
    if len(set(sizes)) > 1:
        raise ConfigurationError(
            f"g_star table: T, g_star and g_star_s have {sizes[0]}, {sizes[1]} and {sizes[2]} rows;"
            " give one of each for every temperature"
        )
    if sizes[0] < KNOTS_PER_DECADE:
        raise ConfigurationError(
            f"g_star table: {sizes[0]} rows; a table needs at least {KNOTS_PER_DECADE}"
        )
    logarithms = np.log(np.stack(columns))
    steps = np.diff(logarithms[0])
    if not (steps > _TWICE).all():
        row = int(np.argmax(~(steps > _TWICE)))
        raise ConfigurationError(
            f"g_star table: T = {columns[0][row + 1]:g} GeV follows {columns[0][row]:g} GeV; sort"
            " the rows by rising T, each temperature once"
        )
    widest = int(np.argmax(steps))
    # 8 a decade: a step of 1/8 of a decade, and a hair for tables rounded to few digits
    if steps[widest] > 1.02 * np.log(10) / KNOTS_PER_DECADE:
        raise ConfigurationError(
            f"g_star table: nothing between T = {columns[0][widest]:g} and"
            f" {columns[0][widest + 1]:g} GeV; give at least {KNOTS_PER_DECADE} rows a decade"
        )
    knots, values = as_leaf(logarithms[0]), as_leaf(logarithms[1:])
    return TabulatedDegrees(knots, values, natural_curvatures(knots, values))

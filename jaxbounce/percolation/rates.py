"""Nucleation rates Γ against y = β(t − t_p), up to the constant that I(t_p) = I_p fixes.

What β is, is said by each: d ln Γ/dt at t_p where Γ rises there; else the unit of time in which
the other numbers are given.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.checks import check_column
from jaxbounce._core.declare import are_inside, declarations, each_safe, spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.spline import evaluate_spline, natural_curvatures
from jaxbounce._core.types import Flag, Real, Scalar, as_leaf

EFOLDS = 60.0
"""By how much Γ is below what it is at t_p, where it rises until then, when bubbles first count."""

_FEW_KNOTS = 64  # of a table: more are not worth an edge each


class NucleationRate(eqx.Module):
    """ln Γ(y) up to a constant. Abstract; subclasses are final."""

    at_once: ClassVar[bool] = False
    """Whether all bubbles are born at `start`, and none later."""

    @abstractmethod
    def log_rate(self, y: Real) -> Real:
        """ln Γ, the shape of y."""

    @abstractmethod
    def start(self) -> Scalar:
        """y before which no bubble counts."""

    def features(self) -> Real:
        """Values of y around which Γ may change on a short scale."""
        return jnp.zeros(0)

    def breakpoints(self) -> Real:
        """Values of y at which Γ is not smooth, beside the start."""
        return jnp.zeros(0)

    def is_valid(self) -> Flag:
        """Whether each number is inside its range."""
        return are_inside(self)

    def safe(self) -> Self:
        """The same with typical values for those that are not."""
        return each_safe(self)

    def ranges(self) -> dict[str, Range]:
        """Its parameters: the values each may take, and what it is."""
        return {name: declared.range for name, declared in declarations(type(self)).items()}


class ExponentialRate(NucleationRate):
    """ln Γ = y − β₂ y²/2: β = d ln Γ/dt at t_p, and β₂ = −(d² ln Γ/dt²)/β² there.

    With β₂ > 0 the rate has a maximum at y = 1/β₂, of width 1/√β₂, as in Megevand & Ramirez,
    Nucl. Phys. B 919 (2017) 74 (1611.05853).

    Attributes:
        curvature: β₂.
    """

    curvature: Scalar = eqx.field(
        converter=as_leaf,
        default=0.0,
        metadata=spec(
            "−(d² ln Γ/dt²)/β² at t_p",
            low=-0.005,
            high=100.0,
            closed="both",
            typical=0.0,
        ),
    )

    def log_rate(self, y: Real) -> Real:
        """y − β₂ y²/2."""
        return y - self.curvature * y**2 / 2

    def start(self) -> Scalar:
        """Where ln Γ is `EFOLDS` below."""
        return -2 * EFOLDS / (1 + jnp.sqrt(1 + 2 * EFOLDS * self.curvature))

    def features(self) -> Real:
        """Around the maximum, if there is one."""
        curvature = jnp.maximum(self.curvature, 1e-4)
        return 1 / curvature + np.linspace(-12.0, 12.0, 97) / jnp.sqrt(curvature)


class GaussianRate(NucleationRate):
    """ln Γ = −(y − y_n)²/2w²: nucleation around a time before t_p; β is the unit of y_n and w.

    For a maximum at or after t_p, where β can be d ln Γ/dt, take `ExponentialRate`. As w → 0 it is
    `SimultaneousNucleation`.

    Attributes:
        nucleation_time: y_n; −3 makes β = d ln I/dt at t_p for w ≪ 1, walls from points, no
            expansion.
        width: w.
    """

    nucleation_time: Scalar = eqx.field(
        converter=as_leaf,
        default=-3.0,
        metadata=spec("y of the maximum of Γ", low=-70, high=0, typical=-3.0),
    )
    width: Scalar = eqx.field(
        converter=as_leaf,
        default=1.0,
        metadata=spec("width of Γ in y", low=1e-3, high=20, closed="both", typical=1.0),
    )

    def log_rate(self, y: Real) -> Real:
        """−(y − y_n)²/2w²."""
        return -(((y - self.nucleation_time) / self.width) ** 2) / 2

    def start(self) -> Scalar:
        """Where ln Γ is `EFOLDS` below its maximum."""
        return self.nucleation_time - np.sqrt(2 * EFOLDS) * self.width

    def features(self) -> Real:
        """Around the maximum."""
        return self.nucleation_time + np.linspace(-12.0, 12.0, 97) * self.width


class SimultaneousNucleation(NucleationRate):
    """All bubbles at y_n: I ∝ (t − t_n)³ without expansion; β is the unit of y_n.

    Attributes:
        nucleation_time: y_n; −3 makes β = d ln I/dt at t_p for walls from points, no expansion.
    """

    at_once: ClassVar[bool] = True

    nucleation_time: Scalar = eqx.field(
        converter=as_leaf,
        default=-3.0,
        metadata=spec("y at which bubbles nucleate", low=-70, high=0, typical=-3.0),
    )

    def log_rate(self, y: Real) -> Real:
        """No rate."""
        return jnp.full_like(y, -jnp.inf)

    def start(self) -> Scalar:
        """y_n."""
        return self.nucleation_time


class TabulatedRate(NucleationRate):
    """ln Γ of a table, by the natural cubic spline; no nucleation before its rows or after them.

    β is the unit of y, which should be d ln Γ/dt at t_p.

    Attributes:
        knots: y, rising.
        logarithms: ln Γ there, up to a constant.
        curvatures: second derivatives there.
    """

    knots: Float[Array, " knots"]
    logarithms: Float[Array, "1 knots"]
    curvatures: Float[Array, "1 knots"]

    def log_rate(self, y: Real) -> Real:
        """The spline."""
        inside = (y >= self.knots[0]) & (y <= self.knots[-1])
        found = evaluate_spline(self.knots, self.logarithms, self.curvatures, y)[0]
        return jnp.where(inside, found, -jnp.inf)

    def start(self) -> Scalar:
        """The first row."""
        return self.knots[0]

    def features(self) -> Real:
        """The rows."""
        return self.knots

    def breakpoints(self) -> Real:
        """The rows if they are few, else the last."""
        return self.knots[1:] if self.knots.size <= _FEW_KNOTS else self.knots[-1:]


def tabulated_rate(y: Any, log_rate: Any) -> TabulatedRate:
    """The rate of a table.

    Args:
        y: β(t − t_p), rising, the first below 0; shape (knots,).
        log_rate: ln Γ there, up to a constant.

    Raises:
        ConfigurationError: one line that says what is wrong with the table.
    """
    named = (("y", y), ("log_rate", log_rate))
    columns = [check_column("nucleation table", name, x) for name, x in named]
    sizes = [column.size for column in columns]
    if sizes[0] != sizes[1]:
        raise ConfigurationError(
            f"nucleation table: y and log_rate have {sizes[0]} and {sizes[1]} rows; give one of"
            " each for every time"
        )
    if sizes[0] < 3:
        raise ConfigurationError(f"nucleation table: {sizes[0]} rows; a table needs at least 3")
    steps = np.diff(columns[0])
    if not (steps > 0).all():
        row = int(np.argmax(~(steps > 0)))
        raise ConfigurationError(
            f"nucleation table: y = {columns[0][row + 1]:g} follows {columns[0][row]:g}; sort the"
            " rows by rising y, each time once"
        )
    if columns[0][0] >= 0:
        raise ConfigurationError(
            f"nucleation table: y starts at {columns[0][0]:g}; it must start before t_p, y = 0,"
            " where I = I_p"
        )
    knots, values = as_leaf(columns[0]), as_leaf(columns[1][None])
    return TabulatedRate(knots, values, natural_curvatures(knots, values))

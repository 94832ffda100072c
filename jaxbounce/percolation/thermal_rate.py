"""The nucleation rate of a thermal transition, from a table of S₃/T over T.

    Γ = A T⁴ (S₃/(2πT))^{3/2} e^{−S₃/T};

A is fixed by I(t_p) = I_p, as the size of every rate is. T(t) is that of the plasma in front of the
walls: of radiation with g_*(T), and vacuum energy if it is in H.
"""

from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.checks import check_column
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.spline import evaluate_spline, spline_curvatures
from jaxbounce._core.types import Flag, Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.percolation.rates import EFOLDS, NucleationRate

_FEWEST = 8  # rows

_NEGLIGIBLE = 20.0  # e-folds below Γ at T_p, or its maximum, where rows may end

_OVER = 25.0  # I after which what nucleates does not matter: e^{−25} of space is left


class Cooling(Protocol):
    """How T falls with y."""

    def efolds(self, y: Real) -> Real:
        """ln(T_p/T) at y."""
        ...

    def time(self, n: Real) -> Real:
        """y at ln(T_p/T)."""
        ...


class ThermalRate(eqx.Module):
    """S₃/T of a table, by the cubic spline of its logarithm in ln T; made by `thermal_rate`.

    Attributes:
        knots: ln(T/GeV), rising.
        logarithms: ln(S₃/T) there.
        curvatures: second derivatives there.
    """

    knots: Float[Array, " knots"]
    logarithms: Float[Array, "1 knots"]
    curvatures: Float[Array, "1 knots"]

    def log_rate(self, log_T: Real) -> Real:
        """ln Γ up to a constant, at ln T inside the table."""
        logarithm = evaluate_spline(self.knots, self.logarithms, self.curvatures, log_T)[0]
        return 4 * log_T + 1.5 * logarithm - jnp.exp(logarithm)

    def beta_over_H(self, T_p: RealLike, gamma_s: RealLike = 0.0) -> Real:
        """−(d ln Γ/d ln T)/(1 + γ_s/3) at T_p (GeV): the β/H that goes with the table."""
        log_T = jnp.log(as_real(T_p))
        _, slope = jax.jvp(self.log_rate, (log_T,), (jnp.ones_like(log_T),))
        return -slope / (1 + as_real(gamma_s) / 3)

    def is_at(self, T_p: RealLike) -> Flag:
        """Whether T_p (GeV) lies inside the table."""
        log_T = jnp.log(as_real(T_p))
        return (log_T > self.knots[0]) & (log_T < self.knots[-1])

    def in_time(self, time: Any, T_p: Scalar) -> "RateInTime":
        """The same against y."""
        return RateInTime(self, time, T_p)

    def is_valid(self) -> Flag:
        """A table has been checked when it was made."""
        return jnp.asarray(True)

    def safe(self) -> "ThermalRate":
        """The same."""
        return self

    def ranges(self) -> dict[str, Range]:
        """No parameters."""
        return {}


class RateInTime(NucleationRate):
    """A `ThermalRate` against y = β(t − t_p), over Γ at T_p; no nucleation outside its rows.

    Attributes:
        table: Γ over T.
        cooling: T over y.
        T_p: percolation temperature (GeV).
    """

    table: ThermalRate
    cooling: Any
    T_p: Scalar

    def log_rate(self, y: Real) -> Real:
        """ln Γ(y)/Γ(0)."""
        log_T = jnp.log(self.T_p) - self.cooling.efolds(y)
        knots = self.table.knots
        inside = (log_T >= knots[0]) & (log_T <= knots[-1])
        held = jnp.clip(log_T, knots[0], knots[-1])
        at_Tp = jax.lax.stop_gradient(self.table.log_rate(jnp.log(self.T_p)))
        return jnp.where(inside, self.table.log_rate(held) - at_Tp, -jnp.inf)

    def start(self) -> Scalar:
        """Where Γ is `EFOLDS` below that of T_p, roughly; else the hottest row."""
        at_Tp = jnp.log(self.T_p)
        knots, table = self.table.knots, jax.lax.stop_gradient(self.table)
        cold = (knots <= at_Tp) | (table.log_rate(knots) > table.log_rate(at_Tp) - EFOLDS)
        first = jnp.min(jnp.where(cold, knots[-1], knots))
        return self.cooling.time(at_Tp - jax.lax.stop_gradient(first))

    def features(self) -> Real:
        """The rows."""
        return jax.lax.stop_gradient(self._times())

    def breakpoints(self) -> Real:
        """The last row, after which nothing nucleates."""
        return jax.lax.stop_gradient(self._times()[-1:])

    def _times(self) -> Real:
        return self.cooling.time(jnp.log(self.T_p) - self.table.knots[::-1])

    def covers(self, area: AreaHistory) -> Flag:
        """Whether nothing that matters nucleates before the first row or after the last.

        Args:
            area: the wall area that follows from it.
        """
        table, at_Tp = jax.lax.stop_gradient((self.table, jnp.log(self.T_p)))
        knots = table.knots
        rates = table.log_rate(knots) - table.log_rate(at_Tp)
        inside = (at_Tp > knots[0]) & (at_Tp < knots[-1])
        last = jax.lax.stop_gradient(self._times()[-1])
        late = (area.volume(last) > _OVER) | (rates[0] < rates.max() - _NEGLIGIBLE)
        return inside & (rates[-1] < -_NEGLIGIBLE) & late


def thermal_rate(T: Any, S3_over_T: Any) -> ThermalRate:
    """The rate of a table.

    Args:
        T: temperatures (GeV), in one direction; at least eight, T_p between them; shape (knots,).
        S3_over_T: S₃/T there.

    Raises:
        ConfigurationError: one line that says what is wrong with the table.
    """
    named = (("T_GeV", T), ("S3_over_T", S3_over_T))
    columns = [check_column("S3/T table", name, x, positive=True) for name, x in named]
    sizes = [column.size for column in columns]
    if sizes[0] != sizes[1]:
        raise ConfigurationError(
            f"S3/T table: T_GeV and S3_over_T have {sizes[0]} and {sizes[1]} rows; give one of each"
            " for every temperature"
        )
    if sizes[0] < _FEWEST:
        raise ConfigurationError(
            f"S3/T table: {sizes[0]} rows; a table needs at least {_FEWEST}, close to one another"
            " around T_p"
        )
    if columns[0][0] > columns[0][-1]:
        columns = [column[::-1] for column in columns]
    steps = np.diff(columns[0])
    if not (steps > 0).all():
        row = int(np.argmax(~(steps > 0)))
        raise ConfigurationError(
            f"S3/T table: T_GeV = {columns[0][row + 1]:g} stands beside {columns[0][row]:g}; sort"
            " the rows by temperature, each once"
        )
    knots, values = as_leaf(np.log(columns[0])), as_leaf(np.log(columns[1])[None])
    return ThermalRate(knots, values, spline_curvatures(knots, values))

"""The stage of f_χ from collisions of the bath, and what their strength may be given as."""

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Self, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array
from jaxbounce._core.checks import check_column, one_of, suggestion
from jaxbounce._core.declare import spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.spline import evaluate_spline, natural_curvatures
from jaxbounce._core.status import Status
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf
from jaxbounce._core.withheld import withheld
from jaxbounce.cosmology.gas_integrals import Statistics
from jaxbounce.occupancy.freeze_in import FreezeIn
from jaxbounce.occupancy.limit import Occupancy
from jaxbounce.occupancy.production import (
    Production,
    cross_section_rate,
    decay_threshold,
    polynomial_rate,
    scattering_rate,
)
from jaxbounce.occupancy.stages import Bath, OccupancyStage, frozen_in, of_yield
from jaxbounce.potential.text import Expression

Quantity = Literal["amplitude_squared", "cross_section"]

_FEWEST = 4  # rows of a table


class OfS(eqx.Module):
    """A function of s and of named parameters. Abstract; subclasses are final."""

    @abstractmethod
    def __call__(self, s: Real, theta: Mapping[str, Real]) -> Real:
        """Its value at s (GeV²), any shape."""


class Function(OfS):
    """One in Python, (s, θ) → value: traceable, hashable."""

    function: Callable[[Real, Mapping[str, Real]], Real] = eqx.field(static=True)

    def __call__(self, s: Real, theta: Mapping[str, Real]) -> Real:
        """Its value."""
        return self.function(s, theta)


class Written(OfS):
    """One written as an expression of s and the parameters."""

    expression: Expression

    def __call__(self, s: Real, theta: Mapping[str, Real]) -> Real:
        """Its value."""
        return jnp.asarray(self.expression({**theta, "s": s})) * jnp.ones_like(s)


class Tabulated(OfS):
    """One from a table, by natural cubic splines of logarithms; zero beyond its ends.

    Attributes:
        log_s: ln(s/GeV²), rising.
        log_values: of them.
    """

    log_s: Float[Array, " rows"] = eqx.field(converter=as_leaf)
    log_values: Float[Array, " rows"] = eqx.field(converter=as_leaf)

    def __call__(self, s: Real, theta: Mapping[str, Real]) -> Real:
        """Its value."""
        x, rows = jnp.log(s), self.log_values[None]
        bends = natural_curvatures(self.log_s, rows)
        value = jnp.exp(evaluate_spline(self.log_s, rows, bends, x)[0])
        return jnp.where((x >= self.log_s[0]) & (x <= self.log_s[-1]), value, 0.0)


def tabulated(s: Sequence[float], values: Sequence[float], where: str = "table") -> Tabulated:
    """A checked table.

    Args:
        s: s (GeV²), rising.
        values: the function there, positive.
        where: what a message calls it.

    Raises:
        ConfigurationError: one line.
    """
    columns = {"s_GeV2": s, "values": values}
    found = {k: check_column(where, k, v, positive=True) for k, v in columns.items()}
    rows = found["s_GeV2"].size
    if rows < _FEWEST or found["values"].size != rows:
        raise ConfigurationError(
            f"{where}: s_GeV2 and values must have the same number of rows, at least {_FEWEST}"
        )
    if not (np.diff(found["s_GeV2"]) > 0).all():
        raise ConfigurationError(f"{where}: s_GeV2 must rise from row to row; sort the table")
    return Tabulated(np.log(found["s_GeV2"]), np.log(found["values"]))


def _leaves(theta: Mapping[str, RealLike]) -> dict[str, Scalar]:
    return {name: as_leaf(value) for name, value in theta.items()}


def _row(values: Sequence[float] | Array) -> Array:
    return as_leaf(jnp.asarray(values, float))


class Collisions(OccupancyStage):
    """χ from collisions 1 2 → 3 4 of the bath.

    Where production grows with s the result is that of T_R, which has no default.

    Attributes:
        theta: parameters of `law`; without one, the coefficients a_0, a_1, … of Σ|M|² = Σ a_n sⁿ
            of massless particles (`polynomial_rate`).
        T_R: temperature from which χ is made.
        particles: N_χ, χ made by a collision.
        masses: m₁, m₂, m₃, m₄ (GeV), with a law; m₃ = m₄ = 0 takes what is made as massless.
        degrees: g₁, g₂ of what collides, with a cross section.
        law: Σ|M|² summed over all spins and colours, or σ (GeV⁻²) averaged over initial ones.
        breakpoints: √s (GeV) at which the law is not smooth, such as those of `around_resonance`.
        quantity: which of the two it is.
        statistics: of particles 1 and 2.
        identical: whether 1 and 2 are the same particle.
    """

    theta: dict[str, Scalar] = eqx.field(converter=_leaves)
    T_R: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("temperature from which χ is made", "GeV", key="T_R_GeV", low=0, typical=1e6),
    )
    particles: Scalar = eqx.field(
        converter=as_leaf, default=1.0, metadata=spec("χ made by a collision", low=0, typical=1.0)
    )
    masses: Float[Array, " four"] = eqx.field(converter=_row, default=(0.0, 0.0, 0.0, 0.0))
    degrees: Float[Array, " two"] = eqx.field(converter=_row, default=(1.0, 1.0))
    law: OfS | None = None
    breakpoints: Float[Array, " k"] = eqx.field(converter=_row, default=())
    quantity: Quantity = eqx.field(static=True, default="amplitude_squared")
    statistics: tuple[Statistics, Statistics] = eqx.field(
        static=True, default=("classical", "classical")
    )
    identical: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        one_of("quantity", self.quantity, get_args(Quantity))

    @property
    def relative_cost(self) -> int:
        """A closed form at each temperature, or an integral over s."""
        return 8 if self.law is None else 1024

    def frozen_in(self, bath: Bath) -> FreezeIn:
        """The yield at T_p."""
        return frozen_in(_collision_rate, self, bath, self.T_R)

    def occupancy(self, bath: Bath) -> Occupancy:
        """f_χ of that yield; PRODUCTS_TOO_LIGHT if the masses given leave no room for χ."""
        found = of_yield(self.frozen_in(bath), bath)
        made = self.masses[2:].sum()
        heavy = (made == 0) | (made >= decay_threshold(bath.m_chi, self.particles))
        good = found.status == Status.SUCCESS
        status = jnp.where(heavy | ~good, found.status, Status.PRODUCTS_TOO_LIGHT)
        f_chi = withheld(found.f_chi, status == Status.SUCCESS, others=bath.m_chi)
        return Occupancy(f_chi, found.error_estimate, status)

    def ranges(self) -> dict[str, Range]:
        """The parameters of the law or the coefficients, T_R and N_χ."""
        return {name: _parameter(name) for name in self.theta} | super().ranges()

    def value(self, name: str) -> Scalar:
        """One of them."""
        return self.theta[name] if name in self.theta else super().value(name)

    def replace(self, **values: RealLike) -> Self:
        """The same with some of them replaced."""
        own = {k: v for k, v in values.items() if k in self.theta}
        others = {k: v for k, v in values.items() if k not in own}
        known = self.ranges()
        for name in others:
            if name not in known:
                raise ConfigurationError(
                    f"{name}: these collisions have no such parameter{suggestion(name, known)}"
                )
        return dataclasses.replace(self, theta={**self.theta, **own}, **others)


def _parameter(name: str) -> Range:
    return Range(-math.inf, math.inf, False, False, f"{name} of the collisions that make χ")


def _collision_rate(T: Real, args: tuple[Collisions, Scalar]) -> Production:
    collisions, _ = args
    law, options = collisions.law, {"identical": collisions.identical}
    count, statistics = collisions.particles, collisions.statistics
    if law is None:
        coefficients = jnp.stack(list(collisions.theta.values()))
        return polynomial_rate(T, coefficients, count, statistics, **options)
    first, last = (tuple(collisions.masses[k : k + 2]) for k in (0, 2))
    cuts = tuple(collisions.breakpoints)

    def of_s(s: Real) -> Real:
        return law(s, collisions.theta)

    if collisions.quantity == "amplitude_squared":
        return scattering_rate(T, of_s, first, last, count, statistics, breakpoints=cuts, **options)
    degrees = tuple(collisions.degrees)
    return cross_section_rate(
        T, of_s, first, last, degrees, count, statistics, breakpoints=cuts, **options
    )

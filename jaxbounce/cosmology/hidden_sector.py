"""A hidden sector at a temperature of its own, T_h = ξT: what it adds to g_ρ and g_s.

One species of g degrees of freedom, x = m/T_h, occupation f, momenta in units of T_h:

    g_ρ(x) = (15g/π⁴) ∫ p² E f dp,    g_s(x) = (45g/4π⁴) ∫ p² (E + p²/3E) f dp,

times ξ⁴ and ξ³. Massless bosons give 1 each, fermions 7/8. ξ is constant: the sectors exchange
heat, or neither has a threshold between here and where ξ is given; g_s, which sets the scale
factor and yields n/s, is then that of both.
"""

from collections.abc import Sequence
from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbounce._core.checks import check_name, check_number
from jaxbounce._core.ranges import Range
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.constants import CMB_TEMPERATURE
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas_integrals import Statistics, occupation

_POINTS = 72

_LOG_MOMENTUM = np.linspace(-12.0, 4.0, _POINTS)

_ROOT = np.linspace(0.0, 6.5, _POINTS)

TEMPERATURE_RATIO = Range(0.0, 10.0, False, True, "temperature of the hidden sector over T")
"""ξ; at 10 a single hidden degree of freedom outweighs the whole of the Standard Model."""

MASS = Range(0.0, np.inf, True, False, "mass of a hidden species (GeV)")

WEIGHT = Range(0.0, np.inf, True, False, "internal degrees of freedom of a hidden species")


def species_degrees(x: RealLike, statistics: Statistics) -> tuple[Real, Real]:
    """g_ρ and g_s of one degree of freedom at x = m/T_h ≥ 0, relative error ≤ 1e-13 for x ≤ 600.

    The trapezoidal rule converges exponentially where the integrand is analytic in a strip: in
    ln p for x < 1, in √(E − x) above.
    """
    x = as_real(x)[..., None]
    light = x < 1
    momentum = np.exp(_LOG_MOMENTUM)
    warm, cold = jnp.where(light, x, 1.0), jnp.where(light, 1.0, x)
    p = jnp.where(light, momentum, _ROOT * jnp.sqrt(_ROOT**2 + 2 * cold))
    energy = jnp.where(light, jnp.sqrt(momentum**2 + warm**2), cold + _ROOT**2)
    # dp = p d ln p, or E dE/p with E − x = r²
    by_logarithm = momentum * (_LOG_MOMENTUM[1] - _LOG_MOMENTUM[0])
    by_root = 2 * energy / jnp.sqrt(_ROOT**2 + 2 * cold) * (_ROOT[1] - _ROOT[0])
    step = jnp.where(light, by_logarithm, by_root)
    occupied = p**2 * step * occupation(energy, statistics)
    density = (occupied * energy).sum(-1)
    pressure = (occupied * p**2 / (3 * energy)).sum(-1)
    return 15 / np.pi**4 * density, 45 / (4 * np.pi**4) * (density + pressure)


class WithHiddenSector(DegreesOfFreedom):
    """The degrees of freedom of a bath and of a hidden sector beside it.

    Attributes:
        visible: those of the bath.
        xi: T_h/T.
        masses: of the species (GeV).
        weights: their internal degrees of freedom.
        statistics: of each.
    """

    visible: DegreesOfFreedom
    xi: Scalar
    masses: Float[Array, " species"]
    weights: Float[Array, " species"]
    statistics: tuple[Statistics, ...] = eqx.field(static=True)

    def entropy_today(self) -> RealLike:
        """The visible bath's, and what of the hidden sector is still light."""
        hidden = self._hidden(jnp.log(jnp.asarray(CMB_TEMPERATURE)))[1]
        return self.visible.entropy_today() + hidden

    def values(self, log_T: Real) -> tuple[Real, Real]:
        """g_ρ and g_s of both."""
        visible, hidden = self.visible.values(log_T), self._hidden(log_T)
        return visible[0] + hidden[0], visible[1] + hidden[1]

    def _hidden(self, log_T: Real) -> tuple[Real, Real]:
        energy, entropy = jnp.zeros_like(log_T), jnp.zeros_like(log_T)
        inverse = jnp.exp(-log_T) / self.xi
        for mass, weight, statistics in zip(
            self.masses, self.weights, self.statistics, strict=True
        ):
            in_energy, in_entropy = species_degrees(mass * inverse, statistics)
            energy = energy + weight * self.xi**4 * in_energy
            entropy = entropy + weight * self.xi**3 * in_entropy
        return energy, entropy

    def joints(self) -> Real:
        """Those of the visible bath."""
        return self.visible.joints()

    def covers(self, T: Real) -> Bool[Array, "..."]:
        """Where the visible bath is known."""
        return self.visible.covers(T)

    def ranges(self) -> dict[str, Range]:
        """ξ as `xi_hidden`; of each species, counted from 1, `m_hidden_1` and `g_hidden_1`."""
        found = {"xi_hidden": TEMPERATURE_RATIO}
        for i in range(1, len(self.statistics) + 1):
            found |= {f"m_hidden_{i}": MASS, f"g_hidden_{i}": WEIGHT}
        return found

    def value(self, name: str) -> Scalar:
        """One of them."""
        if name == "xi_hidden":
            return self.xi
        column = self.masses if name.startswith("m_") else self.weights
        return column[int(name.rpartition("_")[2]) - 1]

    def replace(self, **values: RealLike) -> Self:
        """The same with some of them replaced."""
        xi, masses, weights = self.xi, self.masses, self.weights
        for name, value in values.items():
            if name == "xi_hidden":
                xi = as_leaf(value)
                continue
            place = int(name.rpartition("_")[2]) - 1
            if name.startswith("m_"):
                masses = masses.at[place].set(value)
            else:
                weights = weights.at[place].set(value)
        return type(self)(self.visible, xi, masses, weights, self.statistics)


def with_hidden_sector(
    visible: DegreesOfFreedom,
    xi: float,
    species: Sequence[tuple[float, float, Statistics]],
) -> WithHiddenSector:
    """The degrees of freedom of a bath with a hidden sector at T_h = ξT.

    Args:
        visible: those of the bath.
        xi: ξ, in (0, 10].
        species: mass (GeV), internal degrees of freedom and statistics of each.

    Raises:
        ConfigurationError: one line, for a value outside its range.
    """
    check_number("xi", xi, TEMPERATURE_RATIO)
    for i, (mass, weight, statistics) in enumerate(species, start=1):
        check_number(f"mass of species {i}", mass, MASS)
        check_number(f"degrees of freedom of species {i}", weight, WEIGHT)
        check_name(f"statistics of species {i}", statistics, ("fermion", "boson", "classical"))
    return WithHiddenSector(
        visible,
        as_leaf(xi),
        as_leaf(np.array([s[0] for s in species], float)),
        as_leaf(np.array([s[1] for s in species], float)),
        tuple(s[2] for s in species),
    )

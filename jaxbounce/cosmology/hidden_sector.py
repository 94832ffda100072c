"""A hidden sector at a temperature of its own, T_h = ξT: what it adds to g_ρ and g_s.

One species of g degrees of freedom, x = m/T_h, occupation f, momenta in units of T_h:

    g_ρ(x) = (15g/π⁴) ∫ p² E f dp,    g_s(x) = (45g/4π⁴) ∫ p² (E + p²/3E) f dp,

times ξ⁴ and ξ³. Massless bosons give 1 each, fermions 7/8. What ξ does has two names:

* `"common"`: it is constant. The sectors exchange heat, or neither has a threshold between here
  and where ξ is given; g_s, which sets the scale factor and yields n/s, is then that of both.
* `"separate"`: the sectors are decoupled, and the entropy of each is conserved by itself. The
  scale factor follows from the visible s alone, and so do yields n/s; from T_p, where ξ = ξ_p,

    ξ(T) = ξ_p [g_s(T) g_s^h(T_hp)/(g_s(T_p) g_s^h(T_h))]^{1/3},    T_h = ξ(T) T.
"""

from collections.abc import Sequence
from typing import Literal, Self, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxbounce._core.checks import check_name, check_number
from jaxbounce._core.ranges import Range
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.constants import CMB_TEMPERATURE
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas_integrals import Statistics, occupation

HiddenEntropy = Literal["common", "separate"]

_POINTS = 72

_LOG_MOMENTUM = np.linspace(-12.0, 4.0, _POINTS)

_ROOT = np.linspace(0.0, 6.5, _POINTS)

TEMPERATURE_RATIO = Range(0.0, 10.0, False, True, "temperature of the hidden sector over T")
"""ξ; at 10 a single hidden degree of freedom outweighs the whole of the Standard Model."""

MASS = Range(0.0, np.inf, True, False, "mass of a hidden species (GeV)")

_COLD = 600.0  # m/T_h beyond which nothing is left of a species

_ROOT_STEPS = 14  # of Newton's method, or bisection where that leaves the bracket

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
        T_p: where ξ is given (GeV), if the sectors are decoupled; NaN until `anchored`.
        conserved: whose entropy is conserved.
    """

    visible: DegreesOfFreedom
    xi: Scalar
    masses: Float[Array, " species"]
    weights: Float[Array, " species"]
    statistics: tuple[Statistics, ...] = eqx.field(static=True)
    T_p: Scalar = eqx.field(converter=as_leaf, default=np.nan)
    conserved: HiddenEntropy = eqx.field(static=True, default="common")

    def entropy_today(self) -> RealLike:
        """The visible bath's, and what of a hidden sector that shares it is still light."""
        visible = self.visible.entropy_today()
        if self.conserved == "separate":
            return visible
        log_T = jnp.log(jnp.asarray(CMB_TEMPERATURE))
        return visible + self.xi**3 * self._gas(log_T + jnp.log(self.xi))[1]

    def anchored(self, T_p: RealLike) -> Self:
        """The same with ξ given at that temperature."""
        return type(self)(
            self.visible,
            self.xi,
            self.masses,
            self.weights,
            self.statistics,
            as_real(T_p),
            self.conserved,
        )

    def values(self, log_T: Real) -> tuple[Real, Real]:
        """g_ρ of both, and the g_s that sets the scale factor."""
        energy, entropy = self.visible.values(log_T)
        log_Th = self._log_temperature(log_T, entropy)
        hidden = self._gas(log_Th)
        xi = jnp.exp(log_Th - log_T)
        energy = energy + xi**4 * hidden[0]
        return energy, entropy if self.conserved == "separate" else entropy + xi**3 * hidden[1]

    def with_slope(self, log_T: RealLike) -> tuple[Real, Real, Real]:
        """g_ρ, g_s and γ_s; decoupled, that of the visible bath."""
        if self.conserved == "common":
            return DegreesOfFreedom.with_slope(self, log_T)
        _, entropy, slope = self.visible.with_slope(log_T)
        return self.values(as_real(log_T))[0], entropy, slope

    def _log_temperature(self, log_T: Real, entropy: Real) -> Real:
        """ln T_h, of g_s of the visible bath if decoupled.

        The hidden entropy, g_s^h T_h³, rises at least as T_h³, which brackets the root.
        """
        if self.conserved == "common":
            return log_T + jnp.log(self.xi)
        at_Tp = jnp.log(self.T_p)
        start = at_Tp + jnp.log(self.xi)
        _, entropy_p = self.visible.values(at_Tp)
        change = 3 * (log_T - at_Tp) + jnp.log(entropy / entropy_p)
        target = self._log_entropy(start)[0] + change
        # colder than that nothing is left of the lightest, nor of its share in g
        coldest = jnp.log(jnp.maximum(self.masses.min(), 1e-300) / _COLD)
        ends = start + jnp.minimum(change / 3, 0.0), start + jnp.maximum(change / 3, 0.0)
        fixed = jax.lax.stop_gradient

        def narrower(_: int, state: tuple[Real, Real, Real]) -> tuple[Real, Real, Real]:
            low, high, x = state
            value, slope = fixed(self)._log_entropy(x)
            low = jnp.where(value < fixed(target), x, low)
            high = jnp.where(value < fixed(target), high, x)
            newton = x + (fixed(target) - value) / slope
            inside = (newton >= low) & (newton <= high)
            return low, high, jnp.where(inside, newton, (low + high) / 2)

        low, high = (jnp.maximum(fixed(end), fixed(coldest)) for end in ends)
        x = jnp.clip(
            fixed(start) + fixed(change) / fixed(self)._log_entropy(fixed(start))[1], low, high
        )
        _, _, x = jax.lax.fori_loop(0, _ROOT_STEPS, narrower, (low, high, x))
        x = fixed(x)
        # a step that derivatives see: the implicit-function theorem
        value, slope = self._log_entropy(x)
        return jnp.where(x > coldest, x + (target - value) / fixed(slope), x)

    def _log_entropy(self, log_Th: Real) -> tuple[Real, Real]:
        """ln(g_s^h T_h³) and its derivative in ln T_h."""

        def logarithm(x: Real) -> Real:
            return 3 * x + jnp.log(self._gas(x)[1])

        return jax.jvp(logarithm, (log_Th,), (jnp.ones_like(log_Th),))

    def _gas(self, log_Th: Real) -> tuple[Real, Real]:
        """g_ρ and g_s of the species at their own temperature."""
        energy, entropy = jnp.zeros_like(log_Th), jnp.zeros_like(log_Th)
        inverse = jnp.exp(-log_Th)
        for mass, weight, statistics in zip(
            self.masses, self.weights, self.statistics, strict=True
        ):
            in_energy, in_entropy = species_degrees(mass * inverse, statistics)
            energy = energy + weight * in_energy
            entropy = entropy + weight * in_entropy
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
        return type(self)(
            self.visible, xi, masses, weights, self.statistics, self.T_p, self.conserved
        )


def with_hidden_sector(
    visible: DegreesOfFreedom,
    xi: float,
    species: Sequence[tuple[float, float, Statistics]],
    conserved: HiddenEntropy = "common",
) -> WithHiddenSector:
    """The degrees of freedom of a bath with a hidden sector at T_h = ξT.

    Args:
        visible: those of the bath.
        xi: ξ, in (0, 10].
        species: mass (GeV), internal degrees of freedom and statistics of each.
        conserved: "common": ξ is constant, and the entropy of both sectors together sets the scale
            factor; "separate": the sectors are decoupled, and ξ is that at T_p.

    Raises:
        ConfigurationError: one line, for a value outside its range.
    """
    check_number("xi", xi, TEMPERATURE_RATIO)
    check_name("conserved", conserved, get_args(HiddenEntropy))
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
        conserved=conserved,
    )

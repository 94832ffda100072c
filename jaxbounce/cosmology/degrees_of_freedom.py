"""Effective degrees of freedom g_ρ(T) and g_s(T) of a bath that is not constant.

    ρ = (π²/30) g_ρ T⁴,    s = (2π²/45) g_s T³,    γ_s = d ln g_s/d ln T.

γ_s is always the derivative of the g_s in use, never thermodynamics from g_ρ: the fit of the
Standard Model violates 3g_ρ' + 12(g_ρ − g_s) = 4g_s' by 5–10 % near the QCD crossover, and below
the decoupling of neutrinos the relation does not hold at all.
"""

import functools
from abc import abstractmethod
from typing import NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool
from numpy.polynomial.polynomial import polyval

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.series import circles, fit_pieces, looked_up, slopes_on_circles
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.cosmology.constants import CMB_TEMPERATURE, ENTROPY_DEGREES_TODAY
from jaxbounce.cosmology.elapsed import Pieces, elapsed, make_pieces

BLEND_TEMPERATURE = 0.12
"""T (GeV) at which the two pieces of the fit meet (1803.01038, appendix C)."""

BLEND_WIDTH = 0.1
"""Half the range of ln T, around that, over which one becomes the other."""

JOINTS = (
    float(np.log(BLEND_TEMPERATURE) - BLEND_WIDTH),
    float(np.log(BLEND_TEMPERATURE) + BLEND_WIDTH),
)
"""ln(T/GeV) at which the blended fit is only twice differentiable."""


class DegreesOfFreedom(eqx.Module):
    """g_ρ(T) and g_s(T). Abstract; subclasses are final."""

    @abstractmethod
    def values(self, log_T: Real) -> tuple[Real, Real]:
        """g_ρ and g_s at ln(T/GeV), smooth, positive and finite whatever the temperature."""

    def joints(self) -> Real:
        """ln(T/GeV), rising, at which they are not smooth: where quadrature panels should end."""
        return jnp.zeros(0)

    def kinks(self) -> Real:
        """Those of the joints at which the first derivative jumps."""
        return jnp.zeros(0)

    def covers(self, T: Real) -> Bool[Array, "..."]:
        """Whether they are known at T (GeV); where not, they are continued as constants."""
        return jnp.ones(jnp.shape(T), bool)

    def entropy_today(self) -> RealLike:
        """g_s at T₀ = 2.7255 K, from which s₀ follows."""
        return self.entropy(CMB_TEMPERATURE)

    def anchored(self, T_p: RealLike) -> "DegreesOfFreedom":
        """The same where something in them is given at percolation, T_p (GeV)."""
        return self

    def ranges(self) -> dict[str, Range]:
        """Parameters of its own: the values each may take, and what it is."""
        return {}

    def value(self, name: str) -> Scalar:
        """The parameter of that name, one of `ranges`."""
        raise ConfigurationError(f"{name}: {type(self).__name__} has no such parameter")

    def replace(self, **values: RealLike) -> Self:
        """The same with parameters of its own replaced; they may be traced."""
        if values:
            self.value(next(iter(values)))
        return self

    def with_slope(self, log_T: RealLike) -> tuple[Real, Real, Real]:
        """g_ρ, g_s and γ_s = d ln g_s/d ln T at ln(T/GeV)."""
        log_T = as_real(log_T)
        (energy, entropy), (_, slope) = jax.jvp(self.values, (log_T,), (jnp.ones_like(log_T),))
        return energy, entropy, slope / entropy

    def time_per_efold(self, log_T: RealLike) -> Real:
        """(1 + γ_s/3)/√g_ρ at ln(T/GeV): dt ∝ this T⁻² d ln T."""
        energy, _, slope = self.with_slope(log_T)
        return (1 + slope / 3) / jnp.sqrt(energy)

    def time_per_entropy(self, log_T: RealLike) -> Real:
        """`time_per_efold` over g_s: what yields n/s gain in a unit of time."""
        log_T = as_real(log_T)
        return self.time_per_efold(log_T) / self.values(log_T)[1]

    def elapsed(self, log_Tp: Scalar, n: Real, growth: Real) -> Real | None:
        """∫ e^{2ν} of `time_per_efold` from 0 to n = ln(T_p/T); None: unknown.

        Where it is known at once, clocks need not integrate. `growth` is (e^{2n} − 1)/2.
        """
        return None

    def energy(self, T: RealLike) -> Real:
        """g_ρ at T (GeV)."""
        return self.values(jnp.log(as_real(T)))[0]

    def entropy(self, T: RealLike) -> Real:
        """g_s at T (GeV)."""
        return self.values(jnp.log(as_real(T)))[1]


class ConstantDegrees(DegreesOfFreedom):
    """Numbers, whatever the temperature: a bath for a hidden sector to stand beside."""

    g_star: Scalar = eqx.field(converter=as_leaf)
    g_star_s: Scalar = eqx.field(converter=as_leaf)

    def entropy_today(self) -> RealLike:
        """That of the published s₀: the numbers are of another temperature."""
        return ENTROPY_DEGREES_TODAY

    def values(self, log_T: Real) -> tuple[Real, Real]:
        """The numbers, in the shape of `log_T`."""
        ones = jnp.ones_like(log_T)
        return self.g_star * ones, self.g_star_s * ones


# Saikawa & Shirai, 1803.01038, appendix C: coefficients of powers of ln(T/GeV) above 120 MeV
_ENERGY_ABOVE = (
    (
        1.0,
        1.11724,
        0.312672,
        -0.0468049,
        -0.0265004,
        -0.0011976,
        0.000182812,
        0.000136436,
        8.55051e-05,
        1.2284e-05,
        3.82259e-07,
        -6.87035e-09,
    ),
    (
        0.0143382,
        0.0137559,
        0.00292108,
        -0.000538533,
        -0.000162496,
        -2.87906e-05,
        -3.84278e-06,
        2.78776e-06,
        7.40342e-07,
        1.1721e-07,
        3.72499e-09,
        -6.74107e-11,
    ),
)
_ENTROPY_ABOVE = (
    (
        1.0,
        0.607869,
        -0.154485,
        -0.224034,
        -0.0282147,
        0.029062,
        0.00686778,
        -0.00100005,
        -0.000169104,
        1.06301e-05,
        1.69528e-06,
        -9.33311e-08,
    ),
    (
        70.7388,
        91.8011,
        33.1892,
        -1.39779,
        -1.52558,
        -0.0197857,
        -0.160146,
        8.22615e-05,
        0.0202651,
        -1.82134e-05,
        7.83943e-05,
        7.13518e-05,
    ),
)

# … and below it, as functions of x = m/T: decay, and coefficients of 1, x, x², x³
_FERMION_ENERGY = (1.04855, (1.0, 1.03757, 0.508630, 0.0893988))
_BOSON_ENERGY = (1.03149, (1.0, 1.03317, 0.398264, 0.0648056))
# 0.0595249, not the 0.0506182 of one transcription, agrees with the integral to 0.1 % at x ≤ 4
_FERMION_ENTROPY = (1.04190, (1.0, 1.03400, 0.456426, 0.0595249))
_BOSON_ENTROPY = (1.03365, (1.0, 1.03397, 0.342548, 0.0506182))

_ELECTRON, _MUON = 511e-6, 0.1056  # masses (GeV)

_BOSONS = (
    (0.135, 1.05, 1.034),  # π⁰, π^±, and four that stand for the heavier hadrons:
    (0.140, 2.08, 2.068),  # mass (GeV), weight in g_ρ, weight in g_s
    (0.5, 4.165, 4.16),
    (0.77, 30.55, 30.55),
    (1.2, 89.4, 90.0),
    (2.0, 8209.0, 6209.0),
)


def _fading(
    inverse_T: np.ndarray, mass: float, shape: tuple[float, tuple[float, ...]]
) -> np.ndarray:
    """e^{−ax} times a cubic in x = m/T: the fits of what one species contributes."""
    decay, coefficients = shape
    return np.exp(-decay * mass * inverse_T) * polyval(mass * inverse_T, coefficients)


def _below(log_T: np.ndarray) -> np.ndarray:
    """g_ρ and g_s of the fit for T < 120 MeV; ln T may be complex, here and in what follows."""
    inverse_T = np.exp(-log_T)
    electron = _fading(inverse_T, _ELECTRON, _FERMION_ENTROPY)
    decoupled = 1 + 1.75 * electron  # (T/T_ν)³ of instantaneous decoupling
    energy = (
        2.030
        + 1.353 * decoupled ** (4 / 3)
        + 3.495 * _fading(inverse_T, _ELECTRON, _FERMION_ENERGY)
        + 3.446 * _fading(inverse_T, _MUON, _FERMION_ENERGY)
    )
    entropy = (
        2.008
        + 1.923 * decoupled
        + 3.442 * electron
        + 3.468 * _fading(inverse_T, _MUON, _FERMION_ENTROPY)
    )
    for mass, in_energy, in_entropy in _BOSONS:
        energy = energy + in_energy * _fading(inverse_T, mass, _BOSON_ENERGY)
        entropy = entropy + in_entropy * _fading(inverse_T, mass, _BOSON_ENTROPY)
    return np.stack([energy, entropy])


def _above(log_T: np.ndarray) -> np.ndarray:
    """g_ρ and g_s of the fit for T > 120 MeV."""
    energy = polyval(log_T, _ENERGY_ABOVE[0]) / polyval(log_T, _ENERGY_ABOVE[1])
    excess = polyval(log_T, _ENTROPY_ABOVE[0]) / polyval(log_T, _ENTROPY_ABOVE[1])
    return np.stack([energy, energy / (1 + excess)])


def _blended(log_T: np.ndarray, side: np.ndarray) -> np.ndarray:
    """g_ρ and g_s of the fit; `side` is the real ln T that says where in the blend one is."""
    cold, hot = JOINTS
    u = (log_T - cold) / (hot - cold)
    weight = u**3 * (10 - 15 * u + 6 * u**2)
    weight[side < cold], weight[side > hot] = 0.0, 1.0
    # each place is kept to its side, so that the other cannot overflow
    below = _below(np.where(weight == 1.0, hot, log_T))
    above = _above(np.where(weight == 0.0, cold, log_T))
    return below + weight * (above - below)


def standard_model_energy(T: float) -> float:
    """g_ρ of the Standard Model at T (GeV), by the fit itself: one number needs no program.

    As `StandardModel().energy(T)`, whose polynomials and look-ups are compiled piece by piece.
    """
    log_T = np.clip(np.log([T]), _COLDEST, _HOTTEST)
    return float(_blended(log_T, log_T)[0, 0])


_COLDEST, _HOTTEST = float(np.log(1e-7)), float(np.log(1e16))  # ln T/GeV; beyond, constant

_FIRST, _LAST = float(np.log(1e-16)), float(np.log(1e20))  # between which time is known

_PIECE = BLEND_WIDTH / 4  # length of a polynomial in ln T, so that the joints are ends of some

_DEGREE = 10  # relative error 1e-15, and 1e-13 in slopes

_RADIUS = 0.1  # no zero of g and no pole is nearer to the real axis than 0.15


class _Pieces(NamedTuple):
    """The blended fit as polynomials in ln T: coefficients, shape (powers, pieces).

    Attributes:
        start: ln T where the first piece begins.
        energy: of g_ρ.
        entropy: of g_s.
        time: of (1 + γ_s/3)/√g_ρ.
        per_entropy: of that over g_s.
        elapsed: of the integral of `time`, from `_FIRST` to `_LAST`.
    """

    start: float
    energy: np.ndarray
    entropy: np.ndarray
    time: np.ndarray
    per_entropy: np.ndarray
    elapsed: Pieces


@functools.cache
def _pieces() -> _Pieces:
    first, last = (int(np.floor((end - JOINTS[0]) / _PIECE)) for end in (_COLDEST, _HOTTEST))
    start = JOINTS[0] + _PIECE * first
    centres = start + _PIECE * (np.arange(last - first + 1) + 0.5)
    energy, entropy = _blended(circles(centres, _RADIUS), centres)
    time = (1 + slopes_on_circles(entropy, _RADIUS) / entropy / 3) / np.sqrt(energy)
    functions = (energy, entropy, time, time / entropy)
    fits = [fit_pieces(g, _RADIUS, _PIECE / 2, _DEGREE).T for g in functions]
    # τ is constant beyond, at its values at the ends
    before = int(np.ceil((start - _FIRST) / _PIECE))
    after = int(np.ceil((_LAST - start) / _PIECE)) - centres.size
    tau = np.pad(fits[2], ((0, 0), (before, after)))
    tau[0, :before] = (fits[2][:, 0] * (-1.0) ** np.arange(_DEGREE + 1)).sum()
    tau[0, before + centres.size :] = fits[2][:, -1].sum()
    passed = make_pieces(start - before * _PIECE, _PIECE, tau)
    return _Pieces(start, fits[0], fits[1], fits[2], fits[3], passed)


class StandardModel(DegreesOfFreedom):
    """The Standard Model: the fit of Saikawa & Shirai 2018 (1803.01038, appendix C).

    The published fit jumps at T = 120 MeV, by 2e-4 in g_ρ and 4e-4 in g_s. Its pieces are blended
    over |ln(T/0.12 GeV)| < 0.1 with w = u³(10 − 15u + 6u²), twice differentiably; outside the fit
    is as published. It is evaluated from polynomials in ln T that agree with it to rounding: two
    dozen exponentials become a dozen coefficients.
    """

    def values(self, log_T: Real) -> tuple[Real, Real]:
        """g_ρ and g_s."""
        pieces = _pieces()
        return _polynomial(pieces.energy, log_T)[0], _polynomial(pieces.entropy, log_T)[0]

    def with_slope(self, log_T: RealLike) -> tuple[Real, Real, Real]:
        """g_ρ, g_s and γ_s, the derivative of the same polynomials."""
        log_T = as_real(log_T)
        energy, _ = _polynomial(_pieces().energy, log_T)
        entropy, slope = _polynomial(_pieces().entropy, log_T)
        return energy, entropy, slope / entropy

    def time_per_efold(self, log_T: RealLike) -> Real:
        """(1 + γ_s/3)/√g_ρ by polynomials of its own."""
        return _polynomial(_pieces().time, as_real(log_T))[0]

    def time_per_entropy(self, log_T: RealLike) -> Real:
        """By polynomials of its own, in place of two of them."""
        return _polynomial(_pieces().per_entropy, as_real(log_T))[0]

    def elapsed(self, log_Tp: Scalar, n: Real, growth: Real) -> Real:
        """By polynomials of its own, too."""
        return elapsed(_pieces().elapsed, log_Tp, n, growth)

    def covers(self, T: Real) -> Bool[Array, "..."]:
        """From far below today's temperature to beyond the Planck scale."""
        return (np.exp(_FIRST) < T) & (np.exp(_LAST) > T)

    def joints(self) -> Real:
        """The ends of the blend."""
        return jnp.asarray(JOINTS)


def _polynomial(coefficients: np.ndarray, log_T: Real) -> tuple[Real, Real]:
    """The one of these that holds at ln T, and its derivative, by Horner's rule.

    Coefficients are looked up one by one, so that the compiler keeps the sums in registers.
    """
    place = (jnp.clip(log_T, _COLDEST, _HOTTEST) - _pieces().start) / _PIECE
    k = jax.lax.stop_gradient(place).astype(int)
    s = 2 * (place - k) - 1
    value = slope = jnp.zeros_like(s)
    for row in coefficients[::-1]:
        slope = slope * s + value
        value = value * s + jnp.asarray(row, s.dtype)[k]
    inside = (log_T > _COLDEST) & (log_T < _HOTTEST)
    return looked_up(value, s), jnp.where(inside, slope * (2 / _PIECE), 0.0)

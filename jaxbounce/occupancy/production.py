"""How fast a bath makes χ: collision terms C = (dn/dt)_production (GeV⁴) of decays and 2 → 2.

χ is so rare that nothing of it comes back (f_χ ≪ 1), and products that are not in the bath have no
factor of final states. All integrals over energies are done in the rapidity of what decays or
collides, E = M cosh t, p = M sinh t with M the mass of A or √s, where the trapezoidal rule
converges exponentially for every statistics.

Sources: Hall, Jedamzik, March-Russell & West 0911.1120 (decays, massless 2 → 2); Gondolo & Gelmini
1991 (the integral over s). Statistics of the colliding pair are exact: f₁f₂ is the occupation at
their total energy times (1 ∓ f₁ ∓ f₂), whose mean over directions is a logarithm.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.bessel import x_bessel_k1
from jaxbounce._core.quadrature import Rapidities, paired_gauss_legendre, rapidities
from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.cosmology.gas_integrals import Statistics, check_names, density_integral, occupation

OfS = Callable[[Real], Real]
"""A function of s (GeV²), for arrays of s."""

_DECAY_NODES = 96

_PAIR_NODES = 40

_PANEL_NODES = 12

# panel edges in q, √s = √s_min + T q²: graded to the threshold, where masses bend the integrand
_PANEL_EDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.8, 1.5, 2.3, 3.2, 4.2, 5.4, 7.0, 9.0)

_WIDTHS = (1.0, 3.0, 8.0, 20.0, 50.0)  # from the middle of a resonance to the panel edges around it

_LARGEST_BOOST = 600.0  # e^{600} is a number; pairs this fast are e^{−600} of all


class Production(NamedTuple):
    """What the bath makes at a temperature.

    Attributes:
        rate: C, particles χ made per volume and time (GeV⁴).
        error: estimated absolute error of `rate`.
        momentum: mean p/T of those made, where it is known in closed form and χ is massless.
    """

    rate: Real
    error: Real
    momentum: Real | None = None


def _half_filled(low: Real, half_width: Real, statistics: Statistics) -> Real:
    """Mean of ½ − f (fermions), ½ + f (bosons) or ½ (classical) over evenly spread energies.

    Between E₋ = `low` and E₊ = `low` + 2 `half_width`, in units of T, it is
    ln[cosh(E₊/2)/cosh(E₋/2)]/(E₊ − E₋), for bosons with sinh; written so that nothing cancels.
    """
    if statistics == "classical":
        return jnp.full_like(low, 0.5)
    spread = half_width > 0
    width = jnp.where(spread, jnp.minimum(half_width, _LARGEST_BOOST), 1.0)
    middle = low + width
    if statistics == "fermion":
        excess = -jnp.expm1(-middle) / (1 + jnp.exp(-low))
        at_one_energy = -jnp.expm1(-low) / (1 + jnp.exp(-low)) / 2
    else:
        excess = (1 + jnp.exp(-middle)) / -jnp.expm1(-low)
        at_one_energy = (1 + jnp.exp(-low)) / -jnp.expm1(-low) / 2
    mean = jnp.log1p(jnp.expm1(width) * excess) / (2 * width)
    return jnp.where(spread, mean, at_one_energy)


def _boosted(at: Rapidities, energy: Real, momentum: Real, mass: Real) -> tuple[Real, Real]:
    """Least energy, and half the range, of what has `energy` in the frame that is boosted."""
    less = mass**2 / (energy + momentum)  # energy − momentum
    return at.falling * energy + at.sinh * less, at.sinh * momentum


def decay_threshold(m_chi: RealLike, particles: RealLike = 1.0, m_X: RealLike = 0.0) -> Real:
    """Mass (GeV) above which A decays into N_χ χ and X: N_χ m_χ + m_X, of one χ at the least.

    Args:
        m_chi: mass of χ (GeV).
        particles: N_χ; below one it is a mean, of decays with one χ and with none.
        m_X: mass of what χ is made with (GeV).
    """
    return jnp.maximum(as_real(particles), 1.0) * as_real(m_chi) + as_real(m_X)


def decay_rate(
    T: RealLike,
    m_A: RealLike,
    Gamma: RealLike,
    g_A: RealLike = 1.0,
    particles: RealLike = 1.0,
    statistics: Statistics = "classical",
    *,
    m_chi: RealLike = 0.0,
    product: Statistics | None = None,
    m_X: RealLike = 0.0,
) -> Production:
    """Production by decays of A in equilibrium, A → χ… or A → Xχ with X in the bath.

    C = N_χ g_A Γ m_A/2π² ∫_{m_A}^∞ p f_A (1 ± f̄_X) dE, which is N_χ g_A Γ m_A² T K₁(m_A/T)/2π² for
    Maxwell–Boltzmann (0911.1120, eq. 6.7). The energy of X is evenly distributed between its ends
    at a given E, so that its mean occupation f̄_X is a logarithm; Γ is that of A at rest in vacuum.

    Args:
        T: temperature (GeV), any shape.
        m_A: mass of A (GeV), > 0.
        Gamma: width into χ at rest (GeV).
        g_A: degrees of freedom of A.
        particles: N_χ, number of χ made by a decay.
        statistics: of A: "fermion", "boson" or "classical".
        m_chi: mass of χ (GeV), for `decay_threshold`, and with `product`.
        product: statistics of X if it is in the bath, else None.
        m_X: mass of X (GeV).

    Returns:
        C (GeV⁴) in the shape of T; NaN where the decay is closed. With two massless products the
        mean momentum is known: half the energy of A. The error is that of rounding.
    """
    for name in (statistics, *([product] if product else [])):
        check_names(name)
    T, m_A, m_chi, m_X = (as_real(value) for value in (T, m_A, m_chi, m_X))
    x = m_A / T
    at = rapidities(x, _DECAY_NODES)
    made = at.weight * at.sinh**2 * occupation(x[..., None] * at.cosh, statistics)
    if product is not None:
        energy = (m_A**2 + (m_X - m_chi) * (m_X + m_chi)) / (2 * m_A)
        momentum = _two_body_momentum(m_A, m_X, m_chi)
        low, half_width = _boosted(at, energy, momentum, m_X)
        heat = T[..., None]
        made = made * (0.5 + _half_filled(low / heat, half_width / heat, product))
    integral = x**2 * made.sum(-1)  # ∫ p f dE/T²
    rate = (
        as_real(particles) * as_real(g_A) * as_real(Gamma) * m_A * T**2 * integral / (2 * jnp.pi**2)
    )
    threshold = decay_threshold(m_chi, particles, m_X)
    rate = jnp.where(threshold < m_A, rate, jnp.nan)
    mean = None
    if product is None:
        mean = density_integral(x, statistics) / integral / 2
    return Production(rate, 8 * jnp.finfo(rate.dtype).eps * rate, mean)


def _two_body_momentum(M: Real, m: Real, other: Real) -> Real:
    """Momentum of masses m and `other` in the rest frame of M; zero where M is too light."""
    square = (M - m - other) * (M + m + other) * (M - m + other) * (M + m - other)
    is_open = square > 0
    return jnp.where(is_open, jnp.sqrt(jnp.where(is_open, square, 1.0)), 0.0) / (2 * M)


def _jointly(statistics: tuple[Statistics, Statistics]) -> Statistics:
    """Which occupation at E₁ + E₂ goes with a pair: f₁f₂ = f(E₁ + E₂)(1 ∓ f₁ ∓ f₂)."""
    if "classical" in statistics:
        return "classical"
    return "boson" if statistics[0] == statistics[1] else "fermion"


def _pairs_present(
    root_s: Real, T: Scalar, masses: tuple[Real, Real], statistics: tuple[Statistics, Statistics]
) -> Real:
    """(1/√s) ∫_{√s}^∞ ⟨f₁f₂⟩ P dE of a pair, P = √(E² − s): T K₁(√s/T) if it is classical (GeV)."""
    x = root_s / T
    if statistics == ("classical", "classical"):
        return T * x_bessel_k1(x) / x
    at = rapidities(x, _PAIR_NODES)
    momentum = _two_body_momentum(root_s, *masses)[:, None]
    free = jnp.zeros_like(at.weight)
    for mass, other, kind in zip(masses, masses[::-1], statistics, strict=True):
        energy = (root_s + (mass - other) * (mass + other) / root_s)[:, None] / 2
        low, half_width = _boosted(at, energy, momentum, mass)
        free = free + _half_filled(low / T, half_width / T, kind)
    occupied = occupation(x[:, None] * at.cosh, _jointly(statistics))
    return root_s * (at.weight * at.sinh**2 * occupied * free).sum(-1)


def _pair_rate(
    T: Real,
    strength: Callable[[Real, Real], Real],
    masses: tuple[Real, Real],
    least: Real,
    statistics: tuple[Statistics, Statistics],
    breakpoints: Sequence[RealLike],
) -> tuple[Real, Real]:
    """∫ p₁₂ W κ ds/32π⁴ over s > least², and its error; W is of √s and p₁₂, κ `_pairs_present`."""
    cuts = jnp.asarray([as_real(b) for b in breakpoints], T.dtype)
    t, weights = paired_gauss_legendre(_PANEL_NODES)
    end = _PANEL_EDGES[-1]

    def at(T: Scalar) -> Float[Array, " 2"]:
        above = jnp.where(cuts > least, (cuts - least) / T, end**2)
        q_cut = jnp.minimum(jnp.sqrt(above), end)
        edges = jnp.sort(jnp.concatenate([jnp.asarray(_PANEL_EDGES), q_cut]))
        half = jnp.diff(edges)[:, None] / 2
        q = (edges[:-1, None] + half * (1 + t)).reshape(-1)
        root_s = least + T * q**2
        momentum = _two_body_momentum(root_s, *masses)
        integrand = momentum * strength(root_s, momentum)
        integrand = integrand * _pairs_present(root_s, T, masses, statistics)
        values = (integrand * 4 * root_s * T * q).reshape(half.shape[0], -1) * half
        return (weights @ values.T).sum(-1) / (32 * jnp.pi**4)

    fine, coarse = jnp.moveaxis(jax.vmap(at)(T.reshape(-1)), -1, 0)
    error = jnp.abs(jax.lax.stop_gradient(fine - coarse))
    return fine.reshape(T.shape), error.reshape(T.shape)


def around_resonance(M: RealLike, width: RealLike) -> tuple[Real, ...]:
    """Breakpoints (GeV) that resolve a resonance of mass M and total width (GeV)."""
    M, width = as_real(M), as_real(width)
    return (M, *(M + sign * k * width for k in _WIDTHS for sign in (-1, 1)))


def scattering_rate(
    T: RealLike,
    squared_amplitude: OfS,
    initial: tuple[RealLike, RealLike] = (0.0, 0.0),
    final: tuple[RealLike, RealLike] = (0.0, 0.0),
    particles: RealLike = 1.0,
    statistics: tuple[Statistics, Statistics] = ("classical", "classical"),
    *,
    identical: bool = False,
    breakpoints: Sequence[RealLike] = (),
) -> Production:
    """Production by collisions 1 2 → 3 4 of a bath, from their squared amplitude.

    C = N_χ/S · T/512π⁶ ∫ ds dΩ p₁₂ p₃₄ Σ|M|² K₁(√s/T)/√s for a classical bath (Gondolo & Gelmini
    1991), and the same with the pair's own statistics otherwise, exact.

    Args:
        T: temperature (GeV), any shape.
        squared_amplitude: Σ|M|² as a function of s (GeV²): summed over all spins and colours of
            all four particles, averaged over the scattering angle only. For Σ_n a_n sⁿ of
            massless particles `polynomial_rate` is a closed form.
        initial: masses m₁, m₂ of what collides (GeV).
        final: masses m₃, m₄ of what is made (GeV).
        particles: N_χ, number of χ made by a collision.
        statistics: of particles 1 and 2.
        identical: whether 1 and 2 are the same particle: S = 2, else 1.
        breakpoints: √s (GeV) where |M|² has kinks, or `around_resonance`.

    Returns:
        C (GeV⁴) in the shape of T, and the difference of two node counts as its error.
    """
    final = (as_real(final[0]), as_real(final[1]))

    def strength(root_s: Real, _: Real) -> Real:
        phase_space = _two_body_momentum(root_s, *final) / (4 * jnp.pi * root_s)
        return phase_space * squared_amplitude(root_s**2)

    masses = (as_real(initial[0]), as_real(initial[1]))
    return _scattering(T, strength, masses, final, particles, statistics, identical, breakpoints)


def cross_section_rate(
    T: RealLike,
    cross_section: OfS,
    initial: tuple[RealLike, RealLike] = (0.0, 0.0),
    final: tuple[RealLike, RealLike] = (0.0, 0.0),
    degrees: tuple[RealLike, RealLike] = (1.0, 1.0),
    particles: RealLike = 1.0,
    statistics: tuple[Statistics, Statistics] = ("classical", "classical"),
    *,
    identical: bool = False,
    breakpoints: Sequence[RealLike] = (),
) -> Production:
    """Production by collisions of a bath, from their cross section.

    C = N_χ/S · g₁g₂ T/32π⁴ ∫ ds σ [s − (m₁ + m₂)²][s − (m₁ − m₂)²] K₁(√s/T)/√s for a classical
    bath: `scattering_rate` with Σ|M|² = 16π g₁g₂ s σ p₁₂/p₃₄.

    Args:
        T: temperature (GeV), any shape.
        cross_section: σ (GeV⁻²) as a function of s (GeV²), summed over final and averaged over
            initial spins and colours.
        initial: masses m₁, m₂ of what collides (GeV).
        final: masses m₃, m₄ of what is made (GeV): below their sum σ is not asked for.
        degrees: g₁, g₂, degrees of freedom of what collides.
        particles: as in `scattering_rate`, like all that follow.
        statistics: of particles 1 and 2.
        identical: whether 1 and 2 are the same particle.
        breakpoints: √s (GeV) where σ has kinks or a resonance.
    """
    g = as_real(degrees[0]) * as_real(degrees[1])

    def strength(root_s: Real, momentum: Real) -> Real:
        return 4 * g * momentum * root_s * cross_section(root_s**2)

    masses = (as_real(initial[0]), as_real(initial[1]))
    final = (as_real(final[0]), as_real(final[1]))
    return _scattering(T, strength, masses, final, particles, statistics, identical, breakpoints)


def _scattering(
    T: RealLike,
    strength: Callable[[Real, Real], Real],
    masses: tuple[Real, Real],
    final: tuple[Real, Real],
    particles: RealLike,
    statistics: tuple[Statistics, Statistics],
    identical: bool,
    breakpoints: Sequence[RealLike],
) -> Production:
    for kind in statistics:
        check_names(kind)
    least = jnp.maximum(masses[0] + masses[1], final[0] + final[1])
    rate, error = _pair_rate(as_real(T), strength, masses, least, statistics, breakpoints)
    count = as_real(particles) / (2 if identical else 1)
    return Production(count * rate, count * error)


def polynomial_rate(
    T: RealLike,
    coefficients: Sequence[float] | RealLike,
    particles: RealLike = 1.0,
    statistics: tuple[Statistics, Statistics] = ("classical", "classical"),
    *,
    identical: bool = False,
) -> Production:
    """Production by massless 2 → 2 with Σ|M|² = Σ_n a_n sⁿ, in closed form.

    C = N_χ/S Σ_n a_n k_n T^{4+2n}, k_n = 2^{2+2n} Γ(1 + n) Γ(2 + n)/512π⁵ (0911.1120;
    Elahi, Kolda & Unwin 1410.6157), times ζ(n + 2) for each initial boson and (1 − 2^{−n−1})
    ζ(n + 2) for each fermion. Per sⁿ, the two made share (n + 2) T of energy for each classical
    particle that collided.

    Args:
        T: temperature (GeV), any shape.
        coefficients: a_n from n = 0 up (GeV^{−2n}); Σ|M|² is summed over all spins and colours.
        particles: N_χ, number of χ made by a collision.
        statistics: of particles 1 and 2.
        identical: whether 1 and 2 are the same particle: S = 2, else 1.

    Returns:
        C (GeV⁴) in the shape of T, with the mean momentum; only rounding for an error.
    """
    for kind in statistics:
        check_names(kind)
    T, coefficients = as_real(T), as_real(jnp.asarray(coefficients))
    n = np.arange(coefficients.shape[0])
    n_plus_2 = as_real(n + 2.0)
    k = 2.0 ** (2 + 2 * n) * jnp.exp(jsp.gammaln(n_plus_2 - 1) + jsp.gammaln(n_plus_2))
    filling = jnp.ones_like(k)
    energy = jnp.zeros_like(k)
    for kind in statistics:
        filling = filling * _massless_moment(n_plus_2, kind)
        later = n_plus_2 * _massless_moment(n_plus_2 + 1, kind)
        energy = energy + later / _massless_moment(n_plus_2, kind)
    terms = coefficients * k * filling / (512 * jnp.pi**5) * T[..., None] ** (4 + 2 * n)
    rate = terms.sum(-1)
    mean = (terms * energy).sum(-1) / rate / 2
    count = as_real(particles) / (2 if identical else 1)
    return Production(count * rate, 8 * jnp.finfo(rate.dtype).eps * jnp.abs(count * rate), mean)


def _massless_moment(power: Real, statistics: Statistics) -> Real:
    """∫₀^∞ p^{power − 1} f dp/Γ(power): ζ(power) for bosons, 1 for a classical gas."""
    if statistics == "classical":
        return jnp.ones_like(power)
    zeta = jsp.zeta(power, 1.0)
    return zeta if statistics == "boson" else (1 - 2.0 ** (1 - power)) * zeta

"""Invariant embedding of two coupled channels: the steps behind `full_wave`.

The wave comes in from ξ = +∞. The reflection matrix a = r b of everything to the left of ξ,
‖r‖ ≤ 1, is carried from left to right by adding slabs: no exponential grows, however closed
a channel is. A slab is one factor of the fourth-order commutator-free Magnus method of two
exponentials (Blanes & Moan 2006; Alvermann & Fehske 2011): α and β are averages of M (or M²)
at two Gauss nodes and commute, so the slab is solved exactly in the eigenbasis of that
average, and K times its length may be large.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.series import horner
from jaxbounce._core.types import Real, RealLike, Scalar, as_real

Spin = Literal["scalar", "dirac"]

Masses: TypeAlias = Callable[[Scalar, Any], tuple[RealLike, RealLike, RealLike]]
"""Wall (ξ, args) → (m_B, m_χ, m), JAX-traceable; its parameters come in by args."""

_SERIES_LIMIT = 0.05  # |Q| below which cos √Q and sin √Q/√Q are summed: 0.05⁶/12! < 1e-16

_COSINE = tuple((-1) ** k / float(np.prod(np.arange(1.0, 2 * k + 1))) for k in range(6))

_SINC = tuple((-1) ** k / float(np.prod(np.arange(1.0, 2 * k + 2))) for k in range(6))

_GAUSS = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)

_EARLY = ((3 + 2 * np.sqrt(3)) / 12, (3 - 2 * np.sqrt(3)) / 12)


class Symmetric(NamedTuple):
    """Real symmetric 2×2 matrices in their eigenbasis: eigenvalues and rotation angle 2θ."""

    upper: Real
    lower: Real
    cosine: Real
    sine: Real


def diagonalise(first: Real, second: Real, mixing: Real) -> Symmetric:
    """Eigenvalues t/2 ± ρ and cos 2θ = d/ρ, sin 2θ = mixing/ρ; θ = 0 where they coincide."""
    half, d = (first + second) / 2, (first - second) / 2
    square = d**2 + mixing**2
    distinct = square > 0
    rho = jnp.sqrt(jnp.where(distinct, square, 1.0))
    radius = jnp.where(distinct, rho, 0.0)
    cosine = jnp.where(distinct, d / rho, 1.0)
    return Symmetric(half + radius, half - radius, cosine, jnp.where(distinct, mixing / rho, 0.0))


class End(NamedTuple):
    """Free waves at an end of the wall, (B-like, χ-like)."""

    mu: tuple[Array, Array]  # a/b of the wave running left = b/a of the one running right
    flux: tuple[Real, Real]  # 1 − |μ|², 0 in a closed channel
    cosine: Real
    sine: Real


def channels(masses: tuple[Scalar, Scalar, Scalar], K: Scalar, spin: Spin) -> End:
    """The free waves at an end with these (m_B, m_χ, m)."""
    frame = diagonalise(*masses)
    # label by the larger content, −π/2 ≤ 2θ ≤ π/2, so that the first state is B-like
    swap = frame.cosine < 0
    sign = jnp.where(swap, -1.0, 1.0)
    eigenmasses = (
        jnp.where(swap, frame.lower, frame.upper),
        jnp.where(swap, frame.upper, frame.lower),
    )
    mu, flux = zip(*(_free_wave(K, mass, spin) for mass in eigenmasses), strict=True)
    return End(mu, flux, sign * frame.cosine, sign * frame.sine)


def _free_wave(K: Scalar, mass: Scalar, spin: Spin) -> tuple[Array, Scalar]:
    """μ and 1 − |μ|² of one channel; k = √(K² − m²) with Im k ≥ 0."""
    square = (K - mass) * (K + mass)
    away = square != 0  # k has no derivative at the threshold: it is given the value zero
    size = jnp.where(away, jnp.sqrt(jnp.where(away, jnp.abs(square), 1.0)), 0.0)
    real, imaginary = jnp.where(square > 0, size, 0.0), jnp.where(square > 0, 0.0, size)
    ratio = mass / jax.lax.complex(K + real, imaginary)
    if spin == "dirac":
        return ratio, 2 * real / (K + real)
    return -(ratio**2), 4 * K * real / (K + real) ** 2


class Slabs(NamedTuple):
    """Exponents of the Magnus factors from left to right: all but K, shape (2·steps,)."""

    length: Real
    mass: Symmetric  # length × average of M² (scalar) or M (Dirac)


def slabs_of(
    masses: Masses, args: Any, left: Scalar, right: Scalar, grid: "Grid", steps: int, spin: Spin
) -> Slabs:
    """The slabs of `steps` Magnus steps between the limits, two a step."""
    width = 1 / steps
    position, stretch = grid(left, right, (np.arange(steps)[:, None] + np.array(_GAUSS)) * width)
    m_B, m_chi, m = evaluate_masses(masses, args, position)
    if spin == "scalar":
        m_B, m_chi, m = m_B**2 + m**2, m_chi**2 + m**2, m * (m_B + m_chi)

    def average(value: Real) -> Real:
        value = width * stretch * value
        first = _EARLY[0] * value[:, 0] + _EARLY[1] * value[:, 1]
        second = _EARLY[1] * value[:, 0] + _EARLY[0] * value[:, 1]
        return jnp.stack([first, second], axis=1).reshape(-1)

    return Slabs(
        average(jnp.ones_like(position)), diagonalise(average(m_B), average(m_chi), average(m))
    )


def evaluate_masses(masses: Masses, args: Any, xi: Real) -> tuple[Real, Real, Real]:
    """m_B, m_χ and m at an array of ξ."""

    def at(point: Scalar) -> tuple[Real, Real, Real]:
        m_B, m_chi, m = (as_real(value) for value in masses(point, args))
        if m_B.shape or m_chi.shape or m.shape:
            raise ValueError("masses(xi, args) must return three scalars for a scalar xi")
        return m_B, m_chi, m

    flat = jax.vmap(at)(xi.reshape(-1))
    m_B, m_chi, m = (value.reshape(xi.shape) for value in flat)
    return m_B, m_chi, m


class Grid(NamedTuple):
    """ξ(s) for 0 ≤ s ≤ 1: uniform, or centre + width·sinh, fine at the wall and coarse far away."""

    centre: Scalar
    width: Scalar | None

    def __call__(self, left: Scalar, right: Scalar, s: np.ndarray) -> tuple[Real, Real]:
        """ξ and dξ/ds."""
        if self.width is None:
            return left + (right - left) * s, (right - left) * jnp.ones_like(s)
        first = jnp.arcsinh((left - self.centre) / self.width)
        extent = jnp.arcsinh((right - self.centre) / self.width) - first
        u = first + extent * s
        return self.centre + self.width * jnp.sinh(u), extent * self.width * jnp.cosh(u)


def _slab_wave(K: Scalar, length: Real, mass: Real, spin: Spin) -> tuple[Array, Array]:
    """Reflection and transmission coefficient of one slab in one eigenchannel, both bounded.

    With Q = α² − β², f = cos √Q, g = sin √Q/√Q: iβg/(f − iαg) and 1/(f − iαg). Where Q < 0
    all are multiplied by e^{−√−Q}.
    """
    if spin == "scalar":
        beta = mass / (2 * K)
        alpha = length * K - beta
    else:
        beta, alpha = -mass, length * K
    Q = (alpha - beta) * (alpha + beta)
    near = jnp.abs(Q) < _SERIES_LIMIT
    small = jnp.where(near, Q, 0.0)
    size = jnp.sqrt(jnp.where(near, 1.0, jnp.abs(Q)))
    closed = (Q < 0) & ~near
    angle = jnp.where(closed, 0.0, size)
    decay = jnp.exp(-jnp.where(closed, size, 0.0))
    f = jnp.where(closed, (1 + decay**2) / 2, jnp.cos(angle))
    g = jnp.where(closed, (1 - decay**2) / 2, jnp.sin(angle)) / size
    f = jnp.where(near, horner(_COSINE, small), f)
    g = jnp.where(near, horner(_SINC, small), g)
    norm = 1 / (f**2 + (alpha * g) ** 2)
    inverse = jax.lax.complex(f * norm, alpha * g * norm)
    return jax.lax.complex(jnp.zeros_like(g), beta * g) * inverse, decay * inverse


def _rotate(cosine: Real, sine: Real, matrix: tuple[Array, Array, Array, Array]):
    """Vᵀ X V for a rotation V by θ given by cos 2θ, sin 2θ; X = (x11, x12, x21, x22)."""
    x11, x12, x21, x22 = matrix
    mean, even = (x11 + x22) / 2, (x12 + x21) / 2
    difference, odd = (x11 - x22) / 2, (x12 - x21) / 2
    third, first = cosine * difference + sine * even, cosine * even - sine * difference
    return mean + third, first + odd, first - odd, mean - third


def sweep(
    K: Scalar, runs: Sequence[Slabs], left: End, right: End, spin: Spin
) -> Float[Array, "runs 4"]:
    """(T_B, T_χ, R_B, R_χ) of the χ-like state, for runs with several numbers of slabs.

    All runs go side by side through one scan; shorter ones end in slabs of no length.
    """
    longest = max(slabs.length.size for slabs in runs)

    empty: Any = (0.0, (0.0, 0.0, 1.0, 0.0))  # no length, no mass, not turned

    def side_by_side(fill: float, *values: Real) -> Real:
        padded = [jnp.pad(v, (0, longest - v.size), constant_values=fill) for v in values]
        return jnp.stack(padded, axis=1)

    slabs: Slabs = jax.tree.map(
        side_by_side, jax.tree.unflatten(jax.tree.structure(runs[0]), jax.tree.leaves(empty)), *runs
    )
    zero = jnp.zeros(len(runs), left.mu[0].dtype)
    mu = left.mu[0] + zero, left.mu[1] + zero
    start = _rotate(left.cosine, -left.sine, (mu[0], zero, zero, mu[1]))
    one = jnp.ones_like(zero)
    # r is symmetric (reciprocity); t takes b at ξ to b at the left end
    carry = (start[0], start[1], start[3], (one, zero, zero, one))

    def add_slab(carry, slab: Slabs):
        r11, r12, r22, t = carry
        _, _, cosine, sine = slab.mass
        rho1, tau1 = _slab_wave(K, slab.length, slab.mass.upper, spin)
        rho2, tau2 = _slab_wave(K, slab.length, slab.mass.lower, spin)
        r11, r12, _, r22 = _rotate(cosine, sine, (r11, r12, r12, r22))
        determinant = r11 * r22 - r12**2
        inverse = 1 / (1 - rho1 * r11 - rho2 * r22 + rho1 * rho2 * determinant)
        # (1 − ρr)⁻¹τ, and r → ρ + τr(1 − ρr)⁻¹τ
        passing = (
            (1 - rho2 * r22) * tau1 * inverse,
            rho1 * r12 * tau2 * inverse,
            rho2 * r12 * tau1 * inverse,
            (1 - rho1 * r11) * tau2 * inverse,
        )
        r11, r12, r22 = (
            rho1 + tau1**2 * (r11 - rho2 * determinant) * inverse,
            tau1 * tau2 * r12 * inverse,
            rho2 + tau2**2 * (r22 - rho1 * determinant) * inverse,
        )
        r11, r12, _, r22 = _rotate(cosine, -sine, (r11, r12, r12, r22))
        t = _product(t, _rotate(cosine, -sine, passing))
        return (r11, r12, r22, t), None

    (r11, r12, r22, t), _ = jax.lax.scan(add_slab, carry, slabs)
    return _match(_rotate(right.cosine, right.sine, (r11, r12, r12, r22)), t, left, right).T


def _product(x: tuple, y: tuple) -> tuple[Array, Array, Array, Array]:
    return (
        x[0] * y[0] + x[1] * y[2],
        x[0] * y[1] + x[1] * y[3],
        x[2] * y[0] + x[3] * y[2],
        x[2] * y[1] + x[3] * y[3],
    )


def _match(r: tuple, t: tuple, left: End, right: End) -> Real:
    """Fluxes from r in the right eigenbasis: 𝓡 = (1 − rμ)⁻¹(r − μ), T = t(1 − μr)⁻¹(1 − μ²).

    The factors 1 − μ² of the incident and outgoing waves are taken out, so that everything
    goes to zero smoothly at the thresholds instead of being 0/0.
    """
    r11, r12, _, r22 = r
    mu1, mu2 = right.mu
    inverse = 1 / (1 - mu1 * r11 - mu2 * r22 + mu1 * mu2 * (r11 * r22 - r12**2))
    # column of (1 − μr)⁻¹ and of r(1 − μr)⁻¹ that belongs to the incident χ-like state
    column = (mu1 * r12 * inverse, (1 - mu1 * r11) * inverse)
    reflected_B = r12 * inverse
    reflected_chi = (r22 - mu1 * (r11 * r22 - r12**2)) * inverse
    # t carries flavour amplitudes: V₋ᵀ t V₊ = V₋ᵀ t V₋ · V₋ᵀ V₊
    cosine, sine = _half_angle(right.cosine, right.sine)
    flavour = (cosine * column[0] - sine * column[1], sine * column[0] + cosine * column[1])
    at_left = (t[0] * flavour[0] + t[1] * flavour[1], t[2] * flavour[0] + t[3] * flavour[1])
    cosine, sine = _half_angle(left.cosine, left.sine)
    passed_B = cosine * at_left[0] + sine * at_left[1]
    passed_chi = cosine * at_left[1] - sine * at_left[0]
    incident = right.flux[1]
    chi_amplitude = jnp.where(incident > 0, reflected_chi * incident - mu2, -1.0)
    return jnp.stack(
        [
            left.flux[0] * incident * _square(passed_B),
            left.flux[1] * incident * _square(passed_chi),
            right.flux[0] * incident * _square(reflected_B),
            _square(chi_amplitude),
        ]
    )


def _half_angle(cosine: Scalar, sine: Scalar) -> tuple[Scalar, Scalar]:
    """Half-angle: cos θ and sin θ from cos 2θ ≥ 0 and sin 2θ."""
    half = jnp.sqrt((1 + cosine) / 2)
    return half, sine / (2 * half)


def _square(z: Array) -> Real:
    return z.real**2 + z.imag**2

"""Two Higgs doublets of type I that conserve CP: tree level, masses in any vacuum, bath.

    V = m_11² |Φ_1|² + m_22² |Φ_2|² − m_12² (Φ_1†Φ_2 + h.c.) + ½λ_1 |Φ_1|⁴ + ½λ_2 |Φ_2|⁴
        + λ_3 |Φ_1|²|Φ_2|² + λ_4 |Φ_1†Φ_2|² + ½λ_5 [(Φ_1†Φ_2)² + h.c.],

with neutral real parts h_1/√2 and h_2/√2 as the fields. The couplings are those of given masses in
the vacuum (h_1, h_2) = v (cos β, sin β): θ has m_h, m_H, m_A, m_Hp (of the charged pair),
tan_beta, cos_ba = cos(β − α) inside (−1, 1), 0 where h is like that of the standard model,
m_12_squared, v, M_W, M_Z and M_t. All fermions couple to Φ_2. Masses are those of the tree level;
v and β are those of the loops too, which is what finite parts of m_11² and m_22² are for.

Sources: G. C. Branco et al., Phys. Rept. 516 (2012) 1, arXiv:1106.0034; Debye masses: J. M. Cline
and P.-A. Lemieux, Phys. Rev. D 55 (1997) 3873, hep-ph/9609240.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import Real, Scalar
from jaxbounce.potential.thermal import Couplings, OneLoopPotential, Particle

Fields = Float[Array, " n"]

Matrix = Float[Array, "2 2"]


class Quartics(NamedTuple):
    """λ_1 … λ_5 and the squared masses of the doublets, from the masses of the particles."""

    first: Scalar
    second: Scalar
    third: Scalar
    fourth: Scalar
    fifth: Scalar
    m_11: Scalar
    """m_11²; m_12² is given."""
    m_22: Scalar

    @property
    def together(self) -> Scalar:
        """λ_3 + λ_4 + λ_5."""
        return self.third + self.fourth + self.fifth

    @classmethod
    def of(cls, theta: Couplings) -> "Quartics":
        """Those of the masses and angles in θ."""
        tan, v2, mixed = theta["tan_beta"], theta["v"] ** 2, theta["m_12_squared"]
        cos_b = 1 / jnp.sqrt(1 + tan**2)
        sin_b = tan * cos_b
        cos_ba = theta["cos_ba"]
        sin_ba = jnp.sqrt(1 - cos_ba**2)
        cos_a, sin_a = cos_b * cos_ba + sin_b * sin_ba, sin_b * cos_ba - cos_b * sin_ba
        h, H, A, charged = (theta[name] ** 2 for name in ("m_h", "m_H", "m_A", "m_Hp"))
        product = sin_b * cos_b
        first = (H * cos_a**2 + h * sin_a**2 - mixed * tan) / (v2 * cos_b**2)
        second = (H * sin_a**2 + h * cos_a**2 - mixed / tan) / (v2 * sin_b**2)
        third = ((H - h) * cos_a * sin_a + 2 * charged * product - mixed) / (v2 * product)
        fourth = ((A - 2 * charged) * product + mixed) / (v2 * product)
        fifth = (mixed - A * product) / (v2 * product)
        sum_345 = third + fourth + fifth
        m_11 = mixed * tan - v2 / 2 * (first * cos_b**2 + sum_345 * sin_b**2)
        m_22 = mixed / tan - v2 / 2 * (second * sin_b**2 + sum_345 * cos_b**2)
        return cls(first, second, third, fourth, fifth, m_11, m_22)


def _symmetric(first: Real, mixed: Real, second: Real) -> Matrix:
    return jnp.stack([jnp.stack([first, mixed]), jnp.stack([mixed, second])])


def _tree(phi: Fields, theta: Couplings) -> Scalar:
    """With what keeps the vacuum where it is."""
    shift = _tadpoles(theta)
    return tree_level(phi, theta) + (shift * phi**2).sum() / 2


def tree_level(phi: Fields, theta: Couplings) -> Scalar:
    """V without loops and without what they ask for."""
    a, b = phi[0] ** 2, phi[1] ** 2
    q = Quartics.of(theta)
    masses = (q.m_11 * a + q.m_22 * b) / 2 - theta["m_12_squared"] * phi[0] * phi[1]
    return masses + (q.first * a**2 + q.second * b**2) / 8 + q.together * a * b / 4


def _even(phi: Fields, theta: Couplings) -> Matrix:
    """Of h and H."""
    a, b = phi[0] ** 2, phi[1] ** 2
    q = Quartics.of(theta)
    return _symmetric(
        q.m_11 + (3 * q.first * a + q.together * b) / 2,
        -theta["m_12_squared"] + q.together * phi[0] * phi[1],
        q.m_22 + (3 * q.second * b + q.together * a) / 2,
    )


def _odd(phi: Fields, theta: Couplings) -> Matrix:
    """Of A and the neutral Goldstone."""
    a, b = phi[0] ** 2, phi[1] ** 2
    q = Quartics.of(theta)
    across = q.third + q.fourth - q.fifth
    return _symmetric(
        q.m_11 + (q.first * a + across * b) / 2,
        -theta["m_12_squared"] + q.fifth * phi[0] * phi[1],
        q.m_22 + (q.second * b + across * a) / 2,
    )


def _charged(phi: Fields, theta: Couplings) -> Matrix:
    """Of H± and the charged Goldstone."""
    a, b = phi[0] ** 2, phi[1] ** 2
    q = Quartics.of(theta)
    return _symmetric(
        q.m_11 + (q.first * a + q.third * b) / 2,
        -theta["m_12_squared"] + (q.fourth + q.fifth) / 2 * phi[0] * phi[1],
        q.m_22 + (q.second * b + q.third * a) / 2,
    )


def _gauge_couplings(theta: Couplings) -> tuple[Scalar, Scalar]:
    """g² and g'²."""
    v2 = theta["v"] ** 2
    weak = 4 * theta["M_W"] ** 2 / v2
    return weak, 4 * theta["M_Z"] ** 2 / v2 - weak


def _over_v(phi: Fields, theta: Couplings) -> Scalar:
    return (phi[0] ** 2 + phi[1] ** 2) / theta["v"] ** 2


def _w(phi: Fields, theta: Couplings) -> Scalar:
    return theta["M_W"] ** 2 * _over_v(phi, theta)


def _z(phi: Fields, theta: Couplings) -> Scalar:
    return theta["M_Z"] ** 2 * _over_v(phi, theta)


def _neutral(phi: Fields, theta: Couplings) -> Matrix:
    """Of W³ and B."""
    weak, hyper = _gauge_couplings(theta)
    quarter = (phi[0] ** 2 + phi[1] ** 2) / 4
    return quarter * _symmetric(weak, -jnp.sqrt(weak * hyper), hyper)


def _top(phi: Fields, theta: Couplings) -> Scalar:
    sin_squared = theta["tan_beta"] ** 2 / (1 + theta["tan_beta"] ** 2)
    return theta["M_t"] ** 2 * phi[1] ** 2 / (theta["v"] ** 2 * sin_squared)


def _scalar_debye(theta: Couplings) -> Matrix:
    """λ_i/4 + λ_3/6 + λ_4/12 + (3g² + g'²)/16, and y_t²/4 of Φ_2, times T²."""
    q, (weak, hyper) = Quartics.of(theta), _gauge_couplings(theta)
    common = (2 * q.third + q.fourth) / 12 + (3 * weak + hyper) / 16
    sin_squared = theta["tan_beta"] ** 2 / (1 + theta["tan_beta"] ** 2)
    yukawa = theta["M_t"] ** 2 / (2 * theta["v"] ** 2 * sin_squared)
    first, second = common + q.first / 4, common + q.second / 4 + yukawa
    return theta["T"] ** 2 * _symmetric(first, jnp.zeros_like(first), second)


def _w_debye(theta: Couplings) -> Scalar:
    """2g²T²: 11/6 with one doublet, and 1/6 of the other."""
    return 2 * _gauge_couplings(theta)[0] * theta["T"] ** 2


def _neutral_debye(theta: Couplings) -> Matrix:
    weak, hyper = _gauge_couplings(theta)
    return 2 * theta["T"] ** 2 * _symmetric(weak, jnp.zeros_like(weak), hyper)


def _tadpoles(theta: Couplings) -> Float[Array, " 2"]:
    """−(1/φ_i) ∂V_CW/∂φ_i in the vacuum: what is added to m_11² and m_22².

    ∂V_CW = Σ ±n/(32π²) m² [ln(m²/Q²) − c + ½] ∂m², in which Goldstones have no part: with the
    eigenvectors u of the others ∂m² is uᵀ ∂M u, and no logarithm of theirs is there to be infinite.
    """
    beta = jnp.arctan(theta["tan_beta"])
    alpha = beta - jnp.arccos(theta["cos_ba"])
    vacuum = theta["v"] * jnp.stack([jnp.cos(beta), jnp.sin(beta)])

    def along(angle: Scalar) -> Float[Array, " 2"]:
        return jnp.stack([-jnp.sin(angle), jnp.cos(angle)])

    loops = jnp.zeros(2)
    for matrix, mass, angle, n in (
        (_even, "m_h", alpha, 1),
        (_even, "m_H", alpha - jnp.pi / 2, 1),
        (_odd, "m_A", beta, 1),
        (_charged, "m_Hp", beta, 2),
    ):
        slopes = jax.jacfwd(matrix)(vacuum, theta)
        u = along(angle)
        slope = jnp.einsum("i,ijk,j->k", u, slopes, u)
        loops = loops + n * _of_loop(theta[mass] ** 2, theta["Q"], 1.5) * slope
    for square, n, constant in ((_w, 6, 5 / 6), (_z, 3, 5 / 6), (_top, -12, 1.5)):
        found, slope = jax.value_and_grad(square)(vacuum, theta)
        loops = loops + n * _of_loop(found, theta["Q"], constant) * slope
    return -loops / vacuum


def _of_loop(squared: Scalar, Q: Scalar, constant: float) -> Scalar:
    return squared * (jnp.log(squared / Q**2) - constant + 0.5) / (32 * jnp.pi**2)


POTENTIAL = OneLoopPotential(
    _tree,
    (
        Particle("h, H", _even, 1, debye_mass=_scalar_debye),
        Particle("A, Goldstone", _odd, 1, debye_mass=_scalar_debye),
        Particle("H+, Goldstones", _charged, 2, debye_mass=_scalar_debye),
        Particle("W, longitudinal", _w, 2, "boson", 5 / 6, _w_debye),
        Particle("W, transverse", _w, 4, constant=5 / 6),
        Particle("Z and photon, longitudinal", _neutral, 1, "boson", 5 / 6, _neutral_debye),
        Particle("Z, transverse", _z, 2, constant=5 / 6),
        Particle("t", _top, 12, "fermion"),
    ),
    daisies="Arnold-Espinosa",
)
"""In the MS-bar scheme but for m_11² and m_22²."""

PARAMETERS = {
    "m_h": 125.0,
    "m_H": 200.0,
    "m_A": 440.0,
    "m_Hp": 440.0,
    "tan_beta": 2.0,
    "cos_ba": 0.0,
    "m_12_squared": 200.0**2 * 2.0 / (1 + 2.0**2),
    "v": 246.0,
    "M_W": 80.379,
    "M_Z": 91.1876,
    "M_t": 173.0,
    "Q": 525.0,
    # gluons, transverse photon and light fermions; four modes of Landau gauge too many
    "g_rest": 14 + 7 / 8 * 78,
    "T": 105.0,
}
"""Aligned, with A and H± far above H, where transitions are strong: G. C. Dorsch, S. J. Huber,
K. Mimasu and J. M. No, Phys. Rev. Lett. 113 (2014) 211802, arXiv:1405.5537. Q is where the loops
of A, H± and t leave m_h what it is."""

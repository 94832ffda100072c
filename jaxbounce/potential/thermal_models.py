"""Models with names, whose phases change: potentials, published couplings, where the vacua are."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.types import Real, Scalar
from jaxbounce.potential.landscape import Potential
from jaxbounce.potential.thermal import Couplings, OneLoopPotential, Particle
from jaxbounce.potential.two_higgs_doublet import PARAMETERS, POTENTIAL

Fields = Float[Array, " n"]


class ThermalModel(NamedTuple):
    """A potential and one point of its couplings."""

    fields: tuple[str, ...]
    potential: Potential
    """V(φ, θ) with θ a mapping of the names below."""
    parameters: Mapping[str, float]
    """Couplings, the temperature T, the scale Q and what is left of the plasma, g_rest."""
    false_vacuum: tuple[float, ...]
    """Near the high-temperature phase at T."""
    true_vacuum: tuple[float, ...]
    """Near the low-temperature phase at T."""


def _singlet_tree(phi: Fields, theta: Couplings) -> Scalar:
    """V = ½μ_h²h² + ¼λ_h h⁴ + ½μ_s²s² + ¼λ_s s⁴ + ¼λ_hs h²s²; masses and v are of its vacuum."""
    h, s = phi
    mu_h, lam_h, mu_s = _singlet_couplings(theta)
    squares = mu_h * h**2 + mu_s * s**2 + theta["lam_hs"] * h**2 * s**2 / 2
    return squares / 2 + (lam_h * h**4 + theta["lam_s"] * s**4) / 4


def _singlet_couplings(theta: Couplings) -> tuple[Scalar, Scalar, Scalar]:
    """μ_h², λ_h, μ_s²."""
    m_h, v = theta["m_h"], theta["v"]
    return -(m_h**2) / 2, m_h**2 / (2 * v**2), theta["m_s"] ** 2 - theta["lam_hs"] * v**2 / 2


def _singlet_scalars(phi: Fields, theta: Couplings) -> Float[Array, "2 2"]:
    h, s = phi
    mu_h, lam_h, mu_s = _singlet_couplings(theta)
    lam_hs = theta["lam_hs"]
    mixed = lam_hs * h * s
    first = mu_h + 3 * lam_h * h**2 + lam_hs * s**2 / 2
    second = mu_s + 3 * theta["lam_s"] * s**2 + lam_hs * h**2 / 2
    return jnp.stack([jnp.stack([first, mixed]), jnp.stack([mixed, second])])


def _singlet_goldstones(phi: Fields, theta: Couplings) -> Scalar:
    h, s = phi
    mu_h, lam_h, _ = _singlet_couplings(theta)
    return mu_h + lam_h * h**2 + theta["lam_hs"] * s**2 / 2


def _as_higgs(mass: str) -> Any:
    """m² of what gets all of its mass from the first field."""

    def mass_squared(phi: Fields, theta: Couplings) -> Scalar:
        return (theta[mass] / theta["v"] * phi[0]) ** 2

    return mass_squared


Z2_SINGLET = ThermalModel(
    fields=("h", "s"),
    potential=OneLoopPotential(
        _singlet_tree,
        (
            Particle("h, s", _singlet_scalars, 1),
            Particle("Goldstones", _singlet_goldstones, 3),
            Particle("W", _as_higgs("M_W"), 6, constant=5 / 6),
            Particle("Z", _as_higgs("M_Z"), 3, constant=5 / 6),
            Particle("t", _as_higgs("M_t"), 12, "fermion"),
        ),
    ),
    parameters={
        "m_h": 125.0,
        "m_s": 120.0,
        "lam_hs": 0.9,
        "lam_s": 1.0,
        "v": 246.0,
        "M_W": 80.379,
        "M_Z": 91.1876,
        "M_t": 173.0,
        "Q": 125.0,
        "g_rest": 15 + 7 / 8 * 78,
        "T": 100.0,
    },
    false_vacuum=(0.0, 104.9),
    true_vacuum=(195.0, 0.0),
)
"""The standard model and a real singlet, s → −s, without daisies: benchmark BM1 of WallGo (A.
Ekstedt et al., arXiv:2411.04970)."""


def _dark_tree(phi: Fields, theta: Couplings) -> Scalar:
    """V = −½λv²φ² + ¼λφ⁴."""
    return theta["lam"] * (phi[0] ** 4 / 4 - theta["v"] ** 2 * phi[0] ** 2 / 2)


def _dark_higgs(phi: Fields, theta: Couplings) -> Scalar:
    return theta["lam"] * (3 * phi[0] ** 2 - theta["v"] ** 2)


def _dark_goldstone(phi: Fields, theta: Couplings) -> Scalar:
    return theta["lam"] * (phi[0] ** 2 - theta["v"] ** 2)


def _dark_photon(phi: Fields, theta: Couplings) -> Scalar:
    return (theta["g"] * phi[0]) ** 2


def _dark_scalar_debye(theta: Couplings) -> Real:
    return (theta["lam"] / 3 + theta["g"] ** 2 / 4) * theta["T"] ** 2


def _dark_photon_debye(theta: Couplings) -> Real:
    return theta["g"] ** 2 * theta["T"] ** 2 / 3


DARK_U1 = ThermalModel(
    fields=("phi",),
    potential=OneLoopPotential(
        _dark_tree,
        (
            Particle("phi", _dark_higgs, 1, debye_mass=_dark_scalar_debye),
            Particle("Goldstone", _dark_goldstone, 1, debye_mass=_dark_scalar_debye),
            Particle("A, longitudinal", _dark_photon, 1, "boson", 5 / 6, _dark_photon_debye),
            Particle("A, transverse", _dark_photon, 2, constant=5 / 6),
        ),
        daisies="Arnold-Espinosa",
    ),
    parameters={"lam": 0.01, "g": 0.6, "v": 100.0, "Q": 100.0, "g_rest": 0.0, "T": 30.0},
    false_vacuum=(0.0,),
    true_vacuum=(100.0,),
)
"""A complex scalar of charge 1 under a U(1), Landau gauge; beside it g_rest."""


class _ConformalLoops(NamedTuple):
    """k of m² = kφ² of what is in the loops.

    With V(T = 0) = ¼λφ⁴ + Σ ±n k²φ⁴/(64π²) [ln(φ²/v²) − 25/6] the fourth derivative at v is 6λ,
    and v is a minimum for λ = (11/48π²) Σ ±n k²; scalars, of k = 3λ and λ, are in that sum.
    """

    goldstone: Scalar
    """λ."""
    photon: Scalar
    fermion: Scalar

    @classmethod
    def of(cls, theta: Couplings) -> "_ConformalLoops":
        """Of g and y."""
        photon, fermion = theta["g"] ** 2, theta["y"] ** 2 / 2
        of_gauge, loop = 3 * photon**2 - 4 * fermion**2, 11 / (48 * np.pi**2)
        root = jnp.sqrt(1 - 40 * loop**2 * of_gauge)
        return cls(2 * loop * of_gauge / (1 + root), photon, fermion)


def _conformal_tree(phi: Fields, theta: Couplings) -> Scalar:
    """V at T = 0 less its loops in the MS-bar scheme at Q, a quartic term."""
    k = _ConformalLoops.of(theta)
    scale = theta["Q"] ** 2 / theta["v"] ** 2
    quartic = k.goldstone / 4
    for n, each, constant in (
        (1, 3 * k.goldstone, 3 / 2),
        (1, k.goldstone, 3 / 2),
        (3, k.photon, 5 / 6),
        (-4, k.fermion, 3 / 2),
    ):
        positive = jnp.where(each > 0, each, 1.0)  # k² ln k is 0 at 0
        loop = each**2 * (jnp.log(scale / positive) + constant - 25 / 6)
        quartic = quartic + n * loop / (64 * np.pi**2)
    return quartic * phi[0] ** 4


def _conformal_higgs(phi: Fields, theta: Couplings) -> Scalar:
    return 3 * _conformal_goldstone(phi, theta)


def _conformal_goldstone(phi: Fields, theta: Couplings) -> Scalar:
    return _ConformalLoops.of(theta).goldstone * phi[0] ** 2


def _conformal_fermion(phi: Fields, theta: Couplings) -> Scalar:
    return theta["y"] ** 2 * phi[0] ** 2 / 2


def _conformal_scalar_debye(theta: Couplings) -> Real:
    scalars = _ConformalLoops.of(theta).goldstone / 3
    return (scalars + theta["g"] ** 2 / 4 + theta["y"] ** 2 / 12) * theta["T"] ** 2


def _conformal_photon_debye(theta: Couplings) -> Real:
    """A third by the scalar, and a sixth of the squared charge, ¼, of each Weyl fermion."""
    return (1 / 3 + 2 / 24) * theta["g"] ** 2 * theta["T"] ** 2


CONFORMAL_U1 = ThermalModel(
    fields=("phi",),
    potential=OneLoopPotential(
        _conformal_tree,
        (
            Particle("phi", _conformal_higgs, 1, debye_mass=_conformal_scalar_debye),
            Particle("Goldstone", _conformal_goldstone, 1, debye_mass=_conformal_scalar_debye),
            Particle("A, longitudinal", _dark_photon, 1, "boson", 5 / 6, _conformal_photon_debye),
            Particle("A, transverse", _dark_photon, 2, constant=5 / 6),
            Particle("psi", _conformal_fermion, 4, "fermion"),
        ),
        daisies="Arnold-Espinosa",
    ),
    # Landau gauge has one bosonic mode too many in the phase where the photon has no mass
    parameters={"g": 0.7, "y": 0.01, "v": 0.1, "Q": 0.1, "g_rest": 9.75, "T": 0.002},
    false_vacuum=(0.0,),
    true_vacuum=(0.1,),
)
"""A conformal U(1): no mass at tree level, v by the loops (S. R. Coleman and E. J. Weinberg, Phys.
Rev. D 7 (1973) 1888); two Weyl fermions of charge ±½ get their mass from it by a Yukawa coupling y.
Supercooled by nature. Its couplings are those of the example of TransitionListener 2.1 (C. Tasillo,
J. Matuszak), of which it is the potential."""


TWO_HIGGS_DOUBLET = ThermalModel(
    fields=("h1", "h2"),
    potential=POTENTIAL,
    parameters=PARAMETERS,
    false_vacuum=(0.0, 0.0),
    true_vacuum=(99.0, 198.0),
)
"""Two Higgs doublets of type I that conserve CP."""


def _sextic(phi: Fields, theta: Couplings) -> Scalar:
    """V = ½(μ² + cT²)h² + ¼λh⁴ + h⁶/(8f²), its vacuum v and m_h at T = 0."""
    m_h, v, f = theta["m_h"], theta["v"], theta["f"]
    lam = m_h**2 / (2 * v**2) - 3 * v**2 / (2 * f**2)
    mu_squared = -lam * v**2 - 3 * v**4 / (4 * f**2)
    heavy = 2 * theta["M_W"] ** 2 + theta["M_Z"] ** 2 + 2 * theta["M_t"] ** 2 + m_h**2
    c = heavy / (4 * v**2) - 3 * v**2 / (4 * f**2)
    h = phi[0]
    return (mu_squared + c * theta["T"] ** 2) * h**2 / 2 + lam * h**4 / 4 + h**6 / (8 * f**2)


SEXTIC = ThermalModel(
    fields=("h",),
    potential=_sextic,
    parameters={
        "m_h": 125.1,
        "v": 246.22,
        "f": 590.0,
        "M_W": 80.379,
        "M_Z": 91.1876,
        "M_t": 172.8,
        "T": 50.0,
    },
    false_vacuum=(0.0,),
    true_vacuum=(240.0,),
)
"""|H|⁶/f² at high temperature: C. Grojean, G. Servant and J. D. Wells, Phys. Rev. D 71 (2005)
036001, hep-ph/0407019."""


def _cubic(phi: Fields, theta: Couplings) -> Scalar:
    """V = D(T² − T_0²)φ² − ETφ³ + ¼λφ⁴."""
    x, T = phi[0], theta["T"]
    mass = theta["D"] * (T**2 - theta["T_0"] ** 2)
    return mass * x**2 - theta["E"] * T * x**3 + theta["lam"] * x**4 / 4


CUBIC = ThermalModel(
    fields=("phi",),
    potential=_cubic,
    parameters={"D": 0.2, "E": 0.05, "lam": 0.1, "T_0": 100.0, "T": 104.0},
    false_vacuum=(0.0,),
    true_vacuum=(120.0,),
)
"""High temperature, where T_c² = T_0²/(1 − E²/λD): M. Dine et al., Phys. Rev. D 46 (1992) 550,
hep-ph/9203203."""


THERMAL_MODELS: Mapping[str, ThermalModel] = {
    "z2-singlet": Z2_SINGLET,
    "dark-u1": DARK_U1,
    "conformal-u1": CONFORMAL_U1,
    "two-higgs-doublet": TWO_HIGGS_DOUBLET,
    "dim-6": SEXTIC,
    "high-T-cubic": CUBIC,
}
"""By name."""

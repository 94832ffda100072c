"""Potentials with names: the published portal, and those whose bounces are known."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import RealLike, Scalar

PUBLISHED: dict[str, Any] = {
    "fields": ["Phi", "phi"],
    "parameters": {
        "lam_Phi": 0.1,
        "v": 99 / 42,
        "b": -4.049587e-9,
        "lam": 1e-8,
        "mu2": 1e-8,
        "g": 2.313019,
    },
    "potential": (
        "lam_Phi/4*(Phi**2 - v**2)**2 + b*Phi**2 + lam/4*(phi**2 - 1)**2 - mu2*phi**2"
        " + g*Phi**2*phi**2"
    ),
    "false_vacuum": [0.0, -math.sqrt(3.0)],
    "true_vacuum": [99 / 42, 0.0],
    "dimension": 4,
}
"""The published two-field potential, in infinite volume."""


class Portal(NamedTuple):
    """Parameters of `portal`; the published ones by default."""

    lam_Phi: RealLike = 0.1
    v: RealLike = 99 / 42
    b: RealLike = -4.049587e-9
    lam: RealLike = 1e-8
    mu_squared: RealLike = 1e-8
    g: RealLike = 2.313019


def portal(phi: Float[Array, " 2"], theta: Portal) -> Scalar:
    """Two fields (Φ, φ) repelling each other: the published wall.

    V = λ_Φ/4 (Φ² − v²)² + b Φ² + λ/4 (φ² − 1)² − μ² φ² + g Φ² φ². False vacuum
    (0, −√(1 + 2μ²/λ)), true vacuum near (v, 0); the former is a minimum only if
    2 g φ_FV² > λ_Φ v² − 2b.
    """
    Phi, brane = phi
    hidden = theta.lam_Phi / 4 * (Phi**2 - theta.v**2) ** 2 + theta.b * Phi**2
    visible = theta.lam / 4 * (brane**2 - 1) ** 2 - theta.mu_squared * brane**2
    return hidden + visible + theta.g * Phi**2 * brane**2


class Z2Portal(NamedTuple):
    """Parameters of `z2_portal`."""

    w: RealLike
    lam_s: RealLike
    lam_m: RealLike


def z2_portal(phi: Float[Array, " 2"], theta: Z2Portal) -> Scalar:
    """V = ¼(h² − 1)² + λ_s/4 (s² − w²)² + λ_m/4 h² s² of the fields (h, s)."""
    h, s = phi
    wells = (h**2 - 1) ** 2 + theta.lam_s * (s**2 - theta.w**2) ** 2
    return (wells + theta.lam_m * h**2 * s**2) / 4


def polynomial(phi: Float[Array, " n"], theta: Float[Array, "..."]) -> Scalar:
    """V = Σ c_{ij…} φ₁^i φ₂^j …: θ is an array of one axis per field, power along each axis."""
    if theta.ndim != phi.size:
        raise ValueError(
            f"a polynomial of {phi.size} fields needs coefficients with {phi.size} axes, not"
            f" shape {theta.shape}"
        )
    for field in phi:
        total = jnp.zeros_like(theta[0])
        for coefficient in theta[::-1]:
            total = total * field + coefficient
        theta = total
    return theta


def cubic_quartic(phi: Float[Array, " 1"], theta: RealLike) -> Scalar:
    """V = (φ⁴ − 2φ³ + δ φ²/2)/4, 0 < δ < 2: every renormalisable barrier of one field, scaled.

    Source: F. C. Adams, Phys. Rev. D 48 (1993) 2800, hep-ph/9302321.
    """
    x = phi[0]
    return (x**4 - 2 * x**3 + theta / 2 * x**2) / 4


def quartic_well(phi: Float[Array, " n"], theta: Float[Array, " coefficients"]) -> Scalar:
    """V = (Σ c_i (φ_i − 1)² − c_n) Σ φ_i², any number of fields, θ = (c_0, …, c_n).

    Source: P. Athron et al., BubbleProfiler, arXiv:1901.03714.
    """
    return ((theta[:-1] * (phi - 1) ** 2).sum() - theta[-1]) * (phi**2).sum()

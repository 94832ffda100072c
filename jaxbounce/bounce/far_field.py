"""What lies beyond the grid: the decaying solution of the linearised equations.

Close to the false vacuum δ = φ − φ_FV obeys δ'' + (D−1)δ'/r = M² δ with the mass matrix M²
there, and decays like r^{−ν} K_ν(M r), ν = D/2 − 1. So at the last radius X

    δ' = −κ δ,   κ = g(X² M²)/X,   g(z²) = z K_{ν+1}(z)/K_ν(z),

and the action of everything outside is ½ Ω X^{D−1} δᵀ κ δ. By Ismail's formula

    g(A) = D − 2 + (4/π²) ∫ A (A + t²)⁻¹ dt / (t [J_ν²(t) + Y_ν²(t)]),   t = 0…∞,

a sum of matrix inverses under a quadrature rule: no eigenvectors, so that equal masses are
nothing special, to any order of differentiation.

Source: M. E. H. Ismail, Annals of Probability 5 (1977) 582.
"""

import functools

import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar, xp
from jaxbounce._core.numerics import eliminate
from jaxbounce._core.quadrature import gauss_legendre

_SMALLEST = 1e-11  # t below which the integral is cut: an error of 1e-11 in g

_SPLIT = 60.0  # above it the rule runs in 1/t

_PANELS, _NODES, _OUTER_NODES = 15, 10, 12


def hankel_modulus(t: np.ndarray) -> np.ndarray:
    """J₁² + Y₁² at t > 0, from K₁(−it) = ½ ∫ e^{it cosh s − s} ds on a decaying contour."""
    reach = np.arcsinh(60 / t) + np.sqrt(60 / t) / (1 + np.sqrt(1 / t))
    share, step = np.linspace(-1, 1, 1201, retstep=True)
    y = reach[..., None] * share
    s = y + 0.5j * np.pi * np.tanh(y)
    along = 1 + 0.5j * np.pi / np.cosh(y) ** 2
    integrand = np.exp(1j * t[..., None] * np.cosh(s) - s) * along
    K = integrand.sum(-1) * step * reach / 2
    return np.abs(K) ** 2 * 4 / np.pi**2


@functools.cache
def _rule(dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares of the nodes t and weights of the integral for g."""
    y, weight = gauss_legendre(_NODES)
    edges = np.linspace(np.log(_SMALLEST), np.log(_SPLIT), _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    inner = np.exp(edges[:-1, None] + half * (1 + y)).ravel()
    inner_weight = (half * weight).ravel() * inner
    y, weight = gauss_legendre(_OUTER_NODES)
    outer = 2 * _SPLIT / (1 + y)  # 1/t from 0 to 1/split
    outer_weight = weight / 2 / _SPLIT * outer**2
    t = np.concatenate([inner, outer])
    # t (J² + Y²) is 2/π for ν = 1/2, and a Bessel modulus for ν = 1
    density = np.full_like(t, 2 / np.pi) if dimension == 3 else t * hankel_modulus(t)
    return t**2, 4 / np.pi**2 * np.concatenate([inner_weight, outer_weight]) / density


def decay_matrix(
    mass_squared: Float[Array, "n n"], radius: Scalar, dimension: int
) -> Float[Array, "n n"]:
    """κ of δ' = −κ δ at a radius, for a mass matrix without negative eigenvalues.

    Good to 1e-10 for masses up to 50/radius, beyond which δ has died out. Zero masses give
    (D − 2)/radius.
    """
    square, weight = _rule(dimension)
    n = mass_squared.shape[-1]
    A = radius**2 * mass_squared
    resolvents, _ = eliminate(
        A + square[:, None, None] * xp.eye(n), xp.broadcast_to(A, (square.size, n, n))
    )
    g = (dimension - 2) * xp.eye(n) + xp.einsum("k,kab->ab", weight, resolvents)
    return (g + g.T) / 2 / radius


def beyond(
    displacement: Float[Array, " n"],
    decay: Float[Array, "n n"],
    radius: Scalar,
    r: Real,
    dimension: int,
) -> Float[Array, "... n"]:
    """δ at r ≥ radius: (radius/r)^{D−2} e^{−μ(r − radius)} field by field.

    Exact for massless fields and for diagonal masses in D = 3; else its leading fall-off,
    with the right slope at `radius`.
    """
    mu = xp.maximum(xp.diag(decay) - (dimension - 2) / radius, 0.0)
    distance = (r - radius)[..., None]
    power = (radius / r)[..., None] ** (dimension - 2)
    return displacement * power * xp.exp(-mu * distance)

"""How much χ the walls convert once conversion depletes χ itself, in closed form.

Every χ meets the walls a = ∫ (J/n)(A/V) dt times on average (hits from the front). What
fraction C is converted depends on what is assumed between hits; the assumptions have names:

* `"linear"`: no depletion, C = P a; right for P a ≪ 1 only, and the published choice.
* `"mean-field"`: the survivors are mixed evenly at all times, C = 1 − e^{−Pa}.
* `"swept-once"`: cold χ, each particle is met exactly once, C = P; this is what the
  published ratio (1 − P)/P assumes.
* `"two-zone"`: ballistic χ, densities ahead of and behind the walls tracked, with hits from
  behind converting with P_b.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, gammaln

from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.parameters import Closure

_NODES = 24

_STIRLING = 12.0

# B₂ₖ/2k of ψ(z) = ln z − 1/2z − Σ B₂ₖ/2k z^{−2k}, highest power first
_BERNOULLI = np.array([-691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12])


def _digamma_apart(z: Real, apart: Real) -> Real:
    """ψ(z + `apart`) − ψ(z): for large z by Stirling's series, where two ψ would cancel."""
    large = z > _STIRLING
    far = jnp.where(large, z, _STIRLING)

    def series(inverse: Real) -> Real:
        return inverse / 2 + inverse**2 * jnp.polyval(jnp.asarray(_BERNOULLI), inverse**2)

    stirling = jnp.log1p(apart / far) + series(1 / far) - series(1 / (far + apart))
    near = jnp.where(large, _STIRLING, z)
    return jnp.where(large, stirling, digamma(near + apart) - digamma(near))


def _log_gamma_shift(a: Real, shift: Real) -> Real:
    """ln[Γ(1+a+ε)Γ(a−ε)/(Γ(1+a)Γ(a))], to full relative accuracy for small ε = `shift`.

    For small ε the four logarithms cancel; there the integral of the digamma function is
    evaluated instead.
    """
    t, weight = gauss_legendre(_NODES)
    nearby = a / 2
    small = jnp.where(shift < nearby, shift, nearby)
    step = small[..., None] * (1 + t) / 2
    # the nodes stay away from the pole of ψ(a − t) at t = a: ε ≤ a/2
    slope = _digamma_apart(a[..., None] - step, 1 + 2 * step)
    near = small / 2 * (slope @ np.asarray(weight, dtype=slope.dtype))
    large = jnp.where(shift < nearby, nearby, shift)
    far = gammaln(1 + a + large) + gammaln(a - large) - gammaln(1 + a) - gammaln(a)
    return jnp.where(shift < nearby, near, far)


def _two_zone_shift(P: RealLike, P_back: RealLike, hits: RealLike) -> tuple[Real, Real]:
    """P, and g with S = (1 − P) e^{−g}, the two-zone survival; g ≥ 0."""
    P, P_back, a = jnp.broadcast_arrays(as_real(P), as_real(P_back), as_real(hits))
    a = jnp.where(a < 1, 1.0, a)  # not `maximum`, which halves the derivative at a = 1
    lost = P + P_back - P * P_back  # 1 − q q_b without cancellation
    product = 4 * a * (a - 1) * lost
    shift = product / (2 * (1 + jnp.sqrt(1 + product)))  # A − 1
    return P, _log_gamma_shift(a, shift)


def two_zone_log_survival(P: RealLike, P_back: RealLike, hits: RealLike) -> Real:
    """ln S of the two-zone closure, S = Y_χ/Y_χ0.

    S = (1−P) Γ(a)Γ(1+a)/[Γ(a+A)Γ(1+a−A)], A = ½[1 + √(1 + 4ab(1 − qq_b))], q = 1 − P,
    q_b = 1 − P_b, b = a − 1 the hits from behind. Limits: a = 1 gives S = 1 − P;
    P = P_b = 0 gives S = 1.

    Args:
        P: conversion probability from the front, 0 ≤ P ≤ 1 (P = 1 gives −∞).
        P_back: conversion probability from behind, 0 ≤ P_b ≤ 1.
        hits: a ≥ 1, mean number of hits from the front, J/(n v_w).
    """
    P, deeper = _two_zone_shift(P, P_back, hits)
    return jnp.log1p(-P) - deeper


class Shares(NamedTuple):
    """What becomes of χ; each share is as accurate as the other, however small it is.

    Attributes:
        converted: C = Y_B/Y_χ0, the fraction of χ that the walls turn into B.
        survived: S = Y_χ/Y_χ0, what is left; C + S = 1.
    """

    converted: Real
    survived: Real


def closure_shares(
    P: RealLike, hits: RealLike, closure: Closure, P_back: RealLike | None = None
) -> Shares:
    """The fractions of χ converted and left.

    The survivors are computed as survivors: after many hits 1 − C is rounding and nothing else.

    Args:
        P: conversion probability a hit.
        hits: a, mean number of hits from the front.
        closure: "linear" (S may be negative), "mean-field", "swept-once" or "two-zone".
        P_back: probability for hits from behind ("two-zone" only); P if None.
    """
    P, hits = as_real(P), as_real(hits)
    if closure == "linear":
        return Shares(P * hits, 1 - P * hits)
    if closure == "mean-field":
        return Shares(-jnp.expm1(-P * hits), jnp.exp(-P * hits))
    if closure == "swept-once":
        everyone = jnp.ones_like(hits)
        return Shares(P * everyone, (1 - P) * everyone)
    P, deeper = _two_zone_shift(P, P if P_back is None else P_back, hits)
    factor = jnp.exp(-deeper)
    # 1 − (1 − P) e^{−g} as a sum of what is not negative: no cancellation, and no log 0 at P = 1
    return Shares(P * factor - jnp.expm1(-deeper), (1 - P) * factor)


def converted_fraction(
    P: RealLike, hits: RealLike, closure: Closure, P_back: RealLike | None = None
) -> Real:
    """C = Y_B/Y_χ0, the fraction of χ that the walls turn into B: that of `closure_shares`."""
    return closure_shares(P, hits, closure, P_back).converted

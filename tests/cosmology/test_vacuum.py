"""Vacuum energy in the expansion rate, and the entropy that it releases."""

from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import brentq

import saikawa_shirai
from jaxbounce.cosmology.clock import make_clock
from jaxbounce.cosmology.degrees_of_freedom import StandardModel
from jaxbounce.cosmology.vacuum import efolds_with_vacuum, reheating, with_vacuum

B, I_P = 10.0, 0.34


def _time(n, alpha):
    """y at ln(T_p/T), by the closed form in mpmath: de Sitter and radiation, then radiation."""
    with mp.workdps(30):
        alpha, n = mp.mpf(alpha), mp.mpf(n)
        root, whole = mp.sqrt(alpha), mp.sqrt(1 + alpha)
        last = mp.log(mp.log(100) / I_P)
        square = mp.sinh(mp.asinh(root) + 2 * root * last / (B * whole)) / root
        if mp.exp(2 * n) <= square:
            before = mp.asinh(root * mp.exp(2 * n)) - mp.asinh(root)
            return float(B * whole / (2 * root) * before)
        pace = B * whole / mp.sqrt(1 + alpha * square**2)
        return float(last + pace / 2 * (mp.exp(2 * n) - square))


@pytest.mark.slow
def test_time_is_the_closed_form():
    ratio = np.exp(-np.array([-1.6, -0.3, -1e-6, 1e-9, 0.02, 0.1, 0.5, 5.0]))

    @jax.jit
    def time(alpha, ratio):
        known = {"T_p": 100.0, "beta_over_H": B, "I_p": I_P}
        degrees = with_vacuum(None, 106.75, 100.0, alpha_V=alpha, **known)
        return make_clock(degrees, 100.0, B).time(ratio)

    slope = jax.jit(jax.grad(lambda alpha, n: time(alpha, jnp.exp(-n)[None])[0]))
    for alpha in (1e-4, 0.3, 50.0):
        expected = [_time(-mp.log(x), alpha) for x in ratio]
        np.testing.assert_allclose(time(alpha, ratio), expected, rtol=1e-12)
        for x in (-0.3, 0.05, 0.5):
            h = 1e-4 * alpha
            about = (_time(x, alpha + h) - _time(x, alpha - h)) / (2 * h)
            np.testing.assert_allclose(slope(alpha, x), about, rtol=1e-6)


def test_duration_at_all_strengths():
    """The inverse of y(n) where ρ_V is constant, next to α = 0 and across the series too."""
    for alpha in (1e-12, 1e-4, 0.5, 100.0):
        for y in (1e-3, 2.6, 20.0):
            with mp.workdps(40):
                root, whole = mp.sqrt(mp.mpf(alpha)), mp.sqrt(1 + mp.mpf(alpha))
                found = mp.sinh(mp.asinh(root) + 2 * root * y / (B * whole)) / root
                expected = float(mp.log(found) / 2)
            np.testing.assert_allclose(efolds_with_vacuum(y, B, alpha), expected, rtol=1e-12)
    at_zero = jax.grad(lambda alpha: efolds_with_vacuum(2.0, B, alpha))(0.0)
    h = 1e-5
    ahead = [float(efolds_with_vacuum(2.0, B, k * h)) for k in (0, 1, 2)]
    np.testing.assert_allclose(
        at_zero, (-3 * ahead[0] + 4 * ahead[1] - ahead[2]) / (2 * h), rtol=1e-6
    )


def _heated(alpha, T_p):
    """T_reh and D by SciPy, from the published fit."""

    def at(T):
        return [float(g.real) for g in saikawa_shirai.blended(np.asarray(np.log(T) + 0j))]

    energy, entropy = at(T_p)
    target = energy * T_p**4 * (1 + alpha)
    T: Any = brentq(lambda T: at(T)[0] * T**4 - target, 0.5 * T_p, 3 * T_p, xtol=1e-16, rtol=1e-15)
    return T, at(T)[1] * T**3 / (entropy * T_p**3)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 5.0])
def test_energy_is_conserved_by_reheating(alpha):
    plain = reheating(jnp.asarray(alpha), jnp.asarray(0.11), None)
    np.testing.assert_allclose(plain.T_reh, 0.11 * (1 + alpha) ** 0.25, rtol=1e-15)
    np.testing.assert_allclose(plain.dilution, (1 + alpha) ** 0.75, rtol=1e-15)
    # the blend of the fit lies between T_p and T_reh
    found = reheating(jnp.asarray(alpha), jnp.asarray(0.11), StandardModel())
    np.testing.assert_allclose(found, _heated(alpha, 0.11), rtol=1e-12)


@pytest.mark.slow
def test_gradients_of_reheating():
    def dilution(x):
        return reheating(x[0], x[1], StandardModel()).dilution

    for alpha, T_p in ((0.1, 0.11), (0.5, 100.0)):
        at = jnp.array([alpha, T_p])
        reverse, forward = jax.jit(jax.grad(dilution))(at), jax.jit(jax.jacfwd(dilution))(at)
        np.testing.assert_allclose(reverse, forward, rtol=1e-12)
        for i, x in enumerate((alpha, T_p)):
            h = 1e-5 * x
            ends = [
                _heated(*(v + s * h * (i == j) for j, v in enumerate((alpha, T_p))))
                for s in (1, -1)
            ]
            np.testing.assert_allclose(reverse[i], (ends[0][1] - ends[1][1]) / (2 * h), rtol=1e-6)

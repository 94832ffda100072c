"""Transitions where vacuum energy and g_*(T) expand the plasma, against SciPy in cosmic time."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from tiers import long_but

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cosmology.constants import PLANCK_MASS
from jaxbounce.cosmology.degrees_of_freedom import StandardModel
from jaxbounce.percolation.area_history import area_history
from jaxbounce.transition.temperatures import find_transition


def pole(T, lowest):
    """A usual transition."""
    del lowest
    return jnp.where(T < 1.2, 3.9 / (1 - T / 1.2) ** 2, jnp.nan)


def valley(T, lowest):
    """One whose rate falls again."""
    return lowest + 300 * (T / 0.5 - 1) ** 2


class Case(NamedTuple):
    """T in units of `unit`; ρ_V = unit⁴ (rho + slope T²)."""

    exponent: object
    lowest: float
    unit: float
    v_w: float
    g_star: float | None
    rho: float
    slope: float


CASES = {
    "vacuum, fast": Case(pole, 0.0, 100.0, 0.3, 100.0, 20.0, 0.0),
    "vacuum, falling rate": Case(valley, 137.0, 100.0, 1.0, 100.0, 1.0, 0.3),
    "vacuum dominates": Case(valley, 125.0, 100.0, 1.0, 100.0, 20.0, -2.0),
    "QCD crossover": Case(valley, 168.0, 0.3, 0.8, None, 0.0, 0.0),
    "both, electroweak": Case(pole, 0.0, 100.0, 0.5, None, 10.0, 3.0),
}


@jax.jit
def _constant(lowest, unit, v_w, g_star, rho, slope):
    return _find(valley, lowest, unit, v_w, g_star, rho, slope)


def _find(exponent, lowest, unit, v_w, g_star, rho, slope):
    theta = (lowest, unit, rho, slope)
    return find_transition(
        lambda T, theta: exponent(T / theta[1], theta[0]),
        theta,
        0.02 * unit,
        1.25 * unit,
        v_w=v_w,
        g_star=g_star,
        vacuum_energy=lambda T, theta: theta[1] ** 4 * (theta[2] + theta[3] * (T / theta[1]) ** 2),
    )


def solve(case):
    g_star = StandardModel() if case.g_star is None else case.g_star
    given = (case.lowest, case.unit, case.v_w)
    run = jax.jit(lambda *x: _find(case.exponent, *x[:3], g_star, *x[3:]))
    return run(*map(jnp.asarray, (*given, case.rho, case.slope)))


def _root(function, low, high):
    return float(brentq(function, low, high, xtol=1e-12))


class Oracle:
    """a(t) by an ODE in ln T, and the double integral of I by nested quadrature."""

    def __init__(self, case: Case):
        self.case, degrees, self.hot = case, StandardModel(), 1.1999 * case.unit
        at = jax.jit(degrees.values)

        def g(T):
            if case.g_star is not None:
                return case.g_star, case.g_star
            return tuple(map(float, at(jnp.log(T))))

        def hubble(T):
            x = T / case.unit
            vacuum = case.unit**4 * (case.rho + case.slope * x**2)
            total = np.pi**2 / 30 * g(T)[0] * T**4 + vacuum
            radiation = np.pi**2 / 30 * T**4  # with the pipeline's 1.66
            return 1.66 * np.sqrt(total / radiation) * T**2 / PLANCK_MASS

        self.g, self.hubble = g, hubble

        def log_rate(T):
            S = float(case.exponent(T / case.unit, case.lowest))
            return 4 * np.log(T) + 1.5 * np.log(S / (2 * np.pi)) - S

        self.log_rate = log_rate
        scale = hubble(case.unit)

        # n = ln a as variable: d ln T/dn by entropy; r = ∫ dn/(aH), ∫ Γ/H⁴ dn and t = ∫ dn/H
        def right(n, y):
            T = np.exp(y[0])
            h = 1e-5
            gamma = (np.log(g(T * np.exp(h))[1]) - np.log(g(T * np.exp(-h))[1])) / (2 * h)
            H = hubble(T)
            born = np.exp(log_rate(T) - 4 * np.log(H))
            return [-1 / (1 + gamma / 3), scale / (np.exp(n) * H), born, scale / H]

        self.run = solve_ivp(
            right,
            (0.0, 4.2),
            [np.log(self.hot), 0.0, 0.0, 0.0],
            method="DOP853",
            rtol=1e-11,
            atol=1e-13,
            dense_output=True,
        )
        self.scale = scale

    def T(self, n):
        return float(np.exp(self.run.sol(n)[0]))

    def stretch(self, n):
        """aH."""
        return np.exp(n) * self.hubble(self.T(n)) / self.scale

    def births(self, n):
        """Γa³/H, comoving."""
        T = self.T(n)
        return np.exp(self.log_rate(T) - 4 * np.log(self.hubble(T))) * self.stretch(n) ** 3

    def count(self, n_p):
        """∫ Γ a³ e^{−I} dt."""
        ns = np.linspace(0.0, 4.0, 4001)
        born = np.array([self.births(n) for n in ns])
        rises = ns[born > 1e-16 * self.births(n_p)]
        # where Γ is steep I is, too
        low, high = rises[0], rises[-1]
        covered = high
        if self.volume(high) > 50:
            covered = _root(lambda n: self.volume(n) - 50, low, high)
        x, w = np.polynomial.legendre.leggauss(12)
        cuts = covered - (covered - low) * np.linspace(1, 0, 13) ** 2
        half = np.diff(cuts)[:, None] / 2
        n = cuts[:-1, None] + half * (1 + x)
        values = np.vectorize(lambda n: self.births(n) * np.exp(-self.volume(n)))(n)
        return np.sum(half * w * values)

    def volume(self, n):
        r = self.run.sol(n)[1]

        def integrand(m):
            return self.births(m) * (self.case.v_w * (r - self.run.sol(m)[1])) ** 3

        cuts = np.unique(np.clip([n - 0.02, n - 0.1, n - 0.4, n - 1.0, 1e-9], 0.0, n))
        parts = [
            quad(integrand, a, b, epsrel=1e-10, limit=200)[0]
            for a, b in zip(cuts, [*cuts[1:], n], strict=True)
            if b > a
        ]
        return 4 * np.pi / 3 * sum(parts)

    def at_temperature(self, T):
        return _root(lambda n: self.T(n) - float(T), 0.0, 4.15)

    def when(self, level, T):
        """n at which I is at a level, near T."""
        guess = self.at_temperature(T)
        return _root(lambda n: np.log(self.volume(n) / level), guess - 0.005, guess + 0.005)

    def beta_over_H(self, n):
        h = 1e-3

        def ln(m):
            return self.log_rate(self.T(n + m))

        return (8 * (ln(h) - ln(-h)) - ln(2 * h) + ln(-2 * h)) / (12 * h)


@pytest.mark.slow
@pytest.mark.parametrize("name", long_but(CASES, "vacuum dominates"))
def test_against_cosmic_time(name):
    case = CASES[name]
    found = solve(case)
    assert Status(int(found.status)) in (Status.SUCCESS, Status.NEVER_COMPLETES)
    oracle = Oracle(case)
    n_p = oracle.when(0.34, found.T_p)
    np.testing.assert_allclose(found.T_p, oracle.T(n_p), rtol=1e-8)
    beta_over_H = oracle.beta_over_H(n_p)
    np.testing.assert_allclose(found.beta_over_H, beta_over_H, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.H_p, oracle.hubble(oracle.T(n_p)), rtol=1e-8)
    born = _root(lambda n: oracle.run.sol(n)[2] - 1, 0.0, n_p)
    np.testing.assert_allclose(found.T_n_integral, oracle.T(born), rtol=1e-8)
    if np.isfinite(found.T_f):
        np.testing.assert_allclose(
            found.T_f, oracle.T(oracle.when(np.log(100), found.T_f)), rtol=1e-8
        )
    H_R = oracle.stretch(n_p) * oracle.count(n_p) ** (-1 / 3)
    np.testing.assert_allclose(found.R_star_H, H_R, rtol=1e-7)
    np.testing.assert_allclose(found.R_star * found.H_p, H_R, rtol=1e-7)
    beta_star = (8 * np.pi) ** (1 / 3) * case.v_w / H_R
    np.testing.assert_allclose(found.beta_star_over_H, beta_star, rtol=1e-7)

    # and its history, over temperature, over time, and as the yields take it
    history, width = found.history, 1 / np.abs(beta_over_H)
    in_time = history.in_time()
    walls = area_history(in_time, 0.0, 1.0, case.v_w)
    assert Status(int(walls.status)) is Status.SUCCESS
    for n in n_p + np.array([-1.0, 0.0, 0.5]) * min(width, 0.1):
        T, volume, h = oracle.T(n), oracle.volume(n), 1e-3 * min(width, 0.1)
        beta_t = oracle.run.sol(n)[3] - oracle.run.sol(n_p)[3]
        beta_t *= np.abs(beta_over_H) * oracle.hubble(oracle.T(n_p)) / oracle.scale
        y = history.time(jnp.asarray(T))
        np.testing.assert_allclose(y, beta_t, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(history.temperature(y), T, rtol=1e-13)
        np.testing.assert_allclose(history.extended_volume(T), volume, rtol=1e-7)
        np.testing.assert_allclose(in_time.extended_volume(y), volume, rtol=1e-7)
        np.testing.assert_allclose(walls.volume(y), volume, rtol=1e-7)
        # dI/dt = v e^I A/V
        slope = 8 * (oracle.volume(n + h) - oracle.volume(n - h))
        slope = (slope - oracle.volume(n + 2 * h) + oracle.volume(n - 2 * h)) / (12 * h)
        area = slope * oracle.hubble(T) / case.v_w * np.exp(-volume)
        np.testing.assert_allclose(history.area_density(T), area, rtol=1e-6)
        np.testing.assert_allclose(in_time.area_density(y) * history.beta, area, rtol=1e-6)
        np.testing.assert_allclose(walls.scaled(y) * history.beta / case.v_w, area, rtol=1e-6)


@pytest.mark.slow
def test_an_exponential_rate_leaves_bubbles_as_far_apart_as_its_beta_says():
    @jax.jit
    def off(steepness):
        def exponent(T, steepness):
            S = wanted = 140 + steepness * jnp.log(T / 100)
            for _ in range(12):  # S − 3/2 ln S + … : Γ ∝ T^{4 − steepness}, exactly
                S = wanted + 1.5 * jnp.log(S / 140)
            return S

        ends = 100 * jnp.exp(jnp.array([-60.0, 80.0]) / steepness)
        found = find_transition(exponent, steepness, ends[0], ends[1], v_w=0.4, g_star=100.0)
        return found.beta_star_over_H / found.beta_over_H - 1, found.status

    coarse, status = off(jnp.asarray(1e4))
    fine, _ = off(jnp.asarray(1e5))
    assert Status(int(status)) is Status.SUCCESS
    assert 0 < abs(fine) < 2e-4
    # as 1/β, and by 1/β² more
    np.testing.assert_allclose(coarse / fine, 10, rtol=0.01)


@pytest.mark.slow
def test_vacuum_energy_that_is_negative_has_a_status():
    found = _constant(*map(jnp.asarray, (137.0, 100.0, 1.0, 100.0, -0.1, 0.0)))
    assert Status(int(found.status)) is Status.TRUE_VACUUM_NOT_DEEPER
    assert np.isnan(found.T_p)


def test_a_transition_that_never_completes_says_so_and_keeps_its_numbers():
    found = _constant(*map(jnp.asarray, (147.0, 100.0, 1.0, 100.0, 20.0, 0.0)))
    assert Status(int(found.status)) is Status.NEVER_COMPLETES
    assert np.isfinite(found.T_p)
    # I does not grow by 3 per e-fold of a, at T_p or later
    T = np.linspace(2.1, float(found.T_p), 500)
    volume = np.asarray(found.history.extended_volume(T))
    assert np.abs(np.diff(volume) / np.diff(np.log(T))).max() < 3


@pytest.mark.long
def test_derivatives_with_vacuum_energy():
    at = (137.0, 100.0, 0.9, 100.0, 1.0, 0.3)

    @jax.jit
    def numbers(x):
        found = _find(valley, *x)
        return jnp.stack([found.T_n, found.T_p, found.beta_over_H, found.R_star_H, found.T_f])

    x = jnp.array(at)
    slopes = jax.jit(jax.jacrev(numbers))(x)
    forward = jax.jit(lambda x, v: jax.jvp(numbers, (x,), (v,))[1])
    for k in range(len(at)):
        step = np.zeros(len(at))
        step[k] = 1e-4 * at[k]
        difference = (numbers(x + step) - numbers(x - step)) / (2e-4 * at[k])
        np.testing.assert_allclose(slopes[:, k], difference, rtol=2e-6, atol=1e-9)
        np.testing.assert_allclose(forward(x, jnp.eye(len(at))[k]), slopes[:, k], rtol=1e-8)


def test_an_expansion_that_takes_what_is_not_known():
    for expansion in ("radiation+vacuum", "vacuum"):
        with pytest.raises(ConfigurationError, match="expansion"):
            find_transition(lambda T, _: T, (), 1.0, 2.0, expansion=expansion)

"""Collision terms: golden numbers, closed forms, and integrals over momenta written anew."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.special import kv

from jaxbounce.occupancy import (
    around_resonance,
    cross_section_rate,
    decay_rate,
    polynomial_rate,
    scattering_rate,
)

SIGN = {"fermion": 1, "boson": -1, "classical": 0}
PAIRS = [(kind, kind) for kind in SIGN] + [("fermion", "boson"), ("classical", "fermion")]


def _filled(E, kind):
    return 1 / (np.exp(E) + SIGN[kind])


def one(s):
    return jnp.ones_like(s)


def linear(s):
    return s


POWERS = (one, linear)


@functools.partial(jax.jit, static_argnames=("statistics", "amplitude"))
def collisions(T, initial, final, statistics, amplitude=one):
    return scattering_rate(T, amplitude, initial, final, statistics=statistics)


decays = jax.jit(decay_rate, static_argnames=("statistics", "product"))


@pytest.mark.parametrize("statistics", SIGN)
def test_a_decay_is_the_integral_over_momenta(statistics):
    T = 2.0
    for ratio in (1e-6, 0.1, 3.0, 40.0):
        found = decays(T, ratio * T, 1e-3, 2.0, 3.0, statistics)
        with mp.workdps(20):
            x = mp.mpf(ratio * T) / T

            def moment(k, x=x):
                def inside(p):
                    E = mp.sqrt(p * p + x * x)
                    # e^x times it: small integrals would be left at mpmath's absolute error
                    return p * p / E**k / (mp.exp(E - x) + SIGN[statistics] * mp.exp(-x))

                near = [mp.mpf(10) ** k for k in range(-7, 1)]
                return mp.mpf(mp.quad(inside, [0, *near, 3, 6, 10, 15, 22, 35, 60, 110]))

            # a decay at energy E is slower by m/E, and gives χ half of E
            rate = 6e-3 * x * mp.exp(-x) * T**3 / (2 * mp.pi**2) * moment(1)
            momentum = moment(0) / moment(1) / 2
        assert abs(float(found.rate) / float(rate) - 1) < 1e-13
        assert abs(float(found.momentum) / float(momentum) - 1) < 1e-12


@pytest.mark.parametrize("product", ["fermion", "boson"])
@pytest.mark.parametrize(("m_chi", "m_X"), [(0.0, 0.0), (0.3, 1.4), (1.0, 0.9999)])
def test_a_product_in_the_bath_blocks_or_stimulates(m_chi, m_X, product):
    """The mean of 1 ± f_X over directions, from its definition."""
    T, m_A = 1.5, 2.0
    found = decays(T, m_A, 1.0, m_chi=m_chi, product=product, m_X=m_X).rate
    at_rest = (m_A**2 + m_X**2 - m_chi**2) / (2 * m_A)
    momentum = np.sqrt(at_rest**2 - m_X**2)
    u, weight_u = np.polynomial.legendre.leggauss(160)
    c, weight_c = u, weight_u
    c, weight_c = (3 * c - c**3) / 2, weight_c * (3 - 3 * c**2) / 2  # denser at both ends
    p = 60 * ((1 + u) / 2) ** 2
    E = np.hypot(p, m_A)
    E_X = (E[:, None] * at_rest + p[:, None] * momentum * c) / m_A
    sign = 1 if product == "boson" else -1
    factor = 1 + sign * ((weight_c / 2) * _filled(E_X / T, product)).sum(-1)
    dp = 60 * (1 + u) / 2 * weight_u
    expected = (m_A / (2 * np.pi**2) * p**2 / E * np.exp(-E / T) * factor * dp).sum()
    np.testing.assert_allclose(found, expected, rtol=3e-9 if m_X == 0 else 1e-11)


def test_a_closed_decay_has_no_rate():
    assert np.isnan(decays(1.0, 2.0, 1.0, m_chi=1.5, product="boson", m_X=1.0).rate)


def _over_momenta(T, masses, final, statistics, amplitude):
    """C = ∫ d³p₁/(2π)³2E₁ d³p₂/(2π)³2E₂ f₁f₂ ∫dΦ₂ |M|², over momenta and the angle between them."""
    u, weight = np.polynomial.legendre.leggauss(80)
    p = 45 * T * ((1 + u) / 2) ** 2
    dp = 45 * T * (1 + u) / 2 * weight
    E1, E2 = np.hypot(p, masses[0])[:, None, None], np.hypot(p, masses[1])[None, :, None]
    f1, f2 = (_filled(E / T, kind) for E, kind in zip((E1, E2), statistics, strict=True))
    s = masses[0] ** 2 + masses[1] ** 2 + 2 * (E1 * E2 - p[:, None, None] * p[None, :, None] * u)
    q = (s - (final[0] + final[1]) ** 2) * (s - (final[0] - final[1]) ** 2)
    volume = np.sqrt(q) / (8 * np.pi * s)
    p_squared = (p**2 * dp)[:, None, None] * (p**2 * dp)[None, :, None] * weight
    inside = p_squared / (E1 * E2) * f1 * f2 * volume * np.asarray(amplitude(s))
    return 8 * np.pi**2 / (4 * (2 * np.pi) ** 6) * inside.sum()


def bent(s):
    return s / (s + 3.0)


@pytest.mark.parametrize("statistics", PAIRS)
def test_a_collision_is_the_integral_over_two_momenta(statistics):
    for T, initial, final in [
        (1.0, (1.0, 1.0), (0.5, 0.5)),
        (2.0, (3.0, 0.7), (0.2, 1.0)),
        (0.3, (1.0, 2.0), (0.0, 0.4)),
    ]:
        found = collisions(jnp.array([T]), initial, final, statistics, bent)
        expected = _over_momenta(T, initial, final, statistics, bent)
        np.testing.assert_allclose(found.rate[0], expected, rtol=2e-11)
        assert found.error[0] < 1e-11 * expected


# m₁ = m₂ = T, m₃ = m₄ = T/2, Σ|M|² = 1: C/T⁴ (golden B.freezein.C22_massive)
MASSIVE = {
    "classical": 8.797621839205156e-06,
    "fermion": 7.172678446926176e-06,
    "boson": 1.150593078655279e-05,
}


@pytest.mark.parametrize(("kind", "expected"), MASSIVE.items())
def test_massive_collisions_of_the_specification(kind, expected):
    for T in (1.0, 300.0):
        found = collisions(jnp.array([T]), (T, T), (T / 2, T / 2), (kind, kind)).rate[0]
        np.testing.assert_allclose(found / T**4, expected, rtol=1e-12)


# ratios to a classical bath (golden B.freezein.C22_quantum_over_MB)
MASSLESS = {
    (0, "fermion"): 0.6764520210694613,
    (0, "boson"): 2.7058080842778454,
    (1, "fermion"): 0.8127791991189193,
    (1, "boson"): 1.4449407984336342,
}


@pytest.mark.parametrize(("case", "expected"), MASSLESS.items())
def test_massless_collisions_of_the_specification(case, expected):
    n, kind = case
    T = jnp.array([0.2, 7.0])
    only = np.eye(2)[n]
    classical = polynomial_rate(T, only).rate
    closed = polynomial_rate(T, only, statistics=(kind, kind)).rate
    np.testing.assert_allclose(closed / classical, expected, rtol=1e-14)
    integral = collisions(T, (0.0, 0.0), (0.0, 0.0), (kind, kind), POWERS[n]).rate
    np.testing.assert_allclose(integral / classical, expected, rtol=1e-12)


# k_n of ṅ = k_n T^{4+2n}/Λ^{2n} (golden F.f_chi)
COEFFICIENTS = [
    0.000025529403461354574005,
    0.00020423522769083659204,
    0.0049016454645800782089,
    0.23527898229984375403,
]


def test_powers_of_s_of_the_specification():
    T = 3.0
    for n, expected in enumerate(COEFFICIENTS):
        one_power = polynomial_rate(T, np.eye(4)[n]).rate
        np.testing.assert_allclose(one_power, expected * T ** (4 + 2 * n), rtol=1e-13)
    both = polynomial_rate(T, [2.0, 3.0], 2.0, identical=True).rate
    np.testing.assert_allclose(both, 2 * COEFFICIENTS[0] * T**4 + 3 * COEFFICIENTS[1] * T**6)


def test_two_of_a_kind_are_counted_once():
    T = jnp.array([1.0])

    @jax.jit
    def rates(T):
        return [scattering_rate(T, one, particles=n, identical=n > 1).rate for n in (1.0, 2.0)]

    np.testing.assert_allclose(*rates(T), rtol=1e-15)


def breit_wigner(s, M=90.0, width=2.5):
    return 1 / ((s - M**2) ** 2 + (M * width) ** 2)


def test_a_resonance_that_is_pointed_out():
    """The formula with K₁ of SPEC2 B by panels of SciPy's; an estimate that tells it was missed."""
    m, T = 5.0, 8.0
    at = around_resonance(90.0, 2.5)
    resonant = jax.jit(
        lambda T, cuts: cross_section_rate(
            T, breit_wigner, (m, m), degrees=(2.0, 3.0), breakpoints=cuts
        )
    )
    found = resonant(jnp.array([T]), at)
    cuts = np.array(
        [10, 10.1, 11, 15, 20, 30, 40, 60, 80, 85, 88, 90, 92, 95, 100, 120, 180, 300, 500]
    )
    t, weight = np.polynomial.legendre.leggauss(60)
    half = np.diff(cuts)[:, None] / 2
    w = cuts[:-1, None] + half * (1 + t)
    inside = 2 * w**2 * breit_wigner(w**2) * (w**2 - 4 * m**2) * kv(1, w / T)
    expected = 6 * T / (32 * np.pi**4) * (inside * half * weight).sum()
    np.testing.assert_allclose(found.rate[0], expected, rtol=1e-10)
    assert abs(found.rate[0] - expected) < found.error[0] < 1e-6 * expected
    # without the breakpoints the estimate tells that the resonance is missed
    blind = resonant(jnp.array([T]), [])
    assert blind.error[0] > 0.3 * abs(blind.rate[0] - expected) > 0


@pytest.mark.slow
def test_gradients_of_collisions():
    """In temperature and masses, against central differences."""

    def log_rate(T, m, M):
        return jnp.log(scattering_rate(T, bent, (m, m), (M, M), statistics=("fermion",) * 2).rate)

    point = jnp.array([1.3, 0.8, 0.5])
    value = jax.jit(jax.vmap(log_rate))
    gradient = jax.jit(jax.grad(log_rate, argnums=(0, 1, 2)))(*point)
    h = 1e-4
    ends = value(*(point + h * np.concatenate([np.eye(3), -np.eye(3)])).T)
    np.testing.assert_allclose(gradient, (ends[:3] - ends[3:]) / (2 * h), rtol=1e-6)
    along = jax.jit(lambda p, d: jax.jvp(log_rate, p, d)[1])
    direction = (jnp.asarray(1.0), jnp.asarray(2.0), jnp.asarray(-1.0))
    expected = gradient[0] + 2 * gradient[1] - gradient[2]
    np.testing.assert_allclose(along(tuple(point), direction), expected, rtol=1e-11)


@pytest.mark.parametrize("kind", ["classical", "boson"])
def test_gradients_at_corners(kind):
    """Massless particles, elastic thresholds, cold baths: finite, and zero only where symmetric."""

    def rate(T, m, M):
        return scattering_rate(T, one, (m, m), (M, M), statistics=(kind, kind)).rate

    corners = jnp.array([[1.0, 0.0, 0.0], [1.0, 0.7, 0.7], [1.0, 1e-9, 1e-3], [0.05, 1.0, 1.0]])
    by = jax.jit(jax.vmap(jax.grad(rate, argnums=(0, 1, 2))))(*corners.T)
    assert np.all(np.isfinite(by))
    assert np.all(np.asarray(by[0]) > 0)
    assert np.all(np.asarray(by[2])[1:] < 0)
    assert np.all(np.asarray(by[1])[[1, 3]] < 0)

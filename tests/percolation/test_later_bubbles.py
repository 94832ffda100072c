"""F(u) and its derivatives against mpmath and the 25-digit ladder of the specification (C)."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxbounce.percolation.later_bubbles import (
    by_quadrature,
    incomplete_gamma_4,
    later_bubble_area,
    later_bubble_integral,
)

# u: (F, F', F''), specification C.3
LADDER = {
    1e-25: (1.99999999999999999999999993, -0.687499999999999999999999961, 0.391206879032667784382),
    0.1: (
        1.93316239688416166168661998,
        -0.649680375370613284171341352,
        0.36550556389615202496763749,
    ),
    0.34: (
        1.7872199030339469030129502,
        -0.568682497417459665158486533,
        0.311089503954692526109278883,
    ),
    1.0: (
        1.47080973312277876951442245,
        -0.402025526091407665233166283,
        0.202563718559112846435802237,
    ),
    3.0: (
        0.947103193084380030384133995,
        -0.166609189781611872804520885,
        0.0633458433379177447718185668,
    ),
    30.0: (
        0.21541949053407071369218266,
        -0.00497935086420426556075732547,
        2.7595285361010341744965933e-4,
    ),
    200.0: (
        0.0561514561782297931307083933,
        -2.02227617678682740766971597e-4,
        1.72645079299297137248155441e-6,
    ),
    1e5: (
        5.78604685289380960692808725e-4,
        -4.30894628512507590240630093e-9,
        7.50991341163459421546098041e-14,
    ),
}


@pytest.mark.parametrize(("u", "expected"), LADDER.items())
def test_ladder(u, expected):
    for order, value in enumerate(expected):
        np.testing.assert_allclose(later_bubble_integral(u, order), value, rtol=1e-12)
        np.testing.assert_allclose(by_quadrature(jnp.asarray(u), order), value, rtol=1e-13)


def test_area_on_the_ladder():
    """e^E (u/2) F and its first two slopes in ln u, and in E, at all rungs."""
    u, F, dF, d2F = (np.array(n) for n in zip(*((u, *f) for u, f in LADDER.items()), strict=True))
    first, second = u * (F + u * dF) / 2, u * (F + 3 * u * dF + u**2 * d2F) / 2
    slope = jax.vmap(jax.grad(later_bubble_area, argnums=(0, 1)))
    bend = jax.vmap(jax.jacfwd(jax.grad(later_bubble_area)))
    for E in (-700.0, 0.0, 3.5):
        exponent = np.full_like(u, E)
        scale = np.exp(E)
        value = later_bubble_area(np.log(u), exponent)
        np.testing.assert_allclose(value, scale * u * F / 2, rtol=1e-12)
        in_u, in_E = slope(np.log(u), exponent)
        np.testing.assert_allclose(in_u, scale * first, rtol=1e-12)
        np.testing.assert_allclose(in_E, value, rtol=0)
        np.testing.assert_allclose(bend(np.log(u), exponent), scale * second, rtol=1e-11)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("u", [3.99, 4.01, 23.9, 24.1, 1e9])
def test_against_mpmath(u, order):
    # (−uP)ⁿ instead of (−P)ⁿ: mpmath's tolerance is absolute, so keep the integral of order one
    with mp.workdps(30):
        scale = (1 + mp.mpf(u) / 24) ** -0.25

        def integrand(z):
            covered = u * mp.gammainc(4, 0, z, regularized=True)
            return (z / scale) ** 2 * mp.e ** (-z - covered) * (-covered) ** order

        points = [scale * k for k in (0, 0.5, 1, 1.5, 2, 3, 4, 6, 10, 20, 40, 80)]
        value = mp.quad(integrand, points) * scale**2 / mp.mpf(u) ** order
    np.testing.assert_allclose(later_bubble_integral(u, order), float(value), rtol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_polynomials_agree_with_the_definition_everywhere(order):
    u = np.concatenate([[0.0], np.logspace(-25, 25, 4001)])
    fitted = np.asarray(later_bubble_integral(u, order))
    np.testing.assert_allclose(fitted, by_quadrature(u, order, np), rtol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_large_volume_asymptote(order):
    """F → c₀ w³ (1 + (c₁/c₀) w + …), w = (24/u)^{1/4}: c₀ = Γ(3/4)/4, c₁ = −1/20 (C.3).

    Decides between this function and the printed ladder, whose F'' and F''' at u = 1e18 and
    1e25 are off by 8e-8 and 4e-9: there w < 1e-4 and two terms give 1e-8, three 1e-12.
    """
    q = [1, -1 / 5, -1 / 60, -2 / 525, -79 / 72000]
    c = [q[n] * float(mp.gamma(mp.mpf(3 + n) / 4)) / 4 for n in range(5)]
    for u in (1e18, 1e25):
        w = (24 / u) ** 0.25
        total = 0.0
        for n, coefficient in enumerate(c):
            falling = np.prod([-(3 + n) / 4 - k for k in range(order)])
            total += coefficient * falling * w ** (n + 3)
        np.testing.assert_allclose(later_bubble_integral(u, order), total / u**order, rtol=1e-13)


def test_small_volume_series():
    # M_0 = 2, M_1 = 11/16 and two more moments of the specification
    moments = [2.0, 11 / 16, 0.391206879032667784382462, 0.266739304700542415647386]
    for u in (1e-3, 1e-2):
        series = sum((-u) ** n * m / np.prod(range(1, n + 1)) for n, m in enumerate(moments))
        np.testing.assert_allclose(later_bubble_integral(u), series, rtol=u**4)


def test_incomplete_gamma_keeps_its_digits_for_small_arguments():
    for z in (1e-8, 1e-3, 0.5, 1.999, 2.001, 5.0, 40.0):
        with mp.workdps(30):
            exact = float(mp.gammainc(4, 0, mp.mpf(z), regularized=True))
        np.testing.assert_allclose(incomplete_gamma_4(jnp.asarray(z)), exact, rtol=1e-14)


@pytest.mark.slow
def test_derivatives_by_autodiff_are_the_integrals():
    u = jnp.logspace(-20, 20, 41)
    first = jax.vmap(jax.grad(later_bubble_integral))(u)
    second = jax.vmap(jax.grad(jax.grad(later_bubble_integral)))(u)
    np.testing.assert_allclose(first, later_bubble_integral(u, 1), rtol=1e-14)
    np.testing.assert_allclose(second, later_bubble_integral(u, 2), rtol=1e-14)
    for point in (0.5, 3.9, 4.1, 23.0, 25.0):
        check_grads(later_bubble_integral, (point,), order=3, rtol=1e-6)


def test_negative_order_is_refused():
    with pytest.raises(ValueError, match="order = -1"):
        later_bubble_integral(1.0, -1)

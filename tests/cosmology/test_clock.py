"""Time and temperature where g_* changes."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad

from jaxbounce.cosmology import degrees_of_freedom as fit
from jaxbounce.cosmology.clock import Expansion, make_clock, remaining_time, slowing
from jaxbounce.cosmology.degrees_of_freedom import ConstantDegrees, StandardModel
from jaxbounce.cosmology.degrees_table import tabulated_degrees
from jaxbounce.cosmology.radiation import time_of_temperature_ratio

MODEL = StandardModel()

# y(T/T_p) at β/H = 100, by three routes (Gauss–Legendre, DOP853, mpmath) that agree to 5e-13
TIMES = {
    100.0: {5: -48.2306383770427, 1.2: -15.5563816194804, 0.95: 5.54516738657860},
    10.0: {5: -48.2155724547431, 2: -37.5760459295784, 0.5: 151.053364445116},
    1.0: {5: -48.7105034500336, 0.95: 5.72067910331256, 0.5: 168.023581399868},
    0.15: {5: -51.9418606202916, 0.95: 8.43181500774498, 0.5: 213.648235609060},
}


@pytest.mark.slow
@pytest.mark.parametrize("T_p", TIMES)
def test_time_is_that_of_three_routes(T_p):
    clock = make_clock(MODEL, T_p, 100.0)
    ratio, y = np.array(list(TIMES[T_p])), np.array(list(TIMES[T_p].values()))
    np.testing.assert_allclose(clock.time(ratio), y, rtol=2e-12)
    np.testing.assert_allclose(clock.temperature_ratio(y), 1 / ratio, rtol=2e-12)


@pytest.mark.parametrize("n", [-1e-6, 1e-9, 0.01, 0.3])
def test_time_next_to_percolation_keeps_its_digits(n):
    # ∫ (1 + γ_s/3) √(g_p/g) e^{2n} dn by mpmath, γ_s by its differences of high order
    T_p, t0 = 1.0, 0.0

    def above(t):
        def series(c):
            return sum(mp.mpf(value) * t**k for k, value in enumerate(c))

        g = series(fit._ENERGY_ABOVE[0]) / series(fit._ENERGY_ABOVE[1])
        return g, g / (1 + series(fit._ENTROPY_ABOVE[0]) / series(fit._ENTROPY_ABOVE[1]))

    def rate(n):
        slope = mp.diff(lambda t: mp.log(above(t)[1]), t0 - n)
        return (1 + slope / 3) * mp.sqrt(above(t0)[0] / above(t0 - n)[0]) * mp.exp(2 * n)

    with mp.workdps(30):
        expected = mp.mpf(1e5) * mp.quad(rate, mp.linspace(0, n, 2), maxdegree=4)
    clock = make_clock(MODEL, T_p, 1e5)
    np.testing.assert_allclose(clock._time(jnp.asarray(n)), float(expected), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("beta_over_H", [1.0, 100.0, 1e5])
@pytest.mark.parametrize("T_p", [0.13, 100.0])
def test_time_and_temperature_are_inverse(T_p, beta_over_H):
    clock = make_clock(MODEL, T_p, beta_over_H)
    n = jnp.concatenate([-jnp.geomspace(1e-8, 1.6, 20), jnp.geomspace(1e-8, 6.9, 20)])
    np.testing.assert_allclose(clock.efolds(clock._time(n)), n, rtol=1e-12)


@pytest.mark.slow
def test_constant_degrees_give_the_closed_form():
    clock = make_clock(ConstantDegrees(106.75, 106.75), 100.0, 30.0)
    ratio = jnp.array([4.9, 1.01, 0.9, 0.01])
    expected = time_of_temperature_ratio(ratio, 30.0)
    np.testing.assert_allclose(clock.time(ratio), expected, rtol=1e-13)


@pytest.mark.slow
def test_clock_of_a_table_breaks_at_its_knots():
    T = np.geomspace(1e-2, 1e2, 40)
    table = tabulated_degrees(T, MODEL.energy(T), MODEL.entropy(T))
    clock = make_clock(table, 1.0, 100.0, 5.0, 0.1)
    inside = np.sort(-np.log(T))
    ends = np.concatenate([[0.0], inside[(inside > 0) & (inside < 1.5)], [1.5]])
    energy, _, _ = table.with_slope(0.0)

    @jax.jit
    def rate(n):
        g, _, slope = table.with_slope(-n)
        return (1 + slope / 3) * jnp.sqrt(energy / g) * jnp.exp(2 * n)

    parts = [quad(rate, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(ends)]
    np.testing.assert_allclose(clock._time(jnp.asarray(1.5)), 100 * sum(parts), rtol=1e-12)


def _time(T_p, ratio):
    return make_clock(MODEL, T_p, 40.0).time(ratio)


def _ratio(T_p, y):
    return make_clock(MODEL, T_p, 40.0).temperature_ratio(y)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "x"), [(_time, 0.8), pytest.param(_ratio, 12.0, marks=pytest.mark.slow)]
)
def test_both_directions_have_both_derivatives(function, x):
    T_p = jnp.array([0.12, 0.12 * np.exp(0.1), 0.3, 100.0])  # the middle and an end of the blend
    value = jax.jit(jax.vmap(function, (0, None)))
    for argument in (0, 1):
        reverse = jax.jit(jax.vmap(jax.grad(function, argument), (0, None)))(T_p, x)
        forward = jax.jit(jax.vmap(jax.jacfwd(function, argument), (0, None)))(T_p, x)
        step = 2e-4 * T_p if argument == 0 else 1e-4 * x
        at = [
            value(T_p + k * step, x) if argument == 0 else value(T_p, x + k * step)
            for k in (-2, -1, 1, 2)
        ]
        difference = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step)
        np.testing.assert_allclose(forward, difference, rtol=1e-6)
        np.testing.assert_allclose(reverse, forward, rtol=1e-10)


@pytest.mark.slow
def test_slowing_is_what_entropy_does_to_a_constant_rate():
    # k = 0: ∫ γ_s/3 dn is a third of the change of ln g_s
    found = slowing(make_clock(MODEL, 10.0, 100.0), 0.0)
    found = found.between(jnp.asarray(-1.0), jnp.asarray(5.0))
    expected = np.log(float(MODEL.entropy(10 * np.e) / MODEL.entropy(10 * np.exp(-5)))) / 3
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.slow
def test_what_remains_of_a_falling_rate():
    constant = Expansion(ConstantDegrees(100.0, 90.0), 2.0)
    found = remaining_time(constant, jnp.asarray(3.0), 1)
    np.testing.assert_allclose(found, np.exp(-3), rtol=1e-12)
    expansion = Expansion(MODEL, 2.0)
    n = np.linspace(1.0, 26.0, 400_001)
    pace = expansion.pace(n)
    expected = np.trapezoid(np.exp(-n) * np.asarray(pace.rate * pace.entropy), n)
    np.testing.assert_allclose(remaining_time(expansion, jnp.asarray(1.0), 1), expected, rtol=1e-8)

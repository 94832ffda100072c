"""Transitions whose rate has a peak, ranges that cut them off, temperatures without a bounce."""

import exponents
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.transition.temperatures import find_transition


@jax.jit
def solve(lowest, gap_low=0.0, gap_high=0.0, T_low=5.0, T_high=100.0):
    theta = tuple(map(jnp.asarray, (lowest, gap_low, gap_high)))
    return find_transition(exponents.exponent, theta, T_low, T_high, g_star=exponents.G_STAR)


@pytest.mark.slow
@pytest.mark.parametrize("lowest", [135.0, 142.0, 143.0, 144.0, 147.0, 151.0, 153.0])
def test_a_rate_with_a_peak(lowest):
    found = solve(lowest)
    assert Status(int(found.status)) is Status.SUCCESS
    T_n, T_p, beta_over_H = exponents.transition(lowest)
    np.testing.assert_allclose(found.T_n, T_n, rtol=1e-9)
    np.testing.assert_allclose(found.T_p, T_p, rtol=1e-9)
    np.testing.assert_allclose(found.beta_over_H, beta_over_H, rtol=1e-6, atol=1e-6)


def test_a_rate_that_stays_below_the_expansion():
    assert Status(int(solve(154.5).status)) is Status.NO_TRANSITION


@pytest.mark.long
def test_the_range_may_end_anywhere_that_matters_not():
    T_p = exponents.transition(143.0)[1]
    for T_low, T_high in ((0.5, 100.0), (50.0, 90.0), (30.0, 66.0)):
        found = solve(143.0, T_low=T_low, T_high=T_high)
        np.testing.assert_allclose(found.T_p, T_p, rtol=1e-7)
    assert Status(int(solve(143.0, T_low=51.0).status)) is Status.NO_TRANSITION


@pytest.mark.slow
@pytest.mark.parametrize("T_high", [59.2, 60.0, 61.0, 62.0])
def test_a_range_that_begins_too_late_is_told(T_high):
    # what is returned is right, what is not is told
    found = solve(143.0, T_high=T_high)
    T_p, begun_late = (exponents.transition(143.0, T)[1] for T in (110.0, T_high))
    if abs(begun_late / T_p - 1) > 1e-7:
        assert Status(int(found.status)) is Status.TRANSITION_BEGINS_ABOVE
        assert np.isnan(found.T_p)
    else:
        assert float(found.T_p) == pytest.approx(T_p, rel=1e-7)


@pytest.mark.slow
def test_single_temperatures_without_a_bounce():
    T_p = exponents.transition(143.0)[1]
    for low, high in ((50.0, 51.5), (55.0, 57.0), (62.0, 63.0)):
        found = solve(143.0, low, high)
        assert Status(int(found.status)) is Status.SUCCESS
        np.testing.assert_allclose(found.T_p, T_p, rtol=1e-10)
        assert float(found.error) < 1e-10
    # too many of them
    assert Status(int(solve(143.0, 40.0, 60.0).status)) is not Status.SUCCESS


@pytest.mark.slow
def test_the_error_of_what_stands_in_for_missing_temperatures_is_seen():
    """A pole in T, which a series of 16 terms has trouble with: found, or withheld by its error."""

    def pole(T, theta):
        amplitude, low, high = theta
        value = amplitude / (1 - T / 120) ** 2
        return jnp.where((T < 120) & ((low >= T) | (high <= T)), value, jnp.nan)

    @jax.jit
    def run(amplitude, low, high):
        return find_transition(pole, (amplitude, low, high), 20.0, 125.0, v_w=0.3)

    for amplitude in (0.02, 3.9, 40.0):
        whole = run(amplitude, 0.0, 0.0)
        T_p = float(whole.T_p)
        for shift in (-0.3, 0.0, 0.1):
            width = (float(whole.T_n) - T_p) / 2
            middle = T_p + shift * width
            found = run(amplitude, middle - width / 2, middle + width / 2)
            if Status(int(found.status)) is Status.SUCCESS:
                assert float(found.T_p) == pytest.approx(T_p, rel=1e-8)
                change = abs(float(found.exponent_n) / float(whole.exponent_n) - 1)
                assert change < 10 * float(found.error) + 1e-13

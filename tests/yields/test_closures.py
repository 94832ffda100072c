"""Depletion closures: limits, mpmath, and the two-zone equations integrated by SciPy."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.integrate import solve_ivp

from jaxbounce.yields import closure_shares, converted_fraction, two_zone_log_survival

P_BENCHMARK = 0.14925839040304145


def _survival_mp(P, P_back, a):
    with mp.workdps(40):
        P, P_back, a = map(mp.mpf, (P, P_back, a))
        lost = 1 - (1 - P) * (1 - P_back)
        A = (1 + mp.sqrt(1 + 4 * a * (a - 1) * lost)) / 2
        return (1 - P) * mp.gamma(a) * mp.gamma(1 + a) / (mp.gamma(a + A) * mp.gamma(1 + a - A))


# v_w: (two-zone survival with P_back = P, mean-field fraction), a = (1+v)²/4v, specification E
SPEC = {
    0.1: (0.47748184842318298573, 0.363331795373773),
    0.3: (0.75891052718239750279, 0.189582365857982),
    0.6: (0.83517860176370811517, 0.147181855798508),
    0.9: (0.85008898823205372385, 0.13901052349841),
}


@pytest.mark.parametrize(("v_w", "expected"), SPEC.items())
def test_specification(v_w, expected):
    a = (1 + v_w) ** 2 / (4 * v_w)
    # the table's P_back is the rounded 0.149258
    two_zone = converted_fraction(P_BENCHMARK, a, "two-zone", 0.149258)
    np.testing.assert_allclose(1 - two_zone, expected[0], rtol=1e-6)
    np.testing.assert_allclose(
        1 - two_zone, float(_survival_mp(P_BENCHMARK, 0.149258, a)), rtol=1e-13
    )
    np.testing.assert_allclose(
        converted_fraction(P_BENCHMARK, a, "mean-field"), expected[1], rtol=1e-12
    )


@pytest.mark.parametrize("P", [1e-14, 1e-8, 1e-3, 0.3, 0.999999])
@pytest.mark.parametrize("back", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("a", [1.0, 1.0 + 1e-9, 1.4, 3.0, 26.0, 3e3, 2.5e5])
def test_small_converted_fractions_keep_their_digits(P, back, a):
    exact = 1 - _survival_mp(P, P * back, a)
    value = converted_fraction(P, a, "two-zone", P * back)
    np.testing.assert_allclose(value, float(exact), rtol=2e-13)


@pytest.mark.parametrize(
    ("P", "P_back", "a"), [(0.15, 0.15, 1.4), (0.6, 0.1, 2.5), (0.05, 0.9, 5.0)]
)
def test_two_zone_is_the_solution_of_its_equations(P, P_back, a):
    """Numbers ahead (N) and behind (M) of the walls while the swept fraction s goes 0 → 1.

    A front hit takes from N at the rate a N/(1−s), a hit from behind from M at (a−1) M/s;
    what is not converted passes to the other side. The start is the regular series at s = 0.
    """
    q, q_back, b = 1 - P, 1 - P_back, a - 1

    def rates(s, state):
        ahead, behind = state[0] / (1 - s), state[1] / s
        return [-a * ahead + q_back * b * behind, q * a * ahead - b * behind]

    s0, s1 = 1e-8, 1 - 1e-9
    inflow = q * a / (1 + b)
    start = [1 - (a - q_back * b * inflow) * s0, inflow * s0]
    solution = solve_ivp(rates, (s0, s1), start, method="LSODA", rtol=1e-11, atol=1e-14)
    survival = float(jnp.exp(two_zone_log_survival(P, P_back, a)))
    np.testing.assert_allclose(solution.y[1, -1], survival, rtol=3e-6)


def test_limits():
    np.testing.assert_allclose(converted_fraction(0.3, 1.0, "two-zone"), 0.3, rtol=1e-14)
    np.testing.assert_allclose(converted_fraction(0.0, 4.0, "two-zone"), 0.0, atol=0)
    np.testing.assert_allclose(converted_fraction(1.0, 4.0, "two-zone"), 1.0, rtol=0)
    np.testing.assert_allclose(converted_fraction(0.3, 7.0, "swept-once"), 0.3, rtol=0)
    np.testing.assert_allclose(converted_fraction(0.3, 7.0, "linear"), 2.1, rtol=1e-15)
    for closure in ("mean-field", "two-zone"):  # both are linear for rare conversion
        small = converted_fraction(1e-12, 3.0, closure, 0.0)
        np.testing.assert_allclose(small, 3e-12, rtol=1e-11)


def _hits(v_w):
    """a of massless χ."""
    return (1 + v_w) ** 2 / (4 * v_w)


@pytest.mark.parametrize("v_w", [0.002, 0.005, 0.007, 0.01, 0.03, 0.3])
@pytest.mark.parametrize("P", [0.15, 0.9, 0.999, 1 - 1e-13])
def test_survivors_of_many_hits_keep_their_digits(P, v_w):
    """1 − C is rounding there: 5.198e-27 came out where 5.394e-27 of χ is left (v_w = 0.01)."""
    a = _hits(v_w)
    found = closure_shares(P, a, "two-zone", P)
    np.testing.assert_allclose(found.survived, float(_survival_mp(P, P, a)), rtol=1e-12)
    np.testing.assert_allclose(found.survived + found.converted, 1.0, rtol=4e-16)
    mixed = closure_shares(P, a, "mean-field")
    with mp.workdps(40):
        np.testing.assert_allclose(
            mixed.survived, float(mp.exp(-mp.mpf(P) * mp.mpf(a))), rtol=1e-13
        )


def _log_survival_slopes_mp(P, back, a):
    with mp.workdps(40):

        def log_survival(*x):
            return mp.log(_survival_mp(*x))

        step = mp.mpf(10) ** -12
        found = []
        for i in range(3):
            left, right = ([mp.mpf(v) for v in (P, back, a)] for _ in range(2))
            left[i], right[i] = left[i] - step, right[i] + step
            found.append(float((log_survival(*right) - log_survival(*left)) / (2 * step)))
    return found


def test_derivatives_where_next_to_nothing_survives():
    survived = jax.jit(
        jax.value_and_grad(
            lambda *x: closure_shares(x[0], x[2], "two-zone", x[1]).survived, (0, 1, 2)
        )
    )
    for v_w in (0.003, 0.007, 0.3):
        point = 0.9, 0.8, _hits(v_w)
        value, slopes = survived(*point)
        assert value > 0
        expected = _log_survival_slopes_mp(*point)
        np.testing.assert_allclose(np.array(slopes) / value, expected, rtol=1e-11)
    # everything converts on a hit, P = 1: nothing is left, ∂S/∂P = −Γ(a)Γ(1+a)/Γ(2a)
    a = _hits(0.1)
    value, slopes = survived(1.0, 0.5, a)
    assert value == 0
    slope = -mp.gamma(a) * mp.gamma(1 + a) / mp.gamma(2 * a)
    np.testing.assert_allclose(slopes[0], float(slope), rtol=1e-12)


@pytest.mark.slow
def test_gradients_inside_and_at_the_corners():
    def fraction(P, a, back):
        return converted_fraction(P, a, "two-zone", back)

    for point in ((0.15, 1.4, 0.1), (0.5, 6.0, 0.5), (0.9, 1.01, 0.2)):
        check_grads(fraction, point, order=1, modes=("fwd", "rev"), rtol=1e-6)
    corners = jnp.array([[0.0, 1.4, 0.0], [1.0, 1.4, 1.0], [0.2, 1.0, 0.2], [0.0, 1.0, 0.0]])
    for leaf in jax.vmap(jax.grad(fraction, argnums=(0, 1, 2)))(*corners.T):
        assert np.all(np.isfinite(leaf))
    # each particle hit once, a = 1: the derivative in a, whose one-sided difference is good to 1e-6
    step = 1e-7
    one_sided = (fraction(0.2, 1.0 + step, 0.2) - fraction(0.2, 1.0, 0.2)) / step
    np.testing.assert_allclose(jax.grad(fraction, 1)(0.2, 1.0, 0.2), one_sided, rtol=1e-5)
    # rare conversion: ∂C/∂P = a
    np.testing.assert_allclose(jax.grad(fraction)(0.0, 1.4, 0.0), 1.4, rtol=1e-12)

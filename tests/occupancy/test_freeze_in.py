"""Yields frozen in: golden numbers, closed forms, SciPy's quadrature; errors, statuses, slopes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import k1

import saikawa_shirai as ss
from jaxbounce import Status
from jaxbounce.cosmology.constants import PLANCK_MASS
from jaxbounce.occupancy import (
    Production,
    decay_range,
    decay_rate,
    freeze_in,
    freeze_in_occupancy,
    occupancy,
    polynomial_rate,
)

CONSTANT = {"g_star": 106.75, "g_star_s": 106.75}
STANDARD = {
    "g_star": lambda T: ss.g_rho(jnp.log(T)),
    "g_star_s": lambda T: ss.g_s(jnp.log(T)),
}


def made_by_decays(T, args, statistics="classical"):
    return decay_rate(T, *args, statistics=statistics)


@functools.partial(jax.jit, static_argnames=("statistics", "g", "whole"))
def decay_yield(m, T_p, Gamma, statistics="classical", g="constant", whole=False):
    rate = functools.partial(made_by_decays, statistics=statistics)
    T_R, T_end = decay_range(m, T_p)
    background = STANDARD if g == "standard" else CONSTANT
    return freeze_in(rate, T_p, T_R, (m, Gamma), T_end=T_end if whole else None, **background)


# Y(T_p) of Γ = 1e-15 GeV, g_A = 1, one χ a decay (golden B.freezein.decay_SS18)
POINTS = [(500.0, 100.0), (50.0, 100.0), (5.0, 1.0), (1.0, 0.15)]
DECAYS = {
    "classical": [1.2687817083625624e-5, 1.2243870185755887e-5, 0.21092972382748798],
    "boson": [1.324519989929467e-5, 1.6367344275388052e-5, 0.21964245018696885],
    "fermion": [1.2266986289033693e-5, 1.0381022534830587e-5, 0.20429133795492357],
}
DECAYS["classical"].append(13.528351590879803)
DECAYS["boson"].append(13.852646089347687)
DECAYS["fermion"].append(13.272401518358203)


@pytest.mark.parametrize(("statistics", "expected"), DECAYS.items())
def test_decays_of_the_specification(statistics, expected):
    points = jnp.array(POINTS).T
    run = functools.partial(decay_yield, statistics=statistics, g="standard")
    found = jax.vmap(run, (0, 0, None))(*points, 1e-15)
    np.testing.assert_allclose(found.Y, expected, rtol=1e-10)
    assert np.all(found.status == Status.SUCCESS)
    assert np.all(found.error_estimate < 1e-12 * found.Y)


# g_* = 106.75, from T = ∞ (golden F.f_chi): Y, f_χ of massless fermions with g = 2, and what of
# the yield at T = 0, 3π/2 in units of the integral of x³K₁, is there at T_p = 100 GeV
CONSTANT_DECAYS = {
    50.0: (1.1335145352838966875e-5, 0.0029053313072762641748, 0.036795732046014524693),
    500.0: (1.195892542207691333e-5, 0.0030652134885451670334, 3.8820623970102226338),
    2000.0: (9.0729873085194040731e-7, 0.00023255135472400076364, 4.7123836452974094546),
}


@pytest.mark.slow
def test_decays_with_constant_degrees_of_freedom():
    run = functools.partial(decay_yield, whole=True)
    found = jax.vmap(run, (0, None, None))(jnp.array([*CONSTANT_DECAYS]), 100.0, 1e-15)
    Y, f_chi, integral = np.array([*CONSTANT_DECAYS.values()]).T
    np.testing.assert_allclose(found.Y, Y, rtol=3e-12)
    np.testing.assert_allclose(found.made_by_T_p, integral / (1.5 * np.pi), rtol=3e-12)
    turned = jax.vmap(lambda one: freeze_in_occupancy(one, 100.0, 106.75, 0.0))(found)
    np.testing.assert_allclose(turned.f_chi, f_chi, rtol=3e-12)
    assert np.all(turned.status == Status.SUCCESS)
    assert np.all(turned.error_estimate < 1e-12 * turned.f_chi)


def test_the_whole_spectrum_of_a_decay_has_mean_momentum_five_halves():
    """f ∝ q^{−1/2} e^{−q} of two massless products (Heeck & Teresi 1706.09909)."""
    found = decay_yield(500.0, 5.0, 1e-15)
    np.testing.assert_allclose(found.mean_momentum, 2.5, rtol=1e-11)


@functools.partial(jax.jit, static_argnames="g")
def collision_yield(coefficients, T_p, T_R, g="constant", Y_initial=0.0):
    background = STANDARD if g == "standard" else CONSTANT
    return freeze_in(
        lambda T, a: polynomial_rate(T, a),
        T_p,
        T_R,
        coefficients,
        Y_initial=Y_initial,
        **background,
    )


def test_collisions_of_the_specification():
    """λ = 1e-10 without scale, and dimension 5 with Λ = 1e16, from T_R = 1e6 to 100 GeV."""
    for coefficients, Y, f_chi in [
        ([1e-20, 0.0], 3.8805799097609643676e-11, 9.9463835277525440233e-9),
        ([0.0, 1e-32], 3.1044639278087714941e-14, 7.9571068222020352187e-12),
    ]:
        found = collision_yield(jnp.array(coefficients), 100.0, 1e6)
        np.testing.assert_allclose(found.Y, Y, rtol=1e-12)
        turned = freeze_in_occupancy(found, 100.0, 106.75, 0.0)
        np.testing.assert_allclose(turned.f_chi, f_chi, rtol=1e-12)
    closed = 180 * PLANCK_MASS * (1e6 - 100) / (1.66 * (2 * np.pi) ** 7 * 106.75**1.5 * 1e32)
    np.testing.assert_allclose(found.Y, closed, rtol=1e-12)


def test_yield_and_momentum_with_changing_degrees_of_freedom():
    """Random powers of s against SciPy's quadrature; momenta redshift with s^{1/3}."""
    rng = np.random.default_rng(17)
    k = np.array([1 / (128 * np.pi**5), 1 / (16 * np.pi**5)])
    for _ in range(4):
        T_p = 10 ** rng.uniform(-0.8, 2)
        T_R = T_p * 10 ** rng.uniform(0.3, 4)
        a = 10 ** rng.uniform(-20, -15, 2) / [1, T_p * T_R]

        def integrand(u, momentum, a=a, T_p=T_p):
            T, step = np.exp(u), 1e-3
            near = (
                (ss.g_s(u + step) / ss.g_s(u - step)),
                (ss.g_s(u + 2 * step) / ss.g_s(u - 2 * step)),
            )
            gamma = (8 * np.log(near[0]) - np.log(near[1])) / (12 * step)
            s = 2 * np.pi**2 / 45 * ss.g_s(u) * T**3
            H = 1.66 * np.sqrt(ss.g_rho(u)) * T**2 / PLANCK_MASS
            terms = a * k * T ** np.array([4.0, 6.0])
            colder = (ss.g_s(np.log(T_p)) / ss.g_s(u)) ** (1 / 3)
            weight = np.array([2.0, 3.0]) * colder if momentum else 1.0
            return (1 + gamma / 3) * (terms * weight).sum() / (s * H)

        Y, momentum = (
            quad(integrand, np.log(T_p), np.log(T_R), flag, epsabs=0, epsrel=1e-11, limit=300)[0]
            for flag in (False, True)
        )
        found = collision_yield(jnp.asarray(a), T_p, T_R, "standard")
        np.testing.assert_allclose(found.Y, Y, rtol=1e-10)
        np.testing.assert_allclose(found.mean_momentum, momentum / Y, rtol=1e-10)


def test_a_later_stretch_begins_with_the_yield_of_the_first():
    a = jnp.array([1e-20, 1e-26])
    first = collision_yield(a, 1e3, 1e6)
    second = collision_yield(a, 100.0, 1e3, Y_initial=first.Y)
    np.testing.assert_allclose(second.Y, collision_yield(a, 100.0, 1e6).Y, rtol=1e-13)


def switched(T, m):
    """C/(sH) d ln T = c e^{−m/T} dT/T², whose integral is closed."""
    return 1e-20 * T**4 * jnp.exp(-m / T)


def test_the_error_estimate_is_honest():
    """Few nodes: what the estimate says is above what is wrong, and the status says so."""
    m, T_p, T_R = 500.0, 20.0, 1e5
    unit = 1e-20 * 45 * PLANCK_MASS / (2 * np.pi**2 * 106.75**1.5 * 1.66)
    exact = unit / m * (np.exp(-m / T_R) - np.exp(-m / T_p))
    for panels, nodes in [(2, 6), (4, 8), (24, 14)]:
        sizes = {"panels": panels, "nodes": nodes}
        found = freeze_in(switched, T_p, T_R, m, **sizes, **CONSTANT, tolerance=1.0)
        assert found.status == Status.SUCCESS
        assert abs(found.Y - exact) < found.error_estimate + 1e-13 * exact
    np.testing.assert_allclose(found.Y, exact, rtol=1e-12)
    few = freeze_in(switched, T_p, T_R, m, panels=2, nodes=6, **CONSTANT)
    assert few.status == Status.QUADRATURE_NOT_CONVERGED
    assert np.isnan(few.Y)


@pytest.mark.slow
def test_slopes_of_a_decay():
    """Y ∝ Γ m^{−2} ∫₀^{m/T_p} x³K₁ dx, whose slopes are closed."""
    for x in (0.5, 5.0, 30.0):
        integral = quad(lambda z: z**3 * k1(z), 0, x, epsabs=0, epsrel=1e-13)[0]
        share = x**4 * k1(x) / integral

        def log_yield(*args):
            return jnp.log(decay_yield(*args).Y)

        point = (100.0 * x, 100.0, 1e-15)
        by_m, by_T, by_width = jax.jit(jax.grad(log_yield, argnums=(0, 1, 2)))(*point)
        found = np.array([by_m * point[0], by_T * point[1], by_width * point[2]])
        np.testing.assert_allclose(found, [share - 2, -share, 1.0], rtol=1e-9, atol=1e-9)
        along = jax.jvp(jax.jit(log_yield), point, (point[0], 0.0, 3 * point[2]))[1]
        np.testing.assert_allclose(along, share + 1, rtol=1e-9)


def test_the_slope_in_the_reheating_temperature():
    """All of Y is that of T_R where collisions grow with s: Y ∝ T_R − T_p."""

    def log_yield(T_R, T_p):
        return jnp.log(collision_yield(jnp.array([0.0, 1e-32]), T_p, T_R).Y)

    found = jax.grad(log_yield, argnums=(0, 1))(1e5, 2e4)
    np.testing.assert_allclose(found, [1 / 8e4, -1 / 8e4], rtol=1e-10)


def test_a_point_that_fails_leaves_the_others_alone():
    """T_R below T_p, and nothing made at all, beside a good point; the width is shared."""
    m, T_p = jnp.array([500.0, 500.0, 1e6]), jnp.array([100.0, -1.0, 1.0])

    def run(m, T_p, width):
        return freeze_in(made_by_decays, T_p, jnp.minimum(5e5, 1e3 * T_p), (m, width), **CONSTANT)

    def masked(width):
        found = jax.vmap(run, (0, 0, None))(m, T_p, width)
        return jnp.where(found.status == Status.SUCCESS, found.Y, 0.0).sum()

    found = jax.jit(jax.vmap(run, (0, 0, None)))(m, T_p, 1e-15)
    expected = [Status.SUCCESS, Status.INVALID_PARAMETER, Status.UNDERFLOW]
    assert found.status.tolist() == expected
    assert np.isnan(found.Y).tolist() == [False, True, True]
    slope = jax.jit(jax.grad(masked))(1e-15)
    np.testing.assert_allclose(slope, found.Y[0] / 1e-15, rtol=1e-12)


def test_what_is_not_a_question():
    a = jnp.array([1e-20])
    for T_p, T_R, initial in [
        (10.0, 1.0, 0.0),
        (1.0, np.inf, 0.0),
        (0.0, 1.0, 0.0),
        (1.0, 9.0, -1.0),
    ]:
        assert collision_yield(a, T_p, T_R, Y_initial=initial).status == Status.INVALID_PARAMETER
    assert collision_yield(a * np.nan, 1.0, 9.0).status == Status.NOT_FINITE


def test_a_rate_may_be_a_number_alone():
    for rate in (lambda T, a: a * T**4, lambda T, a: Production(a * T**4, 0 * T)):
        found = freeze_in(rate, 100.0, 1e6, 1e-20 / (128 * np.pi**5), **CONSTANT)
        np.testing.assert_allclose(found.Y, 3.8805799097609643676e-11, rtol=1e-12)
        assert found.mean_momentum is None


def test_an_occupancy_above_a_tenth_is_refused():
    n_eq = 0.75 * 1.2020569031595942 / np.pi**2 * 2 * 10.0**3

    def f_chi(n, T):
        return occupancy(n, T, 0.0)

    found = jax.jit(jax.vmap(f_chi, (0, None)))(
        n_eq * jnp.array([0.0, 1e-9, 0.0999, 0.1001, -0.1]), 10.0
    )
    small, large = [Status.SUCCESS] * 3, Status.OCCUPANCY_TOO_LARGE
    assert found.status.tolist() == [*small, large, Status.INVALID_PARAMETER]
    np.testing.assert_allclose(found.f_chi, [0, 1e-9, 0.0999, np.nan, np.nan], rtol=1e-13)
    kept = occupancy(1.0, 10.0, 0.0, status=Status.UNDERFLOW)
    assert kept.status == Status.UNDERFLOW
    assert np.isnan(kept.f_chi)
    slope = jax.jit(jax.grad(lambda n, T: f_chi(n, T).f_chi, argnums=(0, 1)))(n_eq / 50, 10.0)
    np.testing.assert_allclose(slope, [1 / n_eq, -3 / 50 / 10], rtol=1e-12)

"""Equilibrium integrals against mpmath quadrature, closed forms and limits."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxbounce.cosmology import gas as eq

SIGN = {"fermion": 1, "boson": -1, "classical": 0}
STATISTICS = list(SIGN)


def _quad_points(x):
    scale = mp.sqrt(x) + 1
    return [0, *(scale * k for k in (0.01, 0.1, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128))]


def _moment(weight, x, statistics, extra=()):
    """∫ weight(p) f(p) dp · e^x, from its definition, 30 digits."""
    with mp.workdps(30):
        x, sign = mp.mpf(x), SIGN[statistics]

        def integrand(p):
            energy = mp.sqrt(p * p + x * x)
            return weight(p, energy) / (mp.e ** (energy - x) + sign * mp.e**-x)

        return mp.quad(integrand, sorted({*map(mp.mpf, _quad_points(x)), *extra}))


def _relative(value, reference, x):
    with mp.workdps(30):
        return float(abs(mp.mpf(float(value)) * mp.e ** mp.mpf(x) / reference - 1))


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("x", [1e-3, 0.3, 1.39, 1.41, 1.49, 1.51, 7.99, 8.01, 30.0, 500.0])
def test_density_and_speed_integrals(x, statistics):
    density = _moment(lambda p, _: p * p, x, statistics)
    speed = _moment(lambda p, energy: p**3 / energy, x, statistics)
    assert _relative(eq.density_integral(x, statistics), density, x) < 1e-13
    assert _relative(eq.speed_integral(x, statistics), speed, x) < 1e-13


def _flux_per_particle(v_w):
    def weight(p, energy):
        u = p / energy
        return p * p * ((u + v_w) ** 2 / (4 * u) if u > v_w else v_w)

    return weight


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statistics", "x", "v_w"),
    [
        *itertools.product(STATISTICS, [0.01, 0.3, 1.0, 10.0], [0.1, 0.6, 0.99, 0.9999]),
        *itertools.product(["fermion", "boson"], [100.0, 300.0], [1e-6, 0.05, 0.5]),
    ],
)
def test_moving_flux_against_the_average_over_speeds(statistics, x, v_w):
    with mp.workdps(30):
        gamma = 1 / mp.sqrt(1 - mp.mpf(v_w) ** 2)
        kink = gamma * mp.mpf(v_w) * mp.mpf(x)
        near = [kink * k for k in (0.02, 0.1, 0.5, 0.9, 1, 1.1, 2) if kink * k < 200]
        reference = _moment(_flux_per_particle(mp.mpf(v_w)), x, statistics, near)
    assert _relative(eq.moving_flux_integral(x, v_w, statistics), reference, x) < 1e-11


# J/(g T³) of Fermi-Dirac particles at v_w = 0.3, two independent 19-digit integrals (spec. B)
SPEC_FLUXES = {
    0.0: 0.038593419321513470714,
    0.0095: 0.03859239280719997357,
    0.1: 0.038483350640593510356,
    1.0: 0.030951351476473762339,
    3.0: 0.010077458785460798957,
    10.0: 3.4937593679458272114e-5,
}


@pytest.mark.parametrize(("x", "expected"), SPEC_FLUXES.items())
def test_flux_table_of_the_specification(x, expected):
    np.testing.assert_allclose(eq.incident_flux(1.0, x, 1.0, 0.3), expected, rtol=1e-12)


def test_massless_flux_is_a_quarter_n_one_plus_v_squared():
    for statistics in STATISTICS:
        n = eq.number_density(3.0, 0.0, 2.0, statistics)
        for v in (0.0, 0.3, 0.95):
            flux = eq.incident_flux(3.0, 0.0, 2.0, v, statistics)
            np.testing.assert_allclose(flux, n * (1 + v) ** 2 / 4, rtol=1e-13)
        at_rest = eq.incident_flux(3.0, 0.0, 2.0, None, statistics)
        np.testing.assert_allclose(at_rest, n / 4, rtol=1e-13)


def test_cold_gas_is_swept_at_the_wall_speed():
    n = eq.number_density(1.0, 500.0, 1.0)
    np.testing.assert_allclose(eq.incident_flux(1.0, 500.0, 1.0, 0.9), 0.9 * n, rtol=1e-12)


def test_a_wall_at_rest_is_the_limit_of_a_slow_one():
    for x in (0.0, 0.5, 20.0):
        slow = eq.incident_flux(1.0, x, 1.0, 1e-13)
        np.testing.assert_allclose(slow, eq.incident_flux(1.0, x, 1.0), rtol=1e-11)


def test_maxwell_boltzmann_closed_forms():
    x, T, g = 2.3, 5.0, 2.0
    n = g * T**3 * x**2 * float(mp.besselk(2, x)) / (2 * np.pi**2)
    np.testing.assert_allclose(eq.number_density(T, x * T, g, "classical"), n, rtol=1e-14)
    flux = g * T**3 * (1 + x) * np.exp(-x) / (4 * np.pi**2)
    np.testing.assert_allclose(eq.incident_flux(T, x * T, g, None, "classical"), flux, rtol=1e-14)


def test_small_mass_series_of_the_flux():
    x = 1e-4
    ratio = eq.speed_integral(x) / eq.speed_integral(0.0)
    expected = 1 - 2 * np.log(2) / (3 * float(mp.zeta(3))) * x**2
    np.testing.assert_allclose(ratio, expected, rtol=1e-12)


def test_piecewise_limits_and_their_jump():
    T, g = 10.0, 2.0
    hot, cold = 29.999, 30.001  # m either side of 3T
    n = [eq.number_density(T, m, g, "fermion", "piecewise") for m in (hot, cold)]
    np.testing.assert_allclose(n[0], 0.75 * float(mp.zeta(3)) / np.pi**2 * g * T**3, rtol=1e-14)
    np.testing.assert_allclose(
        n[1], g * (cold * T / (2 * np.pi)) ** 1.5 * np.exp(-cold / T), rtol=1e-13
    )
    np.testing.assert_allclose(n[0] / n[1], 5.56, rtol=2e-3)
    v = [eq.mean_speed(T, m, "fermion", "piecewise") for m in (hot, cold)]
    np.testing.assert_allclose(v, [1.0, np.sqrt(8 * T / (np.pi * cold))], rtol=1e-14)
    for i, m in enumerate((hot, cold)):
        flux = eq.incident_flux(T, m, g, None, "fermion", "piecewise")
        np.testing.assert_allclose(flux, n[i] * v[i] / 4, rtol=1e-13)


def test_piecewise_moving_flux_is_the_gaussian_one_when_cold():
    T, m, v = 1.0, 50.0, 0.2
    sigma = np.sqrt(T / m)
    u = np.linspace(-v, 12 * sigma, 400001)  # velocity towards the wall at rest: u + v > 0
    gauss = np.exp(-(u**2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma
    expected = np.trapezoid((u + v) * gauss, u)
    n = eq.number_density(T, m, 1.0, "fermion", "piecewise")
    flux = eq.incident_flux(T, m, 1.0, v, "fermion", "piecewise")
    np.testing.assert_allclose(flux / n, expected, rtol=1e-9)


def _central(function, x, step):
    """Fourth-order central difference; the relative step keeps rounding below 1e-10."""
    h = step * x
    near, far = function(x + h) - function(x - h), function(x + 2 * h) - function(x - 2 * h)
    return (8 * near - far) / (12 * h)


@pytest.mark.slow
@pytest.mark.parametrize("statistics", STATISTICS)
def test_gradients(statistics):
    x = jnp.array([0.05, 0.9, 1.38, 1.4, 1.5, 7.9, 8.0, 60.0])
    for integral in (eq.density_integral, eq.speed_integral):

        def log_integral(x, f=integral):
            return jnp.log(f(x, statistics))

        value = jax.jit(log_integral)
        first = jax.jit(jax.vmap(jax.grad(log_integral)))
        second = jax.jit(jax.vmap(jax.grad(jax.grad(log_integral))))
        np.testing.assert_allclose(first(x), _central(value, x, 1e-3), rtol=1e-8)
        np.testing.assert_allclose(second(x), _central(first, x, 1e-3), rtol=1e-7, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("statistics", STATISTICS)
def test_gradients_of_the_moving_flux(statistics):
    # 1.5 and 8 are edges of the fits: the derivative must be whole there too
    masses, speeds = jnp.array([0.05, 1.5, 8.0, 30.0]), jnp.array([0.1, 0.4, 0.99])
    x, v_w = (m.ravel() for m in jnp.meshgrid(masses, speeds))

    def log_flux(x, v):
        return jnp.log(eq.moving_flux_integral(x, v, statistics))

    value = jax.jit(log_flux)
    by_x, by_v = jax.jit(jax.vmap(jax.grad(log_flux, argnums=(0, 1))))(x, v_w)
    np.testing.assert_allclose(by_x, _central(lambda x: value(x, v_w), x, 1e-3), rtol=1e-7)
    np.testing.assert_allclose(by_v, _central(lambda v: value(x, v), v_w, 3e-4), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("equilibrium", ["exact", "piecewise"])
@pytest.mark.parametrize("v_w", [None, 1e-6, 0.3, 0.999999])
def test_values_and_gradients_are_finite_at_the_corners(statistics, equilibrium, v_w):
    def flux(T, m):
        return eq.incident_flux(T, m, 2.0, v_w, statistics, equilibrium)

    masses = jnp.array([0.0, 1e-12, 1.0, 3.0, 500.0, 1e5])
    gradient = jax.vmap(jax.value_and_grad(flux, argnums=(0, 1)), (None, 0))(1.0, masses)
    for leaf in jax.tree.leaves(gradient):
        assert np.all(np.isfinite(leaf))
    # χ in equilibrium never gets more abundant with mass, and a hotter bath has more of it
    value, (by_T, by_m) = gradient
    assert np.all(value >= 0)
    assert np.all(np.asarray(by_m) <= 0)
    assert np.all(np.asarray(by_T) >= 0)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="statistics = 'fermions'"):
        eq.number_density(1.0, 1.0, 2.0, "fermions")
    with pytest.raises(ValueError, match="equilibrium = 'fast'"):
        eq.mean_speed(1.0, 1.0, "boson", "fast")

"""Area densities: sum rules, moments, Monte Carlo, and general nucleation histories."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.integrate import dblquad, quad

from jaxbounce import percolation as perc
from jaxbounce.cosmology.radiation import hubble_rate

# extended volume I: (Monte-Carlo A/V·v/β, its error, "later-born bubbles only", its error),
# 1200 boxes of (16 v/β)³, specification C.2
MONTE_CARLO = {
    0.34: (0.24294, 0.00134, 0.3059, 0.0024),
    1.0: (0.36692, 0.00205, 0.7371, 0.0025),
    2.0: (0.26919, 0.00294, 1.1530, 0.0018),
    4.0: (0.07358, 0.00152, 1.6151, 0.0012),
    7.0: (0.00648, 0.00026, 2.0039, 0.0010),
}


@pytest.mark.parametrize("volume", MONTE_CARLO)
def test_monte_carlo_of_bubble_surfaces(volume):
    exact, error, later, later_error = MONTE_CARLO[volume]
    kjma = float(perc.scaled_area_density(0.0, volume, "kjma"))
    eq6 = float(perc.scaled_area_density(0.0, volume, "eq6"))
    assert abs(kjma - exact) < 3 * error
    assert abs(eq6 - later) < 3 * later_error


@pytest.mark.parametrize("I_p", [1e-3, 0.34, 5.0])
def test_sum_rule_and_moments_of_the_exact_area(I_p):
    y = np.arange(-45.0, 15.0, 0.125) - np.log(I_p)  # trapezoid: exponentially convergent here
    area = np.asarray(perc.scaled_area_density(y, I_p, "kjma")) * 0.125
    mean = float(perc.mean_conversion_time(I_p))
    np.testing.assert_allclose(area.sum(), 1.0, rtol=1e-12)
    np.testing.assert_allclose((area * y).sum(), mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose((area * (y - mean) ** 2).sum(), np.pi**2 / 6, rtol=1e-11)


def test_mean_time_of_the_benchmark():
    np.testing.assert_allclose(perc.mean_conversion_time(0.34), 0.50159399647039711776, rtol=1e-14)


def test_exact_area_is_the_rate_at_which_false_vacuum_vanishes():
    def fraction(y):
        return perc.false_vacuum_fraction(y, 0.34)

    for y in (-5.0, 0.0, 2.0):
        np.testing.assert_allclose(
            -jax.grad(fraction)(y), perc.scaled_area_density(y, 0.34, "kjma"), rtol=1e-13
        )
    np.testing.assert_allclose(1 - fraction(0.0), 0.28822967723739028492, rtol=1e-14)


def test_eq6_from_its_definition():
    """(u/2) ∫ z² e^{−z} e^{−u γ(4,z)/6} dz with γ itself integrated numerically."""
    u = 0.34 * np.exp(1.0)

    def inner(z):
        return quad(lambda s: s**3 * np.exp(-s), 0, z, epsabs=1e-14)[0]

    value = quad(lambda z: z**2 * np.exp(-z - u * inner(z) / 6), 0, 60, epsabs=1e-13, limit=200)[0]
    np.testing.assert_allclose(
        perc.scaled_area_density(1.0, 0.34, "eq6"), u / 2 * value, rtol=1e-11
    )
    np.testing.assert_allclose(u / 2 * value, 0.69402509888929977504, rtol=1e-11)  # spec. C


def test_eq6_never_switches_off():
    u = 1e20
    scaled = perc.scaled_area_density(np.log(u), 1.0, "eq6")
    np.testing.assert_allclose(scaled, 1.6609334814067554 * u**0.25 - 0.6, rtol=1e-6)


def test_physical_area_scales_with_beta_and_wall_speed():
    scaled = perc.scaled_area_density(0.3, 0.34, "kjma")
    np.testing.assert_allclose(
        perc.area_density(0.3, 0.34, 2e-12, 0.25, "kjma"), scaled * 8e-12, rtol=1e-14
    )
    spacing = perc.mean_bubble_separation(2e-12, 0.25)
    np.testing.assert_allclose(perc.bubble_density(2e-12, 0.25) * spacing**3, 1.0, rtol=1e-14)


def test_window():
    np.testing.assert_allclose(perc.activity_window(9.0, 9.0, "gaussian"), np.exp(-0.5), rtol=1e-15)
    assert perc.activity_window(1e3, 9.0, "none") == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["eq6", "kjma"])
def test_gradients_of_the_area(kernel):
    def log_area(y, I_p):
        return jnp.log(perc.scaled_area_density(y, I_p, kernel))

    for y in (-20.0, 0.0, 2.5):
        check_grads(log_area, (y, 0.34), order=2, rtol=1e-6)

    def area(y, I_p):
        return perc.scaled_area_density(y, I_p, kernel)

    corners = jnp.array([-700.0, -80.0, 5.0, 50.0, 700.0])
    for leaf in jax.vmap(jax.grad(area, argnums=(0, 1)), (0, None))(corners, 0.34):
        assert np.all(np.isfinite(leaf))


# --- general nucleation histories ---------------------------------------------------------


def _exponential(t, I_p):
    return jnp.log(I_p / (8 * jnp.pi)) + t


EXPONENTIAL_EDGES = jnp.linspace(-42.0, 5.0, 32)


@pytest.mark.slow
def test_history_of_an_exponential_rate_is_the_closed_form():
    history = perc.nucleation_history(_exponential, EXPONENTIAL_EDGES, 1.0, args=0.34)
    t = jnp.array([-2.0, 0.0, 0.7, 2.0])
    np.testing.assert_allclose(
        history.extended_volume(t), perc.extended_volume(t, 0.34), rtol=1e-12
    )
    np.testing.assert_allclose(
        history.area_density(t), perc.scaled_area_density(t, 0.34, "kjma"), rtol=1e-12
    )
    np.testing.assert_allclose(history.sum_rule, 1.0, rtol=1e-12)


@pytest.mark.slow
def test_history_with_a_finite_initial_radius():
    rho = 0.3
    history = perc.nucleation_history(
        _exponential, EXPONENTIAL_EDGES, 1.0, args=0.34, initial_radius=rho
    )
    t = jnp.array([-2.0, 0.0, 1.0])
    volume = history.extended_volume(t)
    prefactor = 3 * (rho**2 + 2 * rho + 2) / (rho**3 + 3 * rho**2 + 6 * rho + 6)
    np.testing.assert_allclose(
        history.area_density(t), prefactor * volume * jnp.exp(-volume), rtol=1e-12
    )
    # specification C.6
    np.testing.assert_allclose(prefactor, 0.99666543164134865, rtol=1e-14)
    np.testing.assert_allclose(history.nucleated_fraction, 0.0033345683586513523527, rtol=1e-11)
    np.testing.assert_allclose(history.sum_rule, 1.0, rtol=1e-12)


# t: (I, A/V) for Γ = G₀ e^{−t²/2}, v = 1, I(0) = 0.34, mpmath (specification C.6)
GAUSSIAN = {
    -1.0: (0.038901609565564061374, 0.092638117861249950688),
    0.0: (0.34, 0.45495662210039763694),
    0.5: (0.81636243740968270074, 0.58789851524561441855),
    1.0: (1.743408836314644403, 0.43038917776790090119),
    2.0: (5.9680951074200430666, 0.01633871839108554079),
}


@pytest.mark.slow
def test_history_of_a_gaussian_rate():
    history = perc.nucleation_history(
        lambda t, G: jnp.log(G) - t**2 / 2,
        jnp.linspace(-9.0, 4.0, 30),
        1.0,
        args=0.040584510488433310621,
    )
    for t, (volume, area) in GAUSSIAN.items():
        np.testing.assert_allclose(history.extended_volume(t), volume, rtol=1e-12)
        np.testing.assert_allclose(history.area_density(t), area, rtol=1e-11)
    np.testing.assert_allclose(history.sum_rule, 1.0, rtol=1e-12)


@pytest.mark.slow
def test_history_of_a_constant_rate():
    history = perc.nucleation_history(lambda t, _: 0.0 * t, jnp.linspace(0.0, 4.0, 10), 1.0)
    np.testing.assert_allclose(history.false_vacuum_fraction(1.0), np.exp(-np.pi / 3), rtol=1e-13)
    np.testing.assert_allclose(
        history.area_density(1.0), 4 * np.pi / 3 * np.exp(-np.pi / 3), rtol=1e-13
    )


def _thermal_model(T):
    """ln Γ of S₃/T = 3.9/(1 − T/120)², Γ = T⁴ (S/2π)^{3/2} e^{−S}."""
    action = 3.9 / (1 - T / 120) ** 2
    return 4 * jnp.log(T) + 1.5 * jnp.log(action / (2 * jnp.pi)) - action


@pytest.mark.slow
def test_history_of_a_thermal_rate_in_an_expanding_universe():
    """Specification C.6: I(98.63…) = 0.34, and A/V there is 1.0595 times the exponential one."""
    T_p, g, v_w = 98.630986875922904, 106.75, 0.3
    H_p = float(hubble_rate(T_p, g))

    def temperature(t):  # t in units of 1/H_p from T_p on; T ∝ t^{−1/2}
        return T_p / jnp.sqrt(1 + 2 * t)

    def start(T):
        return float(((T_p / T) ** 2 - 1) / 2)

    edges = jnp.asarray(np.linspace(start(103.5), start(98.4), 60))
    history = perc.nucleation_history(
        lambda t, _: _thermal_model(temperature(t)) - 4 * jnp.log(H_p),
        edges,
        v_w,
        scale_factor=lambda t, _: T_p / temperature(t),
    )
    np.testing.assert_allclose(history.extended_volume(0.0), 0.34, rtol=1e-9)
    T = 99.0
    np.testing.assert_allclose(
        history.extended_volume(start(T)), 0.0036158400439491466511, rtol=1e-9
    )
    beta_over_H = 1117.4700063670329676  # −d ln Γ/d ln T
    exponential = beta_over_H / v_w * 0.34 * np.exp(-0.34)
    ratio = history.area_density(0.0) / exponential
    np.testing.assert_allclose(ratio, 1.0595148262380698987, rtol=1e-9)
    np.testing.assert_allclose(
        -jax.grad(lambda x: _thermal_model(jnp.exp(x)))(jnp.log(T_p)), beta_over_H, rtol=1e-12
    )


@pytest.mark.slow
def test_history_against_the_double_integral():
    """I = (4π/3) ∫ Γ(t')(R₀ + v(t − t'))³ dt' by SciPy, and A/V from its definition likewise."""

    def rate(t):
        return 0.3 * np.exp(-((t - 1) ** 2)) + 0.01

    history = perc.nucleation_history(
        lambda t, _: jnp.log(0.3 * jnp.exp(-((t - 1) ** 2)) + 0.01),
        jnp.linspace(0.0, 3.0, 20),
        0.6,
        initial_radius=0.2,
    )
    t = 2.2
    volume = 4 * np.pi / 3 * quad(lambda s: rate(s) * (0.2 + 0.6 * (t - s)) ** 3, 0, t)[0]
    area = 4 * np.pi * quad(lambda s: rate(s) * (0.2 + 0.6 * (t - s)) ** 2, 0, t)[0]
    np.testing.assert_allclose(history.extended_volume(t), volume, rtol=1e-11)
    np.testing.assert_allclose(history.area_density(t), area * np.exp(-volume), rtol=1e-11)
    swept = dblquad(
        lambda s, t: (
            0.6
            * 4
            * np.pi
            * rate(s)
            * (0.2 + 0.6 * (t - s)) ** 2
            * float(np.exp(-history.extended_volume(t)))
        ),
        0,
        1.0,
        0,
        lambda t: t,
        epsabs=1e-6,
        epsrel=1e-6,
    )[0]
    early = perc.nucleation_history(
        lambda t, _: jnp.log(0.3 * jnp.exp(-((t - 1) ** 2)) + 0.01),
        jnp.linspace(0.0, 1.0, 10),
        0.6,
        initial_radius=0.2,
    )
    np.testing.assert_allclose(early.swept_fraction, swept, rtol=1e-5)


@pytest.mark.slow
def test_history_gradients_reach_every_parameter():
    @jax.jit  # differences and slopes of one program
    def area(I_p, v_w, radius, t):
        history = perc.nucleation_history(
            _exponential, EXPONENTIAL_EDGES, v_w, args=I_p, initial_radius=radius
        )
        return history.area_density(t)

    check_grads(area, (0.34, 0.8, 0.1, 0.3), order=1, modes=("fwd", "rev"), rtol=1e-6)
    # at vanishing radius the derivative is finite and positive work is left to do
    assert np.isfinite(jax.grad(area, argnums=2)(0.34, 0.8, 0.0, 0.3))

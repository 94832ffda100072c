import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential.library import polynomial
from jaxbounce.transition.temperatures import (
    bounce_exponent,
    find_transition,
    log_rate_over_hubble,
    vacuum_energy,
)
from jaxbounce.transition.wall_speed import wall_speed


def pole(T, amplitude):
    """S₃/T = amplitude/(1 − T/120)², and none above."""
    return jnp.where(T < 120, amplitude / (1 - T / 120) ** 2, jnp.nan)


@jax.jit
def from_pole(amplitude, v_w, I_p=0.34):
    return find_transition(pole, amplitude, 20.0, 125.0, v_w=v_w, I_p=I_p)


@pytest.mark.slow
def test_percolation_temperature_and_rate_of_a_known_action():
    # SPEC C.6
    found = from_pole(3.9, 0.3)
    assert Status(int(found.status)) is Status.SUCCESS
    assert float(found.T_p) == pytest.approx(98.630986875922904, rel=1e-10)
    assert float(found.beta_over_H) == pytest.approx(1117.470, abs=5e-4)
    assert float(found.exponent_p) == pytest.approx(float(pole(found.T_p, 3.9)), rel=1e-12)
    rate = log_rate_over_hubble(found.T_n, pole(found.T_n, 3.9))
    assert float(rate) == pytest.approx(0.0, abs=1e-10)


@pytest.mark.long
def test_the_wall_and_T_p_belong_together():
    third = jnp.sqrt(1 / 3)

    def wall(T, amplitude):
        strength = 0.1 * (98.6 / T) ** 4
        return wall_speed(strength, 1 - 2 * strength, third, third)

    @jax.jit
    def settled(amplitude):
        found = find_transition(pole, amplitude, 20.0, 125.0, v_w=wall)
        return found.T_p, found.v_w, found.status

    T_p, v_w, status = settled(3.9)
    assert Status(int(status)) is Status.SUCCESS
    assert float(v_w) == pytest.approx(float(wall(T_p, 3.9).v_w), rel=1e-9)
    assert float(from_pole(3.9, v_w).T_p) == pytest.approx(float(T_p), rel=1e-10)
    up, down = (settled(3.9 + h)[:2] for h in (1e-4, -1e-4))
    slopes = jax.jit(jax.jacfwd(lambda a: settled(a)[:2]))(3.9)
    for slope, high, low in zip(slopes, up, down, strict=True):
        assert float(slope) == pytest.approx((float(high) - float(low)) / 2e-4, rel=1e-6)


@pytest.mark.long
def test_derivatives_of_the_transition():
    def numbers(amplitude, v_w):
        return jnp.stack(from_pole(amplitude, v_w)[:5])

    at, h = (3.9, 0.3), 1e-4
    for k in range(2):
        up, down = ([x + sign * h * (k == j) for j, x in enumerate(at)] for sign in (1, -1))
        difference = (numbers(*up) - numbers(*down)) / (2 * h)
        for derivative in (jax.jacfwd, jax.jacrev):
            slope = jax.jit(derivative(numbers, argnums=k))(*at)
            # T_n does not know the wall speed
            np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-6)


def test_a_transition_within_one_sample_of_the_critical_temperature():
    # the first sample below it is where all is over already
    found = from_pole(0.02, 0.3)
    assert Status(int(found.status)) is Status.SUCCESS

    def rate(T):
        return float(log_rate_over_hubble(*map(jnp.asarray, (T, 0.02 / (1 - T / 120) ** 2))))

    assert float(found.T_n) == pytest.approx(brentq(rate, 118, 119.9, xtol=1e-12), rel=1e-10)
    assert float(found.error) < 1e-12


def test_the_energy_between_two_vacua():
    """V = φ⁴/4 − 4φ³/3 + 3φ²/2 has its minima at 0 and 3, where V = −9/4; times T here."""

    def potential(phi, theta):
        return theta * (phi[0] ** 4 / 4 - 4 * phi[0] ** 3 / 3 + 3 * phi[0] ** 2 / 2)

    energy = vacuum_energy(potential, lambda theta, T: theta * T, [0.1], [2.8])
    found = energy(jnp.asarray(3.0), jnp.asarray(2.0))
    np.testing.assert_allclose(found, 6 * 9 / 4, rtol=1e-10)

    # without the plasma, but of the false vacuum's fields at T
    def moving(phi, theta):
        shift, height = theta
        return height * (phi[0] ** 2 - 1) ** 2 / 4 + phi[0] + shift * phi[0]

    def at_temperature(theta, T):
        return theta + jnp.stack([T, 0 * T])

    theta, T = jnp.array([-1.1, 8.0]), jnp.asarray(0.3)
    cold = vacuum_energy(moving, at_temperature, [1.0], [-1.0], T_cold=0.0)
    hot = vacuum_energy(moving, at_temperature, [1.0], [-1.0])

    def extremum(linear, near):
        roots = np.roots([8.0, 0.0, -8.0, linear])
        return roots[np.argmin(np.abs(roots - near))].real

    def V(phi, linear):
        return 2 * (phi**2 - 1) ** 2 + linear * phi

    ground = V(extremum(-0.1, -1.0), -0.1)
    np.testing.assert_allclose(cold(T, theta), V(extremum(0.2, 1.0), -0.1) - ground, rtol=1e-10)
    difference = V(extremum(0.2, 1.0), 0.2) - V(extremum(0.2, -1.0), 0.2)
    np.testing.assert_allclose(hot(T, theta), difference, rtol=1e-10)


def test_no_transition_has_no_numbers():
    found = from_pole(3000.0, 0.3)
    assert Status(int(found.status)) is Status.NO_TRANSITION
    assert jnp.isnan(jnp.stack(found[:5])).all()
    assert Status(int(from_pole(3.9, -0.3).status)) is Status.INVALID_PARAMETER


@pytest.mark.slow
def test_from_a_potential_with_temperature_to_the_transition():
    # V = D (T² − T₀²) φ² − E T φ³ + λ/4 φ⁴
    theta = {"D": 0.17, "E": 0.04, "lam": 0.13, "T0": 100.0}

    def at_temperature(theta, T):
        mass = theta["D"] * (T**2 - theta["T0"] ** 2)
        zero = jnp.zeros_like(T)
        return jnp.stack([zero, zero, mass, -theta["E"] * T, theta["lam"] / 4])

    exponent = bounce_exponent(polynomial, at_temperature, [0.0], [100.0])
    T_c = 100.0 / (1 - 0.04**2 / (0.17 * 0.13)) ** 0.5

    def numbers(E):
        found = find_transition(exponent, theta | {"E": E}, 99.0, T_c + 1, v_w=0.5)
        return jnp.stack(found[:5]), found.status

    @jax.jit  # one program for values and slopes
    def run(E):
        return jax.jvp(numbers, (E,), (jnp.ones_like(E),))

    ((T_n, T_p, beta, exponent_n, _), status), (slope, _) = run(jnp.asarray(0.04))
    assert Status(int(status)) is Status.SUCCESS
    assert 100 < float(T_p) < float(T_n) < T_c
    bounce = solve_bounce(polynomial, at_temperature(theta, T_n), [0.0], [100.0], 3)
    assert float(exponent_n) == pytest.approx(float(bounce.action / T_n), rel=1e-9)
    h = 1e-5
    up, down = (run(jnp.asarray(0.04 + step))[0][0] for step in (h, -h))
    difference = (up - down) / (2 * h)
    np.testing.assert_allclose(slope, difference, rtol=1e-4)
    assert float(beta) > 100

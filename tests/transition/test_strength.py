import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.potential.thermal_models import CUBIC, Z2_SINGLET
from jaxbounce.transition.strength import critical_temperature, fluid, strength

# T, c_s², c_b², Ψ, α_θ̄, α_θ of WallGo's benchmark BM1 (the specification of this project, golden
# numbers D.xSM_BM1: an independent program in NumPy)
SINGLET = [
    [100.0, 0.3330604107008361, 0.3235214269209948, 0.9771271412716831, 0.010061136672669113],
    [97.0, 0.3330705281701942, 0.32346902807641664, 0.9744886847997545, 0.012324472325408843],
    [96.05356841, 0.3330739538368375, 0.3234400967714168, 0.9736361120798444, 0.013115570746857081],
]


def _singlet(theta, T):
    vacua = (Z2_SINGLET.false_vacuum, Z2_SINGLET.true_vacuum)
    return tuple(fluid(Z2_SINGLET.potential, theta, T, vacuum) for vacuum in vacua)


@pytest.mark.slow
def test_singlet():
    theta = dict(Z2_SINGLET.parameters)
    for T, *expected in SINGLET:
        high, low = _singlet(theta, T)
        found = strength(high, low)
        numbers = [high.c_squared, low.c_squared, found.Psi, found.alpha_thetabar]
        np.testing.assert_allclose(numbers, expected, rtol=1e-10)
    high, low = _singlet(theta, 100.0)
    found = strength(high, low)
    np.testing.assert_allclose(high.phi[1], 104.86914597521478, rtol=1e-11)
    np.testing.assert_allclose(low.phi[0], 195.032151447226, rtol=1e-11)
    others = [found.alpha_theta, found.alpha_e, found.alpha_V, found.g_star, high.w]
    expected = [
        0.01000694000942059,
        0.03287979873773748,
        0.0023826537666482932,
        107.72657618903793,
        4725416402.087186,
    ]
    np.testing.assert_allclose(others, expected, rtol=1e-10)


@pytest.mark.long
def test_critical_temperature_of_the_singlet():
    vacua = (Z2_SINGLET.false_vacuum, Z2_SINGLET.true_vacuum)
    T_c = critical_temperature(Z2_SINGLET.potential, dict(Z2_SINGLET.parameters), vacua, 100, 112)
    assert float(T_c) == pytest.approx(108.21567981713, rel=1e-12)


def _cubic_T_c(theta):
    return theta["T_0"] / jnp.sqrt(1 - theta["E"] ** 2 / (theta["lam"] * theta["D"]))


@pytest.mark.slow
def test_critical_temperature_has_a_closed_form():
    theta = {k: jnp.asarray(v) for k, v in CUBIC.parameters.items()}

    def found(theta):
        return critical_temperature(CUBIC.potential, theta, ([0.0], [110.0]), 102.0, 108.0)

    assert float(found(theta)) == pytest.approx(float(_cubic_T_c(theta)), rel=1e-13)
    slopes, expected = jax.grad(found)(theta), jax.grad(_cubic_T_c)(theta)
    for name in theta:
        np.testing.assert_allclose(slopes[name], expected[name], rtol=1e-10)
    assert jnp.isnan(critical_temperature(CUBIC.potential, theta, ([0.0], [110.0]), 107.0, 108.0))


def _cubic_alpha(theta, T):
    """α_θ̄ in closed form: φ_± = (3ET + √(9E²T² − 8λD(T² − T_0²)))/2λ, its c² by differentiation."""
    D, E, lam, T_0 = (theta[k] for k in ("D", "E", "lam", "T_0"))
    g = 100.0

    def pressure(T):
        x = (3 * E * T + jnp.sqrt(9 * E**2 * T**2 - 8 * lam * D * (T**2 - T_0**2))) / (2 * lam)
        V = D * (T**2 - T_0**2) * x**2 - E * T * x**3 + lam * x**4 / 4
        return g * jnp.pi**2 * T**4 / 90 - V

    s = jax.grad(pressure)
    c_squared = s(T) / (T * jax.grad(s)(T))
    p_s, w_s = g * jnp.pi**2 * T**4 / 90, 4 * g * jnp.pi**2 * T**4 / 90
    dp = p_s - pressure(T)
    de = (w_s - p_s) - (T * s(T) - pressure(T))
    return (de - dp / c_squared) / (3 * w_s)


@pytest.mark.slow
def test_strength_and_its_slopes_have_closed_forms():
    theta = {k: jnp.asarray(v) for k, v in CUBIC.parameters.items()}

    def found(theta, T):
        phases = [
            fluid(CUBIC.potential, theta, T, vacuum, g_rest=100.0) for vacuum in ([0.0], [110.0])
        ]
        return strength(*phases).alpha_thetabar

    T = jnp.asarray(103.0)
    np.testing.assert_allclose(found(theta, T), _cubic_alpha(theta, T), rtol=1e-12)
    expected = jax.grad(_cubic_alpha, (0, 1))(theta, T)
    for derivative in (jax.grad, jax.jacfwd):
        slopes = derivative(found, (0, 1))(theta, T)
        for one, other in zip(jax.tree.leaves(slopes), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_a_phase_that_is_none_has_no_numbers_and_taints_no_other():
    theta = {k: jnp.asarray(v) for k, v in CUBIC.parameters.items()}

    def pressure(theta, T):
        found = fluid(CUBIC.potential, theta, T, [0.0])
        return found.p + found.s, found.status

    # below T_0 the origin is a maximum
    T = jnp.array([103.0, 90.0])
    values, status = jax.vmap(pressure, (None, 0))(theta, T)
    assert status[0] == Status.SUCCESS
    assert status[1] == Status.FALSE_VACUUM_NOT_MINIMUM
    assert jnp.isfinite(values[0])
    assert jnp.isnan(values[1])

    def total(theta):
        values, status = jax.vmap(pressure, (None, 0))(theta, T)
        return jnp.where(status == Status.SUCCESS.value, values, 0.0).sum()

    assert all(jnp.isfinite(x) for x in jax.tree.leaves(jax.grad(total)(theta)))


def test_phases_that_are_no_plasma_have_no_strength_and_taint_no_other():
    """Without a bath the broken phase has less entropy than none: no c², no α."""
    theta = {k: jnp.asarray(v) for k, v in CUBIC.parameters.items()}

    def found(theta, g_rest):
        phases = [
            fluid(CUBIC.potential, theta, 103.0, vacuum, g_rest=g_rest)
            for vacuum in ([0.0], [110.0])
        ]
        return strength(*phases)

    g_rest = jnp.array([100.0, 0.5])
    both = jax.vmap(found, (None, 0))(theta, g_rest)
    assert both.status.tolist() == [Status.SUCCESS, Status.NO_EQUATION_OF_STATE]
    for numbers in both[:-1]:
        assert np.isfinite(numbers[0])
        assert np.isnan(numbers[1])

    def total(theta):
        both = jax.vmap(found, (None, 0))(theta, g_rest)
        good = both.status == Status.SUCCESS.value
        return jnp.where(good, both.alpha_thetabar, 0.0).sum()

    slopes, expected = (
        jax.grad(total)(theta),
        jax.grad(lambda t: found(t, 100.0).alpha_thetabar)(theta),
    )
    for name in theta:
        np.testing.assert_allclose(slopes[name], expected[name], rtol=1e-10)

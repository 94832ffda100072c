"""The wall of a stage in local thermal equilibrium with the phases at T_n, or at T_p."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.transition.background import as_degrees
from jaxbounce.transition.rate import Rate
from jaxbounce.transition.settled_once import settle_at
from jaxbounce.transition.stages import LteWallSpeed, ThermalTransition
from jaxbounce.transition.story import sample_temperatures
from jaxbounce.transition.wall_speed import wall_speed
from jaxbounce.transition.window import find_window


def exponent(T, theta):
    return theta / (182.0 / T - 1) ** 2


def double_well(phi, theta):
    x = phi[0]
    return theta["a"] * (x**2 * (x - 2) ** 2 - x**3 * (1 - theta["T"] / 182))


def rate_of(a, scale=0.5, I_p=0.34):
    """S₃/T of a form, between phases of which one gains 8a(1 − T/182) of free energy."""
    degrees, one = as_degrees(100.0), jnp.ones(())
    ends = (jnp.asarray(100.0), jnp.asarray(180.0))
    fixed = (scale, jnp.asarray(0.1), degrees, one)
    window = jax.lax.stop_gradient(find_window(exponent, None, fixed, ends, jnp.asarray(I_p)))
    T = sample_temperatures(window.low, window.high)
    grid = jnp.asarray([100.0, 180.0])
    vacua = (jnp.zeros((2, 1)), jnp.full((2, 1), 2.0))
    phases = ({"a": jnp.asarray(a)}, grid, *vacua, degrees, one, 1e-9 * one)
    return Rate(window, exponent(T, scale), None, *phases, double_well, "T", weighed=False)


def supply(at, a, T_n=160.0, scale=0.5):
    known = {"rate": rate_of(a, scale), "T_n": jnp.asarray(T_n), "I_p": jnp.asarray(0.34)}
    return LteWallSpeed(at=at).supply(known)


@pytest.mark.long
def test_at_T_p_wall_and_temperature_belong_together():
    a = 6e8
    settled = supply("T_p", a)
    assert settled.status == Status.SUCCESS
    v_w = settled.values["v_w"]
    known = {"rate": rate_of(a), "v_w": v_w, "I_p": jnp.asarray(0.34)}
    T_p = ThermalTransition().supply(known).values["T_p"]
    alone = supply("T_n", a, T_n=T_p)
    for name in ("v_w", "v_plus", "T_plus_over_T", "v_J"):
        np.testing.assert_allclose(settled.values[name], alone.values[name], rtol=1e-11)
    # hotter, at the T_n of this rate, it is another one
    assert abs(supply("T_n", a, T_n=160.0).values["v_w"] / v_w - 1) > 0.01


@pytest.mark.long
def test_its_slopes_are_those_of_differences():
    @jax.jit
    def speed(a, scale):
        return supply("T_p", a, scale=scale).values["v_w"]

    at = (6e8, 0.5)
    slopes = jax.jit(jax.grad(speed, argnums=(0, 1)))(*at)
    for i, slope in enumerate(slopes):
        h = 1e-4 * at[i]
        moved = [speed(*(x + k * h * (i == j) for j, x in enumerate(at))) for k in (1, -1, 2, -2)]
        near, far = (moved[0] - moved[1]) / (2 * h), (moved[2] - moved[3]) / (4 * h)
        np.testing.assert_allclose(slope, (4 * near - far) / 3, rtol=1e-6)


@pytest.mark.long
def test_a_wall_that_runs_away_has_no_speed():
    """At 132 GeV, where little of the free energy is heat."""
    found = supply("T_p", 2e8, scale=20.0)
    assert found.status == Status.RUNAWAY_WALL
    assert np.isnan(found.values["v_w"])
    assert 0 < found.values["v_J"] < 1


def test_temperatures_have_names():
    with pytest.raises(ConfigurationError, match="at = 'T_c': must be one of 'T_n', 'T_p'"):
        LteWallSpeed(at="T_c")


class Given:
    """Phases of a strength at any temperature, with the sound of radiation."""

    def __init__(self, alpha, Psi):
        self.alpha, self.Psi = alpha, Psi

    def wall(self, T):
        third = jnp.sqrt(1 / 3)
        return jax.jit(wall_speed)(self.alpha, self.Psi, third, third)


@pytest.mark.slow
def test_a_wall_at_a_given_temperature():
    """SPEC2 C.2: α_θ̄ = 0.1, Ψ = 0.8."""
    v_w, wall, status = settle_at(jnp.asarray(1.0), Given(0.1, 0.8))
    assert status is Status.SUCCESS
    assert float(v_w) == float(wall.v_w) == pytest.approx(0.55649164984, rel=1e-9)
    v_w, _, status = settle_at(jnp.asarray(1.0), Given(0.05, 0.95))
    assert (float(v_w), status) == (1.0, Status.RUNAWAY_WALL)

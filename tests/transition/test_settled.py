"""T_p and the wall speed that belong together: against a root found by SciPy, with derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from jaxbounce._core.status import Status
from jaxbounce.potential.thermal_models import CUBIC
from jaxbounce.transition.settled import lte_wall, settled_speed
from jaxbounce.transition.temperatures import find_transition
from jaxbounce.transition.wall_speed import wall_speed

SPEEDS = jnp.sqrt(1 / 3), jnp.sqrt(1 / 3)


def _settled(given):
    """Strength and Ψ are powers of T; T_p = 1 + k ln(v_w/v_0)."""
    strength, power, weakness, of_Psi, k, v_0 = given

    def wall(T):
        return wall_speed(strength * T**power, 1 - weakness * T**of_Psi, *SPEEDS)

    def T_p(v_w):
        return 1 + k * jnp.log(v_w / v_0)

    v_w, status = settled_speed(T_p, wall)
    return v_w, (status, wall(T_p(v_w)).v_w)


@pytest.mark.slow
def test_a_settled_wall_has_the_speed_of_its_own_temperature():
    """One program: walls, differences of one in strength and k, and those that do not settle."""
    h, one = 1e-5, np.array([0.1, -4.0, 0.2, -3.0, 0.02, 1.0])
    steps = [one * (1 + s * h * (np.arange(6) == i)) for i in (0, 4) for s in (1, -1)]
    runs, stands = [0.05, 0.0, 0.05, 0.0, 0.02, 1.0], [0.01, 0.0, 0.04, 0.0, 0.02, 1.0]
    # stronger the hotter: a wall as fast as v_w(T_p) would run away, a slower one would not
    jumps = [0.0364, 20.0, 0.05, 0.0, 0.02, 0.72]
    rows = jnp.asarray([one, *steps, runs, stands, jumps])
    slopes, (status, again) = jax.jit(jax.vmap(jax.jacfwd(_settled, has_aux=True)))(rows)
    (v_w, _) = jax.jit(jax.vmap(_settled))(rows)
    names = [Status(int(s)) for s in status]
    assert names == [Status.SUCCESS] * 5 + [
        Status.RUNAWAY_WALL,
        Status.STATIC_WALL,
        Status.RUNAWAY_WALL,
    ]
    np.testing.assert_allclose(again[:5], v_w[:5], rtol=1e-12)
    for i, pair in zip((0, 4), (v_w[1:3], v_w[3:5]), strict=True):
        difference = float(pair[0] - pair[1]) / (2 * h * one[i])
        assert float(slopes[0, i]) == pytest.approx(difference, rel=1e-6)


@pytest.mark.slow
def test_a_transition_with_its_wall():
    """T_p, v_w and slopes in couplings, of S₃/T with a pole and the plasma of a potential."""
    theta = {k: jnp.asarray(v) for k, v in CUBIC.parameters.items()} | {"A": jnp.asarray(0.1)}
    wall = lte_wall(CUBIC.potential, [0.0], [110.0], g_rest=100.0)

    def pole(T, theta):
        T_c = theta["T_0"] / jnp.sqrt(1 - theta["E"] ** 2 / (theta["lam"] * theta["D"]))
        return jnp.where(T_c > T, theta["A"] / (1 - T / T_c) ** 2, jnp.nan)

    def numbers(theta, v_w):
        found = find_transition(pole, theta, 101.0, 106.9, v_w=v_w)
        return jnp.stack([jnp.log(found.T_p), jnp.log(found.v_w)]), found.status

    slopes, status = jax.jit(jax.jacfwd(lambda t: numbers(t, wall), has_aux=True))(theta)
    assert Status(int(status)) is Status.SUCCESS
    given = jax.jit(numbers)
    walls = jax.jit(lambda T, theta: wall(T, theta).v_w)

    def oracle(theta):
        def misses(v):
            return float(walls(jnp.exp(given(theta, v)[0][0]), theta)) - v

        v_w = brentq(misses, 0.2, 0.99, xtol=1e-14)
        return np.asarray(given(theta, v_w)[0])

    found = np.asarray(jax.jit(lambda t: numbers(t, wall)[0])(theta))
    np.testing.assert_allclose(found, oracle(theta), atol=1e-10)
    for name in ("A", "lam", "T_0"):
        h = 1e-5 * theta[name]
        ends = [oracle({**theta, name: theta[name] + s * h}) for s in (1, -1)]
        difference = (ends[0] - ends[1]) / (2 * float(h))
        np.testing.assert_allclose(slopes[name], difference, rtol=1e-5)

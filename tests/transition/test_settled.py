"""T_p and the wall speed that belong together, with derivatives and statuses."""

import jax
import jax.numpy as jnp
import pytest

from jaxbounce._core.status import Status
from jaxbounce.transition.settled import settled_speed
from jaxbounce.transition.wall_speed import wall_speed

pytestmark = pytest.mark.slow  # bisection around bisections takes long to compile


@jax.jit
def _settled(strength, of_speed):
    """A wall whose strength grows in cooling, and T_p = 1 + k ln v_w."""
    third = jnp.sqrt(1 / 3)

    def wall(T):
        return wall_speed(strength / T**4, 1 - 2 * strength / T**4, third, third)

    def T_p(v_w):
        return 1 + of_speed * jnp.log(v_w)

    v_w, status = settled_speed(T_p, wall)
    return v_w, status, wall(T_p(v_w)).v_w


def test_a_settled_wall_has_the_speed_of_its_own_temperature():
    v_w, status, again = _settled(0.1, 0.02)
    assert Status(int(status)) is Status.SUCCESS
    assert float(again) == pytest.approx(float(v_w), rel=1e-12)
    assert float(v_w) == pytest.approx(0.55649164984, rel=0.05)  # SPEC2 C.2 at the same alpha, Psi


@pytest.mark.long
def test_derivatives_of_a_settled_speed():
    """Forward and reverse, against differences: through the wall and through T_p."""
    given, h = (0.1, 0.02), 1e-5
    forward = jax.jacfwd(lambda g: _settled(*g)[0])(given)
    reverse = jax.jacrev(lambda g: _settled(*g)[0])(given)
    for k in range(2):
        ends = [
            float(_settled(*(g * (1 + s * h * (i == k)) for i, g in enumerate(given)))[0])
            for s in (1, -1)
        ]
        difference = (ends[0] - ends[1]) / (2 * h * given[k])
        assert float(forward[k]) == pytest.approx(difference, rel=1e-7)
        assert float(reverse[k]) == pytest.approx(difference, rel=1e-7)


@pytest.mark.long
def test_walls_that_do_not_settle_have_a_status():
    third = jnp.sqrt(1 / 3)

    def of(alpha, Psi):
        found = settled_speed(lambda v: 1 + v, lambda T: wall_speed(alpha, Psi, third, third))
        return Status(int(found[1])), float(found[0])

    # SPEC2 C.2: rows without a wall
    assert of(0.05, 0.95) == (Status.RUNAWAY_WALL, 1.0)
    assert of(0.01, 0.96)[0] is Status.STATIC_WALL

"""Bounces that do not exist beside one that does: the action of c V is S/c in four dimensions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Status
from jaxbounce.bounce import solve_bounce


def _potential(phi, theta):
    """Barrier between 0 and about 1 for a tilt above zero; none lower than 0 for one below."""
    scale, tilt = theta
    x = phi[0]
    return scale * (x**2 * (1 - x) ** 2 / 2 - tilt * x**3)


def _run(scale, tilt):
    bounce = solve_bounce(_potential, (scale, tilt), jnp.zeros(1), jnp.array([1.5]))
    return bounce.action, bounce.status


@jax.jit
def _batch(scales, tilts):
    """Actions, which are good, and the slopes of the sum of the good ones and of each.

    One program: the bounces are compiled once, and pulled back twice.
    """
    action, pull, status = jax.vjp(jax.vmap(_run), scales, tilts, has_aux=True)
    good = status == Status.SUCCESS
    masked = jax.grad(lambda S: jnp.where(good, S, 0.0).sum())(action)
    return action, good, pull(masked), pull(jnp.ones_like(action))


@pytest.mark.slow
def test_failed_bounces_leave_gradients_alone():
    action, good, masked, each = _batch(jnp.full(3, 2.0), jnp.array([0.3, -0.5, jnp.nan]))
    np.testing.assert_array_equal(good, [True, False, False])
    np.testing.assert_allclose(masked[0], [-action[0] / 2.0, 0.0, 0.0], rtol=1e-7)
    for slopes, slope in zip(masked, each, strict=True):
        np.testing.assert_array_equal(np.asarray(slopes)[1:], 0.0)
        np.testing.assert_array_equal(np.isnan(slope), ~np.asarray(good))

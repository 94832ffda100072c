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


@pytest.mark.slow
def test_failed_bounces_leave_gradients_alone():
    tilts = jnp.array([0.3, -0.5, jnp.nan])

    def run(scale, tilt):
        return solve_bounce(_potential, (scale, tilt), jnp.zeros(1), jnp.array([1.5]))

    def total(scale):
        found = jax.vmap(lambda t: run(scale, t))(tilts)
        good = found.status == Status.SUCCESS
        return jnp.where(good, found.action, 0.0).sum(), good

    (action, good), slope = jax.jit(jax.value_and_grad(total, has_aux=True))(2.0)
    np.testing.assert_array_equal(good, [True, False, False])
    np.testing.assert_allclose(slope, -action / 2.0, rtol=1e-7)
    each = jax.jit(jax.vmap(jax.grad(lambda s, t: run(s, t).action, (0, 1)), (None, 0)))(2.0, tilts)
    for leaf in each:
        np.testing.assert_array_equal(np.isnan(leaf), ~np.asarray(good))

"""A scan of couplings in one compiled program, with a status per point."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.transition import find_transition

POINTS = 200


def pole(T, theta):
    """S₃/T of SPEC C.6, at its couplings 3.9 and 120 GeV."""
    below = theta["T_c"] > T
    ratio = jnp.where(below, T / theta["T_c"], 0.0)
    return jnp.where(below, theta["A"] / (1 - ratio) ** 2, jnp.nan)


def one(A):
    theta = {"A": A, "T_c": jnp.asarray(120.0)}
    return find_transition(pole, theta, 20.0, 125.0, v_w=0.3)


@pytest.mark.long
def test_two_hundred_couplings_are_one_program():
    """Also at strengths at which nothing happens, which leave the others alone."""
    scan = jax.jit(jax.vmap(eqx.debug.assert_max_traces(one, max_traces=1)))
    A = np.geomspace(0.5, 500.0, POINTS)
    A[::40] = 3.9
    A[[7, 50]] = -1.0, np.nan
    found = scan(jnp.asarray(A))
    scan(jnp.asarray(A[::-1].copy()))
    T_p, status = np.asarray(found.T_p), np.asarray(found.status)
    # SPEC C.6
    np.testing.assert_allclose(T_p[::40], 98.630986875922904, rtol=1e-10)
    good = status == Status.SUCCESS
    np.testing.assert_array_equal(np.isfinite(T_p), good)
    assert not good[[7, 50]].any()
    assert (status[(A > 200)] == Status.NO_TRANSITION).all()
    assert 100 < good.sum() < POINTS
    # the larger the action, the later
    usual = good.copy()
    usual[::40] = False
    assert (np.diff(T_p[usual]) < 0).all()

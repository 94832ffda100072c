"""The error that a bounce states of its action, on a potential with a kink on the barrier."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rough
from tiers import long_but

from jaxbounce._core.status import Status
from jaxbounce.bounce import solve, solve_bounce
from jaxbounce.bounce.grid import Elements

pytestmark = pytest.mark.slow

CASES = np.stack([np.repeat([0.45, 0.5, 0.55, 0.6], 4), np.tile([0.23, 0.31, 0.37, 0.44], 4)])


@pytest.fixture(scope="module")
def exact():
    return np.array([rough.action(*case) for case in CASES.T])


@pytest.mark.parametrize("elements", long_but([Elements(22, 11), Elements(9, 7)], Elements(9, 7)))
def test_a_kink_costs_no_number_and_the_stated_error_holds(monkeypatch, exact, elements):
    monkeypatch.setattr(solve, "ELEMENTS", elements)

    # a function of its own for each grid: another program
    def potential(phi, theta):
        return rough.potential(phi, theta)

    @jax.jit
    def run(cases):
        def one(case):
            bounce = solve_bounce(potential, (case[0], case[1]), [0.0], [1.4], 3)
            return bounce.action, bounce.kinetic, bounce.certificate, bounce.status

        return jax.lax.map(one, cases)

    action, kinetic, certificate, status = run(jnp.asarray(CASES.T))
    good = np.asarray(status) == Status.SUCCESS
    true = np.abs(np.asarray(action) - exact)[good] / np.asarray(kinetic)[good]
    stated = np.asarray(certificate.action_error)
    # 5e-10 for what shooting is good to
    np.testing.assert_array_less(true, stated[good] + 5e-10)
    np.testing.assert_array_less(true, 1e-7)
    if elements.order == 11:
        assert good.sum() >= 15
        assert (stated[~good] > 1e-7).all()
        # Derrick's identity to 1e-6 alone would have withheld some
        assert (np.asarray(certificate.derrick) > 1e-6).any()
    else:
        # fewer nodes: seen, and mostly withheld
        assert np.median(stated) > 1e-7
        assert not good.all()

"""The collocation method on an equation with a solution that is known, stiff or not."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce.yields.collocation import Collocation, StageEquation


class Relaxation(StageEquation):
    """U' = −λ (U − cos ωt) − ω sin ωt, whose solution from U(0) = 1 is cos ωt for any λ.

    Source: A. Prothero, A. Robinson, Math. Comp. 28 (1974) 145. Further than
    `reach` from the solution the slope is no number.
    """

    def coefficients(self, t, args):
        rate, omega, reach = args
        return rate, jnp.cos(omega * t), omega, omega * t, reach

    def slope(self, known, U):
        rate, target, omega, phase, reach = known
        known = jnp.where(jnp.abs(U - target) < reach, 1.0, jnp.nan)
        return known * (-rate * (U - target) - omega * jnp.sin(phase)), rate * jnp.ones_like(U)

    def attractor(self, known):
        return known[1]

    def gain(self, known, U, slope):
        return U, jnp.ones_like(U)

    def probe(self, known, U):
        return jnp.zeros_like(U), jnp.ones_like(U)


@jax.jit
@jax.vmap
def _solve(rate, omega, reach, tolerance):
    """U and its estimated error at t = 1, ∫ U dt, and whether it succeeded."""
    zero = jnp.asarray(0.0)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: y),
        Collocation(Relaxation(), zero),
        0.0,
        1.0,
        1.0,
        (jnp.asarray(1.0), zero, zero, jnp.asarray(1.0), zero),
        args=(rate, omega, reach),
        stepsize_controller=diffrax.PIDController(
            rtol=0.0, atol=tolerance, norm=lambda e: jnp.max(jnp.stack(e)), dtmin=1e-9
        ),
        max_steps=512,
        throw=False,
    )
    assert solution.ys is not None
    U, gained, error, *_ = (leaf[-1] for leaf in solution.ys)
    return U, gained, error, solution.result == diffrax.RESULTS.successful


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10])
def test_estimates_cover_the_errors_of_a_known_solution(tolerance):
    rate, omega = (x.ravel() for x in np.meshgrid(10.0 ** np.arange(-2, 9), [0.3, 5.0, 60.0]))
    far, same = np.full(rate.size, np.inf), np.full(rate.size, tolerance)
    U, gained, error, solved = _solve(rate, omega, far, same)
    assert solved.all()
    wrong = np.abs(U - np.cos(omega)) + np.abs(gained - np.sin(omega) / omega)
    assert (wrong <= error).all()
    if tolerance < 1e-9:
        assert wrong.max() < 3e-10


def test_a_step_into_what_is_no_number_is_made_smaller():
    """And where nothing is a number the solve says that it failed, beside one that does not."""
    one = np.ones(3)
    reach = np.array([np.inf, 0.3, -1.0])
    U, *_, solved = _solve(one, 5 * one, reach, 1e-10 * one)
    assert solved.tolist() == [True, True, False]
    np.testing.assert_allclose(U[:2], np.cos(5.0), rtol=1e-9)

"""Continuous symmetries: any number of Goldstone directions, in any direction of field space."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiers import long_but

from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce

# shooting for one real field, V = φ²/2 − φ⁴/4 + 0.18 φ⁶/8 in D = 3
ACTION, VACUUM = 100.0606971747, 2.493126104216928


def potential(phi, theta):
    """U(φ²), which is O(4) symmetric, and a valley q₁ = q₂ that may leave less of that."""
    m2, strength, k, first, second, valley = theta
    q1, q2 = first @ phi**2, second @ phi**2
    Q = q1 + q2
    return m2 / 2 * Q - strength / 4 * Q**2 + k / 8 * Q**3 + valley / 2 * (q1 - q2) ** 2


@pytest.fixture(scope="module")
def solve():
    """The bounce, and its change along which S and φ scale: S ~ 1/l and φ ~ l^{−½} at k ~ l²."""
    zero = jnp.zeros(4)

    @jax.jit
    def solved(first, second, valley, direction):
        scale = (0.0, 1.0, 2 * 0.18, 0 * first, 0 * second, 0.0)
        theta = (1.0, 1.0, 0.18, first, second, valley)

        def run(theta):
            bounce = solve_bounce(potential, theta, zero, VACUUM * direction, 3)
            return bounce.action, bounce.fields(0.0), bounce

        (action, centre, bounce), (slope, turn, _) = jax.jvp(run, (theta,), (scale,))
        return bounce, action, centre, slope, turn

    return solved


def _directions(kind, rng):
    if kind == "doublet":
        return rng.normal(size=4)
    if kind == "two phases":
        angles = rng.uniform(0, 2 * np.pi, 2)
        return np.ravel([[np.cos(a), np.sin(a)] for a in angles])
    vector = rng.normal(size=3)
    return np.append(vector / np.linalg.norm(vector), rng.choice([-1.0, 1.0]))


KINDS = {
    "doublet": (np.ones(4), np.zeros(4), 0.0, 3),
    "two phases": (np.array([1.0, 1, 0, 0]), np.array([0.0, 0, 1, 1]), 0.3, 2),
    "vector and singlet": (np.array([1.0, 1, 1, 0]), np.array([0.0, 0, 0, 1]), 0.3, 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", long_but(KINDS, "two phases", "vector and singlet"))
def test_the_action_does_not_depend_on_the_direction(kind, solve):
    rng = np.random.default_rng(3)
    first, second, valley, zero_modes = KINDS[kind]
    found = []
    for _ in range(6):
        direction = _directions(kind, rng)
        direction /= np.linalg.norm(direction)
        bounce, action, centre, slope, turn = solve(first, second, valley, direction)
        assert Status(int(bounce.status)) is Status.SUCCESS
        assert int(bounce.certificate.zero_modes) == zero_modes
        assert int(bounce.certificate.negative_modes) == 1
        np.testing.assert_allclose(action, ACTION, rtol=1e-10)
        # the descent begins 1e-4 aside, and stays there where the valley is flat
        np.testing.assert_allclose(bounce.inner_vacuum, VACUUM * direction, atol=1e-3)
        along = centre @ direction
        # the zero modes are held where the search left them, which is to its own accuracy
        np.testing.assert_allclose(centre, along * direction, atol=1e-5)
        np.testing.assert_allclose(slope, -action, rtol=1e-8)
        # nothing turns it: the change of the profile is along the profile
        np.testing.assert_allclose(turn, -centre / 2, atol=1e-6)
        found.append(float(action))
    np.testing.assert_allclose(found, found[0], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("broken", [1e-2, 1e-5, 1e-8])
def test_a_discrete_symmetry_is_not_mistaken_for_a_continuous_one(broken, solve):
    # one field is a little heavier in all of V: its axis is that of the deepest vacua, ψ = √w φ
    # there has S = w^{−3/2} S₁, and the vacua of the others are saddles, turned by O(3)
    weights = np.array([1 + broken, 1.0, 1.0, 1.0])
    bounce, action, *_ = solve(weights, np.zeros(4), 0.0, np.eye(4)[0])
    assert Status(int(bounce.status)) is Status.SUCCESS
    assert int(bounce.certificate.zero_modes) == 0
    assert float(action) == pytest.approx(ACTION * (1 + broken) ** -1.5, rel=1e-10)
    bounce, *_ = solve(weights, np.zeros(4), 0.0, np.eye(4)[1])
    assert Status(int(bounce.status)) is Status.NOT_A_BOUNCE
    assert int(bounce.certificate.zero_modes) == 2

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bounces
from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential.library import polynomial

THETA = jnp.asarray(bounces.adams(0.8))
ADAMS = [0.0], [1.35], 3


def _numbers(theta):
    bounce = solve_bounce(polynomial, theta, *ADAMS)
    return {
        "S": bounce.action,
        "kinetic": bounce.kinetic,
        "R_peak": bounce.R_peak,
        "FWHM": bounce.FWHM,
        "phi": bounce.fields(4.0)[0],
    }


@pytest.mark.long
def test_forward_and_reverse_agree_with_differences():
    direction = jnp.array([0.0, 0.02, 0.1, -0.3, 0.2])  # moves the vacua too
    forward = jax.jit(lambda t: jax.jvp(_numbers, (t,), (direction,))[1])(THETA)
    reverse = jax.jit(jax.jacrev(_numbers))(THETA)
    h = 1e-4
    numbers = jax.jit(_numbers)
    up, down = numbers(THETA + h * direction), numbers(THETA - h * direction)
    for name, slope in forward.items():
        difference = float(up[name] - down[name]) / (2 * h)
        assert float(slope) == pytest.approx(difference, rel=1e-5), name
        assert float(reverse[name] @ direction) == pytest.approx(float(slope), rel=1e-10), name


@pytest.mark.long
def test_batches_carry_a_status_per_point():
    delta = jnp.array([0.3, 2.5, 0.8, jnp.nan, 1.2])
    table = jnp.zeros((5, 5)).at[:, 2].set(delta / 8).at[:, 3].set(-0.5).at[:, 4].set(0.25)

    def action(theta):
        bounce = solve_bounce(polynomial, theta, *ADAMS)
        return bounce.action, bounce.status

    (S, status), slope = jax.jit(
        jax.vmap(lambda t: (action(t), jax.grad(lambda u: action(u)[0])(t)))
    )(table)
    expected = [Status.SUCCESS, Status.TRUE_VACUUM_NOT_DEEPER, Status.SUCCESS]
    expected += [Status.INVALID_PARAMETER, Status.SUCCESS]
    assert [Status(int(s)) for s in status] == expected
    # bounce_cases.json
    reference = [0.45809220288605024, np.nan, 2.7129562808827132, np.nan, 7.3091150251647905]
    np.testing.assert_allclose(S, reference, rtol=1e-10)
    good = np.array([0, 2, 4])
    assert bool(jnp.isfinite(slope[good]).all())
    # scaling V by s multiplies S₃ by 1/√s: θ·∂S/∂θ = −S/2
    np.testing.assert_allclose((slope * table).sum(1)[good], -S[good] / 2, rtol=1e-9)


@pytest.mark.long
def test_hessian_of_the_action_is_symmetric_and_right():
    def action(theta):
        return solve_bounce(polynomial, theta, *ADAMS).action

    hessian = jax.jit(jax.hessian(action))(THETA)
    gradient = jax.jit(jax.grad(action))
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-8, atol=1e-8)
    direction, h = jnp.array([0.0, 0.02, 0.1, -0.3, 0.2]), 1e-4
    difference = (gradient(THETA + h * direction) - gradient(THETA - h * direction)) / (2 * h)
    np.testing.assert_allclose(hessian @ direction, difference, rtol=1e-5, atol=1e-6)


@pytest.mark.long
def test_special_points_have_finite_derivatives_in_a_batch_and_alone():
    table = np.zeros((3, 5, 5))
    table[:, :, 0] = bounces.adams(0.8)
    decoupled, equal_masses, massless = table
    decoupled[0, 2] = 0.7
    equal_masses[0, 2], equal_masses[2, 2] = equal_masses[2, 0], 0.3
    massless[2, 2] = 0.3  # φ₂ is massless at the false vacuum, massive inside

    def action(theta):
        return bounces.solve(theta, [0.0, 0.0], [1.35, 0.0], 4).action

    both = jax.value_and_grad(action)
    S, slopes = jax.jit(jax.vmap(both))(jnp.asarray(table))
    np.testing.assert_allclose(S, 39.651944011881845, rtol=1e-9)
    assert bool(jnp.isfinite(slopes).all())
    # in four dimensions scaling V by s multiplies S by 1/s
    np.testing.assert_allclose((slopes * table).sum((1, 2)), -S, rtol=1e-9)
    alone = jax.jit(both)
    for theta, slope in zip(jnp.asarray(table), slopes, strict=True):
        np.testing.assert_allclose(alone(theta)[1], slope, rtol=1e-8, atol=1e-8)

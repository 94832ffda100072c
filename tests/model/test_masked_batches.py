"""Batches in which some points have no number: their gradients, for every way to fail.

Exact derivatives: Y_B is proportional to f_χ (quadrature) and to the χ there is at the start
(Boltzmann without annihilation), a local P is 1 − e^{−2πδ} with δ ∝ 1/v, and the action of c V is
S/c in four dimensions.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxbounce
from boltzmann_points import BENCHMARK, choices
from jaxbounce import Parameters, Status, predict
from jaxbounce.conversion import Couplings, LocalLandauZener, TanhWall, WallConversion
from jaxbounce.yields import solve_boltzmann

SPEEDS = jnp.array([0.1, 0.3])


@pytest.fixture(scope="module")
def model():
    return jaxbounce.load(preset="exact")


@pytest.fixture(scope="module")
def slope(model):
    """∂/∂f_χ of Σ ρ_B over the points with a number, and the sum of their ρ_B."""

    def total(f_chi, speeds, masses):
        run = jax.vmap(lambda v, m: predict(model.replace(v_w=v, f_chi=f_chi, m_chi=m)))
        result = run(speeds, masses)
        return jnp.where(result.status == Status.SUCCESS, result.rho_B, 0.0).sum()

    return jax.jit(jax.value_and_grad(total))


@pytest.mark.slow
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.5, 1.0, 0.0, -0.1])
def test_masked_points_of_a_batch_leave_its_gradient_alone(slope, bad):
    ones = jnp.full(3, 0.95)
    total, found = slope(1e-9, jnp.array([0.1, 0.3, bad]), ones)
    # what a batch without the third point has; proportional to f_χ
    np.testing.assert_allclose(total, 1.2483412999e-29, rtol=1e-9)
    np.testing.assert_allclose(found, total / 1e-9, rtol=1e-12)
    total, found = slope(1e-9, jnp.array([0.1, 0.3, 0.5]), ones.at[2].set(bad - 1))
    if bad < 1:  # a negative mass
        np.testing.assert_allclose(found, 1.2483412999e-20, rtol=1e-9)


@pytest.mark.slow
def test_an_invalid_point_alone_has_no_derivative(model):
    def rho_B(parameters):
        return predict(dataclasses.replace(model, parameters=parameters)).rho_B

    def rho_DM(parameters):
        return predict(dataclasses.replace(model, parameters=parameters)).rho_DM

    for name, value in (("v_w", 1.5), ("P", -0.1), ("T_p", np.nan)):
        bad = model.replace(**{name: value}).parameters
        for density in (rho_B, rho_DM):
            for leaf in jax.tree.leaves(jax.grad(density)(bad)):
                assert np.isnan(leaf)
            tangent = jax.jvp(density, (bad,), (jax.tree.map(jnp.ones_like, bad),))[1]
            assert np.isnan(tangent)


@pytest.mark.slow
def test_failed_solves_of_the_boltzmann_equations():
    """Too little χ for the source, an invalid speed, a start that is not a number."""
    external = choices(coupling="external", kernel="eq6", equilibrium="piecewise")
    speeds = jnp.array([0.3, 0.3, 1.5, 0.3, 0.4])
    start = jnp.array([4.9e-10, 1e-12, 4.9e-10, np.nan, 4.9e-10])

    def run(P, v_w, Y_chi):
        return solve_boltzmann(Parameters(**BENCHMARK | {"P": P, "v_w": v_w}), external, Y_chi)

    def total(P):
        found = jax.vmap(lambda v, Y: run(P, v, Y))(speeds, start)
        return jnp.where(found.status == Status.SUCCESS, found.Y_B, 0.0).sum(), found.status

    P = BENCHMARK["P"]
    (Y_B, status), found = jax.jit(jax.value_and_grad(total, has_aux=True))(P)
    expected = [
        Status.SUCCESS,
        Status.CHI_EXHAUSTED,
        Status.INVALID_PARAMETER,
        Status.INVALID_PARAMETER,
        Status.SUCCESS,
    ]
    np.testing.assert_array_equal(status, expected)
    np.testing.assert_allclose(found, Y_B / P, rtol=1e-10)
    each = jax.jit(jax.vmap(jax.grad(lambda v, Y: run(P, v, Y).Y_B, (0, 1))))(speeds, start)
    for leaf in each:
        np.testing.assert_array_equal(np.isnan(leaf), np.asarray(status) != Status.SUCCESS)


@pytest.mark.slow
def test_failed_conversions():
    """Levels that do not cross, a coupling that is not a number, one that is negative."""

    def run(lam, y_chi, v_w):
        wall = TanhWall(1.2, 0.85, 1.5)
        couplings = Couplings(lam=lam, y_B=1.0, y_chi=y_chi)
        return WallConversion(wall, couplings, LocalLandauZener())(v_w, 1.0)

    y_chi = jnp.array([1.0, 0.0, np.nan, 1.0, 1.2])

    def total(v_w):
        found = jax.vmap(lambda lam, y: run(lam, y, v_w))(LAM, y_chi)
        good = found.status == Status.SUCCESS
        P = jnp.where(good, found.P, 0.5)
        # d/dv (1 − e^{−c/v}) = −(1 − P) c/v², c/v = −ln(1 − P)
        return jnp.where(good, P, 0.0).sum(), (P, good)

    LAM = jnp.array([0.2, 0.2, 0.2, np.nan, 0.1])
    (_, (P, good)), found = jax.jit(jax.value_and_grad(total, has_aux=True))(0.3)
    assert good[0]
    assert good[4]
    assert not np.any(np.asarray(good)[1:4])
    exact = np.where(good, (1 - P) * np.log1p(-P) / 0.3, 0.0).sum()
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    each = jax.jit(jax.vmap(jax.grad(lambda lam, y: run(lam, y, 0.3).P, (0, 1))))(LAM, y_chi)
    for leaf in each:
        np.testing.assert_array_equal(np.isnan(leaf), ~np.asarray(good))

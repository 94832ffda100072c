"""Steady planar walls: closed forms with and without friction, curved paths, thin bubbles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.bounce import planar_wall, solve_bounce
from jaxbounce.conversion.planar_wall import PlanarProfile, tanh_of
from jaxbounce.conversion.wall import TwoCentreTanhWall


def quartic(phi, theta):
    """V' = λ φ (φ − 1)(φ − m): every cubic–quartic barrier, and for m = ½ that of a φ⁴ kink.

    Its wall is φ = 1/(1 + e^{kξ}), k = √(λ/2), at c = k (1 − 2m), as J. Nagumo's equation has it.
    """
    x, lam, m = phi[0], theta["lam"], theta["m"]
    return lam * (x**4 / 4 - (1 + m) * x**3 / 3 + m * x**2 / 2)


def couplings(lam, m):
    return {"lam": jnp.asarray(lam), "m": jnp.asarray(m)}


@pytest.mark.parametrize(("lam", "m"), [(2.0, 0.5), (1.0, 0.3), (1e-8, 0.45), (5.0, 0.02)])
def test_the_kink_of_a_quartic(lam, m):
    wall, k = planar_wall(quartic, couplings(lam, m), [0.0], [1.01]), np.sqrt(lam / 2)
    xi = np.linspace(-12, 12, 49) / k
    assert Status(int(wall.status)) is Status.SUCCESS
    assert float(wall.friction) == pytest.approx(k * (1 - 2 * m), rel=1e-12, abs=1e-13 * k)
    assert float(wall.tension) == pytest.approx(k / 6, rel=1e-12)
    assert float(wall.width) == pytest.approx(2 / k, rel=1e-11)
    assert abs(float(wall.centre)) * k < 1e-12
    exact = 1 / (1 + np.exp(k * xi))
    np.testing.assert_allclose(wall.fields(xi)[:, 0], exact, atol=1e-12)
    np.testing.assert_allclose(wall.slopes(xi)[:, 0], -k * exact * (1 - exact), atol=1e-11 * k)
    assert 1e-13 < float(wall.error) < 1e-9
    energy = wall.energy_density(quartic, couplings(lam, m), xi)
    height = lam * (exact**4 / 4 - (1 + m) * exact**3 / 3 + m * exact**2 / 2)
    slope = k * exact * (1 - exact)
    np.testing.assert_allclose(energy, slope**2 / 2 + height, atol=1e-12 * lam)


def test_two_fields_on_a_curved_path():
    """φ₁ = tanh(σξ), φ₂ = √(1 − σ²) sech(σξ), of C. Montonen (1976); a term without slope on it."""
    sigma = 0.6

    def montonen(phi, theta):
        x, y = phi
        ellipse = x**2 + y**2 / (1 - theta**2) - 1
        well = (x**2 + y**2 - 1) ** 2 / 2 + theta**2 * y**2 / 2
        return well + ellipse**2 * (1.5 - y) / 2

    wall = planar_wall(montonen, jnp.asarray(sigma), [1.0, 0.0], [-1.0, 0.0])
    assert Status(int(wall.status)) is Status.SUCCESS
    assert abs(float(wall.friction)) < 1e-11
    assert float(wall.tension) == pytest.approx(2 * sigma * (1 - sigma**2 / 3), rel=1e-11)
    xi = np.linspace(-9, 9, 37)
    exact = np.stack([np.tanh(sigma * xi), np.sqrt(1 - sigma**2) / np.cosh(sigma * xi)], -1)
    np.testing.assert_allclose(wall.fields(xi), exact, atol=1e-11)
    # tanh² has the tanh's own width; the other field's slope vanishes at its centre
    profile = PlanarProfile(wall, hidden=1, brane=0)
    np.testing.assert_allclose(profile.fields(xi)[1], np.abs(exact[:, 0]), atol=1e-11)
    centres, _ = wall.tanh_moments((0, 1))
    np.testing.assert_allclose(centres, 0.0, atol=1e-11)


def test_the_tanh_of_a_wall_that_is_one():
    def two(phi, theta):
        """One field runs down as the other runs up, along a straight line."""
        along, across = (phi[0] - phi[1] + 1) / 2, phi[0] + phi[1] - 1
        return 2 * quartic(along[None], theta) + across**2 * (1 + along**2)

    theta = couplings(3.0, 0.2)
    wall = planar_wall(two, theta, [0.0, 1.0], [1.0, 0.0])
    fitted, k = tanh_of(wall), np.sqrt(3 / 2)
    assert isinstance(fitted, TwoCentreTanhWall)
    assert float(wall.friction) == pytest.approx(k * 0.6, rel=1e-11)
    assert float(fitted.width) == pytest.approx(2 / k, rel=1e-10)
    xi = np.linspace(-6, 6, 25)
    for ours, theirs in zip(PlanarProfile(wall).fields(xi), fitted.fields(xi), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_critical_bubbles_have_the_wall_where_they_are_large():
    """c R → 2, and the profile, both as 1/R²: friction takes the place of 2/r but for ξ/R²."""
    apart = []
    for m in (0.45, 0.475):
        wall = planar_wall(quartic, couplings(1.0, m), [0.0], [1.0])
        bubble = solve_bounce(quartic, couplings(1.0, m), [0.0], [1.0], 3)
        # the mean of r under φ'², as `centre` is that of ξ
        r = float(bubble.R_peak) + np.linspace(-25, 25, 4001)
        weight = np.gradient(np.asarray(bubble.fields(r))[:, 0], r) ** 2
        R, xi = (weight * r).sum() / weight.sum(), np.linspace(-6, 6, 49)
        ours = np.asarray(wall.fields(xi + wall.centre))[:, 0]
        profile = np.abs(ours - np.asarray(bubble.fields(R + xi))[:, 0]).max()
        apart.append([abs(float(wall.friction) * R / 2 - 1), profile])
    # what comes after 1/R² is still a few per cent there
    np.testing.assert_allclose(np.divide(*apart), 4.0, rtol=0.1)
    assert max(apart[1]) < 1e-3


def test_what_is_no_wall_has_a_status():
    theta = couplings(1.0, 0.3)
    statuses = [
        planar_wall(quartic, theta, *vacua).status for vacua in (([0.3], [1.0]), ([0.0], [0.3]))
    ]
    assert [Status(int(s)) for s in statuses] == [
        Status.FALSE_VACUUM_NOT_MINIMUM,
        Status.TRUE_VACUUM_NOT_MINIMUM,
    ]

    def three(phi, theta):
        """Equal steps down from 0 to 1 to 2: two walls, of which the inner is slower."""
        x = phi[0]
        return x**2 * (x - 1) ** 2 * (x - 2) ** 2 - theta * x * (x - 1) - 0.05 * x

    wall = planar_wall(three, jnp.asarray(-0.01), [0.0], [2.0])
    assert Status(int(wall.status)) is Status.WALL_NOT_CONVERGED
    assert np.isnan(float(wall.friction))


@pytest.mark.slow
def test_derivatives_of_a_wall():
    """Forward, reverse, in a batch with a wall that there is none of."""

    def numbers(theta):
        wall = planar_wall(quartic, theta, [0.0], [1.0])
        values = (wall.friction, wall.tension, wall.width, wall.fields(jnp.asarray(0.7))[0])
        return jnp.where(wall.status == Status.SUCCESS.value, jnp.stack(values), 0.0)

    batch = couplings([1.3, 1.3], [0.3, -0.2])
    forward = jax.jit(jax.vmap(jax.jacfwd(numbers)))(batch)
    reverse = jax.jit(jax.vmap(jax.jacrev(numbers)))(batch)
    k = np.sqrt(0.65)
    of_k, u = k / 2.6, 1 / (1 + np.exp(0.7 * k))
    exact = {
        "lam": of_k * np.array([0.4, 1 / 6, -2 / k**2, -0.7 * u * (1 - u)]),
        "m": np.array([-2 * k, 0.0, 0.0, 0.0]),
    }
    for found in (forward, reverse):
        for name, slopes in exact.items():
            np.testing.assert_allclose(found[name][0], slopes, atol=1e-10)
            np.testing.assert_array_equal(found[name][1], 0.0)

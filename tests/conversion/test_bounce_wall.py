import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bounces
from jaxbounce._core.status import Status
from jaxbounce.conversion import BounceWall, LocalLandauZener, TwoLevelPropagation
from jaxbounce.conversion.wall import Couplings, crossings, level_splitting
from jaxbounce.potential.library import Portal, portal

G = 2.313019
COUPLINGS = Couplings(1.0, 1.0, 0.209)


def numbers(g, r_max=None):
    """What SPEC I2 lists of the published wall, the local conversion probability, the bounce."""
    bounce = bounces.published(Portal(g=g), r_max)
    wall = BounceWall(bounce)
    xi = crossings(wall, COUPLINGS).xi[0]
    _, slope = jax.jvp(lambda x: level_splitting(wall, COUPLINGS, x), (xi,), (1.0,))
    found = {
        "S": bounce.action,
        "R_peak": bounce.R_peak,
        "FWHM": bounce.FWHM,
        "xi": xi,
        "phi": wall.fields(xi)[1],
        "slope": slope,
        "P": LocalLandauZener()(wall, COUPLINGS, 0.3).P,
    }
    return found, bounce


# one program with derivatives: more than a minute to compile on a busy machine
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def infinite():
    """Values, derivatives in g, and the bounce, from one program."""
    return jax.jit(lambda g: jax.jvp(numbers, (g,), (1.0,), has_aux=True))(G)


@pytest.fixture(scope="module")
def published(infinite):
    return infinite[2]


@pytest.mark.long
def test_published_wall_in_infinite_volume(infinite):
    # SPEC I2, bounce_cases.json
    values, _, bounce = infinite
    assert Status(int(bounce.status)) is Status.SUCCESS
    assert float(values["S"]) == pytest.approx(1074.0283786, rel=1e-9)
    assert float(values["R_peak"]) == pytest.approx(5.8601977, rel=1e-8)
    assert float(values["FWHM"]) == pytest.approx(1.75178999, rel=1e-8)
    assert float(bounce.fields(0.0)[0]) == pytest.approx(2.0411065, rel=1e-7)
    assert float(values["xi"]) == pytest.approx(-0.15154888, rel=1e-7)
    assert float(values["phi"]) == pytest.approx(0.37267202, rel=2e-8)
    assert float(values["slope"]) == pytest.approx(0.78569178, rel=2e-8)
    # the published pipeline's P for its box is 0.14926
    assert float(values["P"]) == pytest.approx(0.14926, rel=1e-3)
    certificate = bounce.certificate
    assert float(certificate.newton_step) < 1e-8
    assert float(certificate.derrick) < 1e-9
    assert float(certificate.far_field) < 1e-9
    assert float(certificate.negative_modes) == 1


def test_published_wall_has_the_known_derivatives(infinite):
    # SPEC I2, bounce_cases.json
    _, slopes, _ = infinite
    assert float(slopes["S"]) == pytest.approx(108.036621, rel=1e-8)
    assert float(slopes["xi"]) == pytest.approx(0.067084, rel=2e-5)
    assert float(slopes["phi"]) == pytest.approx(-0.0435581, rel=2e-6)
    assert float(slopes["slope"]) == pytest.approx(0.0119745, rel=1e-5)


def test_parts_obey_the_virial_theorem(published):
    # S = (2/D) T in infinite volume
    assert float(published.kinetic) == pytest.approx(2 * float(published.action), rel=1e-9)
    total = published.kinetic + published.potential
    assert float(total) == pytest.approx(float(published.action), rel=1e-14)


def test_profile_solves_the_field_equations(published):
    r = jnp.linspace(0.5, 30.0, 60)
    theta = Portal(*map(jnp.asarray, Portal()))
    first = jax.jit(jax.vmap(jax.jacfwd(published.fields)))(r)
    second = jax.jit(jax.vmap(jax.jacfwd(jax.jacfwd(published.fields))))(r)
    force = jax.vmap(lambda phi: jax.grad(portal)(phi, theta))(published.fields(r))
    np.testing.assert_allclose(second + 3 / r[:, None] * first, force, atol=3e-5)


def test_far_tail_falls_off_like_a_massless_field(published):
    # the mass of φ is 2.4e-4: at r ≪ 4000 its tail is 1/r²
    inner, outer = published.r_max * 0.99, published.r_max * 1.01
    tail = published.fields(jnp.stack([inner, outer]))[:, 1] + np.sqrt(3.0)
    assert float(tail[1] / tail[0]) == pytest.approx((0.99 / 1.01) ** 2, rel=1e-2)
    assert np.isfinite(float(published.fields(1e9)[1]))


@pytest.mark.long
def test_the_box_gives_the_published_wall():
    # SPEC I2: Dirichlet at r = 100
    values, slopes, bounce = jax.jit(
        lambda g: jax.jvp(lambda g: numbers(g, 100.0), (g,), (1.0,), has_aux=True)
    )(G)
    assert float(values["S"]) == pytest.approx(1078.227474, rel=1e-9)
    assert float(values["R_peak"]) == pytest.approx(5.8666181, rel=1e-7)
    assert float(values["FWHM"]) == pytest.approx(1.75113027, rel=1e-7)
    assert float(values["xi"] + values["R_peak"]) == pytest.approx(5.71539147, rel=1e-8)
    assert float(values["phi"]) == pytest.approx(0.3729812, rel=1e-7)
    assert float(values["slope"]) == pytest.approx(0.78720352, rel=1e-7)
    assert float(slopes["S"]) == pytest.approx(108.66847, rel=1e-7)
    # given as 0.066938; differences and finer grids give 0.0669343
    assert float(slopes["xi"]) == pytest.approx(0.066938, rel=1e-4)
    np.testing.assert_allclose(bounce.fields(100.0), bounces.FALSE_PORTAL, atol=1e-12)


@pytest.mark.long
def test_the_second_derivative_of_the_action():
    # SPEC I2
    second = jax.jit(jax.hessian(lambda g: bounces.published(Portal(g=g)).action))(G)
    assert float(second) == pytest.approx(-55.4351, rel=1e-6)


@pytest.mark.long
def test_conversion_is_differentiable_in_the_couplings_of_the_potential():
    def P(g):
        wall = BounceWall(bounces.published(Portal(g=g)))
        return TwoLevelPropagation()(wall, COUPLINGS, 0.3).P_ad

    compiled = jax.jit(jax.value_and_grad(P))
    h = 1e-3
    (up, _), (_, slope), (down, _) = compiled(G + h), compiled(G), compiled(G - h)
    assert float(slope) == pytest.approx(float(up - down) / (2 * h), rel=1e-5)


def test_which_field_is_which_is_checked(published):
    with pytest.raises(ValueError, match="two different fields"):
        BounceWall(published, hidden=1)

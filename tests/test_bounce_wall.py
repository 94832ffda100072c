import bounces
import jax
import pytest

from jaxbounce.bounce import BounceWall
from jaxbounce.conversion import LocalLandauZener, TwoLevelPropagation
from jaxbounce.potential import Portal
from jaxbounce.wall import Couplings, crossings, level_splitting

G = 2.313019
COUPLINGS = Couplings(1.0, 1.0, 0.209)


def crossing(g, r_max=None):
    """ξ*, |φ| and the slope of |φ| − |Φ| there, and the local conversion probability."""
    wall = BounceWall(bounces.published(Portal(g=g), r_max))
    xi = crossings(wall, COUPLINGS).xi[0]
    _, slope = jax.jvp(lambda x: level_splitting(wall, COUPLINGS, x), (xi,), (1.0,))
    return {
        "xi": xi,
        "phi": wall.fields(xi)[1],
        "slope": slope,
        "P": LocalLandauZener()(wall, COUPLINGS, 0.3).P,
    }


def test_the_published_wall_crosses_where_it_should():
    values, slopes = jax.jit(lambda g: jax.jvp(crossing, (g,), (1.0,)))(G)
    # SPEC I2 and bounce_cases.json, infinite volume
    assert float(values["xi"]) == pytest.approx(-0.15154888, rel=1e-6)
    assert float(values["phi"]) == pytest.approx(0.37267202, rel=1e-7)
    assert float(values["slope"]) == pytest.approx(0.78569178, rel=1e-6)
    assert float(slopes["xi"]) == pytest.approx(0.067083, rel=1e-4)
    assert float(slopes["phi"]) == pytest.approx(-0.0435581, rel=1e-5)
    assert float(slopes["slope"]) == pytest.approx(0.0119745, rel=1e-4)


@pytest.mark.slow
def test_the_box_gives_the_published_conversion():
    values = jax.jit(lambda g: crossing(g, 100.0))(G)
    assert float(values["xi"]) == pytest.approx(-0.15122666, rel=1e-6)
    assert float(values["phi"]) == pytest.approx(0.3729812, rel=1e-6)
    assert float(values["slope"]) == pytest.approx(0.78720352, rel=1e-6)


@pytest.mark.slow
def test_conversion_is_differentiable_in_the_couplings_of_the_potential():
    def P(g):
        wall = BounceWall(bounces.published(Portal(g=g)))
        result = TwoLevelPropagation()(wall, COUPLINGS, 0.3)
        return result.P_ad

    compiled = jax.jit(P)
    slope = jax.jit(jax.grad(P))(G)
    h = 1e-3
    difference = float(compiled(G + h) - compiled(G - h)) / (2 * h)
    assert float(slope) == pytest.approx(difference, rel=1e-5)


def test_which_field_is_which_is_checked():
    bounce = bounces.solve(*bounces.ONE_FIELD[3][2:5], 3)
    with pytest.raises(ValueError, match="two different fields"):
        BounceWall(bounce)

"""More than two vacua: the bounce into the one asked for, or the word that there is none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import shooting
from numpy.polynomial import Polynomial

from bounces import three_phases
from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce
from jaxbounce.bounce.inner_end import inner_end
from jaxbounce.potential.landscape import of_function
from jaxbounce.potential.library import polynomial
from jaxbounce.potential.thermal_functions import J_B

DEGREE = 10


@pytest.fixture(scope="module")
def solve():
    """The bounce of a polynomial of one field in D = 3, and the same wherever it ends."""

    def solved(V: Polynomial, false: float, true: float):
        padded = np.zeros(DEGREE + 1)
        padded[: V.coef.size] = V.coef
        return solve_bounce(polynomial, padded, [false], [true], 3)

    return solved


FALSE = {65.0: 6.25, 68.0: 7.0, 70.0: 7.5, 72.0: 8.0, 74.0: 8.5}

# T, true vacuum asked for, action (SciPy shooting; none if there is no such bounce), where it ends
THREE_PHASES = [
    (74.0, 48.5, 82.63798, 48.5),
    (72.0, 48.0, 63.92278, 48.0),
    (70.0, 47.5, 50.46343, 47.5),
    (70.0, 27.5, 55.08682, 27.5),
    (68.0, 47.0, 40.40583, 47.0),
    (68.0, 27.0, 37.74897, 27.0),
    (65.0, 46.25, None, 26.25),
    (65.0, 26.25, 23.64148, 26.25),
]


@pytest.mark.slow
@pytest.mark.parametrize(("T", "asked", "action", "end"), THREE_PHASES)
def test_the_vacuum_asked_for_or_none(solve, T, asked, action, end):
    false = FALSE[T]
    bounce = solve(three_phases(T), false, asked)
    np.testing.assert_allclose(bounce.inner_vacuum, [end], rtol=1e-5)
    if action is None:
        assert Status(int(bounce.status)) is Status.TUNNELS_ELSEWHERE
        assert np.isnan(float(bounce.action))
    else:
        assert Status(int(bounce.status)) is Status.SUCCESS
        assert float(bounce.action) == pytest.approx(action, rel=2e-7)


@pytest.mark.slow
def test_a_true_vacuum_far_beyond_where_the_wall_ends(solve):
    # near the spinodal; SciPy shooting
    a = 0.7499
    bounce = solve(Polynomial([0, 0, (3 - 4 * a) / 2, -1, a]), 0.0, 1.0)
    assert Status(int(bounce.status)) is Status.SUCCESS
    assert float(bounce.action) == pytest.approx(3.88289123e-5, rel=1e-8)


@pytest.mark.slow
def test_no_bounce_by_way_of_a_lower_vacuum(solve):
    # shots at the direct bounce hang at the middle vacuum and then run past the false one: what
    # ends there is the middle vacuum's own bounce, of S = 165.748405, and not one out of 0
    extrema = [0.0, 0.86211, 2.43053, 3.54100, 4.86006]
    V, _ = scaled(extrema)
    middle = shooting.actions(V, extrema[1], extrema[2])
    assert middle is not None
    assert shooting.actions(V, extrema[3], extrema[4]) == []
    bounce = solve(V, 0.0, extrema[4])
    assert Status(int(bounce.status)) is Status.TUNNELS_ELSEWHERE
    np.testing.assert_allclose(bounce.inner_vacuum, [extrema[2]], rtol=1e-5)
    assert float(solve(V, 0.0, extrema[2]).action) == pytest.approx(middle[0], rel=1e-8)
    assert float(solve(V, extrema[2], extrema[4]).action) == pytest.approx(165.748405, rel=1e-8)


def subcritical(T: float) -> Polynomial:
    """PhaseTracer's example of a phase that opens a second step."""
    return Polynomial(
        [
            0.2 + 0.5 * T - 0.3 * T**2,
            -4.9588 - 3.8262 * T + 2.3338 * T**2,
            10.9473 + 8.94145 * T - 6.23755 * T**2,
            -11.4397 - 8.92383 * T + 6.89683 * T**2,
            6.1325 + 4.27625 * T - 3.60875 * T**2,
            -1.62 - 0.97 * T + 0.89 * T**2,
            0.166667 + 0.0833333 * T - 0.0833333 * T**2,
        ]
    )


def universal(a: float) -> Polynomial:
    return Polynomial([0, 0, (3 - 4 * a) / 2, -1, a])


SEXTIC = Polynomial([0, 0, 1 / 2, 0, -1 / 4, 0, 0.18 / 8])

# V, false vacuum, true vacuum, action in D = 3: SciPy DOP853 shooting, Derrick's identity checked
SHOT = {
    "three phases, 78": (three_phases(78.0), 9.5, 49.5, 151.7056, 1e-6),
    "three phases, 85": (three_phases(85.0), 11.25, 51.25, 901.363, 1e-6),
    "subcritical, first step": (subcritical(1.2), 2.7686, 1.5368, 139.653359, 1e-8),
    "subcritical, second step": (subcritical(1.2), 1.5368, 0.5201, 3.63481614, 1e-8),
    "sextic": (SEXTIC, 0.0, 2.493126104216928, 100.0606971747, 1e-10),
    "thin": (universal(0.501), 0.0, 1.0, 77800.315, 1e-7),
    "very thin": (universal(0.5002), 0.0, 1.0, 1940415.7, 1e-7),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOT)
def test_actions_by_shooting(solve, name):
    V, false, true, action, rel = SHOT[name]
    bounce = solve(V, false, true)
    assert Status(int(bounce.status)) is Status.SUCCESS
    assert float(bounce.action) == pytest.approx(action, rel=rel)
    np.testing.assert_allclose(bounce.inner_vacuum, [true], rtol=1e-4)


def scaled(extrema) -> tuple[Polynomial, list[float]]:
    """The potential with these extrema, 0 at the first, scaled to height 1; and they."""
    V = Polynomial.fromroots(extrema).integ()
    V = V - V(0.0)
    return V / np.abs(V(np.linspace(0, extrema[-1], 400))).max(), list(extrema)


def random_potential(rng) -> tuple[Polynomial, list[float]]:
    """Two to five minima, the false vacuum at 0; its extrema."""
    return scaled(np.cumsum([0.0, *rng.uniform(0.4, 1.6, 2 * rng.integers(2, 6) - 2)]))


@pytest.mark.slow
def test_random_potentials_with_two_to_five_minima(solve):
    rng = np.random.default_rng(7)
    told, elsewhere, withheld = 0, 0, 0
    while told < 16:
        V, extrema = random_potential(rng)
        k = 2 * rng.integers(1, len(extrema) // 2 + 1)
        asked, top = extrema[k], extrema[k - 1]
        peak = max(V(np.linspace(0, top, 200)))
        if V(asked) > -0.2 * peak:
            continue
        exact = shooting.actions(V, top, asked)
        if exact is None:
            continue
        bounce = solve(V, 0.0, asked)
        told += 1
        if exact and Status(int(bounce.status)) is not Status.SUCCESS:
            withheld += 1  # a search may miss a bounce; it may not take another for it
        elif exact:
            assert float(bounce.action) == pytest.approx(min(exact), rel=1e-8), extrema
        else:
            elsewhere += 1
            assert Status(int(bounce.status)) is Status.TUNNELS_ELSEWHERE, extrema
            at = np.abs(np.array(extrema[2::2]) - float(bounce.inner_vacuum[0]))
            assert at.min() < 1e-4
            assert abs(float(bounce.inner_vacuum[0]) - asked) > 0.1
    assert elsewhere > 0
    assert withheld <= 1


def embedded(phi, theta):
    """A potential of one field along the first row of a rotation; across it, masses."""
    coefficients, rotation, mass, growth = theta
    along, across = rotation @ phi
    heavy = (mass + growth * along**2) * across**2 / 2
    return jnp.polyval(coefficients[::-1], along) + heavy


@pytest.mark.slow
def test_random_potentials_in_a_direction_of_two_fields():
    # across the line of the vacua the mass is real everywhere: the bounces of one field are those
    # of two, in any direction
    rng = np.random.default_rng(11)
    told, withheld = 0, 0
    while told < 8:
        V, extrema = random_potential(rng)
        k = 2 * rng.integers(1, len(extrema) // 2 + 1)
        if V(extrema[k]) > -0.2 * max(V(np.linspace(0, extrema[k - 1], 200))):
            continue
        exact = shooting.actions(V, extrema[k - 1], extrema[k], 4)
        if exact is None:
            continue
        told += 1
        angle = rng.uniform(0, 2 * np.pi)
        rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        padded = np.pad(V.coef, (0, DEGREE + 1 - V.coef.size))
        theta = (padded, rotation, rng.uniform(0.3, 3.0), rng.uniform(0.0, 2.0))
        bounce = solve_bounce(embedded, theta, np.zeros(2), extrema[k] * rotation[0], 4)
        if exact and Status(int(bounce.status)) is not Status.SUCCESS:
            withheld += 1
        elif exact:
            assert float(bounce.action) == pytest.approx(min(exact), rel=1e-8), extrema
        else:
            assert Status(int(bounce.status)) is Status.TUNNELS_ELSEWHERE, extrema
    assert withheld <= 1


@pytest.mark.slow
def test_what_is_no_number_at_a_vacuum_is_not_a_parameter_out_of_range():
    def potential(phi, scale):
        return 1e-3 * phi[0] ** 2 + scale * phi[0] ** 4 * (jnp.log(phi[0] ** 2) - 0.5)

    def status(scale):
        return Status(int(solve_bounce(potential, scale, [0.0], [1.0], 4).status))

    assert status(0.01) is Status.POTENTIAL_NOT_FINITE
    assert status(jnp.nan) is Status.INVALID_PARAMETER


@pytest.mark.slow
def test_what_is_no_number_between_the_vacua_is_said():
    """J_B below −500: "no bounce was found", or "no barrier", before."""

    def potential(phi, lowest):
        u = phi[0]
        z = 4000 * (u - 0.3) ** 2 + lowest
        return u**2 * (1 - 1.2 * u) ** 2 - 0.3 * u**3 + 1e-9 * J_B(z)

    vacua = [0.0], [1.1]
    assert Status(int(solve_bounce(potential, -600.0, *vacua, 3).status)) is (
        Status.POTENTIAL_NOT_FINITE
    )
    assert Status(int(solve_bounce(potential, -400.0, *vacua, 3).status)) is Status.SUCCESS


# --- where the way downhill leads; u = 0 is the false vacuum

# a wine bottle along u₁, with a second vacuum at u₁ = 0.5 and the true one at 1
_BOTTLE = Polynomial.fromroots([0.0, 0.25, 0.5, 0.75, 1.0]).integ()


def _bottle(u):
    return 1e3 * jnp.polyval(jnp.asarray(_BOTTLE.coef[::-1]), u[0]) + u[1] ** 2


def _hat(u):
    s = u @ u
    return s - 3 * s**2 + 1.4 * s**3


def _ridge(u):
    # down along u₁, and from there to both sides
    return (u[0] - 0.8) ** 2 + u[0] * ((u[1] ** 2 - 0.04) ** 2)


def _falls(u):
    return -(u[0] ** 3) + u[1] ** 2


VALLEY = float(np.sqrt((3 + np.sqrt(9 - 4.2)) / 4.2))


@pytest.mark.parametrize(
    ("value", "centre", "target", "as_asked", "vacuum"),
    [
        (_bottle, [0.9, 0.1], [1.0, 0.0], True, [1.0, 0.0]),
        (_bottle, [0.55, 0.0], [1.0, 0.0], False, [0.5, 0.0]),
        (_bottle, [0.76, 0.0], [1.0, 0.0], True, [1.0, 0.0]),
        (_bottle, [0.74, 0.0], [1.0, 0.0], False, [0.5, 0.0]),
        (_bottle, [0.05, 0.0], [1.0, 0.0], False, [0.0, 0.0]),
        # a point that is no minimum means the one it rolls into
        (_bottle, [0.9, 0.0], [0.8, 0.3], True, [1.0, 0.0]),
        # one vacuum in two directions
        (_hat, [1.0, 0.0], [0.6, 0.8], True, [VALLEY, 0.0]),
        # a ridge is left towards what was asked for, the other side is another vacuum
        (_ridge, [0.7, 0.0], [0.8, -0.2], True, [0.8, -0.2]),
        (_ridge, [0.7, 0.05], [0.8, -0.2], False, [0.8, 0.2]),
        # V falls for ever
        (_falls, [0.8, 0.0], [1.0, 0.0], True, [np.nan, np.nan]),
    ],
)
def test_where_a_wall_ends(value, centre, target, as_asked, vacuum):
    end = jax.jit(lambda c, t: inner_end(of_function(value), c, t))(
        jnp.array(centre), jnp.array(target)
    )
    assert bool(end.as_asked) is as_asked
    np.testing.assert_allclose(end.vacuum, vacuum, atol=2e-4)

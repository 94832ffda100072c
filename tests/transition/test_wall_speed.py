"""The wall in local thermal equilibrium: published points, SciPy, derivatives, borders."""

import functools

import jax
import jax.numpy as jnp
import lte_walls
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.transition.wall_speed import (
    detonation_speed,
    front_of,
    jouguet_speed,
    runaway_test,
    wall_speed,
)

OUTCOMES = {
    "none": Status.RUNAWAY_WALL,
    "static": Status.STATIC_WALL,
    "deflagration": Status.SUCCESS,
    "hybrid": Status.SUCCESS,
}

HYBRID, SLOW = (0.05, 0.9, 1 / 3, 0.3), (0.2, 0.5, 1 / 3, 1 / 3)


def speeds(points):
    """α_θ̄, Ψ and the speeds of sound, whose squares the tables give."""
    alpha, Psi, s2, b2 = np.array(points).T
    return alpha, Psi, np.sqrt(s2), np.sqrt(b2)


@functools.cache
def compiled():
    return jax.jit(jax.vmap(wall_speed))


def solve(points):
    """In batches of one size, so that there is one program."""
    points = list(points)
    filled = [*points, *[points[-1]] * (-len(points) % 24)]
    parts = [compiled()(*speeds(filled[i : i + 24])) for i in range(0, len(filled), 24)]
    return jax.tree.map(lambda *x: np.concatenate(x)[: len(points)], *parts)


def test_published_points():
    points, jouguet, expected, kinds = zip(*lte_walls.POINTS, strict=True)
    found = solve(points)
    assert [Status(s) for s in found.status] == [OUTCOMES[kind] for kind in kinds]
    good = found.status == Status.SUCCESS
    np.testing.assert_array_equal(found.is_hybrid, [kind == "hybrid" for kind in kinds])
    np.testing.assert_allclose(found.v_w, np.array(expected, float), rtol=1e-10)
    np.testing.assert_allclose(found.v_J, jouguet, rtol=1e-13)
    walls = np.stack([found.v_plus, found.T_plus, found.T_minus], axis=-1)
    np.testing.assert_allclose(walls[good], lte_walls.AT_THE_WALL, rtol=1e-10)
    assert np.isnan(walls[~good]).all()
    assert np.isnan(found.error[~good]).all()
    assert (found.error[good] < 1e-11).all()


def test_borders():
    points, *_ = zip(*lte_walls.POINTS, strict=True)
    found, (alpha, Psi, _, _) = solve(points), speeds(points)
    for i, most in enumerate(lte_walls.ALPHA_MAX):
        if most is None:
            assert found.alpha_max[i] > 1
        else:
            np.testing.assert_allclose(found.alpha_max[i], most, rtol=1e-9)
    np.testing.assert_allclose(found.to_runaway, np.log(found.alpha_max / alpha), rtol=1e-13)
    # c_b is never above c_s here
    np.testing.assert_allclose(found.to_static, np.log(3 * alpha / (1 - Psi)), rtol=1e-13)
    np.testing.assert_array_equal(found.to_static < 0, found.status == Status.STATIC_WALL)
    np.testing.assert_array_equal(found.to_runaway < 0, found.status == Status.RUNAWAY_WALL)


@pytest.mark.parametrize("point", [HYBRID, (0.1, 0.8, 0.3, 0.25), (0.01, 0.98, 1 / 3, 1 / 3)])
def test_the_wall_ends_at_its_border(point):
    """It reaches the Chapman–Jouguet speed there, and there is none beyond."""
    most = float(solve([point]).alpha_max[0])
    below, beyond = ((most * x, *point[1:]) for x in (1 - 1e-9, 1 + 1e-9))
    found = solve([below, beyond])
    assert list(found.status) == [Status.SUCCESS, Status.RUNAWAY_WALL]
    np.testing.assert_allclose(found.v_w[0], found.v_J[0], rtol=1e-6)
    np.testing.assert_allclose(found.v_plus[0] * found.v_w[0], point[2], rtol=1e-6)


@pytest.mark.slow
def test_a_slow_wall_stops_at_its_border():
    """v_w falls with the root of the distance: α_+ = (1 − Ψ_+)/3 + O(v_w²)."""
    for Psi, s2, b2 in ((0.9, 1 / 3, 1 / 3), (0.8, 1 / 3, 0.28), (0.8, 0.3, 0.31)):
        least = (1 - Psi) / 3
        found = solve([(least * (1 + x), Psi, s2, b2) for x in (1e-8, 1e-6, 0.0, -1e-12)])
        success, static = Status.SUCCESS, Status.STATIC_WALL
        assert list(found.status) == [success, success, static, static]
        np.testing.assert_allclose(found.v_w[1] / found.v_w[0], 10, rtol=1e-2)
        np.testing.assert_allclose(found.v_plus[0] / found.v_w[0], Psi, rtol=1e-4)


def test_the_singlet_runs_away_between_its_temperatures():
    T, alpha, Psi, s2, b2, expected, most, v_plus = map(
        np.array, zip(*lte_walls.SINGLET, strict=True)
    )
    found = solve(zip(alpha, Psi, s2, b2, strict=True))
    np.testing.assert_allclose(found.v_w, expected.astype(float), rtol=1e-10)
    np.testing.assert_allclose(found.alpha_max, most, rtol=1e-8)
    np.testing.assert_allclose(found.v_plus, v_plus.astype(float), rtol=1e-10)
    np.testing.assert_array_equal(found.status == Status.RUNAWAY_WALL, T < 96.95)
    np.testing.assert_array_equal(found.to_runaway < 0, T < 96.95)


FRONTS = (  # α_θ̄, c_s², c_b²; v_w, v_+, T_+/T: the published walls, whose speed is given here
    ((0.05, 1 / 3, 1 / 3), (0.59741829315, 0.42106113, 1.139172)),
    ((0.1, 0.3, 0.25), (0.52658962036, 0.33555653, 1.121867)),
    ((0.2, 1 / 3, 1 / 3), (0.29973032675, 0.13909252, 1.058386)),
    ((1.0, 1 / 3, 1 / 3), (0.71815268781, 0.11707474, 1.468901)),
)


def test_the_plasma_in_front_of_walls_of_given_speeds():
    """Entropy is not asked for, and is conserved at the published speed; slopes; statuses."""
    front = jax.jit(jax.vmap(front_of))
    slope = jax.jit(jax.vmap(jax.value_and_grad(lambda v, *rest: front_of(v, *rest).v_plus)))
    alpha, s2, b2 = np.array([plasma for plasma, _ in FRONTS]).T
    v_w, v_plus, T_plus = np.array([wall for _, wall in FRONTS]).T
    found = front(v_w, alpha, np.sqrt(s2), np.sqrt(b2))
    np.testing.assert_array_equal(found.status, Status.SUCCESS)
    np.testing.assert_allclose(found.v_plus, v_plus, atol=6e-9)
    np.testing.assert_allclose(found.T_plus, T_plus, atol=6e-7)
    h = 1e-5
    ends = (front(v_w + s * h, alpha, np.sqrt(s2), np.sqrt(b2)).v_plus for s in (1, -1))
    _, slopes = slope(v_w, alpha, np.sqrt(s2), np.sqrt(b2))
    np.testing.assert_allclose(slopes, np.subtract(*ends) / (2 * h), rtol=1e-7)
    # v_J = 0.73014: below it, above it, and no speeds at all
    odd = front(np.array([0.73, 0.731, 1.0, 0.0]), np.full(4, 0.05), *np.full((2, 4), s2[0] ** 0.5))
    assert odd.status.tolist() == [Status.SUCCESS] * 2 + [Status.INVALID_PARAMETER] * 2
    assert odd.v_plus[0] < s2[0] / 0.73
    assert (odd.v_plus[1], odd.T_plus[1]) == (0.731, 1.0)
    assert np.isnan(odd.v_plus[2:]).all()


@pytest.mark.slow
def test_scipy_at_other_points():
    random = np.random.default_rng(16)
    points = []
    while len(points) < 12:
        Psi = random.uniform(0.3, 0.97)
        alpha = (1 - Psi) / 3 * random.uniform(1.2, 3.0)
        s2 = random.uniform(0.25, 0.4)
        points.append((alpha, Psi, s2, s2 * random.uniform(0.8, 1.0)))
    found = solve(points)
    kinds = set()
    for i, point in enumerate(points):
        kind, v_w, v_plus, crossings = lte_walls.wall(*point, points=6)
        kinds.add(kind)
        assert Status(found.status[i]) is OUTCOMES[kind]
        if v_w is not None:
            assert crossings == 1
            np.testing.assert_allclose(found.v_w[i], v_w, rtol=2e-10)
            np.testing.assert_allclose(found.v_plus[i], v_plus, rtol=2e-10)
            assert found.is_hybrid[i] == (kind == "hybrid")
    assert kinds >= {"deflagration", "hybrid"}


def test_equal_speeds_of_sound_have_v_plus_in_closed_form():
    """c² = ⅓: v_+(1 − v_+²) = Ψ v_−(1 − v_−²)."""
    points = [p for p, _, v_w, _ in lte_walls.POINTS if v_w and p[2:] == (1 / 3, 1 / 3)]
    found, Psi = solve(points), speeds(points)[1]
    right = 1.5 * np.sqrt(3) * Psi * found.v_minus * (1 - found.v_minus**2)
    np.testing.assert_allclose(
        found.v_plus, 2 / np.sqrt(3) * np.sin(np.arcsin(right) / 3), rtol=1e-13
    )


def test_energy_momentum_and_entropy_are_conserved():
    """In temperatures: w = T^μ, p_s = T^μ/μ − ε, p_b = a T^ν/ν, which uses no α and no Ψ."""
    points = [p for p, _, v_w, _ in lte_walls.POINTS if v_w]
    found, (alpha, Psi, c_s, c_b) = solve(points), speeds(points)
    mu, nu = 1 + 1 / c_s**2, 1 + 1 / c_b**2
    # at T = 1: 3α = (Δe − Δp/c_b²)/w_s and Ψ = a
    epsilon = (3 * alpha - 1 + nu / mu) / nu
    w_plus, w_minus = found.T_plus**mu, Psi * found.T_minus**nu
    flux = [w * v / (1 - v**2) for w, v in ((w_plus, found.v_plus), (w_minus, found.v_minus))]
    np.testing.assert_allclose(*flux, rtol=1e-12)
    left = flux[0] * found.v_plus + w_plus / mu - epsilon
    np.testing.assert_allclose(left, flux[1] * found.v_minus + w_minus / nu, rtol=1e-12)
    gammas = [1 / np.sqrt(1 - v**2) for v in (found.v_plus, found.v_minus)]
    np.testing.assert_allclose(gammas[0] * found.T_plus, gammas[1] * found.T_minus, rtol=1e-13)


@functools.cache
def slopes(mode):
    def values(*x):
        found = wall_speed(*x)
        return jnp.stack([found.v_w, found.v_plus, found.T_plus, found.alpha_max, found.to_static])

    return jax.jit(jax.vmap(mode(values, (0, 1, 2, 3))))


def differences(point, entry, step=2e-4):
    """Fourth-order differences of what `slopes` differentiates."""
    x = np.array(speeds([point])).ravel()
    moved = [x + k * step * x[entry] * np.eye(4)[entry] for k in (-2, -1, 1, 2)]
    found = solve([(*y[:2], *y[2:] ** 2) for y in moved])
    values = np.stack(
        [found.v_w, found.v_plus, found.T_plus, found.alpha_max, found.to_static], axis=-1
    )
    return np.array([1, -8, 8, -1]) @ values / (12 * step * x[entry])


@pytest.mark.slow
@pytest.mark.parametrize("mode", [jax.jacfwd, jax.jacrev])
def test_derivatives(mode):
    points = [HYBRID, (0.1, 0.8, 0.3, 0.29), (0.04, 0.9, 0.3, 0.31)]
    assert {True, False} <= set(solve(points).is_hybrid.tolist())
    found = slopes(mode)(*speeds([*points, points[0]]))
    for entry in range(4):
        for i, point in enumerate(points):
            np.testing.assert_allclose(
                found[entry][i], differences(point, entry), rtol=1e-6, atol=1e-8
            )


def test_the_kink_between_deflagrations_and_hybrids():
    """At v_w = c_b what is behind the wall is stationary in v_−: the second derivative jumps."""
    Psi, s2, b2 = 0.88, 1 / 3, 1 / 3
    low, high = 0.05, 0.08
    for _ in range(10):
        alphas = np.linspace(low, high, 24)
        first = int(solve([(alpha, Psi, s2, b2) for alpha in alphas]).is_hybrid.argmax())
        low, high = alphas[first - 1], alphas[first]
    step = 1e-3 * low
    sides = [low + k * step for k in (-2, -1, 0)], [high + k * step for k in (0, 1, 2)]
    found = solve([(alpha, Psi, s2, b2) for side in sides for alpha in side])
    np.testing.assert_array_equal(found.is_hybrid, [False] * 3 + [True] * 3)
    np.testing.assert_allclose(found.v_w[2:4], np.sqrt(b2), rtol=1e-11)
    below = found.v_w[:3] @ [1, -4, 3] / (2 * step)
    above = found.v_w[3:] @ [-3, 4, -1] / (2 * step)
    slope = slopes(jax.jacfwd)(*speeds([(x, Psi, s2, b2) for x in (low, high, low, high)]))[0][:, 0]
    np.testing.assert_allclose(slope[0], slope[1], rtol=1e-9)
    np.testing.assert_allclose(slope[:2], [below, above], rtol=1e-4)
    bends = [v_w @ [1, -2, 1] / step**2 for v_w in (found.v_w[:3], found.v_w[3:])]
    assert abs(bends[1] / bends[0] - 1) > 0.05


MIXED = (
    HYBRID,
    SLOW,
    (0.05, 0.95, 1 / 3, 1 / 3),  # runs away
    (0.01, 0.96, 1 / 3, 1 / 3),  # static
    (-0.1, 0.9, 1 / 3, 1 / 3),
    (0.1, 0.9, np.nan, 1 / 3),
    (np.inf, 0.9, 1 / 3, 1 / 3),
    (0.1, 0.0, 1 / 3, 1 / 3),
    (0.1, 0.9, 1.0, 1 / 3),
)


def test_bad_input_is_told():
    found = solve(MIXED)
    assert [Status(s) for s in found.status] == [
        *(Status.SUCCESS, Status.SUCCESS, Status.RUNAWAY_WALL, Status.STATIC_WALL),
        *[Status.INVALID_PARAMETER] * 5,
    ]
    bad = found.status == Status.INVALID_PARAMETER
    for value in (found.v_w, found.v_J, found.alpha_max, found.to_runaway, found.to_static):
        assert np.isnan(value[bad]).all()
    assert not np.isnan(np.stack([found.v_J, found.alpha_max, found.to_runaway])[:, ~bad]).any()


@pytest.mark.slow
@pytest.mark.parametrize("mode", [jax.grad, jax.jacfwd])
def test_points_without_a_wall_taint_no_others(mode):
    given = jnp.asarray(np.array(speeds(MIXED)))

    def total(shift, masked=True):
        found = jax.vmap(wall_speed)(*(given + shift[:, None]))
        good = found.status == Status.SUCCESS
        return jnp.where(good, found.v_w, 0.0).sum() if masked else found.v_w.sum()

    slope = jax.jit(mode(total))(jnp.zeros(4))
    alone = slopes(jax.jacfwd)(*speeds([HYBRID, SLOW, HYBRID, SLOW]))
    np.testing.assert_allclose(slope, [x[:2, 0].sum() for x in alone], rtol=1e-10)


@pytest.mark.slow
def test_detonations_are_listed():
    points = [p for p, *_ in lte_walls.POINTS]
    found = np.asarray(jax.jit(jax.vmap(detonation_speed))(*speeds(points)))
    for i, v_w in enumerate(found):
        if i in lte_walls.DETONATIONS:
            np.testing.assert_allclose(v_w, lte_walls.DETONATIONS[i], rtol=1e-10)
        else:
            assert np.isnan(v_w)
    x = np.array(speeds([points[14]])).ravel()
    slope, step = jax.grad(detonation_speed, (0, 1, 2, 3))(*x), 1e-5
    for entry, unit in enumerate(np.eye(4) * step):
        difference = (detonation_speed(*(x + unit)) - detonation_speed(*(x - unit))) / (2 * step)
        np.testing.assert_allclose(slope[entry], difference, rtol=1e-6, atol=1e-9)


def test_the_jouguet_speed_is_that_of_the_slowest_detonation():
    """α = (v_J − c_b)²/(3 c_b² (1 − v_J²)): v_− = c_b in the condition of energy and momentum."""
    alpha, c_b = np.array([1e-6, 0.01, 0.3, 2.0, 100.0]), 0.55
    v_J = np.asarray(jouguet_speed(alpha, c_b))
    np.testing.assert_allclose((v_J - c_b) ** 2 / (3 * c_b**2 * (1 - v_J**2)), alpha, rtol=1e-9)


def test_runaway_of_the_singlet():
    """WallGo's first benchmark at T = 100 GeV, from (φ, s) = (0, s) to (φ, 0)."""
    m_h, m_s, portal, vev = 125.0, 120.0, 0.9, 246.0
    quartic = m_h**2 / (2 * vev**2)

    def masses(phi, s):
        neutral = -(m_h**2) / 2 + portal / 2 * s**2
        singlet = m_s**2 - portal / 2 * vev**2 + 3 * s**2 + portal / 2 * phi**2
        heavy = np.array([80.379, 91.1876, 173.0]) ** 2 * (phi / vev) ** 2
        return [neutral + 3 * quartic * phi**2, singlet, neutral + quartic * phi**2, *heavy]

    # a field that is tachyonic in a phase counts as massless there
    low, high = masses(195.032151447226, 0.0), masses(0.0, 104.86914597521478)
    gains = np.maximum(low, 0) - np.maximum(high, 0)
    dof, fermions = np.array([1.0, 1, 3, 6, 3, 12]), np.arange(6) == 5
    found = runaway_test(52734611.76436824, 100.0, 4725416402.087186, gains, dof, fermions)
    np.testing.assert_allclose(found.pressure, 59983602.3271875, rtol=1e-12)
    np.testing.assert_allclose(found.alpha_vacuum, 0.014879707882413837, rtol=1e-12)
    np.testing.assert_allclose(found.alpha_infinity, 0.016925098156624713, rtol=1e-12)
    assert not found.runs_away
    assert runaway_test(6e7, 100.0, 4725416402.087186, gains, dof, fermions).runs_away

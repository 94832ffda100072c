"""One bounce at once, by NumPy and a small program of the potential: the compiled one's numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bounces
from jaxbounce import enable_x64
from jaxbounce._core.arrays import answer, at_once, is_at_once, traced, while_loop, xp
from jaxbounce._core.numerics import bracketed_root, eliminate
from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce
from jaxbounce.bounce.slopes import action_slopes
from jaxbounce.potential.landscape import landscape
from jaxbounce.potential.library import polynomial

NUMBERS = ("action", "kinetic", "R_peak", "FWHM", "r_max")


def _compiled(dimension, tunnels_to="given"):
    def solve(coefficients, false, true):
        return solve_bounce(polynomial, coefficients, false, true, dimension, tunnels_to=tunnels_to)

    return jax.jit(solve), solve


def _same(dimension, cases):
    compiled, at_once = _compiled(dimension)
    for name, _, coefficients, false, true, _ in cases:
        given = (coefficients, *map(np.atleast_1d, (false, true)))
        given = jax.tree.map(lambda x: jnp.asarray(x, float), given)
        one, other = compiled(*given), at_once(*given)
        assert int(one.status) == int(other.status), name
        np.testing.assert_allclose(other.inner_vacuum, one.inner_vacuum, atol=1e-6)
        if int(one.status) != Status.SUCCESS:
            assert np.isnan(other.action)
            continue
        for number in NUMBERS:
            np.testing.assert_allclose(
                getattr(other, number), getattr(one, number), rtol=1e-10, err_msg=f"{name} {number}"
            )
        r = jnp.linspace(0.0, 1.5 * float(one.r_max), 50)
        np.testing.assert_allclose(other.fields(r), one.fields(r), atol=1e-8)
        assert int(other.certificate.negative_modes) == 1


@pytest.mark.slow
def test_one_field():
    # padded to one degree: one program, of bounces that are there and of those that are not
    cases = [
        (name, 3, bounces.three_phases(T).coef, false, true, None)
        for name, T, false, true in (
            ("into the farther one", 74.0, 8.5, 48.5),
            ("ends elsewhere", 65.0, 6.25, 46.25),
            ("no barrier", 74.0, 28.0, 48.5),
            ("not deeper", 65.0, 46.25, 6.25),
        )
    ]
    cases += [case for case in bounces.ONE_FIELD if case[1] == 3]
    _same(3, [(*c[:2], np.pad(c[2], (0, 11 - len(c[2]))), *c[3:]) for c in cases])


@pytest.mark.long
def test_two_fields():
    _same(4, [case for case in bounces.TWO_FIELDS if case[1] == 4])


@pytest.mark.long
def test_one_field_in_four_dimensions():
    _same(4, [case for case in bounces.ONE_FIELD if case[1] == 4])


@pytest.mark.long
def test_two_fields_in_three_dimensions():
    _same(3, [case for case in bounces.TWO_FIELDS if case[1] == 3])


@pytest.mark.parametrize(
    ("coefficients", "false", "true", "status"),
    [
        (bounces.adams(0.8), 0.0, -1.0, Status.TRUE_VACUUM_NOT_DEEPER),
        (bounces.one_field(0, 0, -1, 0, 1), 0.0, 0.7, Status.FALSE_VACUUM_NOT_MINIMUM),
        (bounces.one_field(0, 0, np.nan, 0, 1), 0.0, 0.7, Status.INVALID_PARAMETER),
        (bounces.adams(0.8), 0.0, 0.0, Status.DEGENERATE_VACUA),
    ],
)
def test_what_is_wrong_is_told_and_no_number(coefficients, false, true, status):
    bounce = bounces.solve(coefficients, false, true, 3)
    assert Status(int(bounce.status)) is status
    for number in NUMBERS[:-1]:
        assert np.isnan(getattr(bounce, number))
    assert not is_at_once()


def test_only_the_programs_of_the_potential_are_compiled():
    """A new potential is two programs, of slopes and curvatures; new values and vacua are none."""
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: compiled.append(name) if "backend_compile" in name else None
    )

    def of(power):
        def potential(phi, strength):
            return phi[0] ** 2 / 2 - phi[0] ** 4 / 4 + strength * phi[0] ** power

        return potential

    sixth, eighth = of(6), of(8)
    solve_bounce(sixth, 0.0225, [0.0], [2.493], 3)
    compiled.clear()
    assert int(solve_bounce(sixth, 0.023, [0.01], [2.48], 4).status) == Status.SUCCESS
    assert not compiled
    assert int(solve_bounce(eighth, 0.002, [0.0], [2.2], 3).status) == Status.SUCCESS
    assert len(compiled) == 2


@pytest.mark.slow
def test_derivatives_and_batches_are_compiled_and_agree():
    """Of the sextic: S(k) at once is that of the program that differentiates it."""

    def sextic(phi, k):
        return phi[0] ** 2 / 2 - phi[0] ** 4 / 4 + k * phi[0] ** 6 / 8

    def action(k):
        return solve_bounce(sextic, k, [0.0], [2.493], 3).action

    h = 1e-5
    difference = (action(0.18 + h) - action(0.18 - h)) / (2 * h)
    value, slope = jax.value_and_grad(action)(0.18)
    assert float(value) == pytest.approx(100.0606971747, rel=1e-11)  # SciPy shooting
    assert float(action(0.18)) == pytest.approx(float(value), rel=1e-12)
    assert float(slope) == pytest.approx(float(difference), rel=1e-6)


def test_roots_and_eliminations_at_once():
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(4, 20, 20))
    matrix = matrix + matrix.swapaxes(1, 2) + 9 * np.eye(20)
    right = rng.normal(size=(4, 20, 3))
    with at_once():
        solution, negative = eliminate(matrix, right)
        roots = bracketed_root(lambda x: x**3 - np.array([2.0, 5.0]), np.zeros(2), np.full(2, 3.0))
        singular, _ = eliminate(np.zeros((3, 3)), np.ones((3, 1)))
        flat, count = eliminate(np.diag([2.0, 0.0, -1.0]), np.ones((3, 1)), 1e-14)
    np.testing.assert_allclose(matrix @ solution, right, atol=1e-10)
    np.testing.assert_array_equal(negative, (np.linalg.eigvalsh(matrix) < 0).sum(-1))
    np.testing.assert_allclose(roots, np.cbrt([2.0, 5.0]), rtol=1e-15)
    assert np.isnan(singular).all()
    np.testing.assert_allclose(flat[:, 0], [0.5, 0.0, -1.0])
    assert count == 1


@pytest.mark.slow
def test_a_landscape_is_asked_at_many_points():
    """More than one call of its program holds, and along two axes."""
    coefficients = jnp.asarray(bounces.TWO_FIELDS[0][2])
    points = np.random.default_rng(2).normal(size=(30, 21, 2))
    compiled = landscape(polynomial, coefficients, jnp.array([0.1, 0.2]), 2.0, 3.0)
    with at_once():
        seen = landscape(polynomial, coefficients, np.array([0.1, 0.2]), 2.0, 3.0)
        found = [ask(points) for ask in seen]
    for one, ask in zip(found, compiled, strict=True):
        np.testing.assert_allclose(one, ask(jnp.asarray(points)), rtol=1e-12, atol=1e-12)


def test_where_array_code_runs():
    def count(start):
        return while_loop(lambda k: k < 5, lambda k: k + 1, start), is_at_once()

    assert answer(lambda x: xp.sqrt(x), jnp.asarray(4.0)) == 2.0
    assert isinstance(answer(lambda x: x, jnp.asarray(4.0)), jax.Array)
    assert jax.jit(lambda x: answer(lambda x: count(x)[0], x))(jnp.asarray(0)) == 5
    with at_once():
        assert count(np.asarray(0)) == (5, True)
        with traced():
            assert not is_at_once()
    enable_x64()
    assert not is_at_once()
    with pytest.raises(ZeroDivisionError), at_once():
        raise ZeroDivisionError
    assert not is_at_once()


def _sextic(phi, theta):
    return phi[0] ** 2 / 2 - phi[0] ** 4 / 4 + theta["k"] * theta["scale"] * phi[0] ** 6 / 8


def _solve_sextic(k, near=None, tunnels_to="given"):
    theta = {"k": k, "scale": 2.0}
    return solve_bounce(_sextic, theta, [0.0], [2.493], 3, tunnels_to=tunnels_to, near=near)


def test_slopes_in_a_box_know_that_its_wall_pulls():
    """Moving a potential in the field changes nothing, in a box either, where fields do not end."""

    def moved(phi, theta):
        x = phi[0] - theta["s"]
        return theta["m"] * x**2 / 2 - x**3 + 0.23 * x**4 + theta["t"] * phi[0]

    def solve(theta):
        return solve_bounce(moved, theta, [0.1], [3.0], 3, r_max=9.0)

    theta = {"s": 0.1, "m": 1.0, "t": 0.02}
    slopes = action_slopes(moved, theta, solve(theta))
    assert float(slopes["s"]) == pytest.approx(0.0, abs=1e-9)
    up, down = (solve(theta | {"t": 0.02 + h}).action for h in (1e-6, -1e-6))
    assert float(slopes["t"]) == pytest.approx(float(up - down) / 2e-6, rel=1e-6)


def test_a_bounce_is_followed_from_that_of_a_similar_potential():
    one, searched = _solve_sextic(0.085), _solve_sextic(0.09)
    followed = _solve_sextic(0.09, near=one)
    assert float(searched.action) == pytest.approx(100.0606971747, rel=1e-11)
    for number in NUMBERS[:-1]:
        np.testing.assert_allclose(getattr(followed, number), getattr(searched, number), rtol=1e-10)
    # the grid is that of the other: nothing was searched for
    assert float(followed.r_max) == pytest.approx(float(one.r_max), rel=1e-12)
    assert float(searched.r_max) != pytest.approx(float(one.r_max), rel=1e-6)


@pytest.mark.slow
def test_what_was_followed_is_searched_for_where_that_leads_nowhere():
    failed = _solve_sextic(0.2)  # no deeper vacuum
    assert int(failed.status) != Status.SUCCESS
    far = _solve_sextic(0.02)
    for near in (failed, far, bounces.solve(bounces.adams(1.95), 0.0, 1.02, 3)):
        found = _solve_sextic(0.09, near=near)
        assert float(found.action) == pytest.approx(100.0606971747, rel=1e-10)
    # one that ends in the vacuum between is not taken for one that ends in the farther one
    V = bounces.three_phases(70.0).coef
    between = bounces.solve(V, 7.5, 27.5, 3)
    asked = solve_bounce(polynomial, V, [7.5], [47.5], 3, near=between)
    assert float(asked.action) == pytest.approx(50.46343, rel=1e-6)


def test_what_is_near_is_not_followed_into_a_box():
    theta = {"k": 0.09, "scale": 2.0}
    free, box = _solve_sextic(0.09), solve_bounce(_sextic, theta, [0.0], [2.493], 3, r_max=8.0)
    followed = solve_bounce(_sextic, theta, [0.0], [2.493], 3, r_max=8.0, near=free)
    assert float(box.action) != pytest.approx(float(free.action), rel=1e-4)
    assert float(followed.action) == pytest.approx(float(box.action), rel=1e-12)
    with pytest.raises(ValueError, match="near: a bounce of 1 fields; this potential has 2"):
        solve_bounce(polynomial, bounces.TWO_FIELDS[0][2], [0.0] * 2, [1.0] * 2, 3, near=free)


def test_slopes_in_a_box_are_differences_of_actions():
    def solved(k):
        theta = {"k": k, "scale": 2.0}
        return solve_bounce(_sextic, theta, [0.0], [2.493], 3, r_max=8.0)

    h = 1e-5
    difference = (solved(0.09 + h).action - solved(0.09 - h).action) / (2 * h)
    slopes = action_slopes(_sextic, {"k": 0.09, "scale": 2.0}, solved(0.09))
    assert float(slopes["k"]) == pytest.approx(float(difference), rel=1e-6)


@pytest.mark.slow
def test_slopes_of_a_solved_bounce_are_those_of_the_compiled_one():
    def action(theta):
        return solve_bounce(_sextic, theta, [0.0], [2.493], 3).action

    theta = {"k": 0.09, "scale": 2.0}
    slopes = action_slopes(_sextic, theta, _solve_sextic(0.09))
    for name, slope in jax.grad(action)(theta).items():
        assert float(slopes[name]) == pytest.approx(float(slope), rel=1e-10)
    assert np.isnan(action_slopes(_sextic, theta, _solve_sextic(0.2))["k"])

import os
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from scipy.special import j1, kve, y1

import bounces
from jaxbounce._core.numerics import bracketed_root, eliminate
from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce
from jaxbounce.bounce.far_field import decay_matrix, hankel_modulus
from jaxbounce.bounce.grid import (
    Elements,
    Shape,
    equal_breaks,
    evaluate,
    evaluate_with_slope,
    make_grid,
    nodal,
    reference_element,
    regrid,
)
from jaxbounce.bounce.linear import apply_elements, solve_elements
from jaxbounce.bounce.search import relaxed_paths
from jaxbounce.potential.landscape import of_function
from jaxbounce.potential.library import Portal, polynomial, portal

SMALL = Elements(5, 7)
SHAPE = Shape(jnp.asarray(1.0), jnp.asarray(0.2), jnp.asarray(6.0), equal_breaks(SMALL))


def status(bounce) -> Status:
    return Status(int(bounce.status))


# --- the tools


@pytest.mark.parametrize("size", [9, 24, 37])
def test_elimination_solves_and_counts_negative_eigenvalues(size):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, size, size))
    a = a + np.swapaxes(a, 1, 2) + np.linspace(0, 12, 6)[:, None, None] * np.eye(size)
    b = rng.normal(size=(6, size, 2))
    solution, negative = jax.jit(eliminate)(a, b)
    np.testing.assert_allclose(a @ np.asarray(solution), b, atol=1e-8)
    np.testing.assert_array_equal(negative, (np.linalg.eigvalsh(a) < 0).sum(-1))


def test_roots_are_differentiated_to_second_order():
    def root(c):
        return bracketed_root(lambda x: x**3 - c, jnp.asarray(0.0), jnp.asarray(5.0))

    assert float(root(8.0)) == pytest.approx(2.0, rel=1e-15)
    assert float(jax.grad(root)(8.0)) == pytest.approx(1 / 12, rel=1e-14)
    assert float(jax.hessian(root)(8.0)) == pytest.approx(-2 / 9 / 32, rel=1e-13)


def test_lobatto_rule_integrates_and_differentiates_polynomials():
    rule = reference_element(9)
    for k in range(16):
        assert (rule.weights * rule.nodes**k).sum() == pytest.approx(1 / (k + 1), rel=1e-13)
    np.testing.assert_allclose(rule.derivative @ rule.nodes**8, 8 * rule.nodes**7, atol=1e-12)


def test_grids_interpolate_differentiate_and_carry_over():
    fine = Elements(10, 12)
    finer = SHAPE._replace(breaks=equal_breaks(fine))
    points = jnp.array([0.0, 0.31, 1.0, 2.7, 6.0])

    @jax.jit
    def results():
        x = nodal(SMALL, make_grid(SMALL, SHAPE, 4).x)
        values = jnp.exp(-(nodal(fine, make_grid(fine, finer, 4).x) ** 2))[:, None]
        between = evaluate(fine, finer, values, points)[:, 0]
        _, slope = evaluate_with_slope(fine, finer, values, jnp.asarray(0.7))
        moved = regrid((SMALL, fine), (SHAPE, finer), jnp.exp(-(x**2))[:, None], 4)
        return x, values, between, slope[0], moved

    x, values, between, slope, moved = results()
    assert x[0] == 0
    assert float(x[-1]) == pytest.approx(6.0)
    np.testing.assert_allclose(between, np.exp(-(np.asarray(points) ** 2)), atol=1e-9)
    assert float(slope) == pytest.approx(-1.4 * np.exp(-0.49), abs=1e-7)
    np.testing.assert_allclose(moved, values, atol=3e-3)


@pytest.mark.slow
def test_condensation_solves_the_assembled_system():
    rng = np.random.default_rng(2)
    grid, n = make_grid(SMALL, SHAPE, 3), 2
    diagonal = rng.normal(size=(5, 7, n, n)) * np.asarray(grid.mass)[..., None, None]
    diagonal = jnp.asarray(diagonal + np.swapaxes(diagonal, 2, 3))
    boundary, right = 3 * jnp.eye(n), rng.normal(size=(SMALL.nodes, n))
    solution, negative = jax.jit(solve_elements, static_argnums=0)(
        SMALL, grid.stiffness, diagonal, boundary, right[..., None]
    )
    product = apply_elements(SMALL, grid, diagonal, boundary, solution[..., 0])
    np.testing.assert_allclose(product, right, atol=1e-8)
    basis = jnp.eye(SMALL.nodes * n).reshape(-1, SMALL.nodes, n)
    dense = jax.vmap(lambda u: apply_elements(SMALL, grid, diagonal, boundary, u))(basis)
    eigenvalues = np.linalg.eigvalsh(np.asarray(dense).reshape(SMALL.nodes * n, -1))
    assert int(negative) == (eigenvalues < 0).sum()


@pytest.mark.parametrize("dimension", [3, 4])
def test_far_field_is_the_bessel_function(dimension):
    nu = dimension / 2 - 1
    z = np.array([0.0, 1e-6, 1e-2, 0.3, 1.0, 7.0, 40.0])
    kappa = decay_matrix(jnp.diag(jnp.asarray(z**2)) / 4, jnp.asarray(2.0), dimension)
    expected = [(dimension - 2), *(z[1:] * kve(nu + 1, z[1:]) / kve(nu, z[1:]))]
    np.testing.assert_allclose(2 * jnp.diag(kappa), expected, rtol=2e-11)


def test_far_field_of_equal_masses_has_derivatives():
    def trace(c):
        matrix = jnp.eye(2) + c * jnp.array([[0.3, 1.0], [1.0, -0.2]])
        return (decay_matrix(matrix, jnp.asarray(1.5), 4) @ jnp.array([1.0, 2.0]))[0]

    step = 1e-3
    compiled = jax.jit(trace)
    up, middle, down = (float(compiled(c)) for c in (step, 0.0, -step))
    assert float(jax.jit(jax.grad(trace))(0.0)) == pytest.approx((up - down) / 2 / step, rel=1e-5)
    second = (up - 2 * middle + down) / step**2
    assert float(jax.jit(jax.hessian(trace))(0.0)) == pytest.approx(second, rel=1e-4)
    massless = jax.jit(jax.grad(lambda m: decay_matrix(m * jnp.eye(1), jnp.asarray(1.0), 4)[0, 0]))(
        0.0
    )
    assert np.isfinite(float(massless))


def test_hankel_modulus():
    t = np.logspace(-11, 3, 40)
    np.testing.assert_allclose(hankel_modulus(t), j1(t) ** 2 + y1(t) ** 2, rtol=1e-12)


def test_the_string_goes_round_a_hill():
    def value(u):
        return 5 * jnp.exp(-20 * ((u[0] - 0.5) ** 2 + (u[1] - 0.02) ** 2)) + 0 * u[0]

    paths = jax.jit(lambda end: relaxed_paths(of_function(value), end))(jnp.array([1.0, 0.0]))
    heights = jax.vmap(jax.vmap(value))(paths).max(1)
    assert float(heights[-1]) < 0.3 * float(heights[0])
    np.testing.assert_allclose(paths[:, -1], jnp.tile(jnp.array([1.0, 0.0]), (5, 1)))


# --- bounces


@pytest.mark.slow
def test_one_field_from_thick_to_thin_walls():
    for name, _, coefficients, false, true, action in bounces.ONE_FIELD[:8]:
        bounce = bounces.solve(coefficients, false, true, 3)
        assert status(bounce) is Status.SUCCESS, name
        assert float(bounce.action) == pytest.approx(action, rel=1e-9), name


def test_thin_walls_approach_the_thin_wall_formula_quadratically():
    # S₃ → 128π/(81 ε²), S. Coleman, Phys. Rev. D 15 (1977) 2929 with λ = a = 1
    def excess(eps):
        bounce = bounces.solve(bounces.coleman(eps), 1 - eps / 2, -1 - eps / 2, 3)
        return 1 - float(bounce.action) * 81 * eps**2 / (128 * np.pi)

    ratio = excess(0.02) / excess(0.01)
    assert ratio == pytest.approx(4.0, rel=1e-2)


@pytest.fixture(scope="module")
def two_fields_four_dimensions():
    cases = [case for case in bounces.TWO_FIELDS if case[1] == 4]
    return cases, [bounces.solve(*case[2:5], 4) for case in cases]


@pytest.mark.slow
def test_two_fields(two_fields_four_dimensions):
    for case, bounce in zip(*two_fields_four_dimensions, strict=True):
        assert status(bounce) is Status.SUCCESS, case[0]
        assert float(bounce.action) == pytest.approx(case[-1], rel=1e-9), case[0]


@pytest.mark.slow
def test_rotated_and_permuted_fields_have_the_same_action(two_fields_four_dimensions):
    (case, *_), (bounce, *_) = two_fields_four_dimensions
    _, _, coefficients, false, true, _ = case
    swapped = bounces.solve(coefficients.T, false[::-1], true[::-1], 4)
    assert float(swapped.action) == pytest.approx(float(bounce.action), rel=1e-11)
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, -s], [s, c]])
    rotated = bounces.coefficients(
        lambda p, t: polynomial(turn.T @ p, t), jnp.asarray(coefficients), 2
    )
    turned = bounces.solve(rotated, turn @ false, turn @ true, 4)
    assert float(turned.action) == pytest.approx(float(bounce.action), rel=1e-9)


@pytest.mark.parametrize("unit", [1e-10, 1e10])
def test_units_do_not_matter(two_fields_four_dimensions, unit):
    (case, *_), (bounce, *_) = two_fields_four_dimensions
    power = np.add.outer(np.arange(5), np.arange(5))
    scaled = case[2] * unit ** (4.0 - power)
    other = bounces.solve(scaled, unit * np.array(case[3]), unit * np.array(case[4]), 4)
    assert status(other) is Status.SUCCESS
    assert float(other.action) == pytest.approx(float(bounce.action), rel=1e-11)
    assert float(other.R_peak) == pytest.approx(float(bounce.R_peak) / unit, rel=1e-9)


def test_a_single_field_among_two_is_the_single_field(two_fields_four_dimensions):
    # decoupled: the second field stays at its minimum
    alone = bounces.adams(0.8)
    both = np.zeros((5, 5))
    both[:, 0] = alone
    both[0, 2] = 0.7
    bounce = bounces.solve(both, [0.0, 0.0], [1.35, 0.0], 4)
    assert float(bounce.action) == pytest.approx(39.651944011881845, rel=1e-10)


@pytest.mark.slow
def test_what_is_wrong_has_its_own_status(two_fields_four_dimensions):
    def solve(coefficients, false, true):
        bounce = bounces.solve(coefficients, false, true, 4)
        numbers = (bounce.action, bounce.kinetic, bounce.potential, bounce.R_peak, bounce.FWHM)
        if status(bounce) is not Status.SUCCESS:
            assert all(np.isnan(float(number)) for number in numbers)
            assert bool(jnp.isnan(bounce.values).all())
        return status(bounce)

    w = 0.8712526370882772
    good = bounces.z2(w, 0.712531536216992, 7.00768635576678)
    assert solve(good, [0, w], [1, 0]) is Status.SUCCESS
    assert solve(good, [1, 0], [0, w]) is Status.TRUE_VACUUM_NOT_DEEPER
    assert solve(good, [0, 0], [1, 0]) is Status.FALSE_VACUUM_NOT_MINIMUM
    assert solve(good, [0, w], [0, -w]) is Status.DEGENERATE_VACUA
    assert solve(good, [0, w], [0, w]) is Status.DEGENERATE_VACUA
    assert solve(np.nan * good, [0, w], [1, 0]) is Status.INVALID_PARAMETER
    # below the coupling that lifts the false vacuum: SPEC I2, g < λ_Φ v²/6
    tachyonic = bounces.coefficients(portal, Portal(g=0.05), 2)
    assert (
        solve(tachyonic, bounces.FALSE_PORTAL, bounces.TRUE_PORTAL)
        is Status.FALSE_VACUUM_NOT_MINIMUM
    )
    # a slope without a barrier, from a point where the field could rest
    slide = np.zeros((5, 5))
    slide[3, 0], slide[4, 0], slide[0, 2] = -1.0, 0.25, 1.0
    assert solve(slide, [0, 0], [3, 0]) in (Status.NO_BARRIER, Status.FALSE_VACUUM_NOT_MINIMUM)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_bounces_of_every_size_are_flagged(two_fields_four_dimensions, unit):
    # V = −λφ⁴/4: S = 8π²/(3λ) for all, S. Fubini, Nuovo Cim. A 34 (1976) 521
    fubini = np.zeros((5, 5))
    fubini[4, 0], fubini[0, 2] = -0.3 / 4, unit**2
    bounce = bounces.solve(fubini, [0, 0], [3 * unit, 0], 4)
    assert status(bounce) is Status.SCALE_INVARIANT
    assert float(bounce.certificate.scale_breaking) < 1e-14
    assert float(bounce.action) == pytest.approx(8 * np.pi**2 / 0.9, rel=1e-8)
    undetermined = (bounce.kinetic, bounce.potential, bounce.R_peak, bounce.FWHM, bounce.values)
    assert all(bool(jnp.isnan(number).all()) for number in undetermined)


@pytest.mark.slow
def test_new_values_do_not_recompile(two_fields_four_dimensions):
    count = 0

    def counted(phi, theta):
        nonlocal count
        count += 1
        return phi[0] * theta

    @eqx.filter_jit
    def run(theta):
        return jax.eval_shape(
            lambda t: solve_bounce(counted, t, [0.0], [1.0], 3).action, theta
        ).shape

    run(jnp.asarray(1.0))
    before = count
    run(jnp.asarray(2.0))
    assert count == before


_LOOPS = """
import jax, jax.numpy as jnp, numpy as np, jaxbounce
jaxbounce.enable_x64()
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential import cubic_quartic
single = jax.jit(lambda d: solve_bounce(cubic_quartic, d, [0.0], [1.35], 3).action)
deltas = np.linspace(0.3, 1.6, 5000)
found = np.array([float(single(d)) for d in deltas])
batch = jax.jit(jax.vmap(lambda d: solve_bounce(cubic_quartic, d, [0.0], [1.35], 3).action))
together = np.concatenate([np.asarray(batch(part)) for part in deltas.reshape(200, 25)])
assert np.isfinite(found).all() and (np.diff(found) > 0).all()
np.testing.assert_allclose(together, found, rtol=1e-10)
"""


@pytest.mark.long
def test_five_thousand_calls_and_batches_do_not_hang():
    # jaxlib 0.10.2 deadlocks on concurrent batched LAPACK calls; ours has none. In an
    # environment of its own, whatever this one has set.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XLA", "JAX", "OMP"))}
    command = [sys.executable, "-c", _LOOPS]
    subprocess.run(command, check=True, timeout=300, env=environment)


@pytest.mark.slow
def test_programs_call_no_lapack():
    text = jax.jit(jax.grad(lambda c: solve_bounce(polynomial, c, [0.0], [1.0], 3).action))
    lowered = text.lower(jnp.asarray(bounces.adams(0.8))).as_text()
    assert "lapack" not in lowered.lower()


def test_inputs_that_cannot_be_used_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="must be 3 or 4"):
        solve_bounce(polynomial, jnp.ones(5), [0.0], [1.0], 5)
    with pytest.raises(ValueError, match="one length"):
        solve_bounce(polynomial, jnp.ones(5), [0.0], [1.0, 2.0], 4)
    # what users are told, who run without the tests' checks of shapes
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match="one length"):
        solve_bounce(polynomial, jnp.ones(5), 0.0, 1.0, 4)


def test_float32_is_refused():
    code = (
        "import jax.numpy as jnp\n"
        "from jaxbounce.bounce import solve_bounce\n"
        "from jaxbounce.potential import polynomial\n"
        "try:\n    solve_bounce(polynomial, jnp.ones(5), [0.0], [1.0])\n"
        "except ValueError as error:\n    assert 'enable_x64' in str(error)\n"
        "else:\n    raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

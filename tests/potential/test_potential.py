import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.errors import PotentialError
from jaxbounce.files.potential import potential_from_mapping
from jaxbounce.potential.library import (
    Portal,
    Z2Portal,
    cubic_quartic,
    polynomial,
    portal,
    quartic_well,
    z2_portal,
)
from jaxbounce.potential.text import ExpressionPotential
from jaxbounce.potential.vacua import curvature, find_vacua, is_minimum, polish_vacuum

PORTAL = (
    "lam_Phi/4*(Phi**2 - v**2)**2 + b*Phi**2 + lam/4*(phi**2 - 1)**2 - mu_squared*phi**2"
    " + g*Phi**2*phi**2"
)


def test_polynomial_is_the_sum_of_its_terms():
    rng = np.random.default_rng(1)
    coefficients, phi = rng.normal(size=(4, 3, 2)), rng.normal(size=3)
    expected = sum(
        coefficients[i, j, k] * phi[0] ** i * phi[1] ** j * phi[2] ** k
        for i, j, k in np.ndindex(4, 3, 2)
    )
    assert float(polynomial(jnp.asarray(phi), jnp.asarray(coefficients))) == pytest.approx(expected)
    with pytest.raises(ValueError, match="3 axes"):
        polynomial(jnp.asarray(phi), jnp.ones((2, 2)))


def test_families_agree_with_their_formulas():
    h, s = 0.3, -1.2
    z2 = z2_portal(jnp.array([h, s]), Z2Portal(0.9, 0.7, 5.0))
    expected = (h**2 - 1) ** 2 / 4 + 0.7 / 4 * (s**2 - 0.81) ** 2 + 5 / 4 * h**2 * s**2
    assert float(z2) == pytest.approx(expected, rel=1e-14)
    well = quartic_well(jnp.array([h, s]), jnp.array([1.8, 0.2, 0.3]))
    expected = (1.8 * (h - 1) ** 2 + 0.2 * (s - 1) ** 2 - 0.3) * (h**2 + s**2)
    assert float(well) == pytest.approx(expected, rel=1e-14)
    cubic = cubic_quartic(jnp.array([h]), 0.8)
    assert float(cubic) == pytest.approx((h**4 - 2 * h**3 + 0.4 * h**2) / 4, rel=1e-14)


@pytest.mark.slow
def test_vacua_are_polished_and_differentiable():
    # δ(φ) = 0 at φ = (3 + √(9 − 4δ))/4 for V = (φ⁴ − 2φ³ + δφ²/2)/4
    def true_vacuum(delta):
        return polish_vacuum(cubic_quartic, delta, jnp.array([1.3]))[0]

    def exact(delta):
        return (3 + jnp.sqrt(9 - 4 * delta)) / 4

    assert float(true_vacuum(0.8)) == pytest.approx(float(exact(0.8)), rel=1e-15)
    for derivative in (jax.jacfwd, jax.jacrev, jax.hessian):
        ours, theirs = derivative(true_vacuum)(0.8), derivative(exact)(0.8)
        assert float(ours) == pytest.approx(float(theirs), rel=1e-12)


def test_flat_directions_stay_where_they_are():
    def rigid(phi, theta):
        return theta * (phi[0] - 2.0) ** 2 + 0.0 * phi[1]

    phi, slope = jax.jvp(lambda t: polish_vacuum(rigid, t, [1.5, 0.7]), (3.0,), (1.0,))
    np.testing.assert_allclose(phi, [2.0, 0.7])
    np.testing.assert_allclose(slope, 0.0)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[2.0, 1.0], [1.0, 2.0]], True),
        ([[1.0, 2.0], [2.0, 1.0]], False),
        ([[0.0, 0.0], [0.0, 0.0]], True),
        ([[1.0, 0.0], [0.0, -1e-3]], False),
        ([[np.nan, 0.0], [0.0, 1.0]], False),
    ],
)
def test_minima_have_no_negative_curvature(matrix, expected):
    assert bool(is_minimum(jnp.array(matrix))) is expected


@pytest.mark.slow
def test_all_minima_of_a_box_are_found():
    found = find_vacua(z2_portal, Z2Portal(0.9, 0.7, 5.0), [-2.0, -2.0], [2.0, 2.0])
    expected = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.9], [0.0, -0.9]])
    assert found.positions.shape == (4, 2)
    assert bool(jnp.all(jnp.diff(found.values) >= 0))
    for vacuum in expected:
        assert np.abs(np.asarray(found.positions) - vacuum).max(1).min() < 1e-12
    # the deepest are those at V = λ_s w⁴/4
    np.testing.assert_allclose(found.values[0], 0.7 * 0.9**4 / 4)


def test_an_expression_is_the_function_it_writes():
    configured = potential_from_mapping(
        {
            "fields": ["Phi", "phi"],
            "parameters": Portal()._asdict(),
            "potential": PORTAL,
            "false_vacuum": [0, -1.7],
            "true_vacuum": [2.36, 0],
        }
    )
    theta = Portal(*map(jnp.asarray, Portal()))
    phi = jnp.array([0.7, -1.1])
    for derivative in (lambda f: f, jax.grad, jax.hessian):
        np.testing.assert_allclose(
            derivative(configured.potential)(phi, configured.theta),
            derivative(portal)(phi, theta),
            rtol=1e-13,
        )
    slope = jax.grad(configured.potential, argnums=1)(phi, configured.theta)
    assert float(slope["g"]) == pytest.approx(0.7**2 * 1.1**2)
    assert configured.dimension == 4
    assert configured.r_max is None


def test_expressions_know_functions_signs_and_powers():
    text = "-exp(-x)*log(2+x**2) + sqrt(abs(x)) + tanh(x)**-2 - +pi*x**1.0 + cos(x)/sin(x)"
    V = ExpressionPotential(text, ("x",))
    x = 0.7
    expected = (
        -np.exp(-x) * np.log(2 + x**2)
        + np.sqrt(x)
        + np.tanh(x) ** -2
        - np.pi * x
        + np.cos(x) / np.sin(x)
    )
    assert float(V(jnp.array([x]), {})) == pytest.approx(expected, rel=1e-14)
    # whole powers of a negative field, and their derivatives, are numbers
    cube = ExpressionPotential("x**3.0 + x**-2", ("x",))
    assert float(jax.grad(lambda p: cube(p, {}))(jnp.array([-2.0]))[0]) == pytest.approx(12.25)


def test_an_expression_may_be_written_over_several_lines():
    # as a multi-line string of TOML comes
    V = ExpressionPotential("\n  x**2\n    - 3*(x\n + 1)\r\n\t+ x**4\n", ("x",))
    assert float(V(jnp.array([2.0]), {})) == 4 - 9 + 16
    with pytest.raises(PotentialError, match="not an algebraic expression"):
        ExpressionPotential("x**2\nx**3", ("x",))


def test_equal_expressions_are_equal_programs():
    first, second = (ExpressionPotential("a*x**2", ("x",), ("a",)) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "not an algebraic expression"),
        ("x^2", "a power is written"),
        ("y**2", "unknown name 'y'"),
        ("__import__('os').system('ls')", "functions of one argument"),
        ("x.__class__", "allowed are"),
        ("[x for x in x]", "allowed are"),
        ("(lambda: x)()", "functions of one argument"),
        ("exp(x, x)", "functions of one argument"),
        ("exp", "unknown name 'exp'"),
        ("x if x > 0 else -x", "allowed are"),
        ("x % 2", "allowed are"),
        ("'x'", "not a real number"),
        ("1j*x", "not a real number"),
        ("True", "not a real number"),
        ("-" * 200 + "x", "nested"),
        ("x" * 20_000, "characters"),
        ("", "not an algebraic expression"),
    ],
)
def test_what_is_not_algebra_is_refused_in_one_line(text, message):
    with pytest.raises(PotentialError, match=message) as error:
        ExpressionPotential(text, ("x",))
    assert "\n" not in str(error.value)


def test_towers_of_powers_do_not_hang():
    V = ExpressionPotential("9**9**9**9*x**2", ("x",))
    assert not np.isfinite(float(V(jnp.array([1.0]), {})))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": "x"}, "must be a list"),
        ({"fields": []}, "at least one"),
        ({"fields": ["x", "x"]}, "twice"),
        ({"fields": ["exp"]}, "taken"),
        ({"fields": ["2x"]}, "letters"),
        ({"parameters": {"a": "1"}}, "parameters.a = '1': must be a number"),
        ({"parameters": {"a": float("nan")}}, "finite"),
        ({"parameters": [1]}, "table"),
        ({"potential": 3}, "string"),
        ({"false_vacuum": [0, 1]}, "list of 1 numbers"),
        ({"dimension": 5}, "3 or 4"),
        ({"r_max": -1.0}, "above 0"),
        ({"potental": "x"}, "potental: unknown key; did you mean 'potential'?"),
        ({"potential": None}, "string"),
    ],
)
def test_configurations_are_checked(change, message):
    good = {"fields": ["x"], "parameters": {"a": 1}, "potential": "a*x**2"}
    potential_from_mapping(good)
    with pytest.raises(PotentialError, match=message) as error:
        potential_from_mapping(good | change)
    assert "\n" not in str(error.value)


def test_missing_keys_are_named():
    with pytest.raises(PotentialError, match="missing key 'fields'"):
        potential_from_mapping({"potential": "x"})


def test_values_must_match_the_fields():
    with pytest.raises(PotentialError, match="has 1"):
        ExpressionPotential("x", ("x",))(jnp.ones(2), {})


def test_curvature_is_the_mass_matrix():
    theta = Portal(*map(jnp.asarray, Portal()))
    matrix = curvature(portal, theta, jnp.array([0.0, -np.sqrt(3.0)]))
    expected = -0.1 * (99 / 42) ** 2 - 2 * 4.049587e-9 + 6 * 2.313019
    np.testing.assert_allclose(matrix, [[expected, 0.0], [0.0, 6e-8]], rtol=1e-12)

"""Propagation against closed forms (SPEC A.6), tabulated values (golden A.*) and limits."""

import os

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Status
from jaxbounce.conversion.magnus import propagate, step_edges
from jaxbounce.conversion.two_level import TwoLevelPropagation, convert
from jaxbounce.conversion.wall import Couplings, TabulatedWall, TanhWall
from jaxbounce.files.profile_csv import read_profile
from walls import W1, W2, NoCrossing, W1_P_c, linear_tanh_P_c

SUDDEN = 0.038680212266746006  # golden A.sudden_limit_sin2theta, λ = 0.209


@eqx.filter_jit
def _run(field, reach, v, steps, ends=None):
    """Any field b(ξ) through the library's own steps, from −reach to reach."""
    points = jnp.linspace(-reach, reach, 513)
    edges = step_edges(field, points, steps)
    start, end = ends or (field(edges[0]), field(edges[-1]))
    return convert(lambda xi: field(xi) / v, edges, start, end)


@eqx.filter_jit
def _convert(model, wall, couplings, motion):
    return model(wall, couplings, jnp.asarray(motion))


@pytest.mark.slow
def test_random_linear_tanh_walls_and_their_error_estimates():
    """1000 walls between random directions (complex couplings): A.6(2)."""
    rng = np.random.default_rng(3)
    n = 1000
    scale = np.exp(rng.uniform(-1.5, 0.7, (2, n, 1)))
    start, end = rng.normal(size=(2, n, 3)) * scale
    width, v = np.exp(rng.uniform(-1, 1, n)), np.exp(rng.uniform(np.log(0.05), 0, n))
    exact = linear_tanh_P_c(start, end, width, v)

    @jax.jit
    @jax.vmap
    def run(start, end, width, v):
        def field(xi):
            part = jax.nn.sigmoid(2 * xi / width)
            return jnp.multiply.outer(start, 1 - part) + jnp.multiply.outer(end, part)

        edges = step_edges(field, jnp.linspace(-18 * width, 18 * width, 513), 512)
        found = propagate(lambda xi: field(xi) / v, edges, start, end)
        return found.amplitudes.P_jump, found.amplitudes.norm, found.error

    P, norm, error = run(start, end, width, v)
    off = np.abs(P - exact)
    assert (off < 1e-9).mean() > 0.9
    assert (np.abs(norm - 1) < 1e-13).all()
    assert (error >= off).mean() >= 0.99
    assert (error <= 1e3 * np.maximum(off, 1e-15)).mean() >= 0.99


@pytest.mark.slow
def test_sech_tanh_model():
    """A.6(3), with Rosen–Zener (B = 0) and Allen–Eberly (Δ0 = 0); golden A.oracle.DK1."""
    rows = jnp.array(
        [
            [0.35, 0.2, 1.0, 1.3, 0.5, 0.9018213412265930905776771],
            [0.2, 0.0, 0.5, 1.0, 0.3, 0.8673972558330900799002883],
            [0.4, 0.0, 0.3, 1.0, 1.0, 0.8741918770053456646921181],
        ]
    )

    @jax.jit
    @jax.vmap
    def run(row):
        m0, D0, B, width, v, _ = row

        def field(xi):
            x = xi / width
            return jnp.stack([m0 / jnp.cosh(x), 0 * x, (D0 + B * jnp.tanh(x)) / 2])

        return _run(field, 32 * width, v, 1024)

    result = run(rows)
    np.testing.assert_allclose(result.P_ad, rows[:, -1], atol=1e-9)
    np.testing.assert_allclose(result.P_ad, result.P_flav, atol=1e-11)  # no mixing at the ends


def test_rosen_zener():
    # SPEC A.6(3), B = 0: sin²(π m0 T) sech²(π Δ0 T/2); Δ keeps its sign, P_ad = P_c
    m0, D0, v = 0.3, 0.15, 0.5

    def field(xi):
        return jnp.stack([m0 / jnp.cosh(xi), 0 * xi, D0 / 2 + 0 * xi])

    exact = np.sin(np.pi * m0 / v) ** 2 / np.cosh(np.pi * D0 / v / 2) ** 2
    np.testing.assert_allclose(_run(field, 32.0, v, 512).P_ad, exact, atol=1e-11)


def _dressed(field, v, xi):
    """End states corrected to second order in v: what lets an infinite range be cut off."""

    def unit(b):
        return b / jnp.sqrt((b * b).sum())

    def dress(direction):
        def next_direction(x):
            n, slope = jax.jvp(lambda y: unit(direction(y)), (x,), (jnp.ones_like(x),))
            return field(x) / v - jnp.cross(n, slope) / 2

        return next_direction

    return dress(dress(field))(jnp.asarray(xi))


def test_landau_zener_on_a_line():
    m, slope, v, reach = 0.2, 1.0, 0.3, 40.0

    def field(xi):
        return jnp.stack([m + 0 * xi, 0 * xi, slope * xi / 2])

    ends = _dressed(field, v, -reach), _dressed(field, v, reach)
    result = _run(field, reach, v, 8192, ends)
    exact = -np.expm1(-2 * np.pi * m**2 / (v * slope))
    np.testing.assert_allclose(1 - result.P_c, exact, atol=1e-9)


@pytest.mark.slow
def test_exponential_levels():
    # golden A.oracle.exponential: Δ∞ = 1.7, m = 0.2, ℓ = 1, v = 0.3 (A = 1.7 drops out)
    v = 0.3

    def field(xi):
        return jnp.stack([0.2 + 0 * xi, 0 * xi, 0.85 * -jnp.expm1(-xi)])

    points = jnp.linspace(-6.5, 32.0, 1025)
    edges = step_edges(field, points, 8192)
    result = convert(
        lambda xi: field(xi) / v, edges, _dressed(field, v, -6.5), field(jnp.asarray(32.0))
    )
    np.testing.assert_allclose(result.P_c, 0.6149830197027539362052529, atol=1e-9)


# golden A.W1.table: λ, v, P_ad, P_dec, ∂lnP_ad/∂lnλ, ∂lnP_ad/∂lnv (∂lnP_ad/∂lnL is its negative)
W1_TABLE = np.array(
    [
        [
            0.05,
            0.3,
            0.03817635545652596,
            0.04046829836092481,
            1.953600422837069,
            -0.980664170914871,
        ],
        [
            0.05,
            0.9,
            0.01289263843813605,
            0.01531005962078222,
            1.979212512295152,
            -0.992316980960050,
        ],
        [0.209, 0.1, 0.8531454590517501, 0.8258259764174317, 0.619328739113130, -0.330205040518158],
        [0.209, 0.6, 0.2736468727508307, 0.2911576467693100, 1.591706600277865, -0.848636838854831],
        [0.5, 0.05, 0.9999999672041514, 0.8535533674031068, 8.51484853e-7, -5.65169693e-7],
        [0.5, 0.3, 0.9434234476858688, 0.8135477267957961, 0.259499546238561, -0.172241794126027],
        [1.0, 0.1, 0.9999999988866584, 0.7236067972520774, 2.28409068e-8, -2.29525385e-8],
        [1.0, 0.6, 0.9678062683741820, 0.7092093232770362, 0.113740894751599, -0.114296664577089],
    ]
)


@pytest.mark.slow
def test_W1_values_and_gradients():
    model = TwoLevelPropagation(steps=1024)

    @jax.jit
    @jax.vmap
    def run(lam, v):
        def log_P(logarithms):
            lam, v, width = jnp.exp(logarithms)
            result = model(W1(width), Couplings(lam=lam), v)
            return jnp.log(result.P_ad), result

        at = jnp.log(jnp.stack([lam, v, jnp.asarray(1.5)]))
        return jax.grad(log_P, has_aux=True)(at)

    slopes, result = run(W1_TABLE[:, 0], W1_TABLE[:, 1])
    off = np.abs(result.P_ad - W1_TABLE[:, 2])
    np.testing.assert_allclose(result.P_dec, W1_TABLE[:, 3], atol=1e-10)
    assert (off < 1e-10).all()
    assert (off <= result.error + 1e-15).all()
    assert (result.status == Status.SUCCESS).all()
    expected = np.stack([W1_TABLE[:, 4], W1_TABLE[:, 5], -W1_TABLE[:, 5]], axis=1)
    np.testing.assert_allclose(slopes, expected, atol=1e-7)


def test_W2():
    # golden A.W2.two_level
    v = jnp.array([0.1, 0.3, 0.6, 0.9])
    P_ad = [0.3996372110975965, 0.1619105173416078, 0.0927928101145095, 0.0703511932501793]
    P_dec = [0.4074013190544516, 0.1880652632503698, 0.1242945311971414, 0.1035890073406538]
    model = TwoLevelPropagation(steps=1024)
    result = jax.jit(jax.vmap(lambda v: model(W2(), Couplings(lam=0.209), v)))(v)
    np.testing.assert_allclose(result.P_ad, P_ad, atol=1e-11)
    np.testing.assert_allclose(result.P_dec, P_dec, atol=1e-11)


@pytest.mark.slow
def test_tabulated_wall_gives_the_same():
    xi = np.linspace(-30, 30, 8001)
    Phi, phi = W1().fields(xi)
    wall = TabulatedWall.from_table(xi, Phi, phi)
    result = _convert(TwoLevelPropagation(), wall, Couplings(lam=0.209), 0.3)
    np.testing.assert_allclose(result.P_c, W1_P_c(0.209, 0.3), atol=1e-9)
    assert result.unitarity < 1e-13


def test_relativistic_form_with_constant_mean_mass_is_the_slow_one_at_v_K_over_mean_mass():
    wall = TanhWall(Phi_inside=2.0, phi_outside=2.0, width=1.1)  # m̄ = 1
    K = 0.4
    couplings = Couplings(lam=0.25)
    result = _convert(TwoLevelPropagation(kinematics="relativistic"), wall, couplings, K)
    exact = linear_tanh_P_c([0, 0, -1.0], [0.5, 0, 1.0], 1.1, K)
    np.testing.assert_allclose(result.P_c, exact, atol=1e-11)


@pytest.mark.slow
def test_sudden_and_adiabatic_limits():
    couplings = Couplings(lam=0.209)
    fast = _convert(TwoLevelPropagation(kinematics="relativistic"), W1(), couplings, 1e9)
    np.testing.assert_allclose(fast.P_ad, SUDDEN, rtol=1e-7)
    np.testing.assert_allclose(fast.P_dec, 2 * SUDDEN * (1 - SUDDEN), rtol=1e-7)
    assert fast.P_flav < 1e-12
    slow = _convert(TwoLevelPropagation(steps=2048), W1(), Couplings(lam=0.5), 0.02)
    np.testing.assert_allclose(slow.P_ad, 1, atol=1e-12)


def test_without_a_crossing_the_exact_tier_answers():
    result = _convert(TwoLevelPropagation(), NoCrossing(), Couplings(lam=0.2), 0.3)
    exact = linear_tanh_P_c([0.2, 0, 0.15], [0.2, 0, 0.45], 1.0, 0.3)
    np.testing.assert_allclose(result.P_ad, exact, rtol=1e-9)
    assert result.status == Status.SUCCESS


def test_small_probabilities_keep_their_digits():
    result = _convert(TwoLevelPropagation(), W1(), Couplings(lam=1e-6), 0.3)
    larger = _convert(TwoLevelPropagation(), W1(), Couplings(lam=1e-4), 0.3)
    np.testing.assert_allclose(result.P_ad * 1e4, larger.P_ad, rtol=1e-6)
    # P_dec adds the mixing outside, half of 2λ² sin²
    assert result.P_ad < result.P_dec < 2 * result.P_ad


def _all_parameters(at, kinematics):
    lam, motion, width, y_B, y_chi = at
    couplings = Couplings(lam=lam, y_B=y_B, y_chi=y_chi)
    result = TwoLevelPropagation(kinematics=kinematics)(W1(width), couplings, motion)
    return jnp.stack([result.P_ad, result.P_dec])


@pytest.mark.slow
@pytest.mark.parametrize("kinematics", ["nonrelativistic", "relativistic"])
def test_gradients_against_central_differences(kinematics):
    at = jnp.array([0.209, 0.4, 1.5, 1.1, 0.9])
    h = 1e-5
    shifts = at + h * np.concatenate([np.eye(5), -np.eye(5)])
    values = jax.jit(jax.vmap(lambda x: _all_parameters(x, kinematics)))(shifts)
    numeric = (values[:5] - values[5:]) / (2 * h)
    slopes = jax.jit(jax.jacfwd(lambda x: _all_parameters(x, kinematics)))(at)
    np.testing.assert_allclose(slopes.T, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
def test_gradients_are_finite_in_the_corners():
    corners = jnp.array(
        [
            [0.0, 0.3, 1.5, 1.0, 1.0],
            [0.209, 1.0, 1.5, 1.0, 1.0],
            [0.209, 1e12, 1.5, 1.0, 1.0],
            [0.0, 1.0, 1e-3, 1.0, 1.0],
            [0.209, 0.3, 1.5, 0.0, 1.0],
            [0.209, 0.3, 1.5, 1.0, 0.0],
            [0.0, 0.3, 1.5, 0.0, 0.0],
        ]
    )
    slopes = jax.jit(jax.vmap(jax.jacrev(lambda x: _all_parameters(x, "nonrelativistic"))))(corners)
    assert np.isfinite(slopes).all()
    np.testing.assert_allclose(slopes[0, 0], 0, atol=1e-12)  # P ∝ λ²


@pytest.mark.slow
def test_too_few_steps_are_reported():
    slow = _convert(TwoLevelPropagation(steps=64), W1(), Couplings(lam=0.05), 0.003)
    assert slow.status == Status.PROPAGATION_NOT_CONVERGED
    assert slow.error > 1e-3
    assert np.isnan(slow.P_ad)
    assert np.isnan(slow.P_dec)
    assert (
        _convert(TwoLevelPropagation(), W1(), Couplings(lam=0.1), -0.3).status
        == Status.INVALID_PARAMETER
    )


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="steps = 100"):
        TwoLevelPropagation(steps=100)
    with pytest.raises(ValueError, match="'slow'"):
        TwoLevelPropagation(kinematics="slow")


@pytest.mark.skipif("JAXBOUNCE_PROFILE" not in os.environ, reason="needs the published CSV")
def test_published_wall():
    # golden A.exact2.reference_wall; its inner end had φ = 0 exactly, the thinned file 2.6e-7
    wall = read_profile(os.environ["JAXBOUNCE_PROFILE"]).wall()
    result = _convert(TwoLevelPropagation(), wall, Couplings(lam=0.209), 0.3)
    np.testing.assert_allclose(result.P_ad, 0.14124853134270154, rtol=1e-6)
    np.testing.assert_allclose(result.P_dec, 0.16900169726004394, rtol=1e-6)
    assert result.status == Status.SUCCESS

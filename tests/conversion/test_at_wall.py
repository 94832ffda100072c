"""A conversion model on a wall under way: which speed or momentum, averages, and the chain."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Status, load, predict
from jaxbounce.conversion import FullWave, LocalLandauZener, TwoLevelPropagation, WallConversion
from jaxbounce.conversion.wall import Couplings, eigenmasses, incoming_mass, structure
from walls import W1, W2, NoCrossing, W1_P_c, linear_tanh_P_c

LAM, V = 0.209, 0.6
CALL = eqx.filter_jit(WallConversion.__call__)
RELATIVISTIC = TwoLevelPropagation(kinematics="relativistic", steps=256)


def _model(conversion, **overrides):
    return load(preset="benchmark", **overrides).with_conversion(conversion)


def _closed_form(lam, v, width, y_B, y_chi):
    """P_ad of W1 with couplings: 1 − P_c of SPEC A.6(2)."""
    end = [1.7 * lam, 0, 0.85 * y_B]
    return 1 - linear_tanh_P_c([0, 0, -1.2 * y_chi], end, width, v)


def test_eigenmasses_and_the_incoming_one():
    couplings = Couplings(y_B=0.9, y_chi=1.3, lam=LAM)
    outside = np.linalg.eigvalsh(1.7 * np.array([[0.9, LAM], [LAM, 0.0]]))
    found = np.sort(eigenmasses(W2(), couplings))
    expected = np.sort(np.abs([*outside, 0.0, 1.3 * 2.4]))
    np.testing.assert_allclose(found, expected, atol=1e-11)
    # χ-like: the eigenvector with the larger χ content is the lower one here
    np.testing.assert_allclose(incoming_mass(W2(), couplings), abs(outside[0]), rtol=1e-10)
    assert incoming_mass(W2(), Couplings(lam=0.0)) < 1e-10
    slope = jax.grad(lambda lam: incoming_mass(W2(), Couplings(lam=lam)))(0.0)
    assert jnp.isfinite(slope)


def test_structure_of_a_tanh_wall():
    # variation ∝ sech²: quartiles at ±L atanh(1/2)
    centre, width = structure(W1(width=0.7), Couplings())
    np.testing.assert_allclose(centre, 0, atol=1e-3)
    np.testing.assert_allclose(width, 1.5 * 2 * 0.7 * np.arctanh(0.5), rtol=1e-2)


@pytest.mark.slow
def test_a_wall_in_place_of_a_number():
    model = _model(WallConversion(W1(), Couplings(lam=LAM)))
    found = predict(model)
    P = 1 - W1_P_c(LAM, 0.3)
    assert found.status == Status.SUCCESS
    np.testing.assert_allclose(found.P, P, atol=1e-10)
    np.testing.assert_allclose(found.rho_B, predict(model.with_P(P)).rho_B, rtol=1e-9)
    assert 0 < found.error_estimate < 1e-6


@pytest.mark.slow
def test_elasticities_through_the_wall():
    """v_w enters P and A/V at once; λ, width and couplings through P alone (closed form)."""
    model = _model(WallConversion(W1(), Couplings(lam=LAM))).replace(v_w=V)
    names = ("lam", "v_w", "width", "y_B", "y_chi", "stretch")
    at = jnp.log(jnp.array([LAM, V, 1.5, 1.0, 1.0, 1.0]))

    @jax.jit
    @jax.grad
    def elasticities(logarithms):
        values = dict(zip(names, jnp.exp(logarithms), strict=True))
        return jnp.log(predict(model.replace(**values)).rho_B)

    def log_P(logarithms):
        return np.log(_closed_form(*np.exp(logarithms)))

    def difference(i):
        step = 1e-3 * np.eye(5)[i]
        x = np.asarray(at[:5])
        one, two = (log_P(x + n * step) - log_P(x - n * step) for n in (1, 2))
        return (8 * one - two) / 12e-3

    expected = np.array([difference(i) for i in range(5)])
    # golden A.W1.table
    np.testing.assert_allclose(expected[:2], [1.591706600277865, -0.848636838854831], rtol=1e-8)
    expected[1] -= 1  # A/V ∝ 1/v_w, static flux
    found = elasticities(at)
    np.testing.assert_allclose(found[:5], expected, rtol=1e-6)
    np.testing.assert_allclose(found[5], expected[2], rtol=1e-6)


@pytest.mark.slow
def test_moving_wall_flux_is_in_the_elasticity_too():
    # SPEC D: −0.538461538 with the flux onto a moving wall, plus that of P
    overrides = {"area_kernel": "kjma", "flux": "moving-wall", "window": "none"}
    model = _model(WallConversion(W1(), Couplings(lam=LAM)), **overrides)

    @jax.jit
    def slope(v):
        return v * jax.grad(lambda v: jnp.log(predict(model.replace(v_w=v)).rho_B))(v)

    P = 1 - W1_P_c(LAM, np.array([0.299, 0.301]))
    own = np.diff(np.log(P)) / np.diff(np.log([0.299, 0.301]))
    np.testing.assert_allclose(slope(0.3), -0.538461538461538 + own[0], rtol=1e-5)


@pytest.mark.slow
def test_batch_with_a_bad_point_and_one_compilation():
    model = _model(WallConversion(W1(), Couplings(lam=LAM)))
    v = jnp.array([0.2, 2.0, 0.4, jnp.nan])
    lam = jnp.array([0.1, 0.1, 0.3, 0.1])
    batch = jax.jit(jax.vmap(lambda v, lam: predict(model.replace(v_w=v, lam=lam))))
    found = batch(v, lam)
    good = np.array([True, False, True, False])
    assert ((found.status == Status.SUCCESS) == good).all()
    assert (found.status[~good] == Status.INVALID_PARAMETER).all()
    expected = [1 - W1_P_c(0.1, 0.2), 1 - W1_P_c(0.3, 0.4)]
    np.testing.assert_allclose(found.P[good], expected, atol=1e-9)
    assert np.isnan(found.rho_B[~good]).all()
    counted = eqx.filter_jit(
        eqx.debug.assert_max_traces(lambda model: predict(model).rho_B, max_traces=1)
    )
    for value in (0.11, np.float64(0.22), jnp.asarray(0.3)):
        counted(model.replace(lam=value, v_w=value, width=value))


@pytest.mark.slow
def test_failures_carry_their_status():
    couplings = Couplings(lam=0.2)
    none = predict(_model(WallConversion(NoCrossing(), couplings, LocalLandauZener())))
    assert none.status == Status.NO_CROSSING
    assert np.isnan(none.rho_B)
    coarse = WallConversion(W1(), couplings, TwoLevelPropagation(steps=8))
    assert predict(_model(coarse)).status == Status.PROPAGATION_NOT_CONVERGED
    invalid = WallConversion(W1(), Couplings(lam=-1.0))
    assert predict(_model(invalid)).status == Status.INVALID_PARAMETER
    with pytest.raises(ValueError, match="incidence"):
        WallConversion(W1(), couplings, incidence="hot")
    with pytest.raises(ValueError, match="K is given"):
        WallConversion(W1(), couplings, K=1.0)


def test_model_takes_exactly_one_of_both():
    model = load()
    with pytest.raises(ValueError, match="both are given"):
        dataclasses.replace(model, stages=(WallConversion(W1(), Couplings()),))
    with pytest.raises(ValueError, match="no such parameter"):
        _model(WallConversion(W1(), Couplings())).replace(P=0.1)
    with pytest.raises(ValueError, match="did you mean 'lam'"):
        _model(WallConversion(W1(), Couplings())).replace(lamb=0.1)
    model = _model(WallConversion(W2(), Couplings(lam=0.1), stretch=1.2))
    assert (model.value("lam"), model.value("stretch"), model.value("centre_phi")) == (0.1, 1.2, 1)
    assert model.value("v_w") == 0.3


@pytest.fixture(scope="module")
def probabilities():
    """P(K) of W2 by single calls on a fine grid, for the averages below."""
    return jax.jit(jax.vmap(lambda K: RELATIVISTIC.probability(W2(), Couplings(lam=LAM), K).P))


@pytest.mark.slow
@pytest.mark.parametrize("statistics", ["fermion", pytest.param("boson", marks=pytest.mark.slow)])
def test_thermal_average_against_the_plain_integral(probabilities, statistics):
    """SPEC B in the frame of the wall, by a composite rule of its own."""
    T, v_w, unit = 60.0, 0.3, 100.0
    conversion = WallConversion(
        W2(), Couplings(lam=LAM), RELATIVISTIC, unit_GeV=unit, incidence="thermal"
    )
    found = CALL(conversion, jnp.asarray(v_w), jnp.asarray(T), statistics)
    outside = np.linalg.eigvalsh(1.7 * np.array([[1.0, LAM], [LAM, 0.0]]))
    m, t = abs(outside[0]), T / unit
    gamma = 1 / np.sqrt(1 - v_w**2)
    x, weight = np.polynomial.legendre.leggauss(20)
    edges = np.concatenate([np.geomspace(1e-9, 1e-2, 15), np.geomspace(2e-2, 60 * t, 60)])
    p = ((edges[1:] + edges[:-1])[:, None] + np.diff(edges)[:, None] * x) / 2
    w = np.diff(edges)[:, None] / 2 * weight
    y = gamma * (np.sqrt(p**2 + m**2) - v_w * p) / t
    spectrum = np.log1p(np.exp(-y)) if statistics == "fermion" else -np.log(-np.expm1(-y))
    flux = w * p * spectrum
    K = np.sqrt(p**2 + m**2)
    exact = (flux * np.asarray(probabilities(K.ravel())).reshape(K.shape)).sum() / flux.sum()
    np.testing.assert_allclose(found.P, exact, rtol=1e-7)
    assert abs(found.P - exact) <= found.error + 1e-9
    assert found.status == Status.SUCCESS


@pytest.mark.slow
def test_cold_chi_meets_a_relativistic_model_with_gamma_m():
    conversion = WallConversion(W2(), Couplings(lam=LAM), RELATIVISTIC)
    outside = np.linalg.eigvalsh(1.7 * np.array([[1.0, LAM], [LAM, 0.0]]))
    np.testing.assert_allclose(conversion.momentum(0.6), 1.25 * abs(outside[0]), rtol=1e-10)
    given = dataclasses.replace(conversion, K=3.0)
    assert given.momentum(0.6) == 3.0
    single = jax.jit(lambda c: RELATIVISTIC(W2(), c, 3.0).P_ad)(Couplings(lam=LAM))
    np.testing.assert_allclose(CALL(given, 0.6, 1.0).P, single, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        LocalLandauZener(kinematics="relativistic"),
        pytest.param(RELATIVISTIC, marks=pytest.mark.slow),
    ],
)
def test_what_a_wall_reflects_is_no_single_passage(model):
    """χ weighs 2.4 inside: below, golden A.scattering has R_χ = 0.916 at K = 2, and T_χ = 0."""
    heavy = 2.4
    outside = np.abs(np.linalg.eigvalsh(1.7 * np.array([[1.0, LAM], [LAM, 0.0]]))).min()
    cases = {
        heavy * 1.001: Status.SUCCESS,
        heavy * 0.999: Status.CHI_REFLECTED,
        outside * 1.01: Status.CHI_REFLECTED,
        outside * 0.99: Status.INCIDENT_CHANNEL_CLOSED,
    }

    @jax.jit
    def slope_and_estimate(K):
        def P(K):
            found = WallConversion(W2(), Couplings(lam=LAM), model, K=K)(0.3, 1.0)
            return found.P, found

        (_, found), slope = jax.value_and_grad(P, has_aux=True)(K)
        return slope, found

    for K, status in cases.items():
        slope, found = slope_and_estimate(K)
        assert Status(int(found.status)) is status
        good = status is Status.SUCCESS
        assert np.isfinite(found.P) == good == np.isfinite(slope)

    # in a batch, what is reflected leaves the others' slopes alone
    def masked(K):
        found = jax.vmap(lambda k: WallConversion(W2(), Couplings(lam=LAM), model, K=k)(0.3, 1.0))(
            K
        )
        return jnp.where(found.status == Status.SUCCESS, found.P, 0.0).sum()

    slopes = jax.jit(jax.grad(masked))(jnp.array([3.0, 1.0]))
    np.testing.assert_allclose(slopes[0], slope_and_estimate(3.0)[0], rtol=1e-12)
    assert slopes[1] == 0


@pytest.mark.slow
def test_full_wave_on_a_wall_counts_b_on_both_sides():
    # golden A.scattering.W2_scalar_20digits at K = 2: T_B + R_B
    conversion = WallConversion(W2(), Couplings(lam=LAM), FullWave("scalar", 64), K=2.0)
    found = CALL(conversion, 0.3, 1.0)
    np.testing.assert_allclose(
        found.P, 0.04223254562411481195 + 0.041376968817345977399, atol=1e-11
    )
    assert found.status == Status.SUCCESS


@pytest.mark.slow
@pytest.mark.parametrize("spin", ["scalar", "dirac"])
def test_error_estimate_of_the_wave_over_random_steps(spin):
    """One channel, m² (scalar) or m (Dirac) = tanh step, SPEC A.4: reflection in closed form."""
    rng = np.random.default_rng(5)
    L, m0, rest = np.exp(
        rng.uniform(np.log([[0.2], [0.2], [0.02]]), np.log([[3], [3], [2]]), (3, 1000))
    )
    K = m0 * (1 + rest)

    def step(xi, args):
        m0, L = args
        f = jax.nn.sigmoid(-2 * xi / L)
        return 5.0 + 0 * xi, m0 * (jnp.sqrt(f) if spin == "scalar" else f), 0.0

    @jax.jit
    @jax.vmap
    def run(K, m0, L):
        return FullWave(spin, 64)(step, K, -40 * L, 40 * L, (m0, L), width=2 * L)

    found = run(K, m0, L)
    k = np.sqrt(K**2 - m0**2)
    extra = np.sin(np.pi * m0 * L / 2) ** 2 if spin == "dirac" else 0.0
    minus, plus = (np.sinh(np.pi * L * (K - s * k) / 2) ** 2 for s in (1, -1))
    off = np.abs(found.R_chi - (minus + extra) / (plus + extra))
    solved = np.asarray(found.status == Status.SUCCESS)
    assert solved.mean() > 0.99
    assert (found.error_estimate >= off)[solved].mean() >= 0.99
    ratio = found.error_estimate[solved] / np.maximum(off[solved], 1e-15)
    assert np.median(ratio) < 1e3

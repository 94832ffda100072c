import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import kv

from jaxbounce import Status
from jaxbounce.conversion.average import nonrelativistic_flux_average, thermal_flux_average
from jaxbounce.cosmology.gas_integrals import moving_flux_integral

# a/T, v_w, then ⟨1 − e^{−2πa/p}⟩: FD massless, BE massless, FD m = T (golden B.avg_P_exp)
EXPONENTIAL = [
    (0.001, 0.0, 0.0056462253120634889641, 0.0082676702583600699567, 0.0048784181151290157695),
    (0.001, 0.9, 0.0013093406302506812499, 0.0019465839644574315328, 0.0010717599064719802767),
    (0.02, 0.3, 0.074119143053998016059, 0.099476867447322112922, 0.065507276535151371466),
    (0.1, 0.0, 0.35213948426487903425, 0.41396309458259898491, 0.32539029973306542271),
    (0.1, 0.3, 0.28282798398841555902, 0.34068352304356945691, 0.25985987842755587429),
    (0.1, 0.9, 0.11028937602242498099, 0.14424276711623386761, 0.096053197895326888997),
    (1.0, 0.3, 0.87891075879465773617, 0.903107951903153072, 0.86609015632454668492),
]


def exponential(p, a):
    return -jnp.expm1(-2 * jnp.pi * a / p)


@functools.partial(jax.jit, static_argnames="statistics")
def average_exponential(T, m, v_w, a, statistics="fermion"):
    return thermal_flux_average(exponential, T, m, v_w, a, statistics=statistics)


@pytest.mark.parametrize(("a", "v_w", "fermion", "boson", "massive"), EXPONENTIAL)
def test_exponential_probability(a, v_w, fermion, boson, massive):
    for T in (1.0, 100.0):
        for value, m, statistics in [
            (fermion, 0.0, "fermion"),
            (boson, 0.0, "boson"),
            (massive, T, "fermion"),
        ]:
            result = average_exponential(T, m, v_w, a * T, statistics)
            assert result.value == pytest.approx(value, rel=1e-11)
            assert abs(result.value - value) <= result.error_estimate
            assert result.status == Status.SUCCESS
        c = 2 * np.pi * a * np.sqrt((1 - v_w) / (1 + v_w))
        closed = 1 - 2 * c * kv(2, 2 * np.sqrt(c))
        result = average_exponential(T, 0.0, v_w, a * T, "classical")
        assert result.value == pytest.approx(closed, rel=1e-10)


@pytest.mark.parametrize("statistics", ["fermion", "boson", "classical"])
def test_flux_is_the_one_of_equilibrium(statistics):
    x = jnp.array([0.0, 1e-8, 1e-3, 0.3, 1.0, 10.0, 100.0, 300.0])
    v_w = jnp.array([1e-6, 0.01, 0.3, 0.9, 0.999])

    def both(x, v_w):
        result = thermal_flux_average(exponential, 1.0, x, v_w, 1.0, statistics=statistics)
        return result, moving_flux_integral(x, v_w, statistics)

    grid = jnp.meshgrid(x, v_w)
    result, flux = jax.jit(jax.vmap(both))(*(axis.ravel() for axis in grid))
    np.testing.assert_allclose(result.flux_integral, flux, rtol=2e-11)
    assert (result.status == Status.SUCCESS).all()
    assert (result.error_estimate < 1e-7).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "v_w", "expected"),
    [
        (0.05, 0.0, 0.59052509202887658074),
        (0.05, 0.3, 0.14892313951392044025),
        (0.1, 0.1, 0.28447643897475354411),
        (0.3, 0.0, 0.16514565286385270135),
        (0.3, 0.3, 0.11169270347767981721),
    ],
)
def test_nonrelativistic_landau_zener(sigma, v_w, expected):
    reference = 0.14925839040304145
    strength = -0.3 * np.log1p(-reference)

    def probability(u, s):
        return -jnp.expm1(-s / u)

    result = nonrelativistic_flux_average(probability, sigma, v_w, strength)
    assert result.value == pytest.approx(expected, rel=1e-11)
    assert result.factor(reference) == pytest.approx(expected / reference, rel=1e-11)
    cold = thermal_flux_average(
        lambda p, s: probability(p / 1e5, s), 1e5 * sigma**2 * 1e-4, 1e5, v_w * 1e-2, strength / 100
    )
    limit = nonrelativistic_flux_average(probability, sigma / 100, v_w / 100, strength / 100)
    # the relativistic average of a gas with speeds near 1e-2: corrections are of order u²
    assert cold.value == pytest.approx(float(limit.value), rel=1e-4)


@pytest.mark.slow
def test_threshold_converges_with_split_point():
    def probability(p, K_threshold):
        square = p**2 + 0.04 - K_threshold**2
        return jnp.sqrt(jnp.where(square > 0, square, 1.0)) * (square > 0) * jnp.exp(-p)

    @functools.partial(jax.jit, static_argnums=1)
    def average(K_threshold, panels):
        return thermal_flux_average(
            probability, 1.0, 0.2, 0.3, K_threshold, thresholds=K_threshold[None], panels=panels
        )

    K = jnp.array(1.77)
    fine = average(K, 160).value
    assert average(K, 40).value == pytest.approx(float(fine), rel=1e-11)
    slope = jax.jit(jax.grad(lambda K: average(K, 40).value))(K)
    h = 1e-4
    central = (average(K + h, 160).value - average(K - h, 160).value) / (2 * h)
    assert slope == pytest.approx(float(central), rel=1e-6)


def _value(theta):
    return average_exponential(*theta).value


GRADIENT, BATCH = jax.jit(jax.grad(_value)), jax.jit(jax.vmap(_value))


@pytest.mark.slow
@pytest.mark.parametrize("v_w", [1e-6, 0.3, 0.999])
@pytest.mark.parametrize("m", [1e-3, 1.0, 300.0])
def test_gradients(v_w, m):
    theta = jnp.array([1.0, m, v_w, 0.1])
    gradient = GRADIENT(theta)
    assert jnp.isfinite(gradient).all()
    steps = jnp.diag(jnp.array([1e-3, 1e-3 * m, min(1e-3, v_w / 4, (1 - v_w) / 64), 1e-4]))
    f = BATCH
    # fourth-order central difference
    one = f(theta + steps) - f(theta - steps)
    two = f(theta + 2 * steps) - f(theta - 2 * steps)
    central = (8 * one - two) / 12 / jnp.diagonal(steps)
    scale = f(theta[None])[0] / theta
    np.testing.assert_allclose(gradient, central, rtol=1e-6, atol=1e-6 * float(jnp.min(scale)))


@pytest.mark.slow
def test_massless_gradient_is_finite():
    for statistics in ("fermion", "boson", "classical"):
        gradient = jax.grad(lambda m, s=statistics: average_exponential(1.0, m, 0.3, 0.1, s).value)(
            0.0
        )
        assert jnp.isfinite(gradient)


def test_unknown_statistics():
    with pytest.raises(ValueError, match="statistics"):
        thermal_flux_average(exponential, 1.0, 1.0, 0.3, 0.1, statistics="anyon")


# averages over p e^{−p}, the flux of a massless classical gas onto a wall at rest
HARD = {
    "fast oscillation": (lambda p, k: jnp.sin(k * p) ** 2, lambda k: (1 - _cosine(2 * k)) / 2),
    "step": (lambda p, k: 1.0 * (p > k / 10), lambda k: (1 + k / 10) * np.exp(-k / 10)),
    "kink": (lambda p, k: jnp.maximum(p - k / 10, 0) * jnp.exp(-p), lambda k: _ramp(k / 10)),
}


def _cosine(w):
    """∫ p e^{−p} cos(wp) dp."""
    return (1 - w**2) / (1 + w**2) ** 2


def _ramp(k):
    """∫ p (p − k) e^{−2p} dp from k."""
    return np.exp(-2 * k) * (k + 1) / 4


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize(("panels", "nodes"), [(2, 8), (4, 12), (12, 16)])
def test_the_estimate_covers_what_the_nodes_do_not_resolve(name, panels, nodes):
    """Nothing is told of where P steps, bends or oscillates."""
    probability, exact = HARD[name]

    @jax.jit
    @jax.vmap
    def average(k):
        sizes = {"panels": panels, "nodes": nodes, "tolerance": 1e3}
        return thermal_flux_average(probability, 1.0, 0.0, 1e-9, k, statistics="classical", **sizes)

    # a step further out may lie between an edge and the node next to it, where no rule looks
    k = np.array([0.7, 3.0, 11.0, 17.3, 40.0, 73.0, *([210.0] * (name == "fast oscillation"))])
    found, truth = average(jnp.asarray(k)), exact(k)
    wrong = np.abs(found.value - truth)
    assert (wrong <= found.error_estimate + 1e-8).all()
    assert wrong.max() > 1e-5

"""Programs for a GPU, made on a machine that has none: all of them lower, and none asks the host.

An operation of LAPACK without a counterpart, or a primitive that knows one platform only, cannot be
lowered for CUDA; a check that raises from inside a program becomes a callback of the host.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiers import long_but

import bounces
from jaxbounce import ConfigurationError, load, predict, solve_bounce
from jaxbounce.conversion import (
    Couplings,
    CriticalBubble,
    DistributedOverlap,
    FullWave,
    LocalLandauZener,
    TanhWall,
    WallConversion,
)
from jaxbounce.conversion.models import MODELS
from jaxbounce.files.point import BENCHMARK
from jaxbounce.potential.library import Portal, polynomial, portal
from jaxbounce.scan import Table, plan_scan
from jaxbounce.scan.engine import separate_traces
from jaxbounce.scan.evaluate import _evaluate
from jaxbounce.yields import solve_boltzmann

WALL = TanhWall(2.4, 1.7, width=1.5)
OVERLAP = DistributedOverlap(T_reh=0.2, fwhm=1.5)
THETA = jnp.asarray(bounces.adams(0.8))
START = {"regime": "thermal", "Y_chi_init": None, "sigma_v_chi_GeV_m2": 1e-9}

QUADRATURE = {
    "published": {"preset": "published"},
    "benchmark": {"preset": "benchmark"},
    "exact": {"preset": "exact"},
    "boson, no window": {"preset": "exact", "chi_stats": "boson", "window": "none"},
    "classical, swept once": {"chi_stats": "classical", "dark_matter": "swept-once"},
    "two-zone": {
        "preset": "exact",
        "window": "none",
        "dark_matter": "occupancy",
        "closure": "two-zone",
    },
}

BOLTZMANN = {
    "external": START,
    "depleting": {**START, "deplete_DM_from_source": True},
    "self-consistent": {**START, "area_kernel": "kjma", "coupling": "self-consistent"},
    "p-wave, washout": {**START, "sigma_v_slope_GeV_m2": 1e-9, "Gamma_wash_over_H": 0.1},
    "published kernel": {**START, "preset": "published"},
    "occupancy": {"dark_matter": "occupancy", "deplete_DM_from_source": True},
    "not to the end": {**START, "temperature_range": "published"},
}


def _asked(function, *given):
    """The names of what a program for CUDA calls outside of XLA."""
    lowered = jax.jit(function).trace(*given).lower(lowering_platforms=("cuda",))
    return set(re.findall(r"custom_call @([\w.$]+)", lowered.as_text()))


def _assert_no_host(function, *given):
    """One and a batch: all that is called is the linear algebra and the random numbers of JAX."""
    allowed = re.compile(r"cusolver_\w+_ffi|cublas_\w+_ffi|cusparse_\w+_ffi|cu_\w+|Sharding")
    batched = jax.tree.map(lambda x: jnp.stack([x, x]), given)
    for asked in (_asked(function, *given), _asked(jax.vmap(function), *batched)):
        assert not [name for name in asked if not allowed.fullmatch(name)], asked


def _some(names, *quick):
    """All names, of which but the quick ones are slow: most of the time goes into tracing."""
    return [n if n in quick else pytest.param(n, marks=pytest.mark.slow) for n in names]


@pytest.fixture
def single():
    """Programs in float32; constants of one precision would turn up in the other's."""
    jax.clear_caches()
    with jax.enable_x64(False):
        yield
    jax.clear_caches()


def _density(changes, **choices):
    model = load(BENCHMARK | changes).choose(**choices)

    def rho(v_w, m_chi):
        found = predict(model.replace(v_w=v_w, m_chi=m_chi))
        return found.rho_B + found.rho_DM

    return rho


def test_a_callback_is_noticed():
    """JAX refuses to lower for another platform what calls back to this one."""

    def asking(x):
        return jax.pure_callback(np.sin, x, x)

    with pytest.raises(ValueError, match="different from the lowering platform"):
        _assert_no_host(asking, 1.0)
    # and what is called goes by its name
    assert _asked(jnp.linalg.eigvalsh, jnp.eye(3)) == {"cusolver_syevd_ffi"}


@pytest.mark.slow
@pytest.mark.parametrize("name", _some(QUADRATURE, "exact"))
def test_quadrature(name):
    _assert_no_host(jax.value_and_grad(_density(QUADRATURE[name]), (0, 1)), 0.3, 0.95)


@pytest.mark.parametrize("name", _some(QUADRATURE, "benchmark"))
def test_quadrature_in_float32(name, single):
    rho = _density(QUADRATURE[name])
    given = np.float32(0.3), np.float32(0.95)
    assert jax.eval_shape(rho, *given).dtype == np.float32
    _assert_no_host(rho, *given)


@pytest.mark.slow
@pytest.mark.parametrize("name", _some(BOLTZMANN, "external"))
def test_boltzmann(name):
    _assert_no_host(_density(BOLTZMANN[name]), 0.3, 100.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", long_but(BOLTZMANN, "occupancy"))
def test_gradients_of_boltzmann(name):
    """Both modes."""
    _assert_no_host(jax.grad(_density(BOLTZMANN[name]), (0, 1)), 0.3, 100.0)
    forward = _density(BOLTZMANN[name], derivatives="forward")
    _assert_no_host(jax.jacfwd(forward, (0, 1)), 0.3, 100.0)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["collocation", "kvaerno5", "tsit5", "dopri8"])
def test_every_solver(solver):
    model = load(BENCHMARK | START)

    def Y_B(v_w):
        p = model.replace(v_w=v_w).parameters
        return solve_boltzmann(p, model.choices, solver=solver).Y_B

    _assert_no_host(Y_B, 0.3)


@pytest.mark.slow
@pytest.mark.parametrize("name", _some(MODELS, "local", "full-wave-scalar"))
def test_conversion(name):
    def P(v_w, lam, stretch):
        kind = MODELS[name]
        model = OVERLAP if kind.make is None else kind.make(32)
        conversion = WallConversion(WALL, Couplings(lam=lam), model, stretch=stretch)
        return conversion(v_w, jnp.ones(())).P

    _assert_no_host(jax.value_and_grad(P, (0, 1, 2)), 0.3, 0.2, 1.0)


@pytest.mark.slow
def test_scattering_alone():
    def T_B(K, width):
        wall = TanhWall(2.4, 1.7, width)
        return FullWave("dirac", 32).on_wall(wall, Couplings(lam=0.2), K).T_B

    _assert_no_host(jax.value_and_grad(T_B, (0, 1)), 4.0, 1.5)


@pytest.mark.long
def test_conversion_in_a_thermal_flux():
    """Through the chain, by quadrature and by the Boltzmann equations."""
    conversion = WallConversion(WALL, Couplings(lam=0.2), unit_GeV=100.0, incidence="thermal")
    quadrature = load(preset="exact").with_conversion(conversion)
    boltzmann = load(BENCHMARK | START).with_conversion(conversion)
    for model in (quadrature, boltzmann.choose(derivatives="forward")):

        def rho_B(v_w, lam, model=model):
            return predict(model.replace(v_w=v_w, lam=lam)).rho_B

        _assert_no_host(rho_B, 0.3, 0.2)
        _assert_no_host(jax.jacfwd(rho_B, (0, 1)), 0.3, 0.2)


@pytest.mark.long
def test_bounce():
    """Values and derivatives; of the action, whose derivative needs none of the profile, too."""

    def numbers(theta):
        bounce = solve_bounce(polynomial, theta, [0.0], [1.35], 3)
        return jnp.stack([bounce.action, bounce.R_peak, bounce.fields(4.0)[0]])

    _assert_no_host(numbers, THETA)
    _assert_no_host(jax.grad(lambda theta: numbers(theta)[0]), THETA)
    _assert_no_host(jax.jacrev(numbers), THETA)


@pytest.mark.slow
def test_from_a_potential_to_densities():
    bubble = CriticalBubble(
        lambda phi, theta: portal(phi, Portal(**theta)),
        Portal()._asdict(),
        np.asarray(bounces.FALSE_PORTAL),
        np.asarray(bounces.TRUE_PORTAL),
    )
    conversion = WallConversion(None, Couplings(lam=0.209), LocalLandauZener())
    model = load(preset="exact").with_conversion(conversion, bubble)

    def rho_B(v_w, g):
        return predict(model.replace(v_w=v_w, g=g)).rho_B

    _assert_no_host(jax.value_and_grad(rho_B, (0, 1)), 0.3, 2.3)


def _asked_by_a_scan(model, precision="float64", gradients=()):
    """What the compiled function of a scan calls; as `Evaluation.compile` lowers it."""
    design = Table({"v_w": np.linspace(0.1, 0.9, 8)})
    found = plan_scan(model, design, gradients=gradients, precision=precision).evaluation
    with separate_traces(found), jax.enable_x64(precision == "float64"):
        leaves = jax.tree.map(lambda x: np.asarray(x, precision), found.model)
        values, count = np.full((2, 4, 1), 0.3, precision), jnp.asarray(2)
        names = found.names, found.outputs, found.gradients
        return _asked(lambda m, v, n: _evaluate(m, v, n, *names), leaves, values, count)


def test_chunks_of_a_scan():
    assert not _asked_by_a_scan(load(preset="exact"), "float32")


@pytest.mark.slow
def test_chunks_of_a_scan_with_gradients():
    assert not _asked_by_a_scan(load(preset="exact"), gradients=("rho_B",))
    model = load(BENCHMARK | START)
    assert not _asked_by_a_scan(model.choose(derivatives="forward"), gradients=("rho_B",))


def test_where_float32_is_refused():
    """A bounce, and scans of anything but values by quadrature, say so before they begin."""
    wall = WallConversion(WALL, Couplings(lam=0.209))
    design = Table({"v_w": np.array([0.2, 0.3])})
    boltzmann, conversion = load(BENCHMARK | START), load(preset="exact").with_conversion(wall)
    for model, gradients, words in (
        (boltzmann, (), "the Boltzmann equations need"),
        (conversion, (), "a stage of the model needs"),
        (load(preset="exact"), ("rho_B",), "gradients need"),
    ):
        with pytest.raises(ConfigurationError, match=f'{words}s? "float64"'):
            plan_scan(model, design, precision="float32", gradients=gradients)
    with jax.enable_x64(False), pytest.raises(ValueError, match="a bounce needs float64"):
        solve_bounce(polynomial, np.asarray(THETA, np.float32), [0.0], [1.35], 3)

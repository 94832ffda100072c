"""Yield quadrature against SciPy's adaptive integrator, the published script, and mpmath."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yield_reference
from jax.test_util import check_grads
from scipy.integrate import quad
from scipy.special import gammainc

from jaxbounce import Choices, Parameters, Status, predict
from jaxbounce.cosmology.gas import flux_integral
from jaxbounce.model.model import Model
from jaxbounce.percolation import scaled_area_density
from jaxbounce.yields import (
    flux_over_entropy,
    gauss_legendre_integral,
    published_area_density,
    published_integral,
    time_limits,
    wall_times,
)
from jaxbounce.yields.panels import equal_work_edges, graded_scan, insert_edge
from problems import YIELD_CASES


def _integral(
    rule=gauss_legendre_integral,
    *,
    I_p=0.34,
    sigma_y=9.0,
    m_over_Tp=0.0095,
    beta_over_H=100.0,
    v_w=None,
    window="gaussian",
    statistics="fermion",
    equilibrium="piecewise",
    kernel="eq6",
    ends=(5.0, 1e-3),
):
    lower, upper = time_limits(beta_over_H, *ends, *wall_times(-80.0, 50.0, I_p, kernel))
    return rule(
        I_p=I_p,
        sigma_y=sigma_y,
        m_over_Tp=m_over_Tp,
        beta_over_H=beta_over_H,
        v_w=v_w,
        lower=lower,
        upper=upper,
        window=window,
        statistics=statistics,
        equilibrium=equilibrium,
        kernel=kernel,
    )


def _adaptive(*, breaks=(), **options):
    """The same integral by SciPy, cut at every feature this function can think of."""
    defaults = {
        "I_p": 0.34,
        "sigma_y": 9.0,
        "m_over_Tp": 0.0095,
        "beta_over_H": 100.0,
        "v_w": None,
        "window": "gaussian",
        "statistics": "fermion",
        "equilibrium": "piecewise",
        "kernel": "eq6",
    } | options
    B, sigma, x_p = defaults["beta_over_H"], defaults["sigma_y"], defaults["m_over_Tp"]
    lower, upper = max(B / 2 * (1 / 25 - 1), -80.0), min(B / 2 * (1e6 - 1), 50.0)

    @jax.jit
    def integrand(y):
        x = x_p * jnp.sqrt(1 + 2 * y / B)
        value = scaled_area_density(y, defaults["I_p"], defaults["kernel"]) * flux_integral(
            x, defaults["v_w"], defaults["statistics"], defaults["equilibrium"]
        )
        gaussian = defaults["window"] == "gaussian"
        return value * jnp.exp(-((y / sigma) ** 2) / 2) if gaussian else value

    switch = B / 2 * ((3 / x_p) ** 2 - 1) if x_p > 0 else np.inf
    features = [-8 * sigma, -3 * sigma, 0.0, 3 * sigma, 8 * sigma, sigma**2 / 4, switch]
    features += [-np.log(defaults["I_p"]) + k for k in (-10, -2, 0, 2, 4)]
    features += [lower + k * (upper - lower) / 400 for k in (0.02, 0.1, 0.5, 2, 8, 30)]
    cuts = sorted({lower, upper, *(f for f in (*features, *breaks) if lower < f < upper)})
    peak = max(float(integrand(y)) for y in np.linspace(lower, upper, 2001))
    return sum(
        quad(lambda y: float(integrand(y)), a, b, epsabs=1e-13 * peak, epsrel=1e-12, limit=400)[0]
        for a, b in itertools.pairwise(cuts)
    )


CASES = {
    "benchmark": {},
    "exact, moving": {"kernel": "kjma", "window": "none", "v_w": 0.3, "equilibrium": "exact"},
    "narrow window": {"sigma_y": 0.05},
    "wide window": {"sigma_y": 60.0},
    "slow transition": {"beta_over_H": 2.0},
    "rapid transition": {"beta_over_H": 1e5, "kernel": "kjma"},
    "limits meet inside": {"m_over_Tp": 2.8, "beta_over_H": 30.0},
    "limits meet at the hot side": {"m_over_Tp": 9.0, "beta_over_H": 40.0, "kernel": "kjma"},
    "boundary layer": {"m_over_Tp": 60.0, "beta_over_H": 8.0, "equilibrium": "exact"},
    "two peaks": {
        "m_over_Tp": 60.0,
        "beta_over_H": 100.0,
        "equilibrium": "exact",
        "kernel": "kjma",
        "window": "none",
    },
    "hot end near the branch point": {
        "m_over_Tp": 6.0,
        "beta_over_H": 5.0,
        "equilibrium": "exact",
        "sigma_y": 9.0,
        "I_p": 0.07,
    },
    "no window, eq6": {"window": "none", "statistics": "boson", "equilibrium": "exact"},
    "cold": {"m_over_Tp": 300.0, "beta_over_H": 2000.0, "kernel": "kjma"},
    "tiny I_p": {"I_p": 1e-6, "kernel": "kjma", "window": "none"},
    "large I_p": {"I_p": 80.0, "kernel": "kjma", "window": "none"},
    "end of the range: β/H": {"beta_over_H": 1e-2},
    "end of the range: I_p": {"I_p": 1e3, "window": "none"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_against_adaptive_quadrature(name):
    value, error = _integral(**CASES[name])
    reference = _adaptive(**CASES[name])
    np.testing.assert_allclose(value, reference, rtol=1e-9)
    # SciPy's own rounding is near 1e-12
    assert abs(value - reference) <= 3 * error + 3e-12 * reference


@pytest.mark.slow
def test_random_configurations_and_an_honest_error_estimate():
    """1000 points over the ranges the README states: error ≤ 1e-10, and an estimate that holds.

    The reference is a brute-force rule on meshes of its own (`_refined`).
    """
    rng = np.random.default_rng(11)
    points = {
        "beta_over_H": jnp.asarray(10 ** rng.uniform(0, 5, 1000)),
        "m_over_Tp": jnp.asarray(10 ** rng.uniform(-3, 2.5, 1000)),
        "sigma_y": jnp.asarray(10 ** rng.uniform(-1.5, 2, 1000)),
        "I_p": jnp.asarray(10 ** rng.uniform(-3, 1.5, 1000)),
    }
    for kernel, window in (("eq6", "gaussian"), ("kjma", "none")):
        options = {"kernel": kernel, "window": window, "equilibrium": "exact"}
        values, errors = jax.jit(jax.vmap(lambda p, o=options: _integral(**p, **o)))(points)
        reference = _refined(points, options)
        counts = reference > 1e-280
        relative = np.abs(values / reference - 1)[counts]
        estimate = (errors / reference)[counts]
        assert relative.max() < 1e-10
        assert np.mean(relative > estimate) < 0.01
        assert relative[relative > estimate].max(initial=0.0) < 1e-11
        assert np.median(estimate) < 1e-11


def _refined(points, options):
    """The same integrals on 2 × 60 × 20 nodes of graded meshes, in NumPy but for the kernels."""
    area = jax.jit(lambda y, I_p: scaled_area_density(y, I_p, options["kernel"]))
    flux = jax.jit(lambda x: flux_integral(x, None, "fermion", "exact"))
    node, weight = np.polynomial.legendre.leggauss(20)
    s = (np.arange(60)[:, None] + (1 + node) / 2).ravel() / 60
    weight = np.tile(weight / 120, 60)
    result = []
    for B, x_p, sigma, I_p in zip(
        *(np.asarray(points[k]) for k in ("beta_over_H", "m_over_Tp", "sigma_y", "I_p")),
        strict=True,
    ):
        lower, upper = max(B / 2 * (1 / 25 - 1), -80.0), min(B / 2 * (1e6 - 1), 50.0)
        # geometric from the hot end, sinh around zero: ∫ f dy = ∫ f (dy/ds) ds
        width = min(sigma, 1.0) if options["window"] == "gaussian" else 1.0
        middle = lower / 2
        layer = min(B / x_p / 50, -middle) / 3
        k = np.log1p((middle - lower) / layer)
        t0, t1 = np.arcsinh(middle / width), np.arcsinh(upper / width)
        total = 0.0
        for y, slope in (
            (lower + layer * np.expm1(k * s), layer * k * np.exp(k * s)),
            (width * np.sinh(t0 + (t1 - t0) * s), width * (t1 - t0) * np.cosh(t0 + (t1 - t0) * s)),
        ):
            f = np.asarray(area(y, I_p)) * np.asarray(flux(x_p * np.sqrt(1 + 2 * y / B)))
            if options["window"] == "gaussian":
                f = f * np.exp(-((y / sigma) ** 2) / 2)
            total += (weight * slope * f).sum()
        result.append(total)
    return np.array(result)


@pytest.mark.parametrize("case", YIELD_CASES, ids=lambda case: case.name)
def test_published_grid_in_numpy(case):
    """The published evaluation rendered in NumPy and SciPy agrees with ours to rounding."""
    t = case.table
    B, T_p, m = t["beta_over_H"], t["T_p_GeV"], t["m_chi_GeV"]
    lower, upper = max(B / 2 * (1 / 25 - 1), -80), min(B / 2 * (1e6 - 1), 50)
    y = np.linspace(lower, upper, 8000)
    z = np.linspace(0, 30, 1200)
    u = t["I_p"] * np.exp(y)
    kernel = z**2 * np.exp(-z) * np.exp(-u[:, None] * gammainc(4, z))
    area = u / 2 * np.trapezoid(kernel, z, axis=1)
    T = T_p / np.sqrt(1 + 2 * y / B)
    x = m / T
    massless = {"fermion": 1.5, "boson": 2.0}[t["chi_stats"]] * 1.2020569031595942 / 4
    cold = 2 * np.pi**2 * (x / (2 * np.pi)) ** 1.5 * np.exp(-x) * np.sqrt(8 / (np.pi * x)) / 4
    integrand = area * np.where(x < 3, massless, cold)
    integrand *= np.exp(-(y**2) / (2 * t["source_shape_sigma_y"] ** 2))
    expected = np.trapezoid(integrand, y)
    value = _integral(
        published_integral,
        I_p=t["I_p"],
        sigma_y=t["source_shape_sigma_y"],
        m_over_Tp=m / T_p,
        beta_over_H=B,
        statistics=t["chi_stats"],
    )
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_the_published_z_grid_loses_late_times():
    """At y = 20 the integrand is 0.02 wide and the grid steps by 0.025 (specification C.5)."""
    y = jnp.array([0.0, 10.0, 20.0])
    ratio = published_area_density(y, 0.34) / scaled_area_density(y, 0.34, "eq6")
    np.testing.assert_allclose(ratio[:2], 1.0, rtol=1e-3)
    assert ratio[2] < 0.5


def test_published_grid_gradient_is_that_of_the_grid():
    def total(I_p, sigma_y):
        return _integral(published_integral, I_p=I_p, sigma_y=sigma_y)

    value, slopes = jax.value_and_grad(total, argnums=(0, 1))(0.34, 9.0)
    # as-run elasticities of the published script (specification D)
    np.testing.assert_allclose(slopes[0] * 0.34 / value, 0.1697344796213239, rtol=1e-7)
    np.testing.assert_allclose(slopes[1] * 9.0 / value, 2.590978906716011, rtol=1e-7)


@pytest.mark.slow
def test_moving_breakpoint_has_its_share_of_the_derivative():
    """Where the published limits meet, the integrand jumps by six: d/dm must see the jump move."""

    def total(mass):
        return _integral(m_over_Tp=mass, beta_over_H=30.0, kernel="kjma")[0]

    for mass in (2.8, 3.1, 4.0):
        step = 1e-5
        difference = (total(mass + step) - total(mass - step)) / (2 * step)
        np.testing.assert_allclose(jax.grad(total)(mass), difference, rtol=1e-7)
        inside = _integral(m_over_Tp=mass, beta_over_H=30.0, kernel="kjma", equilibrium="exact")
        assert abs(total(mass) / inside[0] - 1) > 0.01  # the limits are not the integrals


@pytest.mark.slow
def test_gradients_at_the_domain_cuts():
    """Limits from the temperature range: d/dT_max is the integrand at the cut."""

    def total(T_max, T_min, beta_over_H):
        return _integral(beta_over_H=beta_over_H, ends=(T_max, T_min), sigma_y=3.0)[0]

    check_grads(total, (1.3, 0.8, 10.0), order=1, modes=("fwd", "rev"), rtol=1e-5)
    # at an exact tie of temperature cut and clamp (B/2 (1/25 − 1) = −80) the gradient is finite
    tie = jax.grad(total, argnums=(0, 1, 2))(5.0, 1e-3, 160 / 0.96)
    assert all(np.isfinite(leaf) for leaf in tie)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["eq6", "kjma"])
@pytest.mark.parametrize("equilibrium", ["exact", "piecewise"])
def test_gradients(kernel, equilibrium):
    def total(I_p, sigma_y, mass, B, v_w):
        return jnp.log(
            _integral(
                I_p=I_p,
                sigma_y=sigma_y,
                m_over_Tp=mass,
                beta_over_H=B,
                v_w=v_w,
                kernel=kernel,
                equilibrium=equilibrium,
            )[0]
        )

    check_grads(total, (0.34, 4.0, 1.5, 40.0, 0.3), order=1, modes=("fwd", "rev"), rtol=1e-6)


def test_flux_over_entropy():
    # ¼ n v̄/s of massless fermions, g = 2, g_*s = 106.75: specification D
    value = flux_over_entropy(flux_integral(0.0, None, "fermion", "exact"), 2.0, 106.75)
    np.testing.assert_allclose(value, 9.753745919140642741367305e-4, rtol=1e-13)


def test_graded_scan_fills_the_range():
    for lower, upper in ((-80.0, 50.0), (-0.48, 50.0), (-48.0, 0.7), (-1e-3, 1e-3)):
        middle, width = graded_scan(jnp.asarray(lower), jnp.asarray(upper), 1e-3, 0.05)
        edges = lower + np.concatenate([[0.0], np.cumsum(width)])
        np.testing.assert_allclose(edges[-1], upper, rtol=1e-12, atol=1e-12)
        assert np.all(np.diff(middle) > 0)
        assert np.all((edges[:-1] < middle) & (middle < edges[1:]))


def test_edges_share_the_work_and_take_breakpoints():
    lower, upper = jnp.asarray(-80.0), jnp.asarray(50.0)
    y, width = graded_scan(lower, upper, jnp.asarray(1.0), jnp.asarray(0.1))
    phi, slope = -((y / 0.1) ** 2) / 2, -y / 0.01
    edges = equal_work_edges(lower, upper, width, phi, slope, jnp.full_like(y, 10.0))
    assert edges[0] == -80.0
    assert edges[-1] == 50.0
    assert np.all(np.diff(edges) > 0)
    assert np.sum(np.abs(edges) < 1.0) >= 7  # the panels are where the Gaussian is
    for point in (-80.0, -0.01, 0.3, 50.0):
        inserted = insert_edge(edges, jnp.asarray(point))
        assert inserted.shape == (edges.shape[0] + 1,)
        assert np.all(np.diff(inserted) >= 0)
        assert point in np.asarray(inserted)


@pytest.mark.slow
def test_a_hot_layer_that_reaches_past_zero():
    """β/H ~ 1e-2, cold χ: all of the source is within 0.01 of the hot end, y = −0.006 to 50.

    Found among random legal points: 1.2e-7 off, with an estimate of 2e-12. `yield_reference`.
    """
    points = [
        (0.05995379086478432, 2.279115087639985, 0.012186695628704938, 1.2337892867183407e-08),
        (32339.92954584894, 1226283.6799256336, 0.023468154441504928, 7.414007820950787e-11),
    ]
    hottest = [7.255411707251646, 60.06519146133192]
    speeds = [0.00036834279759876, 0.005292399275673196]
    names = {"area_kernel": "eq6", "window": "none", "flux": "moving-wall", "chi_stats": "fermion"}
    choices = names | {"equilibrium": "exact"}
    run = jax.jit(predict)
    for (T_p, m, B, I_p), T_max, v_w in zip(points, hottest, speeds, strict=True):
        p = {"T_p": T_p, "m_chi": m, "beta_over_H": B, "I_p": I_p, "T_max_over_Tp": T_max}
        p |= {"v_w": v_w, "g_chi": 2.0, "g_star_s": 106.75, "P": 0.1}
        found = run(Model(Parameters(**p), Choices(**names)))
        limits = {"T_min_over_Tp": 1e-3, "y_min": -80.0, "y_max": 50.0, "sigma_y": 15.0}
        exact = 0.1 * np.exp(yield_reference.log_yield(p | limits, choices))
        assert found.status == Status.SUCCESS
        np.testing.assert_allclose(found.Y_B, exact, rtol=1e-11)
        assert abs(found.Y_B / exact - 1) <= found.error_estimate


# points of benchmarks/trust that were off by 4 and 1.2 times their estimate, and its oracle's Y_B
HOT = {
    # terms (m/T)² ln(m/T) are singular in y where T → ∞
    "boson": (
        Choices(chi_stats="boson"),
        {"m_chi": 0.2605904, "beta_over_H": 5.823198, "v_w": 6e-5, "I_p": 4e-8}
        | {"sigma_y": 2.479323, "T_max_over_Tp": 147093.93, "T_min_over_Tp": 2.7e-7},
    ),
    # where the published limits meet, 1 + 2y/(β/H) = 8e-5 is a difference of numbers near 1
    "piecewise": (
        Choices(equilibrium="piecewise", window="none", flux="moving-wall"),
        {"m_chi": 332.3227, "beta_over_H": 0.07181035, "v_w": 5e-6, "I_p": 0.048}
        | {"T_max_over_Tp": 4431.7252, "T_min_over_Tp": 0.569333, "y_max": 0.0013915},
    ),
}


@pytest.mark.parametrize("name", HOT)
def test_the_hot_end_is_in_the_estimate(name):
    choices, point = HOT[name]
    common = {"T_p": 1.0, "P": 0.1, "f_chi": 1e-9, "g_chi": 2.0, "g_star_s": 100.0}
    p = common | {"y_min": -80.0, "y_max": 50.0, "sigma_y": 15.0} | point
    found = predict(Model(Parameters(**p), choices))
    # in n = ln(T_p/T), of which nothing is rounded at the hot end
    last = np.log1p(2 * yield_reference.limits(p)[1] / p["beta_over_H"]) / 2

    def log_rate(n):
        y = p["beta_over_H"] / 2 * np.expm1(2 * n)
        log_u = y + np.log(p["I_p"])
        area = log_u - np.log(2) + yield_reference.log_later_bubbles(log_u)
        window = -((y / p["sigma_y"]) ** 2) / 2 if choices.window == "gaussian" else 0.0
        x = p["m_chi"] * np.exp(n)
        exact = choices.equilibrium == "exact"
        flux = yield_reference.log_flux if exact else yield_reference.log_piecewise_flux
        v = p["v_w"] if choices.flux == "moving-wall" else None
        return area + window + flux(x, v, choices.chi_stats) + 2 * n + np.log(p["beta_over_H"])

    edges = np.linspace(-np.log(p["T_max_over_Tp"]), last, 60)
    edges = np.sort(np.append(edges, np.log(3 / p["m_chi"]))) if name == "piecewise" else edges
    scale = 45 * 2 / (4 * np.pi**4 * 100.0 * p["v_w"]) * 1e-10
    exact = scale * np.exp(yield_reference.log_integral(log_rate, edges))
    assert found.status == Status.SUCCESS
    assert abs(found.Y_B / exact - 1) <= found.error_estimate + 1e-13
    assert found.error_estimate < 1e-10

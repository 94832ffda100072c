"""g_*(T): the fit of the Standard Model, tables, hidden sectors."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cosmology import degrees_of_freedom as fit
from jaxbounce.cosmology.degrees_of_freedom import JOINTS, ConstantDegrees, StandardModel
from jaxbounce.cosmology.degrees_table import tabulated_degrees
from jaxbounce.cosmology.hidden_sector import species_degrees, with_hidden_sector

MODEL = StandardModel()


@pytest.mark.parametrize(
    ("T", "g_star", "g_star_s"),
    [
        # the published fit at both sides of its switch, from independent transcriptions
        (1e-5, 3.383, 3.931),
        (1e-3, 10.545445470597219, 10.548249420977584),
        (0.15, 26.73425703580304, 25.363367489192566),
        (1.0, 69.74376142054093, 68.77157117731772),
        (10.0, 80.53701953144183, 80.43270440686184),
        (100.0, 101.3199486688676, 100.69360202663638),
        (1e4, 104.13375232123019, 104.13136691101596),
    ],
)
def test_fit_is_the_published_one(T, g_star, g_star_s):
    np.testing.assert_allclose(MODEL.energy(T), g_star, rtol=1e-13)
    np.testing.assert_allclose(MODEL.entropy(T), g_star_s, rtol=1e-13)


def test_one_number_needs_no_program():
    T = np.concatenate(
        [10.0 ** np.linspace(-9, 18, 28), 0.12 * np.exp(np.linspace(-0.12, 0.12, 7))]
    )
    one_by_one = [fit.standard_model_energy(one) for one in T]
    np.testing.assert_allclose(one_by_one, MODEL.energy(T), rtol=2e-14)


def test_slope_is_the_derivative_of_what_is_used():
    log_T = np.concatenate([np.linspace(-11, 9, 41), np.log(0.12) + np.linspace(-0.12, 0.12, 25)])
    h = 1e-3
    ln = [np.log(MODEL.values(jnp.asarray(log_T + k * h))[1]) for k in (-2, -1, 1, 2)]
    difference = (ln[0] - 8 * ln[1] + 8 * ln[2] - ln[3]) / (12 * h)
    far = np.min([np.abs(log_T - joint) for joint in JOINTS], 0) > 2 * h
    slope = np.asarray(MODEL.with_slope(log_T)[2])
    np.testing.assert_allclose(slope[far], difference[far], atol=1e-8)


@pytest.mark.slow
def test_blend_is_twice_differentiable():
    second = jax.vmap(jax.hessian(lambda x: MODEL.values(x)[1]))
    for joint in JOINTS:
        before, after = second(jnp.array([joint - 1e-7, joint + 1e-7]))
        # the third derivative is 1e2 times the second here: over 2e-7 the second moves by 1e-5
        np.testing.assert_allclose(before, after, rtol=1e-4)


def test_no_gradient_is_lost_far_away():
    slopes = jax.vmap(jax.grad(lambda x: MODEL.with_slope(x)[2]))(jnp.linspace(-25.0, 45.0, 71))
    assert np.isfinite(slopes).all()


def _exact(log_T):
    """g_ρ and g_s of the blended fit by its formulas, for mpmath."""

    def powers(c, t):
        return sum(mp.mpf(value) * t**k for k, value in enumerate(c))

    def species(mass, shape):
        x = mp.mpf(mass) / mp.exp(log_T)
        return mp.exp(-mp.mpf(shape[0]) * x) * powers(shape[1], x)

    hadrons = [
        sum(weights[i] * species(weights[0], shape) for weights in fit._BOSONS)
        for i, shape in ((1, fit._BOSON_ENERGY), (2, fit._BOSON_ENTROPY))
    ]
    electron = species(fit._ELECTRON, fit._FERMION_ENTROPY)
    free = 1 + mp.mpf(7) / 4 * electron
    energy, entropy = mp.mpf("2.030") + hadrons[0], mp.mpf("2.008") + hadrons[1]
    energy += mp.mpf("1.353") * free ** (mp.mpf(4) / 3)
    energy += mp.mpf("3.495") * species(fit._ELECTRON, fit._FERMION_ENERGY)
    energy += mp.mpf("3.446") * species(fit._MUON, fit._FERMION_ENERGY)
    entropy += mp.mpf("1.923") * free + mp.mpf("3.442") * electron
    entropy += mp.mpf("3.468") * species(fit._MUON, fit._FERMION_ENTROPY)
    hot = powers(fit._ENERGY_ABOVE[0], log_T) / powers(fit._ENERGY_ABOVE[1], log_T)
    excess = powers(fit._ENTROPY_ABOVE[0], log_T) / powers(fit._ENTROPY_ABOVE[1], log_T)
    u = (log_T - JOINTS[0]) / (mp.mpf(JOINTS[1]) - JOINTS[0])
    u = min(max(u, mp.mpf(0)), mp.mpf(1))
    w = u**3 * (10 - 15 * u + 6 * u**2)
    pairs = ((energy, hot), (entropy, hot / (1 + excess)))
    return [below + w * (above - below) for below, above in pairs]


def test_polynomials_are_the_fit():
    """Values and slopes, inside pieces and at their ends, against 30 digits of the formulas."""
    rng = np.random.default_rng(5)
    log_T = np.concatenate(
        [rng.uniform(-15.9, 36.5, 60), np.log(0.12) + rng.uniform(-0.3, 0.3, 40)]
    )
    log_T = np.concatenate([log_T, JOINTS[0] + 0.025 * np.arange(-12, 20), [-16.0, 36.8]])
    found = np.array(MODEL.with_slope(log_T))
    time = np.asarray(MODEL.time_per_efold(log_T))
    np.testing.assert_allclose(MODEL.time_per_entropy(log_T), time / found[1], rtol=1e-14)
    for t, (energy, entropy, slope), pace in zip(log_T, found.T, time, strict=True):
        with mp.workdps(40):
            exact = _exact(mp.mpf(t))
            ends = [mp.log(_exact(mp.mpf(t) + k * mp.mpf("1e-12"))[1]) for k in (-1, 1)]
            exact_slope = (ends[1] - ends[0]) / mp.mpf("2e-12")
            exact_pace = (1 + exact_slope / 3) / mp.sqrt(exact[0])
        # Δ ln g = γ Δ ln T: rounding of ln T up to 36 itself is 4e-15
        np.testing.assert_allclose([energy, entropy], [float(g) for g in exact], rtol=1e-14)
        np.testing.assert_allclose(slope, float(exact_slope), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(pace, float(exact_pace), rtol=1e-14)


@pytest.mark.parametrize("statistics", ["fermion", "boson", "classical"])
@pytest.mark.parametrize("x", [0.0, 0.5, 0.999, 1.0, 3.0, 40.0])
def test_hidden_species_are_their_integrals(x, statistics):
    sign = {"fermion": 1, "boson": -1, "classical": 0}[statistics]

    def integral(power):
        def f(p):
            E = mp.sqrt(p * p + mp.mpf(x) ** 2)
            occupied = 1 / (mp.expm1(E) if sign < 0 else mp.exp(E) + sign)
            return p**2 * (E if power == 1 else p * p / (3 * E)) * occupied

        return mp.quad(f, [mp.mpf(10) ** -20, 0.1, 1, 3, 10, 30, 100, 300])

    with mp.workdps(25):
        density, pressure = integral(1), integral(-1)
    energy, entropy = species_degrees(x, statistics)
    np.testing.assert_allclose(energy, float(15 * mp.mpf(density) / mp.pi**4), rtol=1e-12)
    expected = float(45 * (mp.mpf(density) + mp.mpf(pressure)) / (4 * mp.pi**4))
    np.testing.assert_allclose(entropy, expected, rtol=1e-12)


def test_hidden_sector_adds_powers_of_its_temperature():
    both = with_hidden_sector(ConstantDegrees(100.0, 90.0), 0.5, [(0.0, 2.0, "boson")])
    np.testing.assert_allclose(both.energy(3.0), 100 + 2 * 0.5**4, rtol=1e-13)
    np.testing.assert_allclose(both.entropy(3.0), 90 + 2 * 0.5**3, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["xi_hidden", "m_hidden_1", "g_hidden_2"])
def test_hidden_sector_slopes_are_those_of_differences(name):
    species = [(2.0, 3.0, "fermion"), (0.3, 1.0, "boson")]
    both = with_hidden_sector(MODEL, 0.7, species)

    def slope(value):
        return both.replace(**{name: value}).with_slope(jnp.log(1.5))[2]

    at, h = float(both.value(name)), 1e-4
    difference = (slope(at + h) - slope(at - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(slope)(at), difference, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(slope, (at,), (1.0,))[1], difference, rtol=1e-6)


def _hidden_entropy(species, T):
    """g_s^h T³ from its definition, by SciPy."""
    total = 0.0
    for mass, weight, statistics in species:
        x, sign = mass / T, {"fermion": 1, "boson": -1}[statistics]

        def integrand(p, x=x, sign=sign):
            E = np.hypot(p, x)
            return p**2 * (E + p**2 / (3 * E)) * np.exp(-E) / (1 + sign * np.exp(-E))

        parts = [
            quad(integrand, a, b, epsabs=0, epsrel=1e-13)[0] for a, b in ((0, 1), (1, 8), (8, 80))
        ]
        total += weight * 45 / (4 * np.pi**4) * sum(parts)
    return total * T**3


DECOUPLED = {
    "massless beside a threshold": [(0.0, 2.0, "boson"), (3.0, 4.0, "fermion")],
    "all become cold": [(5.0, 2.0, "boson")],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DECOUPLED)
def test_decoupled_sectors_conserve_their_own_entropy(name):
    species, T_p, xi = DECOUPLED[name], 2.0, 0.6
    both = with_hidden_sector(MODEL, xi, species, "separate").anchored(T_p)
    T = np.array([30.0, 2.0, 0.7, 0.16])
    energy, entropy, slope = jax.jit(lambda x: both.with_slope(x))(np.log(T))
    visible, expected_entropy, expected_slope = MODEL.with_slope(np.log(T))
    T_h = []
    for at, share in zip(T, expected_entropy * T**3, strict=True):
        wanted = _hidden_entropy(species, xi * T_p) * share / (MODEL.entropy(T_p) * T_p**3)

        def excess(x, wanted=float(wanted)):
            return _hidden_entropy(species, x) / wanted - 1

        T_h.append(brentq(excess, 1e-2 * at, 10 * at, xtol=1e-15, rtol=1e-13))
    T_h = np.array(T_h)
    density = sum(w * species_degrees(m / T_h, kind)[0] for m, w, kind in species)
    np.testing.assert_allclose(energy, visible + (T_h / T) ** 4 * density, rtol=1e-12)
    # and the hidden part by itself, however small beside the visible
    np.testing.assert_allclose(energy - visible, (T_h / T) ** 4 * density, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(entropy, expected_entropy, rtol=1e-14)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["xi_hidden", "m_hidden_1", "g_hidden_2", "T_p", "T"])
def test_decoupled_slopes_are_those_of_differences(name):
    both = with_hidden_sector(MODEL, 0.7, [(2.0, 3.0, "fermion"), (0.3, 1.0, "boson")], "separate")

    def density(value):
        if name in ("T_p", "T"):
            ends = (value, 0.4) if name == "T_p" else (1.5, value)
            return jnp.log(both.anchored(ends[0]).energy(ends[1]))
        return jnp.log(both.replace(**{name: value}).anchored(1.5).energy(0.4))

    at = {"T_p": 1.5, "T": 0.4}.get(name)
    at = float(both.value(name)) if at is None else at
    values = jax.jit(jax.vmap(density))(at * (1 + 1e-3 * jnp.array([-2.0, -1.0, 1.0, 2.0])))
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12e-3 * at)
    np.testing.assert_allclose(jax.jit(jax.grad(density))(at), difference, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(density))(at), difference, rtol=1e-6)


@pytest.mark.slow
def test_table_is_a_natural_spline_of_logarithms():
    T = np.geomspace(1e-3, 1e4, 90)
    table = tabulated_degrees(T, MODEL.energy(T), MODEL.entropy(T))
    spline = CubicSpline(np.log(T), np.log(np.asarray(MODEL.entropy(T))), bc_type="natural")
    x = np.linspace(-6.8, 9.2, 300)
    _, entropy, slope = table.with_slope(x)
    np.testing.assert_allclose(entropy, np.exp(spline(x)), rtol=1e-13)
    np.testing.assert_allclose(slope, spline(x, 1), atol=1e-11)
    knot = float(np.log(T[40]))  # the slope itself has a kink in its derivative there, no jump
    np.testing.assert_allclose(table.with_slope(knot)[2], spline(knot, 1), atol=1e-11)
    assert np.asarray(table.covers(jnp.array([1e-4, 1.0, 2e4]))).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("T", "g", "said"),
    [
        (np.geomspace(1, 10, 9)[::-1], np.ones(9), "rising T"),
        (np.geomspace(1, 10, 9), -np.ones(9), "positive"),
        (np.geomspace(1, 1e3, 12), np.ones(12), "8 rows a decade"),
        (np.geomspace(1, 10, 9), np.ones(8), "rows"),
        ([1.0, 2.0], [1.0, 1.0], "at least 8"),
        ("no", [1.0], "list of numbers"),
    ],
)
def test_wrong_tables_are_refused_in_a_line(T, g, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        tabulated_degrees(T, g, g)
    assert "\n" not in str(caught.value)

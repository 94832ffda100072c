"""The wall area of nucleation histories against closed forms, Monte Carlo and SciPy."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import CubicSpline

from jaxbounce import Status
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cosmology.degrees_of_freedom import StandardModel
from jaxbounce.percolation import (
    ExponentialRate,
    GaussianRate,
    Nucleation,
    SimultaneousNucleation,
    scaled_area_density,
    tabulated_rate,
)

KNOWN = {"I_p": 0.34, "beta_over_H": 100.0, "T_p": 100.0, "T_max_over_Tp": 5.0, "y_max": 50.0}


@eqx.filter_jit
def _supply(stage, numbers, degrees):
    found = stage.supply(numbers | {"area_kernel": "history", "degrees": degrees})
    return found.values["area"], found.status


def _area(stage, degrees=None, **changes):
    numbers = {name: jnp.asarray(value) for name, value in (KNOWN | changes).items()}
    area, status = _supply(stage, numbers, degrees)
    assert Status(int(status)) is Status.SUCCESS
    return area


EXPONENTIAL = Nucleation(ExponentialRate(), expansion=False)


@pytest.mark.slow
@pytest.mark.parametrize("I_p", [1e-12, 0.34, 100.0])
def test_an_exponential_rate_is_the_closed_form(I_p):
    area = _area(EXPONENTIAL, I_p=I_p)
    last = np.log(50 / I_p)
    y = jnp.linspace(max(last - 25.0, -20.0), last, 300)
    exact = scaled_area_density(y, I_p, "kjma")
    np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-12)
    np.testing.assert_allclose(area.volume(y), I_p * np.exp(y), rtol=1e-12)
    np.testing.assert_array_less(jnp.abs(area.scaled(y) - exact), area.error_at(y) + 1e-15)
    np.testing.assert_allclose(area.sum_rule, 1.0, atol=1e-13)
    assert float(area.errors.max()) < 1e-11


# extended volume: Monte Carlo of bubble surfaces with its error (specification C.2)
MONTE_CARLO = {
    0.34: (0.24294, 0.00134),
    1.0: (0.36692, 0.00205),
    2.0: (0.26919, 0.00294),
    4.0: (0.07358, 0.00152),
    7.0: (0.00648, 0.00026),
}


def test_monte_carlo():
    area = _area(EXPONENTIAL)
    for volume, (mean, error) in MONTE_CARLO.items():
        assert abs(float(area.scaled(np.log(volume / 0.34))) - mean) < error


def test_bubbles_born_with_a_radius():
    """A/V = 3(ρ² + 2ρ + 2)/(ρ³ + 3ρ² + 6ρ + 6) I e^{−I}, and what nucleates is not swept."""
    r = 0.3
    area = _area(Nucleation(ExponentialRate(), r, expansion=False))
    y = jnp.linspace(-20.0, 5.0, 100)
    factor = 3 * (r**2 + 2 * r + 2) / (r**3 + 3 * r**2 + 6 * r + 6)
    exact = factor * scaled_area_density(y, 0.34, "kjma")
    np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-12)
    np.testing.assert_allclose(area.swept_fraction, 0.99666543164134865, rtol=1e-12)
    np.testing.assert_allclose(area.nucleated_fraction, 0.00333456835865135, rtol=1e-9)


def _gaussian_moments(t):
    """∫ e^{−s²/2} (t − s)ⁿ ds up to t; digits to spare for the recursion, which cancels."""
    with mpmath.workdps(60):
        t = mpmath.mpf(t)
        found = [mpmath.sqrt(mpmath.pi / 2) * mpmath.erfc(-t / mpmath.sqrt(2))]
        found.append(t * found[0] + mpmath.exp(-(t**2) / 2))
        for n in (1, 2):
            found.append(t * found[n] + n * found[n - 1])
        return found


def _gaussian_area(y, centre, width, I_p=0.34):
    at_Tp = _gaussian_moments(-centre / width)[3]
    moments = _gaussian_moments((y - centre) / width)
    volume = I_p * moments[3] / at_Tp
    return float(3 * I_p * moments[2] / at_Tp / width * mpmath.exp(-volume))


@pytest.mark.slow
@pytest.mark.parametrize("width", [1e-3, 1.0])
def test_a_gaussian_rate(width):
    area = _area(Nucleation(GaussianRate(width=width), expansion=False))
    end = float(area.end) - 1.0
    for y in np.append(np.linspace(max(-3.0 - 3 * width, -12.0), end, 9), 0.0):
        exact = _gaussian_area(y, -3.0, width)
        np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-10, atol=1e-13)
        assert abs(float(area.scaled(y)) - exact) <= float(area.error_at(y)) + 1e-15


@pytest.mark.parametrize("curvature", [0.01, 100.0])
def test_an_exponential_rate_with_curvature(curvature):
    """y − β₂y²/2 is a Gaussian around 1/β₂."""
    area = _area(Nucleation(ExponentialRate(curvature), expansion=False))
    end = float(area.end)
    for y in (-2 / np.sqrt(curvature), -0.1, 0.0, 0.4 * end, 0.8 * end):
        exact = _gaussian_area(y, 1 / curvature, 1 / np.sqrt(curvature))
        np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-10, atol=1e-13)


def test_little_curvature_is_none():
    area, flat = (_area(Nucleation(ExponentialRate(b), expansion=False)) for b in (1e-13, 0.0))
    y = jnp.linspace(-10.0, 4.0, 30)
    np.testing.assert_allclose(area.scaled(y), flat.scaled(y), atol=1e-12)


@pytest.mark.slow
def test_all_bubbles_at_once():
    """I = I_p (1 + y/3)³: 4πn₀v²t² e^{−4πn₀v³t³/3}."""
    area = _area(Nucleation(SimultaneousNucleation(), expansion=False))
    y = np.linspace(-3.0, 12.0, 40)
    exact = 0.34 * (1 + y / 3) ** 2 * np.exp(-0.34 * (1 + y / 3) ** 3)
    np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-12, atol=1e-15)
    assert float(area.scaled(-3.001)) == 0.0
    np.testing.assert_allclose(area.sum_rule, 1.0, atol=1e-13)
    born = _area(Nucleation(SimultaneousNucleation(), 0.5, expansion=False))
    # ρ = 0.5 against a run of 3: I jumps to I_p (0.5/3.5)³
    jump = 0.34 / 7**3
    np.testing.assert_allclose(born.volume(-3.0), jump, rtol=1e-12)
    np.testing.assert_allclose(born.nucleated_fraction, -np.expm1(-jump), rtol=1e-12)
    np.testing.assert_allclose(born.sum_rule, 1.0, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("beta_over_H", [10.0, 100.0])
def test_expansion_against_the_double_integral(beta_over_H):
    """I ∝ ∫ Γ a³ (R₀ + ∫ dy/a)³ dy' from T_max on, a = √(1 + 2y/(β/H))."""
    b, radius = 0.02, 0.2
    stage = Nucleation(ExponentialRate(b), radius)
    area = _area(stage, beta_over_H=beta_over_H)
    first = beta_over_H / 2 * (1 / 25 - 1)

    def a(y):
        return np.sqrt(1 + 2 * y / beta_over_H)

    def moment(y, power):
        def weight(born):
            run = radius + quad(lambda s: 1 / a(s), born, y, epsabs=0, epsrel=1e-12)[0]
            return np.exp(born - b * born**2 / 2) * a(born) ** 3 * run**power

        middle = max(first, y - 12.0)
        parts = [
            quad(weight, *ends, epsabs=0, epsrel=1e-12, limit=200)[0]
            for ends in ((first, middle), (middle, y))
            if ends[1] > ends[0]
        ]
        return sum(parts)

    unit = moment(0.0, 3)
    for y in (-3.0, 0.0, 1.5):
        volume = 0.34 * moment(y, 3) / unit
        exact = 3 * 0.34 * moment(y, 2) / unit / a(y) * np.exp(-volume)
        np.testing.assert_allclose(area.volume(y), volume, rtol=1e-10)
        np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-10)


@pytest.mark.long
def test_expansion_follows_the_degrees_of_freedom():
    """T_p = 0.15 GeV: time, distance and moments by one ODE of SciPy's in ln T."""
    B, T_p, model = 10.0, 0.15, StandardModel()
    area = _area(Nucleation(ExponentialRate()), model, beta_over_H=B, T_p=T_p)
    bath = jax.jit(model.with_slope)
    energy_p, entropy_p, _ = map(float, bath(np.log(T_p)))

    def of(n):
        energy, entropy, slope = map(float, bath(np.log(T_p) - n))
        pace = B * np.exp(2 * n) * (1 + slope / 3) * np.sqrt(energy_p / energy)
        return pace, np.exp(n) * (entropy_p / entropy) ** (1 / 3)

    def time(n, _):
        return [of(n)[0]]

    accuracy = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14}
    y_first = solve_ivp(time, (0.0, -np.log(5.0)), [0.0], **accuracy).y[0, -1]

    def chain(n, state):
        pace, a = of(n)
        y, *K = state
        return [pace, pace * np.exp(y) * a**3, *(pace * (m + 1) / a * K[m] for m in range(3))]

    ends = (-np.log(5.0), 0.1)
    found = solve_ivp(chain, ends, [y_first, 0, 0, 0, 0], t_eval=[0.0, 0.1], **accuracy).y
    unit = found[4, 0]
    for n, (y, *K) in zip((0.0, 0.1), found.T, strict=True):
        volume = 0.34 * K[3] / unit
        exact = 3 * 0.34 * K[2] / unit / of(n)[1] * np.exp(-volume)
        np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-9)


@pytest.mark.slow
def test_a_table_of_the_rate():
    """Its natural spline, with no nucleation before it or after it; K_n by SciPy."""
    knots = np.array([-14.0, -10.0, -6.0, -3.0, -1.0, 0.0, 0.7])
    values = knots - 0.03 * knots**2 + 0.2 * np.sin(knots)
    area = _area(Nucleation(tabulated_rate(knots, values), expansion=False))
    spline = CubicSpline(knots, values, bc_type="natural")

    def moment(y, power):
        ends = np.unique(np.minimum(np.append(knots, y), y))
        return sum(
            quad(lambda s: np.exp(spline(s)) * (y - s) ** power, *pair, epsabs=0, epsrel=1e-13)[0]
            for pair in itertools.pairwise(ends)
            if pair[1] <= knots[-1]
        )

    unit = moment(0.0, 3)
    for y in (-8.0, -2.0, 0.0, 0.5, 2.0):
        volume = 0.34 * moment(y, 3) / unit
        exact = 3 * 0.34 * moment(y, 2) / unit * np.exp(-volume)
        np.testing.assert_allclose(area.scaled(y), exact, rtol=1e-10)


@pytest.mark.slow
def test_a_rate_that_panels_do_not_resolve_is_refused():
    knots = np.linspace(-20.0, 10.0, 2000)
    stage = Nucleation(tabulated_rate(knots, knots + 3 * np.sin(40 * knots)), expansion=False)
    numbers = {name: jnp.asarray(value) for name, value in KNOWN.items()}
    area, status = _supply(stage, numbers, None)
    assert Status(int(status)) is Status.HISTORY_NOT_RESOLVED
    assert np.isfinite(area.scaled(jnp.linspace(-5.0, 5.0, 9))).all()


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        (Nucleation(ExponentialRate(), -1.0), {}),
        (Nucleation(ExponentialRate(jnp.nan)), {}),
        (Nucleation(GaussianRate(width=0.0)), {}),
        # before T_max
        (Nucleation(SimultaneousNucleation(-3.0)), {"beta_over_H": 5.0}),
    ],
)
def test_what_cannot_be_is_invalid(stage, changes):
    numbers = {name: jnp.asarray(value) for name, value in (KNOWN | changes).items()}
    area, status = _supply(stage, numbers, None)
    assert Status(int(status)) is Status.INVALID_PARAMETER
    assert np.isfinite(area.scaled(0.0))


@pytest.mark.parametrize(
    ("y", "log_rate", "message"),
    [
        ([-1.0, 0.0], [1.0, 2.0], "at least 3"),
        ([-1.0, 0.0, 0.0], [1.0, 2.0, 3.0], "sort the rows"),
        ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0], "before t_p"),
        ([-1.0, 0.0, 1.0], [1.0, 2.0], "3 and 2 rows"),
        ([-1.0, 0.0, 1.0], [1.0, np.nan, 2.0], "must be finite"),
        ("text", [1.0], "list of numbers"),
    ],
)
def test_bad_tables_are_one_line(y, log_rate, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        tabulated_rate(y, log_rate)
    assert "\n" not in str(caught.value)

"""The Boltzmann equations against closed forms, mpmath, SciPy and published values."""

import functools
import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad

import boltzmann_reference as reference
from boltzmann_points import BENCHMARK, NO_WINDOW, PUBLISHED, SELF, UNDEPLETED, choices, solve_point
from jaxbounce import Parameters
from jaxbounce._core.status import Status
from jaxbounce.cosmology.constants import CRITICAL_DENSITY_OVER_H2, ENTROPY_DENSITY_TODAY, GEV_IN_KG
from jaxbounce.yields import (
    annihilation_rate,
    converted_fraction,
    equilibrium_yield,
    evolve_boltzmann,
    flux_over_entropy,
    gauss_legendre_integral,
    solve_boltzmann,
    time_limits,
    wall_times,
    washout_exponent,
)

FROZEN = {"temperature_range": "frozen"}


@pytest.mark.slow
def test_depletion_only():
    """Massless χ: K = P/(4 v_w) times the swept volume; what χ loses is what B gains."""
    for P, v_w, B in ((0.149, 0.3, 100.0), (0.9, 0.05, 10.0), (1e-9, 0.9, 1e4), (1.0, 0.01, 30.0)):
        changes = {"m_chi": 0.0, "P": P, "v_w": v_w, "beta_over_H": B, "sigma_y": NO_WINDOW}
        result = solve_point(changes, **SELF)
        y_lo = max(-0.48 * B, -80.0)
        swept = np.exp(-0.34 * np.exp(y_lo))
        closed = converted_fraction(P, swept / 4 / v_w, "mean-field")
        np.testing.assert_allclose(result.Y_B, 4.9e-10 * closed, rtol=1e-10)
        np.testing.assert_allclose(result.Y_chi, 4.9e-10 * np.exp(-P * swept / 4 / v_w), rtol=1e-10)
        np.testing.assert_allclose(result.Y_chi + result.Y_B, 4.9e-10, rtol=1e-10)


def test_washout_exponent():
    for start, end, w, k in (
        (-1.6, 6.9, 0.05, 0.0),
        (-0.5, 2.0, 3.0, -4.0),
        (0.1, 0.2, 1.0, 2.0),
        (0.0, 5.0, 0.3, 1e-7),
        (0.0, 5.0, 0.3, -3e-6),
    ):
        with mp.workdps(30):
            exact = mp.quad(lambda n, w=w, k=k: w * mp.e ** (k * n), [start, end])
        np.testing.assert_allclose(washout_exponent(start, end, w, k), float(exact), rtol=1e-12)
    slope = jax.grad(washout_exponent, 3)(0.0, 5.0, 0.3, 0.0)
    np.testing.assert_allclose(slope, 0.3 * 12.5, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("w", "k", "B"), [(0.05, 0.0, 100.0), (4.0, 0.0, 10.0), (30.0, -6.0, 12.0), (0.4, 1.5, 1e4)]
)
def test_source_and_washout(w, k, B):
    """Y_B = ∫ S(n') e^{−Ω(n' → end)} dn', by SciPy; massless χ without depletion worth noting."""
    P = 1e-12
    changes = {"m_chi": 0.0, "P": P, "beta_over_H": B, "washout_over_H": w, "washout_power": k}
    changes["sigma_y"] = 4.0
    result = solve_point(changes, ends=(5.0, 0.02), **SELF)
    n_end = np.log(50)

    def integrand(y):
        n = np.log1p(2 * y / B) / 2
        omega = w * (n_end - n) if k == 0 else w / k * (np.exp(k * n_end) - np.exp(k * n))
        u = 0.34 * np.exp(y)
        return u * np.exp(-u - y**2 / 32 - omega)

    cuts = np.linspace(max(-0.48 * B, -40), 6.0, 30)
    exact = sum(
        quad(integrand, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in itertools.pairwise(cuts)
    )
    np.testing.assert_allclose(result.Y_B, 4.9e-10 * P / 4 / 0.3 * exact, rtol=2e-9)


@pytest.mark.slow
def test_annihilation_only():
    """Cold χ, Y_eq = 0: 1/Y = 1/Y₀ + ∫ λ dn, λ falling as T (s-wave) and T² (p-wave)."""
    for a, b, Y0 in ((1e-12, 0.0, 1e-3), (1e-15, 1e-12, 1e-6), (1e-9, 1e-7, 4.9e-10)):
        changes = {"m_chi": 1e6, "P": 0.0, "sigma_v": a, "sigma_v_slope": b}
        result = solve_point(changes, Y0, **UNDEPLETED, kernel="kjma")
        assert result.status == Status.SUCCESS
        hot, cold = 500.0, 0.1
        s_wave = annihilation_rate(1.0, 1e6, a, 0.0, 106.75, 106.75)
        p_wave = annihilation_rate(1.0, 1e6, 0.0, b, 106.75, 106.75)
        total = s_wave * (hot - cold) + p_wave * (hot**2 - cold**2) / 2
        np.testing.assert_allclose(1 / result.Y_chi, 1 / Y0 + total, rtol=1e-8)


FREEZE_OUT = {
    1e7: 9.17826571938875e-07,
    1e9: 1.35507277499966e-08,
    1e11: 1.79932068703236e-10,
    1e13: 2.2473996692413e-12,
}
"""Y(∞) of dY/dx = −(λ/x²)(Y² − Y_eq²), g_χ = 2, g = 100, classical; specification E."""


@pytest.mark.slow
@pytest.mark.parametrize("start", [1.0, 3.0])
@pytest.mark.parametrize(("strength", "expected"), FREEZE_OUT.items())
def test_freeze_out(strength, expected, start):
    m = 100.0
    sigma_v = strength / float(annihilation_rate(m, m, 1.0, 0.0, 100.0, 100.0))
    changes = {"m_chi": m, "T_p": m / 30, "g_star": 100.0, "g_star_s": 100.0, "P": 0.0}
    result = solve_point(
        changes | {"sigma_v": sigma_v},
        None,
        ends=(30 / start, 0.03),
        **FROZEN,
        **SELF,
    )
    np.testing.assert_allclose(result.Y_chi, expected, rtol=1e-8)
    assert abs(result.Y_chi / expected - 1) < result.error_estimate
    assert result.T_end == 0


@pytest.mark.slow
def test_relic_density():
    """⟨σv⟩ = 2.2e-26 cm³/s, m = 100 GeV, constant g_*: SciPy on the same equation, other code."""
    sigma_v = 2.2e-26 / 1.1673e-17  # cm³/s in GeV⁻²
    values = BENCHMARK | {"m_chi": 100.0, "T_p": 100 / 30, "P": 0.0, "sigma_v": sigma_v}
    values |= {"g_star": 86.25, "g_star_s": 86.25}
    result = solve_point(values, None, ends=(30.0, 0.03), **FROZEN, **SELF)
    Y, _ = reference.solve(values, None, kernel="kjma", ends=(30 / 8, 0.03), pieces=1)
    T = values["T_p"] * 0.03
    Y = Y / (1 + Y * float(annihilation_rate(T, 100.0, sigma_v, 0.0, 86.25, 86.25)))
    np.testing.assert_allclose(result.Y_chi, Y, rtol=1e-7)
    omega = Y * ENTROPY_DENSITY_TODAY * 100 * GEV_IN_KG / CRITICAL_DENSITY_OVER_H2
    assert 0.09 < omega < 0.13


COUPLED = {
    "freezes out before the walls": (
        None,
        {"m_chi": 1000.0, "sigma_v": 1.9e-9},
    ),
    "in equilibrium while it is converted": (
        None,
        {"m_chi": 500.0, "sigma_v": 1e-8, "beta_over_H": 1000.0, "P": 0.5},
    ),
    "decouples while it is converted": (
        None,
        {
            "m_chi": 2000.0,
            "sigma_v": 1e-9,
            "T_p": 90.0,
            "beta_over_H": 50.0,
            "washout_over_H": 0.3,
            "washout_power": -2.0,
        },
    ),
    "brought up by the bath": (
        1e-9,
        {
            "m_chi": 100.0,
            "sigma_v": 1e-14,
            "T_p": 10.0,
            "beta_over_H": 300.0,
            "washout_over_H": 0.3,
        },
    ),
    "annihilates from above equilibrium": (
        1e-5,
        {"m_chi": 2000.0, "sigma_v": 1e-10, "T_p": 20.0, "P": 0.9, "v_w": 0.1},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COUPLED)
def test_all_together_against_scipy(name):
    """Depletion, annihilation and washout at once, stiff or not."""
    Y0, changes = COUPLED[name]
    values = BENCHMARK | changes | {"sigma_y": 4.0}
    result = solve_point(values, Y0, **SELF)
    Y_chi, Y_B = reference.solve(values, Y0, kernel="kjma", window="gaussian")
    np.testing.assert_allclose(result.Y_chi, Y_chi, rtol=1e-8)
    np.testing.assert_allclose(result.Y_B, Y_B, rtol=1e-8)
    assert abs(result.Y_chi / Y_chi - 1) < 2 * result.error_estimate + 1e-9
    assert abs(result.Y_B / Y_B - 1) < 2 * result.error_estimate + 1e-9


@pytest.mark.slow
def test_made_from_nothing():
    """Freeze-in: far below equilibrium Y = ∫ λ Y_eq² dn."""
    values = BENCHMARK | {"m_chi": 100.0, "sigma_v": 1e-27, "T_p": 40.0, "P": 0.0}
    result = solve_point(values, 0.0, **SELF)
    annihilation, log_equilibrium, _, _ = reference.rates_of(values, "kjma", "none", "external")

    def made(n):
        return annihilation(n) * np.exp(2 * log_equilibrium(n))

    cuts = np.linspace(-np.log(5.0), 4.0, 12)
    exact = sum(quad(made, a, b, epsrel=1e-12, epsabs=0)[0] for a, b in itertools.pairwise(cuts))
    np.testing.assert_allclose(result.Y_chi, exact, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["eq6", "kjma"])
def test_quadrature_limit(kernel):
    """With everything off the answer is the yield integral."""

    @jax.jit
    def integral(sigma_y, B, x_p):
        lower, upper = time_limits(B, 5.0, 1e-3, *wall_times(-80.0, 50.0, 0.34, kernel))
        return gauss_legendre_integral(
            I_p=0.34,
            sigma_y=sigma_y,
            m_over_Tp=x_p,
            beta_over_H=B,
            v_w=None,
            lower=lower,
            upper=upper,
            window="gaussian",
            statistics="fermion",
            equilibrium="exact",
            kernel=kernel,
        )[0]

    for sigma_y in (0.5, 3.0, 9.0, 15.0):
        for B in (10.0, 100.0, 1e4):
            for m in (0.95, 400.0):
                changes = {"sigma_y": sigma_y, "beta_over_H": B, "m_chi": m}
                result = solve_point(changes, kernel=kernel, **UNDEPLETED)
                scale = flux_over_entropy(integral(sigma_y, B, m / 100), 2.0, 106.75)
                expected = BENCHMARK["P"] * BENCHMARK["f_chi"] / 0.3 * scale
                np.testing.assert_allclose(result.Y_B, expected, rtol=1e-9)
                assert result.Y_chi == pytest.approx(4.9e-10, rel=1e-14)


@pytest.mark.slow
def test_published_values():
    """What the published scripts print (Radau, a coarse table of A/V: 1e-4), and what is true."""
    run = functools.partial(solve_point, **PUBLISHED | {"kernel": "published"})
    plain = run()
    np.testing.assert_allclose(plain.Y_B, 8.7222e-11, rtol=2e-4)
    np.testing.assert_allclose(plain.Y_chi, 4.02778e-10, rtol=5e-5)
    # their quadrature script, on the same kernel
    np.testing.assert_allclose(plain.Y_B, 8.720885362714675e-11, rtol=3e-8)
    washed = run({"washout_over_H": 0.05})
    np.testing.assert_allclose(washed.Y_B, 6.2121e-11, rtol=2e-4)
    assert abs(washed.Y_B / 6.2121e-11 - 1) > 1e-4  # their table, not our rounding
    converged = solve_point(**PUBLISHED)
    np.testing.assert_allclose(converged.Y_B, 1.8050753143793129e-10, rtol=1e-10)
    np.testing.assert_allclose(converged.Y_chi + converged.Y_B, 4.9e-10, rtol=1e-14)


@pytest.mark.slow
def test_exhausted_and_invalid_points_harm_no_other():
    base = {k: jnp.full(5, v) for k, v in BENCHMARK.items()}
    Y0 = jnp.array([4.9e-10, 1e-10, 4.9e-10, 4.9e-10, 4.9e-10])
    base["v_w"] = base["v_w"].at[2].set(jnp.nan)
    base["P"] = base["P"].at[3].set(1.5)
    run = jax.jit(jax.vmap(lambda v, y: solve_boltzmann(Parameters(**v), choices(**PUBLISHED), y)))
    result = run(base, Y0)
    expected = [
        Status.SUCCESS,
        Status.CHI_EXHAUSTED,
        Status.INVALID_PARAMETER,
        Status.INVALID_PARAMETER,
        Status.SUCCESS,
    ]
    np.testing.assert_array_equal(result.status, expected)
    good = np.asarray(result.status) == Status.SUCCESS
    for leaf in (result.Y_B, result.Y_chi, result.error_estimate):
        assert np.all(np.isfinite(leaf[good]))
        assert np.all(np.isnan(leaf[~good]))
    np.testing.assert_allclose(result.Y_B[good], 1.8050753143793129e-10, rtol=1e-10)
    # just enough χ, and just too little
    assert solve_point(Y_chi=1.8050754e-10, **PUBLISHED).status == Status.SUCCESS
    assert solve_point(Y_chi=1.8050753e-10, **PUBLISHED).status == Status.CHI_EXHAUSTED


def test_values_do_not_recompile():
    """`_compiled` asserts one trace for each set of choices, here and in all other tests."""
    results = [solve_point({"sigma_v": s}, y, **SELF) for s in (0.0, 1e-20) for y in (1e-10, 1e-9)]
    assert len({float(r.Y_B) for r in results}) == 4


@pytest.mark.slow
def test_evolution():
    T = jnp.array([499.0, 200.0, 101.0, 100.0, 99.0, 98.0, 50.0, 0.1])

    @jax.jit
    def run(values, T):
        return evolve_boltzmann(Parameters(**values), choices(**SELF), T, 4.9e-10)

    values = BENCHMARK | {"sigma_y": 30.0}
    history = run(values, T)
    assert np.all(history.status == Status.SUCCESS)
    np.testing.assert_allclose(history.Y_chi + history.Y_B, 4.9e-10, rtol=1e-11)
    assert np.all(np.diff(history.Y_B) >= 0)
    final = solve_point(values, **SELF)
    np.testing.assert_allclose(history.Y_B[-1], final.Y_B, rtol=1e-10)
    # the source is the slope of Y_B
    y = history.y[4]
    shifted = 100.0 / np.sqrt(1 + 2 * (y + np.array([-1e-3, 1e-3])) / 100)
    nearby = run(values, T.at[:2].set(shifted))
    slope = (nearby.Y_B[1] - nearby.Y_B[0]) / 2e-3
    np.testing.assert_allclose(slope, history.source[4], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "tolerance"), [("kvaerno5", 1e-6), ("tsit5", 1e-8), ("dopri8", 1e-8)]
)
def test_solvers_by_name(solver, tolerance):
    """Kvaerno5 of diffrax runs out of its 2048 steps a segment at 1e-8.

    At these tolerances the errors that are stated, about 100 times them, are above 1e-6.
    """
    changes = {"m_chi": 1000.0, "sigma_v": 1e-17, "T_p": 300.0, "sigma_y": 5.0}
    expected = solve_point(changes, None, ends=(1.5, 1e-2), tolerance=1e-11, **SELF)
    result = solve_point(
        changes,
        None,
        ends=(1.5, 1e-2),
        tolerance=tolerance,
        options=(("solver", solver), ("error_limit", 1e-3)),
        **SELF,
    )
    assert expected.status == Status.SUCCESS
    assert result.status == Status.SUCCESS
    np.testing.assert_allclose(result.Y_chi, expected.Y_chi, rtol=10 * tolerance)
    np.testing.assert_allclose(result.Y_B, expected.Y_B, rtol=10 * tolerance)


def test_bad_names_and_shapes():
    with pytest.raises(ValueError, match="coupling"):
        choices(coupling="extern")
    with pytest.raises(ValueError, match="depletion"):
        choices(coupling="self-consistent", deplete=False)
    with pytest.raises(ValueError, match="solver"):
        solve_boltzmann(Parameters(**BENCHMARK), choices(), 1e-9, solver="euler")
    with pytest.raises(ValueError, match="temperature_range"):
        choices(temperature_range="all")
    with pytest.raises(ValueError, match="vmap"):
        solve_boltzmann(Parameters(**BENCHMARK | {"P": jnp.ones(3)}), choices(), 1e-9)


def test_equilibrium_yield():
    """Y_eq = 45 g x² K₂/(4π⁴ g_s), by mpmath; massless fermions 135 ζ(3) g/(8π⁴ g_s)."""
    for x in (0.1, 1.0, 20.0, 300.0):
        exact = 45 * 2 / (4 * mp.pi**4 * 100) * x**2 * mp.besselk(2, x)
        np.testing.assert_allclose(
            equilibrium_yield(x, 2.0, 100.0, "classical"), float(exact), rtol=1e-12
        )
    exact = 135 * mp.zeta(3) * 2 / (8 * mp.pi**4 * 106.75)
    np.testing.assert_allclose(equilibrium_yield(0.0, 2.0, 106.75), float(exact), rtol=1e-13)

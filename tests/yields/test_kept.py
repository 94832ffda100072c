"""Whether annihilation keeps a density that is given, against SciPy's Radau and closed forms."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from annihilation_reference import Problem
from scipy.integrate import solve_ivp

from boltzmann_points import BENCHMARK, choices
from jaxbounce import Parameters
from jaxbounce.cosmology.degrees_of_freedom import ConstantDegrees
from jaxbounce.yields.kept import yield_at_Tp

RANGE = {"T_max_over_Tp": 5.0, "T_min_over_Tp": 1e-3, "y_min": -80.0, "y_max": 50.0}
CHOICES = choices(coupling="self-consistent", kernel="kjma", window="none")

CASES = [
    # f_χ, and what is not the benchmark: hardly anything happens, from either side
    (1e-9, {"sigma_v": 1e-35}),
    (1e-9, {"sigma_v": 1e-30}),
    (0.3, {"sigma_v": 1e-22}),
    (1e4, {"m_chi": 2500.0, "sigma_v": 1e-17}),
    # annihilation takes what is too much
    (1e4, {"m_chi": 2500.0, "sigma_v": 1e-12}),
    # χ in equilibrium, badly coupled to it
    (1.0, {"m_chi": 300.0, "sigma_v": 1e-16}),
    (1.0, {"sigma_v": 1e-19}),
    (1e-3, {"sigma_v_slope": 1e-24, "T_max_over_Tp": 100.0}),
]


def parameters(changes):
    return Parameters(**{k: jnp.asarray(float(v)) for k, v in (BENCHMARK | changes).items()})


RUN = jax.jit(lambda p, Y: yield_at_Tp(p, CHOICES, Y))


def claimed(f_chi, p):
    return f_chi * np.exp(Problem(p, CHOICES.as_dict()).log_equilibrium(np.zeros(1))[0])


def solved(p, Y):
    """Y_χ(T_p) over its start."""
    problem = Problem(p, CHOICES.as_dict())

    def slope(n, u):
        n = np.full(1, n)
        rate, there = problem.annihilation(n), problem.log_equilibrium(n)
        u = np.clip(u, -600.0, 600.0)  # what Newton's method tries
        return -rate * (Y * np.exp(u) - np.exp(2 * there - np.log(Y) - u))

    start = -np.log(p["T_max_over_Tp"])
    with np.errstate(all="ignore"):
        done = solve_ivp(slope, (start, 0.0), [0.0], "Radau", rtol=1e-9, atol=1e-15)
    assert done.success
    return done.y[0, -1]


@pytest.mark.parametrize(("f_chi", "changes"), CASES)
def test_the_change_by_annihilation_alone(f_chi, changes):
    p = BENCHMARK | RANGE | changes
    Y = claimed(f_chi, p)
    found = float(RUN(parameters(p), Y)) / Y - 1
    exact = np.expm1(solved(p, Y))
    # a few per cent of a change that is small, and of what is missing from equilibrium
    np.testing.assert_allclose(found, exact, rtol=0.05, atol=1e-13)


def test_nothing_happens_without_annihilation():
    assert RUN(parameters({}), 1.2345e-9) == 1.2345e-9
    assert RUN(parameters({}), 0.0) == 0.0


def test_from_nothing_the_bath_makes_what_it_can():
    """Y = ∫ λ Y_eq² dn; χ without mass: λ ∝ T."""
    p = BENCHMARK | RANGE | {"m_chi": 1e-3, "sigma_v": 1e-30}
    problem = Problem(p, CHOICES.as_dict())
    made = problem.annihilation(np.zeros(1)) * np.exp(2 * problem.log_equilibrium(np.zeros(1)))
    found = RUN(parameters(p), 0.0)
    np.testing.assert_allclose(found, made[0] * (5.0 - 1), rtol=3e-3)


@pytest.mark.parametrize("f_chi", [None, 1e-9, 1.0, 1e3])
def test_coupled_to_the_bath_it_ends_in_equilibrium(f_chi):
    """As near as it can follow: Y = Y_eq (1 + κ/2λY_eq), κ = −d ln Y_eq/dn."""
    p = BENCHMARK | RANGE | {"m_chi": 1000.0, "sigma_v": 1e-10}
    problem, Y = Problem(p, CHOICES.as_dict()), claimed(1.0, p)
    ends = problem.log_equilibrium(np.array([-1e-4, 1e-4]))
    lag = -np.diff(ends)[0] / 2e-4 / (2 * problem.annihilation(np.zeros(1))[0] * Y)
    found = RUN(parameters(p), None if f_chi is None else f_chi * Y)
    np.testing.assert_allclose(found / Y - 1, lag, rtol=0.05)


def test_constant_degrees_of_freedom_as_a_history():
    p = parameters({"m_chi": 300.0, "sigma_v": 1e-17, "g_star_s": 100.0})
    degrees = ConstantDegrees(p.g_star, p.g_star_s)
    run = jax.jit(lambda p, degrees: yield_at_Tp(p, CHOICES, 1e-6, degrees=degrees))
    np.testing.assert_allclose(run(p, degrees), RUN(p, 1e-6), rtol=1e-13)


def test_exact_constants_change_the_rate_alone():
    exact = dataclasses.replace(CHOICES, constants="exact")
    run = jax.jit(lambda p, Y: yield_at_Tp(p, exact, Y))
    p = parameters({"sigma_v": 1e-30})
    factor = (float(run(p, 1e-9)) - 1e-9) / (float(RUN(p, 1e-9)) - 1e-9)
    np.testing.assert_allclose(factor, 1.66 / np.sqrt(4 * np.pi**3 / 45), rtol=1e-6)

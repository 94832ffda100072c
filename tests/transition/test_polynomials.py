"""T_n, T_p and β/H of published polynomials in φ and T; one program serves them all."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import Polynomial

from jaxbounce._core.status import Status
from jaxbounce.potential.library import polynomial
from jaxbounce.transition import bounce_exponent, find_transition

pytestmark = pytest.mark.slow


class Case(NamedTuple):
    """Coefficients of φ^i T^j; the range; g_*; T_n, T_p, β/H with H of radiation alone."""

    coefficients: np.ndarray
    T_low: float
    T_high: float
    g_star: float
    T_n: float
    T_p: float
    beta_over_H: float
    digits: float
    """Relative: of the digits that the values have."""


def table(**rows: list[float]) -> np.ndarray:
    """Rows by power of φ, such as two=[a, b, c] for (a + b T + c T²) φ²."""
    powers = ("zero", "one", "two", "three", "four", "five", "six")
    return np.array([rows.get(power, [0.0, 0.0, 0.0]) for power in powers])


def toy(lam, A, T0sq, D, E):
    """D (T² − T0²) φ² − (E T + A) φ³ + λ/4 φ⁴: TransitionSolver's supercooled model."""
    return table(two=[-D * T0sq, 0, D], three=[-A, -E, 0], four=[lam / 4, 0, 0])


def sextic(mu2, lam, f, c):
    """The |H|⁶ effective theory."""
    return table(two=[mu2 / 2, 0, c / 2], four=[lam / 4, 0, 0], six=[1 / (8 * f**2), 0, 0])


def yukawa(msq, gamma, lam, y, m):
    """WallGo's Yukawa model without tadpole at T = 0: the false vacuum moves with T."""
    return table(
        one=[0, 0, (gamma + 4 * y * m) / 24],
        two=[msq / 2, 0, (lam + 4 * y**2) / 48],
        three=[gamma / 6, 0, 0],
        four=[lam / 24, 0, 0],
    )


# parameters from the models named; values by SciPy shooting and quadrature of the extended volume
CASES = {
    "toy BP1": Case(
        toy(0.3185963346645909, 32.26605577743182, -4844.55437855741, 0.4424835167, 0.0625),
        *(2.0, 69.263, 100.0, 36.3314, 26.275, -64.0, 1e-3),
    ),
    "toy BP2": Case(
        toy(0.29063823893181817, 27.606373155303032, -717.5097595106178, 1.7699340668, 0.125),
        *(2.0, 36.545, 100.0, 18.4800, 15.1855, 2.106, 5e-4),
    ),
    "toy BP5": Case(
        toy(0.28100716324999997, 26.001193875, -276.8496718750002, 3.5, 0.2),
        *(2.0, 27.458, 100.0, 13.16616, 11.08909, 23.04, 3e-4),
    ),
    "sextic 590": Case(
        sextic(93.63406350123842, -0.13216275750962014, 590.0, 0.26909743374518996),
        *(5.0, 160.0, 106.75, 45.137, 41.355, 135.8, 4e-4),
    ),
    "sextic 650": Case(
        sextic(-1300.796105314128, -0.08616039754409296, 650.0, 0.29209861372795354),
        *(5.0, 160.0, 106.75, 76.815, 75.870, 1790.0, 4e-4),
    ),
    "Yukawa": Case(
        yukawa(1.0, -1.2, 0.1, 0.55, 0.3),
        *(2.0, 12.0, 100.0, 5.628, 5.338, 300.0, 2e-3),
    ),
}


@jax.jit
def solve(coefficients, grid, false, true, T_low, T_high, g_star):
    """The transition; the vacua are interpolated over a grid of temperatures."""

    def at(coefficients, T):
        return coefficients @ jnp.stack([jnp.ones_like(T), T, T**2])

    exponent = bounce_exponent(
        polynomial,
        at,
        lambda T: jnp.interp(T, grid, false)[None],
        lambda T: jnp.interp(T, grid, true)[None],
    )
    return find_transition(exponent, coefficients, T_low, T_high, g_star=g_star)


def minima(V: Polynomial) -> list[float]:
    """Those at φ ≥ 0, in order."""
    slope, bend = V.deriv(), V.deriv(2)
    roots = slope.trim().roots()
    real = roots[np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots))].real
    return sorted(r for r in real if r > -1e-9 and bend(r) > 0)


def vacua(case: Case, grid: np.ndarray) -> np.ndarray:
    """First and last minimum at each temperature; where there is but one, those of the next."""
    found, last = [], None
    for T in grid:
        here = minima(Polynomial(case.coefficients @ np.array([1, T, T**2])))
        last = (here[0], here[-1]) if len(here) > 1 else last
        found.append(last)
    first = next(pair for pair in found if pair)
    return np.array([pair or first for pair in found])


@pytest.mark.parametrize("name", CASES)
def test_published_transitions(name):
    case = CASES[name]
    grid = np.linspace(case.T_low, case.T_high, 400)
    false, true = vacua(case, grid).T
    found = solve(case.coefficients, grid, false, true, case.T_low, case.T_high, case.g_star)
    assert Status(int(found.status)) is Status.SUCCESS
    assert float(found.T_n) == pytest.approx(case.T_n, rel=case.digits / 5)
    assert float(found.T_p) == pytest.approx(case.T_p, rel=case.digits / 5)
    assert float(found.beta_over_H) == pytest.approx(case.beta_over_H, rel=case.digits)

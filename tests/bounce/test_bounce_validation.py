"""Published and exact bounces; the numbers are those of validation_cases.json, named there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bounces
from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce

pytestmark = pytest.mark.slow


def check(bounce, action, rel, name):
    assert Status(int(bounce.status)) is Status.SUCCESS, name
    assert float(bounce.action) == pytest.approx(action, rel=rel), name


def one(*terms):
    return bounces.one_field(0.0, 0.0, *terms)


def universal(alpha):
    """V = (3 − 4α)/2 φ² − φ³ + α φ⁴."""
    return one((3 - 4 * alpha) / 2, -1.0, alpha)


# name, D, coefficients, false vacuum, true vacuum, action, relative tolerance
ONE_FIELD = [
    ("Chigusa 1b", 3, one(0.1, -0.4, 0.25), 0.0, 1.0, 6.62981963426504, 1e-6),
    ("FindBounce 1F", 3, one(0.5, -0.5, 0.12), 0.0, 2.160892, 1050.4382272931002, 1e-6),
    ("FindBounce 1F", 4, one(0.5, -0.5, 0.1), 0.0, 2.882782, 1511.8829443690665, 1e-6),
    ("FindBounce thin", 4, one(0.5, 0.5, 0.12375), 0.0, -2.040015396, 3624524.0, 1e-6),
    *[
        (f"universal {alpha}", 4, universal(alpha), 0.0, 1.0, action, 1e-6)
        for alpha, action in (
            (0.505, 838362.0),
            (0.51, 106643.4423),
            (0.515, 32104.49081),
            (0.52, 13740.304036191377),
            (0.55, 930.9369092843147),
            (0.6, 115.11999244900028),
            (0.65, 28.736511840073188),
            (0.7, 7.424645017089301),
            (0.74, 0.9927061558040206),
        )
    ],
    *[
        (f"Coleman {eps}", 4, bounces.coleman(eps), 1 - eps / 2, -1 - eps / 2, action, 1e-6)
        for eps, action in (
            (0.1, 24725.19195),
            (0.05, 207362.4139),
            (0.02, 3281893.9),
            (0.01, 26302996.0),
        )
    ],
    # J. Baacke & G. Lavrelashvili, Phys. Rev. D 69 (2004) 025009, table 1: four digits
    *[
        (
            f"Baacke {alpha}",
            4,
            one(0.5, -0.5, alpha / 8),
            0.0,
            1.5 / alpha * (1 + np.sqrt(1 - 8 * alpha / 9)),
            action,
            6e-4,
        )
        for alpha, action in (
            (0.05, 97.87),
            (0.15, 115.3),
            (0.25, 139.4),
            (0.35, 174.4),
            (0.45, 228.6),
            (0.55, 321.1),
            (0.65, 503.3),
            (0.75, 958.9),
            (0.83, 2136.0),
            (0.87, 3874.0),
            (0.89, 5699.0),
            (0.91, 9198.0),
            (0.93, 17110.0),
            (0.95, 40610.0),
        )
    ],
]


def test_one_field():
    for name, dimension, coefficients, false, true, action, rel in ONE_FIELD:
        check(bounces.solve(coefficients, false, true, dimension), action, rel, name)


@pytest.mark.long
def test_a_thermal_potential_of_one_field():
    # PhaseTracer OneDimModel: V = (T²/10 − 100) φ² − 10 φ³ + φ⁴/10
    def exponent(T):
        terms = jnp.stack([0.0 * T, 0.0 * T, T**2 / 10 - 100, -10.0 + 0 * T, 0.1 + 0 * T])
        return bounces.solve(terms, 0.0, 60.0, 3).action / T

    compiled = jax.jit(jax.value_and_grad(exponent))
    assert float(compiled(55.0)[0]) == pytest.approx(37.456952, rel=1e-6)
    assert float(compiled(50.0)[0]) == pytest.approx(11.556726, rel=1e-6)
    T_n = 57.3603638993
    value, slope = compiled(T_n)
    assert float(value) == pytest.approx(133.78356474, rel=1e-6)
    # from a difference
    assert T_n * float(slope) == pytest.approx(6848.76754, rel=1e-5)


def chigusa(f, c):
    def potential(phi, _):
        x, y = phi
        wells = (x**2 + 5 * y**2) * (5 * (x - 1) ** 2 + (y - 1) ** 2)
        return wells + f * (x**4 / 4 - x**3 / 3) + c * (y**4 / 4 - y**3 / 3)

    return bounces.coefficients(potential, None, 2)


def findbounce(*terms):
    """Coefficients of x⁴, y⁴, x²y², x², y², y."""
    table = np.zeros((5, 5))
    for place, value in zip(((4, 0), (0, 4), (2, 2), (2, 0), (0, 2), (0, 1)), terms, strict=False):
        table[place] = value
    return table


README = findbounce(0.1, 0.3, 3.0, -100.0, -60.0)

TWO_FIELDS = [
    ("Chigusa 2a", 3, chigusa(0, 2), [0, 0], [1, 1], 1770.3953062),
    ("Chigusa 2b", 3, chigusa(0, 80), [0, 0], [1, 1], 4.456710917027197),
    ("CosmoTransitions example", 3, chigusa(10, 10), [0, 0], [1, 1], 20.826478526270805),
    ("CosmoTransitions example", 3, chigusa(0, 10), [0, 0], [1, 1], 100.9120038687407),
    (
        "BubbleProfiler 0.4",
        3,
        bounces.well(1.8, 0.2, 0.4),
        [0, 0],
        [1.05, 1.66],
        12.942399147274475,
    ),
    (
        "BubbleProfiler 0.15",
        3,
        bounces.well(1.8, 0.2, 0.15),
        [0, 0],
        [1.03, 1.31],
        62.21226488560535,
    ),
    ("BubbleProfiler 0.6", 3, bounces.well(1.8, 0.2, 0.6), [0, 0], [1, 1.9], 6.266850278875637),
    ("FindBounce README", 3, README, [0, 10], [22.36, 0], 215.06523080317646),
    ("FindBounce README", 4, README, [0, 10], [22.36, 0], 171.86791383329393),
    (
        "FindBounce 2F",
        4,
        findbounce(0.1, 0.3, 2, -80, -100),
        [0.0, 12.909944],
        [20.0, 0.0],
        4944.791363831345,
    ),
    (
        "FindBounce 2F tilted",
        4,
        findbounce(0.1, 0.3, 2, -80, -100, 800),
        [0.0, 10.0],
        [19.91666759, -0.57674542],
        100.94578223450392,
    ),
]


def test_two_fields():
    for name, dimension, coefficients, false, true, action in TWO_FIELDS:
        check(bounces.solve(coefficients, false, true, dimension), action, 1e-6, name)


def test_three_fields():
    def potential(phi, c):
        x, y, z = phi
        tilt = c[0] * x + c[1] * y + c[2] * z
        wells = -40 * x**2 + 0.1 * x**4 - 100 * y**2 + 0.2 * y**4 - 120 * z**2 + 0.3 * z**4
        return tilt + wells + 2 * x**2 * y**2 + 2.1 * x**2 * z**2 + 1.2 * y**2 * z**2

    false, true = [13.42, -0.288, -0.193], [-0.104, -16.166, -0.258]
    check(
        solve_bounce(potential, [100.0, 150.0, 100.0], false, true),
        274.9500502388288,
        1e-6,
        "FindBounce 3F",
    )


def test_wells_of_three_to_eight_fields():
    # one program for all: fields that a well does not have rest at zero beside it
    def potential(phi, theta):
        used, c = theta["used"], theta["c"]
        well = (used * c[:-1] * (phi - 1) ** 2).sum() - c[-1]
        return well * (used * phi**2).sum() + ((1 - used) * phi**2).sum()

    five = (0.4747, 0.234808, 0.57023, 0.138912, 0.517238)
    for c, depth, action in (
        ((0.684373, 0.181928, 0.295089), 0.284821, 21.955771257878038),
        ((0.534808, 0.77023, 0.838912, 0.00517238), 0.258889, 55.87581398219176),
        (five, 0.658889, 16.26686878607418),
        ((0.34234, *five), 0.658889, 24.45437376582315),
        ((0.5233, 0.34234, *five), 0.658889, 36.670590103821894),
        ((0.2434, 0.5233, 0.34234, *five[:-1], 0.51723), 0.658889, 46.005582212908394),
    ):
        used = np.arange(8.0) < len(c)
        theta = {"used": used.astype(float), "c": np.array([*c, *[1.0] * (8 - len(c)), depth])}
        bounce = solve_bounce(potential, theta, np.zeros(8), used.astype(float), 3)
        check(bounce, action, 1e-6, len(c))


@pytest.mark.parametrize(("dimension", "action"), [(3, 3520.470704674218), (4, 423418.8069569292)])
def test_two_gaussians_in_three_fields(dimension, action):
    # BubbleProfiler, n = 3, γ = 2, λ = 4: one field along the diagonal
    mu = np.full(3, 4 / np.sqrt(3))

    def potential(phi, gamma):
        near, far = (jnp.exp(-((phi - m) ** 2).sum() / 2) for m in (0.0, mu))
        return -((2 * np.pi) ** -1.5) * (near + gamma * far)

    bounce = solve_bounce(potential, 2.0, np.zeros(3), mu, dimension)
    check(bounce, action, 1e-5, dimension)


# --- exact potentials, in four dimensions, of which most are not smooth at the false vacuum.
# One program for all: a switch chooses. log(x²) and 1/x² are kept finite where x = 0 exactly.

_TINY = 1e-60


def espinosa_a(x, p):
    """S = −(π²/3)(φ₀ + Li₂(φ₀/(φ₀ − 1))). J. R. Espinosa & T. Konstandin, arXiv:2312.12360."""
    ratio = (1 - x) ** 2 * p[0] ** 2 / ((1 - p[0]) ** 2 * (x**2 + _TINY))
    return x**2 * (2 * x - 3 + (1 - x) ** 2 * jnp.log(ratio + 1e-300))


def espinosa_b(x, p):
    """S = (π²/4)(π²/2 + 6 ln²(cot φ₀) + 3 Li₂(−cot² φ₀))."""
    ratio = jnp.tan(p[0]) ** 2 / (jnp.tan(x) ** 2 + _TINY)
    return jnp.sin(x) ** 2 * (-1 + jnp.cos(x) ** 2 / 3 * jnp.log(ratio))


def fubini(x, p):
    """φ = (u r² + v)⁻ⁿ."""
    u, v, n = p[0], p[1], p[2]
    y = jnp.abs(x)
    up = 4 * u * n**2 * (n - 1) / (2 * n + 1) * y ** (2 + 1 / n)
    return up - 2 * u * v * n**2 * y ** (2 + 2 / n)


def logarithmic(x, p):
    """φ = w exp(2 − m² r²/2)."""
    return p[0] ** 2 * x**2 / 2 * (1 - jnp.log(x**2 / p[1] ** 2 + _TINY))


FAMILIES = (espinosa_a, espinosa_b, fubini, logarithmic)


def exact(phi, theta):
    kind, p = theta
    return jax.lax.switch(
        kind.astype(int), [lambda x, p, f=f: f(x, p) for f in FAMILIES], phi[0], p
    )


EXACT = [  # family, parameters, false vacuum, true vacuum, action, relative tolerance
    (espinosa_a, [0.5], 0.0, 0.999, 1.06087401742962, 1e-8),
    (espinosa_a, [0.9], 0.0, 0.999, 10.0362815506675, 1e-8),
    (espinosa_a, [0.999], 0.0, 0.9999, 80.5904656256333, 1e-8),
    (espinosa_b, [1.54], 0.0, 1.57, 191.460896434259, 1e-8),
    (fubini, [1.0, 1.0, 1.05], 0.0, 3.0, 3.0390277481360193, 1e-8),
    (fubini, [1.0, 1.0, 1.5], 0.0, 3.0, 1.8505508252042546, 1e-8),
    (fubini, [1.0, 1.0, 3.0], 0.0, 3.0, 0.845966091521945, 1e-8),
    (fubini, [2.0, 3.0, 2.5], 0.0, 3.0, 0.0063461962455564295, 1e-8),
    (logarithmic, [1.0, 1.0], 0.0, 6.0, 269.4310709292287, 1e-8),
    (logarithmic, [2.0, 0.5], 0.0, 3.0, 16.839441933076795, 1e-8),
]


def padded(family, p):
    values = jnp.zeros(3).at[: len(p)].set(jnp.asarray(p, float))
    return jnp.asarray(FAMILIES.index(family)), values


def test_exact_potentials():
    for family, p, false, true, action, rel in EXACT:
        bounce = solve_bounce(exact, padded(family, p), [false], [true], 4)
        check(bounce, action, rel, (family.__name__, p))

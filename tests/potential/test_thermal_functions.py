import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxbounce.potential.thermal_functions import J_B, J_F, LOWEST, cube, regular

# z, J_B, J_F, J_B', J_F': mpmath, by subtracted series, sums of K_2 and direct quadrature, which
# agree to more digits than these (the specification of this project, golden numbers D.J)
GOLDEN = np.array(
    [
        [-100, -2.6971031208829674, 5.949695632089552, -1.4855738585640397, -2.539170993758987],
        [-60, -24.16794742514203, -17.91134602639263, 0.8213912912822721, 1.3888724196192384],
        [-45, -0.9736390909497278, 2.1732915132504487, 2.3350157969081256, 1.166857618416612],
        [-30, 17.43114550207588, 13.695998042346394, -0.563304967433776, 0.2577814248864757],
        [-20, 8.433656189032257, 11.556250620574952, -1.0632230647960432, -0.7440868983541504],
        [-10, -1.0330155066699847, -2.5537862155851463, -0.6981816828970909, -2.1626493454058004],
        [-5, -3.3510328566072354, -4.405239880236268, -0.18301691080648805, 0.34859462159153354],
        [-1, -2.8184452672778013, -2.385338726691869, 0.5167030334522096, 0.5376680459392046],
        [-0.1, -2.2444840499909726, -1.9367297865978839, 0.7774127948715044, 0.4389016709950366],
        [0, -2.1646464674222763, -1.8940656589944918, 0.8224670334241132, 0.4112335167120566],
        [0.0001, -2.1645647397495975, -1.8940245393445005, 0.8147012890342545, 0.41116260809036426],
        [0.01, -2.156914105586019, -1.8899759516674781, 0.74987280431923, 0.4070202268316912],
        [0.1, -2.0965476560723144, -1.8544875237367644, 0.6191755956494893, 0.38343214636418044],
        [1, -1.6964755691407192, -1.5673202547934948, 0.34473621875416144, 0.2714369166195765],
        [4, -1.0332425147777957, -0.998346428310449, 0.14659860426916993, 0.1340366480529649],
        [9, -0.5574653481509049, -0.5498485861602634, 0.06127029564297194, 0.05925269569896115],
        [20, -0.19766663036025858, -0.19699977819413725, 0.016395936731504173, 0.01626869717141306],
        [
            39,
            -0.05011333890345549,
            -0.05008326798876385,
            0.0032147977140415934,
            0.0032105073330238702,
        ],
        [
            41,
            -0.04413572588491743,
            -0.04411304810619184,
            0.002775292746331672,
            0.002772128429697636,
        ],
        [
            50,
            -0.025639100666598767,
            -0.025632269545452856,
            0.0014878161619260122,
            0.0014869441186063747,
        ],
        [
            100,
            -0.0021509975248053125,
            -0.00215096587708724,
            9.324533806975025e-05,
            9.324239654076333e-05,
        ],
        [
            400,
            -2.531817445798663e-07,
            -2.5318174440351196e-07,
            5.8830579738056045e-09,
            5.883057965308472e-09,
        ],
        [
            1000,
            -4.363257705900202e-12,
            -4.363257705900174e-12,
            6.584205806160245e-14,
            6.584205806160159e-14,
        ],
        [
            10000,
            -4.75022530388864e-41,
            -4.75022530388864e-41,
            2.3399268678184547e-43,
            2.3399268678184547e-43,
        ],
    ]
)

BOTH = ((J_B, "boson", 1.0), (J_F, "fermion", -1.0))


def _relative(found, expected):
    return np.abs(np.asarray(found) / expected - 1).max()


@pytest.mark.parametrize(("J", "column"), [(J_B, 1), (J_F, 2)])
def test_golden_points(J, column):
    z = jnp.asarray(GOLDEN[:, 0])
    assert _relative(jax.jit(J)(z), GOLDEN[:, column]) < 1e-13
    slope = jax.vjp(J, z)[1](jnp.ones_like(z))[0]
    assert _relative(slope, GOLDEN[:, column + 2]) < 1e-13
    assert _relative(jax.jvp(J, (z,), (jnp.ones_like(z),))[1], GOLDEN[:, column + 2]) < 1e-13


@pytest.mark.slow
@pytest.mark.parametrize(("J", "statistics", "sign"), BOTH)
def test_second_derivative_is_a_sum_of_bessel_functions(J, statistics, sign):
    # J'' = −¼ Σ (±1)^{k+1} K_0(k√z)
    for z in (0.02, 0.7, 5.9, 6.1, 80.0):
        terms = int(50 / np.sqrt(z)) + 2
        total = sum(sign ** (k + 1) * mpmath.besselk(0, k * np.sqrt(z)) for k in range(1, terms))
        for second in (jax.grad(jax.grad(J)), jax.hessian(J)):
            assert _relative(second(z), float(-total / 4)) < 1e-12


@pytest.mark.parametrize("z", [-499.0, -210.0, -38.0])
def test_far_below_zero(z):
    """Principal values: E is imaginary up to w, where |1 ∓ e^{−iE}| is 2 sin, 2 cos of E/2."""
    w = mpmath.sqrt(-z)
    for J, statistics, offset in ((J_B, "boson", 0), (J_F, "fermion", mpmath.pi / 2)):
        fermion = statistics == "fermion"
        zeros = [2 * mpmath.pi * (n - (0.5 if fermion else 0)) for n in range(1, 9)]
        breaks = sorted(mpmath.sqrt(w**2 - zero**2) for zero in zeros if zero < w)

        def wave(x, w=w, offset=offset):
            return x**2 * mpmath.log(abs(2 * mpmath.sin(mpmath.sqrt(w**2 - x**2) / 2 + offset)))

        def decay(x, w=w, fermion=fermion):
            E = mpmath.sqrt(x**2 - w**2)
            return x**2 * mpmath.log(1 + mpmath.exp(-E) if fermion else -mpmath.expm1(-E))

        total = mpmath.quad(wave, [0, *breaks, w])
        total += mpmath.quad(decay, [w, w + 0.5, w + 2, w + 8, w + 50])
        assert _relative(J(z), float((-1 if fermion else 1) * total)) < 1e-12


@pytest.mark.parametrize(("J", "statistics", "sign"), BOTH)
def test_is_smooth_where_the_method_changes(J, statistics, sign):
    from jaxbounce.potential.thermal_functions import _SWITCH

    below, above = jnp.nextafter(_SWITCH, 0.0), jnp.asarray(_SWITCH)
    for k in range(3):
        found = [regular(statistics, x, k) for x in (below, above)]
        assert _relative(found[0], found[1]) < 1e-13
    for f in (J, jax.grad(J), jax.grad(jax.grad(J))):
        assert _relative(f(below), f(above)) < 1e-13


@pytest.mark.slow
@pytest.mark.parametrize(("J", "statistics", "sign"), BOTH)
def test_regular_part_is_what_the_logarithm_leaves(J, statistics, sign):
    z = jnp.array([-90.0, -3.0, 1e-3, 2.0, 7.0, 90.0])
    rest = sign * z**2 / 32 * jnp.log(jnp.abs(z)) + (1 + sign) / 2 * np.pi / 6 * cube(z)
    np.testing.assert_allclose(regular(statistics, z), J(z) + rest, rtol=1e-13)
    # analytic: the derivatives of every order by differences across z = 0
    h = 1e-3
    for k in (1, 2, 3):
        nearby = [regular(statistics, jnp.asarray(x), k - 1) for x in (-2 * h, -h, h, 2 * h)]
        slope = (8 * (nearby[2] - nearby[1]) - (nearby[3] - nearby[0])) / (12 * h)
        assert _relative(regular(statistics, jnp.asarray(0.0), k), slope) < 1e-9


@pytest.mark.parametrize("J", [J_B, J_F])
def test_corners_have_numbers(J):
    z = jnp.array([0.0, 1e6, 1e12, 1e300, jnp.inf])
    for f in (J, jax.grad(J), jax.grad(jax.grad(J)), jax.jacfwd(J)):
        found = jax.jit(jax.vmap(f))(z)
        assert jnp.isfinite(found).all()
        assert (found[1:] == 0).all()
    # J'(0): π²/12 and π²/24
    assert _relative(jax.grad(J)(0.0), np.pi**2 / (12 if J is J_B else 24)) < 1e-15
    # and where the series has ended none that could be taken for one
    assert jnp.isnan(J(LOWEST - 1))
    assert jnp.isnan(jax.grad(J)(LOWEST - 1))


def test_is_correct_towards_the_vacuum():
    """What is left at T → 0 is the logarithm of Coleman and Weinberg, of either sign of m²."""
    for z in (-1e20, 1e20):
        logarithm = z**2 / 32 * np.log(1e20)
        assert _relative(regular("fermion", jnp.asarray(z)), -logarithm) < 1e-12

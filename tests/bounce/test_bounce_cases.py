import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import bounces
from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential.library import Portal, portal, quartic_well

pytestmark = pytest.mark.slow

# bounce_random.json: least, middle and greatest actions of each family
PORTALS = [  # (λ_Φ, v, λ, μ², b, g), action
    (
        [
            0.5912284181872254,
            2.6895074684394453,
            5.7623511865947166e-08,
            5.7623511865947166e-08,
            -1e-09,
            0.8553242903005533,
        ],
        9.616350223838042,
    ),
    (
        [
            0.27963927294757834,
            2.7843435056949115,
            9.935484371887706e-06,
            9.935484371887706e-06,
            -1e-09,
            2.8635522794380277,
        ],
        181.83896367465857,
    ),
    (
        [
            0.1038034091710744,
            1.7827114545184521,
            3.1643522324240916e-07,
            3.1643522324240916e-07,
            -1e-09,
            0.5121951729644019,
        ],
        1567.1180271156452,
    ),
    (
        [
            0.039832597885065005,
            2.1326490940718417,
            2.5349201796983157e-05,
            2.5349201796983157e-05,
            -1e-09,
            1.6478583277016048,
        ],
        4138.426597420061,
    ),
    (
        [
            0.05448601077894923,
            1.5527639732766296,
            0.03271835195214141,
            0.03271835195214141,
            -1e-09,
            2.6201823262207093,
        ],
        199446543.86073554,
    ),
]
Z2 = [  # dimension, (w, λ_s, λ_m), action
    (3, [0.567518480187415, 0.7677220161278885, 6.521656998312778], 0.5306695165749318),
    (3, [1.32661148465793, 0.18001494535261317, 1.4723847426884398], 44.205269589120746),
    (3, [1.4329007824132534, 0.2258185629599407, 1.0413659422143806], 616.6964611556116),
    (4, [0.8785927875597309, 0.19964363389765907, 2.8699087702567283], 27.157719835008294),
    (4, [1.478634143900439, 0.1043313640199828, 1.360062875132388], 1675.9388950389698),
    (4, [1.2874638746315021, 0.2956098938862733, 3.8613272428262806], 112918.85867223657),
]
WELLS = [  # dimension, c, action
    (4, [0.11945087189229739, 0.843662731774922, 0.8239497578396218], 2.804226033120447),
    (4, [0.1915047126133444, 0.8501126984097037, 0.0909178866264915], 1770.004563173991),
    (
        3,
        [0.5127045782126408, 0.8056728535072671, 0.6727675078969991, 1.1168251652730625],
        3.4586697207261445,
    ),
    (
        3,
        [0.28216413381314653, 0.7253183159366484, 0.8746471614933047, 0.3015427267008874],
        35.32041136510542,
    ),
    (
        4,
        [
            0.24646913749446184,
            0.7956436493217556,
            0.8699423876115272,
            0.3288371353787416,
            1.9632507937808465,
        ],
        2.510660282928583,
    ),
    (
        4,
        [
            0.6351108480017779,
            0.3652796738824867,
            0.6972589419943167,
            0.8526206591583411,
            0.1441568111537183,
        ],
        5221.74530544212,
    ),
]


def check(bounce, action, rel, name=None):
    assert Status(int(bounce.status)) is Status.SUCCESS, name
    assert float(bounce.action) == pytest.approx(action, rel=rel), name


def test_one_field_in_four_dimensions():
    for name, dimension, coefficients, false, true, action in bounces.ONE_FIELD:
        if dimension == 4:
            check(bounces.solve(coefficients, false, true, 4), action, 1e-9, name)


def test_two_fields_in_three_dimensions():
    for name, dimension, coefficients, false, true, action in bounces.TWO_FIELDS:
        if dimension == 3:
            check(bounces.solve(coefficients, false, true, 3), action, 1e-9, name)
    for dimension, c, action in Z2:
        if dimension == 3:
            check(bounces.solve(bounces.z2(*c), [0, c[0]], [1, 0], 3), action, 1e-10, c)


def test_random_potentials_of_two_fields():
    for (lam_Phi, v, lam, mu_squared, b, g), action in PORTALS:
        theta = Portal(lam_Phi, v, b, lam, mu_squared, g)
        bounce = solve_bounce(portal, theta, bounces.FALSE_PORTAL, [v, 0.0], 4)
        check(bounce, action, 1e-9, theta)
    for dimension, c, action in Z2:
        if dimension == 4:
            check(bounces.solve(bounces.z2(*c), [0, c[0]], [1, 0], 4), action, 1e-10, c)


@pytest.mark.parametrize(("dimension", "c", "action"), WELLS)
def test_random_wells(dimension, c, action):
    n = len(c) - 1
    bounce = solve_bounce(quartic_well, jnp.asarray(c), np.zeros(n), np.ones(n), dimension)
    check(bounce, action, 1e-10)


def test_shooting_agrees():
    """Overshoot and undershoot with DOP853, the oldest way for one field."""
    delta, D = 0.8, 3

    def force(x):
        return (4 * x**3 - 6 * x**2 + delta * x) / 4

    def shoot(start, r_end=120.0, dense=False):
        def hit(r, y):
            return y[0] + 0.02

        def turn(r, y):
            return y[1] - 1e-9

        for event in (hit, turn):
            setattr(event, "terminal", True)  # noqa: B010
        setattr(turn, "direction", 1)  # noqa: B010
        return solve_ivp(
            lambda r, y: [y[1], force(y[0]) - (D - 1) / r * y[1]],
            (1e-6, r_end),
            [start, force(start) / D * 1e-6],
            method="DOP853",
            rtol=1e-12,
            atol=1e-14,
            events=[hit, turn],
            dense_output=dense,
        )

    def overshoots(start):
        run = shoot(start)
        return 1.0 if run.t_events[0].size else -1.0

    start = brentq(overshoots, 0.3, 1.3, xtol=1e-15, rtol=1e-15)
    run = shoot(start, dense=True)
    bounce = bounces.solve(bounces.adams(delta), 0.0, 1.35, D)
    r = np.linspace(0.1, 10.0, 30)
    np.testing.assert_allclose(bounce.fields(r)[:, 0], run.sol(r)[0], atol=1e-8)
    assert float(bounce.fields(0.0)[0]) == pytest.approx(start, rel=1e-8)

"""Bounces with known actions. One polynomial of one degree serves all: one program to compile."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial import Polynomial

from jaxbounce.bounce import Bounce, solve_bounce
from jaxbounce.potential.library import Z2Portal, polynomial, portal, quartic_well, z2_portal

FALSE_PORTAL, TRUE_PORTAL = [0.0, -np.sqrt(3.0)], [99 / 42, 0.0]


def coefficients(potential, theta, fields: int, degree: int = 4) -> np.ndarray:
    """The coefficients of a polynomial potential, by interpolation at integers."""
    nodes = np.arange(degree + 1) - degree // 2
    inverse = np.linalg.inv(np.vander(nodes, increasing=True).astype(float))
    points = np.stack(np.meshgrid(*[nodes.astype(float)] * fields, indexing="ij"), -1)
    values = jax.vmap(lambda p: potential(p, theta))(jnp.asarray(points.reshape(-1, fields)))
    table = np.asarray(values).reshape([degree + 1] * fields)
    for axis in range(fields):
        table = np.moveaxis(np.tensordot(inverse, table, (1, axis)), 0, axis)
    return table


def one_field(*terms: float) -> np.ndarray:
    """Coefficients of powers 0, 1, … up to 4."""
    return np.array([*terms, *[0.0] * (5 - len(terms))])


def adams(delta: float) -> np.ndarray:
    """V = (φ⁴ − 2φ³ + δφ²/2)/4."""
    return one_field(0.0, 0.0, delta / 8, -0.5, 0.25)


def coleman(eps: float) -> np.ndarray:
    """V = (φ² − 1)²/8 + ε (φ − 1)/2."""
    return one_field(1 / 8 - eps / 2, eps / 2, -1 / 4, 0.0, 1 / 8)


def z2(w: float, lam_s: float, lam_m: float) -> np.ndarray:
    """Coefficients of `z2_portal`."""
    return coefficients(z2_portal, Z2Portal(w, lam_s, lam_m), 2)


def well(*c: float) -> np.ndarray:
    """Coefficients of `quartic_well`."""
    return coefficients(quartic_well, jnp.asarray(c), len(c) - 1)


# (name, dimension, coefficients, false vacuum, true vacuum, action); actions from
# bounce_cases.json and validation_cases.json: spectral elements and solve_bvp
ONE_FIELD = [
    ("bp1", 3, one_field(0, 0, 1.0, -0.8, 0.1), 0.0, 5.0, 52.41332630084321),
    ("ob1a", 3, one_field(0, 0, 0.235, -0.49, 0.25), 0.0, 1.0, 1093.1830573035425),
    ("adams 0.05", 3, adams(0.05), 0.0, 1.49, 0.027709557769646755),
    ("adams 0.8", 3, adams(0.8), 0.0, 1.35, 2.7129562808827132),
    ("adams 1.95", 3, adams(1.95), 0.0, 1.02, 823.2728995765193),
    ("coleman 0.1", 3, coleman(0.1), 0.9456, -1.047, 469.9424711714776),
    ("coleman 0.01", 3, coleman(0.01), 0.995, -1.005, 49618.59914567659),
    ("coleman 0.001", 3, coleman(0.001), 0.9995, -1.0005, 4964465.774529851),
    ("adams 0.05", 4, adams(0.05), 0.0, 1.49, 1.1780506832133006),
    ("adams 0.8", 4, adams(0.8), 0.0, 1.35, 39.651944011881845),
    ("adams 1.95", 4, adams(1.95), 0.0, 1.02, 129407.74164029733),
    ("coleman 0.03", 4, coleman(0.03), 0.985, -1.015, 969459.8585183445),
    ("coleman 0.003", 4, coleman(0.003), 0.9985, -1.0015, 974722580.8208573),
    ("x^4-x^2+x/4", 4, one_field(0, 0.25, -1, 0, 1), 0.6335, -0.7628, 482.9377320236589),
    ("cubic", 4, one_field(0, 0, 0.5, -1 / 3), 0.0, 3.0, 204.42844334195098),
]

TWO_FIELDS = [
    ("bp2", 3, well(1.8, 0.2, 0.3), [0, 0], [1, 1], 20.83633374657814),
    (
        "z2_308",
        3,
        z2(0.667699519677781, 0.18644100757702656, 5.543217378601184),
        [0, 0.667699519677781],
        [1, 0],
        1.2074298815989672,
    ),
    (
        "z2_260",
        4,
        z2(0.8712526370882772, 0.712531536216992, 7.00768635576678),
        [0, 0.8712526370882772],
        [1, 0],
        984.9052307883203,
    ),
    (
        "z2_284",
        4,
        z2(0.6772355012492726, 3.1727278085266883, 15.114535688182619),
        [0, 0.6772355012492726],
        [1, 0],
        6048.774383273212,
    ),
    (
        "z2_356",
        4,
        z2(1.478634143900439, 0.1043313640199828, 1.360062875132388),
        [0, 1.478634143900439],
        [1, 0],
        1675.9388950389698,
    ),
]


def solve(coefficients: Float[Array, "..."], false, true, dimension: int) -> Bounce:
    """The bounce of a polynomial; one program per number of fields and dimension."""
    return solve_bounce(
        polynomial, coefficients, np.atleast_1d(false), np.atleast_1d(true), dimension
    )


def published(theta, r_max=None) -> Bounce:
    """The bounce of the published wall's potential."""
    return solve_bounce(portal, theta, FALSE_PORTAL, TRUE_PORTAL, 4, r_max=r_max)


def three_phases(T: float) -> Polynomial:
    """PhaseTracer's example of three phases at once, in units of 1e7."""
    coefficients = [
        0.0,
        -967680000000 + 7994880000 * T + 1706880000 * T**2 + 3072000 * T**3 - 688800 * T**4
        - 5043 * T**5,
        -8156160000 - 5817600000 * T - 15456000 * T**2 + 4879200 * T**3 + 45510 * T**4,
        6717440000 + 35840000 * T - 17184000 * T**2 - 218080 * T**3,
        -33024000 + 30086400 * T + 585120 * T**2,
        -20951040 - 833280 * T,
        2 * 246016,
    ]  # fmt: skip
    return Polynomial(np.array(coefficients) * 5 / 246016)

"""Potentials with corners (rounded, and extrapolated), singular ones, and a curved path.

The actions expected are those of validation_cases.json unless another source is named.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from scipy.integrate import solve_ivp

from jaxbounce._core.status import Status
from jaxbounce.bounce import solve_bounce

pytestmark = pytest.mark.slow


def extrapolated(run, widths, powers):
    """The action at width 0: ln S is a sum of a constant and of powers of the width."""
    bounces = [run(jnp.asarray(width)) for width in widths]
    assert all(Status(int(b.status)) is Status.SUCCESS for b in bounces)
    logarithms = np.log([float(b.action) for b in bounces])
    terms = np.array(widths)[:, None] ** np.array([0.0, *powers])
    return np.exp(np.linalg.solve(terms, logarithms)[0])


def polygon_action(points):
    """The bounce of a piecewise linear potential in D = 4, exactly.

    On each piece φ = A + B/r² + s r²/8; the field rests at the corner of the true vacuum
    until R, and R is where it comes to rest at that of the false one.
    Source: V. Guada, A. Maiezza & M. Nemevšek, Phys. Rev. D 99 (2019) 056020.
    """
    phi, V = np.array(points, float).T
    slopes = np.diff(V) / np.diff(phi)

    def pieces(R):
        r, velocity, found = R, 0.0, []
        for start, end, s in zip(phi, phi[1:], slopes, strict=False):
            B = (s * r / 4 - velocity) * r**3 / 2
            A = start - B / r**2 - s * r**2 / 8
            q = np.roots([s / 8, A - end, B])
            q = q[np.isreal(q)].real
            q = q[q > r**2 * (1 + 1e-14)]
            if not q.size:
                return None, found
            found.append((A, B, s, r, np.sqrt(q.min())))
            r = np.sqrt(q.min())
            velocity = s * r / 4 - 2 * B / r**3
            if velocity <= 0:
                return None, found
        return velocity, found

    low, high = 0.01, 60.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if pieces(middle)[0] is None else (low, middle)
    node, weight = np.polynomial.legendre.leggauss(60)
    _, found = pieces(high)
    kinetic = 0.0
    for _, B, s, r, end in found:
        radii = (r + end) / 2 + (end - r) / 2 * node
        velocity = s * radii / 4 - 2 * B / radii**3
        kinetic += 2 * np.pi**2 * (weight * (end - r) / 2 * radii**3 * velocity**2 / 2).sum()
    return kinetic / 2  # Derrick


POLYGONS = [
    ([[1, 0], [2, 2], [3, 1]], 3576.28),
    ([[0, 0], [2, 2], [2.5, 3], [3, 1]], 32937.13),
    ([[1, 0], [2, 2], [3, 1], [4, 2], [5, 1]], 82767.0),
]


def test_piecewise_linear_potentials():
    def potential(phi, theta):
        # |t| tanh(|t|/δ) for every corner: minima stay where and as deep as they are
        corners, changes, first, width = theta
        t = phi[0] - corners
        return first * t[0] + (changes * t * jax.nn.sigmoid(2 * t / width)).sum()

    def solve(corners, changes, first, width, false, true):
        return solve_bounce(potential, (corners, changes, first, width), [false], [true], 4)

    for points, published in POLYGONS:
        phi, V = np.array(points, float).T
        slopes = np.diff(V) / np.diff(phi)
        slopes = np.concatenate([-slopes[:1], slopes, -slopes[-1:]])  # mirrored at the ends
        corners, changes = np.full(5, phi[-1]), np.zeros(5)
        corners[: phi.size], changes[: phi.size] = phi, np.diff(slopes)

        def run(width, corners=corners, changes=changes, first=slopes[0], phi=phi):
            return solve(corners, changes, first, width, phi[-1], phi[0])

        exact = polygon_action(points)
        assert exact == pytest.approx(published, rel=2e-5)
        # the field comes to rest as (R − r)², so a corner of width δ takes √δ in r: δ^{3/2};
        # at δ = 0.04 the last potential is withheld on some processors
        found = extrapolated(run, (0.08, 0.06, 0.05), (1.5, 2))
        assert found == pytest.approx(exact, rel=3e-4)


def test_two_quartics_that_meet_in_a_corner():
    # FindBounce: S = (2π²φ₋⁴/3ΔV₋) [4a³ + 6a²d + 4ad² + d³ + a⁴ (3 + d (d − 3))]/(1 − d)³
    def potential(phi, width):
        left = -15 + 20 / 5**4 * (phi[0] + 5) ** 4
        right = -20 + 25 / 10**4 * (phi[0] - 10) ** 4
        return right + (left - right) * jax.nn.sigmoid((right - left) / width)

    a, d = 0.5, 0.8
    bracket = 4 * a**3 + 6 * a**2 * d + 4 * a * d**2 + d**3 + a**4 * (3 + d * (d - 3))
    exact = 2 * np.pi**2 * 10**4 / 75 * bracket / (1 - d) ** 3

    def run(width):
        return solve_bounce(potential, width, [-5.0], [10.0], 4)

    found = extrapolated(run, (3.0, 2.5, 2.0, 1.6, 1.3, 1.0), (2, 3, 4, 5, 6))
    assert exact == pytest.approx(1174318.4303229495, rel=1e-12)
    assert found == pytest.approx(exact, rel=1e-7)


def test_two_fields_along_a_curved_path():
    # A path y = √(1 + x²) that a bounce follows, with the potential and speed of one field s,
    # its arc length: the transverse force is what the curvature asks for.
    # J. R. Espinosa & T. Konstandin, arXiv:2312.12360; 1-field case A at φ₀ = 0.999
    node, weight = np.polynomial.legendre.leggauss(24)

    def along(s, start):
        ratio = (1 - s) ** 2 * start**2 / ((1 - start) ** 2 * (s**2 + 1e-60))
        rest = s**2 * (1 - s) ** 2 * jnp.log(ratio + 1e-300)
        return s**2 * (2 * s - 3) + rest, 2 * rest  # V, and φ̇² = 2 (V − V_t)

    def potential(phi, theta):
        start, mass_squared = theta
        x, y = phi
        t = x * (node + 1) / 2
        s = x / 2 * (weight * jnp.sqrt(1 + t**2 / (1 + t**2))).sum()
        V, speed_squared = along(s, start)
        slope = jax.grad(lambda s: along(s, start)[0])(s)
        rise, bend = x / jnp.sqrt(1 + x**2), (1 + x**2) ** -1.5
        stretch = jnp.sqrt(1 + rise**2)
        force = (bend / stretch**3 * speed_squared + rise * slope) / stretch
        beside = y - jnp.sqrt(1 + x**2)
        return V + force * beside + mass_squared * beside**2 / 2

    false, true = [0.0, 1.0], [0.9181398979435043, 1.3575643168526]

    # s = 1 is the top of a ripple of 1e-8, with minima 1e-4 on both sides: "any" of them
    bounce = solve_bounce(potential, (0.999, 20.0), false, true, 4, tunnels_to="any")
    assert Status(int(bounce.status)) is Status.SUCCESS
    assert float(bounce.action) == pytest.approx(80.5904656256333, rel=1e-9)
    x, y = np.asarray(bounce.fields(jnp.linspace(0.0, 4.0, 30))).T
    np.testing.assert_allclose(y, np.sqrt(1 + x**2), atol=1e-7)


@jax.custom_jvp
def exponential_integral(x):
    """Ei(2 ln x), of which the derivative is x/ln x."""
    z = 2 * jnp.log(x)
    small = jnp.abs(z) < 1  # where JAX's own takes steps in proportion to 1/|z|: no end at 1e-10
    k = np.arange(1, 20)
    powers = (jnp.where(small, z, 0.0) ** k / (k * scipy.special.factorial(k))).sum()
    series = np.euler_gamma + jnp.log(jnp.abs(z)) + powers
    return jnp.where(small, series, jax.scipy.special.expi(jnp.where(small, -1.0, z)))


@exponential_integral.defjvp
def _(primals, tangents):
    (x,), (change,) = primals, tangents
    return exponential_integral(x), x / jnp.log(x) * change


class Zero:
    """Ends a shot where a component of it vanishes."""

    terminal = True

    def __init__(self, component: int, direction: float = 0.0):
        self.component, self.direction = component, direction

    def __call__(self, _, y):
        return y[self.component]


def test_of_two_bounces_the_one_of_least_action_is_found():
    # Espinosa & Konstandin's case D has the exact bounce from φ₀ = 0.8 with S = 5.22719626699543;
    # shooting finds a second one, of smaller action, from 0.5323
    def potential(phi, start):
        x = jnp.sqrt(phi[0] ** 2 + 1e-60)
        return exponential_integral(x) + x**2 / 6 * (1 - (jnp.log(start) / jnp.log(x)) ** 2)

    def shot(start):
        """Whether it runs past the false vacuum rather than turn back, and T/2."""
        L = np.log(0.8)

        def force(x):
            x = max(x, 1e-300)
            rest = x / 3 * (1 - (L / np.log(x)) ** 2) + x / 3 * L**2 / np.log(x) ** 3
            return x / np.log(x) + rest

        r = 1e-3
        first = [start + force(start) * r**2 / 8, force(start) * r / 4, 0.0]
        found = solve_ivp(
            lambda r, y: [y[1], force(y[0]) - 3 / r * y[1], np.pi**2 * r**3 * y[1] ** 2],
            (r, 60.0), first, "DOP853", events=(Zero(0), Zero(1, 1.0)), rtol=1e-12, atol=1e-30,
        )  # fmt: skip
        return found.t_events[0].size > 0, found.y[2, -1] / 2

    actions = []
    for low, high in ((0.53229, 0.5323), (0.80001, 0.79999)):
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if shot(middle)[0] else (middle, high)
        # the shot that turns back, or the one that runs past and has spent a little more
        actions.append(min(shot(low)[1], shot(high)[1]))
    assert actions[1] == pytest.approx(5.22719626699543, rel=1e-8)
    bounce = solve_bounce(potential, 0.8, [0.0], [0.95], 4)
    assert Status(int(bounce.status)) is Status.SUCCESS
    assert float(bounce.action) == pytest.approx(actions[0], rel=1e-8)
    assert float(bounce.action) < actions[1]


def test_the_negative_sextic_has_bounces_of_every_size():
    # V = −Λφ⁶/6 in D = 3: φ = (3/Λ)^¼ √(R/(R² + r²)) for every R
    def potential(phi, strength):
        return -strength * phi[0] ** 6 / 6

    bounce = solve_bounce(potential, 0.1, [0.0], [3.0], 3)
    assert Status(int(bounce.status)) is Status.SCALE_INVARIANT
    assert float(bounce.action) == pytest.approx(13.514512410322267, rel=1e-7)

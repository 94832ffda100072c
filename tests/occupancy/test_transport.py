"""Fluxes from beyond the brane: golden numbers, quadratures over momenta, slopes, what stays."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.special import kn

from jaxbounce import Status
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.occupancy import (
    barrier_fraction,
    density_on_brane,
    free_streaming_length,
    half_space_flux,
    massive_half_space_flux,
    one_sided_flux,
    released_slab,
    warp_flux,
)

# golden B.liouville and F.f_chi, closed forms that momentum integrals confirmed
FLUXES = [
    (one_sided_flux, (3,), 0.25),
    (one_sided_flux, (4,), 0.212206590789193781),
    (one_sided_flux, (5,), 0.1875),
    (half_space_flux, (0.4, 3), 0.21),
    (half_space_flux, (0.4, 4), 0.163372064563679874),
    (half_space_flux, (0.4, 5), 0.1323),
    (massive_half_space_flux, (0.4, 1.0), 0.181533786374094917),
    (barrier_fraction, (1.0, 3), 0.735758882342884643),
    (barrier_fraction, (1.0, 4), 0.812419449317588741),
    (barrier_fraction, (1.0, 5), 0.858385362733365417),
    (warp_flux, (1.5, 0.0), 0.00750527286239539048),
    (warp_flux, (1.5, 1.0), 0.00418663183935986957),
    (warp_flux, (0.5, 0.0), 0.202642367284675543),
    (warp_flux, (0.5, 1.0), 0.149095921668689209),
    (warp_flux, (1.0, 0.0), 0.0253302959105844429),
    (warp_flux, (1.0, 1.0), 0.0186369902085861511),
    (lambda *x: released_slab(*x)[0], (3.0, 6.0, 0.5, 0.3), 0.058819156747358125812),
    (lambda *x: released_slab(*x)[1], (3.0, 6.0, 0.5, 0.3), 0.027302875054654550456),
    (free_streaming_length, (2.0, 50.0), 6.8624218811633044044),
]


@pytest.mark.parametrize(("function", "args", "expected"), FLUXES)
def test_the_numbers_of_the_specification(function, args, expected):
    np.testing.assert_allclose(function(*args), expected, rtol=3e-14)


def test_barriers_of_any_height_and_dimension():
    """2 (M/2)^ν K_ν/Γ(ν), from nothing to where all but e^{−600} is held back."""
    heights = [1e-13, 1e-7, 1e-3, 0.3, 2.0, 30.0, 600.0]
    for D in (2, 3, 4, 5, 7):
        nu = mp.mpf(D) / 2
        fraction = jax.jit(jax.vmap(jax.value_and_grad(lambda M, D=D: barrier_fraction(M, D))))
        value, slope = fraction(jnp.array(heights))
        for found, by_M, height in zip(value, slope, heights, strict=True):
            M = mp.mpf(height)
            expected = 2 * (M / 2) ** nu * mp.besselk(nu, M) / mp.gamma(nu)
            np.testing.assert_allclose(found, float(expected), rtol=1e-12)
            expected = -2 * (M / 2) ** nu * mp.besselk(nu - 1, M) / mp.gamma(nu)
            np.testing.assert_allclose(by_M, float(expected), rtol=1e-12)
        assert barrier_fraction(0.0, D) == 1.0
        assert abs(jax.grad(barrier_fraction)(0.0, D)) < 1e-300


def test_a_barrier_passes_what_is_fast_across():
    """The flux through a barrier in four dimensions, integrated over p_⊥ and p_∥."""
    M = 1.7

    def flux(least):
        # ∫ p_⊥ dp_⊥ ∫ p_∥² dp_∥ e^{−E}/E in four dimensions
        return dblquad(
            lambda q, p: p * q**2 * np.exp(-np.hypot(p, q)) / np.hypot(p, q),
            least, 60, 0, 60, epsabs=0, epsrel=1e-10,
        )[0]  # fmt: skip

    np.testing.assert_allclose(barrier_fraction(M, 4), flux(M) / flux(0), rtol=1e-9)


@pytest.mark.parametrize("x", [1e-3, 0.5, 20.0, 600.0])
def test_a_massive_gas_that_was_released(x):
    """¼-sphere of directions cos θ > u/v, over speeds v > u, by SciPy's quadrature."""
    rng = np.random.default_rng(3)
    for u in rng.uniform(0, 1, 3) * min(1, 4 / np.sqrt(x)):
        least = x * u / np.sqrt(1 - u**2)

        def inside(p, u=u):
            E = np.hypot(p, x)
            v = p / E
            return p**2 * np.exp(-(p**2) / (E + x)) * v / 4 * (1 - (u / v) ** 2)

        scale = np.sqrt(x) + 1
        top = least + 45 * scale
        points = [least + k * scale for k in (0.1, 0.5, 1, 2, 4, 8, 16)]
        flux = quad(inside, least, top, points=points, epsabs=0, epsrel=1e-12, limit=400)[0]
        whole = quad(
            lambda p: p**2 * np.exp(-(p**2) / (np.hypot(p, x) + x)), 0, 45 * scale,
            points=[scale, 3 * scale, 9 * scale], epsabs=0, epsrel=1e-12, limit=400,
        )[0]  # fmt: skip
        np.testing.assert_allclose(massive_half_space_flux(u, x), flux / whole, rtol=1e-10)


def test_limits_of_the_released_half_space():
    np.testing.assert_allclose(massive_half_space_flux(0.4, 0.0), half_space_flux(0.4), rtol=1e-14)
    # at once: a quarter of n v̄, v̄ = 2(1 + x)e^{−x}/x²K₂
    speed = 2 * 3.0 * np.exp(-2.0) / (4 * kn(2, 2.0))
    np.testing.assert_allclose(massive_half_space_flux(0.0, 2.0), speed / 4, rtol=1e-13)
    for late in (half_space_flux(jnp.array([1.0, 7.0]), 4), massive_half_space_flux(1.5, 2.0)):
        assert np.all(late == 0)


def test_a_warp_bends_the_momentum_across():
    """∫ p_⊥/E e^{−rE} over the brane's momenta that reach back to the boundary."""
    for r, m in [(1.7, 0.8), (0.6, 1.3), (0.3, 0.1)]:
        least = np.sqrt(max(0.0, (1 - r**2) * m**2)) / r

        def inside(q, p, r=r, m=m):
            E = np.sqrt(p**2 + q**2 + m**2)
            return p * q / E * np.exp(-r * E)

        top = 50 / r
        integral = dblquad(inside, least, top, 0, top, epsabs=0, epsrel=1e-10)[0]
        np.testing.assert_allclose(warp_flux(r, m), integral / (4 * np.pi**2), rtol=1e-9)
    np.testing.assert_allclose(warp_flux(0.7, 0.5, 3.0), 27 * warp_flux(0.7, 0.5), rtol=1e-14)


def test_a_slab_that_has_passed():
    """Density and flux from the phase-space density itself."""
    rng = np.random.default_rng(5)
    for d, t, S, sigma in rng.uniform([-3, 0.1, 0.2, 0.1], [3, 5, 2, 2], (4, 4)):

        def phase_space(v, d=d, t=t, S=S, sigma=sigma):
            z = np.exp(-((v * t - d) ** 2) / (2 * S**2) - v**2 / (2 * sigma**2))
            return z / (2 * np.pi * S * sigma)

        at = d * t * sigma**2 / (S**2 + sigma**2 * t**2)
        options = {"epsabs": 0, "epsrel": 1e-11, "limit": 300}
        n = quad(phase_space, -12 * sigma, 12 * sigma, points=[at], **options)[0]
        J = quad(lambda v: v * phase_space(v), 0, 12 * sigma, points=[abs(at)], **options)[0]
        np.testing.assert_allclose(released_slab(d, t, S, sigma), (n, J), rtol=1e-9)


SMOOTH = [
    (lambda u: half_space_flux(u, 4), (0.3,)),
    (massive_half_space_flux, (0.3, 0.8)),
    (massive_half_space_flux, (0.02, 300.0)),
    (lambda *x: released_slab(*x)[1], (3.0, 6.0, 0.5, 0.3)),
    (free_streaming_length, (2.0, 50.0, 0.3)),
    (warp_flux, (1.5, 1.0, 2.0)),
    (warp_flux, (0.5, 1.0, 2.0)),
]


@pytest.mark.parametrize(("function", "point"), SMOOTH)
def test_slopes(function, point):
    """Against central differences; forward and reverse agree."""
    point = jnp.array(point)
    size = len(point)
    value = jax.jit(jax.vmap(lambda x: function(*x)))
    reverse = jax.jit(jax.grad(lambda x: function(*x)))(point)
    forward = jax.jit(jax.jacfwd(lambda x: function(*x)))(point)
    step = 1e-4 * np.diag(point)
    near, far = (value(point + k * np.concatenate([step, -step])).reshape(2, size) for k in (1, 2))
    expected = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * 1e-4 * point)
    np.testing.assert_allclose(reverse, expected, rtol=1e-8)
    np.testing.assert_allclose(forward, reverse, rtol=1e-12)


def test_slopes_at_corners():
    """No mass, nothing arrived yet, a flat warp: finite everywhere."""
    corners = jnp.array([0.0, 1e-300, 0.5, 1.0 - 1e-16, 1.0, 2.0])
    for function in (
        lambda u: half_space_flux(u, 3),
        lambda u: massive_half_space_flux(u, 0.0),
        lambda u: massive_half_space_flux(u, 2.0),
        lambda m: massive_half_space_flux(0.3, m),
        lambda m: warp_flux(1.0, m),
        lambda r: warp_flux(r + 1e-3, 1.0),
    ):
        assert np.all(np.isfinite(jax.vmap(jax.grad(function))(corners)))


def diluted(t, args):
    """c (t/t_p)^{−3/2}: a flux whose comoving number is constant."""
    c, t_p = args
    return c * (t_p / t) ** 1.5


def test_what_stays_on_the_brane():
    """c τ(1 − e^{−Δt/τ}), from residence times far below to far above the age."""
    t_p = 5.0
    run = jax.jit(lambda c, start, stay: density_on_brane(diluted, start, t_p, stay, (c, t_p)))
    for stay in (1e-6, 0.3, 4.0, 1e6, np.inf):
        found = run(2.0, 1.0, stay)
        expected = 2 * (4.0 if np.isinf(stay) else -stay * np.expm1(-4 / stay))
        np.testing.assert_allclose(found.n_chi, expected, rtol=1e-12)
        assert found.status == Status.SUCCESS
        assert abs(found.n_chi - expected) < found.error_estimate + 1e-13 * expected
    slope = jax.jit(jax.grad(lambda *x: jnp.log(run(*x).n_chi), argnums=(0, 1, 2)))(2.0, 1.0, 3.0)
    e = np.exp(-4 / 3)
    expected = [0.5, -e / 3 / (1 - e), (1 - e - 4 / 3 * e) / 3 / (1 - e)]
    np.testing.assert_allclose(slope, expected, rtol=1e-11)


def test_a_half_space_seen_from_the_brane():
    """The released gas of D = 4, whose first arrival is a breakpoint, against SciPy."""
    d, t_p, stay = 2.0, 9.0, 4.0

    def arrival(t, d):
        return half_space_flux(d / t, 4)

    found = density_on_brane(arrival, 1.0, t_p, stay, d, breakpoints=[d])
    expected = quad(
        lambda t: one_sided_flux(4) * (1 - (d / t) ** 2) ** 1.5 * (t / t_p) ** 1.5
        * np.exp((t - t_p) / stay), d, t_p, epsabs=0, epsrel=1e-12,
    )[0]  # fmt: skip
    np.testing.assert_allclose(found.n_chi, expected, rtol=1e-8)
    assert abs(found.n_chi - expected) < found.error_estimate < 1e-6 * expected


def test_what_is_refused_leaves_the_others_alone():
    start, stay = jnp.array([1.0, 6.0, 1.0, -1.0]), jnp.array([2.0, 2.0, 0.0, 2.0])

    def run(start, stay, c):
        return density_on_brane(diluted, start, 5.0, stay, (c, 5.0))

    over = jax.vmap(run, (0, 0, None))

    def masked(c):
        found = over(start, stay, c)
        return jnp.where(found.status == Status.SUCCESS, found.n_chi, 0.0).sum()

    found = jax.jit(over)(start, stay, 1.0)
    assert found.status.tolist() == [Status.SUCCESS, *[Status.INVALID_PARAMETER] * 3]
    slope = jax.jit(jax.grad(masked))(1.0)
    np.testing.assert_allclose(slope, found.n_chi[0], rtol=1e-13)


def test_dimensions_that_are_none():
    for function in (barrier_fraction, half_space_flux):
        with pytest.raises(ConfigurationError, match="D = 1"):
            function(0.5, 1)
    with pytest.raises(ConfigurationError, match=r"D = 2\.5"):
        one_sided_flux(2.5)

"""Two Higgs doublets: masses against the Hessian of eight fields, V against NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from jaxbounce.potential import two_higgs_doublet as model
from jaxbounce.potential.thermal_models import TWO_HIGGS_DOUBLET

# away from alignment and from equal masses
CHANGED = {"m_A": 380.0, "m_Hp": 410.0, "cos_ba": 0.2, "tan_beta": 1.7}
THETA = {k: jnp.asarray(float(x)) for k, x in {**model.PARAMETERS, **CHANGED}.items()}
v, BETA = float(THETA["v"]), np.arctan(float(THETA["tan_beta"]))
VACUUM = v * np.array([np.cos(BETA), np.sin(BETA)])


def couplings():
    q = model.Quartics.of(THETA)
    return [float(x) for x in (*q[:5], q.m_11, q.m_22)]


def doublets(x, numbers):
    """V of two doublets written out, of the real and imaginary parts of all four components."""
    one, two, three, four, five, m_11, m_22 = numbers
    first, second = ((x[k : k + 4 : 2] + 1j * x[k + 1 : k + 4 : 2]) / np.sqrt(2) for k in (0, 4))
    a, b = jnp.vdot(first, first).real, jnp.vdot(second, second).real
    c = jnp.vdot(first, second)
    squares = m_11 * a + m_22 * b - 2 * THETA["m_12_squared"] * c.real
    quartics = one * a**2 / 2 + two * b**2 / 2 + three * a * b + four * (c * c.conj()).real
    return squares + quartics + five * (c**2).real


V = jax.jit(TWO_HIGGS_DOUBLET.potential)
hessian = jax.jit(jax.hessian(doublets))


def at(h):
    """Neutral real parts, the lower components."""
    return jnp.zeros(8).at[jnp.array([2, 6])].set(jnp.asarray(h))


def test_the_vacuum_has_the_masses_that_are_given():
    """Of eight fields: gradient 0, and the squares of h, H, A, H±, and three Goldstones."""
    numbers = couplings()
    gradient = jax.jit(jax.grad(doublets))(at(VACUUM), numbers)
    assert np.abs(gradient).max() < 1e-10 * v**3
    found = np.linalg.eigvalsh(hessian(at(VACUUM), numbers))
    masses = [0, 0, 0, *(float(THETA[name]) ** 2 for name in ("m_h", "m_H", "m_A", "m_Hp", "m_Hp"))]
    np.testing.assert_allclose(found, np.sort(masses), rtol=1e-10, atol=1e-10 * v**2)


def test_masses_anywhere_are_those_of_eight_fields():
    h = np.array([61.0, -130.0])
    whole = np.linalg.eigvalsh(hessian(at(h), couplings()))
    found = model.POTENTIAL.masses_squared(jnp.asarray(h), THETA)
    parts = [np.linalg.eigvalsh(found[name]) for name in ("h, H", "A, Goldstone")]
    parts += 2 * [np.linalg.eigvalsh(found["H+, Goldstones"])]
    np.testing.assert_allclose(np.sort(np.concatenate(parts)), whole, rtol=1e-12)
    tree = model.tree_level(jnp.asarray(h), THETA)
    assert float(tree) == pytest.approx(float(doublets(at(h), couplings())), rel=1e-13)
    # photon and Z
    neutral = np.linalg.eigvalsh(found["Z and photon, longitudinal"])
    np.testing.assert_allclose(neutral, [0, (THETA["M_Z"] / v) ** 2 * h @ h], atol=1e-9)


def thermal(sign, z):
    """J by quadrature; for m² < 0 its real part, the modes below |m| standing."""

    def integrand(x):
        if x**2 + z < 0:
            return x**2 * np.log(2 * np.sin(np.sqrt(-(x**2) - z) / 2))
        return sign * x**2 * np.log1p(-sign * np.exp(-np.sqrt(x**2 + z)))

    edge = np.sqrt(max(-z, 0.0))
    parts = [(0.0, edge)] if edge else []
    parts += [(edge, edge + 1), (edge + 1, 60.0)]
    return sum(quad(integrand, *ends, epsabs=1e-12, epsrel=1e-12, limit=400)[0] for ends in parts)


def vacuum_loop(sign, squared, c):
    log = np.log(abs(squared) / THETA["Q"] ** 2) if squared else 0.0
    return sign * squared**2 * (log - c) / (64 * np.pi**2)


def loops(h, T, thermally=True):
    """Loops of all particles with their daisies, one eigenvalue after the other."""
    theta = {**THETA, "T": jnp.asarray(T)}
    total = 0.0
    for p in model.POTENTIAL.particles:
        sign = 1 if p.statistics == "boson" else -1
        matrix = np.atleast_2d(p.mass_squared(jnp.asarray(h), theta))
        debye = 0.0 if p.debye_mass is None else np.asarray(p.debye_mass(theta))
        warm = matrix + (debye if np.ndim(debye) else debye * np.eye(len(matrix)))
        for squared, heavier in zip(
            np.linalg.eigvalsh(matrix), np.linalg.eigvalsh(warm), strict=True
        ):
            total += p.degrees * vacuum_loop(sign, squared, p.constant)
            if thermally:
                total += p.degrees * T**4 / (2 * np.pi**2) * thermal(sign, squared / T**2)
            if thermally and sign == 1:
                cubes = max(heavier, 0.0) ** 1.5 - max(squared, 0.0) ** 1.5
                total -= p.degrees * T / (12 * np.pi) * cubes
    return total


def shifts():
    """What the loops ask of m_11² and m_22²: differences of V_CW beside the vacuum."""
    step = 1e-2
    slopes = [
        sum(
            weight * loops(VACUUM + k * step * direction, 1.0, thermally=False)
            for k, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1))
        )
        / (12 * step)
        for direction in np.eye(2)
    ]
    return -np.array(slopes) / VACUUM


def test_loops_leave_the_vacuum_where_it_is():
    """Differences of a potential with Goldstones' m⁴ ln m² are good to some digits only."""
    np.testing.assert_allclose(model._tadpoles(THETA), shifts(), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("h", "T"), [((99.0, 198.0), 105.0), ((40.0, 70.0), 120.0)])
def test_the_potential(h, T):
    """All of it, and with daisies; at the second point some masses are tachyonic."""
    theta = {**THETA, "T": jnp.asarray(T)}
    h = np.array(h)
    tree = float(model.tree_level(jnp.asarray(h), theta))
    tree += (np.asarray(model._tadpoles(theta)) * h**2).sum() / 2
    rest = np.pi**2 / 90 * float(THETA["g_rest"]) * T**4
    found = float(V(jnp.asarray(h), theta))
    assert found == pytest.approx(float(tree + loops(h, T) - rest), rel=1e-10)

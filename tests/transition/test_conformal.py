"""The conformal U(1) at the point of TransitionListener 2.1's example: what it prints, and why.

It prints T_c 21.734, T_n 2.5701, T_p 2.2119, T_f 2.1206, T_reh 10.263 MeV, β/H 63.27,
R_*H 0.0707, α 399.6, and asks of itself 1e-2 in T_p, T_f and R_*H. Its names are its own, and are
worked out here from ours: T_n has one bubble a Hubble volume, β/H leaves out the prefactor of Γ,
R_* counts the bubbles that there are at T_p and not all that there will be, and α takes each
phase's own speed of sound. Its standard model has g_*(T), ours here 10.75, and it heats gradually.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from transition_command import result_of

from jaxbounce.potential.thermal_models import CONFORMAL_U1
from jaxbounce.transition.strength import fluid

g, y, v = (CONFORMAL_U1.parameters[name] for name in ("g", "y", "v"))
V = CONFORMAL_U1.potential


@jax.jit
def _value(phi, T):
    return V(phi[None], {**CONFORMAL_U1.parameters, "T": T})


def value(phi, T):
    return float(_value(jnp.asarray(phi), jnp.asarray(T)))


def thermal(sign, z):
    def integrand(x):
        return sign * x**2 * np.log1p(-sign * np.exp(-np.sqrt(x**2 + z)))

    return quad(integrand, 0, 40, epsabs=1e-13, epsrel=1e-12, limit=200)[0]


def written_out(phi, T):
    """V as TransitionListener writes it: loops about v, J by quadrature, daisies beside them."""
    lam = (12 * np.pi**2 - math.sqrt((288 * np.pi**4 - 1815 * g**4 + 605 * y**4) / 2)) / 55
    scalar = lam / 3 + g**2 / 4 + y**2 / 12
    total = lam * phi**4 / 4
    for sign, n, k, debye in (
        (1, 1, 3 * lam, scalar),
        (1, 1, lam, scalar),
        (1, 2, g**2, 0.0),
        (1, 1, g**2, (1 / 3 + 1 / 12) * g**2),
        (-1, 4, y**2 / 2, 0.0),
    ):
        squared = k * phi**2
        log = math.log(phi**2 / v**2) if phi else 0.0
        total += sign * n * squared**2 * (log - 25 / 6) / (64 * np.pi**2)
        total += n * T**4 * thermal(sign, squared / T**2) / (2 * np.pi**2)
        total -= n * T * ((squared + debye * T**2) ** 1.5 - squared**1.5) / (12 * np.pi)
    return total - CONFORMAL_U1.parameters["g_rest"] * np.pi**2 * T**4 / 90


@pytest.mark.parametrize(("phi", "T"), [(0.0, 0.003), (0.004, 0.002), (0.09, 0.02)])
def test_the_potential_is_the_published_one(phi, T):
    assert value(phi, T) == pytest.approx(written_out(phi, T), rel=1e-10)


def test_its_phases_are_equally_deep_where_they_are_said_to_be():
    """Without scalars in loops and without fermions in the Debye mass it is 22.321 MeV."""

    def gain(T):
        inside = minimize_scalar(lambda phi: value(phi, T), bounds=(0.7 * v, v), method="bounded")
        return value(0.0, T) - inside.fun

    assert brentq(gain, 0.018, 0.024, xtol=1e-9) == pytest.approx(0.021734, abs=5e-7)


FILE = """
model = "conformal-u1"
[transition]
T_low = 0.0015
T_high = 0.02
I_p = 0.341885
g_star = 18.25
"""


@pytest.mark.long
def test_its_story(tmp_path):
    result = result_of(FILE, tmp_path)
    found = result["transition"]
    # it prints five digits, and interpolates S₃/T to what it asks of T_p (its acc_tperc, 1e-2)
    assert found["T_n_bubble_GeV"] == pytest.approx(2.5701e-3, rel=1e-4)
    assert found["T_p_GeV"] == pytest.approx(2.2119e-3, rel=1e-3)
    assert found["T_f_GeV"] == pytest.approx(2.1206e-3, rel=1e-3)
    # T d(S₃/T)/dT = x: d ln Γ/dt = x − 4 − (3/2) x/(S₃/T)
    slope = (found["beta_over_H"] + 4) / (1 - 1.5 / found["S3_over_T_p"])
    assert slope == pytest.approx(63.27, rel=1e-3)
    # its own target is 1e-2 (acc_rh); of α and T_reh, 0.5 and 0.7 % apart, the reason is not known
    assert separation_at(result) == pytest.approx(0.0707, rel=1e-2)
    alpha, T_reh = released(found["T_p_GeV"])
    assert alpha == pytest.approx(399.6, rel=1e-2)
    assert T_reh == pytest.approx(10.263e-3, rel=1e-2)


def separation_at(result):
    """H n^{−1/3} of the bubbles that there are at T_p: light cones in NumPy, from S₃/T alone."""
    T, exponent = (np.array(result["action"][key]) for key in ("T_GeV", "S3_over_T"))
    T_p, H_p = (result["transition"][key] for key in ("T_p_GeV", "H_p_GeV"))
    fine = np.geomspace(T[-1], T_p, 4001)
    series = np.polynomial.Chebyshev.fit(T, exponent, 24)(fine)
    weight = result["transition"]["rho_V_over_rho_rad_p"]
    H = H_p * np.sqrt((weight + (fine / T_p) ** 4) / (weight + 1))
    rate = fine**4 * (series / (2 * np.pi)) ** 1.5 * np.exp(-series)
    step = np.log(fine[0] / fine[1])

    def until(y):
        return np.concatenate([[0.0], np.cumsum((y[1:] + y[:-1]) / 2 * step)])

    reach = until(fine / H)  # ∫ dt/a, with a = 1/T and dt = −dT/(HT)
    per_volume = rate / fine**3 / H
    moments = [until(per_volume * reach**k) for k in range(4)]
    cubes = [reach**3 * moments[0], -3 * reach**2 * moments[1], 3 * reach * moments[2], -moments[3]]
    covered = 4 * np.pi / 3 * np.sum(cubes, axis=0)
    assert covered[-1] == pytest.approx(0.341885, rel=1e-3)
    return H_p * (until(per_volume * np.exp(-covered))[-1] * T_p**3) ** (-1 / 3)


def released(T_p):
    """α with the speed of sound of each phase, and where the other phase has as much energy."""
    theta = dict(CONFORMAL_U1.parameters)
    of = jax.jit(lambda T, near: fluid(V, theta, T, near))
    high, low = of(jnp.asarray(T_p), jnp.zeros(1)), of(jnp.asarray(T_p), jnp.array([v]))
    ground = V(jnp.array([v]), {**theta, "T": 0.0})
    first, second = (
        phase.e - ground - (phase.p + ground) / phase.c_squared for phase in (high, low)
    )

    def missing(T):
        return float(of(jnp.asarray(T), jnp.array([v])).e - high.e)

    return float((first - second) / (3 * high.w)), brentq(missing, 0.002, 0.018)

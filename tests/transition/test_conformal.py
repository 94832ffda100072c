"""The conformal U(1) at the point of TransitionListener 2.1's example: what it prints, and why.

It prints T_c 21.734, T_n 2.5701, T_p 2.2119, T_f 2.1206, T_reh 10.263 MeV, β/H 63.27,
R_*H 0.0707, α 399.6, and asks of itself 1e-2 in T_p, T_f and R_*H. Its names are its own, and are
worked out here from ours: T_n has one bubble a Hubble volume, β/H leaves out the prefactor of Γ,
R_* counts the bubbles that there are at T_p and not all that there will be, and α takes each
phase's own speed of sound. In its H the plasma behind the walls redshifts, P e_b + (1 − P) e_s,
and not, as here, e_s everywhere: that is 0.9 % of H at T_p. Its e leaves out the daisies (its
`energyDensity` does not have them, its p has): that is 0.7 % of T_reh and 0.2 % of α, and off.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize_scalar
from transition_command import result_of

from jaxbounce.cosmology import StandardModel
from jaxbounce.potential.thermal_models import CONFORMAL_U1
from jaxbounce.potential.vacua import polish_vacuum
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

PLANCK = 1.22091e19

SOME = 1e-6  # of space behind walls, before which their temperature is not followed


@pytest.mark.long
def test_its_story(tmp_path):
    result = result_of(FILE, tmp_path)
    found = result["transition"]
    # it prints five digits, of an S₃/T that it interpolates
    assert found["T_n_bubble_GeV"] == pytest.approx(2.5701e-3, rel=1e-5)
    # T d(S₃/T)/dT = x: d ln Γ/dt = x − 4 − (3/2) x/(S₃/T)
    slope = (found["beta_over_H"] + 4) / (1 - 1.5 / found["S3_over_T_p"])
    assert slope == pytest.approx(63.27, rel=3e-4)

    # with the energy of the plasma in front everywhere, as here
    alike = Heated(result, energies(DAISIES), heats=False)
    assert alike.T_p == pytest.approx(found["T_p_GeV"], rel=1e-5)
    assert alike.T_f == pytest.approx(found["T_f_GeV"], rel=1e-5)
    # with its H, and its e
    theirs = Heated(result, energies(NO_DAISIES))
    assert theirs.T_p == pytest.approx(2.2119e-3, abs=5e-8)
    # its steps are 0.3 % of T, P between them a cubic, and what a step releases does not redshift
    # in it: all three come out 0.1 to 0.2 % high or low
    assert theirs.T_f == pytest.approx(2.1206e-3, rel=1e-3)
    assert theirs.separation == pytest.approx(0.0707, rel=2e-3)
    assert theirs.T_reh == pytest.approx(10.263e-3, rel=2e-3)
    # what it should be
    right = Heated(result, energies(DAISIES))
    assert right.T_reh / theirs.T_reh == pytest.approx(1 - 0.0073, abs=2e-4)

    # at its T_p, with its e in w_s = 3 c_s² T ∂e/∂T
    alpha = released(2.2119e-3)
    assert alpha * enthalpies(2.2119e-3) == pytest.approx(399.55, rel=5e-4)


DAISIES, NO_DAISIES = V, dataclasses.replace(V, daisies="none")

BATH = StandardModel()


def bath(T):
    """g_ρ of the standard model: the dark sector is beside it."""
    return float(BATH.energy(jnp.asarray(T)))


DARK = {**CONFORMAL_U1.parameters, "g_rest": -1.0}


def energies(potential):
    """e(T) in front of the walls, and behind them, over the energy of the true vacuum."""

    @jax.jit
    def of(phi, T):
        V_at, slope = jax.value_and_grad(lambda T: potential(phi[None], {**DARK, "T": T}))(T)
        return V_at - T * slope

    follow = jax.jit(lambda phi, T: polish_vacuum(V, {**DARK, "T": T}, phi))
    ground, phi = float(V(jnp.array([v]), {**DARK, "T": 0.0})), jnp.array([v])
    T_s, T_b, first, second = np.linspace(1.5e-3, 4.5e-3, 61), np.linspace(4e-3, 13e-3, 91), [], []
    for T in T_s:
        first.append(float(of(jnp.zeros(()), jnp.asarray(T))) - ground)
    for T in T_b:
        phi = follow(phi, jnp.asarray(T))
        second.append(float(of(phi[0], jnp.asarray(T))) - ground)
    first, second = (
        np.array(e) + np.pi**2 / 30 * np.array([bath(t) for t in T]) * T**4
        for e, T in ((first, T_s), (second, T_b))
    )
    return CubicSpline(T_s, first), CubicSpline(T_b, second)


class Heated:
    """Percolation by light cones in NumPy, from S₃/T alone, with the plasma behind the walls.

    What is swept in a step has the energy that it had in front, and mixes with what is behind,
    which keeps its entropy meanwhile.
    """

    def __init__(self, result, of_plasma, heats=True, I_p=0.341885):
        T, exponent = (np.array(result["action"][key]) for key in ("T_GeV", "S3_over_T"))
        self.T = np.geomspace(T[-1], 2.02e-3, 6001)
        S = np.polynomial.Chebyshev.fit(T, exponent, 24)(self.T)
        self.rate = self.T**4 * (S / (2 * np.pi)) ** 1.5 * np.exp(-S)
        in_front, behind = of_plasma
        e_s, T_b = in_front(self.T), np.full(self.T.size, np.nan)
        volume, bubbles, H = self.percolate(e_s)
        for _ in range(4 if heats else 0):
            P = -np.expm1(-volume)
            T_b = self.behind_walls(P, e_s, behind)
            e = np.where(P > SOME, P * behind(T_b) + (1 - P) * e_s, e_s)
            volume, bubbles, H = self.percolate(e)
        levels, logs = np.log([I_p, math.log(100)]), np.log(np.maximum(volume, 1e-30))
        self.T_p, self.T_f = np.exp(np.interp(levels, logs, np.log(self.T)))
        n, H_p, self.T_reh = (np.interp(-self.T_p, -self.T, y) for y in (bubbles, H, T_b))
        self.separation = H_p * (n * self.T_p**3) ** (-1 / 3)

    def percolate(self, e):
        """Extended volume, bubbles in a comoving volume (a = 1/T), H."""
        step = np.log(self.T[0] / self.T[1])

        def until(y):
            return np.concatenate([[0.0], np.cumsum((y[1:] + y[:-1]) / 2 * step)])

        H = np.sqrt(8 * np.pi / 3 * e) / PLANCK
        reach = until(self.T / H)  # ∫ dt/a, with dt = −dT/(HT)
        per_volume = self.rate / self.T**3 / H
        m = [until(per_volume * reach**k) for k in range(4)]
        volume = reach**3 * m[0] - 3 * reach**2 * m[1] + 3 * reach * m[2] - m[3]
        volume *= 4 * np.pi / 3
        return volume, until(per_volume * np.exp(-volume)), H

    def behind_walls(self, P, e_s, behind):
        """Their temperature behind, step by step; NaN before there is anything."""
        hot, found, last = np.linspace(4e-3, 13e-3, 901), np.full(P.size, np.nan), None
        s_b, slope = CubicSpline(hot, behind(hot, 1) / hot).antiderivative(), behind.derivative()
        s_0 = 4 / 3 * behind(hot[0]) / hot[0]  # so far below it counts that it is radiation
        for i in np.flatnonzero(P > SOME):
            if last is None:
                t = brentq(lambda t, e=e_s[i]: behind(t) - e, hot[0], hot[-1], xtol=1e-12)
            else:
                cooled = self.T[i] / self.T[i - 1]
                t, s, share = last * cooled, (s_0 + s_b(last)) * cooled**3, P[i - 1] / P[i]
                for _ in range(4):
                    t -= (s_0 + s_b(t) - s) / s_b(t, 1)
                mixed = behind(t) * share + e_s[i] * (1 - share)
                for _ in range(4):
                    t -= (behind(t) - mixed) / slope(t)
            last = found[i] = t
        return found


def phases(T_p, potential=V):
    """Both at T_p, of the dark sector and the bath."""
    theta = {**DARK, "g_rest": bath(T_p) - 1}
    near = (jnp.zeros(1), jnp.array([v]))
    of = jax.jit(lambda T, near: fluid(V, theta, T, near))
    return theta, [of(jnp.asarray(T_p), phi) for phi in near]


def released(T_p):
    """α with the speed of sound of each phase."""
    theta, (high, low) = phases(T_p)
    ground = V(jnp.array([v]), {**theta, "T": 0.0})
    first, second = (
        phase.e - ground - (phase.p + ground) / phase.c_squared for phase in (high, low)
    )
    return float((first - second) / (3 * high.w))


def enthalpies(T_p):
    """w_s over that of an e without daisies, in front of the walls, where all is radiation."""
    high = phases(T_p)[1][0]
    cubes = sum(c**1.5 for c in debye())
    return float(high.w / (high.w - T_p**4 * cubes / (3 * np.pi)))


def debye():
    """Π/T² of the modes that have one."""
    lam = (12 * np.pi**2 - math.sqrt((288 * np.pi**4 - 1815 * g**4 + 605 * y**4) / 2)) / 55
    scalar = lam / 3 + g**2 / 4 + y**2 / 12
    return scalar, scalar, (1 / 3 + 1 / 12) * g**2

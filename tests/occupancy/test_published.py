"""Freeze-in beside published numbers: a light mediator by FreezeIn, the formula of Hall et al."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gondolo_gelmini import ROWS
from jaxbounce import Status
from jaxbounce._core.spline import evaluate_spline, spline_curvatures
from jaxbounce.cosmology.constants import HUBBLE_PREFACTOR, PLANCK_MASS
from jaxbounce.occupancy import (
    around_resonance,
    decay_range,
    decay_rate,
    freeze_in,
    scattering_rate,
)

# what FreezeIn uses (its FreezeIn.h): masses (GeV), couplings
M_Z, M_W, WIDTH_Z = 91.1876, 80.379, 2.4952
ALPHA, SIN2 = 7.2973525664e-3, 0.23121
TAN = np.sqrt(SIN2 / (1 - SIN2))
SIN_2W = 2 * np.sqrt(SIN2 - SIN2**2)
# mass, colours (times three neutrinos), charge, weak isospin
FERMIONS = np.array(
    [
        (0.0, 3, 0.0, 0.5),
        *((m, 1, -1.0, -0.5) for m in (0.51099895e-3, 105.6583755e-3, 1.77686)),
        *((m, 3, 2 / 3, 0.5) for m in (2.16e-3, 1.27, 172.69)),
        *((m, 3, -1 / 3, -0.5) for m in (4.67e-3, 93.4e-3, 4.18)),
    ]
)

# m_χ, κ of FreezeIn v2 (Data/FreezeIn.txt), κ of the specification's own integral with the same
# g_* (golden B.freezein.FreezeIn_code_kappa)
KAPPAS = np.array(
    [
        (1.996642450109793465, 2.429462611135833932e-11, 2.4299057140771986e-11),
        (9.931091813749800323, 1.385208007768595291e-11, 1.3855243733465308e-11),
        (99.54008287621518036, 3.722485534931205868e-11, 3.728563255611567e-11),
        (997.6977642363211771, 3.725936088525246040e-11, 3.731918765623546e-11),
        (8952.657125996400282, 3.726527913863411958e-11, 3.7325046267141305e-11),
    ]
)


def fermions_to_chi(s, m_chi, mass, colours, charge, isospin):
    """Σ|M|² of f f̄ → A'/Z → χ χ̄ for κ = 1, over angles: 8 times FreezeIn's M2_ffchichi."""
    vector, axial = (isospin - 2 * SIN2 * charge) / SIN_2W, isospin / SIN_2W
    pole = (s - M_Z**2) ** 2 + (M_Z * WIDTH_Z) ** 2
    chi = s + 2 * m_chi**2
    photon = charge**2 * (1 + 2 * mass**2 / s) * chi / s
    both = vector**2 * (s + 2 * mass**2) + axial**2 * (s - 4 * mass**2)
    mixed = 2 * charge * vector * TAN * (s + 2 * mass**2) * (1 - M_Z**2 / s)
    unit = 8 * 32 / 3 * colours * (np.pi * ALPHA) ** 2
    return unit * (photon + (TAN**2 * both - mixed) * chi / pole)


def w_to_chi(s, m_chi):
    """Σ|M|² of W⁺W⁻ → χ χ̄: 18 times FreezeIn's M2_WWchichi, which averages over 9 × 4 states."""
    pole = (s - M_Z**2) ** 2 + (M_Z * WIDTH_Z) ** 2
    polynomial = s**2 + 20 * M_W**2 * s + 12 * M_W**4
    unit = 18 * 8 / 27 * (np.pi * ALPHA) ** 2 * (M_Z / M_W) ** 4
    return unit * (1 + 2 * m_chi**2 / s) * (1 - 4 * M_W**2 / s) * polynomial / pole


def portal_rate(T, m_chi):
    at = around_resonance(M_Z, WIDTH_Z)

    def channel(one):
        return scattering_rate(
            T,
            lambda s: fermions_to_chi(s, m_chi, *one),
            (one[0], one[0]),
            (m_chi, m_chi),
            breakpoints=at,
        )

    found = jax.vmap(channel)(jnp.asarray(FERMIONS))
    found = jax.tree.map(lambda leaf: leaf.sum(0), found)
    w = scattering_rate(T, lambda s: w_to_chi(s, m_chi), (M_W, M_W), (m_chi, m_chi))
    return found._replace(rate=found.rate + w.rate, error=found.error + w.error)


KNOTS = np.log(ROWS[:, 0])


def g_s_and_rho(T):
    knots, values = jnp.asarray(KNOTS), jnp.asarray(ROWS[:, 1:].T)
    return evaluate_spline(knots, values, spline_curvatures(knots, values), jnp.log(T))


@pytest.mark.slow
def test_the_portal_coupling_of_freezein():
    """κ that makes 4.37e-10 GeV of χ and χ̄ per entropy, from T = 1e7 m_χ to m_χ/25.

    FreezeIn has the exact prefactor 1.660155 of H; what is left is that every fifth row of its
    table is here. The specification's own numbers, of another table, are good to 2e-3.
    """

    @jax.jit
    @jax.vmap
    def yields(m_chi):
        g = {"g_star": lambda T: g_s_and_rho(T)[1], "g_star_s": lambda T: g_s_and_rho(T)[0]}
        return freeze_in(portal_rate, m_chi / 25, 1e7 * m_chi, m_chi, **g)

    m_chi, published, specified = KAPPAS.T
    found = yields(jnp.asarray(m_chi))
    assert np.all(found.status == Status.SUCCESS)
    kappa = np.sqrt(4.37e-10 / (2 * m_chi * found.Y))
    np.testing.assert_allclose(kappa, specified, rtol=2e-3)
    exact = np.sqrt(np.sqrt(4 * np.pi**3 / 45) / HUBBLE_PREFACTOR)
    np.testing.assert_allclose(kappa * exact, published, rtol=1e-4)


def test_the_relic_density_of_hall_et_al():
    """Ωh² = 1.09e27 g_A m_χΓ/(g_s √g m_A²) of all decays (0911.1120, eq. 6.10, its rounding)."""
    m_A, Gamma, m_chi, g = 300.0, 1e-24, 0.1, 106.75
    T_R, T_end = decay_range(m_A, m_A / 50)
    Y = freeze_in(lambda T, a: decay_rate(T, *a), T_end, T_R, (m_A, Gamma), g_star=g, g_star_s=g).Y
    critical_over_entropy = 1.053672e-5 / 2891.2  # ρ_c/h² (GeV/cm³) over s₀ (1/cm³)
    omega = Y * m_chi / critical_over_entropy
    coefficient = omega * g**1.5 * m_A**2 / (m_chi * Gamma)
    # ∫ x³ K₁ dx = 3π/2 of all decays
    closed = 135 * PLANCK_MASS / (8 * np.pi**3 * HUBBLE_PREFACTOR) / critical_over_entropy
    np.testing.assert_allclose(coefficient, closed, rtol=1e-9)
    np.testing.assert_allclose(coefficient, 1.09e27, rtol=1e-2)  # the paper's three digits
    closed = 135 / (8 * np.pi**3 * 1.66) * PLANCK_MASS / critical_over_entropy
    np.testing.assert_allclose(coefficient, closed, rtol=1e-11)

"""What BM1 of WallGo releases, from the file form of the model and from the bundled one."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.status import Status
from jaxbounce.files.potential import potential_from_mapping
from jaxbounce.potential.thermal_models import CUBIC
from jaxbounce.transition.budget import energy_budget, has_plasma, sound_of
from written_models import SINGLET

# T, α_θ̄, v_w in local thermal equilibrium, ΔV at T = 0 and P_{1→1} (GeV⁴): the specification of
# this project, golden numbers D.xSM_BM1, an independent program in which what is tachyonic counts
# as massless; the wall speed agrees with WallGo's to 6e-5
BM1 = (100.0, 0.0100611366727, 0.620286091424, 52734611.76436824, 59983602.3271875)


@pytest.mark.slow
@pytest.mark.parametrize(
    "table",
    [
        pytest.param(SINGLET, id="file", marks=pytest.mark.long),
        pytest.param({"model": "z2-singlet"}, id="bundled"),
    ],
)
def test_singlet(table):
    configured = potential_from_mapping({k: v for k, v in table.items() if k != "transition"})
    vacua = (jnp.array([0.0, 104.9]), jnp.array([195.0, 0.0]))
    T, alpha, v_w, released, pressure = BM1
    assert has_plasma(configured.potential)
    found = energy_budget(configured.potential, configured.theta, T, vacua)
    np.testing.assert_allclose(found.strength.alpha_thetabar, alpha, rtol=1e-10)
    np.testing.assert_allclose(found.wall.v_w, v_w, rtol=1e-10)
    assert found.runaway is not None
    assert not found.runaway.runs_away
    np.testing.assert_allclose(found.runaway.pressure, pressure, rtol=1e-9)
    radiation = 0.75 * found.high.w
    np.testing.assert_allclose(found.runaway.alpha_vacuum * radiation, released, rtol=1e-8)
    np.testing.assert_allclose(found.latent_heat, found.strength.alpha_e * radiation, rtol=1e-12)
    waves = sound_of(found, 1677.5, found.wall.v_w, 107.7)
    # sound that shocks end: the conventions are a factor of two apart
    ratio = waves["ptplot-2017"].h2_Omega / waves["lisa-2020"].h2_Omega
    np.testing.assert_allclose(ratio, 2.0, rtol=1e-12)


@pytest.mark.slow
def test_a_potential_without_particles_has_no_runaway_test():
    assert not has_plasma(CUBIC.potential)
    vacua = ([0.0], [110.0])
    found = energy_budget(CUBIC.potential, dict(CUBIC.parameters), 104.0, vacua, g_rest=100.0)
    assert found.runaway is None
    # Δe = ΔV − T ∂_T ΔV of V(0) = 0 and V(φ_+)
    D, E, lam, T_0 = (CUBIC.parameters[k] for k in ("D", "E", "lam", "T_0"))
    T, linear = 104.0, 3 * E * 104.0
    x = (linear + np.sqrt(linear**2 - 8 * lam * D * (T**2 - T_0**2))) / (2 * lam)
    depth = D * (T**2 - T_0**2) * x**2 - E * T * x**3 + lam * x**4 / 4
    slope = 2 * D * T * x**2 - E * x**3
    np.testing.assert_allclose(found.latent_heat, T * slope - depth, rtol=1e-10)
    assert found.strength.status == Status.SUCCESS

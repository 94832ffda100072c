"""Yields with vacuum energy in H, and with the entropy that it releases."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import kve

import boltzmann_reference
import jaxbounce as jb
from jaxbounce import Status

BOTH = {"expansion": "radiation+vacuum", "dilution": "reheating"}
HEAVY = {"preset": "exact", "flux": "static", "chi_stats": "classical", "m_chi_GeV": 300.0}


@pytest.fixture(scope="module")
def heavy():
    """χ of mass 3 T_p, whose flux tells the temperature, in a slow transition."""
    model = jb.load(**HEAVY, **BOTH, dark_matter="input", beta_over_H=15.0, P_chi_to_B=0.1)
    names = ("alpha_V", "alpha_eff", "T_p")

    @jax.jit
    def run(x):
        return jb.predict(model.replace(**dict(zip(names, x, strict=True))))

    return model, run


def _by_scipy(p, alpha):
    """∫ P f (J/s)(A/V) dn of a classical gas, A = I e^{−I}."""
    point = {"m_chi": 300.0, "T_p": 100.0, "alpha_V": alpha, "I_p": 0.34, "beta_over_H": 15.0}

    def integrand(n):
        y, pace = boltzmann_reference._with_vacuum(point, n)
        x, volume = 3 * np.exp(n), 0.34 * np.exp(y)
        flux = 45 * 2 / (4 * np.pi**4 * 106.75) * 2 * (1 + x) * np.exp(-x) / 4
        return flux * volume * np.exp(-volume) * pace

    n_f = 0.5 * np.log(1 + 2 * np.log(np.log(100) / 0.34) / 15.0)
    if alpha:
        root, whole = np.sqrt(alpha), np.sqrt(1 + alpha)
        y_f = np.log(np.log(100) / 0.34)
        n_f = np.log(np.sinh(np.arcsinh(root) + 2 * root * y_f / (15 * whole)) / root) / 2
    cuts = [-np.log(5.0), -0.3, 0.0, n_f / 2, n_f, 1.3 * n_f, 2 * n_f]
    total = sum(
        quad(integrand, *ends, epsabs=0, epsrel=1e-13)[0] for ends in itertools.pairwise(cuts)
    )
    return float(p.P * p.f_chi / p.v_w) * total / (1 + alpha) ** 0.75


@pytest.mark.slow
def test_yields_and_gradients(heavy):
    model, run = heavy
    for alpha in (0.0, 0.2, 3.0):
        found = run(jnp.array([alpha, alpha, 100.0]))
        assert Status(int(found.status)) is Status.SUCCESS
        np.testing.assert_allclose(found.Y_B, _by_scipy(model.parameters, alpha), rtol=1e-10)
        np.testing.assert_allclose(found.Y_chi, 4.9e-10 / (1 + alpha) ** 0.75, rtol=1e-14)
        np.testing.assert_allclose(found.hubble_factor, np.sqrt(1 + alpha), rtol=1e-15)
    alone = model.choose(expansion="radiation", dilution="none").replace(alpha_V=3.0, alpha_eff=9.0)
    np.testing.assert_allclose(
        run(jnp.array([0.0, 0.0, 100.0])).Y_B, jb.predict(alone).Y_B, rtol=1e-12
    )

    def log_yield(x):
        return jnp.log(run(x).Y_B)

    at, direction = jnp.array([0.2, 0.3, 100.0]), jnp.array([1.0, -0.3, 50.0])
    reverse = jax.jit(jax.grad(log_yield))
    forward = jax.jit(lambda x: jax.jvp(log_yield, (x,), (direction,))[1])
    np.testing.assert_allclose(reverse(at) @ direction, forward(at), rtol=1e-10)
    for i in range(3):
        step = jnp.zeros(3).at[i].set(1e-4 * at[i])
        slope = (log_yield(at + step) - log_yield(at - step)) / (2 * step[i])
        np.testing.assert_allclose(reverse(at)[i], slope, rtol=1e-6)
    np.testing.assert_allclose(reverse(at)[1], -0.75 / 1.3, rtol=1e-12)
    # at α = 0 too, where √α has no derivative
    zero = reverse(jnp.array([0.0, 0.0, 100.0]))
    ahead = [float(log_yield(jnp.array([k * 1e-4, 0.0, 100.0]))) for k in (0, 1, 2)]
    np.testing.assert_allclose(zero[0], (-3 * ahead[0] + 4 * ahead[1] - ahead[2]) / 2e-4, rtol=1e-6)


@pytest.mark.slow
def test_vacuum_energy_without_end_has_a_status(heavy):
    model, _ = heavy
    # dI/dy = I_p < 3/(β/H): a³ e^{−I} grows at T_p, and for α > 1 ρ_V is most of the energy
    alpha, B = jnp.array([5.0, 5.0, 0.9, -0.1]), jnp.array([15.0, 5.0, 5.0, 15.0])
    found = jax.vmap(lambda a, b: jb.predict(model.replace(alpha_V=a, beta_over_H=b)))(alpha, B)
    expected = [Status.SUCCESS, Status.NEVER_COMPLETES, Status.SUCCESS, Status.INVALID_PARAMETER]
    assert [Status(int(s)) for s in found.status] == expected
    np.testing.assert_array_equal(np.isnan(found.Y_B), [False, True, False, True])


@pytest.mark.long
def test_boltzmann_equations_with_vacuum_energy():
    """Depletion by SciPy's Radau, H with ρ_V until the release."""
    keys = {"deplete_DM_from_source": True, "beta_over_H": 15.0}
    keys |= {"incident_flux_scale": 0.1, "temperature_range": "published", "P_chi_to_B": 0.1}
    keys |= {"alpha_V": 0.8, "alpha_eff": 0.8, "T_min_over_Tp": 0.05}
    model = jb.load(**HEAVY, **keys, expansion="radiation+vacuum")
    found = jb.check(jb.predict(model))
    p = {"m_chi": 300.0, "T_p": 100.0, "beta_over_H": 15.0, "v_w": 0.3, "I_p": 0.34, "P": 0.1}
    p |= {"g_star": 106.75, "g_star_s": 106.75, "g_chi": 2.0, "sigma_v": 0.0}
    p |= {"washout_over_H": 0.0, "alpha_V": 0.8}
    Y_eq = 45 * 2 / (4 * np.pi**4 * 106.75) * 9 * kve(2, 3.0) * np.exp(-3.0)
    ends = {"ends": (5.0, 0.05), "pieces": 20, "rtol": 1e-11}
    Y_chi, Y_B = boltzmann_reference.solve(p, 0.1 * Y_eq, kernel="kjma", **ends)
    np.testing.assert_allclose(found.Y_B, Y_B, rtol=1e-8)
    np.testing.assert_allclose(found.Y_chi, Y_chi, rtol=1e-8)
    # what goes on in the heated bath is not what was there before, over D, nor is H that of one
    # which is not heated
    for rate in ("sigma_v", "washout_over_H"):
        active = model.replace(**{rate: 1e-3})
        for chosen in (active, active.choose(expansion="radiation", dilution="reheating")):
            assert Status(int(jb.predict(chosen).status)) is Status.RELEASE_NOT_FOLLOWED
    # of which the vacuum energy is seen
    without = jb.predict(model.choose(expansion="radiation"))
    assert abs(float(without.Y_B / found.Y_B) - 1) > 1e-4  # 1e4 times what is allowed above


@pytest.mark.slow
def test_report_names_the_factors(heavy):
    """And says so where a number given is not used."""
    from jaxbounce.cli._figures import Figures
    from jaxbounce.cli.run import _vacuum_lines

    figures = Figures(8)
    keys = {**HEAVY, **BOTH, "alpha_V": 0.2, "alpha_eff": 0.2}
    _, run = heavy
    found = run(jnp.array([0.2, 0.2, 100.0]))
    of = {"alpha_V": 0.2, "alpha_eff": 0.2}
    said = "\n".join(_vacuum_lines(jb.files.point.configure(None, None, keys), of, found, figures))
    assert f"rho_V/rho_r = 0.2 at T_p: H there is {1.2**0.5:.8g} times" in said
    assert f"every yield is divided by {1.2**0.75:.8g}" in said
    unused = jb.files.point.configure(None, None, {"alpha_eff": 0.2})
    (line,) = _vacuum_lines(unused, {"alpha_V": 0.0, "alpha_eff": 0.2}, found, figures)
    assert 'not in the numbers below: used by dilution = "reheating" only' in line

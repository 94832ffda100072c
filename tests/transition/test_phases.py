"""Phases over the temperature: ends and T_c in closed form, copies, histories in order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.errors import ComputationError
from jaxbounce.potential.text import ExpressionPotential
from jaxbounce.potential.thermal_models import CUBIC, Z2_SINGLET
from jaxbounce.transition.phases import (
    Continuous,
    Critical,
    critical_temperature_of,
    find_phases,
)

# D, E, λ, T_0 of V = D(T² − T_0²)φ² − ETφ³ + λφ⁴/4
TOYS = [
    {"D": 0.2, "E": 0.05, "lam": 0.1, "T_0": 100.0},
    {"D": 0.17, "E": 0.01, "lam": 0.13, "T_0": 150.0},
]


def _closed(toy):
    """T_c and T_1, where the broken minimum appears (M. Dine et al., hep-ph/9203203)."""
    share = toy["E"] ** 2 / (toy["lam"] * toy["D"])
    return toy["T_0"] / np.sqrt(1 - share), toy["T_0"] / np.sqrt(1 - 9 * share / 8)


@pytest.mark.parametrize("toy", TOYS)
def test_a_cubic_potential_has_closed_forms(toy):
    T_c, T_1 = _closed(toy)
    T_low, T_high = 0.8 * toy["T_0"], 1.3 * toy["T_0"]
    found = find_phases(CUBIC.potential, toy, T_low, T_high, [-300.0], [300.0])
    symmetric, broken, below = found.phases
    assert symmetric.ends == ("unstable", "range")
    assert broken.ends == ("range", "turns")
    np.testing.assert_allclose(symmetric.T_range, (toy["T_0"], T_high), rtol=1e-13)
    np.testing.assert_allclose(broken.T_range, (T_low, T_1), rtol=1e-12)
    np.testing.assert_allclose(below.T_range, (T_low, toy["T_0"]), rtol=1e-12)
    # φ at the spinodal: 3ET/2λ, where the root vanishes
    np.testing.assert_allclose(broken.points[-1].phi, 1.5 * toy["E"] * T_1 / toy["lam"], rtol=1e-6)
    linear = 3 * toy["E"] * T_low
    root = np.sqrt(linear**2 - 8 * toy["lam"] * toy["D"] * (T_low**2 - toy["T_0"] ** 2))
    np.testing.assert_allclose(broken.at(T_low), (linear + root) / (2 * toy["lam"]), rtol=1e-13)

    (critical,) = found.critical
    assert critical.T_c == pytest.approx(T_c, rel=1e-12)
    assert (critical.high, critical.low) == (0, 1)
    phi_c = 2 * toy["E"] * T_c / toy["lam"]
    np.testing.assert_allclose(critical.phi_low, phi_c, rtol=1e-11)
    # L = T ∂_T ΔV
    latent = T_c * (2 * toy["D"] * T_c * phi_c**2 - toy["E"] * phi_c**3)
    assert critical.latent_heat == pytest.approx(latent, rel=1e-10)
    # φ = 0 becomes a maximum there, and the minimum beyond it is that of φ < 0
    (continuous,) = found.continuous
    assert (continuous.high, continuous.low) == (0, 2)
    assert found.history() == (critical,)


def test_a_second_order_transition_is_no_critical_temperature_of_first_order():
    """V = D(T² − T_0²)φ² + λφ⁴/4: φ = √(2D(T_0² − T²)/λ), both of its signs one phase."""
    toy = {"D": 0.3, "E": 0.0, "lam": 0.2, "T_0": 90.0}
    found = find_phases(CUBIC.potential, toy, 50.0, 120.0, [-200.0], [200.0])
    assert len(found.phases) == 2
    assert found.critical == ()
    (change,) = found.continuous
    np.testing.assert_allclose(change.T_c, 90.0, rtol=1e-12)
    assert found.phases[1].T_range == pytest.approx((50.0, 90.0), rel=1e-12)
    assert found.phases[1].at(60.0) == pytest.approx(np.sqrt(3.0 * (90.0**2 - 60.0**2)), rel=1e-12)
    assert found.history() == (change,)


def _mexican(phi, theta):
    square = (phi**2).sum()
    return (
        theta["D"] * (theta["T"] ** 2 - theta["T_0"] ** 2) * square + theta["lam"] / 4 * square**2
    )


def test_an_orbit_of_a_continuous_symmetry_is_one_phase():
    toy = {"D": 0.3, "lam": 0.2, "T_0": 90.0}
    found = find_phases(_mexican, toy, 50.0, 120.0, [-200.0] * 2, [200.0] * 2)
    assert len(found.phases) == 2
    assert [change.T_c for change in found.continuous] == pytest.approx([90.0], rel=1e-12)
    radius = np.linalg.norm(found.phases[1].at(60.0))
    assert radius == pytest.approx(np.sqrt(3.0 * (90.0**2 - 60.0**2)), rel=1e-10)


def test_three_minima_whose_places_stay():
    """g_i is 1 at one minimum, 0 at the others, and flat at all three: depths are linear in T."""
    one, two = "x**2*(x - 2)**2", "x**2*(x - 1)**2*(1 - 3*(x - 2))/4"
    potential = ExpressionPotential(
        "x**2*(x - 1)**2*(x - 2)**2 + (s1 + t1*T)*g1 + (s2 + t2*T)*g2",
        ("x",),
        ("s1", "t1", "s2", "t2", "T"),
        (("g1", one), ("g2", two)),
    )
    # V(1) = s1 + t1 T vanishes at 2, V(2) = s2 + t2 T at 3/2; the two are equal at 4/3
    theta = {"s1": -0.02, "t1": 0.01, "s2": -0.06, "t2": 0.04}
    found = find_phases(
        potential, {**theta, "T": 1.0}, 1.0, 2.5, [-0.5], [2.5], parameters_at=_at_temperature
    )
    at_1 = [float(phase.at(1.2)[0]) for phase in found.phases]
    np.testing.assert_allclose(sorted(at_1), [0.0, 1.0, 2.0], atol=1e-12)
    expected = sorted([2.0, 1.5, 4 / 3], reverse=True)
    np.testing.assert_allclose([c.T_c for c in found.critical], expected, rtol=1e-12)
    history = [change for change in found.history() if isinstance(change, Critical)]
    steps = [(float(c.phi_high[0]), float(c.phi_low[0])) for c in history]
    np.testing.assert_allclose(steps, [(0.0, 1.0), (1.0, 2.0)], atol=1e-12)


def _at_temperature(theta, T):
    return {**theta, "T": T}


@pytest.mark.slow
def test_slopes_of_a_critical_temperature():
    """dT_c/dθ = −ΔV_θ/ΔV_T against the closed form, in both modes."""
    toy = {k: jnp.asarray(v) for k, v in TOYS[0].items()}
    (critical,) = find_phases(CUBIC.potential, toy, 95.0, 120.0, [-50.0], [300.0]).critical

    def found(theta):
        return critical_temperature_of(CUBIC.potential, theta, critical)

    def closed(theta):
        return theta["T_0"] / jnp.sqrt(1 - theta["E"] ** 2 / (theta["lam"] * theta["D"]))

    expected = jax.grad(closed)(toy)
    assert float(found(toy)) == pytest.approx(float(closed(toy)), rel=1e-13)
    for derivative in (jax.grad, jax.jacfwd):
        slopes = derivative(found)(toy)
        for name in toy:
            np.testing.assert_allclose(slopes[name], expected[name], rtol=1e-10)


def test_what_lies_beyond_the_box_is_told():
    """A vacuum that the box does not reach, and a V without a bound; none of a box that has all."""
    toy = TOYS[0]
    assert find_phases(CUBIC.potential, toy, 80.0, 101.0, [-300.0], [300.0]).edge is None
    edge = find_phases(CUBIC.potential, toy, 101.0, 103.0, [-40.0], [40.0]).edge
    assert edge is not None
    assert (edge.T, *edge.phi) == (101.0, 40.0)
    V = ExpressionPotential("x**2 + y**2 + T - 1e-3*y**4", ("x", "y"), ("T",))
    edge = find_phases(V, {"T": 1.0}, 1.0, 2.0, [-40.0] * 2, [40.0] * 2).edge
    assert edge is not None
    assert edge.T == 1.0
    assert abs(edge.phi[1]) == 40.0


def test_a_potential_without_a_minimum():
    def falls(phi, theta):
        return -phi[0] * theta["T"]

    with pytest.raises(ComputationError, match="no minimum of the potential from 1 to 2 GeV"):
        find_phases(falls, {"T": 1.0}, 1.0, 2.0, [-1.0], [1.0])


# m_s, λ_hs, λ_s: the tests of PhaseTracer (P. Athron, C. Balázs, A. Fowlie, Y. Zhang,
# arXiv:2003.02859), whose broken phase ends at 120.919 GeV; a strong one; BM1 of WallGo
SINGLETS = [(90.0, 0.4, 0.1), (100.0, 0.6, 0.5), (120.0, 0.9, 1.0)]

_SINGLET = ExpressionPotential(
    "((muh + ch*T**2)*h**2 + (mus + cs*T**2)*s**2)/2 + (lh*h**4 + ls*s**4 + lhs*h**2*s**2)/4",
    ("h", "s"),
    ("muh", "mus", "lh", "ls", "lhs", "ch", "cs", "T"),
)


@pytest.mark.parametrize("point", SINGLETS)
def test_two_steps_at_high_temperature_have_closed_forms(point):
    """First s, of second order, then h: V. Vaskonen, Phys. Rev. D 95 (2017) 123515, 1611.02073."""
    m_s, lhs, ls = point
    v, muh, gauge = 246.0, -(125.0**2) / 2, 9 * 0.652**2 + 3 * 0.352**2 + 12 * 0.995**2
    lh, mus = -muh / v**2, m_s**2 - lhs * v**2 / 2
    ch, cs = (gauge + 24 * lh + 2 * lhs) / 48, (2 * lhs + 3 * ls) / 12
    theta = {"muh": muh, "mus": mus, "lh": lh, "ls": ls, "lhs": lhs, "ch": ch, "cs": cs}
    found = find_phases(_SINGLET, theta, 60.0, 300.0, [-400.0] * 2, [400.0] * 2)
    first, second = found.history()
    assert isinstance(first, Continuous)
    assert first.T_c == pytest.approx(np.sqrt(-mus / cs), rel=1e-12)
    assert isinstance(second, Critical)
    apart = np.sqrt(ls * lh) * abs(cs * muh - ch * mus)
    square = -(ls * ch * muh - lh * cs * mus + apart) / (ls * ch**2 - lh * cs**2)
    assert second.T_c == pytest.approx(np.sqrt(square), rel=1e-12)
    v_s, v_h = np.sqrt(-(mus + cs * square) / ls), np.sqrt(-(muh + ch * square) / lh)
    np.testing.assert_allclose(second.phi_high, [0.0, v_s], rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(second.phi_low, [v_h, 0.0], rtol=1e-11, atol=1e-9)
    # the phase of h ends where s is no longer heavy in it
    share = lhs / (2 * lh)
    end = np.sqrt((mus - share * muh) / (share * ch - cs))
    assert found.phases[second.low].T_range[1] == pytest.approx(end, rel=1e-12)
    if point == SINGLETS[0]:
        assert end == pytest.approx(120.9191894531, rel=1e-3)


@pytest.mark.long
def test_the_singlet_in_two_steps():
    """First s, then h: T_c of WallGo's benchmark BM1 by an independent program."""
    theta = dict(Z2_SINGLET.parameters)
    found = find_phases(Z2_SINGLET.potential, theta, 80.0, 250.0, [-500.0] * 2, [500.0] * 2)
    history = found.history()
    assert isinstance(history[0], Continuous)
    # φ grows as √(T_c − T): T to 1e-13 of it is φ to 1e-5 GeV
    np.testing.assert_allclose(history[0].phi, 0.0, atol=1e-4)
    last = history[-1]
    assert isinstance(last, Critical)
    # the specification of this project, golden numbers D.xSM_BM1
    assert last.T_c == pytest.approx(108.21567981713, abs=1e-10)
    assert last.phi_high[0] == pytest.approx(0.0, abs=1e-9)
    assert last.phi_low[1] == pytest.approx(0.0, abs=1e-9)
    at_100 = [phase.at(100.0) for phase in found.phases if phase.T_range[0] < 100.0]
    assert abs(at_100[0][1]) == pytest.approx(104.86914597521478, rel=1e-11)
    assert at_100[1][0] == pytest.approx(195.032151447226, rel=1e-11)
    # the step from s to s that the cubes of unresummed masses make, by a scan along s at its T_c
    (step,) = [
        change
        for change in found.critical
        if abs(change.phi_high[0]) < 1e-6 and abs(change.phi_low[0]) < 1e-6
    ]
    s = np.linspace(1.0, 150.0, 20001)
    phi = jnp.stack([jnp.zeros_like(s), s], axis=1)
    V = np.asarray(
        jax.jit(jax.vmap(Z2_SINGLET.potential, (0, None)))(phi, {**theta, "T": step.T_c})
    )
    inside = (V[1:-1] < V[:-2]) & (V[1:-1] < V[2:])
    bottoms, heights = s[1:-1][inside], V[1:-1][inside]
    assert len(bottoms) == 2
    places = sorted(abs(phi[1]) for phi in (step.phi_high, step.phi_low))
    np.testing.assert_allclose(bottoms, places, atol=0.01)  # the step of the grid
    barrier = V[(s > bottoms[0]) & (s < bottoms[1])].max() - heights.min()
    assert abs(heights[1] - heights[0]) < 1e-2 * barrier

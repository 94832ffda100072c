"""What the numbers assume: which points apply to which configuration, and their sizes."""

import re

import numpy as np
import pytest
from chains import POINT, TWO_FIELDS
from scipy.integrate import quad
from scipy.special import kv

from jaxbounce import Status
from jaxbounce.cli._story import caveat_lines, caveat_mapping
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.model.caveats import _TOPICS, caveats
from jaxbounce.model.story import Origin, story
from jaxbounce.potential import PUBLISHED

# of every configuration: streaming, friction, later walls, numbers of B, data
ALWAYS = {2, 4, 7, 8, 13}


def told(table, **computed):
    """Points with their texts and sizes; numbers of stages as if computed."""
    model = configure(table).model
    given = {
        name: Origin(float(value), 0.0, "", "", Status.SUCCESS)
        for name, value in model.given().items()
        if not isinstance(value, str)
    }
    made = {name: Origin(x, 0.0, "stage", "Stage", Status.SUCCESS) for name, x in computed.items()}
    return caveats(model, given | made)


def sizes(found, point):
    return [caveat.size for caveat in found if caveat.point == point]


def test_the_published_benchmark():
    found = told(BENCHMARK)
    assert {c.point for c in found} == ALWAYS | {1, 3, 5, 6, 9, 10, 11}
    assert "given" in next(c.text for c in found if c.point == 3)
    # g_* of the fit at 100 GeV is 101.32 (SPEC A)
    np.testing.assert_allclose(sizes(found, 11), [101.32 / 106.75 - 1], atol=1e-5)
    np.testing.assert_allclose(sizes(found, 9), [100 / 0.155])
    np.testing.assert_allclose(sizes(found, 6), [0.01])
    assert sizes(found, 5) == [None, None]


def test_they_are_listed_by_topic():
    """Each topic in one place, along the chain; each point once in the list of topics."""
    found = told(BENCHMARK)
    topics = [caveat.topic for caveat in found]
    order = list(dict.fromkeys(topics))
    assert topics == sorted(topics, key=order.index)
    assert order[0] == "the transition"
    assert order[-1] == "data"
    assert sorted(point for points in _TOPICS.values() for point in points) == list(range(1, 14))


def test_the_report_numbers_them_without_gaps():
    found = told(BENCHMARK)
    lines = "\n".join(caveat_lines(found))
    numbers = [int(n) for n in re.findall(r"^    ([ \d]\d)  ", lines, re.MULTILINE)]
    assert numbers == list(range(1, len(found) + 1))
    assert caveat_mapping(found)[0]["topic"] == found[0].topic


def test_annihilation_and_a_history():
    """The mean free path of annihilation; the history of its own leaves point 6 out; cold B."""
    table = {**BENCHMARK, "T_p_GeV": 0.1, "m_chi_GeV": 0.0, "incident_flux_scale": 1.0}
    table |= {"sigma_v_chi_GeV_m2": 1e-9, "area_kernel": "history", "nucleation": {}}
    table |= {"g_star": "standard-model", "regime": "nonthermal", "sigma_v_chi_GeV_m2": 1e-9}
    found = told(table, g_star=17.0)
    assert {c.point for c in found} == ALWAYS | {1, 3, 5, 10, 11}
    n = 0.75 * 1.2020569031595942 / np.pi**2 * 2 * 0.1**3
    np.testing.assert_allclose(sizes(found, 1)[1], 1 / (n * 1e-9), rtol=1e-12)
    assert sizes(found, 11) == [0.006]


def test_a_vacuum_bubble():
    found = told({**BENCHMARK, "P_chi_to_B": None, "conversion": {"potential": PUBLISHED}}, P=0.1)
    texts = [c.text for c in found if c.point == 3]
    assert len(texts) == 2
    assert "critical bubble" in texts[0]
    assert "S_4 is below S_3/T" in texts[1]


def test_a_transition_with_its_wall_and_what_it_releases():
    """The singlet of SPEC E: v_w = .620, v_+ = .511, T_+ = 1.097 make 15 % more flux."""
    partition = {"process": "partition", "kappa": 1e-9, "mean_energy_over_T": 3.0}
    table = {k: v for k, v in POINT.items() if k not in ("v_w", "incident_flux_scale")}
    table |= {"wall_speed": {"model": "lte"}, "occupancy": partition, "P_chi_to_B": None}
    table |= {
        "transition": {**POINT["transition"], "potential": TWO_FIELDS},
        "conversion": {"wall": "critical-bubble"},
    }
    numbers = {"T_p": 100.0, "beta_over_H": 1677.5242, "v_w": 0.620286, "v_plus": 0.510831}
    found = told(table, **numbers, T_plus_over_T=1.096539, alpha_theta=0.1)
    assert {c.point for c in found} == ALWAYS | {1, 3, 5, 6, 9, 10, 11, 12}
    first = sizes(found, 1)
    assert first[1] == pytest.approx(0.15, abs=0.005)
    assert "upper bound" in [c.text for c in found if c.point == 1][2]
    # SPEC E: +α/2 in H, 7 % of dilution at α = 0.1
    np.testing.assert_allclose(sizes(found, 5), [0.05, 1 - 1.1**-0.75])
    assert "made by these same walls" in next(c.text for c in found if c.point == 10)


def test_what_the_plasma_carries_and_walls_above_v_J():
    """The same wall told from the other side; and a detonation."""
    carried = {**BENCHMARK, "streaming": "carried", "v_w": None, "g_star": "standard-model"}
    carried["wall_speed"] = {"alpha_thetabar": 0.05, "Psi": 0.9, "c_s": 0.57, "c_b": 0.57}
    found = told(carried, v_w=0.620286, v_plus=0.510831, T_plus_over_T=1.096539, v_J=0.7)
    assert {c.point for c in found} == ALWAYS | {1, 3, 5, 6, 9, 10, 11}
    assert "carried by the plasma" in next(c.text for c in found if c.point == 1)
    assert sizes(found, 1)[1] == pytest.approx(
        (1.620286 / 1.510831) ** 2 / 1.096539**3 - 1, rel=1e-12
    )
    fast = told(BENCHMARK, v_w=0.9, v_plus=0.9, T_plus_over_T=1.0, v_J=0.75)
    np.testing.assert_allclose(sizes(fast, 1)[1:], [0.0, 1.2], atol=1e-12)
    assert "detonation" in [c.text for c in fast if c.point == 1][2]


def test_what_is_frozen_in():
    decay = {"process": "decay", "m_A_GeV": 500.0, "Gamma_GeV": 1e-21}
    table = {k: v for k, v in BENCHMARK.items() if k != "incident_flux_scale"}
    found = told({**table, "occupancy": decay}, f_chi=1e-9)
    texts = [c.text for c in found if c.point == 10]
    assert "colder" in texts[0]
    assert "after T_p" in texts[1]
    # SPEC E: ⟨p⟩/T = 2.5 in place of 3.15
    np.testing.assert_allclose(sizes(found, 10)[0], 2.5 / 3.15)
    assert len(texts) == 2


def test_collisions_into_what_is_lighter_than_chi():
    """1 − x²K₂(x)/2 of massless pairs with |M|² = const: ∫_0^x z²K₁ dz/2, by quadrature."""
    law = {"process": "collisions", "T_R_GeV": 1e6, "amplitude_squared": [1e-15], "particles": 2}
    table = {k: v for k, v in BENCHMARK.items() if k != "incident_flux_scale"}
    for mass, count in ((30.0, 2), (30.0, 1), (400.0, 1)):
        found = told({**table, "m_chi_GeV": mass, "occupancy": law | {"particles": count}}, f_chi=0)
        size = next(c.size for c in found if "as if it were massless" in c.text)
        exact = quad(lambda z: z**2 * kv(1, z) / 2, 0, count * mass / 100)[0]
        np.testing.assert_allclose(size, exact, rtol=1e-10)
    heavy = law | {"amplitude_squared": "g", "parameters": {"g": 1e-15}, "masses_GeV": [0, 0, 1, 1]}
    found = told({**table, "occupancy": heavy}, f_chi=0)
    assert not [c for c in found if "massless" in c.text]


def test_a_thermal_average_beyond_its_model():
    """Shares of the flux below the masses inside, and of slow speeds above that of light."""
    conversion = {"tanh": {"Phi_inside": 2.4, "phi_outside": 1.7, "width": 1.5}}
    conversion |= {"incidence": "thermal", "unit_GeV": 100.0, "lambda_tr_eff": 0.1}
    table = {**BENCHMARK, "P_chi_to_B": None}
    relativistic = conversion | {"model": "two-level-relativistic"}
    found = told({**table, "conversion": relativistic}, P=0.1)
    share = next(c.size for c in found if "one passage" in c.text)
    # by a plain sum over p_z in the frame of the wall, with a jump between two of its points
    m = abs(np.linalg.eigvalsh(1.7 * np.array([[1.0, 0.1], [0.1, 0.0]]))[0])
    p = np.concatenate([[0], np.geomspace(1e-6, 80, 400_001)])
    omega = np.sqrt(p**2 + m**2)
    flux = p * np.log1p(np.exp(-(omega - 0.3 * p) / np.sqrt(1 - 0.3**2)))
    exact = np.trapezoid(np.where(omega < 2.4, flux, 0), p) / np.trapezoid(flux, p)
    np.testing.assert_allclose(share, exact, rtol=1e-4)
    found = told({**table, "conversion": conversion | {"model": "two-level"}}, P=0.1)
    share = next(c.size for c in found if "that of light" in c.text)
    u, sigma = np.linspace(0, 80 * m**-0.5, 1_000_001), m**-0.5
    flux = u * np.exp(-((u - 0.3) ** 2) / (2 * sigma**2))
    exact = np.trapezoid(np.where(u > 1, flux, 0), u) / np.trapezoid(flux, u)
    np.testing.assert_allclose(share, exact, rtol=1e-4)
    cold = conversion | {"incidence": "cold"}
    found = told({**table, "conversion": cold}, P=0.1)
    assert not [c for c in found if "one passage" in c.text or "that of light" in c.text]


def test_a_flux_that_annihilation_does_not_know():
    """Massless χ is brought to equilibrium, 1/f of what the source takes, if well coupled."""
    table = {**BENCHMARK, "m_chi_GeV": 0.0, "sigma_v_chi_GeV_m2": 1e-9}
    found = [c for c in told(table) if "whatever annihilation makes" in c.text]
    np.testing.assert_allclose(found[0].size, 1 / 1.07e-9, rtol=1e-9)
    weak = [c for c in told({**table, "sigma_v_chi_GeV_m2": 1e-60}) if "whatever" in c.text]
    assert weak[0].size == pytest.approx(1, abs=1e-12)
    assert not [c for c in told(BENCHMARK) if "whatever annihilation" in c.text]


def test_the_numbers_of_a_story_are_those_given():
    settled, found = story(configure(BENCHMARK).model)
    assert settled.stages == ()
    assert found["v_w"] == Origin(0.3, 0.0, "", "", Status.SUCCESS)
    assert found["v_w"].text == "given"

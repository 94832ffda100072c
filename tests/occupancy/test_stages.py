"""f_χ computed by a stage of a model: golden numbers, slopes, failures, files, fits."""

import functools
import itertools
import json
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chains import TRANSITION
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.special import k1
from tiers import long_but

import jaxbounce as jb
from jaxbounce import ConfigurationError, Model, Parameters, Status, load, predict
from jaxbounce._core.stage import Supplied, WithoutParameters
from jaxbounce.cli import main
from jaxbounce.cosmology import incident_flux, number_density
from jaxbounce.cosmology.degrees_of_freedom import StandardModel
from jaxbounce.cosmology.degrees_table import tabulated_degrees
from jaxbounce.cosmology.history import ThermalHistory
from jaxbounce.cosmology.radiation import entropy_density, hubble_rate
from jaxbounce.files.point import configure
from jaxbounce.model.comparison import PLANCK_RHO_B, PLANCK_RHO_DM
from jaxbounce.occupancy import Collisions, Decays, EnergyPartition, Function, OffBrane

POINT = {
    "preset": "exact",
    "m_chi_GeV": 0.95,
    "T_p_GeV": 100.0,
    "beta_over_H": 100.0,
    "v_w": 0.3,
    "P_chi_to_B": 0.15,
}
DECAY = {"process": "decay", "m_A_GeV": 500.0, "Gamma_GeV": 1e-21}


def model_of(stage, *others, m_chi=0.0, **changes):
    values = {"m_chi": m_chi, "T_p": 100.0, "beta_over_H": 100.0, "v_w": 0.3, "P": 0.15}
    return Model(Parameters(**{**values, "f_chi": None, **changes}), stages=(stage, *others))


class Found(NamedTuple):
    f_chi: jax.Array
    error: jax.Array
    status: jax.Array
    g_star_s: jax.Array


@jax.jit
def known(model):
    found = model.known()
    values = (found.values["f_chi"], found.errors["f_chi"], found.status)
    return Found(*values, found.values["g_star_s"])


# Y(T_p) of Γ = 1e-15 GeV (golden B.freezein.decay_SS18); f_χ is refused above a tenth: 1e-21
POINTS = jnp.array([(500.0, 100.0), (50.0, 100.0), (5.0, 1.0), (1.0, 0.15)])
DECAYS = {
    "boson": [1.324519989929467e-5, 1.6367344275388052e-5, 0.21964245018696885, 13.852646089347687],
    "classical": [
        *(1.2687817083625624e-5, 1.2243870185755887e-5, 0.21092972382748798),
        13.528351590879803,
    ],
    "fermion": [
        *(1.2266986289033693e-5, 1.0381022534830587e-5, 0.20429133795492357),
        13.272401518358203,
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("statistics", DECAYS)
def test_decays_of_the_specification(statistics):
    history = ThermalHistory(StandardModel())
    model = model_of(
        Decays(500.0, 1e-21, statistics=statistics), history, g_star=None, g_star_s=None
    )

    def found(point):
        one = known(model.replace(m_A=point[0], T_p=point[1]))
        s = entropy_density(point[1], one.g_star_s)
        Y = one.f_chi * number_density(point[1], 0.0, 2.0, "fermion") / s
        return Y, one.error / one.f_chi, one.status

    Y, error, status = jax.vmap(found)(POINTS)
    np.testing.assert_allclose(Y / 1e-6, DECAYS[statistics], rtol=1e-10)
    assert (error < 1e-12).all()
    assert (status == Status.SUCCESS).all()


@pytest.mark.slow
def test_decays_in_a_rough_table_of_degrees_of_freedom():
    """Its knots are edges of panels: without, what is right was withheld."""
    log_T = np.log(np.geomspace(1e-3, 1e7, 85))
    log_g = np.log(60 + 40 * np.tanh(log_T / 3) + np.random.default_rng(3).normal(size=85))
    spline = CubicSpline(log_T, log_g, bc_type="natural")
    degrees = tabulated_degrees(np.exp(log_T), np.exp(log_g), np.exp(log_g))
    history = ThermalHistory(degrees)
    model = model_of(Decays(500.0, 1e-21), history, g_star=None, g_star_s=None)
    found = known(model.replace(T_p=100.0))
    assert Status(int(found.status)) is Status.SUCCESS
    s = entropy_density(100.0, found.g_star_s)
    Y = found.f_chi * number_density(100.0, 0.0, 2.0, "fermion") / s

    def integrand(x):
        T, g = np.exp(x), np.exp(spline(x))
        made = 1e-21 * 500.0**2 * T * k1(500.0 / T) / (2 * np.pi**2)
        return made * (1 + spline(x, 1) / 3) / (entropy_density(T, g) * hubble_rate(T, g))

    inside = log_T[(log_T > np.log(100.0)) & (log_T < np.log(9e6))]
    edges = [np.log(100.0), *inside, np.log(9e6)]
    exact = sum(quad(integrand, *ends, epsrel=1e-13)[0] for ends in itertools.pairwise(edges))
    np.testing.assert_allclose(Y, exact, rtol=1e-11)


def over_cutoff(s, theta):
    return s / theta["Lambda"] ** 2


@pytest.mark.parametrize(
    "stage",
    [
        Collisions({"a_0": 0.0, "a_1": 1e-32}, 1e6),
        Collisions({"Lambda": 1e16}, 1e6, law=Function(over_cutoff)),
    ],
)
def test_collisions_of_the_specification(stage):
    """Dimension 5, Λ = 1e16 GeV, T_R = 1e6 GeV (golden F.f_chi); σ of the same amplitude."""
    found = known(model_of(stage))
    np.testing.assert_allclose(found.f_chi, 7.9571068222020352187e-12, rtol=1e-12)
    assert found.status == Status.SUCCESS


def test_a_share_of_the_energy_released():
    """f/κ at α = 0.1, ε̄ = 3T (golden F.f_chi), and of a given Δθ."""
    found = known(model_of(EnergyPartition(1e-9, energy_over_T=3.0, alpha=0.1)))
    np.testing.assert_allclose(found.f_chi, 6.4077945558691126869e-9, rtol=1e-12)
    # the xSM point (golden B.energy_partition.xSM)
    stage = EnergyPartition(1.6535560814299903e-9, energy=300.0, Delta_theta=35465218.841413915)
    np.testing.assert_allclose(known(model_of(stage)).f_chi, 1.07e-9, rtol=1e-12)


@pytest.mark.parametrize("equilibrium", ["exact", "piecewise"])
def test_the_yields_take_as_many_as_were_made(equilibrium):
    """n_χ = κ Δθ/ε̄ is f_χ n_eq of the yields; the published limits are 2.4 n_eq at m = 2.5 T."""
    stage = EnergyPartition(1e-6, energy=1e3, Delta_theta=1e8)
    model = model_of(stage, m_chi=250.0).choose(equilibrium=equilibrium)
    with_limits = 0.75 * 1.2020569031595942 / np.pi**2 * 2 * 100.0**3
    exact = float(number_density(100.0, 250.0, 2.0, "fermion"))
    # the Fermi–Dirac integral by mpmath
    assert with_limits / exact == pytest.approx(2.426206726367024540, rel=1e-10)
    n_eq = {"exact": exact, "piecewise": with_limits}[equilibrium]
    np.testing.assert_allclose(known(model).f_chi * n_eq, 0.1, rtol=1e-12)


@pytest.mark.slow
def test_of_nothing_there_is_nothing_to_be_off_by():
    """κ = 0: no χ at all is a number, with one for its error."""
    model = model_of(EnergyPartition(0.0, energy=1e3, Delta_theta=1e8), m_chi=1.0)
    found = jb.check(predict(model))
    assert float(found.Y_B) == 0
    assert 0 <= float(found.error_estimate) < 1e-9


@pytest.mark.slow
def test_rows_of_a_comparison_share_what_was_made():
    """In an instant, at m = 2.5 T: the last two rows differ by flux over density at T_p alone."""
    stage = EnergyPartition(1e-6, energy=1e3, Delta_theta=1e8)
    fast = model_of(stage, m_chi=250.0, beta_over_H=1e8).choose(equilibrium="exact")
    at = (100.0, 250.0, 2.0)

    def per_particle(equilibrium):
        flux = incident_flux(*at, 0.3, "fermion", equilibrium)
        return float(flux / number_density(*at, "fermion", equilibrium))

    for model in (fast, fast.choose(equilibrium="piecewise")):
        rows = jb.compare(model).rows
        ratio = rows["… and exact equilibrium"].Y_B / rows["exact KJMA, moving wall"].Y_B
        expected = per_particle("exact") / per_particle("piecewise")
        np.testing.assert_allclose(ratio, expected, rtol=1e-6)


class Released(WithoutParameters):
    """A transition of which only what it releases is known."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    @property
    def supplies(self) -> tuple[str, ...]:
        return ("Delta_theta", "alpha_theta")

    @property
    def relative_cost(self) -> int:
        return 1

    def supply(self, known):
        values = {"Delta_theta": jnp.asarray(1e8), "alpha_theta": jnp.asarray(0.5)}
        return Supplied(values, {}, jnp.asarray(Status.SUCCESS))


def test_what_becomes_chi_does_not_heat_the_bath(monkeypatch):
    """What is left is (1 − κ)α; in files the transition leaves it to the stage that knows κ."""
    stage = EnergyPartition(0.4, energy=1e9, heats=True)
    model = model_of(stage, Released(), m_chi=1.0, alpha_eff=None).choose(dilution="reheating")
    np.testing.assert_allclose(model.known().values["alpha_eff"], 0.3, rtol=1e-15)
    asked = []

    def read_stages(table, history, released):
        asked.append(released)
        raise ConfigurationError("no stages")

    monkeypatch.setattr("jaxbounce.files.chain.read_stages", read_stages)
    partition = {"process": "partition", "kappa": 1e-9, "mean_energy_GeV": 1e9}
    for earlier in ({}, {"alpha": 0.1}):
        table = POINT | {"T_p_GeV": None, "beta_over_H": None, "transition": TRANSITION}
        with pytest.raises(ConfigurationError, match="no stages"):
            jb.load({**table, "occupancy": partition | earlier})
    assert asked == [("alpha_V",), ("alpha_V", "alpha_eff")]


def test_a_gas_off_the_brane():
    """n_χ(t_p) by SciPy: 2/3π (1 − u²)^{3/2} of a gas in four dimensions, and what stays of it."""
    density, distance, stay = 1e-10, 1e13, 3e13
    t_p = 1 / (2 * float(hubble_rate(100.0, 106.75)))

    def kept(t):
        one_sided = 2 / (3 * np.pi) * (1 - (distance / t) ** 2) ** 1.5
        return one_sided * (t / t_p) ** 1.5 * np.exp(-(t_p - t) / stay)

    n = density * quad(kept, distance, t_p, epsabs=0, epsrel=1e-12)[0]
    found = known(model_of(OffBrane(density, distance, stay)))
    expected = n / float(number_density(100.0, 0.0, 2.0, "fermion"))
    np.testing.assert_allclose(found.f_chi, expected, rtol=1e-9)
    # a barrier of height T lets M²K₂(M)/2 of a massless gas pass in four dimensions
    low = known(model_of(OffBrane(density, distance, stay, 1.0))).f_chi
    np.testing.assert_allclose(low / expected, 0.812419449317588741, rtol=1e-9)


@pytest.mark.slow
def test_failures_name_the_stage_and_stay_where_they_are():
    model = model_of(Decays(500.0, 1e-21, T_R=1e6), m_chi=1.0)

    def one(m_A, T_R, Gamma):
        found = predict(model.replace(m_A=m_A, T_R=T_R, Gamma=Gamma))
        return found.rho_B, found.status

    m_A = jnp.array([500.0, 500.0, 0.5, 500.0, -1.0])
    T_R = jnp.array([1e6, 50.0, 1e6, 1e6, 1e6])
    Gamma = jnp.array([1e-21, 1e-21, 1e-21, 1e-10, 1e-21])
    rho, status = jax.jit(jax.vmap(one))(m_A, T_R, Gamma)
    assert status.tolist() == [
        *(Status.SUCCESS, Status.REHEATED_BELOW_T_P, Status.DECAY_CLOSED),
        *(Status.OCCUPANCY_TOO_LARGE, Status.INVALID_PARAMETER),
    ]
    assert np.isnan(rho).tolist() == [False, True, True, True, True]
    alone = predict(model.replace(m_A=m_A[0], T_R=T_R[0], Gamma=Gamma[0])).rho_B
    np.testing.assert_allclose(rho[0], alone, rtol=1e-13)


@pytest.mark.slow
def test_slopes_through_the_stage():
    """ρ_B is proportional to Γ, and to Λ⁻²; in m_A and T_p against central differences."""
    model = model_of(Decays(500.0, 1e-21), m_chi=1.0)

    @functools.partial(jax.jit, static_argnums=0)
    def log_rho(names, values):
        changed = dict(zip(names, values, strict=True))
        return jnp.log(predict(model.replace(**changed)).rho_B)

    names, at = ("Gamma", "m_A", "T_p"), np.array([1e-21, 500.0, 100.0])
    slopes = jax.jit(jax.grad(log_rho, argnums=1), static_argnums=0)(names, at) * at
    np.testing.assert_allclose(slopes[0], 1.0, rtol=1e-11)
    for i in (1, 2):
        step = np.eye(3)[i] * at * 1e-3
        near, far = (
            float(log_rho(names, at + k * step) - log_rho(names, at - k * step)) / (2e-3 * k)
            for k in (1, 2)
        )
        np.testing.assert_allclose(slopes[i], (4 * near - far) / 3, rtol=1e-8)
    cutoff = model_of(Collisions({"Lambda": 1e16}, 1e6, law=Function(over_cutoff)))
    density = jax.jit(jax.grad(lambda L: jnp.log(predict(cutoff.replace(Lambda=L)).rho_B)))
    np.testing.assert_allclose(density(1e16) * 1e16, -2.0, rtol=1e-11)


def test_decays_into_more_mass_than_there_is():
    """Two χ of 0.6 m_A were a success; with X, and a mean of less than one χ, likewise."""
    for count, m_chi, m_X, expected in (
        (2.0, 300.0, None, Status.DECAY_CLOSED),
        (2.0, 249.0, None, Status.SUCCESS),
        (2.0, 249.0, 3.0, Status.DECAY_CLOSED),
        (0.3, 499.0, None, Status.SUCCESS),
        (0.3, 501.0, None, Status.DECAY_CLOSED),
    ):
        with_X = {} if m_X is None else {"m_X": m_X, "product": "boson"}
        stage = Decays(500.0, 1e-24, particles=count, **with_X)
        found = known(model_of(stage, m_chi=m_chi))
        assert Status(int(found.status)) is expected
        assert np.isfinite(found.f_chi) == (expected is Status.SUCCESS)


def test_collisions_into_less_mass_than_chi_has():
    """Masses that are given for what is made; zeros take χ as massless."""

    def found(masses, m_chi):
        stage = Collisions(
            {"Lambda": 1e16}, 1e6, 2.0, masses=(0.0, 0.0, *masses), law=Function(over_cutoff)
        )
        model = model_of(stage, m_chi=0.0)
        run = jax.jit(jax.vmap(lambda m: known(model.replace(m_chi=m))))
        return run(jnp.array(m_chi))

    one = found((1.0, 1.0), [1.0, 2.0, 0.5])
    assert one.status.tolist() == [Status.SUCCESS, Status.PRODUCTS_TOO_LIGHT, Status.SUCCESS]
    assert np.isfinite(one.f_chi).tolist() == [True, False, True]
    assert (found((0.0, 0.0), [1.0, 2.0]).status == Status.SUCCESS).all()


EARLIER = {"alpha": 0.1, "T_star_GeV": 50.0}

BAD = [
    ({"process": "decays"}, "occupancy.process = 'decays'.*did you mean 'decay'"),
    ({"m_A_GeV": 5.0}, "occupancy.process: missing"),
    ({"process": "decay", "Gamma_GeV": 1.0}, "occupancy.m_A_GeV: missing"),
    ({**DECAY, "gamma_GeV": 1.0}, "occupancy.gamma_GeV: unknown key; did you mean 'Gamma_GeV'"),
    ({**DECAY, "kappa": 1.0}, 'occupancy.kappa: not used with process = "decay", but with "part'),
    (
        {"process": "partition", "kappa": 1e-9, "mean_energy_GeV": 1.0, **EARLIER},
        "occupancy.T_star_GeV = 50: is below T_p_GeV = 100",
    ),
    (
        {"process": "partition", "kappa": 1e-9, "mean_energy_GeV": 0.5, "alpha": 0.1},
        "occupancy.mean_energy_GeV = 0.5: is below m_chi_GeV = 0.95",
    ),
    ({**DECAY, "T_R_GeV": 50.0}, "occupancy.T_R_GeV = 50: is below T_p_GeV = 100"),
    ({**DECAY, "statistics": "bose"}, "occupancy.statistics = 'bose'"),
    ({**DECAY, "m_A_GeV": 1.5, "particles": 2}, "m_A_GeV = 1.5: is not above .* 1.9 GeV with 2"),
    ({**DECAY, "m_A_GeV": 3.0, "m_X_GeV": 2.5, "product": "boson"}, "is not above .* 3.45 GeV"),
    (
        {
            "process": "collisions",
            "T_R_GeV": 1e6,
            "particles": 2,
            "amplitude_squared": "s/4",
            "masses_GeV": [0, 0, 0.5, 1],
        },
        "occupancy.masses_GeV: the last two together, 1.5 GeV, are below 2 m_chi_GeV = 1.9",
    ),
    ({**DECAY, "m_A_GeV": -5.0}, "occupancy.m_A_GeV = -5: must be > 0"),
    ({"process": "collisions", "T_R_GeV": 1e6}, "both missing; give exactly one"),
    ({"process": "collisions", "amplitude_squared": [1.0]}, "occupancy.T_R_GeV: missing"),
    (
        {"process": "collisions", "T_R_GeV": 1e6, "cross_section": "g/t"},
        "occupancy.cross_section: unknown name 'g'",
    ),
    (
        {"process": "collisions", "T_R_GeV": 1e6, "amplitude_squared": [1.0], "parameters": {}},
        "occupancy.parameters: not used with coefficients",
    ),
    ({"process": "partition", "kappa": 1e-9, "alpha": 0.1}, "give exactly one of them"),
    (
        {"process": "partition", "kappa": 1e-9, "mean_energy_over_T": 3.0},
        "Delta_theta: EnergyPartition needs it",
    ),
    ("decay", "occupancy = 'decay': must be a table"),
]


@pytest.mark.parametrize(("occupancy", "text"), BAD)
def test_a_bad_table_is_one_line(occupancy, text):
    with pytest.raises(ConfigurationError, match=text) as caught:
        configure({**POINT, "occupancy": occupancy})
    assert "\n" not in str(caught.value)


def test_a_number_and_a_stage_are_one_too_many():
    with pytest.raises(ConfigurationError, match="incident_flux_scale = 1e-09 and occupancy: both"):
        configure({**POINT, "incident_flux_scale": 1e-9, "occupancy": DECAY})
    # an override stands for either
    given = configure({**POINT, "occupancy": DECAY}, overrides={"incident_flux_scale": 1e-9})
    assert given.model.stages == ()
    written = {**POINT, "incident_flux_scale": 1e-9}
    found = configure(written, overrides={"occupancy": DECAY}).model
    assert found.value("Gamma") == 1e-21


def test_laws_of_collisions_in_files(tmp_path):
    """Coefficients, an expression, and a table of σ = Σ|M|²/16π s of massless particles."""
    s = np.geomspace(1e-4, 1e16, 400)
    table = {"s_GeV2": s.tolist(), "sigma_per_GeV2": (1e-32 / (16 * np.pi) + 0 * s).tolist()}
    (tmp_path / "sigma.json").write_text(json.dumps(table), encoding="utf-8")
    laws = [
        {"amplitude_squared": [0.0, 1e-32]},
        {"amplitude_squared": "s/Lambda**2", "parameters": {"Lambda": 1e16}},
        {"cross_section": str(tmp_path / "sigma.json")},
    ]
    for law in laws:
        occupancy = {"process": "collisions", "T_R_GeV": 1e6, **law}
        model = configure({**POINT, "m_chi_GeV": 0.0, "occupancy": occupancy}).model
        found = known(model).f_chi
        np.testing.assert_allclose(found, 7.9571068222020352187e-12, rtol=1e-12)


@pytest.mark.slow
def test_a_fit_of_a_width_reaches_both_densities(tmp_path, capsys):
    """Γ and P free, dark matter being what is left: both Planck densities, from one file."""
    file, out = tmp_path / "point.json", tmp_path / "fit.json"
    file.write_text(json.dumps({**POINT, "occupancy": DECAY}), encoding="utf-8")
    assert main(["fit", str(file), "--free", "P,Gamma_GeV", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["final"]["rho_B_kg_m3"] == pytest.approx(PLANCK_RHO_B, rel=1e-8)
    assert found["final"]["rho_DM_kg_m3"] == pytest.approx(PLANCK_RHO_DM, rel=1e-8)
    # the same from the width itself
    values = {name: entry["value"] for name, entry in found["free"].items()}
    again = predict(load(POINT | {"occupancy": DECAY}).replace(**values))
    np.testing.assert_allclose(again.rho_B, PLANCK_RHO_B, rtol=1e-8)
    capsys.readouterr()


@pytest.mark.slow
def test_the_report_says_where_numbers_come_from(tmp_path, capsys):
    file, out = tmp_path / "point.json", tmp_path / "out.json"
    file.write_text(json.dumps({**POINT, "occupancy": DECAY}), encoding="utf-8")
    assert main(["run", str(file), "--digits", "12", "--out", str(out)]) == 0
    text, result = capsys.readouterr().out, json.loads(out.read_text())
    f_chi = float(known(load({**POINT, "occupancy": DECAY})).f_chi)
    assert f"= {f_chi:#.12g} " in text
    assert "computed by occupancy (Decays)" in text
    rows = {row["quantity"]: row for row in result["story"]}
    assert rows["f_chi"]["value"] == f_chi
    assert rows["f_chi"]["from"] == "computed by occupancy (Decays)"
    assert rows["T_p"]["from"] == "given"
    # ρ_B is proportional to f_χ: that which gives Planck's
    asked = f_chi * PLANCK_RHO_B / result["final"]["rho_B_kg_m3"]
    assert f"asks for {asked:#.12g}" in text
    rho = jb.predict(load({**POINT, "incident_flux_scale": asked})).rho_B
    np.testing.assert_allclose(rho, PLANCK_RHO_B, rtol=1e-12)


def _decaying(T):
    return 1e-21 * 200.0**2 * T * k1(200.0 / T) / (2 * np.pi**2)


def flat(s, theta):
    return theta["c"] * jnp.ones_like(s)


def _colliding(T):
    """Σ|M|² = 1e-14, masses of 200 and 50 GeV: the formula with K₁ of SPEC2 B."""

    def inside(w):
        momenta = np.sqrt((w**2 / 4 - 200.0**2) * (w**2 / 4 - 50.0**2))
        return 2 * momenta * k1(w / T)

    cuts = 400.0 + T * np.array([0.0, 0.1, 1.0, 4.0, 12.0, 40.0])
    parts = [quad(inside, *c, epsabs=0, epsrel=1e-13)[0] for c in itertools.pairwise(cuts)]
    return 1e-14 * 4 * np.pi * T / (512 * np.pi**6) * sum(parts)


COLLIDING = Collisions({"c": 1e-14}, 2e4, masses=(200.0, 200.0, 50.0, 50.0), law=Function(flat))
MADE = {"decays": (Decays(200.0, 1e-21), _decaying, 2e6)}
MADE |= {"collisions": (COLLIDING, _colliding, 2e4)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("process", "g_star"),
    long_but(
        itertools.product(MADE, ["constant", "standard-model"]),
        *itertools.product(["decays"], ["constant", "standard-model"]),
        ("collisions", "constant"),
    ),
)
def test_vacuum_energy_slows_freeze_in(process, g_star):
    """H with ρ_V, constant above T_p, by SciPy; what makes χ is still at work at T_p."""
    varies = g_star != "constant"
    history = (ThermalHistory(StandardModel()),) if varies else ()
    given = {"g_star": None, "g_star_s": None} if varies else {"g_star": 106.75, "g_star_s": 100.0}
    stage, made, hottest = MADE[process]
    model = model_of(stage, *history, **given, alpha_V=0.7)
    found = known(model.choose(expansion="radiation+vacuum"))
    assert Status(int(found.status)) is Status.SUCCESS
    s = entropy_density(100.0, found.g_star_s)
    Y = found.f_chi * number_density(100.0, 0.0, 2.0, "fermion") / s
    sm = jax.jit(StandardModel().with_slope)

    def bath(T):
        return [float(g) for g in sm(np.log(T))] if varies else (106.75, 100.0, 0.0)

    def integrand(x, alpha=0.7):
        T = np.exp(x)
        g, g_s, slope = bath(T)
        g = g + alpha * bath(100.0)[0] * (100 / T) ** 4
        slowed = (1 + slope / 3) / (entropy_density(T, g_s) * hubble_rate(T, g))
        return made(T) * slowed

    cuts = np.linspace(np.log(100.0), np.log(hottest), 5)
    total = sum(quad(integrand, *c, epsrel=1e-13)[0] for c in itertools.pairwise(cuts))
    np.testing.assert_allclose(Y, total, rtol=1e-11)
    # without, it would be larger by far more than is allowed here
    assert float(known(model).f_chi / found.f_chi) > 1.01

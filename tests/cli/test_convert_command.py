"""`jaxbounce convert`, conversion tables in configurations, the published parameter files."""

import json

import numpy as np
import pytest

from jaxbounce.cli import main
from jaxbounce.conversion import TwoLevelPropagation
from jaxbounce.conversion.models import MODELS
from jaxbounce.files.conversion import read_conversion
from jaxbounce.files.point import BENCHMARK, ConfigurationError, configure
from walls import W2

# golden A.W2.two_level at λ = 0.209, v = 0.3
P_AD, P_DEC, P_LOCAL = 0.1619105173416078, 0.1880652632503698, 0.166793584996119252
# golden A.W2.two_level and A.scattering: overlap I₂ for T = 0.12 and a span of 5
I2 = 9.694221290713385
R_PEAK = 30.0
TANH = {"Phi_inside": 2.4, "phi_outside": 1.7, "width": 1.5}


def _write_profile(path, core_jump=False):
    r = np.linspace(0.0, 60.0, 6001)
    Phi, phi = W2().fields(r - R_PEAK)
    rows = [[*row, R_PEAK, 1.0] for row in zip(r, np.asarray(Phi), -np.asarray(phi), strict=True)]
    if core_jump:
        r = np.geomspace(1e-9, 9e-7, 40)
        spike = 2.4 + 0.31e-18 / r**2
        rows[:1] = [[a, b, 0.0, R_PEAK, 1.0] for a, b in zip(r, spike, strict=True)]
    lines = ["r,Phi,phi,R_peak,w_FWHM", *(",".join(f"{x:.17g}" for x in row) for row in rows)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return _write_profile(tmp_path_factory.mktemp("wall") / "wall.csv")


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.mark.long
def test_every_tier_side_by_side(capsys, profile, tmp_path):
    out = tmp_path / "result.json"
    status, text, _ = _run(capsys, "convert", profile, "--set", "K=2.0", "--out", out)
    assert status == 0
    result = json.loads(out.read_text())
    tiers = {tier["tier"]: tier for tier in result["tiers"]}
    assert set(tiers) == set(MODELS) - {"local-coherent", "two-level-dec"}  # one crossing
    exact = tiers["two-level"]
    np.testing.assert_allclose(exact["P"], P_AD, rtol=1e-7)
    np.testing.assert_allclose(exact["details"]["P_dec"], P_DEC, rtol=1e-7)
    np.testing.assert_allclose(tiers["local"]["P"], P_LOCAL, rtol=1e-6)
    # golden A.scattering.W2_scalar_20digits at K = 2
    wave = tiers["full-wave-scalar"]["details"]
    np.testing.assert_allclose(wave["T_B"], 0.04223254562411481195, rtol=1e-6)
    np.testing.assert_allclose(wave["R_B"], 0.041376968817345977399, rtol=1e-6)
    # K = 2 is below the mass of χ inside the wall: no single passage, and no number for one
    reflected = {"two-level-relativistic", "local-relativistic"}
    assert {name for name, tier in tiers.items() if tier["status"] != "success"} == reflected
    for name, tier in tiers.items():
        assert f"{name} " in text
        if name in reflected:
            continue
        assert f"{tier['P']:#.6g}" in text
    assert "a smoothing one" in result["notes"]
    # the published keys
    assert set(result["derived"]) == {"xi_star", "phi_star", "Delta_prime_at_star"}
    np.testing.assert_allclose(result["results"]["P_chi_to_B"], tiers["local"]["P"])
    ratio = (1 - tiers["local"]["P"]) / tiers["local"]["P"]
    np.testing.assert_allclose(result["results"]["n_LSP_over_n_B"], ratio)


@pytest.mark.slow
def test_published_transport_params(capsys, profile, tmp_path):
    table = {
        "profile_csv": profile.name,
        "columns": {"r": "r", "Phi": "Phi", "phi": "phi"},
        "prefer_csv_R_peak": True,
        "R0": 29.0,
        "w": 1.7,
        "couplings": {"y_B": 1.0, "y_chi": 1.0, "lambda_tr_eff": 0.209},
        "wall": {"v_w": 0.3},
        "average_over_k": False,
    }
    params = profile.parent / "transport_params.json"
    params.write_text(json.dumps(table))
    out = tmp_path / "result.json"
    status, _, _ = _run(capsys, "convert", params, "--model", "local", "--out", out)
    assert status == 0
    result = json.loads(out.read_text())
    np.testing.assert_allclose(result["results"]["P_chi_to_B"], P_LOCAL, rtol=1e-6)
    assert result["inputs"]["R0"] == R_PEAK  # the column wins, as asked
    assert set(result["inputs"]) >= {"csv", "columns_used", "w", "y_B", "y_chi", "lambda_tr_eff"}
    params.write_text(json.dumps(table | {"prefer_csv_R_peak": False}))
    shifted = read_conversion({**table, "profile_csv": str(profile), "prefer_csv_R_peak": False})
    assert shifted.profile is not None
    assert shifted.profile.R_peak == 29.0


@pytest.mark.slow
def test_published_overlap_params(capsys, profile, tmp_path):
    params = tmp_path / "extended_LZ_lambda_params.json"
    params.write_text(
        json.dumps(
            {
                "y_B": 1.0,
                "y_chi": 1.0,
                "v_w": 0.3,
                "E_dist": {
                    "type": "MB_1D",
                    "T_reh": 0.12,
                    "E_min": 0.0,
                    "E_max_mode": "fraction",
                    "E_max_fraction": 0.6,
                },
                "nE": 160,
                "xi_span_mult": 5.0,
                "xi_side": "SFV_positive",
                "target_ratio": 2.515,
            }
        )
    )
    out = tmp_path / "result.json"
    arguments = ("convert", profile, "--params", params, "--model", "overlap", "--out", out)
    status, text, _ = _run(capsys, *arguments)
    assert status == 0
    result = json.loads(out.read_text())
    np.testing.assert_allclose(result["integrals"]["I2_phi2_f2"], I2, rtol=1e-6)
    # δ = λ₀² I₂/(v Δ'), P = 1/(1 + R), and λ_eff = λ₀ √I₂/φ*
    slope, phi = (result["derived"][k] for k in ("Delta_prime_at_star", "phi_star"))
    lam = np.sqrt(np.log1p(1 / 2.515) / (2 * np.pi) * 0.3 * slope / I2)
    np.testing.assert_allclose(result["result"]["lambda0_required"], lam, rtol=1e-6)
    lam_eff = lam * np.sqrt(I2) / phi
    np.testing.assert_allclose(result["result"]["lambda_eff_equiv"], lam_eff, rtol=1e-6)
    assert f"lambda0 = {lam:#.6g}" in text
    assert set(result["inputs"]["energy_grid"]) == {"Emin", "Emax", "nE", "T_reh"}


def test_spike_at_the_centre_is_dropped_and_reported(tmp_path, profile):
    settings = read_conversion(
        {"profile_csv": str(_write_profile(tmp_path / "spike.csv", core_jump=True))}
    )
    assert settings.profile is not None
    assert "dropped" in settings.notes[0]
    np.testing.assert_allclose(settings.profile.largest_Phi, 2.71, atol=1e-3)  # as published: kept
    assert np.abs(settings.profile.Phi).max() < 2.41
    assert not read_conversion({"profile_csv": str(profile)}).notes


@pytest.mark.long
def test_thermal_average_and_its_failure(capsys, profile):
    arguments = ("convert", profile, "--model", "two-level", "--average", "T=0.5")
    status, text, _ = _run(capsys, *arguments)
    assert status == 0
    assert "<P> at T = 0.5 GeV" in text
    status, _, err = _run(
        capsys, "convert", profile, "--model", "local", "--set", "couplings.y_chi=0.0"
    )
    assert status == 1
    assert "do not cross" in err


@pytest.mark.long
def test_a_profile_in_place_of_P(capsys, profile, tmp_path):
    out = tmp_path / "result.json"
    status, text, _ = _run(
        capsys, "run", "--set", f"conversion.profile_csv={profile}", "--out", out
    )
    assert status == 0
    result = json.loads(out.read_text())
    np.testing.assert_allclose(result["inputs"]["P_used"], P_AD, rtol=1e-7)
    # Y_B ∝ P: SPEC section 0, exact KJMA
    row = next(row for row in result["comparison"] if row["row"] == "exact KJMA")
    expected = 5.19245468477183e-13 * P_AD / BENCHMARK["P_chi_to_B"]
    np.testing.assert_allclose(row["Y_B"], expected, rtol=1e-7)
    assert "P from a wall" in text
    status, _, err = _run(
        capsys,
        *("run", "--set", f"conversion.profile_csv={profile}"),
        *("--set", "conversion.steps=8", "--set", "v_w=0.1"),
    )
    assert status == 1
    assert "number of steps" in err


def test_tanh_wall_in_a_configuration():
    point = BENCHMARK | {
        "P_chi_to_B": None,
        "conversion": {
            "tanh": TANH,
            "couplings": {"lambda_tr_eff": 0.1},
            "model": "two-level-dec",
            "steps": 256,
        },
    }
    model = configure(point).model
    assert model.conversion is not None
    assert model.value("width") == 1.5
    assert model.conversion.model == TwoLevelPropagation(steps=256, meaning="P_dec")
    replaced = configure(point, overrides={"conversion.couplings.lambda_tr_eff": 0.3}).model
    assert replaced.value("lam") == 0.3
    assert configure(point, overrides={"P_chi_to_B": 0.2}).model.conversion is None


BAD = [
    ({"profile": "x.csv"}, "profile_csv"),
    ({"tanh": {"Phi_inside": 1.0, "phi_outside": 1.0}}, "width: missing"),
    ({"tanh": {"Phi_inside": -1.0, "phi_outside": 1.0, "width": 1}}, "Phi_inside = -1"),
    ({}, "all missing"),
    ({"tanh": "thin"}, "must be a table"),
    ({"model": "two-levels"}, "did you mean 'two-level'"),
    ({"couplings": {"lamda": 0.1}}, "did you mean 'lam'"),
    ({"couplings": {"y_B": "1"}}, "must be a number"),
    ({"y_B": 1.0, "couplings": {"y_B": 1.0}}, "both given"),
    ({"wall": {"v_w": 2}}, "v_w = 2"),
    ({"v_w": 0.3, "wall": {"v_w": 0.3}}, "both given"),
    ({"average_over_k": True}, "thermal"),
    ({"E_dist": {"T_reh": -1}}, "T_reh = -1"),
    ({"E_dist": {"E_max_mode": "absolute"}}, "E_max: missing"),
    ({"xi_side": "left"}, "SFV_positive"),
    ({"steps": 12}, "multiple of 8"),
    ({"incidence": "warm"}, "thermal"),
    ({"stretch": 0}, "stretch = 0"),
    ({"model": "overlap"}, "w_FWHM"),
]


@pytest.mark.parametrize(("table", "text"), BAD)
def test_bad_tables_get_one_line(table, text):
    wall = {"tanh": TANH}
    needs_wall = not {"tanh", "profile"} & set(table) and table
    with pytest.raises(ConfigurationError) as error:
        read_conversion((wall if needs_wall else {}) | table)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"conversion": 3}, "must be a table"),
        ({"conversion": {"tanh": TANH}}, "both given"),
        ({"conversion": {"tanh": TANH, "K": 2}, "P_chi_to_B": None}, "does not use it"),
        ({"P_chi_to_B": None}, "missing"),
    ],
)
def test_a_configuration_needs_P_or_a_conversion(changes, text):
    with pytest.raises(ConfigurationError, match=text):
        configure(BENCHMARK | changes)
    table = {"tanh": TANH, "v_w": 0.5}
    with pytest.raises(ConfigurationError, match=r"differs from v_w = 0\.3"):
        configure(BENCHMARK | {"P_chi_to_B": None, "conversion": table})


@pytest.mark.parametrize(
    "arguments",
    [
        ("--average", "warm"),
        ("--average", "T=cold"),
        ("--average", "T=-1"),
        ("--v-w", "1.5"),
        ("--lambda", "-0.1"),
        ("--model", "exact"),
        ("--set", "couplings.y_C=1"),
        ("--params", "absent.json"),
        ("--model", "local", "--set", "K=1.0"),
    ],
)
def test_bad_arguments_exit_with_2(capsys, profile, arguments):
    status, out, err = _run(capsys, "convert", profile, *arguments)
    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1

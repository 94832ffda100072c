"""`jaxbounce fit`, and the tension in the report of a run."""

import json

import numpy as np
import pytest

from jaxbounce.cli import main
from jaxbounce.cosmology.constants import PROTON_MASS_KG
from jaxbounce.files.point import BENCHMARK

GEV_IN_KG = 1.78266192e-27
PROTON_MASS_GEV = PROTON_MASS_KG / GEV_IN_KG  # with it the number ratio is the mass ratio
RHO_B = 4.201850197079496e-28  # golden H.planck
RHO_DM = 2.2540099403198012e-27


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "ratio_sigma", "chi2"),
    [
        # golden H.planck: published densities; (1 − P)/P with m_χ = 0.95 GeV, and read as it is
        (("--preset", "published"), 4.214939800980557, 65.0817158326783),
        (("--set", "dark_matter=swept-once"), 5.2811294654421586, None),
        (
            ("--set", "dark_matter=swept-once", "--set", f"m_chi_GeV={PROTON_MASS_GEV!r}"),
            *(4.356016357683822, None),
        ),
    ],
)
def test_tension_of_a_run(capsys, tmp_path, changes, ratio_sigma, chi2):
    out = tmp_path / "result.json"
    status, text, _ = _run(capsys, "run", *changes, "--out", out)
    assert status == 0
    found = json.loads(out.read_text())["tension_with_planck2018"]
    np.testing.assert_allclose(found["ratio_sigma"], ratio_sigma, rtol=1e-6)
    assert f"{ratio_sigma:.2f} σ" in text
    if chi2 is not None:
        np.testing.assert_allclose(found["chi2"], chi2, rtol=1e-6)
        np.testing.assert_allclose(found["pulls"]["omega_c"], 6.553686887, rtol=1e-6)


def test_occupancy_for_the_baryons(capsys, tmp_path):
    out = tmp_path / "fit.json"
    status, _, _ = _run(capsys, "fit", "--free", "f_chi", "--only", "omega_b", "--out", out)
    assert status == 0
    found = json.loads(out.read_text())
    np.testing.assert_allclose(found["final"]["rho_B_kg_m3"], RHO_B, rtol=1e-10)
    # ρ_B is linear in f_χ: SPEC 0, eq (6) converged (Y_B of golden D)
    rho = 1.8050753143793129626e-10 * 2.891e9 * PROTON_MASS_KG
    expected = BENCHMARK["incident_flux_scale"] * RHO_B / rho
    np.testing.assert_allclose(found["free"]["f_chi"]["value"], expected, rtol=1e-9)


@pytest.mark.slow
def test_two_parameters_meet_two_data(capsys, tmp_path):
    out = tmp_path / "fit.json"
    arguments = ("fit", "--free", "incident_flux_scale,P", "--set", "dark_matter=swept-once")
    status, text, _ = _run(capsys, *arguments, "--out", out)
    assert status == 0
    found = json.loads(out.read_text())
    np.testing.assert_allclose(found["final"]["rho_B_kg_m3"], RHO_B, rtol=1e-9)
    np.testing.assert_allclose(found["final"]["rho_DM_kg_m3"], RHO_DM, rtol=1e-9)
    ratio = RHO_DM / RHO_B * PROTON_MASS_KG / (0.95 * GEV_IN_KG)
    np.testing.assert_allclose(found["free"]["P"]["value"], 1 / (1 + ratio), rtol=1e-9)
    assert "the data are reproduced" in text


def test_flat_direction_and_what_stays_unfitted_are_named(capsys):
    status, text, _ = _run(capsys, "fit", "--free", "f_chi,P")
    assert status == 0
    assert "f_chi·P to" in text
    assert "f_chi·P^-1" in text
    assert "not determined" in text
    assert "omega_c: depends on none of f_chi, P" in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--free", "f_ch"), "did you mean 'f_chi'"),
        (("--data", "plank2018"), "planck2018"),
        (("--starts", "0"), "--starts"),
        (("--data", "absent.json"), "cannot be read"),
        (("--priors", "absent.json"), "cannot be read"),
    ],
)
def test_refusals(capsys, arguments, text):
    status, out, err = _run(capsys, "fit", *arguments)
    assert status == 2
    assert out == ""
    assert text in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_posterior_of_two_parameters(capsys, tmp_path):
    pytest.importorskip("numpyro")
    arguments = ("posterior", "--free", "f_chi,P", "--set", "dark_matter=swept-once")
    out, picture = tmp_path / "draws.nc", tmp_path / "corner.png"
    status, text, _ = _run(
        capsys,
        *(*arguments, "--draws", "300", "--warmup", "200", "--out", out, "--plot", picture),
    )
    assert status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert out.stat().st_size > 1000
    # mean of P: the ratio determines it, P = 1/(1 + R m_p/m_χ), to 1.2 %
    ratio = RHO_DM / RHO_B * PROTON_MASS_KG / (0.95 * GEV_IN_KG)
    row = next(line for line in text.splitlines() if line.startswith("P "))
    mean, sd = (float(cell) for cell in row.split()[1:3])
    np.testing.assert_allclose(mean, 1 / (1 + ratio), rtol=3e-3)
    np.testing.assert_allclose(sd / mean, 0.0121, rtol=0.2)
    status, _, err = _run(capsys, *arguments, "--out", tmp_path / "draws.csv")
    assert status == 2
    assert ".nc" in err

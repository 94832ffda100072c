"""`jaxbounce bounce`, and a wall from a potential in the chain."""

import json

import numpy as np
import pytest

from bounces import three_phases
from jaxbounce.cli import main
from jaxbounce.files.conversion import SHIPPED_WALL
from jaxbounce.files.profile_csv import read_profile
from jaxbounce.potential.library import PUBLISHED


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.mark.slow
def test_published_potential(capsys, tmp_path):
    """SPEC I2, infinite volume."""
    out = tmp_path / "wall.csv"
    picture = tmp_path / "wall.png"
    arguments = ("bounce", "--preset", "published", "--digits", "10", "--out", out)
    status, text, _ = _run(capsys, *arguments, "--plot", picture)
    assert status == 0
    result = json.loads((tmp_path / "wall.json").read_text())
    np.testing.assert_allclose(result["bounce"]["action"], 1074.0283786, rtol=1e-9)
    np.testing.assert_allclose(result["bounce"]["R_peak"], 5.8601977, rtol=1e-7)
    np.testing.assert_allclose(result["bounce"]["FWHM"], 1.7517900, rtol=1e-6)
    np.testing.assert_allclose(result["derived"]["phi_star"], 0.3726720, atol=1e-7)
    np.testing.assert_allclose(result["derived"]["Delta_prime_at_star"], 0.7856918, atol=1e-7)
    assert result["certificate"]["negative_modes"] == 1
    assert "action S     1074.0283" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    # what is written is a profile: its crossing is that of the bounce
    profile = read_profile(out)
    np.testing.assert_allclose(profile.R_peak, 5.8601977, rtol=1e-7)
    Phi, phi = profile.wall().fields(result["derived"]["xi_star"])
    np.testing.assert_allclose([Phi, phi], 0.3726720, atol=1e-6)


@pytest.mark.slow
def test_the_shipped_wall_is_that_of_the_published_potential(capsys):
    """SPEC I2, infinite volume; R_peak to the digits given there."""
    profile = read_profile(SHIPPED_WALL)
    np.testing.assert_allclose(profile.R_peak, 5.8601977, rtol=1e-8)
    np.testing.assert_allclose(profile.w_FWHM, 1.7517900, rtol=1e-7)
    status, text, _ = _run(capsys, "convert", "--model", "local", "--digits", "10")
    assert status == 0
    assert "phi* = 0.37267202" in text


@pytest.mark.slow
def test_a_potential_in_the_chain(capsys, tmp_path):
    potential = tmp_path / "potential.json"
    status, text, _ = _run(capsys, "bounce", "--template")
    assert status == 0
    assert json.loads(text) == PUBLISHED
    potential.write_text(text)
    point = tmp_path / "point.json"
    point.write_text(json.dumps({"potential": potential.name}))
    out = tmp_path / "result.json"
    status, text, _ = _run(capsys, "run", "--set", f"conversion={point}", "--out", out)
    assert status == 0
    P = json.loads(out.read_text())["inputs"]["P_used"]
    # SPEC A.0: 0.1412485 on the wall of the box; the infinite-volume wall is 2e-3 steeper
    np.testing.assert_allclose(P, 0.1412485, rtol=1e-3)
    assert "P from a wall: bounce" in text


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("x.json", "--preset", "published"), 2, "exactly one potential"),
        (("absent.json",), 2, "cannot be read"),
        (("--preset", "published", "--set", "potential=__import__('os')"), 2, ""),
        (("--preset", "published", "--set", "parameters.g=text"), 2, "parameters.g"),
        (("--preset", "published", "--set", "dimension=5"), 2, "must be 3 or 4"),
        (("--preset", "published", "--out", "wall.txt"), 2, "name in .csv"),
        (("--preset", "published", "--set", "tunnels_to=elsewhere"), 2, "tunnels_to"),
        (
            ("--preset", "published", "--set", "potential=Phi**2 + phi**2*log(Phi**2)*g"),
            2,
            "potential: V is not a finite number at false_vacuum",
        ),
        (
            ("--preset", "published", "--set", "potential=phi**2*(phi**2 - g) + sqrt(Phi**2)"),
            2,
            "the gradient of V is not a finite number at false_vacuum",
        ),
        # SPEC I2: below λ_Φ v²/6 the false vacuum is tachyonic
        (("--preset", "published", "--set", "parameters.g=0.05"), 1, "false vacuum"),
    ],
)
def test_refusals(capsys, arguments, status, text):
    found, _, err = _run(capsys, "bounce", *arguments)
    assert found == status
    assert text in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_vacua_are_looked_for(capsys):
    # two wells of a quartic in one field, the left one deeper
    arguments = (
        *("bounce", "--preset", "published"),
        *("--set", 'fields=["x"]', "--set", "potential=(x**2 - 1)**2 + a*x"),
        *("--set", 'parameters={"a": 0.3}', "--set", "false_vacuum=null"),
        *("--set", "true_vacuum=null", "--set", "dimension=3", "--digits", "10"),
    )
    status, text, _ = _run(capsys, *arguments)
    assert status == 0
    roots = np.sort(np.roots([4, 0, -4, 0.3]).real)
    assert f"false vacuum x = {roots[2]:.8f}"[:24] in text
    assert f"true vacuum  x = {roots[0]:.8f}"[:24] in text


@pytest.mark.slow
def test_the_vacua_that_were_found_are_listed(capsys, tmp_path):
    # no bounce into 46.25, and S = 23.64148 into 26.25 (SciPy shooting)
    terms = three_phases(65.0).coef
    text = " + ".join(f"({float(value)!r})*x**{power}" for power, value in enumerate(terms))
    table = {
        "fields": ["x"], "potential": text, "false_vacuum": [6.25], "true_vacuum": [46.25],
        "dimension": 3,
    }  # fmt: skip
    path = tmp_path / "potential.json"
    path.write_text(json.dumps(table))
    status, text, err = _run(capsys, "bounce", path, "--digits", 9)
    assert status == 1
    assert "wall ends at x = 26.25" in text
    assert "another vacuum" in err
    rows = text.split("deeper vacua")[1].splitlines()[1:]
    assert rows[0].startswith("  x = 26.25")
    assert float(rows[0].split("S = ")[1]) == pytest.approx(23.64148, rel=2e-7)
    assert rows[1].startswith("  x = 46.25")
    assert "none found" in rows[1]

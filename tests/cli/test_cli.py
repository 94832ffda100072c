"""The command: its output, its files, its exit statuses."""

import json
import os
import re
import stat
import subprocess
import sys

import numpy as np
import pytest

from jaxbounce.cli import main
from jaxbounce.files.point import BENCHMARK


@pytest.fixture
def point(tmp_path):
    path = tmp_path / "point.json"
    path.write_text(json.dumps(BENCHMARK))
    return path


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


# rows of the specification's table (section 0); the published row to 1e-8, see there
ROWS = {
    "published": (8.720885362714675e-11, 4.217027705336e-28),
    "eq (6), converged": (1.8050753143793e-10, 8.7285e-28),
    "exact KJMA, same window": (5.13283716797962e-13, 2.482e-30),
    "exact KJMA": (5.19245468477183e-13, 2.511e-30),
    "exact KJMA, moving wall": (8.77524841726439e-13, 4.243e-30),
}


@pytest.mark.slow
def test_run_shows_every_row_of_the_table(capsys, tmp_path):
    out = tmp_path / "result.json"
    status, text, _ = _run(capsys, "run", "--digits", "13", "--out", out)
    assert status == 0
    result = json.loads(out.read_text())
    rows = {row["row"]: row for row in result["comparison"]}
    for name, (Y_B, rho_B) in ROWS.items():
        np.testing.assert_allclose(rows[name]["Y_B"], Y_B, rtol=1e-8)
        np.testing.assert_allclose(rows[name]["rho_B_kg_m3"], rho_B, rtol=3e-4)
        np.testing.assert_allclose(rows[name]["rho_DM_kg_m3"], 2.39903599679016e-27, rtol=1e-12)
        printed = re.search(rf"^  {re.escape(name)} +(\S+) +(\S+)", text, re.MULTILINE)
        assert printed is not None
        np.testing.assert_allclose(float(printed[1]), rows[name]["Y_B"], rtol=1e-12)
    # f_chi for the Planck density: linear in f_chi
    match = rows["exact KJMA"]["f_chi_for_Planck_rho_B"]
    np.testing.assert_allclose(
        match, 1.07e-9 * 4.201850197079496e-28 / rows["exact KJMA"]["rho_B_kg_m3"], rtol=1e-12
    )
    assert result["inputs"]["P_used"] == BENCHMARK["P_chi_to_B"]
    assert result["inputs"]["area_kernel"] == "eq6"
    assert result["final"]["status"] == "success"
    assert set(result["final"]) >= {
        "Y_B",
        "Y_chi",
        "rho_B_kg_m3",
        "rho_DM_kg_m3",
        "DM_over_B",
    }
    # more χ converted than the occupancy provides: said where success is
    assert re.search(r"status +: success, but more chi .*: Y_B is 43\.24 f_chi n_eq/s", text)
    assert result["final"]["caution"].startswith("more chi is converted than exists")
    # 4.9e-10 given, 4.1746e-12 to hit a wall (SPEC E)
    assert "Y_chi, which is given, is 117.4 times that: not all of today's dark" in text
    assert "omega_b > 100 σ" in text
    # Table I first: published, ours, the verdict; the paper's 5.70 beside 5.689
    table = text[: text.index("\ninputs\n")]
    assert table.count("  reproduced, ") == 4
    assert re.search(r"Y_B +8\.720885362715e-11 +8\.720885\d+e-11 ", table)
    assert re.search(r"DM/B predicted +5\.70 +5\.6997", table)
    assert "× 2.06983 " in text
    assert "× 1/351.672 " in text


@pytest.mark.slow
def test_published_preset_prints_the_published_numbers(capsys, point, tmp_path):
    out = tmp_path / "result.json"
    status, text, _ = _run(capsys, "run", point, "--preset", "published", "--out", out)
    assert status == 0
    final = json.loads(out.read_text())["final"]
    np.testing.assert_allclose(final["Y_B"], 8.720885362714675e-11, rtol=1e-8)
    np.testing.assert_allclose(final["rho_B_kg_m3"], 4.217027705336e-28, rtol=1e-8)
    assert f"{final['DM_over_B']:.6f}" == "5.688926"
    assert "DM/B     = 5.68893 " in text
    assert "distance to the converged integral" in text


@pytest.mark.slow
def test_set_and_written_choices_win_over_the_preset(capsys, tmp_path):
    path = tmp_path / "point.toml"
    path.write_text(
        "\n".join(f"{k} = {json.dumps(v)}" for k, v in BENCHMARK.items() if v is not None)
        + '\nwindow = "none"\n'
    )
    out = tmp_path / "result.json"
    status, _, _ = _run(
        capsys,
        *("run", path, "--preset", "benchmark", "--out", out),
        *("--set", "area_kernel=kjma", "--set", "v_w=0.6"),
    )
    assert status == 0
    inputs = json.loads(out.read_text())["inputs"]
    assert inputs["window"] == "none"
    assert inputs["area_kernel"] == "kjma"
    assert inputs["equilibrium"] == "piecewise"
    final = json.loads(out.read_text())["final"]
    np.testing.assert_allclose(final["Y_B"], 5.19245468477183e-13 / 2, rtol=1e-10)  # ∝ 1/v_w


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "absent.json"),
        ("run", "--set", "v_w=2"),
        ("run", "--set", "v_w"),
        ("run", "--set", "vw=0.2"),
        ("run", "--set", "v_w=NaN"),
        ("run", "--set", "v_w=fast"),
        ("run", "--set", "preset=exakt"),
        ("diagnostics", "--set", "I_p=-1"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(capsys, arguments):
    status, out, err = _run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("jaxbounce: ")


@pytest.mark.parametrize("arguments", [("run", "--preset", "exakt"), ("walk",), ("run", "--outt")])
def test_bad_usage_is_exit_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_failed_computation_is_exit_status_1_and_null(capsys, tmp_path):
    out = tmp_path / "result.json"
    status, text, err = _run(capsys, "run", "--set", "dark_matter=occupancy", "--out", out)
    assert status == 1
    assert err.count("\n") == 1
    assert "more χ than" in err
    assert "Y_B      =" not in text
    final = json.loads(out.read_text())["final"]
    assert final["Y_B"] is None
    assert final["status"] == "chi_exhausted"


@pytest.mark.slow
def test_output_is_written_whole_or_not_at_all(capsys, tmp_path, monkeypatch):
    out = tmp_path / "result.json"
    out.write_text("precious")
    monkeypatch.setattr(os, "replace", _full_disk)
    monkeypatch.chdir(tmp_path)
    status, text, err = _run(capsys, "run", "--out", out)
    assert status == 1
    assert err.count("\n") == 1
    assert "cannot be written there (No space left on device); it is in result.json.partial" in err
    assert "Y_B      =" in text  # the report comes all the same
    assert out.read_text() == "precious"
    assert json.loads((tmp_path / "result.json.partial").read_text())["final"]["Y_B"] > 0
    assert len(list(tmp_path.iterdir())) == 2
    status, _, err = _run(capsys, "run", "--out", tmp_path / "absent" / "result.json")
    assert status == 2
    assert "cannot be written (No such file or directory)" in err


def _full_disk(*_):
    raise OSError(28, "No space left on device")


def test_output_has_ordinary_permissions(capsys, tmp_path):
    out = tmp_path / "result.json"
    assert _run(capsys, "run", "--out", out)[0] == 0
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~umask


@pytest.mark.slow
def test_template_is_a_configuration_that_gives_the_benchmark(capsys, tmp_path):
    results = []
    for form in ("json", "toml"):
        status, text, _ = _run(capsys, "template", "--format", form)
        assert status == 0
        path = tmp_path / f"point.{form}"
        path.write_text(text)
        out = tmp_path / f"{form}-result.json"
        assert _run(capsys, "run", path, "--out", out)[0] == 0
        results.append(json.loads(out.read_text()))
        # a preset named on the command line must not be shadowed by the template's choices
        assert _run(capsys, "run", path, "--preset", "published", "--out", out)[0] == 0
        final = json.loads(out.read_text())["final"]
        np.testing.assert_allclose(final["Y_B"], 8.720885362714675e-11, rtol=1e-8)
    assert results[0] == results[1]
    np.testing.assert_allclose(results[0]["final"]["Y_B"], 1.8050753143793e-10, rtol=1e-10)


def test_diagnostics_at_percolation(capsys):
    status, text, _ = _run(capsys, "diagnostics", "--digits", "9")
    assert status == 0
    row = next(line for line in text.splitlines() if line.split()[:2] == ["1.00000000", "0"])
    area, flux, source, _ = map(float, row.split()[2:])
    # by hand: H_p, β, A/V = (β/v_w) 0.30382738351577097 (specification C), J = f n/4, S_B = P J A/V
    beta = 100 * 1.66 * np.sqrt(106.75) * 100.0**2 / 1.22089e19
    np.testing.assert_allclose(area, beta / 0.3 * 0.30382738351577097, rtol=1e-6)
    n = 0.75 * 1.2020569031595942 / np.pi**2 * 2 * 100.0**3
    np.testing.assert_allclose(flux, 1.07e-9 * n / 4, rtol=1e-6)
    # the table prints nine digits of each factor
    np.testing.assert_allclose(source, BENCHMARK["P_chi_to_B"] * flux * area, rtol=1e-7)


def test_help_and_version_do_not_import_jax():
    code = (
        "import sys; from jaxbounce.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert end.code in (0, None)\n"
        "assert 'jax' not in sys.modules and 'numpy' not in sys.modules"
    )
    for arguments in (["--help"], ["run", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "jaxbounce" in done.stdout


def test_the_installed_command():
    done = subprocess.run(
        [sys.executable, "-m", "jaxbounce.cli", "run", "--set", "v_w=2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert (
        done.stderr
        == "jaxbounce: v_w = 2: must be in (0, 1) (wall speed); change it to such a value\n"
    )

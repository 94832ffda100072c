"""Elasticities by the library and by the command."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import load, predict
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli import main
from jaxbounce.conversion import WallConversion
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.point import BENCHMARK
from jaxbounce.model.sensitivity import OUTPUTS, sensitivities, why_zero
from problems import AS_RUN_ELASTICITIES, ELASTICITIES
from walls import W1


def _run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


def _sets(choices):
    return [part for name, value in choices.items() for part in ("--set", f"{name}={value}")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [ELASTICITIES[0], *(pytest.param(case, marks=pytest.mark.slow) for case in ELASTICITIES[1:])],
    ids=lambda case: case.name,
)
def test_every_column_of_the_specification_by_the_command(capsys, tmp_path, case):
    out = tmp_path / "sensitivity.json"
    status, text, _ = _run(capsys, "sensitivity", "--out", out, *_sets(case.choices))
    assert status == 0
    rows = {row["parameter"]: row for row in json.loads(out.read_text())["elasticities"]}
    for name, expected in case.expected.items():
        np.testing.assert_allclose(rows[name]["rho_B"], expected, rtol=1e-8, atol=1e-8)
        assert f"  {name} " in text
    for name, expected in case.expected.items():
        if expected == 0:
            assert "rho_B" in rows[name]["why_zero"], name


@pytest.mark.slow
def test_as_run_column_by_the_command(capsys, tmp_path):
    out = tmp_path / "sensitivity.json"
    status, _, _ = _run(capsys, "sensitivity", "--preset", "published", "--out", out)
    assert status == 0
    rows = {row["parameter"]: row for row in json.loads(out.read_text())["elasticities"]}
    for name, expected in AS_RUN_ELASTICITIES.items():
        np.testing.assert_allclose(rows[name]["rho_B"], expected, rtol=1e-8, atol=2e-8)


@pytest.mark.slow
def test_ratio_and_dark_matter_are_consistent():
    found = sensitivities(load(preset="exact", dark_matter="swept-once"))
    rho_B, rho_DM, ratio = found.elasticities
    np.testing.assert_allclose(ratio, rho_DM - rho_B, atol=1e-12)
    P = BENCHMARK["P_chi_to_B"]
    # (1 − P)/P
    np.testing.assert_allclose(ratio[found.names.index("P")], -1 / (1 - P), rtol=1e-12)
    np.testing.assert_allclose(rho_DM[found.names.index("m_chi")], 1, atol=1e-4)


@pytest.mark.slow
def test_second_derivatives_against_differences_of_the_density():
    names = ("sigma_y", "I_p")
    model = load(preset="benchmark")
    found = sensitivities(model, names, second=True)
    assert found.curvatures is not None
    h = 4e-3

    def log_rho(x):
        values = {n: float(model.value(n)) * np.exp(s) for n, s in zip(names, x, strict=True)}
        return float(jnp.log(predict(model.replace(**values)).rho_B))

    for i, j in ((0, 0), (0, 1), (1, 1)):
        e, f = np.eye(2)[i], np.eye(2)[j]

        def mixed(h, e=e, f=f):
            corners = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            return sum(a * b * log_rho(h * (a * e + b * f)) for a, b in corners) / (4 * h**2)

        numeric = (4 * mixed(h) - mixed(2 * h)) / 3
        np.testing.assert_allclose(found.curvatures[0, i, j], numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_wall_parameters_are_parameters():
    model = load(preset="benchmark").with_conversion(WallConversion(W1(), Couplings(lam=0.209)))
    model = model.replace(v_w=0.6)
    found = sensitivities(model, ("lam", "v_w", "width"))
    # golden A.W1.table
    expected = [1.591706600277865, -1.848636838854831, 0.848636838854831]
    np.testing.assert_allclose(found.elasticities[0], expected, rtol=1e-7)


def test_bad_names_and_failed_models():
    model = load()
    with pytest.raises(ConfigurationError, match="did you mean 'v_w'"):
        sensitivities(model, ("v_q",))
    with pytest.raises(ConfigurationError, match="twice"):
        sensitivities(model, ("v_w", "v_w"))
    assert why_zero(model, "rho_B", "P") is None
    assert why_zero(model.replace(m_chi=500.0), "rho_B", "T_p") is None
    failed = sensitivities(model.replace(I_p=-1.0), ("v_w",))
    assert np.isnan(failed.elasticities).all()
    assert len(OUTPUTS) == failed.elasticities.shape[0]


@pytest.mark.slow
def test_command_with_names_keys_pictures_and_failures(capsys, tmp_path):
    picture = tmp_path / "bars.png"
    status, text, _ = _run(capsys, "sensitivity", "--wrt", "P_chi_to_B, sigma_y", "--plot", picture)
    assert status == 0
    assert "v_w " not in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    for arguments in (("--wrt", "vw"), ("--plot", tmp_path / "bars.txt"), ("--set", "v_w=3")):
        status, out, err = _run(capsys, "sensitivity", "--wrt", "v_w", *arguments)
        assert status == 2
        assert out == ""
        assert len(err.strip().splitlines()) == 1
    status, _, err = _run(capsys, "sensitivity", "--wrt", "v_w", "--set", "dark_matter=occupancy")
    assert status == 1
    assert "convert more" in err

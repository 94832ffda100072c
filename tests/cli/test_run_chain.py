"""`jaxbounce run` of a chain: what failed is named, and nothing is printed that is not there."""

import json

import pytest

from jaxbounce.cli import main

FAILS = """
preset = "exact"
m_chi_GeV = 300.0
v_w = 0.3
P_chi_to_B = 0.15
incident_flux_scale = 1e-9
[transition]
T_low = 100.5
T_high = 130.0
[transition.potential]
model = "high-T-cubic"
parameters = { D = 0.2, E = 0.05, lam = 0.1, T_0 = 160.0 }
"""


@pytest.mark.slow
def test_a_failed_chain_names_its_stage(capsys, tmp_path):
    """The symmetric phase is no minimum below T_0, so that nothing tunnels from there."""
    path, out = tmp_path / "point.toml", tmp_path / "result.json"
    path.write_text(FAILS, encoding="utf-8")
    assert main(["run", str(path), "--out", str(out)]) == 1
    text, err = capsys.readouterr()
    (line,) = (line for line in err.splitlines() if "at work" not in line and "compil" not in line)
    assert line.startswith("jaxbounce: transition: the false vacuum given is not near a minimum")
    assert "status   : transition: the false vacuum" in text
    assert "nan" not in text.lower()
    assert "assume" not in text
    assert not any(line.endswith(("by", "is", "of")) for line in text.splitlines())
    found = json.loads(out.read_text())
    assert found["final"]["failed"] == "transition"
    assert found["final"]["status"] == "false_vacuum_not_minimum"
    assert found["final"]["rho_B_kg_m3"] is None

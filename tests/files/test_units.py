"""Units in headers: what stands there, and that it is understood when it is read again."""

import math

import numpy as np
import pytest

from jaxbounce import ConfigurationError
from jaxbounce._core.declare import declarations
from jaxbounce.conversion.wall import Couplings
from jaxbounce.files.design import file_design
from jaxbounce.files.profile_csv import read_profile
from jaxbounce.files.units import column, derivative_columns, header, name_of
from jaxbounce.occupancy import Collisions, Decays, EnergyPartition, OffBrane
from jaxbounce.parameters import Parameters
from jaxbounce.scan.evaluate import OUTPUTS

# what has a unit, among all that a scan can vary or keep; the rest are pure numbers
WITH_UNITS = {
    "m_chi": "GeV",
    "T_p": "GeV",
    "n_chi_at_Tp": "GeV3",
    "sigma_v": "GeV-2",
    "sigma_v_slope": "GeV-2",
    "T_R": "GeV",
    "m_A": "GeV",
    "Gamma": "GeV",
    "m_X": "GeV",
    "energy": "GeV",
    "Delta_theta": "GeV4",
    "T_star": "GeV",
    "bulk_density": "GeV4",
    "distance": "GeV-1",
    "residence_time": "GeV-1",
    "rho_B": "kg m-3",
    "rho_DM": "kg m-3",
    "T_end": "GeV",
    "T_reh": "GeV",
}


def test_every_declared_name_has_its_unit():
    known = set(OUTPUTS)
    for module in (Parameters, Couplings, Decays, Collisions, EnergyPartition, OffBrane):
        known |= set(declarations(module))
    for name in known:
        found = column(name)
        assert found is not None
        assert found.units == WITH_UNITS.get(name, "1"), name
        assert "(GeV" not in found.long_name
    assert column("whatever") is None


@pytest.mark.parametrize(
    ("output", "name", "units"),
    [
        ("rho_B", "v_w", "kg m-3"),
        ("rho_B", "T_p", "kg m-3 GeV-1"),
        ("Y_B", "sigma_v", "GeV2"),
        ("Y_B", "residence_time", "GeV"),
        ("P", "lam", "1"),
        ("rho_B", "own_coupling", ""),
    ],
)
def test_units_of_derivatives(output, name, units):
    (found,) = derivative_columns([output], (name,)).values()
    assert found.units == units


@pytest.mark.parametrize("name", ["rho_B", "T_p_GeV", "v_w", "m_chi", "whatever"])
def test_a_header_is_read_again(name):
    known = column(name)
    assert name_of(header(name, "" if known is None else known.units), "points.csv") == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("T_p (GeV)", "T_p"),
        (" n_chi_at_Tp_GeV3 [GeV³]", "n_chi_at_Tp_GeV3"),
        ("rho_B[kg/m³] ", "rho_B"),
        ("g [TeV]", "g"),  # of a potential: nobody here knows its unit
    ],
)
def test_other_spellings_of_units(text, name):
    assert name_of(text, "points.csv") == name


@pytest.mark.parametrize(
    ("text", "told"),
    [("T_p [MeV]", "T_p is read in GeV"), ("v_w [km/s]", "v_w is read as a pure number")],
)
def test_another_unit_is_refused_not_dropped(text, told):
    with pytest.raises(ConfigurationError) as caught:
        name_of(text, "points.csv")
    assert str(caught.value).startswith(f"points.csv: column {text}: {told}")


def test_points_with_units_in_their_header(tmp_path):
    (tmp_path / "points.csv").write_text("T_p [GeV],v_w,m_chi_GeV (GeV)\n100,0.3,0.95\n50,0.4,1\n")
    table, _ = file_design({"file": "points.csv"}, tmp_path)
    assert {name: list(values) for name, values in table.columns.items()} == {
        "T_p": [100, 50],
        "v_w": [0.3, 0.4],
        "m_chi": [0.95, 1],
    }


def test_a_wall_with_units_in_its_header(tmp_path):
    r = np.linspace(0, 10, 60)
    rows = [f"{x},{1 - math.tanh(x - 5)},{1 + math.tanh(x - 5)}" for x in r]
    path = tmp_path / "wall.csv"
    path.write_text("\n".join(["r [GeV-1],Phi [GeV],phi (GeV)", *rows]) + "\n")
    np.testing.assert_allclose(read_profile(path).r, r)

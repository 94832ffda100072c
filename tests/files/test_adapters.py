"""Files of other tools. Each is written here from the format that its source documents."""

import json
import pickle

import numpy as np
import pytest

import jaxbounce
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli import main
from jaxbounce.files.adapters import READERS, read_from


def _bubble(R=8.0, n=400):
    """Radii and a bubble of two fields, the first not zero inside."""
    r = np.linspace(0.0, 20.0, n)
    return r, 2.4 / (1 + np.exp(2 * (r - R))), 1.7 / (1 + np.exp(-2 * (r - R)))


# MinimumTracer::GetLegend in src/minimum_tracer/minimum_tracer.cpp of BSMPT 3, as CalcGW writes
# it: input columns, then status and numbers of each pair of phases; fewer pairs leave cells empty
def _bsmpt(path):
    def pair(i):
        return [
            *(f"status_crit_{i}", f"T_crit_{i}", f"omega_crit_false_{i}", f"omega_crit_true_{i}"),
            *(f"status_bounce_sol_{i}", f"status_nucl_approx_{i}", f"T_nucl_approx_{i}"),
            *(f"status_nucl_{i}", f"T_nucl_{i}", f"status_perc_{i}", f"T_perc_{i}"),
            *(f"status_compl_{i}", f"T_compl_{i}", f"status_gw_{i}", f"T_star_{i}", f"T_reh_{i}"),
            *(f"v_wall_{i}", f"alpha_PT_{i}", f"beta/H_{i}", f"kappa_col_{i}"),
        ]

    def numbers(T_c, T_n, T_p, v, alpha, beta, status="success"):
        return [
            *("success", T_c, 0.0, 150.0, "success", "success", T_n, "success", T_n, status, T_p),
            *(status, T_p - 1, status, T_p, T_p + 2, v, alpha, beta, 0.0),
        ]

    start = ["", "mH", "status_nlo_stability", "status_ewsr", "status_tracing"]
    start += ["status_coex_pairs", "runtime"]
    header = [*start, *pair(0), *pair(1), "transition_history"]
    well = ["success", "flat", "success", "success", 1.5]
    nan = float("nan")
    second = (110, 52, 50.5, 0.6, 0.3, 95.0)
    rows = [
        [1, 350.0, *well, *numbers(120, 70.5, 68.25, 0.95, 0.12, 310.5)],
        [2, 360.0, *well, *numbers(130, 60, *[nan] * 4, "not_met"), *numbers(*second)],
        [3, 370.0, "success", "flat", "failed", "not_set", 0.1],
    ]
    width = len(header)
    lines = ["\t".join(header)]
    lines += ["\t".join([*map(str, row), *[""] * (width - len(row))]) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_pairs_of_phases_of_bsmpt_are_rows(tmp_path):
    found = jaxbounce.read_bsmpt(_bsmpt(tmp_path / "out.tsv"))
    np.testing.assert_array_equal(found.columns["T_p_GeV"], [68.25, 50.5])
    np.testing.assert_array_equal(found.columns["beta_over_H"], [310.5, 95.0])
    np.testing.assert_array_equal(found.columns["v_w"], [0.95, 0.6])
    np.testing.assert_array_equal(found.beside["line"], [1, 2])
    np.testing.assert_array_equal(found.beside["pair"], [0, 1])
    assert found.beside["T_n_GeV"][0] == 70.5
    assert any("4 pairs" in note for note in found.notes)


# Transition.report in analysis/phase_structure.py of TransitionSolver; beta in GeV, so is H
def _solver(path, **changed):
    row = {
        "id": 3,
        "falsePhase": 1,
        "truePhase": 0,
        "analysed": True,
        "subcritical": False,
        "completed": True,
        "vw": 0.7,
        "N": 2.0,
        "Tc": 88.0,
        "Tn": 61.0,
        "Tp": 55.0,
        "Tf": 54.0,
        "betaTp": 6.0e-13,
        "Hp": 4.0e-15,
        "transitionStrength": 0.21,
        "T": [50.0],
        "SonT": [99],
    } | changed
    other = {"id": 4, "falsePhase": 1, "truePhase": 2, "analysed": False, "Tc": 40.0}
    path.write_text(json.dumps({"transitions": [row, other], "paths": [], "valid": True}))
    return path


def test_beta_of_transition_solver_is_divided_by_its_H(tmp_path):
    found = jaxbounce.read_transition_solver(_solver(tmp_path / "phase_history.json"))
    assert found.point() == {"T_p_GeV": 55.0, "beta_over_H": pytest.approx(150.0), "v_w": 0.7}
    assert found.beside["T_n_GeV"] == 61.0
    strong = found.with_strength("alpha_eff").point()
    assert strong["alpha_eff"] == 0.21


# columns of `all_observables` in TransitionListener 2; OutputSchema writes them with pandas
_LISTENER = """g,v_GeV,error,errormsg,alpha,betaH_S3,betaH_RH,Treh_SM_GeV,Tperc_SM_GeV,v_wall
0.7,100.0,0,,0.42,88.5,80.25,33.0,30.5,0.9
0.8,100.0,1,too weak,,,,,,
0.9,100.0,0,,0.02,900.0,880.0,51.0,50.0,0.8
"""

# names in ptplot/management/commands/populate.py of PTPlot: one of its tables, made smaller
_PTPLOT = """Tn,alpha,betaoverH,gstar,label
412.5,0.11,55.0,130.0,A1
501.0,0.05,250.0,130.0,A2
"""


def test_points_go_into_a_scan(tmp_path, capsys):
    (tmp_path / "ptplot.csv").write_text(_PTPLOT)
    points = tmp_path / "points.csv"
    arguments = ["import", str(tmp_path / "ptplot.csv"), "--from", "ptplot", "--out", str(points)]
    assert main([*arguments, "--alpha", "alpha_V"]) == 0
    assert "note: Tn is taken as T_p" in capsys.readouterr().out
    from jaxbounce.files.design import file_design

    pytest.importorskip("pandas")
    table, specified = file_design({"file": "points.csv"}, tmp_path)
    assert set(specified) == {"T_p", "beta_over_H", "g_star", "g_star_s", "alpha_V"}
    np.testing.assert_array_equal(table.columns["T_p"], [412.5, 501.0])
    np.testing.assert_array_equal(table.columns["alpha_V"], [0.11, 0.05])


def test_failed_points_of_a_listener_are_left_out(tmp_path):
    path = tmp_path / "scan.csv"
    path.write_text(_LISTENER)
    found = jaxbounce.read_transition_listener(path)
    np.testing.assert_array_equal(found.columns["beta_over_H"], [88.5, 900.0])
    np.testing.assert_array_equal(found.beside["betaH_RH"], [80.25, 880.0])
    with pytest.raises(ConfigurationError, match="row: missing; the file holds 2"):
        found.point()
    assert found.point(2)["T_p_GeV"] == 50.0


# write_action and write_profiles in src/run_cmd_line_potential.cpp of BubbleProfiler
def _profiler(path):
    r, Phi, phi = _bubble()
    lines = ["# Action: 52.3", "# rho              h                s               "]
    lines += [f"  {x:<16.8e} {a:<16.8e} {b:<16.8e}" for x, a, b in zip(r, Phi, phi, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


# what pathDeformation.fullTunneling of CosmoTransitions returns: profile1D.R, Phi, action, fRatio
def _tunnelling(path):
    r, Phi, phi = _bubble()
    np.savez(path, R=r, Phi=np.column_stack([Phi, phi]), action=52.3)
    return path


# attributes of WallGoResults in src/WallGo/results.py, the ansatz of wallProfile in
# src/WallGo/equationOfMotion.py
def _wallgo(path):
    table = {
        "wallVelocity": 0.48,
        "wallVelocityError": 0.01,
        "wallVelocityLTE": 0.6,
        "velocityJouguet": 0.66,
        "temperaturePlus": 101.0,
        "temperatureMinus": 100.5,
        "wallWidths": [1.0, 1.0],
        "wallOffsets": [0.0, 0.0],
        "fieldProfiles": [[2.4, 0.0], [1.2, 0.85], [0.0, 1.7]],
    }
    path.write_text(json.dumps(table))
    return path


@pytest.mark.parametrize(
    ("tool", "make", "name"),
    [
        ("bubbleprofiler", _profiler, "out.txt"),
        ("cosmotransitions", _tunnelling, "wall.npz"),
        ("wallgo", _wallgo, "wall.json"),
    ],
)
def test_walls_are_what_convert_reads(tmp_path, tool, make, name):
    """All three are the wall 1 ∓ tanh(r − R) of heights 2.4 and 1.7."""
    out = tmp_path / "profile.csv"
    source = str(make(tmp_path / name))
    assert main(["import", source, "--from", tool, "--out", str(out)]) == 0
    jaxbounce.enable_x64()
    wall = jaxbounce.files.profile_csv.read_profile(out, w_FWHM=1.0).wall()
    # |Phi| = |phi| where e^(2x) = 2.4/1.7, x from the middle of the wall
    xi = np.linspace(-3.0, 3.0, 13)
    Phi, phi = (np.asarray(column) for column in wall.fields(xi))
    shift = np.arctanh(1 - 2 * Phi[6] / 2.4)  # of the middle from where R_peak is taken
    np.testing.assert_allclose(Phi, 1.2 * (1 - np.tanh(xi + shift)), atol=2e-6)
    np.testing.assert_allclose(phi, 0.85 * (1 + np.tanh(xi + shift)), atol=2e-6)


def test_wallgo_gives_its_speed_to_a_point(tmp_path, capsys):
    source = _wallgo(tmp_path / "wall.json")
    point = tmp_path / "point.json"
    assert main(["import", str(source), "--from", "wallgo", "--out", str(point)]) == 0
    assert jaxbounce.load(point).parameters.v_w == 0.48
    assert main(["import", str(source), "--from", "wallgo"]) == 0
    assert "  jaxbounce run --set v_w=0.48" in capsys.readouterr().out


# keys of transitionFinder.tunnelFromPhase of CosmoTransitions, findCritTemps for Tcrit
def test_transitions_of_cosmo_transitions(tmp_path):
    path = tmp_path / "TnTrans.json"
    rows = [
        {
            "Tnuc": 84.5,
            "action": 11_800.0,
            "trantype": 1,
            "low_vev": [230.0, 0.0],
            "high_vev": [0.0, 180.0],
            "crit_trans": {"Tcrit": 109.0, "trantype": 1},
        },
        {"Tnuc": 150.0, "action": 0.0, "trantype": 2},
    ]
    path.write_text(json.dumps(rows))
    found = jaxbounce.read_cosmo_transitions(path)
    assert found.point() == {"T_p_GeV": 84.5}
    assert found.beside["T_c_GeV"] == 109.0
    assert "Tnuc is taken" in found.notes[0]


class _Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("tool", READERS)
@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 64, b"[]", b"{", b"a,b\n1,2,3\n", b"x\ty\n1\t2\n", b"\xff\xfe\xff", b"{}"]
    + [pickle.dumps(_Trap(), protocol) for protocol in (0, 2, 5)],
)
def test_what_is_no_such_file_is_one_line_with_what_is_expected(tmp_path, tool, content, capsys):
    for name in ("file.json", "file.npz"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ConfigurationError) as error:
            read_from(tool, path)
        assert str(path) in str(error.value)
        assert main(["import", str(path), "--from", tool]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_objects_in_an_array_are_not_loaded(tmp_path):
    path = tmp_path / "wall.npz"
    np.savez(path, R=np.arange(9.0), Phi=np.array([_Trap()] * 9, dtype=object))
    with pytest.raises(ConfigurationError, match="never loaded"):
        read_from("cosmotransitions", path)


def test_numbers_that_are_not_known_are_not_guessed(tmp_path):
    old = _solver(tmp_path / "old.json", Hp=None)
    table = json.loads(old.read_text())
    del table["transitions"][0]["Hp"]
    old.write_text(json.dumps(table))
    with pytest.raises(ConfigurationError, match="no Hp"):
        read_from("transitionsolver", old)
    nucleation = tmp_path / "nuc.csv"
    nucleation.write_text("T_nuc,alpha,beta_per_H\n0.14,0.1,50\n")
    with pytest.raises(ConfigurationError, match="unit of the model"):
        read_from("ptplot", nucleation)
    temperatures = tmp_path / "temps.tsv"
    temperatures.write_text("x\tT_perc_0\tT_crit_0\n1\t50.0\t60.0\n")
    with pytest.raises(ConfigurationError, match="run CalcGW"):
        read_from("bsmpt", temperatures)

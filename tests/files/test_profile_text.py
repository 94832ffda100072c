"""Wall profiles as people save them: the same numbers from every form, or the right reason."""

import codecs

import numpy as np
import pytest

from jaxbounce._core.errors import ProfileError
from jaxbounce.cli import main
from jaxbounce.files.profile_csv import read_profile
from jaxbounce.files.profile_text import number_of

R = np.arange(0.0, 24.1, 0.5)
PHI, BRANE = 1.2 * (1 - np.tanh((R - 12) / 1.5)), 0.85 * (1 + np.tanh((R - 12) / 1.5))
TABLE = [
    [f"{x:.9f}" for x in row] for row in zip(R, PHI, BRANE, np.full(R.size, 12.0), strict=True)
]
NAMES = ["r", "Phi", "phi", "R_peak"]
HEAD = ",".join(NAMES)


def _lines(mark=",", change=str):
    return [mark.join(change(cell) for cell in row) for row in TABLE]


def _fortran(cell):
    return f"{float(cell):.12E}".replace("E", "D")


FORMS = {
    # what stands in the file before it is encoded
    "plain": [HEAD, *_lines()],
    "savetxt with two header lines": ["# from a shooting code", "# r Phi phi R_peak", *_lines(" ")],
    "header in the first of two comments": ["# r Phi phi R_peak", "# v = 1.2 b", *_lines(" ")],
    "header with commas over blanks": ["# r, Phi, phi, R_peak", *_lines(" ")],
    "units": ["r [1/GeV],Phi [GeV],phi [GeV],R_peak (1/GeV)", *_lines()],
    "trailing comma": [HEAD, *(line + "," for line in _lines())],
    "trailing comma in the header": [HEAD + ",", *(line + "," for line in _lines())],
    "header alone with a trailing comma": [HEAD + ",", *_lines()],
    "trailing tab": ["\t".join(NAMES), *(line + "\t" for line in _lines("\t"))],
    "many blanks": ["   ".join(NAMES), *("  " + line for line in _lines("    "))],
    "tabs and blanks": ["\t".join(NAMES), *_lines(" \t ")],
    "comma and blank": [", ".join(NAMES), *_lines(", ")],
    "decimal commas": [";".join(NAMES), *_lines(";", lambda cell: cell.replace(".", ","))],
    "decimal commas and tabs": ["\t".join(NAMES), *_lines("\t", lambda c: c.replace(".", ","))],
    "fortran": ["  ".join(NAMES), *_lines("  ", _fortran)],
    "fortran without a letter": [HEAD, "1.0-101" + _lines()[0][11:], *_lines()[1:]],
    "comments anywhere": [
        "% made by hand",
        "",
        "// and checked",
        HEAD,
        *_lines()[:9],
        "! the wall begins",
        *(line + "  # good" for line in _lines()[9:]),
        "# end",
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_profile(tmp_path, form):
    path = tmp_path / "wall.txt"
    path.write_text("\n".join(FORMS[form]) + "\n")
    profile = read_profile(path)
    np.testing.assert_allclose(profile.r, R, atol=1e-9)
    np.testing.assert_allclose(profile.Phi, PHI, atol=1e-9)
    np.testing.assert_allclose(profile.phi, BRANE, atol=1e-9)
    assert profile.R_peak == 12.0
    assert not profile.notes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be with mark"])
def test_byte_order_marks_and_windows_line_ends(tmp_path, encoding):
    path = tmp_path / "wall.csv"
    text = "\r\n".join([HEAD, *_lines()]) + "\r\n"
    if encoding == "utf-16-be with mark":
        path.write_bytes(codecs.BOM_UTF16_BE + text.encode("utf-16-be"))
    else:
        path.write_bytes(text.encode(encoding))
    np.testing.assert_allclose(read_profile(path).Phi, PHI, atol=1e-9)


def test_numbers():
    assert number_of("1.0D+00", ",") == 1.0
    assert number_of("-2d-3", ",") == -2e-3
    assert number_of("1.5-123", ",") == 1.5e-123
    assert number_of("0,25", ";") == 0.25
    assert number_of("+.5E1", " ") == 5.0
    for text in ("0,25", "", "1_000", "1e", "0x10", "one", "1.2.3", "--1"):
        assert number_of(text, ",") is None, text


REFUSED = {
    "no header": (_lines(), "line 1 has numbers where the names of the columns are expected"),
    "comments without names": (["# a wall", *_lines()], "line 2 has numbers"),
    "decimal commas between commas": (
        [HEAD, *_lines(",", lambda cell: cell.replace(".", ","))],
        "decimal commas only where semicolons",
    ),
    "nan": ([HEAD, *_lines(), "25,nan,1.7,12.0"], "column Phi: nan is not finite"),
    "units in a row of their own": ([HEAD, "1/GeV,GeV,GeV,1/GeV", *_lines()], "put # before"),
    "an empty cell": ([HEAD, *_lines(), "25,,1.7,12.0"], "column Phi: '' is not a number"),
    "a row cut short": ([HEAD, *_lines(), "25,0.0"], "has 2 columns, the header 4"),
    "only comments": (["# r Phi phi"], "0 rows"),
    "constant fields": (["r,Phi,phi", *(f"{i},1.0,1.0" for i in range(9))], "do not change"),
    "the same radius": ([HEAD, *_lines(), "12.0,0.1,0.1,12.0"], "r = 12 comes twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_names_the_reason(tmp_path, case):
    lines, reason = REFUSED[case]
    path = tmp_path / "wall.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wall_without_R_peak_is_centred_by_its_gradients(tmp_path):
    path = tmp_path / "wall.csv"
    path.write_text("\n".join(["r,Phi,phi", *(line.rsplit(",", 1)[0] for line in _lines())]))
    profile = read_profile(path)
    # both fields have the gradient energy of sech⁴ about 12
    np.testing.assert_allclose(profile.R_peak, 12.0, atol=1e-6)
    assert np.isnan(profile.w_FWHM)
    assert "R_peak" in profile.notes[0]
    assert read_profile(path, R_peak=11.0).R_peak == 11.0
    backwards = path.read_text().splitlines()
    path.write_text("\n".join([backwards[0], *backwards[:0:-1]]))
    again = read_profile(path)
    np.testing.assert_allclose(again.R_peak, profile.R_peak)
    assert "sorted" in again.notes[1]


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "status"), [("R0=12", 0), ("R0=30", 2)])
def test_remedies_that_messages_name_exist(tmp_path, capsys, setting, status):
    path = tmp_path / "wall.csv"
    lines = [f"{a},{b},{c}" for a, b, c, _ in TABLE]
    path.write_text("\n".join(["radius,Phi,phi", *lines]))
    command = ["convert", str(path), "--model", "local", "--set", setting]
    assert main(command) == 2
    assert "columns.r=" in capsys.readouterr().err
    assert main([*command, "--set", "columns.r=radius"]) == status
    out, err = capsys.readouterr()
    assert "R0 in a conversion table" in err if status else "of the error from the table" in out
    assert "Traceback" not in err

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from jaxbounce import Status
from jaxbounce._core.errors import ProfileError
from jaxbounce.conversion.wall import (
    Couplings,
    TabulatedWall,
    crossings,
    level_splitting,
    mixing_angle,
    plateaus,
)
from jaxbounce.files.profile_csv import read_profile
from jaxbounce.files.profile_text import LARGEST_FILE
from walls import W1, W2, Lasting, NoCrossing, TripleCrossing

KNOTS = np.sort(np.random.default_rng(0).uniform(-4, 4, 23))


def _table(values=None):
    Phi, phi = 1 - np.tanh(KNOTS), 1 + np.tanh(KNOTS / 2)
    return TabulatedWall.from_table(KNOTS, Phi if values is None else values, phi)


def test_spline_is_the_not_a_knot_cubic():
    x = np.linspace(KNOTS[0], KNOTS[-1], 400)
    Phi, phi = _table().fields(x)
    np.testing.assert_allclose(Phi, CubicSpline(KNOTS, 1 - np.tanh(KNOTS))(x), atol=1e-13)
    np.testing.assert_allclose(phi, CubicSpline(KNOTS, 1 + np.tanh(KNOTS / 2))(x), atol=1e-13)


def test_spline_is_constant_beyond_the_table():
    Phi, _ = _table().fields(jnp.array([-50.0, 50.0]))
    np.testing.assert_allclose(Phi, 1 - np.tanh(KNOTS[[0, -1]]))


def test_gradient_with_respect_to_tabulated_values():
    values = 1 - np.tanh(KNOTS)

    def field(values):
        return _table(values).fields(0.3)[0]

    unit = np.eye(KNOTS.size)[9]
    slope = jax.grad(field)(values)[9]
    np.testing.assert_allclose(slope, field(values + unit) - field(values), rtol=1e-11)


def test_table_of_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="length ≥ 4"):
        TabulatedWall.from_table(np.arange(3.0), np.ones(3), np.ones(3))


def _W1_crossing(parameters):
    y_B, y_chi, width = parameters
    t = (1.2 * y_chi - 0.85 * y_B) / (1.2 * y_chi + 0.85 * y_B)
    return width * jnp.arctanh(t)


@pytest.mark.slow
def test_crossing_and_its_first_and_second_derivatives():
    def found(parameters):
        y_B, y_chi, width = parameters
        return crossings(W1(width), Couplings(y_B=y_B, y_chi=y_chi)).xi[0]

    at = jnp.array([1.1, 0.8, 1.3])
    value, slope = jax.jit(jax.value_and_grad(found))(at)
    np.testing.assert_allclose(value, _W1_crossing(at), atol=1e-14)
    np.testing.assert_allclose(slope, jax.grad(_W1_crossing)(at), rtol=1e-12)
    hessian = jax.jit(jax.jacfwd(jax.grad(found)))(at)
    np.testing.assert_allclose(hessian, jax.hessian(_W1_crossing)(at), rtol=1e-10, atol=1e-13)


def test_crossing_of_W2():
    # SPEC A, golden A.W2.two_level
    found = crossings(W2(), Couplings())
    xi = found.xi[0]
    assert found.count == 1
    np.testing.assert_allclose(xi, 0.163559540285796292, atol=1e-14)
    slope = jax.grad(lambda x: level_splitting(W2(), Couplings(), x))(xi)
    np.testing.assert_allclose(slope, 0.883211678464087265, rtol=1e-14)


def test_several_crossings_none_and_too_many():
    found = jax.jit(crossings, static_argnums=2)(TripleCrossing(), Couplings(), 4)
    assert found.exists.tolist() == [True, True, True, False]
    assert found.status == Status.SUCCESS
    np.testing.assert_allclose(
        level_splitting(TripleCrossing(), Couplings(), found.xi[:3]), 0, atol=1e-14
    )
    assert crossings(TripleCrossing(), Couplings(), 2).status == Status.TOO_MANY_CROSSINGS
    assert crossings(NoCrossing(), Couplings()).status == Status.NO_CROSSING


def test_crossings_batch_over_walls_with_and_without_one():
    y_chi = jnp.array([0.2, 1.0, 5.0])
    found = jax.vmap(lambda y: crossings(Lasting(), Couplings(y_chi=y)))(y_chi)
    assert found.count.tolist() == [0, 2, 2]
    slope = jax.vmap(jax.grad(lambda y: crossings(Lasting(), Couplings(y_chi=y)).xi[0]))(y_chi)
    assert np.isfinite(slope).all()
    assert slope[0] == 0


@pytest.mark.parametrize("tolerance", [1e-4, 1e-10])
def test_plateaus_are_as_close_to_the_limits_as_asked_and_no_closer_than_needed(tolerance):
    couplings = Couplings(lam=0.209)
    ends = plateaus(W1(), couplings, tolerance)
    limits = np.array([np.pi / 2, np.arctan(2 * 0.209) / 2])
    off = np.abs(mixing_angle(W1(), couplings, jnp.array([ends.lower, ends.upper])) - limits)
    np.testing.assert_allclose(ends.distance, off.sum(), rtol=1e-3)
    assert tolerance / 3 < off.max() < tolerance


GOOD = [(0.5 * i, 2 - np.tanh(0.5 * i - 4) - 0.99, -1 - np.tanh(0.5 * i - 4)) for i in range(20)]
REFERENCE = [",".join(map(str, row)) for row in GOOD]


def _write(path: Path, lines, header="r,Phi,phi,R_peak"):
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t", "   "])
@pytest.mark.parametrize("header", [("r", "Phi", "phi"), ("R", "PHI", "phi"), ("r", "Phi", "PHI")])
def test_reads_any_order_case_and_delimiter(tmp_path, mark, header):
    order = [2, 0, 1]
    lines = [mark.join(str(row[i]) for i in order) for row in [*GOOD[::-1], GOOD[3]]]
    path = _write(tmp_path / "p.csv", lines, mark.join(header[i] for i in order))
    profile = read_profile(path, R_peak=4.0)
    np.testing.assert_allclose(profile.r, [row[0] for row in GOOD])
    np.testing.assert_allclose(profile.phi, [row[2] for row in GOOD])
    Phi, phi = profile.wall().fields(0.5 - 4.0)
    np.testing.assert_allclose([Phi, phi], [GOOD[1][1], -GOOD[1][2]], rtol=1e-13)


def test_columns_by_name_and_R_peak_from_the_file(tmp_path):
    lines = [f"{line},4.0" for line in REFERENCE]
    path = _write(tmp_path / "p.csv", lines, "radius,h,S,R_peak")
    profile = read_profile(path, columns={"r": "radius", "Phi": "h", "phi": "S"})
    assert profile.R_peak == 4.0
    assert np.isnan(profile.w_FWHM)


BAD = {
    "missing column": ("r,Phi,x,R_peak", [f"{s},4" for s in REFERENCE], "no column phi"),
    "nan": ("r,Phi,phi", [*REFERENCE, "11,nan,1"], "line 22, column Phi: nan is not finite"),
    "text": ("r,Phi,phi", [*REFERENCE, "11,abc,1"], "line 22, column Phi: 'abc' is not a number"),
    "two rows": ("r,Phi,phi", REFERENCE[:2], "2 rows; a profile needs at least 8"),
    "mixed delimiter": ("r,Phi,phi", [*REFERENCE, "11;1;1"], "line 22 has 1 columns"),
    "wrong delimiter": ("r|Phi|phi", REFERENCE, "separated by comma"),
    "conflict": ("r,Phi,phi", [*REFERENCE, "1.0,7,7"], "r = 1 comes twice"),
    "negative r": ("r,Phi,phi", ["-1,2,0", *REFERENCE], "negative"),
    "sign change": ("r,Phi,phi", [*REFERENCE, "11,1,1.5"], "column phi changes sign"),
    "zero field": ("r,Phi,phi", [f"{i},0,1" for i in range(9)], "Phi is zero everywhere"),
    "R_peak outside": ("r,Phi,phi,R_peak", [f"{s},40" for s in REFERENCE], "R_peak = 40"),
    "R_peak varies": (
        "r,Phi,phi,R_peak",
        [f"{s},{i + 2}" for i, s in enumerate(REFERENCE)],
        "column R_peak varies",
    ),
    "twice": ("r,Phi,phi,phi", [f"{s},1" for s in REFERENCE], "2 columns are called phi"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_get_one_clear_line(tmp_path, case):
    header, lines, message = BAD[case]
    path = _write(tmp_path / "bad.csv", lines, header)
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    text = str(caught.value)
    assert message in text
    assert "bad.csv" in text
    assert "\n" not in text


def test_unreadable_files_get_one_clear_line(tmp_path):
    with pytest.raises(ProfileError, match="cannot be read"):
        read_profile(tmp_path / "absent.csv")
    empty = tmp_path / "empty.csv"
    empty.write_text("\n \n")
    with pytest.raises(ProfileError, match=r"empty\.csv: empty"):
        read_profile(empty)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x80\x81\xff" * 50)
    with pytest.raises(ProfileError, match="not a text file"):
        read_profile(binary)
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # sparse
    with pytest.raises(ProfileError, match="at most 200 MB"):
        read_profile(huge)


def test_radius_and_width_from_a_potential(tmp_path):
    # Gradient energy alone (V = 0) of a tanh step: 2π² r³ sech⁴(r − 30) (½ + ½)
    r = np.linspace(20.0, 40.0, 801)
    lines = [f"{x},{1 - np.tanh(x - 30)},{1 + np.tanh(x - 30)}" for x in r]
    path = _write(tmp_path / "p.csv", lines, "r,Phi,phi")
    profile = read_profile(path, potential=lambda Phi, phi: 0 * Phi * phi)
    fine = np.linspace(27, 33, 600_001)
    energy = fine**3 / np.cosh(fine - 30) ** 4
    half = fine[energy > energy.max() / 2]
    np.testing.assert_allclose(profile.R_peak, fine[energy.argmax()], atol=2e-5)
    np.testing.assert_allclose(profile.w_FWHM, half[-1] - half[0], atol=2e-5)


@pytest.mark.skipif("JAXBOUNCE_PROFILE" not in os.environ, reason="needs the published CSV")
def test_published_profile():
    # SPEC A.1, golden A.local_LZ.cubic_spline; SPEC I2 (potential, R_peak of the box, FWHM)
    path = os.environ["JAXBOUNCE_PROFILE"]
    wall = read_profile(path).wall()
    xi = crossings(wall, Couplings()).xi[0]
    slope = jax.grad(lambda x: level_splitting(wall, Couplings(), x))(xi)
    np.testing.assert_allclose(xi, -0.15120721114790367, rtol=1e-8)
    np.testing.assert_allclose(wall.fields(xi)[1], 0.3729811775676378, rtol=1e-8)
    np.testing.assert_allclose(slope, 0.7872035391983097, rtol=1e-8)

    def potential(Phi, phi):
        v, portal = 99 / 42, 2.313019
        hidden = 0.025 * (Phi**2 - v**2) ** 2 - 4.049587e-9 * Phi**2
        return hidden + 2.5e-9 * (phi**2 - 1) ** 2 - 1e-8 * phi**2 + portal * Phi**2 * phi**2

    raw = read_profile(path)
    found = read_profile(path, potential=potential)
    assert found.R_peak == raw.R_peak  # the file's own wins
    from jaxbounce.files.profile_csv import radius_and_width

    peak, width = radius_and_width(raw.r, raw.Phi, raw.phi, potential)
    np.testing.assert_allclose(peak, 5.8666181, atol=1e-6)
    np.testing.assert_allclose(width, 1.7511303, atol=1e-6)

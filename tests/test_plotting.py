"""Pictures: what can be seen in them. Drawn from results made by hand."""

import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import jaxbounce
from jaxbounce import plotting
from jaxbounce.inference import read_priors
from jaxbounce.inference.fisher import Combination
from jaxbounce.plotting.style import SYMBOLS


@pytest.mark.parametrize("false", [[0.0, 3.0], [-1.0, 3.0]])
def test_a_bounce_is_shown_as_far_as_its_wall_reaches(false):
    def fields(r):
        step = (1 - np.tanh(r - 5.0)) / 2
        return np.array(false) + np.outer(step, [1.0, -2.0])

    found = SimpleNamespace(
        scan_radii=lambda n: np.linspace(0.0, 400.0, n),
        fields=fields,
        false_vacuum=false,
        R_peak=5.0,
        FWHM=1.0,
    )
    ax = plotting.bounce(found, names=["Phi", "phi"])
    left, right = ax.get_xlim()
    assert left == 0
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()  # told apart in grey
    assert right == pytest.approx(1.25 * (5 + np.arctanh(0.94)), abs=0.4)  # the step of the radii
    assert ax.get_xlabel().startswith("$r$ (")
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [r"$\Phi$", r"$\phi$"]


def test_a_bounce_that_fills_its_box_is_shown_whole():
    found = SimpleNamespace(
        scan_radii=lambda n: np.linspace(0.0, 10.0, n),
        fields=lambda r: np.cos(np.pi * r / 20)[:, None],
        false_vacuum=[0.0],
        R_peak=np.nan,
        FWHM=np.nan,
    )
    assert plotting.bounce(found).get_xlim() == (0.0, 10.0)


def test_a_thin_wall_is_shown_without_its_inside():
    found = SimpleNamespace(
        scan_radii=lambda n: np.linspace(0.0, 400.0, n),
        fields=lambda r: ((1 - np.tanh(r - 100.0)) / 2)[:, None],
        false_vacuum=[0.0],
        R_peak=100.0,
        FWHM=1.0,
    )
    left, right = plotting.bounce(found).get_xlim()
    assert 90 < left < 99
    assert 101 < right <= 106


def test_yields_are_shown_without_what_is_nothing_beside_the_largest():
    y = np.linspace(-50.0, 400.0, 200)
    T = 100 / np.sqrt(1 + 2 * y / 101)
    Y_B = np.where(y < -40, 0.0, 1e-10 / (1 + np.exp(-y)))
    Y_B[1:8] = np.geomspace(1e-40, 1e-30, 7)
    source = np.exp(-(((y - 5) / 10) ** 2))
    found = SimpleNamespace(T=T, y=y, Y_chi=0 * T + 4.9e-10, Y_B=Y_B, source=source, area_density=T)
    upper, zoom, lower, lower_zoom = plotting.evolution(found).axes
    low, high = upper.get_ylim()
    assert 1e-25 < low < 1e-20
    assert 4.9e-10 < high < 1e-7
    assert upper.get_xlim()[0] > upper.get_xlim()[1]  # time goes to the right
    assert lower.get_xlabel() == "$T$ (GeV)"
    assert "T_p = 100" in upper.get_title()
    assert -60 < zoom.get_xlim()[0] < -20  # where walls are
    assert 30 < lower_zoom.get_xlim()[1] < 60
    dead = SimpleNamespace(T=T, y=y, Y_chi=0 * T, Y_B=0 * T, source=0 * T, area_density=0 * T)
    assert plotting.evolution(dead).axes[0].get_ylabel() == "yield $n/s$"


def test_contours_hold_what_they_say_and_follow_their_priors():
    rng = np.random.default_rng(1)
    f, P = np.exp(rng.normal(size=20_000) - 20), rng.normal(0.5, 0.05, 20_000)
    priors = {
        "f_chi": {"prior": "log-uniform", "low": 1e-12, "high": 1e-6},
        "P": {"prior": "uniform", "low": 0.0, "high": 1.0},
    }
    model = jaxbounce.load()
    found = SimpleNamespace(
        fit=SimpleNamespace(
            values={"f_chi": 2e-9, "P": 0.5},
            problem=SimpleNamespace(
                names=("f_chi", "P"), priors=tuple(read_priors(model, priors, priors).values())
            ),
            directions=SimpleNamespace(determined=[Combination({"f_chi": 1.0, "P": 1.0}, 0.1)]),
        ),
        data=SimpleNamespace(
            posterior={"f_chi": SimpleNamespace(values=f), "P": SimpleNamespace(values=P)}
        ),
    )
    figure = plotting.corner(found)
    (panel,) = [ax for ax in figure.axes if ax.get_xlabel() and ax.get_ylabel()]
    assert (panel.get_xlabel(), panel.get_ylabel()) == (r"$f_\chi$", "$P$")
    # the axis is of log10 f: so is its prior's outline on the diagonal, which is level there
    assert panel.get_xlim()[0] < np.log10(np.median(f)) < panel.get_xlim()[1]
    outline = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(outline, 1 / 6, rtol=1e-6)  # per decade, of six
    outer, inner = (_share(panel.collections[-1], i, np.log10(f), P) for i in (0, 1))
    assert outer == pytest.approx(0.95, abs=0.02)
    assert inner == pytest.approx(0.68, abs=0.03)


def _share(contours, level, x, y):
    path = contours.get_paths()[level]
    return np.mean(path.contains_points(np.column_stack([x, y])))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rho_B", r"$\rho_B$ ($\rm kg\,m^{-3}$)"),
        ("v_w", "$v_w$"),
        ("a$b", r"a\$b"),
        ("error_estimate", "error_estimate"),
    ],
)
def test_labels_are_symbols_with_units(name, text):
    assert plotting.label(name) == text


def test_every_parameter_has_a_symbol():
    assert set(jaxbounce.parameters.DECLARATIONS) <= set(SYMBOLS)


def test_phases_are_drawn_where_they_are():
    from jaxbounce.files.phases import solve_phases
    from jaxbounce.plotting.transitions import phases

    table = {"model": "high-T-cubic", "transition": {"T_low": 95.0, "T_high": 112.0}}
    found = solve_phases(table)
    (ax,) = phases(found).axes
    assert ax.get_ylabel() == r"$\phi$ (GeV)"
    lines: list[Any] = list(ax.lines)
    curves = [line for line in lines if len(line.get_xdata()) > 2]
    assert len(curves) == len(found.diagram.phases)
    across = [line for line in lines if len(line.get_xdata()) == 2]
    marked = [line.get_xdata()[0] for line in across if line.get_linestyle() == "--"]
    styles = [(line.get_linestyle(), line.get_marker()) for line in curves]
    assert len(set(styles)) == len(curves)  # told apart in grey
    # T_0/√(1 − E²/(λD)) of the model's couplings
    assert marked == pytest.approx([100 / np.sqrt(1 - 0.05**2 / (0.1 * 0.2))], rel=1e-10)


def test_rows_have_their_ratio_beside_them_and_no_number_over_another():
    def row(rho_B, ratio, status=jaxbounce.Status.SUCCESS):
        return SimpleNamespace(rho_B=rho_B, ratio=ratio, status=int(status))

    failed = row(np.nan, np.nan, jaxbounce.Status.INVALID_PARAMETER)
    rows = {"published": row(4.2e-28, 5.689), "exact KJMA": row(2.5e-30, 955.5), "bad": failed}
    found: Any = SimpleNamespace(prediction=row(8.7e-28, 2.748), rows=rows)
    ax = plotting.comparison(found)
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == r"$\rho_B$ ($\rm kg\,m^{-3}$)"
    beside = [text for text in ax.texts if text.get_position()[0] > 1]
    assert {text.get_text() for text in beside} >= {"2.748", "5.689", "955.5"}
    assert [text.get_text() for text in ax.texts if text not in beside] == ["no number"]


def test_elasticities_have_numbers_beside_their_bars(monkeypatch):
    from jaxbounce.model import sensitivity

    rows = [
        {"parameter": "v_w", "rho_B": -1.0, "rho_DM": None},
        {"parameter": "m_chi", "rho_B": 1.25e-4, "rho_DM": 1.0},
        {"parameter": "g_star", "rho_B": 1e-9, "rho_DM": 0.0},
    ]
    monkeypatch.setattr(sensitivity, "as_rows", lambda found: rows)
    found: Any = None
    ax = plotting.tornado(found)
    assert [text.get_text() for text in ax.get_yticklabels()] == [r"$m_\chi$", "$v_w$"]
    assert {text.get_text() for text in ax.texts} == {"−1", "+0.000125", "+1", ""}


def test_a_notebook_shows_a_figure_that_pyplot_does_not_know():
    from jaxbounce.plotting.figures import new_figure

    figure: Any = new_figure(2, 1)
    figure.subplots().plot([0, 1])
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert len(pickle.loads(pickle.dumps(figure)).axes) == 1


@pytest.mark.parametrize("limits", [(-7.015, -6.99), (-9.4, -8.9), (-12.0, -6.0)])
def test_places_of_a_logarithmic_axis_are_told_apart_and_true(limits):
    from jaxbounce.plotting.inferred import _as_power, _ticks

    places = _ticks(limits, True).tick_values(*limits)
    texts = [_as_power(place, 0) for place in places]
    assert 2 <= len(set(texts)) == len(texts)
    for place, text in zip(places, texts, strict=True):
        factor, _, power = text.strip("$").rpartition(r"10^{")
        shown = float(factor.removesuffix(r"\times") or 1) * 10.0 ** int(power.rstrip("}"))
        assert shown == pytest.approx(10**place, rel=1e-9)

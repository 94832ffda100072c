"""Pictures: what can be seen in them. Drawn from results made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from jaxbounce import plotting


@pytest.mark.parametrize("false", [[0.0, 3.0], [-1.0, 3.0]])
def test_a_bounce_is_shown_as_far_as_its_wall_reaches(false):
    def fields(r):
        step = (1 - np.tanh(r - 5.0)) / 2
        return np.array(false) + np.outer(step, [1.0, -2.0])

    found = SimpleNamespace(
        scan_radii=lambda n: np.linspace(0.0, 400.0, n), fields=fields, false_vacuum=false
    )
    ax = plotting.bounce(found, names=["Phi", "phi"])
    left, right = ax.get_xlim()
    assert left == 0
    assert right == pytest.approx(1.25 * (5 + np.arctanh(0.94)), abs=0.4)  # the step of the radii
    assert ax.get_xlabel().startswith("r (")
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Phi", "phi"]


def test_a_bounce_that_fills_its_box_is_shown_whole():
    found = SimpleNamespace(
        scan_radii=lambda n: np.linspace(0.0, 10.0, n),
        fields=lambda r: np.cos(np.pi * r / 20)[:, None],
        false_vacuum=[0.0],
    )
    assert plotting.bounce(found).get_xlim() == (0.0, 10.0)


def test_yields_are_shown_without_what_is_nothing_beside_the_largest():
    T = np.geomspace(500.0, 0.1, 50)
    Y_B = np.where(T > 400, 0.0, 1e-10 * np.exp(-((T / 100) ** 2)))
    Y_B[1:8] = np.geomspace(1e-40, 1e-30, 7)
    found = SimpleNamespace(T=T, Y_chi=0 * T + 4.9e-10, Y_B=Y_B, source=Y_B, area_density=T)
    upper, lower = plotting.evolution(found).axes
    low, high = upper.get_ylim()
    assert 1e-25 < low < 1e-20
    assert 4.9e-10 < high < 1e-7
    assert upper.get_xlim()[0] > upper.get_xlim()[1]  # time goes to the right
    for axes in (upper, lower):
        assert axes.get_ylabel()
    dead = SimpleNamespace(T=T, Y_chi=0 * T, Y_B=0 * T, source=0 * T, area_density=0 * T)
    assert plotting.evolution(dead).axes[0].get_ylabel() == "yield n/s"


def test_phases_are_drawn_where_they_are():
    from jaxbounce.files.phases import solve_phases
    from jaxbounce.plotting_transition import phases

    table = {"model": "high-T-cubic", "transition": {"T_low": 95.0, "T_high": 112.0}}
    found = solve_phases(table)
    (ax,) = phases(found).axes
    assert ax.get_ylabel() == "phi (GeV)"
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert len(curves) == len(found.diagram.phases)
    marked = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    # T_0/√(1 − E²/(λD)) of the model's couplings
    assert marked == pytest.approx([100 / np.sqrt(1 - 0.05**2 / (0.1 * 0.2))], rel=1e-10)

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
    assert 7.9 < right < 10  # (1 - tanh 2.9)/2 = 3.0e-3
    assert ax.get_xlabel().startswith("r (")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Phi", "phi"]


def test_a_bounce_that_fills_its_box_is_shown_whole():
    found = SimpleNamespace(
        scan_radii=lambda n: np.linspace(0.0, 10.0, n),
        fields=lambda r: np.cos(np.pi * r / 20)[:, None],
        false_vacuum=[0.0],
    )
    assert plotting.bounce(found).get_xlim() == (0.0, 10.0)

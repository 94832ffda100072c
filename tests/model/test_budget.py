"""The budget against the rows of the specification (SPEC.md, section 0), and what it says."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxbounce as jb
from jaxbounce.model.budget import RESIDUAL, Budget, Change, Step, _verdict
from jaxbounce.model.prediction import Prediction
from jaxbounce.model.published import compared

# Y_B of the rows of the specification
PUBLISHED, EQ6, KJMA_WINDOW, KJMA, MOVING = (
    8.720885362714675e-11,
    1.8050753143793e-10,
    5.13283716797962e-13,
    5.19245468477183e-13,
    8.77524841726439e-13,
)


def test_the_residual_factor_is_what_verdicts_measure_by():
    assert pytest.approx(math.log(0.94168), rel=1e-15) == RESIDUAL
    # of numbers printed to four digits
    assert math.exp(RESIDUAL) == pytest.approx(5.357 / 5.6889, rel=1e-4)
    assert _verdict(0.001) == "cannot explain it: negligible"
    assert _verdict(0.5) == "too small to explain it alone"
    assert _verdict(-0.92) == "as large as it, of the other sign"
    assert _verdict(12.1) == "12.1 times as large"


@pytest.mark.slow
def test_each_improvement_of_the_benchmark():
    found = jb.budget(jb.load())
    steps: dict[str, Any] = {step.name: step for step in found.steps}
    expected = {
        "grids converged": math.log(EQ6 / PUBLISHED),
        "exact area density": math.log(KJMA_WINDOW / EQ6),
        "no window": math.log(KJMA / KJMA_WINDOW),
        "moving-wall flux": math.log(MOVING / KJMA),
    }
    for name, change in expected.items():
        np.testing.assert_allclose(steps[name].change.rho_B, change, atol=1e-8)
        assert steps[name].change.rho_DM == 0  # an input
        np.testing.assert_allclose(steps[name].change.ratio, -change, atol=1e-8)
    # massless chi: (1 + v_w)² whatever the area is
    np.testing.assert_allclose(
        steps["moving-wall flux"].change_alone.rho_B, 2 * math.log(1.3), atol=1e-8
    )
    assert "a table conversion" in steps["thermal average"].reason
    # the two-zone closure at v_w = 0.3 and P = 0.149258: S = 0.758910527182397503 (SPEC, E)
    S, p = 0.758910527182397503, found.end
    np.testing.assert_allclose(float(p.Y_chi / p.Y_B), S / (1 - S), rtol=2e-5)  # m/T = 0.0095
    assert steps["depletion"].change_alone is None
    assert found.matching(found.start) == pytest.approx(1.066149e-9, rel=1e-6)
    assert all(row.reproduced for row in compared(found.start).values())
    assert "exact area density" in repr(found)


def test_where_there_is_nothing_to_improve_it_says_so():
    with pytest.raises(jb.ConfigurationError, match="nothing is converted"):
        jb.budget(jb.load(preset="published", P_chi_to_B=0.0))


def test_a_budget_is_drawn_from_where_each_step_begins():
    pytest.importorskip("matplotlib")
    names = [name for name in Prediction.__dataclass_fields__ if name not in ("status", "failed")]
    numbers = {name: jnp.asarray(1.0) for name in names}
    one = Prediction(**numbers, status=jnp.asarray(1), failed=jnp.asarray(1))
    up, down = Change(0.5, 0.0, -0.5), Change(-2.0, 0.0, 2.0)
    steps = (
        Step("first", "", None, one, one, up, up),
        Step("left out", "", "no wall", None, None, up, None),
        Step("second", "", None, None, one, None, down),
    )
    figure = jb.plot(Budget(one, steps, 1.0, ()))
    left, right = figure.axes
    patches: list[Any] = list(left.patches)
    bars = [(bar.get_x(), bar.get_width(), bool(bar.get_hatch())) for bar in patches]
    assert bars == [(0.0, 0.5, False), (0.5, -2.0, True)]
    assert [text.get_text() for text in left.get_yticklabels()] == [
        "published",
        "first",
        "left out",
        "second",
    ]
    assert right.get_xlim()[0] < -0.5 < 1.5 < right.get_xlim()[1]

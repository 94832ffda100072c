"""How a transition moves with the renormalisation scale."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce.files.transition import EXAMPLE, read_transition
from jaxbounce.transition import scale
from jaxbounce.transition.scale import spread, vary_scale

ONE_LOOP = {"model": "dark-u1", "transition": {"T_low": 10.0, "T_high": 40.0}}


def powers(thermal):
    """A transition of powers of Q, of which there is none above 150."""
    Q = float(thermal.configured.theta["Q"])
    assert float(thermal.couplings["g"]) == 0.6
    if Q > 150:
        raise ComputationError("no transition: Q is large")
    numbers = {"T_n": Q**0.5, "T_p": Q, "beta_over_H": Q**-1.0}
    return SimpleNamespace(transition=SimpleNamespace(**numbers))


def test_half_and_twice_the_scale(monkeypatch):
    monkeypatch.setattr(scale, "solve_transition", powers)
    thermal = read_transition(ONE_LOOP)
    lower, middle, upper = vary_scale(thermal)
    assert (lower.scale, middle.scale, upper.scale) == (50.0, 100.0, 200.0)
    assert upper.numbers == {}
    assert upper.reason == "no transition: Q is large"
    assert np.isnan(spread((lower, middle, upper))["T_n"])
    found = spread(vary_scale(thermal, 1.44, known=powers(thermal)))
    np.testing.assert_allclose(list(found.values()), [1.2 - 1 / 1.2, *2 * [1.44 - 1 / 1.44]])


def test_what_has_no_scale():
    with pytest.raises(ConfigurationError, match="Q: missing"):
        vary_scale(read_transition(EXAMPLE))
    with pytest.raises(ConfigurationError, match="factor = 1: must be above 1"):
        vary_scale(read_transition(ONE_LOOP), 1.0)


@pytest.mark.long
def test_it_is_the_potential_at_that_scale():
    """At T the difference is that of the logarithms alone: Σ ±n m⁴ ln(Q²/Q'²)/(64π²)."""
    thermal = read_transition(ONE_LOOP)
    moved = scale._at(thermal, 2 * thermal.configured.theta["Q"])
    phi, theta = jnp.array([60.0]), thermal.configured.theta
    V = thermal.configured.potential
    g, lam, v = (float(theta[name]) for name in ("g", "lam", "v"))
    scalars = (lam * (3 * 60**2 - v**2)) ** 2 + (lam * (60**2 - v**2)) ** 2
    expected = -(3 * (g * 60) ** 4 + scalars) * np.log(4) / (64 * np.pi**2)
    difference = float(V(phi, moved.configured.theta) - V(phi, theta))
    assert difference == pytest.approx(expected, rel=1e-9)

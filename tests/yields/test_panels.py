"""The error estimate of a panel, put to functions that it cannot resolve: closed-form integrals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce.yields.panels import (
    integrate_panels,
    panel_nodes,
    panel_sums,
    unseen_at_edges,
    with_edges,
)

PLACES = np.linspace(-0.8, 0.8, 161)


def _kink(y, c):
    return 1 + np.abs(y - c)


def _switch(y, c):
    """On from c."""
    return np.where(y > c, 1.0, 0.0)


def _corner(y, c):
    """On from c, like a square root."""
    return np.sqrt(np.maximum(y - c, 0.0))


def _power(y, c):
    """A branch point just outside the panel."""
    return (y + 1 + 0.1 * (1 + c)) ** -2.5


def _bell(y, c):
    """A peak 0.15 wide."""
    return np.exp(-(((y - c) / 0.15) ** 2) / 2)


def _integral(name, c):
    if name == "kink":
        return 2 + ((1 - c) ** 2 + (1 + c) ** 2) / 2
    if name == "switch":
        return 1 - c
    if name == "corner":
        return (1 - c) ** 1.5 / 1.5
    if name == "power":
        d = 0.1 * (1 + c)
        return (d**-1.5 - (2 + d) ** -1.5) / 1.5
    from scipy.special import erf

    scale = 0.15 * np.sqrt(2)
    return 0.15 * np.sqrt(np.pi / 2) * (erf((1 - c) / scale) + erf((1 + c) / scale))


FUNCTIONS = {"kink": _kink, "switch": _switch, "corner": _corner, "power": _power, "bell": _bell}


@pytest.mark.parametrize("nodes", [8, 16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_estimate_grows_with_what_a_panel_does_not_resolve(name, nodes):
    """Wherever it sits between the nodes; and it is not so large that it says nothing."""
    y, half = panel_nodes(jnp.array([-1.0, 1.0]), nodes)
    values = np.stack([FUNCTIONS[name](np.asarray(y), c) for c in PLACES])
    run = jax.jit(jax.vmap(lambda v: integrate_panels(panel_sums(v), half, nodes)))
    found, estimate = run(jnp.asarray(values))
    exact = np.array([_integral(name, c) for c in PLACES])
    error = np.abs(np.asarray(found) - exact)
    assert error.max() > 1e-7 * exact.max()
    assert np.mean(error <= np.asarray(estimate)) >= 0.99
    if name not in ("bell", "power"):  # a power of k is far above what is smooth
        assert np.median(estimate / (error + 1e-12 * exact)) < 1e3


def test_the_estimate_of_what_is_smooth_is_small():
    y, half = panel_nodes(jnp.array([0.0, 1.0]))
    found, estimate = integrate_panels(panel_sums(jnp.exp(y)), half)
    np.testing.assert_allclose(found, np.e - 1, rtol=1e-14)
    assert estimate < 1e-11


def test_a_tail_that_a_wide_panel_does_not_see():
    """e^{−y/ℓ} on [0, 50], resolved down to e^{−16}, the rest in one panel: ∫ = ℓ."""
    for scale in np.logspace(-4, -2, 5):
        edges = jnp.asarray([0, 1, 3, 6, 10, 16, 50 / scale]) * scale
        y, half = panel_nodes(edges)
        values = jnp.exp(-y / scale)
        found, estimate = integrate_panels(panel_sums(values), half)
        continuous = jnp.ones(half.size - 1, bool)
        unseen = unseen_at_edges(panel_sums(values), half, continuous)
        error = abs(float(found) - scale)
        assert error > 1e-8 * scale > estimate
        assert error <= unseen + estimate < 20 * error
        # where every panel sees its own, next to nothing is added
        y, half = panel_nodes(jnp.asarray([0.0, 1, 3, 6, 10, 16, 40]) * scale)
        assert unseen_at_edges(panel_sums(jnp.exp(-y / scale)), half, continuous) < 1e-13 * scale


def test_edges_outside_leave_the_first_and_the_last_panel():
    """The first is even in T_p/T where it begins near T → ∞, which an empty one is not."""
    edges = with_edges(jnp.array([0.0, 1.0, 2.0, 4.0]), jnp.array([-5.0, 0.0, 1.5, 4.0, 9.0]))
    np.testing.assert_array_equal(edges, [0, 1, 1, 1, 1, 1, 1.5, 2, 4])

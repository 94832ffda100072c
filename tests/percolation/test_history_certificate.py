"""What `nucleation_history` says of its own error: a rate that its panels do not resolve."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from histories import V_W, Pulse, area_density, extended_volume, log_rate, random_pulses

from jaxbounce._core.status import Status
from jaxbounce.percolation import nucleation_history

EDGES = jnp.linspace(0.0, 4.0, 17)
TIMES = np.linspace(0.3, 4.0, 15)


@jax.jit
def _unrefined(pulse):
    """Numbers whatever their error is, and the status they would have had."""
    history = nucleation_history(log_rate, EDGES, V_W, args=pulse, tolerance=jnp.inf)
    judged = nucleation_history(log_rate, EDGES, V_W, args=pulse)
    t = jnp.asarray(TIMES)
    volumes = history.extended_volume(t), history.area_density(t)
    return *volumes, history.error, judged.status, judged.extended_volume(t)


@jax.jit
def _bisected(pulse):
    history = nucleation_history(log_rate, EDGES, V_W, args=pulse, bisections=70)
    t = jnp.asarray(TIMES)
    return history.extended_volume(t), history.area_density(t), history.error, history.status


def _stacked(pulses):
    return Pulse(*map(jnp.asarray, zip(*pulses, strict=True)))


def _true_error(pulse, volume, area):
    """Of I e^{−I} and A/V, relative to the largest of each."""
    exact = np.array([extended_volume(pulse, t) for t in TIMES])
    of_volume = np.abs(np.exp(-exact) - np.exp(-volume)).max() / (exact * np.exp(-exact)).max()
    surface = np.array([area_density(pulse, t) for t in TIMES])
    return max(of_volume, np.abs(surface - area).max() / surface.max())


PULSES = random_pulses(60, seed=5)


def test_a_rate_that_switches_inside_a_panel_is_seen():
    volume, area, error, status, withheld = map(np.asarray, jax.vmap(_unrefined)(_stacked(PULSES)))
    true = np.array([_true_error(*row) for row in zip(PULSES, volume, area, strict=True)])
    assert true.max() > 1e-2
    assert np.median(true) > 1e-5
    np.testing.assert_array_less(true, error + 1e-11)
    np.testing.assert_array_equal(status == Status.SUCCESS, error <= 1e-6)
    failed = status == Status.HISTORY_NOT_RESOLVED
    assert failed.sum() > 40
    assert np.isnan(withheld[failed]).all()


@pytest.mark.slow
def test_bisections_find_where_it_switches():
    volume, area, error, status = map(np.asarray, jax.vmap(_bisected)(_stacked(PULSES)))
    assert (status == Status.SUCCESS).all()
    true = np.array([_true_error(*row) for row in zip(PULSES, volume, area, strict=True)])
    np.testing.assert_array_less(true, error + 1e-11)


@pytest.mark.slow
def test_incubation_with_its_time_as_breakpoint():
    """I = (π/3) v³ (t − t₀)⁴, and its derivative in t₀."""

    @jax.jit
    def run(start):
        def volume(start):
            history = nucleation_history(
                log_rate, EDGES, V_W, args=Pulse(start, 9.0, 0.0), breakpoints=start
            )
            return history.extended_volume(3.0), history

        (found, history), slope = jax.value_and_grad(volume, has_aux=True)(start)
        return found, slope, history.status, history.error

    # one of the edges, and next to one, too
    for start in (1.1, 1.25, 1.25 - 1e-7, 0.0, 2.9):
        found, slope, status, error = run(start)
        assert Status(int(status)) is Status.SUCCESS
        assert float(error) < 1e-11
        np.testing.assert_allclose(found, np.pi / 3 * V_W**3 * (3 - start) ** 4, rtol=1e-12)
        expected = -4 * np.pi / 3 * V_W**3 * (3 - start) ** 3
        np.testing.assert_allclose(slope, expected, rtol=1e-11)


def test_fewer_nodes_and_wider_panels_are_seen():
    """Γ = I_p/(8π) e^t; 4 nodes of panels of 1.5 to 20 e-folds."""

    @jax.jit
    def run(width):
        edges = 5.0 - width * jnp.arange(24.0)[::-1]
        history = nucleation_history(
            lambda t, _: jnp.log(0.34 / (8 * jnp.pi)) + t, edges, 1.0, nodes=4, tolerance=jnp.inf
        )
        t = jnp.linspace(-5.0, 5.0, 101)
        return history.extended_volume(t), history.error, history.sum_rule

    exact = 0.34 * np.exp(np.linspace(-5.0, 5.0, 101))
    errors = []
    for width in (2.0, 4.0, 8.0, 20.0):
        volume, error, _ = run(width)
        true = np.abs(np.exp(-exact) - np.exp(-np.asarray(volume))).max() / np.exp(-1)
        assert 1e-7 < true < float(error)
        errors.append(float(error))
    assert np.diff(errors).min() > 0


@pytest.mark.slow
def test_outside_of_the_range_and_without_nucleation():
    run = eqx.filter_jit(lambda pulse: nucleation_history(log_rate, EDGES, V_W, args=pulse))
    begins = run(Pulse(*jnp.array([0.0, 9.0, 0.0])))
    assert float(begins.extended_volume(-1.0)) == 0.0
    assert float(begins.area_density(-1.0)) == 0.0
    assert float(begins.false_vacuum_fraction(-1.0)) == 1.0
    assert np.isnan(begins.extended_volume(4.001))
    assert np.isnan(begins.area_density(10.0))
    codes = [int(begins.status_at(t)) for t in (-1.0, 4.0, 4.001)]
    assert codes == [Status.SUCCESS, Status.SUCCESS, Status.AFTER_THE_HISTORY]
    # a rate that is there at once and does not rise: nothing says what was before
    assert np.isinf(begins.before_start)

    never = run(Pulse(*jnp.array([9.0, 9.0, 0.0])))
    assert Status(int(never.status)) is Status.SUCCESS
    t = jnp.linspace(0.0, 4.0, 9)
    np.testing.assert_array_equal(never.extended_volume(t), 0.0)
    np.testing.assert_array_equal(never.area_density(t), 0.0)
    np.testing.assert_array_equal(never.false_vacuum_fraction(t), 1.0)
    assert float(never.error) == float(never.before_start) == 0.0
    assert float(never.sum_rule) == 1.0


def test_bad_rates_and_edges_have_a_status():
    @jax.jit
    def solve(rate, edges, v_w):
        history = nucleation_history(lambda t, rate: rate + 0 * t, edges, v_w, args=rate)
        return history.extended_volume(1.0), history.status

    def run(rate, edges=EDGES, v_w=V_W):
        volume, status = solve(rate, edges, v_w)
        assert np.isnan(volume)
        return Status(int(status))

    assert run(jnp.nan) is Status.NOT_FINITE
    assert run(jnp.inf) is Status.NOT_FINITE
    assert run(0.0, EDGES[::-1]) is Status.INVALID_PARAMETER
    assert run(0.0, v_w=-0.5) is Status.INVALID_PARAMETER


def test_what_a_late_start_leaves_out():
    """Γ ∝ e^t from `first` on: what was before, in closed form."""
    t = np.linspace(0.0, 3.0, 3001)

    @jax.jit
    def run(first):
        edges = jnp.linspace(first, 5.0, 24)
        history = nucleation_history(lambda t, _: jnp.log(0.34 / (8 * jnp.pi)) + t, edges, 1.0)
        return history.extended_volume(t), history.before_start

    for first in (-2.0, -6.0):
        volume, before = map(np.asarray, run(first))
        when = np.argmax(volume * np.exp(-volume))
        missing = 0.34 * np.exp(t[when]) / volume[when] - 1
        assert before == pytest.approx(missing, rel=1e-2)

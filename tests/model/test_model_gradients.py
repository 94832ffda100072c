"""Derivatives through the whole chain: the specification's elasticities, corners, differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Choices, Model, Status, load, predict
from jaxbounce.files.point import BENCHMARK
from jaxbounce.parameters import PRESETS, RANGES
from problems import AS_RUN_ELASTICITIES, ELASTICITIES


def _densities(model):
    result = predict(model)
    return jnp.stack([result.rho_B, result.rho_DM])


_reverse = jax.jit(jax.vmap(jax.jacrev(_densities)))
_log_slopes = jax.jit(jax.grad(lambda model: jnp.log(predict(model).rho_B)))


@jax.jit
@jax.vmap
def _along(model, direction):
    return jax.jvp(_densities, (model,), (direction,))[1]


@pytest.mark.slow
@pytest.mark.parametrize("case", ELASTICITIES, ids=lambda case: case.name)
def test_elasticities_of_the_specification(case):
    model = load(BENCHMARK, **case.choices)
    slopes = _log_slopes(model)
    np.testing.assert_allclose(predict(model).Y_B, case.Y_B, rtol=1e-11)
    for name, expected in case.expected.items():
        slope = getattr(slopes.parameters, name) * getattr(model.parameters, name)
        np.testing.assert_allclose(slope, expected, rtol=1e-8, atol=1e-11, err_msg=name)


def test_elasticities_of_the_published_grids():
    model = load(BENCHMARK, preset="published")
    slopes = _log_slopes(model)
    for name, expected in AS_RUN_ELASTICITIES.items():
        slope = getattr(slopes.parameters, name) * getattr(model.parameters, name)
        np.testing.assert_allclose(slope, expected, rtol=1e-8, atol=1e-10, err_msg=name)


GRADIENT_POINTS = {
    "benchmark": {},
    "massless": {"m_chi": 0.0},
    "heavy": {"m_chi": 900.0, "beta_over_H": 40.0},
    "limits meet inside": {"m_chi": 280.0, "beta_over_H": 30.0},
    "P = 0": {"P": 0.0},
    "P = 1": {"P": 1.0},
    "no occupancy": {"f_chi": 0.0},
    "cuts near T_p": {"T_max_over_Tp": 1.02, "T_min_over_Tp": 0.97},
    "slow wall": {"v_w": 1e-6},
    "fast wall": {"v_w": 0.999999},
    "rapid": {"beta_over_H": 1e5},
}
CHOICE_SETS = {
    **PRESETS,
    "two-zone": {**PRESETS["exact"], "closure": "two-zone"},
    "static, swept once": {**PRESETS["exact"], "flux": "static", "dark_matter": "swept-once"},
}


_MARKS = {"benchmark": (), "two-zone": pytest.mark.long}


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param(name, marks=_MARKS.get(name, pytest.mark.slow))
        for name in CHOICE_SETS
        if name != "published"
    ],
)
def test_gradients_at_ordinary_points_and_corners(choices):
    """Finite everywhere; and reverse mode agrees with forward mode along a random direction."""
    base = Model(load(BENCHMARK).parameters, Choices(**CHOICE_SETS[choices]))
    models = [base.replace(**changes) for changes in GRADIENT_POINTS.values()]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *models)
    rng = np.random.default_rng(3)
    # a relative direction, so that every parameter counts about equally
    direction = jax.tree.map(lambda x: x * rng.normal(size=x.shape) + (x == 0), batch)
    slopes, forward = _reverse(batch), _along(batch, direction)
    result = jax.vmap(predict)(batch)
    for i, point in enumerate(GRADIENT_POINTS):
        if result.status[i] == Status.CHI_EXHAUSTED:
            continue  # more χ asked for than there is: a status, and no number
        assert result.status[i] in (Status.SUCCESS, Status.UNDERFLOW)
        terms = []
        for name in RANGES:
            slope = np.asarray(getattr(slopes.parameters, name)[i])
            assert np.all(np.isfinite(slope)), (point, name)
            terms.append(slope * getattr(direction.parameters, name)[i])
        scale = np.abs(terms).sum(0)
        np.testing.assert_allclose(sum(terms) / scale, forward[i] / scale, rtol=0, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("choices", CHOICE_SETS)
@pytest.mark.parametrize("point", ["benchmark", "heavy", "limits meet inside", "cuts near T_p"])
def test_gradients_against_central_differences(choices, point):
    if choices == "published" and point == "limits meet inside":
        pytest.skip("a fixed grid jumps when its nodes cross T = m/3: there is no derivative")
    base = Model(load(BENCHMARK).parameters, Choices(**CHOICE_SETS[choices]))
    model = base.replace(**GRADIENT_POINTS[point])
    slopes = _log_slopes(model)
    for name in ("m_chi", "T_p", "beta_over_H", "v_w", "I_p", "sigma_y", "T_max_over_Tp", "P"):
        value = float(getattr(model.parameters, name))
        step = 2e-5 * (value - 1 if name == "T_max_over_Tp" else value)

        def shifted(by, name=name, value=value):
            return jnp.log(predict(model.replace(**{name: value + by})).rho_B)

        # fourth order: the step can be large, so that rounding stays below 1e-9
        outer, inner = shifted(2 * step) - shifted(-2 * step), shifted(step) - shifted(-step)
        difference = (8 * inner - outer) / (12 * step)
        scale = 1 / abs(value) if value else 1.0
        np.testing.assert_allclose(
            getattr(slopes.parameters, name), difference, rtol=1e-6, atol=3e-8 * scale, err_msg=name
        )


@pytest.mark.slow
def test_gradients_of_a_batch_of_mixed_points_are_finite():
    model = load(BENCHMARK, preset="benchmark")
    rng = np.random.default_rng(5)
    spread = {
        "m_chi": (-2, 3),
        "T_p": (0, 4),
        "beta_over_H": (0.5, 4.5),
        "v_w": (-2, 0),
        "I_p": (-2, 0.7),
        "sigma_y": (-0.5, 1.3),
    }
    values = {n: jnp.asarray(10 ** rng.uniform(*ends, 1000)) for n, ends in spread.items()}
    values["P"] = jnp.asarray(rng.uniform(0, 1, 1000)).at[::50].set(0.0).at[1::50].set(1.0)

    def rho_B(m):
        found = predict(m)
        return found.rho_B, found.status

    slopes, status = jax.vmap(lambda v: jax.grad(rho_B, has_aux=True)(model.replace(**v)))(values)
    # where there is no number there is no derivative
    good = status == Status.SUCCESS
    assert good.mean() > 0.98
    for name in RANGES:
        slope = getattr(slopes.parameters, name)
        assert np.all(np.isfinite(slope[good])), name
        assert np.all(np.isnan(slope[~good])), name

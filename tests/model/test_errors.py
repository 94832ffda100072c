"""Errors of stages on their way to the densities, and which stage a failed point names."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import Model, Parameters, Part, Status, predict
from jaxbounce._core.stage import Settled, Supplied, WithoutParameters, evaluate
from jaxbounce.model.errors import error_shares
from jaxbounce.parameters import Choices
from jaxbounce.transition.stages import LteWallSpeed

OFF = {"T_p": 3e-4, "beta_over_H": 2e-2, "v_w": 1e-6}


class Given(WithoutParameters):
    """T_p, β/H and v_w with errors; v_w fails below 0.1."""

    v_w: jax.Array

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    @property
    def supplies(self) -> tuple[str, ...]:
        return ("T_p", "beta_over_H", "v_w")

    @property
    def relative_cost(self) -> int:
        return 1

    def supply(self, known: Any) -> Supplied:
        values = {"T_p": jnp.asarray(100.0), "beta_over_H": jnp.asarray(80.0), "v_w": self.v_w}
        errors = {name: jnp.asarray(error) for name, error in OFF.items()}
        status = jnp.where(self.v_w > 0.1, Status.SUCCESS, Status.STATIC_WALL)
        return Supplied(values, errors, status)


class Wall(WithoutParameters):
    """A wall that depends on T_p: no scalar, so that it has no error of its own to state."""

    part = Part.WALL

    @property
    def needs(self) -> tuple[str, ...]:
        return ("T_p",)

    @property
    def supplies(self) -> tuple[str, ...]:
        return ("wall",)

    @property
    def relative_cost(self) -> int:
        return 1

    def supply(self, known: Any) -> Supplied:
        fields = jnp.stack([known["T_p"], known["T_p"] ** 2])
        return Supplied({"wall": fields}, {}, jnp.asarray(Status.SUCCESS))


class OnWall(WithoutParameters):
    """P = 1e-7 T_p² v_w by the wall, with an error of its own; and f_χ = 1e-15 T_p³."""

    part = Part.CONVERSION

    @property
    def needs(self) -> tuple[str, ...]:
        return ("wall", "v_w")

    @property
    def supplies(self) -> tuple[str, ...]:
        return ("P", "f_chi")

    @property
    def relative_cost(self) -> int:
        return 1

    def supply(self, known: Any) -> Supplied:
        T, square = known["wall"]
        values = {"P": 1e-4 * square * known["v_w"], "f_chi": 1e-15 * T**3}
        status = jnp.where(known["v_w"] < 0.9, Status.SUCCESS, Status.NO_CROSSING)
        return Supplied(values, {"P": jnp.asarray(1e-9)}, status)


def chain(v_w=0.3, **choices):
    names = dict.fromkeys(("T_p", "beta_over_H", "v_w", "P", "f_chi"))
    parameters = Parameters(**{"m_chi": 30.0, "Y_chi_init": 1e-10, **names})
    chosen = Choices(**{"window": "none", "area_kernel": "kjma", "flux": "moving-wall", **choices})
    return Model(parameters, chosen, (OnWall(), Wall(), Given(jnp.asarray(v_w))))


@pytest.mark.parametrize("traced", [False, True])
def test_errors_are_carried_through_every_stage_between(traced):
    """δP = |∂P/∂T_p|δT_p + |∂P/∂v_w|δv_w + its own: by differences, and by derivatives in `jit`."""
    errors = jax.jit(lambda m: m.known().errors)(chain()) if traced else chain().known().errors
    expected = {
        "P": 1e-4 * 0.3 * 2 * 100 * OFF["T_p"] + 1e-4 * 1e4 * OFF["v_w"] + 1e-9,
        "f_chi": 3e-15 * 1e4 * OFF["T_p"],
        **OFF,
    }
    assert set(errors) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(errors[name], value, rtol=1e-8)
    # settled, they are kept, and not counted again
    settled = chain().settled()
    again = evaluate(settled.stages, settled.given())
    for name, value in expected.items():
        np.testing.assert_allclose(again.errors[name], value, rtol=1e-8)


CLOSED = {"dark_matter": "occupancy", "closure": "mean-field"}


@pytest.mark.slow
@pytest.mark.parametrize("choices", [{}, CLOSED])
def test_the_shares_are_those_of_differences(choices):
    model = chain(**choices).settled()
    shares, found = error_shares(model), predict(model)
    known = model.known()
    assert set(shares) == set(known.errors)
    given = {name: known.values[name] for name in known.errors}

    def density(name: str, step: float) -> np.ndarray:
        moved = dataclasses.replace(model.parameters, **{**given, name: given[name] * (1 + step)})
        at = predict(Model(moved, model.choices))
        return np.log(np.array([at.rho_B, at.rho_DM]))

    for name, share in shares.items():
        # good to the square of the step, times a few
        slope = (density(name, 1e-4) - density(name, -1e-4)) / 2e-4
        expected = np.abs(slope) * float(known.errors[name] / given[name])
        np.testing.assert_allclose(share, expected, rtol=1e-5, atol=1e-17)
    total = sum(float(share.rho_B) for share in shares.values())
    np.testing.assert_allclose(found.error_estimate, total, rtol=1e-6)


@pytest.mark.slow
def test_errors_of_what_the_plasma_carries():
    """v_+ and T_+ with `streaming = "carried"`: errors of the LTE wall enter through both."""
    stage = LteWallSpeed(0.05, 0.9, np.sqrt(1 / 3), np.sqrt(1 / 3))
    known = jax.jit(lambda s: s.supply({}))(stage)
    for name in ("v_plus", "T_plus_over_T"):
        assert 0 <= float(known.errors[name]) <= 10 * float(known.errors["v_w"])
    errors = {"v_w": jnp.asarray(1e-5), "v_plus": jnp.asarray(2e-5), "T_plus_over_T": 3e-5}
    settled = Settled(known._replace(errors=errors), Part.WALL_SPEED)
    values = {"m_chi": 0.0, "T_p": 100.0, "beta_over_H": 1e3, "P": 0.15, "v_w": None}
    choices = Choices(area_kernel="kjma", window="none", flux="moving-wall", streaming="carried")
    shares = error_shares(Model(Parameters(**values), choices, (settled,)))
    # massless χ: Y_B ∝ (1 + v_+)² T_+³/v_w
    v_plus, T_plus = (float(known.values[n]) for n in ("v_plus", "T_plus_over_T"))
    np.testing.assert_allclose(shares["v_plus"].rho_B, 2 * 2e-5 / (1 + v_plus), rtol=1e-4)
    np.testing.assert_allclose(shares["T_plus_over_T"].rho_B, 3 * 3e-5 / T_plus, rtol=1e-4)
    v_w = float(known.values["v_w"])
    np.testing.assert_allclose(shares["v_w"].rho_B, 1e-5 / v_w, rtol=1e-4)


@pytest.mark.slow
def test_what_failed_is_named_in_a_batch():
    speeds = jnp.array([0.05, 0.3, 0.95])

    def one(v_w, m_chi):
        model = chain().replace(m_chi=m_chi)
        return predict(dataclasses.replace(model, stages=(OnWall(), Wall(), Given(v_w))))

    found = jax.jit(jax.vmap(one))(speeds, jnp.full(3, 30.0))
    assert found.failed.tolist() == [Part.OTHER, Part.NONE, Part.CONVERSION]
    assert found.status.tolist() == [Status.STATIC_WALL, Status.SUCCESS, Status.NO_CROSSING]
    # a number that was given is the reason before any stage
    assert int(one(jnp.asarray(0.05), jnp.asarray(-1.0)).failed) == Part.PARAMETERS
    annihilates = chain().replace(sigma_v=1e-9)
    assert int(predict(annihilates).failed) == Part.YIELDS
    # settled stages know what they were
    assert int(predict(chain(0.95).settled()).failed) == Part.CONVERSION

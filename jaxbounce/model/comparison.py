"""The rows of the comparison: published grids, the same equations converged, the exact ones."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxbounce._core.stage import Settled, Stage, Supplied
from jaxbounce._core.status import Status
from jaxbounce.conversion import Estimate
from jaxbounce.cosmology import number_density
from jaxbounce.cosmology.constants import CRITICAL_DENSITY_OVER_H2, PLANCK_OMEGA_B, PLANCK_OMEGA_C
from jaxbounce.model.densities import conversion_probability, predict
from jaxbounce.model.errors import Share, error_shares
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction
from jaxbounce.parameters import DECLARATIONS

PLANCK_RHO_B = PLANCK_OMEGA_B * CRITICAL_DENSITY_OVER_H2
"""Planck 2018 baryon density (kg/m³)."""

PLANCK_RHO_DM = PLANCK_OMEGA_C * CRITICAL_DENSITY_OVER_H2
"""Planck 2018 dark-matter density (kg/m³)."""


def _row(
    area_kernel: str,
    flux: str,
    window: str,
    equilibrium: str = "piecewise",
    quadrature: str = "gauss-legendre",
) -> dict[str, str]:
    return {
        "area_kernel": area_kernel,
        "quadrature": quadrature,
        "equilibrium": equilibrium,
        "flux": flux,
        "window": window,
    }


ROWS: dict[str, dict[str, str]] = {
    "published": _row("eq6", "static", "gaussian", quadrature="published"),
    "eq (6), converged": _row("eq6", "static", "gaussian"),
    "exact KJMA, same window": _row("kjma", "static", "gaussian"),
    "exact KJMA": _row("kjma", "static", "none"),
    "exact KJMA, moving wall": _row("kjma", "moving-wall", "none"),
    "… and exact equilibrium": _row("kjma", "moving-wall", "none", equilibrium="exact"),
}
"""The rows of the comparison: published grids, the same equations converged, the exact ones.

Depletion closures, annihilation, washout and vacuum energy are left out, so that the rows differ
in the source alone; Y_χ is the input, or follows the configuration's dark-matter option with the
linear closure.
"""


class Comparison(NamedTuple):
    """A prediction, and what the rows of the comparison give for the same parameters."""

    prediction: Prediction
    rows: dict[str, Prediction]
    conversion: Estimate
    """P with its absolute error and status."""
    shares: dict[str, Share]
    """What the errors of numbers that stages computed add to those of the prediction, and by it to
    those of the rows; empty where there is none, or no number."""


def predicted_numbers(models: list[Model]) -> list[dict[str, Array]]:
    """The fields of the prediction of each model, by name."""
    return [vars(predict(model)) for model in models]


def compare(model: Model, compiled: Callable[..., Any] = jax.jit) -> Comparison:
    """The prediction of a model and of every row of the comparison, compiled together.

    Where there is no P, there are no rows.

    Args:
        model: the model.
        compiled: makes a program of `predicted_numbers`; not asked where stages are left in the
            model, as they may hold functions whose names do not say what they compute.
    """
    # all rows share what the stages supply, but for what a choice of the rows decides
    model = model.settled(but=("area",))
    conversion = probability(model)
    if Status(int(conversion.status)) != Status.SUCCESS:
        return Comparison(predict(model), {}, conversion, {})
    shares = _shares(model, conversion)
    model = model.with_P(conversion.P)
    rows = {name: _of_row(model, row) for name, row in ROWS.items()}
    # one of the rows is often the run itself: evaluate each set of choices once
    own = (model.choices, _is_source_alone(model))
    distinct = {own: model} | {(row.choices, True): row for row in rows.values()}
    numbers = list(map(_as_numbers, distinct.values()))
    program = (jax.jit if any(one.stages for one in numbers) else compiled)(predicted_numbers)
    predicted = [Prediction(**fields) for fields in program(numbers)]
    relative = sum(share.rho_B for share in shares.values())
    predictions = {
        key: dataclasses.replace(found, error_estimate=found.error_estimate + relative)
        for key, found in zip(distinct, predicted, strict=True)
    }
    return Comparison(
        predictions[own],
        {name: predictions[row.choices, True] for name, row in rows.items()},
        conversion,
        shares,
    )


def _shares(model: Model, conversion: Estimate) -> dict[str, Share]:
    """What the errors of a settled model's stages add to those of its densities."""
    if {name for s in model.stages if isinstance(s, Settled) for name in s.supplied.errors} - {"P"}:
        return error_shares(model)
    # without a program of its own: Y_B is at most proportional to P
    if not float(conversion.error) > 0 or not float(conversion.P) > 0:
        return {}
    return {"P": Share(conversion.error / conversion.P, jnp.asarray(jnp.nan))}


def _as_numbers(model: Model) -> Model:
    """The same model with what is settled as numbers, where it is nothing else; no errors."""
    supplied = [stage.supplied for stage in model.stages if isinstance(stage, Settled)]
    names = {name for one in supplied for name in one.values}
    succeeded = all(int(one.status) == Status.SUCCESS for one in supplied)
    other = names & {"area", "degrees"} or model.choices.streaming == "carried"
    if succeeded and not other and len(supplied) == len(model.stages):
        values = {k: v for one in supplied for k, v in one.values.items() if k in DECLARATIONS}
        parameters = dataclasses.replace(model.parameters, **values)
        return dataclasses.replace(model, parameters=parameters, stages=())
    stages = (
        dataclasses.replace(stage, supplied=stage.supplied._replace(errors={}))
        if isinstance(stage, Settled)
        else stage
        for stage in model.stages
    )
    return dataclasses.replace(model, stages=tuple(stages))


def _of_row(model: Model, row: dict[str, str]) -> Model:
    """A settled model with the choices of a row; n_χ that a stage made stays what it is."""
    chosen = source_alone(model).choose(**row)
    if not chosen.stages or chosen.choices.equilibrium == model.choices.equilibrium:
        return chosen
    known = model.given()
    for stage in model.stages:
        known |= stage.supplied.values if isinstance(stage, Settled) else {}
    own, other = (
        number_density(
            known["T_p"],
            known["m_chi"],
            known["g_chi"],
            model.choices.chi_stats,
            of.choices.equilibrium,
        )
        for of in (model, chosen)
    )
    stages = tuple(_times(stage, "f_chi", own / other) for stage in chosen.stages)
    return dataclasses.replace(chosen, stages=stages)


def _times(stage: Stage, name: str, factor: Array) -> Stage:
    """What is settled, one number of it times a factor."""
    if not isinstance(stage, Settled) or name not in stage.supplied.values:
        return stage
    values, errors, status = stage.supplied
    scaled = {name: values[name] * factor}
    off = {name: errors[name] * factor} if name in errors else {}
    supplied = Supplied({**values, **scaled}, {**errors, **off}, status)
    return dataclasses.replace(stage, supplied=supplied)


def probability(model: Model) -> Estimate:
    """P of a model with its error and status; compiled where a stage computes it."""
    return _compiled_probability(model.begun()) if model.stages else conversion_probability(model)


_compiled_probability = eqx.filter_jit(conversion_probability)


_BESIDE_SOURCE = ("sigma_v", "sigma_v_slope", "washout_over_H")


def _is_source_alone(model: Model) -> bool:
    """Whether its parameters are those that `source_alone` would give it."""
    return all(float(model.value(name)) == 0 for name in _BESIDE_SOURCE)


def source_alone(model: Model) -> Model:
    """The model with nothing but the source: what the rows of the comparison evaluate."""
    return model.replace(**dict.fromkeys(_BESIDE_SOURCE, 0.0)).choose(
        closure="linear",
        expansion="radiation",
        dilution="none",
        equations="quadrature",
        initial="given",
        coupling="external",
        depletion="off",
        temperature_range="published",
        derivatives="reverse",
    )


def matching_occupancy(f_chi: float, prediction: Prediction) -> float:
    """The f_χ that would give the Planck ρ_B, all else equal: ρ_B is proportional to f_χ."""
    rho_B = float(prediction.rho_B)
    return f_chi * PLANCK_RHO_B / rho_B if rho_B > 0 else math.nan

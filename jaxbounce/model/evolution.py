"""Yields, source and wall area over temperature."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.status import Status
from jaxbounce._core.types import Real
from jaxbounce.cosmology.clock import make_clock
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.radiation import temperature_of_time
from jaxbounce.model.background import background
from jaxbounce.model.equations import initial_yield, keeps_its_density
from jaxbounce.model.model import Model
from jaxbounce.yields import time_limits
from jaxbounce.yields.boltzmann import Evolution, evolve_boltzmann

_PULSES = ((-30.0, 50.0), (-8.0, 6.0))
"""y between which a quarter of the grid each is even in y: walls under a window of any width, and
those of the exact area, which are gone by then."""


_MADE = (
    "Y_chi",
    "Y_B",
    "source",
)  # what a start that contradicts the equations leaves no number of


def temperature_grid(model: Model, points: int) -> np.ndarray:
    """Falling temperatures (GeV): half even in ln T over the range, half even in y at the walls.

    Of those a half lies where the exact wall area is, a few units of y wide.
    """
    p = model.parameters
    hot, cold = float(p.T_max_over_Tp), float(p.T_min_over_Tp)
    spread = np.geomspace(hot, cold, points - points // 2) * float(p.T_p)
    degrees, clock = _expands(model), None
    if degrees is not None:
        clock = make_clock(degrees, p.T_p, p.beta_over_H, hot, cold)
    ends = p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp
    limits = time_limits(*ends, p.y_min, p.y_max, clock)
    low, high = float(limits[0]), float(limits[1])
    counts = (points // 2 - points // 4, points // 4)
    y = np.concatenate(
        [
            np.linspace(np.clip(first, low, high), np.clip(last, low, high), count)
            for (first, last), count in zip(_PULSES, counts, strict=True)
        ]
    )
    if clock is None:
        pulse = np.asarray(temperature_of_time(y, p.T_p, p.beta_over_H))
    else:
        pulse = np.asarray(p.T_p / clock.temperature_ratio(y))
    return np.unique(np.concatenate([spread, pulse]))[::-1]


def _expands(model: Model) -> DegreesOfFreedom | None:
    """What expands the plasma of a model; None where it is radiation with constant g_*."""
    if model.choices.expansion == "radiation":
        return model.degrees
    p, known = model.filled()
    return background(p, model.choices, known.values.get("degrees")).degrees


@eqx.filter_jit
def evolution(model: Model, T: Real) -> Evolution:
    """Y_χ(T), Y_B(T), source and A/V of a model by the Boltzmann equations.

    Without depletion, annihilation and washout they are the running source integral. Yields are
    those before the released energy dilutes them, whatever the choice of dilution.
    """
    p, known = model.filled()
    start = initial_yield(p, model.choices)
    p, degrees = background(p, model.choices, known.values.get("degrees"))
    options = {"degrees": degrees, "history": known.values.get("area")}
    found = evolve_boltzmann(p, model.choices, T, start, **options)
    if model.choices.equations != "boltzmann":
        return found
    computed, limit = model.parameters.f_chi is None, model.error_limit
    kept, _ = keeps_its_density(p, model.choices, computed, limit, degrees)
    is_kept = kept == Status.SUCCESS
    yields = {name: jnp.where(is_kept, getattr(found, name), jnp.nan) for name in _MADE}
    status = jnp.where(is_kept, found.status, kept)
    return dataclasses.replace(found, **yields, status=status)


def evolve(model: Model, points: int = 400) -> Evolution:
    """Y_χ, Y_B, source and A/V of a model over its range of temperatures.

    Args:
        model: the model.
        points: number of temperatures, on the grid of `temperature_grid`.
    """
    return evolution(model.begun(), jnp.asarray(temperature_grid(model, points)))

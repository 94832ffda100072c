"""What the errors of supplied numbers make of the densities: shares of a sum, by derivatives.

T_p, β/H, v_w, P, f_χ and what the plasma carries each come with an absolute error, to which those
of what they depend on are added (`_core.stage.with_carried_errors`). To first order, |∂ ln ρ/∂x| δx
each; as they are not independent, and their signs are not known, the whole is at most their sum.
"""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxbounce._core.stage import Known, held
from jaxbounce._core.types import Real, Scalar
from jaxbounce.model.background import background
from jaxbounce.model.model import Model
from jaxbounce.model.source import Front, depleted_yields, source_yield
from jaxbounce.parameters import DECLARATIONS, Choices, Parameters

_OF_FRONT = ("v_plus", "T_plus_over_T")

_PROPORTIONAL = ("P", "f_chi")
"""What the source integral does not know."""


class Share(NamedTuple):
    """What the error of one number adds to the relative errors of the densities.

    Attributes:
        rho_B: of ρ_B.
        rho_DM: of ρ_DM; NaN where annihilation, washout or depletion are followed, whose equations
            are not differentiated for it.
    """

    rho_B: Scalar
    rho_DM: Scalar


def error_shares(model: Model) -> dict[str, Share]:
    """What the errors of a model's stages add to those of its densities, by the number they are of.

    Args:
        model: of one point; empty if no stage of it states an error.

    Returns:
        Their shares; `Prediction.error_estimate` is their sum, with the error of the integral.
    """
    return _shares(model.begun())


@eqx.filter_jit
def _shares(model: Model) -> dict[str, Share]:
    p, known = model.filled()
    return of_supplied(p, model.choices, known)


def of_supplied(p: Parameters, choices: Choices, known: Known) -> dict[str, Share]:
    """The same of numbers at hand; constants under differentiation.

    Args:
        p: parameters, filled in.
        choices: of the model.
        known: what its stages supplied.
    """
    p, known = held((p, known))
    values = {name: getattr(p, name) for name in known.errors if name in DECLARATIONS}
    if choices.streaming == "carried":
        values |= {name: known.values[name] for name in known.errors if name in _OF_FRONT}
    if not values:
        return {}
    boltzmann = choices.equations == "boltzmann"
    # with these equations by the source alone, of which Y_B is at most proportional
    chosen = dataclasses.replace(choices, dark_matter="input") if boltzmann else choices
    degrees, history = known.values.get("degrees"), known.values.get("area")

    def source_of(moved: dict[str, Scalar]) -> tuple[Parameters, Front, Scalar]:
        own = {name: value for name, value in moved.items() if name in DECLARATIONS}
        q = dataclasses.replace(p, **own)
        expanded, expands = background(q, chosen, degrees)
        now = known._replace(values={**known.values, **moved})
        front = Front.of(expanded, chosen, now)
        return q, front, source_yield(expanded, chosen, expands, history, front)[0]

    fixed = None if set(values) - set(_PROPORTIONAL) else source_of(values)

    def yields(moved: dict[str, Scalar]) -> Real:
        q, front, source = source_of(moved) if fixed is None else fixed
        q = dataclasses.replace(q, **{n: moved[n] for n in _PROPORTIONAL if n in moved})
        return jnp.stack(depleted_yields(q, chosen, q.P, source, front)[:2])

    def along(number: Array) -> Real:
        """Yields, and how they change with the error of one of the numbers."""
        tangents = {
            name: jnp.where(number == i, known.errors[name], 0.0) for i, name in enumerate(values)
        }
        found, change = jax.jvp(yields, (values,), (tangents,))
        return jnp.abs(change) / jnp.where(found != 0, jnp.abs(found), 1.0)

    relative = jax.vmap(along)(jnp.arange(len(values)))
    unknown = jnp.nan if boltzmann else 0.0
    return {
        name: Share(row[0], row[1] + unknown) for name, row in zip(values, relative, strict=True)
    }

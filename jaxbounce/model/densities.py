"""The whole chain: a `Model` in, a `Prediction` out."""

import dataclasses

import jax
import jax.numpy as jnp

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.numerics import check_precision
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import Scalar
from jaxbounce._core.withheld import withheld
from jaxbounce.conversion import Estimate
from jaxbounce.cosmology.clock import make_clock
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.today import (
    baryon_density,
    dark_matter_density,
    entropy_density_today,
)
from jaxbounce.model.background import background, completes, hubble_factor, reheated
from jaxbounce.model.errors import of_supplied
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction
from jaxbounce.model.source import Front, depleted_yields, source_yield
from jaxbounce.parameters import Parameters, are_inside, check_shapes, each_safe
from jaxbounce.yields import limit_in_force, time_limits


def conversion_probability(model: Model) -> Estimate:
    """P(χ→B) of a model with its error and status: the given number, or from the wall."""
    p, known = model.filled()
    return Estimate(p.P, known.errors.get("P", jnp.zeros_like(p.P)), known.status)


def _latest(p: Parameters, degrees: DegreesOfFreedom | None) -> Scalar:
    """The latest y at which walls count."""
    ends = p.T_max_over_Tp, p.T_min_over_Tp
    clock = None if degrees is None else make_clock(degrees, p.T_p, p.beta_over_H, *ends)
    return time_limits(p.beta_over_H, *ends, p.y_min, p.y_max, clock)[1]


def predict(model: Model) -> Prediction:
    """Today's densities of one model: pure, and safe under `jit`, `vmap` and `grad`.

    Compiled once for each set of choices; changing values never recompiles. A bad or
    failed point returns NaN and its status, and does not disturb others in a batch. Of a single
    answer the bounce of a potential is solved at once, not compiled: loop inside `jit` or `vmap`.

    Args:
        model: scalar parameters, and choices; see `jaxbounce.load`.

    Returns:
        A `Prediction`.

    Raises:
        ConfigurationError: if it is no `Model`, a parameter is not a scalar, or the model is of
            another precision than the process (raised while tracing).

    The published benchmark, as its scripts compute it and with exact integrals:

    >>> import jaxbounce as jb
    >>> jb.enable_x64()
    >>> [f"{jb.predict(jb.load(preset=name)).rho_B:.6e}" for name in ("published", "exact")]
    ['4.217028e-28', '4.243201e-30']
    """
    return _predict(model.begun() if isinstance(model, Model) else model)


@jax.jit
def _predict(model: Model) -> Prediction:
    if not isinstance(model, Model):
        raise ConfigurationError(
            f"model is a {type(model).__name__}: must be a Model; jaxbounce.load makes one of a"
            " table or a file"
        )
    check_shapes(model.parameters)
    check_precision(model)
    choices = model.choices
    given = are_inside(model.parameters)
    filled, known = dataclasses.replace(model, parameters=each_safe(model.parameters)).filled()
    inside = are_inside(filled)
    p = each_safe(filled)
    P = p.P
    degrees, history = known.values.get("degrees"), known.values.get("area")
    reheat = reheated(p, choices, degrees)
    # from here on g_* is of all that is in H
    q, expands = background(p, choices, degrees)
    front = Front.of(p, choices, known)
    source, error, covered = source_yield(q, choices, expands, history, front)
    Y_B, Y_chi, available, hits = depleted_yields(p, choices, P, source, front)
    status = jnp.asarray(Status.SUCCESS)
    T_end, remaining = p.T_p * p.T_min_over_Tp, jnp.zeros_like(p.T_p)
    if choices.equations == "boltzmann":
        # imported when first asked for: the library of the solvers takes longer than the rest
        from jaxbounce.model.equations import integrated, keeps_its_density

        solved = integrated(q, choices, model.error_limit, expands, history)
        Y_B, Y_chi, error = solved.Y_B, solved.Y_chi, solved.error_estimate
        T_end, remaining = solved.T_end, solved.remaining_annihilation
        computed = model.parameters.f_chi is None
        kept, change = keeps_its_density(q, choices, computed, model.error_limit, expands)
        status, error = jnp.where(kept == Status.SUCCESS, solved.status, kept), error + change
    active = (p.sigma_v != 0) | (p.sigma_v_slope != 0) | (p.washout_over_H != 0)
    if choices.equations != "boltzmann":
        status = jnp.where(active, Status.NEEDS_BOLTZMANN, status)
    elif choices.dilution != "none" or choices.expansion != "radiation":
        # what freezes out of the heated bath is not diluted by what heated it before, and its H is
        # that of a bath which is heated
        status = jnp.where(active, Status.RELEASE_NOT_FOLLOWED, status)
    if choices.dilution != "none":
        Y_B, Y_chi, available = (Y / reheat.dilution for Y in (Y_B, Y_chi, available))
    s_today = entropy_density_today(degrees, choices.constants)
    rho_B, rho_DM = baryon_density(Y_B, s_today), dark_matter_density(Y_chi, p.m_chi, s_today)
    ratio = jnp.where(rho_B > 0, rho_DM / jnp.where(rho_B > 0, rho_B, 1.0), jnp.inf)

    smallest = jnp.finfo(rho_B.dtype).tiny
    left = Y_chi != 0
    if choices.dark_matter != "input" and choices.closure != "linear":
        left = left | ((P < 1) & (p.f_chi > 0))  # some always survive: 0 is what came of too few
    lost = ((rho_B < smallest) & (P > 0) & (p.f_chi > 0)) | (
        (rho_DM < smallest) & left & (p.m_chi > 0)
    )
    status = jnp.where(lost & (status == Status.SUCCESS), Status.UNDERFLOW, status)
    if choices.equations == "quadrature":
        if choices.quadrature != "published":
            limit = limit_in_force(error.dtype, model.error_limit)
            status = jnp.where(error > limit, Status.QUADRATURE_NOT_CONVERGED, status)
        status = jnp.where(Y_chi < 0, Status.CHI_EXHAUSTED, status)
        status = jnp.where(jnp.isfinite(rho_B) & jnp.isfinite(rho_DM), status, Status.NOT_FINITE)
    if degrees is not None:
        covered = covered & degrees.covers(reheat.T_reh)
        status = jnp.where(covered, status, Status.BEYOND_G_STAR_TABLE)
    status = jnp.where(completes(p, choices, history), status, Status.NEVER_COMPLETES)
    if history is not None:
        reached = history.reaches(_latest(p, expands))
        status = jnp.where(reached, status, Status.AFTER_THE_HISTORY)
    status = jnp.where(inside, status, Status.INVALID_PARAMETER)
    # a stage that failed says why, unless a given number is the reason
    status = jnp.where(known.status == Status.SUCCESS, status, known.status)
    status = jnp.where(given, status, Status.INVALID_PARAMETER)
    has_number = (status == Status.SUCCESS) | (status == Status.UNDERFLOW)

    off = sum((share.rho_B for share in of_supplied(p, choices, known).values()), start=error)
    error = jax.lax.stop_gradient(off)
    failed = jnp.where(has_number, Part.NONE, Part.YIELDS)
    failed = jnp.where(known.status == Status.SUCCESS, failed, known.failed)
    failed = jnp.where(given, failed, Part.PARAMETERS)
    numbers = {
        "Y_B": Y_B,
        "Y_chi": Y_chi,
        "rho_B": rho_B,
        "rho_DM": rho_DM,
        "ratio": ratio,
        "P": P,
        "Y_available": available,
        "mean_hits": hits,
        "T_end": T_end,
        "remaining_annihilation": remaining,
        "hubble_factor": hubble_factor(p, choices),
        "dilution": reheat.dilution,
        "T_reh": reheat.T_reh,
    }
    return Prediction(
        **withheld(numbers, has_number, others=model),
        error_estimate=jnp.where(status == Status.INVALID_PARAMETER, jnp.nan, error),
        status=status,
        failed=failed,
    )

"""The whole chain: a `Model` in, a `Prediction` out."""

import dataclasses
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.numerics import check_precision
from jaxbounce._core.stage import Known
from jaxbounce._core.status import Status
from jaxbounce._core.types import Flag, Scalar
from jaxbounce._core.withheld import withheld
from jaxbounce.conversion import Estimate
from jaxbounce.cosmology.clock import make_clock
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.gas import flux_integral, number_density
from jaxbounce.cosmology.radiation import entropy_density, time_of_temperature_ratio
from jaxbounce.cosmology.today import (
    baryon_density,
    dark_matter_density,
    entropy_density_today,
)
from jaxbounce.model.background import background, completes, hubble_factor, reheated
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction
from jaxbounce.parameters import (
    DECLARATIONS,
    Choices,
    Parameters,
    are_inside,
    check_shapes,
    each_safe,
)
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.yields import (
    closure_shares,
    flux_over_entropy,
    gauss_legendre_integral,
    integral_on_clock,
    limit_in_force,
    published_integral,
    published_on_clock,
    time_limits,
)


class Front(NamedTuple):
    """What χ meets the wall with: v and T/T_p of the plasma it comes from."""

    v: Scalar
    heat: Scalar

    @classmethod
    def of(cls, p: Parameters, choices: Choices, known: Known) -> Self:
        """As the choice of `streaming` has it."""
        if choices.streaming == "free":
            return cls(p.v_w, jnp.ones_like(p.v_w))
        return cls(known.values["v_plus"], known.values["T_plus_over_T"])

    def met(self, p: Parameters) -> Parameters:
        """Parameters whose v_w and m/T_p are those of the flux."""
        return dataclasses.replace(p, v_w=self.v, m_chi=p.m_chi / self.heat)


def _source(
    parameters: Parameters,
    choices: Choices,
    degrees: DegreesOfFreedom | None,
    history: AreaHistory | None,
    front: Front,
) -> tuple[Scalar, Scalar, Flag]:
    """Y_B/(P f_χ) without depletion, its relative error estimate, and whether g_* is known."""
    # of v_w and m_χ the integrals know the flux alone; walls sweep with v_w
    v_w, p = parameters.v_w, front.met(parameters)
    if degrees is None:
        integral, error = _constant_integral(p, choices, history)
        covered = jnp.asarray(True)
    else:
        integral, error, covered = integral_on_clock(p, choices, degrees, history)
        if choices.quadrature == "published":
            converged, integral = integral, published_on_clock(p, choices, degrees, history)
            error = jnp.abs(integral - converged)
    scale = flux_over_entropy(front.heat**3, p.g_chi, p.g_star_s) / v_w
    magnitude = jax.lax.stop_gradient(jnp.abs(integral))
    relative = jax.lax.stop_gradient(error) / jnp.where(magnitude > 0, magnitude, 1.0)
    return scale * integral, relative, covered


def _constant_integral(
    p: Parameters, choices: Choices, history: AreaHistory | None
) -> tuple[Scalar, Scalar]:
    """∫ j (A/V)(v_w/β) W dy with constant g_*, and its error estimate."""
    v_flux = p.v_w if choices.flux == "moving-wall" else None
    lower, upper = time_limits(p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp, p.y_min, p.y_max)
    arguments: Any = {
        "I_p": p.I_p,
        "sigma_y": p.sigma_y,
        "m_over_Tp": p.m_chi / p.T_p,
        "beta_over_H": p.beta_over_H,
        "v_w": v_flux,
        "lower": lower,
        "upper": upper,
        "window": choices.window,
        "statistics": choices.chi_stats,
        "equilibrium": choices.equilibrium,
        "kernel": choices.area_kernel,
        "history": history,
    }
    integral, error = gauss_legendre_integral(**arguments)
    if choices.quadrature == "published":
        converged, integral = integral, published_integral(**arguments)
        error = jnp.abs(integral - converged)
    return integral, error


def conversion_probability(model: Model) -> Estimate:
    """P(χ→B) of a model with its error and status: the given number, or from the wall."""
    p, known = model.filled()
    return Estimate(p.P, known.errors.get("P", jnp.zeros_like(p.P)), known.status)


def _depleted(
    parameters: Parameters, choices: Choices, P: Scalar, source: Scalar, front: Front
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Y_B, Y_χ, the χ available and the mean hits, for the dark-matter option in force."""
    p = parameters
    density = number_density(p.T_p, p.m_chi, p.g_chi, choices.chi_stats, choices.equilibrium)
    entropy = entropy_density(p.T_p, p.g_star_s)
    equilibrium_yield = density / entropy
    available = p.f_chi * equilibrium_yield
    # where the equilibrium density underflows there is nobody to hit: 0, not 0/0
    present = jnp.where(equilibrium_yield > 0, equilibrium_yield, 1.0)
    hits = source / present
    undepleted = P * p.f_chi * source
    if choices.dark_matter == "input":
        return undepleted, p.Y_chi_init + p.n_chi_at_Tp / entropy, available, hits
    if choices.dark_matter == "swept-once":
        return undepleted, (1 - P) * p.f_chi * source, available, hits
    if choices.closure == "two-zone":
        x = front.met(p).m_chi / p.T_p
        integral = flux_integral(x, front.v, choices.chi_stats, choices.equilibrium)
        integral = front.heat**3 * integral
        hits = flux_over_entropy(integral, p.g_chi, p.g_star_s) / present / p.v_w
    shares = closure_shares(P, hits, choices.closure, p.P_back_over_P * P)
    return available * shares.converted, available * shares.survived, available, hits


def _relative_error(parameters: Parameters, choices: Choices, known: Known) -> Scalar:
    """What the errors of supplied parameters add to the relative error of Y_B, at most.

    Y_B is at most proportional to P and f_χ. For any other parameter x it is |∂ ln Y_B/∂x| δx, by
    the source integral.
    """
    total, degrees = jnp.zeros_like(parameters.v_w), known.values.get("degrees")
    history = known.values.get("area")
    for name, error in known.errors.items():
        if name not in DECLARATIONS:
            continue
        value = getattr(parameters, name)
        if name in ("P", "f_chi"):
            total = total + error / jnp.where(value > 0, value, 1.0)
            continue

        def log_source(x: Scalar, name: str = name) -> Scalar:
            p = dataclasses.replace(parameters, **{name: x})
            q, expands = background(p, choices, degrees)
            front = Front.of(p, choices, known)
            return jnp.log(_source(q, choices, expands, history, front)[0])

        _, change = jax.jvp(log_source, (value,), (error,))
        total = total + jnp.abs(change)
    return jax.lax.stop_gradient(total)


def _latest(p: Parameters, degrees: DegreesOfFreedom | None) -> Scalar:
    """The latest y at which walls count."""
    coldest = time_of_temperature_ratio(p.T_min_over_Tp, p.beta_over_H)
    if degrees is not None:
        clock = make_clock(degrees, p.T_p, p.beta_over_H, p.T_max_over_Tp, p.T_min_over_Tp)
        coldest = clock.time(p.T_min_over_Tp)
    return jnp.minimum(coldest, p.y_max)


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
    source, error, covered = _source(q, choices, expands, history, front)
    Y_B, Y_chi, available, hits = _depleted(p, choices, P, source, front)
    status = jnp.asarray(Status.SUCCESS)
    T_end, remaining = p.T_p * p.T_min_over_Tp, jnp.zeros_like(p.T_p)
    if choices.equations == "boltzmann":
        # imported when first asked for: the library of the solvers takes longer than the rest
        from jaxbounce.model.equations import integrated

        solved = integrated(q, choices, model.error_limit, expands, history)
        Y_B, Y_chi, error = solved.Y_B, solved.Y_chi, solved.error_estimate
        T_end, remaining = solved.T_end, solved.remaining_annihilation
        status = solved.status
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

    error = jax.lax.stop_gradient(error + _relative_error(p, choices, known))
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
    )

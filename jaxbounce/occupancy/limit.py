"""From a density of χ to its occupancy f_χ, refused where it would no longer be small."""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.cosmology.gas import number_density
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics

OfT: TypeAlias = Callable[[Real], Real]
"""A function of T (GeV), for arrays of T."""

LARGEST = 0.1
"""f_χ up to which χ that returns to the bath is left out."""


class Occupancy(eqx.Module):
    """f_χ and its certificate, shape ().

    Attributes:
        f_chi: n_χ/n_χ,eq at T_p, n_χ,eq as the yields have it; NaN where the status is not SUCCESS.
        error_estimate: estimated absolute error of `f_chi`, numerics only.
        status: a `jaxbounce.Status` code.
    """

    f_chi: Scalar
    error_estimate: Scalar
    status: Code


def at_temperature(value: RealLike | OfT, T: Real) -> Real:
    """A quantity that is given as a number or as a function of T, in the shape of T."""
    return as_real(value(T)) if callable(value) else jnp.broadcast_to(as_real(value), T.shape)


def occupancy(
    n_chi: RealLike,
    T_p: RealLike,
    m_chi: RealLike,
    g_chi: RealLike = 2.0,
    statistics: Statistics = "fermion",
    error: RealLike = 0.0,
    status: Code | int = Status.SUCCESS,
    equilibrium: Equilibrium = "exact",
) -> Occupancy:
    """f_χ = n_χ/n_χ,eq(T_p), refused above a tenth of the exact n_χ,eq.

    Args:
        n_chi: number density at T_p (GeV³); s Y_χ of a yield.
        T_p: temperature (GeV).
        m_chi: mass of χ (GeV).
        g_chi: degrees of freedom of χ.
        statistics: of χ.
        error: absolute error of `n_chi` (GeV³).
        status: what became of `n_chi`; kept unless it is SUCCESS.
        equilibrium: which n_χ,eq f_χ is to multiply again, so that n_χ comes out: "exact", or the
            "piecewise" published limits, which are up to 3 times the exact one.

    Returns:
        f_χ, or the status OCCUPANCY_TOO_LARGE (back-reaction is left out) or INVALID_PARAMETER.
    """
    given = tuple(as_real(value) for value in (n_chi, T_p, m_chi, g_chi))
    (n, T, m, g), token = shielded(given)
    f_chi = n / number_density(T, m, g, statistics, equilibrium)
    full = f_chi if equilibrium == "exact" else n / number_density(T, m, g, statistics)
    valid = (n >= 0) & (T > 0) & (m >= 0) & (g > 0) & jnp.isfinite(f_chi)
    own = jnp.where(full > LARGEST, Status.OCCUPANCY_TOO_LARGE, Status.SUCCESS)
    own = jnp.where(valid, own, Status.INVALID_PARAMETER)
    code = jnp.where(jnp.asarray(status) == Status.SUCCESS, own, status)
    error = jax.lax.stop_gradient(as_real(error) / n * f_chi)
    error = jnp.where(n > 0, error, 0.0)
    f_chi = withheld(f_chi, code == Status.SUCCESS, token)
    return Occupancy(f_chi, jnp.where(code == Status.SUCCESS, error, jnp.nan), code)

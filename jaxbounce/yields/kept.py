"""Whether a density that is given is still there when the walls come.

Between the start of the range and T_p, before the walls count, χ obeys

    dY_χ/dn = −λ (Y_χ² − Y_eq²),

whether the density given is above equilibrium (annihilation) or below it (the bath makes χ).
Washout takes B alone. On cells of n so narrow that λ and Y_eq are constants the solution is a
closed form that knows both limits, λY_eq ≪ 1 and ≫ 1; the cells are graded towards T_p, where
what came before is forgotten if χ is coupled.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import Real, RealLike, Scalar
from jaxbounce.cosmology.clock import Expansion
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.parameters import Choices, Parameters
from jaxbounce.yields.rates import annihilation_rate, equilibrium_yield, with_constants

_CELLS = 400

_GRADING = 0.93  # from cell to cell: the last begins 1e-13 of the range before T_p


def yield_at_Tp(
    p: Parameters,
    c: Choices,
    Y_chi: RealLike | None = None,
    *,
    degrees: DegreesOfFreedom | None = None,
) -> Scalar:
    """Y_χ at T_p as annihilation and its inverse alone leave it, from T_max on.

    Good to a few per cent of the change, which is for judging it; exactly Y_χ without annihilation.
    Constant under differentiation.

    Args:
        p: the parameters, all given.
        c: the choices.
        Y_chi: yield of χ at T_max; None starts in equilibrium.
        degrees: g_*(T), of which p holds the values at T_p; None: constant.
    """
    p, Y_chi, degrees = jax.lax.stop_gradient((with_constants(p, c), Y_chi, degrees))
    share = np.append(_GRADING ** np.arange(_CELLS), 0.0)
    edges = -jnp.log(p.T_max_over_Tp) * share
    middle, width = (edges[1:] + edges[:-1]) / 2, jnp.diff(edges)
    expansion = None if degrees is None else Expansion(degrees.anchored(p.T_p), p.T_p)
    present, rate = _bath(p, c, middle, expansion)
    if Y_chi is None:
        Y_chi = _bath(p, c, edges[:1], expansion)[0][0]

    def cell(Y: Scalar, of: tuple[Scalar, Scalar]) -> tuple[Scalar, None]:
        present, strength = of
        z = strength * present
        small = z < 1e-8
        reached = strength * jnp.where(small, 1.0, jnp.tanh(z) / jnp.where(small, 1.0, z))
        # Y + (change), so that a small one keeps its digits
        return Y + (present - Y) * (present + Y) * reached / (1 + Y * reached), None

    start = jnp.asarray(Y_chi, rate.dtype)
    return jax.lax.scan(cell, start, (present, rate * width))[0]


def _bath(p: Parameters, c: Choices, n: Real, expansion: Expansion | None) -> tuple[Real, Real]:
    """Y_eq and λ (1 + γ_s/3) at n = ln(T_p/T)."""
    T = p.T_p * jnp.exp(-n)
    rate = annihilation_rate(T, p.m_chi, p.sigma_v, p.sigma_v_slope, p.g_star, p.g_star_s)
    present = equilibrium_yield(p.m_chi / T, p.g_chi, p.g_star_s, c.chi_stats, c.equilibrium)
    if expansion is None:
        return present, rate
    pace = expansion.pace(n)
    return present / pace.entropy, rate * pace.rate * pace.entropy

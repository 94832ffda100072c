"""Energy partition: a share of what a transition releases becomes χ.

What is released is the change of the trace of the stress tensor, Δθ = (Δe − 3Δp)/4 (GeV⁴), not the
step of the potential: at the critical temperature ΔV vanishes and the latent heat does not. A share
κ_χ in particles of mean energy ε̄ makes n_χ = κ_χ Δθ/ε̄; the rest heats the bath.

χ made by the walls of a transition are no isotropic bath in front of those walls: with the flux
¼ n v̄ onto walls, this f_χ is consistent if an earlier transition, or another sector, made them.
"""

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.status import Status
from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.radiation import entropy_density
from jaxbounce.occupancy.limit import Occupancy, OfT, at_temperature, occupancy


def released_energy(Delta_V: RealLike, slope: RealLike, T: RealLike) -> Real:
    """Δθ = (Δe − 3Δp)/4 = ΔV − (T/4) dΔV/dT (GeV⁴), false less true phase.

    With Δp = −ΔV and Δe = ΔV − T dΔV/dT of the whole thermal potential (Giese, Konstandin & van de
    Vis 2004.06995, whose α_θ is 4Δθ/3w).

    Args:
        Delta_V: V of the false vacuum less that of the true one at T (GeV⁴).
        slope: its derivative in T (GeV³).
        T: temperature (GeV).
    """
    return as_real(Delta_V) - as_real(T) * as_real(slope) / 4


def entropy_ratio(T: RealLike, T_star: RealLike, g_star_s: RealLike | OfT) -> Real:
    """s(T)/s(T_*) = (a_*/a)³: number densities fall by it, massless energies by its cube root.

    Args:
        T: the later temperature (GeV).
        T_star: the earlier one (GeV).
        g_star_s: g_s, a number or a function of T.
    """
    later, earlier = (
        entropy_density(at, at_temperature(g_star_s, at)) for at in (as_real(T), as_real(T_star))
    )
    return later / earlier


def reheating_temperature(T_p: RealLike, alpha: RealLike, kappa: RealLike = 0.0) -> Real:
    """T_RH = T_p (1 + (1 − κ)α)^{1/4} (GeV), what is not in χ heating the radiation.

    Args:
        T_p: temperature at percolation (GeV).
        alpha: released energy over that of the radiation.
        kappa: share of it that becomes χ.
    """
    return as_real(T_p) * entropy_growth(alpha, kappa) ** (1 / 3)


def entropy_growth(alpha: RealLike, kappa: RealLike = 0.0) -> Real:
    """s after the transition over s before, (1 + (1 − κ)α)^{3/4}: divides every yield made before.

    Args:
        alpha: released energy over that of the radiation.
        kappa: share of it that becomes χ.
    """
    return (1 + (1 - as_real(kappa)) * as_real(alpha)) ** 0.75


def partition_occupancy(
    kappa: RealLike,
    Delta_theta: RealLike,
    energy: RealLike,
    T_p: RealLike,
    m_chi: RealLike,
    g_chi: RealLike = 2.0,
    statistics: Statistics = "fermion",
    *,
    T_star: RealLike | None = None,
    g_star_s: RealLike | OfT = 1.0,
    equilibrium: Equilibrium = "exact",
) -> Occupancy:
    """f_χ = κ_χ Δθ/(ε̄ n_eq) at T_p, of what was released there or earlier, refused above a tenth.

    Args:
        kappa: κ_χ, share of the released energy that becomes χ, 0 to 1.
        Delta_theta: Δθ (GeV⁴), of `released_energy`, at the transition that makes χ.
        energy: ε̄, mean energy of χ when made (GeV), ≥ m_χ.
        T_p: temperature at which f_χ is asked for (GeV).
        m_chi: mass of χ (GeV).
        g_chi: degrees of freedom of χ.
        statistics: of χ.
        T_star: temperature ≥ T_p of the bath when χ was made (GeV); None for T_p. n_χ falls
            with s since then.
        g_star_s: g_s, a number (which drops out) or a function of T.
        equilibrium: of n_eq, as in `occupancy`.
    """
    given = (kappa, Delta_theta, energy, T_p, m_chi, g_chi, T_p if T_star is None else T_star)
    inputs = ([as_real(value) for value in given], g_star_s)
    ((kappa, Delta_theta, energy, T_p, m_chi, g_chi, T_star), g_star_s), token = shielded(inputs)
    valid = (kappa >= 0) & (kappa <= 1) & (Delta_theta >= 0) & (energy > 0) & (energy >= m_chi)
    valid = valid & (T_star >= T_p)
    n_chi = kappa * Delta_theta / energy * entropy_ratio(T_p, T_star, g_star_s)
    status = jnp.where(valid, Status.SUCCESS, Status.INVALID_PARAMETER)
    found = occupancy(n_chi, T_p, m_chi, g_chi, statistics, status=status, equilibrium=equilibrium)
    f_chi = withheld(found.f_chi, found.status == Status.SUCCESS, token)
    return eqx.tree_at(lambda one: one.f_chi, found, f_chi)

"""What the published scripts make of a wall: the local estimate, λ₀ of the overlap."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce.conversion.at_wall import WallConversion
from jaxbounce.conversion.local import LocalLandauZener
from jaxbounce.conversion.models import PUBLISHED_RATIO, ConversionSettings
from jaxbounce.conversion.overlap import DistributedOverlap, OverlapResult


class PublishedLocal(NamedTuple):
    """The first crossing, and P of the local estimate; None where the levels do not cross.

    Attributes:
        xi: where it is, ξ*.
        phi: |φ| there.
        slope: Δ'.
        delta: δ of Landau–Zener.
        P: 1 − e^{−2πδ} of all crossings; NaN without a number, or where the table of the wall does
            not tell one.
    """

    xi: float | None = None
    phi: float | None = None
    slope: float | None = None
    delta: float | None = None
    P: float | None = None


@eqx.filter_jit
def _crossing(conversion: WallConversion, v_w: jax.Array) -> Any:
    wall = conversion.wall()
    local = LocalLandauZener()(wall, conversion.couplings, v_w)
    return local, wall.fields(local.xi[0])[1], conversion(v_w, jnp.ones(())).P


def local_estimate(settings: ConversionSettings, v_w: float) -> PublishedLocal:
    """The published local estimate on a wall at speed v_w."""
    conversion = settings.build("local")
    local, phi, P = _crossing(conversion, jnp.asarray(v_w))
    if int(local.exists.sum()) == 0:
        return PublishedLocal()
    return PublishedLocal(
        float(local.xi[0]),
        float(phi),
        float(local.slope[0]),
        float(local.delta[0]),
        float(P),
    )


_coupling_for_ratio = eqx.filter_jit(DistributedOverlap.coupling_for_ratio)


class SolvedOverlap(NamedTuple):
    """The published overlap, its λ₀ solved for a ratio n_χ/n_B."""

    overlap: DistributedOverlap
    ratio: float
    solved: OverlapResult


def solved_overlap(settings: ConversionSettings, v_w: float) -> SolvedOverlap | None:
    """λ₀ for the ratio that the settings name, or the published one; None if they ask for none."""
    if settings.energies is None and settings.target_ratio is None:
        return None
    overlap, ratio = settings.overlap(), settings.target_ratio or PUBLISHED_RATIO
    wall = settings.build("overlap").wall()
    solved = _coupling_for_ratio(overlap, wall, settings.couplings, v_w, ratio)
    return SolvedOverlap(overlap, ratio, solved)

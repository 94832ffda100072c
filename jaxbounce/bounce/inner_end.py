"""Where a wall ends: the vacuum that the fields inside the bubble roll into.

The field at the centre of a bounce is no minimum of V, only a point beyond the barrier. What the
bubble fills with is where the way downhill from there leads, and a bounce is one into the true
vacuum asked for if the way downhill from that leads to the same place.
"""

from typing import NamedTuple

from jaxbounce._core.arrays import Flag, Real, xp
from jaxbounce.potential.landscape import Field, Landscape, Points
from jaxbounce.potential.vacua import descend, in_valley

_STEP = 0.02  # of a descent, relative to the distance from the false vacuum

_SMALLEST_STEP = 1e-6

_STEPS = 1000  # a factor of 4e8 in the distance: what has not come to rest then runs away

_ASIDE = 1e-4  # towards the true vacuum, off a ridge or a saddle that a wall may end on

_SAME = 1e-4  # distance of one vacuum's two ends, relative to that from the false vacuum

_EQUAL_DEPTH = 1e-9  # relative to the depth


class InnerEnd(NamedTuple):
    """Where a wall ends, in scaled fields."""

    vacuum: Field
    """NaN if the way downhill never comes to rest."""
    as_asked: Flag
    """Whether the true vacuum asked for rolls there too."""


def inner_end(seen: Landscape, centre: Field, target: Field) -> InnerEnd:
    """Where the fields inside a bubble come to rest, and whether that is what was asked for.

    Vacua that are joined by a flat valley (an orbit of a continuous symmetry, a modulus) are one.
    Two descents that never come to rest are one if they run the same way.

    Args:
        seen: the potential in scaled fields, the false vacuum at 0.
        centre: the fields at r = 0.
        target: the true vacuum asked for, or a point that is to roll into it.
    """

    def longest(u: Points) -> Real:
        return _STEP * xp.sqrt((u**2).sum(-1)) + _SMALLEST_STEP

    starts = xp.stack([centre + _ASIDE * (target - centre), target])
    ends, settled = descend(seen, starts, longest, _STEPS)
    inner, asked = ends
    depths = seen.values(ends)
    depth = xp.abs(seen.values(xp.zeros_like(target)) - depths[1])
    near = ((inner - asked) ** 2).sum() < _SAME**2 * (asked**2).sum()
    level = xp.abs(depths[0] - depths[1]) < _EQUAL_DEPTH * depth
    valley = in_valley(seen.curvatures(inner))
    together = (inner @ asked) ** 2 > (inner @ inner) * (asked @ asked) / 2
    both_run = ~settled.any() & together & (inner @ asked > 0)
    as_asked = (settled.all() & (near | (level & valley))) | both_run
    return InnerEnd(xp.where(settled[0], inner, xp.nan), as_asked)

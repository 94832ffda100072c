"""Bounces: the O(3)- and O(4)-symmetric saddles that govern the decay of a false vacuum."""

from jaxbounce.bounce.certificate import Certificate as Certificate
from jaxbounce.bounce.planar import PlanarWall as PlanarWall, planar_wall as planar_wall
from jaxbounce.bounce.slopes import action_slopes as action_slopes
from jaxbounce.bounce.solve import (
    Bounce as Bounce,
    solve_bounce as solve_bounce,
    vacua_status as vacua_status,
)

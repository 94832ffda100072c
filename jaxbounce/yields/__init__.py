"""Yields of baryons and of surviving χ: quadrature, and closed forms with depletion."""

from jaxbounce.yields.closures import (
    Closure as Closure,
    converted_fraction as converted_fraction,
    two_zone_log_survival as two_zone_log_survival,
)
from jaxbounce.yields.quadrature import (
    Quadrature as Quadrature,
    flux_over_entropy as flux_over_entropy,
    gauss_legendre_integral as gauss_legendre_integral,
    published_area_density as published_area_density,
    published_integral as published_integral,
    time_limits as time_limits,
)

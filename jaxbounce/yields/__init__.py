"""Yields of baryons and of surviving χ: quadrature, closed forms, the Boltzmann equations.

What integrates the Boltzmann equations is imported when first used: the library of its solvers
takes longer to import than all the rest.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxbounce._core.accuracy import limit_in_force as limit_in_force
from jaxbounce.yields.closures import (
    Shares as Shares,
    closure_shares as closure_shares,
    converted_fraction as converted_fraction,
    two_zone_log_survival as two_zone_log_survival,
)
from jaxbounce.yields.published import (
    published_area_density as published_area_density,
    published_integral as published_integral,
)
from jaxbounce.yields.quadrature import (
    flux_over_entropy as flux_over_entropy,
    gauss_legendre_integral as gauss_legendre_integral,
)
from jaxbounce.yields.rates import (
    annihilation_rate as annihilation_rate,
    equilibrium_yield as equilibrium_yield,
    source_rate as source_rate,
    washout_exponent as washout_exponent,
)
from jaxbounce.yields.source import (
    panel_limits as panel_limits,
    time_limits as time_limits,
    wall_times as wall_times,
)

if TYPE_CHECKING:
    from jaxbounce.yields.annihilation import Solver as Solver
    from jaxbounce.yields.boltzmann import (
        BoltzmannResult as BoltzmannResult,
        Evolution as Evolution,
        evolve_boltzmann as evolve_boltzmann,
        solve_boltzmann as solve_boltzmann,
    )

_WHEN_USED = {
    "Solver": "annihilation",
    "BoltzmannResult": "boltzmann",
    "Evolution": "boltzmann",
    "evolve_boltzmann": "boltzmann",
    "solve_boltzmann": "boltzmann",
}


def __getattr__(name: str) -> Any:
    if name in _WHEN_USED:
        return getattr(importlib.import_module(f"{__name__}.{_WHEN_USED[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHEN_USED})

"""Models as a user writes them in TOML, equal to those that come with the package."""

import tomllib
from typing import Any

from jaxbounce.files.model import template

DARK_U1: dict[str, Any] = tomllib.loads(
    """
fields = ["phi"]
potential = "lam*(phi**4/4 - v**2*phi**2/2)"
renormalisation_scale = 100.0
resummation = "arnold-espinosa"
false_vacuum = [0.0]
true_vacuum = [100.0]

[parameters]
lam = 0.01
g = 0.6
v = 100.0
T = 30.0

[definitions]
thermal = "(lam/3 + g**2/4)*T**2"

[[particles]]
name = "phi"
mass_squared = "lam*(3*phi**2 - v**2)"
degrees_of_freedom = 1
statistics = "boson"
debye = "thermal"

[[particles]]
name = "Goldstone"
mass_squared = "lam*(phi**2 - v**2)"
degrees_of_freedom = 1
statistics = "boson"
debye = "thermal"

[[particles]]
name = "A, longitudinal"
mass_squared = "(g*phi)**2"
degrees_of_freedom = 1
statistics = "boson"
debye = "g**2*T**2/3"
constant = "5/6"

[[particles]]
name = "A, transverse"
mass_squared = "(g*phi)**2"
degrees_of_freedom = 2
statistics = "boson"
constant = "5/6"
"""
)
"""A complex scalar of charge 1 under a U(1), in Landau gauge."""

SINGLET: dict[str, Any] = tomllib.loads(template())
"""The standard model and a real singlet: benchmark BM1 of WallGo (arXiv:2411.04970)."""

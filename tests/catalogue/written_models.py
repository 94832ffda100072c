"""Models as a user writes them in TOML, equal to those that come with the package."""

import tomllib
from typing import Any

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

SINGLET: dict[str, Any] = tomllib.loads(
    """
fields = ["h", "s"]
potential = "mu_h*h**2/2 + lam_h*h**4/4 + mu_s*s**2/2 + lam_s*s**4/4 + lam_hs*h**2*s**2/4"
renormalisation_scale = "Q"
g_rest = "15 + 7/8*78"
false_vacuum = [0.0, 104.9]
true_vacuum = [195.0, 0.0]

[parameters]
m_h = 125.0
m_s = 120.0
lam_hs = 0.9
lam_s = 1.0
v = 246.0
M_W = 80.379
M_Z = 91.1876
M_t = 173.0
Q = 125.0
T = 100.0
lam_h = "m_h**2/(2*v**2)"
mu_h = "-m_h**2/2"
mu_s = "m_s**2 - lam_hs*v**2/2"

[definitions]
share = "(h/v)**2"
mixing = "lam_hs*h*s"

[[particles]]
name = "h, s"
mass_squared = [
    ["mu_h + 3*lam_h*h**2 + lam_hs*s**2/2", "mixing"],
    ["mixing", "mu_s + 3*lam_s*s**2 + lam_hs*h**2/2"],
]
degrees_of_freedom = 1
statistics = "boson"

[[particles]]
name = "Goldstones"
mass_squared = "mu_h + lam_h*h**2 + lam_hs*s**2/2"
degrees_of_freedom = 3
statistics = "boson"

[[particles]]
name = "W"
mass_squared = "M_W**2*share"
degrees_of_freedom = 6
statistics = "boson"
constant = "5/6"

[[particles]]
name = "Z"
mass_squared = "M_Z**2*share"
degrees_of_freedom = 3
statistics = "boson"
constant = "5/6"

[[particles]]
name = "t"
mass_squared = "M_t**2*share"
degrees_of_freedom = 12
statistics = "fermion"

[transition]
T_low = 80.0
T_high = 150.0
"""
)
"""The standard model and a real singlet: benchmark BM1 of WallGo (arXiv:2411.04970)."""

"""Configurations that go from a thermal potential to densities."""

from typing import Any

from jaxbounce.files.transition import EXAMPLE

POTENTIAL = {key: value for key, value in EXAMPLE.items() if key != "transition"}
ENDS = {"T_low": 100.0, "T_high": 250.0}
TRANSITION: dict[str, Any] = {"potential": POTENTIAL, **ENDS}
POINT: dict[str, Any] = {
    "preset": "exact",
    "m_chi_GeV": 300.0,
    "v_w": 0.3,
    "P_chi_to_B": 0.15,
    "incident_flux_scale": 1e-9,
    "transition": TRANSITION,
}
TWO_FIELDS = {
    "fields": ["Phi", "phi"],
    "parameters": {"lam": 0.1, "v": 200.0, "T": 60.0},
    "potential": "lam/4*(Phi**2 - v**2)**2 + 0.1*phi**2*Phi**2 + T**2*phi",
    "false_vacuum": [0.0, 180.0],
    "true_vacuum": [200.0, 0.0],
}
PLANCK_POINT: dict[str, Any] = {
    "preset": "exact",
    "m_chi_GeV": 300.0,
    "v_w": 0.3,
    "P_chi_to_B": 0.767,
    "transition": TRANSITION,
    "occupancy": {
        "process": "decay",
        "m_A_GeV": 500.0,
        "Gamma_GeV": 1e-18,
        "statistics": "boson",
    },
}
"""Of which E and Γ can be chosen such that both densities are those of Planck."""

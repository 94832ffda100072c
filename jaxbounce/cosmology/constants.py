"""Physical constants in natural units (GeV, ħ = c = k_B = 1) and conversions to SI.

The values are those of the published pipeline, so that its numbers can be
reproduced digit by digit; each line names where the value comes from.
"""

PLANCK_MASS: float = 1.22089e19
"""Planck mass M_Pl (GeV), not reduced; the value of the published scripts (PDG 1.220890e19)."""

HUBBLE_PREFACTOR: float = 1.66
"""H = 1.66 √g_* T²/M_Pl; the published rounding of √(4π³/45) = 1.66015…"""

EXACT_HUBBLE_PREFACTOR: float = 1.6601546562574576
"""√(4π³/45), of which 1.66 is the published rounding: 9.4e-5 more."""

CMB_TEMPERATURE: float = 2.7255 * 8.617333262145179e-14
"""T₀ (GeV): 2.7255 K (Fixsen 2009), k_B of CODATA 2018."""

PER_METRE: float = 1.9732698045930246e-16
"""ħc (GeV m), CODATA 2018: 1/m in GeV."""

ENTROPY_DEGREES_TODAY: float = 3.909
"""g_s today of three neutrinos and instantaneous decoupling, 2 + 21/11; of the published s₀."""

ENTROPY_DEGREES_TODAY_FIT: float = 3.931
"""g_s today of the Standard Model with N_eff = 3.044 (1803.01038)."""

ENTROPY_DENSITY_TODAY: float = 2891.0e6
"""s₀ (m⁻³): 2891 cm⁻³, the published value (2π²/45 · 3.909 · T₀³ gives 2891.2 cm⁻³)."""

PROTON_MASS_KG: float = 1.67262192369e-27
"""m_p (kg), CODATA 2018."""

GEV_IN_KG: float = 1.78266192e-27
"""1 GeV/c² (kg), CODATA 2018."""

CRITICAL_DENSITY_OVER_H2: float = 1.8783416169331677e-26
"""ρ_crit/h² (kg/m³) = 3 (100 km/s/Mpc)²/(8πG), G = 6.6743e-11 (CODATA 2018), IAU parsec."""

PLANCK_OMEGA_B: float = 0.02237
"""Ω_b h², Planck 2018 TT,TE,EE+lowE+lensing (arXiv:1807.06209, table 2)."""

PLANCK_OMEGA_C: float = 0.1200
"""Ω_c h², Planck 2018 TT,TE,EE+lowE+lensing (arXiv:1807.06209, table 2)."""

ZETA_3: float = 1.2020569031595942
"""Riemann ζ(3)."""

"""g_ρ and g_s of the Standard Model above 0.12 GeV: Saikawa & Shirai, 1803.01038, appendix C.

Written for any array module, from the published coefficients of powers of ln(T/GeV).
"""

_A = (1, 1.11724, 0.312672, -0.0468049, -0.0265004, -0.0011976, 0.000182812, 0.000136436)
_A += (8.55051e-05, 1.2284e-05, 3.82259e-07, -6.87035e-09)
_B = (0.0143382, 0.0137559, 0.00292108, -0.000538533, -0.000162496, -2.87906e-05, -3.84278e-06)
_B += (2.78776e-06, 7.40342e-07, 1.1721e-07, 3.72499e-09, -6.74107e-11)
_C = (1, 0.607869, -0.154485, -0.224034, -0.0282147, 0.029062, 0.00686778, -0.00100005)
_C += (-0.000169104, 1.06301e-05, 1.69528e-06, -9.33311e-08)
_D = (70.7388, 91.8011, 33.1892, -1.39779, -1.52558, -0.0197857, -0.160146, 8.22615e-05)
_D += (0.0202651, -1.82134e-05, 7.83943e-05, 7.13518e-05)


def _power_sum(coefficients, t):
    total = 0.0
    for c in reversed(coefficients):
        total = total * t + c
    return total


def g_rho(log_T):
    return _power_sum(_A, log_T) / _power_sum(_B, log_T)


def g_s(log_T):
    return g_rho(log_T) / (1 + _power_sum(_C, log_T) / _power_sum(_D, log_T))

"""g_ρ and g_s of the Standard Model: Saikawa & Shirai, 1803.01038, appendix C.

Above 0.12 GeV written for any array module, from the published coefficients of powers of ln(T/GeV);
the whole of it, the pieces blended over |ln(T/0.12 GeV)| < 0.1, in NumPy.
"""

import numpy as np

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


_SPECIES = (  # mass (GeV), weights in g_ρ and g_s, bosons
    (511e-6, 3.495, 3.442, False),
    (0.1056, 3.446, 3.468, False),
    (0.135, 1.05, 1.034, True),
    (0.140, 2.08, 2.068, True),
    (0.5, 4.165, 4.16, True),
    (0.77, 30.55, 30.55, True),
    (1.2, 89.4, 90.0, True),
    (2.0, 8209.0, 6209.0, True),
)


def _shape(x, boson, entropy):
    if boson:
        a, c = (
            (1.03149, (1, 1.03317, 0.398264, 0.0648056)),
            (1.03365, (1, 1.03397, 0.342548, 0.0506182)),
        )[entropy]
    else:
        a, c = (
            (1.04855, (1, 1.03757, 0.508630, 0.0893988)),
            (1.04190, (1, 1.03400, 0.456426, 0.0595249)),
        )[entropy]
    return np.exp(-a * x) * _power_sum(c, x)


def _cold(log_T):
    inverse = np.exp(-log_T)
    free = 1 + 7 / 4 * _shape(511e-6 * inverse, False, True)
    energy, entropy = 2.030 + 1.353 * free ** (4 / 3), 2.008 + 1.923 * free
    for mass, in_energy, in_entropy, boson in _SPECIES:
        energy = energy + in_energy * _shape(mass * inverse, boson, False)
        entropy = entropy + in_entropy * _shape(mass * inverse, boson, True)
    return energy, entropy


JOINTS = (np.log(0.12) - 0.1, np.log(0.12) + 0.1)


def blended(log_T):
    """g_ρ and g_s; ln T may be complex."""
    u = (log_T - JOINTS[0]) / 0.2
    u = np.where(u.real <= 0, 0.0, np.where(u.real >= 1, 1.0, u))
    w = u**3 * (10 - 15 * u + 6 * u**2)
    cold = _cold(np.where(u == 1.0, JOINTS[1], log_T))
    t = np.where(u == 0.0, JOINTS[0], log_T)
    return tuple(b + w * (a - b) for a, b in zip((g_rho(t), g_s(t)), cold, strict=True))


def with_slope(log_T):
    """g_ρ, g_s and d ln g_s/d ln T, by a complex step."""
    energy, entropy = blended(np.asarray(log_T) + 1e-30j)
    return energy.real, entropy.real, entropy.imag / 1e-30 / entropy.real

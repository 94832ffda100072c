"""Densities and fluxes of an equilibrium gas, by trapezoids and tanh–sinh in the kinetic energy.

The flux that hits a wall at speed v is J = n⟨(u + v)²/4u⟩ of particles faster than the wall and
n⟨v⟩ of slower ones (SPEC B); with d³p = 4π p E dE, and t the kinetic energy over T,

    j = 2π² J/gT³ = ∫ (p + vE)²/4 f dt (u > v) + ∫ v p E f dt (u < v).

ln j + x is tabulated as Chebyshev series in ln x.
"""

import functools

import numpy as np
from scipy.special import erf, kve, logsumexp, zeta

SIGN = {"fermion": 1.0, "boson": -1.0, "classical": 0.0}
MASSLESS = {"fermion": 1.5 * zeta(3), "boson": 2 * zeta(3), "classical": 2.0}
SWITCH = 3.0  # m/T at which the published limits change

_STEP = 0.0801
_LOG_T = np.arange(-37.0, 6.7, _STEP)
_SINH_STEP = 0.0251
_SINH = np.arange(-3.4, 3.41, _SINH_STEP)
_PANEL = 1.0
_DEGREE = 22
_COLDEST = 3000.0
_HOTTEST = 1e-9


def _log_occupation(E, sign):
    if sign == 0:
        return -E
    return -E - (np.log1p(np.exp(-E)) if sign > 0 else np.log(-np.expm1(-E)))


def log_flux(x, v, statistics):
    """ln j + x at m/T = x, of broadcast arrays x and v; v = 0 is a wall at rest."""
    x, v = (np.asarray(a, float)[..., None] for a in np.broadcast_arrays(x, v))
    sign = SIGN[statistics]

    def total(t, log_weight, fast):
        E, p = t + x, np.sqrt(t * (t + 2 * x))
        hits = (p + v * E) ** 2 / 4 if fast else v * p * E
        with np.errstate(divide="ignore"):
            return logsumexp(np.log(hits) + _log_occupation(E, sign) + x + log_weight, axis=-1)

    root = np.sqrt((1 - v) * (1 + v))
    switch = x * v**2 / (root * (1 + root))  # (γ − 1) m/T
    s = np.exp(_LOG_T)
    faster = total(switch + s, np.log(s * _STEP), True)
    a = np.pi / 2 * np.sinh(_SINH)
    share, slope = 1 / (1 + np.exp(-2 * a)), np.pi / 2 * np.cosh(_SINH) / (2 * np.cosh(a) ** 2)
    # of a wall at nearly the speed of light no more of them than there are, e^{−100}
    safe = np.clip(switch, 1e-250, 100.0)
    slower = total(safe * share, np.log(safe * slope * _SINH_STEP), False)
    return np.logaddexp(faster, slower)


def log_density(x, statistics):
    """ln N + x, n = g T³ N/2π², at m/T = x."""
    x = np.asarray(x, float)
    if statistics == "classical":
        safe = np.where(x > 0, x, 1.0)
        return np.where(x > 0, 2 * np.log(safe) + np.log(kve(2, safe)), np.log(2.0))
    t, x = np.exp(_LOG_T), x[..., None]
    E = t + x
    weight = np.log(np.sqrt(t * (t + 2 * x)) * E * t * _STEP)
    return np.asarray(logsumexp(weight + _log_occupation(E, SIGN[statistics]) + x, axis=-1))


def log_piecewise_density(x, statistics):
    """The published limits of ln N: massless for x < 3, (x/2π)^{3/2} e^{−x} beyond."""
    cold = np.where(x > 0, x, 1.0)
    frozen = np.log(2 * np.pi**2) + 1.5 * np.log(cold / (2 * np.pi)) - cold
    return np.where(x < SWITCH, np.log(MASSLESS[statistics]), frozen)


def log_piecewise_flux(x, v, statistics):
    """The published limits of ln j; beyond x = 3 a Gaussian of velocities, σ² = T/m."""
    hot = np.log(MASSLESS[statistics] / 4 * (1 + v) ** 2)
    cold = np.where(x > 0, x, 1.0)
    sigma = 1 / np.sqrt(cold)
    one_sided = sigma / np.sqrt(2 * np.pi) * np.exp(-((v / sigma) ** 2) / 2)
    speed = one_sided + v / 2 * (1 + erf(v / sigma / np.sqrt(2)))
    frozen = np.log(2 * np.pi**2) + 1.5 * np.log(cold / (2 * np.pi)) - cold
    return np.where(x < SWITCH, hot, frozen + np.log(speed))


def _series(lowest, count):
    """Chebyshev nodes of panels of ln x, and the map from values to coefficients."""
    theta = np.pi * (np.arange(_DEGREE) + 0.5) / _DEGREE
    nodes = np.cos(theta)
    at = lowest + _PANEL * (np.arange(count)[:, None] + (1 + nodes) / 2)
    to = 2 / _DEGREE * np.cos(np.arange(_DEGREE)[:, None] * theta)
    to[0] /= 2
    return at, to


@functools.cache
def _static(statistics):
    lowest, count = np.log(_HOTTEST), int(np.ceil(np.log(_COLDEST / _HOTTEST) / _PANEL))
    at, to = _series(lowest, count)
    return log_flux(np.exp(at), 0.0, statistics) @ to.T


class Flux:
    """ln j of many points at once, each with its wall speed and range of m/T."""

    def __init__(self, v, x_low, x_high, statistics):
        """`v` None is a wall at rest; `x_low`, `x_high` are where each point will be asked."""
        self.statistics, self.v = statistics, v
        self.lowest = np.log(_HOTTEST)
        self.count = int(np.ceil(np.log(_COLDEST / _HOTTEST) / _PANEL))
        if v is None:
            self.table = _static(statistics)[None]
            return
        at, to = _series(self.lowest, self.count)
        self.table = np.zeros((v.size, self.count, _DEGREE))
        ends = [np.log(np.clip(x, _HOTTEST, 0.999 * _COLDEST)) for x in (x_low, x_high)]
        first, last = (np.floor((e - self.lowest) / _PANEL).astype(int) for e in ends)
        for k in range(v.size):
            wanted = slice(first[k], last[k] + 1)
            self.table[k, wanted] = log_flux(np.exp(at[wanted]), v[k], statistics) @ to.T

    def __call__(self, point, x):
        """ln j of points by number, at m/T = x of the same shape."""
        inside = np.clip(x, _HOTTEST, 0.999 * _COLDEST)
        place = (np.log(inside) - self.lowest) / _PANEL
        panel = np.floor(place).astype(int)
        theta = np.arccos(np.clip(2 * (place - panel) - 1, -1, 1))
        table = self.table[0 if self.v is None else point, panel]
        # Clenshaw's sum
        c, later, latest = 2 * np.cos(theta), 0.0, 0.0
        for k in range(_DEGREE - 1, 0, -1):
            later, latest = table[..., k] + c * later - latest, later
        return table[..., 0] + c / 2 * later - latest - np.maximum(x, _HOTTEST)

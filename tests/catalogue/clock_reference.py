"""Time, washout and yields with g_*(T) a second time, in NumPy: nothing here is the library's.

H dt = (1 + γ_s/3) dn, n = ln(T_p/T), on panels of 0.02 in n, counted outwards from T_p; yields by
the bisected panels of `yield_reference`, over the percolation time y₀ of constant g_*.
"""

import numpy as np
import yield_reference
from scipy.optimize import brentq

import saikawa_shirai

_T, _WEIGHT = np.polynomial.legendre.leggauss(24)
_TO_SERIES = np.polynomial.legendre.legvander(_T, 23).T * _WEIGHT * (np.arange(24)[:, None] + 0.5)


class Integral:
    """∫ f dn from n = 0."""

    def __init__(self, f, T_p, hot, cold):
        joints = np.log(T_p) - np.array(saikawa_shirai.JOINTS)
        inside = joints[(joints > hot) & (joints < cold)]
        count = int((cold - hot) / 0.02) + 2
        self.edges = np.unique(np.concatenate([np.linspace(hot, cold, count), inside, [0.0]]))
        half = np.diff(self.edges)[:, None] / 2
        values = f(self.edges[:-1, None] + half * (1 + _T)) * half
        self.series = np.polynomial.legendre.legint(_TO_SERIES @ values.T, lbnd=-1)
        parts = values @ _WEIGHT
        middle = int(np.searchsorted(self.edges, 0.0))
        before, after = -np.cumsum(parts[:middle][::-1])[::-1], np.cumsum(parts[middle:])
        self.at_edges = np.concatenate([before, [0.0], after])

    def __call__(self, n):
        k = np.clip(np.searchsorted(self.edges, n, "right") - 1, 0, self.edges.size - 2)
        s = 2 * (n - self.edges[k]) / (self.edges[k + 1] - self.edges[k]) - 1
        found = np.polynomial.legendre.legval(s, self.series[:, k], tensor=False)
        # from the end of the panel, where that is the nearer to T_p
        whole = np.polynomial.legendre.legval(1.0, self.series)[k]
        return np.where(
            self.edges[k] < 0, self.at_edges[k + 1] + (found - whole), self.at_edges[k] + found
        )


class Clock:
    """What happens to time between two temperatures, over T_p."""

    def __init__(self, p):
        self.T_p, self.B = p["T_p"], p["beta_over_H"]
        self.at_Tp = [g.item() for g in saikawa_shirai.blended(np.asarray(np.log(self.T_p) + 0j))]
        self.at_Tp = [g.real for g in self.at_Tp]
        self.range = -np.log(p["T_max_over_Tp"]), -np.log(p["T_min_over_Tp"])
        self.time = Integral(
            lambda n: self.B * np.exp(2 * n) * self.rate(n)[0], self.T_p, *self.range
        )

    def rate(self, n):
        """dy/dy₀ and g_s/g_s(T_p)."""
        energy, entropy, slope = saikawa_shirai.with_slope(np.log(self.T_p) - n)
        return (1 + slope / 3) * np.sqrt(self.at_Tp[0] / energy), entropy / self.at_Tp[1]

    def efolds(self, y):
        """n at y, or the end of the range."""
        hot, cold = self.range
        ends = self.time(np.array([hot, cold])) - y
        if ends[0] >= 0 or ends[1] <= 0:
            return hot if ends[0] >= 0 else cold
        return brentq(lambda n: self.time(np.array([n]))[0] - y, hot, cold, xtol=1e-15, rtol=1e-14)


def log_yield(p, c):
    """ln Y_B/(P f_χ): walls, and washout if there is any."""
    clock, B = Clock(p), p["beta_over_H"]
    lower, upper = (B / 2 * np.expm1(2 * clock.efolds(p[k])) for k in ("y_min", "y_max"))
    k, w = p.get("washout_power", 0.0), p.get("washout_over_H", 0.0)
    lost = Integral(
        lambda n: w * np.exp(k * n) * (1 + saikawa_shirai.with_slope(np.log(p["T_p"]) - n)[2] / 3),
        p["T_p"],
        *clock.range,
    )
    at_end = lost(np.array([clock.range[1]]))[0]

    def log_integrand(y0):
        n = np.log1p(2 * y0 / B) / 2
        rate, entropy = clock.rate(n)
        found = yield_reference.log_walls(p, c, clock.time(n)) + np.log(rate / entropy)
        found = found + yield_reference.log_hits(p, c, np.exp(n))
        return found - (at_end - lost(n)) if w else found

    joints = np.log(p["T_p"]) - np.array(saikawa_shirai.JOINTS)
    edges = np.concatenate([yield_reference.grid(p, c), B / 2 * np.expm1(2 * joints)])
    edges = edges[(edges > lower) & (edges < upper)]
    edges = np.unique(np.concatenate([[lower], edges, [upper]]))
    constant = 45 * p["g_chi"] / (4 * np.pi**4 * clock.at_Tp[1] * p["v_w"])
    return np.log(constant) + yield_reference.log_integral(log_integrand, edges)

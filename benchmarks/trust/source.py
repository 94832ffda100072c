"""The yield integral of many points at once, in n = ln(T_p/T), by adaptive Clenshaw–Curtis.

    Y_B/(P f_χ) = 45 g/(4π⁴ g_s v) ∫ j(m/T) [(A/V) v/β] W (dy/dn) dn,  y = (β/H)/2 (e^{2n} − 1).

The library integrates over y by a fixed number of Gauss–Legendre panels; here panels in n are
halved until 17 and 33 points agree, both with the ends of the panels among them, from edges of
many grids (even in y and in n, geometric from the hot end, sinh about y = 0, around I = 1).
"""

import functools

import numpy as np
from scipy.special import gammainc

from benchmarks.trust import gas

_LOWEST, _COUNT, _DEGREE, _WIDTH = -60.0, 72, 24, 2.0
_HALVINGS = 60


@functools.cache
def _later_bubbles():
    """Chebyshev coefficients of ln F(u) on panels of ln u, F = ∫ z² e^{−z − u P(4, z)} dz."""
    t, weight = np.polynomial.legendre.leggauss(360)
    theta = np.pi * (np.arange(_DEGREE) + 0.5) / _DEGREE
    log_u = _LOWEST + _WIDTH * (np.arange(_COUNT)[:, None] + (1 + np.cos(theta)) / 2)
    u = np.exp(log_u)[..., None]
    # z = scale s², which spreads the nodes towards z = 0
    scale = 48 * (1 + u / 24) ** -0.25
    s = (1 + t) / 2
    z = scale * s**2
    values = np.log((scale * s * weight * z**2 * np.exp(-z - u * gammainc(4, z))).sum(-1))
    to = 2 / _DEGREE * np.cos(np.arange(_DEGREE)[:, None] * theta)
    to[0] /= 2
    return values @ to.T


def log_later_bubbles(log_u):
    """ln F(u)."""
    place = (np.clip(log_u, _LOWEST, _LOWEST + 0.999999 * _WIDTH * _COUNT) - _LOWEST) / _WIDTH
    panel = np.floor(place).astype(int)
    table, c = _later_bubbles()[panel], 2 * (2 * (place - panel) - 1)
    later, latest = 0.0, 0.0
    for k in range(_DEGREE - 1, 0, -1):
        later, latest = table[..., k] + c * later - latest, later
    return table[..., 0] + c / 2 * later - latest


def clenshaw_curtis(intervals):
    """Nodes cos(πk/N) and weights on [−1, 1]."""
    theta = np.pi * np.arange(intervals + 1) / intervals
    weight = np.zeros(intervals + 1)
    for k in range(0, intervals + 1, 2):
        part = 2 / (1 - k**2) * (0.5 if k in (0, intervals) else 1.0)
        weight += part * np.cos(k * theta)
    weight *= 2 / intervals
    weight[[0, -1]] /= 2
    return np.cos(theta), weight


def log_integral(log_f, edges, tolerance=1e-14):
    """ln ∫ e^φ dn of many points, and the relative error that halving still found.

    Args:
        log_f: (point, n) → φ, of arrays of the same shape.
        edges: first edges of the panels, shape (points, edges), sorted.
        tolerance: what a panel may be off by, relative to the integral.
    """
    t, fine = clenshaw_curtis(32)
    coarse = clenshaw_curtis(16)[1]
    count = len(edges)
    owner = np.repeat(np.arange(count), edges.shape[1] - 1)
    a, b = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    keep = b > a
    owner, a, b = owner[keep], a[keep], b[keep]
    peak = np.full(count, -np.inf)
    done, doubt = np.full(count, -np.inf), np.full(count, -np.inf)
    for _ in range(_HALVINGS):
        half = (b - a) / 2
        n = (a + b)[:, None] / 2 + half[:, None] * t
        phi = log_f(np.broadcast_to(owner[:, None], n.shape), n)
        np.maximum.at(peak, owner, phi.max(1) + np.log(half))
        height = np.maximum(phi.max(1), -1e300)
        e = np.exp(phi - height[:, None])
        large, small = e @ fine, e[:, ::2] @ coarse
        with np.errstate(divide="ignore"):
            value = height + np.log(large * half)
            apart = height + np.log(np.abs(large - small) * half)
        total = done.copy()
        np.logaddexp.at(total, owner, value)
        split = apart > total[owner] + np.log(tolerance)
        split &= b - a > 4e-15 * np.maximum(np.abs(a), np.abs(b))
        np.logaddexp.at(done, owner[~split], value[~split])
        np.logaddexp.at(doubt, owner[~split], apart[~split])
        if not split.any():
            break
        middle = (a + b)[split] / 2
        owner, a, b = (
            np.concatenate([owner[split], owner[split]]),
            np.concatenate([a[split], middle]),
            np.concatenate([middle, b[split]]),
        )
    with np.errstate(invalid="ignore"):
        return done, np.where(np.isfinite(done), np.exp(doubt - done), 0.0)


class Source:
    """The integrand of many points with one set of choices."""

    def __init__(self, p, c):
        """Numbers `p` by the library's names, arrays of one length; choices `c` by name."""
        self.p, self.c = p, c
        B = p["beta_over_H"]
        hot, cold = -np.log(p["T_max_over_Tp"]), -np.log(p["T_min_over_Tp"])
        with np.errstate(divide="ignore", invalid="ignore"):
            early = np.where(1 + 2 * p["y_min"] / B > 0, np.log1p(2 * p["y_min"] / B) / 2, -np.inf)
        self.first = np.maximum(hot, early)
        self.last = np.minimum(cold, np.log1p(2 * p["y_max"] / B) / 2)
        self.mass = p["m_chi"] / p["T_p"]
        v = p["v_w"] if c["flux"] == "moving-wall" else None
        self.v = v
        self.flux = None
        if c["equilibrium"] == "exact":
            low, high = (self.mass * np.exp(n) for n in (self.first, self.last))
            self.flux = gas.Flux(v, low, high, c["chi_stats"])

    def y(self, k, n):
        """β(t − t_p)."""
        return self.p["beta_over_H"][k] / 2 * np.expm1(2 * n)

    def log_rate(self, k, n):
        """ln of j (A/V)(v/β) W dy/dn."""
        y = self.y(k, n)
        log_u = y + np.log(self.p["I_p"][k])
        if self.c["area_kernel"] == "kjma":
            phi = log_u - np.exp(np.minimum(log_u, 700.0))
        else:
            phi = log_u - np.log(2.0) + log_later_bubbles(log_u)
        if self.c["window"] == "gaussian":
            phi = phi - (y / self.p["sigma_y"][k]) ** 2 / 2
        x = self.mass[k] * np.exp(n)
        if self.flux is not None:
            flux = self.flux(k, x)
        else:
            v = 0.0 if self.v is None else self.v[k]
            flux = gas.log_piecewise_flux(x, v, self.c["chi_stats"])
        return phi + flux + np.log(self.p["beta_over_H"][k]) + 2 * n

    def edges(self):
        """First edges in n, shape (points, edges)."""
        p = {name: np.asarray(value)[:, None] for name, value in self.p.items()}
        first, last, B = self.first[:, None], self.last[:, None], p["beta_over_H"]
        y_first, y_last = B / 2 * np.expm1(2 * first), B / 2 * np.expm1(2 * last)
        core = p["sigma_y"] if self.c["window"] == "gaussian" else np.ones_like(B)
        share = np.linspace(0, 1, 25)
        in_y = [
            y_first + (y_last - y_first) * share,
            np.minimum(core, 1.0) * np.sinh(np.linspace(-8, 8, 41)),
            core * np.linspace(-9, 9, 37),
            np.linspace(-8, 8, 33) - np.log(p["I_p"]),
        ]
        y = np.clip(np.concatenate(in_y, 1), y_first, y_last)
        in_n = [
            first + (last - first) * np.linspace(0, 1, 33),
            first + (last - first) * np.logspace(-12, 0, 37),
        ]
        if self.c["equilibrium"] == "piecewise":
            meets = np.where(self.mass > 0, gas.SWITCH / np.maximum(self.mass, 1e-300), 1.0)
            in_n.append(np.log(meets)[:, None])
        n = np.log1p(np.maximum(2 * y / B, -1 + 1e-16)) / 2
        n = np.clip(np.concatenate([n, *in_n], 1), first, last)
        return np.sort(n, axis=1)

    def log_yield(self, block=250):
        """ln Y_B/(P f_χ), and the error of it."""
        p, edges, found = self.p, self.edges(), []
        for start in range(0, len(edges), block):
            part = edges[start : start + block]
            found.append(log_integral(lambda k, n, s=start: self.log_rate(k + s, n), part))
        integral, doubt = (np.concatenate(a) for a in zip(*found, strict=True))
        scale = 45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"] * p["v_w"])
        # a logarithm of some hundred, and the kernels, are good to as many roundings
        rounding = 4e-16 * (10 + np.abs(integral)) + 2e-14
        return np.log(scale) + integral, doubt + rounding

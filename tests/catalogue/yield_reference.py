"""The yield integral a second time, in NumPy: adaptive panels, logarithms, closed forms if known.

Nothing here is the library's. Fluxes are integrals over the kinetic energy t = E − m in units of
T, by the trapezoid in ln t (double-exponential on a finite range); the integral over y bisects
panels between the points of several grids at once (even in y, even in ln T, geometric from the hot
end, sinh about y = 0) until 16 and 24 nodes agree; everything is a logarithm until the sum.
"""

import functools

import numpy as np
from scipy.interpolate import BarycentricInterpolator
from scipy.special import erf, gammainc, kve, logsumexp, zeta

_LOG_T = np.arange(-36.0, 6.7, 0.1)
_SHARE = np.arange(-3.3, 3.31, 0.025)
_FEW, _MANY = (np.polynomial.legendre.leggauss(n) for n in (16, 24))
_SIGN = {"fermion": 1.0, "boson": -1.0, "classical": 0.0}
_LOWEST, _PANEL, _DEGREE = -90.0, 2.0, 20


@functools.cache
def _later_bubbles_panels():
    """ln F on panels of ln u, F by 400 nodes on the width of its integrand."""
    z, weight = np.polynomial.legendre.leggauss(400)
    panels = []
    for k in range(88):
        low = _LOWEST + _PANEL * k
        log_u = low + _PANEL / 2 * (1 + np.cos(np.pi * np.arange(_DEGREE + 1) / _DEGREE))
        u = np.exp(log_u)[:, None]
        scale = 45 * (1 + u / 24) ** -0.25
        at = scale * (1 + z) / 2
        values = (scale / 2 * weight * at**2 * np.exp(-at - u * gammainc(4, at))).sum(-1)
        panels.append(BarycentricInterpolator(log_u, np.log(values)))
    return panels


def log_later_bubbles(log_u):
    """ln F(u), F = ∫ z² e^{−z − u P(4, z)} dz."""
    out = np.empty_like(log_u)
    which = np.floor((log_u - _LOWEST) / _PANEL).astype(int)
    for k in np.unique(which):
        inside = which == k
        out[inside] = np.log(2.0) if k < 0 else _later_bubbles_panels()[k](log_u[inside])
    return out


def log_flux(x, v, statistics):
    """ln j at x = m/T (1-D) and wall speed v (None: at rest), J = g T³ j/2π²."""
    x, sign = x[:, None], _SIGN[statistics]

    def summed(t, log_weight, moving):
        E = t + x
        kernel = moving(np.sqrt(t * (t + 2 * x)), E)
        occupation = -E - np.log1p(sign * np.exp(-E)) if sign >= 0 else -E - np.log(-np.expm1(-E))
        with np.errstate(divide="ignore"):  # ln 0 at a limit of the integral
            return logsumexp(np.log(kernel) + occupation + log_weight, axis=1)

    if v is None:
        t = np.exp(_LOG_T)[None, :]
        return summed(t, np.log(t * 0.1), lambda p, E: p**2 / 4)
    switch = x * v**2 / ((1 + np.sqrt((1 - v) * (1 + v))) * np.sqrt((1 - v) * (1 + v)))
    s = np.exp(_LOG_T)[None, :]
    faster = summed(switch + s, np.log(s * 0.1), lambda p, E: (p + v * E) ** 2 / 4)
    # tanh–sinh on (0, switch), in shares of it that keep their digits at 0
    a = np.pi / 2 * np.sinh(_SHARE)
    share = 1 / (1 + np.exp(-2 * a))
    weight = 0.025 * np.pi / 2 * np.cosh(_SHARE) * 2 * share / (1 + np.exp(2 * a))
    safe = np.maximum(switch, 1e-200)
    slower = summed(safe * share, np.log(safe * weight), lambda p, E: v * p * E)
    return np.logaddexp(faster, slower)


def log_piecewise_flux(x, v, statistics):
    """The published limits: massless for x < 3, a Gaussian of velocities beyond."""
    massless = {"fermion": 1.5 * zeta(3), "boson": 2 * zeta(3), "classical": 2.0}[statistics]
    hot = np.full_like(x, np.log(massless / 4 * (1 + (v or 0.0)) ** 2))
    cold = np.where(x > 0, x, 1.0)
    density = np.log(2 * np.pi**2) + 1.5 * np.log(cold / (2 * np.pi)) - cold
    sigma = 1 / np.sqrt(cold)
    w = v or 0.0
    speed = sigma / np.sqrt(2 * np.pi) * np.exp(-((w / sigma) ** 2) / 2)
    speed = speed + w / 2 * (1 + erf(w / sigma / np.sqrt(2)))
    return np.where(x < 3, hot, density + np.log(speed))


def limits(p):
    """The range of y, from the temperatures and the clamps."""
    B = p["beta_over_H"]
    hot, cold = (B / 2 * (1 / p[k] ** 2 - 1) for k in ("T_max_over_Tp", "T_min_over_Tp"))
    return max(hot, p["y_min"]), min(cold, p["y_max"])


def log_walls(p, c, y):
    """ln of area density times window."""
    log_u = y + np.log(p["I_p"])
    area = log_u - np.exp(np.minimum(log_u, 700.0))
    if c["area_kernel"] == "eq6":
        area = log_u - np.log(2.0) + log_later_bubbles(log_u)
    return area - (((y / p["sigma_y"]) ** 2) / 2 if c["window"] == "gaussian" else 0.0)


def log_hits(p, c, ratio):
    """ln of the flux at T_p/T."""
    v = p["v_w"] if c["flux"] == "moving-wall" else None
    flux = log_piecewise_flux if c["equilibrium"] == "piecewise" else log_flux
    return flux(p["m_chi"] / p["T_p"] * ratio, v, c["chi_stats"])


def log_source(p, c, y):
    """ln of dY_B/dy/(P f_χ), without the constants 45 g/(4π⁴ g_s v)."""
    return log_walls(p, c, y) + log_hits(p, c, np.sqrt(1 + 2 * y / p["beta_over_H"]))


def log_integral(log_integrand, edges, tolerance=1e-13, most=30):
    """ln ∫ e^φ dy over the edges, panels bisected until two rules agree."""

    def panels(lower, upper, rule):
        t, weight = rule
        y = (lower + upper)[:, None] / 2 + (upper - lower)[:, None] / 2 * t
        values = log_integrand(y.ravel()).reshape(y.shape)
        return np.asarray(logsumexp(values + np.log((upper - lower)[:, None] / 2 * weight), axis=1))

    lower, upper = edges[:-1], edges[1:]
    rough = panels(lower, upper, np.polynomial.legendre.leggauss(2))
    near = rough > rough.max() - 60
    near[1:] |= near[:-1].copy()
    near[:-1] |= near[1:].copy()
    lower, upper, done = lower[near], upper[near], []
    for _ in range(most):
        few, many = panels(lower, upper, _FEW), panels(lower, upper, _MANY)
        total = logsumexp(np.concatenate([many, np.array(done)]))
        wrong = np.abs(np.exp(few - total) - np.exp(many - total)) > tolerance / 30
        wrong &= upper - lower > 1e-13 * np.maximum(abs(lower), abs(upper))
        done.extend(many[~wrong])
        if not wrong.any():
            break
        middle = (lower + upper)[wrong] / 2
        lower, upper = (
            np.concatenate([lower[wrong], middle]),
            np.concatenate([middle, upper[wrong]]),
        )
    return logsumexp(np.array(done))


def grid(p, c):
    """Edges to begin with."""
    lower, upper = limits(p)
    B, length = p["beta_over_H"], upper - lower
    n = np.linspace(*(np.log1p(2 * np.array([lower, upper]) / B) / 2), 25)
    core = p["sigma_y"] if c["window"] == "gaussian" else 1.0
    edges = [
        np.linspace(lower, upper, 25),
        B / 2 * np.expm1(2 * n),
        lower + length * np.logspace(-12, 0, 25),
        min(core, 1.0) * np.sinh(np.linspace(-8, 8, 33)),
        core * np.linspace(-8, 8, 33),
        np.linspace(-6, 6, 25) - np.log(p["I_p"]),
    ]
    if p["m_chi"] > 0:
        edges.append(np.array([B / 2 * ((3 * p["T_p"] / p["m_chi"]) ** 2 - 1)]))
    edges = np.concatenate(edges)
    inside = edges[(edges > lower) & (edges < upper)]
    return np.unique(np.concatenate([[lower], inside, [upper]]))


def log_yield(p, c):
    """ln Y_B/(P f_χ) of the source alone."""
    constant = 45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"] * p["v_w"])
    return np.log(constant) + log_integral(lambda y: log_source(p, c, y), grid(p, c))


def log_density(x, statistics):
    """ln N(x), n = g T³ N/2π², exact, of a 1-D x."""
    if statistics == "classical":
        safe = np.where(x > 0, x, 1.0)
        return np.where(x > 0, 2 * np.log(safe) + np.log(kve(2, safe)) - x, np.log(2.0))
    t, x = np.exp(_LOG_T), x[:, None]
    E = x + t
    sign = _SIGN[statistics]
    occupation = -E - (np.log1p(np.exp(-E)) if sign > 0 else np.log(-np.expm1(-E)))
    return logsumexp(np.log(np.sqrt(t * (t + 2 * x)) * E * t * 0.1) + occupation, axis=1)


def washout(p, y):
    """Ω from y until T_min: Γ_w/H = w₀ e^{kn}, n = ln(T_p/T)."""
    n, end = np.log1p(2 * y / p["beta_over_H"]) / 2, -np.log(p["T_min_over_Tp"])
    k = p["washout_power"]
    span = end - n if k == 0 else np.exp(k * n) * np.expm1(k * (end - n)) / k
    return p["washout_over_H"] * span


def washed_yields(p, c, Y_chi):
    """Y_χ and Y_B at T_min with walls and washout, but no annihilation.

    External: ∫ S e^{−Ω} dy. Self-consistent: Y_χ e^{−K} and Y_χ ∫ k e^{−K − Ω} dy, K on panels on
    which it grows by less than 1/2.
    """
    log_scale = np.log(p["P"] / p["v_w"])
    if c["coupling"] == "external":
        log_scale += np.log(45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"]) * p["f_chi"])
        edges = grid(p, c)
        taken = np.exp(log_scale + log_integral(lambda y: log_source(p, c, y), edges))
        made = log_integral(lambda y: log_source(p, c, y) - washout(p, y), edges)
        left = Y_chi - (taken if c["depletion"] == "on" else 0.0)
        return left, np.exp(log_scale + made)

    def log_k(y):
        x = p["m_chi"] / p["T_p"] * np.sqrt(1 + 2 * y / p["beta_over_H"])
        return log_scale + log_source(p, c, y) - log_density(x, c["chi_stats"])

    t, weight = _MANY
    series = np.polynomial.legendre.legvander(t, t.size - 1)
    to_series = (series * weight[:, None]).T * (np.arange(t.size) + 0.5)[:, None]

    def on_panels(edges):
        half = np.diff(edges)[:, None] / 2
        y = edges[:-1, None] + half * (1 + t)
        k = np.exp(log_k(y.ravel())).reshape(y.shape) * half
        return k, (k @ to_series.T), washout(p, y)

    edges = grid(p, c)
    k, coefficients, omega = on_panels(edges)
    for _ in range(12):
        grown = 2 * coefficients[:, 0]
        before = np.cumsum(grown) - grown
        tail = np.abs(coefficients[:, -3:]).max(1)
        fading = omega[:, 0] - omega[:, -1]
        wanted = (before < 60) & (omega[:, -1] < omega.min() + 700)
        wide = wanted & ((grown > 0.5) | (tail > 1e-15 * grown.sum()) | (fading > 2.0))
        wide &= np.diff(edges) > 1e-12 * np.abs(edges[1:])
        if not wide.any() or edges.size > 6000:
            break
        edges = np.unique(np.concatenate([edges, ((edges[1:] + edges[:-1]) / 2)[wide]]))
        k, coefficients, omega = on_panels(edges)
    integral = np.polynomial.legendre.legint(coefficients.T, lbnd=-1)
    grown = np.polynomial.legendre.legval(1.0, integral)
    before = np.cumsum(grown) - grown
    K = before[:, None] + np.polynomial.legendre.legval(t, integral)
    made = logsumexp(np.log(np.maximum(k * weight, 1e-320)) - K - omega)
    return Y_chi * np.exp(-grown.sum()), Y_chi * np.exp(made)

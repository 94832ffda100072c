"""The Boltzmann equations written down a second time, for SciPy: nothing here is the library's.

χ is a classical gas, for which every equilibrium integral is closed: n = g T³ x² K₂/2π²,
n v̄ = g T³ 2(1 + x)e^{−x}/2π². The equations are integrated as they stand, in ln Y_χ (or Y_χ)
and Y_B over n = ln(T_p/T), cut at the edges of the wall epoch and in many short pieces inside
it, with no quadrature done beforehand.
"""

import itertools

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import gammainc, kve

M_PL = 1.22089e19
_Z, _WEIGHT = np.polynomial.legendre.leggauss(300)


def later_bubbles(u):
    """F(u) on a mesh stretched to the width of its integrand."""
    scale = 45 * (1 + u / 24) ** -0.25
    z = scale * (1 + _Z) / 2
    return scale / 2 * (_WEIGHT * z**2 * np.exp(-z - u * gammainc(4, z))).sum()


def _with_vacuum(p, n):
    """y and dy/dn with ρ_V = α ρ_r(T_p) in H until I = I_p e^y is ln 100, then as radiation."""
    alpha, B = p.get("alpha_V", 0.0), p["beta_over_H"]
    if alpha == 0:
        return B / 2 * np.expm1(2 * n), B * np.exp(2 * n)
    root, whole = np.sqrt(alpha), np.sqrt(1 + alpha)
    before = np.arcsinh(root * np.exp(2 * n)) - np.arcsinh(root)
    y, last = B * whole / (2 * root) * before, np.log(np.log(100) / p["I_p"])
    if y <= last:
        return y, B * whole / np.sqrt(np.exp(-4 * n) + alpha)
    square = np.sinh(np.arcsinh(root) + 2 * root * last / (B * whole)) / root
    pace = B * whole / np.sqrt(1 + alpha * square**2)
    return last + pace / 2 * (np.exp(2 * n) - square), pace * np.exp(2 * n)


def rates_of(p, kernel, window, coupling):
    """λ(n), ln Y_eq(n), source(n) per e-fold and Γ_w/H(n)."""

    def annihilation(n):
        T = p["T_p"] * np.exp(-n)
        entropy = 2 * np.pi**2 / 45 * p["g_star_s"] * T**3
        hubble = 1.66 * np.sqrt(p["g_star"]) * T**2 / M_PL
        if p.get("alpha_V", 0.0):
            # H T_p²/T² grows as the pace of y falls behind e^{2n}
            pace = _with_vacuum(p, n)[1] / p["beta_over_H"] / np.exp(2 * n)
            hubble *= np.sqrt(1 + p["alpha_V"]) / pace
        average = p.get("sigma_v", 0.0) + p.get("sigma_v_slope", 0.0) * T / p["m_chi"]
        return entropy * average / hubble

    def log_equilibrium(n):
        x = p["m_chi"] / p["T_p"] * np.exp(n)
        return np.log(45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"]) * x**2 * kve(2, x)) - x

    def source(n):
        y, pace = _with_vacuum(p, n)
        u = p["I_p"] * np.exp(y)
        area = u * np.exp(-u) if kernel == "kjma" else u / 2 * later_bubbles(u)
        if window == "gaussian":
            area *= np.exp(-((y / p["sigma_y"]) ** 2) / 2)
        x = p["m_chi"] / p["T_p"] * np.exp(n)
        speed = 2 * (1 + x) / (x**2 * kve(2, x))
        hits = speed / 4 / p["v_w"] * area * pace
        if coupling == "external":
            hits = hits * p["f_chi"] * np.exp(log_equilibrium(n))
        return p["P"] * hits

    def washout(n):
        return p.get("washout_over_H", 0.0) * np.exp(p.get("washout_power", 0.0) * n)

    return annihilation, log_equilibrium, source, washout


def solve(
    p,
    Y_chi,
    *,
    kernel,
    window="none",
    coupling="self-consistent",
    ends=(5.0, 1e-3),
    pieces=60,
    rtol=1e-10,
    last=None,
):
    """Y_χ and Y_B at the coldest temperature; `Y_chi` None starts in equilibrium."""
    annihilation, log_equilibrium, source, washout = rates_of(p, kernel, window, coupling)
    hottest, coldest = -np.log(ends[0]), -np.log(ends[1])
    B = p["beta_over_H"]
    y_lo, y_hi = max(B / 2 * np.expm1(2 * hottest), -80.0), min(B / 2 * np.expm1(2 * coldest), 50.0)
    edges = np.log1p(2 * np.linspace(y_lo, y_hi, pieces + 1) / B) / 2
    log_Y, Y_B = log_equilibrium(hottest) if Y_chi is None else np.log(Y_chi), 0.0
    cuts = [hottest, *edges, coldest]
    if last is not None:
        cuts.append(last)
    scale = 1e-4 * Y_chi if Y_chi is not None else 1e-10
    for k, (a, b) in enumerate(itertools.pairwise(cuts)):
        if b - a < 1e-13:
            continue
        walls = 0 < k <= pieces

        def derivative(n, state, walls=walls):
            W, baryons = state
            Y = np.exp(W)
            equilibrium = log_equilibrium(n)
            apart = W - equilibrium
            # 2 Y_eq sinh(ln Y/Y_eq), which keeps its digits near equilibrium
            difference = (
                2 * np.exp(equilibrium) * np.sinh(apart)
                if abs(apart) < 1
                else Y - np.exp(2 * equilibrium - W)
            )
            exchange = -annihilation(n) * difference
            given = source(n) if walls else 0.0
            if coupling == "self-consistent":
                loss, gain = given, given * Y
            else:
                loss, gain = given / Y, given
            return [exchange - loss, gain / scale - washout(n) * baryons]

        def jacobian(n, state, walls=walls):
            Y, equilibrium = np.exp(state[0]), np.exp(log_equilibrium(n))
            given = source(n) if walls else 0.0
            relaxation = -annihilation(n) * (Y + equilibrium**2 / Y)
            if coupling == "self-consistent":
                return [[relaxation, 0.0], [given * Y / scale, -washout(n)]]
            return [[relaxation + given / Y, 0.0], [0.0, -washout(n)]]

        solution = solve_ivp(
            derivative,
            (a, b),
            [log_Y, Y_B],
            method="Radau",
            rtol=rtol,
            atol=[rtol, 1e-13],
            jac=jacobian,
        )
        assert solution.success, solution.message
        log_Y, Y_B = solution.y[:, -1]
    return np.exp(log_Y), Y_B * scale

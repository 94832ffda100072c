"""The Boltzmann equations with annihilation a third time: Radau collocation of order 17, in NumPy.

Equilibrium, walls and washout are those of `yield_reference`, for any statistics. ln Y_χ is solved
for in nine stages a step by Newton's method, Y_B is a quadrature on the same points, and a step is
halved until it agrees with its two halves to rounding: SciPy's Radau, of order 5, ends near 1e-10.
"""

import itertools

import numpy as np
import yield_reference

M_PL = 1.22089e19
STAGES = 9


def _tableau():
    radau = np.zeros(STAGES + 1)
    radau[-2:] = -1.0, 1.0
    x = np.sort(np.polynomial.legendre.legroots(radau).real)
    for _ in range(3):
        slope = np.polynomial.legendre.legval(x, np.polynomial.legendre.legder(radau))
        x = x - np.polynomial.legendre.legval(x, radau) / slope
    x[-1] = 1.0
    vandermonde = np.polynomial.legendre.legvander(x, STAGES - 1)
    integrals = np.polynomial.legendre.legint(np.eye(STAGES), lbnd=-1)
    return (x + 1) / 2, np.polynomial.legendre.legval(x, integrals).T @ np.linalg.inv(
        vandermonde
    ) / 2


_POINTS, _A = _tableau()


class Problem:
    """One point: numbers `p` by the library's names, choices `c` as a dictionary."""

    def __init__(self, p, c):
        self.p, self.c = p, c
        ends = np.array(yield_reference.limits(p))
        self.first, self.last = np.log1p(2 * ends / p["beta_over_H"]) / 2

    def log_equilibrium(self, n):
        p = self.p
        x = p["m_chi"] / p["T_p"] * np.exp(n)
        constant = np.log(45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"]))
        return constant + yield_reference.log_density(x, self.c["chi_stats"])

    def annihilation(self, n):
        p, T = self.p, self.p["T_p"] * np.exp(-n)
        entropy = 2 * np.pi**2 / 45 * p["g_star_s"] * T**3
        hubble = 1.66 * np.sqrt(p["g_star"]) * T**2 / M_PL
        return entropy * (p["sigma_v"] + p["sigma_v_slope"] * T / p["m_chi"]) / hubble

    def walls(self, n):
        p, c, B = self.p, self.c, self.p["beta_over_H"]
        log_rate = yield_reference.log_source(p, c, B / 2 * np.expm1(2 * n))
        log_rate = log_rate + np.log(p["P"] / p["v_w"] * B) + 2 * n
        if c["coupling"] == "external":
            constant = 45 * p["g_chi"] / (4 * np.pi**4 * p["g_star_s"]) * p["f_chi"]
            return np.exp(log_rate + np.log(constant))
        x = p["m_chi"] / p["T_p"] * np.exp(n)
        return np.exp(log_rate - yield_reference.log_density(x, c["chi_stats"]))

    def fading(self, n, end):
        k, span = self.p["washout_power"], end - n
        span = span if k == 0 else np.exp(k * n) * np.expm1(k * span) / k
        return np.exp(-self.p["washout_over_H"] * span)

    def step(self, a, b, U, Y_B):
        """From n = a to b; None where Newton's method fails."""
        h, n = b - a, a + (b - a) * _POINTS
        rate, E = self.annihilation(n), self.log_equilibrium(n)
        active = self.first - 1e-15 <= a and b <= self.last + 1e-15
        source = self.walls(n) if active else np.zeros(STAGES)
        depends = self.c["coupling"] == "self-consistent"
        depleted = 0.0 if depends or self.c["depletion"] == "off" else source
        W = np.where(2 * rate * np.exp(E) * h > 20, E, U)
        size = np.inf
        for _ in range(60):
            near = np.clip(W - E, -1, 1)
            balance = np.where(
                abs(W - E) < 1, 2 * np.exp(E) * np.sinh(near), np.exp(W) - np.exp(2 * E - W)
            )
            slope = -rate * balance - (source if depends else depleted * np.exp(-W))
            bend = -rate * (np.exp(W) + np.exp(2 * E - W))
            bend = bend if depends else bend + depleted * np.exp(-W)
            move = np.linalg.solve(np.eye(STAGES) - h * _A * bend, W - U - h * _A @ slope)
            size = abs(move).max()
            if not np.isfinite(size):
                return None
            W = W - move * min(1.0, 3 / max(size, 1e-300))
            if size < 1e-14 * max(1.0, abs(W).max()):
                break
        else:
            if size > 1e-12:
                return None
        gain = source * (np.exp(W) if depends else 1.0) * self.fading(n, b)
        return W[-1], Y_B * self.fading(a, b) + h * _A[-1] @ gain

    def solve(self, Y_chi=None, most=40_000):
        """Y_χ and Y_B at T_min, and the sum of what halving still changed; None if it fails."""
        p = self.p
        hot, cold = -np.log(p["T_max_over_Tp"]), -np.log(p["T_min_over_Tp"])
        y = yield_reference.grid(p, self.c)
        edges = np.concatenate([np.linspace(hot, cold, 41), np.log1p(2 * y / p["beta_over_H"]) / 2])
        edges = np.unique(np.clip(np.append(edges, [self.first, self.last]), hot, cold))
        start = self.log_equilibrium(np.array([hot]))[0] if Y_chi is None else np.log(Y_chi)
        state, doubt = (start, 0.0), 0.0
        stack = list(itertools.pairwise(edges))[::-1]
        for _ in range(most):
            if not stack:
                return np.exp(state[0]), state[1], doubt
            a, b = stack.pop()
            if b - a <= 1e-14:
                continue
            middle = (a + b) / 2
            once = self.step(a, b, *state)
            half = self.step(a, middle, *state)
            twice = None if half is None else self.step(middle, b, *half)
            changed = np.inf
            if once is not None and twice is not None:
                changed = abs(once[0] - twice[0]) / max(1.0, abs(twice[0]))
                changed = max(changed, 0.3 * abs(once[1] - twice[1]) / max(twice[1], 1e-300))
            if changed > 4e-14 and b - a > 1e-9 * max(abs(a), 1e-3):
                stack += [(middle, b), (a, middle)]
                continue
            if twice is None:
                return None
            state, doubt = twice, doubt + changed
        return None

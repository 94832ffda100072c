"""P from random tables of walls that are solved exactly, through every tier.

    python -m benchmarks.trust.conversion [--points 500] [--full-wave 40] [--seed 1]

A table is 60 or 150 rows of a linear-tanh wall, as people write them: rows equal, uneven or random,
few decimals or figures, noise, cut inside the wall. Whatever the table, P of the wall itself is
known: Landau–Zener in closed form ("local"), the linear-tanh closed form ("two-level",
"two-level-dec"), or SciPy's integration of the reflection matrix (full wave, SPEC A.4).

A withheld table is "hopeless" if P of the spline through it, by the library's own number, is off
by more than the tolerance of a quarter: no estimate could have let it pass.
"""

import argparse
import dataclasses
import sys
import time
from collections import Counter
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

import jaxbounce
from benchmarks.trust.report import Tally
from jaxbounce.conversion import (
    FullWave,
    LocalLandauZener,
    TwoLevelPropagation,
    WallConversion,
)
from jaxbounce.conversion.wall import Couplings, TabulatedWall

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "catalogue"))

from tables import KINDS, damaged_table

ROWS = (60, 150)
MODELS = {
    "local": LocalLandauZener(),
    "two-level": TwoLevelPropagation(steps=1024),
    "two-level-dec": TwoLevelPropagation(steps=1024, meaning="P_dec"),
    "full-wave-scalar": FullWave("scalar", 128),
    "full-wave-dirac": FullWave("dirac", 128),
}


@dataclasses.dataclass(frozen=True)
class Wall:
    """|Φ| = A (1 − s), |φ| = B s with s = (1 + tanh(ξ/L))/2, and how χ meets it."""

    A: float
    B: float
    width: float
    lam: float
    v: float
    K: float

    def fields(self, xi):
        """|Φ| and |φ|."""
        s = (1 + np.tanh(xi / self.width)) / 2
        return self.A * (1 - s), self.B * s

    def local(self):
        """1 − e^{−2πδ} at the crossing, where s' = 2s(1 − s)/L."""
        s = self.A / (self.A + self.B)
        slope = (self.A + self.B) * 2 * s * (1 - s) / self.width
        return -np.expm1(-2 * np.pi * (self.lam * self.B * s) ** 2 / (self.v * slope))

    def flip(self):
        """P_c of SPEC A.6(2): b goes from (0, 0, −A/2) to (λB, 0, B/2)."""
        first, last = np.array([0.0, -self.A / 2]), np.array([self.lam * self.B, self.B / 2])
        w, W, D = (2 * np.hypot(*x) for x in (first, last, (last - first) / 2))
        T = self.width / self.v

        def log_sinh(x):
            return x + np.log1p(-np.exp(-2 * x)) - np.log(2)

        return np.exp(
            log_sinh(np.pi * T * (2 * D + W - w) / 4)
            + log_sinh(np.pi * T * (2 * D - W + w) / 4)
            - log_sinh(np.pi * T * w / 2)
            - log_sinh(np.pi * T * W / 2)
        )

    def produced(self):
        """P_dec = ½ [1 − (1 − 2P_c) cos 2θ_in cos 2θ_out], cos 2θ_in = −1 inside."""
        outside = 1 / np.sqrt(1 + 4 * self.lam**2)
        return (1 + (1 - 2 * self.flip()) * outside) / 2

    def mass(self, xi):
        """The mass matrix of (B, χ)."""
        Phi, phi = self.fields(xi)
        return np.array([[phi, self.lam * phi], [self.lam * phi, Phi]])

    def scattered(self, spin):
        """T_B + R_B by the reflection matrix, from ξ = −∞ to ∞."""
        K, reach, one = self.K, 20 * self.width, np.eye(2)
        (m_in, V_in), (m_out, V_out) = (np.linalg.eigh(self.mass(x)) for x in (-reach, reach))
        k_in, k_out = (np.sqrt(K**2 - m**2 + 0j) for m in (m_in, m_out))
        start = -(K - k_in) / (K + k_in) if spin == "scalar" else m_in / (K + k_in)

        def slopes(xi, state):
            r, t = state.reshape(2, 2, 2)
            M = self.mass(xi)
            if spin == "scalar":
                N = M @ M / (2 * K)
                back = 1j * (r - one) @ N @ (r - one) + 2j * K * r
                through = 1j * t @ (K * one + N @ (r - one))
            else:
                back = 2j * K * r - 1j * M - 1j * r @ M @ r
                through = 1j * t @ (K * one - M @ r)
            return np.concatenate([back.ravel(), through.ravel()])

        r = V_in @ np.diag(start) @ V_in.T
        state = np.concatenate([r.ravel(), one.ravel()]).astype(complex)
        done = solve_ivp(slopes, (-reach, reach), state, "DOP853", rtol=1e-11, atol=1e-13)
        r, t = done.y[:, -1].reshape(2, 2, 2)
        r, t = V_out.T @ r @ V_out, V_in.T @ t @ V_out
        if spin == "scalar":
            plus, minus = np.diag(K + k_out), np.diag(K - k_out)
            R = -np.linalg.solve(plus + r @ minus, minus + r @ plus)
            T = np.diag(1 / (K + k_in)) @ t @ (plus + minus @ R)
            weight_in, weight_out = np.real(k_in), np.real(k_out)
        else:
            mu = np.diag(m_out / (K + k_out))
            R = np.linalg.solve(one - r @ mu, r - mu)
            T = t @ (one + mu @ R)
            weight_in, weight_out = (
                np.where(np.real(k) > 0, 1 - np.abs(m / (K + k)) ** 2, 0.0)
                for m, k in ((m_in, k_in), (m_out, k_out))
            )
        chi = int(np.argmax(np.abs(V_out[1])))
        B_out, B_in = 1 - chi, int(np.argmax(np.abs(V_in[0])))
        shares = (
            np.abs(T[B_in, chi]) ** 2 * weight_in[B_in]
            + np.abs(R[B_out, chi]) ** 2 * (weight_out[B_out])
        )
        return float(shares / weight_out[chi])


def draw(random, kind, rows):
    """A wall, and its table."""
    A, B = random.uniform(1, 3, 2)
    width, lam, v = random.uniform(0.8, 2.5), random.uniform(0.03, 0.4), random.uniform(0.2, 0.8)
    wall = Wall(A, B, width, lam, v, max(A, B) * random.uniform(1.2, 4))
    xi, fields = damaged_table(random, kind, rows, width, wall.fields)
    return wall, (xi, *fields)


def truth(wall, name):
    if name == "local":
        return wall.local()
    if name == "two-level":
        return 1 - wall.flip()
    if name == "two-level-dec":
        return wall.produced()
    return wall.scattered(name.removeprefix("full-wave-"))


CALL = eqx.filter_jit(lambda conversion, v: conversion(v, 1.0))


def campaign(name, points, seed):
    tally, hopeless, needless = Tally(f"P from tables, {name}"), Counter(), []
    stated, true = [], []
    for i in range(points):
        random = np.random.default_rng([seed, i])
        kind = str(random.choice(KINDS))
        wall, table = draw(random, kind, int(random.choice(ROWS)))
        K = wall.K if name.startswith("full-wave") else None
        conversion = WallConversion(
            TabulatedWall.from_table(*table), Couplings(lam=wall.lam), MODELS[name], K=K
        )
        found = CALL(conversion, jnp.asarray(wall.v))
        exact, label = truth(wall, name), f"seed [{seed}, {i}] {kind}, {wall}"
        if tally.add_status(np.array([found.status]), kind)[0]:
            P, error = float(found.P), float(found.error)
            allowed = np.array([error + 1e-9 * exact])
            tally.add(f"P, {kind}", np.array([P]), np.array([exact]), allowed, [label])
            stated.append(error)
            true.append(max(abs(P - exact), 1e-16))
        else:
            free = CALL(dataclasses.replace(conversion, table_tolerance=1e9), jnp.asarray(wall.v))
            off = abs(float(free.P) - exact) / exact
            poor = not off <= 0.25
            hopeless[kind] += poor
            if not poor:
                needless.append((float(free.error) / exact / max(off, 1e-16), off, kind))
    wrong = tally.print()
    ratio = np.quantile(np.array(stated) / np.array(true), [0.05, 0.5, 0.95])
    print(f"  stated/true of those given: 5 %, 50 %, 95 %: {ratio.round(1)}")
    print(f"  withheld and hopeless (P off by more than 25 %): {dict(hopeless)}")
    if needless:
        factors, offs, _ = zip(*needless, strict=True)
        kinds = dict(Counter(kind for *_, kind in needless))
        print(
            f"  withheld and P within 25 %: {kinds}; median off {np.median(offs):.1e},"
            f" stated/true {np.median(factors):.1f}"
        )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--full-wave", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    jaxbounce.enable_x64()
    begin, wrong = time.perf_counter(), 0
    for name in MODELS:
        full = name.startswith("full-wave")
        wrong += campaign(name, arguments.full_wave if full else arguments.points, arguments.seed)
        print(f"  {time.perf_counter() - begin:.0f} s", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

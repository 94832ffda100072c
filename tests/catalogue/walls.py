"""Walls for the tests, with closed forms, and the values of SPEC section A (golden.json)."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce.conversion.wall import TanhWall, TwoCentreTanhWall, WallProfile


def W1(width=1.5):
    """|φ| = 0.85 (1 + tanh), |Φ| = 1.2 (1 − tanh)."""
    return TanhWall(Phi_inside=2.4, phi_outside=1.7, width=width)


def W2():
    return TwoCentreTanhWall(
        Phi_inside=2.4, phi_outside=1.7, width=1.5, centre_Phi=-1.0, centre_phi=1.0
    )


class Lasting(WallProfile):
    """φ = 1 everywhere; Φ from a function: constant mixing λ and Δ = 1 − Φ."""

    reach: float = 60.0

    def hidden(self, xi):
        # Δ = 2 (tanh²(ξ/3) − 0.36): the double crossing of golden A.double_crossing
        return 1 - 2 * (jnp.tanh(xi / 3) ** 2 - 0.36)

    def fields(self, xi):
        xi = jnp.asarray(xi)
        return self.hidden(xi), jnp.ones_like(xi)

    def limits(self):
        return jnp.asarray(-self.reach), jnp.asarray(self.reach)

    def scan(self, intervals):
        return jnp.linspace(-self.reach, self.reach, intervals + 1)


class TripleCrossing(Lasting):
    """Three well separated crossings of slopes that alternate."""

    def hidden(self, xi):
        return 1 - (jnp.tanh(xi + 14) - jnp.tanh(xi + 1.5) + jnp.tanh(xi - 9) + 0.1)


class NoCrossing(Lasting):
    """Linear in tanh, Δ from 0.3 to 0.9 and m = λ: solved by the linear-tanh closed form."""

    def hidden(self, xi):
        return 0.7 - 0.6 * jax.nn.sigmoid(2 * xi)


def _log_sinh(x):
    return x + np.log1p(-np.exp(-2 * x)) - np.log(2)


def linear_tanh_P_c(start, end, width, v):
    """SPEC A.6(2): b(ξ) linear in tanh(ξ/width) from `start` to `end`, vectors on the last axis."""
    w_start, w_end = (2 * np.linalg.norm(b, axis=-1) for b in (start, end))
    B, T = np.linalg.norm(np.subtract(end, start), axis=-1), np.divide(width, v)
    return np.exp(
        _log_sinh(np.pi * T * (2 * B + w_end - w_start) / 4)
        + _log_sinh(np.pi * T * (2 * B - w_end + w_start) / 4)
        - _log_sinh(np.pi * T * w_start / 2)
        - _log_sinh(np.pi * T * w_end / 2)
    )


def W1_P_c(lam, v, width=1.5):
    return linear_tanh_P_c([0, 0, -1.2], [1.7 * lam, 0, 0.85], width, v)

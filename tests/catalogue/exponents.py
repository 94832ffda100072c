"""S₃/T with a minimum in T, as supercooled transitions have, and T_n, T_p, β/H by SciPy."""

import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from jaxbounce.cosmology.radiation import hubble_rate

G_STAR = 100.0


def exponent(T, theta):
    """S_min + 300 (T/50 − 1)², unknown between two temperatures."""
    lowest, gap_low, gap_high = theta
    known = (gap_low >= T) | (gap_high <= T)
    return jnp.where(known, lowest + 300 * (T / 50 - 1) ** 2, jnp.nan)


def transition(lowest: float, T_high: float = 110.0, I_p: float = 0.34) -> tuple[float, ...]:
    """T_n, T_p and β/H, walls at the speed of light."""
    unit = float(hubble_rate(1.0, G_STAR))  # H = unit T²

    def log_rate(T):
        action = lowest + 300 * (T / 50 - 1) ** 2
        return 1.5 * np.log(action / (2 * np.pi)) - action - 4 * np.log(T) - 4 * np.log(unit)

    def volume(T):
        # a = 1/T, dt = da/(a H), r = 1/T − a in units of 1/`unit`
        def integrand(a):
            return np.exp(log_rate(1 / a)) * a**-4 * (1 / T - a) ** 3

        peak = [1 / 60, 1 / 50] if T < 50 else None
        integral = quad(integrand, 1 / T_high, 1 / T, points=peak, limit=400, epsrel=1e-12)[0]
        return 4 * np.pi / 3 * integral

    T_n = float(brentq(log_rate, 50.0, 99.0))
    hottest = min(60.0, T_high - 0.5)
    T_p = float(brentq(lambda T: np.log(volume(T) / I_p), 8.0, hottest, xtol=1e-11))
    h = 1e-3
    slope = (log_rate(T_p + h) - log_rate(T_p - h)) / (2 * h)
    return T_n, T_p, -T_p * slope - 8

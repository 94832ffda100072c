"""Nucleation rates that switch on, off and bend, with I and A/V by SciPy's quadrature."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad

V_W = 0.5


class Pulse(NamedTuple):
    """Γ = (t − on)^power from `on` to `off`."""

    on: float
    off: float
    power: float


def log_rate(t, pulse: Pulse):
    """ln Γ of a pulse."""
    active = (t >= pulse.on) & (t < pulse.off)
    since = jnp.where(active & (t > pulse.on), t - pulse.on, 1.0)
    return jnp.where(active, pulse.power * jnp.log(since), -jnp.inf)


def _integral(pulse: Pulse, t: float, order: int) -> float:
    end = min(t, pulse.off)
    if end <= pulse.on:
        return 0.0

    # s = on + u², which a power of ½ needs
    def integrand(u: float) -> float:
        return 2 * u ** (2 * pulse.power + 1) * (V_W * (t - pulse.on - u**2)) ** order

    return quad(integrand, 0.0, np.sqrt(end - pulse.on), epsabs=0, epsrel=1e-12)[0]


def extended_volume(pulse: Pulse, t: float) -> float:
    """I(t)."""
    return 4 * np.pi / 3 * _integral(pulse, t, 3)


def area_density(pulse: Pulse, t: float) -> float:
    """A/V."""
    return 4 * np.pi * _integral(pulse, t, 2) * np.exp(-extended_volume(pulse, t))


def random_pulses(count: int, seed: int) -> list[Pulse]:
    """Times from 0 to 4; one half of the pulses never ends."""
    draw = np.random.default_rng(seed)
    on = draw.uniform(0.0, 3.0, count)
    length = np.where(draw.random(count) < 0.5, 9.0, draw.uniform(0.05, 2.0, count))
    power = draw.choice([0.0, 0.5, 1.0, 2.0], count)
    return [Pulse(*map(float, row)) for row in zip(on, on + length, power, strict=True)]

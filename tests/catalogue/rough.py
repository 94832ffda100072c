"""A potential with the kink of a thermal loop, (m²)₊^{3/2}, and its bounce by shooting."""

import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

BEND = 0.5


def potential(phi, theta):
    """φ²/2 − φ³ + δφ⁴ − BEND (φ − x)₊^{3/2}, the kink at φ = x on the barrier."""
    delta, kink = theta
    over = phi[0] - kink
    safe = jnp.where(over > 0, over, 1.0)
    loop = jnp.where(over > 0, safe * jnp.sqrt(safe), 0.0)
    return phi[0] ** 2 / 2 - phi[0] ** 3 + delta * phi[0] ** 4 - BEND * loop


def action(delta: float, kink: float) -> float:
    """S₃ by overshoot and undershoot in pieces that end at the kink; two thirds of T."""

    def force(x: float) -> float:
        return x - 3 * x**2 + 4 * delta * x**3 - 1.5 * BEND * np.sqrt(max(x - kink, 0.0))

    def right(r, y):
        slope = y[1]
        return [slope, force(y[0]) - 2 / r * slope, 2 * np.pi * r**2 * slope**2]

    def at_kink(_, y):
        return y[0] - kink

    def hit(_, y):
        return y[0]

    def turn(_, y):
        return y[1] - 1e-13

    for event in (at_kink, hit, turn):
        event.terminal = True  # pyright: ignore[reportFunctionMemberAccess]
    turn.direction = 1  # pyright: ignore[reportFunctionMemberAccess]

    def shoot(start: float) -> tuple[bool, float]:
        r = 1e-3
        curve = force(start) / 3
        y = np.array([start + curve * r**2 / 2, curve * r, 0.0])
        for events in ([at_kink, turn], [hit, turn]):
            run = solve_ivp(right, (r, 200.0), y, "DOP853", events=events, rtol=1e-12, atol=1e-14)
            r, y = run.t[-1], run.y[:, -1]
            if not run.t_events[0].size:
                return False, y[2]
        return True, y[2]

    # from the top of the potential beyond the barrier, where the ball would stay
    field = np.linspace(kink + 0.05, 3.0, 20001)
    values = np.array([force(x) for x in field])
    top = field[np.flatnonzero((values[1:] > 0) & (values[:-1] <= 0))[0] + 1]
    low, high = np.log(1e-7), np.log(top - kink - 1e-3)
    found = 0.0
    for _ in range(48):
        middle = (low + high) / 2
        over, kinetic = shoot(top - np.exp(middle))
        if over:
            low, found = middle, kinetic
        else:
            high = middle
    return 2 / 3 * found

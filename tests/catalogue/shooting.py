"""An independent oracle for one field: shooting with SciPy's dop853.

The variable is the distance δ to the minimum that the wall ends in, of which the logarithm is
bisected: thin walls set out closer to it than rounding lets φ be.
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from scipy.integrate import ode

# starts: how often the way from the edge of the barrier to the minimum is divided by e
_SCAN = np.concatenate([np.linspace(0.02, 3.0, 14), np.linspace(4.0, 100.0, 13)])

_BISECTIONS = 44


class Shot(NamedTuple):
    """Where a shot ended."""

    passes: bool
    """The false vacuum."""
    action: float
    """(2/D) Ω ∫ r^{D−1} ½ φ'² dr."""
    end: float
    """φ, where it turned back if it did."""


def _shot(push: Polynomial, minimum: float, start: float, D: int) -> Shot:
    """A shot that begins at the distance `start` from the minimum."""
    area = 4 * np.pi if D == 3 else 2 * np.pi**2
    coefficients = push.coef[::-1].tolist()

    def force(delta):
        total = 0.0
        for c in coefficients:
            total = total * delta + c
        return total

    r = 1e-3
    at = [start + force(start) * r**2 / 2 / D, force(start) * r / D, 0.0]
    # relative to the start as long as δ is small, then to the whole way: a field that comes to
    # rest at a vacuum on it has no speed left to be measured against
    first_end = min(max(1e-3 * minimum, 2 * start), minimum)
    for unit, end in ((start, first_end), (minimum, minimum)):

        def slopes(r, y, unit=unit):
            speed = y[1]
            spent = area * r ** (D - 1) * (unit * speed) ** 2 / D
            return [speed, force(unit * y[0]) / unit - (D - 1) / r * speed, spent]

        def goes_on(_, y, unit=unit, end=end):
            return 0 if y[1] > 0 and unit * y[0] < end else -1

        part = ode(slopes).set_integrator("dop853", rtol=1e-12, atol=1e-14, nsteps=20_000)
        part.set_solout(goes_on)
        part.set_initial_value([at[0] / unit, at[1] / unit, at[2]], r)
        delta, speed, action = part.integrate(2000.0)
        r, at = part.t, [delta * unit, speed * unit, action]
        if speed <= 0 or r >= 2000.0 or at[0] >= minimum:
            break
    return Shot(bool(at[0] >= minimum), float(at[2]), float(minimum - at[0]))


def actions(V: Polynomial, top: float, minimum: float, D: int = 3) -> list[float] | None:
    """Actions of the bounces out of the minimum at 0 that end between `top` and `minimum`.

    None if the wall is too thin for these shots: one from close enough to the minimum has lost
    nothing to friction when it sets off, and must pass. Between shots that pass and shots that
    do not lies a bounce only if these turn back at the false vacuum: if at a vacuum on the way,
    it is the bounce out of that one, and what passes it runs past the false vacuum too.

    Args:
        V: the potential, with V(0) = 0.
        top: the maximum of V on the side of the false vacuum.
        minimum: the minimum of V beyond it, below 0; both positive.
        D: 3 or 4.
    """
    slope = V.deriv()
    flat = [x.real for x in slope.roots() if abs(x.imag) < 1e-9]
    barrier = min(x for x in flat if 1e-9 < x < top + 1e-9)
    if min(V(np.array([0.0, *[x for x in flat if 0 < x < top]]))) < V(minimum):
        return []  # a higher hill of −V is on the way
    below = [x.real for x in V.roots() if abs(x.imag) < 1e-9 and top < x.real < minimum]
    first = max([top, *below])
    push = -slope(Polynomial([minimum, -1.0]))  # δ'' + … = −V'(minimum − δ)
    push.coef[0] = 0.0

    def shot(x):
        return _shot(push, minimum, (minimum - first) * np.exp(-x), D)

    passed = [shot(x).passes for x in _SCAN]
    if not passed[-1]:
        return None
    found = []
    for k in np.flatnonzero(np.diff(np.array(passed, int))):
        low, high = _SCAN[k], _SCAN[k + 1]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if shot(middle).passes == passed[k] else (low, middle)
        short, past = sorted((shot(low), shot(high)), key=lambda s: s.passes)
        if short.end < barrier:
            # the shot that turns back, or the one that runs past and has spent a little more
            found.append(min(short.action, past.action))
    return found

"""An independent oracle for one field: shooting with SciPy's DOP853."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import Polynomial
from scipy.integrate import solve_ivp

_SHOTS = 24  # of a scan: half equally spaced, half ever closer to the minimum

_BISECTIONS = 44


class _Falls:
    """Ends a shot where a component falls through zero."""

    terminal = True
    direction = -1.0

    def __init__(self, component: int):
        self.component = component

    def __call__(self, _, y):
        return y[self.component]


def _shot(force: Callable[[float], float], start: float, D: int) -> tuple[bool, float]:
    """Whether the field passes the false vacuum at 0, and (2/D) Ω ∫ r^{D−1} ½ φ'² dr."""
    push = force(start)
    r = 1e-3 * min(1.0, np.sqrt(start / max(abs(push), 1e-12)))
    first = [start + push * r**2 / 2 / D, -push * r / D, 0.0]
    area = 4 * np.pi if D == 3 else 2 * np.pi**2

    def slopes(r, y):
        fall = y[1]
        return [-fall, -force(y[0]) - (D - 1) / r * fall, area * r ** (D - 1) * fall**2 / D]

    found = solve_ivp(
        slopes, (r, 400.0), first, "DOP853", events=(_Falls(0), _Falls(1)), rtol=1e-11, atol=1e-13
    )
    return found.t_events[0].size > 0, found.y[2, -1]


def actions(V: Polynomial, top: float, minimum: float, D: int = 3) -> list[float] | None:
    """Actions of the bounces out of the minimum at 0 that end between `top` and `minimum`.

    None if the wall is too thin for shots to tell: one from close enough to the minimum has lost
    nothing to friction when it sets off, and must pass.

    Args:
        V: the potential, with V(0) = 0.
        top: the maximum of V on the side of the false vacuum.
        minimum: the minimum of V beyond it, below 0; both positive.
        D: 3 or 4.
    """
    force = V.deriv()
    between = [x.real for x in force.roots() if abs(x.imag) < 1e-9 and 0 < x.real < top]
    if min(V(np.array([0.0, *between]))) < V(minimum):
        return []  # a higher hill of −V is on the way
    below = [x.real for x in V.roots() if abs(x.imag) < 1e-9 and top < x.real < minimum]
    first = max([top, *below])
    half = _SHOTS // 2
    even = first + (minimum - first) * np.arange(1, half) / half
    close = minimum - (minimum - even[-1]) * 10.0 ** -np.arange(1, half)
    starts = np.array([first * (1 + 1e-9), *even, *close])
    passes = [_shot(force, start, D)[0] for start in starts]
    if not passes[-1]:
        return None
    found = []
    for k in np.flatnonzero(np.diff(np.array(passes, int))):
        low, high = starts[k], starts[k + 1]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            same = _shot(force, middle, D)[0] == passes[k]
            low, high = (middle, high) if same else (low, middle)
        # the shot that turns back, or the one that runs past and has spent a little more
        found.append(min(_shot(force, low, D)[1], _shot(force, high, D)[1]))
    return found

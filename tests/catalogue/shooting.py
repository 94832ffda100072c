"""An independent oracle for one field: shooting with SciPy's DOP853.

The variable is the distance δ to the minimum that the wall ends in, of which the logarithm is
bisected: thin walls set out closer to it than rounding lets φ be.
"""

import numpy as np
from numpy.polynomial import Polynomial
from scipy.integrate import solve_ivp

# starts: how often the way from the edge of the barrier to the minimum is divided by e
_SCAN = np.concatenate([np.linspace(0.02, 3.0, 14), np.linspace(4.0, 100.0, 13)])

_BISECTIONS = 36


class _Falls:
    """Ends a shot where a component falls through zero."""

    terminal = True
    direction = -1.0

    def __init__(self, component: int, offset: float = 0.0):
        self.component, self.offset = component, offset

    def __call__(self, _, y):
        return self.offset - y[0] if self.component == 0 else y[1]


def _shot(push: Polynomial, minimum: float, start: float, D: int) -> tuple[bool, float]:
    """Whether the field passes the false vacuum, and (2/D) Ω ∫ r^{D−1} ½ φ'² dr."""
    area = 4 * np.pi if D == 3 else 2 * np.pi**2
    coefficients = push.coef[::-1].tolist()

    def force(delta):
        total = 0.0
        for c in coefficients:
            total = total * delta + c
        return total

    r = 1e-3
    first = [start + force(start) * r**2 / 2 / D, force(start) * r / D, 0.0]

    def slopes(r, y):
        speed = y[1]
        return [speed, force(y[0]) - (D - 1) / r * speed, area * r ** (D - 1) * speed**2 / D]

    found = solve_ivp(
        slopes,
        (r, 2000.0),
        first,
        "DOP853",
        events=(_Falls(0, minimum), _Falls(1)),
        rtol=1e-10,
        atol=[1e-13 * start, 1e-13 * start, 1e-12],
    )
    return found.t_events[0].size > 0, found.y[2, -1]


def actions(V: Polynomial, top: float, minimum: float, D: int = 3) -> list[float] | None:
    """Actions of the bounces out of the minimum at 0 that end between `top` and `minimum`.

    None if the wall is too thin for these shots: one from close enough to the minimum has lost
    nothing to friction when it sets off, and must pass.

    Args:
        V: the potential, with V(0) = 0.
        top: the maximum of V on the side of the false vacuum.
        minimum: the minimum of V beyond it, below 0; both positive.
        D: 3 or 4.
    """
    slope = V.deriv()
    between = [x.real for x in slope.roots() if abs(x.imag) < 1e-9 and 0 < x.real < top]
    if min(V(np.array([0.0, *between]))) < V(minimum):
        return []  # a higher hill of −V is on the way
    below = [x.real for x in V.roots() if abs(x.imag) < 1e-9 and top < x.real < minimum]
    first = max([top, *below])
    push = -slope(Polynomial([minimum, -1.0]))  # δ'' + … = −V'(minimum − δ)
    push.coef[0] = 0.0

    def passes(x):
        return _shot(push, minimum, (minimum - first) * np.exp(-x), D)

    passed = [passes(x)[0] for x in _SCAN]
    if not passed[-1]:
        return None
    found = []
    for k in np.flatnonzero(np.diff(np.array(passed, int))):
        low, high = _SCAN[k], _SCAN[k + 1]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if passes(middle)[0] == passed[k] else (low, middle)
        # the shot that turns back, or the one that runs past and has spent a little more
        found.append(min(passes(low)[1], passes(high)[1]))
    return found

"""Walls in local thermal equilibrium by SciPy, and published points.

Another way than the package's: the unknown in front of the wall is α_+ in the published equation,
the flow runs in ln v with an adaptive method and an event at the shock, roots are Brent's.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

THIRD = 1 / 3

# α_θ̄, Ψ, c_s², c_b²; v_J, v_w, kind, α_max (None: above 1), v_+, T_+, T_−. Computed by two routes
# (these equations; conservation laws with temperatures), and by B. Laurent's HydrodynamicsFOPT.
POINTS = (
    ((0.01, 0.98, THIRD, THIRD), 0.65307922810361, 0.644968229357187, "hybrid"),
    ((0.05, 0.9, THIRD, THIRD), 0.730140203856795, 0.597418293145289, "hybrid"),
    ((0.05, 0.88, THIRD, THIRD), 0.730140203856795, 0.521683580738512, "deflagration"),
    ((0.05, 0.95, THIRD, THIRD), 0.730140203856795, None, "none"),
    ((0.1, 0.8, THIRD, THIRD), 0.776579755715359, 0.55649164983862, "deflagration"),
    ((0.1, 0.85, THIRD, THIRD), 0.776579755715359, 0.653128690375654, "hybrid"),
    ((0.2, 0.7, THIRD, THIRD), 0.828069557569044, 0.609944989084079, "hybrid"),
    ((0.2, 0.5, THIRD, THIRD), 0.828069557569044, 0.29973032674847, "deflagration"),
    ((0.5, 0.5, THIRD, THIRD), 0.894075256677066, 0.669881185589528, "hybrid"),
    ((1.0, 0.3, THIRD, THIRD), 0.934172358962716, 0.718152687813569, "hybrid"),
    ((0.05, 0.9, THIRD, 0.3), 0.699350135637485, 0.607553070253439, "hybrid"),
    ((0.1, 0.8, 0.3, 0.3), 0.747126963325352, 0.533796995688206, "deflagration"),
    ((0.1, 0.8, 0.3, 0.25), 0.696508706303865, 0.526589620363387, "hybrid"),
    ((0.1, 0.85, 0.3, 0.28), 0.727884830392445, 0.643619530159148, "hybrid"),
    ((0.3, 0.5, 0.28, 0.25), 0.790510081534596, 0.483342001281159, "deflagration"),
    ((0.1, 0.99, THIRD, THIRD), 0.776579755715359, None, "none"),
    ((0.01, 0.96, THIRD, THIRD), 0.65307922810361, None, "static"),
)

# in the order of POINTS where there is a wall: v_+, T_+, T_−
AT_THE_WALL = (
    (0.509334786594, 1.124834998589, 1.067229363656),
    (0.42106113312, 1.139172448765, 1.025465630802),
    (0.396453519115, 1.085350964109, 1.008605692221),
    (0.350315638056, 1.143712393209, 1.014547230971),
    (0.383620578319, 1.227773323968, 1.085525404887),
    (0.295138738924, 1.230481549827, 1.051524772355),
    (0.139092521969, 1.058386226469, 1.019637324021),
    (0.200511644241, 1.355843070282, 1.129989834236),
    (0.117074738067, 1.468901246827, 1.207657779052),
    (0.43291497725, 1.141551162239, 1.059522297629),
    (0.330466303406, 1.130704960895, 1.013054041456),
    (0.335556527255, 1.121867101852, 1.031363808717),
    (0.375271316189, 1.213653778784, 1.111018127004),
    (0.181379284831, 1.155519761032, 1.028640363423),
)

# in the order of POINTS; None where it is above 1
ALPHA_MAX = (
    *(0.01039732203, 0.123027045558, 0.185720112175, 0.036477130134, None, 0.346994055242),
    *(None, None, None, None, 0.063200733344, 0.80412148283, 0.155769268632, 0.150206542424),
    *(None, 0.00449930668, 0.026246821957),
)

DETONATIONS = {2: 0.761619267363, 4: 0.77813807278, 9: 0.939978722109, 14: 0.961517934073}

# the real singlet of WallGo's first benchmark between its T_c and T_p:
# T, α_θ̄, Ψ, c_s², c_b², v_w, α_max, v_+
SINGLET = (
    (
        *(100.0, 0.010061136672683043, 0.977127141272),
        *(
            0.3330604107008361,
            0.32352142691853514,
            0.620286091428661,
            0.010765576534,
            0.510830738357,
        ),
    ),
    (
        *(97.32089837263874, 0.012065137129348525, 0.9747754068062198),
        *(
            0.33306939406756547,
            0.32347765538038514,
            0.647864566776872,
            0.012170399439,
            0.510916279741,
        ),
    ),
    (
        *(97.0, 0.012324472325408843, 0.9744886847997545),
        *(
            0.3330705281701942,
            0.32346902807641664,
            0.651116549035803,
            0.01234484389,
            0.510935069143,
        ),
    ),
    (
        *(96.9, 0.01240619106941411, 0.974399096272246),
        *(0.33307088435511706, 0.32346621278985865, None, 0.012399492543, None),
    ),
    (
        *(96.05356841, 0.013115570746857081, 0.9736361120798444),
        *(0.3330739538368375, 0.3234400967714168, None, 0.012867657712, None),
    ),
)


def _alpha_plus(v_w, alpha, psi, s2, b2):
    """α_+ of a wall at v_w and v_+, by the published equations; None if there is none."""
    mu, nu = 1 + 1 / s2, 1 + 1 / b2
    v_m = min(v_w, np.sqrt(b2))

    def in_front(a):
        root = v_m**4 - 2 * b2 * v_m**2 * (1 - 6 * a) + b2**2 * (1 - 12 * v_m**2 * a * (1 - 3 * a))
        return (b2 + v_m**2 - np.sqrt(max(root, 0.0))) / (2 * v_m * (1 + 3 * b2 * a))

    def condition(a):
        v_p = in_front(a)
        psi_plus = psi * (((1 - 3 * alpha) * mu - nu) / ((1 - 3 * a) * mu - nu)) ** (nu / mu - 1)
        gammas = ((1 - v_m**2) / (1 - v_p**2)) ** (nu / 2)
        return 3 * nu * a * v_p * v_m - (1 - 3 * a - gammas * psi_plus) * (1 - (nu - 1) * v_p * v_m)

    low = max(0.0, (mu - nu) / (3 * mu))
    low, high = low + 1e-13 * max(low, 1e-3), THIRD - 1e-14
    if condition(low) * condition(high) > 0:
        return None
    a = brentq(condition, low, high, xtol=1e-16, rtol=1e-15)
    return a, in_front(a)


def _misses(v_w, a, v_p, alpha, s2, b2, rtol):
    """What is missing to the condition at the shock, as in the paper."""
    mu, nu = 1 + 1 / s2, 1 + 1 / b2
    v_0 = (v_w - v_p) / (1 - v_w * v_p)
    w_p = ((1 - 3 * alpha) * mu - nu) / ((1 - 3 * a) * mu - nu)

    def relative(xi, v):
        return (xi - v) / (1 - xi * v)

    def flow(ln_v, y):
        xi, v = y[0], np.exp(ln_v)
        m = relative(xi, v)
        slope = xi * (1 - xi * v) * (m * m / s2 - 1) / (2 * (1 - v * v))
        return [slope, (1 + 1 / s2) * v * m / (1 - v * v)]

    def at_shock(ln_v, y):
        return y[0] * relative(y[0], np.exp(ln_v)) - s2

    # how SciPy is told to stop there; a function has no such attribute for the type checker
    at_shock.terminal = True  # pyright: ignore[reportFunctionMemberAccess]
    span = (np.log(v_0), np.log(v_0) - 33)
    if at_shock(span[0], [v_w]) < 0:
        solved = solve_ivp(
            flow, span, [v_w, np.log(w_p)], "DOP853", events=at_shock, rtol=rtol, atol=rtol
        )
        if not solved.t_events[0].size:
            return solved.y[1, -1]  # a shock too weak for double precision
        v, (xi, ln_w) = np.exp(solved.t_events[0][0]), solved.y_events[0][0]
    else:
        v, xi, ln_w = v_0, v_w, np.log(w_p)
    ratio = xi / relative(xi, v)
    if ratio >= 1 / s2:
        return -np.inf  # at the speed of light
    return ln_w - np.log((ratio / s2 - 1) / (1 / s2 - ratio))


def wall(alpha, psi, s2, b2, points=24):
    """Kind, v_w, v_+ and how often a scan over the speeds of walls finds a change of sign."""
    mu, nu = 1 + 1 / s2, 1 + 1 / b2
    if alpha <= max((1 - psi) / 3, (mu - nu) / (3 * mu)):
        return "static", None, None, 0

    def behind(v_w):
        """Whether the plasma is at rest before the wall reaches it: no such wall."""
        found = _alpha_plus(v_w, alpha, psi, s2, b2)
        return found is None or found[1] * v_w >= s2

    def misses(v_w, rtol=1e-12):
        return _misses(v_w, *_alpha_plus(v_w, alpha, psi, s2, b2), alpha, s2, b2, rtol)

    top, c_b = 1 - 1e-9, np.sqrt(b2)
    if behind(1e-4):
        return "none", None, None, 0
    if behind(top):
        low = 1e-4
        for _ in range(60):
            half = (low + top) / 2
            low, top = (low, half) if behind(half) else (half, top)
        top = low
    speeds = np.concatenate([[1e-4], np.linspace(0.0, top, points + 1)[1:-1], [top]])
    signs = np.array([misses(v, 1e-7 if v < top else 1e-12) > 0 for v in speeds])
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    if not changes.size:
        return "none", None, None, 0
    v_w = brentq(misses, speeds[changes[0]], speeds[changes[0] + 1], xtol=1e-15, rtol=1e-14)
    _, v_p = _alpha_plus(v_w, alpha, psi, s2, b2) or (None, None)
    return "hybrid" if v_w > c_b else "deflagration", v_w, v_p, changes.size

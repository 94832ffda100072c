"""The phases of a potential over the temperature, and where one takes over from another.

All minima that descents find at several temperatures, each followed to where it ends
(`potential.branches`), and searches around the ends for what comes after. Minima with the same V
and the same curvatures are one phase (φ and −φ, or an orbit of a continuous symmetry). A search, no
proof: a phase with a small basin that ends in no other may be missed. Not to be traced; hand a
T_c to `critical_temperature` for its derivatives.
"""

from collections.abc import Callable, Iterable
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np

from jaxbounce._core.arrays import at_once, xp
from jaxbounce._core.errors import ComputationError
from jaxbounce._core.sequences import low_discrepancy
from jaxbounce._core.types import Scalar
from jaxbounce.potential.branches import (
    End,
    Local,
    Point,
    Sampler,
    Tracer,
    hermite,
    polish,
    spectrum,
)
from jaxbounce.potential.thermal import at_temperature
from jaxbounce.potential.vacua import FieldLike, Potential, descend
from jaxbounce.transition.strength import critical_temperature

_SEARCHES = 9  # temperatures at which minima are looked for

_STARTS = 32  # of descents at each, over the whole box, and half as many near its middle

_NEAR = 0.2  # of the box: its middle

_SAME_HEIGHT = 1e-10  # of |V|: what two copies of a phase may differ by

_SAME_CURVATURE = 1e-5

_SAME_PLACE = 1e-6  # of the size of the fields

_FLAT = 1e-9  # of the largest curvature: below 0 by no more than rounding

_BEYOND = 1e-3  # of the range of temperatures: where the search around an end is

_ASIDE = 1e-2  # of the size of the fields: how far from it

_MOST = 40  # phases

_ROUNDING = 1e-13  # of |V|: a difference that has no sign

_SAMPLES = 65  # of a difference of phases

_BRACKET = 1e-4  # of T_c: what its derivatives are taken in

_SHORTEST = 1e-4  # of the range: a phase

_TOGETHER = 1e-7  # of the range, and of the size of the fields its root: two ends are one


class Phase(NamedTuple):
    """A minimum over the temperatures at which it is one."""

    points: tuple[Point, ...]
    """With temperatures that increase, the ends among them."""
    ends: tuple[str, str]
    """How it ends at low and high temperature, as of `branches.End`."""
    seen: Sampler

    @property
    def T_range(self) -> tuple[float, float]:
        """Between which temperatures it is a minimum: roots, or ends of the range asked for."""
        return self.points[0].T, self.points[-1].T

    def at(self, T: float) -> np.ndarray:
        """φ at a temperature of its range, to rounding."""
        return self.at_each(np.array([T]))[0]

    def at_each(self, T: np.ndarray) -> np.ndarray:
        """φ at temperatures of its range, to rounding."""
        guess = np.stack([self._guess(float(t)) for t in T])
        found = polish(self.seen, guess, T)
        # at an end nothing is left to mend: the curvature vanishes there
        inside = ~np.isin(T, self.T_range)[:, None] & np.isfinite(found).all(-1, keepdims=True)
        return np.where(inside, found, guess)

    def _guess(self, T: float) -> np.ndarray:
        temperatures = [point.T for point in self.points]
        k = int(np.clip(np.searchsorted(temperatures, T), 1, len(temperatures) - 1))
        return hermite(self.points[k - 1], self.points[k], T)

    def local(self, T: float) -> Local:
        """V and its derivatives there."""
        return self.seen(self.at(T)[None], T)


class Critical(NamedTuple):
    """Where two phases are equally deep. On cooling the one takes over from the other."""

    T_c: float
    high: int
    """Which of the phases is the deeper above T_c."""
    low: int
    """Which is below."""
    phi_high: np.ndarray
    phi_low: np.ndarray
    latent_heat: float
    """T_c Δs, from the one to the other."""


class Continuous(NamedTuple):
    """Where one phase goes over into another without a jump: a transition of second order."""

    T_c: float
    high: int
    low: int
    phi: np.ndarray


class Edge(NamedTuple):
    """Where V at the edge of the box is below every minimum found: what is beyond is not known."""

    T: float
    phi: np.ndarray


class PhaseDiagram(NamedTuple):
    """All phases found over a range of temperatures, those of high temperature first."""

    phases: tuple[Phase, ...]
    critical: tuple[Critical, ...]
    """In the order of cooling."""
    continuous: tuple[Continuous, ...]
    """In the order of cooling."""
    edge: Edge | None
    """If V falls towards the edge of the box: to a vacuum beyond, or without a bound."""

    def history(self) -> tuple[Critical | Continuous, ...]:
        """Changes of the deepest phase, in the order of cooling.

        What happens if each transition of first order happens at its T_c; later in truth, or not
        at all.
        """
        changes = sorted((*self.critical, *self.continuous), key=lambda c: -c.T_c)
        hottest = max(phase.T_range[1] for phase in self.phases)
        there = [k for k, phase in enumerate(self.phases) if phase.T_range[1] == hottest]
        deepest = min(there, key=lambda k: float(self.phases[k].local(hottest).V[0]))
        met = []
        for change in changes:
            if change.high == deepest:
                met.append(change)
                deepest = change.low
        return tuple(met)


def critical_temperature_of(
    potential: Potential,
    theta: Any,
    critical: Critical,
    parameters_at: Callable[..., Any] = at_temperature,
) -> Scalar:
    """T_c of two phases that were found, differentiable in θ: dT_c/dθ = −ΔV_θ/ΔV_T."""
    ends = critical.T_c * (1 - _BRACKET), critical.T_c * (1 + _BRACKET)
    vacua = critical.phi_high, critical.phi_low
    return critical_temperature(potential, theta, vacua, *ends, parameters_at=parameters_at)


def find_phases(
    potential: Potential,
    theta: Any,
    T_low: float,
    T_high: float,
    lower: FieldLike,
    upper: FieldLike,
    *,
    parameters_at: Callable[..., Any] = at_temperature,
) -> PhaseDiagram:
    """The phases between two temperatures.

    Args:
        potential: V(φ, θ); hashable.
        theta: its parameters.
        T_low: lowest temperature, above 0.
        T_high: highest.
        lower: lower corner of the box in which minima are looked for.
        upper: upper corner.
        parameters_at: the parameters at a temperature, hashable; by default θ with "T" replaced.

    Raises:
        ComputationError: if there is no minimum in the box.
    """
    corners = np.asarray(lower, float), np.asarray(upper, float)
    reach = float(np.abs(corners[1] - corners[0]).max()) / 2
    tracer = Tracer(Sampler(potential, theta, parameters_at), T_high - T_low, reach)
    ends: list[tuple[End, float]] = []
    phases: list[Phase] = []
    for phi, T in _minima(tracer, *_starts(corners, T_low, T_high)):
        _add(phases, ends, tracer, phi, T, (T_low, T_high))
    # what comes after an end may have ends of its own
    while ends and len(phases) < _MOST:
        end, direction = ends.pop(0)
        for phi, T in _minima(tracer, *_around(tracer, end, direction)):
            if T_low <= T <= T_high:
                _add(phases, ends, tracer, phi, T, (T_low, T_high))
    if not phases:
        raise ComputationError(
            f"no phase: no minimum of the potential from {T_low:g} to {T_high:g} GeV within"
            f" {reach:g} GeV; widen the range of temperatures"
        )
    ordered = tuple(sorted(phases, key=lambda p: (-p.T_range[1], -p.T_range[0])))
    pairs = [*combinations(range(len(ordered)), 2)]
    critical = [found for pair in pairs for found in _critical(ordered, *pair, tracer)]
    continuous = [found for pair in pairs for found in _continuous(ordered, *pair, tracer)]
    return PhaseDiagram(
        ordered,
        tuple(sorted(critical, key=lambda c: -c.T_c)),
        tuple(sorted(continuous, key=lambda c: -c.T_c)),
        _edge(ordered, tracer.seen, corners, (T_low, T_high)),
    )


def _edge(
    phases: tuple[Phase, ...],
    seen: Sampler,
    corners: tuple[np.ndarray, np.ndarray],
    temperatures: tuple[float, float],
) -> Edge | None:
    """The lowest place of the edge at the coldest temperature at which it is below all minima."""
    middle, half = (corners[1] + corners[0]) / 2, (corners[1] - corners[0]) / 2
    axes, inside = np.eye(middle.size), 2 * np.asarray(low_discrepancy(_STARTS, middle.size)) - 1
    outward = inside / np.abs(inside).max(-1, keepdims=True)
    points = middle + half * np.concatenate([axes, -axes, outward])
    for T in temperatures:
        there = [phase for phase in phases if phase.T_range[0] <= T <= phase.T_range[1]]
        V = seen(points, T).V
        if there and np.nanmin(V, initial=np.inf) < min(phase.local(T).V[0] for phase in there):
            return Edge(T, points[np.nanargmin(V)])
    return None


def _starts(
    corners: tuple[np.ndarray, np.ndarray], T_low: float, T_high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points and temperatures at which descents begin."""
    middle, half = (corners[1] + corners[0]) / 2, (corners[1] - corners[0]) / 2
    wide = 2 * np.asarray(low_discrepancy(_STARTS, middle.size)) - 1
    near = _NEAR * wide[: _STARTS // 2]
    points = middle + half * np.concatenate([np.zeros((1, middle.size)), near, wide])
    temperatures = np.linspace(T_low, T_high, _SEARCHES)
    return np.tile(points, (_SEARCHES, 1)), np.repeat(temperatures, len(points))


def _around(tracer: Tracer, end: End, direction: float) -> tuple[np.ndarray, np.ndarray]:
    """The same around the end of a phase, beyond it and before."""
    phi = end.point.phi
    local = tracer.seen(phi[None], end.point.T)
    if not np.isfinite(local.bend).all():
        return phi[None], np.array([end.point.T])
    aside = _ASIDE * tracer.reach * np.linalg.eigh(local.bend[0])[1].T
    points = np.concatenate([phi[None], phi + aside, phi - aside])
    shift = _BEYOND * tracer.range
    T = end.point.T + direction * np.repeat([shift, -shift], len(points))
    return np.tile(points, (2, 1)), T


def _minima(
    tracer: Tracer, starts: np.ndarray, T: np.ndarray
) -> Iterable[tuple[np.ndarray, float]]:
    """Minima that descents end in, those at the same temperature once."""
    with at_once():
        ends = descend(tracer.seen.at(T), xp.asarray(starts), lambda _: 0.1 * tracer.reach).end
        found = polish(tracer.seen, np.asarray(ends), T)
        local = tracer.seen(found, T)
        curvatures = spectrum(local.bend)
    stiffest = np.abs(curvatures).max(-1)
    usable = np.isfinite(local.V) & (curvatures.min(-1) >= -_FLAT * stiffest)
    usable &= np.abs(local.slope).max(-1) < _SAME_PLACE * tracer.reach * stiffest
    usable &= np.abs(found - ends).max(-1) < _ASIDE * tracer.reach
    usable &= np.abs(found).max(-1) < 2 * tracer.reach + np.abs(starts).max()
    kept: list[int] = []
    for k in np.flatnonzero(usable):
        # of the copies of a minimum, that with positive fields
        same = [
            f
            for f in kept
            if T[f] == T[k] and _are_same(tracer, found, local, curvatures, f, int(k))
        ]
        if not same:
            kept.append(int(k))
        elif _signs(tracer, found[k]) > _signs(tracer, found[same[0]]):
            kept[kept.index(same[0])] = int(k)
    return [(found[k], float(T[k])) for k in kept]


def _signs(tracer: Tracer, phi: np.ndarray) -> tuple[float, ...]:
    """The fields, those that vanish to rounding as 0."""
    return tuple(np.round(phi / (_SAME_PLACE * tracer.reach)))


def _are_same(
    tracer: Tracer, found: np.ndarray, local: Local, curvatures: np.ndarray, one: int, other: int
) -> bool:
    """Whether two minima at one temperature are one, or copies of each other."""
    if np.abs(found[one] - found[other]).max() < _SAME_PLACE * tracer.reach:
        return True
    size = np.abs(curvatures[[one, other]]).max()
    height = max(abs(local.V[one]), abs(local.V[other]), _ROUNDING * size * tracer.reach**2)
    alike = np.abs(curvatures[one] - curvatures[other]).max() <= _SAME_CURVATURE * size
    return bool(abs(local.V[one] - local.V[other]) <= _SAME_HEIGHT * height and alike)


def _add(
    phases: list[Phase],
    ends: list[tuple[End, float]],
    tracer: Tracer,
    phi: np.ndarray,
    T: float,
    limits: tuple[float, float],
) -> None:
    """The phase of a minimum, if it is a new one."""
    if len(phases) >= _MOST or any(_has(tracer, phase, phi, T) for phase in phases):
        return
    (down, low), (up, high) = (tracer.follow(phi, T, stop) for stop in limits)
    first = [low.point] if low.point.T < down[-1].T else []
    last = [high.point] if high.point.T > up[-1].T else []
    points = (*first, *down[:0:-1], *up, *last)
    # what is shorter is the end of a phase, found from close by
    if _SHORTEST * tracer.range > points[-1].T - points[0].T:
        return
    found = Phase(points, (low.kind, high.kind), tracer.seen)
    bridges = [phase for phase in phases if _shares(tracer, phase, found)]
    if bridges and tracer.steps == Tracer._field_defaults["steps"]:
        # one of them has stepped from a branch to another near it: all again, in smaller steps
        phases[:] = [p for p in phases if not any(p is bridge for bridge in bridges)]
        for point in (
            p for phase in (found, *bridges) for p in (phase.points[1], phase.points[-2])
        ):
            _add(phases, ends, tracer.finer(), point.phi, point.T, limits)
        return
    phases.append(found)
    ends += [(end, d) for end, d in ((low, -1.0), (high, 1.0)) if end.kind != "range"]


def _shares(tracer: Tracer, one: Phase, other: Phase) -> bool:
    """Whether two phases are the same anywhere."""
    low = max(one.T_range[0], other.T_range[0])
    high = min(one.T_range[1], other.T_range[1])
    if not high - low > _TOGETHER * tracer.range:
        return False
    T = low + (high - low) * (np.arange(_SEARCHES) + 0.5) / _SEARCHES
    return any(_has(tracer, one, other.at(t), float(t)) for t in T)


def _has(tracer: Tracer, phase: Phase, phi: np.ndarray, T: float) -> bool:
    """Whether a minimum is one of a phase, or a copy."""
    if not phase.T_range[0] <= T <= phase.T_range[1]:
        return False
    found = np.stack([phase.at(T), phi])
    both = tracer.seen(found, T)
    return _are_same(tracer, found, both, spectrum(both.bend), 0, 1)


def _critical(phases: tuple[Phase, ...], i: int, j: int, tracer: Tracer) -> Iterable[Critical]:
    """Where two phases are equally deep, in no order."""
    from scipy.optimize import brentq

    one, other = phases[i], phases[j]
    low = max(one.T_range[0], other.T_range[0])
    high = min(one.T_range[1], other.T_range[1])
    if not high - low > _TOGETHER * tracer.range:
        return

    def difference(T: float) -> float:
        return float(one.local(T).V[0] - other.local(T).V[0])

    margin = 1e-9 * (high - low)
    T = np.linspace(low + margin, high - margin, _SAMPLES)
    heights, others = (tracer.seen(phase.at_each(T), T).V for phase in (one, other))
    gaps = heights - others
    heights = np.abs(heights)
    heights = np.maximum(heights, np.abs(gaps).max())
    signed = np.flatnonzero(np.abs(gaps) > _ROUNDING * heights)
    for a, b in pairwise(signed):
        if np.sign(gaps[a]) == np.sign(gaps[b]):
            continue
        T_c: Any = brentq(difference, T[a], T[b], xtol=1e-14 * high)
        deeper = (i, j) if gaps[b] < 0 else (j, i)  # above T_c
        slopes = [float(phases[k].local(T_c).of_T[0]) for k in deeper]
        positions = [phases[k].at(T_c) for k in deeper]
        latent_heat = T_c * (slopes[1] - slopes[0])
        yield Critical(T_c, deeper[0], deeper[1], positions[0], positions[1], latent_heat)


def _continuous(phases: tuple[Phase, ...], i: int, j: int, tracer: Tracer) -> Iterable[Continuous]:
    """Where one of two phases begins as the other ends, at the same fields."""
    for high, low in ((i, j), (j, i)):
        end, begin = phases[high].points[0], phases[low].points[-1]
        if "range" in (phases[high].ends[0], phases[low].ends[1]):
            continue
        apart = np.linalg.norm(end.phi - begin.phi) / tracer.reach
        gap = abs(end.T - begin.T) / tracer.range
        if gap < _TOGETHER and apart < np.sqrt(_TOGETHER):
            yield Continuous(end.T, high, low, end.phi)

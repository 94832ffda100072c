"""The vacua of a potential that depends on the temperature, followed and tunnelled between."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from jaxbounce._core.arrays import Real, Scalar, xp
from jaxbounce._core.status import Status
from jaxbounce._core.types import as_leaf
from jaxbounce.bounce import solve_bounce
from jaxbounce.potential.branches import Point, Sampler, Tracer, polish, spectrum
from jaxbounce.potential.landscape import landscape
from jaxbounce.potential.vacua import FieldLike, Potential, polish_vacuum
from jaxbounce.transition.phases import Phase
from jaxbounce.transition.window import Exponent

Guess: TypeAlias = FieldLike | Callable[[Scalar], FieldLike]
"""A vacuum, or one for each temperature."""

_JUMP = 0.1  # of the distance of the vacua: a step beyond is not the same vacuum

_ZOOMS, _LOOKS = 7, 64  # grids, and temperatures of each, on which an end is found

_FLAT = 1e-10  # of the largest curvature: below 0 by no more than rounding


def bounce_exponent(
    potential: Potential,
    at_temperature: Callable[[Any, Scalar], Any],
    false_vacuum: Guess,
    true_vacuum: Guess,
) -> Exponent:
    """S₃(T)/T of a potential that depends on the temperature.

    Args:
        potential: V(φ, θ).
        at_temperature: `at_temperature(theta, T)` → the parameters of V at T.
        false_vacuum: guess that holds for all T of interest, or a function of T that gives one;
            polished at each.
        true_vacuum: the same.
    """

    def exponent(T: Scalar, theta: Any) -> Scalar:
        parameters = at_temperature(theta, T)
        false, true = (g(T) if callable(g) else g for g in (false_vacuum, true_vacuum))
        bounce = solve_bounce(potential, parameters, false, true, 3)
        return bounce.action / T

    return exponent


def vacuum_energy(
    potential: Potential,
    at_temperature: Callable[[Any, Scalar], Any],
    false_vacuum: Guess,
    true_vacuum: Guess,
    T_cold: float | None = None,
) -> Exponent:
    """ρ_V(T, θ) = V(false) − V(true), for `find_transition`.

    The free energy that is released at T has a share of the plasma's heat, which ρ_r has already.
    What belongs into H beside radiation is V without a plasma, of the false vacuum's fields at T
    over the ground state: T_cold = 0, if V is a finite number there.

    Args:
        potential: as of `bounce_exponent`, like all but the last.
        at_temperature: the same.
        false_vacuum: the same.
        true_vacuum: a guess at T, or at T_cold if that is given.
        T_cold: temperature in V, and of the true vacuum; by default T.
    """

    def energy(T: Scalar, theta: Any) -> Scalar:
        cold = T if T_cold is None else xp.zeros_like(T) + T_cold

        def vacuum(guess: Guess, t: Scalar) -> Real:
            found = guess(t) if callable(guess) else guess
            return polish_vacuum(potential, at_temperature(theta, t), as_leaf(xp.asarray(found)))

        seen = landscape(potential, at_temperature(theta, cold))
        false, true = vacuum(false_vacuum, T), vacuum(true_vacuum, cold)
        return seen.values(false) - seen.values(true)

    return energy


class Phases(NamedTuple):
    """Two vacua followed over the temperature."""

    T: Float[np.ndarray, " k"]
    """Increasing (GeV)."""
    false_vacuum: Float[np.ndarray, "k n"]
    true_vacuum: Float[np.ndarray, "k n"]
    status: Int[np.ndarray, " k"]
    """SUCCESS where the false vacuum is metastable; FALSE_VACUUM_NOT_MINIMUM and
    TRUE_VACUUM_NOT_DEEPER elsewhere."""
    ends: tuple[float, float]
    """Temperatures between which it is, each a root where it is not an end of the range asked
    for, and a rounding outside; NaN if there are none."""

    def metastable_range(self) -> tuple[float, float]:
        """Temperatures between which the false vacuum is metastable, `ends`.

        `find_transition` samples its range; one that begins far below the end of the barrier,
        or ends far above the critical temperature, may hide a transition between two samples.
        """
        return self.ends

    def guesses(self) -> tuple[Callable[[Scalar], Real], Callable[[Scalar], Real]]:
        """Both vacua as functions of T, interpolated: to be polished."""
        return _interpolated(self.T, self.false_vacuum), _interpolated(self.T, self.true_vacuum)


def _interpolated(T: Any, positions: Any) -> Callable[[Scalar], Real]:
    return lambda t: xp.stack([xp.interp(t, T, field) for field in positions.T])


def follow_vacua(
    potential: Potential,
    at_temperature: Callable[[Any, Scalar], Any],
    theta: Any,
    false_vacuum: FieldLike,
    true_vacuum: FieldLike,
    T_start: float,
    T_low: float,
    T_high: float,
    points: int = 2001,
) -> Phases:
    """Vacua from where they are known to all temperatures of a range. Not to be traced.

    Each is followed as a branch (`potential.branches`); where it is no minimum it is kept as it
    was, and taken up again where it is one.

    Args:
        potential: V(φ, θ); hashable.
        at_temperature: as of `bounce_exponent`; hashable, and a new one is a new program.
        theta: the parameters.
        false_vacuum: guess at T_start.
        true_vacuum: the same.
        T_start: where the vacua are known (GeV); may be outside the range.
        T_low: lowest temperature wanted.
        T_high: highest.
        points: temperatures in the range.
    """
    guesses = [np.asarray(vacuum, float) for vacuum in (false_vacuum, true_vacuum)]
    T, apart = np.linspace(T_low, T_high, points), float(np.abs(guesses[1] - guesses[0]).max())
    seen = Sampler(potential, theta, at_temperature)
    tracer = Tracer(seen, T_high - T_low, apart)
    false, true = (_Followed.of(tracer, guess, T_start, T) for guess in guesses)

    def status(T: np.ndarray) -> np.ndarray:
        deeper = seen(true.at(T), T).V < seen(false.at(T), T).V
        found = np.where(deeper, Status.SUCCESS.value, Status.TRUE_VACUUM_NOT_DEEPER.value)
        return np.where(false.is_minimum(T), found, Status.FALSE_VACUUM_NOT_MINIMUM.value)

    def end(inside: int, outside: int) -> float:
        """Where between two temperatures the status changes, on one finer grid after another."""
        if not 0 <= outside < T.size:
            return float(T[inside])
        known, beyond = T[inside], T[outside]
        for _ in range(_ZOOMS):
            finer = np.linspace(known, beyond, _LOOKS)
            failed = int(np.argmax(np.append(status(finer[1:-1]), -1) != Status.SUCCESS)) + 1
            known, beyond = finer[failed - 1], finer[failed]
        return float(beyond)

    codes = status(T)
    good, ends = np.flatnonzero(codes == Status.SUCCESS), (np.nan, np.nan)
    if good.size:
        ends = (end(good[0], good[0] - 1), end(good[-1], good[-1] + 1))
    return Phases(T, false.at(T), true.at(T), codes, ends)


class _Followed(NamedTuple):
    """A vacuum over the temperature."""

    phases: tuple[Phase, ...]
    """Where it is a minimum."""
    guess: np.ndarray

    @classmethod
    def of(cls, tracer: Tracer, guess: np.ndarray, T_start: float, T: np.ndarray) -> "_Followed":
        """From where it is known to the nearest place in a range, and from there both ways."""
        near = min(max(T_start, T[0]), T[-1])
        far = tracer._replace(range=max(tracer.range, abs(T_start - near)))
        # where it is given the guess may be far off
        _, begun = _first_minimum(far, guess, np.array([T_start]), tracer.reach / 2)
        _, arrived = _along(far, begun, np.linspace(T_start, near, T.size))
        colder, hotter = T[near > T][::-1], T[near < T]
        ways = [_along(tracer, arrived, np.append(near, way))[0] for way in (colder, hotter)]
        return cls((*ways[0], *ways[1]), arrived)

    def is_minimum(self, T: np.ndarray) -> np.ndarray:
        """Whether it is one at temperatures."""
        within = [(phase.T_range[0] <= T) & (phase.T_range[1] >= T) for phase in self.phases]
        return np.any(within, axis=0) if within else np.zeros(T.shape, bool)

    def at(self, T: np.ndarray) -> np.ndarray:
        """φ at temperatures; where it is no minimum, where it was at the nearest at which it is."""
        found = np.tile(self.guess, (T.size, 1))
        if not self.phases:
            return found
        ends = np.array([phase.T_range for phase in self.phases])
        outside = np.maximum(ends[:, :1] - T, T - ends[:, 1:]).clip(0)
        nearest = outside.argmin(0)
        for k, phase in enumerate(self.phases):
            chosen = nearest == k
            if chosen.any():
                found[chosen] = phase.at_each(np.clip(T[chosen], *phase.T_range))
        return found


def _along(tracer: Tracer, phi: np.ndarray, T: np.ndarray) -> tuple[list[Phase], np.ndarray]:
    """A vacuum over temperatures that rise or fall: where it is a minimum, and its last place."""
    phases: list[Phase] = []
    while T.size > 1:
        first, phi = _first_minimum(tracer, phi, T, _JUMP * tracer.reach)
        if first is None:
            break
        # it may have become one a little before
        way_back = _to_the_end(tracer, phi, T[first], T[max(first - 1, 0)])
        points = _to_the_end(tracer, phi, T[first], T[-1])
        end = points[-1]
        here, rest = T[first], T[first + 1 :]
        phi, T = end.phi, rest[np.abs(rest - here) > abs(end.T - here)]
        points = [*way_back[:0:-1], *points]
        if len(points) > 1:
            points = points if points[-1].T > points[0].T else points[::-1]
            phases.append(Phase(tuple(points), ("followed", "followed"), tracer.seen))
    return phases, phi


def _first_minimum(
    tracer: Tracer, guess: np.ndarray, T: np.ndarray, most: float
) -> tuple[int | None, np.ndarray]:
    """The first of some temperatures at which there is a minimum near a guess, and that, or it."""
    for some in (T[:1], T):
        found = polish(tracer.seen, np.tile(guess, (some.size, 1)), some)
        curvatures = spectrum(tracer.seen(found, some).bend)
        good = curvatures.min(-1) >= -_FLAT * np.abs(curvatures).max(-1)
        good &= np.abs(found - guess).max(-1) < most
        if good.any():
            first = int(np.argmax(good))
            return first, found[first]
    return None, guess


def _to_the_end(tracer: Tracer, phi: np.ndarray, T: Any, stop: Any) -> list[Point]:
    """The points of a branch, and where it ends."""
    points, end = tracer.follow(phi, float(T), float(stop))
    return points if end.point.T == points[-1].T else [*points, end.point]

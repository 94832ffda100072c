"""The vacua of a potential that depends on the temperature, followed and tunnelled between."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxbounce._core.arrays import Real, Scalar, xp
from jaxbounce._core.status import Status
from jaxbounce._core.types import as_leaf
from jaxbounce.bounce import solve_bounce, vacua_status
from jaxbounce.potential.landscape import landscape
from jaxbounce.potential.vacua import FieldLike, Potential, curvature, is_minimum, polish_vacuum
from jaxbounce.transition.window import Exponent

Guess: TypeAlias = FieldLike | Callable[[Scalar], FieldLike]
"""A vacuum, or one for each temperature."""

_JUMP = 0.1  # of the distance of the vacua: a step beyond is not the same vacuum

_SHARPER = 3  # times the ends of the metastable range are found 1/points more sharply


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
    """What `vacua_status` says: SUCCESS where the false vacuum is metastable."""
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

    Each step polishes the vacuum of the step before; where that ends in no minimum, or in one
    far away, the vacuum is kept as it was.

    Args:
        potential: V(φ, θ).
        at_temperature: as of `bounce_exponent`.
        theta: the parameters.
        false_vacuum: guess at T_start.
        true_vacuum: the same.
        T_start: where the vacua are known (GeV); may be outside the range.
        T_low: lowest temperature wanted.
        T_high: highest.
        points: temperatures in the range, besides the steps to reach it.
    """
    vacua = (as_leaf(jnp.asarray(false_vacuum)), as_leaf(jnp.asarray(true_vacuum)))
    T = np.linspace(T_low, T_high, points)

    def polished(old: Real, parameters: Any, most: Real) -> Real:
        new = polish_vacuum(potential, parameters, old)
        minimum = is_minimum(curvature(potential, parameters, new))
        return jnp.where(minimum & (jnp.abs(new - old).max() < most), new, old)

    def step(vacua: tuple[Real, Real], t: Scalar) -> tuple[tuple[Real, Real], Any]:
        parameters, most = at_temperature(theta, t), _JUMP * _distance(vacua)
        false, true = (polished(old, parameters, most) for old in vacua)
        return (false, true), (false, true, vacua_status(potential, parameters, false, true))

    @jax.jit
    def begin(vacua: tuple[Real, Real], t: Scalar) -> tuple[Real, Real]:
        parameters, most = at_temperature(theta, t), _distance(vacua) / 2
        false, true = (polished(old, parameters, most) for old in vacua)
        return false, true

    @jax.jit
    def along(vacua: tuple[Real, Real], T: Real) -> Any:
        return jax.lax.scan(step, vacua, T)

    vacua = begin(vacua, jnp.asarray(T_start, T.dtype))
    # to the nearest place in the range, and from there both ways
    near = min(max(T_start, T_low), T_high)
    vacua, _ = along(vacua, jnp.linspace(T_start, near, points))
    index = int(np.searchsorted(T, near))
    _, up = along(vacua, jnp.asarray(T[index:]))
    _, down = along(vacua, jnp.asarray(T[:index][::-1]))
    false, true, status = (
        np.concatenate([np.asarray(d)[::-1], np.asarray(u)]) for d, u in zip(down, up, strict=True)
    )
    good = np.flatnonzero(status == Status.SUCCESS)

    def end(inside: int, outside: int) -> float:
        """Where between two temperatures the status changes, on one finer grid after another."""
        if not 0 <= outside < T.size:
            return float(T[inside])
        vacua, known, beyond = (false[inside], true[inside]), T[inside], T[outside]
        for _ in range(_SHARPER):
            finer = np.linspace(known, beyond, points)
            _, (of_false, of_true, codes) = along(tuple(map(jnp.asarray, vacua)), finer)
            last = int(np.argmax(np.append(np.asarray(codes)[1:], 0) != Status.SUCCESS))
            vacua, known = (of_false[last], of_true[last]), finer[last]
            beyond = finer[min(last + 1, points - 1)]
        return float(beyond)

    ends = (np.nan, np.nan)
    if good.size:
        ends = (end(good[0], good[0] - 1), end(good[-1], good[-1] + 1))
    return Phases(T, false, true, status, ends)


def _distance(vacua: tuple[Real, Real]) -> Real:
    return jnp.abs(vacua[0] - vacua[1]).max()

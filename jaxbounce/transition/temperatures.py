"""From S₃(T)/T to when a thermal transition happens: T_n, T_p and β/H.

Bubbles nucleate at the rate per volume

    Γ = A T⁴ (S₃/(2πT))^{3/2} e^{−S₃/T}

in a radiation bath, H = 1.66 √g_* T²/M_Pl, T ∝ 1/a. T_n is where Γ = H⁴; T_p is where the
extended volume I of the exact moment chain (`percolation.history`), with expansion, reaches
I_p; and β = d ln Γ/dt there, which includes what the prefactor contributes.

The exponent S₃/T is sampled at Chebyshev points of the temperatures that matter, which a
search finds; everything after that is smooth in it, and differentiable.
Source: A. D. Linde, Nucl. Phys. B 216 (1983) 421.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxbounce._core.arrays import Code, Real, Scalar, xp
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.series import chebyshev_sum
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import RealLike, as_leaf, as_real
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.bounce import solve_bounce, vacua_status
from jaxbounce.cosmology.radiation import radiation_density
from jaxbounce.percolation.history import nucleation_history
from jaxbounce.potential.landscape import landscape
from jaxbounce.potential.vacua import FieldLike, Potential, curvature, is_minimum, polish_vacuum
from jaxbounce.transition.window import (
    Exponent as Exponent,
    chebyshev_points,
    chebyshev_series,
    find_window,
    log_rate_over_hubble as log_rate_over_hubble,
)

Guess: TypeAlias = FieldLike | Callable[[Scalar], FieldLike]
"""A vacuum, or one for each temperature."""

_JUMP = 0.1  # of the distance of the vacua: a step beyond is not the same vacuum

_PANELS = 32  # of the moment chain

_TOLERANCE = 1e-7  # of the Chebyshev series, relative to S₃/T

_BEFORE = 1e-6  # of I, from above T_high

_LOOKS = 257  # temperatures among which Γ first exceeds H⁴

MOST_VACUUM_ENERGY = 1.0
"""Of the radiation's energy at T_p: beyond, H is off by more than √2."""

_SHARPER = 3  # times the ends of the metastable range are found 1/points more sharply


class Transition(NamedTuple):
    """When a thermal transition happens. NaN where `status` is not SUCCESS."""

    T_n: Scalar
    """Temperature at which Γ = H⁴."""
    T_p: Scalar
    """Temperature of percolation, I = I_p."""
    beta_over_H: Scalar
    """(d ln Γ/dt)/H at T_p."""
    exponent_n: Scalar
    """S₃/T at T_n."""
    exponent_p: Scalar
    """S₃/T at T_p."""
    error: Scalar
    """Relative error of the interpolated S₃/T, from the last Chebyshev coefficients, and where
    single temperatures have no bounce from points held out beside them."""
    status: Code
    vacuum_over_radiation: Scalar
    """[V(false) − V(true)]/ρ_rad at T_p; H is that of radiation alone. NaN where `vacuum_energy`
    was not given: an action alone does not know it."""

    def __str__(self) -> str:
        return summary(
            "thermal transition",
            self.status,
            {
                "T_n": (self.T_n, "(unit of the potential)"),
                "T_p": (self.T_p, "(unit of the potential)"),
                "beta/H": (self.beta_over_H, ""),
                "S3/T at T_p": (self.exponent_p, ""),
                "error": (self.error, "(relative, of S3/T)"),
            },
        )

    def _repr_html_(self) -> str:
        return as_html(str(self))


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
) -> Exponent:
    """ρ_V(T, θ) = V(false) − V(true), for `find_transition`; arguments as of `bounce_exponent`."""

    def energy(T: Scalar, theta: Any) -> Scalar:
        parameters = at_temperature(theta, T)
        guesses = (g(T) if callable(g) else g for g in (false_vacuum, true_vacuum))
        vacua = (polish_vacuum(potential, parameters, as_leaf(xp.asarray(g))) for g in guesses)
        seen = landscape(potential, parameters)
        false, true = (seen.values(vacuum) for vacuum in vacua)
        return false - true

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


def find_transition(
    exponent: Exponent,
    theta: Any,
    T_low: RealLike,
    T_high: RealLike,
    *,
    v_w: RealLike = 1.0,
    I_p: RealLike = 0.34,
    g_star: RealLike = 106.75,
    prefactor: RealLike = 1.0,
    vacuum_energy: Exponent | None = None,
) -> Transition:
    """T_n, T_p and β/H of the first transition met on cooling from T_high to T_low.

    Differentiable (forward and reverse) in θ, v_w, I_p, g_* and the prefactor. H is that of
    radiation alone. S₃/T does not tell whether the vacuum's energy is small beside it, as that
    takes: give `vacuum_energy`, and where it is not there are no numbers.

    Args:
        exponent: `exponent(T, theta)` → S₃/T; see `bounce_exponent`.
        theta: its parameters.
        T_low: lowest temperature considered (GeV).
        T_high: highest (GeV); may be at or above the critical temperature.
        v_w: wall speed.
        I_p: extended volume at percolation.
        g_star: relativistic degrees of freedom, constant through the transition.
        prefactor: A.
        vacuum_energy: ρ_V(T, theta) (GeV⁴), such as `vacuum_energy` makes of a potential.

    Returns:
        A `Transition`; VACUUM_ENERGY_DOMINATES if ρ_V is above that of radiation at T_p;
        NO_TRANSITION if I_p is not reached in the range or Γ stays below H⁴,
        TRANSITION_BEGINS_ABOVE if bubbles from above T_high would count.
    """
    given = (
        jax.tree.map(as_leaf, theta),
        *(as_leaf(as_real(x)) for x in (v_w, I_p, g_star, prefactor)),
    )
    (theta, v_w, I_p, g_star, prefactor), token = shielded(given)
    fixed = jax.lax.stop_gradient((theta, v_w, g_star, prefactor))
    ends = jax.lax.stop_gradient((as_leaf(T_low), as_leaf(T_high)))
    low, high = find_window(exponent, fixed, ends, jax.lax.stop_gradient(I_p))

    values = jax.lax.map(lambda t: exponent(t, theta), sample_temperatures(low, high))
    found = transition_of_samples(values, (low, high), v_w, I_p, g_star, prefactor)
    status, ratio = found.status, found.vacuum_over_radiation
    if vacuum_energy is not None:
        # radiation thins out, the vacuum does not: its share is largest at the end
        energy = vacuum_energy(*jax.lax.stop_gradient((found.T_p, theta)))
        ratio = jax.lax.stop_gradient(energy / radiation_density(found.T_p, g_star))
        small = ratio <= MOST_VACUUM_ENERGY
        dominates = (status == Status.SUCCESS.value) & ~small
        status = jnp.where(dominates, Status.VACUUM_ENERGY_DOMINATES.value, status)
    status = jnp.where((v_w > 0) & (I_p > 0), status, Status.INVALID_PARAMETER.value)
    good = status == Status.SUCCESS.value
    return Transition(
        *withheld(found[:5], good, token, others=given),
        error=found.error,
        status=status,
        vacuum_over_radiation=ratio,
    )


def sample_temperatures(low: Scalar, high: Scalar) -> Float[Array, " nodes"]:
    """Temperatures of a window at which `transition_of_samples` wants S₃/T."""
    return (low + high) / 2 + (high - low) / 2 * chebyshev_points()


def transition_of_samples(
    values: Float[Array, " nodes"],
    window: tuple[Scalar, Scalar],
    v_w: Scalar,
    I_p: Scalar,
    g_star: Scalar,
    prefactor: Scalar,
) -> Transition:
    """The transition of S₃/T at `sample_temperatures` of a window that `find_window` found.

    What `find_transition` does with them; nothing in it depends on the potential. Its numbers
    are not withheld.
    """
    low, high = window
    coefficients, error = chebyshev_series(values)

    def exponent_at(T: Real, coefficients: Real) -> Real:
        return chebyshev_sum(coefficients, (2 * T - low - high) / (high - low))

    def log_rate(T: Real, coefficients: Real) -> Real:
        return log_rate_over_hubble(T, exponent_at(T, coefficients), prefactor, g_star)

    # time in units of 1/H at the middle of the window: τ = ½ (T_m/T)², a = T_m/T
    middle = (low + high) / 2

    def temperature(tau: Real) -> Real:
        return middle / jnp.sqrt(2 * tau)

    edges = (middle / jnp.linspace(high, low, _PANELS + 1)) ** 2 / 2
    history = nucleation_history(
        # Γ/H_m⁴ = (Γ/H⁴)(T/T_m)⁸
        lambda tau, c: log_rate(temperature(tau), c) - 4 * jnp.log(2 * tau),
        edges,
        v_w,
        args=coefficients,
        scale_factor=lambda tau, _: jnp.sqrt(2 * tau),
    )
    volume = history.extended_volume(edges)
    percolates = volume[-1] > I_p
    # where nothing percolates any bracket will do: the status withholds the number
    last = jnp.clip(jnp.argmax(volume > I_p), 1, _PANELS)
    tau = bracketed_root(
        lambda tau: jnp.log(history.extended_volume(tau) / I_p),
        jax.lax.stop_gradient(edges[last - 1]),
        jax.lax.stop_gradient(edges[last]),
    )
    T_p = temperature(tau)
    # the first time on cooling: Γ may fall below H⁴ again
    looked = jax.lax.stop_gradient(jnp.linspace(high, low, _LOOKS))
    above = log_rate(looked, jax.lax.stop_gradient(coefficients)) > 0
    crossing = jnp.maximum(jnp.argmax(above), 1)
    T_n = bracketed_root(
        lambda T: log_rate(T, coefficients), looked[crossing], looked[crossing - 1]
    )
    nucleates = above.any() & ~above[0]
    _, slope = jax.jvp(lambda T: log_rate(T, coefficients), (T_p,), (jnp.ones_like(T_p),))
    # ln(Γ/H⁴) falls by 8 more e-folds per e-fold of T than ln Γ does
    beta_over_H = -(T_p * slope + 8)

    resolved = (error < _TOLERANCE) & (history.status == Status.SUCCESS.value)
    status = jnp.where(resolved, Status.SUCCESS.value, Status.QUADRATURE_NOT_CONVERGED.value)
    whole = history.before_start < _BEFORE
    status = jnp.where(whole, status, Status.TRANSITION_BEGINS_ABOVE.value)
    status = jnp.where(percolates & nucleates, status, Status.NO_TRANSITION.value)
    return Transition(
        T_n,
        T_p,
        beta_over_H,
        exponent_at(T_n, coefficients),
        exponent_at(T_p, coefficients),
        jax.lax.stop_gradient(error),
        status,
        jnp.full_like(T_n, jnp.nan),
    )

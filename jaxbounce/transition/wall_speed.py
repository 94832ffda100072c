"""The wall speed in local thermal equilibrium, and whether there is one.

In local thermal equilibrium entropy is conserved across the wall, and that settles its speed:
from the strength α_θ̄ of the transition, Ψ = w_b/w_s and the speeds of sound c_s, c_b of the high-
and the low-temperature phase, which are constant on each side (template equation of state).
With μ = 1 + 1/c_s², ν = 1 + 1/c_b² and subscripts + just in front of the wall, − just behind it,
N far in front of the bubble, velocities in the frame of the wall:

    3 α_+ = (v_− − v_+)(c_b² − v_− v_+) / (c_b² v_− (1 − v_+²)),       v_− = min(v_w, c_b)
    w_+/w_N = (ν − μ + 3μ α_N)/(ν − μ + 3μ α_+)
    v_+/v_− = Ψ_N (w_+/w_N)^{ν/μ − 1} (γ_+/γ_−)^{1/c_b² − 1}

The first two are energy and momentum, the last is what entropy adds: it is the published
3ν α_+ v_+ v_− = [1 − 3α_+ − (γ_+/γ_−)^ν Ψ_+][1 − (ν − 1)v_+ v_−] with α_+ put in, of which a
factor 1 − v_+v_−/c_b² drops out, and for c_s = c_b it has v_+ alone. It rises with v_+ up to
v_+ = v_−, so that v_w has one v_+. From there the plasma in front is followed to the shock, whose
strength decides which v_w it is.

It is an upper bound for slow walls and no prediction for walls with friction of their own
(entropy is produced): say "v_w (LTE)". Strong transitions have no such wall, weak ones none that
moves: both are statuses.
Sources: W.-Y. Ai, B. Laurent, J. van de Vis, JCAP 07 (2023) 002 [2303.10171]; F. Giese,
T. Konstandin, J. van de Vis, JCAP 09 (2020) 057 [2004.06995].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Bool, Float

from jaxbounce._core.arrays import Array, Code, Flag, Real, Scalar
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import RealLike, as_leaf
from jaxbounce._core.withheld import shielded, withheld
from jaxbounce.transition.shock import log_enthalpy_to_shock

_SLOWEST = 1e-7  # where the search for v_w begins

_FASTEST = 1 - 1e-12  # and where it ends: at 1 the shock is infinitely strong

_TOLERANCE = 1e-8  # of the estimated error of v_w

_NEARLY_ONE = 1 - 1e-9  # v_− of the fastest detonation looked for


class Plasma(NamedTuple):
    """What the plasma is, as far as the template equation of state knows."""

    alpha: Real
    """α_θ̄ = (Δe − Δp/c_b²)/(3 w_s)."""
    Psi: Real
    """w_b/w_s."""
    s2: Real
    """c_s², of the high-temperature phase."""
    b2: Real
    """c_b², of the low-temperature phase."""

    @property
    def mu(self) -> Real:
        """1 + 1/c_s²: w ∝ T^μ."""
        return 1 + 1 / self.s2

    @property
    def nu(self) -> Real:
        """1 + 1/c_b²."""
        return 1 + 1 / self.b2

    @property
    def difference(self) -> Real:
        """ν − μ, exactly zero for equal speeds of sound."""
        return (self.s2 - self.b2) / (self.s2 * self.b2)


class WallSpeed(NamedTuple):
    """A wall in local thermal equilibrium. NaN where `status` is not SUCCESS, but for the borders.

    The borders v_J, alpha_max, to_runaway, to_static belong to any plasma, and are NaN for
    INVALID_PARAMETER alone.
    """

    v_w: Scalar
    """Speed of the wall in the frame of the plasma far away."""
    v_plus: Scalar
    """Speed of the plasma that hits the wall, in the frame of the wall."""
    v_minus: Scalar
    """Speed of the plasma behind the wall, in the frame of the wall."""
    T_plus: Scalar
    """Temperature in front of the wall, over that far away."""
    T_minus: Scalar
    """Temperature behind the wall, over that far away in front of it."""
    alpha_plus: Scalar
    """α_θ̄ in front of the wall."""
    is_hybrid: Flag
    """Whether the wall is faster than sound behind it: a hybrid, else a deflagration."""
    v_J: Scalar
    """Chapman–Jouguet speed."""
    alpha_max: Scalar
    """α_θ̄ beyond which no deflagration or hybrid is in equilibrium; infinite if all may be."""
    to_runaway: Scalar
    """ln(alpha_max/α_θ̄): negative where the wall runs away; for c_b > c_s there may be walls again
    at α_θ̄ far above, so that `status` decides."""
    to_static: Scalar
    """ln(α_θ̄/alpha_min): negative where the wall does not move."""
    error: Scalar
    """Estimate of the absolute error of v_w, from the integration up to the shock."""
    error_plus: tuple[Scalar, Scalar]
    """What it makes of v_plus and T_plus: absolute errors."""
    status: Code
    """SUCCESS for a deflagration or a hybrid; STATIC_WALL, RUNAWAY_WALL, INVALID_PARAMETER, and
    WALL_SPEED_NOT_CONVERGED where `error` is too large."""

    def __str__(self) -> str:
        return summary(
            "wall in local thermal equilibrium",
            self.status,
            {
                "v_w (LTE)": (self.v_w, ""),
                "v_+": (self.v_plus, "(plasma that hits the wall)"),
                "T_+/T": (self.T_plus, ""),
                "v_J": (self.v_J, ""),
                "ln(alpha_max/alpha)": (self.to_runaway, "(runs away below 0)"),
                "error": (self.error, "(of v_w)"),
            },
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))


def wall_speed(alpha_thetabar: RealLike, Psi: RealLike, c_s: RealLike, c_b: RealLike) -> WallSpeed:
    """The speed of a wall in local thermal equilibrium: a deflagration, a hybrid, or a status.

    Differentiable in all four, forward and reverse; one of each (`jax.vmap` for more). At
    v_w = c_b deflagrations become hybrids, and v_w has a kink.

    Args:
        alpha_thetabar: (Δe − Δp/c_b²)/(3w_s) at the temperature far from the bubble, Δ from the
            low- to the high-temperature phase.
        Psi: w_b/w_s there.
        c_s: speed of sound of the high-temperature phase.
        c_b: that of the low-temperature phase.
    """
    given = tuple(as_leaf(x) for x in (alpha_thetabar, Psi, c_s, c_b))
    numbers, token = shielded(given)
    plasma, valid = _plasma(*numbers)
    v_w, solvable, error = _solve(plasma)
    lost = plasma.alpha <= _least_alpha(plasma)
    status = jnp.where(
        error <= _TOLERANCE, Status.SUCCESS.value, Status.WALL_SPEED_NOT_CONVERGED.value
    )
    status = jnp.where(solvable, status, Status.RUNAWAY_WALL.value)
    status = jnp.where(lost, Status.STATIC_WALL.value, status)
    status = jnp.where(valid, status, Status.INVALID_PARAMETER.value)
    good = status == Status.SUCCESS.value

    def ahead(v_w: Scalar) -> tuple[Scalar, Scalar, Scalar]:
        v_minus = _behind(v_w, plasma)
        v_plus = _in_front(v_minus, plasma)
        enthalpy, _ = _log_enthalpy(v_plus, v_minus, plasma)
        return v_plus, jnp.exp(enthalpy / plasma.mu), v_minus

    error = jnp.where(good, jax.lax.stop_gradient(error), jnp.nan)
    (v_plus, T_plus, v_minus), moved = jax.jvp(ahead, (v_w,), (error,))
    T_minus = T_plus * jnp.sqrt((1 - v_minus**2) / (1 - v_plus**2))
    values = (v_w, v_plus, v_minus, T_plus, T_minus, _alpha_plus(v_plus, v_minus, plasma))
    hybrid = good & (v_w > jnp.sqrt(plasma.b2))
    return WallSpeed(
        *withheld(values, good, token),
        hybrid,
        *_borders(given),
        error,
        jax.lax.stop_gradient((jnp.abs(moved[0]), jnp.abs(moved[1]))),
        status,
    )


class Front(NamedTuple):
    """The plasma that a wall of known speed meets. NaN where `status` is not SUCCESS."""

    v_plus: Scalar
    """Its speed in the frame of the wall."""
    T_plus: Scalar
    """Its temperature over that far away."""
    v_J: Scalar
    """Chapman–Jouguet speed: a wall that is faster is a detonation and meets plasma at rest."""
    status: Code
    """SUCCESS, INVALID_PARAMETER, or NO_FRONT where energy and momentum allow no such wall."""


def front_of(v_w: RealLike, alpha_thetabar: RealLike, c_s: RealLike, c_b: RealLike) -> Front:
    """What a wall of a given speed has in front of it, by energy and momentum alone.

    v_+ is where the heat released at the wall is what the plasma up to its shock takes; entropy,
    which would settle v_w, does not enter. Differentiable in all four, but at v_w = v_J, where
    v_+ jumps.

    Args:
        v_w: speed of the wall in the frame of the plasma far away.
        alpha_thetabar: (Δe − Δp/c_b²)/(3w_s) there.
        c_s: speed of sound of the high-temperature phase.
        c_b: that of the low-temperature phase.
    """
    given = tuple(as_leaf(x) for x in (v_w, alpha_thetabar, c_s, c_b))
    (speed, *numbers), token = shielded(given)
    plasma, valid = _plasma(numbers[0], jnp.ones_like(speed), *numbers[1:])
    valid = valid & (speed > 0) & (speed < 1)
    speed = jnp.where(valid, speed, 0.3)
    v_J = jouguet_speed(plasma.alpha, jnp.sqrt(plasma.b2))
    detonates = speed >= v_J
    # a deflagration in any case, which detonations do without
    slow = jnp.where(detonates, 0.5 * v_J, speed)
    v_minus = _behind(slow, plasma)
    fastest = jax.lax.stop_gradient(jnp.minimum(v_minus, plasma.s2 / slow) * _FASTEST)

    def misses(v_plus: Scalar) -> Scalar:
        enthalpy, exists = _log_enthalpy(v_plus, v_minus, plasma)
        missing, _ = log_enthalpy_to_shock(slow, v_plus, plasma.s2)
        return jnp.where(exists, enthalpy + missing, -1.0)

    slowest = _SLOWEST * fastest
    exists = (misses(slowest) < 0) & (misses(fastest) > 0)
    v_plus = bracketed_root(misses, slowest, fastest)
    enthalpy, _ = _log_enthalpy(v_plus, v_minus, plasma)
    T_plus = jnp.exp(enthalpy / plasma.mu)
    values = (
        jnp.where(detonates, speed, v_plus),
        jnp.where(detonates, 1.0, T_plus),
    )
    status = jnp.where(exists | detonates, Status.SUCCESS.value, Status.NO_FRONT.value)
    status = jnp.where(valid, status, Status.INVALID_PARAMETER.value)
    return Front(
        *withheld(values, status == Status.SUCCESS.value, token),
        withheld(v_J, valid, token),
        status,
    )


def jouguet_speed(alpha_thetabar: RealLike, c_b: RealLike) -> Real:
    """The Chapman–Jouguet speed v_J, that of the slowest detonation; all speeds in units of c.

    Args:
        alpha_thetabar: α_θ̄ ≥ 0, of any shape.
        c_b: speed of sound of the low-temperature phase.
    """
    alpha, b2 = as_leaf(alpha_thetabar), as_leaf(c_b) ** 2
    root = jnp.sqrt(3 * alpha * (1 - b2 + 3 * b2 * alpha))
    return jnp.sqrt(b2) * (1 + root) / (1 + 3 * b2 * alpha)


def detonation_speed(
    alpha_thetabar: RealLike, Psi: RealLike, c_s: RealLike, c_b: RealLike
) -> Scalar:
    """The detonation in local thermal equilibrium, NaN if there is none: to list, not to choose.

    There is at most one: what entropy asks for falls with v_− from v_w = v_J to 1. It is unstable:
    a wall a little faster is driven more, one a little slower less. Differentiable like
    `wall_speed`, with the same arguments.
    """
    numbers, token = shielded(tuple(as_leaf(x) for x in (alpha_thetabar, Psi, c_s, c_b)))
    plasma, valid = _plasma(*numbers)
    alpha, b2 = plasma.alpha, plasma.b2

    def in_front(v_minus: Scalar) -> Scalar:
        square = v_minus**2
        root = square**2 - 2 * b2 * square * (1 - 6 * alpha)
        root = jnp.sqrt(root + b2**2 * (1 - 12 * square * alpha * (1 - 3 * alpha)))
        return (b2 + square + root) / (2 * v_minus * (1 + 3 * b2 * alpha))

    def entropy(v_minus: Scalar) -> Scalar:
        v_plus = in_front(v_minus)
        gammas = _log_gamma(v_plus) - _log_gamma(v_minus)
        return jnp.log(v_plus / v_minus / plasma.Psi) - (1 / b2 - 1) * gammas

    slowest = jax.lax.stop_gradient(jnp.sqrt(b2))
    fastest = jnp.full_like(slowest, _NEARLY_ONE)
    exists = valid & (entropy(slowest) > 0) & (entropy(fastest) < 0)
    v_w = in_front(bracketed_root(entropy, slowest, fastest))
    return withheld(v_w, exists & (v_w**2 > plasma.s2), token)


class Runaway(NamedTuple):
    """What the pressure on a very fast wall says."""

    pressure: Real
    """P_{1→1} of the particles that gain mass, in the unit of T to the fourth."""
    alpha_vacuum: Real
    """ΔV at T = 0 over the energy of the radiation."""
    alpha_infinity: Real
    """The pressure over the energy of the radiation."""
    runs_away: Bool[Array, "..."]
    """Whether ΔV exceeds the pressure. Gauge bosons that gain mass hold even such a wall back, by
    P_{1→2} ∝ γ g² Δm T³ (Bödeker and Moore [1703.08215])."""


def runaway_test(
    vacuum_energy: RealLike,
    T: RealLike,
    enthalpy: RealLike,
    mass_squared_gains: Float[ArrayLike, "... particles"],
    degrees_of_freedom: Float[ArrayLike, " particles"],
    are_fermions: Bool[ArrayLike, " particles"],
) -> Runaway:
    """Whether a wall could run away: ΔV > P_{1→1} = (T²/24) Σ c n Δm².

    c is 1 for bosons and ½ for fermions; masses that are large beside T count too much.
    Source: D. Bödeker, G. D. Moore, JCAP 05 (2009) 009 [0903.4099].

    Args:
        vacuum_energy: V(high) − V(low) at T = 0, between the fields that the phases have at T.
        T: temperature in front of the wall.
        enthalpy: w_s there; ρ_rad is ¾ of it.
        mass_squared_gains: m²(low) − m²(high) of every kind of particle.
        degrees_of_freedom: n of each.
        are_fermions: which of them are.
    """
    weights = jnp.where(jnp.asarray(are_fermions), 0.5, 1.0) * as_leaf(degrees_of_freedom)
    pressure = as_leaf(T) ** 2 / 24 * (weights * as_leaf(mass_squared_gains)).sum(-1)
    released, radiation = as_leaf(vacuum_energy), 0.75 * as_leaf(enthalpy)
    return Runaway(pressure, released / radiation, pressure / radiation, released > pressure)


def _plasma(alpha: Scalar, Psi: Scalar, c_s: Scalar, c_b: Scalar) -> tuple[Plasma, Flag]:
    """The plasma, or where a parameter is out of range another one, and whether it is."""
    valid = (alpha > 0) & (alpha < jnp.inf) & (Psi > 0) & (Psi < jnp.inf)
    valid = valid & (c_s > 0) & (c_s < 1) & (c_b > 0) & (c_b < 1)
    some = (0.05, 0.9, 0.57, 0.57)
    used = [jnp.where(valid, x, y) for x, y in zip((alpha, Psi, c_s, c_b), some, strict=True)]
    return Plasma(used[0], used[1], used[2] ** 2, used[3] ** 2), valid


def _behind(v_w: Scalar, plasma: Plasma) -> Scalar:
    """v_−: a wall faster than sound behind it has a rarefaction there, and v_− = c_b."""
    return jnp.minimum(v_w, jnp.sqrt(plasma.b2))


def _alpha_plus(v_plus: Scalar, v_minus: Scalar, plasma: Plasma) -> Scalar:
    b2 = plasma.b2
    return (v_minus - v_plus) * (b2 - v_minus * v_plus) / (3 * b2 * v_minus * (1 - v_plus**2))


def _log_enthalpy(v_plus: Scalar, v_minus: Scalar, plasma: Plasma) -> tuple[Scalar, Flag]:
    """ln(w_+/w_N), and whether there is one: beyond some α_+ the phases lose their pressures."""
    below = plasma.difference + 3 * plasma.mu * _alpha_plus(v_plus, v_minus, plasma)
    above = plasma.difference + 3 * plasma.mu * plasma.alpha
    exists = (below > 0) & (above > 0)
    return jnp.log(jnp.where(exists, above, 1.0) / jnp.where(exists, below, 1.0)), exists


def _log_gamma(v: Scalar) -> Scalar:
    return -jnp.log1p(-(v**2)) / 2


def _in_front(v_minus: Scalar, plasma: Plasma) -> Scalar:
    """v_+ of the wall at which entropy is conserved, between 0 and v_−."""
    excess = plasma.s2 * plasma.difference / (1 + plasma.s2)  # ν/μ − 1

    def entropy(v_plus: Scalar) -> Scalar:
        enthalpy, exists = _log_enthalpy(v_plus, v_minus, plasma)
        gammas = _log_gamma(v_plus) - _log_gamma(v_minus)
        found = jnp.log(v_plus / v_minus / plasma.Psi) - excess * enthalpy
        return jnp.where(exists, found - (1 / plasma.b2 - 1) * gammas, 1.0)

    highest = jax.lax.stop_gradient(v_minus)
    return bracketed_root(entropy, jnp.zeros_like(highest), highest)


def _has_front(plasma: Plasma) -> Flag:
    """Whether entropy can be conserved with v_+ < v_−; no speed enters."""
    gap = jnp.where(plasma.difference > 0, plasma.difference, 1.0)
    most = gap / plasma.mu * jnp.log1p(3 * plasma.mu * plasma.alpha / gap)
    return (plasma.difference <= 0) | (-jnp.log(plasma.Psi) > most)


def _least_alpha(plasma: Plasma) -> Scalar:
    """α_θ̄ up to which no wall moves: heat in front of it holds back even a slow one."""
    return jnp.maximum((1 - plasma.Psi) / 3, -plasma.difference / (3 * plasma.mu))


def _solve(plasma: Plasma) -> tuple[Scalar, Flag, Scalar]:
    """v_w, whether it is one (where the wall moves at all), and the estimate of its error."""
    sonic = jnp.sqrt(plasma.b2)
    # hybrids have one v_+, and the fastest has its shock at the wall
    fastest = jnp.minimum(plasma.s2 / _in_front(sonic, plasma), _FASTEST)
    reach = _has_front(plasma) & (fastest > sonic)
    highest = jax.lax.stop_gradient(jnp.maximum(fastest, sonic))
    lowest = jnp.full_like(highest, _SLOWEST)
    v_w = bracketed_root(lambda v: _misses(v, plasma)[0], lowest, highest)

    fixed, at = jax.lax.stop_gradient((plasma, v_w))
    (_, error), (slope, _) = jax.jvp(lambda v: _misses(v, fixed), (at,), (jnp.ones_like(at),))
    # where no sign changes the search ends where it began
    return v_w, reach & (at > 2 * _SLOWEST), jnp.abs(error / slope)


def _misses(v_w: Scalar, plasma: Plasma) -> tuple[Scalar, Scalar]:
    """By how much ln w is too large behind the shock if the wall moves at v_w; error of that."""
    v_minus = _behind(v_w, plasma)
    v_plus = _in_front(v_minus, plasma)
    enthalpy, _ = _log_enthalpy(v_plus, v_minus, plasma)
    missing, error = log_enthalpy_to_shock(v_w, v_plus, plasma.s2)
    return enthalpy + missing, error


def _borders(given: tuple[Scalar, ...]) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """v_J, α_max, ln(α_max/α) and ln(α/α_min), NaN for parameters out of range."""
    numbers, token = shielded(given)
    plasma, valid = _plasma(*numbers)
    most, least = _most_alpha(plasma), _least_alpha(plasma)
    free = least <= 0  # no plasma with less driving force stands still
    above = jnp.log(plasma.alpha / jnp.where(free, 1.0, least))
    values = (
        jouguet_speed(plasma.alpha, jnp.sqrt(plasma.b2)),
        most,
        jnp.log(most) - jnp.log(plasma.alpha),
        jnp.where(free, jnp.inf, above),
    )
    return withheld(values, valid, token)


def _most_alpha(plasma: Plasma) -> Scalar:
    """α_θ̄ at which the wall is as fast as its shock: v_w = ξ = v_J, v_+ = c_s²/ξ, v_− = c_b.

    ln w_+ is that of the shock there, and α_θ̄ what a detonation at ξ = v_J has; entropy then is
    an equation for ξ. It falls, from where the wall has any front, up to a root of a quadratic
    equation in ξ²; where it has no zero in between there is no border.
    """
    plasma, token = shielded(plasma)
    s2, b2, sonic = plasma.s2, plasma.b2, jnp.sqrt(plasma.b2)
    excess, bend = s2 * plasma.difference / (1 + s2), 1 / b2 - 1

    def entropy(xi: Scalar) -> Scalar:
        v_plus = s2 / xi
        enthalpy = jnp.log((xi**2 - s2**2) / (s2 * (1 - xi**2)))
        gammas = _log_gamma(v_plus) - _log_gamma(sonic)
        return jnp.log(v_plus / sonic / plasma.Psi) - excess * enthalpy - bend * gammas

    loss = jnp.maximum(-plasma.difference / (3 * plasma.mu), 0.0)
    lowest = jax.lax.stop_gradient(jnp.maximum(s2 / sonic, jouguet_speed(loss, sonic)))
    half = (1 + s2**2 + 2 * excess * (1 - s2**2) + bend * s2**2) / 2
    turn = half + jnp.sqrt(jnp.maximum(half**2 - s2**2 * (1 + bend), 0.0))
    highest = jax.lax.stop_gradient(jnp.sqrt(jnp.minimum(turn, _FASTEST**2)))
    highest = jnp.maximum(highest, lowest)
    begins, exists = entropy(lowest) > 0, entropy(highest) < 0
    xi = bracketed_root(entropy, lowest, highest)
    found = (xi - sonic) ** 2 / (3 * b2 * (1 - xi**2))
    found = withheld(found, begins & exists, token)
    # phases so alike that v_+ reaches v_− first
    gap = jnp.where(plasma.difference > 0, plasma.difference, 1.0)
    power = jnp.where(begins, 0.0, -jnp.log(plasma.Psi) * plasma.mu / gap)
    alike = jnp.where(plasma.difference > 0, gap / (3 * plasma.mu) * jnp.expm1(power), loss)
    return jnp.where(begins, jnp.where(exists, found, jnp.inf), alike)

"""Minima of a potential followed over the temperature, to where they cease to be minima.

A minimum φ(T) moves by dφ/dT = −V''⁻¹ ∂_T V'. A step along that, mended by Newton's method, is
taken if the tangents at both of its ends agree with it: otherwise it has left its branch, and a
shorter one is tried. A branch ends where a curvature vanishes, in one of two ways. Where the
stationary point goes on as a saddle the curvature changes sign, at a root in T. Where it does not
(it meets a saddle, or its own mirror image) T is a function of a field along the branch, and the
end is where dT/dφ = 0. Both are roots, to rounding, and no temperatures of a grid.

Not to be traced. Source of the method: E. L. Allgower and K. Georg, Introduction to Numerical
Continuation Methods (1990), chapters 2 and 9.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.arrays import traced
from jaxbounce._core.types import as_leaf
from jaxbounce.potential.landscape import Landscape, Potential

_POINTS = 64  # of one call of the program

_NEWTON_STEPS = 12

_FLAT = 1e-10  # a curvature of this size, relative to the largest, is a flat direction

_GOLDSTONE = 1e-8  # the same at a minimum far from where a branch ends

_STEPS = 24  # of a branch over the whole range, at least

_SHORTEST = 1e-5  # of the range of temperatures: a branch that cannot be followed by it has ended

_TURNS = 0.06  # of a step: by how much tangents at its ends may disagree with it

_STILL = 1e-7  # of the size of the fields: what is no movement

_SECANTS = 40


class Local(NamedTuple):
    """V at points (φ, T) and its derivatives."""

    V: np.ndarray
    slope: np.ndarray
    """∂V/∂φ."""
    bend: np.ndarray
    """∂²V/∂φ²."""
    of_T: np.ndarray
    """∂V/∂T."""
    slope_of_T: np.ndarray
    """∂²V/∂φ∂T."""


class Sampler:
    """Answers what is asked of V(φ, T) at many points by one small program."""

    def __init__(self, potential: Potential, theta: Any, parameters_at: Callable[..., Any]) -> None:
        self._program = potential, parameters_at, jax.tree.map(as_leaf, theta)
        self._last: tuple[bytes, Local] | None = None

    def __call__(self, phi: np.ndarray, T: Any) -> Local:
        """At fields (points, n), each at its temperature or all at one."""
        phi = np.asarray(phi, float)
        T = np.broadcast_to(np.asarray(T, float), phi.shape[:1])
        key = phi.tobytes() + T.tobytes()
        if self._last is None or self._last[0] != key:
            # one question follows another about the same points
            self._last = key, self._ask(np.concatenate([phi, T[:, None]], axis=1))
        return self._last[1]

    def _ask(self, points: np.ndarray) -> Local:
        found = []
        for begin in range(0, len(points), _POINTS):
            some = points[begin : begin + _POINTS]
            padded = np.concatenate([some, np.repeat(some[:1], _POINTS - len(some), axis=0)])
            found.append(np.asarray(_sample(*self._program, padded))[: len(some)])
        joined, n = np.concatenate(found), points.shape[1] - 1
        slope, bend = joined[:, 1 : n + 2], joined[:, n + 2 :].reshape(-1, n + 1, n + 1)
        return Local(joined[:, 0], slope[:, :n], bend[:, :n, :n], slope[:, n], bend[:, :n, n])

    def at(self, T: np.ndarray) -> Landscape:
        """The landscape of points of which each has its temperature."""

        def asked(name: str) -> Any:
            return lambda u: getattr(self(np.asarray(u), T), name)

        return Landscape(asked("V"), asked("V"), asked("slope"), asked("bend"))


@partial(jax.jit, static_argnums=(0, 1))
def _sample(potential: Potential, parameters_at: Any, theta: Any, points: Any) -> Any:
    def value(x: Any) -> Any:
        return potential(x[:-1], parameters_at(theta, x[-1]))

    def each(x: Any) -> Any:
        V, slope = jax.value_and_grad(value)(x)
        return jnp.concatenate([V[None], slope, jax.hessian(value)(x).ravel()])

    with traced():
        return jax.vmap(each)(points)


def inverse(bend: np.ndarray) -> np.ndarray:
    """Of curvature matrices, with flat directions left out; NaN of what is no number."""
    good = np.isfinite(bend).all((-1, -2), keepdims=True)
    values, vectors = np.linalg.eigh(np.where(good, bend, np.eye(bend.shape[-1])))
    largest = np.abs(values).max(-1, keepdims=True)
    flat = np.abs(values) <= _FLAT * largest
    weights = np.where(flat, 0.0, 1 / np.where(flat, 1.0, values))
    found = (vectors * weights[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.where(good, found, np.nan)


def polish(seen: Sampler, phi: np.ndarray, T: Any) -> np.ndarray:
    """The stationary points near points (points, n), by Newton's method."""
    for _ in range(_NEWTON_STEPS):
        local = seen(phi, T)
        step = (inverse(local.bend) @ local.slope[..., None])[..., 0]
        phi = phi - step
        if not (np.abs(step) > 1e-14 * (1 + np.abs(phi))).any():
            break
    return phi


def spectrum(bend: np.ndarray) -> np.ndarray:
    """Curvatures, lowest first; NaN of what is no number."""
    good = np.asarray(np.isfinite(bend).all((-1, -2)))[..., None]
    values = np.linalg.eigvalsh(np.where(good[..., None], bend, np.eye(bend.shape[-1])))
    return np.where(good, values, np.nan)


def flat_directions(bend: np.ndarray) -> int:
    """How many Goldstone modes a minimum has."""
    values = np.abs(spectrum(bend))
    return int((values <= _GOLDSTONE * values.max()).sum())


def _least(bend: np.ndarray, flats: int) -> float:
    """The least curvature but for those of Goldstone modes."""
    values = spectrum(bend)
    return float(values[np.argsort(np.abs(values))[flats:]].min(initial=np.inf))


class Point(NamedTuple):
    """A minimum of a branch."""

    T: float
    phi: np.ndarray
    tangent: np.ndarray
    """dφ/dT; NaN at an end where it is infinite."""


class End(NamedTuple):
    """Where a branch ends."""

    point: Point
    kind: str
    """"range" of temperatures asked for; "unstable", goes on as a saddle; "turns", does not."""


class Tracer(NamedTuple):
    """Follows minima."""

    seen: Sampler
    range: float
    """Of the temperatures."""
    reach: float
    """Size of the fields."""
    steps: int = _STEPS
    """Of a branch over the whole range, at least."""

    def finer(self) -> "Tracer":
        """One that does not step over what this one may."""
        return self._replace(steps=16 * self.steps)

    def _point(self, phi: np.ndarray, T: float) -> tuple[Point, np.ndarray]:
        """A stationary point with its tangent, and the curvatures there."""
        local = self.seen(phi[None], T)
        tangent = -inverse(local.bend[0]) @ local.slope_of_T[0]
        return Point(T, phi, tangent), local.bend[0]

    def follow(self, phi: np.ndarray, T: float, stop: float) -> tuple[list[Point], End]:
        """From a minimum towards a temperature: the minima on the way, and the end of it."""
        here, bend = self._point(phi, T)
        flats = flat_directions(bend)
        points, step = [here], np.sign(stop - T) * self.range / self.steps
        while abs(here.T - stop) > 0:
            T = stop if abs(step) >= abs(stop - here.T) else float(here.T + step)
            there, bend = self._step(here, T)
            if not self._joins(here, there):
                if abs(T - here.T) < _SHORTEST * self.range:
                    return points, End(self._turn(points), "turns")
                step = (T - here.T) / 2
                continue
            if not _least(bend, flats) > 0:
                return points, End(self._root(here, there, flats), "unstable")
            points.append(there)
            step = 1.5 * (T - here.T)
            step = np.sign(step) * min(abs(step), self.range / self.steps)
            here = there
        return points, End(here, "range")

    def _step(self, here: Point, T: float) -> tuple[Point, np.ndarray]:
        guess = here.phi + (T - here.T) * here.tangent
        return self._point(polish(self.seen, guess[None], T)[0], T)

    def _joins(self, here: Point, there: Point) -> bool:
        """Whether the tangents at both ends of a step lead from one to the other."""
        step = there.T - here.T
        moved = np.linalg.norm(there.phi - here.phi)
        allowed = _TURNS * moved + _STILL * self.reach
        ahead = np.linalg.norm(here.phi + step * here.tangent - there.phi)
        back = np.linalg.norm(there.phi - step * there.tangent - here.phi)
        return bool(ahead <= allowed and back <= allowed)

    def _root(self, here: Point, there: Point, flats: int) -> Point:
        """Where between two stationary points the least curvature vanishes.

        In T, or if the fields move in the one that moves most: a branch that moves may cross one
        that does not there, and at a given T Newton's method could end on either.
        """
        from scipy.optimize import brentq

        moved = np.abs(there.phi - here.phi)
        j = int(np.argmax(moved))
        still = moved[j] < _STILL * self.reach

        def at(x: float) -> Point:
            if still:
                phi = polish(self.seen, hermite(here, there, x)[None], x)[0]
                return Point(x, phi, here.tangent)
            share = (x - here.phi[j]) / (there.phi[j] - here.phi[j])
            near = here.phi + share * (there.phi - here.phi)
            T = here.T + share * (there.T - here.T)
            return self._along(j, x, np.delete(near, j), T)[0]

        def least(x: float) -> float:
            point = at(x)
            return _least(self.seen(point.phi[None], point.T).bend[0], flats)

        ends = (here.T, there.T) if still else (here.phi[j], there.phi[j])
        size = abs(there.T) if still else self.reach
        found: Any = brentq(least, *ends, xtol=1e-13 * size)
        return at(float(found))._replace(tangent=(there.phi - here.phi) / (there.T - here.T))

    def _turn(self, points: list[Point]) -> Point:
        """Where dT/dφ = 0 along the branch, beyond its last points, by secants."""
        last, before = points[-1], points[max(len(points) - 2, 0)]
        j = int(np.argmax(np.abs(last.tangent)))
        x, y = before.phi[j], last.phi[j]
        if x == y:
            return last._replace(tangent=np.full_like(last.phi, np.nan))
        _, at_one = self._along(j, x, np.delete(before.phi, j), before.T)
        other, at_other = self._along(j, y, np.delete(last.phi, j), last.T)
        for _ in range(_SECANTS):
            if at_one == at_other:
                break
            longest = 4 * abs(y - x)
            z = y - float(np.clip(at_other * (y - x) / (at_other - at_one), -longest, longest))
            x, y, at_one = y, z, at_other
            other, at_other = self._along(j, y, np.delete(other.phi, j), other.T)
            if not abs(y - x) > _STILL * self.reach:
                break
        longest = 10 * abs(last.T - before.T) + 10 * _SHORTEST * self.range
        near = abs(other.T - last.T) < longest
        return other if near else last._replace(tangent=np.full_like(last.phi, np.nan))

    def _along(self, j: int, x: float, rest: np.ndarray, T: float) -> tuple[Point, float]:
        """The stationary point with φ_j = x, its temperature among the unknowns, and dT/dφ_j."""
        others = np.arange(rest.size + 1) != j
        unknown = np.append(rest, T)
        for _ in range(2 * _NEWTON_STEPS):
            phi = np.insert(unknown[:-1], j, x)
            local = self.seen(phi[None], unknown[-1])
            matrix = np.column_stack([local.bend[0][:, others], local.slope_of_T[0]])
            if not (np.isfinite(matrix).all() and np.isfinite(local.slope).all()):
                break
            step = np.linalg.lstsq(matrix, local.slope[0], rcond=_FLAT)[0]
            unknown = unknown - step
            if not (np.abs(step) > 1e-14 * (1 + np.abs(unknown))).any():
                break
        phi = np.insert(unknown[:-1], j, x)
        local = self.seen(phi[None], unknown[-1])
        matrix = np.column_stack([local.bend[0][:, others], local.slope_of_T[0]])
        infinite = np.full_like(phi, np.nan)
        if not np.isfinite(matrix).all():
            return Point(np.nan, phi, infinite), np.nan
        slope = np.linalg.lstsq(matrix, -local.bend[0][:, j], rcond=_FLAT)[0][-1]
        return Point(float(unknown[-1]), phi, infinite), float(slope)


def hermite(here: Point, there: Point, T: float) -> np.ndarray:
    """Between two points of a branch; towards an end that turns, as a root does."""
    length = there.T - here.T
    share = (T - here.T) / length
    if np.isnan(here.tangent).any():
        return here.phi + (there.phi - here.phi) * np.sqrt(np.clip(share, 0, 1))
    if np.isnan(there.tangent).any():
        return there.phi + (here.phi - there.phi) * np.sqrt(np.clip(1 - share, 0, 1))
    value = (1 + 2 * share) * (1 - share) ** 2 * here.phi + share**2 * (3 - 2 * share) * there.phi
    bent = share * (1 - share) ** 2 * here.tangent - share**2 * (1 - share) * there.tangent
    return value + length * bent

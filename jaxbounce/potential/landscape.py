"""A potential seen from one of its points: heights, slopes and curvatures at many fields.

What the solvers of `bounce` and `vacua` ask of a potential, and all that they ask. Traced, each
question becomes a part of the program it stands in. At once (`_core.arrays`), two small programs
of the potential answer them, one of slopes and one of curvatures, on a fixed number of points:
they are all that has to be compiled for a potential of a form not seen before.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Real, Scalar, is_at_once, traced
from jaxbounce._core.quadrature import gauss_legendre

Potential: TypeAlias = Callable[[Float[Array, " n"], Any], Scalar]
"""V(φ, θ) → scalar."""

Field = Float[Array, " n"]

NEAR = 5e-3
"""|u| below which the height is a line integral of the slope."""

_LINE_NODES = 8

_POINTS = 64  # of one call of a program that answers at once


Points = Float[Array, "... n"]
"""One point, or points along leading axes."""


class Landscape(NamedTuple):
    """U(u) = V(φ₀ + L u, θ)/v, asked at points."""

    values: Callable[[Points], Real]
    """U."""
    heights: Callable[[Points], Real]
    """U(u) − U(0) without cancellation near 0."""
    gradients: Callable[[Points], Float[Array, "... n"]]
    """∂U."""
    curvatures: Callable[[Points], Float[Array, "... n n"]]
    """∂²U."""


def of_function(value: Callable[[Field], Scalar]) -> Landscape:
    """The landscape of a function of the fields alone, a part of the program it is asked in."""
    return Landscape(
        partial(_of_each, value),
        partial(_of_each, partial(_height, value)),
        partial(_of_each, jax.grad(value)),
        partial(_of_each, jax.hessian(value)),
    )


def _of_each(function: Callable[[Field], Any], u: Real) -> Any:
    for _ in range(u.ndim - 1):
        function = jax.vmap(function)
    return function(u)


def _height(value: Callable[[Field], Scalar], u: Field) -> Scalar:
    """U(u) − U(0).

    Far out in a bounce U is tiny and its weight r^{D−1} huge: near 0 it is the line integral of
    U'. Its nodes t = s³ are dense at the false vacuum, where U' may be a broken power or have a
    logarithm; for smooth ones the rule is exact to the fifth power of u.
    """
    places, weights = line_rule()
    gradient = jax.vmap(jax.grad(value))(places[:, None] * u)
    line = weights @ (gradient @ u)
    near = (u**2).sum() < NEAR**2
    return jnp.where(near, line, value(u) - value(jnp.zeros_like(u)))


def line_rule() -> tuple[np.ndarray, np.ndarray]:
    """Places on the line from 0 to 1, and weights of what is integrated along it."""
    node, weight = gauss_legendre(_LINE_NODES)
    s = (node + 1) / 2
    return s**3, weight / 2 * 3 * s**2


class _Sampler:
    """Asks the programs of a potential at given parameters; NumPy's arrays in and out."""

    def __init__(self, potential: Potential, theta: Any, *scale: Any) -> None:
        self._potential, self._theta = potential, theta
        self._scale = [np.asarray(x, float) for x in scale]
        self._given: tuple[Any, ...] | None = None
        self._last: dict[str, tuple[tuple[bytes, tuple[int, ...]], Any]] = {}

    def values(self, u: Any) -> Any:
        """U at points."""
        return self._ask("slopes", u)[..., 0]

    def gradients(self, u: Any) -> Any:
        """∂U."""
        return self._ask("slopes", u)[..., 1:]

    def curvatures(self, u: Any) -> Any:
        """∂²U."""
        return self._ask("curvatures", u).reshape(*np.shape(u), np.shape(u)[-1])

    def heights(self, u: Any) -> Any:
        """U − U(0), as `_height` has it."""
        u = np.asarray(u, float)
        found = np.asarray(self.values(u) - self.values(np.zeros(u.shape[-1])))
        near = (u**2).sum(-1) < NEAR**2
        if near.any():
            places, weights = line_rule()
            points = u[near][:, None, :] * places[:, None]
            along = (self.gradients(points) * u[near][:, None, :]).sum(-1)
            found[near] = along @ weights
        return found

    def _ask(self, what: str, u: Any) -> Any:
        u = np.asarray(u, float)
        key = u.tobytes(), u.shape
        if what not in self._last or self._last[what][0] != key:
            # one question follows another about the same points
            self._last[what] = key, self._answers(what, u)
        return self._last[what][1]

    def _answers(self, what: str, u: Any) -> Any:
        n = u.shape[-1]
        points = u.reshape(-1, n)
        if self._given is None:
            origin, *units = self._scale
            numbers = map(jnp.asarray, (np.broadcast_to(origin, (n,)), *units))
            self._given = (self._theta, *numbers)
        found = []
        for begin in range(0, len(points), _POINTS):
            some = points[begin : begin + _POINTS]
            padded = np.concatenate([some, np.broadcast_to(some[:1], (_POINTS - len(some), n))])
            asked = _sample(self._potential, what, *self._given, padded)
            found.append(np.asarray(asked)[: len(some)])
        return np.concatenate(found).reshape(*u.shape[:-1], -1)


@partial(jax.jit, static_argnums=(0, 1))
def _sample(
    potential: Potential, what: str, theta: Any, origin: Any, field: Any, energy: Any, points: Any
) -> Array:
    """Of "slopes" U and ∂U side by side, (points, 1 + n), of "curvatures" ∂²U, (points, n²)."""
    with traced():
        value = _scaled(potential, theta, origin, field, energy)
        if what == "curvatures":
            return _of_each(jax.hessian(value), points).reshape(len(points), -1)
        V, slopes = _of_each(jax.value_and_grad(value), points)
        return jnp.concatenate([V[:, None], slopes], axis=1)


def _scaled(
    potential: Potential, theta: Any, origin: Any, field: Any, energy: Any
) -> Callable[[Field], Scalar]:
    def value(u: Field) -> Scalar:
        return potential(origin + field * u, theta) / energy

    return value


def landscape(
    potential: Potential, theta: Any, origin: Any = 0.0, field: Any = 1.0, energy: Any = 1.0
) -> Landscape:
    """The landscape of V(φ₀ + L u, θ)/v.

    Args:
        potential: V(φ, θ); hashable.
        theta: its parameters.
        origin: φ₀.
        field: L.
        energy: v.
    """
    if not is_at_once():
        return of_function(_scaled(potential, theta, origin, field, energy))
    ask = _Sampler(potential, theta, origin, field, energy)
    return Landscape(ask.values, ask.heights, ask.gradients, ask.curvatures)

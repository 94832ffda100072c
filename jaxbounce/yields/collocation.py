"""An L-stable collocation method of order 15 for diffrax, for one unknown.

A step's solution is the polynomial that satisfies the equation at the eight Radau points of the
step, the last of which is its end (Radau IIA; Hairer & Wanner, Solving ODEs II, IV.5): L-stable,
stiffly accurate, all points inside the step. For one unknown its stages are a system of eight
scalar equations, solved by Newton's method with an elimination that needs no pivots; derivatives
see one Newton step, which is the implicit-function theorem.

How well a step resolves the solution is read off its own Legendre series. Coefficients of what is
smooth fall geometrically, c_k ~ ρ^k, and the end of a step errs by what follows twice as far out,
c_{2s−1} ~ c_{s−1}²/c_0. The larger of the last two stands for c_{s−1}. An embedded method of lower
order, whose error constant may be small where that of the method is not, has no part in it: with
the pair of KenCarp5, one step in six was off by more than its estimate.
"""

import abc
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from jaxbounce._core.types import Flag, Real, Scalar

STAGES = 8

_IDLE = 1e-6

_NEWTON_STEPS = 30

_LARGEST_MOVE = 3.0  # of ln Y in a Newton step

_FAST = 20.0  # h |∂f/∂U| from which U follows what draws it

_SOLVED = 1e-13

_NEARLY = 1e-7  # where one more Newton step solves the equation to rounding

_SAFETY = 4.0  # of 189 random points without it, three were off by 1.1 to 1.6 times their estimates

_ROUNDING = 4.0  # in units of the machine's, a step

Count = Int[Array, ""]

State = tuple[Scalar, Scalar, Scalar, Scalar, Scalar]
"""U; a quadrature b; Σ |error estimates|; the lowest monitored value; the probe's size."""


@functools.cache
def _tableau() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Radau points on [0, 1], A⁻¹, the weights, and the map from values to |Legendre series|."""
    radau = np.zeros(STAGES + 1)
    radau[-2:] = -1.0, 1.0  # P_s − P_{s−1}
    x = np.sort(np.polynomial.legendre.legroots(radau).real)
    slope = np.polynomial.legendre.legder(radau)
    for _ in range(3):
        values = np.polynomial.legendre.legval(x, radau)
        x = x - values / np.polynomial.legendre.legval(x, slope)
    x[-1] = 1.0
    to_series = np.linalg.inv(np.polynomial.legendre.legvander(x, STAGES - 1))
    integrals = np.polynomial.legendre.legint(np.eye(STAGES), lbnd=-1)
    A = np.polynomial.legendre.legval(x, integrals).T @ to_series / 2
    return (1 + x) / 2, np.linalg.inv(A), A[-1], to_series


class StageEquation(eqx.Module):
    """U' = f(t, U, args), b' = g(t, U, U', args), of arrays of times; ∂f/∂U ≤ 0."""

    @abc.abstractmethod
    def coefficients(self, t: Real, args: Any) -> Any:
        """All that depends on time only."""

    @abc.abstractmethod
    def slope(self, known: Any, U: Real) -> tuple[Real, Real]:
        """f(U), from the coefficients, and −∂f/∂U."""

    @abc.abstractmethod
    def attractor(self, known: Any) -> Real:
        """The U that f draws to, from which its stages are solved where it draws fast."""

    @abc.abstractmethod
    def gain(self, known: Any, U: Real, slope: Real) -> tuple[Real, Real]:
        """g(U, U'), and the monitored value."""

    @abc.abstractmethod
    def probe(self, known: Any, U: Real) -> tuple[Real, Real]:
        """A term of f at unit strength, and the size of what it is a difference of."""


class Collocation(diffrax.AbstractAdaptiveSolver):
    """Radau IIA on a `StageEquation`; see the module's docstring.

    Steps resolve not only U and b but, less finely, the probe: a term of f at unit strength.
    Where its strength is zero the solution does not feel it, but derivatives with respect to
    the strength do. Integrates forwards in time; the terms given to diffrax are unused but for
    their type.

    Attributes:
        equation: the equation.
        leniency: tolerance of the step-size controller over the allowed relative error of the
            probe's integral.
    """

    equation: StageEquation
    leniency: Scalar
    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar[Callable[..., diffrax.LocalLinearInterpolation]] = (
        diffrax.LocalLinearInterpolation
    )

    def order(self, terms: Any) -> int:
        """The power of the step with which the estimates fall."""
        del terms
        return 2 * STAGES - 2

    def init(self, terms: Any, t0: Any, t1: Any, y0: State, args: Any) -> None:
        """Nothing is kept between steps."""
        del terms, t0, t1, y0, args

    def step(
        self,
        terms: Any,
        t0: Any,
        t1: Any,
        y0: State,
        args: Any,
        solver_state: None,
        made_jump: Any,
    ) -> tuple[State, State, dict[str, State], None, diffrax.RESULTS]:
        """One step; there are no jumps, since every segment is a solve of its own."""
        del terms, solver_state, made_jump
        points, inverse, weights, _ = _tableau()
        U0, b0, accumulated, lowest, size = y0
        # in a batch, points that have finished take steps of no length until the last one has: what
        # comes of them is discarded, but its derivatives must be finite for 0 times them to be 0
        h = jnp.where(t1 > t0, t1 - t0, _IDLE)
        known = self.equation.coefficients(t0 + points * h, args)
        moved, doubt = _solve_stages(self.equation, known, U0, h)
        U = U0 + moved
        # not f(t, U), in which the stiffness would amplify rounding
        slopes = jnp.matmul(inverse, moved) / h
        gains, monitored = self.equation.gain(known, U, slopes)
        probes, probe_size = self.equation.probe(known, U)
        b1 = b0 + h * (weights @ gains)
        U1 = U[-1]
        U_error = _unresolved(h * slopes) + doubt
        b_error = _unresolved(h * gains)
        rounding = _ROUNDING * jnp.finfo(U1.dtype).eps * (1 + jnp.abs(U1))
        error = jax.lax.stop_gradient(U_error + b_error + rounding)
        lowest = jnp.minimum(lowest, jax.lax.stop_gradient(monitored).min())
        size = jax.lax.stop_gradient(size + h * probe_size.max())
        probe_error = _unresolved(h * probes) / jnp.where(size > 0, size, 1.0)
        zero = jnp.zeros_like(U0)
        y1 = (U1, b1, accumulated + error, lowest, size)
        return (
            y1,
            (U_error, b_error, zero, zero, self.leniency * probe_error),
            {"y0": y0, "y1": y1},
            None,
            diffrax.RESULTS.successful,
        )

    def func(self, terms: Any, t0: Any, y0: State, args: Any) -> State:
        """The vector field."""
        return terms.vf(t0, y0, args)


def _unresolved(values: Real) -> Scalar:
    """The error at the end of a step of what has these values at its points."""
    series = jnp.abs(_tableau()[-1] @ jax.lax.stop_gradient(values))
    last, largest = series[-2:].max(), series.max()
    error = _SAFETY * last * last / jnp.where(largest > 0, largest, 1.0)
    return jnp.where(jnp.isfinite(error), error, jnp.inf)


def _solve_stages(
    equation: StageEquation, known: Any, U0: Scalar, h: Scalar
) -> tuple[Real, Scalar]:
    """Z = U − U0 with A⁻¹ Z = h f(U0 + Z), and how far the last Newton step still moved it."""
    inverse = _tableau()[1]

    def residual(Z: Real, known: Any, U0: Scalar, h: Scalar) -> tuple[Real, Real]:
        slope, damping = equation.slope(known, U0 + Z)
        return jnp.matmul(inverse, Z) - h * slope, jnp.asarray(inverse) + jnp.diag(h * damping)

    frozen = jax.lax.stop_gradient((known, U0, h))

    def improve(state: tuple[Real, Scalar, Count]) -> tuple[Real, Scalar, Count]:
        Z, _, count = state
        value, matrix = residual(Z, *frozen)
        move = _eliminate(matrix, value[:, None])[:, 0]
        length = jnp.abs(move).max()
        # a step that is not a number leaves the equation unsolved
        return Z - move * jnp.minimum(1.0, _LARGEST_MOVE / length), length, count + 1

    def unsolved(state: tuple[Real, Scalar, Count]) -> Flag:
        Z, length, count = state
        return (length > _NEARLY * (1 + jnp.abs(Z).max())) & (count < _NEWTON_STEPS)

    fast = h * equation.slope(frozen[0], equation.attractor(frozen[0]))[1] > _FAST
    start = jnp.where(fast, equation.attractor(frozen[0]) - frozen[1], 0.0)
    Z, _, _ = jax.lax.while_loop(
        unsolved, improve, (start, jnp.full_like(frozen[1], jnp.inf), jnp.asarray(0))
    )
    # one Newton step that derivatives see: it is the implicit-function theorem
    value, matrix = residual(Z, known, U0, h)
    move = jax.lax.stop_gradient(_eliminate(matrix, jnp.eye(STAGES))) @ value
    left = jnp.abs(jax.lax.stop_gradient(move)).max()
    solved = left <= _SOLVED * (1 + jnp.abs(Z).max())
    # what is not a number is no solution: an infinite error makes the step smaller
    return Z - move, jnp.where(solved, 0.0, jnp.where(jnp.isfinite(left), left, jnp.inf))


def _eliminate(matrix: Real, right: Real) -> Real:
    """matrix⁻¹ right, without pivots.

    A⁻¹ + D, D ≥ 0, has none that vanish, as A is algebraically stable: B A⁻¹ + A⁻ᵀ B ≥ 0 for a
    diagonal B > 0 (Hairer & Wanner II, IV.12).
    """
    rows = jnp.concatenate([matrix, right], axis=1)
    for k in range(STAGES):
        # an update in place: as a `where` XLA fuses all eight and computes each many times over
        pivot = rows[k] / rows[k, k]
        rows = (rows - rows[:, k : k + 1] * pivot).at[k].set(pivot)
    return rows[:, STAGES:]

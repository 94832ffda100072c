"""An L-stable Runge–Kutta solver for diffrax whose stages the equation solves itself.

A diagonally implicit method asks, in every stage, for the solution of U = base + h γ f(t, U).
For one unknown this is a scalar equation, and whoever knows f can solve it in a few
arithmetic operations: no Jacobian, no linear algebra, no loop, at the cost of an explicit
method and with gradients in both modes. The tableau is the implicit half of KenCarp5
(Kennedy & Carpenter, Appl. Numer. Math. 44 (2003) 139): order 5 with an embedded order 4,
L-stable, stiffly accurate, all abscissae inside the step. Kvaerno5, the usual choice, samples
0.23 steps beyond it, across breakpoints of the equation.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import Scalar

_IDLE = 1e-6

State = tuple[Scalar, Scalar, Scalar, Scalar, Scalar]
"""U; a quadrature b; Σ |error estimates|; the lowest monitored value; the probe's size."""


class StageEquation(eqx.Module):
    """U' = f(t, U, args), b' = g(t, U, U', args), with the stage equation of f solved in place."""

    @abc.abstractmethod
    def coefficients(self, t: Scalar, args: Any) -> Any:
        """All that depends on time only."""

    @abc.abstractmethod
    def solve_stage(
        self, known: Any, base: Scalar, weight: Scalar, guess: Scalar
    ) -> tuple[Scalar, Scalar, Scalar]:
        """Solve U = base + weight f(U): U, a bound on its error, and 1 − weight ∂f/∂U."""

    @abc.abstractmethod
    def slope(self, known: Any, U: Scalar) -> Scalar:
        """f(U), from the coefficients of one time."""

    @abc.abstractmethod
    def gain(self, known: Any, U: Scalar, slope: Scalar) -> tuple[Scalar, Scalar]:
        """g(U, U'), and the monitored value."""

    @abc.abstractmethod
    def probe(self, known: Any, U: Scalar) -> tuple[Scalar, Scalar]:
        """A term of f at unit strength, and the size of what it is a difference of."""


class ScalarDIRK(diffrax.AbstractAdaptiveSolver):
    """KenCarp5's implicit half on a `StageEquation`; see the module's docstring.

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
        """Order 5, with an error estimate of order 4."""
        del terms
        return 5

    def init(
        self, terms: Any, t0: Any, t1: Any, y0: State, args: Any
    ) -> tuple[Scalar, Scalar, Scalar]:
        """U', b' and the probe at the start: the last stage of a step is the first of the next."""
        del terms, t1
        known = self.equation.coefficients(jnp.asarray(t0), args)
        slope = self.equation.slope(known, y0[0])
        gain, _ = self.equation.gain(known, y0[0], slope)
        return slope, gain, self.equation.probe(known, y0[0])[0]

    def step(
        self,
        terms: Any,
        t0: Any,
        t1: Any,
        y0: State,
        args: Any,
        solver_state: tuple[Scalar, Scalar, Scalar],
        made_jump: Any,
    ) -> tuple[State, State, dict[str, State], tuple[Scalar, Scalar, Scalar], diffrax.RESULTS]:
        """One step; there are no jumps, since every segment is a solve of its own."""
        del terms, made_jump
        U0, b0, accumulated, lowest, size = y0
        # in a batch, points that have finished take steps of no length until the last one has: what
        # comes of them is discarded, but its derivatives must be finite for 0 times them to be 0
        h = jnp.where(t1 > t0, t1 - t0, _IDLE)
        slopes, gains, probes = [solver_state[0]], [solver_state[1]], [solver_state[2]]
        largest = jnp.zeros_like(U0)
        unsolved = jnp.zeros_like(U0)
        U1, stiffness = U0, jnp.ones_like(U0)
        tableau = diffrax.KenCarp5.tableau.tableaus[1]
        assert tableau.a_diagonal is not None
        gamma = float(tableau.a_diagonal[-1])
        abscissae = np.asarray(tableau.c)
        for row, c in zip(tableau.a_lower, abscissae, strict=True):
            # not all stages at once: in a batch their axis would break up the vectors
            known = self.equation.coefficients(t0 + float(c) * h, args)
            base = U0 + h * _weighted(row, slopes)
            guess = jax.lax.stop_gradient(U0 + float(c) * h * slopes[-1])
            U1, doubt, stiffness = self.equation.solve_stage(known, base, gamma * h, guess)
            # not f(t, U1), in which the stiffness would amplify rounding
            slopes.append((U1 - base) / (gamma * h))
            gain, monitored = self.equation.gain(known, U1, slopes[-1])
            gains.append(gain)
            probe, probe_size = self.equation.probe(known, U1)
            probes.append(probe)
            largest = jnp.where(probe_size > largest, probe_size, largest)
            unsolved = unsolved + doubt
            lowest = jnp.where(monitored < lowest, monitored, lowest)
        b1 = b0 + h * _weighted(tableau.b_sol, gains)
        # what the equation damps within the step is no error (Hairer & Wanner II, IV.8)
        U_error = jnp.abs(h * _weighted(tableau.b_error, slopes)) / stiffness + unsolved
        b_error = jnp.abs(h * _weighted(tableau.b_error, gains))
        error = jax.lax.stop_gradient(U_error + b_error)
        zero = jnp.zeros_like(U0)
        size = jax.lax.stop_gradient(size + h * largest)
        probe_error = h * _weighted(tableau.b_error, probes) / jnp.where(size > 0, size, 1.0)
        probe_error = self.leniency * probe_error / stiffness
        y1 = (U1, b1, accumulated + error, jax.lax.stop_gradient(lowest), size)
        return (
            y1,
            (U_error, b_error, zero, zero, probe_error),
            {"y0": y0, "y1": y1},
            (slopes[-1], gains[-1], probes[-1]),
            diffrax.RESULTS.successful,
        )

    def func(self, terms: Any, t0: Any, y0: State, args: Any) -> State:
        """The vector field."""
        return terms.vf(t0, y0, args)


def _weighted(weights: np.ndarray, values: list[Scalar]) -> Scalar:
    terms = [float(w) * v for w, v in zip(weights, values, strict=True) if w != 0]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total

"""T_p with the wall in local thermal equilibrium, of a transition solved at once; its slopes.

What `settled` does within one program, for bounces that are solved one by one: the pair (v_w, T_p)
by bisection, its derivatives by the implicit-function theorem from those of T_p at a speed and of
the wall at a temperature, of which only the plasma's four numbers know the potential.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Scalar, at_once
from jaxbounce._core.status import Status
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.potential.thermal import Heated
from jaxbounce.potential.vacua import Potential
from jaxbounce.transition.settled import SLOWEST, speed_or_limit, verdict
from jaxbounce.transition.strength import fluid, strength
from jaxbounce.transition.wall_speed import WallSpeed, wall_speed

OUTPUTS = ("alpha_thetabar", "v_w")
"""What has elasticities beside those of the transition where its wall settles."""

_BISECTIONS = 52

_wall_speed = jax.jit(wall_speed)


class PhasesAt(NamedTuple):
    """Two phases of a potential, at any temperature at which they are known."""

    potential: Potential
    temperature: str
    couplings: Mapping[str, Scalar]
    guesses: tuple[Callable[[Scalar], Array], Callable[[Scalar], Array]]
    """Of the false and the true vacuum."""
    bath: Scalar | float | DegreesOfFreedom
    """g_* of the plasma beside V."""
    has_plasma: bool
    """Whether V has all of it."""

    def _given(self, T: Scalar) -> tuple[Any, ...]:
        with at_once():
            near = tuple(np.asarray(guess(T)) for guess in self.guesses)
        fixed = (self.potential, self.temperature, self.has_plasma, near)
        bath = jax.tree.map(jnp.asarray, self.bath)
        return (*fixed, jnp.asarray(T), dict(self.couplings), bath)

    def wall(self, T: Scalar) -> WallSpeed:
        """In local thermal equilibrium at T; of phases that are no plasma with their status."""
        (alpha, Psi, c_s, c_b), status = _numbers(*self._given(T))
        found = _wall_speed(alpha, Psi, c_s, c_b)
        return found._replace(
            status=jnp.where(status == Status.SUCCESS.value, found.status, status)
        )

    def slopes(self, T: Scalar) -> "Slopes":
        """Of α_θ̄ and v_w at T."""
        numbers, _ = _numbers(*self._given(T))
        of_T, of_couplings, of_bath = _number_slopes(*self._given(T))
        of_speed = jnp.stack([jnp.asarray([1.0, 0.0, 0.0, 0.0]), _speed_slopes(numbers)])
        of_number = None if of_bath is None else of_speed @ of_bath
        values = jnp.stack([numbers[0], self.wall(T).v_w])
        named = {name: of_speed @ slope for name, slope in of_couplings.items()}
        return Slopes(values, of_speed @ of_T, named, of_number)


class Slopes(NamedTuple):
    """Of α_θ̄ and v_w of the wall at a temperature, in this order."""

    values: Float[Array, " 2"]
    of_T: Float[Array, " 2"]
    of_couplings: Mapping[str, Float[Array, " 2"]]
    of_bath: Float[Array, " 2"] | None


@partial(jax.jit, static_argnums=(0, 1, 2))
def _numbers(
    potential: Potential,
    temperature: str,
    has_plasma: bool,
    near: tuple[Array, Array],
    T: Scalar,
    couplings: dict[str, Scalar],
    bath: Any,
) -> tuple[Float[Array, " 4"], Array]:
    """α_θ̄, Ψ, c_s, c_b, and whether the phases are plasmas."""
    g_rest = bath.energy(T) if isinstance(bath, DegreesOfFreedom) else bath
    high, low = (
        fluid(
            potential,
            couplings | {temperature: T},
            T,
            guess,
            parameters_at=Heated(temperature),
            g_rest=0.0 if has_plasma else g_rest,
        )
        for guess in near
    )
    found = strength(high, low)
    numbers = (found.alpha_thetabar, found.Psi, found.c_s, found.c_b)
    return jnp.stack(numbers), found.status


@partial(jax.jit, static_argnums=(0, 1, 2))
def _number_slopes(*given: Any) -> tuple[Array, dict[str, Array], Any]:
    """∂/∂T, by coupling, and by the bath."""

    def numbers(T: Scalar, couplings: dict[str, Scalar], bath: Any) -> Array:
        return _numbers(*given[:4], T, couplings, bath)[0]

    if isinstance(given[-1], DegreesOfFreedom):
        return *jax.jacrev(numbers, argnums=(0, 1))(*given[4:]), None
    return jax.jacrev(numbers, argnums=(0, 1, 2))(*given[4:])


@jax.jit
def _speed_slopes(numbers: Float[Array, " 4"]) -> Float[Array, " 4"]:
    return jax.grad(lambda given: wall_speed(*given).v_w)(numbers)


def settle(T_p: Callable[[Scalar], Scalar], phases: PhasesAt) -> tuple[Scalar, WallSpeed, Status]:
    """v_w, that of the wall at T_p(v_w); that wall; SUCCESS, or why there is none.

    v_w is 1 for RUNAWAY_WALL, where no wall is in equilibrium at its own T_p.
    """
    low, high = jnp.asarray(SLOWEST), jnp.asarray(1.0)
    if speed_or_limit(phases.wall(T_p(high))) >= 1:
        low = high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        faster = speed_or_limit(phases.wall(T_p(middle))) > middle
        low, high = (middle, high) if faster else (low, middle)
    v_w = (low + high) / 2
    wall = phases.wall(T_p(v_w))
    status = Status(int(verdict(wall, v_w)))
    return jnp.where(status == Status.RUNAWAY_WALL, 1.0, v_w), wall, status


def settle_at(T: Scalar, phases: PhasesAt) -> tuple[Scalar, WallSpeed, Status]:
    """The same of the wall at a temperature that does not depend on its speed, such as T_n."""
    wall = phases.wall(T)
    status = Status(int(wall.status))
    return jnp.where(status == Status.RUNAWAY_WALL, 1.0, wall.v_w), wall, status


class Follows(NamedTuple):
    """How the pair (v_w, T) moves with what the wall at T, T_p or T_n, and T at v_w depend on."""

    wall: Slopes
    T: Scalar
    of_speed: Float[Array, " outputs"]
    """∂ ln(output)/∂v_w of the transition."""
    line: int
    """Which of its outputs is T."""

    def total(
        self, of_transition: Float[Array, " outputs"], of_wall: Array | float
    ) -> Float[Array, " all"]:
        """∂ ln/∂x of the transition's outputs and of `OUTPUTS`.

        Args:
            of_transition: ∂ ln(output)/∂x at fixed v_w.
            of_wall: ∂(α_θ̄, v_w)/∂x at fixed T.
        """
        of_wall = jnp.zeros(2) + of_wall
        warmer = self.T * self.wall.of_T
        denominator = 1 - warmer[1] * self.of_speed[self.line]
        moved = (warmer[1] * of_transition[self.line] + of_wall[1]) / denominator
        outputs = of_transition + self.of_speed * moved
        alpha = warmer[0] * outputs[self.line] + of_wall[0]
        return jnp.concatenate([outputs, jnp.stack([alpha, moved]) / self.wall.values])

"""NUTS (numpyro) in the coordinates of `coordinates`, all chains at once, in blocks of draws.

numpyro's functional interface rather than its `MCMC` class: problem and coordinates are arguments
of the compiled step, so that other values do not recompile and data sets can be batched, and
between blocks there is room for a progress bar and for an interruption that keeps what is done.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxbounce._core.errors import ComputationError
from jaxbounce._core.types import Scalar
from jaxbounce.inference.coordinates import Coordinates
from jaxbounce.inference.problem import Problem
from jaxbounce.inference.ridge import Ridge


class Settings(NamedTuple):
    """What a compiled sampler is compiled for.

    Attributes:
        warmup: draws that adapt step size and mass matrix, and are thrown away.
        target_accept: acceptance probability the step size is adapted to.
        max_tree_depth: a trajectory has at most 2 to this power steps.
        forward_mode: take the gradient in forward mode.
    """

    warmup: int = 500
    target_accept: float = 0.9
    max_tree_depth: int = 10
    forward_mode: bool = False


class Draws(NamedTuple):
    """Draws of every chain, the draw first.

    Attributes:
        q: parameters in the coordinates of the problem.
        log_posterior: ln of likelihood times prior, per unit of q, not normalised.
        diverging: whether the trajectory diverged.
        num_steps: steps of the trajectory.
        acceptance: mean acceptance probability of the trajectory.
        energy: Hamiltonian.
        step_size: step size of the trajectory.
    """

    q: Float[Array, "draws chains free"]
    log_posterior: Float[Array, "draws chains"]
    diverging: Bool[Array, "draws chains"]
    num_steps: Int[Array, "draws chains"]
    acceptance: Float[Array, "draws chains"]
    energy: Float[Array, "draws chains"]
    step_size: Float[Array, "draws chains"]


def log_posterior(problem: Problem, q: Float[Array, " free"]) -> Scalar:
    """ln of likelihood times prior, per unit of q, not normalised; −∞ where there is no number."""
    return problem.log_likelihood(q) + problem.log_prior(q)


def potential(
    problem: Problem, coordinates: Coordinates | Ridge
) -> Callable[[Float[Array, " free"]], Scalar]:
    """−ln of the posterior per unit of w, a function of w."""

    def value(w: Float[Array, " free"]) -> Scalar:
        q, log_jacobian = coordinates(problem, w)
        outside = jnp.isneginf(log_jacobian)
        total = log_posterior(problem, q) + jnp.where(outside, 0.0, log_jacobian)
        return jnp.where(outside, jnp.inf, -total)

    return value


@functools.cache
def _kernels(settings: Settings, free: int) -> tuple[Any, Any]:
    from numpyro.infer.hmc import hmc

    return hmc(potential_fn_gen=potential, algo="NUTS")


def _initial(
    settings: Settings, w: Float[Array, " free"], value: Scalar, slope: Array, key: Array
) -> Any:
    from numpyro.infer.util import ParamInfo

    start, _ = _kernels(settings, len(w))
    # the potential is handed over: numpyro does not compile it here
    return start(
        ParamInfo(w, value, slope),
        settings.warmup,
        step_size=0.5,
        dense_mass=True,
        target_accept_prob=settings.target_accept,
        max_tree_depth=settings.max_tree_depth,
        forward_mode_differentiation=settings.forward_mode,
        model_args=(None, None),
        rng_key=key,
    )


@eqx.filter_jit
def _potentials(
    problem: Problem, coordinates: Coordinates | Ridge, w: Float[Array, "n free"]
) -> Any:
    return jax.vmap(jax.value_and_grad(potential(problem, coordinates)))(w)


@eqx.filter_jit
def _advance(
    settings: Settings,
    problem: Problem,
    coordinates: Coordinates | Ridge,
    states: Any,
    count: Int[Array, ""],
    block: int,
) -> tuple[Any, Draws]:
    """`count` draws, which may be traced, in the first places of a block."""
    _, sample = _kernels(settings, len(problem.names))

    def one(states: Any) -> tuple[Any, Draws]:
        states = jax.vmap(lambda s: sample(s, (problem, coordinates)))(states)
        q, log_jacobian = jax.vmap(lambda w: coordinates(problem, w))(states.z)
        return states, Draws(
            q,
            -states.potential_energy - log_jacobian,
            states.diverging,
            states.num_steps,
            states.accept_prob,
            states.energy,
            states.adapt_state.step_size,
        )

    # as `one` returns them, without tracing it for that
    like = Draws(
        states.z,
        states.potential_energy,
        states.diverging,
        states.num_steps,
        states.accept_prob,
        states.energy,
        states.adapt_state.step_size,
    )
    empty = jax.tree.map(lambda x: jnp.zeros((block, *x.shape), x.dtype), like)

    def step(i: Int[Array, ""], carry: tuple[Any, Draws]) -> tuple[Any, Draws]:
        states, new = one(carry[0])
        return states, jax.tree.map(lambda all_, x: all_.at[i].set(x), carry[1], new)

    return jax.lax.fori_loop(0, count, step, (states, empty))


def sample(
    problem: Problem,
    coordinates: Coordinates | Ridge,
    settings: Settings,
    *,
    chains: int,
    draws: int,
    seed: int,
    block: int = 100,
) -> Iterator[tuple[int, Draws | None]]:
    """Blocks of draws, with how many they are; None for those of the warm-up.

    Args:
        problem: what is sampled.
        coordinates: around a best fit.
        settings: of the sampler.
        chains: number of chains, run side by side.
        draws: draws of each chain.
        seed: of starts and trajectories.
        block: draws between two returns.

    Yields:
        Number of draws in a block, and the draws of all chains.

    Raises:
        ComputationError: if no starting point with a posterior is found.
    """
    key_start, key_run = jax.random.split(jax.random.key(seed))
    size = len(problem.names)
    # twice as wide as the posterior is expected to be, so that R-hat has something to see
    candidates = 2 * jax.random.normal(key_start, (8 * chains, size), problem.data.mean.dtype)
    values, slopes = _potentials(problem, coordinates, candidates)
    usable = jnp.flatnonzero(jnp.isfinite(values))
    if len(usable) < chains:
        raise ComputationError(
            "posterior: too few starting points around the best fit have a number; narrow the"
            " priors to where the model has one"
        )
    chosen = usable[:chains]
    keys = jax.random.split(key_run, chains)
    states = jax.vmap(functools.partial(_initial, settings))(
        candidates[chosen], values[chosen], slopes[chosen], keys
    )
    for total, keep in ((settings.warmup, False), (draws, True)):
        done = 0
        while done < total:
            count = min(block, total - done)
            states, found = _advance(
                settings, problem, coordinates, states, jnp.asarray(count), block
            )
            jax.block_until_ready(found)
            done += count
            yield count, Draws(*(field[:count] for field in found)) if keep else None

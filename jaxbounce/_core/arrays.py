"""One array code for two ways of running it: traced by JAX, or at once by NumPy.

A program that JAX compiles is quick to run and slow to make, and it serves batches and
derivatives. For one answer the same lines run at once: inside `at_once` the namespace `xp` is
NumPy, loops are Python's and nothing is compiled; elsewhere `xp` is `jax.numpy` and loops are
those of `jax.lax`. What is written with the names of this module is written once, and both ways
give the same numbers, to rounding.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Bool, Float, Int

Tree = TypeVar("Tree")
State = TypeVar("State")

_AT_ONCE: ContextVar[bool] = ContextVar("at_once", default=False)


class _Namespace:
    """NumPy at once, else `jax.numpy`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np if _AT_ONCE.get() else jnp, name)


if TYPE_CHECKING:
    Array = jax.Array
    import jax.numpy as xp
else:
    Array = jax.Array | np.ndarray | np.generic
    xp = _Namespace()

Real: TypeAlias = Float[Array, "..."]
"""A floating-point array of any shape, of either kind."""

Scalar: TypeAlias = Float[Array, ""]
"""A floating-point array without axes, of either kind."""

Code: TypeAlias = Int[Array, ""]
"""An integer array without axes, of either kind."""

Flag: TypeAlias = Bool[Array, ""]
"""A truth value without axes, of either kind."""


def is_at_once() -> bool:
    """Whether array code runs at once."""
    return _AT_ONCE.get()


@contextmanager
def at_once() -> Iterator[None]:
    """Array code runs by NumPy; what is not finite raises no warning there, as in JAX."""
    before = _AT_ONCE.set(True)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _AT_ONCE.reset(before)


@contextmanager
def traced() -> Iterator[None]:
    """Array code is traced, also inside `at_once`: for what is compiled there."""
    before = _AT_ONCE.set(False)
    try:
        yield
    finally:
        _AT_ONCE.reset(before)


def answer(function: Callable[..., Tree], *given: Any) -> Tree:
    """`function(*given)`: at once if nothing that is given is traced, else as a part of a program.

    Args:
        function: array code, of trees of arrays.
        given: its arguments.

    Returns:
        What it returns, in JAX's arrays either way.
    """
    numbers, rest = eqx.partition(given, eqx.is_array)
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(numbers)):
        return eqx.filter_jit(function)(*given)
    with at_once():
        found = function(*eqx.combine(jax.tree.map(np.asarray, numbers), rest))
    return jax.tree.map(jnp.asarray, found)


def constant(tree: Tree) -> Tree:
    """What is not differentiated."""
    return tree if _AT_ONCE.get() else jax.lax.stop_gradient(tree)


def put(array: Array, index: Any, value: Any) -> Array:
    """The array with other values at an index."""
    if not _AT_ONCE.get():
        return array.at[index].set(value)
    changed: Any = np.array(array)
    changed[index] = value
    return changed


def add_at(array: Array, index: Any, value: Any) -> Array:
    """The array with something added at an index."""
    return put(array, index, array[index] + value) if _AT_ONCE.get() else array.at[index].add(value)


def choose(first: Any, one: Tree, other: Tree) -> Tree:
    """One tree of arrays or the other, leaf by leaf."""
    return jax.tree.map(lambda a, b: xp.where(first, a, b), one, other)


def entry(tree: Tree, index: Any) -> Tree:
    """An entry along the first axis of every array of a tree."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def while_loop(
    going_on: Callable[[State], Any], body: Callable[[State], State], state: State
) -> State:
    """`jax.lax.while_loop`."""
    if not _AT_ONCE.get():
        return jax.lax.while_loop(going_on, body, state)
    while going_on(state):
        state = body(state)
    return state


def fori_loop(lower: Any, upper: Any, body: Callable[[Any, State], State], state: State) -> State:
    """`jax.lax.fori_loop`."""
    if not _AT_ONCE.get():
        return jax.lax.fori_loop(lower, upper, body, state)
    for i in range(int(lower), int(upper)):
        state = body(i, state)
    return state


def scan(
    body: Callable[[Any, Any], tuple[Any, Any]], state: Any, entries: Array
) -> tuple[Any, Any]:
    """`jax.lax.scan` over the first axis of an array."""
    if not _AT_ONCE.get():
        return jax.lax.scan(body, state, entries)
    found = []
    for one in entries:
        state, result = body(state, one)
        found.append(result)
    return state, _stacked(found)


def running_max(array: Array) -> Array:
    """The largest value so far, along one axis."""
    if not _AT_ONCE.get():
        return jax.lax.cummax(array)
    largest: Any = np.maximum.accumulate(array)
    return largest


def over(function: Callable[..., Any], *arrays: Any, batched: bool = True) -> Any:
    """`function` of each entry along the first axis of trees of arrays, results stacked.

    Args:
        function: of one entry.
        arrays: its arguments.
        batched: traced, all entries side by side; else one after the other, in less memory.
    """
    if not _AT_ONCE.get():
        if batched:
            return jax.vmap(function)(*arrays)
        return jax.lax.map(lambda entries: function(*entries), arrays)
    count = len(jax.tree.leaves(arrays)[0])
    return _stacked([function(*entry(arrays, k)) for k in range(count)])


def _stacked(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)

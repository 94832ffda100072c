"""Points without a number: NaN where it is asked for, nothing at all where it is masked.

The convention, for values and derivatives alike. Where a computation has failed its value is NaN,
and so is its derivative, if it is asked for: every tangent comes out as NaN, and a cotangent that
is not zero comes out as NaN for every input. A cotangent of zero, which is what masking by status
makes of it, comes out as zero, whatever infinities the failed computation holds: through the
parameters that points share, 0 · ∞ would taint all the others of a batch.

Two operations do this, one at each end of a computation. `shielded` hands on its inputs and a
token; `withheld` takes the values, the verdict and the token, through which the verdict travels
backwards. A transpose that maps zero to zero and anything else to NaN is no product (0 · NaN is
NaN), so the two are primitives with their transposes given: `jax.custom_vjp` has no forward mode,
and the transpose of what `jax.custom_jvp` states is made of products.

In the reverse mode of the reverse mode a failed point is masked only: use `jax.hessian`, which is
forward over reverse, where the NaN of its second derivatives matters.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jaxbounce._core.arrays import Flag, is_at_once, xp
from jaxbounce._core.types import Scalar

Tree = TypeVar("Tree")

_MASKED = 1.0  # what the token says backwards: 0 all is well, 1 failed and masked, NaN asked for


def shielded(inputs: Tree) -> tuple[Tree, Scalar]:
    """The inputs of a computation as they are, and a token for `withheld` at its end.

    In a batch every input becomes one of each point, so that what points share can be told apart.

    Args:
        inputs: any pytree; its floating-point arrays are what can be differentiated.
    """
    if is_at_once():
        return inputs, jnp.zeros(())
    numbers, rest = eqx.partition(inputs, eqx.is_inexact_array)
    leaves, shape = jax.tree.flatten(numbers)
    dtype = jnp.result_type(*leaves) if leaves else jnp.result_type(float)
    *leaves, token = _shield.bind(*leaves, jnp.zeros((), dtype))
    return eqx.combine(jax.tree.unflatten(shape, leaves), rest), token


def withheld(values: Tree, good: Flag, token: Scalar | None = None, others: Any = None) -> Tree:
    """The values where they are good, else NaN, with the derivatives of the module's convention.

    Args:
        values: a pytree of floating-point scalars or arrays.
        good: whether they are to be used.
        token: that of `shielded`, which the inputs of the computation went through; None where
            its derivatives are finite whatever became of it.
        others: inputs that did not go through it, and whose derivatives are NaN too where a
            failed point is asked for them.
    """
    if is_at_once():
        return jax.tree.map(lambda x: xp.where(good, x, jnp.nan), values)
    leaves, shape = jax.tree.flatten(values)
    token = jnp.zeros_like(leaves[0], shape=()) if token is None else token
    links = jax.tree.leaves(eqx.filter(others, eqx.is_inexact_array))
    found = _withhold.bind(good, token, *leaves, *links, count=len(leaves))
    return jax.tree.unflatten(shape, found[1:])


def _over(verdict: Any, x: Any) -> Any:
    """What is said of points, whose axes lead, spread over the axes that x has besides."""
    return verdict.reshape(verdict.shape + (1,) * (x.ndim - verdict.ndim))


def _primitive(name: str, action: Callable[..., Sequence[Any]]) -> Primitive:
    """A primitive on operands with the same leading axes, those of batches; results likewise."""
    primitive = Primitive(name)
    primitive.multiple_results = True

    def abstract(*avals: Any, **static: Any) -> list[ShapedArray]:
        found = jax.eval_shape(lambda *x: tuple(action(*x, **static)), *avals)
        return [ShapedArray(x.shape, x.dtype) for x in found]

    def batch(operands: Sequence[Any], axes: Sequence[Any], **static: Any) -> Any:
        size = next(x.shape[a] for x, a in zip(operands, axes, strict=True) if a is not None)
        moved = [
            jnp.broadcast_to(x, (size, *jnp.shape(x))) if a is None else jnp.moveaxis(x, a, 0)
            for x, a in zip(operands, axes, strict=True)
        ]
        found = primitive.bind(*moved, **static)
        return found, [0] * len(found)

    primitive.def_impl(jax.jit(action, static_argnames=("count",)))
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, mlir.lower_fun(action, multiple_results=True))
    batching.primitive_batchers[primitive] = batch
    return primitive


def _materialized(tangents: Sequence[Any]) -> list[Any]:
    return [ad.instantiate_zeros(x) for x in tangents]


_shield = _primitive("shield", lambda *operands, count=0: operands)
_withhold = _primitive(
    "withhold",
    lambda good, token, *operands, count: [
        token,
        *(jnp.where(_over(good, x), x, jnp.nan) for x in operands[:count]),
    ],
)


def _shield_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    return _shield.bind(*primals), _shield.bind(*_materialized(tangents))


def _shield_transpose(cotangents: Sequence[Any], *operands: Any) -> list[Any]:
    *numbers, verdict = _materialized(cotangents)
    found = [*(_judged(x, verdict) for x in numbers), jnp.zeros_like(verdict)]
    return [
        x if ad.is_undefined_primal(operand) else None
        for x, operand in zip(found, operands, strict=True)
    ]


@jax.custom_jvp
def _judged(cotangent: Any, verdict: Any) -> Any:
    """A cotangent of an input, by what became of its point."""
    failed = jnp.where(jnp.isnan(verdict), verdict, 0.0).astype(cotangent.dtype)
    return jnp.where(_over(verdict == 0, cotangent), cotangent, _over(failed, cotangent))


@_judged.defjvp
def _judged_jvp(primals: Any, tangents: Any) -> Any:
    return _judged(*primals), _judged(tangents[0], primals[1])


def _withhold_jvp(primals: Sequence[Any], tangents: Sequence[Any], *, count: int) -> Any:
    good = primals[0]
    along = _materialized(tangents[1:])
    return (
        _withhold.bind(*primals, count=count),
        _withhold.bind(good, *along, count=count),
    )


def _withhold_transpose(
    cotangents: Sequence[Any], good: Any, *operands: Any, count: int
) -> list[Any]:
    _, *unasked = (isinstance(x, ad.Zero) for x in cotangents)
    _, *values = _materialized(cotangents)
    asked = jnp.zeros_like(good)
    for x in values:
        asked = asked | jnp.any(x != 0, axis=tuple(range(good.ndim, x.ndim)))
    verdict = jnp.where(good, 0.0, jnp.where(asked, jnp.nan, _MASKED))
    failed = jnp.where(jnp.isnan(verdict), verdict, 0.0)
    found: list[Any] = [None]
    for i, operand in enumerate(operands):
        if not ad.is_undefined_primal(operand):
            found.append(None)
        elif i == 0:
            found.append(verdict.astype(operand.aval.dtype))
        elif i <= count and unasked[i - 1]:
            # not a zero to multiply with: 0 · ∞ of a result that nobody uses would be NaN
            found.append(None)
        elif i <= count:
            found.append(jnp.where(_over(good, values[i - 1]), values[i - 1], 0.0))
        else:
            shape, dtype = operand.aval.shape, operand.aval.dtype
            link = failed.reshape(failed.shape + (1,) * (len(shape) - failed.ndim))
            found.append(jnp.broadcast_to(link, shape).astype(dtype))
    return found


ad.primitive_jvps[_shield] = _shield_jvp
ad.primitive_transposes[_shield] = _shield_transpose
ad.primitive_jvps[_withhold] = _withhold_jvp
ad.primitive_transposes[_withhold] = _withhold_transpose

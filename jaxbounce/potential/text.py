"""Potentials written as text: field names, parameters, an algebraic expression.

    {
      "fields": ["Phi", "phi"],
      "parameters": {"lam": 0.1, "v": 2.357, "g": 2.313},
      "potential": "lam/4*(Phi**2 - v**2)**2 + g*Phi**2*phi**2",
      "false_vacuum": [0.0, -1.732],
      "true_vacuum": [2.357, 0.0]
    }

The expression is parsed into Python's syntax tree and each node is checked against a list of
what is allowed: numbers, names, + − * / **, and the functions in `FUNCTIONS`. Nothing is
ever passed to `eval`.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.errors import PotentialError
from jaxbounce._core.types import Real, Scalar

FUNCTIONS: Mapping[str, Callable[..., Real]] = {
    "abs": jnp.abs,
    "arctan": jnp.arctan,
    "cos": jnp.cos,
    "cosh": jnp.cosh,
    "exp": jnp.exp,
    "log": jnp.log,
    "sin": jnp.sin,
    "sinh": jnp.sinh,
    "sqrt": jnp.sqrt,
    "tan": jnp.tan,
    "tanh": jnp.tanh,
}
"""What an expression may call, each with one argument."""

CONSTANTS: Mapping[str, float] = {"pi": math.pi}
"""Names that stand for numbers."""

_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}

_LONGEST = 10_000  # characters

_DEEPEST = 100  # nested operations


class ExpressionPotential(eqx.Module):
    """V(φ, θ) from an expression, θ a mapping of parameter names to numbers. Hashable."""

    expression: str = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True, converter=tuple)
    parameters: tuple[str, ...] = eqx.field(static=True, converter=tuple, default=())

    def __check_init__(self) -> None:
        _check_names(self.fields, self.parameters)
        _check(_parse(self.expression), self._names(), self.expression)

    def _names(self) -> tuple[str, ...]:
        return (*self.fields, *self.parameters, *CONSTANTS)

    def __call__(self, phi: Float[Array, " n"], theta: Mapping[str, Real]) -> Scalar:
        """V at the fields φ, in the order of `fields`."""
        if phi.shape != (len(self.fields),):
            raise PotentialError(
                f"fields: the potential has {len(self.fields)} ({', '.join(self.fields)}), but was"
                f" given values of shape {phi.shape}"
            )
        values: dict[str, Any] = dict(CONSTANTS) | {n: theta[n] for n in self.parameters}
        values |= dict(zip(self.fields, phi, strict=True))
        return jnp.asarray(_value(_parse(self.expression), values), phi.dtype)


class ConfiguredPotential(NamedTuple):
    """A potential from a configuration, ready for `solve_bounce`."""

    potential: ExpressionPotential
    theta: dict[str, Scalar]
    false_vacuum: Float[Array, " n"] | None
    true_vacuum: Float[Array, " n"] | None
    dimension: int
    r_max: float | None


def _check_names(fields: Sequence[str], parameters: Sequence[str]) -> None:
    if not fields:
        raise PotentialError("fields = []: a potential needs at least one field")
    seen: set[str] = set()
    for name in (*fields, *parameters):
        if not isinstance(name, str) or not name.isidentifier():
            raise PotentialError(
                f"name {name!r}: must be letters, digits and underscores, not starting with a digit"
            )
        if name in FUNCTIONS or name in CONSTANTS:
            raise PotentialError(f"name {name!r}: is taken by a function or constant; rename it")
        if name in seen:
            raise PotentialError(f"name {name!r}: is given twice among fields and parameters")
        seen.add(name)


def _parse(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise PotentialError(f"potential: {len(text)} characters; at most {_LONGEST} are allowed")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise PotentialError(
            f"potential = {text[:80]!r}: not an algebraic expression ({reason})"
        ) from None


def _check(node: ast.expr, names: Sequence[str], text: str, depth: int = 0) -> None:
    """Refuse whatever is not on the list."""

    def refuse(what: str, allowed: str) -> PotentialError:
        return PotentialError(f"potential: {what}; {allowed}")

    if depth > _DEEPEST:
        raise refuse(f"more than {_DEEPEST} nested operations", "split it into fewer")
    source = ast.get_source_segment(text.strip(), node) or type(node).__name__
    match node:
        case ast.Constant(value=bool()) | ast.Constant(value=complex() | str() | bytes() | None):
            raise refuse(f"{source!r} is not a real number", "numbers are written as 2 or 1.5e-3")
        case ast.Constant(value=int() | float()):
            pass
        case ast.Name(id=name):
            if name not in names:
                known = ", ".join(names)
                raise refuse(f"unknown name {name!r}", f"fields, parameters and constants: {known}")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, names, text, depth + 1)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in (
            *_OPERATORS,
            ast.Pow,
        ):
            _check(left, names, text, depth + 1)
            _check(right, names, text, depth + 1)
        case ast.BinOp(op=ast.BitXor()):
            raise refuse(f"'^' in {source!r}", "a power is written **")
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            _check(argument, names, text, depth + 1)
        case ast.Call():
            raise refuse(
                f"call {source!r}", f"functions of one argument: {', '.join(sorted(FUNCTIONS))}"
            )
        case _:
            raise refuse(f"{source!r}", "allowed are numbers, names, + - * / ** and functions")


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """The value of a checked expression."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return jnp.asarray(float(value))
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.UnaryOp(operand=operand):
            return _value(operand, values)
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            # whole powers as products: defined for negative fields, and so are derivatives
            whole = _whole(exponent)
            power = _value(exponent, values) if whole is None else whole
            return _value(base, values) ** power
        case ast.BinOp(left=left, op=operator, right=right):
            return _OPERATORS[type(operator)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return FUNCTIONS[name](_value(argument, values))
        case _:
            raise AssertionError("unchecked node")


def _whole(node: ast.expr) -> int | None:
    """A whole number written as an exponent, up to 100."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            value = -value
        case ast.Constant(value=int() | float() as value):
            pass
        case _:
            return None
    return int(value) if abs(value) <= 100 and value == int(value) else None

"""Potentials and masses written as text: fields, parameters, an algebraic expression.

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
import difflib
import functools
import keyword
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, Float

from jaxbounce._core.checks import shown
from jaxbounce._core.errors import PotentialError
from jaxbounce._core.types import Real, Scalar
from jaxbounce.potential.landscape import Potential
from jaxbounce.potential.thermal_functions import J_B, J_F

FUNCTIONS: Mapping[str, Callable[..., Real]] = {
    "J_B": J_B,
    "J_F": J_F,
    "abs": jnp.abs,
    "arctan": jnp.arctan,
    "cos": jnp.cos,
    "cosh": jnp.cosh,
    "erf": erf,
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

_ALLOWED = "allowed are numbers, names, + - * / ** and functions"


Definitions: TypeAlias = tuple[tuple[str, str], ...]
"""Names and the expressions that they stand for, each of names before it."""


class Expression(eqx.Module):
    """A number from an expression of named numbers. Hashable."""

    text: str = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True, converter=tuple)
    """Those that numbers are given for."""
    definitions: Definitions = eqx.field(static=True, converter=tuple, default=())
    """Those that stand for expressions."""
    where: str = eqx.field(static=True, default="potential")
    """What a message calls it."""

    def __check_init__(self) -> None:
        known = (*self.names, *(name for name, _ in self.definitions), *CONSTANTS)
        _check(_parse(self.text, self._all(), self.where), known, self.where)
        self.needed()  # parses all there is to parse

    def _all(self) -> tuple[str, ...]:
        return (*self.names, *(name for name, _ in self.definitions))

    def needed(self) -> frozenset[str]:
        """The names that it needs, those of its definitions among them, as Python has them."""
        return _needed(self.text, self.names, self.definitions)

    def needs(self, names: Sequence[str]) -> bool:
        """Whether it needs any of these names."""
        return not self.needed().isdisjoint(map(_identifier, names))

    def __call__(self, given: Mapping[str, Any]) -> Any:
        """The number, from numbers by name; more may be given than are needed."""
        needed, values = self.needed(), dict(CONSTANTS)
        values |= {_identifier(k): given[k] for k in self.names if _identifier(k) in needed}
        for name, text in self.definitions:
            if _identifier(name) in needed:
                values[_identifier(name)] = _value(_parse(text, self._all()), values)
        return _value(_parse(self.text, self._all()), values)


@functools.lru_cache(maxsize=1024)
def _needed(text: str, names: tuple[str, ...], definitions: Definitions) -> frozenset[str]:
    known = (*names, *(name for name, _ in definitions))

    def used(text: str) -> set[str]:
        tree = _parse(text, known)
        return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}

    found = used(text)
    for name, inner in reversed(definitions):
        if _identifier(name) in found:
            found |= used(inner)
    return frozenset(found)


def define(names: Sequence[str], written: Mapping[str, tuple[str, str]]) -> Definitions:
    """Definitions in their order, checked.

    Args:
        names: those that numbers are given for.
        written: name to expression and what a message calls it.

    Raises:
        PotentialError: one line that says what is wrong and what is allowed.
    """
    found: Definitions = ()
    for name, (text, where) in written.items():
        Expression(text, tuple(names), found, where)
        found = (*found, (name, text))
    return found


class ExpressionPotential(eqx.Module):
    """V(φ, θ) from an expression, θ a mapping of parameter names to numbers. Hashable."""

    expression: str = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True, converter=tuple)
    parameters: tuple[str, ...] = eqx.field(static=True, converter=tuple, default=())
    definitions: Definitions = eqx.field(static=True, converter=tuple, default=())
    """Names that stand for expressions of fields and parameters."""

    def __check_init__(self) -> None:
        check_fields(self.fields)
        check_names(self.fields, self.parameters, [name for name, _ in self.definitions])
        self._expression()

    def _expression(self) -> Expression:
        return Expression(self.expression, (*self.fields, *self.parameters), self.definitions)

    def __call__(self, phi: Float[Array, " n"], theta: Mapping[str, Real]) -> Scalar:
        """V at the fields φ, in the order of `fields`."""
        if phi.shape != (len(self.fields),):
            raise PotentialError(
                f"fields: the potential has {len(self.fields)} ({', '.join(self.fields)}), but was"
                f" given values of shape {phi.shape}"
            )
        given = {**theta, **dict(zip(self.fields, phi, strict=True))}
        return jnp.asarray(self._expression()(given), phi.dtype)


class ConfiguredPotential(NamedTuple):
    """A potential from a configuration, ready for `solve_bounce`."""

    potential: Potential
    theta: dict[str, Scalar]
    false_vacuum: Float[Array, " n"] | None
    true_vacuum: Float[Array, " n"] | None
    dimension: int
    r_max: float | None
    fields: tuple[str, ...]


def check_fields(fields: Sequence[str]) -> None:
    """Refuse a potential of none."""
    if not fields:
        raise PotentialError("fields = []: a potential needs at least one field")


def check_names(
    fields: Sequence[str], parameters: Sequence[str], definitions: Sequence[str] = ()
) -> None:
    """Refuse names that no expression could have, and those that two things have.

    Raises:
        PotentialError: with the name.
    """
    seen: set[str] = set()
    for name in (*fields, *parameters, *definitions):
        if not isinstance(name, str) or not name.isidentifier():
            raise PotentialError(
                f"name {shown(name)}: must be letters, digits and underscores, not starting with a"
                " digit"
            )
        identifier = _identifier(name)
        if identifier in FUNCTIONS or identifier in CONSTANTS:
            raise PotentialError(
                f"name {shown(name)}: is taken by a function or constant; rename it"
            )
        if identifier in seen:
            raise PotentialError(
                f"name {shown(name)}: is given twice among fields, parameters and definitions;"
                " rename one"
            )
        seen.add(identifier)


def _identifier(name: str) -> str:
    """The name by which Python's syntax tree has a field or parameter.

    Letters that look alike are one there (ϕ is φ), and a word that Python keeps for itself, such
    as lambda, needs another.
    """
    plain = unicodedata.normalize("NFKC", name)
    return f"name_{plain}" if keyword.iskeyword(plain) else plain


@functools.lru_cache(maxsize=1024)
def _parse(text: str, names: tuple[str, ...], where: str = "potential") -> ast.expr:
    """The syntax tree of an expression in these names.

    Kept, because Python reads long sums only where not many calls stand above it already, as they
    do when the potential is traced.
    """
    if len(text) > _LONGEST:
        raise PotentialError(f"{where}: {len(text)} characters; at most {_LONGEST} are allowed")
    readable = " ".join(text.split())  # a long one may be written over several lines
    for name in names:
        if keyword.iskeyword(name):
            readable = re.sub(rf"\b{name}\b", _identifier(name), readable)
    try:
        with warnings.catch_warnings():
            # of literals that Python may read otherwise in the future; _check refuses them
            warnings.simplefilter("ignore")
            return ast.parse(readable, mode="eval").body
    except (RecursionError, MemoryError):
        raise PotentialError(
            f"{where} = {shown(text)}: more operations than can be read; write it with fewer"
        ) from None
    except (SyntaxError, ValueError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise PotentialError(
            f"{where} = {shown(text)}: not an algebraic expression ({reason})"
        ) from None


def _chain(node: ast.expr) -> tuple[ast.expr, list[ast.BinOp]]:
    """What stands first in a flat sum or product, and the operations upon it in their order.

    a + b − c is ((a + b) − c) in the tree: however many terms it has, it is not nested.
    """
    links = []
    while isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Pow):
        links.append(node)
        node = node.left
    return node, links[::-1]


def _check(node: ast.expr, names: Sequence[str], where: str, depth: int = 0) -> None:
    """Refuse whatever is not on the list."""

    def refuse(what: str, allowed: str) -> PotentialError:
        return PotentialError(f"{where}: {what}; {allowed}")

    def written(part: ast.expr) -> str:
        try:
            return shown(ast.unparse(part))
        except RecursionError:
            return "a long expression"

    if depth > _DEEPEST:
        raise refuse(f"more than {_DEEPEST} nested operations", "split it into fewer")
    match node:
        case ast.Constant(value=bool()) | ast.Constant(value=complex() | str() | bytes() | None):
            raise refuse(
                f"{written(node)} is not a real number", "numbers are written as 2 or 1.5e-3"
            )
        case ast.Constant(value=int() | float() as value):
            try:
                finite = math.isfinite(value)
            except OverflowError:
                finite = False
            if not finite:
                raise refuse("a number in it is beyond 1.8e308", "give a smaller one")
        case ast.Name(id=name):
            if name not in map(_identifier, names):
                known = ", ".join(names)
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise refuse(
                    f"unknown name {shown(name)}",
                    f"{hint}fields, parameters and constants: {known}",
                )
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, names, where, depth + 1)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            _check(left, names, where, depth + 1)
            _check(right, names, where, depth + 1)
        case ast.BinOp():
            first, links = _chain(node)
            _check(first, names, where, depth + 1)
            for link in links:
                if isinstance(link.op, ast.BitXor):
                    raise refuse(f"'^' before {written(link.right)}", "a power is written **")
                if type(link.op) not in _OPERATORS:
                    raise refuse(f"operation before {written(link.right)}", _ALLOWED)
                _check(link.right, names, where, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            _check(argument, names, where, depth + 1)
        case ast.Call():
            raise refuse(
                f"call {written(node)}",
                f"functions of one argument: {', '.join(sorted(FUNCTIONS))}",
            )
        case _:
            raise refuse(written(node), _ALLOWED)


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
        case ast.BinOp():
            first, links = _chain(node)
            value = _value(first, values)
            for link in links:
                value = _OPERATORS[type(link.op)](value, _value(link.right, values))
            return value
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

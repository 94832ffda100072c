"""Stages: a quantity of a model is a number, or a stage that computes it.

A stage says what it `needs` (parameters, choices, or what another stage supplies) and what it
`supplies`; the order in which stages are evaluated follows from that. It returns values with
absolute errors and a status, and has parameters of its own that a model can replace, vary and
differentiate like any other.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import Code, RealLike, Scalar


class Supplied(NamedTuple):
    """What a stage has computed.

    Attributes:
        values: by name: scalars for parameters of the model, any pytree for what other stages
            take (such as "wall").
        errors: absolute errors of the scalars; 0 where none is named.
        status: SUCCESS, or why the values are not to be used.
    """

    values: dict[str, Any]
    errors: dict[str, Scalar]
    status: Code


class Stage(eqx.Module):
    """What computes one or more quantities of a model. Abstract; subclasses are final."""

    label: ClassVar[str] = "stage"
    """Name under which parameters are found whose plain names are taken."""

    part: ClassVar[Part] = Part.OTHER
    """What is said to have failed where it does."""

    at_once: ClassVar[bool] = False
    """Whether `supply` is best not compiled for a single answer: it runs at once (`arrays`)."""

    differentiated_at_once: ClassVar[bool] = False
    """Whether it runs at once too where first derivatives of a single answer are taken."""

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Names of parameters, choices and supplied quantities that `supply` looks up."""

    @property
    def wants(self) -> tuple[str, ...]:
        """Names of supplied quantities that `supply` takes if a stage supplies them."""
        return ()

    @property
    @abstractmethod
    def supplies(self) -> tuple[str, ...]:
        """Names of what it computes."""

    @property
    @abstractmethod
    def relative_cost(self) -> int:
        """Roughly how many times as long as a bare quadrature of the yields a point takes."""

    @abstractmethod
    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """Compute. Pure and traceable; a failure is a status, never an exception.

        Args:
            known: at least what `needs` names, and what `wants` names if it is supplied.
        """

    @abstractmethod
    def ranges(self) -> dict[str, Range]:
        """Parameters of its own: the values each may take, and what it is."""

    @abstractmethod
    def value(self, name: str) -> Scalar:
        """The parameter of that name, one of `ranges`."""

    @abstractmethod
    def replace(self, **values: RealLike) -> Self:
        """The same stage with parameters of its own replaced; they may be traced."""

    def why_unused(self, name: str) -> str | None:
        """Why a parameter of its own has no effect as the stage is set; None if it has one."""
        return None

    def finer(self) -> Self | None:
        """The same stage with finer numerics, for a result that has not converged; None: the end.

        Only numerics that nobody has fixed are made finer.
        """
        return None


class WithoutParameters(Stage):
    """A stage that has no parameters of its own. Abstract."""

    def ranges(self) -> dict[str, Range]:
        """No parameters."""
        return {}

    def value(self, name: str) -> Scalar:
        """There is none."""
        raise ConfigurationError(f"{name}: {self.label} has no parameters of its own")

    def replace(self, **values: RealLike) -> Self:
        """There is nothing to replace."""
        for name in values:
            self.value(name)
        return self


class Settled(WithoutParameters):
    """What a stage has supplied, kept: its values no longer depend on anything."""

    label: ClassVar[str] = "what is settled"

    supplied: Supplied
    of: Part = eqx.field(static=True, default=Part.OTHER)
    """The part of the chain that it was."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def supplies(self) -> tuple[str, ...]:
        """What the stage supplied."""
        return tuple(self.supplied.values)

    @property
    def relative_cost(self) -> int:
        """Nothing is left to do."""
        return 0

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """The values kept."""
        return self.supplied


S = TypeVar("S", bound=Stage)


def in_order(stages: Sequence[S]) -> tuple[S, ...]:
    """The stages such that each comes after those that supply what it needs.

    Raises:
        ConfigurationError: if two supply the same, or if they need each other in a circle.
    """
    home: dict[str, int] = {}
    for i, stage in enumerate(stages):
        for name in stage.supplies:
            if name in home:
                kinds = f"{type(stages[home[name]]).__name__} and by {type(stage).__name__}"
                raise ConfigurationError(f"{name}: is computed by {kinds}; keep one of them")
            home[name] = i
    before = [_homes_of(stage, home) for stage in stages]
    ordered: list[int] = []
    while len(ordered) < len(stages):
        waiting = [i for i in range(len(stages)) if i not in ordered]
        ready = [i for i in waiting if before[i] <= set(ordered)]
        if not ready:
            circle = ", ".join(type(stages[i]).__name__ for i in waiting)
            names = ", ".join(
                dict.fromkeys(
                    n for i in waiting for n in (*stages[i].needs, *stages[i].wants) if n in home
                )
            )
            raise ConfigurationError(
                f"{names}: {circle} need one another's results in a circle; give one of these as a"
                " number"
            )
        ordered += ready
    return tuple(stages[i] for i in ordered)


def _homes_of(stage: Stage, home: Mapping[str, int]) -> set[int]:
    """The stages that supply what one takes."""
    return {home[name] for name in (*stage.needs, *stage.wants) if name in home}


def taken(stage: Stage, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage takes of what is known."""
    return {name: known.get(name) for name in (*stage.needs, *stage.wants)}


class Known(NamedTuple):
    """What is known after all stages.

    Attributes:
        values: by name.
        errors: absolute errors of scalars, with what the errors of what they depend on add.
        status: the first bad status.
        failed: the `Part` that it is of; NONE if there is none.
    """

    values: dict[str, Any]
    errors: dict[str, Scalar]
    status: Code
    failed: Code


def part_of(stage: Stage) -> Part:
    """The part of the chain that a stage is, settled or not."""
    return stage.of if isinstance(stage, Settled) else stage.part


def evaluate(stages: Sequence[Stage], given: Mapping[str, Any]) -> Known:
    """Fold stages, in the order given, over what is known; each sees what came before."""
    values, supplied = dict(given), []
    status, failed = jnp.asarray(Status.SUCCESS), jnp.asarray(Part.NONE)
    for stage in stages:
        found = stage.supply(taken(stage, values))
        values |= found.values
        supplied.append(found)
        first = (status == Status.SUCCESS) & (found.status != Status.SUCCESS)
        failed = jnp.where(first, part_of(stage), failed)
        status = jnp.where(status == Status.SUCCESS, found.status, status)
    errors = {}
    for found in with_carried_errors(stages, supplied, given):
        errors |= {} if found is None else found.errors
    return Known(values, errors, status, failed)


_STEP = 1e-5  # relative, of differences between answers that are solved at once


def with_carried_errors(
    stages: Sequence[Stage],
    supplied: Sequence[Supplied | None],
    given: Mapping[str, Any],
    supply: Callable[[Stage, dict[str, Any]], Supplied] | None = None,
) -> list[Supplied | None]:
    """What stages supplied, with errors to which those of what they depend on are added.

    To first order, |∂y/∂x| δx summed over all x with an error of their own, through every stage
    between. Where numbers are at hand derivatives are differences, so that nothing new is compiled.

    Args:
        stages: in their order.
        supplied: what each supplied, its errors its own; None for those that are left out.
        given: what was known before them.
        supply: how a stage supplies; by `Stage.supply` if None.

    Returns:
        What was supplied, None for those left out.
    """
    ask = supply or (lambda stage, known: stage.supply(known))
    stages, kept, given = held((tuple(stages), tuple(supplied), dict(given)))
    values = dict(given)
    for found in kept:
        values |= {} if found is None else found.values
    errors = [{} if found is None else dict(found.errors) for found in kept]
    at_hand = not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((stages, kept, given)))
    for i, found in enumerate(kept):
        for name, error in ({} if found is None else found.errors).items():
            later = _moved(stages[i + 1 :], kept[i + 1 :], name)
            if not later:
                continue

            def following(x: Scalar, name: str = name, later: Any = later) -> dict[str, Scalar]:
                moved, scalars = {**values, name: x}, {}
                for stage in later:
                    again = ask(stage, taken(stage, moved)).values
                    moved |= again
                    scalars |= {key: value for key, value in again.items() if _is_scalar(value)}
                return scalars

            if at_hand:
                x, step = values[name], _STEP * jnp.abs(values[name])
                ends = [following(x + step), following(x - step)]
                scale = error / jnp.where(step > 0, 2 * step, 1.0)
                change = jax.tree.map(lambda high, low, s=scale: (high - low) * s, *ends)
            else:
                change = jax.jvp(following, (values[name],), (jnp.asarray(error),))[1]
            for j, other in enumerate(kept):
                for key in () if other is None else set(other.values) & set(change):
                    errors[j][key] = errors[j].get(key, 0.0) + jnp.abs(change[key])
    return [
        None if found is None else found._replace(errors=own)
        for found, own in zip(supplied, errors, strict=True)
    ]


def _moved(
    stages: Sequence[Stage], supplied: Sequence[Supplied | None], name: str
) -> tuple[Stage, ...]:
    """Those of the stages through which a quantity reaches a scalar."""
    moved, reached = {name}, []
    for stage, found in zip(stages, supplied, strict=True):
        if found is not None and moved & {*stage.needs, *stage.wants}:
            moved |= set(stage.supplies)
            reached.append((stage, any(map(_is_scalar, found.values.values()))))
    needed: set[str] = set()
    found = []
    for stage, has_scalar in reversed(reached):
        if has_scalar or needed & set(stage.supplies):
            needed |= {*stage.needs, *stage.wants}
            found.append(stage)
    return tuple(reversed(found))


def held(tree: Any) -> Any:
    """The same as constants under differentiation, names as they are."""
    return jax.tree.map(
        lambda leaf: jax.lax.stop_gradient(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def _is_scalar(value: Any) -> bool:
    return isinstance(value, jax.Array) and value.ndim == 0

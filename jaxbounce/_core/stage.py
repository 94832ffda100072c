"""Stages: a quantity of a model is a number, or a stage that computes it.

A stage says what it `needs` (parameters, choices, or what another stage supplies) and what it
`supplies`; the order in which stages are evaluated follows from that. It returns values with
absolute errors and a status, and has parameters of its own that a model can replace, vary and
differentiate like any other.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import equinox as eqx
import jax.numpy as jnp

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.status import Status
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
    """What is known after all stages: names to values, absolute errors, the first bad status."""

    values: dict[str, Any]
    errors: dict[str, Scalar]
    status: Code


def evaluate(stages: Sequence[Stage], given: Mapping[str, Any]) -> Known:
    """Fold stages, in the order given, over what is known; each sees what came before."""
    values, errors = dict(given), {}
    status = jnp.asarray(Status.SUCCESS)
    for stage in stages:
        found = stage.supply(taken(stage, values))
        values |= found.values
        errors |= found.errors
        status = jnp.where(status == Status.SUCCESS, found.status, status)
    return Known(values, errors, status)

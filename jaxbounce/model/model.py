"""What the chain is asked with: parameters, choices and stages.

A `Model` is a pytree: `parameters`, whose leaves are arrays and can be traced,
batched and differentiated, and `choices`, which are static names. `predict` maps it
to densities. To vary a parameter, replace it by name:

    jax.grad(lambda v: predict(model.replace(v_w=v)).rho_B)(0.3)
    jax.vmap(lambda v: predict(model.replace(v_w=v)))(jnp.linspace(0.1, 0.9, 1000))
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

import equinox as eqx
import jax
from jax.core import Tracer

from jaxbounce._core.checks import one_name, suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.numerics import check_precision
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import (
    Known,
    Settled,
    Stage,
    Supplied,
    evaluate,
    in_order,
    part_of,
    taken,
    with_carried_errors,
)
from jaxbounce._core.status import UNRESOLVED, Status
from jaxbounce._core.summary import as_html, text_of
from jaxbounce._core.types import RealLike, Scalar
from jaxbounce.conversion import WallConversion
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.history import ThermalHistory
from jaxbounce.model.names import parameter_of
from jaxbounce.parameters import (
    CHOICES,
    DECLARATIONS,
    Choices,
    Parameters,
    check_shapes,
    why_unused,
)


def _ordered(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    return in_order(stages)


class Model(eqx.Module):
    """Parameters (array leaves), choices (static) and stages: all that `predict` needs.

    A quantity is a number, or a stage that computes it: where a stage supplies a parameter, that
    parameter is None. Stages are kept in the order in which they are evaluated, which follows
    from what they need and supply.

    Attributes:
        parameters: the numbers given.
        choices: which equations and which numerics.
        stages: what computes the rest, such as `jaxbounce.conversion.WallConversion` (P from a
            wall) and `jaxbounce.conversion.CriticalBubble` (the wall from a potential).
        error_limit: largest estimated relative error of Y_B that is a success; None takes 1e-6
            (1e-3 in float32). The published grids are what they are: no limit applies to them.
    """

    parameters: Parameters
    choices: Choices = eqx.field(static=True, default=Choices())
    stages: tuple[Stage, ...] = eqx.field(converter=_ordered, default=())
    error_limit: float | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        supplied = {name for stage in self.stages for name in stage.supplies}
        for name in DECLARATIONS:
            if (getattr(self.parameters, name) is None) == (name not in supplied):
                have = "both are" if name in supplied else "neither is"
                what = "conversion" if name == "P" else "a stage that computes it"
                raise ConfigurationError(
                    f"{name} and {what}: {have} given; give exactly one of them"
                )
        known = {*DECLARATIONS, *CHOICES, *supplied}
        for stage in self.stages:
            for name in stage.needs:
                if name not in known:
                    raise ConfigurationError(
                        f"{name}: {type(stage).__name__} needs it, and nothing supplies it; add a"
                        " stage that does"
                    )
        if self.choices.expansion == "radiation+vacuum":
            for stage in self.stages:
                if "rate" in stage.supplies and getattr(stage, "expansion", None) == "radiation":
                    raise ConfigurationError(
                        f'expansion = "radiation+vacuum": {type(stage).__name__} leaves the vacuum'
                        " energy out of H; give both the same expansion"
                    )
        following = self.choices.coupling == "self-consistent"
        if following and self.choices.dark_matter == "input" and "f_chi" in supplied:
            raise ConfigurationError(
                'coupling = "self-consistent", dark_matter = "input": the source follows'
                " Y_chi_init, and the f_chi that is computed would have no effect; write"
                ' dark_matter = "occupancy", or leave the occupancy out'
            )
        if self.choices.streaming == "carried":
            if "v_plus" not in supplied:
                raise ConfigurationError(
                    'streaming = "carried": needs the plasma in front of the wall; add a table'
                    ' transition, or wall_speed with the numbers of the plasma, or write "free"'
                )
            if self.choices.equations == "boltzmann":
                raise ConfigurationError(
                    'streaming = "carried": is for the source integral alone, not for annihilation,'
                    ' washout or depletion; write "free", or leave these out'
                )
        if self.choices.area_kernel == "history" and "area" not in supplied:
            raise ConfigurationError(
                'area_kernel = "history": needs the nucleation history; add a table nucleation, or'
                " a stage that supplies it (jaxbounce.percolation.Nucleation)"
            )

    def __str__(self) -> str:
        lines = ["model"]
        width = max(map(len, self.names()))
        for name in self.names():
            home, inner = self._home(name)
            unit = DECLARATIONS[inner].unit if home is None else ""
            lines.append(f"  {name:{width}}  {_shown(self._held(home, inner))} {unit}".rstrip())
        chosen = self.choices.as_dict()
        told = [f"{n} {value}" for n, value in chosen.items() if not self._is_unused_choice(n)]
        lines.append(f"  {'choices':{width}}  {', '.join(told)}")
        for stage in self.stages:
            supplied = ", ".join(stage.supplies)
            lines.append(f"  {'stage':{width}}  {type(stage).__name__}, which gives {supplied}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))

    def _is_unused_choice(self, name: str) -> bool:
        chosen = self.choices.as_dict()
        return any(chosen[other] not in used for other, used in CHOICES[name].used_if.items())

    @property
    def conversion(self) -> WallConversion | None:
        """The stage that computes P from a wall; None where P is a number."""
        return next((s for s in self.stages if isinstance(s, WallConversion)), None)

    @property
    def degrees(self) -> DegreesOfFreedom | None:
        """g_*(T) where a stage supplies it; None where g_* is constant."""
        return next((s.degrees for s in self.stages if isinstance(s, ThermalHistory)), None)

    def _homes(self) -> dict[str, tuple[int | None, str]]:
        """Every parameter: the stage it belongs to (None: the model), and its name there.

        A stage's parameter whose name is taken goes by the stage's label too: "potential.lam".
        """
        given = [n for n in DECLARATIONS if getattr(self.parameters, n) is not None]
        homes: dict[str, tuple[int | None, str]] = {name: (None, name) for name in given}
        # the stages nearest to the densities keep the plain names
        for i, stage in reversed(list(enumerate(self.stages))):
            for name in stage.ranges():
                taken = name in homes or name in DECLARATIONS
                homes[f"{stage.label}.{name}" if taken else name] = (i, name)
        return homes

    def names(self) -> tuple[str, ...]:
        """The parameters of this model and of its stages: what `replace` knows."""
        return tuple(self._homes())

    def _home(self, name: str) -> tuple[int | None, str]:
        homes = self._homes()
        known = name if name in homes else parameter_of(name)
        if known not in homes:
            raise ConfigurationError(f"{name}: no such parameter{suggestion(name, homes)}")
        return homes[known]

    def called(self, names: Iterable[str]) -> tuple[str, ...]:
        """The parameters of these names, each of which may be a configuration key instead."""
        known = self.names()
        return tuple(name if name in known else parameter_of(name) for name in names)

    def replace(self, **values: RealLike) -> Self:
        """The same model with parameters replaced by name; any of them may be traced.

        The parameters of stages are known too: λ as `lam`, `y_B`, `y_chi`, `stretch`, the scalars
        of a wall such as `width`, the couplings of a potential.
        """
        changed: dict[int | None, dict[str, RealLike]] = {}
        for name, value in one_name(
            values, dict(zip(values, self.called(values), strict=True))
        ).items():
            home, inner = self._home(name)
            changed.setdefault(home, {})[inner] = value
        own = changed.pop(None, {})
        stages = list(self.stages)
        for i, new in changed.items():
            assert i is not None
            stages[i] = stages[i].replace(**new)
        return dataclasses.replace(
            self,
            parameters=dataclasses.replace(self.parameters, **own) if own else self.parameters,
            stages=tuple(stages),
        )

    def value(self, name: str) -> Scalar:
        """The parameter of that name."""
        return self._held(*self._home(name))

    def _held(self, home: int | None, inner: str) -> Any:
        return getattr(self.parameters, inner) if home is None else self.stages[home].value(inner)

    def range_of(self, name: str) -> Range:
        """What a parameter may be, and what it means."""
        home, inner = self._home(name)
        return DECLARATIONS[inner].range if home is None else self.stages[home].ranges()[inner]

    def why_unused(self, name: str) -> str | None:
        """Which choice leaves a parameter without effect; None if none does."""
        home, inner = self._home(name)
        if home is None:
            return why_unused(inner, self.choices)
        stage = self.stages[home]
        if stage.supplies == ("area",) and self.choices.area_kernel != "history":
            return 'used by area_kernel = "history" only'
        return stage.why_unused(inner)

    def with_P(self, P: RealLike) -> Self:
        """The same model with the number P, in place of the stages that compute it."""
        return self._with(dataclasses.replace(self.parameters, P=P), ())

    def with_conversion(self, conversion: WallConversion, *before: Stage) -> Self:
        """The same model with P computed from a wall.

        Args:
            conversion: the stage of P.
            before: stages that it needs, such as a `CriticalBubble` that supplies its wall.
        """
        return self._with(dataclasses.replace(self.parameters, P=None), (*before, conversion))

    def _with(self, parameters: Parameters, stages: tuple[Stage, ...]) -> Self:
        replaced = {"P", "wall"}
        kept = [s for s in self.stages if not replaced & set(s.supplies)]
        return dataclasses.replace(self, parameters=parameters, stages=(*kept, *stages))

    def choose(self, **names: str) -> Self:
        """The same model with other choices, e.g. `model.choose(area_kernel="kjma")`."""
        for name in names:
            if name not in CHOICES:
                raise ConfigurationError(f"{name}: no such choice{suggestion(name, CHOICES)}")
        return dataclasses.replace(self, choices=dataclasses.replace(self.choices, **names))

    def given(self) -> dict[str, Any]:
        """What stages can look up before any has been evaluated: parameters and choices."""
        numbers = {name: getattr(self.parameters, name) for name in DECLARATIONS}
        return {n: v for n, v in numbers.items() if v is not None} | self.choices.as_dict()

    def known(self) -> Known:
        """All stages evaluated: values by name, their absolute errors, the first bad status."""
        return evaluate(self.stages, self.given())

    def filled(self) -> tuple[Parameters, Known]:
        """The parameters with what the stages supply filled in, and all that is known."""
        known = self.known()
        supplied = {
            name: known.values[name]
            for stage in self.stages
            for name in stage.supplies
            if name in DECLARATIONS
        }
        return dataclasses.replace(self.parameters, **supplied), known

    def moving(self, varied: Collection[str]) -> tuple[bool, ...]:
        """Whether each stage gives something else when the parameters of these names change."""
        homes = [self._home(name) for name in varied]
        quantities, found = {name for home, name in homes if home is None}, []
        for i, stage in enumerate(self.stages):
            moves = bool(quantities & {*stage.needs, *stage.wants}) or any(
                home == i for home, _ in homes
            )
            if moves:
                quantities |= set(stage.supplies)
            found.append(moves)
        return tuple(found)

    def settled(self, varied: Collection[str] = (), but: Collection[str] = ()) -> Self:
        """The same model with the stages computed that none of the parameters varied enters.

        For batches: what is the same for all of their points is computed once, before them.

        Args:
            varied: names of parameters.
            but: names of quantities, whose stages are left as they are.
        """
        moving = tuple(
            moves or not set(but).isdisjoint(stage.supplies)
            for moves, stage in zip(self.moving(varied), self.stages, strict=True)
        )
        if all(moving):
            return self
        given, found = self.given(), []
        for stage, moves in zip(self.stages, moving, strict=True):
            settled = isinstance(stage, Settled)
            found.append(None if moves and not settled else _supplied(stage, given))
            given |= {} if found[-1] is None else found[-1].values
        return self._settled_to(found)

    def begun(self) -> Self:
        """The same model with the stages computed that run at once, if it is that of one answer.

        Nothing that is traced is computed here, nor what needs a stage that is compiled. Where
        derivatives are taken, those stages alone that give theirs at once.
        """
        if not any(stage.at_once for stage in self.stages):
            return self
        # without a tracer where there are numbers, as inside `grad`; in `jit` and `vmap` there are
        # none
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(jax.lax.stop_gradient(self))):
            return self
        moving = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(self))
        check_shapes(self.parameters)
        check_precision(self)
        given, found = self.given(), []
        for stage in self.stages:
            now = stage.differentiated_at_once if moving else stage.at_once
            now = (now and set(stage.needs) <= set(given)) or isinstance(stage, Settled)
            found.append(_supplied(stage, given) if now else None)
            given |= {} if found[-1] is None else found[-1].values
        return self._settled_to(found)

    def _settled_to(self, found: Sequence[Supplied | None]) -> Self:
        """The same model with the stages that supplied something settled to it.

        Errors of what they depend on are among theirs.
        """
        told = with_carried_errors(self.stages, found, self.given(), _supplied)
        stages = (
            stage if new is None or isinstance(stage, Settled) else Settled(new, part_of(stage))
            for stage, new in zip(self.stages, told, strict=True)
        )
        return dataclasses.replace(self, stages=tuple(stages))

    def resolved(self) -> Self:
        """The same model with numerics of its stages fine enough for their results to converge.

        Each stage that says that it has not converged gets finer numerics (twice the steps of a
        propagation), unless they were fixed, until it has or cannot be made finer.
        """
        stages, given = list(self.stages), self.given()
        for i, stage in enumerate(stages):
            if stage.finer() is None:
                if i + 1 < len(stages):
                    given |= _supplied(stage, given).values
                continue
            while True:
                found = _supplied(stage, given)
                finer = stage.finer()
                if finer is None or Status(int(found.status)) not in UNRESOLVED:
                    break
                stage = finer
            stages[i] = stage
            given |= found.values
        return dataclasses.replace(self, stages=tuple(stages))


def _shown(value: Any) -> str:
    """A parameter as it is read; what has no value has a word instead."""
    if isinstance(value, Tracer):
        return "(being traced)"
    try:
        return text_of(value)
    except (TypeError, ValueError):
        return "(without a number)"


def _supplied(stage: Stage, given: Mapping[str, Any]) -> Supplied:
    known = taken(stage, given)
    now = stage.at_once or isinstance(stage, Settled)
    return stage.supply(known) if now else _compiled_supply(stage, known)


@eqx.filter_jit
def _compiled_supply(stage: Stage, known: dict[str, Any]) -> Supplied:
    return stage.supply(known)

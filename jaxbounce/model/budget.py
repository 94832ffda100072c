"""The budget: what each improvement of the published evaluation does to the densities.

From the published evaluation to the most complete one that a model allows, one physical
improvement at a time, each alone and on top of those before it. What it is measured by is the
factor that the authors of the published pipeline multiply ρ_DM/ρ_B with to meet Planck (0.94168,
"settling factor"): which omitted effect is larger than it, and which cannot explain it.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jaxbounce._core import progress
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html
from jaxbounce.conversion import Estimate, WallConversion
from jaxbounce.conversion.models import MODELS
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom, StandardModel
from jaxbounce.cosmology.history import ThermalHistory
from jaxbounce.model.comparison import (
    PLANCK_RHO_B,
    PLANCK_RHO_DM,
    ROWS,
    matching_occupancy,
    probability,
    source_alone,
)
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction
from jaxbounce.model.published import RESIDUAL_FACTOR
from jaxbounce.parameters import DECLARATIONS

OBSERVED_RATIO = PLANCK_RHO_DM / PLANCK_RHO_B
"""ρ_DM/ρ_B of Planck 2018."""

RESIDUAL = math.log(RESIDUAL_FACTOR)
"""Δ ln(ρ_DM/ρ_B) of the published residual factor: −0.0601."""


class Change(NamedTuple):
    """What a step changes, as differences of logarithms; NaN where there is none."""

    rho_B: float
    rho_DM: float
    ratio: float


class Step(NamedTuple):
    """One improvement.

    Attributes:
        name: of it, short.
        meaning: what is done.
        reason: why it is not taken with this model; None if it is.
        alone: the prediction with this step and no other; None where it has none.
        total: the prediction with this step and all before it that were taken.
        change_alone: of `alone` over the published evaluation.
        change: of `total` over the step before.
    """

    name: str
    meaning: str
    reason: str | None
    alone: Prediction | None = None
    total: Prediction | None = None
    change_alone: Change | None = None
    change: Change | None = None


class Budget(NamedTuple):
    """The steps from the published evaluation to the most complete one.

    Attributes:
        start: the published evaluation.
        steps: the improvements, in order.
        f_chi: the occupancy of all of them.
        notes: what the start takes in place of what the model has.
    """

    start: Prediction
    steps: tuple[Step, ...]
    f_chi: float
    notes: tuple[str, ...]

    @property
    def end(self) -> Prediction:
        """The most complete evaluation."""
        return next((s.total for s in reversed(self.steps) if s.total is not None), self.start)

    def matching(self, prediction: Prediction) -> float:
        """f_χ that gives Planck's ρ_B by an evaluation of this budget."""
        return matching_occupancy(self.f_chi, prediction)

    def verdicts(self) -> Iterator[tuple[str, str]]:
        """Which steps are larger than the published residual factor, which cannot explain it."""
        for step in self.steps:
            if step.change is None or not math.isfinite(step.change.ratio):
                continue
            yield step.name, _verdict(step.change.ratio / RESIDUAL)

    def __str__(self) -> str:
        lines = [f"budget: DM/B = {float(self.start.ratio):.6g} as published"]
        for step in self.steps:
            told = step.reason or "no number"
            if step.change is not None and step.total is not None:
                ratio = float(step.total.ratio)
                told = f"{step.change.rho_B:+.4f} in ln rho_B, DM/B = {ratio:.6g}"
            lines.append(f"  {step.name:24} {told}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))


def _verdict(size: float) -> str:
    """What a change is to the residual factor, over which it is given."""
    sign = "" if size > 0 else ", of the other sign"
    if abs(size) < _SMALL:
        return "cannot explain it: negligible"
    if abs(size) < 1 / _AS_LARGE:
        return f"too small to explain it alone{sign}"
    if abs(size) < _AS_LARGE:
        return f"as large as it{sign}"
    return f"{abs(size):.3g} times as large{sign}"


_SMALL, _AS_LARGE = 0.01, 1.25  # over the residual factor, in logarithms


class _Point(NamedTuple):
    """A model on its way: its choices, and P and g_* apart from it."""

    model: Model
    P: Estimate | None
    degrees: DegreesOfFreedom | None

    def chosen(self, **names: str) -> "_Point":
        return self._replace(model=self.model.choose(**names))

    def predicted(self) -> Prediction:
        """Its densities; the error of P is part of theirs."""
        found = predict(self._built())
        if self.P is None:
            return found
        P = float(self.P.P)
        relative = float(self.P.error) / P if P > 0 else 0.0
        return dataclasses.replace(found, error_estimate=found.error_estimate + relative)

    def _built(self) -> Model:
        model = self.model if self.P is None else self.model.with_P(self.P.P)
        if self.degrees is None:
            return model
        open_ = dataclasses.replace(model.parameters, g_star=None, g_star_s=None)
        stages = (*model.stages, ThermalHistory(self.degrees))
        return dataclasses.replace(model, parameters=open_, stages=stages)


class _Improvement(NamedTuple):
    name: str
    meaning: str
    apply: Callable[[_Point], "_Point | str"]
    """The better point, or why there is none."""
    aside: bool = False
    """Whether it stands beside the others: another meaning, nothing to build on."""


def budget(model: Model, wall: WallConversion | None = None) -> Budget:
    """The budget of a model.

    Args:
        model: its numbers; what it chooses matters in the last step alone.
        wall: to compute P from in the steps of conversion, where the model's P is a number.

    Raises:
        ConfigurationError: if the published evaluation has no number there.

    What resolving the published grids does to ρ_B, and what the exact area does to it:

    >>> import jaxbounce as jb
    >>> jb.enable_x64()
    >>> found = jb.budget(jb.load())
    >>> [round(step.change.rho_B, 4) for step in found.steps[:2]]
    [0.7275, -5.8627]
    """
    wall = model.conversion if model.conversion is not None else wall
    notes: list[str] = []
    for name, declared in DECLARATIONS.items():
        if name != "P" and getattr(model.parameters, name) is None:
            raise ConfigurationError(
                f"{declared.key}: is computed by a stage here; a budget needs the number, which"
                " jaxbounce run prints: give it in place of the stage"
            )
    start = _published(model, wall, notes)
    first = start.predicted()
    if Status(int(first.status)) != Status.SUCCESS:
        raise ConfigurationError(
            f"budget: the published evaluation of this point has no number:"
            f" {Status(int(first.status)).message}"
        )
    if not float(first.rho_B) > 0:
        raise ConfigurationError("budget: nothing is converted: P or f_chi is 0; give both")
    steps, point, before = [], start, first
    improvements = tuple(_improvements(model, wall))
    for place, improvement in enumerate(improvements, start=1):
        progress.at(f"{improvement.name}, {place} of {len(improvements)}")
        step, point, before = _taken(improvement, (start, first), point, before)
        steps.append(step)
    return Budget(first, tuple(steps), float(model.value("f_chi")), tuple(notes))


def _taken(
    improvement: _Improvement,
    published: tuple[_Point, Prediction],
    point: _Point,
    before: Prediction,
) -> tuple[Step, _Point, Prediction]:
    """A step on top of a point; the point itself where it cannot be taken."""
    start, first = published
    name, meaning, apply, aside = improvement
    better = apply(point)
    if isinstance(better, str):
        return Step(name, meaning, better), point, before
    total = better.predicted()
    if Status(int(total.status)) != Status.SUCCESS:
        return Step(name, meaning, Status(int(total.status)).message), point, before
    alone, change_alone = None, None
    try:
        single = apply(start)
        if not isinstance(single, str):
            alone = single.predicted()
            change_alone = _change(alone, first)
    except ConfigurationError:  # a choice that needs those of other steps
        pass
    if aside:
        reason = f"stands aside: {meaning}"
        return Step(name, meaning, reason, alone, None, change_alone), point, before
    step = Step(name, meaning, None, alone, total, change_alone, _change(total, before))
    return step, better, total


def _change(after: Prediction, before: Prediction) -> Change:
    def logarithm(name: str) -> float:
        new, old = float(getattr(after, name)), float(getattr(before, name))
        return math.log(new / old) if new > 0 and old > 0 else math.nan

    return Change(*map(logarithm, Change._fields))


def _published(model: Model, wall: WallConversion | None, notes: list[str]) -> _Point:
    """The published evaluation of a model's numbers."""
    point = source_alone(model)
    given = float(point.value("Y_chi_init")) > 0 or float(point.value("n_chi_at_Tp")) > 0
    if not given:
        notes.append("no yield of chi is given: it starts as (1 − P)/P of the baryons'")
    point = point.choose(**ROWS["published"], dark_matter="input" if given else "swept-once")
    degrees = model.degrees
    if degrees is not None:
        T_p = model.value("T_p")
        here = degrees.anchored(T_p)
        numbers = {"g_star": here.energy(T_p), "g_star_s": here.entropy(T_p)}
        kept = tuple(s for s in point.stages if not isinstance(s, ThermalHistory))
        point = dataclasses.replace(
            point, parameters=dataclasses.replace(point.parameters, **numbers), stages=kept
        )
        notes.append("g_* starts as its value at T_p")
    P = None
    if model.conversion is not None and wall is not None:
        P = _probability(model, wall, "local", "cold")
        notes.append("P starts as the local Landau–Zener estimate at the crossings")
    return _Point(point, P, None)


def _probability(model: Model, wall: WallConversion, name: str, incidence: str) -> Estimate:
    """P of a wall by another method."""
    kind = MODELS[name]
    assert kind.make is not None
    method = kind.make(kind.steps)
    takes_K = incidence == "cold" and method.kinematics == "relativistic"
    stage = dataclasses.replace(
        wall, model=method, incidence=incidence, K=wall.K if takes_K else None
    )
    before = tuple(s for s in model.stages if "wall" in s.supplies)
    return probability(model.with_conversion(stage, *before).resolved())


def _improvements(model: Model, wall: WallConversion | None) -> Iterator[_Improvement]:
    for name, meaning, choices in _CHOSEN:
        yield _Improvement(name, meaning, lambda point, choices=choices: point.chosen(**choices))
    yield _Improvement("g_*(T)", "g_* as a function of T", lambda point: _history(point, model))
    wave = "full-wave-scalar" if model.choices.chi_stats == "boson" else "full-wave-dirac"
    dec = "P of a chi produced as a flavour state, phases averaged"
    for name, meaning, method, incidence in (
        ("local Landau–Zener", "P of the wall at its crossings", "local", "cold"),
        ("exact two-level, P_ad", "propagation through the wall", "two-level", "cold"),
        ("exact two-level, P_dec", dec, "two-level-dec", "cold"),
        ("thermal average", "P over the flux at T_p", "two-level-relativistic", "thermal"),
        ("full wave", "reflection at the wall, over the flux at T_p", wave, "thermal"),
    ):
        apply = _converting(model, wall, method, incidence)
        yield _Improvement(name, meaning, apply, method == "two-level-dec")
    yield _Improvement(
        "depletion", "walls take from the chi there is, swept by fronts and backs", _depleted
    )


_CHOSEN = (
    ("grids converged", "integrals of the same equations", {"quadrature": "gauss-legendre"}),
    ("exact area density", "A/V = −ḣ/v_w in place of eq (6)", {"area_kernel": "kjma"}),
    ("no window", "walls act as long as there are any", {"window": "none"}),
    ("moving-wall flux", "of a gas onto a wall that moves", {"flux": "moving-wall"}),
    ("exact equilibrium", "quantum statistics at any m/T", {"equilibrium": "exact"}),
)


def _history(point: _Point, model: Model) -> "_Point | str":
    return point._replace(degrees=StandardModel() if model.degrees is None else model.degrees)


def _converting(
    model: Model, wall: WallConversion | None, method: str, incidence: str
) -> Callable[[_Point], "_Point | str"]:
    found: list[Estimate] = []

    def apply(point: _Point) -> "_Point | str":
        if wall is None:
            return "P is a number here; a table conversion gives the wall that it comes from"
        if method.startswith("full-wave"):
            reason = _without_reflection(model, wall)
            if reason is not None:
                return reason
        if not found:
            found.append(_probability(model, wall, method, incidence))
        P = found[0]
        if Status(int(P.status)) != Status.SUCCESS:
            return Status(int(P.status)).message
        return point._replace(P=P)

    return apply


_HOT = 3.0  # T over the largest mass from which the full wave is left out, with what that is worth


def _without_reflection(model: Model, wall: WallConversion) -> str | None:
    """What reflection can change at most, where that is little; None where it may matter.

    A wave far above all masses is not reflected (2e-39 at K = 4 times the largest, SPEC A.4), and
    resolving it would take steps in proportion to K. What is slower than twice the largest mass
    is a share x³/(6·1.803) of massless fermions at most, x²/(2·2.404) of bosons, x = 2m/T.
    """
    if wall.profile is None:
        wall = wall.on(model.known().values["wall"])
    profile = wall.wall()
    Phi, phi = profile.fields(profile.scan(256))
    largest = max(
        float((wall.couplings.y_chi * Phi).max()), float((wall.couplings.y_B * phi).max())
    )
    T = float(model.value("T_p")) / float(wall.unit_GeV)
    if _HOT * largest > T:
        return None
    x = 2 * largest / T
    share = x**3 / 10.8 if model.choices.chi_stats == "fermion" else x**2 / 4.8
    return (
        f"not worked out: at most {share:.1g} of the chi are slow enough (below twice the largest"
        f" mass at the wall, T_p is {T / largest:.3g} times that mass) to be reflected"
    )


def _depleted(point: _Point) -> "_Point | str":
    return point.chosen(dark_matter="occupancy", closure="two-zone")

"""Stages that supply the wall area of a nucleation history to the yields."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.declare import are_inside, declarations, each_safe, spec
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.stage import Stage, Supplied, WithoutParameters
from jaxbounce._core.status import Part, Status
from jaxbounce._core.types import Flag, Real, RealLike, Scalar, as_leaf
from jaxbounce.cosmology.clock import (
    Clock,
    constant_time,
    efolds as constant_efolds,
    make_clock,
)
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.cosmology.radiation import temperature_ratio, time_of_temperature_ratio
from jaxbounce.cosmology.vacuum import WithVacuum, with_vacuum
from jaxbounce.percolation.area_history import COVERED, AreaHistory, area_history
from jaxbounce.percolation.history import NucleationHistory, nucleation_history
from jaxbounce.percolation.rates import NucleationRate
from jaxbounce.percolation.thermal_rate import RateInTime, ThermalRate

_PANELS = 24

_NODES = 20

_VOLUMES = np.exp([-5.0, -3.0, -2.0, -1.0, 0.0, 0.7, 1.3, 1.9, 2.4, 2.9, 3.35, 3.75])
"""I at edges of their own: where I e^{−I} lives."""

_BEYOND = 1.02  # of COVERED at the end: it is found to a few digits

_SCANNED, _GRADED = 200, 60  # points of the range at equal steps, and from its start on

_EFOLDS, _WIDTHS, _STRETCH = 4.0, 2.5, 0.5  # a panel: of Γ, of its curvature, of a

_DISCOUNT = 30.0  # Γ that is e^{−30} of the largest so far counts for 1/e of its e-folds

_IN_H = ("g_star", "g_star_s", "alpha_V")

_MOST_JOINTS = 128  # of g_*(T) with an edge each: of a longer table those where its slope jumps


class _Time(NamedTuple):
    """How a(y) and y(T) go; a = 1 where there is no `beta_over_H`."""

    beta_over_H: Scalar | None
    clock: Clock | None

    def scale_factor(self, y: Real) -> Real:
        """a, 1 at t_p: a³ g_s T³ is conserved."""
        if self.beta_over_H is None:
            return jnp.ones_like(y)
        if self.clock is None:
            return temperature_ratio(y, self.beta_over_H)
        n = self.clock.efolds(y)
        return jnp.exp(n) / self.clock.expansion.pace(n).entropy ** (1 / 3)

    def efolds(self, y: Real) -> Real:
        """n = ln(T_p/T)."""
        assert self.beta_over_H is not None
        return constant_efolds(y, self.beta_over_H) if self.clock is None else self.clock.efolds(y)

    def time(self, n: Real) -> Real:
        """y at n."""
        assert self.beta_over_H is not None
        y0 = constant_time(n, self.beta_over_H)
        return y0 if self.clock is None else self.clock.at(y0)[0]

    def joints(self) -> Real:
        """y at which a is not smooth."""
        if self.clock is None:
            return jnp.zeros(0)
        n = self.clock.expansion.joints()
        if n.shape[0] > _MOST_JOINTS:
            n = self.clock.expansion.kinks()
        held = jnp.clip(n, self.clock.edges[0], self.clock.edges[-1])
        return jax.lax.stop_gradient(self.clock.time(jnp.exp(-held)))


class _Arguments(NamedTuple):
    """Of Γ and a."""

    rate: NucleationRate
    offset: Scalar
    time: _Time


def _log_rate(y: Real, args: _Arguments) -> Real:
    return args.offset + args.rate.log_rate(y)


def _scale_factor(y: Real, args: _Arguments) -> Real:
    return args.time.scale_factor(y)


class Nucleation(Stage):
    """A/V(t) by the exact moment chain of Γ(t), as "area": for area_kernel "history".

    y = β(t − t_p) is the time, v_w/β the length. Γ is a shape: I is linear in it, so that
    I(t_p) = I_p fixes its size. With another area_kernel nothing is computed.

    Attributes:
        rate: ln Γ(y), up to a constant; or over T, from S₃/T.
        initial_radius: of a bubble at birth, comoving with a(t_p) = 1, in units of v_w/β.
        expansion: whether a(t) dilutes bubbles and slows walls; then nucleation begins at T_max at
            the earliest. Else a = 1, as in area_kernel "kjma".
    """

    label: ClassVar[str] = "nucleation"
    part: ClassVar[Part] = Part.TRANSITION

    rate: NucleationRate | ThermalRate
    initial_radius: Scalar = eqx.field(
        converter=as_leaf,
        default=0.0,
        metadata=spec(
            "radius of a bubble at birth over v_w/β, comoving with a(t_p) = 1",
            low=0,
            high=100,
            closed="both",
            typical=0.0,
        ),
    )
    expansion: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        if isinstance(self.rate, ThermalRate) and not self.expansion:
            raise ConfigurationError(
                "nucleation.expansion = false: a rate over T needs the expansion that cools the"
                " plasma; leave it out"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """What fixes the size of Γ, the time and its range."""
        own = ("I_p", "beta_over_H", "T_p", "T_max_over_Tp", "y_max", "area_kernel")
        return own + (("expansion", *_IN_H) if self.expansion else ())

    @property
    def wants(self) -> tuple[str, ...]:
        """g_*(T), which a(t) follows if there is one."""
        return ("degrees",) if self.expansion else ()

    @property
    def supplies(self) -> tuple[str, ...]:
        """The wall area."""
        return ("area",)

    @property
    def relative_cost(self) -> int:
        """Two chains on some forty panels, and three times as many nodes of the yields."""
        return 5

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """The `AreaHistory`; None where area_kernel is another."""
        if known["area_kernel"] != "history":
            return Supplied({"area": None}, {}, jnp.asarray(Status.SUCCESS))
        valid = are_inside(self) & self.rate.is_valid()
        stage = each_safe(self)
        rate, time = stage.rate.safe(), self._time(known)
        if isinstance(rate, ThermalRate):
            rate = rate.in_time(time, known["T_p"])
        area, begins = _area(rate, stage.initial_radius, time, known)
        status = jnp.where(begins, area.status, Status.INVALID_PARAMETER)
        if isinstance(rate, RateInTime):
            status = jnp.where(rate.covers(area), status, Status.AFTER_THE_HISTORY)
        status = jnp.where(valid, status, Status.INVALID_PARAMETER)
        return Supplied({"area": area}, {}, status)

    def _time(self, known: Mapping[str, Any]) -> _Time:
        B, degrees = known["beta_over_H"], known.get("degrees")
        if not self.expansion:
            return _Time(None, None)
        if known.get("expansion") == "radiation+vacuum":
            degrees = with_vacuum(
                degrees,
                beta_over_H=B,
                I_p=known["I_p"],
                T_p=known["T_p"],
                **{name: known[name] for name in _IN_H},
            )
        if degrees is None:
            return _Time(B, None)
        return _Time(B, _clock(degrees, known))

    def ranges(self) -> dict[str, Range]:
        """Those of the rate, and the initial radius."""
        own = {name: declared.range for name, declared in declarations(type(self)).items()}
        return self.rate.ranges() | own

    def value(self, name: str) -> Scalar:
        """One of these."""
        return getattr(self if name in declarations(type(self)) else self.rate, name)

    def replace(self, **values: RealLike) -> Self:
        """The same with some of these replaced."""
        radius = values.pop("initial_radius", self.initial_radius)
        known = self.rate.ranges()
        for name in values:
            if name not in known:
                raise ConfigurationError(
                    f"{name}: {type(self.rate).__name__} has no such parameter"
                )
        leaves = {name: as_leaf(value) for name, value in values.items()}
        names = tuple(leaves)
        rate = self.rate
        if names:
            rate = eqx.tree_at(
                lambda r: tuple(getattr(r, n) for n in names), rate, tuple(leaves.values())
            )
        return type(self)(rate, radius, self.expansion)


class GivenArea(WithoutParameters):
    """The wall area of a history that is known, such as that of a transition, as "area".

    Attributes:
        area: by `jaxbounce.percolation.area_history`.
    """

    label: ClassVar[str] = "area"
    part: ClassVar[Part] = Part.TRANSITION

    area: AreaHistory

    @property
    def needs(self) -> tuple[str, ...]:
        """Whether it is wanted."""
        return ("area_kernel",)

    @property
    def supplies(self) -> tuple[str, ...]:
        """The wall area."""
        return ("area",)

    @property
    def relative_cost(self) -> int:
        """Of the nodes it takes."""
        return 3

    def supply(self, known: Mapping[str, Any]) -> Supplied:
        """The area, with the status of its history; None where area_kernel is another."""
        if known["area_kernel"] != "history":
            return Supplied({"area": None}, {}, jnp.asarray(Status.SUCCESS))
        return Supplied({"area": self.area}, {}, self.area.status)


def _clock(degrees: DegreesOfFreedom, known: Mapping[str, Any]) -> Clock:
    """From T_max to beyond y_max: where g_* falls, T falls no faster than with constant g_*."""
    B = known["beta_over_H"]
    coldest = 0.9 / temperature_ratio(known["y_max"], B)
    if isinstance(degrees, WithVacuum):
        # H is at most what it is at T_p, until the release and after it
        coldest = coldest * jnp.exp(-degrees.released)
    return make_clock(degrees, known["T_p"], B, known["T_max_over_Tp"], coldest)


def _area(
    rate: NucleationRate, radius: Scalar, time: _Time, known: Mapping[str, Any]
) -> tuple[AreaHistory, Flag]:
    """A/V with I(0) = I_p, and whether bubbles can nucleate before then as they are to."""
    I_p, limit = known["I_p"], known["y_max"]
    start, begins = rate.start(), jnp.asarray(True)
    if time.beta_over_H is not None:
        hottest = known["T_max_over_Tp"]
        if time.clock is None:
            first = time_of_temperature_ratio(hottest, time.beta_over_H)
        else:
            first = time.clock.time(hottest)
        begins = (start >= first) if rate.at_once else begins
        start = jnp.maximum(start, first)
    edges = _resolving(rate, time, start, limit)
    free = area_history(_history(rate, radius, time, jnp.zeros_like(I_p), edges), 0.0, 1.0, 1.0)
    # I is linear in Γ
    unit = free.volume(jnp.zeros_like(I_p))
    begins = begins & (unit > 0)
    unit = jnp.where(begins, unit, 1.0)
    offset = jnp.log(I_p / unit)
    volumes = jax.lax.stop_gradient(unit / I_p) * np.append(_VOLUMES, _BEYOND * COVERED)
    found = free.time_of_volume(volumes)
    end = jnp.minimum(found[-1], limit)
    # the last of those found is the limit itself where space is not covered by then
    end = jnp.where(free.volumes[-1].sum() > volumes[-1], end, limit)
    end = jax.lax.stop_gradient(end)
    middle = jnp.sort(jnp.minimum(jnp.concatenate([edges[1:-1], found[:-1]]), end))
    middle = jnp.maximum(jax.lax.stop_gradient(middle), start)
    edges = jnp.concatenate([start[None], middle, end[None]])
    area = area_history(_history(rate, radius, time, offset, edges), 0.0, 1.0, 1.0)
    # two sets of panels agree on I at t_p, or before where it all ends before
    seen = jnp.minimum(end, 0.0)
    return area.with_error(jnp.abs(area.volume(seen) * unit / I_p / free.volume(seen) - 1)), begins


def _history(
    rate: NucleationRate, radius: Scalar, time: _Time, offset: Scalar, edges: Real
) -> NucleationHistory:
    breaks = jnp.concatenate([rate.breakpoints(), time.joints()])
    return nucleation_history(
        _log_rate,
        edges,
        jnp.ones_like(offset),
        args=_Arguments(rate, offset, time),
        scale_factor=_scale_factor,
        initial_radius=radius,
        present=jnp.exp(offset) if rate.at_once else 0.0,
        nodes=_NODES,
        breakpoints=breaks if breaks.size else None,
    )


def _resolving(rate: NucleationRate, time: _Time, start: Scalar, end: Scalar) -> Real:
    """Edges of panels on which Γ and a are polynomials; all but the first are constants."""
    still_rate, still_time, first, last = jax.lax.stop_gradient((rate, time, start, end))
    graded = first + (last - first) * np.geomspace(1e-12, 1.0, _GRADED)
    even = first + (last - first) * np.linspace(0.0, 1.0, _SCANNED)
    points = jnp.concatenate([graded, even, still_rate.features()])
    points = jnp.sort(jnp.clip(points, first, last))
    y, widths = (points[1:] + points[:-1]) / 2, jnp.diff(points)

    def slope_of(function: Any) -> Any:
        return lambda y: jax.jvp(function, (y,), (jnp.ones_like(y),))[1]

    def log_scale(y: Real) -> Real:
        return jnp.log(still_time.scale_factor(y))

    density = 2 / (last - first) + jnp.abs(slope_of(log_scale)(y)) / _STRETCH
    if not rate.at_once:
        height = still_rate.log_rate(y)
        highest = jax.lax.cummax(height)
        at_Tp = jnp.max(jnp.where(y <= 0, height, -jnp.inf))
        below = jnp.where(y < 0, height - at_Tp, height - highest)
        slope = slope_of(still_rate.log_rate)
        work = jnp.abs(slope(y)) / _EFOLDS + jnp.sqrt(jnp.abs(slope_of(slope)(y))) / _WIDTHS
        counts = jnp.exp(jnp.maximum(below, -1e4) / _DISCOUNT)
        density = density + jnp.where(jnp.isfinite(height), counts * work, 0.0)
    done = jnp.append(0.0, jnp.cumsum(density * widths))
    inner = jnp.interp(done[-1] * np.arange(1, _PANELS) / _PANELS, done, points)
    return jnp.concatenate([start[None], jnp.maximum(inner, start), end[None]])

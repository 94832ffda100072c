"""The conversion models on one wall, side by side: what `jaxbounce convert` evaluates."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxbounce._core import progress
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import UNRESOLVED, Status
from jaxbounce.conversion import (
    DistributedOverlap,
    Estimate,
    FullWave,
    LocalLandauZener,
    TwoLevelPropagation,
    WallConversion,
)
from jaxbounce.conversion.models import MODELS, PUBLISHED_V_W, ConversionSettings
from jaxbounce.cosmology.gas_integrals import Statistics

TIERS = tuple(name for name, kind in MODELS.items() if kind.compared)
"""What `convert` evaluates when no model is named, in the order shown."""


class Tier(NamedTuple):
    """One conversion model on the wall."""

    name: str
    estimate: Estimate
    details: dict[str, Any]
    average: Estimate | None
    """⟨P⟩ over the thermal flux, if asked for and the model has one."""

    @property
    def status(self) -> Status:
        """Of the single number."""
        return Status(int(self.estimate.status))


class Conversion(NamedTuple):
    """What `jaxbounce convert` found."""

    settings: ConversionSettings
    v_w: float
    T: float | None
    tiers: list[Tier]


@eqx.filter_jit
def _single(conversion: WallConversion, v_w: jax.Array) -> Any:
    """The full result of the model in its own form, and the estimate."""
    model, wall = conversion.model, conversion.wall()
    relativistic = model.kinematics == "relativistic"
    motion = conversion.momentum(v_w) if relativistic else v_w
    if isinstance(model, FullWave):
        own = model.on_wall(wall, conversion.couplings, motion)
    elif isinstance(model, TwoLevelPropagation | LocalLandauZener | DistributedOverlap):
        own = model(wall, conversion.couplings, motion)
    else:
        own = None
    return own, conversion(v_w, jnp.ones(()))


@eqx.filter_jit
def probability(
    conversion: WallConversion, v_w: jax.Array, T: jax.Array, statistics: Statistics
) -> Estimate:
    """P of a conversion at v_w and T (GeV), compiled."""
    return conversion(v_w, T, statistics)


def _resolved(
    conversion: WallConversion, evaluate: Callable[[WallConversion], Any]
) -> tuple[WallConversion, Any]:
    """Finer numerics until the result has converged, or there are none.

    Args:
        conversion: what to begin with.
        evaluate: gives something whose last entry, or itself, is an `Estimate`.

    Returns:
        The conversion with fine enough numerics, and what `evaluate` gave for it; the last try if
        none converged.
    """
    while True:
        found = evaluate(conversion)
        estimate = found[-1] if isinstance(found, tuple) else found
        finer = conversion.finer()
        if finer is None or Status(int(estimate.status)) not in UNRESOLVED:
            return conversion, found
        conversion = finer


def convert(
    settings: ConversionSettings,
    v_w: float | None = None,
    T: float | None = None,
    model: str | None = None,
    statistics: Statistics = "fermion",
) -> Conversion:
    """Evaluate the tiers of a wall.

    Args:
        settings: the wall and its couplings.
        v_w: wall speed; that of the settings, or else the published one, if None.
        T: temperature (GeV) of a thermal average to be taken too.
        model: one of `MODELS`; all tiers if None.
        statistics: of the incoming particles.

    Raises:
        ConfigurationError: if they are no `ConversionSettings`.
    """
    if not isinstance(settings, ConversionSettings):
        raise ConfigurationError(
            f"settings is a {type(settings).__name__}: must be ConversionSettings;"
            " jaxbounce.files.conversion.read_conversion makes them of a table or a file"
        )
    settings = settings.with_wall()
    if v_w is None:
        v_w = PUBLISHED_V_W if settings.v_w is None else settings.v_w
    has_width = settings.profile is not None and settings.profile.w_FWHM > 0
    names = TIERS if model is None else (model,)
    tiers = []
    for place, name in enumerate(names, start=1):
        progress.at(f"{name}, {place} of {len(names)}")
        if model is None and name == "overlap" and not has_width:
            continue
        tier = _tier(settings, name, v_w, T, statistics)
        several = int(tier.details.get("crossings", 0)) > 1
        if model is None and name == "local-coherent" and not several:
            continue
        tiers.append(tier)
    return Conversion(settings, v_w, T, tiers)


def _tier(
    settings: ConversionSettings, name: str, v_w: float, T: float | None, statistics: Statistics
) -> Tier:
    cold = dataclasses.replace(settings, incidence="cold", model=name)
    conversion, (own, estimate) = _resolved(cold.build(), lambda c: _single(c, jnp.asarray(v_w)))
    details = _details(conversion, own, v_w)
    average = None
    if T is not None and name != "overlap":
        hot = dataclasses.replace(settings, incidence="thermal", model=name)
        _, average = _resolved(
            hot.build(), lambda c: probability(c, jnp.asarray(v_w), jnp.asarray(T), statistics)
        )
    return Tier(name, estimate, details, average)


def _details(conversion: WallConversion, own: Any, v_w: float) -> dict[str, Any]:
    """The result in the model's own form, as numbers by name."""
    model = conversion.model
    details: dict[str, Any] = {}
    if model.kinematics == "relativistic":
        details["K"] = float(conversion.momentum(v_w))
    if isinstance(model, LocalLandauZener):
        found = [i for i in range(own.xi.size) if bool(own.exists[i])]
        details["crossings"] = len(found)
        for name in ("xi", "delta", "slope", "mixing"):
            details[name] = [float(getattr(own, name)[i]) for i in found]
        return details
    fields = [f.name for f in dataclasses.fields(own) if f.name not in ("status", "P")]
    details |= {name: float(getattr(own, name)) for name in fields}
    steps = getattr(model, "steps", None)
    if steps is not None:
        details["steps"] = steps
    return details

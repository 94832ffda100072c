"""Conversion models by name, and a wall with all that they need to know."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.stage import Stage
from jaxbounce._core.status import Status
from jaxbounce.conversion.at_wall import WallConversion
from jaxbounce.conversion.bounce_wall import CriticalBubble, TransitionBubble
from jaxbounce.conversion.estimate import ConversionModel
from jaxbounce.conversion.full_wave import FullWave
from jaxbounce.conversion.local import LocalLandauZener
from jaxbounce.conversion.overlap import DistributedOverlap
from jaxbounce.conversion.radial_profile import RadialProfile
from jaxbounce.conversion.two_level import TwoLevelPropagation
from jaxbounce.conversion.wall import Couplings, WallProfile

PUBLISHED_LAMBDA = 0.209

PUBLISHED_V_W = 0.3

PUBLISHED_RATIO = 5.7
"""n_χ/n_B that the published overlap script solves for if the file names none."""


class NamedModel(NamedTuple):
    """A conversion model as a configuration names it.

    Attributes:
        meaning: what it is, in one line.
        make: the model with a number of steps; None for the overlap, which needs the settings.
        steps: how many by default; 0 where there are none.
        compared: whether it stands beside the others when no model is named.
    """

    meaning: str
    make: Callable[[int], ConversionModel] | None
    steps: int = 0
    compared: bool = True


MODELS: dict[str, NamedModel] = {
    "two-level": NamedModel(
        "exact two-level propagation at v_w, P between mass eigenstates (P_ad)",
        lambda steps: TwoLevelPropagation(steps=steps),
        512,
    ),
    "two-level-dec": NamedModel(
        "the same, P of a χ produced as flavour state, phases averaged (P_dec)",
        lambda steps: TwoLevelPropagation(steps=steps, meaning="P_dec"),
        512,
        compared=False,
    ),
    "local": NamedModel(
        "local Landau–Zener at the crossings (published)", lambda _: LocalLandauZener()
    ),
    "local-coherent": NamedModel(
        "the same, several crossings with their phases",
        lambda _: LocalLandauZener(combination="coherent"),
    ),
    "overlap": NamedModel("published distributed overlap, for reproduction", None),
    "two-level-relativistic": NamedModel(
        "exact two-level propagation at K, P_ad",
        lambda steps: TwoLevelPropagation(kinematics="relativistic", steps=steps),
        512,
    ),
    "local-relativistic": NamedModel(
        "local Landau–Zener at K", lambda _: LocalLandauZener(kinematics="relativistic")
    ),
    "full-wave-scalar": NamedModel(
        "scattering with reflection at K, scalars: T_B + R_B",
        lambda steps: FullWave("scalar", steps),
        128,
    ),
    "full-wave-dirac": NamedModel(
        "the same for Dirac fermions", lambda steps: FullWave("dirac", steps), 128
    ),
}
"""Conversion models by name, in the order in which they are compared."""


@dataclasses.dataclass(frozen=True)
class Energies:
    """The energy weights of the published overlap."""

    T_reh: float = 0.2
    E_min: float = 0.0
    E_max_fraction: float = 0.6
    E_max: float | None = None
    count: int = 160
    span: float = 3.0


@dataclasses.dataclass(frozen=True)
class ConversionSettings:
    """A checked `conversion` table.

    Attributes:
        wall: the wall; None where `bubble` supplies it.
        bubble: the stage that solves a potential for the wall, if that is where it comes from.
        profile: the file behind it, if there is one.
        source: its path, "tanh" or "bounce".
        couplings: y_B, y_χ, λ.
        model: one of `MODELS`.
        v_w: wall speed written in the table, if any.
        energies: of the overlap; None if the table has none.
        target_ratio: n_χ/n_B for which the published script solves λ₀, if asked for.
        notes: what a reader of the result should know about the input.
    """

    wall: WallProfile | None
    profile: RadialProfile | None
    source: str
    couplings: Couplings
    bubble: CriticalBubble | TransitionBubble | None = None
    model: str = "two-level"
    v_w: float | None = None
    energies: Energies | None = None
    target_ratio: float | None = None
    steps: int | None = None
    incidence: str = "cold"
    K: float | None = None
    stretch: float = 1.0
    unit_GeV: float = 1.0
    notes: tuple[str, ...] = ()

    def build(self, model: str | None = None, *, steps: int | None = None) -> WallConversion:
        """The conversion of a `Model`.

        Args:
            model: in place of the one in the table.
            steps: in place of the number in the table.
        """
        found = self.conversion_model(model or self.model, steps)
        takes_K = found.kinematics == "relativistic" and self.incidence == "cold"
        return WallConversion(
            self.wall,
            self.couplings,
            found,
            stretch=self.stretch,
            unit_GeV=self.unit_GeV,
            K=self.K if takes_K else None,
            incidence="thermal" if self.incidence == "thermal" else "cold",
            fixed_steps=self.steps is not None,
        )

    def stages(self) -> tuple[Stage, ...]:
        """What computes P in a `Model`."""
        conversion = self.build()
        return (conversion,) if self.bubble is None else (self.bubble, conversion)

    def with_wall(self) -> "ConversionSettings":
        """The same with the wall itself, solved for here if a potential stands for it.

        Raises:
            ComputationError: if the potential has no bounce.
        """
        if self.bubble is None:
            return self
        if isinstance(self.bubble, TransitionBubble):
            raise ConfigurationError(
                f'conversion.wall = "{self.bubble.shape}": is that of a transition, which this'
                " command does not have; give a potential, or use jaxbounce run"
            )
        found = self.bubble.supply({})
        status = Status(int(found.status))
        if status != Status.SUCCESS:
            raise ComputationError(f"conversion.potential: {status.message}")
        return dataclasses.replace(self, wall=found.values["wall"], bubble=None)

    def refuse_unused_K(self) -> None:
        """Raise if a K is given that the model does not use."""
        if self.K is not None and self.build().K is None:
            raise ConfigurationError(
                f'conversion.K = {self.K:g}: model = "{self.model}" with incidence ='
                f' "{self.incidence}" does not use it; drop K, or take a relativistic model with'
                ' incidence = "cold"'
            )

    def conversion_model(self, name: str, steps: int | None = None) -> ConversionModel:
        """The model of that name with the settings of this table."""
        kind = MODELS[name]
        if kind.make is None:
            return self.overlap()
        return kind.make(steps or self.steps or kind.steps)

    def overlap(self) -> DistributedOverlap:
        """The published overlap; energies of the table, or the published defaults."""
        energies = self.energies or Energies()
        width = None if self.profile is None else self.profile.w_FWHM
        if width is None or not width > 0:
            raise ConfigurationError(
                'model = "overlap": needs the width of the wall; give a profile with a column'
                " w_FWHM, or the key w"
            )
        E_max = energies.E_max
        if E_max is None and self.profile is not None:
            # as published: the largest |Φ| of the file, in every row of it
            largest = self.profile.largest_Phi * float(self.couplings.y_chi)
            E_max = energies.E_max_fraction * largest
        return DistributedOverlap(
            T_reh=energies.T_reh,
            fwhm=width,
            span=energies.span,
            E_max=E_max,
            E_min=energies.E_min,
            energies=energies.count,
        )

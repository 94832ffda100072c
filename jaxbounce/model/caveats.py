"""What the numbers of a model assume: the points that apply to it, with a size where one is known.

The thirteen points are those of a referee (which speed, which temperature, which wall, …), listed
by topic in the order in which the numbers are computed. A point that a choice of the model takes
care of is left out.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from jaxbounce.conversion import CriticalBubble, FullWave
from jaxbounce.conversion.average import flux_share_below
from jaxbounce.conversion.wall import eigenmasses
from jaxbounce.cosmology.degrees_of_freedom import StandardModel, standard_model_energy
from jaxbounce.cosmology.gas import number_density
from jaxbounce.cosmology.gas_integrals import density_integral
from jaxbounce.model.model import Model
from jaxbounce.model.story import Origin
from jaxbounce.parameters import DECLARATIONS

if TYPE_CHECKING:
    from jaxbounce.occupancy import Collisions

CONFINEMENT = 0.155
"""Temperature (GeV) of the QCD crossover, above which there are quarks in place of baryons."""

_STEADY = {"planar": "the steady planar one", "tanh": "the tanh most like the steady planar one"}

_THERMAL_MOMENTUM = 3.15  # ⟨p⟩/T of massless fermions


class Caveat(NamedTuple):
    """One thing that the numbers assume."""

    point: int
    """1 to 13."""
    text: str
    size: float | None = None
    """Relative size of what it leaves out, or the ratio that `text` names, where it is known."""

    @property
    def topic(self) -> str:
        """What it is about."""
        return next(topic for topic, points in _TOPICS.items() if self.point in points)


class _Seen(NamedTuple):
    """A model and its numbers."""

    model: Model
    values: Mapping[str, float]

    def has(self, *kinds: str) -> bool:
        """Whether one of its stages is of these kinds: by name, as importing them takes long."""
        return any(type(stage).__name__ in kinds for stage in self.model.stages)

    def wall(self) -> str:
        """Which wall of its transition it has, if it has one."""
        return next((getattr(s, "shape", "") for s in self.model.stages if s.label == "wall"), "")

    def get(self, name: str) -> float:
        """A number that may not be there: NaN then."""
        return self.values.get(name, float("nan"))


def caveats(model: Model, origins: Mapping[str, Origin]) -> tuple[Caveat, ...]:
    """The points that apply, by topic.

    Args:
        model: with its stages as they are given.
        origins: its numbers, by `story`.
    """
    values = {name: origin.value for name, origin in origins.items()}
    seen = _Seen(model, values)
    points = [point for of_topic in _TOPICS.values() for point in of_topic]
    return tuple(Caveat(point, *found) for point in points for found in _POINTS[point - 1](seen))


_Found = Iterator[tuple[str, float | None]]


def _speed(seen: _Seen) -> _Found:
    v_w, v_plus, T_plus = (seen.get(name) for name in ("v_w", "v_plus", "T_plus_over_T"))
    carried = seen.model.choices.streaming == "carried"
    if carried:
        yield "P and the flux are those of v_+ and T_+: chi is carried by the plasma", None
    else:
        yield "P and the flux are those of v_w and T_p: chi streams freely through the plasma", None
    if v_plus == v_plus:
        flux = ((1 + v_plus) / (1 + v_w)) ** 2 * T_plus**3
        if carried:
            yield (
                "streaming freely chi would meet the wall with v_w and T_p: a moving-wall flux"
                " larger by this",
                1 / flux - 1,
            )
        else:
            yield (
                "carried by the plasma chi would meet the wall with v_+ and T_+: a moving-wall flux"
                " larger by this",
                flux - 1,
            )
    v_J = seen.get("v_J")
    if v_w > v_J:
        yield (
            "v_w is above v_J: no deflagration is that fast; the wall is a detonation, which meets"
            " plasma at rest, v_w over v_J being",
            v_w / v_J,
        )
    sigma_v = seen.get("sigma_v")
    if sigma_v > 0:
        n = seen.get("f_chi") * float(
            number_density(
                seen.get("T_p"),
                seen.get("m_chi"),
                seen.get("g_chi"),
                seen.model.choices.chi_stats,
            )
        )
        if n > 0:
            path = 1 / (n * sigma_v)
            yield "annihilation alone leaves chi a mean free path of this many 1/GeV", path


def _incidence(seen: _Seen) -> _Found:
    """What a thermal average takes from outside of where its model of P holds."""
    stage = seen.model.conversion
    if stage is None or stage.incidence != "thermal" or isinstance(stage.model, FullWave):
        return
    carried = seen.model.choices.streaming == "carried"
    v = seen.get("v_plus" if carried else "v_w")
    T = seen.get("T_p") * (seen.get("T_plus_over_T") if carried else 1.0)
    heat, is_known = T / float(stage.unit_GeV), stage.profile is not None
    m_in = float(stage.incoming_mass()) if is_known else math.nan
    if stage.model.kinematics == "nonrelativistic":
        size = _superluminal(v, math.sqrt(heat / m_in)) if m_in > 0 else None
        yield "P is averaged over a Gaussian of slow speeds; above that of light is the share", size
        return
    size = None
    if is_known:
        inside = float(eigenmasses(stage.wall(), stage.couplings)[::2].max())
        share = flux_share_below(inside, heat, m_in, v, seen.model.choices.chi_stats)
        size = float(share)
    yield (
        "P is that of one passage also where masses inside the wall reflect what is not converted"
        " (the full wave knows): the share of the flux with K below them is",
        size,
    )


def _superluminal(v: float, sigma: float) -> float:
    """Share of the weight u e^{−(u − v)²/2σ²} of relative speeds u > 0 that is above one."""

    def above(u: float) -> float:
        z = (u - v) / sigma
        tail = math.sqrt(math.pi / 2) * math.erfc(z / math.sqrt(2))
        return sigma * math.exp(-(z**2) / 2) + v * tail

    return above(1.0) / above(0.0)


def _streaming(seen: _Seen) -> _Found:
    yield (
        "chi is taken to be isotropic in the plasma's frame and without collisions in the wall,"
        " which needs a mean free path far beyond the wall's width",
        None,
    )


def _profile(seen: _Seen) -> _Found:
    if not seen.has("WallConversion"):
        yield "P is a number that was given, of a wall that is not looked at", None
    elif seen.wall() in ("planar", "tanh"):
        yield (
            f"the wall is {_STEADY[seen.wall()]}: the line between the phases at T_p with friction"
            " proportional to the slope, at rest in its own frame; no contraction by the speed",
            None,
        )
    elif seen.has("CriticalBubble", "TransitionBubble"):
        yield (
            "the wall is the critical bubble, not the steady wall that it becomes: no drag, no"
            " contraction, another width (stretch changes it)",
            None,
        )
        vacuum = [s for s in seen.model.stages if isinstance(s, CriticalBubble)]
        if any(s.dimension == 4 for s in vacuum):
            yield (
                "that bubble is of the vacuum, O(4), beside a bath at T_p: it is the one that"
                " nucleates if S_4 is below S_3/T, which is not known here",
                None,
            )
    else:
        yield "the wall is a given profile; that it is the one of this transition is taken", None


def _friction(seen: _Seen) -> _Found:
    yield "what conversion takes from the wall (momentum, energy) does not slow it down", None


def _energy(seen: _Seen) -> _Found:
    chosen = seen.model.choices.as_dict()
    alpha = seen.get("alpha_theta")
    known = alpha == alpha
    if chosen.get("expansion", "radiation") == "radiation":
        adds = "up to this" if known else "up to alpha/2, which is not known here"
        text = f"H of the yields is that of radiation alone; the energy released adds {adds}"
        yield text, alpha / 2 if known else None
    if chosen.get("dilution", "none") == "none":
        lower = "this" if known else "1 - (1 + alpha)^(-3/4), which is not known here"
        text = f"yields are not diluted by the heat released; each would be lower by {lower}"
        yield text, 1 - (1 + alpha) ** -0.75 if known else None


def _history(seen: _Seen) -> _Found:
    if seen.model.choices.area_kernel == "history":
        return
    bends = 1 / seen.get("beta_over_H")
    yield (
        "the rate is a plain exponential, beta is constant and space does not expand meanwhile"
        ' (area_kernel = "history" knows better): corrections of the order of',
        bends,
    )


def _later(seen: _Seen) -> _Found:
    yield (
        "walls keep their speed to the end: no shocks, no heated plasma in front, no collisions",
        None,
    )


def _number(seen: _Seen) -> _Found:
    yield (
        "Y_B counts B and anti-B together: it is an asymmetry only if P(chi to B) differs from"
        " that of the antiparticles, which would otherwise annihilate; nothing here violates CP",
        None,
    )


def _masses(seen: _Seen) -> _Found:
    T_p = seen.get("T_p")
    if T_p > CONFINEMENT:
        yield (
            "B is no bound baryon at T_p: it stands for three quarks, and thermal masses are left"
            " out; T_p over that of confinement is",
            T_p / CONFINEMENT,
        )


def _occupancy(seen: _Seen) -> _Found:
    if seen.has("Decays"):
        yield (
            "f_chi stands for a thermal spectrum; that of decays is colder, mean momentum over that"
            " of a thermal one",
            2.5 / _THERMAL_MOMENTUM,
        )
    elif seen.has("Collisions"):
        yield "f_chi is that of T_R, and stands for a thermal spectrum", None
        yield from _light_products(seen)
    elif seen.has("OffBrane"):
        yield "f_chi stands for an isotropic bath; what comes from off the brane is beamed", None
    elif seen.has("EnergyPartition"):
        own = any("Delta_theta" in stage.needs for stage in seen.model.stages)
        yield (
            "f_chi stands for a thermal spectrum"
            + ("; chi made by these same walls is no bath in front of them" if own else ""),
            None,
        )
    else:
        yield "f_chi is given: its history, spectrum and isotropy are taken for granted", None
    if seen.has("OffBrane") and seen.model.choices.expansion == "radiation+vacuum":
        yield (
            "the age at T_p is that of radiation alone: H there is larger by this",
            math.sqrt(1 + seen.get("alpha_V")) - 1,
        )
    yield from _other_density(seen)
    if seen.has("Decays", "Collisions"):
        yield "chi that is frozen in after T_p, in the other phase, is not counted", None


def _light_products(seen: _Seen) -> _Found:
    """χ that collisions make as massless: the share x²K₂(x)/2 of massless pairs is heavier than x.

    With |M|² constant, and of a classical bath; x = N_χ m_χ/T_p.
    """
    for one in seen.model.stages:
        if type(one).__name__ != "Collisions":
            continue
        stage = cast("Collisions", one)
        if not stage.masses[2:].sum() > 0:
            x = max(float(stage.particles), 1.0) * seen.get("m_chi") / seen.get("T_p")
            if x > 0:
                yield (
                    "collisions make chi as if it were massless; at T_p the share of massless pairs"
                    " that are too light for it is",
                    1 - float(density_integral(x, "classical")) / 2,
                )


def _other_density(seen: _Seen) -> _Found:
    """What annihilation would make of the f_χ n_eq that an external source takes as given."""
    model = seen.model
    if not (seen.get("sigma_v") > 0 or seen.get("sigma_v_slope") > 0):
        return
    from jaxbounce.model.equations import claims_density, density_change

    given = model.parameters.f_chi is not None
    if model.choices.coupling != "external" or claims_density(model.choices, not given):
        return
    p = dataclasses.replace(model.parameters, **{n: seen.get(n) for n in DECLARATIONS})
    yield (
        "the source is that of f_chi n_eq, whatever annihilation makes of it: by T_p, this many"
        " times as much",
        float(density_change(p, model.choices, model.degrees)) + 1,
    )


def _degrees(seen: _Seen) -> _Found:
    T_p, g_star = seen.get("T_p"), seen.get("g_star")
    if isinstance(seen.model.degrees, StandardModel):
        yield (
            "g_*(T) is a fit that misses its own table by 0.1 to 4 %, most near 0.2 GeV",
            0.04 if 0.12 < T_p < 0.3 else 0.006,
        )
    elif seen.model.degrees is None:
        standard = standard_model_energy(T_p)
        yield "g_* is constant; that of the Standard Model at T_p differs by", standard / g_star - 1


def _loops(seen: _Seen) -> _Found:
    if seen.has("ThermalTransition"):
        yield (
            "the potential is taken as it is: gauge and scale dependence and two loops are often"
            " the largest error; vary its scale by 2 and see T_n and beta/H move",
            None,
        )


def _wall_speed(seen: _Seen) -> _Found:
    for stage in seen.model.stages:
        if type(stage).__name__ == "LteWallSpeed":
            at = f" with the phases at {getattr(stage, 'at', '')}" if stage.needs else ""
            yield (
                f"v_w is that of local thermal equilibrium{at}, an upper bound without friction of"
                " its own",
                None,
            )


def _data(seen: _Seen) -> _Found:
    yield "the distance to Planck is that of its statistical errors alone, none of theory", None


def _first(seen: _Seen) -> _Found:
    yield from _speed(seen)
    yield from _wall_speed(seen)
    yield from _incidence(seen)


_POINTS: tuple[Callable[[_Seen], _Found], ...] = (
    _first,
    _streaming,
    _profile,
    _friction,
    _energy,
    _history,
    _later,
    _number,
    _masses,
    _occupancy,
    _degrees,
    _loops,
    _data,
)

_TOPICS = {
    "the transition": (12, 6),
    "expansion and heat": (5, 11),
    "the wall": (3, 4, 7),
    "chi at the wall": (10, 1, 2),
    "baryons": (8, 9),
    "data": (13,),
}
"""Points by topic, in the order in which they are listed."""

"""What `jaxbounce transition` says of strength, wall and sound: lines, and keys of its JSON."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxbounce._core.status import Status
from jaxbounce.cli._shared import number, status_keys

if TYPE_CHECKING:
    from jaxbounce.cli._figures import Figures
    from jaxbounce.transition.budget import Budget
    from jaxbounce.transition.gravitational_waves import SoundWaves
    from jaxbounce.transition.solve import Solved

_NOTED = 0.01  # of g_*: a difference that is told


class Released(NamedTuple):
    """Of a transition that was found."""

    budgets: "Mapping[str, Budget]"
    """At T_n and at T_p, by these names."""
    sound: "Mapping[str, SoundWaves]"
    """At T_p, by convention."""
    v_w: float
    """Of the sound waves; empty where there is no plasma at T_p, or nucleation has ceased."""
    is_lte: bool
    """Whether that is the wall in local thermal equilibrium at T_p; else it is that of the file."""
    g_star: float
    """In H, at T_p."""
    has_plasma: bool
    """Whether V has the plasma's pressure; else w is that of g_star degrees of freedom beside V."""


def released(solved: "Solved") -> Released:
    """Strength, wall and sound at T_n and T_p."""
    from jaxbounce._core.arrays import at_once
    from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
    from jaxbounce.potential.thermal import Heated
    from jaxbounce.transition.budget import energy_budget, has_plasma, sound_of

    thermal, found = solved.thermal, solved.transition
    potential, bath = thermal.configured.potential, thermal.settings.g_star
    own = has_plasma(potential)

    def degrees(T: Any) -> float:
        """g_* of the bath at T: what g_*(T) is there stands for a constant."""
        return float(bath.energy(T) if isinstance(bath, DegreesOfFreedom) else bath)

    budgets = {}
    for name in ("T_n", "T_p"):
        T = getattr(found, name)
        with at_once():
            false, true = (guess(T) for guess in solved.phases.guesses())
        budgets[name] = energy_budget(
            potential,
            thermal.configured.theta,
            T,
            (false, true),
            parameters_at=Heated(thermal.temperature),
            g_rest=0.0 if own else degrees(T),
        )
    wall = budgets["T_p"].wall
    is_lte = int(wall.status) == Status.SUCCESS
    v_w = float(wall.v_w) if is_lte else float(thermal.settings.v_w)
    g_star = degrees(found.T_p)
    # their formulas want a plasma, and a rate that rises
    heard = int(budgets["T_p"].strength.status) == Status.SUCCESS and found.beta_over_H > 0
    # bubbles are as far apart as the history says; the faster the walls, the farther
    apart = found.R_star_H * v_w / found.v_w
    sound = sound_of(budgets["T_p"], found.beta_over_H, v_w, g_star, apart) if heard else {}
    return Released(budgets, sound, v_w, is_lte, g_star, own)


def mapping(of: Released) -> dict[str, Any]:
    """As keys of the result."""
    found: dict[str, Any] = {name: _at(budget) for name, budget in of.budgets.items()}
    if not of.sound:
        return found | {"sound_waves": None}
    some = next(iter(of.sound.values()))
    found["sound_waves"] = {
        "at": "T_p",
        "v_w": of.v_w,
        "v_w_is_lte": of.is_lte,
        "kappa": number(some.kappa),
        "kinetic_fraction": number(some.kinetic_fraction),
        "HR_star": number(some.hubble_separation),
        "H_tau_shock": number(some.hubble_time),
        "peak_frequency_Hz": number(some.frequency),
        "h2_Omega_peak": {name: number(wave.h2_Omega) for name, wave in of.sound.items()},
    }
    return found


def _at(budget: "Budget") -> dict[str, Any]:
    s, wall, runaway = budget.strength, budget.wall, budget.runaway
    found: dict[str, Any] = {
        "T_GeV": number(budget.T),
        **{name: number(getattr(s, name)) for name in _ALPHAS},
        "latent_heat_GeV4": number(budget.latent_heat),
        "delta_V_over_rho_r": number(budget.vacuum_over_radiation),
        "Psi": number(s.Psi),
        "c_s_squared": number(budget.high.c_squared),
        "c_b_squared": number(budget.low.c_squared),
        "g_star_in_w_s": number(s.g_star),
        **status_keys(Status(int(s.status))),
        "wall_lte": {
            "v_J": number(wall.v_J),
            "alpha_max": number(wall.alpha_max),
            "v_w": number(wall.v_w),
            "v_plus": number(wall.v_plus),
            "T_plus_over_T": number(wall.T_plus),
            **status_keys(Status(int(wall.status))),
        },
    }
    if runaway is not None:
        found["bodeker_moore"] = {
            "pressure_GeV4": number(runaway.pressure),
            "alpha_vacuum": number(runaway.alpha_vacuum),
            "alpha_infinity": number(runaway.alpha_infinity),
            "runs_away": bool(runaway.runs_away),
        }
    return found


_ALPHAS = ("alpha_thetabar", "alpha_theta", "alpha_e", "alpha_V")


def lines(of: Released, figures: "Figures") -> Iterator[str]:
    """As text."""
    both, wide = list(of.budgets.values()), max(figures.width, 16)
    yield "strength, of the phase in front of the wall; w_s its enthalpy"
    yield "  " + f"{'':40}" + "".join(f"{f'at {name}':>{wide}}" for name in of.budgets)

    def row(what: str, values: list[Any]) -> str:
        return f"  {what:40}" + "".join(f"{figures(value):>{wide}}" for value in values)

    yield row("alpha_thetabar (De - Dp/c_b^2)/(3 w_s)", [b.strength.alpha_thetabar for b in both])
    yield row("alpha_theta    (De - 3 Dp)/(3 w_s)", [b.strength.alpha_theta for b in both])
    yield row("alpha_e        De/(3 w_s/4)", [b.strength.alpha_e for b in both])
    yield row("alpha_V        DV/rho_r = -Dp/(3 w_s/4)", [b.strength.alpha_V for b in both])
    yield row("latent heat    De (GeV^4)", [b.latent_heat for b in both])
    yield row("Psi            w_b/w_s", [b.strength.Psi for b in both])
    yield row("c_s^2          in front", [b.high.c_squared for b in both])
    yield row("c_b^2          behind", [b.low.c_squared for b in both])
    yield row("g_*            in w_s", [b.strength.g_star for b in both])
    for name, budget in of.budgets.items():
        status = Status(int(budget.strength.status))
        if status != Status.SUCCESS:
            yield f"  at {name}: {status.message}"
    for text in _plasma_lines(of):
        yield f"               {text}"
    yield row("v_J            Chapman-Jouguet", [b.wall.v_J for b in both])
    for name, budget in of.budgets.items():
        yield f"v_w (LTE) at {name}  {_wall(budget, figures)}"
        if budget.runaway is not None:
            yield f"           {_runaway(budget, figures)}"
    yield from _sound_lines(of, figures)


def _plasma_lines(of: Released) -> Iterator[str]:
    if not of.has_plasma:
        yield f"V has no plasma of its own: transition.g_star = {of.g_star:g} is added to w"
        return
    counted = float(of.budgets["T_p"].strength.g_star)
    if abs(counted - of.g_star) > _NOTED * of.g_star:
        yield f"H has transition.g_star = {of.g_star:g}: set it, or g_rest, so that the two agree"


def _wall(budget: "Budget", figures: "Figures") -> str:
    wall = budget.wall
    if int(budget.strength.status) != Status.SUCCESS:
        return "none: it follows from the strength"
    status = Status(int(wall.status))
    if status != Status.SUCCESS:
        return f"none: {status.message} (alpha_max = {figures(wall.alpha_max)})"
    kind = "hybrid" if bool(wall.is_hybrid) else "deflagration"
    return (
        f"{figures(wall.v_w)}, {kind}; v_+ = {figures(wall.v_plus)}, T_+/T ="
        f" {figures(wall.T_plus)}, alpha_max = {figures(wall.alpha_max)}; friction makes it"
        " slower"
    )


def _runaway(budget: "Budget", figures: "Figures") -> str:
    runaway = budget.runaway
    assert runaway is not None
    relation = "above" if bool(runaway.runs_away) else "below"
    verdict = "a fast wall would run away" if bool(runaway.runs_away) else "no runaway"
    return (
        f"Boedeker-Moore: DV(T=0)/rho_r = {figures(runaway.alpha_vacuum)}, {relation}"
        f" P_1->1/rho_r = {figures(runaway.alpha_infinity)}: {verdict}"
    )


def _sound_lines(of: Released, figures: "Figures") -> Iterator[str]:
    if not of.sound:
        yield "sound      none: it takes a plasma at T_p, and a rate that rises (beta/H > 0)"
        return
    some = next(iter(of.sound.values()))
    origin = "LTE at T_p" if of.is_lte else "transition.v_w, there being none in LTE"
    yield (
        f"sound      kappa = {figures(some.kappa)} (alpha_theta, c_s^2 = 1/3,"
        f" v_w = {figures(of.v_w)}: {origin}), H R_* = {figures(some.hubble_separation)}"
        f" (of the history, at this v_w), peak at {figures(some.frequency)} Hz"
    )
    for name, wave in of.sound.items():
        yield f"           h^2 Omega at the peak = {figures(wave.h2_Omega)}  ({name})"

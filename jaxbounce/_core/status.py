"""Status codes: every result carries one, and none but SUCCESS comes with a number to trust."""

import enum
from typing import Any, TypeVar

from jaxbounce._core.errors import ComputationError

Result = TypeVar("Result")


class Status(enum.IntEnum):
    """What became of a point. 0 is what an unwritten array holds, so it never means success."""

    NOT_COMPUTED = 0
    SUCCESS = 1
    INVALID_PARAMETER = 2
    QUADRATURE_NOT_CONVERGED = 3
    UNDERFLOW = 4
    CHI_EXHAUSTED = 5
    NOT_FINITE = 6
    NO_CROSSING = 7
    PROPAGATION_NOT_CONVERGED = 8
    TOO_MANY_CROSSINGS = 9
    INCIDENT_CHANNEL_CLOSED = 10
    WAVE_NOT_CONVERGED = 11
    AVERAGE_NOT_CONVERGED = 12
    TABLE_TOO_COARSE = 13
    TABLE_ROUNDED = 14
    TABLE_NOISY = 15
    TABLE_ENDS_INSIDE_WALL = 16
    ODE_NOT_CONVERGED = 20
    NEEDS_BOLTZMANN = 21
    NEVER_IN_EQUILIBRIUM = 22
    COLDER_THAN_COVERED = 23
    CHI_REFLECTED = 24
    BEYOND_G_STAR_TABLE = 26
    FALSE_VACUUM_NOT_MINIMUM = 30
    TRUE_VACUUM_NOT_DEEPER = 31
    DEGENERATE_VACUA = 32
    NO_BARRIER = 33
    BOUNCE_NOT_CONVERGED = 34
    BOUNCE_NOT_RESOLVED = 35
    NOT_A_BOUNCE = 36
    NO_TRANSITION = 37
    SCALE_INVARIANT = 38
    POTENTIAL_NOT_FINITE = 40
    TUNNELS_ELSEWHERE = 41
    HISTORY_NOT_RESOLVED = 45
    AFTER_THE_HISTORY = 46
    TRANSITION_BEGINS_ABOVE = 47
    NEVER_COMPLETES = 48
    NO_EQUATION_OF_STATE = 49
    STATIC_WALL = 50
    RUNAWAY_WALL = 51
    WALL_SPEED_NOT_CONVERGED = 52
    NO_FRONT = 53
    OCCUPANCY_TOO_LARGE = 55
    REHEATED_BELOW_T_P = 56
    DECAY_CLOSED = 57
    RELEASE_NOT_FOLLOWED = 58
    DENSITY_NOT_KEPT = 59
    TRUE_VACUUM_NOT_MINIMUM = 60
    WALL_NOT_CONVERGED = 61
    PRODUCTS_TOO_LIGHT = 62

    @property
    def message(self) -> str:
        """One line saying what happened and what to try."""
        return _MESSAGES[self]


class Part(enum.IntEnum):
    """A part of the chain, to say where a point failed. 0 is what an unwritten array holds."""

    NOT_COMPUTED = 0
    NONE = 1
    PARAMETERS = 2
    HISTORY = 3
    TRANSITION = 4
    WALL_SPEED = 5
    WALL = 6
    CONVERSION = 7
    OCCUPANCY = 8
    YIELDS = 9
    OTHER = 10

    @property
    def text(self) -> str:
        """Its name as messages and files have it."""
        return self.name.lower()


_MESSAGES = {
    Status.NOT_COMPUTED: "not computed",
    Status.SUCCESS: "success",
    Status.INVALID_PARAMETER: (
        "a parameter is outside its range or not finite; no number is returned"
        " (jaxbounce.parameters.RANGES lists the ranges)"
    ),
    Status.NEEDS_BOLTZMANN: (
        "annihilation or washout is on, which the source integral alone leaves out; set them where"
        ' the model is loaded (jaxbounce.load), or choose(equations="boltzmann")'
    ),
    Status.QUADRATURE_NOT_CONVERGED: (
        "the quadrature error estimate is too large to trust the yield; try a narrower"
        " temperature range or an activity window no narrower than 1e-3"
    ),
    Status.UNDERFLOW: (
        "a density is below the smallest floating-point number and was returned as it came"
        " out (zero or subnormal); enable float64, or raise f_chi or T_p/m_chi"
    ),
    Status.CHI_EXHAUSTED: (
        "the walls would convert more χ than the occupancy f_chi provides; use a closure that"
        ' conserves particles ("mean-field", "two-zone") or dark_matter "input"'
    ),
    Status.NOT_FINITE: "the result overflowed or is not a number; no number is returned",
    Status.NO_CROSSING: (
        "the levels m_B and m_chi do not cross on this wall, so a Landau–Zener estimate has"
        " nothing to estimate; use the two-level propagation or the full wave"
    ),
    Status.PROPAGATION_NOT_CONVERGED: (
        "the error estimate of the propagation exceeds its tolerance; raise the number of"
        " steps (slow walls and small momenta need more)"
    ),
    Status.TOO_MANY_CROSSINGS: (
        "the levels cross more often than max_crossings allows for; raise max_crossings"
    ),
    Status.INCIDENT_CHANNEL_CLOSED: (
        "K is not above the mass of the incoming state: nothing comes in, and all of it counts"
        " as reflected; K must include that mass, K² = p_z² + m_in²"
    ),
    Status.WAVE_NOT_CONVERGED: (
        "the wave was not resolved to the tolerance; try more steps, or a grid fine at the wall"
        " (centre and width)"
    ),
    Status.AVERAGE_NOT_CONVERGED: (
        "the thermal average did not converge to the tolerance; give the thresholds of P, or"
        " try more panels"
    ),
    Status.TABLE_TOO_COARSE: (
        "the rows of the wall's table are too far apart: the spline through every second one gives"
        " another P, beyond the tolerance; tabulate the wall more densely"
    ),
    Status.TABLE_ROUNDED: (
        "the wall's table has too few digits to tell P to the tolerance; write its numbers with"
        " more"
    ),
    Status.TABLE_NOISY: (
        "the fields in the wall's table do not follow from the rows around closely enough to tell P"
        " to the tolerance: they scatter, or the rows are few; solve for the wall more precisely,"
        " or tabulate it more densely"
    ),
    Status.TABLE_ENDS_INSIDE_WALL: (
        "the wall's table ends where the mixing of chi and B still changes, so that P would be off"
        " by more than the tolerance; tabulate the wall further out on both sides"
    ),
    Status.ODE_NOT_CONVERGED: (
        "the solver of the Boltzmann equation ran out of steps; loosen the tolerance, or start"
        " colder than where χ is coupled by more than 1e14 annihilations an e-fold"
    ),
    Status.NEVER_IN_EQUILIBRIUM: (
        "χ is to start in equilibrium at T_max, but annihilation is too slow there to have kept it"
        " there; raise T_max_over_Tp to where it did (or to T_max > 3 m_chi), or give Y_chi_init"
    ),
    Status.COLDER_THAN_COVERED: (
        "χ is colder than m/T = 650 while walls convert it, beyond which its hits are not"
        ' computed; raise T_min_over_Tp or lower y_max, or use coupling = "external"'
    ),
    Status.CHI_REFLECTED: (
        "K is not above the masses inside the wall: what is not converted is reflected, crosses the"
        " wall twice and interferes, which a model of one passage leaves out; use a full-wave"
        " model, or a larger K"
    ),
    Status.BEYOND_G_STAR_TABLE: (
        "a temperature that counts lies outside the table of g_*; give a longer table, or narrow"
        " the range with T_max_over_Tp, T_min_over_Tp, y_min or y_max"
    ),
    Status.FALSE_VACUUM_NOT_MINIMUM: (
        "the false vacuum given is not near a minimum of the potential (its gradient does not"
        " vanish, or a mass squared is negative); give a minimum"
    ),
    Status.TRUE_VACUUM_NOT_DEEPER: (
        "the potential at the true vacuum is above that at the false vacuum: nothing tunnels;"
        " swap the vacua or change the parameters"
    ),
    Status.DEGENERATE_VACUA: (
        "the vacua are degenerate (to 1e-8 of the barrier) or the same: the bounce is infinitely"
        " large"
    ),
    Status.NO_BARRIER: (
        "no barrier separates the vacua, and no bounce was found: the false vacuum is not"
        " metastable"
    ),
    Status.BOUNCE_NOT_CONVERGED: (
        "Newton's method did not converge to a bounce; try a true vacuum nearer to where the"
        " field should tunnel"
    ),
    Status.BOUNCE_NOT_RESOLVED: (
        "the grid does not resolve the bounce (Legendre tail or Derrick's identity); the"
        " potential may not be smooth at the false vacuum, or the wall too thin"
    ),
    Status.NOT_A_BOUNCE: (
        "a solution was found that has not exactly one negative mode: not the bounce that"
        " governs the decay; try another point for the true vacuum"
    ),
    Status.SCALE_INVARIANT: (
        "the potential has no scale: bounces of every size solve, all with the action given"
        " (an exact zero mode); radius, width and profile are not determined"
    ),
    Status.POTENTIAL_NOT_FINITE: (
        "the potential or its gradient is not a finite number at one of the vacua or between them;"
        " write it so that it is, such as log(phi**2 + eps) with a small eps; J_B and J_F are none"
        " below m^2 = -500 T^2"
    ),
    Status.TUNNELS_ELSEWHERE: (
        "no bounce into the true vacuum given was found: the wall that was found ends in another"
        ' vacuum (inner_vacuum); ask for that one, or for the dominant decay, tunnels_to = "any"'
    ),
    Status.HISTORY_NOT_RESOLVED: (
        "the panels do not resolve the nucleation rate (it switches on, bends or rises by more than"
        " e^7 in one of them); give the times as breakpoints, more edges, or bisections=40"
    ),
    Status.AFTER_THE_HISTORY: (
        "a time that counts is outside what is known: after the last edge of a history, or where"
        " bubbles nucleate beyond the rows of S3/T; give edges or rows that reach further"
    ),
    Status.TRANSITION_BEGINS_ABOVE: (
        "bubbles that nucleate above T_high would count at percolation; raise T_high"
    ),
    Status.NEVER_COMPLETES: (
        "I reaches I_p, but space expands faster than bubbles take it: the volume in the false"
        " vacuum, a³ e^{−I}, grows from T_p to the end of the range, and the transition never"
        " completes unless it does below T_low"
    ),
    Status.NO_EQUATION_OF_STATE: (
        "the enthalpy of a phase is not positive, or its speed of sound squared not between 0 and"
        " 1: the potential does not describe a plasma at this temperature; give g_rest, or one"
        " that holds there"
    ),
    Status.STATIC_WALL: (
        "in local thermal equilibrium the wall does not move: α_θ̄ is below (1 − Ψ)/3, and the heat"
        " in front of it holds it back"
    ),
    Status.RUNAWAY_WALL: (
        "in local thermal equilibrium no deflagration or hybrid exists: α_θ̄ is above alpha_max, and"
        " only friction out of equilibrium holds the wall back; give v_w"
    ),
    Status.NO_FRONT: (
        "energy and momentum allow no wall of this v_w between these phases: the plasma in front of"
        " it would need more heat than is released; give another v_w"
    ),
    Status.WALL_SPEED_NOT_CONVERGED: (
        "the flow between the wall and its shock was not resolved well enough for v_w"
    ),
    Status.TRUE_VACUUM_NOT_MINIMUM: (
        "the true vacuum given is not near a minimum of the potential; a steady planar wall ends in"
        " one: give it"
    ),
    Status.WALL_NOT_CONVERGED: (
        "no steady planar wall between the vacua was found; a third vacuum between them lets it"
        " come apart into two, or both guesses lead to one vacuum: give two neighbouring ones"
    ),
    Status.OCCUPANCY_TOO_LARGE: (
        "χ would reach more than a tenth of its equilibrium density, where what takes it back into"
        " the bath is no longer negligible and is left out here; weaken its production, or follow"
        " it with the Boltzmann equations"
    ),
    Status.REHEATED_BELOW_T_P: (
        "χ is made from a temperature T_R on that is below T_p, where nothing would be there for"
        " the walls; raise T_R"
    ),
    Status.RELEASE_NOT_FOLLOWED: (
        "annihilation or washout go on while and after the energy is released, which the Boltzmann"
        " equations here do not follow: expansion and dilution hold for the source alone; leave"
        " these rates out, or set expansion = radiation and dilution = none"
    ),
    Status.DENSITY_NOT_KEPT: (
        "annihilation, or its inverse, would change the density f_chi n_eq before the walls come,"
        " by more than error_limit: leave annihilation out or f_chi = 1 in equilibrium, lower"
        ' T_max_over_Tp, or follow a given yield: dark_matter = "input" and coupling ='
        ' "self-consistent"'
    ),
    Status.DECAY_CLOSED: (
        "what decays into χ is no heavier than its products, the χ of one decay among them; raise"
        " m_A, or lower the number of particles or the masses"
    ),
    Status.PRODUCTS_TOO_LIGHT: (
        "the masses of what collisions make (the last two of masses) leave no room for the χ among"
        " them; give those that have it, or zeros, which take χ as massless"
    ),
    Status.NO_TRANSITION: (
        "the transition does not complete in the range of temperatures given; widen the range"
    ),
}

UNRESOLVED = (
    Status.PROPAGATION_NOT_CONVERGED,
    Status.WAVE_NOT_CONVERGED,
    Status.AVERAGE_NOT_CONVERGED,
)
"""What finer numerics may mend."""


def check(result: Result) -> Result:
    """The result itself if it is one to trust; else its reason as an exception.

    For what `predict`, `solve_bounce`, `find_transition`, `sensitivities`, `fit`, `evolve`,
    `compare` and the conversion models return, single or batched: `check(predict(model)).rho_B`.

    Raises:
        ComputationError: with the message of the first status that is not success, and how many
            of how many points have none.
        TypeError: if the result has no status.

    >>> import jaxbounce as jb
    >>> jb.check(jb.predict(jb.load().replace(v_w=2.0)))
    Traceback (most recent call last):
    jaxbounce._core.errors.ComputationError: a parameter is outside its range...
    """
    import numpy as np

    judged = _judged(result)
    codes = np.atleast_1d(np.asarray(judged.status)).ravel()
    bad = codes[codes != Status.SUCCESS]
    if not bad.size:
        return result
    message = getattr(judged, "message", None) or Status(int(bad[0])).message
    raise ComputationError(
        message if codes.size == 1 else f"{bad.size} of {codes.size} points: {message}"
    )


def _judged(result: Any) -> Any:
    """The part of a result that carries its status."""
    for _ in range(3):
        if hasattr(result, "status"):
            return result
        parts = ("prediction", "transition", "fit", "bounce", "estimate")
        found = [getattr(result, name) for name in parts if hasattr(result, name)]
        if not found:
            break
        result = found[0]
    raise TypeError(f"{type(result).__name__} has no status to check")

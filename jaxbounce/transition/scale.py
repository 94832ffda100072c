"""How much a transition moves with the renormalisation scale: what loops left out would mend.

It is the usual measure of a one-loop potential's own error, and often the largest of the chain: D.
Croon, O. Gould, P. Schicho, T. V. I. Tenkanen and G. White, JHEP 04 (2021) 055, arXiv:2009.10080.
"""

from collections.abc import Mapping
from typing import NamedTuple

from jaxbounce._core.arrays import Scalar
from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce.transition.solve import OUTPUTS, Solved, ThermalPotential, solve_transition

SCALE = "Q"
"""Name of the parameter that is the scale."""


class AtScale(NamedTuple):
    """A transition at one scale: numbers, or why there are none."""

    scale: float
    numbers: Mapping[str, float]
    """T_n, T_p and β/H by their names in `Transition`; empty if there is no transition."""
    reason: str = ""


def check_scale(thermal: ThermalPotential) -> None:
    """One line if there is no scale that could be varied."""
    if SCALE not in thermal.configured.theta:
        raise ConfigurationError(
            f"parameters.{SCALE}: missing; the scale that is to be varied is the parameter of that"
            " name"
        )


def vary_scale(
    thermal: ThermalPotential, factor: float = 2.0, known: Solved | None = None
) -> tuple[AtScale, ...]:
    """The transition at Q/factor, Q and Q·factor, all other parameters being what they are.

    Args:
        thermal: with a parameter Q.
        factor: above 1.
        known: the transition at Q, if it is solved already.

    Raises:
        ConfigurationError: if there is no parameter Q, or the factor is not above 1.
    """
    check_scale(thermal)
    theta = thermal.configured.theta
    if not factor > 1:
        raise ConfigurationError(f"factor = {factor:g}: must be above 1")
    found = []
    for scale in (theta[SCALE] / factor, theta[SCALE], theta[SCALE] * factor):
        try:
            at_Q = known is not None and scale == theta[SCALE]
            solved = known if at_Q else solve_transition(_at(thermal, scale))
        except ComputationError as error:
            found.append(AtScale(float(scale), {}, str(error)))
            continue
        assert solved is not None
        numbers = {name: float(getattr(solved.transition, name)) for name in OUTPUTS}
        found.append(AtScale(float(scale), numbers))
    return tuple(found)


def spread(found: tuple[AtScale, ...]) -> dict[str, float]:
    """(largest − smallest)/(that in the middle), NaN if a scale has no transition."""
    result = {}
    for name in OUTPUTS:
        values = [one.numbers.get(name, float("nan")) for one in found]
        whole = all(value == value for value in values)
        result[name] = (max(values) - min(values)) / values[1] if whole else float("nan")
    return result


def _at(thermal: ThermalPotential, scale: Scalar) -> ThermalPotential:
    theta = thermal.configured.theta
    moved = {**theta, SCALE: scale}
    return thermal._replace(configured=thermal.configured._replace(theta=moved))

"""What `jaxbounce run` says of stages: each quantity, its error, and what computed it."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jaxbounce._core.status import Status
from jaxbounce.cli._shared import number

if TYPE_CHECKING:
    from jaxbounce.cli._figures import Figures
    from jaxbounce.model.caveats import Caveat
    from jaxbounce.model.errors import Share
    from jaxbounce.model.story import Origin


def lines(origins: "Mapping[str, Origin]", figures: "Figures") -> Iterator[str]:
    """One line for each number that a stage computed; none where all are given."""
    computed = {name: origin for name, origin in origins.items() if origin.stage}
    if not computed:
        return
    yield "computed, in this order"
    failed = set()
    for name, origin in computed.items():
        if origin.status == Status.SUCCESS:
            error = f"± {origin.error:.1e}" if origin.error > 0 else ""
            value = figures(origin.value)
            yield f"  {name:16} = {value:<{figures.width}} {error:11} {origin.text}"
        elif origin.stage not in failed:
            # what needs a number that is missing finds it out of range
            needs = failed and origin.status == Status.INVALID_PARAMETER
            reason = "what it needs has no number" if needs else origin.status.message
            failed.add(origin.stage)
            yield f"  {name:16}   no number: {origin.stage}: {reason}"
    others = [name for name in _TOLD if name in origins and not origins[name].stage]
    if others:
        given = ", ".join(f"{name} = {origins[name].value:.10g}" for name in others)
        yield f"  given: {given}"


_TOLD = ("T_p", "beta_over_H", "v_w", "P", "f_chi", "g_star")
"""What may be a number or a stage."""


def mapping(origins: "Mapping[str, Origin]") -> list[dict[str, Any]]:
    """The same for JSON, of all numbers."""
    return [
        {
            "quantity": name,
            "value": number(origin.value),
            "absolute_error": number(origin.error),
            "from": origin.text,
            "status": origin.status.name.lower(),
        }
        for name, origin in origins.items()
    ]


def error_lines(shares: "Mapping[str, Share]", total: float) -> Iterator[str]:
    """What each number that a stage computed adds to the errors of the densities."""
    if not shares:
        return
    of = {name: (float(share.rho_B), float(share.rho_DM)) for name, share in shares.items()}
    rest = max(total - sum(rho_B for rho_B, _ in of.values()), 0.0)
    terms = " + ".join(f"{rho_B:.1e} ({name})" for name, (rho_B, _) in of.items())
    yield f"           = {rest:.1e} (integral) + {terms}"
    of_DM = {name: rho_DM for name, (_, rho_DM) in of.items() if math.isfinite(rho_DM)}
    if of_DM:
        terms = " + ".join(f"{rho_DM:.1e} ({name})" for name, rho_DM in of_DM.items())
        yield f"  of rho_DM: {sum(of_DM.values()):.1e} = {terms}"


def share_mapping(shares: "Mapping[str, Share]") -> dict[str, dict[str, float | None]]:
    """The same for JSON."""
    return {
        name: {"rho_B": number(share.rho_B), "rho_DM": number(share.rho_DM)}
        for name, share in shares.items()
    }


def occupancy_lines(
    origins: "Mapping[str, Origin]", asked: float, figures: "Figures"
) -> Iterator[str]:
    """f_χ computed beside the one that Planck's ρ_B asks for."""
    origin = origins.get("f_chi")
    if origin is None or not origin.stage or origin.status != Status.SUCCESS:
        return
    text = f"  f_chi    : {figures(origin.value)} is {origin.text}"
    if asked == asked and origin.value > 0:
        text += (
            f"; Planck's rho_B asks for {figures(asked)}, {figures(asked / origin.value)} times"
            " that"
        )
    yield text


def wall_lines(
    walls: Mapping[str, float], origins: "Mapping[str, Origin]", figures: "Figures"
) -> Iterator[str]:
    """P on the walls of the transition that were not chosen, beside the one on that which was."""
    if not walls:
        return
    yield ""
    yield "P on other walls of the same transition (conversion.wall)"
    chosen = origins["P"]
    for name, P in walls.items():
        if P != P:
            yield f"  {name:16}   no number"
            continue
        known = chosen.status == Status.SUCCESS and chosen.value > 0
        ratio = f", {figures(P / chosen.value)} times that on the wall chosen" if known else ""
        yield f"  {name:16} P = {figures(P)}{ratio}"


def caveat_lines(caveats: "Iterable[Caveat]") -> Iterator[str]:
    """What the numbers assume, by topic, numbered as a referee would."""
    yield "what these numbers assume"
    topic = ""
    for place, caveat in enumerate(caveats, start=1):
        if caveat.topic != topic:
            topic = caveat.topic
            yield f"  {topic}"
        known = caveat.size is not None and math.isfinite(caveat.size)
        text = f"{caveat.text}{f': {caveat.size:.3g}' if known else ''}"
        start = f"    {place:2d}  "
        yield from textwrap.wrap(text, 98, initial_indent=start, subsequent_indent=" " * len(start))


def caveat_mapping(caveats: "Iterable[Caveat]") -> list[dict[str, Any]]:
    """The same for JSON."""
    return [
        {
            "topic": c.topic,
            "point": c.point,
            "text": c.text,
            "size": None if c.size is None else number(c.size),
        }
        for c in caveats
    ]

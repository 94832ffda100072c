"""The output of `jaxbounce bounce`: action, certificate, wall; the profile as CSV and JSON."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from jaxbounce._checks import ConfigurationError
from jaxbounce._files import json_number, write_json, write_whole
from jaxbounce._version import __version__
from jaxbounce.bounce import BounceWall
from jaxbounce.bounce.solve import scan_points
from jaxbounce.bounce_config import PUBLISHED, Solved
from jaxbounce.status import Status
from jaxbounce.wall import Couplings, crossings, level_splitting

POINTS = 2000


def profile(solved: Solved, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Radii, dense at the wall, and the fields there, shape (points, n)."""
    b = solved.bounce
    r = np.asarray(scan_points(b.shape, points) * b.shape.radius)
    return r, np.asarray(b.fields(r))


def wall_quantities(solved: Solved) -> dict[str, float | None]:
    """For two fields: ξ*, |φ|, Δ' where |φ| = |Φ| (unit couplings), the first being Φ."""
    if len(solved.fields) != 2:
        return {}
    wall = BounceWall(solved.bounce)

    @eqx.filter_jit
    def first(wall: BounceWall) -> Any:
        found = crossings(wall, Couplings(), 1)
        xi, h = found.xi[0], 1e-4
        slope = level_splitting(wall, Couplings(), xi + h) - level_splitting(
            wall, Couplings(), xi - h
        )
        return found.count, xi, wall.fields(xi)[1], slope / (2 * h)

    count, xi, phi, slope = first(wall)
    if int(count) == 0:
        return {"xi_star": None, "phi_star": None, "Delta_prime_at_star": None}
    return {
        "xi_star": float(xi),
        "phi_star": float(phi),
        "Delta_prime_at_star": float(slope),
    }


def as_mapping(solved: Solved) -> dict[str, Any]:
    """Everything but the profile, as JSON; null where there is no number."""
    b = solved.bounce
    good = solved.status == Status.SUCCESS
    names = ("action", "kinetic", "potential", "R_peak", "FWHM")
    return {
        "inputs": dict(solved.table),
        "bounce": {
            # JSON has no NaN; a potential without a scale has an action and no size
            **{name: json_number(getattr(b, name)) for name in names},
            "dimension": b.dimension,
            "false_vacuum": [float(x) for x in b.false_vacuum] if good else None,
            "true_vacuum": [float(x) for x in b.true_vacuum] if good else None,
            "status": solved.status.name.lower(),
            "status_message": solved.status.message,
        },
        "certificate": {
            name: json_number(value) for name, value in b.certificate._asdict().items()
        },
        "derived": wall_quantities(solved) if good else {},
        "jaxbounce_version": __version__,
    }


def write(path: str | Path, solved: Solved, points: int = POINTS) -> Path:
    """Write the profile as CSV, and everything else as JSON beside it; each whole or not at all.

    The columns of two fields are the published ones when they are called Phi and phi; R_peak
    and w_FWHM repeat in every row, so that the file is a profile for `jaxbounce convert`.

    Returns:
        The path of the JSON file.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise ConfigurationError(f"{path}: the profile is written as CSV; use a name in .csv")
    r, values = profile(solved, points)
    R, width = float(solved.bounce.R_peak), float(solved.bounce.FWHM)
    lines = [",".join(("r", *solved.fields, "R_peak", "w_FWHM"))]
    for radius, row in zip(r, values, strict=True):
        lines.append(",".join(f"{value:.15g}" for value in (radius, *row, R, width)))
    write_whole(path, "\n".join(lines) + "\n")
    other = path.with_suffix(".json")
    write_json(other, as_mapping(solved))
    return other


def as_text(solved: Solved) -> str:
    """The report a person reads."""
    return "\n".join(_lines(solved))


def _lines(solved: Solved) -> Iterator[str]:
    b = solved.bounce
    yield f"jaxbounce {__version__}"
    yield ""
    yield f"potential  {solved.table['potential']}"
    values = ", ".join(f"{k} = {float(v):.10g}" for k, v in solved.configured.theta.items())
    yield f"           {values}" if values else "           no parameters"
    box = solved.configured.r_max
    volume = "infinite volume" if box is None else f"box of radius {box:g}"
    yield f"           D = {b.dimension}, {volume}"
    yield ""
    if solved.status != Status.SUCCESS:
        if solved.status == Status.SCALE_INVARIANT:
            yield f"action S     {float(b.action):.12g}"
            yield f"no scale: {solved.status.message}"
        else:
            yield f"no bounce: {solved.status.message}"
        return
    for name, vacuum in (("false vacuum", b.false_vacuum), ("true vacuum", b.true_vacuum)):
        place = ", ".join(
            f"{field} = {float(x):.10g}" for field, x in zip(solved.fields, vacuum, strict=True)
        )
        yield f"{name:12} {place}"
    yield f"action S     {float(b.action):.12g}"
    yield f"             kinetic {float(b.kinetic):.12g}, potential {float(b.potential):.12g}"
    yield f"R_peak       {float(b.R_peak):.9g}"
    yield f"FWHM         {float(b.FWHM):.9g}"
    derived = wall_quantities(solved)
    if derived and derived["xi_star"] is not None:
        yield (
            f"crossing     xi* = {derived['xi_star']:.8g}, |phi| = {derived['phi_star']:.8g},"
            f" slope {derived['Delta_prime_at_star']:.8g}"
            f" (|{solved.fields[1]}| = |{solved.fields[0]}|)"
        )
    c = b.certificate
    yield (
        f"certificate  Newton step {float(c.newton_step):.1e}, Derrick {float(c.derrick):.1e},"
        f" Legendre tail {float(c.legendre_tail):.1e}, far field {float(c.far_field):.1e},"
        f" negative modes {float(c.negative_modes):.0f}"
    )


def template_text() -> str:
    """The published potential as a table to edit."""
    return json.dumps(PUBLISHED, indent=2)

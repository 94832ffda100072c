"""Wall profiles from files: columns r, Phi, phi, and if present R_peak and w_FWHM.

Reads what people have (any order and case of the columns, comma, semicolon, tab or blanks
between them), and refuses in one line what it cannot make sense of.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.errors import ProfileError
from jaxbounce._core.spline import evaluate_spline, spline_curvatures
from jaxbounce._core.types import Real
from jaxbounce.conversion.radial_profile import RadialProfile
from jaxbounce.files.profile_text import Rows, number_of, read_rows

_FEWEST_ROWS = 8

_NOISE = 1e-6  # of the largest |value|; a field may go this far to the wrong side of zero

_COLUMNS = ("r", "Phi", "phi", "R_peak", "w_FWHM")

_KEYS = {"R_peak": "R0", "w_FWHM": "w"}
"""Keys of a conversion table that stand in for columns."""

_SAMPLES_PER_INTERVAL = 8

_CORE = 1e-3  # of the range of radii: what counts as the centre

_STEEPER = 10.0  # than anywhere outside the centre: what counts as a jump


def read_profile(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    R_peak: float | None = None,
    w_FWHM: float | None = None,
    potential: Callable[[Real, Real], Real] | None = None,
    prefer_file: Collection[str] = (),
) -> RadialProfile:
    """Read a bubble profile from a text file with a header line.

    Rows are sorted by r and repeated rows dropped, as well as rows at the centre where the
    fields jump. R_peak and w_FWHM are, in this order: what is passed here, what the file's
    columns say, what follows from the potential. Without any of them the wall is taken to be where
    the energy of the gradients is centred, and its width is not known.

    Args:
        path: the file.
        columns: names of the file's columns by ours, e.g. {"r": "radius", "Phi": "h"}; those
            not named are looked for under our names, in any case.
        R_peak: radius of the wall, in the unit of r.
        w_FWHM: its width.
        potential: V(Phi, phi) traced by JAX, of which R_peak and w_FWHM can be computed.
        prefer_file: which of "R_peak", "w_FWHM" the file's columns win for.

    Raises:
        ProfileError: one line that names the file, the place, what is allowed and what to do.
    """
    name = str(path)
    _check_names(name, columns or {})
    rows = read_rows(Path(path), [(columns or {}).get(key, key) for key in _COLUMNS[:3]])
    header = rows.header
    position = _locate(name, header, columns or {})
    table = _parse(name, rows, position)
    order = np.argsort(table["r"], kind="stable")
    r, Phi, phi = (table[key][order] for key in ("r", "Phi", "phi"))
    r, Phi, phi = _deduplicate(name, r, Phi, phi)
    if r.size < _FEWEST_ROWS:
        raise ProfileError(
            f"{name}: {r.size} different radii; a profile needs at least {_FEWEST_ROWS}"
        )
    if r[0] < 0:
        raise ProfileError(f"{name}: r = {r[0]:g} is negative; radii must be ≥ 0")
    for key, values in (("Phi", Phi), ("phi", phi)):
        _check_sign(name, key, values)
    largest_Phi = float(np.abs(Phi).max())
    r, Phi, phi, notes = _drop_core_jump(r, Phi, phi)
    if "R_peak" in prefer_file and "R_peak" in table:
        R_peak = None
    if "w_FWHM" in prefer_file and "w_FWHM" in table:
        w_FWHM = None
    for key, given in (("R_peak", R_peak), ("w_FWHM", w_FWHM)):
        if given is None and key in table:
            _check_constant(name, key, table[key])
    given_R = R_peak if R_peak is not None else _first(table, "R_peak")
    given_w = w_FWHM if w_FWHM is not None else _first(table, "w_FWHM")
    if potential is not None and (given_R is None or given_w is None):
        peak, width = radius_and_width(r, Phi, phi, potential)
        given_R = peak if given_R is None else given_R
        given_w = width if given_w is None else given_w
    if given_R is None:
        given_R = gradient_centre(r, Phi, phi)
        notes = (
            *notes,
            f"no R_peak: the wall is taken to be at r = {given_R:.9g}, where the energy of the"
            " gradients of the fields is centred; P does not depend on it (R0 sets another)",
        )
    if (np.diff(table["r"]) < 0).any():
        notes = (*notes, "the rows were not in the order of r, and have been sorted")
    if not (np.isfinite(given_R) and r[0] < given_R < r[-1]):
        raise ProfileError(
            f"{name}: R_peak = {given_R:g} lies outside the radii {r[0]:g} … {r[-1]:g};"
            " give the radius of the wall in the unit of column r (R0 in a conversion table)"
        )
    if given_w is not None and not (np.isfinite(given_w) and given_w > 0):
        raise ProfileError(f"{name}: w_FWHM = {given_w:g}; must be finite and > 0")
    width = np.nan if given_w is None else float(given_w)
    names = {key: header[index] for key, index in position.items()}
    return RadialProfile(r, Phi, phi, float(given_R), width, largest_Phi, names, notes)


def _check_names(name: str, columns: Mapping[str, str]) -> None:
    unknown = set(columns) - set(_COLUMNS)
    if unknown:
        raise ProfileError(
            f"{name}: columns names {', '.join(sorted(unknown))}; allowed are {', '.join(_COLUMNS)}"
        )


def _locate(name: str, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Position of each of our columns in the file."""
    position: dict[str, int] = {}
    for key in _COLUMNS:
        wanted = columns.get(key, key)
        matches = [i for i, cell in enumerate(header) if cell == wanted]
        # Phi and phi differ by case alone: fall back on case only where nothing is ambiguous
        if not matches and wanted.lower() != "phi":
            matches = [i for i, cell in enumerate(header) if cell.lower() == wanted.lower()]
        if len(matches) > 1:
            raise ProfileError(
                f"{name}: {len(matches)} columns are called {wanted}; rename all but one"
            )
        if matches:
            position[key] = matches[0]
    _guess_fields(header, position)
    missing = [key for key in ("r", "Phi", "phi") if key not in position]
    if missing:
        shown = ", ".join(header[:8]) + (", …" if len(header) > 8 else "")
        raise ProfileError(
            f"{name}: no column {' or '.join(missing)} in the header ({shown}); columns r, Phi,"
            " phi separated by comma, semicolon, tab or blanks are expected; rename them, or name"
            " them by columns (columns.r=… in a conversion table)"
        )
    return position


def _guess_fields(header: list[str], position: dict[str, int]) -> None:
    """If exactly one of Phi, phi was found, take the other from the one column left (PHI)."""
    for key, other in (("Phi", "phi"), ("phi", "Phi")):
        if key not in position and other in position:
            rest = [
                i for i, cell in enumerate(header) if cell.lower() == "phi" and i != position[other]
            ]
            if len(rest) == 1:
                position[key] = rest[0]


def _parse(name: str, rows: Rows, position: Mapping[str, int]) -> dict[str, np.ndarray]:
    table = {key: np.empty(len(rows.lines)) for key in position}
    width = len(rows.header)
    for row, (number, cells) in enumerate(rows.lines):
        if len(cells) != width:
            raise ProfileError(
                f"{name}: line {number} has {len(cells)} columns, the header {width};"
                " use one delimiter throughout, and decimal commas only where semicolons, tabs or"
                " blanks separate the columns"
            )
        for key, index in position.items():
            value = number_of(cells[index], rows.delimiter)
            if value is None:
                raise ProfileError(
                    f"{name}: line {number}, column {key}: {cells[index][:30]!r} is not a number;"
                    " mend it, or put # before a line that is none of the table"
                )
            if not np.isfinite(value):
                raise ProfileError(
                    f"{name}: line {number}, column {key}: {cells[index][:30]} is not finite;"
                    " drop the row or mend it"
                )
            table[key][row] = value
    if len(rows.lines) < _FEWEST_ROWS:
        raise ProfileError(
            f"{name}: {len(rows.lines)} rows; a profile needs at least {_FEWEST_ROWS}"
        )
    return table


def _deduplicate(
    name: str, r: np.ndarray, Phi: np.ndarray, phi: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    repeated = np.flatnonzero(np.diff(r) == 0)
    scale = max(np.abs(Phi).max(), np.abs(phi).max())
    for i in repeated:
        if max(abs(Phi[i + 1] - Phi[i]), abs(phi[i + 1] - phi[i])) > _NOISE * scale:
            raise ProfileError(
                f"{name}: r = {r[i]:.12g} comes twice with different fields; keep one of the rows"
            )
    keep = np.concatenate([[True], np.diff(r) > 0])
    return r[keep], Phi[keep], phi[keep]


def _drop_core_jump(
    r: np.ndarray, Phi: np.ndarray, phi: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Drop rows at the centre where a field is far steeper than in the wall.

    A regular bubble has φ'(0) = 0. Boundary values imposed at r ≈ 0 excite the solution
    that goes as 1/r² there, a spike no spline can follow; the published profile has one.
    """
    slope = np.maximum(np.abs(np.diff(Phi)), np.abs(np.diff(phi))) / np.diff(r)
    core = r[1:] < r[0] + _CORE * (r[-1] - r[0])
    if core.all():
        return r, Phi, phi, ()
    steep = np.flatnonzero(core & (slope > _STEEPER * slope[~core].max()))
    if not steep.size:
        return r, Phi, phi, ()
    first = int(steep[-1]) + 1
    jump = abs(Phi[0] - Phi[first])
    note = (
        f"{first} rows at r <= {r[first - 1]:.6g} dropped: |Phi| changes by {jump:.6g} there, which"
        " no bubble regular at r = 0 does (an artefact of the boundary condition)"
    )
    return r[first:], Phi[first:], phi[first:], (note,)


def _check_sign(name: str, key: str, values: np.ndarray) -> None:
    largest = np.abs(values).max()
    if largest == 0:
        raise ProfileError(f"{name}: column {key} is zero everywhere; a wall needs both fields")
    if values.max() > _NOISE * largest and values.min() < -_NOISE * largest:
        raise ProfileError(
            f"{name}: column {key} changes sign ({values.min():g} … {values.max():g}); its absolute"
            " value would have a kink, shift the field to its vacuum"
        )


def _check_constant(name: str, key: str, values: np.ndarray) -> None:
    if np.ptp(values) > _NOISE * np.abs(values).max():
        raise ProfileError(
            f"{name}: column {key} varies ({values.min():g} … {values.max():g}); it must repeat"
            f" one number, or drop the column and give {_KEYS[key]} in the conversion table"
        )


def _first(table: Mapping[str, np.ndarray], key: str) -> float | None:
    return float(table[key][0]) if key in table else None


def gradient_centre(r: np.ndarray, Phi: np.ndarray, phi: np.ndarray) -> float:
    """The mean radius with the weight Φ'² + φ'², of straight lines between rows.

    Raises:
        ProfileError: if the fields do not change.
    """
    step = np.diff(r)
    weight = (np.diff(Phi) ** 2 + np.diff(phi) ** 2) / step
    if not weight.sum() > 0:
        raise ProfileError(
            "the fields do not change along the profile: there is no wall in it; check the columns"
        )
    return float(np.average((r[1:] + r[:-1]) / 2, weights=weight))


def energy_profile(
    r: np.ndarray,
    Phi: np.ndarray,
    phi: np.ndarray,
    potential: Callable[[Real, Real], Real],
    *,
    samples: int = _SAMPLES_PER_INTERVAL,
) -> tuple[np.ndarray, np.ndarray]:
    """The energy density of an O(4) bubble, 2π² r³ (½Φ'² + ½φ'² + V − V_FV), over the radius.

    Fields are taken from cubic splines; the false vacuum is the last row.

    Args:
        r: increasing radii.
        Phi: hidden field there, with its sign.
        phi: brane field there, with its sign.
        potential: V(Phi, phi), traced by JAX.
        samples: points a table interval.

    Returns:
        Radii, `samples` to an interval, and the density there.
    """
    knots, values = jnp.asarray(r), jnp.stack([jnp.asarray(Phi), jnp.asarray(phi)])
    curvatures = spline_curvatures(knots, values)
    count = (len(r) - 1) * samples + 1
    fine = jnp.interp(jnp.arange(count) / samples, jnp.arange(len(r)), knots)
    fields, slopes = jax.jvp(
        lambda x: evaluate_spline(knots, values, curvatures, x), (fine,), (jnp.ones_like(fine),)
    )
    kinetic = (slopes**2).sum(0) / 2
    excess = potential(*fields) - potential(values[0, -1], values[1, -1])
    return np.asarray(fine), np.asarray(2 * jnp.pi**2 * fine**3 * (kinetic + excess))


def radius_and_width(
    r: np.ndarray, Phi: np.ndarray, phi: np.ndarray, potential: Callable[[Real, Real], Real]
) -> tuple[float, float]:
    """Radius at which `energy_profile` peaks, and the full width of the peak at half maximum.

    A parabola through the three highest samples gives the peak, straight lines between
    samples the width: errors of second order in the spacing of samples (1/8 of the table's).
    """
    radius, energy = energy_profile(r, Phi, phi, potential)
    top = int(np.argmax(energy))
    if not 0 < top < radius.size - 1 or not energy[top] > 0:
        raise ProfileError(
            "the energy density of the profile has no peak inside the table; check the"
            " potential, or pass R_peak=…"
        )
    a, b, c = np.polyfit(radius[top - 1 : top + 2] - radius[top], energy[top - 1 : top + 2], 2)
    peak, height = radius[top] - b / (2 * a), c - b**2 / (4 * a)
    below = np.flatnonzero(energy < height / 2)
    left, right = below[below < top], below[below > top]
    if not (left.size and right.size):
        raise ProfileError(
            "the energy density does not fall to half its peak inside the table; pass w_FWHM=…"
        )
    i, j = left[-1], right[0]

    def between(low: int, high: int) -> float:
        part = (height / 2 - energy[low]) / (energy[high] - energy[low])
        return float(radius[low] + part * (radius[high] - radius[low]))

    return float(peak), between(j, j - 1) - between(i, i + 1)

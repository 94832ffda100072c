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

LARGEST_FILE = 200_000_000
"""Bytes; a profile needs some thousand rows, and more is a mistake."""

_FEWEST_ROWS = 8

_NOISE = 1e-6  # of the largest |value|; a field may go this far to the wrong side of zero

_COLUMNS = ("r", "Phi", "phi", "R_peak", "w_FWHM")

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
    columns say, what follows from the potential.

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
    header, delimiter, lines = _read_lines(Path(path))
    position = _locate(name, header, columns or {})
    table = _parse(name, lines, delimiter, len(header), position)
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
        raise ProfileError(
            f"{name}: no column R_peak; pass R_peak=…, or potential=… to have it computed"
        )
    if not (np.isfinite(given_R) and r[0] < given_R < r[-1]):
        raise ProfileError(
            f"{name}: R_peak = {given_R:g} lies outside the radii {r[0]:g} … {r[-1]:g};"
            " pass the radius of the wall in the unit of column r"
        )
    if given_w is not None and not (np.isfinite(given_w) and given_w > 0):
        raise ProfileError(f"{name}: w_FWHM = {given_w:g}; must be finite and > 0")
    width = np.nan if given_w is None else float(given_w)
    names = {key: header[index] for key, index in position.items()}
    return RadialProfile(r, Phi, phi, float(given_R), width, largest_Phi, names, notes)


def _read_lines(path: Path) -> tuple[list[str], str | None, list[tuple[int, str]]]:
    """Header names, delimiter (None: blanks), and the non-empty rows with their line numbers."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise ProfileError(
                f"{path}: {size / 1e6:.0f} MB; at most {LARGEST_FILE / 1e6:.0f} MB are read,"
                " keep every n-th row"
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{path}: not a text file; save the profile as CSV (UTF-8)") from None
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if not lines:
        raise ProfileError(f"{path}: empty; a header r,Phi,phi and rows of numbers are expected")
    head = lines[0][1].lstrip("#").strip()
    delimiter = next((mark for mark in (",", ";", "\t") if mark in head), None)
    return [_clean(cell) for cell in head.split(delimiter)], delimiter, lines[1:]


def _clean(cell: str) -> str:
    return cell.strip().strip("\"'").strip()


def _locate(name: str, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Position of each of our columns in the file."""
    unknown = set(columns) - set(_COLUMNS)
    if unknown:
        raise ProfileError(
            f"{name}: columns names {', '.join(sorted(unknown))}; allowed are {', '.join(_COLUMNS)}"
        )
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
            " phi separated by comma, semicolon, tab or blanks are expected, or pass columns=…"
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


def _parse(
    name: str,
    lines: list[tuple[int, str]],
    delimiter: str | None,
    width: int,
    position: Mapping[str, int],
) -> dict[str, np.ndarray]:
    table = {key: np.empty(len(lines)) for key in position}
    for row, (number, line) in enumerate(lines):
        cells = [_clean(cell) for cell in line.split(delimiter)]
        if len(cells) != width:
            raise ProfileError(
                f"{name}: line {number} has {len(cells)} columns, the header {width};"
                " use one delimiter throughout and a point as decimal mark"
            )
        for key, index in position.items():
            try:
                value = float(cells[index])
            except ValueError:
                raise ProfileError(
                    f"{name}: line {number}, column {key}: {cells[index][:30]!r} is not a number"
                ) from None
            if not np.isfinite(value):
                raise ProfileError(
                    f"{name}: line {number}, column {key}: {cells[index]} is not finite;"
                    " drop the row or mend it"
                )
            table[key][row] = value
    if len(lines) < _FEWEST_ROWS:
        raise ProfileError(f"{name}: {len(lines)} rows; a profile needs at least {_FEWEST_ROWS}")
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
            f" one number, or pass {key}=…"
        )


def _first(table: Mapping[str, np.ndarray], key: str) -> float | None:
    return float(table[key][0]) if key in table else None


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

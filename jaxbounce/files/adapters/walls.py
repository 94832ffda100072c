"""Walls from CosmoTransitions, WallGo and BubbleProfiler."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from jaxbounce._core.checks import at_home
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.adapters.imported import (
    Imported,
    a_wall,
    content_of,
    json_of,
    number_in,
    text_of,
)

_COSMO = (
    "save the tunnelling with numpy.savez('wall.npz', R=found.profile1D.R, Phi=found.Phi,"
    " action=found.action), or the numbers of TnTrans as JSON with Tnuc, action, low_vev, high_vev"
)

_WALLGO = (
    "a JSON of attributes of WallGoResults is expected: wallVelocity, and for the wall wallWidths,"
    " wallOffsets, fieldProfiles (as lists)"
)

_PROFILER = (
    "an output of BubbleProfiler with profiles is expected: a line '# rho' with the names of the"
    " fields, and rows of numbers"
)

_ROWS = 1601  # of a wall made of tanh

_REACH = 20.0  # widths to either side, as our own tanh


def read_cosmo_transitions(path: str | Path) -> Imported:
    """The bounce or the transitions that CosmoTransitions found.

    CosmoTransitions (C. Wainwright, 1109.4189) writes no files, and its users pickle; pickles are
    not loaded. Two files are read, both made in one line:

    - .npz with R and Phi, the attributes `profile1D.R` and `Phi` of what
      `pathDeformation.fullTunneling` returns (points of the path in one-to-one correspondence with
      those of the profile), and action if there: a wall.
    - .json with one dictionary of `TnTrans`, or a list of them: Tnuc, action, low_vev, high_vev,
      trantype (`transitionFinder.tunnelFromPhase`), crit_trans with Tcrit. CosmoTransitions has no
      T_p: T_nuc is taken in its place, and there is neither β/H nor v_w.

    Args:
        path: the file; fields are in its unit (GeV as a rule), radii in the inverse.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    path = at_home(path)
    if path.suffix.lower() != ".json":
        return _tunnelling(path)
    table = json_of(path, _COSMO)
    found = table if isinstance(table, list) else [table]
    if not found or not all(isinstance(row, dict) and "Tnuc" in row for row in found):
        raise ConfigurationError(f"{path}: no Tnuc; {_COSMO}")
    first = [row for row in found if row.get("trantype", 1) == 1]
    if not first:
        raise ConfigurationError(f"{path}: holds no transition of first order (trantype 1)")
    T_n = np.array([number_in(path, "Tnuc", row["Tnuc"]) for row in first])
    critical = [row.get("crit_trans") or {} for row in first]
    beside = {
        "action": np.array([number_in(path, "action", row.get("action")) for row in first]),
        "T_c_GeV": np.array([number_in(path, "Tcrit", row.get("Tcrit")) for row in critical]),
    }
    notes = ("CosmoTransitions has no T_p: Tnuc is taken in its place; beta/H and v_w are yours",)
    if len(first) < len(found):
        notes += (f"{len(found) - len(first)} transitions of second order: left out",)
    return Imported("cosmotransitions", {"T_p_GeV": T_n}, beside, None, notes)


def _tunnelling(path: Path) -> Imported:
    content = content_of(path, _COSMO)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {
                name: np.asarray(file[name]) for name in ("R", "Phi", "action") if name in file
            }
    except (ValueError, OSError, EOFError, TypeError, KeyError, zipfile.BadZipFile, AttributeError):
        raise ConfigurationError(
            f"{path}: is no .npz of plain numbers (pickled objects are never loaded); {_COSMO}"
        ) from None
    if "R" not in arrays or "Phi" not in arrays:
        raise ConfigurationError(f"{path}: has no R and Phi; {_COSMO}")
    Phi = arrays["Phi"]
    if Phi.dtype.kind not in "fiu" or Phi.ndim not in (1, 2):
        raise ConfigurationError(f"{path}: Phi must have one row a radius; {_COSMO}")
    fields = {f"field{i + 1}": column for i, column in enumerate(np.atleast_2d(Phi.T))}
    action = arrays.get("action")
    beside = {} if action is None or action.size != 1 else {"action": action.astype(float).ravel()}
    return Imported("cosmotransitions", {}, beside, a_wall(path, arrays["R"], fields, _COSMO), ())


def read_wallgo(path: str | Path) -> Imported:
    """Wall speed and, if there, the wall of a result of WallGo.

    WallGo (A. Ekstedt et al., 2411.04970) writes no file of results; a JSON of attributes of its
    `WallGoResults` (src/WallGo/results.py) under their names is read, arrays as lists. The wall is
    WallGo's own ansatz φ_i(z) = φ_low + (φ_high − φ_low)(1 + tanh(z/L_i + δ_i))/2, with L and δ
    from wallWidths and wallOffsets, φ_low and φ_high the first and last row of fieldProfiles; z
    becomes a radius from where the wall begins.

    Args:
        path: the file; in GeV.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    table = json_of(path, _WALLGO)
    if not isinstance(table, dict) or "wallVelocity" not in table:
        raise ConfigurationError(f"{path}: no wallVelocity; {_WALLGO}")
    speed = number_in(path, "wallVelocity", table["wallVelocity"])
    others = {
        "v_w_error": "wallVelocityError",
        "v_w_lte": "wallVelocityLTE",
        "v_J": "velocityJouguet",
        "T_plus_GeV": "temperaturePlus",
        "T_minus_GeV": "temperatureMinus",
    }
    beside = {k: np.array([number_in(path, n, table[n])]) for k, n in others.items() if n in table}
    if not np.isfinite(speed):
        raise ConfigurationError(f"{path}: wallVelocity is null: WallGo found no wall that settles")
    notes = ("T_p and beta/H are not in a result of WallGo: they are yours",)
    parts = [key for key in ("wallWidths", "wallOffsets", "fieldProfiles") if key in table]
    if 0 < len(parts) < 3:
        raise ConfigurationError(f"{path}: of the wall only {', '.join(parts)}; {_WALLGO}")
    wall = _ansatz(path, table) if parts else None
    return Imported("wallgo", {"v_w": np.array([speed])}, beside, wall, notes)


def _ansatz(path: str | Path, table: dict[str, Any]) -> Any:
    try:
        L, delta, profiles = (
            np.asarray(table[key], float) for key in ("wallWidths", "wallOffsets", "fieldProfiles")
        )
    except (TypeError, ValueError):
        raise ConfigurationError(f"{path}: the wall is no lists of numbers; {_WALLGO}") from None
    shapes = L.ndim == 1 and L.shape == delta.shape and profiles.ndim == 2
    if not shapes or profiles.shape[1] != L.size or len(profiles) < 2:
        raise ConfigurationError(
            f"{path}: fieldProfiles must have a column for each of wallWidths and wallOffsets;"
            f" {_WALLGO}"
        )
    if not (np.isfinite(L).all() and np.isfinite(delta).all() and (L > 0).all()):
        raise ConfigurationError(f"{path}: wallWidths must be > 0 and wallOffsets finite")
    centre, reach = -L * delta, _REACH * L
    z = np.linspace((centre - reach).min(), (centre + reach).max(), _ROWS)
    low, high = profiles[0], profiles[-1]
    values = low + (high - low) * (1 + np.tanh(z[:, None] / L + delta)) / 2
    fields = {f"field{i + 1}": column for i, column in enumerate(values.T)}
    return a_wall(path, z - z[0], fields, _WALLGO)


def read_bubble_profiler(path: str | Path) -> Imported:
    """The bounce in an output of BubbleProfiler.

    The format is that of `write_action` and `write_profiles` in src/run_cmd_line_potential.cpp of
    BubbleProfiler (P. Athron et al., 1901.03714): a line "# Action: S", a line "# rho" with the
    names of the fields, and rows of radius and fields. Profiles are there if it was run with its
    option write-profiles.

    Args:
        path: the file; in the unit of the potential, radii in the inverse.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    names: list[str] | None = None
    action, rows = np.nan, []
    for number, line in enumerate(text_of(path, _PROFILER).splitlines(), 1):
        words = line.split()
        if words[:2] == ["#", "Action:"] and len(words) == 3:
            action = _cell(path, number, words[2])
        elif words[:2] == ["#", "rho"]:
            names = words[2:]
        elif words and not words[0].startswith("#"):
            if names is None or len(words) != len(names) + 1:
                raise ConfigurationError(
                    f"{path}: line {number} is no row of the profile; {_PROFILER}"
                )
            rows.append([_cell(path, number, word) for word in words])
    if not names or not rows:
        raise ConfigurationError(f"{path}: holds no profile; {_PROFILER}")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{path}: a field is named twice; {_PROFILER}")
    r, *columns = np.array(rows).T
    wall = a_wall(path, r, dict(zip(names, columns, strict=True)), _PROFILER)
    beside = {} if np.isnan(action) else {"action": np.array([action])}
    return Imported("bubbleprofiler", {}, beside, wall, ())


def _cell(path: str | Path, line: int, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(
            f"{path}: line {line}: {text[:30]!r} is not a number; {_PROFILER}"
        ) from None

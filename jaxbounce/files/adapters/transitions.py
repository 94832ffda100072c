"""Temperatures, β/H and wall speeds of transitions from BSMPT, TransitionSolver and others."""

import re
from pathlib import Path

import numpy as np

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.adapters.imported import (
    Imported,
    json_of,
    number_in,
    numbers,
    one_column,
    only_finite,
    table_of_text,
)

_BSMPT = (
    "a tab-separated output of BSMPT's CalcGW is expected, with columns T_perc_0, v_wall_0,"
    " alpha_PT_0, beta/H_0"
)

_SOLVER = (
    "the phase_history.json of TransitionSolver is expected: a table with a list transitions, each"
    " with Tp, betaTp, Hp, vw"
)

_LISTENER = (
    "the CSV of a scan of TransitionListener 2 is expected, with columns Tperc_SM_GeV, betaH_S3,"
    " v_wall"
)

_PTPLOT = (
    "a CSV with a header is expected, with columns Tstar or Tn (GeV), alpha, betaoverH, and if"
    " there vw, gstar"
)


def read_bsmpt(path: str | Path) -> Imported:
    """Transitions in an output of BSMPT 3, each point and each pair of phases a row.

    The format is that of `CalcGW`: tab-separated, one line a point, columns of the i-th pair of
    coexisting phases ending in _i (`MinimumTracer::GetLegend` in src/minimum_tracer of BSMPT 3;
    P. Basler et al., 2404.19037). T_perc is taken as T_p; β/H belongs to BSMPT's transition
    temperature T_star, which is T_perc unless another was asked for. Outputs of `CalcTemps` have
    temperatures but neither β/H nor v_w.

    Args:
        path: the file.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    header, rows = table_of_text(path, "\t", _BSMPT)
    pairs = sorted(
        int(found[1]) for name in header if (found := re.fullmatch(r"T_perc_(\d+)", name))
    )
    if not pairs:
        raise ConfigurationError(f"{path}: no column T_perc_0; {_BSMPT}")
    if f"beta/H_{pairs[0]}" not in header:
        raise ConfigurationError(
            f"{path}: no column beta/H_{pairs[0]}: an output of CalcTemps has no beta/H; run CalcGW"
        )

    def column(name: str) -> np.ndarray:
        """All pairs of a point, then those of the next."""
        named = [f"{name}_{i}" for i in pairs]
        missing = [n for n in named if n not in header]
        if missing:
            raise ConfigurationError(f"{path}: no column {missing[0]}; {_BSMPT}")
        return np.column_stack([numbers(path, header, rows, n) for n in named]).ravel()

    columns = {
        "T_p_GeV": column("T_perc"),
        "beta_over_H": column("beta/H"),
        "v_w": column("v_wall"),
    }
    beside = {
        "alpha": column("alpha_PT"),
        "T_star_GeV": column("T_star"),
        "T_n_GeV": column("T_nucl"),
        "T_c_GeV": column("T_crit"),
        "line": np.repeat(np.arange(1, len(rows) + 1), len(pairs)).astype(float),
        "pair": np.tile(np.array(pairs, float), len(rows)),
    }
    columns, beside, lost = only_finite(columns, beside)
    notes = _lost(path, len(columns["v_w"]), lost, "pairs of phases without T_perc, beta/H or v_w")
    apart = np.abs(beside["T_star_GeV"] / columns["T_p_GeV"] - 1) > 1e-6
    if apart.any():
        notes += (
            f"beta/H of {int(apart.sum())} rows is that at T_star, which is not T_perc there",
        )
    return Imported("bsmpt", columns, beside, None, notes)


def read_transition_solver(path: str | Path) -> Imported:
    """Transitions in a `phase_history.json` of TransitionSolver.

    The format is that of `Transition.report` in analysis/phase_structure.py of TransitionSolver
    (P. Athron, C. Balázs, L. Morris, 2212.07559): a list `transitions` of tables. Its `betaTp` is
    β in GeV (H_p T_p d(S/T)/dT), so that β/H is betaTp/Hp; the older versions do not write Hp.

    Args:
        path: the file.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    table = json_of(path, _SOLVER)
    found = table.get("transitions") if isinstance(table, dict) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ConfigurationError(f"{path}: no list transitions; {_SOLVER}")
    if any("betaTp" in row and "Hp" not in row for row in found):
        raise ConfigurationError(
            f"{path}: has betaTp (GeV) and no Hp, as of an early TransitionSolver, so that beta/H"
            " is not known; make the file anew with a version that writes Hp"
        )

    def column(key: str) -> np.ndarray:
        return np.array([number_in(path, key, row.get(key)) for row in found], float)

    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "T_p_GeV": column("Tp"),
            "beta_over_H": column("betaTp") / column("Hp"),
            "v_w": column("vw"),
        }
    beside = {
        "alpha": column("transitionStrength"),
        "T_n_GeV": column("Tn"),
        "T_f_GeV": column("Tf"),
        "T_c_GeV": column("Tc"),
        "id": column("id"),
    }
    columns, beside, lost = only_finite(columns, beside)
    notes = _lost(path, len(columns["v_w"]), lost, "transitions that do not percolate")
    return Imported("transitionsolver", columns, beside, None, notes)


def read_transition_listener(path: str | Path) -> Imported:
    """Points of a scan of TransitionListener 2.

    The format is the CSV that its samplers write (`OutputSchema` of TransitionListener 2; columns
    named in its `all_observables`): input parameters of the model, then results, `error` being 0
    for points that were computed. β/H is `betaH_S3`, of the action; `betaH_RH`, of the bubbles'
    separation, is kept beside. The other files of TransitionListener are not read.

    Args:
        path: the file.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    header, rows = table_of_text(path, ",", _LISTENER)
    for name in ("Tperc_SM_GeV", "betaH_S3", "v_wall"):
        if name not in header:
            raise ConfigurationError(f"{path}: no column {name}; {_LISTENER}")
    keys = {"T_p_GeV": "Tperc_SM_GeV", "beta_over_H": "betaH_S3", "v_w": "v_wall"}
    others = {
        "alpha": "alpha",
        "betaH_RH": "betaH_RH",
        "T_n_GeV": "Tnuc_SM_GeV",
        "T_reh_GeV": "Treh_SM_GeV",
    }
    columns = {key: numbers(path, header, rows, name) for key, name in keys.items()}
    beside = {
        key: numbers(path, header, rows, name) for key, name in others.items() if name in header
    }
    if "error" in header:
        failed = numbers(path, header, rows, "error") != 0
        columns = {key: np.where(failed, np.nan, column) for key, column in columns.items()}
    columns, beside, lost = only_finite(columns, beside)
    notes = _lost(path, len(columns["v_w"]), lost, "points with an error or without these numbers")
    return Imported("transitionlistener", columns, beside, None, notes)


def read_ptplot(path: str | Path) -> Imported:
    """Points of a table of PTPlot or of the LISA cosmology working group: T, α, β/H, v_w.

    Columns are named as in the tables that come with PTPlot (github.com/CFT-HY/PTPlot, C. Caprini
    et al., 1910.13125), which differ: Tstar or Tn; alpha or alpha_n; betaoverH, BetaoverH or
    beta_H_n; gstar; vw, v_w or v_wall where it is not one number for the whole table. T is in GeV.
    A column T_nuc is refused: in the tables that have it, it is in a unit of the model.

    Args:
        path: the file.

    Raises:
        ConfigurationError: one line with what is expected.
    """
    header, rows = table_of_text(path, ",", _PTPLOT)
    header = [name.lstrip("# ") for name in header]
    if "T_nuc" in header:
        raise ConfigurationError(
            f"{path}: T_nuc is in a unit of the model in such tables; write a column Tn in GeV"
        )

    def place(names: tuple[str, ...], meaning: str) -> str | None:
        return one_column(path, header, names, meaning, _PTPLOT)

    T = place(("Tstar", "T_star", "Tn"), "the temperature")
    beta = place(("betaoverH", "BetaoverH", "beta_H_n"), "beta/H")
    if T is None or beta is None:
        missing = "temperature" if T is None else "beta/H"
        raise ConfigurationError(f"{path}: no column of the {missing}; {_PTPLOT}")
    keys = {
        "T_p_GeV": T,
        "beta_over_H": beta,
        "v_w": place(("vw", "v_w", "v_wall"), "the wall speed"),
        "g_star": place(("gstar", "g_star"), "g_*"),
    }
    alpha = place(("alpha", "alpha_n"), "alpha")
    columns = {
        key: numbers(path, header, rows, name) for key, name in keys.items() if name is not None
    }
    beside = {} if alpha is None else {"alpha": numbers(path, header, rows, alpha)}
    columns, beside, lost = only_finite(columns, beside)
    notes = _lost(path, len(columns["T_p_GeV"]), lost, "rows with a gap")
    notes += (f"{T} is taken as T_p: such tables have one temperature of the transition",)
    if "v_w" not in columns:
        notes += ("no column of the wall speed: v_w is that of the configuration of the scan",)
    elif (columns["v_w"] >= 1).any():
        notes += ("v_w = 1 is outside what the chain takes: such points have no number",)
    if "g_star" in columns:  # of energy and entropy: one number here
        columns["g_star_s"] = columns["g_star"]
    return Imported("ptplot", columns, beside, None, notes)


def _lost(path: str | Path, kept: int, lost: int, what: str) -> tuple[str, ...]:
    """A note on rows left out.

    Raises:
        ConfigurationError: if none is left.
    """
    if not kept:
        raise ConfigurationError(f"{path}: nothing to take: {lost} {what}, and no other")
    return (f"{lost} {what}: left out",) if lost else ()

"""The report of `jaxbounce fit`: best values, goodness, what the data leave undetermined."""

import math
from collections.abc import Iterator
from typing import Any

from jaxbounce._version import __version__
from jaxbounce.config import PARAMETER_OF_KEY, Configuration
from jaxbounce.inference import Fit, FitStatus, Posterior
from jaxbounce.model import Prediction
from jaxbounce.relic import omega_h2


def as_mapping(configuration: Configuration, found: Fit) -> dict[str, Any]:
    """The result as JSON; null where there is no number."""
    key_of = {name: key for key, name in PARAMETER_OF_KEY.items()}
    directions = found.directions
    return {
        "inputs": configuration.as_mapping(),
        "data": _data(found),
        "free": {
            name: {
                "value": value,
                "key": key_of.get(name, name),
                "relative_sigma": _number(directions.sigma[name]),
            }
            for name, value in found.values.items()
        },
        "final": {
            "rho_B_kg_m3": _number(found.prediction.rho_B),
            "rho_DM_kg_m3": _number(found.prediction.rho_DM),
            "DM_over_B": _number(found.prediction.ratio),
            "P_used": _number(found.prediction.P),
        },
        "chi2": _number(found.tension.chi2),
        "dof": found.tension.dof,
        "p_value": _number(found.tension.p_value),
        "n_sigma": _number(found.tension.n_sigma),
        "pulls": {name: _number(value) for name, value in found.tension.pulls.items()},
        "ratio_tension_sigma": _number(found.tension.ratio_sigma),
        "fisher_ln": directions.fisher.tolist(),
        "covariance_ln": None if directions.covariance is None else directions.covariance.tolist(),
        "determined": [
            {"combination": str(c), "exponents": c.exponents, "relative_sigma": _number(c.sigma)}
            for c in directions.determined
        ],
        "flat": [{"direction": str(c), "exponents": c.exponents} for c in directions.flat],
        "unfitted": list(found.unfitted),
        "starts": found.starts,
        "agreeing_starts": found.agreeing,
        "status": found.status.name.lower(),
        "status_message": found.message,
        "jaxbounce_version": __version__,
    }


def _data(found: Fit) -> dict[str, Any]:
    return {
        "observables": list(found.data.observables),
        "mean": [float(x) for x in found.data.mean],
        "covariance": [[float(x) for x in row] for row in found.data.covariance],
    }


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def tension_text(found: Fit) -> list[str]:
    """How far the best point is from the data, line by line."""
    t = found.tension
    pulls = ", ".join(f"{name} {value:+.3f} σ" for name, value in t.pulls.items())
    lines = [f"  pulls        {pulls}"]
    lines.append(
        f"  chi²         {t.chi2:.6g} for {t.dof} degrees of freedom (p = {t.p_value:.3g},"
        f" {t.n_sigma:.2f} σ)"
    )
    if math.isfinite(t.ratio_sigma):
        lines.append(f"  DM/B         {t.ratio:.6f}, {t.ratio_sigma:.2f} σ from the data")
    return lines


def _densities(p: Prediction) -> str:
    return (
        f"  rho_B = {float(p.rho_B):.9e} kg/m³ (omega_b = {float(omega_h2(p.rho_B)):.6f}),"
        f" rho_DM = {float(p.rho_DM):.9e} kg/m³ (omega_c = {float(omega_h2(p.rho_DM)):.6f})"
    )


def as_text(found: Fit) -> str:
    """The report a person reads."""
    return "\n".join(_lines(found))


def posterior_text(found: Posterior) -> str:
    """Best fit, summary of the draws, and what speaks against trusting them."""
    lines = [as_text(found.fit), "", found.table(), f"divergences: {found.divergences}"]
    if found.interrupted:
        lines.append("interrupted: fewer draws than asked for")
    lines += [f"warning: {text}" for text in found.warnings]
    return "\n".join(lines)


def _lines(found: Fit) -> Iterator[str]:
    directions = found.directions
    yield f"jaxbounce {__version__}"
    yield ""
    if found.values:
        yield f"best fit ({found.agreeing} of {found.starts} starts end here): {found.message}"
        for name, value in found.values.items():
            sigma = directions.sigma[name]
            spread = f"± {sigma:.3g} relative" if math.isfinite(sigma) else "not determined"
            yield f"  {name:12} {value:.10g}   {spread}"
    yield _densities(found.prediction)
    yield from tension_text(found)
    for line in found.unfitted:
        yield f"  unfitted     {line}"
    if directions.determined:
        yield "the data determine"
        for c in directions.determined:
            yield f"  {c} to {c.sigma:.3g} relative"
    if directions.flat:
        yield "and say nothing about (flat directions: any common factor to these powers)"
        for c in directions.flat:
            yield f"  {c}"
    if found.status != FitStatus.CONVERGED:
        yield f"not a best fit: {found.message}"

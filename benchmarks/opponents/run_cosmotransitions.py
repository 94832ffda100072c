"""CosmoTransitions on one of the models: T_c, and T_n by its own search for it.

    python -m benchmarks.opponents.run_cosmotransitions dark-u1 [--repeats 2]

It has no T_p, β/H or α. T_n is where its nucleation criterion is 0, which it takes as a function of
S and T: here Γ = H⁴ with H of radiation.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from cosmoTransitions.generic_potential import generic_potential

from benchmarks.opponents.models import MODELS, PLANCK, Model, timed


class Potential(generic_potential):
    """A model as it wants it; daisies beside its loops, which it has not."""

    def init(self, model: Model) -> None:
        """Fields, scales and temperatures."""
        self.model, self.Ndim = model, len(model.ground)
        self.renormScaleSq, self.Tmax = model.scale**2, model.T_max
        self.x_eps, self.T_eps = 1e-3 * model.unit, 1e-3 * model.unit

    def V0(self, X):
        """V at tree level."""
        return self.model.tree(np.asanyarray(X))

    def boson_massSq(self, X, T):
        """m², degrees of freedom and constants of the bosons."""
        m2 = self.model.boson_masses(np.asanyarray(X))
        m2 = np.broadcast_to(m2, (*np.broadcast_shapes(m2.shape[:-1], np.shape(T)), m2.shape[-1]))
        fields = self.model.bosons
        return m2, np.array([f.degrees for f in fields]), np.array([f.constant for f in fields])

    def fermion_massSq(self, X):
        """m² and degrees of freedom of the fermions."""
        m2 = self.model.fermion_masses(np.asanyarray(X))
        return m2, np.array([f.degrees for f in self.model.fermions])

    def V1T(self, bosons, fermions, T, include_radiation=True):
        """The thermal loops, and daisies after Arnold and Espinosa."""
        found = super().V1T(bosons, fermions, T, include_radiation)
        if not any(self.model.debye):
            return found
        m2, degrees, _ = bosons
        T = np.asanyarray(T, dtype=float)
        debye = np.array(self.model.debye) * T[..., None] ** 2
        cubes = np.real((m2 + debye + 0j) ** 1.5 - (m2 + 0j) ** 1.5)
        return found - T / (12 * np.pi) * (degrees * cubes).sum(-1)

    def approxZeroTMin(self):
        """Where to begin."""
        return [np.array(self.model.ground, dtype=float)]

    def forbidPhaseCrit(self, X) -> Any:
        """Whether a phase is a copy of another."""
        return self.model.forbidden(np.asanyarray(X))


def criterion(g_star: float):
    """ln(H⁴/Γ)."""

    def missing(S: float, T: float) -> float:
        T = T + 1e-100
        H = 1.66 * np.sqrt(g_star) * T**2 / PLANCK
        with np.errstate(all="ignore"):
            found = S / T - 1.5 * np.log(S / (2 * np.pi * T)) + 4 * np.log(H / T)
        return float(found if np.isfinite(found) else 1e6)

    return missing


def story(name: str) -> Mapping[str, float]:
    """What it finds of the first-order transition at the lowest temperature."""
    model = MODELS[name]()
    potential = Potential(model)
    with contextlib.redirect_stdout(io.StringIO()):
        potential.calcTcTrans()
        found = potential.findAllTransitions(
            tunnelFromPhase_args={"nuclCriterion": criterion(model.g_star)}
        )
    critical = [t["Tcrit"] for t in potential.TcTrans or () if t["trantype"] == 1]
    nucleated = [t for t in found if t["trantype"] == 1]
    last = min(nucleated, key=lambda t: t["Tnuc"])
    T_n = float(last["Tnuc"])
    return {"T_c": float(min(critical)), "T_n": T_n, "exponent_n": float(last["action"] / T_n)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    timed(lambda: story(arguments.model), arguments.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())

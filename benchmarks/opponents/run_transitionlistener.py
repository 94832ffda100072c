"""TransitionListener 2 on one of the models: the thermal story, by its own defaults.

    python -m benchmarks.opponents.run_transitionlistener z2-singlet [--repeats 2] [--accuracy 1e-2]

Told to differ: walls at the speed of light, constant g_*, and percolation at I = 0.34.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Mapping

import numpy as np

# in an environment of its own, where types are not checked
from transitionlistener import generic_potential  # pyright: ignore[reportMissingImports]
from transitionlistener.particles import Fermion, GaugeBoson, Goldstone, MassSpectrum, Scalar  # pyright: ignore[reportMissingImports]
from transitionlistener.phases import Phases  # pyright: ignore[reportMissingImports]
from transitionlistener.transitionObservables import TransitionObservables  # pyright: ignore[reportMissingImports]
from transitionlistener.transitions import Transitions  # pyright: ignore[reportMissingImports]

from benchmarks.opponents.models import I_P, MODELS, Model, timed


class Potential(generic_potential.generic_potential):
    """A model as it wants it: in units in which v is 1000."""

    def init(self, model: Model, accuracy: float) -> None:
        """Fields, scales and particles."""
        self.model, self.Ndim = model, len(model.ground)
        self.v, self.v_GeV = self.v_stable, model.unit
        self.conversionFactor = self.computeConversionFactor(self.v_stable, model.unit)
        self.X0 = np.array(model.ground) / self.conversionFactor
        self.renormScaleSq = (model.scale / self.conversionFactor) ** 2
        self.daisy = "ArnoldEspinosa" if any(model.debye) else "off"
        self.verbose = False
        percolation = self.config.percolationConf
        percolation.f_perc = 1 - np.exp(-I_P)
        percolation.acc_tperc = percolation.acc_tfinal = percolation.acc_rh = accuracy
        self.config.gwConf.wall_velocity = "c"
        scalars = [
            (Goldstone if f.is_goldstone else Scalar)(f.name, f.name, f.degrees, is_SM=False)
            for f in model.bosons
            if not f.is_gauge
        ]
        gauge = [
            GaugeBoson(f.name, f.name, f.degrees, is_SM=False) for f in model.bosons if f.is_gauge
        ]
        self.mass_spectrum = MassSpectrum(
            scalars,
            gauge,
            [Fermion(f.name, f.name, f.degrees, is_SM=False) for f in model.fermions],
            boson_massSq_fn=self._bosons,
            fermion_massSq_fn=self._fermions,
        )
        # it takes one mode off for each gauge boson, which Landau gauge has too many
        rest = model.g_rest + self.mass_spectrum.number_gauge_bosons
        self.kin_coupled_e_geff = lambda T, unit: rest + 0.0 * T
        self.kin_coupled_p_geff = lambda T, unit: rest + 0.0 * T

    def _bosons(self, X, T):
        unit = self.conversionFactor
        m2 = self.model.boson_masses(np.asarray(X) * unit) / unit**2
        T = np.asarray(T, dtype=float)
        return m2 + np.array(self.model.debye) * T[..., None] ** 2

    def _fermions(self, X):
        unit = self.conversionFactor
        return self.model.fermion_masses(np.asarray(X) * unit) / unit**2

    def V0(self, X):
        """V at tree level."""
        unit = self.conversionFactor
        return self.model.tree(np.asanyarray(X) * unit) / unit**4

    def approxZeroTMin(self):
        """Where to begin."""
        return [self.X0]

    def forbidPhaseCrit(self, X):
        """Whether a phase is a copy of another."""
        return self.model.forbidden(np.asanyarray(X) * self.conversionFactor)


_NAMES = {
    "T_c": "Tcrit_SM_GeV",
    "T_n_bubble": "Tnuc_SM_GeV",
    "T_p": "Tperc_SM_GeV",
    "T_f": "Tf_SM_GeV",
    "beta_over_H_action": "betaH_S3",
    "R_star_H_percolated": "RH",
    "alpha_thetabar": "alpha_thetabar",
}


def story(name: str, accuracy: float) -> Mapping[str, float]:
    """What it finds of the first-order transition at the lowest temperature."""
    with contextlib.redirect_stdout(io.StringIO()):
        potential = Potential(MODELS[name](), accuracy)
        phases = Phases(potential, False)
        transitions = Transitions(phases, potential, False)
        found = TransitionObservables(potential, phases, transitions, False).transitionObservables
    first_order = [one for one in found.values() if one and one.get("trantype", 1) == 1]
    last = min(first_order, key=lambda one: one.get("Tcrit_SM_GeV", np.inf))
    return {ours: float(last.get(theirs, np.nan)) for ours, theirs in _NAMES.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--accuracy", type=float, default=1e-2, help="its target in T_p and R_*")
    arguments = parser.parse_args()
    timed(lambda: story(arguments.model, arguments.accuracy), arguments.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())

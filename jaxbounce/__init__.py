"""jaxbounce: from a first-order phase transition to today's baryon and dark-matter densities.

    import jaxbounce as jb

    jb.enable_x64()
    print(jb.predict(jb.load()).rho_B)

`dir(jb)` lists all there is: functions and classes that most programs need, and the rooms of the
package, each a stage of the calculation or one of its uses. A function never has the name of a
room. Everything is imported when first used, so that `import jaxbounce` and the help of the command
do not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxbounce._core.version import __version__ as __version__

if TYPE_CHECKING:
    from jaxbounce import (
        bounce as bounce,
        conversion as conversion,
        cosmology as cosmology,
        files as files,
        inference as inference,
        model as model,
        occupancy as occupancy,
        parameters as parameters,
        percolation as percolation,
        plotting as plotting,
        potential as potential,
        scan as scan,
        transition as transition,
        yields as yields,
    )
    from jaxbounce._core import errors as errors
    from jaxbounce._core.citation import citation as citation
    from jaxbounce._core.errors import (
        ComputationError as ComputationError,
        ConfigurationError as ConfigurationError,
    )
    from jaxbounce._core.status import Part as Part, Status as Status, check as check
    from jaxbounce.bounce.solve import solve_bounce as solve_bounce
    from jaxbounce.conversion.tiers import convert as convert
    from jaxbounce.files.adapters.transitions import (
        read_bsmpt as read_bsmpt,
        read_ptplot as read_ptplot,
        read_transition_listener as read_transition_listener,
        read_transition_solver as read_transition_solver,
    )
    from jaxbounce.files.adapters.walls import (
        read_bubble_profiler as read_bubble_profiler,
        read_cosmo_transitions as read_cosmo_transitions,
        read_wallgo as read_wallgo,
    )
    from jaxbounce.files.point import Configuration as Configuration, load as load
    from jaxbounce.files.scan_run import run_scan as run_scan
    from jaxbounce.inference.fitting import fit as fit
    from jaxbounce.inference.posteriors import posterior as sample  # noqa: F401
    from jaxbounce.model.budget import budget as budget
    from jaxbounce.model.comparison import compare as compare
    from jaxbounce.model.densities import predict as predict
    from jaxbounce.model.evolution import evolve as evolve
    from jaxbounce.model.model import Model as Model
    from jaxbounce.model.prediction import Prediction as Prediction
    from jaxbounce.model.sensitivity import sensitivities as sensitivities
    from jaxbounce.parameters import Choices as Choices, Parameters as Parameters
    from jaxbounce.plotting import plot as plot
    from jaxbounce.transition.temperatures import find_transition as find_transition

_ROOMS = (
    "cosmology",  # expansion, entropy, gases in equilibrium, densities today
    "potential",  # scalar potentials and their vacua
    "bounce",  # the saddle that governs the decay of a vacuum
    "percolation",  # later bubbles, wall area, false-vacuum fraction
    "transition",  # T_n, T_p, beta/H
    "conversion",  # P(chi -> B) on a wall, by every method
    "parameters",  # the list of parameters and choices, with their ranges
    "occupancy",  # f_chi derived: freeze-in, energy partition, transport off the brane
    "yields",  # Y_B and Y_chi: quadrature, Boltzmann equations
    "model",  # the whole chain; what the densities depend on
    "inference",  # data, priors, fit, posterior
    "scan",  # many points
    "plotting",  # pictures of results
    "files",  # configurations in, results out
)

_NAMES = {
    # a point: read, predict, look into it
    "load": "files.point:load",
    "Configuration": "files.point:Configuration",
    "Model": "model.model:Model",
    "Parameters": "parameters:Parameters",
    "Choices": "parameters:Choices",
    "predict": "model.densities:predict",
    "Prediction": "model.prediction:Prediction",
    "sensitivities": "model.sensitivity:sensitivities",
    "compare": "model.comparison:compare",
    "budget": "model.budget:budget",
    "evolve": "model.evolution:evolve",
    # data and many points
    "fit": "inference.fitting:fit",
    "sample": "inference.posteriors:posterior",
    "run_scan": "files.scan_run:run_scan",
    # the stages before: potential -> bounce -> transition; wall -> P
    "solve_bounce": "bounce.solve:solve_bounce",
    "find_transition": "transition.temperatures:find_transition",
    "convert": "conversion.tiers:convert",
    # files of other tools
    "read_bsmpt": "files.adapters.transitions:read_bsmpt",
    "read_bubble_profiler": "files.adapters.walls:read_bubble_profiler",
    "read_cosmo_transitions": "files.adapters.walls:read_cosmo_transitions",
    "read_ptplot": "files.adapters.transitions:read_ptplot",
    "read_transition_listener": "files.adapters.transitions:read_transition_listener",
    "read_transition_solver": "files.adapters.transitions:read_transition_solver",
    "read_wallgo": "files.adapters.walls:read_wallgo",
    # results
    "plot": "plotting:plot",
    "check": "_core.status:check",
    "Part": "_core.status:Part",
    "Status": "_core.status:Status",
    "errors": "_core.errors",
    "ConfigurationError": "_core.errors:ConfigurationError",
    "ComputationError": "_core.errors:ComputationError",
    "citation": "_core.citation:citation",
}
"""Where each public name lives: a module, or one of its attributes after a colon."""

_HERE = ("__version__", "enable_x64")


def enable_x64() -> None:
    """Switch JAX to float64 for the whole process; call it before making any array.

    Never done on import: the choice is the user's. The accuracies this package states
    are for float64. Programs that were compiled for float32 are forgotten, because JAX would mix
    them with those for float64; models that were loaded before are float32 and to be loaded again.
    """
    import jax

    if not jax.config.values["jax_enable_x64"]:
        jax.config.update("jax_enable_x64", True)
        jax.clear_caches()


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"jaxbounce.{name}")
    if name not in _NAMES:
        raise AttributeError(f"module 'jaxbounce' has no attribute {name!r}")
    module, _, attribute = _NAMES[name].partition(":")
    value = importlib.import_module(f"jaxbounce.{module}")
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*_HERE, *_NAMES, *_ROOMS})

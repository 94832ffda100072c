"""The command `jaxbounce`.

Exit status: 0 when the run succeeded, 2 for bad input, 1 for a failed computation.
Nothing that needs JAX is imported before the arguments are parsed, so that `--help`
answers at once.
"""

import sys
from collections.abc import Callable
from typing import Any

import tyro

from jaxbounce._core.version import __version__
from jaxbounce.cli.bounce import Bounce, run_bounce
from jaxbounce.cli.convert import Convert, run_convert
from jaxbounce.cli.diagnostics import Diagnostics, run_diagnostics
from jaxbounce.cli.evolve import Evolve, run_evolve
from jaxbounce.cli.fit import Fit, run_fit
from jaxbounce.cli.posterior import Posterior, run_posterior
from jaxbounce.cli.run import Run, run_run
from jaxbounce.cli.scan import Scan, run_scan
from jaxbounce.cli.sensitivity import Sensitivity, run_sensitivity
from jaxbounce.cli.show import Show, run_show
from jaxbounce.cli.template import Template, run_template
from jaxbounce.cli.transition import Transition, run_transition

_EXAMPLES = """
examples:
  jaxbounce run                                  the published benchmark, all evaluations
  jaxbounce template > point.json                a configuration to edit
  jaxbounce run point.json --out result.json     run it, write the published output JSON
  jaxbounce run point.json --preset published    on the published grids, digit for digit
  jaxbounce run point.json --set v_w=0.5 --set area_kernel=kjma
  jaxbounce fit --free f_chi                     the occupancy that Planck asks for
  jaxbounce posterior --free f_chi,P --set dark_matter=swept-once --out draws.nc
  jaxbounce evolve point.json --out yields.csv   Y_chi, Y_B, source and A/V over temperature
  jaxbounce sensitivity --plot bars.png          what the densities depend on
  jaxbounce bounce --preset published --out wall.csv   the wall of a potential
  jaxbounce transition potential.json            T_n, T_p, beta/H of a thermal potential
  jaxbounce convert wall.csv --average T=100     P of a wall by every method
  jaxbounce run --set conversion.profile_csv=wall.csv   P from that wall in the chain
  jaxbounce scan --template > scan.toml          a scan to edit: grid, Sobol, priors, file
  jaxbounce scan scan.toml --workers 4           run it, resumable; results in scan.zarr
  jaxbounce show scan.zarr --plot map.png        what came out
  jaxbounce diagnostics point.json               A/V, flux and source around T_p
"""

_COMMANDS: dict[str, tuple[type, Callable[[Any], int]]] = {
    "run": (Run, run_run),
    "sensitivity": (Sensitivity, run_sensitivity),
    "fit": (Fit, run_fit),
    "posterior": (Posterior, run_posterior),
    "evolve": (Evolve, run_evolve),
    "bounce": (Bounce, run_bounce),
    "transition": (Transition, run_transition),
    "convert": (Convert, run_convert),
    "scan": (Scan, run_scan),
    "show": (Show, run_show),
    "diagnostics": (Diagnostics, run_diagnostics),
    "template": (Template, run_template),
}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["-V"]):
        print(f"jaxbounce {__version__}")
        return 0
    command = tyro.extras.subcommand_cli_from_dict(
        {name: kind for name, (kind, _) in _COMMANDS.items()},
        prog="jaxbounce",
        description="From a phase transition to today's baryon and dark-matter densities."
        + _EXAMPLES,
        args=arguments,
    )
    run = next(run for kind, run in _COMMANDS.values() if kind is type(command))
    from jaxbounce._core.errors import ComputationError, ConfigurationError

    try:
        return run(command)
    except ConfigurationError as error:
        print(f"jaxbounce: {error}", file=sys.stderr)
        return 2
    except ComputationError as error:
        print(f"jaxbounce: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("jaxbounce: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader went away (`| head`): not our failure, and nothing more to say
        sys.stdout = None
        return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command `jaxbounce`.

Exit status: 0 when the run succeeded, 2 for bad input, 1 for a failed computation.
Nothing that needs JAX is imported before the arguments are parsed, so that `--help`
answers at once.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from jaxbounce._command import exit_status, keep_compiled, overrides
from jaxbounce._version import __version__
from jaxbounce.scan_command import Scan, Show, run_scan, run_show
from jaxbounce.transition_command import Transition, run_transition

if TYPE_CHECKING:
    from jaxbounce.config import Configuration

Preset = Literal["published", "benchmark", "exact"]

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


@dataclasses.dataclass(frozen=True)
class _Point:
    config: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[CONFIG]")] = None
    """JSON or TOML configuration (published keys); the published benchmark if left out."""
    preset: Annotated[Preset | None, tyro.conf.arg(metavar="published|benchmark|exact")] = None
    """Set of choices; a choice written in CONFIG wins. Default: "benchmark" without CONFIG,
    the defaults of `jaxbounce template` with one."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Override one key of the configuration; may be repeated."""


@dataclasses.dataclass(frozen=True)
class Run(_Point):
    """Predict today's densities and print the report."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""


@dataclasses.dataclass(frozen=True)
class Diagnostics(_Point):
    """Print T/T_p, y, A/V, J_chi and S_B around T_p."""


@dataclasses.dataclass(frozen=True)
class Sensitivity(_Point):
    """Print what the densities depend on: d ln(rho_B, rho_DM, ratio)/d ln of every parameter."""

    wrt: Annotated[str | None, tyro.conf.arg(metavar="NAME,…")] = None
    """Parameters, separated by commas; all if left out."""
    second: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Second derivatives too."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the elasticities as bars (PNG, PDF or SVG); needs the extra "plot"."""


@dataclasses.dataclass(frozen=True)
class Fit(_Point):
    """Fit parameters to the measured densities: best values, goodness, flat directions."""

    free: Annotated[str, tyro.conf.arg(metavar="NAME,…")] = "f_chi"
    """Free parameters, separated by commas, such as f_chi,P."""
    data: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "planck2018"
    """Data set by name, or a JSON or TOML table with mean and covariance of (omega_b, omega_c)."""
    only: Annotated[Literal["omega_b", "omega_c"] | None, tyro.conf.arg(metavar="DATUM")] = None
    """Fit one datum alone: omega_b or omega_c."""
    priors: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """JSON or TOML table of priors by name; their ranges bound the fit."""
    starts: int = 16
    """Starting points."""
    seed: int = 0
    """Shifts them."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON, whole or not at all."""


@dataclasses.dataclass(frozen=True)
class Posterior(Fit):
    """Sample the posterior of parameters by NUTS; needs the extra "bayes"."""

    chains: int = 4
    """Chains."""
    draws: int = 1000
    """Draws of each chain."""
    warmup: int = 500
    """Draws before them that adapt the sampler."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw all pairs of parameters (PNG, PDF or SVG); needs the extra "plot"."""


@dataclasses.dataclass(frozen=True)
class Evolve(_Point):
    """Write Y_chi, Y_B, source and A/V over temperature as CSV or netCDF."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("evolution.csv")
    """CSV or, with the suffix .nc, netCDF; written whole or not at all."""
    points: Annotated[int, tyro.conf.arg(metavar="N")] = 400
    """Temperatures: half even in ln T over the range, half even in y around the walls."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw it (PNG, PDF or SVG); needs the extra "plot"."""


@dataclasses.dataclass(frozen=True)
class Convert:
    """Print the conversion probability of a wall by every method, each with its certificate."""

    source: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[PROFILE]")] = None
    """CSV with columns r, Phi, phi (R_peak, w_FWHM), or a JSON or TOML conversion table that names
    one, such as the published transport_params.json. Left out: the wall of the published potential
    in infinite volume, which the package brings (jaxbounce bounce --preset published)."""
    params: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Conversion table to go with a CSV, such as the published extended_LZ_lambda_params.json."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """One model only: two-level, two-level-dec, two-level-relativistic, local, local-coherent,
    local-relativistic, overlap, full-wave-scalar, full-wave-dirac."""
    lam: Annotated[float | None, tyro.conf.arg(name="lambda", metavar="λ")] = None
    """Mixing over |phi|; published 0.209."""
    v_w: Annotated[float | None, tyro.conf.arg(metavar="V")] = None
    """Wall speed; published 0.3."""
    average: Annotated[str | None, tyro.conf.arg(metavar="T=…")] = None
    """Average over the thermal flux at this temperature too (GeV), such as T=100."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the conversion table, such as couplings.y_B=0.9, K=2 or unit_GeV=1000."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the result as JSON with the published output keys, whole or not at all."""


@dataclasses.dataclass(frozen=True)
class Bounce:
    """Solve the bounce of a scalar potential: action, certificate, wall profile."""

    potential: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FILE]")] = None
    """JSON or TOML with fields, parameters, an algebraic expression and vacua
    (`jaxbounce bounce --template`)."""
    preset: Annotated[Literal["published"] | None, tyro.conf.arg(metavar="published")] = None
    """The published two-field potential, in place of a file."""
    template: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the published potential as a file to edit, and stop."""
    set: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="KEY=VALUE")
    ] = ()
    """Set one key of the table, such as parameters.g=2.5, dimension=3 or r_max=100."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.csv")] = None
    """Write the profile as CSV, and the rest as JSON beside it."""
    points: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """Rows of the profile, dense at the wall."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw the fields (PNG, PDF or SVG); needs the extra "plot"."""


@dataclasses.dataclass(frozen=True)
class Template:
    """Print a configuration with every key."""

    format: Literal["json", "toml"] = "json"
    """toml explains every key."""


Command = (
    Run
    | Diagnostics
    | Sensitivity
    | Fit
    | Posterior
    | Evolve
    | Convert
    | Bounce
    | Transition
    | Scan
    | Show
    | Template
)


def _configured(command: _Point) -> "Configuration":
    """The configuration that a command names."""
    from jaxbounce.config import configure

    return configure(command.config, command.preset, overrides(command.set))


def _convert(command: Convert) -> int:
    from jaxbounce import Status, conversion_report, enable_x64
    from jaxbounce._checks import ConfigurationError, check_name, check_number, put
    from jaxbounce._ranges import above
    from jaxbounce.conversion_config import (
        MODELS,
        SHIPPED_WALL,
        WALL_SPEED,
        expand_conversion,
        read_conversion,
    )
    from jaxbounce.report import write_json

    enable_x64()
    keep_compiled()
    source = command.source or SHIPPED_WALL
    if source.suffix.lower() in (".json", ".toml"):
        if command.params is not None:
            raise ConfigurationError(
                f"--params {command.params}: {source} is a conversion table already; give a CSV"
                " with --params, or a table alone"
            )
        table = expand_conversion(source, Path())
    else:
        table = {} if command.params is None else expand_conversion(command.params, Path())
        table.pop("tanh", None)
        table["profile_csv"] = str(source)
    for key, value in overrides(command.set).items():
        put(table, key, value)
    if command.lam is not None:
        table.pop("lambda_tr_eff", None)
        put(table, "couplings.lambda_tr_eff", command.lam)
    T = None
    if command.average is not None:
        name, _, value = command.average.partition("=")
        try:
            T = check_number("--average T", float(value), above(0, "temperature in GeV"))
        except ValueError as error:
            if isinstance(error, ConfigurationError):
                raise
            name = ""
        if name != "T":
            raise ConfigurationError(
                f"--average {command.average}: must be T=NUMBER, such as T=100"
            )
    if command.v_w is not None:
        check_number("--v-w", command.v_w, WALL_SPEED)
    if command.model is not None:
        table["model"] = check_name("--model", command.model, MODELS)
    settings = read_conversion(table)
    if command.model is not None:
        settings.refuse_unused_K()
    result = conversion_report.convert(settings, command.v_w, T, command.model)
    if command.out is not None:
        write_json(command.out, conversion_report.as_mapping(result))
    print(conversion_report.as_text(result))
    first = result.tiers[0]
    codes = [first.status] + ([] if first.average is None else [Status(int(first.average.status))])
    failed = [status for status in codes if status != Status.SUCCESS]
    if failed:
        print(f"jaxbounce: {first.name}: {failed[0].message}", file=sys.stderr)
    return 1 if failed else 0


def _sensitivity(command: Sensitivity) -> int:
    from jaxbounce import Status, enable_x64, plotting, sensitivity_report
    from jaxbounce.report import resolved_model, write_json
    from jaxbounce.sensitivity import check_parameters, sensitivities

    enable_x64()
    configuration = _configured(command)
    keep_compiled()
    model, _ = resolved_model(configuration)
    names = None
    if command.wrt is not None:
        written = [name.strip() for name in command.wrt.split(",") if name.strip()]
        names = check_parameters(model, [sensitivity_report.parameter_of(n) for n in written])
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    found = sensitivities(model, names, command.second)
    if command.out is not None:
        write_json(command.out, sensitivity_report.as_mapping(configuration, model, found))
    if command.plot is not None:
        plotting.tornado(sensitivity_report.as_rows(model, found), command.plot)
    print(sensitivity_report.as_text(model, found))
    return exit_status(Status(int(found.prediction.status)))


def _fit_arguments(command: Fit) -> tuple["Configuration", tuple[Any, ...]]:
    """The configuration; and model, free parameters, data and priors."""
    from jaxbounce import enable_x64
    from jaxbounce._checks import check_whole, read_mapping
    from jaxbounce.inference import DATA_SETS, likelihood, read_likelihood
    from jaxbounce.report import resolved_model
    from jaxbounce.sensitivity_report import parameter_of

    enable_x64()
    configuration = _configured(command)
    keep_compiled()
    free = [parameter_of(name.strip()) for name in command.free.split(",") if name.strip()]
    check_whole("--starts", command.starts, 1, "number of starting points")
    named = command.data in DATA_SETS or not Path(command.data).suffix
    data = likelihood(command.data) if named else read_likelihood(read_mapping(command.data))
    if command.only is not None:
        data = data.only(command.only)
    priors = None if command.priors is None else read_mapping(command.priors)
    model, _ = resolved_model(configuration)
    return configuration, (model, free, data, priors)


def _posterior(command: Posterior) -> int:
    from jaxbounce import fit_report, plotting
    from jaxbounce._checks import ConfigurationError, check_whole
    from jaxbounce.inference import posterior

    for name, least in (("chains", 1), ("draws", 4), ("warmup", 10)):
        check_whole(f"--{name}", getattr(command, name), least, "number of them")
    if command.out is not None and command.out.suffix.lower() != ".nc":
        raise ConfigurationError(f"--out {command.out}: draws are netCDF; use a name in .nc")
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    _, arguments = _fit_arguments(command)
    found = posterior(
        *arguments,
        chains=command.chains,
        draws=command.draws,
        warmup=command.warmup,
        starts=command.starts,
        seed=command.seed,
    )
    if command.out is not None:
        found.save(command.out)
    if command.plot is not None:
        plotting.corner(found.data.posterior, tuple(found.fit.values), command.plot)
    print(fit_report.posterior_text(found))
    return 0


def _fit(command: Fit) -> int:
    from jaxbounce import fit_report
    from jaxbounce.inference import FitStatus, fit
    from jaxbounce.report import write_json

    configuration, arguments = _fit_arguments(command)
    found = fit(*arguments, starts=command.starts, seed=command.seed)
    if command.out is not None:
        write_json(command.out, fit_report.as_mapping(configuration, found))
    print(fit_report.as_text(found))
    if found.status != FitStatus.CONVERGED:
        print(f"jaxbounce: {found.message}", file=sys.stderr)
        return 1
    return 0


def _evolve(command: Evolve) -> int:
    import jax.numpy as jnp
    import numpy as np

    from jaxbounce import Status, enable_x64, evolution_report, plotting
    from jaxbounce._checks import ConfigurationError, check_whole
    from jaxbounce.report import resolved_model

    enable_x64()
    configuration = _configured(command)
    keep_compiled()
    points = check_whole("--points", command.points, 4, "number of temperatures")
    if command.out.suffix.lower() not in (".csv", ".nc"):
        raise ConfigurationError(f"--out {command.out}: unknown format; use .csv or .nc")
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    model, conversion = resolved_model(configuration)
    if int(conversion.status) != Status.SUCCESS:
        return exit_status(Status(int(conversion.status)))
    grid = evolution_report.temperature_grid(model, points)
    found = evolution_report.evolution(model, jnp.asarray(grid))
    codes = np.asarray(found.status)
    failed = codes[codes != Status.SUCCESS]
    evolution_report.write(command.out, found, json.dumps(configuration.as_mapping()))
    if command.plot is not None:
        plotting.evolution(evolution_report.columns(found), command.plot)
    print(f"{command.out}: {grid.size} temperatures, {failed.size} without a number")
    return exit_status(Status(int(failed[0])) if failed.size else Status.SUCCESS)


def _bounce(command: Bounce) -> int:
    from jaxbounce import Status, bounce_config, bounce_report, enable_x64, plotting
    from jaxbounce._checks import ConfigurationError, check_whole, put, read_mapping

    if command.template:
        print(bounce_report.template_text())
        return 0
    if (command.potential is None) == (command.preset is None):
        have = "both given" if command.preset else "both missing"
        raise ConfigurationError(f"FILE and --preset: {have}; give exactly one potential")
    enable_x64()
    keep_compiled()
    table = (
        dict(bounce_config.PUBLISHED)
        if command.potential is None
        else read_mapping(command.potential)
    )
    for key, value in overrides(command.set).items():
        put(table, key, value)
    points = check_whole("--points", command.points, 16, "rows of the profile")
    if command.out is not None and command.out.suffix.lower() != ".csv":
        raise ConfigurationError(f"--out {command.out}: the profile is CSV; use a name in .csv")
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    solved = bounce_config.solve(table)
    if solved.status == Status.SUCCESS:
        if command.out is not None:
            bounce_report.write(command.out, solved, points)
        if command.plot is not None:
            r, values = bounce_report.profile(solved)
            plotting.profile(r, values, solved.fields, command.plot)
    print(bounce_report.as_text(solved))
    return exit_status(solved.status)


def _run(command: Command) -> int:
    if isinstance(command, Scan):
        return run_scan(command)
    if isinstance(command, Show):
        return run_show(command)
    if isinstance(command, Convert):
        return _convert(command)
    if isinstance(command, Bounce):
        return _bounce(command)
    if isinstance(command, Transition):
        return run_transition(command)
    if isinstance(command, Posterior):
        return _posterior(command)
    if isinstance(command, Fit):
        return _fit(command)
    if isinstance(command, Evolve):
        return _evolve(command)
    if isinstance(command, Sensitivity):
        return _sensitivity(command)
    from jaxbounce import Status, enable_x64, report

    if isinstance(command, Template):
        print(report.template_text(command.format))
        return 0
    # before the configuration: a profile is an array as soon as it is read
    enable_x64()
    configuration = _configured(command)
    keep_compiled()
    if isinstance(command, Diagnostics):
        print(report.diagnostics_text(configuration))
        return 0
    result = report.run(configuration)
    if command.out is not None:
        report.write_json(command.out, report.as_mapping(result))
    print(report.as_text(result))
    return exit_status(Status(int(result.prediction.status)))


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["-V"]):
        print(f"jaxbounce {__version__}")
        return 0
    commands = {
        "run": Run,
        "sensitivity": Sensitivity,
        "fit": Fit,
        "posterior": Posterior,
        "evolve": Evolve,
        "bounce": Bounce,
        "transition": Transition,
        "convert": Convert,
        "scan": Scan,
        "show": Show,
        "diagnostics": Diagnostics,
        "template": Template,
    }
    command: Command = tyro.extras.subcommand_cli_from_dict(
        commands,
        prog="jaxbounce",
        description="From a phase transition to today's baryon and dark-matter densities."
        + _EXAMPLES,
        args=arguments,
    )
    from jaxbounce._checks import ComputationError, ConfigurationError

    try:
        return _run(command)
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

"""The command `jaxbounce convert`."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro

from jaxbounce._command import keep_compiled, overrides


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


def run_convert(command: Convert) -> int:
    """Run `jaxbounce convert`; the exit status."""
    from jaxbounce import Status, conversion_report, conversion_tiers, enable_x64
    from jaxbounce._checks import ConfigurationError, check_name, check_number, put
    from jaxbounce._files import write_json
    from jaxbounce._ranges import above
    from jaxbounce.conversion_config import (
        MODELS,
        SHIPPED_WALL,
        WALL_SPEED,
        expand_conversion,
        read_conversion,
    )

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
    result = conversion_tiers.convert(settings, command.v_w, T, command.model)
    if command.out is not None:
        write_json(command.out, conversion_report.as_mapping(result))
    print(conversion_report.as_text(result))
    first = result.tiers[0]
    codes = [first.status] + ([] if first.average is None else [Status(int(first.average.status))])
    failed = [status for status in codes if status != Status.SUCCESS]
    if failed:
        print(f"jaxbounce: {first.name}: {failed[0].message}", file=sys.stderr)
    return 1 if failed else 0

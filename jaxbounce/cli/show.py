"""`jaxbounce show`: what is in a store of a scan."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from jaxbounce._core.checks import check_name
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cli.scan import status_lines
from jaxbounce.inference import Likelihood
from jaxbounce.scan.store import Store
from jaxbounce.scan.summary import LOG_LIKELIHOOD, _extremes, quantities

if TYPE_CHECKING:
    from jaxbounce.scan.store import Store


def summary_lines(store: Store, data: Likelihood) -> Iterator[str]:
    """What is in a store."""
    scan, used = store.attributes["scan"], store.attributes["versions"]
    counts = store.counts()
    done = store.layout.points - counts.get(Status.NOT_COMPUTED, 0)
    yield f"{store.path}: {done} of {store.layout.points} points computed"
    yield f"  design      {scan.get('design', 'own')}: {', '.join(store.names)}"
    yield f"  made with   {', '.join(f'{name} {version}' for name, version in used.items())}"
    yield f"  sha256      {store.attributes['sha256']}"
    for name, error in store.attributes.get("float32_relative_error", {}).items():
        yield f"  float32     {name}: {error:.2g} from float64, largest of a sample"
    yield from status_lines(counts)
    yield ""
    yield f"  {'quantity':<28}{'lowest':>16}{'highest':>16}"
    for quantity in quantities(store):
        found = _extremes(store, quantity, data)
        if found is None:
            yield f"  {quantity:<28}{'no number':>16}"
            continue
        yield f"  {quantity:<28}{found.low:>16.8g}{found.high:>16.8g}"
        if quantity == LOG_LIKELIHOOD:
            at = ", ".join(f"{name} = {value:.6g}" for name, value in found.best.items())
            yield f"    −χ²/2 with {data.name}; highest at {at}"


@dataclasses.dataclass(frozen=True)
class Show:
    """Summarise the store of a scan, draw two of its parameters, or write it as a flat table."""

    store: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="STORE")]
    """What `jaxbounce scan` made; it may be unfinished."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw a quantity over two parameters, with the measured band of rho_B (PNG, PDF or SVG); needs
    the extra "plot"."""
    x: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Parameter along the picture; the first that varies if left out."""
    y: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Parameter up the picture; the next that varies if left out."""
    quantity: Annotated[str, tyro.conf.arg(metavar="NAME")] = "rho_B"
    """What to draw: a stored result, or log_likelihood."""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "planck2018"
    """Data set of the log-likelihood and the band."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write all computed points as .csv, .parquet or .nc, whole or not at all."""


def run_show(command: Show) -> int:
    """Run `jaxbounce show`; the exit status."""
    from jaxbounce import enable_x64, plotting
    from jaxbounce.cli import scan as scan_report
    from jaxbounce.inference import data as likelihood
    from jaxbounce.scan.store import open_store

    enable_x64()
    if command.plot is not None:
        plotting.new_figure(1, 1)  # what is missing shows before the work
    data = likelihood(command.data)
    store = open_store(command.store)
    check_name("--quantity", command.quantity, scan_report.quantities(store))
    for option, name in (("--x", command.x), ("--y", command.y)):
        if name is not None:
            check_name(option, name, store.names)
    print("\n".join(scan_report.summary_lines(store, data)))
    if command.plot is not None:
        if len(store.names) < 2:
            raise ConfigurationError(
                f"--plot: {store.path} varies one parameter; a picture needs two"
            )
        x = command.x or next(name for name in store.names if name != command.y)
        y = command.y or next(name for name in store.names if name != x)
        cells = scan_report.picture(store, command.quantity, x, y, data)
        mean, sigma = float(data.rho[0]), float(data.rho_sigma[0])
        band = (mean - 2 * sigma, mean + 2 * sigma)
        plotting.heat_map(cells, (x, y), command.quantity, band, command.plot)
        print(f"{command.plot}: {command.quantity} over {x} and {y}")
    if command.out is not None:
        print(f"{command.out}: {scan_report.export(store, command.out)} points")
    return 0

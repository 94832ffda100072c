"""`jaxbounce show`: what is in a store of a scan."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cli._figures import DIGITS, Digits, Figures
from jaxbounce.cli._shared import Outputs
from jaxbounce.cli.fit import measured
from jaxbounce.cli.scan import status_lines

if TYPE_CHECKING:
    from jaxbounce.inference import Likelihood
    from jaxbounce.scan.store import Store

ORDER = 100
EXAMPLES = """\
jaxbounce show scan.zarr --plot map.png        what came out
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """Summarise the store of a scan, draw two of its parameters, or write it as a flat table."""

    store: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="STORE")]
    """What `jaxbounce scan` made; it may be unfinished."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw a quantity over one parameter or two, with the measured band (PNG, PDF or SVG); needs
    the extra "plot"."""
    x: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Parameter along the picture; the first that varies if left out."""
    y: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Parameter up the picture; the next that varies if left out."""
    quantity: Annotated[str, tyro.conf.arg(metavar="NAME")] = "rho_B"
    """What to draw: a stored result, or log_likelihood."""
    data: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "planck2018"
    """Data set of the log-likelihood and the band, by name or as a table (see `jaxbounce fit`)."""
    digits: Digits = DIGITS
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write all computed points as .csv, .parquet or .nc, whole or not at all."""

    def run(self) -> int:
        """Print, draw and write it; the exit status."""
        from jaxbounce._core.checks import check_name
        from jaxbounce.scan.summary import quantities

        figures, outputs = Figures(self.digits), Outputs()
        if self.out is not None:
            jb.files.export.check_format(self.out)
        outputs.check(self.out, picture=self.plot, sources=(self.data,))
        jb.enable_x64()
        data = measured(self.data)
        store = jb.scan.open_store(self.store)
        store.verify()
        check_name("--quantity", self.quantity, quantities(store))
        for option, name in (("--x", self.x), ("--y", self.y)):
            if name is not None:
                check_name(option, name, store.names)
        print("\n".join(_lines(store, data, figures)))
        if self.plot is not None:
            self._draw(store, data, self.plot, outputs)
        if self.out is not None:
            written = outputs.put(lambda path: jb.files.export.export(store, path), self.out)
            if written is not None:
                print(f"{self.out}: {written} points")
        return outputs.status(0)

    def _draw(self, store: "Store", data: "Likelihood", path: Path, outputs: Outputs) -> None:
        if len(store.names) < 2:
            outputs.draw(lambda: jb.plot(store, quantity=self.quantity, data=data), path)
            print(f"{path}: {self.quantity} over {', '.join(store.names)}")
            return
        x, y = jb.plotting.two_parameters(store, self.x, self.y)
        if x == y:
            raise ConfigurationError(f"--x and --y: are both {x}; give two parameters")
        options = {"x": x, "y": y, "quantity": self.quantity, "data": data}
        outputs.draw(lambda: jb.plot(store, **options), path)
        print(f"{path}: {self.quantity} over {x} and {y}")


def _lines(store: "Store", data: "Likelihood", figures: Figures) -> Iterator[str]:
    """What is in a store."""
    from jaxbounce.scan.summary import LOG_LIKELIHOOD, extremes, quantities

    scan, used = store.attributes["scan"], store.attributes["versions"]
    counts = store.counts()
    done = store.layout.points - counts.get(Status.NOT_COMPUTED, 0)
    yield f"{store.path}: {done} of {store.layout.points} points computed"
    yield f"  design      {scan.get('design', 'own')}: {', '.join(store.names)}"
    yield f"  made with   {', '.join(f'{name} {version}' for name, version in used.items())}"
    yield f"  sha256      {store.attributes['sha256']}"
    if store.checksums is None:
        yield "  checksums   none (an earlier version made it): damage may go unnoticed"
    for name, error in store.attributes.get("float32_relative_error", {}).items():
        yield f"  float32     {name}: {error:.2g} from float64, largest of a sample"
    yield from status_lines(counts, store.failures())
    yield ""
    wide = max(figures.width + 1, 16)
    yield f"  {'quantity':<28}{'lowest':>{wide}}{'highest':>{wide}}"
    for quantity in quantities(store):
        found = extremes(store, quantity, data)
        if found is None:
            yield f"  {quantity:<28}{'no number':>{wide}}"
            continue
        yield f"  {quantity:<28}{figures(found.low):>{wide}}{figures(found.high):>{wide}}"
        if quantity == LOG_LIKELIHOOD:
            at = ", ".join(f"{name} = {figures(value)}" for name, value in found.best.items())
            yield f"    −χ²/2 with {data.name}; highest at {at}"

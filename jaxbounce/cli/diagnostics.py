"""`jaxbounce diagnostics`: the source around T_p."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jaxbounce._core.errors import ComputationError
from jaxbounce._core.status import Status
from jaxbounce.cli._figures import Figures, Reported
from jaxbounce.cli._shared import configured, converted, resolved

if TYPE_CHECKING:
    import jaxbounce as jb
    from jaxbounce.model.diagnostics import SourceTable

ORDER = 110
EXAMPLES = """\
jaxbounce diagnostics point.json               A/V, flux and source around T_p
"""


@dataclasses.dataclass(frozen=True)
class Command(Reported):
    """Print T/T_p, y, A/V, J_chi and S_B around T_p."""

    def run(self) -> int:
        """Compute and print it; the exit status."""
        from jaxbounce.model.diagnostics import source_table

        figures = self.figures()
        model = resolved(configured(self))
        conversion = converted(model)
        status = Status(int(conversion.status))
        if status != Status.SUCCESS:
            raise ComputationError(f"conversion: {status.message}")
        print("\n".join(_lines(model, source_table(model, conversion.P), figures)))
        return 0


def _lines(model: "jb.Model", found: "SourceTable", figures: Figures) -> Iterator[str]:
    """The table that the published script prints."""
    p = model.parameters
    yield (
        f"T_p = {float(p.T_p):g} GeV, H_p = {figures(found.hubble)} GeV,"
        f" beta = {figures(found.beta)} GeV; area zero outside y = [{float(p.y_min):g},"
        f" {float(p.y_max):g}]"
    )
    columns = {
        "T/T_p": found.ratio,
        "y": found.y,
        "A/V (GeV)": found.area_density,
        "J_chi (GeV³)": found.flux,
        "S_B (GeV⁴)": found.source,
        "dY_B/dy": found.yield_per_y,
    }
    wide = figures.column(*columns)
    yield " ".join(f"{head:>{wide}}" for head in columns)
    for row in zip(*columns.values(), strict=True):
        yield " ".join(f"{figures(value):>{wide}}" for value in row)

"""`jaxbounce diagnostics`: the source around T_p."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jaxbounce._core.errors import ComputationError
from jaxbounce._core.status import Status
from jaxbounce.cli._shared import Point, configured, converted, resolved

if TYPE_CHECKING:
    import jaxbounce as jb
    from jaxbounce.model.diagnostics import SourceTable

ORDER = 110
EXAMPLES = """\
jaxbounce diagnostics point.json               A/V, flux and source around T_p
"""


@dataclasses.dataclass(frozen=True)
class Command(Point):
    """Print T/T_p, y, A/V, J_chi and S_B around T_p."""

    def run(self) -> int:
        """Compute and print it; the exit status."""
        from jaxbounce.model.diagnostics import source_table

        model = resolved(configured(self))
        conversion = converted(model)
        status = Status(int(conversion.status))
        if status != Status.SUCCESS:
            raise ComputationError(f"conversion: {status.message}")
        print("\n".join(_lines(model, source_table(model, conversion.P))))
        return 0


def _lines(model: "jb.Model", found: "SourceTable") -> Iterator[str]:
    """The table that the published script prints."""
    p = model.parameters
    yield (
        f"T_p = {float(p.T_p):g} GeV, H_p = {float(found.hubble):.6e} GeV,"
        f" beta = {float(found.beta):.6e} GeV; area zero outside y = [{float(p.y_min):g},"
        f" {float(p.y_max):g}]"
    )
    yield (
        f"{'T/T_p':>10} {'y':>13} {'A/V (GeV)':>14} {'J_chi (GeV³)':>14} {'S_B (GeV⁴)':>14}"
        f" {'dY_B/dy':>14}"
    )
    columns = (found.ratio, found.y, found.area_density, found.flux, found.source)
    for row in zip(*columns, found.yield_per_y, strict=True):
        ratio, y, *rest = (float(value) for value in row)
        yield f"{ratio:10.6f} {y:13.6f} " + " ".join(f"{value:14.6e}" for value in rest)

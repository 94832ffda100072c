"""`jaxbounce evolve`: yields, source and wall area over temperature."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce.cli._shared import (
    Outputs,
    Point,
    configured,
    converted,
    exit_status,
    named_files,
    resolved,
)

MOST_POINTS = 10**7
"""Rows of a table, at most: more fill the memory of a machine."""

ORDER = 50
EXAMPLES = """\
jaxbounce evolve point.json --out yields.csv   Y_chi, Y_B, source and A/V over temperature
"""


@dataclasses.dataclass(frozen=True)
class Command(Point):
    """Write Y_chi, Y_B, source and A/V over temperature as CSV or netCDF."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("evolution.csv")
    """CSV or, with the suffix .nc, netCDF; written whole or not at all."""
    points: Annotated[int, tyro.conf.arg(metavar="N")] = 400
    """Temperatures: half even in ln T over the range, half even in y around the walls."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw it (PNG, PDF or SVG); needs the extra "plot"."""

    def run(self) -> int:
        """Compute, write and draw it; the exit status."""
        import numpy as np

        from jaxbounce._core.checks import check_whole

        points = check_whole("--points", self.points, 4, "number of temperatures", MOST_POINTS)
        if self.out.suffix.lower() not in (".csv", ".nc"):
            raise ConfigurationError(f"--out {self.out}: unknown format; use .csv or .nc")
        outputs = Outputs()
        outputs.check(self.out, picture=self.plot, sources=(self.config,))
        configuration = configured(self)
        outputs.spare(named_files(self, configuration))
        model = resolved(configuration)
        conversion = converted(model)
        if int(conversion.status) != Status.SUCCESS:
            return exit_status(Status(int(conversion.status)))
        found = jb.evolve(model, points)
        codes = np.asarray(found.status)
        failed = codes[codes != Status.SUCCESS]
        inputs = json.dumps(configuration.as_mapping())
        outputs.put(jb.files.evolution.write, self.out, found, inputs)
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(found), self.plot)
        place = "" if outputs.failed else f"{self.out}: "
        print(f"{place}{codes.size} temperatures, {failed.size} without a number")
        status = Status(int(failed[0])) if failed.size else Status.SUCCESS
        return outputs.status(exit_status(status))

"""`jaxbounce import`: files of other tools as walls, points and tables of points."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.cli._figures import DIGITS, Digits, Figures
from jaxbounce.cli._shared import Outputs

if TYPE_CHECKING:
    from jaxbounce.files.adapters import Imported

ORDER = 85
EXAMPLES = """\
jaxbounce import out.tsv --from bsmpt --out points.csv   other tools' files: see also docs
"""

Tool = Literal[
    "cosmotransitions",
    "bsmpt",
    "wallgo",
    "bubbleprofiler",
    "transitionsolver",
    "transitionlistener",
    "ptplot",
]


@dataclasses.dataclass(frozen=True)
class Command:
    """Read a file of another tool; print what it holds, write what the other commands read."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The file; pickles are never loaded."""
    tool: Annotated[Tool, tyro.conf.arg(name="from", metavar="TOOL")]
    """cosmotransitions, bsmpt, wallgo, bubbleprofiler, transitionsolver, transitionlistener or
    ptplot."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """.csv: the wall for `jaxbounce convert`, or else the points for a scan (design = "file");
    .json: one point for `jaxbounce run`, the published benchmark where the file says nothing."""
    row: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Which transition or point of the file, from 1, where there are several."""
    fields: Annotated[str | None, tyro.conf.arg(metavar="PHI,phi")] = None
    """Names of the two fields of the wall: that which is not zero inside, that outside."""
    alpha: Annotated[
        Literal["alpha_V", "alpha_eff"] | None, tyro.conf.arg(metavar="alpha_V|alpha_eff")
    ] = None
    """Which number of the chain the tool's alpha stands for; left out, it is not used."""
    digits: Digits = DIGITS

    def run(self) -> int:
        """Read, print and write it; the exit status."""
        figures, outputs = Figures(self.digits), Outputs()
        suffix = "" if self.out is None else self.out.suffix.lower()
        if self.out is not None and suffix not in (".csv", ".json"):
            raise ConfigurationError(f"--out {self.out}: unknown format; use .csv or .json")
        outputs.check(self.out, sources=(self.file,))
        found = jb.files.adapters.read_from(self.tool, self.file)
        if self.alpha is not None:
            found = found.with_strength(self.alpha)
        text = self._text(found, suffix) if suffix else ""
        if self.out is not None:
            outputs.put(jb.files.write.write_whole, self.out, text)
        print(found.as_text(figures.digits))
        if self.out is None and found.columns and (found.rows == 1 or self.row is not None):
            print("in the chain")
            print("  jaxbounce run " + " ".join(_settings(found, self.row)))
        return outputs.status(0)

    def _text(self, found: "Imported", suffix: str) -> str:
        if suffix == ".json":
            point = jb.files.point.BENCHMARK | found.point(self.row)
            return json.dumps({"preset": "benchmark"} | point, indent=2) + "\n"
        if found.wall is not None:
            names = None if self.fields is None else [n.strip() for n in self.fields.split(",")]
            return found.wall.as_csv(names)
        return found.as_csv()


def _settings(found: "Imported", row: int | None) -> list[str]:
    return [f"--set {key}={value:.10g}" for key, value in found.point(row).items()]

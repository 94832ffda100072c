"""Table I of the published pipeline: the numbers that its scripts print for its benchmark.

Y_B, ρ_B and ρ_DM as the published scripts write them, with the inputs of
`jaxbounce.files.point.BENCHMARK`.
"""

from typing import NamedTuple

from jaxbounce.model.prediction import Prediction

TABLE_ONE = {
    "Y_B": 8.720885362714675e-11,
    "rho_B": 4.217027705336e-28,
    "rho_DM": 2.39903599679016e-27,
    "ratio": 2.39903599679016e-27 / 4.217027705336e-28,
}
"""Baryon yield, densities today (kg/m³) and their ratio, 5.689, by the names of `Prediction`."""

REPRODUCED = 1e-8
"""Relative difference up to which a number is that of the table: its grids, in another language."""

PREDICTED_RATIO = 5.70
"""The ratio that the paper predicts, (1 − P)/P: what a front leaves over what it converts."""

RESIDUAL_FACTOR = 0.94168
"""5.357/5.6889: what the authors multiply the ratio with to meet Planck ("settling factor")."""


class Compared(NamedTuple):
    """A number of the table beside ours.

    Attributes:
        published: as the scripts print it.
        ours: on the published grids.
    """

    published: float
    ours: float

    @property
    def difference(self) -> float:
        """|ours/published − 1|."""
        return abs(self.ours / self.published - 1)

    @property
    def reproduced(self) -> bool:
        """Whether ours is the published number."""
        return self.difference <= REPRODUCED


def compared(row: Prediction) -> dict[str, Compared]:
    """Table I beside a prediction on the published grids (the row "published")."""
    return {
        name: Compared(published, float(getattr(row, name)))
        for name, published in TABLE_ONE.items()
    }

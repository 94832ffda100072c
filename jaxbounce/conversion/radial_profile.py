"""A bubble as tabulated, and the wall in it."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxbounce.conversion.wall import TabulatedWall


@dataclasses.dataclass(frozen=True)
class RadialProfile:
    """A bubble as tabulated: fields with their signs over the radius, increasing.

    Attributes:
        r: radius.
        Phi: hidden field.
        phi: brane field.
        R_peak: radius of the wall, where its energy density peaks.
        w_FWHM: full width of that peak at half maximum; nan if unknown.
        largest_Phi: largest |Phi| in any row of the file, dropped ones included.
        columns: names of the columns in the file, by ours.
        notes: what was done to the rows.
    """

    r: np.ndarray
    Phi: np.ndarray
    phi: np.ndarray
    R_peak: float
    w_FWHM: float
    largest_Phi: float
    columns: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def wall(self) -> TabulatedWall:
        """The wall at ξ = r − R_peak."""
        return TabulatedWall.from_table(
            self.r - self.R_peak, _magnitude(self.Phi), _magnitude(self.phi), self.r
        )


def _magnitude(values: np.ndarray) -> np.ndarray:
    """|values|; what noise has put on the wrong side of zero becomes 0, which leaves no kink."""
    sign = np.sign(values[np.argmax(np.abs(values))])
    return np.maximum(sign * values, 0.0)

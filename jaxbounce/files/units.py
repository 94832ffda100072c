"""Units and meanings of columns: one table for netCDF, Parquet and the headers of CSV.

Units are written as netCDF programs read them ("kg m-3"). The header of a column has its unit in
brackets, `rho_B [kg m-3]`; a pure number has none.
"""

import functools
import re
from typing import NamedTuple

from jaxbounce._core.declare import Declaration, declarations
from jaxbounce._core.errors import ConfigurationError
from jaxbounce.conversion.wall import Couplings
from jaxbounce.model.names import parameter_of
from jaxbounce.parameters import Parameters
from jaxbounce.scan.evaluate import OUTPUTS, derivative_name

_WRITTEN = {
    "": "1",
    "kg/m³": "kg m-3",
    "GeV": "GeV",
    "GeV³": "GeV3",
    "GeV⁴": "GeV4",
    "1/GeV": "GeV-1",
    "GeV⁻²": "GeV-2",
}
"""Units of declarations, and as files have them."""

_HEADER = re.compile(r"(?P<name>.*\S)\s*[\[(](?P<unit>[^\[\]()]*)[\])]\s*")


@functools.cache
def _declared() -> dict[str, Declaration]:
    """All parameters that have a unit of their own."""
    # imported when first asked for: SciPy is behind it
    from jaxbounce.occupancy import Collisions, Decays, EnergyPartition, OffBrane

    found: dict[str, Declaration] = {}
    for module in (Collisions, Decays, EnergyPartition, OffBrane, Couplings, Parameters):
        found |= declarations(module)
    return found


class Column(NamedTuple):
    """What a column is.

    Attributes:
        units: as files have them; "1" for a pure number.
        long_name: in words.
    """

    units: str
    long_name: str


def column(name: str) -> Column | None:
    """A parameter, coupling or result of a scan; None where it is not declared."""
    known = _declared()
    if name in known:
        unit = known[name].unit
        return Column(_WRITTEN[unit], known[name].range.meaning.removesuffix(f" ({unit})"))
    if name in OUTPUTS:
        meaning = OUTPUTS[name]
        unit = next((unit for unit in _WRITTEN if unit and meaning.endswith(f" ({unit})")), "")
        return Column(_WRITTEN[unit], meaning.removesuffix(f" ({unit})"))
    return None


def derivative_columns(outputs: list[str], names: tuple[str, ...]) -> dict[str, Column]:
    """Derivatives of results in parameters, by the names of their columns."""
    found = {}
    for output in outputs:
        for name in names:
            of, by = column(output), column(name)
            meaning = f"derivative of {output} in {name}"
            # the parameters of a potential have no unit that is known here
            units = "" if of is None or by is None else _quotient(of.units, by.units)
            found[derivative_name(output, name)] = Column(units, meaning)
    return found


def _quotient(above: str, below: str) -> str:
    """The unit of a ratio of two."""
    if below == "1":
        return above
    inverse = []
    for part in below.split():
        base, power = re.fullmatch(r"([A-Za-z]+)(-?\d+)?", part).groups("1")  # type: ignore[union-attr]
        inverse.append(base if power == "-1" else f"{base}{-int(power)}")
    return " ".join(([] if above == "1" else [above]) + inverse)


def header(name: str, units: str) -> str:
    """The name of a column with its unit."""
    return name if units in ("", "1") else f"{name} [{units}]"


def name_of(text: str, where: str) -> str:
    """The name in the header of a column, without its unit.

    Args:
        text: the header of a column, which may have a unit in brackets.
        where: the file, for messages.

    Raises:
        ConfigurationError: if the unit is not the one in which the quantity is read.
    """
    text = text.strip()
    found = _HEADER.fullmatch(text)
    if found is None:
        return text
    name, unit = found["name"], found["unit"].strip()
    known = column(parameter_of(name))
    if known is not None and _WRITTEN.get(unit, unit) != known.units:
        read = "as a pure number" if known.units == "1" else f"in {known.units}"
        raise ConfigurationError(
            f"{where}: column {text}: {name} is read {read}; convert the numbers, and their header"
        )
    return name

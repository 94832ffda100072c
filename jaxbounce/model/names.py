"""Whoever has two names: that of Python, and the key of configurations."""

from jaxbounce._core.declare import declarations
from jaxbounce.conversion.wall import Couplings
from jaxbounce.occupancy import Collisions, Decays, EnergyPartition, OffBrane
from jaxbounce.parameters import Parameters

_OTHER_NAMES = {
    declared.key: name
    for module in (Collisions, Decays, EnergyPartition, OffBrane, Couplings, Parameters)
    for name, declared in declarations(module).items()
}


def parameter_of(name: str) -> str:
    """The parameter of a configuration key (of a coupling or a stage too), or the name itself."""
    return _OTHER_NAMES.get(name, name)

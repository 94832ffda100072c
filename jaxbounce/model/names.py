"""Whoever has two names: that of Python, and the key of configurations."""

from jaxbounce._core.declare import declarations
from jaxbounce.conversion.wall import Couplings
from jaxbounce.parameters import Parameters

_OTHER_NAMES = {
    declared.key: name
    for module in (Couplings, Parameters)
    for name, declared in declarations(module).items()
}


def parameter_of(name: str) -> str:
    """The parameter of a configuration key (of a coupling or a stage too), or the name itself."""
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    # imported when first asked for: SciPy is behind it
    from jaxbounce.occupancy import Collisions, Decays, EnergyPartition, OffBrane

    stages = (Collisions, Decays, EnergyPartition, OffBrane)
    return {d.key: own for one in stages for own, d in declarations(one).items()}.get(name, name)

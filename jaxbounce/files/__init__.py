"""Files: tables that configure a point, a potential, a wall or a scan; results written whole.

Modules are imported when first used (`jaxbounce.files.write`): most of them stand above rooms that
themselves use `write`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxbounce.files import (
        adapters as adapters,
        conversion as conversion,
        design as design,
        evolution as evolution,
        export as export,
        model as model,
        phases as phases,
        point as point,
        posterior as posterior,
        potential as potential,
        profile_csv as profile_csv,
        reference as reference,
        scan as scan,
        scan_run as scan_run,
        tables as tables,
        transition as transition,
        wall as wall,
        write as write,
    )

_MODULES = (
    "adapters",
    "conversion",
    "design",
    "evolution",
    "export",
    "model",
    "phases",
    "point",
    "posterior",
    "potential",
    "profile_csv",
    "reference",
    "scan",
    "scan_run",
    "tables",
    "transition",
    "wall",
    "write",
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"jaxbounce.files.{name}")
    raise AttributeError(f"module 'jaxbounce.files' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(_MODULES)

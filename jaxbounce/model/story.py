"""Where every number of a model comes from: given, or computed by a stage, with its error."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxbounce._core.stage import Stage
from jaxbounce._core.status import Status
from jaxbounce.model.model import Model


class Origin(NamedTuple):
    """A quantity and where it comes from."""

    value: float
    error: float
    """Absolute; 0 of what is given."""
    stage: str
    """Label of the stage that computed it; empty for what is given."""
    kind: str
    """What kind of stage that is."""
    status: Status
    """Of the stage."""

    @property
    def text(self) -> str:
        """As a report says it."""
        return f"computed by {self.stage} ({self.kind})" if self.stage else "given"


def story(model: Model) -> tuple[Model, dict[str, Origin]]:
    """The model with its stages computed, and every number of it by name, in the order it comes.

    Args:
        model: of one point.
    """
    settled = model.settled(but=("area",))
    found = {
        name: Origin(float(value), 0.0, "", "", Status.SUCCESS)
        for name, value in model.given().items()
        if _is_number(value)
    }
    known = settled.given()
    for stage, done in zip(model.stages, settled.stages, strict=True):
        if done is not stage:
            supplied = done.supply({})
            known |= supplied.values
            found |= _told(stage, supplied)
    return settled, found | _in_front(known)


def _in_front(known: dict[str, Any]) -> dict[str, Origin]:
    """v_+, T_+/T and v_J of a transition whose wall speed is given, where they are known."""
    if "v_J" in known or not {"rate", "T_p", "v_w"} <= set(known):
        return {}
    from jaxbounce.transition.stages import PlasmaInFront

    front = PlasmaInFront()
    supplied = front.supply({name: known[name] for name in front.needs})
    return _told(front, supplied) if Status(int(supplied.status)) == Status.SUCCESS else {}


def _told(stage: Stage, supplied: Any) -> dict[str, Origin]:
    status, kind = Status(int(supplied.status)), type(stage).__name__
    return {
        name: Origin(float(value), float(supplied.errors.get(name, 0.0)), stage.label, kind, status)
        for name, value in supplied.values.items()
        if _is_number(value)
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, jax.Array) and jnp.ndim(value) == 0

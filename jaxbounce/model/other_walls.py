"""What the choice of the wall does: P on the walls of the same transition that were not chosen."""

import dataclasses
from typing import get_args

from jaxbounce._core.status import Status
from jaxbounce.conversion.bounce_wall import TransitionBubble, WallShape
from jaxbounce.model.model import Model


def on_other_walls(model: Model, settled: Model) -> dict[str, float]:
    """P by the name of the wall, NaN where it has none; empty if the wall is not the transition's.

    Args:
        model: of one point.
        settled: the same with its stages computed, as `story` has it.
    """
    walls = [i for i, stage in enumerate(model.stages) if isinstance(stage, TransitionBubble)]
    if not walls or model.conversion is None:
        return {}
    wall, conversion = walls[0], model.stages.index(model.conversion)
    chosen, found = model.stages[wall], {}
    assert isinstance(chosen, TransitionBubble)
    for shape in get_args(WallShape):
        if shape == chosen.shape:
            continue
        stages = list(settled.stages)
        stages[wall], stages[conversion] = TransitionBubble(shape), model.conversion
        again = dataclasses.replace(settled, stages=tuple(stages)).settled(but=("area",))
        supplied = next(s for s in again.stages if "P" in s.supplies).supply({})
        good = int(supplied.status) == Status.SUCCESS
        found[shape] = float(supplied.values["P"]) if good else float("nan")
    return found

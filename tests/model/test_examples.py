"""The examples of the documentation: files that go from a potential to densities by one command."""

import tomllib
from pathlib import Path

import pytest

from jaxbounce import load
from jaxbounce.conversion import WallConversion
from jaxbounce.conversion.bounce_wall import TransitionBubble
from jaxbounce.occupancy.stages import Decays
from jaxbounce.transition.rate import Tunnelling
from jaxbounce.transition.stages import ThermalTransition

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

STAGES = {"portal": {Tunnelling, ThermalTransition, TransitionBubble, WallConversion, Decays}}


@pytest.mark.parametrize("name", STAGES)
def test_their_stages_are_those_of_a_whole_chain(name):
    """Nothing that the chain computes is given."""
    model = load(tomllib.loads((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")))
    assert {type(stage) for stage in model.stages} == STAGES[name]
    given = model.parameters
    assert given.T_p is given.beta_over_H is given.P is given.f_chi is None

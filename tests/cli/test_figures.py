"""How numbers are written: digits that people read, σ that mean something."""

import dataclasses
import math

import pytest

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.summary import sigmas
from jaxbounce.cli import commands, main
from jaxbounce.cli._figures import Figures


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (8.720885362714675e-11, 6, "8.72089e-11"),
        (4.9e-10, 6, "4.90000e-10"),
        (5.6889261, 6, "5.68893"),
        (966.570199, 6, "966.570"),
        (966.570199, 3, "967"),
        (0.1, 17, "0.10000000000000001"),
        (-0.0, 6, "0"),
        (math.inf, 6, "inf"),
    ],
)
def test_significant_digits(value, digits, text):
    assert Figures(digits)(value) == text


@pytest.mark.parametrize("digits", [0, 18])
def test_no_other_digits(digits):
    with pytest.raises(ConfigurationError, match="--digits"):
        Figures(digits)


def test_every_command_that_prints_numbers_takes_digits():
    """Those without print names, templates, counts and sizes."""
    without = {
        name
        for name, module in commands().items()
        if "digits" not in {field.name for field in dataclasses.fields(module.Command)}
    }
    assert without == {"names", "template", "evolve", "scan"}


def test_the_report_of_a_source_to_three_digits(capsys):
    assert main(["diagnostics", "--digits", "3"]) == 0
    text = capsys.readouterr().out
    assert " 1.40e-14 GeV" in text  # H_p
    assert text.splitlines()[1].split()[:2] == ["T/T_p", "y"]
    assert [line.split()[:2] for line in text.splitlines()[2:4]] == [
        ["5.00", "-48.0"],
        ["2.00", "-37.5"],
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.554, "+6.55 σ"),
        (-33.97, "-33.97 σ"),
        (-1e-13, "0.00 σ"),
        (0.0, "0.00 σ"),
        (165.36, "> 100 σ"),
        (-1e300, "< −100 σ"),
        (math.inf, "> 100 σ"),
        (math.nan, "no number of σ"),
    ],
)
def test_a_distance_beyond_100_sigma_is_no_number(value, text):
    assert sigmas(value) == text

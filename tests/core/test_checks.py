"""Checks of what users write."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.checks import check_number, one_of, suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range

UNIT = Range(0.0, 1.0, True, True, "a part")


@pytest.mark.parametrize(
    "value", [0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), jnp.asarray(0.5)]
)
def test_scalars_of_arrays_are_numbers(value):
    found = check_number("P", value, UNIT)
    assert type(found) is float
    assert found == 0.5


@pytest.mark.parametrize("value", [np.int64(1), np.uint8(1), np.array(1), jnp.asarray(1)])
def test_whole_scalars_of_arrays_are_numbers(value):
    assert check_number("P", value, UNIT) == 1.0


@pytest.mark.parametrize(
    "value",
    [True, np.bool_(True), jnp.asarray(True), "0.5", np.array([0.5]), np.array(0.5 + 0j), None],
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"P = .*: must be a number"):
        check_number("P", value, UNIT)


@pytest.mark.parametrize("value", [np.float64(math.nan), np.array(math.inf)])
def test_scalars_of_arrays_must_be_finite(value):
    with pytest.raises(ConfigurationError, match="must be finite"):
        check_number("P", value, UNIT)


def test_scalars_of_arrays_must_be_in_range():
    with pytest.raises(ConfigurationError, match="a part"):
        check_number("P", np.float64(1.5), UNIT)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [("0.5", "without quotes"), (" 5e-1", "without quotes"), ("0,5", "give one, such as 1.5")]
    + [(value, "give one, such as 1.5") for value in ("", "0x10", "−0.5", None, True, [0.5])],
)
def test_the_remedy_for_what_is_no_number_is_one(value, remedy):
    with pytest.raises(ConfigurationError, match=remedy):
        check_number("P", value, UNIT)


@pytest.mark.parametrize("value", [1 + 1e-7, -1e-300, 1.5])
def test_a_value_out_of_range_is_not_shown_as_one_within(value):
    with pytest.raises(ConfigurationError) as refusal:
        check_number("P", value, UNIT)
    assert float(str(refusal.value).split(":")[0].removeprefix("P = ")) not in UNIT


def test_one_of():
    one_of("window", "on", ("on", "off"))
    with pytest.raises(ConfigurationError) as refusal:
        one_of("window", "no", ("on", "off"))
    assert str(refusal.value) == "window = 'no': must be one of 'on', 'off'"


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("alpha", ("alpha_V", "alpha_eff", "v_w"), "; did you mean 'alpha_V' or 'alpha_eff'?"),
        ("h_chi", ("f_chi", "g_chi", "v_w"), "; did you mean 'g_chi' or 'f_chi'?"),
        ("vw", ("v_w", "T_p"), "; did you mean 'v_w'?"),
        ("xyz", ("v_w", "T_p"), "; known names: v_w, T_p"),
    ],
)
def test_names_that_may_be_meant_are_all_given(name, known, told):
    assert suggestion(name, known) == told

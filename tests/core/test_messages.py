"""Messages: one short printable line, whatever value or name went into them."""

import ast
import inspect

import numpy as np
import pytest

from jaxbounce._core import errors
from jaxbounce._core.checks import (
    check_flag,
    check_keys,
    check_name,
    check_number,
    check_text,
    check_whole,
    shown,
    suggestion,
)
from jaxbounce._core.errors import ConfigurationError, JaxbounceError, one_line
from jaxbounce._core.ranges import Range

UNIT = Range(0.0, 1.0, True, True, "a part")

NASTY = (
    "x" * 100_000,
    "a\r\nb\x1b[2J\u2028c",
    "\ud800",
    "a\0b",
    10**5000,
    -(10**400),
    [10**5000],
    {"a": {"b": ["\n"] * 5000}},
    b"\xff" * 1000,
    np.arange(5000.0),
    object(),
)


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_every_check_shows_values_in_one_short_line(number):
    value = NASTY[number]
    checks = [
        lambda: check_number("key", value, UNIT),
        lambda: check_whole("key", value, 0, "number", 10),
        lambda: check_flag("key", value),
        lambda: check_name("key", value, ("a", "b")),
        lambda: check_keys({str(value) if number < 4 else "other": 1}, ("a", "b")),
    ]
    if not isinstance(value, str) or "\0" in value:
        checks.append(lambda: check_text("key", value, "name"))
    for check in checks:
        with pytest.raises(ConfigurationError) as error:
            check()
        assert str(error.value).isprintable()
        assert len(str(error.value)) <= 1000
    assert len(shown(value)) <= 80


def test_what_is_shown_is_the_value():
    assert shown("a\nb") == "'a\\nb'"
    assert shown(1.5) == "1.5"
    assert shown(10**5000) == "a whole number of about 5000 digits"
    middle = shown("begin" + "x" * 1000 + "end")
    assert middle.startswith("'beginxx")
    assert middle.endswith("xxend'")


def test_a_line_keeps_what_can_be_printed():
    text = "χ → ξ* ≤ 10⁻³ … “quoted” \\n"
    assert one_line(text) == text
    assert one_line("tab\there\u200b") == "tab\\there\\u200b"
    assert one_line("abc" * 100, 21) == "abcabcabc … abcabcabc"


def test_the_whole_family_has_messages_of_one_line():
    family = [
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, JaxbounceError)
    ]
    assert len(family) >= 6
    for kind in family:
        assert str(kind("a\nb\x1b" + "x" * 5000)).isprintable()
        assert kind.__init__ is JaxbounceError.__init__
    # every exception of that module belongs to it
    classes = [n for n in ast.parse(inspect.getsource(errors)).body if isinstance(n, ast.ClassDef)]
    assert {node.name for node in classes} == {kind.__name__ for kind in family}


@pytest.mark.parametrize("value", [3, np.int32(3), np.array(3), np.uint8(3)])
def test_whole_numbers_of_arrays(value):
    found = check_whole("n", value, 1, "number", 3)
    assert type(found) is int
    assert found == 3
    with pytest.raises(ConfigurationError, match="at most 2"):
        check_whole("n", value, 1, "number", 2)
    with pytest.raises(ConfigurationError, match="≥ 4"):
        check_whole("n", value, 4, "number")


def test_flags_of_arrays():
    assert check_flag("f", np.bool_(True)) is True
    with pytest.raises(ConfigurationError):
        check_flag("f", np.int8(1))
    with pytest.raises(ConfigurationError):
        check_number("x", np.bool_(True), UNIT)


def test_suggestions_of_what_is_no_text():
    assert suggestion(5, ("a",)) == "; known names: a"

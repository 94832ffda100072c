"""The examples in the docstrings of public functions print what they say."""

import doctest

import pytest
from tiers import long_but

import jaxbounce

NAMES = sorted(name for name in jaxbounce._NAMES if name != "errors")


def examples_of(name):
    found = doctest.DocTestFinder(recurse=False).find(
        getattr(jaxbounce, name), name, module=False, globs={}
    )
    return [test for test in found if test.examples]


def test_what_most_programs_call_has_an_example():
    with_one = {name for name in NAMES if examples_of(name)}
    assert with_one >= {"load", "predict", "sensitivities", "fit", "solve_bounce", "check"}


@pytest.mark.slow
@pytest.mark.parametrize("name", long_but(NAMES, *(name for name in NAMES if name != "budget")))
def test_examples(name):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in examples_of(name):
        said = []
        runner.run(test, out=said.append)
        assert not runner.failures, "".join(said)

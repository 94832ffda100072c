"""Which cases of a test the gate runs, where all of them take too long for it."""

from collections.abc import Iterable

import pytest


def long_but(cases: Iterable, *kept):
    """The cases as parameters: those in `kept` run in the gate, the others with `-m long`."""
    cases = list(cases)
    assert set(kept) <= set(cases)
    return [case if case in kept else _long(case) for case in cases]


def _long(case):
    values = case if type(case) is tuple else (case,)
    return pytest.param(*values, marks=pytest.mark.long)

"""Docstrings as Markdown: examples in fences, factors in brackets that are no links."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).+)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Puts fences around the examples of docstrings."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of one object, if it has one."""
        if obj.docstring is None:
            return
        text, *examples = re.split(
            r"(?=^>>> )", obj.docstring.value, maxsplit=1, flags=re.MULTILINE
        )
        fenced = _EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", "".join(examples))
        # an invisible space, for which "][" is no link
        obj.docstring.value = text.replace("][", "]\u200b[") + fenced

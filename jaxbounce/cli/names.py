"""`jaxbounce names`: what everything is called, in which unit, what it may be."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated

import tyro

import jaxbounce as jb
from jaxbounce._core.errors import ConfigurationError

ORDER = 130
EXAMPLES = """\
jaxbounce names f_chi                          what a name means, its unit, its range
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """List the names of parameters, choices and keys: unit, values, default, meaning."""

    word: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[WORD]")] = ""
    """Only what has this in its name, key or meaning."""
    markdown: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print tables in Markdown."""

    def run(self) -> int:
        """Print them; the exit status."""
        if self.markdown:
            if self.word:
                raise ConfigurationError("--markdown: prints all names; leave the word out")
            print(jb.files.reference.markdown(), end="")
            return 0
        lines = list(_lines(self.word))
        if not lines:
            from jaxbounce._core.checks import suggestion

            groups = jb.files.reference.entries().values()
            known = dict.fromkeys(name for rows in groups for row in rows for name in row[:2])
            raise ConfigurationError(f"{self.word}: no such name{suggestion(self.word, known)}")
        print("\n".join(lines))
        return 0


def _lines(word: str) -> Iterator[str]:
    for group, rows in jb.files.reference.entries().items():
        told = [
            row for row in rows if word.lower() in f"{row.name} {row.key} {row.meaning}".lower()
        ]
        if not told:
            continue
        yield f"{group}"
        for row in told:
            other = f" (or {row.key})" if row.key != row.name else ""
            unit = f" {row.unit}" if row.unit else ""
            default = f", default {row.default}" if row.default else ", to be given"
            yield f"  {row.name}{other}: {row.meaning}"
            yield f"      {row.allowed or 'see the documentation'}{unit}{default}"

"""What the documentation shows, run as a reader would, and what it prints compared.

The blocks of a page run in order, in an empty folder, as one session:

* ```python is executed; a ```text block next to it is what it prints;
* ```console has commands after `$ `, each followed by what it prints (`jaxbounce` alone is run);
* a block with title="NAME" is written into the folder as that file;
* ```sh, ```json, ```toml without a title and ```pycon are shown and not run.

A line `…` in an output stands for any number of lines, and `…` inside a line for any text. Numbers
agree if they do to the last digit of the one with fewer digits; spaces between words do not count.

`python tests/catalogue/snippets.py docs/PAGE.md …` writes what is printed now into the pages
(outputs with a `…` are left alone, and named if they no longer fit).
"""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>[a-z]+)(?: +title=\"(?P<title>[^\"]+)\")?[^\n]*\n"
    r"(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"[-+−]?\d+(?:\.\d*)?(?:e[-+]?\d+)?")


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: its kind, its text, where the text stands in the page."""

    kind: str
    title: str | None
    body: str
    start: int
    end: int
    line: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page in order."""
    found = []
    for match in _BLOCK.finditer(page):
        cut = len(match["indent"])
        body = "".join(line[cut:] for line in match["body"].splitlines(keepends=True))
        line = page.count("\n", 0, match.start()) + 1
        found.append(
            Block(match["kind"], match["title"], body, match.start("body"), match.end("body"), line)
        )
    return found


@dataclasses.dataclass(frozen=True)
class Shown:
    """An output that a page shows: where, what, and what is printed now."""

    line: int
    expected: str
    printed: str
    start: int
    end: int


def run(page: str, place: Path) -> Iterator[Shown]:
    """Run the blocks of a page in a folder; what it shows, and what is printed."""
    names: dict[str, object] = {"__name__": "__main__"}
    found = blocks(page)
    with contextlib.chdir(place):
        for i, block in enumerate(found):
            if block.title is not None:
                Path(block.title).write_text(block.body, encoding="utf-8")
            if block.kind == "python":
                printed = _printed(block.body, names)
                after = found[i + 1] if i + 1 < len(found) else None
                if (
                    after is not None
                    and after.kind == "text"
                    and _are_neighbours(page, block, after)
                ):
                    yield Shown(after.line, after.body, printed, after.start, after.end)
            elif block.kind == "console":
                yield from _console(block)


def _are_neighbours(page: str, block: Block, after: Block) -> bool:
    between = page[block.end : after.start]
    return len([line for line in between.splitlines() if line.strip()]) <= 2


def _printed(code: str, names: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "<snippet>", "exec"), names)
    return out.getvalue()


def _console(block: Block) -> Iterator[Shown]:
    from jaxbounce import cli

    parts = re.split(r"^\$ (.*)\n", block.body, flags=re.MULTILINE)[1:]
    offset = block.start
    for command, expected in zip(parts[::2], parts[1::2], strict=True):
        words = shlex.split(command)
        redirected = words.index(">") if ">" in words else None
        arguments, file = (
            (words, None)
            if redirected is None
            else (
                words[:redirected],
                words[redirected + 1],
            )
        )
        assert arguments[0] == "jaxbounce", command
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            cli.main(arguments[1:])
        start = offset + len(f"$ {command}\n")
        offset = start + len(expected)
        if file is not None:
            Path(file).write_text(out.getvalue(), encoding="utf-8")
        yield Shown(block.line, expected, "" if file else out.getvalue(), start, offset)


def agree(expected: str, printed: str) -> bool:
    """Whether an output is what a page shows."""
    wanted = [line.strip() for line in expected.splitlines() if line.strip()]
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return _lines_agree(wanted, lines)


def _lines_agree(wanted: list[str], lines: list[str]) -> bool:
    if not wanted:
        return not lines
    if wanted[0] == "…":
        return any(_lines_agree(wanted[1:], lines[i:]) for i in range(len(lines) + 1))
    return bool(lines) and _line_agrees(wanted[0], lines[0]) and _lines_agree(wanted[1:], lines[1:])


def _line_agrees(wanted: str, line: str) -> bool:
    parts = [_NUMBER.split(part) for part in wanted.split("…")]
    pattern = ".*?".join(
        r"([-+−]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)".join(_loose(text) for text in part) for part in parts
    )
    found = re.fullmatch(pattern, line)
    if not found:
        return False
    numbers = _NUMBER.findall(wanted.replace("…", " "))
    return all(_close(a, b) for a, b in zip(numbers, found.groups(), strict=True))


def _loose(text: str) -> str:
    return r"\s*".join(re.escape(word) for word in re.split(r"\s+", text))


def _last_digit(text: str) -> float:
    """What one unit of the last digit of a number is worth."""
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


def _close(a: str, b: str) -> bool:
    a, b = a.replace("−", "-"), b.replace("−", "-")
    if not any(c in a + b for c in ".e"):
        return a == b
    unit = max(_last_digit(a), _last_digit(b))
    return abs(float(a) - float(b)) <= 1.01 * unit


def main(paths: list[str]) -> int:
    """Write what is printed now into pages; the number of outputs that could not be."""
    import jaxbounce

    jaxbounce.enable_x64()
    os.environ.setdefault("COLUMNS", "100")
    left = 0
    for path in map(Path, paths):
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as place:
            shown = list(run(page, Path(place)))
        for one in reversed(shown):
            if agree(one.expected, one.printed):
                continue
            if "…" in one.expected:
                print(f"{path}:{one.line}: no longer prints what is shown; now\n{one.printed}")
                left += 1
            else:
                page = page[: one.start] + one.printed + page[one.end :]
        path.write_text(page, encoding="utf-8")
    return left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

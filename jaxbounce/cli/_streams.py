"""Standard output and error, whatever they are: of any encoding, full, closed, or left by readers.

And what the parser of arguments says, as one line like everything else.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator

from jaxbounce._core.errors import one_line


def say(text: str) -> None:
    """One line for the user on standard error."""
    with contextlib.suppress(OSError, ValueError):
        print(f"jaxbounce: {one_line(text)}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def of_any_encoding() -> Iterator[None]:
    """Letters that the encoding of a stream lacks are written as escapes, not refused."""
    changed = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
            changed.append(stream)
    try:
        yield
    finally:
        for stream in changed:
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="strict")


def flush() -> None:
    """Write what stands in the buffer of standard output.

    Raises:
        OSError: if it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def output_fails() -> bool:
    """Whether standard output takes nothing: an OSError came from there."""
    try:
        flush()
    except OSError:
        return True
    return False


def abandon_output() -> None:
    """Let what is left in the buffer go nowhere: the interpreter tries once more at its end."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextlib.contextmanager
def usage_as_one_line() -> Iterator[None]:
    """What is wrong with the arguments, without the frame and the help around it."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    except SystemExit as end:
        if end.code not in (0, None):
            say(_unframed(said.getvalue()))
        raise


def _unframed(text: str) -> str:
    """The message in a frame: its first part, below the title where the frame is not drawn."""
    lines = [line.strip(" │") for line in text.splitlines() if line[:1] not in "╭╰"]
    parts: list[list[str]] = [[]]
    for line in filter(None, lines):
        if set(line) <= set("─-"):
            parts.append([])
        else:
            parts[-1].append(line)
    titled = "╭" not in text and len(parts) > 1
    message = " ".join(parts[1] if titled else parts[0]).rstrip(".")
    message = re.sub(r"one of \(([^)]*)\)", _sorted_choices, message)
    options = [line.split()[0] for line in lines if line.startswith("--") and set(line) > {"-"}]
    # an option of another command is no other spelling
    if options and "Perhaps you meant:" in lines and options[0] not in message.split():
        return f"{message}; did you mean {options[0]}?"
    return f"{message}; --help lists what there is"


def _sorted_choices(found: re.Match[str]) -> str:
    """Choices in an order that does not change from run to run, without that of leaving it out."""
    return "one of " + ", ".join(sorted(set(found[1].split(", ")) - {"'None'"}))

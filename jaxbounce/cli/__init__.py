"""The command `jaxbounce`: one module of this package for each subcommand.

A module has a frozen dataclass `Command`, whose fields are the arguments, whose docstring is what
`--help` shows and whose method `run` returns the exit status; `EXAMPLES`, lines for the overall
help; and `ORDER`, its place in the list. Modules that begin with an underscore are not commands.
Exit status: 0 when the run succeeded, 2 for bad input, 1 for a failed computation or a result that
could not be written; the reason is one line on standard error.
Nothing that needs JAX is imported before the arguments are parsed, so that `--help` answers at
once.
"""

import dataclasses
import importlib
import os
import pkgutil
import sys
import traceback
from types import ModuleType
from typing import Any, get_args

import tyro

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.version import __version__
from jaxbounce.cli._cache import mended_cache
from jaxbounce.cli._streams import (
    abandon_output,
    flush,
    of_any_encoding,
    output_fails,
    say,
    usage_as_one_line,
)
from jaxbounce.cli._waiting import said_if_long


def commands() -> dict[str, ModuleType]:
    """The subcommands by name, in the order in which they are shown."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if found.name[0] != "_"]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return dict(sorted(modules.items(), key=lambda item: item[1].ORDER))


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    with of_any_encoding():
        try:
            try:
                return _status(arguments)
            finally:
                flush()
        except BrokenPipeError:
            # the reader went away (`| head`): not our failure, and nothing more to say
            abandon_output()
            return 0
        except OSError as error:
            abandon_output()
            say(f"standard output: cannot be written ({error.strerror or error})")
            return 1


def _status(arguments: list[str]) -> int:
    """The exit status of a command.

    Raises:
        OSError: if standard output cannot be written.
    """
    if arguments in (["--version"], ["-V"]):
        print(f"jaxbounce {__version__}")
        return 0
    # warnings of XLA's own are for who works on XLA; an error is an exception here
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    known = commands()
    for module in known.values():
        _leave_out_none(module.Command)
    if arguments and arguments[0][:1] not in ("-", "") and arguments[0] not in known:
        from jaxbounce._core.checks import suggestion

        say(f"{arguments[0]}: no such command{suggestion(arguments[0], known)}")
        raise SystemExit(2)
    examples = [line for module in known.values() for line in module.EXAMPLES.splitlines()]
    with usage_as_one_line():
        command = tyro.extras.subcommand_cli_from_dict(
            {name: module.Command for name, module in known.items()},
            prog="jaxbounce",
            description="From a phase transition to today's baryon and dark-matter densities."
            "\nexamples:\n" + "".join(f"  {line}\n" for line in examples),
            args=arguments or ["--help"],
        )
    try:
        with mended_cache(), said_if_long(_name_of(command, known)):
            return command.run()
    except BrokenPipeError:
        raise
    except ConfigurationError as error:
        say(str(error))
        return 2
    except ComputationError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except MemoryError:
        say("not enough memory; ask for fewer points, draws or starts")
        return 1
    except Exception as error:  # the edge of the program: a fault of ours is one line too
        # one of files has a name; without, it is of the standard output
        if isinstance(error, OSError) and (error.filename is None or output_fails()):
            raise
        return _unforeseen(error)


def _name_of(command: Any, known: dict[str, ModuleType]) -> str:
    return next(name for name, module in known.items() if type(command) is module.Command)


def _leave_out_none(command: type) -> None:
    """Let the help of a command not say "(default: None)", of which nobody can make anything."""
    for field in dataclasses.fields(command):
        if field.default is not None:
            continue
        for settings in get_args(field.type)[1:]:
            if getattr(settings, "help_behavior_hint", "") is None:
                object.__setattr__(settings, "help_behavior_hint", "")


_TRACEBACK = "JAXBOUNCE_TRACEBACK"


def _unforeseen(error: Exception) -> int:
    """A fault of this program: where it is, and how to see more of it."""
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
        return 1
    place = traceback.extract_tb(error.__traceback__)[-1]
    say(
        f"unforeseen {type(error).__name__} at {place.filename}:{place.lineno} ({error}): a fault"
        f" of jaxbounce; please report it with what {_TRACEBACK}=1 shows"
    )
    return 1

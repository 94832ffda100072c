"""The command `jaxbounce`: one module of this package for each subcommand.

A module has a frozen dataclass `Command`, whose fields are the arguments, whose docstring is what
`--help` shows and whose method `run` returns the exit status; `EXAMPLES`, lines for the overall
help; and `ORDER`, its place in the list. Modules that begin with an underscore are not commands.
Exit status: 0 when the run succeeded, 2 for bad input, 1 for a failed computation.
Nothing that needs JAX is imported before the arguments are parsed, so that `--help` answers at
once.
"""

import importlib
import pkgutil
import sys
from types import ModuleType

import tyro

from jaxbounce._core.errors import ComputationError, ConfigurationError
from jaxbounce._core.version import __version__


def commands() -> dict[str, ModuleType]:
    """The subcommands by name, in the order in which they are shown."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if found.name[0] != "_"]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return dict(sorted(modules.items(), key=lambda item: item[1].ORDER))


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["-V"]):
        print(f"jaxbounce {__version__}")
        return 0
    known = commands()
    examples = [line for module in known.values() for line in module.EXAMPLES.splitlines()]
    command = tyro.extras.subcommand_cli_from_dict(
        {name: module.Command for name, module in known.items()},
        prog="jaxbounce",
        description="From a phase transition to today's baryon and dark-matter densities."
        "\nexamples:\n" + "".join(f"  {line}\n" for line in examples),
        args=arguments,
    )
    try:
        return command.run()
    except ConfigurationError as error:
        print(f"jaxbounce: {error}", file=sys.stderr)
        return 2
    except ComputationError as error:
        print(f"jaxbounce: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("jaxbounce: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader went away (`| head`): not our failure, and nothing more to say
        sys.stdout = None
        return 0

"""The exceptions of the package: one family, the same class for the same mistake.

The text of each is one line for the user: what is wrong, what is allowed, what to do. It is made
one here, whatever values and names of files went into it.
"""

_LONGEST = 1000  # characters of a message: the longest list of known names is shorter


def one_line(text: str, longest: int = _LONGEST) -> str:
    """Text as one line of printable characters; the middle of a longer one is left out."""
    if len(text) > longest:
        half = (longest - 3) // 2
        text = f"{text[:half]} … {text[-half:]}"
    # an escape sequence would act on the terminal, half a surrogate pair cannot be written
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class JaxbounceError(Exception):
    """What all of them are; its text is one line."""

    def __init__(self, text: str = "") -> None:
        super().__init__(one_line(str(text)))


class ConfigurationError(JaxbounceError, ValueError):
    """Something given cannot be used: a value, a name, a file."""


class PotentialError(ConfigurationError):
    """A potential that cannot be used."""


class ProfileError(ConfigurationError):
    """A wall profile that cannot be used."""


class ComputationError(JaxbounceError):
    """A computation that has no number to give."""


class ProgramTooLarge(ComputationError):
    """A program that needs more memory than its device has: smaller batches may fit."""


class OutputError(ComputationError):
    """A result that could not be put where it was asked for; the text says where it is instead."""

"""The exceptions of the package: one family, the same class for the same mistake.

The text of each is one line for the user: what is wrong, what is allowed, what to do.
"""


class JaxbounceError(Exception):
    """What all of them are."""


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

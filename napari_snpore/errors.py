"""The exceptions that a user's mistake raises: each carries one sentence fit to be shown as it is.

A sentence names the file or the parameter, what is wrong with it, and what is allowed.
"""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used; the message is one sentence for the user."""


class FileFormatError(InputError):
    """A file that cannot be read: unknown, truncated, damaged, or not what its name says."""


class MissingFileError(FileFormatError, FileNotFoundError):
    """A file or a folder that does not exist."""


class MissingExtraError(InputError, ImportError):
    """A package that only one step needs, and that is not installed."""


class MissingScaleError(InputError):
    """No voxel or pixel size anywhere: the caller has to give one, none is guessed."""


class MissingAnglesError(InputError):
    """No tilt angles anywhere, or a number of angles that does not match the images."""


class DisagreementError(InputError):
    """Two real sources of the same quantity differ by more than 1 %."""


class OutputError(InputError, OSError):
    """A place that cannot be written."""


class Stopped(Exception):
    """Work was cancelled through ``should_stop``; nothing was kept. Not an error: the user asked
    for it.
    """

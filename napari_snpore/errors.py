"""The exceptions that a user's mistake raises: each carries one sentence fit to be shown as it is.

A sentence names the file or the parameter, what is wrong with it, and what is allowed.
"""

from __future__ import annotations

LONGEST_SENTENCE = 500
"""Most characters of a sentence; of a longer one the middle is left out."""


def one_line(text: str, longest: int = LONGEST_SENTENCE) -> str:
    r"""Return a text on one line of at most ``longest`` characters: control characters and runs of
    blanks become one blank, and the middle of a text that is too long becomes ``…``.

    Names of files and the messages of libraries, which sentences quote, can hold line breaks and
    have any length. The end is kept, because it says what to do.

    Examples
    --------
    >>> one_line("a.tif is\n   damaged.")
    'a.tif is damaged.'
    >>> one_line("x" * 100, 11)
    'xxxxxx … xx'
    """
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if len(plain) <= longest:
        return plain
    tail = (longest - 3) // 3
    return f"{plain[: longest - 3 - tail]} … {plain[-tail:]}"


class InputError(ValueError):
    """Input that cannot be used; the message is one sentence for the user, see
    :func:`one_line`.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class FileFormatError(InputError):
    """A file that cannot be read: unknown, truncated, damaged, or not what its name says."""


class MissingFileError(FileFormatError, FileNotFoundError):
    """A file or a folder that does not exist."""


class MissingLayoutError(FileFormatError):
    """Raw voxels of which nothing says shape and type."""


class NoPermissionError(FileFormatError, PermissionError):
    """A file or a folder that is there, and that the user may not read."""


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

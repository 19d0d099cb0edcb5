"""What stands around the reading of every file: whether there is a file that can be read, how much
of it is read, and one sentence in place of any error of a library.

Readers parse; here is what they have in common. :func:`checked_path` refuses what is no file
(pipes, devices, links that lead nowhere) before anything opens it, because opening a pipe waits for
ever. :func:`guarded` catches what a reader lets through: the parsers of other packages raise errors
of any kind on a damaged file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from napari_snpore.errors import (
    FileFormatError,
    InputError,
    MissingExtraError,
    MissingFileError,
    NoPermissionError,
    Stopped,
    one_line,
)
from napari_snpore.memory import free_memory, size_text

LARGEST_TEXT = 2**20
"""Most bytes of a recipe or of a side file; those of real series hold some kilobytes."""

_REASON_LENGTH = 160
"""Most characters that are quoted of another package's message."""

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def checked_path(path: str | Path, missing: str = "There is no file {path}.") -> Path:
    """Return a path with ``~`` expanded, if it is a file or a folder that can be opened.

    Parameters
    ----------
    path : path
        File or folder.
    missing : str
        The sentence where there is nothing, with ``{path}`` in it.

    Raises
    ------
    MissingFileError
        There is nothing, or a link that leads nowhere.
    NoPermissionError
        The user may not read it, or may not enter a folder above it.
    FileFormatError
        It is a pipe, a socket or a device, or its name cannot be one.
    """
    try:
        place = Path(path).expanduser()
        kind = stat.S_IFMT(os.stat(place).st_mode)
    except FileNotFoundError:
        if os.path.islink(place):
            goal = os.readlink(place)
            raise MissingFileError(f"{place} is a link to {goal}, which is not there.") from None
        raise MissingFileError(missing.format(path=place)) from None
    except NotADirectoryError:
        raise MissingFileError(missing.format(path=place)) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise _refusal(Path(path), error) from error
    if kind in _SPECIAL:
        raise FileFormatError(
            f"{place} is {_SPECIAL[kind]}, not a file: copy what comes from it into a file first."
        )
    _check_permission(place, is_folder=kind == stat.S_IFDIR)
    return place


def is_readable(path: str | Path) -> bool:
    """Return whether a path is a file or a folder that can be opened; never raises."""
    try:
        checked_path(path)
    except InputError:
        return False
    return True


class GuardedArray:
    """A stored array for lazy reading, whose errors are sentences about its file whenever a part of
    it is read.

    Parameters
    ----------
    stored : array
        Of any kind that slices of it are read from.
    path : Path
        Its file.
    """

    def __init__(self, stored: Any, path: Path) -> None:
        self.stored, self.path = stored, path
        self.shape, self.dtype, self.ndim = stored.shape, stored.dtype, stored.ndim

    def __getitem__(self, key: Any) -> Any:
        with guarded(self.path):
            return self.stored[key]


@contextmanager
def guarded(path: str | Path) -> Iterator[None]:
    """Turn every error inside the block into one sentence about ``path``, whoever raised it.

    Own errors pass as they are, unless the file changed while it was read: then that is the
    reason.

    Raises
    ------
    MissingFileError
        The file was removed while it was read.
    NoPermissionError
        The user may not read it.
    FileFormatError
        It is damaged, changed while it was read, or needs more memory than there is.
    MissingExtraError
        A module that reads such files is not installed.
    """
    path = Path(path)
    before = _state(path)
    try:
        yield
    except (InputError, Stopped) as error:
        if isinstance(error, FileFormatError):
            _check_unchanged(path, before)
        raise
    except ModuleNotFoundError as error:  # says nothing about the file
        raise MissingExtraError(
            f"{path} cannot be read: the module {error.name} is missing, or its package has changed."
        ) from error
    except Exception as error:
        _check_unchanged(path, before)
        raise _refusal(path, error) from error


def bounded_bytes(
    path: str | Path,
    longest: int = LARGEST_TEXT,
    what: str = "a text file",
    missing: str | None = None,
) -> bytes:
    """Return the content of a small file; one that is larger is not read.

    Parameters
    ----------
    path : path
        The file.
    longest : int
        Most bytes that are read.
    what : str
        What it should be, with its article, for the refusal: "a side file".
    missing : str, optional
        The sentence where there is no file, with ``{path}`` in it.

    Raises
    ------
    FileFormatError
        The file is longer than ``longest`` bytes.
    MissingFileError, NoPermissionError
        As in :func:`checked_path`.
    """
    place = checked_path(path) if missing is None else checked_path(path, missing)
    with guarded(place), place.open("rb") as file:
        content = file.read(longest + 1)
        if len(content) > longest:
            size = os.fstat(file.fileno()).st_size
            raise FileFormatError(
                f"{place} holds {size:,} bytes; {what} has at most {longest:,}, so it is not read."
            )
        return content


def reason_of(error: BaseException) -> str:
    """Return another package's message as part of a sentence: one line, no full stop, not long."""
    text = str(error) or type(error).__name__
    return one_line(text, _REASON_LENGTH).rstrip(". ")


def _refusal(path: Path, error: BaseException) -> FileFormatError:
    """Return the sentence for an error that is not our own."""
    if isinstance(error, PermissionError):
        return NoPermissionError(f"{path} cannot be read: you have no permission to read it.")
    no_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM  # of a memory map
    if isinstance(error, MemoryError) or no_memory:
        return FileFormatError(
            f"{path} needs more memory than there is ({size_text(free_memory())}): crop or bin the data, close other "
            "programs, or allow the process more (ulimit -v)."
        )
    if isinstance(error, RecursionError):
        return FileFormatError(f"{path} is damaged: its parts are nested too deeply.")
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return FileFormatError(f"{path} is a link that leads back to itself.")
    if isinstance(error, OSError) and error.strerror:
        return FileFormatError(f"{path} cannot be read: {error.strerror}.")
    if isinstance(error, ValueError) and "\0" in str(path):
        return FileFormatError(f"{path} cannot be the name of a file: it holds a zero byte.")
    # the words of a parser ("list index out of range") say nothing about the file; they stay in the
    # chain of exceptions
    return FileFormatError(
        f"{path} is damaged, or of a layout that is not read: a part of it is missing or makes no sense."
    )


def _check_permission(path: Path, *, is_folder: bool) -> None:
    """Open a path and close it again: the rights of a file say less than the attempt."""
    try:
        os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
        if is_folder and not os.access(path, os.X_OK):
            raise PermissionError
    except OSError as error:
        if is_folder and os.name == "nt":  # folders cannot be opened there
            return
        raise _refusal(path, error) from error


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file; None where there is none."""
    with suppress(OSError, ValueError):
        about = path.stat()
        return about.st_ino, about.st_size, about.st_mtime_ns
    return None


def _check_unchanged(path: Path, before: tuple[int, int, int] | None) -> None:
    """Refuse a file that was removed or changed since ``before``."""
    now = _state(path)
    if before is None or now == before:
        return
    if now is None:
        raise MissingFileError(f"{path} was removed or renamed while it was read.")
    raise FileFormatError(
        f"{path} changed while it was read: open it again when it is written completely."
    )

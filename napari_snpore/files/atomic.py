"""Atomic writing: files are written into a hidden folder beside their place first, then moved, so
that they are complete or absent.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_snpore.errors import InputError, OutputError
from napari_snpore.outputs.moves import NEW
from napari_snpore.outputs.places import check_file, resolved
from napari_snpore.outputs.work_folder import WorkFolder, work_folder

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LEAST_FREE = 1_000_000  # bytes: with fewer, a write that failed without a reason met a full disk


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path with the same name in a hidden folder beside ``path``; it is moved to
    ``path`` when the block ends without error.

    Missing parent folders are made. An existing file is replaced only by the finished result; after
    an error it is unchanged and nothing else remains. The target of a link is written, not the
    link. A suffix ``.zarr`` makes a folder.

    Raises
    ------
    OutputError
        The path cannot be written, or another run writes it; the sentence names it and the reason.
    """
    with atomic_paths(path) as (part,):
        yield part


@contextmanager
def atomic_paths(*paths: str | Path, reading: bool = False) -> Iterator[tuple[Path, ...]]:
    """Yield temporary paths of files of one folder, which are moved to their places together.

    Parameters
    ----------
    *paths : path
        The file, followed by what describes it, such as its record. Links are refused where there
        are several.
    reading : bool
        As in :func:`making`.

    Raises
    ------
    OutputError
        As in :func:`atomic_path`.
    """
    given = [Path(path) for path in paths]
    with making(given[0], reading=reading) as work:
        for path in given:
            if len(given) > 1 and path.is_symlink():
                raise OutputError(f"{path} is a link; give the path that it leads to.")
            check_file(path, resolved(path))
        names = [resolved(path).name for path in given]
        yield tuple(work.new(name) for name in names)
        work.move_in(*names)


@contextmanager
def making(path: Path, *, reading: bool = False) -> Iterator[WorkFolder]:
    """Yield the work folder of an output, with what goes wrong in the block as a sentence about
    ``path``.

    Parameters
    ----------
    path : Path
        The output, as the user gave it.
    reading : bool
        Whether the block reads as well: only a full disk is then a fault of the output.

    Raises
    ------
    OutputError
        The output cannot be written, or another run writes it.
    """
    inside = False
    work: WorkFolder | None = None
    try:
        target = resolved(path)
        parent = next(folder for folder in target.parents if folder.exists())
        if not os.access(parent, os.W_OK):
            raise OutputError(f"{path} cannot be written: the folder {parent} is read-only.")
        with work_folder(target) as work:
            inside = True
            try:
                yield work
            except Exception as error:
                # here the work folder still fills the disk
                if not isinstance(error, InputError) and _is_full(error, parent):
                    free = shutil.disk_usage(parent).free
                    raise OutputError(
                        f"{path} cannot be written: the disk is full ({free / 1e6:.1f} MB are free in {parent})."
                    ) from error
                raise
            inside = False
    except InputError as error:  # an OutputError is an OSError too, and says already what is wrong
        if work is None or str(work.place) not in str(error):
            raise
        part = work.place / NEW / work.target.name
        text = str(error).replace(str(part), str(path))
        raise type(error)(text.replace(str(part.parent), str(path.parent))) from error
    except OSError as error:
        if inside and reading:
            raise
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def _is_full(error: BaseException, folder: Path) -> bool:
    """Return whether a full disk is behind an error: libraries raise their own while they close a
    file that could not be written.
    """
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, OSError) and one.errno in _FULL:
            return True
        if isinstance(one, OSError) and one.errno is None and not isinstance(one, InputError):
            return shutil.disk_usage(folder).free < _LEAST_FREE
        one = one.__cause__ or one.__context__
    return False

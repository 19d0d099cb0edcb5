"""Writing that is complete or did not happen: beside the place first, then renamed into it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_snpore.errors import InputError, OutputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a path beside ``path``, of the same suffixes, to write a file or a folder to; it is renamed when the block ends well.

    Missing parent folders are made. What stood at ``path`` is replaced only by the finished result; on any failure it stays as
    it was and nothing else is left.

    Raises
    ------
    OutputError
        The place cannot be written; the sentence names it and says why.
    """
    path = Path(path)
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise OutputError(f"{path} cannot be written: the folder {path.parent} is read-only.")
        yield part
        _take_place(part, path)
    except InputError:  # an OutputError is an OSError too, and says already what is wrong
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        _remove(part)


def _take_place(part: Path, path: Path) -> None:
    """Rename ``part`` to ``path``; a folder that stands there is moved aside first, for a rename cannot replace it."""
    if not path.is_dir():
        part.replace(path)
        return
    aside = path.with_name(f".{uuid.uuid4().hex[:8]}-old-{path.name}")
    path.rename(aside)
    try:
        part.rename(path)
    except OSError:
        aside.rename(path)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if os.path.isdir(path) and not os.path.islink(path):  # these say no where pathlib fails: a name that is too long
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):  # a parent that is a file makes unlink fail where there is nothing to remove
        path.unlink()

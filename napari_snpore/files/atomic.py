"""Atomic writing: a file or folder is written under another name first, then renamed, so it is
complete or absent.
"""

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
    """Yield a temporary path beside ``path`` with the same suffixes; it is renamed to ``path`` when
    the block ends without error.

    Missing parent folders are made. An existing file or folder is replaced only by the finished
    result; after an error it is unchanged and no temporary file remains.

    Raises
    ------
    OutputError
        The path cannot be written; the sentence names it and the reason.
    """
    path = Path(path)
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise OutputError(f"{path} cannot be written: the folder {path.parent} is read-only.")
        yield part
        _rename(part, path)
    except InputError:  # an OutputError is an OSError too, and says already what is wrong
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        _remove(part)


def _rename(part: Path, path: Path) -> None:
    """Rename ``part`` to ``path``; an existing folder is renamed first, because a rename cannot
    replace it.
    """
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
    if os.path.isdir(path) and not os.path.islink(
        path
    ):  # these return False where pathlib raises, for example for a name that is too long
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):  # without this check unlink raises if the parent is a file
        path.unlink()

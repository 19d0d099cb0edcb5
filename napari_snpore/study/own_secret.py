"""A secret of the user's, by which files of one's own are known from those that somebody else made."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from napari_snpore.kernel_process import user_cache

_NAME = "own-files.key"
_BYTES = 32


def own_secret() -> bytes | None:
    """Return 32 random bytes that are the same whenever this user starts the program; None where the
    user has no folder that can be written.
    """
    place = user_cache() / _NAME
    try:
        found = _read(place)
        if found is None:
            _make(place)
            found = _read(place)  # of another process, where that was faster
    except OSError:
        return None
    return found


def _read(place: Path) -> bytes | None:
    try:
        found = place.read_bytes()
    except FileNotFoundError:
        return None
    return found if len(found) == _BYTES else None


def _make(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=place.parent)  # nobody else can read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        os.replace(part, place)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)

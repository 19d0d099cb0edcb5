"""Which files of a folder this program wrote: by the record of a run, the manifest of a saved
window, or the layout of a Zarr volume. All others are the user's, and are never removed.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORD = "record.json"
MANIFEST = "window.json"
LARGEST_RECORD = 2**26
"""Most bytes of a record or a manifest; those of real ones hold up to some megabytes."""

_ZARR = ".zarr"
_ZARR_FILE = re.compile(r"zarr\.json|\.zgroup|\.zattrs|\.zarray|\.zmetadata|\d+(\.\d+)*")
"""Names of files in a Zarr hierarchy, version 2 or 3: metadata and chunks."""


def outputs_of(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, an OME-Zarr or a link counted as one."""
    for path in folder.iterdir():
        if path.is_dir() and path.suffix != _ZARR and not path.is_symlink():
            yield from outputs_of(path)
        else:
            yield path


def unlisted_file(folder: Path) -> str | None:
    """Return the first file in a folder that this program did not write, relative to the folder;
    None where there is none.
    """
    for name in (RECORD, MANIFEST):
        if _listed(folder / name) is None and os.path.lexists(folder / name):
            return f"a {name} {_why_unreadable(folder / name)}"
    return next(iter(sorted(unlisted_files(folder))), None)


def unlisted_files(folder: Path) -> Iterator[str]:
    """Yield the files in a folder that this program did not write, relative to the folder.

    Parameters
    ----------
    folder : Path
        Of a run (``record.json`` lists its files), a saved window (``window.json``), or a Zarr
        volume. Of any other folder all files are yielded. Links count as the user's: this program
        writes none.
    """
    if folder.suffix == _ZARR:
        yield from _not_of_zarr(folder, folder)
        return
    known = (_listed(folder / RECORD) or set()) | (_listed(folder / MANIFEST) or set())
    for path in outputs_of(folder):
        name = path.relative_to(folder).as_posix()
        if name not in known or path.is_symlink():
            yield name
        elif path.is_dir():
            yield from _not_of_zarr(path, folder)


def command_of(folder: Path) -> str | None:
    """Return the command that wrote the result in a folder; None where no record says it."""
    content = _content(folder / RECORD)
    return None if content is None or "command" not in content else str(content["command"])


def is_own_record(path: Path) -> bool:
    """Return whether a file is a record that this program wrote."""
    content = _content(path)
    return content is not None and content.get("program") == "napari-snpore"


def _listed(path: Path) -> set[str] | None:
    """Return the names that a record or a manifest lists, its own among them; None where there is
    none that can be read.
    """
    content = _content(path)
    if content is None:
        return None
    names = content.get("files" if path.name == MANIFEST else "outputs", [])
    return {path.name, *map(str, names)} if isinstance(names, (list, dict)) else {path.name}


def _content(path: Path) -> dict[str, Any] | None:
    raw = own_bytes(path, LARGEST_RECORD)
    try:
        content = None if raw is None else json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def own_bytes(path: Path, longest: int) -> bytes | None:
    """Return the content of a file that this program wrote; None for what it never makes: a link, a
    pipe, a device, a folder, or more than ``longest`` bytes; and for what cannot be read.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # opening a pipe would wait for ever
            return None
        with path.open("rb") as file:
            content = file.read(longest + 1)
    except OSError:
        return None
    return content if len(content) <= longest else None


def _why_unreadable(path: Path) -> str:
    """Say what is wrong with a record, after 'a record.json'."""
    kind = os.lstat(path)
    if stat.S_ISLNK(kind.st_mode):
        return "that is a link"
    if not stat.S_ISREG(kind.st_mode):
        return "that is no file"
    if kind.st_size > LARGEST_RECORD:
        return f"of {kind.st_size:,} bytes ({LARGEST_RECORD:,} are read)"
    return "that cannot be read"


def _not_of_zarr(store: Path, folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(store):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*links, *files):
            path = Path(place) / name
            if path.is_symlink() or not _ZARR_FILE.fullmatch(name):
                yield path.relative_to(folder).as_posix()

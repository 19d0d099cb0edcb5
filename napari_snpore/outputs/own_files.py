"""Which files of a folder this program wrote: by the record of a run, the manifest of a saved
window, or the layout of a Zarr volume. All others are the user's, and are never removed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORD = "record.json"
MANIFEST = "window.json"
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
    if _listed(folder / RECORD) is None and (folder / RECORD).is_file():
        return f"a {RECORD} that cannot be read"
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
    if not path.is_file():  # opening a pipe would wait for ever
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _not_of_zarr(store: Path, folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(store):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*links, *files):
            path = Path(place) / name
            if path.is_symlink() or not _ZARR_FILE.fullmatch(name):
                yield path.relative_to(folder).as_posix()

"""Manifest of a saved window (``window.json``): version, settings, and the checksum of every other
file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import bounded_bytes, checked_path, guarded
from napari_snpore.outputs.own_files import LARGEST_RECORD
from napari_snpore.viewer.window.meter import Meter, sha256_of

NAME = "window.json"
SCHEMA = 2
_WHAT = "napari_snpore window"
_HEAD_BYTES = 200


def is_window_folder(folder: str | Path) -> bool:
    """Return whether a folder holds a saved window; quick, never raises, reads a few bytes."""
    try:
        path = Path(folder) / NAME
        if not path.is_file():  # opening a pipe would wait for ever
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError, TypeError):
        return False
    return f'"what": "{_WHAT}"'.encode() in head


def find_window(path: str | Path) -> Path | None:
    """Return the folder of a saved window, given the folder or its ``window.json``; None if it is
    none.
    """
    path = Path(path)
    folder = path.parent if path.name == NAME else path
    return folder if is_window_folder(folder) else None


def write_manifest(folder: Path, content: Mapping[str, Any], meter: Meter) -> None:
    """Write ``window.json`` for the files in a folder, as its last file."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path, meter),
        }
        for path in paths
    }
    about = {
        "what": _WHAT,  # first, because is_window_folder reads only the beginning of the file
        "schema": SCHEMA,
        "about": "A window of napari with the plugin napari-snpore. To open it, drop this file on napari.",
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: _version(name) for name in ("napari-snpore", "napari", "numpy")},
    }
    text = json.dumps(
        {**about, **content, "files": files}, ensure_ascii=False, allow_nan=False, indent=1
    )
    (folder / NAME).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the content of ``window.json``.

    Raises
    ------
    FileFormatError
        The folder holds no saved window, a damaged one, or one of another version.
    """
    path = folder / NAME
    if not is_window_folder(folder):
        raise FileFormatError(
            f"{folder} holds no saved window: a {NAME} of napari-snpore is needed."
        )
    raw = bounded_bytes(path, LARGEST_RECORD, what="the list of a saved window")
    with guarded(path):
        try:
            content: dict[str, Any] = json.loads(raw)
            schema = int(content["schema"])
            if schema == SCHEMA and not all(
                type(content[key]) is kind for key, kind in _PARTS.items()
            ):
                raise TypeError("parts are of the wrong kind")
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise FileFormatError(
                f"{path} is damaged or cut short; open another copy of the folder."
            ) from error
    if schema > SCHEMA:
        versions = content.get("versions")
        known = versions.get("napari-snpore") if isinstance(versions, dict) else None
        writer = known or "a later version"
        raise FileFormatError(
            f"{path} was written by napari-snpore {writer}, which this version is too old to read."
        )
    if schema < SCHEMA:
        raise FileFormatError(
            f"{path} has version {schema} of the format of saved windows, and version {SCHEMA} is needed: save the window again"
            " from its data with this version of napari-snpore."
        )
    return content


_PARTS = {"files": dict, "layers": list, "window": dict}


def bytes_of(content: Mapping[str, Any]) -> int:
    """Return the size of all files that a manifest lists."""
    return sum(int(one["bytes"]) for one in content["files"].values())


def check_files(folder: Path, content: Mapping[str, Any], meter: Meter) -> None:
    """Compare every file with its checksum.

    Raises
    ------
    FileFormatError
        A file is missing, cut short or changed; the sentence names the first one.
    """
    for name, about in content["files"].items():
        path = folder / name
        with guarded(path):
            _check_file(folder, path, about, meter)


def _check_file(folder: Path, path: Path, about: Mapping[str, Any], meter: Meter) -> None:
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise FileFormatError(f"{folder / NAME} names {path}, which lies outside its folder.")
    checked_path(path, "{path} is missing: the saved window is not complete.")
    size = path.stat().st_size
    if size != about["bytes"]:
        raise FileFormatError(
            f"{path} is damaged: it holds {size:,} bytes of {about['bytes']:,} that were saved."
        )
    if sha256_of(path, meter) != about["sha256"]:
        raise FileFormatError(f"{path} is damaged: its content is not what was saved.")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"

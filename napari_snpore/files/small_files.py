"""Texts that are read whole: side files, recipes, records. Their size is bounded before anything is
read, so that a large file under such a name costs nothing.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import checked_path, guarded, reason_of

LARGEST_TEXT = 2**20
"""Most bytes of a recipe or of a side file; those of real series hold some kilobytes."""

LARGEST_RECORD = 2**26
"""Most bytes of a record that a run or a saved window writes; those of real ones hold up to some
megabytes."""


def bounded_bytes(
    path: str | Path, longest: int = LARGEST_TEXT, *, what: str, missing: str | None = None
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
        As in :func:`~napari_snpore.files.guarded_reading.checked_path`.
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


def read_toml(path: str | Path, *, what: str, missing: str | None = None) -> dict[str, Any]:
    """Return the content of a TOML file of at most 1 MB; parameters and errors as in
    :func:`bounded_bytes`.
    """
    raw = bounded_bytes(path, what=what, missing=missing)
    with guarded(path):
        try:
            # a mark of the byte order, which some editors on Windows write, is not part of the text
            return tomllib.loads(raw.decode("utf-8-sig"))
        except ValueError as error:  # not UTF-8, not TOML, or a number of thousands of digits
            raise FileFormatError(
                f"{path} is not a readable TOML {what[2:]}: {reason_of(error)}."
            ) from error


def read_json(path: str | Path, *, what: str) -> dict[str, Any]:
    """Return the content of a JSON file that holds one object; parameters and errors as in
    :func:`bounded_bytes`.
    """
    raw = bounded_bytes(path, LARGEST_RECORD, what=what)
    with guarded(path):
        try:
            content = json.loads(raw)
        except ValueError as error:
            raise FileFormatError(f"{path} is not a readable {what[2:]}.") from error
        if not isinstance(content, dict):
            raise FileFormatError(f"{path} is not a readable {what[2:]}: it holds no object.")
        return content

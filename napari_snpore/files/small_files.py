"""Recipes and records: TOML and JSON that is read whole, in a bounded size."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import bounded_bytes, guarded, reason_of
from napari_snpore.outputs.own_files import LARGEST_RECORD


def read_toml(path: str | Path, *, what: str, missing: str | None = None) -> dict[str, Any]:
    """Return the content of a TOML file of at most 1 MB; parameters and errors as in
    :func:`~napari_snpore.files.guarded_reading.bounded_bytes`.
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
    :func:`~napari_snpore.files.guarded_reading.bounded_bytes`.
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

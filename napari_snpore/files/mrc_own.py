"""What MRC has no field for, in files of this package: voxel size and origin in full precision, and
the history, as JSON in the extended header.

Of the types of extended headers that MRC2014 knows one holds metadata of any kind: ``HDF5``. The
JSON is the one data set in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.history import parsed_history, stored_history
from napari_snpore.volume import Triple, Volume

OWN_TYPE = b"HDF5"
"""Type of the extended header."""

_NAME = "napari-snpore"

_BLOCK = 1024
_LARGEST = 2**24
_ROUNDED = 1e-5
"""Relative difference of a size or an origin from its value in float32."""


def own_block(volume: Volume) -> bytes:
    """Return the extended header of a volume, a multiple of 1024 bytes long; equal volumes make equal
    bytes.
    """
    about = {
        "spacing_nm": volume.spacing,
        "origin_nm": volume.origin,
        **stored_history(volume.history),
    }
    text = json.dumps(about, default=str).encode("ascii")
    with BytesIO() as memory:
        with h5py.File(memory, "w") as file:
            file.create_dataset(_NAME, data=np.frombuffer(text, np.uint8), track_times=False)
        raw = memory.getvalue()
    return raw.ljust(-(-len(raw) // _BLOCK) * _BLOCK, b"\0")


def with_own_block(parsed: ParsedFile, path: Path, size: int) -> ParsedFile:
    """Return the content of a file of this package with what its extended header says.

    Size and origin are those of the header itself where these differ: another program changed them.

    Parameters
    ----------
    parsed : ParsedFile
        What the header says.
    path : Path
        The file.
    size : int
        Bytes of the extended header.

    Raises
    ------
    FileFormatError
        It is damaged.
    """
    if size > _LARGEST:
        raise FileFormatError(f"{path} is damaged: its extended header has {size} bytes.")
    with path.open("rb") as file:
        file.seek(_BLOCK)
        raw = file.read(size)
    try:
        about: Mapping[str, Any] = json.loads(_text(raw))
        spacing = _triple(about["spacing_nm"])
        origin = _triple(about["origin_nm"])
    except Exception as error:  # HDF5 raises many kinds
        raise FileFormatError(f"{path} holds a damaged history.") from error
    found = replace(parsed, history=parsed_history(about, str(path)))
    if None not in parsed.spacing_nm and _agree(spacing, parsed.spacing_nm):
        found = replace(found, spacing_nm=spacing)
    if parsed.origin_nm is not None and _agree(origin, parsed.origin_nm):
        found = replace(found, origin_nm=origin)
    return found


def _text(raw: bytes) -> bytes:
    with h5py.File(BytesIO(raw), "r") as file:
        stored = file[_NAME]
        if stored.dtype != np.uint8 or stored.ndim != 1 or stored.nbytes > len(raw):
            raise ValueError
        return bytes(stored[:].tobytes())


def _triple(values: Any) -> Triple:
    z, y, x = (float(value) for value in values)
    return z, y, x


def _agree(one: Any, two: Any) -> bool:
    return bool(np.allclose(one, np.asarray(two, np.float64), rtol=_ROUNDED, atol=1e-30))

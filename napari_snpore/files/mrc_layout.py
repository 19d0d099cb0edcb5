"""What the header of an MRC file says about its values and axes: the sign of bytes, the order of
axes, and stacks of volumes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError

_STAMP = int.from_bytes(b"IMOD", "little")
_STAMP_PLACE = 152 - 112  # bytes 152 to 160 of the file, in the second block of free words
_SIGNED, _HALF_BYTES = 1, 16
_FIRST_STACK_GROUP, _LAST_STACK_GROUP = 401, 630
_SAMPLED_PLANES, _SAMPLED_ROWS = 8, 512
_CLEARLY = 2.0


def sign_of_bytes(
    header: NDArray[Any], data: NDArray[np.int8], path: Path
) -> tuple[type[np.generic], tuple[str, ...]]:
    """Return the dtype of mode 0, int8 or uint8, and a note where the values decided.

    What cannot be otherwise counts first: a lowest value below 0, or a highest above 127, in the
    header's statistics. Then IMOD's flag, where its stamp is. Else it is signed by the standard,
    unless the values themselves are smooth as unsigned bytes and jump by 256 as signed ones: many
    programs write unsigned bytes and no statistics.

    Raises
    ------
    FileFormatError
        By IMOD's flag each byte holds two values of 4 bits.
    """
    low, high = float(header["dmin"]), float(header["dmax"])
    stamp, flags = _imod_words(header)
    if stamp and flags & _HALF_BYTES:
        raise FileFormatError(
            f"{path} holds two values of 4 bits in each byte; convert it to bytes or integers with IMOD's newstack."
        )
    if -128 <= low < 0 and low <= high <= 127:
        return np.int8, ()
    if 0 <= low <= high <= 255 and high > 127:
        return np.uint8, ()
    if stamp:
        return np.int8 if flags & _SIGNED else np.uint8, ()
    if _is_smoother_unsigned(data):
        return np.uint8, ("bytes without statistics were read as unsigned; as signed they jump",)
    return np.int8, ()


def _imod_words(header: NDArray[Any]) -> tuple[bool, int]:
    words = np.frombuffer(bytes(header["extra2"]), header.dtype["mode"], 2, _STAMP_PLACE)
    stamp, flags = words
    return int(stamp) == _STAMP, int(flags)


def _is_smoother_unsigned(data: NDArray[np.int8]) -> bool:
    """Return whether neighbours in some planes are clearly closer as unsigned than as signed bytes.

    Only neighbours with different highest bits tell: they are 256 apart in one of both meanings
    less their distance in the other.
    """
    middle = max(0, data.shape[1] - _SAMPLED_ROWS) // 2
    rows = slice(middle, middle + _SAMPLED_ROWS)
    as_unsigned = as_signed = 0
    for z in range(0, len(data), max(1, len(data) // _SAMPLED_PLANES)):
        planes = np.asarray(data[z : z + 2, rows]).view(np.uint8)
        for axis in range(3):
            values = (planes[:1] if axis else planes).astype(np.int16)
            crossing = np.diff(values >> 7, axis=axis) != 0
            near = np.abs(np.diff(values, axis=axis)[crossing]) < 128
            as_unsigned += int(near.sum())
            as_signed += int((~near).sum())
    return as_unsigned > _CLEARLY * as_signed


def axis_order(header: NDArray[Any], path: Path) -> tuple[int, ...]:
    """Return the order that puts sections, rows and columns as ``(z, y, x)``.

    Old files leave the three words 0: columns are x, rows y and sections z.

    Raises
    ------
    FileFormatError
        The words are neither 0 nor 1, 2 and 3 in some order.
    """
    named = tuple(int(header[word]) for word in ("maps", "mapr", "mapc"))
    if named == (0, 0, 0):
        return 0, 1, 2
    if sorted(named) != [1, 2, 3]:
        raise FileFormatError(
            f"{path} names its axes {named[2]}, {named[1]}, {named[0]} (columns, rows, sections); "
            "1, 2 and 3 in some order are needed: correct the header, such as with IMOD's alterheader."
        )
    return tuple(named.index(axis) for axis in (3, 2, 1))


def volume_count(header: NDArray[Any], path: Path) -> int:
    """Return how many volumes a file holds: more than one in space groups 401 to 630, with MZ
    sections each.

    Raises
    ------
    FileFormatError
        MZ does not divide the number of sections.
    """
    sections, each = int(header["nz"]), int(header["mz"])
    if not _FIRST_STACK_GROUP <= int(header["ispg"]) <= _LAST_STACK_GROUP:
        return 1
    if each <= 0 or sections % each:
        raise FileFormatError(
            f"{path} is a stack of volumes of {each} sections each by its header, but holds {sections} sections."
        )
    return sections // each

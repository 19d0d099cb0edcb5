"""Tilt angles and pixel size in extended headers of MRC files: FEI (old, ``FEI1``, ``FEI2``) and
SerialEM.

Angles that are all equal count as none, because an unused field is 0 for every image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import mrcfile
import numpy as np
from numpy.typing import NDArray

ByteOrder = Literal["<", ">"]
AnglesAndPixel = tuple[list[float] | None, float | None]

_OLD_RECORDS, _OLD_COLUMNS = 1024, 32
_OLD_TILT, _OLD_PIXEL = 0, 11
_SERIALEM_BYTES = (2, 6, 4, 2, 2, 4, 2, 4, 2, 4, 2)
_SERIALEM_SIZES = slice(
    16, 20
)  # bytes 128 to 132 of the file: two shorts in the second block of free words
_LARGEST_DEG = 180.0


def read_extended(path: Path, header: NDArray[Any], order: ByteOrder) -> AnglesAndPixel:
    """Return tilt angles (degrees, one per image) and pixel size (nm); None for what the extended
    header does not contain.
    """
    kind, extended, count = bytes(header["exttyp"]), int(header["nsymbt"]), int(header["nz"])
    modern = mrcfile.dtypes.get_ext_header_dtype(kind, order)
    if modern is not None:
        return _fei(path, modern, extended, count)
    if extended >= _OLD_RECORDS * _OLD_COLUMNS * 4 and (
        kind[:3] == b"FEI" or b"Fei" in bytes(header["label"][0])
    ):
        return _old_fei(path, order, count)
    if kind.strip() in (b"SERI", b""):
        return _serialem(path, header, order, extended, count), None
    return None, None


def _fei(path: Path, record: np.dtype[Any], extended: int, count: int) -> AnglesAndPixel:
    """Read ``FEI1`` and ``FEI2``: one record per image, the pixel size in m."""
    if extended < count * record.itemsize:
        return None, None
    table = np.fromfile(path, record, count, offset=1024)
    if int(table["Metadata size"][0]) != record.itemsize:
        return None, None
    return _angles(table["Alpha tilt"]), _pixel(table["Pixel size X"][0])


def _old_fei(path: Path, order: ByteOrder, count: int) -> AnglesAndPixel:
    """Read headers of FEI before ``FEI1``: always 1024 records of 32 float32, the pixel size in
    m.
    """
    if count > _OLD_RECORDS:
        return None, None
    table = np.fromfile(
        path, np.dtype("f4").newbyteorder(order), _OLD_RECORDS * _OLD_COLUMNS, offset=1024
    )
    table = table.reshape(_OLD_RECORDS, _OLD_COLUMNS)
    return _angles(table[:count, _OLD_TILT]), _pixel(table[0, _OLD_PIXEL])


def _serialem(
    path: Path, header: NDArray[Any], order: ByteOrder, extended: int, count: int
) -> list[float] | None:
    """Read SerialEM's header: two shorts give the bytes per image and the flags of their fields;
    tilt, in 0.01°, comes first.

    Other programs use the same two shorts for counts of integers and reals. As in IMOD, they are
    taken as SerialEM's only if the sizes of the flagged fields add up to the bytes.
    """
    short = np.dtype("i2").newbyteorder(order)
    size, flags = (
        int(word) for word in np.frombuffer(bytes(header["extra2"])[_SERIALEM_SIZES], short)
    )
    promised = sum(width for bit, width in enumerate(_SERIALEM_BYTES) if flags & 1 << bit)
    if (
        not 0 < flags < 1 << len(_SERIALEM_BYTES)
        or not flags & 1
        or size != promised
        or extended < count * size
    ):
        return None
    records = np.fromfile(path, np.uint8, count * size, offset=1024).reshape(count, size)
    return _angles(records[:, :2].copy().view(short)[:, 0] / 100)


def _angles(values: NDArray[Any]) -> list[float] | None:
    angles = values.astype(np.float64)
    if not np.isfinite(angles).all() or np.abs(angles).max() > _LARGEST_DEG:
        return None
    rounded: NDArray[np.float64] = angles.round(4)
    return rounded.tolist() if np.ptp(rounded) > 0 else None


def _pixel(metres: Any) -> float | None:
    size = float(metres) * 1e9
    return size if np.isfinite(size) and size > 0 else None

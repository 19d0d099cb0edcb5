"""MetaImage of ITK: header and voxels in one file (``.mha``), or a header (``.mhd``) beside them.

``DistanceUnits`` names the unit of its sizes; many files have none, and then the sizes count as
none, because ITK's millimetres are no more than a custom of medicine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.orientation import oriented, without_unit
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.units import in_nm
from napari_snpore.files.voxel_data import (
    Encoding,
    checked_shape,
    data_file,
    head_of,
    joined,
    numbered_files,
    read_voxels,
    shown,
)

_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
"""``MET_LONG`` has 4 or 8 bytes by the machine that wrote it, and is decided by the file's size."""

_LONG = {"MET_LONG": ("i4", "i8"), "MET_ULONG": ("u4", "u8")}
_LINE = re.compile(rb"^[ \t]*(\w+)[ \t]*=([^\r\n]*)\r?\n", re.M)


def read_meta_image(path: Path) -> ParsedFile:
    """Return the voxels of a MetaImage along (z, y, x), with its size where it names a unit."""
    raw = head_of(path)
    header, end = _header(raw, path)
    if header.get("objecttype", "Image").lower() != "image" or "dimsize" not in header:
        raise FileFormatError(
            f"{path} is not a MetaImage of voxels: ObjectType = Image and DimSize are needed."
        )
    if header.get("elementnumberofchannels", "1") != "1":
        channels = shown(header["elementnumberofchannels"])
        raise FileFormatError(f"{path} has {channels} values a voxel; one grey value is needed.")
    shape = checked_shape(header["dimsize"].split()[::-1], path)
    if str(len(shape)) != header.get("ndims", str(len(shape))):
        raise FileFormatError(
            f"{path} is damaged: NDims is {shown(header['ndims'])}, DimSize has {len(shape)} numbers."
        )
    data = _voxels(path, header, shape, raw, end)
    while data.ndim > 3 and data.shape[0] == 1:
        data = data[0]
    if data.ndim not in (2, 3):
        raise FileFormatError(f"{path} has sizes {shape[::-1]}; a volume has three axes.")
    return _placed(path, header, data)


def meta_image_parts(path: Path) -> list[Path]:
    """Return the files that hold the voxels of a header of its own."""
    raw = head_of(path)
    header, end = _header(raw, path)
    files = _data_files(path, header["elementdatafile"], raw, end)
    return [place for place, _ in files if place != path]


def _header(raw: bytes, path: Path) -> tuple[Mapping[str, str], int]:
    """Return the lines ``key = value`` with keys in lower case, and where the last one,
    ElementDataFile, ends.
    """
    header: dict[str, str] = {}
    at = 0
    while line := _LINE.match(raw, at):
        key = line[1].decode("ascii", "replace").lower()
        header[key] = line[2].decode("utf-8", "replace").strip(" \t")
        at = line.end()
        if key == "elementdatafile":
            return header, at
    tail = re.match(rb"[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]+)\Z", raw[at:], re.I)
    if tail is None:
        raise FileFormatError(
            f"{path} is not a MetaImage file: its header has no line ElementDataFile."
        )
    header["elementdatafile"] = tail[1].decode("utf-8", "replace").strip()
    return header, len(raw)


def _voxels(
    path: Path, header: Mapping[str, str], shape: tuple[int, ...], raw: bytes, end: int
) -> Any:
    files = _data_files(path, header["elementdatafile"], raw, end)
    if not files or shape[0] % len(files):
        raise FileFormatError(
            f"{path} names {len(files)} data files for {shape[0]} planes; each must hold as many."
        )
    part = (shape[0] // len(files), *shape[1:])
    encoding: Encoding = "raw"
    if _is_true(header.get("compresseddata", "False")):
        encoding = "zlib"
    elif not _is_true(header.get("binarydata", "True")):
        encoding = "text"
    skip = _whole(header.get("headersize", "0"), "HeaderSize", path)

    def slab(place: Path, start: int) -> Any:
        dtype = _dtype(path, header, part, place, start, encoding)
        offset = None if skip == -1 and encoding == "raw" else start + max(skip, 0)
        return read_voxels(place, dtype, part, offset=offset, encoding=encoding)

    return joined((slab(place, start) for place, start in files), len(files))


def _data_files(path: Path, named: str, raw: bytes, end: int) -> list[tuple[Path, int]]:
    """Return the files of the voxels in their order, and the byte where they begin in each."""
    words = named.split()
    if named.upper() == "LOCAL":
        return [(path, end)]
    if words and words[0].upper() == "LIST":
        names = [line for line in raw[end:].decode("utf-8", "replace").splitlines() if line.strip()]
        return [(data_file(path, name), 0) for name in names]
    numbered = numbered_files(path, words)
    if numbered is not None:
        return numbered
    return [(data_file(path, named), 0)]


def _dtype(
    path: Path,
    header: Mapping[str, str],
    part: tuple[int, ...],
    place: Path,
    start: int,
    encoding: Encoding,
) -> np.dtype[Any]:
    kind = header.get("elementtype", "").upper()
    code = _TYPES.get(kind)
    if kind in _LONG:
        if encoding != "raw":
            raise FileFormatError(
                f"{path} has packed voxels of type {kind}, whose size depends on the machine; save it as MET_INT."
            )
        small, large = _LONG[kind]
        need = int(np.prod(part, dtype=np.int64)) * 8
        code = large if place.stat().st_size - start >= need else small
    if code is None:
        raise FileFormatError(
            f"{path} has voxels of type '{shown(kind)}'; these are read: {' '.join([*_TYPES, *_LONG])}."
        )
    msb = header.get("elementbyteordermsb", header.get("binarydatabyteordermsb"))
    if msb is None and code[1] != "1" and encoding != "text":
        raise FileFormatError(
            f"{path} does not say its byte order (BinaryDataByteOrderMSB = True or False)."
        )
    return np.dtype((">" if _is_true(msb or "") else "<") + code)


def _placed(path: Path, header: Mapping[str, str], data: Any) -> ParsedFile:
    """Return the voxels with their sizes, along (z, y, x) where the header places them in space."""
    unit = header.get("distanceunits")
    one = in_nm(1.0, unit)
    words = header.get("elementspacing", header.get("elementsize"))
    known = one is not None and words is not None
    sizes = np.ones(data.ndim) if words is None else _numbers(words, data.ndim, path)
    if data.ndim == 2:
        pixel = [float(size) * one if known and one else None for size in sizes[::-1]]
        return ParsedFile(data, (None, pixel[0], pixel[1]))
    matrix = next(
        (header[k] for k in ("transformmatrix", "orientation", "rotation") if k in header), None
    )
    turn = np.eye(3) if matrix is None else _numbers(matrix, 9, path).reshape(3, 3)
    place = next((header[k] for k in ("offset", "position", "origin") if k in header), None)
    corner = None if place is None else _numbers(place, 3, path)
    found = oriented(
        data,
        turn * np.abs(sizes)[:, None] * (one or 1.0),
        None if corner is None or one is None else corner * one,
        path,
    )
    return ParsedFile(
        found.data,
        found.sizes if known else (None, None, None),
        origin_nm=found.origin if known else None,
        history=found.history,
        notes=(*found.notes, *(() if known or words is None else without_unit(found.sizes))),
    )


def _numbers(words: str, count: int, path: Path) -> Any:
    """Return the first ``count`` numbers of a header line (a fourth axis of length 1 has more)."""
    try:
        numbers = np.array([float(word) for word in words.split()], np.float64)
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) < count:
        raise FileFormatError(
            f"{path} is damaged: '{shown(words)}' stands where {count} numbers should."
        )
    return numbers[:count]


def _whole(word: str, what: str, path: Path) -> int:
    if not re.fullmatch(r"[-+]?\d{1,18}", word.strip()):
        raise FileFormatError(
            f"{path} is damaged: {what} is '{shown(word)}', a whole number is needed."
        )
    return int(word)


def _is_true(word: str) -> bool:
    return word.strip().lower() in ("true", "1", "t", "yes")

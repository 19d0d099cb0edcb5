"""Amira and Avizo meshes (``.am``) of one uniform lattice: binary (memory-mapped), ASCII, or
compressed as these programs save label fields (HxByteRLE, HxZip).
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.units import Sizes, in_nm, real_sizes
from napari_snpore.volume import Triple

_TYPES = {
    "byte": "u1",
    "sbyte": "i1",
    "ushort": "u2",
    "short": "i2",
    "int": "i4",
    "float": "f4",
    "double": "f8",
}
_HEADER_LIMIT = 1 << 23
"""Bytes in which the data must begin; materials and their colours can fill a megabyte."""
_LARGEST_RUN = 127 / 2
"""Most values that one byte of HxByteRLE stands for."""

_LARGEST_RATIO = 1040
"""Most bytes that one byte of HxZip stands for: the bound of the deflate format, with a margin."""

_FIELD = re.compile(
    r"Lattice\s*\{\s*(\w+)(\[\d+\])?\s+(\w+)\s*\}\s*=?\s*@(\d+)(?:\(\s*(\w+)\s*(?:,\s*(\d{1,18})\s*)?\))?"
)
"""Type, number of values a voxel, name, number of the data, coding and size of a field."""


def read_amira(path: Path) -> ParsedFile:
    """Return the lattice of an Amira file; its voxel size is that of ``BoundingBox`` (voxel
    centers) if a unit is named.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    first = head.split(b"\n", 1)[0]
    if not first.startswith((b"# AmiraMesh", b"# Avizo")):
        raise FileFormatError(
            f"{path} is not an Amira mesh: it does not begin with '# AmiraMesh' or '# Avizo'."
        )
    mark = re.search(rb"^@1[^\S\n]*\r?\n", head, re.M)
    text = head[: mark.start() if mark else len(head)].decode("latin-1")
    lattice = re.search(r"define\s+Lattice\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s", text)
    fields = re.findall(_FIELD, text)
    first_field = next((one for one in fields if one[3] == "1"), None)
    if mark is None or lattice is None or first_field is None:
        raise FileFormatError(f"{path} holds no uniform lattice with data (@1).")
    kind, count, name, _, coding, size = first_field
    if count or kind not in _TYPES:
        raise FileFormatError(
            f"{path} holds {kind}{count} values; one grey value a voxel is needed."
        )
    coordinates = re.search(r'CoordType\s+"(\w+)"', text)
    if coordinates is not None and coordinates.group(1).lower() != "uniform":
        raise FileFormatError(
            f"{path} has {coordinates.group(1)} coordinates, planes at uneven distances; save it "
            "resampled to a uniform lattice."
        )
    x, y, z = (int(word) for word in lattice.groups())
    if 0 in (x, y, z):
        raise FileFormatError(f"{path} holds no voxel: its lattice is {x} × {y} × {z}.")
    order = "<" if b"LITTLE" in first.upper() else ">"
    dtype = np.dtype(order + _TYPES[kind])
    if coding:
        data = _decoded(path, mark.end(), coding, size, dtype, (z, y, x))
    else:
        data = _values(path, first, mark.end(), dtype, (z, y, x))
    spacing, origin, notes = _box(text, (x, y, z))
    others = [one[2] for one in fields if one[3] != "1"]
    if others:
        notes = (*notes, f"{name} was read; the file also holds {', '.join(others[:4])}")
    return ParsedFile(data, spacing, origin_nm=origin, notes=notes)


def _decoded(
    path: Path, start: int, coding: str, size: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Any:
    """Return the values of a compressed lattice; the memory for them is bounded by the file's
    size.
    """
    if coding not in ("HxByteRLE", "HxZip"):
        raise FileFormatError(
            f"{path} is compressed as {coding}; HxByteRLE and HxZip are read: save it uncompressed."
        )
    if coding == "HxByteRLE" and dtype.itemsize > 1:
        raise FileFormatError(
            f"{path} holds {dtype.name} values as HxByteRLE, which is read for bytes only: save it "
            "uncompressed."
        )
    with path.open("rb") as file:
        file.seek(start)
        coded = file.read(int(size) if size else -1)
    if size and len(coded) < int(size):
        raise FileFormatError(
            f"{path} is cut short: {int(size)} compressed bytes are promised, {len(coded)} are there."
        )
    need = int(np.prod(shape, dtype=np.float64)) * dtype.itemsize
    if need > len(coded) * (_LARGEST_RUN if coding == "HxByteRLE" else _LARGEST_RATIO):
        raise FileFormatError(
            f"{path} is cut short or damaged: {len(coded)} compressed bytes cannot hold {need}."
        )
    raw: Any
    if coding == "HxZip":
        unpack = zlib.decompressobj()
        try:
            raw = unpack.decompress(coded, need)
        except zlib.error as error:
            raise FileFormatError(f"{path} is damaged: its HxZip data are no zip data.") from error
        found = len(raw)
    else:
        # imported here: numba, which only this coding needs
        from napari_snpore.files._amira_kernels import expand_runs

        values = np.empty(need, np.uint8)
        found = int(expand_runs(np.frombuffer(coded, np.uint8), values))
        raw = values
    if found != need:
        raise FileFormatError(
            f"{path} is damaged: its compressed data hold {found} bytes, its header promises {need}."
        )
    return np.frombuffer(raw, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _values(
    path: Path, first: bytes, start: int, dtype: np.dtype[Any], shape: tuple[int, int, int]
) -> Any:
    count = shape[0] * shape[1] * shape[2]
    if b"ASCII" in first.upper():
        words = path.read_bytes()[start:].split()[:count]
        if len(words) < count:
            raise FileFormatError(
                f"{path} is cut short: {count} values are promised, {len(words)} are there."
            )
        try:
            numbers = np.array(words, dtype="f8")
        except ValueError:
            raise FileFormatError(f"{path} is damaged: a value of it is no number.") from None
        return numbers.astype(dtype.newbyteorder("=")).reshape(shape)
    need = start + count * dtype.itemsize
    if path.stat().st_size < need:
        raise FileFormatError(
            f"{path} is cut short: its header promises {need} bytes, the file has {path.stat().st_size}."
        )
    return np.memmap(path, dtype, "r", offset=start, shape=shape)


def _box(text: str, counts: tuple[int, int, int]) -> tuple[Sizes, Triple | None, tuple[str, ...]]:
    """Return voxel size and origin (nm) along (z, y, x), and a note on a size that counts as
    none.
    """
    nothing: Sizes = (None, None, None)
    unit = re.search(r'Units\s*\{[^}]*Coordinates\s+"([^"]*)"', text)
    box = re.search(r"BoundingBox\s+([-+.\deE\s]+)", text)
    if unit is None or box is None:
        return nothing, None, ()
    try:
        ends = [float(word) for word in box.group(1).split()[:6]]
    except ValueError:
        return nothing, None, ()
    one = in_nm(1.0, unit.group(1))
    if len(ends) < 6 or one is None:
        return nothing, None, ()
    x, y, z = ((ends[2 * k + 1] - ends[2 * k]) / max(n - 1, 1) for k, n in enumerate(counts))
    stated = (z, y, x)
    sizes = (in_nm(z, unit.group(1)), in_nm(y, unit.group(1)), in_nm(x, unit.group(1)))
    real = real_sizes(sizes, stated)
    note = (f"a voxel of {x:g} {unit.group(1)} is a default and counts as none",)
    return real, (ends[4] * one, ends[2] * one, ends[0] * one), () if real == sizes else note

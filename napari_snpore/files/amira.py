"""Amira and Avizo meshes (``.am``) of one uniform lattice: binary (memory-mapped) or ASCII."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.units import in_nm
from napari_snpore.volume import Triple

_TYPES = {"byte": "u1", "ushort": "u2", "short": "i2", "int": "i4", "float": "f4", "double": "f8"}
_HEADER_LIMIT = 1 << 20


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
    lattice = re.search(r"define\s+Lattice\s+(\d+)\s+(\d+)\s+(\d+)", text)
    field = re.search(r"Lattice\s*\{\s*(\w+)(\[\d+\])?\s+\w+\s*\}\s*=?\s*@1(\((\w+)[^)]*\))?", text)
    if mark is None or lattice is None or field is None:
        raise FileFormatError(f"{path} holds no uniform lattice with data (@1).")
    if field.group(2) or field.group(1) not in _TYPES:
        raise FileFormatError(
            f"{path} holds {field.group(1)}{field.group(2) or ''} values; one grey value a voxel is needed."
        )
    if field.group(4):
        raise FileFormatError(f"{path} is compressed ({field.group(4)}); save it uncompressed.")
    x, y, z = (int(word) for word in lattice.groups())
    order = "<" if b"LITTLE" in first.upper() else ">"
    data = _values(path, first, mark.end(), np.dtype(order + _TYPES[field.group(1)]), (z, y, x))
    spacing, origin = _box(text, (x, y, z))
    return ParsedFile(data, spacing, origin_nm=origin)


def _values(
    path: Path, first: bytes, start: int, dtype: np.dtype[Any], shape: tuple[int, int, int]
) -> Any:
    count = int(np.prod(shape))
    if count == 0:
        raise FileFormatError(f"{path} holds no voxel.")
    if b"ASCII" in first.upper():
        words = path.read_bytes()[start:].split()[:count]
        if len(words) < count:
            raise FileFormatError(
                f"{path} is cut short: {count} values are promised, {len(words)} are there."
            )
        return np.array(words, dtype="f8").astype(dtype.newbyteorder("=")).reshape(shape)
    need = start + count * dtype.itemsize
    if path.stat().st_size < need:
        raise FileFormatError(
            f"{path} is cut short: its header promises {need} bytes, the file has {path.stat().st_size}."
        )
    return np.memmap(path, dtype, "r", offset=start, shape=shape)


def _box(
    text: str, counts: tuple[int, int, int]
) -> tuple[tuple[float | None, float | None, float | None], Triple | None]:
    unit = re.search(r'Units\s*\{[^}]*Coordinates\s+"([^"]*)"', text)
    box = re.search(r"BoundingBox\s+([-+.\deE\s]+)", text)
    if unit is None or box is None:
        return (None, None, None), None
    ends = [float(word) for word in box.group(1).split()[:6]]
    if len(ends) < 6:
        return (None, None, None), None
    sizes = [
        in_nm((ends[2 * k + 1] - ends[2 * k]) / max(n - 1, 1), unit.group(1))
        for k, n in enumerate(counts)
    ]
    one = in_nm(1.0, unit.group(1)) or 0.0
    return (sizes[2], sizes[1], sizes[0]), (ends[4] * one, ends[2] * one, ends[0] * one)

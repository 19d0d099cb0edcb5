"""NRRD (``.nrrd``) and NRRD headers with their voxels in other files (``.nhdr``).

A size without a unit counts as none, as in all formats. What is written is one file of raw voxels
in nm, with the history as a key and value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.orientation import oriented, without_unit
from napari_snpore.files.parsed_file import AxisSizes, ParsedFile
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
from napari_snpore.history import parsed_history, stored_history
from napari_snpore.volume import Volume

_OWN = "napari-snpore"

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}  # fmt: skip

_ENCODINGS: dict[str, Encoding] = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2",
    "txt": "text", "text": "text", "ascii": "text",
}  # fmt: skip

_WRITTEN = {
    "int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32",
    "uint32": "uint32", "int64": "int64", "uint64": "uint64", "float32": "float", "float64": "double",
}  # fmt: skip

_LIST = re.compile(rb"^data ?file:[ \t]*LIST[^\n]*\n", re.M | re.I)


_LONGEST_LINE = 2**16
"""Most bytes of a line of the header: pynrrd takes some lines apart letter by letter. Those of our
own history, which is a line, may be longer."""


def read_nrrd(path: Path) -> ParsedFile:
    """Return the voxels of an NRRD file along (z, y, x), with the sizes that it gives in a unit."""
    header, files = _header_and_files(path)
    shape = checked_shape(list(header["sizes"])[::-1], path)
    if len(shape) != int(header["dimension"]):
        raise FileFormatError(
            f"{path} is damaged: it has {header['dimension']} dimensions and {len(shape)} sizes."
        )
    data = _voxels(path, header, shape, files)
    history = parsed_history(_own(header, path), str(path))
    return _placed(path, header, data, history)


def nrrd_parts(path: Path) -> list[Path]:
    """Return the files that hold the voxels of a detached header."""
    return [place for place, _ in _header_and_files(path)[1] if place != path]


def write_nrrd(path: Path, volume: Volume) -> None:
    """Write one NRRD file of raw voxels, plane by plane, with voxel size and origin in nm.

    Raises
    ------
    FileFormatError
        The format has no such voxels (bool, float16).
    """
    kind = _WRITTEN.get(volume.dtype.name)
    if kind is None:
        raise FileFormatError(f"NRRD holds no {volume.dtype}; convert to uint8 or float32 first.")
    about = json.dumps(stored_history(volume.history), default=str)
    dz, dy, dx = volume.spacing
    oz, oy, ox = volume.origin
    z, y, x = volume.shape
    lines = [
        "NRRD0005",
        f"type: {kind}",
        "dimension: 3",
        "space dimension: 3",
        f"sizes: {x} {y} {z}",
        f"space directions: ({dx!r},0,0) (0,{dy!r},0) (0,0,{dz!r})",
        "kinds: domain domain domain",
        'space units: "nm" "nm" "nm"',
        f"space origin: ({ox!r},{oy!r},{oz!r})",
        "endian: little",
        "encoding: raw",
        f"{_OWN}:={about.translate(_ESCAPES)}",
    ]
    stored = volume.dtype.newbyteorder("<")
    with path.open("wb") as file:
        file.write("\n".join([*lines, "", ""]).encode("ascii"))
        for plane in range(z):
            file.write(np.ascontiguousarray(volume.data[plane], stored).tobytes())


_ESCAPES = {ord("\\"): "\\\\", ord("\n"): "\\n"}
"""A value of NRRD writes a backslash and a line's end with a backslash before them."""


def _header_and_files(path: Path) -> tuple[Mapping[str, Any], list[tuple[Path, int]]]:
    """Return the header, and the files of the voxels with the byte where they begin in each."""
    raw = head_of(path)
    if not raw.startswith(b"NRRD"):
        raise FileFormatError(f"{path} is not an NRRD file: it does not begin with 'NRRD'.")
    end = re.search(rb"\r?\n\r?\n", raw)
    listed = _LIST.search(raw)  # the names of the files follow it, in place of header lines
    stop = listed.end() if listed else end.start() if end else len(raw)
    for line in raw[:stop].splitlines():
        if len(line) > _LONGEST_LINE and b":=" not in line[:100]:
            raise FileFormatError(f"{path} is damaged: a line of its header has {len(line)} bytes.")
    header = _header(raw[:stop], path)
    detached = header.get("data file", header.get("datafile"))
    if end is None and detached is None:
        raise FileFormatError(f"{path} is cut short: its header has no end within the first 1 MB.")
    return header, _data_files(path, raw, end.end() if end else 0, detached)


def _header(raw: bytes, path: Path) -> Mapping[str, Any]:
    # imported here: only this format needs it
    import nrrd

    try:
        header: Mapping[str, Any] = nrrd.read_header(raw.splitlines(keepends=True))
        for name in ("type", "dimension", "sizes", "encoding"):
            if name not in header:
                raise FileFormatError(f"{path} is damaged: its header has no '{name}'.")
        return header
    except FileFormatError:
        raise
    except Exception as error:  # the library raises many kinds for a damaged line
        raise FileFormatError(f"{path} has a damaged header: {shown(error)}.") from error


def _data_files(path: Path, raw: bytes, end: int, detached: str | None) -> list[tuple[Path, int]]:
    """Return the files of the voxels in their order, and the byte where they begin in each."""
    if detached is None:
        return [(path, end)]
    words = detached.split()
    if words and words[0].upper() == "LIST":
        after = _LIST.search(raw)
        names = raw[after.end() if after else len(raw) :].decode("utf-8", "replace").split("\n")
        listed = [name for name in names if name.strip()]
        return [(data_file(path, name), 0) for name in listed]
    if len(words) >= 4:
        numbered = numbered_files(path, words)
        if numbered is not None:
            return numbered
    return [(data_file(path, detached), 0)]


def _voxels(
    path: Path,
    header: Mapping[str, Any],
    shape: tuple[int, ...],
    files: Sequence[tuple[Path, int]],
) -> Any:
    kind = str(header["type"]).strip().lower()
    code = next((code for code, names in _TYPES.items() if kind in names), None)
    encoding = _ENCODINGS.get(str(header["encoding"]).strip().lower())
    if code is None or encoding is None:
        what = (
            f"voxels of type '{shown(kind)}'"
            if code is None
            else f"encoding '{shown(header['encoding'])}'"
        )
        raise FileFormatError(
            f"{path} has {what}, which is not read: real numbers, as raw, gzip, bzip2 or text, are."
        )
    order = {"little": "<", "big": ">"}.get(str(header.get("endian", "")).strip().lower())
    if order is None and code[1] != "1" and encoding != "text":
        raise FileFormatError(f"{path} does not say its byte order (endian: little or big).")
    dtype = np.dtype((order or "") + code)
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    if not files or shape[0] % len(files):
        raise FileFormatError(
            f"{path} names {len(files)} data files for {shape[0]} planes; each must hold as many."
        )
    part = (shape[0] // len(files), *shape[1:])

    def slab(place: Path, start: int) -> Any:
        begin = start + _line_bytes(place, start, lines)
        offset = None if skip == -1 and encoding == "raw" else begin
        return read_voxels(place, dtype, part, offset=offset, skip=max(skip, 0), encoding=encoding)

    return joined((slab(place, start) for place, start in files), len(files))


def _line_bytes(path: Path, start: int, lines: int) -> int:
    """Return how many bytes the lines that are skipped have."""
    if lines <= 0:
        return 0
    head = head_of(path)[start:]
    ends = [match.end() for match in re.finditer(rb"\n", head)]
    if len(ends) < lines:
        raise FileFormatError(f"{path} is cut short: {lines} lines are to be skipped.")
    return ends[lines - 1]


def _own(header: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Return what this package wrote into the header beside the scale."""
    text = header.get(_OWN)
    if text is None:
        return {}
    plain = re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], str(text))
    try:
        about = json.loads(plain)
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise FileFormatError(f"{path} holds a damaged history.")
    return about


def _placed(path: Path, header: Mapping[str, Any], data: Any, history: Any) -> ParsedFile:
    """Return the voxels along (z, y, x); axes of length 1 that are no place in space are left
    out.
    """
    count = data.ndim
    vectors = header.get("space directions")
    rows = [None] * count if vectors is None else [_vector(row) for row in vectors]
    if len(rows) != count:
        raise FileFormatError(
            f"{path} is damaged: it has {count} axes and {len(rows)} space directions."
        )
    spatial = [k for k in range(count) if vectors is None or rows[k] is not None]
    if len(spatial) > 3:  # an axis without a vector of length 1 is no axis of the volume
        spatial = [k for k in spatial if data.shape[count - 1 - k] > 1] or spatial
    other = [k for k in range(count) if k not in spatial]
    if any(data.shape[count - 1 - k] != 1 for k in other) or len(spatial) not in (2, 3):
        raise FileFormatError(
            f"{path} has sizes {data.shape[::-1]}; one grey value for each voxel of a volume is needed."
        )
    data = data.reshape([data.shape[count - 1 - k] for k in reversed(spatial)])
    if vectors is None or len(spatial) < 3 or len(rows[spatial[0]] or ()) != 3:
        return ParsedFile(data, _axis_sizes(header, spatial), history=history)
    units = _words(header.get("space units"), 3)
    factors = [in_nm(1.0, unit) for unit in units]
    origin = header.get("space origin")
    known = all(factor is not None for factor in factors)
    scale = np.array([factor or 1.0 for factor in factors])
    found = oriented(
        data,
        np.array([rows[k] for k in spatial], np.float64) * scale,
        None if origin is None or not known else np.asarray(origin, np.float64) * scale,
        path,
    )
    return ParsedFile(
        found.data,
        found.sizes if known else (None, None, None),
        origin_nm=found.origin if known else None,
        history=(*history, *found.history),
        notes=(*found.notes, *(() if known else without_unit(found.sizes))),
    )


def _vector(row: Any) -> list[float] | None:
    """Return the vector of an axis; None where the header says ``none``."""
    if row is None or not np.isfinite(np.asarray(row, np.float64)).all():
        return None
    return [float(value) for value in row]


def _axis_sizes(header: Mapping[str, Any], spatial: Sequence[int]) -> AxisSizes:
    """Return sizes from ``spacings`` and ``units``, which stand for each axis by itself."""
    spacings = header.get("spacings")
    if spacings is None:
        return (None, None, None)
    last = max(spatial) + 1
    if len(spacings) < last:
        return (None, None, None)
    units = _words(header.get("units"), last)
    sizes = [in_nm(abs(float(spacings[k])), units[k]) for k in reversed(spatial)]
    z, y, x = [None] * (3 - len(sizes)) + sizes
    return (z, y, x)


def _words(units: Any, count: int) -> list[str | None]:
    words: list[str | None] = [str(unit) for unit in units or ()]
    return [*words, *([None] * count)][:count]

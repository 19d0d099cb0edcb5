"""Raw voxels whose shape and type a side file (``.json``, ``.vgi``, ``.info``) or the caller gives.

The file must have exactly as many bytes as that means: a wrong shape or type would show noise
without an error.
"""

from __future__ import annotations

import configparser
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import (
    DisagreementError,
    FileFormatError,
    InputError,
    MissingLayoutError,
)
from napari_snpore.files.guarded_reading import checked_path, guarded
from napari_snpore.files.parsed_file import AxisSizes, ParsedFile
from napari_snpore.files.text_files import text_of
from napari_snpore.files.units import in_nm
from napari_snpore.files.voxel_data import (
    checked_shape,
    data_file,
    read_voxels,
    shown,
)

_NAMES = {
    "byte": "u1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "half": "f2", "float": "f4", "double": "f8",
}  # fmt: skip


@dataclass(frozen=True)
class RawLayout:
    """How raw voxels lie in a file.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels along (z, y, x); x varies fastest.
    dtype : str
        Type of a voxel: ``"uint8"``, ``"int16"``, ``"float32"``, ..., or with its byte order
        ``">u2"``; little-endian where none is given.
    offset : int
        Bytes before the first voxel.

    Raises
    ------
    InputError
        A shape, a type or an offset that cannot be.
    """

    shape: tuple[int, ...]
    dtype: str
    offset: int = 0

    def __post_init__(self) -> None:
        shape = tuple(self.shape)
        whole = all(isinstance(n, int | np.integer) and 0 < n < 2**31 for n in shape)
        if not whole or len(shape) != 3:
            raise InputError(
                f"The shape of raw voxels is {shown(shape)}; three positive whole numbers (z, y, x) are needed."
            )
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))
        object.__setattr__(self, "dtype", _dtype_name(self.dtype))
        if not isinstance(self.offset, int | np.integer) or self.offset < 0:
            raise InputError(
                f"The offset of raw voxels is {shown(self.offset)}; a number of bytes from 0 on is needed."
            )

    @property
    def voxel_bytes(self) -> int:
        """Bytes of all voxels, without the offset."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class _Side:
    """What one side file says."""

    path: Path
    data: Path
    layout: RawLayout
    spacing_nm: AxisSizes = (None, None, None)
    notes: tuple[str, ...] = ()


def read_raw(path: Path) -> ParsedFile:
    """Return raw voxels as the side files say; a side file stands for the voxels that it
    describes.

    Raises
    ------
    MissingLayoutError
        No side file.
    FileFormatError
        A damaged one, or another number of bytes than it means.
    DisagreementError
        Two side files contradict each other.
    """
    if path.suffix.lower() in _SIDES:
        sides = [_read_side(path, None)]
        path = sides[0].data
    else:
        sides = [_read_side(place, path) for place in _places(path)]
    if not sides:
        raise MissingLayoutError(
            f"{path} is raw voxels, and no {path.stem}.json, .vgi or .info beside it says how they lie; write one such as "
            '{"shape": [z, y, x], "dtype": "uint16", "spacing_nm": 0.5}, or use snpore convert --raw-shape and --raw-dtype.'
        )
    first = sides[0]
    for other in sides[1:]:
        if other.layout != first.layout:
            raise DisagreementError(
                f"{path}: {first.path.name} says {_text(first.layout)} and {other.path.name} {_text(other.layout)}; keep one."
            )
    sizes = next(
        (one.spacing_nm for one in sides if one.spacing_nm[2] is not None), first.spacing_nm
    )
    notes = tuple(note for one in sides for note in one.notes)
    return replace(read_raw_as(path, first.layout), spacing_nm=sizes, notes=notes)


def raw_parts(path: Path) -> list[Path]:
    """Return the side files of raw voxels, or the voxels that a side file describes."""
    if path.suffix.lower() in _SIDES:
        return [_read_side(path, None).data]
    return _places(path)


def read_raw_as(path: Path, layout: RawLayout) -> ParsedFile:
    """Return raw voxels of a file as the caller says that they lie.

    Raises
    ------
    FileFormatError
        The file has another number of bytes.
    """
    need = layout.offset + layout.voxel_bytes
    with guarded(checked_path(path)):
        if path.is_file() and path.stat().st_size != need:
            raise FileFormatError(
                f"{path} has {path.stat().st_size} bytes; {_text(layout)} needs {need}."
            )
        data = read_voxels(path, np.dtype(layout.dtype), layout.shape, offset=layout.offset)
    return ParsedFile(data)


def _text(layout: RawLayout) -> str:
    edges = " × ".join(str(count) for count in layout.shape)
    behind = f" behind {layout.offset} bytes" if layout.offset else ""
    return f"{edges} voxels (z, y, x) of {np.dtype(layout.dtype).name}{behind}"


def _dtype_name(word: object) -> str:
    """Return a type as numpy writes it, such as ``<u2``.

    Raises
    ------
    InputError
    """
    text = str(word).strip().lower()
    text = _NAMES.get(text, text)
    short = re.fullmatch(r"([<>=|]?)([iuf])([1248])", text)
    long = re.fullmatch(r"(u?)(int|float)(8|16|32|64)", text)
    if long:
        code = ("f" if long[2] == "float" else long[1] or "i") + str(int(long[3]) // 8)
        short = re.fullmatch(r"()([iuf])([1248])", code)
    if short is None or short[2] + short[3] == "f1":
        raise InputError(
            f"The type of raw voxels is '{shown(word)}'; one such as uint8, int16, float32 or '>u2' is needed."
        )
    return np.dtype((short[1] if short[1] in "<>" and short[1] else "<") + short[2] + short[3]).str


def _places(path: Path) -> list[Path]:
    """Return the side files of raw voxels that exist, ``a.raw.json`` before ``a.json``."""
    found = []
    for suffix in _SIDES:
        for place in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if place.is_file():
                found.append(place)
                break
    return found


def _read_side(path: Path, data: Path | None) -> _Side:
    """Return what a side file says; ``data``: the file that it is beside, None where it names or
    implies one.
    """
    try:
        return _SIDES[path.suffix.lower()](path, data)
    except FileFormatError:
        raise
    except InputError as error:
        raise FileFormatError(f"{path} is damaged: {error}") from error


def _described(path: Path) -> Path:
    """Return the voxels beside a side file: ``a.vol`` for ``a.vol.info``, ``a.raw`` for
    ``a.info``.
    """
    for place in (path.with_suffix(""), *(path.with_suffix(one) for one in (".raw", ".vol"))):
        if place.suffix.lower() in (".raw", ".vol") and place.is_file():
            return place
    raise FileFormatError(f"{path} describes raw voxels that are not beside it.")


def _json_side(path: Path, data: Path | None) -> _Side:
    """Parse a JSON object: with ``shape``, lists are (z, y, x); with ``size``, (x, y, z)."""
    text = text_of(path)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged: it holds no JSON ({shown(error)}).") from error
    if not isinstance(said, dict) or not ("shape" in said or "size" in said):
        raise FileFormatError(f"{path} has no shape of the voxels: 'shape' [z, y, x] is needed.")
    order = 1 if "shape" in said else -1
    edges = said["shape"] if order == 1 else said["size"]
    shape = checked_shape(edges if isinstance(edges, list) else (), path)[::order]
    kind = str(said.get("dtype", said.get("type", "")))
    if kind[:1] not in "<>" and str(said.get("byte_order", "little")).lower().startswith("big"):
        kind = np.dtype(_dtype_name(kind)).newbyteorder(">").str
    offset = said.get("offset", 0)
    layout = RawLayout(shape, kind, -1 if isinstance(offset, bool) else offset)
    sizes: Any = said.get("spacing_nm")
    unit: object = "nm"
    if sizes is None:
        sizes, unit = said.get("spacing", said.get("voxel_size")), said.get("unit")
    if not isinstance(sizes, list):
        sizes = [sizes] * 3
    in_order = [in_nm(size, unit) for size in sizes[:3][::order]]
    z, y, x = [*in_order, None, None, None][:3]
    return _Side(path, data or _described(path), layout, (z, y, x))


def _vgi_side(path: Path, data: Path | None) -> _Side:
    """Parse the header of VGStudio: sections of ``key = value``, sizes along (x, y, z)."""
    text = text_of(path)
    said = _sections(text, path)
    places = [about for name, about in said.items() if name.lower().startswith("file")]
    count = len(re.findall(r"^[ \t]*\[file", text, re.M | re.I))
    if (count, len(places)) != (1, 1) or not {"size", "bitsperelement"} <= set(places[0]):
        raise FileFormatError(
            f"{path} describes {count} files of voxels; one, with Size and BitsPerElement, is needed."
        )
    about = places[0]
    named = about.get("name")
    place = data_file(path, named.replace("\\", "/").rpartition("/")[2]) if named else None
    shape = checked_shape(about["size"].split()[::-1], path)
    kinds = {"unsigned integer": "u", "signed integer": "i", "integer": "i", "float": "f"}
    letter = kinds.get(" ".join(about.get("datatype", "unsigned integer").lower().split()))
    bits = about["bitsperelement"]
    if letter is None or bits not in ("8", "16", "32", "64"):
        raise FileFormatError(
            f"{path} has voxels of {shown(bits)} bits, '{shown(about.get('datatype'))}', which are not read."
        )
    skip = about.get("skipheader", "0")
    layout = RawLayout(shape, f"<{letter}{int(bits) // 8}", int(skip) if skip.isdecimal() else -1)
    form = next((one for one in said.values() if "resolution" in one), {})
    words = form.get("resolution", form.get("sampling distance", "")).split()
    z, y, x = (
        [in_nm(word, form.get("unit")) for word in words[::-1]] if len(words) == 3 else (None,) * 3
    )
    return _Side(path, data or place or _described(path), layout, (z, y, x))


def _info_side(path: Path, data: Path | None) -> _Side:
    """Parse the header of PyHST: NUM_X, NUM_Y, NUM_Z, BYTEORDER; its voxelSize has no unit.

    It names no type: 4 bytes a voxel are float32, 1 byte is uint8, as PyHST writes.
    """
    lines = re.findall(r"^[ \t]*(\w+)[ \t]*=[ \t]*(\S+)", text_of(path), re.M)
    said = {key.upper(): value for key, value in lines}
    place = data or _described(path)
    shape = checked_shape([said.get(f"NUM_{axis}") for axis in "ZYX"], path)
    count = math.prod(shape)
    kind = {4 * count: "f4", count: "u1"}.get(place.stat().st_size)
    if kind is None:
        raise FileFormatError(
            f"{place} has {place.stat().st_size} bytes; {path.name} says {count} voxels, of 4 (float32) or 1 byte (uint8)."
        )
    order = ">" if said.get("BYTEORDER", "LOWBYTEFIRST").upper().startswith("HIGH") else "<"
    size = said.get("VOXELSIZE")
    notes = () if size is None else (f"voxelSize {shown(size)} has no unit and counts as none",)
    return _Side(path, place, RawLayout(shape, order + kind), notes=notes)


def _sections(text: str, path: Path) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.RawConfigParser(
        strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#", ";")
    )
    try:
        # blanks of one line only: `\s` would try each of many empty lines from each of them
        parser.read_string(re.sub(r"^[ \t]*\{([^}\n]*)\}", r"[\1]", text, flags=re.M))
    except configparser.Error as error:
        raise FileFormatError(f"{path} is damaged: {shown(error)}.") from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


_SIDES: dict[str, Callable[[Path, Path | None], _Side]] = {
    ".json": _json_side,
    ".vgi": _vgi_side,
    ".info": _info_side,
}
"""Parser by suffix, in the order in which side files are taken."""

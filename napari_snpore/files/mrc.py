"""The MRC family: MRC2014, SerialEM, IMOD, and FEI files older than the ``MAP`` word.
Memory-mapped.

Many programs write a cell of 1 Å per voxel, or of 0, by default: it counts as none. The origin has
had two meanings, and its sign differs between programs: it counts as none too. In files written by
this package, which a label marks, both are used.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.choice import Candidate, Wanted, check_only_image, chosen
from napari_snpore.files.mrc_extended import ByteOrder, read_extended
from napari_snpore.files.mrc_layout import axis_order, sign_of_bytes, volume_count
from napari_snpore.files.mrc_own import OWN_TYPE, with_own_block
from napari_snpore.files.mrc_writer import OWN_LABEL
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.volume import Triple

_MODES = {0: np.int8, 1: np.int16, 2: np.float32, 6: np.uint16, 12: np.float16}
_RIGHT = 0.1
"""Largest distance from 90° of a right angle, degrees."""

_OTHER_MODES = {
    3: " (complex)",
    4: " (complex)",
    16: " (colour)",
    101: " (4 bits a value)",
}


def read_mrc(path: Path, *, image: str | None = None, wanted: Wanted | None = None) -> ParsedFile:
    """Return the array, voxel size, and the tilt angles of an FEI or SerialEM extended header; the
    origin of own files only.

    Axes are put in the order ``(z, y, x)`` that the header gives them. Of a stack of volumes one is
    taken.

    Parameters
    ----------
    path : Path
    image : str, optional
        ``"volume 2"`` and the like, in a stack of volumes; the first where none is named.
    wanted : str, optional
        Not used: a file holds one kind.
    """
    raw = path.stat().st_size
    if raw < 1024:
        raise FileFormatError(
            f"{path} is not an MRC file: it holds {raw} bytes, less than the header of 1024."
        )
    header = np.fromfile(path, mrcfile.dtypes.HEADER_DTYPE, 1)[0]
    order = _byte_order(header, path)
    header = header.view(mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order))
    mode = int(header["mode"])
    if mode not in _MODES:
        raise FileFormatError(
            f"{path} holds MRC mode {mode}{_OTHER_MODES.get(mode, '')}; grey values in modes "
            f"{', '.join(map(str, _MODES))} are read."
        )
    shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
    extended = int(header["nsymbt"])
    dtype = np.dtype(np.int8 if mode == 0 else _MODES[mode]).newbyteorder(order)
    need = 1024 + extended + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if raw < need:
        raise FileFormatError(
            f"{path} is cut short: its header promises {need} bytes, the file has {raw}."
        )
    data: Any = np.memmap(path, dtype, "r", offset=1024 + extended, shape=shape)
    notes: tuple[str, ...] = ()
    own = _is_own(header)
    if mode == 0 and not own:  # own bytes are signed, as in the standard
        values, notes = sign_of_bytes(header, data, path)
        data = data.view(values)
    notes += _skewed(header)
    size = _cell(header, one_angstrom_is_real=own)
    angles, pixel = read_extended(path, header, order)
    size = (size[0], pixel, pixel) if pixel is not None else size
    place = axis_order(header, path)
    if place[0] != 0:
        angles = None  # they belong to sections, which are not the first axis any more
    place_nm = _origin(header) if own else None
    parsed = ParsedFile(data, size, angles_deg=angles, origin_nm=place_nm, notes=notes)
    if own and bytes(header["exttyp"]) == OWN_TYPE:
        parsed = with_own_block(parsed, path, extended)
    volumes = volume_count(header, path)
    if volumes > 1:
        return _one_volume(path, parsed, place, volumes, image)
    check_only_image(path, image)
    return replace(parsed, data=data.transpose(place))


def _one_volume(
    path: Path, stack: ParsedFile, place: tuple[int, ...], volumes: int, image: str | None
) -> ParsedFile:
    """Return one volume of a stack, each of as many sections."""
    parts = stack.data.reshape(volumes, -1, *stack.data.shape[1:])
    candidates = [
        Candidate(
            f"volume {number + 1}",
            "volume",
            partial(replace, stack, data=parts[number].transpose(place), angles_deg=None),
            number,
        )
        for number in range(volumes)
    ]
    return chosen(path, candidates, image=image, wanted=None)


def _is_own(header: NDArray[Any]) -> bool:
    """Return whether this package was the last to write the file: other programs add a label of
    their own.
    """
    return int(header["nlabl"]) == 1 and bytes(header["label"][0]) == OWN_LABEL


def _origin(header: NDArray[Any]) -> Triple:
    place = header["origin"]
    return float(place["z"]) / 10, float(place["y"]) / 10, float(place["x"]) / 10


def _byte_order(header: NDArray[Any], path: Path) -> ByteOrder:
    """Return the byte order, from mode, sizes and axes because old files have no machine stamp."""
    orders: tuple[ByteOrder, ...] = ("<", ">")
    views = [header.view(mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order)) for order in orders]
    possible = [number for number, view in enumerate(views) if _is_possible(view)]
    if not possible:
        raise FileFormatError(
            f"{path} is not an MRC file: its header makes no sense in either byte order."
        )
    # 256 in one order is 65536 in the other: the words of the axes, 1 to 3, tell them apart
    found = next((number for number in possible if _has_axes(views[number])), possible[0])
    sizes = [int(views[found][name]) for name in ("nx", "ny", "nz")]
    if 0 in sizes:
        raise FileFormatError(
            f"{path} holds no image: its header says {sizes[0]} × {sizes[1]} × {sizes[2]}."
        )
    return orders[found]


def _is_possible(view: NDArray[Any]) -> bool:
    sizes = [int(view[name]) for name in ("nx", "ny", "nz")]
    return (
        0 <= int(view["mode"]) < 200
        and all(0 <= size < 2**20 for size in sizes)
        and int(view["nsymbt"]) >= 0
    )


def _has_axes(view: NDArray[Any]) -> bool:
    return all(0 <= int(view[word]) <= 3 for word in ("mapc", "mapr", "maps"))


def _skewed(header: NDArray[Any]) -> tuple[str, ...]:
    """Say that the cell is no box: 0, which some programs write, counts as a right angle."""
    angles = [float(header["cellb"][name]) for name in ("alpha", "beta", "gamma")]
    if all(angle == 0 or abs(angle - 90) < _RIGHT for angle in angles):
        return ()
    stated = ", ".join(f"{angle:g}" for angle in angles)
    return (f"angles of the cell {stated}° by the header; the voxels are taken as boxes",)


def _cell(
    header: NDArray[Any], *, one_angstrom_is_real: bool
) -> tuple[float | None, float | None, float | None]:
    cell, sampling = header["cella"], (header["mz"], header["my"], header["mx"])
    sizes: list[float | None] = []
    for name, samples in zip("zyx", sampling, strict=True):
        angstrom = float(cell[name]) / int(samples) if int(samples) > 0 else 0.0
        real = (
            np.isfinite(angstrom)
            and angstrom > 0
            and (one_angstrom_is_real or abs(angstrom - 1) > 1e-6)
        )
        sizes.append(angstrom / 10 if real else None)
    return sizes[0], sizes[1], sizes[2]

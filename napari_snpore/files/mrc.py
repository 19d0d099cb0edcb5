"""The MRC family: MRC2014, SerialEM, IMOD, and FEI files older than the ``MAP`` word.
Memory-mapped.

Many programs write a cell of 1 Å per voxel, or of 0, by default: it counts as none. The origin has
had two meanings, and its sign differs between programs: it counts as none too. In files written by
this package, which a label marks, both are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.mrc_extended import ByteOrder, read_extended
from napari_snpore.files.mrc_writer import OWN_LABEL
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.volume import Triple

_MODES = {0: np.int8, 1: np.int16, 2: np.float32, 6: np.uint16, 12: np.float16}


def read_mrc(path: Path) -> ParsedFile:
    """Return the array, voxel size, and the tilt angles of an FEI or SerialEM extended header; the
    origin of own files only.
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
            f"{path} holds MRC mode {mode}; grey values in modes {', '.join(map(str, _MODES))} are read."
        )
    shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
    extended = int(header["nsymbt"])
    dtype = np.dtype(_mode_zero(header) if mode == 0 else _MODES[mode]).newbyteorder(order)
    need = 1024 + extended + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if raw < need:
        raise FileFormatError(
            f"{path} is cut short: its header promises {need} bytes, the file has {raw}."
        )
    data = np.memmap(path, dtype, "r", offset=1024 + extended, shape=shape)
    own = _is_own(header)
    size = _cell(header, one_angstrom_is_real=own)
    angles, pixel = read_extended(path, header, order)
    size = (size[0], pixel, pixel) if pixel is not None else size
    return ParsedFile(data, size, angles_deg=angles, origin_nm=_origin(header) if own else None)


def _is_own(header: NDArray[Any]) -> bool:
    """Return whether this package was the last to write the file: other programs add a label of
    their own.
    """
    return int(header["nlabl"]) == 1 and bytes(header["label"][0]) == OWN_LABEL


def _origin(header: NDArray[Any]) -> Triple:
    place = header["origin"]
    return float(place["z"]) / 10, float(place["y"]) / 10, float(place["x"]) / 10


def _byte_order(header: NDArray[Any], path: Path) -> ByteOrder:
    """Return the byte order, from mode and sizes because old files have no machine stamp."""
    orders: tuple[ByteOrder, ...] = ("<", ">")
    for order in orders:
        view = header.view(mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order))
        sizes = [int(view[name]) for name in ("nx", "ny", "nz")]
        if (
            0 <= int(view["mode"]) < 200
            and all(0 <= size < 2**20 for size in sizes)
            and int(view["nsymbt"]) >= 0
        ):
            if 0 in sizes:
                raise FileFormatError(
                    f"{path} holds no image: its header says {sizes[0]} × {sizes[1]} × {sizes[2]}."
                )
            return order
    raise FileFormatError(
        f"{path} is not an MRC file: its header makes no sense in either byte order."
    )


def _mode_zero(header: NDArray[Any]) -> type[np.generic]:
    """Return the dtype of mode 0: signed by the standard, unsigned in files of IMOD without
    negative values.
    """
    imod = bytes(header["extra1"].tobytes() + header["extra2"].tobytes()).find(b"IMOD")
    signed = imod < 0 or float(header["dmin"]) < 0
    return np.int8 if signed else np.uint8


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

"""The MRC family: MRC2014, SerialEM, IMOD, and FEI files older than the ``MAP`` word. Memory-mapped.

A cell of 1 Å a voxel, or of 0, is what programs write who know no better: it counts as none.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

import mrcfile
import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.found import Found
from napari_snpore.volume import Volume

_MODES = {0: np.int8, 1: np.int16, 2: np.float32, 6: np.uint16, 12: np.float16}
ByteOrder = Literal["<", ">"]
_FEI_RECORDS, _FEI_COLUMNS = 1024, 32
_FEI_TILT, _FEI_PIXEL = 0, 11


def read_mrc(path: Path) -> Found:
    """Return images or volume, voxel size, and the angles of an FEI or SerialEM extended header."""
    raw = path.stat().st_size
    if raw < 1024:
        raise FileFormatError(f"{path} is not an MRC file: it holds {raw} bytes, less than the header of 1024.")
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
        raise FileFormatError(f"{path} is cut short: its header promises {need} bytes, the file has {raw}.")
    data = np.memmap(path, dtype, "r", offset=1024 + extended, shape=shape)
    size = _cell(header)
    angles = None
    if _is_fei(header, extended):
        angles, pixel = _fei(path, order, shape[0])
        size = (size[0], pixel, pixel) if pixel is not None else size
    return Found(data, size, angles_deg=angles)


def write_mrc(path: Path, volume: Volume) -> None:
    """Write an MRC2014 file, slab by slab; unsupported dtypes are refused."""
    dtype = volume.dtype
    mode = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6}.get(dtype.name)
    if mode is None:
        raise FileFormatError(f"MRC holds no {dtype}; write .tif or .ome.zarr, or convert to float32 first.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        out: Any = mrcfile.new_mmap(path, shape=volume.shape, mrc_mode=mode, overwrite=True)
    with out:
        for z in range(volume.shape[0]):
            out.data[z] = np.asarray(volume.data[z])
        dz, dy, dx = volume.spacing
        out.voxel_size = (10 * dx, 10 * dy, 10 * dz)
        oz, oy, ox = volume.origin
        out.header.origin = (10 * ox, 10 * oy, 10 * oz)
        out.set_volume()


def _byte_order(header: NDArray[Any], path: Path) -> ByteOrder:
    """Tell the byte order from the mode and the sizes: old files carry no machine stamp."""
    orders: tuple[ByteOrder, ...] = ("<", ">")
    for order in orders:
        view = header.view(mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order))
        sizes = [int(view[name]) for name in ("nx", "ny", "nz")]
        if 0 <= int(view["mode"]) < 200 and all(0 <= size < 2**20 for size in sizes) and int(view["nsymbt"]) >= 0:
            if 0 in sizes:
                raise FileFormatError(f"{path} holds no image: its header says {sizes[0]} × {sizes[1]} × {sizes[2]}.")
            return order
    raise FileFormatError(f"{path} is not an MRC file: its header makes no sense in either byte order.")


def _mode_zero(header: NDArray[Any]) -> type[np.generic]:
    """Mode 0 is signed by the standard; IMOD marks unsigned bytes by a cleared first flag of its own."""
    imod = bytes(header["extra1"].tobytes() + header["extra2"].tobytes()).find(b"IMOD")
    signed = imod < 0 or float(header["dmin"]) < 0
    return np.int8 if signed else np.uint8


def _cell(header: NDArray[Any]) -> tuple[float | None, float | None, float | None]:
    cell, sampling = header["cella"], (header["mz"], header["my"], header["mx"])
    sizes: list[float | None] = []
    for name, samples in zip("zyx", sampling, strict=True):
        angstrom = float(cell[name]) / int(samples) if int(samples) > 0 else 0.0
        real = np.isfinite(angstrom) and angstrom > 0 and abs(angstrom - 1) > 1e-6
        sizes.append(angstrom / 10 if real else None)
    return sizes[0], sizes[1], sizes[2]


def _is_fei(header: NDArray[Any], extended: int) -> bool:
    label = bytes(header["label"][0]) if len(header["label"]) else b""
    return extended >= _FEI_RECORDS * _FEI_COLUMNS * 4 and (b"Fei" in label or bytes(header["exttyp"])[:3] == b"FEI")


def _fei(path: Path, order: ByteOrder, count: int) -> tuple[list[float] | None, float | None]:
    """Angles (degrees) and pixel size (nm) of FEI's extended header: 1024 records of 32 float32; the pixel size is in m."""
    table = np.fromfile(path, np.dtype("f4").newbyteorder(order), _FEI_RECORDS * _FEI_COLUMNS, offset=1024)
    table = table.reshape(_FEI_RECORDS, _FEI_COLUMNS)
    if count > _FEI_RECORDS:
        return None, None
    angles, pixel = table[:count, _FEI_TILT].astype(np.float64), float(table[0, _FEI_PIXEL]) * 1e9
    real = np.isfinite(angles).all() and np.abs(angles).max() <= 180 and np.ptp(angles) > 0
    return (angles.round(4).tolist() if real else None), (pixel if np.isfinite(pixel) and pixel > 0 else None)

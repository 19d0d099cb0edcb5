"""Writing of MRC2014 plane by plane, without a memory map: a full disk ends a process that writes
into one with a bus error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from mrcfile import utils as mrc_utils

from napari_snpore.errors import FileFormatError
from napari_snpore.files.mrc_own import OWN_TYPE, own_block
from napari_snpore.volume import Volume

OWN_LABEL = b"napari-snpore: voxel size and origin are real"
"""Label of files of this package, in which cell and origin count."""

_STORED_AS = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6}


def write_mrc(path: Path, volume: Volume) -> None:
    """Write an MRC2014 file plane by plane; unsupported dtypes are refused.

    The format has no unsigned bytes: uint8 is written as int8 if all values fit, else as uint16.
    """
    dtype = _unsigned_bytes_as(volume) if volume.dtype == np.uint8 else volume.dtype
    mode = _STORED_AS.get(dtype.name)
    if mode is None:
        raise FileFormatError(
            f"MRC holds no {dtype}; write .tif or .ome.zarr, or convert to float32 first."
        )
    stored = np.dtype(dtype).newbyteorder("=")
    with path.open("wb") as file:
        block = own_block(volume)
        header = _header(volume, mode)
        header["exttyp"], header["nsymbt"] = OWN_TYPE, len(block)
        file.write(header.tobytes() + block)
        for z in range(volume.shape[0]):
            file.write(np.ascontiguousarray(volume.data[z], stored).data)


def passes_over_planes(volume: Volume) -> int:
    """Return how many times :func:`write_mrc` reads a volume: bytes are looked at first."""
    return 2 if volume.dtype == np.uint8 else 1


def _header(volume: Volume, mode: int) -> Any:
    """Return the header of the standard, without date, so that equal volumes give files equal bit
    for bit; statistics are marked as not computed.
    """
    header = np.zeros((), mrcfile.dtypes.HEADER_DTYPE).view(np.recarray)
    nz, ny, nx = volume.shape
    for name, count in zip("xyz", (nx, ny, nz), strict=True):
        header[f"n{name}"] = header[f"m{name}"] = count
    dz, dy, dx = (10 * step for step in volume.spacing)  # Å
    header["cella"] = (dx * nx, dy * ny, dz * nz)
    header["cellb"] = (90.0, 90.0, 90.0)
    oz, oy, ox = volume.origin
    header["origin"] = (10 * ox, 10 * oy, 10 * oz)
    header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
    header["dmin"], header["dmax"], header["dmean"], header["rms"] = 0, -1, -2, -1
    header["mode"], header["ispg"], header["nversion"] = mode, 1, 20141
    header["map"] = b"MAP "
    header["machst"] = mrc_utils.machine_stamp_from_byte_order(header["mode"].dtype.byteorder)
    header["nlabl"] = 1
    header["label"][0] = OWN_LABEL
    return header


def _unsigned_bytes_as(volume: Volume) -> np.dtype[Any]:
    highest = max(int(np.asarray(volume.data[z]).max()) for z in range(volume.shape[0]))
    return np.dtype(np.int8 if highest <= np.iinfo(np.int8).max else np.uint16)

"""Array files of a saved window: volumes as raw OME-TIFF, all other images and labels as NPY, both
without loss.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files import read_volume, write_volume
from napari_snpore.viewer.shared.layers import KEY, VOLUME_AXES, volume_from_data
from napari_snpore.viewer.window.meter import BLOCK_BYTES, Meter
from napari_snpore.volume import Volume

FOLDER = "layers"
_IN_TIFF = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def file_name(number: int, name: str, suffix: str) -> str:
    """Return a file name that is valid on every file system, such as
    ``layers/02_needle_SIRT_50.tif``.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9.+-]+", "_", plain).strip("_.")[:60]
    return f"{FOLDER}/{number:02d}_{words or 'layer'}{suffix}"


def write_array(
    folder: Path, number: int, data: Any, settings: Mapping[str, Any], meter: Meter
) -> dict[str, Any]:
    """Write the array of an image or labels layer in blocks, and return its entry in the manifest.

    Parameters
    ----------
    folder : path
        Folder of the window.
    number : int
        Number of the layer, with which the file name begins.
    data : array, shape (...)
        Numbers of any dtype; an array, a memory map, or lazy.
    settings : mapping
        Keywords of the layer: its name, and what makes it a volume.
    meter : Meter
        Counts the bytes written.

    Raises
    ------
    InputError
        The array cannot be read, or does not hold numbers.
    """
    name = str(settings.get("name", "layer"))
    dtype = np.dtype(data.dtype)
    if dtype.hasobject:
        raise InputError(f"The layer '{name}' holds {dtype} values; only numbers can be saved.")
    volume = _as_volume(data, settings)
    path = file_name(number, name, ".npy" if volume is None else ".tif")
    source = _Blocks(data, name, meter)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    if volume is None:
        with (folder / path).open("wb") as file:
            header = {
                "descr": npy.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": tuple(data.shape),
            }
            npy.write_array_header_2_0(file, header)
            for block in source.blocks():
                file.write(np.ascontiguousarray(block).data)
    else:
        write_volume(folder / path, Volume(source, volume.spacing, volume.origin, volume.history))
    return {
        "file": path,
        "dtype": npy.dtype_to_descr(dtype),
        "shape": [int(size) for size in data.shape],
    }


def read_array(folder: Path, about: Mapping[str, Any], meter: Meter) -> NDArray[Any]:
    """Return the array of a file that :func:`write_array` wrote, in memory.

    Raises
    ------
    FileFormatError
        The file cannot be read, or its shape or dtype differs from that in the manifest.
    """
    path = folder / about["file"]
    if path.suffix == ".tif":
        stored = read_volume(path).data
    else:
        try:
            stored = np.load(
                path, mmap_mode="r" if about["shape"] and 0 not in about["shape"] else None
            )
        except (ValueError, OSError, EOFError) as error:
            raise FileFormatError(f"{path} is not a readable NPY file of numbers.") from error
    shape, dtype = tuple(stored.shape), stored.dtype
    if shape != tuple(about["shape"]) or dtype != npy.descr_to_dtype(about["dtype"]):
        raise FileFormatError(f"{path} holds {dtype} {shape}; window.json says otherwise.")
    data = np.empty(shape, dtype)
    source = _Blocks(stored, path.name, meter)
    for place, block in zip(source.places(), source.blocks(), strict=True):
        data[place] = block
    return data


class _Blocks:
    """An array that is read in blocks of some megabytes, in order; each block is counted, and the
    copy can stop after it.

    Reading a lazy array plane by plane would decode each of its chunks once per plane.
    """

    def __init__(self, data: Any, name: str, meter: Meter) -> None:
        self.data, self._name, self._meter = data, name, meter
        self.shape, self.dtype, self.ndim = tuple(data.shape), np.dtype(data.dtype), len(data.shape)
        self.nbytes = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize
        self._start = 0
        self._block_in_memory: NDArray[Any] | None = None

    def places(self) -> Iterator[Any]:
        if self.ndim == 0:
            yield ()
            return
        rows = self._rows()
        for start in range(0, self.shape[0], rows):
            yield slice(start, start + rows)

    def blocks(self) -> Iterator[NDArray[Any]]:
        for place in self.places():
            yield self._block(place)

    def __getitem__(self, plane: int) -> NDArray[Any]:
        """Return one plane, from the block in memory if it contains it."""
        if self._block_in_memory is None or not self._start <= plane < self._start + len(
            self._block_in_memory
        ):
            self._start = plane
            self._block_in_memory = self._block(slice(plane, plane + self._rows()))
        one: NDArray[Any] = self._block_in_memory[plane - self._start]
        return one

    def _rows(self) -> int:
        """Return the number of planes per block: some megabytes, and whole chunks of a lazy
        array.
        """
        row = max(self.nbytes // max(self.shape[0], 1), 1)
        rows = max(BLOCK_BYTES // row, 1)
        chunks = getattr(self.data, "chunksize", None) or getattr(self.data, "chunks", None)
        chunk = chunks[0] if chunks and isinstance(chunks[0], int) else 1
        return int(-(-rows // chunk) * chunk)

    def _block(self, place: Any) -> NDArray[Any]:
        try:
            block = np.asarray(self.data[place])
        except InputError:
            raise
        except (
            Exception
        ) as error:  # a lazy array can raise any error, for example when its file is gone
            raise InputError(f"The data of '{self._name}' cannot be read: {error}.") from error
        self._meter.count(block.nbytes)
        return block


def _as_volume(data: Any, settings: Mapping[str, Any]) -> Volume | None:
    """Return the volume of a layer; None if it is none, or if TIFF cannot store it exactly."""
    series = settings.get("metadata", {}).get(KEY, {}).get("kind") == "series"
    if series or tuple(settings.get("axis_labels", ())) != VOLUME_AXES:
        return None
    dtype = np.dtype(data.dtype)
    if dtype.name not in _IN_TIFF or not dtype.isnative:
        return None
    try:
        return volume_from_data(data, settings)
    except InputError:  # no voxel size, colour, or rotated: NPY makes no statement about these
        return None

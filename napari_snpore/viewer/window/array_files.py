"""Arrays of images and labels as files: volumes as raw OME-TIFF that other programs open, everything else as NPY; both exact."""

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
    """Return a path in the folder that every file system takes: ``layers/02_needle_SIRT_50.tif``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9.+-]+", "_", plain).strip("_.")[:60]
    return f"{FOLDER}/{number:02d}_{words or 'layer'}{suffix}"


def write_array(folder: Path, number: int, data: Any, settings: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """Write the array of an image or labels layer, piece by piece, and return what the manifest says of it.

    Parameters
    ----------
    folder : path
        Of the window.
    number : int
        Of the layer: it opens the name of the file.
    data : array, shape (...)
        Numpy, a memory map, or lazy; of any numbers.
    settings : mapping
        Of the layer: its name, and whether it is a volume.
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
    pieces = _Pieces(data, name, meter)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    if volume is None:
        with (folder / path).open("wb") as file:
            header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(data.shape)}
            npy.write_array_header_2_0(file, header)
            for block in pieces.blocks():
                file.write(np.ascontiguousarray(block).data)
    else:
        write_volume(folder / path, Volume(pieces, volume.spacing, volume.origin, volume.history))
    return {"file": path, "dtype": npy.dtype_to_descr(dtype), "shape": [int(size) for size in data.shape]}


def read_array(folder: Path, about: Mapping[str, Any], meter: Meter) -> NDArray[Any]:
    """Return the array of a file, in memory, that :func:`write_array` described.

    Raises
    ------
    FileFormatError
        Not a readable file, or another shape or dtype than the manifest says.
    """
    path = folder / about["file"]
    if path.suffix == ".tif":
        stored = read_volume(path).data
    else:
        try:
            stored = np.load(path, mmap_mode="r" if about["shape"] and 0 not in about["shape"] else None)
        except (ValueError, OSError, EOFError) as error:
            raise FileFormatError(f"{path} is not a readable NPY file of numbers.") from error
    found = np.empty(stored.shape, stored.dtype)
    if found.shape != tuple(about["shape"]) or found.dtype != npy.descr_to_dtype(about["dtype"]):
        raise FileFormatError(f"{path} holds {found.dtype} {found.shape}; window.json says otherwise.")
    pieces = _Pieces(stored, path.name, meter)
    for place, block in zip(pieces.places(), pieces.blocks(), strict=True):
        found[place] = block
    return found


class _Pieces:
    """An array that is read in pieces of some megabytes, in order; each is counted, and may stop the copy.

    A lazy array that is asked for plane by plane would decode its chunks once a plane.
    """

    def __init__(self, data: Any, name: str, meter: Meter) -> None:
        self.data, self._name, self._meter = data, name, meter
        self.shape, self.dtype, self.ndim = tuple(data.shape), np.dtype(data.dtype), len(data.shape)
        self.nbytes = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize
        self._start = 0
        self._held: NDArray[Any] | None = None

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
        """Return one plane, out of the piece that is held."""
        if self._held is None or not self._start <= plane < self._start + len(self._held):
            self._start = plane
            self._held = self._block(slice(plane, plane + self._rows()))
        found: NDArray[Any] = self._held[plane - self._start]
        return found

    def _rows(self) -> int:
        """Rows a piece: what is in memory needs no more than a look at the clock, what is lazy whole chunks."""
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
        except Exception as error:  # a lazy array may fail in any way, when its file is gone for one
            raise InputError(f"The data of '{self._name}' cannot be read: {error}.") from error
        self._meter.count(block.nbytes)
        return block


def _as_volume(data: Any, settings: Mapping[str, Any]) -> Volume | None:
    """Return the volume that a layer holds; None where it is none, or a TIFF file would not say the truth about it."""
    series = settings.get("metadata", {}).get(KEY, {}).get("kind") == "series"
    if series or tuple(settings.get("axis_labels", ())) != VOLUME_AXES:
        return None
    dtype = np.dtype(data.dtype)
    if dtype.name not in _IN_TIFF or not dtype.isnative:
        return None
    try:
        return volume_from_data(data, settings)
    except InputError:  # no voxel size, in colour, turned: NPY claims nothing
        return None

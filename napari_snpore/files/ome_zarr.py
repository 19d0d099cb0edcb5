"""OME-Zarr (NGFF 0.4 and 0.5): lazy reading of the full resolution, and writing of one resolution
with metadata 0.5.
"""

from __future__ import annotations

import contextlib
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import run_blocks
from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.units import in_nm
from napari_snpore.history import parsed_history, stored_history
from napari_snpore.volume import Triple, Volume

_CHUNK = 64
_OWN = "napari-snpore"


class _NamedArray:
    """A stored array that names its file in the error for a damaged chunk, whenever that is
    read.
    """

    def __init__(self, stored: Any, path: Path) -> None:
        self.stored, self.path = stored, path
        self.shape, self.dtype, self.ndim = stored.shape, stored.dtype, stored.ndim

    def __getitem__(self, key: Any) -> Any:
        try:
            return self.stored[key]
        except Exception as error:  # codecs raise many kinds
            raise FileFormatError(
                f"{self.path} holds a chunk that is damaged or cut short: {error}."
            ) from error


def read_ome_zarr(path: Path) -> ParsedFile:
    """Return the full-resolution image as a lazy array, with its scale if the axes have a unit."""
    # imported here: half a second and more that only this format needs
    import dask.array as da
    import zarr

    try:
        group = zarr.open_group(path, mode="r")
        attributes: dict[str, Any] = dict(group.attrs)
    except Exception as error:  # zarr raises many kinds for a folder that is not its own
        raise FileFormatError(f"{path} is not a Zarr group that can be read.") from error
    about: Any = attributes.get("ome", attributes)
    try:
        image = about["multiscales"][0]
        level = image["datasets"][0]
        stored: Any = group[level["path"]]
        data = da.from_array(_NamedArray(stored, path), chunks=stored.chunks)
        axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in image["axes"]]
    except (KeyError, IndexError, TypeError) as error:
        raise FileFormatError(
            f"{path} is a Zarr folder without OME-Zarr (multiscales) metadata."
        ) from error
    _check_chunks(stored, path, every=bool(attributes.get(_OWN, {}).get("every_chunk_written")))
    scale, place = [1.0] * len(axes), [0.0] * len(axes)
    for step in [
        *level.get("coordinateTransformations", []),
        *image.get("coordinateTransformations", []),
    ]:
        if step.get("type") == "scale":
            scale = [a * b for a, b in zip(scale, step["scale"], strict=True)]
            place = [a * b for a, b in zip(place, step["scale"], strict=True)]
        elif step.get("type") == "translation":
            place = [a + b for a, b in zip(place, step["translation"], strict=True)]
    keep = [k for k, axis in enumerate(axes) if axis["name"] in "zyx"]
    for k, axis in enumerate(axes):
        if k not in keep and data.shape[k] != 1:
            raise FileFormatError(
                f"{path} has {data.shape[k]} entries along axis {axis['name']}; one is needed."
            )
    data = data[tuple(slice(None) if k in keep else 0 for k in range(len(axes)))]
    sizes: list[float | None] = [in_nm(scale[k], axes[k].get("unit")) for k in keep]
    places = [
        place[k] * (size / scale[k]) if size is not None else 0.0
        for k, size in zip(keep, sizes, strict=True)
    ]
    origin: Triple | None = (places[0], places[1], places[2]) if len(places) == 3 else None
    z, y, x = [None] * (3 - len(sizes)) + sizes
    history = parsed_history(attributes.get(_OWN, {}), str(path))
    return ParsedFile(data, (z, y, x), origin_nm=origin, history=history)


def _check_chunks(stored: Any, path: Path, *, every: bool) -> None:
    """Refuse an array with missing chunks, which Zarr reads as zeros without an error.

    Other writers leave out chunks of zeros, so of their arrays only those without any chunk are
    refused; this package writes all.
    """
    there, needed = int(stored.nchunks_initialized), int(stored.nchunks)
    if needed and (there == 0 or (every and there < needed)):
        raise FileFormatError(
            f"{path} holds {there} of {needed} chunks: the others are missing and would read as zeros."
        )


def write_ome_zarr(path: Path, volume: Volume) -> None:
    """Write one resolution level in chunks of 64³ voxels, 64 planes at a time, with NGFF 0.5
    metadata in nm.
    """
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=3)
    z, y, x = volume.shape
    array = group.create_array(
        "0", shape=volume.shape, chunks=(min(_CHUNK, z), min(_CHUNK, y), min(_CHUNK, x)), dtype=volume.dtype,
        dimension_names=["z", "y", "x"], config={"write_empty_chunks": True},
    )  # fmt: skip
    for start in range(0, z, _CHUNK):
        planes = slice(start, start + _CHUNK)
        _write_chunks(array, planes, np.asarray(volume.data[planes]))
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {
                "name": path.name.split(".")[0].split("-")[-1],
                "axes": [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [
                            {"type": "scale", "scale": list(volume.spacing)},
                            {"type": "translation", "translation": list(volume.origin)},
                        ],
                    }
                ],
            }
        ],
    }
    group.attrs[_OWN] = {
        "every_chunk_written": True,
        **stored_history(volume.history),
    }


def _write_chunks(array: Any, planes: slice, values: NDArray[Any]) -> None:
    """Write a layer of chunks, each by its own call.

    One call for many chunks returns at the first error while others are still being written: on a
    full disk they would come into a folder that is removed.
    """

    def write(place: tuple[int, int]) -> None:
        rows, columns = (slice(start, start + _CHUNK) for start in place)
        array[planes, rows, columns] = values[:, rows, columns]

    _, height, width = values.shape
    run_blocks(write, product(range(0, height, _CHUNK), range(0, width, _CHUNK)))


def is_ome_zarr(path: Path) -> bool:
    """Return whether a folder has the metadata of OME-Zarr, without reading data."""
    import zarr

    with contextlib.suppress(Exception):
        attributes: dict[str, Any] = dict(zarr.open_group(path, mode="r").attrs)
        return "multiscales" in attributes.get("ome", attributes)
    return False

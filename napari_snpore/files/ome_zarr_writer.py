"""Writing of OME-Zarr: Zarr 3 with shards, several levels of resolution, metadata of NGFF 0.5."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.files.resolution_levels import level_factors, level_shapes, write_levels
from napari_snpore.history import stored_history
from napari_snpore.volume import Volume

OWN = "napari-snpore"
"""Key of what this package keeps in the attributes of the group."""

_CHUNK = 32
"""Edge of a chunk, the least that is read. A cube, because slices are cut along all axes: one
plane of 2048² voxels is in 4096 chunks, whichever way it lies."""

_SHARD_WIDTH = 1024
"""Edge of a shard along y and x, which is one file."""

_SHARD_DEPTHS = (64, 32)
"""Planes of a shard, of planes up to the size of a shard and of larger ones: planes stream to the
file, and are held until a shard is full."""


def write_ome_zarr(path: Path, volume: Volume) -> None:
    """Write a volume and its coarser levels while its planes stream by.

    Levels are halves of each other until the longest axis has 256 voxels: means of floating-point
    values; of whole numbers, which may be labels, every second voxel.

    Parameters
    ----------
    path : Path
        The folder.
    volume : Volume
        Any dtype of numpy's real ones; lazy arrays are computed one slab at a time.
    """
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=3)
    mean = volume.dtype.kind == "f"
    shapes = level_shapes(volume.shape)
    levels = [_ShardedLevel(group, str(k), shape, volume.dtype) for k, shape in enumerate(shapes)]
    write_levels(_slabs(volume, levels[0].depth), levels, mean=mean)
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {
                "name": path.name.split(".")[0].split("-")[-1],
                "axes": [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"],
                "datasets": [
                    {"path": str(k), "coordinateTransformations": _place(volume, factors, mean)}
                    for k, factors in enumerate(level_factors(shapes))
                ],
                **({"type": "mean" if mean else "stride"} if len(shapes) > 1 else {}),
            }
        ],
    }
    group.attrs[OWN] = {"every_chunk_written": True, **stored_history(volume.history)}


def _slabs(volume: Volume, depth: int) -> Iterator[NDArray[Any]]:
    for start in range(0, volume.shape[0], depth):
        yield np.asarray(volume.data[start : start + depth])


def _place(volume: Volume, factors: tuple[int, int, int], mean: bool) -> list[dict[str, Any]]:
    """Return scale and translation of a level in nm: the first mean is between the voxels that it is
    the mean of, the first of every second voxel where that voxel is.
    """
    scale = [size * factor for size, factor in zip(volume.spacing, factors, strict=True)]
    place = list(volume.origin)
    if mean:
        place = [
            start + size * (factor - 1) / 2
            for start, size, factor in zip(volume.origin, volume.spacing, factors, strict=True)
        ]
    return [{"type": "scale", "scale": scale}, {"type": "translation", "translation": place}]


class _ShardedLevel:
    """The array of one level. A tile is one shard, so that no two threads write the same file.

    Each is written by its own call: one call for many returns at the first error while others are
    still being written, and on a full disk they would come into a folder that is removed.
    """

    def __init__(self, group: Any, name: str, shape: tuple[int, int, int], dtype: Any) -> None:
        self.shape = shape
        chunk = [_chunk_edge(n) for n in shape]
        large = shape[1] * shape[2] > _SHARD_WIDTH**2
        most = (_SHARD_DEPTHS[large], _SHARD_WIDTH, _SHARD_WIDTH)
        shard = [
            c * max(1, min(edge // c, -(-n // c)))
            for n, c, edge in zip(shape, chunk, most, strict=True)
        ]
        self.depth, self.width = shard[0], max(shard[1:])
        self._array = group.create_array(
            name,
            shape=shape,
            chunks=tuple(chunk),
            shards=tuple(shard),
            dtype=dtype,
            compressors=_compressor(dtype),
            dimension_names=["z", "y", "x"],
            config={"write_empty_chunks": True},
        )

    def write(self, place: tuple[slice, slice, slice], values: NDArray[Any]) -> None:
        self._array[place] = values


def _chunk_edge(length: int) -> int:
    """Return the edge of the chunks along an axis; the two of a short one are alike, so that little
    of them is beyond its end. Even, because pairs of planes must not be in two slabs.

    Examples
    --------
    >>> [_chunk_edge(length) for length in (20, 40, 62, 300)]
    [20, 20, 32, 32]
    """
    if _CHUNK < length < 2 * _CHUNK:
        return 2 * -(-length // 4)
    return min(_CHUNK, length)


def _compressor(dtype: Any) -> Any:
    """Return what compresses chunks: grey values, which hold noise, to be read as fast as they can
    be; labels, which compress to a tenth, well.
    """
    from zarr.codecs import BloscCodec

    if np.dtype(dtype).kind == "f":
        return BloscCodec(cname="lz4", clevel=1, shuffle="shuffle")
    return BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle")

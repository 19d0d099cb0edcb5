"""Writing of OME-Zarr: Zarr 3 with shards, several levels of resolution, metadata of NGFF 0.5."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import run_blocks
from napari_snpore.files.chunk_reader import ABSENT, crc32c
from napari_snpore.files.resolution_levels import (
    LevelWriter,
    level_factors,
    level_shapes,
    write_levels,
)
from napari_snpore.history import stored_history
from napari_snpore.volume import Volume

OWN = "napari-snpore"
"""Key of what this package keeps in the attributes of the group."""

_CHUNK = 32
"""Edge of a chunk, the least that is read. A cube, because slices are cut along all axes: one
plane of 2048² voxels is in 4096 chunks, whichever way it lies."""

_PARTIAL = ".partial"
"""End of the name of a file while it is written."""

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
    finest = ShardedLevel.new(group, "0", volume.shape, volume.dtype)
    _write_with_coarser(group, finest, volume, path)


def complete_ome_zarr(path: Path, volume: Volume) -> None:
    """Make a folder whose array ``0`` holds the voxels of a volume into OME-Zarr: coarser levels and
    metadata.

    Parameters
    ----------
    path : Path
        The folder, a Zarr group.
    volume : Volume
        Whose voxels are read one slab at a time.
    """
    import zarr

    # a process that was lost while it wrote a block left it so; another one wrote it again
    for left in (path / "0").rglob(f"*{_PARTIAL}"):
        left.unlink(missing_ok=True)
    group = zarr.open_group(path, mode="r+")
    _write_with_coarser(group, _WrittenLevel(volume.shape), volume, path)


def _write_with_coarser(group: Any, finest: LevelWriter, volume: Volume, path: Path) -> None:
    """Write a volume, its coarser levels and the metadata into a group."""
    mean = volume.dtype.kind == "f"
    shapes = level_shapes(volume.shape)
    coarser = [
        ShardedLevel.new(group, str(k), shape, volume.dtype)
        for k, shape in enumerate(shapes[1:], 1)
    ]
    if coarser or isinstance(finest, ShardedLevel):
        write_levels(_slabs(volume, finest.depth), [finest, *coarser], mean=mean)
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


class _WrittenLevel:
    """The level of a volume that is there already: its planes only pass on to the next one."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape, self.depth, self.width = shape, _SHARD_DEPTHS[_is_large(shape)], max(shape)

    def write(self, place: tuple[slice, slice, slice], values: NDArray[Any]) -> None:
        """Do nothing."""


class ShardedLevel:
    """The array of one level, written one shard, which is one file, after the other.

    Zarr makes the array; what is in a shard is put together here, because Zarr takes three times as
    long for it as the compression. Without the module of its checksums Zarr writes them too.
    """

    def __init__(self, array: Any) -> None:
        self.array, self.shape = array, array.shape
        self._chunk, self._shard = tuple(array.chunks), tuple(array.shards)
        self.depth, self.width = self._shard[0], max(self._shard[1:])
        self._compression = _compression_of(array.dtype)
        self._folder = Path(array.store.root, array.path)

    @classmethod
    def new(
        cls,
        group: Any,
        name: str,
        shape: tuple[int, int, int],
        dtype: Any,
        shard: tuple[int, int, int] | None = None,
    ) -> ShardedLevel:
        """Make the array in a group; the default shard is for planes that stream by."""
        if shard is None:
            chunk = [_chunk_edge(n) for n in shape]
            most = (_SHARD_DEPTHS[_is_large(shape)], _SHARD_WIDTH, _SHARD_WIDTH)
            z, y, x = (
                c * max(1, min(edge // c, -(-n // c)))
                for n, c, edge in zip(shape, chunk, most, strict=True)
            )
            shard = (z, y, x)
        else:
            chunk = [_chunk_of_shard(edge) for edge in shard]
        array = group.create_array(
            name,
            shape=shape,
            chunks=tuple(chunk),
            shards=shard,
            dtype=dtype,
            compressors=_compression_of(dtype).codec(),
            dimension_names=["z", "y", "x"],
            config={"write_empty_chunks": True},
        )
        return cls(array)

    def file_of(self, number: tuple[int, ...]) -> Path:
        """Return the file of a shard by its numbers along the axes."""
        return Path(self._folder, self.array.metadata.encode_chunk_key(number))

    def write(self, place: tuple[slice, slice, slice], values: NDArray[Any]) -> None:
        """Write the part of a slab that is one shard, from its corner to its end or that of the
        array.
        """
        if crc32c is None or sys.byteorder != "little":
            self.array[place] = values
            return
        number = [one.start // size for one, size in zip(place, self._shard, strict=True)]
        file = self.file_of(tuple(number))
        file.parent.mkdir(parents=True, exist_ok=True)
        layers, *corners = (
            range(0, size, edge) for size, edge in zip(self._shard, self._chunk, strict=True)
        )
        places: list[tuple[int, int]] = []
        part = file.with_name(f"{file.name}.{os.getpid()}{_PARTIAL}")
        with part.open("wb") as opened:
            for layer in layers:
                packed = run_blocks(partial(self._packed, values), product([layer], *corners))
                for raw in packed:
                    places.append((ABSENT, ABSENT) if raw is None else (opened.tell(), len(raw)))
                    opened.write(raw or b"")
            index = np.array(places, "<u8").tobytes()
            opened.write(index + struct.pack("<I", crc32c(index)))
        part.replace(file)  # whoever reads it meanwhile reads what was there

    def _packed(self, values: NDArray[Any], corner: tuple[int, ...]) -> bytes | None:
        """Return the chunk at a corner of a shard, compressed; what is beyond the array is 0. None
        where all of it is.
        """
        part = values[tuple(slice(k, k + n) for k, n in zip(corner, self._chunk, strict=True))]
        if part.size == 0:
            return None
        if part.shape != self._chunk or not part.dtype.isnative:
            whole = np.zeros(self._chunk, part.dtype.newbyteorder("="))
            whole[tuple(map(slice, part.shape))] = part
            part = whole
        return self._compression.packed(np.ascontiguousarray(part))


_SHUFFLES = {"shuffle": 1, "bitshuffle": 2}
"""Numbers that Blosc has for them."""


@dataclass(frozen=True)
class _Compression:
    """Settings of Blosc: the compressor and its level, and which bits are put side by side first."""

    compressor: Literal["lz4", "zstd"]
    shuffle: Literal["shuffle", "bitshuffle"]
    level: int = 1

    def codec(self) -> Any:
        """Return it as Zarr's metadata have it."""
        from zarr.codecs import BloscCodec

        return BloscCodec(cname=self.compressor, clevel=self.level, shuffle=self.shuffle)

    def packed(self, chunk: Any) -> bytes:
        """Return a chunk compressed. The size of a voxel is that of the array: of bytes, none is
        put beside another.
        """
        import imagecodecs

        settings: dict[str, Any] = {"compressor": self.compressor, "level": self.level}
        shuffle = _SHUFFLES[self.shuffle]
        return bytes(imagecodecs.blosc_encode(chunk, shuffle=shuffle, numthreads=1, **settings))


_FAST = _Compression("lz4", "bitshuffle")
"""For grey values: they hold noise, which no compressor makes much smaller."""

_SMALL = _Compression("zstd", "bitshuffle")
"""For whole numbers: labels become a tenth."""


def _compression_of(dtype: Any) -> _Compression:
    return _FAST if np.dtype(dtype).kind == "f" else _SMALL


def _is_large(shape: tuple[int, int, int]) -> bool:
    """Return whether planes are larger than a shard."""
    return shape[1] * shape[2] > _SHARD_WIDTH**2


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


def _chunk_of_shard(edge: int) -> int:
    """Return the largest edge of chunks up to the usual one that divides that of a shard."""
    return next(size for size in range(min(_CHUNK, edge), 0, -1) if edge % size == 0)

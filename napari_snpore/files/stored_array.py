"""Arrays on disk that several processes write by blocks: Zarr with one shard, which is one file, for
each block.

A process opens an array by its folder, so that an array travels to another one as a few words. A
block is written into a file of its own and moved to its place: nobody reads half of it, and a block
that is written twice, because the process that wrote it first was lost, has the same bits.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_snpore.blocks import Block, inside_of
from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.chunk_reader import ChunkReader, DamagedFile
from napari_snpore.files.ome_zarr_writer import ShardedLevel
from napari_snpore.files.zarr_chunks import all_keys, compression_of

Shape = tuple[int, int, int]


class StoredArray:
    """An array (z, y, x) in a Zarr group on disk, read by slices and written by whole blocks.

    Parameters
    ----------
    group : Path
        Folder of the Zarr group.
    name : str
        Of the array in it.
    shape, block_shape : (int, int, int)
        Voxels of the array and of a block, which is one file.
    dtype : dtype
        Of the voxels.
    """

    shared = True
    ndim = 3

    def __init__(
        self, group: Path, name: str, shape: Shape, block_shape: Shape, dtype: DTypeLike
    ) -> None:
        self.group, self.name = group, name
        self.shape, self.block_shape, self.dtype = shape, block_shape, np.dtype(dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        about = (self.group, self.name, self.shape, self.block_shape, self.dtype)
        return StoredArray, about

    def another(self) -> StoredArray:
        """Make an array of the same shape and dtype beside this one, for what is kept meanwhile."""
        numbers = (f"{self.name}-{k}" for k in itertools.count(1))
        name = next(one for one in numbers if not (self.group / one).exists())
        return make_array(self.group, name, self.shape, self.block_shape, self.dtype)

    def moved(self, folder: Path, to: Path) -> StoredArray:
        """Return the array where it is once a folder that it lies in was moved."""
        place = to / self.group.relative_to(folder)
        return StoredArray(place, self.name, self.shape, self.block_shape, self.dtype)

    def remove(self) -> None:
        """Remove the array from the disk."""
        shutil.rmtree(self.group / self.name, ignore_errors=True)

    @cached_property
    def _level(self) -> ShardedLevel:
        import zarr

        return ShardedLevel(zarr.open_array(self.group / self.name, mode="r+"))

    @cached_property
    def _reader(self) -> ChunkReader:
        stored = self._level.array
        return ChunkReader(stored, self._file_at, *compression_of(stored, self.group))

    def _file_at(self, place: tuple[int, ...]) -> tuple[Path, int, int]:
        file = self._level.file_of(place)
        try:
            about = os.stat(file)
        except FileNotFoundError:
            raise DamagedFile(file) from None
        return file, about.st_size, about.st_mtime_ns

    def __getitem__(self, key: Any) -> NDArray[Any]:
        keys = all_keys((slice(None),) if key is Ellipsis else key, self.shape)
        if keys is None or any(not isinstance(k, int) and (k.step or 1) < 0 for k in keys):
            raise InputError(f"{key} selects no box of an array on disk.")
        try:
            return self._reader.read(keys)
        except DamagedFile as error:
            raise FileFormatError(
                f"{error.args[0]} is missing or damaged: another program changed it."
            ) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def __setitem__(self, block: Block, values: Any) -> None:
        """Write one block or several, each from its corner to its end or that of the array."""
        given = np.broadcast_to(values, [part.stop - part.start for part in block])
        for one in self._whole_blocks(block):
            self._level.write(one, np.ascontiguousarray(given[inside_of(one, block)], self.dtype))

    def _whole_blocks(self, block: Sequence[slice]) -> list[tuple[slice, slice, slice]]:
        axes = []
        for part, edge, length in zip(block, self.block_shape, self.shape, strict=True):
            if part.start % edge or (part.stop % edge and part.stop != length):
                raise InputError(f"{block} are no whole blocks of {self.block_shape} voxels.")
            axes.append(
                [slice(k, min(k + edge, length)) for k in range(*part.indices(length)[:2], edge)]
            )
        return [(z, y, x) for z, y, x in itertools.product(*axes)]


def make_array(
    group: Path, name: str, shape: Shape, block_shape: Shape, dtype: DTypeLike
) -> StoredArray:
    """Make an array in a Zarr group, and the group where it is not there; no block is written."""
    import zarr

    opened = zarr.open_group(group, mode="a", zarr_format=3)
    ShardedLevel.new(opened, name, shape, np.dtype(dtype), block_shape)
    return StoredArray(group, name, shape, block_shape, dtype)

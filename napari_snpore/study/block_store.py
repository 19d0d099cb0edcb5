"""Where a run by blocks keeps the arrays that have the size of its volume: OME-Zarr in the folder of
the result, and Zarr beside it for what is removed at the end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from napari_snpore.blocks import grid_of
from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.files.ome_zarr_writer import complete_ome_zarr
from napari_snpore.files.stored_array import StoredArray, make_array
from napari_snpore.scratch import ScratchSpace
from napari_snpore.volume import Volume

BLOCK_BYTES = 40.0
"""Bytes per voxel of a block that a step is counted on to take; 25 were measured at 256³ and 512³."""

_SHARE = 0.5
"""Of the memory, for the blocks that are in work."""

_LARGEST, _LEAST = (64, 1024, 1024), 32
"""Voxels of a block that is one file: few files, of planes that are read as a slab; and the least
edge."""

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class BlockStore(ScratchSpace):
    """Arrays on disk, written block by block; those of :meth:`empty` are removed at the end.

    Attributes
    ----------
    volumes : Path
        Folder of the results.
    block_shape : (int, int, int)
        Voxels of a block along (z, y, x).
    """

    volumes: Path = Path()
    block_shape: Shape = (_LEAST, _LEAST, _LEAST)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Any:
        """Return an array for what is kept meanwhile."""
        return self.empty_in_blocks(shape, self.block_shape, dtype)

    def empty_in_blocks(
        self, shape: Sequence[int], block_shape: Sequence[int], dtype: DTypeLike
    ) -> StoredArray:
        """Return an array for what is kept meanwhile, of blocks of its own."""
        assert self.folder is not None
        group = self.folder / "blocks.zarr"
        name = next(str(k) for k in itertools.count() if not (group / str(k)).exists())
        return make_array(group, name, _triple(shape), _triple(block_shape), dtype)

    def result(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> StoredArray:
        """Return an array that becomes a volume of the result, by :meth:`complete`."""
        path = self.path_of(name)
        path.parent.mkdir(exist_ok=True)
        return make_array(path, "0", _triple(shape), self.block_shape, dtype)

    def in_blocks(self, data: Any, target: StoredArray, should_stop: ShouldStop | None) -> None:
        """Write an array into one that is written by blocks."""
        for block in grid_of(target).blocks:
            check_stop(should_stop)
            target[block] = np.asarray(data[block])

    def path_of(self, name: str) -> Path:
        """Return the folder of a volume of the result."""
        return self.volumes / f"{name}.ome.zarr"

    def complete(self, name: str, volume: Volume) -> None:
        """Make OME-Zarr of an array of :meth:`result`: coarser levels, place and history."""
        complete_ome_zarr(self.path_of(name), volume)


def bytes_in_work(block_shape: Sequence[int], at_a_time: int) -> float:
    """Return the memory in which so many blocks can be worked on."""
    return math.prod(block_shape) * BLOCK_BYTES * at_a_time / _SHARE


def usual_block_shape(shape: Sequence[int], memory: float, at_a_time: int) -> Shape:
    """Return the largest blocks of which so many take no more than half of the memory.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume.
    memory : float
        Bytes that may be used.
    at_a_time : int
        Blocks in work together.

    Examples
    --------
    >>> usual_block_shape((2048, 2048, 2048), 4e9, 2)
    (64, 512, 512)
    >>> usual_block_shape((48, 40, 300), 1e6, 2)
    (32, 32, 32)
    """
    edges = [min(most, _LEAST * -(-n // _LEAST)) for n, most in zip(shape, _LARGEST, strict=True)]
    while bytes_in_work(edges, at_a_time) > memory and max(edges) > _LEAST:
        longest = max(range(3), key=lambda axis: (edges[axis], axis == 1))
        edges[longest] = max(_LEAST, edges[longest] // 2 // _LEAST * _LEAST)
    return _triple(edges)


def _triple(shape: Sequence[int]) -> Shape:
    z, y, x = (int(n) for n in shape)
    return z, y, x

"""Kernel of shortest paths (Dijkstra's algorithm) over faces, edges and corners of voxels.

The heap lives in the caller's arrays, so that the search can be left after some voxels and taken up
again: a library's call would hold the interpreter for all of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

FLOAT = NDArray[np.float64]
INTS = NDArray[np.int64]


@kernel
def _rise(heap: INTS, where: INTS, lengths: FLOAT, place: int) -> None:
    voxel = heap[place]
    while place > 0:
        above = (place - 1) // 2
        if lengths[heap[above]] <= lengths[voxel]:
            break
        heap[place] = heap[above]
        where[heap[place]] = place
        place = above
    heap[place] = voxel
    where[voxel] = place


@kernel
def _sink(heap: INTS, where: INTS, lengths: FLOAT, count: int) -> None:
    place, voxel = 0, heap[0]
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and lengths[heap[below + 1]] < lengths[heap[below]]:
            below += 1
        if lengths[heap[below]] >= lengths[voxel]:
            break
        heap[place] = heap[below]
        where[heap[place]] = place
        place = below
    heap[place] = voxel
    where[voxel] = place


@kernel
def extend_paths(
    open_to: NDArray[np.uint8],
    steps: INTS,
    ways: FLOAT,
    lengths: FLOAT,
    heap: INTS,
    where: INTS,
    count: int,
    voxels: int,
) -> int:
    """Settle up to ``voxels`` voxels, the nearest first; return how many wait in the heap.

    Parameters
    ----------
    open_to : flat array, with a rim of 0 around the box
        Where paths may run.
    steps, ways : int64 and float64, shape (neighbour,)
        Distance in the flat array, and in nm, of each neighbour.
    lengths : float64
        Length of the shortest path found so far; inf without one.
    heap, where : int64
        Voxels that wait, and the place of each in the heap, −1 without one.
    count : int
        Number of those that wait.
    """
    for _ in range(voxels):
        if count == 0:
            break
        voxel = heap[0]
        where[voxel] = -1
        count -= 1
        if count > 0:
            heap[0] = heap[count]
            _sink(heap, where, lengths, count)
        length = lengths[voxel]
        for k in range(len(steps)):
            near = voxel + steps[k]
            if open_to[near] and length + ways[k] < lengths[near]:
                lengths[near] = length + ways[k]
                if where[near] < 0:
                    where[near] = count
                    heap[count] = near
                    count += 1
                _rise(heap, where, lengths, where[near])
    return count

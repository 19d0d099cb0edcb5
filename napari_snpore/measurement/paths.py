"""Lengths of the shortest paths through a mask."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.measurement._path_kernels import extend_paths
from napari_snpore.volume import Triple

_PIECE = 100_000
"""Voxels settled between two looks at ``should_stop``: a tenth of a second."""


def path_lengths(
    open_to: NDArray[np.bool_],
    starts: NDArray[np.bool_],
    voxel: Triple,
    *,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float64]:
    """Return the length (nm) of the shortest path from the nearest start to each voxel, through
    open voxels.

    Paths run from centre to centre over faces, edges and corners (Dijkstra's algorithm).

    Parameters
    ----------
    open_to, starts : array, bool, shape (z, y, x)
        Where paths may run and begin; a start that is not open counts for nothing.
    voxel : (float, float, float)
        Voxel size in nm.
    should_stop : callable, optional
        Asked every tenth of a second or so.

    Returns
    -------
    array, float64, shape (z, y, x)
        Infinite where no path ends.

    Examples
    --------
    >>> row = np.array([[[True, True, True, False]]])
    >>> start = np.array([[[True, False, False, False]]])
    >>> path_lengths(row, start, (1.0, 1.0, 2.0)).tolist()
    [[[0.0, 2.0, 4.0, inf]]]
    """
    around = np.pad(open_to, 1).astype(np.uint8)  # the rim ends every path
    strides = (around.shape[1] * around.shape[2], around.shape[2], 1)
    neighbors = [np.array(n) for n in itertools.product((-1, 0, 1), repeat=3) if any(n)]
    steps = np.array([int(n @ strides) for n in neighbors], np.int64)
    ways = np.array([float(np.linalg.norm(n * voxel)) for n in neighbors])
    lengths = np.full(around.size, np.inf)
    where = np.full(around.size, -1, np.int64)
    first = np.flatnonzero(np.pad(starts & open_to, 1))
    lengths[first] = 0
    where[first] = np.arange(len(first))
    heap = np.empty(max(int(np.count_nonzero(around)), 1), np.int64)
    heap[: len(first)] = first
    count = len(first)
    while count:
        check_stop(should_stop)
        count = extend_paths(around.reshape(-1), steps, ways, lengths, heap, where, count, _PIECE)
    return np.ascontiguousarray(lengths.reshape(around.shape)[1:-1, 1:-1, 1:-1])

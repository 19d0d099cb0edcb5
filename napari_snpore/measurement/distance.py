"""Exact distance from the voxels of a mask to the nearest voxel outside.

An own kernel, because a library's call cannot be stopped and holds the interpreter, and with it the
window, until it ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.measurement._distance_kernels import ROOM, minimum_along, squares_along_x
from napari_snpore.volume import Triple

_BLOCK_VOXELS = 2**18
"""Voxels of one block of work: some ten milliseconds."""


def distance_map(
    inside: NDArray[np.bool_],
    voxel: Triple,
    *,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return the distance (nm) from the centre of each voxel inside to that of the nearest voxel
    outside.

    Parameters
    ----------
    inside : array, bool, shape (z, y, x)
        Never changed. Beyond the box nothing is outside: its faces are no boundary.
    voxel : (float, float, float)
        Voxel size in nm.
    threads : int, optional
        Default :func:`napari_snpore.threads.thread_count`.
    should_stop : callable, optional
        Asked every few ten milliseconds.

    Returns
    -------
    array, float32, shape (z, y, x)
        0 outside; infinite everywhere where nothing is outside. The same distance in voxels gives
        the same number, at any place and in any direction of cubic voxels.

    Raises
    ------
    Stopped
        ``should_stop`` returned true.

    Examples
    --------
    >>> row = np.array([[[False, True, True, True]]])
    >>> distance_map(row, (1.0, 1.0, 0.5)).tolist()
    [[[0.0, 0.5, 1.0, 1.5]]]
    """
    mask = np.ascontiguousarray(inside)
    depth, height, width = mask.shape
    out = np.empty(mask.shape, np.float32)
    if mask.size == 0:
        return out
    unit = min(voxel)  # squares of whole numbers are exact
    steps = tuple(size / unit for size in voxel)
    flat, rows = out.reshape(-1), out.reshape(-1, width)
    rows_inside = mask.reshape(-1, width)

    def in_planes(planes: tuple[int, int]) -> None:
        first, last = planes
        squares_along_x(rows_inside, first * height, last * height, steps[2], rows)
        room = np.empty((ROOM, height))
        for z in range(first, last):
            minimum_along(flat, z * height * width, width, height, width, steps[1], 0.0, room)

    def across_planes(lines: tuple[int, int]) -> None:
        first, last = lines
        minimum_along(
            flat,
            first * width,
            height * width,
            depth,
            (last - first) * width,
            steps[0],
            unit,
            np.empty((ROOM, depth)),
        )

    for work, count, each in (
        (in_planes, depth, height * width),
        (across_planes, height, depth * width),
    ):
        few = max(1, _BLOCK_VOXELS // max(each, 1))
        blocks = [(first, min(first + few, count)) for first in range(0, count, few)]
        run_blocks(work, blocks, threads=threads, should_stop=should_stop)
    return out

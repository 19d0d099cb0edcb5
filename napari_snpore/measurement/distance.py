"""Exact distance from the voxels of a mask to the nearest voxel outside.

An own kernel, because a library's call cannot be stopped and holds the interpreter, and with it the
window, until it ends.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import plane_depth
from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.measurement._distance_kernels import ROOM, minimum_along, squares_along_x
from napari_snpore.volume import Triple

_BLOCK_VOXELS = 2**18
"""Voxels of one block of work: some ten milliseconds."""

_SLAB_VOXELS = 2**27
"""Most voxels of an array on disk that a thread reads together."""


def distance_map(
    inside: Any,
    voxel: Triple,
    *,
    out: NDArray[np.float32] | None = None,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return the distance (nm) from the centre of each voxel inside to that of the nearest voxel
    outside.

    Parameters
    ----------
    inside : array, bool, shape (z, y, x)
        Read slab by slab of planes, and never changed. Beyond the box nothing is outside: its faces are
        no boundary.
    voxel : (float, float, float)
        Voxel size in nm.
    out : array, float32, same shape, optional
        Where the distances are written; a mapped file for a volume larger than memory. Default: a new
        array.
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
    depth, height, width = inside.shape
    found = np.empty(inside.shape, np.float32) if out is None else out
    if found.size == 0:
        return found
    unit = min(voxel)  # squares of whole numbers are exact
    steps = tuple(size / unit for size in voxel)
    # a mapped file is an array like any other to the kernels
    flat = found.view(np.ndarray).reshape(-1)

    def in_planes(planes: tuple[int, int]) -> None:
        first, last = planes
        rows_inside = np.ascontiguousarray(inside[first:last], np.bool_).reshape(-1, width)
        rows = flat[first * height * width : last * height * width].reshape(-1, width)
        squares_along_x(rows_inside, 0, len(rows), steps[2], rows)
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

    # whole blocks of an array on disk, as far as a slab of them is no burden
    together = max(min(plane_depth(inside), _SLAB_VOXELS // max(height * width, 1)), 1)
    begin = getattr(inside, "rim", (0,))[0]  # where the first block begins
    for work, count, each, least, start in (
        (in_planes, depth, height * width, together, begin),
        (across_planes, height, depth * width, 1, 0),
    ):
        few = max(_BLOCK_VOXELS // max(each, 1) // least, 1) * least
        cuts = sorted({0, *range(start + few, count, few), count})
        run_blocks(work, list(pairwise(cuts)), threads=threads, should_stop=should_stop)
    return found

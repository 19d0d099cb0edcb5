"""Kernels of the distance map: each voxel's squared distance to the nearest voxel outside, one axis
after the other.

Along x distances are counted. Along y and z the least of all parabolas "square at another voxel +
squared way from there" is their lower envelope, found in one scan (Felzenszwalb and Huttenlocher,
doi 10.4086/toc.2012.v008a019). A voxel outside ends every parabola from beyond it, so that each run
of voxels inside has an envelope of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel, part_of_kernel

FLOAT32 = NDArray[np.float32]
FLOAT = NDArray[np.float64]

_COLUMNS = 16
"""Columns that are read together: one line of the cache."""

ROOM = _COLUMNS + 3
"""Lines of working memory of :func:`minimum_along`: the columns and an envelope."""


@kernel
def squares_along_x(
    inside: NDArray[np.bool_], first: int, last: int, step: float, squares: FLOAT32
) -> None:
    """Write the squared way along x to the nearest voxel outside for rows ``first`` to ``last`` of
    (row, x); inf without one.
    """
    width = inside.shape[1]
    for row in range(first, last):
        way = np.inf
        for x in range(width):
            way = way + step if inside[row, x] else 0.0
            squares[row, x] = way * way
        way = np.inf
        for x in range(width - 1, -1, -1):
            way = way + step if inside[row, x] else 0.0
            squares[row, x] = min(squares[row, x], np.float32(way * way))


@part_of_kernel
def _run_minimum(
    squares: FLOAT,
    first: int,
    last: int,
    length: int,
    step: float,
    places: FLOAT,
    heights: FLOAT,
    starts: FLOAT,
) -> None:
    """Replace ``squares[first:last]``, a run inside, by the lower envelope of its parabolas and of
    those of the voxels outside at its ends.

    places, heights, starts : vertices of the envelope's parabolas and where each begins; scratch.
    """
    area = step * step
    count = 0
    begin = first - 1 if first > 0 else first
    end = last + 1 if last < length else last
    for place in range(begin, end):
        height = squares[place] / area
        if height == np.inf:
            continue
        start = -np.inf
        while count > 0:
            before = places[count - 1]
            start = (height - heights[count - 1] + (place - before) * (place + before)) / (
                2.0 * (place - before)
            )
            if start > starts[count - 1]:
                break
            count -= 1
            start = -np.inf
        places[count], heights[count], starts[count] = place, height, start
        count += 1
    if count == 0:
        return
    current = 0
    for place in range(first, last):
        while current + 1 < count and starts[current + 1] < place:
            current += 1
        way = place - places[current]
        squares[place] = area * (heights[current] + way * way)


@kernel
def minimum_along(
    squares: FLOAT32,
    base: int,
    stride: int,
    length: int,
    columns: int,
    step: float,
    unit: float,
    room: FLOAT,
) -> None:
    """Take the minimum along an axis, in place, of ``columns`` neighbouring columns of ``length``
    voxels, ``stride`` apart, of the flat array.

    unit : the roots are taken and multiplied by it; 0: squares stay. room : working memory,
    (``ROOM``, length).
    """
    places, heights, starts = room[_COLUMNS], room[_COLUMNS + 1], room[_COLUMNS + 2]
    for left in range(0, columns, _COLUMNS):
        wide = min(_COLUMNS, columns - left)
        for i in range(length):
            at = base + left + i * stride
            for c in range(wide):
                room[c, i] = squares[at + c]
        for c in range(wide):
            column = room[c]
            start = 0
            while start < length:
                if column[start] == 0.0:
                    start += 1
                    continue
                last = start + 1
                while last < length and column[last] > 0.0:
                    last += 1
                _run_minimum(column, start, last, length, step, places, heights, starts)
                start = last
        for i in range(length):
            at = base + left + i * stride
            for c in range(wide):
                value = room[c, i]
                squares[at + c] = np.sqrt(value) * unit if unit > 0.0 else value

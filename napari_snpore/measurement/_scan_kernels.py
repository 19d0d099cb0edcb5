"""Sums, boxes, surface crossings and row ends of all objects, from one reading of the labels:
serial kernels.

A run is a row's longest stretch of one label; what a run adds to sums and crossings has a closed
form or is one counting loop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]

COUNT, ROWS = 0, 1
SUMS, MOMENTS, LOW, HIGH, EXITS = 2, 5, 11, 14, 17
"""First columns of: Σ(z, y, x); Σ(zz, yy, xx, zy, zx, yx); smallest and greatest index; exits along
13 directions.
"""
COLUMNS = 30

DIRECTIONS = ((0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1), (1, -1, -1), (1, -1, 0), (1, -1, 1), (1, 0, -1), (1, 0, 0), (1, 0, 1),
              (1, 1, -1), (1, 1, 0), (1, 1, 1))  # fmt: skip
"""The 13 directions (z, y, x) of the 3 × 3 × 3 neighbourhood, in the order of the exit columns."""


@kernel
def scan_slab(
    flat: NDArray[np.uint32],
    shape: tuple[int, int, int],
    first: int,
    planes: int,
    base: int,
    last_row: Ints,
    table: Ints,
) -> None:
    """Add the statistics of the labels from ``base`` on to a table of zeros, shape (label,
    COLUMNS).

    flat: labels (planes or planes + 1, y, x) in C order, from plane ``first`` of the volume on; a
    further plane is only looked at as the next neighbour, without it the volume ends there.
    last_row (label,): −1 before.
    """
    depth, height, width = shape
    for line in range(planes * height):
        layer, y = line // height, line % height
        z = first + layer
        at, end = line * width, (line + 1) * width
        while True:
            # most rows are nearly empty, so 16 are read at once
            while at + 16 <= end:
                some = flat[at]
                for k in range(1, 16):
                    some |= flat[at + k]
                if some != 0:
                    break
                at += 16
            while at < end and flat[at] == 0:
                at += 1
            if at == end:
                break
            label, begin = flat[at], at
            while at < end and flat[at] == label:
                at += 1
            own = label - base
            n, start, stop = at - begin, begin - line * width, at - 1 - line * width
            if last_row[own] < 0:
                table[own, LOW], table[own, LOW + 1], table[own, LOW + 2] = z, y, start
                table[own, HIGH], table[own, HIGH + 1], table[own, HIGH + 2] = z, y, stop
            if last_row[own] != line:
                last_row[own] = line
                table[own, ROWS] += 1
            sum_x = n * (start + stop) // 2
            # Σ k² up to m is m (m + 1)(2 m + 1) / 6
            sum_xx = stop * (stop + 1) * (2 * stop + 1) - (start - 1) * start * (2 * start - 1)
            table[own, COUNT] += n
            table[own, SUMS] += n * z
            table[own, SUMS + 1] += n * y
            table[own, SUMS + 2] += sum_x
            table[own, MOMENTS] += n * z * z
            table[own, MOMENTS + 1] += n * y * y
            table[own, MOMENTS + 2] += sum_xx // 6
            table[own, MOMENTS + 3] += n * z * y
            table[own, MOMENTS + 4] += z * sum_x
            table[own, MOMENTS + 5] += y * sum_x
            # rows come in order of z, then y
            table[own, HIGH] = z
            if y < table[own, LOW + 1]:
                table[own, LOW + 1] = y
            if start < table[own, LOW + 2]:
                table[own, LOW + 2] = start
            if y > table[own, HIGH + 1]:
                table[own, HIGH + 1] = y
            if stop > table[own, HIGH + 2]:
                table[own, HIGH + 2] = stop
            # voxels of the run with a neighbour of another label: x + 1 in its own row; x − 1, x,
            # x + 1 in the next row, and in the three of the next plane
            table[own, EXITS] += 1
            for k in range(4):
                column = EXITS + 1 + 3 * k
                beyond, beside = (layer, y + 1) if k == 0 else (layer + 1, y - 2 + k)
                same = before = after = leftmost = rightmost = 0
                if beyond < depth and beside >= 0 and beside < height:
                    row = (beyond * height + beside) * width
                    for i in range(row + start, row + stop + 1):
                        same += flat[i] == label
                    leftmost = int(flat[row + start] == label)
                    rightmost = int(flat[row + stop] == label)
                    before = int(start > 0 and flat[row + start - 1] == label)
                    after = int(stop + 1 < width and flat[row + stop + 1] == label)
                table[own, column] += n - (same - rightmost + before)
                table[own, column + 1] += n - same
                table[own, column + 2] += n - (same - leftmost + after)


@kernel
def fill_rows(
    flat: NDArray[np.uint32],
    height: int,
    width: int,
    first: int,
    base: int,
    last_row: Ints,
    cursor: Ints,
    rows: NDArray[np.int32],
) -> None:
    """Write (z, y, smallest x, greatest x) of each object's rows from ``rows[cursor[label -
    base]]`` on; the cursor moves on.

    flat: labels (planes, y, x) in C order, from plane ``first`` of the volume on. last_row
    (label,): −1 before.
    """
    for line in range(flat.size // width):
        at, end = line * width, (line + 1) * width
        while True:
            while at + 16 <= end:  # as in scan_slab
                some = flat[at]
                for k in range(1, 16):
                    some |= flat[at + k]
                if some != 0:
                    break
                at += 16
            while at < end and flat[at] == 0:
                at += 1
            if at == end:
                break
            label, begin = flat[at], at
            while at < end and flat[at] == label:
                at += 1
            own = label - base
            place = cursor[own]
            if last_row[own] != line:
                last_row[own] = line
                rows[place, 0], rows[place, 1] = first + line // height, line % height
                rows[place, 2] = begin - line * width
                place += 1
                cursor[own] = place
            rows[place - 1, 3] = at - 1 - line * width
